/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that NumPy and the safetensors library wrote are read here, and what is written here is
 * read by them (tests/io/peers.py). Skipped where make deps has not made a Python folder with
 * NumPy.
 */
#include "io_files.h"

#include "base/dtype.h"

#include <libgen.h>
#include <limits.h>

static char root[PATH_MAX]; /* of the checkout; empty when it has no Python folder */

/* The checkout is a folder above this program. */
static int find_root(void **state)
{
    char path[PATH_MAX], python[PATH_MAX + 32];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    for (path[n > 0 ? n : 0] = '\0'; strlen(path) > 1; dirname(path)) {
        snprintf(python, sizeof python, "%s/.deps/venv/bin/python", path);
        if (access(python, X_OK) == 0) {
            strcpy(root, path);
            break;
        }
    }
    return io_enter_folder(state);
}

static bool run_peers(const char *command)
{
    char line[2 * PATH_MAX + 128];
    snprintf(line, sizeof line,
             "'%s/.deps/venv/bin/python' -B '%s/tests/io/peers.py' %s > peers.log 2>&1", root, root,
             command);
    return system(line) == 0;
}

static void write_kinds(const ftl_tensor *t, int n)
{
    static const char *const kinds[] = {"npy", "npz", "json"};
    for (size_t i = 0; i < FTL_COUNT(kinds); i++) {
        char path[64];
        ftl_io_error error = {""};
        snprintf(path, sizeof path, "out/%d.%s", n, kinds[i]);
        if (ftl_io_write_tensor(path, t, NULL, &error) != FTL_OK)
            fail_msg("%s", error.message);
    }
}

static void check_values(const ftl_tensor *t, const char *file, FILE *manifest)
{
    for (int64_t i = 0; i < ftl_tensor_get_count(t); i++) {
        double want = 0, got = ftl_tensor_get_double(t, i);
        assert_int_equal(fscanf(manifest, "%lf", &want), 1);
        if (got != want)
            fail_msg("%s: element %lld is %.17g, not %.17g", file, (long long)i, got, want);
    }
}

/* A line of the manifest; false at its end. */
static bool check_line(FILE *manifest, int n)
{
    char file[64], member[64], dtype[32];
    unsigned rank = 0;
    if (fscanf(manifest, "%63s %63s %31s %u", file, member, dtype, &rank) != 4)
        return false;
    ftl_io_error error = {""};
    ftl_tensor *t = NULL;
    ftl_tensor_place place = {.file = file, .member = strcmp(member, "-") ? member : NULL};
    if (ftl_io_read_tensor(&place, NULL, &t, &error) != FTL_OK)
        fail_msg("%s", error.message);
    assert_string_equal(ftl_dtype_get_long_name(t->dtype), dtype);
    assert_int_equal(t->rank, rank);
    for (uint32_t k = 0; k < t->rank; k++) {
        long long extent = -1;
        assert_int_equal(fscanf(manifest, "%lld", &extent), 1);
        assert_int_equal(t->shape[k], extent);
    }
    check_values(t, file, manifest);
    write_kinds(t, n);
    ftl_tensor_release(t);
    return true;
}

static void test_both_ways(void **state)
{
    (void)state;
    int n = 0;
    if (!root[0])
        unit_skip("no Python with NumPy in .deps (make deps)");
    if (!run_peers("make"))
        fail_msg("%s", io_get_text("peers.log"));
    FILE *manifest = fopen("manifest.txt", "r");
    assert_non_null(manifest);
    while (check_line(manifest, n))
        n++;
    fclose(manifest);
    assert_true(n > 250);
    if (!run_peers("check"))
        fail_msg("%s", io_get_text("peers.log"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_ways)};
    return cmocka_run_group_tests(tests, find_root, io_leave_folder);
}
