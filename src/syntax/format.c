/* SPDX-License-Identifier: Apache-2.0
 *
 * The formatter. Statements are printed one by one from the tree; between them stand comments and
 * at most one blank line where the text had some. A simple statement with a comment inside keeps
 * its own lines, only their indentation is adjusted. A block or function that stood on one line
 * stays on one line if it fits.
 */
#include "syntax/print.h"

typedef struct formatter {
    const ftl_tree *tree;
    const char *text;
    ftl_strbuf *out;
    size_t comment;    /* next comment to print */
    uint32_t last_end; /* end, in the text, of what was printed last */
    bool fresh;        /* nothing was printed in this file or block yet */
} formatter;

static void format_statements(formatter *f, const ftl_stmts *stmts, unsigned indent, uint32_t end);

static uint32_t get_end(ftl_span span)
{
    return span.off + span.len;
}

/* Line ends in the text between two places, at most two. */
static unsigned count_newlines(const formatter *f, uint32_t from, uint32_t to)
{
    unsigned n = 0;
    for (uint32_t i = from; i < to && n < 2; i++)
        n += f->text[i] == '\n';
    return n;
}

static void put_indent(formatter *f, unsigned indent)
{
    ftl_strbuf_printf(f->out, "%*s", (int)indent, "");
}

/* Keeps one blank line before what was at off in the text. */
static void keep_blank_line(formatter *f, uint32_t off)
{
    if (!f->fresh && off > f->last_end && count_newlines(f, f->last_end, off) >= 2)
        ftl_strbuf_putc(f->out, '\n');
    f->fresh = false;
}

/* ---- comments ---- */

static const ftl_comment *peek_comment(const formatter *f)
{
    return f->comment < f->tree->comments.len ? &f->tree->comments.data[f->comment] : NULL;
}

static void put_comment(formatter *f)
{
    const ftl_comment *comment = peek_comment(f);
    uint32_t len = comment->span.len;
    const char *s = f->text + comment->span.off;
    while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t' || s[len - 1] == '\r'))
        len--;
    ftl_strbuf_append(f->out, s, len);
    f->last_end = get_end(comment->span);
    f->comment++;
}

/* Comments before `end`, each on its own line. */
static void put_comments(formatter *f, uint32_t end, unsigned indent)
{
    for (const ftl_comment *c = peek_comment(f); c && c->span.off < end; c = peek_comment(f)) {
        keep_blank_line(f, c->span.off);
        put_indent(f, indent);
        put_comment(f);
        ftl_strbuf_putc(f->out, '\n');
    }
}

/* Ends a line of output that stood before `from`, with the comment that followed on its line and
 * before `next`. */
static void end_line(formatter *f, uint32_t from, uint32_t next)
{
    const ftl_comment *c = peek_comment(f);
    f->last_end = from;
    if (c && !c->own_line && c->span.off >= from && c->span.off < next &&
        count_newlines(f, from, c->span.off) == 0) {
        ftl_strbuf_puts(f->out, "  ");
        put_comment(f);
    }
    ftl_strbuf_putc(f->out, '\n');
}

/* ---- statements that keep their lines ---- */

/* The column at off, tabs going to the next multiple of FTL_INDENT. */
static unsigned get_column(const formatter *f, uint32_t off)
{
    uint32_t start = off;
    unsigned column = 0;
    while (start > 0 && f->text[start - 1] != '\n')
        start--;
    for (; start < off; start++) {
        if (f->text[start] == '\t')
            column += FTL_INDENT - column % FTL_INDENT;
        else
            column += ((uint8_t)f->text[start] & 0xc0) != 0x80;
    }
    return column;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* One line [from, to) of such a statement, indented as much more as it was. */
static void put_own_line(formatter *f, uint32_t from, uint32_t to, unsigned indent, unsigned base)
{
    while (from < to && is_space(f->text[from]))
        from++;
    uint32_t end = to;
    while (end > from && is_space(f->text[end - 1]))
        end--;
    if (end == from)
        return;
    unsigned column = get_column(f, from);
    put_indent(f, indent + (column > base ? column - base : 0));
    ftl_strbuf_append(f->out, f->text + from, end - from);
}

static void put_own_lines(formatter *f, const ftl_stmt *stmt, unsigned indent)
{
    uint32_t end = get_end(stmt->span), from = stmt->span.off;
    unsigned base = get_column(f, from);
    while (from < end) {
        const char *newline = memchr(f->text + from, '\n', end - from);
        uint32_t to = newline ? (uint32_t)(newline - f->text) : end;
        put_own_line(f, from, to, indent, base);
        if (newline)
            ftl_strbuf_putc(f->out, '\n');
        from = to + 1;
    }
    const ftl_comment *c = peek_comment(f);
    for (; c && c->span.off < end; c = peek_comment(f))
        f->comment++;
}

/* ---- statements ---- */

static bool has_body(const ftl_stmt *stmt)
{
    return stmt->kind == FTL_STMT_FN || stmt->kind == FTL_STMT_BLOCK;
}

static bool has_comment(const formatter *f, const ftl_stmt *stmt)
{
    const ftl_comment *c = peek_comment(f);
    return c && c->span.off < get_end(stmt->span);
}

/* A block over several lines; the comments of its head have been printed. */
static void format_body(formatter *f, const ftl_stmt *stmt, unsigned indent)
{
    ftl_strbuf line;
    ftl_strbuf_init(&line, f->out->arena);
    ftl_printer pr = {.out = &line, .indent = indent};
    uint32_t open = stmt->body_span.off + 1, close = get_end(stmt->body_span) - 1;
    uint32_t first = stmt->body.len > 0 ? stmt->body.data[0]->span.off : close;
    if (stmt->kind == FTL_STMT_FN)
        ftl_print_fn_head(&pr, stmt);
    else
        ftl_strbuf_putc(&line, '{');
    ftl_print_lines(&pr, f->out);
    end_line(f, open, first);
    f->fresh = true;
    format_statements(f, &stmt->body, indent + FTL_INDENT, close);
    f->fresh = false;
    put_indent(f, indent);
    ftl_strbuf_putc(f->out, '}');
}

/* Whether a block stood on one line and is short enough to try to print it on one line. */
static bool is_on_a_line(const formatter *f, const ftl_stmt *stmt)
{
    return !has_comment(f, stmt) && stmt->span.len <= 4 * FTL_LINE_WIDTH &&
           count_newlines(f, stmt->body_span.off, get_end(stmt->body_span)) == 0;
}

static void format_statement(formatter *f, const ftl_stmt *stmt, unsigned indent)
{
    if (has_comment(f, stmt) && !has_body(stmt)) {
        put_own_lines(f, stmt, indent);
        return;
    }
    ftl_strbuf line;
    ftl_strbuf_init(&line, f->out->arena);
    ftl_printer pr = {.out = &line, .text = f->text, .indent = indent};
    if (!has_body(stmt) || is_on_a_line(f, stmt))
        ftl_print_stmt(&pr, stmt);
    bool fits = line.len > 0 && line.len + indent <= FTL_LINE_WIDTH;
    if (!fits && pr.has_case && !has_body(stmt)) {
        ftl_strbuf_init(&line, f->out->arena);
        pr = (ftl_printer){.out = &line, .text = f->text, .indent = indent, .splits_cases = true};
        ftl_print_stmt(&pr, stmt);
    }
    put_indent(f, indent);
    if (fits || !has_body(stmt))
        ftl_print_lines(&pr, f->out);
    else
        format_body(f, stmt, indent);
}

/* The comments inside of the head of a function or block go before it. */
static void put_head_comments(formatter *f, const ftl_stmt *stmt, unsigned indent)
{
    const ftl_comment *c = peek_comment(f);
    if (!has_body(stmt) || !c || c->span.off >= stmt->body_span.off)
        return;
    f->fresh = true;
    put_comments(f, stmt->body_span.off, indent);
}

/* Statements and the comments around them, up to the place `end` of the text. */
static void format_statements(formatter *f, const ftl_stmts *stmts, unsigned indent, uint32_t end)
{
    for (size_t i = 0; i < stmts->len; i++) {
        const ftl_stmt *stmt = stmts->data[i];
        uint32_t next = i + 1 < stmts->len ? stmts->data[i + 1]->span.off : end;
        put_comments(f, stmt->span.off, indent);
        keep_blank_line(f, stmt->span.off);
        put_head_comments(f, stmt, indent);
        format_statement(f, stmt, indent);
        end_line(f, get_end(stmt->span), next);
    }
    put_comments(f, end, indent);
}

void ftl_syntax_format(const ftl_tree *tree, const ftl_diags *diags, ftl_strbuf *out)
{
    assert(tree->file > 0 && tree->file <= diags->sources.len);
    const ftl_source *source = &diags->sources.data[tree->file - 1];
    formatter f = {.tree = tree, .text = source->text, .out = out, .fresh = true};
    format_statements(&f, &tree->stmts, 0, (uint32_t)source->len);
}

void ftl_syntax_format_node(const ftl_node *node, ftl_strbuf *out)
{
    ftl_printer pr = {.out = out};
    ftl_print_node(&pr, node);
}

void ftl_syntax_format_stmt(const ftl_stmt *stmt, ftl_strbuf *out)
{
    ftl_printer pr = {.out = out};
    ftl_print_stmt(&pr, stmt);
}
