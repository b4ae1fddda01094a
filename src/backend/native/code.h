/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing instructions: shared by code.c (control, memory) and code_map.c (arithmetic, reductions).
 */
#ifndef FTL_NATIVE_CODE_H
#define FTL_NATIVE_CODE_H

#include "backend/native/nest.h"

enum { FTL_CODE_MAX_IN = 64 };

typedef struct ftl_code_operands {
    uint32_t n;            /* operands in use */
    uint16_t dst, a, b, c;
} ftl_code_operands;

uint16_t ftl_code_add_register(ftl_nest_builder *b, uint8_t shape, ftl_vm_type type);
/* element: one of dtype. */
uint16_t ftl_code_add_const(ftl_nest_builder *b, ftl_vm_type type, ftl_dtype dtype,
                            const void *element);
const ftl_pointer *ftl_code_get(const ftl_nest_builder *b, uint16_t pointer);
/* Sizes and moves are set from the pointers; the caller sets kernels. */
ftl_instr *ftl_code_add(ftl_nest_builder *b, ftl_code *code, ftl_instr_fn *run,
                        const ftl_code_operands *o);
uint16_t ftl_code_expand(ftl_nest_builder *b, ftl_code *code, uint16_t a, uint8_t shape);
/* Keeps the low bits of a whole dtype narrower than its compute type. */
void ftl_code_wrap(ftl_nest_builder *b, ftl_code *code, uint16_t a, ftl_dtype dtype);

/* The pointer that holds a node's value, written to code first if there is none yet. */
uint16_t ftl_code_want(ftl_nest_builder *b, ftl_code *code, uint32_t node, uint32_t pass);
/* The pointers of all operands of a node. Wanting one may move another, a root, to its place: they
 * are looked up when all are there. */
void ftl_code_want_all(ftl_nest_builder *b, ftl_code *code, uint32_t node, uint32_t pass,
                       uint16_t *in);
/* A MAP, a product, a copy, a reduction over extent 1, of operands that are there. */
uint16_t ftl_code_map(ftl_nest_builder *b, ftl_code *code, uint32_t node, const uint16_t *in);
/* A node that is one kernel of x, or twice that. */
typedef struct ftl_code_idiom {
    uint32_t x;
    ftl_map1 map;
    bool is_double;
} ftl_code_idiom;
/* Sums over columns that one kernel computes, with shift the same for the whole row. */
typedef enum ftl_code_sum_kind {
    FTL_CODE_SUM_NONE,
    FTL_CODE_SUM_EXP,        /* exp(a - shift), which lasts */
    FTL_CODE_SUM_DEVIATION,  /* (a - shift)^2 */
    FTL_CODE_SUM_DOT         /* a * other */
} ftl_code_sum_kind;
typedef struct ftl_code_sum {
    ftl_code_sum_kind kind;
    uint32_t exp, a, shift, other;
} ftl_code_sum;
ftl_code_sum ftl_code_find_sum(const ftl_nest_builder *b, uint32_t node);
/* node = a * b + c, the product wanted by nobody else. */
typedef struct ftl_code_fma {
    uint32_t a, b, c;
} ftl_code_fma;
bool ftl_code_find_fma(const ftl_nest_builder *b, uint32_t node, ftl_code_fma *out);
uint16_t ftl_code_map_fma(ftl_nest_builder *b, ftl_code *code, const uint16_t in[3]);
bool ftl_code_find_idiom(const ftl_nest_builder *b, uint32_t node, ftl_code_idiom *out);
uint16_t ftl_code_map_idiom(ftl_nest_builder *b, ftl_code *code, const ftl_code_idiom *idiom,
                            uint16_t x);
/* Folds the operand of a reduction into a new sum. */
void ftl_code_fold(ftl_nest_builder *b, ftl_code *code, uint32_t node, uint32_t pass);
/* The value of a finished sum. */
uint16_t ftl_code_finish(ftl_nest_builder *b, ftl_code *code, uint32_t node);

#endif
