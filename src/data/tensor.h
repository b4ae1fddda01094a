/* SPDX-License-Identifier: Apache-2.0
 *
 * data: tensors in memory, relations as tuples, symbol tables. A tensor is dtype, shape, strides
 * and a counted owner of its bytes. Strides are in bytes and may be zero or negative. Tensors are
 * immutable once shared, apart from the outputs that a run writes.
 */
#ifndef FTL_DATA_TENSOR_H
#define FTL_DATA_TENSOR_H

#include "base/base.h"

/* Who frees the bytes: fn(user) is called when the last tensor that shares them is released. */
typedef struct ftl_owner {
    void (*release)(void *user);
    void *user;
} ftl_owner;

typedef struct ftl_tensor ftl_tensor;
struct ftl_tensor {
    ftl_dtype dtype;
    uint32_t rank;
    int64_t shape[FTL_MAX_RANK];
    int64_t strides[FTL_MAX_RANK];  /* bytes */
    void *data;                     /* first element; may be unaligned in a mapped file; a bool's
                                     * byte is 1 when true, from outside it may be any but 0 */
    bool mapped;                    /* the bytes are a read-only file map */
    struct ftl_relation *tuples;    /* not null: a bool tensor that is true at these tuples and has
                                     * no bytes (data is null); owned (relation.h) */
    /* private */
    int refs;                       /* atomic */
    ftl_owner owner;
    ftl_allocator alloc;            /* a copy: a tensor may outlive who made it */
    size_t block;                   /* bytes of this struct and the elements that follow it */
};

/* New zeroed contiguous row-major tensor, one reference. FTL_ERR_MEMORY when it is too large;
 * FTL_ERR_USAGE for a rank over FTL_MAX_RANK or a negative extent. */
ftl_status ftl_tensor_new(const ftl_allocator *alloc, ftl_dtype dtype, uint32_t rank,
                          const int64_t *shape, ftl_tensor **out);
/* Bytes of somebody else's. */
typedef struct ftl_tensor_bytes {
    ftl_dtype dtype;
    uint32_t rank;
    const int64_t *shape;
    const int64_t *strides; /* bytes; null: row-major */
    void *data;
    ftl_owner owner;        /* release may be null: nobody frees */
    bool mapped;
} ftl_tensor_bytes;
/* A tensor over bytes that their owner releases (at once when this fails, as ftl_tensor_new does).
 * */
ftl_status ftl_tensor_wrap(const ftl_allocator *alloc, const ftl_tensor_bytes *bytes,
                           ftl_tensor **out);
ftl_tensor *ftl_tensor_retain(ftl_tensor *t);
void ftl_tensor_release(ftl_tensor *t); /* null is fine */
int64_t ftl_tensor_get_count(const ftl_tensor *t);
bool ftl_tensor_is_contiguous(const ftl_tensor *t);
size_t ftl_dtype_get_size(ftl_dtype dtype); /* bytes of an element (base/dtype.h) */
/* Row-major copy of src as dtype into dst (count * size bytes). Any strides, any alignment. */
void ftl_tensor_copy_to(const ftl_tensor *src, ftl_dtype dtype, void *dst);
/* Element at a row-major position, as double (int64 beyond 2^53 loses digits). */
double ftl_tensor_get_double(const ftl_tensor *t, int64_t position);

/* ---- symbol tables: the names of a domain, numbered as declared or first met ---- */
typedef struct ftl_symbols ftl_symbols;
ftl_symbols *ftl_symbols_new(const ftl_allocator *alloc); /* null: no memory */
void ftl_symbols_free(ftl_symbols *s);
/* The number of a symbol (len bytes, no NUL needed), -1 when it is not there. */
int64_t ftl_symbols_find(const ftl_symbols *s, const char *text, size_t len);
/* Finds or adds; -1: no memory. */
int64_t ftl_symbols_add(ftl_symbols *s, const char *text, size_t len);
int64_t ftl_symbols_get_count(const ftl_symbols *s);
const char *ftl_symbols_get(const ftl_symbols *s, int64_t i); /* NUL-terminated, borrowed */

/* ---- tuples of a relation: columns of int64 (a position or a symbol number), optional values ----
 * */
typedef struct ftl_tuples {
    const ftl_allocator *alloc;
    uint32_t arity;
    int64_t count;
    int64_t cap;                    /* entries that each column and values have room for */
    int64_t *columns[FTL_MAX_RANK]; /* count entries each */
    double *values;                 /* count entries, or null: all 1 */
    bool is_text[FTL_MAX_RANK];     /* the column was text: entries are numbers in symbols[k] */
    ftl_symbols *symbols[FTL_MAX_RANK]; /* owned; null for integer columns */
} ftl_tuples;
/* No tuples yet. FTL_ERR_USAGE for an arity over FTL_MAX_RANK. */
ftl_status ftl_tuples_new(const ftl_allocator *alloc, uint32_t arity, bool has_values,
                          ftl_tuples **out);
/* Room for at least cap tuples; doubles, so that adding one at a time is linear. Nothing changes on
 * failure. */
ftl_status ftl_tuples_reserve(ftl_tuples *t, int64_t cap);
void ftl_tuples_free(ftl_tuples *t); /* frees the struct as well; null is fine */

#endif
