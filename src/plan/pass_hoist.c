/* SPDX-License-Identifier: Apache-2.0
 *
 * What does not change in a loop is computed before it. A value of the body is invariant when its
 * operands are; params of captured operands are, and carried ones that the body gives back as they
 * came. Invariant values that cost something and that a changing value uses are built again in the
 * graph around the loop and captured. Leaves and views stay with their user, where they are free.
 *
 * A loop that may run no round is left alone: an invariant gather could fail.
 */
#include "plan/pass.h"

typedef struct hoister {
    ftl_graph *graph;      /* around the loop */
    ftl_value *loop;
    uint8_t *invariant;    /* by id of the body */
    ftl_value **outside;   /* by id of the body: its copy before the loop, or null */
    ftl_value **inside;    /* by id of the body: the param that captures that copy, or null */
    FTL_VEC(ftl_value *) captured; /* new operands of the loop */
    FTL_VEC(ftl_value *) params;   /* their params */
} hoister;

static bool is_kept_carried(const ftl_loop *loop, const ftl_value *param)
{
    uint32_t k = param->u.index - 1;
    const ftl_value *next = loop->body->outputs.data[k].value;
    return next->op == FTL_OP_PARAM_ && next->u.index == param->u.index;
}

static void find_invariant(hoister *h)
{
    const ftl_loop *loop = h->loop->u.loop;
    for (size_t id = 0; id < loop->body->values.len; id++) {
        const ftl_value *v = loop->body->values.data[id];
        bool same = v->op != FTL_OP_PARAM_ || v->u.index > loop->n_carried ||
                    (v->u.index > 0 && is_kept_carried(loop, v));
        for (uint32_t i = 0; i < v->n_in && same; i++)
            same = h->invariant[v->in[i]->id];
        h->invariant[id] = same && v->op != FTL_OP_LOOP_;
    }
}

/* Carried params are worth it: a captured value is not copied from round to round. */
static bool is_worth(const hoister *h, const ftl_value *v)
{
    if (v->op == FTL_OP_PARAM_)
        return v->u.index <= h->loop->u.loop->n_carried;
    ftl_opclass class = ftl_opcode_get_class(v->op);
    return class != FTL_OPCLASS_LEAF && v->op != FTL_OP_VIEW_ && v->op != FTL_OP_RESHAPE_;
}

/* The copy of an invariant value before the loop; its operands have theirs. */
static void copy_outside(hoister *h, ftl_value *v)
{
    if (v->op == FTL_OP_PARAM_) {
        h->outside[v->id] = h->loop->in[v->u.index - 1];
        return;
    }
    ftl_value draft = *v;
    draft.in = FTL_NEW_ARRAY(h->graph->arena, ftl_value *, v->n_in);
    for (uint32_t i = 0; i < v->n_in; i++)
        draft.in[i] = h->outside[v->in[i]->id];
    h->outside[v->id] = ftl_graph_add_value(h->graph, &draft);
}

/* wanted[id]: a changing value, an output, or a view that stays in the body uses it, and it is
 * worth capturing. Values that stay are met before their operands by going backwards. */
static bool find_wanted(const hoister *h, uint8_t *wanted)
{
    const ftl_graph *body = h->loop->u.loop->body;
    uint8_t *stays = FTL_NEW_ARRAY(h->graph->arena, uint8_t, body->values.len);
    bool any = false;
    for (size_t i = 0; i < body->outputs.len; i++)
        stays[body->outputs.data[i].value->id] = 1;
    for (size_t id = body->values.len; id-- > 0;) {
        const ftl_value *v = body->values.data[id];
        bool changes = !h->invariant[id];
        if (!changes && stays[id] && is_worth(h, v)) {
            wanted[id] = 1;
            any = true;
            continue;
        }
        for (uint32_t i = 0; i < v->n_in && (changes || stays[id]); i++)
            stays[v->in[i]->id] = 1;
    }
    return any;
}

static ftl_value *make_param(hoister *h, const ftl_value *v)
{
    uint32_t index = 1 + h->loop->n_in + (uint32_t)h->captured.len;
    ftl_value draft = {.op = FTL_OP_PARAM_, .dtype = v->dtype, .rank = v->rank, .shape = v->shape,
                       .equation = v->equation, .span = v->span, .u.index = index};
    ftl_value *param = FTL_NEW(h->graph->arena, ftl_value);
    *param = draft;
    *FTL_VEC_PUSH(h->graph->arena, &h->captured) = h->outside[v->id];
    *FTL_VEC_PUSH(h->graph->arena, &h->params) = param;
    return param;
}

/* The body again: new params first, uses of captured values replaced. Dead values go later. */
static void rebuild_body(hoister *h)
{
    ftl_graph *body = h->loop->u.loop->body;
    size_t n = body->values.len;
    ftl_value **old = body->values.data;
    for (size_t id = 0; id < n; id++)
        for (uint32_t i = 0; i < old[id]->n_in; i++)
            if (h->inside[old[id]->in[i]->id]) {
                ftl_value **in = FTL_NEW_ARRAY(body->arena, ftl_value *, old[id]->n_in);
                for (uint32_t k = 0; k < old[id]->n_in; k++) {
                    ftl_value *now = h->inside[old[id]->in[k]->id];
                    in[k] = now ? now : old[id]->in[k];
                }
                old[id]->in = in;
                break;
            }
    for (size_t i = 0; i < body->outputs.len; i++) {
        ftl_value *now = h->inside[body->outputs.data[i].value->id];
        if (now)
            body->outputs.data[i].value = now;
    }
    body->values.data = NULL;
    body->values.len = body->values.cap = 0;
    for (size_t i = 0; i < h->params.len; i++)
        ftl_graph_take_value(body, h->params.data[i]);
    for (size_t i = 0; i < n; i++)
        ftl_graph_take_value(body, old[i]);
}

static void capture(hoister *h)
{
    ftl_value *v = h->loop;
    ftl_value **in = FTL_NEW_ARRAY(h->graph->arena, ftl_value *, v->n_in + h->captured.len);
    memcpy(in, v->in, v->n_in * sizeof(*in));
    memcpy(in + v->n_in, h->captured.data, h->captured.len * sizeof(*in));
    v->in = in;
    v->n_in += (uint32_t)h->captured.len;
}

static void hoist_loop(ftl_graph *g, ftl_value *v)
{
    const ftl_graph *body = v->u.loop->body;
    size_t n = body->values.len;
    hoister h = {.graph = g, .loop = v, .invariant = FTL_NEW_ARRAY(g->arena, uint8_t, n),
                 .outside = FTL_NEW_ARRAY(g->arena, ftl_value *, n),
                 .inside = FTL_NEW_ARRAY(g->arena, ftl_value *, n)};
    uint8_t *wanted = FTL_NEW_ARRAY(g->arena, uint8_t, n);
    uint8_t *copied = FTL_NEW_ARRAY(g->arena, uint8_t, n);
    find_invariant(&h);
    if (!find_wanted(&h, wanted))
        return;
    for (size_t id = n; id-- > 0;) {
        const ftl_value *u = body->values.data[id];
        copied[id] = copied[id] || wanted[id];
        for (uint32_t i = 0; copied[id] && i < u->n_in; i++)
            copied[u->in[i]->id] = 1;
    }
    for (size_t id = 0; id < n; id++)
        if (copied[id])
            copy_outside(&h, body->values.data[id]);
    for (size_t id = 0; id < n; id++)
        if (wanted[id])
            h.inside[id] = make_param(&h, body->values.data[id]);
    rebuild_body(&h);
    capture(&h);
}

static ftl_value *hoist_value(ftl_rewriter *r, ftl_value *v)
{
    if (v->op == FTL_OP_LOOP_ && v->u.loop->count != 0)
        hoist_loop(r->graph, v);
    return v;
}

void ftl_pass_hoist(ftl_graph *g, const ftl_pass_options *options)
{
    ftl_rewrite_graph(g, options, &(ftl_rewrite_pass){.rewrite = hoist_value});
}
