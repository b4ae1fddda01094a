/* SPDX-License-Identifier: Apache-2.0
 *
 * Contraction orders: sound, of the cost that they claim, and the best where all orders can be
 * tried.
 */
#include "plan/order.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

enum { LABELS = 12, MOST = 220 };

/* ---- networks ---- */

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static ftl_network make_random(ftl_arena *arena, uint32_t n, uint64_t seed)
{
    double *size = FTL_NEW_ARRAY(arena, double, LABELS);
    ftl_network net = ftl_network_make(arena, n, LABELS, size);
    for (uint32_t label = 0; label < LABELS; label++) {
        size[label] = (double)(2 + draw(&seed) % 8);
        for (int k = 0; k < 2 + (int)(label % 3 == 0); k++)
            ftl_network_add(net.sets + draw(&seed) % n, label);
    }
    if (seed % 2)
        ftl_network_add(net.out, (uint32_t)(seed / 2 % LABELS));
    return net;
}

/* A chain of matrices with random extents between 2 and 40. */
static ftl_network make_chain(ftl_arena *arena, uint32_t n, uint64_t seed)
{
    double *size = FTL_NEW_ARRAY(arena, double, n + 1);
    ftl_network net = ftl_network_make(arena, n, n + 1, size);
    for (uint32_t k = 0; k <= n; k++)
        size[k] = (double)(2 + draw(&seed) % 39);
    for (uint32_t i = 0; i < n; i++) {
        ftl_network_add(net.sets + (size_t)i * net.words, i);
        ftl_network_add(net.sets + (size_t)i * net.words, i + 1);
    }
    ftl_network_add(net.out, 0);
    ftl_network_add(net.out, n);
    return net;
}

/* ---- costs worked out again ---- */

typedef struct state {
    const ftl_network *net;
    uint64_t sets[2 * MOST][8];
    bool gone[2 * MOST];
    uint32_t n;
} state;

static bool has(const uint64_t *set, uint32_t label)
{
    return set[label / 64] >> label % 64 & 1;
}

static void init_state(state *s, const ftl_network *net)
{
    *s = (state){.net = net, .n = net->n};
    for (uint32_t i = 0; i < net->n; i++)
        memcpy(s->sets[i], net->sets + (size_t)i * net->words, net->words * sizeof(uint64_t));
}

/* Joins a and b to a new tensor and gives the cost. A label that only one tensor has, and that the
 * result of all lacks, was summed before. */
static double join(state *s, uint32_t a, uint32_t b)
{
    double cost = 1;
    bool sums = false;
    for (uint32_t label = 0; label < s->net->n_labels; label++) {
        uint32_t others = has(s->net->out, label);
        bool in_a = has(s->sets[a], label), in_b = has(s->sets[b], label);
        for (uint32_t i = 0; i < s->n; i++)
            others += i != a && i != b && !s->gone[i] && has(s->sets[i], label);
        if (others == 0 && !(in_a && in_b))
            continue;
        if (in_a || in_b)
            cost *= s->net->size[label];
        if (others > 0 && (in_a || in_b))
            ftl_network_add(s->sets[s->n], label);
        sums = sums || others == 0;
    }
    s->gone[a] = s->gone[b] = true;
    s->n++;
    return sums ? 2 * cost : cost;
}

/* Every tensor is joined once; the sum of the costs. */
static double check_order(const ftl_network *net, const ftl_order *order)
{
    static state s;
    double cost = 0;
    init_state(&s, net);
    for (uint32_t i = 0; i + 1 < net->n; i++) {
        ftl_pair p = order->pairs[i];
        assert_true(p.a < p.b && p.b < net->n + i);
        assert_false(s.gone[p.a] || s.gone[p.b]);
        cost += join(&s, p.a, p.b);
    }
    return cost;
}

/* The least cost over all orders. */
static double try_all(const state *s, double limit)
{
    double best = limit;
    uint32_t left = 0;
    for (uint32_t i = 0; i < s->n; i++)
        left += !s->gone[i];
    if (left == 1)
        return 0;
    for (uint32_t a = 0; a < s->n; a++)
        for (uint32_t b = a + 1; b < s->n && !s->gone[a]; b++) {
            if (s->gone[b])
                continue;
            state next = *s;
            double cost = join(&next, a, b);
            if (cost < best)
                best = fmin(best, cost + try_all(&next, best - cost));
        }
    return best;
}

/* ---- tests ---- */

static void run(ftl_status (*body)(void *p))
{
    ftl_arena arena;
    ftl_arena_init(&arena, ftl_allocator_get_default());
    assert_int_equal(ftl_arena_run(&arena, body, &arena), FTL_OK);
    ftl_arena_fini(&arena);
}

static void assert_close(double a, double b)
{
    if (!(fabs(a - b) <= 1e-9 * fabs(b)))
        fail_msg("%.17g is not %.17g", a, b);
}

static ftl_status check_small(void *arena)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        ftl_network net = make_random(arena, 2 + (uint32_t)(seed % 4), seed);
        static state s;
        init_state(&s, &net);
        double least = try_all(&s, INFINITY);
        for (int planner = FTL_EINSUM_AUTO; planner <= FTL_EINSUM_OPTIMAL; planner++) {
            ftl_order order = ftl_order_find(arena, &net, (ftl_einsum_planner)planner);
            double cost = check_order(&net, &order);
            if (planner == FTL_EINSUM_GREEDY)
                assert_true(cost >= least * (1 - 1e-9));
            else
                assert_close(cost, least);
        }
    }
    return FTL_OK;
}

static void test_small_orders_are_best(void **unused)
{
    (void)unused;
    run(check_small);
}

/* The textbook recurrence for chains of matrices. */
static double get_chain_cost(const ftl_network *net)
{
    static double least[MOST + 1][MOST + 1];
    const double *d = net->size;
    for (uint32_t length = 1; length <= net->n; length++)
        for (uint32_t i = 0; i + length <= net->n; i++) {
            double best = length == 1 ? 0 : (double)INFINITY;
            for (uint32_t k = i + 1; k < i + length; k++)
                best = fmin(best, least[i][k - i] + least[k][i + length - k] +
                                  2 * d[i] * d[k] * d[i + length]);
            least[i][length] = best;
        }
    return least[0][net->n];
}

static ftl_status check_chains(void *arena)
{
    const uint32_t lengths[] = {2, 3, 6, 9, 10, 13, 16};
    for (size_t k = 0; k < FTL_COUNT(lengths); k++)
        for (uint64_t seed = 0; seed < 4; seed++) {
            ftl_network net = make_chain(arena, lengths[k], seed);
            ftl_order order = ftl_order_find(arena, &net, FTL_EINSUM_AUTO);
            assert_close(check_order(&net, &order), get_chain_cost(&net));
            assert_close(order.cost, get_chain_cost(&net));
        }
    for (uint64_t seed = 0; seed < 3; seed++) {
        ftl_network net = make_chain(arena, 60, seed);
        ftl_order order = ftl_order_find(arena, &net, FTL_EINSUM_AUTO);
        assert_close(order.cost, check_order(&net, &order));
        assert_true(order.cost <= 1.05 * get_chain_cost(&net));
    }
    return FTL_OK;
}

static void test_chains(void **unused)
{
    (void)unused;
    run(check_chains);
}

/* Improvement never makes an order worse, and all tell the truth about their cost. */
static ftl_status check_many(void *arena)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        ftl_network net = make_random(arena, 8 + (uint32_t)(seed % 12), seed);
        ftl_order plain = ftl_order_find(arena, &net, FTL_EINSUM_GREEDY);
        ftl_order found = ftl_order_find(arena, &net, FTL_EINSUM_AUTO);
        ftl_order again = ftl_order_find(arena, &net, FTL_EINSUM_AUTO);
        check_order(&net, &plain);
        assert_close(check_order(&net, &found), check_order(&net, &again));
        assert_true(check_order(&net, &found) <= check_order(&net, &plain) * (1 + 1e-9));
        assert_true(found.cost <= plain.cost * (1 + 1e-9));
    }
    return FTL_OK;
}

static void test_many(void **unused)
{
    (void)unused;
    run(check_many);
}

static ftl_status check_large(void *arena)
{
    ftl_network chain = make_chain(arena, 200, 7);
    ftl_order order = ftl_order_find(arena, &chain, FTL_EINSUM_AUTO);
    assert_close(order.cost, check_order(&chain, &order));
    double *size = FTL_NEW_ARRAY(arena, double, 1);
    ftl_network scalars = ftl_network_make(arena, 40, 0, size);
    order = ftl_order_find(arena, &scalars, FTL_EINSUM_AUTO);
    assert_close(check_order(&scalars, &order), 39);
    return FTL_OK;
}

static void test_large(void **unused)
{
    (void)unused;
    run(check_large);
}

/* ---- very many tensors: bounded work and memory ---- */

typedef struct meter {
    ftl_allocator own;
    size_t now, peak;
} meter;

static void *take(void *user, size_t size)
{
    meter *m = user;
    const ftl_allocator *heap = ftl_allocator_get_default();
    m->now += size;
    m->peak = m->now > m->peak ? m->now : m->peak;
    return heap->alloc(heap->user, size);
}

static void give(void *user, void *p, size_t size)
{
    meter *m = user;
    const ftl_allocator *heap = ftl_allocator_get_default();
    m->now -= size;
    heap->free(heap->user, p, size);
}

/* Tensors with labels a, b and c each, or fewer when these are equal. */
static ftl_network make_many(ftl_arena *arena, uint32_t n, uint32_t n_labels,
                             uint32_t (*label)(uint32_t i, uint32_t k))
{
    double *size = FTL_NEW_ARRAY(arena, double, n_labels);
    ftl_network net = ftl_network_make(arena, n, n_labels, size);
    for (uint32_t i = 0; i < n_labels; i++)
        size[i] = (double)(2 + i % 3);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < 3; k++)
            ftl_network_add(net.sets + (size_t)i * net.words, label(i, k) % n_labels);
    return net;
}

static uint32_t get_same(uint32_t i, uint32_t k)
{
    (void)i;
    return k;
}

static uint32_t get_hub(uint32_t i, uint32_t k)
{
    return k == 0 ? 0 : k == 1 ? 1 + i : 1 + (7 * i + 3);
}

static uint32_t get_few(uint32_t i, uint32_t k)
{
    return (i >> k) % 3 + k;
}

static uint32_t get_own(uint32_t i, uint32_t k)
{
    (void)k;
    return i;
}

/* Every tensor is joined once, by lower numbers. */
static void check_tree(uint32_t n, const ftl_order *order)
{
    uint8_t *gone = calloc(2 * (size_t)n, 1);
    assert_non_null(gone);
    for (uint32_t i = 0; i + 1 < n; i++) {
        ftl_pair p = order->pairs[i];
        assert_true(p.a < p.b && p.b < n + i && !gone[p.a] && !gone[p.b]);
        gone[p.a] = gone[p.b] = 1;
    }
    free(gone);
}

static ftl_status check_equal(void *arena)
{
    ftl_network same = make_many(arena, 2000, 3, get_same);
    ftl_order order = ftl_order_find(arena, &same, FTL_EINSUM_AUTO);
    check_tree(2000, &order);
    assert_close(order.cost, 2 * 3 * 4 * 2000.0);
    assert_true(order.work < 2000);
    ftl_network few = make_many(arena, 200, 6, get_few);
    order = ftl_order_find(arena, &few, FTL_EINSUM_AUTO);
    assert_close(order.cost, check_order(&few, &order));
    ftl_order plain = ftl_order_find_greedy(arena, &few, &(ftl_greedy){.shrink = 1});
    assert_true(order.cost <= plain.cost);
    return FTL_OK;
}

static void test_equal_tensors_are_joined_first(void **unused)
{
    (void)unused;
    run(check_equal);
}

static ftl_status check_crowd(void *arena)
{
    ftl_network hub = make_many(arena, 1500, 1501, get_hub);
    ftl_order order = ftl_order_find(arena, &hub, FTL_EINSUM_AUTO);
    check_tree(1500, &order);
    assert_in_range(order.work, 1, FTL_ORDER_WORK);
    ftl_network own = make_many(arena, 2000, 2000, get_own);
    order = ftl_order_find(arena, &own, FTL_EINSUM_AUTO);
    check_tree(2000, &order);
    assert_true(order.work < 2000);
    assert_false(ftl_network_is_small(1u << 20, 1u << 20));
    return FTL_OK;
}

static void test_work_and_memory_are_bounded(void **unused)
{
    (void)unused;
    meter m = {.own = {.alloc = take, .free = give, .user = &m}};
    ftl_arena arena;
    ftl_arena_init(&arena, &m.own);
    assert_int_equal(ftl_arena_run(&arena, check_crowd, &arena), FTL_OK);
    ftl_arena_fini(&arena);
    assert_int_equal(m.now, 0);
    assert_in_range(m.peak, 1, (size_t)96 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_orders_are_best),
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_equal_tensors_are_joined_first),
        cmocka_unit_test(test_work_and_memory_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
