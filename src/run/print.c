/* SPDX-License-Identifier: Apache-2.0
 *
 * Outputs as text for people: scalars on their line, tensors as nested rows (abridged beyond 1000
 * elements), relations as tuples with their symbols.
 */
#include "run/session.h"

#include <math.h>
#include <stdio.h>

#define WHOLE_LIMIT 1000 /* elements that are printed whole */
#define EDGE 3           /* rows and elements kept at each end of an abridged axis */
#define TUPLE_LIMIT 100  /* tuples that are printed */

static const char *dtype_name(ftl_dtype dtype)
{
    static const char *const names[] = {"bool", "u8",  "i8",   "i16", "i32",
                                        "i64",  "f16", "bf16", "f32", "f64"};
    return names[dtype];
}

typedef struct printer {
    ftl_strbuf *out;
    const ftl_tensor *t;
    bool abridged;
    int width;
} printer;

static double element(const ftl_tensor *t, const int64_t *at)
{
    int64_t position = 0;
    for (uint32_t k = 0; k < t->rank; k++)
        position = position * t->shape[k] + at[k];
    return ftl_tensor_get_double(t, position);
}

static int format_number(char *text, size_t size, double x)
{
    if (x == 0)
        x = 0;
    return snprintf(text, size, "%.6g", x);
}

/* Places of an axis that are shown: all, or EDGE at each end. */
static bool is_shown(const printer *p, uint32_t axis, int64_t i)
{
    int64_t n = p->t->shape[axis];
    return !p->abridged || n <= 2 * EDGE + 1 || i < EDGE || i >= n - EDGE;
}

static void measure(printer *p, uint32_t axis, int64_t *at)
{
    char text[64];
    if (axis == p->t->rank) {
        int width = format_number(text, sizeof(text), element(p->t, at));
        p->width = width > p->width ? width : p->width;
        return;
    }
    for (at[axis] = 0; at[axis] < p->t->shape[axis]; at[axis]++) {
        if (is_shown(p, axis, at[axis]))
            measure(p, axis + 1, at);
        else
            at[axis] = p->t->shape[axis] - EDGE - 1;
    }
}

static void print_axis(printer *p, uint32_t axis, int64_t *at)
{
    char text[64];
    if (axis == p->t->rank) {
        format_number(text, sizeof(text), element(p->t, at));
        ftl_strbuf_printf(p->out, "%*s", p->width, text);
        return;
    }
    bool rows = axis + 1 < p->t->rank;
    ftl_strbuf_putc(p->out, '[');
    for (at[axis] = 0; at[axis] < p->t->shape[axis]; at[axis]++) {
        if (at[axis] > 0) {
            ftl_strbuf_puts(p->out, rows ? ",\n" : ", ");
            for (uint32_t k = 0; rows && k <= axis; k++)
                ftl_strbuf_putc(p->out, ' ');
        }
        if (is_shown(p, axis, at[axis])) {
            print_axis(p, axis + 1, at);
        } else {
            ftl_strbuf_puts(p->out, "...");
            at[axis] = p->t->shape[axis] - EDGE - 1;
        }
    }
    ftl_strbuf_putc(p->out, ']');
}

static void print_shape(ftl_strbuf *out, const ftl_tensor *t)
{
    ftl_strbuf_printf(out, "%s[", dtype_name(t->dtype));
    for (uint32_t k = 0; k < t->rank; k++)
        ftl_strbuf_printf(out, "%s%lld", k ? ", " : "", (long long)t->shape[k]);
    ftl_strbuf_putc(out, ']');
}

static void print_dense(ftl_strbuf *out, const char *name, const ftl_tensor *t)
{
    printer p = {.out = out, .t = t, .abridged = ftl_tensor_get_count(t) > WHOLE_LIMIT};
    int64_t at[FTL_MAX_RANK];
    char text[64];
    if (t->rank == 0) {
        format_number(text, sizeof(text), ftl_tensor_get_double(t, 0));
        ftl_strbuf_printf(out, "%s = %s\n", name, text);
        return;
    }
    ftl_strbuf_printf(out, "%s = ", name);
    print_shape(out, t);
    ftl_strbuf_putc(out, '\n');
    measure(&p, 0, at);
    print_axis(&p, 0, at);
    ftl_strbuf_putc(out, '\n');
}

/* ---- relations ---- */

typedef struct tuple_printer {
    ftl_session *s;
    const ftl_session_output *o;
    const ftl_tensor *t;
    ftl_strbuf *out;
} tuple_printer;

static void print_position(const tuple_printer *p, uint32_t place, int64_t i)
{
    const ftl_tensor_decl *d = &p->s->model->tensors.data[p->o->tensor];
    int32_t domain = d->domain[place];
    if (domain >= 0 && (size_t)i < p->s->model->domains.data[domain].symbols.len)
        ftl_strbuf_puts(p->out, p->s->model->domains.data[domain].symbols.data[i]);
    else
        ftl_strbuf_printf(p->out, "%lld", (long long)i);
}

/* One tuple; the places that a query fixed are filled in. */
static void print_tuple(const tuple_printer *p, int64_t position)
{
    const ftl_tensor_decl *d = &p->s->model->tensors.data[p->o->tensor];
    const ftl_query *q = p->o->query;
    int64_t at[FTL_MAX_RANK] = {0};
    uint32_t kept = p->t->rank;
    for (uint32_t k = d->rank; k-- > 0;) {
        if (q && q->is_point[k]) {
            at[k] = q->lo[k];
            continue;
        }
        kept--;
        at[k] = position % p->t->shape[kept] + (q ? q->lo[k] : 0);
        position /= p->t->shape[kept];
    }
    ftl_strbuf_printf(p->out, "%s(", d->name);
    for (uint32_t k = 0; k < d->rank; k++) {
        ftl_strbuf_puts(p->out, k ? ", " : "");
        print_position(p, k, at[k]);
    }
    ftl_strbuf_puts(p->out, ")\n");
}

static void print_relation(const tuple_printer *p, const char *name)
{
    int64_t count = ftl_tensor_get_count(p->t), found = 0;
    for (int64_t i = 0; i < count; i++)
        found += ftl_tensor_get_double(p->t, i) != 0;
    if (!p->o->query)
        ftl_strbuf_printf(p->out, "%s: %lld tuple%s\n", name, (long long)found,
                          found == 1 ? "" : "s");
    else if (found == 0)
        ftl_strbuf_printf(p->out, "%s: none\n", name);
    int64_t shown = 0;
    for (int64_t i = 0; i < count && shown < TUPLE_LIMIT; i++) {
        if (ftl_tensor_get_double(p->t, i) == 0)
            continue;
        print_tuple(p, i);
        shown++;
    }
    if (shown < found)
        ftl_strbuf_printf(p->out, "... and %lld more\n", (long long)(found - shown));
}

void ftl_run_print_output(ftl_session *s, size_t i, ftl_strbuf *out)
{
    const ftl_session_output *o = &s->outputs.data[i];
    tuple_printer p = {.s = s, .o = o, .t = s->results[o->slot], .out = out};
    if (!p.t)
        ftl_strbuf_printf(out, "%s: not computed\n", o->name);
    else if (s->model->tensors.data[o->tensor].is_boolean)
        print_relation(&p, o->name);
    else
        print_dense(out, o->name, p.t);
}
