/* SPDX-License-Identifier: Apache-2.0
 *
 * plan: a graph enters, an executable plan leaves. Passes rewrite the graph (contraction order,
 * cleaning);
 * ftl_plan_make then fuses values into steps, orders these and gives every value a place.
 * Callers: run, api.
 */
#ifndef FTL_PLAN_PLAN_H
#define FTL_PLAN_PLAN_H

#include "ir/plan.h"

typedef struct ftl_plan_options {
    bool no_fusion; /* every value is a step of its own: for comparison */
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
