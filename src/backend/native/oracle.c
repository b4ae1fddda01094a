/* SPDX-License-Identifier: Apache-2.0
 *
 * The oracle backend: values of the graph one after the other, each by its plain loops. A value's
 * arrays are freed after its last use. A loop runs its body as a graph of its own, once a round.
 */
#include "backend/native/oracle.h"

#include "backend/native/logic/logic.h"

#include <stdio.h>
#include <unistd.h>

struct ftl_device {
    const ftl_allocator *alloc;
    size_t limit;
};

struct ftl_exec {
    const ftl_device *device;
    const ftl_plan *plan;
};

/* ---- memory ---- */

void *ftl_oracle_take(ftl_oracle *o, size_t n, size_t size)
{
    size_t bytes = 0;
    bool fits = ftl_mul_size(n, size, &bytes) && bytes <= o->limit - o->used;
    void *p = fits ? ftl_mem_alloc(o->alloc, bytes) : NULL;
    if (!p) {
        snprintf(o->error->message, sizeof o->error->message,
                 "the run needs more memory than its limit of %zu bytes", o->limit);
        return NULL;
    }
    memset(p, 0, bytes);
    o->used += bytes;
    return p;
}

void ftl_oracle_give(ftl_oracle *o, void *p, size_t n, size_t size)
{
    if (p)
        o->used -= n * size;
    ftl_mem_free(o->alloc, p, n * size);
}

ftl_status ftl_oracle_new_cell(ftl_oracle *o, ftl_dtype dtype, int64_t n, ftl_oracle_cell *out)
{
    void *p = ftl_oracle_take(o, (size_t)n, sizeof(double));
    if (!p)
        return FTL_ERR_MEMORY;
    *out = (ftl_oracle_cell){.n = n};
    if (ftl_dtype_is_float(dtype))
        out->f = p;
    else
        out->i = p;
    return FTL_OK;
}

void ftl_oracle_free_cell(ftl_oracle *o, ftl_oracle_cell *cell)
{
    if (!cell->borrowed) {
        ftl_oracle_give(o, cell->f, (size_t)cell->n, sizeof(double));
        ftl_oracle_give(o, cell->i, (size_t)cell->n, sizeof(int64_t));
    }
    for (uint32_t k = 0; k < cell->n_results; k++)
        ftl_oracle_free_cell(o, &cell->results[k]);
    ftl_oracle_give(o, cell->results, cell->n_results, sizeof(*cell->results));
    ftl_relation_release(cell->tuples);
    for (uint32_t k = 0; k < cell->n_derived; k++)
        ftl_relation_release(cell->derived[k]);
    ftl_oracle_give(o, cell->derived, cell->n_derived, sizeof(*cell->derived));
    *cell = (ftl_oracle_cell){0};
}

/* ---- elements ---- */

/* dispatch */ int64_t ftl_oracle_wrap(ftl_dtype dtype, int64_t x)
{
    switch (dtype) {
    case FTL_DTYPE_U8: return (uint8_t)x;
    case FTL_DTYPE_I8: return (int8_t)x;
    case FTL_DTYPE_I16: return (int16_t)x;
    case FTL_DTYPE_I32: return (int32_t)x;
    default: return x;
    }
}

void ftl_oracle_put(ftl_dtype dtype, const ftl_oracle_cell *out, int64_t k, double x)
{
    uint64_t element = 0;
    ftl_dtype_put_double(dtype, &element, x);
    if (out->f)
        out->f[k] = ftl_dtype_get_double(dtype, &element);
    else
        out->i[k] = ftl_dtype_get_int(dtype, &element);
}

void ftl_oracle_copy(const ftl_oracle_cell *to, int64_t k, const ftl_oracle_cell *from, int64_t j)
{
    if (to->f)
        to->f[k] = from->f[j];
    else
        to->i[k] = from->i[j];
}

void ftl_oracle_add(ftl_dtype dtype, const ftl_oracle_cell *to, int64_t k,
                    const ftl_oracle_cell *from, int64_t j)
{
    if (to->f)
        to->f[k] += from->f[j];
    else if (dtype == FTL_DTYPE_BOOL)
        to->i[k] |= from->i[j];
    else
        to->i[k] = ftl_oracle_wrap(dtype, (int64_t)((uint64_t)to->i[k] + (uint64_t)from->i[j]));
}

bool ftl_oracle_step(uint32_t rank, const int64_t *shape, int64_t *place)
{
    for (uint32_t k = rank; k-- > 0;) {
        if (++place[k] < shape[k])
            return true;
        place[k] = 0;
    }
    return false;
}

/* ---- leaves ---- */

ftl_status ftl_oracle_run_INPUT(const ftl_oracle_call *c)
{
    const ftl_plan *plan = c->oracle->plan;
    size_t i = 0;
    while (i < plan->inputs.len && plan->inputs.data[i] != c->v)
        i++;
    assert(i < plan->inputs.len);
    if (c->v->tuples) {
        c->out->tuples = ftl_relation_retain(c->oracle->inputs[i]->tuples);
        return FTL_OK;
    }
    if (c->out->f)
        ftl_tensor_copy_to(c->oracle->inputs[i], FTL_DTYPE_F64, c->out->f);
    else
        ftl_tensor_copy_to(c->oracle->inputs[i], FTL_DTYPE_I64, c->out->i);
    for (int64_t k = 0; c->v->dtype == FTL_DTYPE_BOOL && k < c->out->n; k++)
        c->out->i[k] = c->out->i[k] != 0;
    return FTL_OK;
}

ftl_status ftl_oracle_run_CONST(const ftl_oracle_call *c)
{
    const char *data = c->v->u.data;
    size_t size = c->v->splat ? 0 : ftl_dtype_get_size(c->v->dtype);
    for (int64_t k = 0; k < c->out->n; k++) {
        if (c->out->f)
            c->out->f[k] = ftl_dtype_get_double(c->v->dtype, data + (size_t)k * size);
        else
            c->out->i[k] = ftl_dtype_get_int(c->v->dtype, data + (size_t)k * size);
    }
    return FTL_OK;
}

ftl_status ftl_oracle_run_IOTA(const ftl_oracle_call *c)
{
    for (int64_t k = 0; k < c->out->n; k++) {
        if (c->out->f)
            ftl_oracle_put(c->v->dtype, c->out, k, (double)k);
        else
            c->out->i[k] = ftl_oracle_wrap(c->v->dtype, k);
    }
    return FTL_OK;
}

ftl_status ftl_oracle_run_PARAM(const ftl_oracle_call *c)
{
    *c->out = c->params[c->v->u.index];
    c->out->borrowed = true;
    return FTL_OK;
}

/* ---- graphs ---- */

typedef ftl_status operation(const ftl_oracle_call *c);

static operation *const operations[FTL_OPCODE_COUNT] = {
#define FTL_OPCODE(name, text, arity, class, shape, dtype, grad, monotone, doc)                    \
    ftl_oracle_run_##name,
#include "ir/op.def"
#undef FTL_OPCODE
};

/* The cells of a graph that is being run. last[id]: the last value that uses id; outputs are used
 * to the end. */
typedef struct frame {
    ftl_oracle *oracle;
    const ftl_graph *graph;
    const ftl_oracle_cell *params;
    ftl_oracle_cell *cells;
    uint32_t *last;
    const ftl_oracle_cell **in; /* operands of the value at hand */
    size_t n_in;
} frame;

static void set_last_uses(frame *f)
{
    for (uint32_t id = 0; id < f->graph->values.len; id++) {
        const ftl_value *v = f->graph->values.data[id];
        f->last[id] = id;
        for (uint32_t i = 0; i < v->n_in; i++)
            f->last[v->in[i]->id] = id;
    }
    for (size_t i = 0; i < f->graph->outputs.len; i++)
        f->last[f->graph->outputs.data[i].value->id] = UINT32_MAX;
}

static ftl_status run_value(const frame *f, const ftl_value *v)
{
    ftl_oracle_cell *out = &f->cells[v->id];
    for (uint32_t i = 0; i < v->n_in; i++)
        f->in[i] = &f->cells[v->in[i]->id];
    f->oracle->error->at = v;
    if (v->op != FTL_OP_PARAM_ && v->op != FTL_OP_LOOP_)
        FTL_TRY(ftl_oracle_new_cell(f->oracle, v->dtype, ftl_value_get_count(v), out));
    FTL_TRY(operations[v->op](&(ftl_oracle_call){f->oracle, f->graph, v, f->in, f->params, out}));
    for (uint32_t i = 0; i < v->n_in; i++)
        if (f->last[v->in[i]->id] == v->id)
            ftl_oracle_free_cell(f->oracle, &f->cells[v->in[i]->id]);
    if (f->last[v->id] == v->id)
        ftl_oracle_free_cell(f->oracle, out);
    return FTL_OK;
}

/* outputs[i] = a copy of each output. */
static ftl_status copy_outputs(const frame *f, ftl_oracle_cell *outputs)
{
    for (size_t i = 0; i < f->graph->outputs.len; i++) {
        const ftl_value *v = f->graph->outputs.data[i].value;
        const ftl_oracle_cell *cell = &f->cells[v->id];
        FTL_TRY(ftl_oracle_new_cell(f->oracle, v->dtype, cell->n, &outputs[i]));
        if (v->tuples)
            outputs[i].tuples = ftl_relation_retain(cell->tuples);
        for (int64_t k = 0; k < cell->n; k++)
            ftl_oracle_copy(&outputs[i], k, cell, k);
    }
    return FTL_OK;
}

static ftl_status run_frame(frame *f, ftl_oracle_cell *outputs)
{
    if (!f->cells || !f->last || !f->in)
        return FTL_ERR_MEMORY;
    set_last_uses(f);
    for (size_t i = 0; i < f->graph->values.len; i++)
        FTL_TRY(run_value(f, f->graph->values.data[i]));
    return copy_outputs(f, outputs);
}

ftl_status ftl_oracle_run_graph(ftl_oracle *o, const ftl_graph *g, const ftl_oracle_cell *params,
                                ftl_oracle_cell *outputs)
{
    frame f = {.oracle = o, .graph = g, .params = params};
    size_t n = g->values.len;
    for (size_t i = 0; i < n; i++)
        if (g->values.data[i]->n_in > f.n_in)
            f.n_in = g->values.data[i]->n_in;
    f.cells = ftl_oracle_take(o, n, sizeof(*f.cells));
    f.last = ftl_oracle_take(o, n, sizeof(*f.last));
    f.in = ftl_oracle_take(o, f.n_in, sizeof(*f.in));
    ftl_status status = run_frame(&f, outputs);
    for (size_t i = 0; f.cells && i < n; i++)
        ftl_oracle_free_cell(o, &f.cells[i]);
    ftl_oracle_give(o, f.cells, n, sizeof(*f.cells));
    ftl_oracle_give(o, f.last, n, sizeof(*f.last));
    ftl_oracle_give(o, f.in, f.n_in, sizeof(*f.in));
    return status;
}

/* ---- loops ---- */

/* One round: params are the round, the carried values and the captured ones; the carried ones are
 * replaced by the body's outputs. */
static ftl_status run_round(const ftl_oracle_call *c, ftl_oracle_cell *params,
                            ftl_oracle_cell *next, bool *stop)
{
    const ftl_loop *loop = c->v->u.loop;
    size_t n = loop->body->outputs.len;
    memset(next, 0, n * sizeof(*next));
    ftl_status status = ftl_oracle_run_graph(c->oracle, loop->body, params, next);
    *stop = status == FTL_OK && loop->has_stop && next[loop->n_carried].i[0] != 0;
    for (uint32_t k = 0; k < n; k++) {
        if (status == FTL_OK && k < loop->n_carried) {
            ftl_oracle_free_cell(c->oracle, &params[1 + k]);
            params[1 + k] = next[k];
        } else {
            ftl_oracle_free_cell(c->oracle, &next[k]);
        }
    }
    return status;
}

/* Runs the rounds; the carried values end up in params, the number of rounds in *rounds. */
static ftl_status run_rounds(const ftl_oracle_call *c, ftl_oracle_cell *params,
                             ftl_oracle_cell *next, int64_t *rounds)
{
    const ftl_loop *loop = c->v->u.loop;
    bool stop = false;
    FTL_TRY(ftl_oracle_new_cell(c->oracle, FTL_DTYPE_I64, 1, &params[0]));
    for (uint32_t k = 0; k < c->v->n_in; k++) {
        params[1 + k] = *c->in[k];
        params[1 + k].borrowed = true;
    }
    for (*rounds = 0; !stop && (loop->count < 0 || *rounds < loop->count); ++*rounds) {
        params[0].i[0] = loop->reverse ? loop->count - 1 - *rounds : *rounds;
        FTL_TRY(run_round(c, params, next, &stop));
    }
    return FTL_OK;
}

/* The loop's cell keeps what its results read: the carried values (copied where they are still the
 * start values of others) and the rounds. */
static ftl_status keep_results(const ftl_oracle_call *c, ftl_oracle_cell *params, int64_t rounds)
{
    uint32_t n = c->v->u.loop->n_carried;
    c->out->results = ftl_oracle_take(c->oracle, (size_t)n + 1, sizeof(*c->out->results));
    if (!c->out->results)
        return FTL_ERR_MEMORY;
    c->out->n_results = n + 1;
    for (uint32_t k = 0; k < n; k++) {
        const ftl_oracle_cell *from = &params[1 + k];
        ftl_oracle_cell *to = &c->out->results[k];
        FTL_TRY(ftl_oracle_new_cell(c->oracle, c->v->in[k]->dtype, from->n, to));
        for (int64_t j = 0; j < from->n; j++)
            ftl_oracle_copy(to, j, from, j);
    }
    FTL_TRY(ftl_oracle_new_cell(c->oracle, FTL_DTYPE_I64, 1, &c->out->results[n]));
    c->out->results[n].i[0] = rounds;
    return FTL_OK;
}

ftl_status ftl_oracle_run_LOOP(const ftl_oracle_call *c)
{
    size_t n_params = (size_t)c->v->n_in + 1, n_next = c->v->u.loop->body->outputs.len;
    ftl_oracle_cell *params = ftl_oracle_take(c->oracle, n_params, sizeof(*params));
    ftl_oracle_cell *next = ftl_oracle_take(c->oracle, n_next, sizeof(*next));
    int64_t rounds = 0;
    ftl_status status = params && next ? run_rounds(c, params, next, &rounds) : FTL_ERR_MEMORY;
    if (status == FTL_OK)
        status = keep_results(c, params, rounds);
    for (size_t k = 0; params && k < n_params; k++)
        ftl_oracle_free_cell(c->oracle, &params[k]);
    ftl_oracle_give(c->oracle, params, n_params, sizeof(*params));
    ftl_oracle_give(c->oracle, next, n_next, sizeof(*next));
    return status;
}

ftl_status ftl_oracle_run_RESULT(const ftl_oracle_call *c)
{
    const ftl_oracle_cell *from = &c->in[0]->results[c->v->u.index];
    for (int64_t k = 0; k < from->n; k++)
        ftl_oracle_copy(c->out, k, from, k);
    return FTL_OK;
}

/* ---- the backend ---- */

static void get_info(ftl_backend_info *out)
{
    *out = (ftl_backend_info){.is_present = true, .version = FTL_VERSION,
                              .detail = "cpu; scalar loops in double precision, for comparison"};
}

/* Half of the machine's memory. */
static size_t get_default_limit(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (size_t)pages / 2 * (size_t)size : (size_t)4 << 30;
}

static ftl_status open_device(const ftl_device_options *options, ftl_device **out,
                              ftl_backend_error *error)
{
    *error = (ftl_backend_error){0};
    if (options->device && strcmp(options->device, "auto") != 0 &&
        strcmp(options->device, "cpu") != 0) {
        snprintf(error->message, sizeof error->message, "the oracle has no device '%s'; it has cpu",
                 options->device);
        return FTL_ERR_USAGE;
    }
    if (options->blas) {
        snprintf(error->message, sizeof error->message, "the oracle has no use for a BLAS");
        return FTL_ERR_USAGE;
    }
    ftl_device *device = ftl_mem_alloc(options->alloc, sizeof(*device));
    if (!device)
        return FTL_ERR_MEMORY;
    device->alloc = options->alloc;
    device->limit = options->memory_limit > 0 ? options->memory_limit : get_default_limit();
    *out = device;
    return FTL_OK;
}

static void close_device(ftl_device *device)
{
    ftl_mem_free(device->alloc, device, sizeof(*device));
}

static ftl_status compile(ftl_device *device, const ftl_plan *plan, ftl_exec **out,
                          ftl_backend_error *error)
{
    *error = (ftl_backend_error){0};
    ftl_exec *exec = ftl_mem_alloc(device->alloc, sizeof(*exec));
    if (!exec)
        return FTL_ERR_MEMORY;
    *exec = (ftl_exec){.device = device, .plan = plan};
    *out = exec;
    return FTL_OK;
}

static void free_exec(ftl_exec *exec)
{
    ftl_mem_free(exec->device->alloc, exec, sizeof(*exec));
}

static bool is_fitting(const ftl_tensor *t, const ftl_value *v, bool or_bool)
{
    if (v->tuples || t->tuples)
        return ftl_logic_is_fitting(t, v);
    bool is_bool = or_bool && t->dtype == FTL_DTYPE_BOOL;
    if ((t->dtype != v->dtype && !is_bool) || t->rank != v->rank)
        return false;
    for (uint32_t k = 0; k < t->rank; k++)
        if (t->shape[k] != v->shape[k])
            return false;
    return true;
}

static ftl_status check_tensors(const ftl_exec *exec, ftl_tensor *const *inputs,
                                ftl_tensor **outputs, ftl_backend_error *error)
{
    const ftl_graph *g = exec->plan->graph;
    for (size_t i = 0; i < exec->plan->inputs.len; i++) {
        const ftl_value *v = exec->plan->inputs.data[i];
        if (inputs[i] && is_fitting(inputs[i], v, v->dtype == FTL_DTYPE_U8))
            continue;
        error->at = v;
        snprintf(error->message, sizeof error->message,
                 "input '%s' is missing or has another dtype or shape than planned", v->u.name);
        return FTL_ERR_USAGE;
    }
    for (size_t i = 0; i < g->outputs.len; i++) {
        const ftl_output *o = &g->outputs.data[i];
        if (!outputs[i] ||
            (is_fitting(outputs[i], o->value, false) &&
             (o->value->tuples || ftl_tensor_is_contiguous(outputs[i]))))
            continue;
        error->at = o->value;
        snprintf(error->message, sizeof error->message,
                 "output '%s' was given a tensor of another dtype, shape or layout", o->name);
        return FTL_ERR_USAGE;
    }
    return FTL_OK;
}

static ftl_status write_output(const ftl_oracle *o, const ftl_value *v,
                               const ftl_oracle_cell *cell, ftl_tensor **out)
{
    if (v->tuples) {
        ftl_tensor_release(*out);
        *out = NULL;
        return ftl_tensor_new_tuples(o->alloc, cell->tuples, out);
    }
    if (!*out)
        FTL_TRY(ftl_tensor_new(o->alloc, v->dtype, v->rank, v->shape, out));
    ftl_dtype from = cell->f ? FTL_DTYPE_F64 : FTL_DTYPE_I64;
    const void *data = cell->f ? (const void *)cell->f : (const void *)cell->i;
    ftl_dtype_convert((*out)->data, v->dtype, data, from, (size_t)cell->n);
    return FTL_OK;
}

static ftl_status run(ftl_exec *exec, ftl_tensor *const *inputs, ftl_tensor **outputs,
                      ftl_backend_error *error)
{
    const ftl_graph *g = exec->plan->graph;
    size_t n = g->outputs.len;
    ftl_oracle o = {.alloc = exec->device->alloc, .plan = exec->plan, .inputs = inputs,
                    .error = error, .limit = exec->device->limit};
    *error = (ftl_backend_error){0};
    FTL_TRY(check_tensors(exec, inputs, outputs, error));
    ftl_oracle_cell *cells = ftl_oracle_take(&o, n, sizeof(*cells));
    if (!cells)
        return FTL_ERR_MEMORY;
    ftl_status status = ftl_oracle_run_graph(&o, g, NULL, cells);
    for (size_t i = 0; i < n; i++) {
        if (status == FTL_OK)
            status = write_output(&o, g->outputs.data[i].value, &cells[i], &outputs[i]);
        ftl_oracle_free_cell(&o, &cells[i]);
    }
    ftl_oracle_give(&o, cells, n, sizeof(*cells));
    if (status == FTL_OK)
        error->at = NULL;
    return status;
}

static void set_profiling(ftl_exec *exec, bool on)
{
    (void)exec;
    (void)on;
}

/* The oracle goes by values, not by steps: nothing is counted. */
static void get_stats(const ftl_exec *exec, ftl_step_stats *stats)
{
    memset(stats, 0, exec->plan->steps.len * sizeof(*stats));
}

const ftl_backend ftl_backend_oracle = {
    .version = FTL_BACKEND_VERSION,
    .name = "oracle",
    .alias = "oracle",
    .reads_graph = true,
    .get_info = get_info,
    .open = open_device,
    .close = close_device,
    .compile = compile,
    .free_exec = free_exec,
    .run = run,
    .set_profiling = set_profiling,
    .get_stats = get_stats,
};
