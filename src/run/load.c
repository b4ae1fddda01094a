/* SPDX-License-Identifier: Apache-2.0
 *
 * Files and inputs for check, and the tensors that a plan's inputs are bound to.
 */
#include "data/relation.h"
#include "run/session.h"

#define TEXT_LIMIT ((size_t)1 << 30) /* bytes of an imported program or a domain file */

static void release_loaded(void *p)
{
    ftl_loaded *l = p;
    ftl_tensor_release(l->tensor);
    ftl_tuples_free(l->tuples);
    ftl_tensor_release(l->relation);
    l->relation = NULL;
    l->tensor = NULL;
    l->tuples = NULL;
}

static ftl_loaded *make_loaded(ftl_session *s, const char *name)
{
    ftl_loaded *l = FTL_NEW(&s->arena, ftl_loaded);
    l->name = name;
    ftl_arena_defer(&s->arena, release_loaded, l);
    *FTL_VEC_PUSH(&s->arena, &s->loaded) = l;
    return l;
}

/* path as seen from the folder of the file `base`. */
static const char *beside(ftl_session *s, const char *base, const char *path)
{
    const char *slash = base ? strrchr(base, '/') : NULL;
    if (path[0] == '/' || !slash)
        return path;
    return ftl_arena_printf(&s->arena, "%.*s/%s", (int)(slash - base), base, path);
}

static ftl_read_options read_options(const ftl_session *s)
{
    return (ftl_read_options){.alloc = s->alloc,
                              .strict = s->config.strict_files != 0,
                              .mmap_npz_from = s->config.mmap_npz_from,
                              .memory_limit = s->config.memory_limit};
}

static void free_bytes(void *p)
{
    ftl_io_bytes_free(p);
}

/* Why something was not read, for check. */
static const char *explain(ftl_session *s, const ftl_io_error *error, ftl_status status,
                           bool *is_limit)
{
    *is_limit = status == FTL_ERR_MEMORY;
    return ftl_arena_strdup(&s->arena, error->message);
}

static bool read_text(void *user, ftl_text_request *q)
{
    ftl_session *s = user;
    ftl_io_error error;
    ftl_read_options options = {.alloc = s->alloc, .memory_limit = TEXT_LIMIT};
    ftl_io_bytes *bytes = FTL_NEW(&s->arena, ftl_io_bytes);
    bytes->alloc = s->alloc;
    ftl_arena_defer(&s->arena, free_bytes, bytes);
    q->name = beside(s, q->base, q->path);
    ftl_status status = ftl_io_read_bytes(q->name, &options, bytes, &error);
    if (status != FTL_OK) {
        q->message = explain(s, &error, status, &q->is_limit);
        return false;
    }
    q->text = bytes->data;
    q->len = bytes->len;
    return true;
}

static const char *const *list_symbols(ftl_session *s, const ftl_symbols *symbols, size_t *n)
{
    *n = (size_t)ftl_symbols_get_count(symbols);
    const char **names = FTL_NEW_ARRAY(&s->arena, const char *, *n);
    for (size_t i = 0; i < *n; i++)
        names[i] = ftl_symbols_get(symbols, (int64_t)i);
    return names;
}

static void free_symbols(void *p)
{
    ftl_symbols_free(*(ftl_symbols **)p);
}

static bool read_symbols(void *user, ftl_symbols_request *q)
{
    ftl_session *s = user;
    ftl_io_error error;
    ftl_read_options options = {.alloc = s->alloc, .memory_limit = TEXT_LIMIT};
    ftl_symbols **symbols = FTL_NEW(&s->arena, ftl_symbols *);
    ftl_arena_defer(&s->arena, free_symbols, symbols);
    const char *path = beside(s, q->base, q->path);
    ftl_status status = ftl_io_read_symbols(path, &options, symbols, &error);
    if (status != FTL_OK) {
        q->message = explain(s, &error, status, &q->is_limit);
        return false;
    }
    q->symbols = list_symbols(s, *symbols, &q->n);
    return true;
}

/* ---- what a file holds, as check wants to know it ---- */

static void describe_tensor(const ftl_tensor *t, ftl_source_info *out)
{
    out->dtype = t->dtype;
    out->rank = t->rank;
    memcpy(out->shape, t->shape, t->rank * sizeof(*t->shape));
}

static void describe_tuples(ftl_session *s, const ftl_tuples *t, ftl_source_info *out)
{
    out->dtype = t->values ? FTL_DTYPE_F64 : FTL_DTYPE_BOOL;
    out->rank = t->arity;
    out->is_tuples = true;
    out->has_values = t->values != NULL;
    out->count = t->count;
    out->values = t->values;
    for (uint32_t k = 0; k < t->arity; k++) {
        int64_t largest = -1;
        for (int64_t i = 0; i < t->count; i++)
            largest = t->columns[k][i] > largest ? t->columns[k][i] : largest;
        out->columns[k] = t->columns[k];
        out->shape[k] = largest + 1;
        out->is_text[k] = t->is_text[k];
        if (!t->symbols[k])
            continue;
        size_t n;
        out->symbols[k] = list_symbols(s, t->symbols[k], &n);
        out->n_symbols[k] = (int64_t)n;
    }
}

/* Texts that share a vocabulary agree on the numbers of words before any of it is written. */
static ftl_status read_words(ftl_session *s, const char *file, ftl_loaded *l,
                             ftl_read_options *options, ftl_io_error *error)
{
    l->vocabulary = l->resolved = ftl_io_find_vocabulary(&s->arena, file);
    if (ftl_io_resolve_sink(&s->arena, NULL, l->vocabulary, &l->resolved, error) != FTL_OK)
        l->resolved = l->vocabulary;
    for (size_t i = 0; i < s->loaded.len; i++) {
        const ftl_loaded *other = s->loaded.data[i];
        if (other->resolved && other->tuples && strcmp(other->resolved, l->resolved) == 0)
            options->words = other->tuples->symbols[1];
    }
    return ftl_io_read_text(file, options, &l->tuples, error);
}

static bool load_file(ftl_session *s, const char *path, ftl_load_request *q)
{
    ftl_read_options options = read_options(s);
    ftl_io_error error;
    ftl_status status;
    options.axes = q->axes;
    ftl_table_form form = {.arity = q->rank, .allow_values = !q->is_relation};
    ftl_tensor_place place = {.name = q->name};
    ftl_format format = ftl_io_split_path(&s->arena, path, &place.file, &place.member);
    ftl_loaded *l = make_loaded(s, q->name);
    if (format == FTL_FORMAT_CSV || format == FTL_FORMAT_TSV)
        status = ftl_io_read_tuples(place.file, form, &options, &l->tuples, &error);
    else if (format == FTL_FORMAT_TEXT)
        status = read_words(s, place.file, l, &options, &error);
    else
        status = ftl_io_read_tensor(&place, &options, &l->tensor, &error);
    if (status != FTL_OK) {
        q->message = explain(s, &error, status, &q->is_limit);
        return false;
    }
    if (l->tuples)
        describe_tuples(s, l->tuples, &q->info);
    else
        describe_tensor(l->tensor, &q->info);
    q->info.has_vocabulary = format == FTL_FORMAT_TEXT;
    q->info.handle = l;
    return true;
}

static const ftl_session_input *find_input(const ftl_session *s, const char *name)
{
    for (size_t i = 0; i < s->n_inputs; i++)
        if (strcmp(s->inputs[i].name, name) == 0)
            return &s->inputs[i];
    return NULL;
}

/* An input that was given beats the program's own source. */
static bool load(void *user, ftl_load_request *q)
{
    ftl_session *s = user;
    const ftl_session_input *given = find_input(s, q->name);
    q->found = given || q->path;
    if (!q->found)
        return true;
    if (!given || !given->tensor)
        return load_file(s, given ? given->path : beside(s, s->name, q->path), q);
    ftl_loaded *l = make_loaded(s, q->name);
    l->tensor = ftl_tensor_retain(given->tensor);
    describe_tensor(l->tensor, &q->info);
    q->info.handle = l;
    return true;
}

const ftl_loader *ftl_run_make_loader(ftl_session *s)
{
    ftl_loader *l = FTL_NEW(&s->arena, ftl_loader);
    *l = (ftl_loader){.user = s, .read_text = read_text, .load = load,
                       .read_symbols = read_symbols};
    return l;
}

/* ---- binding ---- */

/* Tuples as a dense tensor of the input's shape; equal tuples add up their values. The columns are
 * the model's: symbols are numbered as their domain says. */
static ftl_status make_dense(ftl_session *s, ftl_loaded *l, const ftl_source_info *t,
                             const ftl_value *input)
{
    ftl_tensor *dense;
    FTL_TRY(ftl_tensor_new(s->alloc, input->dtype, input->rank, input->shape, &dense));
    for (int64_t i = 0; i < t->count; i++) {
        int64_t at = 0;
        for (uint32_t k = 0; k < input->rank; k++) {
            assert(t->columns[k][i] < input->shape[k]);
            at = at * input->shape[k] + t->columns[k][i];
        }
        if (input->dtype == FTL_DTYPE_BOOL)
            ((uint8_t *)dense->data)[at] = 1;
        else if (input->dtype == FTL_DTYPE_F64)
            ((double *)dense->data)[at] += t->values[i];
        else
            ((float *)dense->data)[at] += (float)t->values[i];
    }
    l->tensor = dense;
    return FTL_OK;
}

static const ftl_source_info *find_source(ftl_session *s, const ftl_value *input)
{
    const char *name = ftl_intern_cstr(&s->names, input->u.name);
    uint64_t tensor;
    bool found = ftl_map_find(&s->model->tensor_by_name, FTL_KEY(name), &tensor);
    return found ? s->model->tensors.data[tensor].source : NULL;
}

/* The same tuples as a relation at rest. */
static ftl_status make_tuples(ftl_session *s, ftl_loaded *l, const ftl_source_info *t,
                              const ftl_value *input)
{
    const ftl_tuples_form *form = input->tuples;
    uint32_t *column[FTL_MAX_RANK];
    ftl_relation *r;
    if (l->relation)
        return FTL_OK;
    for (uint32_t k = 0; k < form->rank; k++) {
        column[k] = FTL_NEW_ARRAY(&s->arena, uint32_t, (size_t)t->count);
        for (int64_t i = 0; i < t->count; i++)
            column[k][i] = (uint32_t)t->columns[k][i];
    }
    ftl_relation_spec spec = {.arity = form->rank, .n = t->count, .extent = form->shape,
                              .column = (const uint32_t *const *)column};
    FTL_TRY(ftl_relation_new(s->alloc, &spec, &r));
    ftl_status status = ftl_tensor_new_tuples(s->alloc, r, &l->relation);
    ftl_relation_release(r);
    return status;
}

ftl_status ftl_run_bind_inputs(ftl_session *s)
{
    s->bound = FTL_NEW_ARRAY(&s->arena, ftl_tensor *, s->plan->inputs.len);
    for (size_t i = 0; i < s->plan->inputs.len; i++) {
        const ftl_value *input = s->plan->inputs.data[i];
        const ftl_source_info *source = find_source(s, input);
        ftl_loaded *l = source ? source->handle : NULL;
        if (!l)
            return FTL_ERR_INTERNAL;
        if (input->tuples) {
            FTL_TRY(make_tuples(s, l, source, input));
            s->bound[i] = l->relation;
            continue;
        }
        if (!l->tensor)
            FTL_TRY(make_dense(s, l, source, input));
        s->bound[i] = l->tensor;
    }
    return FTL_OK;
}

/* ---- layouts ---- */

/* The strides of a tensor that can be read where it lies though it is not row-major; else null. */
static const int64_t *get_layout(ftl_session *s, const ftl_tensor *t)
{
    int64_t size = (int64_t)ftl_dtype_get_size(t->dtype);
    bool is_aligned = (uintptr_t)t->data % (uintptr_t)size == 0;
    int64_t *strides = FTL_NEW_ARRAY(&s->arena, int64_t, t->rank + 1);
    for (uint32_t k = 0; k < t->rank; k++) {
        strides[k] = t->shape[k] == 1 ? 0 : t->strides[k];
        is_aligned = is_aligned && strides[k] % size == 0;
    }
    return is_aligned && !ftl_tensor_is_contiguous(t) ? strides : NULL;
}

const int64_t *const *ftl_run_find_layouts(ftl_session *s)
{
    const int64_t **layouts = FTL_NEW_ARRAY(&s->arena, const int64_t *, s->graph->values.len);
    size_t n = 0;
    for (size_t i = 0; i < s->graph->values.len; i++) {
        const ftl_value *v = s->graph->values.data[i];
        if (v->op != FTL_OP_INPUT_)
            continue;
        const ftl_source_info *source = find_source(s, v);
        const ftl_loaded *l = source ? source->handle : NULL;
        layouts[n++] = l && l->tensor ? get_layout(s, l->tensor) : NULL;
    }
    return layouts;
}

/* ---- inputs that nothing asks for ---- */

static void warn_unknown(ftl_session *s, const char *name)
{
    const ftl_model *m = s->model;
    const char **known = FTL_NEW_ARRAY(&s->arena, const char *, m->tensors.len);
    size_t n = 0;
    for (size_t i = 0; i < m->tensors.len; i++)
        if (!m->tensors.data[i].is_hidden)
            known[n++] = m->tensors.data[i].name;
    const char *near = ftl_suggest(name, known, n);
    ftl_diag *d = ftl_diag_warn(&s->diags, FTL_W_UNUSED, (ftl_span){0},
                                "the program has no tensor '%s': the input is not used", name);
    if (near)
        ftl_diag_hint(&s->diags, d, "did you mean '%s'?", near);
}

void ftl_run_warn_unused_inputs(ftl_session *s)
{
    for (size_t i = 0; i < s->n_inputs; i++) {
        const char *name = s->inputs[i].name;
        uint64_t at;
        if (!ftl_map_find(&s->model->tensor_by_name, FTL_KEY(ftl_intern_cstr(&s->names, name)),
                          &at)) {
            warn_unknown(s, name);
            continue;
        }
        const ftl_tensor_decl *t = &s->model->tensors.data[at];
        if (t->equations.len > 0 && !t->has_time)
            ftl_diag_warn(&s->diags, FTL_W_UNUSED, t->span,
                          "'%s' has equations: the input of that name is not used", name);
    }
}
