/* SPDX-License-Identifier: Apache-2.0
 *
 * Results -> files: the program's sinks, and outputs that a caller saves. Files of one call
 * are all whole before the first of them replaces an older one.
 */
#include "run/session.h"

#include <sys/stat.h>

/* ---- what a file needs to know of its tensor ---- */

static void free_symbols(void *p)
{
    ftl_symbols_free(p);
}

/* The symbols of a domain; freed with the arena. Null when its places are numbers. */
static const ftl_symbols *make_symbols(ftl_session *s, ftl_arena *arena, int32_t domain)
{
    if (domain < 0 || s->model->domains.data[domain].symbols.len == 0)
        return NULL;
    const ftl_domain *d = &s->model->domains.data[domain];
    ftl_symbols *symbols = ftl_symbols_new(s->alloc);
    if (!symbols)
        ftl_arena_fail(arena, FTL_ERR_MEMORY);
    ftl_arena_defer(arena, free_symbols, symbols);
    for (size_t i = 0; i < d->symbols.len; i++)
        if (ftl_symbols_add(symbols, d->symbols.data[i], strlen(d->symbols.data[i])) < 0)
            ftl_arena_fail(arena, FTL_ERR_MEMORY);
    return symbols;
}

/* Places that a query fixes are not in the result; a range that starts late has no symbols. */
static ftl_write_options make_options(ftl_session *s, ftl_arena *arena, const ftl_tensor_decl *t,
                                      const ftl_query *q)
{
    const ftl_symbols **symbols = FTL_NEW_ARRAY(arena, const ftl_symbols *, t->rank);
    uint32_t kept = 0;
    for (uint32_t k = 0; k < t->rank; k++)
        if (!q || !q->is_point[k])
            symbols[kept++] = make_symbols(s, arena, q && q->lo[k] != 0 ? -1 : t->domain[k]);
    return (ftl_write_options){.alloc = s->alloc, .symbols = symbols, .is_relation = t->is_boolean};
}

static bool is_table(const char *path)
{
    ftl_format format = ftl_io_find_format(path);
    return format == FTL_FORMAT_CSV || format == FTL_FORMAT_TSV;
}

/* ---- sinks ---- */

static const char *get_root(const ftl_session *s)
{
    return s->config.output_root ? s->config.output_root : ".";
}

/* Two sinks of one file would leave the second alone. */
static void check_twice(ftl_session *s, size_t i, const char **resolved)
{
    const ftl_sink *sinks = s->model->sinks.data;
    for (size_t k = 0; k < i && resolved[i]; k++) {
        if (!resolved[k] || strcmp(resolved[k], resolved[i]) != 0)
            continue;
        ftl_diag *d = ftl_diag_error(&s->diags, FTL_E_REDEFINED, sinks[i].span,
                                     "'%s' is written twice", sinks[i].path);
        ftl_diag_note(&s->diags, d, sinks[k].span, "written here as well");
        return;
    }
}

/* A check alone says whether the paths stay below the root; a run asks the file system too. */
bool ftl_run_probe_sinks(ftl_session *s)
{
    size_t n = s->config.no_sinks ? 0 : s->model->sinks.len;
    const char **resolved = FTL_NEW_ARRAY(&s->arena, const char *, n);
    for (size_t i = 0; i < n; i++) {
        const ftl_sink *sink = &s->model->sinks.data[i];
        ftl_io_error error;
        ftl_status status =
            ftl_io_resolve_sink(&s->arena, get_root(s), sink->path, &resolved[i], &error);
        if (status == FTL_OK && s->goal == FTL_GOAL_RUN)
            status = ftl_io_probe_sink(get_root(s), sink->path, &error);
        if (status != FTL_OK)
            ftl_diag_error(&s->diags, status == FTL_ERR_USAGE ? FTL_E_POLICY : FTL_E_FILE,
                           sink->span, "%s", error.message);
        check_twice(s, i, resolved);
    }
    return s->diags.errors == 0;
}

static ftl_tensor *find_result(ftl_session *s, const char *name)
{
    for (size_t i = 0; i < s->graph->outputs.len; i++)
        if (strcmp(s->graph->outputs.data[i].name, name) == 0)
            return s->results[i];
    return NULL;
}

static ftl_status write_sink(ftl_session *s, size_t i, ftl_io_batch *batch)
{
    const ftl_sink *sink = &s->model->sinks.data[i];
    const ftl_tensor_decl *t = &s->model->tensors.data[sink->tensor];
    ftl_io_error error;
    ftl_write_options options = {.alloc = s->alloc, .is_relation = t->is_boolean};
    if (is_table(sink->path))
        options = make_options(s, &s->last, t, NULL);
    options.output_root = get_root(s);
    options.batch = batch;
    options.hook = ftl_run_get_hook(s);
    ftl_tensor *v = find_result(s, ftl_arena_printf(&s->last, "sink#%zu", i));
    ftl_tensor *values = NULL;
    if (sink->is_topk)
        values = find_result(s, ftl_arena_printf(&s->last, "sink#%zu.values", i));
    ftl_status status = values ? ftl_io_write_topk(sink->path, v, values, &options, &error)
                               : ftl_io_write_tensor(sink->path, v, &options, &error);
    if (status != FTL_OK)
        ftl_diag_error(&s->run_diags, FTL_E_FILE, sink->span, "%s", error.message);
    return status;
}

/* Of texts that share a vocabulary the last one has all the words. */
static bool has_last_words(const ftl_session *s, size_t i)
{
    const ftl_loaded *l = s->loaded.data[i];
    if (!l->resolved || !l->tuples)
        return false;
    for (size_t k = i + 1; k < s->loaded.len; k++) {
        const ftl_loaded *other = s->loaded.data[k];
        if (other->resolved && other->tuples && strcmp(other->resolved, l->resolved) == 0)
            return false;
    }
    return true;
}

static ftl_status write_words(ftl_session *s, ftl_io_batch *batch)
{
    ftl_write_options options = {
        .alloc = s->alloc, .batch = batch, .hook = ftl_run_get_hook(s)};
    for (size_t i = 0; i < s->loaded.len && !s->has_words; i++) {
        const ftl_loaded *l = s->loaded.data[i];
        ftl_io_error error;
        if (!has_last_words(s, i))
            continue;
        ftl_status status =
            ftl_io_write_vocabulary(l->vocabulary, l->tuples->symbols[1], &options, &error);
        if (status == FTL_OK)
            continue;
        ftl_diag_error(&s->run_diags, FTL_E_FILE, (ftl_span){0}, "%s", error.message);
        return status;
    }
    return FTL_OK;
}

typedef struct sinking {
    ftl_session *s;
    ftl_io_batch *batch;
} sinking;

static ftl_status write_all_sinks(void *p)
{
    sinking *w = p;
    ftl_io_error error;
    for (size_t i = 0; i < w->s->model->sinks.len; i++)
        FTL_TRY(write_sink(w->s, i, w->batch));
    FTL_TRY(write_words(w->s, w->batch));
    ftl_status status = ftl_io_batch_commit(w->batch, &error);
    if (status != FTL_OK)
        ftl_diag_error(&w->s->run_diags, FTL_E_FILE, (ftl_span){0}, "%s", error.message);
    return status;
}

static bool has_texts(const ftl_session *s)
{
    for (size_t i = 0; i < s->loaded.len; i++)
        if (s->loaded.data[i]->vocabulary)
            return true;
    return false;
}

ftl_status ftl_run_write_sinks(ftl_session *s)
{
    sinking w = {.s = s};
    if (s->model->sinks.len == 0 && (s->has_words || !has_texts(s)))
        return FTL_OK;
    FTL_TRY(ftl_io_batch_new(s->alloc, &w.batch));
    ftl_run_begin_writing(s);
    ftl_status status = ftl_arena_run(&s->last, write_all_sinks, &w);
    ftl_io_batch_free(w.batch);
    s->has_words |= status == FTL_OK;
    return ftl_run_end_writing(s, status);
}

/* ---- saving ---- */

/* One call: scratch ends with it, messages stay in the session. */
typedef struct saving {
    ftl_session *s;
    ftl_arena scratch;
    ftl_io_batch *batch; /* of a folder's files */
    const char *path;
    bool is_probe; /* whether it could be written is asked; nothing is */
    ftl_status (*work)(struct saving *w);
    size_t output;
} saving;

static ftl_status fail_saving(saving *w, ftl_status status, const char *text)
{
    ftl_diag_error(&w->s->run_diags, status == FTL_ERR_USAGE ? FTL_E_OPTION : FTL_E_FILE,
                   (ftl_span){0}, "%s", text);
    return status;
}

/* A path that leaves the output root is refused as a sink's is. */
static ftl_status fail_writing(saving *w, ftl_status status, const ftl_io_error *error)
{
    if (status != FTL_ERR_USAGE)
        return fail_saving(w, status, error->message);
    ftl_diag_error(&w->s->run_diags, FTL_E_POLICY, (ftl_span){0}, "%s", error->message);
    return FTL_ERR_PROGRAM;
}

/* Its place was changed after the last run. */
static ftl_status fail_missing(saving *w, const char *name)
{
    return fail_saving(w, FTL_ERR_USAGE,
                       ftl_arena_printf(&w->scratch, "'%s' was not computed by a run yet", name));
}

static ftl_status save_as(saving *w, size_t i, const char *path)
{
    ftl_session *s = w->s;
    const ftl_session_output *o = &s->outputs.data[i];
    const ftl_tensor_decl *t = &s->model->tensors.data[o->tensor];
    ftl_io_error error;
    ftl_write_options options = {.alloc = s->alloc, .is_relation = t->is_boolean};
    if (is_table(path))
        options = make_options(s, &w->scratch, t, o->query);
    options.batch = w->batch;
    options.output_root = s->config.output_root;
    options.hook = ftl_run_get_hook(s);
    if (!w->is_probe && !s->results[o->slot])
        return fail_missing(w, o->name);
    ftl_status status = w->is_probe
                            ? ftl_io_probe_sink(s->config.output_root, path, &error)
                            : ftl_io_write_tensor(path, s->results[o->slot], &options, &error);
    return status == FTL_OK ? FTL_OK : fail_writing(w, status, &error);
}

static ftl_status save_one(saving *w)
{
    return save_as(w, w->output, w->path);
}

/* Queries of the program are for people. */
static bool is_saved(const ftl_session *s, size_t i)
{
    const ftl_query *q = s->outputs.data[i].query;
    return !q || !q->is_printed;
}

static bool is_file_name(const char *name)
{
    return name[0] && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static ftl_status save_folder(saving *w)
{
    ftl_session *s = w->s;
    ftl_io_error error;
    FTL_TRY(ftl_io_batch_new(s->alloc, &w->batch));
    for (size_t i = 0; i < s->outputs.len; i++) {
        const char *name = s->outputs.data[i].name;
        if (!is_saved(s, i))
            continue;
        if (!is_file_name(name))
            return fail_saving(w, FTL_ERR_USAGE,
                               ftl_arena_printf(&w->scratch, "'%s' cannot be a file's name", name));
        FTL_TRY(save_as(w, i, ftl_arena_printf(&w->scratch, "%s/%s.npy", w->path, name)));
    }
    ftl_status status = w->is_probe ? FTL_OK : ftl_io_batch_commit(w->batch, &error);
    return status == FTL_OK ? FTL_OK : fail_writing(w, status, &error);
}

static ftl_status save_archive(saving *w)
{
    ftl_session *s = w->s;
    ftl_named_tensor *list = FTL_NEW_ARRAY(&w->scratch, ftl_named_tensor, s->outputs.len);
    const char *root = s->config.output_root;
    ftl_write_options options = {
        .alloc = s->alloc, .output_root = root, .hook = ftl_run_get_hook(s)};
    ftl_io_error error;
    size_t n = 0;
    for (size_t i = 0; i < s->outputs.len; i++) {
        const ftl_session_output *o = &s->outputs.data[i];
        if (!is_saved(s, i))
            continue;
        if (!w->is_probe && !s->results[o->slot])
            return fail_missing(w, o->name);
        list[n++] = (ftl_named_tensor){o->name, s->results[o->slot]};
    }
    ftl_status status = w->is_probe ? ftl_io_probe_sink(root, w->path, &error)
                                    : ftl_io_write_archive(w->path, list, n, &options, &error);
    return status == FTL_OK ? FTL_OK : fail_writing(w, status, &error);
}

static ftl_status save_only(saving *w)
{
    const ftl_session *s = w->s;
    ftl_strbuf names;
    size_t n = 0;
    ftl_strbuf_init(&names, &w->scratch);
    for (size_t i = 0; i < s->outputs.len; i++) {
        if (!is_saved(s, i))
            continue;
        ftl_strbuf_printf(&names, "%s%s", n++ ? ", " : "", s->outputs.data[i].name);
        w->output = i;
    }
    if (n == 1)
        return save_one(w);
    const char *why = "there is no output to write";
    if (n > 1)
        why = ftl_arena_printf(&w->scratch,
                               "it holds one output, but there are %zu (%s): name a folder or an "
                               ".npz",
                               n, ftl_strbuf_get(&names));
    return fail_saving(w, FTL_ERR_USAGE, ftl_arena_printf(&w->scratch, "%s: %s", w->path, why));
}

static ftl_status run_work(void *p)
{
    saving *w = p;
    return w->work(w);
}

static ftl_status run_guarded(void *p)
{
    saving *w = p;
    return ftl_arena_run(&w->scratch, run_work, w);
}

/* Messages of the session and scratch both may run out of memory. */
static ftl_status save(saving *w)
{
    ftl_session *s = w->s;
    if (w->is_probe ? !s->exec : !s->has_results)
        return ftl_session_refuse(s, w->is_probe ? "the program is not compiled"
                                                 : "no run has given outputs that could be saved");
    ftl_run_begin_writing(s);
    ftl_arena_init(&w->scratch, s->alloc);
    ftl_status status = ftl_arena_run(&s->last, run_guarded, w);
    ftl_io_batch_free(w->batch);
    ftl_arena_fini(&w->scratch);
    s->rendered = NULL;
    return ftl_run_end_writing(s, status);
}

/* There is such a folder, or with no extension could be one. A path below the output root is looked
 * up there. */
static bool is_folder(saving *w, const char *extension)
{
    struct stat st;
    const char *root = w->s->config.output_root, *path = w->path;
    if (root && path[0] != '/')
        path = ftl_arena_printf(&w->scratch, "%s/%s", root, path);
    return stat(path, &st) == 0 ? S_ISDIR(st.st_mode) : !extension[0];
}

/* The extension of the last name, or "". */
static const char *find_extension(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return dot && dot != name && strspn(dot, ".") == 1 && dot[1] ? dot : "";
}

static ftl_status fail_extension(saving *w)
{
    return fail_saving(
        w, FTL_ERR_USAGE,
        ftl_arena_printf(&w->scratch,
                         "%s: a file that is written has one of the extensions .npy, .npz, .json, "
                         ".jsonl, .csv, .tsv; a folder of that name is asked for as '%s/'",
                         w->path, w->path));
}

/* The path decides whether it is a folder's, an archive's or a file's. */
static ftl_status save_all(saving *w)
{
    const char *extension = find_extension(w->path);
    if (is_folder(w, extension))
        return save_folder(w);
    switch (ftl_io_find_format(w->path)) {
    case FTL_FORMAT_NPZ:
        return save_archive(w);
    case FTL_FORMAT_UNKNOWN:
    case FTL_FORMAT_SAFETENSORS:
    case FTL_FORMAT_TEXT:
        return fail_extension(w);
    default:
        return save_only(w);
    }
}

ftl_status ftl_run_save_output(ftl_session *s, size_t i, const char *path)
{
    saving w = {.s = s, .path = path, .output = i, .work = save_one};
    return save(&w);
}

ftl_status ftl_run_save_outputs(ftl_session *s, const char *path)
{
    saving w = {.s = s, .path = path, .work = save_all};
    return save(&w);
}

ftl_status ftl_run_probe_outputs(ftl_session *s, const char *path)
{
    saving w = {.s = s, .path = path, .work = save_all, .is_probe = true};
    return save(&w);
}
