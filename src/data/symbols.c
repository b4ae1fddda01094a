/* SPDX-License-Identifier: Apache-2.0
 *
 * A symbol table is a list of texts in the order of their numbers and an open-addressed index from
 * text to number, at most three quarters full. All of it lies on the table's own arena.
 */
#include "data/tensor.h"

typedef struct entry {
    const char *text;
    size_t len;
    uint64_t hash;
} entry;

struct ftl_symbols {
    const ftl_allocator *alloc;
    ftl_arena arena;
    FTL_VEC(entry) entries;
    int64_t *slots; /* 1 + number, 0 empty */
    size_t cap;     /* a power of two, or 0 */
};

ftl_symbols *ftl_symbols_new(const ftl_allocator *alloc)
{
    ftl_symbols *s = ftl_mem_alloc(alloc, sizeof(*s));
    if (!s)
        return NULL;
    *s = (ftl_symbols){.alloc = alloc};
    ftl_arena_init(&s->arena, alloc);
    return s;
}

void ftl_symbols_free(ftl_symbols *s)
{
    if (!s)
        return;
    ftl_arena_fini(&s->arena);
    ftl_mem_free(s->alloc, s, sizeof(*s));
}

static uint64_t hash_text(const ftl_symbols *s, const char *text, size_t len)
{
    return ftl_hash_bytes(text, len, FTL_KEY(s));
}

/* The slot of a text, or the empty one where it belongs. */
static int64_t *find_slot(const ftl_symbols *s, const entry *wanted)
{
    size_t i = (size_t)wanted->hash & (s->cap - 1);
    for (; s->slots[i] != 0; i = (i + 1) & (s->cap - 1)) {
        const entry *e = &s->entries.data[s->slots[i] - 1];
        if (e->hash == wanted->hash && e->len == wanted->len &&
            (e->text == wanted->text || memcmp(e->text, wanted->text, e->len) == 0))
            break;
    }
    return &s->slots[i];
}

int64_t ftl_symbols_find(const ftl_symbols *s, const char *text, size_t len)
{
    entry wanted = {.text = text, .len = len, .hash = hash_text(s, text, len)};
    return s->cap > 0 ? *find_slot(s, &wanted) - 1 : -1;
}

static void grow_slots(ftl_symbols *s)
{
    size_t cap = s->cap > 0 ? s->cap * 2 : 16;
    s->slots = FTL_NEW_ARRAY(&s->arena, int64_t, cap);
    s->cap = cap;
    for (size_t i = 0; i < s->entries.len; i++)
        *find_slot(s, &s->entries.data[i]) = (int64_t)i + 1;
}

typedef struct addition {
    ftl_symbols *symbols;
    entry *entry;
} addition;

/* Every allocation comes before the change that relies on it. */
static ftl_status add_entry(void *p)
{
    addition *a = p;
    ftl_symbols *s = a->symbols;
    if (s->entries.len >= s->cap - s->cap / 4)
        grow_slots(s);
    a->entry->text = ftl_arena_strndup(&s->arena, a->entry->text, a->entry->len);
    *FTL_VEC_PUSH(&s->arena, &s->entries) = *a->entry;
    *find_slot(s, a->entry) = (int64_t)s->entries.len;
    return FTL_OK;
}

int64_t ftl_symbols_add(ftl_symbols *s, const char *text, size_t len)
{
    int64_t found = ftl_symbols_find(s, text, len);
    if (found >= 0)
        return found;
    entry e = {.text = text, .len = len, .hash = hash_text(s, text, len)};
    addition a = {.symbols = s, .entry = &e};
    if (ftl_arena_run(&s->arena, add_entry, &a) != FTL_OK)
        return -1;
    return (int64_t)s->entries.len - 1;
}

int64_t ftl_symbols_get_count(const ftl_symbols *s)
{
    return (int64_t)s->entries.len;
}

const char *ftl_symbols_get(const ftl_symbols *s, int64_t i)
{
    assert(i >= 0 && (size_t)i < s->entries.len);
    return s->entries.data[i].text;
}
