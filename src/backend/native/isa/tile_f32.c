/* SPDX-License-Identifier: Apache-2.0
 *
 * The tile table of f32.
 */
#include "backend/native/isa/isa.h"
#include "backend/native/isa/real_f32.h"

typedef float element;
#define TILE_DTYPE FTL_DTYPE_F32
#if defined(__AVX512F__) && defined(__AVX512DQ__)
#define FLOAT_HAS_LANES
#endif
#include "backend/native/isa/tile_float.h"

#if defined(__F16C__)
#include <immintrin.h>
#endif

/* ---- whole numbers: truncated, limited to the range, nan is 0 ---- */

static ALWAYS_INLINE int32_t limit(float x, float lo, float hi)
{
    x = x > lo ? x : x != x ? 0.0f : lo;
    return (int32_t)(x < hi ? x : hi);
}

static ALWAYS_INLINE uint8_t to_u8(float x)
{
    return (uint8_t)limit(x, 0, UINT8_MAX);
}

static ALWAYS_INLINE int8_t to_i8(float x)
{
    return (int8_t)limit(x, INT8_MIN, INT8_MAX);
}

static ALWAYS_INLINE int16_t to_i16(float x)
{
    return (int16_t)limit(x, INT16_MIN, INT16_MAX);
}

/* The largest float below 2^31 is 2^31 - 128. */
static ALWAYS_INLINE int32_t to_i32(float x)
{
    return x >= 0x1p31f ? INT32_MAX : limit(x, -0x1p31f, 0x1p31f - 128);
}

static ALWAYS_INLINE int64_t to_i64(float x)
{
    float y = x > -0x1p63f ? x : x != x ? 0.0f : -0x1p63f;
    return x >= 0x1p63f ? INT64_MAX : (int64_t)(x >= 0x1p63f ? 0.0f : y);
}

DEFINE_LOAD(bool, CAST_ELEMENT)
DEFINE_LOAD(u8, CAST_ELEMENT)
DEFINE_LOAD(i8, CAST_ELEMENT)
DEFINE_LOAD(i16, CAST_ELEMENT)
DEFINE_LOAD(i32, CAST_ELEMENT)
DEFINE_LOAD(i64, CAST_ELEMENT)
DEFINE_LOAD(bf16, ftl_bf16_to_f32)
DEFINE_LOAD(f32, CAST_ELEMENT)
DEFINE_LOAD(f64, CAST_ELEMENT)
DEFINE_STORE(bool, CAST_BOOL)
DEFINE_STORE(u8, to_u8)
DEFINE_STORE(i8, to_i8)
DEFINE_STORE(i16, to_i16)
DEFINE_STORE(i32, to_i32)
DEFINE_STORE(i64, to_i64)
DEFINE_STORE(bf16, ftl_bf16_from_f32)
DEFINE_STORE(f32, CAST_ELEMENT)
DEFINE_STORE(f64, (double))

/* ---- f16: the processor converts eight at a time ---- */

#if defined(__F16C__)
#define load_f16 load_each_f16
#define store_f16 store_each_f16
#endif
DEFINE_LOAD(f16, ftl_f16_to_f32)
DEFINE_STORE(f16, ftl_f16_from_f32)
#if defined(__F16C__)
#undef load_f16
#undef store_f16

static void load_f16(void *dst, const void *src, ptrdiff_t stride, size_t n)
{
    float *y = dst;
    const any_f16 *x = src;
    size_t i = 0;
    for (; stride == 1 && i + 8 <= n; i += 8) {
        __m128i h;
        memcpy(&h, x + i, sizeof h);
        __m256 v = _mm256_cvtph_ps(h);
        memcpy(y + i, &v, sizeof v);
    }
    load_each_f16(y + i, x + i, stride, n - i);
}

static void store_f16(void *dst, ptrdiff_t stride, const void *src, size_t n)
{
    any_f16 *y = dst;
    const float *x = src;
    size_t i = 0;
    for (; stride == 1 && i + 8 <= n; i += 8) {
        __m256 v;
        memcpy(&v, x + i, sizeof v);
        __m128i h = _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        memcpy(y + i, &h, sizeof h);
    }
    store_each_f16(y + i, stride, x + i, n - i);
}
#endif

const ftl_tile_kernels ISA_NAME(ftl_tile_f32) = {
    .map1 = {
#define FTL_MAP1(NAME, name, types, text) MAP1_ROW(NAME, name)
#include "backend/native/kernels.def"
    },
    .map2 = {
#define FTL_MAP2(NAME, name, types, text) MAP2_ROW(NAME, name)
#include "backend/native/kernels.def"
    },
    .compare = {
#define FTL_COMPARE(NAME, name, text) COMPARE_ROW(NAME, name)
#include "backend/native/kernels.def"
    },
    .fold = {
#define FTL_FOLD(NAME, name, types, text) FOLD_ROW(NAME, name)
#include "backend/native/kernels.def"
    },
    FLOAT_ROWS
};
