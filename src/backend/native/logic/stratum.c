/* SPDX-License-Identifier: Apache-2.0
 *
 * One stratum to its least model, semi-naively (Bancilhon 1985; Balbin and Ramamohanarao 1987 for
 * rules with several recursive atoms): rules without a recursive atom once, then rounds in which
 * each recursive atom of each rule in turn is the delta, until a round finds nothing.
 */
#include "backend/native/logic/engine.h"

#include <inttypes.h>
#include <stdio.h>

enum { GROWN = 4 /* a table that is so many times as large has its chains ordered anew */ };

typedef FTL_VEC(ftl_logic_chain) chains;

typedef struct runner {
    ftl_logic_engine *e;
    const ftl_rules_stratum *stratum;
    bool *is_recursive;  /* by relation */
    uint32_t *planned;   /* by member of the stratum: tuples when the chains were ordered */
    chains chains;
} runner;

static ftl_logic_table *get_member(const runner *r, size_t i)
{
    return &r->e->tables[r->stratum->relations.data[i]];
}

static const ftl_rule *get_rule(const runner *r, size_t i)
{
    return &r->e->rules->rules.data[r->stratum->rules.data[i]];
}

static uint32_t count_recursive(const runner *r, const ftl_rule *rule)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < rule->n_body; i++)
        n += rule->body[i].kind == FTL_LITERAL_ATOM && r->is_recursive[rule->body[i].relation];
    return n;
}

/* ---- heads that cannot repeat ---- */

static uint64_t get_bound_vars(const runner *r, const ftl_literal *l, bool *has_any)
{
    uint64_t vars = 0;
    if (l->kind == FTL_LITERAL_RANGE)
        return (uint64_t)1 << l->var;
    if (l->kind != FTL_LITERAL_ATOM)
        return 0;
    for (uint32_t k = 0; k < r->e->tables[l->relation].arity; k++) {
        if (l->terms[k].kind == FTL_RULE_VAR)
            vars |= (uint64_t)1 << l->terms[k].var;
        *has_any = *has_any || l->terms[k].kind == FTL_RULE_ANY;
    }
    return vars;
}

/* One rule, run once, whose head has all variables that atoms and ranges bind. */
static bool is_distinct(const runner *r)
{
    const ftl_rule *rule = get_rule(r, 0);
    uint64_t bound = 0, head = 0;
    bool has_any = false;
    if (r->stratum->is_recursive || r->stratum->rules.len != 1 || get_member(r, 0)->n > 0)
        return false;
    for (uint32_t i = 0; i < rule->n_body; i++)
        bound |= get_bound_vars(r, &rule->body[i], &has_any);
    for (uint32_t k = 0; k < get_member(r, 0)->arity; k++)
        if (rule->terms[k].kind == FTL_RULE_VAR)
            head |= (uint64_t)1 << rule->terms[k].var;
    return !has_any && (bound & ~head) == 0;
}

/* ---- rules that run once ---- */

static ftl_status run_rule(runner *r, uint32_t rule)
{
    ftl_logic_chain chain;
    ftl_logic_order what = {.rule = rule, .delta = UINT32_MAX, .is_recursive = r->is_recursive};
    FTL_TRY(ftl_logic_order_chain(r->e, &what, &chain));
    return ftl_logic_chain_run(r->e, &chain);
}

/* Those with n recursive atoms where all are asked for, else those without. */
static ftl_status run_rules(runner *r, bool are_recursive)
{
    for (size_t i = 0; i < r->stratum->rules.len; i++)
        if ((count_recursive(r, get_rule(r, i)) > 0) == are_recursive)
            FTL_TRY(run_rule(r, r->stratum->rules.data[i]));
    return FTL_OK;
}

/* ---- rounds ---- */

static bool has_grown(const runner *r)
{
    for (size_t i = 0; i < r->stratum->relations.len; i++)
        if (get_member(r, i)->known / GROWN >= r->planned[i])
            return true;
    return false;
}

static ftl_status order_chains(runner *r)
{
    r->chains.len = 0;
    for (size_t i = 0; i < r->stratum->relations.len; i++) {
        r->planned[i] = get_member(r, i)->known + GROWN;
        for (ftl_logic_index *x = get_member(r, i)->indexes; x; x = x->next)
            x->uses = 0;
    }
    for (size_t i = 0; i < r->stratum->rules.len; i++) {
        const ftl_rule *rule = get_rule(r, i);
        for (uint32_t k = 0; k < rule->n_body; k++) {
            const ftl_literal *l = &rule->body[k];
            if (l->kind != FTL_LITERAL_ATOM || !r->is_recursive[l->relation])
                continue;
            ftl_logic_order what = {r->stratum->rules.data[i], k, r->is_recursive};
            ftl_logic_chain *chain = FTL_VEC_PUSH(r->e->arena, &r->chains);
            FTL_TRY(ftl_logic_order_chain(r->e, &what, chain));
        }
    }
    for (size_t i = 0; i < r->stratum->relations.len; i++)
        ftl_logic_index_free_some(r->e, get_member(r, i), true);
    return FTL_OK;
}

/* What was found becomes the delta; false: nothing was. */
static bool turn(runner *r)
{
    bool has_delta = false;
    for (size_t i = 0; i < r->stratum->relations.len; i++) {
        ftl_logic_table *t = get_member(r, i);
        t->old = t->known;
        t->known = t->n;
        has_delta = has_delta || t->known > t->old;
    }
    return has_delta;
}

static ftl_status extend_indexes(runner *r)
{
    for (size_t i = 0; i < r->stratum->relations.len; i++)
        for (ftl_logic_index *x = get_member(r, i)->indexes; x; x = x->next)
            FTL_TRY(ftl_logic_index_extend(r->e, x));
    return FTL_OK;
}

static ftl_status run_chains(runner *r)
{
    for (size_t i = 0; i < r->chains.len; i++) {
        const ftl_logic_chain *c = &r->chains.data[i];
        if (c->is_dead || c->steps.data[0].table->known > c->steps.data[0].table->old)
            FTL_TRY(ftl_logic_chain_run(r->e, c));
    }
    return FTL_OK;
}

static ftl_status run_round(runner *r)
{
    FTL_TRY(extend_indexes(r));
    if (r->e->options->is_naive)
        return run_rules(r, true);
    if (has_grown(r))
        FTL_TRY(order_chains(r));
    return run_chains(r);
}

static ftl_status run_rounds(runner *r)
{
    int64_t most = r->e->options->max_rounds, rounds = 0;
    ftl_logic_closure closure;
    bool is_closure = most == 0 && !r->e->options->is_naive &&
                      ftl_logic_closure_find(r->e, r->stratum, &closure);
    while (turn(r)) {
        bool is_done = false;
        if (is_closure)
            FTL_TRY(ftl_logic_closure_try(r->e, &closure, &is_done));
        if (is_done)
            return FTL_OK;
        if (most > 0 && rounds == most) {
            snprintf(r->e->message, sizeof r->e->message, "relation %s is not complete after %"
                     PRId64 " rounds", get_member(r, 0)->name, most);
            return FTL_ERR_MEMORY;
        }
        rounds++;
        r->e->rounds++;
        FTL_TRY(run_round(r));
    }
    return FTL_OK;
}

static void finish(runner *r)
{
    for (size_t i = 0; i < r->stratum->relations.len; i++) {
        ftl_logic_table *t = get_member(r, i);
        t->is_final = true;
        t->old = t->known = t->n;
        ftl_logic_table_measure(t);
    }
}

ftl_status ftl_logic_stratum_run(ftl_logic_engine *e, const ftl_rules_stratum *s)
{
    runner r = {.e = e, .stratum = s};
    r.is_recursive = FTL_NEW_ARRAY(e->arena, bool, e->rules->relations.len);
    r.planned = FTL_NEW_ARRAY(e->arena, uint32_t, s->relations.len);
    get_member(&r, 0)->is_distinct = is_distinct(&r);
    e->is_settling = false;
    for (size_t i = 0; i < s->relations.len; i++) {
        r.is_recursive[s->relations.data[i]] = s->is_recursive;
        FTL_TRY(ftl_logic_table_grow(e, get_member(&r, i)));
    }
    for (size_t i = 0; i < s->rules.len; i++)
        e->is_settling = e->is_settling || count_recursive(&r, get_rule(&r, i)) > 1;
    FTL_TRY(run_rules(&r, false));
    if (s->is_recursive)
        FTL_TRY(run_rounds(&r));
    finish(&r);
    return FTL_OK;
}
