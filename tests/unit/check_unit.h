/* SPDX-License-Identifier: Apache-2.0
 *
 * For the unit tests of check: a program with made-up files, checked; its model as text and its
 * messages.
 */
#ifndef FTL_TESTS_CHECK_UNIT_H
#define FTL_TESTS_CHECK_UNIT_H

#include "unit.h"

#include "check/model.h"

#include <stdlib.h>

/* given: files and inputs, "NAME holds|NAME holds". What one holds: "3x4" a dense tensor, "" a
 * number; "0,1 2,0" tuples of numbers, "ulm,bonn" of symbols; "!why" cannot be read; else it is the
 * text of a program or domain. wants: parts of what is shown, "this|that". */
typedef struct check_case {
    const char *program, *given, *wants;
} check_case;

typedef struct check_session {
    ftl_arena arena;
    ftl_intern names;
    ftl_diags diags;
    ftl_model *model;
    const check_case *test;
    const ftl_check_options *options;
    void (*look)(struct check_session *s);
} check_session;

static inline const char *check_find_file(check_session *s, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = s->test->given; *at;) {
        size_t n = strcspn(at, "|");
        if (strncmp(at, name, len) == 0 && (at[len] == ' ' || len == n))
            return len == n ? "" : ftl_arena_strndup(&s->arena, at + len + 1, n - len - 1);
        at += n + (at[n] != 0);
    }
    return NULL;
}

static inline bool check_read_text(void *user, ftl_text_request *q)
{
    check_session *s = user;
    const char *slash = strrchr(q->base, '/');
    const char *path =
        slash ? ftl_arena_printf(&s->arena, "%.*s/%s", (int)(slash - q->base), q->base, q->path)
              : q->path;
    q->name = path;
    q->text = check_find_file(s, path);
    q->message = "no such file";
    q->len = q->text ? strlen(q->text) : 0;
    return q->text != NULL;
}

/* Lines of a file; none of them is blank. */
static inline bool check_read_symbols(void *user, ftl_symbols_request *q)
{
    check_session *s = user;
    const char *text = check_find_file(s, q->path);
    const char **symbols = FTL_NEW_ARRAY(&s->arena, const char *, text ? strlen(text) : 0);
    q->message = "no such file";
    q->symbols = symbols;
    for (size_t len; text && *text; text += len + (text[len] == '\n')) {
        len = strcspn(text, "\n");
        symbols[q->n++] = ftl_arena_strndup(&s->arena, text, len);
    }
    return text != NULL;
}

static inline const char *const *check_symbol_table(void)
{
    static const char *const names[] = {"ulm", "bonn", "jena", "kiel"};
    return names;
}

/* "0,1 2,0" or "ulm,bonn bonn,jena"; a column of symbols numbers them as in the table above. */
static inline void check_make_tuples(check_session *s, const char *text, ftl_source_info *out)
{
    size_t len = strlen(text);
    int64_t *columns[FTL_MAX_RANK];
    out->is_tuples = true;
    out->dtype = FTL_DTYPE_BOOL;
    for (uint32_t k = 0; k < out->rank; k++)
        out->columns[k] = columns[k] = FTL_NEW_ARRAY(&s->arena, int64_t, len);
    for (const char *at = text; *at; out->count++) {
        for (uint32_t k = 0; k < out->rank; k++) {
            size_t n = strcspn(at, ", ");
            bool is_text = *at < '0' || *at > '9';
            int64_t x = is_text ? 0 : strtoll(at, NULL, 10);
            while (is_text && strncmp(check_symbol_table()[x], at, n) != 0)
                x++;
            columns[k][out->count] = x;
            out->shape[k] = x + 1 > out->shape[k] ? x + 1 : out->shape[k];
            out->is_text[k] = is_text;
            out->symbols[k] = check_symbol_table();
            out->n_symbols[k] = is_text ? 4 : 0;
            at += n + (at[n] != 0);
        }
    }
}

static inline bool check_load(void *user, ftl_load_request *q)
{
    check_session *s = user;
    const char *holds = check_find_file(s, q->path ? q->path : q->name);
    q->found = holds != NULL;
    q->message = "no such file";
    if (!holds)
        return q->path == NULL;
    if (*holds == '!') {
        q->message = holds + 1;
        return false;
    }
    q->info.dtype = FTL_DTYPE_F32;
    if (strchr(holds, ',')) {
        q->info.rank = q->rank;
        check_make_tuples(s, holds, &q->info);
        return true;
    }
    while (*holds) {
        char *end;
        q->info.shape[q->info.rank++] = strtoll(holds, &end, 10);
        holds = end + (*end == 'x');
    }
    return true;
}

static inline ftl_status check_enter(void *p)
{
    check_session *s = p;
    ftl_loader loader = {s, check_read_text, check_load, check_read_symbols};
    ftl_check_options options = *s->options;
    ftl_intern_init(&s->names, &s->arena);
    ftl_diags_init(&s->diags, &s->arena);
    options.loader = &loader;
    uint32_t file =
        ftl_diags_add_source(&s->diags, "a.fuse", s->test->program, strlen(s->test->program));
    ftl_tree *tree = ftl_syntax_parse(&s->arena, &s->names, &s->diags, file);
    s->model = ftl_check_program(&s->arena, &s->names, &s->diags, tree, &options);
    s->look(s);
    return FTL_OK;
}

static inline void check_run(const check_case *test, const ftl_check_options *options,
                             void (*look)(check_session *s))
{
    static const ftl_check_options plain = {.mode = FTL_MODE_AUTO};
    check_session s = {.test = test, .options = options ? options : &plain, .look = look};
    ftl_arena_init(&s.arena, ftl_allocator_get_default());
    assert_int_equal(ftl_arena_run(&s.arena, check_enter, &s), FTL_OK);
    ftl_arena_fini(&s.arena);
}

/* All that a user is shown: messages, then the model. */
static inline const char *check_show(check_session *s)
{
    ftl_strbuf out;
    ftl_strbuf_init(&out, &s->arena);
    ftl_diags_render(&s->diags, &out);
    ftl_model_dump(s->model, &out);
    return ftl_strbuf_get(&out);
}

static inline void check_look_for_wants(check_session *s)
{
    const char *shown = check_show(s);
    for (const char *at = s->test->wants; *at;) {
        size_t n = strcspn(at, "|");
        const char *want = ftl_arena_strndup(&s->arena, at, n);
        if (!strstr(shown, want))
            print_message("%s\n---\n%s\nwant: %s\n", s->test->program, shown, want);
        assert_non_null(strstr(shown, want));
        at += n + (at[n] != 0);
    }
}

/* The program is sound, and what is shown has all of the wants. */
static inline void check_look_at_sound(check_session *s)
{
    if (s->diags.errors > 0)
        print_message("%s\n---\n%s\n", s->test->program, check_show(s));
    assert_int_equal(s->diags.errors, 0);
    check_look_for_wants(s);
}

static inline void check_all_sound(const check_case *list, size_t n,
                                   const ftl_check_options *options)
{
    for (size_t i = 0; i < n; i++)
        check_run(&list[i], options, check_look_at_sound);
}

/* The program is refused, and what is shown has all of the wants. */
static inline void check_look_at_refused(check_session *s)
{
    if (s->diags.errors == 0)
        print_message("%s\n---\n%s\n", s->test->program, check_show(s));
    assert_true(s->diags.errors > 0);
    check_look_for_wants(s);
}

static inline void check_all_refused(const check_case *list, size_t n,
                                     const ftl_check_options *options)
{
    for (size_t i = 0; i < n; i++)
        check_run(&list[i], options, check_look_at_refused);
}

#endif
