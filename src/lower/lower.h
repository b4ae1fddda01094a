/* SPDX-License-Identifier: Apache-2.0
 *
 * lower: model -> graph of core operations. Enters: a checked model whose extents are all known.
 * Leaves: a graph whose inputs are the tensors that come from outside (named as in the program,
 * dtype and shape as stored, tuples as dense tensors) and whose outputs are exports ("Name"), sinks
 * ("sink#0", with "sink#0.values" for topk) and queries ("query#0"). Called by run. Builtins get
 * their meaning here, once, for every backend.
 */
#ifndef FTL_LOWER_H
#define FTL_LOWER_H

#include "check/model.h"

typedef enum ftl_schedule_kind {
    FTL_SCHEDULE_CONSTANT, /* start */
    FTL_SCHEDULE_LINEAR,   /* from start at round 0 to end at round `steps`, then end */
    FTL_SCHEDULE_PIECEWISE /* value of the last point at or before the round */
} ftl_schedule_kind;

/* Temperature of sig in the equations of one tensor, or of all ("*"). */
typedef struct ftl_temperature {
    const char *name;
    ftl_schedule_kind kind;
    double start, end;
    int64_t steps;
    const int64_t *at; /* PIECEWISE: rising rounds */
    const double *value;
    size_t n_points;
} ftl_temperature;

typedef struct ftl_lower_options {
    ftl_dtype compute; /* F32 or F64: what is computed in */
    ftl_dtype storage; /* F16 or BF16 for the half precisions, else as compute: what tensors are
                          kept in */
    const ftl_temperature *temperatures;
    size_t n_temperatures;
    bool settle;         /* fixpoint mode: schedules have come to their end */
    int64_t max_iters;   /* numeric fixpoints; -1: 1000 */
    double tol;          /* numeric fixpoints: largest change that counts as none */
    int64_t dense_limit; /* elements that a relation may have as a dense tensor; 0: 2^31 */
} ftl_lower_options;

/* Null after an error (in m->diags). Memory goes through arena, which must outlive the graph. */
ftl_graph *ftl_lower_model(ftl_arena *arena, ftl_model *m, const ftl_lower_options *options);

#endif
