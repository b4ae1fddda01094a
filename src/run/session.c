/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions: the pipeline from text to executable (compile, one screen), and runs.
 */
#include "run/session.h"

#include <stdlib.h>
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
    for (size_t i = 0; list && i < n; i++) {
        ftl_tensor_release(list[i]);
        list[i] = NULL;
    }
}

static void close_compile(ftl_session *s)
{
    if (s->exec)
        s->backend->free_exec(s->exec);
    if (s->device)
        s->backend->close(s->device);
    s->exec = NULL;
    s->device = NULL;
    release_all(s->results, s->n_results);
    release_all(s->wanted, s->n_results);
    s->results = s->wanted = NULL;
    s->n_results = 0;
    s->model = NULL;
    s->graph = NULL;
    s->plan = NULL;
    memset(&s->loaded, 0, sizeof(s->loaded));
    memset(&s->outputs, 0, sizeof(s->outputs));
    if (s->is_open)
        ftl_arena_fini(&s->arena);
    s->is_open = false;
}

static void open_compile(ftl_session *s)
{
    close_compile(s);
    ftl_arena_init(&s->arena, s->alloc);
    s->arena.on_fail = &s->guard;
    s->is_open = true;
    s->rendered = NULL;
    s->options = (ftl_run_options){0};
}

/* ---- the stages ---- */

static bool is_dumped(ftl_session *s, const char *pass)
{
    bool here = s->dump_pass && strcmp(s->dump_pass, pass) == 0;
    s->has_dumped |= here;
    return here;
}

static bool compile_front(ftl_session *s)
{
    uint32_t file;
    ftl_intern_init(&s->names, &s->arena);
    ftl_diags_init(&s->diags, &s->arena);
    file = ftl_diags_add_source(&s->diags, s->name, s->text, s->text_len);
    if (!ftl_run_read_config(s))
        return false;
    ftl_tree *tree = ftl_syntax_parse(&s->arena, &s->names, &s->diags, file);
    if (is_dumped(s, "parse"))
        ftl_syntax_format(tree, &s->diags, &s->dump);
    if (s->diags.errors)
        return false;
    s->options.check.loader = ftl_run_make_loader(s);
    s->options.check.queries = s->config.queries;
    s->options.check.n_queries = s->config.n_queries;
    s->model = ftl_check_program(&s->arena, &s->names, &s->diags, tree, &s->options.check);
    if (is_dumped(s, "check"))
        ftl_model_dump(s->model, &s->dump);
    return s->diags.errors == 0;
}

/* precision auto: double when a source is, half when all sources of numbers are of one half type.
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

static bool compile_graph(ftl_session *s)
{
    choose_precision(s);
    s->graph = ftl_lower_model(&s->arena, s->model, &s->options.lower);
    if (!s->graph || !verify(s, "lower"))
        return false;
    if (is_dumped(s, "lower"))
        ftl_graph_dump(s->graph, &s->dump);
    return true;
}

static const ftl_backend *choose_backend(ftl_session *s)
{
    const char *name = s->config.backend ? s->config.backend : "native";
    const ftl_backend *b;
    ftl_backend_info info;
    if (strcmp(name, "auto") == 0)
        return ftl_backend_find("native");
    for (const char *p = name; *p;) {
        size_t n = strcspn(p, ",");
        b = ftl_backend_find(ftl_arena_strndup(&s->arena, p, n));
        memset(&info, 0, sizeof(info));
        if (b)
            b->get_info(&info);
        if (b && info.is_present)
            return b;
        p += n + (p[n] == ',');
    }
    ftl_strbuf known;
    ftl_strbuf_init(&known, &s->arena);
    for (size_t i = 0; (b = ftl_backend_get(i)); i++)
        ftl_strbuf_printf(&known, "%s%s", i ? ", " : "", b->name);
    ftl_diag *d = ftl_diag_error(&s->diags, FTL_E_OPTION, (ftl_span){0},
                                 "there is no backend '%s' here", name);
    ftl_diag_hint(&s->diags, d, "this build has %s", ftl_strbuf_get(&known));
    return NULL;
}

static bool is_pass(const char *name)
{
    for (size_t i = 0; name && ftl_pass_get_name(i); i++)
        if (strcmp(ftl_pass_get_name(i), name) == 0)
            return true;
    return false;
}

/* The planner's passes; all of them, or up to the one that is to be dumped. */
static bool compile_passes(ftl_session *s)
{
    ftl_pass_options options = {.planner = (ftl_einsum_planner)s->options.planner};
    if (is_pass(s->dump_pass))
        options.stop_after = s->dump_pass;
    if (ftl_plan_run_passes(s->graph, &options) != FTL_OK || !verify(s, "the planner's passes"))
        return false;
    if (options.stop_after && is_dumped(s, options.stop_after))
        ftl_graph_dump(s->graph, &s->dump);
    return true;
}

/* Steps and places, for backends that want them; the others get graph and inputs. */
static bool compile_plan(ftl_session *s)
{
    ftl_plan_options options = {.no_fusion = s->config.keep_plain != 0};
    if (!s->backend->reads_graph) {
        s->plan = ftl_plan_make(&s->arena, s->graph, &options);
        return true;
    }
    s->plan = FTL_NEW(&s->arena, ftl_plan);
    s->plan->graph = s->graph;
    for (size_t i = 0; i < s->graph->values.len; i++)
        if (s->graph->values.data[i]->op == FTL_OP_INPUT_)
            *FTL_VEC_PUSH(&s->arena, &s->plan->inputs) = s->graph->values.data[i];
    return true;
}

/* ---- outputs ---- */

static bool is_queried(const ftl_session *s, uint32_t tensor)
{
    for (size_t i = 0; i < s->model->queries.len; i++)
        if (s->model->queries.data[i].tensor == tensor && !s->model->queries.data[i].is_printed)
            return true;
    return false;
}

static void put_output(ftl_session *s, const char *name, uint32_t tensor, const ftl_query *query)
{
    ftl_session_output *o = FTL_VEC_PUSH(&s->arena, &s->outputs);
    const char *slot_name = name;
    if (query)
        slot_name =
            ftl_arena_printf(&s->arena, "query#%zu", (size_t)(query - s->model->queries.data));
    o->name = query && query->is_printed ? query->text : name;
    o->tensor = tensor;
    o->query = query;
    for (uint32_t i = 0; i < s->graph->outputs.len; i++)
        if (strcmp(s->graph->outputs.data[i].name, slot_name) == 0)
            o->slot = i;
}

/* A tensor that the command line asks a part of is given as that part. */
static void list_outputs(ftl_session *s)
{
    const ftl_model *m = s->model;
    for (size_t i = 0; i < m->exports.len; i++)
        if (!is_queried(s, m->exports.data[i].tensor))
            put_output(s, m->exports.data[i].name, m->exports.data[i].tensor, NULL);
    for (size_t i = 0; i < m->queries.len; i++)
        put_output(s, m->tensors.data[m->queries.data[i].tensor].name, m->queries.data[i].tensor,
                   &m->queries.data[i]);
}

/* ---- backends ---- */

static ftl_status report_backend(ftl_session *s, ftl_status status, const ftl_backend_error *error)
{
    ftl_span span = error->at ? error->at->span : (ftl_span){0};
    ftl_diag_code code = status == FTL_ERR_MEMORY ? FTL_E_LIMIT
                         : error->at              ? FTL_E_GATHER
                                                  : FTL_E_INTERNAL;
    const ftl_origin *origin =
        error->at ? ftl_graph_find_origin(s->graph, error->at->equation) : NULL;
    if (error->at && span.file == 0 && origin)
        span = origin->span;
    if (status != FTL_ERR_INTERNAL && status != FTL_ERR_MEMORY && !error->at)
        code = FTL_E_OPTION;
    ftl_diag_error(&s->diags, code, span, "%s",
                   error->message[0] ? error->message : "the backend failed");
    return status;
}

static ftl_status compile_exec(ftl_session *s)
{
    ftl_backend_error error = {0};
    ftl_device_options options = {.alloc = s->alloc,
                                  .device = s->config.device ? s->config.device : "auto",
                                  .threads = s->config.threads,
                                  .fast_paths = !s->config.keep_plain,
                                  .memory_limit = s->config.memory_limit};
    ftl_status status;
    status = s->backend->open(&options, &s->device, &error);
    if (status == FTL_OK)
        status = s->backend->compile(s->device, s->plan, &s->exec, &error);
    if (status != FTL_OK)
        return report_backend(s, status, &error);
    s->backend->set_profiling(s->exec, s->config.profile != 0);
    s->n_results = s->graph->outputs.len;
    s->results = FTL_NEW_ARRAY(&s->arena, ftl_tensor *, s->n_results);
    s->wanted = FTL_NEW_ARRAY(&s->arena, ftl_tensor *, s->n_results);
    return FTL_OK;
}

/* Text -> tree -> model -> graph -> plan -> executable. */
static ftl_status compile(ftl_session *s)
{
    double start = now();
    open_compile(s);
    int failed = setjmp(s->guard);
    if (failed)
        return (ftl_status)failed;
    if (!compile_front(s))
        return FTL_ERR_PROGRAM;
    if (s->is_check)
        return FTL_OK;
    s->backend = choose_backend(s);
    if (!s->backend)
        return FTL_ERR_UNSUPPORTED;
    if (!compile_graph(s) || !compile_passes(s) || !compile_plan(s))
        return s->diags.list.len &&
                       s->diags.list.data[s->diags.list.len - 1]->code == FTL_E_INTERNAL
                   ? FTL_ERR_INTERNAL
                   : FTL_ERR_PROGRAM;
    list_outputs(s);
    FTL_TRY(compile_exec(s));
    FTL_TRY(ftl_run_bind_inputs(s));
    s->is_stale = false;
    s->compile_seconds = now() - start;
    return FTL_OK;
}

/* ---- life of a session ---- */

static const char *copy_text(ftl_session *s, const char *text)
{
    return text ? ftl_arena_strdup(&s->keep, text) : NULL;
}

static const char *const *copy_texts(ftl_session *s, const char *const *list, size_t n)
{
    const char **copy = FTL_NEW_ARRAY(&s->keep, const char *, n);
    for (size_t i = 0; i < n; i++)
        copy[i] = copy_text(s, list[i]);
    return copy;
}

static void copy_config(ftl_session *s)
{
    ftl_config *c = &s->config;
    const char **texts[] = {&c->backend,   &c->device,         &c->mode,
                            &c->strategy,  &c->chaining,       &c->projection,
                            &c->precision, &c->einsum_planner, &c->output_root};
    for (size_t i = 0; i < FTL_COUNT(texts); i++)
        *texts[i] = copy_text(s, *texts[i]);
    c->params = copy_texts(s, c->params, c->n_params);
    c->temperatures = copy_texts(s, c->temperatures, c->n_temperatures);
    c->queries = copy_texts(s, c->queries, c->n_queries);
}

static void copy_inputs(ftl_session *s, const ftl_session_spec *spec)
{
    s->inputs = FTL_NEW_ARRAY(&s->keep, ftl_session_input, spec->n_inputs);
    for (size_t i = 0; i < spec->n_inputs; i++) {
        s->inputs[i].name = ftl_arena_strdup(&s->keep, spec->inputs[i].name);
        s->inputs[i].path =
            spec->inputs[i].path ? ftl_arena_strdup(&s->keep, spec->inputs[i].path) : NULL;
        s->inputs[i].tensor =
            spec->inputs[i].tensor ? ftl_tensor_retain(spec->inputs[i].tensor) : NULL;
        s->n_inputs = i + 1;
    }
}

static void fill_session(ftl_session *s, const ftl_session_spec *spec)
{
    s->config = *spec->config;
    copy_config(s);
    char *text = ftl_arena_strndup(&s->keep, spec->text, spec->text_len);
    s->text = text;
    s->text_len = spec->text_len;
    s->name = copy_text(s, spec->name);
    s->dump_pass = copy_text(s, spec->dump_pass);
    s->is_check = spec->is_check;
    ftl_strbuf_init(&s->dump, &s->keep);
    copy_inputs(s, spec);
}

ftl_status ftl_session_open(const ftl_session_spec *spec, ftl_session **out)
{
    const ftl_allocator *alloc = spec->config->allocator;
    ftl_allocator copy = alloc ? *alloc : *ftl_allocator_get_default();
    ftl_session *s = ftl_mem_alloc(&copy, sizeof(*s));
    if (!s)
        return FTL_ERR_MEMORY;
    memset(s, 0, sizeof(*s));
    s->alloc_copy = copy;
    s->alloc = &s->alloc_copy;
    ftl_arena_init(&s->keep, s->alloc);
    s->keep.on_fail = &s->guard;
    *out = s;
    int failed = setjmp(s->guard);
    if (failed)
        return (ftl_status)failed;
    fill_session(s, spec);
    return compile(s);
}

void ftl_session_close(ftl_session *s)
{
    if (!s)
        return;
    close_compile(s);
    for (size_t i = 0; i < s->n_inputs; i++)
        ftl_tensor_release(s->inputs[i].tensor);
    ftl_arena_fini(&s->keep);
    ftl_allocator alloc = s->alloc_copy;
    ftl_mem_free(&alloc, s, sizeof(*s));
}

/* ---- inputs ---- */

static bool has_same_form(const ftl_tensor *a, const ftl_tensor *b)
{
    return a && b && a->dtype == b->dtype && a->rank == b->rank &&
           memcmp(a->shape, b->shape, a->rank * sizeof(*a->shape)) == 0;
}

static void rebind_plan(ftl_session *s, const char *name, ftl_tensor *t)
{
    for (size_t i = 0; i < s->plan->inputs.len; i++)
        if (strcmp(s->plan->inputs.data[i]->u.name, name) == 0)
            s->bound[i] = t;
    for (size_t i = 0; i < s->loaded.len; i++) {
        ftl_loaded *l = s->loaded.data[i];
        if (strcmp(l->name, name) != 0)
            continue;
        ftl_tensor_retain(t);
        ftl_tensor_release(l->tensor);
        l->tensor = t;
    }
}

ftl_status ftl_session_bind(ftl_session *s, const char *name, ftl_tensor *t)
{
    for (size_t i = 0; i < s->n_inputs; i++) {
        ftl_session_input *in = &s->inputs[i];
        if (strcmp(in->name, name) != 0)
            continue;
        bool same = s->exec && has_same_form(in->tensor, t);
        ftl_tensor_retain(t);
        ftl_tensor_release(in->tensor);
        in->tensor = t;
        if (same)
            rebind_plan(s, name, t);
        else
            s->is_stale = true;
        return FTL_OK;
    }
    return FTL_ERR_USAGE;
}

/* ---- runs ---- */

/* A result that somebody else holds too is left to them. */
static void renew_results(ftl_session *s)
{
    for (size_t i = 0; i < s->n_results; i++) {
        if (s->wanted[i] && s->results[i] != s->wanted[i]) {
            ftl_tensor_release(s->results[i]);
            s->results[i] = ftl_tensor_retain(s->wanted[i]);
        } else if (!s->wanted[i] && s->results[i] && s->results[i]->refs > 1) {
            ftl_tensor_release(s->results[i]);
            s->results[i] = NULL;
        }
    }
}

/* Numeric fixpoints say whether they came to rest. */
static ftl_status check_convergence(ftl_session *s)
{
    ftl_status status = FTL_OK;
    for (uint32_t i = 0; i < s->graph->outputs.len; i++) {
        const char *name = s->graph->outputs.data[i].name;
        if (strncmp(name, "converged#", 10) != 0 || *(const uint8_t *)s->results[i]->data)
            continue;
        const ftl_tensor_decl *t = &s->model->tensors.data[strtoul(name + 10, NULL, 10)];
        const ftl_equation *eq = &s->model->equations.data[t->equations.data[t->equations.len - 1]];
        if (s->config.strict) {
            ftl_diag_error(&s->diags, FTL_E_CONVERGE, eq->span, "'%s' did not converge", t->name);
            status = FTL_ERR_PROGRAM;
        } else {
            ftl_diag_warn(&s->diags, FTL_W_CONVERGE, eq->span, "'%s' did not converge", t->name);
        }
    }
    return status;
}

ftl_status ftl_session_run(ftl_session *s)
{
    ftl_backend_error error = {0};
    if (s->is_stale || !s->exec)
        FTL_TRY(compile(s));
    int failed = setjmp(s->guard);
    if (failed)
        return (ftl_status)failed;
    renew_results(s);
    double start = now();
    ftl_status status = s->backend->run(s->exec, s->bound, s->results, &error);
    s->run_seconds = now() - start;
    if (status != FTL_OK)
        return report_backend(s, status, &error);
    FTL_TRY(check_convergence(s));
    return s->config.no_sinks ? FTL_OK : ftl_run_write_sinks(s);
}

const char *ftl_session_render(ftl_session *s)
{
    ftl_strbuf sb;
    if (!s->is_open || setjmp(s->guard))
        return "";
    ftl_strbuf_init(&sb, &s->arena);
    ftl_diags_render(&s->diags, &sb);
    s->rendered = ftl_strbuf_get(&sb);
    return s->rendered;
}
