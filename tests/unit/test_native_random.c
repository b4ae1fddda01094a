/* SPDX-License-Identifier: Apache-2.0
 *
 * The native backend beside the oracle on random graphs over all core operations: fused and not,
 * one thread and two, cold and warm, inputs row-major and in any other order.
 */
#include "graph_gen.h"
#include "plan/plan.h"
#include "unit.h"

#include <stdio.h>

enum { GRAPHS = 320 };

typedef struct variant {
    int threads;
    bool no_fusion, fast_paths;
    bool is_strided; /* inputs */
} variant;

static const variant variants[] = {{1, false, true, false},
                                   {2, false, true, false},
                                   {1, true, false, false},
                                   {2, false, true, true}};

typedef struct trial {
    graph_gen_options options;
    uint64_t seed;
    graph_gen gen;
    ftl_tensor **inputs, **wanted;
    size_t n_inputs;
} trial;

static void fail_trial(const trial *t, const variant *v, const char *why)
{
    fail_msg("seed %llu, %u operations, largest %lld, %d threads%s%s: %s",
             (unsigned long long)t->seed, t->options.operations, (long long)t->options.largest,
             v->threads, v->no_fusion ? ", not fused" : "", v->is_strided ? ", strided" : "", why);
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

/* ---- inputs by strides ---- */

static uint64_t draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* The same elements with the axes in some order, gaps between them and some axes turned. */
static ftl_tensor *lay_out(ftl_arena *arena, const ftl_tensor *t, uint64_t *state)
{
    int64_t size = (int64_t)ftl_dtype_get_size(t->dtype), step = size, first = 0;
    int64_t strides[FTL_MAX_RANK] = {0};
    uint64_t start = draw(state), back = draw(state);
    for (uint32_t i = 0; i < t->rank; i++) {
        uint32_t k = (uint32_t)((i + start) % t->rank);
        bool is_turned = back >> k & 1;
        strides[k] = is_turned ? -step : step;
        first += is_turned ? step * (t->shape[k] - 1) : 0;
        step *= t->shape[k] + (int64_t)(draw(state) % 2);
    }
    ftl_tensor_bytes bytes = {.dtype = t->dtype, .rank = t->rank, .shape = t->shape,
                              .strides = strides};
    bytes.data = (char *)ftl_arena_alloc(arena, (size_t)(step > 0 ? step : 0) + 64) + first;
    ftl_tensor *out;
    assert_int_equal(ftl_tensor_wrap(ftl_allocator_get_default(), &bytes, &out), FTL_OK);
    for (int64_t i = 0; i < ftl_tensor_get_count(t); i++) {
        char *to = bytes.data;
        int64_t place = i;
        for (uint32_t k = t->rank; k-- > 0; place /= t->shape[k])
            to += place % t->shape[k] * strides[k];
        memcpy(to, (const char *)t->data + i * size, (size_t)size);
    }
    return out;
}

/* Some inputs keep their order. */
static ftl_tensor **lay_out_inputs(ftl_arena *arena, const trial *t, const int64_t **layouts)
{
    uint64_t state = t->seed;
    ftl_tensor **out = FTL_NEW_ARRAY(arena, ftl_tensor *, t->n_inputs + 1);
    for (size_t i = 0; i < t->n_inputs; i++) {
        bool is_kept = draw(&state) % 4 == 0;
        out[i] = is_kept ? ftl_tensor_retain(t->inputs[i]) : lay_out(arena, t->inputs[i], &state);
        layouts[i] = is_kept ? NULL : out[i]->strides;
    }
    return out;
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
    const int64_t **layouts = FTL_NEW_ARRAY(arena, const int64_t *, t->n_inputs + 1);
    ftl_tensor **inputs = v->is_strided ? lay_out_inputs(arena, t, layouts) : t->inputs;
    ftl_plan *plan = ftl_plan_make(
        arena, gen->graph, &(ftl_plan_options){.no_fusion = v->no_fusion, .layouts = layouts});
    show(arena, gen, plan);
    ftl_tensor **got = FTL_NEW_ARRAY(arena, ftl_tensor *, gen->graph->outputs.len + 1);
    assert_int_equal(ftl_backend_native.open(&options, &device, &error), FTL_OK);
    if (ftl_backend_native.compile(device, plan, &exec, &error) != FTL_OK)
        fail_trial(t, v, error.message);
    for (int run = 0; run < 2; run++) {
        if (ftl_backend_native.run(exec, inputs, got, &error) != FTL_OK)
            fail_trial(t, v, error.message);
        const char *wrong = graph_gen_compare(arena, gen, got, t->wanted);
        if (wrong)
            fail_trial(t, v, wrong);
    }
    ftl_backend_native.free_exec(exec);
    ftl_backend_native.close(device);
    for (size_t i = 0; i < gen->graph->outputs.len; i++)
        ftl_tensor_release(got[i]);
    for (size_t i = 0; v->is_strided && i < t->n_inputs; i++)
        ftl_tensor_release(inputs[i]);
}

static void check_trial(ftl_arena *arena, void *user)
{
    trial *t = user;
    t->gen = graph_gen_make(arena, &t->options);
    ftl_plan *bare = graph_text_plan(arena, t->gen.graph);
    t->inputs = graph_gen_make_inputs(arena, bare, t->seed);
    t->n_inputs = bare->inputs.len;
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
    const unsigned step = seeds || unit_is_full() ? 1 : 5;
    (void)state;
    if (seeds)
        assert_int_equal(sscanf(seeds, "%llu:%llu", &from, &to), 2);
    for (uint64_t seed = from; seed < to; seed += step) {
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
