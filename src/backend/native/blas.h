/* SPDX-License-Identifier: Apache-2.0
 *
 * BLAS providers, opened at run time. A provider is a shared library with the CBLAS interface
 * (OpenBLAS, MKL, BLIS, Accelerate). Nothing is loaded before the first call of
 * ftl_blas_open_lazily, so a small program does not pay for it. gemm.h decides by measured sizes
 * when a provider is asked at all.
 *
 * OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE in the environment are obeyed by OpenBLAS's constructor
 * and often slow it down. The library never changes the environment: a program that wants them
 * gone unsets them itself before its first run, as the command-line tool does.
 */
#ifndef FTL_NATIVE_BLAS_H
#define FTL_NATIVE_BLAS_H

#include "base/base.h"

typedef struct ftl_blas ftl_blas;

typedef struct ftl_blas_options {
    const char *path;  /* a library to open and no other; "none": no provider; null: search */
    unsigned threads;  /* what its own threading is set to, where the library lets us; 0: 1 */
} ftl_blas_options;

ftl_status ftl_blas_new(const ftl_allocator *alloc, const ftl_blas_options *options,
                        ftl_blas **blas);
void ftl_blas_free(ftl_blas *blas);
/* Opens a provider unless that was tried; true when there is one. Thread-safe. */
bool ftl_blas_open_lazily(ftl_blas *blas);
/* File name and version text of the open provider, or null. */
const char *ftl_blas_get_name(const ftl_blas *blas);

/* Row-major C (m x n) = alpha op(A) op(B) + beta C, leading dimensions in elements. */
typedef struct ftl_blas_gemm {
    bool is_a_transposed, is_b_transposed;
    int64_t m, n, k;
    double alpha, beta;
    int64_t lda, ldb, ldc;
} ftl_blas_gemm;
/* Only after ftl_blas_open_lazily said true. Sizes up to INT32_MAX. */
void ftl_blas_run_sgemm(const ftl_blas *blas, const ftl_blas_gemm *g, const float *a,
                        const float *b, float *c);
void ftl_blas_run_dgemm(const ftl_blas *blas, const ftl_blas_gemm *g, const double *a,
                        const double *b, double *c);

#endif
