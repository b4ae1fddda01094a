/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text is a graph or gives diagnostics. A graph that was read is sound, and its dump reads back
 * as an equal graph.
 */
#include "fuzz_text.h"

#include "ir/graph.h"

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
