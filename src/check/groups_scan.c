/* SPDX-License-Identifier: Apache-2.0
 *
 * Scans. A component runs along one axis when each member has a dimension such that every reference
 * between members reads at (the head's place + c) along these dimensions, with all c <= 0 (forward)
 * or all c >= 0 (reverse), and references with c = 0 make no cycle. A reference to one place, S[0],
 * looks back when the equation that has it counts at later places only. Where references with c = 0
 * do make a cycle, the members on it must run so along a second axis within each step. Dimensions
 * are found by trying those of one member and following the references from there.
 */
#include "check/groups.h"

/* One try: a dimension for each member that takes part. */
typedef struct attempt {
    const groups_part *p;
    const bool *takes_part; /* by member, null: all */
    const uint32_t *outer;  /* dimensions of the outer axis that are taken, or null */
    uint32_t *dim;          /* by member, GROUPS_NONE: not found yet */
    int64_t *step;          /* by read: c (of a constant place: -1 or 1) */
    bool *counts;           /* by read: it is between those that take part */
    uint32_t *first,
        *next; /* reads of a member, as head and as what is read: chains of 1 + 2 * read + side */
    groups_why *why; /* the most telling reason so far */
} attempt;

static bool blame(const attempt *a, groups_fault fault, const groups_read *r, uint32_t axis)
{
    if (fault > a->why->fault)
        *a->why = (groups_why){.fault = fault, .read = r, .axis = axis};
    return false;
}

static const ftl_tensor_decl *get_tensor(const groups_part *p, uint32_t member)
{
    return &p->m->tensors.data[p->tensors[member]];
}

static uint32_t get_head(const groups_part *p, const groups_read *r)
{
    return p->member[r->head];
}

static uint32_t get_read(const groups_part *p, const groups_read *r)
{
    return p->member[r->tensor];
}

static const ftl_at_place *find_left(const groups_part *p, const groups_read *r, uint32_t dim)
{
    return groups_find_place(get_tensor(p, get_head(p, r)), p->m->equations.data[r->equation].left,
                             dim);
}

static const ftl_at_place *find_right(const groups_part *p, const groups_read *r, uint32_t dim)
{
    return groups_find_place(get_tensor(p, get_read(p, r)), r->expr->places, dim);
}

/* i + c: the axis and c. */
static bool is_shifted(const ftl_at_place *at, uint32_t *axis)
{
    if (at->form != FTL_AT_AFFINE || at->terms.len != 1 || at->terms.data[0].coef != 1)
        return false;
    *axis = at->terms.data[0].axis;
    return true;
}

static bool is_constant(const ftl_at_place *at)
{
    return at->form == FTL_AT_AFFINE && at->terms.len == 0;
}

/* ---- following references ---- */

static void link_reads(attempt *a)
{
    const groups_part *p = a->p;
    a->first = FTL_NEW_ARRAY(p->m->arena, uint32_t, p->n);
    a->next = FTL_NEW_ARRAY(p->m->arena, uint32_t, 2 * p->n_reads);
    for (size_t i = p->n_reads; i-- > 0;) {
        if (!a->counts[i])
            continue;
        for (uint32_t side = 0; side < 2; side++) {
            uint32_t member = side == 0 ? get_head(p, &p->reads[i]) : get_read(p, &p->reads[i]);
            uint32_t link = (uint32_t)(2 * i) + side;
            a->next[link] = a->first[member];
            a->first[member] = link + 1;
        }
    }
}

/* The dimension at the other end of a reference that has the axis, else the only one with a
 * constant place; outer dimensions are taken. */
static uint32_t find_dim(const attempt *a, const groups_read *r, bool right, uint32_t axis)
{
    uint32_t member = right ? get_read(a->p, r) : get_head(a->p, r), have;
    uint32_t constant = GROUPS_NONE, n_constant = 0;
    const ftl_tensor_decl *t = get_tensor(a->p, member);
    for (uint32_t d = 0; d < t->rank; d++) {
        const ftl_at_place *at = right ? find_right(a->p, r, d) : find_left(a->p, r, d);
        bool taken = a->outer && a->outer[member] == d;
        if (!taken && is_shifted(at, &have) && have == axis)
            return d;
        if (!taken && is_constant(at)) {
            constant = d;
            n_constant++;
        }
    }
    return n_constant == 1 ? constant : GROUPS_NONE;
}

/* Dimensions of all members from that of member `from`. False when some member has none. */
static bool follow(attempt *a, uint32_t from, uint32_t dim)
{
    const groups_part *p = a->p;
    uint32_t *queue = FTL_NEW_ARRAY(p->m->arena, uint32_t, p->n), n = 0;
    for (uint32_t i = 0; i < p->n; i++)
        a->dim[i] = GROUPS_NONE;
    a->dim[from] = dim;
    queue[n++] = from;
    for (uint32_t at = 0; at < n; at++) {
        for (uint32_t link = a->first[queue[at]]; link; link = a->next[link - 1]) {
            const groups_read *r = &p->reads[(link - 1) / 2];
            bool from_head = (link - 1) % 2 == 0;
            uint32_t other = from_head ? get_read(p, r) : get_head(p, r), axis;
            const ftl_at_place *here = from_head ? find_left(p, r, a->dim[queue[at]])
                                                 : find_right(p, r, a->dim[queue[at]]);
            if (a->dim[other] != GROUPS_NONE || !is_shifted(here, &axis))
                continue;
            a->dim[other] = find_dim(a, r, from_head, axis);
            if (a->dim[other] == GROUPS_NONE)
                return blame(a, GROUPS_FAULT_AXIS, r, GROUPS_NONE);
            queue[n++] = other;
        }
    }
    for (uint32_t i = 0; i < p->n; i++)
        if (a->dim[i] == GROUPS_NONE && (!a->takes_part || a->takes_part[i]))
            return false;
    return true;
}

/* True when a reduction or a call around the reference works along the axis: such an equation needs
 * all places at once. */
static bool works_along(const ftl_expr *e, const ftl_expr *read, uint32_t axis)
{
    bool along = e->kind == FTL_EXPR_REDUCE && ftl_axes_has(e->over, e->n_over, axis);
    if (e->call) {
        along |= e->call->has_axis && e->call->axis == axis;
        for (uint32_t i = 0; i < e->call->n_parts; i++)
            along |= e->call->part_axes && e->call->part_axes[i] == axis;
        for (uint32_t i = 0; i < e->call->n_new; i++)
            along |= e->call->new_axes[i] == axis;
        for (uint32_t i = 0; i < e->call->n_order; i++)
            along |= e->builtin == FTL_BUILTIN_TUCKER_DENSE && e->call->order[i] == axis;
    }
    if (along && groups_has_part(e, read))
        return true;
    const ftl_expr *part;
    for (size_t at = 0; (part = ftl_expr_next_part(e, &at));)
        if (works_along(part, read, axis))
            return true;
    return false;
}

/* c of the reference; false when it does not stay on the axis. */
static bool measure_read(attempt *a, size_t i)
{
    const groups_part *p = a->p;
    const groups_read *r = &p->reads[i];
    const ftl_equation *eq = &p->m->equations.data[r->equation];
    uint32_t left_axis = GROUPS_NONE, right_axis = GROUPS_NONE;
    const ftl_at_place *left = find_left(p, r, a->dim[get_head(p, r)]);
    const ftl_at_place *right = find_right(p, r, a->dim[get_read(p, r)]);
    a->step[i] = right->offset - left->offset;
    if (is_constant(left) && is_constant(right))
        return true;
    if (!is_shifted(left, &left_axis) ||
        (is_shifted(right, &right_axis) && right_axis != left_axis))
        return blame(a, GROUPS_FAULT_AXIS, r, left_axis);
    if (works_along(eq->value, r->expr, left_axis))
        return blame(a, GROUPS_FAULT_ALONG, r, left_axis);
    if (right_axis == left_axis)
        return true;
    if (!is_constant(right))
        return blame(a, GROUPS_FAULT_AXIS, r, left_axis);
    groups_range range = groups_find_range(eq, r->expr, left_axis);
    a->step[i] = right->offset < range.low ? -1 : 1;
    if (right->offset < range.low || right->offset > range.high)
        return true;
    blame(a, GROUPS_FAULT_CONSTANT, r, left_axis);
    a->why->range = a->why->read == r ? range : a->why->range;
    return false;
}

/* c of every reference; false when one does not stay on the axis, or they go both ways or nowhere.
 */
static bool measure(attempt *a, bool *reverse)
{
    const groups_read *back = NULL, *ahead = NULL, *same = NULL;
    for (size_t i = 0; i < a->p->n_reads; i++) {
        const groups_read *r = &a->p->reads[i];
        if (!a->counts[i])
            continue;
        if (!measure_read(a, i))
            return false;
        *(a->step[i] < 0 ? &back : a->step[i] > 0 ? &ahead : &same) = r;
    }
    *reverse = ahead != NULL;
    if (back && ahead)
        return blame(a, GROUPS_FAULT_BOTH, ahead, GROUPS_NONE);
    return back || ahead || blame(a, GROUPS_FAULT_SAME, same, GROUPS_NONE);
}

/* ---- references within a step ---- */

/* Components of the members by the references with c = 0; steps null: by none. */
static void find_step_parts(const attempt *a, groups_order *out)
{
    const groups_part *p = a->p;
    ftl_arena *arena = p->m->arena;
    uint32_t *first = FTL_NEW_ARRAY(arena, uint32_t, (size_t)p->n + 2);
    uint32_t *next = FTL_NEW_ARRAY(arena, uint32_t, p->n_reads);
    for (size_t i = 0; i < p->n_reads; i++)
        if (a->counts[i] && a->step[i] == 0)
            first[get_head(p, &p->reads[i]) + 2]++;
    for (uint32_t i = 2; i < p->n + 2; i++)
        first[i] += first[i - 1];
    for (size_t i = 0; i < p->n_reads; i++)
        if (a->counts[i] && a->step[i] == 0)
            next[first[get_head(p, &p->reads[i]) + 1]++] = get_read(p, &p->reads[i]);
    groups_find_parts(arena, &(groups_graph){p->n, first, next}, out);
}

/* Number of components that have a cycle within a step; *which: the last of them. */
static uint32_t count_cycles(const attempt *a, const groups_order *parts, uint32_t *which)
{
    const groups_part *p = a->p;
    uint32_t *part_of = FTL_NEW_ARRAY(p->m->arena, uint32_t, p->n), count = 0;
    bool *cyclic = FTL_NEW_ARRAY(p->m->arena, bool, parts->n_parts);
    for (uint32_t k = 0; k < parts->n_parts; k++) {
        cyclic[k] = parts->starts[k + 1] - parts->starts[k] > 1;
        for (uint32_t i = parts->starts[k]; i < parts->starts[k + 1]; i++)
            part_of[parts->order[i]] = k;
    }
    for (size_t i = 0; i < p->n_reads; i++)
        if (a->counts[i] && a->step[i] == 0 && p->reads[i].head == p->reads[i].tensor)
            cyclic[part_of[get_head(p, &p->reads[i])]] = true;
    for (uint32_t k = 0; k < parts->n_parts; k++) {
        count += cyclic[k];
        *which = cyclic[k] ? k : *which;
    }
    return count;
}

/* ---- axes ---- */

static attempt make_attempt(const groups_part *p, groups_why *why)
{
    attempt a = {.p = p, .why = why};
    a.dim = FTL_NEW_ARRAY(p->m->arena, uint32_t, p->n);
    a.step = FTL_NEW_ARRAY(p->m->arena, int64_t, p->n_reads);
    a.counts = FTL_NEW_ARRAY(p->m->arena, bool, p->n_reads);
    return a;
}

/* As many steps as the longest member has places; a shorter one ends before. */
static void set_axis(const attempt *a, bool reverse, ftl_scan_axis *axis)
{
    const groups_part *p = a->p;
    *axis = (ftl_scan_axis){
        .reverse = reverse, .extent = -1, .place = FTL_NEW_ARRAY(p->m->arena, uint32_t, p->n)};
    for (uint32_t i = 0; i < p->n; i++) {
        axis->place[i] = a->dim[i];
        if (a->dim[i] == GROUPS_NONE)
            continue;
        int64_t extent = get_tensor(p, i)->extent[a->dim[i]];
        axis->extent = extent > axis->extent ? extent : axis->extent;
    }
}

/* Runs the cycle within a step, which is component `which` of parts, along a second axis. */
static bool find_inner(const attempt *outer, groups_order *parts, uint32_t which,
                       ftl_scan_axis *axis)
{
    const groups_part *p = outer->p;
    attempt a = make_attempt(p, outer->why);
    bool *inside = FTL_NEW_ARRAY(p->m->arena, bool, p->n), reverse;
    uint32_t start = parts->starts[which], end = parts->starts[which + 1],
             from = parts->order[start], ignored = 0;
    for (uint32_t i = start; i < end; i++)
        inside[parts->order[i]] = true;
    a.takes_part = inside;
    a.outer = outer->dim;
    for (size_t i = 0; i < p->n_reads; i++)
        a.counts[i] = outer->step[i] == 0 && inside[get_head(p, &p->reads[i])] &&
                      inside[get_read(p, &p->reads[i])];
    link_reads(&a);
    for (uint32_t d = 0; d < get_tensor(p, from)->rank; d++) {
        groups_order inner;
        if (d == outer->dim[from] || !follow(&a, from, d) || !measure(&a, &reverse))
            continue;
        find_step_parts(&a, &inner);
        if (count_cycles(&a, &inner, &ignored) > 0)
            continue;
        set_axis(&a, reverse, axis);
        uint32_t at = start;
        for (uint32_t i = 0; i < p->n; i++)
            if (inside[inner.order[i]])
                parts->order[at++] = inner.order[i];
        return true;
    }
    return false;
}

static void order_members(const groups_part *p, const groups_order *parts, ftl_group *group)
{
    for (uint32_t k = 0; k < group->n_scan; k++) {
        uint32_t *place = FTL_NEW_ARRAY(p->m->arena, uint32_t, p->n);
        for (uint32_t i = 0; i < p->n; i++)
            place[i] = group->scan[k].place[parts->order[i]];
        group->scan[k].place = place;
    }
    for (uint32_t i = 0; i < p->n; i++)
        group->tensors.data[i] = p->tensors[parts->order[i]];
}

static const groups_read *find_same(const attempt *a)
{
    for (size_t i = 0; i < a->p->n_reads; i++)
        if (a->counts[i] && a->step[i] == 0)
            return &a->p->reads[i];
    return NULL;
}

/* With the dimension of member 0 given: one axis, or (when allowed) two. */
static bool try_dim(attempt *a, uint32_t dim, bool allow_inner, ftl_group *group)
{
    bool reverse;
    uint32_t which = 0;
    groups_order parts;
    if (!follow(a, 0, dim))
        return false;
    bool moves = measure(a, &reverse);
    if (!moves)
        return false;
    find_step_parts(a, &parts);
    uint32_t cycles = count_cycles(a, &parts, &which);
    if (cycles > 1 || (cycles == 1 && !allow_inner))
        return blame(a, GROUPS_FAULT_SAME, find_same(a), GROUPS_NONE);
    set_axis(a, reverse, &group->scan[0]);
    if (cycles == 1 && !find_inner(a, &parts, which, &group->scan[1]))
        return false;
    group->n_scan = cycles == 1 ? 2 : 1;
    order_members(a->p, &parts, group);
    return true;
}

bool groups_find_scan(const groups_part *p, ftl_group *group, groups_why *why)
{
    *why = (groups_why){0};
    attempt a = make_attempt(p, why);
    for (size_t i = 0; i < p->n_reads; i++)
        a.counts[i] = true;
    link_reads(&a);
    for (int allow_inner = 0; allow_inner < 2; allow_inner++)
        for (uint32_t d = 0; d < get_tensor(p, 0)->rank; d++)
            if (try_dim(&a, d, allow_inner != 0, group))
                return true;
    return false;
}
