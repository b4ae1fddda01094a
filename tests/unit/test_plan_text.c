/* SPDX-License-Identifier: Apache-2.0
 *
 * Text in, text out: each file of tests/plan is a list of cases,
 *
 *     === what the case shows
 *     %0 = ...                 a graph without its first line
 *     --- pass ...             the passes to run, or "all"
 *     %0 = ...                 the graph that comes out
 *
 * With the argument --bless the second graphs are rewritten; read the diff.
 */
#include "graph_text.h"
#include "plan/plan.h"
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct file_job {
    const char *path;
    bool bless;
    size_t cases;
} file_job;

/* ---- files ---- */

static const char *read_file(ftl_arena *arena, const char *path)
{
    ftl_strbuf text;
    char part[4096];
    size_t n = 0;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    ftl_strbuf_init(&text, arena);
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        ftl_strbuf_append(&text, part, n);
    fclose(f);
    return ftl_strbuf_get(&text);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* tests/plan in the nearest folder above this program that has it. */
static void find_folder(char *out, size_t size)
{
    char path[1024];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(n > 0);
    path[n] = '\0';
    for (char *slash; (slash = strrchr(path, '/'));) {
        *slash = '\0';
        snprintf(out, size, "%s/tests/plan", path);
        DIR *folder = opendir(out);
        if (folder) {
            closedir(folder);
            return;
        }
    }
    fail_msg("no folder tests/plan above this program");
}

/* ---- cases ---- */

/* Cuts text at the next line that starts with mark; gives the rest of that line and moves on. */
static const char *cut(ftl_arena *arena, const char **text, const char *mark, const char **before)
{
    size_t n = strlen(mark);
    const char *at = *text;
    while (*at && strncmp(at, mark, n) != 0) {
        const char *end = strchr(at, '\n');
        at = end ? end + 1 : at + strlen(at);
    }
    *before = ftl_arena_strndup(arena, *text, (size_t)(at - *text));
    if (!*at)
        return *text = at, NULL;
    const char *end = at + strcspn(at, "\n");
    *text = *end ? end + 1 : end;
    return ftl_arena_strndup(arena, at + n, (size_t)(end - at) - n);
}

static void run_passes(ftl_arena *arena, ftl_graph *g, const char *names)
{
    char *list = ftl_arena_strdup(arena, names), *rest = NULL;
    for (char *name = strtok_r(list, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
        ftl_status status = strcmp(name, "all") == 0 ? ftl_plan_run_passes(g, NULL)
                                                     : ftl_plan_run_pass(g, name, NULL);
        if (status != FTL_OK)
            fail_msg("no pass '%s'", name);
        const char *wrong = ftl_graph_verify(g, arena);
        if (wrong)
            fail_msg("after %s: %s", name, wrong);
    }
}

static const char *skip_first_line(const char *text)
{
    return strchr(text, '\n') + 1;
}

static void run_file(ftl_arena *arena, void *user)
{
    file_job *job = user;
    const char *text = read_file(arena, job->path), *before = NULL, *wanted = NULL;
    ftl_strbuf blessed;
    ftl_strbuf_init(&blessed, arena);
    const char *title = cut(arena, &text, "===", &before);
    ftl_strbuf_puts(&blessed, before);
    for (; title; job->cases++) {
        const char *passes = cut(arena, &text, "---", &before);
        assert_non_null(passes);
        ftl_graph *g = graph_text_read(arena, ftl_arena_printf(arena, "graph 1\n%s", before));
        ftl_strbuf_printf(&blessed, "===%s\n%s---%s\n", title, before, passes);
        run_passes(arena, g, passes);
        const char *next = cut(arena, &text, "===", &wanted);
        const char *got = skip_first_line(graph_text_dump(arena, g));
        ftl_strbuf_printf(&blessed, "%s%s", got, next ? "\n" : "");
        if (!job->bless) {
            ftl_graph *w = graph_text_read(arena, ftl_arena_printf(arena, "graph 1\n%s", wanted));
            if (!ftl_graph_is_equal(g, w))
                fail_msg("%s:%s: after%s\n%s", job->path, title, passes, got);
        }
        title = next;
    }
    if (job->bless)
        write_file(job->path, ftl_strbuf_get(&blessed));
}

static bool bless;

static void test_files(void **state)
{
    (void)state;
    char folder[2048], path[4096];
    size_t cases = 0;
    find_folder(folder, sizeof folder);
    DIR *d = opendir(folder);
    for (struct dirent *entry; (entry = readdir(d));) {
        if (!strstr(entry->d_name, ".txt"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        file_job job = {.path = path, .bless = bless};
        graph_text_guard(run_file, &job);
        assert_true(job.cases > 0);
        cases += job.cases;
    }
    closedir(d);
    assert_true(cases > 30);
}

static void check_names(ftl_arena *arena, void *user)
{
    (void)user;
    ftl_graph *g = ftl_graph_new(arena, NULL);
    assert_int_equal(ftl_plan_run_pass(g, "nothing", NULL), FTL_ERR_USAGE);
    assert_int_equal(ftl_plan_run_passes(g, &(ftl_pass_options){.stop_after = "x"}), FTL_ERR_USAGE);
    assert_int_equal(ftl_plan_run_passes(g, &(ftl_pass_options){.stop_after = "fold"}), FTL_OK);
    for (size_t i = 0; ftl_pass_get_name(i); i++)
        assert_true(strlen(ftl_pass_get_doc(i)) > 0);
}

static void test_names(void **state)
{
    (void)state;
    graph_text_guard(check_names, NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_names),
    };
    bless = argc > 1 && strcmp(argv[1], "--bless") == 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
