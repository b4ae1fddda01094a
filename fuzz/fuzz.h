/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fuzz targets share: a file that holds the input, an arena that may run out, a check that
 * ends the process. Each target is one function that reads bytes; it must never crash, hang, leak
 * or take more memory than its limit.
 */
#ifndef FTL_FUZZ_H
#define FTL_FUZZ_H

#include "base/base.h"
#include "io/io.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FUZZ_MEMORY ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process when a property does not hold, so that the fuzzer keeps the input. */
static inline void fuzz_require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "property broken: %s\n", what);
        abort();
    }
}

/* Writes the input to a file of this process with that extension; its path. */
static inline const char *fuzz_write_file(const uint8_t *data, size_t size, const char *extension)
{
    static char path[256];
    static int file = -1;
    if (file < 0) {
        const char *folder = getenv("TMPDIR");
        snprintf(path, sizeof path, "%s/fuzz-%ld.%s", folder ? folder : "/tmp", (long)getpid(),
                 extension);
        file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
        fuzz_require(file >= 0, "the input file opens");
    }
    fuzz_require(ftruncate(file, 0) == 0, "the input file empties");
    fuzz_require(pwrite(file, data, size, 0) == (ssize_t)size, "the input file takes the input");
    return path;
}

/* Reads every element of a tensor, so that a wrong extent or stride touches wrong memory. */
static inline void fuzz_touch_tensor(const ftl_tensor *t)
{
    int64_t count = ftl_tensor_get_count(t);
    if (count <= 0 || (uint64_t)count > FUZZ_MEMORY / sizeof(double))
        return;
    double *copy = malloc((size_t)count * sizeof(double));
    fuzz_require(copy != NULL, "memory for the copy");
    ftl_tensor_copy_to(t, FTL_DTYPE_F64, copy);
    double last = ftl_tensor_get_double(t, count - 1), copied = copy[count - 1];
    fuzz_require(last == copied || (isnan(last) && isnan(copied)), "both ways read one element");
    free(copy);
}

/* Reads the input as a tensor, with and without strict mode, by the reader of that extension. */
static inline void fuzz_read_tensor(const uint8_t *data, size_t size, const char *extension)
{
    const char *path = fuzz_write_file(data, size, extension);
    for (int strict = 0; strict < 2; strict++) {
        ftl_read_options options = {.alloc = ftl_allocator_get_default(),
                                    .strict = strict != 0,
                                    .mmap_npz_from = strict ? 1 : 0,
                                    .memory_limit = FUZZ_MEMORY};
        ftl_io_error error = {{0}};
        ftl_tensor *tensor = NULL;
        ftl_tensor_place place = {.file = path, .name = "W"};
        ftl_status status = ftl_io_read_tensor(&place, &options, &tensor, &error);
        if (status == FTL_OK)
            fuzz_touch_tensor(tensor);
        else
            fuzz_require(tensor == NULL && error.message[0],
                         "a failure has a message and no tensor");
        ftl_tensor_release(tensor);
    }
}

#endif
