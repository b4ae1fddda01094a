/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of lower: values with named axes, and the levels of loop bodies that are being built.
 */
#ifndef FTL_LOWER_CONTEXT_H
#define FTL_LOWER_CONTEXT_H

#include "base/dtype.h"
#include "lower/lower.h"

/* A value whose dimension k is axis axes[k] of the equation, made at a level of loop nesting. */
typedef struct term {
    ftl_value *v;
    uint32_t depth;
    uint32_t axes[FTL_MAX_RANK];
} term;

/* A graph under construction: level 0 is the program, the others are bodies of loops inside it. */
typedef struct level {
    ftl_graph *g;
    ftl_value *round; /* bodies: the loop counter */
    uint32_t n_carried;
    ftl_map params;                /* value of the level outside -> param here */
    FTL_VEC(ftl_value *) captures; /* values of the level outside, in order of their params */
} level;

#define LOWER_MAX_DEPTH 3

typedef struct lower_rules lower_rules;

typedef struct lower_ctx {
    ftl_arena *arena;
    ftl_model *m;
    ftl_lower_options options;
    level levels[LOWER_MAX_DEPTH];
    uint32_t depth;     /* level that values are made at */
    ftl_value **tensor; /* level 0: value of each tensor, in the order of its places */
    ftl_value **tuples; /* level 0: the same as tuples; of a tensor one or both are there */
    lower_rules *open;  /* the rule program that is being made, or null */
    const ftl_equation *eq;
    uint32_t equation; /* its number in the graph's list of origins */
    /* inside a recursive group */
    const ftl_group *group;
    uint32_t *member;      /* by tensor: 1 + index in the group, 0 outside of it */
    ftl_value **carried;   /* by member, at the current level: the whole tensor so far */
    term *fresh;           /* by member: this step's slice once computed (v null before) */
    uint32_t fixed[2];     /* SCAN: axes of the equation that the loops fix; UINT32_MAX: none */
    ftl_value *counter[2]; /* their values at the current level */
    ftl_map is_recursive;  /* expression -> 1 + refers to the group */
    ftl_map hoisted;       /* expression -> term made at level 0 */
    jmp_buf fail;
} lower_ctx;

static inline ftl_graph *lower_graph(lower_ctx *c)
{
    return c->levels[c->depth].g;
}

/* Reports an error at a place and gives up lowering. */
FTL_NORETURN void lower_fail(lower_ctx *c, ftl_diag_code code, ftl_span span, const char *fmt, ...)
    FTL_PRINTF(4, 5);

/* ---- term.c: values with axes ---- */
int64_t lower_extent(const lower_ctx *c, uint32_t axis);
/* An axis of the equation that no reference names, for values on the way. */
uint32_t lower_make_axis(lower_ctx *c, int64_t extent);
term lower_number(lower_ctx *c, double x);
/* Makes a value of an outer level usable at the current one. */
term lower_bring(lower_ctx *c, term t);
ftl_value *lower_bring_value(lower_ctx *c, ftl_value *v, uint32_t depth);
bool lower_has_axis(const term *t, uint32_t axis);
uint32_t lower_find_axis(const term *t, uint32_t axis); /* UINT32_MAX: not there */
/* The same elements over these axes in this order; missing ones are broadcast. */
term lower_align(lower_ctx *c, term t, const uint32_t *axes, uint32_t n);
/* Numbers in the compute dtype; truths as bool (not 0). */
term lower_as_number(lower_ctx *c, term t);
term lower_as_truth(lower_ctx *c, term t);
/* Element by element, broadcast by axis. */
term lower_map1(lower_ctx *c, ftl_opcode op, term a);
term lower_map2(lower_ctx *c, ftl_opcode op, term a, term b);
term lower_select(lower_ctx *c, term cond, term a, term b);
term lower_reduce(lower_ctx *c, ftl_reduce kind, term a, const uint32_t *over, uint32_t n);
/* log(sum(exp)) over axes, stable. */
term lower_lse(lower_ctx *c, term a, const uint32_t *over, uint32_t n);
/* Sum over all axes that are not in out of the product of n terms. */
term lower_contract(lower_ctx *c, uint32_t n, const term *parts, const uint32_t *out,
                    uint32_t n_out);
/* t with `axis` renamed. */
term lower_rename(term t, uint32_t from, uint32_t to);
/* 0, 1, ... along an axis as numbers. */
term lower_iota(lower_ctx *c, uint32_t axis);

/* ---- rules.c: groups as rules ---- */
/* Takes a group into the open rule program; false when it is to be lowered densely. */
bool lower_try_rules(lower_ctx *c, const ftl_group *g);
void lower_close_rules(lower_ctx *c);
/* Makes tensor[] of a tensor that is tuples so far, or has not been looked at. */
void lower_need_dense(lower_ctx *c, uint32_t tensor);
/* The same for all that a group reads and is not its own. */
void lower_need_reads(lower_ctx *c, const ftl_group *g);
/* A relation that comes as tuples: made when it is known how it is read. */
bool lower_is_late(const ftl_tensor_decl *t);

/* ---- limit.c: these report what has too many elements and give up ---- */
void lower_check_size(lower_ctx *c, const ftl_tensor_decl *t);
void lower_check_values(lower_ctx *c, const ftl_graph *g);

/* ---- expr.c, product.c, read.c ---- */
term lower_expr(lower_ctx *c, const ftl_expr *e);
term lower_reduction(lower_ctx *c, const ftl_expr *e);
term lower_read(lower_ctx *c, const ftl_expr *e);
/* tensor value v (places in order) read at e's places, skipping places whose bit is set in `skip`.
 */
term lower_read_value(lower_ctx *c, ftl_value *v, const ftl_expr *e, uint64_t skip);
bool lower_is_recursive(lower_ctx *c, const ftl_expr *e);

/* ---- whole.c ---- */
/* The value is a whole number that 64 bits hold exactly. */
bool lower_is_whole(const lower_ctx *c, const ftl_expr *e);
/* And the compute dtype may not. */
bool lower_is_beyond_float(const lower_ctx *c, const ftl_expr *e);
/* As i64; only when lower_is_whole. */
term lower_whole(lower_ctx *c, const ftl_expr *e);
/* The value of an index in the compute dtype; refused where that is not exact. */
term lower_index(lower_ctx *c, const ftl_expr *e);

/* ---- builtin*.c ---- */
term lower_call(lower_ctx *c, const ftl_expr *e);
term lower_softmax(lower_ctx *c, term x, uint32_t axis);
term lower_masked_softmax(lower_ctx *c, term x, term mask, uint32_t axis);
term lower_attention(lower_ctx *c, const ftl_expr *e);
term lower_rope(lower_ctx *c, const ftl_expr *e);
term lower_tucker(lower_ctx *c, const ftl_expr *e);

/* ---- head.c: what equations give to their tensor ---- */
/* The element of a projection that changes nothing, as a splat of the tensor's dtype. */
double lower_neutral(const ftl_equation *eq);
/* What a reference inside of a recursion reads outside of the tensor. */
double lower_outside(const lower_ctx *c, const ftl_tensor_decl *t);
/* offset + place dim of the result */
ftl_affine lower_one_term(lower_ctx *c, uint32_t dim, int64_t offset);
ftl_value *lower_splat(lower_ctx *c, const ftl_tensor_decl *t, double x);
/* The equation's value over the whole tensor (neutral where its constants on the left do not
 * reach). `skip`: places that the loops fix: they are absent. */
ftl_value *lower_contribution(lower_ctx *c, const ftl_equation *eq, uint64_t skip);
ftl_value *lower_combine(lower_ctx *c, const ftl_equation *eq, ftl_value *a, ftl_value *b);
/* Into the dtype that the tensor is kept in. */
ftl_value *lower_store(lower_ctx *c, const ftl_tensor_decl *t, ftl_value *v);
ftl_dtype lower_dtype(const lower_ctx *c, const ftl_tensor_decl *t);
void lower_enter(lower_ctx *c, uint32_t equation);
ftl_value *lower_facts(lower_ctx *c, const ftl_tensor_decl *t);

/* ---- group.c, scan.c, fixpoint.c ---- */
void lower_single(lower_ctx *c, uint32_t tensor);
void lower_scan(lower_ctx *c, const ftl_group *g);
void lower_fixpoint(lower_ctx *c, const ftl_group *g);
/* Starts and ends a body; end gives the loop node made at the level outside. */
void lower_push_level(lower_ctx *c, uint32_t n_carried);
ftl_value *lower_pop_level(lower_ctx *c, ftl_value *const *start, const ftl_loop *loop);

#endif
