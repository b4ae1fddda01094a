/* SPDX-License-Identifier: Apache-2.0
 *
 * For unit tests: cmocka with what it wants included before it, and an allocator that counts, fills
 * new memory with rubbish and fails on demand.
 */
#ifndef FTL_TESTS_UNIT_H
#define FTL_TESTS_UNIT_H

#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Whether a sweep is done in full (tests/run --full); `make check` does a small part of it. */
static inline bool unit_is_full(void)
{
    const char *sweep = getenv("FUSE_SWEEP");
    return sweep && strcmp(sweep, "full") == 0;
}

/* Ends the test as skipped; the harness shows why. */
static inline void unit_skip(const char *why)
{
    printf("skip: %s\n", why);
    fflush(stdout);
    skip();
}

/* fail_at: the call (from 1) that gets no memory, and all after it; 0: never. */
typedef struct unit_heap {
    ftl_allocator alloc;
    size_t calls, live_bytes, live_blocks, fail_at;
} unit_heap;

static inline void *unit_heap_take(void *user, size_t size)
{
    unit_heap *heap = user;
    heap->calls++;
    if (heap->fail_at && heap->calls >= heap->fail_at)
        return NULL;
    void *p = ftl_mem_alloc(ftl_allocator_get_default(), size);
    if (p) {
        memset(p, 0xA5, size);
        heap->live_bytes += size;
        heap->live_blocks++;
    }
    return p;
}

static inline void unit_heap_give(void *user, void *p, size_t size)
{
    unit_heap *heap = user;
    heap->live_bytes -= size;
    heap->live_blocks--;
    ftl_mem_free(ftl_allocator_get_default(), p, size);
}

static inline void unit_heap_init(unit_heap *heap)
{
    *heap = (unit_heap){.alloc = {heap, unit_heap_take, unit_heap_give}};
}

#endif
