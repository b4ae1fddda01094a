/* SPDX-License-Identifier: Apache-2.0
 *
 * The table for people: --help and the manual page.
 */
#include "table.h"

#include <stdio.h>
#include <string.h>

/* ---- help ---- */

static void print_option(FILE *f, const option_row *o)
{
    char left[64];
    snprintf(left, sizeof(left), "%s%s%s", o->name, o->operand && o->operand[0] != '[' ? " " : "",
             o->operand ? o->operand : "");
    fprintf(f, "  %-27s %s", left, o->doc);
    if (o->values)
        fprintf(f, " (%s)", o->values);
    fputc('\n', f);
}

static void print_command_help(FILE *f, const command_row *c)
{
    bool any = false;
    fprintf(f, "usage: fuse %s%s%s%s\n%s\n", c->name, c->operand[0] ? " " : "", c->operand,
            c->letter == 'x' ? "" : " [options]", c->doc);
    for (size_t i = 0; i < cli_n_options; i++) {
        if (!cli_is_shown(&cli_options[i], c))
            continue;
        fprintf(f, "%s", any ? "" : "\noptions:\n");
        print_option(f, &cli_options[i]);
        any = true;
    }
    if (strcmp(c->operand, "PROG") == 0)
        fprintf(f, "\nPROG is a file, or - for the standard input.\n");
}

void cli_print_help(FILE *f, const command_row *c)
{
    if (c) {
        print_command_help(f, c);
        return;
    }
    fprintf(f, "usage: fuse COMMAND [options]\n\n");
    for (size_t i = 0; i < cli_n_commands; i++)
        fprintf(f, "  %-10s %-6s %s\n", cli_commands[i].name, cli_commands[i].operand,
                cli_commands[i].doc);
    fprintf(f, "\n`fuse COMMAND --help` lists a command's options; `man fuse` has all.\n"
               "  fuse --version              prints the version\n\n"
               "exit status: 0 done, 1 bad program or data, 2 bad usage, 3 a fault of ours\n");
}

/* ---- the manual page (roff) ---- */

static void print_roff(const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '-' || *p == '\\')
            putchar('\\');
        putchar(*p);
    }
}

static void print_man_options(void)
{
    for (size_t i = 0; i < cli_n_options; i++) {
        const option_row *o = &cli_options[i];
        printf(".TP\n\\fB");
        print_roff(o->name);
        printf("\\fR%s\\fI", o->operand && o->operand[0] != '[' ? " " : "");
        print_roff(o->operand ? o->operand : "");
        printf("\\fR\n");
        print_roff(o->doc);
        if (o->values)
            printf(": %s", o->values);
        printf(".\nOf:");
        for (size_t k = 0; k < cli_n_commands; k++)
            if (cli_belongs(o, &cli_commands[k]))
                printf(" %s", cli_commands[k].name);
        printf(cli_is_later(o) ? ". Not in this version.\n" : ".\n");
    }
}

int cli_man(const cli_args *args)
{
    (void)args;
    printf(".TH FUSE 1 \"\" \"fuse %s\" \"User Commands\"\n.SH NAME\nfuse \\- run programs of "
           "tensor equations\n"
           ".SH SYNOPSIS\n.B fuse\n.I COMMAND\n[options]\n.SH DESCRIPTION\n"
           "Fuse runs programs written as tensor equations: models, rules, or a mix of both. An "
           "equation multiplies\n"
           "tensors that share index names, sums every index that is not on its left, and may pass "
           "the result through\n"
           "a function.\n.SH COMMANDS\n",
           ftl_get_version());
    for (size_t i = 0; i < cli_n_commands; i++) {
        printf(".TP\n\\fB%s\\fR \\fI%s\\fR\n", cli_commands[i].name, cli_commands[i].operand);
        print_roff(cli_commands[i].doc);
        printf(".\n");
    }
    printf(".SH OPTIONS\n");
    print_man_options();
    printf(".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nset to anything: messages are not coloured, on a "
           "terminal either.\n");
    printf(".SH EXIT STATUS\n0 done; 1 bad program or bad data, or fmt \\-\\-check found a change; "
           "2 bad usage; 3 a fault of ours; 130 interrupted.\n"
           ".SH EXAMPLES\n.nf\nfuse run mlp.fuse \\-\\-input X=x.npy \\-\\-input W=w.npy \\-\\-out "
           "results\n"
           "fuse check mlp.fuse\nfuse explain mlp.fuse \\-\\-input X=x.npy \\-\\-input "
           "W=w.npy\n.fi\n");
    return EXIT_OK;
}

