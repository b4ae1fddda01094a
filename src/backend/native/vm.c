/* SPDX-License-Identifier: Apache-2.0
 *
 * Walks the axes of a program and runs its code for each tile.
 */
#include "backend/native/vm.h"

#include "base/dtype.h"

ftl_vm_type ftl_vm_get_type(ftl_dtype dtype)
{
    return dtype == FTL_DTYPE_BOOL ? (ftl_vm_type)FTL_VM_BYTE : (ftl_vm_type)ftl_tile_get(dtype);
}

size_t ftl_vm_get_size(ftl_vm_type type)
{
    return type == FTL_VM_BYTE ? 1 : ftl_tile_get_size((ftl_tile)type);
}

/* ---- pointers ---- */

/* Bytes that the scalars of an access add; false when one is outside. */
static bool add_scalars(const ftl_access *a, const ftl_vm_env *env, int64_t *offset)
{
    for (uint32_t k = 0; k < a->n_scalars; k++) {
        const ftl_vm_scalar *s = &a->scalars[k];
        const uint8_t *at = (const uint8_t *)env->slots[s->ref.slot] + s->ref.offset;
        int64_t place = ftl_dtype_get_int(s->dtype, at);
        if (place < -s->offset || place >= s->extent - s->offset)
            return false;
        *offset += (place + s->offset) * s->stride;
    }
    return true;
}

static void follow_accesses(const ftl_code *code, ftl_tile_state *t)
{
    const ftl_program *p = t->program;
    for (size_t i = 0; i < code->pointers.len; i++) {
        uint16_t k = code->pointers.data[i];
        const ftl_access *a = &p->accesses.data[p->pointers.data[k].access];
        int64_t offset = a->ref.offset;
        for (uint32_t x = 0; x < p->n_axes; x++)
            offset += a->stride[x] * t->position[x];
        if (a->n_scalars > 0 && !add_scalars(a, t->env, &offset))
            t->pointer[k] = NULL;
        else
            t->pointer[k] = (uint8_t *)t->env->slots[a->ref.slot] + offset;
    }
}

/* Registers and constants stay where they are; rows of a register are as long as the tile. */
static void set_pointers(ftl_tile_state *t)
{
    const ftl_program *p = t->program;
    for (size_t k = 0; k < p->pointers.len; k++) {
        const ftl_pointer *x = &p->pointers.data[k];
        t->step[k] = 0;
        if (x->kind == FTL_POINTER_REGISTER)
            t->pointer[k] = t->scratch + x->offset;
        else if (x->kind == FTL_POINTER_CONST)
            t->pointer[k] = p->constants + x->offset;
        else if (p->rows >= 0)
            t->step[k] = p->accesses.data[x->access].stride[p->rows];
    }
}

static void set_steps(ftl_tile_state *t)
{
    const ftl_program *p = t->program;
    for (size_t k = 0; k < p->pointers.len; k++) {
        const ftl_pointer *x = &p->pointers.data[k];
        if (x->kind != FTL_POINTER_REGISTER || !(x->shape & FTL_VM_ROWS))
            continue;
        int64_t n = x->shape & FTL_VM_COLS ? t->cols : 1;
        t->step[k] = n * (int64_t)ftl_vm_get_size(x->type);
    }
}

static void set_tile(ftl_tile_state *t, int64_t rows, int64_t cols)
{
    bool is_new = t->cols != cols;
    t->rows = rows;
    t->cols = cols;
    if (is_new)
        set_steps(t);
}

/* ---- code ---- */

static void run_code(const ftl_code *code, ftl_tile_state *t)
{
    follow_accesses(code, t);
    for (size_t i = 0; i < code->instrs.len; i++)
        code->instrs.data[i].run(&code->instrs.data[i], t);
}

static size_t count_sum(const ftl_vm_sum *sum, const ftl_tile_state *t)
{
    if (sum->shape & FTL_VM_COLS)
        return (size_t)t->cols;
    return sum->shape & FTL_VM_ROWS ? (size_t)t->rows : 1;
}

static void start_sums(ftl_tile_state *t, uint32_t pass)
{
    const ftl_program *p = t->program;
    for (size_t i = 0; i < p->sums.len; i++)
        if (p->sums.data[i].pass == pass)
            ftl_vm_start_sum(&p->sums.data[i], t->pointer[p->sums.data[i].pointer],
                             count_sum(&p->sums.data[i], t));
}

/* ---- visits ---- */

static int64_t count_tiles(int64_t extent, int64_t tile)
{
    return (extent + tile - 1) / tile;
}

static int64_t get_extent(const ftl_program *p, int32_t axis)
{
    return axis >= 0 ? p->extent[axis] : 1;
}

/* Places the range `i` of a side and gives its length. */
static int64_t place_side(ftl_tile_state *t, int32_t axis, int64_t tile, int64_t i)
{
    if (axis < 0)
        return 1;
    int64_t rest = t->program->extent[axis] - i * tile;
    t->position[axis] = i * tile;
    return rest < tile ? rest : tile;
}

static void place_axes(ftl_tile_state *t, uint32_t first, uint32_t n, int64_t place)
{
    for (uint32_t a = first + n; a-- > first;) {
        t->position[a] = place % t->program->extent[a];
        place /= t->program->extent[a];
    }
}

static void place_kept(ftl_tile_state *t)
{
    const ftl_program *p = t->program;
    for (size_t i = 0; i < p->kept.len; i++) {
        const ftl_pointer *x = &p->pointers.data[p->kept.data[i]];
        t->pointer[p->kept.data[i]] = t->scratch + x->offset +
                                      (size_t)t->position[p->cols] * ftl_vm_get_size(x->type);
    }
}

static void place_visit(ftl_tile_state *t, int64_t visit)
{
    const ftl_program *p = t->program;
    int64_t rows = t->rows, cols = t->cols;
    if (p->cols_reduced) {
        int64_t n = count_tiles(get_extent(p, p->cols), p->tile_cols);
        cols = place_side(t, p->cols, p->tile_cols, visit % n);
        visit /= n;
    }
    if (p->rows_reduced) {
        int64_t n = count_tiles(get_extent(p, p->rows), p->tile_rows);
        rows = place_side(t, p->rows, p->tile_rows, visit % n);
        visit /= n;
    }
    place_axes(t, p->n_outer, p->n_inner, visit);
    set_tile(t, rows, cols);
    place_kept(t);
}

/* ---- reading ahead ----
 * While a tile is computed, what the next one reads comes nearer, a part before each instruction:
 * all at once would fill the queue of the memory. Where a unit's data stay in the cache from pass
 * to pass, the last pass fetches the next unit's. The last tile fetches what lies behind the
 * tensor: a prefetch of nothing does nothing. A single instruction reads faster than this does. */

enum { LINE = 64 };

typedef struct ahead {
    uint32_t n;
    uintptr_t from[FTL_VM_MAX_AHEAD];
    size_t bytes[FTL_VM_MAX_AHEAD];
} ahead;

static void place_ahead(const ftl_tile_state *t, ahead *to)
{
    const ftl_program *p = t->program;
    to->n = p->n_ahead;
    for (uint32_t k = 0; k < p->n_ahead; k++) {
        const ftl_access *a = &p->accesses.data[p->ahead[k]];
        int64_t size = (int64_t)ftl_dtype_get_size(a->dtype), offset = a->ref.offset;
        for (uint32_t x = 0; x < p->n_axes; x++)
            offset += a->stride[x] * t->position[x];
        to->bytes[k] = (size_t)(t->rows * t->cols * size);
        offset += p->is_keeping ? p->extent[p->cols] * size : (int64_t)to->bytes[k];
        to->from[k] = (uintptr_t)t->env->slots[a->ref.slot] + (uintptr_t)offset;
    }
}

static void fetch_part(const ahead *a, size_t i, size_t n)
{
    for (uint32_t k = 0; k < a->n; k++) {
        size_t end = a->bytes[k] * (i + 1) / n;
        for (size_t at = a->bytes[k] * i / n & ~(size_t)(LINE - 1); at < end; at += LINE)
            __builtin_prefetch((const void *)(a->from[k] + at), 0, 3);
    }
}

static void run_code_ahead(const ftl_code *code, ftl_tile_state *t)
{
    ahead next;
    place_ahead(t, &next);
    follow_accesses(code, t);
    for (size_t i = 0; i < code->instrs.len; i++) {
        fetch_part(&next, i, code->instrs.len);
        code->instrs.data[i].run(&code->instrs.data[i], t);
    }
}

static bool is_pass_ahead(const ftl_program *p, uint32_t pass)
{
    return p->n_ahead > 0 && p->body[pass].instrs.len > 1 &&
           (pass + 1 == p->n_passes || !(p->is_single || p->is_keeping));
}

static void run_pass(ftl_tile_state *t, uint32_t pass, int64_t from, int64_t to)
{
    const ftl_code *code = &t->program->body[pass];
    bool is_ahead = is_pass_ahead(t->program, pass);
    for (int64_t v = from; v < to; v++) {
        place_visit(t, v);
        if (is_ahead)
            run_code_ahead(code, t);
        else
            run_code(code, t);
    }
}

static void run_passes(ftl_tile_state *t)
{
    const ftl_program *p = t->program;
    run_code(&p->head[0], t);
    for (uint32_t pass = 0; pass < p->n_passes; pass++) {
        start_sums(t, pass);
        run_pass(t, pass, 0, p->n_visits);
        run_code(&p->head[pass + 1], t);
    }
}

static void place_unit(ftl_tile_state *t, int64_t unit)
{
    const ftl_program *p = t->program;
    int64_t rows = p->tile_rows, cols = p->tile_cols;
    t->unit = unit;
    if (p->cols >= 0 && !p->cols_reduced) {
        int64_t n = count_tiles(p->extent[p->cols], p->tile_cols);
        cols = place_side(t, p->cols, p->tile_cols, unit % n);
        unit /= n;
    }
    if (p->rows >= 0 && !p->rows_reduced) {
        int64_t n = count_tiles(p->extent[p->rows], p->tile_rows);
        rows = place_side(t, p->rows, p->tile_rows, unit % n);
        unit /= n;
    }
    place_axes(t, 0, p->n_outer, unit);
    set_tile(t, rows, cols);
}

/* ---- workers ---- */

/* The state's arrays lie behind the registers in the worker's scratch. */
static void init_state(ftl_tile_state *t, const ftl_program *p, const ftl_vm_env *env,
                       unsigned worker)
{
    uint8_t *at = env->scratch + worker * env->scratch_step;
    *t = (ftl_tile_state){.program = p, .env = env, .scratch = at, .cols = -1};
    t->failure = &env->failures[worker];
    at += p->scratch - (p->n_axes + 1) * sizeof(int64_t) -
          p->pointers.len * (sizeof(uint8_t *) + sizeof(int64_t));
    t->position = (int64_t *)(void *)at;
    memset(t->position, 0, (p->n_axes + 1) * sizeof(int64_t));
    t->step = t->position + p->n_axes + 1;
    t->pointer = (uint8_t **)(void *)(t->step + p->pointers.len);
    set_pointers(t);
}

typedef struct job {
    const ftl_program *program;
    const ftl_vm_env *env;
    int64_t unit;    /* the split one */
    size_t n_tasks;
    uint8_t *parts;  /* sums of each task of a split unit */
} job;

static void run_units(void *ctx, size_t task, unsigned worker)
{
    const job *j = ctx;
    ftl_tile_state t;
    int64_t n = j->program->n_units, tasks = (int64_t)j->n_tasks, i = (int64_t)task;
    int64_t from = n / tasks * i + (n % tasks < i ? n % tasks : i);
    int64_t to = from + n / tasks + (i < n % tasks);
    init_state(&t, j->program, j->env, worker);
    for (int64_t u = from; u < to && !t.failure->at; u++) {
        place_unit(&t, u);
        run_passes(&t);
    }
    if (j->program->is_streaming)
        j->env->kernels->fence();
}

/* ---- one unit by many workers: a single pass whose visits are shared out ---- */

static void run_part(void *ctx, size_t task, unsigned worker)
{
    const job *j = ctx;
    const ftl_program *p = j->program;
    ftl_tile_state t;
    int64_t n = p->n_visits, tasks = (int64_t)j->n_tasks, i = (int64_t)task;
    init_state(&t, p, j->env, worker);
    place_unit(&t, j->unit);
    run_code(&p->head[0], &t);
    start_sums(&t, 0);
    run_pass(&t, 0, n * i / tasks, n * (i + 1) / tasks);
    memcpy(j->parts + task * p->sum_bytes, t.scratch, p->sum_bytes);
}

static void run_split(const ftl_program *p, const ftl_vm_env *env, size_t n_tasks)
{
    for (int64_t u = 0; u < p->n_units; u++) {
        job j = {p, env, u, n_tasks, env->scratch + ftl_pool_get_size(env->pool) *
                                                        env->scratch_step};
        ftl_tile_state t;
        ftl_pool_run(env->pool, n_tasks, run_part, &j);
        init_state(&t, p, env, 0);
        place_unit(&t, u);
        run_code(&p->head[0], &t);
        memcpy(t.scratch, j.parts, p->sum_bytes);
        for (size_t i = 1; i < n_tasks; i++) {
            for (size_t k = 0; k < p->sums.len; k++) {
                const ftl_vm_sum *sum = &p->sums.data[k];
                size_t at = p->pointers.data[sum->pointer].offset;
                ftl_vm_join_sum(sum, t.scratch + at, j.parts + i * p->sum_bytes + at,
                                count_sum(sum, &t));
            }
        }
        run_code(&p->head[1], &t);
    }
}

enum { TASKS_A_THREAD = 4 };
static const double PARALLEL_SECONDS = 20e-6;

void ftl_vm_run(const ftl_program *p, const ftl_vm_env *env)
{
    size_t threads = ftl_pool_get_size(env->pool);
    job j = {p, env, 0, 1, NULL};
    if (p->n_units == 0)
        return;
    if (threads == 1 || p->seconds < PARALLEL_SECONDS) {
        run_units(&j, 0, 0);
        return;
    }
    if (p->n_units < (int64_t)threads && p->n_passes == 1 && p->sums.len > 0 &&
        p->n_visits >= (int64_t)threads) {
        run_split(p, env, threads);
        return;
    }
    j.n_tasks = threads * TASKS_A_THREAD;
    if (p->n_units < (int64_t)j.n_tasks)
        j.n_tasks = (size_t)p->n_units;
    ftl_pool_run(env->pool, j.n_tasks, run_units, &j);
}

void ftl_vm_run_box(const ftl_program *p, const ftl_vm_env *env, const ftl_vm_box *box)
{
    ftl_tile_state t;
    int64_t row0 = p->rows >= 0 ? box->position[p->rows] : 0;
    int64_t col0 = p->cols >= 0 ? box->position[p->cols] : 0;
    init_state(&t, p, env, box->worker);
    memcpy(t.position, box->position, p->n_axes * sizeof(int64_t));
    for (int64_t r = 0; r < box->rows; r += p->tile_rows) {
        for (int64_t c = 0; c < box->cols; c += p->tile_cols) {
            if (p->rows >= 0)
                t.position[p->rows] = row0 + r;
            if (p->cols >= 0)
                t.position[p->cols] = col0 + c;
            set_tile(&t, box->rows - r < p->tile_rows ? box->rows - r : p->tile_rows,
                     box->cols - c < p->tile_cols ? box->cols - c : p->tile_cols);
            run_code(&p->body[0], &t);
        }
    }
}
