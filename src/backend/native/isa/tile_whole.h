/* SPDX-License-Identifier: Apache-2.0
 *
 * The tile table of a whole type. The including file has defined `element`, its unsigned twin
 * `element_bits`, ELEMENT_MIN, ELEMENT_MAX and TILE_DTYPE. Arithmetic goes through the unsigned
 * type, which wraps.
 */
#ifndef FTL_ISA_TILE_WHOLE_H
#define FTL_ISA_TILE_WHOLE_H

static ALWAYS_INLINE element one_neg(element x)
{
    return (element)(0u - (element_bits)x);
}

static ALWAYS_INLINE element one_abs(element x)
{
    return x < 0 ? one_neg(x) : x;
}

static ALWAYS_INLINE element one_add(element a, element b)
{
    return (element)((element_bits)a + (element_bits)b);
}

static ALWAYS_INLINE element one_sub(element a, element b)
{
    return (element)((element_bits)a - (element_bits)b);
}

static ALWAYS_INLINE element one_mul(element a, element b)
{
    return (element)((element_bits)a * (element_bits)b);
}

static ALWAYS_INLINE element one_square(element x)
{
    return one_mul(x, x);
}

static ALWAYS_INLINE element one_sign(element x)
{
    return (element)((x > 0) - (x < 0));
}

static ALWAYS_INLINE element one_relu(element x)
{
    return x > 0 ? x : 0;
}

static ALWAYS_INLINE element one_div(element a, element b)
{
    return b == 0 ? 0 : b == -1 ? one_neg(a) : a / b;
}

static ALWAYS_INLINE element one_min(element a, element b)
{
    return a < b ? a : b;
}

static ALWAYS_INLINE element one_max(element a, element b)
{
    return a > b ? a : b;
}

/* By squaring. For b < 0 the power is 1 / a^|b|, which truncates to 0 unless |a| is 1. */
static element one_pow(element a, element b)
{
    if (b < 0)
        return a == 1 ? 1 : a != -1 ? 0 : (b & 1) ? -1 : 1;
    element y = 1;
    for (; b > 0; b >>= 1) {
        y = (b & 1) ? one_mul(y, a) : y;
        a = one_square(a);
    }
    return y;
}

#include "backend/native/isa/tile.h"

#define IF_ALL(definition) definition
#define IF_FLOAT(definition)

#define FTL_MAP1(NAME, name, types, text) IF_##types(DEFINE_MAP1(name))
#define FTL_MAP2(NAME, name, types, text) DEFINE_MAP2(name)
#include "backend/native/kernels.def"

#define DEFINE_FOLD(name, left, combine, right)                                                    \
    static void fold_##name(void *acc, const void *a, size_t n)                                    \
    {                                                                                              \
        const element *x = a;                                                                      \
        int64_t total = *(int64_t *)acc;                                                           \
        for (size_t i = 0; i < n; i++)                                                             \
            total = combine(left, right);                                                          \
        *(int64_t *)acc = total;                                                                   \
    }
#define WIDE_ADD(a, b) ((int64_t)((uint64_t)(a) + (uint64_t)(b)))
#define WIDE_MUL(a, b) ((int64_t)((uint64_t)(a) * (uint64_t)(b)))
#define WIDE_MAX(a, b) ((a) > (b) ? (a) : (b))
#define WIDE_MIN(a, b) ((a) < (b) ? (a) : (b))
DEFINE_FOLD(sum, total, WIDE_ADD, (int64_t)x[i])
DEFINE_FOLD(prod, total, WIDE_MUL, (int64_t)x[i])
DEFINE_FOLD(max, total, WIDE_MAX, (int64_t)x[i])
DEFINE_FOLD(min, total, WIDE_MIN, (int64_t)x[i])
DEFINE_FOLD(sumsq, total, WIDE_ADD, WIDE_MUL((int64_t)x[i], (int64_t)x[i]))

static void fold_dot(void *acc, const void *a, const void *b, size_t n)
{
    const element *x = a, *z = b;
    uint64_t total = *(uint64_t *)acc;
    for (size_t i = 0; i < n; i++)
        total += (uint64_t)x[i] * (uint64_t)z[i];
    *(uint64_t *)acc = total;
}

static size_t argmax(const void *a, size_t n)
{
    const element *x = a;
    element top = x[0];
    for (size_t i = 1; i < n; i++)
        top = one_max(top, x[i]);
    size_t i = 0;
    while (i + 1 < n && x[i] != top)
        i++;
    return i;
}

DEFINE_LOAD(bool, CAST_ELEMENT)
DEFINE_LOAD(u8, CAST_ELEMENT)
DEFINE_LOAD(i8, CAST_ELEMENT)
DEFINE_LOAD(i16, CAST_ELEMENT)
DEFINE_RARE_LOAD(f16, F16)
DEFINE_RARE_LOAD(bf16, BF16)
DEFINE_RARE_LOAD(f32, F32)
DEFINE_RARE_LOAD(f64, F64)

static ALWAYS_INLINE element limit(element x, element lo, element hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

#define TO_U8(x) ((uint8_t)limit(x, 0, UINT8_MAX))
#define TO_I8(x) ((int8_t)limit(x, INT8_MIN, INT8_MAX))
#define TO_I16(x) ((int16_t)limit(x, INT16_MIN, INT16_MAX))
DEFINE_STORE(bool, CAST_BOOL)
DEFINE_STORE(u8, TO_U8)
DEFINE_STORE(i8, TO_I8)
DEFINE_STORE(i16, TO_I16)
DEFINE_RARE_STORE(f16, F16)
DEFINE_RARE_STORE(bf16, BF16)
DEFINE_STORE(f32, (float))
DEFINE_STORE(f64, (double))

#define WHOLE_ROWS                                                                                 \
    .fma = {fma_vvv, fma_vvs, fma_vsv, fma_vss}, .select = FORM2_ROW(select), .dot = fold_dot,     \
    LOAD_STORE_ROWS .fill = fill, .iota = iota, .gather = gather, .argmax = argmax,

#endif
