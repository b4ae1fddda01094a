/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole numbers that stay whole: indices, whole tensors, places that argmax and topk give, and
 * sums and products of these. They are compared, cast to whole types and asked for parity as
 * 64-bit numbers, so that positions and keys beyond 2^24 or 2^53 keep their value. As a float an
 * index is only given where it is exact.
 */
#include "lower/context.h"

#include <math.h>

#define EXACT_F32 (INT64_C(1) << 24)

static bool is_whole_number(const ftl_expr *e)
{
    return e->has_whole || (e->number == floor(e->number) && fabs(e->number) <= 0x1p53);
}

static bool is_whole_read(const lower_ctx *c, const ftl_expr *e)
{
    const ftl_value *v = c->tensor[e->tensor];
    return !e->truth && !c->member[e->tensor] && v && ftl_dtype_is_whole(v->dtype);
}

bool lower_is_whole(const lower_ctx *c, const ftl_expr *e)
{
    switch (e->kind) {
    case FTL_EXPR_NUMBER:
        return is_whole_number(e);
    case FTL_EXPR_INDEX:
        return true;
    case FTL_EXPR_READ:
        return is_whole_read(c, e);
    case FTL_EXPR_CALL:
        return e->builtin == FTL_BUILTIN_ARGMAX || e->builtin == FTL_BUILTIN_TOPK ||
               (e->builtin == FTL_BUILTIN_CAST && ftl_dtype_is_whole(e->call->dtype));
    case FTL_EXPR_MAP:
        for (size_t i = 0; i < e->args.len; i++)
            if (!lower_is_whole(c, e->args.data[i]))
                return false;
        return e->op == FTL_OP_NEG_ || e->op == FTL_OP_ADD_ || e->op == FTL_OP_SUB_ ||
               e->op == FTL_OP_MUL_ || e->op == FTL_OP_MIN_ || e->op == FTL_OP_MAX_;
    default:
        return false;
    }
}

bool lower_is_beyond_float(const lower_ctx *c, const ftl_expr *e)
{
    const ftl_expr *part;
    if (e->kind == FTL_EXPR_NUMBER)
        return fabs(e->number) > EXACT_F32;
    if (e->kind == FTL_EXPR_READ)
        return is_whole_read(c, e);
    if (e->kind == FTL_EXPR_CALL)
        return lower_is_whole(c, e);
    if (e->kind == FTL_EXPR_INDEX)
        return lower_extent(c, e->axis) > EXACT_F32;
    for (size_t at = 0; (part = ftl_expr_next_part(e, &at));)
        if (lower_is_beyond_float(c, part))
            return true;
    return false;
}

/* ---- making them ---- */

static term number(lower_ctx *c, const ftl_expr *e)
{
    int64_t *x = FTL_NEW(c->arena, int64_t);
    *x = e->has_whole ? e->whole : (int64_t)e->number;
    return (term){.v = ftl_make_const(lower_graph(c), FTL_DTYPE_I64, 0, NULL, x),
                  .depth = c->depth};
}

static term position(lower_ctx *c, uint32_t axis)
{
    term t = {.depth = c->depth};
    for (int d = 0; d < 2; d++) {
        if (c->depth > 0 && c->fixed[d] == axis) {
            t.v = c->counter[d];
            return t;
        }
    }
    t.v = ftl_make_iota(lower_graph(c), FTL_DTYPE_I64, lower_extent(c, axis));
    t.axes[0] = axis;
    return t;
}

term lower_whole(lower_ctx *c, const ftl_expr *e)
{
    term t;
    switch (e->kind) {
    case FTL_EXPR_NUMBER:
        return number(c, e);
    case FTL_EXPR_INDEX:
        return position(c, e->axis);
    case FTL_EXPR_MAP:
        t = lower_whole(c, e->args.data[0]);
        if (e->args.len == 1)
            return lower_map1(c, e->op, t);
        for (size_t i = 1; i < e->args.len; i++)
            t = lower_map2(c, e->op, t, lower_whole(c, e->args.data[i]));
        return t;
    default:
        t = lower_expr(c, e);
        t.v = ftl_make_cast(lower_graph(c), t.v, FTL_DTYPE_I64);
        return t;
    }
}

term lower_index(lower_ctx *c, const ftl_expr *e)
{
    int64_t last = lower_extent(c, e->axis) - 1;
    if (c->options.compute == FTL_DTYPE_F32 && last > EXACT_F32)
        lower_fail(c, FTL_E_LIMIT, e->span,
                   "'%s' goes up to %lld as a number, which f32 cannot tell from its neighbours: "
                   "run with --precision fp64",
                   c->eq->axes.data[e->axis].name, (long long)last);
    term t = position(c, e->axis);
    if (t.v->rank > 0)
        return lower_iota(c, e->axis);
    return lower_as_number(c, t);
}
