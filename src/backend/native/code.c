/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes the instructions of a program. A node's instructions are written when something wants its
 * value: into the body of the pass that wants it, or, where it does not run along reduced axes,
 * once into the head before the first pass that can want it. A pass that is visited several times
 * makes what it wants anew; a single visit leaves its registers to the passes after it.
 */
#include "backend/native/code.h"

#include "base/dtype.h"

enum { BOTH = FTL_VM_COLS | FTL_VM_ROWS };

/* ---- pointers ---- */

static uint16_t add_pointer(ftl_nest_builder *b, ftl_pointer x)
{
    if (b->program->pointers.len >= UINT16_MAX)
        ftl_arena_fail(b->arena, FTL_ERR_UNSUPPORTED);
    *FTL_VEC_PUSH(b->arena, &b->program->pointers) = x;
    return (uint16_t)(b->program->pointers.len - 1);
}

uint16_t ftl_code_add_register(ftl_nest_builder *b, uint8_t shape, ftl_vm_type type)
{
    return add_pointer(b, (ftl_pointer){FTL_POINTER_REGISTER, shape, type, 0, 0, false});
}

const ftl_pointer *ftl_code_get(const ftl_nest_builder *b, uint16_t pointer)
{
    return &b->program->pointers.data[pointer];
}

static size_t get_size(const ftl_nest_builder *b, uint16_t pointer)
{
    return ftl_vm_get_size(ftl_code_get(b, pointer)->type);
}

uint16_t ftl_code_add_const(ftl_nest_builder *b, ftl_vm_type type, ftl_dtype dtype,
                            const void *element)
{
    uint8_t *at = ftl_arena_alloc(b->arena, 8);
    ftl_program *p = b->program;
    ftl_dtype to = type == FTL_VM_BYTE ? FTL_DTYPE_BOOL : ftl_tile_get_dtype((ftl_tile)type);
    ftl_dtype_convert(at, to, element, dtype, 1);
    if (!p->constants)
        p->constants = FTL_NEW_ARRAY(b->arena, uint8_t, 8 * (FTL_NEST_MAX_NODES + 1));
    memcpy(p->constants + p->n_constants, at, 8);
    p->n_constants += 8;
    return add_pointer(b, (ftl_pointer){FTL_POINTER_CONST, 0, type, 0, p->n_constants - 8, false});
}

static uint8_t get_shape(const ftl_nest_builder *b, uint64_t mask)
{
    uint8_t shape = 0;
    for (uint32_t a = 0; a < b->nest->n_axes; a++) {
        if (!(mask >> a & 1) || b->axis[a] < 0)
            continue;
        if (b->axis[a] == b->program->cols)
            shape |= FTL_VM_COLS;
        else if (b->axis[a] == b->program->rows)
            shape |= FTL_VM_ROWS;
    }
    return shape;
}

/* ---- instructions ---- */

/* Bytes that an operand moves by along the line of a result of this shape. */
static uint8_t get_move(const ftl_nest_builder *b, uint8_t shape, uint16_t pointer)
{
    const ftl_pointer *x = ftl_code_get(b, pointer);
    uint8_t line = shape & FTL_VM_COLS ? FTL_VM_COLS : shape & FTL_VM_ROWS ? FTL_VM_ROWS : 0;
    return line == 0 || (x->shape & line) ? (uint8_t)get_size(b, pointer) : 0;
}

ftl_instr *ftl_code_add(ftl_nest_builder *b, ftl_code *code, ftl_instr_fn *run,
                        const ftl_code_operands *o)
{
    ftl_instr *in = FTL_VEC_PUSH(b->arena, &code->instrs);
    in->run = run;
    in->dst = o->dst;
    in->a = o->a;
    in->b = o->n > 1 ? o->b : o->a;
    in->c = o->n > 2 ? o->c : o->a;
    in->shape = ftl_code_get(b, o->dst)->shape;
    in->size = (uint8_t)get_size(b, o->dst);
    in->size_a = get_move(b, in->shape, in->a);
    in->size_b = get_move(b, in->shape, in->b);
    in->size_c = get_move(b, in->shape, in->c);
    return in;
}

static ftl_instr *add1(ftl_nest_builder *b, ftl_code *code, ftl_instr_fn *run, uint16_t dst,
                       uint16_t a)
{
    return ftl_code_add(b, code, run, &(ftl_code_operands){.n = 1, .dst = dst, .a = a});
}

static uint32_t get_log2(size_t size)
{
    return size == 8 ? 3 : size == 4 ? 2 : size == 2 ? 1 : 0;
}

/* The same values along more sides. */
uint16_t ftl_code_expand(ftl_nest_builder *b, ftl_code *code, uint16_t a, uint8_t shape)
{
    const ftl_pointer *x = ftl_code_get(b, a);
    if (x->shape == shape)
        return a;
    uint16_t dst = ftl_code_add_register(b, shape, x->type);
    ftl_instr *in = add1(b, code, ftl_vm_run_expand, dst, a);
    in->kernel.copy = b->spec->kernels->copy[get_log2(get_size(b, a))];
    return dst;
}

/* ---- memory ---- */

/* True when kernels may work on these bytes as they are. */
static bool is_direct(const ftl_nest_builder *b, const ftl_walk *w, uint32_t access, uint8_t shape)
{
    const ftl_access *a = &b->program->accesses.data[access];
    ftl_vm_type type = ftl_vm_get_type(w->dtype);
    int64_t size = (int64_t)ftl_dtype_get_size(w->dtype);
    bool is_own_type = type == FTL_VM_BYTE || ftl_tile_get_dtype((ftl_tile)type) == w->dtype;
    if (!is_own_type || w->n_checks || w->n_scalars || w->n_selects)
        return false;
    if (shape & FTL_VM_COLS)
        return a->stride[b->program->cols] == size;
    return !(shape & FTL_VM_ROWS) || a->stride[b->program->rows] == size;
}

static uint16_t add_access(ftl_nest_builder *b, ftl_code *code, uint32_t access, uint8_t shape)
{
    ftl_vm_type type = ftl_vm_get_type(b->walks.data[access].dtype);
    uint16_t p = add_pointer(b, (ftl_pointer){FTL_POINTER_ACCESS, shape, type, access, 0,
                                          false});
    *FTL_VEC_PUSH(b->arena, &code->pointers) = p;
    return p;
}

/* The kernel that transposes a block whose lines lie apart in memory, elements of a line too. */
static ftl_transpose_fn *get_transpose(const ftl_nest_builder *b, uint32_t access, uint8_t shape)
{
    const ftl_access *a = &b->program->accesses.data[access];
    ftl_vm_type type = ftl_vm_get_type(a->dtype);
    int64_t size = (int64_t)ftl_dtype_get_size(a->dtype);
    if (shape != BOTH || ftl_vm_get_size(type) != (size_t)size || a->n_checks ||
        a->stride[b->program->rows] != size || a->stride[b->program->cols] <= size)
        return NULL;
    return b->spec->kernels->transpose[get_log2((size_t)size)];
}

static void set_load(const ftl_nest_builder *b, ftl_instr *in, uint32_t access)
{
    const ftl_access *a = &b->program->accesses.data[access];
    ftl_vm_type type = ftl_vm_get_type(a->dtype);
    in->access = access;
    if (type == FTL_VM_BYTE)
        in->second.copy = b->spec->kernels->copy[0];
    else
        in->kernel.load = b->spec->kernels->tile[type]->load[a->dtype];
}

static uint16_t write_read(ftl_nest_builder *b, ftl_code *code, uint32_t node)
{
    uint32_t access = (uint32_t)b->read[node];
    const ftl_walk *w = &b->walks.data[access];
    uint8_t shape = get_shape(b, b->mask[node]);
    uint16_t src = add_access(b, code, access, shape);
    if (is_direct(b, w, access, shape))
        return src;
    uint16_t dst = ftl_code_add_register(b, shape, ftl_vm_get_type(w->dtype));
    bool is_checked = w->n_checks || w->n_scalars;
    ftl_instr *in = add1(b, code, is_checked ? ftl_vm_run_load_checked : ftl_vm_run_load, dst, src);
    set_load(b, in, access);
    in->transpose = is_checked ? NULL : get_transpose(b, access, shape);
    return dst;
}

/* Registers are what a gather reads its places from. */
static uint16_t to_register(ftl_nest_builder *b, ftl_code *code, uint16_t a)
{
    const ftl_pointer x = *ftl_code_get(b, a);
    if (x.kind == FTL_POINTER_REGISTER)
        return a;
    uint16_t dst = ftl_code_add_register(b, x.shape, x.type);
    ftl_instr *in = add1(b, code, ftl_vm_run_expand, dst, a);
    in->kernel.copy = b->spec->kernels->copy[get_log2(get_size(b, a))];
    return dst;
}

static uint16_t to_places(ftl_nest_builder *b, ftl_code *code, uint16_t raw)
{
    const ftl_pointer x = *ftl_code_get(b, raw);
    if (x.type == FTL_TILE_I64)
        return raw;
    uint16_t dst = ftl_code_add_register(b, x.shape, FTL_TILE_I64);
    if (x.type == FTL_TILE_I32) {
        ftl_instr *in = add1(b, code, ftl_vm_run_convert, dst, raw);
        in->kernel.load = b->spec->kernels->tile[FTL_TILE_I64]->load[FTL_DTYPE_I32];
    } else {
        add1(b, code, ftl_vm_run_index, dst, raw);
    }
    return dst;
}

static uint16_t write_gather(ftl_nest_builder *b, ftl_code *code, uint32_t node, uint32_t pass)
{
    uint32_t access = (uint32_t)b->read[node];
    const ftl_walk *w = &b->walks.data[access];
    uint8_t shape = get_shape(b, b->mask[node]);
    uint8_t line = shape & FTL_VM_COLS ? FTL_VM_COLS : FTL_VM_ROWS;
    ftl_vm_select *selects = FTL_NEW_ARRAY(b->arena, ftl_vm_select, w->n_selects + 1);
    bool is_scattered = false;
    for (uint32_t k = 0; k < w->n_selects; k++)
        ftl_code_want(b, code, w->selects[k].node, pass);
    for (uint32_t k = 0; k < w->n_selects; k++) {
        uint16_t raw = to_register(b, code, (uint16_t)b->value[w->selects[k].node]);
        const ftl_pointer x = *ftl_code_get(b, raw);
        ftl_dtype dtype = ftl_tile_get_dtype((ftl_tile)x.type);
        selects[k] = (ftl_vm_select){to_places(b, code, raw), raw, dtype, x.shape,
                                     w->selects[k].axis, w->selects[k].stride,
                                     w->selects[k].extent};
        is_scattered |= (x.shape & line) != 0;
    }
    uint16_t src = add_access(b, code, access, shape);
    uint16_t dst = ftl_code_add_register(b, shape, ftl_vm_get_type(w->dtype));
    ftl_instr *in = add1(b, code, ftl_vm_run_gather, dst, src);
    set_load(b, in, access);
    in->selects = selects;
    in->n_selects = w->n_selects;
    in->size_b = is_scattered;
    in->value = b->nest->nodes.data[node].value;
    return dst;
}

/* True when the newest instruction made this register and nothing else reads or keeps it. */
static bool is_fresh(const ftl_nest_builder *b, const ftl_code *code, uint16_t from)
{
    if (code->instrs.len == 0 || ftl_code_get(b, from)->kind != FTL_POINTER_REGISTER)
        return false;
    const ftl_instr *in = &code->instrs.data[code->instrs.len - 1];
    return in->dst == from && in->a != from && in->b != from && in->c != from &&
           in->run != ftl_vm_run_load && in->run != ftl_vm_run_load_checked &&
           in->run != ftl_vm_run_gather && in->run != ftl_vm_run_finish;
}

/* Writes `from` to the place of a root and gives the pointer that holds the value from then on. */
static uint16_t write_store(ftl_nest_builder *b, ftl_code *code, uint32_t node, uint16_t from)
{
    uint32_t access = (uint32_t)b->write[node];
    const ftl_walk *w = &b->walks.data[access];
    uint8_t shape = get_shape(b, ftl_nest_get_written_axes(b, node));
    bool direct = is_direct(b, w, access, shape);
    uint16_t src = direct ? from : ftl_code_expand(b, code, from, shape);
    uint16_t dst = add_access(b, code, access, shape);
    const ftl_pointer x = *ftl_code_get(b, src);
    if (direct && x.shape == shape && b->program->accesses.data[access].is_streamed) {
        b->program->is_streaming = true;
        add1(b, code, ftl_vm_run_stream, dst, from)->kernel.stream = b->spec->kernels->stream;
        code->instrs.data[code->instrs.len - 1].access = access;
        return from;
    }
    if (direct && x.shape == shape && is_fresh(b, code, from)) {
        code->instrs.data[code->instrs.len - 1].dst = dst;
        for (size_t i = 0; i < b->nest->nodes.len; i++)
            b->value[i] = b->value[i] == (int32_t)from ? (int32_t)dst : b->value[i];
        return dst;
    }
    if (direct) {
        ftl_instr *in = add1(b, code, ftl_vm_run_expand, dst, from);
        in->kernel.copy = b->spec->kernels->copy[get_log2(get_size(b, from))];
        return from;
    }
    ftl_instr *in = add1(b, code, ftl_vm_run_store, dst, src);
    in->access = access;
    in->transpose = get_transpose(b, access, shape);
    if (x.type == FTL_VM_BYTE)
        in->second.copy = b->spec->kernels->copy[0];
    else
        in->kernel.store = b->spec->kernels->tile[x.type]->store[w->dtype];
    return from;
}

/* ---- nodes ---- */

static uint16_t write_iota(ftl_nest_builder *b, ftl_code *code, uint32_t node)
{
    const ftl_nest_node *n = &b->nest->nodes.data[node];
    ftl_vm_type type = ftl_vm_get_type(n->value->dtype);
    if (b->mask[node] == 0)
        return ftl_code_add_const(b, type, FTL_DTYPE_I64, &(int64_t){0});
    uint16_t dst = ftl_code_add_register(b, get_shape(b, b->mask[node]), type);
    ftl_instr *in = add1(b, code, ftl_vm_run_iota, dst, dst);
    in->kernel.iota = b->spec->kernels->tile[type]->iota;
    in->axis = (uint32_t)b->axis[n->axis[0]];
    ftl_code_wrap(b, code, dst, n->value->dtype);
    return dst;
}

/* The result of node, written to code (of pass `pass`); the caller remembers it. */
static uint16_t write_node(ftl_nest_builder *b, ftl_code *code, uint32_t node, uint32_t pass)
{
    const ftl_nest_node *n = &b->nest->nodes.data[node];
    uint16_t in[FTL_CODE_MAX_IN];
    if (!n->is_read && n->value->op == FTL_OP_GATHER_)
        return write_gather(b, code, node, pass);
    if (b->read[node] >= 0)
        return write_read(b, code, node);
    if (n->value->op == FTL_OP_IOTA_)
        return write_iota(b, code, node);
    if (n->value->op == FTL_OP_CONST_)
        return ftl_code_add_const(b, ftl_vm_get_type(n->value->dtype), n->value->dtype,
                                  n->value->u.data);
    ftl_code_idiom idiom;
    if (b->spec->fast_paths && ftl_code_find_idiom(b, node, &idiom))
        return ftl_code_map_idiom(b, code, &idiom, ftl_code_want(b, code, idiom.x, pass));
    ftl_code_fma fma;
    if (b->spec->fast_paths && ftl_code_find_fma(b, node, &fma)) {
        const uint32_t nodes[3] = {fma.a, fma.b, fma.c};
        for (int k = 0; k < 3; k++)
            ftl_code_want(b, code, nodes[k], pass);
        for (int k = 0; k < 3; k++)
            in[k] = (uint16_t)b->value[nodes[k]];
        return ftl_code_map_fma(b, code, in);
    }
    ftl_code_want_all(b, code, node, pass, in);
    return ftl_code_map(b, code, node, in);
}

static bool is_point(const ftl_nest_builder *b, uint32_t node)
{
    return b->reduced != 0 && (b->mask[node] & b->reduced) == 0;
}

/* A root that is written along reduced axes, in the body of a pass, not in a head. */
static bool is_written_full(const ftl_nest_builder *b, uint32_t node)
{
    return b->reduced == 0 || (ftl_nest_get_written_axes(b, node) & b->reduced) != 0;
}

static void store_root(ftl_nest_builder *b, ftl_code *code, uint32_t node)
{
    if (!b->nest->nodes.data[node].is_root || b->is_stored[node])
        return;
    b->is_stored[node] = true;
    b->value[node] = write_store(b, code, node, (uint16_t)b->value[node]);
}

/* A register that an earlier pass made stays for the whole row. */
static void keep_row(ftl_nest_builder *b, uint32_t node, uint32_t pass)
{
    ftl_program *p = b->program;
    ftl_pointer *x = &p->pointers.data[b->value[node]];
    if (!p->is_keeping || is_point(b, node) || b->made[node] == pass || x->is_row ||
        x->kind != FTL_POINTER_REGISTER)
        return;
    x->is_row = true;
    *FTL_VEC_PUSH(b->arena, &p->kept) = (uint16_t)b->value[node];
}

/* A point node belongs to the head after the passes that it waits for, wherever it is wanted. */
uint16_t ftl_code_want(ftl_nest_builder *b, ftl_code *code, uint32_t node, uint32_t pass)
{
    if (b->value[node] >= 0) {
        keep_row(b, node, pass);
        return (uint16_t)b->value[node];
    }
    if (is_point(b, node))
        code = &b->program->head[b->passes[node]];
    uint16_t value = write_node(b, code, node, pass);
    b->value[node] = value;
    b->made[node] = (uint8_t)pass;
    if (is_point(b, node) != is_written_full(b, node))
        store_root(b, code, node);
    return (uint16_t)b->value[node];
}

void ftl_code_want_all(ftl_nest_builder *b, ftl_code *code, uint32_t node, uint32_t pass,
                       uint16_t *in)
{
    const ftl_nest_node *n = &b->nest->nodes.data[node];
    if (n->n_in > FTL_CODE_MAX_IN)
        ftl_arena_fail(b->arena, FTL_ERR_UNSUPPORTED);
    for (uint32_t k = 0; k < n->n_in; k++)
        ftl_code_want(b, code, n->in[k], pass);
    for (uint32_t k = 0; k < n->n_in; k++)
        in[k] = (uint16_t)b->value[n->in[k]];
}

/* ---- passes ---- */

enum { REMAKE_LIMIT = 3, FUNCTION_COST = 8 };

static bool is_function(ftl_opcode op)
{
    switch (op) {
    case FTL_OP_EXP_:
    case FTL_OP_LOG_:
    case FTL_OP_SIN_:
    case FTL_OP_COS_:
    case FTL_OP_TANH_:
    case FTL_OP_ERF_:
    case FTL_OP_LOGISTIC_:
    case FTL_OP_POW_:
        return true;
    default:
        return false;
    }
}

/* Operations that it takes to make a node again, counted as far as the limit. */
static int count_remake(const ftl_nest_builder *b, uint32_t node)
{
    const ftl_nest_node *n = &b->nest->nodes.data[node];
    if (is_point(b, node) || n->is_read)
        return 0;
    int cost = b->read[node] >= 0 ? 2 : is_function(n->value->op) ? FUNCTION_COST : 1;
    for (uint32_t k = 0; k < n->n_in && cost < REMAKE_LIMIT; k++)
        cost += count_remake(b, n->in[k]);
    return cost;
}

static bool is_kept(const ftl_nest_builder *b, uint32_t node)
{
    return b->program->is_keeping && b->value[node] >= 0 &&
           ftl_code_get(b, (uint16_t)b->value[node])->kind == FTL_POINTER_REGISTER &&
           count_remake(b, node) >= REMAKE_LIMIT;
}

static void forget_full(ftl_nest_builder *b)
{
    for (uint32_t i = 0; i < b->nest->nodes.len; i++)
        if (!is_point(b, i) && !is_kept(b, i))
            b->value[i] = -1;
}

static void write_pass(ftl_nest_builder *b, uint32_t pass)
{
    ftl_code *body = &b->program->body[pass];
    uint32_t n = (uint32_t)b->nest->nodes.len;
    if (!b->program->is_single)
        forget_full(b);
    for (uint32_t i = 0; i < n; i++) {
        if (b->passes[i] != pass)
            continue;
        if (ftl_nest_is_sum(b, i))
            ftl_code_fold(b, body, i, pass);
        else if (b->nest->nodes.data[i].is_root && is_written_full(b, i)) {
            ftl_code_want(b, body, i, pass);
            store_root(b, body, i);
        }
    }
    for (uint32_t i = 0; i < n; i++)
        if (b->passes[i] == pass && ftl_nest_is_sum(b, i))
            b->value[i] = ftl_code_finish(b, &b->program->head[pass + 1], i);
}

static void write_point_roots(ftl_nest_builder *b)
{
    for (uint32_t i = 0; i < b->nest->nodes.len; i++) {
        if (!b->nest->nodes.data[i].is_root || b->is_stored[i])
            continue;
        if (ftl_nest_is_sum(b, i))
            store_root(b, &b->program->head[b->passes[i] + 1], i);
        else
            ftl_code_want(b, NULL, i, 0);
    }
}

void ftl_nest_write_code(ftl_nest_builder *b)
{
    ftl_program *p = b->program;
    p->head = FTL_NEW_ARRAY(b->arena, ftl_code, p->n_passes + 1);
    p->body = FTL_NEW_ARRAY(b->arena, ftl_code, p->n_passes + 1);
    memset(b->value, -1, sizeof b->value);
    for (uint32_t pass = 0; pass < p->n_passes; pass++)
        write_pass(b, pass);
    write_point_roots(b);
}
