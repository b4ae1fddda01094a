/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the axes stage. Every equation goes text tree -> raw terms (axes_raw.c: what is used
 * where) -> explicit expression (axes_project.c: where each axis is summed; language.md section 3,
 * rule 3).
 */
#ifndef FTL_CHECK_AXES_H
#define FTL_CHECK_AXES_H

#include "check/model.h"

/* A set of axis ids, rising, on the arena. */
typedef struct axis_set {
    uint32_t *a;
    uint32_t n;
} axis_set;

typedef enum raw_kind {
    RAW_LEAF, /* leaf */
    RAW_SUM,  /* args with negative[] */
    RAW_PROD, /* args with inverse[]: quotients are products with inverse factors */
    RAW_OP,   /* op on args: acts before the projection */
    RAW_FUNC, /* builtin of one argument (args[0]; args[1] of sig: T) */
    RAW_CALL, /* builtin whose operands keep their axes */
    RAW_FOLD  /* reduce(op, axes) args[0] */
} raw_kind;

typedef struct raw raw;
struct raw {
    raw_kind kind;
    ftl_span span, name_span;
    ftl_expr *leaf;
    ftl_opcode op;
    ftl_builtin builtin;
    ftl_call *call; /* RAW_CALL and RAW_FUNC */
    raw **args;
    uint32_t n_args;
    bool *negative;     /* RAW_SUM: subtracted; RAW_PROD: inverse factor */
    bool grouped_power; /* RAW_OP POW with a constant exponent: counts as a join for warnings */
    raw *mask, *scale, *temperature, *position;
    ftl_projection fold; /* RAW_FOLD */
    axis_set own;        /* RAW_FOLD: named axes; RAW_CALL: axes that stay inside */
    axis_set free;       /* axes that can be seen from outside */
    uint32_t *order;     /* axes of args in order of first appearance (RAW_CALL: of args[0]) */
    uint32_t n_order;
};

typedef struct axis_alias {
    const char *name;
    uint32_t axis;
} axis_alias;

typedef struct axes_ctx {
    ftl_model *m;
    ftl_equation *eq;
    const ftl_node *top; /* the right side, for functions whose axes go by position */
    axis_set left;       /* axes of the left side; blocks count with the axis inside */
    axis_set blocked;    /* axes x of left indices x/2 */
    FTL_VEC(axis_alias)
    aliases; /* innermost last: names that mean another axis inside an argument */
    bool failed;
} axes_ctx;

/* Sets (axes.c). */
axis_set axis_set_one(ftl_arena *arena, uint32_t axis);
axis_set axis_set_union(ftl_arena *arena, axis_set a, axis_set b);
axis_set axis_set_minus(ftl_arena *arena, axis_set a, axis_set b);
bool axis_set_has(axis_set s, uint32_t axis);

/* Axis of a name, made when new (axes.c). */
uint32_t axes_get(axes_ctx *c, const char *name, ftl_span span);
uint32_t axes_make(axes_ctx *c, const char *name, ftl_span span);
/* Left axes in the order of their places; a block counts as its result axis. */
uint32_t axes_list_left(axes_ctx *c, uint32_t *out);
int64_t axes_get_shift(const axes_ctx *c, uint32_t axis);

/* Name of the axis of a slice: its own, else its text (same text, same axis). */
const char *axes_name_slice(axes_ctx *c, const ftl_index *ix);

/* Value of a constant expression (numbers, signs, arithmetic); false: not constant. */
bool axes_eval_number(const ftl_node *n, double *out);

/* Text tree -> raw terms; null after an error (axes_raw.c). */
raw *axes_make_raw(axes_ctx *c, ftl_node *n);
raw *axes_make_leaf(axes_ctx *c, ftl_expr *leaf, ftl_span span);
/* Nested list -> literal over `order` (outermost first); null after an error (axes_raw.c). */
ftl_expr *axes_make_literal(axes_ctx *c, ftl_node *list, const uint32_t *order, uint32_t rank);
/* Operator on arguments; case arms (axes_raw.c). */
raw *axes_make_op(axes_ctx *c, ftl_node *n, ftl_opcode op, ftl_node *const *args, uint32_t n_args);
raw *axes_make_case(axes_ctx *c, ftl_node *n);
raw *axes_make_node(axes_ctx *c, raw_kind kind, const ftl_node *n);
/* First appearances of a's and b's axes, in that order. */
void axes_join_order(ftl_arena *arena, raw *r, const raw *part);
/* Calls with rules of their own (axes_call.c). */
raw *axes_make_call(axes_ctx *c, ftl_node *n);

/* The right side with its projection (axes_project.c). */
ftl_expr *axes_project(axes_ctx *c, raw *rhs, raw *guard);
/* Warnings: the axes are summed inside of the function func, or outside of the call r
 * (axes_doubt.c). */
void axes_warn_sum_first(axes_ctx *c, const raw *func, axis_set over);
void axes_warn_sum_after(axes_ctx *c, const raw *r, axis_set over);

#endif
