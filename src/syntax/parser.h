/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the room syntax: what the files of the parser share. The parser walks an array of
 * tokens. A function that parses returns null or false after an error; the first error of a
 * statement is reported, the rest of the statement is skipped (ftl_parser_recover), and the next
 * one is read.
 */
#ifndef FTL_SYNTAX_PARSER_H
#define FTL_SYNTAX_PARSER_H

#include "syntax/lex.h"

/* What a bracket changes, kept to restore it when it closes. */
typedef struct ftl_bracket {
    uint32_t token;    /* index of the opening token */
    bool newline_ends; /* the values outside of it */
    bool in_guard;
} ftl_bracket;

/* An operand of a chain of operators of one precedence, with the operator on its left. */
typedef struct ftl_operand {
    ftl_node *node;
    ftl_op op;
    bool implicit;
    ftl_span op_span;
} ftl_operand;

typedef struct ftl_parser {
    ftl_arena *arena;
    ftl_intern *names;
    ftl_diags *diags;
    const char *text;
    const ftl_token *tokens; /* ends with TOKEN_END */
    size_t at;               /* the current token */
    size_t start;            /* first token of the statement being parsed */
    size_t base;             /* open brackets around it */
    size_t resume;           /* where the next one starts, when a bracket of it is not closed */
    size_t indent;           /* of its line, when indent_start is start + 1 */
    size_t indent_start;
    unsigned depth, base_depth; /* now, and at the start of that statement */
    uint32_t file;
    bool newline_ends; /* a newline ends a statement or an arm here: not inside of ( [ and lists */
    bool in_guard;     /* `<-` ends the expression */
    bool failed;       /* the statement has had its error */
    bool unclosed;     /* it was reported that a block does not end */
    FTL_VEC(ftl_bracket) brackets;
    FTL_VEC(ftl_operand) operands; /* the rest are stacks where children wait for their parent */
    FTL_VEC(ftl_node *) nodes;
    FTL_VEC(ftl_kwarg) kwargs;
    FTL_VEC(ftl_index) indices;
    FTL_VEC(ftl_index_term) terms;
} ftl_parser;

/* Moves the elements of stack from `from` on into the empty vector out. */
#define FTL_PARSER_TAKE(p, stack, from, out)                                                       \
    do {                                                                                           \
        size_t ftl_take_n = (p)->stack.len - (from);                                               \
        (out)->len = (out)->cap = ftl_take_n;                                                      \
        (out)->data = ftl_parser_copy((p), ftl_take_n > 0 ? &(p)->stack.data[from] : NULL,         \
                                      ftl_take_n, sizeof(*(p)->stack.data));                       \
        (p)->stack.len = (from);                                                                   \
    } while (0)
void *ftl_parser_copy(ftl_parser *p, const void *data, size_t n, size_t size);

/* ---- tokens (parser.c) ---- */

static inline const ftl_token *ftl_parser_peek(const ftl_parser *p)
{
    return &p->tokens[p->at];
}

static inline bool ftl_parser_is(const ftl_parser *p, ftl_token_kind kind)
{
    return p->tokens[p->at].kind == kind;
}

/* The token after the current one; TOKEN_END follows itself. */
const ftl_token *ftl_parser_peek_next(const ftl_parser *p);
bool ftl_parser_accept(ftl_parser *p, ftl_token_kind kind);
ftl_span ftl_parser_get_span(const ftl_parser *p, const ftl_token *token);
/* From the first byte of token `first` to the last byte before the current token. */
ftl_span ftl_parser_get_span_since(const ftl_parser *p, size_t first);
/* Whether token is this word. */
bool ftl_parser_is_word(const ftl_parser *p, const ftl_token *token, const char *word);
/* Whether the current token is `max`, `min`, `avg` or `lse` with an adjacent '=', which then gives
 * the projection. */
bool ftl_parser_is_projection(const ftl_parser *p, ftl_proj *proj);
/* `<` with an adjacent `-`. */
bool ftl_parser_is_arrow(const ftl_parser *p);
/* Whether a newline that counts stands before the current token. */
bool ftl_parser_is_after_newline(const ftl_parser *p);
/* Whether the statement or arm ends before the current token: ';', '}', the end, or a newline. */
bool ftl_parser_is_at_end(const ftl_parser *p);
/* Takes the current NAME token. */
const char *ftl_parser_take_name(ftl_parser *p);
/* Reads the current token, a NAME on the same line or after a comma; otherwise an error that says
 * "expected `what`". */
const char *ftl_parser_expect_name(ftl_parser *p, const char *what, ftl_span *span);
/* Reads the current token, a STRING. Null after an error in it. */
const char *ftl_parser_take_string(ftl_parser *p);

/* ---- brackets, depth (parser.c) ---- */

/* Takes the opening bracket that is current. */
void ftl_parser_open(ftl_parser *p, bool newline_ends);
/* Takes the closing bracket of the innermost open one; an error that says "expected `what`" when it
 * is not the current token. */
bool ftl_parser_close(ftl_parser *p, ftl_token_kind kind, const char *what);
/* One level of nesting more; false after the error E_DEPTH. */
bool ftl_parser_enter(ftl_parser *p);
void ftl_parser_leave(ftl_parser *p);

/* ---- errors (parser.c) ---- */

/* Reports the error of the statement, unless it has had one. hint may be null. Always gives
 * null. */
void *ftl_parser_fail(ftl_parser *p, ftl_span span, const char *hint, const char *fmt, ...)
    FTL_PRINTF(4, 5);
void *ftl_parser_fail_code(ftl_parser *p, ftl_diag_code code, ftl_span span, const char *hint,
                           const char *message);
/* "expected `what`, found ..." at the current token; says what is wrong with a bad token
 * instead. */
void *ftl_parser_fail_expected(ftl_parser *p, const char *what, const char *hint);
/* A token for a message: "'relu'", "a string", "the end of the line". */
const char *ftl_parser_describe(const ftl_parser *p, const ftl_token *token);
/* After an error: skips to where the next statement can start and closes its brackets. */
void ftl_parser_recover(ftl_parser *p);

/* ---- nodes (parser.c) ---- */

ftl_node *ftl_parser_make(ftl_parser *p, ftl_node_kind kind, ftl_span span);
/* Sets the height from the children that the node has now. False after the error E_DEPTH. */
bool ftl_parser_measure(ftl_parser *p, ftl_node *node);
/* A tree of the operands from `from` on, which are taken from the stack: all of one precedence.
 * Null after an error. */
ftl_node *ftl_parser_build_chain(ftl_parser *p, size_t from);

/* ---- grammar (expr.c, index.c) ---- */

ftl_node *ftl_parser_parse_expr(ftl_parser *p);
/* sum: what a slice bound or an index may be. */
ftl_node *ftl_parser_parse_sum(ftl_parser *p);
/* An expression, a list or a dict. */
ftl_node *ftl_parser_parse_argument(ftl_parser *p);

typedef enum ftl_place {
    FTL_PLACE_RIGHT, /* in an expression */
    FTL_PLACE_LEFT,  /* the left side of a statement */
    FTL_PLACE_QUERY  /* a query from the command line */
} ftl_place;

/* The current token is a name: a NAME, REF or CALL. */
ftl_node *ftl_parser_parse_reference(ftl_parser *p, ftl_place place);
/* The current token is '[': the indices of node. */
bool ftl_parser_parse_indices(ftl_parser *p, ftl_node *node, ftl_place place);
/* The current token is '(': the arguments of node, which becomes a REF or a CALL. */
bool ftl_parser_parse_arguments(ftl_parser *p, ftl_node *node, ftl_place place);

/* ---- statements (declare.c) ---- */

ftl_stmt *ftl_parser_make_stmt(ftl_parser *p, ftl_stmt_kind kind);
/* Whether no value follows `=` on its line, which is then an error that says "expected `what`". */
bool ftl_parser_is_value_missing(ftl_parser *p, const char *what);
ftl_node *ftl_parser_parse_value(ftl_parser *p);
/* A statement whose first word is current and followed by a name, which is read. */
ftl_stmt *ftl_parser_parse_declared_name(ftl_parser *p, ftl_stmt_kind kind);
ftl_stmt *ftl_parser_parse_export(ftl_parser *p);
ftl_stmt *ftl_parser_parse_param(ftl_parser *p);
ftl_stmt *ftl_parser_parse_const(ftl_parser *p);
ftl_stmt *ftl_parser_parse_axis(ftl_parser *p);
ftl_stmt *ftl_parser_parse_domain(ftl_parser *p);
ftl_stmt *ftl_parser_parse_import(ftl_parser *p);

#endif
