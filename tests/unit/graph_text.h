/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests: graphs from text, and runs of graphs on a backend.
 */
#ifndef FTL_TESTS_GRAPH_TEXT_H
#define FTL_TESTS_GRAPH_TEXT_H

#include "backend/backend.h"

/* The graph of a text; fails the test with the diagnostics when it is none. Call under a guard. */
ftl_graph *graph_text_read(ftl_arena *arena, const char *text);
const char *graph_text_dump(ftl_arena *arena, const ftl_graph *g);
/* A plan without steps, for backends that read the graph alone. */
ftl_plan *graph_text_plan(ftl_arena *arena, ftl_graph *g);

typedef struct graph_run {
    ftl_status status;
    ftl_backend_error error;
    ftl_tensor **outputs; /* one per output of the graph; null after an error */
} graph_run;

/* Runs a plan once on a backend's cpu. inputs: one per plan->inputs. limit: bytes, 0 none. */
void graph_text_run(ftl_arena *arena, const ftl_backend *backend, const ftl_plan *plan,
                    ftl_tensor *const *inputs, graph_run *out);
void graph_run_free(const ftl_plan *plan, graph_run *run);

/* Runs body(arena, user) under a guard on an arena of its own. */
void graph_text_guard(void (*body)(ftl_arena *arena, void *user), void *user);

#endif
