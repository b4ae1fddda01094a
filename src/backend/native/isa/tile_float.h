/* SPDX-License-Identifier: Apache-2.0
 *
 * The tile table of a float type. The including file has included real_f32.h or real_f64.h,
 * defined `element` and TILE_DTYPE, and defines the table itself with FLOAT_ROWS. FLOAT_HAS_LANES:
 * the instruction set has functions of its own for some rows (exp_avx512.h).
 */
#ifndef FTL_ISA_TILE_FLOAT_H
#define FTL_ISA_TILE_FLOAT_H

#include "backend/native/isa/isa.h"

/* ---- one element ---- */

static ALWAYS_INLINE real one_neg(real x)
{
    return -x;
}

static ALWAYS_INLINE real one_abs(real x)
{
    return REAL(fabs)(x);
}

static ALWAYS_INLINE real one_square(real x)
{
    return x * x;
}

static ALWAYS_INLINE real one_sign(real x)
{
    real y = x > 0 ? (real)1 : (real)0;
    y = x < 0 ? (real)-1 : y;
    return x != x ? x : y;
}

static ALWAYS_INLINE real one_relu(real x)
{
    return x <= 0 ? (real)0 : x;
}

static ALWAYS_INLINE real one_floor(real x)
{
    return REAL(floor)(x);
}

static ALWAYS_INLINE real one_ceil(real x)
{
    return REAL(ceil)(x);
}

static ALWAYS_INLINE real one_round(real x)
{
    return REAL(nearbyint)(x);
}

static ALWAYS_INLINE real one_trunc(real x)
{
    return REAL(trunc)(x);
}

static ALWAYS_INLINE real one_sqrt(real x)
{
    return REAL(sqrt)(x);
}

static ALWAYS_INLINE real one_rsqrt(real x)
{
    return 1 / REAL(sqrt)(x);
}

static ALWAYS_INLINE real one_rcp(real x)
{
    return 1 / x;
}

/* Quarter turns: sin, cos, -sin, -cos. */
static ALWAYS_INLINE real sin_of_angle(real_angle a)
{
    real y = (a.turn & 1) ? real_cos_of(a.r) : real_sin_of(a.r);
    real_bits sign = (a.turn & 2) ? REAL_SIGN : 0;
    return real_from_bits(real_get_bits(y) ^ sign);
}

static ALWAYS_INLINE real one_sin(real x)
{
    return sin_of_angle(real_reduce_angle(x));
}

static ALWAYS_INLINE real one_cos(real x)
{
    real_angle a = real_reduce_angle(x);
    a.turn += 1;
    return sin_of_angle(a);
}

/* e^x - 1 without cancellation near 0; |x| < 80 */
static ALWAYS_INLINE real expm1_small(real x)
{
    real_power e = real_reduce_exp(x);
    real s = real_exp2(e.n);
    return s * e.q + (s - 1);
}

static ALWAYS_INLINE real with_sign_of(real magnitude, real x)
{
    return real_from_bits(real_get_bits(magnitude) | (real_get_bits(x) & REAL_SIGN));
}

/* tanh |x| = (e^2|x| - 1) / (e^2|x| + 1) */
static ALWAYS_INLINE real one_tanh(real x)
{
    real a = REAL(fabs)(x);
    a = a > REAL_TANH_END ? REAL_TANH_END : a;
    real m = expm1_small(2 * a);
    return with_sign_of(m / (m + 2), x);
}

/* erf |x| = 1 - e^(-|x| R(|x|)): the exponent is smooth where erf itself is not like a polynomial
 * */
static ALWAYS_INLINE real one_erf(real x)
{
    real a = REAL(fabs)(x);
    a = a > REAL_ERF_END ? REAL_ERF_END : a;
    return with_sign_of(REAL(fabs)(expm1_small(-a * real_erf_rate(a))), x);
}

static ALWAYS_INLINE real one_logistic(real x)
{
    return 1 / (1 + one_exp(-x));
}

static ALWAYS_INLINE real one_silu(real x)
{
    return x / (1 + one_exp(-x));
}

/* (1 + tanh u) / 2 = 1 / (1 + e^(-2u)) */
static ALWAYS_INLINE real one_gelu(real x)
{
    const real rate = (real)-1.5957691216057308, cubic = (real)(-1.5957691216057308 * 0.044715);
    return x / (1 + one_exp(x * (rate + cubic * x * x)));
}

static ALWAYS_INLINE real one_gelu_erf(real x)
{
    real half = (real)0.5 * x;
    return half + half * one_erf(x * (real)0.70710678118654752);
}

static ALWAYS_INLINE real one_add(real a, real b)
{
    return a + b;
}

static ALWAYS_INLINE real one_sub(real a, real b)
{
    return a - b;
}

static ALWAYS_INLINE real one_mul(real a, real b)
{
    return a * b;
}

static ALWAYS_INLINE real one_div(real a, real b)
{
    return a / b;
}

static ALWAYS_INLINE real one_min(real a, real b)
{
    return a < b || a != a ? a : b;
}

static ALWAYS_INLINE real one_max(real a, real b)
{
    return a > b || a != a ? a : b;
}

#include "backend/native/isa/tile.h"

/* ---- maps ---- */

/* sin and cos: arguments too large for the quick reduction of angles go to the library. */
static bool is_any_far(const real *x, size_t n)
{
    int far = 0;
    for (size_t i = 0; i < n; i++)
        far |= !(REAL(fabs)(x[i]) <= REAL_SIN_END);
    return far != 0;
}

static real far_sin(real x)
{
    return REAL(fabs)(x) <= REAL_SIN_END ? one_sin(x) : REAL(sin)(x);
}

static real far_cos(real x)
{
    return REAL(fabs)(x) <= REAL_SIN_END ? one_cos(x) : REAL(cos)(x);
}

#define DEFINE_ANGLE_MAP1(name)                                                                    \
    static void map1_##name(void *dst, const void *a, size_t n)                                    \
    {                                                                                              \
        if (!is_any_far(a, n)) {                                                                   \
            map1_near_##name(dst, a, n);                                                           \
            return;                                                                                \
        }                                                                                          \
        for (size_t i = 0; i < n; i++)                                                             \
            ((real *)dst)[i] = far_##name(((const real *)a)[i]);                                   \
    }

#define map1_sin map1_near_sin
#define map1_cos map1_near_cos
#if defined(FLOAT_HAS_LANES)
#define map1_exp map1_each_exp
#define map1_logistic map1_each_logistic
#define map1_silu map1_each_silu
#define map1_gelu map1_each_gelu
#endif
#define FTL_MAP1(NAME, name, types, text) DEFINE_MAP1(name)
#define FTL_MAP2(NAME, name, types, text) DEFINE_MAP2(name)
#include "backend/native/kernels.def"
#undef map1_sin
#undef map1_cos
#if defined(FLOAT_HAS_LANES)
#undef map1_exp
#undef map1_logistic
#undef map1_silu
#undef map1_gelu
#include "backend/native/isa/exp_avx512.h"
#endif
DEFINE_ANGLE_MAP1(sin)
DEFINE_ANGLE_MAP1(cos)

/* ---- sums ----
 * STEP partial sums, whatever the register's width, are joined in double at least once in CHUNK
 * elements. */

typedef real vec __attribute__((vector_size(ISA_VECTOR)));
enum { LANES = ISA_VECTOR / sizeof(real), STEP = 64, PARTS = STEP / LANES, CHUNK = 1024 };
typedef double wide __attribute__((vector_size(LANES * sizeof(double))));

typedef enum sum_kind { SUM_PLAIN, SUM_SQUARES, SUM_DEVIATIONS, SUM_PRODUCTS } sum_kind;

/* What is summed; kind is a constant wherever one is made. */
typedef struct terms {
    sum_kind kind;
    const real *a, *b; /* b: SUM_PRODUCTS */
    real shift;        /* SUM_DEVIATIONS */
} terms;

static ALWAYS_INLINE vec vec_load(const real *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

static ALWAYS_INLINE vec vec_term(const terms *t, size_t i)
{
    vec x = vec_load(t->a + i);
    if (t->kind == SUM_PRODUCTS)
        return x * vec_load(t->b + i);
    if (t->kind == SUM_DEVIATIONS)
        x = x - t->shift;
    return t->kind == SUM_PLAIN ? x : x * x;
}

static ALWAYS_INLINE double one_term(const terms *t, size_t i)
{
    double x = (double)t->a[i];
    if (t->kind == SUM_PRODUCTS)
        return x * (double)t->b[i];
    if (t->kind == SUM_DEVIATIONS)
        x = x - (double)t->shift;
    return t->kind == SUM_PLAIN ? x : x * x;
}

/* Adds n <= CHUNK elements; `rest` takes those that fill no register. */
static ALWAYS_INLINE void sum_chunk(const terms *t, size_t start, size_t n, wide *total,
                                    double *rest)
{
    vec part[PARTS] = {{0}};
    size_t i = start, end = start + n;
    for (; i + STEP <= end; i += STEP)
        UNROLL(16)
        for (size_t p = 0; p < PARTS; p++)
            part[p] += vec_term(t, i + p * LANES);
    for (; i + LANES <= end; i += LANES)
        part[0] += vec_term(t, i);
    for (; i < end; i++)
        *rest += one_term(t, i);
    for (int p = 1; p < PARTS; p++)
        part[0] += part[p];
    *total += __builtin_convertvector(part[0], wide);
}

static ALWAYS_INLINE double add_lanes(const wide *total)
{
    double part[LANES];
    memcpy(part, total, sizeof part);
    UNROLL(4)
    for (size_t n = LANES / 2; n > 0; n /= 2)
        UNROLL(8)
        for (size_t i = 0; i < n; i++)
            part[i] += part[i + n];
    return part[0];
}

static ALWAYS_INLINE double sum_all(const terms *t, size_t n)
{
    wide total = {0};
    double sum = 0;
    for (size_t i = 0; i < n; i += CHUNK)
        sum_chunk(t, i, n - i < CHUNK ? n - i : CHUNK, &total, &sum);
    return sum + add_lanes(&total);
}

static void fold_sum(void *acc, const void *a, size_t n)
{
    *(double *)acc += sum_all(&(terms){.kind = SUM_PLAIN, .a = a}, n);
}

static void fold_sumsq(void *acc, const void *a, size_t n)
{
    *(double *)acc += sum_all(&(terms){.kind = SUM_SQUARES, .a = a}, n);
}

static void fold_dot(void *acc, const void *a, const void *b, size_t n)
{
    *(double *)acc += sum_all(&(terms){.kind = SUM_PRODUCTS, .a = a, .b = b}, n);
}

static double deviation(const void *a, double shift, size_t n)
{
    return sum_all(&(terms){.kind = SUM_DEVIATIONS, .a = a, .shift = (real)shift}, n);
}

static void fold_prod(void *acc, const void *a, size_t n)
{
    const real *x = a;
    double part[8] = {1, 1, 1, 1, 1, 1, 1, 1}, total = *(double *)acc;
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t p = 0; p < 8; p++)
            part[p] *= (double)x[i + p];
    for (; i < n; i++)
        total *= (double)x[i];
    for (int p = 0; p < 8; p++)
        total *= part[p];
    *(double *)acc = total;
}

/* ---- largest and smallest ---- */

typedef __typeof__((vec){0} > (vec){0}) mask;

static ALWAYS_INLINE vec vec_choose(mask m, vec a, vec b)
{
    return (vec)((m & (mask)a) | (~m & (mask)b));
}

#if defined(FLOAT_HAS_LANES)
/* Comparisons give their second operand where one is nan. */
static ALWAYS_INLINE vec vec_max(vec a, vec b)
{
    __mmask16 is_nan = _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
    return _mm512_mask_mov_ps(_mm512_max_ps(a, b), is_nan, a);
}

static ALWAYS_INLINE vec vec_min(vec a, vec b)
{
    __mmask16 is_nan = _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
    return _mm512_mask_mov_ps(_mm512_min_ps(a, b), is_nan, a);
}

static ALWAYS_INLINE real vec_find_max(vec x)
{
    return _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q) ? NAN : _mm512_reduce_max_ps(x);
}

static ALWAYS_INLINE real vec_find_min(vec x)
{
    return _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q) ? NAN : _mm512_reduce_min_ps(x);
}
#else
#define DEFINE_VEC_FIND(name)                                                                      \
    static ALWAYS_INLINE real vec_find_##name(vec x)                                               \
    {                                                                                              \
        real y = x[0];                                                                             \
        for (size_t l = 1; l < LANES; l++)                                                         \
            y = one_##name(x[l], y);                                                               \
        return y;                                                                                  \
    }
DEFINE_VEC_FIND(max)
DEFINE_VEC_FIND(min)

static ALWAYS_INLINE vec vec_max(vec a, vec b)
{
    return vec_choose((a > b) | (a != a), a, b);
}

static ALWAYS_INLINE vec vec_min(vec a, vec b)
{
    return vec_choose((a < b) | (a != a), a, b);
}
#endif

#define DEFINE_EXTREME(name)                                                                       \
    static real find_##name(const real *x, size_t n)                                               \
    {                                                                                              \
        real y = x[0];                                                                             \
        size_t i = 0;                                                                              \
        if (n >= 4 * LANES) {                                                                      \
            vec part[4];                                                                           \
            for (size_t p = 0; p < 4; p++)                                                         \
                part[p] = vec_load(x + p * LANES);                                                 \
            for (i = 4 * LANES; i + 4 * LANES <= n; i += 4 * LANES)                                \
                UNROLL(4) for (size_t p = 0; p < 4; p++)                                           \
                    part[p] = vec_##name(vec_load(x + i + p * LANES), part[p]);                    \
            part[0] = vec_##name(vec_##name(part[0], part[1]), vec_##name(part[2], part[3]));      \
            y = one_##name(vec_find_##name(part[0]), y);                                           \
        }                                                                                          \
        for (; i < n; i++)                                                                         \
            y = one_##name(x[i], y);                                                               \
        return y;                                                                                  \
    }                                                                                              \
    static void fold_##name(void *acc, const void *a, size_t n)                                    \
    {                                                                                              \
        if (n == 0)                                                                                \
            return;                                                                                \
        *(double *)acc = join_##name((double)find_##name(a, n), *(double *)acc);                   \
    }

static double join_max(double a, double b)
{
    return a > b || a != a ? a : b;
}

static double join_min(double a, double b)
{
    return a < b || a != a ? a : b;
}

DEFINE_EXTREME(max)
DEFINE_EXTREME(min)

/* Whether one of STEP elements is `top`, or is nan when top is. */
static ALWAYS_INLINE bool is_in_step(const real *x, real top)
{
    int found = 0;
    if (top != top) {
        for (size_t i = 0; i < STEP; i++)
            found |= x[i] != x[i];
        return found != 0;
    }
    for (size_t i = 0; i < STEP; i++)
        found |= x[i] == top;
    return found != 0;
}

static size_t argmax(const void *a, size_t n)
{
    const real *x = a;
    const real top = find_max(x, n);
    size_t i = 0;
    while (i + STEP <= n && !is_in_step(x + i, top))
        i += STEP;
    while (i + 1 < n && !(x[i] == top || (top != top && x[i] != x[i])))
        i++;
    return i;
}

/* ---- rows ---- */

static void add_wide(double *acc, const void *a, size_t n)
{
    const real *x = a;
    VECTOR_LOOP
    for (size_t i = 0; i < n; i++)
        acc[i] += (double)x[i];
}

#if !defined(FLOAT_HAS_LANES)
static double exp_sum(void *dst, const void *a, double shift, size_t n)
{
    real *y = dst;
    const real *x = a, s = (real)shift;
    VECTOR_LOOP
    for (size_t i = 0; i < n; i++)
        y[i] = one_exp(x[i] - s);
    return sum_all(&(terms){.kind = SUM_PLAIN, .a = y}, n);
}
#endif

static void normalize(void *dst, const void *a, const double shift_scale[2],
                      const void *const gain_bias[2], size_t n)
{
    real *y = dst;
    const real *x = a, *gain = gain_bias[0], *bias = gain_bias[1];
    const real shift = (real)shift_scale[0], scale = (real)shift_scale[1];
    if (gain && bias) {
        VECTOR_LOOP
        for (size_t i = 0; i < n; i++)
            y[i] = (x[i] - shift) * scale * gain[i] + bias[i];
        return;
    }
    VECTOR_LOOP
    for (size_t i = 0; i < n; i++)
        y[i] = (x[i] - shift) * scale;
    if (gain)
        map2_mul_vv(y, y, gain, n);
    if (bias)
        map2_add_vv(y, y, bias, n);
}

#define FLOAT_ROWS                                                                                 \
    .fma = {fma_vvv, fma_vvs, fma_vsv, fma_vss}, .select = FORM2_ROW(select), .dot = fold_dot,     \
    LOAD_STORE_ROWS .fill = fill, .iota = iota, .gather = gather, .argmax = argmax,                \
    .add_wide = add_wide, .exp_sum = exp_sum, .deviation = deviation, .normalize = normalize,

#endif
