/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors: shapes, ownership, copies of any strides, symbols and tuples.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/dtype.h"
#include "data/tensor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const ftl_allocator *heap(void)
{
    return ftl_allocator_get_default();
}

static void count_release(void *user)
{
    ++*(int *)user;
}

static void test_new_is_zero_and_aligned(void **state)
{
    (void)state;
    ftl_tensor *t = NULL;
    const int64_t shape[] = {3, 5};
    assert_int_equal(ftl_tensor_new(heap(), FTL_DTYPE_F32, 2, shape, &t), FTL_OK);
    assert_int_equal((uintptr_t)t->data % 64, 0);
    assert_int_equal(t->strides[0], 20);
    assert_int_equal(t->strides[1], 4);
    assert_int_equal(ftl_tensor_get_count(t), 15);
    assert_true(ftl_tensor_is_contiguous(t));
    for (int64_t i = 0; i < 15; i++)
        assert_true(ftl_tensor_get_double(t, i) == 0);
    ftl_tensor_release(ftl_tensor_retain(t));
    ftl_tensor_release(t);
    ftl_tensor_release(NULL);
}

static void test_bad_shapes(void **state)
{
    (void)state;
    ftl_tensor *t = NULL;
    const int64_t huge[] = {INT64_MAX, 16}, negative[] = {-1}, empty[] = {INT64_MAX, INT64_MAX, 0};
    int64_t ones[FTL_MAX_RANK + 1];
    for (size_t i = 0; i < FTL_COUNT(ones); i++)
        ones[i] = 1;
    assert_int_equal(ftl_tensor_new(heap(), FTL_DTYPE_F64, 2, huge, &t), FTL_ERR_MEMORY);
    assert_int_equal(ftl_tensor_new(heap(), FTL_DTYPE_F64, 1, negative, &t), FTL_ERR_USAGE);
    assert_int_equal(ftl_tensor_new(heap(), FTL_DTYPE_F64, FTL_MAX_RANK + 1, ones, &t),
                     FTL_ERR_USAGE);
    assert_null(t);
    assert_int_equal(ftl_tensor_new(heap(), FTL_DTYPE_F64, 3, empty, &t), FTL_OK);
    assert_int_equal(ftl_tensor_get_count(t), 0);
    ftl_tensor_release(t);
    int released = 0;
    ftl_tensor_bytes bytes = {.dtype = FTL_DTYPE_F32, .rank = 1, .shape = negative,
                              .owner = {count_release, &released}};
    assert_int_equal(ftl_tensor_wrap(heap(), &bytes, &t), FTL_ERR_USAGE);
    assert_int_equal(released, 1);
}

/* Element (i, j, k) of a tensor with odd strides holds i * 100 + j * 10 + k. */
static void test_copy_of_any_strides(void **state)
{
    (void)state;
    enum { N = 4096 };
    char *bytes = calloc(1, N);
    const int64_t shape[] = {2, 3, 4};
    const struct { int64_t start, strides[3]; } layouts[] = {
        {0, {48, 16, 4}}, {0, {4, 8, 24}}, {1, {61, 19, 4}}, {3, {5, 40, 130}},
        {2000, {-500, -100, -12}}, {0, {16, 32, 100}},
    };
    int released = 0;
    for (size_t l = 0; l < FTL_COUNT(layouts); l++) {
        memset(bytes, 0, N);
        char *first = bytes + layouts[l].start;
        for (int64_t p = 0; p < 24; p++) {
            int64_t i = p / 12, j = p / 4 % 3, k = p % 4;
            const int64_t *s = layouts[l].strides;
            float x = (float)(i * 100 + j * 10 + k);
            memcpy(first + i * s[0] + j * s[1] + k * s[2], &x, 4);
        }
        ftl_tensor *t = NULL;
        ftl_tensor_bytes source = {.dtype = FTL_DTYPE_F32, .rank = 3, .shape = shape,
                                   .strides = layouts[l].strides, .data = first,
                                   .owner = {count_release, &released}};
        assert_int_equal(ftl_tensor_wrap(heap(), &source, &t), FTL_OK);
        assert_int_equal(ftl_tensor_is_contiguous(t), l == 0);
        float same[24];
        int64_t whole[24];
        ftl_tensor_copy_to(t, FTL_DTYPE_F32, same);
        ftl_tensor_copy_to(t, FTL_DTYPE_I64, whole);
        for (int64_t p = 0; p < 24; p++) {
            int64_t wanted = p / 12 * 100 + p / 4 % 3 * 10 + p % 4;
            assert_true(same[p] == (float)wanted);
            assert_int_equal(whole[p], wanted);
            assert_true(ftl_tensor_get_double(t, p) == (double)wanted);
        }
        ftl_tensor_release(t);
        assert_int_equal(released, (int)l + 1);
    }
    free(bytes);
}

static void test_copy_of_broadcasts_and_long_runs(void **state)
{
    (void)state;
    enum { ROWS = 3, LONG = 5000 };
    static int16_t source[LONG * 2];
    for (int i = 0; i < LONG * 2; i++)
        source[i] = (int16_t)(i - LONG);
    const int64_t shape[] = {ROWS, LONG}, strides[] = {0, 4};
    ftl_tensor *t = NULL;
    ftl_tensor_bytes bytes = {.dtype = FTL_DTYPE_I16, .rank = 2, .shape = shape,
                              .strides = strides, .data = source};
    assert_int_equal(ftl_tensor_wrap(heap(), &bytes, &t), FTL_OK);
    double *out = malloc(sizeof(double) * ROWS * LONG);
    ftl_tensor_copy_to(t, FTL_DTYPE_F64, out);
    for (int i = 0; i < ROWS * LONG; i++)
        assert_true(out[i] == source[i % LONG * 2]);
    free(out);
    ftl_tensor_release(t);
}

static void test_scalar_and_empty_copies(void **state)
{
    (void)state;
    float x = 2.5f;
    const int64_t none[] = {4, 0};
    double out[2] = {0, 7};
    ftl_tensor *t = NULL;
    ftl_tensor_bytes scalar = {.dtype = FTL_DTYPE_F32, .data = &x};
    assert_int_equal(ftl_tensor_wrap(heap(), &scalar, &t), FTL_OK);
    ftl_tensor_copy_to(t, FTL_DTYPE_F64, out);
    ftl_tensor_release(t);
    assert_true(out[0] == 2.5 && out[1] == 7);
    assert_int_equal(ftl_tensor_new(heap(), FTL_DTYPE_F64, 2, none, &t), FTL_OK);
    ftl_tensor_copy_to(t, FTL_DTYPE_F64, out);
    ftl_tensor_release(t);
    assert_true(out[0] == 2.5 && out[1] == 7);
}

static void test_symbols(void **state)
{
    (void)state;
    ftl_symbols *s = ftl_symbols_new(heap());
    char text[32];
    assert_int_equal(ftl_symbols_find(s, "a", 1), -1);
    for (int i = 0; i < 1000; i++) {
        int len = snprintf(text, sizeof text, "town %d", i);
        assert_int_equal(ftl_symbols_add(s, text, (size_t)len), i);
        assert_int_equal(ftl_symbols_add(s, text, (size_t)len), i);
    }
    assert_int_equal(ftl_symbols_get_count(s), 1000);
    assert_int_equal(ftl_symbols_find(s, "town 77", 7), 77);
    assert_int_equal(ftl_symbols_find(s, "town 77", 6), 7);
    assert_int_equal(ftl_symbols_find(s, "town 1000", 9), -1);
    assert_string_equal(ftl_symbols_get(s, 999), "town 999");
    assert_int_equal(ftl_symbols_add(s, "a\0b", 3), 1000);
    assert_int_equal(ftl_symbols_find(s, "a", 1), -1);
    assert_int_equal(ftl_symbols_add(s, "", 0), 1001);
    assert_int_equal(ftl_symbols_find(s, "", 0), 1001);
    ftl_symbols_free(s);
    ftl_symbols_free(NULL);
}

/* An allocator that fails from its n-th call on, and checks the sizes that come back. */
typedef struct failing {
    int left;
    size_t held;
} failing;

static void *fail_alloc(void *user, size_t size)
{
    failing *f = user;
    if (f->left-- <= 0)
        return NULL;
    f->held += size;
    return aligned_alloc(64, (size + 63) & ~(size_t)63);
}

static void fail_free(void *user, void *p, size_t size)
{
    ((failing *)user)->held -= size;
    free(p);
}

static bool fill_symbols(const ftl_allocator *alloc)
{
    ftl_symbols *s = ftl_symbols_new(alloc);
    char text[64];
    bool complete = s != NULL;
    for (int i = 0; s && i < 300; i++) {
        int len = snprintf(text, sizeof text, "a rather long symbol, number %d", i);
        int64_t got = ftl_symbols_add(s, text, (size_t)len);
        assert_true(got == ftl_symbols_find(s, text, (size_t)len));
        complete = complete && got == i;
    }
    ftl_symbols_free(s);
    return complete;
}

static bool fill_tuples(const ftl_allocator *alloc)
{
    ftl_tuples *t = NULL;
    bool complete = ftl_tuples_new(alloc, 3, true, &t) == FTL_OK;
    for (int64_t i = 0; complete && i < 100; i++) {
        complete = ftl_tuples_reserve(t, i + 1) == FTL_OK;
        if (!complete)
            break;
        for (int k = 0; k < 3; k++)
            t->columns[k][i] = i * k;
        t->values[i] = (double)i;
        t->count++;
    }
    for (int64_t i = 0; t && i < t->count; i++)
        assert_true(t->columns[2][i] == 2 * i && t->values[i] == (double)i);
    ftl_tuples_free(t);
    return complete;
}

static void test_memory_failures_leak_nothing(void **state)
{
    (void)state;
    bool (*const jobs[])(const ftl_allocator *) = {fill_symbols, fill_tuples};
    for (size_t j = 0; j < FTL_COUNT(jobs); j++) {
        bool complete = false;
        int n = 0;
        for (; !complete && n < 200; n++) {
            failing f = {.left = n};
            ftl_allocator alloc = {.user = &f, .alloc = fail_alloc, .free = fail_free};
            complete = jobs[j](&alloc);
            assert_int_equal(f.held, 0);
        }
        assert_true(complete);
        assert_true(n > 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_is_zero_and_aligned),
        cmocka_unit_test(test_bad_shapes),
        cmocka_unit_test(test_copy_of_any_strides),
        cmocka_unit_test(test_copy_of_broadcasts_and_long_runs),
        cmocka_unit_test(test_scalar_and_empty_copies),
        cmocka_unit_test(test_symbols),
        cmocka_unit_test(test_memory_failures_leak_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
