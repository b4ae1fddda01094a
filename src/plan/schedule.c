/* SPDX-License-Identifier: Apache-2.0
 *
 * Turns groups into steps, last group first, and gives the plan its inputs, bodies and estimates.
 */
#include "plan/buffer.h"
#include "plan/fuse.h"

#include "base/dtype.h"

/* Nodes were added users first; a plan lists operands first. */
static ftl_nest *make_nest(ftl_arena *arena, const ftl_group *g)
{
    ftl_nest *nest = FTL_NEW(arena, ftl_nest);
    uint32_t n = (uint32_t)g->nest.nodes.len;
    nest->n_axes = g->nest.n_axes;
    nest->reduced = g->nest.reduced;
    memcpy(nest->extent, g->nest.extent, sizeof nest->extent);
    for (uint32_t i = n; i-- > 0;) {
        ftl_nest_node *to = FTL_VEC_PUSH(arena, &nest->nodes);
        *to = g->nest.nodes.data[i];
        for (uint32_t k = 0; k < to->n_in; k++)
            to->in[k] = n - 1 - to->in[k];
    }
    return nest;
}

/* A 16-bit product is summed in f32: a nest rounds it to its place where others read it. */
static ftl_nest *round_product(const ftl_fuser *f, ftl_group *g)
{
    ftl_value *c = g->contract;
    if (g->nest.nodes.len == 0) {
        uint8_t axis[FTL_MAX_RANK];
        g->nest.n_axes = c->rank;
        for (uint32_t k = 0; k < c->rank; k++) {
            axis[k] = c->shape[k] == 1 ? FTL_NEST_NONE : (uint8_t)k;
            g->nest.extent[k] = c->shape[k];
        }
        uint32_t node = ftl_fuse_add_node(f, g, c, axis);
        g->nest.nodes.data[node].is_read = true;
    }
    for (size_t i = 0; i < g->nest.nodes.len; i++)
        g->nest.nodes.data[i].is_root |= g->nest.nodes.data[i].value == c;
    return make_nest(f->arena, g);
}

static void list_values(ftl_arena *arena, const ftl_group *g, ftl_step *step)
{
    for (size_t i = g->members.len; i-- > 0;)
        *FTL_VEC_PUSH(arena, &step->members) = g->members.data[i];
    if (step->contract)
        *FTL_VEC_PUSH(arena, &step->roots) = step->contract;
    for (size_t i = 0; step->nest && i < step->nest->nodes.len; i++)
        if (step->nest->nodes.data[i].is_root && !step->nest->nodes.data[i].is_read)
            *FTL_VEC_PUSH(arena, &step->roots) = (ftl_value *)step->nest->nodes.data[i].value;
    if (step->kind == FTL_STEP_OP)
        *FTL_VEC_PUSH(arena, &step->roots) = g->value;
}

static ftl_plan *make_plan(ftl_arena *arena, ftl_graph *graph, const ftl_plan_options *options,
                           const ftl_loop *loop);

static void add_step(const ftl_fuser *f, ftl_plan *plan, ftl_group *g,
                     const ftl_plan_options *options)
{
    ftl_arena *arena = f->arena;
    ftl_step *step = FTL_VEC_PUSH(arena, &plan->steps);
    step->kind = g->kind;
    step->contract = g->contract;
    if (g->contract && ftl_dtype_get_size(g->contract->dtype) < 4 &&
        f->uses[g->contract->id].is_hard)
        step->nest = round_product(f, g);
    else if (g->nest.nodes.len > 0)
        step->nest = make_nest(arena, g);
    list_values(arena, g, step);
    if (g->kind == FTL_STEP_LOOP)
        step->body = make_plan(arena, g->value->u.loop->body, options, g->value->u.loop);
    ftl_cost_set_step(plan, step);
}

static ftl_plan *make_plan(ftl_arena *arena, ftl_graph *graph, const ftl_plan_options *options,
                           const ftl_loop *loop)
{
    ftl_fuser f = {.arena = arena, .graph = graph, .no_fusion = options->no_fusion};
    ftl_plan *plan = FTL_NEW(arena, ftl_plan);
    plan->graph = graph;
    plan->layouts = loop ? NULL : options->layouts;
    for (size_t i = 0; i < graph->values.len; i++)
        if (graph->values.data[i]->op == FTL_OP_INPUT_)
            *FTL_VEC_PUSH(arena, &plan->inputs) = graph->values.data[i];
    ftl_fuse_graph(&f);
    for (size_t i = f.groups.len; i-- > 0;)
        add_step(&f, plan, f.groups.data[i], options);
    ftl_buffer_plan(arena, plan, f.uses, loop);
    return plan;
}

ftl_plan *ftl_plan_make(ftl_arena *arena, ftl_graph *graph, const ftl_plan_options *options)
{
    static const ftl_plan_options standard = {.no_fusion = false};
    return make_plan(arena, graph, options ? options : &standard, NULL);
}
