/* SPDX-License-Identifier: Apache-2.0
 *
 * The greedy run. Pairs of tensors that share a label wait in a heap by score; those one of whose
 * tensors is gone are skipped when they come up. A new tensor is paired with its neighbours, by
 * each of its labels with the latest `partners` at most: the latest tensor that has a label was
 * compared with the one before it, so that a pair waits as long as any two share a label. When the
 * heap is empty the rest shares nothing, and the two smallest are joined.
 */
#include "plan/order.h"

#include <math.h>

/* Steps of a run that go into scores, and of one score beside the words of its sets. */
enum { RUN_WORK = 1 << 24, SCORE_WORK = 16 };

typedef struct candidate {
    double score;
    uint32_t a, b;
} candidate;

typedef struct greedy {
    ftl_arena *arena;
    const ftl_network *net;
    const ftl_greedy *how;
    uint64_t random;
    uint64_t *sets;      /* (2n - 1, words) */
    double *sizes;       /* of sets */
    uint8_t *gone;
    uint32_t *holders;   /* by label: tensors left that have it, the result included */
    FTL_VEC(uint32_t) *having; /* by label: tensors that had it, some of them gone */
    uint32_t partners;   /* most that a tensor is compared with */
    uint32_t *seen;      /* by tensor: stamp of the last look at it as a neighbour */
    FTL_VEC(candidate) heap;
    ftl_order order;
    uint32_t n;          /* tensors so far */
} greedy;

static uint64_t *get_set(const greedy *g, uint32_t i)
{
    return g->sets + (size_t)i * g->net->words;
}

/* splitmix64, as a number in (0, 1) */
static double draw(greedy *g)
{
    uint64_t z = g->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

/* ---- the heap: least score first, then lowest numbers ---- */

static bool is_before(const candidate *x, const candidate *y)
{
    if (x->score != y->score)
        return x->score < y->score;
    return x->a != y->a ? x->a < y->a : x->b < y->b;
}

static void push(greedy *g, candidate c)
{
    *FTL_VEC_PUSH(g->arena, &g->heap) = c;
    size_t i = g->heap.len - 1;
    for (; i > 0 && is_before(&c, &g->heap.data[(i - 1) / 2]); i = (i - 1) / 2)
        g->heap.data[i] = g->heap.data[(i - 1) / 2];
    g->heap.data[i] = c;
}

static candidate pop(greedy *g)
{
    candidate *heap = g->heap.data, first = heap[0], last = heap[--g->heap.len];
    size_t n = g->heap.len, i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n)
            break;
        if (child + 1 < n && is_before(&heap[child + 1], &heap[child]))
            child++;
        if (!is_before(&heap[child], &last))
            break;
        heap[i] = heap[child];
        i = child;
    }
    if (n > 0)
        heap[i] = last;
    return first;
}

/* ---- pairs ---- */

/* Labels of a and b together, and those that their result keeps: others hold them. */
static void join(const greedy *g, uint32_t a, uint32_t b, uint64_t *both, uint64_t *kept)
{
    const uint64_t *x = get_set(g, a), *y = get_set(g, b);
    for (uint32_t w = 0; w < g->net->words; w++) {
        both[w] = x[w] | y[w];
        kept[w] = both[w];
        for (uint64_t left = both[w]; left; left &= left - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(left);
            uint32_t own = (uint32_t)(x[w] >> bit & 1) + (uint32_t)(y[w] >> bit & 1);
            if (g->holders[w * 64 + bit] == own)
                kept[w] &= ~((uint64_t)1 << bit);
        }
    }
}

static uint32_t count_labels(const ftl_network *net, const uint64_t *set)
{
    uint32_t n = 0;
    for (uint32_t w = 0; w < net->words; w++)
        n += (uint32_t)__builtin_popcountll(set[w]);
    return n;
}

/* Scratch of two sets lies behind the last tensor's. */
static double get_score(greedy *g, uint32_t a, uint32_t b)
{
    uint64_t *both = get_set(g, 2 * g->net->n - 1), *kept = get_set(g, 2 * g->net->n);
    join(g, a, b, both, kept);
    g->order.work += g->net->words + SCORE_WORK;
    double size = ftl_order_get_size(g->net, kept);
    double score = size / g->how->shrink - g->how->shrink * (g->sizes[a] + g->sizes[b]);
    if (count_labels(g->net, kept) > FTL_MAX_RANK)
        score += FTL_ORDER_FORBIDDEN;
    if (g->how->heat == 0)
        return score;
    double scaled = score > 0 ? log1p(score) : -log1p(-score);
    return scaled + g->how->heat * log(-log(draw(g)));
}

/* The place in a label's list from which on `most` tensors are left. */
static size_t find_latest(const greedy *g, uint32_t label, uint32_t most)
{
    size_t at = g->having[label].len;
    while (at > 0 && most > 0)
        most -= !g->gone[g->having[label].data[--at]];
    return at;
}

/* Pairs tensor i with the latest tensors that have the label; drops those that are gone there. */
static void push_pairs_of_label(greedy *g, uint32_t i, uint32_t label, uint32_t most)
{
    size_t kept = find_latest(g, label, most);
    for (size_t k = kept; k < g->having[label].len; k++) {
        uint32_t j = g->having[label].data[k];
        if (g->gone[j])
            continue;
        g->having[label].data[kept++] = j;
        if (g->seen[j] == i + 1)
            continue;
        g->seen[j] = i + 1;
        push(g, (candidate){get_score(g, j, i), j, i});
    }
    g->having[label].len = kept;
}

/* Pairs tensor i with its neighbours so far, and lists it as one of those to come. */
static void push_pairs(greedy *g, uint32_t i)
{
    const uint64_t *set = get_set(g, i);
    uint32_t n = count_labels(g->net, set);
    uint32_t most = n > 0 && g->partners > n ? g->partners / n : 1;
    for (uint32_t w = 0; w < g->net->words; w++)
        for (uint64_t left = set[w]; left; left &= left - 1) {
            uint32_t label = w * 64 + (uint32_t)__builtin_ctzll(left);
            push_pairs_of_label(g, i, label, most);
            *FTL_VEC_PUSH(g->arena, &g->having[label]) = i;
        }
}

/* The tensor's labels have one holder more, or (by == -1) less. */
static void count_tensor(greedy *g, uint32_t i, int by)
{
    const uint64_t *set = get_set(g, i);
    for (uint32_t w = 0; w < g->net->words; w++)
        for (uint64_t left = set[w]; left; left &= left - 1)
            g->holders[w * 64 + (uint32_t)__builtin_ctzll(left)] += (uint32_t)by;
}

static void add_tensor(greedy *g, uint32_t i)
{
    g->sizes[i] = ftl_order_get_size(g->net, get_set(g, i));
    count_tensor(g, i, 1);
}

static void remove_tensor(greedy *g, uint32_t i)
{
    g->gone[i] = 1;
    count_tensor(g, i, -1);
}

static void contract(greedy *g, uint32_t a, uint32_t b)
{
    uint64_t *both = get_set(g, 2 * g->net->n - 1), *kept = get_set(g, g->n);
    join(g, a, b, both, kept);
    bool sums = memcmp(both, kept, g->net->words * sizeof(*both)) != 0;
    double cost = ftl_order_get_size(g->net, both) * (sums ? 2 : 1);
    if (count_labels(g->net, kept) > FTL_MAX_RANK)
        cost *= FTL_ORDER_FORBIDDEN;
    remove_tensor(g, a);
    remove_tensor(g, b);
    add_tensor(g, g->n);
    g->order.pairs[g->n - g->net->n] = (ftl_pair){a < b ? a : b, a < b ? b : a};
    g->order.cost += cost;
    if (g->n + 1 < 2 * g->net->n - 1 && g->sizes[g->n] > g->order.peak)
        g->order.peak = g->sizes[g->n];
    g->n++;
}

/* ---- the run ---- */

static void contract_connected(greedy *g)
{
    while (g->heap.len > 0 && g->n < 2 * g->net->n - 1) {
        candidate c = pop(g);
        if (g->gone[c.a] || g->gone[c.b])
            continue;
        contract(g, c.a, c.b);
        push_pairs(g, g->n - 1);
    }
}

/* The smallest tensor that is left, not counting `but`. */
static uint32_t find_smallest(const greedy *g, uint32_t but)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < g->n; i++)
        if (!g->gone[i] && i != but && (best == UINT32_MAX || g->sizes[i] < g->sizes[best]))
            best = i;
    return best;
}

ftl_order ftl_order_find_greedy(ftl_arena *arena, const ftl_network *net, const ftl_greedy *how)
{
    uint32_t most = 2 * net->n - 1;
    greedy g = {.arena = arena, .net = net, .how = how, .random = how->seed, .n = net->n};
    g.sets = FTL_NEW_ARRAY(arena, uint64_t, ((size_t)most + 2) * net->words);
    g.sizes = FTL_NEW_ARRAY(arena, double, most);
    g.gone = FTL_NEW_ARRAY(arena, uint8_t, most);
    g.seen = FTL_NEW_ARRAY(arena, uint32_t, most);
    g.holders = FTL_NEW_ARRAY(arena, uint32_t, net->n_labels);
    g.having = ftl_arena_alloc_array(arena, net->n_labels, sizeof(*g.having));
    g.order.pairs = FTL_NEW_ARRAY(arena, ftl_pair, net->n);
    g.partners = (uint32_t)(RUN_WORK / ((uint64_t)net->n * (net->words + SCORE_WORK)));
    memcpy(g.sets, net->sets, (size_t)net->n * net->words * sizeof(*g.sets));
    for (uint32_t label = 0; label < net->n_labels; label++)
        g.holders[label] = (uint32_t)(net->out[label / 64] >> label % 64 & 1);
    for (uint32_t i = 0; i < net->n; i++)
        add_tensor(&g, i);
    for (uint32_t i = 0; i < net->n; i++)
        push_pairs(&g, i);
    contract_connected(&g);
    while (g.n < most) {
        uint32_t a = find_smallest(&g, UINT32_MAX);
        contract(&g, a, find_smallest(&g, a));
    }
    return g.order;
}
