/* SPDX-License-Identifier: Apache-2.0
 *
 * Flatten: a statement is copied with every name bound. A bare name in an expression is the value
 * of an index when the equation uses it as an axis, else a constant, else a scalar tensor, else a
 * declared axis; what is left stays a name until the symbols are known (resolve_finish.c).
 */
#include "check/resolve.h"

#include <math.h>

/* ---- axes of an equation ---- */

bool resolve_is_declared_axis(const resolver *r, const char *name)
{
    return ftl_map_find(&r->m->axis_stmt, FTL_KEY(name), NULL) ||
           ftl_map_find(&r->m->domain_by_name, FTL_KEY(name), NULL);
}

static bool is_axis(const resolve_eq *e, const char *name)
{
    return resolve_is_marked(e->r, e->stamp, name);
}

/* A constant in an index is a number, unless an axis has that name. */
static resolve_constant *find_index_constant(const resolve_eq *e, const char *name)
{
    if (resolve_is_declared_axis(e->r, name))
        return NULL;
    return resolve_find_constant(e->r, e->scope->module, name);
}

static void put_axis(resolve_eq *e, const char *name)
{
    if (!name || find_index_constant(e, name))
        return;
    resolve_mark(e->r, e->stamp, name);
    if (e->scope->instance)
        resolve_mark(e->r, e->stamp, resolve_rename(e, name));
}

static void collect_axes(resolve_eq *e, const ftl_node *n);

static void collect_indices(resolve_eq *e, const ftl_node *n)
{
    for (size_t i = 0; i < n->indices.len; i++) {
        const ftl_index *ix = &n->indices.data[i];
        for (size_t k = 0; k < ix->terms.len; k++)
            put_axis(e, ix->terms.data[k].name);
        if (ix->kind == FTL_INDEX_DIV || ix->kind == FTL_INDEX_SLICE)
            put_axis(e, ix->name);
        if (ix->gather)
            collect_axes(e, ix->gather);
    }
}

static bool is_parity(const ftl_node *n)
{
    ftl_builtin b;
    return n->args.len == 1 && n->args.data[0]->kind == FTL_NODE_NAME &&
           ftl_builtin_find(n->name, &b) && (b == FTL_BUILTIN_EVEN || b == FTL_BUILTIN_ODD);
}

static void collect_axes(resolve_eq *e, const ftl_node *n)
{
    bool is_call = n->kind == FTL_NODE_CALL || (n->kind == FTL_NODE_REF && resolve_is_call(e, n));
    if (is_call && is_parity(n))
        put_axis(e, n->args.data[0]->name);
    if (n->kind == FTL_NODE_REF && !is_call) {
        collect_indices(e, n);
        return;
    }
    for (size_t i = 0; i < n->args.len; i++)
        collect_axes(e, n->args.data[i]);
    for (size_t i = 0; i < n->kwargs.len; i++)
        if (n->kwargs.data[i].value)
            collect_axes(e, n->kwargs.data[i].value);
}

const char *resolve_rename(const resolve_eq *e, const char *name)
{
    const resolve_instance *instance = e->scope->instance;
    if (!instance || !name)
        return name;
    if (resolve_is_declared_axis(e->r, name) &&
        !ftl_map_find(&instance->fn->dims, FTL_KEY(name), NULL))
        return name;
    const char *text = ftl_arena_printf(e->r->m->arena, "%s.%s", instance->fn->stmt->name, name);
    return ftl_intern_cstr(e->r->m->names, text);
}

/* ---- indices ---- */

static bool take_constant(resolve_eq *e, const resolve_constant *c, ftl_span span, int64_t *out)
{
    if (c->state == RESOLVE_FAILED)
        return false;
    if (c->text || c->number != floor(c->number) || fabs(c->number) > 0x1p52) {
        ftl_diag_error(e->r->m->diags, FTL_E_CONSTANT, span,
                       "'%s' is not a whole number and cannot be an index", c->stmt->name);
        return false;
    }
    *out = (int64_t)c->number;
    return true;
}

/* K*i, i, 3, n: constants become numbers. */
static bool resolve_term(resolve_eq *e, const ftl_index_term *in, ftl_index_term *out)
{
    const char *names[2] = {in->factor, in->name};
    int64_t number = in->has_number ? in->number : 1;
    const char *axis = NULL;
    for (int i = 0; i < 2; i++) {
        resolve_constant *c = names[i] ? find_index_constant(e, names[i]) : NULL;
        int64_t value;
        if (c && !take_constant(e, c, in->span, &value))
            return false;
        if (c && (__builtin_mul_overflow(number, value, &number) || number > INT64_C(1) << 52 ||
                  number < -(INT64_C(1) << 52))) {
            ftl_diag_error(e->r->m->diags, FTL_E_RANGE, in->span, "this index is too large");
            return false;
        }
        if (names[i] && !c && axis) {
            ftl_diag_error(
                e->r->m->diags, FTL_E_CONSTANT, in->span,
                "an index multiplies an axis with a constant; neither '%s' nor '%s' is one",
                in->factor, in->name);
            return false;
        }
        if (names[i] && !c)
            axis = names[i];
    }
    *out = (ftl_index_term){.sign = in->sign, .span = in->span, .number = number};
    out->name = resolve_rename(e, axis);
    out->has_number = !axis || number != 1;
    return true;
}

static bool resolve_affine(resolve_eq *e, const ftl_index *in, ftl_index *out)
{
    ftl_index_term *terms = FTL_NEW_ARRAY(e->r->m->arena, ftl_index_term, in->terms.len);
    for (size_t i = 0; i < in->terms.len; i++)
        if (!resolve_term(e, &in->terms.data[i], &terms[i]))
            return false;
    out->terms.data = terms;
    return true;
}

static ftl_node *make_number(resolve_eq *e, double x, ftl_span span)
{
    ftl_node *n = FTL_NEW(e->r->m->arena, ftl_node);
    n->kind = FTL_NODE_NUMBER;
    n->number = x;
    n->span = n->name_span = span;
    n->height = 1;
    return n;
}

static bool resolve_bound(resolve_eq *e, ftl_node **part, const char *what)
{
    double x;
    if (!*part)
        return true;
    resolve_wish wish = {e->scope->module, *part, (*part)->span, what};
    if (!resolve_number(e->r, &wish, &x))
        return false;
    *part = make_number(e, x, (*part)->span);
    return true;
}

/* Tok[p] as an index; a number that stands for a function's parameter is a place. */
static bool resolve_gather(resolve_eq *e, ftl_index *out)
{
    ftl_node *n = resolve_expr(e, out->gather);
    if (!n)
        return false;
    if (n->kind == FTL_NODE_REF) {
        out->gather = n;
        return true;
    }
    if (n->kind != FTL_NODE_NUMBER || n->number != floor(n->number) || fabs(n->number) > 0x1p52) {
        ftl_diag_error(e->r->m->diags, FTL_E_AXIS, out->span,
                       "an index is a name, a number or a tensor");
        return false;
    }
    ftl_index_term *term = FTL_NEW(e->r->m->arena, ftl_index_term);
    *term = (ftl_index_term){
        .sign = 1, .has_number = true, .number = (int64_t)n->number, .span = out->span};
    out->kind = FTL_INDEX_AFFINE;
    out->gather = NULL;
    out->terms.data = term;
    out->terms.len = out->terms.cap = 1;
    return true;
}

static bool resolve_index(resolve_eq *e, const ftl_index *in, ftl_index *out)
{
    *out = *in;
    switch (in->kind) {
    case FTL_INDEX_AFFINE:
        return resolve_affine(e, in, out);
    case FTL_INDEX_DIV:
        out->name = resolve_rename(e, in->name);
        return resolve_bound(e, &out->divisor, "the size of a block");
    case FTL_INDEX_SLICE:
        out->name = resolve_rename(e, in->name);
        return resolve_bound(e, &out->start, "a slice bound") &&
               resolve_bound(e, &out->stop, "a slice bound") &&
               resolve_bound(e, &out->step, "the step of a slice");
    case FTL_INDEX_GATHER:
        return resolve_gather(e, out);
    default:
        return true;
    }
}

bool resolve_indices(resolve_eq *e, const ftl_node *in, ftl_node *out)
{
    bool sound = true;
    out->indices.len = out->indices.cap = in->indices.len;
    out->indices.data = FTL_NEW_ARRAY(e->r->m->arena, ftl_index, in->indices.len);
    for (size_t i = 0; i < in->indices.len; i++)
        sound &= resolve_index(e, &in->indices.data[i], &out->indices.data[i]);
    return sound;
}

/* ---- references ---- */

ftl_node *resolve_make_ref(resolver *r, uint32_t tensor, ftl_span span)
{
    ftl_node *n = FTL_NEW(r->m->arena, ftl_node);
    n->kind = FTL_NODE_REF;
    n->name = r->m->tensors.data[tensor].name;
    n->paren = r->m->tensors.data[tensor].is_boolean;
    n->span = n->name_span = span;
    n->height = 1;
    return n;
}

void resolve_put_axis(resolver *r, ftl_node *ref, const char *name)
{
    ftl_index *ix = FTL_VEC_PUSH(r->m->arena, &ref->indices);
    ftl_index_term *term = FTL_VEC_PUSH(r->m->arena, &ix->terms);
    ix->kind = FTL_INDEX_AFFINE;
    ix->span = term->span = ref->span;
    term->sign = 1;
    term->name = name;
}

/* A name that the program does not define: an input, if the caller gives one. */
static uint32_t add_undefined(resolve_eq *e, const ftl_node *n)
{
    resolver *r = e->r;
    resolve_scope *top = r->modules.data[0]->top;
    uint32_t tensor, time_place;
    if (!resolve_find_tensor(top, n->name, &tensor)) {
        tensor = resolve_add_tensor(r, n->name, n->span);
        ftl_map_put(&top->tensors, FTL_KEY(n->name), tensor);
        ftl_tensor_decl *t = &r->m->tensors.data[tensor];
        t->rank = resolve_count_places(n, &time_place);
        t->has_time = time_place != UINT32_MAX;
        t->time_place = t->has_time ? time_place : 0;
        r->tensors.data[tensor].names = n;
    }
    return tensor;
}

static const char *write_indices(resolver *r, const ftl_tensor_decl *t)
{
    uint32_t n = t->rank + t->has_time;
    return ftl_arena_printf(r->m->arena, "%u %s", n, n == 1 ? "index" : "indices");
}

/* Rank and virtual time as the definitions have them. */
static bool check_use(resolve_eq *e, uint32_t tensor, const ftl_node *n)
{
    resolver *r = e->r;
    ftl_tensor_decl *t = &r->m->tensors.data[tensor];
    const resolve_tensor *extra = &r->tensors.data[tensor];
    uint32_t time_place, rank = resolve_count_places(n, &time_place);
    bool has_time = time_place != UINT32_MAX;
    ftl_diag *d;
    if (extra->is_poisoned)
        return false;
    if (has_time != t->has_time || (has_time && time_place != t->time_place)) {
        d = ftl_diag_error(r->m->diags, FTL_E_TIME, n->span,
                           t->has_time ? "'%s' changes with virtual time and is read without it"
                                       : "'%s' is read at virtual time but has none",
                           t->name);
        if (t->has_time)
            ftl_diag_hint(r->m->diags, d, "its index %u is virtual time: *t is the newest step",
                          t->time_place + 1);
    } else if (extra->is_defined && rank != t->rank) {
        d = ftl_diag_error(r->m->diags, FTL_E_RANK, n->span, "'%s' has %s, here %zu %s given",
                           t->name, write_indices(r, t), n->indices.len,
                           n->indices.len == 1 ? "is" : "are");
    } else {
        return true;
    }
    ftl_diag_note(r->m->diags, d, t->span, extra->is_defined ? "defined here" : "first used here");
    return false;
}

static void note_use(resolve_eq *e, uint32_t tensor, const ftl_node *n)
{
    ftl_tensor_decl *t = &e->r->m->tensors.data[tensor];
    uint32_t time_place, rank = resolve_count_places(n, &time_place);
    if (t->has_time) {
        int64_t offset = n->indices.data[time_place].time_offset;
        t->time_min = offset < t->time_min ? offset : t->time_min;
        t->time_max = offset > t->time_max ? offset : t->time_max;
    }
    if (!e->r->tensors.data[tensor].is_defined)
        *FTL_VEC_PUSH(e->r->m->arena, &e->r->uses) = (resolve_use){
            tensor, rank, n->span, n->paren, e->scope->module == e->r->modules.data[0]};
}

/* The tensor that n names; false after an error. */
static bool find_tensor(resolve_eq *e, const ftl_node *n, uint32_t *tensor)
{
    resolve_module *module;
    if (!resolve_find_import(e->r, e->scope->module, n, &module))
        return false;
    if (n->ns) {
        if (resolve_find_tensor(module->top, n->name, tensor))
            return true;
        ftl_diag_error(e->r->m->diags, FTL_E_NAME, n->span, "'%s' defines no '%s'", module->file,
                       n->name);
        return false;
    }
    if (resolve_find_tensor(e->scope, n->name, tensor))
        return true;
    if (e->scope->instance) {
        ftl_diag *d = ftl_diag_error(e->r->m->diags, FTL_E_FN, n->span,
                                     "'%s' is neither a parameter of '%s' nor defined in it",
                                     n->name, e->scope->instance->fn->stmt->name);
        ftl_diag_hint(e->r->m->diags, d,
                      "a function sees what it is given: add a parameter for it");
        return false;
    }
    *tensor = add_undefined(e, n);
    return true;
}

ftl_node *resolve_reference(resolve_eq *e, const ftl_node *n)
{
    uint32_t tensor;
    ftl_node *formal;
    if (!n->ns && resolve_substitute(e, n, &formal))
        return formal;
    if (!find_tensor(e, n, &tensor))
        return NULL;
    ftl_node *out = FTL_NEW(e->r->m->arena, ftl_node);
    *out = *n;
    out->kind = FTL_NODE_REF;
    out->ns = NULL;
    out->name = e->r->m->tensors.data[tensor].name;
    out->args.len = 0;
    if (!resolve_indices(e, n, out))
        return NULL;
    resolve_carry(e, tensor, out);
    if (!check_use(e, tensor, out))
        return NULL;
    note_use(e, tensor, out);
    return out;
}

/* ---- expressions ---- */

static ftl_node *copy_constant(resolve_eq *e, const ftl_node *n, const resolve_constant *c)
{
    if (c->state == RESOLVE_FAILED)
        return NULL;
    ftl_node *out = make_number(e, c->number, n->span);
    if (c->text) {
        out->kind = FTL_NODE_STRING;
        out->name = c->text;
    }
    return out;
}

static ftl_node *copy_node(resolve_eq *e, const ftl_node *n)
{
    ftl_node *out = FTL_NEW(e->r->m->arena, ftl_node);
    *out = *n;
    return out;
}

static ftl_node *resolve_name(resolve_eq *e, const ftl_node *n)
{
    resolve_module *module;
    uint32_t tensor;
    ftl_node *out;
    if (!n->ns && is_axis(e, n->name)) {
        out = copy_node(e, n);
        out->name = resolve_rename(e, n->name);
        return out;
    }
    if (!resolve_find_import(e->r, e->scope->module, n, &module))
        return NULL;
    resolve_constant *c = resolve_find_constant(e->r, module, n->name);
    if (c)
        return copy_constant(e, n, c);
    if (n->ns || resolve_find_tensor(e->scope, n->name, &tensor) || resolve_is_formal(e, n->name))
        return resolve_reference(e, n);
    if (e->scope->instance && !resolve_is_declared_axis(e->r, n->name))
        return resolve_reference(e, n);
    return copy_node(e, n);
}

static bool resolve_args(resolve_eq *e, const ftl_node *in, ftl_node *out)
{
    bool sound = true;
    out->args.len = out->args.cap = in->args.len;
    out->args.data = FTL_NEW_ARRAY(e->r->m->arena, ftl_node *, in->args.len);
    for (size_t i = 0; i < in->args.len; i++) {
        out->args.data[i] = resolve_expr(e, in->args.data[i]);
        sound &= out->args.data[i] != NULL;
    }
    return sound;
}

static ftl_node *resolve_operator(resolve_eq *e, const ftl_node *n)
{
    ftl_node *out = copy_node(e, n);
    double divisor;
    if (!resolve_args(e, n, out))
        return NULL;
    if (n->kind == FTL_NODE_BINARY && n->op == FTL_OP_DIV &&
        resolve_is_number(out->args.data[1], &divisor) && divisor == 0) {
        ftl_diag_error(e->r->m->diags, FTL_E_CONSTANT, n->args.data[1]->span, "division by zero");
        return NULL;
    }
    return out;
}

static ftl_node *resolve_reduce(resolve_eq *e, const ftl_node *n)
{
    ftl_node *out = copy_node(e, n);
    out->axes.data = FTL_NEW_ARRAY(e->r->m->arena, ftl_index_term, n->axes.len);
    for (size_t i = 0; i < n->axes.len; i++) {
        out->axes.data[i] = n->axes.data[i];
        out->axes.data[i].name = resolve_rename(e, n->axes.data[i].name);
    }
    return resolve_args(e, n, out) ? out : NULL;
}

/* Nothing but numbers: large lists need no copy. */
static bool is_literal(const ftl_node *n)
{
    if (n->kind == FTL_NODE_NUMBER)
        return true;
    if (n->kind != FTL_NODE_LIST && (n->kind != FTL_NODE_UNARY || n->op != FTL_OP_NEG))
        return false;
    for (size_t i = 0; i < n->args.len; i++)
        if (!is_literal(n->args.data[i]))
            return false;
    return true;
}

static ftl_node *refuse(resolve_eq *e, const ftl_node *n, const char *what)
{
    ftl_diag_error(e->r->m->diags, FTL_E_ARGUMENT, n->span, "%s is no number", what);
    return NULL;
}

ftl_node *resolve_expr(resolve_eq *e, ftl_node *n)
{
    switch (n->kind) {
    case FTL_NODE_NUMBER:
    case FTL_NODE_BOOL:
    case FTL_NODE_STRING:
        return n;
    case FTL_NODE_NAME:
        return resolve_name(e, n);
    case FTL_NODE_REF:
        return resolve_is_call(e, n) ? resolve_call(e, n) : resolve_reference(e, n);
    case FTL_NODE_CALL:
        return resolve_call(e, n);
    case FTL_NODE_UNARY:
    case FTL_NODE_BINARY:
    case FTL_NODE_SELECT:
    case FTL_NODE_CASE:
        return resolve_operator(e, n);
    case FTL_NODE_LIST:
        return is_literal(n) ? n : resolve_operator(e, n);
    case FTL_NODE_REDUCE:
        return resolve_reduce(e, n);
    case FTL_NODE_NONE:
        return refuse(e, n, "none");
    case FTL_NODE_DICT:
        return refuse(e, n, "a dictionary");
    }
    return NULL;
}

/* ---- statements ---- */

void resolve_begin(resolve_eq *e, resolver *r, resolve_scope *scope, const ftl_stmt *stmt)
{
    *e = (resolve_eq){.r = r, .scope = scope, .stmt = stmt, .stamp = resolve_new_stamp(r)};
    if (stmt->lhs)
        collect_indices(e, stmt->lhs);
    if (stmt->rhs)
        collect_axes(e, stmt->rhs);
    if (stmt->guard)
        collect_axes(e, stmt->guard);
}

static ftl_node *resolve_head(resolve_eq *e, const ftl_node *lhs, uint32_t tensor)
{
    ftl_node *out = copy_node(e, lhs);
    out->kind = FTL_NODE_REF;
    out->name = e->r->m->tensors.data[tensor].name;
    out->args.len = 0;
    if (!resolve_indices(e, lhs, out))
        return NULL;
    resolve_carry(e, tensor, out);
    return out;
}

static bool is_plain_place(const ftl_index *ix)
{
    return ix->kind == FTL_INDEX_SYMBOL || (ix->kind == FTL_INDEX_AFFINE && ix->terms.len == 1 &&
                                            !ix->dotted && ix->terms.data[0].sign > 0);
}

/* Road[mill, ford] = 4: every index is a name, a text or a number, and so is the right side a
 * number. */
static bool is_fact_like(const ftl_stmt *stmt)
{
    double x;
    if (stmt->guard || !resolve_is_number(stmt->rhs, &x) || stmt->lhs->indices.len == 0)
        return false;
    for (size_t i = 0; i < stmt->lhs->indices.len; i++)
        if (!is_plain_place(&stmt->lhs->indices.data[i]))
            return false;
    return true;
}

static const char *write_text(resolver *r, const ftl_stmt *stmt)
{
    ftl_strbuf sb;
    ftl_strbuf_init(&sb, r->m->arena);
    if (stmt->span.len <= 1000) {
        ftl_syntax_format_stmt(stmt, &sb);
    } else {
        ftl_syntax_format_node(stmt->lhs, &sb);
        ftl_strbuf_puts(&sb, " = ...");
    }
    return ftl_strbuf_get(&sb);
}

resolve_flat *resolve_add_flat(resolver *r, ftl_stmt *stmt, uint32_t tensor, const char *text)
{
    resolve_flat *flat = FTL_VEC_PUSH(r->m->arena, &r->flats);
    flat->stmt = stmt;
    flat->tensor = tensor;
    flat->text = text;
    flat->span = stmt->span;
    flat->is_fact = is_fact_like(stmt);
    return flat;
}

resolve_flat *resolve_equation(resolve_eq *e, uint32_t tensor)
{
    resolver *r = e->r;
    ftl_stmt *out = FTL_NEW(r->m->arena, ftl_stmt);
    *out = *e->stmt;
    out->lhs = resolve_head(e, e->stmt->lhs, tensor);
    out->rhs = resolve_expr(e, e->stmt->rhs);
    out->guard = e->stmt->guard ? resolve_expr(e, e->stmt->guard) : NULL;
    if (!out->lhs || !out->rhs || (e->stmt->guard && !out->guard)) {
        r->tensors.data[tensor].is_broken = true;
        return NULL;
    }
    return resolve_add_flat(r, out, tensor, write_text(r, e->scope->instance ? out : e->stmt));
}

void resolve_add_hidden(resolver *r, uint32_t tensor, const ftl_stmt *stmt)
{
    ftl_stmt *copy = FTL_NEW(r->m->arena, ftl_stmt);
    *copy = *stmt;
    copy->kind = FTL_STMT_EQUATION;
    resolve_flat *flat = resolve_add_flat(r, copy, tensor, write_text(r, copy));
    flat->is_hidden = true;
    flat->is_fact = false;
    r->tensors.data[tensor].is_defined = true;
    r->m->tensors.data[tensor].is_hidden = true;
    r->m->tensors.data[tensor].origin = FTL_ORIGIN_EQUATIONS;
}

static void put_source(resolver *r, uint32_t tensor, const ftl_stmt *stmt)
{
    ftl_tensor_decl *t = &r->m->tensors.data[tensor];
    t->origin = FTL_ORIGIN_SOURCE;
    t->path = stmt->path;
    r->tensors.data[tensor].source = stmt;
    *FTL_VEC_PUSH(r->m->arena, &r->data) = (resolve_data){RESOLVE_DATA_SOURCE, tensor};
}

/* A file beside other definitions: a hidden tensor holds it, and an equation adds it. */
static void add_source_beside(resolver *r, const resolve_item *item)
{
    const ftl_tensor_decl *of = &r->m->tensors.data[item->tensor];
    const char *name = ftl_arena_printf(r->m->arena, "%s#file", of->name);
    bool is_boolean = of->is_boolean;
    uint32_t rank = of->rank;
    uint32_t tensor = resolve_add_tensor(r, ftl_intern_cstr(r->m->names, name), item->stmt->span);
    ftl_tensor_decl *t = &r->m->tensors.data[tensor];
    t->has_kind = true;
    t->is_boolean = is_boolean;
    t->rank = rank;
    ftl_stmt stmt = {.span = item->stmt->span, .proj = FTL_PROJ_SUM};
    stmt.lhs = resolve_make_ref(r, item->tensor, item->stmt->lhs->span);
    stmt.rhs = resolve_make_ref(r, tensor, item->stmt->lhs->span);
    for (uint32_t k = 0; k < rank; k++) {
        const char *axis =
            ftl_intern_cstr(r->m->names, ftl_arena_printf(r->m->arena, "place%u", k + 1));
        resolve_put_axis(r, stmt.lhs, axis);
        resolve_put_axis(r, stmt.rhs, axis);
    }
    bool was_hidden = r->m->tensors.data[item->tensor].is_hidden;
    resolve_add_hidden(r, item->tensor, &stmt);
    r->m->tensors.data[item->tensor].is_hidden = was_hidden;
    r->m->tensors.data[tensor].is_hidden = true;
    r->tensors.data[tensor].is_defined = true;
    put_source(r, tensor, item->stmt);
}

static void flatten_source(resolver *r, const resolve_item *item)
{
    const resolve_tensor *extra = &r->tensors.data[item->tensor];
    if (extra->n_sources + extra->n_others > 1)
        add_source_beside(r, item);
    else
        put_source(r, item->tensor, item->stmt);
}

static void flatten_fact(resolver *r, const resolve_item *item)
{
    resolve_eq e;
    if (r->m->tensors.data[item->tensor].has_time) {
        ftl_diag_error(r->m->diags, FTL_E_TIME, item->stmt->span, "a fact has no virtual time");
        return;
    }
    resolve_begin(&e, r, item->scope, item->stmt);
    ftl_node *lhs = resolve_head(&e, item->stmt->lhs, item->tensor);
    r->m->tensors.data[item->tensor].origin = FTL_ORIGIN_EQUATIONS;
    if (!lhs)
        return;
    *FTL_VEC_PUSH(r->m->arena, &r->data) = (resolve_data){RESOLVE_DATA_FACT, r->facts.len};
    *FTL_VEC_PUSH(r->m->arena, &r->facts) =
        (resolve_fact){lhs, item->tensor, item->stmt->span, false};
}

static void flatten_equation(resolver *r, const resolve_item *item)
{
    resolve_eq e;
    resolve_begin(&e, r, item->scope, item->stmt);
    r->m->tensors.data[item->tensor].origin = FTL_ORIGIN_EQUATIONS;
    if (resolve_equation(&e, item->tensor))
        *FTL_VEC_PUSH(r->m->arena, &r->data) = (resolve_data){RESOLVE_DATA_HEAD, r->flats.len - 1};
}

void resolve_flatten(resolver *r)
{
    for (size_t i = 0; i < r->items.len; i++) {
        const resolve_item *item = &r->items.data[i];
        if (item->stmt->kind == FTL_STMT_EQUATION)
            flatten_equation(r, item);
        else if (item->stmt->kind == FTL_STMT_SOURCE)
            flatten_source(r, item);
        else if (item->stmt->kind == FTL_STMT_FACT)
            flatten_fact(r, item);
        resolve_run_jobs(r);
    }
}
