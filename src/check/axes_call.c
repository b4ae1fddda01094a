/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls: which operands keep which axes, which axis a call works along, which axes it makes. The
 * classes are those of builtin.def; concat, attention and kin have rules of their own.
 */
#include "check/axes.h"

#include <math.h>
#include <strings.h>

static raw *complain(axes_ctx *c, const ftl_node *n, ftl_diag_code code, const char *message)
{
    ftl_diag_error(c->m->diags, code, n->name_span.len ? n->name_span : n->span, "%s: %s", n->name,
                   message);
    return NULL;
}

static raw *make_call(axes_ctx *c, raw_kind kind, const ftl_node *n, ftl_builtin b)
{
    raw *r = axes_make_node(c, kind, n);
    r->builtin = b;
    r->call = FTL_NEW(c->m->arena, ftl_call);
    r->call->eps = 1e-5;
    r->call->k = b == FTL_BUILTIN_TOPK ? 5 : 0;
    r->call->head = c->m->tensors.data[c->eq->tensor].name;
    return r;
}

/* Operands n_args of them; free and order follow. */
static bool take_args(axes_ctx *c, raw *r, const ftl_node *n, uint32_t n_args)
{
    bool sound = true;
    r->n_args = n_args;
    r->args = FTL_NEW_ARRAY(c->m->arena, raw *, n_args);
    for (uint32_t i = 0; i < n_args; i++) {
        r->args[i] = axes_make_raw(c, n->args.data[i]);
        sound = sound && r->args[i];
        if (r->args[i])
            axes_join_order(c->m->arena, r, r->args[i]);
    }
    return sound;
}

static bool take_option(axes_ctx *c, raw *r, ftl_node *n, raw **out)
{
    if (!n)
        return true;
    *out = axes_make_raw(c, n);
    if (*out)
        axes_join_order(c->m->arena, r, *out);
    return *out != NULL;
}

static bool take_number(axes_ctx *c, const ftl_node *n, const char *name, double *out)
{
    const ftl_node *v = ftl_node_find_keyword(n, name);
    if (v && !axes_eval_number(v, out)) {
        ftl_diag_error(c->m->diags, FTL_E_ARGUMENT, v->span, "%s: %s must be a number", n->name,
                       name);
        return false;
    }
    return true;
}

/* ---- the axis that a call works along ---- */

/* Some product inside sums this axis away before the call sees it. */
static bool is_joined(const axes_ctx *c, const raw *r, uint32_t axis)
{
    uint32_t uses = 0;
    if (axis_set_has(c->left, axis) || !axis_set_has(r->free, axis))
        return false;
    for (uint32_t i = 0; i < r->n_args; i++) {
        uses += axis_set_has(r->args[i]->free, axis);
        if (r->kind != RAW_CALL && is_joined(c, r->args[i], axis))
            return true;
    }
    return r->kind == RAW_PROD && uses > 1;
}

/* axis= by name or by place in the argument as written; else the dotted one, else the last. */
static bool find_axis(axes_ctx *c, raw *r, const ftl_node *n, const raw *arg)
{
    const ftl_node *v = ftl_node_find_keyword(n, "axis");
    double place;
    r->call->has_axis = true;
    if (v && axes_eval_number(v, &place)) {
        double p = place < 0 ? place + arg->n_order : place;
        if (p != floor(p) || p < 0 || p >= arg->n_order)
            return complain(c, n, FTL_E_AXIS, "axis= is not a place of its argument") != NULL;
        r->call->axis = arg->order[(uint32_t)p];
        return true;
    }
    if (v) {
        for (uint32_t i = 0; i < arg->n_order; i++) {
            const char *name = c->eq->axes.data[arg->order[i]].name;
            r->call->axis = arg->order[i];
            if (v->name && strcmp(name, v->name) == 0)
                return true;
        }
        ftl_diag_error(c->m->diags, FTL_E_AXIS, n->name_span, "%s: its argument has no axis '%s'",
                       n->name, v->name ? v->name : "?");
        return false;
    }
    if (c->eq->dotted >= 0 && axis_set_has(arg->free, (uint32_t)c->eq->dotted)) {
        r->call->axis = (uint32_t)c->eq->dotted;
        return true;
    }
    r->call->is_last = true;
    for (uint32_t i = arg->n_order; i-- > 0;) {
        r->call->axis = arg->order[i];
        if (!is_joined(c, arg, arg->order[i]))
            return true;
    }
    return complain(c, n, FTL_E_AXIS, "its argument has no axis to work along") != NULL;
}

static void keep_order(axes_ctx *c, raw *r, const raw *arg)
{
    r->call->order = FTL_NEW_ARRAY(c->m->arena, uint32_t, arg->n_order);
    for (uint32_t i = 0; i < arg->n_order; i++)
        if (!is_joined(c, arg, arg->order[i]))
            r->call->order[r->call->n_order++] = arg->order[i];
}

/* ---- softmax, layernorm and kin; sums and maxima along an axis ---- */

static raw *call_norm(axes_ctx *c, ftl_node *n, ftl_builtin b)
{
    raw *r = make_call(c, RAW_CALL, n, b);
    uint32_t n_args = b == FTL_BUILTIN_SOFTMAX_GRAD ? 2 : 1;
    double fill = 0;
    ftl_node *mask = ftl_node_find_keyword(n, "mask");
    if (!mask && b == FTL_BUILTIN_MASKED_SOFTMAX && n->args.len > 1)
        mask = n->args.data[1];
    if (!take_args(c, r, n, n_args) || !find_axis(c, r, n, r->args[0]) ||
        !take_option(c, r, mask, &r->mask) || !take_number(c, n, "eps", &r->call->eps) ||
        !take_number(c, n, "fill", &fill))
        return NULL;
    if (b == FTL_BUILTIN_SOFTMAX && mask)
        r->builtin = FTL_BUILTIN_MASKED_SOFTMAX;
    r->call->has_fill = ftl_node_find_keyword(n, "fill") != NULL;
    r->call->fill = fill;
    r->own = axis_set_one(c->m->arena, r->call->axis);
    return r;
}

static void drop_axes(axes_ctx *c, raw *r, axis_set gone)
{
    uint32_t *order = FTL_NEW_ARRAY(c->m->arena, uint32_t, r->n_order), n = 0;
    for (uint32_t i = 0; i < r->n_order; i++)
        if (!axis_set_has(gone, r->order[i]))
            order[n++] = r->order[i];
    r->order = order;
    r->n_order = n;
    r->free = axis_set_minus(c->m->arena, r->free, gone);
}

static raw *call_fold(axes_ctx *c, ftl_node *n, ftl_builtin b)
{
    raw *r = make_call(c, RAW_CALL, n, b);
    if (!take_args(c, r, n, 1) || !find_axis(c, r, n, r->args[0]))
        return NULL;
    r->own = axis_set_one(c->m->arena, r->call->axis);
    drop_axes(c, r, r->own);
    return r;
}

/* ---- functions of one argument ---- */

static bool find_dtype(const char *name, ftl_dtype *out)
{
    static const struct {
        const char *name;
        ftl_dtype dtype;
    } table[] = {{"bool", FTL_DTYPE_BOOL},     {"uint8", FTL_DTYPE_U8},  {"u8", FTL_DTYPE_U8},
                 {"int8", FTL_DTYPE_I8},       {"i8", FTL_DTYPE_I8},     {"int16", FTL_DTYPE_I16},
                 {"i16", FTL_DTYPE_I16},       {"int32", FTL_DTYPE_I32}, {"i32", FTL_DTYPE_I32},
                 {"int64", FTL_DTYPE_I64},     {"i64", FTL_DTYPE_I64},   {"int", FTL_DTYPE_I64},
                 {"float16", FTL_DTYPE_F16},   {"f16", FTL_DTYPE_F16},   {"fp16", FTL_DTYPE_F16},
                 {"bfloat16", FTL_DTYPE_BF16}, {"bf16", FTL_DTYPE_BF16}, {"float32", FTL_DTYPE_F32},
                 {"f32", FTL_DTYPE_F32},       {"fp32", FTL_DTYPE_F32},  {"float", FTL_DTYPE_F32},
                 {"float64", FTL_DTYPE_F64},   {"f64", FTL_DTYPE_F64},   {"fp64", FTL_DTYPE_F64}};
    for (size_t i = 0; name && i < FTL_COUNT(table); i++) {
        if (strcasecmp(name, table[i].name) == 0) {
            *out = table[i].dtype;
            return true;
        }
    }
    return false;
}

/* even(i), odd(i): the parity of an index; a leaf, so that nothing is summed inside. */
static raw *call_parity(axes_ctx *c, const raw *r)
{
    ftl_expr *e = ftl_expr_make(c->m, FTL_EXPR_CALL, r->span);
    e->builtin = r->builtin;
    e->call = r->call;
    e->axes = r->args[0]->leaf->axes;
    e->n_axes = r->args[0]->leaf->n_axes;
    *FTL_VEC_PUSH(c->m->arena, &e->args) = r->args[0]->leaf;
    raw *leaf = axes_make_leaf(c, e, r->span);
    leaf->order = r->order;
    return leaf;
}

static raw *call_each(axes_ctx *c, ftl_node *n, ftl_builtin b)
{
    raw *r = make_call(c, RAW_FUNC, n, b);
    ftl_node *exact = ftl_node_find_keyword(n, "exact");
    ftl_node *temperature = ftl_node_find_keyword(n, "T");
    if (b == FTL_BUILTIN_SIG && n->args.len > 1)
        temperature = n->args.data[1];
    if (!take_args(c, r, n, 1) || !take_option(c, r, temperature, &r->temperature))
        return NULL;
    r->call->exact = exact && exact->number != 0;
    if (b == FTL_BUILTIN_CAST && !find_dtype(n->args.data[1]->name, &r->call->dtype))
        return complain(c, n, FTL_E_DTYPE,
                        "the second argument names an element type, such as bf16 or float64");
    if ((b == FTL_BUILTIN_EVEN || b == FTL_BUILTIN_ODD) && r->args[0]->kind == RAW_LEAF)
        return call_parity(c, r);
    return r;
}

/* ---- attention(q[.., p, d], k[.., s, d], v[.., s, e]) ----
 * The last axis of q and k is the width; the last axis of k before it is the one that is attended
 * over. */

static bool split_attention(axes_ctx *c, raw *r)
{
    const raw *q = r->args[0], *k = r->args[1], *v = r->args[2];
    uint32_t *part = FTL_NEW_ARRAY(c->m->arena, uint32_t, 3);
    if (q->n_order < 2 || k->n_order < 2 || v->n_order < 2)
        return false;
    part[0] = q->order[q->n_order - 1];
    part[2] = v->order[v->n_order - 1];
    if (!axis_set_has(k->free, part[0]))
        return false;
    part[1] =
        k->order[k->n_order - 1] == part[0] ? k->order[k->n_order - 2] : k->order[k->n_order - 1];
    r->call->part_axes = part;
    r->call->n_parts = 3;
    return axis_set_has(v->free, part[1]) && !axis_set_has(q->free, part[1]) && part[1] != part[2];
}

static raw *call_attention(axes_ctx *c, ftl_node *n, ftl_builtin b)
{
    raw *r = make_call(c, RAW_CALL, n, b);
    ftl_node *causal = ftl_node_find_keyword(n, "causal"), *mask = ftl_node_find_keyword(n, "mask"),
             *scale = ftl_node_find_keyword(n, "scale");
    if (!take_args(c, r, n, 3) || !take_option(c, r, mask, &r->mask) ||
        !take_option(c, r, scale, &r->scale))
        return NULL;
    if (!split_attention(c, r))
        return complain(
            c, n, FTL_E_AXIS,
            "needs q[.., p, d], k[.., s, d] and v[.., s, e]: q and k share the last axis, k and v "
            "the one before it");
    r->call->causal = causal && causal->number != 0;
    r->call->has_scale = scale != NULL;
    for (int i = 0; i < 3; i++)
        r->own =
            axis_set_union(c->m->arena, r->own, axis_set_one(c->m->arena, r->call->part_axes[i]));
    axis_set gone = axis_set_one(c->m->arena, r->call->part_axes[1]);
    if (r->call->part_axes[0] != r->call->part_axes[2])
        gone = axis_set_union(c->m->arena, gone, axis_set_one(c->m->arena, r->call->part_axes[0]));
    drop_axes(c, r, gone);
    return r;
}

/* ---- axes by name, before they are made: concat ---- */

typedef FTL_VEC(const char *) name_list;

static void put_name(axes_ctx *c, name_list *list, const char *name)
{
    for (size_t i = 0; i < list->len; i++)
        if (list->data[i] == name)
            return;
    *FTL_VEC_PUSH(c->m->arena, list) = name;
}

/* Axis names of an expression in order of first appearance. */
static void written_names(axes_ctx *c, const ftl_node *n, name_list *list)
{
    for (size_t i = 0; i < n->indices.len; i++) {
        const ftl_index *ix = &n->indices.data[i];
        for (size_t k = 0; k < ix->terms.len; k++)
            if (ix->terms.data[k].name)
                put_name(c, list, ix->terms.data[k].name);
        if (ix->kind == FTL_INDEX_SLICE)
            put_name(c, list, axes_name_slice(c, ix));
        if (ix->gather)
            written_names(c, ix->gather, list);
    }
    if (n->kind == FTL_NODE_REF)
        return;
    for (size_t i = 0; i < n->args.len; i++)
        written_names(c, n->args.data[i], list);
}

static void put_alias(axes_ctx *c, const char *name, uint32_t axis)
{
    axis_alias *a = FTL_VEC_PUSH(c->m->arena, &c->aliases);
    a->name = name;
    a->axis = axis;
}

static bool has_name(const name_list *list, const char *name)
{
    for (size_t i = 0; i < list->len; i++)
        if (list->data[i] == name)
            return true;
    return false;
}

/* Left axes whose name is not in `used`; a single one is what a concat makes. */
static uint32_t spare_left(axes_ctx *c, const name_list *used, uint32_t *axis)
{
    uint32_t left[FTL_MAX_RANK], n = axes_list_left(c, left), count = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (has_name(used, c->eq->axes.data[left[i]].name))
            continue;
        *axis = left[i];
        count++;
    }
    return count;
}

typedef struct join_plan {
    uint32_t place;   /* of the joined axis in each argument */
    uint32_t result;  /* the axis that is made */
    bool by_position; /* the other axes go by their places on the left side */
    uint32_t left[FTL_MAX_RANK], n_left;
} join_plan;

static bool plan_join(axes_ctx *c, ftl_node *n, const name_list *first, join_plan *plan)
{
    const ftl_node *v = ftl_node_find_keyword(n, "axis");
    double x = -1;
    name_list others = {0};
    if (v && !axes_eval_number(v, &x)) {
        for (x = 0;
             x < (double)first->len && (!v->name || strcmp(first->data[(size_t)x], v->name) != 0);
             x++)
            continue;
    }
    x = x < 0 ? x + (double)first->len : x;
    if (x < 0 || x >= (double)first->len || x != floor(x))
        return complain(c, n, FTL_E_AXIS, "axis= is not an axis of its first argument") != NULL;
    plan->place = (uint32_t)x;
    for (uint32_t k = 0; k < first->len; k++)
        if (k != plan->place)
            put_name(c, &others, first->data[k]);
    plan->n_left = axes_list_left(c, plan->left);
    bool fits = c->top == n && plan->n_left == first->len;
    bool all_left = true;
    for (size_t k = 0; k < others.len; k++) {
        bool found = false;
        for (uint32_t i = 0; i < plan->n_left; i++)
            found |= c->eq->axes.data[plan->left[i]].name == others.data[k];
        all_left &= found;
    }
    if (all_left && spare_left(c, &others, &plan->result) == 1)
        return true;
    plan->by_position = true;
    plan->result = fits ? plan->left[plan->place] : 0;
    return fits ||
           complain(c, n, FTL_E_AXIS, "the left side does not tell which axis is joined") != NULL;
}

static raw *join_part(axes_ctx *c, ftl_node *arg, const join_plan *plan, uint32_t *part)
{
    name_list names = {0};
    size_t mark = c->aliases.len;
    written_names(c, arg, &names);
    if (plan->place >= names.len) {
        ftl_diag_error(c->m->diags, FTL_E_AXIS, arg->span,
                       "concat: this argument has too few axes");
        return NULL;
    }
    *part = axes_make(c, names.data[plan->place], arg->span);
    for (uint32_t k = 0; k < names.len && plan->by_position; k++)
        if (k != plan->place && k < plan->n_left)
            put_alias(c, names.data[k], plan->left[k]);
    put_alias(c, names.data[plan->place], *part);
    raw *r = axes_make_raw(c, arg);
    c->aliases.len = mark;
    return r;
}

static void finish_concat(axes_ctx *c, raw *r, uint32_t made)
{
    axis_set one = axis_set_one(c->m->arena, made);
    r->call->new_axes[0] = made;
    r->call->n_new = 1;
    drop_axes(c, r, r->own);
    raw tail = {.free = one, .order = one.a, .n_order = 1};
    axes_join_order(c->m->arena, r, &tail);
}

static raw *call_concat(axes_ctx *c, ftl_node *n, ftl_builtin b)
{
    raw *r = make_call(c, RAW_CALL, n, b);
    name_list first = {0};
    join_plan plan = {0};
    written_names(c, n->args.data[0], &first);
    if (!plan_join(c, n, &first, &plan))
        return NULL;
    r->n_args = (uint32_t)n->args.len;
    r->args = FTL_NEW_ARRAY(c->m->arena, raw *, r->n_args);
    r->call->part_axes = FTL_NEW_ARRAY(c->m->arena, uint32_t, r->n_args);
    r->call->n_parts = r->n_args;
    for (uint32_t i = 0; i < r->n_args; i++) {
        r->args[i] = join_part(c, n->args.data[i], &plan, &r->call->part_axes[i]);
        if (!r->args[i])
            return NULL;
        axes_join_order(c->m->arena, r, r->args[i]);
        r->own =
            axis_set_union(c->m->arena, r->own, axis_set_one(c->m->arena, r->call->part_axes[i]));
    }
    finish_concat(c, r, plan.result);
    return r;
}

/* concat(A[b, h, d]): the axes that the left side does not name become one. */
static raw *call_merge(axes_ctx *c, ftl_node *n, ftl_builtin b)
{
    raw *r = make_call(c, RAW_CALL, n, b);
    name_list names = {0}, kept = {0};
    uint32_t left[FTL_MAX_RANK], n_left = axes_list_left(c, left), made = 0;
    size_t mark = c->aliases.len;
    written_names(c, n->args.data[0], &names);
    for (uint32_t i = 0; i < n_left; i++)
        if (has_name(&names, c->eq->axes.data[left[i]].name))
            put_name(c, &kept, c->eq->axes.data[left[i]].name);
    bool by_name = names.len >= kept.len + 2 && spare_left(c, &kept, &made) == 1;
    if (!by_name && (names.len != n_left + 1u || c->top != n))
        return complain(c, n, FTL_E_AXIS, "the left side does not tell which axes become one");
    if (!by_name)
        made = left[n_left - 1];
    r->call->part_axes = FTL_NEW_ARRAY(c->m->arena, uint32_t, names.len);
    for (uint32_t k = 0; k < names.len; k++) {
        bool is_part = by_name ? !has_name(&kept, names.data[k]) : k + 2 >= names.len;
        uint32_t axis = is_part ? axes_make(c, names.data[k], n->span) : by_name ? 0 : left[k];
        if (is_part)
            r->call->part_axes[r->call->n_parts++] = axis;
        if (is_part || !by_name)
            put_alias(c, names.data[k], axis);
    }
    bool sound = take_args(c, r, n, 1);
    c->aliases.len = mark;
    if (!sound)
        return NULL;
    for (uint32_t k = 0; k < r->call->n_parts; k++)
        r->own =
            axis_set_union(c->m->arena, r->own, axis_set_one(c->m->arena, r->call->part_axes[k]));
    finish_concat(c, r, made);
    return r;
}

/* ---- the rest ---- */

static raw *call_const(axes_ctx *c, ftl_node *n)
{
    uint32_t order[FTL_MAX_RANK], rank = axes_list_left(c, order);
    ftl_node *arg = n->args.data[0];
    double x;
    if (arg->kind != FTL_NODE_LIST) {
        if (!axes_eval_number(arg, &x))
            return complain(c, n, FTL_E_ARGUMENT, "needs a number or a list of numbers");
        return axes_make_raw(c, arg);
    }
    ftl_expr *e = axes_make_literal(c, arg, order, rank);
    return e ? axes_make_leaf(c, e, n->span) : NULL;
}

static raw *call_causal_mask(axes_ctx *c, ftl_node *n, ftl_builtin b)
{
    raw *r = make_call(c, RAW_CALL, n, b);
    uint32_t left[FTL_MAX_RANK], n_left = axes_list_left(c, left);
    double k;
    if (!axes_eval_number(n->args.data[0], &k) || k < 0 || k != floor(k) || k > 1e9)
        return complain(c, n, FTL_E_ARGUMENT, "needs a whole number");
    if (n_left < 2)
        return complain(c, n, FTL_E_AXIS, "makes two axes, the left side has fewer");
    r->call->k = (int64_t)k;
    r->call->n_new = 2;
    for (int i = 0; i < 2; i++) {
        axis_set one = axis_set_one(c->m->arena, left[n_left - 2 + (uint32_t)i]);
        raw part = {.free = one, .order = one.a, .n_order = 1};
        r->call->new_axes[i] = one.a[0];
        axes_join_order(c->m->arena, r, &part);
    }
    return r;
}

static raw *call_topk(axes_ctx *c, ftl_node *n, ftl_builtin b)
{
    raw *r = make_call(c, RAW_CALL, n, b);
    double k = 5;
    uint32_t made = 0, left[FTL_MAX_RANK], n_left = axes_list_left(c, left);
    name_list names = {0};
    if (!take_number(c, n, "k", &k) || k < 1 || k != floor(k) || k > 1e9)
        return complain(c, n, FTL_E_ARGUMENT, "k must be a whole number of at least 1");
    written_names(c, n->args.data[0], &names);
    if (!take_args(c, r, n, 1) || !find_axis(c, r, n, r->args[0]))
        return NULL;
    if (spare_left(c, &names, &made) != 1) {
        if (n_left == 0 || left[n_left - 1] == r->call->axis)
            return complain(c, n, FTL_E_AXIS,
                            "the last left axis counts the k best and needs a name of its own");
        made = left[n_left - 1];
    }
    r->call->k = (int64_t)k;
    r->own = axis_set_one(c->m->arena, r->call->axis);
    finish_concat(c, r, made);
    return r;
}

static raw *call_rope(axes_ctx *c, ftl_node *n, ftl_builtin b)
{
    raw *r = make_call(c, RAW_CALL, n, b);
    if (!take_args(c, r, n, 1))
        return NULL;
    keep_order(c, r, r->args[0]);
    if (r->call->n_order == 0)
        return complain(c, n, FTL_E_AXIS, "its argument has no axis");
    r->call->axis = r->call->order[r->call->n_order - 1];
    r->call->has_axis = true;
    r->own = axis_set_one(c->m->arena, r->call->axis);
    if (n->args.len > 1 && !take_option(c, r, n->args.data[1], &r->position))
        return NULL;
    return r;
}

static raw *call_tucker(axes_ctx *c, ftl_node *n, ftl_builtin b)
{
    raw *r = make_call(c, RAW_CALL, n, b);
    double rank = 0, threshold = 0.5;
    if (!take_number(c, n, "rank", &rank) || !take_number(c, n, "threshold", &threshold))
        return NULL;
    if (rank < 0 || rank != floor(rank) || rank > 1e9)
        return complain(c, n, FTL_E_ARGUMENT, "rank must be a whole number");
    if (!take_args(c, r, n, 1))
        return NULL;
    r->call->k = (int64_t)rank;
    r->call->threshold = threshold;
    keep_order(c, r, r->args[0]);
    r->own = r->args[0]->free;
    return r;
}

static raw *call_extreme(axes_ctx *c, ftl_node *n, ftl_builtin b)
{
    bool is_max = b == FTL_BUILTIN_MAX;
    if (n->args.len > 1)
        return axes_make_op(c, n, is_max ? FTL_OP_MAX_ : FTL_OP_MIN_, n->args.data,
                            (uint32_t)n->args.len);
    return call_fold(c, n, is_max ? FTL_BUILTIN_AMAX : FTL_BUILTIN_AMIN);
}

raw *axes_make_call(axes_ctx *c, ftl_node *n)
{
    ftl_builtin b;
    if (!ftl_builtin_find(n->name, &b))
        return complain(c, n, FTL_E_FUNCTION, "unknown function");
    switch (b) {
    case FTL_BUILTIN_MIN:
    case FTL_BUILTIN_MAX:
        return call_extreme(c, n, b);
    case FTL_BUILTIN_POW:
        return axes_make_op(c, n, FTL_OP_POW_, n->args.data, 2);
    case FTL_BUILTIN_SELECT:
        return axes_make_op(c, n, FTL_OP_SELECT_, n->args.data, 3);
    case FTL_BUILTIN_CASE:
        return axes_make_case(c, n);
    case FTL_BUILTIN_ATTENTION:
        return call_attention(c, n, b);
    case FTL_BUILTIN_CONCAT:
        return n->args.len > 1 ? call_concat(c, n, b) : call_merge(c, n, b);
    case FTL_BUILTIN_CONST:
        return call_const(c, n);
    case FTL_BUILTIN_CAUSAL_MASK:
        return call_causal_mask(c, n, b);
    case FTL_BUILTIN_TOPK:
        return call_topk(c, n, b);
    case FTL_BUILTIN_ROPE:
        return call_rope(c, n, b);
    case FTL_BUILTIN_TUCKER_DENSE:
        return call_tucker(c, n, b);
    default:
        break;
    }
    switch (ftl_builtin_get_info(b)->class_) {
    case FTL_BUILTIN_CLASS_NORM:
        return call_norm(c, n, b);
    case FTL_BUILTIN_CLASS_FOLD:
        return call_fold(c, n, b);
    default:
        return call_each(c, n, b);
    }
}
