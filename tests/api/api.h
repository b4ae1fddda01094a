/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests through fusetl.h alone: cmocka, an allocator that counts, programs and tensors in a
 * line.
 */
#ifndef FTL_TESTS_API_H
#define FTL_TESTS_API_H

#include "fusetl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Counts calls and live blocks; call number fail_at and all after it get nothing (0: never). */
typedef struct api_heap {
    ftl_allocator alloc;
    size_t calls, live, fail_at;
} api_heap;

static inline void *api_heap_take(void *user, size_t size)
{
    api_heap *heap = user;
    heap->calls++;
    if (heap->fail_at && heap->calls >= heap->fail_at)
        return NULL;
    void *p = aligned_alloc(64, (size + 63) / 64 * 64);
    heap->live += p != NULL;
    return p;
}

static inline void api_heap_give(void *user, void *p, size_t size)
{
    api_heap *heap = user;
    (void)size;
    heap->live--;
    free(p);
}

static inline void api_heap_init(api_heap *heap)
{
    *heap = (api_heap){.alloc = {heap, api_heap_take, api_heap_give}};
}

static inline ftl_program *api_parse(const char *text)
{
    ftl_program *p = NULL;
    if (ftl_program_parse(NULL, "test.fuse", text, strlen(text), &p) != FTL_OK)
        fail_msg("%s", ftl_program_get_diagnostics(p));
    return p;
}

/* A runner of the program with one input, or none (name null). */
static inline ftl_runner *api_compile(const ftl_program *p, const ftl_config *config,
                                      const char *name, ftl_tensor *t)
{
    ftl_runner *r = NULL;
    ftl_input input = {.name = name, .tensor = t};
    ftl_config standard;
    ftl_config_init(&standard);
    ftl_status status = ftl_runner_new(p, config ? config : &standard, &input, name ? 1 : 0, &r);
    if (status != FTL_OK)
        fail_msg("%s", ftl_runner_get_diagnostics(r));
    return r;
}

/* A new f32 vector. */
static inline ftl_tensor *api_vector(const ftl_allocator *alloc, int64_t n, const float *values)
{
    ftl_tensor *t = NULL;
    assert_int_equal(ftl_tensor_create(alloc, FTL_DTYPE_F32, 1, &n, &t), FTL_OK);
    memcpy(ftl_tensor_get_data(t), values, (size_t)n * sizeof(float));
    return t;
}

static inline void api_check_values(const ftl_tensor *t, const float *want, int64_t n)
{
    assert_non_null(t);
    assert_int_equal(ftl_tensor_get_dtype(t), FTL_DTYPE_F32);
    assert_int_equal(ftl_tensor_get_count(t), n);
    const float *got = ftl_tensor_get_data(t);
    for (int64_t i = 0; i < n; i++)
        if (got[i] != want[i])
            fail_msg("element %d is %g, not %g", (int)i, (double)got[i], (double)want[i]);
}

static inline void api_run(ftl_runner *r)
{
    if (ftl_runner_run(r) != FTL_OK)
        fail_msg("%s", ftl_runner_get_diagnostics(r));
}

#endif
