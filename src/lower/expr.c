/* SPDX-License-Identifier: Apache-2.0
 *
 * Explicit expressions -> values. Inside a loop's body what does not depend on the loop is made
 * outside, for all rounds at once, and read at the counter.
 */
#include "lower/context.h"

#include <math.h>

static bool parts_recursive(lower_ctx *c, const ftl_expr *e)
{
    const ftl_expr *part;
    for (size_t at = 0; (part = ftl_expr_next_part(e, &at));)
        if (lower_is_recursive(c, part))
            return true;
    return false;
}

bool lower_is_recursive(lower_ctx *c, const ftl_expr *e)
{
    uint64_t known;
    if (!c->group)
        return false;
    if (ftl_map_find(&c->is_recursive, FTL_KEY(e), &known))
        return known != 0;
    bool r = (e->kind == FTL_EXPR_READ && c->member[e->tensor]) || parts_recursive(c, e);
    ftl_map_put(&c->is_recursive, FTL_KEY(e), r);
    return r;
}

/* ---- numbers ---- */

static term lower_literal(lower_ctx *c, const ftl_expr *e)
{
    size_t count = 1;
    term t = {.depth = c->depth};
    for (uint32_t k = 0; k < e->n_axes; k++)
        count *= (size_t)e->shape[k];
    if (c->options.compute == FTL_DTYPE_F64) {
        t.v = ftl_make_const(lower_graph(c), FTL_DTYPE_F64, e->n_axes, e->shape, e->data);
    } else {
        float *data = FTL_NEW_ARRAY(c->arena, float, count + 1);
        for (size_t i = 0; i < count; i++)
            data[i] = (float)e->data[i];
        t.v = ftl_make_const(lower_graph(c), FTL_DTYPE_F32, e->n_axes, e->shape, data);
    }
    memcpy(t.axes, e->axes, e->n_axes * sizeof(*e->axes));
    return t;
}

/* ---- element by element ---- */

/* a**x for the exponents that are cheaper otherwise. */
static bool small_power(lower_ctx *c, term a, double x, term *out)
{
    if (x == 1)
        *out = a;
    else if (x == 2)
        *out = lower_map2(c, FTL_OP_MUL_, a, a);
    else if (x == 3)
        *out = lower_map2(c, FTL_OP_MUL_, lower_map2(c, FTL_OP_MUL_, a, a), a);
    else if (x == 0.5)
        *out = lower_map1(c, FTL_OP_SQRT_, a);
    else if (x == -1)
        *out = lower_map2(c, FTL_OP_DIV_, lower_number(c, 1), a);
    else
        return false;
    return true;
}

/* Whole numbers are compared as such, with others in double: they may be large. */
static term lower_compare(lower_ctx *c, const ftl_expr *e)
{
    const ftl_expr *x = e->args.data[0], *y = e->args.data[1];
    if (lower_is_whole(c, x) && lower_is_whole(c, y) &&
        (lower_is_beyond_float(c, x) || lower_is_beyond_float(c, y)))
        return lower_map2(c, e->op, lower_whole(c, x), lower_whole(c, y));
    term a = lower_expr(c, x), b = lower_expr(c, y);
    if (ftl_dtype_is_whole(a.v->dtype) || ftl_dtype_is_whole(b.v->dtype)) {
        a.v = ftl_make_cast(lower_graph(c), a.v, FTL_DTYPE_F64);
        b.v = ftl_make_cast(lower_graph(c), b.v, FTL_DTYPE_F64);
        return lower_map2(c, e->op, a, b);
    }
    return lower_map2(c, e->op, lower_as_number(c, a), lower_as_number(c, b));
}

static term lower_logic(lower_ctx *c, const ftl_expr *e)
{
    term acc = lower_as_truth(c, lower_expr(c, e->args.data[0]));
    if (e->op == FTL_OP_NOT_)
        return lower_map1(c, FTL_OP_NOT_, acc);
    for (size_t i = 1; i < e->args.len; i++)
        acc = lower_map2(c, e->op, acc, lower_as_truth(c, lower_expr(c, e->args.data[i])));
    return acc;
}

static term lower_choice(lower_ctx *c, const ftl_expr *e)
{
    term cond = lower_as_truth(c, lower_expr(c, e->args.data[0]));
    term a = lower_expr(c, e->args.data[1]), b = lower_expr(c, e->args.data[2]);
    return lower_select(c, cond, lower_as_number(c, a), lower_as_number(c, b));
}

static term lower_arithmetic(lower_ctx *c, const ftl_expr *e)
{
    term acc = lower_as_number(c, lower_expr(c, e->args.data[0])), power;
    if (e->op == FTL_OP_POW_ && e->args.data[1]->kind == FTL_EXPR_NUMBER &&
        small_power(c, acc, e->args.data[1]->number, &power))
        return power;
    if (e->args.len == 1)
        return lower_map1(c, e->op, acc);
    for (size_t i = 1; i < e->args.len; i++)
        acc = lower_map2(c, e->op, acc, lower_as_number(c, lower_expr(c, e->args.data[i])));
    return acc;
}

static term lower_map(lower_ctx *c, const ftl_expr *e)
{
    switch (e->op) {
    case FTL_OP_AND_:
    case FTL_OP_OR_:
    case FTL_OP_NOT_:
        return lower_logic(c, e);
    case FTL_OP_EQ_:
    case FTL_OP_NE_:
    case FTL_OP_LT_:
    case FTL_OP_LE_:
        return lower_compare(c, e);
    case FTL_OP_SELECT_:
        return lower_choice(c, e);
    default:
        return lower_arithmetic(c, e);
    }
}

/* ---- what does not depend on the loop ---- */

static double size_of(const lower_ctx *c, const ftl_expr *e)
{
    double size = 1;
    for (uint32_t k = 0; k < e->n_axes; k++)
        size *= (double)lower_extent(c, e->axes[k]);
    return size;
}

/* Making it for all rounds at once must not take much more memory than its operands have. */
static bool is_worth_hoisting(const lower_ctx *c, const ftl_expr *e)
{
    double operands = 65536;
    if (e->kind == FTL_EXPR_NUMBER || e->kind == FTL_EXPR_INDEX)
        return false;
    if (e->kind != FTL_EXPR_MAP && e->kind != FTL_EXPR_CALL)
        return true;
    for (size_t i = 0; i < e->args.len; i++)
        operands += 2 * size_of(c, e->args.data[i]);
    return size_of(c, e) <= operands;
}

/* Slice of a level-0 term at the loops' counters. */
static term read_at_counters(lower_ctx *c, term t)
{
    ftl_at at = {0};
    uint32_t axis[2], kept = 0;
    int64_t offset[2] = {0, 0};
    ftl_value *index[2];
    term r = {.depth = c->depth};
    t = lower_bring(c, t);
    for (uint32_t k = 0; k < t.v->rank; k++) {
        int d = c->fixed[0] == t.axes[k] ? 0 : c->fixed[1] == t.axes[k] ? 1 : -1;
        if (d < 0) {
            r.axes[kept++] = t.axes[k];
            continue;
        }
        axis[at.n] = k;
        index[at.n++] = c->counter[d];
    }
    at.axis = axis;
    at.offset = offset;
    r.v = at.n ? ftl_make_read_at(lower_graph(c), t.v, &at, index) : t.v;
    return r;
}

static term hoist(lower_ctx *c, const ftl_expr *e)
{
    uint64_t found;
    uint32_t depth = c->depth, fixed[2] = {c->fixed[0], c->fixed[1]};
    term *t;
    if (ftl_map_find(&c->hoisted, FTL_KEY(e), &found)) {
        t = (term *)(uintptr_t)found;
    } else {
        c->depth = 0;
        c->fixed[0] = c->fixed[1] = UINT32_MAX;
        ftl_graph_set_origin(lower_graph(c), c->equation, c->eq->span);
        t = FTL_NEW(c->arena, term);
        *t = lower_expr(c, e);
        c->depth = depth;
        memcpy(c->fixed, fixed, sizeof(fixed));
        ftl_map_put(&c->hoisted, FTL_KEY(e), FTL_KEY(t));
    }
    return read_at_counters(c, *t);
}

term lower_expr(lower_ctx *c, const ftl_expr *e)
{
    if (c->depth > 0 && !lower_is_recursive(c, e) && is_worth_hoisting(c, e))
        return hoist(c, e);
    switch (e->kind) {
    case FTL_EXPR_NUMBER:
        return lower_number(c, e->number);
    case FTL_EXPR_INDEX:
        return lower_index(c, e);
    case FTL_EXPR_READ:
        return lower_read(c, e);
    case FTL_EXPR_MAP:
        return lower_map(c, e);
    case FTL_EXPR_REDUCE:
        return lower_reduction(c, e);
    case FTL_EXPR_CALL:
        return lower_call(c, e);
    case FTL_EXPR_LITERAL:
        return lower_literal(c, e);
    }
    return lower_number(c, 0);
}
