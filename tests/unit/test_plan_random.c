/* SPDX-License-Identifier: Apache-2.0
 *
 * Passes preserve what random graphs compute: each alone, and all in order. The oracle is the
 * judge.
 */
#include "graph_gen.h"
#include "plan/plan.h"
#include "unit.h"

enum { GRAPHS = 250 };

typedef struct trial {
    uint64_t seed;
    const char *pass; /* null: all */
} trial;

static void check_trial(ftl_arena *arena, void *user)
{
    const trial *t = user;
    graph_gen_options options = {.seed = t->seed, .operations = 35};
    graph_gen gen = graph_gen_make(arena, &options), after = graph_gen_make(arena, &options);
    ftl_plan *plan = graph_text_plan(arena, gen.graph);
    ftl_tensor **inputs = graph_gen_make_inputs(arena, plan, t->seed);
    graph_run wanted = {0}, got = {0};
    graph_text_run(arena, &ftl_backend_oracle, plan, inputs, &wanted);
    assert_int_equal(wanted.status, FTL_OK);
    if (t->pass)
        assert_int_equal(ftl_plan_run_pass(after.graph, t->pass, NULL), FTL_OK);
    else
        assert_int_equal(ftl_plan_run_passes(after.graph, NULL), FTL_OK);
    const char *wrong = ftl_graph_verify(after.graph, arena);
    if (wrong)
        fail_msg("seed %llu, %s: %s", (unsigned long long)t->seed, t->pass, wrong);
    ftl_plan *plan_after = graph_text_plan(arena, after.graph);
    ftl_tensor **kept = FTL_NEW_ARRAY(arena, ftl_tensor *, plan->inputs.len);
    for (size_t i = 0; i < plan_after->inputs.len; i++)
        for (size_t k = 0; k < plan->inputs.len; k++)
            if (strcmp(plan_after->inputs.data[i]->u.name, plan->inputs.data[k]->u.name) == 0)
                kept[i] = inputs[k];
    graph_text_run(arena, &ftl_backend_oracle, plan_after, kept, &got);
    if (got.status != FTL_OK)
        fail_msg("seed %llu, %s: %s", (unsigned long long)t->seed, t->pass, got.error.message);
    wrong = graph_gen_compare(arena, &gen, got.outputs, wanted.outputs);
    if (wrong)
        fail_msg("seed %llu, %s: %s", (unsigned long long)t->seed, t->pass ? t->pass : "all",
                 wrong);
    graph_run_free(plan, &wanted);
    graph_run_free(plan_after, &got);
    graph_gen_free_inputs(plan, inputs);
}

static void test_each_pass(void **state)
{
    (void)state;
    for (size_t i = 0; ftl_pass_get_name(i); i++)
        for (uint64_t seed = 0; seed < GRAPHS; seed++)
            graph_text_guard(check_trial, &(trial){seed, ftl_pass_get_name(i)});
}

static void test_all_passes(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 2 * GRAPHS; seed++)
        graph_text_guard(check_trial, &(trial){.seed = seed});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_pass),
        cmocka_unit_test(test_all_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
