/* SPDX-License-Identifier: Apache-2.0
 *
 * Every reader and writer with every allocation and every system call failing in turn: a status and
 * a message each time, nothing handed out, nothing leaked, nothing left open.
 */
#include "io_files.h"

#include <errno.h>

/* Fails the n-th call of the system; reads and writes come short. */
typedef struct trouble {
    ftl_io_hook hook;
    int at, calls;
    size_t most;
} trouble;

static int make_trouble(void *user, const char *call, size_t *size)
{
    trouble *t = user;
    (void)call;
    if (size && t->most && *size > t->most)
        *size = t->most;
    return ++t->calls == t->at ? EIO : 0;
}

typedef struct work {
    const char *file, *member;
    uint32_t arity; /* 0: a tensor */
} work;

static const work works[] = {
    {"a.npy", NULL, 0},    {"big.npy", NULL, 0},      {"u.npy", NULL, 0},     {"s.npz", NULL, 0},
    {"d.npz", "arr_0", 0}, {"a.safetensors", "x", 0}, {"a.json", NULL, 0},    {"a.csv", NULL, 2},
    {"w.tsv", NULL, 2},    {"words.txt", NULL, 2},    {"towns.txt", NULL, 1},
};

/* Any of the readers; gives back what was read by freeing it. */
static ftl_status read_work(const work *w, const ftl_read_options *options, ftl_io_error *error)
{
    ftl_tensor *t = NULL;
    ftl_tuples *tuples = NULL;
    ftl_symbols *symbols = NULL;
    ftl_tensor_place place = {.file = w->file, .member = w->member};
    bool is_text = ftl_io_find_format(w->file) == FTL_FORMAT_TEXT;
    ftl_status status =
        is_text && w->arity == 1 ? ftl_io_read_symbols(w->file, options, &symbols, error)
        : is_text                ? ftl_io_read_text(w->file, options, &tuples, error)
        : w->arity > 0
            ? ftl_io_read_tuples(w->file, (ftl_table_form){w->arity, true}, options, &tuples, error)
            : ftl_io_read_tensor(&place, options, &t, error);
    if (status != FTL_OK)
        assert_true(!t && !tuples && !symbols);
    ftl_tensor_release(t);
    ftl_tuples_free(tuples);
    ftl_symbols_free(symbols);
    return status;
}

static void write_npz(const char *path, const void *data, size_t len)
{
    ftl_io_error error = {""};
    ftl_tensor *t = NULL;
    const int64_t shape[] = {(int64_t)len};
    assert_int_equal(ftl_tensor_new(ftl_allocator_get_default(), FTL_DTYPE_U8, 1, shape, &t),
                     FTL_OK);
    memcpy(t->data, data, len);
    assert_int_equal(ftl_io_write_tensor(path, t, NULL, &error), FTL_OK);
    ftl_tensor_release(t);
}

static int put_files(void **state)
{
    static const char safetensors[] = "\x3e\0\0\0\0\0\0\0{\"x\":{\"dtype\":\"U16\",\"shape\":[2],"
                                      "\"data_offsets\":[0,4]}}        \1\0\2\0";
    char zeros[600] = {0};
    if (io_enter_folder(state) != 0)
        return -1;
    io_put_npy("a.npy", 1, "{'descr':'<f4','fortran_order':False,'shape':(2,)}", zeros, 8);
    io_put_npy("big.npy", 3, "{'descr':'>f4','fortran_order':True,'shape':(2,75)}", zeros, 600);
    io_put_npy("u.npy", 2, "{'descr':'<u8','fortran_order':False,'shape':(2,)}", zeros, 16);
    write_npz("s.npz", zeros, sizeof zeros);
    write_npz("d.npz", zeros, sizeof zeros);
    io_put("a.safetensors", safetensors, sizeof safetensors - 1);
    io_put_text("a.json", "[[1, 2, 3.5], [4, 5, 6]]");
    io_put_text("a.csv", "from,to,w\n0,1,0.5\n2,3,1\n\"4\",5,2\n");
    io_put_text("w.tsv", "ann\tbob\nbob\tcarl\n");
    io_put_text("words.txt", "the owl saw the mouse");
    io_put_text("towns.txt", "ulm\nbonn\n");
    return 0;
}

static int count_open_files(void)
{
    return io_count_entries("/proc/self/fd");
}

static void test_works_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < FTL_COUNT(works); i++) {
        ftl_io_error error = {""};
        if (read_work(&works[i], NULL, &error) != FTL_OK)
            fail_msg("%s", error.message);
    }
}

static void test_every_allocation(void **state)
{
    (void)state;
    for (size_t i = 0; i < FTL_COUNT(works); i++) {
        ftl_status status = FTL_ERR_MEMORY;
        for (size_t n = 1; status != FTL_OK; n++) {
            unit_heap heap;
            ftl_io_error error = {""};
            unit_heap_init(&heap);
            heap.fail_at = n;
            ftl_read_options options = {.alloc = &heap.alloc};
            status = read_work(&works[i], &options, &error);
            assert_int_equal(heap.live_blocks, 0);
            assert_int_equal(heap.live_bytes, 0);
            if (status == FTL_OK)
                continue;
            assert_int_equal(status, FTL_ERR_MEMORY);
            io_check_message(&error, "", "no memory");
            assert_true(n < 200);
        }
    }
}

static void check_every_call(const work *w, size_t most)
{
    int open_before = count_open_files();
    for (int n = 1;; n++) {
        unit_heap heap;
        unit_heap_init(&heap);
        trouble fault = {.hook = {&fault, make_trouble}, .at = n, .most = most};
        ftl_read_options options = {
            .alloc = &heap.alloc, .hook = &fault.hook, .mmap_npz_from = w->member ? 0 : 1};
        ftl_io_error error = {""};
        ftl_status status = read_work(w, &options, &error);
        assert_int_equal(heap.live_blocks, 0);
        assert_int_equal(count_open_files(), open_before);
        if (fault.calls < n) {
            assert_int_equal(status, FTL_OK);
            assert_true(n > 3);
            return;
        }
        if (status == FTL_OK)
            fail_msg("%s was read although call %d failed", w->file, n);
        if (!strstr(error.message, "Input/output error"))
            fail_msg("%s", error.message);
    }
}

static void test_every_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < FTL_COUNT(works); i++) {
        check_every_call(&works[i], 0);
        remove("words.vocab.json");
        check_every_call(&works[i], 5);
        remove("words.vocab.json");
    }
}

static void test_writers_without_memory(void **state)
{
    (void)state;
    static const char *const paths[] = {"o.npy", "o.npz", "o.json", "o.jsonl", "o.csv"};
    const int64_t shape[] = {2, 2};
    ftl_tensor *t = NULL;
    assert_int_equal(ftl_tensor_new(ftl_allocator_get_default(), FTL_DTYPE_BF16, 2, shape, &t),
                     FTL_OK);
    int files = io_count_entries(".");
    for (size_t i = 0; i < FTL_COUNT(paths); i++) {
        ftl_status status = FTL_ERR_MEMORY;
        for (size_t n = 1; status != FTL_OK; n++) {
            unit_heap heap;
            ftl_io_error error = {""};
            unit_heap_init(&heap);
            heap.fail_at = n;
            ftl_write_options options = {.alloc = &heap.alloc};
            status = ftl_io_write_tensor(paths[i], t, &options, &error);
            assert_int_equal(heap.live_blocks, 0);
            assert_int_equal(io_count_entries("."), status == FTL_OK ? files + 1 : files);
            if (status == FTL_OK)
                continue;
            assert_int_equal(status, FTL_ERR_MEMORY);
            io_check_message(&error, paths[i], "no memory");
        }
        assert_int_equal(remove(paths[i]), 0);
    }
    ftl_tensor_release(t);
}

/* A file that is cut between its being opened and mapped is seen; see also docs/files.md. */
static int cut_file(void *user, const char *call, size_t *size)
{
    (void)user, (void)size;
    return strcmp(call, "map") == 0 && truncate("cut.npy", 70) != 0 ? EIO : 0;
}

static void test_file_gets_shorter(void **state)
{
    (void)state;
    char zeros[600] = {0};
    ftl_io_hook hook = {NULL, cut_file};
    ftl_read_options options = {.hook = &hook};
    io_put_npy("cut.npy", 1, "{'descr':'<f4','fortran_order':False,'shape':(2,75)}", zeros, 600);
    io_refuse_place(&(ftl_tensor_place){.file = "cut.npy"}, &options, "has become shorter");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_works_are_sound),   cmocka_unit_test(test_every_allocation),
        cmocka_unit_test(test_every_call),        cmocka_unit_test(test_writers_without_memory),
        cmocka_unit_test(test_file_gets_shorter),
    };
    return cmocka_run_group_tests(tests, put_files, io_leave_folder);
}
