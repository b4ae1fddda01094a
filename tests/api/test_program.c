/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs, their texts and messages, dumps and the list of backends.
 */
#include "api.h"

#include <stdio.h>

static void test_version_and_statuses(void **state)
{
    (void)state;
    assert_string_equal(ftl_get_version(), FTL_VERSION);
    for (int i = FTL_OK; i <= FTL_ERR_INTERNAL; i++)
        assert_true(strlen(ftl_status_get_text((ftl_status)i)) > 1);
    assert_non_null(ftl_status_get_text((ftl_status)99));
    ftl_text_free(NULL);
}

static void test_parse_and_format(void **state)
{
    (void)state;
    char *text = NULL;
    ftl_program *p = api_parse("Y[i]=2*X[i]\nexport Y");
    assert_string_equal(ftl_program_get_diagnostics(p), "");
    assert_int_equal(ftl_program_format(p, &text), FTL_OK);
    assert_string_equal(text, "Y[i] = 2 * X[i]\nexport Y\n");
    ftl_text_free(text);
    assert_int_equal(ftl_program_format(p, NULL), FTL_ERR_USAGE);
    assert_int_equal(ftl_program_format(NULL, &text), FTL_ERR_USAGE);
    ftl_program_free(p);
    ftl_program_free(NULL);
}

static void test_bad_text(void **state)
{
    (void)state;
    ftl_program *p = NULL;
    ftl_runner *r = NULL;
    ftl_config config;
    char *text = NULL;
    ftl_config_init(&config);
    assert_int_equal(ftl_program_parse(NULL, "bad.fuse", "Y[i = 1", 7, &p), FTL_ERR_PROGRAM);
    assert_non_null(strstr(ftl_program_get_diagnostics(p), "bad.fuse:1:"));
    assert_int_equal(ftl_program_format(p, &text), FTL_ERR_PROGRAM);
    assert_int_equal(ftl_runner_new(p, &config, NULL, 0, &r), FTL_ERR_PROGRAM);
    assert_null(r);
    ftl_program_free(p);
}

static void test_arguments(void **state)
{
    (void)state;
    ftl_program *p = NULL;
    assert_int_equal(ftl_program_parse(NULL, "x", "Y=1", 3, NULL), FTL_ERR_USAGE);
    assert_int_equal(ftl_program_parse(NULL, "x", NULL, 3, &p), FTL_ERR_USAGE);
    assert_null(p);
    assert_int_equal(ftl_program_parse(NULL, NULL, NULL, 0, &p), FTL_OK);
    ftl_program_free(p);
    assert_int_equal(ftl_program_load(NULL, NULL, &p), FTL_ERR_USAGE);
    assert_int_equal(ftl_program_load(NULL, "no/such/file.fuse", &p), FTL_ERR_IO);
    assert_non_null(strstr(ftl_program_get_diagnostics(p), "no/such/file.fuse:1:1: error:"));
    ftl_program_free(p);
    assert_string_equal(ftl_program_get_diagnostics(NULL), "");
}

/* The text is only borrowed while it is parsed. */
static void test_text_is_copied(void **state)
{
    (void)state;
    char text[] = "Y = 1 + 1\nexport Y\n", name[] = "a.fuse";
    ftl_program *p = NULL;
    assert_int_equal(ftl_program_parse(NULL, name, text, strlen(text), &p), FTL_OK);
    memset(text, '#', sizeof(text) - 1);
    memset(name, 'b', sizeof(name) - 1);
    ftl_runner *r = api_compile(p, NULL, NULL, NULL);
    ftl_program_free(p);
    api_run(r);
    assert_true(*(float *)ftl_tensor_get_data(ftl_runner_get_output(r, "Y")) == 2);
    ftl_runner_free(r);
}

static void test_dump(void **state)
{
    (void)state;
    static const char *const passes[] = {"parse", "check", "lower", "fold", "order", "plan"};
    char *text = NULL, *message = NULL;
    ftl_config config;
    ftl_config_init(&config);
    ftl_program *p = api_parse("X[i] = [1, 2]\nY[i] = X[i] + 1\nexport Y\n");
    for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]); i++) {
        ftl_dump dump = {.pass = passes[i], .text = &text, .message = &message};
        assert_int_equal(ftl_program_dump(p, &config, NULL, 0, &dump), FTL_OK);
        assert_true(strlen(text) > 10);
        ftl_text_free(text);
    }
    ftl_dump unknown = {.pass = "nonsense", .text = &text, .message = &message};
    assert_int_equal(ftl_program_dump(p, &config, NULL, 0, &unknown), FTL_ERR_USAGE);
    assert_non_null(strstr(message, "parse, check, lower, "));
    ftl_text_free(message);
    unknown.message = NULL;
    assert_int_equal(ftl_program_dump(p, &config, NULL, 0, &unknown), FTL_ERR_USAGE);
    assert_int_equal(ftl_program_dump(p, &config, NULL, 0, NULL), FTL_ERR_USAGE);
    ftl_program_free(p);
}

static void test_backends(void **state)
{
    (void)state;
    char *text = NULL;
    assert_int_equal(ftl_list_backends(NULL, &text), FTL_OK);
    assert_non_null(strstr(text, "native"));
    assert_non_null(strstr(text, "torch    absent   -          not in this version"));
    ftl_text_free(text);
    assert_int_equal(ftl_list_backends("json", &text), FTL_OK);
    assert_true(text[0] == '[' && strstr(text, "\"name\": \"native\""));
    assert_non_null(strstr(text, "\"name\": \"xla\", \"alias\": null, \"present\": false"));
    ftl_text_free(text);
    assert_int_equal(ftl_list_backends("xml", &text), FTL_ERR_USAGE);
    assert_int_equal(ftl_list_backends("text", NULL), FTL_ERR_USAGE);
}

static void test_memory_comes_from_the_allocator(void **state)
{
    (void)state;
    static const char text[] = "Y[i] = 2 * X[i]\nexport Y\n";
    for (size_t n = 1;; n++) {
        api_heap heap;
        ftl_program *p = NULL;
        char *out = NULL;
        api_heap_init(&heap);
        heap.fail_at = n;
        ftl_status status = ftl_program_parse(&heap.alloc, "x", text, strlen(text), &p);
        if (status == FTL_OK)
            status = ftl_program_format(p, &out);
        ftl_text_free(out);
        ftl_program_free(p);
        assert_int_equal(heap.live, 0);
        if (status == FTL_OK) {
            assert_true(n > 3);
            return;
        }
        assert_int_equal(status, FTL_ERR_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_and_statuses),
        cmocka_unit_test(test_parse_and_format),
        cmocka_unit_test(test_bad_text),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_text_is_copied),
        cmocka_unit_test(test_dump),
        cmocka_unit_test(test_backends),
        cmocka_unit_test(test_memory_comes_from_the_allocator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
