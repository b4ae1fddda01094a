/* SPDX-License-Identifier: Apache-2.0
 *
 * Few tensors: dynamic programming. Many: greedy runs with random noise [Gray and Kourtis,
 * "Hyper-optimized tensor network contraction", Quantum 5, 2021], the best of which are improved by
 * dynamic programming on their parts. The random numbers are fixed, so an order is a function of
 * the network.
 */
#include "plan/order.h"

enum {
    ALL_PAIRS_MOST = 9,  /* tensors up to which outer products are looked at by default */
    RUNS = 48,           /* greedy runs */
    FINALISTS = 4,       /* of these are improved */
    PART_LEAVES = 8, PART_ROUNDS = 6,
    LAST_LEAVES = 10, LAST_ROUNDS = 3
};

static void end_scratch(void *scratch)
{
    ftl_arena_fini(scratch);
}

ftl_arena *ftl_scratch_open(ftl_arena *arena)
{
    ftl_arena *scratch = FTL_NEW(arena, ftl_arena);
    ftl_arena_init(scratch, arena->alloc);
    scratch->on_fail = arena->on_fail;
    ftl_arena_defer(arena, end_scratch, scratch);
    return scratch;
}

void ftl_scratch_clear(ftl_arena *scratch)
{
    jmp_buf *on_fail = scratch->on_fail;
    ftl_arena_fini(scratch);
    scratch->on_fail = on_fail;
}

ftl_network ftl_network_make(ftl_arena *arena, uint32_t n, uint32_t n_labels, double *size)
{
    ftl_network net = {.n = n, .n_labels = n_labels, .words = n_labels / 64 + 1, .size = size};
    net.sets = FTL_NEW_ARRAY(arena, uint64_t, (size_t)n * net.words);
    net.out = FTL_NEW_ARRAY(arena, uint64_t, net.words);
    return net;
}

double ftl_order_get_size(const ftl_network *net, const uint64_t *set)
{
    double size = 1;
    for (uint32_t w = 0; w < net->words; w++)
        for (uint64_t left = set[w]; left; left &= left - 1)
            size *= net->size[w * 64 + (uint32_t)__builtin_ctzll(left)];
    return size;
}

static bool is_better(const ftl_order *a, const ftl_order *b)
{
    return a->cost < b->cost || (a->cost == b->cost && a->peak < b->peak);
}

/* The best of several runs, each with another shrink and heat. */
static ftl_order find_by_runs(ftl_arena *arena, const ftl_network *net)
{
    ftl_order best[FINALISTS] = {0};
    uint32_t n = 0;
    for (uint32_t run = 0; run < RUNS; run++) {
        double spread = (double)(run % 8) / 8;
        ftl_greedy how = {.seed = run, .shrink = run == 0 ? 1 : 0.2 + 4 * spread * spread,
                          .heat = run == 0 ? 0 : 0.02 * (double)(1 + run / 8 * 4)};
        ftl_order order = ftl_order_find_greedy(arena, net, &how);
        uint32_t at = n < FINALISTS ? n++ : FINALISTS - 1;
        if (at == FINALISTS - 1 && best[at].pairs && !is_better(&order, &best[at]))
            continue;
        best[at] = order;
        for (; at > 0 && is_better(&best[at], &best[at - 1]); at--) {
            order = best[at];
            best[at] = best[at - 1];
            best[at - 1] = order;
        }
    }
    for (uint32_t k = 0; k < n; k++) {
        ftl_order_improve(arena, net, PART_LEAVES, PART_ROUNDS, &best[k]);
        if (is_better(&best[k], &best[0]))
            best[0] = best[k];
    }
    ftl_order_improve(arena, net, LAST_LEAVES, LAST_ROUNDS, &best[0]);
    return best[0];
}

/* The best order known of a network whose tensors hang together, or a small one. */
static ftl_order find_connected(ftl_arena *arena, const ftl_network *net,
                                ftl_einsum_planner planner)
{
    ftl_order order = ftl_order_find_greedy(arena, net, &(ftl_greedy){.shrink = 1});
    if (net->n <= 2 || planner == FTL_EINSUM_GREEDY)
        return order;
    if (net->n > FTL_ORDER_DP_MOST)
        return find_by_runs(arena, net);
    bool outer = net->n <= ALL_PAIRS_MOST || planner == FTL_EINSUM_OPTIMAL;
    ftl_order best;
    return ftl_order_find_best(arena, net, outer, order.cost, &best) ? best : order;
}

/* ---- networks in several parts ---- */

static uint32_t find_root(uint32_t *part, uint32_t i)
{
    while (part[i] != i)
        i = part[i] = part[part[i]];
    return i;
}

/* part[i]: the lowest tensor that tensor i hangs together with. */
static uint32_t *find_parts(ftl_arena *arena, const ftl_network *net)
{
    uint32_t *part = FTL_NEW_ARRAY(arena, uint32_t, net->n);
    for (uint32_t i = 0; i < net->n; i++)
        part[i] = i;
    for (uint32_t label = 0; label < net->n_labels; label++) {
        uint32_t first = UINT32_MAX;
        for (uint32_t i = 0; i < net->n; i++) {
            if (!(net->sets[(size_t)i * net->words + label / 64] >> label % 64 & 1))
                continue;
            uint32_t root = find_root(part, i);
            uint32_t low = root < first ? root : first, high = root < first ? first : root;
            if (high != UINT32_MAX)
                part[high] = low;
            first = low;
        }
    }
    for (uint32_t i = 0; i < net->n; i++)
        part[i] = find_root(part, i);
    return part;
}

/* Results of the parts so far, in the numbers of the whole network. */
typedef struct joined {
    const ftl_network *net;
    uint32_t n, *numbers;
    double *sizes;
    uint32_t next; /* number of the next pair */
    ftl_order order;
} joined;

static uint32_t add_pair(joined *j, uint32_t a, uint32_t b)
{
    j->order.pairs[j->next - j->net->n] = (ftl_pair){a < b ? a : b, a < b ? b : a};
    return j->next++;
}

/* The tensors of one part, and their numbers in the whole. */
static ftl_network take_part(ftl_arena *arena, const ftl_network *net, const uint32_t *part,
                             uint32_t root, uint32_t *number)
{
    ftl_network own = ftl_network_make(arena, net->n, net->n_labels, net->size);
    own.n = 0;
    for (uint32_t i = 0; i < net->n; i++) {
        if (part[i] != root)
            continue;
        for (uint32_t w = 0; w < net->words; w++) {
            uint64_t labels = net->sets[(size_t)i * net->words + w];
            own.sets[(size_t)own.n * net->words + w] = labels;
            own.out[w] |= labels & net->out[w];
        }
        number[own.n++] = i;
    }
    return own;
}

static void solve_part(ftl_arena *arena, const ftl_network *own, ftl_einsum_planner planner,
                       uint32_t *number, joined *j)
{
    ftl_order order = find_connected(arena, own, planner);
    for (uint32_t i = 0; i + 1 < own->n; i++)
        number[own->n + i] = add_pair(j, number[order.pairs[i].a], number[order.pairs[i].b]);
    j->order.cost += order.cost;
    j->order.peak = order.peak > j->order.peak ? order.peak : j->order.peak;
    j->numbers[j->n] = number[2 * own->n - 2];
    j->sizes[j->n++] = ftl_order_get_size(own, own->out);
}

/* Takes out the smallest result. */
static uint32_t take_smallest(joined *j, double *size)
{
    uint32_t best = 0;
    for (uint32_t k = 1; k < j->n; k++)
        if (j->sizes[k] < j->sizes[best])
            best = k;
    uint32_t number = j->numbers[best];
    *size = j->sizes[best];
    j->numbers[best] = j->numbers[--j->n];
    j->sizes[best] = j->sizes[j->n];
    return number;
}

/* Outer products of the parts' results, the two smallest first. */
static void join_parts(joined *j)
{
    while (j->n > 1) {
        double x = 0, y = 0;
        uint32_t a = take_smallest(j, &x), b = take_smallest(j, &y);
        j->order.cost += x * y;
        if (j->n > 0 && x * y > j->order.peak)
            j->order.peak = x * y;
        j->numbers[j->n] = add_pair(j, a, b);
        j->sizes[j->n++] = x * y;
    }
}

ftl_order ftl_order_find(ftl_arena *arena, const ftl_network *net, ftl_einsum_planner planner)
{
    const uint32_t *part = find_parts(arena, net);
    bool whole = net->n <= ALL_PAIRS_MOST;
    for (uint32_t i = 1; i < net->n && !whole && part[i] == 0; i++)
        whole = i == net->n - 1;
    if (whole)
        return find_connected(arena, net, planner);
    uint32_t *number = FTL_NEW_ARRAY(arena, uint32_t, 2 * (size_t)net->n);
    joined j = {.net = net, .next = net->n, .numbers = FTL_NEW_ARRAY(arena, uint32_t, net->n),
                .sizes = FTL_NEW_ARRAY(arena, double, net->n)};
    j.order.pairs = FTL_NEW_ARRAY(arena, ftl_pair, net->n);
    for (uint32_t i = 0; i < net->n; i++) {
        if (part[i] != i)
            continue;
        ftl_network own = take_part(arena, net, part, i, number);
        solve_part(arena, &own, planner, number, &j);
    }
    join_parts(&j);
    return j.order;
}
