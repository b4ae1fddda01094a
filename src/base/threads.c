/* SPDX-License-Identifier: Apache-2.0
 *
 * One word, `ticket`, holds the number of the job in its upper half and the next task in its
 * lower. A worker reads the ticket, then the job's fields, then takes the task by
 * compare-and-swap. The swap succeeds only while that job still has an unclaimed task, so the
 * fields that were read are that job's: the next job is written only after every task of this one
 * has been counted in `done`. No worker has to check in or out, and one that wakes too late finds
 * a newer ticket and harms nothing.
 *
 * Sleep follows Dekker's pattern: the sleeper announces itself, then looks again; the waker
 * changes the word, then looks for sleepers; both orders are sequentially consistent, so one of
 * them sees the other.
 */
#include "base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

enum { SPIN_NANOSECONDS = 40000, SPINS_PER_CLOCK = 32 };

typedef struct worker {
    ftl_pool *pool;
    pthread_t thread;
    unsigned number;
} worker;

struct ftl_pool {
    const ftl_allocator *alloc;
    unsigned size;    /* threads wanted, the caller's included */
    unsigned started; /* workers[0 .. started-1] run; touched by the owner alone */
    bool is_started;  /* starting was tried */
    bool can_spin;    /* there is a processor for each thread */
    worker *workers;
    atomic_bool is_busy; /* a run is in progress */
    pthread_t caller;    /* valid while is_busy: whose run it is */

    /* the job; written by the caller before the ticket */
    _Atomic(ftl_pool_fn *) fn;
    _Atomic(void *) ctx;
    _Atomic uint32_t n;

    _Alignas(64) _Atomic uint64_t ticket;
    _Alignas(64) _Atomic uint32_t done;

    _Alignas(64) atomic_bool is_stopping;
    atomic_uint sleepers;
    atomic_bool is_caller_asleep;
    pthread_mutex_t lock;
    pthread_cond_t work; /* a new ticket, or stopping */
    pthread_cond_t idle; /* done has reached n */
};

unsigned ftl_threads_get_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? (unsigned)n : 1;
}

ftl_status ftl_pool_new(const ftl_allocator *alloc, unsigned n, ftl_pool **out)
{
    unsigned available = ftl_threads_get_count();
    n = n ? n : available;
    n = n < FTL_POOL_MAX_THREADS ? n : FTL_POOL_MAX_THREADS;
    ftl_pool *pool = ftl_mem_alloc(alloc, sizeof *pool);
    worker *workers = ftl_mem_alloc(alloc, n * sizeof *workers);
    if (!pool || !workers) {
        if (pool)
            ftl_mem_free(alloc, pool, sizeof *pool);
        if (workers)
            ftl_mem_free(alloc, workers, n * sizeof *workers);
        return FTL_ERR_MEMORY;
    }
    memset(pool, 0, sizeof *pool);
    pool->alloc = alloc;
    pool->size = n;
    pool->can_spin = n <= available;
    pool->workers = workers;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->idle, NULL);
    *out = pool;
    return FTL_OK;
}

unsigned ftl_pool_get_size(const ftl_pool *pool)
{
    return pool ? pool->size : 1;
}

/* ---- waiting ---- */

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t read_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool is_job_new(ftl_pool *pool, uint32_t last)
{
    return (uint32_t)(atomic_load(&pool->ticket) >> 32) != last || atomic_load(&pool->is_stopping);
}

static bool is_job_done(ftl_pool *pool, uint32_t n)
{
    return atomic_load(&pool->done) == n;
}

/* Spins until is_ready(pool, arg), at most SPIN_NANOSECONDS; tells whether it came to be. */
static bool spin(ftl_pool *pool, bool (*is_ready)(ftl_pool *, uint32_t), uint32_t arg)
{
    if (is_ready(pool, arg))
        return true;
    if (!pool->can_spin)
        return false;
    int64_t end = read_clock() + SPIN_NANOSECONDS;
    do {
        for (int i = 0; i < SPINS_PER_CLOCK; i++) {
            if (is_ready(pool, arg))
                return true;
            pause_briefly();
        }
    } while (read_clock() < end);
    return false;
}

static void wait_for_job(ftl_pool *pool, uint32_t last)
{
    if (spin(pool, is_job_new, last))
        return;
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!is_job_new(pool, last))
        pthread_cond_wait(&pool->work, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->lock);
}

static void wait_for_done(ftl_pool *pool, uint32_t n)
{
    if (spin(pool, is_job_done, n))
        return;
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->is_caller_asleep, true);
    while (!is_job_done(pool, n))
        pthread_cond_wait(&pool->idle, &pool->lock);
    atomic_store(&pool->is_caller_asleep, false);
    pthread_mutex_unlock(&pool->lock);
}

static void wake_workers(ftl_pool *pool)
{
    if (atomic_load(&pool->sleepers) == 0)
        return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

static void count_done(ftl_pool *pool, uint32_t n)
{
    if (atomic_fetch_add(&pool->done, 1) + 1 != n || !atomic_load(&pool->is_caller_asleep))
        return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_signal(&pool->idle);
    pthread_mutex_unlock(&pool->lock);
}

/* ---- work ---- */

/* Takes tasks of job `job` until none is left. */
static void work_on(ftl_pool *pool, uint32_t job, unsigned number)
{
    uint64_t ticket = atomic_load(&pool->ticket);
    while ((uint32_t)(ticket >> 32) == job) {
        ftl_pool_fn *fn = atomic_load_explicit(&pool->fn, memory_order_relaxed);
        void *ctx = atomic_load_explicit(&pool->ctx, memory_order_relaxed);
        uint32_t n = atomic_load_explicit(&pool->n, memory_order_relaxed);
        uint32_t task = (uint32_t)ticket;
        if (task >= n)
            return;
        if (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket + 1))
            continue;
        fn(ctx, task, number);
        count_done(pool, n);
        ticket = atomic_load(&pool->ticket);
    }
}

static void *run_worker(void *p)
{
    worker *self = p;
    ftl_pool *pool = self->pool;
    uint32_t last = 0;
    for (;;) {
        wait_for_job(pool, last);
        if (atomic_load(&pool->is_stopping))
            return NULL;
        last = (uint32_t)(atomic_load(&pool->ticket) >> 32);
        work_on(pool, last, self->number);
    }
}

static void name_thread(pthread_t thread, unsigned number)
{
#if defined(__linux__)
    char name[16];
    snprintf(name, sizeof name, "fuse-%u", number);
    pthread_setname_np(thread, name);
#else
    (void)thread, (void)number;
#endif
}

/* Signals stay with the threads of the program that we are part of, but for those that a thread
 * raises by what it does: blocked ones would end the process past the program's handler. */
static void start_workers(ftl_pool *pool)
{
    sigset_t all, old;
    pool->is_started = true;
    static const int own[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigfillset(&all);
    for (size_t i = 0; i < FTL_COUNT(own); i++)
        sigdelset(&all, own[i]);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (unsigned i = 0; i + 1 < pool->size; i++) {
        worker *w = &pool->workers[i];
        *w = (worker){.pool = pool, .number = i + 1};
        if (pthread_create(&w->thread, NULL, run_worker, w) != 0)
            break;
        name_thread(w->thread, w->number);
        pool->started = i + 1;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* The number of the calling thread in the run that is in progress. */
static unsigned find_self(const ftl_pool *pool)
{
    pthread_t self = pthread_self();
    for (unsigned i = 0; i < pool->started; i++)
        if (pthread_equal(self, pool->workers[i].thread))
            return i + 1;
    assert(pthread_equal(self, pool->caller));
    return 0;
}

static void run_serially(size_t n, ftl_pool_fn *fn, void *ctx, unsigned number)
{
    for (size_t i = 0; i < n; i++)
        fn(ctx, i, number);
}

void ftl_pool_run(ftl_pool *pool, size_t n, ftl_pool_fn *fn, void *ctx)
{
    assert(n < UINT32_MAX);
    if (!pool || pool->size == 1) {
        run_serially(n, fn, ctx, 0);
        return;
    }
    if (atomic_load_explicit(&pool->is_busy, memory_order_relaxed)) {
        run_serially(n, fn, ctx, find_self(pool));
        return;
    }
    if (n <= 1) {
        run_serially(n, fn, ctx, 0);
        return;
    }
    if (!pool->is_started)
        start_workers(pool);
    pool->caller = pthread_self();
    atomic_store_explicit(&pool->is_busy, true, memory_order_relaxed);
    uint32_t job = (uint32_t)(atomic_load(&pool->ticket) >> 32) + 1;
    atomic_store_explicit(&pool->fn, fn, memory_order_relaxed);
    atomic_store_explicit(&pool->ctx, ctx, memory_order_relaxed);
    atomic_store_explicit(&pool->n, (uint32_t)n, memory_order_relaxed);
    atomic_store(&pool->done, 0);
    atomic_store(&pool->ticket, (uint64_t)job << 32);
    wake_workers(pool);
    work_on(pool, job, 0);
    wait_for_done(pool, (uint32_t)n);
    atomic_store_explicit(&pool->is_busy, false, memory_order_relaxed);
}

void ftl_pool_free(ftl_pool *pool)
{
    if (!pool)
        return;
    assert(!atomic_load(&pool->is_busy));
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->is_stopping, true);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->idle);
    const ftl_allocator *alloc = pool->alloc;
    ftl_mem_free(alloc, pool->workers, pool->size * sizeof *pool->workers);
    ftl_mem_free(alloc, pool, sizeof *pool);
}
