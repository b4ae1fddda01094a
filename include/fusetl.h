/* SPDX-License-Identifier: Apache-2.0
 *
 * fusetl.h: the public interface of libfusetl, the Fuse tensor-logic language.
 *
 * Three handles: ftl_program (what to compute: parsed and checked, immutable, shareable between
 * threads), ftl_runner (compiled for a backend, holds streaming state, one thread at a time) and
 * ftl_tensor (dtype, shape, strides, data, owner; reference counted). Every call that can fail
 * returns ftl_status; diagnostics stay on the handle. No call exits, aborts or prints.
 */
#ifndef FUSETL_H
#define FUSETL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FTL_MAX_RANK 32
#define FTL_VERSION "0.1.0"

/* What this header declares is what the shared library exports. */
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* What became of a call. The message is on the handle that the call was made on. */
typedef enum ftl_status {
    FTL_OK = 0,
    FTL_ERR_PROGRAM,     /* the program or its data is wrong: see the diagnostics */
    FTL_ERR_USAGE,       /* an argument is wrong: unknown name, shape, option */
    FTL_ERR_IO,          /* a file or device could not be read or written */
    FTL_ERR_MEMORY,      /* no memory, or a limit was reached */
    FTL_ERR_UNSUPPORTED, /* this backend or build cannot do it */
    FTL_ERR_INTERNAL     /* a fault of ours */
} ftl_status;

/* Element types. The order is stable: values are part of the interface. */
typedef enum ftl_dtype {
    FTL_DTYPE_BOOL = 0, /* one byte, 0 or 1 */
    FTL_DTYPE_U8,
    FTL_DTYPE_I8,
    FTL_DTYPE_I16,
    FTL_DTYPE_I32,
    FTL_DTYPE_I64,
    FTL_DTYPE_F16,
    FTL_DTYPE_BF16,
    FTL_DTYPE_F32,
    FTL_DTYPE_F64,
    FTL_DTYPE_COUNT
} ftl_dtype;

/* Memory functions. realloc(user, p, old, n) may be null: then alloc, copy and free are used.
 * alloc returns null when there is no memory; sizes are in bytes; alignment is 64. */
typedef struct ftl_allocator {
    void *user;
    void *(*alloc)(void *user, size_t size);
    void (*free)(void *user, void *p, size_t size);
} ftl_allocator;

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif
#endif
