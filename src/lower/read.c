/* SPDX-License-Identifier: Apache-2.0
 *
 * References: a tensor read at places is one VIEW, or one GATHER when places are computed.
 */
#include "lower/context.h"

typedef struct reading {
    ftl_affine *map; /* by place of the tensor */
    uint32_t rank;
    uint32_t axes[FTL_MAX_RANK]; /* result axes */
    int64_t shape[FTL_MAX_RANK];
    uint32_t n_index; /* gathers */
    term *index;      /* by gather; room for one at each place */
} reading;

static uint32_t result_dim(lower_ctx *c, reading *r, uint32_t axis)
{
    for (uint32_t k = 0; k < r->rank; k++)
        if (r->axes[k] == axis)
            return k;
    if (r->rank == FTL_MAX_RANK)
        lower_fail(c, FTL_E_LIMIT, c->eq->span, "a reference has more than %d axes", FTL_MAX_RANK);
    r->axes[r->rank] = axis;
    r->shape[r->rank] = lower_extent(c, axis);
    return r->rank++;
}

static void add_affine(lower_ctx *c, reading *r, const ftl_at_place *p, ftl_affine *out)
{
    out->select = -1;
    out->offset = p->offset;
    out->n = (uint32_t)p->terms.len;
    out->dim = FTL_NEW_ARRAY(c->arena, uint32_t, out->n);
    out->coef = FTL_NEW_ARRAY(c->arena, int64_t, out->n);
    for (uint32_t k = 0; k < out->n; k++) {
        out->dim[k] = result_dim(c, r, p->terms.data[k].axis);
        out->coef[k] = p->terms.data[k].coef;
    }
}

/* A whole-number value along its axes; numbers are checked at run time by the gather. */
static void add_gather(lower_ctx *c, reading *r, const ftl_at_place *p, ftl_affine *out)
{
    term t = lower_expr(c, p->gather);
    if (t.v->dtype == FTL_DTYPE_BOOL)
        t.v = ftl_make_cast(lower_graph(c), t.v, FTL_DTYPE_I64);
    if (!r->index)
        r->index = FTL_NEW_ARRAY(c->arena, term, FTL_MAX_RANK);
    r->index[r->n_index++] = t;
    out->select = (int32_t)r->n_index;
    for (uint32_t k = 0; k < t.v->rank; k++)
        result_dim(c, r, t.axes[k]);
}

static bool is_plain(const reading *r, const ftl_value *v)
{
    if (r->rank != v->rank)
        return false;
    for (uint32_t k = 0; k < v->rank; k++)
        if (r->map[k].n != 1 || r->map[k].offset != 0 || r->map[k].coef[0] != 1 ||
            r->map[k].dim[0] != k || r->shape[k] != v->shape[k])
            return false;
    return true;
}

static ftl_value *make_gather(lower_ctx *c, reading *r, ftl_value *v)
{
    ftl_value *operands[FTL_MAX_RANK + 1] = {v};
    ftl_gather gather = {.map = r->map, .n = r->n_index + 1};
    gather.sub = FTL_NEW_ARRAY(c->arena, uint32_t *, r->n_index + 1);
    for (uint32_t i = 0; i < r->n_index; i++) {
        const term *t = &r->index[i];
        operands[i + 1] = t->v;
        gather.sub[i + 1] = FTL_NEW_ARRAY(c->arena, uint32_t, t->v->rank);
        for (uint32_t k = 0; k < t->v->rank; k++)
            gather.sub[i + 1][k] = result_dim(c, r, t->axes[k]);
    }
    return ftl_make_gather(lower_graph(c), operands, r->rank, r->shape, &gather);
}

term lower_read_value(lower_ctx *c, ftl_value *v, const ftl_expr *e, uint64_t skip)
{
    reading *r = FTL_NEW(c->arena, reading);
    term t = {.depth = c->depth};
    uint32_t place = 0;
    r->map = FTL_NEW_ARRAY(c->arena, ftl_affine, v->rank);
    for (uint32_t i = 0, stored = 0; i < e->n_places; i++) {
        const ftl_at_place *p = &e->places[i];
        if (p->form == FTL_AT_TIME)
            continue;
        if (skip >> stored++ & 1)
            continue;
        assert(place < v->rank);
        if (p->form == FTL_AT_GATHER)
            add_gather(c, r, p, &r->map[place++]);
        else
            add_affine(c, r, p, &r->map[place++]);
    }
    assert(place == v->rank);
    ftl_graph_set_origin(lower_graph(c), c->equation, e->span);
    if (r->n_index)
        t.v = make_gather(c, r, v);
    else
        t.v = is_plain(r, v)
                  ? v
                  : ftl_make_view(lower_graph(c), v, r->rank, r->shape, &(ftl_view){.map = r->map});
    ftl_graph_set_origin(lower_graph(c), c->equation, c->eq->span);
    memcpy(t.axes, r->axes, r->rank * sizeof(*r->axes));
    return t;
}

/* x > 0 */
static term threshold(lower_ctx *c, term t)
{
    ftl_graph *g = lower_graph(c);
    if (t.v->dtype != FTL_DTYPE_BOOL)
        t.v = ftl_make_map2(g, FTL_OP_LT_, ftl_make_splat(g, t.v->dtype, t.v->rank, t.v->shape, 0),
                            t.v);
    return t;
}

/* A member of the group that is being computed: its slice at the loops' places. */
static term read_member(lower_ctx *c, const ftl_expr *e, uint32_t member)
{
    const ftl_group *g = c->group;
    ftl_at at = {0};
    uint64_t skip = 0;
    bool is_now = g->kind == FTL_GROUP_SCAN && c->fresh[member].v != NULL;
    ftl_value *index[2];
    uint32_t axis[2];
    int64_t offset[2];
    for (uint32_t d = 0; d < g->n_scan && g->kind == FTL_GROUP_SCAN; d++) {
        uint32_t place = g->scan[d].place[member];
        const ftl_at_place *p = NULL;
        for (uint32_t i = 0, stored = 0; i < e->n_places && place != UINT32_MAX; i++) {
            if (e->places[i].form == FTL_AT_TIME)
                continue;
            if (stored++ == place)
                p = &e->places[i];
        }
        bool follows = p && p->form == FTL_AT_AFFINE && p->terms.len == 1 &&
                       p->terms.data[0].axis == c->fixed[d];
        if (!follows) {
            is_now = false;
            continue;
        }
        uint32_t q = at.n++;
        while (q > 0 && axis[q - 1] > place) {
            axis[q] = axis[q - 1], offset[q] = offset[q - 1], index[q] = index[q - 1];
            q--;
        }
        axis[q] = place, offset[q] = p->offset, index[q] = c->counter[d];
        skip |= UINT64_C(1) << place;
        is_now = is_now && p->offset == 0;
    }
    if (is_now)
        return lower_read_value(c, c->fresh[member].v, e, skip);
    if (at.n == 0)
        return lower_read_value(c, c->carried[member], e, 0);
    const ftl_tensor_decl *t = &c->m->tensors.data[e->tensor];
    at.axis = axis;
    at.offset = offset;
    at.fill = lower_outside(c, t);
    return lower_read_value(c, ftl_make_read_at(lower_graph(c), c->carried[member], &at, index), e,
                            skip);
}

term lower_read(lower_ctx *c, const ftl_expr *e)
{
    term t;
    if (c->group && c->member[e->tensor]) {
        t = read_member(c, e, c->member[e->tensor] - 1);
    } else {
        ftl_value *v = c->tensor[e->tensor];
        if (!v)
            lower_fail(c, FTL_E_INTERNAL, e->span, "'%s' is used before it is computed",
                       c->m->tensors.data[e->tensor].name);
        t = lower_read_value(c, lower_bring_value(c, v, 0), e, 0);
    }
    return e->truth ? threshold(c, t) : t;
}
