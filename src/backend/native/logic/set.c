/* SPDX-License-Identifier: Apache-2.0
 *
 * The set of the tuples of a table: a bit for each that could be there, or open addressing with
 * linear probing, filled to at most 5/8. A tuple that fits in 64 bits is its own slot, so that
 * no column is read to compare; others keep 32 bits of their hash beside the row. Batches are done
 * in two passes, the first of which asks for the memory that the second touches.
 */
#include "backend/native/logic/engine.h"

enum {
    SMALL_BITS = 1 << 18, /* bytes of bits that any table may take */
    USUAL_BITS = 1 << 22, /* and one of many tuples */
    MANY_TUPLES = 1000,
    LEAST_SLOTS = 1 << 8,
    LINE = 8 /* words: rows that are longer begin with one */
};

#define MOST_BITS ((size_t)256 << 20)

static uint64_t mix(uint64_t k)
{
    k ^= k >> 32;
    k *= 0x9e3779b97f4a7c15u;
    k ^= k >> 29;
    return k * 0xbf58476d1ce4e5b9u;
}

/* ---- bits ---- */

bool ftl_logic_set_count_words(const ftl_logic_table *t, size_t *rows, size_t *stride)
{
    size_t words;
    if (t->arity == 0 || t->arity > 2)
        return false;
    *rows = t->arity == 2 ? (size_t)t->extent[0] : 1;
    *stride = ((size_t)t->extent[t->arity - 1] + 63) / 64;
    *stride = *stride < LINE ? *stride : (*stride + LINE - 1) / LINE * LINE;
    return ftl_mul_size(*rows, *stride, &words) && words <= MOST_BITS / 8;
}

bool ftl_logic_set_can_be_bits(const ftl_logic_engine *e, const ftl_logic_table *t, size_t tuples)
{
    size_t rows, stride;
    if (!ftl_logic_set_count_words(t, &rows, &stride))
        return false;
    size_t bytes = rows * stride * 8;
    if (e->memory.limit && bytes > e->memory.limit / 4)
        return false;
    return bytes <= SMALL_BITS || (bytes <= USUAL_BITS && tuples >= MANY_TUPLES) ||
           bytes / 16 <= tuples;
}

static void set_bits(ftl_logic_set *s, const ftl_logic_table *t)
{
    const uint32_t *x = t->column[0], *z = t->column[t->arity - 1];
    for (size_t i = 0; i < t->n; i++)
        s->words[(t->arity == 2 ? x[i] * s->stride : 0) + z[i] / 64] |= (uint64_t)1 << z[i] % 64;
}

static bool make_bits(ftl_logic_engine *e, const ftl_logic_table *t, ftl_logic_set *out)
{
    size_t rows = 0, stride = 0;
    (void)ftl_logic_set_count_words(t, &rows, &stride);
    ftl_logic_set s = {.kind = FTL_LOGIC_SET_BITS, .stride = stride, .n_words = rows * stride,
                       .count = t->n};
    s.words = ftl_logic_alloc_zeroed(&e->memory, s.n_words * 8);
    if (!s.words)
        return false;
    set_bits(&s, t);
    *out = s;
    return true;
}

static uint32_t add_bits(ftl_logic_table *t, const uint32_t *const *column, uint32_t n)
{
    ftl_logic_set *s = &t->set;
    const uint32_t *x = column[0], *z = column[t->arity - 1];
    uint32_t *to_x = t->own[0] + t->n, *to_z = t->own[t->arity - 1] + t->n, added = 0;
    size_t stride = t->arity == 2 ? s->stride : 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t *w = &s->words[x[i] * stride + z[i] / 64], bit = (uint64_t)1 << z[i] % 64;
        to_x[added] = x[i];
        to_z[added] = z[i];
        added += (*w & bit) == 0;
        *w |= bit;
    }
    s->count += added;
    return added;
}

static void find_bits(const ftl_logic_table *t, const uint32_t *const *column, uint32_t n,
                      uint8_t *keep)
{
    const ftl_logic_set *s = &t->set;
    const uint32_t *x = column[0], *z = column[t->arity - 1];
    size_t stride = t->arity == 2 ? s->stride : 0;
    for (uint32_t i = 0; i < n; i++) {
        if (x[i] >= t->extent[0] || z[i] >= t->extent[t->arity - 1])
            keep[i] = 0;
        else
            keep[i] = (uint8_t)(s->words[x[i] * stride + z[i] / 64] >> z[i] % 64 & 1);
    }
}

/* ---- slots ---- */

static void pack(const ftl_logic_table *t, const uint32_t *const *column, uint32_t n,
                 uint64_t *key)
{
    for (uint32_t i = 0; i < n; i++)
        key[i] = 1 + column[0][i] * t->unit[0];
    for (uint32_t k = 1; k < t->arity; k++)
        for (uint32_t i = 0; i < n; i++)
            key[i] += column[k][i] * t->unit[k];
}

/* Of tuples that are too wide to pack. */
static void hash(const ftl_logic_table *t, const uint32_t *const *column, uint32_t n,
                 uint64_t *key)
{
    memset(key, 0, n * sizeof *key);
    for (uint32_t k = 0; k < t->arity; k++)
        for (uint32_t i = 0; i < n; i++)
            key[i] = mix(key[i] ^ (column[k][i] + (uint64_t)k * 0x100000001u));
}

static size_t find_slot(const ftl_logic_set *s, uint64_t key)
{
    size_t mask = s->n_words - 1, at = mix(key) >> s->shift;
    while (s->words[at] != 0 && s->words[at] != key)
        at = (at + 1) & mask;
    return at;
}

static bool is_row(const ftl_logic_table *t, uint32_t row, const uint32_t *const *column,
                   uint32_t i)
{
    for (uint32_t k = 0; k < t->arity; k++)
        if (t->column[k][row] != column[k][i])
            return false;
    return true;
}

/* The slot of tuple i, which has this hash, or a free one. */
static size_t find_row_slot(const ftl_logic_table *t, uint64_t h, const uint32_t *const *column,
                            uint32_t i)
{
    const ftl_logic_set *s = &t->set;
    size_t mask = s->n_words - 1, at = h >> s->shift;
    while (s->words[at] != 0 && ((s->words[at] ^ h << 32) >> 32 != 0 ||
                                 !is_row(t, (uint32_t)s->words[at] - 1, column, i)))
        at = (at + 1) & mask;
    return at;
}

static void prefetch_slots(const ftl_logic_table *t, const uint64_t *key, uint32_t n)
{
    const ftl_logic_set *s = &t->set;
    if (s->kind == FTL_LOGIC_SET_KEYS)
        for (uint32_t i = 0; i < n; i++)
            __builtin_prefetch(&s->words[mix(key[i]) >> s->shift]);
    else
        for (uint32_t i = 0; i < n; i++)
            __builtin_prefetch(&s->words[key[i] >> s->shift]);
}

static uint32_t add_keys(ftl_logic_table *t, const uint32_t *const *column, uint32_t n)
{
    uint64_t key[FTL_LOGIC_BATCH];
    uint32_t place[FTL_LOGIC_BATCH], added = 0;
    ftl_logic_set *s = &t->set;
    pack(t, column, n, key);
    prefetch_slots(t, key, n);
    for (uint32_t i = 0; i < n; i++) {
        size_t at = find_slot(s, key[i]);
        place[added] = i;
        added += s->words[at] == 0;
        s->words[at] = key[i];
    }
    for (uint32_t k = 0; k < t->arity; k++)
        for (uint32_t i = 0; i < added; i++)
            t->own[k][t->n + i] = column[k][place[i]];
    s->count += added;
    return added;
}

static uint32_t add_rows(ftl_logic_table *t, const uint32_t *const *column, uint32_t n)
{
    uint64_t key[FTL_LOGIC_BATCH];
    ftl_logic_set *s = &t->set;
    uint32_t added = 0;
    hash(t, column, n, key);
    prefetch_slots(t, key, n);
    for (uint32_t i = 0; i < n; i++) {
        size_t at = find_row_slot(t, key[i], column, i);
        if (s->words[at] != 0)
            continue;
        for (uint32_t k = 0; k < t->arity; k++)
            t->own[k][t->n + added] = column[k][i];
        s->words[at] = key[i] << 32 | (t->n + ++added);
    }
    s->count += added;
    return added;
}

/* A row of 2^32 - 1 cannot be: tables stop before. Places outside of the extents are not there. */
static void find_slots(const ftl_logic_table *t, const uint32_t *const *column, uint32_t n,
                       uint8_t *keep)
{
    uint64_t key[FTL_LOGIC_BATCH];
    const ftl_logic_set *s = &t->set;
    bool has_keys = s->kind == FTL_LOGIC_SET_KEYS;
    (has_keys ? pack : hash)(t, column, n, key);
    prefetch_slots(t, key, n);
    for (uint32_t i = 0; i < n; i++) {
        size_t at = has_keys ? find_slot(s, key[i]) : find_row_slot(t, key[i], column, i);
        keep[i] = s->words[at] != 0;
    }
    for (uint32_t k = 0; k < t->arity && has_keys; k++)
        for (uint32_t i = 0; i < n; i++)
            keep[i] &= column[k][i] < t->extent[k];
}

static size_t count_slots(size_t tuples)
{
    size_t slots = LEAST_SLOTS;
    while (slots / 8 * 5 < tuples)
        slots *= 2;
    return slots;
}

static void put_rows(ftl_logic_set *s, const ftl_logic_table *t)
{
    uint64_t key[FTL_LOGIC_BATCH];
    for (uint32_t from = 0; from < t->n; from += FTL_LOGIC_BATCH) {
        uint32_t n = t->n - from < FTL_LOGIC_BATCH ? t->n - from : FTL_LOGIC_BATCH;
        const uint32_t *column[FTL_RULES_MAX_ARITY];
        for (uint32_t k = 0; k < t->arity; k++)
            column[k] = t->column[k] + from;
        (s->kind == FTL_LOGIC_SET_KEYS ? pack : hash)(t, column, n, key);
        for (uint32_t i = 0; i < n; i++) {
            bool is_key = s->kind == FTL_LOGIC_SET_KEYS;
            size_t at = (is_key ? mix(key[i]) : key[i]) >> s->shift;
            while (s->words[at] != 0)
                at = (at + 1) & (s->n_words - 1);
            s->words[at] = is_key ? key[i] : key[i] << 32 | (from + i + 1);
        }
    }
}

static bool make_slots(ftl_logic_engine *e, const ftl_logic_table *t, size_t tuples,
                       ftl_logic_set *out)
{
    ftl_logic_set s = {.kind = t->is_packed ? FTL_LOGIC_SET_KEYS : FTL_LOGIC_SET_ROWS,
                       .n_words = count_slots(tuples), .count = t->n};
    s.shift = 64 - (uint32_t)__builtin_ctzll(s.n_words);
    s.words = ftl_logic_alloc_zeroed(&e->memory, s.n_words * 8);
    if (!s.words)
        return false;
    put_rows(&s, t);
    *out = s;
    return true;
}

/* ---- any form ---- */

static ftl_status remake(ftl_logic_engine *e, ftl_logic_table *t, size_t tuples)
{
    ftl_logic_set s;
    bool is_bits = ftl_logic_set_can_be_bits(e, t, tuples);
    if (is_bits && t->set.kind != FTL_LOGIC_SET_NONE)
        e->conversions++;
    if (!is_bits && t->set.kind != FTL_LOGIC_SET_NONE && t->set.kind != FTL_LOGIC_SET_BITS) {
        ftl_logic_free(&e->memory, t->set.words); /* the rows have all that it says */
        t->set = (ftl_logic_set){0};
    }
    if (!(is_bits ? make_bits(e, t, &s) : make_slots(e, t, tuples, &s)))
        return FTL_ERR_MEMORY;
    ftl_logic_free(&e->memory, t->set.words);
    t->set = s;
    if (is_bits && t->form == FTL_LOGIC_COLUMNS)
        t->form = FTL_LOGIC_BITS;
    return FTL_OK;
}

ftl_status ftl_logic_set_make_bits(ftl_logic_engine *e, ftl_logic_table *t)
{
    ftl_logic_set s;
    if (!make_bits(e, t, &s))
        return FTL_ERR_MEMORY;
    ftl_logic_free(&e->memory, t->set.words);
    t->set = s;
    return FTL_OK;
}

ftl_status ftl_logic_set_build(ftl_logic_engine *e, ftl_logic_table *t)
{
    return t->set.kind || t->arity == 0 ? FTL_OK : remake(e, t, t->n);
}

ftl_status ftl_logic_set_reserve(ftl_logic_engine *e, ftl_logic_table *t, size_t n)
{
    if (t->arity == 0 || t->set.kind == FTL_LOGIC_SET_BITS ||
        (t->set.kind && t->set.count + n <= t->set.n_words / 8 * 5))
        return FTL_OK;
    return remake(e, t, t->set.count + n);
}

void ftl_logic_set_free(ftl_logic_engine *e, ftl_logic_table *t)
{
    ftl_logic_free(&e->memory, t->set.words);
    t->set = (ftl_logic_set){0};
}

uint32_t ftl_logic_set_add(ftl_logic_table *t, const uint32_t *const *column, uint32_t n)
{
    if (t->set.kind == FTL_LOGIC_SET_BITS)
        return add_bits(t, column, n);
    return t->set.kind == FTL_LOGIC_SET_KEYS ? add_keys(t, column, n) : add_rows(t, column, n);
}

void ftl_logic_set_find(const ftl_logic_table *t, const uint32_t *const *column, uint32_t n,
                        uint8_t *keep)
{
    if (t->arity == 0)
        memset(keep, t->n > 0, n);
    else if (t->set.kind == FTL_LOGIC_SET_BITS)
        find_bits(t, column, n, keep);
    else
        find_slots(t, column, n, keep);
}
