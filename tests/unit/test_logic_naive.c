/* SPDX-License-Identifier: Apache-2.0
 *
 * The plainest evaluator: answers that are known, and on random programs a model that is found in
 * another way, by asking every rule about every assignment, with a cell for each possible tuple, in
 * the order of the strata.
 */
#include "graph_text.h"
#include "logic_gen.h"
#include "unit.h"

enum { PROGRAMS = 300, MAX_RELATIONS = 8, LONGEST_RANGE = 10 };

/* ---- known answers ---- */

typedef struct known {
    const char *text;   /* one result, no input */
    const char *tuples;
} known;

static void check_known(ftl_arena *arena, void *user)
{
    const known *k = user;
    ftl_relation *results[MAX_RELATIONS] = {0};
    ftl_rules *r = logic_gen_read(arena, k->text);
    assert_int_equal(ftl_logic_run_naive(r, NULL, ftl_allocator_get_default(), results), FTL_OK);
    for (size_t i = 0; i < r->relations.len; i++)
        if (r->relations.data[i].is_result)
            assert_string_equal(logic_gen_print_tuples(arena, results[i]), k->tuples);
        else
            assert_null(results[i]);
    logic_gen_free_results(r, results);
}

static void test_known(void **state)
{
    (void)state;
#define EDGES "relation E[5, 5] E(0, 1) <- true E(1, 2) <- true E(2, 0) <- true E(3, 4) <- true "
    static const known cases[] = {
        {EDGES "relation P[5, 5] result P(x, y) <- E(x, y) P(x, z) <- P(x, y), E(y, z)",
         "(0, 0) (0, 1) (0, 2) (1, 0) (1, 1) (1, 2) (2, 0) (2, 1) (2, 2) (3, 4)"},
        {EDGES "relation P[5, 5] result P(x, y) <- E(x, y) P(x, z) <- P(x, y), P(y, z)",
         "(0, 0) (0, 1) (0, 2) (1, 0) (1, 1) (1, 2) (2, 0) (2, 1) (2, 2) (3, 4)"},
        {EDGES "relation R[5] result R(3) <- true R(y) <- R(x), E(x, y)", "(3) (4)"},
        {EDGES "relation N[5] result N(x) <- range x < 5, not E(x, _)", "(4)"},
        {EDGES "relation N[5] result N(x) <- E(x, y), not E(y, x), y != 0, y < x + 2",
         "(0) (1) (3)"},
        {EDGES "relation U[5] U(x) <- E(_, x) relation N[5] result N(x) <- E(x, _), not U(x)",
         "(3)"},
        {EDGES "relation T[] result T() <- E(x, y), E(y, z), E(z, x)", "()"},
        {EDGES "relation T[] result T() <- E(x, x)", ""},
        {EDGES "relation T[] relation S[1] result S(0) <- not T() T() <- E(4, _)", "(0)"},
        {EDGES "relation L[2] result L(w) <- E(x, _), let w = 2*x - 1 < 3", "(1)"},
        {EDGES "relation L[5, 9] result L(v, w) <- let w = v + 5 < 8, let v = x < 9, E(x, x2)",
         "(0, 5) (1, 6) (2, 7)"},
        {EDGES "relation L[9] result L(x) <- E(x, _), let x = 2 < 9", "(2)"},
        {EDGES "relation L[9] result L(x) <- E(x, _), 9223372036854775807 + x <= 0", ""},
        {EDGES "relation L[9] result L(x) <- E(x, _), not E(7, x), not E(-1, _), E(3, 4)",
         "(0) (1) (2) (3)"},
        {EDGES "relation L[2, 2] result L(x, x) <- E(x, _) L(5, x) <- E(x, _)",
         "(0, 0) (1, 1)"},
        {"relation A[9] result relation B[9] A(0) <- true B(y) <- A(x), let y = x + 1 < 9 "
         "A(y) <- B(x), let y = 2*x < 9", "(0) (2) (6)"},
        {"relation A[3] result", ""},
    };
    for (size_t i = 0; i < FTL_COUNT(cases); i++) {
        known one = cases[i];
        graph_text_guard(check_known, &one);
    }
}

/* ---- any program ---- */

typedef struct model {
    const ftl_rules *r;
    bool *held[MAX_RELATIONS]; /* by relation, row-major: the tuple is there */
    int64_t value[FTL_RULES_MAX_VARS];
} model;

/* Places k and on of an atom; the ones before them are in cell. */
static bool is_cell_held(const model *m, const ftl_literal *l, uint32_t k, int64_t cell)
{
    const ftl_rules_relation *r = &m->r->relations.data[l->relation];
    if (k == r->arity)
        return m->held[l->relation][cell];
    const ftl_rule_term *t = &l->terms[k];
    for (int64_t place = 0; place < r->extent[k]; place++)
        if ((t->kind == FTL_RULE_ANY ||
             place == (t->kind == FTL_RULE_VAR ? m->value[t->var] : t->place)) &&
            is_cell_held(m, l, k + 1, cell * r->extent[k] + place))
            return true;
    return false;
}

static bool add_up(const model *m, const ftl_rule_sum *s, int64_t *out)
{
    *out = s->offset;
    for (uint32_t i = 0; i < s->n; i++) {
        int64_t product = 0;
        if (__builtin_mul_overflow(s->coef[i], m->value[s->var[i]], &product) ||
            __builtin_add_overflow(*out, product, out))
            return false;
    }
    return true;
}

static bool is_true(const model *m, const ftl_literal *l)
{
    int64_t a = 0, b = 0;
    if (l->kind == FTL_LITERAL_ATOM || l->kind == FTL_LITERAL_NOT)
        return is_cell_held(m, l, 0, 0) == (l->kind == FTL_LITERAL_ATOM);
    if (l->kind == FTL_LITERAL_RANGE)
        return m->value[l->var] < l->extent;
    if (!add_up(m, &l->right, &b))
        return false;
    if (l->kind == FTL_LITERAL_LET)
        return m->value[l->var] == b && b < l->extent;
    if (!add_up(m, &l->left, &a))
        return false;
    bool answers[] = {[FTL_RULE_EQ] = a == b, [FTL_RULE_NE] = a != b, [FTL_RULE_LT] = a < b,
                      [FTL_RULE_LE] = a <= b};
    return answers[l->compare];
}

static bool is_body_true(const model *m, const ftl_rule *rule)
{
    for (uint32_t i = 0; i < rule->n_body; i++)
        if (!is_true(m, &rule->body[i]))
            return false;
    return true;
}

/* True when the tuple of the head was not there. */
static bool take_head(model *m, const ftl_rule *rule)
{
    const ftl_rules_relation *r = &m->r->relations.data[rule->head];
    int64_t cell = 0;
    for (uint32_t k = 0; k < r->arity; k++) {
        const ftl_rule_term *t = &rule->terms[k];
        int64_t place = t->kind == FTL_RULE_VAR ? m->value[t->var] : t->place;
        if (place < 0 || place >= r->extent[k])
            return false;
        cell = cell * r->extent[k] + place;
    }
    bool is_new = !m->held[rule->head][cell];
    m->held[rule->head][cell] = true;
    return is_new;
}

/* All assignments: no variable of the generator's programs goes beyond LONGEST_RANGE. */
static bool count_up(model *m, uint32_t n)
{
    for (uint32_t v = 0; v < n; v++) {
        if (++m->value[v] < LONGEST_RANGE)
            return true;
        m->value[v] = 0;
    }
    return false;
}

static bool ask_rule(model *m, const ftl_rule *rule)
{
    bool is_new = false;
    memset(m->value, 0, sizeof m->value);
    do
        if (is_body_true(m, rule))
            is_new = take_head(m, rule) || is_new;
    while (count_up(m, rule->n_vars));
    return is_new;
}

static void fill_model(model *m, ftl_arena *arena)
{
    ftl_rules_strata strata = ftl_rules_find_strata(m->r, arena);
    for (size_t i = 0; i < strata.len; i++) {
        bool is_new = true;
        while (is_new) {
            is_new = false;
            for (size_t k = 0; k < strata.data[i].rules.len; k++)
                is_new = ask_rule(m, &m->r->rules.data[strata.data[i].rules.data[k]]) || is_new;
        }
    }
}

static void start_model(model *m, ftl_arena *arena, const logic_gen *gen)
{
    m->r = gen->rules;
    for (size_t i = 0; i < gen->rules->relations.len; i++) {
        ftl_rules_relation *r = &gen->rules->relations.data[i];
        size_t cells = 1;
        for (uint32_t k = 0; k < r->arity; k++)
            cells *= (size_t)r->extent[k];
        m->held[i] = FTL_NEW_ARRAY(arena, bool, cells);
        if (r->input >= 0)
            ftl_relation_to_dense(gen->inputs[r->input], (uint8_t *)m->held[i]);
    }
}

static void compare_model(ftl_arena *arena, const model *m, const logic_gen *gen,
                          ftl_relation **results, uint64_t seed)
{
    for (size_t i = 0; i < gen->rules->relations.len; i++) {
        const ftl_rules_relation *r = &gen->rules->relations.data[i];
        ftl_tensor *t = NULL;
        ftl_tensor_bytes bytes = {.dtype = FTL_DTYPE_BOOL, .rank = r->arity, .shape = r->extent,
                                  .data = m->held[i]};
        ftl_relation *wanted = NULL;
        assert_int_equal(ftl_tensor_wrap(ftl_allocator_get_default(), &bytes, &t), FTL_OK);
        assert_int_equal(ftl_relation_from_tensor(ftl_allocator_get_default(), t, &wanted),
                         FTL_OK);
        if (!ftl_relation_is_equal(results[i], wanted))
            fail_msg("seed %llu: relation %zu is\n%s\nwanted\n%s\nin\n%s",
                     (unsigned long long)seed, i, logic_gen_print_tuples(arena, results[i]),
                     logic_gen_print_tuples(arena, wanted), logic_gen_print(arena, gen));
        ftl_relation_release(wanted);
        ftl_tensor_release(t);
    }
}

static void check_model(ftl_arena *arena, void *user)
{
    uint64_t seed = *(uint64_t *)user;
    logic_gen gen = logic_gen_make(arena, seed);
    ftl_relation *results[MAX_RELATIONS] = {0};
    model m = {0};
    for (size_t i = 0; i < gen.rules->relations.len; i++)
        gen.rules->relations.data[i].is_result = true;
    assert_int_equal(ftl_logic_run_naive(gen.rules, gen.inputs, ftl_allocator_get_default(),
                                         results), FTL_OK);
    start_model(&m, arena, &gen);
    fill_model(&m, arena);
    compare_model(arena, &m, &gen, results, seed);
    logic_gen_free_results(gen.rules, results);
    logic_gen_free(&gen);
}

/* All memory comes back, whichever call fails. */
static void check_memory(ftl_arena *arena, void *user)
{
    uint64_t seed = *(uint64_t *)user;
    logic_gen gen = logic_gen_make(arena, seed);
    ftl_status status = FTL_ERR_MEMORY;
    for (size_t fail_at = 1; status != FTL_OK; fail_at++) {
        unit_heap heap;
        ftl_relation *results[MAX_RELATIONS] = {0};
        unit_heap_init(&heap);
        heap.fail_at = fail_at;
        status = ftl_logic_run_naive(gen.rules, gen.inputs, &heap.alloc, results);
        assert_true(status == FTL_OK || status == FTL_ERR_MEMORY);
        for (size_t i = 0; i < gen.rules->relations.len && status != FTL_OK; i++)
            assert_null(results[i]);
        logic_gen_free_results(gen.rules, results);
        assert_int_equal(heap.live_blocks, 0);
    }
    logic_gen_free(&gen);
}

static void test_memory(void **state)
{
    (void)state;
    for (uint64_t seed = 1000; seed < 1020; seed++)
        graph_text_guard(check_memory, &seed);
}

static void test_random(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < PROGRAMS; seed++)
        graph_text_guard(check_model, &seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
