/* SPDX-License-Identifier: Apache-2.0
 *
 * The oracle's operations on tuples: rules go to the plainest evaluator.
 */
#include "backend/native/logic/logic.h"
#include "backend/native/oracle.h"

bool ftl_logic_is_fitting(const ftl_tensor *t, const ftl_value *v)
{
    if (!v->tuples || !t->tuples || t->rank != v->tuples->rank)
        return false;
    for (uint32_t k = 0; k < t->rank; k++)
        if (t->shape[k] != v->tuples->shape[k])
            return false;
    return true;
}

ftl_status ftl_oracle_run_TUPLES(const ftl_oracle_call *c)
{
    const ftl_value *a = c->v->in[0];
    ftl_tensor *t;
    FTL_TRY(ftl_tensor_new(c->oracle->alloc, FTL_DTYPE_BOOL, a->rank, a->shape, &t));
    for (int64_t k = 0; k < c->in[0]->n; k++)
        ((uint8_t *)t->data)[k] = c->in[0]->i[k] != 0;
    ftl_status status = ftl_relation_from_tensor(c->oracle->alloc, t, &c->out->tuples);
    ftl_tensor_release(t);
    return status;
}

ftl_status ftl_oracle_run_DENSE(const ftl_oracle_call *c)
{
    size_t n = (size_t)c->out->n;
    uint8_t *bytes = ftl_oracle_take(c->oracle, n, 1);
    if (!bytes)
        return FTL_ERR_MEMORY;
    ftl_relation_to_dense(c->in[0]->tuples, bytes);
    for (size_t k = 0; k < n; k++)
        c->out->i[k] = bytes[k];
    ftl_oracle_give(c->oracle, bytes, n, 1);
    return FTL_OK;
}

ftl_status ftl_oracle_run_RULES(const ftl_oracle_call *c)
{
    const ftl_rules *rules = c->v->u.rules;
    ftl_relation **in = ftl_oracle_take(c->oracle, c->v->n_in, sizeof *in);
    c->out->derived = ftl_oracle_take(c->oracle, rules->relations.len, sizeof *c->out->derived);
    ftl_status status = FTL_ERR_MEMORY;
    if (c->out->derived)
        c->out->n_derived = (uint32_t)rules->relations.len;
    for (uint32_t k = 0; in && k < c->v->n_in; k++)
        in[k] = c->in[k]->tuples;
    if (in && c->out->derived)
        status = ftl_logic_run_naive(rules, in, c->oracle->alloc, c->out->derived);
    ftl_oracle_give(c->oracle, in, c->v->n_in, sizeof *in);
    return status;
}

ftl_status ftl_oracle_run_DERIVED(const ftl_oracle_call *c)
{
    c->out->tuples = ftl_relation_retain(c->in[0]->derived[c->v->u.index]);
    return FTL_OK;
}
