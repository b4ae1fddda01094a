/* SPDX-License-Identifier: Apache-2.0
 *
 * Tile kernels: the arithmetic of the native backend on short runs of elements (256 to 1024 are
 * best), one table for each instruction set, compiled from one source (isa/). The engine's loop
 * nests call them once a tile. Pure functions of their arguments, callable from any thread; a
 * result depends on the instruction set and the tile's length alone, not on alignment.
 *
 * Unless said otherwise: arrays are contiguous and aligned to their elements only; n may be 0;
 * dst may equal an operand of the same element size, other overlap is not allowed. A scalar
 * operand is a pointer to one element, which may lie in dst. Compute types are f32, f64, i32 and
 * i64; the others are loaded as one of these (16-bit floats as f32, small whole numbers as i32)
 * and stored back.
 *
 * Boolean tiles are bytes, 0 or 1, as FTL_DTYPE_BOOL is stored.
 *
 * Accuracy of the elementary functions: 4e-7 relative in f32, 1e-15 in f64 (sin and cos: absolute
 * below 1; arguments up to 1e5 in f32 and 1e9 in f64, beyond these the scalar library function).
 * Infinities and nan as in C's math.h and NumPy. Subnormal results may be flushed to 0 by exp and
 * its kin, never by add and mul.
 */
#ifndef FTL_NATIVE_KERNELS_H
#define FTL_NATIVE_KERNELS_H

#include "base/base.h"

/* Rising: a machine that has one has those before it. NEON is the base of aarch64. */
typedef enum ftl_isa {
    FTL_ISA_BASE, FTL_ISA_NEON, FTL_ISA_AVX2, FTL_ISA_AVX512, FTL_ISA_COUNT
} ftl_isa;

/* Compute types: rows of the table. */
typedef enum ftl_tile {
    FTL_TILE_F32, FTL_TILE_F64, FTL_TILE_I32, FTL_TILE_I64, FTL_TILE_COUNT
} ftl_tile;

typedef enum ftl_map1 {
#define FTL_MAP1(NAME, name, types, text) FTL_MAP1_##NAME,
#include "backend/native/kernels.def"
    FTL_MAP1_COUNT
} ftl_map1;

typedef enum ftl_map2 {
#define FTL_MAP2(NAME, name, types, text) FTL_MAP2_##NAME,
#include "backend/native/kernels.def"
    FTL_MAP2_COUNT
} ftl_map2;

typedef enum ftl_compare {
#define FTL_COMPARE(NAME, name, text) FTL_COMPARE_##NAME,
#include "backend/native/kernels.def"
    FTL_COMPARE_COUNT
} ftl_compare;

typedef enum ftl_fold {
#define FTL_FOLD(NAME, name, types, text) FTL_FOLD_##NAME,
#include "backend/native/kernels.def"
    FTL_FOLD_COUNT
} ftl_fold;

/* Which operands are arrays (V) and which scalars (S), in order. */
typedef enum ftl_form2 { FTL_FORM_VV, FTL_FORM_VS, FTL_FORM_SV, FTL_FORM2_COUNT } ftl_form2;
typedef enum ftl_form3 {
    FTL_FORM_VVV, FTL_FORM_VVS, FTL_FORM_VSV, FTL_FORM_VSS, FTL_FORM3_COUNT
} ftl_form3;

typedef void ftl_map1_fn(void *dst, const void *a, size_t n);
typedef void ftl_map2_fn(void *dst, const void *a, const void *b, size_t n);
typedef void ftl_map3_fn(void *dst, const void *a, const void *b, const void *c, size_t n);
typedef void ftl_compare_fn(uint8_t *dst, const void *a, const void *b, size_t n);
typedef void ftl_select_fn(void *dst, const uint8_t *c, const void *a, const void *b, size_t n);
/* *acc is a double for float tiles and an int64 for whole tiles (wrapping); it enters as the
 * value so far. */
typedef void ftl_fold_fn(void *acc, const void *a, size_t n);
typedef void ftl_fold2_fn(void *acc, const void *a, const void *b, size_t n);
/* src: elements of some dtype, `stride` elements apart (any sign; 0 repeats one). dst contiguous.
 * */
typedef void ftl_load_fn(void *dst, const void *src, ptrdiff_t stride, size_t n);
/* dst: elements of some dtype, `stride` elements apart, not 0. src contiguous. */
typedef void ftl_store_fn(void *dst, ptrdiff_t stride, const void *src, size_t n);

/* The kernels of one compute type. Null where kernels.def has no such row for the type, or as
 * noted. */
typedef struct ftl_tile_kernels {
    ftl_map1_fn *map1[FTL_MAP1_COUNT];
    ftl_map2_fn *map2[FTL_MAP2_COUNT][FTL_FORM2_COUNT];
    ftl_compare_fn *compare[FTL_COMPARE_COUNT][FTL_FORM2_COUNT];
    ftl_map3_fn *fma[FTL_FORM3_COUNT];       /* a * b + c; rounded once or twice, by the machine */
    ftl_select_fn *select[FTL_FORM2_COUNT];  /* c[i] ? a : b */
    ftl_fold_fn *fold[FTL_FOLD_COUNT];
    ftl_fold2_fn *dot;                       /* acc += sum a[i] b[i] */
    ftl_load_fn *load[FTL_DTYPE_COUNT];      /* converts as base/dtype.h says */
    ftl_store_fn *store[FTL_DTYPE_COUNT];    /* dst may not overlap src */
    void (*fill)(void *dst, const void *value, size_t n);
    /* dst[i] = start + i * step */
    void (*iota)(void *dst, int64_t start, int64_t step, size_t n);
    /* dst[i] = a[index[i]], indices checked by the caller */
    void (*gather)(void *dst, const void *a, const int64_t *index, size_t n);
    /* Place of the largest, the first of equals; nan counts as largest. n > 0. */
    size_t (*argmax)(const void *a, size_t n);

    /* Float tiles only. */
    /* acc[i] += a[i], in double */
    void (*add_wide)(double *acc, const void *a, size_t n);
    /* dst[i] = exp(a[i] - shift); gives their sum. shift -inf with a -inf: exp(nan). */
    double (*exp_sum)(void *dst, const void *a, double shift, size_t n);
    /* Sum of (a[i] - shift)^2. */
    double (*deviation)(const void *a, double shift, size_t n);
    /* dst[i] = (a[i] - shift) * scale * gain[i] + bias[i]; gain and bias may be null: 1, 0. */
    void (*normalize)(void *dst, const void *a, const double shift_scale[2],
                      const void *const gain_bias[2], size_t n);
} ftl_tile_kernels;

/* Transposes a rows x cols block: dst[j * dst_step + i] = src[i * src_step + j], steps in
 * elements. */
typedef struct ftl_block {
    size_t rows, cols;      /* of the source */
    ptrdiff_t src_step, dst_step;
} ftl_block;
typedef void ftl_transpose_fn(void *dst, const void *src, const ftl_block *block);

typedef struct ftl_gemm_kernels ftl_gemm_kernels; /* gemm.c's own */

typedef struct ftl_kernels {
    ftl_isa isa;
    const ftl_tile_kernels *tile[FTL_TILE_COUNT];

    /* Boolean tiles */
    void (*logic_and)(uint8_t *dst, const uint8_t *a, const uint8_t *b, size_t n);
    void (*logic_or)(uint8_t *dst, const uint8_t *a, const uint8_t *b, size_t n);
    void (*logic_not)(uint8_t *dst, const uint8_t *a, size_t n);
    void (*select_bytes)(uint8_t *dst, const uint8_t *c, const uint8_t *a, const uint8_t *b,
                         size_t n);
    bool (*any)(const uint8_t *a, size_t n);
    bool (*all)(const uint8_t *a, size_t n);
    size_t (*count)(const uint8_t *a, size_t n);

    /* By log2 of the element's size: 1, 2, 4, 8 bytes. Whole matrices: blocked for the cache
     * inside. */
    ftl_transpose_fn *transpose[4];
    /* Elements of 1, 2, 4, 8 bytes, strides in elements. src stride 0 fills. */
    void (*copy[4])(void *dst, ptrdiff_t dst_stride, const void *src, ptrdiff_t src_stride,
                    size_t n);
    /* memcpy whose dst is written past the caches; fence() before another thread reads it. */
    void (*stream)(void *dst, const void *src, size_t bytes);
    void (*fence)(void);

    const ftl_gemm_kernels *gemm;
} ftl_kernels;

/* The best table that this machine runs. Never null. Costs a few cpuid instructions: keep it. */
const ftl_kernels *ftl_kernels_get(void);
/* The table of one instruction set, or null when the machine or the build has it not. */
const ftl_kernels *ftl_kernels_find(ftl_isa isa);
/* "base", "neon", "avx2", "avx512". */
const char *ftl_isa_get_name(ftl_isa isa);
bool ftl_isa_find(const char *name, ftl_isa *isa);

/* The compute type for a dtype: f16, bf16, f32 -> F32; f64 -> F64; bool, u8, i8, i16, i32 -> I32;
 * i64 -> I64. */
ftl_tile ftl_tile_get(ftl_dtype dtype);
/* The dtype of a compute type, and its size in bytes. */
ftl_dtype ftl_tile_get_dtype(ftl_tile tile);
size_t ftl_tile_get_size(ftl_tile tile);

#endif
