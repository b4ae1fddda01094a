/* SPDX-License-Identifier: Apache-2.0
 *
 * Closures at once. A stratum of one binary relation T with one recursive rule of the form
 *
 *   left     T(x, z) <- E(x, y), T(y, z)     T = E* B       (B: what the other rules give)
 *   right    T(x, z) <- T(x, y), E(y, z)     T = B E*
 *   squared  T(x, z) <- T(x, y), T(y, z)     T = B* B
 *
 * has its answer in rows of bits without rounds: row x of E* B is that of B and those of the nodes
 * that E leads to from x. Nodes on a cycle have the same row, so components are closed in the order
 * in which Tarjan's algorithm finds them, each after those it leads to (Purdom 1970; Nuutila,
 * "Efficient transitive closure computation in large digraphs", 1995). An edge costs a row of
 * words. `right` where B is E is E* E as well; else E* E is made beside it.
 *
 * What that costs is known before: nodes and edges times the words of a row. What a search (see
 * search.c) or rounds cost is not: they run until they have cost as much, so that the choice is at
 * most twice as dear as the better one.
 */
#include "backend/native/logic/engine.h"

enum { WORDS_PER_TUPLE = 24 /* words joined in the time in which a round makes a tuple */ };

/* ---- forms ---- */

static bool is_pair_of_vars(const ftl_rule_term *terms)
{
    return terms[0].kind == FTL_RULE_VAR && terms[1].kind == FTL_RULE_VAR &&
           terms[0].var != terms[1].var;
}

static bool is_pair(const ftl_logic_engine *e, const ftl_literal *l)
{
    return l->kind == FTL_LITERAL_ATOM && e->tables[l->relation].arity == 2 &&
           is_pair_of_vars(l->terms);
}

/* H(x, z) <- A(x, y), B(y, z) with the atoms in either order. */
static bool is_composition(const ftl_logic_engine *e, const ftl_rule *rule, const ftl_literal **a,
                           const ftl_literal **b)
{
    if (rule->n_body != 2 || e->tables[rule->head].arity != 2 || !is_pair_of_vars(rule->terms) ||
        !is_pair(e, &rule->body[0]) || !is_pair(e, &rule->body[1]))
        return false;
    bool is_first = rule->body[0].terms[0].var == rule->terms[0].var;
    *a = &rule->body[is_first ? 0 : 1];
    *b = &rule->body[is_first ? 1 : 0];
    return (*a)->terms[0].var == rule->terms[0].var && (*b)->terms[1].var == rule->terms[1].var &&
           (*a)->terms[1].var == (*b)->terms[0].var && (*a)->terms[1].var != rule->terms[1].var;
}

/* T(x, y) <- E(x, y) */
static bool is_copy(const ftl_logic_engine *e, const ftl_rule *rule, uint32_t of)
{
    return rule->n_body == 1 && is_pair_of_vars(rule->terms) && is_pair(e, &rule->body[0]) &&
           rule->body[0].relation == of && rule->body[0].terms[0].var == rule->terms[0].var &&
           rule->body[0].terms[1].var == rule->terms[1].var;
}

static bool reads(const ftl_rule *rule, uint32_t relation)
{
    for (uint32_t i = 0; i < rule->n_body; i++)
        if (rule->body[i].kind == FTL_LITERAL_ATOM && rule->body[i].relation == relation)
            return true;
    return false;
}

/* Whether all that T begins with are the tuples of E. */
static bool begins_with(const ftl_logic_engine *e, const ftl_rules_stratum *s, uint32_t of)
{
    bool is_like = e->rules->relations.data[s->relations.data[0]].input < 0;
    for (size_t i = 0; i < s->rules.len; i++) {
        const ftl_rule *rule = &e->rules->rules.data[s->rules.data[i]];
        if (!reads(rule, s->relations.data[0]))
            is_like = is_like && is_copy(e, rule, of);
    }
    return is_like;
}

static void set_form(const ftl_logic_engine *e, const ftl_rules_stratum *s, const ftl_literal *a,
                     const ftl_literal *b, ftl_logic_closure *out)
{
    uint32_t me = s->relations.data[0];
    const ftl_logic_table *t = &e->tables[me];
    out->table = &e->tables[me];
    out->edges = a->relation == me ? &e->tables[b->relation] : &e->tables[a->relation];
    bool is_plain = t->extent[0] == t->extent[1] &&
                    begins_with(e, s, (uint32_t)(out->edges - e->tables));
    out->is_right = a->relation == me && b->relation != me && !is_plain;
    out->can_search = a->relation == me || is_plain;
}

bool ftl_logic_closure_find(const ftl_logic_engine *e, const ftl_rules_stratum *s,
                            ftl_logic_closure *out)
{
    const ftl_literal *a = NULL, *b = NULL;
    uint32_t n = 0, me = s->relations.data[0];
    for (size_t i = 0; i < s->rules.len; i++) {
        const ftl_rule *rule = &e->rules->rules.data[s->rules.data[i]];
        if (!reads(rule, me))
            continue;
        if (++n > 1 || !is_composition(e, rule, &a, &b))
            return false;
        out->rule = s->rules.data[i];
    }
    if (n == 0 || s->relations.len > 1)
        return false;
    set_form(e, s, a, b, out);
    out->n_edges = out->edges->n;
    out->has_rows = ftl_logic_set_count_words(out->table, &out->rows, &out->stride);
    return true;
}

/* ---- cost ---- */

/* Words that would be joined; SIZE_MAX: too many, or no memory for them. */
static size_t count_words(const ftl_logic_engine *e, const ftl_logic_closure *c)
{
    const ftl_logic_memory *m = &e->memory;
    size_t matrices = c->rows + (c->is_right ? (size_t)c->table->extent[1] : 0);
    size_t n = matrices + c->n_edges + (c->is_right ? c->table->n : 0), words, bytes;
    if (!c->has_rows || !ftl_mul_size(matrices, c->stride * 8, &bytes) ||
        (m->limit && (bytes > m->limit / 4 || m->used > m->limit / 2)))
        return SIZE_MAX;
    return ftl_mul_size(n, c->stride, &words) ? words : SIZE_MAX;
}

/* ---- graphs ---- */

void ftl_logic_graph_free(ftl_logic_engine *e, ftl_logic_graph *g)
{
    ftl_logic_free(&e->memory, g->start);
    ftl_logic_free(&e->memory, g->to);
    *g = (ftl_logic_graph){0};
}

ftl_status ftl_logic_graph_make(ftl_logic_engine *e, const ftl_logic_graph_spec *spec,
                                ftl_logic_graph *g)
{
    const uint32_t *x = spec->table->column[0], *y = spec->table->column[1];
    uint32_t n = spec->n, n_to = spec->n_to, *start;
    *g = (ftl_logic_graph){.n = n,
                           .start = ftl_logic_alloc_zeroed(&e->memory, ((size_t)n + 2) * 4),
                           .to = ftl_logic_alloc_array(&e->memory, spec->n_rows, 4)};
    start = g->start;
    if (!start || !g->to) {
        ftl_logic_graph_free(e, g);
        return FTL_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < spec->n_rows; i++)
        if (x[i] < n && y[i] < n_to)
            start[x[i] + 2]++;
    for (uint32_t i = 0; i < n; i++)
        start[i + 2] += start[i + 1];
    for (uint32_t i = 0; i < spec->n_rows; i++)
        if (x[i] < n && y[i] < n_to)
            g->to[start[x[i] + 1]++] = y[i];
    return FTL_OK;
}

/* ---- rows ---- */

/* Rows begin at 64 bytes when they are longer than that. */
static void join_row(uint64_t *restrict to, const uint64_t *restrict from, size_t n)
{
    typedef uint64_t vector __attribute__((vector_size(16), aligned(8), may_alias));
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        vector *a = (vector *)(void *)(to + i);
        const vector *b = (const vector *)(const void *)(from + i);
        a[0] |= b[0];
        a[1] |= b[1];
        a[2] |= b[2];
        a[3] |= b[3];
    }
    for (; i < n; i++)
        to[i] |= from[i];
}

typedef struct closer {
    ftl_logic_graph g;
    uint64_t *words;
    size_t stride;
    uint32_t *next;   /* by node: the edge to look at */
    uint32_t *number; /* by node: 1 + order of the first visit, 0 before */
    uint32_t *low;    /* by node: the least number reached; UINT32_MAX once closed */
    uint32_t *path, *open;
    uint32_t *leader; /* by node that is closed: the node of its component that was visited first */
    uint32_t *joined; /* by leader: 1 + the leader that its row was joined to last */
    uint32_t n_path, n_open, n_numbers;
} closer;

static uint64_t *get_row(const closer *c, uint32_t node)
{
    return c->words + node * c->stride;
}

/* The members of a component lie behind `first` in c->open. */
static void close_component(closer *c, uint32_t first, uint32_t leader)
{
    uint64_t *row = get_row(c, leader);
    for (uint32_t i = first; i < c->n_open; i++) {
        c->leader[c->open[i]] = leader;
        c->low[c->open[i]] = UINT32_MAX;
        if (c->open[i] != leader)
            join_row(row, get_row(c, c->open[i]), c->stride);
    }
    for (uint32_t i = first; i < c->n_open; i++) {
        uint32_t node = c->open[i];
        for (uint32_t k = c->g.start[node]; k < c->g.start[node + 1]; k++) {
            uint32_t to = c->leader[c->g.to[k]];
            if (to == leader || c->joined[to] == leader + 1)
                continue;
            c->joined[to] = leader + 1;
            join_row(row, get_row(c, to), c->stride);
        }
    }
    for (uint32_t i = first; i < c->n_open; i++)
        if (c->open[i] != leader)
            memcpy(get_row(c, c->open[i]), row, c->stride * sizeof *row);
}

static void enter(closer *c, uint32_t node)
{
    c->number[node] = c->low[node] = ++c->n_numbers;
    c->next[node] = c->g.start[node];
    c->path[c->n_path++] = node;
    c->open[c->n_open++] = node;
}

static void leave(closer *c, uint32_t node)
{
    c->n_path--;
    if (c->low[node] == c->number[node]) {
        uint32_t first = c->n_open;
        while (c->open[--first] != node)
            continue;
        close_component(c, first, node);
        c->n_open = first;
    } else if (c->low[node] < c->low[c->path[c->n_path - 1]]) {
        c->low[c->path[c->n_path - 1]] = c->low[node];
    }
}

static void visit(closer *c, uint32_t root)
{
    enter(c, root);
    while (c->n_path > 0) {
        uint32_t at = c->path[c->n_path - 1];
        if (c->next[at] == c->g.start[at + 1]) {
            leave(c, at);
            continue;
        }
        uint32_t to = c->g.to[c->next[at]++];
        if (c->number[to] == 0)
            enter(c, to);
        else if (c->low[to] != UINT32_MAX && c->number[to] < c->low[at])
            c->low[at] = c->number[to];
    }
}

/* Row x becomes that of all nodes that edges lead to from x, x itself included. */
static ftl_status close_rows(ftl_logic_engine *e, const ftl_logic_closure *what, uint32_t n,
                             uint64_t *words)
{
    closer c = {.words = words, .stride = what->stride};
    FTL_TRY(ftl_logic_graph_make(
        e, &(ftl_logic_graph_spec){what->edges, what->n_edges, n, n}, &c.g));
    uint32_t *memory = ftl_logic_alloc_zeroed(&e->memory, 7 * (size_t)n * sizeof *memory);
    if (memory) {
        uint32_t **parts[] = {&c.next, &c.number, &c.low, &c.path, &c.open, &c.leader, &c.joined};
        for (size_t i = 0; i < FTL_COUNT(parts); i++)
            *parts[i] = memory + i * n;
        for (uint32_t i = 0; i < n; i++)
            if (c.number[i] == 0)
                visit(&c, i);
    }
    ftl_logic_graph_free(e, &c.g);
    ftl_logic_free(&e->memory, memory);
    return memory ? FTL_OK : FTL_ERR_MEMORY;
}

/* ---- a table of rows ---- */

static void put_pairs(const ftl_logic_table *t, uint32_t n, uint64_t *words, size_t stride)
{
    const uint32_t *x = t->column[0], *y = t->column[1];
    for (uint32_t i = 0; i < t->n; i++)
        if (x[i] < n && y[i] < n)
            words[x[i] * stride + y[i] / 64] |= (uint64_t)1 << y[i] % 64;
}

/* T = B E*: row x of T gets the rows of E* E of the nodes that B has for x. */
static ftl_status join_right(ftl_logic_engine *e, const ftl_logic_closure *c)
{
    ftl_logic_table *t = c->table;
    uint32_t n = (uint32_t)t->extent[1];
    uint64_t *words = ftl_logic_alloc_zeroed(&e->memory, (size_t)n * c->stride * 8);
    if (!words)
        return FTL_ERR_MEMORY;
    put_pairs(c->edges, n, words, c->stride);
    ftl_status status = close_rows(e, c, n, words);
    for (uint32_t i = 0; i < t->n && status == FTL_OK; i++)
        join_row(t->set.words + t->column[0][i] * c->stride, words + t->column[1][i] * c->stride,
                 c->stride);
    ftl_logic_free(&e->memory, words);
    return status;
}

static void count_tuples(ftl_logic_engine *e, ftl_logic_table *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->set.n_words; i++)
        n += (size_t)__builtin_popcountll(t->set.words[i]);
    e->derived += (int64_t)(n - t->n);
    t->set.count = n;
    t->n = (uint32_t)n;
}

static ftl_status run_in_rows(ftl_logic_engine *e, const ftl_logic_closure *c)
{
    ftl_logic_table *t = c->table;
    e->rule = c->rule;
    e->table = (uint32_t)(t - e->tables);
    FTL_TRY(ftl_logic_table_need_columns(e, c->edges));
    ftl_logic_index_free_some(e, t, false);
    if (t->set.kind != FTL_LOGIC_SET_BITS)
        FTL_TRY(ftl_logic_set_make_bits(e, t));
    FTL_TRY(c->is_right ? join_right(e, c)
                        : close_rows(e, c, (uint32_t)t->extent[0], t->set.words));
    ftl_logic_table_measure(t);
    count_tuples(e, t);
    ftl_logic_table_drop_columns(e, t);
    t->form = FTL_LOGIC_ROWS;
    e->conversions++;
    e->rounds++;
    return FTL_OK;
}

ftl_status ftl_logic_closure_try(ftl_logic_engine *e, const ftl_logic_closure *c, bool *is_done)
{
    size_t words = count_words(e, c);
    *is_done = false;
    if (c->can_search)
        FTL_TRY(ftl_logic_search_run(e, c, words, is_done));
    if (*is_done || words == SIZE_MAX || (!c->can_search && words / WORDS_PER_TUPLE > c->table->n))
        return FTL_OK;
    *is_done = true;
    return run_in_rows(e, c);
}
