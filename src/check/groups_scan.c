/* SPDX-License-Identifier: Apache-2.0
 *
 * Scans: a recursive group whose members refer to each other only at the same or at earlier places
 * of one axis (or only at later ones), and at the same place without a cycle. When what stays at
 * the same place is a cycle, a second axis may order it: tables of dynamic programming.
 */
#include "check/groups.h"

#define ANY UINT32_MAX

typedef struct scan {
    groups *g;
    const uint32_t *tensors;
    uint32_t n, component;
    uint32_t *member;   /* by tensor: index in tensors */
    uint32_t *place[2]; /* by member and loop: dimension, ANY before it is known */
    uint32_t loops;     /* loops that are known to hold: 0 or 1 */
} scan;

/* Written place number -> place of a reference or left side, time left out. */
static const ftl_at_place *stored_place(const ftl_at_place *places, uint32_t n, uint32_t dim)
{
    for (uint32_t i = 0, stored = 0; i < n; i++) {
        if (places[i].form == FTL_AT_TIME)
            continue;
        if (stored++ == dim)
            return &places[i];
    }
    return NULL;
}

static bool is_single(const ftl_at_place *p, uint32_t axis)
{
    return p->form == FTL_AT_AFFINE && p->terms.len == 1 && p->terms.data[0].coef == 1 &&
           p->terms.data[0].axis == axis;
}

static bool mentions(const ftl_at_place *p, uint32_t axis)
{
    for (size_t i = 0; i < p->terms.len; i++)
        if (p->terms.data[i].axis == axis)
            return true;
    return p->gather && ftl_axes_has(p->gather->axes, p->gather->n_axes, axis);
}

/* The only dimension of the read tensor that follows the axis; ANY when there is none or another
 * one mixes it in. */
static uint32_t following_place(const ftl_expr *read, uint32_t axis)
{
    uint32_t found = ANY;
    for (uint32_t i = 0, stored = 0; i < read->n_places; i++) {
        if (read->places[i].form == FTL_AT_TIME)
            continue;
        if (mentions(&read->places[i], axis)) {
            if (found != ANY || !is_single(&read->places[i], axis))
                return ANY;
            found = stored;
        }
        stored++;
    }
    return found;
}

/* Distance of an edge along loop d, for places that are known; false: it does not follow the axis.
 */
static bool distance(const scan *s, const group_edge *e, uint32_t d, int64_t *out)
{
    const ftl_equation *eq = &s->g->m->equations.data[e->equation];
    uint32_t to = s->place[d][s->member[e->to]];
    const ftl_at_place *left = stored_place(eq->left, eq->n_left, s->place[d][s->member[e->from]]);
    const ftl_at_place *read = stored_place(e->read->places, e->read->n_places, to);
    if (!left || !read || left->form != FTL_AT_AFFINE)
        return false;
    if (left->terms.len == 0) {
        *out = read->offset - left->offset;
        return read->form == FTL_AT_AFFINE && read->terms.len == 0 && *out != 0;
    }
    uint32_t axis = left->terms.data[0].axis;
    *out = read->offset;
    return eq->axes.data[axis].block_of < 0 && following_place(e->read, axis) == to;
}

static bool is_inner(const scan *s, const group_edge *e)
{
    return s->g->component[e->to] == s->component && s->g->component[e->from] == s->component;
}

/* Edges that the loops before d leave at the same place. */
static bool is_open_edge(const scan *s, const group_edge *e, uint32_t d)
{
    int64_t x;
    for (uint32_t k = 0; k < d; k++)
        if (!distance(s, e, k, &x) || x != 0)
            return false;
    return true;
}

/* Follows the axis of the first member's dimension through all references. */
static bool spread_places(scan *s, uint32_t d, uint32_t dim)
{
    const ftl_model *m = s->g->m;
    uint32_t known = 1;
    for (uint32_t i = 0; i < s->n; i++)
        s->place[d][i] = ANY;
    s->place[d][0] = dim;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t k = 0; k < s->g->edges.len; k++) {
            const group_edge *e = &s->g->edges.data[k];
            uint32_t from, to;
            if (!is_inner(s, e))
                continue;
            from = s->member[e->from];
            to = s->member[e->to];
            const ftl_equation *eq = &m->equations.data[e->equation];
            if ((s->place[d][from] == ANY) == (s->place[d][to] == ANY))
                continue;
            if (s->place[d][to] == ANY) {
                const ftl_at_place *left = stored_place(eq->left, eq->n_left, s->place[d][from]);
                if (!left || left->terms.len == 0)
                    continue;
                s->place[d][to] = following_place(e->read, left->terms.data[0].axis);
            } else {
                const ftl_at_place *read =
                    stored_place(e->read->places, e->read->n_places, s->place[d][to]);
                for (uint32_t p = 0; read && p < m->tensors.data[e->from].rank; p++) {
                    const ftl_at_place *left = stored_place(eq->left, eq->n_left, p);
                    if (left && left->terms.len == 1 && is_single(read, left->terms.data[0].axis))
                        s->place[d][from] = p;
                }
            }
            bool found =
                s->place[d][s->place[d][to] == ANY ? to : from] != ANY && s->place[d][to] != ANY;
            moved |= found;
            known += found;
        }
    }
    return known == s->n;
}

/* All open edges look one way along loop d. */
static bool has_direction(scan *s, uint32_t d, bool *reverse)
{
    bool back = false, ahead = false;
    int64_t extent = s->g->m->tensors.data[s->tensors[0]].extent[s->place[d][0]];
    for (uint32_t i = 1; i < s->n; i++)
        if (s->g->m->tensors.data[s->tensors[i]].extent[s->place[d][i]] != extent)
            return false;
    for (size_t k = 0; k < s->g->edges.len; k++) {
        const group_edge *e = &s->g->edges.data[k];
        int64_t x;
        if (!is_inner(s, e) || !is_open_edge(s, e, d))
            continue;
        if (!distance(s, e, d, &x))
            return false;
        back |= x < 0;
        ahead |= x > 0;
    }
    *reverse = ahead;
    return back != ahead;
}

/* Kahn's order of the members over the edges that all loops leave at the same place; false: a
 * cycle. */
static bool order_members(scan *s, uint32_t loops, ftl_group *out)
{
    uint32_t *waits = FTL_NEW_ARRAY(s->g->m->arena, uint32_t, s->n);
    bool *done = FTL_NEW_ARRAY(s->g->m->arena, bool, s->n);
    out->tensors.len = 0;
    for (size_t k = 0; k < s->g->edges.len; k++) {
        const group_edge *e = &s->g->edges.data[k];
        if (is_inner(s, e) && is_open_edge(s, e, loops))
            waits[s->member[e->from]]++;
    }
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t i = 0; i < s->n; i++) {
            if (done[i] || waits[i])
                continue;
            done[i] = moved = true;
            *FTL_VEC_PUSH(s->g->m->arena, &out->tensors) = s->tensors[i];
            for (size_t k = 0; k < s->g->edges.len; k++) {
                const group_edge *e = &s->g->edges.data[k];
                if (is_inner(s, e) && s->member[e->to] == i && is_open_edge(s, e, loops))
                    waits[s->member[e->from]]--;
            }
        }
    }
    return out->tensors.len == s->n;
}

static void fill_axis(scan *s, uint32_t d, bool reverse, ftl_group *out)
{
    out->scan[d].reverse = reverse;
    out->scan[d].extent = s->g->m->tensors.data[s->tensors[0]].extent[s->place[d][0]];
    out->scan[d].place = FTL_NEW_ARRAY(s->g->m->arena, uint32_t, s->n);
    for (uint32_t i = 0; i < s->n; i++)
        out->scan[d].place[i] = s->place[d][s->member[out->tensors.data[i]]];
}

/* Tries loop d along each dimension of the first member. */
static bool try_loop(scan *s, uint32_t d, ftl_group *out)
{
    uint32_t rank = s->g->m->tensors.data[s->tensors[0]].rank;
    bool reverse;
    for (uint32_t dim = 0; dim < rank; dim++) {
        if (d == 1 && dim == s->place[0][0])
            continue;
        if (!spread_places(s, d, dim) || !has_direction(s, d, &reverse))
            continue;
        bool ordered = order_members(s, d + 1, out);
        if (!ordered && (d == 1 || !try_loop(s, 1, out)))
            continue;
        if (ordered)
            out->n_scan = d + 1;
        fill_axis(s, d, reverse, out);
        return true;
    }
    return false;
}

bool groups_find_scan(groups *g, const uint32_t *tensors, uint32_t n, ftl_group *out)
{
    scan s = {.g = g, .tensors = tensors, .n = n, .component = g->component[tensors[0]]};
    s.member = FTL_NEW_ARRAY(g->m->arena, uint32_t, g->m->tensors.len);
    for (uint32_t i = 0; i < n; i++)
        s.member[tensors[i]] = i;
    for (int d = 0; d < 2; d++)
        s.place[d] = FTL_NEW_ARRAY(g->m->arena, uint32_t, n);
    return try_loop(&s, 0, out);
}
