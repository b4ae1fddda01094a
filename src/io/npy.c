/* SPDX-License-Identifier: Apache-2.0 */
#include "io/npy.h"

#include "base/dtype.h"

#include <stdio.h>

#define MAGIC "\x93NUMPY"
#define HEADER_LIMIT ((size_t)1 << 20) /* bytes of a header that is read; numpy allows 10000 */
#define SHOWN 24                       /* bytes of the header's text shown in a message */

/* ---- the dict literal ----
 * dict: '{' [ pair { ',' pair } [ ',' ] ] '}'     pair: string ':' value
 * White space is free between tokens; strings have no escapes. */

typedef struct literal {
    ftl_file *file;
    const char *p, *end;
    ftl_array *out;
    bool has_descr, has_order, has_shape;
} literal;

static void skip_space(literal *l)
{
    while (l->p < l->end && (*l->p == ' ' || (*l->p >= '\t' && *l->p <= '\r')))
        l->p++;
}

static bool take(literal *l, char c)
{
    skip_space(l);
    if (l->p == l->end || *l->p != c)
        return false;
    l->p++;
    return true;
}

static ftl_status fail_header(literal *l, const char *expected)
{
    size_t left = (size_t)(l->end - l->p);
    return ftl_file_fail(l->file, "its header is malformed: expected %s at '%.*s'", expected,
                         (int)(left < SHOWN ? left : SHOWN), l->p);
}

/* string: "'" {not "'"} "'" or the same with double quotes */
static ftl_status read_string(literal *l, const char **text, size_t *len)
{
    skip_space(l);
    if (l->p == l->end || (*l->p != '\'' && *l->p != '"'))
        return fail_header(l, "a string");
    const char *start = l->p + 1;
    const char *close = memchr(start, *l->p, (size_t)(l->end - start));
    if (!close || memchr(start, '\\', (size_t)(close - start)))
        return fail_header(l, "the end of a string");
    *text = start;
    *len = (size_t)(close - start);
    l->p = close + 1;
    return FTL_OK;
}

/* extent: ['-'] digit {digit} ['L'] */
static ftl_status read_extent(literal *l, int64_t *out)
{
    bool negative = take(l, '-');
    const char *start = l->p;
    int64_t x = 0;
    for (; l->p < l->end && *l->p >= '0' && *l->p <= '9'; l->p++)
        if (__builtin_mul_overflow(x, 10, &x) || __builtin_add_overflow(x, *l->p - '0', &x))
            return ftl_file_fail(l->file, "its header has an extent beyond 64 bits");
    if (l->p == start)
        return fail_header(l, "an extent");
    if (negative)
        return ftl_file_fail(l->file, "its header has the extent -%lld", (long long)x);
    take(l, 'L');
    *out = x;
    return FTL_OK;
}

/* shape: '(' [ extent { ',' extent } [ ',' ] ] ')' */
static ftl_status read_shape(literal *l)
{
    ftl_array *a = l->out;
    if (!take(l, '('))
        return fail_header(l, "a shape");
    bool comma = true;
    while (!take(l, ')')) {
        if (!comma)
            return fail_header(l, "',' or ')'");
        if (a->rank == FTL_MAX_RANK)
            return ftl_file_fail(l->file, "has more than %d axes", FTL_MAX_RANK);
        FTL_TRY(read_extent(l, &a->shape[a->rank]));
        a->rank++;
        comma = take(l, ',');
    }
    return a->rank == 1 && !comma ? fail_header(l, "',' after the only extent") : FTL_OK;
}

static const char *name_kind(char kind)
{
    switch (kind) {
    case 'O': return "Python objects (a pickle)";
    case 'S':
    case 'a':
    case 'U': return "strings";
    case 'c': return "complex numbers";
    case 'M':
    case 'm': return "dates";
    case 'V': return "raw bytes";
    default: return NULL;
    }
}

static bool find_element(char kind, unsigned size, ftl_element *e)
{
    static const struct {
        char kind;
        uint8_t size;
        ftl_dtype dtype;
        bool widen;
    } table[] = {
        {'b', 1, FTL_DTYPE_BOOL, false}, {'u', 1, FTL_DTYPE_U8, false},
        {'i', 1, FTL_DTYPE_I8, false},   {'i', 2, FTL_DTYPE_I16, false},
        {'i', 4, FTL_DTYPE_I32, false},  {'i', 8, FTL_DTYPE_I64, false},
        {'f', 2, FTL_DTYPE_F16, false},  {'f', 4, FTL_DTYPE_F32, false},
        {'f', 8, FTL_DTYPE_F64, false},  {'u', 2, FTL_DTYPE_I32, true},
        {'u', 4, FTL_DTYPE_I64, true},   {'u', 8, FTL_DTYPE_I64, true},
    };
    for (size_t i = 0; i < FTL_COUNT(table); i++)
        if (table[i].kind == kind && table[i].size == size) {
            *e = (ftl_element){
                .dtype = table[i].dtype, .size = table[i].size, .widen = table[i].widen};
            return true;
        }
    return false;
}

/* descr: [ '<' | '>' | '=' | '|' ] kind size, in a string. A list is a structured type. */
static ftl_status read_descr(literal *l)
{
    const char *text = NULL;
    size_t len = 0;
    if (take(l, '['))
        return ftl_file_fail(l->file, "holds records, not numbers");
    FTL_TRY(read_string(l, &text, &len));
    char order = '=';
    const char *p = text, *end = text + len;
    if (p < end && memchr("<>=|", *p, 4))
        order = *p++;
    char kind = p < end ? *p++ : '?';
    if (name_kind(kind))
        return ftl_file_fail(l->file, "holds %s ('%.*s'), not numbers", name_kind(kind),
                             (int)(len < SHOWN ? len : SHOWN), text);
    unsigned size = 0;
    for (; p < end && *p >= '0' && *p <= '9' && size < 100; p++)
        size = size * 10 + (unsigned)(*p - '0');
    if (p != end || !find_element(kind, size, &l->out->element))
        return ftl_file_fail(l->file, "its element type '%.*s' is not known",
                             (int)(len < SHOWN ? len : SHOWN), text);
    l->out->element.swap = order == '>' && size > 1;
    return FTL_OK;
}

static ftl_status read_order(literal *l)
{
    skip_space(l);
    size_t left = (size_t)(l->end - l->p);
    bool yes = left >= 4 && memcmp(l->p, "True", 4) == 0;
    if (!yes && !(left >= 5 && memcmp(l->p, "False", 5) == 0))
        return fail_header(l, "True or False");
    l->p += yes ? 4 : 5;
    l->out->fortran = yes;
    return FTL_OK;
}

static ftl_status read_pair(literal *l)
{
    const char *key = NULL;
    size_t len = 0;
    FTL_TRY(read_string(l, &key, &len));
    if (!take(l, ':'))
        return fail_header(l, "':'");
    struct {
        const char *name;
        bool *seen;
        ftl_status (*read)(literal *);
    } keys[] = {{"descr", &l->has_descr, read_descr},
                {"fortran_order", &l->has_order, read_order},
                {"shape", &l->has_shape, read_shape}};
    for (size_t i = 0; i < FTL_COUNT(keys); i++) {
        if (len != strlen(keys[i].name) || memcmp(key, keys[i].name, len) != 0)
            continue;
        if (*keys[i].seen)
            return ftl_file_fail(l->file, "its header has the key '%s' twice", keys[i].name);
        *keys[i].seen = true;
        return keys[i].read(l);
    }
    return ftl_file_fail(l->file, "its header has the unknown key '%.*s'",
                         (int)(len < SHOWN ? len : SHOWN), key);
}

static ftl_status parse_header(literal *l)
{
    if (!take(l, '{'))
        return fail_header(l, "'{'");
    bool comma = true;
    while (!take(l, '}')) {
        if (!comma)
            return fail_header(l, "',' or '}'");
        FTL_TRY(read_pair(l));
        comma = take(l, ',');
    }
    skip_space(l);
    if (l->p < l->end)
        return fail_header(l, "the end of the header");
    if (!l->has_descr || !l->has_order || !l->has_shape)
        return ftl_file_fail(l->file, "its header lacks the key '%s'",
                             !l->has_descr   ? "descr"
                             : !l->has_order ? "fortran_order"
                                             : "shape");
    return FTL_OK;
}

/* ---- the file ---- */

static ftl_status check_magic(ftl_file *f, const unsigned char p[8])
{
    if (memcmp(p, MAGIC, 6) != 0) {
        const char *what = memcmp(p, "PK\3\4", 4) == 0 ? " (it is a zip archive: .npz)"
                         : p[0] == 0x80                ? " (it is a Python pickle)"
                                                       : "";
        return ftl_file_fail(f, "is not in the .npy format%s", what);
    }
    if (p[6] < 1 || p[6] > 3 || p[7] != 0)
        return ftl_file_fail(f, "has version %u.%u of the .npy format; 1.0, 2.0 and 3.0 are known",
                             p[6], p[7]);
    return FTL_OK;
}

static ftl_status read_literal(ftl_stream *s, char *text, size_t len, ftl_array *out)
{
    FTL_TRY(s->read(s, text, len));
    literal l = {.file = s->file, .p = text, .end = text + len, .out = out};
    return parse_header(&l);
}

ftl_status ftl_npy_read_header(ftl_stream *s, ftl_array *out, uint64_t *start)
{
    ftl_file *f = s->file;
    unsigned char p[12] = {0};
    *out = (ftl_array){.rank = 0};
    FTL_TRY(s->read(s, p, 8));
    FTL_TRY(check_magic(f, p));
    size_t wide = p[6] == 1 ? 2 : 4;
    FTL_TRY(s->read(s, p + 8, wide));
    size_t len = (size_t)p[8] | (size_t)p[9] << 8 | (size_t)p[10] << 16 | (size_t)p[11] << 24;
    if (len > HEADER_LIMIT)
        return ftl_file_fail(f, "its header says that it has %zu bytes", len);
    char *text = ftl_mem_alloc(f->options.alloc, len);
    if (!text)
        return ftl_file_no_memory(f, len);
    ftl_status status = read_literal(s, text, len, out);
    ftl_mem_free(f->options.alloc, text, len);
    FTL_TRY(status);
    *start = 8 + wide + len;
    return ftl_array_measure(f, out);
}

ftl_status ftl_npy_read(ftl_file *f, ftl_tensor **out)
{
    ftl_stream s = ftl_stream_from_file(f, 0);
    ftl_array array;
    uint64_t start = 0;
    if (f->size < 8)
        return ftl_file_fail(f, "is too short for the .npy format: %llu bytes",
                             (unsigned long long)f->size);
    FTL_TRY(ftl_npy_read_header(&s, &array, &start));
    return ftl_array_map(f, &array, start, out);
}

/* ---- writing ---- */

size_t ftl_npy_write_header(const ftl_tensor *t, ftl_dtype dtype, char out[FTL_NPY_HEADER_MAX])
{
    char shape[FTL_MAX_RANK * 22 + 4];
    size_t at = 0;
    for (uint32_t k = 0; k < t->rank; k++)
        at += (size_t)snprintf(shape + at, sizeof(shape) - at, "%s%lld%s", k > 0 ? ", " : "",
                               (long long)t->shape[k], t->rank == 1 ? "," : "");
    shape[at] = '\0';
    char kind = dtype == FTL_DTYPE_BOOL   ? 'b'
              : dtype == FTL_DTYPE_U8     ? 'u'
              : ftl_dtype_is_float(dtype) ? 'f'
                                          : 'i';
    size_t size = ftl_dtype_get_size(dtype);
    int n = snprintf(out + 10, FTL_NPY_HEADER_MAX - 10,
                     "{'descr': '%c%c%zu', 'fortran_order': False, 'shape': (%s), }",
                     size > 1 ? '<' : '|', kind, size, shape);
    size_t total = (10 + (size_t)n + 1 + 63) / 64 * 64;
    memset(out + 10 + n, ' ', total - 10 - (size_t)n);
    out[total - 1] = '\n';
    memcpy(out, MAGIC "\1", 8);
    out[8] = (char)((total - 10) & 0xff);
    out[9] = (char)((total - 10) >> 8);
    return total;
}
