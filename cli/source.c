/* SPDX-License-Identifier: Apache-2.0
 *
 * The program's text: read from a stream, compared, written back.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, LIMIT = 1 << 28 /* bytes: the library refuses more */ };

static void fail_source(const cli_source *s, const char *what, int number)
{
    char text[200];
    snprintf(text, sizeof(text), "cannot be %s: %s", what, strerror(number));
    cli_fail_file(s->name, text);
}

/* ---- where it comes from ---- */

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Sources are relative to the program's file. What has a number in place of a file is named so that
 * the working folder is its folder. */
static const char *name_stream(cli_source *s, const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0)
        return "<stdin>";
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        const char *number = path + strlen(folders[i]);
        if (!starts_with(path, folders[i]) || strlen(number) > 10)
            continue;
        snprintf(s->number, sizeof(s->number), "<fd%s>", number);
        return strcmp(number, "0") == 0 ? "<stdin>" : s->number;
    }
    return NULL;
}

static bool is_pipe(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode));
}

static int open_source(const char *path)
{
    return strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
}

/* ---- reading ---- */

/* To the end, or to a byte more than the limit; 0, or the errno of the failure. */
static int read_all(int fd, cli_source *s)
{
    size_t cap = 0;
    for (;;) {
        if (cap - s->len < CHUNK) {
            char *grown = realloc(s->text, (cap = 2 * cap + 2 * CHUNK) + 1);
            if (!grown)
                return ENOMEM;
            s->text = grown;
        }
        size_t room = cap - s->len, left = LIMIT + (size_t)1 - s->len;
        ssize_t n = read(fd, s->text + s->len, room < left ? room : left);
        if (n < 0 && errno != EINTR)
            return errno;
        s->len += n > 0 ? (size_t)n : 0;
        s->text[s->len] = '\0';
        if (n == 0 || s->len > LIMIT)
            return 0;
    }
}

static int read_source(cli_source *s, const char *path)
{
    int fd = open_source(path);
    if (fd < 0)
        return errno;
    int number = read_all(fd, s);
    close(fd);
    return number;
}

ftl_status cli_source_load(cli_source *s, const char *path, ftl_program **program)
{
    const char *stream = name_stream(s, path);
    s->name = stream ? stream : path;
    s->is_stream = stream || is_pipe(path);
    if (!s->is_stream)
        return ftl_program_load(NULL, path, program);
    int number = read_source(s, path);
    if (number == 0)
        return ftl_program_parse(NULL, s->name, s->text, s->len, program);
    fail_source(s, "read", number);
    return number == ENOMEM ? FTL_ERR_MEMORY : FTL_ERR_IO;
}

void cli_source_free(cli_source *s)
{
    free(s->text);
    s->text = NULL;
}

/* ---- writing back ---- */

bool cli_source_is(cli_source *s, const char *text)
{
    if (!s->text && read_source(s, s->name) != 0)
        return false;
    return strlen(text) == s->len && memcmp(s->text, text, s->len) == 0;
}

static bool write_text(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR)
            return false;
        text += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0 || errno == EINVAL;
}

/* A link stays, and the file that it points to is replaced. */
static int rewrite(const cli_source *s, const char *text)
{
    char *target = realpath(s->name, NULL), *temporary = NULL;
    struct stat st;
    bool ok = target && stat(target, &st) == 0;
    size_t size = target ? strlen(target) + 8 : 0;
    if (ok && (temporary = malloc(size)))
        snprintf(temporary, size, "%s.XXXXXX", target);
    int fd = temporary ? mkstemp(temporary) : -1;
    ok = ok && fd >= 0 && write_text(fd, text) && fchmod(fd, st.st_mode & 07777) == 0;
    ok = ok && rename(temporary, target) == 0;
    if (!ok)
        fail_source(s, "rewritten", errno);
    if (!ok && fd >= 0)
        remove(temporary);
    if (fd >= 0)
        close(fd);
    free(temporary);
    free(target);
    return ok ? EXIT_OK : EXIT_PROGRAM;
}

/* An interrupt waits, so that no temporary file is left. */
int cli_source_rewrite(const cli_source *s, const char *text)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    int code = rewrite(s, text);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return code;
}
