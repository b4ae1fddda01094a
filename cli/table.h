/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of commands and options, and what its readers share: parsing (options.c), help and the
 * manual page (help.c), completions (complete.c).
 */
#ifndef FUSE_TABLE_H
#define FUSE_TABLE_H

#include "cli.h"

#include <stdio.h>

typedef enum option_kind {
    OPT_FLAG,     /* bool */
    OPT_INT_FLAG, /* int */
    OPT_TEXT,     /* any text; `values` are some */
    OPT_WORD,     /* a text among `values` */
    OPT_LIST,     /* any text, repeatable */
    OPT_INT,      /* int64_t from 0 on */
    OPT_COUNT,    /* int from 0 on */
    OPT_THREADS,  /* int from 0 on, fewer */
    OPT_BYTES,    /* size_t: 4096, 64K, 512M, 4G */
    OPT_NUMBER,   /* double from 0 on */
    OPT_EXPLAIN,  /* its value is optional and stands behind `=`: among `values` */
    OPT_STRICT    /* likewise */
} option_kind;

typedef struct option_row {
    const char *name, *operand; /* operand: null of a flag, "[=...]" where it is optional */
    option_kind kind;
    size_t offset;        /* in cli_args */
    const char *commands; /* letters: r run, c check, f fmt, d dump, e explain, b backends; upper
                           * case: known, and refused by this version; only the manual has it */
    const char *values;   /* for completion and help, or null */
    const char *doc;
} option_row;

extern const option_row cli_options[];
extern const size_t cli_n_options;

typedef struct command_row {
    const char *name, *operand, *doc;
    char letter;
    int (*run)(const cli_args *args);
} command_row;

extern const command_row cli_commands[];
extern const size_t cli_n_commands;

extern const char *const cli_shells; /* that have completions */

const command_row *cli_find_command(const char *name); /* or null */
/* The command takes the option, if only to refuse it in this version. */
bool cli_belongs(const option_row *o, const command_row *c);
/* The command runs it, so that help and completions show it. */
bool cli_is_shown(const option_row *o, const command_row *c);
bool cli_is_later(const option_row *o);
bool cli_is_flag(const option_row *o);
bool cli_is_optional(const option_row *o); /* its value is */

void cli_print_help(FILE *f, const command_row *c); /* c null: of the whole program */

#endif
