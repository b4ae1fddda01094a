/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan of gemm.h from inside: shared by gemm*.c alone.
 *
 * The product is turned so that C's axis of stride 1 is a column axis: out = left * right, left
 * being A or B. Axes of one role that follow each other without gaps in every operand are one axis.
 */
#ifndef FTL_NATIVE_GEMM_PLAN_H
#define FTL_NATIVE_GEMM_PLAN_H

#include "backend/native/gemm.h"
#include "backend/native/gemm_kernels.h"

typedef enum gemm_operand { LEFT, RIGHT, OUT, OPERANDS } gemm_operand;

typedef struct gemm_axis {
    int64_t extent, step[OPERANDS];
} gemm_axis;

/* The axes of one role, outermost first. count: product of the extents, those of 1 included. */
typedef struct gemm_axes {
    uint32_t n;
    int64_t count;
    gemm_axis *axis; /* in the plan's pool */
} gemm_axes;

typedef enum gemm_method {
    METHOD_TILES, /* register tiles over regions of out */
    METHOD_DOT,   /* few rows, columns of right contiguous along k: table->dot_rows */
    METHOD_ADD,   /* one row, rows of right contiguous: table->add_rows */
    METHOD_PAIRS, /* one row, one column: a sum of products for each batch place */
    METHOD_BLAS   /* by the library of the env, batch place by batch place */
} gemm_method;

struct ftl_gemm {
    gemm_method method;
    bool is_swapped; /* left is B */
    bool has_hook;
    ftl_dtype ab;
    size_t ab_size, size; /* bytes of an element of A and B; of C and of packed data */
    ftl_tile tile;        /* compute type */
    const ftl_gemm_table *table;
    double alpha, beta;
    gemm_axes rows, cols, inner, batch;

    /* A task is batch_part batch places of one region of out. Columns are counted in units:
     * panels of METHOD_TILES, else `unit` columns. */
    int64_t region_rows, region_units, unit, grid_rows, grid_cols, batch_part, tasks;

    /* METHOD_TILES. Panels are the columns of one tile; all but the last two have panel_cols. */
    int64_t panel_cols, panel_count;
    int64_t padded_cols; /* all columns, rounded up to whole vectors */
    int64_t tail_shift;  /* how many columns earlier the last panel starts, to share evenly */
    /* whether tiles read an operand where it lies, else from a packed copy */
    bool is_left_direct, is_right_direct, is_right_packed;
    bool is_out_plain; /* rows and columns of out each have one step, columns 1 */
    bool is_row_order; /* all panels of a row of tiles, then the next row; else by panels */
    int64_t depth; /* places of k in one pass over a region */
    /* of a worker's scratch: packed left, packed right, and from list_at on lists of places */
    size_t left_bytes, list_at, worker_bytes;
    unsigned workers; /* the pool, or 1 thread */
    /* Few tiles and long k: more than 1 task, each of which sums part_depth places of k into a
     * matrix of its own, rows x padded_cols, behind the workers' scratch. They are joined in
     * order. */
    int64_t parts, part_depth;
    size_t part_bytes;
    char text[64];
    gemm_axis pool[];
};

/* ---- gemm_axes.c ---- */

/* Sets is_swapped, rows, cols, inner and batch; table is set. False when there are too many, or too
 * large ones. */
bool ftl_gemm_collect_axes(ftl_gemm *p, const ftl_gemm_spec *spec);
/* All column axes but the innermost become batch axes. */
void ftl_gemm_move_to_batch(ftl_gemm *p);
/* Elements from the first element of an operand to place i of the axes. */
int64_t ftl_gemm_get_offset(const gemm_axes *x, gemm_operand which, int64_t i);
/* The same for span[1] places from span[0] on. */
void ftl_gemm_list_offsets(const gemm_axes *x, gemm_operand which, const int64_t span[2],
                           int64_t *out);
/* How many places from i on, at most `limit`, follow each other with the innermost axis' step. */
int64_t ftl_gemm_get_run(const gemm_axes *x, int64_t i, int64_t limit);
/* Step of the innermost axis; 0 when there is none. */
int64_t ftl_gemm_get_step(const gemm_axes *x, gemm_operand which);
/* At most one axis, so that place i lies at i * step. */
bool ftl_gemm_is_uniform(const gemm_axes *x);
/* The same in one operand: place i lies at i * (step of the innermost axis) there. */
bool ftl_gemm_is_even(const gemm_axes *x, gemm_operand which);

/* ---- a run ---- */

/* What a run is made of. */
typedef struct gemm_run {
    const ftl_gemm *plan;
    const ftl_kernels *kernels;
    const ftl_blas *blas;
    const char *left, *right;
    char *out, *scratch;
    ftl_gemm_hook *hook;
    void *hook_ctx;
} gemm_run;

/* A region of out at one batch place, with the operands' data of that place. */
typedef struct gemm_region {
    const gemm_run *run;
    int64_t batch, row, rows, col, cols;
    int64_t panel, panels; /* METHOD_TILES: those that make the columns */
    int64_t k, k_end;      /* METHOD_TILES: places of k */
    bool is_part;          /* METHOD_TILES: out is the matrix of a part, see ftl_gemm */
    const char *left, *right;
    char *out;
    char *scratch; /* the worker's */
    unsigned worker;
} gemm_region;

/* Each fills a region of out, and calls the hook. */
void ftl_gemm_run_tiles(const gemm_region *region);
/* Joins the matrices of the parts, which lie one after the other, in out, and calls the hook. */
void ftl_gemm_join_parts(const gemm_region *region, const char *parts);
void ftl_gemm_run_dots(const gemm_region *region);
void ftl_gemm_run_adds(const gemm_region *region);
void ftl_gemm_run_pair(const gemm_region *region);
void ftl_gemm_run_blas(const gemm_region *region);
/* The product at one batch place, as a BLAS is told of it. */
ftl_blas_product ftl_gemm_get_blas_product(const ftl_gemm *plan);
/* Tells the hook, if any, of the part of the region that starts at (row, col) of out. */
void ftl_gemm_call_hook(const gemm_region *region, const int64_t start[2], const int64_t extent[2]);

/* Places k .. k+n_k of the inner axes and i .. i+n_i of the rows (LEFT) or columns (RIGHT). */
typedef struct gemm_rectangle {
    gemm_operand which;
    const char *data; /* the operand's, of the batch place */
    int64_t k, n_k, i, n_i;
    const int64_t *k_places; /* listed offsets of the places of k; or null */
} gemm_rectangle;
/* True when packing wants the places of k listed. */
bool ftl_gemm_needs_places(const ftl_gemm *p, gemm_operand which);
/* dst[p * width + j] = place (k + p, i + j) in the compute type, 0 for n_i <= j < width. */
void ftl_gemm_pack_rectangle(const gemm_run *run, const gemm_rectangle *r, char *dst,
                             int64_t width);

/* One panel; width: n rounded up to whole vectors, as it lies in packed memory. */
typedef struct gemm_panel {
    int64_t col, n, width;
} gemm_panel;
gemm_panel ftl_gemm_get_panel(const ftl_gemm *plan, int64_t i);
/* First column of panel i; the number of columns when there is none. */
int64_t ftl_gemm_get_panel_start(const ftl_gemm *plan, int64_t i);

#endif
