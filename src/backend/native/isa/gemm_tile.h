/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrix kernels for one element type. The including file has defined `element`.
 *
 * The register tile holds ROWS x VECTORS vectors of sums; each step of k loads VECTORS vectors of B
 * and broadcasts ROWS elements of A, so that the multiply-add units are busy and the load units are
 * not [Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008]. With 32
 * registers 8 x 3 leaves room for B and a broadcast, with 16 registers 4 x 3. Where B is read in
 * place, its next columns are those of the next tile: they are prefetched, but by tiles of one
 * vector, after which there are none.
 */
#ifndef FTL_ISA_GEMM_TILE_H
#define FTL_ISA_GEMM_TILE_H

#include "backend/native/gemm_kernels.h"
#include "backend/native/isa/isa.h"
#include "backend/native/isa/square.h"

typedef element vec __attribute__((vector_size(ISA_VECTOR)));
enum { LANES = ISA_VECTOR / sizeof(element), VECTORS = 3 };
#if defined(__AVX512F__) || defined(__aarch64__)
enum { ROWS = 8 };
#else
enum { ROWS = 4 };
#endif

static ALWAYS_INLINE vec vec_load(const element *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

static ALWAYS_INLINE void vec_store(element *p, vec v)
{
    memcpy(p, &v, sizeof v);
}

/* After every fourth row. Compilers for ARM load the elements of A long before their use, and those
 * of eight rows are too many registers beside 24 sums; no load is moved over this. */
static ALWAYS_INLINE void keep_loads_below(int row)
{
#if defined(__aarch64__)
    if (row % 4 == 3)
        __asm__ volatile("" ::: "memory");
#else
    (void)row;
#endif
}

/* ---- register tiles; rows and vectors are constants wherever this is expanded ---- */

static ALWAYS_INLINE void store_row(const ftl_gemm_tile *t, element *c, const vec *sum, int vectors)
{
    const element alpha = (element)t->alpha;
    UNROLL(4)
    for (int v = 0; v < vectors; v++) {
        vec x = alpha * sum[v];
        vec_store(c + v * LANES, t->is_added ? vec_load(c + v * LANES) + x : x);
    }
}

static ALWAYS_INLINE void run_tile(const ftl_gemm_tile *t, int rows, int vectors)
{
    const element *a = t->a, *b = t->b;
    const int64_t a_row = t->a_row, a_k = t->a_k, b_k = t->b_k, k = t->k;
    vec sum[ROWS][VECTORS];
    UNROLL(8)
    for (int i = 0; i < rows; i++)
        UNROLL(4)
        for (int v = 0; v < vectors; v++)
            sum[i][v] = (vec){0};
    for (int64_t p = 0; p < k; p++) {
        vec right[VECTORS];
        UNROLL(4)
        for (int v = 0; v < vectors; v++)
            right[v] = vec_load(b + v * LANES);
        for (int v = vectors; v < 2 * vectors && vectors > 1; v++)
            __builtin_prefetch(b + v * LANES);
        UNROLL(8)
        for (int i = 0; i < rows; i++) {
            UNROLL(4)
            for (int v = 0; v < vectors; v++)
                sum[i][v] += a[i * a_row] * right[v];
            keep_loads_below(i);
        }
        a += a_k;
        b += b_k;
    }
    UNROLL(8)
    for (int i = 0; i < rows; i++)
        store_row(t, (element *)t->c + i * t->c_row, sum[i], vectors);
}

#define DEFINE_TILE(rows, vectors)                                                                 \
    static void tile_##rows##_##vectors(const ftl_gemm_tile *t)                                    \
    {                                                                                              \
        run_tile(t, rows, vectors);                                                                \
    }
#define DEFINE_TILES(rows) DEFINE_TILE(rows, 1) DEFINE_TILE(rows, 2) DEFINE_TILE(rows, 3)
DEFINE_TILES(1)
DEFINE_TILES(2)
DEFINE_TILES(3)
DEFINE_TILES(4)
#if defined(__AVX512F__) || defined(__aarch64__)
DEFINE_TILES(5)
DEFINE_TILES(6)
DEFINE_TILES(7)
DEFINE_TILES(8)
#endif

/* ---- packing ---- */

static void pack_copy(const ftl_gemm_panel *p)
{
    element *y = p->dst;
    const element *x = p->src;
    for (int64_t k = 0; k < p->k; k++, y += p->width, x += p->k_step)
        memcpy(y, x, (size_t)p->n * sizeof *y);
}

/* Copies of constant length. */
static ALWAYS_INLINE void pack_copy_constant(const ftl_gemm_panel *p, size_t n)
{
    element *y = p->dst;
    const element *x = p->src;
    for (int64_t k = 0; k < p->k; k++, y += p->width, x += p->k_step)
        memcpy(y, x, n * sizeof *y);
}

/* The part of a panel with places k <= p < k_end, j <= i < n_end. */
static void pack_scalar(const ftl_gemm_panel *p, int64_t k, int64_t k_end, int64_t j, int64_t n_end)
{
    element *y = p->dst;
    const element *x = p->src;
    for (int64_t i = j; i < n_end; i++)
        for (int64_t q = k; q < k_end; q++)
            y[q * p->width + i] = x[q * p->k_step + i * p->step];
}

/* Columns contiguous along k are transposed square by square. */
static void pack_transposed(const ftl_gemm_panel *p)
{
    const int64_t k_end = p->k / SQUARE * SQUARE, n_end = p->n / SQUARE * SQUARE;
    for (int64_t j = 0; j < n_end; j += SQUARE)
        for (int64_t k = 0; k < k_end; k += SQUARE)
            pack_square((element *)p->dst + k * p->width + j, p->width,
                        (const element *)p->src + k + j * p->step, p->step);
    pack_scalar(p, k_end, p->k, 0, n_end);
    pack_scalar(p, 0, p->k, n_end, p->n);
}

static void pack(const ftl_gemm_panel *p)
{
    if (p->step == 1 && p->n == VECTORS * LANES)
        pack_copy_constant(p, VECTORS * LANES);
    else if (p->step == 1 && p->n == 2 * LANES)
        pack_copy_constant(p, 2 * LANES);
    else if (p->step == 1 && p->n == ROWS)
        pack_copy_constant(p, ROWS);
    else if (p->step == 1)
        pack_copy(p);
    else if (p->k_step == 1)
        pack_transposed(p);
    else
        pack_scalar(p, 0, p->k, 0, p->n);
}

/* ---- places in lists: eight columns at a time, in one piece where their places follow ---- */

enum { EIGHT = 8 };

static ALWAYS_INLINE bool is_run(const int64_t *place)
{
    bool is_one = true;
    for (int i = 1; i < EIGHT; i++)
        is_one &= place[i] == place[0] + i;
    return is_one;
}

static void pack_eight(const ftl_gemm_places *p, int64_t j)
{
    const int64_t *k = p->k_place;
    const int64_t width = p->width;
    element *y = (element *)p->dst + j;
    const element *x[EIGHT];
    for (int i = 0; i < EIGHT; i++)
        x[i] = (const element *)p->src + p->place[j + i];
    if (is_run(p->place + j)) {
        for (int64_t q = 0; q < p->k; q++, y += width)
            memcpy(y, x[0] + k[q], EIGHT * sizeof *y);
        return;
    }
    for (int64_t q = 0; q < p->k; q++, y += width) {
        const int64_t at = k[q];
        y[0] = x[0][at], y[1] = x[1][at], y[2] = x[2][at], y[3] = x[3][at];
        y[4] = x[4][at], y[5] = x[5][at], y[6] = x[6][at], y[7] = x[7][at];
    }
}

static void pack_places(const ftl_gemm_places *p)
{
    int64_t j = 0;
    for (; j + EIGHT <= p->n; j += EIGHT)
        pack_eight(p, j);
    for (int64_t q = 0; j < p->n && q < p->k; q++)
        for (int64_t i = j; i < p->n; i++)
            ((element *)p->dst)[q * p->width + i] =
                ((const element *)p->src)[p->k_place[q] + p->place[i]];
}

static void scatter_eight(const ftl_gemm_scatter *s, int64_t j)
{
    const element *x = (const element *)s->sums + j;
    const int64_t *col = s->col + j;
    const bool is_one = is_run(col);
    for (int64_t i = 0; i < s->rows; i++, x += s->width) {
        element *c = (element *)s->c + s->row[i];
        if (is_one) {
            element sum[EIGHT];
            for (int l = 0; l < EIGHT; l++)
                sum[l] = s->is_added ? c[col[0] + l] + x[l] : x[l];
            memcpy(c + col[0], sum, sizeof sum);
            continue;
        }
        for (int l = 0; l < EIGHT; l++)
            c[col[l]] = s->is_added ? c[col[l]] + x[l] : x[l];
    }
}

static void scatter(const ftl_gemm_scatter *s)
{
    int64_t j = 0;
    for (; j + EIGHT <= s->n; j += EIGHT)
        scatter_eight(s, j);
    for (int64_t i = 0; j < s->n && i < s->rows; i++) {
        const element *x = (const element *)s->sums + i * s->width;
        element *c = (element *)s->c + s->row[i];
        for (int64_t l = j; l < s->n; l++)
            c[s->col[l]] = s->is_added ? c[s->col[l]] + x[l] : x[l];
    }
}

/* ---- matrix times vector, at the speed of memory ---- */

enum { TOGETHER = 4 }; /* rows read side by side */

static ALWAYS_INLINE double add_lanes(vec v)
{
    double sum = 0;
    for (size_t i = 0; i < LANES; i++)
        sum += (double)v[i];
    return sum;
}

/* n <= TOGETHER rows against x; blocks of DOT_BLOCK columns are joined in double. */
static ALWAYS_INLINE void dot_block(double *sum, const ftl_gemm_rows *m, const element *x, int n)
{
    enum { DOT_BLOCK = 2048 };
    const element *a = m->m;
    for (int64_t start = 0; start < m->cols; start += DOT_BLOCK) {
        const int64_t end = m->cols - start < DOT_BLOCK ? m->cols : start + DOT_BLOCK;
        int64_t j = start;
        vec part[TOGETHER][2] = {{{0}}};
        for (; j + 2 * LANES <= end; j += 2 * LANES)
            UNROLL(4)
            for (int i = 0; i < n; i++) {
                part[i][0] += vec_load(a + i * m->row_step + j) * vec_load(x + j);
                part[i][1] += vec_load(a + i * m->row_step + j + LANES) * vec_load(x + j + LANES);
            }
        for (int i = 0; i < n; i++)
            sum[i] += add_lanes(part[i][0] + part[i][1]);
        for (; j < end; j++)
            for (int i = 0; i < n; i++)
                sum[i] += (double)a[i * m->row_step + j] * (double)x[j];
    }
}

static void dot_rows(void *y, int64_t y_step, const ftl_gemm_rows *m, const void *x)
{
    element *out = y;
    ftl_gemm_rows rest = *m;
    for (int64_t i = 0; i < m->rows; i += TOGETHER) {
        double sum[TOGETHER] = {0};
        int n = m->rows - i < TOGETHER ? (int)(m->rows - i) : TOGETHER;
        rest.m = (const element *)m->m + i * m->row_step;
        if (n == TOGETHER)
            dot_block(sum, &rest, x, TOGETHER);
        else
            for (int l = 0; l < n; l++, rest.m = (const element *)rest.m + m->row_step)
                dot_block(&sum[l], &rest, x, 1);
        for (int l = 0; l < n; l++)
            out[(i + l) * y_step] = (element)sum[l];
    }
}

/* n rows, each scaled by its element of x, are added to y. */
static ALWAYS_INLINE void add_block(element *y, const ftl_gemm_rows *m, const element *x, int n)
{
    const element *a = m->m;
    int64_t j = 0;
    for (; j + LANES <= m->cols; j += LANES) {
        vec sum = vec_load(y + j);
        UNROLL(4)
        for (int i = 0; i < n; i++)
            sum += x[i] * vec_load(a + i * m->row_step + j);
        vec_store(y + j, sum);
    }
    for (; j < m->cols; j++)
        for (int i = 0; i < n; i++)
            y[j] += x[i] * a[i * m->row_step + j];
}

static void add_rows(void *y, const ftl_gemm_rows *m, const void *x)
{
    const element *scale = x;
    ftl_gemm_rows rest = *m;
    int64_t i = 0;
    for (; i + TOGETHER <= m->rows; i += TOGETHER) {
        rest.m = (const element *)m->m + i * m->row_step;
        add_block(y, &rest, scale + i, TOGETHER);
    }
    for (; i < m->rows; i++) {
        rest.m = (const element *)m->m + i * m->row_step;
        add_block(y, &rest, scale + i, 1);
    }
}

#define TILE_ROW(rows) {tile_##rows##_1, tile_##rows##_2, tile_##rows##_3}
#if defined(__AVX512F__) || defined(__aarch64__)
#define TILE_ROWS                                                                                  \
    {TILE_ROW(1), TILE_ROW(2), TILE_ROW(3), TILE_ROW(4), TILE_ROW(5), TILE_ROW(6), TILE_ROW(7),    \
     TILE_ROW(8)}
#else
#define TILE_ROWS {TILE_ROW(1), TILE_ROW(2), TILE_ROW(3), TILE_ROW(4)}
#endif

#define GEMM_TABLE                                                                                 \
    {                                                                                              \
        .rows = ROWS, .vectors = VECTORS, .lanes = LANES, .tile = TILE_ROWS, .pack = pack,         \
        .pack_places = pack_places, .scatter = scatter,                                            \
        .dot_rows = dot_rows, .add_rows = add_rows,                                                \
    }

#endif
