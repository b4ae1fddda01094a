/* SPDX-License-Identifier: Apache-2.0
 *
 * What is too large to be a dense tensor is refused here, with its name, its extents and its place
 * in the program: no later stage meets a number of elements that does not fit.
 */
#include "lower/context.h"

#define DENSE_RELATION 0x1p31 /* elements of a relation, when the options do not say */
#define DENSE_TENSOR 0x1p40   /* elements of any other tensor */
#define DENSE_STEP 0x1p53     /* of a value on the way, which is often never made as a whole */

static const char *write_extents(lower_ctx *c, uint32_t rank, const int64_t *extent)
{
    ftl_strbuf sb;
    ftl_strbuf_init(&sb, c->arena);
    for (uint32_t k = 0; k < rank; k++)
        ftl_strbuf_printf(&sb, "%s%lld", k ? " x " : "", (long long)extent[k]);
    return ftl_strbuf_get(&sb);
}

static double count(uint32_t rank, const int64_t *extent)
{
    double n = 1;
    for (uint32_t k = 0; k < rank; k++)
        n *= (double)extent[k];
    return n;
}

void lower_check_size(lower_ctx *c, const ftl_tensor_decl *t)
{
    bool is_relation = t->is_boolean || t->facts->is_tuples || t->source->is_tuples;
    double limit = is_relation ? DENSE_RELATION : DENSE_TENSOR;
    if (is_relation && c->options.dense_limit)
        limit = (double)c->options.dense_limit;
    if (count(t->rank, t->extent) > limit)
        lower_fail(c, FTL_E_LIMIT, t->span,
                   "'%s' would have %s elements as a dense tensor; the limit is %.0f", t->name,
                   write_extents(c, t->rank, t->extent), limit);
}

void lower_check_values(lower_ctx *c, const ftl_graph *g)
{
    for (size_t i = 0; i < g->values.len; i++) {
        const ftl_value *v = g->values.data[i];
        if (count(v->rank, v->shape) > DENSE_STEP)
            lower_fail(c, FTL_E_LIMIT, v->span, "a step of this would have %s elements",
                       write_extents(c, v->rank, v->shape));
        if (v->op == FTL_OP_LOOP_)
            lower_check_values(c, v->u.loop->body);
    }
}
