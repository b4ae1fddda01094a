/* SPDX-License-Identifier: Apache-2.0
 *
 * Packing of one operand: rectangles of (rows or columns) x (places of k) into dst[k][width]. Axes
 * that do not pass in one step are walked in runs where these are long; else they are given as
 * lists of places, so that many short axes cost no more than a long one [Matthews,
 * "High-performance tensor contraction without transposition", SIAM J. Sci. Comput. 40, 2018].
 * 16-bit elements become f32 on the way, in runs always.
 */
#include "backend/native/gemm_plan.h"

#include <assert.h>

enum { MAX_WIDTH = 64, LISTED = 256, LONG_RUN = 16, SHORT_RUN = 8 };

static const gemm_axes *get_outer(const ftl_gemm *p, gemm_operand which)
{
    return which == LEFT ? &p->rows : &p->cols;
}

/* The inner axis along which the operand is contiguous, if its rows or columns are not. */
static uint32_t choose_axis(const gemm_axes *inner, gemm_operand which, int64_t step)
{
    uint32_t last = inner->n - 1;
    for (uint32_t i = 0; step != 1 && i < last; i++)
        if (inner->axis[i].step[which] == 1)
            return i;
    return last;
}

/* How many rows or columns follow each other in one step, at least. */
static int64_t get_outer_run(const gemm_axes *x, gemm_operand which)
{
    return ftl_gemm_is_even(x, which) ? x->count : x->axis[x->n - 1].extent;
}

/* Pieces of the operand are contiguous and long enough to be copied or transposed one by one. */
static bool has_long_runs(const ftl_gemm *p, gemm_operand which)
{
    const gemm_axes *outer = get_outer(p, which), *inner = &p->inner;
    const int64_t step = ftl_gemm_get_step(outer, which), run = get_outer_run(outer, which);
    if (step == 1)
        return run >= LONG_RUN;
    uint32_t axis = inner->n > 0 ? choose_axis(inner, which, step) : 0;
    return inner->n > 0 && inner->axis[axis].step[which] == 1 &&
           inner->axis[axis].extent >= LONG_RUN && run >= SHORT_RUN;
}

bool ftl_gemm_needs_places(const ftl_gemm *p, gemm_operand which)
{
    return p->ab_size == p->size && !has_long_runs(p, which) &&
           !(ftl_gemm_is_even(get_outer(p, which), which) && ftl_gemm_is_even(&p->inner, which));
}

/* Places of both axes from lists. */
static void pack_listed(const gemm_run *run, const gemm_rectangle *r, char *dst, int64_t width)
{
    const ftl_gemm *p = run->plan;
    int64_t place[MAX_WIDTH], k_place[LISTED];
    ftl_gemm_places part = {.width = width, .src = r->data, .place = place, .n = r->n_i};
    ftl_gemm_list_offsets(get_outer(p, r->which), r->which, (int64_t[]){r->i, r->n_i}, place);
    for (int64_t k = 0; k < r->n_k; k += part.k) {
        part.k = r->k_places ? r->n_k : r->n_k - k < LISTED ? r->n_k - k : LISTED;
        part.k_place = r->k_places ? r->k_places : k_place;
        part.dst = dst + k * width * (int64_t)p->size;
        if (!r->k_places)
            ftl_gemm_list_offsets(&p->inner, r->which, (int64_t[]){r->k + k, part.k}, k_place);
        p->table->pack_places(&part);
    }
}

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
        inside *= inner->axis[i].extent;
    if (inside > 1 && (k % inside != 0 || n < inside)) {
        int64_t rest = inside - k % inside;
        axis = inner->n - 1;
        n = rest < n ? rest : n;
        inside = 1;
    }
    int64_t left = inner->axis[axis].extent - k / inside % inner->axis[axis].extent;
    return (k_block){axis, left < n / inside ? left : n / inside, inside};
}

/* The part at places k of the inner axes; along rows or columns in runs. */
static void pack_runs(const gemm_run *run, const gemm_rectangle *r, const run_part *at)
{
    const ftl_gemm *p = run->plan;
    const gemm_axes *outer = get_outer(p, r->which);
    const bool is_even = ftl_gemm_is_even(outer, r->which);
    run_part part = *at;
    for (int64_t i = 0; i < r->n_i; i += part.n_i) {
        part.n_i = is_even ? r->n_i : ftl_gemm_get_run(outer, r->i + i, r->n_i - i);
        part.src = at->src + ftl_gemm_get_offset(outer, r->which, r->i + i) * (int64_t)p->ab_size;
        part.dst = at->dst + i * (int64_t)p->size;
        if (p->ab_size == p->size)
            pack_same(p, &part);
        else
            pack_converted(run, &part);
    }
}

/* One step along each axis. */
static void pack_even(const gemm_run *run, const gemm_rectangle *r, char *dst, int64_t width)
{
    const ftl_gemm *p = run->plan;
    run_part part = {.dst = dst, .width = width, .n_k = r->n_k, .n_i = r->n_i,
                     .k_step = ftl_gemm_get_step(&p->inner, r->which),
                     .step = ftl_gemm_get_step(get_outer(p, r->which), r->which)};
    part.src = r->data + (r->k * part.k_step + r->i * part.step) * (int64_t)p->size;
    pack_same(p, &part);
}

/* Run by run; 16-bit elements are converted on the way. */
static void pack_by_runs(const gemm_run *run, const gemm_rectangle *r, char *dst, int64_t width)
{
    const ftl_gemm *p = run->plan;
    const gemm_axes *inner = &p->inner;
    const int64_t step = ftl_gemm_get_step(get_outer(p, r->which), r->which);
    const uint32_t axis = inner->n > 0 ? choose_axis(inner, r->which, step) : 0;
    run_part part = {.step = step, .n_k = 1, .width = width, .dst = dst, .src = r->data};
    if (inner->n == 0)
        pack_runs(run, r, &part);
    for (int64_t k = 0; inner->n > 0 && k < r->n_k; ) {
        k_block block = get_k_block(inner, axis, r->k + k, r->n_k - k);
        part.n_k = block.count;
        part.k_step = inner->axis[block.axis].step[r->which];
        part.width = width * block.inside;
        for (int64_t i = 0; i < block.inside; i++) {
            int64_t offset = ftl_gemm_get_offset(inner, r->which, r->k + k + i);
            part.src = r->data + offset * (int64_t)p->ab_size;
            part.dst = dst + (k + i) * width * (int64_t)p->size;
            pack_runs(run, r, &part);
        }
        k += block.count * block.inside;
    }
}

void ftl_gemm_pack_rectangle(const gemm_run *run, const gemm_rectangle *r, char *dst, int64_t width)
{
    const ftl_gemm *p = run->plan;
    assert(width <= MAX_WIDTH);
    const bool is_even = ftl_gemm_is_even(get_outer(p, r->which), r->which) &&
                         ftl_gemm_is_even(&p->inner, r->which);
    if (ftl_gemm_needs_places(p, r->which))
        pack_listed(run, r, dst, width);
    else if (is_even && p->ab_size == p->size)
        pack_even(run, r, dst, width);
    else
        pack_by_runs(run, r, dst, width);
    clear_rest(p, r, dst, width);
}
