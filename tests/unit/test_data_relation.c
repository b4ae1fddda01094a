/* SPDX-License-Identifier: Apache-2.0
 *
 * Relations against a table of what they hold, at all arities and on both sides of every width of
 * a packed tuple; memory that runs out; dense forms with any strides.
 */
#include "data/relation.h"
#include "unit.h"

#include <stdlib.h>

enum { MOST = 600 };

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

typedef struct sample {
    uint32_t arity;
    int64_t n, extent[FTL_MAX_RANK];
    uint32_t column[FTL_MAX_RANK][MOST];
} sample;

static ftl_status make(const ftl_allocator *alloc, const sample *s, ftl_relation **out)
{
    const uint32_t *column[FTL_MAX_RANK];
    for (uint32_t k = 0; k < s->arity; k++)
        column[k] = s->column[k];
    ftl_relation_spec spec = {.arity = s->arity, .n = s->n, .extent = s->extent,
                              .column = column};
    return ftl_relation_new(alloc, &spec, out);
}

static void get_tuple(const sample *s, int64_t i, uint32_t *tuple)
{
    for (uint32_t k = 0; k < s->arity; k++)
        tuple[k] = s->column[k][i];
}

static int compare(uint32_t arity, const uint32_t *a, const uint32_t *b)
{
    for (uint32_t k = 0; k < arity; k++)
        if (a[k] != b[k])
            return a[k] < b[k] ? -1 : 1;
    return 0;
}

static bool sample_has(const sample *s, const uint32_t *tuple)
{
    uint32_t other[FTL_MAX_RANK];
    for (int64_t i = 0; i < s->n; i++) {
        get_tuple(s, i, other);
        if (compare(s->arity, other, tuple) == 0)
            return true;
    }
    return false;
}

/* Rising, each of the sample, and each of the sample there. */
static void check_relation(const sample *s, const ftl_relation *r)
{
    uint32_t tuple[FTL_MAX_RANK], before[FTL_MAX_RANK];
    for (int64_t i = 0; i < r->n; i++) {
        for (uint32_t k = 0; k < s->arity; k++)
            tuple[k] = r->column[k][i];
        assert_true(sample_has(s, tuple));
        assert_true(i == 0 || compare(s->arity, before, tuple) < 0);
        assert_int_equal(ftl_relation_find(r, tuple), i);
        memcpy(before, tuple, sizeof before);
    }
    for (int64_t i = 0; i < s->n; i++) {
        get_tuple(s, i, tuple);
        assert_true(ftl_relation_has(r, tuple));
    }
    for (uint32_t k = 0; k < s->arity; k++)
        assert_int_equal(r->extent[k], s->extent[k]);
}

static void draw_sample(sample *s, uint64_t *random, uint32_t arity)
{
    static const int64_t extents[] = {1, 2, 3, 7, 255, 256, 257, 5000, 65536, 65537, 1 << 30,
                                      (int64_t)UINT32_MAX};
    s->arity = arity;
    s->n = (int64_t)(draw(random) % 3 == 0 ? draw(random) % 5 : draw(random) % MOST);
    bool is_small = draw(random) % 2;
    for (uint32_t k = 0; k < arity; k++) {
        s->extent[k] = extents[draw(random) % (is_small ? 4 : FTL_COUNT(extents))];
        uint64_t span = (uint64_t)s->extent[k];
        if (draw(random) % 4 == 0)
            span = (span + 1) / 2;
        for (int64_t i = 0; i < s->n; i++)
            s->column[k][i] = (uint32_t)(draw(random) % span);
    }
}

static void test_sorted_without_repeats(void **state)
{
    (void)state;
    static sample s;
    uint64_t random = 1;
    for (int round = 0; round < 500; round++) {
        ftl_relation *r = NULL;
        draw_sample(&s, &random, (uint32_t)(round % (round < 400 ? 6 : FTL_MAX_RANK + 1)));
        assert_int_equal(make(ftl_allocator_get_default(), &s, &r), FTL_OK);
        if (s.arity == 0)
            assert_int_equal(r->n, s.n > 0);
        check_relation(&s, r);
        ftl_relation_release(r);
    }
}

static void test_find_gives_the_first_not_below(void **state)
{
    (void)state;
    sample s = {.arity = 2, .n = 4, .extent = {9, 9}, .column = {{5, 2, 5, 2}, {1, 8, 3, 8}}};
    ftl_relation *r = NULL;
    assert_int_equal(make(ftl_allocator_get_default(), &s, &r), FTL_OK);
    assert_int_equal(r->n, 3);
    assert_int_equal(ftl_relation_find(r, (uint32_t[]){0, 0}), 0);
    assert_int_equal(ftl_relation_find(r, (uint32_t[]){2, 8}), 0);
    assert_int_equal(ftl_relation_find(r, (uint32_t[]){3, 0}), 1);
    assert_int_equal(ftl_relation_find(r, (uint32_t[]){5, 2}), 2);
    assert_int_equal(ftl_relation_find(r, (uint32_t[]){5, 4}), 3);
    assert_int_equal(ftl_relation_find(r, (uint32_t[]){4000000000u, 0}), 3);
    assert_false(ftl_relation_has(r, (uint32_t[]){5, 2}));
    assert_false(ftl_relation_has(r, (uint32_t[]){9, 9}));
    ftl_relation_release(r);
}

static void test_equality(void **state)
{
    (void)state;
    sample s = {.arity = 2, .n = 3, .extent = {9, 9}, .column = {{5, 2, 5}, {1, 8, 3}}};
    ftl_relation *a = NULL, *b = NULL;
    assert_int_equal(make(ftl_allocator_get_default(), &s, &a), FTL_OK);
    sample other[] = {s, s, s, s, s};
    other[1].column[1][2] = 4;
    other[2].n = 2;
    other[3].extent[0] = 10;
    other[4].arity = 1;
    for (size_t i = 0; i < FTL_COUNT(other); i++) {
        assert_int_equal(make(ftl_allocator_get_default(), &other[i], &b), FTL_OK);
        assert_int_equal(ftl_relation_is_equal(a, b), i == 0);
        ftl_relation_release(b);
    }
    assert_ptr_equal(ftl_relation_retain(a), a);
    ftl_relation_release(a);
    ftl_relation_release(a);
    ftl_relation_release(NULL);
}

static void test_refusals(void **state)
{
    (void)state;
    ftl_relation *r = NULL;
    const ftl_allocator *alloc = ftl_allocator_get_default();
    sample s = {.arity = 1, .n = 1, .extent = {3}, .column = {{3}}};
    assert_int_equal(make(alloc, &s, &r), FTL_ERR_USAGE);
    s.extent[0] = 0;
    assert_int_equal(make(alloc, &s, &r), FTL_ERR_USAGE);
    s.extent[0] = (int64_t)1 << 32;
    assert_int_equal(make(alloc, &s, &r), FTL_ERR_USAGE);
    s.extent[0] = -1;
    s.n = 0;
    assert_int_equal(make(alloc, &s, &r), FTL_ERR_USAGE);
    ftl_relation_spec spec = {.arity = 1, .n = -1, .extent = (int64_t[]){3}};
    assert_int_equal(ftl_relation_new(alloc, &spec, &r), FTL_ERR_USAGE);
    spec.n = INT64_MAX;
    assert_int_equal(ftl_relation_new(alloc, &spec, &r), FTL_ERR_MEMORY);
    spec = (ftl_relation_spec){.arity = FTL_MAX_RANK + 1};
    assert_int_equal(ftl_relation_new(alloc, &spec, &r), FTL_ERR_USAGE);
    assert_null(r);
}

/* All memory comes back, whichever call fails; at rest there are the columns alone. */
static void test_memory(void **state)
{
    (void)state;
    static sample s;
    uint64_t random = 5;
    do
        draw_sample(&s, &random, 3);
    while (s.n < 100);
    for (size_t fail_at = 4; fail_at-- > 0;) {
        unit_heap heap;
        ftl_relation *r = NULL;
        unit_heap_init(&heap);
        heap.fail_at = fail_at;
        ftl_status status = make(&heap.alloc, &s, &r);
        assert_int_equal(status, fail_at ? FTL_ERR_MEMORY : FTL_OK);
        if (r) {
            assert_int_equal(heap.live_bytes, ftl_relation_get_size(r));
            assert_in_range(heap.live_bytes, r->n * 12, r->n * 12 + 1024);
            ftl_relation_release(r);
        }
        assert_int_equal(heap.live_blocks, 0);
    }
}

/* ---- dense ---- */

static void check_dense(const ftl_tensor *t)
{
    const ftl_allocator *alloc = ftl_allocator_get_default();
    int64_t count = ftl_tensor_get_count(t), n = 0;
    ftl_relation *r = NULL;
    uint8_t *dst = malloc((size_t)count + 1);
    assert_non_null(dst);
    memset(dst, 7, (size_t)count + 1);
    assert_int_equal(ftl_relation_from_tensor(alloc, t, &r), FTL_OK);
    ftl_relation_to_dense(r, dst);
    for (int64_t i = 0; i < count; i++) {
        assert_int_equal(dst[i], ftl_tensor_get_double(t, i) != 0);
        n += dst[i];
    }
    assert_int_equal(dst[count], 7);
    assert_int_equal(r->n, n);
    ftl_relation *again = NULL;
    ftl_relation_spec spec = {.arity = r->arity, .n = r->n, .extent = r->extent,
                              .column = (const uint32_t *const *)r->column};
    assert_int_equal(ftl_relation_new(alloc, &spec, &again), FTL_OK);
    assert_true(ftl_relation_is_equal(r, again));
    ftl_relation_release(again);
    ftl_relation_release(r);
    free(dst);
}

static void test_dense(void **state)
{
    (void)state;
    static const int64_t shapes[][4] = {{5, 1, 7, 2}, {40, 33, 1, 1}, {3, 0, 2, 2}, {2, 2, 2, 30}};
    uint64_t random = 9;
    for (size_t i = 0; i < FTL_COUNT(shapes); i++)
        for (uint32_t rank = 0; rank <= 4; rank++) {
            ftl_tensor *t = NULL;
            assert_int_equal(ftl_tensor_new(ftl_allocator_get_default(), FTL_DTYPE_BOOL, rank,
                                            shapes[i], &t), FTL_OK);
            for (int64_t k = 0; k < ftl_tensor_get_count(t); k++)
                ((uint8_t *)t->data)[k] = draw(&random) % 11 == 0;
            check_dense(t);
            ftl_tensor_release(t);
        }
}

static void test_dense_with_strides(void **state)
{
    (void)state;
    static uint8_t bytes[60] = {[3] = 1, [7] = 200, [8] = 1, [30] = 1, [59] = 1};
    static const int64_t shape[] = {4, 3}, strides[][2] = {{1, 20}, {-3, 5}, {0, 1}, {15, 0}};
    for (size_t i = 0; i < FTL_COUNT(strides); i++) {
        ftl_tensor *t = NULL;
        ftl_tensor_bytes spec = {.dtype = FTL_DTYPE_BOOL, .rank = 2, .shape = shape,
                                 .strides = strides[i], .data = bytes + 9 * (i == 1)};
        assert_int_equal(ftl_tensor_wrap(ftl_allocator_get_default(), &spec, &t), FTL_OK);
        check_dense(t);
        ftl_tensor_release(t);
    }
}

static void test_dense_wants_bools(void **state)
{
    (void)state;
    ftl_tensor *t = NULL;
    ftl_relation *r = NULL;
    const ftl_allocator *alloc = ftl_allocator_get_default();
    assert_int_equal(ftl_tensor_new(alloc, FTL_DTYPE_U8, 1, (int64_t[]){2}, &t), FTL_OK);
    assert_int_equal(ftl_relation_from_tensor(alloc, t, &r), FTL_ERR_USAGE);
    ftl_tensor_release(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorted_without_repeats),
        cmocka_unit_test(test_find_gives_the_first_not_below),
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_dense),
        cmocka_unit_test(test_dense_with_strides),
        cmocka_unit_test(test_dense_wants_bools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
