/* SPDX-License-Identifier: Apache-2.0
 *
 * .npy: every element type, byte order, layout and version; hostile headers; files that are none.
 */
#include "io_files.h"

#define HEADER(descr, order, shape)                                                                \
    "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }\n"

static const double one_two_three[] = {1, 2, 3};

static void check_file(const char *descr, const void *data, size_t len, ftl_dtype dtype,
                       bool mapped)
{
    char header[128];
    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (3,)}",
             descr);
    io_put_npy("a.npy", 1, header, data, len);
    ftl_tensor *t = io_read("a.npy", NULL);
    assert_int_equal(t->dtype, dtype);
    assert_int_equal(t->rank, 1);
    assert_int_equal(t->mapped, mapped);
    io_check_values(t, one_two_three, 3);
    ftl_tensor_release(t);
    if (!mapped)
        io_refuse_strict("a.npy");
}

static void test_every_type(void **state)
{
    (void)state;
    const uint8_t u8[] = {1, 2, 3};
    const int16_t i16[] = {1, 2, 3};
    const int32_t i32[] = {1, 2, 3};
    const int64_t i64[] = {1, 2, 3};
    const uint16_t f16[] = {0x3c00, 0x4000, 0x4200};
    const float f32[] = {1, 2, 3};
    const double f64[] = {1, 2, 3};
    check_file("|u1", u8, sizeof u8, FTL_DTYPE_U8, true);
    check_file("|i1", u8, sizeof u8, FTL_DTYPE_I8, true);
    check_file("<i2", i16, sizeof i16, FTL_DTYPE_I16, true);
    check_file("=i4", i32, sizeof i32, FTL_DTYPE_I32, true);
    check_file("<i8", i64, sizeof i64, FTL_DTYPE_I64, true);
    check_file("<f2", f16, sizeof f16, FTL_DTYPE_F16, true);
    check_file("<f4", f32, sizeof f32, FTL_DTYPE_F32, true);
    check_file("f8", f64, sizeof f64, FTL_DTYPE_F64, true);
    check_file("<u2", i16, sizeof i16, FTL_DTYPE_I32, false);
    check_file("<u4", i32, sizeof i32, FTL_DTYPE_I64, false);
    check_file("<u8", i64, sizeof i64, FTL_DTYPE_I64, false);
}

static void test_big_endian(void **state)
{
    (void)state;
    check_file(">i2", "\0\1\0\2\0\3", 6, FTL_DTYPE_I16, false);
    check_file(">i4", "\0\0\0\1\0\0\0\2\0\0\0\3", 12, FTL_DTYPE_I32, false);
    check_file(">i8", "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3", 24, FTL_DTYPE_I64, false);
    check_file(">u2", "\0\1\0\2\0\3", 6, FTL_DTYPE_I32, false);
    check_file(">f2", "\x3c\0\x40\0\x42\0", 6, FTL_DTYPE_F16, false);
    check_file(">f4", "\x3f\x80\0\0\x40\0\0\0\x40\x40\0\0", 12, FTL_DTYPE_F32, false);
    check_file(">u1", "\1\2\3", 3, FTL_DTYPE_U8, true);
}

static void test_unsigned_beyond_i64(void **state)
{
    (void)state;
    const uint64_t big[] = {1, (uint64_t)1 << 63};
    const uint32_t wide[] = {0xffffffffu};
    io_put_npy("u.npy", 1, HEADER("<u8", "False", "(2,)"), big, sizeof big);
    io_refuse("u.npy", "9223372036854775808");
    io_put_npy("u.npy", 1, HEADER("<u4", "False", "(1,)"), wide, sizeof wide);
    ftl_tensor *t = io_read("u.npy", NULL);
    io_check_values(t, (const double[]){4294967295.0}, 1);
    ftl_tensor_release(t);
}

static void test_bools(void **state)
{
    (void)state;
    io_put_npy("b.npy", 1, HEADER("|b1", "False", "(3,)"), "\1\0\1", 3);
    ftl_tensor *t = io_read("b.npy", NULL);
    assert_int_equal(t->dtype, FTL_DTYPE_BOOL);
    assert_true(t->mapped);
    io_check_values(t, (const double[]){1, 0, 1}, 3);
    ftl_tensor_release(t);
    io_put_npy("b.npy", 1, HEADER("|b1", "False", "(3,)"), "\1\0\377", 3);
    t = io_read("b.npy", NULL);
    assert_true(t->mapped);
    io_check_values(t, (const double[]){1, 0, 1}, 3);
    ftl_tensor_release(t);
}

static void test_layouts(void **state)
{
    (void)state;
    const float columns[] = {1, 4, 2, 5, 3, 6};
    const double rows[] = {1, 2, 3, 4, 5, 6};
    io_put_npy("f.npy", 1, HEADER("<f4", "True", "(2, 3)"), columns, sizeof columns);
    ftl_tensor *t = io_read("f.npy", NULL);
    assert_true(t->mapped);
    assert_int_equal(t->strides[0], 4);
    assert_int_equal(t->strides[1], 8);
    io_check_values(t, rows, 6);
    ftl_tensor_release(t);
    io_put_npy("f.npy", 1, HEADER(">f4", "True", "(2, 3)"),
               "\x3f\x80\0\0\x40\x80\0\0\x40\0\0\0"
               "\x40\xa0\0\0\x40\x40\0\0\x40\xc0\0\0",
               24);
    t = io_read("f.npy", NULL);
    assert_false(t->mapped);
    io_check_values(t, rows, 6);
    ftl_tensor_release(t);
}

static void test_scalars_and_empty_arrays(void **state)
{
    (void)state;
    const float x = 3.5f;
    io_put_npy("s.npy", 1, HEADER("<f4", "False", "()"), &x, sizeof x);
    ftl_tensor *t = io_read("s.npy", NULL);
    assert_int_equal(t->rank, 0);
    io_check_values(t, (const double[]){3.5}, 1);
    ftl_tensor_release(t);
    io_put_npy("e.npy", 1, HEADER("<f4", "False", "(3, 0, 2)"), NULL, 0);
    t = io_read("e.npy", NULL);
    assert_int_equal(t->rank, 3);
    assert_int_equal(t->shape[2], 2);
    assert_int_equal(ftl_tensor_get_count(t), 0);
    ftl_tensor_release(t);
}

static void test_versions_and_spelling(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "{'shape':(3,),'descr':'<f4','fortran_order':False}",
        "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (3L,)}\n",
        " {\n'descr' : '<f4' ,\t'fortran_order' : False, 'shape': (3,), }        \n"};
    const float f32[] = {1, 2, 3};
    for (int version = 1; version <= 3; version++)
        for (size_t i = 0; i < FTL_COUNT(headers); i++) {
            io_put_npy("v.npy", version, headers[i], f32, sizeof f32);
            ftl_tensor *t = io_read("v.npy", NULL);
            io_check_values(t, one_two_three, 3);
            ftl_tensor_release(t);
        }
}

/* The elements begin at any byte; what follows them is left alone. */
static void test_unaligned_and_trailing(void **state)
{
    (void)state;
    const float f32[] = {1, 2, 3, 99};
    io_put_npy("u.npy", 1, "{'descr':'<f4','fortran_order':False,'shape':(3,)} ", f32, sizeof f32);
    ftl_tensor *t = io_read("u.npy", NULL);
    assert_true((uintptr_t)t->data % 4 != 0);
    io_check_values(t, one_two_three, 3);
    ftl_tensor_release(t);
}

static void test_hostile_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header, *words;
    } cases[] = {
        {"", "expected '{'"},
        {"[]", "expected '{'"},
        {"{", "expected a string"},
        {"{}", "lacks the key 'descr'"},
        {"{'descr': '<f4', 'fortran_order': False}", "lacks the key 'shape'"},
        {"{'descr': '<f4', 'shape': (1,)}", "lacks the key 'fortran_order'"},
        {"{'descr': '<f4', 'descr': '<f4'}", "key 'descr' twice"},
        {"{'color': 'red'}", "unknown key 'color'"},
        {"{'descr': '<f4}", "the end of a string"},
        {"{'des\\x63r': '<f4'}", "the end of a string"},
        {"{'descr' '<f4'}", "expected ':'"},
        {"{'descr': 5}", "expected a string"},
        {"{'descr': None}", "expected a string"},
        {HEADER("<f4", "1", "(1,)"), "True or False"},
        {HEADER("<f4", "False", "1"), "expected a shape"},
        {HEADER("<f4", "False", "(1)"), "',' after the only extent"},
        {HEADER("<f4", "False", "(1,,)"), "expected an extent"},
        {HEADER("<f4", "False", "(,)"), "expected an extent"},
        {HEADER("<f4", "False", "(1 2)"), "',' or ')'"},
        {HEADER("<f4", "False", "(1"), "expected an extent"},
        {HEADER("<f4", "False", "(0x10,)"), "',' or ')'"},
        {HEADER("<f4", "False", "(1.5,)"), "',' or ')'"},
        {HEADER("<f4", "False", "(-1,)"), "extent -1"},
        {HEADER("<f4", "False", "(9223372036854775808,)"), "beyond 64 bits"},
        {HEADER("<f4", "False", "(4611686018427387904, 4)"), "too large"},
        {HEADER("<f8", "False", "(4294967296, 4294967296)"), "too large"},
        {HEADER("<f4", "False", "(0, 4611686018427387904, 4)"), "too large"},
        {HEADER("<f4", "False", "(4,)"), "is too short: its shape needs 16 bytes"},
        {HEADER("<f4", "False", "(1000000000000,)"), "is too short"},
        {HEADER("<f4", "False",
                "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)"),
         "more than 32 axes"},
        {HEADER("<f4", "False", "(3,)") "garbage", "the end of the header"},
        {HEADER("|O", "False", "(3,)"), "Python objects"},
        {HEADER("<U5", "False", "(3,)"), "strings"},
        {HEADER("|S5", "False", "(3,)"), "strings"},
        {HEADER("<c8", "False", "(3,)"), "complex"},
        {HEADER("<M8[ns]", "False", "(3,)"), "dates"},
        {HEADER("|V2", "False", "(3,)"), "raw bytes"},
        {HEADER("<f16", "False", "(3,)"), "element type '<f16'"},
        {HEADER("<i3", "False", "(3,)"), "element type '<i3'"},
        {HEADER("<f4x", "False", "(3,)"), "element type '<f4x'"},
        {HEADER("<f99999999999999999999", "False", "(3,)"), "element type"},
        {HEADER("<", "False", "(3,)"), "element type"},
        {HEADER("", "False", "(3,)"), "element type"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}", "records"},
    };
    const float f32[] = {1, 2, 3};
    for (size_t i = 0; i < FTL_COUNT(cases); i++) {
        io_put_npy("hostile.npy", 1, cases[i].header, f32, sizeof f32);
        io_refuse("hostile.npy", cases[i].words);
    }
}

static void test_no_npy(void **state)
{
    (void)state;
    io_put("n.npy", "", 0);
    io_refuse("n.npy", "too short");
    io_put_text("n.npy", "\x93NUMP");
    io_refuse("n.npy", "too short");
    io_put_text("n.npy", "Not a numpy file");
    io_refuse("n.npy", "not in the .npy format");
    io_put_text("n.npy", "PK\3\4 something");
    io_refuse("n.npy", "zip archive");
    io_put("n.npy", "\x80\4\x95 pickled", 11);
    io_refuse("n.npy", "pickle");
    io_put("n.npy", "\x93NUMPY\4\0\0\0\0\0", 12);
    io_refuse("n.npy", "version 4.0");
    io_put("n.npy", "\x93NUMPY\1\1\0\0\0\0", 12);
    io_refuse("n.npy", "version 1.1");
    io_put("n.npy", "\x93NUMPY\1\0\xff\xff{'descr'", 18);
    io_refuse("n.npy", "are missing");
    io_put("n.npy", "\x93NUMPY\2\0\xff\xff\xff\xff{'descr'", 20);
    io_refuse("n.npy", "its header says that it has 4294967295 bytes");
    io_put("n.npy", "\x93NUMPY\1\0", 8);
    io_refuse("n.npy", "are missing");
}

/* Every file that ends early is refused, wherever it is cut. */
static void test_every_cut(void **state)
{
    (void)state;
    const float f32[] = {1, 2, 3};
    io_put_npy("whole.npy", 2, HEADER("<f4", "False", "(3,)"), f32, sizeof f32);
    struct stat st;
    char bytes[512];
    assert_int_equal(stat("whole.npy", &st), 0);
    int fd = open("whole.npy", O_RDONLY);
    assert_int_equal(read(fd, bytes, sizeof bytes), st.st_size);
    close(fd);
    for (size_t n = 0; n < (size_t)st.st_size; n++) {
        io_put("cut.npy", bytes, n);
        io_refuse("cut.npy", "");
    }
}

static void test_what_is_no_file(void **state)
{
    (void)state;
    io_refuse("absent.npy", "No such file");
    assert_int_equal(mkdir("folder.npy", 0777), 0);
    io_refuse("folder.npy", "is a folder");
    assert_int_equal(mkfifo("pipe.npy", 0666), 0);
    io_refuse("pipe.npy", "is a pipe");
    assert_int_equal(symlink("/dev/zero", "device.npy"), 0);
    io_refuse("device.npy", "is a device");
    assert_int_equal(symlink("loop.npy", "loop.npy"), 0);
    io_refuse("loop.npy", "symbolic links");
    io_refuse("a/../absent/b.npy", "No such file");
    io_put_text("kind.xyz", "1 2 3");
    io_refuse("kind.xyz", "'.xyz'");
    io_put_text("bare", "1 2 3");
    io_refuse("bare", "not read");
    if (geteuid() != 0) {
        io_put_text("secret.npy", "");
        assert_int_equal(chmod("secret.npy", 0), 0);
        io_refuse("secret.npy", "Permission denied");
    }
}

static void test_memory_limit(void **state)
{
    (void)state;
    char zeros[4096] = {0};
    ftl_read_options small = {.memory_limit = 1024};
    io_put_npy("big.npy", 1, HEADER(">f4", "False", "(1024,)"), zeros, sizeof zeros);
    io_refuse_place(&(ftl_tensor_place){.file = "big.npy"}, &small, "more than the limit of 1024");
    io_put_npy("big.npy", 1, HEADER("<f4", "False", "(1024,)"), zeros, sizeof zeros);
    ftl_tensor_release(io_read("big.npy", &small));
}

/* A message shows the end of a long name, and no control character of any name. */
static void test_names_in_messages(void **state)
{
    (void)state;
    char name[600];
    memset(name, 'x', sizeof name);
    memcpy(name + sizeof name - 9, "tail.npy", 9);
    ftl_io_error error = {""};
    ftl_tensor *t = NULL;
    ftl_tensor_place place = {.file = name};
    assert_int_equal(ftl_io_read_tensor(&place, NULL, &t, &error), FTL_ERR_IO);
    assert_non_null(strstr(error.message, "tail.npy: cannot be opened"));
    place.file = "a\x1b[2J\n.npy";
    assert_int_equal(ftl_io_read_tensor(&place, NULL, &t, &error), FTL_ERR_IO);
    assert_non_null(strstr(error.message, "a?[2J?.npy: cannot be opened"));
    place.file = "caf\xc3\xa9 \xff\xc2\x9b.npy";
    assert_int_equal(ftl_io_read_tensor(&place, NULL, &t, &error), FTL_ERR_IO);
    assert_non_null(strstr(error.message, "caf\xc3\xa9 ???.npy: cannot be opened"));
    place.file = "caf\xc3\xa9 \xff\xc2\x9b.npy";
    assert_int_equal(ftl_io_read_tensor(&place, NULL, &t, &error), FTL_ERR_IO);
    assert_non_null(strstr(error.message, "caf\xc3\xa9 ???.npy: cannot be opened"));
}

static void test_split_path(void **state)
{
    (void)state;
    static const struct {
        const char *path, *file, *member;
        ftl_format format;
    } cases[] = {
        {"a.npz#key", "a.npz", "key", FTL_FORMAT_NPZ},
        {"dir/a.SafeTensors#x.y#0", "dir/a.SafeTensors", "x.y#0", FTL_FORMAT_SAFETENSORS},
        {"a#b.npy", "a#b.npy", NULL, FTL_FORMAT_NPY},
        {"a.npz#b.npy", "a.npz", "b.npy", FTL_FORMAT_NPZ},
        {"a.npz#", "a.npz", "", FTL_FORMAT_NPZ},
        {"notes.md", "notes.md", NULL, FTL_FORMAT_TEXT},
        {".npy", ".npy", NULL, FTL_FORMAT_UNKNOWN},
        {"", "", NULL, FTL_FORMAT_UNKNOWN},
    };
    ftl_arena arena;
    jmp_buf out_of_memory;
    ftl_arena_init(&arena, ftl_allocator_get_default());
    if (setjmp(out_of_memory) != 0)
        fail();
    arena.on_fail = &out_of_memory;
    for (size_t i = 0; i < FTL_COUNT(cases); i++) {
        const char *file = NULL, *member = NULL;
        assert_int_equal(ftl_io_split_path(&arena, cases[i].path, &file, &member), cases[i].format);
        assert_string_equal(file, cases[i].file);
        if (cases[i].member)
            assert_string_equal(member, cases[i].member);
        else
            assert_null(member);
    }
    ftl_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type),
        cmocka_unit_test(test_big_endian),
        cmocka_unit_test(test_unsigned_beyond_i64),
        cmocka_unit_test(test_bools),
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_scalars_and_empty_arrays),
        cmocka_unit_test(test_versions_and_spelling),
        cmocka_unit_test(test_unaligned_and_trailing),
        cmocka_unit_test(test_hostile_headers),
        cmocka_unit_test(test_no_npy),
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_what_is_no_file),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_names_in_messages),
        cmocka_unit_test(test_split_path),
    };
    return cmocka_run_group_tests(tests, io_enter_folder, io_leave_folder);
}
