/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a chain depth first, a batch of bindings at a time: each step that binds fills a batch of
 * its own from the entries it finds for the batch before, and hands it on when it is full or
 * nothing is left; what comes out of the last step are tuples of the head.
 *
 * A head may be a table that the chain reads. Its columns may move while tuples are added, so their
 * addresses are taken anew for each batch; its lists change only between rounds.
 */
#include "backend/native/logic/engine.h"

static ftl_status run_from(ftl_logic_runner *r, size_t at, ftl_logic_batch *b);

/* The tail of rows: of a table, or of the delta. */
static ftl_status emit_rows(ftl_logic_runner *r, const ftl_logic_batch *b)
{
    const ftl_logic_chain *c = r->chain;
    const uint32_t *column[2];
    const ftl_logic_operand operands[] = {c->place[0], c->row};
    ftl_logic_filter_bind(r, operands, 2, b, column);
    ftl_logic_row_source from = {.row = column[1], .mark = r->delta.mark,
                                 .words = r->delta.words, .extent = c->row_table->extent[0]};
    if (!from.words)
        from.words = c->row_table->set.words;
    return ftl_logic_rows_add(r->engine, c->head, column[0], &from, b->n);
}

static ftl_status emit(ftl_logic_runner *r, const ftl_logic_batch *b)
{
    const uint32_t *column[FTL_RULES_MAX_ARITY];
    if (r->chain->tail == FTL_LOGIC_TAIL_ROWS || r->delta.words)
        return emit_rows(r, b);
    ftl_logic_filter_bind(r, r->chain->place, r->chain->head->arity, b, column);
    return ftl_logic_table_add(r->engine, r->chain->head, column, b->n);
}

/* ---- entries ---- */

/* How far the entries of a batch were taken. */
typedef struct taker {
    const ftl_logic_span *spans;
    uint32_t n_spans;
    uint32_t at, done; /* span, entries of it */
} taker;

/* Fills from and entry with at most a batch of what is left. */
static uint32_t take_entries(ftl_logic_runner *r, taker *t)
{
    uint32_t n = 0, *from = r->from, *entry = r->entry;
    while (t->at < t->n_spans && n < FTL_LOGIC_BATCH) {
        const ftl_logic_span *s = &t->spans[t->at];
        uint32_t left = s->n - t->done, room = FTL_LOGIC_BATCH - n;
        uint32_t take = left < room ? left : room;
        for (uint32_t i = 0; i < take; i++)
            from[n + i] = t->at;
        for (uint32_t i = 0; i < take && s->entries; i++)
            entry[n + i] = s->entries[t->done + i];
        for (uint32_t i = 0; i < take && !s->entries; i++)
            entry[n + i] = s->first + t->done + i;
        n += take;
        t->done += take;
        if (take == left) {
            t->at++;
            t->done = 0;
        }
    }
    return n;
}

/* Where the values of a column stand by entry; null: the entries are the values. */
static const uint32_t *get_values(const ftl_logic_step *s, uint32_t column)
{
    const ftl_logic_index *x = s->index;
    if (!x || x->kind == FTL_LOGIC_INDEX_ALL)
        return s->table->column[column];
    if (x->kind == FTL_LOGIC_INDEX_RANGES)
        return x->payload[column] ? x->payload[column] : s->table->column[column];
    return x->value == UINT32_MAX ? s->table->column[column] : NULL;
}

static uint32_t keep_tied(ftl_logic_runner *r, const ftl_logic_step *s, uint32_t n)
{
    for (uint32_t k = 0; k < s->n_ties; k++) {
        const ftl_logic_tie *t = &s->ties[k];
        const uint32_t *value = get_values(s, t->column);
        const uint32_t *other = t->other < 0 ? NULL : get_values(s, (uint32_t)t->other);
        uint32_t kept = 0;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t e = r->entry[i], wanted = other ? other[e] : t->place;
            r->from[kept] = r->from[i];
            r->entry[kept] = e;
            kept += value[e] == wanted;
        }
        n = kept;
    }
    return n;
}

/* The batch of n entries: variables of before that are still looked at, and new ones. */
static void fill_batch(ftl_logic_runner *r, const ftl_logic_step *probe, uint64_t live,
                       const ftl_logic_batch *before, ftl_logic_batch *to)
{
    const uint32_t *from = r->from, *entry = r->entry;
    for (uint32_t k = 0; k < probe->n_out; k++) {
        uint32_t v = probe->out_var[k], *out = to->var[v];
        const uint32_t *value = get_values(probe, probe->out_column[k]);
        if (!(live >> v & 1))
            continue;
        live &= ~((uint64_t)1 << v);
        for (uint32_t i = 0; i < to->n && value; i++)
            out[i] = value[entry[i]];
        if (!value)
            memcpy(out, entry, to->n * sizeof *out);
    }
    for (; live; live &= live - 1) {
        uint32_t v = (uint32_t)__builtin_ctzll(live), *out = to->var[v];
        const uint32_t *in = before->var[v];
        for (uint32_t i = 0; i < to->n; i++)
            out[i] = in[from[i]];
    }
}

/* ---- steps that bind ---- */

static void find_spans(ftl_logic_runner *r, const ftl_logic_step *s, const ftl_logic_batch *b,
                       ftl_logic_span *spans)
{
    const uint32_t *key[FTL_RULES_MAX_ARITY];
    if (!s->index) {
        for (uint32_t i = 0; i < b->n; i++)
            spans[i] = (ftl_logic_span){NULL, s->table->old, s->table->known - s->table->old};
        return;
    }
    ftl_logic_filter_bind(r, s->key, s->index->n_keys, b, key);
    ftl_logic_index_find(s->index, key, b->n, s->only_old, spans);
}

/* What runs after the entries of one probe: the checks of the other atoms that meet it (all but
 * number `except`), then the steps from `next` on. */
typedef struct sequel {
    const ftl_logic_step *step; /* PROBE, MEET or RANGE */
    const ftl_logic_step *probe;
    uint32_t except;
    size_t next;
} sequel;

static ftl_status hand_on(ftl_logic_runner *r, const sequel *q, ftl_logic_batch *b)
{
    for (uint32_t i = 0; i < q->step->n_meet && b->n > 0; i++)
        if (i != q->except)
            ftl_logic_filter_batch(r, &q->step->check[i], b);
    return run_from(r, q->next, b);
}

static ftl_status expand(ftl_logic_runner *r, const sequel *q, const ftl_logic_span *spans,
                         const ftl_logic_batch *before)
{
    ftl_logic_batch *to = &r->batch[q->step->depth + 1];
    taker t = {.spans = spans, .n_spans = before->n};
    while (t.at < t.n_spans) {
        to->n = take_entries(r, &t);
        to->n = keep_tied(r, q->probe, to->n);
        if (to->n == 0)
            continue;
        fill_batch(r, q->probe, q->step->live, before, to);
        FTL_TRY(hand_on(r, q, to));
    }
    return FTL_OK;
}

static ftl_status probe(ftl_logic_runner *r, size_t at, const ftl_logic_batch *b)
{
    const ftl_logic_step *s = &r->chain->steps.data[at];
    ftl_logic_span *spans = r->spans[s->depth];
    find_spans(r, s, b, spans);
    return expand(r, &(sequel){.step = s, .probe = s, .next = at + 1}, spans, b);
}

/* ---- lists that rise ---- */

/* Values that are left of a list. */
typedef struct rising {
    const uint32_t *at, *end;
} rising;

/* Moves to the first value that is not below v; whether it is v. Steps double, then halve. */
static bool seek(rising *l, uint32_t v)
{
    size_t left = (size_t)(l->end - l->at), step = 1;
    while (step < left && l->at[step] < v) {
        l->at += step;
        left -= step;
        step *= 2;
    }
    for (; step > 0; step /= 2)
        if (step < left && l->at[step] < v) {
            l->at += step;
            left -= step;
        }
    if (left > 0 && *l->at < v)
        l->at++;
    return l->at < l->end && *l->at == v;
}

static bool is_in_all(rising *lists, uint32_t n, uint32_t except, uint32_t v)
{
    for (uint32_t k = 0; k < n; k++)
        if (k != except && !seek(&lists[k], v))
            return false;
    return true;
}

/* The step of entries that are values of s->var. */
static ftl_status hand_on_values(ftl_logic_runner *r, size_t at, uint32_t n,
                                 const ftl_logic_batch *before)
{
    ftl_logic_index identity = {.kind = FTL_LOGIC_INDEX_DIRECT, .value = 0};
    const ftl_logic_step *s = &r->chain->steps.data[at];
    const ftl_logic_step values = {.index = &identity, .n_out = 1,
                                   .out_column = (uint32_t[]){0},
                                   .out_var = (uint32_t[]){s->var}};
    ftl_logic_batch *to = &r->batch[s->depth + 1];
    to->n = n;
    fill_batch(r, &values, s->live, before, to);
    return run_from(r, at + 1, to);
}

/* The lists of the atoms for binding i; returns which is the shortest. */
static uint32_t open_lists(const ftl_logic_runner *r, const ftl_logic_step *s, uint32_t i,
                           rising *lists)
{
    const ftl_logic_span *spans = r->spans[s->depth] + i;
    uint32_t best = 0;
    for (uint32_t k = 0; k < s->n_meet; k++) {
        const ftl_logic_span *span = &spans[k * FTL_LOGIC_BATCH];
        const ftl_logic_step *probe = &s->meet[k];
        lists[k].at = get_values(probe, probe->out_column[0]) + span->first;
        lists[k].end = lists[k].at + span->n;
        best = span->n < spans[best * FTL_LOGIC_BATCH].n ? k : best;
    }
    return best;
}

static ftl_status merge(ftl_logic_runner *r, size_t at, const ftl_logic_batch *b)
{
    const ftl_logic_step *s = &r->chain->steps.data[at];
    rising *lists = (rising *)(void *)(r->spans[s->depth] + s->n_meet * FTL_LOGIC_BATCH);
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        uint32_t best = open_lists(r, s, i, lists);
        for (; lists[best].at < lists[best].end; lists[best].at++) {
            if (!is_in_all(lists, s->n_meet, best, *lists[best].at))
                continue;
            r->from[n] = i;
            r->entry[n++] = *lists[best].at;
            if (n < FTL_LOGIC_BATCH)
                continue;
            FTL_TRY(hand_on_values(r, at, n, b));
            n = 0;
        }
    }
    return n > 0 ? hand_on_values(r, at, n, b) : FTL_OK;
}

/* ---- rows of bits ---- */

/* Word w of the rows of all atoms for binding i, or 0 where a row is not there. */
static uint64_t get_common(const ftl_logic_step *s, const ftl_logic_batch *b, uint32_t i,
                           size_t w)
{
    uint64_t common = UINT64_MAX;
    for (uint32_t k = 0; k < s->n_meet && common; k++) {
        const ftl_logic_step *probe = &s->meet[k];
        uint32_t x = probe->key[0].var < 0 ? probe->key[0].place : b->var[probe->key[0].var][i];
        bool is_there = x < probe->table->extent[0];
        common &= is_there ? probe->table->set.words[x * probe->table->set.stride + w] : 0;
    }
    return common;
}

static ftl_status meet_rows(ftl_logic_runner *r, size_t at, const ftl_logic_batch *b)
{
    const ftl_logic_step *s = &r->chain->steps.data[at];
    size_t stride = s->meet[0].table->set.stride;
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n; i++)
        for (size_t w = 0; w < stride; w++) {
            if (n + 64 > FTL_LOGIC_BATCH) {
                FTL_TRY(hand_on_values(r, at, n, b));
                n = 0;
            }
            for (uint64_t c = get_common(s, b, i, w); c; c &= c - 1) {
                r->from[n] = i;
                r->entry[n++] = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(c);
            }
        }
    return n > 0 ? hand_on_values(r, at, n, b) : FTL_OK;
}

/* Each binding goes through the atom that has the fewest entries for it; spans of the atoms stand
 * behind each other, and behind them those of one atom for the bindings that are its own. */
static ftl_status meet(ftl_logic_runner *r, size_t at, const ftl_logic_batch *b)
{
    const ftl_logic_step *s = &r->chain->steps.data[at];
    ftl_logic_span *spans = r->spans[s->depth], *mine = spans + s->n_meet * FTL_LOGIC_BATCH;
    if (s->by == FTL_LOGIC_MEET_ROWS)
        return meet_rows(r, at, b);
    for (uint32_t k = 0; k < s->n_meet; k++)
        find_spans(r, &s->meet[k], b, spans + k * FTL_LOGIC_BATCH);
    if (s->by == FTL_LOGIC_MEET_LISTS)
        return merge(r, at, b);
    for (uint32_t k = 0; k < s->n_meet; k++) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < b->n; i++) {
            uint32_t best = 0;
            for (uint32_t j = 1; j < s->n_meet; j++)
                if (spans[j * FTL_LOGIC_BATCH + i].n < spans[best * FTL_LOGIC_BATCH + i].n)
                    best = j;
            mine[i] = best == k ? spans[k * FTL_LOGIC_BATCH + i] : (ftl_logic_span){0};
            n += mine[i].n > 0;
        }
        if (n > 0)
            FTL_TRY(expand(r, &(sequel){s, &s->meet[k], k, at + 1}, mine, b));
    }
    return FTL_OK;
}

/* The first places of a delta in rows stand for it; what is in the variable of its second one
 * nobody looks at. */
static ftl_status run_rows(ftl_logic_runner *r, const ftl_logic_batch *b)
{
    ftl_logic_step rows = r->chain->steps.data[0];
    ftl_logic_index identity = {.kind = FTL_LOGIC_INDEX_DIRECT, .value = 0};
    rows.index = &identity;
    ftl_logic_span *spans = r->spans[0];
    spans[0] = (ftl_logic_span){r->delta.list, 0, r->delta.n};
    return expand(r, &(sequel){.step = &r->chain->steps.data[0], .probe = &rows, .next = 1}, spans,
                  b);
}

static ftl_status count_up(ftl_logic_runner *r, size_t at, const ftl_logic_batch *b)
{
    const ftl_logic_step *s = &r->chain->steps.data[at];
    ftl_logic_step numbers = {.n_out = 1, .out_column = (uint32_t[]){0},
                              .out_var = (uint32_t[]){s->var}};
    ftl_logic_index identity = {.kind = FTL_LOGIC_INDEX_DIRECT, .value = 0};
    numbers.index = &identity;
    ftl_logic_span *spans = r->spans[s->depth];
    for (uint32_t i = 0; i < b->n; i++)
        spans[i] = (ftl_logic_span){NULL, 0, (uint32_t)s->extent};
    return expand(r, &(sequel){.step = s, .probe = &numbers, .next = at + 1}, spans, b);
}

static ftl_status run_from(ftl_logic_runner *r, size_t at, ftl_logic_batch *b)
{
    for (; at < r->chain->steps.len; at++) {
        const ftl_logic_step *s = &r->chain->steps.data[at];
        if (s->kind == FTL_LOGIC_STEP_PROBE)
            return probe(r, at, b);
        if (s->kind == FTL_LOGIC_STEP_MEET)
            return meet(r, at, b);
        if (s->kind == FTL_LOGIC_STEP_RANGE)
            return count_up(r, at, b);
        ftl_logic_filter_batch(r, s, b);
        if (b->n == 0)
            return FTL_OK;
    }
    return emit(r, b);
}

/* ---- buffers ---- */

enum {
    COLUMN = FTL_LOGIC_BATCH * sizeof(uint32_t),
    SPANS = FTL_LOGIC_BATCH * sizeof(ftl_logic_span)
};

static size_t count_spans(const ftl_logic_step *s)
{
    return s->kind == FTL_LOGIC_STEP_MEET ? s->n_meet + 1 : 1;
}

static size_t measure(const ftl_logic_chain *c)
{
    size_t n = (2 + c->head->arity + (size_t)__builtin_popcountll(c->buffers)) * COLUMN +
               FTL_LOGIC_BATCH * (sizeof(uint8_t) + 2 * sizeof(int64_t)), keys = 0;
    for (size_t i = 0; i < c->steps.len; i++) {
        const ftl_logic_step *s = &c->steps.data[i];
        keys = FTL_RULES_MAX_ARITY;
        if (s->kind <= FTL_LOGIC_STEP_RANGE)
            n += (size_t)__builtin_popcountll(s->buffers) * COLUMN + count_spans(s) * SPANS;
    }
    return n + keys * COLUMN + (c->depth + 1) * (sizeof(ftl_logic_batch) + sizeof(void *)) + 64;
}

static void *carve(char **at, size_t size)
{
    void *p = *at;
    *at += size;
    return p;
}

static void carve_vars(char **at, uint64_t vars, ftl_logic_batch *b)
{
    memset(b, 0, sizeof *b);
    for (; vars; vars &= vars - 1)
        b->var[__builtin_ctzll(vars)] = carve(at, COLUMN);
}

static void carve_runner(char *at, ftl_logic_runner *r)
{
    const ftl_logic_chain *c = r->chain;
    r->from = carve(&at, COLUMN);
    r->entry = carve(&at, COLUMN);
    r->sum = carve(&at, 2 * FTL_LOGIC_BATCH * sizeof(int64_t));
    r->keep = carve(&at, FTL_LOGIC_BATCH);
    for (uint32_t k = 0; k < (c->steps.len ? FTL_RULES_MAX_ARITY : c->head->arity); k++)
        r->constant[k] = carve(&at, COLUMN);
    r->batch = carve(&at, (c->depth + 1) * sizeof *r->batch);
    r->spans = carve(&at, (c->depth + 1) * sizeof *r->spans);
    at += (64 - (uintptr_t)at % 64) % 64;
    carve_vars(&at, c->buffers, &r->batch[0]);
    for (size_t i = 0; i < c->steps.len; i++) {
        const ftl_logic_step *s = &c->steps.data[i];
        if (s->kind > FTL_LOGIC_STEP_RANGE)
            continue;
        r->spans[s->depth] = carve(&at, count_spans(s) * SPANS);
        carve_vars(&at, s->buffers, &r->batch[s->depth + 1]);
    }
}

ftl_status ftl_logic_chain_run(ftl_logic_engine *e, const ftl_logic_chain *chain)
{
    if (chain->is_dead)
        return FTL_OK;
    e->rule = chain->rule;
    ftl_logic_runner r = {.engine = e, .chain = chain};
    char *memory = ftl_logic_alloc(&e->memory, measure(chain));
    if (!memory)
        return FTL_ERR_MEMORY;
    carve_runner(memory, &r);
    r.batch[0].n = 1;
    ftl_status status = ftl_logic_rows_make_delta(e, chain, &r.delta);
    if (status == FTL_OK)
        status = r.delta.words ? run_rows(&r, &r.batch[0]) : run_from(&r, 0, &r.batch[0]);
    ftl_logic_rows_free_delta(e, &r.delta);
    ftl_logic_free(&e->memory, memory);
    return status;
}
