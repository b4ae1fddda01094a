/* SPDX-License-Identifier: Apache-2.0
 *
 * Tuples and texts while they are read. Private to the room.
 */
#ifndef FTL_IO_TUPLES_H
#define FTL_IO_TUPLES_H

#include "io/file.h"

/* Room for one more tuple, within memory_limit. */
ftl_status ftl_tuples_make_room(ftl_file *f, ftl_tuples *t);
/* The number of a symbol, added when it is new; makes *symbols when it is null. */
ftl_status ftl_text_number(ftl_file *f, ftl_symbols **symbols, const char *text, size_t len,
                           int64_t *out);
/* Ok when the text is UTF-8 without NUL; else an error with the line. */
ftl_status ftl_text_check(ftl_file *f, uint64_t line, const char *text, size_t len);

#endif
