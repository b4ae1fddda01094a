/* SPDX-License-Identifier: Apache-2.0
 *
 * Closures T = B E* by search: from each x, through the nodes that B has for it, along E; a mark of
 * each node says which x came there last. There is no set of pairs to ask, what is touched at a
 * time is a graph and its marks, and the tuples come in the order of the answer. The search gives
 * up when it has cost as much as rows of bits would.
 */
#include "backend/native/logic/engine.h"

enum {
    WORDS_PER_STEP = 6,   /* words of rows that are joined in the time of a step */
    LEAST_ROOM = 1 << 12,
    AHEAD = 4,            /* nodes that are waiting whose edges are asked for */
    FEW = 40,             /* places that are sorted by their ranks */
    WORDS_PER_PLACE = 16, /* that a sort by bits looks at, at most */
    MANY_NODES = 1 << 17  /* that are numbered anew */
};

typedef struct searcher {
    ftl_logic_engine *e;
    const ftl_logic_closure *c;
    ftl_logic_graph edges, begin; /* E; B by x */
    uint32_t *node;               /* by number: the node; null: nodes are their own numbers */
    uint32_t *mark;               /* by number: 1 + the x that came there last */
    uint64_t *bits;               /* by node; all 0 between sorts */
    uint32_t *x, *z;              /* the answer */
    size_t n, room;
    size_t steps, most;           /* most: where the search gives up */
} searcher;

/* ---- room ---- */

static bool widen(searcher *s, uint32_t **column, size_t room)
{
    uint32_t *wide = ftl_logic_alloc_array(&s->e->memory, room, sizeof *wide);
    if (!wide)
        return false;
    if (s->n > 0)
        memcpy(wide, *column, s->n * sizeof *wide);
    ftl_logic_free(&s->e->memory, *column);
    *column = wide;
    return true;
}

static ftl_status reserve(searcher *s, size_t n)
{
    if (s->n + n <= s->room)
        return FTL_OK;
    size_t room = s->room + s->room / 2 + n + LEAST_ROOM;
    s->c->table->n = (uint32_t)s->n; /* for the message of a failure */
    if (room > FTL_LOGIC_MOST_ROWS || !widen(s, &s->x, room) || !widen(s, &s->z, room))
        return FTL_ERR_MEMORY;
    s->room = room;
    return FTL_OK;
}

/* ---- order within an x ---- */

/* By digits, least first, through a copy. */
static void sort_some(uint32_t *z, uint32_t *copy, size_t n, uint32_t extent)
{
    for (uint32_t shift = 0; shift < 32 && extent >> shift > 0; shift += 8) {
        uint32_t place[257] = {0}, *swap = z;
        for (size_t i = 0; i < n; i++)
            place[(z[i] >> shift & 255) + 1]++;
        for (size_t i = 0; i < 256; i++)
            place[i + 1] += place[i];
        for (size_t i = 0; i < n; i++)
            copy[place[z[i] >> shift & 255]++] = z[i];
        z = copy;
        copy = swap;
    }
    size_t digits = (32 - (size_t)__builtin_clz(extent | 1) + 7) / 8;
    if (digits % 2 == 1)
        memcpy(copy, z, n * sizeof *z);
}

/* Different places, each to where as many are less: no branch depends on them. */
static void sort_few(uint32_t *z, size_t n)
{
    typedef int32_t vector __attribute__((vector_size(16)));
    vector all[FEW / 4];
    int32_t copy[FEW];
    size_t n_vectors = (n + 3) / 4;
    for (size_t i = 0; i < 4 * n_vectors; i++)
        copy[i] = i < n ? (int32_t)(z[i] ^ 0x80000000u) : INT32_MAX;
    memcpy(all, copy, n_vectors * sizeof *all);
    for (size_t i = 0; i < n; i++) {
        vector me = {copy[i], copy[i], copy[i], copy[i]}, less = {0};
        for (size_t k = 0; k < n_vectors; k++)
            less += all[k] < me;
        z[-(less[0] + less[1] + less[2] + less[3])] = (uint32_t)copy[i] ^ 0x80000000u;
    }
}

static void sort_by_bits(searcher *s, uint32_t *z, size_t n)
{
    size_t words = ((size_t)s->edges.n + 63) / 64;
    for (size_t i = 0; i < n; i++)
        s->bits[z[i] / 64] |= (uint64_t)1 << z[i] % 64;
    for (size_t i = 0; i < words; i++) {
        for (uint64_t w = s->bits[i]; w; w &= w - 1)
            *z++ = (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(w);
        s->bits[i] = 0;
    }
}

/* Of the places from `first` on; the other column is free from there. */
static void sort_places(searcher *s, size_t first)
{
    uint32_t *z = s->z + first;
    size_t n = s->n - first;
    if (n <= FEW)
        sort_few(z, n);
    else if (n * WORDS_PER_PLACE >= s->edges.n / 64)
        sort_by_bits(s, z, n);
    else
        sort_some(z, s->x + first, n, s->edges.n);
}

/* ---- searching ---- */

/* Places that x leads to at once, by list; there is room. */
static void push_all(searcher *s, uint32_t x, const ftl_logic_graph *g, uint32_t from)
{
    const uint32_t *to = g->to + g->start[from], *end = g->to + g->start[from + 1];
    uint32_t *z = s->z, *mark = s->mark;
    size_t n = s->n;
    for (; to < end; to++) {
        z[n] = *to;
        n += mark[*to] != x + 1;
        mark[*to] = x + 1;
        __builtin_prefetch(&s->edges.start[*to]);
    }
    s->n = n;
}

static ftl_status search_from(searcher *s, uint32_t x)
{
    size_t first = s->n;
    FTL_TRY(reserve(s, (size_t)(s->begin.start[x + 1] - s->begin.start[x]) + 1));
    push_all(s, x, &s->begin, x);
    for (size_t at = first; at < s->n; at++) {
        uint32_t y = s->z[at], degree = s->edges.start[y + 1] - s->edges.start[y];
        FTL_TRY(reserve(s, (size_t)degree + 1));
        if (at + AHEAD < s->n)
            __builtin_prefetch(&s->edges.to[s->edges.start[s->z[at + AHEAD]]]);
        push_all(s, x, &s->edges, y);
        s->steps += degree;
    }
    for (size_t i = first; i < s->n && s->node; i++)
        s->z[i] = s->node[s->z[i]];
    sort_places(s, first);
    for (size_t i = first; i < s->n; i++)
        s->x[i] = x;
    return FTL_OK;
}

static ftl_status search_all(searcher *s)
{
    for (uint32_t x = 0; x < s->begin.n && s->steps <= s->most; x++)
        if (s->begin.start[x + 1] > s->begin.start[x])
            FTL_TRY(search_from(s, x));
    return FTL_OK;
}

/* ---- numbers ----
 * What a search touches next is where an edge leads: nodes are numbered in the order of a walk in
 * depth, so that it is near. */

/* number[node] = 1 + number; s->node is the way back. stack has room for all edges and a node. */
static void walk(searcher *s, uint32_t *number, uint32_t *stack)
{
    const ftl_logic_graph *g = &s->edges;
    uint32_t n = 0;
    for (uint32_t root = 0; root < g->n; root++) {
        size_t depth = 0;
        for (stack[depth++] = root; depth > 0;) {
            uint32_t at = stack[--depth];
            if (number[at])
                continue;
            s->node[n++] = at;
            number[at] = n;
            for (uint32_t k = g->start[at]; k < g->start[at + 1]; k++)
                stack[depth++] = g->to[k];
        }
    }
}

static void renumber(searcher *s, const uint32_t *number, ftl_logic_graph *to)
{
    const ftl_logic_graph *g = &s->edges;
    uint32_t at = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        uint32_t old = s->node[i];
        to->start[i] = at;
        for (uint32_t k = g->start[old]; k < g->start[old + 1]; k++)
            to->to[at++] = number[g->to[k]] - 1;
    }
    to->start[g->n] = at;
    for (uint32_t k = 0; k < s->begin.start[s->begin.n]; k++)
        s->begin.to[k] = number[s->begin.to[k]] - 1;
}

static ftl_status number_nodes(searcher *s)
{
    ftl_logic_memory *m = &s->e->memory;
    size_t n = s->edges.n, n_edges = s->edges.start[n];
    ftl_logic_graph to = {.n = s->edges.n};
    uint32_t *number = ftl_logic_alloc_zeroed(m, n * sizeof *number);
    to.start = ftl_logic_alloc_array(m, n + 2, sizeof *to.start);
    to.to = ftl_logic_alloc_array(m, n_edges + 1, sizeof *to.to);
    s->node = ftl_logic_alloc_array(m, n, sizeof *s->node);
    bool is_there = number && to.start && to.to && s->node;
    if (is_there) {
        walk(s, number, to.to);
        renumber(s, number, &to);
    }
    ftl_logic_free(m, number);
    ftl_logic_graph_free(s->e, is_there ? &s->edges : &to);
    if (is_there)
        s->edges = to;
    return is_there ? FTL_OK : FTL_ERR_MEMORY;
}

/* ---- a run ---- */

static ftl_status open_searcher(searcher *s)
{
    const ftl_logic_closure *c = s->c;
    const ftl_logic_table *t = c->table;
    size_t nodes = (size_t)t->extent[1];
    FTL_TRY(ftl_logic_graph_make(s->e, &(ftl_logic_graph_spec){c->edges, c->n_edges,
                                 (uint32_t)nodes, (uint32_t)nodes}, &s->edges));
    FTL_TRY(ftl_logic_graph_make(s->e, &(ftl_logic_graph_spec){t, t->n, (uint32_t)t->extent[0],
                                 (uint32_t)nodes}, &s->begin));
    s->mark = ftl_logic_alloc_zeroed(&s->e->memory, nodes * sizeof *s->mark);
    s->bits = ftl_logic_alloc_zeroed(&s->e->memory, (nodes + 63) / 64 * 8);
    if (!s->mark || !s->bits)
        return FTL_ERR_MEMORY;
    return nodes > MANY_NODES ? number_nodes(s) : FTL_OK;
}

static void close_searcher(searcher *s)
{
    ftl_logic_graph_free(s->e, &s->edges);
    ftl_logic_graph_free(s->e, &s->begin);
    ftl_logic_free(&s->e->memory, s->node);
    ftl_logic_free(&s->e->memory, s->mark);
    ftl_logic_free(&s->e->memory, s->bits);
}

static void take_answer(searcher *s)
{
    ftl_logic_table *t = s->c->table;
    ftl_logic_set_free(s->e, t);
    ftl_logic_table_drop_columns(s->e, t);
    t->own[0] = s->x;
    t->own[1] = s->z;
    t->column[0] = s->x;
    t->column[1] = s->z;
    t->n = (uint32_t)s->n;
    t->room = (uint32_t)s->room;
    t->has_columns = t->is_sorted = true;
    t->form = FTL_LOGIC_COLUMNS;
    s->e->derived += (int64_t)s->steps;
    s->e->rounds++;
}

ftl_status ftl_logic_search_run(ftl_logic_engine *e, const ftl_logic_closure *c, size_t words,
                                bool *is_done)
{
    ftl_logic_table *t = c->table;
    searcher s = {.e = e, .c = c, .most = words / WORDS_PER_STEP};
    uint32_t n = t->n;
    e->rule = c->rule;
    e->table = (uint32_t)(t - e->tables);
    FTL_TRY(ftl_logic_table_need_columns(e, c->edges));
    ftl_status status = open_searcher(&s);
    if (status == FTL_OK)
        status = search_all(&s);
    close_searcher(&s);
    *is_done = status == FTL_OK && s.steps <= s.most;
    if (*is_done) {
        take_answer(&s);
        return FTL_OK;
    }
    ftl_logic_free(&e->memory, s.x);
    ftl_logic_free(&e->memory, s.z);
    t->n = status == FTL_OK ? n : t->n;
    return status;
}
