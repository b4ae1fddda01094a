/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiles plans to units and runs them.
 */
#include "backend/native/native.h"

#include "base/dtype.h"
#include "base/watch.h"

#include <time.h>

/* ---- places ---- */

ftl_ref ftl_unit_find_place(const ftl_unit *u, const ftl_place *place)
{
    ftl_ref ref = {0, 0};
    for (; place->kind == FTL_PLACE_ALIAS; place = &u->plan->places[place->of->id])
        ref.offset += place->shift;
    switch (place->kind) {
    case FTL_PLACE_ARENA:
        ref.offset += (int64_t)place->offset;
        break;
    case FTL_PLACE_INPUT:
        ref.slot = u->first_input + place->slot;
        break;
    case FTL_PLACE_OUTPUT:
        ref.slot = u->first_output + place->slot;
        break;
    case FTL_PLACE_PARAM:
        ref.slot = u->first_param + place->slot;
        break;
    default:
        assert(false && "a value without a place");
    }
    return ref;
}

static void set_dense_strides(const ftl_value *v, int64_t *strides)
{
    int64_t step = (int64_t)ftl_dtype_get_size(v->dtype);
    for (uint32_t k = v->rank; k-- > 0;) {
        strides[k] = step;
        step *= v->shape[k];
    }
}

ftl_ref ftl_unit_find(const void *unit, const ftl_value *v, int64_t *strides)
{
    const ftl_unit *u = unit;
    const ftl_place *place = &u->plan->places[v->id];
    ftl_ref ref = {0, 0};
    if (place->strides)
        memcpy(strides, place->strides, v->rank * sizeof *strides);
    else
        set_dense_strides(v, strides);
    for (; place->kind == FTL_PLACE_ALIAS; place = &u->plan->places[v->id]) {
        ref.offset += place->shift;
        v = place->of;
    }
    if (place->kind == FTL_PLACE_CONST) {
        ref.slot = u->first_const + v->id;
        return ref;
    }
    ftl_ref base = ftl_unit_find_place(u, place);
    return (ftl_ref){base.slot, base.offset + ref.offset};
}

void *ftl_unit_get(const ftl_unit *u, ftl_ref ref)
{
    return (uint8_t *)u->slots[ref.slot] + ref.offset;
}

/* ---- compiling ---- */

void ftl_exec_need(ftl_exec *exec, ftl_scratch need)
{
    ftl_scratch *s = &exec->need;
    s->worker = need.worker > s->worker ? need.worker : s->worker;
    s->sums = need.sums > s->sums ? need.sums : s->sums;
    s->rest = need.rest > s->rest ? need.rest : s->rest;
}

void ftl_exec_need_program(ftl_exec *exec, const ftl_program *p)
{
    ftl_exec_need(exec, (ftl_scratch){.worker = p->scratch, .sums = p->sum_bytes});
}

static bool has_gather(const ftl_step *step)
{
    for (size_t i = 0; step->nest && i < step->nest->nodes.len; i++)
        if (step->nest->nodes.data[i].value->op == FTL_OP_GATHER_)
            return true;
    return step->members.len > 0 && step->members.data[0]->op == FTL_OP_GATHER_ADD_;
}

static void compile_step(ftl_unit *u, ftl_native_step *to, const ftl_step *step)
{
    ftl_arena *arena = &u->exec->arena;
    to->step = step;
    to->can_fail = has_gather(step);
    switch (step->kind) {
    case FTL_STEP_CONTRACT:
        to->product = ftl_product_compile(u, step);
        break;
    case FTL_STEP_NEST:
        to->nest = ftl_nest_compile(arena, &(ftl_nest_spec){.nest = step->nest,
                                                            .kernels = u->exec->device->kernels,
                                                            .caches = u->exec->device->caches,
                                                            .fast_paths =
                                                                u->exec->device->fast_paths,
                                                            .find = ftl_unit_find, .ctx = u}, NULL);
        ftl_exec_need_program(u->exec, to->nest);
        break;
    case FTL_STEP_LOOP:
        to->loop = ftl_loop_compile(u, step);
        break;
    case FTL_STEP_OP:
        if (ftl_opcode_get_class(step->members.data[0]->op) == FTL_OPCLASS_LOGIC)
            to->logic = ftl_native_logic_compile(u, step->members.data[0]);
        else
            to->op = ftl_op_compile(u, step->members.data[0]);
        break;
    }
}

/* Outputs that no step writes to where the caller wants them. */
static void list_copies(ftl_unit *u)
{
    const ftl_graph *g = u->plan->graph;
    for (uint32_t i = 0; i < g->outputs.len; i++) {
        const ftl_value *v = g->outputs.data[i].value;
        int64_t strides[FTL_MAX_RANK];
        ftl_ref from = ftl_unit_find(u, v, strides);
        if (from.slot == u->first_output + i && from.offset == 0)
            continue;
        *FTL_VEC_PUSH(&u->exec->arena, &u->copies) =
            (ftl_unit_copy){from, u->first_output + i,
                            (size_t)ftl_value_get_count(v) * ftl_dtype_get_size(v->dtype)};
    }
}

/* A loop that ends when its values settle: nobody knows when. */
static bool is_open(const ftl_step *step)
{
    const ftl_loop *loop = step->kind == FTL_STEP_LOOP ? step->members.data[0]->u.loop : NULL;
    return loop && (loop->has_stop || loop->count < 0);
}

/* A byte is taken to cost as much as four operations. */
static double get_work(const ftl_step *step)
{
    return is_open(step) ? 0 : step->flops + 4 * step->bytes;
}

static void share_work(ftl_unit *u)
{
    double all = 0, before = 0;
    for (size_t i = 0; i < u->plan->steps.len; i++)
        all += get_work(&u->plan->steps.data[i]);
    for (size_t i = 0; i < u->plan->steps.len; i++) {
        const ftl_step *step = &u->plan->steps.data[i];
        u->steps[i].before = before;
        u->steps[i].share = all > 0 ? get_work(step) / all : 0;
        before += u->steps[i].share;
        if (is_open(step))
            u->steps[i].share = -1;
    }
}

static uint32_t count_params(const ftl_graph *g)
{
    uint32_t n = 0;
    for (size_t i = 0; i < g->values.len; i++)
        if (g->values.data[i]->op == FTL_OP_PARAM_ && g->values.data[i]->u.index >= n)
            n = g->values.data[i]->u.index + 1;
    return n;
}

ftl_unit *ftl_unit_compile(ftl_exec *exec, const ftl_plan *plan)
{
    ftl_arena *arena = &exec->arena;
    ftl_unit *u = FTL_NEW(arena, ftl_unit);
    u->exec = exec;
    u->plan = plan;
    u->first_input = 1;
    u->first_output = u->first_input + (uint32_t)plan->inputs.len;
    u->first_param = u->first_output + (uint32_t)plan->graph->outputs.len;
    u->first_const = u->first_param + count_params(plan->graph);
    u->n_slots = u->first_const + (uint32_t)plan->graph->values.len;
    u->slots = FTL_NEW_ARRAY(arena, void *, u->n_slots);
    for (size_t i = 0; i < plan->graph->values.len; i++)
        if (plan->graph->values.data[i]->op == FTL_OP_CONST_)
            u->slots[u->first_const + i] = (void *)(uintptr_t)plan->graph->values.data[i]->u.data;
    u->steps = FTL_NEW_ARRAY(arena, ftl_native_step, plan->steps.len + 1);
    for (size_t i = 0; i < plan->steps.len; i++)
        compile_step(u, &u->steps[i], &plan->steps.data[i]);
    share_work(u);
    list_copies(u);
    return u;
}

void ftl_unit_bind(ftl_unit *u, uint8_t *arena)
{
    ftl_exec *exec = u->exec;
    u->slots[0] = arena;
    u->env = (ftl_vm_env){.graph = u->plan->graph, .slots = u->slots,
                          .kernels = exec->device->kernels,
                          .pool = exec->device->pool, .scratch_step = exec->need.worker,
                          .scratch = exec->bytes + exec->unit->plan->arena_size,
                          .failures = exec->failures};
    for (size_t i = 0; i < u->plan->steps.len; i++)
        if (u->steps[i].loop)
            ftl_loop_bind(u->steps[i].loop, u);
}

/* ---- running ---- */

static bool has_failed(const ftl_exec *exec)
{
    for (unsigned w = 0; w < ftl_pool_get_size(exec->device->pool); w++)
        if (exec->failures[w].at)
            return true;
    return false;
}

static bool run_step(ftl_native_step *s, ftl_unit *u)
{
    if (s->product)
        ftl_product_run(s->product, u);
    if (s->nest)
        ftl_vm_run(s->nest, &u->env);
    if (s->op)
        ftl_op_run(s->op, u);
    if (s->loop)
        return ftl_loop_run(s->loop, u, &s->stats.rounds);
    if (s->logic)
        return ftl_native_logic_run(s->logic, u);
    return !s->can_fail || !has_failed(u->exec);
}

static double get_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

ftl_watch *ftl_unit_get_watch(const ftl_unit *u)
{
    return u == u->exec->unit ? u->exec->device->watch : NULL;
}

bool ftl_unit_run(ftl_unit *u)
{
    ftl_watch *watch = ftl_unit_get_watch(u);
    for (size_t i = 0; i < u->plan->steps.len; i++) {
        ftl_native_step *s = &u->steps[i];
        if (!ftl_watch_step(watch, s->before, s->share))
            return false;
        double start = u->exec->is_profiling ? get_seconds() : 0;
        if (!run_step(s, u))
            return false;
        if (u->exec->is_profiling) {
            s->stats.seconds += get_seconds() - start;
            s->stats.runs++;
        }
    }
    for (size_t i = 0; i < u->copies.len; i++) {
        const ftl_unit_copy *c = &u->copies.data[i];
        const void *from = ftl_unit_get(u, c->from);
        if (from != u->slots[c->slot] && c->size > 0)
            memcpy(u->slots[c->slot], from, c->size);
    }
    return true;
}
