/* SPDX-License-Identifier: Apache-2.0
 *
 * exp and log of one double, without branches, so that loops over them become vector code. The
 * polynomials come from tools/minimax.
 */
#ifndef FTL_ISA_MATH_F64_H
#define FTL_ISA_MATH_F64_H

#include "backend/native/isa/isa.h"
#include "base/dtype.h"

#include <math.h>

/* e^x = 2^n (1 + q), |x| < 2^50. Adding 1.5 * 2^52 leaves the nearest whole number in the low
 * bits, here read as n + 2^51 modulo 2^12 and more. */
typedef struct f64_power {
    double q;
    int64_t n;
} f64_power;

static ALWAYS_INLINE f64_power f64_reduce_exp(double x)
{
    double t = x * 0x1.71547652b82fep+0 + 0x1.8p52;
    double n = t - 0x1.8p52;
    double r = x - n * 0x1.62e42fefp-1;
    r = r - n * 0x1.473de6af278edp-34;
    double p = 2.5000060220145489e-08;
    p = p * r + 2.7630248407465575e-07;
    p = p * r + 2.7557586375895884e-06;
    p = p * r + 2.4801493098818066e-05;
    p = p * r + 0.00019841269506579748;
    p = p * r + 0.0013888888943630205;
    p = p * r + 0.0083333333334944595;
    p = p * r + 0.041666666666530155;
    p = p * r + 0.16666666666666413;
    p = p * r + 0.50000000000000111;
    return (f64_power){p * r * r + r,
                       (int64_t)(ftl_double_get_bits(t) - UINT64_C(0x4338000000000000))};
}

/* 2^n for -1022 <= n <= 1023. */
static ALWAYS_INLINE double f64_exp2(int64_t n)
{
    return ftl_double_from_bits(((uint64_t)n + 1023u) << 52);
}

/* 2^n in two factors, so that results beyond the normal range come out right. */
static ALWAYS_INLINE double f64_exp(double x)
{
    x = x < -746.0 ? -746.0 : x;
    x = x > 710.0 ? 710.0 : x;
    f64_power e = f64_reduce_exp(x);
    int64_t half = (int64_t)(((uint64_t)e.n + 4096u) >> 1) - 2048;
    return (1.0 + e.q) * f64_exp2(half) * f64_exp2((int64_t)((uint64_t)e.n - (uint64_t)half));
}

/* x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); log(1 + f) = 2 atanh(s), s = f / (2 + f).
 * As 2 s = f - s f, the large term is f itself. The exponent becomes a double by its bits. */
static ALWAYS_INLINE double f64_log(double x)
{
    bool is_small = x < 0x1p-1022;
    uint64_t u = ftl_double_get_bits(is_small ? x * 0x1p54 : x);
    uint64_t k = (u + (UINT64_C(0x3ff0000000000000) - UINT64_C(0x3fe6a09e667f3bcd))) >> 52;
    double e = ftl_double_from_bits(k | UINT64_C(0x4330000000000000)) - 0x1p52;
    e = e - (is_small ? 1023.0 + 54.0 : 1023.0);
    double f = ftl_double_from_bits(u - ((k - 1023) << 52)) - 1.0;
    double s = f / (2.0 + f), z = s * s;
    double p = 0.14795949502747258;
    p = p * z + 0.1531405056328444;
    p = p * z + 0.18183564326069543;
    p = p * z + 0.22222198573177229;
    p = p * z + 0.28571428742387778;
    p = p * z + 0.39999999999414676;
    p = p * z + 0.6666666666666734;
    double tail = e * 0x1.473de6af278edp-34 - s * (f - z * p);
    double y = tail + f + e * 0x1.62e42fefp-1;
    y = x < (double)INFINITY ? y : x;
    y = x > 0.0 ? y : (double)NAN;
    return x == 0.0 ? -(double)INFINITY : y;
}

#endif
