/* SPDX-License-Identifier: Apache-2.0
 *
 * Products under a sum become one contraction. A sum (of products, or a contraction) is read as a
 * list of factors, each with a label for every axis. Then, until nothing changes, a factor that is
 *
 *   a view that orders, repeats or drops axes   gives way to what it views, with those labels,
 *   a product with a broadcast or a constant    to its two factors, if the sum is its only use,
 *   a contraction                               to its factors, likewise,
 *   -x                                          to x, and the sign goes outside,
 *   a constant of equal elements                to nothing, and the constant goes outside.
 *
 * A label that no factor has any more counts its extent if it is summed, else the result is
 * repeated along it. Scalars multiply the result, where the planner fuses them. On bool, sums are
 * OR and products AND.
 */
#include "plan/pass.h"

#include "base/dtype.h"

/* Contractions join while the planner tries all orders of them; chains of thousands stay linear. */
enum { MOST_FACTORS = 64, MOST_JOINED = 8, DEEPEST_PRODUCT = 4 };

typedef struct factor {
    ftl_value *v;
    uint32_t *labels;
} factor;

typedef struct product {
    ftl_rewriter *r;
    const ftl_value *sum;        /* what is replaced */
    FTL_VEC(factor) factors;     /* v is null once a factor has given way to nothing */
    FTL_VEC(int64_t) extents;    /* by label */
    uint32_t out[FTL_MAX_RANK];  /* labels of the result */
    double scale;
    bool is_bool;
} product;

static uint32_t add_label(product *p, int64_t extent)
{
    *FTL_VEC_PUSH(p->r->arena, &p->extents) = extent;
    return (uint32_t)p->extents.len - 1;
}

static factor *add_factor(product *p, ftl_value *v)
{
    factor *f = FTL_VEC_PUSH(p->r->arena, &p->factors);
    *f = (factor){v, FTL_NEW_ARRAY(p->r->arena, uint32_t, v->rank)};
    return f;
}

/* ---- reading ---- */

static void read_contract(product *p, const ftl_value *v)
{
    const ftl_contract *c = v->u.contract;
    for (uint32_t label = 0; label < c->n_labels; label++)
        add_label(p, c->extent[label]);
    for (uint32_t i = 0; i < v->n_in; i++)
        memcpy(add_factor(p, v->in[i])->labels, c->in[i], v->in[i]->rank * sizeof(uint32_t));
    memcpy(p->out, c->out, v->rank * sizeof(*p->out));
}

static void read_reduce(product *p, const ftl_value *v)
{
    ftl_value *a = v->in[0];
    const factor *f = add_factor(p, a);
    for (uint32_t k = 0, j = 0; k < a->rank; k++) {
        f->labels[k] = add_label(p, a->shape[k]);
        if (!(v->u.reduce.axes >> k & 1))
            p->out[j++] = f->labels[k];
    }
}

/* ---- taking in ---- */

static bool take_view(product *p, size_t i)
{
    uint32_t dim[FTL_MAX_RANK];
    ftl_value *v = p->factors.data[i].v;
    if (!ftl_view_get_dims(v, dim))
        return false;
    ftl_value *x = v->in[0];
    uint32_t *labels = FTL_NEW_ARRAY(p->r->arena, uint32_t, x->rank);
    for (uint32_t k = 0; k < x->rank; k++)
        labels[k] = dim[k] == UINT32_MAX ? add_label(p, 1) : p->factors.data[i].labels[dim[k]];
    p->factors.data[i] = (factor){x, labels};
    return true;
}

/* True when v repeats something along an axis, or is a constant. */
static bool is_smaller(const ftl_value *v)
{
    uint32_t dim[FTL_MAX_RANK];
    double x = 0;
    if (ftl_value_is_splat(v, &x))
        return true;
    return ftl_view_get_dims(v, dim) && ftl_value_get_count(v->in[0]) < ftl_value_get_count(v);
}

static bool is_product(const product *p, const ftl_value *v)
{
    return v->op == (p->is_bool ? FTL_OP_AND_ : FTL_OP_MUL_) &&
           ftl_rewrite_get_uses(p->r, v) == 1;
}

/* True when some factor of a product is smaller than it, or a contraction. */
static bool is_worth(const product *p, const ftl_value *v, int depth)
{
    for (uint32_t i = 0; i < 2; i++) {
        const ftl_value *a = v->in[i];
        bool contracts = a->op == FTL_OP_CONTRACT_ && ftl_rewrite_get_uses(p->r, a) == 1;
        if (is_smaller(a) || contracts)
            return true;
        if (depth > 1 && is_product(p, a) && is_worth(p, a, depth - 1))
            return true;
    }
    return false;
}

static bool take_product(product *p, size_t i)
{
    ftl_value *v = p->factors.data[i].v;
    const uint32_t *labels = p->factors.data[i].labels;
    if (!is_product(p, v) || !is_worth(p, v, DEEPEST_PRODUCT))
        return false;
    p->factors.data[i].v = v->in[0];
    memcpy(add_factor(p, v->in[1])->labels, labels, v->rank * sizeof(*labels));
    return true;
}

/* Labels of the inner contraction: its result's are the factor's, the others are new. */
static bool take_contract(product *p, size_t i)
{
    ftl_value *v = p->factors.data[i].v;
    const uint32_t *labels = p->factors.data[i].labels;
    if (v->op != FTL_OP_CONTRACT_ || ftl_rewrite_get_uses(p->r, v) > 1 ||
        p->factors.len - 1 + v->n_in > MOST_JOINED)
        return false;
    const ftl_contract *c = v->u.contract;
    uint32_t *now = FTL_NEW_ARRAY(p->r->arena, uint32_t, c->n_labels);
    memset(now, 0xff, c->n_labels * sizeof(*now));
    for (uint32_t k = 0; k < v->rank; k++)
        now[c->out[k]] = labels[k];
    for (uint32_t label = 0; label < c->n_labels; label++)
        if (now[label] == UINT32_MAX)
            now[label] = add_label(p, c->extent[label]);
    for (uint32_t j = 0; j < v->n_in; j++) {
        const factor *f = add_factor(p, v->in[j]);
        for (uint32_t k = 0; k < v->in[j]->rank; k++)
            f->labels[k] = now[c->in[j][k]];
    }
    p->factors.data[i] = p->factors.data[--p->factors.len];
    return true;
}

static bool take_scale(product *p, size_t i)
{
    factor *f = &p->factors.data[i];
    double x = 0;
    if (!f->v || p->factors.len > MOST_FACTORS)
        return false;
    if (ftl_value_is_splat(f->v, &x)) {
        p->scale *= x;
        f->v = NULL;
        return true;
    }
    if (f->v->op != FTL_OP_NEG_)
        return false;
    p->scale = -p->scale;
    f->v = f->v->in[0];
    return true;
}

static bool take_in(product *p)
{
    bool changed = false;
    for (size_t i = 0; i < p->factors.len; i++)
        while (p->factors.len <= MOST_FACTORS && p->factors.data[i].v &&
               (take_view(p, i) || take_scale(p, i) || take_product(p, i) || take_contract(p, i)))
            changed = true;
    return changed;
}

/* ---- building ---- */

static ftl_value *multiply(const product *p, ftl_value *a, ftl_value *b)
{
    return ftl_make_map2(p->r->graph, p->is_bool ? FTL_OP_AND_ : FTL_OP_MUL_, a, b);
}

/* Keeps factors with axes; gives the product of those without, or null. */
static ftl_value *take_scalars(product *p)
{
    ftl_value *scalar = NULL;
    size_t n = 0;
    for (size_t i = 0; i < p->factors.len; i++) {
        ftl_value *v = p->factors.data[i].v;
        if (v && v->rank > 0)
            p->factors.data[n++] = p->factors.data[i];
        else if (v)
            scalar = scalar ? multiply(p, scalar, v) : v;
    }
    p->factors.len = n;
    return scalar;
}

/* Which labels some factor has. Lost summed labels go into the scale. */
static uint8_t *find_held(product *p)
{
    uint8_t *held = FTL_NEW_ARRAY(p->r->arena, uint8_t, p->extents.len);
    uint8_t *kept = FTL_NEW_ARRAY(p->r->arena, uint8_t, p->extents.len);
    for (size_t i = 0; i < p->factors.len; i++)
        for (uint32_t k = 0; k < p->factors.data[i].v->rank; k++)
            held[p->factors.data[i].labels[k]] = 1;
    for (uint32_t k = 0; k < p->sum->rank; k++)
        kept[p->out[k]] = 1;
    for (size_t label = 0; label < p->extents.len; label++)
        if (!held[label] && !kept[label])
            p->scale *= (double)p->extents.data[label];
    return held;
}

/* The contraction of the factors, at least one; n_out labels of out. */
static ftl_value *build_core(const product *p, uint32_t n_out, uint32_t *out)
{
    uint32_t n = (uint32_t)p->factors.len;
    uint32_t **in = FTL_NEW_ARRAY(p->r->arena, uint32_t *, n);
    ftl_value **a = FTL_NEW_ARRAY(p->r->arena, ftl_value *, n);
    for (uint32_t i = 0; i < n; i++) {
        in[i] = p->factors.data[i].labels;
        a[i] = p->factors.data[i].v;
    }
    return ftl_make_contract(p->r->graph, n, a, &(ftl_contract){.in = in, .out = out}, n_out);
}

/* Multiplies with the scale and the scalar. */
static ftl_value *build_scaled(const product *p, ftl_value *core, ftl_value *scalar)
{
    ftl_graph *g = p->r->graph;
    double scale = p->is_bool ? p->scale != 0 : p->scale;
    if (scale != 1 && scalar)
        scalar = multiply(p, scalar, ftl_make_splat_like(g, scalar, scale));
    else if (scale != 1)
        return multiply(p, core, ftl_make_splat_like(g, core, scale));
    if (!scalar)
        return core;
    int32_t from[FTL_MAX_RANK];
    for (uint32_t k = 0; k < core->rank; k++)
        from[k] = -1;
    return multiply(p, core, ftl_make_broadcast(g, scalar, core->rank, core->shape, from));
}

/* True when a summed label has no places: the sum is that of nothing. */
static bool is_empty(const product *p)
{
    bool empty = false;
    for (size_t label = 0; label < p->extents.len; label++)
        empty = empty || p->extents.data[label] == 0;
    return empty;
}

/* Whole numbers wrap; a scale that is no number of the dtype would saturate instead. */
static bool is_scale_exact(const product *p)
{
    bool wide = p->sum->dtype == FTL_DTYPE_I64 || p->sum->dtype == FTL_DTYPE_I32;
    double largest = wide ? 0x1p31 : 128;
    return !ftl_dtype_is_whole(p->sum->dtype) || (p->scale >= 0 && p->scale < largest);
}

/* What stands for the sum; null when it has to stay. */
static ftl_value *build(product *p)
{
    ftl_graph *g = p->r->graph;
    uint32_t out[FTL_MAX_RANK], n_out = 0;
    int32_t from[FTL_MAX_RANK];
    if (is_empty(p))
        return ftl_make_splat_like(g, p->sum, 0);
    ftl_value *scalar = take_scalars(p);
    const uint8_t *held = find_held(p);
    if (!is_scale_exact(p))
        return NULL;
    for (uint32_t k = 0; k < p->sum->rank; k++) {
        from[k] = held[p->out[k]] ? (int32_t)n_out : -1;
        if (held[p->out[k]])
            out[n_out++] = p->out[k];
    }
    ftl_value *core;
    if (p->factors.len > 0)
        core = build_scaled(p, build_core(p, n_out, out), scalar);
    else if (scalar)
        core = build_scaled(&(product){.r = p->r, .is_bool = p->is_bool, .scale = 1}, scalar,
                            p->scale == 1 ? NULL : ftl_make_splat_like(g, scalar, p->scale));
    else
        core = ftl_make_splat(g, p->sum->dtype, 0, NULL, p->scale);
    return ftl_make_broadcast(g, core, p->sum->rank, p->sum->shape, from);
}

static bool is_sum(const ftl_value *v)
{
    return v->op == FTL_OP_CONTRACT_ ||
           (v->op == FTL_OP_REDUCE_ &&
            (v->u.reduce.kind == FTL_REDUCE_SUM || v->u.reduce.kind == FTL_REDUCE_ANY));
}

static ftl_value *form_value(ftl_rewriter *r, ftl_value *v)
{
    if (!is_sum(v))
        return v;
    product p = {.r = r, .sum = v, .scale = 1, .is_bool = v->dtype == FTL_DTYPE_BOOL};
    if (v->op == FTL_OP_CONTRACT_)
        read_contract(&p, v);
    else
        read_reduce(&p, v);
    ftl_value *built = take_in(&p) ? build(&p) : NULL;
    return built ? built : v;
}

void ftl_pass_form(ftl_graph *g, const ftl_pass_options *options)
{
    ftl_rewrite_graph(g, options, &(ftl_rewrite_pass){.rewrite = form_value});
    ftl_pass_drop_dead(g, options);
}
