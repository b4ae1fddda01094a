/* SPDX-License-Identifier: Apache-2.0
 *
 * For each value the generator keeps a bound of its magnitude, the step that its elements are
 * multiples of (0: none) and a bound of its rounding error. Exact is what has a step and no error;
 * it stays so while bound / step fits the dtype's digits. A maker picks operands that it can bear,
 * or gives null when there are none.
 */
#include "graph_gen.h"

#include "base/dtype.h"

#include <math.h>

typedef struct info {
    double bound, step, err;
    bool closed; /* not an operand any more */
} info;

typedef struct generator {
    ftl_arena *arena;
    ftl_graph *graph;
    const graph_gen_options *options;
    FTL_VEC(info) infos; /* by value id */
    uint64_t random;
    uint32_t depth, n_inputs;
} generator;

typedef struct spec {
    ftl_dtype dtype;
    uint32_t rank;
    int64_t shape[FTL_MAX_RANK];
} spec;

/* ---- random choices: splitmix64 ---- */

static uint64_t draw(generator *g)
{
    uint64_t z = g->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int64_t draw_below(generator *g, int64_t n)
{
    return (int64_t)(draw(g) % (uint64_t)n);
}

static bool chance(generator *g, int64_t one_in)
{
    return draw_below(g, one_in) == 0;
}

static int64_t draw_extent(generator *g)
{
    int64_t largest = g->options->largest > 0 ? g->options->largest : 7;
    return chance(g, 25) ? 0 : 1 + draw_below(g, largest);
}

static ftl_dtype draw_float(generator *g)
{
    if (g->options->f32_only || !chance(g, 3))
        return FTL_DTYPE_F32;
    if (g->options->no_half || chance(g, 2))
        return FTL_DTYPE_F64;
    return chance(g, 2) ? FTL_DTYPE_F16 : FTL_DTYPE_BF16;
}

static ftl_dtype draw_dtype(generator *g)
{
    if (!chance(g, 3))
        return draw_float(g);
    return (ftl_dtype)draw_below(g, FTL_DTYPE_I64 + 1);
}

static spec draw_spec(generator *g, ftl_dtype dtype)
{
    spec s = {.dtype = dtype, .rank = (uint32_t)draw_below(g, 4)};
    for (uint32_t k = 0; k < s.rank; k++)
        s.shape[k] = draw_extent(g);
    return s;
}

static spec spec_of(const ftl_value *v)
{
    spec s = {.dtype = v->dtype, .rank = v->rank};
    for (uint32_t k = 0; k < v->rank; k++)
        s.shape[k] = v->shape[k];
    return s;
}

/* ---- what is known of values ---- */

static double get_digits(ftl_dtype dtype)
{
    return dtype == FTL_DTYPE_F64 ? 53 : dtype == FTL_DTYPE_F16 ? 11
         : dtype == FTL_DTYPE_BF16 ? 8 : 24;
}

static double get_largest(ftl_dtype dtype)
{
    static const double largest[] = {1, 255, 128, 32768, 0x1p31, 0x1p63};
    return dtype <= FTL_DTYPE_I64 ? largest[dtype] : (double)INFINITY;
}

static info *info_of(const generator *g, const ftl_value *v)
{
    return &g->infos.data[v->id];
}

static bool is_exact(const generator *g, const ftl_value *v)
{
    return info_of(g, v)->step > 0 && info_of(g, v)->err == 0;
}

/* Records a value. A float gets the rounding of its dtype, a whole number its wrap. */
static ftl_value *note(generator *g, ftl_value *v, info i)
{
    while (g->infos.len < g->graph->values.len)
        *FTL_VEC_PUSH(g->arena, &g->infos) = (info){.closed = true};
    if (!info_of(g, v)->closed)
        return v;
    if (!ftl_dtype_is_float(v->dtype)) {
        i = (info){.bound = fmin(i.bound, get_largest(v->dtype)), .step = 1};
        if (i.bound >= get_largest(v->dtype))
            i.bound = get_largest(v->dtype);
    } else if (!(i.step > 0 && i.err == 0 && i.bound / i.step <= exp2(get_digits(v->dtype)))) {
        i.err += i.bound * exp2(-get_digits(v->dtype)) * 4;
        i.step = 0;
    }
    double most = get_digits(v->dtype) < 20 ? 0.2 : 0.01;
    i.closed = i.bound > 1000 && ftl_dtype_is_float(v->dtype);
    i.closed = i.closed || i.err > most;
    *info_of(g, v) = i;
    return v;
}

static bool is_usable(const generator *g, const ftl_value *v)
{
    return v->id < g->infos.len && !info_of(g, v)->closed && ftl_value_get_count(v) < 5000;
}

typedef bool filter(const generator *g, const ftl_value *v);

static bool is_any(const generator *g, const ftl_value *v)
{
    return is_usable(g, v);
}

static bool is_float(const generator *g, const ftl_value *v)
{
    return is_usable(g, v) && ftl_dtype_is_float(v->dtype);
}

static bool is_number(const generator *g, const ftl_value *v)
{
    return is_usable(g, v) && v->dtype != FTL_DTYPE_BOOL;
}

static bool is_exact_number(const generator *g, const ftl_value *v)
{
    return is_number(g, v) && is_exact(g, v);
}

static bool is_bool(const generator *g, const ftl_value *v)
{
    return is_usable(g, v) && v->dtype == FTL_DTYPE_BOOL;
}

static ftl_value *pick(generator *g, filter *wanted)
{
    size_t n = g->graph->values.len;
    for (int attempt = 0; attempt < 30 && n > 0; attempt++) {
        size_t back = (size_t)draw_below(g, (int64_t)(chance(g, 2) && n > 8 ? 8 : n));
        ftl_value *v = g->graph->values.data[n - 1 - back];
        if (wanted(g, v))
            return v;
    }
    return NULL;
}

/* ---- leaves ---- */

static double draw_element(generator *g, ftl_dtype dtype)
{
    if (dtype == FTL_DTYPE_BOOL)
        return (double)draw_below(g, 2);
    if (dtype == FTL_DTYPE_U8)
        return (double)draw_below(g, 9);
    double x = (double)(draw_below(g, 33) - 16) / 4;
    return ftl_dtype_is_float(dtype) ? x : trunc(x);
}

static info get_leaf_info(ftl_dtype dtype)
{
    return (info){.bound = dtype == FTL_DTYPE_U8 ? 8 : 4,
                  .step = ftl_dtype_is_float(dtype) ? 0.25 : 1};
}

static int64_t count_of(const spec *s)
{
    int64_t n = 1;
    for (uint32_t k = 0; k < s->rank; k++)
        n *= s->shape[k];
    return n;
}

static ftl_value *make_const(generator *g, const spec *s)
{
    size_t n = (size_t)count_of(s), size = ftl_dtype_get_size(s->dtype);
    char *data = ftl_arena_alloc_array(g->arena, n, size);
    for (size_t k = 0; k < n; k++)
        ftl_dtype_put_double(s->dtype, data + k * size, draw_element(g, s->dtype));
    return note(g, ftl_make_const(g->graph, s->dtype, s->rank, s->shape, data),
                get_leaf_info(s->dtype));
}

static ftl_value *make_leaf(generator *g)
{
    static const char *const names[] = {"A", "B", "C", "D", "E", "F", "G", "H"};
    spec s = draw_spec(g, draw_dtype(g));
    int64_t kind = draw_below(g, 4);
    if (kind == 0) {
        ftl_dtype dtype = s.dtype == FTL_DTYPE_BOOL ? FTL_DTYPE_I64 : s.dtype;
        int64_t n = draw_extent(g);
        return note(g, ftl_make_iota(g->graph, dtype, n), (info){.bound = (double)n, .step = 1});
    }
    if (kind == 1)
        return note(g, ftl_make_splat(g->graph, s.dtype, s.rank, s.shape,
                                      draw_element(g, s.dtype)), get_leaf_info(s.dtype));
    if (kind == 2 && !g->graph->parent && g->n_inputs < FTL_COUNT(names))
        return note(g, ftl_make_input(g->graph, names[g->n_inputs++], s.dtype, s.rank, s.shape),
                    get_leaf_info(s.dtype));
    return make_const(g, &s);
}

/* ---- shapes that fit ---- */

static ftl_value *splat_like(generator *g, const ftl_value *v, double x)
{
    return note(g, ftl_make_splat(g->graph, v->dtype, v->rank, v->shape, x),
                (info){.bound = fabs(x), .step = 0.25});
}

/* A random place of an axis of extent n in terms of s: an axis of equal extent, a constant, a
 * shift, a stride, a reversal, a window. */
static ftl_affine draw_affine(generator *g, const spec *s, int64_t n)
{
    ftl_affine a = {.select = -1, .dim = FTL_NEW_ARRAY(g->arena, uint32_t, 2),
                    .coef = FTL_NEW_ARRAY(g->arena, int64_t, 2)};
    a.offset = n > 0 ? draw_below(g, n) : 0;
    if (s->rank == 0 || chance(g, 6))
        return a;
    a.dim[0] = (uint32_t)draw_below(g, s->rank);
    for (uint32_t k = 0; k < s->rank && s->shape[a.dim[0]] != n; k++)
        a.dim[0] = k;
    a.coef[0] = 1;
    a.n = 1;
    a.offset = 0;
    switch (draw_below(g, 8)) {
    case 0: a.offset = draw_below(g, 5) - 2; break;
    case 1: a.coef[0] = 2; a.offset = -1; break;
    case 2: a.coef[0] = -1; a.offset = n - 1; break;
    case 3:
        a.dim[1] = (uint32_t)draw_below(g, s->rank);
        a.coef[1] = 1 + draw_below(g, 2);
        a.n = a.dim[1] != a.dim[0] ? 2 : 1;
        break;
    default: break;
    }
    return a;
}

static ftl_value *fit_shape(generator *g, ftl_value *v, const spec *s)
{
    ftl_affine map[FTL_MAX_RANK];
    bool same = v->rank == s->rank;
    for (uint32_t k = 0; k < v->rank && same; k++)
        same = v->shape[k] == s->shape[k];
    if (same && !chance(g, 4))
        return v;
    for (uint32_t k = 0; k < v->rank; k++)
        map[k] = draw_affine(g, s, v->shape[k]);
    info i = *info_of(g, v);
    double fill = chance(g, 2) ? 0 : 1;
    i.bound = fmax(i.bound, fill);
    return note(g, ftl_make_view(g->graph, v, s->rank, s->shape,
                                 &(ftl_view){.map = map, .fill = fill}), i);
}

/* v in another dtype; null when that would jump. */
static ftl_value *fit_dtype(generator *g, ftl_value *v, ftl_dtype dtype)
{
    info i = *info_of(g, v);
    if (v->dtype == dtype)
        return v;
    if (!ftl_dtype_is_float(dtype) && !is_exact(g, v))
        return NULL;
    if (i.bound > get_largest(dtype) || (ftl_dtype_is_float(dtype) && i.bound > 1000))
        return NULL;
    return note(g, ftl_make_cast(g->graph, v, dtype), i);
}

/* A value of a given dtype and shape, made of some other or new. */
static ftl_value *find_fitting(generator *g, filter *wanted, const spec *s)
{
    ftl_value *v = pick(g, wanted);
    v = v ? fit_dtype(g, v, s->dtype) : NULL;
    if (!v || chance(g, 20))
        return make_const(g, s);
    v = fit_shape(g, v, s);
    return is_usable(g, v) && wanted(g, v) ? v : make_const(g, s);
}

/* |v| + 1: away from 0. */
static ftl_value *make_positive(generator *g, ftl_value *v)
{
    info i = *info_of(g, v);
    ftl_value *size = note(g, ftl_make_map1(g->graph, FTL_OP_ABS_, v), i);
    i.bound += 1;
    return note(g, ftl_make_map2(g->graph, FTL_OP_ADD_, size, splat_like(g, v, 1)), i);
}

/* ---- maps ---- */

static ftl_value *make_smooth(generator *g)
{
    static const ftl_opcode ops[] = {FTL_OP_SIN_, FTL_OP_COS_, FTL_OP_TANH_, FTL_OP_ERF_,
                                     FTL_OP_LOGISTIC_, FTL_OP_EXP_, FTL_OP_LOG_, FTL_OP_SQRT_};
    ftl_value *v = pick(g, is_float);
    ftl_opcode op = ops[draw_below(g, FTL_COUNT(ops))];
    if (!v || (op == FTL_OP_EXP_ && info_of(g, v)->bound > 5))
        return NULL;
    info i = *info_of(g, v);
    if (op == FTL_OP_LOG_ || op == FTL_OP_SQRT_)
        v = make_positive(g, v);
    if (op == FTL_OP_EXP_)
        i = (info){.bound = exp(i.bound), .err = exp(i.bound) * i.err};
    else
        i = (info){.bound = op == FTL_OP_LOG_ || op == FTL_OP_SQRT_ ? i.bound + 1 : 1,
                   .err = i.err * 1.2};
    return note(g, ftl_make_map1(g->graph, op, v), i);
}

static ftl_value *make_sign(generator *g)
{
    ftl_value *v = pick(g, is_number);
    if (!v)
        return NULL;
    ftl_opcode op = chance(g, 2) ? FTL_OP_NEG_ : FTL_OP_ABS_;
    info i = *info_of(g, v);
    if (v->dtype == FTL_DTYPE_U8 && op == FTL_OP_NEG_)
        i.bound = 255;
    return note(g, ftl_make_map1(g->graph, op, v), i);
}

static ftl_value *make_floor(generator *g)
{
    ftl_value *v = pick(g, is_exact_number);
    if (!v)
        return NULL;
    info i = {.bound = info_of(g, v)->bound + 1, .step = 1};
    return note(g, ftl_make_map1(g->graph, FTL_OP_FLOOR_, v), i);
}

static ftl_value *make_arithmetic(generator *g)
{
    static const ftl_opcode ops[] = {FTL_OP_ADD_, FTL_OP_SUB_, FTL_OP_MUL_, FTL_OP_MIN_,
                                     FTL_OP_MAX_};
    ftl_opcode op = ops[draw_below(g, FTL_COUNT(ops))];
    ftl_value *a = pick(g, is_number);
    if (!a)
        return NULL;
    spec s = spec_of(a);
    ftl_value *b = find_fitting(g, is_number, &s);
    info x = *info_of(g, a), y = *info_of(g, b);
    info i = {.bound = x.bound + y.bound, .step = fmin(x.step, y.step), .err = x.err + y.err};
    if (op == FTL_OP_MUL_)
        i = (info){.bound = x.bound * y.bound, .step = x.step * y.step,
                   .err = x.bound * y.err + y.bound * x.err};
    if (op == FTL_OP_SUB_ && a->dtype == FTL_DTYPE_U8)
        i.bound = 255;
    return note(g, ftl_make_map2(g->graph, op, a, b), i);
}

static ftl_value *make_quotient(generator *g)
{
    ftl_value *a = pick(g, is_number);
    if (!a)
        return NULL;
    spec s = spec_of(a);
    ftl_value *b = find_fitting(g, is_number, &s);
    info x = *info_of(g, a), y = *info_of(g, b);
    if (ftl_dtype_is_float(a->dtype))
        b = make_positive(g, b);
    info i = {.bound = x.bound, .err = x.err + x.bound * y.err};
    return note(g, ftl_make_map2(g->graph, FTL_OP_DIV_, a, b), i);
}

/* (|a| + 1) to the tanh b. */
static ftl_value *make_power(generator *g)
{
    ftl_value *a = pick(g, is_float);
    if (!a)
        return NULL;
    spec s = spec_of(a);
    ftl_value *b = find_fitting(g, is_float, &s);
    info x = *info_of(g, a), y = *info_of(g, b);
    b = note(g, ftl_make_map1(g->graph, FTL_OP_TANH_, b), (info){.bound = 1, .err = y.err});
    a = make_positive(g, a);
    info i = {.bound = x.bound + 1, .err = x.err + (x.bound + 1) * log(x.bound + 1) * y.err};
    return note(g, ftl_make_map2(g->graph, FTL_OP_POW_, a, b), i);
}

static ftl_value *make_comparison(generator *g)
{
    static const ftl_opcode ops[] = {FTL_OP_EQ_, FTL_OP_NE_, FTL_OP_LT_, FTL_OP_LE_};
    ftl_value *a = pick(g, is_exact_number);
    if (!a)
        return NULL;
    spec s = spec_of(a);
    ftl_value *b = find_fitting(g, is_exact_number, &s);
    return note(g, ftl_make_map2(g->graph, ops[draw_below(g, 4)], a, b), (info){.bound = 1});
}

static ftl_value *make_logic(generator *g)
{
    ftl_value *a = pick(g, is_bool);
    if (!a)
        return NULL;
    spec s = spec_of(a);
    if (chance(g, 3))
        return note(g, ftl_make_map1(g->graph, FTL_OP_NOT_, a), (info){.bound = 1});
    ftl_value *b = find_fitting(g, is_bool, &s);
    ftl_opcode op = chance(g, 2) ? FTL_OP_AND_ : FTL_OP_OR_;
    return note(g, ftl_make_map2(g->graph, op, a, b), (info){.bound = 1});
}

static ftl_value *make_select(generator *g)
{
    ftl_value *c = pick(g, is_bool), *a = pick(g, is_any);
    if (!c || !a)
        return NULL;
    spec s = spec_of(a), test = s;
    test.dtype = FTL_DTYPE_BOOL;
    ftl_value *b = find_fitting(g, s.dtype == FTL_DTYPE_BOOL ? is_bool : is_number, &s);
    c = fit_shape(g, c, &test);
    info x = *info_of(g, a), y = *info_of(g, b);
    return note(g, ftl_make_select(g->graph, c, a, b),
                (info){.bound = fmax(x.bound, y.bound), .step = fmin(x.step, y.step),
                       .err = fmax(x.err, y.err)});
}

static ftl_value *make_cast(generator *g)
{
    ftl_value *v = pick(g, is_any);
    return v ? fit_dtype(g, v, draw_dtype(g)) : NULL;
}

/* ---- reductions ---- */

static ftl_value *make_reduce(generator *g)
{
    ftl_value *v = pick(g, is_any);
    if (!v || v->rank == 0)
        return NULL;
    uint64_t axes = 1 + (uint64_t)draw_below(g, ((int64_t)1 << v->rank) - 1);
    bool logic = v->dtype == FTL_DTYPE_BOOL;
    ftl_reduce kind = (ftl_reduce)(logic ? FTL_REDUCE_ANY + draw_below(g, 2) : draw_below(g, 4));
    info i = *info_of(g, v);
    double n = 1;
    bool empty = false;
    for (uint32_t k = 0; k < v->rank; k++)
        if (axes >> k & 1) {
            n *= (double)v->shape[k];
            empty = empty || v->shape[k] == 0;
        }
    if (kind == FTL_REDUCE_PROD) {
        if (n > 3 || i.bound > 10)
            return NULL;
        i = (info){.bound = fmax(pow(i.bound, n), 1), .err = n * i.err * pow(i.bound + 1, n),
                   .step = i.step > 0 ? pow(fmin(i.step, 1), n) : 0};
    } else if (kind == FTL_REDUCE_SUM) {
        i.bound *= n;
        i.err *= n;
    } else if (!logic && empty) {
        return NULL;
    }
    return note(g, ftl_make_reduce(g->graph, kind, v, axes), i);
}

static ftl_value *make_extreme(generator *g)
{
    ftl_value *v = pick(g, is_exact_number);
    if (!v || v->rank == 0)
        return NULL;
    if (chance(g, 2))
        return note(g, ftl_make_argmax(g->graph, v, (uint32_t)draw_below(g, v->rank)),
                    (info){.bound = 100});
    return note(g, ftl_make_topk(g->graph, v, draw_below(g, v->shape[v->rank - 1] + 1)),
                (info){.bound = 100});
}

/* Labels of up to four operands, extents by label; some stay in the result. */
static ftl_value *make_contract(generator *g)
{
    enum { LABELS = 5, OPERANDS = 4 };
    int64_t extent[LABELS];
    uint32_t labels[OPERANDS][FTL_MAX_RANK], *in[OPERANDS], out[LABELS], n_out = 0, used = 0;
    ftl_value *a[OPERANDS];
    ftl_dtype dtype = chance(g, 4) ? draw_dtype(g) : draw_float(g);
    filter *wanted = dtype == FTL_DTYPE_BOOL ? is_bool : is_number;
    uint32_t n = 1 + (uint32_t)draw_below(g, OPERANDS);
    info i = {.bound = 1, .step = 1};
    double cells = 1, err = 0;
    for (int l = 0; l < LABELS; l++)
        extent[l] = draw_extent(g);
    for (uint32_t k = 0; k < n; k++) {
        spec s = {.dtype = dtype, .rank = (uint32_t)draw_below(g, 4)};
        for (uint32_t j = 0; j < s.rank; j++) {
            labels[k][j] = (uint32_t)draw_below(g, LABELS);
            s.shape[j] = extent[labels[k][j]];
            cells *= used >> labels[k][j] & 1 ? 1 : (double)s.shape[j];
            used |= 1u << labels[k][j];
        }
        in[k] = labels[k];
        a[k] = find_fitting(g, wanted, &s);
        info x = *info_of(g, a[k]);
        err = err * x.bound + x.err * i.bound;
        i.bound *= x.bound;
        i.step *= x.step;
    }
    for (uint32_t l = 0; l < LABELS; l++)
        if (used >> l & 1 && chance(g, 2))
            out[n_out++] = l;
    if (n_out > 1 && chance(g, 2)) {
        uint32_t first = out[0];
        out[0] = out[n_out - 1];
        out[n_out - 1] = first;
    }
    i.bound *= cells;
    i.err = err * cells;
    return note(g, ftl_make_contract(g->graph, n, a, &(ftl_contract){.in = in, .out = out}, n_out),
                i);
}

/* ---- views and indices ---- */

static ftl_value *make_view(generator *g)
{
    ftl_value *v = pick(g, is_any);
    if (!v)
        return NULL;
    spec s = draw_spec(g, v->dtype);
    return fit_shape(g, v, &s);
}

static ftl_value *make_view_add(generator *g)
{
    ftl_value *v = pick(g, is_any);
    ftl_affine map[FTL_MAX_RANK];
    if (!v)
        return NULL;
    spec from = spec_of(v), to = draw_spec(g, v->dtype);
    for (uint32_t k = 0; k < to.rank; k++)
        map[k] = draw_affine(g, &from, to.shape[k]);
    info i = *info_of(g, v);
    i.bound *= (double)ftl_value_get_count(v);
    i.err *= (double)ftl_value_get_count(v);
    return note(g, ftl_make_view_add(g->graph, v, to.rank, to.shape, map), i);
}

/* Splits one axis by a factor, or joins two. */
static ftl_value *make_reshape(generator *g)
{
    ftl_value *v = pick(g, is_any);
    spec s = {0};
    if (!v || v->rank == 0)
        return NULL;
    uint32_t axis = (uint32_t)draw_below(g, v->rank);
    bool joins = axis + 1 < v->rank && chance(g, 2);
    int64_t factor = v->shape[axis] % 2 == 0 ? 2 : v->shape[axis] % 3 == 0 ? 3 : 1;
    for (uint32_t k = 0; k < v->rank; k++) {
        if (k == axis && joins) {
            s.shape[s.rank++] = v->shape[k] * v->shape[k + 1];
            k++;
        } else if (k == axis) {
            s.shape[s.rank++] = factor;
            s.shape[s.rank++] = v->shape[k] / factor;
        } else {
            s.shape[s.rank++] = v->shape[k];
        }
    }
    return note(g, ftl_make_reshape(g->graph, v, s.rank, s.shape), *info_of(g, v));
}

static ftl_value *make_concat(generator *g)
{
    ftl_value *v = pick(g, is_any), *a[3];
    if (!v || v->rank == 0)
        return NULL;
    uint32_t n = 1 + (uint32_t)draw_below(g, 3), axis = (uint32_t)draw_below(g, v->rank);
    filter *wanted = v->dtype == FTL_DTYPE_BOOL ? is_bool : is_number;
    info i = *info_of(g, v);
    a[0] = v;
    for (uint32_t k = 1; k < n; k++) {
        spec s = spec_of(v);
        s.shape[axis] = draw_extent(g);
        a[k] = find_fitting(g, wanted, &s);
        i.bound = fmax(i.bound, info_of(g, a[k])->bound);
        i.step = fmin(i.step, info_of(g, a[k])->step);
        i.err = fmax(i.err, info_of(g, a[k])->err);
    }
    return note(g, ftl_make_concat(g->graph, n, a, axis), i);
}

/* Whole numbers in 0 .. n-1, of a dtype that may be a float. */
static ftl_value *make_index(generator *g, const spec *s, int64_t n)
{
    size_t count = (size_t)count_of(s), size = ftl_dtype_get_size(s->dtype);
    char *data = ftl_arena_alloc_array(g->arena, count, size);
    for (size_t k = 0; k < count; k++)
        ftl_dtype_put_double(s->dtype, data + k * size, (double)draw_below(g, n));
    ftl_value *index = ftl_make_const(g->graph, s->dtype, s->rank, s->shape, data);
    return note(g, index, (info){.bound = (double)n, .step = 1});
}

/* The map and index operands of a gather from data axes `data` over result axes `places`. a[0] is
 * the caller's. */
static ftl_gather draw_gather(generator *g, const spec *data, const spec *places, ftl_value **a)
{
    static const ftl_dtype dtypes[] = {FTL_DTYPE_I64, FTL_DTYPE_I32, FTL_DTYPE_F32, FTL_DTYPE_U8};
    ftl_gather gather = {.n = 1, .fill = chance(g, 2) ? 0 : 1,
                         .map = FTL_NEW_ARRAY(g->arena, ftl_affine, FTL_MAX_RANK),
                         .sub = FTL_NEW_ARRAY(g->arena, uint32_t *, FTL_MAX_RANK + 1)};
    for (uint32_t k = 0; k < data->rank; k++) {
        if (data->shape[k] == 0 || !chance(g, 2)) {
            gather.map[k] = draw_affine(g, places, data->shape[k]);
            continue;
        }
        spec s = {.dtype = dtypes[draw_below(g, FTL_COUNT(dtypes))],
                  .rank = places->rank > 0 ? (uint32_t)draw_below(g, 3) : 0};
        uint32_t *sub = gather.sub[gather.n] = FTL_NEW_ARRAY(g->arena, uint32_t, 2);
        for (uint32_t j = 0; j < s.rank; j++) {
            sub[j] = (uint32_t)draw_below(g, places->rank);
            s.shape[j] = places->shape[sub[j]];
        }
        gather.map[k] = (ftl_affine){.select = (int32_t)gather.n};
        a[gather.n++] = make_index(g, &s, data->shape[k]);
    }
    return gather;
}

static ftl_value *make_gather(generator *g)
{
    ftl_value *v = pick(g, is_any), *a[FTL_MAX_RANK + 1];
    if (!v)
        return NULL;
    spec data = spec_of(v), places = draw_spec(g, v->dtype);
    a[0] = v;
    ftl_gather gather = draw_gather(g, &data, &places, a);
    info i = *info_of(g, v);
    i.bound = fmax(i.bound, 1);
    return note(g, ftl_make_gather(g->graph, a, places.rank, places.shape, &gather), i);
}

static ftl_value *make_gather_add(generator *g)
{
    ftl_value *v = pick(g, is_any), *a[FTL_MAX_RANK + 1];
    if (!v)
        return NULL;
    spec places = spec_of(v), data = draw_spec(g, v->dtype);
    a[0] = v;
    ftl_gather gather = draw_gather(g, &data, &places, a);
    gather.fill = 0;
    info i = *info_of(g, v);
    i.bound *= (double)ftl_value_get_count(v);
    i.err *= (double)ftl_value_get_count(v);
    return note(g, ftl_make_gather_add(g->graph, a, data.rank, data.shape, &gather), i);
}

/* A whole-number scalar near 0 .. n-1: a constant, a loop's round, or any exact one. */
static ftl_value *find_place(generator *g)
{
    spec s = {.dtype = chance(g, 3) ? FTL_DTYPE_I32 : FTL_DTYPE_I64};
    for (uint32_t k = 0; k < g->graph->values.len && k < 4; k++)
        if (g->graph->values.data[k]->op == FTL_OP_PARAM_ &&
            g->graph->values.data[k]->u.index == 0 && chance(g, 2))
            return g->graph->values.data[k];
    return make_index(g, &s, 4);
}

static ftl_value *make_at(generator *g)
{
    ftl_value *x = pick(g, is_any), *index[FTL_MAX_RANK];
    uint32_t axis[FTL_MAX_RANK];
    int64_t offset[FTL_MAX_RANK];
    if (!x || x->rank == 0)
        return NULL;
    ftl_at at = {.axis = axis, .offset = offset, .fill = 1};
    spec slice = {.dtype = x->dtype};
    for (uint32_t k = 0; k < x->rank; k++) {
        bool fixed = chance(g, 2) || (at.n == 0 && k + 1 == x->rank);
        if (!fixed) {
            slice.shape[slice.rank++] = x->shape[k];
            continue;
        }
        axis[at.n] = k;
        offset[at.n] = draw_below(g, 4) - 1;
        index[at.n++] = find_place(g);
    }
    info i = *info_of(g, x);
    i.bound = fmax(i.bound, 1);
    if (chance(g, 2))
        return note(g, ftl_make_read_at(g->graph, x, &at, index), i);
    ftl_value *v = find_fitting(g, x->dtype == FTL_DTYPE_BOOL ? is_bool : is_number, &slice);
    i.bound = fmax(i.bound, info_of(g, v)->bound);
    i.step = fmin(i.step, info_of(g, v)->step);
    i.err = fmax(i.err, info_of(g, v)->err);
    return note(g, ftl_make_write_at(g->graph, x, v, &at, index), i);
}

/* Eigenvectors of a matrix whose eigenvalues lie far apart. */
static ftl_value *make_eigvec(generator *g)
{
    ftl_dtype dtype = g->options->f32_only || chance(g, 2) ? FTL_DTYPE_F32 : FTL_DTYPE_F64;
    spec s = {.dtype = dtype, .rank = 2};
    if (g->options->no_eigvec)
        return NULL;
    s.shape[0] = s.shape[1] = 1 + draw_below(g, 5);
    ftl_value *a = make_const(g, &s);
    int64_t n = s.shape[0];
    char *data = (char *)(uintptr_t)a->u.data;
    for (int64_t p = 0; p < n; p++)
        for (int64_t q = 0; q <= p; q++) {
            double x = p == q ? 16 * (double)(p + 1) : draw_element(g, dtype);
            ftl_dtype_put_double(dtype, data + (size_t)(p * n + q) * ftl_dtype_get_size(dtype), x);
            ftl_dtype_put_double(dtype, data + (size_t)(q * n + p) * ftl_dtype_get_size(dtype), x);
        }
    info_of(g, a)->bound = 16 * (double)n;
    return note(g, ftl_make_eigvec(g->graph, a), (info){.bound = 1, .err = 1e-4});
}

/* ---- loops ---- */

static void grow(generator *g, uint32_t operations);

/* The body's next value of a carried one: something of its dtype and shape that stays in bounds. */
static ftl_value *make_next(generator *g, const ftl_value *param)
{
    spec s = spec_of(param);
    filter *wanted = s.dtype == FTL_DTYPE_BOOL ? is_bool
                   : ftl_dtype_is_float(s.dtype) ? is_number : is_exact_number;
    ftl_value *v = find_fitting(g, wanted, &s);
    if (!ftl_dtype_is_float(s.dtype))
        return v;
    info i = {.bound = 1, .err = info_of(g, v)->err};
    return note(g, ftl_make_map1(g->graph, FTL_OP_TANH_, v), i);
}

static ftl_value *make_stop(generator *g, ftl_value *round)
{
    spec s = {.dtype = FTL_DTYPE_I64};
    return note(g, ftl_make_map2(g->graph, FTL_OP_LT_, make_index(g, &s, 3), round),
                (info){.bound = 1});
}

static ftl_value *make_loop(generator *g)
{
    enum { NOMINAL = 1000 };
    if (g->options->no_loops || g->depth == 2)
        return NULL;
    ftl_value *in[5];
    uint32_t n = 1 + (uint32_t)draw_below(g, 2), n_in = n + (uint32_t)draw_below(g, 3);
    for (uint32_t k = 0; k < n_in; k++) {
        in[k] = pick(g, is_any);
        if (!in[k])
            return NULL;
        info i = {.bound = 1, .err = info_of(g, in[k])->err};
        if (k < n && ftl_dtype_is_float(in[k]->dtype))
            in[k] = note(g, ftl_make_map1(g->graph, FTL_OP_TANH_, in[k]), i);
    }
    generator inner = {.arena = g->arena, .graph = ftl_graph_new(g->arena, g->graph),
                 .options = g->options, .random = draw(g), .depth = g->depth + 1};
    ftl_loop loop = {.body = inner.graph, .n_carried = n, .count = draw_below(g, 5),
                     .reverse = chance(g, 3), .has_stop = chance(g, 3)};
    if (loop.has_stop && !loop.reverse && chance(g, 2))
        loop.count = -1;
    ftl_value *params[6];
    params[0] = note(&inner, ftl_make_param(inner.graph, 0, FTL_DTYPE_I64, 0, NULL),
                     (info){.bound = 8, .step = 1});
    for (uint32_t k = 0; k < n_in; k++) {
        params[1 + k] = ftl_make_param(inner.graph, 1 + k, in[k]->dtype, in[k]->rank, in[k]->shape);
        info i = *info_of(g, in[k]);
        if (k < n)
            i = (info){.bound = get_largest(in[k]->dtype), .step = 1};
        if (k < n && ftl_dtype_is_float(in[k]->dtype))
            i = (info){.bound = 1, .err = 1.0 / NOMINAL};
        note(&inner, params[1 + k], i);
    }
    grow(&inner, g->options->operations / 3 + 1);
    double growth = 1, worst = 1e-6;
    for (uint32_t k = 0; k < n; k++) {
        ftl_value *next = make_next(&inner, params[1 + k]);
        growth = fmax(growth, info_of(&inner, next)->err * NOMINAL);
        worst = fmax(worst, info_of(g, in[k])->err);
        if (!ftl_dtype_is_float(next->dtype) || get_digits(next->dtype) >= 20)
            ;
        else
            worst = fmax(worst, 0.05);
        ftl_graph_add_output(inner.graph, NULL, next);
    }
    if (loop.has_stop)
        ftl_graph_add_output(inner.graph, NULL, make_stop(&inner, params[0]));
    ftl_value *v = ftl_make_loop(g->graph, n_in, in, &loop);
    double err = worst * pow(growth, loop.count < 0 ? 4 : (double)loop.count) * 4;
    for (uint32_t k = 0; k < n; k++)
        note(g, ftl_make_result(g->graph, v, k),
             (info){.bound = get_largest(in[k]->dtype) > 1e300 ? 1 : get_largest(in[k]->dtype),
                    .step = ftl_dtype_is_float(in[k]->dtype) ? 0 : 1, .err = err});
    return note(g, ftl_make_result(g->graph, v, n), (info){.bound = 8, .step = 1});
}

/* ---- rules ---- */

static ftl_literal make_atom(generator *g, uint32_t relation, uint32_t rank, const uint32_t *vars)
{
    ftl_literal atom = {.kind = FTL_LITERAL_ATOM, .relation = relation};
    atom.terms = FTL_NEW_ARRAY(g->arena, ftl_rule_term, rank + 1);
    for (uint32_t k = 0; k < rank; k++)
        atom.terms[k] = (ftl_rule_term){.kind = FTL_RULE_VAR, .var = vars[k]};
    return atom;
}

static void add_rule(generator *g, ftl_rules *rules, const ftl_literal *literals, uint32_t n)
{
    ftl_rule *rule = FTL_VEC_PUSH(g->arena, &rules->rules);
    *rule = (ftl_rule){.head = literals[0].relation, .terms = literals[0].terms, .n_body = n - 1,
                       .n_vars = FTL_RULES_MAX_VARS};
    rule->body = FTL_NEW_ARRAY(g->arena, ftl_literal, n);
    memcpy(rule->body, literals + 1, (n - 1) * sizeof *literals);
    rule->vars = FTL_NEW_ARRAY(g->arena, const char *, FTL_RULES_MAX_VARS);
}

/* The tuples of a bool tensor; a matrix over one extent is closed: R(x, z) <- R(x, y), A(y, z). */
static ftl_value *make_rules(generator *g)
{
    static const uint32_t xy[] = {0, 1}, yz[] = {1, 2}, xz[] = {0, 2};
    uint32_t same[FTL_MAX_RANK];
    ftl_value *a = g->graph->parent ? NULL : pick(g, is_bool);
    if (!a || a->rank > FTL_RULES_MAX_ARITY)
        return NULL;
    for (uint32_t k = 0; k < a->rank; k++)
        same[k] = k;
    ftl_rules *rules = ftl_rules_new(g->arena);
    *FTL_VEC_PUSH(g->arena, &rules->relations) =
        (ftl_rules_relation){.name = "A", .arity = a->rank, .extent = a->shape, .input = 0};
    *FTL_VEC_PUSH(g->arena, &rules->relations) =
        (ftl_rules_relation){.name = "R", .arity = a->rank, .extent = a->shape, .input = -1,
                             .is_result = true};
    ftl_literal copy[] = {make_atom(g, 1, a->rank, same), make_atom(g, 0, a->rank, same)};
    add_rule(g, rules, copy, 2);
    if (a->rank == 2 && a->shape[0] == a->shape[1]) {
        ftl_literal join[] = {make_atom(g, 1, 2, xz), make_atom(g, 1, 2, xy),
                              make_atom(g, 0, 2, yz)};
        add_rule(g, rules, join, 3);
    }
    ftl_value *tuples = ftl_make_tuples(g->graph, a);
    ftl_value *all = ftl_make_rules(g->graph, 1, &tuples, rules);
    ftl_value *v = ftl_make_dense(g->graph, ftl_make_derived(g->graph, all, 1));
    return note(g, v, (info){.bound = 1, .step = 1});
}

/* ---- graphs ---- */

typedef ftl_value *maker(generator *g);

static void grow(generator *g, uint32_t operations)
{
    static maker *const makers[] = {
        make_leaf, make_leaf, make_smooth, make_smooth, make_sign, make_floor, make_arithmetic,
        make_arithmetic, make_arithmetic, make_quotient, make_power, make_comparison, make_logic,
        make_select, make_cast, make_reduce, make_reduce, make_extreme, make_contract,
        make_contract, make_contract, make_view, make_view, make_view_add, make_reshape,
        make_concat, make_gather, make_gather_add, make_at, make_at, make_loop, make_eigvec,
        make_rules,
    };
    size_t end = g->graph->values.len + operations;
    for (uint32_t attempt = 0; g->graph->values.len < end && attempt < 20 * operations; attempt++) {
        if (g->graph->equation == 0 && chance(g, 10) && !g->graph->parent)
            ftl_graph_set_origin(g->graph, ftl_graph_add_equation(g->graph, "Y", "Y = X",
                                 (ftl_span){1, (uint32_t)attempt, 3}), (ftl_span){1, attempt, 2});
        makers[draw_below(g, FTL_COUNT(makers))](g);
    }
}

graph_gen graph_gen_make(ftl_arena *arena, const graph_gen_options *options)
{
    generator g = {.arena = arena, .graph = ftl_graph_new(arena, NULL), .options = options,
             .random = options->seed * 0x9e3779b97f4a7c15u + options->operations};
    for (int i = 0; i < 3; i++)
        make_leaf(&g);
    grow(&g, options->operations);
    uint8_t *used = FTL_NEW_ARRAY(arena, uint8_t, g.graph->values.len);
    for (size_t i = 0; i < g.graph->values.len; i++)
        for (uint32_t k = 0; k < g.graph->values.data[i]->n_in; k++)
            used[g.graph->values.data[i]->in[k]->id] = 1;
    FTL_VEC(double) tolerance = {0};
    for (size_t i = 0; i < g.graph->values.len; i++) {
        ftl_value *v = g.graph->values.data[i];
        bool is_element = v->op != FTL_OP_LOOP_ && v->op != FTL_OP_RULES_ && !v->tuples;
        if (!is_element || i >= g.infos.len || (used[i] && !chance(&g, 15)))
            continue;
        ftl_graph_add_output(g.graph, ftl_arena_printf(arena, "y%zu", i), v);
        *FTL_VEC_PUSH(arena, &tolerance) = g.infos.data[i].err * 4;
    }
    const char *wrong = ftl_graph_verify(g.graph, arena);
    assert(!wrong);
    (void)wrong;
    return (graph_gen){.graph = g.graph, .tolerance = tolerance.data};
}

ftl_tensor **graph_gen_make_inputs(ftl_arena *arena, const ftl_plan *plan, uint64_t seed)
{
    generator g = {.arena = arena, .random = seed};
    ftl_tensor **inputs = FTL_NEW_ARRAY(arena, ftl_tensor *, plan->inputs.len);
    for (size_t i = 0; i < plan->inputs.len; i++) {
        const ftl_value *v = plan->inputs.data[i];
        if (ftl_tensor_new(ftl_allocator_get_default(), v->dtype, v->rank, v->shape,
                           &inputs[i]) != FTL_OK)
            ftl_arena_fail(arena, FTL_ERR_MEMORY);
        size_t n = (size_t)ftl_value_get_count(v), size = ftl_dtype_get_size(v->dtype);
        for (size_t k = 0; k < n; k++)
            ftl_dtype_put_double(v->dtype, (char *)inputs[i]->data + k * size,
                                 draw_element(&g, v->dtype));
    }
    return inputs;
}

void graph_gen_free_inputs(const ftl_plan *plan, ftl_tensor **inputs)
{
    for (size_t i = 0; i < plan->inputs.len; i++)
        ftl_tensor_release(inputs[i]);
}

static bool is_near(double got, double wanted, double tolerance)
{
    if (isnan(wanted) || isinf(wanted))
        return isnan(wanted) ? isnan(got) : got == wanted;
    return fabs(got - wanted) <= tolerance;
}

const char *graph_gen_compare(ftl_arena *arena, const graph_gen *gen, ftl_tensor *const *got,
                              ftl_tensor *const *wanted)
{
    for (size_t i = 0; i < gen->graph->outputs.len; i++) {
        const ftl_output *o = &gen->graph->outputs.data[i];
        int64_t n = ftl_tensor_get_count(wanted[i]);
        if (got[i]->dtype != wanted[i]->dtype || ftl_tensor_get_count(got[i]) != n)
            return ftl_arena_printf(arena, "output %s: another dtype or shape", o->name);
        for (int64_t k = 0; k < n; k++) {
            double x = ftl_tensor_get_double(got[i], k), y = ftl_tensor_get_double(wanted[i], k);
            if (!is_near(x, y, gen->tolerance[i]))
                return ftl_arena_printf(arena, "output %s (%%%u): element %lld is %.9g, not %.9g "
                                        "(tolerance %.3g)", o->name, o->value->id, (long long)k, x,
                                        y, gen->tolerance[i]);
        }
    }
    return NULL;
}
