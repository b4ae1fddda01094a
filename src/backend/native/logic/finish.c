/* SPDX-License-Identifier: Apache-2.0
 *
 * Results: a relation at rest of a table. Bits are read in order; rows are sorted.
 */
#include "backend/native/logic/engine.h"

/* Room for a result is not the engine's, but counts against the limit while it is made. */
static ftl_status make_room(ftl_logic_engine *e, const ftl_logic_table *t, size_t copies)
{
    ftl_logic_memory *m = &e->memory;
    size_t bytes = (size_t)t->n * t->arity * sizeof(uint32_t) * copies;
    e->table = (uint32_t)(t - e->tables);
    if (m->limit && m->used + bytes > m->limit) {
        m->wanted = bytes;
        return FTL_ERR_MEMORY;
    }
    m->peak = m->peak > m->used + bytes ? m->peak : m->used + bytes;
    return FTL_OK;
}

static void read_row(const uint64_t *words, size_t n, uint32_t *out)
{
    for (size_t i = 0; i < n; i++)
        for (uint64_t w = words[i]; w; w &= w - 1)
            *out++ = (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(w);
}

static uint32_t count_row(const uint64_t *words, size_t n)
{
    uint32_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += (uint32_t)__builtin_popcountll(words[i]);
    return count;
}

void ftl_logic_finish_read(const ftl_logic_table *t, uint32_t *const *column)
{
    const ftl_logic_set *s = &t->set;
    uint32_t at = 0;
    for (size_t x = 0; x * s->stride < s->n_words; x++) {
        uint32_t n = count_row(s->words + x * s->stride, s->stride);
        read_row(s->words + x * s->stride, s->stride, column[t->arity - 1] + at);
        for (uint32_t i = 0; i < n && t->arity == 2; i++)
            column[0][at + i] = (uint32_t)x;
        at += n;
    }
}

static ftl_status finish_bits(ftl_logic_engine *e, ftl_logic_table *t, ftl_relation **out)
{
    for (uint32_t k = 0; k < t->arity; k++) {
        ftl_logic_free(&e->memory, t->own[k]);
        t->own[k] = NULL;
    }
    FTL_TRY(make_room(e, t, 1));
    FTL_TRY(ftl_relation_make(e->memory.alloc, t->arity, t->extent, t->n, out));
    ftl_logic_finish_read(t, (*out)->column);
    return FTL_OK;
}

ftl_status ftl_logic_finish(ftl_logic_engine *e, uint32_t relation, ftl_relation **out)
{
    ftl_logic_table *t = &e->tables[relation];
    int32_t input = e->rules->relations.data[relation].input;
    ftl_logic_index_free_some(e, t, false);
    if (input >= 0 && e->inputs[input]->n == t->n) {
        *out = ftl_relation_retain(e->inputs[input]);
        return FTL_OK;
    }
    if (t->set.kind == FTL_LOGIC_SET_BITS)
        return finish_bits(e, t, out);
    ftl_logic_set_free(e, t);
    if (t->is_sorted) {
        FTL_TRY(make_room(e, t, 1));
        FTL_TRY(ftl_relation_make(e->memory.alloc, t->arity, t->extent, t->n, out));
        for (uint32_t k = 0; k < t->arity && t->n > 0; k++)
            memcpy((*out)->column[k], t->column[k], t->n * sizeof(uint32_t));
        return FTL_OK;
    }
    FTL_TRY(make_room(e, t, 2));
    return ftl_relation_new(e->memory.alloc, &(ftl_relation_spec){t->arity, t->n, t->extent,
                            t->column}, out);
}
