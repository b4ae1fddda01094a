/* SPDX-License-Identifier: Apache-2.0
 *
 * A file that is being written: all of it or nothing. The bytes go to a temporary file in the
 * folder of the target, which is synced and renamed over the target, and the folder is synced.
 * When anything fails, the temporary file and the folders made for it are removed and an older
 * target stays as it is. Private to the room.
 *
 * The target's path is resolved first: links are followed by hand up to a path without links, and
 * the folders of that path are then opened one below the other without following any, so that a
 * link put there in the meantime is an error and not a way out of the output root.
 */
#ifndef FTL_IO_SINK_H
#define FTL_IO_SINK_H

#include "io/io.h"

#include <limits.h>

/* A resolved path: absolute, without links, "." and "..". Its last folders may be missing. */
typedef struct ftl_sink_path {
    char text[PATH_MAX];
    size_t root; /* bytes of text that are the output root; 0 when there is none ("/") */
} ftl_sink_path;

/* root null: path is taken from the working folder and may lead anywhere. FTL_ERR_USAGE when the
 * path leaves the root. */
ftl_status ftl_sink_resolve(const char *root, const char *path, ftl_sink_path *out,
                            ftl_io_error *error);

/* Whether a file could be written there now: the target is missing or a file that may be written,
 * and the nearest folder that exists may be written. Nothing is made. */
ftl_status ftl_sink_probe(const ftl_sink_path *path, const char *name, ftl_io_error *error);

typedef struct ftl_sink {
    const char *name; /* as the user wrote it */
    const ftl_allocator *alloc;
    const ftl_io_hook *hook;
    ftl_io_error *error;
    ftl_sink_path path;
    size_t made;        /* bytes of the path of the first folder made for this file; 0: none */
    int folder, fd;     /* -1: not open */
    char temporary[40]; /* name within the folder; empty while there is no such file */
    struct ftl_io_batch *batch; /* who gives the file its name, or null */
    bool shares_folder;         /* parked: an earlier file of the batch closes the folder */
    enum { FTL_SWAP_NONE, FTL_SWAP_NEW, FTL_SWAP_BOTH } swap; /* no file had the name; one had */
    unsigned char *buffer;
    size_t len;      /* bytes in the buffer, not written yet */
    uint64_t offset; /* in the file, of the first byte of the buffer */
} ftl_sink;

/* options may be null. On failure nothing is open and nothing is left. */
ftl_status ftl_sink_open(ftl_sink *s, const char *path, const ftl_write_options *options,
                         ftl_io_error *error);
ftl_status ftl_sink_write(ftl_sink *s, const void *data, size_t len);
ftl_status ftl_sink_puts(ftl_sink *s, const char *text);
/* Goes on at that place; holes read as zeros. */
ftl_status ftl_sink_seek(ftl_sink *s, uint64_t offset);
uint64_t ftl_sink_tell(const ftl_sink *s);
/* Ends the sink: with FTL_OK the file gets its name, or is parked in its batch; with another status
 * all is undone and that status given back. */
ftl_status ftl_sink_close(ftl_sink *s, ftl_status status);

/* ---- batches (batch.c) ---- */

/* The finished file gets its name; an older one takes the temporary name, where the file system
 * can exchange names. */
ftl_status ftl_sink_swap(ftl_sink *s);
ftl_status ftl_sink_sync_folder(ftl_sink *s);
/* Ends a swap: the older file goes. */
void ftl_sink_keep(ftl_sink *s);
/* Takes back a swap; removes the temporary file and the folders made for it. */
void ftl_sink_undo(ftl_sink *s);
/* Takes over the finished file of s: its folder stays open, its bytes are on disk. */
ftl_status ftl_batch_park(struct ftl_io_batch *batch, const ftl_sink *s);

ftl_status ftl_sink_fail(ftl_sink *s, const char *fmt, ...) FTL_PRINTF(2, 3);

#endif
