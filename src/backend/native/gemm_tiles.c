/* SPDX-License-Identifier: Apache-2.0
 *
 * One region of out by register tiles. k is cut into passes of `depth`; in a pass the columns are
 * taken panel by panel, each panel of right staying in the cache while all rows of left pass by it.
 * Left is read at a few bytes a cycle only, so it may come from any cache. Some panels make a
 * group, whose part of out is given to the hook while it is still in the cache.
 */
#include "backend/native/gemm_plan.h"

enum { GROUP = 5, TILE_BYTES = FTL_GEMM_ROWS * FTL_GEMM_VECTORS * 64 };

/* One pass: places k .. k+n_k. */
typedef struct pass {
    const gemm_region *region;
    int64_t k, n_k;
    char *left, *right; /* packed, or null */
    bool is_first;
} pass;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- out ---- */

static bool is_row_run(const gemm_axes *x, int64_t i, int64_t n)
{
    return ftl_gemm_get_run(x, i, n) == n;
}

/* Adds alpha-scaled sums in `tile` (rows of `width`) to out, or writes them, at any steps. */
static void scatter_tile(const pass *s, const ftl_gemm_tile *t, const int64_t at[2],
                         const int64_t extent[2])
{
    const gemm_region *g = s->region;
    const ftl_gemm *p = g->run->plan;
    for (int64_t i = 0; i < extent[0]; i++) {
        char *row = g->out + ftl_gemm_get_offset(&p->rows, OUT, at[0] + i) * (int64_t)p->size;
        for (int64_t j = 0; j < extent[1]; j++) {
            int64_t offset = ftl_gemm_get_offset(&p->cols, OUT, at[1] + j);
            if (p->size == 4) {
                float x = ((const float *)t->c)[i * t->c_row + j], *y = (float *)row + offset;
                *y = s->is_first && p->beta == 0 ? x : *y + x;
            } else {
                double x = ((const double *)t->c)[i * t->c_row + j], *y = (double *)row + offset;
                *y = s->is_first && p->beta == 0 ? x : *y + x;
            }
        }
    }
}

/* Tile at rows at[0], columns at[1] of out; a, b, k and their steps are set. */
static void run_tile(const pass *s, ftl_gemm_tile *t, const int64_t at[2], const int64_t extent[2])
{
    const gemm_region *g = s->region;
    const ftl_gemm *p = g->run->plan;
    const int64_t lanes = p->table->lanes, vectors = (extent[1] + lanes - 1) / lanes;
    ftl_gemm_tile_fn *fn = p->table->tile[extent[0] - 1][vectors - 1];
    if (extent[1] == vectors * lanes && ftl_gemm_get_step(&p->cols, OUT) == 1 &&
        is_row_run(&p->cols, at[1], extent[1]) && is_row_run(&p->rows, at[0], extent[0])) {
        int64_t offset = ftl_gemm_get_offset(&p->rows, OUT, at[0]) +
                         ftl_gemm_get_offset(&p->cols, OUT, at[1]);
        t->c = g->out + offset * (int64_t)p->size;
        t->c_row = ftl_gemm_get_step(&p->rows, OUT);
        t->is_added = !s->is_first || p->beta != 0;
        fn(t);
        return;
    }
    _Alignas(64) char sums[TILE_BYTES];
    t->c = sums;
    t->c_row = vectors * lanes;
    t->is_added = false;
    fn(t);
    scatter_tile(s, t, at, extent);
}

/* out = beta * out, for what no tile writes first: beta other than 0 and 1, and sums over nothing.
 */
static void scale_out(const gemm_region *g)
{
    const ftl_gemm *p = g->run->plan;
    for (int64_t i = 0; i < g->rows; i++)
        for (int64_t j = 0; j < g->cols; j++) {
            char *y = g->out + (ftl_gemm_get_offset(&p->rows, OUT, g->row + i) +
                                ftl_gemm_get_offset(&p->cols, OUT, g->col + j)) *
                                   (int64_t)p->size;
            if (p->size == 4)
                *(float *)y = p->beta == 0 ? 0 : (float)(p->beta * (double)*(float *)y);
            else
                *(double *)y = p->beta == 0 ? 0 : p->beta * *(double *)y;
        }
}

/* ---- operands ---- */

static void pack_left(const pass *s)
{
    const gemm_region *g = s->region;
    const int64_t rows = g->run->plan->table->rows;
    for (int64_t i = 0; i < g->rows; i += rows) {
        gemm_rectangle r = {.which = LEFT, .data = g->left, .k = s->k, .n_k = s->n_k,
                            .i = g->row + i, .n_i = least(rows, g->rows - i)};
        ftl_gemm_pack_rectangle(g->run, &r,
                                s->left + i * s->n_k * (int64_t)g->run->plan->size, rows);
    }
}

/* Sets b and b_k for the panel of n columns at col, packing it if need be. */
static void find_right(const pass *s, ftl_gemm_tile *t, int64_t col, int64_t n)
{
    const gemm_region *g = s->region;
    const ftl_gemm *p = g->run->plan;
    const int64_t width = ftl_gemm_get_panel_width(p, col), size = (int64_t)p->size;
    t->b_k = width;
    if (p->is_right_packed) {
        t->b = g->right + (col * p->inner.count + s->k * width) * size;
        return;
    }
    if (p->is_right_direct && n == width) {
        t->b_k = ftl_gemm_get_step(&p->inner, RIGHT);
        t->b = g->right + (s->k * t->b_k + col) * size;
        return;
    }
    gemm_rectangle r = {.which = RIGHT, .data = g->right, .k = s->k, .n_k = s->n_k, .i = col,
                        .n_i = n};
    ftl_gemm_pack_rectangle(g->run, &r, s->right, width);
    t->b = s->right;
}

static void find_left(const pass *s, ftl_gemm_tile *t, int64_t row)
{
    const gemm_region *g = s->region;
    const ftl_gemm *p = g->run->plan;
    const int64_t size = (int64_t)p->size;
    if (p->is_left_direct) {
        t->a_row = ftl_gemm_get_step(&p->rows, LEFT);
        t->a_k = ftl_gemm_get_step(&p->inner, LEFT);
        t->a = g->left + (row * t->a_row + s->k * t->a_k) * size;
        return;
    }
    t->a_row = 1;
    t->a_k = p->table->rows;
    t->a = s->left + (row - g->row) * s->n_k * size;
}

/* ---- loops ---- */

static void run_panel(const pass *s, int64_t col, int64_t n)
{
    const gemm_region *g = s->region;
    const ftl_gemm *p = g->run->plan;
    const int64_t end = g->row + g->rows;
    ftl_gemm_tile t = {.k = s->n_k, .alpha = p->alpha};
    find_right(s, &t, col, n);
    for (int64_t row = g->row; row < end; row += p->table->rows) {
        int64_t at[2] = {row, col}, extent[2] = {least(p->table->rows, end - row), n};
        find_left(s, &t, row);
        run_tile(s, &t, at, extent);
    }
}

static void run_pass(const pass *s)
{
    const gemm_region *g = s->region;
    const ftl_gemm *p = g->run->plan;
    const int64_t panel = (int64_t)p->table->vectors * p->table->lanes, end = g->col + g->cols;
    const bool is_last = s->k + s->n_k == p->inner.count;
    if (s->left)
        pack_left(s);
    for (int64_t group = g->col; group < end; group += GROUP * panel) {
        int64_t group_end = least(group + GROUP * panel, end);
        for (int64_t col = group; col < group_end; col += panel)
            run_panel(s, col, least(panel, end - col));
        if (is_last)
            ftl_gemm_call_hook(g, (int64_t[]){g->row, group},
                               (int64_t[]){g->rows, group_end - group});
    }
}

void ftl_gemm_run_tiles(const gemm_region *g)
{
    const ftl_gemm *p = g->run->plan;
    if (p->inner.count == 0 || (p->beta != 0 && p->beta != 1))
        scale_out(g);
    if (p->inner.count == 0) {
        ftl_gemm_call_hook(g, (int64_t[]){g->row, g->col}, (int64_t[]){g->rows, g->cols});
        return;
    }
    for (int64_t k = 0; k < p->inner.count; k += p->depth) {
        pass s = {.region = g, .k = k, .n_k = least(p->depth, p->inner.count - k),
                  .left = p->is_left_direct ? NULL : g->scratch,
                  .right = g->scratch ? g->scratch + p->left_bytes : NULL, .is_first = k == 0};
        run_pass(&s);
    }
}
