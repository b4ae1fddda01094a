/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts as token relations with their vocabulary, and lists of symbols. Private to the room.
 */
#ifndef FTL_IO_TEXT_H
#define FTL_IO_TEXT_H

#include "io/file.h"

/* See ftl_io_read_text. */
ftl_status ftl_text_read(ftl_file *f, ftl_tuples **out);
/* See ftl_io_read_symbols. */
ftl_status ftl_text_read_symbols(ftl_file *f, ftl_symbols **out);

/* The vocabulary file's symbols; *out stays when there is no such file. */
ftl_status ftl_vocabulary_read(const char *path, const ftl_read_options *options,
                               ftl_io_error *error, ftl_symbols **out);

#endif
