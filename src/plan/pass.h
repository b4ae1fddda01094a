/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the plan room: what passes from graph to graph share. A pass changes its graph in
 * place. The rewriter goes through the values in order, gives each the rewritten operands and asks
 * the pass what stands for it: the value itself, a value before it, or new ones that the makers
 * append.
 */
#ifndef FTL_PLAN_PASS_H
#define FTL_PLAN_PASS_H

#include "plan/plan.h"

typedef struct ftl_rewriter ftl_rewriter;

/* v has its new operands and still its old id. Gives v (which is then appended, if it was not by
 * the pass) or another value of the new graph with the same elements. */
typedef ftl_value *ftl_rewrite_value(ftl_rewriter *r, ftl_value *v);

typedef struct ftl_rewrite_pass {
    ftl_rewrite_value *rewrite;
    void (*begin)(ftl_rewriter *r); /* or null: called once for each graph, as it was */
    void (*end)(ftl_rewriter *r);   /* or null: after its last value, outputs set */
} ftl_rewrite_pass;

struct ftl_rewriter {
    ftl_arena *arena;
    ftl_graph *graph;
    const ftl_pass_options *options;
    void *state;            /* the pass' own, for one graph; null at first */
    FTL_VEC(uint32_t) uses; /* by new id: uses by values and outputs of the old graph; see below */
};

/* Rewrites a graph and, before each LOOP, its body. */
void ftl_rewrite_graph(ftl_graph *g, const ftl_pass_options *options, const ftl_rewrite_pass *pass);
/* Uses of a new value: what the old graph had of all that it stands for; 1 for those that the pass
 * itself made on the way. */
uint32_t ftl_rewrite_get_uses(const ftl_rewriter *r, const ftl_value *v);

/* True for a constant of equal elements; *x is the element (i64 beyond 2^53 says false). */
bool ftl_value_is_splat(const ftl_value *v, double *x);
ftl_value *ftl_make_splat_like(ftl_graph *g, const ftl_value *v, double x);

/* A view that only orders, repeats or drops axes: result place p reads operand place
 * p[dim[0]], p[dim[1]], ... over whole axes. dim[k] is UINT32_MAX for an axis of extent 1. Dims may
 * repeat (a diagonal). */
bool ftl_view_get_dims(const ftl_value *v, uint32_t dim[FTL_MAX_RANK]);

#define FTL_PASS(name, step, doc)                                                                  \
    void step(ftl_graph *g, const ftl_pass_options *options);
#include "plan/pass.def"
#undef FTL_PASS

#endif
