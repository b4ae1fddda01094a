/* SPDX-License-Identifier: Apache-2.0
 *
 * Random graphs: sound, the same after a round trip through text, and alive on the oracle.
 */
#include "graph_gen.h"
#include "unit.h"

#include <math.h>

enum { GRAPHS = 400 };

static void check_text(ftl_arena *arena, void *user)
{
    graph_gen_options options = {.seed = *(uint64_t *)user, .operations = 40};
    graph_gen gen = graph_gen_make(arena, &options);
    assert_null(ftl_graph_verify(gen.graph, arena));
    const char *text = graph_text_dump(arena, gen.graph);
    ftl_graph *again = graph_text_read(arena, text);
    assert_true(ftl_graph_is_equal(gen.graph, again));
    assert_string_equal(graph_text_dump(arena, again), text);
    assert_true(ftl_graph_is_equal(graph_gen_make(arena, &options).graph, gen.graph));
}

static void test_text(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < GRAPHS; seed++)
        graph_text_guard(check_text, &seed);
}

/* A run, and a run of the graph read back, give the same; tame graphs give no nan. */
static void check_run(ftl_arena *arena, void *user)
{
    uint64_t seed = *(uint64_t *)user;
    graph_gen_options options = {.seed = seed, .operations = 30};
    graph_gen gen = graph_gen_make(arena, &options);
    ftl_plan *plan = graph_text_plan(arena, gen.graph);
    ftl_tensor **inputs = graph_gen_make_inputs(arena, plan, seed);
    graph_run first = {0}, second = {0};
    graph_text_run(arena, &ftl_backend_oracle, plan, inputs, &first);
    if (first.status != FTL_OK)
        fail_msg("seed %llu: %s", (unsigned long long)seed, first.error.message);
    ftl_plan *again = graph_text_plan(
        arena, graph_text_read(arena, graph_text_dump(arena, gen.graph)));
    graph_text_run(arena, &ftl_backend_oracle, again, inputs, &second);
    const char *wrong = graph_gen_compare(arena, &gen, second.outputs, first.outputs);
    if (wrong)
        fail_msg("seed %llu: %s", (unsigned long long)seed, wrong);
    for (size_t i = 0; i < gen.graph->outputs.len; i++)
        for (int64_t k = 0; k < ftl_tensor_get_count(first.outputs[i]); k++)
            if (!isfinite(ftl_tensor_get_double(first.outputs[i], k)))
                fail_msg("seed %llu: %s is not finite", (unsigned long long)seed,
                         gen.graph->outputs.data[i].name);
    graph_run_free(plan, &first);
    graph_run_free(again, &second);
    graph_gen_free_inputs(plan, inputs);
}

static void test_run(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < GRAPHS; seed++)
        graph_text_guard(check_run, &seed);
}

static void count_operations(ftl_arena *arena, void *user)
{
    size_t *counts = user;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        graph_gen_options options = {.seed = seed, .operations = 40};
        ftl_graph *g = graph_gen_make(arena, &options).graph;
        for (size_t i = 0; i < g->values.len; i++)
            counts[g->values.data[i]->op]++;
    }
}

/* PARAM stands in bodies only. */
static void test_all_operations_come_up(void **state)
{
    (void)state;
    size_t counts[FTL_OPCODE_COUNT] = {0};
    graph_text_guard(count_operations, counts);
    for (unsigned op = 0; op < FTL_OPCODE_COUNT; op++)
        if (counts[op] < 10 && op != FTL_OP_PARAM_)
            fail_msg("%s came up %zu times", ftl_opcode_get_name((ftl_opcode)op), counts[op]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_all_operations_come_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
