/* SPDX-License-Identifier: Apache-2.0
 *
 * References between tensors, with their sign: whether a truth there may take one away here.
 */
#include "check/groups.h"

typedef struct walk {
    groups *g;
    uint32_t equation;
    bool is_negative;
} walk;

static void walk_expr(walk w, const ftl_expr *e);

/* ---- virtual time ---- */

static int64_t time_of(const ftl_at_place *places, uint32_t n, bool *found)
{
    *found = false;
    for (uint32_t i = 0; i < n; i++) {
        if (places[i].form == FTL_AT_TIME) {
            *found = true;
            return places[i].offset;
        }
    }
    return 0;
}

/* Latest step at which equations write a tensor; inputs are there at the current one. */
static int64_t written_at(const ftl_model *m, const ftl_tensor_decl *t)
{
    int64_t latest = INT64_MIN;
    bool found;
    for (size_t i = 0; i < t->equations.len; i++) {
        const ftl_equation *eq = &m->equations.data[t->equations.data[i]];
        int64_t at = time_of(eq->left, eq->n_left, &found);
        latest = found && at > latest ? at : latest;
    }
    return latest == INT64_MIN ? 0 : latest;
}

/* True when the reference asks for what this run computes, not for what an earlier one left. */
static bool is_current(const walk *w, const ftl_expr *e)
{
    const ftl_model *m = w->g->m;
    const ftl_tensor_decl *t = &m->tensors.data[e->tensor];
    bool found;
    int64_t at = time_of(e->places, e->n_places, &found), written;
    if (!t->has_time)
        return true;
    if (!found) {
        ftl_diag_error(m->diags, FTL_E_TIME, e->span,
                       "'%s' lives in virtual time: its time index is missing", t->name);
        return false;
    }
    written = written_at(m, t);
    if (at > written)
        ftl_diag_error(m->diags, FTL_E_TIME, e->span,
                       "'%s' is read at a step that is not computed yet", t->name);
    return at >= written;
}

/* ---- the walk ---- */

static void add_edge(const walk *w, const ftl_expr *e)
{
    const ftl_equation *eq = &w->g->m->equations.data[w->equation];
    if (!is_current(w, e))
        return;
    group_edge *edge = FTL_VEC_PUSH(w->g->m->arena, &w->g->edges);
    edge->from = eq->tensor;
    edge->to = e->tensor;
    edge->equation = w->equation;
    edge->read = e;
    edge->is_negative = w->is_negative;
}

/* Sign of argument i: -1 turned around, 0 may go either way, 1 kept. */
static int sign_of(const ftl_expr *e, size_t i)
{
    if (e->kind != FTL_EXPR_MAP)
        return 1;
    switch (e->op) {
    case FTL_OP_NEG_:
    case FTL_OP_NOT_:
        return -1;
    case FTL_OP_SUB_:
    case FTL_OP_DIV_:
        return i == 1 ? -1 : 1;
    case FTL_OP_LT_:
    case FTL_OP_LE_:
        return i == 0 ? -1 : 1;
    case FTL_OP_EQ_:
    case FTL_OP_NE_:
        return 0;
    case FTL_OP_SELECT_:
        return i == 0 ? 0 : 1;
    default:
        return 1;
    }
}

static void walk_child(walk w, const ftl_expr *e, int sign)
{
    if (!e)
        return;
    if (sign < 0)
        w.is_negative = !w.is_negative;
    if (sign == 0)
        w.is_negative = true;
    walk_expr(w, e);
}

static void walk_expr(walk w, const ftl_expr *e)
{
    if (e->kind == FTL_EXPR_READ)
        add_edge(&w, e);
    for (uint32_t i = 0; i < e->n_places; i++)
        walk_child(w, e->places[i].gather, 0);
    for (size_t i = 0; i < e->args.len; i++)
        walk_child(w, e->args.data[i], sign_of(e, i));
    if (!e->call)
        return;
    walk_child(w, e->call->mask, 0);
    walk_child(w, e->call->scale, 0);
    walk_child(w, e->call->temperature, 0);
    walk_child(w, e->call->position, 0);
}

void groups_collect(groups *g)
{
    ftl_model *m = g->m;
    size_t n = m->tensors.len;
    for (uint32_t i = 0; i < m->equations.len; i++)
        if (m->equations.data[i].value)
            walk_expr((walk){.g = g, .equation = i}, m->equations.data[i].value);
    g->first = FTL_NEW_ARRAY(m->arena, uint32_t, n + 2);
    g->by_head = FTL_NEW_ARRAY(m->arena, uint32_t, g->edges.len + 1);
    for (size_t i = 0; i < g->edges.len; i++)
        g->first[g->edges.data[i].from + 2]++;
    for (size_t t = 0; t < n; t++)
        g->first[t + 2] += g->first[t + 1];
    for (uint32_t i = 0; i < g->edges.len; i++)
        g->by_head[g->first[g->edges.data[i].from + 1]++] = i;
}
