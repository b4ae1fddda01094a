/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <float.h>
#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void ftl_strbuf_init(ftl_strbuf *sb, ftl_arena *arena)
{
    *sb = (ftl_strbuf){.arena = arena};
}

/* Makes room for extra bytes and the NUL. */
static void reserve(ftl_strbuf *sb, size_t extra)
{
    if (extra < sb->cap - sb->len)
        return;
    if (extra > SIZE_MAX / 4 || sb->len > SIZE_MAX / 4)
        ftl_arena_fail(sb->arena, FTL_ERR_MEMORY);
    size_t cap = sb->cap > 0 ? sb->cap * 2 : 64;
    if (cap <= sb->len + extra)
        cap = sb->len + extra + 1;
    char *data = ftl_arena_alloc(sb->arena, cap);
    if (sb->len > 0)
        memcpy(data, sb->data, sb->len);
    sb->data = data;
    sb->cap = cap;
}

void ftl_strbuf_append(ftl_strbuf *sb, const char *s, size_t len)
{
    reserve(sb, len);
    if (len > 0)
        memcpy(sb->data + sb->len, s, len);
    sb->len += len;
    sb->data[sb->len] = '\0';
}

void ftl_strbuf_puts(ftl_strbuf *sb, const char *s)
{
    ftl_strbuf_append(sb, s, strlen(s));
}

void ftl_strbuf_putc(ftl_strbuf *sb, char c)
{
    ftl_strbuf_append(sb, &c, 1);
}

void ftl_strbuf_printf(ftl_strbuf *sb, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0)
        ftl_arena_fail(sb->arena, FTL_ERR_INTERNAL);
    reserve(sb, (size_t)len);
    va_start(args, fmt);
    vsnprintf(sb->data + sb->len, (size_t)len + 1, fmt, args);
    va_end(args);
    sb->len += (size_t)len;
}

const char *ftl_strbuf_get(const ftl_strbuf *sb)
{
    return sb->data ? sb->data : "";
}

/* ---- numbers: the C library's conversions with the locale's decimal point replaced ---- */

bool ftl_parse_double(const char *s, size_t len, double *out)
{
    char text[1032];
    size_t n = 0;
    const char *point = nl_langinfo(RADIXCHAR);
    size_t point_len = strlen(point);
    if (len == 0 || len > 1000 || point_len > 8)
        return false;
    bool seen_point = false;
    for (size_t i = 0; i < len; i++) {
        if (!s[i] || !strchr("0123456789+-eE.", s[i]) || (s[i] == '.' && seen_point))
            return false;
        if (s[i] == '.') {
            memcpy(text + n, point, point_len);
            n += point_len;
            seen_point = true;
        } else {
            text[n++] = s[i];
        }
    }
    text[n] = '\0';
    char *end = NULL;
    double value = strtod(text, &end);
    if (end != text + n)
        return false;
    *out = value;
    return true;
}

void ftl_format_double(char *text, size_t size, int digits, double x)
{
    snprintf(text, size, "%.*g", digits, x);
    const char *point = nl_langinfo(RADIXCHAR);
    char *found = point[0] && strcmp(point, ".") != 0 ? strstr(text, point) : NULL;
    if (found) {
        size_t len = strlen(point);
        *found = '.';
        memmove(found + 1, found + len, strlen(found + len) + 1);
    }
}

/* Decimals of up to 15 digits survive a double, so for normal numbers %.15g is the shortest text
 * whenever it reads back. */
void ftl_strbuf_put_double(ftl_strbuf *sb, double x)
{
    if (!isfinite(x)) {
        ftl_strbuf_puts(sb, isnan(x) ? "nan" : x < 0 ? "-inf" : "inf");
        return;
    }
    if (fabs(x) < 1e15 && floor(x) == x) {
        ftl_strbuf_printf(sb, "%s%lld", signbit(x) && x == 0 ? "-" : "", (long long)x);
        return;
    }
    char text[64];
    double back = 0;
    int digits = fabs(x) < DBL_MIN ? 1 : 15;
    do {
        ftl_format_double(text, sizeof(text), digits++, x);
    } while (digits <= 17 && !(ftl_parse_double(text, strlen(text), &back) && back == x));
    ftl_strbuf_puts(sb, text);
}

/* ---- UTF-8 and text of unknown origin ---- */

size_t ftl_utf8_decode(const char *s, size_t len, uint32_t *code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = (uint8_t)s[0];
    size_t n = first < 0x80 ? 1 : (first & 0xe0) == 0xc0 ? 2 : (first & 0xf0) == 0xe0 ? 3 : 4;
    if (n > len || (n == 4 && (first & 0xf8) != 0xf0))
        return 0;
    uint32_t value = n == 1 ? first : first & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (((uint8_t)s[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | ((uint8_t)s[i] & 0x3fu);
    }
    if (value < smallest[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code = value;
    return n;
}

/* Controls, and characters that are invisible or change the direction of text. */
static bool is_deceptive(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

void ftl_strbuf_put_escaped(ftl_strbuf *sb, const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        size_t n = ftl_utf8_decode(s + i, len - i, &code);
        if (n == 0 || (n == 1 && is_deceptive(code)))
            ftl_strbuf_printf(sb, "\\x%02x", (unsigned)(uint8_t)s[i]);
        else if (is_deceptive(code))
            ftl_strbuf_printf(sb, "\\u{%x}", (unsigned)code);
        else
            ftl_strbuf_append(sb, s + i, n);
        i += n > 0 ? n : 1;
    }
}

void ftl_strbuf_put_json(ftl_strbuf *sb, const char *text)
{
    ftl_strbuf_putc(sb, '"');
    for (const char *p = text; *p;) {
        uint32_t code = 0;
        size_t n = ftl_utf8_decode(p, strnlen(p, 4), &code);
        if (n == 0)
            ftl_strbuf_puts(sb, "\\ufffd");
        else if (code < 0x20 || code == 0x7f)
            ftl_strbuf_printf(sb, "\\u%04x", (unsigned)code);
        else if (code == '"' || code == '\\')
            ftl_strbuf_printf(sb, "\\%c", (char)code);
        else
            ftl_strbuf_append(sb, p, n);
        p += n > 0 ? n : 1;
    }
    ftl_strbuf_putc(sb, '"');
}
