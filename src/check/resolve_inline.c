/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of the program's functions. A call makes an instance: a hidden tensor for each name of the
 * body, with the equations of the body rewritten over the caller's arguments. The last axes of an
 * argument stand for the axes of its parameter; the earlier ones are carried: they come before the
 * own axes of each name of the body that depends on the argument. Axes of the body get names that
 * no caller can have
 * ("dot.x"), so nothing is captured. Bodies are rewritten from a queue, not by recursion.
 */
#include "check/resolve.h"

/* ---- what a name is inside of a body ---- */

bool resolve_is_formal(const resolve_eq *e, const char *name)
{
    const resolve_instance *instance = e->scope->instance;
    return instance && ftl_map_find(&instance->fn->formal_index, FTL_KEY(name), NULL);
}

/* A carried axis keeps its name, unless that is a declared one, which the body may use itself. */
static const char *name_carried(resolver *r, const char *name)
{
    if (!resolve_is_declared_axis(r, name))
        return name;
    return ftl_intern_cstr(r->m->names, ftl_arena_printf(r->m->arena, "%s~", name));
}

void resolve_carry(const resolve_eq *e, uint32_t tensor, ftl_node *ref)
{
    const resolve_instance *instance = e->scope->instance;
    uint64_t index;
    ftl_node head = {.span = ref->span};
    if (!instance || !ftl_map_find(&instance->tensor_index, tensor, &index))
        return;
    const resolve_names *carried = &instance->carried[index];
    for (size_t i = 0; i < carried->len; i++)
        resolve_put_axis(e->r, &head, name_carried(e->r, carried->data[i]));
    for (size_t i = 0; i < ref->indices.len; i++)
        *FTL_VEC_PUSH(e->r->m->arena, &head.indices) = ref->indices.data[i];
    ref->indices.data = head.indices.data;
    ref->indices.len = head.indices.len;
    ref->indices.cap = head.indices.cap;
}

/* p[idx] -> A[carried, idx] where A[carried, bound] is the argument. */
static ftl_node *substitute_ref(resolve_eq *e, const ftl_node *n, const resolve_arg *arg)
{
    ftl_node wrap = *n, *out = FTL_NEW(e->r->m->arena, ftl_node);
    size_t seen = 0;
    wrap.kind = FTL_NODE_REF;
    *out = *arg->node;
    out->span = n->span;
    out->indices.len = 0;
    out->indices.cap = 0;
    if (!resolve_indices(e, n, &wrap))
        return NULL;
    for (size_t i = 0; i < arg->node->indices.len; i++) {
        const ftl_index *ix = &arg->node->indices.data[i];
        const char *axis = resolve_get_plain(ix);
        if (!axis)
            *FTL_VEC_PUSH(e->r->m->arena, &out->indices) = *ix;
        else if (seen++ < arg->carried.len)
            resolve_put_axis(e->r, out, name_carried(e->r, axis));
        else
            *FTL_VEC_PUSH(e->r->m->arena, &out->indices) =
                wrap.indices.data[seen - arg->carried.len - 1];
    }
    return out;
}

bool resolve_substitute(resolve_eq *e, const ftl_node *n, ftl_node **out)
{
    const resolve_instance *instance = e->scope->instance;
    uint64_t index;
    *out = NULL;
    if (!instance || !ftl_map_find(&instance->fn->formal_index, FTL_KEY(n->name), &index))
        return false;
    const resolve_arg *arg = &instance->args[index];
    const ftl_formal *formal = &instance->fn->stmt->formals.data[index];
    if (n->indices.len != formal->axes.len) {
        ftl_diag_error(e->r->m->diags, FTL_E_RANK, n->span,
                       "parameter '%s' of '%s' is declared with %zu axes, here it has %zu", n->name,
                       instance->fn->stmt->name, formal->axes.len, n->indices.len);
        return true;
    }
    if (arg->node)
        *out = arg->node->kind == FTL_NODE_REF ? substitute_ref(e, n, arg) : arg->node;
    return true;
}

/* ---- arguments ---- */

/* Which of the caller's names an argument shares with the rest of its equation. */
static void find_shared(resolve_eq *e, const ftl_node *arg, ftl_map *keep)
{
    resolve_names names = {0};
    ftl_map inside;
    uint64_t all, here;
    if (!e->is_counted) {
        ftl_map_init(&e->counts, e->r->m->arena);
        if (e->stmt->lhs)
            resolve_count_names(e, e->stmt->lhs, &e->counts, NULL);
        resolve_count_names(e, e->stmt->rhs, &e->counts, NULL);
        if (e->stmt->guard)
            resolve_count_names(e, e->stmt->guard, &e->counts, NULL);
        e->is_counted = true;
    }
    ftl_map_init(&inside, e->r->m->arena);
    ftl_map_init(keep, e->r->m->arena);
    resolve_count_names(e, arg, &inside, &names);
    for (size_t i = 0; i < names.len; i++)
        if (ftl_map_find(&e->counts, FTL_KEY(names.data[i]), &all) &&
            ftl_map_find(&inside, FTL_KEY(names.data[i]), &here) && all > here)
            ftl_map_put(keep, FTL_KEY(resolve_rename(e, names.data[i])), 1);
}

/* Different plain axes, constants and virtual time only: can stand for a parameter as it is. */
static bool is_simple(const ftl_node *n, resolve_names *axes, ftl_arena *arena)
{
    if (n->kind != FTL_NODE_REF)
        return false;
    for (size_t i = 0; i < n->indices.len; i++) {
        const ftl_index *ix = &n->indices.data[i];
        const char *axis = resolve_get_plain(ix);
        bool fixed =
            ix->kind == FTL_INDEX_TIME || ix->kind == FTL_INDEX_SYMBOL ||
            (ix->kind == FTL_INDEX_AFFINE && ix->terms.len == 1 && !ix->terms.data[0].name);
        if (!axis && !fixed)
            return false;
        for (size_t k = 0; axis && k < axes->len; k++)
            if (axes->data[k] == axis)
                return false;
        if (axis)
            *FTL_VEC_PUSH(arena, axes) = axis;
    }
    return true;
}

/* An argument that is an expression becomes a hidden tensor over the axes it shows. */
static ftl_node *hide_argument(resolve_eq *e, const resolve_instance *instance, size_t k,
                               ftl_node *node, resolve_names *axes)
{
    resolver *r = e->r;
    const ftl_formal *formal = &instance->fn->stmt->formals.data[k];
    ftl_map keep;
    find_shared(e, instance->given[k], &keep);
    axes->len = 0;
    if (!resolve_list_axes(e, node, &keep, axes)) {
        ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_ARGUMENT, node->span,
                                     "the axes of this argument of '%s' cannot be told",
                                     instance->fn->stmt->name);
        ftl_diag_hint(r->m->diags, d, "give it a name first: T[...] = ..., then pass T[...]");
        return NULL;
    }
    const char *name = ftl_arena_printf(r->m->arena, "%s.%s", instance->label, formal->name);
    uint32_t tensor = resolve_add_tensor(r, ftl_intern_cstr(r->m->names, name), node->span);
    r->m->tensors.data[tensor].rank = (uint32_t)axes->len;
    r->m->tensors.data[tensor].has_kind = true;
    ftl_node *ref = resolve_make_ref(r, tensor, node->span);
    for (size_t i = 0; i < axes->len; i++)
        resolve_put_axis(r, ref, axes->data[i]);
    ftl_stmt stmt = {.lhs = ref, .rhs = node, .proj = FTL_PROJ_SUM, .span = instance->span};
    resolve_add_hidden(r, tensor, &stmt);
    return ref;
}

static bool is_scalar_value(const resolve_eq *e, const ftl_node *n)
{
    return n->kind == FTL_NODE_NUMBER || n->kind == FTL_NODE_BOOL ||
           (n->kind == FTL_NODE_NAME && !resolve_is_marked(e->r, e->stamp, n->name) &&
            !resolve_is_declared_axis(e->r, n->name));
}

static bool take_argument(resolve_eq *e, resolve_instance *instance, size_t k, ftl_map *bound)
{
    resolver *r = e->r;
    resolve_names axes = {0};
    resolve_arg *arg = &instance->args[k];
    const ftl_formal *formal = &instance->fn->stmt->formals.data[k];
    ftl_node *node = resolve_expr(e, instance->given[k]);
    if (!node)
        return false;
    if (!is_scalar_value(e, node) && !is_simple(node, &axes, r->m->arena))
        node = hide_argument(e, instance, k, node, &axes);
    if (!node)
        return false;
    if (axes.len < formal->axes.len) {
        ftl_diag_error(r->m->diags, FTL_E_ARGUMENT, instance->given[k]->span,
                       "parameter '%s' of '%s' has %zu axes, this argument has %zu", formal->name,
                       instance->fn->stmt->name, formal->axes.len, axes.len);
        return false;
    }
    arg->node = node;
    arg->carried = axes;
    arg->carried.len = axes.len - formal->axes.len;
    for (size_t i = 0; i < formal->axes.len; i++) {
        const char *dim = formal->axes.data[i].terms.data[0].name;
        if (!ftl_map_find(bound, FTL_KEY(dim), NULL))
            ftl_map_put(bound, FTL_KEY(dim), FTL_KEY(axes.data[arg->carried.len + i]));
    }
    return true;
}

static bool fail_count(resolve_eq *e, const resolve_fn *fn, const ftl_node *n)
{
    size_t want = fn->stmt->formals.len, given = n->args.len + n->kwargs.len;
    ftl_diag *d = ftl_diag_error(e->r->m->diags, FTL_E_ARGUMENT, n->span,
                                 "'%s' takes %zu argument%s, %zu %s given", fn->stmt->name, want,
                                 want == 1 ? "" : "s", given, given == 1 ? "is" : "are");
    ftl_diag_note(e->r->m->diags, d, fn->stmt->name_span, "defined here");
    return false;
}

/* Puts positional and named arguments in the order of the parameters. */
static bool order_arguments(resolve_eq *e, resolve_instance *instance, const ftl_node *n)
{
    const resolve_fn *fn = instance->fn;
    if (n->args.len > fn->stmt->formals.len)
        return fail_count(e, fn, n);
    for (size_t i = 0; i < n->args.len; i++)
        instance->given[i] = n->args.data[i];
    for (size_t i = 0; i < n->kwargs.len; i++) {
        uint64_t index;
        const char *name = n->kwargs.data[i].name;
        if (!ftl_map_find(&fn->formal_index, FTL_KEY(name), &index)) {
            ftl_diag_error(e->r->m->diags, FTL_E_ARGUMENT, n->span, "'%s' has no parameter '%s'",
                           fn->stmt->name, name);
            return false;
        }
        if (instance->given[index]) {
            ftl_diag_error(e->r->m->diags, FTL_E_ARGUMENT, n->span, "'%s' is given '%s' twice",
                           fn->stmt->name, name);
            return false;
        }
        instance->given[index] = n->kwargs.data[i].value;
    }
    for (size_t i = 0; i < fn->stmt->formals.len; i++)
        if (!instance->given[i])
            return fail_count(e, fn, n);
    return true;
}

/* ---- instances ---- */

/* Carried axes of a name of the body: those of the arguments it depends on, in order. */
static void join_carried(resolver *r, const resolve_instance *instance, uint64_t mask,
                         resolve_names *out)
{
    ftl_map seen;
    ftl_map_init(&seen, r->m->arena);
    for (size_t k = 0; k < instance->fn->stmt->formals.len; k++) {
        const resolve_names *carried = &instance->args[k].carried;
        for (size_t i = 0; (mask >> k & 1) && i < carried->len; i++) {
            if (ftl_map_find(&seen, FTL_KEY(carried->data[i]), NULL))
                continue;
            ftl_map_put(&seen, FTL_KEY(carried->data[i]), 1);
            *FTL_VEC_PUSH(r->m->arena, out) = carried->data[i];
        }
    }
}

static void make_body_tensors(resolver *r, resolve_instance *instance, resolve_scope *scope)
{
    const resolve_fn *fn = instance->fn;
    instance->tensors = FTL_NEW_ARRAY(r->m->arena, uint32_t, fn->body.len);
    instance->carried = FTL_NEW_ARRAY(r->m->arena, resolve_names, fn->body.len);
    ftl_map_init(&instance->tensor_index, r->m->arena);
    for (size_t i = 0; i < fn->body.len; i++) {
        const char *name =
            ftl_arena_printf(r->m->arena, "%s.%s", instance->label, fn->body.data[i]);
        uint32_t tensor = resolve_add_tensor(r, ftl_intern_cstr(r->m->names, name), instance->span);
        join_carried(r, instance, fn->depends.data[i], &instance->carried[i]);
        instance->tensors[i] = tensor;
        r->m->tensors.data[tensor].is_hidden = true;
        r->tensors.data[tensor].is_poisoned = true; /* until its first equation tells its rank */
        ftl_map_put(&scope->tensors, FTL_KEY(fn->body.data[i]), tensor);
        ftl_map_put(&instance->tensor_index, tensor, i);
    }
    for (size_t i = 0; i < fn->equations.len; i++) {
        const ftl_node *lhs = fn->equations.data[i]->lhs;
        uint64_t index = 0;
        uint32_t time_place;
        ftl_map_find(&fn->body_index, FTL_KEY(lhs->name), &index);
        ftl_tensor_decl *t = &r->m->tensors.data[instance->tensors[index]];
        resolve_tensor *extra = &r->tensors.data[instance->tensors[index]];
        t->rank = (uint32_t)instance->carried[index].len + resolve_count_places(lhs, &time_place);
        t->has_kind = extra->is_defined = true;
        t->is_boolean = lhs->kind == FTL_NODE_REF && lhs->paren;
        t->dtype = t->is_boolean ? FTL_DTYPE_BOOL : FTL_DTYPE_F32;
        t->origin = FTL_ORIGIN_EQUATIONS;
        extra->is_poisoned = t->rank > FTL_MAX_RANK;
        if (t->rank > FTL_MAX_RANK)
            ftl_diag_error(r->m->diags, FTL_E_RANK, instance->span,
                           "'%s' has %u axes with those carried, at most %d are possible",
                           fn->body.data[index], t->rank, FTL_MAX_RANK);
    }
}

static bool has_room(resolve_eq *e, const ftl_node *n, const resolve_fn *fn)
{
    resolver *r = e->r;
    r->n_hidden += fn->equations.len + fn->stmt->formals.len;
    if (r->n_hidden <= RESOLVE_MAX_HIDDEN)
        return true;
    if (!r->is_full)
        ftl_diag_error(r->m->diags, FTL_E_LIMIT, n->span,
                       "the calls of functions make more than %d equations", RESOLVE_MAX_HIDDEN);
    r->is_full = true;
    return false;
}

ftl_node *resolve_inline(resolve_eq *e, resolve_fn *fn, const ftl_node *n)
{
    resolver *r = e->r;
    ftl_map bound; /* axis of a parameter -> axis of the caller */
    if (fn->state == RESOLVE_FAILED || !has_room(e, n, fn))
        return NULL;
    size_t n_formals = fn->stmt->formals.len;
    resolve_instance *instance = FTL_NEW(r->m->arena, resolve_instance);
    instance->fn = fn;
    instance->span = e->scope->instance ? e->scope->instance->span : n->span;
    instance->label = ftl_arena_printf(r->m->arena, "%s#%zu", fn->stmt->name, ++r->n_instances);
    instance->args = FTL_NEW_ARRAY(r->m->arena, resolve_arg, n_formals);
    instance->given = FTL_NEW_ARRAY(r->m->arena, ftl_node *, n_formals);
    ftl_map_init(&bound, r->m->arena);
    if (!order_arguments(e, instance, n))
        return NULL;
    bool sound = true;
    for (size_t k = 0; k < n_formals; k++)
        sound &= take_argument(e, instance, k, &bound);
    if (!sound)
        return NULL;
    instance->scope = resolve_make_scope(r, NULL, fn->module);
    instance->scope->instance = instance;
    make_body_tensors(r, instance, instance->scope);
    *FTL_VEC_PUSH(r->m->arena, &r->jobs) = instance;
    ftl_node *out = resolve_make_ref(r, instance->tensors[fn->result], n->span);
    const resolve_names *carried = &instance->carried[fn->result];
    for (size_t i = 0; i < carried->len; i++)
        resolve_put_axis(r, out, carried->data[i]);
    for (size_t i = 0; i < fn->stmt->result.axes.len; i++) {
        uint64_t axis = 0;
        ftl_map_find(&bound, FTL_KEY(fn->stmt->result.axes.data[i].terms.data[0].name), &axis);
        resolve_put_axis(r, out, (const char *)(uintptr_t)axis);
    }
    return out;
}

void resolve_run_jobs(resolver *r)
{
    for (; r->jobs_done < r->jobs.len; r->jobs_done++) {
        resolve_instance *instance = r->jobs.data[r->jobs_done];
        for (size_t i = 0; i < instance->fn->equations.len; i++) {
            const ftl_stmt *stmt = instance->fn->equations.data[i];
            uint64_t index = 0;
            resolve_eq e;
            ftl_map_find(&instance->fn->body_index, FTL_KEY(stmt->lhs->name), &index);
            resolve_begin(&e, r, instance->scope, stmt);
            if (!resolve_equation(&e, instance->tensors[index]))
                continue;
            resolve_flat *flat = &r->flats.data[r->flats.len - 1];
            flat->is_hidden = true;
            flat->is_fact = false;
            flat->span = instance->span;
        }
    }
}
