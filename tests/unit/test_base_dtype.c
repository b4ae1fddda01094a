/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions against a slow reference: the nearest value is found with ldexp and rint in double.
 */
#include "unit.h"

#include "base/dtype.h"

#include <fenv.h>
#include <math.h>

static void test_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FTL_DTYPE_COUNT; i++) {
        ftl_dtype found = FTL_DTYPE_COUNT;
        const char *name = ftl_dtype_get_name((ftl_dtype)i);
        const char *long_name = ftl_dtype_get_long_name((ftl_dtype)i);
        assert_true(ftl_dtype_find(name, strlen(name), &found));
        assert_int_equal(found, i);
        assert_true(ftl_dtype_find(long_name, strlen(long_name), &found));
        assert_int_equal(found, i);
    }
    ftl_dtype found = FTL_DTYPE_U8;
    assert_true(ftl_dtype_find("fp16", 4, &found));
    assert_int_equal(found, FTL_DTYPE_F16);
    assert_false(ftl_dtype_find("f3", 2, &found));
    assert_false(ftl_dtype_find("f3222", 5, &found));
    assert_false(ftl_dtype_find("", 0, &found));
}

static void test_classes(void **state)
{
    (void)state;
    static const size_t sizes[FTL_DTYPE_COUNT] = {1, 1, 1, 2, 4, 8, 2, 2, 4, 8};
    for (unsigned i = 0; i < FTL_DTYPE_COUNT; i++) {
        ftl_dtype d = (ftl_dtype)i;
        assert_int_equal(ftl_dtype_get_size(d), sizes[i]);
        assert_int_equal(ftl_dtype_is_float(d) + ftl_dtype_is_whole(d), d != FTL_DTYPE_BOOL);
    }
}

/* x rounded to a binary format with that many bits of precision and that least and largest
 * exponent. */
static double round_to(double x, int bits, int least, int largest)
{
    if (!isfinite(x) || x == 0)
        return x;
    int e = ilogb(x) > least ? ilogb(x) : least;
    double y = ldexp(rint(ldexp(x, bits - 1 - e)), e - bits + 1);
    return fabs(y) >= ldexp(1, largest + 1) ? copysign(INFINITY, x) : y;
}

static double round_to_dtype(double x, ftl_dtype to)
{
    switch (to) {
    case FTL_DTYPE_F16:
        return round_to(x, 11, -14, 15);
    case FTL_DTYPE_BF16:
        return round_to(x, 8, -126, 127);
    case FTL_DTYPE_F32:
        return round_to(x, 24, -126, 127);
    default:
        return x;
    }
}

static void check_double(double x)
{
    for (unsigned i = FTL_DTYPE_F16; i <= FTL_DTYPE_F64; i++) {
        unsigned char element[8];
        ftl_dtype_put_double((ftl_dtype)i, element, x);
        double got = ftl_dtype_get_double((ftl_dtype)i, element);
        double want = round_to_dtype(x, (ftl_dtype)i);
        if (isnan(want) ? !isnan(got) : got != want || signbit(got) != signbit(want))
            fail_msg("%a as %s: got %a, expected %a", x, ftl_dtype_get_name((ftl_dtype)i), got,
                     want);
    }
}

static void test_every_half(void **state)
{
    (void)state;
    for (uint32_t h = 0; h <= 0xffff; h++) {
        float f = ftl_f16_to_f32((uint16_t)h), b = ftl_bf16_to_f32((uint16_t)h);
        if (isnan(f))
            assert_true(isnan(ftl_f16_to_f32(ftl_f16_from_f32(f))));
        else
            assert_int_equal(ftl_f16_from_f32(f), h);
        if (isnan(b))
            assert_true(isnan(ftl_bf16_to_f32(ftl_bf16_from_f32(b))));
        else
            assert_int_equal(ftl_bf16_from_f32(b), h);
    }
}

/* Values beside and halfway between neighbours of the 16-bit formats, a double's last place away.
 */
static void test_rounding_near_ties(void **state)
{
    (void)state;
    assert_int_equal(fegetround(), FE_TONEAREST);
    for (uint32_t h = 0; h < 0x7fff; h += 7) {
        double pairs[2][2] = {
            {(double)ftl_f16_to_f32((uint16_t)h), (double)ftl_f16_to_f32((uint16_t)(h + 1))},
            {(double)ftl_bf16_to_f32((uint16_t)h), (double)ftl_bf16_to_f32((uint16_t)(h + 1))}};
        for (int k = 0; k < 2; k++) {
            double middle = pairs[k][0] / 2 + pairs[k][1] / 2;
            check_double(pairs[k][0]);
            check_double(middle);
            check_double(-nextafter(middle, INFINITY));
            check_double(nextafter(middle, -INFINITY));
        }
    }
}

static void test_rounding_of_special_values(void **state)
{
    (void)state;
    static const double values[] = {0,
                                    -0.0,
                                    65504,
                                    65519.999,
                                    65520,
                                    1e300,
                                    -1e300,
                                    5e-324,
                                    0x1p-24,
                                    0x1p-25,
                                    0x1.8p-25,
                                    0x1p-149,
                                    0x1p-150,
                                    INFINITY,
                                    -INFINITY,
                                    1 + 0x1p-11 + 0x1p-40,
                                    1 + 0x1p-8 + 0x1p-40,
                                    0x1.fffffefp127};
    for (size_t i = 0; i < FTL_COUNT(values); i++)
        check_double(values[i]);
    check_double((double)NAN);
}

static void test_whole_numbers_saturate(void **state)
{
    (void)state;
    static const struct {
        double x;
        ftl_dtype to;
        int64_t want;
    } rows[] = {
        {1.9, FTL_DTYPE_I32, 1},
        {-1.9, FTL_DTYPE_I32, -1},
        {300, FTL_DTYPE_U8, 255},
        {-1, FTL_DTYPE_U8, 0},
        {1e10, FTL_DTYPE_I16, 32767},
        {-1e10, FTL_DTYPE_I8, -128},
        {1e300, FTL_DTYPE_I64, INT64_MAX},
        {-1e300, FTL_DTYPE_I64, INT64_MIN},
        {0x1p63, FTL_DTYPE_I64, INT64_MAX},
        {(double)NAN, FTL_DTYPE_I32, 0},
        {0.5, FTL_DTYPE_BOOL, 1},
        {(double)NAN, FTL_DTYPE_BOOL, 1},
        {-0.0, FTL_DTYPE_BOOL, 0},
    };
    for (size_t i = 0; i < FTL_COUNT(rows); i++) {
        unsigned char element[8];
        ftl_dtype_put_double(rows[i].to, element, rows[i].x);
        assert_true(ftl_dtype_get_int(rows[i].to, element) == rows[i].want);
    }
}

static void test_int64_rounds_once(void **state)
{
    (void)state;
    static const int64_t values[] = {INT64_MAX,
                                     INT64_MIN,
                                     (1 << 24) + 1,
                                     (INT64_C(1) << 53) + 1,
                                     (INT64_C(1) << 60) + (INT64_C(1) << 36) + 1,
                                     -33554435,
                                     2049,
                                     257};
    for (size_t i = 0; i < FTL_COUNT(values); i++) {
        float f;
        ftl_dtype_convert(&f, FTL_DTYPE_F32, &values[i], FTL_DTYPE_I64, 1);
        assert_true(f == (float)values[i]);
        uint16_t h;
        ftl_dtype_convert(&h, FTL_DTYPE_BF16, &values[i], FTL_DTYPE_I64, 1);
        long double exact = (long double)values[i];
        long double near = (long double)ftl_bf16_to_f32(h);
        assert_true(fabsl(near - exact) <= fabsl(exact) / 256);
    }
}

static void test_arrays_of_any_alignment(void **state)
{
    (void)state;
    enum { N = 1000 };
    unsigned char from[N * 8 + 1], to[N * 8 + 1], one[8];
    for (unsigned s = 0; s < FTL_DTYPE_COUNT; s++)
        for (unsigned t = 0; t < FTL_DTYPE_COUNT; t++) {
            size_t size = ftl_dtype_get_size((ftl_dtype)s), wide = ftl_dtype_get_size((ftl_dtype)t);
            for (size_t i = 0; i < N; i++)
                ftl_dtype_put_double((ftl_dtype)s, from + 1 + i * size,
                                     s ? (double)i - 300.5 : (double)(i % 2));
            ftl_dtype_convert(to + 1, (ftl_dtype)t, from + 1, (ftl_dtype)s, N);
            for (size_t i = 0; i < N; i++) {
                ftl_dtype_convert(one, (ftl_dtype)t, from + 1 + i * size, (ftl_dtype)s, 1);
                assert_memory_equal(one, to + 1 + i * wide, wide);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_every_half),
        cmocka_unit_test(test_rounding_near_ties),
        cmocka_unit_test(test_rounding_of_special_values),
        cmocka_unit_test(test_whole_numbers_saturate),
        cmocka_unit_test(test_int64_rounds_once),
        cmocka_unit_test(test_arrays_of_any_alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
