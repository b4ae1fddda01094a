/* SPDX-License-Identifier: Apache-2.0
 *
 * The matrix kernels of f32.
 */
#include "backend/native/isa/isa.h"
#include "backend/native/isa/square.h"

typedef float element;
#if defined(__AVX512F__)
enum { SQUARE = 8 };
DEFINE_SQUARE(pack_square, float, 8)
#else
enum { SQUARE = 4 };
DEFINE_SQUARE(pack_square, float, 4)
#endif
#include "backend/native/isa/gemm_tile.h"

const ftl_gemm_table ISA_NAME(ftl_gemm_f32) = GEMM_TABLE;
