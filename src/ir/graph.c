/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/graph.h"

#include "base/dtype.h"

ftl_graph *ftl_graph_new(ftl_arena *arena, ftl_graph *parent)
{
    ftl_graph *g = FTL_NEW(arena, ftl_graph);
    g->arena = arena;
    g->parent = parent;
    return g;
}

void ftl_graph_set_origin(ftl_graph *g, uint32_t equation, ftl_span span)
{
    g->equation = equation;
    g->span = span;
}

uint32_t ftl_graph_add_equation(ftl_graph *g, const char *head, const char *text, ftl_span span)
{
    assert(!g->parent);
    *FTL_VEC_PUSH(g->arena, &g->equations) =
        (ftl_origin){.text = text, .head = head, .span = span};
    return (uint32_t)g->equations.len;
}

const ftl_origin *ftl_graph_find_origin(const ftl_graph *g, uint32_t equation)
{
    while (g->parent)
        g = g->parent;
    return equation > 0 && equation <= g->equations.len ? &g->equations.data[equation - 1] : NULL;
}

void ftl_graph_add_output(ftl_graph *g, const char *name, ftl_value *v)
{
    assert(v->id < g->values.len && g->values.data[v->id] == v);
    *FTL_VEC_PUSH(g->arena, &g->outputs) = (ftl_output){.name = name, .value = v};
}

ftl_value *ftl_graph_add_value(ftl_graph *g, const ftl_value *draft)
{
    ftl_value *v = FTL_NEW(g->arena, ftl_value);
    *v = *draft;
    ftl_graph_take_value(g, v);
    return v;
}

void ftl_graph_take_value(ftl_graph *g, ftl_value *v)
{
    v->id = (uint32_t)g->values.len;
    *FTL_VEC_PUSH(g->arena, &g->values) = v;
}

int64_t ftl_value_get_count(const ftl_value *v)
{
    int64_t count = 1;
    for (uint32_t k = 0; k < v->rank; k++)
        if (v->shape[k] == 0)
            return 0;
    for (uint32_t k = 0; k < v->rank; k++)
        if (__builtin_mul_overflow(count, v->shape[k], &count))
            return INT64_MAX;
    return count;
}

/* ---- equality: of dtypes, shapes, attributes, origins and names, value by value ---- */

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_same_span(ftl_span a, ftl_span b)
{
    return a.file == b.file && a.off == b.off && a.len == b.len;
}

/* Bit by bit: nan equals itself and -0 is not 0. */
static bool is_same_double(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool is_same_affine(const ftl_affine *a, const ftl_affine *b)
{
    if (a->select != b->select)
        return false;
    if (a->select >= 0)
        return true;
    if (a->offset != b->offset || a->n != b->n)
        return false;
    for (uint32_t k = 0; k < a->n; k++)
        if (a->dim[k] != b->dim[k] || a->coef[k] != b->coef[k])
            return false;
    return true;
}

static bool is_same_map(const ftl_affine *a, const ftl_affine *b, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        if (!is_same_affine(&a[k], &b[k]))
            return false;
    return true;
}

static bool is_same_labels(const uint32_t *a, const uint32_t *b, uint32_t n)
{
    return n == 0 || memcmp(a, b, n * sizeof(*a)) == 0;
}

static bool is_same_view(const ftl_value *a, const ftl_value *b)
{
    uint32_t n = a->op == FTL_OP_VIEW_ ? a->in[0]->rank : a->rank;
    return a->u.view->in_range == b->u.view->in_range &&
           is_same_double(a->u.view->fill, b->u.view->fill) &&
           is_same_map(a->u.view->map, b->u.view->map, n);
}

static bool is_same_gather(const ftl_value *a, const ftl_value *b)
{
    const ftl_gather *x = a->u.gather, *y = b->u.gather;
    uint32_t n = a->op == FTL_OP_GATHER_ ? a->in[0]->rank : a->rank;
    if (x->n != y->n || !is_same_double(x->fill, y->fill) || !is_same_map(x->map, y->map, n))
        return false;
    for (uint32_t k = 1; k < x->n; k++)
        if (!is_same_labels(x->sub[k], y->sub[k], a->in[k]->rank))
            return false;
    return true;
}

static bool is_same_at(const ftl_at *a, const ftl_at *b)
{
    return a->n == b->n && is_same_double(a->fill, b->fill) &&
           is_same_labels(a->axis, b->axis, a->n) &&
           memcmp(a->offset, b->offset, a->n * sizeof(*a->offset)) == 0;
}

static bool is_same_contract(const ftl_value *a, const ftl_value *b)
{
    for (uint32_t i = 0; i < a->n_in; i++)
        if (!is_same_labels(a->u.contract->in[i], b->u.contract->in[i], a->in[i]->rank))
            return false;
    return is_same_labels(a->u.contract->out, b->u.contract->out, a->rank);
}

static bool is_same_loop(const ftl_loop *a, const ftl_loop *b)
{
    return a->n_carried == b->n_carried && a->count == b->count && a->reverse == b->reverse &&
           a->has_stop == b->has_stop && a->temperature_clock == b->temperature_clock &&
           ftl_graph_is_equal(a->body, b->body);
}

static bool is_same_const(const ftl_value *a, const ftl_value *b)
{
    size_t size = ftl_dtype_get_size(a->dtype);
    size_t n = a->splat ? 1 : (size_t)ftl_value_get_count(a);
    return a->splat == b->splat && (n == 0 || memcmp(a->u.data, b->u.data, n * size) == 0);
}

/* dispatch */ static bool is_same_attribute(const ftl_value *a, const ftl_value *b)
{
    switch (a->op) {
    case FTL_OP_INPUT_: return is_same_text(a->u.name, b->u.name);
    case FTL_OP_CONST_: return is_same_const(a, b);
    case FTL_OP_PARAM_:
    case FTL_OP_DERIVED_:
    case FTL_OP_RESULT_: return a->u.index == b->u.index;
    case FTL_OP_REDUCE_:
        return a->u.reduce.kind == b->u.reduce.kind && a->u.reduce.axes == b->u.reduce.axes;
    case FTL_OP_ARGMAX_:
    case FTL_OP_TOPK_: return a->u.sort.axis == b->u.sort.axis && a->u.sort.k == b->u.sort.k;
    case FTL_OP_CONCAT_: return a->u.axis == b->u.axis;
    case FTL_OP_VIEW_:
    case FTL_OP_VIEW_ADD_: return is_same_view(a, b);
    case FTL_OP_GATHER_:
    case FTL_OP_GATHER_ADD_: return is_same_gather(a, b);
    case FTL_OP_READ_AT_:
    case FTL_OP_WRITE_AT_: return is_same_at(a->u.at, b->u.at);
    case FTL_OP_CONTRACT_: return is_same_contract(a, b);
    case FTL_OP_LOOP_: return is_same_loop(a->u.loop, b->u.loop);
    case FTL_OP_RULES_: return ftl_rules_is_equal(a->u.rules, b->u.rules);
    default: return true;
    }
}

static bool is_same_form(const ftl_tuples_form *a, const ftl_tuples_form *b)
{
    if (!a || !b)
        return a == b;
    return a->rank == b->rank &&
           (a->rank == 0 || memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) == 0);
}

bool ftl_value_is_same(const ftl_value *a, const ftl_value *b)
{
    if (a->op != b->op || a->dtype != b->dtype || a->rank != b->rank || a->n_in != b->n_in)
        return false;
    for (uint32_t k = 0; k < a->rank; k++)
        if (a->shape[k] != b->shape[k])
            return false;
    return is_same_form(a->tuples, b->tuples) && is_same_attribute(a, b);
}

static bool is_equal_value(const ftl_value *a, const ftl_value *b)
{
    if (a->equation != b->equation || !is_same_span(a->span, b->span) || a->n_in != b->n_in)
        return false;
    for (uint32_t i = 0; i < a->n_in; i++)
        if (a->in[i]->id != b->in[i]->id)
            return false;
    return ftl_value_is_same(a, b);
}

static bool is_equal_origin(const ftl_origin *a, const ftl_origin *b)
{
    return is_same_text(a->head, b->head) && is_same_text(a->text, b->text) &&
           is_same_span(a->span, b->span);
}

bool ftl_graph_is_equal(const ftl_graph *a, const ftl_graph *b)
{
    if (a->values.len != b->values.len || a->outputs.len != b->outputs.len ||
        a->equations.len != b->equations.len)
        return false;
    for (size_t i = 0; i < a->equations.len; i++)
        if (!is_equal_origin(&a->equations.data[i], &b->equations.data[i]))
            return false;
    for (size_t i = 0; i < a->values.len; i++)
        if (!is_equal_value(a->values.data[i], b->values.data[i]))
            return false;
    for (size_t i = 0; i < a->outputs.len; i++) {
        const ftl_output *x = &a->outputs.data[i], *y = &b->outputs.data[i];
        if (x->value->id != y->value->id || !is_same_text(x->name, y->name))
            return false;
    }
    return true;
}
