/* SPDX-License-Identifier: Apache-2.0
 *
 * Where an equation counts. `S[t] when t > 0 = S[0] + S[t-1]` reads the place 0 only for the places
 * from 1 on: guards, choices and factors that compare an axis with a number tell so.
 */
#include "check/groups.h"

#include <math.h>

bool groups_has_part(const ftl_expr *e, const ftl_expr *part)
{
    const ftl_expr *child;
    if (e == part)
        return true;
    for (size_t at = 0; (child = ftl_expr_next_part(e, &at));)
        if (groups_has_part(child, part))
            return true;
    return false;
}

/* axis + offset */
static bool is_index(const ftl_expr *e, uint32_t axis, double *offset)
{
    double inner, number;
    if (e->kind == FTL_EXPR_INDEX && e->axis == axis) {
        *offset = 0;
        return true;
    }
    if (e->kind != FTL_EXPR_MAP || e->args.len != 2 ||
        (e->op != FTL_OP_ADD_ && e->op != FTL_OP_SUB_))
        return false;
    if (!is_index(e->args.data[0], axis, &inner) || !groups_find_constant(e->args.data[1], &number))
        return false;
    *offset = inner + (e->op == FTL_OP_ADD_ ? number : -number);
    return true;
}

static void keep_below(groups_range *r, double most)
{
    if (most < (double)r->high)
        r->high = most < -1 ? -1 : (int64_t)floor(most);
}

static void keep_above(groups_range *r, double least)
{
    if (least > (double)r->low)
        r->low = least > 0x1p52 ? INT64_C(1) << 52 : (int64_t)ceil(least);
}

/* place op x, with op one of < <= == != */
static void compare_place(groups_range *r, ftl_opcode op, double x)
{
    bool is_low = x == (double)r->low, is_high = x == (double)r->high;
    if (op == FTL_OP_LT_ || op == FTL_OP_LE_ || op == FTL_OP_EQ_)
        keep_below(r, op == FTL_OP_LT_ ? ceil(x) - 1 : x);
    if (op == FTL_OP_EQ_)
        keep_above(r, x);
    if (op == FTL_OP_NE_) {
        r->low += is_low;
        r->high -= is_high;
    }
}

/* x op place, with op < or <= */
static void compare_number(groups_range *r, ftl_opcode op, double x)
{
    keep_above(r, op == FTL_OP_LT_ ? floor(x) + 1 : x);
}

/* A comparison that does not hold is another one that does: not (a < b) is b <= a. */
static void compare(const ftl_expr *e, uint32_t axis, bool holds, groups_range *r)
{
    const ftl_expr *a = e->args.data[0], *b = e->args.data[1];
    double offset, number;
    ftl_opcode op = e->op;
    if (!holds && (op == FTL_OP_LT_ || op == FTL_OP_LE_)) {
        const ftl_expr *swap = a;
        a = b;
        b = swap;
        op = op == FTL_OP_LT_ ? FTL_OP_LE_ : FTL_OP_LT_;
    } else if (!holds) {
        op = op == FTL_OP_EQ_ ? FTL_OP_NE_ : FTL_OP_EQ_;
    }
    bool both_ways = op == FTL_OP_EQ_ || op == FTL_OP_NE_;
    if (is_index(a, axis, &offset) && groups_find_constant(b, &number))
        compare_place(r, op, number - offset);
    else if (is_index(b, axis, &offset) && groups_find_constant(a, &number)) {
        if (both_ways)
            compare_place(r, op, number - offset);
        else
            compare_number(r, op, number - offset);
    }
}

/* What a condition that holds, or does not, says about the places of the axis. */
static void narrow(const ftl_expr *e, uint32_t axis, bool holds, groups_range *r)
{
    if (e->kind != FTL_EXPR_MAP)
        return;
    switch (e->op) {
    case FTL_OP_AND_:
    case FTL_OP_MUL_:
        for (size_t i = 0; holds && i < e->args.len; i++)
            narrow(e->args.data[i], axis, true, r);
        break;
    case FTL_OP_OR_:
        for (size_t i = 0; !holds && i < e->args.len; i++)
            narrow(e->args.data[i], axis, false, r);
        break;
    case FTL_OP_NOT_:
        narrow(e->args.data[0], axis, !holds, r);
        break;
    case FTL_OP_EQ_:
    case FTL_OP_NE_:
    case FTL_OP_LT_:
    case FTL_OP_LE_:
        compare(e, axis, holds, r);
        break;
    default:
        break;
    }
}

/* From e down to the reference: conditions of choices, and other factors, which are not 0 there. */
static void walk(const ftl_expr *e, const ftl_expr *read, uint32_t axis, groups_range *r)
{
    const ftl_expr *part, *next = NULL;
    size_t which = 0;
    for (size_t at = 0; e != read && (part = ftl_expr_next_part(e, &at));) {
        if (!next && groups_has_part(part, read)) {
            next = part;
            which = at - 1;
        }
    }
    if (!next)
        return;
    bool is_map = e->kind == FTL_EXPR_MAP;
    if (is_map && e->op == FTL_OP_SELECT_ && which > 0)
        narrow(e->args.data[0], axis, which == 1, r);
    for (size_t i = 0; is_map && (e->op == FTL_OP_MUL_ || e->op == FTL_OP_AND_) && i < e->args.len;
         i++)
        if (e->args.data[i] != next)
            narrow(e->args.data[i], axis, true, r);
    walk(next, read, axis, r);
}

groups_range groups_find_range(const ftl_equation *eq, const ftl_expr *read, uint32_t axis)
{
    const ftl_axis *x = &eq->axes.data[axis];
    groups_range r = {.low = x->shift > 0 ? x->shift : 0,
                      .high = x->extent >= 0 ? x->extent - 1 : INT64_C(1) << 52};
    walk(eq->value, read, axis, &r);
    return r;
}
