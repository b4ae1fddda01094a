/* SPDX-License-Identifier: Apache-2.0
 *
 * Text tree -> raw terms: sums, products and quotients are flattened, calls classified, and every
 * term knows which axes can be seen from outside (free) and in which order they were written.
 */
#include "check/axes.h"

#include <math.h>

raw *axes_make_node(axes_ctx *c, raw_kind kind, const ftl_node *n)
{
    raw *r = FTL_NEW(c->m->arena, raw);
    r->kind = kind;
    r->span = n->span;
    r->name_span = n->name_span;
    return r;
}

void axes_join_order(ftl_arena *arena, raw *r, const raw *part)
{
    uint32_t *order = FTL_NEW_ARRAY(arena, uint32_t, r->n_order + part->n_order);
    uint32_t n = r->n_order;
    axis_set seen = r->free;
    if (n)
        memcpy(order, r->order, n * sizeof(*order));
    for (uint32_t i = 0; i < part->n_order; i++)
        if (!axis_set_has(seen, part->order[i]))
            order[n++] = part->order[i];
    r->order = order;
    r->n_order = n;
    r->free = axis_set_union(arena, r->free, part->free);
}

raw *axes_make_leaf(axes_ctx *c, ftl_expr *leaf, ftl_span span)
{
    raw *r = FTL_NEW(c->m->arena, raw);
    r->kind = RAW_LEAF;
    r->leaf = leaf;
    r->span = r->name_span = span;
    r->free = (axis_set){leaf->axes, leaf->n_axes};
    r->order = leaf->axes;
    r->n_order = leaf->n_axes;
    return r;
}

/* ---- references ---- */

/* Appends coef * axis; equal axes are added up. */
static void put_term(axes_ctx *c, ftl_at_place *p, uint32_t axis, int64_t coef)
{
    if (coef == 0)
        return;
    p->offset -= coef * axes_get_shift(c, axis);
    for (size_t i = 0; i < p->terms.len; i++) {
        if (p->terms.data[i].axis != axis)
            continue;
        p->terms.data[i].coef += coef;
        if (p->terms.data[i].coef == 0)
            p->terms.data[i] = p->terms.data[--p->terms.len];
        return;
    }
    ftl_term *t = FTL_VEC_PUSH(c->m->arena, &p->terms);
    t->axis = axis;
    t->coef = coef;
}

static bool place_affine(axes_ctx *c, const ftl_index *ix, ftl_at_place *p)
{
    p->form = FTL_AT_AFFINE;
    p->symbol = ix->name;
    for (size_t i = 0; i < ix->terms.len; i++) {
        const ftl_index_term *t = &ix->terms.data[i];
        int64_t number = t->has_number ? t->number : 1;
        if (number > INT64_C(1) << 40 || number < -(INT64_C(1) << 40)) {
            ftl_diag_error(c->m->diags, FTL_E_RANGE, t->span,
                           "an index of this size cannot be used");
            return false;
        }
        if (t->name)
            put_term(c, p, axes_get(c, t->name, t->span), t->sign * number);
        else
            p->offset += t->sign * number;
    }
    return true;
}

static bool slice_part(axes_ctx *c, const ftl_node *n, bool *has, int64_t *out)
{
    double x;
    *has = n != NULL;
    if (!n)
        return true;
    if (!axes_eval_number(n, &x) || x != floor(x) || fabs(x) > 1e15) {
        ftl_diag_error(c->m->diags, FTL_E_RANGE, n->span, "a slice bound must be a whole number");
        return false;
    }
    *out = (int64_t)x;
    return true;
}

static bool place_slice(axes_ctx *c, const ftl_index *ix, ftl_at_place *p)
{
    p->form = FTL_AT_SLICE;
    p->step = 1;
    if (!slice_part(c, ix->start, &p->has_start, &p->start) ||
        !slice_part(c, ix->stop, &p->has_stop, &p->stop) ||
        !slice_part(c, ix->step, &p->has_step, &p->step))
        return false;
    if (p->step == 0) {
        ftl_diag_error(c->m->diags, FTL_E_RANGE, ix->span, "a slice cannot have step 0");
        return false;
    }
    put_term(c, p, axes_get(c, axes_name_slice(c, ix), ix->span), p->step);
    return true;
}

static bool place_of(axes_ctx *c, const ftl_index *ix, ftl_at_place *p, axis_set *free)
{
    raw *inner;
    p->span = ix->span;
    switch (ix->kind) {
    case FTL_INDEX_AFFINE:
        return place_affine(c, ix, p);
    case FTL_INDEX_SLICE:
        return place_slice(c, ix, p);
    case FTL_INDEX_ANY: {
        p->form = FTL_AT_AFFINE;
        uint32_t axis = axes_make(c, ftl_intern_cstr(c->m->names, "_"), ix->span);
        c->eq->axes.data[axis].is_fresh = true;
        put_term(c, p, axis, 1);
        return true;
    }
    case FTL_INDEX_TIME:
        p->form = FTL_AT_TIME;
        p->offset = ix->time_offset;
        return true;
    case FTL_INDEX_GATHER:
        p->form = FTL_AT_GATHER;
        inner = axes_make_raw(c, ix->gather);
        if (!inner)
            return false;
        assert(inner->kind == RAW_LEAF);
        p->gather = inner->leaf;
        *free = axis_set_union(c->m->arena, *free, inner->free);
        return true;
    default:
        ftl_diag_error(c->m->diags, FTL_E_AXIS, ix->span,
                       "a block `i/2` can only stand on the left side");
        return false;
    }
}

/* Axes of a reference in the order written, gathers' axes in their place. */
static uint32_t order_of_places(const ftl_expr *e, uint32_t *out, uint32_t n)
{
    for (uint32_t i = 0; i < e->n_places; i++) {
        const ftl_at_place *p = &e->places[i];
        for (size_t k = 0; k < p->terms.len; k++) {
            bool seen = false;
            for (uint32_t q = 0; q < n; q++)
                seen |= out[q] == p->terms.data[k].axis;
            if (!seen)
                out[n++] = p->terms.data[k].axis;
        }
        if (p->gather)
            n = order_of_places(p->gather, out, n);
    }
    return n;
}

static raw *raw_reference(axes_ctx *c, ftl_node *n)
{
    uint64_t tensor;
    ftl_expr *e = ftl_expr_make(c->m, FTL_EXPR_READ, n->span);
    axis_set free = {0};
    if (!ftl_map_find(&c->m->tensor_by_name, FTL_KEY(n->name), &tensor))
        return NULL;
    e->tensor = (uint32_t)tensor;
    e->truth = n->paren && !c->m->tensors.data[tensor].is_boolean;
    e->n_places = (uint32_t)n->indices.len;
    e->places = FTL_NEW_ARRAY(c->m->arena, ftl_at_place, e->n_places);
    for (uint32_t i = 0; i < e->n_places; i++) {
        if (!place_of(c, &n->indices.data[i], &e->places[i], &free))
            return NULL;
        for (size_t k = 0; k < e->places[i].terms.len; k++)
            free = axis_set_union(c->m->arena, free,
                                  axis_set_one(c->m->arena, e->places[i].terms.data[k].axis));
    }
    e->axes = free.a;
    e->n_axes = free.n;
    raw *r = axes_make_leaf(c, e, n->span);
    r->order = FTL_NEW_ARRAY(c->m->arena, uint32_t, free.n);
    r->n_order = order_of_places(e, r->order, 0);
    return r;
}

/* ---- leaves ---- */

/* A double does not hold every whole number: digits are kept as they stand. */
static bool read_digits(const char *s, int64_t *out)
{
    int64_t x = 0;
    for (; *s >= '0' && *s <= '9'; s++)
        if (__builtin_mul_overflow(x, 10, &x) || __builtin_add_overflow(x, *s - '0', &x))
            return false;
    *out = x;
    return *s == '\0';
}

static raw *raw_number(axes_ctx *c, const ftl_node *n, double x)
{
    ftl_expr *e = ftl_expr_make(c->m, FTL_EXPR_NUMBER, n->span);
    e->number = x;
    if (n->kind == FTL_NODE_NUMBER && n->spelling)
        e->has_whole = read_digits(n->spelling, &e->whole);
    return axes_make_leaf(c, e, n->span);
}

/* The value of an index; a left index i+c counts from there. */
static raw *raw_index(axes_ctx *c, const ftl_node *n)
{
    uint32_t axis = axes_get(c, n->name, n->span);
    ftl_expr *e = ftl_expr_make(c->m, FTL_EXPR_INDEX, n->span);
    axis_set one = axis_set_one(c->m->arena, axis);
    e->axis = axis;
    e->axes = one.a;
    e->n_axes = 1;
    if (axes_get_shift(c, axis) == 0)
        return axes_make_leaf(c, e, n->span);
    ftl_expr *moved = ftl_expr_make(c->m, FTL_EXPR_MAP, n->span);
    ftl_expr *offset = ftl_expr_make(c->m, FTL_EXPR_NUMBER, n->span);
    offset->number = (double)-axes_get_shift(c, axis);
    moved->op = FTL_OP_ADD_;
    moved->axes = one.a;
    moved->n_axes = 1;
    *FTL_VEC_PUSH(c->m->arena, &moved->args) = e;
    *FTL_VEC_PUSH(c->m->arena, &moved->args) = offset;
    return axes_make_leaf(c, moved, n->span);
}

/* ---- nested lists ---- */

/* Extents of a list by its first elements; depth levels must be lists, below them numbers. */
static bool list_shape(axes_ctx *c, const ftl_node *n, int64_t *shape, uint32_t rank)
{
    for (uint32_t k = 0; k < rank; k++) {
        if (n->kind != FTL_NODE_LIST) {
            ftl_diag_error(c->m->diags, FTL_E_RANK, n->span,
                           "this list has %u level%s, the left side has %u axes", k,
                           k == 1 ? "" : "s", rank);
            return false;
        }
        shape[k] = (int64_t)n->args.len;
        if (n->args.len == 0) {
            for (uint32_t q = k + 1; q < rank; q++)
                shape[q] = 0;
            return true;
        }
        n = n->args.data[0];
    }
    return true;
}

static bool list_fill(axes_ctx *c, const ftl_node *n, const int64_t *shape, uint32_t rank,
                      double **out)
{
    if (rank == 0) {
        if (!axes_eval_number(n, *out)) {
            ftl_diag_error(c->m->diags, n->kind == FTL_NODE_LIST ? FTL_E_RANK : FTL_E_CONSTANT,
                           n->span,
                           n->kind == FTL_NODE_LIST
                               ? "this list is nested more deeply than the left side has axes"
                               : "a list holds numbers only");
            return false;
        }
        ++*out;
        return true;
    }
    if (n->kind != FTL_NODE_LIST || (int64_t)n->args.len != shape[0]) {
        ftl_diag *d =
            ftl_diag_error(c->m->diags, FTL_E_EXTENT, c->top->span,
                           "the list is ragged: a row has %zu entries, the first one has %lld",
                           n->kind == FTL_NODE_LIST ? n->args.len : (size_t)1, (long long)shape[0]);
        ftl_diag_note(c->m->diags, d, n->span, "this row");
        return false;
    }
    for (size_t i = 0; i < n->args.len; i++)
        if (!list_fill(c, n->args.data[i], shape + 1, rank - 1, out))
            return false;
    return true;
}

ftl_expr *axes_make_literal(axes_ctx *c, ftl_node *list, const uint32_t *order, uint32_t rank)
{
    int64_t shape[FTL_MAX_RANK];
    size_t count = 1;
    ftl_expr *e = ftl_expr_make(c->m, FTL_EXPR_LITERAL, list->span);
    if (!list_shape(c, list, shape, rank))
        return NULL;
    for (uint32_t k = 0; k < rank; k++)
        count *= (size_t)shape[k];
    for (uint32_t k = 0; k < rank; k++) {
        if (axes_get_shift(c, order[k]) != 0) {
            ftl_diag_error(c->m->diags, FTL_E_AXIS, list->span,
                           "a list needs a left side without offsets");
            return NULL;
        }
    }
    for (uint32_t k = 1; k < rank; k++) {
        if (order[k] <= order[k - 1]) {
            ftl_diag_error(c->m->diags, FTL_E_AXIS, list->span,
                           "a list needs a left side of different axes");
            return NULL;
        }
    }
    double *data = FTL_NEW_ARRAY(c->m->arena, double, count + 1), *end = data;
    if (!list_fill(c, list, shape, rank, &end))
        return NULL;
    int64_t *kept = FTL_NEW_ARRAY(c->m->arena, int64_t, rank);
    e->axes = FTL_NEW_ARRAY(c->m->arena, uint32_t, rank);
    for (uint32_t k = 0; k < rank; k++) {
        kept[k] = shape[k];
        e->axes[k] = order[k];
    }
    e->n_axes = rank;
    e->data = data;
    e->shape = kept;
    return e;
}

/* ---- sums and products ---- */

typedef struct part {
    ftl_node *node;
    bool flip;
} part;
typedef FTL_VEC(part) parts;

/* Chains of the operators `plus` and `minus` in the order written, with the flipped ones marked.
 * What stood in parentheses keeps its own projection: a / (b c) stays a quotient of two, a (b c)
 * does not; operands of chains that the parser balanced are part of the chain. Iterative on the
 * left spine, where short chains grow. */
static void flatten(axes_ctx *c, ftl_node *n, const ftl_op op[2], bool flip, parts *out)
{
    parts spine = {0};
    while (n->kind == FTL_NODE_BINARY && (n->op == op[0] || n->op == op[1])) {
        part *p = FTL_VEC_PUSH(c->m->arena, &spine);
        p->node = n->args.data[1];
        p->flip = n->op == op[1];
        n = n->args.data[0];
    }
    part *head = FTL_VEC_PUSH(c->m->arena, out);
    head->node = n;
    head->flip = flip;
    for (size_t i = spine.len; i-- > 0;) {
        part p = spine.data[i];
        bool is_chain =
            p.node->kind == FTL_NODE_BINARY && (p.node->op == op[0] || p.node->op == op[1]);
        if (is_chain && (p.node->balanced || (p.node->op == op[0] && !p.flip))) {
            flatten(c, p.node, op, flip != p.flip, out);
        } else {
            p.flip = p.flip != flip;
            *FTL_VEC_PUSH(c->m->arena, out) = p;
        }
    }
}

static raw *raw_chain(axes_ctx *c, ftl_node *n, raw_kind kind, const parts *list)
{
    raw *r = axes_make_node(c, kind, n);
    bool sound = true;
    r->n_args = (uint32_t)list->len;
    r->args = FTL_NEW_ARRAY(c->m->arena, raw *, list->len);
    r->negative = FTL_NEW_ARRAY(c->m->arena, bool, list->len);
    for (uint32_t i = 0; i < r->n_args; i++) {
        r->negative[i] = list->data[i].flip;
        r->args[i] = axes_make_raw(c, list->data[i].node);
        sound = sound && r->args[i];
        if (r->args[i])
            axes_join_order(c->m->arena, r, r->args[i]);
    }
    return sound ? r : NULL;
}

static void list_atoms(axes_ctx *c, ftl_node *n, parts *out)
{
    if (n->kind == FTL_NODE_BINARY && n->op == FTL_OP_AND && n->implicit) {
        list_atoms(c, n->args.data[0], out);
        list_atoms(c, n->args.data[1], out);
    } else {
        FTL_VEC_PUSH(c->m->arena, out)->node = n;
    }
}

/* Truth as a number: relations, comparisons and logic are 0 or 1 already. */
static raw *raw_truth(axes_ctx *c, raw *a)
{
    bool is_truth = (a->kind == RAW_LEAF && a->leaf->kind == FTL_EXPR_READ &&
                     (a->leaf->truth || c->m->tensors.data[a->leaf->tensor].is_boolean)) ||
                    (a->kind == RAW_OP && ftl_opcode_get_class(a->op) == FTL_OPCLASS_MAP &&
                     a->op >= FTL_OP_EQ_ && a->op <= FTL_OP_NOT_);
    if (is_truth)
        return a;
    raw *r = FTL_NEW(c->m->arena, raw);
    r->kind = RAW_OP;
    r->op = FTL_OP_NE_;
    r->span = r->name_span = a->span;
    r->n_args = 2;
    r->args = FTL_NEW_ARRAY(c->m->arena, raw *, 2);
    r->args[0] = a;
    r->args[1] = axes_make_leaf(c, ftl_expr_make(c->m, FTL_EXPR_NUMBER, a->span), a->span);
    r->free = a->free;
    r->order = a->order;
    r->n_order = a->n_order;
    return r;
}

/* A body `A(x), B(x, y), x != y` is a product of truths. */
static raw *raw_body(axes_ctx *c, ftl_node *n)
{
    parts list = {0};
    list_atoms(c, n, &list);
    raw *r = raw_chain(c, n, RAW_PROD, &list);
    for (uint32_t i = 0; r && i < r->n_args; i++)
        r->args[i] = raw_truth(c, r->args[i]);
    return r;
}

/* ---- operators ---- */

raw *axes_make_op(axes_ctx *c, ftl_node *n, ftl_opcode op, ftl_node *const *args, uint32_t n_args)
{
    raw *r = axes_make_node(c, RAW_OP, n);
    bool sound = true;
    double exponent;
    r->op = op;
    r->n_args = n_args;
    r->args = FTL_NEW_ARRAY(c->m->arena, raw *, n_args);
    for (uint32_t i = 0; i < n_args; i++) {
        r->args[i] = axes_make_raw(c, args[i]);
        sound = sound && r->args[i];
        if (r->args[i])
            axes_join_order(c->m->arena, r, r->args[i]);
    }
    r->grouped_power = op == FTL_OP_POW_ && axes_eval_number(args[1], &exponent) && exponent > 1;
    return sound ? r : NULL;
}

static ftl_opcode opcode_of(ftl_op op)
{
    static const ftl_opcode table[] = {
        [FTL_OP_NEG] = FTL_OP_NEG_, [FTL_OP_NOT] = FTL_OP_NOT_, [FTL_OP_ADD] = FTL_OP_ADD_,
        [FTL_OP_SUB] = FTL_OP_SUB_, [FTL_OP_MUL] = FTL_OP_MUL_, [FTL_OP_DIV] = FTL_OP_DIV_,
        [FTL_OP_POW] = FTL_OP_POW_, [FTL_OP_EQ] = FTL_OP_EQ_,   [FTL_OP_NE] = FTL_OP_NE_,
        [FTL_OP_LT] = FTL_OP_LT_,   [FTL_OP_LE] = FTL_OP_LE_,   [FTL_OP_AND] = FTL_OP_AND_,
        [FTL_OP_OR] = FTL_OP_OR_};
    return table[op];
}

static raw *raw_binary(axes_ctx *c, ftl_node *n)
{
    parts list = {0};
    ftl_node *swapped[2] = {n->args.data[1], n->args.data[0]};
    switch (n->op) {
    case FTL_OP_ADD:
    case FTL_OP_SUB:
        flatten(c, n, (ftl_op[]){FTL_OP_ADD, FTL_OP_SUB}, false, &list);
        return raw_chain(c, n, RAW_SUM, &list);
    case FTL_OP_MUL:
    case FTL_OP_DIV:
        flatten(c, n, (ftl_op[]){FTL_OP_MUL, FTL_OP_DIV}, false, &list);
        return raw_chain(c, n, RAW_PROD, &list);
    case FTL_OP_GT:
        return axes_make_op(c, n, FTL_OP_LT_, swapped, 2);
    case FTL_OP_GE:
        return axes_make_op(c, n, FTL_OP_LE_, swapped, 2);
    default:
        if (n->op == FTL_OP_AND && n->implicit)
            return raw_body(c, n);
        return axes_make_op(c, n, opcode_of(n->op), n->args.data, 2);
    }
}

static raw *raw_unary(axes_ctx *c, ftl_node *n)
{
    parts list = {0};
    if (n->op == FTL_OP_NOT)
        return axes_make_op(c, n, FTL_OP_NOT_, n->args.data, 1);
    part *p = FTL_VEC_PUSH(c->m->arena, &list);
    p->node = n->args.data[0];
    p->flip = true;
    return raw_chain(c, n, RAW_SUM, &list);
}

/* case c1 v1 c2 v2 ... [default] as nested selects, the first true one deciding. */
raw *axes_make_case(axes_ctx *c, ftl_node *n)
{
    uint32_t count = (uint32_t)n->args.len;
    raw *rest = count % 2 ? axes_make_raw(c, n->args.data[count - 1]) : raw_number(c, n, 0);
    for (uint32_t i = count / 2; rest && i-- > 0;) {
        raw *r = axes_make_node(c, RAW_OP, n);
        r->op = FTL_OP_SELECT_;
        r->n_args = 3;
        r->args = FTL_NEW_ARRAY(c->m->arena, raw *, 3);
        r->args[0] = axes_make_raw(c, n->args.data[2 * i]);
        r->args[1] = axes_make_raw(c, n->args.data[2 * i + 1]);
        r->args[2] = rest;
        if (!r->args[0] || !r->args[1])
            return NULL;
        for (int k = 0; k < 3; k++)
            axes_join_order(c->m->arena, r, r->args[k]);
        rest = r;
    }
    return rest;
}

/* ---- reduce(op, i, j) e ---- */

static bool fold_of(const char *name, ftl_projection *out)
{
    static const struct {
        const char *name;
        ftl_projection fold;
    } table[] = {{"sum", FTL_PROJECTION_SUM},  {"max", FTL_PROJECTION_MAX},
                 {"min", FTL_PROJECTION_MIN},  {"avg", FTL_PROJECTION_AVG},
                 {"mean", FTL_PROJECTION_AVG}, {"lse", FTL_PROJECTION_LSE}};
    for (size_t i = 0; i < FTL_COUNT(table); i++) {
        if (strcmp(name, table[i].name) == 0) {
            *out = table[i].fold;
            return true;
        }
    }
    return false;
}

static raw *raw_reduce(axes_ctx *c, ftl_node *n)
{
    raw *r = axes_make_node(c, RAW_FOLD, n);
    raw *arg;
    if (!fold_of(n->name, &r->fold)) {
        ftl_diag *d = ftl_diag_error(c->m->diags, FTL_E_ARGUMENT, n->name_span,
                                     "'%s' is not a reduction", n->name);
        ftl_diag_hint(c->m->diags, d, "%s",
                      strcmp(n->name, "prod") == 0
                          ? "a product is a projection of an equation: P[i] *= ..."
                          : "the reductions are sum, max, min, avg (or mean) and lse");
        return NULL;
    }
    arg = axes_make_raw(c, n->args.data[0]);
    if (!arg)
        return NULL;
    for (size_t i = 0; i < n->axes.len; i++) {
        uint32_t axis = axes_get(c, n->axes.data[i].name, n->axes.data[i].span);
        if (!axis_set_has(arg->free, axis)) {
            ftl_diag *d =
                ftl_diag_error(c->m->diags, FTL_E_AXIS, n->span,
                               "what reduce works on has no axis '%s'", n->axes.data[i].name);
            ftl_diag_note(c->m->diags, d, n->axes.data[i].span, "named here");
            return NULL;
        }
        r->own = axis_set_union(c->m->arena, r->own, axis_set_one(c->m->arena, axis));
    }
    r->args = FTL_NEW(c->m->arena, raw *);
    r->args[0] = arg;
    r->n_args = 1;
    r->free = axis_set_minus(c->m->arena, arg->free, r->own);
    r->order = FTL_NEW_ARRAY(c->m->arena, uint32_t, arg->n_order);
    for (uint32_t i = 0; i < arg->n_order; i++)
        if (!axis_set_has(r->own, arg->order[i]))
            r->order[r->n_order++] = arg->order[i];
    return r;
}

static raw *raw_list(axes_ctx *c, ftl_node *n)
{
    uint32_t order[FTL_MAX_RANK];
    uint32_t rank = axes_list_left(c, order);
    ftl_expr *e = axes_make_literal(c, n, order, rank);
    return e ? axes_make_leaf(c, e, n->span) : NULL;
}

raw *axes_make_raw(axes_ctx *c, ftl_node *n)
{
    switch (n->kind) {
    case FTL_NODE_NUMBER:
    case FTL_NODE_BOOL:
        return raw_number(c, n, n->number);
    case FTL_NODE_NAME:
        return raw_index(c, n);
    case FTL_NODE_REF:
        return raw_reference(c, n);
    case FTL_NODE_CALL:
        return axes_make_call(c, n);
    case FTL_NODE_UNARY:
        return raw_unary(c, n);
    case FTL_NODE_BINARY:
        return raw_binary(c, n);
    case FTL_NODE_SELECT:
        return axes_make_op(c, n, FTL_OP_SELECT_, n->args.data, 3);
    case FTL_NODE_CASE:
        return axes_make_case(c, n);
    case FTL_NODE_REDUCE:
        return raw_reduce(c, n);
    case FTL_NODE_LIST:
        return raw_list(c, n);
    default:
        ftl_diag_error(c->m->diags, FTL_E_ARGUMENT, n->span, "this has no number to compute with");
        return NULL;
    }
}
