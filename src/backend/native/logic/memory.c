/* SPDX-License-Identifier: Apache-2.0
 *
 * Every block has its neighbours and its size in front of it, so that one walk frees what an error
 * left behind.
 */
#include "backend/native/logic/engine.h"

struct ftl_logic_block {
    ftl_logic_block *next, *before;
    size_t size; /* with this */
};

enum { HEAD = 64 };

_Static_assert(sizeof(ftl_logic_block) <= HEAD, "what follows is aligned");

void *ftl_logic_alloc(ftl_logic_memory *m, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size += HEAD;
    if (m->limit && size > m->limit - (m->used < m->limit ? m->used : m->limit)) {
        m->wanted = size;
        return NULL;
    }
    ftl_logic_block *b = ftl_mem_alloc(m->alloc, size);
    if (!b)
        return NULL;
    *b = (ftl_logic_block){.next = m->blocks, .size = size};
    if (m->blocks)
        m->blocks->before = b;
    m->blocks = b;
    m->used += size;
    m->peak = m->peak > m->used ? m->peak : m->used;
    return (char *)b + HEAD;
}

void *ftl_logic_alloc_zeroed(ftl_logic_memory *m, size_t size)
{
    void *p = ftl_logic_alloc(m, size);
    if (p)
        memset(p, 0, size);
    return p;
}

void *ftl_logic_alloc_array(ftl_logic_memory *m, size_t n, size_t size)
{
    size_t bytes;
    return ftl_mul_size(n, size, &bytes) ? ftl_logic_alloc(m, bytes) : NULL;
}

void ftl_logic_free(ftl_logic_memory *m, void *p)
{
    if (!p)
        return;
    ftl_logic_block *b = (ftl_logic_block *)(void *)((char *)p - HEAD);
    if (b->next)
        b->next->before = b->before;
    if (b->before)
        b->before->next = b->next;
    else
        m->blocks = b->next;
    m->used -= b->size;
    ftl_mem_free(m->alloc, b, b->size);
}

void ftl_logic_free_all(ftl_logic_memory *m)
{
    while (m->blocks)
        ftl_logic_free(m, (char *)m->blocks + HEAD);
}
