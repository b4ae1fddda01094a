/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that hold several tensors: .npz and .safetensors. Private to the room.
 */
#ifndef FTL_IO_ARCHIVE_H
#define FTL_IO_ARCHIVE_H

#include "io/element.h"

/* Which tensor is wanted: `member` as the user wrote it, or null and then the tensor's own `name`
 * (may be null as well). */
typedef struct ftl_wanted {
    const char *member, *name;
    const char *fallback; /* or null */
} ftl_wanted;

/* The place of the wanted one among n names: the member (with or without .npy) or an error;
 * without a member the one called `name`, else the only one, else the fallback, else an error that
 * lists the names. */
ftl_status ftl_wanted_find(const ftl_wanted *wanted, ftl_file *f, const char *const *names,
                           size_t n, size_t *out);

/* One tensor of an archive; f->member is set for messages while it is read. */
ftl_status ftl_npz_read(ftl_file *f, const ftl_wanted *wanted, ftl_tensor **out);
ftl_status ftl_safetensors_read(ftl_file *f, const ftl_wanted *wanted, ftl_tensor **out);

#endif
