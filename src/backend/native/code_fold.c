/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes reductions: the fold of each visit, and what makes a value of the accumulators.
 */
#include "backend/native/code.h"

#include "base/dtype.h"

/* What a reducing node does with its operand. */
static ftl_reduce get_kind(const ftl_value *v)
{
    if (v->op == FTL_OP_CONTRACT_)
        return v->dtype == FTL_DTYPE_BOOL ? FTL_REDUCE_ANY : FTL_REDUCE_SUM;
    return v->op == FTL_OP_REDUCE_ ? v->u.reduce.kind : FTL_REDUCE_MAX;
}

static bool is_wide(ftl_reduce kind)
{
    return kind == FTL_REDUCE_SUM || kind == FTL_REDUCE_PROD;
}

static uint64_t get_bits(ftl_dtype dtype, double x, int64_t whole)
{
    uint64_t bits = 0;
    if (ftl_dtype_is_float(dtype))
        ftl_dtype_put_double(dtype, &bits, x);
    else
        ftl_dtype_put_int(dtype, &bits, whole);
    return bits;
}

/* Neutral element of v's reduction, in the dtype of the accumulator. */
static uint64_t get_neutral(const ftl_value *v, ftl_reduce kind, ftl_dtype acc)
{
    int64_t least = 0, greatest = 0;
    if (!ftl_dtype_is_float(v->dtype) && v->dtype != FTL_DTYPE_BOOL) {
        uint8_t x[8];
        ftl_dtype_put_double(v->dtype, x, -1e300);
        least = ftl_dtype_get_int(v->dtype, x);
        ftl_dtype_put_double(v->dtype, x, 1e300);
        greatest = ftl_dtype_get_int(v->dtype, x);
    }
    switch (kind) {
    case FTL_REDUCE_PROD:
        return get_bits(acc, 1, 1);
    case FTL_REDUCE_MAX:
        return get_bits(acc, -1.0 / 0.0, least);
    case FTL_REDUCE_MIN:
        return get_bits(acc, 1.0 / 0.0, greatest);
    case FTL_REDUCE_ALL:
        return get_bits(acc, 1, 1);
    default:
        return 0;
    }
}

/* ---- the accumulator ---- */

/* Along columns folds are 8 bytes wide; along rows maxima stay in the operand's type. */
static ftl_vm_type get_sum_type(const ftl_nest_builder *b, ftl_reduce kind, ftl_vm_type operand)
{
    if (operand == FTL_VM_BYTE)
        return operand;
    if (!b->program->cols_reduced && !is_wide(kind))
        return operand;
    return operand == FTL_TILE_F32 || operand == FTL_TILE_F64 ? FTL_TILE_F64 : FTL_TILE_I64;
}

static ftl_vm_sum *add_sum(ftl_nest_builder *b, uint32_t node, uint8_t shape, ftl_vm_type type)
{
    const ftl_value *v = b->nest->nodes.data[node].value;
    ftl_reduce kind = get_kind(v);
    ftl_dtype dtype = type == FTL_VM_BYTE ? FTL_DTYPE_BOOL : ftl_tile_get_dtype((ftl_tile)type);
    ftl_vm_sum *s = FTL_VEC_PUSH(b->arena, &b->program->sums);
    s->pointer = ftl_code_add_register(b, shape, type);
    s->pass = b->passes[node];
    s->shape = shape;
    s->kind = kind;
    s->dtype = dtype;
    s->is_argmax = v->op == FTL_OP_ARGMAX_;
    s->size = s->is_argmax ? 16 : (uint8_t)ftl_vm_get_size(type);
    s->neutral = s->is_argmax ? 0 : get_neutral(v, kind, dtype);
    b->value[node] = s->pointer;
    return s;
}

/* ---- along columns ---- */

static ftl_fold get_fold(ftl_reduce kind)
{
    switch (kind) {
    case FTL_REDUCE_PROD:
        return FTL_FOLD_PROD;
    case FTL_REDUCE_MAX:
        return FTL_FOLD_MAX;
    case FTL_REDUCE_MIN:
        return FTL_FOLD_MIN;
    default:
        return FTL_FOLD_SUM;
    }
}

static void fold_cols(ftl_nest_builder *b, ftl_code *code, uint32_t node, uint16_t x)
{
    const ftl_value *v = b->nest->nodes.data[node].value;
    ftl_reduce kind = get_kind(v);
    x = ftl_code_expand(b, code, x, ftl_code_get(b, x)->shape | FTL_VM_COLS);
    ftl_vm_type type = ftl_code_get(b, x)->type;
    uint8_t shape = ftl_code_get(b, x)->shape & FTL_VM_ROWS;
    ftl_vm_sum *s = add_sum(b, node, shape, get_sum_type(b, kind, type));
    ftl_code_operands o = {.n = 1, .dst = s->pointer, .a = x};
    bool is_argmax = v->op == FTL_OP_ARGMAX_;
    ftl_instr *in = ftl_code_add(b, code, is_argmax              ? ftl_vm_run_argmax
                                          : type == FTL_VM_BYTE ? ftl_vm_run_test_cols
                                                                : ftl_vm_run_fold_cols, &o);
    if (is_argmax) {
        in->kernel.argmax = b->spec->kernels->tile[type]->argmax;
        in->axis = (uint32_t)b->program->cols;
        in->size_a = (uint8_t)ftl_vm_get_size(type);
        in->dtype = ftl_tile_get_dtype((ftl_tile)type);
    } else if (type == FTL_VM_BYTE) {
        in->kernel.test = kind == FTL_REDUCE_ALL ? b->spec->kernels->all : b->spec->kernels->any;
        in->size_b = kind == FTL_REDUCE_ALL;
    } else {
        in->kernel.fold = b->spec->kernels->tile[type]->fold[get_fold(kind)];
    }
}

/* A sum of products of two operands that both run along the columns, without their product. */
static void dot_cols(ftl_nest_builder *b, ftl_code *code, uint32_t node, const uint16_t in[2])
{
    ftl_vm_type type = ftl_code_get(b, in[0])->type;
    uint8_t shape = (ftl_code_get(b, in[0])->shape | ftl_code_get(b, in[1])->shape) & FTL_VM_ROWS;
    ftl_vm_sum *s = add_sum(b, node, shape, get_sum_type(b, FTL_REDUCE_SUM, type));
    ftl_code_operands o = {.n = 2, .dst = s->pointer, .a = in[0], .b = in[1]};
    ftl_code_add(b, code, ftl_vm_run_dot_cols, &o)->kernel.fold2 =
        b->spec->kernels->tile[type]->dot;
}

/* Of exponentials, which stay for those who want them, or of squares. */
static void shifted_sum_cols(ftl_nest_builder *b, ftl_code *code, uint32_t node, uint32_t pass,
                             const ftl_code_sum *x)
{
    uint16_t shift = ftl_code_want(b, code, x->shift, pass);
    uint16_t a = ftl_code_want(b, code, x->a, pass);
    const ftl_pointer from = *ftl_code_get(b, a);
    uint8_t rows = (from.shape | ftl_code_get(b, shift)->shape) & FTL_VM_ROWS;
    bool is_exp = x->kind == FTL_CODE_SUM_EXP;
    ftl_code_operands o = {.n = is_exp ? 3 : 2, .b = shift};
    o.a = ftl_code_expand(b, code, a, rows | FTL_VM_COLS);
    if (is_exp) {
        o.c = ftl_code_add_register(b, rows | FTL_VM_COLS, from.type);
        b->value[x->exp] = o.c;
        b->made[x->exp] = (uint8_t)pass;
    }
    o.dst = add_sum(b, node, rows, FTL_TILE_F64)->pointer;
    ftl_instr *in = ftl_code_add(b, code, is_exp ? ftl_vm_run_exp_sum_cols
                                                 : ftl_vm_run_deviation_cols, &o);
    in->dtype = ftl_tile_get_dtype((ftl_tile)from.type);
    if (is_exp)
        in->kernel.exp_sum = b->spec->kernels->tile[from.type]->exp_sum;
    else
        in->kernel.deviation = b->spec->kernels->tile[from.type]->deviation;
}

static bool fold_idiom(ftl_nest_builder *b, ftl_code *code, uint32_t node, uint32_t pass)
{
    ftl_code_sum x = {.kind = FTL_CODE_SUM_NONE};
    if (b->spec->fast_paths)
        x = ftl_code_find_sum(b, node);
    if (x.kind == FTL_CODE_SUM_DOT) {
        ftl_code_want(b, code, x.a, pass);
        ftl_code_want(b, code, x.other, pass);
        uint16_t in[2] = {(uint16_t)b->value[x.a], (uint16_t)b->value[x.other]};
        dot_cols(b, code, node, in);
    } else if (x.kind != FTL_CODE_SUM_NONE) {
        shifted_sum_cols(b, code, node, pass, &x);
    }
    return x.kind != FTL_CODE_SUM_NONE;
}

/* ---- along rows ---- */

static void fold_rows(ftl_nest_builder *b, ftl_code *code, uint32_t node, uint16_t x)
{
    ftl_reduce kind = get_kind(b->nest->nodes.data[node].value);
    if (b->program->cols >= 0)
        x = ftl_code_expand(b, code, x, ftl_code_get(b, x)->shape | FTL_VM_COLS);
    ftl_vm_type type = ftl_code_get(b, x)->type;
    uint8_t shape = ftl_code_get(b, x)->shape & FTL_VM_COLS;
    ftl_vm_type sum_type = get_sum_type(b, kind, type);
    ftl_vm_sum *s = add_sum(b, node, shape, sum_type);
    ftl_code_operands o = {.n = 1, .dst = s->pointer, .a = x};
    bool is_float = type == FTL_TILE_F32 || type == FTL_TILE_F64;
    if (type == FTL_VM_BYTE) {
        ftl_instr *in = ftl_code_add(b, code, ftl_vm_run_fold_rows, &o);
        in->size_a = 1;
        in->kernel.logic2 = kind == FTL_REDUCE_ALL ? b->spec->kernels->logic_and
                                                   : b->spec->kernels->logic_or;
    } else if (kind == FTL_REDUCE_SUM && is_float) {
        ftl_code_add(b, code, ftl_vm_run_add_rows, &o)->kernel.add_wide =
            b->spec->kernels->tile[type]->add_wide;
    } else if (is_wide(kind)) {
        ftl_instr *in = ftl_code_add(b, code, ftl_vm_run_wide_rows, &o);
        in->kernel.map2 = b->spec->kernels->tile[sum_type]->map2[kind == FTL_REDUCE_SUM
                                                                     ? FTL_MAP2_ADD
                                                                     : FTL_MAP2_MUL][FTL_FORM_VV];
        ftl_dtype from = ftl_tile_get_dtype((ftl_tile)type);
        in->second.load = b->spec->kernels->tile[sum_type]->load[from];
        in->size_a = (uint8_t)ftl_vm_get_size(type);
    } else {
        ftl_instr *in = ftl_code_add(b, code, ftl_vm_run_fold_rows, &o);
        in->size_a = (uint8_t)ftl_vm_get_size(type);
        in->kernel.map2 = b->spec->kernels->tile[type]->map2[kind == FTL_REDUCE_MAX
                                                                 ? FTL_MAP2_MAX
                                                                 : FTL_MAP2_MIN][FTL_FORM_VV];
    }
}

/* ---- both ---- */

static bool is_dot(const ftl_nest_builder *b, const ftl_value *v, const uint16_t *in)
{
    return v->op == FTL_OP_CONTRACT_ && v->n_in == 2 && b->program->cols_reduced &&
           ftl_code_get(b, in[0])->type != FTL_VM_BYTE &&
           (ftl_code_get(b, in[0])->shape & ftl_code_get(b, in[1])->shape & FTL_VM_COLS);
}

void ftl_code_fold(ftl_nest_builder *b, ftl_code *code, uint32_t node, uint32_t pass)
{
    const ftl_nest_node *n = &b->nest->nodes.data[node];
    uint16_t in[FTL_CODE_MAX_IN];
    if (fold_idiom(b, code, node, pass))
        return;
    ftl_code_want_all(b, code, node, pass, in);
    if (is_dot(b, n->value, in)) {
        dot_cols(b, code, node, in);
        return;
    }
    uint16_t x = n->value->op == FTL_OP_CONTRACT_ ? ftl_code_map(b, code, node, in) : in[0];
    if (b->program->cols_reduced)
        fold_cols(b, code, node, x);
    else
        fold_rows(b, code, node, x);
}

uint16_t ftl_code_finish(ftl_nest_builder *b, ftl_code *code, uint32_t node)
{
    const ftl_value *v = b->nest->nodes.data[node].value;
    uint16_t sum = (uint16_t)b->value[node];
    const ftl_pointer x = *ftl_code_get(b, sum);
    ftl_vm_type type = ftl_vm_get_type(v->dtype);
    if (x.type == type && v->op != FTL_OP_ARGMAX_)
        return sum;
    ftl_code_operands o = {.n = 1, .a = sum};
    o.dst = ftl_code_add_register(b, x.shape, type);
    ftl_instr *in = ftl_code_add(b, code, ftl_vm_run_finish, &o);
    in->dtype = v->dtype;
    if (ftl_dtype_is_float(v->dtype))
        in->kernel.load = b->spec->kernels->tile[type]->load[FTL_DTYPE_F64];
    return o.dst;
}
