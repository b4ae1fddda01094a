/* SPDX-License-Identifier: Apache-2.0
 *
 * The program `fuse`. Commands and options are rows of one table (table.c), from which parsing,
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
    const char *program;         /* its path, "-" the standard input; completion: the shell */
    const char *out;             /* file or folder */
    const char *explain;         /* null, "text" or "json" */
    const char *after;           /* dump */
    bool write_back, check_only; /* fmt */
    bool json, quiet;
    cli_list inputs, params, temperatures, queries, wrt;
    cli_list operands; /* what is no option */
    int repeat;        /* runs; explain */
} cli_args;

struct command_row;
/* Parses; prints what is wrong and gives EXIT_USAGE, or gives EXIT_OK. *command is null when there
 * is nothing left to do: help or the version was asked for and printed. */
int cli_parse(cli_args *args, int argc, char **argv, const struct command_row **command);
void cli_free(cli_args *args);

int cli_run(const cli_args *args);
int cli_check(const cli_args *args);
int cli_fmt(const cli_args *args);
int cli_dump(const cli_args *args);
int cli_explain(const cli_args *args);
int cli_backends(const cli_args *args);
int cli_man(const cli_args *args);
int cli_completion(const cli_args *args);

/* The program of the command line (source.c). Streams - the standard input, pipes, devices - are
 * read here, up to the size that the library takes; files are left to the library. */
typedef struct cli_source {
    const char *name; /* in messages: the path, or <stdin>, <fd63> */
    char *text;       /* what was read, with a NUL behind it; null: nothing yet */
    size_t len;
    bool is_stream;
    char number[24]; /* of a stream, as its name */
} cli_source;

/* Fills in source, which is zero. *program is set whenever there are diagnostics to hold; a failure
 * without it was printed. */
ftl_status cli_source_load(cli_source *source, const char *path, ftl_program **program);
void cli_source_free(cli_source *source);
/* Whether text is what the source holds. */
bool cli_source_is(cli_source *source, const char *text);
/* The new text goes to a file beside the old one, which it then replaces. Prints what failed. */
int cli_source_rewrite(const cli_source *source, const char *text);

/* Messages as the library makes them (messages.c). */
void cli_put_messages(const char *text);
/* The same for one of the program's own: "place: error: text". */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void cli_fail(const char *place, const char *format, ...);
/* Of a whole file: "file:1:1: error: text". */
void cli_fail_file(const char *file, const char *text);
/* A place of a usage error: no file. */
#define CLI_NAME "fuse"

/* A line of how far it has come, on a terminal, of what takes long; nothing in a pipe
 * (progress.c). Null is fine. */
typedef struct cli_progress cli_progress;
cli_progress *cli_progress_start(ftl_watch *watch);
/* Run i of n begins. */
void cli_progress_count(cli_progress *p, int i, int n);
/* Erases the line; there will be none any more. */
void cli_progress_stop(cli_progress *p);
void cli_progress_free(cli_progress *p);

/* An interrupt, a hangup or a request to end (signals.c): while files are being written it waits
 * until they are undone, else it ends the program at once. */
void cli_signals_catch(ftl_watch *watch);
/* There is a line on the terminal that has to be erased before the end. */
void cli_signals_note_line(bool is_drawn);
/* Ends the program when it was interrupted; watch is not used any more. */
void cli_signals_release(void);

#endif
