/* SPDX-License-Identifier: Apache-2.0
 *
 * A block arena. Blocks double in size up to a bound, so that n bytes cost O(log n) blocks; a
 * request larger than a block gets one of its own, put behind the head, whose rest stays in use.
 * With AddressSanitizer, what was not handed out is poisoned and a gap follows every piece.
 */
#include "base/base.h"

#include <stdio.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, size) ASAN_POISON_MEMORY_REGION((p), (size))
#define UNPOISON(p, size) ASAN_UNPOISON_MEMORY_REGION((p), (size))
#define GAP ((size_t)16)
#else
#define POISON(p, size) ((void)0)
#define UNPOISON(p, size) ((void)0)
#define GAP ((size_t)0)
#endif

#define ALIGNMENT ((size_t)16)
#define FIRST_BLOCK ((size_t)4096)
#define LARGEST_BLOCK ((size_t)1 << 20)

struct ftl_arena_block {
    ftl_arena_block *next; /* older */
    size_t size;           /* of the whole block, header included */
    size_t used;           /* header included */
};

struct ftl_arena_defer_entry {
    ftl_arena_defer_entry *next;
    void (*fn)(void *p);
    void *p;
};

#define HEADER ((sizeof(ftl_arena_block) + ALIGNMENT - 1) & ~(ALIGNMENT - 1))

void ftl_arena_init(ftl_arena *arena, const ftl_allocator *alloc)
{
    *arena = (ftl_arena){.alloc = alloc};
}

void ftl_arena_fini(ftl_arena *arena)
{
    while (arena->defers) {
        ftl_arena_defer_entry *entry = arena->defers;
        arena->defers = entry->next;
        entry->fn(entry->p);
    }
    while (arena->head) {
        ftl_arena_block *block = arena->head;
        arena->head = block->next;
        UNPOISON(block, block->size);
        ftl_mem_free(arena->alloc, block, block->size);
    }
    ftl_arena_init(arena, arena->alloc);
}

static ftl_arena_block *make_block(ftl_arena *arena, size_t size)
{
    ftl_arena_block *block = ftl_mem_alloc(arena->alloc, size);
    if (!block)
        return NULL;
    *block = (ftl_arena_block){.size = size, .used = HEADER};
    POISON((char *)block + HEADER, size - HEADER);
    return block;
}

/* A block with room for size bytes, or null. */
static ftl_arena_block *find_block(ftl_arena *arena, size_t size)
{
    ftl_arena_block *head = arena->head;
    if (head && head->size - head->used >= size)
        return head;
    size_t next = head ? head->size * 2 : FIRST_BLOCK;
    if (next > LARGEST_BLOCK)
        next = LARGEST_BLOCK;
    bool own = size > next - HEADER;
    ftl_arena_block *block = make_block(arena, own ? size + HEADER : next);
    if (!block)
        return NULL;
    if (own && head) {
        block->next = head->next;
        head->next = block;
    } else {
        block->next = head;
        arena->head = block;
    }
    return block;
}

/* Null when the memory or the limit is exhausted. */
static void *try_alloc(ftl_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size_t rounded = ((size > 0 ? size : 1) + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (arena->limit > 0 && rounded > arena->limit - arena->used)
        return NULL;
    ftl_arena_block *block = find_block(arena, rounded + GAP);
    if (!block)
        return NULL;
    char *p = (char *)block + block->used;
    block->used += rounded + GAP;
    arena->used += rounded;
    UNPOISON(p, size);
    memset(p, 0, size);
    return p;
}

void *ftl_arena_alloc(ftl_arena *arena, size_t size)
{
    void *p = try_alloc(arena, size);
    if (!p)
        ftl_arena_fail(arena, FTL_ERR_MEMORY);
    return p;
}

void *ftl_arena_alloc_array(ftl_arena *arena, size_t n, size_t size)
{
    size_t total = 0;
    if (!ftl_mul_size(n, size, &total))
        ftl_arena_fail(arena, FTL_ERR_MEMORY);
    return ftl_arena_alloc(arena, total);
}

void ftl_arena_defer(ftl_arena *arena, void (*fn)(void *p), void *p)
{
    ftl_arena_defer_entry *entry = try_alloc(arena, sizeof(*entry));
    if (!entry) {
        fn(p);
        ftl_arena_fail(arena, FTL_ERR_MEMORY);
    }
    *entry = (ftl_arena_defer_entry){.next = arena->defers, .fn = fn, .p = p};
    arena->defers = entry;
}

FTL_NORETURN void ftl_arena_fail(ftl_arena *arena, ftl_status status)
{
    assert(arena->on_fail && status != FTL_OK);
    longjmp(*arena->on_fail, (int)status);
}

/* setjmp stands alone in its frame: nothing here changes between it and a longjmp. */
ftl_status ftl_arena_run(ftl_arena *arena, ftl_status (*fn)(void *p), void *p)
{
    jmp_buf env;
    jmp_buf *const outer = arena->on_fail;
    ftl_status status = FTL_OK;
    arena->on_fail = &env;
    switch (setjmp(env)) {
    case 0: status = fn(p); break;
    case FTL_ERR_PROGRAM: status = FTL_ERR_PROGRAM; break;
    case FTL_ERR_USAGE: status = FTL_ERR_USAGE; break;
    case FTL_ERR_IO: status = FTL_ERR_IO; break;
    case FTL_ERR_MEMORY: status = FTL_ERR_MEMORY; break;
    case FTL_ERR_UNSUPPORTED: status = FTL_ERR_UNSUPPORTED; break;
    default: status = FTL_ERR_INTERNAL; break;
    }
    arena->on_fail = outer;
    return status;
}

char *ftl_arena_strndup(ftl_arena *arena, const char *s, size_t len)
{
    if (len == SIZE_MAX)
        ftl_arena_fail(arena, FTL_ERR_MEMORY);
    char *copy = ftl_arena_alloc(arena, len + 1);
    if (len > 0)
        memcpy(copy, s, len);
    return copy;
}

char *ftl_arena_strdup(ftl_arena *arena, const char *s)
{
    return ftl_arena_strndup(arena, s, strlen(s));
}

char *ftl_arena_vprintf(ftl_arena *arena, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    if (len < 0) {
        va_end(again);
        ftl_arena_fail(arena, FTL_ERR_INTERNAL);
    }
    char *text = try_alloc(arena, (size_t)len + 1);
    if (text)
        vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    if (!text)
        ftl_arena_fail(arena, FTL_ERR_MEMORY);
    return text;
}

char *ftl_arena_printf(ftl_arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = ftl_arena_vprintf(arena, fmt, args);
    va_end(args);
    return text;
}

/* Gives up n bytes that nothing points to any more. Large ones have a block of their own, which
 * goes back at once: a vector that doubles does not leave all its former selves behind. */
static void drop(ftl_arena *arena, void *data, size_t n)
{
    ftl_arena_block **link = &arena->head;
    POISON(data, n);
    if (n <= LARGEST_BLOCK)
        return;
    while (*link && (char *)*link + HEADER != (char *)data)
        link = &(*link)->next;
    ftl_arena_block *block = *link;
    if (!block)
        return;
    *link = block->next;
    arena->used -= block->used - HEADER - GAP;
    UNPOISON(block, block->size);
    ftl_mem_free(arena->alloc, block, block->size);
}

void *ftl_vec_grow(ftl_arena *arena, void *data, size_t *cap, size_t size)
{
    if (*cap > SIZE_MAX / 2)
        ftl_arena_fail(arena, FTL_ERR_MEMORY);
    size_t grown = *cap > 0 ? *cap * 2 : 4;
    void *fresh = ftl_arena_alloc_array(arena, grown, size);
    if (*cap > 0) {
        memcpy(fresh, data, *cap * size);
        drop(arena, data, *cap * size);
    }
    *cap = grown;
    return fresh;
}
