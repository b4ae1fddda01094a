/* SPDX-License-Identifier: Apache-2.0
 *
 * What each command does.
 */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
static int report(const char *name, ftl_status status, const char *diagnostics)
{
    if (diagnostics && diagnostics[0])
        cli_put_messages(diagnostics);
    else if (status != FTL_OK)
        cli_fail_file(name, ftl_status_get_text(status));
    return exit_of(status);
}

/* What every command with a program has. */
typedef struct job {
    const cli_args *args;
    cli_source source;
    ftl_program *program;
    ftl_input *inputs;
} job;

static void free_job(job *j)
{
    for (size_t i = 0; j->inputs && i < j->args->inputs.n; i++)
        free((char *)(uintptr_t)j->inputs[i].name);
    free(j->inputs);
    ftl_program_free(j->program);
    cli_source_free(&j->source);
}

static int load(job *j)
{
    ftl_status status = cli_source_load(&j->source, j->args->program, &j->program);
    if (status == FTL_OK)
        return EXIT_OK;
    /* without a program it is said what failed */
    return j->program ? report(j->source.name, status, ftl_program_get_diagnostics(j->program))
                      : exit_of(status);
}

/* ---- inputs: NAME=FILE ---- */

static int refuse_input(const char *what, const char *text)
{
    cli_fail(CLI_NAME, "--input %s '%s'", what, text);
    return EXIT_USAGE;
}

static int read_input(job *j, size_t i)
{
    const char *text = j->args->inputs.items[i], *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        return refuse_input("is written NAME=FILE, not", text);
    char *name = strndup(text, (size_t)(equals - text));
    if (!name)
        return EXIT_FAULT;
    j->inputs[i] = (ftl_input){.name = name, .path = equals + 1};
    for (size_t k = 0; k < i; k++)
        if (strcmp(j->inputs[k].name, name) == 0)
            return refuse_input("is given twice for", name);
    return EXIT_OK;
}

static int read_inputs(job *j)
{
    j->inputs = calloc(j->args->inputs.n + 1, sizeof(*j->inputs));
    if (!j->inputs)
        return EXIT_FAULT;
    for (size_t i = 0; i < j->args->inputs.n; i++) {
        int code = read_input(j, i);
        if (code != EXIT_OK)
            return code;
    }
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

static ftl_status run_program(const cli_args *args, ftl_runner *r, cli_progress *p)
{
    ftl_status status = args->out ? ftl_runner_probe_outputs(r, args->out) : FTL_OK;
    if (status == FTL_OK)
        status = ftl_runner_run(r);
    if (status == FTL_OK && args->out)
        status = ftl_runner_save_outputs(r, args->out);
    cli_progress_stop(p);
    if (status == FTL_OK)
        status = print_all(args, r);
    if (status == FTL_OK && args->explain)
        status = print_explain(r, args->explain);
    return status;
}

static ftl_status explain_program(const cli_args *args, ftl_runner *r, cli_progress *p)
{
    for (int i = 0; i < args->repeat; i++) {
        cli_progress_count(p, i + 1, args->repeat);
        ftl_status status = ftl_runner_run(r);
        if (status != FTL_OK)
            return status;
    }
    cli_progress_stop(p);
    return print_explain(r, args->json ? "json" : "text");
}

/* Stops the progress before it prints. */
typedef ftl_status work(const cli_args *args, ftl_runner *r, cli_progress *p);

static int compile_and(job *j, const ftl_config *config, work *then, ftl_runner **r)
{
    cli_progress *p = cli_progress_start(config->watch);
    ftl_status status = ftl_runner_new(j->program, config, j->inputs, j->args->inputs.n, r);
    if (status == FTL_OK)
        status = then(j->args, *r, p);
    cli_progress_free(p);
    cli_signals_release();
    return report(j->source.name, status, ftl_runner_get_diagnostics(*r));
}

static int with_runner(const cli_args *args, ftl_config *config, work *then)
{
    job j = {.args = args};
    ftl_runner *r = NULL;
    int code = load(&j);
    if (code == EXIT_OK)
        code = read_inputs(&j);
    if (code == EXIT_OK && ftl_watch_new(&config->watch) != FTL_OK)
        code = EXIT_FAULT;
    if (code == EXIT_OK) {
        cli_signals_catch(config->watch);
        code = compile_and(&j, config, then, &r);
    }
    ftl_runner_free(r);
    ftl_watch_free(config->watch);
    free_job(&j);
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
    job j = {.args = args};
    ftl_runner *r = NULL;
    char *text = NULL;
    int code = load(&j);
    if (code == EXIT_OK)
        code = read_inputs(&j);
    if (code == EXIT_OK) {
        ftl_status status =
            ftl_runner_check(j.program, &args->config, j.inputs, args->inputs.n, &r);
        code = report(j.source.name, status, ftl_runner_get_diagnostics(r));
        if (status == FTL_OK && ftl_runner_report(r, &text) == FTL_OK)
            fputs(text, stdout);
    }
    ftl_text_free(text);
    ftl_runner_free(r);
    free_job(&j);
    return code;
}

/* ---- dump, fmt, backends ---- */

int cli_dump(const cli_args *args)
{
    job j = {.args = args};
    char *text = NULL, *message = NULL;
    if (!args->after) {
        cli_fail(CLI_NAME, "dump needs --after=PASS\nsee: fuse dump --help");
        return EXIT_USAGE;
    }
    int code = load(&j);
    if (code == EXIT_OK)
        code = read_inputs(&j);
    if (code == EXIT_OK) {
        ftl_dump dump = {.pass = args->after, .text = &text, .message = &message};
        ftl_status status =
            ftl_program_dump(j.program, &args->config, j.inputs, args->inputs.n, &dump);
        if (text)
            fputs(text, stdout);
        if (!text)
            code = report(j.source.name, status, message);
    }
    ftl_text_free(text);
    ftl_text_free(message);
    free_job(&j);
    return code;
}

static int put_formatted(job *j, const char *text)
{
    if (!j->args->check_only && !j->args->write_back) {
        fputs(text, stdout);
        return EXIT_OK;
    }
    if (cli_source_is(&j->source, text))
        return EXIT_OK;
    return j->args->check_only ? EXIT_PROGRAM : cli_source_rewrite(&j->source, text);
}

int cli_fmt(const cli_args *args)
{
    job j = {.args = args};
    char *text = NULL;
    int code = load(&j);
    if (code == EXIT_OK && args->write_back && j.source.is_stream) {
        cli_fail(CLI_NAME, "%s cannot be rewritten: it is no file", j.source.name);
        code = EXIT_USAGE;
    }
    if (code == EXIT_OK) {
        ftl_status status = ftl_program_format(j.program, &text);
        code = status == FTL_OK ? put_formatted(&j, text) : report(j.source.name, status, NULL);
    }
    ftl_text_free(text);
    free_job(&j);
    return code;
}

int cli_backends(const cli_args *args)
{
    char *text;
    ftl_status status = ftl_list_backends(args->json ? "json" : "text", &text);
    if (status != FTL_OK) {
        cli_fail(CLI_NAME, "%s", ftl_status_get_text(status));
        return EXIT_FAULT;
    }
    fputs(text, stdout);
    ftl_text_free(text);
    return EXIT_OK;
}
