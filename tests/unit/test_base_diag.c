/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/diag.h"

static const char program[] = "Y[i] = X[i]\nZ[j] =\tQ[j]\n";

typedef struct session {
    ftl_arena arena;
    ftl_diags diags;
    ftl_strbuf out;
} session;

static ftl_status render(void *p)
{
    session *s = p;
    ftl_strbuf_init(&s->out, &s->arena);
    ftl_diags_render(&s->diags, &s->out);
    return FTL_OK;
}

static ftl_status start(void *p)
{
    session *s = p;
    ftl_diags_init(&s->diags, &s->arena);
    assert_int_equal(ftl_diags_add_source(&s->diags, "a.fuse", program, sizeof program - 1), 1);
    return FTL_OK;
}

static ftl_status report(void *p)
{
    session *s = p;
    FTL_TRY(start(s));
    ftl_diag *d =
        ftl_diag_error(&s->diags, FTL_E_NAME, (ftl_span){1, 19, 1}, "unknown name %s", "Q");
    ftl_diag_hint(&s->diags, d, "did you mean '%s'?", "X");
    ftl_diag_note(&s->diags, d, (ftl_span){1, 0, 4}, "declared here");
    ftl_diag_warn(&s->diags, FTL_W_PROJECTION, (ftl_span){1, 7, 4}, "first");
    ftl_diag_error(&s->diags, FTL_E_NAME, (ftl_span){1, 19, 1}, "unknown name Q");
    assert_int_equal(s->diags.errors, 2);
    assert_int_equal(s->diags.warnings, 1);
    return render(s);
}

static void run(session *s, ftl_status (*fn)(void *))
{
    ftl_arena_init(&s->arena, ftl_allocator_get_default());
    assert_int_equal(ftl_arena_run(&s->arena, fn, s), FTL_OK);
}

static void test_report(void **state)
{
    (void)state;
    session s;
    run(&s, report);
    assert_string_equal(ftl_strbuf_get(&s.out), "a.fuse:1:8: warning: first [W1401]\n"
                                                "    1 | Y[i] = X[i]\n"
                                                "      |        ^~~~\n"
                                                "a.fuse:2:8: error: unknown name Q [E0201]\n"
                                                "    2 | Z[j] =  Q[j]\n"
                                                "      |         ^\n"
                                                "note: a.fuse:1:1: declared here\n"
                                                "    1 | Y[i] = X[i]\n"
                                                "      | ^~~~\n"
                                                "hint: did you mean 'X'?\n");
    ftl_arena_fini(&s.arena);
}

static ftl_status report_at_odd_places(void *p)
{
    session *s = p;
    FTL_TRY(start(s));
    ftl_diag_error(&s->diags, FTL_E_SYNTAX, (ftl_span){1, 9999, 50}, "beyond");
    ftl_diag_error(&s->diags, FTL_E_OPTION, (ftl_span){0}, "nowhere\x1b");
    ftl_diag_error(&s->diags, FTL_E_SYNTAX, (ftl_span){7, 1, 1}, "no such source");
    return render(s);
}

static void test_odd_places(void **state)
{
    (void)state;
    session s;
    run(&s, report_at_odd_places);
    const char *text = ftl_strbuf_get(&s.out);
    assert_non_null(strstr(text, "fuse: error: nowhere\\x1b [E0901]\n"));
    assert_non_null(strstr(text, "a.fuse:3:1: error: beyond [E0101]\n"));
    assert_non_null(strstr(text, ":1:1: error: no such source"));
    assert_null(strchr(text, '\x1b'));
    ftl_arena_fini(&s.arena);
}

static ftl_status locate(void *p)
{
    session *s = p;
    FTL_TRY(start(s));
    static const struct {
        uint32_t off;
        unsigned line, col;
    } rows[] = {{0, 1, 1}, {11, 1, 12}, {12, 2, 1}, {20, 2, 9}, {25, 3, 1}, {999, 3, 1}};
    for (size_t i = 0; i < FTL_COUNT(rows); i++) {
        unsigned line = 0, col = 0;
        ftl_diags_locate(&s->diags, (ftl_span){1, rows[i].off, 0}, &line, &col);
        assert_int_equal(line, rows[i].line);
        assert_int_equal(col, rows[i].col);
    }
    return FTL_OK;
}

static void test_locate(void **state)
{
    (void)state;
    session s;
    run(&s, locate);
    ftl_arena_fini(&s.arena);
}

/* A line of a megabyte with a message for each of 500 places: only its part near the caret is
 * shown. */
static ftl_status report_long_line(void *p)
{
    session *s = p;
    size_t len = 1 << 20;
    char *text = ftl_arena_alloc(&s->arena, len + 1);
    memset(text, 'x', len);
    ftl_diags_init(&s->diags, &s->arena);
    ftl_diags_add_source(&s->diags, "long.fuse", text, len);
    for (uint32_t i = 0; i < 500; i++)
        ftl_diag_error(&s->diags, FTL_E_SYNTAX, (ftl_span){1, i * 2000, 900000}, "here");
    return render(s);
}

static void test_long_line(void **state)
{
    (void)state;
    session s;
    run(&s, report_long_line);
    assert_in_range(s.out.len, 20 * 100, 20 * 400 + 480 * 50);
    size_t n = 0;
    for (const char *at = ftl_strbuf_get(&s.out); (at = strstr(at, ": error: here [")); at++)
        n++;
    assert_int_equal(n, 500);
    assert_non_null(strstr(ftl_strbuf_get(&s.out), "\nlong.fuse:1:998001: error: here ["));
    ftl_arena_fini(&s.arena);
}

static void test_join(void **state)
{
    (void)state;
    ftl_span both = ftl_span_join((ftl_span){1, 10, 5}, (ftl_span){1, 2, 3});
    assert_int_equal(both.off, 2);
    assert_int_equal(both.len, 13);
    both = ftl_span_join((ftl_span){0}, (ftl_span){1, 2, 3});
    assert_int_equal(both.off, 2);
    both = ftl_span_join((ftl_span){1, 10, 5}, (ftl_span){2, 2, 3});
    assert_int_equal(both.file, 1);
    assert_int_equal(both.len, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report), cmocka_unit_test(test_odd_places),
        cmocka_unit_test(test_locate), cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
