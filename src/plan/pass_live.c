/* SPDX-License-Identifier: Apache-2.0
 *
 * What no output needs is dropped. Uses are followed from the outputs back. A carried value of a
 * loop is needed when its result is, or when the body needs its param for another needed value or
 * for the stop; a captured value when the body needs its param.
 */
#include "plan/pass.h"

static void drop_dead(ftl_graph *g);

/* What one loop keeps. */
typedef struct keeper {
    ftl_graph *graph;  /* that the loop stands in */
    ftl_value *loop;
    uint8_t *carried;  /* by carried value: needed */
    uint8_t *live;     /* by id of the body */
    FTL_VEC(uint32_t) todo; /* carried values whose outputs are not followed yet */
} keeper;

static void need_carried(keeper *k, uint32_t i)
{
    if (k->carried[i])
        return;
    k->carried[i] = 1;
    *FTL_VEC_PUSH(k->graph->arena, &k->todo) = i;
}

/* Marks what a value of the body needs, in falling order of ids. */
static void follow(keeper *k, const ftl_value *from)
{
    const ftl_graph *body = k->loop->u.loop->body;
    uint32_t n_carried = k->loop->u.loop->n_carried;
    if (k->live[from->id])
        return;
    k->live[from->id] = 1;
    for (uint32_t id = from->id + 1; id-- > 0;) {
        const ftl_value *v = body->values.data[id];
        if (k->live[id] != 1)
            continue;
        k->live[id] = 2;
        for (uint32_t i = 0; i < v->n_in; i++)
            k->live[v->in[i]->id] |= 1;
        if (v->op == FTL_OP_PARAM_ && v->u.index > 0 && v->u.index <= n_carried)
            need_carried(k, v->u.index - 1);
    }
}

static void find_needed(keeper *k)
{
    const ftl_loop *loop = k->loop->u.loop;
    if (loop->has_stop)
        follow(k, loop->body->outputs.data[loop->n_carried].value);
    while (k->todo.len > 0)
        follow(k, loop->body->outputs.data[k->todo.data[--k->todo.len]].value);
}

/* Numbers the operands and params anew. renumber[i]: 1 + new place of operand i, 0 dropped. */
static void keep_operands(keeper *k, uint32_t *renumber)
{
    ftl_value *v = k->loop;
    ftl_value **in = FTL_NEW_ARRAY(k->graph->arena, ftl_value *, v->n_in);
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->n_in; i++)
        if (renumber[i]) {
            in[n++] = v->in[i];
            renumber[i] = n;
        }
    v->in = in;
    v->n_in = n;
    const ftl_graph *body = v->u.loop->body;
    for (size_t id = 0; id < body->values.len; id++) {
        ftl_value *p = body->values.data[id];
        if (p->op == FTL_OP_PARAM_ && p->u.index > 0)
            p->u.index = renumber[p->u.index - 1];
    }
}

static void keep_outputs(keeper *k)
{
    ftl_loop *loop = k->loop->u.loop;
    ftl_graph *body = loop->body;
    uint32_t n = 0;
    for (uint32_t i = 0; i < body->outputs.len; i++)
        if (i >= loop->n_carried || k->carried[i])
            body->outputs.data[n++] = body->outputs.data[i];
    loop->n_carried = n - loop->has_stop;
    body->outputs.len = n;
}

/* Params of dropped operands must go before they are numbered anew. */
static void trim_body(keeper *k, uint32_t *renumber)
{
    const ftl_loop *loop = k->loop->u.loop;
    keep_outputs(k);
    drop_dead(loop->body);
    for (size_t id = 0; id < loop->body->values.len; id++) {
        const ftl_value *p = loop->body->values.data[id];
        if (p->op == FTL_OP_PARAM_ && p->u.index > 0)
            renumber[p->u.index - 1] = 1;
    }
    keep_operands(k, renumber);
}

/* results[i]: the loop's result i is needed. Gives the new number of each carried value. */
static uint32_t *trim_loop(ftl_graph *g, ftl_value *v, const uint8_t *results)
{
    ftl_loop *loop = v->u.loop;
    uint32_t n = loop->n_carried, next = 0;
    keeper k = {.graph = g, .loop = v, .carried = FTL_NEW_ARRAY(g->arena, uint8_t, n),
                .live = FTL_NEW_ARRAY(g->arena, uint8_t, loop->body->values.len)};
    uint32_t *renumber = FTL_NEW_ARRAY(g->arena, uint32_t, v->n_in);
    uint32_t *moved = FTL_NEW_ARRAY(g->arena, uint32_t, (size_t)n + 1);
    for (uint32_t i = 0; i < n; i++)
        if (results[i])
            need_carried(&k, i);
    find_needed(&k);
    for (uint32_t i = 0; i < n; i++) {
        moved[i] = next;
        next += k.carried[i];
        renumber[i] = k.carried[i];
    }
    moved[n] = next;
    trim_body(&k, renumber);
    return moved;
}

/* The live results of each loop, by id of the loop; null for others. */
typedef struct marks {
    uint8_t *live;
    uint8_t **results;
} marks;

static void mark_value(const marks *m, ftl_graph *g, const ftl_value *v)
{
    for (uint32_t i = 0; i < v->n_in; i++)
        m->live[v->in[i]->id] = 1;
    if (v->op != FTL_OP_RESULT_)
        return;
    uint8_t **results = &m->results[v->in[0]->id];
    if (!*results)
        *results = FTL_NEW_ARRAY(g->arena, uint8_t, (size_t)v->in[0]->u.loop->n_carried + 1);
    (*results)[v->u.index] = 1;
}

/* Loops lose operands here, so values are marked from the last to the first, each after all its
 * uses; then results get their new numbers. */
static void mark_live(ftl_graph *g, const marks *m)
{
    uint32_t **moved = FTL_NEW_ARRAY(g->arena, uint32_t *, g->values.len);
    for (size_t i = 0; i < g->outputs.len; i++)
        m->live[g->outputs.data[i].value->id] = 1;
    for (size_t id = g->values.len; id-- > 0;) {
        ftl_value *v = g->values.data[id];
        if (!m->live[id])
            continue;
        if (v->op == FTL_OP_LOOP_)
            moved[id] = trim_loop(g, v, m->results[id]);
        mark_value(m, g, v);
    }
    for (size_t id = 0; id < g->values.len; id++) {
        ftl_value *v = g->values.data[id];
        if (m->live[id] && v->op == FTL_OP_RESULT_)
            v->u.index = moved[v->in[0]->id][v->u.index];
    }
}

static void drop_dead(ftl_graph *g)
{
    size_t n = g->values.len, kept = 0;
    marks m = {FTL_NEW_ARRAY(g->arena, uint8_t, n), FTL_NEW_ARRAY(g->arena, uint8_t *, n)};
    mark_live(g, &m);
    for (size_t id = 0; id < n; id++) {
        ftl_value *v = g->values.data[id];
        if (!m.live[id])
            continue;
        v->id = (uint32_t)kept;
        g->values.data[kept++] = v;
    }
    g->values.len = kept;
}

void ftl_pass_drop_dead(ftl_graph *g, const ftl_pass_options *options)
{
    (void)options;
    drop_dead(g);
}
