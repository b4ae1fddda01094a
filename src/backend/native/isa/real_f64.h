/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions that tile_float.h asks for, of one double. As in real_f32.h.
 */
#ifndef FTL_ISA_REAL_F64_H
#define FTL_ISA_REAL_F64_H

#include "backend/native/isa/math_f64.h"

typedef double real;
typedef uint64_t real_bits;
#define REAL(x) x
#define REAL_SIGN UINT64_C(0x8000000000000000)
#define REAL_TANH_END 19.1  /* tanh is 1 from here on */
#define REAL_ERF_END 5.95   /* erf is 1 from here on, and the polynomial ends */
#define REAL_SIN_END 1e6    /* the reduction of angles is exact enough up to here */

static ALWAYS_INLINE real real_from_bits(real_bits u)
{
    return ftl_double_from_bits(u);
}

static ALWAYS_INLINE real_bits real_get_bits(real x)
{
    return ftl_double_get_bits(x);
}

typedef f64_power real_power;

static ALWAYS_INLINE real_power real_reduce_exp(real x)
{
    return f64_reduce_exp(x);
}

static ALWAYS_INLINE real real_exp2(int64_t n)
{
    return f64_exp2(n);
}

static ALWAYS_INLINE real one_exp(real x)
{
    return f64_exp(x);
}

static ALWAYS_INLINE real one_log(real x)
{
    return f64_log(x);
}

typedef struct real_angle {
    real r;         /* in [-pi/4, pi/4] */
    real_bits turn; /* quarter turns, modulo 2^32 */
} real_angle;

/* pi/2 in three parts; the first two have 33 bits, so that their products with n < 2^20 are exact
 * [Cody and Waite, Software Manual for the Elementary Functions, 1980]. */
static ALWAYS_INLINE real_angle real_reduce_angle(real x)
{
    double t = x * 0x1.45f306dc9c883p-1 + 0x1.8p52;
    double n = t - 0x1.8p52;
    double r = x - n * 0x1.921fb544p+0;
    r = r - n * 0x1.0b4611a6p-34;
    r = r - n * 0x1.3198a2e037073p-69;
    return (real_angle){r, ftl_double_get_bits(t)};
}

/* The sign matters for -0 alone. */
static ALWAYS_INLINE real real_sin_of(real r)
{
    real z = r * r;
    real p = 1.5896795677126807e-10;
    p = p * z - 2.5050758115644303e-08;
    p = p * z + 2.7557313691920163e-06;
    p = p * z - 0.00019841269829807813;
    p = p * z + 0.0083333333333224131;
    p = p * z - 0.16666666666666632;
    return real_from_bits(real_get_bits(p * z * r + r) | (real_get_bits(r) & REAL_SIGN));
}

static ALWAYS_INLINE real real_cos_of(real r)
{
    real z = r * r;
    real p = -1.1359647740447563e-11;
    p = p * z + 2.0875723272020458e-09;
    p = p * z - 2.7557314352323929e-07;
    p = p * z + 2.4801587289482154e-05;
    p = p * z - 0.0013888888888874125;
    p = p * z + 0.041666666666666602;
    real half = 0.5 * z, first = 1.0 - half;
    return p * z * z + ((1.0 - first) - half) + first;
}

/* R with erf(x) = 1 - exp(-x R(x)), 0 <= x <= REAL_ERF_END */
static ALWAYS_INLINE real real_erf_rate(real x)
{
    static const double c[] = {
        1.1283791670955126,      0.63661977236761158,     0.10277260330005893,
        -0.019128446963044474,   -0.00020919523048118076, 0.0016962105308720894,
        -0.00059014681605327156, 2.5955213483031588e-05,  6.4290000521169204e-05,
        -2.9323524720458422e-05, 2.795846869153435e-06,   3.5647024099766524e-06,
        -2.4298110658733912e-06, 8.5372285140126679e-07,  -1.7409648077656904e-07,
        8.3715855356835747e-09,  7.7826729728027193e-09,  -3.1532548488142502e-09,
        6.8113167191833544e-10,  -9.5488611431771663e-11, 8.721737621190346e-12,
        -4.7552909312344742e-13, 1.1801237166075667e-14,
    };
    double p = c[22];
    UNROLL(22)
    for (int i = 21; i >= 0; i--)
        p = p * x + c[i];
    return p;
}

/* Needs more than double precision inside; the library's is as good as any loop of ours. */
static ALWAYS_INLINE real one_pow(real x, real y)
{
    return pow(x, y);
}

#endif
