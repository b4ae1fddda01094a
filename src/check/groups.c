/* SPDX-License-Identifier: Apache-2.0
 *
 * The groups stage: strongly connected components (R. Tarjan, "Depth-first search and linear graph
 * algorithms", SIAM J. Comput. 1, 1972, with the stack made explicit), dependencies first. A
 * component without a cycle is a single tensor; one with a cycle is a scan when it only looks back
 * along one axis, else it runs to a fixpoint, if the mode allows that and no Boolean tensor in it
 * depends on its own negation.
 */
#include "check/groups.h"

#include <stdlib.h>

/* ---- components ---- */

typedef struct tarjan {
    ftl_arena *arena;
    const groups_graph *graph;
    groups_order *out;
    uint32_t *index, *low, *at; /* index 0: not seen; at: the edge to follow next */
    bool *on_stack;
    FTL_VEC(uint32_t) path, stack;
    uint32_t count, n_out;
} tarjan;

static void enter(tarjan *t, uint32_t v)
{
    t->index[v] = t->low[v] = ++t->count;
    t->at[v] = t->graph->first[v];
    t->on_stack[v] = true;
    *FTL_VEC_PUSH(t->arena, &t->path) = v;
    *FTL_VEC_PUSH(t->arena, &t->stack) = v;
}

static void leave(tarjan *t, uint32_t v)
{
    t->path.len--;
    if (t->path.len > 0) {
        uint32_t up = t->path.data[t->path.len - 1];
        t->low[up] = t->low[v] < t->low[up] ? t->low[v] : t->low[up];
    }
    if (t->low[v] != t->index[v])
        return;
    uint32_t w;
    do {
        w = t->stack.data[--t->stack.len];
        t->on_stack[w] = false;
        t->out->order[t->n_out++] = w;
    } while (w != v);
    t->out->starts[++t->out->n_parts] = t->n_out;
}

static void search(tarjan *t, uint32_t root)
{
    enter(t, root);
    while (t->path.len > 0) {
        uint32_t v = t->path.data[t->path.len - 1];
        if (t->at[v] == t->graph->first[v + 1]) {
            leave(t, v);
            continue;
        }
        uint32_t w = t->graph->next[t->at[v]++];
        if (t->index[w] == 0)
            enter(t, w);
        else if (t->on_stack[w] && t->index[w] < t->low[v])
            t->low[v] = t->index[w];
    }
}

void groups_find_parts(ftl_arena *arena, const groups_graph *graph, groups_order *out)
{
    tarjan t = {.arena = arena, .graph = graph, .out = out};
    *out = (groups_order){.order = FTL_NEW_ARRAY(arena, uint32_t, graph->n),
                          .starts = FTL_NEW_ARRAY(arena, uint32_t, (size_t)graph->n + 1)};
    t.index = FTL_NEW_ARRAY(arena, uint32_t, graph->n);
    t.low = FTL_NEW_ARRAY(arena, uint32_t, graph->n);
    t.at = FTL_NEW_ARRAY(arena, uint32_t, graph->n);
    t.on_stack = FTL_NEW_ARRAY(arena, bool, graph->n);
    for (uint32_t v = 0; v < graph->n; v++)
        if (t.index[v] == 0)
            search(&t, v);
}

/* ---- cycles in messages ---- */

/* "A -> B -> A": the shortest way from what `read` reads back to its head. */
static const char *write_cycle(const groups_part *p, const groups_read *read)
{
    ftl_arena *arena = p->m->arena;
    uint32_t *from = FTL_NEW_ARRAY(arena, uint32_t, p->n),
             *queue = FTL_NEW_ARRAY(arena, uint32_t, p->n);
    uint32_t head = p->member[read->head], start = p->member[read->tensor], n = 0;
    for (uint32_t i = 0; i < p->n; i++)
        from[i] = GROUPS_NONE;
    queue[n++] = start;
    from[start] = start;
    for (uint32_t at = 0; at < n && from[head] == GROUPS_NONE; at++) {
        for (size_t i = 0; i < p->n_reads; i++) {
            uint32_t to = p->member[p->reads[i].tensor];
            if (p->member[p->reads[i].head] != queue[at] || from[to] != GROUPS_NONE)
                continue;
            from[to] = queue[at];
            queue[n++] = to;
        }
    }
    ftl_strbuf way, part;
    ftl_strbuf_init(&way, arena);
    for (uint32_t v = head;; v = from[v]) {
        ftl_strbuf_init(&part, arena);
        ftl_strbuf_printf(&part, " -> %s%s%s", v == start && read->negative ? "not " : "",
                          p->m->tensors.data[p->tensors[v]].name, ftl_strbuf_get(&way));
        way = part;
        if (v == start)
            break;
    }
    return ftl_arena_printf(arena, "%s%s", p->m->tensors.data[read->head].name,
                            ftl_strbuf_get(&way));
}

static void note_closing(const groups_part *p, ftl_diag *d, const groups_read *read)
{
    if (read->expr->span.file != 0)
        ftl_diag_note(p->m->diags, d, read->expr->span, "this closes the cycle");
}

/* ---- recursion ---- */

/* False after reporting that a Boolean tensor depends on its own negation. */
static bool check_negation(const groups_part *p)
{
    bool any_boolean = false;
    for (uint32_t i = 0; i < p->n; i++)
        any_boolean |= p->m->tensors.data[p->tensors[i]].is_boolean;
    for (size_t i = 0; any_boolean && i < p->n_reads; i++) {
        const groups_read *read = &p->reads[i];
        if (!read->negative)
            continue;
        ftl_diag *d =
            ftl_diag_error(p->m->diags, FTL_E_NEGATION, p->m->equations.data[read->equation].span,
                           "'%s' depends on its own negation: %s",
                           p->m->tensors.data[read->head].name, write_cycle(p, read));
        note_closing(p, d, read);
        ftl_diag_hint(
            p->m->diags, d,
            "what is negated must be complete before: no rule behind it may come back to '%s'",
            p->m->tensors.data[read->head].name);
        return false;
    }
    return true;
}

/* Why it is no scan, at the reference that is to blame. */
static void note_fault(const groups_part *p, ftl_diag *d, const groups_why *why)
{
    const ftl_equation *eq = &p->m->equations.data[why->read->equation];
    const char *name = why->axis == GROUPS_NONE ? "" : eq->axes.data[why->axis].name;
    const char *tensor = p->m->tensors.data[why->read->tensor].name, *text = NULL;
    ftl_arena *arena = p->m->arena;
    switch (why->fault) {
    case GROUPS_FAULT_CONSTANT:
        text = ftl_arena_printf(arena,
                                "this place is not computed before: the equation counts at places "
                                "%lld to %lld of '%s'",
                                (long long)why->range.low, (long long)why->range.high, name);
        break;
    case GROUPS_FAULT_BOTH:
        text = "this looks ahead, other references look back";
        break;
    case GROUPS_FAULT_ALONG:
        text = ftl_arena_printf(arena, "this is used along axis '%s', all places at once", name);
        break;
    case GROUPS_FAULT_SAME:
        text = "this closes the cycle: it moves along no axis";
        break;
    default:
        text = ftl_arena_printf(arena,
                                "this closes the cycle: the place of '%s' is neither the same nor "
                                "a fixed distance away along one axis",
                                tensor);
    }
    if (why->read->expr->span.file != 0)
        ftl_diag_note(p->m->diags, d, why->read->expr->span, "%s", text);
}

static void fail_cycle(const groups_part *p, const groups_why *why)
{
    const groups_read *read = &p->reads[0];
    ftl_diag *d =
        ftl_diag_error(p->m->diags, FTL_E_CYCLE, p->m->equations.data[read->equation].span,
                       "'%s' depends on itself, which mode single does not run: %s",
                       p->m->tensors.data[read->head].name, write_cycle(p, read));
    if (why->fault == GROUPS_FAULT_NONE)
        note_closing(p, d, read);
    else
        note_fault(p, d, why);
    if (why->fault == GROUPS_FAULT_CONSTANT)
        ftl_diag_hint(p->m->diags, d, "guard it: `when %s > ...`, or run with --mode auto",
                      p->m->equations.data[why->read->equation].axes.data[why->axis].name);
    else
        ftl_diag_hint(
            p->m->diags, d,
            "run with --mode auto, or let every reference stay at earlier places of one axis");
}

static int compare_reads(const void *a, const void *b)
{
    const groups_read *x = a, *y = b;
    return x->order < y->order ? -1 : x->order > y->order;
}

static void collect_reads(groups_part *p, const groups_edges *edges)
{
    size_t most = 0;
    for (uint32_t i = 0; i < p->n; i++)
        most += edges->first[p->tensors[i] + 1] - edges->first[p->tensors[i]];
    p->reads = FTL_NEW_ARRAY(p->m->arena, groups_read, most);
    for (uint32_t i = 0; i < p->n; i++)
        for (uint32_t k = edges->first[p->tensors[i]]; k < edges->first[p->tensors[i] + 1]; k++)
            if (p->member[edges->list[k].tensor] != GROUPS_NONE)
                p->reads[p->n_reads++] = edges->list[k];
    if (p->n_reads > 1)
        qsort(p->reads, p->n_reads, sizeof(*p->reads), compare_reads);
}

static void settle_cycle(groups_part *p, ftl_group *group)
{
    groups_why why;
    group->is_boolean = true;
    for (uint32_t i = 0; i < p->n; i++)
        group->is_boolean &= p->m->tensors.data[p->tensors[i]].is_boolean;
    if (groups_find_scan(p, group, &why)) {
        group->kind = FTL_GROUP_SCAN;
        return;
    }
    group->kind = FTL_GROUP_FIXPOINT;
    if (check_negation(p) && p->m->options.mode == FTL_MODE_SINGLE)
        fail_cycle(p, &why);
}

/* ---- the stage ---- */

static void add_group(ftl_model *m, const groups_edges *edges, uint32_t *member,
                      const uint32_t *tensors, uint32_t n)
{
    groups_part p = {.m = m, .tensors = tensors, .n = n, .member = member};
    uint32_t index = (uint32_t)m->groups.len;
    ftl_group *group = FTL_VEC_PUSH(m->arena, &m->groups);
    for (uint32_t i = 0; i < n; i++)
        member[tensors[i]] = i;
    collect_reads(&p, edges);
    group->kind = FTL_GROUP_SINGLE;
    for (uint32_t i = 0; i < n; i++)
        *FTL_VEC_PUSH(m->arena, &group->tensors) = tensors[i];
    if (p.n_reads > 0)
        settle_cycle(&p, group);
    for (uint32_t i = 0; i < n; i++) {
        const ftl_tensor_decl *t = &m->tensors.data[tensors[i]];
        group->is_stream |= t->has_time;
        for (size_t k = 0; k < t->equations.len; k++)
            m->equations.data[t->equations.data[k]].group = index;
        for (uint32_t k = edges->first[tensors[i]]; k < edges->first[tensors[i] + 1]; k++)
            group->is_stream |= m->tensors.data[edges->list[k].tensor].has_time;
        member[tensors[i]] = GROUPS_NONE;
    }
}

void ftl_check_groups(ftl_model *m)
{
    groups_edges edges;
    groups_order order;
    groups_collect(m, &edges);
    uint32_t n = (uint32_t)m->tensors.len, *member = FTL_NEW_ARRAY(m->arena, uint32_t, n);
    uint32_t *next = FTL_NEW_ARRAY(m->arena, uint32_t, edges.len);
    for (size_t i = 0; i < edges.len; i++)
        next[i] = edges.list[i].tensor;
    for (uint32_t i = 0; i < n; i++)
        member[i] = GROUPS_NONE;
    groups_find_parts(m->arena, &(groups_graph){n, edges.first, next}, &order);
    for (uint32_t i = 0; i < order.n_parts; i++) {
        const uint32_t *tensors = &order.order[order.starts[i]];
        uint32_t size = order.starts[i + 1] - order.starts[i];
        if (size > 1 || m->tensors.data[tensors[0]].equations.len > 0)
            add_group(m, &edges, member, tensors, size);
    }
}
