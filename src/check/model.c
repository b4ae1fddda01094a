/* SPDX-License-Identifier: Apache-2.0
 *
 * Small things that the stages share.
 */
#include "check/model.h"

ftl_expr *ftl_expr_make(ftl_model *m, ftl_expr_kind kind, ftl_span span)
{
    ftl_expr *e = FTL_NEW(m->arena, ftl_expr);
    e->kind = kind;
    e->span = span;
    return e;
}

bool ftl_axes_has(const uint32_t *a, uint32_t n, uint32_t axis)
{
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (a[middle] < axis)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && a[low] == axis;
}
