/* SPDX-License-Identifier: Apache-2.0
 *
 * The native backend: runs plans on the CPU. native.c opens the device, exec.c compiles and runs
 * plans; each kind of step has a file: nest.c (and vm.h), product.c, ops*.c, loop.c.
 *
 * A unit is a compiled plan, or the compiled plan of a loop's body. Its slots are the addresses
 * that everything in it is relative to: slot 0 the unit's arena, then inputs, outputs, params and
 * the constants, by value. Binding other tensors, or turning a loop by one round, changes slots
 * only.
 */
#ifndef FTL_NATIVE_NATIVE_H
#define FTL_NATIVE_NATIVE_H

#include "backend/native/gemm.h"
#include "backend/native/logic/logic.h"
#include "backend/native/nest.h"
#include "backend/native/vm.h"

struct ftl_device {
    const ftl_allocator *alloc;
    const ftl_kernels *kernels;
    ftl_cpu_caches caches;
    ftl_pool *pool;      /* null: one thread */
    ftl_blas blas;       /* all null unless asked for */
    bool fast_paths;
    size_t memory_limit; /* bytes for one run */
    ftl_watch *watch;    /* null: nobody watches */
};

typedef struct ftl_unit ftl_unit;
typedef struct ftl_product ftl_product;
typedef struct ftl_native_loop ftl_native_loop;
typedef struct ftl_native_op ftl_native_op;
typedef struct ftl_native_logic ftl_native_logic;

/* One compiled step: what is not null is run, in this order. */
typedef struct ftl_native_step {
    const ftl_step *step;
    ftl_product *product;
    ftl_program *nest;
    ftl_native_op *op;
    ftl_native_loop *loop;
    ftl_native_logic *logic;
    bool can_fail;
    double before, share; /* of the run's work: done before this step, and in it; -1: open */
    ftl_step_stats stats;
} ftl_native_step;

/* Bytes that a step changes nothing about but the place of: an output that is some other value. */
typedef struct ftl_unit_copy {
    ftl_ref from;
    uint32_t slot;
    size_t size;
} ftl_unit_copy;

struct ftl_unit {
    ftl_exec *exec;
    const ftl_plan *plan;
    void **slots;
    uint32_t n_slots;
    uint32_t first_input, first_output, first_param, first_const;
    ftl_native_step *steps;
    FTL_VEC(ftl_unit_copy) copies; /* after the last step */
    ftl_vm_env env;
};

/* Scratch, shared by all steps: one part for each worker, then the parts of split sums, then what a
 * product or an operation needs besides. */
typedef struct ftl_scratch {
    size_t worker;   /* bytes for one worker */
    size_t sums;     /* bytes of one worker's sums */
    size_t rest;
} ftl_scratch;

struct ftl_exec {
    ftl_device *device;
    ftl_arena arena;
    ftl_unit *unit;
    ftl_scratch need;
    uint8_t *bytes;        /* the run arena, then scratch */
    size_t n_bytes;
    uint8_t *rest;         /* scratch of products and operations */
    ftl_vm_failure *failures;
    void **staged;         /* row-major copies of inputs that are not; or null */
    ftl_tensor **copied;   /* mapped inputs, held, whose copies stay good; or null */
    bool is_profiling;
    ftl_relation **tuples;     /* by value of the outermost graph: held for those that stand for
                                * tuples, from one run to the next */
    ftl_relation ***derived;   /* by value: of RULES, by relation */
    ftl_status logic_status;   /* of the run, with logic_error when it is not FTL_OK */
    ftl_backend_error logic_error;
};

/* ---- exec.c ---- */

/* ftl_find_fn over a unit: where a value that has a place lies, strides in bytes. */
ftl_ref ftl_unit_find(const void *unit, const ftl_value *v, int64_t *strides);
/* The same for a place that is not a value's own; strides of v unless the place has others. */
ftl_ref ftl_unit_find_place(const ftl_unit *u, const ftl_place *place);
void *ftl_unit_get(const ftl_unit *u, ftl_ref ref);
/* Compiles a plan and its bodies; fails the exec's arena. */
ftl_unit *ftl_unit_compile(ftl_exec *exec, const ftl_plan *plan);
/* Hands the scratch and arena addresses to a unit and the units in it. */
void ftl_unit_bind(ftl_unit *u, uint8_t *arena);
/* Runs all steps and copies; false when a step failed (exec->failures tells) or the run was
 * interrupted. */
bool ftl_unit_run(ftl_unit *u);
/* Who watches, of the outermost unit; null for the others: loops inside of loops are too many. */
ftl_watch *ftl_unit_get_watch(const ftl_unit *u);
void ftl_exec_need(ftl_exec *exec, ftl_scratch need);
/* Grows need so that a program can run. */
void ftl_exec_need_program(ftl_exec *exec, const ftl_program *p);

/* ---- product.c ---- */

ftl_product *ftl_product_compile(ftl_unit *u, const ftl_step *step);
void ftl_product_run(const ftl_product *p, const ftl_unit *u);
/* How it runs, for explain; lives as long as the product. */
const char *ftl_product_get_text(const ftl_product *p);

/* ---- ops.c: all other operations ---- */

ftl_native_op *ftl_op_compile(ftl_unit *u, const ftl_value *v);
void ftl_op_run(const ftl_native_op *op, const ftl_unit *u);

/* ---- ops_logic.c: tuples and rules; only in the outermost graph ---- */

ftl_native_logic *ftl_native_logic_compile(ftl_unit *u, const ftl_value *v);
/* False when it failed: exec->logic_status and logic_error tell. */
bool ftl_native_logic_run(ftl_native_logic *l, ftl_unit *u);
void ftl_native_logic_free(ftl_exec *exec);

/* ---- loop.c ---- */

ftl_native_loop *ftl_loop_compile(ftl_unit *u, const ftl_step *step);
void ftl_loop_bind(const ftl_native_loop *loop, ftl_unit *u);
/* *rounds: how many there were. */
bool ftl_loop_run(const ftl_native_loop *loop, ftl_unit *u, int64_t *rounds);

#endif
