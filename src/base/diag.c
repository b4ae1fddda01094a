/* SPDX-License-Identifier: Apache-2.0
 *
 * Collecting and rendering diagnostics. Rendering costs O(text + messages * log): the lines of each
 * source are indexed once, and of a long line only the part around the caret is looked at.
 */
#include "base/diag.h"

#include <stdlib.h>

void ftl_diags_init(ftl_diags *diags, ftl_arena *arena)
{
    *diags = (ftl_diags){.arena = arena};
}

uint32_t ftl_diags_add_source(ftl_diags *diags, const char *name, const char *text, size_t len)
{
    ftl_source *source = FTL_VEC_PUSH(diags->arena, &diags->sources);
    *source = (ftl_source){.name = name, .text = text, .len = len};
    return (uint32_t)diags->sources.len;
}

static ftl_diag *add_diag(ftl_diags *diags, ftl_diag like, const char *fmt, va_list args)
{
    ftl_diag *d = FTL_NEW(diags->arena, ftl_diag);
    *d = like;
    d->message = ftl_arena_vprintf(diags->arena, fmt, args);
    *FTL_VEC_PUSH(diags->arena, &diags->list) = d;
    diags->errors += d->severity == FTL_SEVERITY_ERROR;
    diags->warnings += d->severity == FTL_SEVERITY_WARNING;
    return d;
}

ftl_diag *ftl_diag_error(ftl_diags *diags, ftl_diag_code code, ftl_span span, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    ftl_diag like = {.severity = FTL_SEVERITY_ERROR, .code = code, .span = span};
    ftl_diag *d = add_diag(diags, like, fmt, args);
    va_end(args);
    return d;
}

ftl_diag *ftl_diag_warn(ftl_diags *diags, ftl_diag_code code, ftl_span span, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    ftl_diag like = {.severity = FTL_SEVERITY_WARNING, .code = code, .span = span};
    ftl_diag *d = add_diag(diags, like, fmt, args);
    va_end(args);
    return d;
}

ftl_diag *ftl_diag_tell(ftl_diags *diags, ftl_diag_code code, ftl_span span, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    ftl_diag like = {.severity = FTL_SEVERITY_NOTE, .code = code, .span = span};
    ftl_diag *d = add_diag(diags, like, fmt, args);
    va_end(args);
    return d;
}

void ftl_diag_note(ftl_diags *diags, ftl_diag *d, ftl_span span, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    d->note = ftl_arena_vprintf(diags->arena, fmt, args);
    va_end(args);
    d->note_span = span;
}

void ftl_diag_hint(ftl_diags *diags, ftl_diag *d, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    d->hint = ftl_arena_vprintf(diags->arena, fmt, args);
    va_end(args);
}

ftl_span ftl_span_join(ftl_span a, ftl_span b)
{
    if (a.file == 0 || b.file == 0 || a.file != b.file)
        return a.file == 0 ? b : a;
    uint32_t start = a.off < b.off ? a.off : b.off;
    uint32_t a_end = a.off + a.len, b_end = b.off + b.len;
    return (ftl_span){a.file, start, (a_end > b_end ? a_end : b_end) - start};
}

static const ftl_source *find_source(const ftl_diags *diags, ftl_span span)
{
    if (span.file == 0 || span.file > diags->sources.len)
        return NULL;
    return &diags->sources.data[span.file - 1];
}

void ftl_diags_locate(const ftl_diags *diags, ftl_span span, unsigned *line, unsigned *col)
{
    const ftl_source *source = find_source(diags, span);
    *line = *col = 1;
    if (!source)
        return;
    size_t off = span.off < source->len ? span.off : source->len, start = 0;
    for (;;) {
        const char *end = memchr(source->text + start, '\n', off - start);
        if (!end)
            break;
        start = (size_t)(end - source->text) + 1;
        ++*line;
    }
    *col = (unsigned)(off - start) + 1;
}

/* ---- rendering ---- */

#define BEFORE_CARET 60 /* bytes of a long line that are shown before the caret */
#define SHOWN 92        /* bytes of a line that are shown at most */
/* Messages of one severity and file that are shown with line, note and hint; the others are one
 * line each. */
#define MOST_SHOWN 20
#define TAB 4

typedef FTL_VEC(uint32_t) line_index; /* offsets of line starts */

typedef struct renderer {
    const ftl_diags *diags;
    ftl_strbuf *out;
    line_index *lines; /* of each source; empty while not needed */
} renderer;

typedef struct place {
    const ftl_source *source; /* null: nowhere */
    unsigned line, col;       /* 1-based */
    size_t off, start;        /* of the place and of its line */
} place;

static void index_lines(ftl_arena *arena, line_index *lines, const ftl_source *source)
{
    *FTL_VEC_PUSH(arena, lines) = 0;
    for (size_t start = 0;;) {
        const char *end = memchr(source->text + start, '\n', source->len - start);
        if (!end)
            return;
        start = (size_t)(end - source->text) + 1;
        *FTL_VEC_PUSH(arena, lines) = (uint32_t)start;
    }
}

static place find_place(renderer *r, ftl_span span)
{
    const ftl_source *source = find_source(r->diags, span);
    if (!source)
        return (place){.line = 1, .col = 1};
    line_index *lines = &r->lines[span.file - 1];
    if (lines->len == 0)
        index_lines(r->out->arena, lines, source);
    size_t off = span.off < source->len ? span.off : source->len;
    size_t low = 0, high = lines->len;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        *(lines->data[middle] <= off ? &low : &high) = middle;
    }
    size_t start = lines->data[low];
    return (place){source, (unsigned)low + 1, (unsigned)(off - start) + 1, off, start};
}

/* Columns that a terminal gives a printed character; the blocks of double width are approximate. */
static size_t get_width(uint32_t c)
{
    if (c >= 0x300 && c <= 0x36f)
        return 0;
    bool wide = (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
                (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
                (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
                (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3ffff);
    return wide ? 2 : 1;
}

/* Appends the n bytes of one character (or byte) of a line at column col and gives its width. */
static size_t put_char(ftl_strbuf *out, const char *s, size_t n, uint32_t code, size_t col)
{
    if (n == 1 && *s == '\t') {
        size_t width = TAB - col % TAB;
        ftl_strbuf_printf(out, "%*s", (int)width, "");
        return width;
    }
    size_t before = out->len;
    ftl_strbuf_put_escaped(out, s, n);
    return n > 1 && out->data[before] != '\\' ? get_width(code) : out->len - before;
}

/* The part of the line to show: [*from, *to). */
static void cut_line(const place *at, size_t *from, size_t *to)
{
    const char *text = at->source->text;
    size_t most = at->source->len - at->start;
    const char *end = memchr(text + at->start, '\n', most < SHOWN + 1 ? most : SHOWN + 1);
    *from = at->start;
    if (!end && most > SHOWN && at->off - at->start > BEFORE_CARET) {
        *from = at->off - BEFORE_CARET;
        while (*from < at->off && ((uint8_t)text[*from] & 0xc0) == 0x80)
            ++*from;
    }
    size_t room = at->source->len - *from;
    end = memchr(text + *from, '\n', room < SHOWN ? room : SHOWN);
    *to = end ? (size_t)(end - text) : *from + (room < SHOWN ? room : SHOWN);
    while (!end && *to < at->source->len && ((uint8_t)text[*to] & 0xc0) == 0x80 && *to > *from)
        --*to;
    if (end && *to > *from && text[*to - 1] == '\r')
        --*to;
}

/*     12 | text of the line
 *        |         ^~~~            */
static void render_line(renderer *r, const place *at, uint32_t span_len)
{
    size_t from = 0, to = 0, col = 0;
    ftl_strbuf marks;
    ftl_strbuf_init(&marks, r->out->arena);
    cut_line(at, &from, &to);
    const char *text = at->source->text;
    bool head_cut = from > at->start;
    ftl_strbuf_printf(r->out, "%5u | %s", at->line, head_cut ? "..." : "");
    for (size_t i = from; i < to;) {
        uint32_t code = 0;
        size_t n = ftl_utf8_decode(text + i, to - i, &code);
        n = n > 0 ? n : 1;
        size_t width = put_char(r->out, text + i, n, code, col);
        bool first = i <= at->off && at->off < i + n;
        bool inside = i >= at->off && i - at->off < span_len;
        for (size_t k = 0; k < width; k++)
            ftl_strbuf_putc(&marks, first && k == 0 ? '^' : first || inside ? '~' : ' ');
        col += width;
        i += n;
    }
    bool tail_cut = to < at->source->len && text[to] != '\n' && text[to] != '\r';
    if (at->off >= to)
        ftl_strbuf_putc(&marks, '^');
    while (marks.len > 0 && marks.data[marks.len - 1] == ' ')
        marks.data[--marks.len] = '\0';
    ftl_strbuf_printf(r->out, "%s\n      | %s%s\n", tail_cut ? "..." : "", head_cut ? "   " : "",
                      ftl_strbuf_get(&marks));
}

/* A text that may have several lines: those after the first are indented. */
static void put_lines(ftl_strbuf *out, const char *text)
{
    for (;;) {
        size_t len = strcspn(text, "\n");
        ftl_strbuf_put_escaped(out, text, len);
        ftl_strbuf_putc(out, '\n');
        if (!text[len] || !text[len + 1])
            return;
        ftl_strbuf_puts(out, "      ");
        text += len + 1;
    }
}

static void put_name(renderer *r, const place *at)
{
    const ftl_diags *diags = r->diags;
    const char *name = at->source               ? at->source->name
                       : diags->sources.len > 0 ? diags->sources.data[0].name
                                                : "<command line>";
    ftl_strbuf_put_escaped(r->out, name, strlen(name));
}

static void put_place(renderer *r, const place *at)
{
    put_name(r, at);
    ftl_strbuf_printf(r->out, ":%u:%u: ", at->line, at->col);
}

/* What the command line asks for has no place in the program. */
static bool is_of_command(const ftl_diag *d)
{
    bool is_setting = d->code == FTL_E_OPTION || d->code == FTL_E_VERSION ||
                      d->code == FTL_N_BACKEND || d->code == FTL_N_OPTION;
    return d->span.file == 0 && is_setting;
}

static void render_diag(renderer *r, const ftl_diag *d, bool is_short)
{
    static const char *const severities[] = {"error", "warning", "note"};
    place at = find_place(r, d->span);
    if (is_of_command(d))
        ftl_strbuf_puts(r->out, "fuse: ");
    else
        put_place(r, &at);
    ftl_strbuf_printf(r->out, "%s: ", severities[d->severity]);
    ftl_strbuf_put_escaped(r->out, d->message, strlen(d->message));
    if (d->severity != FTL_SEVERITY_NOTE)
        ftl_strbuf_printf(r->out, " [%c%04d]", d->code >= 1000 ? 'W' : 'E', (int)d->code);
    ftl_strbuf_putc(r->out, '\n');
    if (is_short)
        return;
    if (at.source)
        render_line(r, &at, d->span.len);
    if (d->note) {
        place second = find_place(r, d->note_span);
        ftl_strbuf_puts(r->out, "note: ");
        if (second.source)
            put_place(r, &second);
        put_lines(r->out, d->note);
        if (second.source)
            render_line(r, &second, d->note_span.len);
    }
    if (d->hint) {
        ftl_strbuf_puts(r->out, "hint: ");
        put_lines(r->out, d->hint);
    }
}

typedef struct ranked {
    const ftl_diag *diag;
    size_t order; /* of report */
} ranked;

/* -1, 0, 1 for the difference of two sizes. */
static int compare_sizes(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int compare_contents(const ftl_diag *a, const ftl_diag *b)
{
    int by = compare_sizes(a->span.file, b->span.file);
    by = by ? by : compare_sizes(a->span.off, b->span.off);
    by = by ? by : compare_sizes((size_t)a->severity, (size_t)b->severity);
    by = by ? by : compare_sizes((size_t)a->code, (size_t)b->code);
    return by ? by : strcmp(a->message, b->message);
}

static int compare_places(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    int by = compare_sizes(x->diag->span.file, y->diag->span.file);
    by = by ? by : compare_sizes(x->diag->span.off, y->diag->span.off);
    return by ? by : compare_sizes(x->order, y->order);
}

/* Whether one of the messages at the same place, rendered before, says the same. */
static bool is_repeated(const ranked *list, size_t at)
{
    const ftl_diag *d = list[at].diag;
    for (size_t i = at; i-- > 0;) {
        const ftl_diag *other = list[i].diag;
        if (other->span.file != d->span.file || other->span.off != d->span.off)
            return false;
        if (compare_contents(other, d) == 0)
            return true;
    }
    return false;
}

void ftl_diags_render(const ftl_diags *diags, ftl_strbuf *out)
{
    size_t n = diags->list.len;
    ranked *list = FTL_NEW_ARRAY(out->arena, ranked, n);
    renderer r = {diags, out, FTL_NEW_ARRAY(out->arena, line_index, diags->sources.len)};
    for (size_t i = 0; i < n; i++)
        list[i] = (ranked){diags->list.data[i], i};
    qsort(list, n, sizeof(*list), compare_places);
    size_t shown[FTL_SEVERITY_NOTE + 1] = {0};
    for (size_t i = 0; i < n; i++) {
        const ftl_diag *d = list[i].diag;
        if (!is_repeated(list, i))
            render_diag(&r, d, shown[d->severity]++ >= MOST_SHOWN);
        if (i + 1 < n && list[i + 1].diag->span.file != d->span.file)
            memset(shown, 0, sizeof shown);
    }
}
