/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides for each value, users first, where it is computed: inside of the groups that use it, in
 * one of them with a place for the others, or in a group of its own.
 */
#include "plan/fuse.h"

bool ftl_fuse_is_same_axes(const ftl_value *v, const uint8_t *a, const uint8_t *b)
{
    return v->rank == 0 || memcmp(a, b, v->rank) == 0;
}

void ftl_fuse_require(ftl_fuser *f, const ftl_value *v, int64_t index, bool is_dense)
{
    ftl_use *u = &f->uses[v->id];
    u->is_hard = true;
    u->is_dense |= is_dense;
    if (u->before < index)
        u->before = index;
}

bool ftl_view_get_axes(const ftl_value *v, uint8_t axis[FTL_MAX_RANK])
{
    uint64_t seen = 0;
    if (v->op != FTL_OP_VIEW_ || !v->u.view->in_range)
        return false;
    for (uint32_t k = 0; k < v->in[0]->rank; k++) {
        const ftl_affine *m = &v->u.view->map[k];
        axis[k] = FTL_NEST_NONE;
        if (m->n == 0 && m->offset == 0 && v->in[0]->shape[k] == 1)
            continue;
        if (m->n != 1 || m->offset != 0 || m->coef[0] != 1 || (seen >> m->dim[0] & 1) ||
            v->shape[m->dim[0]] != v->in[0]->shape[k])
            return false;
        seen |= (uint64_t)1 << m->dim[0];
        axis[k] = (uint8_t)m->dim[0];
    }
    return true;
}

static ftl_group *start_group(ftl_fuser *f, ftl_step_kind kind, ftl_value *v)
{
    ftl_group *g = FTL_NEW(f->arena, ftl_group);
    g->index = (uint32_t)f->groups.len;
    g->kind = kind;
    g->value = v;
    *FTL_VEC_PUSH(f->arena, &f->groups) = g;
    return g;
}

/* ---- reads ---- */

/* A node of g that reads v over these axes, made unless there is one. */
static uint32_t get_read(ftl_fuser *f, ftl_group *g, ftl_value *v, const uint8_t *axis)
{
    for (size_t i = g->nest.nodes.len; i-- > 0;) {
        const ftl_nest_node *n = &g->nest.nodes.data[i];
        if (n->value == v && n->is_read && ftl_fuse_is_same_axes(v, n->axis, axis))
            return (uint32_t)i;
    }
    uint32_t node = ftl_fuse_add_node(f, g, v, axis);
    g->nest.nodes.data[node].is_read = true;
    return node;
}

/* All that still wait for v read it from its place. */
static void read_all(ftl_fuser *f, ftl_value *v)
{
    ftl_use *u = &f->uses[v->id];
    for (ftl_need *n = u->needs; n; n = n->next) {
        n->group->nest.nodes.data[n->node].in[n->slot] = get_read(f, n->group, v, n->axis);
        ftl_fuse_require(f, v, n->group->index, false);
    }
    u->needs = NULL;
}

/* ---- values that cost nothing ---- */

/* Users of a view that only renames or repeats axes use its operand instead. */
static void pass_view(ftl_fuser *f, ftl_value *v, const uint8_t *to)
{
    ftl_value *x = v->in[0];
    ftl_use *u = &f->uses[v->id];
    for (ftl_need *n = u->needs, *next; n; n = next) {
        uint8_t *axis = ftl_arena_alloc(f->arena, x->rank + 1);
        next = n->next;
        for (uint32_t k = 0; k < x->rank; k++)
            axis[k] = to[k] == FTL_NEST_NONE ? FTL_NEST_NONE : n->axis[to[k]];
        n->axis = axis;
        n->next = f->uses[x->id].needs;
        f->uses[x->id].needs = n;
    }
    u->needs = NULL;
}

/* A value whose place is its operand's bytes: everyone reads it there. */
static void alias_operand(ftl_fuser *f, ftl_value *v, bool is_dense)
{
    read_all(f, v);
    if (f->uses[v->id].is_hard)
        ftl_fuse_require(f, v->in[0], f->uses[v->id].before, is_dense);
}

static void visit_view(ftl_fuser *f, ftl_value *v)
{
    uint8_t to[FTL_MAX_RANK];
    bool is_plain = ftl_view_get_axes(v, to);
    if (f->uses[v->id].is_dense) {
        read_all(f, v);
        ftl_fuse_start_nest(f, start_group(f, FTL_STEP_NEST, v), v);
        return;
    }
    if (is_plain)
        pass_view(f, v, to);
    alias_operand(f, v, false);
}

/* ---- values that are computed ---- */

/* True when v is made of counters and constants, so that each user may make it for itself. */
static bool is_generated(const ftl_fuser *f, const ftl_value *v)
{
    if (v->op == FTL_OP_IOTA_ || (v->op == FTL_OP_CONST_ && v->splat))
        return true;
    if (ftl_opcode_get_class(v->op) != FTL_OPCLASS_MAP && v->op != FTL_OP_VIEW_)
        return false;
    for (uint32_t i = 0; i < v->n_in; i++)
        if (!f->uses[v->in[i]->id].is_generated)
            return false;
    return ftl_cost_is_cheap(v);
}

/* True when computing v in every group that uses it costs no more than reading it. */
static bool is_free(const ftl_fuser *f, const ftl_value *v)
{
    if (v->op == FTL_OP_VIEW_ || v->op == FTL_OP_READ_AT_)
        return true;
    if (v->op == FTL_OP_CAST_) {
        ftl_opcode from = v->in[0]->op;
        return from == FTL_OP_INPUT_ || from == FTL_OP_PARAM_ || from == FTL_OP_CONST_;
    }
    return f->uses[v->id].is_generated;
}

static bool join_everywhere(ftl_fuser *f, ftl_value *v)
{
    ftl_use *u = &f->uses[v->id];
    while (u->needs)
        if (!ftl_fuse_join(f, u->needs->group, v, u->needs->axis))
            return false;
    return true;
}

/* The need whose group must come last of those that use v, where v may be computed for all; null
 * when that group needs v at two places or reads it from memory. */
static const ftl_need *find_host(const ftl_fuser *f, const ftl_value *v)
{
    const ftl_use *u = &f->uses[v->id];
    const ftl_need *host = u->needs;
    for (const ftl_need *n = u->needs; n; n = n->next)
        if (n->group->index > host->group->index)
            host = n;
    if (!host || u->before >= (int64_t)host->group->index)
        return NULL;
    for (const ftl_need *n = u->needs; n; n = n->next)
        if (n->group == host->group && !ftl_fuse_is_same_axes(v, n->axis, host->axis))
            return NULL;
    return host;
}

/* True when v will have users outside of host's group, so that it needs a place. */
static bool is_shared(const ftl_fuser *f, const ftl_value *v, const ftl_need *host)
{
    for (const ftl_need *n = f->uses[v->id].needs; n; n = n->next)
        if (n->group != host->group)
            return true;
    return f->uses[v->id].is_hard;
}

/* Every root must run along all parallel axes, else threads would write it many times; where there
 * is nothing to reduce no place is visited. */
static bool can_be_root(const ftl_group *g, const ftl_value *v, const uint8_t *axis)
{
    uint64_t have = g->nest.reduced;
    for (uint32_t k = 0; k < v->rank; k++)
        if (axis[k] != FTL_NEST_NONE)
            have |= (uint64_t)1 << axis[k];
    for (uint32_t a = 0; a < g->nest.n_axes; a++)
        if ((!(have >> a & 1) && g->nest.extent[a] != 1) ||
            ((g->nest.reduced >> a & 1) && g->nest.extent[a] == 0))
            return false;
    return true;
}

static bool join_host(ftl_fuser *f, ftl_value *v)
{
    const ftl_need *host = find_host(f, v);
    if (!host)
        return false;
    ftl_group *g = host->group;
    bool shared = is_shared(f, v, host);
    if (shared && !can_be_root(g, v, host->axis))
        return false;
    uint32_t node = (uint32_t)g->nest.nodes.len;
    if (!ftl_fuse_join(f, g, v, host->axis))
        return false;
    if (shared && v != g->contract)
        g->nest.nodes.data[node].is_root = true;
    return true;
}

static bool is_matmul(const ftl_value *v)
{
    return v->op == FTL_OP_CONTRACT_ && ftl_cost_is_matmul(v);
}

/* True for what a loop nest can compute. */
static bool is_nested(const ftl_value *v)
{
    switch (ftl_opcode_get_class(v->op)) {
    case FTL_OPCLASS_LEAF:
    case FTL_OPCLASS_MAP:
    case FTL_OPCLASS_REDUCE:
        return true;
    case FTL_OPCLASS_CONTRACT:
        return !is_matmul(v);
    default:
        return v->op == FTL_OP_VIEW_ || v->op == FTL_OP_GATHER_ || v->op == FTL_OP_READ_AT_;
    }
}

/* Computes v in a step of its own. */
static void start_step(ftl_fuser *f, ftl_value *v)
{
    bool is_matrix = is_matmul(v);
    read_all(f, v);
    if (is_nested(v)) {
        ftl_fuse_start_nest(f, start_group(f, FTL_STEP_NEST, v), v);
        return;
    }
    ftl_step_kind kind = v->op == FTL_OP_LOOP_ ? FTL_STEP_LOOP
                         : is_matrix           ? FTL_STEP_CONTRACT
                                               : FTL_STEP_OP;
    ftl_group *g = start_group(f, kind, v);
    g->contract = is_matrix ? v : NULL;
    *FTL_VEC_PUSH(f->arena, &g->members) = v;
    for (uint32_t i = 0; i < v->n_in; i++)
        ftl_fuse_require(f, v->in[i], g->index, kind == FTL_STEP_LOOP || v->op == FTL_OP_EIGVEC_);
}

static void visit_computed(ftl_fuser *f, ftl_value *v)
{
    bool can_join = !f->no_fusion && (is_nested(v) || is_matmul(v));
    if (can_join && !f->uses[v->id].is_hard && is_free(f, v) && join_everywhere(f, v))
        return;
    if (can_join && join_host(f, v))
        read_all(f, v);
    else
        start_step(f, v);
}

static void visit(ftl_fuser *f, ftl_value *v)
{
    ftl_use *u = &f->uses[v->id];
    if (!u->needs && !u->is_hard)
        return;
    switch (v->op) {
    case FTL_OP_INPUT_:
    case FTL_OP_PARAM_:
    case FTL_OP_RESULT_:
        read_all(f, v);
        if (v->n_in > 0)
            ftl_fuse_require(f, v->in[0], u->before, true);
        return;
    case FTL_OP_CONST_:
        if (v->splat && u->is_dense) {
            visit_computed(f, v);
            return;
        }
        if (v->splat)
            join_everywhere(f, v);
        read_all(f, v);
        return;
    case FTL_OP_RESHAPE_:
        alias_operand(f, v, true);
        return;
    case FTL_OP_VIEW_:
        if (v->u.view->in_range)
            visit_view(f, v);
        else
            visit_computed(f, v);
        return;
    default:
        visit_computed(f, v);
    }
}

void ftl_fuse_graph(ftl_fuser *f)
{
    ftl_graph *g = f->graph;
    f->uses = FTL_NEW_ARRAY(f->arena, ftl_use, g->values.len);
    for (size_t i = 0; i < g->values.len; i++) {
        f->uses[i].before = -1;
        f->uses[i].is_generated = is_generated(f, g->values.data[i]);
    }
    for (size_t i = 0; i < g->outputs.len; i++)
        ftl_fuse_require(f, g->outputs.data[i].value, -1, true);
    for (size_t i = g->values.len; i-- > 0;)
        visit(f, g->values.data[i]);
}
