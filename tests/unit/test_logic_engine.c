/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine of rules, one mechanism at a time: forms of sets and indexes that sizes bring about,
 * closures, deltas that join no pair twice, atoms that meet, limits, memory that fails. Random
 * programs are in test_logic_random.c; here inputs are large enough for batches, lists and tables
 * to overflow.
 */
#include "graph_text.h"
#include "logic_gen.h"
#include "unit.h"

#include <stdio.h>

enum { MAX_RELATIONS = 8, NODES = 300, EDGES = 2500 };

static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*state >> 33) % below);
}

/* n tuples of places below `nodes`, for extents that may be larger. */
static ftl_relation *make_input(uint32_t arity, uint32_t n, uint32_t nodes, int64_t extent)
{
    static uint32_t column[4][EDGES];
    uint64_t seed = 7;
    const uint32_t *columns[4];
    int64_t extents[4];
    ftl_relation *r = NULL;
    for (uint32_t k = 0; k < arity; k++) {
        columns[k] = column[k];
        extents[k] = extent;
        for (uint32_t i = 0; i < n; i++)
            column[k][i] = draw(&seed, nodes);
    }
    assert_int_equal(ftl_relation_new(ftl_allocator_get_default(),
                                      &(ftl_relation_spec){arity, n, extents, columns}, &r),
                     FTL_OK);
    return r;
}

static ftl_relation *make_chain(uint32_t n)
{
    static uint32_t from[EDGES], to[EDGES];
    ftl_relation *r = NULL;
    for (uint32_t i = 0; i + 1 < n; i++) {
        from[i] = i;
        to[i] = i + 1;
    }
    const uint32_t *columns[] = {from, to};
    assert_int_equal(ftl_relation_new(ftl_allocator_get_default(),
                                      &(ftl_relation_spec){2, n - 1, (int64_t[]){n, n}, columns},
                                      &r),
                     FTL_OK);
    return r;
}

static void assert_same_tuples(const ftl_relation *a, const ftl_relation *b)
{
    assert_int_equal(a->arity, b->arity);
    assert_int_equal(a->n, b->n);
    for (uint32_t k = 0; k < a->arity; k++)
        assert_memory_equal(a->column[k], b->column[k], (size_t)a->n * sizeof(uint32_t));
}

typedef struct outcome {
    ftl_rules *rules;
    ftl_relation *results[MAX_RELATIONS];
    ftl_logic_report report;
    ftl_status status;
} outcome;

static outcome run_text(ftl_arena *arena, const char *text, ftl_relation *const *inputs,
                        ftl_logic_options o)
{
    outcome out = {.rules = logic_gen_read(arena, text), .report = {.arena = arena}};
    assert_true(out.rules->relations.len <= MAX_RELATIONS);
    o.alloc = o.alloc ? o.alloc : ftl_allocator_get_default();
    out.status = ftl_logic_run(out.rules, inputs, &o, out.results, &out.report);
    return out;
}

static void free_outcome(outcome *o)
{
    logic_gen_free_results(o->rules, o->results);
}

/* ---- forms: the same tuples in small and large extents ---- */

/* %1$u: the extent; input 0 has two columns, input 1 four. The last relation is the result. */
static const char *const grown[] = {
    "relation E[%1$u, %1$u] input 0 relation T[%1$u, %1$u] result "
    "T(x, y) <- E(x, y) T(x, z) <- T(x, y), E(y, z), x != z",
    "relation E[%1$u, %1$u] input 0 relation T[%1$u, %1$u] result "
    "T(x, y) <- E(x, y), x < 40 T(x, z) <- T(x, y), T(y, z), x != z",
    "relation E[%1$u, %1$u] input 0 relation S[%1$u, %1$u] result "
    "S(x, y) <- E(x, p), E(y, p), x < y, y < 60 S(x, y) <- E(x, p), S(p, q), E(y, q), x < 30",
    "relation W[%1$u, %1$u, %1$u, %1$u] input 1 relation V[%1$u, %1$u, %1$u, %1$u] result "
    "V(d, c, b, a) <- W(a, b, c, d) V(a, b, c, e) <- V(a, b, c, d), W(d, _, e, _), e < 20",
    "relation W[%1$u, %1$u, %1$u, %1$u] input 1 relation V[%1$u, %1$u] result "
    "V(a, d) <- W(a, b, c, d), W(b, c, _, _), not W(c, _, a, _)",
    "relation W[%1$u, %1$u, %1$u, %1$u] input 1 relation V[%1$u, %1$u, %1$u, %1$u] result "
    "V(a, b, c, d) <- W(a, b, c, d) V(a, b, e, d) <- V(a, b, c, d), V(b, a, d, e) "
    "V(b, a, c, c) <- V(a, b, c, d), W(b, a, _, d)",
    "relation E[%1$u, %1$u] input 0 relation R[%1$u] result "
    "R(3) <- true R(y) <- R(x), E(x, y), not E(y, x)",
    "relation E[%1$u, %1$u] input 0 relation Q[%1$u, %1$u, %1$u] result "
    "Q(x, y, z) <- E(x, y), E(y, z), E(x, z)",
    "relation E[%1$u, %1$u] input 0 relation Q[%1$u] result "
    "Q(x) <- E(x, y), E(y, z), E(z, w), E(w, x), E(x, z), x != y",
    "relation E[%1$u, %1$u] input 0 relation P[%1$u, %1$u] result "
    "P(x, y) <- E(x, y), x < 9 P(x, z) <- P(x, y), P(y, w), P(w, z)",
};

static void check_forms(ftl_arena *arena, void *user)
{
    static const uint32_t extents[] = {NODES, 20000, 4000000000u};
    const char *text = user;
    ftl_relation *first = NULL;
    for (size_t i = 0; i < FTL_COUNT(extents); i++) {
        ftl_relation *inputs[] = {make_input(2, EDGES, NODES, extents[i]),
                                  make_input(4, 1500, 40, extents[i])};
        for (int is_naive = 0; is_naive < 2; is_naive++) {
            outcome o = run_text(arena, ftl_arena_printf(arena, text, extents[i]), inputs,
                                 (ftl_logic_options){.is_naive = is_naive});
            const ftl_relation *got = o.results[o.rules->relations.len - 1];
            assert_int_equal(o.status, FTL_OK);
            if (first)
                assert_same_tuples(got, first);
            else
                first = ftl_relation_retain(o.results[o.rules->relations.len - 1]);
            free_outcome(&o);
        }
        ftl_relation_release(inputs[0]);
        ftl_relation_release(inputs[1]);
    }
    assert_true(first->n > 0);
    ftl_relation_release(first);
}

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < FTL_COUNT(grown); i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s", grown[i]);
        graph_text_guard(check_forms, text);
    }
}

/* ---- closures ---- */

static const char *const closures[] = {
    "T(x, z) <- T(x, y), E(y, z) T(x, y) <- E(x, y)",
    "T(x, z) <- E(x, y), T(y, z) T(x, y) <- E(x, y)",
    "T(x, z) <- T(y, z), T(x, y) T(x, y) <- E(x, y)",
    "T(x, z) <- T(x, y), E(y, z) T(x, x) <- E(x, y)",
    "T(x, z) <- E(y, z), T(x, y) T(x, y) <- E(y, x) T(7, 7) <- true",
    "T(x, z) <- T(x, y), E(y, z) T(x, y) <- F(x, y)",
    "T(x, z) <- E(x, y), T(y, z) T(x, y) <- F(x, y)",
    "T(x, z) <- T(x, y), T(y, z) T(x, y) <- F(x, y)",
};

/* rows and columns of T; E and F have 300 by 300. */
typedef struct shape {
    const char *rules;
    uint32_t rows, columns;
} shape;

static void check_closure(ftl_arena *arena, void *user)
{
    const shape *s = user;
    for (uint32_t n = 60; n <= 600; n += 270) {
        ftl_relation *inputs[] = {make_input(2, n, NODES, NODES), make_chain(NODES)};
        const char *text = ftl_arena_printf(
            arena, "relation E[300, 300] input 0 relation F[300, 300] input 1 relation T[%u, %u] "
            "result relation U[%u] result %s U(y) <- T(0, y)", s->rows, s->columns, s->columns,
            s->rules);
        outcome wanted = run_text(arena, text, inputs, (ftl_logic_options){.is_naive = true});
        outcome got = run_text(arena, text, inputs, (ftl_logic_options){0});
        assert_int_equal(got.status, FTL_OK);
        if (n == 600 && s->rows == NODES && s->columns == NODES)
            assert_int_equal(got.report.stats.relation[2].form, FTL_LOGIC_ROWS);
        assert_int_equal(got.report.stats.relation[2].tuples, wanted.results[2]->n);
        assert_same_tuples(got.results[2], wanted.results[2]);
        assert_same_tuples(got.results[3], wanted.results[3]);
        free_outcome(&got);
        free_outcome(&wanted);
        ftl_relation_release(inputs[0]);
        ftl_relation_release(inputs[1]);
    }
}

static void test_closures(void **state)
{
    (void)state;
    for (size_t i = 0; i < FTL_COUNT(closures); i++) {
        shape s = {closures[i], 300, 300};
        graph_text_guard(check_closure, &s);
        s = (shape){closures[i], 80, 300};
        graph_text_guard(check_closure, &s);
        s = (shape){closures[i], 300, 130};
        graph_text_guard(check_closure, &s);
        s = (shape){closures[i], 900, 700};
        graph_text_guard(check_closure, &s);
        s = (shape){closures[i], 200000, 200000}; /* too wide for rows */
        graph_text_guard(check_closure, &s);
    }
}

/* A chain: the pairs that a closure has are known. */
static void check_chain(ftl_arena *arena, void *user)
{
    (void)user;
    ftl_relation *inputs[] = {make_chain(1000)};
    outcome o = run_text(arena, "relation E[1000, 1000] input 0 relation T[1000, 1000] result "
                         "T(x, y) <- E(x, y) T(x, z) <- T(x, y), E(y, z)", inputs,
                         (ftl_logic_options){0});
    assert_int_equal(o.status, FTL_OK);
    assert_int_equal(o.results[1]->n, 1000 * 999 / 2);
    assert_true(o.report.stats.peak > 0 && o.report.stats.relation[1].peak > 0);
    free_outcome(&o);
    ftl_relation_release(inputs[0]);
}

static void test_chain(void **state)
{
    (void)state;
    graph_text_guard(check_chain, NULL);
}

/* ---- deltas ---- */

/* T(x, y), T(y, z) on a chain: x < y < z, each triple once. The comparison keeps it from being a
 * closure. */
static void check_deltas(ftl_arena *arena, void *user)
{
    enum { N = 60, PAIRS = N * (N - 1) / 2, TRIPLES = N * (N - 1) * (N - 2) / 6 };
    (void)user;
    ftl_relation *inputs[] = {make_chain(N)};
    outcome o = run_text(arena, "relation E[60, 60] input 0 relation T[60, 60] result "
                         "T(x, y) <- E(x, y) T(x, z) <- T(x, y), T(y, z), x < z", inputs,
                         (ftl_logic_options){0});
    assert_int_equal(o.status, FTL_OK);
    assert_int_equal(o.results[1]->n, PAIRS);
    assert_int_equal(o.report.stats.derived, N - 1 + TRIPLES);
    assert_int_equal(o.report.stats.rounds, 7);
    free_outcome(&o);
    ftl_relation_release(inputs[0]);
}

static void test_deltas(void **state)
{
    (void)state;
    graph_text_guard(check_deltas, NULL);
}

/* ---- limits ---- */

static void check_limit(ftl_arena *arena, void *user)
{
    (void)user;
    unit_heap heap;
    unit_heap_init(&heap);
    ftl_relation *inputs[] = {make_chain(2000)};
    const char *text = "relation E[2000, 2000] input 0 relation Path[2000, 2000] result "
                       "Path(x, y) <- E(x, y) Path(x, z) <- Path(x, y), E(y, z), x != z";
    outcome o = run_text(arena, text, inputs,
                         (ftl_logic_options){.alloc = &heap.alloc, .memory_limit = 4 << 20});
    assert_int_equal(o.status, FTL_ERR_MEMORY);
    assert_null(o.results[1]);
    assert_non_null(strstr(o.report.error.message, "relation Path: "));
    assert_non_null(strstr(o.report.error.message, " tuples so far"));
    assert_non_null(strstr(o.report.error.message, "the limit of 4194304 bytes"));
    assert_int_equal(o.report.error.rule, 1);
    assert_int_equal(heap.live_bytes, 0);
    o = run_text(arena, text, inputs, (ftl_logic_options){.memory_limit = (size_t)1 << 30});
    assert_int_equal(o.status, FTL_OK);
    assert_int_equal(o.results[1]->n, 2000 * 1999 / 2);
    assert_true(o.report.stats.peak <= (size_t)1 << 30);
    free_outcome(&o);
    o = run_text(arena, text, inputs, (ftl_logic_options){.max_rounds = 10});
    assert_int_equal(o.status, FTL_ERR_MEMORY);
    assert_string_equal(o.report.error.message, "relation Path is not complete after 10 rounds");
    ftl_relation_release(inputs[0]);
}

static void test_limit(void **state)
{
    (void)state;
    graph_text_guard(check_limit, NULL);
}

static void check_inputs(ftl_arena *arena, void *user)
{
    (void)user;
    ftl_relation *inputs[] = {make_chain(10)};
    outcome o = run_text(arena, "relation E[9, 10] input 0 relation T[9] result T(x) <- E(x, _)",
                         inputs, (ftl_logic_options){0});
    assert_int_equal(o.status, FTL_ERR_USAGE);
    assert_string_equal(o.report.error.message, "the input of relation E has other columns");
    o = run_text(arena, "relation E[10] input 0 relation T[9] result T(x) <- E(x)", inputs,
                 (ftl_logic_options){0});
    assert_int_equal(o.status, FTL_ERR_USAGE);
    ftl_relation_release(inputs[0]);
}

static void test_inputs(void **state)
{
    (void)state;
    graph_text_guard(check_inputs, NULL);
}

/* ---- memory that fails ---- */

static const char *const fragile[] = {
    "relation E[400, 400] input 0 relation T[400, 400] result "
    "T(x, y) <- E(x, y) T(x, z) <- T(x, y), E(y, z)",
    "relation E[400, 400] input 0 relation B[400, 400] relation T[400, 400] result "
    "B(y, x) <- E(x, y) T(x, y) <- B(x, y) T(x, z) <- T(x, y), E(y, z)",
    "relation E[400, 400] input 0 relation T[4000000000, 4000000000] result "
    "T(x, y) <- E(x, y), x < 90 T(x, z) <- T(x, y), T(y, z), x != z",
    "relation E[400, 400] input 0 relation V[4000000000, 4000000000, 4000000000] result "
    "V(x, y, z) <- E(x, y), E(y, z) V(z, y, x) <- V(x, y, z), V(y, z, w), not E(w, x)",
    "relation E[400, 400] input 0 relation Q[400, 400, 400] result relation R[400] result "
    "Q(x, y, z) <- E(x, y), E(y, z), E(x, z) R(x) <- Q(x, _, _), range w < 3, let x = w + 1 < 9",
};

typedef struct trial {
    const char *text;
    ftl_relation *input;
    size_t fail_at;
    bool is_met;
} trial;

static void check_failure(ftl_arena *arena, void *user)
{
    trial *t = user;
    unit_heap heap;
    unit_heap_init(&heap);
    heap.fail_at = t->fail_at;
    outcome o = run_text(arena, t->text, &t->input, (ftl_logic_options){.alloc = &heap.alloc});
    t->is_met = heap.calls >= t->fail_at;
    assert_true(o.status == FTL_OK || t->is_met);
    assert_true(o.status == FTL_OK || o.status == FTL_ERR_MEMORY);
    assert_true(o.status == FTL_OK || o.report.error.message[0]);
    free_outcome(&o);
    assert_int_equal(heap.live_bytes, 0);
}

static void test_failures(void **state)
{
    (void)state;
    for (size_t i = 0; i < FTL_COUNT(fragile); i++) {
        trial t = {.text = fragile[i], .input = make_chain(400), .is_met = true};
        for (t.fail_at = 1; t.is_met; t.fail_at++)
            graph_text_guard(check_failure, &t);
        assert_true(t.fail_at > 8);
        ftl_relation_release(t.input);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),  cmocka_unit_test(test_closures),
        cmocka_unit_test(test_chain),  cmocka_unit_test(test_deltas),
        cmocka_unit_test(test_limit),  cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
