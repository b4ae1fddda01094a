/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the room syntax: text -> tokens. Every byte of the text is in a token, in a comment or
 * is white space. What no token starts with becomes one of the TOKEN_BAD kinds; the parser reports
 * it when it gets there, so a statement has one message.
 */
#ifndef FTL_SYNTAX_LEX_H
#define FTL_SYNTAX_LEX_H

#include "syntax/tree.h"

typedef enum ftl_token_kind {
    TOKEN_END,
    TOKEN_NAME,   /* letters, digits, '_', bytes of UTF-8; then primes */
    TOKEN_NUMBER, /* 12, 0.5, .5, 1., 6e-1 */
    TOKEN_STRING, /* with its quotes */
    TOKEN_LPAREN,
    TOKEN_RPAREN,
    TOKEN_LBRACKET,
    TOKEN_RBRACKET,
    TOKEN_LBRACE,
    TOKEN_RBRACE,
    TOKEN_COMMA,
    TOKEN_SEMICOLON,
    TOKEN_COLON,
    TOKEN_SCOPE, /* :: */
    TOKEN_DOT,
    TOKEN_QUESTION,
    TOKEN_AT,
    TOKEN_MAPS, /* -> */
    TOKEN_ASSIGN,
    TOKEN_PLUS_ASSIGN,
    TOKEN_STAR_ASSIGN,
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_STAR,
    TOKEN_STAR_STAR,
    TOKEN_SLASH,
    TOKEN_EQ,
    TOKEN_NE,
    TOKEN_LT, /* `<-` is TOKEN_LT and an adjacent TOKEN_MINUS: in `x <-1` it is a comparison */
    TOKEN_LE,
    TOKEN_GT,
    TOKEN_GE,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_NOT, /* ! */
    TOKEN_BAD_CHARACTER,
    TOKEN_BAD_UTF8,
    TOKEN_BAD_STRING, /* not closed on its line */
    TOKEN_BAD_NUMBER  /* 0x1f, 1_000 */
} ftl_token_kind;

typedef struct ftl_token {
    uint8_t kind;  /* ftl_token_kind */
    bool newline;  /* a line ends between the token before and this one */
    bool adjacent; /* nothing stands between the token before and this one */
    uint32_t off, len;
} ftl_token;

typedef FTL_VEC(ftl_token) ftl_tokens;

/* Appends the tokens of source, the last one TOKEN_END, and its comments to tree. The source is
 * shorter than UINT32_MAX. */
void ftl_syntax_lex(ftl_arena *arena, const ftl_source *source, ftl_tree *tree, ftl_tokens *tokens);
/* The text of a STRING token without quotes and escapes, interned; null when an escape is
 * unknown. */
const char *ftl_syntax_unescape(ftl_arena *arena, ftl_intern *names, const char *s, size_t len);

#endif
