/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups: values that become one step. Inside of the plan room only.
 *
 * Values are visited users first. A value joins a group that uses it where that saves memory
 * traffic and the group's loops can compute it, else it starts a group. A group's index rises with
 * its creation, so execution runs from the last group to the first: a value that a group with index
 * i reads from memory must be written by a group with a larger index. That rule alone keeps the
 * groups free of cycles.
 */
#ifndef FTL_PLAN_FUSE_H
#define FTL_PLAN_FUSE_H

#include "plan/plan.h"

typedef struct ftl_group {
    uint32_t index;
    ftl_step_kind kind;
    ftl_value *value;    /* OP, LOOP: what it computes */
    ftl_value *contract; /* CONTRACT: the product; the nest, if it has nodes, is its epilogue */
    ftl_nest nest;       /* while growing: uses before operands */
    FTL_VEC(ftl_value *) members; /* users first */
} ftl_group;

/* An operand that a node of a group waits for. */
typedef struct ftl_need ftl_need;
struct ftl_need {
    ftl_need *next;
    ftl_group *group;
    uint32_t node, slot;
    const uint8_t *axis; /* nest axis for each axis of the value */
};

/* What is known of a value once all of its users were visited. */
typedef struct ftl_use {
    ftl_need *needs;
    int64_t before;    /* groups that read its place: largest index; -1: none */
    bool is_hard;      /* it needs a place */
    bool is_dense;     /* its place must be row-major */
    bool is_generated; /* made of constants and counters by cheap operations */
} ftl_use;

typedef struct ftl_fuser {
    ftl_arena *arena;
    ftl_graph *graph;
    bool no_fusion;
    ftl_use *uses; /* by value id */
    FTL_VEC(ftl_group *) groups;
} ftl_fuser;

/* Cuts the graph into groups. */
void ftl_fuse_graph(ftl_fuser *f);

/* ---- join.c: can the loops of a group compute a value, and how ---- */

/* Adds v to g, over the nest axes `axis`, when that is possible and pays: fills the operand slots
 * of all the needs of v in g with these axes, and asks for the operands of v. */
bool ftl_fuse_join(ftl_fuser *f, ftl_group *g, ftl_value *v, const uint8_t *axis);
/* Makes a NEST group out of v alone. */
void ftl_fuse_start_nest(ftl_fuser *f, ftl_group *g, ftl_value *v);
/* A new node of g, not a root. axis is copied. */
uint32_t ftl_fuse_add_node(const ftl_fuser *f, ftl_group *g, ftl_value *v, const uint8_t *axis);
/* Points the needs of v in g over these axes to a node, and forgets them. */
void ftl_fuse_fill_needs(ftl_fuser *f, const ftl_group *g, const ftl_value *v, uint32_t node);

/* Notes that groups up to `index` read v's place. */
void ftl_fuse_require(ftl_fuser *f, const ftl_value *v, int64_t index, bool is_dense);
bool ftl_fuse_is_same_axes(const ftl_value *v, const uint8_t *a, const uint8_t *b);

#endif
