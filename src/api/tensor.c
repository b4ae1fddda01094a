/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies of fusetl.h: tensors, files of one tensor, DLPack.
 */
#include "api/api.h"
#include "data/dlpack.h"

static bool is_shape(ftl_dtype dtype, uint32_t rank, const int64_t *shape)
{
    if ((unsigned)dtype >= FTL_DTYPE_COUNT || rank > FTL_MAX_RANK || (rank && !shape))
        return false;
    for (uint32_t k = 0; k < rank; k++)
        if (shape[k] < 0)
            return false;
    return true;
}

static bool is_empty(uint32_t rank, const int64_t *shape)
{
    for (uint32_t k = 0; k < rank; k++)
        if (shape[k] == 0)
            return true;
    return false;
}

ftl_status ftl_tensor_create(const ftl_allocator *alloc, ftl_dtype dtype, uint32_t rank,
                             const int64_t *shape, ftl_tensor **out)
{
    if (!out || !is_shape(dtype, rank, shape))
        return FTL_ERR_USAGE;
    return ftl_tensor_new(alloc ? alloc : ftl_allocator_get_default(), dtype, rank, shape, out);
}

ftl_status ftl_tensor_from_data(const ftl_tensor_spec *spec, ftl_tensor **out)
{
    ftl_tensor *t;
    if (!spec || !out || !is_shape(spec->dtype, spec->rank, spec->shape))
        return FTL_ERR_USAGE;
    if (!spec->data && !is_empty(spec->rank, spec->shape))
        return FTL_ERR_USAGE;
    ftl_tensor_bytes bytes = {.dtype = spec->dtype,
                              .rank = spec->rank,
                              .shape = spec->shape,
                              .strides = spec->strides,
                              .data = spec->data};
    FTL_TRY(ftl_tensor_wrap(ftl_allocator_get_default(), &bytes, &t));
    t->owner = (ftl_owner){.release = spec->release, .user = spec->user};
    *out = t;
    return FTL_OK;
}

static ftl_status report(ftl_status status, const char *text, char **message)
{
    if (message)
        (void)ftl_api_copy_text(NULL, text, message);
    return status;
}

typedef struct loading {
    ftl_arena arena;
    const char *path;
    ftl_tensor **out;
    ftl_io_error error;
} loading;

static ftl_status load(void *p)
{
    loading *l = p;
    ftl_tensor_place place = {0};
    ftl_io_split_path(&l->arena, l->path, &place.file, &place.member);
    return ftl_io_read_tensor(&place, NULL, l->out, &l->error);
}

ftl_status ftl_tensor_load(const char *path, ftl_tensor **out, char **message)
{
    if (!path || !out)
        return FTL_ERR_USAGE;
    loading l = {.path = path, .out = out};
    ftl_arena_init(&l.arena, ftl_allocator_get_default());
    ftl_status status = ftl_arena_run(&l.arena, load, &l);
    ftl_arena_fini(&l.arena);
    if (status == FTL_OK)
        return FTL_OK;
    return report(status, l.error.message[0] ? l.error.message : ftl_status_get_text(status),
                  message);
}

ftl_status ftl_tensor_save(const ftl_tensor *t, const char *path, char **message)
{
    ftl_io_error error = {0};
    if (!t || !path)
        return FTL_ERR_USAGE;
    ftl_status status = ftl_io_write_tensor(path, t, NULL, &error);
    return status == FTL_OK ? FTL_OK : report(status, error.message, message);
}

ftl_dtype ftl_tensor_get_dtype(const ftl_tensor *t)
{
    return t ? t->dtype : FTL_DTYPE_BOOL;
}

uint32_t ftl_tensor_get_rank(const ftl_tensor *t)
{
    return t ? t->rank : 0;
}

const int64_t *ftl_tensor_get_shape(const ftl_tensor *t)
{
    return t ? t->shape : NULL;
}

const int64_t *ftl_tensor_get_strides(const ftl_tensor *t)
{
    return t ? t->strides : NULL;
}

void *ftl_tensor_get_data(const ftl_tensor *t)
{
    return t ? t->data : NULL;
}

/* ---- DLPack ---- */

static const DLDataType dl_types[FTL_DTYPE_COUNT] = {
    [FTL_DTYPE_BOOL] = {DL_BOOL, 8, 1},  [FTL_DTYPE_U8] = {DL_UINT, 8, 1},
    [FTL_DTYPE_I8] = {DL_INT, 8, 1},     [FTL_DTYPE_I16] = {DL_INT, 16, 1},
    [FTL_DTYPE_I32] = {DL_INT, 32, 1},   [FTL_DTYPE_I64] = {DL_INT, 64, 1},
    [FTL_DTYPE_F16] = {DL_FLOAT, 16, 1}, [FTL_DTYPE_BF16] = {DL_BFLOAT, 16, 1},
    [FTL_DTYPE_F32] = {DL_FLOAT, 32, 1}, [FTL_DTYPE_F64] = {DL_FLOAT, 64, 1}};

/* What a consumer holds: the struct that it gets, and the tensor that it keeps alive. */
typedef struct dl_export {
    DLManagedTensor managed;
    ftl_allocator alloc;
    ftl_tensor *t;
    int64_t strides[FTL_MAX_RANK];
} dl_export;

static void end_export(DLManagedTensor *self)
{
    dl_export *e = self->manager_ctx;
    ftl_allocator alloc = e->alloc;
    ftl_tensor_release(e->t);
    ftl_mem_free(&alloc, e, sizeof(*e));
}

ftl_status ftl_tensor_to_dlpack(ftl_tensor *t, struct DLManagedTensor **out)
{
    if (!t || !out)
        return FTL_ERR_USAGE;
    int64_t size = (int64_t)ftl_dtype_get_size(t->dtype);
    for (uint32_t k = 0; k < t->rank; k++)
        if (t->strides[k] % size != 0)
            return FTL_ERR_UNSUPPORTED;
    dl_export *e = ftl_mem_alloc(&t->alloc, sizeof(*e));
    if (!e)
        return FTL_ERR_MEMORY;
    *e = (dl_export){.alloc = t->alloc};
    for (uint32_t k = 0; k < t->rank; k++)
        e->strides[k] = t->strides[k] / size;
    e->t = ftl_tensor_retain(t);
    e->managed.dl_tensor = (DLTensor){.data = t->data,
                                      .device = {DL_CPU, 0},
                                      .ndim = (int32_t)t->rank,
                                      .dtype = dl_types[t->dtype],
                                      .shape = t->shape,
                                      .strides = e->strides};
    e->managed.manager_ctx = e;
    e->managed.deleter = end_export;
    *out = &e->managed;
    return FTL_OK;
}

static void end_import(void *user)
{
    DLManagedTensor *m = user;
    if (m->deleter)
        m->deleter(m);
}

static bool find_type(DLDataType type, ftl_dtype *out)
{
    for (int i = 0; i < FTL_DTYPE_COUNT; i++) {
        if (dl_types[i].code == type.code && dl_types[i].bits == type.bits && type.lanes == 1) {
            *out = (ftl_dtype)i;
            return true;
        }
    }
    return false;
}

ftl_status ftl_tensor_from_dlpack(struct DLManagedTensor *m, ftl_tensor **out)
{
    ftl_dtype dtype;
    int64_t strides[FTL_MAX_RANK];
    if (!m || !out || m->dl_tensor.ndim < 0)
        return FTL_ERR_USAGE;
    const DLTensor *d = &m->dl_tensor;
    bool here = d->device.device_type == DL_CPU || d->device.device_type == DL_CUDA_HOST;
    if (!here || d->ndim > FTL_MAX_RANK || !find_type(d->dtype, &dtype))
        return FTL_ERR_UNSUPPORTED;
    int64_t size = (int64_t)ftl_dtype_get_size(dtype);
    for (int32_t k = 0; d->strides && k < d->ndim; k++)
        if (__builtin_mul_overflow(d->strides[k], size, &strides[k]))
            return FTL_ERR_USAGE;
    ftl_tensor_spec spec = {.dtype = dtype,
                            .rank = (uint32_t)d->ndim,
                            .shape = d->shape,
                            .strides = d->strides ? strides : NULL,
                            .data = d->data ? (char *)d->data + d->byte_offset : NULL,
                            .release = end_import,
                            .user = m};
    return ftl_tensor_from_data(&spec, out);
}
