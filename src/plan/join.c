/* SPDX-License-Identifier: Apache-2.0
 *
 * Can the loops of a group compute one more value? A group's nest has parallel axes P and reduced
 * axes R. A value over all of P and R, or over P alone (after a reduction, or before), fits; one
 * that lacks some of P would be computed again along these, which is allowed where it is cheap or
 * where only the innermost axes are lacking (there it is computed once for a row).
 *
 * A reduction whose result runs along the axes X and whose operand has the extents E besides turns
 * the axes outside of X into R when their extents are E (softmax: the sum is used along the very
 * axis that it reduces), or adds axes when X is everything.
 */
#include "plan/fuse.h"

uint32_t ftl_fuse_add_node(const ftl_fuser *f, ftl_group *g, ftl_value *v, const uint8_t *axis)
{
    ftl_nest_node *n = FTL_VEC_PUSH(f->arena, &g->nest.nodes);
    n->value = v;
    n->axis = ftl_arena_alloc(f->arena, v->rank + 1);
    if (v->rank > 0)
        memcpy(n->axis, axis, v->rank);
    return (uint32_t)(g->nest.nodes.len - 1);
}

void ftl_fuse_fill_needs(ftl_fuser *f, const ftl_group *g, const ftl_value *v, uint32_t node)
{
    const uint8_t *axis = g->nest.nodes.data[node].axis;
    ftl_need **link = &f->uses[v->id].needs;
    while (*link) {
        ftl_need *n = *link;
        if (n->group == g && ftl_fuse_is_same_axes(v, n->axis, axis)) {
            g->nest.nodes.data[n->node].in[n->slot] = node;
            *link = n->next;
        } else {
            link = &n->next;
        }
    }
}

/* ---- axes ---- */

static uint64_t get_mask(const ftl_group *g, const ftl_value *v, const uint8_t *axis)
{
    uint64_t mask = 0;
    for (uint32_t k = 0; k < v->rank; k++)
        if (axis[k] != FTL_NEST_NONE && g->nest.extent[axis[k]] != 1)
            mask |= (uint64_t)1 << axis[k];
    return mask;
}

/* Axes that are longer than 1. */
static uint64_t get_long_axes(const ftl_group *g)
{
    uint64_t mask = 0;
    for (uint32_t a = 0; a < g->nest.n_axes; a++)
        mask |= g->nest.extent[a] != 1 ? (uint64_t)1 << a : 0;
    return mask;
}

/* The extents that a value sums over, and where its operands' axes lie: a REDUCE or ARGMAX over the
 * axes of its operand, a CONTRACT over its labels. */
typedef struct summed {
    uint32_t n;
    int64_t extent[FTL_NEST_MAX_AXES];
    uint32_t which[FTL_NEST_MAX_AXES]; /* operand axis or label */
    uint8_t axis[FTL_NEST_MAX_AXES];   /* nest axis, once it is known */
} summed;

static bool add_summed(summed *s, uint32_t which, int64_t extent)
{
    if (s->n == FTL_NEST_MAX_AXES)
        return false;
    s->which[s->n] = which;
    s->extent[s->n++] = extent;
    return true;
}

static bool is_out_label(const ftl_value *v, uint32_t label)
{
    for (uint32_t k = 0; k < v->rank; k++)
        if (v->u.contract->out[k] == label)
            return true;
    return false;
}

static bool get_contract_summed(const ftl_value *v, summed *s)
{
    for (uint32_t i = 0; i < v->n_in; i++) {
        for (uint32_t k = 0; k < v->in[i]->rank; k++) {
            uint32_t label = v->u.contract->in[i][k];
            bool is_new = !is_out_label(v, label);
            for (uint32_t j = 0; j < s->n && is_new; j++)
                is_new = s->which[j] != label;
            if (is_new && !add_summed(s, label, v->in[i]->shape[k]))
                return false;
        }
    }
    return true;
}

/* False when there are too many axes. */
static bool get_summed(const ftl_value *v, summed *s)
{
    s->n = 0;
    if (v->op == FTL_OP_CONTRACT_)
        return get_contract_summed(v, s);
    if (v->op == FTL_OP_ARGMAX_)
        return add_summed(s, v->u.sort.axis, v->in[0]->shape[v->u.sort.axis]);
    if (v->op == FTL_OP_REDUCE_)
        for (uint32_t k = 0; k < v->in[0]->rank; k++)
            if ((v->u.reduce.axes >> k & 1) && !add_summed(s, k, v->in[0]->shape[k]))
                return false;
    return true;
}

static bool add_axes(ftl_group *g, summed *s)
{
    if (g->nest.n_axes + s->n > FTL_NEST_MAX_AXES)
        return false;
    for (uint32_t j = 0; j < s->n; j++) {
        s->axis[j] = FTL_NEST_NONE;
        if (s->extent[j] == 1)
            continue;
        s->axis[j] = (uint8_t)g->nest.n_axes++;
        g->nest.extent[s->axis[j]] = s->extent[j];
        g->nest.reduced |= (uint64_t)1 << s->axis[j];
    }
    return true;
}

/* Rows longer than this are read again from memory after their reduction in any case, and are
 * better shared among threads. */
enum { MAX_ROW = 1 << 18 };

/* Gives each summed extent an axis among `rest`; all of the long ones must be used up. */
static bool match_axes(const ftl_group *g, summed *s, uint64_t rest)
{
    double row = 1;
    for (uint32_t j = 0; j < s->n; j++)
        row *= (double)s->extent[j];
    if (row > MAX_ROW)
        return false;
    for (uint32_t j = 0; j < s->n; j++) {
        s->axis[j] = FTL_NEST_NONE;
        for (uint8_t a = 0; a < g->nest.n_axes && s->axis[j] == FTL_NEST_NONE; a++)
            if ((rest >> a & 1) && g->nest.extent[a] == s->extent[j])
                s->axis[j] = a;
        if (s->axis[j] != FTL_NEST_NONE)
            rest &= ~((uint64_t)1 << s->axis[j]);
        else if (s->extent[j] != 1)
            return false;
    }
    return rest == 0;
}

/* Places the summed axes of v; changes g only when it says true. */
static bool fit_summed(ftl_group *g, const ftl_value *v, const uint8_t *axis, summed *s)
{
    uint64_t rest = get_long_axes(g) & ~get_mask(g, v, axis);
    uint64_t reduced = g->nest.reduced;
    if (g->kind != FTL_STEP_NEST || !get_summed(v, s))
        return false;
    if (rest == 0)
        return reduced == 0 && add_axes(g, s);
    if ((reduced != 0 && reduced != rest) || !match_axes(g, s, rest))
        return false;
    g->nest.reduced |= rest;
    return true;
}

/* ---- asking for operands ---- */

typedef struct asker {
    ftl_fuser *f;
    ftl_group *group;
    uint32_t node;
} asker;

static bool has_repeats(const ftl_value *v, const uint8_t *axis)
{
    uint64_t seen = 0;
    for (uint32_t k = 0; k < v->rank; k++) {
        if (axis[k] == FTL_NEST_NONE)
            continue;
        if (seen >> axis[k] & 1)
            return true;
        seen |= (uint64_t)1 << axis[k];
    }
    return false;
}

/* Slot `slot` of the node is to be operand x over these axes (copied). A diagonal is read from
 * memory, all else may still be computed in the group. */
static void ask(const asker *q, uint32_t slot, ftl_value *x, const uint8_t *axis)
{
    ftl_fuser *f = q->f;
    if (has_repeats(x, axis)) {
        uint32_t read = ftl_fuse_add_node(f, q->group, x, axis);
        q->group->nest.nodes.data[read].is_read = true;
        q->group->nest.nodes.data[q->node].in[slot] = read;
        ftl_fuse_require(f, x, q->group->index, false);
        return;
    }
    uint8_t *copy = ftl_arena_alloc(f->arena, x->rank + 1);
    ftl_need *need = FTL_NEW(f->arena, ftl_need);
    for (uint32_t k = 0; k < x->rank; k++)
        copy[k] = x->shape[k] == 1 ? FTL_NEST_NONE : axis[k];
    *need = (ftl_need){f->uses[x->id].needs, q->group, q->node, slot, copy};
    f->uses[x->id].needs = need;
}

static void ask_reduced(const asker *q, const ftl_value *v, const uint8_t *axis, const summed *s)
{
    uint8_t in[FTL_MAX_RANK];
    uint32_t out = 0, j = 0;
    for (uint32_t k = 0; k < v->in[0]->rank; k++)
        in[k] = j < s->n && s->which[j] == k ? s->axis[j++] : axis[out++];
    ask(q, 0, v->in[0], in);
}

static uint8_t get_label_axis(const ftl_value *v, const uint8_t *axis, const summed *s,
                              uint32_t label)
{
    for (uint32_t k = 0; k < v->rank; k++)
        if (v->u.contract->out[k] == label)
            return axis[k];
    for (uint32_t j = 0; j < s->n; j++)
        if (s->which[j] == label)
            return s->axis[j];
    return FTL_NEST_NONE;
}

static void ask_contracted(const asker *q, const ftl_value *v, const uint8_t *axis,
                           const summed *s)
{
    for (uint32_t i = 0; i < v->n_in; i++) {
        uint8_t in[FTL_MAX_RANK];
        for (uint32_t k = 0; k < v->in[i]->rank; k++)
            in[k] = get_label_axis(v, axis, s, v->u.contract->in[i][k]);
        ask(q, i, v->in[i], in);
    }
}

static void ask_gathered(const asker *q, const ftl_value *v, const uint8_t *axis)
{
    ftl_fuse_require(q->f, v->in[0], q->group->index, false);
    for (uint32_t i = 1; i < v->n_in; i++) {
        uint8_t in[FTL_MAX_RANK];
        for (uint32_t k = 0; k < v->in[i]->rank; k++)
            in[k] = axis[v->u.gather->sub[i][k]];
        ask(q, i - 1, v->in[i], in);
    }
}

static void ask_viewed(const asker *q, ftl_value *v, const uint8_t *axis)
{
    uint8_t to[FTL_MAX_RANK], in[FTL_MAX_RANK];
    if (!ftl_view_get_axes(v, to)) {
        q->group->nest.nodes.data[q->node].n_in = 0;
        ftl_fuse_require(q->f, v->in[0], q->group->index, false);
        return;
    }
    for (uint32_t k = 0; k < v->in[0]->rank; k++)
        in[k] = to[k] == FTL_NEST_NONE ? FTL_NEST_NONE : axis[to[k]];
    ask(q, 0, v->in[0], in);
}

static uint32_t count_in(const ftl_value *v)
{
    if (v->op == FTL_OP_READ_AT_)
        return 0;
    return v->op == FTL_OP_GATHER_ ? v->n_in - 1 : v->n_in;
}

/* Adds the node of v, fills its users' slots, asks for what it needs. */
static void add_computed(ftl_fuser *f, ftl_group *g, ftl_value *v, const uint8_t *axis,
                         const summed *s)
{
    uint32_t node = ftl_fuse_add_node(f, g, v, axis);
    asker q = {f, g, node};
    g->nest.nodes.data[node].n_in = count_in(v);
    g->nest.nodes.data[node].in = FTL_NEW_ARRAY(f->arena, uint32_t, v->n_in + 1);
    *FTL_VEC_PUSH(f->arena, &g->members) = v;
    ftl_fuse_fill_needs(f, g, v, node);
    switch (v->op) {
    case FTL_OP_REDUCE_:
    case FTL_OP_ARGMAX_:
        ask_reduced(&q, v, axis, s);
        return;
    case FTL_OP_CONTRACT_:
        ask_contracted(&q, v, axis, s);
        return;
    case FTL_OP_GATHER_:
        ask_gathered(&q, v, axis);
        return;
    case FTL_OP_VIEW_:
        ask_viewed(&q, v, axis);
        return;
    case FTL_OP_READ_AT_:
        for (uint32_t i = 0; i < v->n_in; i++)
            ftl_fuse_require(f, v->in[i], g->index, false);
        return;
    default:
        for (uint32_t i = 0; i < v->n_in; i++)
            ask(&q, i, v->in[i], axis);
    }
}

/* ---- joining ---- */

/* v over X lacks some axes of the nest: is it worth computing it again along these? */
static bool is_worth(const ftl_group *g, const ftl_value *v, const uint8_t *axis)
{
    uint64_t have = get_mask(g, v, axis);
    uint64_t lack = get_long_axes(g) & ~have;
    if (lack == 0 || lack == g->nest.reduced || ftl_cost_is_cheap(v))
        return true;
    return (lack & (~lack + 1)) > have; /* it lacks only axes inside of all that it has */
}

/* The product v becomes what g's nest finishes, block by block. */
static bool join_product(ftl_fuser *f, ftl_group *g, ftl_value *v, const uint8_t *axis)
{
    if (g->kind != FTL_STEP_NEST || g->nest.reduced ||
        get_mask(g, v, axis) != get_long_axes(g))
        return false;
    uint32_t node = ftl_fuse_add_node(f, g, v, axis);
    g->nest.nodes.data[node].is_read = true;
    g->kind = FTL_STEP_CONTRACT;
    g->contract = v;
    *FTL_VEC_PUSH(f->arena, &g->members) = v;
    ftl_fuse_fill_needs(f, g, v, node);
    for (uint32_t i = 0; i < 2; i++)
        ftl_fuse_require(f, v->in[i], g->index, false);
    return true;
}

bool ftl_fuse_join(ftl_fuser *f, ftl_group *g, ftl_value *v, const uint8_t *axis)
{
    summed s = {.n = 0};
    if (g->nest.nodes.len + v->n_in + 1 > FTL_NEST_MAX_NODES)
        return false;
    if (v->op == FTL_OP_CONTRACT_ && ftl_cost_is_matmul(v))
        return join_product(f, g, v, axis);
    if (ftl_value_is_sum(v) ? !fit_summed(g, v, axis, &s) : !is_worth(g, v, axis))
        return false;
    if (!ftl_value_is_sum(v) && (!get_summed(v, &s) || !add_axes(g, &s)))
        return false;
    add_computed(f, g, v, axis, &s);
    return true;
}

void ftl_fuse_start_nest(ftl_fuser *f, ftl_group *g, ftl_value *v)
{
    uint8_t axis[FTL_MAX_RANK];
    summed s;
    g->nest.n_axes = v->rank;
    for (uint32_t k = 0; k < v->rank; k++) {
        axis[k] = v->shape[k] == 1 ? FTL_NEST_NONE : (uint8_t)k;
        g->nest.extent[k] = v->shape[k];
    }
    if (!get_summed(v, &s) || !add_axes(g, &s))
        ftl_arena_fail(f->arena, FTL_ERR_UNSUPPORTED);
    uint32_t node = (uint32_t)g->nest.nodes.len;
    add_computed(f, g, v, axis, &s);
    g->nest.nodes.data[node].is_root = true;
}
