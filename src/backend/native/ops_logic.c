/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps on tuples: TUPLES, DENSE, RULES and DERIVED. Relations are found by the number of their
 * value; they are held until the next run makes new ones.
 */
#include "backend/native/native.h"

#include "base/dtype.h"

#include <stdio.h>

struct ftl_native_logic {
    const ftl_value *v;
    ftl_ref ref;                    /* TUPLES: the operand; DENSE: the result */
    int64_t strides[FTL_MAX_RANK];  /* of it */
    ftl_relation **in;              /* RULES */
};

ftl_native_logic *ftl_native_logic_compile(ftl_unit *u, const ftl_value *v)
{
    ftl_arena *arena = &u->exec->arena;
    ftl_native_logic *l = FTL_NEW(arena, ftl_native_logic);
    l->v = v;
    if (v->op == FTL_OP_TUPLES_)
        l->ref = ftl_unit_find(u, v->in[0], l->strides);
    if (v->op == FTL_OP_DENSE_)
        l->ref = ftl_unit_find(u, v, l->strides);
    if (v->op == FTL_OP_RULES_) {
        l->in = FTL_NEW_ARRAY(arena, ftl_relation *, v->n_in + 1);
        u->exec->derived[v->id] = FTL_NEW_ARRAY(arena, ftl_relation *,
                                                v->u.rules->relations.len + 1);
    }
    return l;
}

static void release_derived(ftl_exec *exec, const ftl_value *v)
{
    for (size_t k = 0; exec->derived[v->id] && k < v->u.rules->relations.len; k++) {
        ftl_relation_release(exec->derived[v->id][k]);
        exec->derived[v->id][k] = NULL;
    }
}

void ftl_native_logic_free(ftl_exec *exec)
{
    if (!exec->unit || !exec->tuples)
        return;
    const ftl_graph *g = exec->unit->plan->graph;
    for (size_t i = 0; i < g->values.len; i++) {
        ftl_relation_release(exec->tuples[i]);
        if (g->values.data[i]->op == FTL_OP_RULES_)
            release_derived(exec, g->values.data[i]);
    }
}

static void hold(ftl_exec *exec, const ftl_value *v, ftl_relation *r)
{
    ftl_relation_release(exec->tuples[v->id]);
    exec->tuples[v->id] = r;
}

static ftl_status run_tuples(const ftl_native_logic *l, ftl_unit *u)
{
    const ftl_value *a = l->v->in[0];
    ftl_tensor *t;
    ftl_relation *r = NULL;
    ftl_tensor_bytes bytes = {.dtype = a->dtype, .rank = a->rank, .shape = a->shape,
                              .strides = l->strides, .data = ftl_unit_get(u, l->ref)};
    FTL_TRY(ftl_tensor_wrap(u->exec->device->alloc, &bytes, &t));
    ftl_status status = ftl_relation_from_tensor(u->exec->device->alloc, t, &r);
    ftl_tensor_release(t);
    if (status == FTL_OK)
        hold(u->exec, l->v, r);
    return status;
}

static ftl_status run_rules(ftl_native_logic *l, ftl_unit *u)
{
    ftl_exec *exec = u->exec;
    const ftl_value *v = l->v;
    ftl_logic_report report = {.arena = NULL};
    ftl_logic_options options = {.alloc = exec->device->alloc, .pool = exec->device->pool,
                                 .memory_limit = exec->device->memory_limit};
    for (uint32_t k = 0; k < v->n_in; k++)
        l->in[k] = exec->tuples[v->in[k]->id];
    release_derived(exec, v);
    ftl_status status = ftl_logic_run(v->u.rules, l->in, &options, exec->derived[v->id], &report);
    if (status != FTL_OK)
        snprintf(exec->logic_error.message, sizeof exec->logic_error.message, "%s",
                 report.error.message);
    return status;
}

static ftl_status run(ftl_native_logic *l, ftl_unit *u)
{
    ftl_exec *exec = u->exec;
    const ftl_value *v = l->v;
    switch (v->op) {
    case FTL_OP_TUPLES_:
        return run_tuples(l, u);
    case FTL_OP_DENSE_:
        ftl_relation_to_dense(exec->tuples[v->in[0]->id], ftl_unit_get(u, l->ref));
        return FTL_OK;
    case FTL_OP_DERIVED_:
        hold(exec, v, ftl_relation_retain(exec->derived[v->in[0]->id][v->u.index]));
        return FTL_OK;
    default:
        return run_rules(l, u);
    }
}

bool ftl_native_logic_run(ftl_native_logic *l, ftl_unit *u)
{
    ftl_exec *exec = u->exec;
    exec->logic_error = (ftl_backend_error){.at = l->v};
    exec->logic_status = run(l, u);
    if (exec->logic_status != FTL_OK && !exec->logic_error.message[0])
        snprintf(exec->logic_error.message, sizeof exec->logic_error.message,
                 "no memory for the tuples of a relation");
    return exec->logic_status == FTL_OK;
}
