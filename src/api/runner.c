/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies of fusetl.h: runners.
 */
#include "api/api.h"

/* ---- life ---- */

static bool is_list(const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!texts || !texts[i])
            return false;
    return true;
}

static bool has_lists(const ftl_config *c)
{
    return is_list(c->params, c->n_params) && is_list(c->temperatures, c->n_temperatures) &&
           is_list(c->queries, c->n_queries) && is_list(c->wrt, c->n_wrt);
}

static bool is_sound(const ftl_program *program, const ftl_config *config, const ftl_input *inputs,
                     size_t n)
{
    if (!program || !config || config->size != sizeof(ftl_config) || !has_lists(config) ||
        (n && !inputs))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!inputs[i].name || (!inputs[i].tensor && !inputs[i].path))
            return false;
    return true;
}

/* The program, configuration and inputs must be sound. */
static ftl_status open_runner(const ftl_program *program, const ftl_session_spec *spec,
                              ftl_runner **out)
{
    const ftl_allocator *alloc = spec->config->allocator;
    if (program->diags.errors || !program->tree)
        return FTL_ERR_PROGRAM;
    ftl_runner *r = ftl_mem_alloc(alloc ? alloc : ftl_allocator_get_default(), sizeof(*r));
    if (!r)
        return FTL_ERR_MEMORY;
    r->session = NULL;
    ftl_status status = ftl_session_open(spec, &r->session);
    if (r->session)
        *out = r;
    else
        ftl_mem_free(alloc ? alloc : ftl_allocator_get_default(), r, sizeof(*r));
    return status;
}

static ftl_session_spec make_spec(const ftl_program *program, const ftl_config *config,
                                  const ftl_input *inputs, size_t n)
{
    return (ftl_session_spec){.name = program->name,
                              .text = program->text,
                              .text_len = program->len,
                              .config = config,
                              .inputs = inputs,
                              .n_inputs = n};
}

ftl_status ftl_runner_new(const ftl_program *program, const ftl_config *config,
                          const ftl_input *inputs, size_t n_inputs, ftl_runner **out)
{
    if (!out)
        return FTL_ERR_USAGE;
    *out = NULL;
    if (!is_sound(program, config, inputs, n_inputs))
        return FTL_ERR_USAGE;
    ftl_session_spec spec = make_spec(program, config, inputs, n_inputs);
    return open_runner(program, &spec, out);
}

ftl_status ftl_runner_check(const ftl_program *program, const ftl_config *config,
                            const ftl_input *inputs, size_t n_inputs, ftl_runner **out)
{
    if (!out)
        return FTL_ERR_USAGE;
    *out = NULL;
    if (!is_sound(program, config, inputs, n_inputs))
        return FTL_ERR_USAGE;
    ftl_session_spec spec = make_spec(program, config, inputs, n_inputs);
    spec.goal = FTL_GOAL_CHECK;
    return open_runner(program, &spec, out);
}

void ftl_runner_free(ftl_runner *r)
{
    if (!r)
        return;
    ftl_allocator alloc = r->session->alloc_copy;
    ftl_session_close(r->session);
    ftl_mem_free(&alloc, r, sizeof(*r));
}

ftl_status ftl_program_dump(const ftl_program *program, const ftl_config *config,
                            const ftl_input *inputs, size_t n_inputs, const ftl_dump *dump)
{
    ftl_runner *r = NULL;
    if (!dump || !dump->pass || !dump->text || !is_sound(program, config, inputs, n_inputs))
        return FTL_ERR_USAGE;
    ftl_session_spec spec = make_spec(program, config, inputs, n_inputs);
    spec.goal = FTL_GOAL_DUMP;
    spec.dump_pass = dump->pass;
    ftl_status status = open_runner(program, &spec, &r);
    if (!r)
        return status;
    const ftl_allocator *alloc = &r->session->alloc_copy;
    if (status == FTL_OK)
        status = ftl_api_copy_text(alloc, ftl_strbuf_get(&r->session->dump), dump->text);
    else if (dump->message)
        (void)ftl_api_copy_text(alloc, ftl_session_render(r->session), dump->message);
    ftl_runner_free(r);
    return status;
}

/* ---- running ---- */

const char *ftl_runner_get_diagnostics(const ftl_runner *r)
{
    return r ? ftl_session_render(r->session) : "";
}

ftl_status ftl_runner_bind(ftl_runner *r, const char *name, ftl_tensor *tensor)
{
    if (!r)
        return FTL_ERR_USAGE;
    if (!name || !tensor)
        return ftl_session_refuse(r->session, "bind: the %s is null", name ? "tensor" : "name");
    return ftl_session_bind(r->session, name, tensor);
}

ftl_status ftl_runner_run(ftl_runner *r)
{
    return r ? ftl_session_run(r->session) : FTL_ERR_USAGE;
}

/* ---- outputs ---- */

size_t ftl_runner_count_outputs(const ftl_runner *r)
{
    return r ? r->session->outputs.len : 0;
}

const char *ftl_runner_get_output_name(const ftl_runner *r, size_t i)
{
    return r && i < r->session->outputs.len ? r->session->outputs.data[i].name : NULL;
}

/* Null unless the compile succeeded. */
static const ftl_session_output *find_output(const ftl_runner *r, const char *name)
{
    bool ready = r && name && r->session->exec;
    return ready ? ftl_session_find_output(r->session, name) : NULL;
}

static ftl_status refuse_output(ftl_runner *r, const char *name)
{
    if (!r->session->exec)
        return ftl_session_refuse(r->session, "there are no outputs: the program is not compiled");
    return ftl_session_refuse(r->session, "no output '%s'", name ? name : "");
}

static ftl_status refuse_path(ftl_runner *r, const char *path, size_t i)
{
    if (!path || !path[0])
        return ftl_session_refuse(r->session, "an output is saved without a path");
    return ftl_session_refuse(r->session, "no output %zu: there are %zu", i,
                              r->session->outputs.len);
}

ftl_status ftl_runner_get_output_form(const ftl_runner *r, const char *name, ftl_form *out)
{
    const ftl_session_output *o = find_output(r, name);
    if (!o || !out)
        return FTL_ERR_USAGE;
    const ftl_value *v = r->session->graph->outputs.data[o->slot].value;
    *out = (ftl_form){.dtype = v->dtype, .rank = v->rank};
    memcpy(out->shape, v->shape, v->rank * sizeof(*v->shape));
    return FTL_OK;
}

ftl_tensor *ftl_runner_get_output(const ftl_runner *r, const char *name)
{
    const ftl_session_output *o = find_output(r, name);
    return o ? ftl_session_get_result(r->session, o) : NULL;
}

ftl_status ftl_runner_set_output(ftl_runner *r, const char *name, ftl_tensor *tensor)
{
    const ftl_session_output *o = find_output(r, name);
    if (o)
        return ftl_session_want(r->session, o, tensor);
    return r ? refuse_output(r, name) : FTL_ERR_USAGE;
}

int ftl_runner_is_query(const ftl_runner *r, size_t i)
{
    if (!r || i >= r->session->outputs.len)
        return 0;
    const ftl_query *q = r->session->outputs.data[i].query;
    return q && q->is_printed;
}

ftl_status ftl_runner_save_output(ftl_runner *r, size_t i, const char *path)
{
    if (!r)
        return FTL_ERR_USAGE;
    if (!path || !path[0] || i >= r->session->outputs.len)
        return refuse_path(r, path, i);
    return ftl_run_save_output(r->session, i, path);
}

ftl_status ftl_runner_save_outputs(ftl_runner *r, const char *path)
{
    if (!r)
        return FTL_ERR_USAGE;
    if (!path || !path[0])
        return refuse_path(r, path, 0);
    return ftl_run_save_outputs(r->session, path);
}

ftl_status ftl_runner_probe_outputs(ftl_runner *r, const char *path)
{
    if (!r)
        return FTL_ERR_USAGE;
    if (!path || !path[0])
        return refuse_path(r, path, 0);
    return ftl_run_probe_outputs(r->session, path);
}

/* ---- texts ---- */

static ftl_status write_output(ftl_api_text *w, ftl_strbuf *out)
{
    ftl_run_print_output(w->subject, w->index, out);
    return FTL_OK;
}

static ftl_status write_explain(ftl_api_text *w, ftl_strbuf *out)
{
    if (w->index)
        ftl_run_explain_json(w->subject, out);
    else
        ftl_run_explain_text(w->subject, out);
    return FTL_OK;
}

static ftl_status write_report(ftl_api_text *w, ftl_strbuf *out)
{
    ftl_run_report(w->subject, out);
    return FTL_OK;
}

ftl_status ftl_runner_print_output(const ftl_runner *r, size_t i, char **out)
{
    if (!r || !out || i >= r->session->outputs.len)
        return FTL_ERR_USAGE;
    ftl_api_text w = {
        .alloc = r->session->alloc, .write = write_output, .subject = r->session, .index = i};
    return ftl_api_make_text(&w, out);
}

ftl_status ftl_runner_explain(ftl_runner *r, const char *format, char **out)
{
    bool json = format && strcmp(format, "json") == 0;
    if (!r || !out || !r->session->exec || (format && !json && strcmp(format, "text") != 0))
        return FTL_ERR_USAGE;
    ftl_api_text w = {
        .alloc = r->session->alloc, .write = write_explain, .subject = r->session, .index = json};
    return ftl_api_make_text(&w, out);
}

ftl_status ftl_runner_report(const ftl_runner *r, char **out)
{
    if (!r || !out || !r->session->model || r->session->diags.errors)
        return FTL_ERR_USAGE;
    ftl_api_text w = {.alloc = r->session->alloc, .write = write_report, .subject = r->session};
    return ftl_api_make_text(&w, out);
}

void ftl_runner_get_memory(const ftl_runner *r, size_t *arena, size_t *live)
{
    const ftl_plan *plan = r ? r->session->plan : NULL;
    if (arena)
        *arena = plan ? plan->arena_size : 0;
    if (live)
        *live = plan ? plan->live_peak : 0;
}
