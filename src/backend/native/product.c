/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of two tensors: the labels of a CONTRACT become the axes of a gemm by the operands that
 * have them; strides are those of the places, so no operand is transposed here. What follows the
 * product runs on finished blocks: a block is cut into boxes of the epilogue's axes, one where the
 * axes of each side merged.
 */
#include "backend/native/native.h"

#include "base/dtype.h"

/* Program axes of the epilogue that one side of a block runs along, slowest first. */
typedef struct side {
    uint32_t n;
    uint8_t axis[FTL_GEMM_MAX_AXES];
} side;

struct ftl_product {
    ftl_gemm *gemm;
    ftl_ref a, b, c;
    bool has_hook;
    const ftl_program *nest;  /* run by the hook */
    side rows, cols, batch;   /* of a block */
    bool rows_are_n;
};

/* One label, while the axes are collected. */
typedef struct label {
    ftl_gemm_axis axis;
    unsigned where;   /* 1: in a, 2: in b, 4: in c */
    uint8_t nest_axis;
} label;

enum { MAX_LABELS = 256 };

typedef struct spec {
    const ftl_value *v;
    const ftl_step *step;
    label labels[MAX_LABELS];
    uint32_t n_axes;
    ftl_gemm_axis axes[FTL_GEMM_MAX_AXES];
    uint8_t nest_axes[FTL_GEMM_MAX_AXES]; /* of the epilogue, by gemm axis */
    int64_t c_strides[FTL_MAX_RANK];      /* bytes */
} spec;

/* ---- axes ---- */

static void add_operand(spec *s, uint32_t operand, const int64_t *strides)
{
    const ftl_value *x = s->v->in[operand];
    int64_t size = (int64_t)ftl_dtype_get_size(x->dtype);
    for (uint32_t k = 0; k < x->rank; k++) {
        label *l = &s->labels[s->v->u.contract->in[operand][k]];
        l->axis.extent = x->shape[k];
        l->where |= 1u << operand;
        *(operand == 0 ? &l->axis.a : &l->axis.b) += strides[k] / size;
    }
}

static void add_result(spec *s, const ftl_nest_node *read, int64_t size)
{
    for (uint32_t k = 0; k < s->v->rank; k++) {
        label *l = &s->labels[s->v->u.contract->out[k]];
        l->where |= 4;
        l->axis.c = s->c_strides[k] / size;
        l->nest_axis = read ? read->axis[k] : FTL_NEST_NONE;
    }
}

static ftl_gemm_role get_role(unsigned where)
{
    switch (where) {
    case 5:
        return FTL_GEMM_M;
    case 6:
        return FTL_GEMM_N;
    case 7:
        return FTL_GEMM_BATCH;
    default:
        return FTL_GEMM_K;
    }
}

static int64_t get_order(const ftl_gemm_axis *x)
{
    int64_t stride = x->role == FTL_GEMM_K ? x->a : x->c;
    return stride < 0 ? -stride : stride;
}

/* Axes of one role by falling stride in C (K: in A), so that the flattened order is that of memory.
 */
static void collect_axes(spec *s, ftl_arena *arena)
{
    for (uint32_t i = 0; i < s->v->u.contract->n_labels; i++) {
        const label *l = &s->labels[i];
        if (l->axis.extent == 1)
            continue;
        if (s->n_axes == FTL_GEMM_MAX_AXES)
            ftl_arena_fail(arena, FTL_ERR_UNSUPPORTED);
        ftl_gemm_axis x = l->axis;
        uint32_t at = s->n_axes++;
        x.role = get_role(l->where);
        for (; at > 0 && get_order(&s->axes[at - 1]) < get_order(&x); at--) {
            s->axes[at] = s->axes[at - 1];
            s->nest_axes[at] = s->nest_axes[at - 1];
        }
        s->axes[at] = x;
        s->nest_axes[at] = l->nest_axis;
    }
}

static bool has_unit_stride(const spec *s, ftl_gemm_role role)
{
    for (uint32_t i = s->n_axes; i-- > 0;)
        if (s->axes[i].role == role)
            return s->axes[i].c == 1;
    return false;
}

/* The axes of a role pass through C as one. */
static bool is_one_axis(const spec *s, ftl_gemm_role role)
{
    const ftl_gemm_axis *outer = NULL;
    for (uint32_t i = 0; i < s->n_axes; i++) {
        const ftl_gemm_axis *x = &s->axes[i];
        if (x->role != role)
            continue;
        if (outer && outer->c != x->c * x->extent)
            return false;
        outer = x;
    }
    return true;
}

static bool can_hook(const spec *s)
{
    return s->step->nest &&
           (has_unit_stride(s, FTL_GEMM_N) || has_unit_stride(s, FTL_GEMM_M)) &&
           is_one_axis(s, FTL_GEMM_M) && is_one_axis(s, FTL_GEMM_N);
}

/* ---- compiling ---- */

static ftl_dtype get_sum_dtype(const ftl_value *v)
{
    return v->dtype == FTL_DTYPE_F64 ? FTL_DTYPE_F64 : FTL_DTYPE_F32;
}

static const ftl_nest_node *find_read(const ftl_step *step)
{
    for (size_t i = 0; step->nest && i < step->nest->nodes.len; i++)
        if (step->nest->nodes.data[i].value == step->contract)
            return &step->nest->nodes.data[i];
    return NULL;
}

static void set_c_strides(spec *s, int64_t size)
{
    int64_t step = size;
    for (uint32_t k = s->v->rank; k-- > 0;) {
        s->c_strides[k] = s->step->sums.strides ? s->step->sums.strides[k] : step;
        step *= s->v->shape[k];
    }
}

static side get_side(const spec *s, const ftl_nest_axes *axes, ftl_gemm_role role)
{
    side out = {0, {0}};
    for (uint32_t i = 0; i < s->n_axes; i++) {
        if (s->axes[i].role != role)
            continue;
        uint8_t axis = (uint8_t)axes->axis[s->nest_axes[i]];
        if (out.n == 0 || out.axis[out.n - 1] != axis)
            out.axis[out.n++] = axis;
    }
    return out;
}

static void compile_hook(ftl_unit *u, ftl_product *p, const spec *s, ftl_nest_spec *nest)
{
    uint8_t sides[FTL_NEST_MAX_AXES] = {0};
    ftl_nest_axes axes;
    ftl_gemm_role rows = p->rows_are_n ? FTL_GEMM_N : FTL_GEMM_M;
    ftl_gemm_role cols = p->rows_are_n ? FTL_GEMM_M : FTL_GEMM_N;
    for (uint32_t i = 0; i < s->n_axes; i++)
        if (s->axes[i].role != FTL_GEMM_K)
            sides[s->nest_axes[i]] = s->axes[i].role == rows   ? FTL_VM_ROWS
                                     : s->axes[i].role == cols ? FTL_VM_COLS
                                                               : 0;
    nest->side = sides;
    p->nest = ftl_nest_compile(&u->exec->arena, nest, &axes);
    p->rows = get_side(s, &axes, rows);
    p->cols = get_side(s, &axes, cols);
    p->batch = get_side(s, &axes, FTL_GEMM_BATCH);
    ftl_exec_need_program(u->exec, p->nest);
}

static void compile_nest(ftl_unit *u, ftl_product *p, const spec *s)
{
    ftl_nest_spec nest = {.nest = s->step->nest, .kernels = u->exec->device->kernels,
                          .fast_paths = u->exec->device->fast_paths,
                          .find = ftl_unit_find, .ctx = u, .contract = s->v,
                          .sums = get_sum_dtype(s->v), .sums_ref = p->c,
                          .sums_strides = s->c_strides};
    if (p->has_hook) {
        compile_hook(u, p, s, &nest);
        return;
    }
    p->nest = ftl_nest_compile(&u->exec->arena, &nest, NULL);
    ftl_exec_need_program(u->exec, p->nest);
}

/* With the hook where gemm can call it, else without. */
static void compile_gemm(ftl_unit *u, ftl_product *p, const spec *s)
{
    ftl_arena *arena = &u->exec->arena;
    const ftl_device *d = u->exec->device;
    ftl_gemm_env env = {d->kernels, d->pool, d->blas.library ? &d->blas : NULL};
    ftl_gemm_spec g = {.ab = s->v->in[0]->dtype, .c = get_sum_dtype(s->v), .n_axes = s->n_axes,
                       .axes = s->axes, .alpha = 1, .has_hook = can_hook(s)};
    p->gemm = ftl_arena_alloc(arena, ftl_gemm_get_plan_size(&g));
    ftl_status status = ftl_gemm_init(p->gemm, &g, &env);
    if (status == FTL_ERR_UNSUPPORTED && g.has_hook) {
        g.has_hook = false;
        status = ftl_gemm_init(p->gemm, &g, &env);
    }
    if (status != FTL_OK)
        ftl_arena_fail(arena, status);
    p->has_hook = g.has_hook;
    ftl_exec_need(u->exec, (ftl_scratch){.rest = ftl_gemm_get_scratch(p->gemm)});
}

ftl_product *ftl_product_compile(ftl_unit *u, const ftl_step *step)
{
    ftl_arena *arena = &u->exec->arena;
    ftl_product *p = FTL_NEW(arena, ftl_product);
    spec here = {.v = step->contract, .step = step}, *s = &here;
    int64_t strides[FTL_MAX_RANK];
    int64_t size = (int64_t)ftl_dtype_get_size(get_sum_dtype(step->contract));
    if (s->v->u.contract->n_labels > MAX_LABELS)
        ftl_arena_fail(arena, FTL_ERR_UNSUPPORTED);
    p->a = ftl_unit_find(u, s->v->in[0], strides);
    add_operand(s, 0, strides);
    p->b = ftl_unit_find(u, s->v->in[1], strides);
    add_operand(s, 1, strides);
    p->c = ftl_unit_find_place(u, &step->sums);
    set_c_strides(s, size);
    add_result(s, find_read(step), size);
    collect_axes(s, arena);
    p->rows_are_n = !has_unit_stride(s, FTL_GEMM_N) && has_unit_stride(s, FTL_GEMM_M);
    compile_gemm(u, p, s);
    if (step->nest)
        compile_nest(u, p, s);
    return p;
}

/* ---- running ---- */

typedef struct hook_ctx {
    const ftl_product *product;
    const ftl_vm_env *env;
} hook_ctx;

/* Sets the position at a flattened place of a side; gives how many places follow along its last
 * axis, at most n. */
static int64_t place_side(const ftl_program *p, const side *s, int64_t place, int64_t n,
                          int64_t *position)
{
    int64_t run = n;
    for (uint32_t i = s->n; i-- > 0;) {
        int64_t extent = p->extent[s->axis[i]];
        position[s->axis[i]] = place % extent;
        if (i == s->n - 1 && extent - place % extent < run)
            run = extent - place % extent;
        place /= extent;
    }
    return run;
}

static void finish_block(void *ctx, const ftl_gemm_block *block)
{
    const hook_ctx *h = ctx;
    const ftl_product *p = h->product;
    int64_t position[FTL_VM_MAX_AXES] = {0};
    bool is_turned = block->is_transposed != p->rows_are_n;
    int64_t row0 = is_turned ? block->col : block->row, col0 = is_turned ? block->row : block->col;
    int64_t rows = is_turned ? block->cols : block->rows;
    int64_t cols = is_turned ? block->rows : block->cols;
    place_side(p->nest, &p->batch, block->batch, 1, position);
    for (int64_t r = 0, nr; r < rows; r += nr) {
        nr = place_side(p->nest, &p->rows, row0 + r, rows - r, position);
        for (int64_t c = 0, nc; c < cols; c += nc) {
            nc = place_side(p->nest, &p->cols, col0 + c, cols - c, position);
            ftl_vm_box box = {position, nr, nc, block->worker};
            ftl_vm_run_box(p->nest, h->env, &box);
        }
    }
}

void ftl_product_run(const ftl_product *p, const ftl_unit *u)
{
    const ftl_device *d = u->exec->device;
    ftl_gemm_env env = {d->kernels, d->pool, d->blas.library ? &d->blas : NULL};
    hook_ctx ctx = {p, &u->env};
    ftl_gemm_args args = {.a = ftl_unit_get(u, p->a), .b = ftl_unit_get(u, p->b),
                          .c = ftl_unit_get(u, p->c), .scratch = u->exec->rest};
    if (p->has_hook) {
        args.hook = finish_block;
        args.hook_ctx = &ctx;
    }
    ftl_gemm_run(p->gemm, &env, &args);
    if (p->nest && !p->has_hook)
        ftl_vm_run(p->nest, &u->env);
}

const char *ftl_product_get_text(const ftl_product *p)
{
    return ftl_gemm_get_text(p->gemm);
}
