/* SPDX-License-Identifier: Apache-2.0 */
#include "io/element.h"

#include "base/dtype.h"

#define BLOCK ((size_t)65536) /* bytes converted at a time, a multiple of every element size */

static ftl_status read_range(ftl_stream *s, void *dst, size_t n)
{
    FTL_TRY(ftl_file_read_at(s->file, s->offset, dst, n));
    s->offset += n;
    return FTL_OK;
}

ftl_stream ftl_stream_from_file(ftl_file *f, uint64_t offset)
{
    return (ftl_stream){.file = f, .read = read_range, .offset = offset};
}

/* Strides must be addressable even where another extent is 0: each extent counts as at least 1. */
ftl_status ftl_array_measure(ftl_file *f, ftl_array *a)
{
    size_t span = ftl_dtype_get_size(a->element.dtype);
    if (span < a->element.size)
        span = a->element.size;
    bool empty = false;
    uint64_t count = 1;
    for (uint32_t k = 0; k < a->rank; k++) {
        if (a->shape[k] < 0)
            return ftl_file_fail(f, "axis %u has the extent %lld", k, (long long)a->shape[k]);
        uint64_t extent = a->shape[k] > 0 ? (uint64_t)a->shape[k] : 1;
        if (!ftl_mul_size(span, extent, &span) || span > (size_t)INT64_MAX)
            return ftl_file_fail(f, "its shape is too large: more than 2^63 bytes");
        empty = empty || a->shape[k] == 0;
        count *= extent;
    }
    a->bytes = empty ? 0 : count * a->element.size;
    return FTL_OK;
}

static bool is_as_stored(const ftl_element *e)
{
    return !e->widen && !e->swap;
}

static void set_strides(ftl_tensor *t, const ftl_array *a)
{
    int64_t stride = (int64_t)ftl_dtype_get_size(t->dtype);
    for (uint32_t i = 0; i < a->rank; i++) {
        uint32_t k = a->fortran ? i : a->rank - 1 - i;
        t->strides[k] = stride;
        stride *= a->shape[k] > 0 ? a->shape[k] : 1;
    }
}

/* ---- conversion ---- */

static void swap_elements(unsigned char *p, size_t n, size_t size)
{
    for (size_t i = 0; i < n; i++, p += size)
        for (size_t j = 0; j < size / 2; j++) {
            unsigned char c = p[j];
            p[j] = p[size - 1 - j];
            p[size - 1 - j] = c;
        }
}

static uint64_t get_unsigned(const unsigned char *p, size_t size)
{
    uint64_t x = 0;
    memcpy(&x, p, size);
    return x;
}

/* n numbers without a sign from src as dtype into dst. */
static ftl_status widen_elements(ftl_file *f, const ftl_element *e, const unsigned char *src,
                                 size_t n, void *dst)
{
    int32_t *d32 = dst;
    int64_t *d64 = dst;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = get_unsigned(src + i * e->size, e->size);
        if (x > INT64_MAX)
            return ftl_file_fail(f, "holds %llu, more than a 64-bit number with a sign can be",
                                 (unsigned long long)x);
        if (e->dtype == FTL_DTYPE_I32)
            d32[i] = (int32_t)x;
        else
            d64[i] = (int64_t)x;
    }
    return FTL_OK;
}

static ftl_status read_converted(ftl_stream *s, const ftl_element *e, uint64_t count, char *dst)
{
    const ftl_allocator *alloc = s->file->options.alloc;
    unsigned char *block = ftl_mem_alloc(alloc, BLOCK);
    if (!block)
        return ftl_file_no_memory(s->file, BLOCK);
    size_t step = ftl_dtype_get_size(e->dtype);
    ftl_status status = FTL_OK;
    while (count > 0 && status == FTL_OK) {
        size_t n = count < BLOCK / e->size ? (size_t)count : BLOCK / e->size;
        status = s->read(s, block, n * e->size);
        if (status == FTL_OK && e->swap)
            swap_elements(block, n, e->size);
        if (status == FTL_OK && e->widen)
            status = widen_elements(s->file, e, block, n, dst);
        else if (status == FTL_OK)
            memcpy(dst, block, n * e->size);
        dst += n * step;
        count -= n;
    }
    ftl_mem_free(alloc, block, BLOCK);
    return status;
}

/* ---- tensors ---- */

static ftl_status fill(ftl_stream *s, const ftl_array *a, ftl_tensor *t)
{
    if (!is_as_stored(&a->element))
        return read_converted(s, &a->element, a->bytes / a->element.size, t->data);
    FTL_TRY(s->read(s, t->data, (size_t)a->bytes));
    unsigned char *p = t->data;
    for (uint64_t i = 0; a->element.dtype == FTL_DTYPE_BOOL && i < a->bytes; i++)
        p[i] = p[i] != 0;
    return FTL_OK;
}

ftl_status ftl_array_read(ftl_stream *s, const ftl_array *a, ftl_tensor **out)
{
    ftl_file *f = s->file;
    uint64_t count = a->bytes / a->element.size;
    size_t bytes = 0;
    if (!ftl_mul_size((size_t)count, ftl_dtype_get_size(a->element.dtype), &bytes))
        return ftl_file_fail(f, "its shape is too large");
    FTL_TRY(ftl_file_check_memory(f, bytes));
    ftl_tensor *t = NULL;
    ftl_status status = ftl_tensor_new(f->options.alloc, a->element.dtype, a->rank, a->shape, &t);
    if (status != FTL_OK)
        return ftl_file_no_memory(f, bytes);
    status = a->bytes > 0 ? fill(s, a, t) : FTL_OK;
    if (status != FTL_OK) {
        ftl_tensor_release(t);
        return status;
    }
    set_strides(t, a);
    *out = t;
    return FTL_OK;
}

ftl_status ftl_array_map(ftl_file *f, const ftl_array *a, uint64_t offset, ftl_tensor **out)
{
    if (a->element.swap)
        FTL_TRY(ftl_file_check_copy(f, "its numbers are big-endian"));
    if (a->element.widen)
        FTL_TRY(ftl_file_check_copy(f, "its numbers have no sign and would be widened"));
    if (offset > f->size || a->bytes > f->size - offset)
        return ftl_file_fail(f,
                             "is too short: its shape needs %llu bytes from byte %llu, it has %llu",
                             (unsigned long long)a->bytes, (unsigned long long)offset,
                             (unsigned long long)(offset > f->size ? 0 : f->size - offset));
    if (!is_as_stored(&a->element) || a->bytes == 0) {
        ftl_stream s = ftl_stream_from_file(f, offset);
        return ftl_array_read(&s, a, out);
    }
    void *data = NULL;
    ftl_tensor_bytes bytes = {
        .dtype = a->element.dtype, .rank = a->rank, .shape = a->shape, .mapped = true};
    FTL_TRY(ftl_file_map(f, offset, (size_t)a->bytes, &data, &bytes.owner));
    bytes.data = data;
    if (ftl_tensor_wrap(f->options.alloc, &bytes, out) != FTL_OK)
        return ftl_file_no_memory(f, sizeof(**out));
    set_strides(*out, a);
    return FTL_OK;
}
