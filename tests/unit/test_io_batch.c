/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that appear together or not at all, files that hold several tensors, and asking whether a
 * file could be written.
 */
#include "io_files.h"

#include <sys/resource.h>

static const char *const names[] = {"new/a.npy", "new/deep/b.csv", "new/deep/c.json", "old.npy"};

static ftl_tensor *make_tensor(int64_t n)
{
    ftl_tensor *t = NULL;
    assert_int_equal(ftl_tensor_new(ftl_allocator_get_default(), FTL_DTYPE_F32, 1, &n, &t), FTL_OK);
    for (int64_t i = 0; i < n; i++)
        ((float *)t->data)[i] = (float)i + 1;
    return t;
}

/* box/old.npy holds "before". */
static int make_box(void **state)
{
    (void)state;
    if (mkdir("box", 0777))
        return -1;
    io_put_text("box/old.npy", "before");
    return 0;
}

static int remove_box(void **state)
{
    (void)state;
    return nftw("box", io_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static ftl_status write_all(const ftl_write_options *options, ftl_io_error *error)
{
    ftl_tensor *t = make_tensor(5);
    ftl_status status = FTL_OK;
    for (size_t i = 0; status == FTL_OK && i < FTL_COUNT(names); i++)
        status = ftl_io_write_tensor(names[i], t, options, error);
    ftl_tensor_release(t);
    return status;
}

static ftl_status write_batch(const ftl_allocator *alloc, const ftl_io_hook *hook)
{
    ftl_io_error error = {""};
    ftl_io_batch *batch = NULL;
    FTL_TRY(ftl_io_batch_new(alloc, &batch));
    ftl_write_options options = {
        .alloc = alloc, .batch = batch, .output_root = "box", .hook = hook};
    ftl_status status = write_all(&options, &error);
    if (status == FTL_OK)
        status = ftl_io_batch_commit(batch, &error);
    ftl_io_batch_free(batch);
    return status;
}

static void check_untouched(const char *why)
{
    if (io_count_entries("box") != 1 || strcmp(io_get_text("box/old.npy"), "before") != 0)
        fail_msg("something is left after %s", why);
}

static void check_there(void)
{
    assert_int_equal(io_count_entries("box"), 2);
    assert_int_equal(io_count_entries("box/new"), 2);
    assert_int_equal(io_count_entries("box/new/deep"), 2);
    assert_string_equal(io_get_text("box/new/deep/c.json"), "[1.0, 2.0, 3.0, 4.0, 5.0]\n");
    ftl_tensor *t = io_read("box/old.npy", NULL);
    io_check_values(t, (const double[]){1, 2, 3, 4, 5}, 5);
    ftl_tensor_release(t);
}

static void test_appear_at_commit(void **state)
{
    (void)state;
    ftl_io_error error = {""};
    ftl_io_batch *batch = NULL;
    assert_int_equal(ftl_io_batch_new(NULL, &batch), FTL_OK);
    ftl_write_options options = {.batch = batch, .output_root = "box"};
    assert_int_equal(write_all(&options, &error), FTL_OK);
    assert_string_equal(io_get_text("box/old.npy"), "before");
    assert_int_not_equal(access("box/new/a.npy", F_OK), 0);
    assert_int_equal(ftl_io_batch_commit(batch, &error), FTL_OK);
    ftl_io_batch_free(batch);
    check_there();
}

static void test_given_up(void **state)
{
    (void)state;
    ftl_io_error error = {""};
    ftl_io_batch *batch = NULL;
    assert_int_equal(ftl_io_batch_new(NULL, &batch), FTL_OK);
    ftl_write_options options = {.batch = batch, .output_root = "box"};
    assert_int_equal(write_all(&options, &error), FTL_OK);
    ftl_io_batch_free(batch);
    ftl_io_batch_free(NULL);
    check_untouched("giving up");
}

/* ---- failures ---- */

typedef struct trouble {
    ftl_io_hook hook;
    int at, calls;
    const char *failed;
} trouble;

static int make_trouble(void *user, const char *call, size_t *size)
{
    trouble *t = user;
    (void)size;
    if (++t->calls == t->at)
        t->failed = call;
    return t->calls >= t->at ? 28 /* ENOSPC */ : 0;
}

static void test_every_call(void **state)
{
    (void)state;
    for (int n = 1;; n++) {
        trouble fault = {.hook = {&fault, make_trouble}, .at = n};
        ftl_status status = write_batch(NULL, &fault.hook);
        if (!fault.failed) {
            assert_int_equal(status, FTL_OK);
            assert_true(n > 20);
            break;
        }
        assert_int_equal(status, FTL_ERR_IO);
        check_untouched(fault.failed);
    }
}

static void test_every_allocation(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        unit_heap heap;
        unit_heap_init(&heap);
        heap.fail_at = n;
        ftl_status status = write_batch(&heap.alloc, NULL);
        assert_int_equal(heap.live_blocks, 0);
        if (status == FTL_OK) {
            assert_true(n > 5);
            check_there();
            break;
        }
        assert_int_equal(status, FTL_ERR_MEMORY);
        check_untouched("an allocation that failed");
    }
}

/* More files than a process may have open. */
static void test_many_files(void **state)
{
    (void)state;
    ftl_io_error error = {""};
    ftl_io_batch *batch = NULL;
    static char paths[1500][32];
    struct rlimit before, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){64, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_int_equal(ftl_io_batch_new(NULL, &batch), FTL_OK);
    ftl_write_options options = {.batch = batch, .output_root = "box"};
    for (int i = 0; i < 1500; i++) {
        snprintf(paths[i], sizeof paths[i], "many/%d", i);
        if (ftl_io_write_bytes(paths[i], "x", 1, &options, &error) != FTL_OK)
            fail_msg("%s", error.message);
    }
    assert_int_equal(ftl_io_batch_commit(batch, &error), FTL_OK);
    ftl_io_batch_free(batch);
    assert_int_equal(io_count_entries("box/many"), 1500);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* ---- archives ---- */

static void test_archive(void **state)
{
    (void)state;
    ftl_io_error error = {""};
    ftl_tensor *list[] = {make_tensor(3), make_tensor(4)}, *t = NULL;
    ftl_named_tensor named[] = {{"Y", list[0]}, {"Long name", list[1]}};
    assert_int_equal(ftl_io_write_archive("box/all.npz", named, 2, NULL, &error), FTL_OK);
    for (size_t i = 0; i < 2; i++) {
        ftl_tensor_place place = {.file = "box/all.npz", .member = named[i].name};
        assert_int_equal(ftl_io_read_tensor(&place, NULL, &t, &error), FTL_OK);
        assert_int_equal(ftl_tensor_get_count(t), 3 + i);
        assert_true(ftl_tensor_get_double(t, 2) == 3);
        ftl_tensor_release(t);
        ftl_tensor_release(list[i]);
    }
    assert_int_equal(ftl_io_write_archive("box/all.npy", named, 2, NULL, &error), FTL_ERR_IO);
    io_check_message(&error, "box/all.npy", "as .npz");
}

/* ---- probing ---- */

static void refuse(const char *path, ftl_status status, const char *words)
{
    ftl_io_error error = {""};
    assert_int_equal(ftl_io_probe_sink("box", path, &error), status);
    io_check_message(&error, path, words);
}

static void test_probe(void **state)
{
    (void)state;
    ftl_io_error error = {""};
    assert_int_equal(ftl_io_probe_sink("box", "old.npy", &error), FTL_OK);
    assert_int_equal(ftl_io_probe_sink("box", "no/such/folder/y.npz", &error), FTL_OK);
    assert_int_equal(io_count_entries("box"), 1);
    refuse("../y.npy", FTL_ERR_USAGE, "leaves the output root");
    refuse("/y.npy", FTL_ERR_USAGE, "leaves the output root");
    refuse("y.xyz", FTL_ERR_IO, "not written");
    assert_int_equal(mkdir("box/y.npy", 0777), 0);
    refuse("y.npy", FTL_ERR_IO, "it is a folder");
    refuse("old.npy/y.npy", FTL_ERR_IO, "");
    if (geteuid() == 0)
        return; /* who may write everything cannot be refused */
    assert_int_equal(chmod("box/y.npy", 0555), 0);
    refuse("y.npy/new/z.npy", FTL_ERR_IO, "Permission denied");
    assert_int_equal(chmod("box/y.npy", 0755), 0);
    assert_int_equal(chmod("box/old.npy", 0444), 0);
    refuse("old.npy", FTL_ERR_IO, "Permission denied");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_appear_at_commit, make_box, remove_box),
        cmocka_unit_test_setup_teardown(test_given_up, make_box, remove_box),
        cmocka_unit_test_setup_teardown(test_every_call, make_box, remove_box),
        cmocka_unit_test_setup_teardown(test_every_allocation, make_box, remove_box),
        cmocka_unit_test_setup_teardown(test_many_files, make_box, remove_box),
        cmocka_unit_test_setup_teardown(test_archive, make_box, remove_box),
        cmocka_unit_test_setup_teardown(test_probe, make_box, remove_box),
    };
    return cmocka_run_group_tests(tests, io_enter_folder, io_leave_folder);
}
