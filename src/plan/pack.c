/* SPDX-License-Identifier: Apache-2.0
 *
 * Offsets in the run arena. Buffers are placed by falling size, each at the lowest offset where no
 * buffer with overlapping steps lies: close to the live peak in practice. Beyond MAX_EXACT buffers
 * the steps are replayed with a best-fit list of holes instead, which is linear but for the holes.
 */
#include "plan/buffer.h"

#include <stdlib.h>

enum { ALIGN = 64, MAX_EXACT = 1024 };

static size_t round_size(size_t size)
{
    return (size + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
}

static int compare_size(const void *a, const void *b)
{
    const ftl_buffer *x = *(ftl_buffer *const *)a, *y = *(ftl_buffer *const *)b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static int compare_offset(const void *a, const void *b)
{
    const ftl_buffer *x = *(ftl_buffer *const *)a, *y = *(ftl_buffer *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int compare_first(const void *a, const void *b)
{
    const ftl_buffer *x = *(ftl_buffer *const *)a, *y = *(ftl_buffer *const *)b;
    return x->first < y->first ? -1 : x->first > y->first;
}

static int compare_last(const void *a, const void *b)
{
    const ftl_buffer *x = *(ftl_buffer *const *)a, *y = *(ftl_buffer *const *)b;
    return x->last < y->last ? -1 : x->last > y->last;
}

/* ---- few buffers ---- */

/* placed: n buffers by rising offset. */
static size_t find_offset(ftl_buffer *const *placed, size_t n, const ftl_buffer *b)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const ftl_buffer *p = placed[i];
        if (p->last < b->first || b->last < p->first)
            continue;
        if (p->offset >= at + round_size(b->size))
            break;
        size_t end = p->offset + round_size(p->size);
        at = end > at ? end : at;
    }
    return at;
}

static size_t pack_by_size(ftl_buffer **list, size_t n, ftl_buffer **placed)
{
    size_t top = 0;
    qsort(list, n, sizeof *list, compare_size);
    for (size_t i = 0; i < n; i++) {
        ftl_buffer *b = list[i];
        size_t k = i;
        b->offset = find_offset(placed, i, b);
        for (; k > 0 && compare_offset(&placed[k - 1], &b) > 0; k--)
            placed[k] = placed[k - 1];
        placed[k] = b;
        top = b->offset + round_size(b->size) > top ? b->offset + round_size(b->size) : top;
    }
    return top;
}

/* ---- many buffers ---- */

typedef struct hole {
    size_t offset, size;
} hole;

typedef struct holes {
    hole *data; /* by rising offset, never adjacent */
    size_t len;
    size_t top;
} holes;

static size_t take_bytes(holes *h, size_t size)
{
    size_t best = h->len;
    for (size_t i = 0; i < h->len; i++)
        if (h->data[i].size >= size && (best == h->len || h->data[i].size < h->data[best].size))
            best = i;
    if (best == h->len) {
        bool at_top = h->len > 0 && h->data[h->len - 1].offset + h->data[h->len - 1].size == h->top;
        size_t offset = at_top ? h->data[--h->len].offset : h->top;
        h->top = offset + size;
        return offset;
    }
    size_t offset = h->data[best].offset;
    h->data[best].offset += size;
    h->data[best].size -= size;
    if (h->data[best].size == 0) {
        h->len--;
        memmove(h->data + best, h->data + best + 1, (h->len - best) * sizeof(hole));
    }
    return offset;
}

static void give_bytes(holes *h, size_t offset, size_t size)
{
    size_t i = h->len;
    while (i > 0 && h->data[i - 1].offset > offset)
        i--;
    bool joins_left = i > 0 && h->data[i - 1].offset + h->data[i - 1].size == offset;
    bool joins_right = i < h->len && offset + size == h->data[i].offset;
    if (joins_left && joins_right) {
        h->data[i - 1].size += size + h->data[i].size;
        h->len--;
        memmove(h->data + i, h->data + i + 1, (h->len - i) * sizeof(hole));
    } else if (joins_left) {
        h->data[i - 1].size += size;
    } else if (joins_right) {
        h->data[i].offset = offset;
        h->data[i].size += size;
    } else {
        memmove(h->data + i + 1, h->data + i, (h->len - i) * sizeof(hole));
        h->data[i] = (hole){offset, size};
        h->len++;
    }
}

static size_t pack_by_time(ftl_arena *arena, ftl_buffer **list, size_t n, ftl_buffer **ends)
{
    holes h = {FTL_NEW_ARRAY(arena, hole, n + 2), 0, 0};
    size_t e = 0;
    memcpy(ends, list, n * sizeof *list);
    qsort(list, n, sizeof *list, compare_first);
    qsort(ends, n, sizeof *ends, compare_last);
    for (size_t i = 0; i < n; i++) {
        for (; ends[e]->last < list[i]->first; e++)
            if (ends[e]->size > 0)
                give_bytes(&h, ends[e]->offset, round_size(ends[e]->size));
        if (list[i]->size > 0)
            list[i]->offset = take_bytes(&h, round_size(list[i]->size));
    }
    return h.top;
}

/* ---- both ---- */

static size_t get_live_peak(ftl_arena *arena, const ftl_buffers *buffers, size_t n_steps)
{
    size_t *change = FTL_NEW_ARRAY(arena, size_t, n_steps + 2); /* wraps around below 0 */
    size_t live = 0, peak = 0;
    for (size_t i = 0; i < buffers->len; i++) {
        const ftl_buffer *b = &buffers->data[i];
        if (b->kind != FTL_PLACE_ARENA && b->kind != FTL_PLACE_OUTPUT)
            continue;
        size_t last = b->last < n_steps ? b->last : n_steps;
        change[b->first] += b->size;
        change[last + 1] -= b->size;
    }
    for (size_t s = 0; s <= n_steps; s++) {
        live += change[s];
        peak = live > peak ? live : peak;
    }
    return peak;
}

size_t ftl_buffer_pack(ftl_arena *arena, ftl_buffers *buffers, size_t n_steps, size_t *live_peak)
{
    ftl_buffer **list = FTL_NEW_ARRAY(arena, ftl_buffer *, buffers->len + 1);
    ftl_buffer **order = FTL_NEW_ARRAY(arena, ftl_buffer *, buffers->len + 1);
    size_t n = 0;
    for (size_t i = 0; i < buffers->len; i++)
        if (buffers->data[i].kind == FTL_PLACE_ARENA)
            list[n++] = &buffers->data[i];
    *live_peak = get_live_peak(arena, buffers, n_steps);
    return n <= MAX_EXACT ? pack_by_size(list, n, order) : pack_by_time(arena, list, n, order);
}
