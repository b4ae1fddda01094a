/* SPDX-License-Identifier: Apache-2.0
 *
 * .json: nested lists as tensors, ragged lists, the grammar of numbers.
 */
#include "io_files.h"

#include <math.h>

static ftl_tensor *read_text(const char *text)
{
    io_put_text("a.json", text);
    return io_read("a.json", NULL);
}

static void check_shape(const char *text, ftl_dtype dtype, uint32_t rank, const int64_t *shape)
{
    ftl_tensor *t = read_text(text);
    assert_int_equal(t->dtype, dtype);
    assert_int_equal(t->rank, rank);
    for (uint32_t k = 0; k < rank; k++)
        assert_int_equal(t->shape[k], shape[k]);
    ftl_tensor_release(t);
}

static void test_shapes(void **state)
{
    (void)state;
    check_shape("7", FTL_DTYPE_I64, 0, NULL);
    check_shape(" -2.5e-3 \n", FTL_DTYPE_F64, 0, NULL);
    check_shape("true", FTL_DTYPE_BOOL, 0, NULL);
    check_shape("[]", FTL_DTYPE_F64, 1, (const int64_t[]){0});
    check_shape("[[],[]]", FTL_DTYPE_F64, 2, (const int64_t[]){2, 0});
    check_shape("[[[]],[[]]]", FTL_DTYPE_F64, 3, (const int64_t[]){2, 1, 0});
    check_shape("[[1,2,3],\r\n\t[4,5,6]]", FTL_DTYPE_I64, 2, (const int64_t[]){2, 3});
    check_shape("[[[1]],[[2]],[[3]]]", FTL_DTYPE_I64, 3, (const int64_t[]){3, 1, 1});
    check_shape("\xef\xbb\xbf[false]", FTL_DTYPE_BOOL, 1, (const int64_t[]){1});
}

static void test_values(void **state)
{
    (void)state;
    ftl_tensor *t = read_text("[1, -2, 0.5, 1e3, 2E-1, 12345678901234567890]");
    assert_int_equal(t->dtype, FTL_DTYPE_F64);
    io_check_values(t, (const double[]){1, -2, 0.5, 1000, 0.2, 12345678901234567890.0}, 6);
    ftl_tensor_release(t);
    t = read_text("[9223372036854775807, -9223372036854775808]");
    assert_int_equal(t->dtype, FTL_DTYPE_I64);
    assert_true(((int64_t *)t->data)[0] == INT64_MAX && ((int64_t *)t->data)[1] == INT64_MIN);
    ftl_tensor_release(t);
    t = read_text("[NaN, Infinity, -Infinity, 1]");
    assert_true(isnan(ftl_tensor_get_double(t, 0)));
    assert_true(ftl_tensor_get_double(t, 1) == INFINITY &&
                ftl_tensor_get_double(t, 2) == -INFINITY);
    ftl_tensor_release(t);
    t = read_text("[[true, false], [false, true]]");
    io_check_values(t, (const double[]){1, 0, 0, 1}, 4);
    ftl_tensor_release(t);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "a.json:1: the text ends early"},
        {"[", "the text ends early"},
        {"[[1, 2], [3, ", "the text ends early, at [1][1]"},
        {"[1, 2", "the text ends early"},
        {"[1 2]", "expected ',' or ']'"},
        {"[1, ]", "expected a value"},
        {"[, 1]", "expected a number or a list"},
        {"]", "expected a number or a list"},
        {"1 2", "text after the value"},
        {"[1] [2]", "text after the value"},
        {"{\"a\": [1]}", "expected a number or a list"},
        {"[\"a\"]", "expected a number or a list"},
        {"null", "expected a number or a list"},
        {"[\n[1],\n[nil]]", "a.json:3: expected a number or a list, at [1][0]"},
        {"[[1, 2], [3]]", "ragged: the list at [1] has 1 entries, the first one has 2"},
        {"[[1], [2, 3]]", "ragged: the list at [1] has more than 1 entries"},
        {"[[1], 2]", "ragged: a number where the first entry is a list, at [1]"},
        {"[1, [2]]", "ragged: a list where the first entry is a number, at [1]"},
        {"[[], [1]]", "ragged"},
        {"[[[]], []]", "ragged"},
        {"[[], [[]]]", "ragged"},
        {"[[[1, 2], [3, 4]], [[5, 6], [7]]]", "the list at [1][1] has 1"},
        {"[true, 1]", "true and false stand among numbers"},
        {"[1, true]", "true and false stand among numbers"},
        {"01", "expected a number"},
        {"-", "expected a number"},
        {"+1", "expected a number"},
        {".5", "expected a number"},
        {"1e999", "expected a number"},
        {"1.", "expected a number"},
        {"1e", "expected a number"},
        {"0x10", "expected a number"},
        {"1_000", "text after the value"},
        {"inf", "expected a number"},
        {"nan", "expected a number"},
        {"\xff\xfe[", "UTF-16"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1", "nested more than 32 deep"},
    };
    for (size_t i = 0; i < FTL_COUNT(cases); i++) {
        io_put_text("a.json", cases[i].text);
        io_refuse("a.json", cases[i].words);
    }
    io_put("a.json", "[1\0]", 4);
    io_refuse("a.json", "expected ',' or ']'");
}

static void test_long_number(void **state)
{
    (void)state;
    char text[1200];
    memset(text, '1', sizeof text);
    io_put("a.json", text, sizeof text);
    io_refuse("a.json", "a number of more than 1000 digits");
}

/* More than one block of the reader, and numbers that straddle its blocks. */
static void test_large(void **state)
{
    (void)state;
    FILE *f = fopen("large.json", "w");
    fputc('[', f);
    for (int i = 0; i < 20000; i++)
        fprintf(f, "%s[%d,%d]", i > 0 ? "," : "", i, i * 1000);
    fputc(']', f);
    fclose(f);
    ftl_tensor *t = io_read("large.json", NULL);
    assert_int_equal(t->shape[0], 20000);
    for (int i = 0; i < 20000; i++)
        assert_true(ftl_tensor_get_double(t, 2 * i + 1) == i * 1000);
    ftl_tensor_release(t);
    ftl_read_options small = {.memory_limit = 100000};
    io_refuse_place(&(ftl_tensor_place){.file = "large.json"}, &small, "more than the limit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),  cmocka_unit_test(test_values),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_long_number),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, io_enter_folder, io_leave_folder);
}
