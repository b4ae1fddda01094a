/* SPDX-License-Identifier: Apache-2.0
 *
 * Indexes. Of a table that is final and whose keys are dense: the positions of each key by counting
 * sort, with the other columns in that order beside them (none are needed when the table is sorted
 * by the key). Of others: a list for each key, found directly or by open addressing, in one piece
 * that doubles, so that a walk is sequential and its length is known before.
 */
#include "backend/native/logic/engine.h"

enum {
    FEW_KEYS = 1 << 16,       /* direct whatever the rows */
    KEYS_PER_ROW = 4,         /* direct when keys that may be are at most so many times the rows */
    LEAST_LISTS = 1 << 8,
    FIRST_PIECE = 2,          /* log2 of the entries */
    LONE_PIECE = 14,          /* log2 of the entries from which a piece is its own block */
    LEAST_CHUNK = 1 << 12, MOST_CHUNK = 1 << 18 /* entries */
};

#define NO_KEY UINT64_MAX

static uint64_t mix(uint64_t k)
{
    k ^= k >> 31;
    k *= 0x9e3779b97f4a7c15u;
    return k ^ k >> 29;
}

/* ---- keys ---- */

/* Packed keys of n tuples of places; NO_KEY where a place is outside of its column. */
static void pack_keys(const ftl_logic_index *x, const uint32_t *const *place, uint32_t n,
                      uint64_t *key)
{
    memset(key, 0, n * sizeof *key);
    for (uint32_t k = 0; k < x->n_keys; k++)
        for (uint32_t i = 0; i < n; i++)
            key[i] += place[k][i] * x->unit[k];
    for (uint32_t k = 0; k < x->n_keys; k++) {
        int64_t extent = x->table->extent[x->key[k]];
        for (uint32_t i = 0; i < n; i++)
            key[i] = place[k][i] < extent ? key[i] : NO_KEY;
    }
}

static void hash_keys(const ftl_logic_index *x, const uint32_t *const *place, uint32_t n,
                      uint64_t *key)
{
    memset(key, 0, n * sizeof *key);
    for (uint32_t k = 0; k < x->n_keys; k++)
        for (uint32_t i = 0; i < n; i++)
            key[i] = mix(key[i] * 31 + place[k][i]);
}

static void make_keys(const ftl_logic_index *x, const uint32_t *const *place, uint32_t n,
                      uint64_t *key)
{
    (x->is_packed ? pack_keys : hash_keys)(x, place, n, key);
}

static void make_row_keys(const ftl_logic_index *x, uint32_t row, uint32_t n, uint64_t *key)
{
    const uint32_t *place[FTL_RULES_MAX_ARITY];
    for (uint32_t k = 0; k < x->n_keys; k++)
        place[k] = x->table->column[x->key[k]] + row;
    make_keys(x, place, n, key);
}

static uint32_t get_batch(uint32_t from, uint32_t to)
{
    return to - from < FTL_LOGIC_BATCH ? to - from : FTL_LOGIC_BATCH;
}

/* ---- positions of a final table ---- */

static bool is_prefix(const ftl_logic_index *x)
{
    for (uint32_t k = 0; k < x->n_keys; k++)
        if (x->key[k] != k)
            return false;
    return x->table->is_sorted;
}

static void count_keys(ftl_logic_index *x)
{
    uint64_t key[FTL_LOGIC_BATCH];
    const ftl_logic_table *t = x->table;
    for (uint32_t from = 0; from < t->n; from += FTL_LOGIC_BATCH) {
        uint32_t n = get_batch(from, t->n);
        make_row_keys(x, from, n, key);
        for (uint32_t i = 0; i < n; i++)
            x->start[key[i] + 1]++;
    }
    for (uint64_t k = 0; k < x->domain; k++)
        x->start[k + 1] += x->start[k];
}

/* start[k + 1] holds the next position of key k while it is filled: key k begins at start[k]. */
static void fill_payload(ftl_logic_index *x)
{
    uint64_t key[FTL_LOGIC_BATCH];
    const ftl_logic_table *t = x->table;
    for (uint32_t from = 0; from < t->n; from += FTL_LOGIC_BATCH) {
        uint32_t n = get_batch(from, t->n);
        make_row_keys(x, from, n, key);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t at = x->start[key[i]]++;
            for (uint32_t c = 0; c < t->arity; c++)
                if (x->payload[c])
                    x->payload[c][at] = t->column[c][from + i];
        }
    }
    memmove(x->start + 1, x->start, x->domain * sizeof *x->start);
    x->start[0] = 0;
}

static bool is_key(const ftl_logic_index *x, uint32_t column)
{
    for (uint32_t k = 0; k < x->n_keys; k++)
        if (x->key[k] == column)
            return true;
    return false;
}

static ftl_status make_ranges(ftl_logic_engine *e, ftl_logic_index *x)
{
    const ftl_logic_table *t = x->table;
    x->kind = FTL_LOGIC_INDEX_RANGES;
    x->start = ftl_logic_alloc_zeroed(&e->memory, (x->domain + 1) * sizeof *x->start);
    if (!x->start)
        return FTL_ERR_MEMORY;
    count_keys(x);
    x->done = t->n;
    if (is_prefix(x))
        return FTL_OK;
    for (uint32_t c = 0; c < t->arity; c++) {
        if (is_key(x, c))
            continue;
        x->payload[c] = ftl_logic_alloc_array(&e->memory, t->n, sizeof(uint32_t));
        if (!x->payload[c])
            return FTL_ERR_MEMORY;
    }
    fill_payload(x);
    return FTL_OK;
}

/* ---- pieces: a free one, and a chunk, begins with the address of the one before ---- */

static uint32_t *get_link(const uint32_t *p)
{
    uint32_t *to;
    memcpy(&to, p, sizeof(uint32_t *));
    return to;
}

static void set_link(void *p, uint32_t *to)
{
    memcpy(p, &to, sizeof(uint32_t *));
}

static uint32_t *take_piece(ftl_logic_engine *e, ftl_logic_index *x, uint32_t log)
{
    uint32_t *p = x->free_pieces[log];
    if (p) {
        x->free_pieces[log] = get_link(p);
        return p;
    }
    size_t n = (size_t)1 << log;
    if (log >= LONE_PIECE) {
        x->piece_bytes += n * sizeof *p;
        return ftl_logic_alloc_array(&e->memory, n, sizeof *p);
    }
    if (x->chunk_left < n) {
        size_t size = x->chunk_size * 2;
        size = size < LEAST_CHUNK ? LEAST_CHUNK : size < MOST_CHUNK ? size : MOST_CHUNK;
        size = size < 2 * n ? 2 * n : size;
        uint32_t *chunk = ftl_logic_alloc_array(&e->memory, size, sizeof *chunk);
        if (!chunk)
            return NULL;
        set_link(chunk, x->chunk);
        x->chunk = chunk;
        x->chunk_size = size;
        x->piece_bytes += size * sizeof *chunk;
        x->chunk_left = size - 4;
    }
    x->chunk_left -= n;
    return x->chunk + 4 + x->chunk_left;
}

static void give_piece(ftl_logic_engine *e, ftl_logic_index *x, uint32_t *p, uint32_t log)
{
    if (log >= LONE_PIECE) {
        x->piece_bytes -= sizeof *p << log;
        ftl_logic_free(&e->memory, p);
        return;
    }
    set_link(p, x->free_pieces[log]);
    x->free_pieces[log] = p;
}

/* Makes room for one more entry in a list whose room is used up. */
static bool widen(ftl_logic_engine *e, ftl_logic_index *x, ftl_logic_list *l)
{
    uint32_t log = l->n <= 2 ? FIRST_PIECE : (uint32_t)__builtin_ctz(l->n) + 1;
    uint32_t *p = take_piece(e, x, log);
    if (!p)
        return false;
    memcpy(p, l->n <= 2 ? l->inside : l->piece, l->n * sizeof *p);
    if (l->n > 2)
        give_piece(e, x, l->piece, log - 1);
    l->piece = p;
    return true;
}

static bool push(ftl_logic_engine *e, ftl_logic_index *x, ftl_logic_list *l, uint32_t entry)
{
    if (l->n < 2) {
        l->inside[l->n++] = entry;
        return true;
    }
    bool is_full = l->n == 2 || (l->n >= 4 && (l->n & (l->n - 1)) == 0);
    if (is_full && !widen(e, x, l))
        return false;
    l->piece[l->n++] = entry;
    return true;
}

static const uint32_t *get_entries(const ftl_logic_list *l)
{
    return l->n <= 2 ? l->inside : l->piece;
}

/* ---- lists ---- */

static uint64_t get_home(const ftl_logic_index *x, uint64_t key)
{
    return x->kind == FTL_LOGIC_INDEX_DIRECT ? key : (mix(key) * 0xbf58476d1ce4e5b9u) >> x->shift;
}

/* Whether a list with this key is of the tuple of places; of packed keys the key says it. */
static bool is_same(const ftl_logic_index *x, uint64_t at, const uint32_t *const *place, uint32_t i)
{
    if (x->is_packed)
        return true;
    uint32_t row = get_entries(&x->lists[at])[0];
    for (uint32_t k = 0; k < x->n_keys; k++)
        if (x->table->column[x->key[k]][row] != place[k][i])
            return false;
    return true;
}

/* The list of tuple i of places, which has this key, or the free one where it would be. */
static uint64_t find_list(const ftl_logic_index *x, uint64_t key, const uint32_t *const *place,
                          uint32_t i)
{
    uint64_t at = get_home(x, key);
    if (x->kind == FTL_LOGIC_INDEX_DIRECT)
        return at;
    while (x->lists[at].n > 0 && !(x->keys[at] == key && is_same(x, at, place, i)))
        at = (at + 1) & (x->n_lists - 1);
    return at;
}

static void prefetch(const ftl_logic_index *x, const uint64_t *key, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t at = key[i] == NO_KEY && x->is_packed ? 0 : get_home(x, key[i]);
        __builtin_prefetch(&x->lists[at]);
        if (x->keys)
            __builtin_prefetch(&x->keys[at]);
    }
}

static ftl_status make_lists(ftl_logic_engine *e, ftl_logic_index *x, uint64_t n)
{
    ftl_logic_list *lists = ftl_logic_alloc_zeroed(&e->memory, n * sizeof *lists);
    if (!lists)
        return FTL_ERR_MEMORY;
    uint64_t *keys = NULL;
    if (x->kind == FTL_LOGIC_INDEX_HASHED) {
        keys = ftl_logic_alloc_array(&e->memory, n, sizeof *keys);
        if (!keys) {
            ftl_logic_free(&e->memory, lists);
            return FTL_ERR_MEMORY;
        }
        x->shift = 64 - (uint32_t)__builtin_ctzll(n);
    }
    x->lists = lists;
    x->keys = keys;
    x->n_lists = n;
    return FTL_OK;
}

/* Twice the lists, for n more keys. */
static ftl_status reserve_lists(ftl_logic_engine *e, ftl_logic_index *x, uint32_t n)
{
    if (x->kind == FTL_LOGIC_INDEX_DIRECT || (x->n_used + n) * 2 <= x->n_lists)
        return FTL_OK;
    ftl_logic_list *lists = x->lists;
    uint64_t *keys = x->keys, n_lists = x->n_lists, wanted = n_lists;
    while ((x->n_used + n) * 2 > wanted)
        wanted *= 2;
    FTL_TRY(make_lists(e, x, wanted));
    for (uint64_t i = 0; i < n_lists; i++) {
        if (lists[i].n == 0)
            continue;
        uint64_t at = get_home(x, keys[i]);
        while (x->lists[at].n > 0)
            at = (at + 1) & (wanted - 1);
        x->lists[at] = lists[i];
        x->keys[at] = keys[i];
    }
    ftl_logic_free(&e->memory, lists);
    ftl_logic_free(&e->memory, keys);
    return FTL_OK;
}

/* Calls with each list of rows from .. to - 1, a batch at a time: to add the row, or to note how
 * many entries the list has. */
static ftl_status put_rows(ftl_logic_engine *e, ftl_logic_index *x, uint32_t from, uint32_t to)
{
    uint64_t key[FTL_LOGIC_BATCH];
    const ftl_logic_table *t = x->table;
    for (uint32_t n; from < to; from += n) {
        n = get_batch(from, to);
        FTL_TRY(reserve_lists(e, x, n));
        make_row_keys(x, from, n, key);
        prefetch(x, key, n);
        const uint32_t *place[FTL_RULES_MAX_ARITY];
        for (uint32_t k = 0; k < x->n_keys; k++)
            place[k] = t->column[x->key[k]] + from;
        for (uint32_t i = 0; i < n; i++) {
            uint64_t at = find_list(x, key[i], place, i);
            ftl_logic_list *l = &x->lists[at];
            x->n_used += l->n == 0;
            if (x->keys)
                x->keys[at] = key[i];
            uint32_t entry = x->value == UINT32_MAX ? from + i : t->column[x->value][from + i];
            if (!push(e, x, l, entry))
                return FTL_ERR_MEMORY;
        }
    }
    return FTL_OK;
}

static void settle_rows(ftl_logic_index *x, uint32_t from, uint32_t to)
{
    uint64_t key[FTL_LOGIC_BATCH];
    for (uint32_t n; from < to; from += n) {
        n = get_batch(from, to);
        make_row_keys(x, from, n, key);
        prefetch(x, key, n);
        const uint32_t *place[FTL_RULES_MAX_ARITY];
        for (uint32_t k = 0; k < x->n_keys; k++)
            place[k] = x->table->column[x->key[k]] + from;
        for (uint32_t i = 0; i < n; i++) {
            ftl_logic_list *l = &x->lists[find_list(x, key[i], place, i)];
            l->old = l->n;
        }
    }
}

ftl_status ftl_logic_index_extend(ftl_logic_engine *e, ftl_logic_index *x)
{
    const ftl_logic_table *t = x->table;
    e->table = (uint32_t)(t - e->tables);
    if (x->kind == FTL_LOGIC_INDEX_ALL || x->kind == FTL_LOGIC_INDEX_RANGES)
        return FTL_OK;
    if (x->done < t->old) {
        FTL_TRY(put_rows(e, x, x->done, t->old));
        x->done = t->old;
    }
    if (x->settled < t->old && e->is_settling) {
        settle_rows(x, x->settled, t->old);
        x->settled = t->old;
    }
    FTL_TRY(put_rows(e, x, x->done, t->known));
    x->done = t->known;
    return FTL_OK;
}

/* ---- which ---- */

static bool is_of(const ftl_logic_index *x, uint32_t columns)
{
    uint32_t mine = 0;
    for (uint32_t k = 0; k < x->n_keys; k++)
        mine |= 1u << x->key[k];
    return mine == columns;
}

static void describe(ftl_logic_index *x, uint32_t columns)
{
    const ftl_logic_table *t = x->table;
    for (uint32_t c = 0; c < t->arity; c++)
        if (columns >> c & 1)
            x->key[x->n_keys++] = c;
    size_t product = 1;
    x->is_packed = true;
    for (uint32_t k = x->n_keys; k-- > 0 && x->is_packed;) {
        int64_t extent = t->extent[x->key[k]];
        x->unit[k] = product;
        x->is_packed = ftl_mul_size(product, extent > 0 ? (size_t)extent : 1, &product);
    }
    x->is_packed = x->is_packed && product < NO_KEY;
    x->domain = x->is_packed ? product : 0;
    x->value = UINT32_MAX;
    for (uint32_t c = 0; c < t->arity && x->is_packed && x->n_keys + 1 == t->arity; c++)
        if (!(columns >> c & 1))
            x->value = c;
}

static ftl_status make(ftl_logic_engine *e, ftl_logic_index *x)
{
    const ftl_logic_table *t = x->table;
    uint64_t rows = t->is_final || t->known > e->expected ? t->known : e->expected;
    bool is_direct = x->is_packed && x->domain <= FEW_KEYS + KEYS_PER_ROW * rows;
    if (x->n_keys == 0) {
        x->kind = FTL_LOGIC_INDEX_ALL;
        return FTL_OK;
    }
    if (is_direct && t->is_final)
        return make_ranges(e, x);
    x->kind = is_direct ? FTL_LOGIC_INDEX_DIRECT : FTL_LOGIC_INDEX_HASHED;
    FTL_TRY(make_lists(e, x, is_direct ? x->domain : LEAST_LISTS));
    return ftl_logic_index_extend(e, x);
}

ftl_status ftl_logic_index_get(ftl_logic_engine *e, ftl_logic_table *t, uint32_t columns,
                               ftl_logic_index **out)
{
    FTL_TRY(ftl_logic_table_need_columns(e, t));
    ftl_logic_index *x = t->indexes;
    while (x && !is_of(x, columns))
        x = x->next;
    if (x) {
        x->uses++;
        *out = x;
        return ftl_logic_index_extend(e, x);
    }
    e->table = (uint32_t)(t - e->tables);
    x = FTL_NEW(e->arena, ftl_logic_index);
    x->table = t;
    x->uses++;
    describe(x, columns);
    x->next = t->indexes;
    t->indexes = x;
    *out = x;
    return make(e, x);
}

static void free_pieces(ftl_logic_engine *e, ftl_logic_index *x)
{
    for (uint64_t i = 0; i < x->n_lists; i++)
        if (x->lists[i].n > (uint32_t)1 << (LONE_PIECE - 1))
            ftl_logic_free(&e->memory, x->lists[i].piece);
    while (x->chunk) {
        uint32_t *before = get_link(x->chunk);
        ftl_logic_free(&e->memory, x->chunk);
        x->chunk = before;
    }
}

static void free_index(ftl_logic_engine *e, ftl_logic_index *x)
{
    free_pieces(e, x);
    ftl_logic_free(&e->memory, x->lists);
    ftl_logic_free(&e->memory, x->keys);
    ftl_logic_free(&e->memory, x->start);
    for (uint32_t c = 0; c < x->table->arity; c++)
        ftl_logic_free(&e->memory, x->payload[c]);
}

void ftl_logic_index_free_some(ftl_logic_engine *e, ftl_logic_table *t, bool only_unused)
{
    ftl_logic_index **at = &t->indexes;
    while (*at) {
        ftl_logic_index *x = *at;
        if (only_unused && x->uses > 0) {
            at = &x->next;
            continue;
        }
        *at = x->next;
        free_index(e, x);
    }
}

/* ---- asking ---- */

static void find_ranges(const ftl_logic_index *x, const uint64_t *key, uint32_t n,
                        ftl_logic_span *spans)
{
    for (uint32_t i = 0; i < n; i++)
        __builtin_prefetch(&x->start[key[i] == NO_KEY ? 0 : key[i]]);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t *s = &x->start[key[i] == NO_KEY ? 0 : key[i]];
        spans[i] = (ftl_logic_span){NULL, s[0], key[i] == NO_KEY ? 0 : s[1] - s[0]};
    }
}

static void find_lists(const ftl_logic_index *x, const uint32_t *const *place, uint32_t n,
                       bool only_old, ftl_logic_span *spans)
{
    uint64_t key[FTL_LOGIC_BATCH];
    make_keys(x, place, n, key);
    prefetch(x, key, n);
    for (uint32_t i = 0; i < n; i++) {
        spans[i] = (ftl_logic_span){0};
        if (x->is_packed && key[i] == NO_KEY)
            continue;
        const ftl_logic_list *l = &x->lists[find_list(x, key[i], place, i)];
        spans[i].entries = get_entries(l);
        spans[i].n = only_old ? l->old : l->n;
    }
}

void ftl_logic_index_find(const ftl_logic_index *x, const uint32_t *const *place, uint32_t n,
                          bool only_old, ftl_logic_span *spans)
{
    uint64_t key[FTL_LOGIC_BATCH];
    if (x->kind == FTL_LOGIC_INDEX_ALL) {
        for (uint32_t i = 0; i < n; i++)
            spans[i] = (ftl_logic_span){NULL, 0, only_old ? x->table->old : x->table->known};
    } else if (x->kind == FTL_LOGIC_INDEX_RANGES) {
        pack_keys(x, place, n, key);
        find_ranges(x, key, n, spans);
    } else {
        find_lists(x, place, n, only_old, spans);
    }
}
