/* SPDX-License-Identifier: Apache-2.0
 *
 * Facts about nodes of a nest, for those who make nests and those who run them.
 */
#include "ir/plan.h"

static bool has_label(const ftl_value *contract, uint32_t label)
{
    for (uint32_t j = 0; j < contract->rank; j++)
        if (contract->u.contract->out[j] == label)
            return true;
    return false;
}

static bool sums_labels(const ftl_value *v)
{
    for (uint32_t i = 0; i < v->n_in; i++)
        for (uint32_t k = 0; k < v->in[i]->rank; k++)
            if (v->in[i]->shape[k] != 1 && !has_label(v, v->u.contract->in[i][k]))
                return true;
    return false;
}

bool ftl_value_is_sum(const ftl_value *v)
{
    if (v->op == FTL_OP_CONTRACT_)
        return sums_labels(v);
    if (v->op == FTL_OP_ARGMAX_)
        return v->in[0]->shape[v->u.sort.axis] != 1;
    for (uint32_t k = 0; v->op == FTL_OP_REDUCE_ && k < v->in[0]->rank; k++)
        if ((v->u.reduce.axes >> k & 1) && v->in[0]->shape[k] != 1)
            return true;
    return false;
}

bool ftl_nest_node_is_sum(const ftl_nest_node *n)
{
    return !n->is_read && ftl_value_is_sum(n->value);
}
