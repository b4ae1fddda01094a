/* SPDX-License-Identifier: Apache-2.0
 *
 * Estimates that steer fusion and that explain shows. One unit of arithmetic is a vector addition's
 * worth for one element; the weights of the elementary functions are rounded measurements of the
 * tile kernels relative to that.
 */
#include "base/dtype.h"
#include "plan/plan.h"

static double get_map_flops(ftl_opcode op)
{
    switch (op) {
    case FTL_OP_EXP_:
    case FTL_OP_LOGISTIC_:
        return 8;
    case FTL_OP_LOG_:
    case FTL_OP_TANH_:
    case FTL_OP_SIN_:
    case FTL_OP_COS_:
        return 12;
    case FTL_OP_ERF_:
        return 16;
    case FTL_OP_POW_:
        return 30;
    case FTL_OP_DIV_:
    case FTL_OP_SQRT_:
        return 3;
    default:
        return 1;
    }
}

/* Extent of every label; labels[l].extent of the first operand axis that has it. */
static void get_label_extents(const ftl_value *v, int64_t *extent)
{
    for (uint32_t i = 0; i < v->n_in; i++)
        for (uint32_t k = 0; k < v->in[i]->rank; k++)
            extent[v->u.contract->in[i][k]] = v->in[i]->shape[k];
}

enum { MAX_LABELS = 256 };

/* Elements of the summed labels. */
static double get_contract_depth(const ftl_value *v)
{
    int64_t extent[MAX_LABELS] = {0};
    bool is_out[MAX_LABELS] = {false};
    double depth = 1;
    if (v->u.contract->n_labels > MAX_LABELS)
        return 1;
    get_label_extents(v, extent);
    for (uint32_t k = 0; k < v->rank; k++)
        is_out[v->u.contract->out[k]] = true;
    for (uint32_t l = 0; l < v->u.contract->n_labels; l++)
        depth *= is_out[l] ? 1 : (double)extent[l];
    return depth;
}

double ftl_cost_get_flops(const ftl_value *v)
{
    double out = (double)ftl_value_get_count(v);
    switch (ftl_opcode_get_class(v->op)) {
    case FTL_OPCLASS_MAP:
        return out * get_map_flops(v->op);
    case FTL_OPCLASS_REDUCE:
        return (double)ftl_value_get_count(v->in[0]);
    case FTL_OPCLASS_CONTRACT:
        return out * v->n_in * get_contract_depth(v);
    case FTL_OPCLASS_SORT:
        return 8 * (double)ftl_value_get_count(v->in[0]);
    default:
        return 0;
    }
}

bool ftl_cost_is_cheap(const ftl_value *v)
{
    switch (ftl_opcode_get_class(v->op)) {
    case FTL_OPCLASS_MAP:
        return get_map_flops(v->op) <= 1;
    case FTL_OPCLASS_LEAF:
    case FTL_OPCLASS_VIEW:
        return true;
    default:
        return v->op == FTL_OP_READ_AT_;
    }
}

/* Values that lie in memory in any case, read through views or not. */
static bool is_stored(const ftl_value *v)
{
    while (v->op == FTL_OP_RESHAPE_ || (v->op == FTL_OP_VIEW_ && v->u.view->in_range))
        v = v->in[0];
    return v->op == FTL_OP_INPUT_ || v->op == FTL_OP_PARAM_ ||
           (v->op == FTL_OP_CONST_ && !v->splat);
}

/* A large matrix times a vector, both in memory: nothing to fuse, and read faster as a product. */
static bool is_large_product(const ftl_value *v, const double *size)
{
    const double large = 1 << 18;
    return size[7] <= 1 && size[3] > 1 && (size[5] > 1) != (size[6] > 1) &&
           size[3] * size[5] * size[6] >= large && is_stored(v->in[0]) && is_stored(v->in[1]);
}

bool ftl_cost_is_matmul(const ftl_value *v)
{
    int64_t extent[MAX_LABELS];
    unsigned where[MAX_LABELS] = {0}; /* 1: operand 0, 2: operand 1, 4: result */
    double size[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    if (v->n_in != 2 || !ftl_dtype_is_float(v->dtype) || v->u.contract->n_labels > MAX_LABELS)
        return false;
    get_label_extents(v, extent);
    for (uint32_t i = 0; i < 2; i++)
        for (uint32_t k = 0; k < v->in[i]->rank; k++)
            where[v->u.contract->in[i][k]] |= 1u << i;
    for (uint32_t k = 0; k < v->rank; k++)
        where[v->u.contract->out[k]] |= 4;
    for (uint32_t l = 0; l < v->u.contract->n_labels; l++) {
        size[where[l]] *= (double)extent[l];
    }
    return (size[3] > 1 && size[5] > 1 && size[6] > 1) || is_large_product(v, size);
}

static double get_bytes(const ftl_value *v)
{
    return (double)ftl_value_get_count(v) * (double)ftl_dtype_get_size(v->dtype);
}

/* Into the bytes that it has: what is not written stays. */
static double get_write_bytes(const ftl_value *write)
{
    return 2 * get_bytes(write->in[1]);
}

/* Each operand from outside of the step is counted once for each node that reads it. */
void ftl_cost_set_step(const ftl_plan *plan, ftl_step *step)
{
    (void)plan;
    for (size_t i = 0; i < step->members.len; i++)
        step->flops += ftl_cost_get_flops(step->members.data[i]);
    if (step->kind == FTL_STEP_OP && step->members.data[0]->op == FTL_OP_WRITE_AT_) {
        step->bytes = get_write_bytes(step->members.data[0]);
        return;
    }
    for (size_t i = 0; i < step->roots.len; i++)
        step->bytes += get_bytes(step->roots.data[i]);
    if (step->nest) {
        for (size_t i = 0; i < step->nest->nodes.len; i++) {
            const ftl_nest_node *n = &step->nest->nodes.data[i];
            if (n->is_read && n->value != step->contract)
                step->bytes += get_bytes(n->value);
            else if (!n->is_read && n->value->op == FTL_OP_VIEW_ && n->n_in == 0)
                step->bytes += get_bytes(n->value);
        }
    }
    if (!step->nest || step->contract) {
        const ftl_value *v = step->contract ? step->contract : step->members.data[0];
        for (uint32_t k = 0; k < v->n_in; k++)
            step->bytes += get_bytes(v->in[k]);
    }
    if (step->body) {
        double rounds = 1;
        const ftl_loop *loop = step->members.data[0]->u.loop;
        if (loop->count > 0)
            rounds = (double)loop->count;
        for (size_t i = 0; i < step->body->steps.len; i++) {
            step->flops += rounds * step->body->steps.data[i].flops;
            step->bytes += rounds * step->body->steps.data[i].bytes;
        }
    }
}
