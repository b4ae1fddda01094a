/* SPDX-License-Identifier: Apache-2.0
 *
 * Compositions that one kernel computes: GELU in both forms,
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
