/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors: new ones, bytes of the caller, files, DLPack, and who frees what.
 */
#include "api.h"

#include <stdio.h>
#include <unistd.h>

/* From the specification of DLPack 1.x (unversioned). */
typedef struct DLManagedTensor {
    struct {
        void *data;
        struct {
            int32_t type, id;
        } device;
        int32_t ndim;
        struct {
            uint8_t code, bits;
            uint16_t lanes;
        } dtype;
        int64_t *shape, *strides;
        uint64_t byte_offset;
    } tensor;
    void *context;
    void (*deleter)(struct DLManagedTensor *self);
} DLManagedTensor;

static void count(void *user)
{
    ++*(int *)user;
}

static void test_create(void **state)
{
    (void)state;
    api_heap heap;
    ftl_tensor *t = NULL;
    int64_t shape[] = {2, 3}, negative[] = {2, -1};
    api_heap_init(&heap);
    assert_int_equal(ftl_tensor_create(&heap.alloc, FTL_DTYPE_I32, 2, shape, &t), FTL_OK);
    assert_int_equal(ftl_tensor_get_dtype(t), FTL_DTYPE_I32);
    assert_int_equal(ftl_tensor_get_rank(t), 2);
    assert_int_equal(ftl_tensor_get_shape(t)[1], 3);
    assert_int_equal(ftl_tensor_get_strides(t)[0], 12);
    assert_int_equal(ftl_tensor_get_count(t), 6);
    assert_int_equal(((int32_t *)ftl_tensor_get_data(t))[5], 0);
    assert_int_equal(heap.live, 1);
    assert_ptr_equal(ftl_tensor_retain(t), t);
    ftl_tensor_release(t);
    assert_int_equal(heap.live, 1);
    ftl_tensor_release(t);
    assert_int_equal(heap.live, 0);
    ftl_tensor_release(NULL);
    assert_int_equal(ftl_tensor_create(NULL, FTL_DTYPE_F32, 2, negative, &t), FTL_ERR_USAGE);
    assert_int_equal(ftl_tensor_create(NULL, FTL_DTYPE_F32, 2, NULL, &t), FTL_ERR_USAGE);
    assert_int_equal(ftl_tensor_create(NULL, FTL_DTYPE_F32, 33, shape, &t), FTL_ERR_USAGE);
    assert_int_equal(ftl_tensor_create(NULL, (ftl_dtype)77, 2, shape, &t), FTL_ERR_USAGE);
    assert_int_equal(ftl_tensor_create(NULL, FTL_DTYPE_F32, 2, shape, NULL), FTL_ERR_USAGE);
    int64_t huge[] = {INT64_MAX, 16};
    assert_int_equal(ftl_tensor_create(NULL, FTL_DTYPE_F32, 2, huge, &t), FTL_ERR_MEMORY);
    assert_int_equal(ftl_dtype_get_size(FTL_DTYPE_BF16), 2);
}

static void test_from_data(void **state)
{
    (void)state;
    float data[4] = {1, 2, 3, 4};
    int64_t shape[] = {2, 2}, strides[] = {4, 8};
    int released = 0;
    ftl_tensor *t = NULL;
    ftl_tensor_spec spec = {.dtype = FTL_DTYPE_F32, .rank = 2, .shape = shape, .strides = strides,
                            .data = data, .release = count, .user = &released};
    assert_int_equal(ftl_tensor_from_data(&spec, &t), FTL_OK);
    assert_ptr_equal(ftl_tensor_get_data(t), data);
    assert_int_equal(ftl_tensor_get_strides(t)[1], 8);
    ftl_tensor_retain(t);
    ftl_tensor_release(t);
    assert_int_equal(released, 0);
    ftl_tensor_release(t);
    assert_int_equal(released, 1);
    spec.data = NULL;
    assert_int_equal(ftl_tensor_from_data(&spec, &t), FTL_ERR_USAGE);
    assert_int_equal(ftl_tensor_from_data(NULL, &t), FTL_ERR_USAGE);
    assert_int_equal(released, 1);
    shape[0] = 0; /* no elements, no bytes */
    assert_int_equal(ftl_tensor_from_data(&spec, &t), FTL_OK);
    ftl_tensor_release(t);
}

static void test_files(void **state)
{
    (void)state;
    char path[64], *message = NULL;
    float values[] = {1, 2.5f, 3};
    ftl_tensor *t = api_vector(NULL, 3, values), *back = NULL;
    snprintf(path, sizeof(path), "api-test-%d.npy", (int)getpid());
    assert_int_equal(ftl_tensor_save(t, path, &message), FTL_OK);
    assert_int_equal(ftl_tensor_load(path, &back, &message), FTL_OK);
    api_check_values(back, values, 3);
    ftl_tensor_release(back);
    remove(path);
    assert_int_equal(ftl_tensor_load(path, &back, &message), FTL_ERR_IO);
    assert_non_null(strstr(message, path));
    ftl_text_free(message);
    assert_int_equal(ftl_tensor_load(path, &back, NULL), FTL_ERR_IO);
    assert_int_equal(ftl_tensor_save(t, "x.xyz", &message), FTL_ERR_IO);
    assert_non_null(strstr(message, "x.xyz"));
    ftl_text_free(message);
    assert_int_equal(ftl_tensor_save(NULL, path, &message), FTL_ERR_USAGE);
    assert_int_equal(ftl_tensor_load(NULL, &back, &message), FTL_ERR_USAGE);
    ftl_tensor_release(t);
}

static void test_dlpack_out(void **state)
{
    (void)state;
    DLManagedTensor *m = NULL;
    ftl_tensor *t = api_vector(NULL, 2, (float[]){5, 6});
    assert_int_equal(ftl_tensor_to_dlpack(t, &m), FTL_OK);
    void *data = ftl_tensor_get_data(t);
    ftl_tensor_release(t); /* the struct keeps it alive */
    assert_ptr_equal(m->tensor.data, data);
    assert_int_equal(m->tensor.ndim, 1);
    assert_int_equal(m->tensor.shape[0], 2);
    assert_int_equal(m->tensor.strides[0], 1);
    assert_int_equal(m->tensor.dtype.code, 2);
    assert_int_equal(m->tensor.dtype.bits, 32);
    assert_int_equal(m->tensor.device.type, 1);
    assert_true(((float *)m->tensor.data)[1] == 6);
    m->deleter(m);
    assert_int_equal(ftl_tensor_to_dlpack(NULL, &m), FTL_ERR_USAGE);
}

static void delete(DLManagedTensor *self)
{
    ++*(int *)self->context;
}

static void test_dlpack_in(void **state)
{
    (void)state;
    float data[] = {0, 1, 2, 3, 4};
    int64_t shape[] = {2}, strides[] = {2};
    int deleted = 0;
    DLManagedTensor m = {.context = &deleted, .deleter = delete};
    m.tensor.data = data;
    m.tensor.device.type = 1;
    m.tensor.ndim = 1;
    m.tensor.dtype.code = 2;
    m.tensor.dtype.bits = 32;
    m.tensor.dtype.lanes = 1;
    m.tensor.shape = shape;
    m.tensor.strides = strides;
    m.tensor.byte_offset = 4;
    ftl_tensor *t = NULL;
    assert_int_equal(ftl_tensor_from_dlpack(&m, &t), FTL_OK);
    assert_ptr_equal(ftl_tensor_get_data(t), data + 1);
    assert_int_equal(ftl_tensor_get_strides(t)[0], 8);
    ftl_tensor_release(t);
    assert_int_equal(deleted, 1);
    m.tensor.device.type = 2; /* a GPU's memory */
    assert_int_equal(ftl_tensor_from_dlpack(&m, &t), FTL_ERR_UNSUPPORTED);
    m.tensor.device.type = 1;
    m.tensor.dtype.code = 5; /* complex */
    assert_int_equal(ftl_tensor_from_dlpack(&m, &t), FTL_ERR_UNSUPPORTED);
    m.tensor.dtype.code = 2;
    m.tensor.data = NULL;
    assert_int_equal(ftl_tensor_from_dlpack(&m, &t), FTL_ERR_USAGE);
    assert_int_equal(ftl_tensor_from_dlpack(NULL, &t), FTL_ERR_USAGE);
    assert_int_equal(deleted, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),     cmocka_unit_test(test_from_data),
        cmocka_unit_test(test_files),      cmocka_unit_test(test_dlpack_out),
        cmocka_unit_test(test_dlpack_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
