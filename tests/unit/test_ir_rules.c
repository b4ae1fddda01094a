/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules as data: what the checks refuse and where, strata in their order, text and back for random
 * programs and for texts that were damaged.
 */
#include "graph_text.h"
#include "logic_gen.h"
#include "unit.h"

#include <stdlib.h>

enum { PROGRAMS = 1000, DAMAGES = 6, LONG_CHAIN = 50000 };

static ftl_rules *try_read(ftl_arena *arena, const char *text, size_t len, ftl_diags *diags)
{
    ftl_intern *names = FTL_NEW(arena, ftl_intern);
    ftl_intern_init(names, arena);
    ftl_diags_init(diags, arena);
    uint32_t file = ftl_diags_add_source(diags, "test.rules", text, len);
    return ftl_rules_read(arena, names, diags, file);
}

static const char *dump(ftl_arena *arena, const ftl_rules *r)
{
    ftl_strbuf out;
    ftl_strbuf_init(&out, arena);
    ftl_rules_dump(r, &out);
    return ftl_strbuf_get(&out);
}

/* ---- what is refused ---- */

typedef struct refusal {
    const char *text, *message;
    unsigned line, col;
} refusal;

static void check_refusal(ftl_arena *arena, void *user)
{
    const refusal *c = user;
    ftl_diags diags;
    unsigned line = 0, col = 0;
    assert_null(try_read(arena, c->text, strlen(c->text), &diags));
    assert_int_equal(diags.errors, 1);
    const ftl_diag *d = diags.list.data[0];
    if (!strstr(d->message, c->message))
        fail_msg("'%s' lacks '%s'", d->message, c->message);
    ftl_diags_locate(&diags, d->span, &line, &col);
    assert_int_equal(line, c->line);
    assert_int_equal(col, c->col);
}

static void test_refusals(void **state)
{
    (void)state;
#define AB "relation A[3]\nrelation B[3, 3]\n"
    static const refusal cases[] = {
        {AB "A(x) <- B(x, y),\n  C(y)", "is not declared", 4, 4},
        {AB "A(x) <- $2(x)", "is not declared", 3, 11},
        {AB "relation A[2]\nA(x) <- B(x, _)", "several relations have this name", 4, 2},
        {AB "A(x) <- B(x)", "expected ','", 3, 12},
        {AB "A(x) <- B(x, y, z)", "expected ')'", 3, 15},
        {AB "A(x) <- ", "expected a name", 3, 9},
        {AB "A(x) <- A(x) A", "expected '('", 3, 15},
        {AB "A(x) <- A(x), x ! 3", "expected '(' or a comparison", 3, 17},
        {AB "A(x) <- A(x), x < 9223372036854775808", "too large", 3, 38},
        {AB "A(x) <- A(x), x < 9223372036854775807 + 1", "out of range", 3, 42},
        {AB "A(x) <- A(x), range y < -1", "out of range", 3, 1},
        {AB "A(x) <- A(x), range y < 4294967296", "out of range", 3, 1},
        {AB "A(x) <- true", "variable 'x' of the head is bound by no", 3, 1},
        {AB "\nA(x) <- A(x), not B(x, q)", "'q' of a negated atom is bound by no", 4, 1},
        {AB "A(x) <- A(x), $4 < 2", "'$1' of a comparison is bound by no", 3, 1},
        {AB "A(x) <- let x = y + 1 < 3, let y = x - 1 < 3", "'x' of the head", 3, 1},
        {AB "A(_) <- true", "no variable and no place", 3, 1},
        {AB "A(0) <- not A(0)", "for A: a relation depends on its own negation: A needs not A",
         3, 1},
        {AB "A(x) <- B(x, _)\nB(x, x) <- A(x), not A(1)",
         "B needs not A, A needs B", 4, 1},
        {AB "vars(x, x) A(x) <- A(x)", "listed twice", 3, 10},
        {AB "A(0) <- true @4:1:2", "expected ':'", 3, 20},
        {"relation A[4294967296]", "an extent is out of range", 1, 22},
        {"relation A[-1]", "out of range", 1, 14},
        {"relation A[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "too many columns", 1, 44},
        {"relation not[1]", "expected a name", 1, 10},
        {"relation A[1] input 2147483648", "out of range", 1, 31},
        {"relation \"a\\q\"[]", "bad escape", 1, 13},
        {"relation A[] }", "expected a relation, a rule or the end", 1, 14},
    };
    for (size_t i = 0; i < FTL_COUNT(cases); i++) {
        refusal one = cases[i];
        graph_text_guard(check_refusal, &one);
    }
}

static void check_bad_data(ftl_arena *arena, void *user)
{
    (void)user;
    ftl_rules *r = logic_gen_read(arena, "relation A[3] relation B[3] "
                                         "B(x) <- A(x), x < 2*x, let y = x < 3, not A(y)");
    assert_null(ftl_rules_check(r, arena));
    ftl_rule *rule = &r->rules.data[0];
#define BREAKS(place, bad)                                                                         \
    do {                                                                                           \
        __typeof__(place) before = (place);                                                        \
        (place) = (bad);                                                                           \
        assert_non_null(ftl_rules_check(r, arena));                                                \
        (place) = before;                                                                          \
        assert_null(ftl_rules_check(r, arena));                                                    \
    } while (0)
    BREAKS(rule->head, 2);
    BREAKS(rule->n_vars, FTL_RULES_MAX_VARS + 1);
    BREAKS(rule->n_vars, 1);
    BREAKS(rule->terms[0].kind, FTL_RULE_ANY);
    BREAKS(rule->body[0].relation, 7);
    BREAKS(rule->body[0].kind, (ftl_literal_kind)9);
    BREAKS(rule->body[0].terms[0].kind, (ftl_rule_term_kind)9);
    BREAKS(rule->body[1].right.coef[0], 0);
    BREAKS(rule->body[1].right.var[0], 5);
    BREAKS(rule->body[1].compare, (ftl_rule_compare)4);
    BREAKS(rule->body[2].var, 2);
    BREAKS(r->relations.data[0].input, -2);
    BREAKS(r->relations.data[0].arity, FTL_RULES_MAX_ARITY + 1);
}

static void test_bad_data(void **state)
{
    (void)state;
    graph_text_guard(check_bad_data, NULL);
}

/* ---- strata ---- */

static const char *print_strata(ftl_arena *arena, const ftl_rules *r)
{
    ftl_rules_strata strata = ftl_rules_find_strata(r, arena);
    ftl_strbuf out;
    ftl_strbuf_init(&out, arena);
    for (size_t i = 0; i < strata.len; i++) {
        const ftl_rules_stratum *s = &strata.data[i];
        for (size_t k = 0; k < s->relations.len; k++)
            ftl_strbuf_puts(&out, r->relations.data[s->relations.data[k]].name);
        for (size_t k = 0; k < s->rules.len; k++)
            ftl_strbuf_printf(&out, "%u", s->rules.data[k]);
        ftl_strbuf_puts(&out, s->is_recursive ? "* " : " ");
    }
    return ftl_strbuf_get(&out);
}

static void check_strata(ftl_arena *arena, void *user)
{
    (void)user;
    ftl_rules *r = logic_gen_read(
        arena, "relation A[9] relation B[9] relation C[9] relation D[9] relation E[9] input 0 "
               "A(x) <- B(x), not D(x) B(x) <- C(x) C(x) <- B(x), E(x) B(x) <- E(x) "
               "D(x) <- D(x) D(1) <- true A(0) <- B(0)");
    assert_string_equal(print_strata(arena, r), "BC123* D45* A06 ");
    r = logic_gen_read(arena, "relation A[] relation B[] relation C[] relation D[] "
                              "A() <- B() B() <- C() C() <- A(), D()");
    assert_string_equal(print_strata(arena, r), "ABC012* ");
    r = logic_gen_read(arena, "relation A[] input 0");
    assert_string_equal(print_strata(arena, r), "");
}

static void test_strata(void **state)
{
    (void)state;
    graph_text_guard(check_strata, NULL);
}

/* Each relation needs the next one; with is_closed the last one the first. */
static void check_chain(ftl_arena *arena, void *user)
{
    bool is_closed = *(bool *)user;
    ftl_strbuf text;
    ftl_strbuf_init(&text, arena);
    for (unsigned i = 0; i < LONG_CHAIN; i++)
        ftl_strbuf_printf(&text, "relation R%u[]\n", i);
    for (unsigned i = 0; i + 1 < LONG_CHAIN; i++)
        ftl_strbuf_printf(&text, "R%u() <- R%u()\n", i, i + 1);
    ftl_strbuf_printf(&text, "R%u() <- %s\n", LONG_CHAIN - 1, is_closed ? "R0()" : "true");
    ftl_rules *r = logic_gen_read(arena, ftl_strbuf_get(&text));
    ftl_rules_strata strata = ftl_rules_find_strata(r, arena);
    assert_int_equal(strata.len, is_closed ? 1 : LONG_CHAIN);
    for (uint32_t i = 0; i < strata.len && !is_closed; i++)
        assert_int_equal(strata.data[i].rules.data[0], LONG_CHAIN - 1 - i);
    ftl_strbuf_puts(&text, "R0() <- not R1()");
    ftl_diags diags;
    ftl_rules *bad = try_read(arena, ftl_strbuf_get(&text), text.len, &diags);
    assert_int_equal(bad == NULL, is_closed);
    if (is_closed)
        assert_true(strlen(diags.list.data[0]->message) < 1000);
}

static void test_deep_strata(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        bool is_closed = i;
        graph_text_guard(check_chain, &is_closed);
    }
}

/* ---- text ---- */

static void check_text(ftl_arena *arena, void *user)
{
    uint64_t seed = *(uint64_t *)user;
    logic_gen gen = logic_gen_make(arena, seed);
    const char *text = dump(arena, gen.rules);
    ftl_rules *again = logic_gen_read(arena, text);
    if (!ftl_rules_is_equal(gen.rules, again))
        fail_msg("seed %llu: not equal:\n%s", (unsigned long long)seed, text);
    assert_string_equal(dump(arena, again), text);
    for (size_t i = 0; i < again->rules.len; i++) {
        const ftl_rule *a = &gen.rules->rules.data[i], *b = &again->rules.data[i];
        assert_int_equal(a->equation, b->equation);
        assert_memory_equal(&a->span, &b->span, sizeof a->span);
    }
    logic_gen_free(&gen);
}

static void test_text(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < PROGRAMS; seed++)
        graph_text_guard(check_text, &seed);
}

static void check_form(ftl_arena *arena, void *user)
{
    (void)user;
    const char *text = "relation Edge[5000, 5000] input 0\n"
                       "relation Path[5000, 5000] result\n"
                       "relation \"my \\\"rel\"[] input 0 result\n"
                       "relation _[3]\n"
                       "relation twice[1]\n"
                       "relation twice[2]\n"
                       "Path(x, z) <- Path(x, y), Edge(y, z), x != z, let w = y + 1 < 5000, "
                       "range q < 10 @3\n"
                       "vars(b, $1, a) $3(a) <- -2*b - a - 9223372036854775808 <= -b + 3, "
                       "Edge(a, b) @0:1:2:3\n"
                       "\"my \\\"rel\"() <- true\n"
                       "$5(\"let\") <- $4(\"let\"), not Path(_, \"let\"), 0 = 0, Edge(-3, _), "
                       "\"let\" < -5\n";
    ftl_rules *r = logic_gen_read(arena, text);
    assert_string_equal(dump(arena, r), text);
    ftl_rules *other = logic_gen_read(arena, "# words\nrelation E[2]relation P[2]P(y)<-E(y),"
                                             "y+1-2*y<=y+0,y<-1 #end");
    assert_string_equal(dump(arena, other), "relation E[2]\nrelation P[2]\n"
                                            "P(y) <- E(y), -y + 1 <= y, y < -1\n");
    assert_false(ftl_rules_is_equal(r, other));
}

static void test_form(void **state)
{
    (void)state;
    graph_text_guard(check_form, NULL);
}

static void check_part(ftl_arena *arena, void *user)
{
    (void)user;
    static const char text[] = "{ relation A[2] A(0) <- true } after";
    ftl_intern names;
    ftl_diags diags;
    size_t pos = 1;
    ftl_intern_init(&names, arena);
    ftl_diags_init(&diags, arena);
    ftl_rules_text part = {.arena = arena, .names = &names,
                           .file = ftl_diags_add_source(&diags, "t", text, sizeof text - 1)};
    ftl_rules *r = ftl_rules_read_part(&part, &diags, &pos);
    assert_non_null(r);
    assert_int_equal(r->rules.len, 1);
    assert_string_equal(text + pos, "} after");
}

static void test_part(void **state)
{
    (void)state;
    graph_text_guard(check_part, NULL);
}

/* Every change of one rule shows. */
static void check_equality(ftl_arena *arena, void *user)
{
    static const char *const texts[] = {
        "A(x) <- B(x, y)",          "A(y) <- B(y, x)",       "A(y) <- B(x, y)",
        "A(x) <- B(x, _)",          "A(x) <- B(x, 1)",       "A(x) <- B(x, 2)",
        "A(x) <- B(x, y), x = y",   "A(x) <- B(x, y), x < y", "A(x) <- B(x, y), x < 2*y",
        "A(x) <- B(x, y), x < y + 1", "A(x) <- B(x, y), range x < 2",
        "A(x) <- B(x, y), range x < 3", "A(x) <- B(x, y), let x = y < 3",
        "A(x) <- B(x, y), let x = y < 4", "A(x) <- B(x, y), not C(x)", "A(x) <- B(x, y), C(x)",
        "C(x) <- B(x, y)", "vars(x, y, z) A(x) <- B(x, y)",
        "A(x) <- B(x, y) A(x) <- B(x, y)"};
    (void)user;
    ftl_rules *all[FTL_COUNT(texts)];
    for (size_t i = 0; i < FTL_COUNT(texts); i++)
        all[i] = logic_gen_read(arena, ftl_arena_printf(arena, "relation A[3] relation B[3, 3] "
                                                        "relation C[3] %s", texts[i]));
    for (size_t i = 0; i < FTL_COUNT(texts); i++)
        for (size_t k = 0; k < FTL_COUNT(texts); k++) {
            bool same = i == k || i + k == 1;
            if (ftl_rules_is_equal(all[i], all[k]) != same)
                fail_msg("'%s' and '%s'", texts[i], texts[k]);
        }
}

static void test_equality(void **state)
{
    (void)state;
    graph_text_guard(check_equality, NULL);
}

/* ---- damaged texts ---- */

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Takes some bytes out at a place and puts others in; room for 64 more. */
static size_t damage(char *text, size_t len, uint64_t *random)
{
    static const char *const pieces[] = {"",    "(",    ")",     ",",    "_",   "$0", "$1", "-",
                                         "9",   "not ", "let ",  "x",    "y",   "<-", "<",  "=",
                                         "\"",  "\\",   "range", "true", "@",   ":",  "*",  "#",
                                         "[",   "]",    "\n",    "vars(", "A",  "}",  "99999999999",
                                         "relation ", "\x80", "input 1", "A(x) <- A(x)\n"};
    const char *piece = pieces[draw(random) % FTL_COUNT(pieces)];
    size_t at = draw(random) % (len + 1), out = draw(random) % 4, in = strlen(piece);
    if (out > len - at)
        out = len - at;
    memmove(text + at + in, text + at + out, len - at - out);
    memcpy(text + at, piece, in);
    return len - out + in;
}

static void check_damaged(ftl_arena *arena, void *user)
{
    uint64_t random = *(uint64_t *)user;
    logic_gen gen = logic_gen_make(arena, random);
    const char *text = dump(arena, gen.rules);
    for (int i = 0; i < DAMAGES; i++) {
        size_t len = strlen(text), times = 1 + draw(&random) % 3;
        char *copy = malloc(len + 3 * 64);
        ftl_diags diags;
        assert_non_null(copy);
        memcpy(copy, text, len);
        while (times-- > 0)
            len = damage(copy, len, &random);
        char *exact = malloc(len + 1);
        assert_non_null(exact);
        memcpy(exact, copy, len);
        exact[len] = '\0';
        ftl_rules *r = try_read(arena, exact, len, &diags);
        assert_int_equal(r == NULL, diags.errors > 0);
        if (r) {
            assert_null(ftl_rules_check(r, arena));
            assert_true(ftl_rules_is_equal(logic_gen_read(arena, dump(arena, r)), r));
        }
        free(exact);
        free(copy);
    }
    logic_gen_free(&gen);
}

static void test_damaged_texts(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < PROGRAMS; seed++)
        graph_text_guard(check_damaged, &seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_bad_data),
        cmocka_unit_test(test_strata),
        cmocka_unit_test(test_deep_strata),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_part),
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_damaged_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
