/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/lex.h"

typedef struct lexer {
    ftl_arena *arena;
    const char *text; /* ends with a NUL at end */
    uint32_t at, end;
    ftl_tree *tree;
    ftl_tokens *tokens;
} lexer;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_ascii_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_between(uint32_t c, uint32_t low, uint32_t high)
{
    return c >= low && c <= high;
}

/* Characters beyond ASCII that are punctuation, symbols or spaces: no part of a name. */
static bool is_symbol(uint32_t c)
{
    if (c == 0xaa || c == 0xb5 || c == 0xba)
        return false;
    return is_between(c, 0x80, 0xbf) || c == 0xd7 || c == 0xf7 || c == 0x1680 ||
           is_between(c, 0x2000, 0x206f) || is_between(c, 0x2190, 0x2bff) ||
           is_between(c, 0x3000, 0x3004) || is_between(c, 0x3008, 0x3020) ||
           is_between(c, 0xff01, 0xff0f) || is_between(c, 0xff1a, 0xff20) || c == 0xfeff ||
           is_between(c, 0xfff0, 0xffff);
}

/* Length of the letter at off (digits are letters after the first place), or 0. */
static uint32_t scan_letter(const lexer *lx, uint32_t off, bool first)
{
    char c = lx->text[off];
    if (is_ascii_letter(c) || (!first && is_digit(c)))
        return 1;
    if ((uint8_t)c < 0x80)
        return 0;
    uint32_t code = 0;
    uint32_t n = (uint32_t)ftl_utf8_decode(lx->text + off, lx->end - off, &code);
    return n > 0 && !is_symbol(code) ? n : 0;
}

/* name = letter { letter | digit } { "'" } */
static uint32_t scan_name(const lexer *lx)
{
    uint32_t off = lx->at;
    for (uint32_t n = scan_letter(lx, off, true); n > 0; n = scan_letter(lx, off, false))
        off += n;
    while (off > lx->at && lx->text[off] == '\'')
        off++;
    return off - lx->at;
}

static uint32_t scan_digits(const lexer *lx, uint32_t off)
{
    while (is_digit(lx->text[off]))
        off++;
    return off;
}

/* 0x1f and 1_000 are numbers elsewhere: here they would be products of a number and a name. */
static bool is_foreign_number(const lexer *lx, uint32_t off)
{
    char c = lx->text[off];
    if (c == '_' && is_digit(lx->text[off + 1]))
        return true;
    return off == lx->at + 1 && lx->text[lx->at] == '0' && c && strchr("xXbBoO", c) &&
           (is_digit(lx->text[off + 1]) || (c == 'x' && is_ascii_letter(lx->text[off + 1])));
}

/* number = ( digits [ "." [ digits ] ] | "." digits ) [ ( "e" | "E" ) [ "+" | "-" ] digits ] */
static uint32_t scan_number(const lexer *lx, ftl_token_kind *kind)
{
    uint32_t off = scan_digits(lx, lx->at);
    if (lx->text[off] == '.')
        off = scan_digits(lx, off + 1);
    if (lx->text[off] == 'e' || lx->text[off] == 'E') {
        uint32_t exponent = off + 1;
        if (lx->text[exponent] == '+' || lx->text[exponent] == '-')
            exponent++;
        if (is_digit(lx->text[exponent]))
            off = scan_digits(lx, exponent);
    }
    *kind = TOKEN_NUMBER;
    if (is_foreign_number(lx, off)) {
        *kind = TOKEN_BAD_NUMBER;
        while (is_ascii_letter(lx->text[off]) || is_digit(lx->text[off]))
            off++;
    }
    return off - lx->at;
}

/* string = '"' { any but '"', "\" and a line end | "\" any } '"' */
static uint32_t scan_string(const lexer *lx, ftl_token_kind *kind)
{
    uint32_t off = lx->at + 1;
    bool valid = true;
    *kind = TOKEN_BAD_STRING;
    while (off < lx->end && lx->text[off] != '\n' && lx->text[off] != '"') {
        uint32_t code = 0;
        if (lx->text[off] == '\\' && off + 1 < lx->end && lx->text[off + 1] != '\n')
            off++;
        size_t n = ftl_utf8_decode(lx->text + off, lx->end - off, &code);
        valid = valid && n > 0 && code > 0;
        off += n > 0 ? (uint32_t)n : 1;
    }
    if (off < lx->end && lx->text[off] == '"') {
        *kind = valid ? TOKEN_STRING : TOKEN_BAD_UTF8;
        return off + 1 - lx->at;
    }
    while (off > lx->at + 1 && (lx->text[off - 1] == '\r' || lx->text[off - 1] == ' '))
        off--;
    return off - lx->at;
}

/* Bytes that no token starts with: one bad character, or all invalid bytes that follow each
 * other. */
static uint32_t scan_bad(const lexer *lx, ftl_token_kind *kind)
{
    uint32_t code = 0, off = lx->at;
    uint32_t n = (uint32_t)ftl_utf8_decode(lx->text + off, lx->end - off, &code);
    *kind = n > 0 ? TOKEN_BAD_CHARACTER : TOKEN_BAD_UTF8;
    if (n > 0)
        return n;
    while (off < lx->end && ftl_utf8_decode(lx->text + off, lx->end - off, &code) == 0)
        off++;
    return off - lx->at;
}

typedef struct punctuation {
    char text[3];
    uint8_t kind;
} punctuation;

/* Longer ones first. */
static const punctuation PUNCTUATION[] = {
    {"::", TOKEN_SCOPE},      {"->", TOKEN_MAPS},        {"+=", TOKEN_PLUS_ASSIGN},
    {"*=", TOKEN_STAR_ASSIGN}, {"**", TOKEN_STAR_STAR},  {"==", TOKEN_EQ},
    {"!=", TOKEN_NE},         {"<=", TOKEN_LE},          {">=", TOKEN_GE},
    {"&&", TOKEN_AND},        {"||", TOKEN_OR},          {"(", TOKEN_LPAREN},
    {")", TOKEN_RPAREN},      {"[", TOKEN_LBRACKET},     {"]", TOKEN_RBRACKET},
    {"{", TOKEN_LBRACE},      {"}", TOKEN_RBRACE},       {",", TOKEN_COMMA},
    {";", TOKEN_SEMICOLON},   {":", TOKEN_COLON},        {".", TOKEN_DOT},
    {"?", TOKEN_QUESTION},    {"@", TOKEN_AT},           {"=", TOKEN_ASSIGN},
    {"+", TOKEN_PLUS},        {"-", TOKEN_MINUS},        {"*", TOKEN_STAR},
    {"/", TOKEN_SLASH},       {"<", TOKEN_LT},           {">", TOKEN_GT},
    {"!", TOKEN_NOT},
};

static uint32_t scan_punctuation(const lexer *lx, ftl_token_kind *kind)
{
    const char *s = lx->text + lx->at;
    for (size_t i = 0; i < FTL_COUNT(PUNCTUATION); i++) {
        const punctuation *p = &PUNCTUATION[i];
        if (p->text[0] == s[0] && (!p->text[1] || p->text[1] == s[1])) {
            *kind = (ftl_token_kind)p->kind;
            return p->text[1] ? 2 : 1;
        }
    }
    return scan_bad(lx, kind);
}

static uint32_t scan_token(const lexer *lx, ftl_token_kind *kind)
{
    char c = lx->text[lx->at];
    if (is_digit(c) || (c == '.' && is_digit(lx->text[lx->at + 1])))
        return scan_number(lx, kind);
    if (c == '"')
        return scan_string(lx, kind);
    uint32_t len = scan_name(lx);
    *kind = TOKEN_NAME;
    return len > 0 ? len : scan_punctuation(lx, kind);
}

static void add_comment(lexer *lx, bool own_line)
{
    const char *line_end = memchr(lx->text + lx->at, '\n', lx->end - lx->at);
    uint32_t end = line_end ? (uint32_t)(line_end - lx->text) : lx->end;
    ftl_comment *comment = FTL_VEC_PUSH(lx->arena, &lx->tree->comments);
    comment->span = (ftl_span){lx->tree->file, lx->at, end - lx->at};
    comment->own_line = own_line;
    lx->at = end;
}

/* Skips white space and comments; true when a line ended, or when the text starts here. */
static bool skip_space(lexer *lx)
{
    bool newline = lx->at == 0;
    for (; lx->at < lx->end; lx->at++) {
        char c = lx->text[lx->at];
        if (c == '#')
            add_comment(lx, newline);
        c = lx->text[lx->at];
        newline = newline || c == '\n';
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
            break;
    }
    return newline;
}

void ftl_syntax_lex(ftl_arena *arena, const ftl_source *source, ftl_tree *tree, ftl_tokens *tokens)
{
    static const char BYTE_ORDER_MARK[] = "\xef\xbb\xbf";
    assert(source->len < UINT32_MAX);
    lexer lx = {arena, source->text, 0, (uint32_t)source->len, tree, tokens};
    bool newline = skip_space(&lx);
    if (lx.end >= 3 && memcmp(lx.text, BYTE_ORDER_MARK, 3) == 0) {
        lx.at = 3;
        skip_space(&lx);
    }
    uint32_t last_end = UINT32_MAX;
    while (lx.at < lx.end) {
        ftl_token_kind kind = TOKEN_END;
        uint32_t len = scan_token(&lx, &kind);
        ftl_token *token = FTL_VEC_PUSH(arena, tokens);
        *token = (ftl_token){(uint8_t)kind, newline, lx.at == last_end, lx.at, len};
        lx.at += len;
        last_end = lx.at;
        newline = skip_space(&lx);
    }
    *FTL_VEC_PUSH(arena, tokens) = (ftl_token){TOKEN_END, true, false, lx.end, 0};
}

/* ---- strings ---- */

static int read_hex(char c)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) % 16 : -1;
}

/* escape = "\" ( "\" | '"' | "n" | "t" | "r" | "x" hex hex ). Gives the bytes read, 0 when
 * unknown. */
static size_t read_escape(const char *s, size_t len, char *out)
{
    static const char names[] = "\\\"ntr", values[] = "\\\"\n\t\r";
    const char *found = len > 1 && s[1] ? strchr(names, s[1]) : NULL;
    if (found) {
        *out = values[found - names];
        return 2;
    }
    if (len < 4 || s[1] != 'x' || read_hex(s[2]) < 0 || read_hex(s[3]) < 0)
        return 0;
    *out = (char)(read_hex(s[2]) * 16 + read_hex(s[3]));
    return *out ? 4 : 0;
}

const char *ftl_syntax_unescape(ftl_arena *arena, ftl_intern *names, const char *s, size_t len)
{
    s++;
    len -= 2;
    if (!memchr(s, '\\', len))
        return ftl_intern_get(names, s, len);
    char *text = ftl_arena_alloc(arena, len);
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        size_t used = 1;
        text[n] = s[i];
        if (s[i] == '\\')
            used = read_escape(s + i, len - i, &text[n]);
        if (used == 0)
            return NULL;
        i += used;
        n++;
    }
    return ftl_intern_get(names, text, n);
}
