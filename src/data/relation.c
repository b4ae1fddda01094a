/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting: the places of a tuple are packed, first column highest, into as few words as hold them,
 * each column in as many bits as its extent needs; columns do not straddle words. Words are sorted
 * by least significant digits first [Knuth, TAOCP 3, 5.2.5], a digit at a time through a second
 * copy, digits that are the same in all tuples and tuples that come in order left alone. A word has
 * 32 bits where all fits in one such word, else 64, so that words take no more than columns (an odd
 * one rounded up): at the peak there are two copies of the tuples.
 */
#include "data/relation.h"

#define MAX_EXTENT ((int64_t)UINT32_MAX)
#define ALIGNED(size) (((size) + 63) & ~(size_t)63)
#define HEADER ALIGNED(sizeof(ftl_relation))

enum {
    DIGIT_BITS = 8,
    DIGITS = 1 << DIGIT_BITS,
    MAX_WORDS = (FTL_MAX_RANK + 1) / 2
};

/* ---- a relation ---- */

/* Bytes of the block of a relation; false: too many. */
static bool measure(uint32_t arity, int64_t n, size_t *out)
{
    size_t size = 0;
    if (!ftl_mul_size((size_t)n, sizeof(uint32_t), &size) || size > SIZE_MAX - 64 ||
        !ftl_mul_size(ALIGNED(size), arity, &size) || size > (size_t)INT64_MAX - HEADER)
        return false;
    *out = HEADER + size;
    return true;
}

static ftl_status check_extents(uint32_t arity, const int64_t *extent)
{
    if (arity > FTL_MAX_RANK)
        return FTL_ERR_USAGE;
    for (uint32_t k = 0; k < arity; k++)
        if (extent[k] < 0 || extent[k] > MAX_EXTENT)
            return FTL_ERR_USAGE;
    return FTL_OK;
}

/* Columns without values. */
ftl_status ftl_relation_make(const ftl_allocator *alloc, uint32_t arity, const int64_t *extent,
                             int64_t n, ftl_relation **out)
{
    size_t size = 0;
    if (!measure(arity, n, &size))
        return FTL_ERR_MEMORY;
    ftl_relation *r = ftl_mem_alloc(alloc, size);
    if (!r)
        return FTL_ERR_MEMORY;
    *r = (ftl_relation){.arity = arity, .n = n, .refs = 1, .alloc = *alloc};
    for (uint32_t k = 0; k < arity; k++) {
        r->extent[k] = extent[k];
        r->column[k] = (uint32_t *)((char *)r + HEADER + k * ((size - HEADER) / arity));
    }
    *out = r;
    return FTL_OK;
}

ftl_relation *ftl_relation_retain(ftl_relation *r)
{
    __atomic_add_fetch(&r->refs, 1, __ATOMIC_RELAXED);
    return r;
}

size_t ftl_relation_get_size(const ftl_relation *r)
{
    size_t size = 0;
    bool fits = measure(r->arity, r->n, &size);
    assert(fits);
    (void)fits;
    return size;
}

void ftl_relation_release(ftl_relation *r)
{
    if (!r || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    ftl_allocator alloc = r->alloc;
    ftl_mem_free(&alloc, r, ftl_relation_get_size(r));
}

/* ---- packing ---- */

/* Where the places of each column stand. */
typedef struct layout {
    uint32_t arity;
    unsigned n_words;
    bool is_narrow;              /* one word of 32 bits */
    unsigned word[FTL_MAX_RANK]; /* by column; word 0 decides first */
    unsigned bits[FTL_MAX_RANK], shift[FTL_MAX_RANK];
    unsigned used[MAX_WORDS];    /* bits, by word */
} layout;

static unsigned count_bits(int64_t extent)
{
    return extent > 1 ? 64u - (unsigned)__builtin_clzll((uint64_t)extent - 1) : 0;
}

static layout make_layout(uint32_t arity, const int64_t *extent)
{
    layout l = {.arity = arity, .n_words = 1};
    for (uint32_t k = 0; k < arity; k++) {
        l.bits[k] = count_bits(extent[k]);
        if (l.used[l.n_words - 1] + l.bits[k] > 64)
            l.n_words++;
        l.word[k] = l.n_words - 1;
        l.used[l.word[k]] += l.bits[k];
    }
    unsigned below[MAX_WORDS] = {0};
    for (uint32_t k = arity; k-- > 0;) {
        l.shift[k] = below[l.word[k]];
        below[l.word[k]] += l.bits[k];
    }
    l.is_narrow = l.n_words == 1 && l.used[0] <= 32;
    return l;
}

/* n tuples as words; `to` is what a digit's pass writes. */
typedef struct words {
    layout l;
    size_t n, size;        /* size: bytes of one copy */
    void *at[MAX_WORDS];   /* one block */
    void *to[MAX_WORDS];
} words;

static uint64_t get_word(const words *w, unsigned i, size_t row)
{
    return w->l.is_narrow ? ((const uint32_t *)w->at[i])[row] : ((const uint64_t *)w->at[i])[row];
}

static ftl_status pack_column(const words *w, const ftl_relation_spec *spec, uint32_t k)
{
    const uint32_t *from = spec->column[k];
    uint32_t *narrow = w->at[0];
    uint64_t *wide = w->at[w->l.word[k]];
    unsigned shift = w->l.shift[k];
    uint32_t above = 0;
    for (size_t i = 0; i < w->n; i++)
        above |= from[i] >= spec->extent[k];
    if (above)
        return FTL_ERR_USAGE;
    if (w->l.bits[k] == 0)
        return FTL_OK;
    if (w->l.is_narrow)
        for (size_t i = 0; i < w->n; i++)
            narrow[i] |= from[i] << shift;
    else
        for (size_t i = 0; i < w->n; i++)
            wide[i] |= (uint64_t)from[i] << shift;
    return FTL_OK;
}

static void unpack_column(const words *w, uint32_t k, uint32_t *to)
{
    const uint32_t *narrow = w->at[0];
    const uint64_t *wide = w->at[w->l.word[k]];
    unsigned shift = w->l.shift[k] & 63;
    uint64_t mask = ((uint64_t)1 << w->l.bits[k]) - 1;
    if (w->l.bits[k] == 0)
        memset(to, 0, w->n * sizeof(*to));
    else if (w->l.is_narrow)
        for (size_t i = 0; i < w->n; i++)
            to[i] = (uint32_t)(narrow[i] >> shift & mask);
    else
        for (size_t i = 0; i < w->n; i++)
            to[i] = (uint32_t)(wide[i] >> shift & mask);
}

/* ---- sorting ---- */

/* Negative, 0, positive: how row a stands to row b. */
static int compare_rows(const words *w, size_t a, size_t b)
{
    for (unsigned i = 0; i < w->l.n_words; i++) {
        uint64_t x = get_word(w, i, a), y = get_word(w, i, b);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

static bool is_sorted(const words *w)
{
    for (size_t i = 1; i < w->n; i++)
        if (compare_rows(w, i - 1, i) > 0)
            return false;
    return true;
}

/* Counts the digits of a word and turns them into places; false when all are the same. */
static bool count_digits(const words *w, unsigned word, unsigned shift, size_t place[DIGITS])
{
    const uint32_t *narrow = w->at[word];
    const uint64_t *wide = w->at[word];
    size_t sum = 0;
    memset(place, 0, DIGITS * sizeof(*place));
    if (w->l.is_narrow)
        for (size_t i = 0; i < w->n; i++)
            place[narrow[i] >> shift & (DIGITS - 1)]++;
    else
        for (size_t i = 0; i < w->n; i++)
            place[wide[i] >> shift & (DIGITS - 1)]++;
    for (unsigned d = 0; d < DIGITS; d++) {
        size_t count = place[d];
        if (count == w->n)
            return false;
        place[d] = sum;
        sum += count;
    }
    return true;
}

static void move_narrow(words *w, unsigned shift, size_t place[DIGITS])
{
    const uint32_t *from = w->at[0];
    uint32_t *to = w->to[0];
    for (size_t i = 0; i < w->n; i++)
        to[place[from[i] >> shift & (DIGITS - 1)]++] = from[i];
}

static void move_wide(words *w, unsigned shift, size_t place[DIGITS])
{
    const uint64_t *from = w->at[0];
    uint64_t *to = w->to[0];
    for (size_t i = 0; i < w->n; i++)
        to[place[from[i] >> shift & (DIGITS - 1)]++] = from[i];
}

static void move_rows(words *w, unsigned word, unsigned shift, size_t place[DIGITS])
{
    const uint64_t *key = w->at[word];
    for (size_t i = 0; i < w->n; i++) {
        size_t to = place[key[i] >> shift & (DIGITS - 1)]++;
        for (unsigned k = 0; k < w->l.n_words; k++)
            ((uint64_t *)w->to[k])[to] = ((const uint64_t *)w->at[k])[i];
    }
}

static void sort_by_digit(words *w, unsigned word, unsigned shift)
{
    size_t place[DIGITS];
    if (!count_digits(w, word, shift, place))
        return;
    if (w->l.is_narrow)
        move_narrow(w, shift, place);
    else if (w->l.n_words == 1)
        move_wide(w, shift, place);
    else
        move_rows(w, word, shift, place);
    for (unsigned k = 0; k < w->l.n_words; k++) {
        void *at = w->at[k];
        w->at[k] = w->to[k];
        w->to[k] = at;
    }
}

static void point_words(const words *w, void *block, void **at)
{
    for (unsigned k = 0; k < w->l.n_words; k++)
        at[k] = (char *)block + k * (w->size / w->l.n_words);
}

static ftl_status sort_words(const ftl_allocator *alloc, words *w)
{
    if (is_sorted(w))
        return FTL_OK;
    void *second = ftl_mem_alloc(alloc, w->size);
    if (!second)
        return FTL_ERR_MEMORY;
    point_words(w, second, w->to);
    for (unsigned word = w->l.n_words; word-- > 0;)
        for (unsigned shift = 0; shift < w->l.used[word]; shift += DIGIT_BITS)
            sort_by_digit(w, word, shift);
    ftl_mem_free(alloc, w->to[0], w->size);
    return FTL_OK;
}

static void copy_row(words *w, size_t to, size_t from)
{
    for (unsigned k = 0; k < w->l.n_words; k++)
        if (w->l.is_narrow)
            ((uint32_t *)w->at[k])[to] = ((const uint32_t *)w->at[k])[from];
        else
            ((uint64_t *)w->at[k])[to] = ((const uint64_t *)w->at[k])[from];
}

static void drop_repeats(words *w)
{
    size_t kept = w->n > 0;
    for (size_t i = 1; i < w->n; i++)
        if (compare_rows(w, kept - 1, i) != 0)
            copy_row(w, kept++, i);
    w->n = kept;
}

/* ---- making ---- */

static ftl_status fill_words(const ftl_allocator *alloc, const ftl_relation_spec *spec, words *w)
{
    memset(w->at[0], 0, w->size);
    for (uint32_t k = 0; k < spec->arity; k++)
        FTL_TRY(pack_column(w, spec, k));
    return sort_words(alloc, w);
}

static ftl_status make_from_words(const ftl_allocator *alloc, const ftl_relation_spec *spec,
                                  words *w, ftl_relation **out)
{
    FTL_TRY(fill_words(alloc, spec, w));
    drop_repeats(w);
    FTL_TRY(ftl_relation_make(alloc, spec->arity, spec->extent, (int64_t)w->n, out));
    for (uint32_t k = 0; k < spec->arity; k++)
        unpack_column(w, k, (*out)->column[k]);
    return FTL_OK;
}

ftl_status ftl_relation_new(const ftl_allocator *alloc, const ftl_relation_spec *spec,
                            ftl_relation **out)
{
    FTL_TRY(check_extents(spec->arity, spec->extent));
    if (spec->n < 0)
        return FTL_ERR_USAGE;
    if (spec->arity == 0 || spec->n == 0)
        return ftl_relation_make(alloc, spec->arity, spec->extent, spec->n > 0, out);
    words w = {.l = make_layout(spec->arity, spec->extent), .n = (size_t)spec->n};
    size_t bytes = w.l.is_narrow ? sizeof(uint32_t) : sizeof(uint64_t);
    if (!ftl_mul_size(w.n, bytes * w.l.n_words, &w.size) || w.size > (size_t)INT64_MAX)
        return FTL_ERR_MEMORY;
    void *block = ftl_mem_alloc(alloc, w.size);
    if (!block)
        return FTL_ERR_MEMORY;
    point_words(&w, block, w.at);
    ftl_status status = make_from_words(alloc, spec, &w, out);
    ftl_mem_free(alloc, w.at[0], w.size);
    return status;
}

/* ---- asking ---- */

static int compare_tuple(const ftl_relation *r, int64_t row, const uint32_t *tuple)
{
    for (uint32_t k = 0; k < r->arity; k++)
        if (r->column[k][row] != tuple[k])
            return r->column[k][row] < tuple[k] ? -1 : 1;
    return 0;
}

int64_t ftl_relation_find(const ftl_relation *r, const uint32_t *tuple)
{
    int64_t low = 0, high = r->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (compare_tuple(r, middle, tuple) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool ftl_relation_has(const ftl_relation *r, const uint32_t *tuple)
{
    int64_t at = ftl_relation_find(r, tuple);
    return at < r->n && compare_tuple(r, at, tuple) == 0;
}

bool ftl_relation_is_equal(const ftl_relation *a, const ftl_relation *b)
{
    if (a->arity != b->arity || a->n != b->n)
        return false;
    for (uint32_t k = 0; k < a->arity; k++)
        if (a->extent[k] != b->extent[k] ||
            memcmp(a->column[k], b->column[k], (size_t)a->n * sizeof(uint32_t)) != 0)
            return false;
    return true;
}

/* ---- dense ---- */

/* The last axis of a tensor and where the others stand. */
typedef struct walk {
    const ftl_tensor *t;
    uint32_t outer;              /* axes before the last one */
    int64_t length, stride;      /* of the last one; 1, 0 for a scalar */
    int64_t place[FTL_MAX_RANK]; /* of the outer ones */
    const unsigned char *row;
} walk;

static walk start_walk(const ftl_tensor *t)
{
    uint32_t last = t->rank - 1;
    return (walk){.t = t, .outer = t->rank ? last : 0, .length = t->rank ? t->shape[last] : 1,
                  .stride = t->rank ? t->strides[last] : 0, .row = t->data};
}

static bool step(walk *w)
{
    for (uint32_t k = w->outer; k-- > 0;) {
        w->row += w->t->strides[k];
        if (++w->place[k] < w->t->shape[k])
            return true;
        w->row -= w->t->strides[k] * w->t->shape[k];
        w->place[k] = 0;
    }
    return false;
}

/* True when the 8 elements from i on lie together and are all false. */
static bool are_false(const walk *w, int64_t i)
{
    uint64_t bytes = 0;
    if (w->stride != 1 || w->length - i < 8)
        return false;
    memcpy(&bytes, w->row + i, 8);
    return bytes == 0;
}

static int64_t count_row(const walk *w)
{
    int64_t n = 0;
    for (int64_t i = 0; i < w->length; i++)
        n += w->row[i * w->stride] != 0;
    return n;
}

/* Puts the tuples of a row at `at` of the columns; the place after them. */
static int64_t take_row(const walk *w, ftl_relation *r, int64_t at)
{
    int64_t first = at;
    for (int64_t i = 0; i < w->length; i++) {
        if (are_false(w, i))
            i += 7;
        else if (w->row[i * w->stride])
            r->column[w->outer][at++] = (uint32_t)i;
    }
    for (uint32_t k = 0; k < w->outer; k++)
        for (int64_t i = first; i < at; i++)
            r->column[k][i] = (uint32_t)w->place[k];
    return at;
}

ftl_status ftl_relation_from_tensor(const ftl_allocator *alloc, const ftl_tensor *t,
                                    ftl_relation **out)
{
    int64_t n = 0, at = 0;
    if (t->dtype != FTL_DTYPE_BOOL)
        return FTL_ERR_USAGE;
    FTL_TRY(check_extents(t->rank, t->shape));
    walk w = start_walk(t);
    bool is_empty = ftl_tensor_get_count(t) == 0;
    if (!is_empty)
        do
            n += count_row(&w);
        while (step(&w));
    FTL_TRY(ftl_relation_make(alloc, t->rank, t->shape, n, out));
    if (is_empty || t->rank == 0)
        return FTL_OK;
    w = start_walk(t);
    do
        at = take_row(&w, *out, at);
    while (step(&w));
    return FTL_OK;
}

void ftl_relation_to_dense(const ftl_relation *r, uint8_t *dst)
{
    size_t count = 1;
    for (uint32_t k = 0; k < r->arity; k++)
        count *= (size_t)r->extent[k];
    memset(dst, 0, count);
    for (int64_t i = 0; i < r->n; i++) {
        size_t place = 0;
        for (uint32_t k = 0; k < r->arity; k++)
            place = place * (size_t)r->extent[k] + r->column[k][i];
        dst[place] = 1;
    }
}
