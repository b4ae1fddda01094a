/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/pass.h"

#include "base/dtype.h"

static const struct {
    const char *name, *doc;
    void (*run)(ftl_graph *g, const ftl_pass_options *options);
} passes[] = {
#define FTL_PASS(name, step, doc) {#name, doc, step},
#include "plan/pass.def"
#undef FTL_PASS
};

const char *ftl_pass_get_name(size_t i)
{
    return i < FTL_COUNT(passes) ? passes[i].name : NULL;
}

const char *ftl_pass_get_doc(size_t i)
{
    return i < FTL_COUNT(passes) ? passes[i].doc : NULL;
}

static size_t find_pass(const char *name)
{
    size_t i = 0;
    while (i < FTL_COUNT(passes) && strcmp(passes[i].name, name) != 0)
        i++;
    return i;
}

static void run_pass(ftl_graph *g, size_t i, const ftl_pass_options *options)
{
    static const ftl_pass_options plain = {0};
    passes[i].run(g, options ? options : &plain);
#ifdef FTL_VERIFY
    const char *wrong = ftl_graph_verify(g, g->arena);
    assert(!wrong);
    (void)wrong;
#endif
}

ftl_status ftl_plan_run_pass(ftl_graph *g, const char *name, const ftl_pass_options *options)
{
    size_t i = find_pass(name);
    if (i == FTL_COUNT(passes))
        return FTL_ERR_USAGE;
    run_pass(g, i, options);
    return FTL_OK;
}

ftl_status ftl_plan_run_passes(ftl_graph *g, const ftl_pass_options *options)
{
    size_t last = FTL_COUNT(passes) - 1;
    if (options && options->stop_after)
        last = find_pass(options->stop_after);
    if (last == FTL_COUNT(passes))
        return FTL_ERR_USAGE;
    for (size_t i = 0; i <= last; i++)
        run_pass(g, i, options);
    return FTL_OK;
}

/* ---- the rewriter ---- */

/* What is known of the old graph before ids change: for each value the ids of its operands, one
 * value after the other, then those of the outputs; and how often each value is used. */
typedef struct old_graph {
    size_t n;
    ftl_value **values;
    uint32_t *operands, *uses;
} old_graph;

static old_graph take_values(ftl_graph *g)
{
    old_graph old = {.n = g->values.len, .values = g->values.data};
    size_t total = g->outputs.len, at = 0;
    for (size_t i = 0; i < old.n; i++)
        total += old.values[i]->n_in;
    old.operands = FTL_NEW_ARRAY(g->arena, uint32_t, total);
    old.uses = FTL_NEW_ARRAY(g->arena, uint32_t, old.n);
    for (size_t i = 0; i < old.n; i++)
        for (uint32_t k = 0; k < old.values[i]->n_in; k++)
            old.operands[at++] = old.values[i]->in[k]->id;
    for (size_t i = 0; i < g->outputs.len; i++)
        old.operands[at++] = g->outputs.data[i].value->id;
    for (size_t i = 0; i < total; i++)
        old.uses[old.operands[i]]++;
    g->values.data = NULL;
    g->values.len = g->values.cap = 0;
    return old;
}

static void add_uses(ftl_rewriter *r, const ftl_value *v, uint32_t uses)
{
    while (r->uses.len <= v->id)
        *FTL_VEC_PUSH(r->arena, &r->uses) = 0;
    r->uses.data[v->id] += uses;
}

uint32_t ftl_rewrite_get_uses(const ftl_rewriter *r, const ftl_value *v)
{
    uint32_t uses = v->id < r->uses.len ? r->uses.data[v->id] : 0;
    return uses > 0 ? uses : 1;
}

/* Gives v its new operands: now[] of their old ids. Operand arrays may be shared between values, so
 * a changed one is a new one. */
static void set_operands(ftl_rewriter *r, ftl_value *v, const uint32_t *ids, ftl_value *const *now)
{
    bool changed = false;
    for (uint32_t k = 0; k < v->n_in; k++)
        changed = changed || now[ids[k]] != v->in[k];
    if (!changed)
        return;
    ftl_value **in = FTL_NEW_ARRAY(r->arena, ftl_value *, v->n_in);
    for (uint32_t k = 0; k < v->n_in; k++)
        in[k] = now[ids[k]];
    v->in = in;
}

void ftl_rewrite_graph(ftl_graph *g, const ftl_pass_options *options, const ftl_rewrite_pass *pass)
{
    ftl_rewriter r = {.arena = g->arena, .graph = g, .options = options};
    if (pass->begin)
        pass->begin(&r);
    old_graph old = take_values(g);
    ftl_value **now = FTL_NEW_ARRAY(g->arena, ftl_value *, old.n);
    const uint32_t *ids = old.operands;
    for (size_t i = 0; i < old.n; i++) {
        ftl_value *v = old.values[i];
        if (v->op == FTL_OP_LOOP_)
            ftl_rewrite_graph(v->u.loop->body, options, pass);
        set_operands(&r, v, ids, now);
        ids += v->n_in;
        ftl_graph_set_origin(g, v->equation, v->span);
        now[i] = pass->rewrite(&r, v);
        bool taken = v->id < g->values.len && g->values.data[v->id] == v;
        if (now[i] == v && !taken)
            ftl_graph_take_value(g, v);
        add_uses(&r, now[i], old.uses[i]);
    }
    for (size_t i = 0; i < g->outputs.len; i++)
        g->outputs.data[i].value = now[ids[i]];
    if (pass->end)
        pass->end(&r);
    ftl_graph_set_origin(g, 0, (ftl_span){0});
}

/* ---- facts of values ---- */

bool ftl_value_is_splat(const ftl_value *v, double *x)
{
    if (v->op != FTL_OP_CONST_ || !(v->splat || ftl_value_get_count(v) == 1))
        return false;
    *x = ftl_dtype_get_double(v->dtype, v->u.data);
    return v->dtype != FTL_DTYPE_I64 || (*x < 0x1p53 && *x > -0x1p53);
}

ftl_value *ftl_make_splat_like(ftl_graph *g, const ftl_value *v, double x)
{
    return ftl_make_splat(g, v->dtype, v->rank, v->shape, x);
}

bool ftl_view_get_dims(const ftl_value *v, uint32_t dim[FTL_MAX_RANK])
{
    if (v->op != FTL_OP_VIEW_ || !v->u.view->in_range)
        return false;
    const ftl_value *x = v->in[0];
    for (uint32_t k = 0; k < x->rank; k++) {
        const ftl_affine *a = &v->u.view->map[k];
        dim[k] = UINT32_MAX;
        if (a->offset != 0 || a->n > 1)
            return false;
        if (a->n == 1)
            dim[k] = a->dim[0];
        if (a->n == 0 ? x->shape[k] != 1 : a->coef[0] != 1 || v->shape[a->dim[0]] != x->shape[k])
            return false;
    }
    return true;
}
