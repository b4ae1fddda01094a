/* SPDX-License-Identifier: Apache-2.0
 *
 * What fuse check tells of a sound program: what it is given, what it computes in which order with
 * which extents and projections, and what it gives. An extent that only an input can tell is `?`.
 */
#include "base/dtype.h"
#include "run/session.h"

#define TEXT_MAX 88  /* bytes of an equation that are shown */
#define SUGGEST_MOST 1000 /* tensors that names are compared with */
#define NOTE_COLUMN 44 /* where the notes of an equation start, when it ends before */

/* W[3, 4] f32; Parent(Person 6, Person 6); Hid[*t, 8] f32 */
static void put_tensor(const ftl_session *s, const ftl_tensor_decl *t, ftl_strbuf *out)
{
    uint32_t n = t->rank + t->has_time, dim = 0;
    ftl_strbuf_puts(out, t->name);
    if (n > 0 || t->is_boolean)
        ftl_strbuf_putc(out, t->is_boolean ? '(' : '[');
    for (uint32_t i = 0; i < n; i++) {
        ftl_strbuf_puts(out, i > 0 ? ", " : "");
        if (t->has_time && i == t->time_place) {
            ftl_strbuf_puts(out, "*t");
            continue;
        }
        int32_t domain = t->domain[dim];
        if (domain >= 0 && s->model->domains.data[domain].name)
            ftl_strbuf_printf(out, "%s ", s->model->domains.data[domain].name);
        ftl_extent_put(out, t->extent[dim++]);
    }
    if (n > 0 || t->is_boolean)
        ftl_strbuf_putc(out, t->is_boolean ? ')' : ']');
    if (!t->is_boolean)
        ftl_strbuf_printf(out, " %s", ftl_dtype_get_name(t->dtype));
}

/* ---- what is given ---- */

static void put_domains(const ftl_session *s, ftl_strbuf *out)
{
    const char *before = "domains\n";
    for (size_t i = 0; i < s->model->domains.len; i++) {
        const ftl_domain *d = &s->model->domains.data[i];
        if (!d->name)
            continue;
        ftl_strbuf_printf(out, "%s  %s: %zu symbol%s%s\n", before, d->name, d->symbols.len,
                          d->symbols.len == 1 ? "" : "s", d->is_closed ? "" : " so far");
        before = "";
    }
}

static void put_count(ftl_strbuf *out, int64_t n, const char *what)
{
    ftl_strbuf_printf(out, ", %lld %s%s", (long long)n, what, n == 1 ? "" : "s");
}

/* A tensor that nothing defines may be a slip of the pen for one that something does. */
static void put_near(const ftl_session *s, const char *name, ftl_strbuf *out)
{
    const ftl_model *m = s->model;
    if (m->tensors.len > SUGGEST_MOST)
        return;
    const char **known = FTL_NEW_ARRAY(out->arena, const char *, m->tensors.len);
    size_t n = 0;
    for (size_t i = 0; i < m->tensors.len; i++)
        if (!m->tensors.data[i].is_hidden && m->tensors.data[i].origin != FTL_ORIGIN_UNKNOWN)
            known[n++] = m->tensors.data[i].name;
    const char *near = ftl_suggest(name, known, n);
    if (near)
        ftl_strbuf_printf(out, " (did you mean '%s'?)", near);
}

static void put_given(const ftl_session *s, const ftl_tensor_decl *t, ftl_strbuf *out)
{
    ftl_strbuf_puts(out, "  ");
    put_tensor(s, t, out);
    if (t->origin == FTL_ORIGIN_SOURCE)
        ftl_strbuf_printf(out, ", from \"%s\"", t->path);
    if (t->origin == FTL_ORIGIN_INPUT)
        ftl_strbuf_puts(out, ", an input");
    if (t->origin == FTL_ORIGIN_UNKNOWN) {
        ftl_strbuf_printf(out, ", awaited: --input %s=FILE", t->name);
        put_near(s, t->name, out);
    }
    if (t->source->is_tuples)
        put_count(out, t->source->count, t->source->has_values ? "value" : "tuple");
    if (t->facts->count > 0)
        put_count(out, t->facts->count, "fact");
    ftl_strbuf_putc(out, '\n');
}

static bool is_given(const ftl_tensor_decl *t)
{
    return t->equations.len == 0 && !t->is_unused;
}

static void put_all_given(const ftl_session *s, ftl_strbuf *out)
{
    const char *before = "given\n";
    for (size_t i = 0; i < s->model->tensors.len; i++) {
        if (!is_given(&s->model->tensors.data[i]))
            continue;
        ftl_strbuf_puts(out, before);
        put_given(s, &s->model->tensors.data[i], out);
        before = "";
    }
}

/* ---- projections: which axes are reduced, and how ---- */

typedef struct reduced {
    const ftl_equation *eq;
    ftl_strbuf *out;
    uint64_t *seen; /* by axis: bit of each projection that reduces it */
} reduced;

static void find_reduced(reduced *r, const ftl_expr *e)
{
    const ftl_expr *part;
    if (e->kind == FTL_EXPR_REDUCE)
        for (uint32_t i = 0; i < e->n_over; i++)
            r->seen[e->over[i]] |= 1u << e->reduce;
    for (size_t at = 0; (part = ftl_expr_next_part(e, &at));)
        find_reduced(r, part);
}

static void put_axis(const ftl_axis *a, ftl_strbuf *out)
{
    ftl_strbuf_printf(out, "%s ", a->name);
    ftl_extent_put(out, a->extent);
}

static void put_projections(const reduced *r, const char *before)
{
    static const char *const words[] = {"sums", "max over", "min over", "mean of", "product over",
                                        "lse over"};
    bool boolean = r->eq->is_arrow;
    for (size_t p = 0; p < FTL_COUNT(words); p++) {
        const char *gap = NULL;
        for (size_t i = 0; i < r->eq->axes.len; i++) {
            if (!(r->seen[i] & 1u << p))
                continue;
            if (!gap)
                ftl_strbuf_printf(r->out, "%s%s ", before, boolean ? "any" : words[p]);
            ftl_strbuf_puts(r->out, gap ? gap : "");
            put_axis(&r->eq->axes.data[i], r->out);
            before = "; ";
            gap = ", ";
        }
    }
}

/* i 2, j 3; sums k 4 */
static void put_axes(const ftl_equation *eq, ftl_strbuf *out)
{
    reduced r = {.eq = eq, .out = out};
    const char *before = "";
    r.seen = FTL_NEW_ARRAY(out->arena, uint64_t, eq->axes.len);
    find_reduced(&r, eq->value);
    for (size_t i = 0; i < eq->axes.len; i++) {
        const ftl_axis *a = &eq->axes.data[i];
        if (r.seen[i] && !a->is_left)
            continue;
        ftl_strbuf_puts(out, before);
        put_axis(a, out);
        before = ", ";
    }
    put_projections(&r, *before ? "; " : "");
}

/* ---- what is computed ---- */

static void put_equation(const ftl_equation *eq, ftl_strbuf *out)
{
    size_t start = out->len, n = strlen(eq->text);
    size_t shown = n > TEXT_MAX ? TEXT_MAX - 3 : n;
    while (shown < n && shown > 0 && ((unsigned char)eq->text[shown] & 0xc0) == 0x80)
        shown--;
    ftl_strbuf_puts(out, "      ");
    ftl_strbuf_put_escaped(out, eq->text, shown);
    ftl_strbuf_puts(out, shown < n ? "..." : "");
    if (eq->axes.len > 0) {
        size_t used = out->len - start;
        bool fits = used < NOTE_COLUMN;
        ftl_strbuf_printf(out, "%*s# ", fits ? (int)(NOTE_COLUMN - used) : 2, "");
        put_axes(eq, out);
    }
    ftl_strbuf_putc(out, '\n');
}

/* Name of the axis that runs along a written place of t, in the first equation that has one. */
static const char *name_place(const ftl_session *s, const ftl_tensor_decl *t, uint32_t place)
{
    for (size_t i = 0; i < t->equations.len; i++) {
        const ftl_equation *eq = &s->model->equations.data[t->equations.data[i]];
        if (place < eq->n_left && eq->left[place].terms.len > 0)
            return eq->axes.data[eq->left[place].terms.data[0].axis].name;
    }
    return "?";
}

static void put_scan(const ftl_session *s, const ftl_group *g, size_t member, ftl_strbuf *out)
{
    const ftl_tensor_decl *t = &s->model->tensors.data[g->tensors.data[member]];
    const char *before = ", a scan along ";
    for (uint32_t d = 0; d < g->n_scan; d++) {
        if (g->scan[d].place[member] == UINT32_MAX)
            continue;
        ftl_strbuf_printf(out, "%s%s, ", before, name_place(s, t, g->scan[d].place[member]));
        ftl_extent_put(out, g->scan[d].extent);
        ftl_strbuf_printf(out, " steps%s", g->scan[d].reverse ? " from the end" : "");
        before = " and ";
    }
}

static void put_partners(const ftl_session *s, const ftl_group *g, size_t member, ftl_strbuf *out)
{
    const char *before = ", together with ";
    for (size_t i = 0; i < g->tensors.len; i++) {
        if (i == member)
            continue;
        ftl_strbuf_printf(out, "%s%s", before, s->model->tensors.data[g->tensors.data[i]].name);
        before = ", ";
    }
}

static void put_group(const ftl_session *s, const ftl_group *g, ftl_strbuf *out)
{
    for (size_t i = 0; i < g->tensors.len; i++) {
        const ftl_tensor_decl *t = &s->model->tensors.data[g->tensors.data[i]];
        ftl_strbuf_puts(out, "  ");
        put_tensor(s, t, out);
        if (t->facts->count > 0)
            put_count(out, t->facts->count, "fact");
        if (g->kind == FTL_GROUP_SCAN)
            put_scan(s, g, i, out);
        if (g->kind == FTL_GROUP_FIXPOINT)
            ftl_strbuf_printf(out, ", a %sfixpoint", g->is_boolean ? "" : "numeric ");
        if (g->kind != FTL_GROUP_SINGLE)
            put_partners(s, g, i, out);
        ftl_strbuf_putc(out, '\n');
        for (size_t k = 0; k < t->equations.len; k++)
            put_equation(&s->model->equations.data[t->equations.data[k]], out);
    }
}

/* ---- what it gives ---- */

static void put_outputs(const ftl_session *s, ftl_strbuf *out)
{
    const ftl_model *m = s->model;
    if (m->exports.len + m->sinks.len + m->queries.len > 0)
        ftl_strbuf_puts(out, "gives\n");
    for (size_t i = 0; i < m->exports.len; i++) {
        ftl_strbuf_puts(out, "  ");
        put_tensor(s, &m->tensors.data[m->exports.data[i].tensor], out);
        ftl_strbuf_putc(out, '\n');
    }
    for (size_t i = 0; i < m->queries.len; i++)
        ftl_strbuf_printf(out, "  %s?\n", m->queries.data[i].text);
    for (size_t i = 0; i < m->sinks.len; i++)
        ftl_strbuf_printf(out, "  \"%s\" = %s\n", m->sinks.data[i].path,
                          m->tensors.data[m->sinks.data[i].tensor].name);
}

void ftl_run_report(const ftl_session *s, ftl_strbuf *out)
{
    put_domains(s, out);
    put_all_given(s, out);
    if (s->model->groups.len > 0)
        ftl_strbuf_puts(out, "computes\n");
    for (size_t i = 0; i < s->model->groups.len; i++)
        put_group(s, &s->model->groups.data[i], out);
    put_outputs(s, out);
}
