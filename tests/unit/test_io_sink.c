/* SPDX-License-Identifier: Apache-2.0
 *
 * Where files may be written, and that a file is there whole or not at all: the output root, links,
 * failures of every system call, a full disk.
 */
#include "io_files.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static ftl_status put_below(const char *root, const char *path, ftl_io_error *error)
{
    ftl_write_options options = {.output_root = root};
    return ftl_io_write_bytes(path, "new", 3, &options, error);
}

static void check_written(const char *root, const char *path, const char *where)
{
    ftl_io_error error = {""};
    if (put_below(root, path, &error) != FTL_OK)
        fail_msg("%s", error.message);
    assert_string_equal(io_get_text(where), "new");
    assert_int_equal(remove(where), 0);
}

static void refuse(const char *root, const char *path, ftl_status status, const char *words)
{
    ftl_io_error error = {""};
    assert_int_equal(put_below(root, path, &error), status);
    io_check_message(&error, path, words);
}

/* root/, root/in/, out/, and links in root to both. */
static int make_folders(void **state)
{
    (void)state;
    char target[128];
    if (mkdir("box", 0777) || mkdir("box/root", 0777) || mkdir("box/root/in", 0777) ||
        mkdir("box/out", 0777))
        return -1;
    snprintf(target, sizeof target, "%s/box/root/in", io_folder);
    if (symlink("../out", "box/root/away") || symlink("in", "box/root/near") ||
        symlink(target, "box/root/absolute") || symlink("/", "box/root/top") ||
        symlink("round", "box/root/round") || symlink("../out/x.npy", "box/root/leak.npy") ||
        symlink("in/y.npy", "box/root/link.npy"))
        return -1;
    return 0;
}

static int remove_folders(void **state)
{
    (void)state;
    return nftw("box", io_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void test_below_the_root(void **state)
{
    (void)state;
    check_written("box/root", "a.npy", "box/root/a.npy");
    check_written("box/root", "./in//b.npy", "box/root/in/b.npy");
    check_written("box/root", "in/../c.npy", "box/root/c.npy");
    check_written("box/root", "near/d.npy", "box/root/in/d.npy");
    check_written("box/root", "absolute/e.npy", "box/root/in/e.npy");
    check_written("box/root", "new/er/f.npy", "box/root/new/er/f.npy");
    check_written("box/root", "new/missing/../g.npy", "box/root/new/g.npy");
    check_written("box/root", "link.npy", "box/root/in/y.npy");
    check_written("box/root/near", "h.npy", "box/root/in/h.npy");
    char absolute[128];
    snprintf(absolute, sizeof absolute, "%s/k.npy", io_folder);
    check_written("/", absolute + 1, absolute);
    check_written(NULL, "box/root/away/i.npy", "box/out/i.npy");
    check_written(NULL, "box/root/../out/j.npy", "box/out/j.npy");
}

static void test_outside_of_the_root(void **state)
{
    (void)state;
    static const char *const leaving[] = {
        "../stolen.npy",     "in/../../stolen.npy", "../root/x.npy", "..",
        "away/x.npy",        "near/../away/x.npy",  "top/tmp/x.npy", "leak.npy",
        "a/b/../../../x.npy"};
    for (size_t i = 0; i < FTL_COUNT(leaving); i++)
        if (strcmp(leaving[i], "..") != 0)
            refuse("box/root", leaving[i], FTL_ERR_USAGE, "leaves the output root");
    char absolute[128];
    snprintf(absolute, sizeof absolute, "%s/box/root/in/x.npy", io_folder);
    refuse("box/root", absolute, FTL_ERR_USAGE, "an absolute path leaves the output root");
    assert_int_equal(io_count_entries("box/out"), 0);
    assert_int_equal(access("stolen.npy", F_OK), -1);
    static const char *const unnamed[] = {"", ".", "..", "in/", "in/.", "in/..", "/"};
    for (size_t i = 0; i < FTL_COUNT(unnamed); i++)
        refuse("box/root", unnamed[i], FTL_ERR_USAGE, "is not the name of a file");
    refuse("box/root", "round/x.npy", FTL_ERR_IO, "symbolic links");
    ftl_io_error error = {""};
    assert_int_equal(put_below("box/none", "x.npy", &error), FTL_ERR_IO);
    io_check_message(&error, "box/none", "the output root cannot be reached");
}

/* A link that appears after the path was resolved is not followed. */
static int put_link(void *user, const char *call, size_t *size)
{
    (void)user, (void)size;
    return strcmp(call, "mkdir") == 0 && symlink("../out", "box/root/late") != 0 ? EIO : 0;
}

static void test_link_put_meanwhile(void **state)
{
    (void)state;
    ftl_io_hook hook = {NULL, put_link};
    ftl_write_options options = {.output_root = "box/root", .hook = &hook};
    ftl_io_error error = {""};
    assert_int_equal(ftl_io_write_bytes("late/x.npy", "new", 3, &options, &error), FTL_ERR_IO);
    io_check_message(&error, "late/x.npy", "its folder cannot be opened");
    assert_int_equal(io_count_entries("box/out"), 0);
}

static void test_long_paths(void **state)
{
    (void)state;
    static char path[3 * 4096];
    memset(path, 'x', sizeof path - 1);
    ftl_io_error error = {""};
    assert_int_equal(put_below("box/root", path, &error), FTL_ERR_USAGE);
    assert_non_null(strstr(error.message, "the path is too long"));
    path[300] = '\0';
    assert_int_equal(put_below("box/root", path, &error), FTL_ERR_IO);
    assert_non_null(strstr(error.message, "the path is too long"));
    for (size_t i = 0; i < 4090; i += 2)
        path[i] = 'd', path[i + 1] = '/';
    path[4090] = 'f', path[4091] = '\0';
    assert_int_equal(put_below("box/root", path, &error), FTL_ERR_IO);
    assert_non_null(strstr(error.message, "the path is too long"));
}

static void test_resolve(void **state)
{
    (void)state;
    char expected[160];
    const char *out = NULL;
    ftl_io_error error = {""};
    ftl_arena arena;
    jmp_buf failed;
    ftl_arena_init(&arena, ftl_allocator_get_default());
    if (setjmp(failed) != 0)
        fail();
    arena.on_fail = &failed;
    snprintf(expected, sizeof expected, "%s/box/root/in/new/a.npy", io_folder);
    assert_int_equal(ftl_io_resolve_sink(&arena, "box/root", "near/new/a.npy", &out, &error),
                     FTL_OK);
    assert_string_equal(out, expected);
    assert_int_equal(access("box/root/in/new", F_OK), -1);
    assert_int_equal(ftl_io_resolve_sink(&arena, "box/root", "away/a.npy", &out, &error),
                     FTL_ERR_USAGE);
    ftl_arena_fini(&arena);
}

static void test_targets(void **state)
{
    (void)state;
    io_put_text("box/root/old.npy", "old");
    assert_int_equal(chmod("box/root/old.npy", 0640), 0);
    ftl_io_error error = {""};
    struct stat st;
    assert_int_equal(put_below("box/root", "old.npy", &error), FTL_OK);
    assert_string_equal(io_get_text("box/root/old.npy"), "new");
    assert_int_equal(stat("box/root/old.npy", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    refuse("box/root", "in", FTL_ERR_IO, "it is a folder");
    assert_int_equal(mkfifo("box/root/pipe.npy", 0666), 0);
    refuse("box/root", "pipe.npy", FTL_ERR_IO, "it is not a file");
    refuse("box/root", "old.npy/x.npy", FTL_ERR_IO, "Not a directory");
    if (geteuid() != 0) {
        assert_int_equal(chmod("box/root/old.npy", 0440), 0);
        refuse("box/root", "old.npy", FTL_ERR_IO, "Permission denied");
        assert_int_equal(chmod("box/root/in", 0555), 0);
        refuse("box/root", "in/x.npy", FTL_ERR_IO, "Permission denied");
    }
    assert_int_equal(io_count_entries("box/root/in"), 0);
}

/* ---- failures ---- */

/* Fails the n-th call and those after it that have the same name; makes writes and reads come
 * short. */
typedef struct trouble {
    ftl_io_hook hook;
    int at, calls, number;
    size_t most;
    const char *failed; /* name of the call that failed first */
} trouble;

static int make_trouble(void *user, const char *call, size_t *size)
{
    trouble *t = user;
    if (size && t->most && *size > t->most)
        *size = t->most;
    if (++t->calls == t->at)
        t->failed = call;
    return t->failed && strcmp(t->failed, call) == 0 ? t->number : 0;
}

static ftl_tensor *make_tensor(void)
{
    const int64_t shape[] = {100, 300};
    ftl_tensor *t = NULL;
    assert_int_equal(ftl_tensor_new(ftl_allocator_get_default(), FTL_DTYPE_F32, 2, shape, &t),
                     FTL_OK);
    for (int i = 0; i < 30000; i++)
        ((float *)t->data)[i] = (float)i;
    return t;
}

/* Whatever call fails: the old file stays, or the new one is whole; nothing else is left. */
static void check_every_failure(const char *path, const char *folder, int entries)
{
    ftl_tensor *t = make_tensor();
    for (int n = 1;; n++) {
        trouble fault = {.hook = {&fault, make_trouble}, .at = n, .number = ENOSPC, .most = 30011};
        ftl_write_options options = {.output_root = "box/root", .hook = &fault.hook};
        ftl_io_error error = {""};
        ftl_status status = ftl_io_write_tensor(path, t, &options, &error);
        if (!fault.failed) {
            assert_int_equal(status, FTL_OK);
            assert_true(n > 5);
            break;
        }
        assert_int_equal(status, FTL_ERR_IO);
        io_check_message(&error, path, "No space left");
        int left = access(folder, F_OK) == 0 ? io_count_entries(folder) : 0;
        bool renamed = strcmp(fault.failed, "sync") == 0 && left == entries + 1;
        if (left != entries && !renamed)
            fail_msg("%d entries are left after a failing %s", left, fault.failed);
    }
    ftl_tensor_release(t);
}

static void test_every_failure(void **state)
{
    (void)state;
    static const char *const names[] = {"x.npy", "x.npz", "x.json", "x.csv"};
    for (size_t i = 0; i < FTL_COUNT(names); i++) {
        char path[64];
        snprintf(path, sizeof path, "in/%s", names[i]);
        check_every_failure(path, "box/root/in", 0);
        snprintf(path, sizeof path, "box/root/in/%s", names[i]);
        assert_int_equal(remove(path), 0);
        snprintf(path, sizeof path, "in/a/b/%s", names[i]);
        check_every_failure(path, "box/root/in", 0);
        assert_int_equal(nftw("box/root/in/a", io_remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    }
}

static void test_old_file_stays(void **state)
{
    (void)state;
    static const char *const calls[] = {"open", "write", "sync", "rename"};
    ftl_tensor *t = make_tensor();
    for (size_t i = 0; i < FTL_COUNT(calls); i++) {
        trouble fault = {.hook = {&fault, make_trouble}, .number = EIO, .failed = calls[i]};
        ftl_write_options options = {.hook = &fault.hook};
        ftl_io_error error = {""};
        io_put_text("box/out/x.npy", "old");
        assert_int_equal(ftl_io_write_tensor("box/out/x.npy", t, &options, &error), FTL_ERR_IO);
        assert_string_equal(io_get_text("box/out/x.npy"), "old");
        assert_int_equal(io_count_entries("box/out"), 1);
    }
    ftl_tensor_release(t);
}

static void test_interrupted_and_short_writes(void **state)
{
    (void)state;
    ftl_tensor *t = make_tensor();
    trouble fault = {.hook = {&fault, make_trouble}, .most = 7};
    ftl_write_options options = {.hook = &fault.hook};
    ftl_io_error error = {""};
    assert_int_equal(ftl_io_write_tensor("box/out/x.npz", t, &options, &error), FTL_OK);
    ftl_tensor *back = io_read("box/out/x.npz", NULL);
    assert_memory_equal(back->data, t->data, 120000);
    ftl_tensor_release(back);
    ftl_tensor_release(t);
}

/* A real limit of the system, as a full disk would be. */
static void test_file_size_limit(void **state)
{
    (void)state;
    ftl_tensor *t = make_tensor();
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {.rlim_cur = 50000, .rlim_max = 50000};
        ftl_io_error error = {""};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        bool refused = ftl_io_write_tensor("box/out/x.npy", t, NULL, &error) == FTL_ERR_IO;
        ftl_tensor_release(t);
        _exit(refused && strstr(error.message, "File too large") ? 0 : 1);
    }
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_int_equal(io_count_entries("box/out"), 0);
    ftl_tensor_release(t);
}

/* /dev/full is on another file system than any folder; a link to it is not followed into a device.
 */
static void test_devices(void **state)
{
    (void)state;
    assert_int_equal(symlink("/dev/full", "box/out/full.npy"), 0);
    ftl_io_error error = {""};
    assert_int_equal(ftl_io_write_bytes("box/out/full.npy", "x", 1, NULL, &error), FTL_ERR_IO);
    assert_int_equal(ftl_io_write_bytes("/dev/full", "x", 1, NULL, &error), FTL_ERR_IO);
}

/* Two writers at a time: one of the two files is there at the end, whole. */
static void test_two_writers(void **state)
{
    (void)state;
    ftl_tensor *t = make_tensor();
    pid_t child = fork();
    ftl_io_error error = {""};
    bool fine = true;
    for (int i = 0; i < 20; i++)
        fine = fine && ftl_io_write_tensor("box/out/both.npy", t, NULL, &error) == FTL_OK;
    if (child == 0) {
        ftl_tensor_release(t);
        _exit(fine ? 0 : 1);
    }
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(fine && result == 0);
    ftl_tensor *back = io_read("box/out/both.npy", NULL);
    assert_memory_equal(back->data, t->data, 120000);
    ftl_tensor_release(back);
    ftl_tensor_release(t);
    assert_int_equal(io_count_entries("box/out"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_below_the_root, make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(test_outside_of_the_root, make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(test_link_put_meanwhile, make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(test_long_paths, make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(test_resolve, make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(test_targets, make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(test_every_failure, make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(test_old_file_stays, make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(test_interrupted_and_short_writes, make_folders,
                                        remove_folders),
        cmocka_unit_test_setup_teardown(test_file_size_limit, make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(test_devices, make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(test_two_writers, make_folders, remove_folders),
    };
    return cmocka_run_group_tests(tests, io_enter_folder, io_leave_folder);
}
