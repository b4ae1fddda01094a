/* SPDX-License-Identifier: Apache-2.0
 *
 * The axes stage: left sides, sets of axes, and the order of work of one equation.
 */
#include "check/axes.h"

#include <stdlib.h>

axis_set axis_set_one(ftl_arena *arena, uint32_t axis)
{
    axis_set s = {FTL_NEW(arena, uint32_t), 1};
    s.a[0] = axis;
    return s;
}

bool axis_set_has(axis_set s, uint32_t axis)
{
    return ftl_axes_has(s.a, s.n, axis);
}

static bool is_subset(axis_set a, axis_set b)
{
    if (a.n > b.n)
        return false;
    for (uint32_t i = 0; i < a.n; i++)
        if (!axis_set_has(b, a.a[i]))
            return false;
    return true;
}

axis_set axis_set_union(ftl_arena *arena, axis_set a, axis_set b)
{
    if (is_subset(b, a))
        return a;
    if (is_subset(a, b))
        return b;
    axis_set s = {FTL_NEW_ARRAY(arena, uint32_t, a.n + b.n), 0};
    uint32_t i = 0, j = 0;
    while (i < a.n || j < b.n) {
        if (j == b.n || (i < a.n && a.a[i] < b.a[j]))
            s.a[s.n++] = a.a[i++];
        else if (i == a.n || b.a[j] < a.a[i])
            s.a[s.n++] = b.a[j++];
        else
            s.a[s.n++] = a.a[i++], j++;
    }
    return s;
}

axis_set axis_set_minus(ftl_arena *arena, axis_set a, axis_set b)
{
    axis_set s = {FTL_NEW_ARRAY(arena, uint32_t, a.n), 0};
    for (uint32_t i = 0; i < a.n; i++)
        if (!axis_set_has(b, a.a[i]))
            s.a[s.n++] = a.a[i];
    return s;
}

uint32_t axes_make(axes_ctx *c, const char *name, ftl_span span)
{
    ftl_axis *x = FTL_VEC_PUSH(c->m->arena, &c->eq->axes);
    uint64_t found;
    x->name = name;
    x->span = span;
    x->extent = -1;
    x->domain = -1;
    x->block_of = -1;
    if (ftl_map_find(&c->m->axis_extent, FTL_KEY(name), &found))
        x->is_global = true;
    if (ftl_map_find(&c->m->domain_by_name, FTL_KEY(name), &found))
        x->is_global = true;
    return (uint32_t)(c->eq->axes.len - 1);
}

uint32_t axes_get(axes_ctx *c, const char *name, ftl_span span)
{
    for (size_t i = c->aliases.len; i-- > 0;)
        if (c->aliases.data[i].name == name)
            return c->aliases.data[i].axis;
    for (uint32_t i = 0; i < c->eq->axes.len; i++)
        if (c->eq->axes.data[i].name == name)
            return i;
    return axes_make(c, name, span);
}

int64_t axes_get_shift(const axes_ctx *c, uint32_t axis)
{
    return c->eq->axes.data[axis].shift;
}

uint32_t axes_list_left(axes_ctx *c, uint32_t *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->eq->n_left; i++) {
        const ftl_at_place *p = &c->eq->left[i];
        if (p->form == FTL_AT_AFFINE && p->terms.len == 1)
            out[n++] = p->terms.data[0].axis;
    }
    return n;
}

bool axes_eval_number(const ftl_node *n, double *out)
{
    double a, b;
    if (n->kind == FTL_NODE_NUMBER || n->kind == FTL_NODE_BOOL) {
        *out = n->number;
        return true;
    }
    if (n->kind == FTL_NODE_UNARY && n->op == FTL_OP_NEG && axes_eval_number(n->args.data[0], &a)) {
        *out = -a;
        return true;
    }
    if (n->kind != FTL_NODE_BINARY || !axes_eval_number(n->args.data[0], &a) ||
        !axes_eval_number(n->args.data[1], &b))
        return false;
    switch (n->op) {
    case FTL_OP_ADD:
        *out = a + b;
        return true;
    case FTL_OP_SUB:
        *out = a - b;
        return true;
    case FTL_OP_MUL:
        *out = a * b;
        return true;
    case FTL_OP_DIV:
        *out = a / b;
        return b != 0;
    default:
        return false;
    }
}

/* ---- the left side ---- */

static void put_term(axes_ctx *c, ftl_at_place *p, uint32_t axis)
{
    ftl_term *t = FTL_VEC_PUSH(c->m->arena, &p->terms);
    t->axis = axis;
    t->coef = 1;
}

static uint32_t left_axis(axes_ctx *c, const char *name, ftl_span span)
{
    uint32_t axis = axes_get(c, name, span);
    c->eq->axes.data[axis].is_left = true;
    c->left = axis_set_union(c->m->arena, c->left, axis_set_one(c->m->arena, axis));
    return axis;
}

static void left_affine(axes_ctx *c, const ftl_index *ix, ftl_at_place *p)
{
    const ftl_index_term *var = NULL;
    p->form = FTL_AT_AFFINE;
    for (size_t i = 0; i < ix->terms.len; i++) {
        const ftl_index_term *t = &ix->terms.data[i];
        if (!t->name) {
            p->offset += t->sign * t->number;
        } else if (var || t->sign < 0 || (t->has_number && t->number != 1)) {
            ftl_diag_error(
                c->m->diags, FTL_E_AXIS, ix->span,
                "a left index is a name, a number, a name with an offset or a block `i/2`");
            c->failed = true;
            return;
        } else {
            var = t;
        }
    }
    if (!var) {
        p->symbol = ix->name;
        if (p->offset < 0 && !ix->name) {
            ftl_diag_error(c->m->diags, FTL_E_RANGE, ix->span,
                           "a constant index on the left cannot be negative");
            c->failed = true;
        }
        return;
    }
    uint32_t axis = axes_get(c, var->name, var->span);
    ftl_axis *x = &c->eq->axes.data[axis];
    if (x->is_left && x->shift != p->offset) {
        ftl_diag_error(c->m->diags, FTL_E_AXIS, ix->span,
                       "axis '%s' stands twice on the left side, with different offsets", x->name);
        c->failed = true;
        return;
    }
    x->shift = p->offset;
    p->offset = 0;
    put_term(c, p, left_axis(c, var->name, var->span));
}

static void left_block(axes_ctx *c, const ftl_index *ix, ftl_at_place *p)
{
    double d = 0;
    p->form = FTL_AT_AFFINE;
    if (!axes_eval_number(ix->divisor, &d) || !(d >= 1 && d <= 1e15) ||
        d != (double)(int64_t)d) {
        ftl_diag_error(c->m->diags, FTL_E_AXIS, ix->span,
                       "the block size of a left index must be a whole number of at least 1");
        c->failed = true;
        return;
    }
    const char *made = ftl_arena_printf(c->m->arena, "%s/%lld", ix->name, (long long)d);
    uint32_t inner = axes_get(c, ix->name, ix->span);
    uint32_t outer = left_axis(c, ftl_intern_cstr(c->m->names, made), ix->span);
    c->eq->axes.data[outer].block_of = (int32_t)inner;
    c->eq->axes.data[outer].block = (int64_t)d;
    c->eq->axes.data[inner].is_left = true;
    axis_set one = axis_set_one(c->m->arena, inner);
    c->left = axis_set_union(c->m->arena, c->left, one);
    c->blocked = axis_set_union(c->m->arena, c->blocked, one);
    put_term(c, p, outer);
}

const char *axes_name_slice(axes_ctx *c, const ftl_index *ix)
{
    ftl_strbuf sb;
    if (ix->name)
        return ix->name;
    ftl_strbuf_init(&sb, c->m->arena);
    const ftl_node *parts[3] = {ix->start, ix->stop, ix->step};
    for (int i = 0; i < 3; i++) {
        double x;
        if (i > 0 && (i < 2 || parts[i]))
            ftl_strbuf_putc(&sb, ':');
        if (parts[i] && axes_eval_number(parts[i], &x))
            ftl_strbuf_put_double(&sb, x);
    }
    return ftl_intern_cstr(c->m->names, ftl_strbuf_get(&sb));
}

static void left_place(axes_ctx *c, const ftl_index *ix, ftl_at_place *p)
{
    p->span = ix->span;
    switch (ix->kind) {
    case FTL_INDEX_AFFINE:
        left_affine(c, ix, p);
        break;
    case FTL_INDEX_DIV:
        left_block(c, ix, p);
        break;
    case FTL_INDEX_SLICE:
        p->form = FTL_AT_AFFINE;
        put_term(c, p, left_axis(c, axes_name_slice(c, ix), ix->span));
        break;
    case FTL_INDEX_TIME:
        p->form = FTL_AT_TIME;
        p->offset = ix->time_offset;
        break;
    default:
        ftl_diag_error(c->m->diags, FTL_E_AXIS, ix->span,
                       ix->kind == FTL_INDEX_ANY ? "`_` cannot stand on the left side"
                                                 : "a gather cannot stand on the left side");
        c->failed = true;
    }
    if (ix->dotted && p->terms.len == 1)
        c->eq->dotted = (int32_t)p->terms.data[0].axis;
}

static ftl_projection projection_of(ftl_proj proj)
{
    switch (proj) {
    case FTL_PROJ_MAX:
        return FTL_PROJECTION_MAX;
    case FTL_PROJ_MIN:
        return FTL_PROJECTION_MIN;
    case FTL_PROJ_AVG:
        return FTL_PROJECTION_AVG;
    case FTL_PROJ_PROD:
        return FTL_PROJECTION_PROD;
    case FTL_PROJ_LSE:
        return FTL_PROJECTION_LSE;
    default:
        return FTL_PROJECTION_SUM;
    }
}

/* ---- one equation ---- */

static ftl_expr *literal_of(axes_ctx *c, ftl_node *rhs)
{
    uint32_t order[FTL_MAX_RANK];
    return axes_make_literal(c, rhs, order, axes_list_left(c, order));
}

static void count_uses(ftl_equation *eq, const ftl_expr *e)
{
    if (e->kind == FTL_EXPR_INDEX)
        eq->axes.data[e->axis].uses++;
    for (uint32_t i = 0; i < e->n_places; i++)
        for (size_t k = 0; k < e->places[i].terms.len; k++)
            eq->axes.data[e->places[i].terms.data[k].axis].uses++;
    if (e->kind == FTL_EXPR_LITERAL)
        for (uint32_t i = 0; i < e->n_axes; i++)
            eq->axes.data[e->axes[i]].uses++;
    for (uint32_t i = 0; e->call && i < e->call->n_new; i++)
        eq->axes.data[e->call->new_axes[i]].uses++;
    const ftl_expr *part;
    for (size_t at = 0; (part = ftl_expr_next_part(e, &at));)
        count_uses(eq, part);
}

static int compare_axis(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void collect_projected(ftl_model *m, ftl_equation *eq, const ftl_expr *e)
{
    for (uint32_t i = 0; e->kind == FTL_EXPR_REDUCE && i < e->n_over; i++) {
        bool known = false;
        for (size_t k = 0; k < eq->projected.len; k++)
            known |= eq->projected.data[k] == e->over[i];
        if (!known)
            *FTL_VEC_PUSH(m->arena, &eq->projected) = e->over[i];
    }
    const ftl_expr *part;
    for (size_t at = 0; (part = ftl_expr_next_part(e, &at));)
        collect_projected(m, eq, part);
}

static void check_equation(ftl_model *m, ftl_equation *eq)
{
    axes_ctx c = {.m = m, .eq = eq, .top = eq->stmt->rhs};
    const ftl_node *lhs = eq->stmt->lhs;
    eq->dotted = -1;
    eq->proj = projection_of(eq->stmt->proj);
    eq->n_left = (uint32_t)lhs->indices.len;
    eq->left = FTL_NEW_ARRAY(m->arena, ftl_at_place, eq->n_left);
    for (uint32_t i = 0; i < eq->n_left; i++)
        left_place(&c, &lhs->indices.data[i], &eq->left[i]);
    if (c.failed)
        return;
    if (eq->stmt->rhs->kind == FTL_NODE_LIST && !eq->stmt->guard) {
        eq->value = literal_of(&c, eq->stmt->rhs);
    } else {
        raw *rhs = axes_make_raw(&c, eq->stmt->rhs);
        raw *guard = eq->stmt->guard ? axes_make_raw(&c, eq->stmt->guard) : NULL;
        if (!rhs || (eq->stmt->guard && !guard))
            return;
        eq->value = axes_project(&c, rhs, guard);
    }
    if (!eq->value)
        return;
    count_uses(eq, eq->value);
    collect_projected(m, eq, eq->value);
    if (eq->projected.len > 1)
        qsort(eq->projected.data, eq->projected.len, sizeof(uint32_t), compare_axis);
}

void ftl_check_axes(ftl_model *m)
{
    for (size_t i = 0; i < m->equations.len; i++)
        if (m->equations.data[i].stmt)
            check_equation(m, &m->equations.data[i]);
}
