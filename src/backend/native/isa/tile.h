/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of a tile table that floats and whole numbers share. The including file has defined
 * `element`, TILE_DTYPE, and for every row of kernels.def a function one_<name> of one element.
 */
#ifndef FTL_ISA_TILE_H
#define FTL_ISA_TILE_H

#include "backend/native/isa/isa.h"

/* ---- maps ---- */

#define DEFINE_MAP1(name)                                                                          \
    static MAY_BE_UNUSED void map1_##name(void *dst, const void *a, size_t n)                      \
    {                                                                                              \
        element *y = dst;                                                                          \
        const element *x = a;                                                                      \
        VECTOR_LOOP                                                                                \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = one_##name(x[i]);                                                               \
    }

#define DEFINE_FORM2(function, type, name, left, right)                                            \
    static void function(type *dst, const void *a, const void *b, size_t n)                        \
    {                                                                                              \
        if (n == 0)                                                                                \
            return;                                                                                \
        const element *x = a, *z = b;                                                              \
        const element x0 = x[0], z0 = z[0];                                                        \
        (void)x0, (void)z0;                                                                        \
        VECTOR_LOOP                                                                                \
        for (size_t i = 0; i < n; i++)                                                             \
            ((out_##type *)dst)[i] = one_##name(left, right);                                      \
    }
#define DEFINE_MAP2(name)                                                                          \
    DEFINE_FORM2(map2_##name##_vv, void, name, x[i], z[i])                                         \
    DEFINE_FORM2(map2_##name##_vs, void, name, x[i], z0)                                           \
    DEFINE_FORM2(map2_##name##_sv, void, name, x0, z[i])
#define DEFINE_COMPARE(name)                                                                       \
    DEFINE_FORM2(compare_##name##_vv, uint8_t, name, x[i], z[i])                                   \
    DEFINE_FORM2(compare_##name##_vs, uint8_t, name, x[i], z0)                                     \
    DEFINE_FORM2(compare_##name##_sv, uint8_t, name, x0, z[i])
typedef element out_void;
typedef uint8_t out_uint8_t;

#define DEFINE_FMA(form, left, right, add)                                                         \
    static void fma_##form(void *dst, const void *a, const void *b, const void *c, size_t n)       \
    {                                                                                              \
        if (n == 0)                                                                                \
            return;                                                                                \
        element *y = dst;                                                                          \
        const element *x = a, *z = b, *w = c;                                                      \
        const element z0 = z[0], w0 = w[0];                                                        \
        (void)z0, (void)w0;                                                                        \
        VECTOR_LOOP                                                                                \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = one_add(one_mul(left, right), add);                                             \
    }

#define DEFINE_SELECT(form, left, right)                                                           \
    static void select_##form(void *dst, const uint8_t *c, const void *a, const void *b, size_t n) \
    {                                                                                              \
        if (n == 0)                                                                                \
            return;                                                                                \
        element *y = dst;                                                                          \
        const element *x = a, *z = b;                                                              \
        const element x0 = x[0], z0 = z[0];                                                        \
        (void)x0, (void)z0;                                                                        \
        VECTOR_LOOP                                                                                \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = c[i] ? left : right;                                                            \
    }

static ALWAYS_INLINE bool one_eq(element a, element b)
{
    return a == b;
}

static ALWAYS_INLINE bool one_ne(element a, element b)
{
    return a != b;
}

static ALWAYS_INLINE bool one_lt(element a, element b)
{
    return a < b;
}

static ALWAYS_INLINE bool one_le(element a, element b)
{
    return a <= b;
}

#define FTL_COMPARE(NAME, name, text) DEFINE_COMPARE(name)
#include "backend/native/kernels.def"
DEFINE_FMA(vvv, x[i], z[i], w[i])
DEFINE_FMA(vvs, x[i], z[i], w0)
DEFINE_FMA(vsv, x[i], z0, w[i])
DEFINE_FMA(vss, x[i], z0, w0)
DEFINE_SELECT(vv, x[i], z[i])
DEFINE_SELECT(vs, x[i], z0)
DEFINE_SELECT(sv, x0, z[i])

/* ---- filling and fetching ---- */

static void fill(void *dst, const void *value, size_t n)
{
    element *y = dst;
    const element v = *(const element *)value;
    for (size_t i = 0; i < n; i++)
        y[i] = v;
}

static void iota(void *dst, int64_t start, int64_t step, size_t n)
{
    element *y = dst;
    for (size_t i = 0; i < n; i++)
        y[i] = (element)(start + (int64_t)i * step);
}

static void gather(void *dst, const void *a, const int64_t *index, size_t n)
{
    element *y = dst;
    const element *x = a;
    VECTOR_LOOP
    for (size_t i = 0; i < n; i++)
        y[i] = x[index[i]];
}

/* ---- loads and stores ----
 * Foreign memory may have any alignment. Strides 1 and 0 are vector code. */

#define FOREIGN __attribute__((aligned(1), may_alias))
typedef uint8_t FOREIGN any_bool;
typedef uint8_t FOREIGN any_u8;
typedef int8_t FOREIGN any_i8;
typedef int16_t FOREIGN any_i16;
typedef int32_t FOREIGN any_i32;
typedef int64_t FOREIGN any_i64;
typedef uint16_t FOREIGN any_f16;
typedef uint16_t FOREIGN any_bf16;
typedef float FOREIGN any_f32;
typedef double FOREIGN any_f64;

/* convert(x): element from a value of the foreign type */
#define DEFINE_LOAD(type, convert)                                                                 \
    static void load_##type(void *dst, const void *src, ptrdiff_t stride, size_t n)                \
    {                                                                                              \
        element *y = dst;                                                                          \
        const any_##type *x = src;                                                                 \
        if (stride == 1) {                                                                         \
            VECTOR_LOOP                                                                            \
            for (size_t i = 0; i < n; i++)                                                         \
                y[i] = convert(x[i]);                                                              \
            return;                                                                                \
        }                                                                                          \
        if (stride == 0 && n > 0) {                                                                \
            const element v = convert(x[0]);                                                       \
            fill(dst, &v, n);                                                                      \
            return;                                                                                \
        }                                                                                          \
        VECTOR_LOOP                                                                                \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = convert(x[(ptrdiff_t)i * stride]);                                              \
    }

/* convert(x): the foreign type from an element */
#define DEFINE_STORE(type, convert)                                                                \
    static void store_##type(void *dst, ptrdiff_t stride, const void *src, size_t n)               \
    {                                                                                              \
        any_##type *y = dst;                                                                       \
        const element *x = src;                                                                    \
        if (stride == 1) {                                                                         \
            VECTOR_LOOP                                                                            \
            for (size_t i = 0; i < n; i++)                                                         \
                y[i] = convert(x[i]);                                                              \
            return;                                                                                \
        }                                                                                          \
        VECTOR_LOOP                                                                                \
        for (size_t i = 0; i < n; i++)                                                             \
            y[(ptrdiff_t)i * stride] = convert(x[i]);                                              \
    }

#define DEFINE_RARE_LOAD(type, DTYPE)                                                              \
    static void load_##type(void *dst, const void *src, ptrdiff_t stride, size_t n)                \
    {                                                                                              \
        ftl_kernel_convert((ftl_strided){dst, TILE_DTYPE, 1},                                      \
                           (ftl_strided){(void *)(uintptr_t)src, FTL_DTYPE_##DTYPE, stride}, n);   \
    }
#define DEFINE_RARE_STORE(type, DTYPE)                                                             \
    static void store_##type(void *dst, ptrdiff_t stride, const void *src, size_t n)               \
    {                                                                                              \
        ftl_kernel_convert((ftl_strided){dst, FTL_DTYPE_##DTYPE, stride},                          \
                           (ftl_strided){(void *)(uintptr_t)src, TILE_DTYPE, 1}, n);               \
    }

#define CAST_ELEMENT(x) ((element)(x))
#define CAST_BOOL(x) ((uint8_t)((x) != 0))

/* ---- rows of the table ---- */

#define FORM2_ROW(prefix) {prefix##_vv, prefix##_vs, prefix##_sv}
#define MAP1_ROW(NAME, name) [FTL_MAP1_##NAME] = map1_##name,
#define MAP2_ROW(NAME, name) [FTL_MAP2_##NAME] = FORM2_ROW(map2_##name),
#define COMPARE_ROW(NAME, name) [FTL_COMPARE_##NAME] = FORM2_ROW(compare_##name),
#define FOLD_ROW(NAME, name) [FTL_FOLD_##NAME] = fold_##name,
#define LOAD_STORE_ROWS                                                                            \
    .load = {load_bool, load_u8, load_i8, load_i16, load_i32, load_i64, load_f16, load_bf16,       \
             load_f32, load_f64},                                                                  \
    .store = {store_bool, store_u8, store_i8, store_i16, store_i32, store_i64, store_f16,          \
              store_bf16, store_f32, store_f64},

#endif
