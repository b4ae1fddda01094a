/* SPDX-License-Identifier: Apache-2.0
 *
 * Compositions that one kernel computes: a * b + c; the sums of exp(x - m), of (x - m)^2 and of
 * products along a row; and GELU in both forms,
 *
 *   x (1 + tanh(sqrt(2/pi) (x + 0.044715 x x x)))     twice the tanh form
 *   x (1 + erf(x / sqrt 2))                           twice the erf form
 *
 * each with or without the factor 1/2 on its outer x. Factors and summands come in any order. Only
 * f32 and f64: narrower values are rounded between the steps.
 */
#include "backend/native/code.h"

#include <math.h>

static const double INV_SQRT_2 = 0.70710678118654752, SQRT_2_PI = 0.79788456080286536;
static const double CUBE = 0.044715;

typedef struct pair {
    uint32_t a, b;
} pair;

static bool split(const ftl_nest_builder *b, uint32_t node, ftl_opcode op, pair *out)
{
    const ftl_nest_node *n = &b->nest->nodes.data[node];
    if (n->is_read || n->value->op != op || n->n_in == 0 || n->n_in > 2)
        return false;
    *out = (pair){n->in[0], n->in[n->n_in - 1]};
    return true;
}

static bool is_number(const ftl_nest_builder *b, uint32_t node, double x)
{
    const ftl_value *v = b->nest->nodes.data[node].value;
    if (b->nest->nodes.data[node].is_read || v->op != FTL_OP_CONST_)
        return false;
    double y = v->dtype == FTL_DTYPE_F32   ? (double)*(const float *)v->u.data
               : v->dtype == FTL_DTYPE_F64 ? *(const double *)v->u.data
                                           : NAN;
    return fabs(y - x) <= 1e-6 * fabs(x);
}

/* node = rest (op) x */
static bool split_number(const ftl_nest_builder *b, uint32_t node, ftl_opcode op, double x,
                         uint32_t *rest)
{
    pair p;
    if (!split(b, node, op, &p) || (!is_number(b, p.a, x) && !is_number(b, p.b, x)))
        return false;
    *rest = is_number(b, p.a, x) ? p.b : p.a;
    return true;
}

/* node = rest (op) x */
static bool split_node(const ftl_nest_builder *b, uint32_t node, ftl_opcode op, uint32_t x,
                       uint32_t *rest)
{
    pair p;
    if (!split(b, node, op, &p) || (p.a != x && p.b != x))
        return false;
    *rest = p.a == x ? p.b : p.a;
    return true;
}

static bool is_square(const ftl_nest_builder *b, uint32_t node, uint32_t x)
{
    uint32_t rest;
    return split_node(b, node, FTL_OP_MUL_, x, &rest) && rest == x;
}

/* node = 1 + tanh(...) or 1 + erf(...) of x */
static bool is_gate(const ftl_nest_builder *b, uint32_t node, uint32_t x, ftl_map1 *map)
{
    pair p;
    uint32_t f, s;
    if (!split_number(b, node, FTL_OP_ADD_, 1, &f))
        return false;
    if (split(b, f, FTL_OP_ERF_, &p)) {
        *map = FTL_MAP1_GELU_ERF;
        return split_number(b, p.a, FTL_OP_MUL_, INV_SQRT_2, &s) && s == x;
    }
    *map = FTL_MAP1_GELU;
    return split(b, f, FTL_OP_TANH_, &p) &&
           split_number(b, p.a, FTL_OP_MUL_, SQRT_2_PI, &s) &&
           split_node(b, s, FTL_OP_ADD_, x, &s) && split_number(b, s, FTL_OP_MUL_, CUBE, &s) &&
           split_node(b, s, FTL_OP_MUL_, x, &s) && is_square(b, s, x);
}

/* node = gate * h, where h is x or x / 2 */
static bool find_gelu(const ftl_nest_builder *b, uint32_t gate, uint32_t h, ftl_code_idiom *out)
{
    out->x = h;
    out->is_double = true;
    if (is_gate(b, gate, h, &out->map))
        return true;
    out->is_double = false;
    return split_number(b, h, FTL_OP_MUL_, 0.5, &out->x) && is_gate(b, gate, out->x, &out->map);
}

bool ftl_code_find_idiom(const ftl_nest_builder *b, uint32_t node, ftl_code_idiom *out)
{
    pair p;
    ftl_dtype dtype = b->nest->nodes.data[node].value->dtype;
    if (dtype != FTL_DTYPE_F32 && dtype != FTL_DTYPE_F64)
        return false;
    return split(b, node, FTL_OP_MUL_, &p) &&
           (find_gelu(b, p.a, p.b, out) || find_gelu(b, p.b, p.a, out));
}

/* True when nothing holds the node's value and nothing outside of the nest wants it. */
static bool is_free(const ftl_nest_builder *b, uint32_t node)
{
    return b->value[node] < 0 && !b->nest->nodes.data[node].is_root;
}

static bool is_along_row(const ftl_nest_builder *b, uint32_t node)
{
    return (b->mask[node] & b->reduced) != 0;
}

/* node = a - shift */
static bool find_shifted(const ftl_nest_builder *b, uint32_t node, ftl_code_sum *out)
{
    pair p;
    if (!is_free(b, node) || !split(b, node, FTL_OP_SUB_, &p) || !is_along_row(b, p.a) ||
        is_along_row(b, p.b))
        return false;
    out->a = p.a;
    out->shift = p.b;
    return true;
}

ftl_code_sum ftl_code_find_sum(const ftl_nest_builder *b, uint32_t node)
{
    const ftl_nest_node *n = &b->nest->nodes.data[node];
    ftl_code_sum out = {.kind = FTL_CODE_SUM_NONE};
    if (!b->program->cols_reduced || n->value->op != FTL_OP_REDUCE_ ||
        n->value->u.reduce.kind != FTL_REDUCE_SUM)
        return out;
    uint32_t x = n->in[0];
    ftl_dtype dtype = b->nest->nodes.data[x].value->dtype;
    pair p;
    if ((dtype != FTL_DTYPE_F32 && dtype != FTL_DTYPE_F64) || !is_free(b, x))
        return out;
    if (split(b, x, FTL_OP_EXP_, &p) && find_shifted(b, p.a, &out)) {
        out.kind = FTL_CODE_SUM_EXP;
        out.exp = x;
    } else if (split(b, x, FTL_OP_MUL_, &p) && is_along_row(b, p.a) && is_along_row(b, p.b)) {
        out.kind = FTL_CODE_SUM_DOT;
        if (p.a == p.b && find_shifted(b, p.a, &out))
            out.kind = FTL_CODE_SUM_DEVIATION;
        else
            out.a = p.a, out.other = p.b;
    }
    return out;
}

static uint32_t count_uses(const ftl_nest_builder *b, uint32_t node)
{
    uint32_t n = 0;
    for (size_t i = 0; i < b->nest->nodes.len; i++)
        for (uint32_t k = 0; k < b->nest->nodes.data[i].n_in; k++)
            n += b->nest->nodes.data[i].in[k] == node;
    return n;
}

bool ftl_code_find_fma(const ftl_nest_builder *b, uint32_t node, ftl_code_fma *out)
{
    ftl_dtype dtype = b->nest->nodes.data[node].value->dtype;
    pair sum, product;
    if ((dtype != FTL_DTYPE_F32 && dtype != FTL_DTYPE_F64) || !split(b, node, FTL_OP_ADD_, &sum) ||
        sum.a == sum.b)
        return false;
    for (int side = 0; side < 2; side++) {
        uint32_t x = side ? sum.b : sum.a;
        ftl_code_idiom whole;
        if (!is_free(b, x) || !split(b, x, FTL_OP_MUL_, &product) || count_uses(b, x) != 1 ||
            b->mask[x] != b->mask[node] || ftl_code_find_idiom(b, x, &whole))
            continue;
        bool is_turned = b->mask[product.a] != b->mask[node]; /* kernels want the first to move */
        *out = (ftl_code_fma){is_turned ? product.b : product.a, is_turned ? product.a : product.b,
                              side ? sum.a : sum.b};
        return b->mask[out->a] == b->mask[node];
    }
    return false;
}
