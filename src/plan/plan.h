/* SPDX-License-Identifier: Apache-2.0
 *
 * plan: a graph enters, an executable plan leaves. Passes (pass.def) rewrite the graph for every
 * backend alike; ftl_plan_make then fuses values into steps, orders these and gives every value a
 * place. Callers: run, api.
 */
#ifndef FTL_PLAN_PLAN_H
#define FTL_PLAN_PLAN_H

#include "ir/plan.h"

/* How an n-ary contraction is cut into pairs: by dynamic programming to 16 operands, then greedily
 * with restarts and improvement (auto); greedily once; by exhaustive dynamic programming to 16
 * operands, then as auto (optimal). */
typedef enum ftl_einsum_planner {
    FTL_EINSUM_AUTO, FTL_EINSUM_GREEDY, FTL_EINSUM_OPTIMAL
} ftl_einsum_planner;

typedef struct ftl_pass_options {
    ftl_einsum_planner planner;
    const char *stop_after; /* name of the last pass to be run; null: all */
} ftl_pass_options;

/* Runs the passes of pass.def on a graph, in order, bodies of loops included. The graph is changed
 * in place: values of it may go, change their operands and their ids, and only its outputs, their
 * names and order stay. options may be null. With FTL_VERIFY the graph is verified after every
 * pass. FTL_ERR_USAGE when stop_after names no pass; else FTL_OK. */
ftl_status ftl_plan_run_passes(ftl_graph *g, const ftl_pass_options *options);
/* One pass by name; FTL_ERR_USAGE when there is none. */
ftl_status ftl_plan_run_pass(ftl_graph *g, const char *name, const ftl_pass_options *options);
/* Name and documentation of pass i of the list, null past the end. */
const char *ftl_pass_get_name(size_t i);
const char *ftl_pass_get_doc(size_t i);

typedef struct ftl_plan_options {
    bool no_fusion; /* every value is a step of its own: for comparison */
    /* By INPUT of the graph: strides (bytes) of the tensor that will be bound to it, aligned to its
     * elements, or null where it is row-major or not known. Such an input is read where it lies,
     * unless a step needs it row-major: its place tells. Null: none is known. */
    const int64_t *const *layouts;
} ftl_plan_options;

/* The plan of a graph, bodies of loops included. It borrows graph; all is in arena. options may
 * be null. */
ftl_plan *ftl_plan_make(ftl_arena *arena, ftl_graph *graph, const ftl_plan_options *options);

/* Steps, nests and places as text. */
void ftl_plan_dump(const ftl_plan *plan, ftl_strbuf *out);

/* ---- inside of the room ---- */

/* Estimates for one element of the result of v: arithmetic operations, those of elementary
 * functions weighted. */
double ftl_cost_get_flops(const ftl_value *v);
/* True when computing v again costs less than reading it back. */
bool ftl_cost_is_cheap(const ftl_value *v);
/* True when a contract of this form is worth a matrix product of its own. */
bool ftl_cost_is_matmul(const ftl_value *v);
void ftl_cost_set_step(const ftl_plan *plan, ftl_step *step);

/* A VIEW each of whose operand axes is one axis of the result, or of extent 1 at place 0: no
 * element is computed, shifted or repeated along an axis. axis[k]: result axis of operand axis k
 * or FTL_NEST_NONE. */
bool ftl_view_get_axes(const ftl_value *v, uint8_t axis[FTL_MAX_RANK]);

#endif
