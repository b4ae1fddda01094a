/* SPDX-License-Identifier: Apache-2.0
 *
 * What the writers write: round trips of every type and layout, the text of each format.
 */
#include "io_files.h"

#include "base/dtype.h"

#include <locale.h>
#include <math.h>

static const ftl_allocator *heap(void)
{
    return ftl_allocator_get_default();
}

static ftl_tensor *make(ftl_dtype dtype, uint32_t rank, const int64_t *shape, const double *values)
{
    ftl_tensor *t = NULL;
    assert_int_equal(ftl_tensor_new(heap(), dtype, rank, shape, &t), FTL_OK);
    for (int64_t i = 0; values && i < ftl_tensor_get_count(t); i++)
        ftl_dtype_put_double(dtype, (char *)t->data + (size_t)i * ftl_dtype_get_size(dtype),
                             values[i]);
    return t;
}

static void write_tensor(const char *path, const ftl_tensor *t, const ftl_write_options *options)
{
    ftl_io_error error = {""};
    if (ftl_io_write_tensor(path, t, options, &error) != FTL_OK)
        fail_msg("%s", error.message);
}

static void check_text(const char *path, const ftl_tensor *t, const ftl_write_options *options,
                       const char *text)
{
    write_tensor(path, t, options);
    assert_string_equal(io_get_text(path), text);
}

/* ---- arrays ---- */

static void check_round_trip(const char *path, const ftl_tensor *t)
{
    write_tensor(path, t, NULL);
    ftl_tensor *back = io_read(path, NULL);
    bool narrow = t->dtype == FTL_DTYPE_BF16;
    assert_int_equal(back->dtype, narrow ? FTL_DTYPE_F32 : t->dtype);
    assert_int_equal(back->rank, t->rank);
    for (uint32_t k = 0; k < t->rank; k++)
        assert_int_equal(back->shape[k], t->shape[k]);
    for (int64_t i = 0; i < ftl_tensor_get_count(t); i++)
        assert_true(ftl_tensor_get_double(back, i) == ftl_tensor_get_double(t, i));
    ftl_tensor_release(back);
}

static void test_round_trips(void **state)
{
    (void)state;
    const double values[] = {0, 1, 1, 0, 1, 1};
    const int64_t shape[] = {2, 3}, strides[] = {1, 2};
    for (int dtype = 0; dtype < FTL_DTYPE_COUNT; dtype++) {
        ftl_tensor *t = make((ftl_dtype)dtype, 2, shape, values);
        int64_t size = (int64_t)ftl_dtype_get_size((ftl_dtype)dtype);
        check_round_trip("a.npy", t);
        check_round_trip("a.npz", t);
        for (int k = 0; k < 2; k++)
            t->strides[k] = strides[k] * size;
        check_round_trip("a.npy", t);
        check_round_trip("a.npz", t);
        ftl_tensor_release(t);
    }
}

static void test_shapes(void **state)
{
    (void)state;
    const int64_t shapes[][4] = {{0}, {5}, {0}, {2, 0, 3}, {1, 1, 1, 1}};
    const uint32_t ranks[] = {0, 1, 1, 3, 4};
    int64_t ones[FTL_MAX_RANK];
    for (size_t k = 0; k < FTL_COUNT(ones); k++)
        ones[k] = 1;
    for (size_t i = 0; i < FTL_COUNT(ranks); i++) {
        ftl_tensor *t = make(FTL_DTYPE_F32, ranks[i], shapes[i], NULL);
        check_round_trip("s.npy", t);
        check_round_trip("s.npz", t);
        ftl_tensor_release(t);
    }
    ftl_tensor *t = make(FTL_DTYPE_F32, FTL_MAX_RANK, ones, NULL);
    check_round_trip("s.npy", t);
    ftl_tensor_release(t);
}

/* The elements of what is written start at a multiple of 64, so that a map of it is aligned. */
static void test_npy_alignment(void **state)
{
    (void)state;
    const int64_t shape[] = {3};
    ftl_tensor *t = make(FTL_DTYPE_F64, 1, shape, NULL);
    write_tensor("a.npy", t, NULL);
    ftl_tensor_release(t);
    t = io_read("a.npy", NULL);
    assert_int_equal((uintptr_t)t->data % 64, 0);
    ftl_tensor_release(t);
}

/* Equal tensors make equal archives, whenever they are written; they can be mapped. */
static void test_npz_is_stored(void **state)
{
    (void)state;
    const int64_t shape[] = {3};
    const double values[] = {1, 2, 3};
    ftl_read_options strict = {.strict = true};
    ftl_tensor *t = make(FTL_DTYPE_F32, 1, shape, values);
    write_tensor("a.npz", t, NULL);
    ftl_tensor_release(t);
    t = io_read("a.npz", &strict);
    assert_true(t->mapped);
    io_check_values(t, values, 3);
    ftl_tensor_release(t);
    t = NULL;
    ftl_io_error error = {""};
    ftl_tensor_place place = {.file = "a.npz", .member = "arr_0"};
    assert_int_equal(ftl_io_read_tensor(&place, NULL, &t, &error), FTL_OK);
    ftl_tensor_release(t);
}

static void test_large(void **state)
{
    (void)state;
    const int64_t shape[] = {300, 1000};
    ftl_tensor *t = make(FTL_DTYPE_I32, 2, shape, NULL);
    for (int i = 0; i < 300000; i++)
        ((int32_t *)t->data)[i] = i * 7;
    check_round_trip("l.npy", t);
    check_round_trip("l.npz", t);
    ftl_tensor_release(t);
}

/* ---- json ---- */

static void test_json(void **state)
{
    (void)state;
    const int64_t shape[] = {2, 3}, none[] = {2, 0, 3};
    const double values[] = {-0.82, 3, 0.18, 1e-7, 123456789, 1e20};
    ftl_tensor *t = make(FTL_DTYPE_F32, 2, shape, values);
    check_text("a.json", t, NULL, "[[-0.82, 3.0, 0.18], [1e-07, 123456790.0, 1e+20]]\n");
    check_text("a.jsonl", t, NULL,
               "{\"schema\": \"fuse.tensor\", \"version\": 1, \"shape\": [2, 3]}\n"
               "{\"value\": [[-0.82, 3.0, 0.18], [1e-07, 123456790.0, 1e+20]]}\n");
    ftl_tensor_release(t);
    t = make(FTL_DTYPE_I64, 2, shape, values);
    check_text("a.json", t, NULL, "[[0, 3, 0], [0, 123456789, 9223372036854775807]]\n");
    ftl_tensor_release(t);
    t = make(FTL_DTYPE_BOOL, 2, shape, values);
    check_text("a.json", t, NULL, "[[true, true, true], [true, true, true]]\n");
    ftl_tensor_release(t);
    t = make(FTL_DTYPE_F64, 3, none, NULL);
    check_text("a.json", t, NULL, "[[], []]\n");
    ftl_tensor_release(t);
    t = make(FTL_DTYPE_F64, 0, NULL, (const double[]){0.1});
    check_text("a.json", t, NULL, "0.1\n");
    check_text("a.jsonl", t, NULL,
               "{\"schema\": \"fuse.tensor\", \"version\": 1, \"shape\": []}\n{\"value\": 0.1}\n");
    ftl_tensor_release(t);
}

/* Numbers read back as they were, whatever their size; not finite ones are spelled as in Python. */
static void test_numbers(void **state)
{
    (void)state;
    const double values[] = {0.1,
                             1.0 / 3,
                             5e-324,
                             2.2250738585072014e-308,
                             1.7976931348623157e308,
                             1e16,
                             9999999999999998,
                             1e15,
                             0.0001,
                             0.00001,
                             -0.0,
                             123.456};
    const int64_t shape[] = {FTL_COUNT(values)}, three[] = {3};
    ftl_tensor *t = make(FTL_DTYPE_F64, 1, shape, values);
    check_text(
        "n.json", t, NULL,
        "[0.1, 0.3333333333333333, 5e-324, 2.2250738585072014e-308, "
        "1.7976931348623157e+308, 1e+16, 9999999999999998.0, 1000000000000000.0, 0.0001, 1e-05, "
        "-0.0, 123.456]\n");
    ftl_tensor_release(t);
    t = io_read("n.json", NULL);
    io_check_values(t, values, FTL_COUNT(values));
    ftl_tensor_release(t);
    const double special[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    t = make(FTL_DTYPE_F32, 1, three, special);
    check_text("n.json", t, NULL, "[NaN, Infinity, -Infinity]\n");
    check_text("n.csv", t, NULL, "0,nan\n1,inf\n2,-inf\n");
    ftl_tensor_release(t);
}

/* Floats of every size, the subnormal ones too, through text and back. */
static void test_many_floats(void **state)
{
    (void)state;
    const int64_t shape[] = {20000};
    ftl_tensor *t = make(FTL_DTYPE_F32, 1, shape, NULL);
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t bits = i * 106997u % 0x7f800000u;
        memcpy((char *)t->data + (size_t)i * sizeof bits, &bits, sizeof bits);
    }
    write_tensor("m.json", t, NULL);
    ftl_tensor *back = io_read("m.json", NULL);
    for (int64_t i = 0; i < 20000; i++)
        assert_true((float)ftl_tensor_get_double(back, i) == ((float *)t->data)[i]);
    ftl_tensor_release(back);
    ftl_tensor_release(t);
}

static void test_other_locale(void **state)
{
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8"))
        unit_skip("no locale with a decimal comma (de_DE.UTF-8, fr_FR.UTF-8)");
    ftl_tensor *t = make(FTL_DTYPE_F32, 0, NULL, (const double[]){0.5});
    write_tensor("n.json", t, NULL);
    setlocale(LC_NUMERIC, "C");
    ftl_tensor_release(t);
    assert_string_equal(io_get_text("n.json"), "0.5\n");
}

static void test_topk(void **state)
{
    (void)state;
    const int64_t shape[] = {2, 2}, none[] = {1, 0};
    ftl_io_error error = {""};
    ftl_tensor *indices = make(FTL_DTYPE_I64, 2, shape, (const double[]){1, 5, 6, 7});
    ftl_tensor *values = make(FTL_DTYPE_F32, 2, shape, (const double[]){2.6, 2.2, 2, -1.5});
    assert_int_equal(ftl_io_write_topk("best.jsonl", indices, values, NULL, &error), FTL_OK);
    assert_string_equal(
        io_get_text("best.jsonl"),
        "{\"schema\": \"fuse.topk\", \"version\": 1}\n"
        "{\"topk\": [{\"index\": 1, \"value\": 2.6}, {\"index\": 5, \"value\": 2.2}]}\n"
        "{\"topk\": [{\"index\": 6, \"value\": 2.0}, {\"index\": 7, \"value\": -1.5}]}\n");
    assert_int_equal(ftl_io_write_topk("best.npy", indices, values, NULL, &error), FTL_ERR_IO);
    io_check_message(&error, "best.npy", ".jsonl");
    ftl_tensor_release(indices);
    ftl_tensor_release(values);
    indices = make(FTL_DTYPE_I64, 2, none, NULL);
    assert_int_equal(ftl_io_write_topk("best.jsonl", indices, indices, NULL, &error), FTL_OK);
    assert_string_equal(io_get_text("best.jsonl"),
                        "{\"schema\": \"fuse.topk\", \"version\": 1}\n{\"topk\": []}\n");
    ftl_tensor_release(indices);
}

/* ---- tables ---- */

static void test_tables(void **state)
{
    (void)state;
    const int64_t shape[] = {2, 3};
    const double values[] = {1, 0, 0.5, 0, -2, 0};
    ftl_write_options relation = {.is_relation = true};
    ftl_tensor *t = make(FTL_DTYPE_F32, 2, shape, values);
    check_text("a.csv", t, NULL, "0,0,1.0\n0,2,0.5\n1,1,-2.0\n");
    check_text("a.tsv", t, NULL, "0\t0\t1.0\n0\t2\t0.5\n1\t1\t-2.0\n");
    check_text("a.tsv", t, &relation, "0\t0\n0\t2\n1\t1\n");
    ftl_tensor_release(t);
    t = make(FTL_DTYPE_BOOL, 0, NULL, (const double[]){1});
    check_text("a.csv", t, &relation, "true\n");
    check_text("a.csv", t, NULL, "1\n");
    ftl_tensor_release(t);
    t = make(FTL_DTYPE_BOOL, 0, NULL, (const double[]){0});
    check_text("a.csv", t, &relation, "");
    ftl_tensor_release(t);
    const int64_t none[] = {0, 3};
    t = make(FTL_DTYPE_F32, 2, none, NULL);
    check_text("a.csv", t, NULL, "");
    ftl_tensor_release(t);
}

static void test_symbols(void **state)
{
    (void)state;
    static const char *const names[] = {"ann",   "a,b",        "say \"x\"",
                                        " lead", "two\nlines", "tab\there"};
    ftl_symbols *s = ftl_symbols_new(heap());
    for (size_t i = 0; i < FTL_COUNT(names); i++)
        ftl_symbols_add(s, names[i], strlen(names[i]));
    const ftl_symbols *const symbols[] = {s, NULL};
    ftl_write_options options = {.is_relation = true, .symbols = symbols};
    const int64_t shape[] = {7, 1};
    ftl_tensor *t = make(FTL_DTYPE_BOOL, 2, shape, (const double[]){1, 1, 1, 1, 1, 1, 1});
    check_text(
        "s.csv", t, &options,
        "ann,0\n\"a,b\",0\n\"say \"\"x\"\"\",0\n\" lead\",0\n\"two\nlines\",0\ntab\there,0\n6,0\n");
    check_text(
        "s.tsv", t, &options,
        "ann\t0\na,b\t0\n\"say \"\"x\"\"\"\t0\n\" lead\"\t0\n\"two\nlines\"\t0\n\"tab\there\"\t0\n"
        "6\t0\n");
    t->shape[0] = 6;
    for (int tabs = 0; tabs < 2; tabs++) {
        const char *path = tabs ? "s.tsv" : "s.csv";
        write_tensor(path, t, &options);
        ftl_io_error error = {""};
        ftl_tuples *back = NULL;
        assert_int_equal(ftl_io_read_tuples(path, (ftl_table_form){2, false}, NULL, &back, &error),
                         FTL_OK);
        for (size_t i = 0; i < FTL_COUNT(names); i++)
            assert_string_equal(ftl_symbols_get(back->symbols[0], back->columns[0][i]), names[i]);
        ftl_tuples_free(back);
    }
    ftl_tensor_release(t);
    ftl_symbols_free(s);
}

static void test_unknown_kind(void **state)
{
    (void)state;
    static const char *const paths[] = {"a.xyz", "a", "a.txt", "a.safetensors"};
    ftl_tensor *t = make(FTL_DTYPE_F32, 0, NULL, NULL);
    for (size_t i = 0; i < FTL_COUNT(paths); i++) {
        ftl_io_error error = {""};
        assert_int_equal(ftl_io_write_tensor(paths[i], t, NULL, &error), FTL_ERR_IO);
        io_check_message(&error, paths[i], "are not written");
        assert_int_equal(access(paths[i], F_OK), -1);
    }
    ftl_tensor_release(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),   cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_npy_alignment), cmocka_unit_test(test_npz_is_stored),
        cmocka_unit_test(test_large),         cmocka_unit_test(test_json),
        cmocka_unit_test(test_numbers),       cmocka_unit_test(test_many_floats),
        cmocka_unit_test(test_other_locale),  cmocka_unit_test(test_topk),
        cmocka_unit_test(test_tables),        cmocka_unit_test(test_symbols),
        cmocka_unit_test(test_unknown_kind),
    };
    return cmocka_run_group_tests(tests, io_enter_folder, io_leave_folder);
}
