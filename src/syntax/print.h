/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the room syntax: tree -> one line of text with marks where it may be broken, and the
 * breaking of that line.
 */
#ifndef FTL_SYNTAX_PRINT_H
#define FTL_SYNTAX_PRINT_H

#include "syntax/tree.h"

#define FTL_LINE_WIDTH 100
#define FTL_INDENT 4

/* A space of the text that may become a line break. Those of the lowest level are taken first, hard
 * ones always. */
typedef struct ftl_mark {
    size_t at;
    unsigned level;
    unsigned indent; /* of the line after it */
    bool hard;
} ftl_mark;

typedef struct ftl_printer {
    ftl_strbuf *out;
    FTL_VEC(ftl_mark) marks; /* by place */
    const char *text;        /* what was parsed, or null: it has the lines of lists and cases */
    unsigned depth;          /* open brackets, and choices around; it gives the level of marks */
    unsigned indent;         /* of the statement's first line, and of arms on lines of their own */
    bool newline_ends;       /* a newline here would end a statement or an arm */
    bool tight;              /* inside of an index: no spaces around operators */
    bool splits_cases;       /* each arm of a case on a line of its own */
    bool has_case;           /* one was printed on one line */
} ftl_printer;

/* ---- text and lines (layout.c) ---- */

void ftl_print_text(ftl_printer *pr, const char *s);
/* A space that may become a line break; of level 0 to 15 within its bracket. */
void ftl_print_break(ftl_printer *pr, unsigned level);
/* A line break. */
void ftl_print_hard_break(ftl_printer *pr);
/* ',' and a break. */
void ftl_print_comma(ftl_printer *pr);
/* An opening bracket; gives whether a newline ended a statement outside of it, for the closing
 * one. */
bool ftl_print_open(ftl_printer *pr, const char *text, bool newline_ends);
void ftl_print_close(ftl_printer *pr, const char *text, bool outside);
/* In quotes, with escapes. */
void ftl_print_string(ftl_printer *pr, const char *s);
/* Whether the text that was parsed had a line end between two places. */
bool ftl_print_has_newline(const ftl_printer *pr, uint32_t from, uint32_t to);
/* Appends the printed text to out, which is at the column where it started, broken into lines of
 * FTL_LINE_WIDTH where it can be. */
void ftl_print_lines(const ftl_printer *pr, ftl_strbuf *out);

/* ---- nodes and statements (print.c, print_stmt.c) ---- */

void ftl_print_node(ftl_printer *pr, const ftl_node *node);
void ftl_print_indices(ftl_printer *pr, const ftl_indices *indices);
/* A whole statement; blocks and functions with their body on the same line. */
void ftl_print_stmt(ftl_printer *pr, const ftl_stmt *stmt);
/* `fn name(formals) -> result {` */
void ftl_print_fn_head(ftl_printer *pr, const ftl_stmt *stmt);

#endif
