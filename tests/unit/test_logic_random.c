/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine of logic against the plainest evaluator on random programs: one thread and two, with
 * deltas and without. FTL_LOGIC_PROGRAMS=N in the environment asks for N programs.
 */
#include "graph_text.h"
#include "logic_gen.h"
#include "unit.h"

#include <stdlib.h>

enum { PROGRAMS = 10000, MAX_RELATIONS = 8 };

typedef struct variant {
    unsigned threads;
    bool is_naive;
} variant;

static const variant variants[] = {{1, false}, {1, true}, {2, false}};

typedef struct comparison {
    uint64_t seed;
    bool is_wide;
    ftl_pool *pool;    /* of two threads */
    size_t tuples;     /* of all results so far */
    int64_t rounds;
} comparison;

static void run_variant(ftl_arena *arena, comparison *c, const logic_gen *gen, const variant *v,
                        ftl_relation *const *wanted)
{
    ftl_relation *results[MAX_RELATIONS] = {0};
    ftl_logic_report report = {.arena = arena};
    ftl_logic_options options = {.alloc = ftl_allocator_get_default(),
                                 .pool = v->threads > 1 ? c->pool : NULL,
                                 .is_naive = v->is_naive};
    ftl_status status = ftl_logic_run(gen->rules, gen->inputs, &options, results, &report);
    if (status != FTL_OK)
        fail_msg("seed %llu: status %d: %s\n%s", (unsigned long long)c->seed, (int)status,
                 report.error.message, logic_gen_print(arena, gen));
    const char *wrong = logic_gen_compare(arena, gen->rules, results, wanted);
    if (wrong)
        fail_msg("seed %llu, %u threads%s: %s\nin\n%s", (unsigned long long)c->seed, v->threads,
                 v->is_naive ? ", naive" : "", wrong, logic_gen_print(arena, gen));
    c->rounds += report.stats.rounds;
    logic_gen_free_results(gen->rules, results);
}

static void check_program(ftl_arena *arena, void *user)
{
    comparison *c = user;
    logic_gen gen = logic_gen_make(arena, c->seed);
    if (c->is_wide)
        logic_gen_widen(arena, &gen, c->seed);
    ftl_relation *wanted[MAX_RELATIONS] = {0};
    assert_int_equal(ftl_logic_run_naive(gen.rules, gen.inputs, ftl_allocator_get_default(),
                                         wanted), FTL_OK);
    for (size_t i = 0; i < gen.rules->relations.len; i++)
        c->tuples += wanted[i] ? (size_t)wanted[i]->n : 0;
    for (size_t i = 0; i < FTL_COUNT(variants); i++)
        run_variant(arena, c, &gen, &variants[i], wanted);
    logic_gen_free_results(gen.rules, wanted);
    logic_gen_free(&gen);
}

static void test_random_programs(void **state)
{
    (void)state;
    const char *wish = getenv("FTL_LOGIC_PROGRAMS");
    uint64_t n = wish ? strtoull(wish, NULL, 10) : PROGRAMS;
    comparison c = {0};
    assert_true(n > 0);
    assert_int_equal(ftl_pool_new(ftl_allocator_get_default(), 2, &c.pool), FTL_OK);
    for (c.seed = 0; c.seed < n; c.seed++) {
        c.is_wide = c.seed % 2;
        graph_text_guard(check_program, &c);
    }
    assert_true(c.tuples > n);
    assert_true(c.rounds > (int64_t)n);
    ftl_pool_free(c.pool);
}

/* All memory comes back, whichever call fails. */
static void check_memory(ftl_arena *arena, void *user)
{
    uint64_t seed = *(uint64_t *)user;
    logic_gen gen = logic_gen_make(arena, seed);
    ftl_status status = FTL_ERR_MEMORY;
    for (size_t fail_at = 1; status != FTL_OK; fail_at++) {
        unit_heap heap;
        ftl_relation *results[MAX_RELATIONS] = {0};
        ftl_logic_report report = {0};
        unit_heap_init(&heap);
        heap.fail_at = fail_at;
        ftl_logic_options options = {.alloc = &heap.alloc};
        status = ftl_logic_run(gen.rules, gen.inputs, &options, results, &report);
        assert_true(status == FTL_OK || (status == FTL_ERR_MEMORY && report.error.message[0]));
        for (size_t i = 0; i < gen.rules->relations.len && status != FTL_OK; i++)
            assert_null(results[i]);
        logic_gen_free_results(gen.rules, results);
        assert_int_equal(heap.live_blocks, 0);
    }
    logic_gen_free(&gen);
}

static void test_memory(void **state)
{
    (void)state;
    for (uint64_t seed = 1000; seed < 1020; seed++)
        graph_text_guard(check_memory, &seed);
}

/* With any limit the answer is right or refused. */
static void check_limit(ftl_arena *arena, void *user)
{
    comparison *c = user;
    size_t refused = 0, done = 0;
    logic_gen gen = logic_gen_make(arena, c->seed);
    ftl_relation *wanted[MAX_RELATIONS] = {0};
    assert_int_equal(ftl_logic_run_naive(gen.rules, gen.inputs, ftl_allocator_get_default(),
                                         wanted), FTL_OK);
    for (size_t limit = 1; done == 0; limit += 1 + limit / 8) {
        ftl_relation *results[MAX_RELATIONS] = {0};
        ftl_logic_report report = {.arena = arena};
        ftl_logic_options options = {.alloc = ftl_allocator_get_default(),
                                     .memory_limit = limit};
        ftl_status status = ftl_logic_run(gen.rules, gen.inputs, &options, results, &report);
        if (status == FTL_OK) {
            const char *wrong = logic_gen_compare(arena, gen.rules, results, wanted);
            if (wrong)
                fail_msg("seed %llu, limit %zu: %s\nin\n%s", (unsigned long long)c->seed, limit,
                         wrong, logic_gen_print(arena, &gen));
            done++;
        } else {
            assert_int_equal(status, FTL_ERR_MEMORY);
            assert_true(report.error.message[0]);
            refused++;
        }
        logic_gen_free_results(gen.rules, results);
    }
    c->tuples += refused;
    logic_gen_free_results(gen.rules, wanted);
    logic_gen_free(&gen);
}

static void test_limits(void **state)
{
    (void)state;
    comparison c = {0};
    for (c.seed = 2000; c.seed < 2050; c.seed++)
        graph_text_guard(check_limit, &c);
    assert_true(c.tuples > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_programs),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
