/* SPDX-License-Identifier: Apache-2.0 */
#include "data/tensor.h"

ftl_status ftl_tuples_new(const ftl_allocator *alloc, uint32_t arity, bool has_values,
                          ftl_tuples **out)
{
    if (arity > FTL_MAX_RANK)
        return FTL_ERR_USAGE;
    ftl_tuples *t = ftl_mem_alloc(alloc, sizeof(*t));
    if (!t)
        return FTL_ERR_MEMORY;
    *t = (ftl_tuples){.alloc = alloc, .arity = arity};
    for (uint32_t k = 0; k < arity; k++)
        t->columns[k] = ftl_mem_alloc(alloc, 0);
    t->values = has_values ? ftl_mem_alloc(alloc, 0) : NULL;
    bool complete = t->values || !has_values;
    for (uint32_t k = 0; k < arity; k++)
        complete = complete && t->columns[k];
    if (!complete) {
        ftl_tuples_free(t);
        return FTL_ERR_MEMORY;
    }
    *out = t;
    return FTL_OK;
}

/* Column k, or the values when k is the arity. */
static void *get_column(ftl_tuples *t, uint32_t k)
{
    return k < t->arity ? (void *)t->columns[k] : (void *)t->values;
}

static void put_column(ftl_tuples *t, uint32_t k, void *p)
{
    if (k < t->arity)
        t->columns[k] = p;
    else
        t->values = p;
}

ftl_status ftl_tuples_reserve(ftl_tuples *t, int64_t cap)
{
    if (cap <= t->cap)
        return FTL_OK;
    if (t->cap <= INT64_MAX / 2 && cap < t->cap * 2)
        cap = t->cap * 2;
    size_t size = 0, old = (size_t)t->cap * sizeof(int64_t), n = 0;
    if (!ftl_mul_size((size_t)cap, sizeof(int64_t), &size))
        return FTL_ERR_MEMORY;
    void *fresh[FTL_MAX_RANK + 1];
    uint32_t columns = t->arity + (t->values ? 1 : 0);
    while (n < columns && (fresh[n] = ftl_mem_alloc(t->alloc, size)))
        n++;
    for (uint32_t k = 0; k < n; k++) {
        if (n < columns) {
            ftl_mem_free(t->alloc, fresh[k], size);
            continue;
        }
        memcpy(fresh[k], get_column(t, k), (size_t)t->count * sizeof(int64_t));
        ftl_mem_free(t->alloc, get_column(t, k), old);
        put_column(t, k, fresh[k]);
    }
    if (n < columns)
        return FTL_ERR_MEMORY;
    t->cap = cap;
    return FTL_OK;
}

void ftl_tuples_free(ftl_tuples *t)
{
    if (!t)
        return;
    for (uint32_t k = 0; k < t->arity; k++) {
        ftl_mem_free(t->alloc, t->columns[k], (size_t)t->cap * sizeof(int64_t));
        ftl_symbols_free(t->symbols[k]);
    }
    ftl_mem_free(t->alloc, t->values, (size_t)t->cap * sizeof(double));
    ftl_mem_free(t->alloc, t, sizeof(*t));
}
