/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations that move elements: views, reshapes, gathers, slices at places known at run time.
 */
#include "backend/native/oracle.h"

#include <math.h>

/* ---- places ---- */

/* One affine place; -1 when outside of the extent. */
static int64_t find_affine(const ftl_affine *a, int64_t extent, const int64_t *place)
{
    int64_t at = a->offset;
    for (uint32_t k = 0; k < a->n; k++)
        at += a->coef[k] * place[a->dim[k]];
    return at >= 0 && at < extent ? at : -1;
}

/* The element of `read` that map leads to, -1 when outside. */
static int64_t find_place(const ftl_affine *map, const ftl_value *read, const int64_t *place)
{
    int64_t at = 0;
    for (uint32_t k = 0; k < read->rank; k++) {
        int64_t axis = find_affine(&map[k], read->shape[k], place);
        if (axis < 0)
            return -1;
        at = at * read->shape[k] + axis;
    }
    return at;
}

ftl_status ftl_oracle_run_VIEW(const ftl_oracle_call *c)
{
    const ftl_view *view = c->v->u.view;
    int64_t place[FTL_MAX_RANK] = {0};
    for (int64_t k = 0; k < c->out->n; k++) {
        int64_t from = find_place(view->map, c->v->in[0], place);
        if (from >= 0)
            ftl_oracle_copy(c->out, k, c->in[0], from);
        else
            ftl_oracle_put(c->v->dtype, c->out, k, view->fill);
        ftl_oracle_step(c->v->rank, c->v->shape, place);
    }
    return FTL_OK;
}

ftl_status ftl_oracle_run_VIEW_ADD(const ftl_oracle_call *c)
{
    const ftl_value *a = c->v->in[0];
    int64_t place[FTL_MAX_RANK] = {0};
    for (int64_t k = 0; k < c->in[0]->n; k++) {
        int64_t to = find_place(c->v->u.view->map, c->v, place);
        if (to >= 0)
            ftl_oracle_add(c->v->dtype, c->out, to, c->in[0], k);
        ftl_oracle_step(a->rank, a->shape, place);
    }
    return FTL_OK;
}

ftl_status ftl_oracle_run_RESHAPE(const ftl_oracle_call *c)
{
    for (int64_t k = 0; k < c->out->n; k++)
        ftl_oracle_copy(c->out, k, c->in[0], k);
    return FTL_OK;
}

ftl_status ftl_oracle_run_CONCAT(const ftl_oracle_call *c)
{
    int64_t place[FTL_MAX_RANK] = {0};
    uint32_t axis = c->v->u.axis;
    for (int64_t k = 0; k < c->out->n; k++) {
        uint32_t i = 0;
        int64_t along = place[axis], from = 0;
        while (along >= c->v->in[i]->shape[axis])
            along -= c->v->in[i++]->shape[axis];
        for (uint32_t j = 0; j < c->v->rank; j++)
            from = from * c->v->in[i]->shape[j] + (j == axis ? along : place[j]);
        ftl_oracle_copy(c->out, k, c->in[i], from);
        ftl_oracle_step(c->v->rank, c->v->shape, place);
    }
    return FTL_OK;
}

/* ---- gather ---- */

static bool is_affine_inside(const ftl_gather *g, const ftl_value *data, const int64_t *place)
{
    for (uint32_t k = 0; k < data->rank; k++)
        if (g->map[k].select < 0 && find_affine(&g->map[k], data->shape[k], place) < 0)
            return false;
    return true;
}

/* The value of index operand i at place. */
static double get_index(const ftl_oracle_call *c, uint32_t i, const int64_t *place)
{
    const ftl_value *index = c->v->in[i];
    int64_t at = 0;
    for (uint32_t k = 0; k < index->rank; k++)
        at = at * index->shape[k] + place[c->v->u.gather->sub[i][k]];
    return c->in[i]->f ? c->in[i]->f[at] : (double)c->in[i]->i[at];
}

/* The element of data that is read at place; *at is -1 when an affine place is outside. */
static ftl_status find_gathered(const ftl_oracle_call *c, const ftl_value *data,
                                const int64_t *place, int64_t *at)
{
    const ftl_gather *g = c->v->u.gather;
    *at = -1;
    if (!is_affine_inside(g, data, place))
        return FTL_OK;
    int64_t sum = 0;
    for (uint32_t k = 0; k < data->rank; k++) {
        int64_t axis = 0;
        if (g->map[k].select < 0) {
            axis = find_affine(&g->map[k], data->shape[k], place);
        } else {
            double x = get_index(c, (uint32_t)g->map[k].select, place);
            if (!(x == floor(x) && x >= 0 && x < (double)data->shape[k])) {
                ftl_backend_set_index_error(c->oracle->error, c->graph, c->v, k, x);
                return FTL_ERR_PROGRAM;
            }
            axis = (int64_t)x;
        }
        sum = sum * data->shape[k] + axis;
    }
    *at = sum;
    return FTL_OK;
}

ftl_status ftl_oracle_run_GATHER(const ftl_oracle_call *c)
{
    int64_t place[FTL_MAX_RANK] = {0}, from = 0;
    for (int64_t k = 0; k < c->out->n; k++) {
        FTL_TRY(find_gathered(c, c->v->in[0], place, &from));
        if (from >= 0)
            ftl_oracle_copy(c->out, k, c->in[0], from);
        else
            ftl_oracle_put(c->v->dtype, c->out, k, c->v->u.gather->fill);
        ftl_oracle_step(c->v->rank, c->v->shape, place);
    }
    return FTL_OK;
}

ftl_status ftl_oracle_run_GATHER_ADD(const ftl_oracle_call *c)
{
    const ftl_value *a = c->v->in[0];
    int64_t place[FTL_MAX_RANK] = {0}, to = 0;
    for (int64_t k = 0; k < c->in[0]->n; k++) {
        FTL_TRY(find_gathered(c, c->v, place, &to));
        if (to >= 0)
            ftl_oracle_add(c->v->dtype, c->out, to, c->in[0], k);
        ftl_oracle_step(a->rank, a->shape, place);
    }
    return FTL_OK;
}

/* ---- slices at scalar places ---- */

/* Fills in the places of the fixed axes from the index operands, which start at operand `first`.
 * False when one is outside. */
static bool find_fixed(const ftl_oracle_call *c, uint32_t first, int64_t *place)
{
    const ftl_at *at = c->v->u.at;
    for (uint32_t i = 0; i < at->n; i++) {
        int64_t index = c->in[first + i]->i[0];
        if (__builtin_add_overflow(index, at->offset[i], &index) || index < 0 ||
            index >= c->v->in[0]->shape[at->axis[i]])
            return false;
        place[at->axis[i]] = index;
    }
    return true;
}

/* Element of operand 0 for a place of the slice. */
static int64_t find_in_whole(const ftl_oracle_call *c, const int64_t *fixed, const int64_t *slice)
{
    const ftl_at *at = c->v->u.at;
    const ftl_value *x = c->v->in[0];
    int64_t sum = 0;
    uint32_t i = 0;
    for (uint32_t k = 0; k < x->rank; k++) {
        bool is_fixed = i < at->n && at->axis[i] == k;
        sum = sum * x->shape[k] + (is_fixed ? fixed[k] : slice[k - i]);
        i += is_fixed;
    }
    return sum;
}

ftl_status ftl_oracle_run_READ_AT(const ftl_oracle_call *c)
{
    int64_t fixed[FTL_MAX_RANK] = {0}, place[FTL_MAX_RANK] = {0};
    bool inside = find_fixed(c, 1, fixed);
    for (int64_t k = 0; k < c->out->n; k++) {
        if (inside)
            ftl_oracle_copy(c->out, k, c->in[0], find_in_whole(c, fixed, place));
        else
            ftl_oracle_put(c->v->dtype, c->out, k, c->v->u.at->fill);
        ftl_oracle_step(c->v->rank, c->v->shape, place);
    }
    return FTL_OK;
}

ftl_status ftl_oracle_run_WRITE_AT(const ftl_oracle_call *c)
{
    const ftl_value *slice = c->v->in[1];
    int64_t fixed[FTL_MAX_RANK] = {0}, place[FTL_MAX_RANK] = {0};
    for (int64_t k = 0; k < c->out->n; k++)
        ftl_oracle_copy(c->out, k, c->in[0], k);
    if (!find_fixed(c, 2, fixed))
        return FTL_OK;
    for (int64_t k = 0; k < c->in[1]->n; k++) {
        ftl_oracle_copy(c->out, find_in_whole(c, fixed, place), c->in[1], k);
        ftl_oracle_step(slice->rank, slice->shape, place);
    }
    return FTL_OK;
}
