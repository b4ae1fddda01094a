/* SPDX-License-Identifier: Apache-2.0
 *
 * Products with vectors, which read every element of a matrix once and go at the speed of memory,
 * sums of products of two vectors, and products that a BLAS computes.
 */
#include "backend/native/gemm_plan.h"

enum { STRIP_BYTES = 16384 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void call_hook_for_all(const gemm_region *g)
{
    ftl_gemm_call_hook(g, (int64_t[]){g->row, g->col}, (int64_t[]){g->rows, g->cols});
}

void ftl_gemm_run_dots(const gemm_region *g)
{
    const ftl_gemm *p = g->run->plan;
    const int64_t size = (int64_t)p->size, step = ftl_gemm_get_step(&p->cols, OUT);
    const int64_t col_step = ftl_gemm_get_step(&p->cols, RIGHT);
    ftl_gemm_rows m = {.m = g->right + g->col * col_step * size, .rows = g->cols,
                       .cols = p->inner.count, .row_step = col_step};
    for (int64_t i = 0; i < g->rows; i++) {
        int64_t row = g->row + i;
        char *y = g->out + (ftl_gemm_get_offset(&p->rows, OUT, row) + g->col * step) * size;
        const char *x = g->left + ftl_gemm_get_offset(&p->rows, LEFT, row) * size;
        p->table->dot_rows(y, step, &m, x);
    }
    call_hook_for_all(g);
}

/* Adds to y, which is near, the product of a piece of left and the rows of m. */
static void add_piece(const ftl_gemm *p, void *y, const ftl_gemm_rows *m, const char *x)
{
    _Alignas(64) char sums[STRIP_BYTES];
    const float one = 1;
    const double one_f64 = 1;
    memset(sums, 0, (size_t)m->cols * p->size);
    p->table->add_rows(sums, m, x);
    p->table->add_rows(y, &(ftl_gemm_rows){.m = sums, .rows = 1, .cols = m->cols},
                       p->size == 4 ? (const void *)&one : &one_f64);
}

/* Columns in strips that stay in the first cache while the rows pass by, whole if they can. Sums of
 * some hundred products each are joined, so that long sums lose no more than short ones do. */
void ftl_gemm_run_adds(const gemm_region *g)
{
    enum { PIECE = 512 };
    const ftl_gemm *p = g->run->plan;
    const int64_t size = (int64_t)p->size, strip = STRIP_BYTES / size, k = p->inner.count;
    const int64_t row_step = ftl_gemm_get_step(&p->inner, RIGHT);
    for (int64_t j = 0; j < g->cols; j += strip) {
        int64_t col = g->col + j;
        char *y = g->out + col * size;
        ftl_gemm_rows m = {.cols = least(strip, g->cols - j), .row_step = row_step};
        memset(y, 0, (size_t)(m.cols * size));
        for (int64_t i = 0; i < k; i += PIECE) {
            m.m = g->right + (i * row_step + col) * size;
            m.rows = least(PIECE, k - i);
            add_piece(p, y, &m, g->left + i * size);
        }
    }
    call_hook_for_all(g);
}

/* A strided vector in pieces: where it lies when its step is 1, else copied to `room`. */
static const void *fetch(const gemm_run *run, const char *data, int64_t step, int64_t n, void *room)
{
    const ftl_gemm *p = run->plan;
    if (step == 1)
        return data;
    run->kernels->copy[p->size == 4 ? 2 : 3](room, 1, data, (ptrdiff_t)step, (size_t)n);
    return room;
}

void ftl_gemm_run_pair(const gemm_region *g)
{
    enum { PIECE = 1024 };
    const gemm_run *run = g->run;
    const ftl_gemm *p = run->plan;
    double room[2][PIECE], sum = 0;
    const int64_t size = (int64_t)p->size, left_step = ftl_gemm_get_step(&p->inner, LEFT);
    const int64_t right_step = ftl_gemm_get_step(&p->inner, RIGHT), k = p->inner.count;
    const int64_t piece = left_step == 1 && right_step == 1 ? k : PIECE;
    for (int64_t i = 0; i < k; i += piece) {
        int64_t n = least(piece, k - i);
        const void *x = fetch(run, g->left + i * left_step * size, left_step, n, room[0]);
        const void *y = fetch(run, g->right + i * right_step * size, right_step, n, room[1]);
        run->kernels->tile[p->tile]->dot(&sum, x, y, (size_t)n);
    }
    if (p->size == 4)
        *(float *)g->out = (float)sum;
    else
        *(double *)g->out = sum;
    call_hook_for_all(g);
}

ftl_blas_product ftl_gemm_get_blas_product(const ftl_gemm *p)
{
    return (ftl_blas_product){
        .m = p->rows.count, .n = p->cols.count, .k = p->inner.count,
        .a_m = ftl_gemm_get_step(&p->rows, LEFT), .a_k = ftl_gemm_get_step(&p->inner, LEFT),
        .b_k = ftl_gemm_get_step(&p->inner, RIGHT), .b_n = ftl_gemm_get_step(&p->cols, RIGHT),
        .c_m = ftl_gemm_get_step(&p->rows, OUT), .alpha = p->alpha, .beta = p->beta};
}

void ftl_gemm_run_blas(const gemm_region *g)
{
    ftl_blas_product product = ftl_gemm_get_blas_product(g->run->plan);
    ftl_blas_run(g->run->blas, g->run->plan->size, &product,
                 (const void *[]){g->left, g->right}, g->out);
    call_hook_for_all(g);
}
