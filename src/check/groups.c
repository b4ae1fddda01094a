/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups: strongly connected components of the references (Tarjan 1972, with a stack of our own),
 * each as a single step, a scan or a fixpoint, needed ones first.
 */
#include "check/groups.h"

/* ---- components ---- */

typedef struct frame {
    uint32_t tensor, next;
} frame;

typedef struct tarjan {
    groups *g;
    uint32_t *index, *low;
    bool *on_stack;
    FTL_VEC(uint32_t) stack;
    FTL_VEC(frame) frames;
    uint32_t counter;
} tarjan;

static void enter(tarjan *t, uint32_t tensor)
{
    frame *f = FTL_VEC_PUSH(t->g->m->arena, &t->frames);
    f->tensor = tensor;
    f->next = t->g->first[tensor];
    t->index[tensor] = t->low[tensor] = ++t->counter;
    *FTL_VEC_PUSH(t->g->m->arena, &t->stack) = tensor;
    t->on_stack[tensor] = true;
}

static void close_component(tarjan *t, uint32_t tensor)
{
    groups *g = t->g;
    uint32_t top;
    *FTL_VEC_PUSH(g->m->arena, &g->start) = (uint32_t)g->order.len;
    do {
        top = t->stack.data[--t->stack.len];
        t->on_stack[top] = false;
        g->component[top] = (uint32_t)g->start.len;
        *FTL_VEC_PUSH(g->m->arena, &g->order) = top;
    } while (top != tensor);
}

static void visit(tarjan *t, uint32_t root)
{
    groups *g = t->g;
    enter(t, root);
    while (t->frames.len) {
        frame *f = &t->frames.data[t->frames.len - 1];
        uint32_t tensor = f->tensor;
        if (f->next < g->first[tensor + 1]) {
            uint32_t to = g->edges.data[g->by_head[f->next++]].to;
            if (!t->index[to])
                enter(t, to);
            else if (t->on_stack[to] && t->index[to] < t->low[tensor])
                t->low[tensor] = t->index[to];
            continue;
        }
        t->frames.len--;
        if (t->low[tensor] == t->index[tensor])
            close_component(t, tensor);
        if (t->frames.len) {
            uint32_t up = t->frames.data[t->frames.len - 1].tensor;
            if (t->low[tensor] < t->low[up])
                t->low[up] = t->low[tensor];
        }
    }
}

static void find_components(groups *g)
{
    size_t n = g->m->tensors.len;
    tarjan t = {.g = g};
    t.index = FTL_NEW_ARRAY(g->m->arena, uint32_t, n);
    t.low = FTL_NEW_ARRAY(g->m->arena, uint32_t, n);
    t.on_stack = FTL_NEW_ARRAY(g->m->arena, bool, n);
    g->component = FTL_NEW_ARRAY(g->m->arena, uint32_t, n);
    for (uint32_t i = 0; i < n; i++)
        if (!t.index[i])
            visit(&t, i);
}

/* ---- messages ---- */

/* A shortest path of references from `from` back to `to` inside of a component, as "A -> B -> A".
 */
static const char *cycle_text(groups *g, uint32_t from, uint32_t to)
{
    size_t n = g->m->tensors.len;
    uint32_t *came = FTL_NEW_ARRAY(g->m->arena, uint32_t, n);
    FTL_VEC(uint32_t) queue = {0};
    *FTL_VEC_PUSH(g->m->arena, &queue) = from;
    came[from] = from + 1;
    for (size_t i = 0; i < queue.len && !(came[to] && to != from); i++) {
        uint32_t t = queue.data[i];
        for (uint32_t k = g->first[t]; k < g->first[t + 1]; k++) {
            uint32_t next = g->edges.data[g->by_head[k]].to;
            if (came[next] || g->component[next] != g->component[from])
                continue;
            came[next] = t + 1;
            *FTL_VEC_PUSH(g->m->arena, &queue) = next;
        }
    }
    const char *text = g->m->tensors.data[to].name;
    for (uint32_t t = to; t != from && came[t];) {
        t = came[t] - 1;
        text = ftl_arena_printf(g->m->arena, "%s -> %s", g->m->tensors.data[t].name, text);
    }
    return text;
}

static const group_edge *inner_edge(const groups *g, uint32_t component, bool negative)
{
    for (size_t k = 0; k < g->edges.len; k++) {
        const group_edge *e = &g->edges.data[k];
        bool inside = g->component[e->from] == component && g->component[e->to] == component;
        bool between_truths =
            g->m->tensors.data[e->from].is_boolean && g->m->tensors.data[e->to].is_boolean;
        if (inside && (!negative || (e->is_negative && between_truths)))
            return e;
    }
    return NULL;
}

static void report_cycle(groups *g, uint32_t component)
{
    const group_edge *e = inner_edge(g, component, false);
    const ftl_equation *eq = &g->m->equations.data[e->equation];
    ftl_diag *d = ftl_diag_error(g->m->diags, FTL_E_CYCLE, eq->span, "'%s' needs itself: %s -> %s",
                                 g->m->tensors.data[e->from].name, g->m->tensors.data[e->from].name,
                                 cycle_text(g, e->to, e->from));
    ftl_diag_hint(
        g->m->diags, d,
        "run with --mode fixpoint to iterate until nothing changes; a scan may refer to earlier "
        "places of one axis only");
}

static bool report_negation(groups *g, uint32_t component)
{
    const group_edge *e = inner_edge(g, component, true);
    if (!e)
        return false;
    const ftl_equation *eq = &g->m->equations.data[e->equation];
    ftl_diag *d = ftl_diag_error(g->m->diags, FTL_E_NEGATION, eq->span,
                                 "'%s' depends on its own negation: %s -> not %s",
                                 g->m->tensors.data[e->from].name, g->m->tensors.data[e->from].name,
                                 cycle_text(g, e->to, e->from));
    ftl_diag_hint(g->m->diags, d,
                  "negation may only ask for what is complete before: break the cycle");
    return true;
}

/* ---- groups ---- */

static void add_recursive(groups *g, const uint32_t *tensors, uint32_t n, ftl_group *out)
{
    ftl_model *m = g->m;
    uint32_t component = g->component[tensors[0]];
    bool asks_fixpoint = m->options.mode != FTL_MODE_SINGLE;
    if (groups_find_scan(g, tensors, n, out)) {
        out->kind = FTL_GROUP_SCAN;
        return;
    }
    out->kind = FTL_GROUP_FIXPOINT;
    out->is_boolean = true;
    out->tensors.len = 0;
    for (uint32_t i = n; i-- > 0;) {
        *FTL_VEC_PUSH(m->arena, &out->tensors) = tensors[i];
        out->is_boolean &= m->tensors.data[tensors[i]].is_boolean;
    }
    if (report_negation(g, component))
        return;
    if (!asks_fixpoint)
        report_cycle(g, component);
}

static bool is_recursive(const groups *g, uint32_t tensor, uint32_t size)
{
    for (uint32_t k = g->first[tensor]; k < g->first[tensor + 1]; k++)
        if (g->edges.data[g->by_head[k]].to == tensor)
            return true;
    return size > 1;
}

static void add_group(groups *g, const uint32_t *tensors, uint32_t n)
{
    ftl_model *m = g->m;
    if (n == 1 && m->tensors.data[tensors[0]].equations.len == 0)
        return;
    ftl_group *out = FTL_VEC_PUSH(m->arena, &m->groups);
    if (is_recursive(g, tensors[0], n))
        add_recursive(g, tensors, n, out);
    else
        *FTL_VEC_PUSH(m->arena, &out->tensors) = tensors[0];
    for (uint32_t i = 0; i < n; i++) {
        const ftl_tensor_decl *t = &m->tensors.data[tensors[i]];
        out->is_stream |= t->has_time;
        for (size_t k = 0; k < t->equations.len; k++)
            m->equations.data[t->equations.data[k]].group = (uint32_t)(m->groups.len - 1);
    }
}

void ftl_check_groups(ftl_model *m)
{
    groups g = {.m = m};
    groups_collect(&g);
    find_components(&g);
    for (size_t c = 0; c < g.start.len; c++) {
        size_t end = c + 1 < g.start.len ? g.start.data[c + 1] : g.order.len;
        add_group(&g, &g.order.data[g.start.data[c]], (uint32_t)(end - g.start.data[c]));
    }
}
