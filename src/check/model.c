/* SPDX-License-Identifier: Apache-2.0
 *
 * Small things that the stages share.
 */
#include "check/model.h"

#include <math.h>

ftl_expr *ftl_expr_make(ftl_model *m, ftl_expr_kind kind, ftl_span span)
{
    ftl_expr *e = FTL_NEW(m->arena, ftl_expr);
    e->kind = kind;
    e->span = span;
    return e;
}

ftl_expr *ftl_expr_next_part(const ftl_expr *e, size_t *at)
{
    while (*at < e->n_places) {
        ftl_expr *gather = e->places[(*at)++].gather;
        if (gather)
            return gather;
    }
    size_t k = *at - e->n_places;
    if (k < e->args.len) {
        ++*at;
        return e->args.data[k];
    }
    for (k -= e->args.len; e->call && k < 4; k++) {
        ftl_expr *const extra[] = {e->call->mask, e->call->scale, e->call->temperature,
                                   e->call->position};
        ++*at;
        if (extra[k])
            return extra[k];
    }
    return NULL;
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

double ftl_projection_get_neutral(ftl_projection p)
{
    switch (p) {
    case FTL_PROJECTION_MAX:
    case FTL_PROJECTION_LSE:
        return -INFINITY;
    case FTL_PROJECTION_MIN:
        return INFINITY;
    case FTL_PROJECTION_PROD:
        return 1;
    default:
        return 0;
    }
}

void ftl_extent_put(ftl_strbuf *out, int64_t extent)
{
    if (extent < 0)
        ftl_strbuf_putc(out, '?');
    else
        ftl_strbuf_printf(out, "%lld", (long long)extent);
}
