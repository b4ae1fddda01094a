/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct command {
    const char *name;
    int (*run)(const cli_args *args);
} command;

static int print_man(const cli_args *args)
{
    (void)args;
    return cli_print_man();
}

static int print_completion(const cli_args *args)
{
    return cli_print_completion(args->program);
}

static const command commands[] = {
    {"run", cli_run},         {"check", cli_check},
    {"fmt", cli_fmt},         {"dump", cli_dump},
    {"explain", cli_explain}, {"backends", cli_backends},
    {"man", print_man},       {"completion", print_completion},
};

int main(int argc, char **argv)
{
    cli_args args = {0};
    bool done = false;
    signal(SIGXFSZ, SIG_IGN); /* a file beyond the limit is an error of its write */
    signal(SIGPIPE, SIG_DFL); /* a reader that has seen enough ends the program in silence */
    int status = cli_parse(&args, argc, argv, &done);
    if (status == EXIT_OK && !done) {
        for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
            if (strcmp(commands[i].name, args.command) == 0)
                status = commands[i].run(&args);
    }
    cli_free(&args);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "fuse: error: cannot write to the standard output\n");
        status = status ? status : EXIT_PROGRAM;
    }
    return status;
}
