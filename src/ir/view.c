/* SPDX-License-Identifier: Apache-2.0
 *
 * Affine places. Composition: an outer view reads places q = A(p) of an inner view's result, which
 * reads places B(q) of x. B(A(p)) is affine again. Where q is always inside, that is all. Where q
 * may be outside on some axis, one view can stand for both only if leaving that axis also leaves x,
 * on either side, and the two fills agree.
 */
#include "ir/graph.h"

#define PLACE_LIMIT ((int64_t)1 << 62)

__extension__ typedef __int128 wide;

static wide get_span(int64_t extent)
{
    return extent > 0 ? (wide)extent - 1 : 0;
}

bool ftl_affine_get_range(const ftl_affine *a, const int64_t *shape, int64_t *lo, int64_t *hi)
{
    wide least = a->offset, most = a->offset, reach = a->offset < 0 ? -least : least;
    if (a->select >= 0)
        return false;
    for (uint32_t k = 0; k < a->n; k++) {
        wide term = a->coef[k] * get_span(shape[a->dim[k]]);
        *(term < 0 ? &least : &most) += term;
        reach += term < 0 ? -term : term;
        if (reach >= PLACE_LIMIT)
            return false;
    }
    if (reach >= PLACE_LIMIT)
        return false;
    *lo = (int64_t)least;
    *hi = (int64_t)most;
    return true;
}

static bool is_axis_in_range(const ftl_affine *a, const int64_t *shape, int64_t extent)
{
    int64_t lo = 0, hi = 0;
    return ftl_affine_get_range(a, shape, &lo, &hi) && lo >= 0 && hi < extent;
}

bool ftl_view_is_in_range(const ftl_affine *map, const int64_t *shape, const ftl_value *read)
{
    for (uint32_t k = 0; k < read->rank; k++)
        if (!is_axis_in_range(&map[k], shape, read->shape[k]))
            return false;
    return true;
}

/* True when every q < 0 (below) or q >= n (above) on axis `dim` puts place b, of an axis of extent
 * m, outside: b = offset + coef * q with nothing else in it. */
static bool is_left_with(const ftl_affine *b, uint32_t dim, const int64_t *n_or_null, int64_t m)
{
    if (b->n != 1 || b->dim[0] != dim)
        return false;
    wide place = (wide)b->offset + (wide)b->coef[0] * (n_or_null ? *n_or_null : -1);
    bool rises = (b->coef[0] > 0) == (n_or_null != NULL);
    return rises ? place >= m : place < 0;
}

/* True when some place of v's operand is outside wherever q, on axis `dim` of v, is below (n null)
 * or above. */
static bool is_side_carried(const ftl_value *v, uint32_t dim, const int64_t *n_or_null)
{
    for (uint32_t k = 0; k < v->in[0]->rank; k++)
        if (is_left_with(&v->u.view->map[k], dim, n_or_null, v->in[0]->shape[k]))
            return true;
    return false;
}

static bool can_compose(const ftl_view *outer, const int64_t *shape, const ftl_value *v)
{
    const ftl_view *inner = v->u.view;
    if (outer->in_range)
        return true;
    if (!inner->in_range && memcmp(&outer->fill, &inner->fill, sizeof(double)) != 0)
        return false;
    for (uint32_t q = 0; q < v->rank; q++) {
        int64_t lo = 0, hi = 0;
        if (!ftl_affine_get_range(&outer->map[q], shape, &lo, &hi))
            return false;
        if (lo < 0 && !is_side_carried(v, q, NULL))
            return false;
        if (hi >= v->shape[q] && !is_side_carried(v, q, &v->shape[q]))
            return false;
    }
    return true;
}

/* sum += factor * a, as coefficients by result axis. False on overflow. */
static bool add_scaled(int64_t *offset, int64_t *coef, const ftl_affine *a, int64_t factor)
{
    int64_t term = 0;
    if (__builtin_mul_overflow(a->offset, factor, &term) ||
        __builtin_add_overflow(*offset, term, offset))
        return false;
    for (uint32_t k = 0; k < a->n; k++)
        if (__builtin_mul_overflow(a->coef[k], factor, &term) ||
            __builtin_add_overflow(coef[a->dim[k]], term, &coef[a->dim[k]]))
            return false;
    return true;
}

static bool compose_axis(ftl_arena *arena, const ftl_affine *b, const ftl_view *outer,
                         ftl_affine *out)
{
    int64_t coef[FTL_MAX_RANK] = {0}, offset = b->offset;
    for (uint32_t k = 0; k < b->n; k++)
        if (!add_scaled(&offset, coef, &outer->map[b->dim[k]], b->coef[k]))
            return false;
    uint32_t n = 0;
    for (uint32_t d = 0; d < FTL_MAX_RANK; d++)
        n += coef[d] != 0;
    *out = (ftl_affine){.offset = offset, .select = -1,
                        .dim = FTL_NEW_ARRAY(arena, uint32_t, n),
                        .coef = FTL_NEW_ARRAY(arena, int64_t, n)};
    for (uint32_t d = 0; d < FTL_MAX_RANK; d++)
        if (coef[d] != 0) {
            out->dim[out->n] = d;
            out->coef[out->n++] = coef[d];
        }
    return true;
}

ftl_view *ftl_view_compose(ftl_arena *arena, const ftl_view *outer, const int64_t *shape,
                           const ftl_value *v)
{
    assert(v->op == FTL_OP_VIEW_);
    if (!can_compose(outer, shape, v))
        return NULL;
    const ftl_value *x = v->in[0];
    ftl_view *view = FTL_NEW(arena, ftl_view);
    view->map = FTL_NEW_ARRAY(arena, ftl_affine, x->rank);
    view->fill = v->u.view->in_range ? outer->fill : v->u.view->fill;
    for (uint32_t k = 0; k < x->rank; k++) {
        int64_t lo = 0, hi = 0;
        if (!compose_axis(arena, &v->u.view->map[k], outer, &view->map[k]) ||
            !ftl_affine_get_range(&view->map[k], shape, &lo, &hi))
            return NULL;
    }
    view->in_range = ftl_view_is_in_range(view->map, shape, x);
    if (view->in_range)
        view->fill = 0;
    return view;
}
