/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs over files: bools of other programs, what is written when, who refuses what. All files
 * are in the working folder, which is the test's own.
 */
#include "api.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void put(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void put_text(const char *path, const char *text)
{
    put(path, text, strlen(text));
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static const char *get_text(const char *path)
{
    static char text[4096];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

/* The status of one run; the runner stays for a look at it. */
static ftl_status run(const char *text, const char *backend, ftl_runner **r)
{
    ftl_program *p = api_parse(text);
    ftl_config config;
    ftl_config_init(&config);
    config.backend = backend;
    ftl_status status = ftl_runner_new(p, &config, NULL, 0, r);
    if (status == FTL_OK)
        status = ftl_runner_run(*r);
    ftl_program_free(p);
    return status;
}

static void check_failure(const char *text, const char *words)
{
    ftl_runner *r = NULL;
    assert_int_equal(run(text, "native", &r), FTL_ERR_PROGRAM);
    if (!strstr(ftl_runner_get_diagnostics(r), words))
        fail_msg("'%s' should say '%s'", ftl_runner_get_diagnostics(r), words);
    ftl_runner_free(r);
}

/* ---- bools ---- */

#define BOOLS "{'descr': '|b1', 'fortran_order': False, 'shape': (5,), }"

/* Bytes other than 0 and 1 are true, wherever they go. */
static void test_bools_of_any_byte(void **state)
{
    (void)state;
    static const char *const backends[] = {"native", "oracle"};
    static const char text[] = "R(i) = \"r.npy\"\n"
                               "N = R(i)\n"
                               "Q(i) <- R(i), S(i)\n"
                               "S(i) = \"s.npy\"\n"
                               "M = Q(i)\n"
                               "T[i] = 2 * R(i)\n"
                               "O(i) <- R(i)\n"
                               "export N, M, T, O\n";
    char header[10 + sizeof BOOLS - 1 + 5] = "\x93NUMPY\1\0\0\0" BOOLS "\2\1\0\xff\x80";
    header[8] = sizeof BOOLS - 1;
    put("r.npy", header, sizeof header);
    memcpy(header + sizeof header - 5, "\1\2\1\0\1", 5);
    put("s.npy", header, sizeof header);
    for (size_t i = 0; i < 2; i++) {
        ftl_runner *r = NULL;
        if (run(text, backends[i], &r) != FTL_OK)
            fail_msg("%s", ftl_runner_get_diagnostics(r));
        api_check_values(ftl_runner_get_output(r, "N"), (float[]){4}, 1);
        api_check_values(ftl_runner_get_output(r, "M"), (float[]){3}, 1);
        api_check_values(ftl_runner_get_output(r, "T"), (float[]){2, 2, 0, 2, 2}, 5);
        assert_memory_equal(ftl_tensor_get_data(ftl_runner_get_output(r, "O")), "\1\1\0\1\1", 5);
        ftl_runner_free(r);
    }
}

/* ---- what is written when ---- */

static void test_nothing_before_success(void **state)
{
    (void)state;
    remove("said.vocab.json");
    put_text("said.txt", "so it is");
    put_text("out.json", "before\n");
    put_text("i.json", "[7]");
    check_failure("Said[p, w] = \"said.txt\"\nC[w] = Said[p, w]\nexport C\nZ = Undefined[i]\n",
                  "Undefined");
    check_failure("Said[p, w] = \"said.txt\"\nC[w] = Said[p, w]\nI[k] = \"i.json\"\n"
                  "G[k] = C[I[k]]\n\"out.json\" = C[w]\nexport G\n",
                  "7");
    assert_false(is_there("said.vocab.json"));
    assert_string_equal(get_text("out.json"), "before\n");
}

/* A vocabulary that somebody changed in the meantime stays, and no sink is written. */
static void test_all_files_or_none(void **state)
{
    (void)state;
    remove("note.vocab.json");
    remove("one.json");
    put_text("note.txt", "b a b");
    ftl_runner *r = NULL;
    ftl_program *p = api_parse("N[p, w] = \"note.txt\"\nC[w] = N[p, w]\n"
                               "\"one.json\" = C[w]\n");
    ftl_config config;
    ftl_config_init(&config);
    assert_int_equal(ftl_runner_new(p, &config, NULL, 0, &r), FTL_OK);
    put_text("note.vocab.json", "{\"version\": 1, \"items\": [{\"token\": \"a\", \"index\": 0}]}");
    assert_int_equal(ftl_runner_run(r), FTL_ERR_IO);
    assert_non_null(strstr(ftl_runner_get_diagnostics(r), "changed by someone else"));
    assert_false(is_there("one.json"));
    ftl_runner_free(r);
    ftl_program_free(p);
}

/* Two texts with one vocabulary agree within a run. */
static void test_shared_vocabulary(void **state)
{
    (void)state;
    remove("pair.vocab.json");
    put_text("pair.txt", "x y");
    put_text("pair.md", "z y");
    ftl_runner *r = NULL;
    assert_int_equal(run("A[p, w] = \"pair.txt\"\nB[p, w] = \"./pair.md\"\nS[w] = A[p, w] B[q, w]\n"
                         "T[w] = B[p, w]\nexport S, T\n", "native", &r), FTL_OK);
    api_check_values(ftl_runner_get_output(r, "T"), (float[]){0, 1, 1}, 3);
    assert_non_null(strstr(get_text("pair.vocab.json"), "\"z\", \"index\": 2"));
    assert_int_equal(ftl_runner_run(r), FTL_OK);
    ftl_runner_free(r);
}

/* ---- NUL ---- */

static void test_nul_is_never_lost(void **state)
{
    (void)state;
    put("nul.csv", "ann,bob\nbob,eve\0\n", 17);
    check_failure("P(x, y) = \"nul.csv\"\nexport P\n", "nul.csv:2: column 2 holds a NUL byte");
    put("nul.txt", "ulm\nbonn\0\n", 10);
    check_failure("domain Town = \"nul.txt\"\nX[Town] = 1\nexport X\n",
                  "nul.txt:2: holds a NUL byte");
}

/* A file of no bytes asks for a result of many: the limit is for results too. */
static void test_large_result_of_nothing(void **state)
{
    (void)state;
    int64_t shape[] = {0, 1000000};
    ftl_tensor *t = NULL;
    ftl_runner *r = NULL;
    ftl_config config;
    assert_int_equal(ftl_tensor_create(NULL, FTL_DTYPE_F32, 2, shape, &t), FTL_OK);
    assert_int_equal(ftl_tensor_save(t, "none.npy", NULL), FTL_OK);
    ftl_tensor_release(t);
    ftl_program *p = api_parse("W[i, j] = \"none.npy\"\nY[j] = W[i, j]\nexport Y\n");
    ftl_config_init(&config);
    config.memory_limit = 5000000;
    assert_int_equal(ftl_runner_new(p, &config, NULL, 0, &r), FTL_OK);
    ftl_runner_free(r);
    config.memory_limit = 1000000;
    assert_int_equal(ftl_runner_new(p, &config, NULL, 0, &r), FTL_ERR_MEMORY);
    assert_non_null(strstr(ftl_runner_get_diagnostics(r), "4000000 bytes; the limit is 1000000"));
    ftl_runner_free(r);
    ftl_program_free(p);
}

/* ---- a file that is cut while it is mapped ---- */

static const char endless[] = "W[i] = \"cut.npy\"\nX[i] = W[i] - X[i]\nS = X[i]\nexport S\n";

/* 2^20 ones; the columns alternate between 0 and 1 as long as the fixpoint is allowed to run. */
static void put_ones(void)
{
    int64_t n = 1 << 20;
    ftl_tensor *t = NULL;
    assert_int_equal(ftl_tensor_create(NULL, FTL_DTYPE_F32, 1, &n, &t), FTL_OK);
    for (int64_t i = 0; i < n; i++)
        ((float *)ftl_tensor_get_data(t))[i] = 1;
    assert_int_equal(ftl_tensor_save(t, "cut.npy", NULL), FTL_OK);
    ftl_tensor_release(t);
}

/* The program beside the folder of the tests, with its errors in a file. */
static pid_t start_fuse(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 32);
    assert_true(n > 0);
    path[n] = '\0';
    strcpy(strrchr(path, '/'), "/../../fuse");
    pid_t child = fork();
    if (child != 0)
        return child;
    if (!freopen("cut.err", "w", stderr))
        _exit(99);
    execl(path, "fuse", "run", "cut.fuse", "--mode", "fixpoint", "--max-iters", "1000000000",
          "--threads", "2", (char *)NULL);
    _exit(99);
}

static bool has_mapped(pid_t child, const char *name)
{
    char path[64], line[4096];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%ld/maps", (long)child);
    FILE *f = fopen(path, "r");
    while (f && !found && fgets(line, sizeof line, f))
        found = strstr(line, name) != NULL;
    if (f)
        fclose(f);
    return found;
}

static void test_cut_file(void **state)
{
    (void)state;
    int status = 0;
    put_ones();
    put_text("cut.fuse", endless);
    pid_t child = start_fuse();
    assert_true(child > 0);
    while (!has_mapped(child, "cut.npy") && waitpid(child, &status, WNOHANG) == 0)
        usleep(1000);
    assert_int_equal(truncate("cut.npy", 4096), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
        fail_msg("wait status %x: %s", (unsigned)status, get_text("cut.err"));
    assert_non_null(strstr(get_text("cut.err"), "become shorter"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bools_of_any_byte),
        cmocka_unit_test(test_nothing_before_success),
        cmocka_unit_test(test_all_files_or_none),
        cmocka_unit_test(test_shared_vocabulary),
        cmocka_unit_test(test_nul_is_never_lost),
        cmocka_unit_test(test_large_result_of_nothing),
        cmocka_unit_test(test_cut_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
