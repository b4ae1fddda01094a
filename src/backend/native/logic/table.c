/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables: columns that double, with a set of what is in them once they grow.
 */
#include "backend/native/logic/engine.h"

#include <inttypes.h>
#include <stdio.h>

enum { LEAST_ROOM = 256 };

/* A tuple as a number: sum of place * unit; false: it needs more than 64 bits. */
static bool find_units(ftl_logic_table *t)
{
    size_t product = 1;
    for (uint32_t k = t->arity; k-- > 0;) {
        t->unit[k] = product;
        if (!ftl_mul_size(product, t->extent[k] > 0 ? (size_t)t->extent[k] : 1, &product))
            return false;
    }
    return product < UINT64_MAX - 1;
}

static ftl_status complain_of_input(ftl_logic_engine *e, const ftl_logic_table *t)
{
    snprintf(e->message, sizeof e->message, "the input of relation %s has other columns", t->name);
    return FTL_ERR_USAGE;
}

static ftl_status take_input(ftl_logic_engine *e, ftl_logic_table *t, const ftl_relation *in)
{
    if (!in || in->arity != t->arity)
        return complain_of_input(e, t);
    for (uint32_t k = 0; k < t->arity; k++) {
        if (in->extent[k] > t->extent[k])
            return complain_of_input(e, t);
        t->column[k] = in->column[k];
    }
    if (in->n > FTL_LOGIC_MOST_ROWS) {
        snprintf(e->message, sizeof e->message, "relation %s: %" PRId64 " tuples are too many",
                 t->name, in->n);
        return FTL_ERR_MEMORY;
    }
    t->n = t->old = t->known = (uint32_t)in->n;
    return FTL_OK;
}

ftl_status ftl_logic_table_open(ftl_logic_engine *e, uint32_t relation)
{
    const ftl_rules_relation *r = &e->rules->relations.data[relation];
    ftl_logic_table *t = &e->tables[relation];
    t->name = r->name ? r->name : "?";
    t->arity = r->arity;
    for (uint32_t k = 0; k < r->arity; k++)
        t->extent[k] = r->extent[k];
    t->is_packed = find_units(t);
    t->is_final = t->is_sorted = t->has_columns = true;
    return r->input >= 0 ? take_input(e, t, e->inputs[r->input]) : FTL_OK;
}

ftl_status ftl_logic_table_reserve(ftl_logic_engine *e, ftl_logic_table *t, size_t n)
{
    if (t->n + n <= t->room)
        return FTL_OK;
    e->table = (uint32_t)(t - e->tables);
    if (n > FTL_LOGIC_MOST_ROWS - (size_t)t->n)
        return FTL_ERR_MEMORY;
    size_t room = t->room < LEAST_ROOM ? LEAST_ROOM : t->room;
    while (room < t->n + n)
        room *= 2;
    room = room < FTL_LOGIC_MOST_ROWS ? room : FTL_LOGIC_MOST_ROWS;
    for (uint32_t k = 0; k < t->arity; k++) {
        uint32_t *wide = ftl_logic_alloc_array(&e->memory, room, sizeof *wide);
        if (!wide)
            return FTL_ERR_MEMORY;
        if (t->n > 0)
            memcpy(wide, t->column[k], t->n * sizeof *wide);
        ftl_logic_free(&e->memory, t->own[k]);
        t->column[k] = t->own[k] = wide;
    }
    t->room = (uint32_t)room;
    return FTL_OK;
}

ftl_status ftl_logic_table_grow(ftl_logic_engine *e, ftl_logic_table *t)
{
    t->is_final = t->is_sorted = false;
    t->form = FTL_LOGIC_COLUMNS;
    t->old = t->known = 0;
    FTL_TRY(ftl_logic_table_reserve(e, t, FTL_LOGIC_BATCH));
    return t->is_distinct ? FTL_OK : ftl_logic_set_reserve(e, t, t->n);
}

static void append(ftl_logic_table *t, const uint32_t *const *column, uint32_t n)
{
    for (uint32_t k = 0; k < t->arity; k++)
        memcpy(t->own[k] + t->n, column[k], n * sizeof(uint32_t));
}

ftl_status ftl_logic_table_add(ftl_logic_engine *e, ftl_logic_table *t,
                               const uint32_t *const *column, uint32_t n)
{
    e->derived += n;
    if (t->arity == 0) {
        t->n = t->n || n ? 1 : 0;
        return FTL_OK;
    }
    e->table = (uint32_t)(t - e->tables);
    FTL_TRY(ftl_logic_table_reserve(e, t, n));
    if (t->is_distinct) {
        append(t, column, n);
        t->n += n;
        return FTL_OK;
    }
    FTL_TRY(ftl_logic_set_reserve(e, t, n));
    t->n += ftl_logic_set_add(t, column, n);
    return FTL_OK;
}

void ftl_logic_table_close(ftl_logic_engine *e, ftl_logic_table *t)
{
    ftl_logic_index_free_some(e, t, false);
    ftl_logic_set_free(e, t);
    for (uint32_t k = 0; k < t->arity; k++) {
        ftl_logic_free(&e->memory, t->own[k]);
        t->column[k] = t->own[k] = NULL;
    }
    t->room = 0;
}

/* ---- tables whose bits hold all ---- */

void ftl_logic_table_drop_columns(ftl_logic_engine *e, ftl_logic_table *t)
{
    for (uint32_t k = 0; k < t->arity; k++) {
        ftl_logic_free(&e->memory, t->own[k]);
        t->column[k] = t->own[k] = NULL;
    }
    t->room = 0;
    t->has_columns = false;
}

ftl_status ftl_logic_table_need_columns(ftl_logic_engine *e, ftl_logic_table *t)
{
    if (t->has_columns)
        return FTL_OK;
    e->table = (uint32_t)(t - e->tables);
    for (uint32_t k = 0; k < t->arity; k++) {
        t->own[k] = ftl_logic_alloc_array(&e->memory, t->n, sizeof(uint32_t));
        if (!t->own[k])
            return FTL_ERR_MEMORY;
        t->column[k] = t->own[k];
    }
    t->room = t->n;
    ftl_logic_finish_read(t, t->own);
    t->has_columns = t->is_sorted = true;
    e->conversions++;
    return FTL_OK;
}

/* ---- different places ---- */

static double count_sorted(const uint32_t *column, uint32_t n)
{
    uint32_t changes = 1;
    for (uint32_t i = 1; i < n; i++)
        changes += column[i] != column[i - 1];
    return changes;
}

static double count_marks(ftl_logic_engine *e, const ftl_logic_table *t, uint32_t column)
{
    size_t words = ((size_t)t->extent[column] + 63) / 64, n = 0;
    uint64_t *seen = words <= t->n ? ftl_logic_alloc_zeroed(&e->memory, words * 8) : NULL;
    if (!seen)
        return t->n;
    for (uint32_t i = 0; i < t->n; i++)
        seen[t->column[column][i] / 64] |= (uint64_t)1 << t->column[column][i] % 64;
    for (size_t i = 0; i < words; i++)
        n += (size_t)__builtin_popcountll(seen[i]);
    ftl_logic_free(&e->memory, seen);
    return (double)n;
}

/* Of a table that grows: as if the tuples filled a corner of the extents evenly. */
static double guess(const ftl_logic_table *t, uint32_t column)
{
    double n = t->known, extent = (double)t->extent[column], side = 1;
    while (side * side < n)
        side *= 2;
    return side < extent ? side : extent;
}

double ftl_logic_table_count_distinct(ftl_logic_engine *e, ftl_logic_table *t, uint32_t column)
{
    if (t->n == 0 || t->extent[column] <= 1)
        return 1;
    if (!t->is_final || !t->has_columns)
        return guess(t, column) > 1 ? guess(t, column) : 1;
    if (t->distinct[column] == 0)
        t->distinct[column] = t->is_sorted && column == 0 ? count_sorted(t->column[0], t->n)
                                                          : count_marks(e, t, column);
    return t->distinct[column];
}

/* ---- measures ---- */

static size_t measure_index(const ftl_logic_index *x)
{
    size_t n = x->n_lists * sizeof *x->lists + (x->keys ? x->n_lists * sizeof *x->keys : 0);
    n += x->start ? (x->domain + 1) * sizeof *x->start : 0;
    for (uint32_t c = 0; c < x->table->arity; c++)
        n += x->payload[c] ? x->table->n * sizeof(uint32_t) : 0;
    return n + x->piece_bytes;
}

void ftl_logic_table_measure(ftl_logic_table *t)
{
    size_t n = t->set.n_words * 8;
    for (uint32_t k = 0; k < t->arity; k++)
        n += (t->own[k] ? t->room : t->n) * sizeof(uint32_t);
    for (const ftl_logic_index *x = t->indexes; x; x = x->next)
        n += measure_index(x);
    t->peak = t->peak > n ? t->peak : n;
}
