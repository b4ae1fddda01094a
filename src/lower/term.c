/* SPDX-License-Identifier: Apache-2.0
 *
 * Values with named axes: alignment, broadcasting and the few operations that lowering is written
 * in.
 */
#include "lower/context.h"

#include <math.h>

void lower_fail(lower_ctx *c, ftl_diag_code code, ftl_span span, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *text = ftl_arena_vprintf(c->arena, fmt, args);
    va_end(args);
    ftl_diag_error(c->m->diags, code, span, "%s", text);
    longjmp(c->fail, 1);
}

int64_t lower_extent(const lower_ctx *c, uint32_t axis)
{
    return c->eq->axes.data[axis].extent;
}

term lower_number(lower_ctx *c, double x)
{
    return (term){.v = ftl_make_splat(lower_graph(c), c->options.compute, 0, NULL, x),
                  .depth = c->depth};
}

static ftl_value *capture(lower_ctx *c, uint32_t depth, ftl_value *v)
{
    level *l = &c->levels[depth];
    uint64_t found;
    if (ftl_map_find(&l->params, FTL_KEY(v), &found))
        return (ftl_value *)(uintptr_t)found;
    uint32_t index = 1 + l->n_carried + (uint32_t)l->captures.len;
    ftl_value *p = ftl_make_param(l->g, index, v->dtype, v->rank, v->shape);
    *FTL_VEC_PUSH(c->arena, &l->captures) = v;
    ftl_map_put(&l->params, FTL_KEY(v), FTL_KEY(p));
    return p;
}

ftl_value *lower_bring_value(lower_ctx *c, ftl_value *v, uint32_t depth)
{
    assert(depth <= c->depth);
    while (depth < c->depth)
        v = capture(c, ++depth, v);
    return v;
}

term lower_bring(lower_ctx *c, term t)
{
    t.v = lower_bring_value(c, t.v, t.depth);
    t.depth = c->depth;
    return t;
}

uint32_t lower_find_axis(const term *t, uint32_t axis)
{
    for (uint32_t k = 0; k < t->v->rank; k++)
        if (t->axes[k] == axis)
            return k;
    return UINT32_MAX;
}

bool lower_has_axis(const term *t, uint32_t axis)
{
    return lower_find_axis(t, axis) != UINT32_MAX;
}

term lower_rename(term t, uint32_t from, uint32_t to)
{
    for (uint32_t k = 0; k < t.v->rank; k++)
        if (t.axes[k] == from)
            t.axes[k] = to;
    return t;
}

term lower_align(lower_ctx *c, term t, const uint32_t *axes, uint32_t n)
{
    int64_t shape[FTL_MAX_RANK];
    int32_t from[FTL_MAX_RANK];
    bool same = t.v->rank == n;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t at = lower_find_axis(&t, axes[k]);
        from[k] = at == UINT32_MAX ? -1 : (int32_t)at;
        shape[k] = at == UINT32_MAX ? lower_extent(c, axes[k]) : t.v->shape[at];
        same = same && at == k;
    }
    if (same)
        return t;
    term r = {.v = ftl_make_broadcast(lower_graph(c), t.v, n, shape, from), .depth = c->depth};
    memcpy(r.axes, axes, n * sizeof(*axes));
    return r;
}

term lower_as_number(lower_ctx *c, term t)
{
    t.v = ftl_make_cast(lower_graph(c), t.v, c->options.compute);
    return t;
}

term lower_as_truth(lower_ctx *c, term t)
{
    if (t.v->dtype == FTL_DTYPE_BOOL)
        return t;
    term zero = {.v = ftl_make_splat(lower_graph(c), t.v->dtype, t.v->rank, t.v->shape, 0)};
    t.v = ftl_make_map2(lower_graph(c), FTL_OP_NE_, t.v, zero.v);
    return t;
}

term lower_map1(lower_ctx *c, ftl_opcode op, term a)
{
    a.v = ftl_make_map1(lower_graph(c), op, a.v);
    return a;
}

/* Axes of a, then those of b that a lacks. */
static uint32_t union_axes(lower_ctx *c, const term *a, const term *b, uint32_t *out)
{
    uint32_t n = a->v->rank;
    memcpy(out, a->axes, n * sizeof(*out));
    for (uint32_t k = 0; k < b->v->rank; k++) {
        if (lower_has_axis(a, b->axes[k]))
            continue;
        if (n == FTL_MAX_RANK)
            lower_fail(c, FTL_E_LIMIT, c->eq->span,
                       "an element by element step has more than %d axes", FTL_MAX_RANK);
        out[n++] = b->axes[k];
    }
    return n;
}

term lower_map2(lower_ctx *c, ftl_opcode op, term a, term b)
{
    uint32_t axes[FTL_MAX_RANK], n;
    const term *wide = b.v->rank > a.v->rank ? &b : &a;
    n = union_axes(c, wide, wide == &a ? &b : &a, axes);
    a = lower_align(c, a, axes, n);
    b = lower_align(c, b, axes, n);
    a.v = ftl_make_map2(lower_graph(c), op, a.v, b.v);
    return a;
}

term lower_select(lower_ctx *c, term cond, term a, term b)
{
    uint32_t axes[FTL_MAX_RANK], n = union_axes(c, &a, &b, axes);
    a = lower_align(c, a, axes, n);
    n = union_axes(c, &a, &cond, axes);
    a = lower_align(c, a, axes, n);
    b = lower_align(c, b, axes, n);
    cond = lower_align(c, cond, axes, n);
    a.v = ftl_make_select(lower_graph(c), cond.v, a.v, b.v);
    return a;
}

term lower_reduce(lower_ctx *c, ftl_reduce kind, term a, const uint32_t *over, uint32_t n)
{
    uint64_t mask = 0;
    term r = {.depth = c->depth};
    uint32_t kept = 0;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t at = lower_find_axis(&a, over[k]);
        mask |= at == UINT32_MAX ? 0 : UINT64_C(1) << at;
    }
    for (uint32_t k = 0; k < a.v->rank; k++)
        if (!(mask >> k & 1))
            r.axes[kept++] = a.axes[k];
    r.v = mask ? ftl_make_reduce(lower_graph(c), kind, a.v, mask) : a.v;
    return r;
}

term lower_lse(lower_ctx *c, term a, const uint32_t *over, uint32_t n)
{
    term top = lower_reduce(c, FTL_REDUCE_MAX, a, over, n);
    term low = lower_number(c, -INFINITY), high = lower_number(c, INFINITY);
    term finite = lower_map2(c, FTL_OP_AND_, lower_map2(c, FTL_OP_LT_, low, top),
                             lower_map2(c, FTL_OP_LT_, top, high));
    term base = lower_select(c, finite, top, lower_number(c, 0));
    term parts = lower_map1(c, FTL_OP_EXP_, lower_map2(c, FTL_OP_SUB_, a, base));
    term sum = lower_reduce(c, FTL_REDUCE_SUM, parts, over, n);
    return lower_map2(c, FTL_OP_ADD_, lower_map1(c, FTL_OP_LOG_, sum), base);
}

term lower_iota(lower_ctx *c, uint32_t axis)
{
    term t = {.v = ftl_make_iota(lower_graph(c), c->options.compute, lower_extent(c, axis)),
              .depth = c->depth};
    t.axes[0] = axis;
    return t;
}

/* Label of an axis among those seen so far. */
static uint32_t label_of(uint32_t *seen, uint32_t *n, uint32_t axis)
{
    for (uint32_t k = 0; k < *n; k++)
        if (seen[k] == axis)
            return k;
    seen[*n] = axis;
    return (*n)++;
}

term lower_contract(lower_ctx *c, uint32_t n, const term *parts, const uint32_t *out,
                    uint32_t n_out)
{
    uint32_t total = n_out, seen_n = 0;
    for (uint32_t i = 0; i < n; i++)
        total += parts[i].v->rank;
    uint32_t *seen = FTL_NEW_ARRAY(c->arena, uint32_t, total);
    uint32_t *labels = FTL_NEW_ARRAY(c->arena, uint32_t, total), *next = labels;
    uint32_t **in = FTL_NEW_ARRAY(c->arena, uint32_t *, n);
    ftl_value **values = FTL_NEW_ARRAY(c->arena, ftl_value *, n);
    term r = {.depth = c->depth};
    for (uint32_t i = 0; i < n; i++) {
        in[i] = next;
        values[i] = parts[i].v;
        for (uint32_t k = 0; k < parts[i].v->rank; k++)
            *next++ = label_of(seen, &seen_n, parts[i].axes[k]);
    }
    for (uint32_t k = 0; k < n_out; k++) {
        r.axes[k] = out[k];
        next[k] = label_of(seen, &seen_n, out[k]);
    }
    ftl_contract labeled = {.in = in, .out = next};
    r.v = ftl_make_contract(lower_graph(c), n, values, &labeled, n_out);
    return r;
}

uint32_t lower_make_axis(lower_ctx *c, int64_t extent)
{
    ftl_equation *eq = (ftl_equation *)(uintptr_t)c->eq;
    ftl_axis *x = FTL_VEC_PUSH(c->arena, &eq->axes);
    x->name = "_";
    x->extent = extent;
    x->domain = -1;
    x->block_of = -1;
    return (uint32_t)(eq->axes.len - 1);
}
