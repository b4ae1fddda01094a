/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of work: inputs, groups in their order, then exports, sinks and queries.
 */
#include "lower/context.h"

static void lower_group(lower_ctx *c, const ftl_group *g)
{
    if (g->is_stream)
        lower_fail(c, FTL_E_TIME, c->m->tensors.data[g->tensors.data[0]].span,
                   "'%s' lives in virtual time, which this version cannot run yet",
                   c->m->tensors.data[g->tensors.data[0]].name);
    if (lower_try_rules(c, g))
        return;
    lower_need_reads(c, g);
    for (size_t i = 0; i < g->tensors.len; i++)
        lower_check_size(c, &c->m->tensors.data[g->tensors.data[i]]);
    switch (g->kind) {
    case FTL_GROUP_SINGLE:
        for (size_t i = 0; i < g->tensors.len; i++)
            lower_single(c, g->tensors.data[i]);
        break;
    case FTL_GROUP_SCAN:
        lower_scan(c, g);
        break;
    case FTL_GROUP_FIXPOINT:
        lower_fixpoint(c, g);
        break;
    }
}

static void put_output(lower_ctx *c, const char *name, uint32_t tensor, ftl_span span)
{
    lower_need_dense(c, tensor);
    if (!c->tensor[tensor])
        lower_fail(c, FTL_E_INTERNAL, span, "'%s' was not computed",
                   c->m->tensors.data[tensor].name);
    ftl_graph_add_output(lower_graph(c), name, c->tensor[tensor]);
}

/* The part of a tensor that a query asks for: points drop their place, ranges keep it. */
static void put_query(lower_ctx *c, const char *name, const ftl_query *q)
{
    lower_need_dense(c, q->tensor);
    ftl_value *v = c->tensor[q->tensor];
    ftl_affine *map = FTL_NEW_ARRAY(c->arena, ftl_affine, v->rank);
    int64_t shape[FTL_MAX_RANK];
    uint32_t rank = 0;
    for (uint32_t k = 0; k < v->rank; k++) {
        map[k] = (ftl_affine){.offset = q->lo[k], .select = -1};
        if (q->is_point[k])
            continue;
        map[k].n = 1;
        map[k].dim = FTL_NEW(c->arena, uint32_t);
        map[k].coef = FTL_NEW(c->arena, int64_t);
        map[k].dim[0] = rank;
        map[k].coef[0] = 1;
        shape[rank++] = q->hi[k] - q->lo[k];
    }
    ftl_value *part = ftl_make_view(lower_graph(c), v, rank, shape, &(ftl_view){.map = map});
    ftl_graph_add_output(lower_graph(c), name, part);
}

static void put_outputs(lower_ctx *c)
{
    ftl_model *m = c->m;
    ftl_graph_set_origin(lower_graph(c), 0, (ftl_span){0});
    for (size_t i = 0; i < m->exports.len; i++)
        put_output(c, m->exports.data[i].name, m->exports.data[i].tensor, m->exports.data[i].span);
    for (size_t i = 0; i < m->sinks.len; i++) {
        const ftl_sink *s = &m->sinks.data[i];
        put_output(c, ftl_arena_printf(c->arena, "sink#%zu", i), s->tensor, s->span);
        if (s->is_topk)
            put_output(c, ftl_arena_printf(c->arena, "sink#%zu.values", i), s->topk_values,
                       s->span);
    }
    for (size_t i = 0; i < m->queries.len; i++)
        put_query(c, ftl_arena_printf(c->arena, "query#%zu", i), &m->queries.data[i]);
}

/* ---- what the outputs need ---- */

typedef struct needs {
    lower_ctx *c;
    bool *tensor;
    FTL_VEC(uint32_t) todo;
} needs;

static void need_tensor(needs *n, uint32_t tensor)
{
    if (n->tensor[tensor])
        return;
    n->tensor[tensor] = true;
    *FTL_VEC_PUSH(n->c->arena, &n->todo) = tensor;
}

static void need_expr(needs *n, const ftl_expr *e)
{
    const ftl_expr *part;
    if (e->kind == FTL_EXPR_READ)
        need_tensor(n, e->tensor);
    for (size_t at = 0; (part = ftl_expr_next_part(e, &at));)
        need_expr(n, part);
}

/* Tensors that exports, sinks and queries need: the others are not computed, their files not bound.
 * (What check calls needed is more: all that the program itself says is checked.) */
static bool *find_needed(lower_ctx *c)
{
    ftl_model *m = c->m;
    needs n = {.c = c, .tensor = FTL_NEW_ARRAY(c->arena, bool, m->tensors.len)};
    for (size_t i = 0; i < m->exports.len; i++)
        need_tensor(&n, m->exports.data[i].tensor);
    for (size_t i = 0; i < m->queries.len; i++)
        need_tensor(&n, m->queries.data[i].tensor);
    for (size_t i = 0; i < m->sinks.len; i++) {
        need_tensor(&n, m->sinks.data[i].tensor);
        if (m->sinks.data[i].is_topk)
            need_tensor(&n, m->sinks.data[i].topk_values);
    }
    while (n.todo.len) {
        const ftl_tensor_decl *t = &m->tensors.data[n.todo.data[--n.todo.len]];
        for (size_t k = 0; k < t->equations.len; k++)
            need_expr(&n, m->equations.data[t->equations.data[k]].value);
    }
    return n.tensor;
}

static bool is_needed(const ftl_group *g, const bool *needed)
{
    for (size_t i = 0; i < g->tensors.len; i++)
        if (needed[g->tensors.data[i]])
            return true;
    return false;
}

static void lower_all(lower_ctx *c)
{
    const bool *needed = find_needed(c);
    ftl_model *m = c->m;
    for (size_t i = 0; i < m->equations.len; i++) {
        const ftl_equation *eq = &m->equations.data[i];
        ftl_graph_add_equation(lower_graph(c), m->tensors.data[eq->tensor].name, eq->text,
                               eq->span);
    }
    for (uint32_t i = 0; i < m->tensors.len; i++)
        if (needed[i] && m->tensors.data[i].equations.len == 0 &&
            !lower_is_late(&m->tensors.data[i]))
            lower_need_dense(c, i);
    for (size_t i = 0; i < m->groups.len; i++)
        if (is_needed(&m->groups.data[i], needed))
            lower_group(c, &m->groups.data[i]);
    lower_close_rules(c);
    put_outputs(c);
    lower_check_values(c, lower_graph(c));
}

ftl_graph *ftl_lower_model(ftl_arena *arena, ftl_model *m, const ftl_lower_options *options)
{
    lower_ctx *c = FTL_NEW(arena, lower_ctx);
    c->arena = arena;
    c->m = m;
    c->options = *options;
    c->levels[0].g = ftl_graph_new(arena, NULL);
    c->tensor = FTL_NEW_ARRAY(arena, ftl_value *, m->tensors.len);
    c->tuples = FTL_NEW_ARRAY(arena, ftl_value *, m->tensors.len);
    c->member = FTL_NEW_ARRAY(arena, uint32_t, m->tensors.len);
    c->fixed[0] = c->fixed[1] = UINT32_MAX;
    if (setjmp(c->fail))
        return NULL;
    lower_all(c);
    return c->levels[0].g;
}
