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

void ftl_axes_union(ftl_arena *arena, uint32_t **a, uint32_t *n, const uint32_t *b, uint32_t nb)
{
    uint32_t *out = FTL_NEW_ARRAY(arena, uint32_t, (size_t)*n + nb), len = 0;
    for (uint32_t i = 0, j = 0; i < *n || j < nb;) {
        bool take_a = j == nb || (i < *n && (*a)[i] <= b[j]);
        uint32_t axis = take_a ? (*a)[i++] : b[j++];
        if (len == 0 || out[len - 1] != axis)
            out[len++] = axis;
    }
    *a = out;
    *n = len;
}
