/* SPDX-License-Identifier: Apache-2.0
 *
 * Every tile kernel of every instruction set that this machine runs, against plain loops with the C
 * library in long double: all lengths from 0 to 67, several offsets from alignment, in place too.
 */
#include "backend/native/kernels.h"
#include "base/dtype.h"
#include "base/random.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LENGTHS = 68, ROOM = 4200 };

static const ftl_kernels *tables[FTL_ISA_COUNT];
static size_t n_tables;

static int find_tables(void **state)
{
    (void)state;
    for (int isa = 0; isa < FTL_ISA_COUNT; isa++) {
        const ftl_kernels *k = ftl_kernels_find((ftl_isa)isa);
        if (k)
            tables[n_tables++] = k;
    }
    return n_tables > 0 ? 0 : -1;
}

/* Runs check(kernels, tile, n) for every table, the first n_tiles compute types, every length. */
static void for_lengths(int n_tiles, void (*check)(const ftl_kernels *, ftl_tile, size_t))
{
    for (size_t k = 0; k < n_tables; k++)
        for (int t = 0; t < n_tiles; t++)
            for (size_t n = 0; n < LENGTHS; n++)
                check(tables[k], (ftl_tile)t, n);
}

enum { FLOATS = FTL_TILE_F64 + 1 };

/* ---- tiles as numbers ---- */

/* long double holds every i64. */
static long double get(ftl_tile t, const void *p, size_t i)
{
    switch (t) {
    case FTL_TILE_F32: return (long double)((const float *)p)[i];
    case FTL_TILE_F64: return (long double)((const double *)p)[i];
    case FTL_TILE_I32: return (long double)((const int32_t *)p)[i];
    default: return (long double)((const int64_t *)p)[i];
    }
}

static void put(ftl_tile t, void *p, size_t i, double x)
{
    ftl_dtype_put_double(ftl_tile_get_dtype(t), (char *)p + i * ftl_tile_get_size(t), x);
}

static const char *name_of(ftl_tile t)
{
    return ftl_dtype_get_name(ftl_tile_get_dtype(t));
}

static bool is_float_tile(ftl_tile t)
{
    return t == FTL_TILE_F32 || t == FTL_TILE_F64;
}

static long double tolerance(ftl_tile t)
{
    return t == FTL_TILE_F32 ? 4e-7L : t == FTL_TILE_F64 ? 1e-15L : 0;
}

static long double least_normal(ftl_tile t)
{
    return t == FTL_TILE_F32 ? 0x1p-126L : 0x1p-1022L;
}

static long double greatest(ftl_tile t)
{
    return t == FTL_TILE_F32 ? 0x1.fffffep127L : 0x1.fffffffffffffp1023L;
}

/* Within the tolerance, relative; absolute below the least normal number; infinities and nan
 * alike. */
static bool is_near(ftl_tile t, long double want, long double got)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    if (is_float_tile(t) && fabsl(want) > greatest(t))
        return fabsl(got) >= greatest(t) && (want > 0) == (got > 0);
    return fabsl(want - got) <= fmaxl(fabsl(want), least_normal(t)) * tolerance(t);
}

/* Numbers of both signs and many sizes; whole tiles get small ones. */
static double draw(ftl_tile t, uint64_t i)
{
    double u[2];
    ftl_random_fill_f64((ftl_random){1, 2}, 2 * i, u, 2);
    if (!is_float_tile(t))
        return floor((u[0] - 0.5) * 200);
    return (u[0] - 0.5) * exp2(floor(u[1] * 12) - 4);
}

static const double specials[] = {
    0.0,   -0.0,  1.0,      -1.0,      0.5,   -0.5,   2.0,        -2.0,       2.5,  -2.5,
    3.0,   -3.0,  (double)NAN, (double)INFINITY, -(double)INFINITY, 1e-30, -1e-30, 1e30, -1e30,
    88.0,
    -88.0, 89.0,  -104.0,   1e-45,     1e-310, 709.5, -745.0,     -750.0,     711.0, 0.6931,
    1.5707964, 3.1415927, 1e5, -1e5,   1e7,   -3e9,   1e-40,      8388609.0,  4.0,  16777217.0,
    9.1,   19.0,  5.9,      300.0,     -129.0, 2147483648.0, 9.3e18, 65519.0, 65520.0, 6e-8,
};
enum { SPECIALS = FTL_COUNT(specials) };

/* ---- references ---- */

static long double ref_neg(long double x) { return -x; }
static long double ref_abs(long double x) { return fabsl(x); }
static long double ref_square(long double x) { return x * x; }
static long double ref_sign(long double x) { return isnan(x) ? x : (x > 0) - (x < 0); }
static long double ref_relu(long double x) { return isnan(x) || x > 0 ? x : 0; }
static long double ref_floor(long double x) { return floorl(x); }
static long double ref_ceil(long double x) { return ceill(x); }
static long double ref_round(long double x) { return nearbyintl(x); }
static long double ref_trunc(long double x) { return truncl(x); }
static long double ref_sqrt(long double x) { return sqrtl(x); }
static long double ref_rsqrt(long double x) { return 1 / sqrtl(x); }
static long double ref_rcp(long double x) { return 1 / x; }
static long double ref_exp(long double x) { return expl(x); }
static long double ref_log(long double x) { return logl(x); }
static long double ref_sin(long double x) { return sinl(x); }
static long double ref_cos(long double x) { return cosl(x); }
static long double ref_tanh(long double x) { return tanhl(x); }
static long double ref_erf(long double x) { return erfl(x); }
static long double ref_logistic(long double x) { return 1 / (1 + expl(-x)); }
static long double ref_silu(long double x) { return x / (1 + expl(-x)); }
static long double ref_gelu(long double x)
{
    return x / (1 + expl(-1.59576912160573071176L * (x + 0.044715L * x * x * x)));
}
static long double ref_gelu_erf(long double x)
{
    return x * (1 + erfl(x * 0.707106781186547524400844362104849L)) / 2;
}
static long double ref_add(long double a, long double b) { return a + b; }
static long double ref_sub(long double a, long double b) { return a - b; }
static long double ref_mul(long double a, long double b) { return a * b; }
static long double ref_div(long double a, long double b) { return a / b; }
static long double ref_pow(long double a, long double b) { return powl(a, b); }
static long double ref_min(long double a, long double b)
{
    return isnan(a) || isnan(b) ? (long double)NAN : a < b ? a : b;
}
static long double ref_max(long double a, long double b)
{
    return isnan(a) || isnan(b) ? (long double)NAN : a > b ? a : b;
}

static const struct {
    const char *name;
    long double (*f)(long double x);
} references_1[FTL_MAP1_COUNT] = {
#define FTL_MAP1(NAME, name, types, text) {#name, ref_##name},
#include "backend/native/kernels.def"
};

static const struct {
    const char *name;
    long double (*f)(long double a, long double b);
} references_2[FTL_MAP2_COUNT] = {
#define FTL_MAP2(NAME, name, types, text) {#name, ref_##name},
#include "backend/native/kernels.def"
};

/* ---- unary ---- */

/* sin, cos and the erf form of gelu are good absolutely; the quotients by 1 + e^u lose |u| ulps of
 * e^u where it dominates, and may underflow early. */
static long double get_bound(ftl_tile t, int op, long double x, long double want)
{
    long double bound = tolerance(t) * fabsl(want);
    if (op == FTL_MAP1_SIN || op == FTL_MAP1_COS || op == FTL_MAP1_GELU_ERF)
        return tolerance(t) * fmaxl(1, fabsl(want));
    if (op == FTL_MAP1_GELU && x < 0)
        return bound * fmaxl(1, -x * x * x / 8) + 1e3L * least_normal(t);
    if (op == FTL_MAP1_LOGISTIC || op == FTL_MAP1_SILU)
        return bound + fmaxl(1, fabsl(x)) * least_normal(t);
    return bound;
}

static void expect_map1(ftl_tile t, int op, long double x, long double got)
{
    long double want = references_1[op].f(x);
    if (isinf(x) && x < 0 && (op == FTL_MAP1_GELU || op == FTL_MAP1_SILU))
        want = (long double)NAN;
    if (op == FTL_MAP1_GELU_ERF && isinf(x) && x < 0)
        want = (long double)NAN;
    if (!is_near(t, want, got) && !(fabsl(want - got) <= get_bound(t, op, x, want)))
        fail_msg("%s %s(%.17Lg): want %.17Lg, got %.17Lg", name_of(t), references_1[op].name, x,
                 want, got);
}

static void check_map1_op(ftl_map1_fn *f, ftl_tile t, int op, size_t n)
{
    size_t size = ftl_tile_get_size(t);
    _Alignas(64) char in_room[80 * 8], out_room[80 * 8];
    char *in = in_room + n % 5 * size, *out = out_room + n % 3 * size;
    memset(out_room, 0x55, sizeof out_room);
    for (size_t i = 0; i < n; i++)
        put(t, in, i, draw(t, i + n * 100));
    f(out, in, n);
    for (size_t i = 0; i < n; i++)
        expect_map1(t, op, get(t, in, i), get(t, out, i));
    for (char *p = out_room; p < out; p++)
        assert_int_equal(*p, 0x55);
    for (char *p = out + n * size; p < out_room + sizeof out_room; p++)
        assert_int_equal(*p, 0x55);
    f(in, in, n);
    assert_memory_equal(in, out, n * size);
}

static void check_map1(const ftl_kernels *k, ftl_tile t, size_t n)
{
    for (int op = 0; op < FTL_MAP1_COUNT; op++)
        if (k->tile[t]->map1[op])
            check_map1_op(k->tile[t]->map1[op], t, op, n);
}

static void test_map1(void **state)
{
    (void)state;
    for_lengths(FTL_TILE_COUNT, check_map1);
}

static void check_map1_values(const ftl_kernels *k, ftl_tile t, int op, const double *in, size_t n)
{
    static double x[ROOM], y[ROOM];
    for (size_t i = 0; i < n; i++)
        put(t, x, i, in[i]);
    k->tile[t]->map1[op](y, x, n);
    for (size_t i = 0; i < n; i++)
        expect_map1(t, op, get(t, x, i), get(t, y, i));
}

static void test_map1_specials(void **state)
{
    (void)state;
    for (size_t k = 0; k < n_tables; k++)
        for (int t = 0; t < FLOATS; t++)
            for (int op = 0; op < FTL_MAP1_COUNT; op++)
                check_map1_values(tables[k], (ftl_tile)t, op, specials, SPECIALS);
}

/* A simulated processor may have long doubles of 64 bits, which are no reference for doubles, and
 * round a zero without its sign (valgrind). */
static void skip_on_simulation(void)
{
    volatile long double one = 1, small = 0x1p-60L;
    if (one + small == one)
        unit_skip("long doubles are simulated here and too coarse");
}

/* Zeros keep their sign where the function is odd. */
static void test_map1_signed_zeros(void **state)
{
    (void)state;
    skip_on_simulation();
    static const int odd[] = {FTL_MAP1_SIN, FTL_MAP1_TANH, FTL_MAP1_ERF, FTL_MAP1_FLOOR,
                              FTL_MAP1_SQRT};
    float x[20], y[20];
    for (int i = 0; i < 20; i++)
        x[i] = i % 2 ? -0.0f : 0.0f;
    for (size_t k = 0; k < n_tables; k++)
        for (size_t op = 0; op < FTL_COUNT(odd); op++) {
            tables[k]->tile[FTL_TILE_F32]->map1[odd[op]](y, x, 20);
            for (int i = 0; i < 20; i++)
                assert_true(y[i] == 0 && (signbit(y[i]) != 0) == (i % 2));
        }
}

/* The stated accuracy over the range of each function. */
static void test_map1_accuracy(void **state)
{
    (void)state;
    static const struct {
        int op;
        double lo, hi;
    } ranges[] = {
        {FTL_MAP1_EXP, -87, 88},      {FTL_MAP1_LOG, 1e-30, 4},      {FTL_MAP1_LOG, 0.5, 1e30},
        {FTL_MAP1_LOG, 0.99, 1.01},   {FTL_MAP1_TANH, -10, 10},      {FTL_MAP1_TANH, -0.01, 0.01},
        {FTL_MAP1_ERF, -4.5, 4.5},    {FTL_MAP1_ERF, -0.1, 0.1},     {FTL_MAP1_LOGISTIC, -80, 40},
        {FTL_MAP1_SIN, -10, 10},      {FTL_MAP1_COS, -10, 10},       {FTL_MAP1_SIN, -9e5, 9e5},
        {FTL_MAP1_COS, -9e5, 9e5},    {FTL_MAP1_SIN, -0.5, 0.5},     {FTL_MAP1_SILU, -20, 20},
        {FTL_MAP1_GELU, -4, 10},      {FTL_MAP1_GELU_ERF, -6, 10},   {FTL_MAP1_RSQRT, 1e-3, 1e3},
        {FTL_MAP1_ERF, 5, 6.5},       {FTL_MAP1_TANH, 8.5, 20},
    };
    static double in[ROOM];
    for (size_t r = 0; r < FTL_COUNT(ranges); r++) {
        for (size_t i = 0; i < ROOM; i++)
            in[i] = ranges[r].lo + (ranges[r].hi - ranges[r].lo) * (double)i / ROOM;
        for (size_t k = 0; k < n_tables; k++)
            for (int t = 0; t < FLOATS; t++)
                check_map1_values(tables[k], (ftl_tile)t, ranges[r].op, in, ROOM);
    }
}

/* ---- binary ---- */

static long double whole_map2(int op, long double a, long double b)
{
    if (op == FTL_MAP2_DIV)
        return b == 0 ? 0 : truncl(a / b);
    if (op == FTL_MAP2_POW && b < 0)
        return a == 0 ? 0 : truncl(powl(a, b));
    return references_2[op].f(a, b);
}

static void expect_map2(ftl_tile t, int op, const long double ab[2], long double got)
{
    long double want = is_float_tile(t) ? references_2[op].f(ab[0], ab[1])
                                        : whole_map2(op, ab[0], ab[1]);
    if (!is_near(t, want, got))
        fail_msg("%s %s(%.17Lg, %.17Lg): want %.17Lg, got %.17Lg", name_of(t),
                 references_2[op].name, ab[0], ab[1], want, got);
}

static double draw_right(ftl_tile t, int op, uint64_t i)
{
    double x = draw(t, i + 977);
    return op == FTL_MAP2_POW && !is_float_tile(t) ? fmod(x, 5) : x;
}

static void check_map2_op(const ftl_kernels *k, ftl_tile t, int op, size_t n)
{
    size_t size = ftl_tile_get_size(t);
    _Alignas(64) char a_room[80 * 8], b_room[80 * 8], out[80 * 8];
    char *a = a_room + n % 3 * size, *b = b_room + n % 2 * size;
    for (size_t i = 0; i <= n; i++) {
        put(t, a, i, draw(t, i + n * 100));
        put(t, b, i, draw_right(t, op, i + n * 100));
    }
    for (int form = 0; form < FTL_FORM2_COUNT; form++) {
        k->tile[t]->map2[op][form](out, a, b, n);
        for (size_t i = 0; i < n; i++) {
            long double ab[2] = {get(t, a, form == FTL_FORM_SV ? 0 : i),
                                 get(t, b, form == FTL_FORM_VS ? 0 : i)};
            expect_map2(t, op, ab, get(t, out, i));
        }
    }
    k->tile[t]->map2[op][FTL_FORM_VV](out, a, b, n);
    k->tile[t]->map2[op][FTL_FORM_VV](b, a, b, n);
    assert_memory_equal(b, out, n * size);
}

static void check_map2(const ftl_kernels *k, ftl_tile t, size_t n)
{
    for (int op = 0; op < FTL_MAP2_COUNT; op++)
        check_map2_op(k, t, op, n);
}

static void test_map2(void **state)
{
    (void)state;
    skip_on_simulation();
    for_lengths(FTL_TILE_COUNT, check_map2);
}

static void check_map2_values(const ftl_kernels *k, ftl_tile t, int op, const double *a,
                              const double *b)
{
    double x[SPECIALS], z[SPECIALS], y[SPECIALS];
    for (size_t i = 0; i < SPECIALS; i++) {
        put(t, x, i, a[i]);
        put(t, z, i, b[i]);
    }
    k->tile[t]->map2[op][FTL_FORM_VV](y, x, z, SPECIALS);
    for (size_t i = 0; i < SPECIALS; i++)
        expect_map2(t, op, (long double[]){get(t, x, i), get(t, z, i)}, get(t, y, i));
}

/* Every pair of special values. */
static void test_map2_specials(void **state)
{
    (void)state;
    skip_on_simulation();
    double turned[SPECIALS];
    for (size_t shift = 0; shift < SPECIALS; shift++) {
        for (size_t i = 0; i < SPECIALS; i++)
            turned[i] = specials[(i + shift) % SPECIALS];
        for (size_t k = 0; k < n_tables; k++)
            for (int t = 0; t < FLOATS; t++)
                for (int op = 0; op < FTL_MAP2_COUNT; op++)
                    check_map2_values(tables[k], (ftl_tile)t, op, specials, turned);
    }
}

static void test_pow_accuracy(void **state)
{
    (void)state;
    skip_on_simulation();
    double a[SPECIALS], b[SPECIALS];
    for (uint64_t round = 0; round < 100; round++) {
        for (size_t i = 0; i < SPECIALS; i++) {
            a[i] = fabs(draw(FTL_TILE_F64, i + 1000 * round)) + 1e-3;
            b[i] = draw(FTL_TILE_F64, i + 1000 * round + 500) / 16;
        }
        for (size_t k = 0; k < n_tables; k++)
            for (int t = 0; t < FLOATS; t++)
                check_map2_values(tables[k], (ftl_tile)t, FTL_MAP2_POW, a, b);
    }
}

static void test_whole_limits(void **state)
{
    (void)state;
    for (size_t k = 0; k < n_tables; k++) {
        const ftl_tile_kernels *f = tables[k]->tile[FTL_TILE_I32];
        int32_t a[3] = {INT32_MIN, INT32_MAX, 7}, b[3] = {-1, 1, 0}, y[3];
        f->map2[FTL_MAP2_DIV][FTL_FORM_VV](y, a, b, 3);
        assert_true(y[0] == INT32_MIN && y[1] == INT32_MAX && y[2] == 0);
        f->map2[FTL_MAP2_ADD][FTL_FORM_VV](y, a, b, 3);
        assert_true(y[0] == INT32_MAX && y[1] == INT32_MIN && y[2] == 7);
        f->map1[FTL_MAP1_NEG](y, a, 3);
        assert_true(y[0] == INT32_MIN && y[1] == -INT32_MAX && y[2] == -7);
    }
}

/* ---- compare, select, fma ---- */

static bool compares(int op, long double a, long double b)
{
    switch (op) {
    case FTL_COMPARE_EQ: return a == b;
    case FTL_COMPARE_NE: return a != b;
    case FTL_COMPARE_LT: return a < b;
    default: return a <= b;
    }
}

static double draw_tie(ftl_tile t, uint64_t i)
{
    return is_float_tile(t) && i % 7 == 3 ? (double)NAN : floor(draw(t, i) / 4);
}

static void check_compare(const ftl_kernels *k, ftl_tile t, size_t n)
{
    double a[LENGTHS + 1], b[LENGTHS + 1];
    uint8_t out[LENGTHS + 1];
    for (size_t i = 0; i <= n; i++) {
        put(t, a, i, draw_tie(t, i + n));
        put(t, b, i, i % 3 ? draw_tie(t, i + 500) : (double)get(t, a, i));
    }
    for (int op = 0; op < FTL_COMPARE_COUNT; op++)
        for (int form = 0; form < FTL_FORM2_COUNT; form++) {
            out[n] = 77;
            k->tile[t]->compare[op][form](out, a, b, n);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(out[i], compares(op, get(t, a, form == FTL_FORM_SV ? 0 : i),
                                                  get(t, b, form == FTL_FORM_VS ? 0 : i)));
            assert_int_equal(out[n], 77);
        }
}

static void check_select(const ftl_kernels *k, ftl_tile t, size_t n)
{
    double a[LENGTHS + 1], b[LENGTHS + 1], out[LENGTHS + 1];
    uint8_t c[LENGTHS + 1];
    for (size_t i = 0; i <= n; i++) {
        put(t, a, i, draw(t, i));
        put(t, b, i, draw(t, i + 500));
        c[i] = (uint8_t)((i * 5 + n) % 3 == 0);
    }
    for (int form = 0; form < FTL_FORM2_COUNT; form++) {
        k->tile[t]->select[form](out, c, a, b, n);
        for (size_t i = 0; i < n; i++)
            assert_true(get(t, out, i) == (c[i] ? get(t, a, form == FTL_FORM_SV ? 0 : i)
                                                : get(t, b, form == FTL_FORM_VS ? 0 : i)));
    }
}

static void check_fma(const ftl_kernels *k, ftl_tile t, size_t n)
{
    double a[LENGTHS + 1], b[LENGTHS + 1], c[LENGTHS + 1], out[LENGTHS + 1];
    for (size_t i = 0; i <= n; i++) {
        put(t, a, i, draw(t, i));
        put(t, b, i, draw(t, i + 500));
        put(t, c, i, draw(t, i + 900));
    }
    for (int form = 0; form < FTL_FORM3_COUNT; form++) {
        bool is_b = form == FTL_FORM_VVV || form == FTL_FORM_VVS;
        bool is_c = form == FTL_FORM_VVV || form == FTL_FORM_VSV;
        k->tile[t]->fma[form](out, a, b, c, n);
        for (size_t i = 0; i < n; i++) {
            long double p = get(t, a, i) * get(t, b, is_b ? i : 0), q = get(t, c, is_c ? i : 0);
            long double bound = (fabsl(p) + fabsl(q)) * tolerance(t);
            assert_true(fabsl(p + q - get(t, out, i)) <= bound);
        }
    }
}

static void test_compare_select_fma(void **state)
{
    (void)state;
    for_lengths(FTL_TILE_COUNT, check_compare);
    for_lengths(FTL_TILE_COUNT, check_select);
    for_lengths(FTL_TILE_COUNT, check_fma);
}

/* ---- folds ---- */

typedef union accumulator {
    double f;
    int64_t i;
} accumulator;

static long double get_acc(ftl_tile t, accumulator acc)
{
    return is_float_tile(t) ? (long double)acc.f : (long double)acc.i;
}

static long double fold_step(int op, long double acc, long double x)
{
    switch (op) {
    case FTL_FOLD_SUM: return acc + x;
    case FTL_FOLD_PROD: return acc * x;
    case FTL_FOLD_MAX: return ref_max(acc, x);
    case FTL_FOLD_MIN: return ref_min(acc, x);
    default: return acc + x * x;
    }
}

/* Factors whose product stays small. */
static double draw_factor(ftl_tile t, uint64_t i)
{
    return is_float_tile(t) ? 1 + draw(t, i) / 1e5 : i % 3 == 1 ? -1 : i % 16 == 0 ? 2 : 1;
}

static void check_fold(const ftl_kernels *k, ftl_tile t, int op, size_t n)
{
    static double room[ROOM];
    char *a = (char *)room + n % 4 * ftl_tile_get_size(t);
    accumulator acc = {.i = 3};
    if (is_float_tile(t))
        acc.f = 3;
    long double want = 3, magnitude = 3;
    for (size_t i = 0; i < n; i++) {
        put(t, a, i, op == FTL_FOLD_PROD ? draw_factor(t, i) : draw(t, i + n));
        long double x = get(t, a, i);
        want = fold_step(op, want, x);
        magnitude += op == FTL_FOLD_SUMSQ ? x * x : fabsl(x);
    }
    k->tile[t]->fold[op](&acc, a, n);
    long double bound = op == FTL_FOLD_MAX || op == FTL_FOLD_MIN ? 0 : tolerance(t);
    if (!(fabsl(want - get_acc(t, acc)) <= magnitude * bound))
        fail_msg("%s fold %d of %zu: want %.17Lg, got %.17Lg", name_of(t), op, n, want,
                 get_acc(t, acc));
}

static void check_folds(const ftl_kernels *k, ftl_tile t, size_t n)
{
    for (int op = 0; op < FTL_FOLD_COUNT; op++)
        check_fold(k, t, op, n);
    for (int op = 0; n == 0 && op < FTL_FOLD_COUNT; op++)
        if (op != FTL_FOLD_PROD || is_float_tile(t)) {
            check_fold(k, t, op, 1000);
            check_fold(k, t, op, 4170);
        }
}

static void test_folds(void **state)
{
    (void)state;
    for_lengths(FTL_TILE_COUNT, check_folds);
}

/* nan anywhere, and in the value so far, wins over everything. */
static void test_extremes_of_nan(void **state)
{
    (void)state;
    float x[200];
    for (size_t k = 0; k < n_tables; k++)
        for (size_t place = 0; place < 200; place++) {
            double most = -(double)INFINITY, least = (double)INFINITY;
            for (size_t i = 0; i < 200; i++)
                x[i] = i == place ? NAN : (float)(i % 17);
            const ftl_tile_kernels *f = tables[k]->tile[FTL_TILE_F32];
            f->fold[FTL_FOLD_MAX](&most, x, 200);
            f->fold[FTL_FOLD_MIN](&least, x, 200);
            assert_true(isnan(most) && isnan(least));
            assert_int_equal(f->argmax(x, 200), place);
            x[place] = 0;
            f->fold[FTL_FOLD_MAX](&most, x, 200);
            f->fold[FTL_FOLD_MIN](&least, x, 200);
            assert_true(isnan(most) && isnan(least));
        }
}

static void test_extremes_of_infinities(void **state)
{
    (void)state;
    double x[150];
    for (size_t i = 0; i < 150; i++)
        x[i] = -(double)INFINITY;
    for (size_t k = 0; k < n_tables; k++)
        for (size_t n = 1; n < 150; n++) {
            double most = -(double)INFINITY, least = (double)INFINITY;
            const ftl_tile_kernels *f = tables[k]->tile[FTL_TILE_F64];
            f->fold[FTL_FOLD_MAX](&most, x, n);
            f->fold[FTL_FOLD_MIN](&least, x, n);
            assert_true(isinf(most) && most < 0 && isinf(least) && least < 0);
            assert_int_equal(f->argmax(x, n), 0);
        }
}

static void check_argmax_and_dot(const ftl_kernels *k, ftl_tile t, size_t n)
{
    double a[LENGTHS * 3], b[LENGTHS * 3];
    size_t top = 0;
    long double want = 0, magnitude = 0;
    accumulator acc = {.i = 0};
    n = 3 * n + 1;
    for (size_t i = 0; i < n; i++) {
        put(t, a, i, floor(draw(t, i * 3 + n) / 8));
        put(t, b, i, draw(t, i + 300));
        top = get(t, a, i) > get(t, a, top) ? i : top;
        want += get(t, a, i) * get(t, b, i);
        magnitude += fabsl(get(t, a, i) * get(t, b, i));
    }
    assert_int_equal(k->tile[t]->argmax(a, n), top);
    k->tile[t]->dot(&acc, a, b, n);
    assert_true(fabsl(want - get_acc(t, acc)) <= magnitude * tolerance(t));
}

static void test_argmax_and_dot(void **state)
{
    (void)state;
    for_lengths(FTL_TILE_COUNT, check_argmax_and_dot);
}

/* Rounding errors must not pile up: a million times 0.1f. */
static void test_sum_error(void **state)
{
    (void)state;
    enum { N = 1000000 };
    float *x = malloc(N * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < N; i++)
        x[i] = 0.1f;
    for (size_t k = 0; k < n_tables; k++) {
        double sum = 0;
        tables[k]->tile[FTL_TILE_F32]->fold[FTL_FOLD_SUM](&sum, x, N);
        assert_true(fabs(sum / (N * (double)0.1f) - 1) < 4e-7);
    }
    free(x);
}

/* ---- rows ---- */

static void check_exp_and_deviation(const ftl_kernels *k, ftl_tile t, size_t n)
{
    double a[LENGTHS], out[LENGTHS], wide[LENGTHS];
    const ftl_tile_kernels *f = k->tile[t];
    long double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        put(t, a, i, draw(t, i + n) / 8);
        wide[i] = (double)i;
        sum += expl(get(t, a, i) - 0.75L);
        squares += (get(t, a, i) - 0.5L) * (get(t, a, i) - 0.5L);
    }
    assert_true(fabsl(f->exp_sum(out, a, 0.75, n) - sum) <= 20 * tolerance(t) * sum);
    for (size_t i = 0; i < n; i++)
        assert_true(fabsl(get(t, out, i) - expl(get(t, a, i) - 0.75L)) <=
                    20 * tolerance(t) * get(t, out, i));
    assert_true(fabsl(f->deviation(a, 0.5, n) - squares) <= 4 * tolerance(t) * squares);
    f->add_wide(wide, a, n);
    for (size_t i = 0; i < n; i++)
        assert_true(wide[i] == (double)i + (double)get(t, a, i));
}

static void check_normalize(const ftl_kernels *k, ftl_tile t, size_t n)
{
    double a[LENGTHS], gain[LENGTHS], bias[LENGTHS], out[LENGTHS];
    for (size_t i = 0; i < n; i++) {
        put(t, a, i, draw(t, i + n));
        put(t, gain, i, draw(t, i + 300));
        put(t, bias, i, draw(t, i + 600));
    }
    for (int given = 0; given < 4; given++) {
        const void *gain_bias[2] = {given & 1 ? gain : NULL, given & 2 ? bias : NULL};
        k->tile[t]->normalize(out, a, (double[]){0.5, 1.25}, gain_bias, n);
        for (size_t i = 0; i < n; i++) {
            long double scaled = (get(t, a, i) - 0.5L) * 1.25L * (given & 1 ? get(t, gain, i) : 1);
            long double add = given & 2 ? get(t, bias, i) : 0;
            long double bound = 8 * tolerance(t) * (fabsl(scaled) + fabsl(add) + 1e-3L);
            assert_true(fabsl(get(t, out, i) - scaled - add) <= bound);
        }
    }
}

static void test_rows(void **state)
{
    (void)state;
    for_lengths(FLOATS, check_exp_and_deviation);
    for_lengths(FLOATS, check_normalize);
}

/* ---- loads, stores ---- */

enum { FOREIGN = 70 };

static void fill_foreign(ftl_dtype d, void *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double x = draw(ftl_tile_get(d), i);
        if (ftl_dtype_is_float(d) && i < SPECIALS)
            x = specials[i];
        if (!ftl_dtype_is_float(d) && i % 9 == 4)
            x = x * 1e9;
        ftl_dtype_put_double(d, (char *)p + i * ftl_dtype_get_size(d), x);
    }
}

/* The kernel and base/dtype.h agree, to the bit; nan only as nan. */
static void expect_same(ftl_dtype d, const void *want, const void *got)
{
    if (memcmp(want, got, ftl_dtype_get_size(d)) == 0)
        return;
    double a = ftl_dtype_get_double(d, want), b = ftl_dtype_get_double(d, got);
    if (!isnan(a) || !isnan(b))
        fail_msg("%s: want %.17g, got %.17g", ftl_dtype_get_name(d), a, b);
}

static void check_load(const ftl_kernels *k, ftl_tile t, ftl_dtype d, ptrdiff_t stride)
{
    char room[FOREIGN * 3 * 8 + 8], want[8];
    double out[FOREIGN];
    ptrdiff_t step = stride * (ptrdiff_t)ftl_dtype_get_size(d);
    char *src = room + 1, *first = stride < 0 ? src - (FOREIGN - 1) * step : src;
    fill_foreign(d, src, FOREIGN * 3);
    for (size_t n = 0; n <= FOREIGN; n += 7) {
        k->tile[t]->load[d](out, first, stride, n);
        for (size_t i = 0; i < n; i++) {
            ftl_dtype_convert(want, ftl_tile_get_dtype(t), first + (ptrdiff_t)i * step, d, 1);
            expect_same(ftl_tile_get_dtype(t), want, (char *)out + i * ftl_tile_get_size(t));
        }
    }
}

static void check_store(const ftl_kernels *k, ftl_tile t, ftl_dtype d, ptrdiff_t stride)
{
    char room[FOREIGN * 3 * 8 + 8], want[8];
    double src[FOREIGN];
    ptrdiff_t step = stride * (ptrdiff_t)ftl_dtype_get_size(d);
    char *dst = room + 1, *first = stride < 0 ? dst - (FOREIGN - 1) * step : dst;
    fill_foreign(ftl_tile_get_dtype(t), src, FOREIGN);
    for (size_t n = 0; n <= FOREIGN; n += 7) {
        memset(room, 0x55, sizeof room);
        k->tile[t]->store[d](first, stride, src, n);
        for (size_t i = 0; i < n; i++) {
            ftl_dtype_convert(want, d, (char *)src + i * ftl_tile_get_size(t),
                              ftl_tile_get_dtype(t), 1);
            expect_same(d, want, first + (ptrdiff_t)i * step);
        }
        if (stride == 1)
            assert_int_equal(first[(ptrdiff_t)n * step], 0x55);
        if (stride == 2 && n > 1)
            assert_int_equal(first[step / 2], 0x55);
    }
}

static void check_strides(const ftl_kernels *k, ftl_tile t, ftl_dtype d)
{
    for (ptrdiff_t stride = -3; stride <= 3; stride++) {
        check_load(k, t, d, stride);
        if (stride != 0)
            check_store(k, t, d, stride);
    }
}

static void test_loads_and_stores(void **state)
{
    (void)state;
    for (size_t k = 0; k < n_tables; k++)
        for (int t = 0; t < FTL_TILE_COUNT; t++)
            for (int d = 0; d < FTL_DTYPE_COUNT; d++)
                check_strides(tables[k], (ftl_tile)t, (ftl_dtype)d);
}

static void check_fill_iota_gather(const ftl_kernels *k, ftl_tile t, size_t n)
{
    double value[1], a[LENGTHS], out[LENGTHS];
    int64_t index[LENGTHS];
    put(t, value, 0, 7);
    k->tile[t]->fill(a, value, n);
    k->tile[t]->iota(out, -5, 3, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(get(t, a, i) == 7);
        assert_true(get(t, out, i) == (long double)i * 3 - 5);
        index[i] = (int64_t)(i * 29 % n);
    }
    k->tile[t]->gather(a, out, index, n);
    for (size_t i = 0; i < n; i++)
        assert_true(get(t, a, i) == (long double)index[i] * 3 - 5);
}

static void test_fill_iota_gather(void **state)
{
    (void)state;
    for_lengths(FTL_TILE_COUNT, check_fill_iota_gather);
}

/* ---- bytes ---- */

static void check_logic(const ftl_kernels *f, size_t n)
{
    uint8_t a[600] = {0}, b[600] = {0}, c[600] = {0}, out[4][600];
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        a[i] = i % 3 == 0, b[i] = i % 2 == 1, c[i] = i % 5 < 2;
        count += a[i];
    }
    f->logic_and(out[0], a, b, n);
    f->logic_or(out[1], a, b, n);
    f->logic_not(out[2], a, n);
    f->select_bytes(out[3], c, a, b, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(out[0][i], a[i] && b[i]);
        assert_int_equal(out[1][i], a[i] || b[i]);
        assert_int_equal(out[2][i], !a[i]);
        assert_int_equal(out[3][i], c[i] ? a[i] : b[i]);
    }
    assert_int_equal(f->count(a, n), count);
    assert_int_equal(f->any(a, n), n > 0);
    assert_int_equal(f->all(a, n), n <= 1);
    memset(a, 0, sizeof a);
    assert_false(f->any(a, n));
    memset(a, 1, sizeof a);
    assert_true(f->all(a, n));
}

static void test_logic(void **state)
{
    (void)state;
    for (size_t k = 0; k < n_tables; k++)
        for (size_t n = 0; n < 600; n += n < LENGTHS ? 1 : 97)
            check_logic(tables[k], n);
}

static void check_transpose(const ftl_kernels *k, int log2_size, size_t rows, size_t cols)
{
    size_t size = (size_t)1 << log2_size, src_step = cols + 3, dst_step = rows + 1;
    size_t words = (rows * src_step * size + 3) / 4;
    uint32_t *room = malloc(words * 4);
    char *dst = calloc(cols * dst_step + 1, size), *src = (char *)room;
    assert_true(room && dst);
    ftl_random_fill_bits((ftl_random){3, 4}, 0, room, words);
    ftl_block block = {rows, cols, (ptrdiff_t)src_step, (ptrdiff_t)dst_step};
    k->transpose[log2_size](dst, src, &block);
    for (size_t j = 0; j < cols; j++) {
        for (size_t i = 0; i < rows; i++)
            assert_memory_equal(dst + (j * dst_step + i) * size, src + (i * src_step + j) * size,
                                size);
        for (size_t byte = 0; byte < size; byte++)
            assert_int_equal(dst[(j * dst_step + rows) * size + byte], 0);
    }
    free(room);
    free(dst);
}

static void test_transpose(void **state)
{
    (void)state;
    static const size_t extents[][2] = {{1, 1},   {1, 40},   {33, 1},   {16, 16}, {17, 31},
                                        {64, 64}, {70, 130}, {129, 67}, {8, 200}, {0, 5}};
    for (size_t k = 0; k < n_tables; k++)
        for (int log2_size = 0; log2_size < 4; log2_size++)
            for (size_t i = 0; i < FTL_COUNT(extents); i++)
                check_transpose(tables[k], log2_size, extents[i][0], extents[i][1]);
}

static void check_stream(const ftl_kernels *k, size_t shift, size_t n)
{
    uint8_t from[600], to[600];
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (uint8_t)(i * 7), to[i] = 1;
    k->stream(to + shift, from + 3, n);
    k->fence();
    for (size_t i = 0; i < sizeof to; i++)
        assert_int_equal(to[i], i >= shift && i < shift + n ? from[i - shift + 3] : 1);
}

static void test_stream(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 60, 64, 65, 200, 500};
    for (size_t k = 0; k < n_tables; k++)
        for (size_t shift = 0; shift < 80; shift += 4)
            for (size_t i = 0; i < FTL_COUNT(lengths); i++)
                check_stream(tables[k], shift, lengths[i]);
}

static void check_copy(const ftl_kernels *k, int log2_size, const ptrdiff_t strides[2])
{
    uint32_t words[2 * 300];
    char dst[8 * 300] = {0};
    size_t size = (size_t)1 << log2_size;
    ftl_random_fill_bits((ftl_random){3, 4}, 0, words, FTL_COUNT(words));
    const char *first = (const char *)words + 100 * size;
    k->copy[log2_size](dst, strides[0], first, strides[1], 60);
    for (ptrdiff_t i = 0; i < 60; i++)
        assert_memory_equal(dst + i * strides[0] * (ptrdiff_t)size,
                            first + i * strides[1] * (ptrdiff_t)size, size);
}

static void test_copy(void **state)
{
    (void)state;
    static const ptrdiff_t strides[][2] = {{1, 1}, {1, 0}, {1, 3}, {2, 1}, {3, 2}, {1, -1}};
    for (size_t k = 0; k < n_tables; k++)
        for (int log2_size = 0; log2_size < 4; log2_size++)
            for (size_t i = 0; i < FTL_COUNT(strides); i++)
                check_copy(tables[k], log2_size, strides[i]);
}

static void test_tables(void **state)
{
    (void)state;
    for (int i = 0; i < FTL_ISA_COUNT; i++) {
        ftl_isa isa = FTL_ISA_COUNT;
        assert_true(ftl_isa_find(ftl_isa_get_name((ftl_isa)i), &isa));
        assert_int_equal(isa, i);
    }
    for (size_t k = 0; k < n_tables; k++)
        assert_ptr_equal(ftl_kernels_find(tables[k]->isa), tables[k]);
    assert_ptr_equal(ftl_kernels_get(), tables[n_tables - 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_map1),
        cmocka_unit_test(test_map1_specials),
        cmocka_unit_test(test_map1_signed_zeros),
        cmocka_unit_test(test_map1_accuracy),
        cmocka_unit_test(test_map2),
        cmocka_unit_test(test_map2_specials),
        cmocka_unit_test(test_pow_accuracy),
        cmocka_unit_test(test_whole_limits),
        cmocka_unit_test(test_compare_select_fma),
        cmocka_unit_test(test_folds),
        cmocka_unit_test(test_extremes_of_nan),
        cmocka_unit_test(test_extremes_of_infinities),
        cmocka_unit_test(test_argmax_and_dot),
        cmocka_unit_test(test_sum_error),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_loads_and_stores),
        cmocka_unit_test(test_fill_iota_gather),
        cmocka_unit_test(test_logic),
        cmocka_unit_test(test_transpose),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_stream),
    };
    return cmocka_run_group_tests(tests, find_tables, NULL);
}
