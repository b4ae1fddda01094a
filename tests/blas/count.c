/* SPDX-License-Identifier: Apache-2.0
 *
 * A BLAS for tests: plain loops that count their calls, and that are wrong when told so.
 */
#include <stdbool.h>
#include <stddef.h>

enum { TRANSPOSED = 112 };

#define SHOWN __attribute__((visibility("default")))

SHOWN int count_calls, count_is_wrong;

#define DEFINE_GEMM(name, type)                                                                    \
    SHOWN void name(int order, int trans_a, int trans_b, int m, int n, int k, type alpha,          \
                    const type *a, int lda, const type *b, int ldb, type beta, type *c, int ldc)   \
    {                                                                                              \
        const bool a_t = trans_a == TRANSPOSED, b_t = trans_b == TRANSPOSED;                       \
        const ptrdiff_t a_m = a_t ? 1 : lda, a_k = a_t ? lda : 1;                                  \
        const ptrdiff_t b_k = b_t ? 1 : ldb, b_n = b_t ? ldb : 1;                                  \
        (void)order;                                                                               \
        count_calls++;                                                                             \
        for (ptrdiff_t i = 0; i < m; i++)                                                          \
            for (ptrdiff_t j = 0; j < n; j++) {                                                    \
                type sum = 0, *out = c + i * ldc + j;                                              \
                for (ptrdiff_t p = count_is_wrong; p < k; p++)                                     \
                    sum += a[i * a_m + p * a_k] * b[p * b_k + j * b_n];                            \
                *out = alpha * sum + (beta == 0 ? 0 : beta * *out);                                \
            }                                                                                      \
    }

void cblas_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                 const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
void cblas_dgemm(int order, int trans_a, int trans_b, int m, int n, int k, double alpha,
                 const double *a, int lda, const double *b, int ldb, double beta, double *c,
                 int ldc);
DEFINE_GEMM(cblas_sgemm, float)
DEFINE_GEMM(cblas_dgemm, double)
