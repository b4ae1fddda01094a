/* SPDX-License-Identifier: Apache-2.0
 *
 * AVX-512: e^x and what is made of it, for f32, sixteen at a time. The polynomial is that of
 * real_f32.h; the processor multiplies by 2^n with the right end of the range (vscalefps).
 * Included by tile_float.h in place of its own functions of these names.
 */
#ifndef FTL_ISA_EXP_AVX512_H
#define FTL_ISA_EXP_AVX512_H

#include <immintrin.h>

static ALWAYS_INLINE __m512 repeat(float x)
{
    return _mm512_set1_ps(x);
}

/* Comparisons give their second operand where one is nan. */
static ALWAYS_INLINE __m512 lanes_exp(__m512 x)
{
    x = _mm512_min_ps(repeat(89.0f), _mm512_max_ps(repeat(-104.0f), x));
    __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, repeat(0x1.715476p+0f)),
                                    _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = _mm512_fnmadd_ps(n, repeat(0x1.62ep-1f), x);
    r = _mm512_fnmadd_ps(n, repeat(0x1.0bfbe8p-15f), r);
    __m512 p = repeat(0.00138145988f);
    p = _mm512_fmadd_ps(p, r, repeat(0.00836871658f));
    p = _mm512_fmadd_ps(p, r, repeat(0.041668389f));
    p = _mm512_fmadd_ps(p, r, repeat(0.166665211f));
    p = _mm512_fmadd_ps(p, r, repeat(0.49999994f));
    __m512 q = _mm512_fmadd_ps(_mm512_mul_ps(p, r), r, r);
    return _mm512_scalef_ps(_mm512_add_ps(repeat(1), q), n);
}

static ALWAYS_INLINE __m512 over_one_and_exp(__m512 x, __m512 exponent)
{
    return _mm512_div_ps(x, _mm512_add_ps(repeat(1), lanes_exp(exponent)));
}

static ALWAYS_INLINE __m512 lanes_logistic(__m512 x)
{
    return over_one_and_exp(repeat(1), _mm512_sub_ps(repeat(0), x));
}

static ALWAYS_INLINE __m512 lanes_silu(__m512 x)
{
    return over_one_and_exp(x, _mm512_sub_ps(repeat(0), x));
}

/* (1 + tanh u) / 2 = 1 / (1 + e^(-2u)) */
static ALWAYS_INLINE __m512 lanes_gelu(__m512 x)
{
    const __m512 rate = repeat((float)-1.5957691216057308);
    const __m512 cubic = repeat((float)(-1.5957691216057308 * 0.044715));
    __m512 u = _mm512_fmadd_ps(_mm512_mul_ps(cubic, x), x, rate);
    return over_one_and_exp(x, _mm512_mul_ps(x, u));
}

static ALWAYS_INLINE __mmask16 first_lanes(size_t n)
{
    return (__mmask16)(n >= 16 ? 0xffff : (1u << n) - 1);
}

#define DEFINE_LANES_MAP1(name)                                                                    \
    static void map1_##name(void *dst, const void *a, size_t n)                                    \
    {                                                                                              \
        for (size_t i = 0; i < n; i += 16) {                                                       \
            __mmask16 some = first_lanes(n - i);                                                   \
            __m512 x = _mm512_maskz_loadu_ps(some, (const float *)a + i);                          \
            _mm512_mask_storeu_ps((float *)dst + i, some, lanes_##name(x));                        \
        }                                                                                          \
    }
DEFINE_LANES_MAP1(exp)
DEFINE_LANES_MAP1(logistic)
DEFINE_LANES_MAP1(silu)
DEFINE_LANES_MAP1(gelu)

/* The sum of n <= 1024 of them: 64 partial sums. */
static ALWAYS_INLINE __m512 exp_sum_chunk(float *y, const float *x, __m512 shift, size_t n)
{
    __m512 part[4] = {repeat(0), repeat(0), repeat(0), repeat(0)};
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        UNROLL(4)
        for (size_t p = 0; p < 4; p++) {
            __m512 e = lanes_exp(_mm512_sub_ps(_mm512_loadu_ps(x + i + 16 * p), shift));
            _mm512_storeu_ps(y + i + 16 * p, e);
            part[p] = _mm512_add_ps(part[p], e);
        }
    for (; i < n; i += 16) {
        __mmask16 some = first_lanes(n - i);
        __m512 e = lanes_exp(_mm512_sub_ps(_mm512_maskz_loadu_ps(some, x + i), shift));
        _mm512_mask_storeu_ps(y + i, some, e);
        part[0] = _mm512_mask_add_ps(part[0], some, part[0], e);
    }
    return _mm512_add_ps(_mm512_add_ps(part[0], part[1]), _mm512_add_ps(part[2], part[3]));
}

static double exp_sum(void *dst, const void *a, double shift, size_t n)
{
    __m512d low = _mm512_setzero_pd(), high = low;
    for (size_t i = 0; i < n; i += 1024) {
        size_t take = n - i < 1024 ? n - i : 1024;
        __m512 part = exp_sum_chunk((float *)dst + i, (const float *)a + i, repeat((float)shift),
                                    take);
        low = _mm512_add_pd(low, _mm512_cvtps_pd(_mm512_castps512_ps256(part)));
        high = _mm512_add_pd(high, _mm512_cvtps_pd(_mm512_extractf32x8_ps(part, 1)));
    }
    return _mm512_reduce_add_pd(_mm512_add_pd(low, high));
}

#endif
