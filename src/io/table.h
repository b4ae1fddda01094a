/* SPDX-License-Identifier: Apache-2.0
 *
 * Tuples as text: .csv and .tsv. Private to the room.
 */
#ifndef FTL_IO_TABLE_H
#define FTL_IO_TABLE_H

#include "io/file.h"

/* See ftl_io_read_tuples; separator is ',' or a tab. */
ftl_status ftl_table_read(ftl_file *f, char separator, ftl_table_form form, ftl_tuples **out);

#endif
