/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversion goes through a block of doubles (from floats) or of int64 (from whole numbers and
 * bool): both hold every source value exactly, so each value is rounded once, on the way out.
 * Where the way out has two roundings (double to f32 to f16, int64 to double to f32) the first is
 * a rounding to odd, after which the second gives the correctly rounded result [Boldo and
 * Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to
 * odd", 2008].
 */
#include "base/dtype.h"

enum { BLOCK = 256 };

/* Elements in foreign memory: of any alignment. */
#define FOREIGN __attribute__((aligned(1), may_alias))
typedef int8_t FOREIGN any_i8;
typedef uint8_t FOREIGN any_u8;
typedef int16_t FOREIGN any_i16;
typedef uint16_t FOREIGN any_u16;
typedef int32_t FOREIGN any_i32;
typedef float FOREIGN any_f32;
typedef double FOREIGN any_f64;

static const struct {
    char name[8], long_name[12];
    uint8_t size;
} dtypes[FTL_DTYPE_COUNT] = {
    [FTL_DTYPE_BOOL] = {"bool", "bool", 1},      [FTL_DTYPE_U8] = {"u8", "uint8", 1},
    [FTL_DTYPE_I8] = {"i8", "int8", 1},          [FTL_DTYPE_I16] = {"i16", "int16", 2},
    [FTL_DTYPE_I32] = {"i32", "int32", 4},       [FTL_DTYPE_I64] = {"i64", "int64", 8},
    [FTL_DTYPE_F16] = {"f16", "float16", 2},     [FTL_DTYPE_BF16] = {"bf16", "bfloat16", 2},
    [FTL_DTYPE_F32] = {"f32", "float32", 4},     [FTL_DTYPE_F64] = {"f64", "float64", 8},
};

static const struct {
    char name[8];
    ftl_dtype dtype;
} aliases[] = {
    {"fp16", FTL_DTYPE_F16}, {"half", FTL_DTYPE_F16},   {"fp32", FTL_DTYPE_F32},
    {"float", FTL_DTYPE_F32}, {"fp64", FTL_DTYPE_F64}, {"double", FTL_DTYPE_F64},
    {"int", FTL_DTYPE_I64},
};

const char *ftl_dtype_get_name(ftl_dtype dtype)
{
    assert((unsigned)dtype < FTL_DTYPE_COUNT);
    return dtypes[dtype].name;
}

const char *ftl_dtype_get_long_name(ftl_dtype dtype)
{
    assert((unsigned)dtype < FTL_DTYPE_COUNT);
    return dtypes[dtype].long_name;
}

size_t ftl_dtype_get_size(ftl_dtype dtype)
{
    return (unsigned)dtype < FTL_DTYPE_COUNT ? dtypes[dtype].size : 0;
}

static bool is_same(const char *text, const char *name, size_t len)
{
    return strlen(text) == len && memcmp(text, name, len) == 0;
}

bool ftl_dtype_find(const char *name, size_t len, ftl_dtype *dtype)
{
    for (unsigned i = 0; i < FTL_DTYPE_COUNT; i++)
        if (is_same(dtypes[i].name, name, len) || is_same(dtypes[i].long_name, name, len)) {
            *dtype = (ftl_dtype)i;
            return true;
        }
    for (size_t i = 0; i < FTL_COUNT(aliases); i++)
        if (is_same(aliases[i].name, name, len)) {
            *dtype = aliases[i].dtype;
            return true;
        }
    return false;
}

bool ftl_dtype_is_float(ftl_dtype dtype)
{
    return dtype >= FTL_DTYPE_F16 && dtype <= FTL_DTYPE_F64;
}

bool ftl_dtype_is_whole(ftl_dtype dtype)
{
    return dtype >= FTL_DTYPE_U8 && dtype <= FTL_DTYPE_I64;
}

/* ---- one value ---- */

static int64_t clamp(int64_t x, int64_t lo, int64_t hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

static int64_t truncate(double x)
{
    if (x >= 0x1p63)
        return INT64_MAX;
    if (x < -0x1p63)
        return INT64_MIN;
    return x == x ? (int64_t)x : 0;
}

/* x rounded to f32 towards odd: truncated, with the last bit set when anything was lost. */
static float round_to_odd(double x)
{
    float f = (float)x;
    uint32_t u = ftl_float_get_bits(f);
    if ((double)f == x || x != x || (u & 0x7fffffffu) == 0x7f800000u)
        return f;
    bool is_beyond = x < 0 ? (double)f < x : (double)f > x;
    return ftl_float_from_bits((is_beyond ? u - 1u : u) | 1u);
}

/* x with its low 11 bits replaced by one sticky bit, so that a double holds it exactly; used only
 * on the way to 16-bit floats, whose last place lies far above. */
static double jam(int64_t x)
{
    uint64_t u = x < 0 ? 0u - (uint64_t)x : (uint64_t)x;
    if (u >> 53)
        u = (u & ~UINT64_C(0x7ff)) | ((u & 0x7ff) ? UINT64_C(0x800) : 0);
    return x < 0 ? -(double)u : (double)u;
}

static uint16_t f16_from_double(double x)
{
    return ftl_f16_from_f32(round_to_odd(x));
}

static uint16_t bf16_from_double(double x)
{
    return ftl_bf16_from_f32(round_to_odd(x));
}

/* ---- blocks: FTL_DTYPE_* source -> double or int64 -> FTL_DTYPE_* target ---- */

#define LOOP(n, statement)                                                                         \
    for (size_t i = 0; i < (n); i++) {                                                             \
        statement;                                                                                 \
    }                                                                                              \
    break

/* dispatch */ static void load_doubles(double *out, ftl_dtype from, const void *src, size_t n)
{
    switch (from) {
    case FTL_DTYPE_F16: LOOP(n, out[i] = (double)ftl_f16_to_f32(((const any_u16 *)src)[i]));
    case FTL_DTYPE_BF16: LOOP(n, out[i] = (double)ftl_bf16_to_f32(((const any_u16 *)src)[i]));
    case FTL_DTYPE_F32: LOOP(n, out[i] = (double)((const any_f32 *)src)[i]);
    default: assert(from == FTL_DTYPE_F64); memcpy(out, src, n * sizeof *out);
    }
}

/* dispatch */ static void load_ints(int64_t *out, ftl_dtype from, const void *src, size_t n)
{
    switch (from) {
    case FTL_DTYPE_BOOL: LOOP(n, out[i] = ((const any_u8 *)src)[i] != 0);
    case FTL_DTYPE_U8: LOOP(n, out[i] = ((const any_u8 *)src)[i]);
    case FTL_DTYPE_I8: LOOP(n, out[i] = ((const any_i8 *)src)[i]);
    case FTL_DTYPE_I16: LOOP(n, out[i] = ((const any_i16 *)src)[i]);
    case FTL_DTYPE_I32: LOOP(n, out[i] = ((const any_i32 *)src)[i]);
    default: assert(from == FTL_DTYPE_I64); memcpy(out, src, n * sizeof *out);
    }
}

/* dispatch */ static void store_ints(void *dst, ftl_dtype to, const int64_t *x, size_t n)
{
    switch (to) {
    case FTL_DTYPE_BOOL: LOOP(n, ((any_u8 *)dst)[i] = x[i] != 0);
    case FTL_DTYPE_U8: LOOP(n, ((any_u8 *)dst)[i] = (uint8_t)clamp(x[i], 0, UINT8_MAX));
    case FTL_DTYPE_I8: LOOP(n, ((any_i8 *)dst)[i] = (int8_t)clamp(x[i], INT8_MIN, INT8_MAX));
    case FTL_DTYPE_I16: LOOP(n, ((any_i16 *)dst)[i] = (int16_t)clamp(x[i], INT16_MIN, INT16_MAX));
    case FTL_DTYPE_I32: LOOP(n, ((any_i32 *)dst)[i] = (int32_t)clamp(x[i], INT32_MIN, INT32_MAX));
    case FTL_DTYPE_I64: memcpy(dst, x, n * sizeof *x); break;
    case FTL_DTYPE_F16: LOOP(n, ((any_u16 *)dst)[i] = f16_from_double(jam(x[i])));
    case FTL_DTYPE_BF16: LOOP(n, ((any_u16 *)dst)[i] = bf16_from_double(jam(x[i])));
    case FTL_DTYPE_F32: LOOP(n, ((any_f32 *)dst)[i] = (float)x[i]);
    default: assert(to == FTL_DTYPE_F64); LOOP(n, ((any_f64 *)dst)[i] = (double)x[i]);
    }
}

/* dispatch */ static void store_doubles(void *dst, ftl_dtype to, const double *x, size_t n)
{
    switch (to) {
    case FTL_DTYPE_BOOL: LOOP(n, ((any_u8 *)dst)[i] = x[i] != 0.0);
    case FTL_DTYPE_F16: LOOP(n, ((any_u16 *)dst)[i] = f16_from_double(x[i]));
    case FTL_DTYPE_BF16: LOOP(n, ((any_u16 *)dst)[i] = bf16_from_double(x[i]));
    case FTL_DTYPE_F32: LOOP(n, ((any_f32 *)dst)[i] = (float)x[i]);
    case FTL_DTYPE_F64: memcpy(dst, x, n * sizeof *x); break;
    default: {
        int64_t whole[BLOCK];
        for (size_t i = 0; i < n; i++)
            whole[i] = truncate(x[i]);
        store_ints(dst, to, whole, n);
    }
    }
}

static void convert_block(void *dst, ftl_dtype to, const void *src, ftl_dtype from, size_t n)
{
    if (ftl_dtype_is_float(from)) {
        double x[BLOCK];
        load_doubles(x, from, src, n);
        store_doubles(dst, to, x, n);
    } else {
        int64_t x[BLOCK];
        load_ints(x, from, src, n);
        store_ints(dst, to, x, n);
    }
}

void ftl_dtype_convert(void *dst, ftl_dtype to, const void *src, ftl_dtype from, size_t n)
{
    size_t to_size = ftl_dtype_get_size(to), from_size = ftl_dtype_get_size(from);
    if (to == from) {
        if (n > 0)
            memmove(dst, src, n * to_size);
        return;
    }
    for (size_t i = 0; i < n; i += BLOCK)
        convert_block((char *)dst + i * to_size, to, (const char *)src + i * from_size, from,
                      n - i < BLOCK ? n - i : BLOCK);
}

double ftl_dtype_get_double(ftl_dtype dtype, const void *p)
{
    double x;
    ftl_dtype_convert(&x, FTL_DTYPE_F64, p, dtype, 1);
    return x;
}

void ftl_dtype_put_double(ftl_dtype dtype, void *p, double x)
{
    ftl_dtype_convert(p, dtype, &x, FTL_DTYPE_F64, 1);
}

int64_t ftl_dtype_get_int(ftl_dtype dtype, const void *p)
{
    int64_t x;
    ftl_dtype_convert(&x, FTL_DTYPE_I64, p, dtype, 1);
    return x;
}

void ftl_dtype_put_int(ftl_dtype dtype, void *p, int64_t x)
{
    ftl_dtype_convert(p, dtype, &x, FTL_DTYPE_I64, 1);
}
