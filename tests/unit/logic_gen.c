/* SPDX-License-Identifier: Apache-2.0
 *
 * Each relation has a level; a rule's atoms are of its head's level or below and its negated atoms
 * below, so that negation is stratified and recursion of every kind comes up. A body is made in an
 * order in which variables are bound and shuffled at the end.
 */
#include "logic_gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    MAX_RELATIONS = 6,
    MAX_RULES = 8,
    MAX_LITERALS = 5,
    MAX_VARS = 5,
    MAX_EXTENT = 7,
    MOST_TUPLES = 120,   /* that a relation could hold */
    MOST_STEPS = 40000   /* of a rule's nested loops, about */
};

typedef struct generator {
    ftl_arena *arena;
    uint64_t random;
    ftl_rules *rules;
    uint32_t level[MAX_RELATIONS];
    int64_t domain[2];
    /* of the rule that is made */
    ftl_literal body[MAX_LITERALS];
    uint32_t n_body, n_vars;
    uint64_t bound; /* variables, as bits */
    int64_t steps;
} generator;

/* ---- random choices: splitmix64 ---- */

static uint64_t draw(generator *g)
{
    uint64_t z = g->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint32_t below(generator *g, uint32_t n)
{
    return (uint32_t)(draw(g) % n);
}

/* True once in n times. */
static bool is_rare(generator *g, uint32_t n)
{
    return below(g, n) == 0;
}

/* ---- relations ---- */

static int64_t count_places(const ftl_rules_relation *r)
{
    int64_t count = 1;
    for (uint32_t k = 0; k < r->arity; k++)
        count *= r->extent[k];
    return count;
}

static void make_relation(generator *g)
{
    static const char *const names[MAX_RELATIONS] = {"A", "B", "C", "D", "odd name", NULL};
    static const uint32_t arities[] = {0, 1, 1, 2, 2, 2, 2, 3, 3, 4};
    size_t i = g->rules->relations.len;
    ftl_rules_relation *r = FTL_VEC_PUSH(g->arena, &g->rules->relations);
    int64_t *extent = FTL_NEW_ARRAY(g->arena, int64_t, 4);
    *r = (ftl_rules_relation){.name = names[i], .extent = extent, .input = -1,
                              .arity = arities[below(g, FTL_COUNT(arities))],
                              .is_result = !is_rare(g, 5)};
    for (uint32_t k = 0; k < r->arity; k++)
        extent[k] = is_rare(g, 5) ? 1 + below(g, MAX_EXTENT) : g->domain[is_rare(g, 4)];
    while (count_places(r) > MOST_TUPLES)
        r->arity--;
    g->level[i] = below(g, 3);
}

static ftl_relation *make_input(generator *g, const ftl_rules_relation *r)
{
    static uint32_t places[4][MOST_TUPLES];
    const uint32_t *column[4] = {places[0], places[1], places[2], places[3]};
    int64_t n = 0, count = count_places(r);
    uint32_t density = below(g, 5);
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i;
        if (density < 4 && below(g, 8) >= density * density)
            continue;
        for (uint32_t k = r->arity; k-- > 0; rest /= r->extent[k])
            places[k][n] = (uint32_t)(rest % r->extent[k]);
        n++;
    }
    ftl_relation *out = NULL;
    ftl_relation_spec spec = {.arity = r->arity, .n = n, .extent = r->extent, .column = column};
    assert_int_equal(ftl_relation_new(ftl_allocator_get_default(), &spec, &out), FTL_OK);
    return out;
}

static bool has_shape(const ftl_rules_relation *a, const ftl_relation *b)
{
    bool same = a->arity == b->arity;
    for (uint32_t k = 0; k < a->arity && same; k++)
        same = a->extent[k] == b->extent[k];
    return same;
}

static void make_inputs(generator *g, logic_gen *gen)
{
    gen->inputs = FTL_NEW_ARRAY(g->arena, ftl_relation *, MAX_RELATIONS);
    for (size_t i = 0; i < g->rules->relations.len; i++) {
        ftl_rules_relation *r = &g->rules->relations.data[i];
        if (is_rare(g, 3))
            continue;
        uint32_t last = gen->n_inputs - 1;
        if (gen->n_inputs > 0 && is_rare(g, 3) && has_shape(r, gen->inputs[last])) {
            r->input = (int32_t)last;
            continue;
        }
        r->input = (int32_t)gen->n_inputs;
        gen->inputs[gen->n_inputs++] = make_input(g, r);
    }
}

/* ---- terms and sums ---- */

static int64_t draw_place(generator *g, int64_t extent)
{
    static const int64_t odd[] = {-1, INT64_MIN, INT64_MAX, (int64_t)1 << 32, UINT32_MAX};
    if (!is_rare(g, 8))
        return below(g, (uint32_t)extent);
    return is_rare(g, 2) ? extent : odd[below(g, FTL_COUNT(odd))];
}

static uint32_t draw_bound(generator *g)
{
    uint32_t var = below(g, g->n_vars);
    while (!(g->bound >> var & 1))
        var = (var + 1) % g->n_vars;
    return var;
}

static ftl_rule_term draw_term(generator *g, int64_t extent, bool only_bound, bool has_any)
{
    ftl_rule_term t = {.kind = FTL_RULE_ANY};
    if (has_any && is_rare(g, 7))
        return t;
    if (is_rare(g, 8) || (only_bound && !g->bound)) {
        t.kind = FTL_RULE_PLACE;
        t.place = draw_place(g, extent);
        return t;
    }
    t.kind = FTL_RULE_VAR;
    t.var = only_bound ? draw_bound(g) : below(g, g->n_vars);
    return t;
}

/* Of bound variables. */
static ftl_rule_sum draw_sum(generator *g, uint32_t most)
{
    static const int64_t huge[] = {INT64_MAX, INT64_MIN, INT64_MAX - 3, INT64_MAX / 2};
    ftl_rule_sum s = {.var = FTL_NEW_ARRAY(g->arena, uint32_t, MAX_VARS),
                      .coef = FTL_NEW_ARRAY(g->arena, int64_t, MAX_VARS)};
    for (uint32_t v = 0; v < g->n_vars && s.n < most; v++) {
        if (!(g->bound >> v & 1) || is_rare(g, 2))
            continue;
        static const int64_t coefs[] = {1, 1, 1, -1, 2, -2, 3};
        s.var[s.n] = v;
        s.coef[s.n++] = is_rare(g, 40) ? huge[below(g, 4)] : coefs[below(g, FTL_COUNT(coefs))];
    }
    if (is_rare(g, 30))
        s.offset = huge[below(g, 4)];
    else if (s.n == 0 || is_rare(g, 2))
        s.offset = (int64_t)below(g, 12) - 4;
    return s;
}

/* ---- literals ---- */

/* A relation of the level at most; UINT32_MAX: none. */
static uint32_t draw_relation(generator *g, uint32_t level)
{
    uint32_t n = (uint32_t)g->rules->relations.len, at = below(g, n);
    for (uint32_t i = 0; i < n; i++, at = (at + 1) % n)
        if (g->level[at] <= level)
            return at;
    return UINT32_MAX;
}

static void add_literal(generator *g, ftl_literal l)
{
    g->body[g->n_body++] = l;
}

static void add_atom(generator *g, uint32_t head)
{
    uint32_t relation = is_rare(g, 3) ? head : draw_relation(g, g->level[head]);
    const ftl_rules_relation *r = &g->rules->relations.data[relation];
    ftl_literal l = {.kind = FTL_LITERAL_ATOM, .relation = relation,
                     .terms = FTL_NEW_ARRAY(g->arena, ftl_rule_term, r->arity)};
    if (g->steps * (1 + count_places(r)) > MOST_STEPS)
        return;
    g->steps *= 1 + count_places(r);
    uint64_t binds = 0;
    for (uint32_t k = 0; k < r->arity; k++) {
        l.terms[k] = draw_term(g, r->extent[k], false, true);
        if (l.terms[k].kind == FTL_RULE_VAR)
            binds |= (uint64_t)1 << l.terms[k].var;
    }
    g->bound |= binds;
    add_literal(g, l);
}

static void add_not(generator *g, uint32_t head)
{
    uint32_t level = g->level[head];
    uint32_t relation = level > 0 ? draw_relation(g, level - 1) : UINT32_MAX;
    if (relation == UINT32_MAX)
        return;
    const ftl_rules_relation *r = &g->rules->relations.data[relation];
    ftl_literal l = {.kind = FTL_LITERAL_NOT, .relation = relation,
                     .terms = FTL_NEW_ARRAY(g->arena, ftl_rule_term, r->arity)};
    for (uint32_t k = 0; k < r->arity; k++)
        l.terms[k] = draw_term(g, r->extent[k], true, true);
    add_literal(g, l);
}

static void add_compare(generator *g)
{
    ftl_literal l = {.kind = FTL_LITERAL_COMPARE, .compare = (ftl_rule_compare)below(g, 4)};
    if (is_rare(g, 4))
        l.compare = FTL_RULE_NE;
    l.left = draw_sum(g, 1 + below(g, 2));
    l.right = draw_sum(g, 1 + below(g, 2));
    add_literal(g, l);
}

/* A variable that may be bound already: then it is a check. */
static void add_let(generator *g)
{
    ftl_literal l = {.kind = FTL_LITERAL_LET, .var = below(g, g->n_vars),
                     .extent = below(g, MAX_EXTENT + 3), .right = draw_sum(g, 3)};
    g->bound |= (uint64_t)1 << l.var;
    add_literal(g, l);
}

static void add_range(generator *g)
{
    ftl_literal l = {.kind = FTL_LITERAL_RANGE, .var = below(g, g->n_vars),
                     .extent = below(g, MAX_EXTENT + 2)};
    if (g->steps * (1 + l.extent) > MOST_STEPS)
        return;
    g->steps *= 1 + l.extent;
    g->bound |= (uint64_t)1 << l.var;
    add_literal(g, l);
}

static void add_other(generator *g, uint32_t head)
{
    switch (below(g, 8)) {
    case 0:
    case 1:
        add_compare(g);
        break;
    case 2:
    case 3:
        add_let(g);
        break;
    case 4:
        add_range(g);
        break;
    case 5:
        add_atom(g, head);
        break;
    default:
        add_not(g, head);
        break;
    }
}

/* ---- rules ---- */

static void shuffle(generator *g)
{
    for (uint32_t i = g->n_body; i-- > 1;) {
        uint32_t k = below(g, i + 1);
        ftl_literal l = g->body[i];
        g->body[i] = g->body[k];
        g->body[k] = l;
    }
}

static const char **make_vars(generator *g)
{
    static const char *const names[MAX_VARS] = {"x", "y", "z", "not", NULL};
    const char **vars = FTL_NEW_ARRAY(g->arena, const char *, MAX_VARS);
    uint32_t first = is_rare(g, 4) ? below(g, MAX_VARS) : 0;
    for (uint32_t i = 0; i < MAX_VARS; i++)
        vars[i] = names[(first + i) % MAX_VARS];
    if (is_rare(g, 10))
        vars[1] = vars[0];
    return vars;
}

static void make_rule(generator *g)
{
    uint32_t head = below(g, (uint32_t)g->rules->relations.len);
    uint32_t n_atoms = is_rare(g, 12) ? 0 : 1 + below(g, 3), n_others = below(g, 3);
    const ftl_rules_relation *r = &g->rules->relations.data[head];
    g->n_body = 0;
    g->bound = 0;
    g->steps = 1;
    g->n_vars = 1 + below(g, MAX_VARS);
    for (uint32_t i = 0; i < n_atoms; i++)
        add_atom(g, head);
    for (uint32_t i = 0; i < n_others; i++)
        add_other(g, head);
    ftl_rule rule = {.head = head, .n_body = g->n_body, .n_vars = g->n_vars,
                     .terms = FTL_NEW_ARRAY(g->arena, ftl_rule_term, r->arity),
                     .body = FTL_NEW_ARRAY(g->arena, ftl_literal, MAX_LITERALS),
                     .vars = is_rare(g, 6) ? NULL : make_vars(g), .equation = below(g, 3)};
    for (uint32_t k = 0; k < r->arity; k++)
        rule.terms[k] = draw_term(g, r->extent[k], true, false);
    if (is_rare(g, 6))
        rule.span = (ftl_span){.file = 1, .off = below(g, 100), .len = below(g, 20)};
    shuffle(g);
    memcpy(rule.body, g->body, sizeof g->body);
    *FTL_VEC_PUSH(g->arena, &g->rules->rules) = rule;
}

logic_gen logic_gen_make(ftl_arena *arena, uint64_t seed)
{
    generator g = {.arena = arena, .random = seed, .rules = ftl_rules_new(arena)};
    logic_gen gen = {.rules = g.rules};
    uint32_t n_relations = 1 + below(&g, MAX_RELATIONS), n_rules = 1 + below(&g, MAX_RULES);
    g.domain[0] = 1 + below(&g, MAX_EXTENT);
    g.domain[1] = 1 + below(&g, MAX_EXTENT);
    for (uint32_t i = 0; i < n_relations; i++)
        make_relation(&g);
    for (uint32_t i = 0; i < n_rules; i++)
        make_rule(&g);
    const char *wrong = ftl_rules_check(g.rules, arena);
    if (wrong)
        fail_msg("seed %llu: %s", (unsigned long long)seed, wrong);
    make_inputs(&g, &gen);
    return gen;
}

void logic_gen_free(const logic_gen *gen)
{
    for (uint32_t i = 0; i < gen->n_inputs; i++)
        ftl_relation_release(gen->inputs[i]);
}

/* ---- wide ---- */

static const int64_t *widen(ftl_arena *arena, const int64_t *wide, const int64_t *extent,
                            uint32_t arity)
{
    int64_t *out = FTL_NEW_ARRAY(arena, int64_t, arity);
    for (uint32_t k = 0; k < arity; k++)
        out[k] = wide[extent[k]];
    return out;
}

void logic_gen_widen(ftl_arena *arena, logic_gen *gen, uint64_t seed)
{
    static const int64_t extents[] = {5000, 1 << 20, (int64_t)UINT32_MAX};
    generator g = {.random = ~seed};
    int64_t wide[MAX_EXTENT + 1];
    for (uint32_t e = 0; e <= MAX_EXTENT; e++)
        wide[e] = is_rare(&g, 5) ? e : extents[below(&g, FTL_COUNT(extents))];
    for (size_t i = 0; i < gen->rules->relations.len; i++) {
        ftl_rules_relation *r = &gen->rules->relations.data[i];
        r->extent = widen(arena, wide, r->extent, r->arity);
    }
    for (uint32_t i = 0; i < gen->n_inputs; i++) {
        ftl_relation *from = gen->inputs[i];
        ftl_relation_spec spec = {.arity = from->arity, .n = from->n,
                                  .extent = widen(arena, wide, from->extent, from->arity),
                                  .column = (const uint32_t *const *)from->column};
        assert_int_equal(ftl_relation_new(ftl_allocator_get_default(), &spec, &gen->inputs[i]),
                         FTL_OK);
        ftl_relation_release(from);
    }
}

/* ---- messages ---- */

const char *logic_gen_print_tuples(ftl_arena *arena, const ftl_relation *r)
{
    ftl_strbuf out;
    ftl_strbuf_init(&out, arena);
    for (int64_t i = 0; i < r->n; i++) {
        ftl_strbuf_puts(&out, i > 0 ? " (" : "(");
        for (uint32_t k = 0; k < r->arity; k++)
            ftl_strbuf_printf(&out, "%s%u", k > 0 ? ", " : "", r->column[k][i]);
        ftl_strbuf_putc(&out, ')');
    }
    return ftl_strbuf_get(&out);
}

const char *logic_gen_print(ftl_arena *arena, const logic_gen *gen)
{
    ftl_strbuf out;
    ftl_strbuf_init(&out, arena);
    ftl_rules_dump(gen->rules, &out);
    for (uint32_t i = 0; i < gen->n_inputs; i++)
        ftl_strbuf_printf(&out, "input %u: %s\n", i,
                          logic_gen_print_tuples(arena, gen->inputs[i]));
    return ftl_strbuf_get(&out);
}

const char *logic_gen_compare(ftl_arena *arena, const ftl_rules *rules,
                              ftl_relation *const *got, ftl_relation *const *wanted)
{
    for (size_t i = 0; i < rules->relations.len; i++) {
        const char *name = rules->relations.data[i].name;
        if (!rules->relations.data[i].is_result)
            continue;
        if (!got[i] || !wanted[i])
            return ftl_arena_printf(arena, "%s is missing", name ? name : "the last relation");
        if (!ftl_relation_is_equal(got[i], wanted[i]))
            return ftl_arena_printf(arena, "%s is\n%s\nwanted\n%s",
                                    name ? name : "the last relation",
                                    logic_gen_print_tuples(arena, got[i]),
                                    logic_gen_print_tuples(arena, wanted[i]));
    }
    return NULL;
}

void logic_gen_free_results(const ftl_rules *rules, ftl_relation **results)
{
    for (size_t i = 0; i < rules->relations.len; i++)
        ftl_relation_release(results[i]);
}

ftl_rules *logic_gen_read(ftl_arena *arena, const char *text)
{
    ftl_diags *diags = FTL_NEW(arena, ftl_diags);
    ftl_intern *names = FTL_NEW(arena, ftl_intern);
    ftl_strbuf report;
    ftl_diags_init(diags, arena);
    ftl_intern_init(names, arena);
    ftl_strbuf_init(&report, arena);
    uint32_t file = ftl_diags_add_source(diags, "test.rules", text, strlen(text));
    ftl_rules *r = ftl_rules_read(arena, names, diags, file);
    if (!r) {
        ftl_diags_render(diags, &report);
        fail_msg("%s", ftl_strbuf_get(&report));
    }
    return r;
}
