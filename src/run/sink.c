/* SPDX-License-Identifier: Apache-2.0
 *
 * Results -> files: the program's sinks, and outputs that a caller saves.
 */
#include "run/session.h"

/* Symbol tables of a tensor's places, made from the model's domains; freed with the arena. */
static void free_symbols(void *p)
{
    ftl_symbols_free(p);
}

static const ftl_symbols *symbols_of(ftl_session *s, int32_t domain)
{
    if (domain < 0 || s->model->domains.data[domain].symbols.len == 0)
        return NULL;
    const ftl_domain *d = &s->model->domains.data[domain];
    ftl_symbols *symbols = ftl_symbols_new(s->alloc);
    if (!symbols)
        ftl_arena_fail(&s->arena, FTL_ERR_MEMORY);
    ftl_arena_defer(&s->arena, free_symbols, symbols);
    for (size_t i = 0; i < d->symbols.len; i++)
        if (ftl_symbols_add(symbols, d->symbols.data[i], strlen(d->symbols.data[i])) < 0)
            ftl_arena_fail(&s->arena, FTL_ERR_MEMORY);
    return symbols;
}

static ftl_write_options write_options(ftl_session *s, const ftl_tensor_decl *t, const ftl_query *q)
{
    const ftl_symbols **symbols = FTL_NEW_ARRAY(&s->arena, const ftl_symbols *, t->rank);
    uint32_t kept = 0;
    for (uint32_t k = 0; k < t->rank; k++)
        if (!q || !q->is_point[k])
            symbols[kept++] = symbols_of(s, q && q->lo[k] != 0 ? -1 : t->domain[k]);
    return (ftl_write_options){.alloc = s->alloc, .symbols = symbols, .is_relation = t->is_boolean};
}

static ftl_tensor *result_of(ftl_session *s, const char *name)
{
    for (size_t i = 0; i < s->graph->outputs.len; i++)
        if (strcmp(s->graph->outputs.data[i].name, name) == 0)
            return s->results[i];
    return NULL;
}

static ftl_status write_sink(ftl_session *s, size_t i, const char *root)
{
    const ftl_sink *sink = &s->model->sinks.data[i];
    ftl_io_error error;
    ftl_status status;
    const ftl_tensor_decl *t = &s->model->tensors.data[sink->tensor];
    ftl_write_options options = write_options(s, t, NULL);
    options.output_root = root;
    ftl_tensor *v = result_of(s, ftl_arena_printf(&s->arena, "sink#%zu", i));
    ftl_tensor *values = NULL;
    if (sink->is_topk)
        values = result_of(s, ftl_arena_printf(&s->arena, "sink#%zu.values", i));
    if (values)
        status = ftl_io_write_topk(sink->path, v, values, &options, &error);
    else
        status = ftl_io_write_tensor(sink->path, v, &options, &error);
    if (status != FTL_OK)
        ftl_diag_error(&s->diags, FTL_E_FILE, sink->span, "%s", error.message);
    return status;
}

/* All paths are resolved before the first file is written. */
ftl_status ftl_run_write_sinks(ftl_session *s)
{
    size_t n = s->model->sinks.len;
    const char *resolved;
    ftl_io_error error;
    const char *root = s->config.output_root ? s->config.output_root : ".";
    for (size_t i = 0; i < n; i++) {
        const ftl_sink *sink = &s->model->sinks.data[i];
        if (ftl_io_resolve_sink(&s->arena, root, sink->path, &resolved, &error) == FTL_OK)
            continue;
        ftl_diag_error(&s->diags, FTL_E_POLICY, sink->span, "%s", error.message);
        return FTL_ERR_PROGRAM;
    }
    for (size_t i = 0; i < n; i++)
        FTL_TRY(write_sink(s, i, root));
    return FTL_OK;
}

ftl_status ftl_run_save_output(ftl_session *s, size_t i, const char *path)
{
    const ftl_session_output *o = &s->outputs.data[i];
    ftl_io_error error;
    if (setjmp(s->guard))
        return FTL_ERR_MEMORY;
    ftl_write_options options = write_options(s, &s->model->tensors.data[o->tensor], o->query);
    ftl_status status = ftl_io_write_tensor(path, s->results[o->slot], &options, &error);
    if (status != FTL_OK)
        ftl_diag_error(&s->diags, FTL_E_FILE, (ftl_span){0}, "%s", error.message);
    return status;
}
