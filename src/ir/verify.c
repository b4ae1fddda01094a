/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/graph.h"

typedef struct verifier {
    ftl_arena *arena;
    const ftl_graph *graph;
    size_t n_equations;
} verifier;

static const char *complain(const verifier *s, const ftl_value *v, const char *what)
{
    return ftl_arena_printf(s->arena, "%%%u = %s %s", v->id, ftl_opcode_get_name(v->op), what);
}

static const char *verify_operands(const verifier *s, const ftl_value *v)
{
    for (uint32_t i = 0; i < v->n_in; i++) {
        const ftl_value *a = v->in[i];
        if (a->id >= v->id || s->graph->values.data[a->id] != a)
            return complain(s, v, "uses a value that does not come before it");
    }
    return NULL;
}

static const char *verify_value(const verifier *s, size_t i)
{
    const ftl_value *v = s->graph->values.data[i];
    if (v->id != i)
        return ftl_arena_printf(s->arena, "value %zu has the number %u", i, v->id);
    if ((unsigned)v->op >= FTL_OPCODE_COUNT || (unsigned)v->dtype >= FTL_DTYPE_COUNT)
        return ftl_arena_printf(s->arena, "%%%u has no operation or no dtype", v->id);
    if (v->equation > s->n_equations)
        return complain(s, v, "comes from an equation that is not there");
    if (v->op == FTL_OP_INPUT_ && (!v->u.name || s->graph->parent))
        return complain(s, v, "needs a name and the outermost graph");
    if (v->op == FTL_OP_PARAM_ && !s->graph->parent)
        return complain(s, v, "stands outside of a loop's body");
    const char *wrong = verify_operands(s, v);
    if (wrong)
        return wrong;
    wrong = ftl_value_check(v);
    return wrong ? complain(s, v, wrong) : NULL;
}

static const char *verify_outputs(const verifier *s)
{
    for (size_t i = 0; i < s->graph->outputs.len; i++) {
        const ftl_output *o = &s->graph->outputs.data[i];
        if (!o->name != (s->graph->parent != NULL))
            return ftl_arena_printf(s->arena, "output %zu: %s", i,
                                    o->name ? "a body's output has a name" : "no name");
        if (o->value->id >= s->graph->values.len ||
            s->graph->values.data[o->value->id] != o->value)
            return ftl_arena_printf(s->arena, "output %zu is of another graph", i);
        if (o->value->op == FTL_OP_LOOP_ || o->value->op == FTL_OP_RULES_)
            return complain(s, o->value, "is an output");
    }
    return NULL;
}

static const char *verify_graph(const verifier *s)
{
    for (size_t i = 0; i < s->graph->values.len; i++) {
        const char *wrong = verify_value(s, i);
        const ftl_value *v = s->graph->values.data[i];
        if (wrong || v->op != FTL_OP_LOOP_) {
            if (wrong)
                return wrong;
            continue;
        }
        const ftl_graph *body = v->u.loop->body;
        if (body->parent != s->graph)
            return complain(s, v, "has a body of another graph");
        wrong = verify_graph(&(verifier){s->arena, body, s->n_equations});
        if (wrong)
            return ftl_arena_printf(s->arena, "in the body of %%%u: %s", v->id, wrong);
    }
    return verify_outputs(s);
}

const char *ftl_graph_verify(const ftl_graph *g, ftl_arena *arena)
{
    const ftl_graph *root = g;
    while (root->parent)
        root = root->parent;
    return verify_graph(&(verifier){arena, g, root->equations.len});
}
