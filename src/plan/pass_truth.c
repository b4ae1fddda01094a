/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts that are only compared with 0. A count is a float made of truths by sums, products and
 * moves; it is never negative and it is 0 exactly when its twin, the same with OR and AND, is
 * false:
 *
 *   0 < sum(cast a * cast b) = any(a and b)
 *
 * Twins are made along with the counts, and those that nothing asks for are dropped later. A count
 * that is needed as a number has no twin, since it is computed anyway.
 */
#include "plan/pass.h"

#include "base/dtype.h"

typedef struct truth {
    uint8_t *needed;             /* by old id: needed as a number */
    FTL_VEC(ftl_value *) twins;  /* by new id */
} truth;

/* ---- which counts are needed as numbers ---- */

static bool is_zero(const ftl_value *v)
{
    double x = 1;
    return ftl_value_is_splat(v, &x) && x == 0;
}

/* The operand of 0 < x, x != 0 and cast x to bool; null for other values. */
static ftl_value *find_compared(const ftl_value *v)
{
    if (v->op == FTL_OP_CAST_ && v->dtype == FTL_DTYPE_BOOL)
        return v->in[0];
    if ((v->op == FTL_OP_LT_ || v->op == FTL_OP_NE_) && is_zero(v->in[0]))
        return v->in[1];
    return v->op == FTL_OP_NE_ && is_zero(v->in[1]) ? v->in[0] : NULL;
}

/* Operations that make counts of counts. */
/* dispatch */ static bool is_counting(ftl_opcode op)
{
    switch (op) {
    case FTL_OP_CAST_: case FTL_OP_ADD_: case FTL_OP_MAX_: case FTL_OP_MUL_: case FTL_OP_MIN_:
    case FTL_OP_SUB_: case FTL_OP_SELECT_: case FTL_OP_REDUCE_: case FTL_OP_VIEW_:
    case FTL_OP_CONTRACT_: case FTL_OP_CONCAT_: case FTL_OP_VIEW_ADD_: case FTL_OP_GATHER_ADD_:
    case FTL_OP_GATHER_: case FTL_OP_READ_AT_: case FTL_OP_WRITE_AT_: case FTL_OP_RESHAPE_:
        return true;
    default:
        return false;
    }
}

static bool is_cheap(const ftl_value *v)
{
    return v->op == FTL_OP_CAST_ || v->op == FTL_OP_VIEW_ || v->op == FTL_OP_CONST_;
}

static void begin(ftl_rewriter *r)
{
    const ftl_graph *g = r->graph;
    truth *t = r->state = FTL_NEW(r->arena, truth);
    t->needed = FTL_NEW_ARRAY(r->arena, uint8_t, g->values.len);
    for (size_t i = 0; i < g->outputs.len; i++)
        t->needed[g->outputs.data[i].value->id] = 1;
    for (size_t id = g->values.len; id-- > 0;) {
        const ftl_value *v = g->values.data[id];
        if (find_compared(v) || (is_counting(v->op) && !t->needed[id]))
            continue;
        for (uint32_t i = 0; i < v->n_in; i++)
            t->needed[v->in[i]->id] = 1;
    }
}

/* ---- twins ---- */

/* The twin of an operand, or null. */
static ftl_value *find_twin(ftl_rewriter *r, ftl_value *v)
{
    const truth *t = r->state;
    double x = 0;
    if (ftl_value_is_splat(v, &x))
        return x == 0 || x >= 0x1p-10
                   ? ftl_make_splat(r->graph, FTL_DTYPE_BOOL, v->rank, v->shape, x) : NULL;
    return v->id < t->twins.len ? t->twins.data[v->id] : NULL;
}

/* A copy of v over bool operands; attributes are shared, fill becomes truth. */
static ftl_value *copy_moved(ftl_rewriter *r, const ftl_value *v, ftl_value **in)
{
    ftl_value draft = *v;
    draft.dtype = FTL_DTYPE_BOOL;
    draft.in = in;
    if (v->op == FTL_OP_GATHER_) {
        draft.u.gather = FTL_NEW(r->arena, ftl_gather);
        *draft.u.gather = *v->u.gather;
        draft.u.gather->fill = v->u.gather->fill > 0;
    } else if (v->op == FTL_OP_READ_AT_) {
        draft.u.at = FTL_NEW(r->arena, ftl_at);
        *draft.u.at = *v->u.at;
        draft.u.at->fill = v->u.at->fill > 0;
    }
    return ftl_graph_add_value(r->graph, &draft);
}

/* The first n operands must have twins; the others stay. Null when one has none. */
static ftl_value **find_operands(ftl_rewriter *r, const ftl_value *v, uint32_t n)
{
    ftl_value **in = FTL_NEW_ARRAY(r->arena, ftl_value *, v->n_in);
    for (uint32_t i = 0; i < v->n_in; i++) {
        in[i] = i < n ? find_twin(r, v->in[i]) : v->in[i];
        if (!in[i])
            return NULL;
    }
    return in;
}

static ftl_value *make_moved(ftl_rewriter *r, const ftl_value *v, uint32_t n)
{
    ftl_value **in = find_operands(r, v, n);
    return in ? copy_moved(r, v, in) : NULL;
}

static ftl_value *make_map2(ftl_rewriter *r, const ftl_value *v, ftl_opcode op)
{
    ftl_value **in = find_operands(r, v, 2);
    return in ? ftl_make_map2(r->graph, op, in[0], in[1]) : NULL;
}

static ftl_value *make_view(ftl_rewriter *r, const ftl_value *v)
{
    ftl_value *twin = v->u.view->fill >= 0 ? find_twin(r, v->in[0]) : NULL;
    ftl_view view = {.map = v->u.view->map, .fill = v->u.view->fill > 0};
    return twin ? ftl_make_view(r->graph, twin, v->rank, v->shape, &view) : NULL;
}

/* max over nothing is -inf: less than 0, and yet not 0. */
static ftl_value *make_reduce(ftl_rewriter *r, const ftl_value *v)
{
    ftl_reduce kind = v->u.reduce.kind;
    ftl_value *twin = find_twin(r, v->in[0]);
    if (!twin || (kind == FTL_REDUCE_MAX && ftl_value_get_count(v->in[0]) == 0))
        return NULL;
    bool any = kind == FTL_REDUCE_SUM || kind == FTL_REDUCE_MAX;
    return ftl_make_reduce(r->graph, any ? FTL_REDUCE_ANY : FTL_REDUCE_ALL, twin,
                           v->u.reduce.axes);
}

/* 1 - cast b = cast (not b) */
static ftl_value *make_complement(ftl_rewriter *r, const ftl_value *v)
{
    double x = 0;
    const ftl_value *b = v->in[1];
    while (b->op == FTL_OP_VIEW_ && b->u.view->in_range)
        b = b->in[0];
    bool indicator = b->op == FTL_OP_CAST_ && b->in[0]->dtype == FTL_DTYPE_BOOL;
    if (!indicator || !ftl_value_is_splat(v->in[0], &x) || x != 1)
        return NULL;
    ftl_value *twin = find_twin(r, v->in[1]);
    return twin ? ftl_make_map1(r->graph, FTL_OP_NOT_, twin) : NULL;
}

static ftl_value *make_select(ftl_rewriter *r, const ftl_value *v)
{
    ftl_value *a = find_twin(r, v->in[1]), *b = find_twin(r, v->in[2]);
    return a && b ? ftl_make_select(r->graph, v->in[0], a, b) : NULL;
}

/* dispatch */ static ftl_value *make_twin(ftl_rewriter *r, const ftl_value *v)
{
    switch (v->op) {
    case FTL_OP_CAST_:
        return v->in[0]->dtype == FTL_DTYPE_BOOL ? v->in[0] : find_twin(r, v->in[0]);
    case FTL_OP_ADD_:
    case FTL_OP_MAX_: return make_map2(r, v, FTL_OP_OR_);
    case FTL_OP_MUL_:
    case FTL_OP_MIN_: return make_map2(r, v, FTL_OP_AND_);
    case FTL_OP_SUB_: return make_complement(r, v);
    case FTL_OP_SELECT_: return make_select(r, v);
    case FTL_OP_REDUCE_: return make_reduce(r, v);
    case FTL_OP_VIEW_: return make_view(r, v);
    case FTL_OP_CONTRACT_:
    case FTL_OP_CONCAT_: return make_moved(r, v, v->n_in);
    case FTL_OP_VIEW_ADD_:
    case FTL_OP_GATHER_ADD_: return make_moved(r, v, 1);
    case FTL_OP_GATHER_: return v->u.gather->fill >= 0 ? make_moved(r, v, 1) : NULL;
    case FTL_OP_READ_AT_: return v->u.at->fill >= 0 ? make_moved(r, v, 1) : NULL;
    case FTL_OP_WRITE_AT_: return make_moved(r, v, 2);
    case FTL_OP_RESHAPE_: {
        ftl_value *twin = find_twin(r, v->in[0]);
        return twin ? ftl_make_reshape(r->graph, twin, v->rank, v->shape) : NULL;
    }
    default: return NULL;
    }
}

static ftl_value *find_truth(ftl_rewriter *r, ftl_value *v)
{
    truth *t = r->state;
    ftl_value *compared = find_compared(v);
    bool counts = compared && ftl_dtype_is_float(compared->dtype);
    ftl_value *twin = counts ? find_twin(r, compared) : NULL;
    if (twin)
        return twin;
    bool wanted = ftl_dtype_is_float(v->dtype) && (!t->needed[v->id] || is_cheap(v));
    twin = wanted ? make_twin(r, v) : NULL;
    if (!twin)
        return v;
    ftl_graph_take_value(r->graph, v);
    while (t->twins.len <= v->id)
        *FTL_VEC_PUSH(r->arena, &t->twins) = NULL;
    t->twins.data[v->id] = twin;
    return v;
}

void ftl_pass_find_truth(ftl_graph *g, const ftl_pass_options *options)
{
    ftl_rewrite_graph(g, options, &(ftl_rewrite_pass){.rewrite = find_truth, .begin = begin});
}
