/* SPDX-License-Identifier: Apache-2.0
 *
 * fusetl.h: the public interface of libfusetl, the Fuse tensor-logic language.
 *
 * Three handles: ftl_program (what to compute: parsed and checked, immutable, shareable between
 * threads), ftl_runner (compiled for a backend, holds streaming state, one thread at a time) and
 * ftl_tensor (dtype, shape, strides, data, owner; reference counted). Every call that can fail
 * returns ftl_status; diagnostics stay on the handle. No call exits, aborts or prints.
 */
#ifndef FUSETL_H
#define FUSETL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FTL_MAX_RANK 32
#define FTL_VERSION "0.1.0"

/* What this header declares is what the shared library exports. */
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* What became of a call. The message is on the handle that the call was made on, or that it made;
 * FTL_ERR_USAGE has one where a call that changes a runner is refused, and none where an argument
 * that no call can do without is null. */
typedef enum ftl_status {
    FTL_OK = 0,
    FTL_ERR_PROGRAM,     /* the program or its data is wrong: see the diagnostics */
    FTL_ERR_USAGE,       /* an argument is wrong: unknown name, shape, option */
    FTL_ERR_IO,          /* a file or device could not be read or written */
    FTL_ERR_MEMORY,      /* no memory, or a limit was reached */
    FTL_ERR_UNSUPPORTED, /* this backend or build cannot do it */
    FTL_ERR_INTERNAL,    /* a fault of ours */
    FTL_ERR_INTERRUPTED  /* ended by ftl_watch_interrupt */
} ftl_status;

/* Element types. The order is stable: values are part of the interface. */
typedef enum ftl_dtype {
    FTL_DTYPE_BOOL = 0, /* one byte, 0 or 1 */
    FTL_DTYPE_U8,
    FTL_DTYPE_I8,
    FTL_DTYPE_I16,
    FTL_DTYPE_I32,
    FTL_DTYPE_I64,
    FTL_DTYPE_F16,
    FTL_DTYPE_BF16,
    FTL_DTYPE_F32,
    FTL_DTYPE_F64,
    FTL_DTYPE_COUNT
} ftl_dtype;

/* Memory functions: alloc returns null when there is none. Sizes are in bytes; memory must be
 * 64-byte aligned. free gets the size that was asked for. */
typedef struct ftl_allocator {
    void *user;
    void *(*alloc)(void *user, size_t size);
    void (*free)(void *user, void *p, size_t size);
} ftl_allocator;

/* The version of the library, as FTL_VERSION was when it was built. */
const char *ftl_get_version(void);
/* "out of memory" and so on; never null. */
const char *ftl_status_get_text(ftl_status status);
/* Texts that a call hands over (char **out) are freed with this; null is fine. */
void ftl_text_free(char *text);

/* ---- tensors: dtype, shape, strides in bytes, counted owner of the bytes ---- */

typedef struct ftl_tensor ftl_tensor;

/* New zeroed row-major tensor with one reference. rank <= FTL_MAX_RANK; shape has rank extents >=
 * 0. alloc null: the C heap. */
ftl_status ftl_tensor_create(const ftl_allocator *alloc, ftl_dtype dtype, uint32_t rank,
                             const int64_t *shape, ftl_tensor **out);

/* Bytes of the caller. strides (bytes, null: row-major) may be zero or negative. */
typedef struct ftl_tensor_spec {
    ftl_dtype dtype;
    uint32_t rank;
    const int64_t *shape;
    const int64_t *strides;
    void *data;
    void (*release)(void *user); /* called once when nobody needs the bytes any more; null: never */
    void *user;
} ftl_tensor_spec;
/* No copy. On failure the bytes stay the caller's and release is not called. */
ftl_status ftl_tensor_from_data(const ftl_tensor_spec *spec, ftl_tensor **out);

/* .npy, .npz, .safetensors, .json; "file.npz#member". Mapped where the format allows. *message (may
 * be null) receives a text to free when it fails. */
ftl_status ftl_tensor_load(const char *path, ftl_tensor **out, char **message);
/* By extension: .npy .npz .json .jsonl .csv .tsv; written atomically. */
ftl_status ftl_tensor_save(const ftl_tensor *t, const char *path, char **message);

ftl_tensor *ftl_tensor_retain(ftl_tensor *t);
void ftl_tensor_release(ftl_tensor *t); /* null is fine */
/* Of null: bool, 0 and null. */
ftl_dtype ftl_tensor_get_dtype(const ftl_tensor *t);
uint32_t ftl_tensor_get_rank(const ftl_tensor *t);
const int64_t *ftl_tensor_get_shape(const ftl_tensor *t);   /* rank extents, borrowed */
const int64_t *ftl_tensor_get_strides(const ftl_tensor *t); /* rank strides in bytes, borrowed */
void *ftl_tensor_get_data(const ftl_tensor *t);             /* first element, borrowed */
int64_t ftl_tensor_get_count(const ftl_tensor *t);
size_t ftl_dtype_get_size(ftl_dtype dtype); /* bytes of an element; 0: no such type */

/* DLPack (dmlc/dlpack, ABI 1.x, unversioned capsule struct): struct DLManagedTensor of dlpack.h.
 * to: a view that keeps t alive until its deleter runs. from: takes the struct; its deleter runs
 * when the tensor ends; only CPU memory; FTL_ERR_UNSUPPORTED for other devices and types. */
struct DLManagedTensor;
ftl_status ftl_tensor_to_dlpack(ftl_tensor *t, struct DLManagedTensor **out);
ftl_status ftl_tensor_from_dlpack(struct DLManagedTensor *managed, ftl_tensor **out);

/* ---- watching: how far a compile or run has come, seen from elsewhere, and ending it ---- */

/* Belongs to the caller, who names it in the configuration and keeps it longer than the runners
 * that are made with that. */
typedef struct ftl_watch ftl_watch;

typedef struct ftl_progress {
    const char *stage; /* "checking", "planning", "running", "writing", or ""; static */
    double fraction;   /* of the run's estimated work, 0 to 1; 0 where a backend does not tell; -1
                        * while a loop runs that ends when its values settle */
    int64_t round;     /* of the loop that runs: rounds that are done, */
    int64_t rounds;    /* of so many (fraction -1: at most); 0: not known, or no loop runs */
} ftl_progress;

ftl_status ftl_watch_new(ftl_watch **out);
void ftl_watch_free(ftl_watch *watch); /* null is fine */
/* From any thread, at any time. */
void ftl_watch_get(ftl_watch *watch, ftl_progress *out);
/* Asks what is watched to end soon, with FTL_ERR_INTERRUPTED, for this watch for good: a run after
 * its present step or round, writers of files after the present block, leaving older files as they
 * were. From any thread or signal handler. 1: files are being written, and who ends the process now
 * may leave a temporary file; 0: none are, nor will any be begun. */
int ftl_watch_interrupt(ftl_watch *watch);

/* ---- how to run: initialise with ftl_config_init, then set what differs ---- */

/* Texts are borrowed during the call that gets the configuration; null is the default. An unknown
 * word is FTL_ERR_USAGE, with a message that lists the known ones. */
typedef struct ftl_config {
    size_t size;                    /* sizeof(ftl_config), set by init */
    const ftl_allocator *allocator; /* null: the C heap. What it points to is copied; its user must
                                     * outlive the runner, its texts and its tensors */
    ftl_watch *watch;               /* null: nobody watches */
    const char *backend;            /* "native" (alias "numpy"); "a,b": the first that is there;
                                     * "auto": any; "oracle": plain loops in double precision */
    const char *device;             /* "auto", "cpu" */
    const char *mode;               /* "single" (recursion through itself is refused), "auto"
                                     * (recursive groups run as fixpoint), "fixpoint", "demand" */
    const char *strategy;           /* "semi_naive", "synchronous" */
    const char *chaining;           /* "forward", "backward" */
    const char *projection;         /* "exact", "monte_carlo" */
    const char *precision;          /* "fp32" (f32), "fp16" (f16), "bf16", "fp64" (f64), "auto" */
    const char *einsum_planner;     /* "auto", "greedy", "optimal" */
    const char *output_root;        /* folder that sinks and saved outputs may not leave; null: the
                                     * working folder for sinks, saved outputs go anywhere */
    int64_t max_iters;              /* rounds of a fixpoint at most; -1: numeric ones 1000, Boolean
                                     * ones run to their end */
    double tol;                     /* change of a numeric fixpoint that counts as none: 1e-6 */
    int64_t samples;                /* Monte Carlo */
    uint64_t seed;
    int threads;                    /* 0: all cores */
    size_t memory_limit;            /* bytes for one run; 0: 0.8 of the machine's memory */
    size_t mmap_npz_from;           /* bytes of an .npz from which on its stored members are mapped;
                                     * 0: 64 MiB */
    int strict;                     /* 1: doubts are errors: an axis that occurs once, a fixpoint
                                     * that did not converge */
    int strict_files;               /* 1: what would be copied on load is an error */
    int keep_plain;                 /* 1: recognised fast paths off (for comparison) */
    int no_sinks;                   /* 1: runs do not write the program's sinks */
    int profile;                    /* 1: time every step, for explain */
    const char *const *params;      /* "NAME=VALUE" */
    size_t n_params;
    const char *const *temperatures; /* "NAME=0.5", "NAME=linear:START:END:STEPS",
                                      * "NAME=piecewise:0:1.0,3:0.5" */
    size_t n_temperatures;
    const char *const *queries;      /* "NAME[x=4,y=0:3]", "Anc(alice, x)": parts as outputs */
    size_t n_queries;
    /* What follows is checked as far as can be and then refused by this version with
     * FTL_ERR_UNSUPPORTED. */
    const char *grad;       /* name of a scalar: its gradient by the tensors of wrt */
    const char *const *wrt; /* names of tensors */
    size_t n_wrt;
    int64_t steps;       /* steps of virtual time; 0: none asked for */
    const char *weights; /* manifest of a weight store */
    const char *cache;   /* folder of compiled plans */
    /* What follows is in this version. */
    const char *blas;    /* library with cblas_sgemm and cblas_dgemm (of 32-bit whole numbers), by
                          * path or by a name that the loader knows, that products of matrices are
                          * given to where their layout allows it; null: own kernels. One that
                          * cannot be used is FTL_ERR_USAGE */
} ftl_config;

void ftl_config_init(ftl_config *config);

/* ---- programs: what to compute. Immutable once made; may be shared between threads ---- */

typedef struct ftl_program ftl_program;

/* Parses text (len bytes, borrowed only during the call); name stands in messages, and its folder
 * is where sources and imports are looked up. *out is set whenever there is memory, even on
 * FTL_ERR_PROGRAM, to hold the diagnostics. */
ftl_status ftl_program_parse(const ftl_allocator *alloc, const char *name, const char *text,
                             size_t len, ftl_program **out);
/* The same from a file. */
ftl_status ftl_program_load(const ftl_allocator *alloc, const char *path, ftl_program **out);
void ftl_program_free(ftl_program *program);
/* "file:line:col: error: ..." with carets; empty when there is nothing to say. Borrowed. */
const char *ftl_program_get_diagnostics(const ftl_program *program);
/* The canonical text (fuse fmt). */
ftl_status ftl_program_format(const ftl_program *program, char **out);

/* ---- runners: a program compiled for a backend. One thread at a time ---- */

typedef struct ftl_runner ftl_runner;

/* An input: a tensor (retained while bound), or a file (path, or "file#member") when tensor is
 * null. */
typedef struct ftl_input {
    const char *name;
    ftl_tensor *tensor;
    const char *path;
} ftl_input;

/* Checks and compiles for these inputs. *out is set whenever there is memory, to hold the
 * diagnostics, but null where nothing could be tried: the program did not parse (its own messages
 * say why), or FTL_ERR_USAGE: program or config is null, config was not made by ftl_config_init, a
 * list of it is null and not empty, or an input has no name, or neither tensor nor path. The runner
 * keeps what it needs of program and config. */
ftl_status ftl_runner_new(const ftl_program *program, const ftl_config *config,
                          const ftl_input *inputs, size_t n_inputs, ftl_runner **out);
/* Checks only (fuse check): missing inputs are no errors. The runner has diagnostics and a report;
 * it cannot run. */
ftl_status ftl_runner_check(const ftl_program *program, const ftl_config *config,
                            const ftl_input *inputs, size_t n_inputs, ftl_runner **out);
void ftl_runner_free(ftl_runner *runner);
/* Errors and warnings of the compile and of the last run, and why a call since then was refused
 * (FTL_ERR_USAGE). Borrowed until the next call. */
const char *ftl_runner_get_diagnostics(const ftl_runner *runner);
/* Rebinds an input for later runs, without a copy. Another dtype or shape compiles anew at the next
 * run. */
ftl_status ftl_runner_bind(ftl_runner *runner, const char *name, ftl_tensor *tensor);
/* One run: outputs are computed, then sinks are written: all are whole before the first replaces an
 * older file. A warm run allocates nothing on the heap, unless it writes sinks or has something to
 * warn of. FTL_ERR_PROGRAM: the data is wrong (an index value out of range). */
ftl_status ftl_runner_run(ftl_runner *runner);

/* Outputs are the exports, then the queries, in program order. None before a compile succeeded. A
 * query of the configuration takes the place of the export, under the tensor's name; several of one
 * tensor, and queries of the program, are named by their text. */
size_t ftl_runner_count_outputs(const ftl_runner *runner);
const char *ftl_runner_get_output_name(const ftl_runner *runner, size_t i); /* null past the end */
/* Element type and shape of an output, known before the first run. */
typedef struct ftl_form {
    ftl_dtype dtype;
    uint32_t rank;
    int64_t shape[FTL_MAX_RANK];
} ftl_form;
ftl_status ftl_runner_get_output_form(const ftl_runner *runner, const char *name, ftl_form *out);
/* Tensor of the last run, borrowed; the next run writes over it unless it was retained. Null before
 * the first run or when there is no such output. */
ftl_tensor *ftl_runner_get_output(const ftl_runner *runner, const char *name);
/* Where an output is to be written from now on: a row-major tensor of its form, retained, which no
 * input of the run may overlap. null: a tensor of the runner's own again. When a rebound input
 * changes the output's form, the next run fails with FTL_ERR_USAGE until another tensor, or null,
 * is set. */
ftl_status ftl_runner_set_output(ftl_runner *runner, const char *name, ftl_tensor *tensor);
/* For people: small tensors whole, large ones abridged with shape and dtype, relations as
 * tuples. */
ftl_status ftl_runner_print_output(const ftl_runner *runner, size_t i, char **out);
/* Queries written in the program (`Ancestor(bea, x)?`) are printed by users of the command line. */
int ftl_runner_is_query(const ftl_runner *runner, size_t i);
/* Saves an output by the path's extension (.npy .npz .json .jsonl .csv .tsv), symbols as names in
 * csv and tsv. Atomic: an older file stays until the new one is whole. output_root as below. */
ftl_status ftl_runner_save_output(ftl_runner *runner, size_t i, const char *path);
/* Saves all outputs but the queries of the program; all are written before the first replaces an
 * older file: into a folder (a path that is one, ends with a slash, or has no extension) as
 * NAME.npy, into an .npz as members NAME, or the only one by the path's extension. An output_root
 * of the configuration holds here as it does for sinks: the path is taken from there and may not
 * leave it. */
ftl_status ftl_runner_save_outputs(ftl_runner *runner, const char *path);
/* Whether save_outputs could write there now, before any run. Nothing is made. FTL_ERR_USAGE: files
 * with that extension are not written, or hold one output and there are several. */
ftl_status ftl_runner_probe_outputs(ftl_runner *runner, const char *path);
/* Plan, cost, bytes and, after profiled runs, time per equation and step. format "text" or "json";
 * the schema of the latter is in docs/cli.md. */
ftl_status ftl_runner_explain(ftl_runner *runner, const char *format, char **out);
/* Types, extents and projections of the checked program, as text (fuse check). */
ftl_status ftl_runner_report(const ftl_runner *runner, char **out);
/* Bytes of the run arena, and of the largest set of live values. */
void ftl_runner_get_memory(const ftl_runner *runner, size_t *arena, size_t *live);

/* What stands after a pass: "parse", "check", "lower", a pass of the planner, "plan". *text
 * receives it; on failure *message (may be null) says why, and lists the passes when there is none
 * of that name (FTL_ERR_USAGE). */
typedef struct ftl_dump {
    const char *pass;
    char **text, **message;
} ftl_dump;
ftl_status ftl_program_dump(const ftl_program *program, const ftl_config *config,
                            const ftl_input *inputs, size_t n_inputs, const ftl_dump *dump);

/* Backends with version, devices, and what to install for absent ones. format "text" or "json". */
ftl_status ftl_list_backends(const char *format, char **out);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif
#endif
