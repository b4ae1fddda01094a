/* SPDX-License-Identifier: Apache-2.0
 *
 * .npz and .safetensors: which member is read, mapping, strict mode, archives that lie.
 */
#include "io_files.h"

#include <zlib.h>

/* ---- zip archives made by hand ---- */

typedef struct member {
    const char *name;
    const void *data;
    size_t len;
    bool deflated;
    uint16_t method;       /* 0: what deflated says */
    uint16_t flags;        /* 1: encrypted */
    uint32_t claim;        /* size that the directory claims; 0: the true one */
    uint32_t wrong_sum;    /* added to the sum */
    uint32_t wrong_offset; /* added to the place of the local header */
} member;

typedef struct zip_bytes {
    unsigned char data[16384];
    size_t len;
} zip_bytes;

static void put_number(zip_bytes *z, uint32_t x, int bytes)
{
    for (int i = 0; i < bytes; i++)
        z->data[z->len++] = (unsigned char)(x >> (8 * i));
}

static void put_bytes(zip_bytes *z, const void *p, size_t len)
{
    assert_true(z->len + len < sizeof z->data);
    memcpy(z->data + z->len, p, len);
    z->len += len;
}

/* The 26 bytes that local headers and directory entries share, from the version on. */
static void put_facts(zip_bytes *z, const member *m, size_t stored)
{
    uint32_t sum = (uint32_t)crc32(0, m->data, (uInt)m->len) + m->wrong_sum;
    put_number(z, 20, 2);
    put_number(z, m->flags, 2);
    put_number(z, m->method ? m->method : m->deflated ? 8 : 0, 2);
    put_number(z, 0x00210000, 4);
    put_number(z, sum, 4);
    put_number(z, (uint32_t)stored, 4);
    put_number(z, m->claim ? m->claim : (uint32_t)m->len, 4);
    put_number(z, (uint32_t)strlen(m->name), 2);
    put_number(z, 0, 2);
}

static size_t deflate_bytes(const member *m, unsigned char *out, size_t size)
{
    z_stream s = {.next_in = (unsigned char *)(uintptr_t)m->data,
                  .avail_in = (uInt)m->len,
                  .next_out = out,
                  .avail_out = (uInt)size};
    assert_int_equal(deflateInit2(&s, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
    deflateEnd(&s);
    return s.total_out;
}

static void put_zip(const char *path, const member *members, size_t n)
{
    static zip_bytes z, directory;
    static unsigned char packed[8192];
    z.len = directory.len = 0;
    for (size_t i = 0; i < n; i++) {
        const member *m = &members[i];
        size_t stored = m->deflated ? deflate_bytes(m, packed, sizeof packed) : m->len;
        put_number(&directory, 0x02014b50, 4);
        put_number(&directory, 20, 2);
        put_facts(&directory, m, stored);
        put_number(&directory, 0, 2);
        put_number(&directory, 0, 4);
        put_number(&directory, 0, 4);
        put_number(&directory, (uint32_t)z.len + m->wrong_offset, 4);
        put_bytes(&directory, m->name, strlen(m->name));
        put_number(&z, 0x04034b50, 4);
        put_facts(&z, m, stored);
        put_bytes(&z, m->name, strlen(m->name));
        put_bytes(&z, m->deflated ? packed : m->data, stored);
    }
    uint32_t start = (uint32_t)z.len;
    put_bytes(&z, directory.data, directory.len);
    put_number(&z, 0x06054b50, 4);
    put_number(&z, 0, 4);
    put_number(&z, (uint32_t)n, 2);
    put_number(&z, (uint32_t)n, 2);
    put_number(&z, (uint32_t)directory.len, 4);
    put_number(&z, start, 4);
    put_number(&z, 0, 2);
    io_put(path, z.data, z.len);
}

/* An .npy of two f32: x and x + 1. */
typedef struct pair {
    unsigned char data[256];
    size_t len;
} pair;

static pair make_pair_of(float x, const char *header)
{
    const float values[] = {x, x + 1};
    pair p = {.len = 10};
    size_t n = strlen(header);
    memcpy(p.data, "\x93NUMPY\1\0", 8);
    p.data[8] = (unsigned char)n;
    memcpy(p.data + 10, header, n);
    memcpy(p.data + 10 + n, values, sizeof values);
    p.len += n + sizeof values;
    return p;
}

static pair make_pair(float x)
{
    return make_pair_of(x, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n");
}

static ftl_tensor *read_place(const char *file, const char *wanted, const char *name,
                              const ftl_read_options *options)
{
    ftl_io_error error = {""};
    ftl_tensor *t = NULL;
    ftl_tensor_place place = {.file = file, .member = wanted, .name = name};
    if (ftl_io_read_tensor(&place, options, &t, &error) != FTL_OK)
        fail_msg("%s", error.message);
    return t;
}

static void check_first(const char *file, const char *wanted, const char *name, double first)
{
    ftl_tensor *t = read_place(file, wanted, name, NULL);
    assert_true(ftl_tensor_get_double(t, 0) == first);
    ftl_tensor_release(t);
}

/* ---- npz ---- */

static void test_npz_choice(void **state)
{
    (void)state;
    pair one = make_pair(1), two = make_pair(3), three = make_pair(5);
    const member members[] = {{.name = "a.npy", .data = one.data, .len = one.len},
                              {.name = "b", .data = two.data, .len = two.len},
                              {.name = "arr_0.npy", .data = three.data, .len = three.len}};
    put_zip("m.npz", members, 3);
    check_first("m.npz", "a", NULL, 1);
    check_first("m.npz", "a.npy", NULL, 1);
    check_first("m.npz", "b", "a", 3);
    check_first("m.npz", NULL, "b", 3);
    check_first("m.npz", NULL, "other", 5);
    check_first("m.npz", NULL, NULL, 5);
    io_refuse_place(&(ftl_tensor_place){.file = "m.npz", .member = "c"}, NULL,
                    "no member 'c'; it has a.npy, b, arr_0.npy");
    io_refuse_place(&(ftl_tensor_place){.file = "m.npz", .member = "b.npy"}, NULL,
                    "no member 'b.npy'");
    put_zip("m.npz", members, 2);
    io_refuse_place(&(ftl_tensor_place){.file = "m.npz", .name = "W"}, NULL, "no member 'W'");
    io_refuse("m.npz", "several members");
    put_zip("m.npz", members, 1);
    check_first("m.npz", NULL, "W", 1);
}

static void test_npz_mapping(void **state)
{
    (void)state;
    pair one = make_pair(1);
    member m = {.name = "arr_0.npy", .data = one.data, .len = one.len};
    ftl_read_options map = {.mmap_npz_from = 1}, strict = {.strict = true},
                     late = {.mmap_npz_from = 1 << 20};
    const ftl_read_options *mapping[] = {&map, &strict};
    put_zip("s.npz", &m, 1);
    for (size_t i = 0; i < FTL_COUNT(mapping); i++) {
        ftl_tensor *t = read_place("s.npz", NULL, NULL, mapping[i]);
        assert_true(t->mapped);
        io_check_values(t, (const double[]){1, 2}, 2);
        ftl_tensor_release(t);
    }
    ftl_tensor *t = read_place("s.npz", NULL, NULL, &late);
    assert_false(t->mapped);
    ftl_tensor_release(t);
    m.deflated = true;
    put_zip("d.npz", &m, 1);
    t = read_place("d.npz", NULL, NULL, &map);
    assert_false(t->mapped);
    io_check_values(t, (const double[]){1, 2}, 2);
    ftl_tensor_release(t);
    io_refuse_strict("d.npz");
}

static void test_npz_hostile(void **state)
{
    (void)state;
    pair one = make_pair(1), bad = make_pair(1),
         wrong = make_pair_of(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }\n");
    pair objects = make_pair_of(1, "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n");
    bad.data[0] = 'x';
    const struct {
        member m;
        const char *words;
    } cases[] = {
        {{.name = "a.npy", .data = bad.data, .len = bad.len}, "#a.npy: is not in the .npy format"},
        {{.name = "a.npy", .data = wrong.data, .len = wrong.len}, "its shape needs 12 bytes"},
        {{.name = "a.npy", .data = objects.data, .len = objects.len}, "Python objects"},
        {{.name = "a.npy", .data = one.data, .len = 20}, "ends after"},
        {{.name = "a.npy", .data = one.data, .len = one.len, .flags = 1}, "encrypted"},
        {{.name = "a.npy", .data = one.data, .len = one.len, .method = 12}, "method 12"},
        {{.name = "a.npy", .data = one.data, .len = one.len, .wrong_sum = 1}, "CRC"},
        {{.name = "a.npy", .data = one.data, .len = one.len, .deflated = true, .wrong_sum = 1},
         "CRC"},
        {{.name = "a.npy", .data = one.data, .len = one.len, .claim = 70}, ""},
        {{.name = "a.npy", .data = one.data, .len = one.len, .deflated = true, .claim = 0x7fffffff},
         "which cannot be"},
        {{.name = "a.npy", .data = one.data, .len = one.len, .deflated = true, .claim = 4096},
         "its shape needs 8 bytes"},
        {{.name = "a.npy", .data = one.data, .len = one.len, .wrong_offset = 7}, ""},
        {{.name = "a.npy", .data = one.data, .len = one.len, .wrong_offset = 1 << 30}, ""},
    };
    for (size_t i = 0; i < FTL_COUNT(cases); i++) {
        put_zip("h.npz", &cases[i].m, 1);
        io_refuse("h.npz", cases[i].words);
    }
    const member twins[] = {{.name = "a.npy", .data = one.data, .len = one.len},
                            {.name = "a.npy", .data = one.data, .len = one.len}};
    put_zip("h.npz", twins, 2);
    io_refuse_place(&(ftl_tensor_place){.file = "h.npz", .member = "a"}, NULL,
                    "two members of one name");
    put_zip("h.npz", twins, 0);
    io_refuse("h.npz", "holds no tensor");
    io_put_text("h.npz", "no archive at all");
    io_refuse("h.npz", "is not a sound .npz archive");
    io_put("h.npz", "", 0);
    io_refuse("h.npz", "holds no tensor");
}

/* Names that would lead elsewhere are names and nothing more. */
static void test_npz_paths(void **state)
{
    (void)state;
    pair one = make_pair(1);
    static const char *const names[] = {"../../etc/x.npy", "/tmp/x.npy", "a/b.npy", "..",
                                        "C:\\x.npy"};
    for (size_t i = 0; i < FTL_COUNT(names); i++) {
        member m = {.name = names[i], .data = one.data, .len = one.len};
        put_zip("p.npz", &m, 1);
        check_first("p.npz", NULL, NULL, 1);
        check_first("p.npz", names[i], NULL, 1);
    }
}

static void test_npz_every_cut(void **state)
{
    (void)state;
    pair one = make_pair(1);
    member m = {.name = "arr_0.npy", .data = one.data, .len = one.len, .deflated = true};
    char bytes[1024];
    put_zip("whole.npz", &m, 1);
    int fd = open("whole.npz", O_RDONLY);
    ssize_t len = read(fd, bytes, sizeof bytes);
    close(fd);
    for (ssize_t n = 0; n < len; n++) {
        io_put("cut.npz", bytes, (size_t)n);
        io_refuse("cut.npz", "");
    }
}

static void test_npz_memory_limit(void **state)
{
    (void)state;
    static unsigned char zeros[4096];
    pair head = make_pair_of(0, "{'descr': '<f4', 'fortran_order': False, 'shape': (1000,), }\n");
    ftl_read_options small = {.memory_limit = 1024};
    memcpy(zeros, head.data, head.len);
    member m = {.name = "z.npy", .data = zeros, .len = head.len - 8 + 4000, .deflated = true};
    put_zip("z.npz", &m, 1);
    io_refuse_place(&(ftl_tensor_place){.file = "z.npz"}, &small, "more than the limit of 1024");
    ftl_tensor_release(io_read("z.npz", NULL));
}

/* ---- safetensors ---- */

static void put_safetensors(const char *path, const char *header, const void *data, size_t len)
{
    unsigned char bytes[4096] = {0};
    size_t n = strlen(header);
    assert_true(8 + n + len <= sizeof bytes);
    bytes[0] = (unsigned char)n;
    bytes[1] = (unsigned char)(n >> 8);
    memcpy(bytes + 8, header, n);
    if (len > 0)
        memcpy(bytes + 8 + n, data, len);
    io_put(path, bytes, 8 + n + len);
}

static void test_safetensors_types(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        ftl_dtype dtype;
        size_t len;
        const char *data;
        bool mapped;
    } types[] = {
        {"F64", FTL_DTYPE_F64, 16, "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40", true},
        {"F32", FTL_DTYPE_F32, 8, "\0\0\x80\x3f\0\0\0\x40", true},
        {"F16", FTL_DTYPE_F16, 4, "\0\x3c\0\x40", true},
        {"BF16", FTL_DTYPE_BF16, 4, "\x80\x3f\0\x40", true},
        {"I64", FTL_DTYPE_I64, 16, "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", true},
        {"I32", FTL_DTYPE_I32, 8, "\1\0\0\0\2\0\0\0", true},
        {"I16", FTL_DTYPE_I16, 4, "\1\0\2\0", true},
        {"I8", FTL_DTYPE_I8, 2, "\1\2", true},
        {"U8", FTL_DTYPE_U8, 2, "\1\2", true},
        {"U16", FTL_DTYPE_I32, 4, "\1\0\2\0", false},
        {"U32", FTL_DTYPE_I64, 8, "\1\0\0\0\2\0\0\0", false},
        {"U64", FTL_DTYPE_I64, 16, "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", false},
    };
    for (size_t i = 0; i < FTL_COUNT(types); i++) {
        char header[128];
        snprintf(header, sizeof header,
                 "{\"x\":{\"dtype\":\"%s\",\"shape\":[2],\"data_offsets\":[0,%zu]}}  ",
                 types[i].name, types[i].len);
        put_safetensors("t.safetensors", header, types[i].data, types[i].len);
        ftl_tensor *t = io_read("t.safetensors", NULL);
        assert_int_equal(t->dtype, types[i].dtype);
        assert_int_equal(t->mapped, types[i].mapped);
        io_check_values(t, (const double[]){1, 2}, 2);
        ftl_tensor_release(t);
        if (!types[i].mapped)
            io_refuse_strict("t.safetensors");
    }
}

static void test_safetensors_choice(void **state)
{
    (void)state;
    const float values[] = {1, 2, 3, 4};
    put_safetensors("c.safetensors",
                    "{\"__metadata__\":{\"made\":\"here\"},"
                    "\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[12,16]},"
                    "\"a.weight\":{\"dtype\":\"F32\",\"shape\":[3,1],\"data_offsets\":[0,12]},"
                    "\"e\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[16,16]}}",
                    values, sizeof values);
    check_first("c.safetensors", "a.weight", NULL, 1);
    check_first("c.safetensors", NULL, "b", 4);
    ftl_tensor *t = read_place("c.safetensors", "e", NULL, NULL);
    assert_int_equal(t->shape[1], 5);
    ftl_tensor_release(t);
    io_refuse("c.safetensors", "several members, name one of them with #: a.weight, b, e");
    io_refuse_place(&(ftl_tensor_place){.file = "c.safetensors", .name = "W"}, NULL,
                    "no member 'W'");
}

#define ENTRY(dtype, shape, offsets)                                                               \
    "{\"x\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void test_safetensors_hostile(void **state)
{
    (void)state;
    static const struct {
        const char *header, *words;
    } cases[] = {
        {"", "does not start with '{'"},
        {" {}", "does not start with '{'"},
        {"[]", "does not start with '{'"},
        {"{", "malformed"},
        {"{} x", "malformed"},
        {"{\"x\":1}", "'x' is not described by an object"},
        {"{\"x\":{}}", "no sound data_offsets"},
        {ENTRY("F32", "[2]", "[0]"), "no sound data_offsets"},
        {ENTRY("F32", "[2]", "[8,0]"), "no sound data_offsets"},
        {ENTRY("F32", "[2]", "[-8,0]"), "no sound data_offsets"},
        {ENTRY("F32", "[2]", "[0,8.0]"), "no sound data_offsets"},
        {ENTRY("F32", "[2]", "[0,99999999999999999999]"), "malformed"},
        {ENTRY("F32", "[2]", "[0,9223372036854775807]"), "its shape needs 8"},
        {ENTRY("F32", "2", "[0,8]"), "no shape"},
        {ENTRY("F32", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2]",
               "[0,8]"),
         "at most 32 axes"},
        {ENTRY("F32", "[-2]", "[0,8]"), "an extent that is no number"},
        {ENTRY("F32", "[2.0]", "[0,8]"), "an extent that is no number"},
        {ENTRY("F32", "[4611686018427387904,4]", "[0,8]"), "too large"},
        {ENTRY("F32", "[4294967296,4294967296,4294967296]", "[0,8]"), "too large"},
        {ENTRY("F32", "[3]", "[0,8]"), "its shape needs 12"},
        {ENTRY("F32", "[1]", "[0,4]"), "its header describes 4 bytes of data, the file has 8"},
        {ENTRY("F32", "[1]", "[4,8]"), "a hole before it"},
        {ENTRY("F32", "[4]", "[0,16]"), "its header describes 16 bytes of data, the file has 8"},
        {ENTRY("F8_E4M3", "[8]", "[0,8]"), "F8_E4M3"},
        {ENTRY("C64", "[1]", "[0,8]"), "C64"},
        {"{\"x\":{\"shape\":[2],\"data_offsets\":[0,8]}}", "no dtype"},
        {"{\"x\":{\"dtype\":5,\"shape\":[2],\"data_offsets\":[0,8]}}", "no dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         "shares bytes"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
         "malformed: duplicate"},
        {"{}", "describes 0 bytes"},
    };
    for (size_t i = 0; i < FTL_COUNT(cases); i++) {
        put_safetensors("h.safetensors", cases[i].header, "\0\0\x80\x3f\0\0\0\x40", 8);
        io_refuse("h.safetensors", cases[i].words);
    }
    put_safetensors("h.safetensors", "{}", NULL, 0);
    io_refuse("h.safetensors", "holds no tensor");
    io_put("h.safetensors", "\4\0\0", 3);
    io_refuse("h.safetensors", "too short");
    io_put("h.safetensors", "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
    io_refuse("h.safetensors", "its header says that it has 18446744073709551615 bytes");
    put_safetensors("h.safetensors", ENTRY("BOOL", "[2]", "[0,2]"), "\1\2", 2);
    ftl_tensor *t = io_read("h.safetensors", NULL);
    io_check_values(t, (const double[]){1, 1}, 2);
    ftl_tensor_release(t);
}

/* A header that is as long as it says, and longer than any real one; the file takes no space. */
static void test_safetensors_long_header(void **state)
{
    (void)state;
    int fd = open("l.safetensors", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    uint64_t len = (uint64_t)1 << 30;
    assert_int_equal(write(fd, &len, 8), 8);
    assert_int_equal(ftruncate(fd, (off_t)len + 8), 0);
    close(fd);
    io_refuse("l.safetensors", "more than the limit of 16 MiB");
}

static void test_members_of_others(void **state)
{
    (void)state;
    io_put_text("x.json", "1");
    io_refuse_place(&(ftl_tensor_place){.file = "x.json", .member = "k"}, NULL, "has no members");
    io_put_text("x.csv", "1,2\n");
    io_refuse("x.csv", "holds tuples");
    io_put_text("x.jsonl", "1");
    io_refuse("x.jsonl", "written, not read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_npz_choice),          cmocka_unit_test(test_npz_mapping),
        cmocka_unit_test(test_npz_hostile),         cmocka_unit_test(test_npz_paths),
        cmocka_unit_test(test_npz_every_cut),       cmocka_unit_test(test_npz_memory_limit),
        cmocka_unit_test(test_safetensors_types),   cmocka_unit_test(test_safetensors_choice),
        cmocka_unit_test(test_safetensors_hostile), cmocka_unit_test(test_safetensors_long_header),
        cmocka_unit_test(test_members_of_others),
    };
    return cmocka_run_group_tests(tests, io_enter_folder, io_leave_folder);
}
