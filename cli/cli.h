/* SPDX-License-Identifier: Apache-2.0
 *
 * The program `fuse`. Commands and options are rows of one table (options.c), from which parsing,
 * --help, the man page and the completions come. Uses fusetl.h only.
 */
#ifndef FUSE_CLI_H
#define FUSE_CLI_H

#include "fusetl.h"

#include <stdbool.h>

enum { EXIT_OK = 0, EXIT_PROGRAM = 1, EXIT_USAGE = 2, EXIT_FAULT = 3 };

typedef struct cli_list {
    const char **items;
    size_t n, cap;
} cli_list;

/* What the command line said. */
typedef struct cli_args {
    ftl_config config;
    const char *command, *program;
    const char *out;             /* file or folder */
    const char *explain;         /* null, "text" or "json" */
    const char *after;           /* dump */
    bool write_back, check_only; /* fmt */
    bool json, quiet;
    cli_list inputs, params, temperatures, queries, wrt;
    cli_list operands; /* what is no option */
    long repeat;       /* runs; explain */
} cli_args;

/* Parses; prints what is wrong and gives EXIT_USAGE, or gives EXIT_OK. *done: help or version was
 * printed. */
int cli_parse(cli_args *args, int argc, char **argv, bool *done);
void cli_free(cli_args *args);
void cli_print_help(const char *command); /* null: of the whole program */
int cli_print_man(void);
int cli_print_completion(const char *shell);

int cli_run(const cli_args *args);
int cli_check(const cli_args *args);
int cli_fmt(const cli_args *args);
int cli_dump(const cli_args *args);
int cli_explain(const cli_args *args);
int cli_backends(const cli_args *args);

/* A line of work on a terminal that takes long; nothing in a pipe (progress.c). */
typedef struct cli_progress cli_progress;
cli_progress *cli_progress_start(const char *what);
void cli_progress_stop(cli_progress *p);

#endif
