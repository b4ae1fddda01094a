/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies of fusetl.h: watches.
 */
#include "api/api.h"
#include "base/watch.h"

ftl_status ftl_watch_new(ftl_watch **out)
{
    if (!out)
        return FTL_ERR_USAGE;
    ftl_watch *w = *out = ftl_mem_alloc(ftl_allocator_get_default(), sizeof(*w));
    if (!w)
        return FTL_ERR_MEMORY;
    atomic_init(&w->stage, "");
    atomic_init(&w->before, 0);
    atomic_init(&w->share, 0);
    atomic_init(&w->round, 0);
    atomic_init(&w->rounds, 0);
    atomic_init(&w->writing, 0);
    atomic_init(&w->is_interrupted, false);
    return FTL_OK;
}

void ftl_watch_free(ftl_watch *w)
{
    if (w)
        ftl_mem_free(ftl_allocator_get_default(), w, sizeof(*w));
}

void ftl_watch_get(ftl_watch *w, ftl_progress *out)
{
    if (!out)
        return;
    *out = (ftl_progress){.stage = ""};
    if (!w)
        return;
    double part = 0, share = atomic_load_explicit(&w->share, memory_order_relaxed);
    out->stage = atomic_load_explicit(&w->stage, memory_order_relaxed);
    out->round = atomic_load_explicit(&w->round, memory_order_relaxed);
    out->rounds = atomic_load_explicit(&w->rounds, memory_order_relaxed);
    if (out->rounds > 0 && out->round <= out->rounds)
        part = (double)out->round / (double)out->rounds;
    out->fraction = atomic_load_explicit(&w->before, memory_order_relaxed) +
                    part * share;
    out->fraction = share < 0 ? -1 : out->fraction < 1 ? out->fraction : 1;
}

int ftl_watch_interrupt(ftl_watch *w)
{
    if (!w)
        return 0;
    atomic_store(&w->is_interrupted, true);
    return atomic_load(&w->writing) > 0;
}
