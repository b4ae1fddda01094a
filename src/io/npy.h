/* SPDX-License-Identifier: Apache-2.0
 *
 * The .npy format, versions 1.0 to 3.0: six bytes of magic, two of version, the length of the
 * header (two bytes in version 1, four later), the header, the elements. The header is a Python
 * dict literal with the keys descr, fortran_order and shape. Reference: numpy.lib.format. Private
 * to the room.
 */
#ifndef FTL_IO_NPY_H
#define FTL_IO_NPY_H

#include "io/element.h"

#define FTL_NPY_HEADER_MAX                                                                         \
    1024 /* bytes of any header that is written: 32 extents of 19 digits fit */

/* Reads and checks the header; *start is the number of bytes taken, where the elements begin. */
ftl_status ftl_npy_read_header(ftl_stream *s, ftl_array *out, uint64_t *start);
/* The whole file as one array, mapped where possible. */
ftl_status ftl_npy_read(ftl_file *f, ftl_tensor **out);

/* The header (a multiple of 64 bytes) for a row-major array. bf16, which the format lacks, is
 * written as f32 by the caller. */
size_t ftl_npy_write_header(const ftl_tensor *t, ftl_dtype dtype, char out[FTL_NPY_HEADER_MAX]);

#endif
