/* SPDX-License-Identifier: Apache-2.0
 *
 * Text with marks, and its lines. A line that is too long is broken greedily, at the mark of the
 * lowest level in its later part.
 */
#include "syntax/print.h"

#define LEVELS_PER_BRACKET 16

/* ---- text and marks ---- */

void ftl_print_text(ftl_printer *pr, const char *s)
{
    ftl_strbuf_puts(pr->out, s);
}

void ftl_print_break(ftl_printer *pr, unsigned level)
{
    ftl_mark *mark = FTL_VEC_PUSH(pr->out->arena, &pr->marks);
    mark->at = pr->out->len;
    mark->level = pr->depth * LEVELS_PER_BRACKET + level;
    mark->indent = pr->indent + FTL_INDENT;
    ftl_print_text(pr, " ");
}

void ftl_print_hard_break(ftl_printer *pr)
{
    ftl_mark *mark = FTL_VEC_PUSH(pr->out->arena, &pr->marks);
    mark->at = pr->out->len;
    mark->indent = pr->indent;
    mark->hard = true;
    ftl_print_text(pr, " ");
}

bool ftl_print_has_newline(const ftl_printer *pr, uint32_t from, uint32_t to)
{
    return pr->text && from < to && memchr(pr->text + from, '\n', to - from) != NULL;
}

void ftl_print_comma(ftl_printer *pr)
{
    ftl_print_text(pr, ",");
    ftl_print_break(pr, 0);
}

bool ftl_print_open(ftl_printer *pr, const char *text, bool newline_ends)
{
    bool outside = pr->newline_ends;
    ftl_print_text(pr, text);
    pr->depth++;
    pr->newline_ends = newline_ends;
    return outside;
}

void ftl_print_close(ftl_printer *pr, const char *text, bool outside)
{
    pr->depth--;
    pr->newline_ends = outside;
    ftl_print_text(pr, text);
}

void ftl_print_string(ftl_printer *pr, const char *s)
{
    size_t len = strlen(s);
    ftl_print_text(pr, "\"");
    for (size_t i = 0; i < len;) {
        static const char special[] = "\\\"\n\t\r", names[] = "\\\"ntr";
        uint32_t code = 0;
        size_t n = ftl_utf8_decode(s + i, len - i, &code);
        const char *found = strchr(special, s[i]);
        if (found)
            ftl_strbuf_printf(pr->out, "\\%c", names[found - special]);
        else if (n == 0 || code < 0x20 || code == 0x7f)
            ftl_strbuf_printf(pr->out, "\\x%02x", (unsigned)(uint8_t)s[i]);
        else
            ftl_strbuf_append(pr->out, s + i, n);
        i += n > 0 ? n : 1;
    }
    ftl_print_text(pr, "\"");
}

/* ---- breaking ---- */

size_t ftl_print_get_width(const char *s, size_t len)
{
    size_t width = 0;
    for (size_t i = 0; i < len; i++)
        width += ((uint8_t)s[i] & 0xc0) != 0x80;
    return width;
}

/* The mark among [first, last) where the line from `from` on is broken, or last. Of the marks in
 * the later part of the width the last one of the lowest level; else the last one within the width;
 * else the first one beyond. */
static size_t choose_mark(const ftl_printer *pr, size_t first, size_t last, size_t from,
                          size_t width)
{
    size_t best = last;
    bool best_is_early = true;
    for (size_t i = first; i < last; i++) {
        const ftl_mark *mark = &pr->marks.data[i];
        size_t used = ftl_print_get_width(pr->out->data + from, mark->at - from);
        if (used > width)
            return best < last ? best : i;
        if (best_is_early || mark->level <= pr->marks.data[best].level) {
            best = i;
            best_is_early = used <= width * 2 / 5;
        }
    }
    return best;
}

static bool fits(const char *s, size_t len, size_t room)
{
    return len <= room || (len <= room * 4 && ftl_print_get_width(s, len) <= room);
}

void ftl_print_lines(const ftl_printer *pr, ftl_strbuf *out)
{
    const char *text = ftl_strbuf_get(pr->out);
    size_t from = 0, next = 0, hard = 0, n = pr->marks.len;
    unsigned indent = pr->indent;
    for (;;) {
        while (hard < n && (hard < next || !pr->marks.data[hard].hard))
            hard++;
        size_t end = hard < n ? pr->marks.data[hard].at : pr->out->len;
        size_t room = FTL_LINE_WIDTH > indent ? FTL_LINE_WIDTH - indent : 1;
        size_t at = hard;
        if (!fits(text + from, end - from, room))
            at = choose_mark(pr, next, hard, from, room);
        if (at == n)
            break;
        const ftl_mark *mark = &pr->marks.data[at];
        ftl_strbuf_append(out, text + from, mark->at - from);
        ftl_strbuf_printf(out, "\n%*s", (int)mark->indent, "");
        indent = mark->indent;
        from = mark->at + 1;
        next = at + 1;
    }
    ftl_strbuf_append(out, text + from, pr->out->len - from);
}
