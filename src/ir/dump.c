/* SPDX-License-Identifier: Apache-2.0
 *
 * Graphs as text. White space separates; # starts a comment that ends with its line.
 *
 *   graph     = "graph" "1" equation* body
 *   equation  = "equation" STRING STRING span               head, text; numbered from 1
 *   body      = value* output*
 *   value     = "%" N "=" NAME DTYPE "[" INT,* "]" operand* attribute origin
 *   operand   = "%" N
 *   origin    = ( "@" N span? )?                             equation, and span where it differs
 *   span      = ":" N ":" N ":" N                            file, offset, length
 *   output    = "output" STRING? operand
 *   attribute, by operation:
 *     input            STRING ( "tuples" "[" INT,* "]" )?
 *     const            "{" number,* "}"  |  "splat" number  |  "splat"? "hex" STRING
 *     param, result, argmax, concat, topk, derived   INT
 *     reduce           NAME "{" N,* "}"
 *     view, view_add, gather, gather_add    "(" place,* ")" fill
 *     read_at, write_at                     "{" N ":" INT,* "}" fill
 *     contract         STRING              "ab,bc->ac"; labels a-z A-Z {52} {53} .. 
 *     loop             "carried" N "count" INT "reverse"? "stop"? ("clock" N)? "{" body "}"
 *     rules            STRING              the text of rules.h
 *   place     = affine | "i" N "[" N,* "]"                  of operand N, at these result axes
 *   affine    = term (("+" | "-") term)*
 *   term      = INT | (INT "*")? "d" N
 *   fill      = ("fill" number)?                             0 when left out
 *
 * Numbers are decimal, or inf, -inf, nan; bytes of hex are those of the elements, little end first.
 */
#include "base/dtype.h"
#include "ir/graph.h"

#include <inttypes.h>
#include <math.h>

enum { INLINE_ELEMENTS = 16 };

typedef struct dumper {
    ftl_strbuf *out;
    const ftl_graph *graph;
    unsigned depth;
} dumper;

static void put_double(ftl_strbuf *out, double x)
{
    if (isnan(x))
        ftl_strbuf_puts(out, "nan");
    else if (isinf(x))
        ftl_strbuf_puts(out, x < 0 ? "-inf" : "inf");
    else if (x == 0)
        ftl_strbuf_puts(out, signbit(x) ? "-0" : "0");
    else
        ftl_strbuf_put_double(out, x);
}

/* Quoted, with \" \\ and \xHH for control bytes. */
static void put_string(ftl_strbuf *out, const char *s)
{
    ftl_strbuf_putc(out, '"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            ftl_strbuf_printf(out, "\\%c", *s);
        else if ((unsigned char)*s < ' ' || *s == 0x7f)
            ftl_strbuf_printf(out, "\\x%02x", (unsigned)(unsigned char)*s);
        else
            ftl_strbuf_putc(out, *s);
    }
    ftl_strbuf_putc(out, '"');
}

static void put_hex(ftl_strbuf *out, const void *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    ftl_strbuf_puts(out, "hex \"");
    for (size_t i = 0; i < size; i++) {
        char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
        ftl_strbuf_append(out, pair, 2);
    }
    ftl_strbuf_putc(out, '"');
}

static void put_numbers(ftl_strbuf *out, uint32_t n, const uint32_t *numbers)
{
    for (uint32_t i = 0; i < n; i++)
        ftl_strbuf_printf(out, "%s%" PRIu32, i > 0 ? ", " : "", numbers[i]);
}

/* ---- constants ---- */

/* True when the decimal text of an element reads back bit by bit (no nan with a payload). */
static bool is_decimal(ftl_dtype dtype, const void *element)
{
    uint64_t back = 0;
    size_t size = ftl_dtype_get_size(dtype);
    if (ftl_dtype_is_float(dtype))
        ftl_dtype_put_double(dtype, &back, ftl_dtype_get_double(dtype, element));
    else
        ftl_dtype_put_int(dtype, &back, ftl_dtype_get_int(dtype, element));
    double x = ftl_dtype_get_double(dtype, element);
    if (isnan(x))
        ftl_dtype_put_double(dtype, &back, (double)NAN);
    return memcmp(&back, element, size) == 0;
}

static void put_element(ftl_strbuf *out, ftl_dtype dtype, const void *element)
{
    if (ftl_dtype_is_float(dtype))
        put_double(out, ftl_dtype_get_double(dtype, element));
    else
        ftl_strbuf_printf(out, "%" PRId64, ftl_dtype_get_int(dtype, element));
}

static void put_const(ftl_strbuf *out, const ftl_value *v)
{
    size_t size = ftl_dtype_get_size(v->dtype);
    size_t n = v->splat ? 1 : (size_t)ftl_value_get_count(v);
    const char *data = v->u.data;
    bool decimal = n <= INLINE_ELEMENTS;
    for (size_t i = 0; i < n && decimal; i++)
        decimal = is_decimal(v->dtype, data + i * size);
    if (v->splat)
        ftl_strbuf_puts(out, "splat ");
    if (!decimal) {
        put_hex(out, data, n * size);
        return;
    }
    if (!v->splat)
        ftl_strbuf_putc(out, '{');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            ftl_strbuf_puts(out, ", ");
        put_element(out, v->dtype, data + i * size);
    }
    if (!v->splat)
        ftl_strbuf_putc(out, '}');
}

/* ---- places ---- */

static void put_term(ftl_strbuf *out, bool first, int64_t coef, uint32_t dim)
{
    if (coef == -1)
        ftl_strbuf_printf(out, "%sd%" PRIu32, first ? "-1*" : " - ", dim);
    else if (coef == 1)
        ftl_strbuf_printf(out, "%sd%" PRIu32, first ? "" : " + ", dim);
    else if (coef < 0 && !first && coef != INT64_MIN)
        ftl_strbuf_printf(out, " - %" PRId64 "*d%" PRIu32, -coef, dim);
    else
        ftl_strbuf_printf(out, "%s%" PRId64 "*d%" PRIu32, first ? "" : " + ", coef, dim);
}

static void put_affine(ftl_strbuf *out, const ftl_affine *a)
{
    for (uint32_t k = 0; k < a->n; k++)
        put_term(out, k == 0, a->coef[k], a->dim[k]);
    if (a->n == 0)
        ftl_strbuf_printf(out, "%" PRId64, a->offset);
    else if (a->offset < 0)
        ftl_strbuf_printf(out, " - %" PRId64, -a->offset);
    else if (a->offset > 0)
        ftl_strbuf_printf(out, " + %" PRId64, a->offset);
}

static void put_fill(ftl_strbuf *out, double fill)
{
    const double zero = 0;
    if (memcmp(&fill, &zero, sizeof zero) == 0)
        return;
    ftl_strbuf_puts(out, " fill ");
    put_double(out, fill);
}

static void put_view(ftl_strbuf *out, const ftl_view *view, uint32_t n)
{
    ftl_strbuf_putc(out, '(');
    for (uint32_t k = 0; k < n; k++) {
        if (k > 0)
            ftl_strbuf_puts(out, ", ");
        put_affine(out, &view->map[k]);
    }
    ftl_strbuf_putc(out, ')');
    put_fill(out, view->fill);
}

static void put_gather(ftl_strbuf *out, const ftl_value *v, uint32_t n)
{
    const ftl_gather *g = v->u.gather;
    ftl_strbuf_putc(out, '(');
    for (uint32_t k = 0; k < n; k++) {
        int32_t select = g->map[k].select;
        if (k > 0)
            ftl_strbuf_puts(out, ", ");
        if (select < 0) {
            put_affine(out, &g->map[k]);
            continue;
        }
        ftl_strbuf_printf(out, "i%" PRId32 "[", select);
        put_numbers(out, v->in[select]->rank, g->sub[select]);
        ftl_strbuf_putc(out, ']');
    }
    ftl_strbuf_putc(out, ')');
    put_fill(out, g->fill);
}

static void put_at(ftl_strbuf *out, const ftl_at *at)
{
    ftl_strbuf_putc(out, '{');
    for (uint32_t i = 0; i < at->n; i++)
        ftl_strbuf_printf(out, "%s%" PRIu32 ": %" PRId64, i > 0 ? ", " : "", at->axis[i],
                          at->offset[i]);
    ftl_strbuf_putc(out, '}');
    put_fill(out, at->fill);
}

static void put_labels(ftl_strbuf *out, uint32_t n, const uint32_t *labels)
{
    for (uint32_t k = 0; k < n; k++) {
        if (labels[k] < 26)
            ftl_strbuf_putc(out, (char)('a' + labels[k]));
        else if (labels[k] < 52)
            ftl_strbuf_putc(out, (char)('A' + labels[k] - 26));
        else
            ftl_strbuf_printf(out, "{%" PRIu32 "}", labels[k]);
    }
}

static void put_contract(ftl_strbuf *out, const ftl_value *v)
{
    ftl_strbuf_putc(out, '"');
    for (uint32_t i = 0; i < v->n_in; i++) {
        if (i > 0)
            ftl_strbuf_putc(out, ',');
        put_labels(out, v->in[i]->rank, v->u.contract->in[i]);
    }
    ftl_strbuf_puts(out, "->");
    put_labels(out, v->rank, v->u.contract->out);
    ftl_strbuf_putc(out, '"');
}

/* ---- values ---- */

static void dump_body(const dumper *d);

static void put_loop(const dumper *d, const ftl_loop *loop)
{
    ftl_strbuf_printf(d->out, "carried %" PRIu32 " count %" PRId64 "%s%s", loop->n_carried,
                      loop->count, loop->reverse ? " reverse" : "",
                      loop->has_stop ? " stop" : "");
    if (loop->temperature_clock != 0)
        ftl_strbuf_printf(d->out, " clock %" PRId32, loop->temperature_clock);
    ftl_strbuf_puts(d->out, " {\n");
    dump_body(&(dumper){d->out, loop->body, d->depth + 1});
    ftl_strbuf_printf(d->out, "%*s}", (int)d->depth * 2, "");
}

static void put_reduce(ftl_strbuf *out, const ftl_value *v)
{
    uint32_t axes[FTL_MAX_RANK], n = 0;
    for (uint32_t k = 0; k < v->in[0]->rank; k++)
        if (v->u.reduce.axes >> k & 1)
            axes[n++] = k;
    ftl_strbuf_printf(out, "%s {", ftl_reduce_get_name(v->u.reduce.kind));
    put_numbers(out, n, axes);
    ftl_strbuf_putc(out, '}');
}

static void put_input(ftl_strbuf *out, const ftl_value *v)
{
    put_string(out, v->u.name);
    if (!v->tuples)
        return;
    ftl_strbuf_puts(out, " tuples [");
    for (uint32_t k = 0; k < v->tuples->rank; k++)
        ftl_strbuf_printf(out, "%s%" PRId64, k > 0 ? ", " : "", v->tuples->shape[k]);
    ftl_strbuf_putc(out, ']');
}

static void put_rules(const dumper *d, const ftl_rules *rules)
{
    ftl_strbuf text;
    ftl_strbuf_init(&text, d->graph->arena);
    ftl_rules_dump(rules, &text);
    put_string(d->out, ftl_strbuf_get(&text));
}

/* dispatch */ static void put_attribute(const dumper *d, const ftl_value *v)
{
    ftl_strbuf *out = d->out;
    switch (v->op) {
    case FTL_OP_INPUT_: put_input(out, v); break;
    case FTL_OP_CONST_: put_const(out, v); break;
    case FTL_OP_PARAM_:
    case FTL_OP_DERIVED_:
    case FTL_OP_RESULT_: ftl_strbuf_printf(out, "%" PRIu32, v->u.index); break;
    case FTL_OP_REDUCE_: put_reduce(out, v); break;
    case FTL_OP_ARGMAX_: ftl_strbuf_printf(out, "%" PRIu32, v->u.sort.axis); break;
    case FTL_OP_TOPK_: ftl_strbuf_printf(out, "%" PRId64, v->u.sort.k); break;
    case FTL_OP_CONCAT_: ftl_strbuf_printf(out, "%" PRIu32, v->u.axis); break;
    case FTL_OP_VIEW_: put_view(out, v->u.view, v->in[0]->rank); break;
    case FTL_OP_VIEW_ADD_: put_view(out, v->u.view, v->rank); break;
    case FTL_OP_GATHER_: put_gather(out, v, v->in[0]->rank); break;
    case FTL_OP_GATHER_ADD_: put_gather(out, v, v->rank); break;
    case FTL_OP_READ_AT_:
    case FTL_OP_WRITE_AT_: put_at(out, v->u.at); break;
    case FTL_OP_CONTRACT_: put_contract(out, v); break;
    case FTL_OP_LOOP_: put_loop(d, v->u.loop); break;
    case FTL_OP_RULES_: put_rules(d, v->u.rules); break;
    default: return;
    }
    ftl_strbuf_putc(out, ' ');
}

static void put_span(ftl_strbuf *out, ftl_span span)
{
    ftl_strbuf_printf(out, ":%" PRIu32 ":%" PRIu32 ":%" PRIu32, span.file, span.off, span.len);
}

/* The heads of equations are for people: shown where they are one plain line. */
static void put_origin(const dumper *d, const ftl_value *v)
{
    const ftl_origin *origin = ftl_graph_find_origin(d->graph, v->equation);
    ftl_span whole = origin ? origin->span : (ftl_span){0};
    bool same = whole.file == v->span.file && whole.off == v->span.off &&
                whole.len == v->span.len;
    if (!origin && same)
        return;
    ftl_strbuf_printf(d->out, "@%" PRIu32, v->equation);
    if (!same)
        put_span(d->out, v->span);
    if (origin && origin->head && !strpbrk(origin->head, "\r\n"))
        ftl_strbuf_printf(d->out, "  # %s", origin->head);
}

static void dump_value(const dumper *d, const ftl_value *v)
{
    ftl_strbuf *out = d->out;
    ftl_strbuf_printf(out, "%*s%%%" PRIu32 " = %s %s[", (int)d->depth * 2, "", v->id,
                      ftl_opcode_get_name(v->op), ftl_dtype_get_name(v->dtype));
    for (uint32_t k = 0; k < v->rank; k++)
        ftl_strbuf_printf(out, "%s%" PRId64, k > 0 ? ", " : "", v->shape[k]);
    ftl_strbuf_puts(out, "] ");
    for (uint32_t i = 0; i < v->n_in; i++)
        ftl_strbuf_printf(out, "%%%" PRIu32 " ", v->in[i]->id);
    put_attribute(d, v);
    put_origin(d, v);
    while (out->data[out->len - 1] == ' ')
        out->data[--out->len] = '\0';
    ftl_strbuf_putc(out, '\n');
}

static void dump_body(const dumper *d)
{
    for (size_t i = 0; i < d->graph->values.len; i++)
        dump_value(d, d->graph->values.data[i]);
    for (size_t i = 0; i < d->graph->outputs.len; i++) {
        const ftl_output *o = &d->graph->outputs.data[i];
        ftl_strbuf_printf(d->out, "%*soutput ", (int)d->depth * 2, "");
        if (o->name) {
            put_string(d->out, o->name);
            ftl_strbuf_putc(d->out, ' ');
        }
        ftl_strbuf_printf(d->out, "%%%" PRIu32 "\n", o->value->id);
    }
}

void ftl_graph_dump(const ftl_graph *g, ftl_strbuf *out)
{
    ftl_strbuf_puts(out, "graph 1\n");
    for (size_t i = 0; i < g->equations.len; i++) {
        const ftl_origin *e = &g->equations.data[i];
        ftl_strbuf_puts(out, "equation ");
        put_string(out, e->head ? e->head : "");
        ftl_strbuf_putc(out, ' ');
        put_string(out, e->text ? e->text : "");
        ftl_strbuf_putc(out, ' ');
        put_span(out, e->span);
        ftl_strbuf_printf(out, "  # @%zu\n", i + 1);
    }
    dump_body(&(dumper){out, g, 0});
}
