/* SPDX-License-Identifier: Apache-2.0
 *
 * Equal values become one: each is looked up by a hash of its operation, dtype, shape, attributes
 * and operands among those before it. Operands of commutative operations are put in order first.
 * Loops are left alone, as two equal ones are rare and comparing bodies is not.
 */
#include "plan/pass.h"

#include "base/dtype.h"

typedef struct share {
    ftl_map first;               /* hash -> 1 + id of the last value with it */
    FTL_VEC(uint32_t) same_hash; /* by id: 1 + id of the one before with the same hash, 0 none */
} share;

static uint64_t mix(uint64_t hash, const void *p, size_t size)
{
    return ftl_hash_bytes(p, size, hash);
}

static uint64_t hash_map(uint64_t hash, const ftl_affine *map, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        int64_t head[] = {map[k].offset, map[k].select};
        hash = mix(hash, head, sizeof head);
        hash = map[k].n > 0 ? mix(hash, map[k].dim, map[k].n * sizeof(*map[k].dim)) : hash;
        hash = map[k].n > 0 ? mix(hash, map[k].coef, map[k].n * sizeof(*map[k].coef)) : hash;
    }
    return hash;
}

static uint64_t hash_const(uint64_t hash, const ftl_value *v)
{
    enum { ENOUGH = 256 };
    size_t n = v->splat ? 1 : (size_t)ftl_value_get_count(v);
    size_t size = ftl_dtype_get_size(v->dtype);
    if (n > ENOUGH / size)
        n = ENOUGH / size;
    return n > 0 ? mix(hash, v->u.data, n * size) : hash;
}

/* Equal attributes have equal hashes; the reverse is settled by comparison. */
/* dispatch */ static uint64_t hash_attribute(uint64_t hash, const ftl_value *v)
{
    switch (v->op) {
    case FTL_OP_INPUT_: return mix(hash, v->u.name, strlen(v->u.name));
    case FTL_OP_CONST_: return hash_const(hash, v);
    case FTL_OP_PARAM_:
    case FTL_OP_DERIVED_:
    case FTL_OP_RESULT_: return mix(hash, &v->u.index, sizeof v->u.index);
    case FTL_OP_REDUCE_: return mix(hash, &v->u.reduce.axes, sizeof v->u.reduce.axes);
    case FTL_OP_CONCAT_: return mix(hash, &v->u.axis, sizeof v->u.axis);
    case FTL_OP_VIEW_: return hash_map(hash, v->u.view->map, v->in[0]->rank);
    case FTL_OP_VIEW_ADD_: return hash_map(hash, v->u.view->map, v->rank);
    case FTL_OP_GATHER_: return hash_map(hash, v->u.gather->map, v->in[0]->rank);
    case FTL_OP_GATHER_ADD_: return hash_map(hash, v->u.gather->map, v->rank);
    case FTL_OP_CONTRACT_:
        for (uint32_t i = 0; i < v->n_in; i++)
            if (v->in[i]->rank > 0)
                hash = mix(hash, v->u.contract->in[i], v->in[i]->rank * sizeof(uint32_t));
        return hash;
    default: return hash;
    }
}

static uint64_t hash_value(const ftl_value *v)
{
    uint32_t head[] = {(uint32_t)v->op, (uint32_t)v->dtype, v->rank, v->n_in};
    uint64_t hash = mix(0, head, sizeof head);
    if (v->rank > 0)
        hash = mix(hash, v->shape, v->rank * sizeof(*v->shape));
    for (uint32_t i = 0; i < v->n_in; i++)
        hash = mix(hash, &v->in[i]->id, sizeof v->in[i]->id);
    return hash_attribute(hash, v);
}

static bool is_same(const ftl_value *a, const ftl_value *b)
{
    for (uint32_t i = 0; a->n_in == b->n_in && i < a->n_in; i++)
        if (a->in[i] != b->in[i])
            return false;
    return ftl_value_is_same(a, b);
}

/* a + b = b + a, and so on: the operand that was made first comes first. */
static void order_operands(ftl_rewriter *r, ftl_value *v)
{
    bool commutes = v->op == FTL_OP_ADD_ || v->op == FTL_OP_MUL_ || v->op == FTL_OP_MIN_ ||
                    v->op == FTL_OP_MAX_ || v->op == FTL_OP_AND_ || v->op == FTL_OP_OR_ ||
                    v->op == FTL_OP_EQ_ || v->op == FTL_OP_NE_;
    if (!commutes || v->in[0]->id <= v->in[1]->id)
        return;
    ftl_value **in = FTL_NEW_ARRAY(r->arena, ftl_value *, 2);
    in[0] = v->in[1];
    in[1] = v->in[0];
    v->in = in;
}

static ftl_value *share_value(ftl_rewriter *r, ftl_value *v)
{
    share *s = r->state;
    uint64_t before = 0;
    order_operands(r, v);
    if (v->op == FTL_OP_LOOP_) {
        *FTL_VEC_PUSH(r->arena, &s->same_hash) = 0;
        return v;
    }
    uint64_t hash = hash_value(v);
    ftl_map_find(&s->first, hash, &before);
    for (uint64_t at = before; at > 0; at = s->same_hash.data[at - 1])
        if (is_same(r->graph->values.data[at - 1], v))
            return r->graph->values.data[at - 1];
    *FTL_VEC_PUSH(r->arena, &s->same_hash) = (uint32_t)before;
    ftl_map_put(&s->first, hash, r->graph->values.len + 1);
    return v;
}

static void init_state(ftl_rewriter *r)
{
    share *s = FTL_NEW(r->arena, share);
    ftl_map_init(&s->first, r->arena);
    r->state = s;
}

void ftl_pass_share(ftl_graph *g, const ftl_pass_options *options)
{
    ftl_rewrite_graph(g, options, &(ftl_rewrite_pass){.rewrite = share_value, .begin = init_state});
}
