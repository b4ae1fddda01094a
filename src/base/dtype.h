/* SPDX-License-Identifier: Apache-2.0
 *
 * Element types: names, sizes, the 16-bit float formats, and conversion of arrays between any two
 * types. Pure functions, callable from any thread.
 *
 * Rules of conversion, each value rounded once:
 *   to bool       1 when the value is not 0 (nan gives 1)
 *   to a whole    floats truncate towards zero; what lies outside of the target's range gives
 *                 its least or greatest value; nan gives 0
 *   to a float    nearest, ties to even; f16, bf16 and f32 give infinity beyond their range;
 *                 nan stays nan (quiet)
 *   from bool     the byte is read as stored (0 or 1)
 */
#ifndef FTL_BASE_DTYPE_H
#define FTL_BASE_DTYPE_H

#include "base/base.h"

/* "bool", "u8", "i8", "i16", "i32", "i64", "f16", "bf16", "f32", "f64". Static, never null. */
const char *ftl_dtype_get_name(ftl_dtype dtype);
/* "float32" and so on, the names that NumPy users know; "bfloat16" for bf16. */
const char *ftl_dtype_get_long_name(ftl_dtype dtype);
/* Reads either name, "fp16", "fp32", "fp64", "float", "double", "int", "half". False: unknown. */
bool ftl_dtype_find(const char *name, size_t len, ftl_dtype *dtype);
/* Bytes of one element: 1, 2, 4 or 8. */
size_t ftl_dtype_get_size(ftl_dtype dtype);
/* f16, bf16, f32, f64. */
bool ftl_dtype_is_float(ftl_dtype dtype);
/* u8, i8, i16, i32, i64; not bool. */
bool ftl_dtype_is_whole(ftl_dtype dtype);

/* dst[i] = src[i] converted, i < n. dst and src do not overlap, unless both types have one size
 * and dst == src. Any alignment. */
void ftl_dtype_convert(void *dst, ftl_dtype to, const void *src, ftl_dtype from, size_t n);
/* One element, with the same rules. A whole number beyond 2^53 is rounded by get_double. */
double ftl_dtype_get_double(ftl_dtype dtype, const void *p);
void ftl_dtype_put_double(ftl_dtype dtype, void *p, double x);
int64_t ftl_dtype_get_int(ftl_dtype dtype, const void *p);
void ftl_dtype_put_int(ftl_dtype dtype, void *p, int64_t x);

/* ---- one 16-bit float, branch-free where it matters: loops over these vectorise ---- */

static inline float ftl_float_from_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static inline uint32_t ftl_float_get_bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline double ftl_double_from_bits(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static inline uint64_t ftl_double_get_bits(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline float ftl_bf16_to_f32(uint16_t h)
{
    return ftl_float_from_bits((uint32_t)h << 16);
}

static inline uint16_t ftl_bf16_from_f32(float x)
{
    uint32_t u = ftl_float_get_bits(x);
    uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
    uint32_t quiet = (u >> 16) | 0x40u;
    return (uint16_t)((u & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

/* The exponent is moved by a multiplication with 2^112, which makes subnormal values normal. */
static inline float ftl_f16_to_f32(uint16_t h)
{
    uint32_t magnitude = (uint32_t)(h & 0x7fffu) << 13;
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t finite = ftl_float_get_bits(ftl_float_from_bits(magnitude) * 0x1p112f);
    uint32_t quiet = magnitude > 0x0f800000u ? 0x00400000u : 0u;
    uint32_t special = magnitude | 0x7f800000u | quiet;
    return ftl_float_from_bits(sign | (magnitude >= 0x0f800000u ? special : finite));
}

/* Normal results round in whole-number arithmetic; adding 0.5 aligns a value below 2^-14 so that
 * the addition itself rounds it to a multiple of 2^-24, the subnormal step. */
static inline uint16_t ftl_f16_from_f32(float x)
{
    uint32_t u = ftl_float_get_bits(x);
    uint32_t sign = (u >> 16) & 0x8000u;
    uint32_t magnitude = u & 0x7fffffffu;
    uint32_t normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
    uint32_t small = ftl_float_get_bits(ftl_float_from_bits(magnitude) + 0.5f) - 0x3f000000u;
    uint32_t nan = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
    uint32_t h = magnitude < 0x38800000u ? small : normal;
    h = magnitude >= 0x477ff000u ? 0x7c00u : h;
    h = magnitude > 0x7f800000u ? nan : h;
    return (uint16_t)(sign | h);
}

#endif
