/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors with equal sets of labels are joined first, in a tree as flat as can be. Whichever order
 * joins one of them later pays at least for all of its labels there, and no less elsewhere. The
 * result drops the labels that nobody else has and may equal another's then, so this is done until
 * all sets differ; each round but the first begins with a set that lost a label.
 */
#include "plan/order.h"

#include <stdlib.h>

typedef struct entry {
    const uint64_t *set;
    uint32_t words, at;
} entry;

typedef struct merger {
    ftl_network net;    /* own copy of the sets; those of the tensors left come first */
    uint32_t *number;   /* in the network that was given */
    uint32_t *holders;  /* by label, the result included */
    uint32_t first, *made;
    ftl_order *order;
} merger;

static uint64_t *get_set(const merger *m, uint32_t i)
{
    return m->net.sets + (size_t)i * m->net.words;
}

/* By set, then by place. */
static int compare_entries(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int by_set = memcmp(x->set, y->set, x->words * sizeof(*x->set));
    if (by_set != 0)
        return by_set;
    return x->at < y->at ? -1 : x->at > y->at;
}

static void add_holders(const merger *m, const uint64_t *set, uint32_t by)
{
    for (uint32_t w = 0; w < m->net.words; w++)
        for (uint64_t left = set[w]; left; left &= left - 1)
            m->holders[w * 64 + (uint32_t)__builtin_ctzll(left)] += by;
}

/* Drops the labels that no other tensor has; true when there are some. */
static bool drop_labels(const merger *m, uint64_t *set)
{
    bool drops = false;
    for (uint32_t w = 0; w < m->net.words; w++)
        for (uint64_t left = set[w]; left; left &= left - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(left);
            if (m->holders[w * 64 + bit] > 1)
                continue;
            set[w] &= ~((uint64_t)1 << bit);
            drops = true;
        }
    return drops;
}

/* Joins neighbours until one is left: its number. Only the last pair sums. */
static uint32_t join_numbers(const merger *m, uint32_t n, uint32_t *numbers)
{
    while (n > 1) {
        uint32_t half = 0;
        for (uint32_t k = 0; k + 1 < n; k += 2) {
            uint32_t a = numbers[k], b = numbers[k + 1];
            m->order->pairs[*m->made] = (ftl_pair){a < b ? a : b, a < b ? b : a};
            numbers[half++] = m->first + (*m->made)++;
        }
        if (n % 2)
            numbers[half++] = numbers[n - 1];
        n = half;
    }
    return numbers[0];
}

/* The n tensors with the set of the first entry become one, in its place. */
static void join_group(const merger *m, const entry *group, uint32_t n, uint32_t *numbers)
{
    uint64_t *set = get_set(m, group[0].at);
    double size = ftl_order_get_size(&m->net, set);
    for (uint32_t k = 0; k < n; k++)
        numbers[k] = m->number[group[k].at];
    m->number[group[0].at] = join_numbers(m, n, numbers);
    bool whole = *m->made == m->first - 1;
    if (size > m->order->peak && (n > 2 || !whole))
        m->order->peak = size;
    add_holders(m, set, 1 - n);
    bool sums = drop_labels(m, set);
    m->order->cost += size * (double)(n - 1) + (sums ? size : 0);
    for (uint32_t k = 1; k < n; k++)
        m->number[group[k].at] = UINT32_MAX;
}

/* Closes the gaps. */
static void compact(merger *m)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->net.n; i++) {
        if (m->number[i] == UINT32_MAX)
            continue;
        memmove(get_set(m, kept), get_set(m, i), m->net.words * sizeof(uint64_t));
        m->number[kept++] = m->number[i];
    }
    m->net.n = kept;
}

/* One round; false when all sets differ. */
static bool merge_round(merger *m, entry *entries, uint32_t *numbers)
{
    uint32_t n = m->net.n;
    for (uint32_t i = 0; i < n; i++)
        entries[i] = (entry){get_set(m, i), m->net.words, i};
    qsort(entries, n, sizeof(*entries), compare_entries);
    for (uint32_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n; end++)
            if (memcmp(entries[end].set, entries[i].set, m->net.words * sizeof(uint64_t)) != 0)
                break;
        if (end - i > 1)
            join_group(m, entries + i, end - i, numbers);
    }
    compact(m);
    return m->net.n < n;
}

ftl_network ftl_network_merge_equal(ftl_arena *arena, const ftl_network *net, uint32_t *number,
                                    uint32_t *made, ftl_order *order)
{
    merger m = {.number = number, .first = net->n, .made = made, .order = order};
    m.net = ftl_network_make(arena, net->n, net->n_labels, net->size);
    memcpy(m.net.sets, net->sets, (size_t)net->n * net->words * sizeof(*net->sets));
    memcpy(m.net.out, net->out, net->words * sizeof(*net->out));
    m.holders = FTL_NEW_ARRAY(arena, uint32_t, (size_t)net->words * 64);
    add_holders(&m, net->out, 1);
    for (uint32_t i = 0; i < net->n; i++)
        add_holders(&m, get_set(&m, i), 1);
    entry *entries = FTL_NEW_ARRAY(arena, entry, net->n);
    uint32_t *numbers = FTL_NEW_ARRAY(arena, uint32_t, net->n);
    while (m.net.n > 1 && merge_round(&m, entries, numbers))
        ;
    return m.net;
}
