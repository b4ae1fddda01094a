/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers as text, whatever the locale. Private to the room.
 */
#ifndef FTL_IO_NUMBER_H
#define FTL_IO_NUMBER_H

#include "base/base.h"

#define FTL_NUMBER_MAX 32 /* bytes of a written number, with its NUL */

/* integer: ['-'] digit {digit}. False when the text is not one. */
bool ftl_number_is_int(const char *s);
/* The value of such a text; false when it does not fit into 64 bits. */
bool ftl_number_read_int(const char *s, int64_t *out);
/* A decimal number, nan, inf or -inf. */
bool ftl_number_read_real(const char *s, size_t len, double *out);

/* Writes the element at p; gives its length. Floats take the fewest digits that read back as the
 * same number of the type (f32 for the 16-bit types), always with a point or an exponent: 3.0,
 * 1e-07. Those that are not finite are NaN, Infinity, -Infinity where json is set, else nan, inf,
 * -inf. Bools are 0 and 1, true and false where json is set. */
size_t ftl_number_write(ftl_dtype dtype, const void *p, bool json, char out[FTL_NUMBER_MAX]);

#endif
