/* SPDX-License-Identifier: Apache-2.0
 *
 * A pool of threads for one owner (a runner). The owner calls ftl_pool_run from one thread at a
 * time and takes part in the work; a call from inside of a task runs all of its tasks there and
 * then, in order. Threads are started by the first run that can use them, spin for a short while
 * between runs, then sleep. Tasks are handed out by a counter, so they may be uneven; a result
 * that depends on which worker did a task is the task's own doing.
 */
#ifndef FTL_BASE_THREADS_H
#define FTL_BASE_THREADS_H

#include "base/base.h"

typedef struct ftl_pool ftl_pool;

/* worker: 0 for the caller of ftl_pool_run, else 1 .. size-1; no two tasks run at once with one
 * number. */
typedef void ftl_pool_fn(void *ctx, size_t task, unsigned worker);

enum { FTL_POOL_MAX_THREADS = 256 };

/* Processors that this process may run on, at least 1. */
unsigned ftl_threads_get_count(void);

/* A pool of n threads, the caller's included; n = 0: ftl_threads_get_count(). At most
 * FTL_POOL_MAX_THREADS. FTL_ERR_MEMORY when there is none. */
ftl_status ftl_pool_new(const ftl_allocator *alloc, unsigned n, ftl_pool **pool);
/* Joins the threads. Not from inside of a task. pool may be null. */
void ftl_pool_free(ftl_pool *pool);
/* Threads, the caller's included. A null pool has one. */
unsigned ftl_pool_get_size(const ftl_pool *pool);

/* Calls fn(ctx, i, worker) once for every i < n (n < 2^32) and returns when all have returned.
 * What they wrote is visible to the caller. Allocates nothing once the threads run. When the
 * system gives no more threads the work is done with those that there are. pool may be null: the
 * caller does it all. */
void ftl_pool_run(ftl_pool *pool, size_t n, ftl_pool_fn *fn, void *ctx);

#endif
