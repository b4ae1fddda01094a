/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors as JSON: nested lists of numbers, or one number. Private to the room.
 */
#ifndef FTL_IO_JSON_H
#define FTL_IO_JSON_H

#include "io/file.h"

/* The whole file as one tensor: i64 when every number is whole and fits, bool when all are true or
 * false, else f64. NaN, Infinity and -Infinity are read as Python writes them. The text is read in
 * one pass; memory follows the numbers. */
ftl_status ftl_json_read(ftl_file *f, ftl_tensor **out);

#endif
