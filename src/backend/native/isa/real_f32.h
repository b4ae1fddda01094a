/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions that tile_float.h asks for, of one float, without branches, so that loops over
 * them become vector code. The polynomials come from tools/minimax.
 */
#ifndef FTL_ISA_REAL_F32_H
#define FTL_ISA_REAL_F32_H

#include "backend/native/isa/math_f64.h"

typedef float real;
typedef uint32_t real_bits;
#define REAL(x) x##f
#define REAL_SIGN UINT32_C(0x80000000)
#define REAL_TANH_END 9.2f  /* tanh is 1 from here on */
#define REAL_ERF_END 3.95f  /* erf is 1 from here on, and the polynomial ends */

static ALWAYS_INLINE real real_from_bits(real_bits u)
{
    return ftl_float_from_bits(u);
}

static ALWAYS_INLINE real_bits real_get_bits(real x)
{
    return ftl_float_get_bits(x);
}

/* e^x = 2^n (1 + q). Adding 1.5 * 2^23 leaves the nearest whole number in the low bits. |x| <
 * 2^22. */
typedef struct real_power {
    real q;
    int32_t n;
} real_power;

static ALWAYS_INLINE real_power real_reduce_exp(real x)
{
    real t = x * 0x1.715476p+0f + 0x1.8p23f;
    real n = t - 0x1.8p23f;
    real r = x - n * 0x1.62ep-1f;
    r = r - n * 0x1.0bfbe8p-15f;
    real p = 0.00138145988f;
    p = p * r + 0.00836871658f;
    p = p * r + 0.041668389f;
    p = p * r + 0.166665211f;
    p = p * r + 0.49999994f;
    return (real_power){p * r * r + r, (int32_t)(real_get_bits(t) - UINT32_C(0x4b400000))};
}

/* 2^n for -126 <= n <= 127. Exponents wrap: that of a nan may be any number. */
static ALWAYS_INLINE real real_exp2(int32_t n)
{
    return real_from_bits(((real_bits)n + 127u) << 23);
}

/* 2^n in two factors, so that results beyond the normal range come out right. */
static ALWAYS_INLINE real one_exp(real x)
{
    x = x < -104.0f ? -104.0f : x;
    x = x > 89.0f ? 89.0f : x;
    real_power e = real_reduce_exp(x);
    int32_t half = (int32_t)(((real_bits)e.n + 512u) >> 1) - 256;
    return (1.0f + e.q) * real_exp2(half) * real_exp2((int32_t)((real_bits)e.n - (real_bits)half));
}

/* x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)). */
static ALWAYS_INLINE real one_log(real x)
{
    bool is_small = x < 0x1p-126f;
    real_bits u = real_get_bits(is_small ? x * 0x1p25f : x);
    real_bits k = (u + (UINT32_C(0x3f800000) - UINT32_C(0x3f3504f3))) >> 23;
    real e = (real)((int32_t)k - (is_small ? 127 + 25 : 127));
    real f = real_from_bits(u - ((k - 127) << 23)) - 1.0f;
    real q = -0.0763450116f;
    q = q * f + 0.127615765f;
    q = q * f - 0.131601796f;
    q = q * f + 0.142017573f;
    q = q * f - 0.166233569f;
    q = q * f + 0.200012267f;
    q = q * f - 0.250008196f;
    q = q * f + 0.333333313f;
    real tail = f * f * (q * f - 0.5f) + e * 0x1.0bfbe8p-15f;
    real y = tail + f + e * 0x1.62ep-1f;
    y = x < INFINITY ? y : x;
    y = x > 0.0f ? y : NAN;
    return x == 0.0f ? -INFINITY : y;
}

/* The argument is reduced in double: exact enough up to SIN_END, and without the care that single
 * precision needs near the zeros. */
#define REAL_SIN_END 1e6f

typedef struct real_angle {
    real r;         /* in [-pi/4, pi/4] */
    real_bits turn; /* quarter turns, modulo 2^32 */
} real_angle;

static ALWAYS_INLINE real_angle real_reduce_angle(real x)
{
    double t = (double)x * 0x1.45f306dc9c883p-1 + 0x1.8p52;
    double n = t - 0x1.8p52;
    double r = (double)x - n * 0x1.921fb544p+0;
    r = r - n * 0x1.0b4611a626331p-34;
    return (real_angle){(float)r, (uint32_t)ftl_double_get_bits(t)};
}

/* The sign matters for -0 alone. */
static ALWAYS_INLINE real real_sin_of(real r)
{
    real z = r * r;
    real p = -0.000195172353f;
    p = p * z + 0.008332178f;
    p = p * z - 0.166666552f;
    return real_from_bits(real_get_bits(p * z * r + r) | (real_get_bits(r) & REAL_SIGN));
}

static ALWAYS_INLINE real real_cos_of(real r)
{
    real z = r * r;
    real p = 2.44383791e-05f;
    p = p * z - 0.00138873665f;
    p = p * z + 0.0416666456f;
    return p * z * z + (1.0f - 0.5f * z);
}

/* R with erf(x) = 1 - exp(-x R(x)), 0 <= x <= REAL_ERF_END */
static ALWAYS_INLINE real real_erf_rate(real x)
{
    real p = 4.07078114e-05f;
    p = p * x - 0.00038100002f;
    p = p * x + 0.00125174539f;
    p = p * x + 0.000205717544f;
    p = p * x - 0.0193217173f;
    p = p * x + 0.102814414f;
    p = p * x + 0.636616468f;
    return p * x + 1.12837923f;
}

/* By way of double, where log and exp leave 29 bits to spare. Whole y: the last bit of y + 1.5 *
 * 2^52 is that of y; floats from 2^24 up are even. */
static ALWAYS_INLINE real one_pow(real x, real y)
{
    double magnitude = fabs((double)x);
    real r = (real)f64_exp((double)y * f64_log(magnitude));
    r = y == 0.0f || (magnitude == 1.0 && y == y) ? 1.0f : r;
    double limited = fabsf(y) < 0x1p30f ? (double)y : 0x1p30;
    double shifted = limited + 0x1.8p52;
    bool is_whole = shifted - 0x1.8p52 == limited;
    uint32_t odd = is_whole ? (uint32_t)ftl_double_get_bits(shifted) & 1u : 0u;
    real_bits sign = real_get_bits(x) & (odd << 31);
    bool is_invalid = x < 0.0f && x > -INFINITY && !is_whole;
    r = is_invalid ? NAN : r;
    r = x == 1.0f ? 1.0f : r;
    return real_from_bits(real_get_bits(r) ^ sign);
}

#endif
