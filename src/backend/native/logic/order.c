/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of a body, chosen anew when sizes have changed much. What only keeps bindings comes as
 * soon as its variables are bound. Then the atom that is expected to give the fewest entries for a
 * binding: its tuples over the different places of each bound column, as if columns did not depend
 * on each other. An atom whose other variables nobody looks at is only asked whether it has an
 * entry. Where atoms differ only in which of them is the delta, those before it in the body read
 * all tuples and those behind it the old ones, so that each combination is joined once.
 *
 * Atoms that would all bind the same one variable meet: generic join (Ngo, Ré, Rudra, "Skew strikes
 * back", 2013), in time proportional to the largest answer that the sizes allow.
 */
#include "backend/native/logic/engine.h"

enum {
    MOST_TRIED = 12,    /* atoms of a body that are all tried as the first */
    PLACES_PER_WORD = 8 /* words of rows that meet in the time of a place that is checked */
};

typedef struct orderer {
    ftl_logic_engine *e;
    const ftl_logic_order *what;
    const ftl_rule *rule;
    bool *is_done; /* by literal */
    uint64_t bound;
    uint64_t *vars; /* by literal: those it speaks of */
    uint64_t head;  /* variables of the head */
    double rows, cost, least; /* least: entries for a binding of the literal that is added */
    ftl_logic_chain *chain;
} orderer;

static uint64_t get_bit(uint32_t var)
{
    return (uint64_t)1 << var;
}

static bool is_atom(const ftl_literal *l)
{
    return l->kind == FTL_LITERAL_ATOM || l->kind == FTL_LITERAL_NOT;
}

static ftl_logic_table *get_table(const orderer *o, const ftl_literal *l)
{
    return &o->e->tables[l->relation];
}

static uint64_t get_sum_vars(const ftl_rule_sum *s)
{
    uint64_t vars = 0;
    for (uint32_t i = 0; i < s->n; i++)
        vars |= get_bit(s->var[i]);
    return vars;
}

static uint64_t get_vars(const orderer *o, const ftl_literal *l)
{
    uint64_t vars = 0;
    if (l->kind == FTL_LITERAL_COMPARE)
        return get_sum_vars(&l->left) | get_sum_vars(&l->right);
    if (l->kind == FTL_LITERAL_LET)
        return get_sum_vars(&l->right) | get_bit(l->var);
    if (l->kind == FTL_LITERAL_RANGE)
        return get_bit(l->var);
    for (uint32_t k = 0; k < get_table(o, l)->arity; k++)
        if (l->terms[k].kind == FTL_RULE_VAR)
            vars |= get_bit(l->terms[k].var);
    return vars;
}

/* Columns whose place is known. */
static uint32_t get_bound_columns(const orderer *o, const ftl_literal *l)
{
    uint32_t columns = 0;
    for (uint32_t k = 0; k < get_table(o, l)->arity; k++)
        if (l->terms[k].kind == FTL_RULE_PLACE ||
            (l->terms[k].kind == FTL_RULE_VAR && o->bound & get_bit(l->terms[k].var)))
            columns |= 1u << k;
    return columns;
}

static uint32_t get_all_columns(const orderer *o, const ftl_literal *l)
{
    return (1u << get_table(o, l)->arity) - 1;
}

static bool has_place_outside(const ftl_logic_table *t, const ftl_rule_term *terms)
{
    for (uint32_t k = 0; k < t->arity; k++)
        if (terms[k].kind == FTL_RULE_PLACE &&
            (terms[k].place < 0 || terms[k].place >= t->extent[k]))
            return true;
    return false;
}

/* ---- steps ---- */

static ftl_logic_step *add_step(orderer *o, ftl_logic_step_kind kind)
{
    ftl_logic_step *s = FTL_VEC_PUSH(o->e->arena, &o->chain->steps);
    s->kind = kind;
    return s;
}

static ftl_logic_operand make_operand(const ftl_rule_term *t)
{
    return t->kind == FTL_RULE_VAR ? (ftl_logic_operand){.var = (int32_t)t->var}
                                   : (ftl_logic_operand){-1, (uint32_t)t->place};
}

static void set_key(const orderer *o, const ftl_literal *l, uint32_t columns, ftl_logic_step *s)
{
    uint32_t n = 0;
    s->table = get_table(o, l);
    s->key = FTL_NEW_ARRAY(o->e->arena, ftl_logic_operand, s->table->arity);
    for (uint32_t k = 0; k < s->table->arity; k++)
        if (columns >> k & 1)
            s->key[n++] = make_operand(&l->terms[k]);
}

/* What the columns that are not in the key bind, and where they must agree. */
static void set_outputs(const orderer *o, const ftl_literal *l, uint32_t columns, ftl_logic_step *s)
{
    int32_t first[FTL_RULES_MAX_VARS];
    uint64_t seen = 0;
    s->out_column = FTL_NEW_ARRAY(o->e->arena, uint32_t, s->table->arity);
    s->out_var = FTL_NEW_ARRAY(o->e->arena, uint32_t, s->table->arity);
    s->ties = FTL_NEW_ARRAY(o->e->arena, ftl_logic_tie, s->table->arity);
    for (uint32_t k = 0; k < s->table->arity; k++) {
        const ftl_rule_term *t = &l->terms[k];
        if (columns >> k & 1 || t->kind == FTL_RULE_ANY)
            continue;
        if (t->kind == FTL_RULE_PLACE) {
            s->ties[s->n_ties++] = (ftl_logic_tie){k, -1, (uint32_t)t->place};
        } else if (seen & get_bit(t->var)) {
            s->ties[s->n_ties++] = (ftl_logic_tie){k, first[t->var], 0};
        } else {
            seen |= get_bit(t->var);
            first[t->var] = (int32_t)k;
            s->out_column[s->n_out] = k;
            s->out_var[s->n_out++] = t->var;
        }
    }
}

/* Recursive atoms behind the delta read what was there before it. */
static bool reads_old(const orderer *o, uint32_t i)
{
    return o->what->delta != UINT32_MAX && i > o->what->delta &&
           o->what->is_recursive[o->rule->body[i].relation];
}

static ftl_status fill_probe(const orderer *o, uint32_t i, ftl_logic_step *s)
{
    const ftl_literal *l = &o->rule->body[i];
    bool is_delta = i == o->what->delta;
    uint32_t columns = is_delta ? 0 : get_bound_columns(o, l);
    s->kind = FTL_LOGIC_STEP_PROBE;
    set_key(o, l, columns, s);
    set_outputs(o, l, columns, s);
    s->only_old = reads_old(o, i);
    return is_delta ? FTL_OK : ftl_logic_index_get(o->e, s->table, columns, &s->index);
}

static ftl_status fill_check(const orderer *o, uint32_t i, ftl_logic_step *s)
{
    const ftl_literal *l = &o->rule->body[i];
    s->kind = FTL_LOGIC_STEP_CHECK;
    s->is_not = l->kind == FTL_LITERAL_NOT;
    set_key(o, l, get_all_columns(o, l), s);
    return ftl_logic_set_build(o->e, s->table);
}

/* Whether no sum of these, with places of 32 bits, leaves 64 bits on the way. */
static bool is_exact(const ftl_rule_sum *s)
{
    const int64_t most = INT64_MAX >> 2;
    int64_t total = 0, term;
    if (s->offset > most || s->offset < -most)
        return false;
    for (uint32_t i = 0; i < s->n; i++)
        if (__builtin_mul_overflow(s->coef[i], (int64_t)UINT32_MAX, &term) || term > most ||
            term < -most || (total += term < 0 ? -term : term) > most)
            return false;
    return true;
}

static void add_sum_step(orderer *o, const ftl_literal *l, ftl_logic_step_kind kind)
{
    ftl_logic_step *s = add_step(o, kind);
    s->literal = l;
    if (kind != FTL_LOGIC_STEP_COMPARE) {
        s->var = l->var;
        s->extent = l->extent;
    }
    s->is_exact = is_exact(&l->right) && (kind != FTL_LOGIC_STEP_COMPARE || is_exact(&l->left));
}

static void add_below(orderer *o, uint32_t var, int64_t extent)
{
    ftl_logic_step *s = add_step(o, FTL_LOGIC_STEP_BELOW);
    s->var = var;
    s->extent = extent;
}

static ftl_status add_exists(orderer *o, const ftl_literal *l)
{
    uint32_t columns = get_bound_columns(o, l);
    ftl_logic_step *s = add_step(o, FTL_LOGIC_STEP_EXISTS);
    s->is_not = l->kind == FTL_LITERAL_NOT;
    set_key(o, l, columns, s);
    return ftl_logic_index_get(o->e, s->table, columns, &s->index);
}

/* ---- what only keeps ---- */

/* Variables that some literal to come, other than this one, or the head looks at. */
static uint64_t get_wanted(const orderer *o, uint32_t except)
{
    uint64_t wanted = o->head;
    for (uint32_t i = 0; i < o->rule->n_body; i++)
        if (!o->is_done[i] && i != except)
            wanted |= o->vars[i];
    return wanted;
}

static bool is_any_or_once(const orderer *o, const ftl_literal *l)
{
    uint64_t seen = 0;
    for (uint32_t k = 0; k < get_table(o, l)->arity; k++) {
        const ftl_rule_term *t = &l->terms[k];
        if (t->kind != FTL_RULE_VAR || o->bound & get_bit(t->var))
            continue;
        if (seen & get_bit(t->var))
            return false;
        seen |= get_bit(t->var);
    }
    return true;
}

/* Whether nothing but keeping bindings is left of literal i. */
static bool is_ready(const orderer *o, uint32_t i)
{
    const ftl_literal *l = &o->rule->body[i];
    uint64_t open = o->vars[i] & ~o->bound;
    if (l->kind == FTL_LITERAL_LET)
        return (get_sum_vars(&l->right) & ~o->bound) == 0;
    if (open == 0)
        return true;
    return l->kind == FTL_LITERAL_ATOM && is_any_or_once(o, l) &&
           (open & get_wanted(o, i)) == 0;
}

static ftl_status add_atom_filter(orderer *o, uint32_t i)
{
    const ftl_literal *l = &o->rule->body[i];
    if (has_place_outside(get_table(o, l), l->terms)) /* a negated one: true */
        return FTL_OK;
    if (get_table(o, l)->arity > 0 && get_bound_columns(o, l) == get_all_columns(o, l))
        return fill_check(o, i, add_step(o, FTL_LOGIC_STEP_CHECK));
    return add_exists(o, l);
}

static ftl_status add_filter(orderer *o, uint32_t i)
{
    const ftl_literal *l = &o->rule->body[i];
    if (is_atom(l))
        return add_atom_filter(o, i);
    if (l->kind == FTL_LITERAL_COMPARE)
        add_sum_step(o, l, FTL_LOGIC_STEP_COMPARE);
    else if (l->kind == FTL_LITERAL_RANGE)
        add_below(o, l->var, l->extent);
    else
        add_sum_step(o, l, o->bound & get_bit(l->var) ? FTL_LOGIC_STEP_SAME : FTL_LOGIC_STEP_LET);
    return FTL_OK;
}

/* All that is ready; a LET may make more so. */
static ftl_status add_filters(orderer *o)
{
    bool is_changed = true;
    while (is_changed) {
        is_changed = false;
        for (uint32_t i = 0; i < o->rule->n_body; i++) {
            if (o->is_done[i] || i == o->what->delta || !is_ready(o, i))
                continue;
            if (o->chain)
                FTL_TRY(add_filter(o, i));
            o->is_done[i] = is_changed = true;
            if (o->rule->body[i].kind == FTL_LITERAL_LET)
                o->bound |= o->vars[i];
        }
    }
    return FTL_OK;
}

/* ---- what binds ---- */

static double get_fan_out(const orderer *o, const ftl_literal *l)
{
    ftl_logic_table *t = get_table(o, l);
    uint32_t columns = get_bound_columns(o, l);
    double n = t->known;
    for (uint32_t k = 0; k < t->arity; k++)
        if (columns >> k & 1)
            n /= ftl_logic_table_count_distinct(o->e, t, k);
    return n;
}

static double get_cost(const orderer *o, uint32_t i)
{
    const ftl_literal *l = &o->rule->body[i];
    if (l->kind == FTL_LITERAL_ATOM)
        return get_fan_out(o, l);
    return l->kind == FTL_LITERAL_RANGE ? (double)l->extent : -1;
}

/* The literal that binds more at the least cost; n_body: there is none. */
static uint32_t find_next(const orderer *o)
{
    uint32_t best = o->rule->n_body;
    double least = 0;
    for (uint32_t i = 0; i < o->rule->n_body; i++) {
        double cost = o->is_done[i] ? -1 : get_cost(o, i);
        if (cost < 0 || (best < o->rule->n_body && cost >= least))
            continue;
        best = i;
        least = cost;
    }
    return best;
}

static bool can_meet(const orderer *o, uint32_t i, uint64_t open)
{
    const ftl_literal *l = &o->rule->body[i];
    if (o->is_done[i] || l->kind != FTL_LITERAL_ATOM || (o->vars[i] & ~o->bound) != open ||
        i == o->what->delta)
        return false;
    uint32_t columns = get_all_columns(o, l) & ~get_bound_columns(o, l);
    return (columns & (columns - 1)) == 0;
}

static uint32_t count_meeting(const orderer *o, uint64_t open)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < o->rule->n_body && (open & (open - 1)) == 0; i++)
        n += can_meet(o, i, open);
    return n;
}

/* Whether each list of the index, which has all columns but one as its key, rises. */
static bool is_rising(const ftl_logic_index *x)
{
    return x->kind == FTL_LOGIC_INDEX_RANGES && x->table->is_sorted;
}

static bool can_be_bits(const orderer *o, const ftl_logic_table *t)
{
    return t->set.kind == FTL_LOGIC_SET_BITS || ftl_logic_set_can_be_bits(o->e, t, t->known);
}

/* How atoms that meet are joined. Bits answer fastest; a row of them is worth it when a list has
 * about as many entries as the row has words. */
static ftl_logic_meet_kind choose_meet(const orderer *o, const ftl_logic_step *s)
{
    bool can_rise = s->n_meet <= FTL_LOGIC_BATCH, have_bits = true, have_rows = true;
    double least = o->least;
    for (uint32_t i = 0; i < s->n_meet; i++) {
        const ftl_logic_index *x = s->meet[i].index;
        const ftl_logic_table *t = x->table;
        can_rise = can_rise && is_rising(x);
        have_bits = have_bits && can_be_bits(o, t);
        have_rows = have_rows && t->arity == 2 && x->key[0] == 0 &&
                    t->extent[1] == s->meet[0].table->extent[1];
    }
    if (have_bits && have_rows &&
        least * PLACES_PER_WORD >= (double)s->meet[0].table->extent[1] / 64)
        return FTL_LOGIC_MEET_ROWS;
    return can_rise && !have_bits ? FTL_LOGIC_MEET_LISTS : FTL_LOGIC_MEET_CHECKS;
}

static ftl_status fill_meet(orderer *o, uint64_t open, ftl_logic_step *s)
{
    for (uint32_t i = 0; i < o->rule->n_body; i++)
        if (can_meet(o, i, open))
            FTL_TRY(fill_probe(o, i, &s->meet[s->n_meet++]));
    s->by = choose_meet(o, s);
    s->n_meet = 0;
    for (uint32_t i = 0; i < o->rule->n_body; i++) {
        if (!can_meet(o, i, open))
            continue;
        if (s->by == FTL_LOGIC_MEET_CHECKS)
            FTL_TRY(fill_check(o, i, &s->check[s->n_meet]));
        ftl_logic_table *t = s->meet[s->n_meet++].table;
        if (s->by == FTL_LOGIC_MEET_ROWS && t->set.kind != FTL_LOGIC_SET_BITS)
            FTL_TRY(ftl_logic_set_make_bits(o->e, t));
        o->is_done[i] = true;
    }
    return FTL_OK;
}

static ftl_status add_meet(orderer *o, uint64_t open, uint32_t n)
{
    ftl_logic_step s = {.kind = FTL_LOGIC_STEP_MEET, .n_meet = 0};
    s.meet = FTL_NEW_ARRAY(o->e->arena, ftl_logic_step, n);
    s.check = FTL_NEW_ARRAY(o->e->arena, ftl_logic_step, n);
    s.var = (uint32_t)__builtin_ctzll(open);
    FTL_TRY(fill_meet(o, open, &s));
    *add_step(o, s.kind) = s;
    return FTL_OK;
}

static ftl_status add_binding(orderer *o, uint32_t i)
{
    const ftl_literal *l = &o->rule->body[i];
    uint64_t open = o->vars[i] & ~o->bound;
    o->least = get_cost(o, i);
    o->rows *= o->least;
    o->cost += o->rows;
    o->is_done[i] = true;
    if (o->chain && l->kind == FTL_LITERAL_RANGE) {
        ftl_logic_step *s = add_step(o, FTL_LOGIC_STEP_RANGE);
        s->var = l->var;
        s->extent = l->extent;
    } else if (o->chain) {
        o->is_done[i] = false;
        uint32_t n = can_meet(o, i, open) ? count_meeting(o, open) : 0;
        if (n > 1)
            FTL_TRY(add_meet(o, open, n));
        else
            FTL_TRY(fill_probe(o, i, add_step(o, FTL_LOGIC_STEP_PROBE)));
        o->is_done[i] = true;
    }
    o->bound |= open;
    return FTL_OK;
}

/* From a first literal (n_body: whichever is best) to the end of the body. */
static ftl_status walk(orderer *o, uint32_t first)
{
    memset(o->is_done, 0, o->rule->n_body * sizeof *o->is_done);
    o->bound = 0;
    o->cost = 0;
    o->rows = 1;
    if (o->what->delta == UINT32_MAX)
        FTL_TRY(add_filters(o));
    for (;;) {
        uint32_t next = first < o->rule->n_body && !o->is_done[first] ? first : find_next(o);
        if (next == o->rule->n_body)
            return FTL_OK;
        FTL_TRY(add_binding(o, next));
        FTL_TRY(add_filters(o));
    }
}

/* The atom with which a body that has no delta costs least. */
static ftl_status find_first(orderer *o, uint32_t *first)
{
    uint32_t atoms = 0;
    double least = 0;
    ftl_logic_chain *chain = o->chain;
    *first = o->rule->n_body;
    for (uint32_t i = 0; i < o->rule->n_body; i++)
        atoms += o->rule->body[i].kind == FTL_LITERAL_ATOM;
    if (atoms > MOST_TRIED)
        return FTL_OK;
    o->chain = NULL;
    for (uint32_t i = 0; i < o->rule->n_body; i++) {
        if (o->rule->body[i].kind != FTL_LITERAL_ATOM)
            continue;
        FTL_TRY(walk(o, i));
        if (*first < o->rule->n_body && o->cost >= least)
            continue;
        *first = i;
        least = o->cost;
    }
    o->chain = chain;
    return FTL_OK;
}

/* ---- heads and lives ---- */

/* Places that a variable can have are below this. */
static int64_t get_bound_of_var(const orderer *o, uint32_t var)
{
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < o->rule->n_body; i++) {
        const ftl_literal *l = &o->rule->body[i];
        if ((l->kind == FTL_LITERAL_LET || l->kind == FTL_LITERAL_RANGE) && l->var == var)
            least = least < l->extent ? least : l->extent;
        for (uint32_t k = 0; l->kind == FTL_LITERAL_ATOM && k < get_table(o, l)->arity; k++)
            if (l->terms[k].kind == FTL_RULE_VAR && l->terms[k].var == var &&
                get_table(o, l)->extent[k] < least)
                least = get_table(o, l)->extent[k];
    }
    return least;
}

static void add_head(orderer *o)
{
    ftl_logic_chain *c = o->chain;
    c->head = &o->e->tables[o->rule->head];
    c->place = FTL_NEW_ARRAY(o->e->arena, ftl_logic_operand, c->head->arity);
    for (uint32_t k = 0; k < c->head->arity; k++) {
        const ftl_rule_term *t = &o->rule->terms[k];
        c->place[k] = make_operand(t);
        if (t->kind == FTL_RULE_VAR && get_bound_of_var(o, t->var) > c->head->extent[k])
            add_below(o, t->var, c->head->extent[k]);
    }
}

static uint64_t get_key_vars(const ftl_logic_operand *key, uint32_t n)
{
    uint64_t vars = 0;
    for (uint32_t k = 0; k < n; k++)
        if (key[k].var >= 0)
            vars |= get_bit((uint32_t)key[k].var);
    return vars;
}

static uint64_t get_reads(const ftl_logic_step *s)
{
    uint64_t vars = 0;
    switch (s->kind) {
    case FTL_LOGIC_STEP_PROBE:
    case FTL_LOGIC_STEP_EXISTS:
        return s->index ? get_key_vars(s->key, s->index->n_keys) : 0;
    case FTL_LOGIC_STEP_CHECK:
        return get_key_vars(s->key, s->table->arity);
    case FTL_LOGIC_STEP_MEET:
        for (uint32_t i = 0; i < s->n_meet; i++)
            vars |= get_reads(&s->meet[i]);
        return vars;
    case FTL_LOGIC_STEP_COMPARE:
        return get_sum_vars(&s->literal->left) | get_sum_vars(&s->literal->right);
    case FTL_LOGIC_STEP_LET:
        return get_sum_vars(&s->literal->right);
    case FTL_LOGIC_STEP_SAME:
        return get_sum_vars(&s->literal->right) | get_bit(s->var);
    case FTL_LOGIC_STEP_BELOW:
        return get_bit(s->var);
    case FTL_LOGIC_STEP_RANGE:
        break;
    }
    return vars;
}

static uint64_t get_writes(const ftl_logic_step *s)
{
    uint64_t vars = 0;
    if (s->kind == FTL_LOGIC_STEP_MEET || s->kind == FTL_LOGIC_STEP_RANGE ||
        s->kind == FTL_LOGIC_STEP_LET)
        return get_bit(s->var);
    for (uint32_t i = 0; i < s->n_out; i++)
        vars |= get_bit(s->out_var[i]);
    return vars;
}

static void set_live(ftl_logic_chain *c)
{
    uint64_t live = c->tail == FTL_LOGIC_TAIL_ROWS ? get_key_vars(c->place, 1)
                                                   : get_key_vars(c->place, c->head->arity);
    uint64_t buffers = 0;
    if (c->tail != FTL_LOGIC_TAIL_TUPLES)
        live |= get_key_vars(&c->row, 1);
    for (size_t i = c->steps.len; i-- > 0;) {
        ftl_logic_step *s = &c->steps.data[i];
        s->live = live;
        buffers |= live;
        if (s->kind <= FTL_LOGIC_STEP_RANGE) {
            s->buffers = buffers;
            if (s->kind == FTL_LOGIC_STEP_MEET) /* the checks look at the keys once more */
                s->buffers |= s->live |= get_reads(s) | get_bit(s->var);
            for (uint32_t k = 0; k < s->n_meet; k++)
                s->check[k].live = s->live;
            buffers = 0;
            c->depth++;
        }
        live = (live & ~get_writes(s)) | get_reads(s);
    }
    c->buffers = buffers;
    for (size_t i = 0, depth = 0; i < c->steps.len; i++)
        if (c->steps.data[i].kind <= FTL_LOGIC_STEP_RANGE)
            c->steps.data[i].depth = (uint32_t)depth++;
}

/* Whether the delta is D(y, z) with a z that only the head H(x, z) looks at. */
static bool is_delta_of_rows(const orderer *o)
{
    if (o->what->delta == UINT32_MAX || o->rule->n_body < 2)
        return false;
    const ftl_literal *l = &o->rule->body[o->what->delta];
    const ftl_logic_table *t = get_table(o, l), *head = &o->e->tables[o->rule->head];
    const ftl_rule_term *h = o->rule->terms;
    if (t->arity != 2 || head->arity != 2 || t->extent[1] != head->extent[1] ||
        l->terms[0].kind != FTL_RULE_VAR || l->terms[1].kind != FTL_RULE_VAR ||
        h[1].kind != FTL_RULE_VAR || h[1].var != l->terms[1].var ||
        l->terms[0].var == l->terms[1].var || (h[0].kind == FTL_RULE_VAR && h[0].var == h[1].var))
        return false;
    uint64_t others = 0;
    for (uint32_t i = 0; i < o->rule->n_body; i++)
        others |= i == o->what->delta ? 0 : o->vars[i];
    return (others & get_bit(h[1].var)) == 0;
}

static ftl_status add_tail(orderer *o)
{
    ftl_logic_chain *c = o->chain;
    if (ftl_logic_rows_is_tail(o->e, c))
        return ftl_logic_rows_set_tail(o->e, c);
    if (is_delta_of_rows(o)) {
        const ftl_literal *l = &o->rule->body[o->what->delta];
        c->tail = FTL_LOGIC_TAIL_DELTA;
        c->row_table = get_table(o, l);
        c->row = make_operand(&l->terms[0]);
    }
    return FTL_OK;
}

static bool is_dead(const orderer *o)
{
    if (has_place_outside(&o->e->tables[o->rule->head], o->rule->terms))
        return true;
    for (uint32_t i = 0; i < o->rule->n_body; i++) {
        const ftl_literal *l = &o->rule->body[i];
        if (l->kind == FTL_LITERAL_ATOM && has_place_outside(get_table(o, l), l->terms))
            return true;
    }
    return false;
}

ftl_status ftl_logic_order_chain(ftl_logic_engine *e, const ftl_logic_order *what,
                                 ftl_logic_chain *out)
{
    const ftl_rule *rule = &e->rules->rules.data[what->rule];
    orderer o = {.e = e, .what = what, .rule = rule, .chain = out,
                 .is_done = FTL_NEW_ARRAY(e->arena, bool, rule->n_body),
                 .vars = FTL_NEW_ARRAY(e->arena, uint64_t, rule->n_body)};
    memset(out, 0, sizeof *out);
    out->rule = e->rule = what->rule;
    out->is_dead = is_dead(&o);
    if (out->is_dead)
        return FTL_OK;
    for (uint32_t k = 0; k < e->tables[rule->head].arity; k++)
        if (rule->terms[k].kind == FTL_RULE_VAR)
            o.head |= get_bit(rule->terms[k].var);
    for (uint32_t i = 0; i < rule->n_body; i++)
        o.vars[i] = get_vars(&o, &rule->body[i]);
    uint32_t first = what->delta;
    if (first == UINT32_MAX)
        FTL_TRY(find_first(&o, &first));
    FTL_TRY(walk(&o, first));
    add_head(&o);
    FTL_TRY(add_tail(&o));
    set_live(out);
    return FTL_OK;
}
