/* SPDX-License-Identifier: Apache-2.0 */
#include "io/archive.h"
#include "io/json.h"
#include "io/npy.h"
#include "io/table.h"
#include "io/text.h"

#include <strings.h>

/* ---- formats ---- */

/* The format of a path of len bytes. */
static ftl_format find_format(const char *path, size_t len)
{
    static const struct {
        const char *extension;
        ftl_format format;
    } table[] = {{".npy", FTL_FORMAT_NPY},    {".npz", FTL_FORMAT_NPZ},
                 {".json", FTL_FORMAT_JSON},  {".safetensors", FTL_FORMAT_SAFETENSORS},
                 {".csv", FTL_FORMAT_CSV},    {".tsv", FTL_FORMAT_TSV},
                 {".txt", FTL_FORMAT_TEXT},   {".md", FTL_FORMAT_TEXT},
                 {".jsonl", FTL_FORMAT_JSONL}};
    for (size_t i = 0; i < FTL_COUNT(table); i++) {
        size_t n = strlen(table[i].extension);
        if (len > n && strncasecmp(path + len - n, table[i].extension, n) == 0)
            return table[i].format;
    }
    return FTL_FORMAT_UNKNOWN;
}

ftl_format ftl_io_find_format(const char *path)
{
    return find_format(path, strlen(path));
}

ftl_format ftl_io_split_path(ftl_arena *arena, const char *path, const char **file,
                             const char **member)
{
    size_t len = strlen(path);
    *member = NULL;
    for (size_t i = len; i-- > 0;)
        if (path[i] == '#' && find_format(path, i) != FTL_FORMAT_UNKNOWN) {
            *member = ftl_arena_strdup(arena, path + i + 1);
            len = i;
            break;
        }
    *file = ftl_arena_strndup(arena, path, len);
    return find_format(path, len);
}

/* ---- reading ---- */

static ftl_status read_tensor(ftl_file *f, const ftl_tensor_place *place, ftl_tensor **out)
{
    ftl_wanted wanted = {.member = place->member, .name = place->name};
    ftl_format format = ftl_io_find_format(place->file);
    wanted.fallback = format == FTL_FORMAT_NPZ ? "arr_0" : NULL;
    bool is_archive = format == FTL_FORMAT_NPZ || format == FTL_FORMAT_SAFETENSORS;
    if (place->member && !is_archive)
        return ftl_file_fail(f, "has no members, so that #%.60s names nothing", place->member);
    switch (format) {
    case FTL_FORMAT_NPY: return ftl_npy_read(f, out);
    case FTL_FORMAT_NPZ: return ftl_npz_read(f, &wanted, out);
    case FTL_FORMAT_SAFETENSORS: return ftl_safetensors_read(f, &wanted, out);
    case FTL_FORMAT_JSON: return ftl_json_read(f, out);
    case FTL_FORMAT_JSONL: return ftl_file_fail(f, ".jsonl is written, not read");
    case FTL_FORMAT_CSV:
    case FTL_FORMAT_TSV:
    case FTL_FORMAT_TEXT: return ftl_file_fail(f, "holds tuples, not a tensor");
    case FTL_FORMAT_UNKNOWN: break;
    }
    const char *dot = strrchr(place->file, '.');
    return ftl_file_fail(f,
                         "files of the kind '%.20s' are not read: .npy, .npz, .safetensors, .json, "
                         ".csv, .tsv, .txt and .md are",
                         dot ? dot : "");
}

ftl_status ftl_io_read_tensor(const ftl_tensor_place *place, const ftl_read_options *options,
                              ftl_tensor **out, ftl_io_error *error)
{
    ftl_file f;
    ftl_tensor *t = NULL;
    FTL_TRY(ftl_file_open(&f, place->file, options, error));
    ftl_status status = read_tensor(&f, place, &t);
    ftl_file_close(&f);
    if (status == FTL_OK)
        *out = t;
    return status;
}

ftl_status ftl_io_read_tuples(const char *file, ftl_table_form form,
                              const ftl_read_options *options, ftl_tuples **out,
                              ftl_io_error *error)
{
    ftl_file f;
    FTL_TRY(ftl_file_open(&f, file, options, error));
    char separator = ftl_io_find_format(file) == FTL_FORMAT_TSV ? '\t' : ',';
    ftl_status status = ftl_table_read(&f, separator, form, out);
    ftl_file_close(&f);
    return status;
}

ftl_status ftl_io_read_text(const char *file, const ftl_read_options *options, ftl_tuples **out,
                            ftl_io_error *error)
{
    ftl_file f;
    FTL_TRY(ftl_file_open(&f, file, options, error));
    ftl_status status = ftl_text_read(&f, out);
    ftl_file_close(&f);
    return status;
}

ftl_status ftl_io_read_symbols(const char *file, const ftl_read_options *options, ftl_symbols **out,
                               ftl_io_error *error)
{
    ftl_file f;
    FTL_TRY(ftl_file_open(&f, file, options, error));
    ftl_status status = ftl_text_read_symbols(&f, out);
    ftl_file_close(&f);
    return status;
}

ftl_status ftl_io_read_bytes(const char *path, const ftl_read_options *options, ftl_io_bytes *out,
                             ftl_io_error *error)
{
    ftl_file f;
    FTL_TRY(ftl_file_open(&f, path, options, error));
    ftl_block block = {.file = &f};
    size_t limit = f.options.memory_limit;
    f.options.memory_limit = SIZE_MAX;
    ftl_status status = ftl_file_read_all(&f, limit, &block);
    char *text = status == FTL_OK ? ftl_mem_alloc(f.options.alloc, block.len + 1) : NULL;
    if (text) {
        memcpy(text, block.data, block.len + 1);
        *out = (ftl_io_bytes){.data = text, .len = block.len, .alloc = f.options.alloc};
    } else if (status == FTL_OK) {
        status = ftl_file_no_memory(&f, block.len + 1);
    }
    ftl_block_free(&block);
    ftl_file_close(&f);
    return status;
}

void ftl_io_bytes_free(ftl_io_bytes *bytes)
{
    if (bytes->data)
        ftl_mem_free(bytes->alloc, bytes->data, bytes->len + 1);
    *bytes = (ftl_io_bytes){.data = NULL};
}
