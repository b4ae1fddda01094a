/* SPDX-License-Identifier: Apache-2.0
 *
 * What tensors and equations say about extents.
 */
#include "check/extents.h"

/* ---- tensors ---- */

static extent_site no_site(const char *name)
{
    return (extent_site){UINT32_MAX, name};
}

static bool is_loaded(const ftl_tensor_decl *t)
{
    return (t->origin == FTL_ORIGIN_INPUT || t->origin == FTL_ORIGIN_SOURCE) &&
           t->source->rank == t->rank;
}

static void collect_source(extents *x, uint32_t tensor)
{
    const ftl_tensor_decl *t = &x->m->tensors.data[tensor];
    extent_origin from = {FROM_TENSOR, tensor, t->span};
    for (uint32_t k = 0; k < t->rank; k++) {
        const char *place = ftl_arena_printf(x->m->arena, "%u of %s", k + 1, t->name);
        if (t->source->is_tuples)
            extents_ask(x, x->tensor0[tensor] + k, t->source->shape[k], from, no_site(place));
        else
            extents_set(x, x->tensor0[tensor] + k, t->source->shape[k], from, no_site(place));
    }
}

static void collect_domain(extents *x, uint32_t tensor, uint32_t k)
{
    const ftl_tensor_decl *t = &x->m->tensors.data[tensor];
    const ftl_domain *d = t->domain[k] >= 0 ? &x->m->domains.data[t->domain[k]] : NULL;
    uint32_t var = x->tensor0[tensor] + k;
    const char *place = ftl_arena_printf(x->m->arena, "%u of %s", k + 1, t->name);
    if (d && d->is_closed)
        extents_set(x, var, (int64_t)d->symbols.len,
                    (extent_origin){FROM_DOMAIN, (uint32_t)t->domain[k], d->span}, no_site(place));
    else if (d && (!is_loaded(t) || t->source->is_tuples))
        extents_ask(x, var, (int64_t)d->symbols.len, (extent_origin){FROM_TENSOR, tensor, t->span},
                    no_site(place));
}

static void collect_tensor(extents *x, uint32_t tensor)
{
    const ftl_tensor_decl *t = &x->m->tensors.data[tensor];
    for (uint32_t k = 0; k < t->rank; k++)
        collect_domain(x, tensor, k);
    if (is_loaded(t))
        collect_source(x, tensor);
    for (uint32_t k = 0; k < t->rank && t->facts->is_tuples; k++)
        extents_ask(x, x->tensor0[tensor] + k, t->facts->shape[k],
                    (extent_origin){FROM_FACTS, tensor, t->span}, no_site(t->name));
}

/* ---- places ---- */

typedef struct collector {
    extents *x;
    uint32_t equation;
    const ftl_equation *eq;
} collector;

static uint32_t axis_var(const collector *c, uint32_t axis)
{
    return c->x->axis0[c->equation] + axis;
}

static extent_site site_of(const collector *c, uint32_t axis)
{
    return (extent_site){c->equation, c->eq->axes.data[axis].name};
}

static extent_rule make_rule(const collector *c, extent_rule_kind kind, uint32_t n, ftl_span span)
{
    extent_rule r = {.kind = kind, .equation = c->equation, .n_var = n, .span = span};
    r.var = FTL_NEW_ARRAY(c->x->m->arena, uint32_t, n);
    return r;
}

static void collect_window(collector *c, uint32_t dim, const ftl_at_place *p)
{
    extent_rule r = make_rule(c, RULE_WINDOW, (uint32_t)p->terms.len + 1, p->span);
    r.place = p;
    r.var[0] = dim;
    for (size_t i = 0; i < p->terms.len; i++)
        r.var[i + 1] = axis_var(c, p->terms.data[i].axis);
    extents_add_rule(c->x, &r);
}

static void collect_affine(collector *c, uint32_t dim, const ftl_at_place *p)
{
    if (p->terms.len == 0) {
        extent_origin from = {FROM_INDEX, 0, p->span};
        if (p->offset >= 0)
            extents_ask(c->x, dim, p->offset + 1, from, (extent_site){c->equation, ""});
        return;
    }
    const ftl_term *t = &p->terms.data[0];
    if (p->terms.len > 1 || t->coef != 1) {
        collect_window(c, dim, p);
    } else if (p->offset == 0) {
        extents_join(c->x, dim, axis_var(c, t->axis), site_of(c, t->axis));
    } else {
        int64_t left = c->eq->axes.data[t->axis].shift;
        extent_rule r = make_rule(c, RULE_SHIFT, 1, p->span);
        r.var[0] = dim;
        r.out = axis_var(c, t->axis);
        r.is_plain = left != 0 && p->offset == -left;
        r.number = r.is_plain ? left : 0;
        extents_add_rule(c->x, &r);
    }
}

static void collect_places(collector *c, uint32_t tensor, const ftl_at_place *places, uint32_t n)
{
    uint32_t dim = c->x->tensor0[tensor];
    for (uint32_t i = 0; i < n; i++) {
        const ftl_at_place *p = &places[i];
        if (p->form == FTL_AT_TIME)
            continue;
        if (p->form == FTL_AT_AFFINE)
            collect_affine(c, dim, p);
        if (p->form == FTL_AT_SLICE) {
            extent_rule r = make_rule(c, RULE_SLICE, 1, p->span);
            r.place = p;
            r.var[0] = dim;
            r.out = axis_var(c, p->terms.data[0].axis);
            extents_add_rule(c->x, &r);
        }
        dim++;
    }
}

/* ---- calls that make axes ---- */

static void collect_call(collector *c, const ftl_expr *e)
{
    const ftl_call *call = e->call;
    bool is_concat = e->builtin == FTL_BUILTIN_CONCAT;
    if (e->builtin == FTL_BUILTIN_CAUSAL_MASK) {
        for (uint32_t i = 0; i < call->n_new; i++)
            extents_set(c->x, axis_var(c, call->new_axes[i]), call->k,
                        (extent_origin){FROM_RULE, 0, e->span}, site_of(c, call->new_axes[i]));
        return;
    }
    if (call->n_new == 0 || (!is_concat && e->builtin != FTL_BUILTIN_TOPK))
        return;
    uint32_t n = is_concat ? call->n_parts : 1;
    extent_rule_kind kind = !is_concat ? RULE_TOPK : e->args.len > 1 ? RULE_SUM : RULE_PRODUCT;
    extent_rule r = make_rule(c, kind, n, e->span);
    r.out = axis_var(c, call->new_axes[0]);
    r.number = call->k;
    for (uint32_t i = 0; i < n; i++)
        r.var[i] = axis_var(c, is_concat ? call->part_axes[i] : call->axis);
    extents_add_rule(c->x, &r);
}

static void collect_expr(collector *c, const ftl_expr *e)
{
    if (e->kind == FTL_EXPR_READ)
        collect_places(c, e->tensor, e->places, e->n_places);
    for (uint32_t i = 0; e->kind == FTL_EXPR_LITERAL && i < e->n_axes; i++)
        extents_set(c->x, axis_var(c, e->axes[i]), e->shape[i],
                    (extent_origin){FROM_LITERAL, c->eq->tensor, e->span}, site_of(c, e->axes[i]));
    if (e->call)
        collect_call(c, e);
    const ftl_expr *part;
    for (size_t at = 0; (part = ftl_expr_next_part(e, &at));)
        collect_expr(c, part);
}

/* ---- equations ---- */

/* Places of the left side S[i+shift] when i has n. */
static int64_t add_shift(int64_t n, int64_t shift)
{
    int64_t sum;
    return __builtin_add_overflow(n, shift, &sum) ? INT64_MAX : sum < 0 ? 0 : sum;
}

static void collect_declared(collector *c, uint32_t axis)
{
    const ftl_model *m = c->x->m;
    const char *name = c->eq->axes.data[axis].name;
    extent_from from = c->eq->axes.data[axis].shift ? FROM_OFFSET : FROM_AXIS;
    uint64_t value, stmt;
    if (ftl_map_find(&m->axis_extent, FTL_KEY(name), &value) && (int64_t)value >= 0 &&
        ftl_map_find(&m->axis_stmt, FTL_KEY(name), &stmt))
        extents_set(c->x, axis_var(c, axis),
                    add_shift((int64_t)value, c->eq->axes.data[axis].shift),
                    (extent_origin){from, 0, ((const ftl_stmt *)(uintptr_t)stmt)->span},
                    site_of(c, axis));
    if (!ftl_map_find(&m->domain_by_name, FTL_KEY(name), &value))
        return;
    const ftl_domain *d = &m->domains.data[value];
    if (d->is_closed)
        extents_set(c->x, axis_var(c, axis),
                    add_shift((int64_t)d->symbols.len, c->eq->axes.data[axis].shift),
                    (extent_origin){FROM_DOMAIN, (uint32_t)value, d->span}, site_of(c, axis));
}

static void collect_block(collector *c, uint32_t axis)
{
    const ftl_axis *a = &c->eq->axes.data[axis];
    extent_rule r = make_rule(c, RULE_BLOCK, 1, a->span);
    r.var[0] = axis_var(c, (uint32_t)a->block_of);
    r.out = axis_var(c, axis);
    r.number = a->block;
    extents_add_rule(c->x, &r);
}

void extents_collect(extents *x)
{
    for (uint32_t i = 0; i < x->m->tensors.len; i++)
        collect_tensor(x, i);
    for (uint32_t i = 0; i < x->m->equations.len; i++) {
        collector c = {x, i, &x->m->equations.data[i]};
        if (!c.eq->value)
            continue;
        for (uint32_t a = 0; a < c.eq->axes.len; a++) {
            collect_declared(&c, a);
            if (c.eq->axes.data[a].block_of >= 0)
                collect_block(&c, a);
        }
        collect_expr(&c, c.eq->value);
        collect_places(&c, c.eq->tensor, c.eq->left, c.eq->n_left);
    }
    for (size_t i = 0; i < x->m->queries.len; i++) {
        const ftl_query *q = &x->m->queries.data[i];
        for (uint32_t k = 0; k < x->m->tensors.data[q->tensor].rank; k++)
            if (q->is_point[k])
                extents_ask(x, x->tensor0[q->tensor] + k, q->hi[k],
                            (extent_origin){FROM_INDEX, 0, q->span}, no_site(""));
    }
}
