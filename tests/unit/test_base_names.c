/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps, interned names, suggestions.
 */
#include "unit.h"

#include <stdio.h>

static ftl_status fill_map(void *p)
{
    ftl_map map;
    uint64_t value = 0;
    ftl_map_init(&map, p);
    assert_false(ftl_map_find(&map, 1, &value));
    for (uint64_t i = 0; i < 5000; i++)
        ftl_map_put(&map, i * 0x100000000u, i + 1);
    ftl_map_put(&map, 0, 77);
    assert_int_equal(map.len, 5000);
    for (uint64_t i = 1; i < 5000; i++) {
        assert_true(ftl_map_find(&map, i * 0x100000000u, &value));
        assert_int_equal(value, i + 1);
    }
    assert_true(ftl_map_find(&map, 0, &value));
    assert_int_equal(value, 77);
    assert_false(ftl_map_find(&map, 3, NULL));
    return FTL_OK;
}

static ftl_status intern_names(void *p)
{
    ftl_intern names;
    const char *first[1000];
    char text[16];
    ftl_intern_init(&names, p);
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "name%d", i);
        first[i] = ftl_intern_cstr(&names, text);
        assert_string_equal(first[i], text);
        assert_ptr_not_equal(first[i], text);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "name%d", i);
        assert_ptr_equal(ftl_intern_get(&names, text, strlen(text)), first[i]);
    }
    assert_ptr_equal(ftl_intern_get(&names, "name12xyz", 6), first[12]);
    assert_ptr_equal(ftl_intern_get(&names, "", 0), ftl_intern_get(&names, "x", 0));
    const char *hole = ftl_intern_get(&names, "a\0b", 3);
    assert_ptr_not_equal(hole, ftl_intern_get(&names, "a", 1));
    assert_memory_equal(hole, "a\0b", 4);
    return FTL_OK;
}

static void run_on_arena(ftl_status (*fn)(void *))
{
    ftl_arena arena;
    ftl_arena_init(&arena, ftl_allocator_get_default());
    assert_int_equal(ftl_arena_run(&arena, fn, &arena), FTL_OK);
    ftl_arena_fini(&arena);
}

static void test_map(void **state)
{
    (void)state;
    run_on_arena(fill_map);
}

static void test_intern(void **state)
{
    (void)state;
    run_on_arena(intern_names);
}

static void test_hash(void **state)
{
    (void)state;
    static const char text[] = "0123456789abcdef0123456789abcdef";
    for (size_t n = 0; n < 32; n++) {
        assert_int_equal(ftl_hash_bytes(text, n, 1), ftl_hash_bytes(text, n, 1));
        assert_int_not_equal(ftl_hash_bytes(text, n, 1), ftl_hash_bytes(text, n, 2));
        assert_int_not_equal(ftl_hash_bytes(text, n, 1), ftl_hash_bytes(text, n + 1, 1));
    }
    assert_int_not_equal(ftl_hash_bytes("\0", 1, 1), ftl_hash_bytes("\0\0", 2, 1));
}

static void test_suggest(void **state)
{
    (void)state;
    static const char *const names[] = {"Parent", "Ancestor", "softmax", "W", "x"};
    static const struct {
        const char *name, *want;
    } rows[] = {
        {"Parnet", "Parent"},
        {"parent", "Parent"},
        {"Ancester", "Ancestor"},
        {"sofmax", "softmax"},
        {"softmax2", "softmax"},
        {"Grandparent", NULL},
        {"Q", NULL},
        {"w", "W"},
        {"", NULL},
    };
    for (size_t i = 0; i < FTL_COUNT(rows); i++) {
        const char *got = ftl_suggest(rows[i].name, names, FTL_COUNT(names));
        if (!rows[i].want)
            assert_null(got);
        else
            assert_string_equal(got, rows[i].want);
    }
    assert_null(ftl_suggest("W", names, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_intern),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_suggest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
