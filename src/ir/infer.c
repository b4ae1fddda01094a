/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules that op.def names, one function each: shape_X and dtype_X give null when a value with
 * sound operands follows rule X, else what is wrong, in words that stand after "the value ...".
 */
#include "base/dtype.h"
#include "ir/graph.h"

typedef const char *rule(const ftl_value *v);

static bool is_same_shape(const ftl_value *a, const ftl_value *b)
{
    if (a->rank != b->rank)
        return false;
    for (uint32_t k = 0; k < a->rank; k++)
        if (a->shape[k] != b->shape[k])
            return false;
    return true;
}

/* ---- shapes ---- */

static const char *shape_GIVEN(const ftl_value *v)
{
    (void)v;
    return NULL;
}

static const char *shape_CONST(const ftl_value *v)
{
    bool empty = !v->splat && ftl_value_get_count(v) == 0;
    return v->u.data || empty ? NULL : "has no data";
}

static const char *shape_IOTA(const ftl_value *v)
{
    return v->rank == 1 ? NULL : "must have one axis";
}

static const char *shape_SAME(const ftl_value *v)
{
    for (uint32_t i = 0; i < v->n_in; i++)
        if (!is_same_shape(v, v->in[i]))
            return "must have the shape of every operand";
    return NULL;
}

/* The shape of operand 0 without the axes of the bit set. */
static const char *check_dropped(const ftl_value *v, uint64_t axes)
{
    const ftl_value *a = v->in[0];
    uint32_t k = 0;
    if (axes >> a->rank)
        return "reduces an axis that is not there";
    for (uint32_t j = 0; j < a->rank; j++) {
        if (axes >> j & 1)
            continue;
        if (k == v->rank || v->shape[k++] != a->shape[j])
            return "must have the shape of its operand without the reduced axes";
    }
    return k == v->rank ? NULL : "must have the shape of its operand without the reduced axes";
}

static const char *shape_DROP(const ftl_value *v)
{
    return check_dropped(v, v->u.reduce.axes);
}

static const char *shape_ARGMAX(const ftl_value *v)
{
    if (v->u.sort.axis >= v->in[0]->rank)
        return "reduces an axis that is not there";
    return check_dropped(v, (uint64_t)1 << v->u.sort.axis);
}

static const char *check_contract_operand(const ftl_value *v, uint32_t i, uint32_t *seen)
{
    const ftl_contract *c = v->u.contract;
    for (uint32_t k = 0; k < v->in[i]->rank; k++) {
        uint32_t label = c->in[i][k];
        if (label > *seen || label >= c->n_labels)
            return "numbers its labels in another order than that of their first use";
        if (c->extent[label] != v->in[i]->shape[k])
            return "has a label of another extent than an operand's axis";
        *seen += label == *seen;
    }
    return NULL;
}

static const char *shape_CONTRACT(const ftl_value *v)
{
    const ftl_contract *c = v->u.contract;
    uint32_t seen = 0;
    if (v->n_in == 0)
        return "needs an operand";
    for (uint32_t i = 0; i < v->n_in; i++) {
        const char *wrong = check_contract_operand(v, i, &seen);
        if (wrong)
            return wrong;
    }
    if (seen != c->n_labels)
        return "has a label that is not used";
    for (uint32_t k = 0; k < v->rank; k++) {
        if (c->out[k] >= c->n_labels)
            return "has a result label that no operand has";
        for (uint32_t j = 0; j < k; j++)
            if (c->out[j] == c->out[k])
                return "has a label twice in its result";
        if (c->extent[c->out[k]] != v->shape[k])
            return "must have the extents of its labels";
    }
    return NULL;
}

/* Terms of one affine place over a box with rank extents. */
static const char *check_affine(const ftl_affine *a, uint32_t rank, const int64_t *shape)
{
    int64_t lo = 0, hi = 0;
    if (a->select != -1)
        return "selects an operand, which only gather does";
    for (uint32_t k = 0; k < a->n; k++) {
        if (a->dim[k] >= rank || (k > 0 && a->dim[k] <= a->dim[k - 1]))
            return "has a place whose axes do not rise or are not there";
        if (a->coef[k] == 0)
            return "has a place with a coefficient of 0";
    }
    return ftl_affine_get_range(a, shape, &lo, &hi) ? NULL : "has a place beyond 2^62";
}

/* A view whose map goes from the places of `from` to those of `to`. */
static const char *check_view(const ftl_view *view, const ftl_value *from, const ftl_value *to)
{
    const double zero = 0;
    for (uint32_t k = 0; k < to->rank; k++) {
        const char *wrong = check_affine(&view->map[k], from->rank, from->shape);
        if (wrong)
            return wrong;
    }
    if (view->in_range != ftl_view_is_in_range(view->map, from->shape, to))
        return "is marked wrongly as in range or not";
    return view->in_range && memcmp(&view->fill, &zero, sizeof zero) != 0
               ? "is in range and has a fill other than 0" : NULL;
}

static const char *shape_VIEW(const ftl_value *v)
{
    return check_view(v->u.view, v, v->in[0]);
}

static const char *shape_VIEW_ADD(const ftl_value *v)
{
    const double zero = 0;
    if (memcmp(&v->u.view->fill, &zero, sizeof zero) != 0)
        return "has a fill, which only view does";
    return check_view(v->u.view, v->in[0], v);
}

static const char *shape_RESHAPE(const ftl_value *v)
{
    int64_t count = ftl_value_get_count(v);
    return count < INT64_MAX && count == ftl_value_get_count(v->in[0])
               ? NULL : "must have as many elements as its operand";
}

static const char *shape_CONCAT(const ftl_value *v)
{
    int64_t sum = 0;
    if (v->n_in == 0 || v->u.axis >= v->rank)
        return "needs an operand and an axis that is there";
    for (uint32_t i = 0; i < v->n_in; i++) {
        if (v->in[i]->rank != v->rank)
            return "joins operands of other ranks";
        for (uint32_t k = 0; k < v->rank; k++)
            if (k != v->u.axis && v->in[i]->shape[k] != v->shape[k])
                return "joins operands whose other extents differ";
        if (__builtin_add_overflow(sum, v->in[i]->shape[v->u.axis], &sum))
            return "is too long";
    }
    return sum == v->shape[v->u.axis] ? NULL : "must have the sum of its operands' extents";
}

static const char *check_gather_operand(const ftl_value *v, uint32_t i, const ftl_value *from)
{
    const uint32_t *sub = v->u.gather->sub[i];
    for (uint32_t k = 0; k < v->in[i]->rank; k++)
        if (sub[k] >= from->rank || from->shape[sub[k]] != v->in[i]->shape[k])
            return "indexes an operand with an axis of another extent";
    return NULL;
}

/* A gather whose map goes from the places of `from` to those of `to`. */
static const char *check_gather(const ftl_value *v, const ftl_value *from, const ftl_value *to)
{
    const ftl_gather *g = v->u.gather;
    uint64_t used = 1;
    if (v->n_in == 0 || g->n != v->n_in || g->n > FTL_MAX_RANK + 1)
        return "has a wrong number of operands";
    for (uint32_t k = 0; k < to->rank; k++) {
        const ftl_affine *a = &g->map[k];
        const char *wrong = a->select < 0 ? check_affine(a, from->rank, from->shape) : NULL;
        if (wrong)
            return wrong;
        if (a->select == 0 || (a->select > 0 && (uint32_t)a->select >= g->n))
            return "selects an operand that is not there";
        used |= a->select > 0 ? (uint64_t)1 << a->select : 0;
    }
    for (uint32_t i = 1; i < g->n; i++) {
        const char *wrong = check_gather_operand(v, i, from);
        if (wrong)
            return wrong;
    }
    return used == ((uint64_t)1 << g->n) - 1 ? NULL : "has an operand that no axis selects";
}

static const char *shape_GATHER(const ftl_value *v)
{
    return v->n_in > 0 ? check_gather(v, v, v->in[0]) : "needs an operand";
}

static const char *shape_GATHER_ADD(const ftl_value *v)
{
    return v->n_in > 0 ? check_gather(v, v->in[0], v) : "needs an operand";
}

/* x with the axes of `at` left out has the shape of slice; the last operands are scalars. */
static const char *check_at(const ftl_value *v, const ftl_value *x, const ftl_value *slice)
{
    const ftl_at *at = v->u.at;
    uint32_t first = v->n_in - at->n, i = 0, k = 0;
    for (uint32_t j = 0; j < x->rank; j++) {
        if (i < at->n && at->axis[i] == j)
            i++;
        else if (k == slice->rank || slice->shape[k++] != x->shape[j])
            return "must have a slice of the shape of operand 0 without the given axes";
    }
    if (i != at->n)
        return "has axes that do not rise or are not there";
    if (k != slice->rank)
        return "must have a slice of the shape of operand 0 without the given axes";
    for (uint32_t j = first; j < v->n_in; j++)
        if (v->in[j]->rank != 0 || !ftl_dtype_is_whole(v->in[j]->dtype))
            return "has an index that is not a whole-number scalar";
    return NULL;
}

static const char *shape_READ_AT(const ftl_value *v)
{
    if (v->u.at->n == 0 || v->n_in != 1 + (uint64_t)v->u.at->n)
        return "has a wrong number of operands";
    return check_at(v, v->in[0], v);
}

static const char *shape_WRITE_AT(const ftl_value *v)
{
    if (v->u.at->n == 0 || v->n_in != 2 + (uint64_t)v->u.at->n)
        return "has a wrong number of operands";
    return is_same_shape(v, v->in[0]) ? check_at(v, v->in[0], v->in[1])
                                      : "must have the shape of operand 0";
}

static const char *shape_TOPK(const ftl_value *v)
{
    const ftl_value *a = v->in[0];
    if (a->rank == 0 || a->rank != v->rank || v->u.sort.axis != 0)
        return "must have the rank of its operand, at least 1";
    for (uint32_t k = 0; k + 1 < a->rank; k++)
        if (a->shape[k] != v->shape[k])
            return "must have the shape of its operand but for the last axis";
    int64_t n = v->shape[v->rank - 1];
    return n == v->u.sort.k && n <= a->shape[a->rank - 1] ? NULL : "must have k places a row";
}

static const char *shape_EIGVEC(const ftl_value *v)
{
    if (v->rank < 2 || v->shape[v->rank - 1] != v->shape[v->rank - 2])
        return "needs square matrices";
    return shape_SAME(v);
}

static const char *check_param(const ftl_value *loop, const ftl_value *param)
{
    if (param->u.index > loop->n_in)
        return "has a body with a param that no operand gives";
    if (param->u.index == 0)
        return param->rank == 0 && param->dtype == FTL_DTYPE_I64
                   ? NULL : "has a body whose param 0 is not an i64 scalar";
    const ftl_value *a = loop->in[param->u.index - 1];
    return is_same_shape(a, param) && a->dtype == param->dtype
               ? NULL : "has a body with a param of another shape or dtype than its operand";
}

static const char *check_loop_results(const ftl_value *v)
{
    const ftl_loop *loop = v->u.loop;
    for (uint32_t i = 0; i < loop->n_carried; i++) {
        const ftl_value *next = loop->body->outputs.data[i].value;
        if (!is_same_shape(next, v->in[i]) || next->dtype != v->in[i]->dtype)
            return "has a body whose next value has another shape or dtype than the start value";
    }
    if (!loop->has_stop)
        return NULL;
    const ftl_value *stop = loop->body->outputs.data[loop->n_carried].value;
    return stop->rank == 0 && stop->dtype == FTL_DTYPE_BOOL ? NULL
                                                            : "must stop by a bool scalar";
}

static const char *shape_LOOP(const ftl_value *v)
{
    const ftl_loop *loop = v->u.loop;
    const ftl_graph *body = loop->body;
    if (v->rank != 0)
        return "must be a scalar";
    if (loop->n_carried > v->n_in || loop->count < -1)
        return "has a wrong number of carried values or rounds";
    if (loop->count == -1 && (!loop->has_stop || loop->reverse))
        return "has no number of rounds, which it needs to go backwards or without a stop";
    if (body->outputs.len != (size_t)loop->n_carried + loop->has_stop)
        return "has a body with a wrong number of outputs";
    for (size_t i = 0; i < body->values.len; i++) {
        const ftl_value *param = body->values.data[i];
        const char *wrong = param->op == FTL_OP_PARAM_ ? check_param(v, param) : NULL;
        if (wrong)
            return wrong;
    }
    return check_loop_results(v);
}

static const char *shape_RESULT(const ftl_value *v)
{
    const ftl_value *loop = v->in[0];
    if (loop->op != FTL_OP_LOOP_ || v->u.index > loop->u.loop->n_carried)
        return "must be of a loop that has such a value";
    if (v->u.index == loop->u.loop->n_carried)
        return v->rank == 0 ? NULL : "must be a scalar";
    return is_same_shape(v, loop->in[v->u.index]) ? NULL : "must have its start value's shape";
}

/* ---- tuples ---- */

static const char *check_form(const ftl_value *v, uint32_t rank, const int64_t *shape)
{
    const ftl_tuples_form *t = v->tuples;
    if (v->rank != 0 || !t || t->rank != rank)
        return "must be tuples with as many columns as there are axes";
    for (uint32_t k = 0; k < rank; k++)
        if (t->shape[k] != shape[k])
            return "must have the extents of what it is made of";
    return NULL;
}

static const char *shape_TUPLES(const ftl_value *v)
{
    return check_form(v, v->in[0]->rank, v->in[0]->shape);
}

static const char *shape_DENSE(const ftl_value *v)
{
    return v->in[0]->tuples ? check_form(v->in[0], v->rank, v->shape) : "needs tuples";
}

static const char *shape_RULES(const ftl_value *v)
{
    const ftl_rules *r = v->u.rules;
    if (v->rank != 0)
        return "must be a scalar";
    for (size_t i = 0; i < r->relations.len; i++) {
        const ftl_rules_relation *x = &r->relations.data[i];
        if (x->input >= 0 && (uint32_t)x->input >= v->n_in)
            return "has a relation of an operand that is not there";
        const char *wrong = x->input >= 0 ? check_form(v->in[x->input], x->arity, x->extent)
                                          : NULL;
        if (wrong)
            return "has a relation with other columns than its operand";
    }
    return NULL;
}

static const char *shape_DERIVED(const ftl_value *v)
{
    const ftl_value *rules = v->in[0];
    if (rules->op != FTL_OP_RULES_ || v->u.index >= rules->u.rules->relations.len)
        return "must be of rules that have such a relation";
    const ftl_rules_relation *x = &rules->u.rules->relations.data[v->u.index];
    return x->is_result ? check_form(v, x->arity, x->extent) : "must be a result of its rules";
}

/* ---- dtypes ---- */

static const char *dtype_TUPLES(const ftl_value *v)
{
    if (v->in[0]->dtype != FTL_DTYPE_BOOL)
        return "needs a bool tensor";
    return v->dtype == FTL_DTYPE_I64 ? NULL : "must be i64";
}

static const char *dtype_DENSE(const ftl_value *v)
{
    return v->dtype == FTL_DTYPE_BOOL ? NULL : "must be bool";
}

static const char *dtype_GIVEN(const ftl_value *v)
{
    (void)v;
    return NULL;
}

static const char *check_same_dtype(const ftl_value *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (v->in[i]->dtype != v->dtype)
            return "must have the dtype of its operands";
    return NULL;
}

static const char *dtype_SAME(const ftl_value *v)
{
    return check_same_dtype(v, v->n_in);
}

static const char *dtype_NUMBER(const ftl_value *v)
{
    return v->dtype != FTL_DTYPE_BOOL ? dtype_SAME(v) : "must be a number";
}

static const char *dtype_FLOAT(const ftl_value *v)
{
    return ftl_dtype_is_float(v->dtype) ? dtype_SAME(v) : "must be a float";
}

static const char *dtype_BOOL(const ftl_value *v)
{
    if (v->in[0]->dtype != v->in[1]->dtype)
        return "must compare operands of one dtype";
    return v->dtype == FTL_DTYPE_BOOL ? NULL : "must be bool";
}

static const char *dtype_LOGIC(const ftl_value *v)
{
    return v->dtype == FTL_DTYPE_BOOL ? dtype_SAME(v) : "must be bool";
}

static const char *dtype_SELECT(const ftl_value *v)
{
    if (v->in[0]->dtype != FTL_DTYPE_BOOL)
        return "must have a bool condition";
    return v->in[1]->dtype == v->dtype && v->in[2]->dtype == v->dtype
               ? NULL : "must have the dtype of its branches";
}

static const char *dtype_INDEX(const ftl_value *v)
{
    if (v->in[0]->dtype == FTL_DTYPE_BOOL)
        return "needs a number";
    return v->dtype == FTL_DTYPE_I64 ? NULL : "must be i64";
}

static const char *dtype_REDUCE(const ftl_value *v)
{
    bool logic = v->u.reduce.kind == FTL_REDUCE_ANY || v->u.reduce.kind == FTL_REDUCE_ALL;
    if (logic != (v->dtype == FTL_DTYPE_BOOL))
        return logic ? "must be bool" : "must be a number";
    return dtype_SAME(v);
}

static const char *dtype_GATHER(const ftl_value *v)
{
    for (uint32_t i = 1; i < v->n_in; i++)
        if (v->in[i]->dtype == FTL_DTYPE_BOOL)
            return "has an index that is not a number";
    return check_same_dtype(v, 1);
}

static const char *dtype_READ_AT(const ftl_value *v)
{
    return check_same_dtype(v, 1);
}

static const char *dtype_WRITE_AT(const ftl_value *v)
{
    return check_same_dtype(v, 2);
}

static const char *dtype_LOOP(const ftl_value *v)
{
    return v->dtype == FTL_DTYPE_I64 ? NULL : "must be i64";
}

static const char *dtype_RESULT(const ftl_value *v)
{
    const ftl_value *loop = v->in[0];
    ftl_dtype wanted = v->u.index == loop->u.loop->n_carried ? FTL_DTYPE_I64
                                                             : loop->in[v->u.index]->dtype;
    return v->dtype == wanted ? NULL : "must have its start value's dtype";
}

/* ---- all of them ---- */

static const struct {
    rule *shape, *dtype;
} rules[FTL_OPCODE_COUNT] = {
#define FTL_OPCODE(name, text, arity, class, shape, dtype, grad, monotone, doc)                    \
    {shape_##shape, dtype_##dtype},
#include "ir/op.def"
#undef FTL_OPCODE
};

const char *ftl_value_check(const ftl_value *v)
{
    int arity = ftl_opcode_get_arity(v->op);
    if (arity >= 0 && v->n_in != (uint32_t)arity)
        return "has a wrong number of operands";
    if (v->rank > FTL_MAX_RANK)
        return "has too many axes";
    for (uint32_t k = 0; k < v->rank; k++)
        if (v->shape[k] < 0)
            return "has a negative extent";
    for (uint32_t i = 0; i < v->n_in; i++) {
        if (v->in[i]->op == FTL_OP_LOOP_ && v->op != FTL_OP_RESULT_)
            return "uses a loop, which only result does";
        if (v->in[i]->op == FTL_OP_RULES_ && v->op != FTL_OP_DERIVED_)
            return "uses rules, which only derived does";
        if (v->in[i]->tuples && v->op != FTL_OP_RULES_ && v->op != FTL_OP_DENSE_)
            return "uses tuples, which only rules and dense do";
    }
    if (v->tuples && v->op != FTL_OP_INPUT_ && v->op != FTL_OP_TUPLES_ && v->op != FTL_OP_DERIVED_)
        return "stands for tuples, which it cannot";
    if (v->tuples && (v->rank != 0 || v->dtype != FTL_DTYPE_I64))
        return "stands for tuples but is no i64 scalar";
    const char *wrong = rules[v->op].shape(v);
    return wrong ? wrong : rules[v->op].dtype(v);
}
