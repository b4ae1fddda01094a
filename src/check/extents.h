/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the extents stage. Each dimension of a tensor and each axis of an equation is a
 * variable. Plain indices make variables equal (union-find); slices, windows, blocks, concat and
 * shifts are constraints that wait until what they read is known (extents_rule.c).
 */
#ifndef FTL_CHECK_EXTENTS_H
#define FTL_CHECK_EXTENTS_H

#include "check/model.h"

/* Where an extent comes from, for messages. */
typedef enum extent_from {
    FROM_NOWHERE,
    FROM_TENSOR,  /* shape of a source or input: tensor */
    FROM_AXIS,    /* axis statement: span */
    FROM_OFFSET,  /* the same and the offset of the left side */
    FROM_DOMAIN,  /* closed domain: tensor is its index */
    FROM_LITERAL, /* nested list of tensor: span */
    FROM_FACTS,   /* of tensor */
    FROM_INDEX,   /* a constant index: span */
    FROM_RULE     /* slice, window, concat ...: span */
} extent_from;

typedef struct extent_origin {
    extent_from from;
    uint32_t tensor;
    ftl_span span;
} extent_origin;

/* Of a root. Extents are known (exact >= 0), or at least `least` (relations) and `asked` (constant
 * indices). */
typedef struct extent_var {
    uint32_t up;
    int64_t exact, least, asked;
    extent_origin exact_from, least_from;
    bool is_open;   /* a relation or a constant index tells: may grow */
    bool is_tuples; /* a relation tells */
    bool is_reported;
    uint32_t first, last; /* list of watches, 1 + index */
} extent_var;

typedef enum extent_rule_kind {
    RULE_SLICE,   /* out = slice of var[0] as place tells */
    RULE_BLOCK,   /* out = ceil(var[0] / number) */
    RULE_SUM,     /* out = sum of var */
    RULE_PRODUCT, /* out = product of var */
    RULE_TOPK,    /* out = min(number, var[0]) */
    RULE_WINDOW,  /* place reads dimension var[0] with axes var[1..] of coefficients place->terms */
    RULE_SHIFT    /* out = var[0] + number, when nothing else tells */
} extent_rule_kind;

typedef struct extent_rule {
    extent_rule_kind kind;
    uint32_t equation;
    const ftl_at_place *place;
    uint32_t out;
    uint32_t *var;
    uint32_t n_var;
    int64_t number;
    ftl_span span;
    bool is_done, is_waiting;
    bool is_plain; /* SHIFT: the index is plain but for the shift of the left side */
} extent_rule;

typedef struct extent_watch {
    uint32_t rule, next;
} extent_watch;

typedef struct extents {
    ftl_model *m;
    uint32_t *tensor0; /* first variable of each tensor */
    uint32_t *axis0;   /* first variable of each equation */
    FTL_VEC(extent_var) vars;
    FTL_VEC(extent_rule) rules;
    FTL_VEC(extent_watch) watches;
    FTL_VEC(uint32_t) queue;                  /* rules of which something became known */
    FTL_VEC(uint32_t) windows, plain, shifts; /* rules that can decide when nothing stronger does */
    size_t queue_at, windows_at, plain_at, shifts_at;
    size_t errors_before; /* of earlier stages: what they left unknown is no news */
} extents;

/* ---- variables (extents.c) ---- */
uint32_t extents_find(extents *x, uint32_t var);
int64_t extents_get(extents *x, uint32_t var); /* -1: not known */
/* A place in the program that makes two variables equal, or one known: equation and axis. */
typedef struct extent_site {
    uint32_t equation;
    const char *axis;
} extent_site;
void extents_join(extents *x, uint32_t a, uint32_t b, extent_site site);
void extents_set(extents *x, uint32_t var, int64_t extent, extent_origin from, extent_site site);
void extents_ask(extents *x, uint32_t var, int64_t least, extent_origin from, extent_site site);

/* ---- constraints from equations (extents_collect.c) ---- */
void extents_collect(extents *x);
/* ---- rules (extents_rule.c) ---- */
uint32_t extents_add_rule(extents *x, const extent_rule *rule);
/* Runs what waits in the queue, then windows one by one; the rest when nothing else tells. */
void extents_solve(extents *x);
/* Start, length and step of a slice of n places, as in Python. */
int64_t extents_cut(const ftl_at_place *p, int64_t n, int64_t *start);
/* ---- results and checks (extents_finish.c) ---- */
void extents_check_strays(extents *x);
void extents_finish(extents *x);

#endif
