/* SPDX-License-Identifier: Apache-2.0
 *
 * Dynamic programming over subsets of at most 16 tensors. Labels that occur in the same tensors act
 * as one. The result of a subset keeps the labels that the rest, or the result of all, has:
 *
 *   cost(S) = min over T in S of cost(T) + cost(S - T) + pair(T, S - T)
 *
 * where T holds the lowest tensor of S. Subsets that cost the limit or more are never built on;
 * this keeps sparse networks cheap [Pfeifer, Haegeman, Verstraete, "Faster identification of
 * optimal contraction sequences for tensor networks", Phys. Rev. E 90, 2014].
 */
#include "plan/order.h"

#include <math.h>

typedef struct table {
    uint32_t n, words, classes;
    uint64_t *any;     /* (2^n, words) classes of a subset's tensors */
    uint64_t *kept;    /* (2^n, words) classes of its result */
    uint64_t *out;     /* (words) */
    double *size;      /* (classes) */
    uint32_t *axes;    /* (classes) labels in each */
    double *sizes;     /* (2^n) of results */
    double *costs;     /* (2^n) inf: not reached */
    double *peaks;
    uint32_t *splits;  /* (2^n) the half with the lowest tensor */
    uint32_t neighbours[FTL_ORDER_DP_MOST]; /* tensors that share a label, as bits */
    bool outer;
} table;

/* ---- classes of labels ---- */

/* The tensors that have a label, as bits, and bit n for the result. */
static uint32_t get_occurrence(const ftl_network *net, uint32_t label)
{
    uint32_t mask = (uint32_t)(net->out[label / 64] >> label % 64 & 1) << net->n;
    for (uint32_t i = 0; i < net->n; i++)
        mask |= (uint32_t)(net->sets[(size_t)i * net->words + label / 64] >> label % 64 & 1) << i;
    return mask;
}

/* True when no tensor has a label of the word. */
static bool is_word_empty(const ftl_network *net, uint32_t word)
{
    uint64_t any = net->out[word];
    for (uint32_t i = 0; i < net->n; i++)
        any |= net->sets[(size_t)i * net->words + word];
    return any == 0;
}

/* masks[class]: where its labels occur. Labels that occur nowhere have no class. */
static uint32_t *make_classes(ftl_arena *arena, const ftl_network *net, table *t)
{
    uint32_t *masks = FTL_NEW_ARRAY(arena, uint32_t, net->n_labels);
    t->size = FTL_NEW_ARRAY(arena, double, net->n_labels);
    t->axes = FTL_NEW_ARRAY(arena, uint32_t, net->n_labels);
    for (uint32_t label = 0; label < net->n_labels; label++) {
        if (label % 64 == 0 && is_word_empty(net, label / 64)) {
            label += 63;
            continue;
        }
        uint32_t mask = get_occurrence(net, label), c = 0;
        if (mask == 0)
            continue;
        while (c < t->classes && masks[c] != mask)
            c++;
        if (c == t->classes) {
            masks[t->classes++] = mask;
            t->size[c] = 1;
        }
        t->size[c] *= net->size[label];
        t->axes[c]++;
    }
    t->words = t->classes / 64 + 1;
    for (uint32_t c = 0; c < t->classes; c++)
        for (uint32_t i = 0; i < t->n; i++)
            t->neighbours[i] |= masks[c] >> i & 1 ? masks[c] & ((1u << t->n) - 1) : 0;
    return masks;
}

/* ---- the table ---- */

static double get_size(const table *t, const uint64_t *set)
{
    double size = 1;
    for (uint32_t w = 0; w < t->words; w++)
        for (uint64_t left = set[w]; left; left &= left - 1)
            size *= t->size[w * 64 + (uint32_t)__builtin_ctzll(left)];
    return size;
}

static uint32_t count_axes(const table *t, const uint64_t *set)
{
    uint32_t n = 0;
    for (uint32_t w = 0; w < t->words; w++)
        for (uint64_t left = set[w]; left; left &= left - 1)
            n += t->axes[w * 64 + (uint32_t)__builtin_ctzll(left)];
    return n;
}

static void fill_sets(ftl_arena *arena, table *t, const uint32_t *masks)
{
    uint32_t full = (1u << t->n) - 1;
    t->any = FTL_NEW_ARRAY(arena, uint64_t, ((size_t)full + 1) * t->words);
    t->kept = FTL_NEW_ARRAY(arena, uint64_t, ((size_t)full + 1) * t->words);
    t->out = FTL_NEW_ARRAY(arena, uint64_t, t->words);
    for (uint32_t c = 0; c < t->classes; c++) {
        uint64_t bit = (uint64_t)1 << c % 64;
        if (masks[c] >> t->n & 1)
            t->out[c / 64] |= bit;
        for (uint32_t i = 0; i < t->n; i++)
            if (masks[c] >> i & 1)
                t->any[((size_t)1 << i) * t->words + c / 64] |= bit;
    }
    for (uint32_t s = 1; s <= full; s++)
        for (uint32_t w = 0; w < t->words && (s & (s - 1)); w++)
            t->any[(size_t)s * t->words + w] = t->any[(size_t)(s & (s - 1)) * t->words + w] |
                                               t->any[(size_t)(s & (0 - s)) * t->words + w];
    for (uint32_t s = 1; s <= full; s++)
        for (uint32_t w = 0; w < t->words; w++)
            t->kept[(size_t)s * t->words + w] =
                t->any[(size_t)s * t->words + w] &
                (t->any[(size_t)(full ^ s) * t->words + w] | t->out[w]);
}

/* True when the tensors of s hang together. */
static bool is_connected(const table *t, uint32_t s)
{
    uint32_t reached = s & (0 - s), done = 0;
    while (reached != done) {
        uint32_t i = (uint32_t)__builtin_ctz(reached & ~done);
        done |= 1u << i;
        reached |= t->neighbours[i] & s;
    }
    return reached == s;
}

/* True when the two results share a class. */
static bool is_joined(const table *t, uint32_t a, uint32_t b)
{
    for (uint32_t w = 0; w < t->words; w++)
        if (t->kept[(size_t)a * t->words + w] & t->kept[(size_t)b * t->words + w])
            return true;
    return false;
}

/* Places of all labels of the two results, twice when some are summed. */
static double get_pair_cost(const table *t, uint32_t a, uint32_t b)
{
    double size = 1;
    bool sums = false;
    for (uint32_t w = 0; w < t->words; w++) {
        uint64_t both = t->kept[(size_t)a * t->words + w] | t->kept[(size_t)b * t->words + w];
        sums = sums || both != t->kept[(size_t)(a | b) * t->words + w];
        for (; both; both &= both - 1)
            size *= t->size[w * 64 + (uint32_t)__builtin_ctzll(both)];
    }
    return sums ? 2 * size : size;
}

/* The best split of s, if any costs less than limit. */
static void fill_subset(table *t, uint32_t s, double limit)
{
    uint32_t low = s & (0 - s), rest = s ^ low;
    double best = limit;
    for (uint32_t sub = (rest - 1) & rest;; sub = (sub - 1) & rest) {
        uint32_t a = low | sub, b = rest ^ sub;
        double sum = t->costs[a] + t->costs[b];
        if (sum < best && (t->outer || is_joined(t, a, b))) {
            double cost = sum + get_pair_cost(t, a, b);
            double peak = fmax(fmax(t->peaks[a], t->peaks[b]), t->sizes[s]);
            if (cost < best || (cost == best && t->costs[s] < INFINITY && peak < t->peaks[s])) {
                best = t->costs[s] = cost;
                t->peaks[s] = peak;
                t->splits[s] = a;
            }
        }
        if (sub == 0)
            break;
    }
}

static void fill_table(ftl_arena *arena, table *t, double limit)
{
    uint32_t full = (1u << t->n) - 1;
    t->sizes = FTL_NEW_ARRAY(arena, double, (size_t)full + 1);
    t->costs = FTL_NEW_ARRAY(arena, double, (size_t)full + 1);
    t->peaks = FTL_NEW_ARRAY(arena, double, (size_t)full + 1);
    t->splits = FTL_NEW_ARRAY(arena, uint32_t, (size_t)full + 1);
    for (uint32_t s = 1; s <= full; s++) {
        const uint64_t *kept = &t->kept[(size_t)s * t->words];
        bool single = (s & (s - 1)) == 0;
        t->costs[s] = single ? 0 : (double)INFINITY;
        if (single || (count_axes(t, kept) > FTL_MAX_RANK && s != full) ||
            (!t->outer && !is_connected(t, s)))
            continue;
        t->sizes[s] = s == full ? 0 : get_size(t, kept);
        fill_subset(t, s, limit);
    }
}

/* ---- the order ---- */

/* Subsets in rising order come after their parts, so that the parts are numbered first. */
static void take_order(ftl_arena *arena, const table *t, ftl_order *out)
{
    uint32_t full = (1u << t->n) - 1, next = t->n;
    uint32_t *number = FTL_NEW_ARRAY(arena, uint32_t, (size_t)full + 1);
    uint8_t *used = FTL_NEW_ARRAY(arena, uint8_t, (size_t)full + 1);
    used[full] = 1;
    for (uint32_t s = full; s > 0; s--)
        if (used[s] && (s & (s - 1)))
            used[t->splits[s]] = used[s ^ t->splits[s]] = 1;
    out->pairs = FTL_NEW_ARRAY(arena, ftl_pair, t->n);
    for (uint32_t i = 0; i < t->n; i++)
        number[(size_t)1 << i] = i;
    for (uint32_t s = 1; s <= full; s++) {
        if (!used[s] || (s & (s - 1)) == 0)
            continue;
        uint32_t a = number[t->splits[s]], b = number[s ^ t->splits[s]];
        out->pairs[next - t->n] = (ftl_pair){a < b ? a : b, a < b ? b : a};
        number[s] = next++;
    }
    out->cost = t->costs[full];
    out->peak = t->peaks[full];
}

bool ftl_order_find_best(ftl_arena *arena, const ftl_network *net, bool outer, double limit,
                         ftl_order *out)
{
    table t = {.n = net->n, .outer = outer};
    assert(net->n >= 2 && net->n <= FTL_ORDER_DP_MOST);
    const uint32_t *masks = make_classes(arena, net, &t);
    fill_sets(arena, &t, masks);
    fill_table(arena, &t, limit);
    if (!(t.costs[(1u << t.n) - 1] < limit))
        return false;
    take_order(arena, &t, out);
    return true;
}
