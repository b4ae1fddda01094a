/* SPDX-License-Identifier: Apache-2.0
 *
 * Open addressing with linear probing, at most three quarters full. Nothing is ever removed. Hashes
 * are seeded with the arena's address, so that a program cannot be written to collide.
 */
#include "base/base.h"

struct ftl_map_slot {
    uint64_t key;   /* map: the key; intern: the hash */
    uint64_t value; /* map: the value; intern: the text's address */
    size_t tag;     /* 0 empty; map: 1; intern: 1 + length of the text */
};

static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t ftl_hash_bytes(const void *p, size_t len, uint64_t seed)
{
    const char *bytes = p;
    uint64_t h = seed ^ 0x9e3779b97f4a7c15u;
    for (size_t left = len; left > 0;) {
        uint64_t word = 0;
        size_t n = left < sizeof(word) ? left : sizeof(word);
        memcpy(&word, bytes, n);
        h = fold(h ^ word, 0xd6e8feb86659fd93u ^ (h >> 7));
        bytes += n;
        left -= n;
    }
    return fold(h ^ len, 0xa0761d6478bd642fu);
}

static uint64_t hash_key(const ftl_arena *arena, uint64_t key)
{
    return fold(key ^ 0x9e3779b97f4a7c15u, 0xa0761d6478bd642fu ^ FTL_KEY(arena));
}

static bool is_full(size_t len, size_t cap)
{
    return len >= cap - cap / 4;
}

static size_t grow_cap(ftl_arena *arena, size_t cap)
{
    if (cap > SIZE_MAX / 4)
        ftl_arena_fail(arena, FTL_ERR_MEMORY);
    return cap > 0 ? cap * 2 : 16;
}

/* ---- map ---- */

void ftl_map_init(ftl_map *map, ftl_arena *arena)
{
    *map = (ftl_map){.arena = arena};
}

/* The slot that holds key, or the empty one where it belongs. */
static ftl_map_slot *find_key(const ftl_map *map, uint64_t key)
{
    size_t i = (size_t)hash_key(map->arena, key) & (map->cap - 1);
    while (map->slots[i].tag != 0 && map->slots[i].key != key)
        i = (i + 1) & (map->cap - 1);
    return &map->slots[i];
}

bool ftl_map_find(const ftl_map *map, uint64_t key, uint64_t *value)
{
    if (map->len == 0)
        return false;
    const ftl_map_slot *slot = find_key(map, key);
    if (slot->tag == 0)
        return false;
    if (value)
        *value = slot->value;
    return true;
}

static void grow_map(ftl_map *map)
{
    ftl_map old = *map;
    map->cap = grow_cap(map->arena, old.cap);
    map->slots = FTL_NEW_ARRAY(map->arena, ftl_map_slot, map->cap);
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].tag != 0)
            *find_key(map, old.slots[i].key) = old.slots[i];
}

void ftl_map_put(ftl_map *map, uint64_t key, uint64_t value)
{
    if (map->cap == 0 || is_full(map->len, map->cap))
        grow_map(map);
    ftl_map_slot *slot = find_key(map, key);
    if (slot->tag == 0)
        map->len++;
    *slot = (ftl_map_slot){.key = key, .value = value, .tag = 1};
}

/* ---- interned names ---- */

void ftl_intern_init(ftl_intern *in, ftl_arena *arena)
{
    *in = (ftl_intern){.arena = arena};
}

static const char *get_text(const ftl_map_slot *slot)
{
    return (const char *)(uintptr_t)slot->value;
}

static ftl_map_slot *find_text(const ftl_intern *in, const char *s, size_t len, uint64_t hash)
{
    size_t i = (size_t)hash & (in->cap - 1);
    for (; in->slots[i].tag != 0; i = (i + 1) & (in->cap - 1)) {
        const ftl_map_slot *slot = &in->slots[i];
        if (slot->key == hash && slot->tag == len + 1 && memcmp(get_text(slot), s, len) == 0)
            break;
    }
    return &in->slots[i];
}

static void grow_intern(ftl_intern *in)
{
    ftl_intern old = *in;
    in->cap = grow_cap(in->arena, old.cap);
    in->slots = FTL_NEW_ARRAY(in->arena, ftl_map_slot, in->cap);
    for (size_t i = 0; i < old.cap; i++) {
        const ftl_map_slot *slot = &old.slots[i];
        if (slot->tag != 0)
            *find_text(in, get_text(slot), slot->tag - 1, slot->key) = *slot;
    }
}

const char *ftl_intern_get(ftl_intern *in, const char *s, size_t len)
{
    if (in->cap == 0 || is_full(in->len, in->cap))
        grow_intern(in);
    uint64_t hash = ftl_hash_bytes(s, len, FTL_KEY(in->arena));
    ftl_map_slot *slot = find_text(in, s, len, hash);
    if (slot->tag == 0) {
        const char *copy = ftl_arena_strndup(in->arena, s, len);
        *slot = (ftl_map_slot){.key = hash, .value = FTL_KEY(copy), .tag = len + 1};
        in->len++;
    }
    return get_text(slot);
}

const char *ftl_intern_cstr(ftl_intern *in, const char *s)
{
    return ftl_intern_get(in, s, strlen(s));
}
