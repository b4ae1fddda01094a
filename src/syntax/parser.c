/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser's tokens, brackets, errors and nodes.
 *
 * Long chains. A sum of n terms would make a tree of height n. From LONGEST_CHAIN operands on a
 * chain becomes a balanced tree of the same meaning: a - b - c + d as (a - b) - (c - d); the
 * factors between two divisions likewise. The formatter prints such a tree as the chain that it
 * was.
 */
#include "syntax/parser.h"

#define LONGEST_CHAIN 32

void *ftl_parser_copy(ftl_parser *p, const void *data, size_t n, size_t size)
{
    if (n == 0)
        return NULL;
    void *copy = ftl_arena_alloc_array(p->arena, n, size);
    memcpy(copy, data, n * size);
    return copy;
}

/* ---- tokens ---- */

const ftl_token *ftl_parser_peek_next(const ftl_parser *p)
{
    const ftl_token *token = ftl_parser_peek(p);
    return token->kind == TOKEN_END ? token : token + 1;
}

bool ftl_parser_accept(ftl_parser *p, ftl_token_kind kind)
{
    if (!ftl_parser_is(p, kind))
        return false;
    p->at++;
    return true;
}

ftl_span ftl_parser_get_span(const ftl_parser *p, const ftl_token *token)
{
    return (ftl_span){p->file, token->off, token->len};
}

ftl_span ftl_parser_get_span_since(const ftl_parser *p, size_t first)
{
    const ftl_token *last = &p->tokens[p->at > first ? p->at - 1 : first];
    uint32_t off = p->tokens[first].off;
    return (ftl_span){p->file, off, last->off + last->len - off};
}

bool ftl_parser_is_word(const ftl_parser *p, const ftl_token *token, const char *word)
{
    return token->kind == TOKEN_NAME && strncmp(p->text + token->off, word, token->len) == 0 &&
           !word[token->len];
}

bool ftl_parser_is_projection(const ftl_parser *p, ftl_proj *proj)
{
    static const char *const names[] = {"max", "min", "avg", "lse"};
    static const ftl_proj projs[] = {FTL_PROJ_MAX, FTL_PROJ_MIN, FTL_PROJ_AVG, FTL_PROJ_LSE};
    const ftl_token *token = ftl_parser_peek(p), *next = ftl_parser_peek_next(p);
    if (token->kind != TOKEN_NAME || token->len != 3 || next->kind != TOKEN_ASSIGN ||
        !next->adjacent)
        return false;
    for (size_t i = 0; i < FTL_COUNT(names); i++) {
        if (ftl_parser_is_word(p, token, names[i])) {
            *proj = projs[i];
            return true;
        }
    }
    return false;
}

bool ftl_parser_is_arrow(const ftl_parser *p)
{
    const ftl_token *next = ftl_parser_peek_next(p);
    return ftl_parser_is(p, TOKEN_LT) && next->kind == TOKEN_MINUS && next->adjacent;
}

bool ftl_parser_is_after_newline(const ftl_parser *p)
{
    return p->newline_ends && p->at > p->start && ftl_parser_peek(p)->newline;
}

bool ftl_parser_is_at_end(const ftl_parser *p)
{
    return ftl_parser_is(p, TOKEN_END) || ftl_parser_is(p, TOKEN_SEMICOLON) ||
           ftl_parser_is(p, TOKEN_RBRACE) || ftl_parser_is_after_newline(p);
}

const char *ftl_parser_take_name(ftl_parser *p)
{
    const ftl_token *token = ftl_parser_peek(p);
    p->at++;
    return ftl_intern_get(p->names, p->text + token->off, token->len);
}

const char *ftl_parser_expect_name(ftl_parser *p, const char *what, ftl_span *span)
{
    bool after_comma = p->at > 0 && p->tokens[p->at - 1].kind == TOKEN_COMMA;
    if (!ftl_parser_is(p, TOKEN_NAME) || (ftl_parser_is_after_newline(p) && !after_comma))
        return ftl_parser_fail_expected(p, what, NULL);
    *span = ftl_parser_get_span(p, ftl_parser_peek(p));
    return ftl_parser_take_name(p);
}

const char *ftl_parser_take_string(ftl_parser *p)
{
    const ftl_token *token = ftl_parser_peek(p);
    const char *text =
        ftl_syntax_unescape(p->arena, p->names, p->text + token->off, token->len);
    if (!text)
        return ftl_parser_fail_code(p, FTL_E_CHARACTER, ftl_parser_get_span(p, token),
                                    "a backslash is written '\\\\'; there are \\\", \\n, \\t, "
                                    "\\r and \\x41",
                                    "an unknown escape in a string");
    p->at++;
    return text;
}

/* ---- brackets, depth ---- */

void ftl_parser_open(ftl_parser *p, bool newline_ends)
{
    ftl_bracket *bracket = FTL_VEC_PUSH(p->arena, &p->brackets);
    *bracket = (ftl_bracket){(uint32_t)p->at, p->newline_ends, p->in_guard};
    p->newline_ends = newline_ends;
    p->in_guard = false;
    p->at++;
}

bool ftl_parser_close(ftl_parser *p, ftl_token_kind kind, const char *what)
{
    if (!ftl_parser_is(p, kind))
        return ftl_parser_fail_expected(p, what, NULL);
    const ftl_bracket *bracket = &p->brackets.data[--p->brackets.len];
    p->newline_ends = bracket->newline_ends;
    p->in_guard = bracket->in_guard;
    p->at++;
    return true;
}

bool ftl_parser_enter(ftl_parser *p)
{
    if (p->depth >= FTL_PARSE_MAX_DEPTH)
        return ftl_parser_fail_code(p, FTL_E_DEPTH, ftl_parser_get_span(p, ftl_parser_peek(p)),
                                    "give a part of it a name with 'let'",
                                    "brackets and operators are nested too deeply here");
    p->depth++;
    return true;
}

void ftl_parser_leave(ftl_parser *p)
{
    p->depth--;
}

/* ---- recovery ---- */

typedef struct recovery {
    size_t at;     /* the token where reading can go on */
    bool unclosed; /* a bracket of the statement was open there */
} recovery;

/* Column of the first byte of the line that is not white space. */
static size_t get_indent(const ftl_parser *p, const ftl_token *token)
{
    size_t start = token->off, end;
    while (start > 0 && p->text[start - 1] != '\n')
        start--;
    for (end = start; p->text[end] == ' ' || p->text[end] == '\t'; end++)
        continue;
    return end - start;
}

/* That of the line on which the statement starts, found once. */
static size_t get_start_indent(ftl_parser *p)
{
    if (p->indent_start != p->start + 1) {
        p->indent_start = p->start + 1;
        p->indent = get_indent(p, &p->tokens[p->start]);
    }
    return p->indent;
}

/* Inside of brackets that are perhaps not closed: a line that is not indented more than the
 * statement and starts with a name or a string is taken for the next statement. */
static bool is_outdented(ftl_parser *p, const ftl_token *token)
{
    return token->newline && (token->kind == TOKEN_NAME || token->kind == TOKEN_STRING) &&
           get_indent(p, token) <= get_start_indent(p);
}

static bool is_continuation(const ftl_token *token)
{
    return (token->kind >= TOKEN_PLUS && token->kind <= TOKEN_OR) || token->kind == TOKEN_QUESTION;
}

static bool is_boundary(ftl_parser *p, const ftl_token *token, size_t parens, size_t braces)
{
    if (braces == 0 && (token->kind == TOKEN_SEMICOLON || token->kind == TOKEN_RBRACE))
        return true;
    if (parens + braces > 0)
        return is_outdented(p, token);
    return token->newline && !is_continuation(token);
}

static recovery find_recovery(ftl_parser *p)
{
    size_t parens = 0, braces = 0, i = p->start;
    for (;; i++) {
        const ftl_token *token = &p->tokens[i];
        bool past = i >= p->at && i > p->start;
        if (token->kind == TOKEN_END || (past && is_boundary(p, token, parens, braces)))
            return (recovery){i, parens + braces > 0};
        switch (token->kind) {
        case TOKEN_LPAREN:
        case TOKEN_LBRACKET: parens++; break;
        case TOKEN_RPAREN:
        case TOKEN_RBRACKET: parens -= parens > 0; break;
        case TOKEN_LBRACE: braces++; break;
        case TOKEN_RBRACE:
            parens = 0;
            braces -= braces > 0;
            break;
        default: break;
        }
    }
}

/* The first line behind an unclosed bracket that looks like the next statement. */
static size_t find_next_line(ftl_parser *p, size_t bracket)
{
    size_t i = bracket + 1;
    while (p->tokens[i].kind != TOKEN_END && !is_outdented(p, &p->tokens[i]))
        i++;
    return i;
}

void ftl_parser_recover(ftl_parser *p)
{
    p->at = p->resume > 0 ? p->resume : find_recovery(p).at;
    p->resume = 0;
    if (p->brackets.len > p->base) {
        p->newline_ends = p->brackets.data[p->base].newline_ends;
        p->brackets.len = p->base;
    }
    p->in_guard = false;
    p->failed = false;
    p->depth = p->base_depth;
    p->operands.len = p->nodes.len = p->kwargs.len = p->indices.len = p->terms.len = 0;
}

/* ---- errors ---- */

static void report(ftl_parser *p, ftl_diag_code code, ftl_span span, const char *hint,
                   const char *message)
{
    if (p->failed)
        return;
    p->failed = true;
    const ftl_bracket *open =
        p->brackets.len > p->base ? &p->brackets.data[p->brackets.len - 1] : NULL;
    if (open && code == FTL_E_SYNTAX && find_recovery(p).unclosed) {
        const ftl_token *token = &p->tokens[open->token];
        code = FTL_E_BRACKET;
        p->resume = find_next_line(p, open->token);
        span = ftl_parser_get_span(p, token);
        message = ftl_arena_printf(p->arena, "'%c' is not closed", p->text[token->off]);
        hint = NULL;
    }
    ftl_diag *d = ftl_diag_error(p->diags, code, span, "%s", message);
    if (hint)
        ftl_diag_hint(p->diags, d, "%s", hint);
}

void *ftl_parser_fail(ftl_parser *p, ftl_span span, const char *hint, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *message = ftl_arena_vprintf(p->arena, fmt, args);
    va_end(args);
    report(p, FTL_E_SYNTAX, span, hint, message);
    return NULL;
}

void *ftl_parser_fail_code(ftl_parser *p, ftl_diag_code code, ftl_span span, const char *hint,
                           const char *message)
{
    report(p, code, span, hint, message);
    return NULL;
}

/* What to write for characters that other languages and typography use. */
static const char *find_character_hint(const char *s, size_t len)
{
    static const char *const table[][2] = {
        {"^", "a power is written '**'"},
        {"&", "'and' is written '&&'"},
        {"|", "'or' is written '||'"},
        {"~", "'not' is written '!'"},
        {"'", "a text stands in double quotes; a prime follows a name"},
        {"\\", "a statement goes on after a binary operator, a comma or inside of brackets"},
        {"\u201c", "a text stands in plain quotes: \""},
        {"\u201d", "a text stands in plain quotes: \""},
        {"\u2018", "a text stands in plain quotes: \""},
        {"\u2019", "a prime is written with a plain apostrophe: '"},
        {"\u2212", "minus is written with a plain hyphen: -"},
        {"\u2013", "minus is written with a plain hyphen: -"},
        {"\u00d7", "a product is written '*' or side by side"},
        {"\u00b7", "a product is written '*' or side by side"},
        {"\u22c5", "a product is written '*' or side by side"},
        {"\u00f7", "a quotient is written '/'"},
        {"\u2264", "write '<='"},
        {"\u2265", "write '>='"},
        {"\u2260", "write '!='"},
        {"\u2227", "'and' is written '&&'"},
        {"\u2228", "'or' is written '||'"},
        {"\u00ac", "'not' is written '!'"},
        {"\u2190", "write '<-'"},
        {"\u2192", "write '->'"},
        {"\u00a0", "this is a no-break space; write a plain space"},
        {"\ufeff", "this is an invisible mark; delete it"},
    };
    for (size_t i = 0; i < FTL_COUNT(table); i++)
        if (strlen(table[i][0]) == len && memcmp(table[i][0], s, len) == 0)
            return table[i][1];
    return NULL;
}

static void *fail_bad_token(ftl_parser *p, const ftl_token *token)
{
    ftl_span span = ftl_parser_get_span(p, token);
    const char *s = p->text + token->off;
    ftl_strbuf shown;
    ftl_strbuf_init(&shown, p->arena);
    ftl_strbuf_put_escaped(&shown, s, token->len < 40 ? token->len : 40);
    const char *text = ftl_strbuf_get(&shown);
    switch (token->kind) {
    case TOKEN_BAD_STRING:
        return ftl_parser_fail_code(p, FTL_E_CHARACTER, span,
                                    "a text starts and ends with '\"' on one line",
                                    "a string that is not closed at the end of the line");
    case TOKEN_BAD_UTF8:
        return ftl_parser_fail_code(p, FTL_E_CHARACTER, span, "programs are stored as UTF-8",
                                    "bytes that are not UTF-8 text");
    case TOKEN_BAD_NUMBER:
        return ftl_parser_fail_code(p, FTL_E_NUMBER, span, "numbers look like 12, 0.5 or 1e-3",
                                    ftl_arena_printf(p->arena, "unknown number '%s'", text));
    default:
        return ftl_parser_fail_code(p, FTL_E_CHARACTER, span,
                                    find_character_hint(s, token->len),
                                    ftl_arena_printf(p->arena, "unknown character '%s'", text));
    }
}

const char *ftl_parser_describe(const ftl_parser *p, const ftl_token *token)
{
    if (token->kind == TOKEN_END)
        return "the end of the file";
    if (token == ftl_parser_peek(p) && ftl_parser_is_after_newline(p))
        return "the end of the line";
    if (token->kind == TOKEN_STRING)
        return "a string";
    int len = token->len < 60 ? (int)token->len : 60;
    const char *cut = token->len < 60 ? "" : "...";
    return ftl_arena_printf(p->arena, "'%.*s%s'", len, p->text + token->off, cut);
}

/* At the end of a line the token before is shown: the fault is there, not on the next line. */
void *ftl_parser_fail_expected(ftl_parser *p, const char *what, const char *hint)
{
    const ftl_token *token = ftl_parser_peek(p);
    bool ended = ftl_parser_is_after_newline(p) || token->kind == TOKEN_END;
    if (token->kind >= TOKEN_BAD_CHARACTER && !ended)
        return fail_bad_token(p, token);
    ftl_span span = ftl_parser_get_span(p, ended && p->at > p->start ? token - 1 : token);
    return ftl_parser_fail(p, span, hint, "expected %s, found %s", what,
                           ftl_parser_describe(p, token));
}

/* ---- nodes ---- */

ftl_node *ftl_parser_make(ftl_parser *p, ftl_node_kind kind, ftl_span span)
{
    ftl_node *node = FTL_NEW(p->arena, ftl_node);
    node->kind = kind;
    node->span = node->name_span = span;
    node->height = 1;
    return node;
}

static void raise_height(ftl_node *node, const ftl_node *child)
{
    if (child && child->height >= node->height)
        node->height = (uint16_t)(child->height + 1);
}

bool ftl_parser_measure(ftl_parser *p, ftl_node *node)
{
    for (size_t i = 0; i < node->args.len; i++)
        raise_height(node, node->args.data[i]);
    for (size_t i = 0; i < node->kwargs.len; i++)
        raise_height(node, node->kwargs.data[i].value);
    for (size_t i = 0; i < node->indices.len; i++) {
        const ftl_index *index = &node->indices.data[i];
        raise_height(node, index->gather);
        raise_height(node, index->divisor);
        raise_height(node, index->start);
        raise_height(node, index->stop);
        raise_height(node, index->step);
    }
    if (node->height <= FTL_TREE_MAX_HEIGHT)
        return true;
    return ftl_parser_fail_code(p, FTL_E_DEPTH, node->name_span,
                                "give a part of it a name with 'let'",
                                "brackets and operators are nested too deeply here");
}

/* ---- chains ---- */

static ftl_node *join(ftl_parser *p, ftl_node *left, const ftl_operand *by, ftl_node *right)
{
    if (!left || !right)
        return NULL;
    ftl_node *node = ftl_parser_make(p, FTL_NODE_BINARY, ftl_span_join(left->span, right->span));
    node->op = by->op;
    node->implicit = by->implicit;
    node->name_span = by->op_span;
    node->args.data = FTL_NEW_ARRAY(p->arena, ftl_node *, 2);
    node->args.data[0] = left;
    node->args.data[1] = right;
    node->args.len = node->args.cap = 2;
    return ftl_parser_measure(p, node) ? node : NULL;
}

static ftl_node *fold_left(ftl_parser *p, const ftl_operand *list, size_t n)
{
    ftl_node *node = list[0].node;
    for (size_t i = 1; i < n && node; i++)
        node = join(p, node, &list[i], list[i].node);
    return node;
}

/* With flip, plus and minus change places: the part stands behind a minus. */
static ftl_node *fold_balanced(ftl_parser *p, const ftl_operand *list, size_t n, bool flip)
{
    if (n == 1)
        return list[0].node;
    size_t middle = n / 2;
    ftl_operand by = list[middle];
    by.op = flip ? ftl_op_flip_sign(by.op) : by.op;
    ftl_node *left = fold_balanced(p, list, middle, flip);
    ftl_node *right =
        fold_balanced(p, list + middle, n - middle, by.op == FTL_OP_SUB ? !flip : flip);
    ftl_node *node = join(p, left, &by, right);
    if (node)
        node->balanced = true;
    return node;
}

/* a * b / c * d * e  =  (((a * b) / c) * (d * e)) : the factors between divisions are balanced. */
static ftl_node *fold_factors(ftl_parser *p, const ftl_operand *list, size_t n)
{
    ftl_node *node = NULL;
    for (size_t i = 0; i < n && (i == 0 || node);) {
        size_t end = i + 1;
        while ((i == 0 || list[i].op == FTL_OP_MUL) && end < n && list[end].op == FTL_OP_MUL)
            end++;
        ftl_node *part = fold_balanced(p, list + i, end - i, false);
        node = i == 0 ? part : join(p, node, &list[i], part);
        if (node && i > 0)
            node->balanced = true;
        i = end;
    }
    return node;
}

ftl_node *ftl_parser_build_chain(ftl_parser *p, size_t from)
{
    const ftl_operand *list = p->operands.data + from;
    size_t n = p->operands.len - from;
    ftl_node *node = NULL;
    if (n <= LONGEST_CHAIN)
        node = fold_left(p, list, n);
    else if (list[1].op == FTL_OP_MUL || list[1].op == FTL_OP_DIV)
        node = fold_factors(p, list, n);
    else
        node = fold_balanced(p, list, n, false);
    p->operands.len = from;
    return node;
}
