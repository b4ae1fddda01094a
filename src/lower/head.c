/* SPDX-License-Identifier: Apache-2.0
 *
 * What an equation gives to its tensor: its value over the left side's places, neutral where
 * constants on the left do not reach, and how several equations of one head combine.
 */
#include "lower/context.h"

#include <math.h>

double lower_neutral(const ftl_equation *eq)
{
    switch (eq->proj) {
    case FTL_PROJECTION_MAX:
    case FTL_PROJECTION_LSE:
        return -INFINITY;
    case FTL_PROJECTION_MIN:
        return INFINITY;
    case FTL_PROJECTION_PROD:
        return 1;
    default:
        return 0;
    }
}

double lower_outside(const lower_ctx *c, const ftl_tensor_decl *t)
{
    if (t->is_boolean || t->equations.len == 0)
        return 0;
    return lower_neutral(&c->m->equations.data[t->equations.data[0]]);
}

ftl_dtype lower_dtype(const lower_ctx *c, const ftl_tensor_decl *t)
{
    return t->is_boolean ? FTL_DTYPE_BOOL : c->options.storage;
}

ftl_value *lower_splat(lower_ctx *c, const ftl_tensor_decl *t, double x)
{
    return ftl_make_splat(lower_graph(c), lower_dtype(c, t), t->rank, t->extent, x);
}

ftl_value *lower_store(lower_ctx *c, const ftl_tensor_decl *t, ftl_value *v)
{
    if (!t->is_boolean && v->dtype >= FTL_DTYPE_U8 && v->dtype <= FTL_DTYPE_I64)
        return v;
    return ftl_make_cast(lower_graph(c), v, lower_dtype(c, t));
}

void lower_enter(lower_ctx *c, uint32_t equation)
{
    const ftl_equation *eq = &c->m->equations.data[equation];
    c->eq = eq;
    c->equation = equation + 1;
    ftl_graph_set_origin(lower_graph(c), c->equation, eq->span);
}

/* ---- placing a value over the left side ---- */

typedef struct left_side {
    uint32_t rank;               /* places that are not skipped */
    uint32_t axis[FTL_MAX_RANK]; /* UINT32_MAX: a constant */
    int64_t constant[FTL_MAX_RANK];
    int64_t extent[FTL_MAX_RANK]; /* of the tensor */
    uint32_t unique[FTL_MAX_RANK], n_unique;
    bool is_partial; /* constants: elements are left out */
    bool is_diagonal;
} left_side;

static void put_left(lower_ctx *c, left_side *s, const ftl_at_place *p, int64_t extent)
{
    uint32_t k = s->rank++;
    s->extent[k] = extent;
    s->axis[k] = UINT32_MAX;
    if (p->terms.len == 0) {
        s->constant[k] = p->offset;
        s->is_partial = true;
        return;
    }
    s->axis[k] = p->terms.data[0].axis;
    s->is_partial |= c->eq->axes.data[s->axis[k]].shift > 0;
    for (uint32_t q = 0; q < s->n_unique; q++) {
        if (s->unique[q] == s->axis[k]) {
            s->is_diagonal = true;
            return;
        }
    }
    s->unique[s->n_unique++] = s->axis[k];
}

static left_side read_left(lower_ctx *c, const ftl_equation *eq, uint64_t skip)
{
    left_side s = {0};
    const ftl_tensor_decl *t = &c->m->tensors.data[eq->tensor];
    for (uint32_t i = 0, stored = 0; i < eq->n_left; i++) {
        if (eq->left[i].form == FTL_AT_TIME)
            continue;
        if (!(skip >> stored & 1))
            put_left(c, &s, &eq->left[i], t->extent[stored]);
        stored++;
    }
    return s;
}

ftl_affine lower_one_term(lower_ctx *c, uint32_t dim, int64_t offset)
{
    ftl_affine a = {.n = 1, .offset = offset, .select = -1};
    a.dim = FTL_NEW(c->arena, uint32_t);
    a.coef = FTL_NEW(c->arena, int64_t);
    a.dim[0] = dim;
    a.coef[0] = 1;
    return a;
}

/* Keeps the elements where places that share an axis are equal. */
static ftl_value *keep_diagonal(lower_ctx *c, const left_side *s, ftl_value *v, double fill)
{
    ftl_graph *g = lower_graph(c);
    for (uint32_t k = 1; k < s->rank; k++) {
        for (uint32_t q = 0; q < k; q++) {
            if (s->axis[q] != s->axis[k] || s->axis[k] == UINT32_MAX)
                continue;
            int32_t from[FTL_MAX_RANK];
            ftl_value *place[2];
            for (int side = 0; side < 2; side++) {
                uint32_t dim = side ? k : q;
                for (uint32_t r = 0; r < s->rank; r++)
                    from[r] = r == dim ? 0 : -1;
                place[side] = ftl_make_broadcast(g, ftl_make_iota(g, FTL_DTYPE_I64, s->extent[dim]),
                                                 s->rank, s->extent, from);
            }
            v = ftl_make_select(g, ftl_make_map2(g, FTL_OP_EQ_, place[0], place[1]), v,
                                ftl_make_splat(g, v->dtype, v->rank, v->shape, fill));
            break;
        }
    }
    return v;
}

/* v over the unique axes -> over all places of the tensor. */
static ftl_value *spread(lower_ctx *c, const left_side *s, ftl_value *v, double fill)
{
    ftl_graph *g = lower_graph(c);
    bool fits = !s->is_partial && !s->is_diagonal;
    for (uint32_t k = 0; k < s->rank && fits; k++)
        fits = v->shape[k] == s->extent[k];
    if (fits)
        return v;
    /* An axis of extent 1 for each constant, then one view that moves it to its place. */
    int64_t wide[FTL_MAX_RANK];
    int32_t from[FTL_MAX_RANK];
    uint32_t n = s->n_unique;
    for (uint32_t q = 0; q < s->n_unique; q++) {
        wide[q] = v->shape[q];
        from[q] = (int32_t)q;
    }
    ftl_affine *map = FTL_NEW_ARRAY(c->arena, ftl_affine, FTL_MAX_RANK);
    for (uint32_t k = 0; k < s->rank; k++) {
        if (s->axis[k] == UINT32_MAX) {
            wide[n] = 1;
            from[n] = -1;
            map[n++] = lower_one_term(c, k, -s->constant[k]);
        } else {
            for (uint32_t q = 0; q < s->n_unique; q++)
                if (s->unique[q] == s->axis[k] && !map[q].dim)
                    map[q] = lower_one_term(c, k, 0);
        }
    }
    v = ftl_make_broadcast(g, v, n, wide, from);
    v = ftl_make_view(g, v, s->rank, s->extent, &(ftl_view){.map = map, .fill = fill});
    return s->is_diagonal ? keep_diagonal(c, s, v, fill) : v;
}

/* ---- the equation's value ---- */

static term head_value(lower_ctx *c, const ftl_equation *eq)
{
    const ftl_tensor_decl *t = &c->m->tensors.data[eq->tensor];
    term v = lower_expr(c, eq->value);
    if (!t->is_boolean) {
        bool whole = v.v->dtype >= FTL_DTYPE_U8 && v.v->dtype <= FTL_DTYPE_I64 &&
                     t->equations.len == 1 && !c->group;
        return whole ? v : lower_as_number(c, v);
    }
    if (v.v->dtype == FTL_DTYPE_BOOL)
        return v;
    return lower_map2(c, FTL_OP_LT_, lower_number(c, 0), lower_as_number(c, v));
}

/* A left index i+c defines the places from c on: neutral below. */
static ftl_value *keep_shifted(lower_ctx *c, const left_side *s, ftl_value *v, double fill)
{
    ftl_graph *g = lower_graph(c);
    for (uint32_t k = 0; k < s->n_unique; k++) {
        int64_t shift = c->eq->axes.data[s->unique[k]].shift;
        int32_t from[FTL_MAX_RANK];
        if (shift <= 0)
            continue;
        for (uint32_t q = 0; q < v->rank; q++)
            from[q] = q == k ? 0 : -1;
        ftl_value *place = ftl_make_iota(g, FTL_DTYPE_I64, v->shape[k]);
        ftl_value *first = ftl_make_splat(g, FTL_DTYPE_I64, 1, &v->shape[k], (double)shift);
        ftl_value *above = ftl_make_map2(g, FTL_OP_LE_, first, place);
        v = ftl_make_select(g, ftl_make_broadcast(g, above, v->rank, v->shape, from), v,
                            ftl_make_splat(g, v->dtype, v->rank, v->shape, fill));
    }
    return v;
}

ftl_value *lower_contribution(lower_ctx *c, const ftl_equation *eq, uint64_t skip)
{
    left_side s = read_left(c, eq, skip);
    double fill = c->m->tensors.data[eq->tensor].is_boolean ? 0 : lower_neutral(eq);
    term t = head_value(c, eq);
    t = lower_align(c, t, s.unique, s.n_unique);
    return spread(c, &s, keep_shifted(c, &s, t.v, fill), fill);
}

/* log(exp(a) + exp(b)) */
static ftl_value *log_add(lower_ctx *c, ftl_value *a, ftl_value *b)
{
    ftl_graph *g = lower_graph(c);
    ftl_value *top = ftl_make_map2(g, FTL_OP_MAX_, a, b);
    ftl_value *low = ftl_make_splat(g, top->dtype, top->rank, top->shape, -INFINITY);
    ftl_value *zero = ftl_make_splat(g, top->dtype, top->rank, top->shape, 0);
    ftl_value *base = ftl_make_select(g, ftl_make_map2(g, FTL_OP_LT_, low, top), top, zero);
    ftl_value *x = ftl_make_map1(g, FTL_OP_EXP_, ftl_make_map2(g, FTL_OP_SUB_, a, base));
    ftl_value *y = ftl_make_map1(g, FTL_OP_EXP_, ftl_make_map2(g, FTL_OP_SUB_, b, base));
    return ftl_make_map2(g, FTL_OP_ADD_,
                         ftl_make_map1(g, FTL_OP_LOG_, ftl_make_map2(g, FTL_OP_ADD_, x, y)), base);
}

static ftl_value *number_of(lower_ctx *c, ftl_value *v)
{
    return ftl_make_cast(lower_graph(c), v, c->options.compute);
}

ftl_value *lower_combine(lower_ctx *c, const ftl_equation *eq, ftl_value *a, ftl_value *b)
{
    ftl_graph *g = lower_graph(c);
    if (!a || !b)
        return a ? a : b;
    if (c->m->tensors.data[eq->tensor].is_boolean)
        return ftl_make_map2(g, FTL_OP_OR_, a, b);
    a = number_of(c, a);
    b = number_of(c, b);
    switch (eq->proj) {
    case FTL_PROJECTION_MAX:
        return ftl_make_map2(g, FTL_OP_MAX_, a, b);
    case FTL_PROJECTION_MIN:
        return ftl_make_map2(g, FTL_OP_MIN_, a, b);
    case FTL_PROJECTION_PROD:
        return ftl_make_map2(g, FTL_OP_MUL_, a, b);
    case FTL_PROJECTION_LSE:
        return log_add(c, a, b);
    default:
        return ftl_make_map2(g, FTL_OP_ADD_, a, b);
    }
}

/* ---- facts, and elements that nothing defines ---- */

ftl_value *lower_facts(lower_ctx *c, const ftl_tensor_decl *t)
{
    const ftl_source_info *f = t->facts;
    size_t count = 1;
    for (uint32_t k = 0; k < t->rank; k++)
        count *= (size_t)t->extent[k];
    uint8_t *data = FTL_NEW_ARRAY(c->arena, uint8_t, count + 1);
    for (int64_t i = 0; i < f->count; i++) {
        size_t at = 0;
        for (uint32_t k = 0; k < t->rank; k++)
            at = at * (size_t)t->extent[k] + (size_t)f->columns[k][i];
        data[at] = 1;
    }
    return ftl_make_const(lower_graph(c), FTL_DTYPE_BOOL, t->rank, t->extent, data);
}

/* Under max= and kin: 0 where no equation's constants on the left reach. */
static ftl_value *clear_undefined(lower_ctx *c, const ftl_tensor_decl *t, ftl_value *v)
{
    ftl_graph *g = lower_graph(c);
    ftl_value *covered = NULL;
    for (size_t i = 0; i < t->equations.len; i++) {
        lower_enter(c, t->equations.data[i]);
        left_side s = read_left(c, c->eq, 0);
        if (!s.is_partial && !s.is_diagonal)
            return v;
        int64_t shape[FTL_MAX_RANK];
        for (uint32_t q = 0; q < s.n_unique; q++)
            shape[q] = lower_extent(c, s.unique[q]);
        ftl_value *mine = ftl_make_splat(g, FTL_DTYPE_BOOL, s.n_unique, shape, 1);
        mine = spread(c, &s, keep_shifted(c, &s, mine, 0), 0);
        covered = covered ? ftl_make_map2(g, FTL_OP_OR_, covered, mine) : mine;
    }
    return ftl_make_select(g, covered, v, ftl_make_splat(g, v->dtype, v->rank, v->shape, 0));
}

/* ---- tensors that are not recursive ---- */

static ftl_value *external(lower_ctx *c, const ftl_tensor_decl *t)
{
    ftl_graph *g = lower_graph(c);
    if (t->source->is_tuples) {
        ftl_dtype dtype =
            t->source->has_values && !t->is_boolean ? c->options.compute : FTL_DTYPE_BOOL;
        return ftl_make_input(g, t->name, dtype, t->rank, t->extent);
    }
    bool is_bool = t->source->dtype == FTL_DTYPE_BOOL;
    ftl_value *v = ftl_make_input(g, t->name, is_bool ? FTL_DTYPE_U8 : t->source->dtype,
                                  t->source->rank, t->source->shape);
    if (is_bool) /* bytes from outside: true is any but 0 */
        return ftl_make_cast(g, v, FTL_DTYPE_BOOL);
    if (t->is_boolean && v->dtype != FTL_DTYPE_BOOL)
        return ftl_make_map2(g, FTL_OP_LT_, ftl_make_splat(g, v->dtype, v->rank, v->shape, 0), v);
    if (v->dtype == FTL_DTYPE_F64 || v->dtype == FTL_DTYPE_F32)
        return ftl_make_cast(g, v, c->options.storage);
    return v;
}

void lower_single(lower_ctx *c, uint32_t tensor)
{
    const ftl_tensor_decl *t = &c->m->tensors.data[tensor];
    ftl_value *v = NULL;
    if (c->tensor[tensor])
        return;
    ftl_graph_set_origin(lower_graph(c), 0, t->span);
    if (t->origin == FTL_ORIGIN_SOURCE || t->origin == FTL_ORIGIN_INPUT)
        v = external(c, t);
    if (t->facts->count > 0) {
        ftl_value *facts = lower_facts(c, t);
        v = v ? ftl_make_map2(lower_graph(c), FTL_OP_OR_, v, facts) : facts;
    }
    for (size_t i = 0; i < t->equations.len; i++) {
        lower_enter(c, t->equations.data[i]);
        v = lower_combine(c, c->eq, v, lower_contribution(c, c->eq, 0));
    }
    if (t->equations.len && lower_neutral(c->eq) != 0 && !t->is_boolean)
        v = clear_undefined(c, t, v);
    if (!v)
        v = lower_splat(c, t, 0);
    c->tensor[tensor] = t->equations.len ? lower_store(c, t, v) : v;
}
