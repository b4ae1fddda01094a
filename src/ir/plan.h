/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan: a graph after all passes, cut into steps, with a place for every value. Made by the
 * plan room, executed by a backend. Backends that fuse and place by themselves (xla) read the graph
 * alone.
 */
#ifndef FTL_IR_PLAN_H
#define FTL_IR_PLAN_H

#include "ir/graph.h"

typedef struct ftl_plan ftl_plan;

typedef enum ftl_step_kind {
    FTL_STEP_CONTRACT, /* one binary CONTRACT, with an optional fused epilogue (MAP values) */
    FTL_STEP_NEST,     /* VIEW, MAP, REDUCE, GATHER, IOTA, CAST values fused into one loop nest */
    FTL_STEP_OP,       /* any other single value: concat, reshape copy, topk, ... */
    FTL_STEP_LOOP      /* a loop with its own plan */
} ftl_step_kind;

typedef struct ftl_step {
    ftl_step_kind kind;
    FTL_VEC(ftl_value *) members; /* in order; a member used outside of the step has a place */
    FTL_VEC(ftl_value *) roots;   /* members that are materialised */
    ftl_plan *body;               /* LOOP */
    double flops, bytes;          /* estimates: arithmetic, memory traffic */
} ftl_step;

typedef enum ftl_place_kind {
    FTL_PLACE_NONE,   /* lives inside a step only */
    FTL_PLACE_INPUT,  /* bound by the caller: slot = index in plan->inputs */
    FTL_PLACE_CONST,  /* the value's own data */
    FTL_PLACE_ARENA,  /* offset in the run arena */
    FTL_PLACE_ALIAS,  /* the bytes of value `of` (reshape, in-place write_at, loop carry) */
    FTL_PLACE_PARAM   /* loop body: bound by the loop */
} ftl_place_kind;

typedef struct ftl_place {
    ftl_place_kind kind;
    uint32_t slot;
    size_t offset;        /* bytes, 64-byte aligned */
    size_t size;
    const ftl_value *of;  /* ALIAS */
} ftl_place;

struct ftl_plan {
    ftl_graph *graph;
    FTL_VEC(ftl_step) steps;         /* in order of execution */
    FTL_VEC(ftl_value *) inputs;
    ftl_place *places;               /* by value id */
    size_t arena_size;               /* bytes of the run arena, bodies included */
    size_t live_peak;                /* bytes: the largest sum of live values, without losses */
};

#endif
