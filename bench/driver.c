/* SPDX-License-Identifier: Apache-2.0
 *
 * driver THREADS: our side of `make bench`, one process driven by lines on standard input. Each
 * line is answered by a line of JSON; an answer with "error" says why it could not be done.
 *
 *   prepare PROGRAM OUTPUT FOLDER   load, bind FOLDER/NAME.npy to each NAME, compile, run twice
 *   run N                           run N times: seconds of one run, by the clock and of CPU
 *   save FILE                       run once more and write OUTPUT
 *   explain FILE                    write plan and cost as JSON
 *   compile PROGRAM                 from the text to a compiled runner: seconds
 *   copy MEGABYTES                  bytes read and written by a plain copy in a second, on THREADS
 *   drop                            forget the program
 *   quit
 */
#include "fusetl.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_INPUTS = 128, MAX_LINE = 4096, MAX_COPIERS = 64, COPY_ROUNDS = 10 };

typedef struct session {
    int threads;
    ftl_program *program;
    ftl_runner *runner;
    ftl_tensor *inputs[MAX_INPUTS];
    char *names[MAX_INPUTS];
    size_t n_inputs;
    char output[256];
} session;

static double read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* A line of /proc/self/status, in bytes. VmHWM is the peak since the program was started; what
 * getrusage tells would count the process that started it. */
static size_t read_status(const char *name)
{
    char line[256];
    size_t kilobytes = 0, len = strlen(name);
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, name, len) == 0 && line[len] == ':')
            kilobytes = strtoul(line + len + 1, NULL, 10);
    if (f != NULL)
        fclose(f);
    return kilobytes * 1024;
}

/* The first line of text as a JSON string. */
static void answer_error(const char *text)
{
    printf("{\"error\": \"");
    for (; *text != '\0' && *text != '\n'; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar((unsigned char)*text < 32 ? ' ' : *text);
    }
    printf("\"}\n");
}

static void drop(session *s)
{
    ftl_runner_free(s->runner);
    ftl_program_free(s->program);
    for (size_t i = 0; i < s->n_inputs; i++) {
        ftl_tensor_release(s->inputs[i]);
        free(s->names[i]);
    }
    s->runner = NULL;
    s->program = NULL;
    s->n_inputs = 0;
}

static ftl_status load_input(session *s, const char *folder, const char *file)
{
    size_t len = strlen(file);
    if (len < 5 || strcmp(file + len - 4, ".npy") != 0 || s->n_inputs == MAX_INPUTS)
        return FTL_OK;
    char path[MAX_LINE + 256];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    ftl_status status = ftl_tensor_load(path, &s->inputs[s->n_inputs], NULL);
    if (status == FTL_OK)
        s->names[s->n_inputs++] = strndup(file, len - 4);
    return status;
}

static ftl_status load_inputs(session *s, const char *folder)
{
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return FTL_ERR_IO;
    ftl_status status = FTL_OK;
    for (struct dirent *e; status == FTL_OK && (e = readdir(dir)) != NULL;)
        status = load_input(s, folder, e->d_name);
    closedir(dir);
    return status;
}

static ftl_status compile(session *s, const char *path)
{
    ftl_config config;
    ftl_config_init(&config);
    config.threads = s->threads;
    config.no_sinks = 1;
    ftl_status status = ftl_program_load(NULL, path, &s->program);
    if (status != FTL_OK)
        return status;
    ftl_input inputs[MAX_INPUTS] = {{0}};
    for (size_t i = 0; i < s->n_inputs; i++)
        inputs[i] = (ftl_input){.name = s->names[i], .tensor = s->inputs[i]};
    return ftl_runner_new(s->program, &config, inputs, s->n_inputs, &s->runner);
}

static void answer_failure(const session *s, ftl_status status)
{
    const char *text = "";
    if (s->runner != NULL)
        text = ftl_runner_get_diagnostics(s->runner);
    else if (s->program != NULL)
        text = ftl_program_get_diagnostics(s->program);
    answer_error(*text != '\0' ? text : ftl_status_get_text(status));
}

static void do_prepare(session *s, char *words)
{
    char path[MAX_LINE], folder[MAX_LINE];
    drop(s);
    if (sscanf(words, "%4095s %255s %4095s", path, s->output, folder) != 3) {
        answer_error("prepare PROGRAM OUTPUT FOLDER");
        return;
    }
    ftl_status status = load_inputs(s, folder);
    size_t before = read_status("VmRSS"), mapped = read_status("RssFile");
    double start = now();
    if (status == FTL_OK)
        status = compile(s, path);
    double compiled = now();
    if (status == FTL_OK)
        status = ftl_runner_run(s->runner);
    double first = now();
    if (status == FTL_OK)
        status = ftl_runner_run(s->runner);
    if (status != FTL_OK) {
        answer_failure(s, status);
        return;
    }
    size_t arena = 0, live = 0;
    ftl_runner_get_memory(s->runner, &arena, &live);
    printf("{\"compile\": %.9f, \"first\": %.9f, \"before\": %zu, \"peak\": %zu, \"mapped\": %zu, "
           "\"arena\": %zu, \"live\": %zu}\n",
           compiled - start, first - compiled, before, read_status("VmHWM"),
           read_status("RssFile") - mapped, arena, live);
}

static void do_run(session *s, const char *words)
{
    long count = strtol(words, NULL, 10);
    double start = now(), cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    for (long i = 0; i < count; i++) {
        ftl_status status = ftl_runner_run(s->runner);
        if (status != FTL_OK) {
            answer_failure(s, status);
            return;
        }
    }
    double n = (double)(count > 0 ? count : 1);
    printf("{\"seconds\": %.9f, \"cpu\": %.9f}\n", (now() - start) / n,
           (read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu) / n);
}

static void do_save(session *s, const char *path)
{
    char *message = NULL;
    const ftl_tensor *t = NULL;
    ftl_status status = ftl_runner_run(s->runner);
    if (status == FTL_OK && (t = ftl_runner_get_output(s->runner, s->output)) == NULL)
        status = FTL_ERR_USAGE;
    if (status == FTL_OK)
        status = ftl_tensor_save(t, path, &message);
    if (status == FTL_OK)
        printf("{}\n");
    else
        answer_error(message != NULL ? message : ftl_status_get_text(status));
    ftl_text_free(message);
}

static void do_explain(session *s, const char *path)
{
    char *text = NULL;
    ftl_status status = ftl_runner_explain(s->runner, "json", &text);
    FILE *f = status == FTL_OK ? fopen(path, "w") : NULL;
    if (f == NULL) {
        answer_failure(s, status == FTL_OK ? FTL_ERR_IO : status);
    } else {
        fputs(text, f);
        fclose(f);
        printf("{}\n");
    }
    ftl_text_free(text);
}

static void do_compile(session *s, const char *path)
{
    drop(s);
    double start = now();
    ftl_status status = compile(s, path);
    if (status == FTL_OK)
        printf("{\"seconds\": %.9f}\n", now() - start);
    else
        answer_failure(s, status);
}

/* ---- copy bandwidth ---- */

typedef struct copier {
    char *to;
    const char *from;
    size_t size;
} copier;

static void *copy_part(void *user)
{
    const copier *c = user;
    memcpy(c->to, c->from, c->size);
    return NULL;
}

static double time_copy(copier *parts, int n)
{
    pthread_t helpers[MAX_COPIERS];
    double start = now();
    for (int i = 1; i < n; i++)
        if (pthread_create(&helpers[i], NULL, copy_part, &parts[i]) != 0)
            return 0;
    copy_part(&parts[0]);
    for (int i = 1; i < n; i++)
        pthread_join(helpers[i], NULL);
    return now() - start;
}

/* The best of some rounds: what the memory can do, not what it did beside other work. */
static void do_copy(const session *s, const char *words)
{
    int n = s->threads < MAX_COPIERS ? s->threads : MAX_COPIERS;
    size_t size = strtoul(words, NULL, 10) << 20;
    char *from = aligned_alloc(4096, size), *to = aligned_alloc(4096, size);
    if (from == NULL || to == NULL) {
        answer_error("no memory");
    } else {
        memset(from, 1, size);
        memset(to, 1, size);
        copier parts[MAX_COPIERS];
        size_t each = size / (size_t)n;
        for (int i = 0; i < n; i++)
            parts[i] = (copier){to + each * (size_t)i, from + each * (size_t)i, each};
        double best = 1e9, least = 1e9;
        for (int i = 0; i < COPY_ROUNDS; i++) {
            double cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID), t = time_copy(parts, n);
            cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu;
            best = t < best ? t : best;
            least = cpu < least ? cpu : least;
        }
        double moved = 2.0 * (double)each * n;
        printf("{\"seconds\": %.0f, \"cpu\": %.0f}\n", moved / best, moved / least);
    }
    free(from);
    free(to);
}

static void answer(session *s, char *line)
{
    char *words = line + strcspn(line, " ");
    if (*words != '\0')
        *words++ = '\0';
    if (strcmp(line, "prepare") == 0) {
        do_prepare(s, words);
    } else if (strcmp(line, "compile") == 0) {
        do_compile(s, words);
    } else if (strcmp(line, "copy") == 0) {
        do_copy(s, words);
    } else if (strcmp(line, "drop") == 0) {
        drop(s);
        printf("{}\n");
    } else if (s->runner == NULL) {
        answer_error("nothing is prepared");
    } else if (strcmp(line, "run") == 0) {
        do_run(s, words);
    } else if (strcmp(line, "save") == 0) {
        do_save(s, words);
    } else if (strcmp(line, "explain") == 0) {
        do_explain(s, words);
    } else {
        answer_error("unknown word");
    }
}

int main(int argc, char **argv)
{
    session s = {.threads = argc > 1 ? atoi(argv[1]) : 1};
    char line[3 * MAX_LINE];
    if (s.threads < 1)
        s.threads = 1;
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "quit") == 0)
            break;
        answer(&s, line);
        fflush(stdout);
    }
    drop(&s);
    return 0;
}
