/* SPDX-License-Identifier: Apache-2.0
 *
 * Planning of products: a method is chosen, out is cut into tasks.
 */
#include "backend/native/gemm_plan.h"
#include "base/dtype.h"

#include <stdio.h>

/* ---- method ---- */

static int64_t magnitude(int64_t x)
{
    return x < 0 ? -x : x;
}

static int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t round_up(int64_t a, int64_t b)
{
    return divide_up(a, b) * b;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When one vector of columns remains for the last panel, the last two panels share evenly. */
static void set_panels(ftl_gemm *p)
{
    int64_t lanes = p->table->lanes;
    p->panel_cols = p->table->vectors * lanes;
    p->panel_count = divide_up(p->cols.count, p->panel_cols);
    p->padded_cols = round_up(p->cols.count, lanes);
    bool is_short = p->panel_count > 1 && p->padded_cols % p->panel_cols == lanes;
    p->tail_shift = is_short ? lanes : 0;
}

int64_t ftl_gemm_get_panel_start(const ftl_gemm *p, int64_t i)
{
    if (i >= p->panel_count)
        return p->cols.count;
    return i * p->panel_cols - (i == p->panel_count - 1 ? p->tail_shift : 0);
}

gemm_panel ftl_gemm_get_panel(const ftl_gemm *p, int64_t i)
{
    gemm_panel c = {.col = ftl_gemm_get_panel_start(p, i)};
    bool is_last = i == p->panel_count - 1;
    c.n = ftl_gemm_get_panel_start(p, i + 1) - c.col;
    c.width = is_last ? p->padded_cols - c.col : c.n;
    return c;
}

/* Below these a run is one thread's: handing out work costs some microseconds. */
#define PARALLEL_FLOPS 4e6
#define PARALLEL_BYTES 1e6
#define TASK_FLOPS 2e6
enum {
    TASKS_PER_THREAD = 3,
    DOT_MAX_ROWS = 4,
    REGION_MAX_ROWS = 512,    /* that a hook finds in the cache */
    REGION_MOST_ROWS = 1024,  /* without a hook, of a left operand that is read in place */
    BATCH_MIN_RUN = 64,       /* axes this long are worth a product of their own */
    DIRECT_BYTES = 512 << 10, /* of right, read in place over and over */
    PANELS_BYTES = 256 << 10, /* of all panels of a region, to go by rows of tiles */
    ROW_ORDER_DEPTH = 32,     /* so few products for each element that writing out counts most */
    TILES_PER_THREAD = 2,     /* with fewer, k is cut into parts, */
    PART_LEAST = 1024,        /* of so many places at least */
    ROW_ORDER_COLS = 4096,    /* whose places in out are listed */
    STREAM_DEPTH = 128        /* of a pass when right comes from memory and is used once or twice */
};

static double get_flops(const ftl_gemm *p)
{
    return 2.0 * (double)p->rows.count * (double)p->cols.count * (double)p->inner.count *
           (double)p->batch.count;
}

static double get_right_bytes(const ftl_gemm *p)
{
    return (double)p->cols.count * (double)p->inner.count * (double)p->ab_size;
}

static gemm_method choose_method(const ftl_gemm *p)
{
    bool is_plain = p->ab_size == p->size && p->alpha == 1 && p->beta == 0 && p->inner.count > 0;
    bool is_uniform = ftl_gemm_is_uniform(&p->cols) && ftl_gemm_is_uniform(&p->inner);
    int64_t left_k = ftl_gemm_get_step(&p->inner, LEFT);
    int64_t right_k = ftl_gemm_get_step(&p->inner, RIGHT);
    if (!is_plain || !is_uniform || p->is_right_packed)
        return METHOD_TILES;
    if (p->rows.count == 1 && p->cols.count == 1)
        return METHOD_PAIRS;
    if (p->rows.count <= DOT_MAX_ROWS && left_k == 1 && right_k == 1)
        return METHOD_DOT;
    if (p->rows.count == 1 && left_k == 1 && ftl_gemm_get_step(&p->cols, RIGHT) == 1 &&
        ftl_gemm_get_step(&p->cols, OUT) == 1 && get_right_bytes(p) > DIRECT_BYTES)
        return METHOD_ADD;
    return METHOD_TILES;
}

static bool can_use_blas(const ftl_gemm *p)
{
    const gemm_axes *rows = &p->rows, *cols = &p->cols, *inner = &p->inner;
    ftl_blas_product product = ftl_gemm_get_blas_product(p);
    return p->ab_size == p->size && !p->is_right_packed && inner->count > 0 &&
           ftl_gemm_is_even(rows, LEFT) && ftl_gemm_is_even(rows, OUT) &&
           ftl_gemm_is_even(cols, RIGHT) && ftl_gemm_is_even(cols, OUT) &&
           ftl_gemm_is_even(inner, LEFT) && ftl_gemm_is_even(inner, RIGHT) &&
           (cols->count <= 1 || ftl_gemm_get_step(cols, OUT) == 1) && ftl_blas_can_run(&product);
}

/* ---- tasks ---- */

static int64_t count_wanted_tasks(const ftl_gemm *p)
{
    double flops = get_flops(p), bytes = get_right_bytes(p) * (double)p->batch.count;
    if (p->workers == 1 || (flops < PARALLEL_FLOPS && bytes < PARALLEL_BYTES))
        return 1;
    double by_size = flops < TASK_FLOPS * p->workers ? p->workers : flops / TASK_FLOPS;
    double most = (double)p->workers * TASKS_PER_THREAD;
    return (int64_t)(by_size < most ? by_size : most);
}

/* The time of a grid in units of its arithmetic: the slowest thread's share, padding and packing.
 */
static double rate_grid(const ftl_gemm *p, int64_t grid_rows, int64_t grid_cols)
{
    double region_rows = (double)(divide_up(divide_up(p->rows.count, p->table->rows), grid_rows) *
                                  p->table->rows);
    double region_cols = (double)(divide_up(divide_up(p->cols.count, p->panel_cols), grid_cols) *
                                  p->panel_cols);
    double tasks = (double)(grid_rows * grid_cols * p->batch.count);
    double rounds = (double)divide_up((int64_t)tasks, p->workers);
    double packing = (p->is_left_direct ? 0 : 8 / region_cols) +
                     (p->is_right_direct || p->is_right_packed ? 0 : 8 / region_rows);
    return rounds * region_rows * region_cols * (1 + packing);
}

static void choose_grid(ftl_gemm *p, int64_t wanted)
{
    int64_t row_panels = divide_up(p->rows.count, p->table->rows);
    int64_t col_panels = p->panel_count;
    int64_t most = p->has_hook || !p->is_left_direct ? REGION_MAX_ROWS : REGION_MOST_ROWS;
    int64_t least_rows = divide_up(p->rows.count, most), best_rows = 1, best_cols = 1;
    double best = -1;
    wanted = divide_up(wanted, p->batch.count);
    for (int64_t r = least_rows; r <= row_panels && r <= least_rows + wanted; r++) {
        int64_t c = least(divide_up(wanted, r), col_panels);
        double rate = rate_grid(p, r, c);
        if (best < 0 || rate < best)
            best = rate, best_rows = r, best_cols = c;
    }
    p->region_rows = divide_up(row_panels, best_rows) * p->table->rows;
    p->region_units = divide_up(col_panels, best_cols);
}

static void plan_operands(ftl_gemm *p)
{
    int64_t left_row = ftl_gemm_get_step(&p->rows, LEFT);
    int64_t left_k = ftl_gemm_get_step(&p->inner, LEFT);
    int64_t right_k = ftl_gemm_get_step(&p->inner, RIGHT);
    bool is_plain = p->ab_size == p->size;
    bool is_near = p->depth * magnitude(right_k) * (int64_t)p->size <= DIRECT_BYTES;
    p->is_left_direct = is_plain && ftl_gemm_is_even(&p->rows, LEFT) &&
                        ftl_gemm_is_even(&p->inner, LEFT) &&
                        (left_k == 1 || left_row != 1 || p->cols.count < 2 * p->panel_cols);
    p->is_right_direct = is_plain && !p->is_right_packed &&
                         ftl_gemm_is_even(&p->cols, RIGHT) && ftl_gemm_is_even(&p->inner, RIGHT) &&
                         ftl_gemm_get_step(&p->cols, RIGHT) == 1 &&
                         (is_near || p->rows.count <= 2 * p->table->rows);
    if (p->is_right_direct && !is_near && p->depth > STREAM_DEPTH)
        p->depth = STREAM_DEPTH;
}

/* More threads than tiles: k is cut. */
static void plan_parts(ftl_gemm *p)
{
    int64_t tiles = divide_up(p->rows.count, p->table->rows) * p->panel_count;
    p->parts = 1;
    if (p->workers == 1 || p->batch.count != 1 || tiles >= TILES_PER_THREAD * p->workers ||
        p->inner.count < PART_LEAST * p->workers || count_wanted_tasks(p) == 1)
        return;
    p->part_depth = round_up(divide_up(p->inner.count, p->workers), 8);
    p->parts = divide_up(p->inner.count, p->part_depth);
    p->part_bytes = (size_t)round_up(p->rows.count * p->padded_cols * (int64_t)p->size, 64);
    p->region_rows = round_up(p->rows.count, p->table->rows);
    p->region_units = p->panel_count;
}

static size_t get_right_room(const ftl_gemm *p)
{
    int64_t panels = p->is_row_order ? p->region_units : 1;
    if (p->is_right_packed || (p->is_right_direct && p->cols.count % p->table->lanes == 0))
        return 0;
    return (size_t)round_up(panels * p->panel_cols * p->depth * (int64_t)p->size, 64);
}

/* Lists of places: of k in both operands, of rows and columns in out. */
static size_t get_list_room(const ftl_gemm *p)
{
    int64_t cols = p->is_row_order || p->parts > 1 ? p->region_units * p->panel_cols
                                                   : p->panel_cols;
    bool is_plain = p->is_out_plain && p->cols.count % p->table->lanes == 0 && p->parts == 1;
    int64_t n = (p->is_left_direct ? 0 : p->depth) + (p->is_right_direct ? 0 : p->depth) +
                (is_plain ? 0 : p->region_rows + cols);
    return (size_t)round_up(n * (int64_t)sizeof(int64_t), 64);
}

static void plan_tiles(ftl_gemm *p)
{
    const int64_t most = p->size == 4 ? 768 : 512;
    int64_t passes = divide_up(p->inner.count, most);
    p->depth = passes > 1 ? round_up(divide_up(p->inner.count, passes), 8) : p->inner.count;
    set_panels(p);
    plan_operands(p);
    choose_grid(p, count_wanted_tasks(p));
    plan_parts(p);
    p->is_row_order = p->depth <= ROW_ORDER_DEPTH &&
                      p->region_units * p->panel_cols <= ROW_ORDER_COLS &&
                      p->region_units * p->panel_cols * p->depth * (int64_t)p->size <= PANELS_BYTES;
    p->is_out_plain = ftl_gemm_is_even(&p->rows, OUT) && ftl_gemm_is_even(&p->cols, OUT) &&
                      ftl_gemm_get_step(&p->cols, OUT) == 1;
    size_t left_rows = p->is_left_direct ? 0 : (size_t)p->region_rows;
    p->left_bytes = (size_t)round_up((int64_t)left_rows * p->depth * (int64_t)p->size, 64);
    p->list_at = p->left_bytes + get_right_room(p);
    p->worker_bytes = p->list_at + get_list_room(p);
}

static void plan_vectors(ftl_gemm *p)
{
    int64_t wanted = divide_up(count_wanted_tasks(p), p->batch.count);
    p->unit = 64 / (int64_t)p->size;
    p->region_rows = p->rows.count;
    p->region_units = divide_up(divide_up(p->cols.count, p->unit), wanted);
    if (p->method == METHOD_DOT && p->rows.count > 1) {
        int64_t near = DIRECT_BYTES / 2 / (p->inner.count * (int64_t)p->size) / p->unit;
        p->region_units = least(p->region_units, near + 1);
    }
}

/* One task: the library has threads of its own. */
static void plan_blas(ftl_gemm *p)
{
    p->workers = 1;
    p->unit = p->cols.count;
    p->region_rows = p->rows.count;
    p->region_units = 1;
}

static void plan_tasks(ftl_gemm *p)
{
    if (p->method == METHOD_TILES)
        plan_tiles(p);
    else if (p->method == METHOD_BLAS)
        plan_blas(p);
    else
        plan_vectors(p);
    p->grid_rows = divide_up(p->rows.count, p->region_rows);
    int64_t units = p->method == METHOD_TILES ? p->panel_count
                                              : divide_up(p->cols.count, p->unit);
    p->grid_cols = divide_up(units, p->region_units);
    int64_t wanted = divide_up(count_wanted_tasks(p), p->grid_rows * p->grid_cols);
    p->batch_part = divide_up(p->batch.count, least(wanted, p->batch.count));
    p->tasks = p->grid_rows * p->grid_cols * divide_up(p->batch.count, p->batch_part);
    p->tasks = p->parts > 1 ? p->parts : p->tasks;
    p->workers = p->tasks > 1 ? p->workers : 1;
}

static void describe(ftl_gemm *p, ftl_isa isa)
{
    static const char *const names[] = {"tiles", "dots", "scaled rows", "sums of products"};
    if (p->method == METHOD_BLAS) {
        snprintf(p->text, sizeof p->text, "cblas");
        return;
    }
    if (p->parts > 1) {
        snprintf(p->text, sizeof p->text, "tiles, %s, %lld parts of k", ftl_isa_get_name(isa),
                 (long long)p->parts);
        return;
    }
    snprintf(p->text, sizeof p->text, "%s, %s, %lld tasks", names[p->method], ftl_isa_get_name(isa),
             (long long)p->tasks);
}

/* ---- interface ---- */

size_t ftl_gemm_get_plan_size(const ftl_gemm_spec *spec)
{
    return sizeof(ftl_gemm) + spec->n_axes * sizeof(gemm_axis);
}

static bool is_sound(const ftl_gemm *p)
{
    int64_t out, left, right;
    return !__builtin_mul_overflow(p->rows.count, p->cols.count, &out) &&
           !__builtin_mul_overflow(out, p->batch.count, &out) &&
           !__builtin_mul_overflow(p->rows.count, p->inner.count, &left) &&
           !__builtin_mul_overflow(p->cols.count, p->inner.count, &right) &&
           out <= INT64_MAX / 64 && left <= INT64_MAX / 64 && right <= INT64_MAX / 64;
}

static bool can_hook(const ftl_gemm *p)
{
    int64_t step = ftl_gemm_get_step(&p->cols, OUT);
    return ftl_gemm_is_even(&p->rows, OUT) && ftl_gemm_is_even(&p->cols, OUT) &&
           (step == 1 || p->cols.count <= 1);
}

static bool has_dtypes(const ftl_gemm_spec *spec)
{
    if (spec->ab == FTL_DTYPE_F64)
        return spec->c == FTL_DTYPE_F64;
    return spec->c == FTL_DTYPE_F32 && ftl_dtype_is_float(spec->ab);
}

ftl_status ftl_gemm_init(ftl_gemm *p, const ftl_gemm_spec *spec, const ftl_gemm_env *env)
{
    assert(spec->n_axes <= FTL_GEMM_MAX_AXES);
    if (!has_dtypes(spec))
        return FTL_ERR_UNSUPPORTED;
    memset(p, 0, sizeof *p);
    p->ab = spec->ab;
    p->ab_size = ftl_dtype_get_size(spec->ab);
    p->size = ftl_dtype_get_size(spec->c);
    p->tile = ftl_tile_get(spec->c);
    p->table = p->size == 4 ? env->kernels->gemm->f32 : env->kernels->gemm->f64;
    p->alpha = spec->alpha, p->beta = spec->beta;
    p->is_right_packed = spec->is_b_packed;
    p->has_hook = spec->has_hook;
    p->workers = ftl_pool_get_size(env->pool);
    if (!ftl_gemm_collect_axes(p, spec) || !is_sound(p))
        return FTL_ERR_UNSUPPORTED;
    if (spec->has_hook && !can_hook(p))
        return FTL_ERR_UNSUPPORTED;
    if (!spec->has_hook && p->cols.n > 1 && p->cols.count > 0 &&
        p->cols.axis[p->cols.n - 1].extent >= BATCH_MIN_RUN)
        ftl_gemm_move_to_batch(p);
    p->method = choose_method(p);
    if (env->blas && p->method == METHOD_TILES && can_use_blas(p))
        p->method = METHOD_BLAS;
    if (p->rows.count > 0 && p->cols.count > 0 && p->batch.count > 0)
        plan_tasks(p);
    describe(p, env->kernels->isa);
    return FTL_OK;
}

size_t ftl_gemm_get_scratch(const ftl_gemm *plan)
{
    return plan->workers * plan->worker_bytes + (size_t)plan->parts * plan->part_bytes;
}

const char *ftl_gemm_get_text(const ftl_gemm *plan)
{
    return plan->text;
}

/* ---- running ---- */

void ftl_gemm_call_hook(const gemm_region *region, const int64_t start[2], const int64_t extent[2])
{
    const gemm_run *run = region->run;
    const ftl_gemm *p = run->plan;
    if (!run->hook)
        return;
    int64_t row_step = ftl_gemm_get_step(&p->rows, OUT);
    ftl_gemm_block block = {
        .c = region->out + (start[0] * row_step + start[1]) * (int64_t)p->size,
        .rows = extent[0], .cols = extent[1], .row_stride = row_step,
        .row = start[0], .col = start[1], .batch = region->batch,
        .is_transposed = p->is_swapped, .worker = region->worker,
    };
    run->hook(run->hook_ctx, &block);
}

static const char *get_left(const gemm_run *run, int64_t batch)
{
    int64_t offset = ftl_gemm_get_offset(&run->plan->batch, LEFT, batch);
    return run->left + offset * (int64_t)run->plan->ab_size;
}

static const char *get_right(const gemm_run *run, int64_t batch)
{
    const ftl_gemm *p = run->plan;
    if (p->is_right_packed) {
        return run->right + batch * p->padded_cols * p->inner.count * (int64_t)p->size;
    }
    return run->right + ftl_gemm_get_offset(&p->batch, RIGHT, batch) * (int64_t)p->ab_size;
}

static void set_columns(gemm_region *g, int64_t unit)
{
    const ftl_gemm *p = g->run->plan;
    int64_t end = unit + p->region_units;
    if (p->method == METHOD_TILES) {
        g->panel = unit;
        g->panels = least(p->region_units, p->panel_count - unit);
        g->col = ftl_gemm_get_panel_start(p, unit);
        g->cols = ftl_gemm_get_panel_start(p, end) - g->col;
    } else {
        g->col = unit * p->unit;
        g->cols = least(end * p->unit, p->cols.count) - g->col;
    }
}

static void run_task(void *ctx, size_t task, unsigned worker)
{
    static void (*const methods[])(const gemm_region *) = {
        [METHOD_TILES] = ftl_gemm_run_tiles, [METHOD_DOT] = ftl_gemm_run_dots,
        [METHOD_ADD] = ftl_gemm_run_adds, [METHOD_PAIRS] = ftl_gemm_run_pair,
        [METHOD_BLAS] = ftl_gemm_run_blas};
    const gemm_run *run = ctx;
    const ftl_gemm *p = run->plan;
    int64_t i = (int64_t)task, unit = i % p->grid_cols * p->region_units;
    int64_t row = i / p->grid_cols % p->grid_rows * p->region_rows;
    int64_t first = i / (p->grid_cols * p->grid_rows) * p->batch_part;
    int64_t end = least(first + p->batch_part, p->batch.count);
    gemm_region region = {
        .run = run, .row = row, .rows = least(p->region_rows, p->rows.count - row),
        .scratch = run->scratch ? run->scratch + worker * p->worker_bytes : NULL,
        .worker = worker, .k_end = p->inner.count,
    };
    set_columns(&region, unit);
    for (region.batch = first; region.batch < end; region.batch++) {
        region.left = get_left(run, region.batch);
        region.right = get_right(run, region.batch);
        region.out = run->out + ftl_gemm_get_offset(&p->batch, OUT, region.batch) *
                                    (int64_t)p->size;
        methods[p->method](&region);
    }
}

/* All of out. */
static gemm_region get_whole(const gemm_run *run)
{
    const ftl_gemm *p = run->plan;
    return (gemm_region){.run = run, .rows = p->rows.count, .cols = p->cols.count,
                         .panels = p->panel_count, .left = run->left, .right = run->right,
                         .out = run->out, .k_end = p->inner.count};
}

static void run_part(void *ctx, size_t task, unsigned worker)
{
    const gemm_run *run = ctx;
    const ftl_gemm *p = run->plan;
    gemm_region region = get_whole(run);
    region.is_part = true;
    region.worker = worker;
    region.scratch = run->scratch + worker * p->worker_bytes;
    region.out = run->scratch + p->workers * p->worker_bytes + task * p->part_bytes;
    region.k = (int64_t)task * p->part_depth;
    region.k_end = least(region.k + p->part_depth, p->inner.count);
    ftl_gemm_run_tiles(&region);
}

static void run_parts(gemm_run *run, ftl_pool *pool)
{
    const ftl_gemm *p = run->plan;
    gemm_region region = get_whole(run);
    ftl_pool_run(pool, (size_t)p->parts, run_part, run);
    region.scratch = run->scratch;
    ftl_gemm_join_parts(&region, run->scratch + p->workers * p->worker_bytes);
}

void ftl_gemm_run(const ftl_gemm *plan, const ftl_gemm_env *env, const ftl_gemm_args *args)
{
    gemm_run run = {
        .plan = plan, .kernels = env->kernels, .blas = env->blas,
        .left = plan->is_swapped ? args->b : args->a,
        .right = plan->is_swapped ? args->a : args->b,
        .out = args->c, .scratch = args->scratch, .hook = args->hook, .hook_ctx = args->hook_ctx,
    };
    assert(plan->worker_bytes == 0 || args->scratch || plan->tasks == 0);
    if (plan->parts > 1)
        run_parts(&run, env->pool);
    else
        ftl_pool_run(plan->workers > 1 ? env->pool : NULL, (size_t)plan->tasks, run_task, &run);
}

/* ---- packed B ---- */

size_t ftl_gemm_get_packed_size(const ftl_gemm *p)
{
    if (p->method != METHOD_TILES || p->is_swapped || p->inner.count == 0)
        return 0;
    return (size_t)(p->batch.count * p->padded_cols * p->inner.count) * p->size;
}

static void pack_panel(void *ctx, size_t task, unsigned worker)
{
    (void)worker;
    const gemm_run *run = ctx;
    const ftl_gemm *p = run->plan;
    int64_t i = (int64_t)task, batch = i / p->panel_count;
    gemm_panel c = ftl_gemm_get_panel(p, i % p->panel_count);
    gemm_rectangle r = {
        .which = RIGHT, .n_k = p->inner.count, .i = c.col, .n_i = c.n,
        .data = run->right + ftl_gemm_get_offset(&p->batch, RIGHT, batch) * (int64_t)p->ab_size,
    };
    char *dst = run->out +
                (batch * p->padded_cols + c.col) * p->inner.count * (int64_t)p->size;
    ftl_gemm_pack_rectangle(run, &r, dst, c.width);
}

void ftl_gemm_pack(const ftl_gemm *plan, const ftl_gemm_env *env, void *packed, const void *b)
{
    assert(!plan->is_right_packed && ftl_gemm_get_packed_size(plan) > 0);
    gemm_run run = {.plan = plan, .kernels = env->kernels, .right = b, .out = packed};
    ftl_pool_run(env->pool, (size_t)(plan->panel_count * plan->batch.count), pack_panel, &run);
}
