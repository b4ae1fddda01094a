/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of matrices by a library of the user's choice: one that exports cblas_sgemm and
 * cblas_dgemm with 32-bit whole numbers (LP64), opened when asked for by name and never otherwise.
 * The device owns what it has opened; a run may call it from the thread that runs.
 */
#ifndef FTL_NATIVE_BLAS_H
#define FTL_NATIVE_BLAS_H

#include "base/base.h"

typedef void ftl_sgemm_fn(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                          const float *a, int lda, const float *b, int ldb, float beta, float *c,
                          int ldc);
typedef void ftl_dgemm_fn(int order, int trans_a, int trans_b, int m, int n, int k, double alpha,
                          const double *a, int lda, const double *b, int ldb, double beta,
                          double *c, int ldc);

typedef struct ftl_blas {
    void *library;
    ftl_sgemm_fn *sgemm;
    ftl_dgemm_fn *dgemm;
} ftl_blas;

/* Opens a library by path, or by a name that the system's loader knows. FTL_ERR_USAGE, with a
 * message of at most `size` bytes, when it cannot be opened, lacks a function, or gets a small
 * product wrong (one built for 64-bit whole numbers, say). */
ftl_status ftl_blas_open(const char *path, ftl_blas *out, char *message, size_t size);
void ftl_blas_close(ftl_blas *blas);

/* C[m, n] = alpha * sum over k of A[m, k] B[k, n] + beta * C; steps in elements. C has step 1 along
 * n. */
typedef struct ftl_blas_product {
    int64_t m, n, k;
    int64_t a_m, a_k, b_k, b_n, c_m;
    double alpha, beta;
} ftl_blas_product;

/* The library can be asked for it: each matrix has step 1 along one side, and all fits 32 bits. */
bool ftl_blas_can_run(const ftl_blas_product *p);
/* size: bytes of an element, 4 or 8. */
void ftl_blas_run(const ftl_blas *blas, size_t size, const ftl_blas_product *p,
                  const void *const ab[2], void *c);

#endif
