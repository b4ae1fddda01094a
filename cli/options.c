/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of commands and options, and what is made from it: parsing, help, the man page,
 * completions.
 */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum option_kind {
    OPT_FLAG,
    OPT_INT_FLAG,
    OPT_TEXT,
    OPT_LIST,
    OPT_INT,
    OPT_COUNT,
    OPT_NUMBER,
    OPT_EXPLAIN
} option_kind;

typedef struct option_row {
    const char *name, *operand;
    option_kind kind;
    size_t offset;        /* in cli_args */
    const char *commands; /* letters: r run, c check, f fmt, d dump, e explain, b backends; upper
                           * case: known, and refused by this version; only the manual has it */
    const char *values;   /* for completion and help, or null */
    const char *doc;
} option_row;

#define AT(field) offsetof(cli_args, field)

static const option_row options[] = {
    {"--input", "NAME=FILE", OPT_LIST, AT(inputs), "rcde", NULL,
     "gives a tensor from a file (FILE#MEMBER of an archive)"},
    {"--param", "NAME=VALUE", OPT_LIST, AT(params), "rcde", NULL, "sets a param of the program"},
    {"--out", "FILE|DIR", OPT_TEXT, AT(out), "r", NULL,
     "writes outputs: NAME.npy in a folder, all in an .npz, or the only one"},
    {"--query", "NAME[x=4,y=0:3]", OPT_LIST, AT(queries), "rde", NULL,
     "asks for a part of a tensor"},
    {"--mode", "MODE", OPT_TEXT, AT(config.mode), "rcde", "auto single fixpoint demand",
     "how recursive groups run"},
    {"--strategy", "S", OPT_TEXT, AT(config.strategy), "re", "semi_naive synchronous",
     "how a fixpoint goes on"},
    {"--chaining", "C", OPT_TEXT, AT(config.chaining), "re", "forward backward",
     "from facts or from goals"},
    {"--max-iters", "N", OPT_INT, AT(config.max_iters), "rde", NULL,
     "rounds of a fixpoint at most"},
    {"--tol", "X", OPT_NUMBER, AT(config.tol), "rde", NULL, "change that counts as none (1e-6)"},
    {"--projection", "P", OPT_TEXT, AT(config.projection), "RE", "exact monte_carlo",
     "how sums are computed"},
    {"--samples", "N", OPT_INT, AT(config.samples), "RE", NULL,
     "draws of a Monte Carlo projection"},
    {"--seed", "N", OPT_INT, AT(config.seed), "RE", NULL, "seed of the draws"},
    {"--grad", "LOSS", OPT_TEXT, AT(config.grad), "R", NULL,
     "gradient of a scalar"},
    {"--wrt", "NAME", OPT_LIST, AT(wrt), "R", NULL, "what the gradient is taken by"},
    {"--steps", "N", OPT_INT, AT(config.steps), "R", NULL,
     "steps of virtual time"},
    {"--weights", "MANIFEST", OPT_TEXT, AT(config.weights), "R", NULL,
     "weight store"},
    {"--cache", "DIR", OPT_TEXT, AT(config.cache), "R", NULL,
     "folder of compiled plans"},
    {"--temperature", "NAME=T", OPT_LIST, AT(temperatures), "rde", NULL,
     "T of sig: 0.5, linear:START:END:STEPS or piecewise:0:1.0,3:0.5"},
    {"--precision", "P", OPT_TEXT, AT(config.precision), "rde", "fp32 fp16 bf16 fp64 auto",
     "what is computed in"},
    {"--backend", "B", OPT_TEXT, AT(config.backend), "re", "native auto",
     "where it runs; a list names an order of preference"},
    {"--device", "D", OPT_TEXT, AT(config.device), "re", "auto cpu", "device of the backend"},
    {"--einsum-planner", "P", OPT_TEXT, AT(config.einsum_planner), "rde", "auto greedy optimal",
     "how contraction orders are found"},
    {"--threads", "N", OPT_COUNT, AT(config.threads), "re", NULL, "threads (all cores)"},
    {"--memory-limit", "BYTES", OPT_INT, AT(config.memory_limit), "re", NULL,
     "memory of one run at most"},
    {"--output-root", "DIR", OPT_TEXT, AT(config.output_root), "r", NULL,
     "folder that sinks may not leave (the working folder)"},
    {"--strict", NULL, OPT_INT_FLAG, AT(config.strict), "rcde", NULL,
     "doubtful axes, copies on load and lack of convergence are errors"},
    {"--plain", NULL, OPT_INT_FLAG, AT(config.keep_plain), "rde", NULL,
     "recognised fast paths off, for comparison"},
    {"--explain", "[=json]", OPT_EXPLAIN, AT(explain), "r", NULL,
     "prints the plan with times after the run"},
    {"--quiet", NULL, OPT_FLAG, AT(quiet), "r", NULL, "prints no outputs"},
    {"--after", "PASS", OPT_TEXT, AT(after), "d", NULL,
     "pass to print after: parse, check, lower, a pass of the planner, plan"},
    {"--write", NULL, OPT_FLAG, AT(write_back), "f", NULL, "rewrites the file in place"},
    {"--check", NULL, OPT_FLAG, AT(check_only), "f", NULL,
     "exit status 1 when the text would change"},
    {"--repeat", "N", OPT_COUNT, AT(repeat), "e", NULL,
     "runs to take times from (10; 0: plan only)"},
    {"--json", NULL, OPT_FLAG, AT(json), "eb", NULL, "prints JSON"},
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

typedef struct command_row {
    const char *name, *operand, *doc;
    char letter;
} command_row;

static const command_row commands[] = {
    {"run", "PROG", "runs a program: prints its outputs, writes its sinks", 'r'},
    {"check", "PROG", "checks without running: types, extents, projections", 'c'},
    {"fmt", "PROG", "prints the program in canonical form", 'f'},
    {"dump", "PROG", "prints what stands after a pass (--after=PASS)", 'd'},
    {"explain", "PROG", "prints the plan: cost, bytes and time per equation", 'e'},
    {"backends", "", "lists backends, versions, devices", 'b'},
    {"completion", "SHELL", "prints completions for bash, zsh or fish", 'x'},
    {"man", "", "prints the manual page", 'x'},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const command_row *find_command(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static bool belongs(const option_row *o, char letter)
{
    return strchr(o->commands, letter) || strchr(o->commands, toupper((unsigned char)letter));
}

/* The command runs it, so that help and completions show it. */
static bool is_shown(const option_row *o, const command_row *c)
{
    return strchr(o->commands, c->letter);
}

static bool is_later(const option_row *o)
{
    return isupper((unsigned char)o->commands[0]);
}

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

void cli_print_help(const char *name)
{
    const command_row *c = name ? find_command(name) : NULL;
    if (c) {
        printf("usage: fuse %s %s [options]\n%s\n", c->name, c->operand, c->doc);
        bool any = false;
        for (size_t i = 0; i < N_OPTIONS; i++) {
            if (!is_shown(&options[i], c))
                continue;
            printf("%s", any ? "" : "\noptions:\n");
            print_option(stdout, &options[i]);
            any = true;
        }
        return;
    }
    printf("usage: fuse COMMAND [options]\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        printf("  %-10s %-6s %s\n", commands[i].name, commands[i].operand, commands[i].doc);
    printf("\n`fuse COMMAND --help` lists a command's options; `man fuse` has all.\n"
           "  fuse --version              prints the version\n\n"
           "exit status: 0 done, 1 bad program or data, 2 bad usage, 3 a fault of ours\n");
}

/* ---- parsing ---- */

static bool put(cli_list *list, const char *item)
{
    if (list->n == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 8;
        const char **grown = realloc(list->items, cap * sizeof(*grown));
        if (!grown)
            return false;
        list->items = grown;
        list->cap = cap;
    }
    list->items[list->n++] = item;
    return true;
}

void cli_free(cli_args *args)
{
    cli_list *lists[] = {&args->inputs,  &args->params, &args->temperatures,
                         &args->queries, &args->wrt,    &args->operands};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        free(lists[i]->items);
}

/* Letters that have to change to make one word of the other, at most `most`. */
static size_t distance(const char *a, const char *b, size_t most)
{
    while (*a && *a == *b)
        a++, b++;
    if (!*a && !*b)
        return 0;
    if (most == 0)
        return 1;
    size_t least = *b ? distance(a, b + 1, most - 1) : most;
    size_t other = *a ? distance(a + 1, b, most - 1) : most;
    least = other < least ? other : least;
    other = *a && *b ? distance(a + 1, b + 1, most - 1) : most;
    return 1 + (other < least ? other : least);
}

/* The known word that is nearest to a mistyped one, or null. */
static const char *find_near(const char *word, const command_row *c)
{
    for (size_t most = 1; most <= 2; most++) {
        for (size_t i = 0; !c && i < N_COMMANDS; i++)
            if (distance(word, commands[i].name, most) <= most)
                return commands[i].name;
        for (size_t i = 0; c && i < N_OPTIONS; i++)
            if (is_shown(&options[i], c) && distance(word, options[i].name, most) <= most)
                return options[i].name;
    }
    return NULL;
}

static int unknown(const char *what, const char *word, const command_row *c)
{
    const char *near = find_near(word, c);
    fprintf(stderr, "fuse: error: unknown %s '%s'", what, word);
    if (near)
        fprintf(stderr, "; did you mean '%s'?", near);
    fprintf(stderr, "\nsee: fuse %s%s--help\n", c ? c->name : "", c ? " " : "");
    return EXIT_USAGE;
}

static int usage_error(const char *command, const char *format, const char *what)
{
    fprintf(stderr, "fuse: error: ");
    fprintf(stderr, format, what);
    fprintf(stderr, "\nsee: fuse %s%s--help\n", command ? command : "", command ? " " : "");
    return EXIT_USAGE;
}

static bool read_int(const char *text, long long *out)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return end != text && *end == 0 && errno == 0 && *out >= 0;
}

static bool read_double(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == 0 && isfinite(*out) && *out >= 0;
}

static bool has_choice(const option_row *o, const char *value)
{
    size_t n = strlen(value);
    for (const char *p = o->values; p; p = strchr(p, ' ')) {
        p += *p == ' ';
        if (strncmp(p, value, n) == 0 && (p[n] == ' ' || p[n] == 0))
            return true;
    }
    return false;
}

/* Stores a value in its field; false: it is no such value. */
static bool store(cli_args *args, const option_row *o, const char *value)
{
    void *field = (char *)args + o->offset;
    long long n;
    double x;
    switch (o->kind) {
    case OPT_FLAG:
        *(bool *)field = true;
        return true;
    case OPT_INT_FLAG:
        *(int *)field = 1;
        return true;
    case OPT_EXPLAIN:
        *(const char **)field = value ? value : "text";
        return !value || strcmp(value, "json") == 0 || strcmp(value, "text") == 0;
    case OPT_TEXT:
        *(const char **)field = value;
        return value[0] != 0;
    case OPT_LIST:
        return strlen(value) > 0 && put(field, value);
    case OPT_NUMBER:
        if (!read_double(value, &x))
            return false;
        *(double *)field = x;
        return true;
    case OPT_INT:
        if (!read_int(value, &n))
            return false;
        *(int64_t *)field = n;
        return true;
    case OPT_COUNT:
        if (!read_int(value, &n) || n > 100000)
            return false;
        if (o->offset == AT(repeat))
            args->repeat = (long)n;
        else
            *(int *)field = (int)n;
        return true;
    }
    return false;
}

static const option_row *find_option(const char *word, size_t len, const command_row *c)
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (strlen(options[i].name) == len && strncmp(options[i].name, word, len) == 0 &&
            belongs(&options[i], c->letter))
            return &options[i];
    return NULL;
}

/* One option and its value, which stands behind `=` or is the next word. *i moves on. */
static int take_option(cli_args *args, const command_row *c, int argc, char **argv, int *i)
{
    const char *word = argv[*i], *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    const option_row *o = find_option(word, len, c);
    const char *value = equals ? equals + 1 : NULL;
    if (!o)
        return unknown("option", word, c);
    bool flag = o->kind == OPT_FLAG || o->kind == OPT_INT_FLAG;
    if (flag && value)
        return usage_error(c->name, "%s takes no value", o->name);
    if (!flag && o->kind != OPT_EXPLAIN && !value) {
        if (*i + 1 >= argc)
            return usage_error(c->name, "%s needs a value", o->name);
        value = argv[++*i];
    }
    if (!store(args, o, value)) {
        fprintf(stderr, "fuse: error: %s cannot be '%s'\n", o->name, value ? value : "");
        return EXIT_USAGE;
    }
    if (o->values && o->offset != AT(config.backend) && o->offset != AT(config.device) &&
        o->offset != AT(config.precision) && !has_choice(o, value)) {
        fprintf(stderr, "fuse: error: %s cannot be '%s': it is one of %s\n", o->name, value,
                o->values);
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

static int finish(cli_args *args, const command_row *c)
{
    size_t want = c->operand[0] ? 1 : 0;
    if (args->operands.n < want)
        return usage_error(c->name, "%s is missing",
                           strcmp(c->operand, "PROG") == 0 ? "the program" : "the shell");
    if (args->operands.n > want)
        return usage_error(c->name, "'%s' is one word too many", args->operands.items[want]);
    args->program = want ? args->operands.items[0] : NULL;
    args->config.params = args->params.items;
    args->config.n_params = args->params.n;
    args->config.temperatures = args->temperatures.items;
    args->config.n_temperatures = args->temperatures.n;
    args->config.queries = args->queries.items;
    args->config.n_queries = args->queries.n;
    args->config.wrt = args->wrt.items;
    args->config.n_wrt = args->wrt.n;
    if (!args->config.grad != !args->wrt.n)
        return usage_error(c->name, "%s", "--grad LOSS and --wrt NAME go together");
    return EXIT_OK;
}

static bool is_word(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

int cli_parse(cli_args *args, int argc, char **argv, bool *done)
{
    ftl_config_init(&args->config);
    args->repeat = 10;
    *done = true;
    if (argc < 2 || is_word(argv[1], "--help", "-h") || strcmp(argv[1], "help") == 0) {
        cli_print_help(argc > 2 ? argv[2] : NULL);
        return argc < 2 ? EXIT_USAGE : EXIT_OK;
    }
    if (is_word(argv[1], "--version", "-V")) {
        printf("fuse %s\n", ftl_get_version());
        return EXIT_OK;
    }
    const command_row *c = find_command(argv[1]);
    if (!c)
        return unknown("command", argv[1], NULL);
    args->command = c->name;
    bool only_operands = false;
    for (int i = 2; i < argc; i++) {
        int status = EXIT_OK;
        if (!only_operands && is_word(argv[i], "--help", "-h")) {
            cli_print_help(c->name);
            return EXIT_OK;
        }
        if (!only_operands && strcmp(argv[i], "--") == 0)
            only_operands = true;
        else if (!only_operands && argv[i][0] == '-' && argv[i][1])
            status = take_option(args, c, argc, argv, &i);
        else if (!put(&args->operands, argv[i]))
            status = EXIT_FAULT;
        if (status != EXIT_OK)
            return status;
    }
    *done = false;
    return finish(args, c);
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
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const option_row *o = &options[i];
        printf(".TP\n\\fB");
        print_roff(o->name);
        printf("\\fR%s\\fI", o->operand && o->operand[0] != '[' ? " " : "");
        print_roff(o->operand ? o->operand : "");
        printf("\\fR\n");
        print_roff(o->doc);
        if (o->values)
            printf(": %s", o->values);
        printf(".\nOf:");
        for (size_t k = 0; k < N_COMMANDS; k++)
            if (belongs(o, commands[k].letter))
                printf(" %s", commands[k].name);
        printf(is_later(o) ? ". Not in this version.\n" : ".\n");
    }
}

int cli_print_man(void)
{
    printf(".TH FUSE 1 \"\" \"fuse %s\" \"User Commands\"\n.SH NAME\nfuse \\- run programs of "
           "tensor equations\n"
           ".SH SYNOPSIS\n.B fuse\n.I COMMAND\n[options]\n.SH DESCRIPTION\n"
           "Fuse runs programs written as tensor equations: models, rules, or a mix of both. An "
           "equation multiplies\n"
           "tensors that share index names, sums every index that is not on its left, and may pass "
           "the result through\n"
           "a function.\n.SH COMMANDS\n",
           ftl_get_version());
    for (size_t i = 0; i < N_COMMANDS; i++) {
        printf(".TP\n\\fB%s\\fR \\fI%s\\fR\n", commands[i].name, commands[i].operand);
        print_roff(commands[i].doc);
        printf(".\n");
    }
    printf(".SH OPTIONS\n");
    print_man_options();
    printf(".SH EXIT STATUS\n0 done; 1 bad program or bad data, or fmt \\-\\-check found a change; "
           "2 bad usage; 3 a fault of ours.\n"
           ".SH EXAMPLES\n.nf\nfuse run mlp.fuse \\-\\-input X=x.npy \\-\\-input W=w.npy \\-\\-out "
           "results\n"
           "fuse check mlp.fuse\nfuse explain mlp.fuse \\-\\-input X=x.npy \\-\\-input "
           "W=w.npy\n.fi\n");
    return EXIT_OK;
}

/* ---- completions ---- */

static void print_names(const command_row *c)
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (is_shown(&options[i], c))
            printf("%s ", options[i].name);
}

static void complete_bash(void)
{
    printf(
        "_fuse() {\n  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\n"
        "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W '");
    for (size_t i = 0; i < N_COMMANDS; i++)
        printf("%s ", commands[i].name);
    printf("--help --version' -- \"$cur\")); return\n  fi\n  case $prev in\n");
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (options[i].values)
            printf("    %s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return;;\n",
                   options[i].name, options[i].values);
    printf("  esac\n  case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; i < N_COMMANDS; i++) {
        printf("    %s) words='", commands[i].name);
        print_names(&commands[i]);
        printf("--help';;\n");
    }
    printf("  esac\n  case $cur in -*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"));; *) "
           "COMPREPLY=($(compgen -f -- \"$cur\"));; esac\n"
           "}\ncomplete -o filenames -F _fuse fuse\n");
}

/* A text in single quotes, as fish reads them. */
static void print_quoted(const char *text)
{
    putchar('\'');
    for (const char *p = text; *p; p++) {
        if (*p == '\'' || *p == '\\')
            putchar('\\');
        putchar(*p);
    }
    putchar('\'');
}

static void complete_fish(void)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        printf("complete -c fuse -n __fish_use_subcommand -a %s -d ", commands[i].name);
        print_quoted(commands[i].doc);
        putchar('\n');
    }
    for (size_t k = 0; k < N_COMMANDS; k++) {
        for (size_t i = 0; i < N_OPTIONS; i++) {
            const option_row *o = &options[i];
            if (!is_shown(o, &commands[k]))
                continue;
            printf("complete -c fuse -n '__fish_seen_subcommand_from %s' -l %s", commands[k].name,
                   o->name + 2);
            if (o->values)
                printf(" -x -a '%s'", o->values);
            printf(" -d ");
            print_quoted(o->doc);
            putchar('\n');
        }
    }
}

int cli_print_completion(const char *shell)
{
    if (strcmp(shell, "bash") == 0) {
        complete_bash();
    } else if (strcmp(shell, "zsh") == 0) {
        printf("#compdef fuse\nautoload -U +X bashcompinit && bashcompinit\n");
        complete_bash();
    } else if (strcmp(shell, "fish") == 0) {
        complete_fish();
    } else {
        fprintf(stderr, "fuse: error: no completion for '%s': it is one of bash, zsh, fish\n",
                shell);
        return EXIT_USAGE;
    }
    return EXIT_OK;
}
