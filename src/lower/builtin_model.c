/* SPDX-License-Identifier: Apache-2.0
 *
 * The larger builtins: attention, rotary embedding, Tucker projection.
 */
#include "lower/context.h"

#include <math.h>

static uint32_t put_axes(const term *t, const uint32_t *skip, uint32_t n_skip, uint32_t *out,
                         uint32_t n)
{
    for (uint32_t k = 0; k < t->v->rank; k++) {
        bool known = false;
        for (uint32_t q = 0; q < n_skip; q++)
            known |= skip[q] == t->axes[k];
        for (uint32_t q = 0; q < n; q++)
            known |= out[q] == t->axes[k];
        if (!known && n < FTL_MAX_RANK)
            out[n++] = t->axes[k];
    }
    return n;
}

/* The query's own axis: of q, not the width, not shared with k. */
static uint32_t query_axis(lower_ctx *c, const ftl_expr *e, const term *q, const term *k)
{
    for (uint32_t i = q->v->rank; i-- > 0;)
        if (q->axes[i] != e->call->part_axes[0] && !lower_has_axis(k, q->axes[i]))
            return q->axes[i];
    lower_fail(c, FTL_E_AXIS, e->span, "causal attention needs an axis of its own in the query");
}

/* softmax(q k * scale) v; scale 1 / sqrt(width). Vaswani et al. 2017, 3.2.1. */
term lower_attention(lower_ctx *c, const ftl_expr *e)
{
    uint32_t d = e->call->part_axes[0], s = e->call->part_axes[1];
    uint32_t out[FTL_MAX_RANK], n;
    term q = lower_as_number(c, lower_expr(c, e->args.data[0]));
    term k = lower_as_number(c, lower_expr(c, e->args.data[1]));
    term v = lower_as_number(c, lower_expr(c, e->args.data[2]));
    term scale = e->call->has_scale ? lower_as_number(c, lower_expr(c, e->call->scale))
                                    : lower_number(c, 1 / sqrt((double)lower_extent(c, d)));
    term parts[2] = {q, k};
    n = put_axes(&q, &d, 1, out, 0);
    n = put_axes(&k, &d, 1, out, n);
    term score = lower_map2(c, FTL_OP_MUL_, lower_contract(c, 2, parts, out, n), scale);
    term mask = {0};
    if (e->call->mask)
        mask = lower_as_truth(c, lower_expr(c, e->call->mask));
    if (e->call->causal) {
        term row = lower_iota(c, query_axis(c, e, &q, &k));
        term past = lower_map2(c, FTL_OP_LE_, lower_iota(c, s), row);
        mask = mask.v ? lower_map2(c, FTL_OP_AND_, mask, past) : past;
    }
    term weight = mask.v ? lower_masked_softmax(c, score, mask, s) : lower_softmax(c, score, s);
    parts[0] = weight;
    parts[1] = v;
    n = put_axes(&weight, &s, 1, out, 0);
    n = put_axes(&v, &s, 1, out, n);
    return lower_contract(c, 2, parts, out, n);
}

/* Half of t along an axis of even extent, as an axis of its own. */
static term half_of(lower_ctx *c, term t, uint32_t axis, int64_t start, uint32_t half)
{
    ftl_affine *map = FTL_NEW_ARRAY(c->arena, ftl_affine, t.v->rank);
    int64_t shape[FTL_MAX_RANK];
    uint32_t at = lower_find_axis(&t, axis);
    for (uint32_t k = 0; k < t.v->rank; k++) {
        map[k] = (ftl_affine){.n = 1, .select = -1, .offset = k == at ? start : 0};
        map[k].dim = FTL_NEW(c->arena, uint32_t);
        map[k].coef = FTL_NEW(c->arena, int64_t);
        map[k].dim[0] = k;
        map[k].coef[0] = 1;
        shape[k] = k == at ? lower_extent(c, half) : t.v->shape[k];
    }
    t.v = ftl_make_view(lower_graph(c), t.v, t.v->rank, shape, &(ftl_view){.map = map});
    t.axes[at] = half;
    return t;
}

/* Pairs (k, k + D/2) of the axis turn by an angle: p / 10000^(2k/D), or k without p. Su et al.
 * 2021. */
term lower_rope(lower_ctx *c, const ftl_expr *e)
{
    uint32_t axis = e->call->axis;
    int64_t width = lower_extent(c, axis);
    term x = lower_as_number(c, lower_expr(c, e->args.data[0])), angle;
    if (width % 2 != 0)
        lower_fail(c, FTL_E_EXTENT, e->span, "rope turns pairs: axis '%s' has the odd extent %lld",
                   c->eq->axes.data[axis].name, (long long)width);
    if (!lower_has_axis(&x, axis))
        lower_fail(c, FTL_E_AXIS, e->span, "rope: its argument has lost its last axis");
    uint32_t half = lower_make_axis(c, width / 2);
    angle = lower_iota(c, half);
    if (e->call->position) {
        term exponent =
            lower_map2(c, FTL_OP_MUL_, angle, lower_number(c, -2.0 / (double)width * log(10000.0)));
        term position = lower_as_number(c, lower_expr(c, e->call->position));
        angle = lower_map2(c, FTL_OP_MUL_, position, lower_map1(c, FTL_OP_EXP_, exponent));
    }
    term cosine = lower_map1(c, FTL_OP_COS_, angle), sine = lower_map1(c, FTL_OP_SIN_, angle);
    term a = half_of(c, x, axis, 0, half), b = half_of(c, x, axis, width / 2, half);
    term first = lower_map2(c, FTL_OP_SUB_, lower_map2(c, FTL_OP_MUL_, a, cosine),
                            lower_map2(c, FTL_OP_MUL_, b, sine));
    term second = lower_map2(c, FTL_OP_ADD_, lower_map2(c, FTL_OP_MUL_, b, cosine),
                             lower_map2(c, FTL_OP_MUL_, a, sine));
    second = lower_align(c, second, first.axes, first.v->rank);
    uint32_t at = lower_find_axis(&first, half);
    ftl_value *both[2] = {first.v, second.v};
    first.v = ftl_make_concat(lower_graph(c), 2, both, at);
    first.axes[at] = axis;
    return first;
}

/* First r columns of the eigenvectors of the Gram matrix of x unfolded along `axis`; axes (axis,
 * column). */
static term leading_vectors(lower_ctx *c, term x, uint32_t axis, int64_t r)
{
    int64_t n = lower_extent(c, axis), shape[2] = {n, r};
    uint32_t other = lower_make_axis(c, n), column = lower_make_axis(c, r), out[2] = {axis, other};
    term parts[2] = {x, lower_rename(x, axis, other)};
    term gram = lower_contract(c, 2, parts, out, 2);
    uint32_t dims[2] = {0, 1};
    int64_t one[2] = {1, 1};
    ftl_affine map[2] = {{.n = 1, .dim = &dims[0], .coef = &one[0], .select = -1},
                         {.n = 1, .dim = &dims[1], .coef = &one[1], .select = -1}};
    gram.v = ftl_make_eigvec(lower_graph(c), gram.v);
    gram.v = ftl_make_view(lower_graph(c), gram.v, 2, shape, &(ftl_view){.map = map});
    gram.axes[1] = column;
    return gram;
}

/* x projected on the leading left singular vectors of each of its unfoldings (De Lathauwer et al.
 * 2000: the higher-order SVD), in double precision; then 1 where the result is over the threshold.
 */
term lower_tucker(lower_ctx *c, const ftl_expr *e)
{
    term x = lower_as_number(c, lower_expr(c, e->args.data[0]));
    x.v = ftl_make_cast(lower_graph(c), x.v, FTL_DTYPE_F64);
    term y = x;
    for (uint32_t k = 0; k < x.v->rank; k++) {
        uint32_t axis = x.axes[k], inner = lower_make_axis(c, lower_extent(c, axis)),
                 out[FTL_MAX_RANK];
        int64_t n = lower_extent(c, axis);
        int64_t r = e->call->k > 0 ? e->call->k : (int64_t)ceil(sqrt((double)n));
        term u = leading_vectors(c, x, axis, r < n ? r : n);
        term parts[3] = {lower_rename(y, axis, inner), lower_rename(u, axis, inner), u};
        memcpy(out, y.axes, y.v->rank * sizeof(*out));
        y = lower_contract(c, 3, parts, out, y.v->rank);
    }
    term limit = lower_number(c, e->call->threshold);
    limit.v = ftl_make_cast(lower_graph(c), limit.v, FTL_DTYPE_F64);
    return lower_map2(c, FTL_OP_LT_, limit, y);
}
