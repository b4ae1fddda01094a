/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations that are steps of their own: shared by ops.c, scatter.c and sort.c.
 */
#ifndef FTL_NATIVE_OPS_H
#define FTL_NATIVE_OPS_H

#include "backend/native/native.h"

typedef struct ftl_op_operand {
    const ftl_value *value;
    ftl_ref ref;
    int64_t strides[FTL_MAX_RANK]; /* bytes */
} ftl_op_operand;

struct ftl_native_op {
    const ftl_value *value;
    ftl_op_operand out;
    ftl_op_operand *in;
};

/* Elements of one size, between strides in bytes. */
typedef struct ftl_op_box {
    uint32_t rank;
    size_t size;
    const int64_t *shape, *to, *from;
} ftl_op_box;

/* Bytes of scratch (exec->rest) that an operation needs. */
size_t ftl_op_get_scratch(const ftl_value *v);
size_t ftl_scatter_get_scratch(const ftl_value *v);
size_t ftl_sort_get_scratch(const ftl_value *v);

/* view_add, gather_add; a bad index is noted in exec->failures[0]. */
void ftl_scatter_run(const ftl_native_op *op, const ftl_unit *u);
void ftl_sort_run_topk(const ftl_native_op *op, const ftl_unit *u);
void ftl_sort_run_eigvec(const ftl_native_op *op, const ftl_unit *u);

#endif
