/* SPDX-License-Identifier: Apache-2.0
 *
 * Constants and exact identities. A rule stands as an equation above its function; x is any value,
 * and a rule holds for every x of its dtype, nan, infinities and -0 included.
 */
#include "plan/pass.h"

#include "base/dtype.h"

#include <math.h>

enum { LARGEST_FOLDED = 64 };

/* ---- maps of constants: element by element, in double or in int64 ---- */

typedef struct element {
    double f;
    int64_t i;
} element;

static element get_element(const ftl_value *v, int64_t k)
{
    size_t size = v->splat ? 0 : ftl_dtype_get_size(v->dtype);
    const char *p = (const char *)v->u.data + (size_t)k * size;
    return (element){ftl_dtype_get_double(v->dtype, p), ftl_dtype_get_int(v->dtype, p)};
}

static int64_t divide(int64_t a, int64_t b)
{
    if (b == 0)
        return 0;
    return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

static double choose(double a, double b, bool first)
{
    return isnan(a) || isnan(b) ? (double)NAN : first ? a : b;
}

/* dispatch */ static bool map_floats(ftl_opcode op, double a, double b, double *out)
{
    switch (op) {
    case FTL_OP_NEG_: *out = -a; return true;
    case FTL_OP_ABS_: *out = fabs(a); return true;
    case FTL_OP_EXP_: *out = exp(a); return true;
    case FTL_OP_LOG_: *out = log(a); return true;
    case FTL_OP_SQRT_: *out = sqrt(a); return true;
    case FTL_OP_SIN_: *out = sin(a); return true;
    case FTL_OP_COS_: *out = cos(a); return true;
    case FTL_OP_TANH_: *out = tanh(a); return true;
    case FTL_OP_ERF_: *out = erf(a); return true;
    case FTL_OP_LOGISTIC_: *out = a < 0 ? exp(a) / (1 + exp(a)) : 1 / (1 + exp(-a)); return true;
    case FTL_OP_FLOOR_: *out = floor(a); return true;
    case FTL_OP_ADD_: *out = a + b; return true;
    case FTL_OP_SUB_: *out = a - b; return true;
    case FTL_OP_MUL_: *out = a * b; return true;
    case FTL_OP_DIV_: *out = a / b; return true;
    case FTL_OP_POW_: *out = pow(a, b); return true;
    case FTL_OP_MIN_: *out = choose(a, b, a < b); return true;
    case FTL_OP_MAX_: *out = choose(a, b, a > b); return true;
    default: return false;
    }
}

/* Not wrapped yet. pow goes by floats. */
/* dispatch */ static bool map_wholes(ftl_opcode op, int64_t a, int64_t b, int64_t *out)
{
    uint64_t x = (uint64_t)a, y = (uint64_t)b;
    switch (op) {
    case FTL_OP_NEG_: *out = (int64_t)(0 - x); return true;
    case FTL_OP_ABS_: *out = a < 0 ? (int64_t)(0 - x) : a; return true;
    case FTL_OP_FLOOR_: *out = a; return true;
    case FTL_OP_ADD_: *out = (int64_t)(x + y); return true;
    case FTL_OP_SUB_: *out = (int64_t)(x - y); return true;
    case FTL_OP_MUL_: *out = (int64_t)(x * y); return true;
    case FTL_OP_DIV_: *out = divide(a, b); return true;
    case FTL_OP_MIN_: *out = a < b ? a : b; return true;
    case FTL_OP_MAX_: *out = a > b ? a : b; return true;
    case FTL_OP_AND_: *out = a && b; return true;
    case FTL_OP_OR_: *out = a || b; return true;
    case FTL_OP_NOT_: *out = !a; return true;
    default: return false;
    }
}

/* dispatch */ static bool compare(ftl_opcode op, bool is_float, element a, element b, bool *out)
{
    switch (op) {
    case FTL_OP_EQ_: *out = is_float ? a.f == b.f : a.i == b.i; return true;
    case FTL_OP_NE_: *out = is_float ? a.f != b.f : a.i != b.i; return true;
    case FTL_OP_LT_: *out = is_float ? a.f < b.f : a.i < b.i; return true;
    case FTL_OP_LE_: *out = is_float ? a.f <= b.f : a.i <= b.i; return true;
    default: return false;
    }
}

static void put_wrapped(ftl_dtype dtype, void *out, int64_t x)
{
    memcpy(out, &x, ftl_dtype_get_size(dtype));
}

/* Element k of v, a map of constants, to out. */
static bool compute_element(const ftl_value *v, int64_t k, void *out)
{
    element a = get_element(v->in[0], k), b = get_element(v->in[v->n_in - 1], k);
    ftl_dtype dtype = v->in[0]->dtype;
    bool truth = false;
    if (compare(v->op, ftl_dtype_is_float(dtype), a, b, &truth)) {
        ftl_dtype_put_int(v->dtype, out, truth);
        return true;
    }
    if (ftl_dtype_is_float(dtype)) {
        double x = 0;
        bool done = map_floats(v->op, a.f, b.f, &x);
        ftl_dtype_put_double(v->dtype, out, x);
        return done;
    }
    int64_t x = 0;
    bool done = map_wholes(v->op, a.i, b.i, &x);
    put_wrapped(v->dtype, out, x);
    return done;
}

/* A constant with n elements of data; n is 1 for a splat. */
static ftl_value *add_const(ftl_graph *g, const ftl_value *like, const void *data, bool splat)
{
    ftl_value draft = {.op = FTL_OP_CONST_, .dtype = like->dtype, .rank = like->rank,
                       .shape = like->shape, .equation = like->equation, .span = like->span,
                       .u.data = data, .splat = splat};
    return ftl_graph_add_value(g, &draft);
}

/* map(constant, ...) = constant */
static ftl_value *fold_constants(ftl_rewriter *r, ftl_value *v)
{
    bool splat = true;
    for (uint32_t i = 0; i < v->n_in; i++) {
        if (v->in[i]->op != FTL_OP_CONST_)
            return v;
        splat = splat && v->in[i]->splat;
    }
    int64_t n = splat ? 1 : ftl_value_get_count(v);
    size_t size = ftl_dtype_get_size(v->dtype);
    if (n > LARGEST_FOLDED || v->op == FTL_OP_SELECT_)
        return v;
    char *data = ftl_arena_alloc(r->arena, (size_t)n * size);
    for (int64_t k = 0; k < n; k++) {
        if (v->op == FTL_OP_CAST_) {
            const ftl_value *a = v->in[0];
            size_t from = a->splat ? 0 : ftl_dtype_get_size(a->dtype);
            ftl_dtype_convert(data + (size_t)k * size, v->dtype,
                              (const char *)a->u.data + (size_t)k * from, a->dtype, 1);
        } else if (!compute_element(v, k, data + (size_t)k * size)) {
            return v;
        }
    }
    return add_const(r->graph, v, data, splat);
}

/* ---- identities of arithmetic ---- */

static bool is_number(const ftl_value *v, double wanted)
{
    double x = 0;
    return ftl_value_is_splat(v, &x) && x == wanted && signbit(x) == signbit(wanted);
}

/* The zero that added to any x of the dtype gives x: -0 for floats, since 0 + -0 is 0. */
static bool is_added_zero(const ftl_value *v)
{
    return is_number(v, ftl_dtype_is_float(v->dtype) ? -0.0 : 0.0);
}

/* x + -0 = x    (whole numbers: x + 0 = x) */
static ftl_value *fold_add(ftl_value *v)
{
    if (is_added_zero(v->in[1]))
        return v->in[0];
    return is_added_zero(v->in[0]) ? v->in[1] : v;
}

/* x - 0 = x */
static ftl_value *fold_sub(ftl_value *v)
{
    return is_number(v->in[1], 0) ? v->in[0] : v;
}

/* x * 1 = x    x * -1 = -x    whole numbers: x * 0 = 0 */
static ftl_value *fold_mul(ftl_rewriter *r, ftl_value *v)
{
    for (uint32_t i = 0; i < 2; i++) {
        ftl_value *x = v->in[1 - i];
        if (is_number(v->in[i], 1))
            return x;
        if (is_number(v->in[i], -1))
            return ftl_make_map1(r->graph, FTL_OP_NEG_, x);
        if (is_number(v->in[i], 0) && ftl_dtype_is_whole(v->dtype))
            return v->in[i];
    }
    return v;
}

/* x / 1 = x    floats: x / 2^n = x * 2^-n */
static ftl_value *fold_div(ftl_rewriter *r, ftl_value *v)
{
    double x = 0;
    int exponent = 0;
    if (is_number(v->in[1], 1))
        return v->in[0];
    if (!ftl_dtype_is_float(v->dtype) || !ftl_value_is_splat(v->in[1], &x) || !isfinite(x) ||
        fabs(frexp(x, &exponent)) != 0.5 || exponent < -10 || exponent > 10)
        return v;
    return ftl_make_map2(r->graph, FTL_OP_MUL_, v->in[0],
                         ftl_make_splat_like(r->graph, v->in[1], 1 / x));
}

/* x ** 1 = x    x ** 0 = 1    floats: x ** 2 = x * x */
static ftl_value *fold_pow(ftl_rewriter *r, ftl_value *v)
{
    double x = 0;
    if (!ftl_value_is_splat(v->in[1], &x) || !ftl_dtype_is_float(v->dtype))
        return v;
    if (x == 1)
        return v->in[0];
    if (x == 0)
        return ftl_make_splat_like(r->graph, v, 1);
    return x == 2 ? ftl_make_map2(r->graph, FTL_OP_MUL_, v->in[0], v->in[0]) : v;
}

/* f(f(x)) = x for neg and not;  ||x|| = |x|;  |-x| = |x|, but for u8, where |x| = x */
static ftl_value *fold_map1(ftl_rewriter *r, ftl_value *v)
{
    ftl_value *a = v->in[0];
    bool inverse = v->op == FTL_OP_NEG_ || v->op == FTL_OP_NOT_;
    if (inverse && a->op == v->op)
        return a->in[0];
    if (v->op == FTL_OP_ABS_ && (a->op == FTL_OP_ABS_ || v->dtype == FTL_DTYPE_U8))
        return a;
    if (v->op == FTL_OP_ABS_ && a->op == FTL_OP_NEG_)
        return ftl_make_map1(r->graph, FTL_OP_ABS_, a->in[0]);
    if (v->op == FTL_OP_FLOOR_ && !ftl_dtype_is_float(v->dtype))
        return a;
    return v;
}

/* x and true = x    x and false = false    x or false = x    x or true = true    x and x = x */
static ftl_value *fold_logic(ftl_value *v)
{
    bool neutral = v->op == FTL_OP_AND_;
    if (v->in[0] == v->in[1])
        return v->in[0];
    for (uint32_t i = 0; i < 2; i++) {
        if (is_number(v->in[i], neutral))
            return v->in[1 - i];
        if (is_number(v->in[i], !neutral))
            return v->in[i];
    }
    return v;
}

/* b == true = b    b != false = b    b == false = not b    b != true = not b,  for bool b */
static ftl_value *fold_equal(ftl_rewriter *r, ftl_value *v)
{
    if (v->in[0]->dtype != FTL_DTYPE_BOOL)
        return v;
    for (uint32_t i = 0; i < 2; i++) {
        double x = 0;
        if (!ftl_value_is_splat(v->in[i], &x))
            continue;
        bool same = (x != 0) == (v->op == FTL_OP_EQ_);
        return same ? v->in[1 - i] : ftl_make_map1(r->graph, FTL_OP_NOT_, v->in[1 - i]);
    }
    return v;
}

/* true ? a : b = a    not c ? a : b = c ? b : a    c ? true : false = c    c ? false : true = not c
 * */
static ftl_value *fold_select(ftl_rewriter *r, ftl_value *v)
{
    ftl_value *c = v->in[0], *a = v->in[1], *b = v->in[2];
    double x = 0, y = 0;
    if (ftl_value_is_splat(c, &x))
        return x != 0 ? a : b;
    if (a == b)
        return a;
    if (c->op == FTL_OP_NOT_)
        return ftl_make_select(r->graph, c->in[0], b, a);
    if (v->dtype == FTL_DTYPE_BOOL && ftl_value_is_splat(a, &x) && ftl_value_is_splat(b, &y) &&
        x != y)
        return x != 0 ? c : ftl_make_map1(r->graph, FTL_OP_NOT_, c);
    return v;
}

/* True when every value of dtype a is a value of dtype b. */
static bool is_lossless(ftl_dtype a, ftl_dtype b)
{
    static const struct { int digits, low, high; } facts[FTL_DTYPE_COUNT] = {
        [FTL_DTYPE_BOOL] = {1, 0, 1},     [FTL_DTYPE_U8] = {8, 0, 8},
        [FTL_DTYPE_I8] = {8, -7, 7},      [FTL_DTYPE_I16] = {16, -15, 15},
        [FTL_DTYPE_I32] = {32, -31, 31},  [FTL_DTYPE_I64] = {64, -63, 63},
        [FTL_DTYPE_F16] = {11, -24, 15},  [FTL_DTYPE_BF16] = {8, -133, 127},
        [FTL_DTYPE_F32] = {24, -149, 127}, [FTL_DTYPE_F64] = {53, -1074, 1023},
    };
    if (a == b)
        return true;
    if (b == FTL_DTYPE_BOOL || (ftl_dtype_is_float(a) && !ftl_dtype_is_float(b)))
        return false;
    if (ftl_dtype_is_float(a))
        return facts[a].digits <= facts[b].digits && facts[a].low >= facts[b].low &&
               facts[a].high <= facts[b].high;
    if (ftl_dtype_is_float(b))
        return facts[a].digits <= facts[b].digits + (facts[a].low < 0) &&
               facts[a].high <= facts[b].high;
    return facts[a].low >= facts[b].low && facts[a].high <= facts[b].high;
}

/* cast(cast(x)) = cast(x) when the dtype between holds every x */
static ftl_value *fold_cast(ftl_rewriter *r, ftl_value *v)
{
    ftl_value *a = v->in[0];
    if (a->dtype == v->dtype)
        return a;
    if (a->op == FTL_OP_CAST_ && is_lossless(a->in[0]->dtype, a->dtype))
        return ftl_make_cast(r->graph, a->in[0], v->dtype);
    return v;
}

/* ---- reductions and views ---- */

static double count_reduced(const ftl_value *v)
{
    double n = 1;
    for (uint32_t k = 0; k < v->in[0]->rank; k++)
        if (v->u.reduce.axes >> k & 1)
            n *= (double)v->in[0]->shape[k];
    return n;
}

/* reduce(c) for a constant c over n places: n c, c^n, c;  whole numbers only while exact. */
static ftl_value *fold_reduced_splat(ftl_rewriter *r, ftl_value *v)
{
    double x = 0, n = count_reduced(v);
    if (n == 0 || !ftl_value_is_splat(v->in[0], &x))
        return v;
    if (v->u.reduce.kind == FTL_REDUCE_SUM)
        x *= n;
    if (v->u.reduce.kind == FTL_REDUCE_PROD)
        x = pow(x, n);
    double bound = v->dtype == FTL_DTYPE_I64 || v->dtype == FTL_DTYPE_I32 ? 0x1p31 : 128;
    if (ftl_dtype_is_whole(v->dtype) && fabs(x) >= bound)
        return v;
    return ftl_make_splat_like(r->graph, v, x);
}

/* reduce over extents of 1 = the element;  reduce(reduce(x)) = reduce(x) of one kind */
static ftl_value *fold_reduce(ftl_rewriter *r, ftl_value *v)
{
    ftl_value *a = v->in[0];
    bool units = true;
    for (uint32_t k = 0; k < a->rank; k++)
        units = units && (!(v->u.reduce.axes >> k & 1) || a->shape[k] == 1);
    if (units)
        return ftl_make_reshape(r->graph, a, v->rank, v->shape);
    if (a->op == FTL_OP_CONST_)
        return fold_reduced_splat(r, v);
    if (a->op != FTL_OP_REDUCE_ || a->u.reduce.kind != v->u.reduce.kind ||
        ftl_rewrite_get_uses(r, a) > 1)
        return v;
    uint64_t axes = a->u.reduce.axes;
    for (uint32_t k = 0, j = 0; k < a->in[0]->rank; k++)
        if (!(a->u.reduce.axes >> k & 1))
            axes |= (v->u.reduce.axes >> j++ & 1) << k;
    return ftl_make_reduce(r->graph, v->u.reduce.kind, a->in[0], axes);
}

/* The makers join views of views and drop what does nothing. */
static ftl_value *fold_view(ftl_rewriter *r, ftl_value *v)
{
    const ftl_value *a = v->in[0];
    bool same = a->rank == v->rank;
    for (uint32_t k = 0; k < a->rank && same; k++)
        same = a->shape[k] == v->shape[k];
    if (a->op != FTL_OP_VIEW_ && a->op != FTL_OP_CONST_ && !same)
        return v;
    return ftl_make_view(r->graph, v->in[0], v->rank, v->shape, v->u.view);
}

static ftl_value *fold_reshape(ftl_rewriter *r, ftl_value *v)
{
    const ftl_value *a = v->in[0];
    if (a->op != FTL_OP_RESHAPE_ && a->op != FTL_OP_CONST_)
        return v;
    return ftl_make_reshape(r->graph, v->in[0], v->rank, v->shape);
}

/* concat without its empty operands */
static ftl_value *fold_concat(ftl_rewriter *r, ftl_value *v)
{
    ftl_value **kept = FTL_NEW_ARRAY(r->arena, ftl_value *, v->n_in);
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->n_in; i++)
        if (v->in[i]->shape[v->u.axis] > 0)
            kept[n++] = v->in[i];
    if (n == 0 || (n == v->n_in && n > 1))
        return v;
    return ftl_make_concat(r->graph, n, kept, v->u.axis);
}

/* A loop that runs no round gives its start values; a carried value that never changes is its start
 * value. */
static ftl_value *fold_result(ftl_rewriter *r, ftl_value *v)
{
    const ftl_loop *loop = v->in[0]->u.loop;
    uint32_t k = v->u.index;
    if (k == loop->n_carried)
        return loop->count == 0 ? ftl_make_splat_like(r->graph, v, 0) : v;
    const ftl_value *next = loop->body->outputs.data[k].value;
    bool same = next->op == FTL_OP_PARAM_ && next->u.index == k + 1;
    return same || loop->count == 0 ? v->in[0]->in[k] : v;
}

/* dispatch */ static ftl_value *fold_operation(ftl_rewriter *r, ftl_value *v)
{
    switch (v->op) {
    case FTL_OP_ADD_: return fold_add(v);
    case FTL_OP_SUB_: return fold_sub(v);
    case FTL_OP_MUL_: return fold_mul(r, v);
    case FTL_OP_DIV_: return fold_div(r, v);
    case FTL_OP_POW_: return fold_pow(r, v);
    case FTL_OP_MIN_:
    case FTL_OP_MAX_: return v->in[0] == v->in[1] ? v->in[0] : v;
    case FTL_OP_NEG_:
    case FTL_OP_ABS_:
    case FTL_OP_FLOOR_:
    case FTL_OP_NOT_: return fold_map1(r, v);
    case FTL_OP_AND_:
    case FTL_OP_OR_: return fold_logic(v);
    case FTL_OP_EQ_:
    case FTL_OP_NE_: return fold_equal(r, v);
    case FTL_OP_SELECT_: return fold_select(r, v);
    case FTL_OP_CAST_: return fold_cast(r, v);
    case FTL_OP_REDUCE_: return fold_reduce(r, v);
    case FTL_OP_VIEW_: return fold_view(r, v);
    case FTL_OP_RESHAPE_: return fold_reshape(r, v);
    case FTL_OP_CONCAT_: return fold_concat(r, v);
    case FTL_OP_RESULT_: return fold_result(r, v);
    default: return v;
    }
}

static ftl_value *fold_value(ftl_rewriter *r, ftl_value *v)
{
    if (ftl_opcode_get_class(v->op) == FTL_OPCLASS_MAP) {
        ftl_value *folded = fold_constants(r, v);
        if (folded != v)
            return folded;
    }
    return fold_operation(r, v);
}

void ftl_pass_fold(ftl_graph *g, const ftl_pass_options *options)
{
    ftl_rewrite_graph(g, options, &(ftl_rewrite_pass){.rewrite = fold_value});
}
