/* SPDX-License-Identifier: Apache-2.0
 *
 * The extents stage: variables, their classes, and the order of work. Linear in the size of the
 * program but for the inverse Ackermann function.
 */
#include "check/extents.h"

uint32_t extents_find(extents *x, uint32_t var)
{
    extent_var *v = x->vars.data;
    while (v[var].up != var) {
        v[var].up = v[v[var].up].up;
        var = v[var].up;
    }
    return var;
}

int64_t extents_get(extents *x, uint32_t var)
{
    return x->vars.data[extents_find(x, var)].exact;
}

/* ---- messages ---- */

static const char *describe(const extents *x, const extent_origin *from)
{
    const ftl_model *m = x->m;
    switch (from->from) {
    case FROM_TENSOR:
    case FROM_FACTS:
        return ftl_arena_printf(m->arena, "in '%s'", m->tensors.data[from->tensor].name);
    case FROM_AXIS:
        return "as declared";
    case FROM_OFFSET:
        return "as declared and moved by the left side";
    case FROM_DOMAIN:
        return ftl_arena_printf(m->arena, "as symbols of '%s'", m->domains.data[from->tensor].name);
    case FROM_LITERAL:
        return ftl_arena_printf(m->arena, "in the list of '%s'",
                                m->tensors.data[from->tensor].name);
    default:
        return "elsewhere";
    }
}

static ftl_span find_span(const extents *x, const extent_origin *from)
{
    if (from->from == FROM_TENSOR)
        return x->m->tensors.data[from->tensor].span;
    if (from->from == FROM_FACTS)
        return x->m->tensors.data[from->tensor].facts_span;
    if (from->from == FROM_DOMAIN)
        return x->m->domains.data[from->tensor].span;
    return from->span;
}

static ftl_span find_site(const extents *x, extent_site site)
{
    return site.equation == UINT32_MAX ? (ftl_span){0} : x->m->equations.data[site.equation].span;
}

static bool is_same_span(ftl_span a, ftl_span b)
{
    return a.file == b.file && a.off == b.off;
}

static void add_note(extents *x, ftl_diag *d, const extent_origin *from, int64_t extent)
{
    ftl_span span = find_span(x, from);
    if (span.file != 0 && !is_same_span(span, d->span))
        ftl_diag_note(x->m->diags, d, span, "%lld comes from here", (long long)extent);
}

static void fail_exact(extents *x, const extent_var *a, const extent_var *b, extent_site site)
{
    ftl_span span = find_site(x, site);
    if (span.file == 0)
        span = find_span(x, &b->exact_from);
    ftl_diag *d =
        ftl_diag_error(x->m->diags, FTL_E_EXTENT, span, "axis '%s' has extent %lld %s, but %lld %s",
                       site.axis, (long long)a->exact, describe(x, &a->exact_from),
                       (long long)b->exact, describe(x, &b->exact_from));
    add_note(x, d, &a->exact_from, a->exact);
}

static void fail_least(extents *x, const extent_var *exact, const extent_var *open,
                       extent_site site)
{
    ftl_span span = find_site(x, site);
    if (span.file == 0)
        span = find_span(x, &open->least_from);
    const char *name = x->m->tensors.data[open->least_from.tensor].name;
    ftl_diag *d =
        ftl_diag_error(x->m->diags, FTL_E_EXTENT, span,
                       "'%s' reaches place %lld along axis '%s', which has extent %lld %s", name,
                       (long long)open->least - 1, site.axis, (long long)exact->exact,
                       describe(x, &exact->exact_from));
    add_note(x, d, &exact->exact_from, exact->exact);
}

/* ---- what is known of a class ---- */

static void wake(extents *x, const extent_var *v)
{
    for (uint32_t w = v->first; w; w = x->watches.data[w - 1].next) {
        uint32_t rule = x->watches.data[w - 1].rule;
        if (!x->rules.data[rule].is_done)
            *FTL_VEC_PUSH(x->m->arena, &x->queue) = rule;
    }
}

void extents_set(extents *x, uint32_t var, int64_t extent, extent_origin from, extent_site site)
{
    extent_var *v = &x->vars.data[extents_find(x, var)];
    extent_var other = {.exact = extent, .exact_from = from};
    if (v->exact >= 0) {
        if (v->exact != extent && !v->is_reported)
            fail_exact(x, v, &other, site);
        v->is_reported |= v->exact != extent;
        return;
    }
    v->exact = extent;
    v->exact_from = from;
    if (v->least > extent && !v->is_reported) {
        fail_least(x, v, v, site);
        v->is_reported = true;
    }
    wake(x, v);
}

void extents_ask(extents *x, uint32_t var, int64_t least, extent_origin from, extent_site site)
{
    extent_var *v = &x->vars.data[extents_find(x, var)];
    v->is_open = true;
    if (from.from == FROM_INDEX) {
        v->asked = least > v->asked ? least : v->asked;
        return;
    }
    v->is_tuples = true;
    if (least <= v->least)
        return;
    v->least = least;
    v->least_from = from;
    if (v->exact >= 0 && least > v->exact && !v->is_reported) {
        fail_least(x, v, v, site);
        v->is_reported = true;
    }
}

static void join_watches(extents *x, extent_var *a, const extent_var *b)
{
    if (!b->first)
        return;
    if (a->last)
        x->watches.data[a->last - 1].next = b->first;
    else
        a->first = b->first;
    a->last = b->last;
}

void extents_join(extents *x, uint32_t a, uint32_t b, extent_site site)
{
    a = extents_find(x, a);
    b = extents_find(x, b);
    if (a == b)
        return;
    extent_var *va = &x->vars.data[a], *vb = &x->vars.data[b];
    bool quiet = va->is_reported || vb->is_reported;
    bool clash = va->exact >= 0 && vb->exact >= 0 && va->exact != vb->exact;
    bool beyond_a = va->exact >= 0 && vb->exact < 0 && vb->least > va->exact;
    bool beyond_b = vb->exact >= 0 && va->exact < 0 && va->least > vb->exact;
    if (clash && !quiet)
        fail_exact(x, va, vb, site);
    else if (beyond_a && !quiet)
        fail_least(x, va, vb, site);
    else if (beyond_b && !quiet)
        fail_least(x, vb, va, site);
    vb->up = a;
    if (va->exact < 0 && vb->exact >= 0) {
        wake(x, va);
        va->exact = vb->exact;
        va->exact_from = vb->exact_from;
    } else if (va->exact >= 0 && vb->exact < 0) {
        wake(x, vb);
    }
    if (vb->least > va->least) {
        va->least = vb->least;
        va->least_from = vb->least_from;
    }
    va->asked = vb->asked > va->asked ? vb->asked : va->asked;
    va->is_open |= vb->is_open;
    va->is_tuples |= vb->is_tuples;
    va->is_reported = quiet || clash || beyond_a || beyond_b;
    join_watches(x, va, vb);
}

/* ---- variables ---- */

static uint32_t add_vars(extents *x, uint32_t n)
{
    uint32_t first = (uint32_t)x->vars.len;
    for (uint32_t i = 0; i < n; i++) {
        extent_var *v = FTL_VEC_PUSH(x->m->arena, &x->vars);
        v->up = first + i;
        v->exact = -1;
    }
    return first;
}

void ftl_check_extents(ftl_model *m)
{
    extents x = {.m = m};
    x.tensor0 = FTL_NEW_ARRAY(m->arena, uint32_t, m->tensors.len);
    x.axis0 = FTL_NEW_ARRAY(m->arena, uint32_t, m->equations.len);
    for (size_t i = 0; i < m->tensors.len; i++)
        x.tensor0[i] = add_vars(&x, m->tensors.data[i].rank);
    for (size_t i = 0; i < m->equations.len; i++)
        x.axis0[i] = add_vars(&x, (uint32_t)m->equations.data[i].axes.len);
    x.errors_before = m->diags->errors;
    extents_check_strays(&x);
    extents_collect(&x);
    extents_solve(&x);
    extents_finish(&x);
}
