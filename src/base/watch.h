/* SPDX-License-Identifier: Apache-2.0
 *
 * A compile or a run as another thread or a signal handler sees it: how far it has come, and
 * whether it shall end. The caller owns the watch (fusetl.h) and hands it over in the
 * configuration; all of these take null, so that who is not watched pays a comparison. The values
 * belong together only loosely: a reader may see those of two steps.
 */
#ifndef FTL_BASE_WATCH_H
#define FTL_BASE_WATCH_H

#include "base/base.h"

#include <stdatomic.h>

struct ftl_watch {
    _Atomic(const char *) stage;  /* static text */
    _Atomic double before, share; /* of the work: done before the step that runs, and in it;
                                   * share -1: nobody knows */
    _Atomic int64_t round, rounds;
    atomic_int writing;           /* files are being written */
    atomic_bool is_interrupted;
};

static inline bool ftl_watch_is_interrupted(ftl_watch *w)
{
    return w && atomic_load(&w->is_interrupted);
}

static inline void ftl_watch_set_stage(ftl_watch *w, const char *stage)
{
    if (w)
        atomic_store_explicit(&w->stage, stage, memory_order_relaxed);
}

/* Round `round` of a loop begins; rounds 0: nobody knows how many there will be. False: the run
 * shall end. */
static inline bool ftl_watch_round(ftl_watch *w, int64_t round, int64_t rounds)
{
    if (!w)
        return true;
    atomic_store_explicit(&w->round, round, memory_order_relaxed);
    atomic_store_explicit(&w->rounds, rounds, memory_order_relaxed);
    return !atomic_load_explicit(&w->is_interrupted, memory_order_relaxed);
}

/* A step begins. False: the run shall end. */
static inline bool ftl_watch_step(ftl_watch *w, double before, double share)
{
    if (!w)
        return true;
    atomic_store_explicit(&w->before, before, memory_order_relaxed);
    atomic_store_explicit(&w->share, share, memory_order_relaxed);
    return ftl_watch_round(w, 0, 0);
}

/* Between these two an interrupt is answered by the writers (see ftl_watch_interrupt). */
static inline void ftl_watch_begin_writing(ftl_watch *w)
{
    if (w)
        atomic_fetch_add(&w->writing, 1);
}

static inline void ftl_watch_end_writing(ftl_watch *w)
{
    if (w)
        atomic_fetch_sub(&w->writing, 1);
}

#endif
