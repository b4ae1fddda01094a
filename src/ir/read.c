/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the grammar of dump.c by recursive descent. Functions give false after the first error,
 * which is on the sink. What is built is bounded by the text: a shape is only numbers, and elements
 * are counted before they are read.
 */
#include "base/dtype.h"
#include "ir/graph.h"

#include <inttypes.h>
#include <math.h>

enum { DEEPEST_LOOP = 64, LONGEST_WORD = 32 };

typedef struct reader {
    ftl_arena *arena;
    ftl_intern *names;
    ftl_diags *diags;
    uint32_t file;
    const char *text;
    size_t len, pos;
    ftl_graph *graph;
    unsigned depth;
} reader;

/* ---- tokens ---- */

static bool fail(reader *r, const char *what)
{
    ftl_span at = {.file = r->file, .off = (uint32_t)r->pos, .len = r->pos < r->len};
    ftl_diag_error(r->diags, FTL_E_SYNTAX, at, "%s", what);
    return false;
}

static char peek(const reader *r)
{
    return r->pos < r->len ? r->text[r->pos] : '\0';
}

static void skip(reader *r)
{
    for (; r->pos < r->len; r->pos++) {
        char c = r->text[r->pos];
        if (c == '#') {
            while (r->pos + 1 < r->len && r->text[r->pos + 1] != '\n')
                r->pos++;
        } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            return;
        }
    }
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Takes a punctuation mark or a word when it is next. */
static bool accept(reader *r, const char *token)
{
    size_t n = strlen(token);
    skip(r);
    if (r->len - r->pos < n || memcmp(r->text + r->pos, token, n) != 0)
        return false;
    if (is_word(token[0]) && r->pos + n < r->len && is_word(r->text[r->pos + n]))
        return false;
    r->pos += n;
    return true;
}

static bool expect(reader *r, const char *token)
{
    if (accept(r, token))
        return true;
    return fail(r, ftl_arena_printf(r->arena, "expected '%s'", token));
}

/* The next letters and digits; empty when there are none, or too many. */
static bool read_word(reader *r, char word[LONGEST_WORD])
{
    size_t n = 0;
    skip(r);
    while (n + 1 < LONGEST_WORD && is_word(peek(r)))
        word[n++] = r->text[r->pos++];
    word[n] = '\0';
    return n > 0 && !is_word(peek(r));
}

static bool read_int(reader *r, int64_t *out)
{
    int64_t value = 0;
    skip(r);
    bool negative = peek(r) == '-';
    size_t start = r->pos += negative;
    for (; peek(r) >= '0' && peek(r) <= '9'; r->pos++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, peek(r) - '0', &value))
            return fail(r, "a whole number is too large");
    if (r->pos == start)
        return fail(r, "expected a whole number");
    if (!negative && value == INT64_MIN)
        return fail(r, "a whole number is too large");
    *out = negative ? value : -value;
    return true;
}

static bool read_u32(reader *r, uint32_t *out)
{
    int64_t value = 0;
    if (!read_int(r, &value))
        return false;
    if (value < 0 || value > UINT32_MAX)
        return fail(r, "a number is out of range");
    *out = (uint32_t)value;
    return true;
}

static bool read_double(reader *r, double *out)
{
    skip(r);
    bool negative = accept(r, "-inf");
    if (negative || accept(r, "inf")) {
        *out = negative ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    if (accept(r, "nan")) {
        *out = (double)NAN;
        return true;
    }
    size_t start = r->pos;
    while (is_word(peek(r)) || peek(r) == '-' || peek(r) == '+' || peek(r) == '.')
        r->pos++;
    if (ftl_parse_double(r->text + start, r->pos - start, out))
        return true;
    return fail(r, "expected a number");
}

static int get_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of \" \\ or \xHH; -1 for any other escape. */
static int read_escape(reader *r)
{
    char c = peek(r);
    if (c == '"' || c == '\\') {
        r->pos++;
        return c;
    }
    if (c != 'x' || r->len - r->pos < 3)
        return -1;
    int high = get_digit(r->text[r->pos + 1]), low = get_digit(r->text[r->pos + 2]);
    r->pos += 3;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool read_string(reader *r, const char **out)
{
    ftl_strbuf text;
    ftl_strbuf_init(&text, r->arena);
    if (!expect(r, "\""))
        return false;
    while (r->pos < r->len && peek(r) != '"') {
        int c = (unsigned char)r->text[r->pos++];
        if (c == '\\')
            c = read_escape(r);
        if (c <= 0)
            return fail(r, "a string has a bad escape or a NUL");
        ftl_strbuf_putc(&text, (char)c);
    }
    if (!expect(r, "\""))
        return false;
    *out = ftl_intern_get(r->names, ftl_strbuf_get(&text), text.len);
    return true;
}

/* After the opening mark: numbers up to the closing one. At most FTL_MAX_RANK. */
static bool read_ints(reader *r, const char *close, int64_t *out, uint32_t *n)
{
    for (*n = 0; !accept(r, close); ++*n) {
        if (*n > 0 && !expect(r, ","))
            return false;
        if (*n == FTL_MAX_RANK)
            return fail(r, "too many axes");
        if (!read_int(r, &out[*n]))
            return false;
    }
    return true;
}

static bool read_u32s(reader *r, const char *close, uint32_t *out, uint32_t *n)
{
    int64_t wide[FTL_MAX_RANK];
    if (!read_ints(r, close, wide, n))
        return false;
    for (uint32_t k = 0; k < *n; k++) {
        if (wide[k] < 0 || wide[k] > UINT32_MAX)
            return fail(r, "a number is out of range");
        out[k] = (uint32_t)wide[k];
    }
    return true;
}

/* "%" N: a value that is there already. */
static bool read_operand(reader *r, ftl_value **out)
{
    uint32_t id = 0;
    if (!expect(r, "%") || !read_u32(r, &id))
        return false;
    if (id >= r->graph->values.len)
        return fail(r, "an operand does not come before its use");
    *out = r->graph->values.data[id];
    return true;
}

/* ---- constants ---- */

static bool read_element(reader *r, ftl_dtype dtype, void *out)
{
    double x = 0;
    int64_t whole = 0;
    if (ftl_dtype_is_float(dtype)) {
        if (!read_double(r, &x))
            return false;
        ftl_dtype_put_double(dtype, out, x);
        return true;
    }
    if (!read_int(r, &whole))
        return false;
    ftl_dtype_put_int(dtype, out, whole);
    return ftl_dtype_get_int(dtype, out) == whole || fail(r, "an element is out of range");
}

/* "hex" was read: count elements, two digits a byte. */
static bool read_hex(reader *r, ftl_dtype dtype, size_t count, void **out)
{
    size_t size = 0;
    if (!expect(r, "\""))
        return false;
    if (!ftl_mul_size(count, ftl_dtype_get_size(dtype), &size) || size > (r->len - r->pos) / 2)
        return fail(r, "the shape says more bytes than the text has");
    unsigned char *bytes = ftl_arena_alloc(r->arena, size);
    for (size_t i = 0; i < size; i++, r->pos += 2) {
        int high = get_digit(r->text[r->pos]), low = get_digit(r->text[r->pos + 1]);
        if (high < 0 || low < 0)
            return fail(r, "expected two hexadecimal digits for each byte of the elements");
        bytes[i] = (unsigned char)(high * 16 + low);
    }
    *out = bytes;
    return expect(r, "\"");
}

static bool read_const(reader *r, ftl_value *v)
{
    size_t size = ftl_dtype_get_size(v->dtype);
    v->splat = accept(r, "splat");
    size_t count = v->splat ? 1 : (size_t)ftl_value_get_count(v);
    void *data = NULL;
    if (accept(r, "hex")) {
        bool fine = read_hex(r, v->dtype, count, &data);
        v->u.data = data;
        return fine;
    }
    if (count > r->len - r->pos)
        return fail(r, "the shape says more elements than the text has");
    v->u.data = data = ftl_arena_alloc_array(r->arena, count, size);
    if (v->splat)
        return read_element(r, v->dtype, data);
    if (!expect(r, "{"))
        return false;
    for (size_t i = 0; i < count; i++)
        if ((i > 0 && !expect(r, ",")) || !read_element(r, v->dtype, (char *)data + i * size))
            return false;
    return expect(r, "}");
}

/* ---- places ---- */

/* One term added to the place: INT, d N, or INT * d N; sign is that of the operator before it. */
static bool read_term(reader *r, ftl_affine *a, int64_t sign)
{
    int64_t factor = 1, dim = 0;
    skip(r);
    bool has_factor = peek(r) != 'd';
    if (has_factor && !read_int(r, &factor))
        return false;
    if (__builtin_mul_overflow(factor, sign, &factor))
        return fail(r, "a place is out of range");
    if (has_factor && !accept(r, "*"))
        return !__builtin_add_overflow(a->offset, factor, &a->offset) ||
               fail(r, "a place is out of range");
    if (peek(r) != 'd')
        skip(r);
    if (peek(r) != 'd')
        return fail(r, "expected an axis such as d0");
    r->pos++;
    if (!read_int(r, &dim))
        return false;
    if (dim < 0 || dim >= FTL_MAX_RANK || a->n == FTL_MAX_RANK)
        return fail(r, "an axis of a place is out of range");
    a->dim[a->n] = (uint32_t)dim;
    a->coef[a->n++] = factor;
    return true;
}

static bool read_affine(reader *r, ftl_affine *out)
{
    uint32_t dim[FTL_MAX_RANK];
    int64_t coef[FTL_MAX_RANK];
    ftl_affine a = {.select = -1, .dim = dim, .coef = coef};
    int64_t sign = 1;
    do {
        if (!read_term(r, &a, sign))
            return false;
        sign = accept(r, "+") ? 1 : accept(r, "-") ? -1 : 0;
    } while (sign != 0);
    *out = a;
    out->dim = FTL_NEW_ARRAY(r->arena, uint32_t, a.n);
    out->coef = FTL_NEW_ARRAY(r->arena, int64_t, a.n);
    memcpy(out->dim, dim, a.n * sizeof(*dim));
    memcpy(out->coef, coef, a.n * sizeof(*coef));
    return true;
}

static bool read_fill(reader *r, double *fill)
{
    *fill = 0;
    return !accept(r, "fill") || read_double(r, fill);
}

/* "i" N "[" axes "]": the place is read from operand N. */
static bool read_select(reader *r, const ftl_value *v, ftl_affine *a)
{
    uint32_t operand = 0, n = 0, axes[FTL_MAX_RANK];
    r->pos++;
    if (!read_u32(r, &operand) || !expect(r, "[") || !read_u32s(r, "]", axes, &n))
        return false;
    if (operand == 0 || operand >= v->n_in || n != v->in[operand]->rank)
        return fail(r, "a place is read from an operand that is not there or has another rank");
    uint32_t **sub = &v->u.gather->sub[operand];
    if (*sub && n > 0 && memcmp(*sub, axes, n * sizeof(*axes)) != 0)
        return fail(r, "an operand is read at two different places");
    if (!*sub)
        *sub = FTL_NEW_ARRAY(r->arena, uint32_t, n);
    memcpy(*sub, axes, n * sizeof(*axes));
    *a = (ftl_affine){.select = (int32_t)operand};
    return true;
}

/* The places of a view or, with selects, of a gather: n_map of them. */
static bool read_map(reader *r, const ftl_value *v, ftl_affine *map, uint32_t n_map)
{
    if (!expect(r, "("))
        return false;
    for (uint32_t k = 0; k < n_map; k++) {
        if (k > 0 && !expect(r, ","))
            return false;
        skip(r);
        bool selects = peek(r) == 'i' && ftl_opcode_get_class(v->op) == FTL_OPCLASS_INDEX;
        if (!(selects ? read_select(r, v, &map[k]) : read_affine(r, &map[k])))
            return false;
    }
    return expect(r, ")");
}

/* Places must be sound before they are measured. */
static bool has_sound_terms(const ftl_affine *map, uint32_t n_map, uint32_t rank)
{
    for (uint32_t k = 0; k < n_map; k++)
        for (uint32_t i = 0; i < map[k].n; i++)
            if (map[k].dim[i] >= rank)
                return false;
    return true;
}

static bool read_view(reader *r, ftl_value *v)
{
    const ftl_value *from = v->op == FTL_OP_VIEW_ ? v : v->in[0];
    const ftl_value *to = v->op == FTL_OP_VIEW_ ? v->in[0] : v;
    ftl_view *view = v->u.view = FTL_NEW(r->arena, ftl_view);
    view->map = FTL_NEW_ARRAY(r->arena, ftl_affine, to->rank);
    if (!read_map(r, v, view->map, to->rank) || !read_fill(r, &view->fill))
        return false;
    if (!has_sound_terms(view->map, to->rank, from->rank))
        return fail(r, "a place uses an axis that is not there");
    view->in_range = ftl_view_is_in_range(view->map, from->shape, to);
    return true;
}

static bool read_gather(reader *r, ftl_value *v)
{
    uint32_t n_map = v->op == FTL_OP_GATHER_ ? v->in[0]->rank : v->rank;
    ftl_gather *g = v->u.gather = FTL_NEW(r->arena, ftl_gather);
    g->n = v->n_in;
    g->map = FTL_NEW_ARRAY(r->arena, ftl_affine, n_map);
    g->sub = FTL_NEW_ARRAY(r->arena, uint32_t *, g->n);
    if (!read_map(r, v, g->map, n_map) || !read_fill(r, &g->fill))
        return false;
    for (uint32_t i = 1; i < g->n; i++)
        if (!g->sub[i])
            return fail(r, "an operand is not read by any place");
    return true;
}

static bool read_at(reader *r, ftl_value *v)
{
    ftl_at *at = v->u.at = FTL_NEW(r->arena, ftl_at);
    at->axis = FTL_NEW_ARRAY(r->arena, uint32_t, FTL_MAX_RANK);
    at->offset = FTL_NEW_ARRAY(r->arena, int64_t, FTL_MAX_RANK);
    if (!expect(r, "{"))
        return false;
    for (; !accept(r, "}"); at->n++) {
        if (at->n > 0 && !expect(r, ","))
            return false;
        if (at->n == FTL_MAX_RANK)
            return fail(r, "too many axes");
        if (!read_u32(r, &at->axis[at->n]) || !expect(r, ":") ||
            !read_int(r, &at->offset[at->n]))
            return false;
    }
    return read_fill(r, &at->fill);
}

/* ---- contractions ---- */

static bool read_label(reader *r, uint32_t *label)
{
    char c = peek(r);
    r->pos++;
    if (c >= 'a' && c <= 'z')
        *label = (uint32_t)(c - 'a');
    else if (c >= 'A' && c <= 'Z')
        *label = (uint32_t)(c - 'A') + 26;
    else
        return c == '{' ? read_u32(r, label) && expect(r, "}") : fail(r, "expected a label");
    return true;
}

/* The labels of one operand or of the result; n of them. */
static bool read_labels(reader *r, uint32_t n, uint32_t **out)
{
    *out = FTL_NEW_ARRAY(r->arena, uint32_t, n);
    for (uint32_t k = 0; k < n; k++)
        if (!read_label(r, &(*out)[k]))
            return false;
    return true;
}

/* Extents by label, as far as labels rise by one at most; the rest is left to the rules. */
static void set_extents(reader *r, const ftl_value *v)
{
    ftl_contract *c = v->u.contract;
    size_t axes = 0;
    for (uint32_t i = 0; i < v->n_in; i++)
        axes += v->in[i]->rank;
    c->extent = FTL_NEW_ARRAY(r->arena, int64_t, axes);
    for (uint32_t i = 0; i < v->n_in; i++)
        for (uint32_t k = 0; k < v->in[i]->rank; k++)
            if (c->in[i][k] == c->n_labels)
                c->extent[c->n_labels++] = v->in[i]->shape[k];
}

static bool read_contract(reader *r, ftl_value *v)
{
    ftl_contract *c = v->u.contract = FTL_NEW(r->arena, ftl_contract);
    c->in = FTL_NEW_ARRAY(r->arena, uint32_t *, v->n_in);
    if (!expect(r, "\""))
        return false;
    for (uint32_t i = 0; i < v->n_in; i++)
        if ((i > 0 && !expect(r, ",")) || !read_labels(r, v->in[i]->rank, &c->in[i]))
            return false;
    if (!expect(r, "->") || !read_labels(r, v->rank, &c->out))
        return false;
    set_extents(r, v);
    return expect(r, "\"");
}

/* ---- values ---- */

static bool read_body(reader *r);

static bool read_loop(reader *r, ftl_value *v)
{
    ftl_loop *loop = v->u.loop = FTL_NEW(r->arena, ftl_loop);
    int64_t clock = 0;
    if (!expect(r, "carried") || !read_u32(r, &loop->n_carried) || !expect(r, "count") ||
        !read_int(r, &loop->count))
        return false;
    loop->reverse = accept(r, "reverse");
    loop->has_stop = accept(r, "stop");
    if (accept(r, "clock") && !read_int(r, &clock))
        return false;
    if (clock < INT32_MIN || clock > INT32_MAX)
        return fail(r, "a number is out of range");
    loop->temperature_clock = (int32_t)clock;
    if (r->depth == DEEPEST_LOOP)
        return fail(r, "loops are nested too deeply");
    ftl_graph *outer = r->graph;
    r->graph = loop->body = ftl_graph_new(r->arena, outer);
    r->depth++;
    bool fine = expect(r, "{") && read_body(r);
    r->depth--;
    r->graph = outer;
    return fine && expect(r, "}");
}

static bool read_reduce(reader *r, ftl_value *v)
{
    char word[LONGEST_WORD];
    uint32_t axes[FTL_MAX_RANK], n = 0;
    if (!read_word(r, word))
        return fail(r, "expected the name of a reduction");
    int kind = FTL_REDUCE_ALL;
    while (kind >= 0 && strcmp(ftl_reduce_get_name((ftl_reduce)kind), word) != 0)
        kind--;
    if (kind < 0)
        return fail(r, "unknown reduction");
    if (!expect(r, "{") || !read_u32s(r, "}", axes, &n))
        return false;
    v->u.reduce.kind = (ftl_reduce)kind;
    for (uint32_t k = 0; k < n; k++) {
        if (axes[k] >= FTL_MAX_RANK)
            return fail(r, "an axis is out of range");
        v->u.reduce.axes |= (uint64_t)1 << axes[k];
    }
    return true;
}

/* ---- logic ---- */

static const ftl_tuples_form *make_form(reader *r, uint32_t rank, const int64_t *shape)
{
    ftl_tuples_form *form = FTL_NEW(r->arena, ftl_tuples_form);
    int64_t *copy = FTL_NEW_ARRAY(r->arena, int64_t, rank + 1);
    if (rank > 0)
        memcpy(copy, shape, rank * sizeof *copy);
    *form = (ftl_tuples_form){rank, copy};
    return form;
}

static bool read_input(reader *r, ftl_value *v)
{
    int64_t shape[FTL_MAX_RANK];
    uint32_t rank = 0;
    if (!read_string(r, &v->u.name))
        return false;
    if (!accept(r, "tuples"))
        return true;
    if (!expect(r, "[") || !read_ints(r, "]", shape, &rank))
        return false;
    v->tuples = make_form(r, rank, shape);
    return true;
}

/* The rules are a text of their own: a source that is made for it. */
static bool read_rules(reader *r, ftl_value *v)
{
    const char *text = NULL;
    if (!read_string(r, &text))
        return false;
    uint32_t file = ftl_diags_add_source(r->diags, "rules", text, strlen(text));
    v->u.rules = ftl_rules_read(r->arena, r->names, r->diags, file);
    return v->u.rules != NULL;
}

static bool read_derived(reader *r, ftl_value *v)
{
    if (!read_u32(r, &v->u.index))
        return false;
    const ftl_value *rules = v->in[0];
    if (rules->op != FTL_OP_RULES_ || v->u.index >= rules->u.rules->relations.len)
        return fail(r, "expected a relation of rules");
    const ftl_rules_relation *x = &rules->u.rules->relations.data[v->u.index];
    v->tuples = make_form(r, x->arity, x->extent);
    return true;
}

/* dispatch */ static bool read_attribute(reader *r, ftl_value *v)
{
    switch (v->op) {
    case FTL_OP_INPUT_: return read_input(r, v);
    case FTL_OP_CONST_: return read_const(r, v);
    case FTL_OP_PARAM_:
    case FTL_OP_RESULT_: return read_u32(r, &v->u.index);
    case FTL_OP_REDUCE_: return read_reduce(r, v);
    case FTL_OP_ARGMAX_: return read_u32(r, &v->u.sort.axis);
    case FTL_OP_TOPK_: return read_int(r, &v->u.sort.k);
    case FTL_OP_CONCAT_: return read_u32(r, &v->u.axis);
    case FTL_OP_VIEW_:
    case FTL_OP_VIEW_ADD_: return read_view(r, v);
    case FTL_OP_GATHER_:
    case FTL_OP_GATHER_ADD_: return read_gather(r, v);
    case FTL_OP_READ_AT_:
    case FTL_OP_WRITE_AT_: return read_at(r, v);
    case FTL_OP_CONTRACT_: return read_contract(r, v);
    case FTL_OP_LOOP_: return read_loop(r, v);
    case FTL_OP_TUPLES_: v->tuples = make_form(r, v->in[0]->rank, v->in[0]->shape); return true;
    case FTL_OP_RULES_: return read_rules(r, v);
    case FTL_OP_DERIVED_: return read_derived(r, v);
    default: return true;
    }
}

static bool read_type(reader *r, ftl_value *v)
{
    char word[LONGEST_WORD];
    int64_t shape[FTL_MAX_RANK];
    if (!read_word(r, word) || !ftl_opcode_find(word, &v->op))
        return fail(r, "expected the name of an operation");
    if (!read_word(r, word) || !ftl_dtype_find(word, strlen(word), &v->dtype))
        return fail(r, "expected the name of a dtype");
    if (!expect(r, "[") || !read_ints(r, "]", shape, &v->rank))
        return false;
    int64_t *copy = FTL_NEW_ARRAY(r->arena, int64_t, v->rank);
    memcpy(copy, shape, v->rank * sizeof(*copy));
    v->shape = copy;
    for (uint32_t k = 0; k < v->rank; k++)
        if (shape[k] < 0)
            return fail(r, "an extent is negative");
    return true;
}

static bool read_operands(reader *r, ftl_value *v)
{
    FTL_VEC(ftl_value *) in = {0};
    int arity = ftl_opcode_get_arity(v->op);
    for (skip(r); peek(r) == '%' && (arity < 0 || in.len < (size_t)arity); skip(r))
        if (!read_operand(r, FTL_VEC_PUSH(r->arena, &in)))
            return false;
    if (in.len < (arity < 0 ? 1 : (size_t)arity) && arity != 0 && v->op != FTL_OP_LOOP_ &&
        v->op != FTL_OP_RULES_)
        return fail(r, "expected an operand");
    v->n_in = (uint32_t)in.len;
    v->in = in.data;
    return true;
}

static bool read_span(reader *r, ftl_span *span)
{
    return expect(r, ":") && read_u32(r, &span->file) && expect(r, ":") &&
           read_u32(r, &span->off) && expect(r, ":") && read_u32(r, &span->len);
}

static bool read_origin(reader *r, ftl_value *v)
{
    if (!accept(r, "@"))
        return true;
    if (!read_u32(r, &v->equation))
        return false;
    const ftl_origin *origin = ftl_graph_find_origin(r->graph, v->equation);
    if (v->equation > 0 && !origin)
        return fail(r, "an equation is not there");
    if (origin)
        v->span = origin->span;
    skip(r);
    return peek(r) != ':' || read_span(r, &v->span);
}

static bool read_value(reader *r)
{
    uint32_t id = 0;
    ftl_value v = {0};
    size_t start = r->pos;
    if (!read_u32(r, &id))
        return false;
    if (id != r->graph->values.len)
        return fail(r, "values must be numbered in order, from 0");
    if (!expect(r, "=") || !read_type(r, &v) || !read_operands(r, &v) ||
        !read_attribute(r, &v) || !read_origin(r, &v))
        return false;
    const char *wrong = ftl_value_check(&v);
    if (!wrong && v.op == FTL_OP_PARAM_ && !r->graph->parent)
        wrong = "stands outside of a loop's body";
    if (!wrong && v.op == FTL_OP_INPUT_ && r->graph->parent)
        wrong = "stands in a loop's body";
    if (wrong) {
        r->pos = start;
        return fail(r, ftl_arena_printf(r->arena, "%%%" PRIu32 " = %s %s", id,
                                        ftl_opcode_get_name(v.op), wrong));
    }
    ftl_graph_add_value(r->graph, &v);
    return true;
}

static bool read_output(reader *r)
{
    const char *name = NULL;
    ftl_value *v = NULL;
    if ((!r->graph->parent && !read_string(r, &name)) || !read_operand(r, &v))
        return false;
    if (v->op == FTL_OP_LOOP_ || v->op == FTL_OP_RULES_)
        return fail(r, "a loop or rules are no output; their results are");
    ftl_graph_add_output(r->graph, name, v);
    return true;
}

static bool read_body(reader *r)
{
    while (accept(r, "%"))
        if (!read_value(r))
            return false;
    while (accept(r, "output"))
        if (!read_output(r))
            return false;
    return true;
}

static bool read_equation(reader *r)
{
    const char *head = NULL, *text = NULL;
    ftl_span span = {0};
    if (!read_string(r, &head) || !read_string(r, &text) || !read_span(r, &span))
        return false;
    ftl_graph_add_equation(r->graph, head, text, span);
    return true;
}

ftl_graph *ftl_graph_read(ftl_arena *arena, ftl_intern *names, ftl_diags *diags, uint32_t file)
{
    const ftl_source *source = &diags->sources.data[file - 1];
    reader r = {.arena = arena, .names = names, .diags = diags, .file = file,
                .text = source->text, .len = source->len, .graph = ftl_graph_new(arena, NULL)};
    if (!expect(&r, "graph") || !expect(&r, "1"))
        return NULL;
    while (accept(&r, "equation"))
        if (!read_equation(&r))
            return NULL;
    if (!read_body(&r))
        return NULL;
    skip(&r);
    if (r.pos < r.len) {
        fail(&r, "expected a value, an output or the end");
        return NULL;
    }
    assert(!ftl_graph_verify(r.graph, arena));
    return r.graph;
}
