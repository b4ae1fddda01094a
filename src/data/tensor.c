/* SPDX-License-Identifier: Apache-2.0
 *
 * A new tensor is one block: the struct, then its elements at the next multiple of 64 bytes. Copies
 * join the axes that lie one after the other in memory and then go run by run along the last one.
 */
#include "data/tensor.h"

#include "base/dtype.h"
#include "data/relation.h"

#define HEADER ((sizeof(ftl_tensor) + 63) & ~(size_t)63)

/* Bytes of a contiguous tensor; what is wrong with the shape otherwise. */
static ftl_status measure(ftl_dtype dtype, uint32_t rank, const int64_t *shape, size_t *out)
{
    size_t size = ftl_dtype_get_size(dtype);
    bool empty = false;
    if (rank > FTL_MAX_RANK)
        return FTL_ERR_USAGE;
    for (uint32_t k = 0; k < rank; k++) {
        if (shape[k] < 0)
            return FTL_ERR_USAGE;
        empty = empty || shape[k] == 0;
    }
    for (uint32_t k = 0; k < rank && !empty; k++)
        if (!ftl_mul_size(size, (size_t)shape[k], &size))
            return FTL_ERR_MEMORY;
    if (size > (size_t)INT64_MAX - HEADER)
        return FTL_ERR_MEMORY;
    *out = empty ? 0 : size;
    return FTL_OK;
}

/* Strides of an empty tensor count as if its extents were at least 1; they are never used. */
static void set_row_major(ftl_tensor *t)
{
    int64_t stride = (int64_t)ftl_dtype_get_size(t->dtype);
    bool empty = ftl_tensor_get_count(t) == 0;
    for (uint32_t k = t->rank; k-- > 0;) {
        t->strides[k] = stride;
        if (!empty)
            stride *= t->shape[k];
    }
}

static void init_tensor(ftl_tensor *t, const ftl_tensor *facts, const int64_t *shape)
{
    *t = *facts;
    t->refs = 1;
    for (uint32_t k = 0; k < t->rank; k++)
        t->shape[k] = shape[k];
    set_row_major(t);
}

ftl_status ftl_tensor_new(const ftl_allocator *alloc, ftl_dtype dtype, uint32_t rank,
                          const int64_t *shape, ftl_tensor **out)
{
    size_t size = 0;
    FTL_TRY(measure(dtype, rank, shape, &size));
    ftl_tensor *t = ftl_mem_alloc(alloc, HEADER + size);
    if (!t)
        return FTL_ERR_MEMORY;
    ftl_tensor facts = {.dtype = dtype, .rank = rank, .data = (char *)t + HEADER,
                        .alloc = *alloc, .block = HEADER + size};
    init_tensor(t, &facts, shape);
    memset(t->data, 0, size);
    *out = t;
    return FTL_OK;
}

static void release_owner(ftl_owner owner)
{
    if (owner.release)
        owner.release(owner.user);
}

ftl_status ftl_tensor_wrap(const ftl_allocator *alloc, const ftl_tensor_bytes *bytes,
                           ftl_tensor **out)
{
    size_t size = 0;
    ftl_status status = measure(bytes->dtype, bytes->rank, bytes->shape, &size);
    ftl_tensor *t = status == FTL_OK ? ftl_mem_alloc(alloc, sizeof(*t)) : NULL;
    if (!t) {
        release_owner(bytes->owner);
        return status == FTL_OK ? FTL_ERR_MEMORY : status;
    }
    ftl_tensor facts = {.dtype = bytes->dtype, .rank = bytes->rank, .data = bytes->data,
                        .mapped = bytes->mapped, .owner = bytes->owner,
                        .alloc = *alloc, .block = sizeof(*t)};
    init_tensor(t, &facts, bytes->shape);
    for (uint32_t k = 0; bytes->strides && k < bytes->rank; k++)
        t->strides[k] = bytes->strides[k];
    *out = t;
    return FTL_OK;
}

ftl_status ftl_tensor_new_tuples(const ftl_allocator *alloc, ftl_relation *r, ftl_tensor **out)
{
    ftl_tensor *t = ftl_mem_alloc(alloc, sizeof *t);
    if (!t)
        return FTL_ERR_MEMORY;
    *t = (ftl_tensor){.dtype = FTL_DTYPE_BOOL, .rank = r->arity, .alloc = *alloc, .refs = 1,
                      .block = sizeof *t, .tuples = ftl_relation_retain(r)};
    memcpy(t->shape, r->extent, r->arity * sizeof *t->shape);
    *out = t;
    return FTL_OK;
}

ftl_tensor *ftl_tensor_retain(ftl_tensor *t)
{
    __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
    return t;
}

void ftl_tensor_release(ftl_tensor *t)
{
    if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    release_owner(t->owner);
    ftl_relation_release(t->tuples);
    ftl_allocator alloc = t->alloc;
    ftl_mem_free(&alloc, t, t->block);
}

int64_t ftl_tensor_get_count(const ftl_tensor *t)
{
    int64_t count = 1;
    if (!t)
        return 0;
    for (uint32_t k = 0; k < t->rank; k++)
        if (t->shape[k] == 0)
            return 0;
    for (uint32_t k = 0; k < t->rank; k++)
        if (__builtin_mul_overflow(count, t->shape[k], &count))
            return INT64_MAX;
    return count;
}

/* ---- copies ---- */

/* The axes of a copy: those of extent 1 left out, those that follow each other in memory joined. */
typedef struct walk {
    uint32_t rank;
    int64_t shape[FTL_MAX_RANK], strides[FTL_MAX_RANK];
} walk;

static walk make_walk(const ftl_tensor *t)
{
    walk w = {0};
    for (uint32_t k = 0; k < t->rank; k++) {
        if (t->shape[k] == 1)
            continue;
        uint32_t last = w.rank - 1;
        if (w.rank > 0 && w.strides[last] == t->shape[k] * t->strides[k]) {
            w.shape[last] *= t->shape[k];
            w.strides[last] = t->strides[k];
        } else {
            w.shape[w.rank] = t->shape[k];
            w.strides[w.rank++] = t->strides[k];
        }
    }
    return w;
}

bool ftl_tensor_is_contiguous(const ftl_tensor *t)
{
    if (ftl_tensor_get_count(t) == 0)
        return true;
    walk w = make_walk(t);
    return w.rank == 0 || (w.rank == 1 && w.strides[0] == (int64_t)ftl_dtype_get_size(t->dtype));
}

/* dst[i] = the element of `size` bytes at src + i * stride. */
static void collect(char *dst, const char *src, int64_t stride, size_t size, size_t n)
{
    if (stride == (int64_t)size) {
        memcpy(dst, src, n * size);
        return;
    }
    for (size_t i = 0; i < n; i++)
        memcpy(dst + i * size, src + (int64_t)i * stride, size);
}

typedef struct run {
    ftl_dtype from, to;
    int64_t stride; /* bytes between the elements of src */
    size_t n;
} run;

/* One run: straight when nothing is converted or the source is dense and aligned, else through a
 * buffer of aligned elements. */
static void copy_run(char *dst, const char *src, const run *r)
{
    _Alignas(64) char buffer[4096];
    size_t size = ftl_dtype_get_size(r->from), to_size = ftl_dtype_get_size(r->to);
    if (r->from == r->to) {
        collect(dst, src, r->stride, size, r->n);
        return;
    }
    if (r->stride == (int64_t)size && (uintptr_t)src % size == 0) {
        ftl_dtype_convert(dst, r->to, src, r->from, r->n);
        return;
    }
    for (size_t done = 0; done < r->n;) {
        size_t left = r->n - done, room = sizeof(buffer) / size;
        size_t part = left < room ? left : room;
        collect(buffer, src + (int64_t)done * r->stride, r->stride, size, part);
        ftl_dtype_convert(dst + done * to_size, r->to, buffer, r->from, part);
        done += part;
    }
}

void ftl_tensor_copy_to(const ftl_tensor *src, ftl_dtype dtype, void *dst)
{
    if (ftl_tensor_get_count(src) == 0)
        return;
    walk w = make_walk(src);
    uint32_t outer = w.rank > 0 ? w.rank - 1 : 0;
    run r = {.from = src->dtype, .to = dtype,
             .stride = w.rank > 0 ? w.strides[outer] : (int64_t)ftl_dtype_get_size(src->dtype),
             .n = w.rank > 0 ? (size_t)w.shape[outer] : 1};
    size_t run_size = r.n * ftl_dtype_get_size(dtype);
    int64_t place[FTL_MAX_RANK] = {0};
    const char *from = src->data;
    char *to = dst;
    for (;;) {
        copy_run(to, from, &r);
        to += run_size;
        uint32_t k = outer;
        for (; k > 0; k--) {
            from += w.strides[k - 1];
            if (++place[k - 1] < w.shape[k - 1])
                break;
            from -= w.strides[k - 1] * w.shape[k - 1];
            place[k - 1] = 0;
        }
        if (k == 0)
            return;
    }
}

double ftl_tensor_get_double(const ftl_tensor *t, int64_t position)
{
    const char *p = t->data;
    int64_t element = 0;
    for (uint32_t k = t->rank; k-- > 0;) {
        p += position % t->shape[k] * t->strides[k];
        position /= t->shape[k];
    }
    assert(position == 0);
    memcpy(&element, p, ftl_dtype_get_size(t->dtype));
    return ftl_dtype_get_double(t->dtype, &element);
}
