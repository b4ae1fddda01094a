/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a session, its inputs and its messages.
 */
#include "base/watch.h"
#include "run/session.h"

#include <errno.h>
#include <stdio.h>

#define WRITE_MOST ((size_t)16 << 20) /* bytes between two looks at the watch */

/* ---- opening ---- */

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
    const char **texts[] = {&c->backend,     &c->device,     &c->mode,      &c->strategy,
                            &c->chaining,    &c->projection, &c->precision, &c->einsum_planner,
                            &c->output_root, &c->grad,       &c->weights,   &c->cache,
                            &c->blas};
    for (size_t i = 0; i < FTL_COUNT(texts); i++)
        *texts[i] = copy_text(s, *texts[i]);
    c->params = copy_texts(s, c->params, c->n_params);
    c->temperatures = copy_texts(s, c->temperatures, c->n_temperatures);
    c->queries = copy_texts(s, c->queries, c->n_queries);
    c->wrt = copy_texts(s, c->wrt, c->n_wrt);
}

static void copy_inputs(ftl_session *s, const ftl_session_spec *spec)
{
    s->inputs = FTL_NEW_ARRAY(&s->keep, ftl_session_input, spec->n_inputs);
    for (size_t i = 0; i < spec->n_inputs; i++) {
        const ftl_input *from = &spec->inputs[i];
        s->inputs[i].name = copy_text(s, from->name);
        s->inputs[i].path = copy_text(s, from->path);
        s->inputs[i].tensor = from->tensor ? ftl_tensor_retain(from->tensor) : NULL;
        s->n_inputs = i + 1;
    }
}

/* The names that files are given at the end are left alone: half of a set would be worse. */
static int stop_writing(void *user, const char *call, size_t *size)
{
    if (strcmp(call, "write") == 0 && *size > WRITE_MOST)
        *size = WRITE_MOST;
    bool may_stop = strcmp(call, "rename") != 0 && strcmp(call, "sync") != 0;
    return may_stop && ftl_watch_is_interrupted(user) ? ECANCELED : 0;
}

const ftl_io_hook *ftl_run_get_hook(const ftl_session *s)
{
    return s->config.watch ? &s->hook : NULL;
}

void ftl_run_begin_writing(ftl_session *s)
{
    ftl_watch_set_stage(s->config.watch, "writing");
    ftl_watch_begin_writing(s->config.watch);
}

ftl_status ftl_run_end_writing(ftl_session *s, ftl_status status)
{
    ftl_watch_end_writing(s->config.watch);
    bool ended = status != FTL_OK && ftl_watch_is_interrupted(s->config.watch);
    return ended ? FTL_ERR_INTERRUPTED : status;
}

typedef struct opening {
    ftl_session *s;
    const ftl_session_spec *spec;
} opening;

static ftl_status fill_session(void *p)
{
    opening *o = p;
    ftl_session *s = o->s;
    s->config = *o->spec->config;
    copy_config(s);
    s->text = ftl_arena_strndup(&s->keep, o->spec->text, o->spec->text_len);
    s->text_len = o->spec->text_len;
    s->name = copy_text(s, o->spec->name);
    s->goal = o->spec->goal;
    s->dump_pass = copy_text(s, o->spec->dump_pass);
    copy_inputs(s, o->spec);
    return FTL_OK;
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
    ftl_arena_init(&s->arena, s->alloc);
    ftl_arena_init(&s->last, s->alloc);
    ftl_arena_init(&s->said, s->alloc);
    s->run_diags = (ftl_diags){.arena = &s->last};
    s->hook = (ftl_io_hook){.user = spec->config->watch, .before = stop_writing};
    *out = s;
    FTL_TRY(ftl_arena_run(&s->keep, fill_session, &(opening){s, spec}));
    return ftl_run_compile(s);
}

void ftl_session_close(ftl_session *s)
{
    if (!s)
        return;
    ftl_run_end_compile(s);
    if (s->device)
        s->backend->close(s->device);
    for (size_t i = 0; i < s->n_inputs; i++)
        ftl_tensor_release(s->inputs[i].tensor);
    for (size_t i = 0; i < s->wishes.len; i++)
        ftl_tensor_release(s->wishes.data[i].tensor);
    ftl_arena_fini(&s->said);
    ftl_arena_fini(&s->last);
    ftl_arena_fini(&s->arena);
    ftl_arena_fini(&s->keep);
    ftl_allocator alloc = s->alloc_copy;
    ftl_mem_free(&alloc, s, sizeof(*s));
}

/* ---- inputs ---- */

static bool has_same_form(const ftl_tensor *a, const ftl_tensor *b)
{
    return a && a->dtype == b->dtype && a->rank == b->rank &&
           memcmp(a->shape, b->shape, a->rank * sizeof(*a->shape)) == 0;
}

/* Whether the plan can go on with another tensor: one that it reads by strides has to have them. */
static bool fits_plan(const ftl_session *s, const char *name, const ftl_tensor *t)
{
    bool is_aligned = (uintptr_t)t->data % ftl_dtype_get_size(t->dtype) == 0;
    for (size_t i = 0; i < s->plan->inputs.len; i++) {
        const ftl_value *v = s->plan->inputs.data[i];
        if (!s->plan->places || !s->plan->places[v->id].strides || strcmp(v->u.name, name) != 0)
            continue;
        for (uint32_t k = 0; k < t->rank; k++)
            if (t->shape[k] != 1 && t->strides[k] != s->plan->places[v->id].strides[k])
                return false;
        return is_aligned;
    }
    return true;
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
        bool same = s->exec && !s->is_stale && has_same_form(in->tensor, t) &&
                    fits_plan(s, name, t);
        ftl_tensor_retain(t);
        ftl_tensor_release(in->tensor);
        in->tensor = t;
        if (same)
            rebind_plan(s, name, t);
        else
            s->is_stale = true;
        return FTL_OK;
    }
    return ftl_session_refuse(s, "no input '%s': bind gives other tensors to those that the runner "
                                 "was made with",
                              name);
}

/* ---- messages ---- */

ftl_status ftl_session_refuse(ftl_session *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(s->refusal, sizeof(s->refusal), fmt, args);
    va_end(args);
    s->rendered = NULL;
    return FTL_ERR_USAGE;
}

static void add_messages(ftl_diags *all, const ftl_diags *some)
{
    for (size_t i = 0; i < some->list.len; i++)
        *FTL_VEC_PUSH(all->arena, &all->list) = some->list.data[i];
}

/* The run's messages share the sources of the compile's. */
static ftl_status render(void *p)
{
    ftl_session *s = p;
    ftl_diags all = s->diags;
    ftl_strbuf text;
    all.arena = &s->said;
    memset(&all.list, 0, sizeof(all.list));
    add_messages(&all, &s->diags);
    add_messages(&all, &s->run_diags);
    if (s->refusal[0])
        ftl_diag_error(&all, FTL_E_OPTION, (ftl_span){0}, "%s", s->refusal);
    ftl_strbuf_init(&text, &s->said);
    ftl_diags_render(&all, &text);
    s->rendered = ftl_strbuf_get(&text);
    return FTL_OK;
}

const char *ftl_session_render(ftl_session *s)
{
    size_t n = s->diags.list.len + s->run_diags.list.len + (s->refusal[0] != '\0');
    if (s->rendered || n == 0)
        return s->rendered ? s->rendered : "";
    ftl_arena_fini(&s->said);
    return ftl_arena_run(&s->said, render, s) == FTL_OK ? s->rendered : "";
}
