/* SPDX-License-Identifier: Apache-2.0
 *
 * base: what every room stands on. Memory (allocator, arena), growing arrays, text, interned names,
 * maps, statuses. Nothing here knows of programs or tensors. Every room may include it.
 *
 * Memory failure: arena functions never return null. When the allocator has nothing left they
 * longjmp to the arena's guard (ftl_arena_run), the one way out of a compile. Code that holds
 * anything an arena does not own (files, maps, tensors) must not call arena functions between
 * taking and handing it on, or must register it with ftl_arena_defer.
 */
#ifndef FTL_BASE_H
#define FTL_BASE_H

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "files are used as they lie: Fuse is for little-endian machines"
#endif
#if __SIZEOF_POINTER__ != 8 || __SIZEOF_SIZE_T__ != 8
#error "sizes of tensors are kept in size_t: Fuse is for 64-bit machines"
#endif

#include "fusetl.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Returns from the calling function when expr is not FTL_OK. */
#define FTL_TRY(expr)                                                                              \
    do {                                                                                           \
        ftl_status ftl_try_status = (expr);                                                        \
        if (ftl_try_status != FTL_OK)                                                              \
            return ftl_try_status;                                                                 \
    } while (0)

#define FTL_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#if defined(__GNUC__)
#define FTL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define FTL_NORETURN __attribute__((noreturn))
#else
#define FTL_PRINTF(fmt, args)
#define FTL_NORETURN
#endif

/* ---- allocator (alloc.c) ---- */

/* The C library's aligned heap. */
const ftl_allocator *ftl_allocator_get_default(void);
/* 64-byte aligned memory, or null. size 0 gives a unique pointer. */
void *ftl_mem_alloc(const ftl_allocator *a, size_t size);
/* p may be null. size is what was asked for. */
void ftl_mem_free(const ftl_allocator *a, void *p, size_t size);
/* Hands pages that were freed back to the system, where the allocator is the default one and can.
 * Takes some microseconds: for the moment before much is allocated that stays. */
void ftl_mem_trim(const ftl_allocator *a);
/* out = a * b, false on overflow (out untouched). */
bool ftl_mul_size(size_t a, size_t b, size_t *out);

/* ---- arena (arena.c) ---- */

typedef struct ftl_arena_block ftl_arena_block;
typedef struct ftl_arena_defer_entry ftl_arena_defer_entry;

typedef struct ftl_arena {
    const ftl_allocator *alloc;
    ftl_arena_block *head;          /* newest block */
    ftl_arena_defer_entry *defers;  /* newest first, run by fini */
    jmp_buf *on_fail;               /* where a failed allocation goes; set by ftl_arena_run */
    size_t used;                    /* bytes handed out */
    size_t limit;                   /* bytes allowed, 0 = no limit */
} ftl_arena;

void ftl_arena_init(ftl_arena *arena, const ftl_allocator *alloc);
/* Runs the deferred calls, newest first, and frees every block. The arena may be inited again. */
void ftl_arena_fini(ftl_arena *arena);
/* Runs fn(p) under a guard and gives its status, or that of the ftl_arena_fail (memory, limit)
 * which ended it early. Every arena call below must happen inside of such a run. Runs may nest: the
 * inner one catches. Locals of fn are gone after a failure; what fn wrote through p stays. */
ftl_status ftl_arena_run(ftl_arena *arena, ftl_status (*fn)(void *p), void *p);
/* Zeroed, 16-byte aligned. Never null; longjmps to arena->on_fail when memory is gone. */
void *ftl_arena_alloc(ftl_arena *arena, size_t size);
/* Calls fn(p) when the arena ends. On failure to record it, fn(p) is called at once, then
 * longjmp. */
void ftl_arena_defer(ftl_arena *arena, void (*fn)(void *p), void *p);
/* Leaves through on_fail with status, not FTL_OK (setjmp returns it): FTL_ERR_MEMORY, hard
 * limits. */
FTL_NORETURN void ftl_arena_fail(ftl_arena *arena, ftl_status status);
char *ftl_arena_strdup(ftl_arena *arena, const char *s);
char *ftl_arena_strndup(ftl_arena *arena, const char *s, size_t len);
char *ftl_arena_printf(ftl_arena *arena, const char *fmt, ...) FTL_PRINTF(2, 3);
char *ftl_arena_vprintf(ftl_arena *arena, const char *fmt, va_list args);

#define FTL_NEW(arena, type) ((type *)ftl_arena_alloc((arena), sizeof(type)))
/* n zeroed elements; fails the arena when n * sizeof(type) overflows. */
#define FTL_NEW_ARRAY(arena, type, n) ((type *)ftl_arena_alloc_array((arena), (n), sizeof(type)))
void *ftl_arena_alloc_array(ftl_arena *arena, size_t n, size_t size);

/* ---- growing arrays on an arena (arena.c) ----
 * FTL_VEC(int) v = {0}; *FTL_VEC_PUSH(arena, &v) = 3; v.data[i], v.len.
 * Growing leaves the old storage in the arena: total space is at most twice the final size. */
#define FTL_VEC(type)                                                                              \
    struct {                                                                                       \
        type *data;                                                                                \
        size_t len, cap;                                                                           \
    }
/* Evaluates to a pointer to a new zeroed last element. */
#define FTL_VEC_PUSH(arena, v)                                                                     \
    ((v)->len == (v)->cap                                                                          \
         ? (void)((v)->data = ftl_vec_grow((arena), (v)->data, &(v)->cap, sizeof(*(v)->data)))     \
         : (void)0,                                                                                \
     memset(&(v)->data[(v)->len], 0, sizeof(*(v)->data)), &(v)->data[(v)->len++])
void *ftl_vec_grow(ftl_arena *arena, void *data, size_t *cap, size_t size);

/* ---- text (strbuf.c) ---- */

/* A growing text on an arena, always NUL-terminated after the first append. */
typedef struct ftl_strbuf {
    ftl_arena *arena;
    char *data; /* null while nothing was appended */
    size_t len, cap;
} ftl_strbuf;

void ftl_strbuf_init(ftl_strbuf *sb, ftl_arena *arena);
void ftl_strbuf_append(ftl_strbuf *sb, const char *s, size_t len);
void ftl_strbuf_puts(ftl_strbuf *sb, const char *s);
void ftl_strbuf_putc(ftl_strbuf *sb, char c);
void ftl_strbuf_printf(ftl_strbuf *sb, const char *fmt, ...) FTL_PRINTF(2, 3);
/* The text so far, never null. */
const char *ftl_strbuf_get(const ftl_strbuf *sb);
/* Shortest decimal text that reads back as the same double; integers without a point. */
void ftl_strbuf_put_double(ftl_strbuf *sb, double x);
/* snprintf's %.*g with '.' as the point, whatever the locale. */
void ftl_format_double(char *text, size_t size, int digits, double x);
/* Appends text of unknown origin so that a terminal shows it as it is: control bytes and invalid
 * UTF-8 as \xHH, characters that hide or reorder text as \u{HEX}. */
void ftl_strbuf_put_escaped(ftl_strbuf *sb, const char *s, size_t len);
/* Appends text of unknown origin as a JSON string; bytes that are not UTF-8 become U+FFFD. */
void ftl_strbuf_put_json(ftl_strbuf *sb, const char *text);
/* Reads all len bytes as a decimal number whatever the locale ('.' is the point; no inf, nan or
 * hex). False when they are not one, or are longer than 1000 bytes. Overflow gives an infinity. */
bool ftl_parse_double(const char *s, size_t len, double *out);
/* Decodes one character of UTF-8 at s (len > 0 bytes left): its length in bytes, or 0 when the
 * bytes are not valid (overlong, surrogate, truncated). */
size_t ftl_utf8_decode(const char *s, size_t len, uint32_t *code);

/* ---- maps and names on an arena (map.c) ---- */

typedef struct ftl_map_slot ftl_map_slot;
typedef struct ftl_map {
    ftl_arena *arena;
    ftl_map_slot *slots;
    size_t len, cap;
} ftl_map;

void ftl_map_init(ftl_map *map, ftl_arena *arena);
/* True and *value when the key is there. value may be null. */
bool ftl_map_find(const ftl_map *map, uint64_t key, uint64_t *value);
void ftl_map_put(ftl_map *map, uint64_t key, uint64_t value);
#define FTL_KEY(pointer) ((uint64_t)(uintptr_t)(pointer))
/* Not stable between versions and machines: never let it decide an order or reach a file. */
uint64_t ftl_hash_bytes(const void *p, size_t len, uint64_t seed);

/* Interned names: equal text is one pointer, so names compare with ==. */
typedef struct ftl_intern {
    ftl_arena *arena;
    ftl_map_slot *slots;
    size_t len, cap;
} ftl_intern;

void ftl_intern_init(ftl_intern *in, ftl_arena *arena);
const char *ftl_intern_get(ftl_intern *in, const char *s, size_t len);
const char *ftl_intern_cstr(ftl_intern *in, const char *s);

/* The candidate nearest to name in edit distance (case folded), or null when none is near enough to
 * be a slip of the pen (distance <= 1 + len/4). O(n * len^2). For "did you mean". */
const char *ftl_suggest(const char *name, const char *const *candidates, size_t n);

#endif
