/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

static void test_heap_is_aligned(void **state)
{
    (void)state;
    const ftl_allocator *heap = ftl_allocator_get_default();
    for (size_t size = 0; size < 300; size += 7) {
        void *p = ftl_mem_alloc(heap, size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        ftl_mem_free(heap, p, size);
    }
    assert_null(ftl_mem_alloc(heap, SIZE_MAX));
    assert_null(ftl_mem_alloc(heap, SIZE_MAX - 64));
    ftl_mem_free(heap, NULL, 5);
}

static void test_mul_size(void **state)
{
    (void)state;
    size_t out = 7;
    assert_true(ftl_mul_size(SIZE_MAX / 3, 3, &out));
    assert_int_equal(out, SIZE_MAX / 3 * 3);
    out = 7;
    assert_false(ftl_mul_size(SIZE_MAX / 3 + 1, 3, &out));
    assert_int_equal(out, 7);
    assert_true(ftl_mul_size(SIZE_MAX, 0, &out));
    assert_int_equal(out, 0);
}

typedef struct work {
    unit_heap heap;
    ftl_arena arena;
    size_t size, count;
    int ended[4], n_ended;
} work;

static void start(work *w)
{
    *w = (work){.size = 1, .count = 1};
    unit_heap_init(&w->heap);
    ftl_arena_init(&w->arena, &w->heap.alloc);
}

/* count pieces of size bytes: zeroed, aligned, apart from each other. */
static ftl_status take_pieces(void *p)
{
    work *w = p;
    for (size_t i = 0; i < w->count; i++) {
        unsigned char *piece = ftl_arena_alloc(&w->arena, w->size);
        assert_int_equal((uintptr_t)piece % 16, 0);
        for (size_t k = 0; k < w->size; k++)
            assert_int_equal(piece[k], 0);
        memset(piece, 0xFF, w->size);
    }
    return FTL_OK;
}

static void test_arena_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4000, 4096, 5000, 1 << 20, 3 << 20};
    work w;
    start(&w);
    for (size_t i = 0; i < FTL_COUNT(sizes); i++) {
        w.size = sizes[i];
        w.count = sizes[i] > 100000 ? 2 : 100;
        assert_int_equal(ftl_arena_run(&w.arena, take_pieces, &w), FTL_OK);
    }
    ftl_arena_fini(&w.arena);
    assert_int_equal(w.heap.live_blocks, 0);
    assert_int_equal(w.heap.live_bytes, 0);
}

static void test_arena_takes_few_blocks(void **state)
{
    (void)state;
    work w;
    start(&w);
    w.size = 16;
    w.count = 100000;
    assert_int_equal(ftl_arena_run(&w.arena, take_pieces, &w), FTL_OK);
    assert_in_range(w.heap.calls, 1, 20);
    ftl_arena_fini(&w.arena);
}

static void test_arena_without_memory(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 3; n++) {
        work w;
        start(&w);
        w.heap.fail_at = n;
        w.size = 1000;
        w.count = 30;
        assert_int_equal(ftl_arena_run(&w.arena, take_pieces, &w), FTL_ERR_MEMORY);
        ftl_arena_fini(&w.arena);
        assert_int_equal(w.heap.live_blocks, 0);
    }
}

static void test_arena_limit(void **state)
{
    (void)state;
    work w;
    start(&w);
    w.arena.limit = 1000;
    w.size = 100;
    w.count = 8;
    assert_int_equal(ftl_arena_run(&w.arena, take_pieces, &w), FTL_OK);
    assert_in_range(w.arena.used, 800, 1000);
    w.count = 2;
    assert_int_equal(ftl_arena_run(&w.arena, take_pieces, &w), FTL_ERR_MEMORY);
    ftl_arena_fini(&w.arena);
}

static ftl_status take_too_much(void *p)
{
    work *w = p;
    (void)ftl_arena_alloc_array(&w->arena, w->count, w->size);
    return FTL_OK;
}

static void test_arena_sizes_that_overflow(void **state)
{
    (void)state;
    work w;
    start(&w);
    w.size = 16;
    w.count = SIZE_MAX / 8;
    assert_int_equal(ftl_arena_run(&w.arena, take_too_much, &w), FTL_ERR_MEMORY);
    w.size = 1;
    w.count = SIZE_MAX;
    assert_int_equal(ftl_arena_run(&w.arena, take_too_much, &w), FTL_ERR_MEMORY);
    ftl_arena_fini(&w.arena);
}

static work *noted;

static void note_end(void *p)
{
    noted->ended[noted->n_ended++] = *(int *)p;
}

static ftl_status defer_three(void *p)
{
    static int names[] = {1, 2, 3};
    work *w = p;
    for (int i = 0; i < 3; i++)
        ftl_arena_defer(&w->arena, note_end, &names[i]);
    return FTL_OK;
}

static void test_deferred_calls_run_newest_first(void **state)
{
    (void)state;
    work w;
    start(&w);
    noted = &w;
    assert_int_equal(ftl_arena_run(&w.arena, defer_three, &w), FTL_OK);
    assert_int_equal(w.n_ended, 0);
    ftl_arena_fini(&w.arena);
    assert_int_equal(w.n_ended, 3);
    assert_int_equal(w.ended[0], 3);
    assert_int_equal(w.ended[2], 1);
}

static void test_deferred_call_that_finds_no_memory_runs_at_once(void **state)
{
    (void)state;
    work w;
    start(&w);
    noted = &w;
    w.heap.fail_at = 1;
    assert_int_equal(ftl_arena_run(&w.arena, defer_three, &w), FTL_ERR_MEMORY);
    assert_int_equal(w.n_ended, 1);
    ftl_arena_fini(&w.arena);
    assert_int_equal(w.n_ended, 1);
}

static ftl_status fail_inside(void *p)
{
    work *w = p;
    ftl_arena_fail(&w->arena, FTL_ERR_IO);
}

static ftl_status run_inside(void *p)
{
    work *w = p;
    w->n_ended = (int)ftl_arena_run(&w->arena, fail_inside, w);
    return FTL_ERR_USAGE;
}

static void test_runs_nest(void **state)
{
    (void)state;
    work w;
    start(&w);
    assert_int_equal(ftl_arena_run(&w.arena, run_inside, &w), FTL_ERR_USAGE);
    assert_int_equal(w.n_ended, FTL_ERR_IO);
    ftl_arena_fini(&w.arena);
}

static ftl_status grow_vec(void *p)
{
    work *w = p;
    FTL_VEC(size_t) v = {0};
    for (size_t i = 0; i < 1000; i++) {
        size_t *last = FTL_VEC_PUSH(&w->arena, &v);
        assert_int_equal(*last, 0);
        *last = i * i;
    }
    assert_int_equal(v.len, 1000);
    for (size_t i = 0; i < v.len; i++)
        assert_int_equal(v.data[i], i * i);
    return FTL_OK;
}

static void test_vec(void **state)
{
    (void)state;
    work w;
    start(&w);
    assert_int_equal(ftl_arena_run(&w.arena, grow_vec, &w), FTL_OK);
    assert_in_range(w.arena.used, 8000, 40000);
    ftl_arena_fini(&w.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heap_is_aligned),
        cmocka_unit_test(test_mul_size),
        cmocka_unit_test(test_arena_sizes),
        cmocka_unit_test(test_arena_takes_few_blocks),
        cmocka_unit_test(test_arena_without_memory),
        cmocka_unit_test(test_arena_limit),
        cmocka_unit_test(test_arena_sizes_that_overflow),
        cmocka_unit_test(test_deferred_calls_run_newest_first),
        cmocka_unit_test(test_deferred_call_that_finds_no_memory_runs_at_once),
        cmocka_unit_test(test_runs_nest),
        cmocka_unit_test(test_vec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
