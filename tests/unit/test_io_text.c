/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts with their vocabularies, lists of symbols, whole files.
 */
#include "io_files.h"

static ftl_tuples *read_text(const char *file, const ftl_symbols *known)
{
    ftl_read_options options = {.words = known};
    ftl_io_error error = {""};
    ftl_tuples *t = NULL;
    if (ftl_io_read_text(file, &options, &t, &error) != FTL_OK)
        fail_msg("%s", error.message);
    assert_int_equal(t->arity, 2);
    assert_false(t->is_text[0]);
    assert_true(t->is_text[1]);
    assert_null(t->values);
    for (int64_t i = 0; i < t->count; i++)
        assert_int_equal(t->columns[0][i], i);
    return t;
}

/* Writes the vocabulary of a text that was read. */
static void write_words(const char *file, const ftl_tuples *t)
{
    ftl_write_options options = {.alloc = NULL};
    ftl_io_error error = {""};
    ftl_arena arena;
    ftl_arena_init(&arena, ftl_allocator_get_default());
    const char *path = ftl_io_find_vocabulary(&arena, file);
    if (ftl_io_write_vocabulary(path, t->symbols[1], &options, &error) != FTL_OK)
        fail_msg("%s", error.message);
    ftl_arena_fini(&arena);
}

static void check_words(const char *file, bool keep, int64_t count, const int64_t *numbers)
{
    ftl_tuples *t = read_text(file, NULL);
    assert_int_equal(t->count, count);
    for (int64_t i = 0; i < count; i++)
        assert_int_equal(t->columns[1][i], numbers[i]);
    if (!keep)
        write_words(file, t);
    ftl_tuples_free(t);
}

static void refuse(const char *file, const char *start, const char *words)
{
    ftl_io_error error = {""};
    ftl_tuples *t = NULL;
    assert_int_equal(ftl_io_read_text(file, NULL, &t, &error), FTL_ERR_IO);
    assert_null(t);
    io_check_message(&error, start, words);
}

static void test_new_vocabulary(void **state)
{
    (void)state;
    io_put_text("note.txt", "the owl saw the mouse and\nthe mouse saw   nothing\n");
    check_words("note.txt", false, 10, (const int64_t[]){0, 1, 2, 0, 3, 4, 0, 3, 2, 5});
    assert_string_equal(io_get_text("note.vocab.json"),
                        "{\"version\": 1, \"items\": [{\"token\": \"the\", \"index\": 0}, "
                        "{\"token\": \"owl\", \"index\": 1}, {\"token\": \"saw\", \"index\": 2}, "
                        "{\"token\": \"mouse\", \"index\": 3}, {\"token\": \"and\", \"index\": 4}, "
                        "{\"token\": \"nothing\", \"index\": 5}]}\n");
}

static void test_given_vocabulary_grows(void **state)
{
    (void)state;
    const char *given = "{\"version\":1,\"items\":[{\"index\":1,\"token\":\"owl\"},"
                        "{\"index\":0,\"token\":\"the\"}]}";
    io_put_text("given.md", "the owl the");
    io_put_text("given.vocab.json", given);
    check_words("given.md", false, 3, (const int64_t[]){0, 1, 0});
    assert_string_equal(io_get_text("given.vocab.json"), given);
    io_put_text("given.md", "fox \"a\\b\"");
    check_words("given.md", true, 2, (const int64_t[]){2, 3});
    assert_string_equal(io_get_text("given.vocab.json"), given);
    check_words("given.md", false, 2, (const int64_t[]){2, 3});
    assert_non_null(strstr(io_get_text("given.vocab.json"), "\"fox\", \"index\": 2"));
    assert_non_null(strstr(io_get_text("given.vocab.json"), "\"\\\"a\\\\b\\\"\", \"index\": 3"));
    check_words("given.md", false, 2, (const int64_t[]){2, 3});
}

static void test_nothing_is_written_by_reading(void **state)
{
    (void)state;
    io_put_text("quiet.txt", "a b");
    ftl_tuples_free(read_text("quiet.txt", NULL));
    assert_int_equal(access("quiet.vocab.json", F_OK), -1);
}

/* What one text has met another one goes on with, and the file gets the words of both. */
static void test_words_known_before(void **state)
{
    (void)state;
    io_put_text("two.txt", "a b");
    io_put_text("two.md", "c b");
    ftl_tuples *first = read_text("two.txt", NULL);
    ftl_tuples *second = read_text("two.md", first->symbols[1]);
    assert_int_equal(second->columns[1][0], 2);
    assert_int_equal(second->columns[1][1], 1);
    write_words("two.md", second);
    write_words("two.txt", first);
    assert_non_null(strstr(io_get_text("two.vocab.json"), "\"c\", \"index\": 2"));
    ftl_tuples_free(first);
    ftl_tuples_free(second);
}

/* A vocabulary that somebody changed after it was read is not overwritten. */
static void test_vocabulary_changed_meanwhile(void **state)
{
    (void)state;
    static const char other[] = "{\"version\":1,\"items\":[{\"token\":\"b\",\"index\":0}]}";
    ftl_write_options options = {.alloc = NULL};
    ftl_io_error error = {""};
    io_put_text("race.txt", "a b");
    ftl_tuples *t = read_text("race.txt", NULL);
    io_put_text("race.vocab.json", other);
    assert_int_equal(
        ftl_io_write_vocabulary("race.vocab.json", t->symbols[1], &options, &error), FTL_ERR_IO);
    io_check_message(&error, "race.vocab.json", "changed by someone else");
    assert_string_equal(io_get_text("race.vocab.json"), other);
    ftl_tuples_free(t);
}

static void test_white_space(void **state)
{
    (void)state;
    io_put_text("w.txt", "\xef\xbb\xbf"
                         "a\tb\vc\fd\r\ne\xc2\xa0"
                         "f\xe2\x80\x83g\xe3\x80\x80h\xe2\x80\x8bi ");
    ftl_tuples *t = read_text("w.txt", NULL);
    assert_int_equal(t->count, 8);
    assert_string_equal(ftl_symbols_get(t->symbols[1], 7), "h\xe2\x80\x8bi");
    ftl_tuples_free(t);
    io_put_text("w.txt", "");
    t = read_text("w.txt", NULL);
    assert_int_equal(t->count, 0);
    ftl_tuples_free(t);
}

static void test_names_of_side_files(void **state)
{
    (void)state;
    assert_int_equal(mkdir("v1.2", 0777), 0);
    io_put_text("v1.2/a.b.txt", "x");
    check_words("v1.2/a.b.txt", false, 1, (const int64_t[]){0});
    assert_int_equal(access("v1.2/a.b.vocab.json", R_OK), 0);
    assert_int_equal(io_count_entries("v1.2"), 2);
}

static void test_refused_texts(void **state)
{
    (void)state;
    io_put("r.txt", "a\nb \0", 5);
    refuse("r.txt", "r.txt:2", "NUL");
    io_put_text("r.txt", "caf\xe9 noir");
    refuse("r.txt", "r.txt:1", "not UTF-8");
    io_put_text("r.txt", "\xff\xfe");
    refuse("r.txt", "r.txt", "UTF-16");
    refuse("absent.txt", "absent.txt", "No such file");
    assert_int_equal(access("r.vocab.json", F_OK), -1);
    size_t len = ((size_t)1 << 20) + 8;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, 'x', len);
    io_put("r.txt", text, len);
    free(text);
    refuse("r.txt", "r.txt:1", "longer than 1 MiB");
}

static void test_refused_vocabularies(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", ""},
        {"[]", "is not a vocabulary"},
        {"{\"version\":2,\"items\":[]}", "is not a vocabulary"},
        {"{\"items\":[]}", "is not a vocabulary"},
        {"{\"version\":1}", "is not a vocabulary"},
        {"{\"version\":1,\"items\":[{}]}", "item 0 has no token"},
        {"{\"version\":1,\"items\":[{\"token\":\"\",\"index\":0}]}", "item 0 has no token"},
        {"{\"version\":1,\"items\":[{\"token\":\"a\"}]}", "no index"},
        {"{\"version\":1,\"items\":[{\"token\":\"a\",\"index\":0.5}]}", "no index"},
        {"{\"version\":1,\"items\":[{\"token\":\"a\",\"index\":1}]}", "has the index 1"},
        {"{\"version\":1,\"items\":[{\"token\":\"a\",\"index\":-1}]}", "has the index -1"},
        {"{\"version\":1,\"items\":[{\"token\":\"a\",\"index\":0},{\"token\":\"b\",\"index\":0}]}",
         "has the index 0"},
        {"{\"version\":1,\"items\":[{\"token\":\"a\",\"index\":0},{\"token\":\"a\",\"index\":1}]}",
         "the token 'a' twice"},
        {"{\"version\":1,\"items\":[{\"token\":\"a\\u0000\",\"index\":0}]}", ""},
        {"{\"version\":1,\"version\":1,\"items\":[]}", "duplicate"},
    };
    io_put_text("v.txt", "a b");
    for (size_t i = 0; i < FTL_COUNT(cases); i++) {
        io_put_text("v.vocab.json", cases[i].text);
        refuse("v.txt", "v.vocab.json", cases[i].words);
        assert_string_equal(io_get_text("v.vocab.json"), cases[i].text);
    }
    assert_int_equal(remove("v.vocab.json"), 0);
    assert_int_equal(mkdir("v.vocab.json", 0777), 0);
    refuse("v.txt", "v.vocab.json", "is a folder");
}

static void test_symbols(void **state)
{
    (void)state;
    ftl_io_error error = {""};
    ftl_symbols *s = NULL;
    io_put_text("towns.txt", "\xef\xbb\xbfulm\r\n\n  bad homburg\t\nulm\n# jena\ntrier");
    assert_int_equal(ftl_io_read_symbols("towns.txt", NULL, &s, &error), FTL_OK);
    assert_int_equal(ftl_symbols_get_count(s), 4);
    assert_string_equal(ftl_symbols_get(s, 1), "bad homburg");
    assert_string_equal(ftl_symbols_get(s, 2), "# jena");
    assert_string_equal(ftl_symbols_get(s, 3), "trier");
    ftl_symbols_free(s);
    s = NULL;
    io_put("towns.txt", "a\nb\0", 4);
    assert_int_equal(ftl_io_read_symbols("towns.txt", NULL, &s, &error), FTL_ERR_IO);
    assert_null(s);
    io_check_message(&error, "towns.txt:2", "NUL");
    assert_int_equal(ftl_io_read_symbols("none.txt", NULL, &s, &error), FTL_ERR_IO);
    io_check_message(&error, "none.txt", "No such file");
}

static void test_bytes(void **state)
{
    (void)state;
    ftl_io_error error = {""};
    ftl_io_bytes bytes = {.data = NULL};
    ftl_read_options small = {.memory_limit = 4};
    io_put("b.bin", "ab\0d", 4);
    assert_int_equal(ftl_io_read_bytes("b.bin", &small, &bytes, &error), FTL_OK);
    assert_int_equal(bytes.len, 4);
    assert_memory_equal(bytes.data, "ab\0d", 5);
    ftl_io_bytes_free(&bytes);
    io_put("b.bin", "ab\0de", 5);
    assert_int_equal(ftl_io_read_bytes("b.bin", &small, &bytes, &error), FTL_ERR_IO);
    io_check_message(&error, "b.bin", "more than 4 bytes");
    assert_int_equal(ftl_io_read_bytes("/proc/self/status", NULL, &bytes, &error), FTL_OK);
    assert_true(bytes.len > 100);
    ftl_io_bytes_free(&bytes);
    io_put("b.bin", "", 0);
    assert_int_equal(ftl_io_read_bytes("b.bin", NULL, &bytes, &error), FTL_OK);
    assert_string_equal(bytes.data, "");
    ftl_io_bytes_free(&bytes);
    ftl_io_bytes_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_vocabulary), cmocka_unit_test(test_given_vocabulary_grows),
        cmocka_unit_test(test_nothing_is_written_by_reading),
        cmocka_unit_test(test_words_known_before),
        cmocka_unit_test(test_vocabulary_changed_meanwhile),
        cmocka_unit_test(test_white_space),    cmocka_unit_test(test_names_of_side_files),
        cmocka_unit_test(test_refused_texts),  cmocka_unit_test(test_refused_vocabularies),
        cmocka_unit_test(test_symbols),        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, io_enter_folder, io_leave_folder);
}
