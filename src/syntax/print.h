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

/* A space of the text that may become a line break. Those of the lowest level are taken first. */
typedef struct ftl_mark {
    size_t at;
    unsigned level;
} ftl_mark;

typedef struct ftl_printer {
    ftl_strbuf *out;
    FTL_VEC(ftl_mark) marks; /* by place */
    unsigned depth;          /* open brackets */
    bool newline_ends;       /* a newline here would end a statement or an arm */
    bool tight;              /* inside of an index: no spaces around operators */
} ftl_printer;

void ftl_print_node(ftl_printer *pr, const ftl_node *node);
/* A whole statement; blocks and functions with their body on the same line. */
void ftl_print_stmt(ftl_printer *pr, const ftl_stmt *stmt);
/* `fn name(formals) -> result {` */
void ftl_print_fn_head(ftl_printer *pr, const ftl_stmt *stmt);
/* Appends the printed text to out, which is at column indent, broken into lines of FTL_LINE_WIDTH
 * where it can be; following lines are indented by FTL_INDENT more. */
void ftl_print_lines(const ftl_printer *pr, unsigned indent, ftl_strbuf *out);
/* Columns of the text. */
size_t ftl_print_get_width(const char *s, size_t len);

#endif
