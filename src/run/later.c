/* SPDX-License-Identifier: Apache-2.0
 *
 * What the language and the configuration know and this version does not run: refused before any
 * work, at the place where it is asked for. What can be told of its use is told first.
 */
#include "run/session.h"

static bool refuse(ftl_session *s, ftl_span span, const char *what)
{
    ftl_diag_error(&s->diags, FTL_E_VERSION, span, "%s: not in this version", what);
    return false;
}

/* ---- gradients ---- */

static bool report_unknown(ftl_session *s, const char *role, const char *name)
{
    const ftl_model *m = s->model;
    const char **known = FTL_NEW_ARRAY(&s->arena, const char *, m->tensors.len);
    size_t n = 0;
    for (size_t i = 0; i < m->tensors.len; i++)
        if (!m->tensors.data[i].is_hidden)
            known[n++] = m->tensors.data[i].name;
    const char *near = ftl_suggest(name, known, n);
    ftl_diag *d = ftl_diag_error(&s->diags, FTL_E_NAME, (ftl_span){0},
                                 "%s: the program has no tensor '%s'", role, name);
    if (near)
        ftl_diag_hint(&s->diags, d, "did you mean '%s'?", near);
    return false;
}

static const ftl_tensor_decl *find_tensor(ftl_session *s, const char *role, const char *name)
{
    uint64_t at;
    const char *interned = ftl_intern_cstr(&s->names, name);
    if (ftl_map_find(&s->model->tensor_by_name, FTL_KEY(interned), &at))
        return &s->model->tensors.data[at];
    report_unknown(s, role, name);
    return NULL;
}

static bool check_loss(ftl_session *s)
{
    const ftl_tensor_decl *t = find_tensor(s, "loss of the gradient", s->config.grad);
    if (!t)
        return false;
    if (t->is_boolean)
        ftl_diag_error(&s->diags, FTL_E_KIND, t->span,
                       "the loss '%s' is a relation; a gradient needs a number", t->name);
    else if (t->rank > 0)
        ftl_diag_error(&s->diags, FTL_E_RANK, t->span,
                       "the loss '%s' has %u %s; a gradient needs a scalar", t->name, t->rank,
                       t->rank == 1 ? "axis" : "axes");
    return s->diags.errors == 0;
}

static bool check_wrt(ftl_session *s, const char *name)
{
    const ftl_tensor_decl *t = find_tensor(s, "gradient", name);
    if (t && t->is_boolean)
        ftl_diag_error(&s->diags, FTL_E_KIND, t->span,
                       "'%s' is a relation; there is no gradient by it", t->name);
    return s->diags.errors == 0;
}

static bool check_gradient(ftl_session *s)
{
    if (s->config.n_wrt > 0 && !s->config.grad) {
        ftl_diag_error(&s->diags, FTL_E_OPTION, (ftl_span){0},
                       "a gradient needs a loss beside the tensors that it is taken by");
        return false;
    }
    if (!s->config.grad)
        return true;
    if (s->config.n_wrt == 0) {
        ftl_diag_error(&s->diags, FTL_E_OPTION, (ftl_span){0},
                       "a gradient needs the tensors that it is taken by beside the loss");
        return false;
    }
    bool sound = check_loss(s);
    for (size_t i = 0; i < s->config.n_wrt; i++)
        sound = check_wrt(s, s->config.wrt[i]) && sound;
    return sound && refuse(s, (ftl_span){0}, "gradients");
}

/* ---- streams ---- */

static const ftl_equation *find_streaming(const ftl_model *m)
{
    for (size_t i = 0; i < m->equations.len; i++)
        if (m->tensors.data[m->equations.data[i].tensor].has_time)
            return &m->equations.data[i];
    return NULL;
}

bool ftl_run_is_stepped(const ftl_session *s)
{
    bool stepped = s->config.steps > 0;
    for (size_t i = 0; i < s->n_inputs; i++)
        stepped |= strchr(s->inputs[i].name, '@') != NULL;
    return stepped;
}

static bool check_streams(ftl_session *s)
{
    const ftl_equation *eq = find_streaming(s->model);
    bool stepped = ftl_run_is_stepped(s);
    if (eq && (stepped || !s->options.check.is_partial))
        return refuse(s, eq->span, "running virtual time (*t)");
    return !stepped || refuse(s, (ftl_span){0}, "running steps of virtual time");
}

bool ftl_run_refuse_later(ftl_session *s)
{
    const ftl_config *c = &s->config;
    bool is_drawn = c->projection && strcmp(c->projection, "monte_carlo") == 0;
    return check_gradient(s) && check_streams(s) &&
           (!is_drawn || refuse(s, (ftl_span){0}, "Monte Carlo projection")) &&
           (!c->weights || refuse(s, (ftl_span){0}, "weight manifests")) &&
           (!c->cache || refuse(s, (ftl_span){0}, "a cache of compiled plans"));
}
