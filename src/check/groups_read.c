/* SPDX-License-Identifier: Apache-2.0
 *
 * References between tensors, with their signs: whether the head can only grow with what is read.
 * Minus, not, divisors and the left side of < turn the sign; equality, parity and gathered places
 * have none and count as negative.
 */
#include "check/groups.h"

typedef enum sign { SIGN_PLUS, SIGN_MINUS, SIGN_NONE } sign;

typedef struct reader {
    ftl_model *m;
    uint32_t equation;
    const int64_t *newest; /* by tensor: the step of virtual time that this run computes */
    FTL_VEC(groups_read) reads;
} reader;

static sign turn(sign s)
{
    return s == SIGN_PLUS ? SIGN_MINUS : s == SIGN_MINUS ? SIGN_PLUS : SIGN_NONE;
}

static void read_expr(reader *r, const ftl_expr *e, sign s);

/* ---- virtual time ---- */

static int64_t find_step(const ftl_expr *e)
{
    for (uint32_t i = 0; i < e->n_places; i++)
        if (e->places[i].form == FTL_AT_TIME)
            return e->places[i].offset;
    return 0;
}

static const char *write_step(const ftl_model *m, int64_t step)
{
    return step == 0 ? "*t" : ftl_arena_printf(m->arena, "*t%+lld", (long long)step);
}

/* True when the reference is to the step that this run computes, so that it has to wait for it. */
static bool is_now(reader *r, const ftl_expr *e)
{
    const ftl_tensor_decl *t = &r->m->tensors.data[e->tensor];
    int64_t step = find_step(e), newest = r->newest[e->tensor];
    if (!t->has_time || step == newest)
        return true;
    if (step < newest)
        return false;
    ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_TIME, e->span,
                                 "'%s' is read at %s, but its newest step is %s", t->name,
                                 write_step(r->m, step), write_step(r->m, newest));
    if (t->equations.len == 0)
        ftl_diag_hint(r->m->diags, d,
                      "an input is known up to *t; earlier steps are *t-1, *t-2, ...");
    return false;
}

/* ---- expressions ---- */

static void read_tensor(reader *r, const ftl_expr *e, sign s)
{
    if (is_now(r, e)) {
        groups_read *x = FTL_VEC_PUSH(r->m->arena, &r->reads);
        x->equation = r->equation;
        x->head = r->m->equations.data[r->equation].tensor;
        x->tensor = e->tensor;
        x->expr = e;
        x->order = (uint32_t)r->reads.len;
        x->negative = s != SIGN_PLUS;
    }
    const ftl_expr *gather;
    for (size_t at = 0; (gather = ftl_expr_next_part(e, &at));)
        read_expr(r, gather, SIGN_NONE);
}

static bool is_zero(const ftl_expr *e)
{
    return e->kind == FTL_EXPR_NUMBER && e->number == 0;
}

static sign find_operand_sign(const ftl_expr *e, size_t i, sign s)
{
    switch (e->op) {
    case FTL_OP_NEG_:
    case FTL_OP_NOT_:
        return turn(s);
    case FTL_OP_SUB_:
    case FTL_OP_DIV_:
        return i > 0 ? turn(s) : s;
    case FTL_OP_LT_:
    case FTL_OP_LE_:
        return i == 0 ? turn(s) : s;
    case FTL_OP_NE_:
        return is_zero(e->args.data[1]) || is_zero(e->args.data[0]) ? s : SIGN_NONE;
    case FTL_OP_SELECT_:
        return i == 0 ? SIGN_NONE : s;
    case FTL_OP_EQ_:
    case FTL_OP_SIN_:
    case FTL_OP_COS_:
        return SIGN_NONE;
    case FTL_OP_POW_:
        return i == 0 ? s : SIGN_NONE;
    default:
        return s;
    }
}

bool groups_find_constant(const ftl_expr *e, double *out)
{
    double a, b = 0;
    if (e->kind == FTL_EXPR_NUMBER) {
        *out = e->number;
        return true;
    }
    if (e->kind != FTL_EXPR_MAP || e->args.len > 2 || !groups_find_constant(e->args.data[0], &a) ||
        (e->args.len == 2 && !groups_find_constant(e->args.data[1], &b)))
        return false;
    bool known = e->op == FTL_OP_NEG_ || e->op == FTL_OP_ADD_ || e->op == FTL_OP_SUB_ ||
                 e->op == FTL_OP_MUL_;
    *out = e->op == FTL_OP_NEG_   ? -a
           : e->op == FTL_OP_ADD_ ? a + b
           : e->op == FTL_OP_SUB_ ? a - b
                                  : a * b;
    return known;
}

static void read_map(reader *r, const ftl_expr *e, sign s)
{
    bool scales = e->op == FTL_OP_MUL_ || e->op == FTL_OP_DIV_;
    double factor;
    for (size_t i = 0; i < e->args.len && scales; i++)
        if (groups_find_constant(e->args.data[i], &factor) && factor < 0)
            s = turn(s);
    for (size_t i = 0; i < e->args.len; i++)
        read_expr(r, e->args.data[i], find_operand_sign(e, i, s));
}

static void read_call(reader *r, const ftl_expr *e, sign s)
{
    ftl_builtin_class class_ = ftl_builtin_get_info(e->builtin)->class_;
    bool rising = class_ == FTL_BUILTIN_CLASS_EACH && e->builtin != FTL_BUILTIN_SIN &&
                  e->builtin != FTL_BUILTIN_COS && e->builtin != FTL_BUILTIN_GELU_GRAD;
    rising |= e->builtin == FTL_BUILTIN_SUM || e->builtin == FTL_BUILTIN_AMAX ||
              e->builtin == FTL_BUILTIN_AMIN || e->builtin == FTL_BUILTIN_MEAN ||
              e->builtin == FTL_BUILTIN_CONCAT;
    const ftl_expr *part;
    for (size_t at = 0; (part = ftl_expr_next_part(e, &at));)
        read_expr(r, part, rising && at <= e->args.len ? s : SIGN_NONE);
}

static void read_expr(reader *r, const ftl_expr *e, sign s)
{
    switch (e->kind) {
    case FTL_EXPR_READ:
        read_tensor(r, e, s);
        break;
    case FTL_EXPR_MAP:
        read_map(r, e, s);
        break;
    case FTL_EXPR_CALL:
        read_call(r, e, s);
        break;
    case FTL_EXPR_REDUCE:
        read_expr(r, e->args.data[0], s);
        break;
    default:
        break;
    }
}

/* ---- the graph ---- */

static int64_t *find_newest(const ftl_model *m)
{
    int64_t *newest = FTL_NEW_ARRAY(m->arena, int64_t, m->tensors.len);
    for (size_t i = 0; i < m->equations.len; i++) {
        const ftl_equation *eq = &m->equations.data[i];
        for (uint32_t k = 0; eq->left && k < eq->n_left; k++)
            if (eq->left[k].form == FTL_AT_TIME)
                newest[eq->tensor] = eq->left[k].offset;
    }
    return newest;
}

void groups_collect(ftl_model *m, groups_edges *out)
{
    reader r = {.m = m, .newest = find_newest(m)};
    for (size_t i = 0; i < m->equations.len; i++) {
        r.equation = (uint32_t)i;
        if (m->equations.data[i].value)
            read_expr(&r, m->equations.data[i].value, SIGN_PLUS);
    }
    out->len = r.reads.len;
    out->first = FTL_NEW_ARRAY(m->arena, uint32_t, m->tensors.len + 2);
    out->list = FTL_NEW_ARRAY(m->arena, groups_read, r.reads.len);
    for (size_t i = 0; i < r.reads.len; i++)
        out->first[r.reads.data[i].head + 2]++;
    for (size_t i = 2; i < m->tensors.len + 2; i++)
        out->first[i] += out->first[i - 1];
    for (size_t i = 0; i < r.reads.len; i++)
        out->list[out->first[r.reads.data[i].head + 1]++] = r.reads.data[i];
}

const ftl_at_place *groups_find_place(const ftl_tensor_decl *t, const ftl_at_place *places,
                                      uint32_t dim)
{
    return &places[t->has_time && dim >= t->time_place ? dim + 1 : dim];
}
