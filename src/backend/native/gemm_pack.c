/* SPDX-License-Identifier: Apache-2.0
 *
 * Packing of one operand: rectangles of (rows or columns) x (places of k) into dst[k][width]. Axes
 * that are not one are walked in runs. 16-bit elements become f32 on the way.
 */
#include "backend/native/gemm_plan.h"

/* A run of both axes: places step apart, with one step along k. */
typedef struct run_part {
    char *dst;
    const char *src;
    int64_t width, k_step, step, n_k, n_i;
} run_part;

static void pack_same(const ftl_gemm *p, const run_part *r)
{
    ftl_gemm_panel panel = {
        .dst = r->dst, .width = r->width, .src = r->src, .k_step = r->k_step, .step = r->step,
        .k = r->n_k, .n = r->n_i,
    };
    p->table->pack(&panel);
}

/* Where k is contiguous, columns are converted in blocks and then transposed. */
static void pack_converted_cols(const gemm_run *run, const run_part *r)
{
    enum { COLS = 48, DEPTH = 64 };
    float block[COLS * DEPTH];
    const ftl_gemm *p = run->plan;
    ftl_load_fn *load = run->kernels->tile[FTL_TILE_F32]->load[p->ab];
    for (int64_t j = 0; j < r->n_i; j += COLS)
        for (int64_t k = 0; k < r->n_k; k += DEPTH) {
            run_part part = *r;
            part.n_i = r->n_i - j < COLS ? r->n_i - j : COLS;
            part.n_k = r->n_k - k < DEPTH ? r->n_k - k : DEPTH;
            for (int64_t i = 0; i < part.n_i; i++)
                load(block + i * DEPTH, r->src + ((j + i) * r->step + k) * (int64_t)p->ab_size, 1,
                     (size_t)part.n_k);
            part.src = (const char *)block, part.k_step = 1, part.step = DEPTH;
            part.dst += (k * r->width + j) * (int64_t)sizeof(float);
            pack_same(p, &part);
        }
}

static void pack_converted(const gemm_run *run, const run_part *r)
{
    const ftl_gemm *p = run->plan;
    ftl_load_fn *load = run->kernels->tile[FTL_TILE_F32]->load[p->ab];
    if (r->k_step == 1 && r->step != 1) {
        pack_converted_cols(run, r);
        return;
    }
    for (int64_t k = 0; k < r->n_k; k++)
        load(r->dst + k * r->width * (int64_t)sizeof(float),
             r->src + k * r->k_step * (int64_t)p->ab_size, r->step, (size_t)r->n_i);
}

static void clear_rest(const ftl_gemm *p, const gemm_rectangle *r, char *dst, int64_t width)
{
    if (r->n_i == width)
        return;
    for (int64_t k = 0; k < r->n_k; k++)
        memset(dst + (k * width + r->n_i) * (int64_t)p->size, 0,
               (size_t)(width - r->n_i) * p->size);
}

/* The inner axis along which the operand is contiguous, if its rows or columns are not. */
static uint32_t choose_axis(const gemm_axes *inner, gemm_operand which, int64_t step)
{
    uint32_t last = inner->n - 1;
    for (uint32_t i = 0; step != 1 && i < last; i++)
        if (inner->step[i][which] == 1)
            return i;
    return last;
}

/* How the places of k from `k` on are visited: `count` of them along `axis`, each followed by the
 * `inside` places of the axes inside of it. */
typedef struct k_block {
    uint32_t axis;
    int64_t count, inside;
} k_block;

static k_block get_k_block(const gemm_axes *inner, uint32_t axis, int64_t k, int64_t n)
{
    int64_t inside = 1;
    for (uint32_t i = axis + 1; i < inner->n; i++)
        inside *= inner->extent[i];
    if (inside > 1 && (k % inside != 0 || n < inside)) {
        int64_t rest = inside - k % inside;
        axis = inner->n - 1;
        n = rest < n ? rest : n;
        inside = 1;
    }
    int64_t left = inner->extent[axis] - k / inside % inner->extent[axis];
    return (k_block){axis, left < n / inside ? left : n / inside, inside};
}

/* The part at places k of the inner axes; along rows or columns in runs. */
static void pack_runs(const gemm_run *run, const gemm_rectangle *r, const run_part *at)
{
    const ftl_gemm *p = run->plan;
    const gemm_axes *outer = r->which == LEFT ? &p->rows : &p->cols;
    run_part part = *at;
    for (int64_t i = 0; i < r->n_i; i += part.n_i) {
        part.n_i = ftl_gemm_get_run(outer, r->i + i, r->n_i - i);
        part.src = at->src + ftl_gemm_get_offset(outer, r->which, r->i + i) * (int64_t)p->ab_size;
        part.dst = at->dst + i * (int64_t)p->size;
        if (p->ab_size == p->size)
            pack_same(p, &part);
        else
            pack_converted(run, &part);
    }
}

void ftl_gemm_pack_rectangle(const gemm_run *run, const gemm_rectangle *r, char *dst, int64_t width)
{
    const ftl_gemm *p = run->plan;
    const gemm_axes *inner = &p->inner;
    const int64_t step = ftl_gemm_get_step(r->which == LEFT ? &p->rows : &p->cols, r->which);
    const uint32_t axis = inner->n > 0 ? choose_axis(inner, r->which, step) : 0;
    run_part part = {.step = step, .n_k = 1, .width = width, .dst = dst, .src = r->data};
    if (inner->n == 0)
        pack_runs(run, r, &part);
    for (int64_t k = 0; inner->n > 0 && k < r->n_k; ) {
        k_block block = get_k_block(inner, axis, r->k + k, r->n_k - k);
        part.n_k = block.count;
        part.k_step = inner->step[block.axis][r->which];
        part.width = width * block.inside;
        for (int64_t i = 0; i < block.inside; i++) {
            int64_t offset = ftl_gemm_get_offset(inner, r->which, r->k + k + i);
            part.src = r->data + offset * (int64_t)p->ab_size;
            part.dst = dst + (k + i) * width * (int64_t)p->size;
            pack_runs(run, r, &part);
        }
        k += block.count * block.inside;
    }
    clear_rest(p, r, dst, width);
}
