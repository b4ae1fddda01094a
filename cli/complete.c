/* SPDX-License-Identifier: Apache-2.0
 *
 * Completion scripts for bash, zsh and fish. Commands, their options and the words that an option
 * takes come from the table; everything else is completed as a file.
 */
#include "table.h"

#include <stdio.h>
#include <string.h>

/* What follows the command, of those that take no program. */
static const char *get_words(const command_row *c)
{
    return strcmp(c->operand, "SHELL") == 0 ? cli_shells : "";
}

static bool takes_file(const option_row *o)
{
    return o->operand && (strstr(o->operand, "FILE") || strstr(o->operand, "DIR"));
}

/* ---- bash ---- */

static void put_bash_options(const command_row *c)
{
    for (size_t i = 0; i < cli_n_options; i++)
        if (cli_is_shown(&cli_options[i], c))
            printf("%s ", cli_options[i].name);
}

/* The shell cuts words at `=`: the value of --mode=single is the third word, and option then ends
 * with the sign. */
static void complete_bash(void)
{
    printf("_fuse() {\n"
           "  local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD-1]}\n"
           "  local words= names=\n"
           "  if [ \"$cur\" = = ]; then cur= option=$option=\n"
           "  elif [ \"$option\" = = ]; then option=${COMP_WORDS[COMP_CWORD-2]}=; fi\n"
           "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W '");
    for (size_t i = 0; i < cli_n_commands; i++)
        printf("%s ", cli_commands[i].name);
    printf("help --help --version' -- \"$cur\")); return\n  fi\n  case $option in\n");
    for (size_t i = 0; i < cli_n_options; i++) {
        const option_row *o = &cli_options[i];
        if (o->values)
            printf("    %s%s%s=) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return;;\n",
                   cli_is_optional(o) ? "" : o->name, cli_is_optional(o) ? "" : "|", o->name,
                   o->values);
    }
    printf("  esac\n  case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; i < cli_n_commands; i++) {
        printf("    %s) words='", cli_commands[i].name);
        put_bash_options(&cli_commands[i]);
        printf("--help' names='%s';;\n", get_words(&cli_commands[i]));
    }
    printf("  esac\n"
           "  case $names$cur in\n"
           "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"));;\n"
           "    $cur) COMPREPLY=($(compgen -f -- \"$cur\"));;\n"
           "    *) COMPREPLY=($(compgen -W \"$names $words\" -- \"$cur\"));;\n"
           "  esac\n}\ncomplete -o filenames -F _fuse fuse\n");
}

/* ---- zsh ---- */

/* Inside of single quotes; in a specification brackets and colons mean something. */
static void put_zsh(const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\'')
            printf("'\\'");
        else if (strchr("[]:\\", *p))
            putchar('\\');
        putchar(*p);
    }
}

static void put_zsh_option(const option_row *o)
{
    bool flag = cli_is_flag(o);
    printf(" \\\n      '%s%s%s[", o->kind == OPT_LIST ? "*" : "", o->name,
           flag                 ? ""
           : cli_is_optional(o) ? "=-"
                                : "=");
    put_zsh(o->doc);
    putchar(']');
    if (!flag) {
        printf("%s", cli_is_optional(o) ? "::" : ":");
        put_zsh(o->operand);
        putchar(':');
        if (o->values)
            printf("(%s)", o->values);
        else if (takes_file(o))
            printf("_files");
    }
    putchar('\'');
}

static void complete_zsh(void)
{
    printf("#compdef fuse\n_fuse() {\n  if (( CURRENT == 2 )); then\n    local -a commands=(");
    for (size_t i = 0; i < cli_n_commands; i++) {
        printf("\n      '%s:", cli_commands[i].name);
        put_zsh(cli_commands[i].doc);
        putchar('\'');
    }
    printf("\n    )\n    _describe command commands\n    return\n  fi\n"
           "  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $command in\n");
    for (size_t i = 0; i < cli_n_commands; i++) {
        printf("    %s) _arguments '--help[prints the options]'", cli_commands[i].name);
        for (size_t k = 0; k < cli_n_options; k++)
            if (cli_is_shown(&cli_options[k], &cli_commands[i]))
                put_zsh_option(&cli_options[k]);
        if (get_words(&cli_commands[i])[0])
            printf(" '1:shell:(%s)'", get_words(&cli_commands[i]));
        else if (cli_commands[i].operand[0])
            printf(" \\\n      '*:program:_files'");
        printf(";;\n");
    }
    printf("  esac\n}\n"
           "if [ \"$funcstack[1]\" = _fuse ]; then _fuse; else compdef _fuse fuse; fi\n");
}

/* ---- fish ---- */

/* A text in single quotes. */
static void put_fish(const char *text)
{
    putchar('\'');
    for (const char *p = text; *p; p++) {
        if (*p == '\'' || *p == '\\')
            putchar('\\');
        putchar(*p);
    }
    putchar('\'');
}

static void put_fish_option(const command_row *c, const option_row *o)
{
    printf("complete -c fuse -n '__fish_seen_subcommand_from %s' -l %s", c->name, o->name + 2);
    if (!cli_is_flag(o))
        printf(cli_is_optional(o) ? " -f" : takes_file(o) ? " -r -F" : " -x");
    if (o->values)
        printf(" -a '%s'", o->values);
    printf(" -d ");
    put_fish(o->doc);
    putchar('\n');
}

static void complete_fish(void)
{
    for (size_t i = 0; i < cli_n_commands; i++) {
        printf("complete -c fuse -n __fish_use_subcommand -x -a %s -d ", cli_commands[i].name);
        put_fish(cli_commands[i].doc);
        putchar('\n');
        if (get_words(&cli_commands[i])[0])
            printf("complete -c fuse -n '__fish_seen_subcommand_from %s' -x -a '%s'\n",
                   cli_commands[i].name, get_words(&cli_commands[i]));
    }
    for (size_t k = 0; k < cli_n_commands; k++)
        for (size_t i = 0; i < cli_n_options; i++)
            if (cli_is_shown(&cli_options[i], &cli_commands[k]))
                put_fish_option(&cli_commands[k], &cli_options[i]);
}

int cli_completion(const cli_args *args)
{
    const char *shell = args->program;
    if (strcmp(shell, "bash") == 0) {
        complete_bash();
    } else if (strcmp(shell, "zsh") == 0) {
        complete_zsh();
    } else if (strcmp(shell, "fish") == 0) {
        complete_fish();
    } else {
        cli_fail(CLI_NAME, "no completion for '%s': it is one of bash, zsh, fish", shell);
        return EXIT_USAGE;
    }
    return EXIT_OK;
}
