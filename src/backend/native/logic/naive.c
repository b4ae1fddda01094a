/* SPDX-License-Identifier: Apache-2.0
 *
 * The least model by the plainest means, and by none that the engine uses. Levels are found by
 * raising the head of a rule to that of what it needs, one above what it negates, until nothing
 * rises. In a level all rules run over all assignments until no tuple is new. A relation is a
 * sorted array of rows. A rule's literals stand in an order in which each finds what it needs
 * bound; those that bind a variable are nested loops (a depth of FTL_RULES_MAX_VARS at most), the
 * others are asked.
 */
#include "backend/native/logic/logic.h"

/* Sorted rows of arity places, none twice. Arity 0: n is 0 or 1. */
typedef struct rowset {
    uint32_t arity;
    size_t n, cap;
    int64_t *rows;
} rowset;

typedef struct naive {
    const ftl_rules *r;
    const ftl_allocator *alloc;
    rowset *sets;        /* by relation */
    uint32_t *level;     /* by relation */
    rowset fresh;        /* what a rule derives, until it ends */
    ftl_status status;   /* of the derivation: no memory */
    /* of the rule that runs */
    const ftl_rule *rule;
    const ftl_literal **order; /* the body */
    bool *binds;         /* by place in the order: it binds what was not bound before */
    uint64_t bound;      /* variables, as bits */
    int64_t value[FTL_RULES_MAX_VARS];
} naive;

/* ---- sets of rows ---- */

static size_t get_row_size(const rowset *s)
{
    return (s->arity ? s->arity : 1) * sizeof(int64_t);
}

static int compare_row(const rowset *s, size_t i, const int64_t *row)
{
    for (uint32_t k = 0; k < s->arity; k++) {
        int64_t x = s->rows[i * s->arity + k];
        if (x != row[k])
            return x < row[k] ? -1 : 1;
    }
    return 0;
}

/* Place of the first row that is not below; *found: it is equal. */
static size_t find_row(const rowset *s, const int64_t *row, bool *found)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_row(s, middle, row) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < s->n && compare_row(s, low, row) == 0;
    return low;
}

static ftl_status grow_rows(const ftl_allocator *alloc, rowset *s)
{
    size_t cap = s->cap ? 2 * s->cap : 16, size = 0;
    if (!ftl_mul_size(cap, get_row_size(s), &size))
        return FTL_ERR_MEMORY;
    int64_t *rows = ftl_mem_alloc(alloc, size);
    if (!rows)
        return FTL_ERR_MEMORY;
    if (s->n > 0)
        memcpy(rows, s->rows, s->n * get_row_size(s));
    ftl_mem_free(alloc, s->rows, s->cap * get_row_size(s));
    s->rows = rows;
    s->cap = cap;
    return FTL_OK;
}

static ftl_status add_row(const ftl_allocator *alloc, rowset *s, const int64_t *row)
{
    bool found = false;
    size_t at = find_row(s, row, &found);
    if (found)
        return FTL_OK;
    if (s->n == s->cap)
        FTL_TRY(grow_rows(alloc, s));
    int64_t *place = s->rows + at * s->arity;
    memmove(place + s->arity, place, (s->n - at) * s->arity * sizeof(int64_t));
    memcpy(place, row, s->arity * sizeof(int64_t));
    s->n++;
    return FTL_OK;
}

/* ---- literals ---- */

static bool is_var_bound(const naive *s, uint32_t var)
{
    return s->bound >> var & 1;
}

/* A tuple against an atom: variables that are not bound are set and recorded in *set. */
static bool match_row(naive *s, const ftl_literal *l, const int64_t *row, uint64_t *set)
{
    *set = 0;
    for (uint32_t k = 0; k < s->r->relations.data[l->relation].arity; k++) {
        const ftl_rule_term *t = &l->terms[k];
        if (t->kind == FTL_RULE_ANY)
            continue;
        if (t->kind == FTL_RULE_VAR && !is_var_bound(s, t->var) && !(*set >> t->var & 1)) {
            s->value[t->var] = row[k];
            *set |= (uint64_t)1 << t->var;
        } else if (row[k] != (t->kind == FTL_RULE_VAR ? s->value[t->var] : t->place)) {
            return false;
        }
    }
    return true;
}

static bool has_match(naive *s, const ftl_literal *l)
{
    const rowset *set = &s->sets[l->relation];
    uint64_t none = 0;
    for (size_t i = 0; i < set->n; i++)
        if (match_row(s, l, set->rows + i * set->arity, &none))
            return true;
    return false;
}

static bool get_sum(const naive *s, const ftl_rule_sum *sum, int64_t *out)
{
    int64_t total = sum->offset, product = 0;
    for (uint32_t i = 0; i < sum->n; i++)
        if (__builtin_mul_overflow(sum->coef[i], s->value[sum->var[i]], &product) ||
            __builtin_add_overflow(total, product, &total))
            return false;
    *out = total;
    return true;
}

static bool holds_compare(const naive *s, const ftl_literal *l)
{
    int64_t a = 0, b = 0;
    if (!get_sum(s, &l->left, &a) || !get_sum(s, &l->right, &b))
        return false;
    return l->compare == FTL_RULE_EQ   ? a == b
           : l->compare == FTL_RULE_NE ? a != b
           : l->compare == FTL_RULE_LT ? a < b
                                       : a <= b;
}

/* A literal that binds nothing. */
static bool holds(naive *s, const ftl_literal *l)
{
    int64_t x = 0;
    switch (l->kind) {
    case FTL_LITERAL_ATOM:
        return has_match(s, l);
    case FTL_LITERAL_NOT:
        return !has_match(s, l);
    case FTL_LITERAL_COMPARE:
        return holds_compare(s, l);
    case FTL_LITERAL_LET:
        x = s->value[l->var];
        return x >= 0 && x < l->extent && get_sum(s, &l->right, &x) && x == s->value[l->var];
    case FTL_LITERAL_RANGE:
        return s->value[l->var] >= 0 && s->value[l->var] < l->extent;
    }
    return false;
}

/* ---- the order of a body ---- */

static uint64_t get_sum_vars(const ftl_rule_sum *sum)
{
    uint64_t vars = 0;
    for (uint32_t i = 0; i < sum->n; i++)
        vars |= (uint64_t)1 << sum->var[i];
    return vars;
}

static uint64_t get_vars(const naive *s, const ftl_literal *l)
{
    uint64_t vars = 0;
    switch (l->kind) {
    case FTL_LITERAL_ATOM:
    case FTL_LITERAL_NOT:
        for (uint32_t k = 0; k < s->r->relations.data[l->relation].arity; k++)
            if (l->terms[k].kind == FTL_RULE_VAR)
                vars |= (uint64_t)1 << l->terms[k].var;
        return vars;
    case FTL_LITERAL_COMPARE:
        return get_sum_vars(&l->left) | get_sum_vars(&l->right);
    case FTL_LITERAL_LET:
        return get_sum_vars(&l->right) | (uint64_t)1 << l->var;
    case FTL_LITERAL_RANGE:
        return (uint64_t)1 << l->var;
    }
    return 0;
}

/* 0: binds nothing, 1: a value that follows, 2: tuples, 3: a range; 4: it must wait. */
static int get_rank(const naive *s, const ftl_literal *l)
{
    if (!(get_vars(s, l) & ~s->bound))
        return 0;
    if (l->kind == FTL_LITERAL_LET && !(get_sum_vars(&l->right) & ~s->bound))
        return 1;
    return l->kind == FTL_LITERAL_ATOM ? 2 : l->kind == FTL_LITERAL_RANGE ? 3 : 4;
}

static void order_body(naive *s, const ftl_rule *rule)
{
    s->rule = rule;
    s->bound = 0;
    for (uint32_t i = 0; i < rule->n_body; i++)
        s->order[i] = &rule->body[i];
    for (uint32_t i = 0; i < rule->n_body; i++) {
        uint32_t best = i;
        for (uint32_t k = i; k < rule->n_body && get_rank(s, s->order[best]) > 0; k++)
            if (get_rank(s, s->order[k]) < get_rank(s, s->order[best]))
                best = k;
        const ftl_literal *l = s->order[best];
        assert(get_rank(s, l) < 4);
        s->order[best] = s->order[i];
        s->order[i] = l;
        s->binds[i] = get_rank(s, l) > 0;
        s->bound |= get_vars(s, l);
    }
    s->bound = 0;
}

/* ---- running a rule ---- */

static void walk(naive *s, uint32_t at);

static void emit(naive *s)
{
    const ftl_rules_relation *head = &s->r->relations.data[s->rule->head];
    int64_t row[FTL_RULES_MAX_ARITY] = {0};
    bool found = false;
    for (uint32_t k = 0; k < head->arity; k++) {
        const ftl_rule_term *t = &s->rule->terms[k];
        row[k] = t->kind == FTL_RULE_VAR ? s->value[t->var] : t->place;
        if (row[k] < 0 || row[k] >= head->extent[k])
            return;
    }
    (void)find_row(&s->sets[s->rule->head], row, &found);
    if (!found)
        s->status = add_row(s->alloc, &s->fresh, row);
}

static void walk_atom(naive *s, uint32_t at)
{
    const ftl_literal *l = s->order[at];
    const rowset *rows = &s->sets[l->relation];
    for (size_t i = 0; i < rows->n && s->status == FTL_OK; i++) {
        uint64_t set = 0;
        if (!match_row(s, l, rows->rows + i * rows->arity, &set))
            continue;
        s->bound |= set;
        walk(s, at + 1);
        s->bound &= ~set;
    }
}

static void walk_values(naive *s, uint32_t at)
{
    const ftl_literal *l = s->order[at];
    int64_t from = 0, end = l->extent;
    if (l->kind == FTL_LITERAL_LET) {
        if (!get_sum(s, &l->right, &from) || from < 0 || from >= l->extent)
            return;
        end = from + 1;
    }
    s->bound |= (uint64_t)1 << l->var;
    for (int64_t x = from; x < end && s->status == FTL_OK; x++) {
        s->value[l->var] = x;
        walk(s, at + 1);
    }
    s->bound &= ~((uint64_t)1 << l->var);
}

static void walk(naive *s, uint32_t at)
{
    for (; at < s->rule->n_body && !s->binds[at]; at++)
        if (!holds(s, s->order[at]))
            return;
    if (at == s->rule->n_body)
        emit(s);
    else if (s->order[at]->kind == FTL_LITERAL_ATOM)
        walk_atom(s, at);
    else
        walk_values(s, at);
}

static ftl_status run_rule(naive *s, const ftl_rule *rule, bool *is_new)
{
    s->fresh.arity = s->r->relations.data[rule->head].arity;
    order_body(s, rule);
    walk(s, 0);
    for (size_t i = 0; i < s->fresh.n && s->status == FTL_OK; i++)
        s->status = add_row(s->alloc, &s->sets[rule->head],
                            s->fresh.rows + i * s->fresh.arity);
    *is_new = *is_new || s->fresh.n > 0;
    ftl_mem_free(s->alloc, s->fresh.rows, s->fresh.cap * get_row_size(&s->fresh));
    s->fresh = (rowset){0};
    return s->status;
}

static ftl_status run_level(naive *s, uint32_t level)
{
    bool is_new = true;
    while (is_new) {
        is_new = false;
        for (size_t i = 0; i < s->r->rules.len; i++)
            if (s->level[s->r->rules.data[i].head] == level)
                FTL_TRY(run_rule(s, &s->r->rules.data[i], &is_new));
    }
    return FTL_OK;
}

/* ---- all levels ---- */

static bool raise_head(naive *s, const ftl_rule *rule)
{
    uint32_t *head = &s->level[rule->head], before = *head;
    for (uint32_t i = 0; i < rule->n_body; i++) {
        const ftl_literal *l = &rule->body[i];
        if (l->kind != FTL_LITERAL_ATOM && l->kind != FTL_LITERAL_NOT)
            continue;
        uint32_t least = s->level[l->relation] + (l->kind == FTL_LITERAL_NOT);
        if (*head < least)
            *head = least;
    }
    return *head != before;
}

/* The highest level. Rules are sound, so levels stay below the number of relations. */
static uint32_t find_levels(naive *s)
{
    bool rose = true;
    uint32_t highest = 0;
    while (rose) {
        rose = false;
        for (size_t i = 0; i < s->r->rules.len; i++)
            rose = raise_head(s, &s->r->rules.data[i]) || rose;
    }
    for (size_t i = 0; i < s->r->relations.len; i++)
        if (s->level[i] > highest)
            highest = s->level[i];
    return highest;
}

static ftl_status take_inputs(naive *s, ftl_relation *const *inputs)
{
    int64_t row[FTL_RULES_MAX_ARITY] = {0};
    for (size_t i = 0; i < s->r->relations.len; i++) {
        const ftl_rules_relation *r = &s->r->relations.data[i];
        s->sets[i].arity = r->arity;
        if (r->input < 0)
            continue;
        const ftl_relation *from = inputs[r->input];
        if (from->arity != r->arity)
            return FTL_ERR_USAGE;
        for (int64_t t = 0; t < from->n; t++) {
            for (uint32_t k = 0; k < r->arity; k++)
                row[k] = from->column[k][t];
            FTL_TRY(add_row(s->alloc, &s->sets[i], row));
        }
    }
    return FTL_OK;
}

static ftl_status run_all(naive *s, ftl_relation *const *inputs)
{
    FTL_TRY(take_inputs(s, inputs));
    uint32_t highest = find_levels(s);
    for (uint32_t level = 0; level <= highest; level++)
        FTL_TRY(run_level(s, level));
    return FTL_OK;
}

/* ---- results ---- */

static ftl_status give_result(const naive *s, size_t i, ftl_relation **out)
{
    const rowset *set = &s->sets[i];
    const uint32_t *column[FTL_RULES_MAX_ARITY];
    size_t size = (set->n ? set->n : 1) * get_row_size(set);
    uint32_t *places = ftl_mem_alloc(s->alloc, size);
    if (!places)
        return FTL_ERR_MEMORY;
    for (uint32_t k = 0; k < set->arity; k++) {
        for (size_t t = 0; t < set->n; t++)
            places[k * set->n + t] = (uint32_t)set->rows[t * set->arity + k];
        column[k] = places + k * set->n;
    }
    ftl_relation_spec spec = {.arity = set->arity, .n = (int64_t)set->n,
                              .extent = s->r->relations.data[i].extent, .column = column};
    ftl_status status = ftl_relation_new(s->alloc, &spec, out);
    ftl_mem_free(s->alloc, places, size);
    return status;
}

static ftl_status give_results(const naive *s, ftl_relation **results)
{
    ftl_status status = FTL_OK;
    size_t n = s->r->relations.len;
    memset(results, 0, n * sizeof(*results));
    for (size_t i = 0; i < n && status == FTL_OK; i++)
        if (s->r->relations.data[i].is_result)
            status = give_result(s, i, &results[i]);
    for (size_t i = 0; i < n && status != FTL_OK; i++) {
        ftl_relation_release(results[i]);
        results[i] = NULL;
    }
    return status;
}

static void free_sets(const naive *s)
{
    for (size_t i = 0; i < s->r->relations.len; i++)
        ftl_mem_free(s->alloc, s->sets[i].rows, s->sets[i].cap * get_row_size(&s->sets[i]));
}

typedef struct naive_task {
    const ftl_rules *rules;
    ftl_relation *const *inputs;
    const ftl_allocator *alloc;
    ftl_relation **results;
    ftl_arena arena;
} naive_task;

static ftl_status run_task(void *p)
{
    naive_task *t = p;
    uint32_t longest = 0;
    size_t n = t->rules->relations.len;
    for (size_t i = 0; i < t->rules->rules.len; i++)
        if (t->rules->rules.data[i].n_body > longest)
            longest = t->rules->rules.data[i].n_body;
    naive *s = FTL_NEW(&t->arena, naive);
    s->r = t->rules;
    s->alloc = t->alloc;
    s->sets = FTL_NEW_ARRAY(&t->arena, rowset, n);
    s->level = FTL_NEW_ARRAY(&t->arena, uint32_t, n);
    s->order = FTL_NEW_ARRAY(&t->arena, const ftl_literal *, longest);
    s->binds = FTL_NEW_ARRAY(&t->arena, bool, longest);
    ftl_status status = run_all(s, t->inputs);
    if (status == FTL_OK)
        status = give_results(s, t->results);
    free_sets(s);
    return status;
}

ftl_status ftl_logic_run_naive(const ftl_rules *rules, ftl_relation *const *inputs,
                               const ftl_allocator *alloc, ftl_relation **results)
{
    naive_task task = {.rules = rules, .inputs = inputs, .alloc = alloc, .results = results};
    ftl_arena_init(&task.arena, alloc);
    ftl_status status = ftl_arena_run(&task.arena, run_task, &task);
    ftl_arena_fini(&task.arena);
    return status;
}
