/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies of fusetl.h: runners.
 */
#include "api/api.h"

#include <stdlib.h>

static ftl_status open_runner(const ftl_program *program, const ftl_session_spec *spec,
                              ftl_runner **out)
{
    ftl_session *session = NULL;
    if (program->diags.errors || !program->tree)
        return FTL_ERR_PROGRAM;
    ftl_status status = ftl_session_open(spec, &session);
    if (!session)
        return status;
    const ftl_allocator *alloc = session->alloc;
    ftl_runner *r = ftl_mem_alloc(alloc, sizeof(*r));
    if (!r) {
        ftl_session_close(session);
        return FTL_ERR_MEMORY;
    }
    r->session = session;
    *out = r;
    return status;
}

static bool is_sound(const ftl_program *program, const ftl_config *config, const ftl_input *inputs,
                     size_t n)
{
    if (!program || !config || config->size != sizeof(ftl_config) || (n && !inputs))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!inputs[i].name || (!inputs[i].tensor && !inputs[i].path))
            return false;
    return true;
}

static ftl_session_spec spec_of(const ftl_program *program, const ftl_config *config,
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
    ftl_session_spec spec = spec_of(program, config, inputs, n_inputs);
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
    ftl_session_spec spec = spec_of(program, config, inputs, n_inputs);
    spec.is_check = true;
    return open_runner(program, &spec, out);
}

ftl_status ftl_program_dump(const ftl_program *program, const ftl_config *config,
                            const ftl_input *inputs, size_t n_inputs, const ftl_dump *dump)
{
    ftl_runner *r = NULL;
    if (!dump || !dump->pass || !dump->text || !is_sound(program, config, inputs, n_inputs))
        return FTL_ERR_USAGE;
    ftl_session_spec spec = spec_of(program, config, inputs, n_inputs);
    spec.dump_pass = dump->pass;
    ftl_status status = open_runner(program, &spec, &r);
    if (!r)
        return status;
    if (r->session->has_dumped)
        status = api_copy_text(ftl_strbuf_get(&r->session->dump), dump->text);
    else if (status == FTL_OK)
        status = FTL_ERR_USAGE;
    if (status != FTL_OK && dump->message)
        (void)api_copy_text(ftl_session_render(r->session), dump->message);
    ftl_runner_free(r);
    return status;
}

void ftl_runner_free(ftl_runner *r)
{
    if (!r)
        return;
    ftl_allocator alloc = r->session->alloc_copy;
    ftl_session_close(r->session);
    ftl_mem_free(&alloc, r, sizeof(*r));
}

const char *ftl_runner_get_diagnostics(const ftl_runner *r)
{
    return r ? ftl_session_render(r->session) : "";
}

ftl_status ftl_runner_bind(ftl_runner *r, const char *name, ftl_tensor *tensor)
{
    if (!r || !name || !tensor)
        return FTL_ERR_USAGE;
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

static const ftl_session_output *find_output(const ftl_runner *r, const char *name)
{
    for (size_t i = 0; r && name && i < r->session->outputs.len; i++)
        if (strcmp(r->session->outputs.data[i].name, name) == 0)
            return &r->session->outputs.data[i];
    return NULL;
}

ftl_tensor *ftl_runner_get_output(const ftl_runner *r, const char *name)
{
    const ftl_session_output *o = find_output(r, name);
    return o ? r->session->results[o->slot] : NULL;
}

ftl_status ftl_runner_set_output(ftl_runner *r, const char *name, ftl_tensor *tensor)
{
    const ftl_session_output *o = find_output(r, name);
    if (!o)
        return FTL_ERR_USAGE;
    const ftl_value *v = r->session->graph->outputs.data[o->slot].value;
    if (tensor) {
        bool fits = tensor->dtype == v->dtype && tensor->rank == v->rank &&
                    ftl_tensor_is_contiguous(tensor);
        for (uint32_t k = 0; fits && k < v->rank; k++)
            fits = tensor->shape[k] == v->shape[k];
        if (!fits || tensor->mapped)
            return FTL_ERR_USAGE;
        ftl_tensor_retain(tensor);
    }
    ftl_tensor_release(r->session->wanted[o->slot]);
    r->session->wanted[o->slot] = tensor;
    return FTL_OK;
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
    if (!r || !path || i >= r->session->outputs.len ||
        !r->session->results[r->session->outputs.data[i].slot])
        return FTL_ERR_USAGE;
    return ftl_run_save_output(r->session, i, path);
}

/* ---- texts ---- */

typedef enum text_kind { TEXT_OUTPUT, TEXT_EXPLAIN, TEXT_EXPLAIN_JSON } text_kind;

/* Texts are made in an arena of their own use: the session's, until the next compile. */
static ftl_status make_text(ftl_session *s, text_kind kind, size_t i, char **out)
{
    ftl_strbuf sb;
    if (setjmp(s->guard))
        return FTL_ERR_MEMORY;
    ftl_strbuf_init(&sb, &s->arena);
    if (kind == TEXT_OUTPUT)
        ftl_run_print_output(s, i, &sb);
    else if (kind == TEXT_EXPLAIN)
        ftl_run_explain_text(s, &sb);
    else
        ftl_run_explain_json(s, &sb);
    return api_copy_text(ftl_strbuf_get(&sb), out);
}

ftl_status ftl_runner_print_output(const ftl_runner *r, size_t i, char **out)
{
    if (!r || !out || i >= r->session->outputs.len)
        return FTL_ERR_USAGE;
    return make_text(r->session, TEXT_OUTPUT, i, out);
}

ftl_status ftl_runner_explain(ftl_runner *r, const char *format, char **out)
{
    if (!r || !out || !r->session->exec)
        return FTL_ERR_USAGE;
    if (!format || strcmp(format, "text") == 0)
        return make_text(r->session, TEXT_EXPLAIN, 0, out);
    if (strcmp(format, "json") == 0)
        return make_text(r->session, TEXT_EXPLAIN_JSON, 0, out);
    return FTL_ERR_USAGE;
}

ftl_status ftl_runner_report(const ftl_runner *r, char **out)
{
    if (!r || !out || !r->session->model)
        return FTL_ERR_USAGE;
    ftl_session *s = r->session;
    ftl_strbuf sb;
    if (setjmp(s->guard))
        return FTL_ERR_MEMORY;
    ftl_strbuf_init(&sb, &s->arena);
    ftl_model_dump(s->model, &sb);
    return api_copy_text(ftl_strbuf_get(&sb), out);
}

void ftl_runner_get_memory(const ftl_runner *r, size_t *arena, size_t *live)
{
    *arena = r && r->session->plan ? r->session->plan->arena_size : 0;
    *live = r && r->session->plan ? r->session->plan->live_peak : 0;
}
