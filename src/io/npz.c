/* SPDX-License-Identifier: Apache-2.0
 *
 * .npz: a zip archive of .npy members. libzip reads the directory, inflates and checks the sums;
 * it sees the file through a source of ours, so that its reads are bounded, may be made to fail,
 * and show where the bytes of a stored member lie. Such a member of a large archive is mapped in
 * place (its sum is not checked then). Names of members are only compared, never used as paths.
 */
#include "io/archive.h"
#include "io/npy.h"

#include <zip.h>

/* No deflated byte stands for more bytes: a larger claim is a lie. */
#define DEFLATE_RATIO 1032u

typedef struct archive {
    ftl_file *file;
    zip_t *zip;
    uint64_t at;       /* where libzip reads next */
    ftl_status status; /* of a failed read; the message is written */
    zip_error_t error; /* of the source, for libzip */
} archive;

/* ---- the file as libzip sees it ---- */

static zip_int64_t source_read(archive *a, void *data, zip_uint64_t len)
{
    size_t got = 0;
    if (a->at >= a->file->size)
        return 0;
    if (len > a->file->size - a->at)
        len = a->file->size - a->at;
    a->status = ftl_file_read_some(a->file, a->at, data, (size_t)len, &got);
    if (a->status != FTL_OK) {
        zip_error_set(&a->error, ZIP_ER_READ, 0);
        return -1;
    }
    a->at += got;
    return (zip_int64_t)got;
}

static zip_int64_t source_seek(archive *a, void *data, zip_uint64_t len)
{
    zip_int64_t to = zip_source_seek_compute_offset(a->at, a->file->size, data, len, &a->error);
    if (to < 0)
        return -1;
    a->at = (uint64_t)to;
    return 0;
}

static zip_int64_t source_stat(archive *a, void *data)
{
    zip_stat_t *st = data;
    zip_stat_init(st);
    st->size = a->file->size;
    st->valid |= ZIP_STAT_SIZE;
    return sizeof(*st);
}

static zip_int64_t source(void *user, void *data, zip_uint64_t len, zip_source_cmd_t command)
{
    archive *a = user;
    switch (command) {
    case ZIP_SOURCE_OPEN: a->at = 0; return 0;
    case ZIP_SOURCE_READ: return source_read(a, data, len);
    case ZIP_SOURCE_CLOSE: return 0;
    case ZIP_SOURCE_STAT: return source_stat(a, data);
    case ZIP_SOURCE_ERROR: return zip_error_to_data(&a->error, data, len);
    case ZIP_SOURCE_FREE: return 0;
    case ZIP_SOURCE_SEEK: return source_seek(a, data, len);
    case ZIP_SOURCE_TELL: return (zip_int64_t)a->at;
    case ZIP_SOURCE_SUPPORTS: return ZIP_SOURCE_SUPPORTS_SEEKABLE;
    default: zip_error_set(&a->error, ZIP_ER_OPNOTSUPP, 0); return -1;
    }
}

static ftl_status fail_zip(archive *a, const char *what, zip_error_t *error)
{
    if (a->status != FTL_OK)
        return a->status;
    if (zip_error_code_zip(error) == ZIP_ER_MEMORY)
        return ftl_file_no_memory(a->file, a->file->size);
    if (zip_error_code_zip(error) == ZIP_ER_EXISTS)
        return ftl_file_fail(a->file, "has two members of one name");
    return ftl_file_fail(a->file, "%s: %s", what, zip_error_strerror(error));
}

static ftl_status open_archive(archive *a)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *src = zip_source_function_create(source, a, &error);
    a->zip = src ? zip_open_from_source(src, ZIP_RDONLY | ZIP_CHECKCONS, &error) : NULL;
    ftl_status status = a->zip ? FTL_OK : fail_zip(a, "is not a sound .npz archive", &error);
    if (src && !a->zip)
        zip_source_free(src);
    zip_error_fini(&error);
    return status;
}

/* ---- members ---- */

typedef struct member {
    ftl_stream stream; /* first: the stream's read gets at the member through it */
    archive *archive;
    zip_file_t *file;
    zip_stat_t st;
} member;

static ftl_status read_member(ftl_stream *s, void *dst, size_t n)
{
    member *m = (member *)s;
    for (size_t done = 0; done < n;) {
        zip_int64_t got = zip_fread(m->file, (char *)dst + done, n - done);
        if (got < 0)
            return fail_zip(m->archive, "cannot be read", zip_file_get_error(m->file));
        if (got == 0)
            return ftl_file_fail(s->file, "ends after %llu bytes",
                                 (unsigned long long)(s->offset + done));
        done += (size_t)got;
    }
    s->offset += n;
    return FTL_OK;
}

/* The sum is compared when libzip meets the end of the member. */
static ftl_status check_end(member *m)
{
    char c;
    zip_int64_t got = zip_fread(m->file, &c, 1);
    if (got < 0)
        return fail_zip(m->archive, "is damaged", zip_file_get_error(m->file));
    return got > 0 ? ftl_file_fail(m->stream.file, "has more bytes than its shape needs") : FTL_OK;
}

static ftl_status check_member(ftl_file *f, const zip_stat_t *st)
{
    zip_uint64_t need = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if ((st->valid & need) != need)
        return ftl_file_fail(f, "its directory entry is incomplete");
    if ((st->valid & ZIP_STAT_ENCRYPTION_METHOD) && st->encryption_method != ZIP_EM_NONE)
        return ftl_file_fail(f, "is encrypted");
    bool stored = st->comp_method == ZIP_CM_STORE;
    if (!stored && st->comp_method != ZIP_CM_DEFLATE)
        return ftl_file_fail(f, "is compressed by method %u; stored and deflated members are read",
                             st->comp_method);
    if (st->comp_size > f->size || (stored && st->size != st->comp_size))
        return ftl_file_fail(f, "its directory entry says %llu bytes, more than the archive has",
                             (unsigned long long)st->comp_size);
    if (!stored && st->size / DEFLATE_RATIO > st->comp_size)
        return ftl_file_fail(f, "claims that %llu bytes inflate to %llu, which cannot be",
                             (unsigned long long)st->comp_size, (unsigned long long)st->size);
    return stored ? FTL_OK : ftl_file_check_copy(f, "is compressed");
}

/* True when the same array header stands at offset of the file itself. */
static bool is_at(ftl_file *f, uint64_t offset, const ftl_array *array, uint64_t start)
{
    ftl_array there;
    uint64_t there_start = 0;
    ftl_stream s = ftl_stream_from_file(f, offset);
    if (ftl_npy_read_header(&s, &there, &there_start) != FTL_OK || there_start != start)
        return false;
    return there.rank == array->rank && there.element.dtype == array->element.dtype &&
           memcmp(there.shape, array->shape, sizeof(there.shape)) == 0;
}

/* Right after the header was read, libzip's place in the file is that of the elements, as it reads
 * stored members without looking ahead; is_at makes sure of it. */
static ftl_status read_array(member *m, ftl_tensor **out)
{
    ftl_file *f = m->stream.file;
    ftl_array array;
    uint64_t start = 0;
    FTL_TRY(ftl_npy_read_header(&m->stream, &array, &start));
    if (array.bytes != m->st.size - start)
        return ftl_file_fail(f, "its shape needs %llu bytes, the member has %llu",
                             (unsigned long long)array.bytes,
                             (unsigned long long)(m->st.size - start));
    uint64_t at = m->archive->at;
    bool stored = m->st.comp_method == ZIP_CM_STORE;
    bool map = stored && (f->options.strict || f->size >= f->options.mmap_npz_from) && at >= start;
    if (map && is_at(f, at - start, &array, start))
        return ftl_array_map(f, &array, at, out);
    if (map && f->has_failed)
        return FTL_ERR_IO;
    if (map)
        FTL_TRY(ftl_file_check_copy(f, "cannot be mapped"));
    FTL_TRY(ftl_array_read(&m->stream, &array, out));
    ftl_status status = check_end(m);
    if (status != FTL_OK) {
        ftl_tensor_release(*out);
        *out = NULL;
    }
    return status;
}

static ftl_status read_index(archive *a, zip_uint64_t index, ftl_tensor **out)
{
    member m = {.stream = {.file = a->file, .read = read_member}, .archive = a};
    if (zip_stat_index(a->zip, index, ZIP_FL_UNCHANGED, &m.st) != 0)
        return fail_zip(a, "cannot be examined", zip_get_error(a->zip));
    FTL_TRY(check_member(a->file, &m.st));
    m.file = zip_fopen_index(a->zip, index, 0);
    if (!m.file)
        return fail_zip(a, "cannot be opened", zip_get_error(a->zip));
    ftl_tensor *t = NULL;
    ftl_status status = read_array(&m, &t);
    zip_fclose(m.file);
    if (status == FTL_OK)
        *out = t;
    return status;
}

/* ---- choosing ---- */

static ftl_status choose(archive *a, const ftl_wanted *wanted, const char **names, size_t n,
                         size_t *out)
{
    for (size_t i = 0; i < n; i++) {
        names[i] = zip_get_name(a->zip, i, ZIP_FL_ENC_RAW);
        if (!names[i])
            return fail_zip(a, "has a member without a name", zip_get_error(a->zip));
    }
    FTL_TRY(ftl_wanted_find(wanted, a->file, names, n, out));
    a->file->member = names[*out];
    return FTL_OK;
}

static ftl_status read_wanted(archive *a, const ftl_wanted *wanted, ftl_tensor **out)
{
    const ftl_allocator *alloc = a->file->options.alloc;
    size_t n = (size_t)zip_get_num_entries(a->zip, 0), index = 0;
    size_t bytes = n * sizeof(char *); /* n is at most a 46th of the file's size */
    const char **names = ftl_mem_alloc(alloc, bytes);
    if (!names)
        return ftl_file_no_memory(a->file, bytes);
    ftl_status status = choose(a, wanted, names, n, &index);
    ftl_mem_free(alloc, names, bytes);
    return status == FTL_OK ? read_index(a, index, out) : status;
}

ftl_status ftl_npz_read(ftl_file *f, const ftl_wanted *wanted, ftl_tensor **out)
{
    archive a = {.file = f};
    zip_error_init(&a.error);
    ftl_status status = open_archive(&a);
    if (status == FTL_OK)
        status = read_wanted(&a, wanted, out);
    f->member = NULL; /* its text ends with the archive */
    if (a.zip)
        zip_discard(a.zip);
    zip_error_fini(&a.error);
    return status;
}
