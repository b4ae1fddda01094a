/* SPDX-License-Identifier: Apache-2.0
 *
 * What holds of rules. Variables are bound by running through the body until nothing changes, since
 * a LET may bind what another needs. Components are those of Tarjan ("Depth-first search and linear
 * graph algorithms", 1972) with a stack of its own, so that depth costs memory and no calls; he
 * closes a component after all that it reaches, which is the order of evaluation.
 */
#include "ir/rules.h"

#include <inttypes.h>

#define MAX_EXTENT ((int64_t)UINT32_MAX)

enum { LONGEST_CYCLE = 12 /* relations of a cycle that a message names */ };

ftl_rules *ftl_rules_new(ftl_arena *arena)
{
    return FTL_NEW(arena, ftl_rules);
}

/* ---- messages ---- */

typedef struct checker {
    const ftl_rules *r;
    ftl_arena *arena;
    const ftl_rule *rule;
    uint64_t bound; /* variables, as bits */
} checker;

static const char *get_name(const checker *c, uint32_t relation)
{
    const char *name = c->r->relations.data[relation].name;
    return name ? name : ftl_arena_printf(c->arena, "$%" PRIu32, relation);
}

static const char *complain(const checker *c, const char *what)
{
    return ftl_arena_printf(c->arena, "rule %td for %s: %s", c->rule - c->r->rules.data,
                            get_name(c, c->rule->head), what);
}

static const char *complain_of_var(const checker *c, uint32_t var, const char *where)
{
    const char *name = c->rule->vars ? c->rule->vars[var] : NULL;
    if (!name)
        name = ftl_arena_printf(c->arena, "$%" PRIu32, var);
    return complain(c, ftl_arena_printf(c->arena, "variable '%s' of %s is bound by no atom, let or "
                                        "range", name, where));
}

/* ---- forms ---- */

static const char *check_relation(const checker *c, uint32_t relation)
{
    const ftl_rules_relation *r = &c->r->relations.data[relation];
    const char *wrong = r->arity > FTL_RULES_MAX_ARITY ? "has too many columns"
                        : r->input < -1                ? "has a negative input"
                                                       : NULL;
    for (uint32_t k = 0; k < r->arity && !wrong; k++)
        if (r->extent[k] < 0 || r->extent[k] > MAX_EXTENT)
            wrong = "has an extent that is out of range";
    return wrong ? ftl_arena_printf(c->arena, "relation %s %s", get_name(c, relation), wrong)
                 : NULL;
}

static const char *check_terms(const checker *c, uint32_t relation, const ftl_rule_term *terms,
                               bool is_head)
{
    for (uint32_t k = 0; k < c->r->relations.data[relation].arity; k++) {
        if ((unsigned)terms[k].kind > FTL_RULE_ANY || (is_head && terms[k].kind == FTL_RULE_ANY))
            return complain(c, is_head ? "a term of the head is no variable and no place"
                                       : "a term of an atom has no known kind");
        if (terms[k].kind == FTL_RULE_VAR && terms[k].var >= c->rule->n_vars)
            return complain(c, "a term has a variable that is not there");
    }
    return NULL;
}

static const char *check_sum(const checker *c, const ftl_rule_sum *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->var[i] >= c->rule->n_vars || s->coef[i] == 0 ||
            (i > 0 && s->var[i] <= s->var[i - 1]))
            return complain(c, "the variables of a sum are not there, do not rise, or count 0");
    return NULL;
}

static const char *check_compare(const checker *c, const ftl_literal *l)
{
    if ((unsigned)l->compare > FTL_RULE_LE)
        return complain(c, "a comparison has no known kind");
    const char *wrong = check_sum(c, &l->left);
    return wrong ? wrong : check_sum(c, &l->right);
}

static const char *check_bounded(const checker *c, const ftl_literal *l)
{
    if (l->var >= c->rule->n_vars)
        return complain(c, "a let or range has a variable that is not there");
    if (l->extent < 0 || l->extent > MAX_EXTENT)
        return complain(c, "the extent of a let or range is out of range");
    return l->kind == FTL_LITERAL_LET ? check_sum(c, &l->right) : NULL;
}

static const char *check_literal(const checker *c, const ftl_literal *l)
{
    switch (l->kind) {
    case FTL_LITERAL_ATOM:
    case FTL_LITERAL_NOT:
        if (l->relation >= c->r->relations.len)
            return complain(c, "an atom is of a relation that is not there");
        return check_terms(c, l->relation, l->terms, false);
    case FTL_LITERAL_COMPARE:
        return check_compare(c, l);
    case FTL_LITERAL_LET:
    case FTL_LITERAL_RANGE:
        return check_bounded(c, l);
    }
    return complain(c, "a literal has no known kind");
}

static const char *check_form(const checker *c)
{
    if (c->rule->head >= c->r->relations.len)
        return ftl_arena_printf(c->arena, "rule %td: its head is of a relation that is not there",
                                c->rule - c->r->rules.data);
    if (c->rule->n_vars > FTL_RULES_MAX_VARS)
        return complain(c, "too many variables");
    const char *wrong = check_terms(c, c->rule->head, c->rule->terms, true);
    for (uint32_t i = 0; i < c->rule->n_body && !wrong; i++)
        wrong = check_literal(c, &c->rule->body[i]);
    return wrong;
}

/* ---- what is bound ---- */

static uint64_t get_term_vars(const checker *c, uint32_t relation, const ftl_rule_term *terms)
{
    uint64_t vars = 0;
    for (uint32_t k = 0; k < c->r->relations.data[relation].arity; k++)
        if (terms[k].kind == FTL_RULE_VAR)
            vars |= (uint64_t)1 << terms[k].var;
    return vars;
}

static uint64_t get_sum_vars(const ftl_rule_sum *s)
{
    uint64_t vars = 0;
    for (uint32_t i = 0; i < s->n; i++)
        vars |= (uint64_t)1 << s->var[i];
    return vars;
}

/* Variables that a literal binds when those of c->bound are. */
static uint64_t get_binding(const checker *c, const ftl_literal *l)
{
    if (l->kind == FTL_LITERAL_ATOM)
        return get_term_vars(c, l->relation, l->terms);
    if (l->kind == FTL_LITERAL_RANGE)
        return (uint64_t)1 << l->var;
    if (l->kind == FTL_LITERAL_LET && !(get_sum_vars(&l->right) & ~c->bound))
        return (uint64_t)1 << l->var;
    return 0;
}

static uint64_t get_need(const checker *c, const ftl_literal *l)
{
    switch (l->kind) {
    case FTL_LITERAL_NOT:
        return get_term_vars(c, l->relation, l->terms);
    case FTL_LITERAL_COMPARE:
        return get_sum_vars(&l->left) | get_sum_vars(&l->right);
    case FTL_LITERAL_LET:
        return get_sum_vars(&l->right);
    case FTL_LITERAL_ATOM:
    case FTL_LITERAL_RANGE:
        break;
    }
    return 0;
}

static const char *check_safety(checker *c)
{
    static const char *const where[] = {
        [FTL_LITERAL_ATOM] = "an atom", [FTL_LITERAL_NOT] = "a negated atom",
        [FTL_LITERAL_COMPARE] = "a comparison", [FTL_LITERAL_LET] = "the right side of a let",
        [FTL_LITERAL_RANGE] = "a range"};
    uint64_t before = 0;
    c->bound = 0;
    do {
        before = c->bound;
        for (uint32_t i = 0; i < c->rule->n_body; i++)
            c->bound |= get_binding(c, &c->rule->body[i]);
    } while (c->bound != before);
    uint64_t open = get_term_vars(c, c->rule->head, c->rule->terms) & ~c->bound;
    if (open)
        return complain_of_var(c, (uint32_t)__builtin_ctzll(open), "the head");
    for (uint32_t i = 0; i < c->rule->n_body; i++) {
        open = get_need(c, &c->rule->body[i]) & ~c->bound;
        if (open)
            return complain_of_var(c, (uint32_t)__builtin_ctzll(open),
                                   where[c->rule->body[i].kind]);
    }
    return NULL;
}

/* ---- components ---- */

/* What relation i needs: to[from[i]] .. to[from[i + 1] - 1]. */
typedef struct needs {
    size_t *from;
    uint32_t *to;
} needs;

static bool is_atom(const ftl_literal *l)
{
    return l->kind == FTL_LITERAL_ATOM || l->kind == FTL_LITERAL_NOT;
}

static needs find_needs(const ftl_rules *r, ftl_arena *arena)
{
    size_t n = r->relations.len, total = 0;
    needs g = {.from = FTL_NEW_ARRAY(arena, size_t, n + 2)};
    for (size_t i = 0; i < r->rules.len; i++)
        for (uint32_t k = 0; k < r->rules.data[i].n_body; k++)
            g.from[r->rules.data[i].head + 2] += is_atom(&r->rules.data[i].body[k]);
    for (size_t i = 0; i < n; i++)
        total = g.from[i + 2] += g.from[i + 1];
    g.to = FTL_NEW_ARRAY(arena, uint32_t, total);
    for (size_t i = 0; i < r->rules.len; i++) {
        const ftl_rule *rule = &r->rules.data[i];
        for (uint32_t k = 0; k < rule->n_body; k++)
            if (is_atom(&rule->body[k]))
                g.to[g.from[rule->head + 1]++] = rule->body[k].relation;
    }
    return g;
}

typedef struct finder {
    needs needs;
    size_t *next;        /* by relation: the need to look at */
    uint32_t *number;    /* by relation: 1 + order of the first visit, 0 before */
    uint32_t *low;       /* by relation: the least number reached; UINT32_MAX once closed */
    uint32_t *path;      /* relations that are being visited */
    uint32_t *open;      /* relations without a component yet */
    uint32_t *component; /* by relation; UINT32_MAX: none */
    uint32_t n_path, n_open, n_numbers, n_components;
} finder;

static void enter(finder *f, uint32_t relation)
{
    f->number[relation] = f->low[relation] = ++f->n_numbers;
    f->next[relation] = f->needs.from[relation];
    f->path[f->n_path++] = relation;
    f->open[f->n_open++] = relation;
}

/* All that the relation needs was visited. */
static void leave(finder *f, uint32_t relation)
{
    f->n_path--;
    if (f->low[relation] == f->number[relation]) {
        uint32_t member;
        do {
            member = f->open[--f->n_open];
            f->low[member] = UINT32_MAX;
            f->component[member] = f->n_components;
        } while (member != relation);
        f->n_components++;
    } else if (f->low[relation] < f->low[f->path[f->n_path - 1]]) {
        f->low[f->path[f->n_path - 1]] = f->low[relation];
    }
}

static void visit(finder *f, uint32_t root)
{
    enter(f, root);
    while (f->n_path > 0) {
        uint32_t at = f->path[f->n_path - 1];
        if (f->next[at] == f->needs.from[at + 1]) {
            leave(f, at);
            continue;
        }
        uint32_t to = f->needs.to[f->next[at]++];
        if (f->number[to] == 0)
            enter(f, to);
        else if (f->low[to] != UINT32_MAX && f->number[to] < f->low[at])
            f->low[at] = f->number[to];
    }
}

/* Components of all relations, also of those without rules. */
static finder find_components(const ftl_rules *r, ftl_arena *arena)
{
    size_t n = r->relations.len;
    finder f = {.needs = find_needs(r, arena),
                .next = FTL_NEW_ARRAY(arena, size_t, n),
                .number = FTL_NEW_ARRAY(arena, uint32_t, n),
                .low = FTL_NEW_ARRAY(arena, uint32_t, n),
                .path = FTL_NEW_ARRAY(arena, uint32_t, n),
                .open = FTL_NEW_ARRAY(arena, uint32_t, n),
                .component = FTL_NEW_ARRAY(arena, uint32_t, n)};
    for (uint32_t i = 0; i < n; i++)
        if (f.number[i] == 0)
            visit(&f, i);
    return f;
}

static bool needs_itself(const finder *f, uint32_t relation)
{
    for (size_t i = f->needs.from[relation]; i < f->needs.from[relation + 1]; i++)
        if (f->needs.to[i] == relation)
            return true;
    return false;
}

/* The stratum of each component that has rules, in their order; UINT32_MAX: none. */
static uint32_t *number_strata(const ftl_rules *r, const finder *f, ftl_arena *arena)
{
    uint32_t *stratum = FTL_NEW_ARRAY(arena, uint32_t, f->n_components), n = 0;
    for (size_t i = 0; i < r->rules.len; i++)
        stratum[f->component[r->rules.data[i].head]] = 1;
    for (uint32_t i = 0; i < f->n_components; i++)
        stratum[i] = stratum[i] ? n++ : UINT32_MAX;
    return stratum;
}

ftl_rules_strata ftl_rules_find_strata(const ftl_rules *r, ftl_arena *arena)
{
    ftl_rules_strata strata = {0};
    finder f = find_components(r, arena);
    uint32_t *stratum = number_strata(r, &f, arena);
    for (uint32_t i = 0; i < f.n_components; i++)
        if (stratum[i] != UINT32_MAX)
            (void)FTL_VEC_PUSH(arena, &strata);
    for (uint32_t i = 0; i < r->relations.len; i++) {
        if (stratum[f.component[i]] == UINT32_MAX)
            continue;
        ftl_rules_stratum *s = &strata.data[stratum[f.component[i]]];
        *FTL_VEC_PUSH(arena, &s->relations) = i;
        s->is_recursive = s->relations.len > 1 || needs_itself(&f, i);
    }
    for (uint32_t i = 0; i < r->rules.len; i++) {
        ftl_rules_stratum *s = &strata.data[stratum[f.component[r->rules.data[i].head]]];
        *FTL_VEC_PUSH(arena, &s->rules) = i;
    }
    return strata;
}

/* ---- negation ---- */

/* By relation, of one component: the next one on a shortest way to the target. */
static uint32_t *find_way(const checker *c, const finder *f, uint32_t from, uint32_t target)
{
    size_t n = c->r->relations.len, done = 0, len = 0;
    uint32_t *came = FTL_NEW_ARRAY(c->arena, uint32_t, n); /* 1 + relation before */
    uint32_t *queue = FTL_NEW_ARRAY(c->arena, uint32_t, n);
    came[from] = from + 1;
    for (queue[len++] = from; done < len && !came[target]; done++) {
        uint32_t at = queue[done];
        for (size_t i = f->needs.from[at]; i < f->needs.from[at + 1]; i++) {
            uint32_t to = f->needs.to[i];
            if (came[to])
                continue;
            came[to] = at + 1;
            queue[len++] = to;
        }
    }
    return came;
}

/* "A needs not B, B needs C, C needs A"; in the middle of a long cycle "..." */
static const char *complain_of_cycle(const checker *c, const finder *f, uint32_t negated)
{
    uint32_t head = c->rule->head, len = 1, k = 0;
    uint32_t *came = find_way(c, f, negated, head);
    for (uint32_t at = head; at != negated; at = came[at] - 1)
        len++;
    uint32_t *cycle = FTL_NEW_ARRAY(c->arena, uint32_t, len);
    for (uint32_t at = head, i = len; i-- > 0; at = came[at] - 1)
        cycle[i] = at;
    ftl_strbuf text;
    ftl_strbuf_init(&text, c->arena);
    ftl_strbuf_printf(&text, "a relation depends on its own negation: %s needs not %s",
                      get_name(c, head), get_name(c, negated));
    for (; k + 1 < len && k < LONGEST_CYCLE; k++)
        ftl_strbuf_printf(&text, ", %s needs %s", get_name(c, cycle[k]),
                          get_name(c, cycle[k + 1]));
    if (k + 1 < len)
        ftl_strbuf_printf(&text, ", ... (%" PRIu32 " relations)", len);
    return ftl_strbuf_get(&text);
}

static const char *check_negation(checker *c, uint32_t *rule)
{
    finder f = find_components(c->r, c->arena);
    for (uint32_t i = 0; i < c->r->rules.len; i++) {
        c->rule = &c->r->rules.data[i];
        for (uint32_t k = 0; k < c->rule->n_body; k++) {
            const ftl_literal *l = &c->rule->body[k];
            if (l->kind != FTL_LITERAL_NOT ||
                f.component[l->relation] != f.component[c->rule->head])
                continue;
            *rule = i;
            return complain(c, complain_of_cycle(c, &f, l->relation));
        }
    }
    return NULL;
}

const char *ftl_rules_find_fault(const ftl_rules *r, ftl_arena *arena, uint32_t *rule)
{
    checker c = {.r = r, .arena = arena};
    const char *wrong = NULL;
    *rule = UINT32_MAX;
    for (uint32_t i = 0; i < r->relations.len && !wrong; i++)
        wrong = check_relation(&c, i);
    for (uint32_t i = 0; i < r->rules.len && !wrong; i++) {
        c.rule = &r->rules.data[i];
        wrong = check_form(&c);
        if (!wrong)
            wrong = check_safety(&c);
        *rule = wrong ? i : UINT32_MAX;
    }
    return wrong ? wrong : check_negation(&c, rule);
}

const char *ftl_rules_check(const ftl_rules *r, ftl_arena *arena)
{
    uint32_t rule = 0;
    return ftl_rules_find_fault(r, arena, &rule);
}

/* ---- equality ---- */

static bool is_equal_terms(const ftl_rule_term *a, const ftl_rule_term *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (a[i].kind != b[i].kind || (a[i].kind == FTL_RULE_VAR && a[i].var != b[i].var) ||
            (a[i].kind == FTL_RULE_PLACE && a[i].place != b[i].place))
            return false;
    return true;
}

static bool is_equal_sum(const ftl_rule_sum *a, const ftl_rule_sum *b)
{
    if (a->offset != b->offset || a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (a->var[i] != b->var[i] || a->coef[i] != b->coef[i])
            return false;
    return true;
}

static bool is_equal_literal(const ftl_rules *r, const ftl_literal *a, const ftl_literal *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case FTL_LITERAL_ATOM:
    case FTL_LITERAL_NOT:
        return a->relation == b->relation &&
               is_equal_terms(a->terms, b->terms, r->relations.data[a->relation].arity);
    case FTL_LITERAL_COMPARE:
        return a->compare == b->compare && is_equal_sum(&a->left, &b->left) &&
               is_equal_sum(&a->right, &b->right);
    case FTL_LITERAL_LET:
        return a->var == b->var && a->extent == b->extent && is_equal_sum(&a->right, &b->right);
    case FTL_LITERAL_RANGE:
        return a->var == b->var && a->extent == b->extent;
    }
    return false;
}

static bool is_equal_relation(const ftl_rules_relation *a, const ftl_rules_relation *b)
{
    if (a->arity != b->arity || a->input != b->input || a->is_result != b->is_result)
        return false;
    for (uint32_t k = 0; k < a->arity; k++)
        if (a->extent[k] != b->extent[k])
            return false;
    return true;
}

static bool is_equal_rule(const ftl_rules *r, const ftl_rule *a, const ftl_rule *b)
{
    if (a->head != b->head || a->n_body != b->n_body || a->n_vars != b->n_vars ||
        !is_equal_terms(a->terms, b->terms, r->relations.data[a->head].arity))
        return false;
    for (uint32_t i = 0; i < a->n_body; i++)
        if (!is_equal_literal(r, &a->body[i], &b->body[i]))
            return false;
    return true;
}

bool ftl_rules_is_equal(const ftl_rules *a, const ftl_rules *b)
{
    if (a->relations.len != b->relations.len || a->rules.len != b->rules.len)
        return false;
    for (size_t i = 0; i < a->relations.len; i++)
        if (!is_equal_relation(&a->relations.data[i], &b->relations.data[i]))
            return false;
    for (size_t i = 0; i < a->rules.len; i++)
        if (!is_equal_rule(a, &a->rules.data[i], &b->rules.data[i]))
            return false;
    return true;
}
