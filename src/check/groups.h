/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the groups stage: which tensor needs which, and how a recursive group can run.
 */
#ifndef FTL_CHECK_GROUPS_H
#define FTL_CHECK_GROUPS_H

#include "check/model.h"

/* A reference from an equation to the tensor that it reads. */
typedef struct group_edge {
    uint32_t from, to; /* tensors: head, read */
    uint32_t equation;
    const ftl_expr *read;
    bool is_negative; /* more there may mean less here */
} group_edge;

typedef FTL_VEC(group_edge) group_edges;

typedef struct groups {
    ftl_model *m;
    group_edges edges;       /* in order of the equations */
    uint32_t *first;         /* by tensor: first edge from it in by_head; first[n] is the end */
    uint32_t *by_head;       /* edge numbers sorted by head */
    uint32_t *component;     /* by tensor: 1 + number of its component, 0: not reached yet */
    FTL_VEC(uint32_t) order; /* tensors, components one after the other, needed ones first */
    FTL_VEC(uint32_t) start; /* first place of each component in order */
} groups;

/* The edges of the whole program (groups_edge.c); those through earlier virtual time are left out.
 */
void groups_collect(groups *g);
/* Fills scan axes and order of members of a recursive component; false: it is no scan
 * (groups_scan.c). */
bool groups_find_scan(groups *g, const uint32_t *tensors, uint32_t n, ftl_group *out);

#endif
