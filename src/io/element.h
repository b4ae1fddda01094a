/* SPDX-License-Identifier: Apache-2.0
 *
 * Elements as a file stores them, and tensors made from them: mapped where the bytes can be used
 * as they are, else read in blocks and converted. Private to the room.
 */
#ifndef FTL_IO_ELEMENT_H
#define FTL_IO_ELEMENT_H

#include "io/file.h"

/* dtype is what the tensor will hold. Where `widen` is set the file holds whole numbers without a
 * sign of `size` bytes (2, 4 or 8), which become i32, i64 and i64. Where `swap` is set the bytes
 * of an element stand in big-endian order. Otherwise the file's bytes are the tensor's. */
typedef struct ftl_element {
    ftl_dtype dtype;
    uint8_t size;
    bool widen, swap;
} ftl_element;

/* An array in a file. */
typedef struct ftl_array {
    ftl_element element;
    bool fortran; /* the first axis is the fastest */
    uint32_t rank;
    int64_t shape[FTL_MAX_RANK];
    uint64_t bytes; /* of all elements in the file; set by ftl_array_measure */
} ftl_array;

/* Where bytes come from, in order: a range of a file or a member of an archive. */
typedef struct ftl_stream ftl_stream;
struct ftl_stream {
    ftl_file *file;
    /* Exactly n bytes, or an error. */
    ftl_status (*read)(ftl_stream *s, void *dst, size_t n);
    uint64_t offset; /* of a range: the next byte */
};

/* A stream over the file from offset. */
ftl_stream ftl_stream_from_file(ftl_file *f, uint64_t offset);

/* Sets array->bytes. An error when the shape has a negative extent or is too large to address. */
ftl_status ftl_array_measure(ftl_file *f, ftl_array *array);
/* The array whose bytes start at offset of the file, mapped when its elements need no conversion.
 */
ftl_status ftl_array_map(ftl_file *f, const ftl_array *array, uint64_t offset, ftl_tensor **out);
/* The array as a tensor of its own, its bytes taken from the stream. */
ftl_status ftl_array_read(ftl_stream *s, const ftl_array *array, ftl_tensor **out);

#endif
