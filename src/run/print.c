/* SPDX-License-Identifier: Apache-2.0
 *
 * Outputs as text for people: scalars on their line, tensors as nested rows, relations as tuples
 * with their symbols. Of a large tensor each axis shows a few places at both ends; of one with many
 * axes, the outer ones only the first. Rows are broken at the width of a terminal.
 */
#include "base/dtype.h"
#include "run/session.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

#define WHOLE_LIMIT 1000 /* elements that are printed whole */
#define EDGE 3           /* places kept at each end of an abridged axis */
#define TUPLE_LIMIT 100  /* tuples that are printed */
#define WIDTH 100        /* columns of a line */
#define NUMBER_MAX 40    /* bytes of a number */

/* ---- numbers and places ---- */

/* Gives the length. */
static int format_element(char text[NUMBER_MAX], const ftl_tensor *t, const char *p)
{
    int64_t aligned = 0;
    memcpy(&aligned, p, ftl_dtype_get_size(t->dtype));
    double x = ftl_dtype_get_double(t->dtype, &aligned);
    if (!ftl_dtype_is_float(t->dtype))
        snprintf(text, NUMBER_MAX, "%lld", (long long)ftl_dtype_get_int(t->dtype, &aligned));
    else if (isnan(x))
        snprintf(text, NUMBER_MAX, "nan");
    else if (fabs(x) < 1e9 && x == trunc(x))
        snprintf(text, NUMBER_MAX, "%lld", (long long)x);
    else
        ftl_format_double(text, NUMBER_MAX, 6, x);
    return (int)strlen(text);
}

static bool is_plain_name(const char *s)
{
    if (!isalpha((unsigned char)*s) && *s != '_')
        return false;
    while (isalnum((unsigned char)*s) || *s == '_')
        s++;
    return *s == 0;
}

void ftl_run_put_place(const ftl_session *s, int32_t domain, int64_t place, ftl_strbuf *out)
{
    const ftl_domain *d = domain >= 0 ? &s->model->domains.data[domain] : NULL;
    if (!d || (size_t)place >= d->symbols.len) {
        ftl_strbuf_printf(out, "%lld", (long long)place);
        return;
    }
    const char *symbol = d->symbols.data[place], *quote = is_plain_name(symbol) ? "" : "\"";
    ftl_strbuf_puts(out, quote);
    ftl_strbuf_put_escaped(out, symbol, strlen(symbol));
    ftl_strbuf_puts(out, quote);
}

/* ---- rows ---- */

/* head[k] and tail[k]: places of axis k that are shown at its start and its end. */
typedef struct printer {
    ftl_strbuf *out;
    const ftl_tensor *t;
    int64_t head[FTL_MAX_RANK], tail[FTL_MAX_RANK];
    int width;    /* of an element */
    size_t start; /* of the line in out */
} printer;

static double count_shown(const printer *p)
{
    double n = 1;
    for (uint32_t k = 0; k < p->t->rank; k++)
        n *= (double)(p->head[k] + p->tail[k]);
    return n;
}

static void choose_shown(printer *p)
{
    bool whole = ftl_tensor_get_count(p->t) <= WHOLE_LIMIT;
    for (uint32_t k = 0; k < p->t->rank; k++) {
        int64_t n = p->t->shape[k];
        bool all = whole || n <= 2 * EDGE + 1;
        p->head[k] = all ? n : EDGE;
        p->tail[k] = all ? 0 : EDGE;
    }
    for (uint32_t k = 0; k < p->t->rank && count_shown(p) > WHOLE_LIMIT; k++) {
        p->head[k] = 1;
        p->tail[k] = 0;
    }
}

/* The shown places of an axis in order: 0 .. head-1, then those at the end. */
static int64_t next_shown(const printer *p, uint32_t axis, int64_t i)
{
    int64_t n = p->t->shape[axis];
    return ++i == p->head[axis] ? n - p->tail[axis] : i;
}

static void measure(printer *p, uint32_t axis, const char *at)
{
    char text[NUMBER_MAX];
    if (axis == p->t->rank) {
        int width = format_element(text, p->t, at);
        p->width = width > p->width ? width : p->width;
        return;
    }
    for (int64_t i = 0; i < p->t->shape[axis]; i = next_shown(p, axis, i))
        measure(p, axis + 1, at + i * p->t->strides[axis]);
}

static void break_line(printer *p, uint32_t indent)
{
    ftl_strbuf_putc(p->out, '\n');
    p->start = p->out->len;
    for (uint32_t k = 0; k < indent; k++)
        ftl_strbuf_putc(p->out, ' ');
}

/* What stands between two entries of an axis. */
static void put_gap(printer *p, uint32_t axis, size_t next)
{
    ftl_strbuf_putc(p->out, ',');
    if (axis + 1 < p->t->rank || p->out->len - p->start + next + 2 > WIDTH)
        break_line(p, axis + 1);
    else
        ftl_strbuf_putc(p->out, ' ');
}

static void print_axis(printer *p, uint32_t axis, const char *at)
{
    char text[NUMBER_MAX];
    if (axis == p->t->rank) {
        format_element(text, p->t, at);
        ftl_strbuf_printf(p->out, "%*s", p->width, text);
        return;
    }
    int64_t n = p->t->shape[axis], last = -1;
    ftl_strbuf_putc(p->out, '[');
    for (int64_t i = 0; i < n; last = i, i = next_shown(p, axis, i)) {
        if (i > 0)
            put_gap(p, axis, (size_t)p->width);
        if (i > last + 1) {
            ftl_strbuf_puts(p->out, "...");
            put_gap(p, axis, (size_t)p->width);
        }
        print_axis(p, axis + 1, at + i * p->t->strides[axis]);
    }
    if (n > 0 && last + 1 < n) {
        put_gap(p, axis, 3);
        ftl_strbuf_puts(p->out, "...");
    }
    ftl_strbuf_putc(p->out, ']');
}

static void print_form(ftl_strbuf *out, const ftl_tensor *t)
{
    ftl_strbuf_printf(out, "%s[", ftl_dtype_get_name(t->dtype));
    for (uint32_t k = 0; k < t->rank; k++)
        ftl_strbuf_printf(out, "%s%lld", k ? ", " : "", (long long)t->shape[k]);
    ftl_strbuf_putc(out, ']');
}

static void print_dense(ftl_strbuf *out, const char *name, const ftl_tensor *t)
{
    printer p = {.out = out, .t = t};
    char text[NUMBER_MAX];
    if (t->rank == 0) {
        format_element(text, t, t->data);
        ftl_strbuf_printf(out, "%s = %s\n", name, text);
        return;
    }
    ftl_strbuf_printf(out, "%s = ", name);
    print_form(out, t);
    ftl_strbuf_putc(out, '\n');
    p.start = out->len;
    choose_shown(&p);
    measure(&p, 0, t->data);
    print_axis(&p, 0, t->data);
    ftl_strbuf_putc(out, '\n');
}

/* ---- entries: tuples of relations, and tensors over symbols ---- */

typedef struct entries {
    const ftl_session *s;
    const ftl_session_output *o;
    const ftl_tensor_decl *d;
    const ftl_tensor *t;
    ftl_strbuf *out;
} entries;

static bool is_not_zero(const ftl_tensor *t, const char *p)
{
    int64_t aligned = 0;
    memcpy(&aligned, p, ftl_dtype_get_size(t->dtype));
    return ftl_dtype_get_double(t->dtype, &aligned) != 0;
}

/* The tensor's place p (row-major, contiguous) as a tuple; what a query fixed is filled in. */
static void put_tuple(const entries *e, int64_t p)
{
    const ftl_query *q = e->o->query;
    int64_t at[FTL_MAX_RANK] = {0};
    uint32_t kept = e->t->rank;
    for (uint32_t k = e->d->rank; k-- > 0;) {
        if (q && q->is_point[k]) {
            at[k] = q->lo[k];
            continue;
        }
        kept--;
        at[k] = p % e->t->shape[kept] + (q ? q->lo[k] : 0);
        p /= e->t->shape[kept];
    }
    bool as_written = q && q->name;
    ftl_strbuf_printf(e->out, "%s%c", as_written ? q->name : e->d->name,
                      e->d->is_boolean ? '(' : '[');
    for (uint32_t k = 0; k < (as_written ? q->n_written : e->d->rank); k++) {
        uint32_t dim = as_written ? q->written[k].dim : k;
        ftl_strbuf_puts(e->out, k ? ", " : "");
        if (as_written && q->written[k].constant)
            ftl_strbuf_puts(e->out, q->written[k].constant);
        else
            ftl_run_put_place(e->s, e->d->domain[dim], at[dim], e->out);
    }
    ftl_strbuf_putc(e->out, e->d->is_boolean ? ')' : ']');
}

static void put_entries(const entries *e, int64_t found)
{
    size_t size = ftl_dtype_get_size(e->t->dtype);
    int64_t count = ftl_tensor_get_count(e->t), shown = 0;
    const char *p = e->t->data;
    char text[NUMBER_MAX];
    for (int64_t i = 0; i < count && shown < TUPLE_LIMIT; i++, p += size) {
        if (!is_not_zero(e->t, p))
            continue;
        put_tuple(e, i);
        format_element(text, e->t, p);
        if (!e->d->is_boolean)
            ftl_strbuf_printf(e->out, " = %s", text);
        ftl_strbuf_putc(e->out, '\n');
        shown++;
    }
    if (shown < found)
        ftl_strbuf_printf(e->out, "... and %lld more\n", (long long)(found - shown));
}

static int64_t count_entries(const ftl_tensor *t)
{
    size_t size = ftl_dtype_get_size(t->dtype);
    int64_t count = ftl_tensor_get_count(t), found = 0;
    const char *p = t->data;
    for (int64_t i = 0; i < count; i++, p += size)
        found += is_not_zero(t, p);
    return found;
}

static void print_relation(const entries *e, const char *name)
{
    int64_t found = count_entries(e->t);
    ftl_strbuf_puts(e->out, name);
    if (e->t->rank == 0) {
        ftl_strbuf_puts(e->out, found ? ": true\n" : ": false\n");
        return;
    }
    ftl_strbuf_printf(e->out, ": %lld tuple%s\n", (long long)found, found == 1 ? "" : "s");
    put_entries(e, found);
}

static bool has_symbols(const entries *e)
{
    for (uint32_t k = 0; k < e->d->rank; k++)
        if (e->d->domain[k] >= 0 && e->s->model->domains.data[e->d->domain[k]].symbols.len > 0)
            return true;
    return false;
}

/* Numbers over symbols: the entries that are not 0, by name. */
static void print_named(const entries *e, const char *name)
{
    int64_t found = count_entries(e->t), count = ftl_tensor_get_count(e->t);
    ftl_strbuf_printf(e->out, "%s = ", name);
    print_form(e->out, e->t);
    ftl_strbuf_puts(e->out, found == count ? "\n" : found ? ", elsewhere 0\n" : ", all 0\n");
    put_entries(e, found);
}

void ftl_run_print_output(const ftl_session *s, size_t i, ftl_strbuf *out)
{
    const ftl_session_output *o = &s->outputs.data[i];
    const char *name = o->query ? o->query->text : o->name;
    entries e = {.s = s, .o = o, .d = &s->model->tensors.data[o->tensor], .out = out};
    e.t = ftl_session_get_result(s, o);
    if (!e.t)
        ftl_strbuf_printf(out, "%s: not computed\n", name);
    else if (e.d->is_boolean)
        print_relation(&e, name);
    else if (e.t->rank > 0 && has_symbols(&e))
        print_named(&e, name);
    else
        print_dense(out, name, e.t);
}
