/* SPDX-License-Identifier: Apache-2.0
 *
 * Recursive groups as loops. A scan carries whole tensors, reads the slices it needs at the counter
 * and writes one slice a round, in place; two axes are two loops, one inside the other. A fixpoint
 * carries whole tensors and computes all of them anew each round until nothing changes.
 */
#include "lower/context.h"

#include <math.h>

/* ---- levels ---- */

void lower_push_level(lower_ctx *c, uint32_t n_carried)
{
    assert(c->depth + 1 < LOWER_MAX_DEPTH);
    level *l = &c->levels[c->depth + 1];
    *l = (level){.g = ftl_graph_new(c->arena, lower_graph(c)), .n_carried = n_carried};
    ftl_map_init(&l->params, c->arena);
    c->depth++;
    ftl_graph_set_origin(l->g, c->equation, c->eq ? c->eq->span : (ftl_span){0});
    l->round = ftl_make_param(l->g, 0, FTL_DTYPE_I64, 0, NULL);
}

ftl_value *lower_pop_level(lower_ctx *c, ftl_value *const *start, const ftl_loop *loop)
{
    level *l = &c->levels[c->depth];
    uint32_t n = l->n_carried + (uint32_t)l->captures.len;
    ftl_value **operands = FTL_NEW_ARRAY(c->arena, ftl_value *, n);
    ftl_loop made = *loop;
    memcpy(operands, start, l->n_carried * sizeof(*operands));
    for (size_t i = 0; i < l->captures.len; i++)
        operands[l->n_carried + i] = l->captures.data[i];
    made.body = l->g;
    made.n_carried = l->n_carried;
    c->depth--;
    /* the loop is of the equation that its body ended with */
    ftl_graph_set_origin(lower_graph(c), c->equation, c->eq ? c->eq->span : (ftl_span){0});
    return ftl_make_loop(lower_graph(c), n, operands, &made);
}

static void take_params(lower_ctx *c, ftl_value *const *like, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        c->carried[i] =
            ftl_make_param(lower_graph(c), 1 + i, like[i]->dtype, like[i]->rank, like[i]->shape);
}

/* ---- what a recursive tensor starts from ---- */

static bool is_recursive_equation(lower_ctx *c, const ftl_equation *eq)
{
    return lower_is_recursive(c, eq->value);
}

/* Sources, facts and the equations that do not refer to the group; null when there are none. */
static ftl_value *lower_base(lower_ctx *c, uint32_t tensor)
{
    const ftl_tensor_decl *t = &c->m->tensors.data[tensor];
    ftl_value *v = t->facts->count > 0 ? lower_facts(c, t) : NULL;
    for (size_t i = 0; i < t->equations.len; i++) {
        const ftl_equation *eq = &c->m->equations.data[t->equations.data[i]];
        if (is_recursive_equation(c, eq))
            continue;
        lower_enter(c, t->equations.data[i]);
        v = lower_combine(c, eq, v, lower_contribution(c, eq, 0));
    }
    return v ? lower_store(c, t, v) : NULL;
}

/* What is made for the group as a whole is of its first recursive equation. */
static void enter_first(lower_ctx *c, const ftl_group *g)
{
    for (size_t i = 0; i < g->tensors.len; i++) {
        const ftl_tensor_decl *t = &c->m->tensors.data[g->tensors.data[i]];
        for (size_t k = 0; k < t->equations.len; k++) {
            if (!is_recursive_equation(c, &c->m->equations.data[t->equations.data[k]]))
                continue;
            lower_enter(c, t->equations.data[k]);
            return;
        }
    }
}

static void enter_group(lower_ctx *c, const ftl_group *g)
{
    size_t n = g->tensors.len;
    c->group = g;
    c->carried = FTL_NEW_ARRAY(c->arena, ftl_value *, n + 1);
    c->fresh = FTL_NEW_ARRAY(c->arena, term, n);
    c->fixed[0] = c->fixed[1] = UINT32_MAX;
    ftl_map_init(&c->is_recursive, c->arena);
    ftl_map_init(&c->hoisted, c->arena);
    for (uint32_t i = 0; i < n; i++)
        c->member[g->tensors.data[i]] = i + 1;
    enter_first(c, g);
}

static void leave_group(lower_ctx *c, const ftl_group *g)
{
    for (uint32_t i = 0; i < g->tensors.len; i++)
        c->member[g->tensors.data[i]] = 0;
    c->group = NULL;
    c->fixed[0] = c->fixed[1] = UINT32_MAX;
}

/* ---- scans ---- */

static bool is_short(const lower_ctx *c, uint32_t member, uint32_t d)
{
    const ftl_scan_axis *axis = &c->group->scan[d];
    const ftl_tensor_decl *t = &c->m->tensors.data[c->group->tensors.data[member]];
    return axis->place[member] != UINT32_MAX && t->extent[axis->place[member]] < axis->extent;
}

/* A member that ends before the loop does is carried longer than it is, with what references beyond
 * the end read there; back is true when the surplus is cut off again. */
static ftl_value *resize(lower_ctx *c, uint32_t member, ftl_value *v, bool back)
{
    const ftl_group *g = c->group;
    const ftl_tensor_decl *t = &c->m->tensors.data[g->tensors.data[member]];
    int64_t shape[FTL_MAX_RANK];
    ftl_affine *map = FTL_NEW_ARRAY(c->arena, ftl_affine, v->rank);
    bool any = false;
    for (uint32_t k = 0; k < v->rank; k++) {
        shape[k] = t->extent[k];
        map[k] = lower_one_term(c, k, 0);
    }
    for (uint32_t d = 0; d < g->n_scan; d++) {
        if (!is_short(c, member, d))
            continue;
        any = true;
        if (!back)
            shape[g->scan[d].place[member]] = g->scan[d].extent;
    }
    ftl_view view = {.map = map, .fill = lower_outside(c, t)};
    return any ? ftl_make_view(lower_graph(c), v, v->rank, shape, &view) : v;
}

/* This step's slice of a member that has come to its end is what stands outside. */
static ftl_value *end_short(lower_ctx *c, uint32_t member, ftl_value *v)
{
    ftl_graph *g = lower_graph(c);
    const ftl_tensor_decl *t = &c->m->tensors.data[c->group->tensors.data[member]];
    for (uint32_t d = 0; d < c->group->n_scan; d++) {
        int32_t none[FTL_MAX_RANK];
        if (!is_short(c, member, d))
            continue;
        double n = (double)t->extent[c->group->scan[d].place[member]];
        ftl_value *end = ftl_make_splat(g, FTL_DTYPE_I64, 0, NULL, n);
        ftl_value *inside = ftl_make_map2(g, FTL_OP_LT_, c->counter[d], end);
        for (uint32_t k = 0; k < v->rank; k++)
            none[k] = -1;
        inside = ftl_make_broadcast(g, inside, v->rank, v->shape, none);
        v = ftl_make_select(g, inside, v,
                            ftl_make_splat(g, v->dtype, v->rank, v->shape, lower_outside(c, t)));
    }
    return v;
}

/* Which stored places the loops fix for a member, as a bit set; the place's form on the left, per
 * loop. */
static uint64_t fix_axes(lower_ctx *c, uint32_t member, const ftl_equation *eq,
                         const ftl_at_place **constant)
{
    const ftl_group *g = c->group;
    uint64_t skip = 0;
    for (uint32_t d = 0; d < g->n_scan; d++) {
        uint32_t place = g->scan[d].place[member];
        constant[d] = NULL;
        c->fixed[d] = UINT32_MAX;
        if (place == UINT32_MAX)
            lower_fail(c, FTL_E_CYCLE, eq->span,
                       "a tensor of this recursion lacks the axis that it runs along");
        skip |= UINT64_C(1) << place;
        for (uint32_t i = 0, stored = 0; i < eq->n_left; i++) {
            if (eq->left[i].form == FTL_AT_TIME || stored++ != place)
                continue;
            if (eq->left[i].terms.len)
                c->fixed[d] = eq->left[i].terms.data[0].axis;
            else
                constant[d] = &eq->left[i];
        }
    }
    return skip;
}

/* The equation's slice at this step; neutral when the left side names another step, or is i+c below
 * c. */
static ftl_value *step_contribution(lower_ctx *c, uint32_t member, uint32_t equation)
{
    const ftl_at_place *constant[2];
    ftl_graph *g = lower_graph(c);
    lower_enter(c, equation);
    uint64_t skip = fix_axes(c, member, c->eq, constant);
    ftl_value *v = lower_contribution(c, c->eq, skip);
    double neutral = v->dtype == FTL_DTYPE_BOOL ? 0 : lower_neutral(c->eq);
    for (uint32_t d = 0; d < c->group->n_scan; d++) {
        int32_t none[FTL_MAX_RANK];
        int64_t shift = constant[d] ? 0 : c->eq->axes.data[c->fixed[d]].shift;
        if (!constant[d] && shift <= 0)
            continue;
        double at = constant[d] ? (double)constant[d]->offset : (double)shift;
        ftl_value *here = ftl_make_splat(g, FTL_DTYPE_I64, 0, NULL, at);
        here = constant[d] ? ftl_make_map2(g, FTL_OP_EQ_, c->counter[d], here)
                           : ftl_make_map2(g, FTL_OP_LE_, here, c->counter[d]);
        for (uint32_t k = 0; k < v->rank; k++)
            none[k] = -1;
        here = ftl_make_broadcast(g, here, v->rank, v->shape, none);
        v = ftl_make_select(g, here, v, ftl_make_splat(g, v->dtype, v->rank, v->shape, neutral));
    }
    return v;
}

/* READ_AT or WRITE_AT position of a member at the loops' counters. */
static ftl_at position_of(lower_ctx *c, uint32_t member, uint32_t *axis, int64_t *offset,
                          ftl_value **index)
{
    const ftl_group *g = c->group;
    bool swap = g->n_scan == 2 && g->scan[0].place[member] > g->scan[1].place[member];
    for (uint32_t d = 0; d < g->n_scan; d++) {
        uint32_t at = swap ? 1 - d : d;
        axis[at] = g->scan[d].place[member];
        index[at] = c->counter[d];
        offset[d] = 0;
    }
    return (ftl_at){.n = g->n_scan, .axis = axis, .offset = offset};
}

static void lower_step(lower_ctx *c, ftl_value *const *base)
{
    const ftl_group *g = c->group;
    for (uint32_t i = 0; i < g->tensors.len; i++)
        c->fresh[i] = (term){0};
    for (uint32_t i = 0; i < g->tensors.len; i++) {
        const ftl_tensor_decl *t = &c->m->tensors.data[g->tensors.data[i]];
        uint32_t axis[2];
        int64_t offset[2];
        ftl_value *index[2];
        ftl_at at = position_of(c, i, axis, offset, index);
        ftl_value *v = base[i] ? ftl_make_read_at(lower_graph(c), c->carried[i], &at, index) : NULL;
        for (size_t k = 0; k < t->equations.len; k++) {
            const ftl_equation *eq = &c->m->equations.data[t->equations.data[k]];
            if (is_recursive_equation(c, eq))
                v = lower_combine(c, eq, v, step_contribution(c, i, t->equations.data[k]));
        }
        v = end_short(c, i, ftl_make_cast(lower_graph(c), v, c->carried[i]->dtype));
        c->fresh[i] = (term){.v = v, .depth = c->depth};
        c->carried[i] = ftl_make_write_at(lower_graph(c), c->carried[i], v, &at, index);
    }
}

static ftl_loop scan_loop(const ftl_scan_axis *axis)
{
    return (ftl_loop){.count = axis->extent, .reverse = axis->reverse};
}

static void put_outputs(lower_ctx *c, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        ftl_graph_add_output(lower_graph(c), NULL, c->carried[i]);
}

/* The second axis: a loop in the body of the first. */
static void lower_inner(lower_ctx *c, ftl_value *const *base, uint32_t n)
{
    const ftl_group *g = c->group;
    ftl_value **start = FTL_NEW_ARRAY(c->arena, ftl_value *, n), *outer = c->counter[0];
    memcpy(start, c->carried, n * sizeof(*start));
    lower_push_level(c, n);
    take_params(c, start, n);
    c->counter[0] = lower_bring_value(c, outer, c->depth - 1);
    c->counter[1] = c->levels[c->depth].round;
    lower_step(c, base);
    put_outputs(c, n);
    ftl_loop loop = scan_loop(&g->scan[1]);
    ftl_value *made = lower_pop_level(c, start, &loop);
    for (uint32_t i = 0; i < n; i++)
        c->carried[i] = ftl_make_result(lower_graph(c), made, i);
}

void lower_scan(lower_ctx *c, const ftl_group *g)
{
    uint32_t n = (uint32_t)g->tensors.len;
    ftl_value **base = FTL_NEW_ARRAY(c->arena, ftl_value *, n);
    ftl_value **start = FTL_NEW_ARRAY(c->arena, ftl_value *, n);
    enter_group(c, g);
    for (uint32_t i = 0; i < n; i++) {
        base[i] = lower_base(c, g->tensors.data[i]);
        start[i] = base[i] ? base[i] : lower_splat(c, &c->m->tensors.data[g->tensors.data[i]], 0);
        start[i] = resize(c, i, start[i], false);
    }
    lower_push_level(c, n);
    take_params(c, start, n);
    c->counter[0] = c->levels[1].round;
    if (g->n_scan == 2)
        lower_inner(c, base, n);
    else
        lower_step(c, base);
    put_outputs(c, n);
    ftl_loop loop = scan_loop(&g->scan[0]);
    ftl_value *made = lower_pop_level(c, start, &loop);
    for (uint32_t i = 0; i < n; i++)
        c->tensor[g->tensors.data[i]] =
            resize(c, i, ftl_make_result(lower_graph(c), made, i), true);
    leave_group(c, g);
}

/* ---- fixpoints ---- */

/* Numbers that grow beyond all bounds have not come to rest, though they look equal. */
static ftl_value *is_unbounded(lower_ctx *c, ftl_value *v)
{
    ftl_graph *g = lower_graph(c);
    ftl_value *limit = ftl_make_splat(g, v->dtype, v->rank, v->shape, INFINITY);
    ftl_value *bounded = ftl_make_map2(g, FTL_OP_LT_, ftl_make_map1(g, FTL_OP_ABS_, v), limit);
    return ftl_make_map1(g, FTL_OP_NOT_, bounded);
}

/* An element that moved by more than tol, relative to its size beyond 1. Under min= and max= an
 * infinity is what nothing has reached. */
static ftl_value *has_moved(lower_ctx *c, const ftl_equation *eq, ftl_value *was, ftl_value *now)
{
    ftl_graph *g = lower_graph(c);
    if (now->dtype == FTL_DTYPE_BOOL)
        return ftl_make_map2(g, FTL_OP_NE_, was, now);
    was = ftl_make_cast(g, was, c->options.compute);
    now = ftl_make_cast(g, now, c->options.compute);
    ftl_value *one = ftl_make_splat(g, now->dtype, now->rank, now->shape, 1);
    ftl_value *tol = ftl_make_splat(g, now->dtype, now->rank, now->shape, c->options.tol);
    ftl_value *gap = ftl_make_map1(g, FTL_OP_ABS_, ftl_make_map2(g, FTL_OP_SUB_, now, was));
    ftl_value *size = ftl_make_map2(g, FTL_OP_MAX_, ftl_make_map1(g, FTL_OP_ABS_, now), one);
    ftl_value *limit = ftl_make_map2(g, FTL_OP_MUL_, size, tol);
    ftl_value *moved = ftl_make_map2(g, FTL_OP_AND_, ftl_make_map2(g, FTL_OP_NE_, was, now),
                                     ftl_make_map2(g, FTL_OP_LT_, limit, gap));
    if (isinf(lower_neutral(eq)))
        return moved;
    return ftl_make_map2(g, FTL_OP_OR_, moved, is_unbounded(c, now));
}

static ftl_value *is_settled(lower_ctx *c, uint32_t tensor, ftl_value *was, ftl_value *now)
{
    const ftl_tensor_decl *t = &c->m->tensors.data[tensor];
    uint64_t all = now->rank ? ~UINT64_C(0) >> (64 - now->rank) : 0;
    ftl_value *moved = has_moved(c, &c->m->equations.data[t->equations.data[0]], was, now);
    if (all)
        moved = ftl_make_reduce(lower_graph(c), FTL_REDUCE_ANY, moved, all);
    return ftl_make_map1(lower_graph(c), FTL_OP_NOT_, moved);
}

static ftl_value *round_of(lower_ctx *c, uint32_t tensor, ftl_value *base)
{
    const ftl_tensor_decl *t = &c->m->tensors.data[tensor];
    ftl_value *v = base ? lower_bring_value(c, base, 0) : NULL;
    for (size_t k = 0; k < t->equations.len; k++) {
        const ftl_equation *eq = &c->m->equations.data[t->equations.data[k]];
        if (!is_recursive_equation(c, eq))
            continue;
        lower_enter(c, t->equations.data[k]);
        v = lower_combine(c, eq, v, lower_contribution(c, eq, 0));
    }
    return ftl_make_cast(lower_graph(c), v, lower_dtype(c, t));
}

/* Start of a recursive tensor: what changes nothing under its projection. Under max=, min= and lse=
 * the first round from there gives the base where there is one, so that is the start: no infinity
 * meets a product. */
static ftl_value *start_of(lower_ctx *c, uint32_t tensor, ftl_value *base)
{
    const ftl_tensor_decl *t = &c->m->tensors.data[tensor];
    double neutral = t->is_boolean ? 0 : lower_neutral(&c->m->equations.data[t->equations.data[0]]);
    if (base && isinf(neutral))
        return base;
    return lower_splat(c, t, neutral);
}

static int64_t rounds_of(const lower_ctx *c, const ftl_group *g)
{
    if (c->options.max_iters >= 0)
        return c->options.max_iters;
    return g->is_boolean ? -1 : 1000;
}

void lower_fixpoint(lower_ctx *c, const ftl_group *g)
{
    uint32_t n = (uint32_t)g->tensors.len;
    ftl_value **base = FTL_NEW_ARRAY(c->arena, ftl_value *, n);
    ftl_value **start = FTL_NEW_ARRAY(c->arena, ftl_value *, n + 1);
    ftl_value **next = FTL_NEW_ARRAY(c->arena, ftl_value *, n);
    enter_group(c, g);
    for (uint32_t i = 0; i < n; i++) {
        base[i] = lower_base(c, g->tensors.data[i]);
        start[i] = start_of(c, g->tensors.data[i], base[i]);
    }
    start[n] = ftl_make_splat(lower_graph(c), FTL_DTYPE_BOOL, 0, NULL, 0);
    lower_push_level(c, n + 1);
    take_params(c, start, n + 1);
    ftl_value *stop = ftl_make_splat(lower_graph(c), FTL_DTYPE_BOOL, 0, NULL, 1);
    for (uint32_t i = 0; i < n; i++) {
        next[i] = round_of(c, g->tensors.data[i], base[i]);
        stop = ftl_make_map2(lower_graph(c), FTL_OP_AND_, stop,
                             is_settled(c, g->tensors.data[i], c->carried[i], next[i]));
    }
    memcpy(c->carried, next, n * sizeof(*next));
    c->carried[n] = stop;
    put_outputs(c, n + 1);
    ftl_graph_add_output(lower_graph(c), NULL, stop);
    ftl_loop loop = {.count = rounds_of(c, g), .has_stop = true};
    ftl_value *made = lower_pop_level(c, start, &loop);
    leave_group(c, g);
    for (uint32_t i = 0; i < n; i++)
        c->tensor[g->tensors.data[i]] = ftl_make_result(lower_graph(c), made, i);
    if (!g->is_boolean) {
        const char *name = ftl_arena_printf(c->arena, "converged#%u", g->tensors.data[0]);
        ftl_graph_add_output(lower_graph(c), name, ftl_make_result(lower_graph(c), made, n));
    }
}
