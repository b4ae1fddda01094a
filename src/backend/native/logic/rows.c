/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a chain in rows of bits. Where a chain would bind z by B(y, z) only to make H(x, z),
 * the row of y in B joins that of x in H, a word at a time; and where the delta D(y, z) binds a z
 * that only the head looks at, its tuples are gathered into rows first, the chain runs over the
 * y alone, and the row of y in D joins that of x in H. Either costs a row of words for what would
 * cost a tuple each: it is chosen where rows are dense enough. Rows of B may be newer than the
 * chain asks for, which is true as well and found sooner.
 */
#include "backend/native/logic/engine.h"

enum { WORDS_PER_TUPLE = 16 /* words joined in the time in which a chain makes a tuple */ };

/* ---- which chains ---- */

static bool has_bits_like(const ftl_logic_table *head, const ftl_logic_table *t)
{
    return head->arity == 2 && t->arity == 2 && head->set.kind == FTL_LOGIC_SET_BITS &&
           head->extent[1] == t->extent[1];
}

/* Rows with so many tuples on average are worth their words. */
static bool is_dense(const ftl_logic_table *head, double tuples, double rows)
{
    return tuples * WORDS_PER_TUPLE >= rows * (double)head->set.stride;
}

bool ftl_logic_rows_is_tail(ftl_logic_engine *e, const ftl_logic_chain *c)
{
    const ftl_logic_step *s = c->steps.len ? &c->steps.data[c->steps.len - 1] : NULL;
    if (!s || s->kind != FTL_LOGIC_STEP_PROBE || !s->index || s->index->n_keys != 1 ||
        s->index->key[0] != 0 || s->n_out != 1 || s->n_ties > 0 ||
        !has_bits_like(c->head, s->table))
        return false;
    if (c->place[1].var != (int32_t)s->out_var[0] || c->place[0].var == c->place[1].var)
        return false;
    return is_dense(c->head, s->table->known,
                    ftl_logic_table_count_distinct(e, s->table, 0)) &&
           (s->table->set.kind == FTL_LOGIC_SET_BITS ||
            ftl_logic_set_can_be_bits(e, s->table, s->table->known));
}

ftl_status ftl_logic_rows_set_tail(ftl_logic_engine *e, ftl_logic_chain *c)
{
    const ftl_logic_step *s = &c->steps.data[--c->steps.len];
    c->tail = FTL_LOGIC_TAIL_ROWS;
    c->row_table = s->table;
    c->row = s->key[0];
    s->index->uses--;
    return s->table->set.kind == FTL_LOGIC_SET_BITS ? FTL_OK : ftl_logic_set_make_bits(e, s->table);
}

/* ---- the delta in rows ---- */

/* Whether its tuples are dense enough; *n: its different first places, which are marked. */
static bool count_rows(const ftl_logic_table *t, const ftl_logic_table *head, uint32_t *mark,
                       uint32_t *n)
{
    *n = 0;
    for (uint32_t i = t->old; i < t->known; i++)
        if (mark[t->column[0][i]] == 0)
            mark[t->column[0][i]] = ++*n;
    return is_dense(head, t->known - t->old, *n);
}

static void fill_rows(const ftl_logic_table *t, ftl_logic_delta *d)
{
    for (uint32_t i = t->old; i < t->known; i++) {
        uint32_t row = d->mark[t->column[0][i]] - 1, z = t->column[1][i];
        d->list[row] = t->column[0][i];
        d->words[row * d->stride + z / 64] |= (uint64_t)1 << z % 64;
    }
}

void ftl_logic_rows_free_delta(ftl_logic_engine *e, ftl_logic_delta *d)
{
    ftl_logic_free(&e->memory, d->mark);
    ftl_logic_free(&e->memory, d->list);
    ftl_logic_free(&e->memory, d->words);
    *d = (ftl_logic_delta){0};
}

ftl_status ftl_logic_rows_make_delta(ftl_logic_engine *e, const ftl_logic_chain *c,
                                     ftl_logic_delta *d)
{
    const ftl_logic_table *t = c->row_table;
    *d = (ftl_logic_delta){.stride = c->head->set.stride};
    if (c->tail != FTL_LOGIC_TAIL_DELTA || c->head->set.kind != FTL_LOGIC_SET_BITS ||
        !is_dense(c->head, t->known - t->old, 1))
        return FTL_OK;
    e->table = (uint32_t)(t - e->tables);
    d->mark = ftl_logic_alloc_zeroed(&e->memory, (size_t)t->extent[0] * sizeof *d->mark);
    if (!d->mark)
        return FTL_ERR_MEMORY;
    if (count_rows(t, c->head, d->mark, &d->n)) {
        d->list = ftl_logic_alloc_array(&e->memory, d->n, sizeof *d->list);
        d->words = ftl_logic_alloc_zeroed(&e->memory, d->n * d->stride * 8);
        if (!d->list || !d->words) {
            ftl_logic_rows_free_delta(e, d);
            return FTL_ERR_MEMORY;
        }
        fill_rows(t, d);
        return FTL_OK;
    }
    ftl_logic_rows_free_delta(e, d);
    return FTL_OK;
}

/* ---- joining ---- */

static bool has_new(const uint64_t *restrict to, const uint64_t *restrict from, size_t n)
{
    typedef uint64_t vector __attribute__((vector_size(16), aligned(8), may_alias));
    size_t i = 0;
    vector any = {0};
    uint64_t rest = 0;
    for (; i + 4 <= n; i += 4) {
        const vector *a = (const vector *)(const void *)(to + i);
        const vector *b = (const vector *)(const void *)(from + i);
        any |= (b[0] & ~a[0]) | (b[1] & ~a[1]);
    }
    for (; i < n; i++)
        rest |= from[i] & ~to[i];
    return (any[0] | any[1] | rest) != 0;
}

/* There is room for a row of tuples. */
static void join(ftl_logic_table *t, uint32_t x, const uint64_t *from)
{
    uint64_t *to = t->set.words + x * t->set.stride;
    uint32_t at = t->n;
    if (!has_new(to, from, t->set.stride))
        return;
    for (size_t i = 0; i < t->set.stride; i++) {
        uint64_t new = from[i] & ~to[i];
        to[i] |= new;
        for (; new; new &= new - 1) {
            t->own[0][at] = x;
            t->own[1][at++] = (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(new);
        }
    }
    t->set.count += at - t->n;
    t->n = at;
}

ftl_status ftl_logic_rows_add(ftl_logic_engine *e, ftl_logic_table *head, const uint32_t *x,
                              const ftl_logic_row_source *from, uint32_t n)
{
    uint32_t before = head->n;
    e->table = (uint32_t)(head - e->tables);
    head->form = FTL_LOGIC_ROWS;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t y = from->row[i];
        if (y >= from->extent)
            continue;
        y = from->mark ? from->mark[y] - 1 : y;
        FTL_TRY(ftl_logic_table_reserve(e, head, (size_t)head->extent[1]));
        join(head, x[i], from->words + y * head->set.stride);
    }
    e->derived += head->n - before;
    return FTL_OK;
}
