/* SPDX-License-Identifier: Apache-2.0
 *
 * Where each axis is summed (language.md section 3, rule 3).
 *
 * A term is converted under a scope: `keep` are the axes that the left side or an enclosing product
 * needs, `used` those that other parts of the same term use. An eager term (a summand of the right
 * side or of a function's argument, a factor) sums what it has beyond `keep`; a lazy one (operand
 * of an operator or of an axis function) hands it on. In all of them a product sums the axes that
 * two of its factors share and nobody around needs, and a function of one argument sums what nobody
 * outside uses. Under max= and its kin the sums and products at the top (`whole`) hand everything
 * on to the right side, which reduces it at once.
 */
#include "check/axes.h"

#include <math.h>

typedef struct scope {
    axis_set keep, used;
    bool eager, whole;
    const raw *func; /* the function whose argument this is, for warnings */
} scope;

static ftl_expr *convert(axes_ctx *c, const raw *r, scope s);

static axis_set axes_of(const ftl_expr *e)
{
    return (axis_set){e->axes, e->n_axes};
}

static void add_arg(axes_ctx *c, ftl_expr *e, ftl_expr *arg)
{
    axis_set u = axis_set_union(c->m->arena, axes_of(e), axes_of(arg));
    *FTL_VEC_PUSH(c->m->arena, &e->args) = arg;
    e->axes = u.a;
    e->n_axes = u.n;
}

static ftl_expr *make_map(axes_ctx *c, ftl_opcode op, ftl_span span)
{
    ftl_expr *e = ftl_expr_make(c->m, FTL_EXPR_MAP, span);
    e->op = op;
    return e;
}

static ftl_expr *make_map2(axes_ctx *c, ftl_opcode op, ftl_expr *a, ftl_expr *b)
{
    ftl_expr *e = make_map(c, op, ftl_span_join(a->span, b->span));
    add_arg(c, e, a);
    add_arg(c, e, b);
    return e;
}

static ftl_expr *make_number(axes_ctx *c, double x, ftl_span span)
{
    ftl_expr *e = ftl_expr_make(c->m, FTL_EXPR_NUMBER, span);
    e->number = x;
    return e;
}

/* Reduces the axes of e that are in over; e itself when there is none. */
static ftl_expr *make_reduce(axes_ctx *c, ftl_projection fold, ftl_expr *e, axis_set over)
{
    axis_set rest = axis_set_minus(c->m->arena, axes_of(e), over);
    axis_set gone = axis_set_minus(c->m->arena, axes_of(e), rest);
    if (gone.n == 0)
        return e;
    ftl_expr *r = ftl_expr_make(c->m, FTL_EXPR_REDUCE, e->span);
    r->reduce = fold;
    r->over = gone.a;
    r->n_over = gone.n;
    *FTL_VEC_PUSH(c->m->arena, &r->args) = e;
    r->axes = rest.a;
    r->n_axes = rest.n;
    return r;
}

/* An eager term sums what is left over; a lazy one hands it on. */
static ftl_expr *finish(axes_ctx *c, const raw *r, ftl_expr *e, scope s)
{
    axis_set over;
    if (!s.eager || !e)
        return e;
    over = axis_set_minus(c->m->arena, axes_of(e), s.keep);
    if (over.n && s.func && !r->grouped_power)
        axes_warn_sum_first(c, s.func, over);
    return make_reduce(c, FTL_PROJECTION_SUM, e, over);
}

/* Axes that at least two of the parts use. */
static axis_set shared_axes(axes_ctx *c, raw *const *args, uint32_t n)
{
    uint32_t *count = FTL_NEW_ARRAY(c->m->arena, uint32_t, c->eq->axes.len);
    axis_set s = {FTL_NEW_ARRAY(c->m->arena, uint32_t, c->eq->axes.len), 0};
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < args[i]->free.n; k++)
            count[args[i]->free.a[k]]++;
    for (uint32_t k = 0; k < c->eq->axes.len; k++)
        if (count[k] > 1)
            s.a[s.n++] = k;
    return s;
}

/* ---- sums ---- */

static ftl_expr *convert_sum(axes_ctx *c, const raw *r, scope s)
{
    bool flips = false;
    if (!s.eager)
        s.used = axis_set_union(c->m->arena, s.used, shared_axes(c, r->args, r->n_args));
    ftl_expr *e = make_map(c, FTL_OP_ADD_, r->span);
    for (uint32_t i = 0; i < r->n_args; i++) {
        ftl_expr *part = convert(c, r->args[i], s);
        if (!part)
            return NULL;
        flips |= r->negative[i] && i == 1 && r->n_args == 2 && !r->negative[0];
        if (r->negative[i] && !flips) {
            ftl_expr *neg = make_map(c, FTL_OP_NEG_, part->span);
            add_arg(c, neg, part);
            part = neg;
        }
        add_arg(c, e, part);
    }
    if (flips)
        e->op = FTL_OP_SUB_;
    return r->n_args == 1 ? e->args.data[0] : e;
}

/* ---- products ---- */

/* Factors in the order written: runs of multiplications are one n-ary MUL. */
static ftl_expr *fold_factors(axes_ctx *c, const raw *r, ftl_expr *const *part)
{
    ftl_expr *e = part[0];
    bool open = false;
    for (uint32_t i = 1; i < r->n_args; i++) {
        if (r->negative[i]) {
            e = make_map2(c, FTL_OP_DIV_, e, part[i]);
            open = false;
        } else if (open) {
            add_arg(c, e, part[i]);
        } else {
            ftl_expr *m = make_map(c, FTL_OP_MUL_, r->span);
            add_arg(c, m, e);
            add_arg(c, m, part[i]);
            e = m;
            open = true;
        }
    }
    return e;
}

static ftl_expr *convert_product(axes_ctx *c, const raw *r, scope s)
{
    axis_set shared = shared_axes(c, r->args, r->n_args);
    axis_set joined = axis_set_minus(c->m->arena, shared, s.keep);
    ftl_expr **part = FTL_NEW_ARRAY(c->m->arena, ftl_expr *, r->n_args);
    scope inner = s;
    inner.keep = axis_set_union(c->m->arena, s.keep, joined);
    inner.used = axis_set_union(c->m->arena, s.eager ? s.keep : s.used, joined);
    for (uint32_t i = 0; i < r->n_args; i++) {
        scope own = inner;
        own.eager = s.eager && !r->negative[i];
        part[i] = convert(c, r->args[i], own);
        if (!part[i])
            return NULL;
    }
    ftl_expr *e = fold_factors(c, r, part);
    if (s.eager)
        joined = axis_set_minus(c->m->arena, axes_of(e), s.keep);
    return s.whole ? e : make_reduce(c, FTL_PROJECTION_SUM, e, joined);
}

/* ---- operators, functions, calls ---- */

/* The sum over axes that stand for anything (`_`). */
static ftl_expr *reduce_fresh(axes_ctx *c, ftl_expr *e)
{
    axis_set fresh = {FTL_NEW_ARRAY(c->m->arena, uint32_t, e->n_axes), 0};
    for (uint32_t k = 0; k < e->n_axes; k++)
        if (c->eq->axes.data[e->axes[k]].is_fresh)
            fresh.a[fresh.n++] = e->axes[k];
    return make_reduce(c, FTL_PROJECTION_SUM, e, fresh);
}

static ftl_expr *convert_op(axes_ctx *c, const raw *r, scope s)
{
    scope inner = {.keep = s.keep, .used = s.eager ? s.keep : s.used};
    inner.used = axis_set_union(c->m->arena, inner.used, shared_axes(c, r->args, r->n_args));
    ftl_expr *e = make_map(c, r->op, r->span);
    for (uint32_t i = 0; i < r->n_args; i++) {
        ftl_expr *part = convert(c, r->args[i], inner);
        if (!part)
            return NULL;
        add_arg(c, e, r->op == FTL_OP_NOT_ ? reduce_fresh(c, part) : part);
    }
    return finish(c, r, e, s);
}

static ftl_expr *make_call(axes_ctx *c, const raw *r)
{
    ftl_expr *e = ftl_expr_make(c->m, FTL_EXPR_CALL, r->span);
    e->builtin = r->builtin;
    e->call = r->call;
    return e;
}

static bool convert_option(axes_ctx *c, ftl_expr *e, const raw *option, scope s, ftl_expr **out)
{
    if (!option)
        return true;
    *out = convert(c, option, s);
    if (!*out)
        return false;
    axis_set u = axis_set_union(c->m->arena, axes_of(e), axes_of(*out));
    e->axes = u.a;
    e->n_axes = u.n;
    return true;
}

static bool convert_options(axes_ctx *c, ftl_expr *e, const raw *r, scope s)
{
    return convert_option(c, e, r->mask, s, &e->call->mask) &&
           convert_option(c, e, r->scale, s, &e->call->scale) &&
           convert_option(c, e, r->temperature, s, &e->call->temperature) &&
           convert_option(c, e, r->position, s, &e->call->position);
}

static ftl_expr *convert_func(axes_ctx *c, const raw *r, scope s)
{
    axis_set needed = axis_set_union(c->m->arena, s.keep, s.eager ? s.keep : s.used);
    scope inner = {.keep = needed, .used = needed, .eager = true, .func = r};
    scope option = {.keep = needed, .used = needed};
    ftl_expr *e = make_call(c, r);
    ftl_expr *part = convert(c, r->args[0], inner);
    if (!part)
        return NULL;
    add_arg(c, e, part);
    if (!convert_options(c, e, r, option))
        return NULL;
    return finish(c, r, e, s);
}

static void set_axes(ftl_expr *e, axis_set s)
{
    e->axes = s.a;
    e->n_axes = s.n;
}

/* Axes of a call's result from those of its operands. */
static void result_axes(axes_ctx *c, const raw *r, ftl_expr *e)
{
    axis_set gone = {0};
    if (r->builtin == FTL_BUILTIN_ATTENTION) {
        gone = axis_set_one(c->m->arena, r->call->part_axes[1]);
        if (r->call->part_axes[0] != r->call->part_axes[2])
            gone =
                axis_set_union(c->m->arena, gone, axis_set_one(c->m->arena, r->call->part_axes[0]));
    } else if (r->builtin == FTL_BUILTIN_CONCAT || r->builtin == FTL_BUILTIN_TOPK ||
               ftl_builtin_get_info(r->builtin)->class_ == FTL_BUILTIN_CLASS_FOLD) {
        gone = r->own;
    }
    set_axes(e, axis_set_minus(c->m->arena, axes_of(e), gone));
    for (uint32_t i = 0; i < r->call->n_new; i++) {
        axis_set one = axis_set_one(c->m->arena, r->call->new_axes[i]);
        set_axes(e, axis_set_union(c->m->arena, axes_of(e), one));
    }
}

static ftl_expr *convert_call(axes_ctx *c, const raw *r, scope s)
{
    scope inner = {.keep = axis_set_union(c->m->arena, s.keep, r->own)};
    inner.used = axis_set_union(c->m->arena, s.eager ? s.keep : s.used, r->own);
    inner.used = axis_set_union(c->m->arena, inner.used, shared_axes(c, r->args, r->n_args));
    ftl_expr *e = make_call(c, r);
    for (uint32_t i = 0; i < r->n_args; i++) {
        ftl_expr *part = convert(c, r->args[i], inner);
        if (!part)
            return NULL;
        add_arg(c, e, part);
    }
    if (!convert_options(c, e, r, inner))
        return NULL;
    result_axes(c, r, e);
    if (s.eager)
        axes_warn_sum_after(c, r, axis_set_minus(c->m->arena, axes_of(e), s.keep));
    return finish(c, r, e, s);
}

static ftl_expr *convert_fold(axes_ctx *c, const raw *r, scope s)
{
    scope inner = {.keep = axis_set_union(c->m->arena, s.keep, r->own)};
    inner.used = axis_set_union(c->m->arena, s.eager ? s.keep : s.used, r->own);
    ftl_expr *e = convert(c, r->args[0], inner);
    if (!e)
        return NULL;
    e = make_reduce(c, r->fold, e, r->own);
    s.func = NULL;
    return finish(c, r, e, s);
}

static ftl_expr *convert(axes_ctx *c, const raw *r, scope s)
{
    if (r->kind != RAW_SUM && r->kind != RAW_PROD)
        s.whole = false;
    switch (r->kind) {
    case RAW_LEAF:
        return finish(c, r, r->leaf, s);
    case RAW_SUM:
        return convert_sum(c, r, s);
    case RAW_PROD:
        return convert_product(c, r, s);
    case RAW_OP:
        return convert_op(c, r, s);
    case RAW_FUNC:
        return convert_func(c, r, s);
    case RAW_CALL:
        return convert_call(c, r, s);
    case RAW_FOLD:
        return convert_fold(c, r, s);
    }
    return NULL;
}

/* ---- blocks of the left side: P[x/2] = F[x] ---- */

static ftl_expr *reduce_blocks(axes_ctx *c, ftl_expr *e, ftl_projection fold)
{
    for (uint32_t outer = 0; outer < c->eq->axes.len; outer++) {
        const ftl_axis *x = &c->eq->axes.data[outer];
        if (x->block_of < 0 || !axis_set_has(axes_of(e), (uint32_t)x->block_of))
            continue;
        axis_set inner = axis_set_one(c->m->arena, (uint32_t)x->block_of);
        ftl_expr *r = make_reduce(c, fold, e, inner);
        r->block = x->block;
        r->into = outer;
        set_axes(r, axis_set_union(c->m->arena, axes_of(r), axis_set_one(c->m->arena, outer)));
        e = r;
    }
    return e;
}

/* The only factor with a blocked axis, when it is a sum and the others need no reduction; else -1.
 */
static int64_t blocked_group(axes_ctx *c, const raw *r)
{
    int64_t found = -1;
    for (uint32_t i = 0; i < r->n_args; i++) {
        bool blocked =
            axis_set_minus(c->m->arena, r->args[i]->free, c->blocked).n < r->args[i]->free.n;
        if (blocked && (found >= 0 || r->negative[i] || r->args[i]->kind != RAW_SUM))
            return -1;
        if (blocked)
            found = i;
        else if (axis_set_minus(c->m->arena, r->args[i]->free, c->left).n > 0)
            return -1;
    }
    return found;
}

/* Right side of a sum with blocks: each summand by itself, one without the axis is added once. */
static ftl_expr *convert_blocked(axes_ctx *c, const raw *r, scope s)
{
    int64_t group;
    if (r->kind == RAW_SUM) {
        ftl_expr *e = make_map(c, FTL_OP_ADD_, r->span);
        for (uint32_t i = 0; i < r->n_args; i++) {
            ftl_expr *part = convert_blocked(c, r->args[i], s);
            if (!part)
                return NULL;
            ftl_expr *neg = make_map(c, FTL_OP_NEG_, part->span);
            if (r->negative[i])
                add_arg(c, neg, part);
            add_arg(c, e, r->negative[i] ? neg : part);
        }
        return r->n_args == 1 ? e->args.data[0] : e;
    }
    if (r->kind == RAW_PROD && (group = blocked_group(c, r)) >= 0) {
        ftl_expr **part = FTL_NEW_ARRAY(c->m->arena, ftl_expr *, r->n_args);
        for (uint32_t i = 0; i < r->n_args; i++) {
            part[i] = i == group ? convert_blocked(c, r->args[i], s) : convert(c, r->args[i], s);
            if (!part[i])
                return NULL;
        }
        return fold_factors(c, r, part);
    }
    ftl_expr *e = convert(c, r, s);
    return e ? reduce_blocks(c, e, FTL_PROJECTION_SUM) : NULL;
}

/* ---- the right side ---- */

static ftl_expr *select_by(axes_ctx *c, ftl_expr *guard, ftl_expr *e, double otherwise)
{
    ftl_expr *s = make_map(c, FTL_OP_SELECT_, e->span);
    add_arg(c, s, guard);
    add_arg(c, s, e);
    add_arg(c, s, make_number(c, otherwise, e->span));
    return s;
}

static ftl_expr *reduce_right(axes_ctx *c, ftl_expr *e, ftl_projection proj)
{
    e = make_reduce(c, proj, e, axis_set_minus(c->m->arena, axes_of(e), c->left));
    return reduce_blocks(c, e, proj);
}

/* Guard g with the axes of e as well: g and (e == e or true). */
static ftl_expr *spread_over(axes_ctx *c, ftl_expr *g, ftl_expr *e)
{
    ftl_expr *same = make_map2(c, FTL_OP_EQ_, e, e);
    ftl_expr *always = make_map2(c, FTL_OP_OR_, same, make_number(c, 1, e->span));
    return make_map2(c, FTL_OP_AND_, g, always);
}

/* A guard with axes that are projected acts element by element; the mean counts the places where it
 * holds. */
static ftl_expr *project_guarded(axes_ctx *c, const raw *rhs, const raw *guard)
{
    ftl_projection proj = c->eq->proj;
    axis_set keep = axis_set_union(c->m->arena, c->left, guard->free);
    scope s = {.keep = keep, .used = keep, .whole = proj != FTL_PROJECTION_SUM};
    ftl_expr *e = convert(c, rhs, s);
    s.whole = false;
    ftl_expr *g = convert(c, guard, s);
    if (!e || !g)
        return NULL;
    ftl_expr *chosen = select_by(c, g, e, ftl_projection_get_neutral(proj));
    if (proj != FTL_PROJECTION_AVG)
        return reduce_right(c, chosen, proj);
    ftl_expr *one = select_by(c, spread_over(c, g, e), make_number(c, 1, e->span), 0);
    ftl_expr *total = reduce_right(c, chosen, FTL_PROJECTION_SUM);
    ftl_expr *count = reduce_right(c, one, FTL_PROJECTION_SUM);
    ftl_expr *none = make_map2(c, FTL_OP_LT_, make_number(c, 0, e->span), count);
    return select_by(c, none, make_map2(c, FTL_OP_DIV_, total, count), 0);
}

ftl_expr *axes_project(axes_ctx *c, raw *rhs, raw *guard)
{
    ftl_projection proj = c->eq->proj;
    axis_set outer = axis_set_minus(c->m->arena, c->left, c->blocked);
    scope s = {.keep = c->left, .used = c->left};
    ftl_expr *e;
    if (guard && axis_set_minus(c->m->arena, guard->free, outer).n > 0)
        return project_guarded(c, rhs, guard);
    s.eager = proj == FTL_PROJECTION_SUM;
    s.whole = !s.eager;
    if (s.eager && c->blocked.n)
        e = convert_blocked(c, rhs, s);
    else
        e = convert(c, rhs, s);
    if (!e)
        return NULL;
    if (!s.eager)
        e = reduce_right(c, e, proj);
    if (!guard)
        return e;
    ftl_expr *g = convert(c, guard, (scope){.keep = c->left, .used = c->left});
    return g ? select_by(c, g, e, ftl_projection_get_neutral(proj)) : NULL;
}
