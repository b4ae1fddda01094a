/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text is a graph or gives diagnostics. A graph that was read is sound, and its dump reads back
 * as an equal graph.
 */
#include "fuzz.h"

#include "base/diag.h"
#include "ir/graph.h"

typedef struct session {
    ftl_arena arena;
    ftl_intern names;
    ftl_diags diags;
    const uint8_t *data;
    size_t size;
} session;

static ftl_graph *read_graph(session *s, const char *text, size_t len)
{
    uint32_t file = ftl_diags_add_source(&s->diags, "fuzz.graph", text, len);
    return ftl_graph_read(&s->arena, &s->names, &s->diags, file);
}

static void check_text(session *s, const char *text, size_t len)
{
    ftl_graph *graph = read_graph(s, text, len);
    if (graph == NULL) {
        fuzz_require(s->diags.errors > 0, "a refusal has a message");
        return;
    }
    fuzz_require(ftl_graph_verify(graph, &s->arena) == NULL, "a graph that was read is sound");
    ftl_strbuf dump;
    ftl_strbuf_init(&dump, &s->arena);
    ftl_graph_dump(graph, &dump);
    ftl_graph *again = read_graph(s, ftl_strbuf_get(&dump), dump.len);
    fuzz_require(again != NULL, "a dump reads back");
    fuzz_require(ftl_graph_is_equal(graph, again), "a dump reads back as an equal graph");
}

static ftl_status check_input(void *p)
{
    session *s = p;
    ftl_intern_init(&s->names, &s->arena);
    ftl_diags_init(&s->diags, &s->arena);
    check_text(s, ftl_arena_strndup(&s->arena, (const char *)s->data, s->size), s->size);
    return FTL_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    session s = {.data = data, .size = size};
    ftl_arena_init(&s.arena, ftl_allocator_get_default());
    s.arena.limit = FUZZ_MEMORY;
    (void)ftl_arena_run(&s.arena, check_input, &s);
    ftl_arena_fini(&s.arena);
    return 0;
}
