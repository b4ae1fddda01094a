/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <stdlib.h>
#include <sys/mman.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#define ALIGNMENT ((size_t)64)
#define HUGE_PAGE ((size_t)2 << 20)

/* Large memory is walked from end to end: pages of 2 MiB cost fewer misses of the translation
 * buffer. Advice only; the whole pages inside take it. */
static void advise_huge(void *p, size_t size)
{
#if defined(MADV_HUGEPAGE)
    uintptr_t from = ((uintptr_t)p + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
    uintptr_t to = ((uintptr_t)p + size) & ~(HUGE_PAGE - 1);
    if (p && size >= 2 * HUGE_PAGE && to > from)
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
#else
    (void)p, (void)size;
#endif
}

static void *default_alloc(void *user, size_t size)
{
    (void)user;
    if (size > (size_t)PTRDIFF_MAX - ALIGNMENT)
        return NULL;
    size_t rounded = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    void *p = aligned_alloc(ALIGNMENT, rounded > 0 ? rounded : ALIGNMENT);
    advise_huge(p, rounded);
    return p;
}

static void default_free(void *user, void *p, size_t size)
{
    (void)user;
    (void)size;
    free(p);
}

const ftl_allocator *ftl_allocator_get_default(void)
{
    static const ftl_allocator heap = {.alloc = default_alloc, .free = default_free};
    return &heap;
}

void *ftl_mem_alloc(const ftl_allocator *a, size_t size)
{
    return a->alloc(a->user, size > 0 ? size : 1);
}

void ftl_mem_free(const ftl_allocator *a, void *p, size_t size)
{
    if (p)
        a->free(a->user, p, size > 0 ? size : 1);
}

void ftl_mem_trim(const ftl_allocator *a)
{
#ifdef __GLIBC__
    if (a->free == default_free)
        malloc_trim(0);
#else
    (void)a;
#endif
}

bool ftl_mul_size(size_t a, size_t b, size_t *out)
{
    if (b != 0 && a > SIZE_MAX / b)
        return false;
    *out = a * b;
    return true;
}
