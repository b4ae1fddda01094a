/* SPDX-License-Identifier: Apache-2.0
 *
 * From an equation to rules. Everything that is convertible is at least 0, so that a sum is true
 * where a summand is, and a product where all factors are: the projections of a Boolean head are
 * OR and exists. The conjunctions of a product are all pairs of those of its factors; their number
 * is bounded.
 */
#include "lower/rules.h"

enum { MOST_RULES = 64, MOST_LITERALS = 64 };
#define DENSE_ATOM 0x1p26 /* elements of a dense atom at most */

typedef struct conjunction {
    FTL_VEC(ftl_literal) literals;
} conjunction;
typedef FTL_VEC(conjunction) disjunction;

typedef struct body {
    lower_rules *r;
    ftl_arena *arena;
    const ftl_model *m;
    const ftl_equation *eq;
    uint32_t *var;       /* by axis of the equation: its variable in this scope */
    uint32_t n_vars;
    const char *names[FTL_RULES_MAX_VARS];
    int64_t extent[FTL_RULES_MAX_VARS];
    bool is_negative;    /* under not */
} body;

static bool convert(body *b, const ftl_expr *e, disjunction *out);

/* ---- variables ---- */

static bool make_var(body *b, uint32_t axis, uint32_t *var)
{
    if (b->n_vars == FTL_RULES_MAX_VARS)
        return false;
    const ftl_axis *a = &b->eq->axes.data[axis];
    *var = b->n_vars++;
    b->names[*var] = a->name;
    b->extent[*var] = a->extent;
    return true;
}

/* The variable of a place that is computed; it has no name. */
static bool make_place_var(body *b, int64_t extent, uint32_t *var)
{
    if (b->n_vars == FTL_RULES_MAX_VARS)
        return false;
    *var = b->n_vars++;
    b->names[*var] = NULL;
    b->extent[*var] = extent;
    return true;
}

/* ---- sums of variables ---- */

static bool add_to_sum(body *b, ftl_rule_sum *s, uint32_t var, int64_t coef)
{
    uint32_t *vars = FTL_NEW_ARRAY(b->arena, uint32_t, s->n + 1);
    int64_t *coefs = FTL_NEW_ARRAY(b->arena, int64_t, s->n + 1);
    uint32_t n = 0, i = 0;
    for (; i < s->n && s->var[i] < var; i++, n++)
        vars[n] = s->var[i], coefs[n] = s->coef[i];
    if (i < s->n && s->var[i] == var && __builtin_add_overflow(coef, s->coef[i++], &coef))
        return false;
    if (coef != 0)
        vars[n] = var, coefs[n++] = coef;
    for (; i < s->n; i++, n++)
        vars[n] = s->var[i], coefs[n] = s->coef[i];
    *s = (ftl_rule_sum){s->offset, n, vars, coefs};
    return true;
}

/* s += sign * e, where e adds and subtracts places and whole numbers, and scales them. */
static bool add_expr_to_sum(body *b, ftl_rule_sum *s, const ftl_expr *e, int64_t factor)
{
    if (e->kind == FTL_EXPR_NUMBER) {
        int64_t x = (int64_t)e->number;
        return e->number >= -0x1p53 && e->number <= 0x1p53 && (double)x == e->number &&
               !__builtin_mul_overflow(x, factor, &x) &&
               !__builtin_add_overflow(s->offset, x, &s->offset);
    }
    if (e->kind == FTL_EXPR_INDEX)
        return add_to_sum(b, s, b->var[e->axis], factor);
    if (e->kind != FTL_EXPR_MAP)
        return false;
    const ftl_expr *first = e->args.data[0], *last = e->args.data[e->args.len - 1];
    switch (e->op) {
    case FTL_OP_NEG_:
        return factor != INT64_MIN && add_expr_to_sum(b, s, first, -factor);
    case FTL_OP_SUB_:
        return factor != INT64_MIN && add_expr_to_sum(b, s, first, factor) &&
               add_expr_to_sum(b, s, last, -factor);
    case FTL_OP_ADD_:
        for (size_t i = 0; i < e->args.len; i++)
            if (!add_expr_to_sum(b, s, e->args.data[i], factor))
                return false;
        return true;
    case FTL_OP_MUL_: {
        const ftl_expr *scale = first->kind == FTL_EXPR_NUMBER ? first : last;
        ftl_rule_sum whole = {0};
        return e->args.len == 2 && scale->kind == FTL_EXPR_NUMBER &&
               add_expr_to_sum(b, &whole, scale, factor) && whole.n == 0 &&
               add_expr_to_sum(b, s, scale == first ? last : first, whole.offset);
    }
    default:
        return false;
    }
}

/* ---- literals ---- */

static void push_one(body *b, disjunction *out, const ftl_literal *literals, uint32_t n)
{
    conjunction *c = FTL_VEC_PUSH(b->arena, out);
    *c = (conjunction){{0}};
    for (uint32_t i = 0; i < n; i++)
        *FTL_VEC_PUSH(b->arena, &c->literals) = literals[i];
}

/* Places as terms of an atom or a head; a LET for each that is neither a constant nor a
 * variable. */
typedef struct places {
    ftl_rule_term *terms;
    ftl_literal lets[FTL_MAX_RANK];
    uint32_t n_lets;
} places;

static bool convert_place(body *b, const ftl_at_place *p, int64_t extent, places *to, uint32_t k)
{
    ftl_rule_sum sum = {.offset = p->offset};
    ftl_rule_term *out = &to->terms[k];
    if (p->form != FTL_AT_AFFINE && p->form != FTL_AT_SLICE)
        return false;
    for (size_t i = 0; i < p->terms.len; i++)
        if (!add_to_sum(b, &sum, b->var[p->terms.data[i].axis], p->terms.data[i].coef))
            return false;
    if (sum.n == 0) {
        *out = (ftl_rule_term){.kind = FTL_RULE_PLACE, .place = sum.offset};
        return true;
    }
    *out = (ftl_rule_term){.kind = FTL_RULE_VAR, .var = sum.var[0]};
    if (sum.n == 1 && sum.coef[0] == 1 && sum.offset == 0)
        return true;
    if (!make_place_var(b, extent, &out->var))
        return false;
    to->lets[to->n_lets++] = (ftl_literal){.kind = FTL_LITERAL_LET, .var = out->var, .right = sum,
                                           .extent = extent};
    return true;
}

static bool convert_places(body *b, const ftl_at_place *from, const ftl_tensor_decl *t, places *to)
{
    to->terms = FTL_NEW_ARRAY(b->arena, ftl_rule_term, t->rank + 1);
    to->n_lets = 0;
    for (uint32_t k = 0; k < t->rank; k++)
        if (!convert_place(b, &from[k], t->extent[k], to, k))
            return false;
    return true;
}

static bool convert_read(body *b, const ftl_expr *e, disjunction *out)
{
    const ftl_tensor_decl *t = &b->m->tensors.data[e->tensor];
    places at;
    if (!t->is_boolean || t->has_time || t->rank > FTL_RULES_MAX_ARITY || e->n_places != t->rank)
        return false;
    if (!convert_places(b, e->places, t, &at))
        return false;
    if (b->is_negative && at.n_lets > 0)
        return false; /* outside of the extent not is true: a LET would be false */
    ftl_literal atom = {.kind = b->is_negative ? FTL_LITERAL_NOT : FTL_LITERAL_ATOM};
    atom.terms = at.terms;
    atom.relation = lower_get_relation(b->r, e->tensor);
    push_one(b, out, at.lets, at.n_lets);
    *FTL_VEC_PUSH(b->arena, &out->data[out->len - 1].literals) = atom;
    return true;
}

static bool convert_compare(body *b, const ftl_expr *e, disjunction *out)
{
    ftl_literal x = {.kind = FTL_LITERAL_COMPARE};
    if (!add_expr_to_sum(b, &x.left, e->args.data[0], 1) ||
        !add_expr_to_sum(b, &x.right, e->args.data[1], 1))
        return false;
    ftl_rule_sum left = x.left;
    switch (e->op) {
    case FTL_OP_EQ_:
        x.compare = b->is_negative ? FTL_RULE_NE : FTL_RULE_EQ;
        break;
    case FTL_OP_NE_:
        x.compare = b->is_negative ? FTL_RULE_EQ : FTL_RULE_NE;
        break;
    default:
        x.compare = (e->op == FTL_OP_LE_) != b->is_negative ? FTL_RULE_LE : FTL_RULE_LT;
        if (b->is_negative) /* not a < b: b <= a */
            x.left = x.right, x.right = left;
        break;
    }
    push_one(b, out, &x, 1);
    return true;
}

/* ---- and, or, not, exists ---- */

static bool convert_or(body *b, const ftl_exprs *args, disjunction *out)
{
    for (size_t i = 0; i < args->len; i++)
        if (!convert(b, args->data[i], out))
            return false;
    return out->len <= MOST_RULES;
}

static bool convert_and(body *b, const ftl_exprs *args, disjunction *out)
{
    disjunction all = {0};
    push_one(b, &all, NULL, 0);
    for (size_t i = 0; i < args->len; i++) {
        disjunction next = {0}, product = {0};
        if (!convert(b, args->data[i], &next) || all.len * next.len > MOST_RULES)
            return false;
        for (size_t x = 0; x < all.len; x++)
            for (size_t y = 0; y < next.len; y++) {
                conjunction *left = &all.data[x], *right = &next.data[y];
                if (left->literals.len + right->literals.len > MOST_LITERALS)
                    return false;
                push_one(b, &product, left->literals.data, (uint32_t)left->literals.len);
                conjunction *both = &product.data[product.len - 1];
                for (size_t k = 0; k < right->literals.len; k++)
                    *FTL_VEC_PUSH(b->arena, &both->literals) = right->literals.data[k];
            }
        all = product;
    }
    for (size_t x = 0; x < all.len; x++)
        *FTL_VEC_PUSH(b->arena, out) = all.data[x];
    return out->len <= MOST_RULES;
}

/* True when axis is the whole of one place of the reference and of no other. */
static bool is_place_alone(const ftl_expr *read, uint32_t axis, uint32_t *place)
{
    uint32_t uses = 0;
    for (uint32_t k = 0; k < read->n_places; k++) {
        const ftl_at_place *p = &read->places[k];
        for (size_t i = 0; i < p->terms.len; i++) {
            if (p->terms.data[i].axis != axis)
                continue;
            uses++;
            *place = k;
            if (p->form != FTL_AT_AFFINE || p->terms.len != 1 || p->terms.data[i].coef != 1 ||
                p->offset != 0)
                return false;
        }
    }
    return uses == 1;
}

/* not exists: only over places of one atom, which are any. */
static bool convert_not_exists(body *b, const ftl_expr *e, disjunction *out)
{
    const ftl_expr *read = e->args.data[0];
    uint32_t place[FTL_MAX_RANK], n = 0;
    if (read->kind != FTL_EXPR_READ)
        return false;
    for (uint32_t i = 0; i < e->n_over; i++)
        if (n == FTL_MAX_RANK || !is_place_alone(read, e->over[i], &place[n++]))
            return false;
    size_t before = out->len;
    if (!convert_read(b, read, out) || out->len != before + 1)
        return false;
    conjunction *c = &out->data[before];
    for (uint32_t i = 0; i < n; i++)
        c->literals.data[c->literals.len - 1].terms[place[i]] =
            (ftl_rule_term){.kind = FTL_RULE_ANY};
    return true;
}

static bool convert_exists(body *b, const ftl_expr *e, disjunction *out)
{
    uint32_t outer[FTL_MAX_RANK];
    bool is_fine = e->n_over <= FTL_MAX_RANK;
    if (e->block != 0 || (e->reduce != FTL_PROJECTION_SUM && e->reduce != FTL_PROJECTION_MAX))
        return false;
    for (uint32_t i = 0; is_fine && i < e->n_over; i++) {
        outer[i] = b->var[e->over[i]];
        is_fine = make_var(b, e->over[i], &b->var[e->over[i]]);
    }
    if (!is_fine)
        return false;
    is_fine = b->is_negative ? convert_not_exists(b, e, out) : convert(b, e->args.data[0], out);
    for (uint32_t i = 0; i < e->n_over; i++)
        b->var[e->over[i]] = outer[i];
    return is_fine;
}

/* c ? x : y is c and x, or not c and y. */
static bool convert_select(body *b, const ftl_expr *e, disjunction *out)
{
    ftl_expr not_c = {.kind = FTL_EXPR_MAP, .op = FTL_OP_NOT_, .span = e->span};
    ftl_expr *one[1] = {e->args.data[0]}, *then[2] = {e->args.data[0], e->args.data[1]};
    ftl_expr *other[2] = {&not_c, e->args.data[2]};
    not_c.args = (ftl_exprs){.data = one, .len = 1, .cap = 1};
    if (b->is_negative)
        return false;
    return convert_and(b, &(ftl_exprs){.data = then, .len = 2, .cap = 2}, out) &&
           convert_and(b, &(ftl_exprs){.data = other, .len = 2, .cap = 2}, out);
}

static bool convert_not(body *b, const ftl_expr *e, disjunction *out)
{
    b->is_negative = !b->is_negative;
    bool is_fine = convert(b, e->args.data[0], out);
    b->is_negative = !b->is_negative;
    return is_fine;
}

/* dispatch */ static bool convert_map(body *b, const ftl_expr *e, disjunction *out)
{
    switch (e->op) {
    case FTL_OP_AND_:
    case FTL_OP_MUL_:
        return b->is_negative ? convert_or(b, &e->args, out) : convert_and(b, &e->args, out);
    case FTL_OP_OR_:
    case FTL_OP_ADD_:
        return b->is_negative ? convert_and(b, &e->args, out) : convert_or(b, &e->args, out);
    case FTL_OP_NOT_:
        return convert_not(b, e, out);
    case FTL_OP_SELECT_:
        return convert_select(b, e, out);
    case FTL_OP_EQ_:
    case FTL_OP_NE_:
    case FTL_OP_LT_:
    case FTL_OP_LE_:
        return convert_compare(b, e, out);
    default:
        return false;
    }
}

static bool convert_structure(body *b, const ftl_expr *e, disjunction *out)
{
    switch (e->kind) {
    case FTL_EXPR_READ:
        return convert_read(b, e, out);
    case FTL_EXPR_MAP:
        return convert_map(b, e, out);
    case FTL_EXPR_REDUCE:
        return convert_exists(b, e, out);
    case FTL_EXPR_NUMBER:
        if ((e->number > 0) != b->is_negative)
            push_one(b, out, NULL, 0);
        return e->number >= 0;
    default:
        return false;
    }
}

/* ---- dense atoms ---- */

/* Reads a relation that rules derive, now or before in the same program. */
static bool reads_relations(const body *b, const ftl_expr *e)
{
    const ftl_expr *part;
    if (e->kind == FTL_EXPR_READ && b->m->tensors.data[e->tensor].is_boolean)
        return true;
    for (size_t at = 0; (part = ftl_expr_next_part(e, &at));)
        if (reads_relations(b, part))
            return true;
    return false;
}

static bool add_dense_atom(body *b, const ftl_expr *e, disjunction *out)
{
    double n = 1;
    for (uint32_t i = 0; i < e->n_axes; i++)
        n *= (double)b->eq->axes.data[e->axes[i]].extent;
    if (n > DENSE_ATOM || e->n_axes > FTL_RULES_MAX_ARITY || reads_relations(b, e))
        return false;
    int64_t *extent = FTL_NEW_ARRAY(b->arena, int64_t, e->n_axes + 1);
    ftl_literal atom = {.kind = b->is_negative ? FTL_LITERAL_NOT : FTL_LITERAL_ATOM};
    atom.terms = FTL_NEW_ARRAY(b->arena, ftl_rule_term, e->n_axes + 1);
    for (uint32_t i = 0; i < e->n_axes; i++) {
        extent[i] = b->eq->axes.data[e->axes[i]].extent;
        atom.terms[i] = (ftl_rule_term){.kind = FTL_RULE_VAR, .var = b->var[e->axes[i]]};
    }
    atom.relation = (uint32_t)b->r->rules->relations.len;
    *FTL_VEC_PUSH(b->arena, &b->r->rules->relations) =
        (ftl_rules_relation){.name = "(condition)", .arity = e->n_axes, .extent = extent,
                             .input = -1};
    *FTL_VEC_PUSH(b->arena, &b->r->tensors) = UINT32_MAX;
    *FTL_VEC_PUSH(b->arena, &b->r->dense) = (lower_dense_atom){b->eq, e, atom.relation};
    push_one(b, out, &atom, 1);
    return true;
}

static bool convert(body *b, const ftl_expr *e, disjunction *out)
{
    size_t before = out->len;
    if (convert_structure(b, e, out))
        return out->len <= MOST_RULES;
    out->len = before;
    return add_dense_atom(b, e, out);
}

/* ---- rules ---- */

static bool is_bound(const conjunction *c, const ftl_rules *rules, uint32_t var)
{
    (void)rules;
    for (size_t i = 0; i < c->literals.len; i++) {
        const ftl_literal *l = &c->literals.data[i];
        if (l->kind == FTL_LITERAL_LET && l->var == var)
            return true;
        for (uint32_t k = 0; l->kind == FTL_LITERAL_ATOM &&
                             k < rules->relations.data[l->relation].arity; k++)
            if (l->terms[k].kind == FTL_RULE_VAR && l->terms[k].var == var)
                return true;
    }
    return false;
}

static void note_sum(const ftl_rule_sum *s, bool *used)
{
    for (uint32_t i = 0; i < s->n; i++)
        used[s->var[i]] = true;
}

/* Variables that a conjunction and its head speak of. */
static void note_vars(const body *b, const conjunction *c, const ftl_rule_term *head, uint32_t n,
                      bool *used)
{
    for (uint32_t k = 0; k < n; k++)
        if (head[k].kind == FTL_RULE_VAR)
            used[head[k].var] = true;
    for (size_t i = 0; i < c->literals.len; i++) {
        const ftl_literal *l = &c->literals.data[i];
        bool is_atom = l->kind == FTL_LITERAL_ATOM || l->kind == FTL_LITERAL_NOT;
        note_sum(&l->left, used);
        note_sum(&l->right, used);
        for (uint32_t k = 0; is_atom && k < b->r->rules->relations.data[l->relation].arity; k++)
            if (l->terms[k].kind == FTL_RULE_VAR)
                used[l->terms[k].var] = true;
    }
}

static void add_rule(body *b, conjunction *c, const ftl_rule_term *head, uint32_t relation)
{
    ftl_rules *rules = b->r->rules;
    uint32_t arity = rules->relations.data[relation].arity;
    bool used[FTL_RULES_MAX_VARS] = {false};
    note_vars(b, c, head, arity, used);
    for (uint32_t v = 0; v < b->n_vars; v++)
        if (used[v] && !is_bound(c, rules, v))
            *FTL_VEC_PUSH(b->arena, &c->literals) =
                (ftl_literal){.kind = FTL_LITERAL_RANGE, .var = v, .extent = b->extent[v]};
    const char **names = FTL_NEW_ARRAY(b->arena, const char *, b->n_vars + 1);
    memcpy(names, b->names, b->n_vars * sizeof *names);
    ftl_rule_term *terms = FTL_NEW_ARRAY(b->arena, ftl_rule_term, arity + 1);
    memcpy(terms, head, arity * sizeof *terms);
    *FTL_VEC_PUSH(b->arena, &rules->rules) =
        (ftl_rule){.head = relation, .terms = terms, .body = c->literals.data,
                   .n_body = (uint32_t)c->literals.len, .n_vars = b->n_vars, .vars = names,
                   .equation = 1 + (uint32_t)(b->eq - b->m->equations.data), .span = b->eq->span};
}

uint32_t lower_get_relation(lower_rules *r, uint32_t tensor)
{
    const ftl_tensor_decl *t = &r->c->m->tensors.data[tensor];
    if (r->relation[tensor] == 0) {
        *FTL_VEC_PUSH(r->c->arena, &r->rules->relations) =
            (ftl_rules_relation){.name = t->name, .arity = t->rank, .extent = t->extent,
                                 .input = -1};
        *FTL_VEC_PUSH(r->c->arena, &r->tensors) = tensor;
        r->relation[tensor] = (uint32_t)r->rules->relations.len;
    }
    return r->relation[tensor] - 1;
}

bool lower_add_rules(lower_rules *r, uint32_t equation)
{
    const ftl_model *m = r->c->m;
    body b = {.r = r, .arena = r->c->arena, .m = m, .eq = &m->equations.data[equation]};
    const ftl_tensor_decl *t = &m->tensors.data[b.eq->tensor];
    places head;
    disjunction all = {0};
    b.var = FTL_NEW_ARRAY(b.arena, uint32_t, b.eq->axes.len + 1);
    for (uint32_t a = 0; a < b.eq->axes.len; a++) {
        b.var[a] = UINT32_MAX;
        if (b.eq->axes.data[a].block_of >= 0)
            return false;
        if (b.eq->axes.data[a].is_left && !make_var(&b, a, &b.var[a]))
            return false;
    }
    if (b.eq->n_left != t->rank || t->rank > FTL_RULES_MAX_ARITY ||
        (b.eq->proj != FTL_PROJECTION_SUM && b.eq->proj != FTL_PROJECTION_MAX) ||
        !convert_places(&b, b.eq->left, t, &head) ||
        !convert(&b, b.eq->value, &all))
        return false;
    uint32_t relation = lower_get_relation(r, b.eq->tensor);
    for (size_t i = 0; i < all.len; i++) {
        for (uint32_t k = 0; k < head.n_lets; k++)
            *FTL_VEC_PUSH(b.arena, &all.data[i].literals) = head.lets[k];
        add_rule(&b, &all.data[i], head.terms, relation);
    }
    return true;
}
