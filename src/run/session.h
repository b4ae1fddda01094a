/* SPDX-License-Identifier: Apache-2.0
 *
 * run: a session takes a program's text, a configuration and inputs through all stages (compile.c
 * shows them on one screen) and runs the plan on a backend, as often as asked. It owns the loaded
 * files, the executable and the outputs. Called by api alone, one thread at a time for a session.
 *
 * Memory is in four arenas. `keep` lives as long as the session, `arena` as long as one compile,
 * `last` from the start of one run to the start of the next (messages of the run, paths of sinks),
 * `said` holds the messages as text until they are asked for again. Nothing grows with the number
 * of runs. Texts for a caller are made in an arena of their own (out->arena).
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
} ftl_run_options;

/* A loaded file or a bound input; its tensor and tuples end with the compile. */
typedef struct ftl_loaded {
    ftl_tensor *tensor; /* or */
    ftl_tuples *tuples;
    ftl_tensor *relation; /* the tuples as a tensor without bytes, once they are bound so */
    const char *name;
    const char *vocabulary, *resolved; /* of a text: path beside it, and without links; or null */
} ftl_loaded;

typedef struct ftl_session_output {
    const char *name;
    uint32_t slot;          /* graph output */
    uint32_t tensor;        /* in the model */
    const ftl_query *query; /* or null */
} ftl_session_output;

typedef struct ftl_session_input {
    const char *name, *path;
    ftl_tensor *tensor; /* owned reference, or null: path is read */
} ftl_session_input;

/* Where the caller wants an output; outlives compiles. */
typedef struct ftl_session_wish {
    const char *name;
    ftl_tensor *tensor; /* owned reference, or null: none */
} ftl_session_wish;

/* How far a compile goes. */
typedef enum ftl_goal { FTL_GOAL_RUN, FTL_GOAL_CHECK, FTL_GOAL_DUMP } ftl_goal;

typedef struct ftl_session {
    ftl_allocator alloc_copy;
    const ftl_allocator *alloc;
    ftl_arena keep, arena, last, said;
    /* in keep */
    ftl_config config;
    ftl_goal goal;
    const char *name, *text; /* the program */
    size_t text_len;
    ftl_session_input *inputs;
    size_t n_inputs;
    FTL_VEC(ftl_session_wish) wishes;
    const char *dump_pass; /* DUMP: the pass to stop after */
    bool is_stale;         /* inputs changed shape: compile before the next run */
    /* results of the compile, in arena; null or empty before and after a failure */
    ftl_intern names;
    ftl_diags diags;
    ftl_run_options options;
    ftl_tree *tree;
    ftl_model *model;
    ftl_graph *graph;
    ftl_plan *plan;
    FTL_VEC(ftl_loaded *) loaded;
    FTL_VEC(ftl_session_output) outputs;
    ftl_tensor **bound;   /* by plan input; borrowed from loaded */
    ftl_tensor **results; /* by graph output; owned references */
    ftl_tensor **wanted;  /* by graph output: borrowed from wishes, or null */
    size_t n_results;
    bool has_wishes;      /* wanted is filled in from wishes */
    bool has_results;     /* the last run came to its end */
    bool has_words;       /* the vocabularies of the texts are on disk */
    ftl_strbuf dump;      /* DUMP: the text */
    const ftl_backend *backend;
    ftl_exec *exec;
    ftl_device *device; /* opened by the first compile, closed with the session */
    double compile_seconds;
    /* of the last run, in last */
    ftl_diags run_diags;
    uint64_t runs;
    double run_seconds;
    ftl_io_hook hook;     /* of writers: it ends them when the watch says so */
    char refusal[240];    /* why the last call was refused, until the next run; or empty */
    const char *rendered; /* in said; null: messages are to be rendered again */
} ftl_session;

/* What a session is made from; all is copied, tensors are retained. */
typedef struct ftl_session_spec {
    const char *name, *text;
    size_t text_len;
    const ftl_config *config;
    const ftl_input *inputs;
    size_t n_inputs;
    ftl_goal goal;
    const char *dump_pass; /* DUMP */
} ftl_session_spec;

/* Opens and compiles. *out is set whenever there is memory, to hold the messages of a failure. */
ftl_status ftl_session_open(const ftl_session_spec *spec, ftl_session **out);
void ftl_session_close(ftl_session *s);
/* FTL_ERR_USAGE: no input has that name. */
ftl_status ftl_session_bind(ftl_session *s, const char *name, ftl_tensor *t);
/* t null: the wish ends. FTL_ERR_USAGE: it does not have the output's form. */
ftl_status ftl_session_want(ftl_session *s, const ftl_session_output *o, ftl_tensor *t);
ftl_status ftl_session_run(ftl_session *s);
/* Says why a call is refused: a message until the next run. Gives FTL_ERR_USAGE. */
ftl_status ftl_session_refuse(ftl_session *s, const char *fmt, ...) FTL_PRINTF(2, 3);
/* Messages of the compile and of the last run; borrowed until the next call. */
const char *ftl_session_render(ftl_session *s);
/* The output of that name, or null. */
const ftl_session_output *ftl_session_find_output(const ftl_session *s, const char *name);
/* Tensor of the last run, or null. */
ftl_tensor *ftl_session_get_result(const ftl_session *s, const ftl_session_output *o);

/* ---- inside of the room ---- */

/* compile.c: all stages, from the text on. Ends an earlier compile first. */
ftl_status ftl_run_compile(ftl_session *s);
void ftl_run_end_compile(ftl_session *s);
/* The status that fits the errors of a list. */
ftl_status ftl_run_get_status(const ftl_diags *diags);
/* Puts a failure of a backend into diags, and gives its status. */
ftl_status ftl_run_report_backend(ftl_session *s, ftl_diags *diags, ftl_status status,
                                  const ftl_backend_error *error);
/* config.c: reports E_OPTION for what is unknown, listing what is known. */
bool ftl_run_read_config(ftl_session *s);
/* choose.c: the backend that the configuration asks for; null after an error. */
const ftl_backend *ftl_run_choose_backend(ftl_session *s);
/* later.c: reports what the program or the configuration asks of later versions. */
bool ftl_run_refuse_later(ftl_session *s);
/* Steps of virtual time, or inputs for single steps (NAME@K), are asked for: such a check is
 * partial, so that the refusal comes before the inputs are missed. */
bool ftl_run_is_stepped(const ftl_session *s);
/* load.c */
const ftl_loader *ftl_run_make_loader(ftl_session *s);
/* Tensors for the plan's inputs: loaded ones, or their tuples made dense. */
ftl_status ftl_run_bind_inputs(ftl_session *s);
/* For the plan: by INPUT of the graph, the strides of its tensor. */
const int64_t *const *ftl_run_find_layouts(ftl_session *s);
void ftl_run_warn_unused_inputs(ftl_session *s);
/* dump.c: whether there is such a pass; the names of all, with commas. */
bool ftl_run_has_pass(const char *name);
void ftl_run_list_passes(ftl_strbuf *out);
void ftl_run_dump_plan(const ftl_plan *plan, ftl_strbuf *out);
/* The hook of everything that is written to disk while somebody watches, or null. */
const ftl_io_hook *ftl_run_get_hook(const ftl_session *s);
/* Files are written between these two; the second one gives FTL_ERR_INTERRUPTED in place of a
 * failure that an interrupt was the cause of. */
void ftl_run_begin_writing(ftl_session *s);
ftl_status ftl_run_end_writing(ftl_session *s, ftl_status status);
/* sink.c: a sink that could not be written is an error of the compile. */
bool ftl_run_probe_sinks(ftl_session *s);
/* Sinks, and the vocabularies of texts that have new words, all or none of them. */
ftl_status ftl_run_write_sinks(ftl_session *s);
/* One output, or all of them, as files; messages go to the last run's. */
ftl_status ftl_run_save_output(ftl_session *s, size_t i, const char *path);
ftl_status ftl_run_save_outputs(ftl_session *s, const char *path);
/* Whether save_outputs could write there now. */
ftl_status ftl_run_probe_outputs(ftl_session *s, const char *path);

/* ---- texts, made in out->arena ---- */

void ftl_run_print_output(const ftl_session *s, size_t i, ftl_strbuf *out); /* print.c */
void ftl_run_report(const ftl_session *s, ftl_strbuf *out);                 /* report.c */
void ftl_run_explain_text(const ftl_session *s, ftl_strbuf *out);           /* explain.c */
void ftl_run_explain_json(const ftl_session *s, ftl_strbuf *out);
/* An axis place as people write it: a symbol of the domain (quoted where needed), or the number. */
void ftl_run_put_place(const ftl_session *s, int32_t domain, int64_t place, ftl_strbuf *out);

#endif
