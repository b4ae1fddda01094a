/* SPDX-License-Identifier: Apache-2.0
 *
 * .safetensors: eight bytes with the length of the header, the header (a JSON object: name to
 * dtype, shape and data_offsets, and __metadata__ with texts), the elements. As the format says,
 * the tensors cover the data without holes and without sharing bytes, and names are unique.
 * Reference: the format page of the safetensors project. Tensors are mapped.
 */
#include "io/archive.h"

#include <jansson.h>
#include <stdlib.h>

#define HEADER_LIMIT ((uint64_t)16 << 20) /* bytes */
#define TREE_RATIO 40                     /* bytes of the parsed tree for a byte of the header */

typedef struct entry {
    const char *name;
    const json_t *value;
    uint64_t begin, end; /* within the data */
} entry;

typedef struct header {
    json_t *json;
    uint64_t data;  /* where the elements begin in the file */
    entry *entries; /* n, sorted by place once they are checked */
    size_t n;
} header;

static bool find_element(const char *dtype, ftl_element *e)
{
    static const struct {
        const char *name;
        uint8_t size;
        ftl_dtype dtype;
        bool widen;
    } table[] = {
        {"F64", 8, FTL_DTYPE_F64, false}, {"F32", 4, FTL_DTYPE_F32, false},
        {"F16", 2, FTL_DTYPE_F16, false}, {"BF16", 2, FTL_DTYPE_BF16, false},
        {"I64", 8, FTL_DTYPE_I64, false}, {"I32", 4, FTL_DTYPE_I32, false},
        {"I16", 2, FTL_DTYPE_I16, false}, {"I8", 1, FTL_DTYPE_I8, false},
        {"U8", 1, FTL_DTYPE_U8, false},   {"BOOL", 1, FTL_DTYPE_BOOL, false},
        {"U16", 2, FTL_DTYPE_I32, true},  {"U32", 4, FTL_DTYPE_I64, true},
        {"U64", 8, FTL_DTYPE_I64, true},
    };
    for (size_t i = 0; i < FTL_COUNT(table); i++)
        if (strcmp(table[i].name, dtype) == 0) {
            *e = (ftl_element){
                .dtype = table[i].dtype, .size = table[i].size, .widen = table[i].widen};
            return true;
        }
    return false;
}

/* ---- the header ---- */

static ftl_status read_header(ftl_file *f, header *h)
{
    unsigned char size[8] = {0};
    uint64_t len = 0;
    if (f->size < sizeof(size))
        return ftl_file_fail(f, "is too short for the .safetensors format");
    FTL_TRY(ftl_file_read_at(f, 0, size, sizeof(size)));
    memcpy(&len, size, sizeof(size));
    if (len > f->size - 8)
        return ftl_file_fail(f, "its header says that it has %llu bytes, the file has %llu",
                             (unsigned long long)len, (unsigned long long)f->size);
    if (len > HEADER_LIMIT)
        return ftl_file_fail(f, "its header has %llu bytes, more than the limit of 16 MiB",
                             (unsigned long long)len);
    FTL_TRY(ftl_file_check_memory(f, len * TREE_RATIO));
    char *text = ftl_mem_alloc(f->options.alloc, (size_t)len);
    if (!text)
        return ftl_file_no_memory(f, len);
    ftl_status status = ftl_file_read_at(f, 8, text, (size_t)len);
    json_error_t error = {.text = ""};
    if (status == FTL_OK && (len == 0 || text[0] != '{'))
        status = ftl_file_fail(f, "its header does not start with '{'");
    if (status == FTL_OK)
        h->json = json_loadb(text, (size_t)len, JSON_REJECT_DUPLICATES, &error);
    if (status == FTL_OK && !h->json && json_error_code(&error) == json_error_out_of_memory)
        status = ftl_file_no_memory(f, len * TREE_RATIO);
    else if (status == FTL_OK && !h->json)
        status =
            ftl_file_fail(f, "its header is malformed: %s (byte %d)", error.text, error.position);
    ftl_mem_free(f->options.alloc, text, (size_t)len);
    h->data = 8 + len;
    return status;
}

static bool get_offset(const json_t *pair, size_t i, uint64_t *out)
{
    const json_t *x = json_array_get(pair, i);
    if (!json_is_integer(x) || json_integer_value(x) < 0)
        return false;
    *out = (uint64_t)json_integer_value(x);
    return true;
}

static ftl_status read_shape(ftl_file *f, const entry *e, ftl_array *a)
{
    const json_t *shape = json_object_get(e->value, "shape");
    if (!json_is_array(shape) || json_array_size(shape) > FTL_MAX_RANK)
        return ftl_file_fail(f, "'%.60s' has no shape of at most %d axes", e->name, FTL_MAX_RANK);
    a->rank = (uint32_t)json_array_size(shape);
    for (uint32_t k = 0; k < a->rank; k++) {
        const json_t *x = json_array_get(shape, k);
        if (!json_is_integer(x) || json_integer_value(x) < 0)
            return ftl_file_fail(f, "'%.60s' has an extent that is no number", e->name);
        a->shape[k] = json_integer_value(x);
    }
    return FTL_OK;
}

/* The array of an entry, its size checked against its offsets. A dtype that is not known here is
 * an error where `must` is set; else bytes stays as the offsets say. */
static ftl_status read_array(ftl_file *f, const entry *e, bool must, ftl_array *a)
{
    *a = (ftl_array){.bytes = e->end - e->begin};
    const char *dtype = json_string_value(json_object_get(e->value, "dtype"));
    FTL_TRY(read_shape(f, e, a));
    if (!dtype)
        return ftl_file_fail(f, "'%.60s' has no dtype", e->name);
    if (!find_element(dtype, &a->element))
        return must ? ftl_file_fail(f, "has the element type %.20s, which is not known", dtype)
                    : FTL_OK;
    FTL_TRY(ftl_array_measure(f, a));
    if (a->bytes != e->end - e->begin)
        return ftl_file_fail(f, "'%.60s' has %llu bytes, its shape needs %llu", e->name,
                             (unsigned long long)(e->end - e->begin), (unsigned long long)a->bytes);
    return FTL_OK;
}

static ftl_status read_entry(ftl_file *f, entry *e)
{
    const json_t *pair = json_object_get(e->value, "data_offsets");
    if (json_array_size(pair) != 2 || !get_offset(pair, 0, &e->begin) ||
        !get_offset(pair, 1, &e->end) || e->begin > e->end)
        return ftl_file_fail(f, "'%.60s' has no sound data_offsets", e->name);
    ftl_array array;
    return read_array(f, e, false, &array);
}

static int compare_entries(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Sorts the entries by place; each must start where the one before ends, the last at the file's
 * end. */
static ftl_status check_cover(ftl_file *f, header *h)
{
    uint64_t at = 0;
    qsort(h->entries, h->n, sizeof(*h->entries), compare_entries);
    for (size_t i = 0; i < h->n; i++) {
        const entry *e = &h->entries[i];
        if (e->begin != at)
            return ftl_file_fail(f, "'%.60s' %s", e->name,
                                 e->begin < at ? "shares bytes with another tensor"
                                               : "has a hole before it");
        at = e->end;
    }
    if (at != f->size - h->data)
        return ftl_file_fail(f, "its header describes %llu bytes of data, the file has %llu",
                             (unsigned long long)at, (unsigned long long)(f->size - h->data));
    return FTL_OK;
}

static ftl_status collect(ftl_file *f, header *h)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(h->json, key, value)
    {
        if (!json_is_object(value))
            return ftl_file_fail(f, "'%.60s' is not described by an object", key);
        if (strcmp(key, "__metadata__") == 0)
            continue;
        h->entries[h->n] = (entry){.name = key, .value = value};
        FTL_TRY(read_entry(f, &h->entries[h->n]));
        h->n++;
    }
    return FTL_OK;
}

/* ---- choosing ---- */

static ftl_status read_wanted(ftl_file *f, const header *h, const ftl_wanted *wanted,
                              ftl_tensor **out)
{
    size_t index = 0, bytes = h->n * sizeof(char *);
    const char **names = ftl_mem_alloc(f->options.alloc, bytes);
    if (!names)
        return ftl_file_no_memory(f, bytes);
    for (size_t i = 0; i < h->n; i++)
        names[i] = h->entries[i].name;
    ftl_status status = ftl_wanted_find(wanted, f, names, h->n, &index);
    ftl_mem_free(f->options.alloc, names, bytes);
    FTL_TRY(status);
    ftl_array array;
    f->member = h->entries[index].name;
    FTL_TRY(read_array(f, &h->entries[index], true, &array));
    return ftl_array_map(f, &array, h->data + h->entries[index].begin, out);
}

static ftl_status read_tensors(ftl_file *f, header *h, const ftl_wanted *wanted, ftl_tensor **out)
{
    size_t bytes = json_object_size(h->json) * sizeof(entry);
    h->entries = ftl_mem_alloc(f->options.alloc, bytes);
    if (!h->entries)
        return ftl_file_no_memory(f, bytes);
    ftl_status status = collect(f, h);
    if (status == FTL_OK)
        status = check_cover(f, h);
    if (status == FTL_OK)
        status = read_wanted(f, h, wanted, out);
    ftl_mem_free(f->options.alloc, h->entries, bytes);
    return status;
}

ftl_status ftl_safetensors_read(ftl_file *f, const ftl_wanted *wanted, ftl_tensor **out)
{
    header h = {.json = NULL};
    FTL_TRY(read_header(f, &h));
    ftl_status status = read_tensors(f, &h, wanted, out);
    f->member = NULL; /* its text ends with the header */
    json_decref(h.json);
    return status;
}
