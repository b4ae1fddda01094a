/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/threads.h"

#include <stdatomic.h>

enum { TASKS = 5000 };

typedef struct job {
    ftl_pool *pool;
    unsigned size;
    atomic_uint calls[TASKS];
    atomic_uint busy[FTL_POOL_MAX_THREADS];
    atomic_uint nested;
} job;

static void count_call(void *ctx, size_t task, unsigned worker)
{
    job *j = ctx;
    if (worker < j->size && atomic_fetch_add(&j->busy[worker], 1) == 0)
        atomic_fetch_add(&j->calls[task], 1);
    atomic_fetch_sub(&j->busy[worker], 1);
}

static void check_pool(unsigned threads, size_t tasks)
{
    static job j;
    memset(&j, 0, sizeof j);
    assert_int_equal(ftl_pool_new(ftl_allocator_get_default(), threads, &j.pool), FTL_OK);
    j.size = ftl_pool_get_size(j.pool);
    for (unsigned round = 0; round < 20; round++)
        ftl_pool_run(j.pool, tasks, count_call, &j);
    for (size_t i = 0; i < TASKS; i++)
        assert_int_equal(j.calls[i], i < tasks ? 20 : 0);
    ftl_pool_free(j.pool);
}

static void test_every_task_once(void **state)
{
    (void)state;
    for (unsigned threads = 0; threads < 9; threads++) {
        check_pool(threads, 0);
        check_pool(threads, 1);
        check_pool(threads, 3);
        check_pool(threads, TASKS);
    }
}

static void test_no_pool(void **state)
{
    (void)state;
    static job j;
    j.size = 1;
    ftl_pool_run(NULL, 100, count_call, &j);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(j.calls[i], 1);
    assert_int_equal(ftl_pool_get_size(NULL), 1);
    ftl_pool_free(NULL);
}

static void call_inside(void *ctx, size_t task, unsigned worker)
{
    job *j = ctx;
    (void)task, (void)worker;
    atomic_fetch_add(&j->nested, 1);
}

static void call_outside(void *ctx, size_t task, unsigned worker)
{
    job *j = ctx;
    (void)task, (void)worker;
    ftl_pool_run(j->pool, 10, call_inside, j);
}

static void test_runs_inside_of_tasks(void **state)
{
    (void)state;
    static job j;
    assert_int_equal(ftl_pool_new(ftl_allocator_get_default(), 4, &j.pool), FTL_OK);
    ftl_pool_run(j.pool, 50, call_outside, &j);
    assert_int_equal(j.nested, 500);
    ftl_pool_free(j.pool);
}

static void test_sizes(void **state)
{
    (void)state;
    ftl_pool *pool = NULL;
    assert_true(ftl_threads_get_count() >= 1);
    assert_int_equal(ftl_pool_new(ftl_allocator_get_default(), 0, &pool), FTL_OK);
    assert_int_equal(ftl_pool_get_size(pool), ftl_threads_get_count());
    ftl_pool_free(pool);
    assert_int_equal(ftl_pool_new(ftl_allocator_get_default(), 100000, &pool), FTL_OK);
    assert_int_equal(ftl_pool_get_size(pool), FTL_POOL_MAX_THREADS);
    ftl_pool_free(pool);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 2; n++) {
        unit_heap heap;
        ftl_pool *pool = NULL;
        unit_heap_init(&heap);
        heap.fail_at = n;
        assert_int_equal(ftl_pool_new(&heap.alloc, 2, &pool), FTL_ERR_MEMORY);
        assert_null(pool);
        assert_int_equal(heap.live_blocks, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_task_once),
        cmocka_unit_test(test_no_pool),
        cmocka_unit_test(test_runs_inside_of_tasks),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
