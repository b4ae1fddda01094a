/* SPDX-License-Identifier: Apache-2.0 */
#include "io/sink.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER ((size_t)65536)
#define LINKS_MAX 40 /* links followed on one path, as Linux does */
#define FOLDER_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static ftl_status refuse(ftl_io_error *error, const char *name, const char *why)
{
    ftl_io_fail(error, name, "%s", why);
    return FTL_ERR_USAGE;
}

static ftl_status fail_errno(ftl_io_error *error, const char *name, const char *what, int number)
{
    char text[128];
    return ftl_io_fail(error, name, "%s: %s", what, strerror_r(number, text, sizeof(text)));
}

ftl_status ftl_sink_fail(ftl_sink *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    ftl_io_message(s->error, s->name, fmt, args);
    va_end(args);
    return FTL_ERR_IO;
}

static ftl_status fail_sink_errno(ftl_sink *s, const char *what, int number)
{
    return fail_errno(s->error, s->name, what, number);
}

/* ---- resolving ---- */

/* `done` is resolved, `rest` is still to go. `done` is "/" or has no slash at its end. */
typedef struct route {
    const char *name; /* for messages */
    ftl_io_error *error;
    char *done; /* PATH_MAX bytes */
    char rest[PATH_MAX];
    unsigned links;
    bool is_missing; /* done does not exist, nor will what is below it */
} route;

static ftl_status fail_long(route *r)
{
    return ftl_io_fail(r->error, r->name, "the path is too long");
}

static void pop(char *path)
{
    char *slash = strrchr(path, '/');
    slash[slash == path] = '\0';
}

static ftl_status push(route *r, const char *part, size_t len)
{
    size_t at = strlen(r->done);
    if (len > NAME_MAX || at + len + 2 > PATH_MAX)
        return fail_long(r);
    if (at > 1)
        r->done[at++] = '/';
    memcpy(r->done + at, part, len);
    r->done[at + len] = '\0';
    return FTL_OK;
}

/* done is a link: takes it off and puts its target before the rest. */
static ftl_status follow(route *r)
{
    char target[PATH_MAX];
    ssize_t n = readlink(r->done, target, sizeof(target) - 1);
    if (n <= 0)
        return fail_errno(r->error, r->name, "a link on its path cannot be read", errno);
    target[n] = '\0';
    if (++r->links > LINKS_MAX)
        return fail_errno(r->error, r->name, "cannot be resolved", ELOOP);
    size_t len = strlen(r->rest);
    if ((size_t)n + 1 + len + 1 > PATH_MAX)
        return fail_long(r);
    memmove(r->rest + n + 1, r->rest, len + 1);
    memcpy(r->rest, target, (size_t)n);
    r->rest[n] = '/';
    pop(r->done);
    if (target[0] == '/')
        strcpy(r->done, "/");
    return FTL_OK;
}

/* One name of the rest goes over to done. */
static ftl_status step(route *r)
{
    size_t skip = strspn(r->rest, "/"), len = strcspn(r->rest + skip, "/");
    char part[NAME_MAX + 1];
    if (len > NAME_MAX)
        return fail_long(r);
    memcpy(part, r->rest + skip, len);
    part[len] = '\0';
    memmove(r->rest, r->rest + skip + len, strlen(r->rest + skip + len) + 1);
    if (len == 0 || strcmp(part, ".") == 0)
        return FTL_OK;
    if (strcmp(part, "..") == 0) {
        pop(r->done);
        r->is_missing = false;
        return FTL_OK;
    }
    struct stat st;
    FTL_TRY(push(r, part, len));
    if (r->is_missing)
        return FTL_OK;
    if (lstat(r->done, &st) == 0)
        return S_ISLNK(st.st_mode) ? follow(r) : FTL_OK;
    if (errno != ENOENT)
        return fail_errno(r->error, r->name, "cannot be reached", errno);
    r->is_missing = true;
    return FTL_OK;
}

/* Ok when no ".." of the path as written goes above its start. */
static ftl_status check_written(const char *path, ftl_io_error *error)
{
    int depth = 0;
    size_t len = 0;
    if (path[0] == '/')
        return refuse(error, path, "an absolute path leaves the output root");
    for (const char *p = path; *p; p += len) {
        p += strspn(p, "/");
        len = strcspn(p, "/");
        bool up = len == 2 && p[0] == '.' && p[1] == '.';
        bool here = len == 0 || (len == 1 && p[0] == '.');
        depth += up ? -1 : here ? 0 : 1;
        if (depth < 0)
            return refuse(error, path, "the path leaves the output root");
    }
    return FTL_OK;
}

static bool is_below(const char *root, size_t len, const char *path)
{
    return len <= 1 || (strncmp(path, root, len) == 0 && path[len] == '/');
}

/* The path must end in the name of a file. */
static bool ends_in_name(const char *path)
{
    size_t len = strlen(path);
    const char *slash = strrchr(path, '/');
    const char *last = slash ? slash + 1 : path;
    return len > 0 && *last && strcmp(last, ".") != 0 && strcmp(last, "..") != 0;
}

ftl_status ftl_sink_resolve(const char *root, const char *path, ftl_sink_path *out,
                            ftl_io_error *error)
{
    char start[PATH_MAX];
    if (!ends_in_name(path))
        return refuse(error, path, "is not the name of a file");
    if (strlen(path) >= PATH_MAX)
        return refuse(error, path, "the path is too long");
    if (root)
        FTL_TRY(check_written(path, error));
    if (!realpath(root ? root : ".", start))
        return fail_errno(error, root ? root : path, "the output root cannot be reached", errno);
    route r = {.name = path, .error = error, .done = out->text};
    strcpy(out->text, path[0] == '/' ? "/" : start);
    strcpy(r.rest, path);
    while (r.rest[0])
        FTL_TRY(step(&r));
    out->root = root ? strlen(start) : 0;
    if (root && !is_below(start, out->root, out->text))
        return refuse(error, path, "the path leaves the output root");
    return FTL_OK;
}

/* ---- opening ---- */

/* The folder `name` below `from`, made when it is missing; its path has `end` bytes. Takes `from`.
 */
static int enter_folder(ftl_sink *s, int from, const char *name, size_t end)
{
    int fd = openat(from, name, O_PATH | FOLDER_FLAGS);
    if (fd < 0 && errno == ENOENT) {
        int number = ftl_io_before(s->hook, "mkdir", NULL);
        bool made = number == 0 && mkdirat(from, name, 0777) == 0;
        number = number ? number : errno;
        s->made = made && s->made == 0 ? end : s->made;
        errno = number;
        if (made || number == EEXIST)
            fd = openat(from, name, O_PATH | FOLDER_FLAGS);
    }
    int number = errno;
    close(from);
    errno = number;
    return fd;
}

/* Opens the folder of the resolved path, from the root downwards. */
static ftl_status open_folder(ftl_sink *s)
{
    char path[PATH_MAX];
    strcpy(path, s->path.text);
    size_t root = s->path.root;
    char first = path[root];
    path[root] = '\0';
    int fd = open(root > 0 ? path : "/", O_PATH | FOLDER_FLAGS);
    path[root] = first;
    char *name = path + root + strspn(path + root, "/");
    for (char *slash = strchr(name, '/'); fd >= 0 && slash; slash = strchr(name, '/')) {
        *slash = '\0';
        fd = enter_folder(s, fd, name, (size_t)(slash - path));
        name = slash + 1;
    }
    if (fd < 0)
        return fail_sink_errno(s, "its folder cannot be opened", errno);
    s->folder = openat(fd, ".", O_RDONLY | FOLDER_FLAGS);
    int number = errno;
    close(fd);
    return s->folder < 0 ? fail_sink_errno(s, "its folder cannot be opened", number) : FTL_OK;
}

static const char *get_target(const ftl_sink *s)
{
    return strrchr(s->path.text, '/') + 1;
}

/* The target may be missing or a file that may be written; *mode is that of the file. */
static ftl_status check_target(ftl_sink *s, mode_t *mode)
{
    struct stat st;
    const char *name = get_target(s);
    if (fstatat(s->folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? FTL_OK : fail_sink_errno(s, "cannot be written", errno);
    if (!S_ISREG(st.st_mode))
        return ftl_sink_fail(s, "cannot be written: it is %s",
                             S_ISDIR(st.st_mode) ? "a folder" : "not a file");
    if (faccessat(s->folder, name, W_OK, AT_EACCESS) != 0)
        return fail_sink_errno(s, "cannot be written", errno);
    *mode = st.st_mode & 0777;
    return FTL_OK;
}

static ftl_status open_temporary(ftl_sink *s)
{
    mode_t mode = 0;
    FTL_TRY(check_target(s, &mode));
    for (int tries = 0; s->fd < 0; tries++) {
        uint64_t random[2];
        if (getrandom(random, sizeof(random), 0) != sizeof(random))
            return fail_sink_errno(s, "no random name for a temporary file", errno);
        snprintf(s->temporary, sizeof(s->temporary), ".%016llx%016llx.new",
                 (unsigned long long)random[0], (unsigned long long)random[1]);
        int number = ftl_io_before(s->hook, "open", NULL);
        if (number == 0)
            s->fd = openat(s->folder, s->temporary,
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (s->fd >= 0)
            break;
        number = number ? number : errno;
        s->temporary[0] = '\0';
        if (number != EEXIST || tries == 100)
            return fail_sink_errno(s, "cannot be written", number);
    }
    return mode == 0 || fchmod(s->fd, mode) == 0 ? FTL_OK
                                                 : fail_sink_errno(s, "cannot be written", errno);
}

ftl_status ftl_sink_open(ftl_sink *s, const char *path, const ftl_write_options *options,
                         ftl_io_error *error)
{
    static const ftl_write_options none;
    const ftl_write_options *o = options ? options : &none;
    *s = (ftl_sink){.name = path,
                    .hook = o->hook,
                    .error = error,
                    .batch = o->batch,
                    .folder = -1,
                    .fd = -1};
    s->alloc = o->alloc ? o->alloc : ftl_allocator_get_default();
    FTL_TRY(ftl_sink_resolve(o->output_root, path, &s->path, error));
    ftl_status status = open_folder(s);
    if (status == FTL_OK)
        status = open_temporary(s);
    if (status == FTL_OK && !(s->buffer = ftl_mem_alloc(s->alloc, BUFFER)))
        status = (ftl_sink_fail(s, "no memory"), FTL_ERR_MEMORY);
    return status == FTL_OK ? FTL_OK : ftl_sink_close(s, status);
}

/* ---- writing ---- */

static ftl_status write_through(ftl_sink *s, const unsigned char *data, size_t len)
{
    while (len > 0) {
        size_t ask = len;
        int number = ftl_io_before(s->hook, "write", &ask);
        ssize_t n = number ? -1 : pwrite(s->fd, data, ask, (off_t)s->offset);
        if (n < 0) {
            number = number ? number : errno;
            if (number != EINTR)
                return fail_sink_errno(s, "cannot be written", number);
            n = 0;
        }
        data += n;
        len -= (size_t)n;
        s->offset += (uint64_t)n;
    }
    return FTL_OK;
}

static ftl_status flush(ftl_sink *s)
{
    size_t len = s->len;
    s->len = 0;
    return write_through(s, s->buffer, len);
}

ftl_status ftl_sink_write(ftl_sink *s, const void *data, size_t len)
{
    if (len > BUFFER - s->len)
        FTL_TRY(flush(s));
    if (len > BUFFER)
        return write_through(s, data, len);
    if (len > 0)
        memcpy(s->buffer + s->len, data, len);
    s->len += len;
    return FTL_OK;
}

ftl_status ftl_sink_puts(ftl_sink *s, const char *text)
{
    return ftl_sink_write(s, text, strlen(text));
}

ftl_status ftl_sink_seek(ftl_sink *s, uint64_t offset)
{
    FTL_TRY(flush(s));
    s->offset = offset;
    return FTL_OK;
}

uint64_t ftl_sink_tell(const ftl_sink *s)
{
    return s->offset + s->len;
}

/* ---- ending ---- */

static ftl_status sync_to_disk(ftl_sink *s, int fd)
{
    int number = ftl_io_before(s->hook, "sync", NULL);
    if (number == 0 && fsync(fd) == 0)
        return FTL_OK;
    number = number ? number : errno;
    return number == EINVAL || number == EROFS
             ? FTL_OK /* a file system that cannot sync */
             : fail_sink_errno(s, "cannot be written to disk", number);
}

/* All bytes are on disk, the file is closed. */
static ftl_status finish(ftl_sink *s)
{
    FTL_TRY(flush(s));
    FTL_TRY(sync_to_disk(s, s->fd));
    int number = close(s->fd) == 0 ? 0 : errno;
    s->fd = -1;
    return number ? fail_sink_errno(s, "cannot be written", number) : FTL_OK;
}

/* The temporary file over the target; flags as of renameat2. Gives an errno or 0. */
static int rename_file(const ftl_sink *s, unsigned flags)
{
    return renameat2(s->folder, s->temporary, s->folder, get_target(s), flags) == 0 ? 0 : errno;
}

static ftl_status give_name(ftl_sink *s)
{
    int number = ftl_io_before(s->hook, "rename", NULL);
    number = number ? number : rename_file(s, 0);
    if (number)
        return fail_sink_errno(s, "cannot be written", number);
    s->temporary[0] = '\0';
    s->made = 0;
    return FTL_OK;
}

ftl_status ftl_sink_swap(ftl_sink *s)
{
    int number = ftl_io_before(s->hook, "rename", NULL);
    if (number)
        return fail_sink_errno(s, "cannot be written", number);
    number = rename_file(s, RENAME_EXCHANGE);
    if (number == 0) {
        s->swap = FTL_SWAP_BOTH;
        return FTL_OK;
    }
    struct stat st;
    bool is_new = fstatat(s->folder, get_target(s), &st, AT_SYMLINK_NOFOLLOW) != 0;
    number = rename_file(s, 0);
    if (number)
        return fail_sink_errno(s, "cannot be written", number);
    s->swap = is_new ? FTL_SWAP_NEW : FTL_SWAP_NONE;
    s->temporary[0] = '\0';
    return FTL_OK;
}

void ftl_sink_keep(ftl_sink *s)
{
    if (s->swap == FTL_SWAP_BOTH)
        unlinkat(s->folder, s->temporary, 0);
    s->swap = FTL_SWAP_NONE;
    s->temporary[0] = '\0';
    s->made = 0;
}

ftl_status ftl_sink_sync_folder(ftl_sink *s)
{
    return sync_to_disk(s, s->folder);
}

/* Only empty folders go, so that what others put there in the meantime stays. */
void ftl_sink_undo(ftl_sink *s)
{
    bool is_safe = s->swap != FTL_SWAP_BOTH || rename_file(s, RENAME_EXCHANGE) == 0;
    if (s->swap == FTL_SWAP_NEW)
        unlinkat(s->folder, get_target(s), 0);
    if (s->temporary[0] && is_safe)
        unlinkat(s->folder, s->temporary, 0);
    s->temporary[0] = '\0';
    s->swap = FTL_SWAP_NONE;
    if (s->made == 0)
        return;
    pop(s->path.text);
    for (; strlen(s->path.text) >= s->made; pop(s->path.text))
        rmdir(s->path.text);
    s->made = 0;
}

static ftl_status commit(ftl_sink *s)
{
    FTL_TRY(finish(s));
    if (s->batch)
        return ftl_batch_park(s->batch, s);
    FTL_TRY(give_name(s));
    return ftl_sink_sync_folder(s);
}

ftl_status ftl_sink_close(ftl_sink *s, ftl_status status)
{
    if (status == FTL_OK)
        status = commit(s);
    if (s->fd >= 0)
        close(s->fd);
    if (status != FTL_OK)
        ftl_sink_undo(s);
    if (s->folder >= 0 && (!s->batch || status != FTL_OK))
        close(s->folder);
    ftl_mem_free(s->alloc, s->buffer, BUFFER);
    s->fd = s->folder = -1;
    return status;
}

/* ---- asking before there is anything to write ---- */

/* The deepest folder of a resolved path that exists: text is cut after it. */
static void cut_to_folder(char *text)
{
    struct stat st;
    do
        pop(text);
    while (text[1] && stat(text, &st) != 0 && errno == ENOENT);
}

ftl_status ftl_sink_probe(const ftl_sink_path *path, const char *name, ftl_io_error *error)
{
    struct stat st;
    char folder[PATH_MAX];
    strcpy(folder, path->text);
    cut_to_folder(folder);
    if (stat(path->text, &st) == 0 && !S_ISREG(st.st_mode))
        return ftl_io_fail(error, name, "cannot be written: it is %s",
                           S_ISDIR(st.st_mode) ? "a folder" : "not a file");
    if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0)
        return fail_errno(error, name, "its folder cannot be written", errno);
    if (faccessat(AT_FDCWD, path->text, W_OK, AT_EACCESS) != 0 && errno != ENOENT)
        return fail_errno(error, name, "cannot be written", errno);
    return FTL_OK;
}
