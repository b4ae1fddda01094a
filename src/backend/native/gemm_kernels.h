/* SPDX-License-Identifier: Apache-2.0
 *
 * What gemm.c asks of an instruction set: register tiles, packing, and streaming products with
 * vectors, for one element type. isa/gemm_tile.h makes them.
 */
#ifndef FTL_NATIVE_GEMM_KERNELS_H
#define FTL_NATIVE_GEMM_KERNELS_H

#include "base/base.h"

enum { FTL_GEMM_ROWS = 8, FTL_GEMM_VECTORS = 3 }; /* at most */

/* C[i, j] = alpha * sum over p < k of A[i, p] B[p, j], plus C[i, j] when is_added; i < rows,
 * j < vectors * lanes. Steps are in elements; B and C have step 1 along j. */
typedef struct ftl_gemm_tile {
    int64_t k;
    const void *a;
    int64_t a_row, a_k;
    const void *b;
    int64_t b_k;
    void *c;
    int64_t c_row;
    double alpha;
    bool is_added;
} ftl_gemm_tile;
typedef void ftl_gemm_tile_fn(const ftl_gemm_tile *tile);

/* dst[p * width + j] = src[p * k_step + j * step] for p < k, j < n. */
typedef struct ftl_gemm_panel {
    void *dst;
    int64_t width;
    const void *src;
    int64_t k_step, step;
    int64_t k, n;
} ftl_gemm_panel;

/* dst[p * width + j] = src[k_place[p] + place[j]] for p < k, j < n. */
typedef struct ftl_gemm_places {
    void *dst;
    int64_t width;
    const void *src;
    const int64_t *k_place, *place;
    int64_t k, n;
} ftl_gemm_places;

/* c[row[i] + col[j]] = sums[i * width + j], added when is_added, for i < rows, j < n. */
typedef struct ftl_gemm_scatter {
    void *c;
    const int64_t *row, *col;
    const void *sums;
    int64_t width, rows, n;
    bool is_added;
} ftl_gemm_scatter;

/* A matrix of rows x cols, element (i, j) at m[i * row_step + j]. */
typedef struct ftl_gemm_rows {
    const void *m;
    int64_t rows, cols, row_step;
} ftl_gemm_rows;

typedef struct ftl_gemm_table {
    int rows, vectors; /* of the largest tile */
    int lanes;         /* elements of a vector */
    ftl_gemm_tile_fn *tile[FTL_GEMM_ROWS][FTL_GEMM_VECTORS]; /* [rows - 1][vectors - 1] */
    void (*pack)(const ftl_gemm_panel *panel);
    void (*pack_places)(const ftl_gemm_places *places);
    void (*scatter)(const ftl_gemm_scatter *s);
    /* y[i * y_step] = sum over j of m[i, j] x[j]; sums in double for f32 too */
    void (*dot_rows)(void *y, int64_t y_step, const ftl_gemm_rows *m, const void *x);
    /* y[j] += sum over i of x[i] m[i, j]; y, x contiguous */
    void (*add_rows)(void *y, const ftl_gemm_rows *m, const void *x);
} ftl_gemm_table;

struct ftl_gemm_kernels {
    const ftl_gemm_table *f32, *f64;
};

#endif
