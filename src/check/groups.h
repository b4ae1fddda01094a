/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the groups stage: references between the tensors of the program, and the work on one
 * strongly connected component.
 */
#ifndef FTL_CHECK_GROUPS_H
#define FTL_CHECK_GROUPS_H

#include "check/model.h"

#define GROUPS_NONE UINT32_MAX

/* A reference of an equation to a tensor of this run (virtual time: the step that this run
 * computes). */
typedef struct groups_read {
    uint32_t equation;
    uint32_t head, tensor;
    const ftl_expr *expr;
    uint32_t order; /* of appearance */
    bool negative;  /* more of the tensor may mean less of the head */
} groups_read;

typedef struct groups_edges { /* reads by head: list[first[t]] to list[first[t + 1]] */
    groups_read *list;
    uint32_t *first;
    size_t len;
} groups_edges;

/* A strongly connected component with a cycle. Members are numbered from 0. */
typedef struct groups_part {
    ftl_model *m;
    const uint32_t *tensors;
    uint32_t n;
    uint32_t *member;   /* by tensor: its number, or GROUPS_NONE; shared by all components */
    groups_read *reads; /* between members, in the order of the equations */
    size_t n_reads;
} groups_part;

/* ---- references (groups_read.c) ---- */
void groups_collect(ftl_model *m, groups_edges *out);
/* The written index of a dimension of a tensor. */
const ftl_at_place *groups_find_place(const ftl_tensor_decl *t, const ftl_at_place *places,
                                      uint32_t dim);

/* ---- components (groups.c) ----
 * Strongly connected components of n nodes, dependencies first: order lists the nodes, starts where
 * each component begins (n_parts + 1 entries). next[first[v]] .. next[first[v + 1] - 1] are what v
 * depends on. */
typedef struct groups_graph {
    uint32_t n;
    const uint32_t *first, *next;
} groups_graph;
typedef struct groups_order {
    uint32_t *order, *starts;
    uint32_t n_parts;
} groups_order;
void groups_find_parts(ftl_arena *arena, const groups_graph *graph, groups_order *out);

/* A number, however it is written: -1 is the negation of 1 (groups_read.c). */
bool groups_find_constant(const ftl_expr *e, double *out);

/* ---- where an equation counts (groups_range.c) ----
 * Places from low to high along a left axis. */
typedef struct groups_range {
    int64_t low, high;
} groups_range;
bool groups_has_part(const ftl_expr *e, const ftl_expr *part);
/* The places of `axis` at which the equation uses the reference, as far as its left side, guard,
 * choices and comparisons tell. */
groups_range groups_find_range(const ftl_equation *eq, const ftl_expr *read, uint32_t axis);

/* ---- scans (groups_scan.c): true when the component runs along one axis, or two ---- */

/* Why a component is no scan: the reference and what is wrong with it; the more telling ones are
 * the larger ones. */
typedef enum groups_fault {
    GROUPS_FAULT_NONE,
    GROUPS_FAULT_AXIS,     /* the reference does not follow the axis */
    GROUPS_FAULT_SAME,     /* it stays at the same place */
    GROUPS_FAULT_ALONG,    /* its equation needs all places of the axis at once */
    GROUPS_FAULT_BOTH,     /* it looks ahead while others look back */
    GROUPS_FAULT_CONSTANT, /* it reads one place, which is not before all that the equation gives */
} groups_fault;
typedef struct groups_why {
    groups_fault fault;
    const groups_read *read;
    uint32_t axis; /* of the read's equation */
    groups_range range;
} groups_why;
bool groups_find_scan(const groups_part *part, ftl_group *group, groups_why *why);

#endif
