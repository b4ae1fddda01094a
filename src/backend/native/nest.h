/* SPDX-License-Identifier: Apache-2.0
 *
 * nest: a nest of the plan enters, a program of the nest machine (vm.h) leaves. nest.c looks at how
 * the nest walks through memory, merges axes and chooses what runs along the tile; code.c writes
 * the instructions; registers.c places the registers.
 */
#ifndef FTL_NATIVE_NEST_H
#define FTL_NATIVE_NEST_H

#include "backend/native/cpu.h"
#include "backend/native/vm.h"

/* Where a value lies: strides (bytes) gets one entry for each of its axes. */
typedef ftl_ref ftl_find_fn(const void *ctx, const ftl_value *v, int64_t *strides);

typedef struct ftl_nest_spec {
    const ftl_nest *nest;
    const ftl_kernels *kernels;
    ftl_cpu_caches caches;
    bool fast_paths;                 /* whole compositions by one kernel */
    ftl_find_fn *find;
    const void *ctx;
    /* Epilogue of a product, else null: the value that is read as `sums`, at sums_ref by
     * sums_strides. */
    const ftl_value *contract;
    ftl_dtype sums;
    ftl_ref sums_ref;
    const int64_t *sums_strides;
    /* Epilogue that runs on blocks: the side of a block that each nest axis belongs to
     * (FTL_VM_ROWS, FTL_VM_COLS, 0: neither). Only axes of one side are merged; of each side the
     * axis along which the sums lie closest becomes the tile's. Null: free choice. */
    const uint8_t *side;
} ftl_nest_spec;

/* Axis of the program for each nest axis that was merged into it, for callers with `side`. */
typedef struct ftl_nest_axes {
    int32_t axis[FTL_NEST_MAX_AXES]; /* -1: extent 1 */
} ftl_nest_axes;

/* axes may be null. Everything is in arena. */
ftl_program *ftl_nest_compile(ftl_arena *arena, const ftl_nest_spec *spec, ftl_nest_axes *axes);

/* ---- shared by nest.c, code.c, registers.c ---- */

/* A place of a gather that an index value gives. */
typedef struct ftl_walk_select {
    uint32_t node, axis; /* of the index value; of the operand */
    int64_t stride, extent;
} ftl_walk_select;

/* How one node walks through memory, over nest axes. */
typedef struct ftl_walk {
    ftl_ref ref;
    const ftl_value *value;
    ftl_dtype dtype;
    bool is_write;
    uint32_t node;
    int64_t *stride;          /* by nest axis */
    uint32_t n_checks, n_scalars, n_selects;
    ftl_vm_check *checks;     /* coef: by nest axis */
    ftl_vm_scalar *scalars;
    ftl_walk_select *selects;
    double fill;
} ftl_walk;

typedef struct ftl_nest_builder {
    ftl_arena *arena;
    const ftl_nest_spec *spec;
    const ftl_nest *nest;
    ftl_program *program;

    int64_t extent[FTL_NEST_MAX_AXES];   /* 1: gone */
    uint64_t reduced;
    FTL_VEC(ftl_walk) walks;
    int32_t read[FTL_NEST_MAX_NODES];    /* walk that a node reads by; -1 */
    int32_t write[FTL_NEST_MAX_NODES];   /* walk that a root writes by; -1 */
    uint64_t mask[FTL_NEST_MAX_NODES];   /* axes that a node's values differ along */
    uint8_t passes[FTL_NEST_MAX_NODES];  /* reductions that a node waits for, one after the other */
    int32_t axis[FTL_NEST_MAX_AXES];     /* program axis of a nest axis; -1 */

    int32_t value[FTL_NEST_MAX_NODES];   /* pointer that holds the node now; -1 */
    uint8_t made[FTL_NEST_MAX_NODES];    /* pass that it was made in */
    bool is_stored[FTL_NEST_MAX_NODES];
} ftl_nest_builder;

bool ftl_nest_is_sum(const ftl_nest_builder *b, uint32_t node);
/* Axes that a root is written along. */
uint64_t ftl_nest_get_written_axes(const ftl_nest_builder *b, uint32_t node);
/* Writes head and body of all passes. */
void ftl_nest_write_code(ftl_nest_builder *b);
/* Offsets for the registers; scratch size. */
void ftl_nest_place_registers(ftl_arena *arena, ftl_program *p);

#endif
