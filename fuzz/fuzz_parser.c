/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text parses or gives diagnostics. A program without errors keeps its meaning when formatted,
 * and formatting the formatted text changes nothing.
 */
#include "fuzz_text.h"

#include "syntax/tree.h"

static ftl_tree *parse(session *s, const char *text, size_t len)
{
    uint32_t file = ftl_diags_add_source(&s->diags, "fuzz.fuse", text, len);
    return ftl_syntax_parse(&s->arena, &s->names, &s->diags, file);
}

static void check_text(session *s, const char *text, size_t len)
{
    ftl_tree *tree = parse(s, text, len);
    ftl_strbuf first, second, messages;
    ftl_strbuf_init(&messages, &s->arena);
    ftl_diags_render(&s->diags, &messages);
    if (s->diags.errors > 0)
        return;
    ftl_strbuf_init(&first, &s->arena);
    ftl_syntax_format(tree, &s->diags, &first);
    ftl_tree *again = parse(s, ftl_strbuf_get(&first), first.len);
    fuzz_require(s->diags.errors == 0, "formatted text parses");
    fuzz_require(ftl_syntax_is_equal(tree, again), "formatting keeps the meaning");
    ftl_strbuf_init(&second, &s->arena);
    ftl_syntax_format(again, &s->diags, &second);
    fuzz_require(strcmp(ftl_strbuf_get(&first), ftl_strbuf_get(&second)) == 0,
                 "formatting settles");
}
