/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes arithmetic: one instruction for most operations, more where types change.
 */
#include "backend/native/code.h"

#include "base/dtype.h"

static const ftl_tile_kernels *get_kernels(const ftl_nest_builder *b, ftl_vm_type type)
{
    return b->spec->kernels->tile[type];
}

static ftl_dtype get_type_dtype(ftl_vm_type type)
{
    return type == FTL_VM_BYTE ? FTL_DTYPE_BOOL : ftl_tile_get_dtype((ftl_tile)type);
}

void ftl_code_wrap(ftl_nest_builder *b, ftl_code *code, uint16_t a, ftl_dtype dtype)
{
    if (dtype != FTL_DTYPE_U8 && dtype != FTL_DTYPE_I8 && dtype != FTL_DTYPE_I16)
        return;
    ftl_code_operands o = {.n = 1, .dst = a, .a = a};
    ftl_code_add(b, code, ftl_vm_run_wrap, &o)->dtype = dtype;
}

/* ---- casts ---- */

/* To the compute type of another dtype, which has room for the value. */
static uint16_t convert(ftl_nest_builder *b, ftl_code *code, uint16_t a, ftl_vm_type type)
{
    const ftl_pointer x = *ftl_code_get(b, a);
    if (x.type == type)
        return a;
    ftl_code_operands o = {.n = 1, .a = a};
    o.dst = ftl_code_add_register(b, x.shape, type);
    if (type == FTL_VM_BYTE)
        ftl_code_add(b, code, ftl_vm_run_narrow, &o)->kernel.store =
            get_kernels(b, x.type)->store[FTL_DTYPE_BOOL];
    else
        ftl_code_add(b, code, ftl_vm_run_convert, &o)->kernel.load =
            get_kernels(b, type)->load[get_type_dtype(x.type)];
    return o.dst;
}

/* True when every value of `from` is one of `to`, in one compute type. */
static bool is_inside(ftl_dtype from, ftl_dtype to)
{
    if (from == to)
        return true;
    if (from == FTL_DTYPE_BOOL || ftl_vm_get_type(from) != ftl_vm_get_type(to))
        return false;
    if (to == FTL_DTYPE_F32 || to == FTL_DTYPE_I32)
        return true;
    return to == FTL_DTYPE_I16 && from != FTL_DTYPE_I32;
}

static uint16_t cast(ftl_nest_builder *b, ftl_code *code, uint16_t a, ftl_dtype from,
                     ftl_dtype to)
{
    ftl_vm_type type = ftl_vm_get_type(to);
    const ftl_pointer x = *ftl_code_get(b, a);
    if (is_inside(from, to))
        return a;
    if (type == FTL_VM_BYTE || get_type_dtype(type) == to || from == FTL_DTYPE_BOOL)
        return convert(b, code, a, type);
    ftl_code_operands o = {.n = 1, .a = a};
    o.dst = ftl_code_add_register(b, x.shape, type);
    ftl_instr *in = ftl_code_add(b, code, ftl_vm_run_round, &o);
    in->kernel.store = get_kernels(b, x.type)->store[to];
    in->second.load = get_kernels(b, type)->load[to];
    in->dtype = to;
    return o.dst;
}

/* ---- one and two operands ---- */

static ftl_map1 get_map1(ftl_opcode op)
{
    switch (op) {
#define ROW(name) case FTL_OP_##name##_: return FTL_MAP1_##name
        ROW(NEG);
        ROW(ABS);
        ROW(EXP);
        ROW(LOG);
        ROW(SQRT);
        ROW(SIN);
        ROW(COS);
        ROW(TANH);
        ROW(ERF);
        ROW(LOGISTIC);
        ROW(FLOOR);
#undef ROW
    default:
        return FTL_MAP1_COUNT;
    }
}

static ftl_map2 get_map2(ftl_opcode op)
{
    switch (op) {
#define ROW(name) case FTL_OP_##name##_: return FTL_MAP2_##name
        ROW(ADD);
        ROW(SUB);
        ROW(MUL);
        ROW(DIV);
        ROW(POW);
        ROW(MIN);
        ROW(MAX);
#undef ROW
    default:
        return FTL_MAP2_COUNT;
    }
}

static ftl_compare get_compare(ftl_opcode op)
{
    switch (op) {
    case FTL_OP_EQ_:
        return FTL_COMPARE_EQ;
    case FTL_OP_NE_:
        return FTL_COMPARE_NE;
    case FTL_OP_LT_:
        return FTL_COMPARE_LT;
    case FTL_OP_LE_:
        return FTL_COMPARE_LE;
    default:
        return FTL_COMPARE_COUNT;
    }
}

static uint16_t write_map1(ftl_nest_builder *b, ftl_code *code, ftl_map1 map, uint16_t a)
{
    const ftl_pointer x = *ftl_code_get(b, a);
    ftl_code_operands o = {.n = 1, .a = a};
    o.dst = ftl_code_add_register(b, x.shape, x.type);
    ftl_code_add(b, code, ftl_vm_run_map1, &o)->kernel.map1 = get_kernels(b, x.type)->map1[map];
    return o.dst;
}

static uint8_t get_joint_shape(const ftl_nest_builder *b, uint16_t a, uint16_t c)
{
    return ftl_code_get(b, a)->shape | ftl_code_get(b, c)->shape;
}

static ftl_form2 get_form2(uint8_t move_a, uint8_t move_b)
{
    return move_a && move_b ? FTL_FORM_VV : move_a ? FTL_FORM_VS : FTL_FORM_SV;
}

static uint16_t write_map2(ftl_nest_builder *b, ftl_code *code, ftl_map2 map,
                           const uint16_t in[2])
{
    ftl_vm_type type = ftl_code_get(b, in[0])->type;
    ftl_code_operands o = {.n = 2, .a = in[0], .b = in[1]};
    o.dst = ftl_code_add_register(b, get_joint_shape(b, in[0], in[1]), type);
    ftl_instr *x = ftl_code_add(b, code, ftl_vm_run_map2, &o);
    x->kernel.map2 = get_kernels(b, type)->map2[map][get_form2(x->size_a, x->size_b)];
    x->size_c = x->size_a;
    return o.dst;
}

/* in[0] moves along the line whenever one of them does. */
uint16_t ftl_code_map_fma(ftl_nest_builder *b, ftl_code *code, const uint16_t in[3])
{
    static const ftl_form3 form[2][2] = {{FTL_FORM_VSS, FTL_FORM_VSV},
                                         {FTL_FORM_VVS, FTL_FORM_VVV}};
    ftl_vm_type type = ftl_code_get(b, in[0])->type;
    ftl_code_operands o = {.n = 3, .a = in[0], .b = in[1], .c = in[2]};
    o.dst = ftl_code_add_register(b, get_joint_shape(b, in[0], in[1]), type);
    ftl_instr *x = ftl_code_add(b, code, ftl_vm_run_fma, &o);
    x->kernel.map3 = get_kernels(b, type)->fma[form[x->size_b != 0][x->size_c != 0]];
    return o.dst;
}

static uint16_t write_compare(ftl_nest_builder *b, ftl_code *code, ftl_compare compare,
                              const uint16_t in[2])
{
    ftl_vm_type type = ftl_code_get(b, in[0])->type;
    if (type == FTL_VM_BYTE)
        type = FTL_TILE_I32;
    ftl_code_operands o = {.n = 2, .a = convert(b, code, in[0], type),
                           .b = convert(b, code, in[1], type)};
    o.dst = ftl_code_add_register(b, get_joint_shape(b, o.a, o.b), FTL_VM_BYTE);
    ftl_instr *x = ftl_code_add(b, code, ftl_vm_run_compare, &o);
    x->kernel.compare = get_kernels(b, type)->compare[compare][get_form2(x->size_a, x->size_b)];
    return o.dst;
}

/* ---- bytes ---- */

static uint16_t write_logic2(ftl_nest_builder *b, ftl_code *code, bool is_and,
                             const uint16_t in[2])
{
    uint8_t shape = get_joint_shape(b, in[0], in[1]);
    ftl_code_operands o = {.n = 2, .a = ftl_code_expand(b, code, in[0], shape),
                           .b = ftl_code_expand(b, code, in[1], shape)};
    o.dst = ftl_code_add_register(b, shape, FTL_VM_BYTE);
    ftl_code_add(b, code, ftl_vm_run_logic2, &o)->kernel.logic2 =
        is_and ? b->spec->kernels->logic_and : b->spec->kernels->logic_or;
    return o.dst;
}

static uint16_t write_not(ftl_nest_builder *b, ftl_code *code, uint16_t a)
{
    ftl_code_operands o = {.n = 1, .a = a};
    o.dst = ftl_code_add_register(b, ftl_code_get(b, a)->shape, FTL_VM_BYTE);
    ftl_code_add(b, code, ftl_vm_run_logic1, &o)->kernel.logic1 = b->spec->kernels->logic_not;
    return o.dst;
}

static uint16_t write_select(ftl_nest_builder *b, ftl_code *code, const uint16_t in[3])
{
    ftl_vm_type type = ftl_code_get(b, in[1])->type;
    uint8_t shape = get_joint_shape(b, in[0], in[1]) | ftl_code_get(b, in[2])->shape;
    ftl_code_operands o = {.n = 3, .a = ftl_code_expand(b, code, in[0], shape), .b = in[1],
                           .c = in[2]};
    bool is_byte = type == FTL_VM_BYTE;
    uint8_t line = shape & FTL_VM_COLS ? FTL_VM_COLS : shape;
    uint8_t arms = ftl_code_get(b, in[1])->shape | ftl_code_get(b, in[2])->shape;
    if (is_byte || (line && !(arms & line)))
        o.b = ftl_code_expand(b, code, in[1], shape);
    if (is_byte)
        o.c = ftl_code_expand(b, code, in[2], shape);
    o.dst = ftl_code_add_register(b, shape, type);
    ftl_instr *x = ftl_code_add(b, code, is_byte ? ftl_vm_run_select_bytes : ftl_vm_run_select, &o);
    if (is_byte)
        x->kernel.select_bytes = b->spec->kernels->select_bytes;
    else
        x->kernel.select = get_kernels(b, type)->select[get_form2(x->size_b, x->size_c)];
    return o.dst;
}

/* ---- operations ---- */

static uint16_t write_whole_pow(ftl_nest_builder *b, ftl_code *code, const uint16_t in[2],
                                ftl_dtype dtype)
{
    uint16_t wide[2] = {convert(b, code, in[0], FTL_TILE_F64),
                        convert(b, code, in[1], FTL_TILE_F64)};
    uint16_t power = write_map2(b, code, FTL_MAP2_POW, wide);
    return cast(b, code, power, FTL_DTYPE_F64, dtype);
}

static uint16_t write_arithmetic(ftl_nest_builder *b, ftl_code *code, const ftl_value *v,
                                 const uint16_t *in)
{
    bool is_whole = !ftl_dtype_is_float(v->dtype);
    if (v->op == FTL_OP_POW_ && is_whole)
        return write_whole_pow(b, code, in, v->dtype);
    if (v->op == FTL_OP_FLOOR_ && is_whole)
        return in[0];
    uint16_t out = get_map1(v->op) != FTL_MAP1_COUNT
                       ? write_map1(b, code, get_map1(v->op), in[0])
                       : write_map2(b, code, get_map2(v->op), in);
    if (is_whole && v->op != FTL_OP_MIN_ && v->op != FTL_OP_MAX_)
        ftl_code_wrap(b, code, out, v->dtype);
    return out;
}

uint16_t ftl_code_map_idiom(ftl_nest_builder *b, ftl_code *code, const ftl_code_idiom *idiom,
                            uint16_t x)
{
    uint16_t out = write_map1(b, code, idiom->map, x);
    uint16_t pair[2] = {out, out};
    return idiom->is_double ? write_map2(b, code, FTL_MAP2_ADD, pair) : out;
}

/* A CONTRACT without sums: the product of its operands. */
static uint16_t write_product(ftl_nest_builder *b, ftl_code *code, const ftl_value *v,
                              const uint16_t *in)
{
    uint16_t out = in[0];
    for (uint32_t k = 1; k < v->n_in; k++) {
        uint16_t pair[2] = {out, in[k]};
        out = v->dtype == FTL_DTYPE_BOOL ? write_logic2(b, code, true, pair)
                                         : write_map2(b, code, FTL_MAP2_MUL, pair);
    }
    if (v->n_in > 1)
        ftl_code_wrap(b, code, out, v->dtype);
    return out;
}

uint16_t ftl_code_map(ftl_nest_builder *b, ftl_code *code, uint32_t node, const uint16_t *in)
{
    const ftl_value *v = b->nest->nodes.data[node].value;
    switch (v->op) {
    case FTL_OP_VIEW_:
    case FTL_OP_REDUCE_:
        return in[0];
    case FTL_OP_ARGMAX_:
        return ftl_code_add_const(b, FTL_TILE_I64, FTL_DTYPE_I64, &(int64_t){0});
    case FTL_OP_CONTRACT_:
        return write_product(b, code, v, in);
    case FTL_OP_CAST_:
        return cast(b, code, in[0], v->in[0]->dtype, v->dtype);
    case FTL_OP_SELECT_:
        return write_select(b, code, in);
    case FTL_OP_NOT_:
        return write_not(b, code, in[0]);
    case FTL_OP_AND_:
    case FTL_OP_OR_:
        return write_logic2(b, code, v->op == FTL_OP_AND_, in);
    default:
        if (get_compare(v->op) != FTL_COMPARE_COUNT)
            return write_compare(b, code, get_compare(v->op), in);
        return write_arithmetic(b, code, v, in);
    }
}
