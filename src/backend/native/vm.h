/* SPDX-License-Identifier: Apache-2.0
 *
 * vm: runs a fused loop nest tile by tile. A program is made once from a nest of the plan (nest.c,
 * code.c); a run walks its axes and calls one vector kernel for each instruction and tile.
 *
 * The axes of a program, each with one of these roles:
 *   outer   parallel; one place at a time
 *   inner   reduced; one place at a time, all places for each pass
 *   rows, cols   the two sides of a tile; each is parallel, or reduced; either may be missing (-1)
 * Work is cut into units: one place of the outer axes and one tile's range of each parallel side.
 * Units are independent of each other. Within a unit a pass visits all places of the inner axes and
 * all ranges of the reduced sides; reductions of pass p are finished before pass p + 1 begins.
 * Where a unit needs one visit only, values made in one pass stay in their registers for the next.
 * Longer rows are visited in parts; what is dear to make again is kept in registers as long as the
 * row, if the program keeps rows.
 *
 * A value in a tile has a shape, the set of sides it runs along: none, ROWS, COLS, both. Registers
 * are row-major in the tile's actual size; bools are bytes.
 */
#ifndef FTL_NATIVE_VM_H
#define FTL_NATIVE_VM_H

#include "backend/backend.h"
#include "backend/native/kernels.h"
#include "base/threads.h"

enum { FTL_VM_MAX_AXES = 64, FTL_VM_COLS = 1, FTL_VM_ROWS = 2, FTL_VM_MAX_AHEAD = 8 };

/* Element type of a register: a compute type, or bytes. */
enum { FTL_VM_BYTE = FTL_TILE_COUNT };
typedef uint8_t ftl_vm_type;
ftl_vm_type ftl_vm_get_type(ftl_dtype dtype);
size_t ftl_vm_get_size(ftl_vm_type type);

/* Where bytes are: *slots[slot] + offset. */
typedef struct ftl_ref {
    uint32_t slot;
    int64_t offset;
} ftl_ref;

/* A place that must lie in [0, extent), affine in the program's axes. */
typedef struct ftl_vm_check {
    int64_t offset, extent;
    const int64_t *coef; /* one for each axis */
} ftl_vm_check;

/* A scalar that is read when the nest starts: adds (scalar + offset) * stride bytes; outside of [0,
 * extent) the whole access reads fill. */
typedef struct ftl_vm_scalar {
    ftl_ref ref;
    ftl_dtype dtype;
    int64_t offset, extent, stride;
} ftl_vm_scalar;

/* A walk over the bytes of a tensor. */
typedef struct ftl_access {
    ftl_ref ref;
    const ftl_value *value; /* for messages */
    ftl_dtype dtype;
    bool is_write;
    bool is_streamed;       /* too large to be found in a cache later */
    const int64_t *stride;  /* bytes, one for each axis */
    uint32_t n_checks, n_scalars;
    const ftl_vm_check *checks;
    const ftl_vm_scalar *scalars;
    double fill;
} ftl_access;

/* One element of an index register moves a gather by stride bytes; it must lie in [0, extent). */
typedef struct ftl_vm_select {
    uint16_t index;    /* pointer to I64 places */
    uint16_t raw;      /* the same as the program has them: for messages */
    ftl_dtype dtype;   /* of raw */
    uint8_t shape;
    uint32_t axis;     /* of the data */
    int64_t stride, extent;
} ftl_vm_select;

/* A pointer that instructions name: a register, an access, or a constant. */
typedef enum ftl_pointer_kind {
    FTL_POINTER_REGISTER, FTL_POINTER_ACCESS, FTL_POINTER_CONST
} ftl_pointer_kind;
typedef struct ftl_pointer {
    ftl_pointer_kind kind;
    uint8_t shape;
    ftl_vm_type type;
    uint32_t access;    /* ACCESS */
    size_t offset;      /* REGISTER: in scratch; CONST: in the constants */
    bool is_row;        /* REGISTER: as long as the row; the tile is a part of it */
} ftl_pointer;

typedef struct ftl_tile_state ftl_tile_state;
typedef struct ftl_instr ftl_instr;
typedef void ftl_instr_fn(const ftl_instr *in, ftl_tile_state *t);

/* Which member of kernel is valid is known by run. */
typedef union ftl_kernel {
    ftl_map1_fn *map1;
    ftl_map2_fn *map2;
    ftl_map3_fn *map3;
    ftl_compare_fn *compare;
    ftl_select_fn *select;
    ftl_load_fn *load;
    ftl_store_fn *store;
    ftl_fold_fn *fold;
    ftl_fold2_fn *fold2;
    void (*logic2)(uint8_t *dst, const uint8_t *a, const uint8_t *b, size_t n);
    void (*logic1)(uint8_t *dst, const uint8_t *a, size_t n);
    void (*select_bytes)(uint8_t *dst, const uint8_t *c, const uint8_t *a, const uint8_t *b,
                         size_t n);
    void (*stream)(void *dst, const void *src, size_t bytes);
    void (*copy)(void *dst, ptrdiff_t dst_stride, const void *src, ptrdiff_t src_stride, size_t n);
    void (*iota)(void *dst, int64_t start, int64_t step, size_t n);
    void (*fill)(void *dst, const void *value, size_t n);
    void (*add_wide)(double *acc, const void *a, size_t n);
    size_t (*argmax)(const void *a, size_t n);
    double (*exp_sum)(void *dst, const void *a, double shift, size_t n);
    double (*deviation)(const void *a, double shift, size_t n);
    bool (*test)(const uint8_t *a, size_t n);
} ftl_kernel;

struct ftl_instr {
    ftl_instr_fn *run;
    ftl_kernel kernel, second;
    uint16_t dst, a, b, c;  /* pointers */
    uint8_t shape;          /* of what is computed */
    uint8_t size;           /* bytes of an element of dst */
    uint8_t size_a, size_b, size_c; /* bytes that operands move by along the row; 0: do not */
    ftl_dtype dtype;        /* WRAP, folds */
    uint32_t axis;          /* IOTA, ARGMAX */
    uint32_t access;        /* LOAD, STORE, GATHER */
    uint32_t n_selects;
    const ftl_vm_select *selects;
    const ftl_value *value; /* for errors */
    ftl_transpose_fn *transpose; /* LOAD, STORE of a block whose columns are apart; or null */
};

typedef struct ftl_code {
    FTL_VEC(ftl_instr) instrs;
    FTL_VEC(uint16_t) pointers; /* accesses that it follows: pointer numbers */
} ftl_code;

/* A register that gathers up a reduction over the visits of a pass. */
typedef struct ftl_vm_sum {
    uint16_t pointer;
    uint8_t pass;
    uint8_t shape;
    uint8_t size;       /* bytes of an element */
    ftl_reduce kind;
    ftl_dtype dtype;    /* F64, I64, BOOL, or the compute type's */
    bool is_argmax;     /* elements are pairs: I64 place, then the value so far */
    uint64_t neutral;   /* bits of the neutral element */
} ftl_vm_sum;

typedef struct ftl_program {
    uint32_t n_axes, n_outer, n_inner;
    int64_t *extent;            /* outer, inner, then rows, cols where there */
    int32_t rows, cols;         /* axis numbers or -1 */
    bool rows_reduced, cols_reduced;
    int64_t tile_rows, tile_cols;
    uint32_t n_passes;
    bool is_single;             /* one visit for each unit */
    bool is_keeping;            /* a unit is one row, visited in parts */
    bool is_streaming;          /* has results that are written past the caches */
    int64_t n_units, n_visits;
    double seconds;             /* estimate for all */

    FTL_VEC(ftl_access) accesses;
    FTL_VEC(ftl_pointer) pointers;
    FTL_VEC(ftl_vm_sum) sums;
    FTL_VEC(uint16_t) kept;     /* pointers with is_row */
    uint32_t n_ahead, ahead[FTL_VM_MAX_AHEAD]; /* accesses that read on in memory from one tile to
                                                * the next: fetched before they are needed */
    uint8_t *constants;
    size_t n_constants;         /* bytes */
    ftl_code *head;             /* [0]: before pass 0; [p + 1]: after pass p */
    ftl_code *body;             /* [p]: for each visit of pass p */
    size_t scratch;             /* bytes for each worker */
    size_t sum_bytes;           /* the sums are the first bytes of scratch */
} ftl_program;

/* What one run needs from outside. */
typedef struct ftl_vm_env {
    const ftl_graph *graph;     /* of the values in programs: for failures */
    void *const *slots;
    const ftl_kernels *kernels;
    ftl_pool *pool;             /* null: this thread alone */
    uint8_t *scratch;           /* workers * scratch_step bytes, 64-byte aligned */
    size_t scratch_step;
    struct ftl_vm_failure *failures; /* one for each worker; cleared by the caller */
} ftl_vm_env;

/* The first failure that a worker met: of its lowest unit. */
typedef struct ftl_vm_failure {
    const ftl_value *at;        /* null: none */
    int64_t unit;
    const ftl_graph *graph;     /* of `at` */
    double index;               /* the place that a gather was asked for */
    uint32_t axis;              /* of the data */
} ftl_vm_failure;

struct ftl_tile_state {
    const ftl_program *program;
    const ftl_vm_env *env;
    int64_t rows, cols;         /* of this tile */
    int64_t unit;
    uint8_t *scratch;
    ftl_vm_failure *failure;
    int64_t *position;          /* one for each axis: where the tile starts */
    uint8_t **pointer;          /* one for each pointer */
    int64_t *step;              /* bytes from one row to the next */
};

/* ---- instructions (instr.c) ---- */
ftl_instr_fn ftl_vm_run_map1, ftl_vm_run_map2, ftl_vm_run_fma, ftl_vm_run_compare,
    ftl_vm_run_select, ftl_vm_run_logic1, ftl_vm_run_logic2, ftl_vm_run_select_bytes,
    ftl_vm_run_convert, ftl_vm_run_narrow, ftl_vm_run_round, ftl_vm_run_wrap, ftl_vm_run_expand,
    ftl_vm_run_iota, ftl_vm_run_index;
/* ---- memory (memory.c) ---- */
ftl_instr_fn ftl_vm_run_load, ftl_vm_run_load_checked, ftl_vm_run_store, ftl_vm_run_stream,
    ftl_vm_run_gather;
/* ---- reductions (fold.c) ---- */
ftl_instr_fn ftl_vm_run_fold_cols, ftl_vm_run_exp_sum_cols, ftl_vm_run_deviation_cols,
    ftl_vm_run_dot_cols,
    ftl_vm_run_test_cols, ftl_vm_run_argmax, ftl_vm_run_add_rows, ftl_vm_run_fold_rows,
    ftl_vm_run_wide_rows, ftl_vm_run_finish;
/* Low bits of x as a whole dtype. */
int64_t ftl_vm_wrap(ftl_dtype dtype, int64_t x);
void ftl_vm_start_sum(const ftl_vm_sum *sum, uint8_t *data, size_t n);
/* into = into (op) from, n elements */
void ftl_vm_join_sum(const ftl_vm_sum *sum, uint8_t *into, const uint8_t *from, size_t n);

/* ---- running (vm.c) ---- */

/* Runs all units, in the pool where that pays. */
void ftl_vm_run(const ftl_program *p, const ftl_vm_env *env);
/* Runs one rectangle of a program without reductions, in the calling worker: position gives the
 * outer axes and where rows and cols start. */
typedef struct ftl_vm_box {
    const int64_t *position; /* n_axes */
    int64_t rows, cols;
    unsigned worker;
} ftl_vm_box;
void ftl_vm_run_box(const ftl_program *p, const ftl_vm_env *env, const ftl_vm_box *box);

#endif
