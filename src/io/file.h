/* SPDX-License-Identifier: Apache-2.0
 *
 * One file that is being read: opened, measured, read in pieces or mapped. Private to the room.
 * Every message starts with the file's name as the user wrote it. Only regular files are opened: a
 * pipe, a folder or a device is refused before a read could hang.
 *
 * A map is private and read-only, of the pages that were asked for. Its size is checked again
 * after mapping; a file that is cut while it is mapped raises SIGBUS in the process that reads the
 * lost pages, as with every mapped file. The library installs no handler, fuse does.
 */
#ifndef FTL_IO_FILE_H
#define FTL_IO_FILE_H

#include "io/io.h"

struct ftl_block;

typedef struct ftl_file {
    const char *name;         /* as the user wrote it, borrowed */
    const char *member;       /* within an archive, borrowed, or null; part of each message */
    ftl_read_options options; /* defaults filled in */
    ftl_io_error *error;
    int fd;
    bool is_missing; /* it could not be opened because there is no such file */
    bool has_failed; /* a read failed; its message is written */
    uint64_t text;   /* bytes of its symbols that are kept in memory */
    uint64_t size;   /* bytes, when it was opened */
} ftl_file;

ftl_status ftl_file_open(ftl_file *f, const char *name, const ftl_read_options *options,
                         ftl_io_error *error);
void ftl_file_close(ftl_file *f);

/* Writes "name: text" or "name#member: text" and gives FTL_ERR_IO. */
ftl_status ftl_file_fail(ftl_file *f, const char *fmt, ...) FTL_PRINTF(2, 3);
/* Writes "name:line: text" and gives FTL_ERR_IO. */
ftl_status ftl_file_fail_line(ftl_file *f, uint64_t line, const char *fmt, ...) FTL_PRINTF(3, 4);
/* The same as ftl_file_fail with "what: the text of errno". */
ftl_status ftl_file_fail_errno(ftl_file *f, const char *what, int number);
/* FTL_ERR_MEMORY, with a message. */
ftl_status ftl_file_no_memory(ftl_file *f, uint64_t bytes);
/* Ok when that many bytes for this file keep within memory_limit. */
ftl_status ftl_file_check_memory(ftl_file *f, uint64_t bytes);
/* In strict mode: an error that says why the data would be copied. */
ftl_status ftl_file_check_copy(ftl_file *f, const char *why);

/* Exactly n bytes from offset; an error when the file has fewer. */
ftl_status ftl_file_read_at(ftl_file *f, uint64_t offset, void *dst, size_t n);
/* Up to n bytes from offset; *got is 0 at the end of the file. */
ftl_status ftl_file_read_some(ftl_file *f, uint64_t offset, void *dst, size_t n, size_t *got);
/* The whole file and a NUL, in a block of len + 1 bytes or more; an error beyond limit bytes. */
ftl_status ftl_file_read_all(ftl_file *f, size_t limit, struct ftl_block *out);
/* Maps len > 0 bytes from offset. The owner unmaps. */
ftl_status ftl_file_map(ftl_file *f, uint64_t offset, size_t len, void **data, ftl_owner *owner);

/* ---- bytes in order, for the text formats ---- */

typedef struct ftl_bytes {
    ftl_file *file;
    ftl_status status; /* of the last refill */
    uint64_t offset;   /* of the next refill */
    uint64_t line;     /* 1-based line of the next byte; the parsers count it up */
    size_t at, len;
    unsigned char buffer[16384];
} ftl_bytes;

/* Starts at the first byte; skips a UTF-8 byte order mark, refuses UTF-16. */
ftl_status ftl_bytes_init(ftl_bytes *b, ftl_file *f);
bool ftl_bytes_refill(ftl_bytes *b);

/* The next byte without taking it, or -1 at the end and after a failure (see status). */
static inline int ftl_bytes_peek(ftl_bytes *b)
{
    return b->at < b->len || ftl_bytes_refill(b) ? b->buffer[b->at] : -1;
}

static inline int ftl_bytes_get(ftl_bytes *b)
{
    return b->at < b->len || ftl_bytes_refill(b) ? b->buffer[b->at++] : -1;
}

/* ---- a growing block on the options' allocator ---- */

typedef struct ftl_block {
    ftl_file *file;
    unsigned char *data; /* null while nothing was reserved */
    size_t len, cap;
} ftl_block;

/* Room for extra bytes behind len; an error when that would pass memory_limit. */
ftl_status ftl_block_grow(ftl_block *b, size_t extra);
void ftl_block_free(ftl_block *b);

static inline ftl_status ftl_block_reserve(ftl_block *b, size_t extra)
{
    return b->cap - b->len >= extra ? FTL_OK : ftl_block_grow(b, extra);
}

/* ---- for every part of the room ---- */

/* Writes "name: text", printable characters only; of a long name the end is shown. */
void ftl_io_message(ftl_io_error *error, const char *name, const char *fmt, va_list args)
    FTL_PRINTF(3, 0);
/* The same, and gives FTL_ERR_IO. */
ftl_status ftl_io_fail(ftl_io_error *error, const char *name, const char *fmt, ...)
    FTL_PRINTF(3, 4);
/* errno that the test's hook asks for before this call, or 0; may lower *size. */
int ftl_io_before(const ftl_io_hook *hook, const char *call, size_t *size);

#endif
