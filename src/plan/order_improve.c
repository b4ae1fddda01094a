/* SPDX-License-Identifier: Apache-2.0
 *
 * Improvement of an order by its parts. The order is a tree; the labels of a node's result follow
 * from the tensors below it alone. So a part of the tree (a node, and below it the nodes reached by
 * opening the largest result first, until there are enough leaves) can be replaced by the best
 * order of its leaves without a change elsewhere.
 */
#include "plan/order.h"

typedef struct tree {
    ftl_arena *arena;
    ftl_arena *scratch;  /* emptied after each part */
    const ftl_network *net;
    uint32_t n;          /* tensors: nodes below n are leaves, 2n-2 is the root */
    uint32_t (*child)[2];
    uint64_t *sets;      /* (2n - 1, words) labels of each result */
    double *sizes, *costs;
} tree;

static uint64_t *get_set(const tree *t, uint32_t i)
{
    return t->sets + (size_t)i * t->net->words;
}

/* ---- sets and costs ---- */

static double get_join_cost(const tree *t, uint32_t node)
{
    double size = 1;
    bool sums = false;
    const uint64_t *a = get_set(t, t->child[node][0]), *b = get_set(t, t->child[node][1]);
    const uint64_t *kept = get_set(t, node);
    uint32_t axes = 0;
    for (uint32_t w = 0; w < t->net->words; w++) {
        sums = sums || (a[w] | b[w]) != kept[w];
        axes += (uint32_t)__builtin_popcountll(kept[w]);
        for (uint64_t left = a[w] | b[w]; left; left &= left - 1)
            size *= t->net->size[w * 64 + (uint32_t)__builtin_ctzll(left)];
    }
    return size * (sums ? 2 : 1) * (axes > FTL_MAX_RANK ? FTL_ORDER_FORBIDDEN : 1);
}

/* Of one word of two sets: the labels that others hold as well. These have holders less then. */
static uint64_t keep_labels(uint64_t a, uint64_t b, uint32_t *holders)
{
    uint64_t kept = 0;
    for (uint64_t left = a | b; left; left &= left - 1) {
        uint32_t bit = (uint32_t)__builtin_ctzll(left);
        uint32_t own = (uint32_t)(a >> bit & 1) + (uint32_t)(b >> bit & 1);
        if (holders[bit] == own)
            continue;
        kept |= (uint64_t)1 << bit;
        holders[bit] -= own - 1;
    }
    return kept;
}

/* Children have lower numbers than their parents here. */
static void set_labels(tree *t)
{
    const ftl_network *net = t->net;
    uint32_t *holders = FTL_NEW_ARRAY(t->arena, uint32_t, net->words * 64);
    for (uint32_t i = 0; i <= net->n; i++) {
        const uint64_t *set = i < net->n ? get_set(t, i) : net->out;
        for (uint32_t w = 0; w < net->words; w++)
            for (uint64_t left = set[w]; left; left &= left - 1)
                holders[w * 64 + (uint32_t)__builtin_ctzll(left)]++;
    }
    for (uint32_t node = t->n; node < 2 * t->n - 1; node++) {
        const uint64_t *a = get_set(t, t->child[node][0]), *b = get_set(t, t->child[node][1]);
        uint64_t *kept = get_set(t, node);
        for (uint32_t w = 0; w < net->words; w++)
            kept[w] = keep_labels(a[w], b[w], holders + (size_t)w * 64);
    }
}

static tree make_tree(ftl_arena *arena, const ftl_network *net, const ftl_order *order)
{
    uint32_t nodes = 2 * net->n - 1;
    tree t = {.arena = arena, .net = net, .n = net->n};
    t.child = ftl_arena_alloc_array(arena, nodes, sizeof(*t.child));
    t.sets = FTL_NEW_ARRAY(arena, uint64_t, (size_t)nodes * net->words);
    t.sizes = FTL_NEW_ARRAY(arena, double, nodes);
    t.costs = FTL_NEW_ARRAY(arena, double, nodes);
    memcpy(t.sets, net->sets, (size_t)net->n * net->words * sizeof(*t.sets));
    for (uint32_t i = 0; i + 1 < net->n; i++) {
        t.child[net->n + i][0] = order->pairs[i].a;
        t.child[net->n + i][1] = order->pairs[i].b;
    }
    set_labels(&t);
    for (uint32_t node = 0; node < nodes; node++) {
        t.sizes[node] = ftl_order_get_size(net, get_set(&t, node));
        t.costs[node] = node < net->n ? 0 : get_join_cost(&t, node);
    }
    return t;
}

/* ---- parts ---- */

/* Leaves of a part below its root, the nodes in it that are opened (the root first), and their
 * cost. */
typedef struct part {
    uint32_t n_leaves, leaves[FTL_ORDER_DP_MOST];
    uint32_t n_inner, inner[FTL_ORDER_DP_MOST];
    double cost;
} part;

static part find_part(const tree *t, uint32_t root, uint32_t most)
{
    part p = {.n_leaves = 1, .leaves = {root}};
    while (p.n_leaves < most) {
        uint32_t best = UINT32_MAX;
        for (uint32_t i = 0; i < p.n_leaves; i++)
            if (p.leaves[i] >= t->n &&
                (best == UINT32_MAX || t->sizes[p.leaves[i]] > t->sizes[p.leaves[best]] ||
                 p.leaves[i] == root))
                best = i;
        if (best == UINT32_MAX)
            break;
        uint32_t node = p.leaves[best];
        p.inner[p.n_inner++] = node;
        p.cost += t->costs[node];
        p.leaves[best] = t->child[node][0];
        p.leaves[p.n_leaves++] = t->child[node][1];
    }
    return p;
}

/* Puts an order of the leaves in the place of the inner nodes; the last one is the part's root. */
static void replace_part(tree *t, const part *p, const ftl_order *order)
{
    uint32_t node_of[2 * FTL_ORDER_DP_MOST];
    memcpy(node_of, p->leaves, p->n_leaves * sizeof(*node_of));
    for (uint32_t i = 0; i < p->n_inner; i++)
        node_of[p->n_leaves + i] = p->inner[p->n_inner - 1 - i];
    for (uint32_t i = 0; i < p->n_inner; i++) {
        uint32_t node = node_of[p->n_leaves + i];
        t->child[node][0] = node_of[order->pairs[i].a];
        t->child[node][1] = node_of[order->pairs[i].b];
    }
}

/* Labels and costs of the part's nodes, in an order in which children come first. */
static void measure_part(tree *t, const part *p, const ftl_network *net)
{
    uint64_t *sets = net->sets;
    uint32_t words = t->net->words;
    for (uint32_t i = p->n_inner; i-- > 0;) {
        uint32_t node = p->inner[i];
        uint64_t *kept = get_set(t, node);
        if (i > 0)
            memcpy(kept, sets + (size_t)(p->n_leaves + p->n_inner - 1 - i) * words,
                   words * sizeof(*kept));
        t->sizes[node] = ftl_order_get_size(t->net, kept);
        t->costs[node] = get_join_cost(t, node);
    }
}

/* The sets of all nodes of an order of a small network, behind those of its tensors. */
static void extend_sets(ftl_arena *arena, ftl_network *net, const ftl_order *order)
{
    tree t = make_tree(arena, net, order);
    net->sets = t.sets;
}

static bool improve_part(tree *t, uint32_t root, uint32_t most)
{
    part p = find_part(t, root, most);
    if (p.n_leaves < 3)
        return false;
    ftl_network net = ftl_network_make(t->scratch, p.n_leaves, t->net->n_labels, t->net->size);
    size_t bytes = net.words * sizeof(*net.sets);
    for (uint32_t i = 0; i < p.n_leaves; i++)
        memcpy(net.sets + (size_t)i * net.words, get_set(t, p.leaves[i]), bytes);
    memcpy(net.out, get_set(t, root), bytes);
    ftl_order order;
    if (!ftl_order_find_best(t->scratch, &net, p.n_leaves <= 8, p.cost * (1 - 1e-9), &order))
        return false;
    extend_sets(t->scratch, &net, &order);
    replace_part(t, &p, &order);
    measure_part(t, &p, &net);
    return true;
}

/* ---- the order of a tree ---- */

/* Pairs by walking the tree from the root: nodes are listed before their children, and numbered
 * from the end of the list. */
static void take_order(tree *t, ftl_order *order)
{
    uint32_t nodes = 2 * t->n - 1, listed = 0, next = t->n;
    uint32_t *list = FTL_NEW_ARRAY(t->arena, uint32_t, nodes);
    uint32_t *number = FTL_NEW_ARRAY(t->arena, uint32_t, nodes);
    list[listed++] = nodes - 1;
    for (uint32_t i = 0; i < listed; i++)
        if (list[i] >= t->n) {
            list[listed++] = t->child[list[i]][0];
            list[listed++] = t->child[list[i]][1];
        }
    order->cost = order->peak = 0;
    for (uint32_t i = listed; i-- > 0;) {
        uint32_t node = list[i];
        number[node] = node < t->n ? node : next;
        if (node < t->n)
            continue;
        uint32_t a = number[t->child[node][0]], b = number[t->child[node][1]];
        order->pairs[next++ - t->n] = (ftl_pair){a < b ? a : b, a < b ? b : a};
        order->cost += t->costs[node];
        if (node != nodes - 1 && t->sizes[node] > order->peak)
            order->peak = t->sizes[node];
    }
}

/* Steps of the search for the best order of so many tensors: splits of all subsets, and sets. */
static uint64_t get_part_work(const tree *t, uint32_t leaves)
{
    uint64_t work = 8 * (uint64_t)t->net->words;
    for (uint64_t k = 0, splits = 1; k < leaves; k++, splits *= 3)
        work += splits;
    return work;
}

void ftl_order_improve(ftl_arena *arena, const ftl_network *net, const ftl_improvement *how,
                       ftl_order *order)
{
    tree t = make_tree(arena, net, order);
    t.scratch = ftl_scratch_open(arena);
    uint64_t step = get_part_work(&t, how->leaves), end = order->work + how->work;
    bool better = net->n > 2;
    for (uint32_t round = 0; round < how->rounds && better; round++) {
        better = false;
        for (uint32_t node = net->n; node < 2 * net->n - 1 && order->work < end; node++) {
            order->work += step;
            better = improve_part(&t, node, how->leaves) || better;
            ftl_scratch_clear(t.scratch);
        }
    }
    take_order(&t, order);
}
