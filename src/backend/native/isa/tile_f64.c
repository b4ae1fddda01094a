/* SPDX-License-Identifier: Apache-2.0
 *
 * The tile table of f64.
 */
#include "backend/native/isa/isa.h"
#include "backend/native/isa/real_f64.h"

typedef double element;
#define TILE_DTYPE FTL_DTYPE_F64
#include "backend/native/isa/tile_float.h"

/* Truncated, limited to the range; nan is 0. */
static ALWAYS_INLINE int32_t to_i32(double x)
{
    x = x > (double)INT32_MIN ? x : x != x ? 0.0 : (double)INT32_MIN;
    return (int32_t)(x < (double)INT32_MAX ? x : (double)INT32_MAX);
}

static ALWAYS_INLINE int64_t to_i64(double x)
{
    double y = x > -0x1p63 ? x : x != x ? 0.0 : -0x1p63;
    return x >= 0x1p63 ? INT64_MAX : (int64_t)(x >= 0x1p63 ? 0.0 : y);
}

DEFINE_LOAD(bool, CAST_ELEMENT)
DEFINE_RARE_LOAD(u8, U8)
DEFINE_RARE_LOAD(i8, I8)
DEFINE_RARE_LOAD(i16, I16)
DEFINE_LOAD(i32, CAST_ELEMENT)
DEFINE_LOAD(i64, CAST_ELEMENT)
DEFINE_RARE_LOAD(f16, F16)
DEFINE_RARE_LOAD(bf16, BF16)
DEFINE_LOAD(f32, CAST_ELEMENT)
DEFINE_LOAD(f64, CAST_ELEMENT)
DEFINE_STORE(bool, CAST_BOOL)
DEFINE_RARE_STORE(u8, U8)
DEFINE_RARE_STORE(i8, I8)
DEFINE_RARE_STORE(i16, I16)
DEFINE_STORE(i32, to_i32)
DEFINE_STORE(i64, to_i64)
DEFINE_RARE_STORE(f16, F16)
DEFINE_RARE_STORE(bf16, BF16)
DEFINE_STORE(f32, (float))
DEFINE_STORE(f64, CAST_ELEMENT)

const ftl_tile_kernels ISA_NAME(ftl_tile_f64) = {
    .map1 = {
#define FTL_MAP1(NAME, name, types, text) MAP1_ROW(NAME, name)
#include "backend/native/kernels.def"
    },
    .map2 = {
#define FTL_MAP2(NAME, name, types, text) MAP2_ROW(NAME, name)
#include "backend/native/kernels.def"
    },
    .compare = {
#define FTL_COMPARE(NAME, name, text) COMPARE_ROW(NAME, name)
#include "backend/native/kernels.def"
    },
    .fold = {
#define FTL_FOLD(NAME, name, types, text) FOLD_ROW(NAME, name)
#include "backend/native/kernels.def"
    },
    FLOAT_ROWS
};
