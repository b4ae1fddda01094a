/* SPDX-License-Identifier: Apache-2.0
 *
 * Few tensors: dynamic programming. Many: greedy runs with random noise [Gray and Kourtis,
 * "Hyper-optimized tensor network contraction", Quantum 5, 2021], the best of which are improved by
 * dynamic programming on their parts. The random numbers are fixed, so an order is a function of
 * the network. What is spent is counted in steps, not in time, for the same reason.
 */
#include "plan/order.h"

enum {
    ALL_PAIRS_MOST = 9,      /* tensors up to which outer products are looked at by default */
    RUNS = 48,               /* greedy runs */
    FINALISTS = 4,           /* of these are improved */
    PART_LEAVES = 8, PART_ROUNDS = 6,
    LAST_LEAVES = 10, LAST_ROUNDS = 3,
    RUNS_WORK = 1 << 27,     /* steps after which no further run begins */
    PART_WORK = 1 << 25,     /* steps of the improvement of a finalist */
    LAST_WORK = 1 << 26,     /* steps of that of the best of them */
    NETWORK_WORDS = 1 << 23  /* words of all sets: 64 MiB */
};

/* The noise of a run: shrink goes through SHRINKS values from SHRINK_LEAST to nearly SHRINK_LEAST +
 * SHRINK_SPREAD, denser below; the heat rises after each two rounds of these. */
enum { SHRINKS = 8 };
static const double SHRINK_LEAST = 0.2, SHRINK_SPREAD = 4, HEAT_STEP = 0.02;

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

bool ftl_network_is_small(uint32_t n, uint32_t n_labels)
{
    return (uint64_t)n * (n_labels / 64 + 1) <= NETWORK_WORDS;
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

/* Copies an order; the pairs that `to` has are written over. */
static void copy_order(ftl_order *to, const ftl_order *from, uint32_t n)
{
    ftl_pair *pairs = to->pairs;
    memcpy(pairs, from->pairs, n * sizeof(*pairs));
    *to = *from;
    to->pairs = pairs;
}

static ftl_greedy get_run(uint32_t run)
{
    double spread = (double)(run % SHRINKS) / SHRINKS;
    if (run == 0)
        return (ftl_greedy){.shrink = 1};
    return (ftl_greedy){.seed = run, .shrink = SHRINK_LEAST + SHRINK_SPREAD * spread * spread,
                        .heat = HEAT_STEP * (double)(1 + run / SHRINKS * 4)};
}

/* Puts an order in the row of the n best, best first. */
static uint32_t add_finalist(ftl_order *best, uint32_t n, const ftl_order *order, uint32_t pairs)
{
    uint32_t at = n < FINALISTS ? n : FINALISTS - 1;
    if (n == FINALISTS && !is_better(order, &best[at]))
        return n;
    copy_order(&best[at], order, pairs);
    for (; at > 0 && is_better(&best[at], &best[at - 1]); at--) {
        ftl_order other = best[at];
        best[at] = best[at - 1];
        best[at - 1] = other;
    }
    return n < FINALISTS ? n + 1 : n;
}

/* The best of several runs, each with another shrink and heat. */
static ftl_order find_by_runs(ftl_arena *arena, const ftl_network *net)
{
    ftl_order best[FINALISTS] = {0};
    ftl_arena *scratch = ftl_scratch_open(arena);
    uint32_t n = 0;
    uint64_t work = 0;
    for (uint32_t k = 0; k < FINALISTS; k++)
        best[k].pairs = FTL_NEW_ARRAY(arena, ftl_pair, net->n);
    for (uint32_t run = 0; run < RUNS && work < RUNS_WORK; run++) {
        ftl_greedy how = get_run(run);
        ftl_order order = ftl_order_find_greedy(scratch, net, &how);
        work += order.work;
        n = add_finalist(best, n, &order, net->n);
        ftl_scratch_clear(scratch);
    }
    ftl_improvement parts = {PART_LEAVES, PART_ROUNDS, PART_WORK};
    ftl_improvement last = {LAST_LEAVES, LAST_ROUNDS, LAST_WORK};
    for (uint32_t k = 0; k < n; k++) {
        best[k].work = 0;
        ftl_order_improve(scratch, net, &parts, &best[k]);
        work += best[k].work;
        ftl_scratch_clear(scratch);
        if (is_better(&best[k], &best[0])) {
            ftl_order other = best[0];
            best[0] = best[k];
            best[k] = other;
        }
    }
    best[0].work = work;
    ftl_order_improve(scratch, net, &last, &best[0]);
    ftl_scratch_clear(scratch);
    return best[0];
}

static ftl_order find_plain(ftl_arena *arena, const ftl_network *net)
{
    ftl_arena *scratch = ftl_scratch_open(arena);
    ftl_order found = ftl_order_find_greedy(scratch, net, &(ftl_greedy){.shrink = 1});
    ftl_order order = {.pairs = FTL_NEW_ARRAY(arena, ftl_pair, net->n)};
    copy_order(&order, &found, net->n);
    ftl_scratch_clear(scratch);
    return order;
}

/* The best order known of a network whose tensors hang together, or a small one. */
static ftl_order find_connected(ftl_arena *arena, const ftl_network *net,
                                ftl_einsum_planner planner)
{
    if (net->n > FTL_ORDER_DP_MOST && planner != FTL_EINSUM_GREEDY)
        return find_by_runs(arena, net);
    ftl_order order = find_plain(arena, net);
    if (net->n <= 2 || planner == FTL_EINSUM_GREEDY)
        return order;
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

/* Tensor i hangs together with those before it that have a label of it. */
static void hang_together(const ftl_network *net, uint32_t i, uint32_t *last, uint32_t *part)
{
    const uint64_t *set = net->sets + (size_t)i * net->words;
    for (uint32_t w = 0; w < net->words; w++)
        for (uint64_t left = set[w]; left; left &= left - 1) {
            uint32_t *holder = &last[w * 64 + (uint32_t)__builtin_ctzll(left)];
            uint32_t x = find_root(part, i), y = *holder ? find_root(part, *holder - 1) : x;
            part[x > y ? x : y] = x > y ? y : x;
            *holder = i + 1;
        }
}

/* part[i]: the lowest tensor that tensor i hangs together with. */
static uint32_t *find_parts(ftl_arena *arena, const ftl_network *net)
{
    uint32_t *part = FTL_NEW_ARRAY(arena, uint32_t, net->n);
    uint32_t *last = FTL_NEW_ARRAY(arena, uint32_t, (size_t)net->words * 64);
    for (uint32_t i = 0; i < net->n; i++) {
        part[i] = i;
        hang_together(net, i, last, part);
    }
    for (uint32_t i = 0; i < net->n; i++)
        part[i] = find_root(part, i);
    return part;
}

/* Results of the parts so far, in the numbers of the whole network. */
typedef struct joined {
    ftl_arena *scratch;  /* emptied after each part */
    const ftl_network *net;
    const uint32_t *number; /* of the network's tensors in the whole */
    const uint32_t *next;   /* by tensor: the next of its part, or UINT32_MAX */
    uint32_t *label_at;  /* by label: its number in the part at hand */
    uint32_t n, *numbers;
    double *sizes;
    uint32_t first, made; /* number of the first pair, pairs so far */
    ftl_order order;
} joined;

static uint32_t add_pair(joined *j, uint32_t a, uint32_t b)
{
    j->order.pairs[j->made] = (ftl_pair){a < b ? a : b, a < b ? b : a};
    return j->first + j->made++;
}

/* Numbers the labels of a part that begins with tensor i; their extents go to size. */
static uint32_t number_labels(const joined *j, uint32_t i, uint64_t *any, double *size)
{
    uint32_t n = 0, words = j->net->words;
    for (; i != UINT32_MAX; i = j->next[i])
        for (uint32_t w = 0; w < words; w++)
            any[w] |= j->net->sets[(size_t)i * words + w];
    for (uint32_t w = 0; w < words; w++)
        for (uint64_t left = any[w]; left; left &= left - 1) {
            uint32_t label = w * 64 + (uint32_t)__builtin_ctzll(left);
            size[n] = j->net->size[label];
            j->label_at[label] = n++;
        }
    return n;
}

static void copy_labels(const joined *j, const uint64_t *from, const uint64_t *of, uint64_t *to)
{
    for (uint32_t w = 0; w < j->net->words; w++)
        for (uint64_t left = from[w] & of[w]; left; left &= left - 1)
            ftl_network_add(to, j->label_at[w * 64 + (uint32_t)__builtin_ctzll(left)]);
}

/* The n tensors of the part that begins with tensor `root`, and their numbers in the whole. */
static ftl_network take_part(const joined *j, uint32_t root, uint32_t n, uint32_t *number)
{
    uint32_t words = j->net->words, k = 0;
    uint64_t *any = FTL_NEW_ARRAY(j->scratch, uint64_t, words);
    size_t most = (size_t)n * FTL_MAX_RANK;
    most = most < (size_t)words * 64 ? most : (size_t)words * 64;
    double *size = FTL_NEW_ARRAY(j->scratch, double, most);
    uint32_t n_labels = number_labels(j, root, any, size);
    ftl_network own = ftl_network_make(j->scratch, n, n_labels, size);
    for (uint32_t i = root; i != UINT32_MAX; i = j->next[i], k++) {
        const uint64_t *set = j->net->sets + (size_t)i * words;
        copy_labels(j, set, set, own.sets + (size_t)k * own.words);
        number[k] = j->number[i];
    }
    copy_labels(j, any, j->net->out, own.out);
    return own;
}

static void solve_part(joined *j, uint32_t root, ftl_einsum_planner planner)
{
    uint32_t n = 0;
    for (uint32_t i = root; i != UINT32_MAX; i = j->next[i])
        n++;
    uint32_t *number = FTL_NEW_ARRAY(j->scratch, uint32_t, 2 * (size_t)n);
    ftl_network own = take_part(j, root, n, number);
    ftl_order order = find_connected(j->scratch, &own, planner);
    for (uint32_t i = 0; i + 1 < n; i++)
        number[n + i] = add_pair(j, number[order.pairs[i].a], number[order.pairs[i].b]);
    j->order.cost += order.cost;
    j->order.work += order.work;
    j->order.peak = order.peak > j->order.peak ? order.peak : j->order.peak;
    j->numbers[j->n] = number[2 * (size_t)n - 2];
    j->sizes[j->n++] = ftl_order_get_size(&own, own.out);
    ftl_scratch_clear(j->scratch);
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

/* next[i]: the next tensor of the part of i, UINT32_MAX for the last. */
static uint32_t *link_parts(ftl_arena *arena, uint32_t n, const uint32_t *part)
{
    uint32_t *next = FTL_NEW_ARRAY(arena, uint32_t, n), *last = FTL_NEW_ARRAY(arena, uint32_t, n);
    for (uint32_t i = 0; i < n; i++) {
        next[i] = UINT32_MAX;
        if (part[i] != i)
            next[last[part[i]]] = i;
        last[part[i]] = i;
    }
    return next;
}

static void find_by_parts(ftl_arena *arena, joined *j, ftl_einsum_planner planner)
{
    uint32_t n = j->net->n;
    const uint32_t *part = find_parts(arena, j->net);
    j->next = link_parts(arena, n, part);
    j->label_at = FTL_NEW_ARRAY(arena, uint32_t, (size_t)j->net->words * 64);
    j->numbers = FTL_NEW_ARRAY(arena, uint32_t, n);
    j->sizes = FTL_NEW_ARRAY(arena, double, n);
    for (uint32_t i = 0; i < n; i++)
        if (part[i] == i)
            solve_part(j, i, planner);
    join_parts(j);
}

ftl_order ftl_order_find(ftl_arena *arena, const ftl_network *net, ftl_einsum_planner planner)
{
    if (net->n <= ALL_PAIRS_MOST)
        return find_connected(arena, net, planner);
    ftl_arena *own = ftl_scratch_open(arena);
    joined j = {.scratch = ftl_scratch_open(arena), .first = net->n};
    uint32_t *number = FTL_NEW_ARRAY(own, uint32_t, net->n);
    for (uint32_t i = 0; i < net->n; i++)
        number[i] = i;
    j.order.pairs = FTL_NEW_ARRAY(arena, ftl_pair, net->n);
    ftl_network rest = *net;
    if (net->n > FTL_ORDER_DP_MOST)
        rest = ftl_network_merge_equal(own, net, number, &j.made, &j.order);
    j.net = &rest;
    j.number = number;
    find_by_parts(own, &j, planner);
    ftl_scratch_clear(own);
    return j.order;
}
