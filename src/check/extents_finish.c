/* SPDX-License-Identifier: Apache-2.0
 *
 * What the extents are for: the model is filled in, and what has none, or lies outside, is
 * reported.
 */
#include "check/extents.h"

/* ---- axes on one side only (language.md section 3, rules 4 and 5) ---- */

/* Names that the equation sums outright: reduce(op, k), axis=k. */
static void collect_named(const ftl_node *n, ftl_map *named)
{
    for (size_t i = 0; i < n->axes.len; i++)
        ftl_map_put(named, FTL_KEY(n->axes.data[i].name), 1);
    for (size_t i = 0; i < n->args.len; i++)
        collect_named(n->args.data[i], named);
    for (size_t i = 0; i < n->kwargs.len; i++) {
        const ftl_node *v = n->kwargs.data[i].value;
        if (v->name && strcmp(n->kwargs.data[i].name, "axis") == 0)
            ftl_map_put(named, FTL_KEY(v->name), 1);
        collect_named(v, named);
    }
}

/* An axis that stands once, on the right, and that nothing names: often a slip of the pen. */
static bool is_stray(const ftl_axis *a)
{
    return a->uses == 1 && !a->is_left && !a->is_fresh;
}

/* `a:b`: its text is its name. */
static bool is_slice(const ftl_axis *a)
{
    return strchr(a->name, ':') != NULL;
}

static bool is_missing(const ftl_axis *a)
{
    return a->uses == 0 && a->is_left && a->block_of < 0;
}

typedef struct strays {
    const ftl_axis *stray, *missing;
} strays;

static strays find_strays(const ftl_model *m, const ftl_equation *eq)
{
    strays s = {0};
    ftl_map named;
    bool ready = false;
    for (uint32_t i = 0; i < eq->axes.len; i++) {
        const ftl_axis *a = &eq->axes.data[i];
        bool is_block = false;
        for (uint32_t k = 0; k < eq->axes.len; k++)
            is_block |= eq->axes.data[k].block_of == (int32_t)i;
        if (!s.missing && is_missing(a) && !is_block)
            s.missing = a;
        if (s.stray || !is_stray(a))
            continue;
        if (!ready) {
            ftl_map_init(&named, m->arena);
            collect_named(eq->stmt->rhs, &named);
            ready = true;
        }
        if (!ftl_map_find(&named, FTL_KEY(a->name), NULL))
            s.stray = a;
    }
    return s;
}

static void hint_stray(ftl_model *m, ftl_diag *d, const strays *s)
{
    if (is_slice(s->missing))
        ftl_diag_hint(m->diags, d,
                      "a slice on the left stands for the same text on the right; give both one "
                      "name: d on the left, d=a:b on the right");
    else if (is_slice(s->stray))
        ftl_diag_hint(m->diags, d, "did you mean '%s=%s' here?", s->missing->name, s->stray->name);
    else
        ftl_diag_hint(m->diags, d, "did you mean '%s' here?", s->missing->name);
}

/* A sum over the axis stands in the expression. */
static bool has_sum(const ftl_expr *e, uint32_t axis)
{
    if (e->kind == FTL_EXPR_REDUCE && e->reduce == FTL_PROJECTION_SUM &&
        ftl_axes_has(e->over, e->n_over, axis))
        return true;
    for (size_t i = 0; i < e->args.len; i++)
        if (has_sum(e->args.data[i], axis))
            return true;
    return false;
}

/* The equation's operator names the projection of the axis: max=, +=. Under max= and its kin what
 * stands inside of a function is summed all the same. */
static bool is_said(const ftl_equation *eq, const ftl_axis *a)
{
    ftl_proj proj = eq->stmt->proj;
    return proj == FTL_PROJ_PLUS || proj == FTL_PROJ_AVG ||
           (proj != FTL_PROJ_SUM && proj != FTL_PROJ_ARROW &&
            !has_sum(eq->value, (uint32_t)(a - eq->axes.data)));
}

static void report_single(ftl_model *m, const ftl_equation *eq, const ftl_axis *a)
{
    if (is_said(eq, a))
        return;
    ftl_diag *d = ftl_diag_error(m->diags, FTL_E_SINGLE_AXIS, eq->span,
                                 "axis '%s' stands once and is summed away", a->name);
    ftl_diag_note(m->diags, d, a->span, "'%s' stands here", a->name);
    if (is_slice(a))
        ftl_diag_hint(m->diags, d,
                      "if that is meant, name it and write it out: reduce(sum, d) "
                      "with d=%s",
                      a->name);
    else if (m->tensors.data[eq->tensor].is_boolean)
        ftl_diag_hint(m->diags, d, "if that is meant, write _ for it, which stands for anything");
    else
        ftl_diag_hint(m->diags, d,
                      "if that is meant, write it out: += for =, or reduce(sum, %s) ...", a->name);
}

void extents_check_strays(extents *x)
{
    ftl_model *m = x->m;
    for (size_t i = 0; i < m->equations.len; i++) {
        const ftl_equation *eq = &m->equations.data[i];
        if (!eq->value || eq->is_hidden)
            continue;
        strays s = find_strays(m, eq);
        if (s.stray && s.missing) {
            ftl_diag *d = ftl_diag_error(
                m->diags, FTL_E_STRAY, eq->span,
                "the left side has '%s', which no term has, and a term has '%s', which "
                "stands nowhere else",
                s.missing->name, s.stray->name);
            ftl_diag_note(m->diags, d, s.stray->span, "'%s' stands here", s.stray->name);
            hint_stray(m, d, &s);
            uint32_t missing = x->axis0[i] + (uint32_t)(s.missing - eq->axes.data);
            x->vars.data[extents_find(x, missing)].is_reported = true;
        } else if (s.stray && m->options.strict) {
            report_single(m, eq, s.stray);
        }
    }
}

/* ---- results ---- */

static void fill_tensors(extents *x)
{
    for (size_t i = 0; i < x->m->tensors.len; i++) {
        ftl_tensor_decl *t = &x->m->tensors.data[i];
        bool is_relation = t->is_boolean || t->facts->is_tuples || t->source->is_tuples;
        for (uint32_t k = 0; k < t->rank; k++) {
            const extent_var *v = &x->vars.data[extents_find(x, x->tensor0[i] + k)];
            t->extent[k] = v->exact;
            t->is_open[k] = v->is_open && is_relation;
        }
    }
}

typedef struct filler {
    extents *x;
    const ftl_equation *eq;
} filler;

static void fill_places(filler *f, uint32_t tensor, ftl_at_place *places, uint32_t n);

static void fill_expr(filler *f, ftl_expr *e)
{
    if (e->kind == FTL_EXPR_READ)
        fill_places(f, e->tensor, e->places, e->n_places);
    ftl_expr *part;
    for (size_t at = 0; (part = ftl_expr_next_part(e, &at));)
        fill_expr(f, part);
}

static void check_constant(filler *f, uint32_t tensor, uint32_t dim, const ftl_at_place *p)
{
    const ftl_tensor_decl *t = &f->x->m->tensors.data[tensor];
    bool outside = p->offset < 0 || p->offset >= t->extent[dim];
    if (t->extent[dim] < 0 || !outside || p->symbol)
        return;
    ftl_diag *d =
        ftl_diag_error(f->x->m->diags, FTL_E_RANGE, p->span,
                       "index %lld is outside of '%s', which has %s %lld there",
                       (long long)p->offset, t->name, "extent", (long long)t->extent[dim]);
    if (p->offset < 0)
        ftl_diag_hint(f->x->m->diags, d,
                      "indices count from 0; a slice such as -1: counts from the end");
    else if (t->extent[dim] > 0)
        ftl_diag_hint(f->x->m->diags, d, "the last place is %lld", (long long)t->extent[dim] - 1);
}

static void fill_places(filler *f, uint32_t tensor, ftl_at_place *places, uint32_t n)
{
    uint32_t dim = 0;
    for (uint32_t i = 0; i < n; i++) {
        ftl_at_place *p = &places[i];
        if (p->form == FTL_AT_TIME)
            continue;
        int64_t extent = f->x->m->tensors.data[tensor].extent[dim];
        if (p->form == FTL_AT_SLICE && extent >= 0)
            extents_cut(p, extent, &p->offset);
        if (p->form == FTL_AT_AFFINE && p->terms.len == 0)
            check_constant(f, tensor, dim, p);
        dim++;
    }
}

/* ---- what has no extent ---- */

static void report_axis(extents *x, const ftl_equation *eq, uint32_t a)
{
    const ftl_axis *axis = &eq->axes.data[a];
    bool broadcast = is_missing(axis);
    ftl_diag *d =
        ftl_diag_error(x->m->diags, FTL_E_EXTENT_UNKNOWN, axis->is_left ? eq->span : axis->span,
                       "nothing tells the extent of axis '%s'%s", axis->name,
                       broadcast ? ", which no term on the right has" : "");
    if (is_slice(axis))
        ftl_diag_hint(x->m->diags, d,
                      "a slice on the left stands for the same text on the right; "
                      "a part of the places is written place by place: constants on the left");
    else
        ftl_diag_hint(x->m->diags, d, "declare it: axis %s = ...", axis->name);
}

static void report_window(extents *x, const extent_rule *r)
{
    const ftl_equation *eq = &x->m->equations.data[r->equation];
    ftl_strbuf names;
    ftl_strbuf_init(&names, x->m->arena);
    for (uint32_t i = 1; i < r->n_var; i++) {
        extent_var *v = &x->vars.data[extents_find(x, r->var[i])];
        uint32_t axis = r->place->terms.data[i - 1].axis;
        if (v->exact >= 0 || v->is_reported)
            continue;
        ftl_strbuf_printf(&names, "%s'%s'", names.len > 0 ? " and " : "", eq->axes.data[axis].name);
        v->is_reported = true;
    }
    if (names.len == 0)
        return;
    ftl_diag *d = ftl_diag_error(
        x->m->diags, FTL_E_EXTENT_UNKNOWN, eq->span,
        "the window does not tell the extents of %s: all of its axes but one must be known",
        ftl_strbuf_get(&names));
    ftl_diag_hint(x->m->diags, d, "declare one: axis NAME = ...");
}

static void report_unknown(extents *x)
{
    for (size_t i = 0; i < x->rules.len; i++)
        if (x->rules.data[i].kind == RULE_WINDOW && !x->rules.data[i].is_done &&
            extents_get(x, x->rules.data[i].var[0]) >= 0)
            report_window(x, &x->rules.data[i]);
    for (size_t i = 0; i < x->m->equations.len; i++) {
        const ftl_equation *eq = &x->m->equations.data[i];
        for (uint32_t a = 0; eq->value && a < eq->axes.len; a++) {
            extent_var *v = &x->vars.data[extents_find(x, x->axis0[i] + a)];
            if (v->exact >= 0 || v->is_reported)
                continue;
            v->is_reported = true;
            report_axis(x, eq, a);
        }
    }
}

/* ---- queries ---- */

static void clip_queries(extents *x)
{
    for (size_t i = 0; i < x->m->queries.len; i++) {
        ftl_query *q = &x->m->queries.data[i];
        const ftl_tensor_decl *t = &x->m->tensors.data[q->tensor];
        for (uint32_t k = 0; k < t->rank; k++) {
            int64_t n = t->extent[k], start;
            if (n < 0)
                continue;
            if (q->is_point[k] && q->lo[k] >= n)
                ftl_diag_error(x->m->diags, FTL_E_RANGE, q->span,
                               "'%s' has no place %lld: its extent is %lld there", t->name,
                               (long long)q->lo[k], (long long)n);
            ftl_at_place p = {
                .has_start = true, .has_stop = true, .start = q->lo[k], .stop = q->hi[k]};
            int64_t len = extents_cut(&p, n, &start);
            q->lo[k] = start;
            q->hi[k] = start + len;
        }
    }
}

void extents_finish(extents *x)
{
    ftl_model *m = x->m;
    fill_tensors(x);
    for (size_t i = 0; i < m->equations.len; i++) {
        ftl_equation *eq = &m->equations.data[i];
        filler f = {x, eq};
        for (uint32_t a = 0; a < eq->axes.len; a++)
            eq->axes.data[a].extent = extents_get(x, x->axis0[i] + a);
        if (!eq->value)
            continue;
        fill_places(&f, eq->tensor, eq->left, eq->n_left);
        fill_expr(&f, eq->value);
    }
    clip_queries(x);
    if (!m->options.is_partial && x->errors_before == 0)
        report_unknown(x);
}
