/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables that isa/ makes, one set for each instruction set; for kernels.c and isa/ alone. And
 * what all instruction sets share: conversions that are too rare for code of their own.
 */
#ifndef FTL_NATIVE_TABLES_H
#define FTL_NATIVE_TABLES_H

#include "backend/native/gemm_kernels.h"
#include "backend/native/kernels.h"

#define FTL_DECLARE_TABLES(isa)                                                                    \
    extern const ftl_tile_kernels ftl_tile_f32_##isa, ftl_tile_f64_##isa;                          \
    extern const ftl_tile_kernels ftl_tile_i32_##isa, ftl_tile_i64_##isa;                          \
    extern const ftl_gemm_table ftl_gemm_f32_##isa, ftl_gemm_f64_##isa;                            \
    extern const ftl_kernels ftl_kernels_##isa;
FTL_DECLARE_TABLES(base)
FTL_DECLARE_TABLES(neon)
FTL_DECLARE_TABLES(avx2)
FTL_DECLARE_TABLES(avx512)

/* One side of a strided conversion. */
typedef struct ftl_strided {
    void *p;
    ftl_dtype dtype;
    ptrdiff_t stride; /* elements */
} ftl_strided;
/* dst[i] = src[i] by base/dtype.h's rules, n elements, block by block. */
void ftl_kernel_convert(ftl_strided dst, ftl_strided src, size_t n);

#endif
