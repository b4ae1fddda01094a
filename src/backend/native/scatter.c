/* SPDX-License-Identifier: Apache-2.0
 *
 * view_add and gather_add: every element of the operand is added at the place that the view or
 * gather would read. One thread, in row-major order of the operand, so the sums of floats are the
 * same each time. 16-bit floats, and f32 where many meet in one place, are added up in f64.
 */
#include "backend/native/ops.h"

#include "base/dtype.h"

#include <math.h>

enum { MANY = 16 };

static bool is_wide(const ftl_value *v)
{
    if (v->dtype == FTL_DTYPE_F32)
        return ftl_value_get_count(v->in[0]) / MANY > ftl_value_get_count(v);
    return v->dtype == FTL_DTYPE_F16 || v->dtype == FTL_DTYPE_BF16;
}

size_t ftl_scatter_get_scratch(const ftl_value *v)
{
    return is_wide(v) ? (size_t)ftl_value_get_count(v) * sizeof(double) : 0;
}

static void add_element(ftl_dtype dtype, void *to, const void *x)
{
    if (dtype == FTL_DTYPE_BOOL) {
        *(uint8_t *)to |= *(const uint8_t *)x;
    } else if (dtype == FTL_DTYPE_F32) {
        *(float *)to += *(const float *)x;
    } else if (dtype == FTL_DTYPE_F64) {
        *(double *)to += *(const double *)x;
    } else {
        uint64_t sum = (uint64_t)ftl_dtype_get_int(dtype, to);
        sum += (uint64_t)ftl_dtype_get_int(dtype, x);
        ftl_dtype_put_int(dtype, to, ftl_vm_wrap(dtype, (int64_t)sum));
    }
}

typedef struct scatter {
    const ftl_native_op *op;
    const ftl_unit *u;
    const ftl_affine *map;
    const ftl_value *x;        /* what is added */
    int64_t place[FTL_MAX_RANK];
    ftl_dtype dtype;           /* of the sums */
    uint8_t *sums;
} scatter;

static bool step_place(const ftl_value *x, int64_t *place)
{
    for (uint32_t k = x->rank; k-- > 0; place[k] = 0)
        if (++place[k] < x->shape[k])
            return true;
    return false;
}

static const uint8_t *get_element(const scatter *s, const ftl_op_operand *x, const uint32_t *sub)
{
    const uint8_t *at = ftl_unit_get(s->u, x->ref);
    for (uint32_t k = 0; k < x->value->rank; k++)
        at += s->place[sub ? sub[k] : k] * x->strides[k];
    return at;
}

/* The place on axis k by an index operand; -1 after noting that it is out of range. */
static int64_t select_place(const scatter *s, uint32_t axis)
{
    uint32_t operand = (uint32_t)s->map[axis].select;
    int64_t extent = s->op->value->shape[axis];
    const ftl_op_operand *x = &s->op->in[operand];
    double index = ftl_dtype_get_double(
        x->value->dtype, get_element(s, x, s->op->value->u.gather->sub[operand]));
    if (index >= 0 && index < (double)extent && index == floor(index))
        return (int64_t)index;
    if (!s->u->exec->failures[0].at)
        s->u->exec->failures[0] = (ftl_vm_failure){.at = s->op->value, .index = index,
                                                   .graph = s->u->plan->graph, .axis = axis};
    return -1;
}

/* Place in the result, flattened; -1: outside. */
static int64_t find_place(const scatter *s)
{
    const ftl_value *y = s->op->value;
    int64_t at[FTL_MAX_RANK], flat = 0;
    for (uint32_t k = 0; k < y->rank; k++) {
        const ftl_affine *m = &s->map[k];
        at[k] = m->offset;
        if (m->select >= 0)
            continue;
        for (uint32_t t = 0; t < m->n; t++)
            at[k] += m->coef[t] * s->place[m->dim[t]];
        if (at[k] < 0 || at[k] >= y->shape[k])
            return -1;
    }
    for (uint32_t k = 0; k < y->rank; k++) {
        if (s->map[k].select >= 0)
            at[k] = select_place(s, k);
        if (at[k] < 0)
            return -1;
        flat = flat * y->shape[k] + at[k];
    }
    return flat;
}

static void add_one(scatter *s)
{
    int64_t at = find_place(s);
    const uint8_t *x = get_element(s, &s->op->in[0], NULL);
    if (at < 0)
        return;
    if (s->dtype != s->x->dtype)
        ((double *)(void *)s->sums)[at] += ftl_dtype_get_double(s->x->dtype, x);
    else
        add_element(s->dtype, s->sums + (size_t)at * ftl_dtype_get_size(s->dtype), x);
}

void ftl_scatter_run(const ftl_native_op *op, const ftl_unit *u)
{
    const ftl_value *y = op->value;
    uint8_t *out = ftl_unit_get(u, op->out.ref);
    size_t n = (size_t)ftl_value_get_count(y);
    scatter s = {.op = op, .u = u, .x = op->in[0].value, .dtype = y->dtype, .sums = out};
    s.map = y->op == FTL_OP_VIEW_ADD_ ? y->u.view->map : y->u.gather->map;
    if (is_wide(y)) {
        s.dtype = FTL_DTYPE_F64;
        s.sums = u->exec->rest;
    }
    if (n > 0)
        memset(s.sums, 0, n * ftl_dtype_get_size(s.dtype));
    if (ftl_value_get_count(s.x) > 0) {
        do
            add_one(&s);
        while (step_place(s.x, s.place));
    }
    if (s.sums != out)
        ftl_dtype_convert(out, y->dtype, s.sums, s.dtype, n);
}
