/* SPDX-License-Identifier: Apache-2.0
 *
 * The native engine on what random graphs are too small for: tiles that are cut, rows that are
 * walked in pieces, sums that threads share; a warm run that allocates nothing; memory that is
 * reused.
 */
#include "graph_text.h"
#include "base/dtype.h"
#include "plan/plan.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- calls of the C library's heap ---- */

static size_t heap_calls;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GLIBC__)
#define COUNTS_HEAP 1
void *__libc_malloc(size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *__libc_calloc(size_t n, size_t size);

void *malloc(size_t size)
{
    heap_calls++;
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    heap_calls++;
    return __libc_calloc(n, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    heap_calls++;
    return __libc_memalign(alignment, size);
}
#else
#define COUNTS_HEAP 0
#endif

/* ---- inputs ---- */

static double draw(ftl_dtype dtype, uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    int64_t x = (int64_t)(*state >> 40);
    if (dtype == FTL_DTYPE_BOOL)
        return (double)(x % 16 != 0);
    if (ftl_dtype_is_float(dtype))
        return (double)(x % 2001 - 1000) / 1000;
    return (double)(x % 5);
}

static ftl_tensor **make_inputs(ftl_arena *arena, const ftl_plan *plan)
{
    ftl_tensor **inputs = FTL_NEW_ARRAY(arena, ftl_tensor *, plan->inputs.len + 1);
    uint64_t state = 1;
    for (size_t i = 0; i < plan->inputs.len; i++) {
        const ftl_value *v = plan->inputs.data[i];
        size_t size = ftl_dtype_get_size(v->dtype);
        assert_int_equal(ftl_tensor_new(ftl_allocator_get_default(), v->dtype, v->rank, v->shape,
                                        &inputs[i]),
                         FTL_OK);
        for (int64_t k = 0; k < ftl_value_get_count(v); k++)
            ftl_dtype_put_double(v->dtype, (char *)inputs[i]->data + (size_t)k * size,
                                 draw(v->dtype, &state));
    }
    return inputs;
}

static void free_tensors(ftl_tensor **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ftl_tensor_release(list[i]);
}

/* ---- an executable ---- */

typedef struct engine {
    ftl_device *device;
    ftl_exec *exec;
    ftl_plan *plan;
    ftl_tensor **outputs;
} engine;

static engine open_engine(ftl_arena *arena, ftl_graph *g, int threads, bool no_fusion)
{
    engine e = {0};
    ftl_backend_error error;
    ftl_device_options options = {.device = "cpu", .threads = threads, .fast_paths = true};
    e.plan = ftl_plan_make(arena, g, &(ftl_plan_options){.no_fusion = no_fusion});
    e.outputs = FTL_NEW_ARRAY(arena, ftl_tensor *, g->outputs.len + 1);
    assert_int_equal(ftl_backend_native.open(&options, &e.device, &error), FTL_OK);
    if (ftl_backend_native.compile(e.device, e.plan, &e.exec, &error) != FTL_OK)
        fail_msg("%s", error.message);
    return e;
}

static void run_engine(engine *e, ftl_tensor *const *inputs)
{
    ftl_backend_error error;
    if (ftl_backend_native.run(e->exec, inputs, e->outputs, &error) != FTL_OK)
        fail_msg("%s", error.message);
}

static void close_engine(engine *e)
{
    ftl_backend_native.free_exec(e->exec);
    ftl_backend_native.close(e->device);
    free_tensors(e->outputs, e->plan->graph->outputs.len);
}

/* ---- large shapes beside the oracle ---- */

static const char *const large[] = {
    /* softmax over rows longer than a tile holds, and over columns */
    "%0 = input f32[3, 40000] \"X\"\n%1 = reduce f32[3] %0 max {1}\n"
    "%2 = view f32[3, 40000] %1 (d0)\n%3 = sub f32[3, 40000] %0 %2\n%4 = exp f32[3, 40000] %3\n"
    "%5 = reduce f32[3] %4 sum {1}\n%6 = view f32[3, 40000] %5 (d0)\n"
    "%7 = div f32[3, 40000] %4 %6\n%8 = argmax i64[3] %0 1\noutput \"a\" %7\noutput \"b\" %8\n",
    "%0 = input f32[5000, 37] \"X\"\n%1 = reduce f32[37] %0 max {0}\n"
    "%2 = view f32[5000, 37] %1 (d1)\n%3 = sub f32[5000, 37] %0 %2\n%4 = exp f32[5000, 37] %3\n"
    "%5 = reduce f32[37] %4 sum {0}\n%6 = view f32[5000, 37] %5 (d1)\n"
    "%7 = div f32[5000, 37] %4 %6\noutput \"a\" %7\n",
    /* rows that are visited in parts and keep what is dear to make: softmax, with the exponentials
     * wanted outside too; layernorm with gain and bias, in f64 and of a strided operand */
    "%0 = input f32[7, 5003] \"X\"\n%1 = reduce f32[7] %0 max {1}\n"
    "%2 = view f32[7, 5003] %1 (d0)\n%3 = sub f32[7, 5003] %0 %2\n%4 = exp f32[7, 5003] %3\n"
    "%5 = reduce f32[7] %4 sum {1}\n%6 = view f32[7, 5003] %5 (d0)\n"
    "%7 = div f32[7, 5003] %4 %6\noutput \"a\" %7\n",
    "%0 = input f32[7, 5003] \"X\"\n%1 = reduce f32[7] %0 max {1}\n"
    "%2 = view f32[7, 5003] %1 (d0)\n%3 = sub f32[7, 5003] %0 %2\n%4 = exp f32[7, 5003] %3\n"
    "%5 = reduce f32[7] %4 sum {1}\n%6 = view f32[7, 5003] %5 (d0)\n"
    "%7 = div f32[7, 5003] %4 %6\n%8 = sin f32[7, 5003] %0\n%9 = mul f32[7, 5003] %8 %7\n"
    "%10 = reduce f32[7] %9 sum {1}\n%11 = view f32[7, 5003] %10 (d0)\n"
    "%12 = mul f32[7, 5003] %8 %11\n%13 = add f32[7, 5003] %12 %4\noutput \"a\" %4\n"
    "output \"b\" %13\noutput \"c\" %10\n",
    "%0 = input f64[3100, 9] \"X\"\n%1 = view f64[9, 3100] %0 (d1, d0)\n"
    "%2 = reduce f64[9] %1 sum {1}\n%3 = view f64[9, 3100] %2 (d0)\n"
    "%4 = const f64[9, 3100] splat 3100\n%5 = div f64[9, 3100] %3 %4\n"
    "%6 = sub f64[9, 3100] %1 %5\n%7 = mul f64[9, 3100] %6 %6\n%8 = reduce f64[9] %7 sum {1}\n"
    "%9 = sqrt f64[9] %8\n%10 = view f64[9, 3100] %9 (d0)\n%11 = div f64[9, 3100] %6 %10\n"
    "%12 = input f64[3100] \"G\"\n%13 = view f64[9, 3100] %12 (d1)\n"
    "%14 = mul f64[9, 3100] %11 %13\n%15 = input f64[3100] \"B\"\n"
    "%16 = view f64[9, 3100] %15 (d1)\n%17 = add f64[9, 3100] %14 %16\noutput \"a\" %17\n",
    /* products added to what is one for a row, for a column, for all */
    "%0 = input f32[70, 130] \"X\"\n%1 = input f32[70] \"R\"\n%2 = view f32[70, 130] %1 (d0)\n"
    "%3 = input f32[130] \"C\"\n%4 = view f32[70, 130] %3 (d1)\n%5 = mul f32[70, 130] %2 %0\n"
    "%6 = add f32[70, 130] %5 %4\n%7 = mul f32[70, 130] %0 %4\n%8 = add f32[70, 130] %2 %7\n"
    "%9 = const f32[70, 130] splat 2\n%10 = mul f32[70, 130] %0 %9\n"
    "%11 = add f32[70, 130] %10 %9\n%12 = mul f32[70, 130] %2 %4\n"
    "%13 = add f32[70, 130] %12 %0\noutput \"a\" %6\noutput \"b\" %8\noutput \"c\" %11\n"
    "output \"d\" %13\n",
    /* reductions to a few places, which threads share */
    "%0 = input f32[200000] \"X\"\n%1 = reduce f32[] %0 sum {0}\n%2 = reduce f32[] %0 max {0}\n"
    "%3 = mul f32[200000] %0 %0\n%4 = reduce f32[] %3 sum {0}\n%5 = argmax i64[] %0 0\n"
    "%6 = contract f32[] %0 %0 \"a,a->\"\noutput \"a\" %1\noutput \"b\" %2\noutput \"c\" %4\n"
    "output \"d\" %5\noutput \"e\" %6\n",
    "%0 = input i32[3000, 70] \"X\"\n%1 = reduce i32[70] %0 sum {0}\n"
    "%2 = reduce i32[3000] %0 prod {1}\n%3 = input bool[9000, 3] \"Y\"\n"
    "%4 = reduce bool[3] %3 all {0}\n%5 = reduce bool[9000] %3 any {1}\n"
    "%6 = reduce bool[] %3 all {0, 1}\noutput \"a\" %1\noutput \"b\" %2\noutput \"c\" %4\n"
    "output \"d\" %5\noutput \"e\" %6\n",
    /* matrices by vectors, 16-bit floats */
    "%0 = input f64[300, 5000] \"X\"\n%1 = input f64[5000] \"Y\"\n%2 = input f64[300] \"Z\"\n"
    "%3 = contract f64[300] %0 %1 \"ab,b->a\"\n%4 = contract f64[5000] %0 %2 \"ab,a->b\"\n"
    "%5 = reduce f64[] %0 prod {0, 1}\noutput \"a\" %3\noutput \"b\" %4\noutput \"c\" %5\n",
    "%0 = input f16[100, 3000] \"X\"\n%1 = reduce f16[100] %0 sum {1}\n"
    "%2 = reduce f16[3000] %0 max {0}\n%3 = input f16[3000, 50] \"Y\"\n"
    "%4 = contract f16[100, 50] %0 %3 \"ab,bc->ac\"\noutput \"a\" %1\noutput \"b\" %2\n"
    "output \"c\" %4\n",
    /* transposed and shifted reads */
    "%0 = input f32[5000, 37] \"X\"\n%1 = view f32[37, 5000] %0 (d1, d0)\n"
    "%2 = exp f32[37, 5000] %1\n%3 = view f32[5000, 37] %0 (d0 - 3, d1 + 1) fill 2\n"
    "%4 = add f32[5000, 37] %3 %0\noutput \"a\" %2\noutput \"b\" %4\n",
    /* a product with a bias and a residual, finished block by block; a transposed one */
    "%0 = input f32[330, 300] \"X\"\n%1 = input f32[300, 410] \"Y\"\n%2 = input f32[410] \"B\"\n"
    "%3 = input f32[330, 410] \"R\"\n%4 = contract f32[330, 410] %0 %1 \"ab,bc->ac\"\n"
    "%5 = view f32[330, 410] %2 (d1)\n%6 = add f32[330, 410] %4 %5\n%7 = tanh f32[330, 410] %6\n"
    "%8 = add f32[330, 410] %7 %3\n%9 = contract f32[410, 330] %0 %1 \"ab,bc->ca\"\n"
    "%10 = abs f32[410, 330] %9\noutput \"a\" %8\noutput \"b\" %10\n",
    /* sums of a table that a loop fills row by row */
    "%0 = input f64[64, 64] \"U\"\n%1 = input f64[50, 64] \"X\"\n%2 = const f64[50, 64] splat 0\n"
    "%3 = const f64[64, 64] splat 0.1\n%4 = mul f64[64, 64] %0 %3\n"
    "%5 = loop i64[] %2 %4 %1 carried 1 count 50 {\n%0 = param i64[] 0\n"
    "%1 = param f64[50, 64] 1\n%2 = param f64[64, 64] 2\n%3 = param f64[50, 64] 3\n"
    "%4 = read_at f64[64] %1 %0 {0: -1}\n%5 = contract f64[64] %2 %4 \"ab,b->a\"\n"
    "%6 = read_at f64[64] %3 %0 {0: 0}\n%7 = add f64[64] %5 %6\n%8 = tanh f64[64] %7\n"
    "%9 = write_at f64[50, 64] %1 %8 %0 {0: 0}\noutput %9\n}\n"
    "%6 = result f64[50, 64] %5 0\noutput \"a\" %6\n",
};

static double get_tolerance(ftl_dtype dtype, double size)
{
    double unit = dtype == FTL_DTYPE_F32 ? 2e-5 : dtype == FTL_DTYPE_F16 ? 4e-3 : 1e-12;
    return ftl_dtype_is_float(dtype) ? unit * (1 + size) : 0;
}

static void compare(const char *text, const ftl_tensor *got, const ftl_tensor *wanted)
{
    double largest = 0;
    for (int64_t k = 0; k < ftl_tensor_get_count(wanted); k++)
        largest = fmax(largest, fabs(ftl_tensor_get_double(wanted, k)));
    for (int64_t k = 0; k < ftl_tensor_get_count(wanted); k++) {
        double a = ftl_tensor_get_double(got, k), b = ftl_tensor_get_double(wanted, k);
        if (!(fabs(a - b) <= get_tolerance(wanted->dtype, largest)) && !(isnan(a) && isnan(b)))
            fail_msg("%.60s: element %lld is %.9g, not %.9g", text, (long long)k, a, b);
    }
}

static void check_large(ftl_arena *arena, void *user)
{
    const char *text = ftl_arena_printf(arena, "graph 1\n%s", (const char *)user);
    ftl_graph *g = graph_text_read(arena, text);
    ftl_plan *bare = graph_text_plan(arena, g);
    ftl_tensor **inputs = make_inputs(arena, bare);
    graph_run oracle = {0};
    graph_text_run(arena, &ftl_backend_oracle, bare, inputs, &oracle);
    assert_int_equal(oracle.status, FTL_OK);
    for (int variant = 0; variant < 4; variant += unit_is_full() ? 1 : 3) {
        engine e = open_engine(arena, g, 1 + variant % 2, variant >= 2);
        run_engine(&e, inputs);
        run_engine(&e, inputs);
        for (size_t i = 0; i < g->outputs.len; i++)
            compare(user, e.outputs[i], oracle.outputs[i]);
        close_engine(&e);
    }
    graph_run_free(bare, &oracle);
    free_tensors(inputs, bare->inputs.len);
}

/* A result that no cache holds is written past them: in rows, in parts of rows, in a transposed
 * tensor, each element once. */
static void check_streamed(ftl_arena *arena, void *user)
{
    (void)user;
    static const char text[] =
        "graph 1\n%0 = input f32[1100, 8003] \"X\"\n%1 = input f32[8003] \"B\"\n"
        "%2 = view f32[1100, 8003] %1 (d1)\n%3 = add f32[1100, 8003] %0 %2\n"
        "%4 = reduce f32[1100] %0 max {1}\n%5 = view f32[1100, 8003] %4 (d0)\n"
        "%6 = sub f32[1100, 8003] %0 %5\noutput \"a\" %3\noutput \"b\" %6\n";
    ftl_graph *g = graph_text_read(arena, text);
    engine e = open_engine(arena, g, 2, false);
    ftl_tensor **inputs = make_inputs(arena, e.plan);
    run_engine(&e, inputs);
    const float *x = inputs[0]->data, *b = inputs[1]->data;
    const float *sum = e.outputs[0]->data, *below = e.outputs[1]->data;
    for (size_t i = 0; i < 1100; i++) {
        float top = x[i * 8003];
        for (size_t k = 0; k < 8003; k++)
            top = x[i * 8003 + k] > top ? x[i * 8003 + k] : top;
        for (size_t k = 0; k < 8003; k++)
            if (sum[i * 8003 + k] != x[i * 8003 + k] + b[k] ||
                below[i * 8003 + k] != x[i * 8003 + k] - top)
                fail_msg("element %zu of row %zu", k, i);
    }
    free_tensors(inputs, e.plan->inputs.len);
    close_engine(&e);
}

static void test_large_results(void **state)
{
    (void)state;
    graph_text_guard(check_streamed, NULL);
}

static void test_large(void **state)
{
    (void)state;
    for (size_t i = 0; i < FTL_COUNT(large); i++)
        graph_text_guard(check_large, (void *)(uintptr_t)large[i]);
}

/* ---- warm runs ---- */

static void check_warm(ftl_arena *arena, void *user)
{
    ftl_graph *g = graph_text_read(arena, ftl_arena_printf(arena, "graph 1\n%s", (char *)user));
    engine e = open_engine(arena, g, 2, false);
    ftl_tensor **inputs = make_inputs(arena, e.plan);
    run_engine(&e, inputs);
    run_engine(&e, inputs);
    size_t before = heap_calls;
    run_engine(&e, inputs);
    assert_int_equal(heap_calls - before, 0);
    free_tensors(inputs, e.plan->inputs.len);
    close_engine(&e);
}

static void test_warm_runs_allocate_nothing(void **state)
{
    (void)state;
    if (!COUNTS_HEAP)
        unit_skip("the heap is not counted in this build");
    for (size_t i = 0; i < FTL_COUNT(large); i++)
        graph_text_guard(check_warm, (void *)(uintptr_t)large[i]);
}

/* ---- memory ---- */

/* A chain of twenty steps that cannot be fused needs two buffers, not twenty. */
static void check_reuse(ftl_arena *arena, void *user)
{
    (void)user;
    ftl_strbuf text;
    ftl_strbuf_init(&text, arena);
    ftl_strbuf_puts(&text, "graph 1\n%0 = input f32[256, 256] \"X\"\n");
    for (int i = 1; i <= 20; i++)
        ftl_strbuf_printf(&text, "%%%d = contract f32[256, 256] %%%d %%0 \"ab,bc->ac\"\n", i,
                          i - 1);
    ftl_strbuf_puts(&text, "output \"Y\" %20\n");
    ftl_plan *plan = ftl_plan_make(arena, graph_text_read(arena, ftl_strbuf_get(&text)), NULL);
    assert_int_equal(plan->steps.len, 20);
    assert_int_equal(plan->arena_size, 2 * 256 * 256 * sizeof(float));
    assert_int_equal(plan->live_peak, 2 * 256 * 256 * sizeof(float));
}

static void test_memory_is_reused(void **state)
{
    (void)state;
    graph_text_guard(check_reuse, NULL);
}

/* The table that a loop fills is written in place: the body has no buffer of its size. */
static void check_in_place(ftl_arena *arena, void *user)
{
    (void)user;
    ftl_graph *g = graph_text_read(
        arena, ftl_arena_printf(arena, "graph 1\n%s", large[FTL_COUNT(large) - 1]));
    ftl_plan *plan = ftl_plan_make(arena, g, NULL);
    const ftl_step *loop = NULL;
    for (size_t i = 0; i < plan->steps.len; i++)
        if (plan->steps.data[i].kind == FTL_STEP_LOOP)
            loop = &plan->steps.data[i];
    assert_non_null(loop);
    assert_true(loop->body->arena_size < 50 * 64 * sizeof(double));
    assert_int_equal(loop->loop.next[0].offset, loop->loop.carry[0].offset);
    assert_int_equal(loop->loop.next[0].kind, loop->loop.carry[0].kind);
}

static void test_loops_write_in_place(void **state)
{
    (void)state;
    graph_text_guard(check_in_place, NULL);
}

/* ---- inputs that are not row-major or not aligned ---- */

static const char doubled[] = "graph 1\n%0 = input f32[2, 3] \"X\"\n"
                              "%1 = add f32[2, 3] %0 %0\noutput \"a\" %1\n";

static const int64_t shape[2] = {2, 3}, columns[2] = {4, 8}, rows[2] = {12, 4};

static ftl_tensor *wrap(void *data, const int64_t *strides, bool mapped)
{
    ftl_tensor *t;
    ftl_tensor_bytes bytes = {.dtype = FTL_DTYPE_F32, .rank = 2, .shape = shape,
                              .strides = strides, .data = data, .mapped = mapped};
    assert_int_equal(ftl_tensor_wrap(ftl_allocator_get_default(), &bytes, &t), FTL_OK);
    return t;
}

static ftl_status run_doubled(ftl_arena *arena, const int64_t *layout, ftl_tensor *x, float *first)
{
    const int64_t *layouts[] = {layout};
    engine e = {0};
    ftl_backend_error error;
    ftl_graph *g = graph_text_read(arena, doubled);
    e.plan = ftl_plan_make(arena, g, &(ftl_plan_options){.layouts = layouts});
    e.outputs = FTL_NEW_ARRAY(arena, ftl_tensor *, 1);
    assert_int_equal(ftl_backend_native.open(&(ftl_device_options){.threads = 1}, &e.device,
                                             &error), FTL_OK);
    assert_int_equal(ftl_backend_native.compile(e.device, e.plan, &e.exec, &error), FTL_OK);
    ftl_status status = FTL_OK;
    for (int i = 0; i < 2 && status == FTL_OK; i++) {
        status = ftl_backend_native.run(e.exec, &x, e.outputs, &error);
        float one = 1;
        memcpy(x->data, &one, sizeof one);
    }
    if (status == FTL_OK)
        *first = *(const float *)e.outputs[0]->data;
    close_engine(&e);
    return status;
}

/* The first element is 5 before the first run and 1 after it: a copy of a mapped input is not
 * renewed, all else is read again. */
static void check_layouts(ftl_arena *arena, void *user)
{
    static const struct {
        int offset;
        const int64_t *layout, *strides;
        bool mapped;
        float want;
    } cases[] = {{0, NULL, rows, false, 2}, {0, NULL, columns, false, 2}, {1, NULL, rows, false, 2},
                 {0, columns, columns, true, 2}, {0, NULL, rows, true, 2},
                 {0, NULL, columns, true, 10}, {1, NULL, rows, true, 10}};
    _Alignas(8) char bytes[64] = {0};
    float five = 5, first = 0;
    (void)user;
    for (size_t i = 0; i < FTL_COUNT(cases); i++) {
        memcpy(bytes + cases[i].offset, &five, sizeof five);
        ftl_tensor *x = wrap(bytes + cases[i].offset, cases[i].strides, cases[i].mapped);
        assert_int_equal(run_doubled(arena, cases[i].layout, x, &first), FTL_OK);
        if (first != cases[i].want)
            fail_msg("case %zu gives %g", i, (double)first);
        ftl_tensor_release(x);
    }
    ftl_tensor *x = wrap(bytes, rows, false);
    assert_int_equal(run_doubled(arena, columns, x, &first), FTL_ERR_USAGE);
    ftl_tensor_release(x);
}

static void test_layouts(void **state)
{
    (void)state;
    graph_text_guard(check_layouts, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_large_results),
        cmocka_unit_test(test_warm_runs_allocate_nothing),
        cmocka_unit_test(test_memory_is_reused),
        cmocka_unit_test(test_loops_write_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
