/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums of products of two tensors: C[m.., n.., b..] = alpha * sum over k of A[m.., k.., b..]
 * B[k.., n.., b..] + beta * C, over any strides, with threads, and with a hook that works on
 * finished blocks of C while they are in the cache. Matrix products of every shape, products with
 * vectors, outer products and batches all are this.
 *
 * The two-tensor contraction is a list of axes, each with its strides in A, B and C. gemm plans
 * once (merges axes, chooses orientation, kernel, blocking and provider) and runs any number of
 * times. Plan and run allocate nothing: the caller gives scratch memory. Callable from any
 * thread; one plan may run in several threads at once with scratch of their own.
 *
 * Sums are accumulated in the compute type (f32 for 16-bit operands) in an order fixed by plan,
 * instruction set and number of threads: one number of threads gives the same bits each time.
 */
#ifndef FTL_NATIVE_GEMM_H
#define FTL_NATIVE_GEMM_H

#include "backend/native/blas.h"
#include "backend/native/kernels.h"
#include "base/base.h"
#include "base/threads.h"

enum { FTL_GEMM_MAX_AXES = 64 };

/* M: in A and C. N: in B and C. K: in A and B. BATCH: in all three. Absent strides are not read.
 * An axis of A alone or B alone (summed) is K with stride 0 in the other; one of C alone does not
 * exist. */
typedef enum ftl_gemm_role { FTL_GEMM_M, FTL_GEMM_N, FTL_GEMM_K, FTL_GEMM_BATCH } ftl_gemm_role;

typedef struct ftl_gemm_axis {
    ftl_gemm_role role;
    int64_t extent;  /* >= 0 */
    int64_t a, b, c; /* strides in elements */
} ftl_gemm_axis;

/* A finished block of C, all of its sums done, alpha and beta applied: rows x cols elements,
 * element (i, j) at c[i * row_stride + j]. Its first element is element (row, col) of the matrix
 * whose rows are the flattened axes of one of M and N and whose columns those of the other, axes in
 * the order of the spec; is_transposed tells that rows are N. batch: flattened place on the BATCH
 * axes, in the order of the spec. Blocks of a run do not overlap and come in no order. */
typedef struct ftl_gemm_block {
    void *c;
    int64_t rows, cols, row_stride;
    int64_t row, col, batch;
    bool is_transposed;
    unsigned worker;
} ftl_gemm_block;
typedef void ftl_gemm_hook(void *ctx, const ftl_gemm_block *block);

typedef struct ftl_gemm_spec {
    ftl_dtype ab;     /* F16, BF16, F32, F64: of A and of B */
    ftl_dtype c;      /* F32 or F64: F64 when ab is, else F32 */
    uint32_t n_axes;  /* <= FTL_GEMM_MAX_AXES */
    const ftl_gemm_axis *axes;
    double alpha, beta; /* beta 0: C is not read */
    bool has_hook;      /* a hook will be given: C has stride 1 on the last M or N axis, and the
                           M axes, and the N axes, are each one axis with one stride in C */
    bool is_b_packed;   /* B is given as ftl_gemm_pack made it */
} ftl_gemm_spec;

/* What runs a plan. */
typedef struct ftl_gemm_env {
    const ftl_kernels *kernels;
    ftl_pool *pool;     /* may be null: the calling thread alone */
    const ftl_blas *blas; /* may be null; else runs what it can of the products of matrices */
} ftl_gemm_env;

typedef struct ftl_gemm ftl_gemm;
/* Bytes of a plan; caller's storage, 16-byte aligned, where it stays. */
size_t ftl_gemm_get_plan_size(const ftl_gemm_spec *spec);
/* Fails with FTL_ERR_UNSUPPORTED for dtypes other than those above, and for sizes that overflow.
 * */
ftl_status ftl_gemm_init(ftl_gemm *plan, const ftl_gemm_spec *spec, const ftl_gemm_env *env);
/* Bytes of scratch (64-byte aligned) that a run needs; 0 is common for small ones. */
size_t ftl_gemm_get_scratch(const ftl_gemm *plan);
/* "tiles, avx512, 6 tasks", or "cblas"; for explain. In the plan. */
const char *ftl_gemm_get_text(const ftl_gemm *plan);

typedef struct ftl_gemm_args {
    const void *a, *b;
    void *c;
    void *scratch;
    ftl_gemm_hook *hook; /* may be null */
    void *hook_ctx;
} ftl_gemm_args;
void ftl_gemm_run(const ftl_gemm *plan, const ftl_gemm_env *env, const ftl_gemm_args *args);

/* B in the form that the kernels read, made once for a constant B. Size 0: this plan gains
 * nothing by it. Made from a plan without is_b_packed; run by a plan of the same spec with it. */
size_t ftl_gemm_get_packed_size(const ftl_gemm *plan);
void ftl_gemm_pack(const ftl_gemm *plan, const ftl_gemm_env *env, void *packed, const void *b);

#endif
