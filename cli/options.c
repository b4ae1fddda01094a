/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line -> cli_args.
 */
#include "table.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 100000      /* of runs */
#define MOST_THREADS 256 /* as many as the library takes */

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
        for (size_t i = 0; !c && i < cli_n_commands; i++)
            if (distance(word, cli_commands[i].name, most) <= most)
                return cli_commands[i].name;
        for (size_t i = 0; c && i < cli_n_options; i++)
            if (cli_is_shown(&cli_options[i], c) &&
                distance(word, cli_options[i].name, most) <= most)
                return cli_options[i].name;
    }
    return NULL;
}

static int unknown(const char *what, const char *word, const command_row *c)
{
    const char *near = find_near(word, c);
    const char *before = "", *after = "", *name = "";
    if (near) {
        before = "; did you mean '";
        name = near;
        after = "'?";
    } else if (c && word[0] == '-' && word[1] != '-') {
        before = "; a file of that name is written ./";
        name = word;
    }
    cli_fail(CLI_NAME, "unknown %s '%s'%s%s%s\nsee: fuse %s%s--help", what, word, before, name,
             after, c ? c->name : "", c ? " " : "");
    return EXIT_USAGE;
}

static int wrong(const command_row *c, const char *word, const char *what)
{
    cli_fail(CLI_NAME, "%s %s\nsee: fuse %s --help", word, what, c->name);
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

/* A whole number of bytes, with K, M or G for powers of 1024. */
static bool read_bytes(const char *text, size_t *out)
{
    static const char units[] = "KMG";
    char digits[24];
    long long n;
    size_t len = strlen(text), shift = 0;
    const char *unit = len > 1 ? strchr(units, toupper((unsigned char)text[len - 1])) : NULL;
    if (unit)
        shift = 10 * (size_t)(unit - units + 1);
    len -= unit != NULL;
    if (len >= sizeof(digits))
        return false;
    memcpy(digits, text, len);
    digits[len] = '\0';
    if (!read_int(digits, &n) || n > INT64_MAX >> shift)
        return false;
    *out = (size_t)n << shift;
    return true;
}

/* Among the words of values, which blanks separate. */
static bool is_among(const char *values, const char *value)
{
    size_t n = strlen(value);
    for (const char *p = values; p; p = strchr(p, ' ')) {
        p += *p == ' ';
        if (strncmp(p, value, n) == 0 && (p[n] == ' ' || p[n] == 0))
            return true;
    }
    return false;
}

static bool store_number(void *field, const option_row *o, const char *value)
{
    long long n;
    switch (o->kind) {
    case OPT_NUMBER:
        return read_double(value, field);
    case OPT_BYTES:
        return read_bytes(value, field);
    case OPT_COUNT:
    case OPT_THREADS:
        if (!read_int(value, &n) || n > (o->kind == OPT_COUNT ? MOST : MOST_THREADS))
            return false;
        *(int *)field = (int)n;
        return true;
    default:
        if (!read_int(value, &n))
            return false;
        *(int64_t *)field = n;
        return true;
    }
}

/* --strict alone is both of its values. */
static bool store_strict(ftl_config *config, const option_row *o, const char *value)
{
    if (value && !is_among(o->values, value))
        return false;
    if (!value || strcmp(value, "files") != 0)
        config->strict = 1;
    if (!value || strcmp(value, "files") == 0)
        config->strict_files = 1;
    return true;
}

/* Stores a value in its field; false: it is no such value. */
static bool store(cli_args *args, const option_row *o, const char *value)
{
    void *field = (char *)args + o->offset;
    switch (o->kind) {
    case OPT_FLAG:
        *(bool *)field = true;
        return true;
    case OPT_INT_FLAG:
        *(int *)field = 1;
        return true;
    case OPT_STRICT:
        return store_strict(&args->config, o, value);
    case OPT_EXPLAIN:
        *(const char **)field = value ? value : "text";
        return !value || is_among(o->values, value);
    case OPT_WORD:
        *(const char **)field = value;
        return is_among(o->values, value);
    case OPT_TEXT:
        *(const char **)field = value;
        return value[0] != 0;
    case OPT_LIST:
        return value[0] != 0 && put(field, value);
    default:
        return store_number(field, o, value);
    }
}

/* What a value of that kind looks like. */
static const char *describe(const option_row *o)
{
    switch (o->kind) {
    case OPT_NUMBER:
        return "a number from 0 on";
    case OPT_INT:
        return "a whole number from 0 on";
    case OPT_COUNT:
        return "a whole number from 0 to 100000";
    case OPT_THREADS:
        return "a whole number from 0 to 256";
    case OPT_BYTES:
        return "a number of bytes: 65536, 64K, 512M, 4G";
    default:
        return o->operand;
    }
}

/* values with commas. */
static void list_values(const char *values, char *out, size_t size)
{
    size_t n = 0;
    for (const char *p = values; *p && n + 2 < size; p++) {
        if (*p == ' ')
            out[n++] = ',';
        out[n++] = *p;
    }
    out[n] = '\0';
}

static int refuse_value(const command_row *c, const option_row *o, const char *value)
{
    char values[200];
    if (o->values)
        list_values(o->values, values, sizeof(values));
    cli_fail(CLI_NAME, "%s cannot be '%s': it is %s%s\nsee: fuse %s --help", o->name, value,
             o->values ? "one of " : "", o->values ? values : describe(o), c->name);
    return EXIT_USAGE;
}

static const option_row *find_option(const char *word, size_t len, const command_row *c)
{
    for (size_t i = 0; i < cli_n_options; i++)
        if (strlen(cli_options[i].name) == len && strncmp(cli_options[i].name, word, len) == 0 &&
            cli_belongs(&cli_options[i], c))
            return &cli_options[i];
    return NULL;
}

/* One option and its value, which stands behind `=` or is the next word. *i moves on. */
static int take_option(cli_args *args, const command_row *c, char **argv, int *i)
{
    const char *word = argv[*i], *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    const option_row *o = find_option(word, len, c);
    const char *value = equals ? equals + 1 : NULL;
    if (!o)
        return unknown("option", word, c);
    if (cli_is_flag(o) && value)
        return wrong(c, o->name, "takes no value");
    if (!cli_is_flag(o) && !cli_is_optional(o) && !value) {
        value = argv[++*i];
        if (!value)
            return wrong(c, o->name, "needs a value");
    }
    return store(args, o, value) ? EXIT_OK : refuse_value(c, o, value);
}

static int finish(cli_args *args, const command_row *c)
{
    size_t want = c->operand[0] ? 1 : 0;
    if (args->operands.n < want)
        return wrong(c, strcmp(c->operand, "PROG") == 0 ? "the program" : "the shell",
                     "is missing");
    if (args->operands.n > want)
        return wrong(c, args->operands.items[want], "is one word too many");
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
        return wrong(c, "--grad LOSS and --wrt NAME", "go together");
    return EXIT_OK;
}

static bool is_word(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

/* What stands for a command and is none; EXIT_USAGE when it is nothing known. */
static int parse_general(int argc, char **argv)
{
    if (argc < 2) {
        cli_print_help(stderr, NULL);
        return EXIT_USAGE;
    }
    if (is_word(argv[1], "--version", "-V")) {
        printf("fuse %s\n", ftl_get_version());
        return EXIT_OK;
    }
    if (!is_word(argv[1], "--help", "-h") && strcmp(argv[1], "help") != 0)
        return unknown("command", argv[1], NULL);
    const command_row *c = argc > 2 ? cli_find_command(argv[2]) : NULL;
    if (argc > 2 && !c)
        return unknown("command", argv[2], NULL);
    cli_print_help(stdout, c);
    return EXIT_OK;
}

/* The words behind the command. *helped: --help was among them, and is answered. */
static int parse_words(cli_args *args, const command_row *c, char **argv, bool *helped)
{
    bool only_operands = false;
    for (int i = 2; argv[i]; i++) {
        int status = EXIT_OK;
        if (!only_operands && is_word(argv[i], "--help", "-h")) {
            cli_print_help(stdout, c);
            *helped = true;
            return EXIT_OK;
        }
        if (!only_operands && strcmp(argv[i], "--") == 0)
            only_operands = true;
        else if (!only_operands && argv[i][0] == '-' && argv[i][1])
            status = take_option(args, c, argv, &i);
        else if (!put(&args->operands, argv[i]))
            status = EXIT_FAULT;
        if (status != EXIT_OK)
            return status;
    }
    return EXIT_OK;
}

int cli_parse(cli_args *args, int argc, char **argv, const command_row **command)
{
    bool helped = false;
    ftl_config_init(&args->config);
    args->repeat = 10;
    *command = NULL;
    const command_row *c = argc > 1 ? cli_find_command(argv[1]) : NULL;
    if (!c)
        return parse_general(argc, argv);
    int status = parse_words(args, c, argv, &helped);
    if (status != EXIT_OK || helped)
        return status;
    *command = c;
    return finish(args, c);
}
