/* SPDX-License-Identifier: Apache-2.0
 *
 * What each command does.
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int exit_of(ftl_status status)
{
    switch (status) {
    case FTL_OK:
        return EXIT_OK;
    case FTL_ERR_USAGE:
        return EXIT_USAGE;
    case FTL_ERR_INTERNAL:
        return EXIT_FAULT;
    default:
        return EXIT_PROGRAM;
    }
}

/* Diagnostics; a failure that left none is named by its status. */
static int report(const cli_args *args, ftl_status status, const char *diagnostics)
{
    if (diagnostics && diagnostics[0])
        fputs(diagnostics, stderr);
    else if (status != FTL_OK)
        fprintf(stderr, "%s:1:1: error: %s\n", args->program, ftl_status_get_text(status));
    return exit_of(status);
}

static int load(const cli_args *args, ftl_program **program)
{
    ftl_status status = ftl_program_load(NULL, args->program, program);
    const char *said = ftl_program_get_diagnostics(*program);
    if (status == FTL_OK)
        return EXIT_OK;
    int code = report(args, status, said);
    ftl_program_free(*program);
    *program = NULL;
    return code;
}

/* ---- inputs: NAME=FILE ---- */

static void free_inputs(ftl_input *inputs, size_t n)
{
    for (size_t i = 0; inputs && i < n; i++)
        free((char *)(uintptr_t)inputs[i].name);
    free(inputs);
}

static int read_inputs(const cli_args *args, ftl_input **out)
{
    ftl_input *inputs = calloc(args->inputs.n + 1, sizeof(*inputs));
    if (!inputs)
        return EXIT_FAULT;
    for (size_t i = 0; i < args->inputs.n; i++) {
        const char *text = args->inputs.items[i], *equals = strchr(text, '=');
        if (!equals || equals == text || !equals[1]) {
            fprintf(stderr, "fuse: error: --input is written NAME=FILE, not '%s'\n", text);
            free_inputs(inputs, i);
            return EXIT_USAGE;
        }
        char *name = strndup(text, (size_t)(equals - text));
        if (!name) {
            free_inputs(inputs, i);
            return EXIT_FAULT;
        }
        inputs[i].name = name;
        inputs[i].path = equals + 1;
    }
    *out = inputs;
    return EXIT_OK;
}

/* ---- outputs ---- */

/* With --out only what the program asks to see is printed. */
static ftl_status print_all(const cli_args *args, ftl_runner *r)
{
    for (size_t i = 0; i < ftl_runner_count_outputs(r); i++) {
        char *text;
        if ((args->out || args->quiet) && !ftl_runner_is_query(r, i))
            continue;
        ftl_status status = ftl_runner_print_output(r, i, &text);
        if (status != FTL_OK)
            return status;
        fputs(text, stdout);
        ftl_text_free(text);
    }
    return FTL_OK;
}

static ftl_status print_explain(ftl_runner *r, const char *format)
{
    char *text;
    ftl_status status = ftl_runner_explain(r, format, &text);
    if (status != FTL_OK)
        return status;
    fputs(text, stdout);
    ftl_text_free(text);
    return FTL_OK;
}

/* ---- run, explain, check ---- */

static ftl_status run_program(const cli_args *args, ftl_runner *r)
{
    cli_progress *p = cli_progress_start("running");
    ftl_status status = ftl_runner_run(r);
    cli_progress_stop(p);
    if (status == FTL_OK && args->out)
        status = ftl_runner_save_outputs(r, args->out);
    if (status == FTL_OK)
        status = print_all(args, r);
    if (status == FTL_OK && args->explain)
        status = print_explain(r, args->explain);
    return status;
}

static ftl_status explain_program(const cli_args *args, ftl_runner *r)
{
    for (long i = 0; i < args->repeat; i++) {
        ftl_status status = ftl_runner_run(r);
        if (status != FTL_OK)
            return status;
    }
    return print_explain(r, args->json ? "json" : "text");
}

typedef ftl_status work(const cli_args *args, ftl_runner *r);

static int with_runner(const cli_args *args, const ftl_config *config, work *then)
{
    ftl_program *program = NULL;
    ftl_input *inputs = NULL;
    ftl_runner *r = NULL;
    int code = load(args, &program);
    if (code != EXIT_OK)
        return code;
    code = read_inputs(args, &inputs);
    if (code == EXIT_OK) {
        ftl_status status = ftl_runner_new(program, config, inputs, args->inputs.n, &r);
        if (status == FTL_OK)
            status = then(args, r);
        code = report(args, status, ftl_runner_get_diagnostics(r));
    }
    ftl_runner_free(r);
    free_inputs(inputs, args->inputs.n);
    ftl_program_free(program);
    return code;
}

int cli_run(const cli_args *args)
{
    ftl_config config = args->config;
    config.profile = args->explain != NULL;
    return with_runner(args, &config, run_program);
}

int cli_explain(const cli_args *args)
{
    ftl_config config = args->config;
    config.profile = 1;
    config.no_sinks = 1;
    return with_runner(args, &config, explain_program);
}

int cli_check(const cli_args *args)
{
    ftl_program *program = NULL;
    ftl_input *inputs = NULL;
    ftl_runner *r = NULL;
    char *text = NULL;
    int code = load(args, &program);
    if (code != EXIT_OK)
        return code;
    code = read_inputs(args, &inputs);
    if (code == EXIT_OK) {
        ftl_status status = ftl_runner_check(program, &args->config, inputs, args->inputs.n, &r);
        code = report(args, status, ftl_runner_get_diagnostics(r));
        if (status == FTL_OK && ftl_runner_report(r, &text) == FTL_OK)
            fputs(text, stdout);
    }
    ftl_text_free(text);
    ftl_runner_free(r);
    free_inputs(inputs, args->inputs.n);
    ftl_program_free(program);
    return code;
}

/* ---- dump, fmt, backends ---- */

int cli_dump(const cli_args *args)
{
    ftl_program *program = NULL;
    ftl_input *inputs = NULL;
    char *text = NULL, *message = NULL;
    if (!args->after) {
        fprintf(stderr, "fuse: error: dump needs --after=PASS\nsee: fuse dump --help\n");
        return EXIT_USAGE;
    }
    int code = load(args, &program);
    if (code != EXIT_OK)
        return code;
    code = read_inputs(args, &inputs);
    if (code == EXIT_OK) {
        ftl_dump dump = {.pass = args->after, .text = &text, .message = &message};
        ftl_status status = ftl_program_dump(program, &args->config, inputs, args->inputs.n, &dump);
        if (text)
            fputs(text, stdout);
        if (!text)
            code = report(args, status, message);
    }
    ftl_text_free(text);
    ftl_text_free(message);
    free_inputs(inputs, args->inputs.n);
    ftl_program_free(program);
    return code;
}

static char *read_whole(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t len = 0, cap = 0;
    while (f && !feof(f) && !ferror(f)) {
        if (len + 4096 > cap) {
            char *grown = realloc(text, cap = 2 * cap + 8192);
            if (!grown)
                break;
            text = grown;
        }
        len += fread(text + len, 1, cap - len - 1, f);
    }
    if (f)
        fclose(f);
    if (text)
        text[len] = 0;
    return text;
}

static bool write_text(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR)
            return false;
        text += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0 || errno == EINVAL;
}

/* The new text goes to a file beside the old one, which it then replaces; a link stays, and the
 * file that it points to is replaced. */
static int write_back(const char *path, const char *text)
{
    char *target = realpath(path, NULL), *temporary = NULL;
    struct stat st;
    bool ok = target && stat(target, &st) == 0;
    size_t size = target ? strlen(target) + 8 : 0;
    if (ok && (temporary = malloc(size)))
        snprintf(temporary, size, "%s.XXXXXX", target);
    int fd = temporary ? mkstemp(temporary) : -1;
    ok = ok && fd >= 0 && write_text(fd, text) && fchmod(fd, st.st_mode & 07777) == 0;
    ok = ok && rename(temporary, target) == 0;
    if (!ok)
        fprintf(stderr, "%s:1:1: error: cannot be rewritten: %s\n", path, strerror(errno));
    if (!ok && fd >= 0)
        remove(temporary);
    if (fd >= 0)
        close(fd);
    free(temporary);
    free(target);
    return ok ? EXIT_OK : EXIT_PROGRAM;
}

int cli_fmt(const cli_args *args)
{
    ftl_program *program = NULL;
    char *text = NULL;
    int code = load(args, &program);
    if (code != EXIT_OK)
        return code;
    ftl_status status = ftl_program_format(program, &text);
    char *before = args->check_only || args->write_back ? read_whole(args->program) : NULL;
    bool changes = status == FTL_OK && (!before || strcmp(before, text) != 0);
    if (status != FTL_OK)
        code = report(args, status, NULL);
    else if (args->check_only)
        code = changes ? EXIT_PROGRAM : EXIT_OK;
    else if (args->write_back)
        code = changes ? write_back(args->program, text) : EXIT_OK;
    else
        fputs(text, stdout);
    free(before);
    ftl_text_free(text);
    ftl_program_free(program);
    return code;
}

int cli_backends(const cli_args *args)
{
    char *text;
    ftl_status status = ftl_list_backends(args->json ? "json" : "text", &text);
    if (status != FTL_OK) {
        fprintf(stderr, "fuse: error: %s\n", ftl_status_get_text(status));
        return EXIT_FAULT;
    }
    fputs(text, stdout);
    ftl_text_free(text);
    return EXIT_OK;
}
