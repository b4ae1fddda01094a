/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs of a compiled session. Nothing here allocates unless there is something to say or to write.
 */
#include "base/watch.h"
#include "run/session.h"

#include <stdlib.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- where outputs go ---- */

static bool has_form(const ftl_tensor *t, const ftl_value *v)
{
    if (t->dtype != v->dtype || t->rank != v->rank || t->mapped)
        return false;
    for (uint32_t k = 0; k < v->rank; k++)
        if (t->shape[k] != v->shape[k])
            return false;
    return ftl_tensor_is_contiguous(t);
}

/* The slot of an output is given up, so that the caller's tensor is not written any more. */
static void forget_result(ftl_session *s, uint32_t slot)
{
    ftl_tensor_release(s->results[slot]);
    s->results[slot] = NULL;
    s->wanted[slot] = NULL;
}

static ftl_session_wish *find_wish(ftl_session *s, const char *name)
{
    for (size_t i = 0; i < s->wishes.len; i++)
        if (strcmp(s->wishes.data[i].name, name) == 0)
            return &s->wishes.data[i];
    return NULL;
}

typedef struct wishing {
    ftl_session *s;
    const char *name;
} wishing;

static ftl_status add_wish(void *p)
{
    wishing *w = p;
    const char *name = ftl_arena_strdup(&w->s->keep, w->name);
    FTL_VEC_PUSH(&w->s->keep, &w->s->wishes)->name = name;
    return FTL_OK;
}

ftl_status ftl_session_want(ftl_session *s, const ftl_session_output *o, ftl_tensor *t)
{
    if (t && !has_form(t, s->graph->outputs.data[o->slot].value))
        return ftl_session_refuse(s,
                                  "the tensor that was set for output '%s' does not have its form: "
                                  "element type, shape, row-major, not mapped",
                                  o->name);
    if (t && !find_wish(s, o->name))
        FTL_TRY(ftl_arena_run(&s->keep, add_wish, &(wishing){s, o->name}));
    ftl_session_wish *wish = find_wish(s, o->name);
    if (!wish)
        return FTL_OK;
    if (t)
        ftl_tensor_retain(t);
    forget_result(s, o->slot);
    ftl_tensor_release(wish->tensor);
    wish->tensor = t;
    s->wanted[o->slot] = t;
    return FTL_OK;
}

static bool is_own(ftl_tensor *t)
{
    return __atomic_load_n(&t->refs, __ATOMIC_ACQUIRE) == 1;
}

/* A result that somebody else holds too is left to them. */
static void renew_results(ftl_session *s)
{
    for (size_t i = 0; i < s->n_results; i++) {
        ftl_tensor *want = s->wanted[i], *have = s->results[i];
        if (want == have || (!want && is_own(have)))
            continue;
        ftl_tensor_release(have);
        s->results[i] = want ? ftl_tensor_retain(want) : NULL;
    }
}

/* A compile forgets where outputs go: the wishes that still fit are taken up again. */
static ftl_status take_wishes(ftl_session *s)
{
    for (size_t i = 0; i < s->wishes.len; i++) {
        const ftl_session_wish *wish = &s->wishes.data[i];
        const ftl_session_output *o = ftl_session_find_output(s, wish->name);
        if (!wish->tensor || !o)
            continue;
        if (!has_form(wish->tensor, s->graph->outputs.data[o->slot].value)) {
            ftl_diag_error(&s->run_diags, FTL_E_OPTION, (ftl_span){0},
                           "output '%s' has another shape or element type now than the tensor that "
                           "it is to be written to",
                           o->name);
            return FTL_ERR_USAGE;
        }
        s->wanted[o->slot] = wish->tensor;
    }
    s->has_wishes = true;
    return FTL_OK;
}

/* ---- runs ---- */

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
            ftl_diag_error(&s->run_diags, FTL_E_CONVERGE, eq->span, "'%s' did not converge",
                           t->name);
            status = FTL_ERR_PROGRAM;
        } else {
            ftl_diag_warn(&s->run_diags, FTL_W_CONVERGE, eq->span, "'%s' did not converge",
                          t->name);
        }
    }
    return status;
}

static ftl_status run_once(void *p)
{
    ftl_session *s = p;
    ftl_backend_error error = {0};
    if (!s->has_wishes)
        FTL_TRY(take_wishes(s));
    renew_results(s);
    ftl_watch_set_stage(s->config.watch, "running");
    ftl_watch_step(s->config.watch, 0, 0);
    double start = now();
    ftl_status status = s->backend->run(s->exec, s->bound, s->results, &error);
    s->run_seconds += now() - start;
    s->runs++;
    if (status != FTL_OK)
        return ftl_run_report_backend(s, &s->run_diags, status, &error);
    FTL_TRY(check_convergence(s));
    return s->config.no_sinks ? FTL_OK : ftl_run_write_sinks(s);
}

static void begin_run(ftl_session *s)
{
    if (s->run_diags.list.len > 0 || s->refusal[0])
        s->rendered = NULL;
    s->refusal[0] = '\0';
    ftl_arena_fini(&s->last);
    s->run_diags = (ftl_diags){.arena = &s->last};
    s->has_results = false;
}

ftl_status ftl_session_run(ftl_session *s)
{
    if (s->goal != FTL_GOAL_RUN)
        return ftl_session_refuse(s, "this runner only checks: make one that runs");
    begin_run(s);
    if (s->is_stale || !s->exec)
        FTL_TRY(ftl_run_compile(s));
    ftl_status status = ftl_arena_run(&s->last, run_once, s);
    if (s->run_diags.list.len > 0)
        s->rendered = NULL;
    s->has_results = status == FTL_OK;
    return status;
}

/* ---- outputs ---- */

const ftl_session_output *ftl_session_find_output(const ftl_session *s, const char *name)
{
    for (size_t i = 0; i < s->outputs.len; i++)
        if (strcmp(s->outputs.data[i].name, name) == 0)
            return &s->outputs.data[i];
    return NULL;
}

ftl_tensor *ftl_session_get_result(const ftl_session *s, const ftl_session_output *o)
{
    return s->has_results ? s->results[o->slot] : NULL;
}
