/* SPDX-License-Identifier: Apache-2.0
 *
 * What the builtins mean, as compositions of core operations. Formulas stand above their functions.
 */
#include "lower/context.h"

#include <math.h>

static term num(lower_ctx *c, double x)
{
    return lower_number(c, x);
}

static term mul(lower_ctx *c, term a, term b)
{
    return lower_map2(c, FTL_OP_MUL_, a, b);
}

static term add(lower_ctx *c, term a, term b)
{
    return lower_map2(c, FTL_OP_ADD_, a, b);
}

static term sub(lower_ctx *c, term a, term b)
{
    return lower_map2(c, FTL_OP_SUB_, a, b);
}

static term quotient(lower_ctx *c, term a, term b)
{
    return lower_map2(c, FTL_OP_DIV_, a, b);
}

static term sum_axis(lower_ctx *c, term a, uint32_t axis)
{
    return lower_reduce(c, FTL_REDUCE_SUM, a, &axis, 1);
}

static term max_axis(lower_ctx *c, term a, uint32_t axis)
{
    return lower_reduce(c, FTL_REDUCE_MAX, a, &axis, 1);
}

/* The argument with the axis present: an argument without it is the same at all its places. */
static term with_axis(lower_ctx *c, term t, uint32_t axis)
{
    uint32_t axes[FTL_MAX_RANK], n = t.v->rank;
    if (lower_has_axis(&t, axis) || n == FTL_MAX_RANK)
        return t;
    memcpy(axes, t.axes, n * sizeof(*axes));
    axes[n] = axis;
    return lower_align(c, t, axes, n + 1);
}

static term argument(lower_ctx *c, const ftl_expr *e, size_t i)
{
    return lower_as_number(c, lower_expr(c, e->args.data[i]));
}

/* ---- element by element ---- */

/* x > 0 */
static term step(lower_ctx *c, term x)
{
    return lower_map2(c, FTL_OP_LT_, num(c, 0), x);
}

/* 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))); Hendrycks and Gimpel 2016 */
static term gelu(lower_ctx *c, term x)
{
    term cube = mul(c, mul(c, x, x), x);
    term inner = add(c, x, mul(c, cube, num(c, 0.044715)));
    term t = lower_map1(c, FTL_OP_TANH_, mul(c, inner, num(c, 0.7978845608028654)));
    return mul(c, mul(c, x, num(c, 0.5)), add(c, t, num(c, 1)));
}

/* 0.5 x (1 + erf(x / sqrt 2)) */
static term gelu_exact(lower_ctx *c, term x)
{
    term t = lower_map1(c, FTL_OP_ERF_, mul(c, x, num(c, 0.7071067811865476)));
    return mul(c, mul(c, x, num(c, 0.5)), add(c, t, num(c, 1)));
}

/* With u = sqrt(2/pi) (x + a x^3), t = tanh u: 0.5 (1 + t) + 0.5 x (1 - t^2) sqrt(2/pi) (1 + 3 a
 * x^2) */
static term gelu_grad(lower_ctx *c, term x)
{
    term square = mul(c, x, x);
    term u =
        mul(c, add(c, x, mul(c, mul(c, square, x), num(c, 0.044715))), num(c, 0.7978845608028654));
    term t = lower_map1(c, FTL_OP_TANH_, u);
    term slope =
        mul(c, add(c, num(c, 1), mul(c, square, num(c, 3 * 0.044715))), num(c, 0.7978845608028654));
    term left = mul(c, add(c, t, num(c, 1)), num(c, 0.5));
    term right = mul(c, mul(c, mul(c, x, num(c, 0.5)), sub(c, num(c, 1), mul(c, t, t))), slope);
    return add(c, left, right);
}

/* Whole numbers truncate: x - 2 (x / 2) is 0 for even x. */
static term whole_parity(lower_ctx *c, term x, double want)
{
    ftl_graph *g = lower_graph(c);
    term two = {.v = ftl_make_splat(g, FTL_DTYPE_I64, 0, NULL, 2), .depth = c->depth};
    term zero = {.v = ftl_make_splat(g, FTL_DTYPE_I64, 0, NULL, 0), .depth = c->depth};
    term rest = sub(c, x, mul(c, lower_map2(c, FTL_OP_DIV_, x, two), two));
    return lower_map2(c, want == 0 ? FTL_OP_EQ_ : FTL_OP_NE_, rest, zero);
}

/* x - 2 floor(x / 2) is 0 for even x, 1 for odd x */
static term parity(lower_ctx *c, const ftl_expr *e, double want)
{
    const ftl_expr *of = e->args.data[0];
    if (lower_is_whole(c, of) && lower_is_beyond_float(c, of))
        return whole_parity(c, lower_whole(c, of), want);
    term x = argument(c, e, 0);
    term half = lower_map1(c, FTL_OP_FLOOR_, mul(c, x, num(c, 0.5)));
    return lower_map2(c, FTL_OP_EQ_, sub(c, x, mul(c, half, num(c, 2))), num(c, want));
}

/* ---- sig: temperatures from the call, the run, or none ---- */

static double schedule_start(const ftl_temperature *t, bool settled)
{
    switch (t->kind) {
    case FTL_SCHEDULE_CONSTANT:
        return t->start;
    case FTL_SCHEDULE_LINEAR:
        return settled || t->steps <= 0 ? t->end : t->start;
    case FTL_SCHEDULE_PIECEWISE:
        break;
    }
    double value = t->n_points ? t->value[0] : 0;
    for (size_t i = 0; i < t->n_points; i++)
        if (settled || t->at[i] <= 0)
            value = t->value[i];
    return value;
}

/* The schedule of the tensor, else of `*`; null when there is none. */
static const ftl_temperature *find_schedule(const lower_ctx *c, const char *head)
{
    const ftl_temperature *star = NULL;
    for (size_t i = 0; i < c->options.n_temperatures; i++) {
        const ftl_temperature *t = &c->options.temperatures[i];
        if (strcmp(t->name, head) == 0)
            return t;
        if (strcmp(t->name, "*") == 0)
            star = t;
    }
    return star;
}

/* logistic(x / T); T = 0: x > 0 */
static term sig(lower_ctx *c, const ftl_expr *e)
{
    term x = argument(c, e, 0), t;
    if (e->call->temperature && e->call->temperature->kind != FTL_EXPR_NUMBER) {
        t = lower_as_number(c, lower_expr(c, e->call->temperature));
        term cold = lower_map2(c, FTL_OP_EQ_, t, num(c, 0));
        term warm = lower_map1(c, FTL_OP_LOGISTIC_, quotient(c, x, t));
        return lower_select(c, cold, lower_as_number(c, step(c, x)), warm);
    }
    const ftl_temperature *schedule = find_schedule(c, e->call->head);
    double value = e->call->temperature ? e->call->temperature->number
                   : schedule           ? schedule_start(schedule, c->options.settle)
                                        : 0;
    if (value == 0)
        return step(c, x);
    return lower_map1(c, FTL_OP_LOGISTIC_, value == 1 ? x : quotient(c, x, num(c, value)));
}

/* ---- along an axis ---- */

/* exp(x - max) / sum */
term lower_softmax(lower_ctx *c, term x, uint32_t axis)
{
    term y = lower_map1(c, FTL_OP_EXP_, sub(c, x, max_axis(c, x, axis)));
    return quotient(c, y, sum_axis(c, y, axis));
}

/* softmax over the places where the mask holds; a row without any is 0 */
term lower_masked_softmax(lower_ctx *c, term x, term mask, uint32_t axis)
{
    term hidden = lower_select(c, mask, x, num(c, -INFINITY));
    term top = max_axis(c, hidden, axis);
    term any = lower_map2(c, FTL_OP_LT_, num(c, -INFINITY), top);
    term base = lower_select(c, any, top, num(c, 0));
    term y = lower_map1(c, FTL_OP_EXP_, sub(c, hidden, base));
    term sum = sum_axis(c, y, axis);
    return quotient(c, y, lower_select(c, any, sum, num(c, 1)));
}

static term masked_softmax(lower_ctx *c, const ftl_expr *e, term x, uint32_t axis)
{
    if (!e->call->mask)
        return lower_softmax(c, x, axis);
    term mask = lower_as_truth(c, lower_expr(c, e->call->mask));
    if (!e->call->has_fill)
        return lower_masked_softmax(c, x, mask, axis);
    term y = lower_softmax(c, lower_select(c, mask, x, num(c, e->call->fill)), axis);
    return lower_select(c, mask, y, num(c, 0));
}

/* x - max - log(sum(exp(x - max))) */
static term log_softmax(lower_ctx *c, term x, uint32_t axis)
{
    term moved = sub(c, x, max_axis(c, x, axis));
    term sum = sum_axis(c, lower_map1(c, FTL_OP_EXP_, moved), axis);
    return sub(c, moved, lower_map1(c, FTL_OP_LOG_, sum));
}

static term mean_axis(lower_ctx *c, term x, uint32_t axis)
{
    return quotient(c, sum_axis(c, x, axis), num(c, (double)lower_extent(c, axis)));
}

/* (x - mean) / sqrt(mean((x - mean)^2) + eps) */
static term layernorm(lower_ctx *c, term x, uint32_t axis, double eps)
{
    term moved = sub(c, x, mean_axis(c, x, axis));
    term var = mean_axis(c, mul(c, moved, moved), axis);
    return quotient(c, moved, lower_map1(c, FTL_OP_SQRT_, add(c, var, num(c, eps))));
}

/* x / sqrt(mean(x^2) + eps) */
static term rmsnorm(lower_ctx *c, term x, uint32_t axis, double eps)
{
    term square = mean_axis(c, mul(c, x, x), axis);
    return quotient(c, x, lower_map1(c, FTL_OP_SQRT_, add(c, square, num(c, eps))));
}

/* p (g - sum(p g)) */
static term softmax_grad(lower_ctx *c, term p, term g, uint32_t axis)
{
    return mul(c, p, sub(c, g, sum_axis(c, mul(c, p, g), axis)));
}

static term argmax(lower_ctx *c, term x, uint32_t axis)
{
    uint32_t at = lower_find_axis(&x, axis);
    x.v = ftl_make_argmax(lower_graph(c), x.v, at);
    for (uint32_t k = at; k < x.v->rank; k++)
        x.axes[k] = x.axes[k + 1];
    return x;
}

static term call_norm(lower_ctx *c, const ftl_expr *e)
{
    uint32_t axis = e->call->axis;
    term x = with_axis(c, argument(c, e, 0), axis);
    switch (e->builtin) {
    case FTL_BUILTIN_SOFTMAX:
        return lower_softmax(c, x, axis);
    case FTL_BUILTIN_MASKED_SOFTMAX:
        return masked_softmax(c, e, x, axis);
    case FTL_BUILTIN_LOG_SOFTMAX:
        return log_softmax(c, x, axis);
    case FTL_BUILTIN_RMSNORM:
        return rmsnorm(c, x, axis, e->call->eps);
    case FTL_BUILTIN_SOFTMAX_GRAD:
        return softmax_grad(c, x, argument(c, e, 1), axis);
    case FTL_BUILTIN_LNORM:
        return layernorm(c, x, axis, 1e-5);
    default:
        return layernorm(c, x, axis, e->call->eps);
    }
}

static term call_fold(lower_ctx *c, const ftl_expr *e)
{
    uint32_t axis = e->call->axis;
    term x = with_axis(c, argument(c, e, 0), axis);
    switch (e->builtin) {
    case FTL_BUILTIN_SUM:
        return sum_axis(c, x, axis);
    case FTL_BUILTIN_MEAN:
        return mean_axis(c, x, axis);
    case FTL_BUILTIN_AMIN:
        return lower_reduce(c, FTL_REDUCE_MIN, x, &axis, 1);
    case FTL_BUILTIN_ARGMAX:
        return argmax(c, x, axis);
    default:
        return max_axis(c, x, axis);
    }
}

/* ---- joining ---- */

/* Arguments one after the other along the axis that the call makes. */
static term concat(lower_ctx *c, const ftl_expr *e)
{
    const ftl_call *call = e->call;
    ftl_value **parts = FTL_NEW_ARRAY(c->arena, ftl_value *, e->args.len);
    uint32_t axes[FTL_MAX_RANK];
    term r = {.depth = c->depth};
    for (uint32_t i = 0; i < e->args.len; i++) {
        term t = with_axis(c, argument(c, e, i), call->part_axes[i]);
        if (i == 0)
            r = t;
        memcpy(axes, r.axes, r.v->rank * sizeof(*axes));
        axes[lower_find_axis(&r, call->part_axes[0])] = call->part_axes[i];
        parts[i] = lower_align(c, t, axes, r.v->rank).v;
    }
    uint32_t at = lower_find_axis(&r, call->part_axes[0]);
    r.v = ftl_make_concat(lower_graph(c), (uint32_t)e->args.len, parts, at);
    r.axes[at] = call->new_axes[0];
    return r;
}

/* The part axes, in order, as one. */
static term merge(lower_ctx *c, const ftl_expr *e)
{
    const ftl_call *call = e->call;
    term t = argument(c, e, 0);
    uint32_t axes[FTL_MAX_RANK], n = 0;
    int64_t shape[FTL_MAX_RANK], extent = 1;
    for (uint32_t k = 0; k < call->n_parts; k++)
        t = with_axis(c, t, call->part_axes[k]);
    for (uint32_t k = 0; k < t.v->rank; k++) {
        bool is_part = false;
        for (uint32_t q = 0; q < call->n_parts; q++)
            is_part |= call->part_axes[q] == t.axes[k];
        if (is_part)
            continue;
        shape[n] = t.v->shape[k];
        axes[n++] = t.axes[k];
    }
    uint32_t kept = n;
    for (uint32_t q = 0; q < call->n_parts; q++) {
        axes[n++] = call->part_axes[q];
        extent *= lower_extent(c, call->part_axes[q]);
    }
    t = lower_align(c, t, axes, n);
    shape[kept] = extent;
    t.v = ftl_make_reshape(lower_graph(c), t.v, kept + 1, shape);
    t.axes[kept] = call->new_axes[0];
    return t;
}

/* 1 where column <= row */
static term causal_mask(lower_ctx *c, const ftl_expr *e)
{
    term row = lower_iota(c, e->call->new_axes[0]), column = lower_iota(c, e->call->new_axes[1]);
    return lower_map2(c, FTL_OP_LE_, column, row);
}

/* Places of the k largest; the axis goes last and becomes the axis that the call makes. */
static term topk(lower_ctx *c, const ftl_expr *e)
{
    uint32_t axes[FTL_MAX_RANK], n = 0;
    term t = with_axis(c, argument(c, e, 0), e->call->axis);
    for (uint32_t k = 0; k < t.v->rank; k++)
        if (t.axes[k] != e->call->axis)
            axes[n++] = t.axes[k];
    axes[n] = e->call->axis;
    t = lower_align(c, t, axes, n + 1);
    int64_t extent = lower_extent(c, e->call->axis);
    t.v = ftl_make_topk(lower_graph(c), t.v, e->call->k < extent ? e->call->k : extent);
    t.axes[n] = e->call->new_axes[0];
    return t;
}

static term call_own(lower_ctx *c, const ftl_expr *e)
{
    switch (e->builtin) {
    case FTL_BUILTIN_CONCAT:
        return e->args.len > 1 ? concat(c, e) : merge(c, e);
    case FTL_BUILTIN_CAUSAL_MASK:
        return causal_mask(c, e);
    case FTL_BUILTIN_TOPK:
        return topk(c, e);
    case FTL_BUILTIN_ATTENTION:
        return lower_attention(c, e);
    case FTL_BUILTIN_ROPE:
        return lower_rope(c, e);
    case FTL_BUILTIN_TUCKER_DENSE:
        return lower_tucker(c, e);
    default:
        lower_fail(c, FTL_E_INTERNAL, e->span, "a call that axes should have resolved");
    }
}

static term cast(lower_ctx *c, const ftl_expr *e)
{
    ftl_dtype dtype = e->call->dtype;
    const ftl_expr *of = e->args.data[0];
    bool keeps = ftl_dtype_is_whole(dtype) || dtype == FTL_DTYPE_F64;
    bool whole = keeps && lower_is_whole(c, of) && lower_is_beyond_float(c, of);
    term x = whole ? lower_whole(c, of) : argument(c, e, 0);
    x.v = ftl_make_cast(lower_graph(c), x.v, dtype);
    return x;
}

static term call_each(lower_ctx *c, const ftl_expr *e) /* dispatch */
{
    if (e->builtin == FTL_BUILTIN_SIG)
        return sig(c, e);
    if (e->builtin == FTL_BUILTIN_EVEN || e->builtin == FTL_BUILTIN_ODD)
        return parity(c, e, e->builtin == FTL_BUILTIN_ODD);
    if (e->builtin == FTL_BUILTIN_CAST)
        return cast(c, e);
    term x = argument(c, e, 0);
    switch (e->builtin) {
    case FTL_BUILTIN_STEP:
        return step(c, x);
    case FTL_BUILTIN_RELU:
        return lower_map2(c, FTL_OP_MAX_, x, num(c, 0));
    case FTL_BUILTIN_SIGMOID:
        return lower_map1(c, FTL_OP_LOGISTIC_, x);
    case FTL_BUILTIN_TANH:
        return lower_map1(c, FTL_OP_TANH_, x);
    case FTL_BUILTIN_GELU:
        return e->call->exact ? gelu_exact(c, x) : gelu(c, x);
    case FTL_BUILTIN_GELU_GRAD:
        return gelu_grad(c, x);
    case FTL_BUILTIN_SILU:
        return mul(c, x, lower_map1(c, FTL_OP_LOGISTIC_, x));
    case FTL_BUILTIN_ERF:
        return lower_map1(c, FTL_OP_ERF_, x);
    case FTL_BUILTIN_EXP:
        return lower_map1(c, FTL_OP_EXP_, x);
    case FTL_BUILTIN_LOG:
        return lower_map1(c, FTL_OP_LOG_, x);
    case FTL_BUILTIN_SQRT:
        return lower_map1(c, FTL_OP_SQRT_, x);
    case FTL_BUILTIN_ABS:
        return lower_map1(c, FTL_OP_ABS_, x);
    case FTL_BUILTIN_SIN:
        return lower_map1(c, FTL_OP_SIN_, x);
    case FTL_BUILTIN_COS:
        return lower_map1(c, FTL_OP_COS_, x);
    default:
        lower_fail(c, FTL_E_INTERNAL, e->span, "a builtin without a meaning");
    }
}

term lower_call(lower_ctx *c, const ftl_expr *e)
{
    switch (ftl_builtin_get_info(e->builtin)->class_) {
    case FTL_BUILTIN_CLASS_NORM:
        return call_norm(c, e);
    case FTL_BUILTIN_CLASS_FOLD:
        return call_fold(c, e);
    case FTL_BUILTIN_CLASS_OWN:
        return call_own(c, e);
    default:
        return call_each(c, e);
    }
}
