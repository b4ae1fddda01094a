/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps before views. When every operand of a map is a view that repeats its operand along the same
 * axes, the map is computed without these and repeated after; when every operand is the same
 * transposition, the map is computed before it. Constants of equal elements go along. So work
 * shrinks, and contractions meet views that they can take in.
 *
 *   f(broadcast x, broadcast y) = broadcast f(x, y)      f(transpose x, transpose y) = transpose
 * f(x, y)
 *
 * And the part of an input is taken before it is converted, so that of a mapped file only that part
 * is touched: view (cast x) = cast (view x), the same for gather.
 */
#include "plan/pass.h"

/* Result axes of v that its operands vary along, as bits; all when some operand is no such view.
 * *order is the order in which the views' operands have them, when it is the same for all. */
typedef struct narrowing {
    uint64_t used;
    uint32_t n, order[FTL_MAX_RANK]; /* used axes; in rising order unless same_order */
    bool same_order;
} narrowing;

/* The axes of a view by its operand's order, without those of extent 1. False when it is a
 * diagonal. */
static bool get_order(const ftl_value *v, uint32_t *order, uint32_t *n, uint64_t *used)
{
    uint32_t dim[FTL_MAX_RANK];
    if (!ftl_view_get_dims(v, dim))
        return false;
    *n = 0;
    *used = 0;
    for (uint32_t k = 0; k < v->in[0]->rank; k++) {
        if (dim[k] == UINT32_MAX)
            continue;
        if (*used >> dim[k] & 1)
            return false;
        *used |= (uint64_t)1 << dim[k];
        order[(*n)++] = dim[k];
    }
    return true;
}

static bool add_operand(narrowing *w, const ftl_value *a, bool first)
{
    uint32_t order[FTL_MAX_RANK], n = 0;
    uint64_t used = 0;
    if (!get_order(a, order, &n, &used))
        return false;
    bool same = n == w->n && memcmp(order, w->order, n * sizeof(*order)) == 0;
    if (first) {
        memcpy(w->order, order, n * sizeof(*order));
        w->n = n;
        same = true;
    }
    w->same_order = w->same_order && same;
    w->used |= used;
    return true;
}

static bool find_narrowing(const ftl_value *v, narrowing *w)
{
    double x = 0;
    bool first = true;
    *w = (narrowing){.same_order = true};
    for (uint32_t i = 0; i < v->n_in; i++) {
        if (v->in[i]->op == FTL_OP_CONST_ && ftl_value_is_splat(v->in[i], &x))
            continue;
        if (!add_operand(w, v->in[i], first))
            return false;
        first = false;
    }
    return !first;
}

/* True when the map gets smaller, or loses a transposition. */
static bool is_narrower(const ftl_value *v, const narrowing *w)
{
    for (uint32_t k = 0; k < v->rank; k++)
        if (!(w->used >> k & 1) && v->shape[k] != 1)
            return true;
    for (uint32_t k = 1; k < w->n && w->same_order; k++)
        if (w->order[k] < w->order[k - 1])
            return true;
    return false;
}

/* a over the axes of w, in their order. */
static ftl_value *make_narrow(ftl_graph *g, ftl_value *a, const narrowing *w)
{
    int64_t shape[FTL_MAX_RANK], one = 1;
    uint32_t dim[FTL_MAX_RANK], at[FTL_MAX_RANK];
    ftl_affine map[FTL_MAX_RANK];
    double x = 0;
    for (uint32_t k = 0; k < w->n; k++) {
        shape[k] = a->shape[w->order[k]];
        at[w->order[k]] = k;
    }
    if (a->op == FTL_OP_CONST_ && ftl_value_is_splat(a, &x))
        return ftl_make_splat(g, a->dtype, w->n, shape, x);
    ftl_view_get_dims(a, dim);
    for (uint32_t k = 0; k < a->in[0]->rank; k++) {
        bool there = dim[k] != UINT32_MAX;
        map[k] = (ftl_affine){.select = -1, .n = there, .dim = there ? &at[dim[k]] : NULL,
                              .coef = &one};
    }
    return ftl_make_view(g, a->in[0], w->n, shape, &(ftl_view){.map = map});
}

static ftl_value *make_map(ftl_graph *g, const ftl_value *v, ftl_value *const *in)
{
    if (v->op == FTL_OP_CAST_)
        return ftl_make_cast(g, in[0], v->dtype);
    if (v->op == FTL_OP_SELECT_)
        return ftl_make_select(g, in[0], in[1], in[2]);
    return v->n_in == 1 ? ftl_make_map1(g, v->op, in[0]) : ftl_make_map2(g, v->op, in[0], in[1]);
}

/* A view or gather of fewer elements than the converted input has, filled with 0 if at all. */
static bool is_part_of_cast(const ftl_value *v)
{
    if (v->op != FTL_OP_VIEW_ && v->op != FTL_OP_GATHER_)
        return false;
    double fill = v->op == FTL_OP_VIEW_ ? v->u.view->fill : v->u.gather->fill;
    return fill == 0 && v->in[0]->op == FTL_OP_CAST_ && v->in[0]->in[0]->op == FTL_OP_INPUT_ &&
           ftl_value_get_count(v) < ftl_value_get_count(v->in[0]);
}

static ftl_value *take_part(ftl_graph *g, const ftl_value *v)
{
    ftl_value *x = v->in[0]->in[0], *part;
    if (v->op == FTL_OP_VIEW_) {
        part = ftl_make_view(g, x, v->rank, v->shape, v->u.view);
    } else {
        ftl_value **in = FTL_NEW_ARRAY(g->arena, ftl_value *, v->n_in);
        for (uint32_t k = 0; k < v->n_in; k++)
            in[k] = k > 0 ? v->in[k] : x;
        part = ftl_make_gather(g, in, v->rank, v->shape, v->u.gather);
    }
    return ftl_make_cast(g, part, v->dtype);
}

static ftl_value *narrow_value(ftl_rewriter *r, ftl_value *v)
{
    narrowing w;
    ftl_value *in[3] = {0};
    int32_t from[FTL_MAX_RANK];
    if (is_part_of_cast(v))
        return take_part(r->graph, v);
    if (ftl_opcode_get_class(v->op) != FTL_OPCLASS_MAP || !find_narrowing(v, &w) ||
        !is_narrower(v, &w))
        return v;
    if (!w.same_order) {
        w.n = 0;
        for (uint32_t k = 0; k < v->rank; k++)
            if (w.used >> k & 1)
                w.order[w.n++] = k;
    }
    for (uint32_t i = 0; i < v->n_in; i++)
        in[i] = make_narrow(r->graph, v->in[i], &w);
    for (uint32_t k = 0; k < v->rank; k++)
        from[k] = -1;
    for (uint32_t k = 0; k < w.n; k++)
        from[w.order[k]] = (int32_t)k;
    ftl_value *map = make_map(r->graph, v, in);
    return ftl_make_broadcast(r->graph, map, v->rank, v->shape, from);
}

void ftl_pass_narrow(ftl_graph *g, const ftl_pass_options *options)
{
    ftl_rewrite_graph(g, options, &(ftl_rewrite_pass){.rewrite = narrow_value});
}
