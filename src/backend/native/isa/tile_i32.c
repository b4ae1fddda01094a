/* SPDX-License-Identifier: Apache-2.0
 *
 * The tile table of i32.
 */
#include "backend/native/isa/isa.h"

typedef int32_t element;
typedef uint32_t element_bits;
#define TILE_DTYPE FTL_DTYPE_I32
#include "backend/native/isa/tile_whole.h"

DEFINE_LOAD(i32, CAST_ELEMENT)
DEFINE_RARE_LOAD(i64, I64)
DEFINE_STORE(i32, CAST_ELEMENT)
DEFINE_STORE(i64, CAST_ELEMENT)

const ftl_tile_kernels ISA_NAME(ftl_tile_i32) = {
    .map1 = {
#define FTL_MAP1(NAME, name, types, text) IF_##types(MAP1_ROW(NAME, name))
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
    WHOLE_ROWS
};
