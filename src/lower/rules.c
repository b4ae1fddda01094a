/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups as rules. Recursive Boolean groups that can be said in rules, and groups between them and
 * those that are too large to be dense, go to one rule program after another: a program is open
 * until something else reads what it derives. Then it becomes a RULES value, and its relations
 * tuples, or dense tensors where they are read as such.
 */
#include "lower/rules.h"

#define LARGE_RELATION 0x1p22 /* elements from which a relation that is not recursive is tuples */

/* ---- which groups ---- */

static double count_elements(const ftl_tensor_decl *t)
{
    double n = 1;
    for (uint32_t k = 0; k < t->rank; k++)
        n *= (double)t->extent[k];
    return n;
}

static bool has_columns(const ftl_tensor_decl *t)
{
    if (!t->is_boolean || t->has_time || t->rank > FTL_RULES_MAX_ARITY)
        return false;
    for (uint32_t k = 0; k < t->rank; k++)
        if (t->extent[k] < 0 || t->extent[k] > UINT32_MAX - 1)
            return false;
    return true;
}

static bool is_derived(const lower_ctx *c, uint32_t tensor)
{
    return c->open && c->open->is_head[tensor];
}

/* A Boolean tensor that the expression reads and that is derived in the open program, or large. */
static bool reads_tuples(const lower_ctx *c, const ftl_expr *e)
{
    const ftl_expr *part;
    const ftl_tensor_decl *t = e->kind == FTL_EXPR_READ ? &c->m->tensors.data[e->tensor] : NULL;
    if (t && t->is_boolean && (is_derived(c, e->tensor) || count_elements(t) > LARGE_RELATION))
        return true;
    for (size_t at = 0; (part = ftl_expr_next_part(e, &at));)
        if (reads_tuples(c, part))
            return true;
    return false;
}

static bool is_worth_rules(const lower_ctx *c, const ftl_group *g)
{
    if (g->kind == FTL_GROUP_SCAN || g->is_stream || c->options.max_iters >= 0)
        return false;
    bool is_wanted = g->kind == FTL_GROUP_FIXPOINT;
    for (size_t i = 0; i < g->tensors.len; i++) {
        const ftl_tensor_decl *t = &c->m->tensors.data[g->tensors.data[i]];
        if (!has_columns(t))
            return false;
        is_wanted = is_wanted || count_elements(t) > LARGE_RELATION;
        for (size_t k = 0; !is_wanted && k < t->equations.len; k++)
            is_wanted = reads_tuples(c, c->m->equations.data[t->equations.data[k]].value);
    }
    return is_wanted;
}

/* ---- adding a group ---- */

static lower_rules *open_rules(lower_ctx *c)
{
    lower_rules *r = FTL_NEW(c->arena, lower_rules);
    r->c = c;
    r->rules = ftl_rules_new(c->arena);
    r->relation = FTL_NEW_ARRAY(c->arena, uint32_t, c->m->tensors.len + 1);
    r->is_head = FTL_NEW_ARRAY(c->arena, bool, c->m->tensors.len + 1);
    return r;
}

/* Facts of the program are rules without a body. */
static void add_facts(lower_rules *r, uint32_t tensor)
{
    const ftl_tensor_decl *t = &r->c->m->tensors.data[tensor];
    uint32_t relation = lower_get_relation(r, tensor);
    for (int64_t i = 0; i < t->facts->count; i++) {
        ftl_rule *rule = FTL_VEC_PUSH(r->c->arena, &r->rules->rules);
        *rule = (ftl_rule){.head = relation, .span = t->facts_span};
        rule->terms = FTL_NEW_ARRAY(r->c->arena, ftl_rule_term, t->rank + 1);
        for (uint32_t k = 0; k < t->rank; k++)
            rule->terms[k] = (ftl_rule_term){.kind = FTL_RULE_PLACE,
                                             .place = t->facts->columns[k][i]};
    }
}

static bool add_group(lower_rules *r, const ftl_group *g)
{
    for (size_t i = 0; i < g->tensors.len; i++) {
        const ftl_tensor_decl *t = &r->c->m->tensors.data[g->tensors.data[i]];
        for (size_t k = 0; k < t->equations.len; k++)
            if (!lower_add_rules(r, t->equations.data[k]))
                return false;
    }
    for (size_t i = 0; i < g->tensors.len; i++) {
        uint32_t tensor = g->tensors.data[i];
        r->is_head[tensor] = true;
        lower_get_relation(r, tensor);
        add_facts(r, tensor);
    }
    return true;
}

/* Takes back what a group that could not be said has added. */
static void forget(lower_rules *r, size_t relations, size_t rules, size_t dense)
{
    while (r->rules->relations.len > relations) {
        uint32_t tensor = r->tensors.data[--r->tensors.len];
        if (tensor != UINT32_MAX)
            r->relation[tensor] = 0;
        r->rules->relations.len--;
    }
    r->rules->rules.len = rules;
    r->dense.len = dense;
}

bool lower_try_rules(lower_ctx *c, const ftl_group *g)
{
    if (!is_worth_rules(c, g))
        return false;
    lower_rules *r = c->open ? c->open : open_rules(c);
    size_t relations = r->rules->relations.len, rules = r->rules->rules.len, dense = r->dense.len;
    if (!add_group(r, g)) {
        forget(r, relations, rules, dense);
        return false;
    }
    c->open = r;
    return true;
}

/* ---- closing ---- */

static bool is_lowered_outside(const lower_ctx *c, uint32_t tensor)
{
    return !is_derived(c, tensor);
}

static void note_reads(const ftl_expr *e, bool *read)
{
    const ftl_expr *part;
    if (e->kind == FTL_EXPR_READ)
        read[e->tensor] = true;
    for (size_t at = 0; (part = ftl_expr_next_part(e, &at));)
        note_reads(part, read);
}

/* Tensors that are read by what is not in the open program. */
static bool *find_wanted(lower_ctx *c)
{
    const ftl_model *m = c->m;
    bool *wanted = FTL_NEW_ARRAY(c->arena, bool, m->tensors.len + 1);
    for (size_t i = 0; i < m->equations.len; i++)
        if (m->equations.data[i].value && is_lowered_outside(c, m->equations.data[i].tensor))
            note_reads(m->equations.data[i].value, wanted);
    for (size_t i = 0; i < m->exports.len; i++)
        wanted[m->exports.data[i].tensor] = true;
    for (size_t i = 0; i < m->queries.len; i++)
        wanted[m->queries.data[i].tensor] = true;
    for (size_t i = 0; i < m->sinks.len; i++)
        wanted[m->sinks.data[i].tensor] = true;
    return wanted;
}

static bool is_outside(const ftl_tensor_decl *t)
{
    return t->origin == FTL_ORIGIN_SOURCE || t->origin == FTL_ORIGIN_INPUT;
}

/* The tuples of a relation that the program does not derive from nothing; null when it has none. */
static ftl_value *find_tuples(lower_ctx *c, uint32_t tensor)
{
    const ftl_tensor_decl *t = &c->m->tensors.data[tensor];
    ftl_graph *g = lower_graph(c);
    if (c->tuples[tensor])
        return c->tuples[tensor];
    if (is_derived(c, tensor) && !is_outside(t))
        return NULL;
    if (!c->tensor[tensor] && t->equations.len == 0 && !is_outside(t))
        return NULL; /* facts alone */
    ftl_graph_set_origin(g, 0, t->span);
    if (is_outside(t) && t->source->is_tuples)
        return c->tuples[tensor] = ftl_make_tuples_input(g, t->name, t->rank, t->extent);
    if (!c->tensor[tensor])
        lower_single(c, tensor);
    return c->tuples[tensor] = ftl_make_tuples(g, c->tensor[tensor]);
}

static void add_operand(lower_rules *r, uint32_t relation, ftl_value *v)
{
    uint32_t k = 0;
    while (k < r->operands.len && r->operands.data[k] != v)
        k++;
    if (k == r->operands.len)
        *FTL_VEC_PUSH(r->c->arena, &r->operands) = v;
    r->rules->relations.data[relation].input = (int32_t)k;
}

static void add_dense_atoms(lower_rules *r)
{
    lower_ctx *c = r->c;
    for (size_t i = 0; i < r->dense.len; i++) {
        const lower_dense_atom *d = &r->dense.data[i];
        lower_enter(c, (uint32_t)(d->eq - c->m->equations.data));
        term t = lower_as_truth(c, lower_expr(c, d->e));
        t = lower_align(c, t, d->e->axes, d->e->n_axes);
        add_operand(r, d->relation, ftl_make_tuples(lower_graph(c), t.v));
    }
}

void lower_close_rules(lower_ctx *c)
{
    lower_rules *r = c->open;
    if (!r)
        return;
    const bool *wanted = find_wanted(c);
    size_t n = r->tensors.len;
    for (size_t i = 0; i < n; i++) {
        uint32_t tensor = r->tensors.data[i];
        ftl_value *v = tensor == UINT32_MAX ? NULL : find_tuples(c, tensor);
        if (v)
            add_operand(r, (uint32_t)i, v);
        if (tensor != UINT32_MAX && !r->is_head[tensor] && !v)
            add_facts(r, tensor);
        r->rules->relations.data[i].is_result = tensor != UINT32_MAX && r->is_head[tensor] &&
                                                wanted[tensor];
    }
    add_dense_atoms(r);
    c->open = NULL;
    ftl_graph_set_origin(lower_graph(c), r->rules->rules.data[0].equation,
                         r->rules->rules.data[0].span);
    ftl_value *rules = ftl_make_rules(lower_graph(c), (uint32_t)r->operands.len, r->operands.data,
                                      r->rules);
    for (size_t i = 0; i < n; i++)
        if (r->rules->relations.data[i].is_result)
            c->tuples[r->tensors.data[i]] = ftl_make_derived(lower_graph(c), rules, (uint32_t)i);
}

/* ---- readers ---- */

void lower_need_dense(lower_ctx *c, uint32_t tensor)
{
    if (c->tensor[tensor])
        return;
    if (is_derived(c, tensor))
        lower_close_rules(c);
    const ftl_tensor_decl *t = &c->m->tensors.data[tensor];
    lower_check_size(c, t);
    if (!c->tuples[tensor]) {
        lower_single(c, tensor);
        return;
    }
    ftl_graph_set_origin(lower_graph(c), 0, t->span);
    c->tensor[tensor] = ftl_make_dense(lower_graph(c), c->tuples[tensor]);
}

static void need_reads(lower_ctx *c, const ftl_group *g, const ftl_expr *e)
{
    const ftl_expr *part;
    bool is_member = false;
    for (size_t i = 0; e->kind == FTL_EXPR_READ && i < g->tensors.len; i++)
        is_member = is_member || g->tensors.data[i] == e->tensor;
    if (e->kind == FTL_EXPR_READ && !is_member)
        lower_need_dense(c, e->tensor);
    for (size_t at = 0; (part = ftl_expr_next_part(e, &at));)
        need_reads(c, g, part);
}

void lower_need_reads(lower_ctx *c, const ftl_group *g)
{
    for (size_t i = 0; i < g->tensors.len; i++) {
        const ftl_tensor_decl *t = &c->m->tensors.data[g->tensors.data[i]];
        for (size_t k = 0; k < t->equations.len; k++)
            need_reads(c, g, c->m->equations.data[t->equations.data[k]].value);
    }
}

bool lower_is_late(const ftl_tensor_decl *t)
{
    return has_columns(t) && t->equations.len == 0 &&
           (is_outside(t) ? t->source->is_tuples : t->facts->count > 0);
}
