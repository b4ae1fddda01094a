/* SPDX-License-Identifier: Apache-2.0
 *
 * Reductions. A sum over a product is one CONTRACT of all its factors; the planner orders it.
 */
#include "lower/context.h"

#include <math.h>

typedef struct factors {
    FTL_VEC(term) over;  /* factors with axes */
    FTL_VEC(term) under; /* divisors with axes */
    term scale;          /* product of the rest; v null: 1 */
} factors;

static void put_factor(lower_ctx *c, factors *f, term t, bool inverse)
{
    t = lower_as_number(c, t);
    if (t.v->rank > 0) {
        term *slot = inverse ? FTL_VEC_PUSH(c->arena, &f->under) : FTL_VEC_PUSH(c->arena, &f->over);
        *slot = t;
    } else if (!f->scale.v && !inverse) {
        f->scale = t;
    } else {
        term base = f->scale.v ? f->scale : lower_number(c, 1);
        f->scale = lower_map2(c, inverse ? FTL_OP_DIV_ : FTL_OP_MUL_, base, t);
    }
}

/* Factors of nested products and quotients; minus one for a sign. */
static void collect(lower_ctx *c, const ftl_expr *e, bool inverse, factors *f)
{
    bool here = c->depth == 0 || lower_is_recursive(c, e);
    if (here && e->kind == FTL_EXPR_MAP && e->op == FTL_OP_MUL_) {
        for (size_t i = 0; i < e->args.len; i++)
            collect(c, e->args.data[i], inverse, f);
    } else if (here && e->kind == FTL_EXPR_MAP && e->op == FTL_OP_DIV_) {
        collect(c, e->args.data[0], inverse, f);
        collect(c, e->args.data[1], !inverse, f);
    } else if (here && e->kind == FTL_EXPR_MAP && e->op == FTL_OP_NEG_) {
        collect(c, e->args.data[0], inverse, f);
        put_factor(c, f, lower_number(c, -1), false);
    } else {
        put_factor(c, f, lower_expr(c, e), inverse);
    }
}

static bool is_over(const ftl_expr *e, uint32_t axis)
{
    for (uint32_t k = 0; k < e->n_over; k++)
        if (e->over[k] == axis)
            return true;
    return false;
}

static bool covers(const term *a, const term *b)
{
    for (uint32_t k = 0; k < b->v->rank; k++)
        if (!lower_has_axis(a, b->axes[k]))
            return false;
    return true;
}

/* Divides the smallest factor that has all axes of d by it; else multiplies by the reciprocal. */
static void divide_factor(lower_ctx *c, factors *f, term d)
{
    term *best = NULL;
    for (size_t i = 0; i < f->over.len; i++) {
        term *t = &f->over.data[i];
        if (covers(t, &d) && (!best || ftl_value_get_count(t->v) < ftl_value_get_count(best->v)))
            best = t;
    }
    if (best)
        *best = lower_map2(c, FTL_OP_DIV_, *best, d);
    else
        *FTL_VEC_PUSH(c->arena, &f->over) = lower_map2(c, FTL_OP_DIV_, lower_number(c, 1), d);
}

/* Axes of the factors and divisors that are not reduced. */
static uint32_t kept_axes(lower_ctx *c, const factors *f, const ftl_expr *e, uint32_t *out)
{
    uint32_t n = 0;
    for (size_t i = 0; i < f->over.len; i++) {
        const term *t = &f->over.data[i];
        for (uint32_t k = 0; k < t->v->rank; k++) {
            bool known = is_over(e, t->axes[k]);
            for (uint32_t q = 0; q < n; q++)
                known |= out[q] == t->axes[k];
            if (known)
                continue;
            if (n == FTL_MAX_RANK)
                lower_fail(c, FTL_E_LIMIT, e->span, "a product has more than %d axes",
                           FTL_MAX_RANK);
            out[n++] = t->axes[k];
        }
    }
    return n;
}

/* Sum over e->over of the product e->args[0]. */
static term sum_of_product(lower_ctx *c, const ftl_expr *e)
{
    factors f = {0};
    FTL_VEC(term) after = {0};
    uint32_t out[FTL_MAX_RANK];
    collect(c, e->args.data[0], false, &f);
    for (size_t i = 0; i < f.under.len; i++) {
        bool reduced = false;
        for (uint32_t k = 0; k < f.under.data[i].v->rank; k++)
            reduced |= is_over(e, f.under.data[i].axes[k]);
        if (reduced)
            divide_factor(c, &f, f.under.data[i]);
        else
            *FTL_VEC_PUSH(c->arena, &after) = f.under.data[i];
    }
    uint32_t n_out = kept_axes(c, &f, e, out);
    term r;
    if (f.over.len == 0)
        r = lower_number(c, 1);
    else if (f.over.len == 1)
        r = lower_reduce(c, FTL_REDUCE_SUM, f.over.data[0], e->over, e->n_over);
    else
        r = lower_contract(c, (uint32_t)f.over.len, f.over.data, out, n_out);
    if (f.scale.v)
        r = lower_map2(c, FTL_OP_MUL_, r, f.scale);
    for (size_t i = 0; i < after.len; i++)
        r = lower_map2(c, FTL_OP_DIV_, r, after.data[i]);
    return r;
}

static bool is_product(const ftl_expr *e)
{
    return e->kind == FTL_EXPR_MAP &&
           (e->op == FTL_OP_MUL_ || e->op == FTL_OP_DIV_ || e->op == FTL_OP_NEG_);
}

/* An axis of `over` that the operand lost on the way counts its extent. */
static double missing_extent(const lower_ctx *c, const ftl_expr *e, const ftl_expr *arg)
{
    double n = 1;
    for (uint32_t k = 0; k < e->n_over; k++)
        if (!ftl_axes_has(arg->axes, arg->n_axes, e->over[k]))
            n *= (double)lower_extent(c, e->over[k]);
    return n;
}

static term sum_over(lower_ctx *c, const ftl_expr *e)
{
    const ftl_expr *arg = e->args.data[0];
    term r;
    if (is_product(arg))
        r = sum_of_product(c, e);
    else
        r = lower_reduce(c, FTL_REDUCE_SUM, lower_as_number(c, lower_expr(c, arg)), e->over,
                         e->n_over);
    double n = missing_extent(c, e, arg);
    return n == 1 ? r : lower_map2(c, FTL_OP_MUL_, r, lower_number(c, n));
}

static term mean_over(lower_ctx *c, const ftl_expr *e)
{
    double n = 1;
    for (uint32_t k = 0; k < e->n_over; k++)
        n *= (double)lower_extent(c, e->over[k]);
    return lower_map2(c, FTL_OP_DIV_, sum_over(c, e), lower_number(c, n));
}

static ftl_reduce reduce_of(ftl_projection p)
{
    switch (p) {
    case FTL_PROJECTION_MAX:
        return FTL_REDUCE_MAX;
    case FTL_PROJECTION_MIN:
        return FTL_REDUCE_MIN;
    case FTL_PROJECTION_PROD:
        return FTL_REDUCE_PROD;
    default:
        return FTL_REDUCE_SUM;
    }
}

/* ---- blocks: x becomes block * into + inside ---- */

/* t with axis x split in two: the last dimension, axis `inside`, is the place in the block. */
static term split_block(lower_ctx *c, const ftl_expr *e, term t, uint32_t inside)
{
    uint32_t x = lower_find_axis(&t, e->over[0]), rank = t.v->rank;
    int64_t shape[FTL_MAX_RANK];
    ftl_view view = {.map = FTL_NEW_ARRAY(c->arena, ftl_affine, rank),
                     .fill = ftl_projection_get_neutral(e->reduce)};
    if (rank == FTL_MAX_RANK)
        lower_fail(c, FTL_E_LIMIT, e->span, "a block reduction has more than %d axes",
                   FTL_MAX_RANK - 1);
    for (uint32_t k = 0; k < rank; k++) {
        ftl_affine *a = &view.map[k];
        a->select = -1;
        a->n = k == x ? 2 : 1;
        a->dim = FTL_NEW_ARRAY(c->arena, uint32_t, 2);
        a->coef = FTL_NEW_ARRAY(c->arena, int64_t, 2);
        a->dim[0] = k;
        a->coef[0] = k == x ? e->block : 1;
        a->dim[1] = rank;
        a->coef[1] = 1;
        shape[k] = k == x ? lower_extent(c, e->into) : t.v->shape[k];
    }
    shape[rank] = lower_extent(c, inside);
    t.v = ftl_make_view(lower_graph(c), t.v, rank + 1, shape, &view);
    t.axes[x] = e->into;
    t.axes[rank] = inside;
    return t;
}

/* Places in each block: all full but perhaps the last. */
static term block_sizes(lower_ctx *c, const ftl_expr *e)
{
    double n = (double)lower_extent(c, e->over[0]), d = (double)e->block;
    term start = lower_map2(c, FTL_OP_MUL_, lower_iota(c, e->into), lower_number(c, d));
    return lower_map2(c, FTL_OP_MIN_, lower_number(c, d),
                      lower_map2(c, FTL_OP_SUB_, lower_number(c, n), start));
}

static term reduce_blocks(lower_ctx *c, const ftl_expr *e)
{
    term t = lower_as_number(c, lower_expr(c, e->args.data[0]));
    if (!lower_has_axis(&t, e->over[0]))
        lower_fail(c, FTL_E_INTERNAL, e->span, "a block without its axis");
    int64_t extent = lower_extent(c, e->over[0]);
    uint32_t inside = lower_make_axis(c, e->block < extent ? e->block : extent);
    t = split_block(c, e, t, inside);
    if (e->reduce == FTL_PROJECTION_LSE)
        return lower_lse(c, t, &inside, 1);
    term r = lower_reduce(c, reduce_of(e->reduce), t, &inside, 1);
    if (e->reduce == FTL_PROJECTION_AVG)
        r = lower_map2(c, FTL_OP_DIV_, r, block_sizes(c, e));
    return r;
}

term lower_reduction(lower_ctx *c, const ftl_expr *e)
{
    term t;
    if (e->block)
        return reduce_blocks(c, e);
    switch (e->reduce) {
    case FTL_PROJECTION_SUM:
        return sum_over(c, e);
    case FTL_PROJECTION_AVG:
        return mean_over(c, e);
    case FTL_PROJECTION_LSE:
        t = lower_as_number(c, lower_expr(c, e->args.data[0]));
        return lower_lse(c, t, e->over, e->n_over);
    default:
        t = lower_as_number(c, lower_expr(c, e->args.data[0]));
        return lower_reduce(c, reduce_of(e->reduce), t, e->over, e->n_over);
    }
}
