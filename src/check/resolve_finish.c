/* SPDX-License-Identifier: Apache-2.0
 *
 * Finish: symbols become numbers, the last bare names are settled, and the flat equations go into
 * the model. A symbol that its open domain does not have matches nothing: it is the place -1, which
 * no tensor has.
 */
#include "check/resolve.h"

typedef struct finisher {
    resolver *r;
    resolve_flat *flat;
    uint64_t stamp; /* of the names that the equation uses as axes */
    bool sound;
} finisher;

static ftl_node *finish_node(finisher *f, ftl_node *n);

/* ---- symbols ---- */

static int64_t find_number(const resolver *r, int32_t domain, const char *symbol)
{
    uint64_t number;
    if (domain < 0 || !ftl_map_find(&r->m->domains.data[domain].numbers, FTL_KEY(symbol), &number))
        return -1;
    return (int64_t)number;
}

static bool is_closed(const resolver *r, int32_t domain)
{
    return domain >= 0 && r->m->domains.data[domain].is_closed;
}

static void set_number(resolver *r, ftl_index *ix, int64_t number, const char *symbol)
{
    ftl_index_term *term = FTL_NEW(r->m->arena, ftl_index_term);
    *term = (ftl_index_term){.sign = number < 0 ? -1 : 1, .has_number = true, .span = ix->span};
    term->number = number < 0 ? -number : number;
    ix->kind = FTL_INDEX_AFFINE;
    ix->name = symbol;
    ix->terms.data = term;
    ix->terms.len = ix->terms.cap = 1;
}

/* A symbol at a place of the tensor. */
static void finish_symbol(finisher *f, ftl_index *ix, const char *symbol, int32_t domain,
                          const ftl_tensor_decl *t)
{
    int64_t number = find_number(f->r, domain, symbol);
    bool is_loaded = t->origin == FTL_ORIGIN_SOURCE || t->origin == FTL_ORIGIN_INPUT;
    bool is_dense = is_loaded ? !t->source->is_tuples : !t->is_boolean && t->equations.len > 0;
    if (domain < 0 && is_dense) {
        ftl_diag_error(f->r->m->diags, FTL_E_SYMBOL, ix->span,
                       "'%s' is a symbol, but this place of '%s' has numbers only", symbol,
                       t->name);
        f->sound = false;
    }
    if (number < 0 && is_closed(f->r, domain)) {
        resolve_fail_symbol(f->r, domain, symbol, ix->span);
        f->sound = false;
    }
    set_number(f->r, ix, number, symbol);
}

static void finish_indices(finisher *f, ftl_node *n)
{
    uint64_t tensor = 0;
    uint32_t place = 0;
    ftl_map_find(&f->r->m->tensor_by_name, FTL_KEY(n->name), &tensor);
    const ftl_tensor_decl *t = &f->r->m->tensors.data[tensor];
    for (size_t i = 0; i < n->indices.len; i++) {
        ftl_index *ix = &n->indices.data[i];
        const char *name = resolve_get_plain(ix);
        if (ix->gather)
            ix->gather = finish_node(f, ix->gather);
        if (ix->kind == FTL_INDEX_SYMBOL)
            finish_symbol(f, ix, ix->name, t->domain[place], t);
        else if (name && ftl_map_find(&f->flat->constants, FTL_KEY(name), NULL))
            finish_symbol(f, ix, name, t->domain[place], t);
        place += ix->kind != FTL_INDEX_TIME;
    }
}

/* ---- bare names ---- */

static void collect_axes(finisher *f, const ftl_node *n)
{
    ftl_builtin b;
    for (size_t i = 0; i < n->indices.len; i++) {
        const ftl_index *ix = &n->indices.data[i];
        for (size_t k = 0; k < ix->terms.len; k++) {
            const char *name = ix->terms.data[k].name;
            if (name && !ftl_map_find(&f->flat->constants, FTL_KEY(name), NULL))
                resolve_mark(f->r, f->stamp, name);
        }
        if (ix->kind == FTL_INDEX_DIV || (ix->kind == FTL_INDEX_SLICE && ix->name))
            resolve_mark(f->r, f->stamp, ix->name);
        if (ix->gather)
            collect_axes(f, ix->gather);
    }
    if (n->kind == FTL_NODE_CALL && n->args.len == 1 && n->args.data[0]->kind == FTL_NODE_NAME &&
        ftl_builtin_find(n->name, &b) && (b == FTL_BUILTIN_EVEN || b == FTL_BUILTIN_ODD))
        resolve_mark(f->r, f->stamp, n->args.data[0]->name);
    for (size_t i = 0; i < n->args.len; i++)
        collect_axes(f, n->args.data[i]);
    for (size_t i = 0; i < n->kwargs.len; i++)
        collect_axes(f, n->kwargs.data[i].value);
}

static bool is_axis(const finisher *f, const char *name)
{
    return resolve_is_marked(f->r, f->stamp, name) || resolve_is_declared_axis(f->r, name);
}

static void fail_unbound(finisher *f, const ftl_node *n)
{
    bool is_rule = f->r->m->tensors.data[f->flat->tensor].is_boolean;
    f->sound = false;
    if (!is_rule) {
        resolve_fail_name(f->r, n->name, n->span);
        return;
    }
    ftl_diag *d = ftl_diag_error(
        f->r->m->diags, FTL_E_UNBOUND, n->span,
        "'%s' is not bound: it is no index of this rule, no symbol and no tensor", n->name);
    ftl_diag_hint(f->r->m->diags, d,
                  "an atom such as R(%s) would bind it; a text is quoted: \"%s\"", n->name,
                  n->name);
}

static ftl_node *finish_name(finisher *f, ftl_node *n)
{
    uint32_t tensor;
    if (is_axis(f, n->name))
        return n;
    if (resolve_load_scalar(f->r, n->name, n->span, &tensor))
        return resolve_make_ref(f->r, tensor, n->span);
    fail_unbound(f, n);
    return n;
}

/* ---- comparisons with symbols: x != bea, x == "eva" ---- */

static bool is_comparison(const ftl_node *n)
{
    return n->kind == FTL_NODE_BINARY && n->op >= FTL_OP_EQ && n->op <= FTL_OP_GE;
}

/* A place where a variable stands. */
static bool find_variable(const finisher *f, const ftl_node *n, const char *name, uint32_t *place)
{
    uint64_t tensor;
    if (n->kind == FTL_NODE_REF &&
        ftl_map_find(&f->r->m->tensor_by_name, FTL_KEY(n->name), &tensor)) {
        *place = f->r->tensors.data[tensor].place0;
        for (size_t i = 0; i < n->indices.len; i++) {
            if (resolve_get_plain(&n->indices.data[i]) == name)
                return true;
            *place += n->indices.data[i].kind != FTL_INDEX_TIME;
        }
    }
    for (size_t i = 0; i < n->args.len; i++)
        if (find_variable(f, n->args.data[i], name, place))
            return true;
    return false;
}

/* The domain of the places where a variable stands. */
static int32_t find_domain(const finisher *f, const ftl_node *n)
{
    uint32_t place;
    const ftl_stmt *stmt = f->flat->stmt;
    if (n->kind != FTL_NODE_NAME ||
        (!find_variable(f, stmt->lhs, n->name, &place) &&
         !find_variable(f, stmt->rhs, n->name, &place) &&
         (!stmt->guard || !find_variable(f, stmt->guard, n->name, &place))))
        return -1;
    return f->r->places[resolve_find_class(f->r, place)].domain;
}

static ftl_node *finish_operand(finisher *f, ftl_node *n, const ftl_node *other)
{
    int32_t domain = find_domain(f, other);
    bool is_text = n->kind == FTL_NODE_STRING;
    if (!is_text && (n->kind != FTL_NODE_NAME || is_axis(f, n->name)))
        return finish_node(f, n);
    int64_t number = find_number(f->r, domain, n->name);
    if (number < 0 && !is_text)
        return finish_node(f, n);
    if (number < 0 && is_closed(f->r, domain)) {
        resolve_fail_symbol(f->r, domain, n->name, n->span);
        f->sound = false;
    } else if (domain < 0) {
        ftl_diag_error(f->r->m->diags, FTL_E_SYMBOL, n->span,
                       "the text \"%s\" can only be compared with an index that stands for symbols",
                       n->name);
        f->sound = false;
    }
    ftl_node *out = FTL_NEW(f->r->m->arena, ftl_node);
    *out = (ftl_node){.kind = FTL_NODE_NUMBER, .span = n->span, .name_span = n->span, .height = 1};
    out->number = (double)number;
    return out;
}

/* ---- expressions ---- */

static bool has_temperature(const finisher *f)
{
    const ftl_check_options *o = &f->r->m->options;
    const char *head = f->r->m->tensors.data[f->flat->tensor].name;
    for (size_t i = 0; i < o->n_temperatures; i++)
        if (strcmp(o->temperatures[i], "*") == 0 || strcmp(o->temperatures[i], head) == 0)
            return true;
    return false;
}

static void finish_call(finisher *f, ftl_node *n)
{
    ftl_builtin b = FTL_BUILTIN_COUNT;
    ftl_builtin_find(n->name, &b);
    for (size_t i = 0; i < n->args.len; i++)
        if (b != FTL_BUILTIN_CAST || i == 0)
            n->args.data[i] = finish_node(f, n->args.data[i]);
    for (size_t i = 0; i < n->kwargs.len; i++)
        if (strcmp(n->kwargs.data[i].name, "axis") != 0)
            n->kwargs.data[i].value = finish_node(f, n->kwargs.data[i].value);
    if (b != FTL_BUILTIN_SIG || n->args.len > 1 || n->kwargs.len > 0 || has_temperature(f))
        return;
    ftl_diag *d =
        ftl_diag_warn(f->r->m->diags, FTL_W_TEMPERATURE, n->span,
                      "sig without a temperature is step: 1 where its argument is above 0");
    ftl_diag_hint(f->r->m->diags, d,
                  "give one with sig(x, T=0.5) or --temperature, or write sigmoid(x) or step(x)");
}

static ftl_node *finish_node(finisher *f, ftl_node *n)
{
    switch (n->kind) {
    case FTL_NODE_NAME:
        return finish_name(f, n);
    case FTL_NODE_STRING:
        ftl_diag_error(f->r->m->diags, FTL_E_ARGUMENT, n->span, "a text is no number");
        f->sound = false;
        return n;
    case FTL_NODE_REF:
        finish_indices(f, n);
        return n;
    case FTL_NODE_CALL:
        finish_call(f, n);
        return n;
    default:
        break;
    }
    if (is_comparison(n)) {
        ftl_node *a = n->args.data[0], *b = n->args.data[1];
        n->args.data[0] = finish_operand(f, a, b);
        n->args.data[1] = finish_operand(f, b, a);
        return n;
    }
    for (size_t i = 0; i < n->args.len; i++)
        n->args.data[i] = finish_node(f, n->args.data[i]);
    return n;
}

/* ---- rules ---- */

static void collect_names(const ftl_node *n, bool negated, ftl_map *bound)
{
    if (n->kind == FTL_NODE_UNARY && n->op == FTL_OP_NOT && !negated)
        return;
    for (size_t i = 0; n->kind == FTL_NODE_REF && i < n->indices.len; i++)
        for (size_t k = 0; k < n->indices.data[i].terms.len; k++)
            if (n->indices.data[i].terms.data[k].name)
                ftl_map_put(bound, FTL_KEY(n->indices.data[i].terms.data[k].name), 1);
    for (size_t i = 0; i < n->args.len; i++)
        collect_names(n->args.data[i], negated, bound);
}

/* Every variable below a negation stands in the head or in a positive atom. */
static void check_negation(finisher *f, const ftl_node *n, const ftl_map *bound, bool inside)
{
    inside |= n->kind == FTL_NODE_UNARY && n->op == FTL_OP_NOT;
    for (size_t i = 0; inside && n->kind == FTL_NODE_REF && i < n->indices.len; i++) {
        const char *name = resolve_get_plain(&n->indices.data[i]);
        if (!name || ftl_map_find(bound, FTL_KEY(name), NULL))
            continue;
        ftl_diag *d = ftl_diag_error(f->r->m->diags, FTL_E_UNBOUND, n->span,
                                     "'%s' is not bound: it stands in a negated atom only", name);
        ftl_diag_hint(f->r->m->diags, d,
                      "put an atom with '%s' before it, or write '_' for 'none at all'", name);
        f->sound = false;
        return;
    }
    for (size_t i = 0; i < n->args.len; i++)
        check_negation(f, n->args.data[i], bound, inside);
}

static bool has_negation(const ftl_node *n)
{
    bool found = n->kind == FTL_NODE_UNARY && n->op == FTL_OP_NOT;
    for (size_t i = 0; i < n->args.len && !found; i++)
        found = has_negation(n->args.data[i]);
    return found;
}

static void check_rule(finisher *f, const ftl_stmt *stmt)
{
    ftl_map bound;
    bool negates = has_negation(stmt->rhs) || (stmt->guard && has_negation(stmt->guard));
    if (!negates || !f->r->m->tensors.data[f->flat->tensor].is_boolean)
        return;
    ftl_map_init(&bound, f->r->m->arena);
    collect_names(stmt->lhs, false, &bound);
    collect_names(stmt->rhs, false, &bound);
    if (stmt->guard)
        collect_names(stmt->guard, false, &bound);
    check_negation(f, stmt->rhs, &bound, false);
    if (stmt->guard)
        check_negation(f, stmt->guard, &bound, false);
}

static ftl_span find_declaration(resolver *r, int32_t domain, const char *name)
{
    uint64_t found = 0;
    if (is_closed(r, domain))
        return r->m->domains.data[domain].span;
    ftl_map_find(&r->symbols, FTL_KEY(name), &found);
    const resolve_symbol *s = (const resolve_symbol *)(uintptr_t)found;
    return s && s->places.len > 0 ? s->places.data[0].span : (ftl_span){0};
}

/* P(x, y) <- ... where the domain has a symbol x: probably x was meant as a variable. */
static void warn_constant_head(finisher *f)
{
    const ftl_node *lhs = f->flat->stmt->lhs;
    uint32_t place = 0;
    for (size_t i = 0; i < lhs->indices.len && !f->flat->is_fact && !f->flat->is_hidden; i++) {
        const char *name = resolve_get_plain(&lhs->indices.data[i]);
        int32_t domain = f->r->m->tensors.data[f->flat->tensor].domain[place];
        place += lhs->indices.data[i].kind != FTL_INDEX_TIME;
        if (!name || !ftl_map_find(&f->flat->constants, FTL_KEY(name), NULL))
            continue;
        ftl_diag *d = ftl_diag_warn(
            f->r->m->diags, FTL_W_CONSTANT_HEAD, lhs->indices.data[i].span,
            "'%s' on the left is a symbol, not a variable: the rule defines this one place", name);
        ftl_diag_note(f->r->m->diags, d, find_declaration(f->r, domain, name),
                      "'%s' is a symbol since here", name);
        ftl_diag_hint(f->r->m->diags, d, "rename the variable, or quote the symbol: \"%s\"", name);
    }
}

static void add_equation(finisher *f)
{
    ftl_model *m = f->r->m;
    const resolve_flat *flat = f->flat;
    uint32_t index = (uint32_t)m->equations.len;
    ftl_equation *eq = FTL_VEC_PUSH(m->arena, &m->equations);
    eq->tensor = flat->tensor;
    eq->stmt = flat->stmt;
    eq->text = flat->text;
    eq->span = flat->span;
    eq->is_arrow = flat->stmt->proj == FTL_PROJ_ARROW;
    eq->is_hidden = flat->is_hidden;
    eq->dotted = -1;
    *FTL_VEC_PUSH(m->arena, &m->tensors.data[flat->tensor].equations) = index;
}

static void finish_flat(resolver *r, resolve_flat *flat)
{
    finisher f = {.r = r, .flat = flat, .stamp = resolve_new_stamp(r), .sound = true};
    ftl_stmt *stmt = flat->stmt;
    warn_constant_head(&f);
    collect_axes(&f, stmt->lhs);
    collect_axes(&f, stmt->rhs);
    if (stmt->guard)
        collect_axes(&f, stmt->guard);
    finish_indices(&f, stmt->lhs);
    stmt->rhs = finish_node(&f, stmt->rhs);
    if (stmt->guard)
        stmt->guard = finish_node(&f, stmt->guard);
    if (f.sound)
        check_rule(&f, stmt);
    if (f.sound)
        add_equation(&f);
    else
        r->tensors.data[flat->tensor].is_broken = true;
}

void resolve_finish(resolver *r)
{
    for (size_t i = 0; i < r->flats.len; i++)
        if (!r->flats.data[i].is_dropped)
            finish_flat(r, &r->flats.data[i]);
    for (size_t i = 0; i < r->m->tensors.len; i++)
        r->m->tensors.data[i].is_unused = !r->tensors.data[i].is_needed;
}
