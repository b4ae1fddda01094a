/* SPDX-License-Identifier: Apache-2.0
 *
 * The native backend beside the oracle on random graphs over all core operations: fused and not,
 * one thread and two, cold and warm.
 */
#include "graph_gen.h"
#include "plan/plan.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

enum { GRAPHS = 320 };

typedef struct variant {
    int threads;
    bool no_fusion, fast_paths;
} variant;

static const variant variants[] = {{1, false, true}, {2, false, true}, {1, true, false}};

typedef struct trial {
    graph_gen_options options;
    uint64_t seed;
    graph_gen gen;
    ftl_tensor **inputs, **wanted;
} trial;

static void fail_trial(const trial *t, const variant *v, const char *why)
{
    fail_msg("seed %llu, %u operations, largest %lld, %d threads%s: %s",
             (unsigned long long)t->seed, t->options.operations, (long long)t->options.largest,
             v->threads, v->no_fusion ? ", not fused" : "", why);
}

/* DUMP in the environment shows graphs and plans. */
static void show(ftl_arena *arena, const graph_gen *gen, const ftl_plan *plan)
{
    ftl_strbuf out;
    if (!getenv("DUMP"))
        return;
    ftl_strbuf_init(&out, arena);
    ftl_graph_dump(gen->graph, &out);
    ftl_strbuf_putc(&out, '\n');
    ftl_plan_dump(plan, &out);
    puts(ftl_strbuf_get(&out));
    fflush(stdout);
}

/* Two runs of one executable: the second finds the outputs of the first and writes over them. */
static void check_variant(ftl_arena *arena, const trial *t, const variant *v)
{
    const graph_gen *gen = &t->gen;
    ftl_device_options options = {.device = "cpu", .threads = v->threads,
                                  .fast_paths = v->fast_paths};
    ftl_device *device = NULL;
    ftl_exec *exec = NULL;
    ftl_backend_error error;
    ftl_plan *plan = ftl_plan_make(arena, gen->graph,
                                   &(ftl_plan_options){.no_fusion = v->no_fusion});
    show(arena, gen, plan);
    ftl_tensor **got = FTL_NEW_ARRAY(arena, ftl_tensor *, gen->graph->outputs.len + 1);
    assert_int_equal(ftl_backend_native.open(&options, &device, &error), FTL_OK);
    if (ftl_backend_native.compile(device, plan, &exec, &error) != FTL_OK)
        fail_trial(t, v, error.message);
    for (int run = 0; run < 2; run++) {
        if (ftl_backend_native.run(exec, t->inputs, got, &error) != FTL_OK)
            fail_trial(t, v, error.message);
        const char *wrong = graph_gen_compare(arena, gen, got, t->wanted);
        if (wrong)
            fail_trial(t, v, wrong);
    }
    ftl_backend_native.free_exec(exec);
    ftl_backend_native.close(device);
    for (size_t i = 0; i < gen->graph->outputs.len; i++)
        ftl_tensor_release(got[i]);
}

static void check_trial(ftl_arena *arena, void *user)
{
    trial *t = user;
    t->gen = graph_gen_make(arena, &t->options);
    ftl_plan *bare = graph_text_plan(arena, t->gen.graph);
    t->inputs = graph_gen_make_inputs(arena, bare, t->seed);
    graph_run oracle = {0};
    graph_text_run(arena, &ftl_backend_oracle, bare, t->inputs, &oracle);
    if (oracle.status != FTL_OK)
        fail_msg("seed %llu: %s", (unsigned long long)t->seed, oracle.error.message);
    t->wanted = oracle.outputs;
    for (size_t i = 0; i < FTL_COUNT(variants); i++)
        check_variant(arena, t, &variants[i]);
    graph_run_free(bare, &oracle);
    graph_gen_free_inputs(bare, t->inputs);
}

/* SEEDS=from:to in the environment runs others. */
static void test_random(void **state)
{
    unsigned long long from = 0, to = GRAPHS;
    const char *seeds = getenv("SEEDS");
    (void)state;
    if (seeds)
        assert_int_equal(sscanf(seeds, "%llu:%llu", &from, &to), 2);
    for (uint64_t seed = from; seed < to; seed++) {
        static const int64_t largest[] = {0, 3, 12, 40};
        trial t = {.seed = seed};
        t.options = (graph_gen_options){.seed = seed, .operations = 3 + (uint32_t)(seed % 40),
                                        .largest = largest[seed / 40 % 4],
                                        .f32_only = seed / 160 % 2 == 1};
        graph_text_guard(check_trial, &t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
