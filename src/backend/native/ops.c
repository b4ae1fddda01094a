/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations that are steps of their own: concat and write_at copy boxes; view_add and gather_add
 * add elements where a view or gather read them (scatter.c); topk and eigvec look at whole rows and
 * matrices (sort.c).
 */
#include "backend/native/ops.h"

#include "base/dtype.h"

ftl_native_op *ftl_op_compile(ftl_unit *u, const ftl_value *v)
{
    ftl_arena *arena = &u->exec->arena;
    ftl_native_op *op = FTL_NEW(arena, ftl_native_op);
    op->value = v;
    op->in = FTL_NEW_ARRAY(arena, ftl_op_operand, v->n_in + 1);
    op->out.value = v;
    op->out.ref = ftl_unit_find(u, v, op->out.strides);
    for (uint32_t k = 0; k < v->n_in; k++) {
        op->in[k].value = v->in[k];
        op->in[k].ref = ftl_unit_find(u, v->in[k], op->in[k].strides);
    }
    ftl_exec_need(u->exec, (ftl_scratch){.rest = ftl_op_get_scratch(v)});
    return op;
}

/* ---- boxes ---- */

/* Copies a box of elements of one size between any strides (bytes), row by row. */
static void copy_box(const ftl_kernels *k, const ftl_op_box *box, uint32_t axis, uint8_t *to,
                     const uint8_t *from)
{
    static const uint8_t log2_of[9] = {0, 0, 1, 0, 2, 0, 0, 0, 3};
    int64_t size = (int64_t)box->size;
    if (axis >= box->rank) {
        memcpy(to, from, box->size);
        return;
    }
    if (axis == box->rank - 1) {
        k->copy[log2_of[box->size]](to, box->to[axis] / size, from, box->from[axis] / size,
                                    (size_t)box->shape[axis]);
        return;
    }
    for (int64_t i = 0; i < box->shape[axis]; i++)
        copy_box(k, box, axis + 1, to + i * box->to[axis], from + i * box->from[axis]);
}

static void copy(const ftl_unit *u, const ftl_op_box *box, void *to, const void *from)
{
    for (uint32_t k = 0; k < box->rank; k++)
        if (box->shape[k] == 0)
            return;
    copy_box(u->exec->device->kernels, box, 0, to, from);
}

static void run_concat(const ftl_native_op *op, const ftl_unit *u)
{
    uint8_t *to = ftl_unit_get(u, op->out.ref);
    for (uint32_t k = 0; k < op->value->n_in; k++) {
        const ftl_op_operand *x = &op->in[k];
        ftl_op_box box = {x->value->rank, ftl_dtype_get_size(x->value->dtype), x->value->shape,
                          op->out.strides, x->strides};
        copy(u, &box, to, ftl_unit_get(u, x->ref));
        to += x->value->shape[op->value->u.axis] * op->out.strides[op->value->u.axis];
    }
}

static void run_write_at(const ftl_native_op *op, const ftl_unit *u)
{
    const ftl_value *v = op->value;
    const ftl_at *at = v->u.at;
    int64_t strides[FTL_MAX_RANK];
    uint8_t *to = ftl_unit_get(u, op->out.ref);
    const uint8_t *from = ftl_unit_get(u, op->in[0].ref);
    size_t size = ftl_dtype_get_size(v->dtype);
    uint32_t n = 0, out = 0;
    if (to != from)
        copy(u, &(ftl_op_box){v->rank, size, v->shape, op->out.strides, op->in[0].strides}, to,
             from);
    for (uint32_t k = 0; k < v->rank; k++) {
        if (n == at->n || at->axis[n] != k) {
            strides[out++] = op->out.strides[k];
            continue;
        }
        const ftl_op_operand *x = &op->in[2 + n];
        int64_t place = ftl_dtype_get_int(x->value->dtype, ftl_unit_get(u, x->ref));
        if (place < -at->offset[n] || place >= v->shape[k] - at->offset[n])
            return;
        to += (place + at->offset[n++]) * op->out.strides[k];
    }
    copy(u, &(ftl_op_box){out, size, op->in[1].value->shape, strides, op->in[1].strides}, to,
         ftl_unit_get(u, op->in[1].ref));
}

size_t ftl_op_get_scratch(const ftl_value *v)
{
    switch (v->op) {
    case FTL_OP_TOPK_:
    case FTL_OP_EIGVEC_:
        return ftl_sort_get_scratch(v);
    case FTL_OP_VIEW_ADD_:
    case FTL_OP_GATHER_ADD_:
        return ftl_scatter_get_scratch(v);
    default:
        return 0;
    }
}

void ftl_op_run(const ftl_native_op *op, const ftl_unit *u)
{
    switch (op->value->op) {
    case FTL_OP_CONCAT_:
        run_concat(op, u);
        return;
    case FTL_OP_WRITE_AT_:
        run_write_at(op, u);
        return;
    case FTL_OP_VIEW_ADD_:
    case FTL_OP_GATHER_ADD_:
        ftl_scatter_run(op, u);
        return;
    case FTL_OP_TOPK_:
        ftl_sort_run_topk(op, u);
        return;
    case FTL_OP_EIGVEC_:
        ftl_sort_run_eigvec(op, u);
        return;
    default:
        assert(false && "an operation that is no step of its own");
    }
}
