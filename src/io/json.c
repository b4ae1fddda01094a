/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader of its own, because a tree of a large list would take ten times the memory of its
 * numbers.
 *
 *   value: list | number | 'true' | 'false'      list: '[' [ value { ',' value } ] ']'
 *
 * While depth lists are open, index[0..depth) counts the values that each has had. shape[k] is
 * known from the first list of depth k + 1 that ends; all later ones must agree.
 */
#include "io/json.h"
#include "io/number.h"

#include <math.h>
#include <stdio.h>

#define NUMBER_MAX 1000 /* bytes of one number */

typedef enum kind { KIND_NONE, KIND_BOOL, KIND_INT, KIND_REAL } kind;

typedef union cell {
    int64_t i;
    double x;
} cell;

typedef struct parser {
    ftl_bytes bytes;
    ftl_block cells; /* one cell a number; all i until kind is KIND_REAL, then all x */
    kind kind;
    uint32_t depth, rank; /* rank: the deepest list so far */
    bool has_leaf;        /* a number was met, so that rank is final */
    int64_t index[FTL_MAX_RANK];
    int64_t shape[FTL_MAX_RANK]; /* -1 while unknown */
} parser;

/* ---- messages ---- */

/* "[2][0]", the place of the value that is being read; "the top" outside of lists. */
static void name_place(const parser *p, uint32_t depth, char *out, size_t size)
{
    size_t at = 0;
    snprintf(out, size, "the top");
    for (uint32_t k = 0; k < depth && at + 24 < size; k++)
        at += (size_t)snprintf(out + at, size - at, "[%lld]", (long long)p->index[k]);
}

static ftl_status fail_at(parser *p, uint32_t depth, const char *what)
{
    char place[160];
    if (p->bytes.status != FTL_OK)
        return p->bytes.status;
    name_place(p, depth, place, sizeof(place));
    return ftl_file_fail_line(p->bytes.file, p->bytes.line, "%s, at %s", what, place);
}

/* Something else than expected stands here, or nothing any more. */
static ftl_status fail_expected(parser *p, const char *what)
{
    return fail_at(p, p->depth, ftl_bytes_peek(&p->bytes) < 0 ? "the text ends early" : what);
}

/* The innermost open list differs from the first one of its depth. */
static ftl_status fail_ragged(parser *p, int64_t found, bool more)
{
    char place[160];
    name_place(p, p->depth - 1, place, sizeof(place));
    return ftl_file_fail_line(p->bytes.file, p->bytes.line,
                              "ragged: the list at %s has %s%lld entries, the first one has %lld",
                              place, more ? "more than " : "", (long long)found,
                              (long long)p->shape[p->depth - 1]);
}

/* ---- characters ---- */

static int next_token(parser *p)
{
    int c = ftl_bytes_peek(&p->bytes);
    while (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        p->bytes.line += c == '\n';
        p->bytes.at++;
        c = ftl_bytes_peek(&p->bytes);
    }
    return c;
}

static bool is_word(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.';
}

/* ---- numbers ---- */

static bool skip_digits(const char **s)
{
    const char *start = *s;
    while (**s >= '0' && **s <= '9')
        ++*s;
    return *s > start;
}

/* number: ['-'] ('0' | digit1-9 {digit}) ['.' digit {digit}] [('e'|'E') ['+'|'-'] digit {digit}] */
static bool is_number(const char *s, bool *whole)
{
    s += *s == '-';
    bool zero = *s == '0';
    const char *digits = s;
    if (!skip_digits(&s) || (zero && s - digits > 1))
        return false;
    *whole = true;
    if (*s == '.') {
        s++;
        *whole = false;
        if (!skip_digits(&s))
            return false;
    }
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '+' || *s == '-';
        *whole = false;
        if (!skip_digits(&s))
            return false;
    }
    return *s == '\0';
}

static bool read_word(const char *s, size_t len, kind *k, cell *out)
{
    static const struct {
        const char *word;
        double x;
    } special[] = {
        {"NaN", (double)NAN}, {"Infinity", (double)INFINITY}, {"-Infinity", -(double)INFINITY}};
    for (size_t i = 0; i < FTL_COUNT(special); i++)
        if (strcmp(s, special[i].word) == 0) {
            *k = KIND_REAL;
            out->x = special[i].x;
            return true;
        }
    if (strcmp(s, "true") == 0 || strcmp(s, "false") == 0) {
        *k = KIND_BOOL;
        out->i = s[0] == 't';
        return true;
    }
    bool whole = false;
    if (!is_number(s, &whole))
        return false;
    *k = KIND_INT;
    if (whole && ftl_number_read_int(s, &out->i))
        return true;
    *k = KIND_REAL;
    return ftl_parse_double(s, len, &out->x) && isfinite(out->x);
}

/* From here on every cell is a double; whole numbers beyond 2^53 lose digits, as in any list that
 * mixes the two. */
static void make_real(parser *p)
{
    cell *cells = (cell *)(void *)p->cells.data;
    for (size_t i = 0; i < p->cells.len / sizeof(cell); i++)
        cells[i].x = (double)cells[i].i;
    p->kind = KIND_REAL;
}

static ftl_status push(parser *p, kind k, cell c)
{
    if (p->kind == KIND_NONE)
        p->kind = k;
    if ((k == KIND_BOOL) != (p->kind == KIND_BOOL))
        return fail_at(p, p->depth, "true and false stand among numbers");
    if (k == KIND_REAL && p->kind == KIND_INT)
        make_real(p);
    if (k == KIND_INT && p->kind == KIND_REAL)
        c.x = (double)c.i;
    FTL_TRY(ftl_block_reserve(&p->cells, sizeof(c)));
    memcpy(p->cells.data + p->cells.len, &c, sizeof(c));
    p->cells.len += sizeof(c);
    return FTL_OK;
}

static ftl_status read_leaf(parser *p)
{
    char text[NUMBER_MAX + 1];
    size_t len = 0;
    if (p->rank > p->depth)
        return fail_at(p, p->depth, "ragged: a number where the first entry is a list");
    p->has_leaf = true;
    while (is_word(ftl_bytes_peek(&p->bytes))) {
        if (len == NUMBER_MAX)
            return fail_at(p, p->depth, "a number of more than 1000 digits");
        text[len++] = (char)ftl_bytes_get(&p->bytes);
    }
    text[len] = '\0';
    kind k = KIND_NONE;
    cell c = {.i = 0};
    if (len == 0)
        return fail_expected(p, "expected a number or a list");
    if (!read_word(text, len, &k, &c))
        return fail_at(p, p->depth, "expected a number or a list");
    return push(p, k, c);
}

/* ---- lists ---- */

static ftl_status open_list(parser *p)
{
    p->bytes.at++;
    if (p->has_leaf && p->depth == p->rank)
        return fail_at(p, p->depth, "ragged: a list where the first entry is a number");
    if (p->depth == FTL_MAX_RANK)
        return fail_at(p, p->depth, "lists are nested more than 32 deep");
    p->index[p->depth++] = 0;
    if (p->depth > p->rank)
        p->rank = p->depth;
    return FTL_OK;
}

static ftl_status close_list(parser *p)
{
    int64_t *extent = &p->shape[p->depth - 1];
    int64_t found = p->index[p->depth - 1];
    p->bytes.at++;
    if (*extent >= 0 && *extent != found)
        return fail_ragged(p, found, false);
    *extent = found;
    p->depth--;
    return FTL_OK;
}

/* After a value: closes the lists that end here; stops before the next value, or at depth 0. */
static ftl_status end_value(parser *p)
{
    while (p->depth > 0) {
        int64_t *index = &p->index[p->depth - 1];
        int c = next_token(p);
        ++*index;
        if (c == ',') {
            p->bytes.at++;
            if (*index == p->shape[p->depth - 1])
                return fail_ragged(p, *index, true);
            return next_token(p) == ']' ? fail_expected(p, "expected a value") : FTL_OK;
        }
        if (c != ']')
            return fail_expected(p, "expected ',' or ']'");
        FTL_TRY(close_list(p));
    }
    return FTL_OK;
}

static ftl_status parse(parser *p)
{
    do {
        if (next_token(p) == '[') {
            FTL_TRY(open_list(p));
            if (next_token(p) != ']')
                continue;
            FTL_TRY(close_list(p));
        } else {
            FTL_TRY(read_leaf(p));
        }
        FTL_TRY(end_value(p));
    } while (p->depth > 0);
    if (next_token(p) >= 0)
        return fail_at(p, 0, "text after the value");
    return p->bytes.status;
}

/* ---- the tensor ---- */

static ftl_status make_tensor(parser *p, ftl_tensor **out)
{
    ftl_file *f = p->bytes.file;
    ftl_dtype dtype = p->kind == KIND_BOOL ? FTL_DTYPE_BOOL
                    : p->kind == KIND_INT  ? FTL_DTYPE_I64
                                           : FTL_DTYPE_F64;
    for (uint32_t k = 0; k < p->rank; k++)
        if (p->shape[k] < 0)
            p->shape[k] = 0;
    ftl_tensor *t = NULL;
    if (ftl_tensor_new(f->options.alloc, dtype, p->rank, p->shape, &t) != FTL_OK)
        return ftl_file_no_memory(f, p->cells.len);
    size_t n = p->cells.len / sizeof(cell);
    const cell *cells = (const cell *)(const void *)p->cells.data;
    if (dtype != FTL_DTYPE_BOOL && n > 0)
        memcpy(t->data, cells, n * sizeof(cell));
    for (size_t i = 0; dtype == FTL_DTYPE_BOOL && i < n; i++)
        ((unsigned char *)t->data)[i] = (unsigned char)cells[i].i;
    *out = t;
    return FTL_OK;
}

ftl_status ftl_json_read(ftl_file *f, ftl_tensor **out)
{
    parser p = {.cells = {.file = f}};
    for (uint32_t k = 0; k < FTL_MAX_RANK; k++)
        p.shape[k] = -1;
    FTL_TRY(ftl_bytes_init(&p.bytes, f));
    ftl_status status = parse(&p);
    if (status == FTL_OK)
        status = make_tensor(&p, out);
    ftl_block_free(&p.cells);
    return status;
}
