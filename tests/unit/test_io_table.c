/* SPDX-License-Identifier: Apache-2.0
 *
 * .csv and .tsv: columns of positions and of text, header lines, quoting, values, errors with
 * lines.
 */
#include "io_files.h"

#include <math.h>

static ftl_tuples *read_form(const char *file, ftl_table_form form, const ftl_read_options *options)
{
    ftl_io_error error = {""};
    ftl_tuples *t = NULL;
    if (ftl_io_read_tuples(file, form, options, &t, &error) != FTL_OK)
        fail_msg("%s", error.message);
    assert_int_equal(t->arity, form.arity);
    return t;
}

static ftl_tuples *read_csv(const char *text, uint32_t arity, bool allow_values)
{
    io_put_text("a.csv", text);
    return read_form("a.csv", (ftl_table_form){arity, allow_values}, NULL);
}

/* What a place of a tuple is: its symbol, or its number as text. */
static const char *get_place(const ftl_tuples *t, uint32_t column, int64_t row)
{
    static char text[32];
    int64_t x = t->columns[column][row];
    if (t->is_text[column])
        return ftl_symbols_get(t->symbols[column], x);
    snprintf(text, sizeof text, "%lld", (long long)x);
    return text;
}

/* places: count rows of arity texts. */
static void check_places(ftl_tuples *t, int64_t count, const char *const *places)
{
    assert_int_equal(t->count, count);
    for (int64_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < t->arity; k++)
            assert_string_equal(get_place(t, k, i), places[i * t->arity + k]);
}

static void check_text(const char *text, uint32_t arity, int64_t count, const char *const *places)
{
    ftl_tuples *t = read_csv(text, arity, false);
    check_places(t, count, places);
    assert_null(t->values);
    ftl_tuples_free(t);
}

#define PLACES(...) ((const char *const[]){__VA_ARGS__})

static void test_positions_and_text(void **state)
{
    (void)state;
    check_text("", 2, 0, PLACES(""));
    check_text("\n\n \n", 2, 0, PLACES(""));
    check_text("0,1\n2,3\n", 2, 2, PLACES("0", "1", "2", "3"));
    check_text("0,1\n2,3", 2, 2, PLACES("0", "1", "2", "3"));
    check_text("0,1\r\n\r\n2,3\r4,5", 2, 3, PLACES("0", "1", "2", "3", "4", "5"));
    check_text("\xef\xbb\xbf"
               "7\n",
               1, 1, PLACES("7"));
    check_text(" 007 , 1 \n", 2, 1, PLACES("7", "1"));
    check_text("ann, bob\nbob,old notes \n", 2, 2, PLACES("ann", "bob", "bob", "old notes"));
    check_text("ann,3\nbob,0\nann,1\n", 2, 3, PLACES("ann", "3", "bob", "0", "ann", "1"));
    check_text("caf\xc3\xa9,1.5\n", 2, 1, PLACES("caf\xc3\xa9", "1.5"));
}

static void test_symbols_are_numbered_as_met(void **state)
{
    (void)state;
    ftl_tuples *t = read_csv("b,a\na,a\nb,c\n", 2, false);
    assert_int_equal(t->columns[0][0], 0);
    assert_int_equal(t->columns[0][1], 1);
    assert_int_equal(t->columns[0][2], 0);
    assert_int_equal(t->columns[1][2], 1);
    assert_int_equal(ftl_symbols_get_count(t->symbols[0]), 2);
    assert_int_equal(ftl_symbols_get_count(t->symbols[1]), 2);
    ftl_tuples_free(t);
}

static void test_quotes(void **state)
{
    (void)state;
    check_text("\"a,b\",\"c \"\"d\"\"\"\n\" e\" , f\n", 2, 2, PLACES("a,b", "c \"d\"", " e", "f"));
    check_text("\"two\nlines\",x\n", 2, 1, PLACES("two\nlines", "x"));
    check_text("\"1\",\"2\"\n", 2, 1, PLACES("1", "2"));
    check_text("5\" pipe,it's\n", 2, 1, PLACES("5\" pipe", "it's"));
    io_put_text("a.tsv", "a, b\t\"c\td\"\n\te\n");
    ftl_io_error error = {""};
    ftl_tuples *t = NULL;
    assert_int_equal(ftl_io_read_tuples("a.tsv", (ftl_table_form){2, false}, NULL, &t, &error),
                     FTL_ERR_IO);
    io_check_message(&error, "a.tsv:2", "column 1 is empty");
    io_put_text("a.tsv", "a, b\t\"c\td\"\n");
    t = read_form("a.tsv", (ftl_table_form){2, false}, NULL);
    check_places(t, 1, PLACES("a, b", "c\td"));
    ftl_tuples_free(t);
}

static void test_values(void **state)
{
    (void)state;
    ftl_tuples *t = read_csv("0,1,0.5\n2,3,-1e3\n4,5,inf\n6,7,nan\n8,9,7\n", 2, true);
    assert_int_equal(t->count, 5);
    assert_true(t->values[0] == 0.5 && t->values[1] == -1000 && t->values[2] == INFINITY);
    assert_true(isnan(t->values[3]) && t->values[4] == 7);
    ftl_tuples_free(t);
    t = read_csv("a,b,1\n", 2, true);
    assert_true(t->values[0] == 1 && t->is_text[1]);
    ftl_tuples_free(t);
    t = read_csv("a,b\n", 2, true);
    assert_null(t->values);
    ftl_tuples_free(t);
}

static void test_header_lines(void **state)
{
    (void)state;
    static const char *const axes[] = {"parent", "child"}, *const letters[] = {"a", "b"};
    ftl_read_options named = {.axes = axes}, lettered = {.axes = letters};
    check_text("from,to\n0,1\n", 2, 1, PLACES("0", "1"));
    check_text("who,age\nann,3\n", 2, 1, PLACES("ann", "3"));
    check_text("from,to\nann,bob\n", 2, 2, PLACES("from", "to", "ann", "bob"));
    check_text("parent,child\nann,bob\n", 2, 2, PLACES("parent", "child", "ann", "bob"));
    ftl_tuples *t = read_form("a.csv", (ftl_table_form){2, false}, &named);
    check_places(t, 1, PLACES("ann", "bob"));
    ftl_tuples_free(t);
    io_put_text("a.csv", "parent,child\n");
    t = read_form("a.csv", (ftl_table_form){2, false}, &named);
    assert_int_equal(t->count, 0);
    ftl_tuples_free(t);
    io_put_text("a.csv", "a,b\nb,c\n");
    t = read_form("a.csv", (ftl_table_form){2, false}, &lettered);
    assert_int_equal(t->count, 2);
    ftl_tuples_free(t);
    t = read_csv("from,to,weight\nann,bob,0.5\n", 2, true);
    assert_int_equal(t->count, 1);
    assert_true(t->values[0] == 0.5);
    ftl_tuples_free(t);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t arity;
        bool allow_values;
        const char *place, *words;
    } cases[] = {
        {"0,1\nann,bob\n", 2, false, "a.csv:2",
         "column 1: 'ann' is text, the column has integers since line 1"},
        {"ulm,1\nbonn,jena\n", 2, false, "a.csv:2", "column 2: 'jena' is text"},
        {"a,b\nc,d\ne,7\n", 2, false, "a.csv:3",
         "'7' is an integer, the column has text since line 1"},
        {"0,1\n2,-3\n", 2, false, "a.csv:2", "'-3' is negative"},
        {"0,1\n2,9007199254740992\n", 2, false, "a.csv:2", "too large"},
        {"0,1\n2,99999999999999999999\n", 2, false, "a.csv:2", "too large"},
        {"0,1\n2\n", 2, false, "a.csv:2", "1 columns, the lines before have 2"},
        {"0,1\n2,3,4\n", 2, false, "a.csv:2", "3 columns"},
        {"0,1,2\n", 2, false, "a.csv:1", "3 columns, the relation has 2 places"},
        {"0\n", 2, true, "a.csv:1", "1 column, the relation has 2 places (and may have a value)"},
        {"0,1,2,3\n", 2, true, "a.csv:1", "4 columns"},
        {"0,1,x\n", 2, true, "a.csv:1", "'x' is not a number"},
        {"0,1,0.5\n0,1,0x1p3\n", 2, true, "a.csv:2", "'0x1p3' is not a number"},
        {"0,1,0.5\n0,1,\n", 2, true, "a.csv:2", "is not a number"},
        {"0,\n", 2, false, "a.csv:1", "column 2 is empty"},
        {"\"\",1\n", 2, false, "a.csv:1", "column 1 is empty"},
        {",\n", 2, false, "a.csv:1", "column 1 is empty"},
        {"a,\"b\n", 2, false, "a.csv:1", "a quote is not closed"},
        {"x,y\n\"a\nb\" c,d\n", 2, false, "a.csv:3", "text after a closing quote"},
        {"a,\xff\n", 2, false, "a.csv:1", "not UTF-8"},
        {"a,\xc0\x80\n", 2, false, "a.csv:1", "not UTF-8"},
        {"\xff\xfe"
         "0",
         1, false, "a.csv", "UTF-16"},
        {"0,1\n", 0, false, "a.csv", "0 places"},
        {"0,1\n", 33, false, "a.csv", "33 places"},
        {"1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1\n", 32, true,
         "a.csv:1", "more than 32 columns"},
    };
    for (size_t i = 0; i < FTL_COUNT(cases); i++) {
        ftl_io_error error = {""};
        ftl_tuples *t = NULL;
        ftl_table_form form = {cases[i].arity, cases[i].allow_values};
        io_put_text("a.csv", cases[i].text);
        ftl_status status = ftl_io_read_tuples("a.csv", form, NULL, &t, &error);
        assert_int_equal(status, FTL_ERR_IO);
        assert_null(t);
        io_check_message(&error, cases[i].place, cases[i].words);
    }
}

static void check_bytes(const char *data, size_t len, const char *words)
{
    ftl_io_error error = {""};
    ftl_tuples *t = NULL;
    io_put("b.csv", data, len);
    assert_int_equal(ftl_io_read_tuples("b.csv", (ftl_table_form){1, false}, NULL, &t, &error),
                     FTL_ERR_IO);
    io_check_message(&error, "b.csv:2", words);
}

static void test_nul_and_endless_lines(void **state)
{
    (void)state;
    size_t len = ((size_t)1 << 20) + 100;
    char *text = malloc(len);
    assert_non_null(text);
    check_bytes("a\nb\0c\n", 6, "column 1 holds a NUL byte");
    check_bytes("a\nb\0\n", 5, "column 1 holds a NUL byte");
    check_bytes("a\nb \0", 5, "column 1 holds a NUL byte");
    check_bytes("a\n\0", 3, "column 1 holds a NUL byte");
    check_bytes("a\nb,c\0\n", 7, "column 2 holds a NUL byte");
    check_bytes("a\n\"b\0\"\n", 7, "column 1 holds a NUL byte");
    memset(text, 'x', len);
    text[0] = 'a', text[1] = '\n';
    check_bytes(text, len, "longer than 1 MiB");
    text[2] = '"';
    check_bytes(text, len, "longer than 1 MiB");
    memset(text + 2, ' ', len - 2);
    text[len - 1] = 'b';
    io_put("b.csv", text, len);
    ftl_tuples_free(read_form("b.csv", (ftl_table_form){1, false}, NULL));
    free(text);
}

static void test_many_rows(void **state)
{
    (void)state;
    FILE *f = fopen("many.tsv", "w");
    for (int i = 0; i < 100000; i++)
        fprintf(f, "%d\tnode %d\n", i, i % 1000);
    fclose(f);
    ftl_tuples *t = read_form("many.tsv", (ftl_table_form){2, false}, NULL);
    assert_int_equal(t->count, 100000);
    for (int i = 0; i < 100000; i++)
        assert_true(t->columns[0][i] == i && t->columns[1][i] == i % 1000);
    ftl_tuples_free(t);
    ftl_read_options small = {.memory_limit = 100000};
    ftl_io_error error = {""};
    t = NULL;
    assert_int_equal(ftl_io_read_tuples("many.tsv", (ftl_table_form){2, false}, &small, &t, &error),
                     FTL_ERR_MEMORY);
    io_check_message(&error, "many.tsv", "more than the limit");
    f = fopen("words.csv", "w");
    for (int i = 0; i < 3000; i++)
        fprintf(f, "a word that is met once, and a long one at that, number %d\n", i);
    fclose(f);
    assert_int_equal(
        ftl_io_read_tuples("words.csv", (ftl_table_form){3, false}, &small, &t, &error),
        FTL_ERR_MEMORY);
    f = fopen("words.csv", "w");
    for (int i = 0; i < 3000; i++)
        fprintf(f, "a word that is met once, and a long one at that, number %d\n", i);
    fclose(f);
    assert_int_equal(
        ftl_io_read_tuples("words.csv", (ftl_table_form){3, false}, &small, &t, &error),
        FTL_ERR_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_positions_and_text),
        cmocka_unit_test(test_symbols_are_numbered_as_met),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_header_lines),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nul_and_endless_lines),
        cmocka_unit_test(test_many_rows),
    };
    return cmocka_run_group_tests(tests, io_enter_folder, io_leave_folder);
}
