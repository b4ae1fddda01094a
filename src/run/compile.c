/* SPDX-License-Identifier: Apache-2.0
 *
 * Text -> tree -> model -> graph -> plan -> executable: the pipeline on one screen (run_stages).
 */
#include "base/watch.h"
#include "run/session.h"

#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- ending a compile ---- */

static void release_all(ftl_tensor **list, size_t n)
{
    for (size_t i = 0; list && i < n; i++)
        ftl_tensor_release(list[i]);
}

void ftl_run_end_compile(ftl_session *s)
{
    if (s->exec)
        s->backend->free_exec(s->exec);
    release_all(s->results, s->n_results);
    s->exec = NULL;
    s->results = s->wanted = s->bound = NULL;
    s->n_results = 0;
    s->tree = NULL;
    s->model = NULL;
    s->graph = NULL;
    s->plan = NULL;
    memset(&s->loaded, 0, sizeof(s->loaded));
    memset(&s->outputs, 0, sizeof(s->outputs));
    memset(&s->names, 0, sizeof(s->names));
    s->diags = (ftl_diags){.arena = &s->arena};
    s->dump = (ftl_strbuf){.arena = &s->arena};
    s->options = (ftl_run_options){0};
    s->rendered = NULL;
    s->has_results = s->has_wishes = s->has_words = false;
    s->runs = 0;
    s->run_seconds = s->compile_seconds = 0;
    ftl_arena_fini(&s->arena);
}

/* ---- stages ---- */

/* Whether the compile ends after this pass; put then writes what stands. */
static bool stops_after(const ftl_session *s, const char *pass)
{
    return s->goal == FTL_GOAL_DUMP && strcmp(s->dump_pass, pass) == 0;
}

static bool read_options(ftl_session *s)
{
    if (!ftl_run_read_config(s))
        return false;
    if (s->goal != FTL_GOAL_DUMP || ftl_run_has_pass(s->dump_pass))
        return true;
    ftl_strbuf known;
    ftl_strbuf_init(&known, &s->arena);
    ftl_run_list_passes(&known);
    ftl_diag *d = ftl_diag_error(&s->diags, FTL_E_OPTION, (ftl_span){0}, "there is no pass '%s'",
                                 s->dump_pass);
    ftl_diag_hint(&s->diags, d, "it is one of %s", ftl_strbuf_get(&known));
    return false;
}

static bool parse(ftl_session *s)
{
    s->tree = ftl_syntax_parse(&s->arena, &s->names, &s->diags, 1);
    return s->diags.errors == 0;
}

static bool check(ftl_session *s)
{
    ftl_check_options *o = &s->options.check;
    o->loader = ftl_run_make_loader(s);
    o->is_partial = s->goal == FTL_GOAL_CHECK || stops_after(s, "check") || ftl_run_is_stepped(s);
    o->queries = s->config.queries;
    o->n_queries = s->config.n_queries;
    s->model = ftl_check_program(&s->arena, &s->names, &s->diags, s->tree, o);
    if (s->diags.errors > 0 || !ftl_run_refuse_later(s))
        return false;
    ftl_run_warn_unused_inputs(s);
    return ftl_run_probe_sinks(s);
}

/* precision auto: double when a source is; half when all sources of numbers are of one half type.
 */
static void choose_precision(ftl_session *s)
{
    ftl_dtype found = FTL_DTYPE_BOOL;
    bool mixed = false;
    for (size_t i = 0; s->options.precision_auto && i < s->model->tensors.len; i++) {
        const ftl_tensor_decl *t = &s->model->tensors.data[i];
        bool outside = t->origin == FTL_ORIGIN_SOURCE || t->origin == FTL_ORIGIN_INPUT;
        if (!outside || t->source->is_tuples || t->source->dtype < FTL_DTYPE_F16)
            continue;
        mixed |= found != FTL_DTYPE_BOOL && found != t->source->dtype;
        found = t->source->dtype > found ? t->source->dtype : found;
    }
    if (found == FTL_DTYPE_F64)
        s->options.lower.compute = s->options.lower.storage = FTL_DTYPE_F64;
    else if (found != FTL_DTYPE_BOOL && !mixed)
        s->options.lower.storage = found;
}

static bool verify(ftl_session *s, const char *stage)
{
    const char *broken = ftl_graph_verify(s->graph, &s->arena);
    if (broken)
        ftl_diag_error(&s->diags, FTL_E_INTERNAL, (ftl_span){0}, "after %s: %s", stage, broken);
    return !broken;
}

static bool lower(ftl_session *s)
{
    choose_precision(s);
    s->graph = ftl_lower_model(&s->arena, s->model, &s->options.lower);
    return s->graph && verify(s, "lower");
}

/* The planner's passes, all of them or up to the one that a dump stops after. The oracle sees the
 * graph as it was lowered, so that it can tell when a pass is wrong. */
static bool run_passes(ftl_session *s)
{
    ftl_pass_options options = {.planner = (ftl_einsum_planner)s->options.planner};
    for (size_t i = 0; ftl_pass_get_name(i); i++)
        if (stops_after(s, ftl_pass_get_name(i)))
            options.stop_after = s->dump_pass;
    if (s->backend == &ftl_backend_oracle)
        return true;
    return ftl_plan_run_passes(s->graph, &options) == FTL_OK && verify(s, "the planner's passes");
}

/* Steps and places, for backends that want them; the others get graph and inputs. */
static void make_plan(ftl_session *s)
{
    ftl_plan_options options = {.no_fusion = s->config.keep_plain != 0};
    if (!s->backend || !s->backend->reads_graph) {
        options.layouts = s->backend ? ftl_run_find_layouts(s) : NULL;
        s->plan = ftl_plan_make(&s->arena, s->graph, &options);
        return;
    }
    s->plan = FTL_NEW(&s->arena, ftl_plan);
    s->plan->graph = s->graph;
    for (size_t i = 0; i < s->graph->values.len; i++)
        if (s->graph->values.data[i]->op == FTL_OP_INPUT_)
            *FTL_VEC_PUSH(&s->arena, &s->plan->inputs) = s->graph->values.data[i];
}

/* ---- outputs ---- */

/* Queries of the configuration that ask for parts of this tensor. */
static size_t count_asked(const ftl_session *s, uint32_t tensor)
{
    size_t n = 0;
    for (size_t i = 0; i < s->model->queries.len; i++)
        n += s->model->queries.data[i].tensor == tensor && !s->model->queries.data[i].is_printed;
    return n;
}

static void put_output(ftl_session *s, const char *name, const char *slot_name, uint32_t tensor)
{
    ftl_session_output *o = FTL_VEC_PUSH(&s->arena, &s->outputs);
    o->name = name;
    o->tensor = tensor;
    for (uint32_t i = 0; i < s->graph->outputs.len; i++)
        if (strcmp(s->graph->outputs.data[i].name, slot_name) == 0)
            o->slot = i;
}

static void list_outputs(ftl_session *s)
{
    const ftl_model *m = s->model;
    for (size_t i = 0; i < m->exports.len; i++) {
        const ftl_export *e = &m->exports.data[i];
        if (count_asked(s, e->tensor) == 0)
            put_output(s, e->name, e->name, e->tensor);
    }
    for (size_t i = 0; i < m->queries.len; i++) {
        const ftl_query *q = &m->queries.data[i];
        bool by_text =
            q->is_printed || m->tensors.data[q->tensor].is_hidden || count_asked(s, q->tensor) > 1;
        put_output(s, by_text ? q->text : m->tensors.data[q->tensor].name,
                   ftl_arena_printf(&s->arena, "query#%zu", i), q->tensor);
        s->outputs.data[s->outputs.len - 1].query = q;
    }
}

/* ---- backends ---- */

/* A failure that names a value is one of the data, at the value's place. */
ftl_status ftl_run_report_backend(ftl_session *s, ftl_diags *diags, ftl_status status,
                                  const ftl_backend_error *error)
{
    if (status == FTL_ERR_INTERRUPTED)
        return status; /* whoever did it knows */
    ftl_diag_code code = FTL_E_OPTION;
    ftl_span span = error->at ? error->at->span : (ftl_span){0};
    const ftl_origin *origin =
        error->at ? ftl_graph_find_origin(s->graph, error->at->equation) : NULL;
    if (span.file == 0 && origin)
        span = origin->span;
    if (status == FTL_ERR_MEMORY)
        code = FTL_E_LIMIT;
    else if (status == FTL_ERR_INTERNAL)
        code = FTL_E_INTERNAL;
    else if (error->at)
        code = FTL_E_GATHER;
    const char *text = error->message[0] ? error->message : ftl_status_get_text(status);
    ftl_diag_error(diags, code, span, "%s", text);
    return status;
}

static ftl_status open_exec(ftl_session *s)
{
    ftl_backend_error error = {0};
    ftl_device_options options = {.alloc = s->alloc,
                                  .device = s->config.device ? s->config.device : "auto",
                                  .threads = s->config.threads,
                                  .blas = s->config.blas,
                                  .fast_paths = !s->config.keep_plain,
                                  .memory_limit = s->config.memory_limit,
                                  .watch = s->config.watch};
    ftl_status status = FTL_OK;
    if (!s->device)
        status = s->backend->open(&options, &s->device, &error);
    if (status == FTL_OK)
        status = s->backend->compile(s->device, s->plan, &s->exec, &error);
    if (status != FTL_OK)
        return ftl_run_report_backend(s, &s->diags, status, &error);
    s->backend->set_profiling(s->exec, s->config.profile != 0);
    s->results = FTL_NEW_ARRAY(&s->arena, ftl_tensor *, s->graph->outputs.len);
    s->wanted = FTL_NEW_ARRAY(&s->arena, ftl_tensor *, s->graph->outputs.len);
    s->n_results = s->graph->outputs.len;
    return ftl_run_bind_inputs(s);
}

/* ---- the pipeline ---- */

ftl_status ftl_run_get_status(const ftl_diags *diags)
{
    ftl_status status = FTL_ERR_PROGRAM;
    for (size_t i = diags->list.len; i-- > 0;) {
        const ftl_diag *d = diags->list.data[i];
        if (d->severity != FTL_SEVERITY_ERROR)
            continue;
        switch (d->code) {
        case FTL_E_INTERNAL:
            return FTL_ERR_INTERNAL;
        case FTL_E_VERSION:
            status = FTL_ERR_UNSUPPORTED;
            break;
        case FTL_E_LIMIT:
            status = FTL_ERR_MEMORY;
            break;
        default:
            status = FTL_ERR_PROGRAM;
        }
    }
    return status;
}

/* Whether the stages went well so far and the dump was not reached. */
static bool goes_on(ftl_session *s, bool fine, const char *pass)
{
    return fine && !stops_after(s, pass);
}

static bool is_pass_dumped(const ftl_session *s)
{
    return s->goal == FTL_GOAL_DUMP && strcmp(s->dump_pass, "plan") != 0;
}

static ftl_status run_stages(void *p)
{
    ftl_session *s = p;
    ftl_intern_init(&s->names, &s->arena);
    ftl_diags_add_source(&s->diags, s->name, s->text, s->text_len);
    if (!read_options(s))
        return FTL_ERR_USAGE;
    ftl_watch_set_stage(s->config.watch, "checking");
    if (!goes_on(s, parse(s), "parse") || !goes_on(s, check(s), "check") ||
        s->goal == FTL_GOAL_CHECK)
        return s->diags.errors ? ftl_run_get_status(&s->diags) : FTL_OK;
    ftl_watch_set_stage(s->config.watch, "planning");
    s->backend = s->goal == FTL_GOAL_RUN ? ftl_run_choose_backend(s) : NULL;
    if (s->goal == FTL_GOAL_RUN && !s->backend)
        return FTL_ERR_USAGE;
    if (!goes_on(s, lower(s), "lower") || !run_passes(s) || is_pass_dumped(s))
        return s->diags.errors ? ftl_run_get_status(&s->diags) : FTL_OK;
    make_plan(s);
    if (s->goal == FTL_GOAL_DUMP)
        return FTL_OK;
    list_outputs(s);
    return open_exec(s);
}

/* What the pass that a dump stops after left. */
static ftl_status write_dump(void *p)
{
    ftl_session *s = p;
    if (s->plan)
        ftl_run_dump_plan(s->plan, &s->dump);
    else if (s->graph)
        ftl_graph_dump(s->graph, &s->dump);
    else if (s->model)
        ftl_model_dump(s->model, &s->dump);
    else
        ftl_syntax_format(s->tree, &s->diags, &s->dump);
    return FTL_OK;
}

ftl_status ftl_run_compile(ftl_session *s)
{
    double start = now();
    ftl_run_end_compile(s);
    ftl_status status = ftl_arena_run(&s->arena, run_stages, s);
    if (status == FTL_OK && s->goal == FTL_GOAL_DUMP)
        status = ftl_arena_run(&s->arena, write_dump, s);
    s->is_stale = status != FTL_OK;
    s->compile_seconds = now() - start;
    return status;
}
