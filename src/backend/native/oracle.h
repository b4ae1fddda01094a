/* SPDX-License-Identifier: Apache-2.0
 *
 * The oracle's inside: one function for each core operation, declared here from op.def, so that a
 * missing one fails the build. Every value is an array of double (floats) or int64 (whole numbers
 * in the range of their dtype, bool as 0 or 1), row-major. Nothing here is meant to be fast.
 */
#ifndef FTL_BACKEND_NATIVE_ORACLE_H
#define FTL_BACKEND_NATIVE_ORACLE_H

#include "backend/backend.h"
#include "base/dtype.h"
#include "data/relation.h"

/* Elements of one value: f for floats, i for all else; the other is null. Both null: not there. */
typedef struct ftl_oracle_cell {
    double *f;
    int64_t *i;
    int64_t n;
    bool borrowed;                  /* the arrays are another cell's */
    struct ftl_oracle_cell *results; /* LOOP: carried values and rounds, n_results of them */
    uint32_t n_results;
    ftl_relation *tuples;            /* of a value that stands for tuples; owned */
    ftl_relation **derived;          /* RULES: by relation, n_derived of them */
    uint32_t n_derived;
} ftl_oracle_cell;

/* One run: memory in use and what went wrong. */
typedef struct ftl_oracle {
    const ftl_allocator *alloc;
    const ftl_plan *plan;
    ftl_tensor *const *inputs;
    ftl_backend_error *error;
    size_t used, limit;
} ftl_oracle;

/* One value to be computed. out has its arrays, unless the operation is PARAM or LOOP. */
typedef struct ftl_oracle_call {
    ftl_oracle *oracle;
    const ftl_graph *graph;
    const ftl_value *v;
    const ftl_oracle_cell **in;
    const ftl_oracle_cell *params;  /* of the loop whose body this is; else null */
    ftl_oracle_cell *out;
} ftl_oracle_call;

#define FTL_OPCODE(name, text, arity, class, shape, dtype, grad, monotone, doc)                    \
    ftl_status ftl_oracle_run_##name(const ftl_oracle_call *c);
#include "ir/op.def"
#undef FTL_OPCODE

/* Arrays for n elements of a dtype, zeroed. FTL_ERR_MEMORY with a message. */
ftl_status ftl_oracle_new_cell(ftl_oracle *o, ftl_dtype dtype, int64_t n, ftl_oracle_cell *out);
void ftl_oracle_free_cell(ftl_oracle *o, ftl_oracle_cell *cell);
/* n * size bytes or null, with the message set. Freed with the same numbers. */
void *ftl_oracle_take(ftl_oracle *o, size_t n, size_t size);
void ftl_oracle_give(ftl_oracle *o, void *p, size_t n, size_t size);
/* A whole number taken modulo 2^bits into the range of its dtype. */
int64_t ftl_oracle_wrap(ftl_dtype dtype, int64_t x);
/* out[k] = x converted to dtype by the rules of base/dtype.h. */
void ftl_oracle_put(ftl_dtype dtype, const ftl_oracle_cell *out, int64_t k, double x);
/* to[k] = from[j]; to[k] += from[j] (bool: or). Both of that dtype. */
void ftl_oracle_copy(const ftl_oracle_cell *to, int64_t k, const ftl_oracle_cell *from, int64_t j);
void ftl_oracle_add(ftl_dtype dtype, const ftl_oracle_cell *to, int64_t k,
                    const ftl_oracle_cell *from, int64_t j);
/* The next place in row-major order. False after the last one (place is all 0 again). */
bool ftl_oracle_step(uint32_t rank, const int64_t *shape, int64_t *place);
/* Runs all of a graph: outputs[i] receives a cell that the caller frees. */
ftl_status ftl_oracle_run_graph(ftl_oracle *o, const ftl_graph *g, const ftl_oracle_cell *params,
                                ftl_oracle_cell *outputs);

#endif
