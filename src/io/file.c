/* SPDX-License-Identifier: Apache-2.0 */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MMAP_NPZ_FROM ((size_t)64 << 20)
#define MEMORY_LIMIT ((size_t)16 << 30)
#define MEMORY_SHARE 5 /* the limit is at most 4/5 of the machine's memory */
#define NAME_SHOWN 240 /* bytes of a file's name in a message; its end is the telling part */

/* ---- messages ---- */

/* Controls and what is no UTF-8 become question marks. */
static void make_printable(char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        size_t n = ftl_utf8_decode(text + i, len - i, &code);
        if (n == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
            memset(text + i, '?', n > 0 ? n : 1);
        i += n > 0 ? n : 1;
    }
}

void ftl_io_message(ftl_io_error *error, const char *name, const char *fmt, va_list args)
{
    size_t len = strlen(name);
    bool cut = len > NAME_SHOWN;
    int n = snprintf(error->message, sizeof(error->message), "%s%s: ", cut ? "..." : "",
                     cut ? name + len - NAME_SHOWN : name);
    size_t at = n > 0 ? (size_t)n : 0;
    vsnprintf(error->message + at, sizeof(error->message) - at, fmt, args);
    make_printable(error->message);
}

ftl_status ftl_io_fail(ftl_io_error *error, const char *name, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    ftl_io_message(error, name, fmt, args);
    va_end(args);
    return FTL_ERR_IO;
}

ftl_status ftl_file_fail(ftl_file *f, const char *fmt, ...)
{
    char name[NAME_SHOWN];
    size_t len = strlen(f->name), most = NAME_SHOWN / 2;
    if (f->member)
        snprintf(name, sizeof(name), "%s%s#%.*s", len > most ? "..." : "",
                 len > most ? f->name + len - most : f->name, NAME_SHOWN / 3, f->member);
    va_list args;
    va_start(args, fmt);
    ftl_io_message(f->error, f->member ? name : f->name, fmt, args);
    va_end(args);
    return FTL_ERR_IO;
}

ftl_status ftl_file_fail_line(ftl_file *f, uint64_t line, const char *fmt, ...)
{
    char name[NAME_SHOWN];
    size_t len = strlen(f->name), most = NAME_SHOWN - 40;
    snprintf(name, sizeof(name), "%s%s:%llu", len > most ? "..." : "",
             len > most ? f->name + len - most : f->name, (unsigned long long)line);
    va_list args;
    va_start(args, fmt);
    ftl_io_message(f->error, name, fmt, args);
    va_end(args);
    return FTL_ERR_IO;
}

ftl_status ftl_file_fail_errno(ftl_file *f, const char *what, int number)
{
    char text[128];
    return ftl_file_fail(f, "%s: %s", what, strerror_r(number, text, sizeof(text)));
}

ftl_status ftl_file_no_memory(ftl_file *f, uint64_t bytes)
{
    ftl_file_fail(f, "no memory for %llu bytes", (unsigned long long)bytes);
    return FTL_ERR_MEMORY;
}

ftl_status ftl_file_check_memory(ftl_file *f, uint64_t bytes)
{
    if (bytes <= f->options.memory_limit)
        return FTL_OK;
    ftl_file_fail(f, "needs %llu bytes in memory, more than the limit of %zu",
                  (unsigned long long)bytes, f->options.memory_limit);
    return FTL_ERR_MEMORY;
}

ftl_status ftl_file_check_copy(ftl_file *f, const char *why)
{
    return f->options.strict ? ftl_file_fail(f, "%s, and strict mode copies nothing", why) : FTL_OK;
}

int ftl_io_before(const ftl_io_hook *hook, const char *call, size_t *size)
{
    return hook ? hook->before(hook->user, call, size) : 0;
}

/* ---- opening ---- */

static const char *name_kind(mode_t mode)
{
    return S_ISDIR(mode)  ? "a folder"
         : S_ISFIFO(mode) ? "a pipe"
         : S_ISSOCK(mode) ? "a socket"
                          : "a device";
}

/* O_NONBLOCK keeps the open of a pipe without a writer from waiting; it means nothing to a file. */
static ftl_status open_regular(ftl_file *f)
{
    int number = ftl_io_before(f->options.hook, "open", NULL);
    f->fd = number ? -1 : open(f->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (f->fd < 0) {
        number = number ? number : errno;
        f->is_missing = number == ENOENT;
        return ftl_file_fail_errno(f, "cannot be opened", number);
    }
    struct stat st;
    number = ftl_io_before(f->options.hook, "stat", NULL);
    if (number || fstat(f->fd, &st) != 0)
        return ftl_file_fail_errno(f, "cannot be examined", number ? number : errno);
    if (!S_ISREG(st.st_mode))
        return ftl_file_fail(f, "is %s, not a file", name_kind(st.st_mode));
    f->size = (uint64_t)st.st_size;
    return FTL_OK;
}

static size_t get_memory_limit(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || size <= 0)
        return MEMORY_LIMIT;
    size_t most = (size_t)pages / MEMORY_SHARE * (MEMORY_SHARE - 1) * (size_t)size;
    return most < MEMORY_LIMIT ? most : MEMORY_LIMIT;
}

ftl_status ftl_file_open(ftl_file *f, const char *name, const ftl_read_options *options,
                         ftl_io_error *error)
{
    *f = (ftl_file){.name = name, .error = error, .fd = -1};
    if (options)
        f->options = *options;
    if (!f->options.alloc)
        f->options.alloc = ftl_allocator_get_default();
    if (f->options.mmap_npz_from == 0)
        f->options.mmap_npz_from = MMAP_NPZ_FROM;
    if (f->options.memory_limit == 0)
        f->options.memory_limit = get_memory_limit();
    ftl_status status = open_regular(f);
    if (status != FTL_OK)
        ftl_file_close(f);
    return status;
}

void ftl_file_close(ftl_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

/* ---- reading ---- */

ftl_status ftl_file_read_some(ftl_file *f, uint64_t offset, void *dst, size_t n, size_t *got)
{
    for (;;) {
        size_t ask = n;
        int number = ftl_io_before(f->options.hook, "read", &ask);
        ssize_t r = number ? -1 : pread(f->fd, dst, ask, (off_t)offset);
        if (r >= 0) {
            *got = (size_t)r;
            return FTL_OK;
        }
        number = number ? number : errno;
        if (number == EINTR)
            continue;
        f->has_failed = true;
        return ftl_file_fail_errno(f, "cannot be read", number);
    }
}

ftl_status ftl_file_read_at(ftl_file *f, uint64_t offset, void *dst, size_t n)
{
    for (size_t done = 0; done < n;) {
        size_t got = 0;
        FTL_TRY(ftl_file_read_some(f, offset + done, (char *)dst + done, n - done, &got));
        if (got == 0)
            return ftl_file_fail(f, "ends after %llu bytes, %llu are missing",
                                 (unsigned long long)(offset + done),
                                 (unsigned long long)(n - done));
        done += got;
    }
    return FTL_OK;
}

/* Read to its end and not to its size, which may change and is 0 for files that the system makes
 * up. */
ftl_status ftl_file_read_all(ftl_file *f, size_t limit, ftl_block *out)
{
    size_t got = 0;
    if (f->size > limit)
        return ftl_file_fail(f, "has more than %zu bytes", limit);
    if (f->size < f->options.memory_limit)
        FTL_TRY(ftl_block_reserve(out, (size_t)f->size + 2));
    do {
        FTL_TRY(ftl_block_reserve(out, 2));
        size_t room = out->cap - out->len - 1;
        FTL_TRY(ftl_file_read_some(f, out->len, out->data + out->len, room, &got));
        out->len += got;
        if (out->len > limit)
            return ftl_file_fail(f, "has more than %zu bytes", limit);
    } while (got > 0);
    out->data[out->len] = '\0';
    return FTL_OK;
}

/* ---- mapping ---- */

typedef struct file_map {
    const ftl_allocator *alloc;
    void *base;
    size_t len;
} file_map;

static void release_map(void *user)
{
    file_map *map = user;
    munmap(map->base, map->len);
    ftl_mem_free(map->alloc, map, sizeof(*map));
}

/* The pages [start, start + len) of the file, len checked against its size before and after. */
static ftl_status map_pages(ftl_file *f, uint64_t start, size_t len, void **base)
{
    int number = ftl_io_before(f->options.hook, "map", NULL);
    void *p = number ? MAP_FAILED : mmap(NULL, len, PROT_READ, MAP_PRIVATE, f->fd, (off_t)start);
    if (p == MAP_FAILED)
        return ftl_file_fail_errno(f, "cannot be mapped", number ? number : errno);
    struct stat st;
    if (fstat(f->fd, &st) != 0 || (uint64_t)st.st_size < start + len) {
        munmap(p, len);
        return ftl_file_fail(f, "has become shorter while it was read");
    }
    *base = p;
    return FTL_OK;
}

ftl_status ftl_file_map(ftl_file *f, uint64_t offset, size_t len, void **data, ftl_owner *owner)
{
    if (offset > f->size || len > f->size - offset)
        return ftl_file_fail(f, "ends before the data does");
    uint64_t start = offset & ~((uint64_t)sysconf(_SC_PAGESIZE) - 1);
    size_t before = (size_t)(offset - start);
    file_map *map = ftl_mem_alloc(f->options.alloc, sizeof(*map));
    if (!map)
        return ftl_file_no_memory(f, sizeof(*map));
    *map = (file_map){.alloc = f->options.alloc, .len = before + len};
    ftl_status status = map_pages(f, start, map->len, &map->base);
    if (status != FTL_OK) {
        ftl_mem_free(map->alloc, map, sizeof(*map));
        return status;
    }
    *data = (char *)map->base + before;
    *owner = (ftl_owner){release_map, map};
    return FTL_OK;
}

/* ---- bytes in order ---- */

bool ftl_bytes_refill(ftl_bytes *b)
{
    if (b->status != FTL_OK)
        return false;
    b->at = b->len = 0;
    b->status = ftl_file_read_some(b->file, b->offset, b->buffer, sizeof(b->buffer), &b->len);
    if (b->status != FTL_OK)
        b->len = 0;
    b->offset += b->len;
    return b->len > 0;
}

ftl_status ftl_bytes_init(ftl_bytes *b, ftl_file *f)
{
    b->file = f;
    b->status = FTL_OK;
    b->offset = 0;
    b->line = 1;
    b->at = b->len = 0;
    unsigned char mark[3] = {0};
    size_t n = 0;
    while (n < sizeof(mark)) {
        size_t got = 0;
        FTL_TRY(ftl_file_read_some(f, n, mark + n, sizeof(mark) - n, &got));
        if (got == 0)
            break;
        n += got;
    }
    if (n >= 2 && ((mark[0] == 0xff && mark[1] == 0xfe) || (mark[0] == 0xfe && mark[1] == 0xff)))
        return ftl_file_fail(f, "is UTF-16 text; convert it to UTF-8");
    if (n == 3 && memcmp(mark, "\xef\xbb\xbf", 3) == 0)
        b->offset = 3;
    return FTL_OK;
}

/* ---- growing block ---- */

ftl_status ftl_block_grow(ftl_block *b, size_t extra)
{
    const ftl_allocator *alloc = b->file->options.alloc;
    size_t limit = b->file->options.memory_limit;
    if (extra > SIZE_MAX - b->len || b->len + extra > limit)
        return ftl_file_check_memory(b->file,
                                     extra > SIZE_MAX - b->len ? SIZE_MAX : b->len + extra);
    size_t cap = b->cap < 256 ? 512 : b->cap <= limit / 2 ? b->cap * 2 : limit;
    if (cap < b->len + extra)
        cap = b->len + extra;
    unsigned char *data = ftl_mem_alloc(alloc, cap);
    if (!data)
        return ftl_file_no_memory(b->file, cap);
    if (b->len > 0)
        memcpy(data, b->data, b->len);
    ftl_mem_free(alloc, b->data, b->cap);
    b->data = data;
    b->cap = cap;
    return FTL_OK;
}

void ftl_block_free(ftl_block *b)
{
    ftl_mem_free(b->file->options.alloc, b->data, b->cap);
    b->data = NULL;
    b->len = b->cap = 0;
}
