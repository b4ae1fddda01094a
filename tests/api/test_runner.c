/* SPDX-License-Identifier: Apache-2.0
 *
 * Runners: compiling, rebinding, outputs, texts, messages, threads.
 */
#include "api.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static const char layer[] = "W[i,j] = [[1, 2], [3, 4]]\n"
                            "Y[i] = relu(W[i,j] X[j])\n"
                            "export Y\n";

static void test_run_and_rebind(void **state)
{
    (void)state;
    ftl_program *p = api_parse(layer);
    ftl_tensor *a = api_vector(NULL, 2, (float[]){1, -1});
    ftl_tensor *b = api_vector(NULL, 2, (float[]){1, 1});
    ftl_runner *r = api_compile(p, NULL, "X", a);
    assert_null(ftl_runner_get_output(r, "Y"));
    api_run(r);
    api_check_values(ftl_runner_get_output(r, "Y"), (float[]){0, 0}, 2);
    assert_int_equal(ftl_runner_bind(r, "X", b), FTL_OK);
    api_run(r);
    api_check_values(ftl_runner_get_output(r, "Y"), (float[]){3, 7}, 2);
    ((float *)ftl_tensor_get_data(b))[0] = 2; /* bound without a copy */
    api_run(r);
    api_check_values(ftl_runner_get_output(r, "Y"), (float[]){4, 10}, 2);
    assert_int_equal(ftl_runner_bind(r, "Z", b), FTL_ERR_USAGE);
    assert_non_null(strstr(ftl_runner_get_diagnostics(r), "error: no input 'Z'"));
    assert_int_equal(ftl_runner_bind(r, "X", NULL), FTL_ERR_USAGE);
    assert_non_null(strstr(ftl_runner_get_diagnostics(r), "error: bind: the tensor is null"));
    assert_null(strstr(ftl_runner_get_diagnostics(r), "'Z'"));
    assert_int_equal(ftl_runner_bind(NULL, "X", b), FTL_ERR_USAGE);
    assert_int_equal(ftl_runner_run(NULL), FTL_ERR_USAGE);
    api_run(r);
    assert_string_equal(ftl_runner_get_diagnostics(r), "");
    ftl_runner_free(r);
    ftl_runner_free(NULL);
    ftl_tensor_release(a);
    ftl_tensor_release(b);
    ftl_program_free(p);
}

/* Another extent compiles anew; one that does not fit is an error, and the runner goes on after. */
static void test_rebind_another_shape(void **state)
{
    (void)state;
    ftl_program *p = api_parse("Y[i] = 2 * X[i]\nZ = X[i]\nexport Y, Z\n");
    ftl_tensor *two = api_vector(NULL, 2, (float[]){1, 2});
    ftl_tensor *three = api_vector(NULL, 3, (float[]){1, 2, 3}), *matrix = NULL;
    int64_t shape[] = {2, 2};
    assert_int_equal(ftl_tensor_create(NULL, FTL_DTYPE_F32, 2, shape, &matrix), FTL_OK);
    ftl_runner *r = api_compile(p, NULL, "X", two);
    api_run(r);
    assert_int_equal(ftl_runner_bind(r, "X", three), FTL_OK);
    api_run(r);
    api_check_values(ftl_runner_get_output(r, "Y"), (float[]){2, 4, 6}, 3);
    api_check_values(ftl_runner_get_output(r, "Z"), (float[]){6}, 1);
    assert_int_equal(ftl_runner_bind(r, "X", matrix), FTL_OK);
    assert_int_equal(ftl_runner_run(r), FTL_ERR_PROGRAM);
    assert_non_null(strstr(ftl_runner_get_diagnostics(r), "test.fuse:1:"));
    assert_null(ftl_runner_get_output(r, "Y"));
    assert_int_equal(ftl_runner_bind(r, "X", two), FTL_OK);
    api_run(r);
    api_check_values(ftl_runner_get_output(r, "Y"), (float[]){2, 4}, 2);
    assert_string_equal(ftl_runner_get_diagnostics(r), "");
    ftl_runner_free(r);
    ftl_tensor_release(two);
    ftl_tensor_release(three);
    ftl_tensor_release(matrix);
    ftl_program_free(p);
}

static ftl_tensor *borrow_matrix(float *data, int64_t row, int64_t column)
{
    ftl_tensor *t = NULL;
    ftl_tensor_spec spec = {.dtype = FTL_DTYPE_F32, .rank = 2, .shape = (int64_t[]){2, 3},
                            .strides = (int64_t[]){row, column}, .data = data};
    assert_int_equal(ftl_tensor_from_data(&spec, &t), FTL_OK);
    return t;
}

/* Matrices by rows, by columns, backwards, of equal rows, one after the other. */
static void test_rebind_another_layout(void **state)
{
    (void)state;
    float data[] = {1, 2, 3, 4, 5, 6};
    static const struct {
        int first;
        int64_t row, column;
        float sums[2];
    } cases[] = {{0, 12, 4, {6, 15}}, {0, 4, 8, {9, 12}},  {5, -4, -8, {12, 9}},
                 {0, 0, 8, {9, 9}},   {0, 12, 4, {6, 15}}, {0, 4, 8, {9, 12}}};
    const size_t n = sizeof cases / sizeof cases[0];
    ftl_program *p = api_parse("R[i] = A[i,j]\nexport R\n");
    for (size_t start = 0; start < n; start++) {
        ftl_tensor *a = borrow_matrix(data + cases[start].first, cases[start].row,
                                      cases[start].column);
        ftl_runner *r = api_compile(p, NULL, "A", a);
        ftl_tensor_release(a);
        for (size_t i = 0; i < n; i++) {
            a = borrow_matrix(data + cases[i].first, cases[i].row, cases[i].column);
            assert_int_equal(ftl_runner_bind(r, "A", a), FTL_OK);
            ftl_tensor_release(a);
            api_run(r);
            api_check_values(ftl_runner_get_output(r, "R"), cases[i].sums, 2);
        }
        ftl_runner_free(r);
    }
    ftl_program_free(p);
}

static void test_outputs(void **state)
{
    (void)state;
    ftl_form form;
    ftl_program *p = api_parse("X[i] = [1, 2]\nY[i] = X[i] + 1\nS = X[i]\nexport Y, S\n");
    ftl_runner *r = api_compile(p, NULL, NULL, NULL);
    assert_int_equal(ftl_runner_count_outputs(r), 2);
    assert_string_equal(ftl_runner_get_output_name(r, 0), "Y");
    assert_string_equal(ftl_runner_get_output_name(r, 1), "S");
    assert_null(ftl_runner_get_output_name(r, 2));
    assert_int_equal(ftl_runner_is_query(r, 0), 0);
    assert_int_equal(ftl_runner_get_output_form(r, "Y", &form), FTL_OK);
    assert_true(form.dtype == FTL_DTYPE_F32 && form.rank == 1 && form.shape[0] == 2);
    assert_int_equal(ftl_runner_get_output_form(r, "No", &form), FTL_ERR_USAGE);
    assert_null(ftl_runner_get_output(r, "No"));
    api_run(r);
    ftl_tensor *kept = ftl_tensor_retain(ftl_runner_get_output(r, "Y"));
    api_run(r); /* writes to another tensor now */
    assert_ptr_not_equal(ftl_runner_get_output(r, "Y"), kept);
    ftl_runner_free(r);
    ftl_program_free(p);
    api_check_values(kept, (float[]){2, 3}, 2); /* outlives both */
    ftl_tensor_release(kept);
    assert_int_equal(ftl_runner_count_outputs(NULL), 0);
}

static void count(void *user)
{
    ++*(int *)user;
}

static ftl_tensor *wrap(float *data, int64_t n, int *released)
{
    ftl_tensor *t = NULL;
    ftl_tensor_spec spec = {.dtype = FTL_DTYPE_F32, .rank = 1, .shape = &n, .data = data,
                            .release = count, .user = released};
    assert_int_equal(ftl_tensor_from_data(&spec, &t), FTL_OK);
    return t;
}

static void test_set_output(void **state)
{
    (void)state;
    float mine[] = {-1, -1};
    int released = 0;
    ftl_program *p = api_parse("Y[i] = 2 * X[i]\nexport Y\n");
    ftl_tensor *x = api_vector(NULL, 2, (float[]){1, 2}), *t = wrap(mine, 2, &released);
    ftl_tensor *long_x = api_vector(NULL, 3, (float[]){1, 2, 3});
    ftl_runner *r = api_compile(p, NULL, "X", x);
    assert_int_equal(ftl_runner_set_output(r, "Y", t), FTL_OK);
    ftl_tensor_release(t);
    api_run(r);
    assert_true(mine[0] == 2 && mine[1] == 4);
    assert_ptr_equal(ftl_tensor_get_data(ftl_runner_get_output(r, "Y")), mine);
    assert_int_equal(ftl_runner_set_output(r, "Y", long_x), FTL_ERR_USAGE);
    assert_non_null(strstr(ftl_runner_get_diagnostics(r), "set for output 'Y'"));
    assert_int_equal(ftl_runner_set_output(r, "No", t), FTL_ERR_USAGE);
    assert_non_null(strstr(ftl_runner_get_diagnostics(r), "no output 'No'"));
    assert_int_equal(ftl_runner_save_output(r, 7, "never.npy"), FTL_ERR_USAGE);
    assert_non_null(strstr(ftl_runner_get_diagnostics(r), "no output 7: there are 1"));
    assert_int_equal(ftl_runner_save_outputs(r, ""), FTL_ERR_USAGE);
    assert_non_null(strstr(ftl_runner_get_diagnostics(r), "without a path"));
    /* another shape: refused until another place is set */
    assert_int_equal(ftl_runner_bind(r, "X", long_x), FTL_OK);
    assert_int_equal(ftl_runner_run(r), FTL_ERR_USAGE);
    assert_int_equal(ftl_runner_run(r), FTL_ERR_USAGE);
    assert_non_null(strstr(ftl_runner_get_diagnostics(r), "'Y'"));
    assert_int_equal(released, 0);
    assert_int_equal(ftl_runner_save_output(r, 0, "never.npy"), FTL_ERR_USAGE);
    assert_int_equal(ftl_runner_set_output(r, "Y", NULL), FTL_OK);
    assert_int_equal(released, 1);
    api_run(r);
    api_check_values(ftl_runner_get_output(r, "Y"), (float[]){2, 4, 6}, 3);
    assert_true(mine[0] == 2 && mine[1] == 4);
    assert_int_equal(ftl_runner_set_output(r, "Y", long_x), FTL_OK);
    assert_null(ftl_runner_get_output(r, "Y")); /* nothing is there before the next run */
    assert_int_equal(ftl_runner_save_output(r, 0, "never.npy"), FTL_ERR_USAGE);
    assert_int_equal(ftl_runner_save_outputs(r, "never.npz"), FTL_ERR_USAGE);
    assert_int_equal(ftl_runner_save_outputs(r, "never"), FTL_ERR_USAGE);
    /* asked before there is anything to save */
    assert_int_equal(ftl_runner_probe_outputs(r, "never.npz"), FTL_OK);
    assert_int_equal(ftl_runner_probe_outputs(r, "never"), FTL_OK);
    assert_int_equal(ftl_runner_probe_outputs(r, "never.foo"), FTL_ERR_USAGE);
    assert_non_null(strstr(ftl_runner_get_diagnostics(r), ".npy, .npz, .json"));
    assert_int_equal(ftl_runner_probe_outputs(r, "/dev/null/never"), FTL_ERR_IO);
    ftl_runner_free(r);
    ftl_tensor_release(x);
    ftl_tensor_release(long_x);
    ftl_program_free(p);
}

static void test_inputs_are_released_once(void **state)
{
    (void)state;
    float data[] = {1, 2};
    int released = 0;
    ftl_program *p = api_parse(layer);
    ftl_tensor *x = wrap(data, 2, &released);
    ftl_runner *r = api_compile(p, NULL, "X", x);
    ftl_tensor_release(x);
    api_run(r);
    assert_int_equal(released, 0);
    ftl_runner_free(r);
    assert_int_equal(released, 1);
    ftl_program_free(p);
}

static void test_warm_runs_allocate_nothing(void **state)
{
    (void)state;
    api_heap heap;
    ftl_config config;
    api_heap_init(&heap);
    ftl_config_init(&config);
    config.allocator = &heap.alloc;
    config.threads = 2;
    ftl_program *p = api_parse(layer);
    ftl_tensor *a = api_vector(NULL, 2, (float[]){1, -1});
    ftl_tensor *b = api_vector(NULL, 2, (float[]){1, 1});
    ftl_runner *r = api_compile(p, &config, "X", a);
    api_run(r);
    size_t calls = heap.calls;
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ftl_runner_bind(r, "X", i % 2 ? a : b), FTL_OK);
        assert_int_equal(ftl_runner_run(r), FTL_OK);
    }
    assert_int_equal(heap.calls, calls);
    assert_int_equal(mallinfo2().uordblks, before);
    ftl_runner_free(r);
    assert_int_equal(heap.live, 0);
    ftl_tensor_release(a);
    ftl_tensor_release(b);
    ftl_program_free(p);
}

/* Runs with sinks, prints and messages do not add up. */
static void test_memory_does_not_grow(void **state)
{
    (void)state;
    api_heap heap;
    ftl_config config;
    char text[128], path[64], *shown = NULL;
    api_heap_init(&heap);
    ftl_config_init(&config);
    config.allocator = &heap.alloc;
    config.mode = "auto";
    config.max_iters = 2;
    snprintf(path, sizeof(path), "api-sink-%d.csv", (int)getpid());
    snprintf(text, sizeof(text), "A = 0.5 * A + 1\n\"%s\" = A\nexport A\n", path);
    ftl_program *p = api_parse(text);
    ftl_runner *r = api_compile(p, &config, NULL, NULL);
    size_t live = 0;
    for (int i = 0; i < 20; i++) {
        api_run(r);
        assert_non_null(strstr(ftl_runner_get_diagnostics(r), "did not converge"));
        assert_int_equal(ftl_runner_print_output(r, 0, &shown), FTL_OK);
        ftl_text_free(shown);
        assert_int_equal(ftl_runner_explain(r, "json", &shown), FTL_OK);
        ftl_text_free(shown);
        if (i > 0)
            assert_int_equal(heap.live, live);
        live = heap.live;
    }
    ftl_runner_free(r);
    assert_int_equal(heap.live, 0);
    ftl_program_free(p);
    assert_int_equal(remove(path), 0);
}

static void test_texts(void **state)
{
    (void)state;
    char *text = NULL;
    size_t arena = 1, live = 1;
    ftl_program *p = api_parse("X[i] = [1, 2]\nY[i] = X[i] + 1\nexport Y\n");
    ftl_runner *r = api_compile(p, NULL, NULL, NULL);
    assert_int_equal(ftl_runner_print_output(r, 0, &text), FTL_OK);
    assert_non_null(strstr(text, "not computed"));
    ftl_text_free(text);
    assert_int_equal(ftl_runner_save_output(r, 0, "x.npy"), FTL_ERR_USAGE);
    api_run(r);
    assert_int_equal(ftl_runner_print_output(r, 0, &text), FTL_OK);
    assert_string_equal(text, "Y = f32[2]\n[2, 3]\n");
    ftl_text_free(text);
    assert_int_equal(ftl_runner_print_output(r, 1, &text), FTL_ERR_USAGE);
    assert_int_equal(ftl_runner_explain(r, NULL, &text), FTL_OK);
    assert_non_null(strstr(text, "Y[i] = X[i] + 1"));
    ftl_text_free(text);
    assert_int_equal(ftl_runner_explain(r, "html", &text), FTL_ERR_USAGE);
    assert_int_equal(ftl_runner_report(r, &text), FTL_OK);
    assert_non_null(strstr(text, "Y[2] f32"));
    ftl_text_free(text);
    assert_int_equal(ftl_runner_save_output(r, 0, "no.xyz"), FTL_ERR_IO);
    assert_non_null(strstr(ftl_runner_get_diagnostics(r), "no.xyz"));
    assert_int_equal(ftl_runner_save_outputs(r, ""), FTL_ERR_USAGE);
    ftl_runner_get_memory(r, &arena, &live);
    ftl_runner_get_memory(NULL, &arena, &live);
    assert_true(arena == 0 && live == 0);
    ftl_runner_free(r);
    ftl_program_free(p);
}

static void test_check(void **state)
{
    (void)state;
    char *text = NULL;
    ftl_runner *r = NULL;
    ftl_config config;
    ftl_config_init(&config);
    ftl_program *p = api_parse(layer);
    assert_int_equal(ftl_runner_check(p, &config, NULL, 0, &r), FTL_OK);
    assert_int_equal(ftl_runner_report(r, &text), FTL_OK);
    assert_non_null(strstr(text, "awaited"));
    ftl_text_free(text);
    assert_int_equal(ftl_runner_run(r), FTL_ERR_USAGE);
    assert_int_equal(ftl_runner_count_outputs(r), 0);
    assert_int_equal(ftl_runner_explain(r, NULL, &text), FTL_ERR_USAGE);
    ftl_runner_free(r);
    ftl_program_free(p);
}

static void refuse(const ftl_program *p, const ftl_config *config, ftl_status status,
                   const char *words)
{
    ftl_runner *r = NULL;
    assert_int_equal(ftl_runner_new(p, config, NULL, 0, &r), status);
    assert_non_null(r);
    if (!strstr(ftl_runner_get_diagnostics(r), words))
        fail_msg("'%s' does not say '%s'", ftl_runner_get_diagnostics(r), words);
    assert_int_equal(ftl_runner_run(r), status);
    ftl_runner_free(r);
}

static void test_configurations(void **state)
{
    (void)state;
    ftl_config good, c;
    ftl_runner *r = NULL;
    const char *names[] = {"X"};
    ftl_config_init(&good);
    ftl_program *p = api_parse("X[i] = [1, 2]\nY = X[i]\nexport Y\n");
    c = good;
    c.mode = "sideways";
    refuse(p, &c, FTL_ERR_USAGE, "single, auto, fixpoint, demand");
    c = good;
    c.precision = "fp8";
    refuse(p, &c, FTL_ERR_USAGE, "bf16");
    c = good;
    c.backend = "abacus";
    refuse(p, &c, FTL_ERR_USAGE, "native");
    c = good;
    c.tol = -1;
    refuse(p, &c, FTL_ERR_USAGE, "tol");
    c = good;
    c.projection = "monte_carlo";
    refuse(p, &c, FTL_ERR_UNSUPPORTED, "not in this version");
    c = good;
    c.steps = 3;
    refuse(p, &c, FTL_ERR_UNSUPPORTED, "not in this version");
    c = good;
    c.grad = "Y";
    c.wrt = names;
    c.n_wrt = 1;
    refuse(p, &c, FTL_ERR_UNSUPPORTED, "not in this version");
    c.grad = "X";
    refuse(p, &c, FTL_ERR_PROGRAM, "'X' has 1 axis");
    c = good;
    c.size = 8;
    assert_int_equal(ftl_runner_new(p, &c, NULL, 0, &r), FTL_ERR_USAGE);
    c = good;
    c.n_params = 1;
    assert_int_equal(ftl_runner_new(p, &c, NULL, 0, &r), FTL_ERR_USAGE);
    assert_int_equal(ftl_runner_new(p, NULL, NULL, 0, &r), FTL_ERR_USAGE);
    assert_int_equal(ftl_runner_new(NULL, &good, NULL, 0, &r), FTL_ERR_USAGE);
    assert_int_equal(ftl_runner_new(p, &good, NULL, 1, &r), FTL_ERR_USAGE);
    assert_int_equal(ftl_runner_new(p, &good, NULL, 0, NULL), FTL_ERR_USAGE);
    ftl_program_free(p);
}

static void test_data_faults(void **state)
{
    (void)state;
    ftl_program *p = api_parse("T[i] = [5, 6]\nY[n] = T[P[n]]\nexport Y\n");
    ftl_tensor *x = api_vector(NULL, 2, (float[]){1, 7}), *y = api_vector(NULL, 2, (float[]){1, 0});
    ftl_runner *r = api_compile(p, NULL, "P", x);
    assert_int_equal(ftl_runner_run(r), FTL_ERR_PROGRAM);
    assert_non_null(strstr(ftl_runner_get_diagnostics(r), "test.fuse:2:"));
    assert_non_null(strstr(ftl_runner_get_diagnostics(r), "7"));
    assert_null(ftl_runner_get_output(r, "Y"));
    assert_int_equal(ftl_runner_bind(r, "P", y), FTL_OK);
    api_run(r);
    api_check_values(ftl_runner_get_output(r, "Y"), (float[]){6, 5}, 2);
    assert_string_equal(ftl_runner_get_diagnostics(r), "");
    ftl_runner_free(r);
    ftl_tensor_release(x);
    ftl_tensor_release(y);
    ftl_program_free(p);
}

/* One program, a runner in each thread. */
static void *work(void *user)
{
    const ftl_program *p = user;
    ftl_config config;
    ftl_runner *r = NULL;
    long wrong = 0;
    ftl_config_init(&config);
    config.threads = 1;
    for (int i = 0; i < 20; i++) {
        float data[] = {1, (float)i};
        int64_t n = 2;
        ftl_tensor_spec spec = {.dtype = FTL_DTYPE_F32, .rank = 1, .shape = &n, .data = data};
        ftl_input input = {.name = "X"};
        wrong += ftl_tensor_from_data(&spec, &input.tensor) != FTL_OK;
        wrong += ftl_runner_new(p, &config, &input, 1, &r) != FTL_OK;
        wrong += ftl_runner_run(r) != FTL_OK;
        const float *y = ftl_tensor_get_data(ftl_runner_get_output(r, "Y"));
        wrong += y[1] != 3 + 4 * (float)i;
        ftl_runner_free(r);
        ftl_tensor_release(input.tensor);
    }
    return (void *)(intptr_t)wrong;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    ftl_program *p = api_parse(layer);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, p), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    ftl_program_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_and_rebind),
        cmocka_unit_test(test_rebind_another_shape),
        cmocka_unit_test(test_rebind_another_layout),
        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_set_output),
        cmocka_unit_test(test_inputs_are_released_once),
        cmocka_unit_test(test_warm_runs_allocate_nothing),
        cmocka_unit_test(test_memory_does_not_grow),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_configurations),
        cmocka_unit_test(test_data_faults),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
