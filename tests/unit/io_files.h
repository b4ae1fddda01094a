/* SPDX-License-Identifier: Apache-2.0
 *
 * For the tests of the io room: a folder of their own as working folder, files made from bytes, and
 * checks of messages.
 */
#ifndef FTL_TESTS_IO_FILES_H
#define FTL_TESTS_IO_FILES_H

#include "unit.h"

#include "io/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char io_folder[64];

static inline int io_enter_folder(void **state)
{
    (void)state;
    bool in_memory = access("/dev/shm", W_OK) == 0; /* where syncing costs nothing */
    snprintf(io_folder, sizeof io_folder, "%s/fusetl-io-XXXXXX", in_memory ? "/dev/shm" : "/tmp");
    return mkdtemp(io_folder) && chdir(io_folder) == 0 ? 0 : -1;
}

static inline int io_remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static inline int io_leave_folder(void **state)
{
    (void)state;
    return chdir("/") == 0 ? nftw(io_folder, io_remove_entry, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

static inline void io_put(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    close(fd);
}

static inline void io_put_text(const char *path, const char *text)
{
    io_put(path, text, strlen(text));
}

/* A file's text in a buffer of the test's own; it must fit. */
static inline const char *io_get_text(const char *path)
{
    static char text[65536];
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, sizeof text - 1);
    assert_true(n >= 0 && n < (ssize_t)sizeof text - 1);
    close(fd);
    text[n] = '\0';
    return text;
}

/* Entries of a folder, hidden ones too. */
static inline int io_count_entries(const char *path)
{
    int n = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (const struct dirent *e = readdir(folder); e; e = readdir(folder))
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(folder);
    return n;
}

/* Writes an .npy file of that version: the header text as it stands, then len bytes. */
static inline void io_put_npy(const char *path, int version, const char *header, const void *data,
                              size_t len)
{
    unsigned char bytes[8192] = "\x93NUMPY";
    size_t n = strlen(header), at = version == 1 ? 10 : 12;
    assert_true(at + n + len <= sizeof bytes);
    bytes[6] = (unsigned char)version;
    for (size_t i = 8; i < at; i++)
        bytes[i] = (unsigned char)(n >> (8 * (i - 8)));
    memcpy(bytes + at, header, n);
    if (len > 0)
        memcpy(bytes + at + n, data, len);
    io_put(path, bytes, at + n + len);
}

static inline ftl_tensor *io_read(const char *file, const ftl_read_options *options)
{
    ftl_io_error error = {""};
    ftl_tensor *t = NULL;
    ftl_status status = ftl_io_read_tensor(&(ftl_tensor_place){.file = file}, options, &t, &error);
    if (status != FTL_OK)
        fail_msg("%s", error.message);
    return t;
}

/* The message starts with the file's name and holds the words. */
static inline void io_check_message(const ftl_io_error *error, const char *file, const char *words)
{
    if (strncmp(error->message, file, strlen(file)) != 0 || !strstr(error->message, words))
        fail_msg("'%s' should start with %s and say '%s'", error->message, file, words);
}

static inline void io_refuse_place(const ftl_tensor_place *place, const ftl_read_options *options,
                                   const char *words)
{
    ftl_io_error error = {""};
    ftl_tensor *t = NULL;
    ftl_status status = ftl_io_read_tensor(place, options, &t, &error);
    if (status == FTL_OK)
        fail_msg("%s was read; it should be refused: %s", place->file, words);
    assert_true(status == FTL_ERR_IO || status == FTL_ERR_MEMORY);
    assert_null(t);
    io_check_message(&error, place->file, words);
}

static inline void io_refuse(const char *file, const char *words)
{
    io_refuse_place(&(ftl_tensor_place){.file = file}, NULL, words);
}

static inline void io_refuse_strict(const char *file)
{
    ftl_read_options strict = {.strict = true};
    io_refuse_place(&(ftl_tensor_place){.file = file}, &strict, "strict mode copies nothing");
}

static inline void io_check_values(const ftl_tensor *t, const double *values, int64_t n)
{
    assert_int_equal(ftl_tensor_get_count(t), n);
    for (int64_t i = 0; i < n; i++)
        if (ftl_tensor_get_double(t, i) != values[i])
            fail_msg("element %lld is %g, not %g", (long long)i, ftl_tensor_get_double(t, i),
                     values[i]);
}

#endif
