/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan: a graph after all passes, cut into steps, with a place for every value. Made by the
 * plan room, executed by a backend. Backends that fuse and place by themselves (xla) read the graph
 * alone.
 *
 * A value that some step writes to memory is materialised; it has a place. A VIEW that is proven
 * in range, and a RESHAPE, are never copied for a step that reads them: they are the operand's
 * bytes under other strides (ALIAS). All other values live inside of a step.
 */
#ifndef FTL_IR_PLAN_H
#define FTL_IR_PLAN_H

#include "ir/graph.h"

typedef struct ftl_plan ftl_plan;

enum { FTL_NEST_NONE = 255, FTL_NEST_MAX_AXES = 64, FTL_NEST_MAX_NODES = 96 };

/* One value inside of a nest, over some of the nest's axes. `axis` gives for each axis of the value
 * the nest axis that runs along it, or FTL_NEST_NONE: always at place 0 (extent 1). What `in` holds
 * depends on the value:
 *   is_read          nothing: the value is read from its place; as a root too in the epilogue of a
 *                    16-bit product, which is rounded to its place
 *   MAP, CAST        nodes of the operands, all over the same nest axes
 *   IOTA, splat CONST, nothing
 *   VIEW             (not in range) nothing: operand 0 is read from its place, outside is fill;
 *                    (root, a copy) the node of the operand
 *   READ_AT          nothing: all operands are read from their places
 *   GATHER           in[k - 1] is the node of index operand k; operand 0 is read from its place
 *   REDUCE, ARGMAX   the node of the operand, which runs along reduced axes too
 *   CONTRACT         nodes of the operands; products are summed over the reduced axes */
typedef struct ftl_nest_node {
    const ftl_value *value;
    uint8_t *axis;
    uint32_t *in;
    uint32_t n_in;
    bool is_read;
    bool is_root;             /* written to its place */
} ftl_nest_node;

/* A fused loop nest. Axes that are not reduced are parallel: every root runs along all of these
 * that are longer than 1. Reductions run over all reduced axes together. */
typedef struct ftl_nest {
    uint32_t n_axes;
    int64_t extent[FTL_NEST_MAX_AXES];
    uint64_t reduced;         /* bit a: axis a is reduced by some node; its extent is not 1 */
    FTL_VEC(ftl_nest_node) nodes; /* operands before uses */
} ftl_nest;

typedef enum ftl_step_kind {
    FTL_STEP_CONTRACT, /* one binary CONTRACT; nest (or null) is its epilogue */
    FTL_STEP_NEST,     /* VIEW, MAP, REDUCE, GATHER, IOTA, CAST values fused into one loop nest */
    FTL_STEP_OP,       /* any other single value: concat, topk, write_at, ... */
    FTL_STEP_LOOP      /* a loop with its own plan */
} ftl_step_kind;

typedef enum ftl_place_kind {
    FTL_PLACE_NONE,   /* lives inside a step only */
    FTL_PLACE_INPUT,  /* bound by the caller: slot = index in plan->inputs */
    FTL_PLACE_CONST,  /* the value's own data */
    FTL_PLACE_ARENA,  /* offset in the run arena */
    FTL_PLACE_OUTPUT, /* in the caller's output: slot = index in graph->outputs */
    FTL_PLACE_ALIAS,  /* the bytes of another value: of, from byte offset on, by strides */
    FTL_PLACE_PARAM   /* loop body: bound by the loop: slot = index of the param */
} ftl_place_kind;

typedef struct ftl_place {
    ftl_place_kind kind;
    uint32_t slot;
    size_t offset;          /* bytes; 64-byte aligned in the arena */
    int64_t shift;          /* ALIAS: bytes from the start of `of`; may be negative */
    size_t size;            /* bytes; an ALIAS has none of its own */
    const ftl_value *of;    /* ALIAS */
    const int64_t *strides; /* bytes, one for each axis; null: row-major */
} ftl_place;

/* What a LOOP step needs beside its body's plan. carry[k] holds carried value k between rounds: the
 * loop's RESULT k has the same place. next[k] is where the body writes it: the same place as
 * carry[k] when the body updates it in place, else the two change roles after each round.
 * carry[n_carried] is the count of rounds. A body may overwrite its carried params, never the
 * captured ones. */
typedef struct ftl_loop_places {
    ftl_place *carry, *next;
    size_t body_offset;     /* of the body's arena in this plan's */
} ftl_loop_places;

typedef struct ftl_step {
    ftl_step_kind kind;
    FTL_VEC(ftl_value *) members; /* in order; a member used outside of the step has a place */
    FTL_VEC(ftl_value *) roots;   /* members that are materialised */
    ftl_value *contract;          /* CONTRACT: the product */
    ftl_place sums;               /* CONTRACT: where its sums go, in f64 for f64, else f32. An ALIAS
                                   * of the product itself, or of a root of the nest, or bytes of
                                   * the arena for this step */
    ftl_nest *nest;               /* NEST; CONTRACT with an epilogue, which reads the product from
                                   * sums: on finished blocks, or after all */
    ftl_plan *body;               /* LOOP */
    ftl_loop_places loop;         /* LOOP */
    double flops, bytes;          /* estimates: arithmetic, memory traffic */
} ftl_step;

struct ftl_plan {
    ftl_graph *graph;
    FTL_VEC(ftl_step) steps;         /* in order of execution */
    FTL_VEC(ftl_value *) inputs;
    const int64_t *const *layouts;   /* by input: its strides (bytes), null: any; or null */
    ftl_place *places;               /* by value id; an input with strides is bound with these */
    size_t arena_size;               /* bytes of the run arena, bodies included */
    size_t live_peak;                /* bytes: the largest sum of live values, without losses */
};

/* True for a REDUCE, ARGMAX or CONTRACT that reduces over some axis of extent other than 1. */
bool ftl_value_is_sum(const ftl_value *v);
/* The same for what a node computes. */
bool ftl_nest_node_is_sum(const ftl_nest_node *n);

#endif
