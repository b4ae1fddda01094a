/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/token.h"

bool ftl_token_fail(ftl_tokens *t, const char *what)
{
    ftl_span at = {.file = t->file, .off = (uint32_t)t->pos, .len = t->pos < t->len};
    ftl_diag_error(t->diags, FTL_E_SYNTAX, at, "%s", what);
    return false;
}

char ftl_token_peek(const ftl_tokens *t)
{
    return t->pos < t->len ? t->text[t->pos] : '\0';
}

void ftl_token_skip(ftl_tokens *t)
{
    for (; t->pos < t->len; t->pos++) {
        char c = t->text[t->pos];
        if (c == '#') {
            while (t->pos + 1 < t->len && t->text[t->pos + 1] != '\n')
                t->pos++;
        } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            return;
        }
    }
}

bool ftl_token_is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool ftl_token_accept(ftl_tokens *t, const char *token)
{
    size_t n = strlen(token);
    ftl_token_skip(t);
    if (t->len - t->pos < n || memcmp(t->text + t->pos, token, n) != 0)
        return false;
    if (ftl_token_is_word(token[0]) && t->pos + n < t->len &&
        ftl_token_is_word(t->text[t->pos + n]))
        return false;
    t->pos += n;
    return true;
}

bool ftl_token_expect(ftl_tokens *t, const char *token)
{
    if (ftl_token_accept(t, token))
        return true;
    return ftl_token_fail(t, ftl_arena_printf(t->arena, "expected '%s'", token));
}

bool ftl_token_read_digits(ftl_tokens *t, bool is_negative, int64_t *out)
{
    int64_t value = 0;
    ftl_token_skip(t);
    size_t start = t->pos;
    for (; ftl_token_peek(t) >= '0' && ftl_token_peek(t) <= '9'; t->pos++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, ftl_token_peek(t) - '0', &value))
            return ftl_token_fail(t, "a whole number is too large");
    if (t->pos == start)
        return ftl_token_fail(t, "expected a whole number");
    if (!is_negative && value == INT64_MIN)
        return ftl_token_fail(t, "a whole number is too large");
    *out = is_negative ? value : -value;
    return true;
}

bool ftl_token_read_int(ftl_tokens *t, int64_t *out)
{
    bool is_negative = ftl_token_accept(t, "-");
    return ftl_token_read_digits(t, is_negative, out);
}

bool ftl_token_read_u32(ftl_tokens *t, uint32_t *out)
{
    int64_t value = 0;
    if (!ftl_token_read_int(t, &value))
        return false;
    if (value < 0 || value > UINT32_MAX)
        return ftl_token_fail(t, "a number is out of range");
    *out = (uint32_t)value;
    return true;
}

static int get_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of \" \\ or \xHH; -1 for any other escape. */
static int read_escape(ftl_tokens *t)
{
    char c = ftl_token_peek(t);
    if (c == '"' || c == '\\') {
        t->pos++;
        return c;
    }
    if (c != 'x' || t->len - t->pos < 3)
        return -1;
    int high = get_digit(t->text[t->pos + 1]), low = get_digit(t->text[t->pos + 2]);
    t->pos += 3;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool ftl_token_read_string(ftl_tokens *t, const char **out)
{
    ftl_strbuf text;
    ftl_strbuf_init(&text, t->arena);
    if (!ftl_token_expect(t, "\""))
        return false;
    while (t->pos < t->len && ftl_token_peek(t) != '"') {
        int c = (unsigned char)t->text[t->pos++];
        if (c == '\\')
            c = read_escape(t);
        if (c <= 0)
            return ftl_token_fail(t, "a string has a bad escape or a NUL");
        ftl_strbuf_putc(&text, (char)c);
    }
    if (!ftl_token_expect(t, "\""))
        return false;
    *out = ftl_intern_get(t->names, ftl_strbuf_get(&text), text.len);
    return true;
}

void ftl_token_put_string(ftl_strbuf *out, const char *s)
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
