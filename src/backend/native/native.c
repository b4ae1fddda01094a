/* SPDX-License-Identifier: Apache-2.0
 *
 * The native backend's table: device, executables, binding of tensors.
 */
#include "backend/native/native.h"

#include "base/dtype.h"
#include "base/watch.h"

#include <stdio.h>
#include <unistd.h>

/* Of the machine's memory, for one run, unless the caller says otherwise. */
static const double MEMORY_SHARE = 0.8;

static ftl_status set_error(ftl_backend_error *error, ftl_status status, const char *text)
{
    error->at = NULL;
    snprintf(error->message, sizeof error->message, "%s", text);
    return status;
}

/* ---- device ---- */

static void get_info(ftl_backend_info *out)
{
    *out = (ftl_backend_info){.is_present = true};
    snprintf(out->version, sizeof out->version, "%s", FTL_VERSION);
    snprintf(out->detail, sizeof out->detail, "cpu: %s, %u threads",
             ftl_isa_get_name(ftl_kernels_get()->isa), ftl_threads_get_count());
}

static size_t get_memory_limit(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || size <= 0)
        return SIZE_MAX;
    return (size_t)(MEMORY_SHARE * (double)pages * (double)size);
}

static void close_device(ftl_device *device)
{
    if (!device)
        return;
    ftl_pool_free(device->pool);
    ftl_blas_close(&device->blas);
    ftl_mem_free(device->alloc, device, sizeof *device);
}

static ftl_status open_device(const ftl_device_options *options, ftl_device **out,
                              ftl_backend_error *error)
{
    const ftl_allocator *alloc = options->alloc ? options->alloc : ftl_allocator_get_default();
    const char *name = options->device ? options->device : "auto";
    if (strcmp(name, "auto") != 0 && strcmp(name, "cpu") != 0) {
        snprintf(error->message, sizeof error->message,
                 "the native backend has no device '%s' (auto, cpu)", name);
        return FTL_ERR_USAGE;
    }
    if (options->threads < 0 || options->threads > FTL_POOL_MAX_THREADS)
        return set_error(error, FTL_ERR_USAGE, "threads: 0 (all cores) to 256 are possible");
    ftl_device *device = ftl_mem_alloc(alloc, sizeof *device);
    if (!device)
        return set_error(error, FTL_ERR_MEMORY, "no memory for a device");
    *device = (ftl_device){.alloc = alloc, .kernels = ftl_kernels_get(),
                           .caches = ftl_cpu_get_caches(),
                           .fast_paths = options->fast_paths,
                           .memory_limit = options->memory_limit ? options->memory_limit
                                                                 : get_memory_limit(),
                           .watch = options->watch};
    unsigned threads = options->threads > 0 ? (unsigned)options->threads : ftl_threads_get_count();
    ftl_status status = threads > 1 ? ftl_pool_new(alloc, threads, &device->pool) : FTL_OK;
    if (status != FTL_OK) {
        close_device(device);
        return set_error(error, status, "no memory for the threads of a device");
    }
    if (options->blas)
        status = ftl_blas_open(options->blas, &device->blas, error->message, sizeof error->message);
    if (status != FTL_OK) {
        close_device(device);
        return status;
    }
    *out = device;
    return FTL_OK;
}

/* ---- executables ---- */

static void free_exec(ftl_exec *exec)
{
    if (!exec)
        return;
    const ftl_device *d = exec->device;
    ftl_native_logic_free(exec);
    for (size_t i = 0; exec->staged && i < exec->unit->plan->inputs.len; i++) {
        const ftl_value *v = exec->unit->plan->inputs.data[i];
        ftl_mem_free(d->alloc, exec->staged[i],
                     (size_t)ftl_value_get_count(v) * ftl_dtype_get_size(v->dtype));
        ftl_tensor_release(exec->copied[i]);
    }
    ftl_mem_free(d->alloc, exec->bytes, exec->n_bytes);
    ftl_arena_fini(&exec->arena);
    ftl_mem_free(d->alloc, exec, sizeof *exec);
}

typedef struct compilation {
    ftl_exec *exec;
    const ftl_plan *plan;
} compilation;

static ftl_status compile_units(void *p)
{
    const compilation *c = p;
    ftl_exec *exec = c->exec;
    size_t n = c->plan->graph->values.len;
    exec->tuples = FTL_NEW_ARRAY(&exec->arena, ftl_relation *, n + 1);
    exec->derived = FTL_NEW_ARRAY(&exec->arena, ftl_relation **, n + 1);
    exec->unit = ftl_unit_compile(exec, c->plan);
    exec->failures = FTL_NEW_ARRAY(&exec->arena, ftl_vm_failure,
                                   ftl_pool_get_size(exec->device->pool));
    exec->copied = FTL_NEW_ARRAY(&exec->arena, ftl_tensor *, c->plan->inputs.len + 1);
    exec->staged = FTL_NEW_ARRAY(&exec->arena, void *, c->plan->inputs.len + 1);
    return FTL_OK;
}

static size_t round_up(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

/* The value that takes most of the memory of a run; null: none does. */
static const ftl_value *find_largest(const ftl_plan *plan)
{
    const ftl_value *found = NULL;
    size_t most = 0;
    for (size_t i = 0; i < plan->graph->values.len; i++) {
        const ftl_value *v = plan->graph->values.data[i];
        const ftl_place *place = &plan->places[v->id];
        if (place->kind == FTL_PLACE_ARENA && place->size > most) {
            most = place->size;
            found = v;
        }
    }
    return found;
}

/* Bytes of all outputs; SIZE_MAX when they cannot be counted. */
static size_t get_output_bytes(const ftl_graph *g)
{
    size_t total = 0;
    for (size_t i = 0; i < g->outputs.len; i++) {
        const ftl_value *v = g->outputs.data[i].value;
        size_t bytes;
        if (!ftl_mul_size((size_t)ftl_value_get_count(v), ftl_dtype_get_size(v->dtype), &bytes) ||
            bytes > SIZE_MAX - total)
            return SIZE_MAX;
        total += bytes;
    }
    return total;
}

static ftl_status fail_limit(const ftl_exec *exec, size_t bytes, ftl_backend_error *error)
{
    snprintf(error->message, sizeof error->message, "the run needs %zu bytes; the limit is %zu",
             bytes, exec->device->memory_limit);
    return FTL_ERR_MEMORY;
}

/* A run of many bytes starts without those that compiling has freed. */
static ftl_status allocate(ftl_exec *exec, ftl_backend_error *error)
{
    const size_t many = 1 << 20;
    size_t workers = ftl_pool_get_size(exec->device->pool);
    exec->need.worker = round_up(exec->need.worker);
    size_t arena = exec->unit->plan->arena_size;
    size_t scratch = workers * exec->need.worker;
    size_t sums = round_up(workers * exec->need.sums);
    exec->n_bytes = arena + scratch + sums + exec->need.rest + 64;
    size_t limit = exec->device->memory_limit;
    size_t outputs = get_output_bytes(exec->unit->plan->graph);
    error->at = find_largest(exec->unit->plan);
    if (arena > limit || exec->n_bytes > limit)
        return fail_limit(exec, exec->n_bytes, error);
    if (outputs > limit - exec->n_bytes)
        return fail_limit(exec, outputs, error);
    if (exec->n_bytes >= many)
        ftl_mem_trim(exec->device->alloc);
    exec->bytes = ftl_mem_alloc(exec->device->alloc, exec->n_bytes);
    if (!exec->bytes) {
        snprintf(error->message, sizeof error->message, "no memory for a run of %zu bytes",
                 exec->n_bytes);
        return FTL_ERR_MEMORY;
    }
    error->at = NULL;
    exec->rest = exec->bytes + arena + scratch + sums;
    ftl_unit_bind(exec->unit, exec->bytes);
    return FTL_OK;
}

static ftl_status compile(ftl_device *device, const ftl_plan *plan, ftl_exec **out,
                          ftl_backend_error *error)
{
    ftl_exec *exec = ftl_mem_alloc(device->alloc, sizeof *exec);
    if (!exec)
        return set_error(error, FTL_ERR_MEMORY, "no memory to compile a plan");
    *exec = (ftl_exec){.device = device};
    ftl_arena_init(&exec->arena, device->alloc);
    compilation c = {exec, plan};
    ftl_status status = ftl_arena_run(&exec->arena, compile_units, &c);
    if (status != FTL_OK)
        set_error(error, status, status == FTL_ERR_MEMORY ? "no memory to compile a plan"
                                                          : "a step is too large to compile");
    else
        status = allocate(exec, error);
    if (status != FTL_OK) {
        free_exec(exec);
        return status;
    }
    *out = exec;
    return FTL_OK;
}

/* ---- a run ---- */

static bool has_strides(const ftl_tensor *t, const int64_t *strides)
{
    for (uint32_t k = 0; k < t->rank; k++)
        if (t->shape[k] != 1 && t->strides[k] != strides[k])
            return false;
    return true;
}

/* The row-major copy of an input. The bytes of a file do not change: its copy serves later runs. */
static ftl_status stage_input(ftl_exec *exec, size_t i, ftl_tensor *t)
{
    const ftl_value *v = exec->unit->plan->inputs.data[i];
    size_t bytes = (size_t)ftl_value_get_count(v) * ftl_dtype_get_size(v->dtype);
    if (exec->copied[i] == t)
        return FTL_OK;
    if (!exec->staged[i])
        exec->staged[i] = ftl_mem_alloc(exec->device->alloc, bytes);
    if (!exec->staged[i])
        return FTL_ERR_MEMORY;
    ftl_tensor_copy_to(t, v->dtype, exec->staged[i]);
    ftl_tensor_release(exec->copied[i]);
    exec->copied[i] = t->mapped ? ftl_tensor_retain(t) : NULL;
    return FTL_OK;
}

/* Tuples are found by their value; the slot is not read. */
static ftl_status bind_tuples(ftl_exec *exec, const ftl_value *v, ftl_tensor *t)
{
    if (!ftl_logic_is_fitting(t, v))
        return FTL_ERR_USAGE;
    ftl_relation *r = ftl_relation_retain(t->tuples);
    ftl_relation_release(exec->tuples[v->id]);
    exec->tuples[v->id] = r;
    return FTL_OK;
}

/* Kernels want bytes aligned to the element, row-major unless the plan knows the strides: what is
 * not is copied, once a run. */
static ftl_status bind_input(ftl_exec *exec, size_t i, ftl_tensor *t)
{
    const ftl_value *v = exec->unit->plan->inputs.data[i];
    const int64_t *strides = exec->unit->plan->places[v->id].strides;
    size_t size = ftl_dtype_get_size(v->dtype);
    void **slot = &exec->unit->slots[exec->unit->first_input + i];
    if (v->tuples || t->tuples)
        return bind_tuples(exec, v, t);
    bool fits = strides ? has_strides(t, strides) : ftl_tensor_is_contiguous(t);
    if (fits && (uintptr_t)t->data % size == 0) {
        *slot = t->data;
        return FTL_OK;
    }
    if (strides)
        return FTL_ERR_USAGE;
    FTL_TRY(stage_input(exec, i, t));
    *slot = exec->staged[i];
    return FTL_OK;
}

static ftl_status bind_outputs(ftl_exec *exec, ftl_tensor **outputs, ftl_backend_error *error)
{
    const ftl_graph *g = exec->unit->plan->graph;
    for (size_t i = 0; i < g->outputs.len; i++) {
        const ftl_value *v = g->outputs.data[i].value;
        if (v->tuples)
            continue;
        if (!outputs[i] && ftl_tensor_new(exec->device->alloc, v->dtype, v->rank, v->shape,
                                          &outputs[i]) != FTL_OK) {
            error->at = v;
            snprintf(error->message, sizeof error->message,
                     "no memory for '%s', an output of %lld elements", g->outputs.data[i].name,
                     (long long)ftl_value_get_count(v));
            return FTL_ERR_MEMORY;
        }
        exec->unit->slots[exec->unit->first_output + i] = outputs[i]->data;
    }
    return FTL_OK;
}

static ftl_status give_tuples(ftl_exec *exec, ftl_tensor **outputs)
{
    const ftl_graph *g = exec->unit->plan->graph;
    for (size_t i = 0; i < g->outputs.len; i++) {
        const ftl_value *v = g->outputs.data[i].value;
        if (!v->tuples)
            continue;
        ftl_tensor_release(outputs[i]);
        outputs[i] = NULL;
        FTL_TRY(ftl_tensor_new_tuples(exec->device->alloc, exec->tuples[v->id], &outputs[i]));
    }
    return FTL_OK;
}

static ftl_status report(const ftl_exec *exec, ftl_backend_error *error)
{
    const ftl_vm_failure *first = NULL;
    for (unsigned w = 0; w < ftl_pool_get_size(exec->device->pool); w++) {
        const ftl_vm_failure *f = &exec->failures[w];
        if (f->at && (!first || f->unit < first->unit))
            first = f;
    }
    ftl_backend_set_index_error(error, first->graph, first->at, first->axis, first->index);
    return FTL_ERR_PROGRAM;
}

static ftl_status run(ftl_exec *exec, ftl_tensor *const *inputs, ftl_tensor **outputs,
                      ftl_backend_error *error)
{
    for (size_t i = 0; i < exec->unit->plan->inputs.len; i++) {
        ftl_status status = bind_input(exec, i, inputs[i]);
        if (status != FTL_OK)
            return set_error(error, status, status == FTL_ERR_MEMORY
                                                ? "no memory for a copy of an input"
                                                : "an input has other strides than planned");
    }
    FTL_TRY(bind_outputs(exec, outputs, error));
    memset(exec->failures, 0,
           ftl_pool_get_size(exec->device->pool) * sizeof *exec->failures);
    exec->logic_status = FTL_OK;
    if (ftl_unit_run(exec->unit))
        return give_tuples(exec, outputs);
    if (exec->logic_status != FTL_OK) {
        *error = exec->logic_error;
        return exec->logic_status;
    }
    if (ftl_watch_is_interrupted(exec->device->watch))
        return set_error(error, FTL_ERR_INTERRUPTED, "interrupted");
    return report(exec, error);
}

static void set_profiling(ftl_exec *exec, bool on)
{
    exec->is_profiling = on;
}

static void get_stats(const ftl_exec *exec, ftl_step_stats *stats)
{
    for (size_t i = 0; i < exec->unit->plan->steps.len; i++)
        stats[i] = exec->unit->steps[i].stats;
}

static const char *get_step_text(const ftl_exec *exec, size_t step)
{
    const ftl_product *p = exec->unit->steps[step].product;
    return p ? ftl_product_get_text(p) : NULL;
}

const ftl_backend ftl_backend_native = {
    .version = FTL_BACKEND_VERSION,
    .name = "native",
    .alias = "numpy",
    .get_info = get_info,
    .open = open_device,
    .close = close_device,
    .compile = compile,
    .free_exec = free_exec,
    .run = run,
    .set_profiling = set_profiling,
    .get_stats = get_stats,
    .get_step_text = get_step_text,
};
