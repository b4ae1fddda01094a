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

void ftl_gemm_pack_rectangle(const gemm_run *run, const gemm_rectangle *r, char *dst, int64_t width)
{
    const ftl_gemm *p = run->plan;
    const gemm_axes *outer = r->which == LEFT ? &p->rows : &p->cols;
    const int64_t ab_size = (int64_t)p->ab_size, size = (int64_t)p->size;
    run_part part = {.width = width, .k_step = ftl_gemm_get_step(&p->inner, r->which),
                     .step = ftl_gemm_get_step(outer, r->which)};
    for (int64_t k = 0; k < r->n_k; k += part.n_k) {
        part.n_k = ftl_gemm_get_run(&p->inner, r->k + k, r->n_k - k);
        const char *data = r->data + ftl_gemm_get_offset(&p->inner, r->which, r->k + k) * ab_size;
        for (int64_t i = 0; i < r->n_i; i += part.n_i) {
            part.n_i = ftl_gemm_get_run(outer, r->i + i, r->n_i - i);
            part.src = data + ftl_gemm_get_offset(outer, r->which, r->i + i) * ab_size;
            part.dst = dst + (k * width + i) * size;
            if (p->ab_size == p->size)
                pack_same(p, &part);
            else
                pack_converted(run, &part);
        }
    }
    clear_rest(p, r, dst, width);
}
