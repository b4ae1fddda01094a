/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors into files. Elements are visited in row-major order whatever their strides, by a cursor
 * that keeps the place and the address.
 */
#include "io/npy.h"
#include "io/number.h"
#include "io/sink.h"

#include "base/dtype.h"

#include <stdio.h>
#include <zip.h>

#define MEMBER_MAX 512 /* bytes of a member's name */

/* ---- elements in order ---- */

typedef struct cursor {
    const ftl_tensor *t;
    const char *p;
    int64_t place[FTL_MAX_RANK];
} cursor;

static cursor start(const ftl_tensor *t)
{
    return (cursor){.t = t, .p = t->data};
}

/* Goes to the next element; gives the number of axes that began anew (rank: all, it was the last).
 */
static uint32_t advance(cursor *c)
{
    uint32_t rank = c->t->rank;
    for (uint32_t k = rank; k-- > 0;) {
        c->p += c->t->strides[k];
        if (++c->place[k] < c->t->shape[k])
            return rank - 1 - k;
        c->p -= c->t->strides[k] * c->t->shape[k];
        c->place[k] = 0;
    }
    return rank;
}

/* The element where it may be read as its type. */
static const void *get_element(const cursor *c, int64_t *aligned)
{
    memcpy(aligned, c->p, ftl_dtype_get_size(c->t->dtype));
    return aligned;
}

static ftl_status put_element(ftl_sink *s, const cursor *c, bool json)
{
    char text[FTL_NUMBER_MAX];
    int64_t element = 0;
    size_t len = ftl_number_write(c->t->dtype, get_element(c, &element), json, text);
    return ftl_sink_write(s, text, len);
}

/* ---- npy ---- */

static ftl_dtype get_npy_dtype(const ftl_tensor *t)
{
    return t->dtype == FTL_DTYPE_BF16 ? FTL_DTYPE_F32 : t->dtype;
}

/* All elements as dtype, row-major: the tensor's own bytes where they are that, else a copy of
 * *bytes bytes which the caller frees. */
static ftl_status get_dense(ftl_sink *s, const ftl_tensor *t, ftl_dtype dtype, void **copy,
                            size_t *bytes)
{
    *copy = NULL;
    if (!ftl_mul_size((size_t)ftl_tensor_get_count(t), ftl_dtype_get_size(dtype), bytes))
        return ftl_sink_fail(s, "the tensor is too large"), FTL_ERR_MEMORY;
    if (t->dtype == dtype && ftl_tensor_is_contiguous(t))
        return FTL_OK;
    *copy = ftl_mem_alloc(s->alloc, *bytes);
    if (!*copy)
        return ftl_sink_fail(s, "no memory for %zu bytes", *bytes), FTL_ERR_MEMORY;
    ftl_tensor_copy_to(t, dtype, *copy);
    return FTL_OK;
}

static ftl_status write_npy(ftl_sink *s, const ftl_tensor *t)
{
    char header[FTL_NPY_HEADER_MAX];
    ftl_dtype dtype = get_npy_dtype(t);
    void *copy = NULL;
    size_t bytes = 0;
    FTL_TRY(get_dense(s, t, dtype, &copy, &bytes));
    ftl_status status = ftl_sink_write(s, header, ftl_npy_write_header(t, dtype, header));
    if (status == FTL_OK)
        status = ftl_sink_write(s, copy ? copy : t->data, bytes);
    ftl_mem_free(s->alloc, copy, bytes);
    return status;
}

/* ---- npz: libzip writes through a source over the sink ---- */

typedef struct target {
    ftl_sink *sink;
    ftl_status status;
    zip_error_t error;
} target;

static zip_int64_t give(target *to, ftl_status status, zip_int64_t value)
{
    if (status == FTL_OK)
        return value;
    to->status = status;
    zip_error_set(&to->error, ZIP_ER_WRITE, 0);
    return -1;
}

static zip_int64_t seek_target(target *to, void *data, zip_uint64_t len)
{
    uint64_t at = ftl_sink_tell(to->sink);
    zip_int64_t place = zip_source_seek_compute_offset(at, INT64_MAX, data, len, &to->error);
    return place < 0 ? -1 : give(to, ftl_sink_seek(to->sink, (uint64_t)place), 0);
}

static zip_int64_t stat_target(void *data)
{
    zip_stat_t *st = data;
    zip_stat_init(st);
    st->size = 0;
    st->valid |= ZIP_STAT_SIZE;
    return sizeof(*st);
}

static zip_int64_t target_source(void *user, void *data, zip_uint64_t len, zip_source_cmd_t command)
{
    target *to = user;
    switch (command) {
    case ZIP_SOURCE_SUPPORTS: return ZIP_SOURCE_SUPPORTS_WRITABLE;
    case ZIP_SOURCE_STAT: return stat_target(data);
    case ZIP_SOURCE_WRITE: return give(to, ftl_sink_write(to->sink, data, len), (zip_int64_t)len);
    case ZIP_SOURCE_SEEK_WRITE: return seek_target(to, data, len);
    case ZIP_SOURCE_TELL_WRITE: return (zip_int64_t)ftl_sink_tell(to->sink);
    case ZIP_SOURCE_ERROR: return zip_error_to_data(&to->error, data, len);
    case ZIP_SOURCE_OPEN:
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_FREE:
    case ZIP_SOURCE_BEGIN_WRITE:
    case ZIP_SOURCE_COMMIT_WRITE:
    case ZIP_SOURCE_ROLLBACK_WRITE: return 0;
    default: zip_error_set(&to->error, ZIP_ER_OPNOTSUPP, 0); return -1;
    }
}

/* A member of an archive: header and elements, which must live until the archive is closed. */
typedef struct member {
    char name[MEMBER_MAX];
    char header[FTL_NPY_HEADER_MAX];
    void *copy; /* elements as written, or null: the tensor's own bytes */
    size_t bytes;
    zip_buffer_fragment_t fragments[2];
} member;

static ftl_status fill_member(ftl_sink *s, const ftl_tensor *t, const char *name, member *m)
{
    ftl_dtype dtype = get_npy_dtype(t);
    int len = snprintf(m->name, sizeof(m->name), "%s.npy", name);
    if (len < 0 || (size_t)len >= sizeof(m->name))
        return ftl_sink_fail(s, "the name of a member is too long");
    FTL_TRY(get_dense(s, t, dtype, &m->copy, &m->bytes));
    m->fragments[0] = (zip_buffer_fragment_t){.data = (zip_uint8_t *)m->header,
                                              .length = ftl_npy_write_header(t, dtype, m->header)};
    m->fragments[1] =
        (zip_buffer_fragment_t){.data = m->copy ? m->copy : t->data, .length = m->bytes};
    return FTL_OK;
}

/* Adds the member: stored, so that it can be mapped, and with one date, so that equal tensors make
 * equal files. */
static bool add_member(zip_t *zip, member *m)
{
    zip_source_t *source = zip_source_buffer_fragment(zip, m->fragments, 2, 0);
    zip_int64_t index = source ? zip_file_add(zip, m->name, source, ZIP_FL_ENC_UTF_8) : -1;
    if (index < 0) {
        zip_source_free(source);
        return false;
    }
    return zip_set_file_compression(zip, (zip_uint64_t)index, ZIP_CM_STORE, 0) == 0 &&
           zip_file_set_dostime(zip, (zip_uint64_t)index, 0, 0x21, 0) == 0;
}

static ftl_status fail_zip(target *to, zip_error_t *error)
{
    if (to->status != FTL_OK)
        return to->status;
    ftl_sink_fail(to->sink, "cannot be written: %s", zip_error_strerror(error));
    return zip_error_code_zip(error) == ZIP_ER_MEMORY ? FTL_ERR_MEMORY : FTL_ERR_IO;
}

static ftl_status write_archive(target *to, member *members, size_t n)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_function_create(target_source, to, &error);
    zip_t *zip = source ? zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &error) : NULL;
    ftl_status status = zip ? FTL_OK : fail_zip(to, &error);
    zip_error_fini(&error);
    if (!zip) {
        if (source)
            zip_source_free(source);
        return status;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = add_member(zip, &members[i]);
    if (ok && zip_close(zip) == 0)
        return FTL_OK;
    status = fail_zip(to, zip_get_error(zip));
    zip_discard(zip);
    return status;
}

static ftl_status write_npz(ftl_sink *s, const ftl_named_tensor *list, size_t n)
{
    size_t size;
    if (!ftl_mul_size(n ? n : 1, sizeof(member), &size))
        return ftl_sink_fail(s, "too many members"), FTL_ERR_MEMORY;
    member *members = ftl_mem_alloc(s->alloc, size);
    if (!members)
        return ftl_sink_fail(s, "no memory"), FTL_ERR_MEMORY;
    memset(members, 0, size);
    ftl_status status = FTL_OK;
    for (size_t i = 0; status == FTL_OK && i < n; i++)
        status = fill_member(s, list[i].t, list[i].name, &members[i]);
    target to = {.sink = s};
    zip_error_init(&to.error);
    if (status == FTL_OK)
        status = write_archive(&to, members, n);
    zip_error_fini(&to.error);
    for (size_t i = 0; i < n; i++)
        ftl_mem_free(s->alloc, members[i].copy, members[i].bytes);
    ftl_mem_free(s->alloc, members, size);
    return status;
}

/* ---- json ---- */

static ftl_status put_brackets(ftl_sink *s, char bracket, uint32_t n)
{
    char text[FTL_MAX_RANK];
    memset(text, bracket, n);
    return ftl_sink_write(s, text, n);
}

/* "[[], []]": the lists around the first axis that has no entries. */
static ftl_status put_empty(ftl_sink *s, const ftl_tensor *t, uint32_t axis)
{
    if (t->shape[axis] == 0)
        return ftl_sink_puts(s, "[]");
    FTL_TRY(ftl_sink_puts(s, "["));
    for (int64_t i = 0; i < t->shape[axis]; i++) {
        FTL_TRY(ftl_sink_puts(s, i > 0 ? ", " : ""));
        FTL_TRY(put_empty(s, t, axis + 1));
    }
    return ftl_sink_puts(s, "]");
}

static ftl_status put_lists(ftl_sink *s, const ftl_tensor *t)
{
    if (ftl_tensor_get_count(t) == 0)
        return put_empty(s, t, 0);
    cursor c = start(t);
    uint32_t ended = t->rank;
    FTL_TRY(put_brackets(s, '[', ended));
    do {
        FTL_TRY(put_element(s, &c, true));
        ended = advance(&c);
        FTL_TRY(put_brackets(s, ']', ended));
        if (ended < t->rank)
            FTL_TRY(ftl_sink_puts(s, ", "));
        if (ended < t->rank)
            FTL_TRY(put_brackets(s, '[', ended));
    } while (ended < t->rank);
    return FTL_OK;
}

static ftl_status write_json(ftl_sink *s, const ftl_tensor *t)
{
    FTL_TRY(put_lists(s, t));
    return ftl_sink_puts(s, "\n");
}

static ftl_status write_jsonl(ftl_sink *s, const ftl_tensor *t)
{
    char extent[32];
    FTL_TRY(ftl_sink_puts(s, "{\"schema\": \"fuse.tensor\", \"version\": 1, \"shape\": ["));
    for (uint32_t k = 0; k < t->rank; k++) {
        snprintf(extent, sizeof(extent), "%s%lld", k > 0 ? ", " : "", (long long)t->shape[k]);
        FTL_TRY(ftl_sink_puts(s, extent));
    }
    FTL_TRY(ftl_sink_puts(s, "]}\n{\"value\": "));
    FTL_TRY(put_lists(s, t));
    return ftl_sink_puts(s, "}\n");
}

static ftl_status put_ranked(ftl_sink *s, const cursor *index, const cursor *value)
{
    FTL_TRY(ftl_sink_puts(s, "{\"index\": "));
    char text[FTL_NUMBER_MAX];
    int64_t element = 0;
    int64_t place = ftl_dtype_get_int(index->t->dtype, get_element(index, &element));
    snprintf(text, sizeof(text), "%lld", (long long)place);
    FTL_TRY(ftl_sink_puts(s, text));
    FTL_TRY(ftl_sink_puts(s, ", \"value\": "));
    FTL_TRY(put_element(s, value, true));
    return ftl_sink_puts(s, "}");
}

static ftl_status write_topk(ftl_sink *s, const ftl_tensor *indices, const ftl_tensor *values)
{
    FTL_TRY(ftl_sink_puts(s, "{\"schema\": \"fuse.topk\", \"version\": 1}\n"));
    int64_t k = indices->shape[indices->rank - 1], rows = 1;
    for (uint32_t i = 0; i + 1 < indices->rank; i++)
        rows *= indices->shape[i];
    cursor index = start(indices), value = start(values);
    for (int64_t row = 0; row < rows; row++) {
        FTL_TRY(ftl_sink_puts(s, "{\"topk\": ["));
        for (int64_t i = 0; i < k; i++) {
            FTL_TRY(ftl_sink_puts(s, i > 0 ? ", " : ""));
            FTL_TRY(put_ranked(s, &index, &value));
            advance(&index);
            advance(&value);
        }
        FTL_TRY(ftl_sink_puts(s, "]}\n"));
    }
    return FTL_OK;
}

/* ---- tables ---- */

/* A field is quoted where it would be read back as something else. */
static ftl_status put_field(ftl_sink *s, const char *text, char separator)
{
    char special[] = {separator, '"', '\n', '\r', '\0'};
    size_t len = strlen(text);
    if (len > 0 && !strpbrk(text, special) && !strchr(" \t", text[0]) &&
        !strchr(" \t", text[len - 1]))
        return ftl_sink_write(s, text, len);
    FTL_TRY(ftl_sink_puts(s, "\""));
    for (const char *quote = strchr(text, '"'); quote; quote = strchr(text, '"')) {
        FTL_TRY(ftl_sink_write(s, text, (size_t)(quote - text)));
        FTL_TRY(ftl_sink_puts(s, "\"\""));
        text = quote + 1;
    }
    FTL_TRY(ftl_sink_puts(s, text));
    return ftl_sink_puts(s, "\"");
}

typedef struct table {
    ftl_sink *sink;
    const ftl_write_options *options;
    char separator;
} table;

static ftl_status put_place(const table *to, uint32_t k, int64_t place)
{
    const ftl_symbols *const *all = to->options->symbols;
    const ftl_symbols *symbols = all ? all[k] : NULL;
    char text[32];
    if (symbols && place < ftl_symbols_get_count(symbols))
        return put_field(to->sink, ftl_symbols_get(symbols, place), to->separator);
    snprintf(text, sizeof(text), "%lld", (long long)place);
    return ftl_sink_puts(to->sink, text);
}

static ftl_status put_tuple(const table *to, const cursor *c)
{
    bool has_value = !to->options->is_relation;
    for (uint32_t k = 0; k < c->t->rank; k++) {
        if (k > 0)
            FTL_TRY(ftl_sink_write(to->sink, &to->separator, 1));
        FTL_TRY(put_place(to, k, c->place[k]));
    }
    if (has_value && c->t->rank > 0)
        FTL_TRY(ftl_sink_write(to->sink, &to->separator, 1));
    if (has_value)
        FTL_TRY(put_element(to->sink, c, false));
    else if (c->t->rank == 0)
        FTL_TRY(ftl_sink_puts(to->sink, "true"));
    return ftl_sink_puts(to->sink, "\n");
}

static ftl_status write_table(const table *to, const ftl_tensor *t)
{
    if (ftl_tensor_get_count(t) == 0)
        return FTL_OK;
    cursor c = start(t);
    do {
        int64_t element = 0;
        if (ftl_dtype_get_double(t->dtype, get_element(&c, &element)) != 0)
            FTL_TRY(put_tuple(to, &c));
    } while (advance(&c) < t->rank);
    return FTL_OK;
}

/* ---- files ---- */

static ftl_status write_as(ftl_sink *s, ftl_format format, const ftl_tensor *t,
                           const ftl_write_options *options)
{
    table to = {.sink = s, .options = options, .separator = format == FTL_FORMAT_CSV ? ',' : '\t'};
    switch (format) {
    case FTL_FORMAT_NPY: return write_npy(s, t);
    case FTL_FORMAT_NPZ: return write_npz(s, &(ftl_named_tensor){"arr_0", t}, 1);
    case FTL_FORMAT_JSON: return write_json(s, t);
    case FTL_FORMAT_JSONL: return write_jsonl(s, t);
    case FTL_FORMAT_CSV:
    case FTL_FORMAT_TSV: return write_table(&to, t);
    case FTL_FORMAT_SAFETENSORS:
    case FTL_FORMAT_TEXT:
    case FTL_FORMAT_UNKNOWN: break;
    }
    return FTL_ERR_INTERNAL;
}

static ftl_status check_format(const char *path, ftl_io_error *error)
{
    ftl_format format = ftl_io_find_format(path);
    bool known = format != FTL_FORMAT_UNKNOWN && format != FTL_FORMAT_SAFETENSORS &&
                 format != FTL_FORMAT_TEXT;
    return known ? FTL_OK
                 : ftl_io_fail(error, path,
                               "files of this kind are not written: .npy, .npz, .json, "
                               ".jsonl, .csv and .tsv are");
}

ftl_status ftl_io_write_tensor(const char *path, const ftl_tensor *t,
                               const ftl_write_options *options, ftl_io_error *error)
{
    static const ftl_write_options none;
    ftl_sink s;
    FTL_TRY(check_format(path, error));
    FTL_TRY(ftl_sink_open(&s, path, options, error));
    ftl_format format = ftl_io_find_format(path);
    return ftl_sink_close(&s, write_as(&s, format, t, options ? options : &none));
}

ftl_status ftl_io_write_archive(const char *path, const ftl_named_tensor *list, size_t n,
                                const ftl_write_options *options, ftl_io_error *error)
{
    ftl_sink s;
    if (ftl_io_find_format(path) != FTL_FORMAT_NPZ)
        return ftl_io_fail(error, path, "several tensors are written as .npz");
    FTL_TRY(ftl_sink_open(&s, path, options, error));
    return ftl_sink_close(&s, write_npz(&s, list, n));
}

ftl_status ftl_io_write_topk(const char *path, const ftl_tensor *indices, const ftl_tensor *values,
                             const ftl_write_options *options, ftl_io_error *error)
{
    ftl_sink s;
    assert(indices->rank > 0 && indices->rank == values->rank);
    if (ftl_io_find_format(path) != FTL_FORMAT_JSONL)
        return ftl_io_fail(error, path, "topk is written as .jsonl");
    FTL_TRY(ftl_sink_open(&s, path, options, error));
    return ftl_sink_close(&s, write_topk(&s, indices, values));
}

ftl_status ftl_io_write_bytes(const char *path, const void *data, size_t len,
                              const ftl_write_options *options, ftl_io_error *error)
{
    ftl_sink s;
    FTL_TRY(ftl_sink_open(&s, path, options, error));
    return ftl_sink_close(&s, ftl_sink_write(&s, data, len));
}

ftl_status ftl_io_resolve_sink(ftl_arena *arena, const char *output_root, const char *path,
                               const char **out, ftl_io_error *error)
{
    ftl_sink_path resolved;
    FTL_TRY(ftl_sink_resolve(output_root, path, &resolved, error));
    *out = ftl_arena_strdup(arena, resolved.text);
    return FTL_OK;
}

ftl_status ftl_io_probe_sink(const char *output_root, const char *path, ftl_io_error *error)
{
    ftl_sink_path resolved;
    FTL_TRY(check_format(path, error));
    FTL_TRY(ftl_sink_resolve(output_root, path, &resolved, error));
    return ftl_sink_probe(&resolved, path, error);
}
