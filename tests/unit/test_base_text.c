/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static ftl_arena arena;

static int setup(void **state)
{
    (void)state;
    ftl_arena_init(&arena, ftl_allocator_get_default());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ftl_arena_fini(&arena);
    return 0;
}

/* Runs fn with a fresh text; fn's asserts leave it by cmocka's own jump. */
static void with_text(void (*fn)(ftl_strbuf *sb))
{
    ftl_strbuf sb;
    jmp_buf fail;
    arena.on_fail = &fail;
    if (setjmp(fail) != 0)
        fail_msg("out of memory");
    ftl_strbuf_init(&sb, &arena);
    fn(&sb);
}

static void append_in_many_ways(ftl_strbuf *sb)
{
    assert_string_equal(ftl_strbuf_get(sb), "");
    ftl_strbuf_putc(sb, 'a');
    ftl_strbuf_puts(sb, "bc");
    ftl_strbuf_append(sb, "def", 2);
    ftl_strbuf_printf(sb, "%d-%s", 42, "x");
    assert_string_equal(ftl_strbuf_get(sb), "abcde42-x");
    assert_int_equal(sb->len, 9);
    for (int i = 0; i < 10000; i++)
        ftl_strbuf_printf(sb, "%04d", i);
    assert_int_equal(sb->len, 40009);
    assert_memory_equal(sb->data + 40005, "9999", 5);
}

static void test_append(void **state)
{
    (void)state;
    with_text(append_in_many_ways);
}

static void put_doubles(ftl_strbuf *sb)
{
    static const struct {
        double x;
        const char *text;
    } rows[] = {
        {0, "0"},          {-0.0, "-0"},
        {1, "1"},          {-17, "-17"},
        {0.1, "0.1"},      {1.0 / 3, "0.3333333333333333"},
        {1e100, "1e+100"}, {5e-324, "5e-324"},
        {INFINITY, "inf"}, {-INFINITY, "-inf"},
        {NAN, "nan"},      {123456789012345, "123456789012345"},
    };
    for (size_t i = 0; i < FTL_COUNT(rows); i++) {
        ftl_strbuf_init(sb, &arena);
        ftl_strbuf_put_double(sb, rows[i].x);
        assert_string_equal(ftl_strbuf_get(sb), rows[i].text);
    }
}

static void put_doubles_and_read_back(ftl_strbuf *sb)
{
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        double x, back = 0;
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x))
            continue;
        ftl_strbuf_init(sb, &arena);
        ftl_strbuf_put_double(sb, x);
        assert_true(ftl_parse_double(ftl_strbuf_get(sb), sb->len, &back));
        assert_memory_equal(&x, &back, sizeof x);
    }
}

static void test_doubles(void **state)
{
    (void)state;
    with_text(put_doubles);
    with_text(put_doubles_and_read_back);
}

static void test_parse_double(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "+",  ".",     "1e",  "0x10", "inf", "nan", "1,5",
                                      "1 ", " 1", "1.2.3", "--1", "1_0",  "e5",  "1f"};
    double x = 5;
    for (size_t i = 0; i < FTL_COUNT(bad); i++)
        assert_false(ftl_parse_double(bad[i], strlen(bad[i]), &x));
    assert_float_equal(x, 5, 0);
    assert_true(ftl_parse_double("-1.5e2xyz", 6, &x));
    assert_float_equal(x, -150, 0);
    assert_true(ftl_parse_double(".5", 2, &x));
    assert_float_equal(x, 0.5, 0);
    assert_true(ftl_parse_double("1e999", 5, &x));
    assert_true(isinf(x));
}

static void put_in_foreign_locale(ftl_strbuf *sb)
{
    double x = 0;
    ftl_strbuf_put_double(sb, 0.5);
    assert_string_equal(ftl_strbuf_get(sb), "0.5");
    assert_true(ftl_parse_double("0.5", 3, &x));
    assert_float_equal(x, 0.5, 0);
}

static void test_locale(void **state)
{
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8"))
        unit_skip("no locale with a decimal comma (de_DE.UTF-8, fr_FR.UTF-8)");
    with_text(put_in_foreign_locale);
    setlocale(LC_NUMERIC, "C");
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        uint32_t code;
    } rows[] = {
        {"a", 1, 'a'},
        {"\xc3\xa9", 2, 0xe9},
        {"\xe2\x82\xac", 3, 0x20ac},
        {"\xf0\x9f\x99\x82", 4, 0x1f642},
        {"\xc0\x80", 0, 0},
        {"\xe0\x80\x80", 0, 0},
        {"\xed\xa0\x80", 0, 0},
        {"\xf4\x90\x80\x80", 0, 0},
        {"\xc3", 0, 0},
        {"\x80", 0, 0},
        {"\xff", 0, 0},
        {"\xe2\x82", 0, 0},
        {"\xf8\x88\x80\x80\x80", 0, 0},
    };
    for (size_t i = 0; i < FTL_COUNT(rows); i++) {
        uint32_t code = 0;
        assert_int_equal(ftl_utf8_decode(rows[i].bytes, strlen(rows[i].bytes), &code), rows[i].len);
        assert_int_equal(code, rows[i].code);
    }
}

static void put_escapes(ftl_strbuf *sb)
{
    static const char hostile[] = "a\x1b[31m\xff\xe2\x80\xae\xc3\xa9\n";
    ftl_strbuf_put_escaped(sb, hostile, sizeof hostile - 1);
    assert_string_equal(ftl_strbuf_get(sb), "a\\x1b[31m\\xff\\u{202e}\xc3\xa9\\x0a");
}

static void test_escapes(void **state)
{
    (void)state;
    with_text(put_escapes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_append, setup, teardown),
        cmocka_unit_test_setup_teardown(test_doubles, setup, teardown),
        cmocka_unit_test(test_parse_double),
        cmocka_unit_test_setup_teardown(test_locale, setup, teardown),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test_setup_teardown(test_escapes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
