/* SPDX-License-Identifier: Apache-2.0
 *
 * backend: a versioned table of functions that runs graphs. The registry lists what is built in;
 * torch and xla open their libraries when asked. A backend implements core operations only and gets
 * the whole plan, loops included. One device per executable; one thread at a time per executable.
 */
#ifndef FTL_BACKEND_H
#define FTL_BACKEND_H

#include "data/tensor.h"
#include "ir/plan.h"

#define FTL_BACKEND_VERSION 1

typedef struct ftl_backend ftl_backend;
typedef struct ftl_device ftl_device; /* an opened device with its threads and libraries */
typedef struct ftl_exec ftl_exec;     /* a compiled plan */

/* What went wrong at run time: a message, and the value whose place in the program it concerns. */
typedef struct ftl_backend_error {
    const ftl_value *at; /* or null */
    char message[512];
} ftl_backend_error;

typedef struct ftl_backend_info {
    bool is_present;
    char version[64];
    char detail[256]; /* devices, library path and so on; when absent: what to install */
} ftl_backend_info;

typedef struct ftl_device_options {
    const ftl_allocator *alloc;
    const char *device;   /* "auto", "cpu", "cuda:1" */
    int threads;          /* 0: all cores */
    const char *blas;     /* library that products of matrices are given to; null: own kernels. A
                           * backend that has no use for one, or cannot open it, says FTL_ERR_USAGE
                           */
    bool fast_paths;      /* recognised patterns on (default); off for comparison */
    size_t memory_limit;  /* bytes for one run; 0: a share of the machine's */
    ftl_watch *watch;     /* null, or told where runs are (base/watch.h); when it says so they end
                           * with FTL_ERR_INTERRUPTED. A backend may leave it alone */
} ftl_device_options;

/* Figures of the last run, per plan step. */
typedef struct ftl_step_stats {
    uint64_t runs;
    double seconds;
    int64_t rounds; /* of a loop in the last run */
} ftl_step_stats;

struct ftl_backend {
    uint32_t version; /* FTL_BACKEND_VERSION */
    const char *name; /* "native" */
    const char *alias;/* "numpy" */
    bool reads_graph; /* reads plan->graph and plan->inputs only: it is given no steps and places */
    void (*get_info)(ftl_backend_info *out);
    ftl_status (*open)(const ftl_device_options *options, ftl_device **out,
                       ftl_backend_error *error);
    void (*close)(ftl_device *device);
    /* The plan (and its arena) must outlive the executable. */
    ftl_status (*compile)(ftl_device *device, const ftl_plan *plan, ftl_exec **out,
                          ftl_backend_error *error);
    void (*free_exec)(ftl_exec *exec);
    /* inputs: one tensor per plan->inputs, of the stated dtype (u8: or bool) and shape; where its
     * place has strides, with these strides along axes longer than 1 and aligned to its elements,
     * else of any strides and alignment. They stay bound by the caller during the run. outputs: one
     * slot per graph output. A slot that holds a contiguous tensor of the right dtype and shape is
     * written in place (warm runs allocate nothing); a null slot receives a new tensor. */
    ftl_status (*run)(ftl_exec *exec, ftl_tensor *const *inputs, ftl_tensor **outputs,
                      ftl_backend_error *error);
    /* Timing per step of the outermost plan (stats has plan->steps.len entries), for later runs. */
    void (*set_profiling)(ftl_exec *exec, bool on);
    void (*get_stats)(const ftl_exec *exec, ftl_step_stats *stats);
    /* May be null: how a step of the outermost plan runs, or null; lives as long as exec. */
    const char *(*get_step_text)(const ftl_exec *exec, size_t step);
};

/* The oracle: plain scalar loops in double precision over the graph (native/oracle.c), which reads
 * plan->graph and plan->inputs only. Not a backend that users pick by accident: name "oracle". */
extern const ftl_backend ftl_backend_native, ftl_backend_oracle;

/* The error of a GATHER or GATHER_ADD v of graph g whose index value x does not fit data axis
 * `axis`: every backend says it in the same words. The run returns FTL_ERR_PROGRAM. */
void ftl_backend_set_index_error(ftl_backend_error *error, const ftl_graph *g, const ftl_value *v,
                                 uint32_t axis, double x);

/* By name or alias, null when unknown. ftl_backend_get(i): null past the end. */
const ftl_backend *ftl_backend_find(const char *name);
const ftl_backend *ftl_backend_get(size_t i);

/* Backends that the language knows and this version lacks, and why; null past the end. */
typedef struct ftl_backend_absent {
    const char *name, *reason;
} ftl_backend_absent;

const ftl_backend_absent *ftl_backend_get_absent(size_t i);

#endif
