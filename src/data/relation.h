/* SPDX-License-Identifier: Apache-2.0
 *
 * relation: a set of tuples at rest. Columns of 32-bit places, sorted by the first column, then the
 * second, and so on, without repeats: 4 bytes a place and nothing more. Immutable once shared,
 * counted like tensors. Arity 0: empty, or the one tuple without places.
 */
#ifndef FTL_DATA_RELATION_H
#define FTL_DATA_RELATION_H

#include "data/tensor.h"

typedef struct ftl_relation {
    uint32_t arity;
    int64_t n;                    /* tuples */
    int64_t extent[FTL_MAX_RANK]; /* places of column k are below; at most 2^32 - 1 */
    uint32_t *column[FTL_MAX_RANK];
    /* private */
    int refs;
    ftl_allocator alloc;
} ftl_relation;

/* Tuples to make a relation of: column k holds n places in any order, repeats allowed. */
typedef struct ftl_relation_spec {
    uint32_t arity;
    int64_t n;
    const int64_t *extent;
    const uint32_t *const *column;
} ftl_relation_spec;

/* Sorts (radix, O(n) for each column) and drops repeats. FTL_ERR_MEMORY; FTL_ERR_USAGE: a place is
 * not below its extent, an extent is negative or above 2^32 - 1. */
ftl_status ftl_relation_new(const ftl_allocator *alloc, const ftl_relation_spec *spec,
                            ftl_relation **out);
/* Columns of n places without values: whoever makes it fills them in the order of a relation, each
 * tuple once, before anybody else looks. FTL_ERR_MEMORY. */
ftl_status ftl_relation_make(const ftl_allocator *alloc, uint32_t arity, const int64_t *extent,
                             int64_t n, ftl_relation **out);
ftl_relation *ftl_relation_retain(ftl_relation *r);
void ftl_relation_release(ftl_relation *r); /* null is fine */
/* Place of the first tuple that is not below this one, in the order of the relation: 0 .. n. */
int64_t ftl_relation_find(const ftl_relation *r, const uint32_t *tuple);
bool ftl_relation_has(const ftl_relation *r, const uint32_t *tuple);
bool ftl_relation_is_equal(const ftl_relation *a, const ftl_relation *b);
/* Bytes held. */
size_t ftl_relation_get_size(const ftl_relation *r);
/* The tuples whose element is true (not 0) in a bool tensor, and back: dst has room for all
 * elements and is overwritten. */
ftl_status ftl_relation_from_tensor(const ftl_allocator *alloc, const ftl_tensor *t,
                                    ftl_relation **out);
void ftl_relation_to_dense(const ftl_relation *r, uint8_t *dst);

/* A bool tensor of the relation's extents that is true at its tuples; holds a reference. */
ftl_status ftl_tensor_new_tuples(const ftl_allocator *alloc, ftl_relation *r, ftl_tensor **out);

#endif
