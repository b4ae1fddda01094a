/* SPDX-License-Identifier: Apache-2.0
 *
 * Random graphs over all core operations, for tests that compare: text with what it reads back as,
 * a pass with no pass, a backend with the oracle. A seed and a number of operations name a graph
 * for ever on one version of this file.
 *
 * Graphs are tame: values stay small, no nan arises, whole numbers may wrap, and what jumps
 * (comparisons, floor, casts to whole numbers, indices, argmax, topk) is applied to values that are
 * exact in every precision, so that two right backends agree within the tolerance. The tolerance of
 * an output is a bound on the rounding errors of its dtypes, to first order.
 *
 *     graph_gen_options options = {.seed = 7, .operations = 40};
 *     graph_gen gen = graph_gen_make(arena, &options);
 *     ftl_plan *plan = graph_text_plan(arena, gen.graph);
 *     ftl_tensor **inputs = graph_gen_make_inputs(arena, plan, 7);
 *     graph_text_run(arena, &ftl_backend_oracle, plan, inputs, &wanted);
 *     ...
 *     const char *wrong = graph_gen_compare(arena, &gen, got.outputs, wanted.outputs);
 *     graph_gen_free_inputs(plan, inputs);
 */
#ifndef FTL_TESTS_GRAPH_GEN_H
#define FTL_TESTS_GRAPH_GEN_H

#include "graph_text.h"

typedef struct graph_gen_options {
    uint64_t seed;
    uint32_t operations;  /* about as many values; bodies of loops have a third of it each */
    int64_t largest;      /* extents go up to this; 0: 7 */
    bool no_loops, no_half, no_eigvec;
    bool f32_only;        /* floats are f32: no f64, f16, bf16 */
} graph_gen_options;

typedef struct graph_gen {
    ftl_graph *graph;         /* verified; outputs are named y0, y7 ... by value */
    const double *tolerance;  /* absolute, one for each output */
} graph_gen;

/* Call it under a guard of the arena. */
graph_gen graph_gen_make(ftl_arena *arena, const graph_gen_options *options);
/* One tensor per plan->inputs: multiples of 1/4 in [-4, 4], whole numbers in [-4, 4] or [0, 8],
 * bools. */
ftl_tensor **graph_gen_make_inputs(ftl_arena *arena, const ftl_plan *plan, uint64_t seed);
void graph_gen_free_inputs(const ftl_plan *plan, ftl_tensor **inputs);
/* Null when all outputs agree within the tolerance, else which element differs. */
const char *graph_gen_compare(ftl_arena *arena, const graph_gen *gen, ftl_tensor *const *got,
                              ftl_tensor *const *wanted);

#endif
