/* SPDX-License-Identifier: Apache-2.0
 *
 *   table: {row}                  row: field {separator field} line-end
 *   field: {blank} '"' {not '"' | '""'} '"' {blank}  |  {not separator, not line-end}
 *
 * RFC 4180 with tolerance: a line ends with LF, CR LF or CR; blanks around a field do not count; a
 * quote inside an unquoted field is itself. The kinds of the columns are those of the first row
 * that is no header; whether the first row is one, the second tells. Memory holds two rows and the
 * tuples.
 */
#include "io/table.h"
#include "io/number.h"
#include "io/tuples.h"

#define ROW_LIMIT ((size_t)1 << 20)       /* bytes of a row */
#define POSITION_LIMIT ((int64_t)1 << 53) /* beyond it a position is no exact number */
#define COLUMNS_MAX (FTL_MAX_RANK + 1)
#define SHOWN 24 /* bytes of a field in a message */

typedef struct row {
    uint64_t line; /* 0: there is no row */
    ftl_block text;
    uint32_t count;
    size_t start[COLUMNS_MAX]; /* of each field in text, NUL-terminated */
    bool quoted[COLUMNS_MAX];
} row;

typedef struct table {
    ftl_bytes bytes;
    char separator;
    uint32_t arity, columns; /* columns: arity, or one more with values; 0 until the first row */
    bool allow_values;
    ftl_tuples *tuples;               /* made when the first row tells the number of columns */
    uint64_t kind_line[FTL_MAX_RANK]; /* where a column's kind was set; 0: not yet */
    bool is_text[FTL_MAX_RANK];
} table;

/* ---- rows ---- */

static const char *get_field(const row *r, uint32_t k)
{
    return (const char *)r->text.data + r->start[k];
}

static size_t get_length(const row *r, uint32_t k)
{
    size_t end = k + 1 < r->count ? r->start[k + 1] : r->text.len;
    return end - r->start[k] - 1;
}

static ftl_status put(table *t, row *r, int c)
{
    if (r->text.len >= ROW_LIMIT)
        return ftl_file_fail_line(t->bytes.file, r->line, "the line is longer than 1 MiB");
    FTL_TRY(ftl_block_reserve(&r->text, 1));
    r->text.data[r->text.len++] = (unsigned char)c;
    return FTL_OK;
}

/* A byte of a field. A NUL would end the field early for whoever reads it as a C text. */
static ftl_status put_byte(table *t, row *r, int c)
{
    if (c == '\0')
        return ftl_file_fail_line(t->bytes.file, t->bytes.line, "column %u holds a NUL byte",
                                  r->count);
    return put(t, r, c);
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(table *t)
{
    int c = ftl_bytes_peek(&t->bytes);
    while (c == ' ' || (c == '\t' && t->separator != '\t')) {
        t->bytes.at++;
        c = ftl_bytes_peek(&t->bytes);
    }
}

static bool ends_field(const table *t, int c)
{
    return c < 0 || c == t->separator || c == '\n' || c == '\r';
}

static ftl_status read_plain(table *t, row *r, size_t start)
{
    for (int c = ftl_bytes_peek(&t->bytes); !ends_field(t, c); c = ftl_bytes_peek(&t->bytes)) {
        FTL_TRY(put_byte(t, r, c));
        t->bytes.at++;
    }
    while (r->text.len > start && is_blank(r->text.data[r->text.len - 1]))
        r->text.len--;
    return t->bytes.status;
}

static ftl_status read_quoted(table *t, row *r)
{
    t->bytes.at++;
    for (;;) {
        int c = ftl_bytes_get(&t->bytes);
        if (c < 0)
            return t->bytes.status != FTL_OK
                     ? t->bytes.status
                     : ftl_file_fail_line(t->bytes.file, r->line, "a quote is not closed");
        if (c == '"' && ftl_bytes_peek(&t->bytes) != '"')
            break;
        if (c == '"')
            t->bytes.at++;
        t->bytes.line += c == '\n';
        FTL_TRY(put_byte(t, r, c));
    }
    skip_blanks(t);
    if (ends_field(t, ftl_bytes_peek(&t->bytes)))
        return t->bytes.status;
    return ftl_file_fail_line(t->bytes.file, t->bytes.line, "text after a closing quote");
}

static ftl_status read_field(table *t, row *r)
{
    if (r->count == COLUMNS_MAX)
        return ftl_file_fail_line(t->bytes.file, r->line, "more than %d columns", FTL_MAX_RANK);
    size_t start = r->text.len;
    skip_blanks(t);
    bool quoted = ftl_bytes_peek(&t->bytes) == '"';
    r->start[r->count] = start;
    r->quoted[r->count] = quoted;
    r->count++;
    FTL_TRY(quoted ? read_quoted(t, r) : read_plain(t, r, start));
    size_t len = r->text.len - start;
    FTL_TRY(put(t, r, '\0'));
    return ftl_text_check(t->bytes.file, r->line, (const char *)r->text.data + start, len);
}

static void take_line_end(table *t)
{
    int c = ftl_bytes_get(&t->bytes);
    if (c == '\r' && ftl_bytes_peek(&t->bytes) == '\n')
        t->bytes.at++;
    t->bytes.line += c >= 0;
}

/* The next row that is not blank; its line is 0 at the end of the file. */
static ftl_status read_row(table *t, row *r)
{
    do {
        r->text.len = 0;
        r->count = 0;
        r->line = ftl_bytes_peek(&t->bytes) < 0 ? 0 : t->bytes.line;
        if (r->line == 0)
            return t->bytes.status;
        FTL_TRY(read_field(t, r));
        while (ftl_bytes_peek(&t->bytes) == t->separator) {
            t->bytes.at++;
            FTL_TRY(read_field(t, r));
        }
        take_line_end(t);
    } while (r->count == 1 && r->text.len == 1 && !r->quoted[0]);
    return t->bytes.status;
}

/* ---- entries ---- */

static ftl_status fail_entry(table *t, const row *r, uint32_t k, const char *what)
{
    return ftl_file_fail_line(t->bytes.file, r->line, "column %u: '%.*s' %s", k + 1, SHOWN,
                              get_field(r, k), what);
}

static ftl_status check_kind(table *t, const row *r, uint32_t k, bool is_text)
{
    if (t->kind_line[k] == 0) {
        t->kind_line[k] = r->line;
        t->is_text[k] = is_text;
    }
    if (t->is_text[k] == is_text)
        return FTL_OK;
    return ftl_file_fail_line(t->bytes.file, r->line,
                              "column %u: '%.*s' is %s, the column has %s since line %llu", k + 1,
                              SHOWN, get_field(r, k), is_text ? "text" : "an integer",
                              is_text ? "integers" : "text", (unsigned long long)t->kind_line[k]);
}

static ftl_status push_entry(table *t, const row *r, uint32_t k)
{
    const char *text = get_field(r, k);
    int64_t *entry = &t->tuples->columns[k][t->tuples->count];
    if (!*text)
        return ftl_file_fail_line(t->bytes.file, r->line, "column %u is empty", k + 1);
    bool is_text = !ftl_number_is_int(text);
    FTL_TRY(check_kind(t, r, k, is_text));
    if (is_text)
        return ftl_text_number(t->bytes.file, &t->tuples->symbols[k], text, get_length(r, k),
                               entry);
    int64_t x = 0;
    if (!ftl_number_read_int(text, &x) || x >= POSITION_LIMIT)
        return fail_entry(t, r, k, "is too large for a position");
    if (x < 0)
        return fail_entry(t, r, k, "is negative: positions start at 0");
    *entry = x;
    return FTL_OK;
}

static ftl_status push_row(table *t, const row *r)
{
    if (r->count != t->columns)
        return ftl_file_fail_line(t->bytes.file, r->line, "%u columns, the lines before have %u",
                                  r->count, t->columns);
    FTL_TRY(ftl_tuples_make_room(t->bytes.file, t->tuples));
    for (uint32_t k = 0; k < t->arity; k++)
        FTL_TRY(push_entry(t, r, k));
    double *value = t->tuples->values ? &t->tuples->values[t->tuples->count] : NULL;
    uint32_t last = t->columns - 1;
    if (value && !ftl_number_read_real(get_field(r, last), get_length(r, last), value))
        return fail_entry(t, r, last, "is not a number");
    t->tuples->count++;
    return FTL_OK;
}

/* ---- the header line ---- */

static bool is_number(const row *r, uint32_t k)
{
    double x;
    return ftl_number_read_real(get_field(r, k), get_length(r, k), &x);
}

/* The fields are the names of the relation's places; single letters are too often symbols. */
static bool names_axes(const table *t, const row *r)
{
    const char *const *axes = t->bytes.file->options.axes;
    bool is_long = false;
    for (uint32_t k = 0; axes && k < t->arity; k++) {
        if (!axes[k] || strcmp(axes[k], get_field(r, k)) != 0)
            return false;
        is_long = is_long || get_length(r, k) > 1;
    }
    return is_long;
}

static bool is_header(const table *t, const row *first, const row *second)
{
    bool below = false; /* a column that has a number in the second row */
    for (uint32_t k = 0; k < first->count; k++) {
        if (is_number(first, k))
            return false;
        below = below ||
                (second->line != 0 && k < second->count &&
                 (k < t->arity ? ftl_number_is_int(get_field(second, k)) : is_number(second, k)));
    }
    return below || names_axes(t, first);
}

static ftl_status check_columns(table *t, const row *r)
{
    t->columns = r->count;
    if (r->count == t->arity || (t->allow_values && r->count == t->arity + 1))
        return FTL_OK;
    return ftl_file_fail_line(t->bytes.file, r->line, "%u column%s, the relation has %u place%s%s",
                              r->count, r->count == 1 ? "" : "s", t->arity,
                              t->arity == 1 ? "" : "s",
                              t->allow_values ? " (and may have a value)" : "");
}

static ftl_status make_tuples(table *t, bool has_values)
{
    ftl_file *f = t->bytes.file;
    ftl_status status = ftl_tuples_new(f->options.alloc, t->arity, has_values, &t->tuples);
    return status == FTL_OK ? FTL_OK : ftl_file_no_memory(f, sizeof(*t->tuples));
}

static ftl_status read_rows(table *t, row *first, row *next)
{
    FTL_TRY(read_row(t, first));
    if (first->line == 0)
        return make_tuples(t, false);
    FTL_TRY(check_columns(t, first));
    FTL_TRY(make_tuples(t, t->columns > t->arity));
    FTL_TRY(read_row(t, next));
    if (!is_header(t, first, next))
        FTL_TRY(push_row(t, first));
    while (next->line != 0) {
        FTL_TRY(push_row(t, next));
        FTL_TRY(read_row(t, next));
    }
    for (uint32_t k = 0; k < t->arity; k++)
        t->tuples->is_text[k] = t->tuples->symbols[k] != NULL;
    return FTL_OK;
}

ftl_status ftl_table_read(ftl_file *f, char separator, ftl_table_form form, ftl_tuples **out)
{
    table t = {.separator = separator, .arity = form.arity, .allow_values = form.allow_values};
    row first = {.text = {.file = f}}, next = {.text = {.file = f}};
    if (form.arity == 0 || form.arity > FTL_MAX_RANK)
        return ftl_file_fail(f, "a relation with %u places cannot be read from a table",
                             form.arity);
    FTL_TRY(ftl_bytes_init(&t.bytes, f));
    ftl_status status = read_rows(&t, &first, &next);
    if (status == FTL_OK)
        *out = t.tuples;
    else
        ftl_tuples_free(t.tuples);
    ftl_block_free(&first.text);
    ftl_block_free(&next.text);
    return status;
}
