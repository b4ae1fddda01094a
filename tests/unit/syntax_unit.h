/* SPDX-License-Identifier: Apache-2.0
 *
 * For the unit tests of syntax: a session that holds an arena, names and diagnostics.
 */
#ifndef FTL_TESTS_SYNTAX_UNIT_H
#define FTL_TESTS_SYNTAX_UNIT_H

#include "unit.h"

#include "base/diag.h"
#include "syntax/tree.h"

typedef struct syntax_session {
    ftl_arena arena;
    ftl_intern names;
    ftl_diags diags;
    void (*run)(struct syntax_session *s);
    void *user;
} syntax_session;

static inline ftl_status syntax_session_enter(void *p)
{
    syntax_session *s = p;
    ftl_intern_init(&s->names, &s->arena);
    ftl_diags_init(&s->diags, &s->arena);
    s->run(s);
    return FTL_OK;
}

/* Calls run with a fresh session; user is handed on. */
static inline void syntax_session_run(void (*run)(syntax_session *s), void *user)
{
    syntax_session s = {.run = run, .user = user};
    ftl_arena_init(&s.arena, ftl_allocator_get_default());
    assert_int_equal(ftl_arena_run(&s.arena, syntax_session_enter, &s), FTL_OK);
    ftl_arena_fini(&s.arena);
}

static inline ftl_tree *syntax_session_parse(syntax_session *s, const char *text)
{
    uint32_t file = ftl_diags_add_source(&s->diags, "a.fuse", text, strlen(text));
    return ftl_syntax_parse(&s->arena, &s->names, &s->diags, file);
}

/* The messages so far, rendered. */
static inline const char *syntax_session_render(syntax_session *s)
{
    ftl_strbuf out;
    ftl_strbuf_init(&out, &s->arena);
    ftl_diags_render(&s->diags, &out);
    return ftl_strbuf_get(&out);
}

/* Parses text that has no errors. */
static inline ftl_tree *syntax_session_parse_good(syntax_session *s, const char *text)
{
    ftl_tree *tree = syntax_session_parse(s, text);
    assert_string_equal(syntax_session_render(s), "");
    return tree;
}

static inline const char *syntax_session_format(syntax_session *s, const ftl_tree *tree)
{
    ftl_strbuf out;
    ftl_strbuf_init(&out, &s->arena);
    ftl_syntax_format(tree, &s->diags, &out);
    return ftl_strbuf_get(&out);
}

#endif
