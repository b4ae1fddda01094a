/* SPDX-License-Identifier: Apache-2.0 */
#include "graph_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

ftl_graph *graph_text_read(ftl_arena *arena, const char *text)
{
    ftl_diags *diags = FTL_NEW(arena, ftl_diags);
    ftl_intern *names = FTL_NEW(arena, ftl_intern);
    ftl_strbuf report;
    ftl_diags_init(diags, arena);
    ftl_intern_init(names, arena);
    ftl_strbuf_init(&report, arena);
    uint32_t file = ftl_diags_add_source(diags, "test.graph", text, strlen(text));
    ftl_graph *g = ftl_graph_read(arena, names, diags, file);
    if (!g) {
        ftl_diags_render(diags, &report);
        fail_msg("%s", ftl_strbuf_get(&report));
    }
    return g;
}

const char *graph_text_dump(ftl_arena *arena, const ftl_graph *g)
{
    ftl_strbuf out;
    ftl_strbuf_init(&out, arena);
    ftl_graph_dump(g, &out);
    return ftl_strbuf_get(&out);
}

ftl_plan *graph_text_plan(ftl_arena *arena, ftl_graph *g)
{
    ftl_plan *plan = FTL_NEW(arena, ftl_plan);
    plan->graph = g;
    for (size_t i = 0; i < g->values.len; i++)
        if (g->values.data[i]->op == FTL_OP_INPUT_)
            *FTL_VEC_PUSH(arena, &plan->inputs) = g->values.data[i];
    return plan;
}

void graph_text_run(ftl_arena *arena, const ftl_backend *backend, const ftl_plan *plan,
                    ftl_tensor *const *inputs, graph_run *out)
{
    ftl_device_options options = {.alloc = ftl_allocator_get_default(), .device = "cpu",
                                  .threads = 1, .fast_paths = true};
    ftl_device *device = NULL;
    ftl_exec *exec = NULL;
    out->outputs = FTL_NEW_ARRAY(arena, ftl_tensor *, plan->graph->outputs.len);
    assert_int_equal(backend->open(&options, &device, &out->error), FTL_OK);
    out->status = backend->compile(device, plan, &exec, &out->error);
    if (out->status == FTL_OK) {
        out->status = backend->run(exec, inputs, out->outputs, &out->error);
        backend->free_exec(exec);
    }
    backend->close(device);
}

void graph_run_free(const ftl_plan *plan, graph_run *run)
{
    for (size_t i = 0; i < plan->graph->outputs.len; i++)
        ftl_tensor_release(run->outputs[i]);
}

typedef struct guarded {
    ftl_arena *arena;
    void (*body)(ftl_arena *arena, void *user);
    void *user;
} guarded;

static ftl_status run_guarded(void *p)
{
    guarded *g = p;
    g->body(g->arena, g->user);
    return FTL_OK;
}

void graph_text_guard(void (*body)(ftl_arena *arena, void *user), void *user)
{
    ftl_arena arena;
    ftl_arena_init(&arena, ftl_allocator_get_default());
    guarded g = {&arena, body, user};
    assert_int_equal(ftl_arena_run(&arena, run_guarded, &g), FTL_OK);
    ftl_arena_fini(&arena);
}
