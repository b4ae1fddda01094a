/* SPDX-License-Identifier: Apache-2.0
 *
 * run: a session takes a program's text, a configuration and inputs through all stages (session.c
 * shows them on one screen) and runs the plan on a backend, as often as asked. It owns the arena of
 * the compile, the loaded files, the executable and the outputs. Called by api alone.
 */
#ifndef FTL_RUN_SESSION_H
#define FTL_RUN_SESSION_H

#include "backend/backend.h"
#include "check/model.h"
#include "io/io.h"
#include "lower/lower.h"
#include "plan/plan.h"

/* What the configuration says, parsed (config.c). */
typedef struct ftl_run_options {
    ftl_check_options check;
    ftl_lower_options lower;
    bool precision_auto;
    int planner; /* 0 auto, 1 greedy, 2 optimal */
    const ftl_setting *params;
} ftl_run_options;

/* A loaded file or a bound input; freed with the arena. */
typedef struct ftl_loaded {
    ftl_tensor *tensor; /* or */
    ftl_tuples *tuples;
    const char *name;
    bool is_bound; /* given by the caller: may be rebound */
} ftl_loaded;

typedef struct ftl_session_output {
    const char *name;
    uint32_t slot;          /* graph output */
    uint32_t tensor;        /* in the model */
    const ftl_query *query; /* or null */
} ftl_session_output;

typedef struct ftl_session_input {
    char *name, *path; /* heap of the session's allocator */
    ftl_tensor *tensor;
} ftl_session_input;

typedef struct ftl_session {
    ftl_allocator alloc_copy;
    const ftl_allocator *alloc;
    ftl_config config; /* its arrays and texts are copied to `keep` */
    ftl_arena keep;    /* lives as long as the session */
    ftl_arena arena;   /* one compile */
    jmp_buf guard;
    bool is_open;            /* arena is in use */
    bool is_check;           /* stop after check */
    bool is_stale;           /* inputs changed shape: compile before the next run */
    const char *name, *text; /* the program, in keep */
    size_t text_len;
    ftl_session_input *inputs; /* in keep */
    size_t n_inputs;
    const char *dump_pass; /* not null: dump after this pass into dump */
    ftl_strbuf dump;
    bool has_dumped;
    /* results of the compile, in arena */
    ftl_intern names;
    ftl_diags diags;
    ftl_run_options options;
    ftl_model *model;
    ftl_graph *graph;
    ftl_plan *plan;
    FTL_VEC(ftl_loaded *) loaded;
    FTL_VEC(ftl_session_output) outputs;
    ftl_tensor **bound;   /* by plan input */
    ftl_tensor **results; /* by graph output; owned references */
    ftl_tensor **wanted;  /* by graph output: set by the caller, owned references */
    size_t n_results;
    const ftl_backend *backend;
    ftl_device *device;
    ftl_exec *exec;
    double compile_seconds, run_seconds;
    const char *rendered; /* diagnostics as text, in arena */
} ftl_session;

/* Copies what it needs; *out is set whenever there is memory. FTL_ERR_PROGRAM: see diagnostics. */
typedef struct ftl_session_spec {
    const char *name, *text;
    size_t text_len;
    const ftl_config *config;
    const ftl_input *inputs;
    size_t n_inputs;
    bool is_check;
    const char *dump_pass;
} ftl_session_spec;
ftl_status ftl_session_open(const ftl_session_spec *spec, ftl_session **out);
void ftl_session_close(ftl_session *s);
ftl_status ftl_session_bind(ftl_session *s, const char *name, ftl_tensor *t);
ftl_status ftl_session_run(ftl_session *s);
const char *ftl_session_render(ftl_session *s);

/* config.c: reports E_OPTION for what is unknown, listing what is known. */
bool ftl_run_read_config(ftl_session *s);
/* load.c */
const ftl_loader *ftl_run_make_loader(ftl_session *s);
/* Tensor for a graph input: the loaded one, or its tuples made dense. Borrowed from the session. */
ftl_status ftl_run_bind_inputs(ftl_session *s);
/* Drops references of everything loaded. */
/* sink.c */
ftl_status ftl_run_write_sinks(ftl_session *s);
ftl_status ftl_run_save_output(ftl_session *s, size_t i, const char *path);
/* print.c */
void ftl_run_print_output(ftl_session *s, size_t i, ftl_strbuf *out);
/* explain.c */
void ftl_run_explain_text(ftl_session *s, ftl_strbuf *out);
void ftl_run_explain_json(ftl_session *s, ftl_strbuf *out);

#endif
