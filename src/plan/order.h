/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the plan room: the order in which the operands of one contraction are joined in pairs.
 * A network is a set of tensors that share labels; a pair's result keeps the labels that other
 * tensors or the result of all still need. The cost of a pair is the number of places of all its
 * labels, twice where some are summed (multiply and add); that of an order is the sum over its
 * pairs. Nothing here knows of graphs.
 */
#ifndef FTL_PLAN_ORDER_H
#define FTL_PLAN_ORDER_H

#include "plan/plan.h"

/* Tensors are sets of labels, as bits in `words` words each. Labels of size 1 or less cost nothing.
 * */
typedef struct ftl_network {
    uint32_t n, n_labels, words;
    uint64_t *sets;       /* (n, words) */
    uint64_t *out;        /* (words) labels of the result of all */
    double *size;         /* (n_labels) extents, at least 1 */
} ftl_network;

/* Step i joins a and b (a < b) to number n + i; tensors are numbered 0 .. n-1. */
typedef struct ftl_pair {
    uint32_t a, b;
} ftl_pair;

typedef struct ftl_order {
    ftl_pair *pairs;      /* n - 1 */
    double cost;
    double peak;          /* elements of the largest result in between */
    uint64_t work;        /* steps that the search took, about a nanosecond each */
} ftl_order;

/* An empty network: fill in sets and out with ftl_network_add. size is borrowed. */
ftl_network ftl_network_make(ftl_arena *arena, uint32_t n, uint32_t n_labels, double *size);
static inline void ftl_network_add(uint64_t *set, uint32_t label)
{
    set[label / 64] |= (uint64_t)1 << label % 64;
}

/* True for networks whose sets may be held and searched; others are joined as they stand. */
bool ftl_network_is_small(uint32_t n, uint32_t n_labels);

/* The best order known to the planner; n >= 1. Only the order, and little besides that grows with n
 * alone, stays in the arena. The search ends after a bounded number of steps (FTL_ORDER_WORK) plus
 * some that are linear in the bits of the sets: the more tensors, the fewer orders are tried. */
#define FTL_ORDER_WORK ((uint64_t)1 << 29)
ftl_order ftl_order_find(ftl_arena *arena, const ftl_network *net, ftl_einsum_planner planner);

/* An arena that can be emptied early; it ends with the given one and fails to the same guard. */
ftl_arena *ftl_scratch_open(ftl_arena *arena);
void ftl_scratch_clear(ftl_arena *scratch);

/* ---- parts ---- */

/* Cost of joining sets a and b to a result that keeps `kept`; a result of more than FTL_MAX_RANK
 * axes counts as forbidden (FTL_ORDER_FORBIDDEN times as much). */
#define FTL_ORDER_FORBIDDEN 1e60
double ftl_order_get_size(const ftl_network *net, const uint64_t *set);

/* Dynamic programming over subsets, n <= FTL_ORDER_DP_MOST. Only orders cheaper than limit are
 * looked for: false when there is none. outer: also joins tensors that share no label; without it a
 * network in several parts has no order. */
#define FTL_ORDER_DP_MOST 16
bool ftl_order_find_best(ftl_arena *arena, const ftl_network *net, bool outer, double limit,
                         ftl_order *out);

/* Tensors with the same labels joined to one, time and again: elementwise products of no more
 * places than any other join of them, which leave fewer pairs to choose from. pairs[] and cost of
 * the order are extended from pair *made on; number[i], of the tensors of the network that is
 * given back, are their numbers in the one given. */
ftl_network ftl_network_merge_equal(ftl_arena *arena, const ftl_network *net, uint32_t *number,
                                    uint32_t *made, ftl_order *order);

/* One greedy run: joins the pair with the least score size(result) / shrink - shrink * (size(a) +
 * size(b)), scores being blurred by random noise of the given heat; shrink 1 and heat 0 is the
 * plain one. A tensor of a large network is compared with the latest of its neighbours only. */
typedef struct ftl_greedy {
    double shrink, heat;
    uint64_t seed;
} ftl_greedy;
ftl_order ftl_order_find_greedy(ftl_arena *arena, const ftl_network *net, const ftl_greedy *how);

/* Replaces parts of an order by best ones, of `leaves` tensors each, until none gets better,
 * `rounds` rounds are over or about `work` steps were taken. The order's pairs are written over. */
typedef struct ftl_improvement {
    uint32_t leaves, rounds;
    uint64_t work;
} ftl_improvement;
void ftl_order_improve(ftl_arena *arena, const ftl_network *net, const ftl_improvement *how,
                       ftl_order *order);

#endif
