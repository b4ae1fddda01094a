/* SPDX-License-Identifier: Apache-2.0
 *
 * The matrix kernels of f64.
 */
#include "backend/native/isa/isa.h"
#include "backend/native/isa/square.h"

typedef double element;
#if defined(__AVX2__)
enum { SQUARE = 4 };
DEFINE_SQUARE(pack_square, double, 4)
#else
enum { SQUARE = 2 };
DEFINE_SQUARE(pack_square, double, 2)
#endif
#include "backend/native/isa/gemm_tile.h"

const ftl_gemm_table ISA_NAME(ftl_gemm_f64) = GEMM_TABLE;
