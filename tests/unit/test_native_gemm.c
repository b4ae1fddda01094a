/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of random shapes, axis orders, strides, types, scales and threads, for every instruction
 * set that this machine runs, against plain loops in double.
 */
#include "backend/native/gemm.h"
#include "base/dtype.h"
#include "base/random.h"
#include "unit.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_WORK = 1000000 };

typedef struct tensor {
    ftl_dtype dtype;
    size_t count;
    char *data;
    double *values; /* as stored */
} tensor;

/* What belongs into the elements of C: sums of products and of their magnitudes. */
typedef struct sums {
    double *value, *magnitude;
    bool *is_written;
} sums;

typedef struct problem {
    ftl_gemm_spec spec;
    ftl_gemm_axis axes[FTL_GEMM_MAX_AXES];
    tensor a, b, c;
    sums want;
} problem;

static uint64_t draws;

static int64_t draw_below(int64_t bound)
{
    uint64_t x;
    ftl_random_fill_below((ftl_random){7, 1}, draws++, (uint64_t)bound, &x, 1);
    return (int64_t)x;
}

/* ---- tensors ---- */

static void make_tensor(tensor *t, ftl_dtype dtype, size_t count)
{
    t->dtype = dtype;
    t->count = count;
    t->data = malloc((count + 1) * ftl_dtype_get_size(dtype));
    t->values = malloc((count + 1) * sizeof *t->values);
    assert_true(t->data && t->values);
    ftl_random_fill_f64((ftl_random){8, draws++}, 0, t->values, count);
    for (size_t i = 0; i < count; i++)
        t->values[i] = t->values[i] * 2 - 1;
    ftl_dtype_convert(t->data, dtype, t->values, FTL_DTYPE_F64, count);
    ftl_dtype_convert(t->values, FTL_DTYPE_F64, t->data, dtype, count);
}

static void free_tensor(tensor *t)
{
    free(t->data);
    free(t->values);
}

static bool has_operand(ftl_gemm_role role, int operand)
{
    static const bool has[4][3] = {{true, false, true}, {false, true, true}, {true, true, false},
                                   {true, true, true}};
    return has[role][operand];
}

static int64_t *stride_of(ftl_gemm_axis *axis, int operand)
{
    return operand == 0 ? &axis->a : operand == 1 ? &axis->b : &axis->c;
}

/* Strides of one operand for a random order of its axes, now and then with gaps; its element
 * count. */
static size_t lay_out(problem *p, int operand, bool is_shuffled)
{
    uint32_t order[FTL_GEMM_MAX_AXES], n = 0;
    for (uint32_t i = 0; i < p->spec.n_axes; i++)
        if (has_operand(p->axes[i].role, operand))
            order[n++] = i;
    for (uint32_t i = 0; is_shuffled && i + 1 < n; i++) {
        uint32_t j = i + (uint32_t)draw_below(n - i), swap = order[i];
        order[i] = order[j], order[j] = swap;
    }
    int64_t stride = is_shuffled && draw_below(8) == 0 ? 2 : 1;
    for (uint32_t i = n; i-- > 0;) {
        *stride_of(&p->axes[order[i]], operand) = stride;
        stride *= p->axes[order[i]].extent;
        stride += draw_below(6) == 0 ? 3 : 0;
    }
    return (size_t)(stride > 0 ? stride : 1);
}

/* ---- reference: adds every product, and every magnitude, at its place ---- */

static void add_products(const problem *p, uint32_t axis, const int64_t at[3], sums *s)
{
    if (axis == p->spec.n_axes) {
        double x = p->a.values[at[0]] * p->b.values[at[1]];
        s->value[at[2]] += x;
        s->magnitude[at[2]] += fabs(x);
        return;
    }
    const ftl_gemm_axis *ax = &p->axes[axis];
    for (int64_t i = 0; i < ax->extent; i++)
        add_products(p, axis + 1,
                     (int64_t[]){at[0] + i * (has_operand(ax->role, 0) ? ax->a : 0),
                                 at[1] + i * (has_operand(ax->role, 1) ? ax->b : 0),
                                 at[2] + i * (has_operand(ax->role, 2) ? ax->c : 0)},
                     s);
}

static void mark_written(const problem *p, uint32_t axis, int64_t at, sums *s)
{
    if (axis == p->spec.n_axes) {
        s->is_written[at] = true;
        return;
    }
    const ftl_gemm_axis *ax = &p->axes[axis];
    bool is_out = has_operand(ax->role, 2);
    for (int64_t i = 0; i < (is_out ? ax->extent : 1); i++)
        mark_written(p, axis + 1, at + (is_out ? i * ax->c : 0), s);
}

static void make_tensors(problem *p, bool is_shuffled)
{
    size_t count[3];
    for (int o = 0; o < 3; o++)
        count[o] = lay_out(p, o, is_shuffled);
    make_tensor(&p->a, p->spec.ab, count[0]);
    make_tensor(&p->b, p->spec.ab, count[1]);
    make_tensor(&p->c, p->spec.c, count[2]);
    p->want = (sums){calloc(count[2], sizeof(double)), calloc(count[2], sizeof(double)),
                     calloc(count[2], sizeof(bool))};
    assert_true(p->want.value && p->want.magnitude && p->want.is_written);
    add_products(p, 0, (int64_t[]){0, 0, 0}, &p->want);
    mark_written(p, 0, 0, &p->want);
}

static void free_problem(problem *p)
{
    free_tensor(&p->a);
    free_tensor(&p->b);
    free_tensor(&p->c);
    free(p->want.value);
    free(p->want.magnitude);
    free(p->want.is_written);
}

static void check_result(const problem *p, const char *text)
{
    const sums *s = &p->want;
    const size_t size = ftl_dtype_get_size(p->spec.c);
    const double eps = p->spec.c == FTL_DTYPE_F32 ? 4e-6 : 8e-15;
    for (size_t i = 0; i < p->c.count; i++) {
        double old = p->c.values[i], got = ftl_dtype_get_double(p->spec.c, p->c.data + i * size);
        double want = s->is_written[i] ? p->spec.alpha * s->value[i] + p->spec.beta * old : old;
        double bound = s->is_written[i] ? eps * (s->magnitude[i] + fabs(p->spec.beta * old)) : 0;
        bound += p->spec.has_hook ? 0.1 : 0;
        if (!(fabs(want - got) <= bound))
            fail_msg("%s: element %zu: want %.9g, got %.9g", text, i, want, got);
    }
}

/* ---- runs ---- */

static ftl_pool *pools[3]; /* of 1, 2 and 3 threads */

static ftl_blas blas;      /* tests/blas/count.c */
static int *calls, *count_is_wrong; /* in it */

/* The library lies beside the folder of this program. */
static const char *get_library(void)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 32);
    assert_true(n > 0);
    path[n] = 0;
    *strrchr(path, '/') = 0;
    strcpy(strrchr(path, '/'), "/libcount.so");
    return path;
}

static int open_blas(void)
{
    char message[256];
    if (ftl_blas_open(get_library(), &blas, message, sizeof message) != FTL_OK)
        return -1;
    calls = dlsym(blas.library, "count_calls");
    count_is_wrong = dlsym(blas.library, "count_is_wrong");
    return calls && count_is_wrong ? 0 : -1;
}

static int make_pools(void **state)
{
    (void)state;
    if (open_blas() != 0)
        return -1;
    for (unsigned i = 0; i < 3; i++)
        if (ftl_pool_new(ftl_allocator_get_default(), i + 1, &pools[i]) != FTL_OK)
            return -1;
    return 0;
}

static int free_pools(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        ftl_pool_free(pools[i]);
    ftl_blas_close(&blas);
    return 0;
}

static ftl_gemm *make_plan(const problem *p, const ftl_gemm_env *env)
{
    ftl_gemm *plan = malloc(ftl_gemm_get_plan_size(&p->spec));
    assert_non_null(plan);
    assert_int_equal(ftl_gemm_init(plan, &p->spec, env), FTL_OK);
    return plan;
}

static void run_plan(const ftl_gemm *plan, const ftl_gemm_env *env, const ftl_gemm_args *args)
{
    ftl_gemm_args with = *args;
    size_t size = ftl_gemm_get_scratch(plan);
    with.scratch = size ? aligned_alloc(64, (size + 63) / 64 * 64) : NULL;
    if (size)
        memset(with.scratch, 0xff, size);
    ftl_gemm_run(plan, env, &with);
    free(with.scratch);
}

static void reset_out(problem *p)
{
    ftl_dtype_convert(p->c.data, p->spec.c, p->c.values, FTL_DTYPE_F64, p->c.count);
}

static void check_problem(problem *p, const ftl_gemm_env *with)
{
    const ftl_gemm_env env = *with;
    ftl_gemm *plan = make_plan(p, &env);
    reset_out(p);
    run_plan(plan, &env, &(ftl_gemm_args){.a = p->a.data, .b = p->b.data, .c = p->c.data});
    check_result(p, ftl_gemm_get_text(plan));
    size_t size = ftl_gemm_get_packed_size(plan);
    if (size > 0) {
        void *packed = aligned_alloc(64, (size + 63) / 64 * 64);
        assert_non_null(packed);
        ftl_gemm_pack(plan, &env, packed, p->b.data);
        p->spec.is_b_packed = true;
        ftl_gemm *again = make_plan(p, &env);
        reset_out(p);
        run_plan(again, &env, &(ftl_gemm_args){.a = p->a.data, .b = packed, .c = p->c.data});
        check_result(p, "packed");
        p->spec.is_b_packed = false;
        free(again);
        free(packed);
    }
    free(plan);
}

static void check_everywhere(problem *p)
{
    for (int isa = 0; isa < FTL_ISA_COUNT; isa++) {
        const ftl_kernels *k = ftl_kernels_find((ftl_isa)isa);
        if (k)
            check_problem(p, &(ftl_gemm_env){.kernels = k, .pool = pools[draw_below(3)]});
    }
    check_problem(p, &(ftl_gemm_env){.kernels = ftl_kernels_get(), .blas = &blas});
}

/* ---- problems ---- */

static int64_t draw_extent(void)
{
    switch (draw_below(6)) {
    case 0: return 1;
    case 1: return 1 + draw_below(5);
    case 2: return 1 + draw_below(20);
    case 3: return 1 + draw_below(70);
    default: return 1 + draw_below(130);
    }
}

static bool is_too_large(const problem *p)
{
    double work = 1;
    for (uint32_t i = 0; i < p->spec.n_axes; i++)
        work *= (double)p->axes[i].extent;
    return work > MAX_WORK;
}

static void draw_problem(problem *p)
{
    static const ftl_dtype dtypes[] = {FTL_DTYPE_F32, FTL_DTYPE_F32, FTL_DTYPE_F64, FTL_DTYPE_F16,
                                       FTL_DTYPE_BF16};
    static const double scales[][2] = {{1, 0}, {1, 0}, {1, 1}, {-0.5, 0}, {2, 0.25}};
    memset(p, 0, sizeof *p);
    p->spec.axes = p->axes;
    p->spec.ab = dtypes[draw_below(5)];
    p->spec.c = p->spec.ab == FTL_DTYPE_F64 ? FTL_DTYPE_F64 : FTL_DTYPE_F32;
    int64_t scale = draw_below(5);
    p->spec.alpha = scales[scale][0], p->spec.beta = scales[scale][1];
    do {
        p->spec.n_axes = (uint32_t)draw_below(7);
        for (uint32_t i = 0; i < p->spec.n_axes; i++)
            p->axes[i] = (ftl_gemm_axis){.role = (ftl_gemm_role)draw_below(4),
                                         .extent = draw_extent()};
    } while (is_too_large(p));
}

/* Many axes of few places each, which seldom follow each other in memory. */
static void draw_short_problem(problem *p)
{
    draw_problem(p);
    do {
        p->spec.n_axes = 6 + (uint32_t)draw_below(12);
        for (uint32_t i = 0; i < p->spec.n_axes; i++)
            p->axes[i] = (ftl_gemm_axis){.role = (ftl_gemm_role)draw_below(draw_below(2) ? 3 : 4),
                                         .extent = 1 + draw_below(5)};
    } while (is_too_large(p));
}

static void test_short_axes(void **state)
{
    (void)state;
    for (int round = 0; round < (unit_is_full() ? 80 : 20); round++) {
        problem p;
        draw_short_problem(&p);
        make_tensors(&p, true);
        check_everywhere(&p);
        free_problem(&p);
    }
}

static void test_random_problems(void **state)
{
    (void)state;
    for (int round = 0; round < (unit_is_full() ? 120 : 30); round++) {
        problem p;
        draw_problem(&p);
        make_tensors(&p, true);
        check_everywhere(&p);
        free_problem(&p);
    }
}

static void make_matrix_problem(problem *p, ftl_dtype dtype, const int64_t mnk[3])
{
    memset(p, 0, sizeof *p);
    p->spec = (ftl_gemm_spec){.ab = dtype, .c = dtype == FTL_DTYPE_F64 ? dtype : FTL_DTYPE_F32,
                              .n_axes = 3, .axes = p->axes, .alpha = 1};
    for (int i = 0; i < 3; i++)
        p->axes[i] = (ftl_gemm_axis){.role = (ftl_gemm_role)i, .extent = mnk[i]};
}

/* Every edge of the register tiles, all orders of the operands' axes. */
static void test_edges(void **state)
{
    (void)state;
    const int64_t step = unit_is_full() ? 1 : 3;
    for (int64_t m = 1; m <= 18; m++)
        for (int64_t n = 1 + m % step; n <= 100; n += n < 18 ? step : 9 * step) {
            problem p;
            make_matrix_problem(&p, m % 4 == 3 ? FTL_DTYPE_F64 : FTL_DTYPE_F32,
                                (int64_t[]){m, n, 1 + (m * n) % 29});
            make_tensors(&p, n % 2 == 0);
            check_everywhere(&p);
            free_problem(&p);
        }
}

/* Several passes over k, several regions, vectors. */
static void test_large(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {
        {40, 50, 1700}, {1, 3000, 700}, {3000, 1, 700},  {1, 1, 50000},  {2, 300, 2000},
        {700, 30, 50},  {30, 700, 50},  {600, 100, 17},  {1, 700, 3001}, {4, 90, 5000},
        {9, 2000, 300}, {5, 40, 20000}, {17, 3, 9001},
    };
    for (size_t i = 0; i < FTL_COUNT(shapes); i++)
        for (int round = 0; round < 4; round++) {
            problem p;
            if (!unit_is_full() && (size_t)round != i % 4)
                continue;
            make_matrix_problem(&p, round == 3 ? FTL_DTYPE_F64 : FTL_DTYPE_F32, shapes[i]);
            make_tensors(&p, round > 0);
            check_everywhere(&p);
            free_problem(&p);
        }
}

/* Sums over nothing, and results of no element. */
static void test_empty(void **state)
{
    (void)state;
    for (int empty = 0; empty < 3; empty++)
        for (int beta = 0; beta < 2; beta++) {
            problem p;
            int64_t mnk[3] = {5, 6, 7};
            mnk[empty] = 0;
            make_matrix_problem(&p, FTL_DTYPE_F32, mnk);
            p.spec.beta = beta;
            make_tensors(&p, false);
            check_everywhere(&p);
            free_problem(&p);
        }
}

/* ---- the hook ---- */

/* axes: batch, rows, columns, inner. */
typedef struct hook_state {
    const problem *problem;
    bool is_transposed;
    uint8_t *seen; /* per element of C; blocks of one run are disjoint, so plain writes do */
} hook_state;

static float get_mark(int64_t row, int64_t col)
{
    return (float)row + 1000 * (float)col;
}

static void visit_block(void *ctx, const ftl_gemm_block *block)
{
    hook_state *s = ctx;
    const ftl_gemm_axis *axes = s->problem->axes;
    assert_int_equal(block->is_transposed, s->is_transposed);
    for (int64_t i = 0; i < block->rows; i++)
        for (int64_t j = 0; j < block->cols; j++) {
            int64_t place = block->batch * axes[0].c + (block->row + i) * axes[1].c +
                            (block->col + j) * axes[2].c;
            float *c = (float *)block->c + i * block->row_stride + j;
            bool is_wrong = c != (float *)(void *)s->problem->c.data + place || s->seen[place];
            s->seen[place] = is_wrong ? 2 : 1;
            *c += get_mark(block->row + i, block->col + j);
        }
}

/* Every element was in one block; takes the marks off again. */
static void check_marks(const hook_state *s)
{
    const ftl_gemm_axis *axes = s->problem->axes;
    float *c = (float *)(void *)s->problem->c.data;
    for (int64_t batch = 0; batch < axes[0].extent; batch++)
        for (int64_t i = 0; i < axes[1].extent; i++)
            for (int64_t j = 0; j < axes[2].extent; j++) {
                int64_t place = batch * axes[0].c + i * axes[1].c + j * axes[2].c;
                assert_int_equal(s->seen[place], 1);
                c[place] -= get_mark(i, j);
            }
}

static void check_hook(bool is_transposed, const int64_t extent[3], const ftl_gemm_env *with)
{
    problem p = {.axes = {{.role = FTL_GEMM_BATCH, .extent = 2},
                          {.role = is_transposed ? FTL_GEMM_N : FTL_GEMM_M, .extent = extent[0]},
                          {.role = is_transposed ? FTL_GEMM_M : FTL_GEMM_N, .extent = extent[1]},
                          {.role = FTL_GEMM_K, .extent = extent[2]}}};
    p.spec = (ftl_gemm_spec){.ab = FTL_DTYPE_F32, .c = FTL_DTYPE_F32, .n_axes = 4, .axes = p.axes,
                             .alpha = 1, .has_hook = true};
    make_tensors(&p, false);
    hook_state s = {.problem = &p, .is_transposed = is_transposed, .seen = calloc(p.c.count, 1)};
    assert_non_null(s.seen);
    const ftl_gemm_env env = *with;
    ftl_gemm *plan = make_plan(&p, &env);
    run_plan(plan, &env, &(ftl_gemm_args){.a = p.a.data, .b = p.b.data, .c = p.c.data,
                                          .hook = visit_block, .hook_ctx = &s});
    check_marks(&s);
    check_result(&p, "with a hook");
    free(s.seen);
    free(plan);
    free_problem(&p);
}

/* Rows are N where M has the step 1 of C; a single row or column is always a row. */
static void test_hook(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{40, 300, 20}, {600, 7, 900}, {600, 300, 0}, {3, 64, 40},
                                        {1, 500, 30}, {1, 1, 5}, {9, 20, 9000}};
    for (size_t i = 0; i < FTL_COUNT(shapes); i++)
        for (int threads = 0; threads < 4; threads++) {
            ftl_gemm_env env = {.kernels = ftl_kernels_get(), .pool = pools[threads % 3],
                                .blas = threads == 3 ? &blas : NULL};
            check_hook(false, shapes[i], &env);
            if (shapes[i][0] > 1 || shapes[i][1] > 1)
                check_hook(true, shapes[i], &env);
        }
}

static void test_refusals(void **state)
{
    (void)state;
    problem p;
    ftl_gemm_env env = {.kernels = ftl_kernels_get()};
    make_matrix_problem(&p, FTL_DTYPE_I32, (int64_t[]){4, 5, 6});
    ftl_gemm *plan = malloc(ftl_gemm_get_plan_size(&p.spec));
    assert_non_null(plan);
    assert_int_equal(ftl_gemm_init(plan, &p.spec, &env), FTL_ERR_UNSUPPORTED);
    make_matrix_problem(&p, FTL_DTYPE_F32, (int64_t[]){INT64_MAX / 2, 5, 6});
    assert_int_equal(ftl_gemm_init(plan, &p.spec, &env), FTL_ERR_UNSUPPORTED);
    make_matrix_problem(&p, FTL_DTYPE_F32, (int64_t[]){4, 5, 6});
    p.axes[0].c = 10, p.axes[1].c = 2;
    p.spec.has_hook = true;
    assert_int_equal(ftl_gemm_init(plan, &p.spec, &env), FTL_ERR_UNSUPPORTED);
    free(plan);
}

/* ---- a BLAS ---- */

/* How many calls of the library the problem took. */
static int count_calls(problem *p)
{
    int before = *calls;
    make_tensors(p, false);
    check_problem(p, &(ftl_gemm_env){.kernels = ftl_kernels_get(), .blas = &blas});
    free_problem(p);
    return *calls - before;
}

static void test_blas_gets_matrices(void **state)
{
    (void)state;
    problem p;
    for (int f64 = 0; f64 < 2; f64++) {
        make_matrix_problem(&p, f64 ? FTL_DTYPE_F64 : FTL_DTYPE_F32, (int64_t[]){5, 7, 9});
        assert_int_equal(count_calls(&p), 1);
        p.axes[p.spec.n_axes++] = (ftl_gemm_axis){.role = FTL_GEMM_BATCH, .extent = 4};
        p.spec.alpha = -0.5, p.spec.beta = 2;
        assert_true(count_calls(&p) % 4 == 0);
    }
    make_matrix_problem(&p, FTL_DTYPE_BF16, (int64_t[]){5, 7, 9});
    assert_int_equal(count_calls(&p), 0);
    make_matrix_problem(&p, FTL_DTYPE_F32, (int64_t[]){5, 7, 0});
    assert_int_equal(count_calls(&p), 0);
}

static void test_blas_refused(void **state)
{
    (void)state;
    char message[256];
    ftl_blas other;
    assert_int_equal(ftl_blas_open("/no/such/blas.so", &other, message, sizeof message),
                     FTL_ERR_USAGE);
    assert_non_null(strstr(message, "cannot be opened"));
    assert_int_equal(ftl_blas_open("libm.so.6", &other, message, sizeof message), FTL_ERR_USAGE);
    assert_non_null(strstr(message, "cblas_sgemm"));
    *count_is_wrong = 1;
    assert_int_equal(ftl_blas_open(get_library(), &other, message, sizeof message), FTL_ERR_USAGE);
    *count_is_wrong = 0;
    assert_non_null(strstr(message, "wrong"));
}

/* The one of the system, where there is one. */
static void test_blas_of_system(void **state)
{
    (void)state;
    char message[256];
    ftl_blas found;
    if (ftl_blas_open("libopenblas.so.0", &found, message, sizeof message) != FTL_OK)
        unit_skip("no libopenblas.so.0");
    for (int i = 0; i < 20; i++) {
        problem p;
        make_matrix_problem(&p, i % 2 ? FTL_DTYPE_F64 : FTL_DTYPE_F32,
                            (int64_t[]){1 + draw_below(70), 1 + draw_below(70), draw_below(70)});
        make_tensors(&p, i % 4 > 1);
        check_problem(&p, &(ftl_gemm_env){.kernels = ftl_kernels_get(), .blas = &found});
        free_problem(&p);
    }
    ftl_blas_close(&found);
}

/* The result does not depend on the number of threads. */
static void test_threads_agree(void **state)
{
    (void)state;
    problem p;
    make_matrix_problem(&p, FTL_DTYPE_F32, (int64_t[]){130, 200, 900});
    make_tensors(&p, false);
    char *first = malloc(p.c.count * 4);
    assert_non_null(first);
    for (int i = 0; i < 3; i++) {
        ftl_gemm_env env = {.kernels = ftl_kernels_get(), .pool = pools[i]};
        ftl_gemm *plan = make_plan(&p, &env);
        run_plan(plan, &env, &(ftl_gemm_args){.a = p.a.data, .b = p.b.data, .c = p.c.data});
        if (i == 0)
            memcpy(first, p.c.data, p.c.count * 4);
        assert_memory_equal(first, p.c.data, p.c.count * 4);
        free(plan);
    }
    free(first);
    free_problem(&p);
}

/* Few tiles and long k: each thread sums a part; two runs agree to the bit. */
static void test_parts_of_k(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        problem p;
        make_matrix_problem(&p, i == 2 ? FTL_DTYPE_F64 : FTL_DTYPE_F32,
                            (int64_t[]){4, 17, 100001});
        p.spec.alpha = -0.5, p.spec.beta = i;
        make_tensors(&p, i == 1);
        size_t bytes = p.c.count * ftl_dtype_get_size(p.spec.c);
        char *first = malloc(bytes);
        assert_non_null(first);
        ftl_gemm_env env = {.kernels = ftl_kernels_get(), .pool = pools[2]};
        check_problem(&p, &env);
        memcpy(first, p.c.data, bytes);
        check_problem(&p, &env);
        assert_memory_equal(first, p.c.data, bytes);
        ftl_gemm *plan = make_plan(&p, &env);
        assert_non_null(strstr(ftl_gemm_get_text(plan), "3 parts"));
        free(plan);
        free(first);
        free_problem(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_random_problems),
        cmocka_unit_test(test_short_axes),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_hook),
        cmocka_unit_test(test_threads_agree),
        cmocka_unit_test(test_parts_of_k),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_blas_gets_matrices),
        cmocka_unit_test(test_blas_refused),
        cmocka_unit_test(test_blas_of_system),
    };
    return cmocka_run_group_tests(tests, make_pools, free_pools);
}
