/* SPDX-License-Identifier: Apache-2.0
 *
 * What every file of this folder starts with. Each file is compiled once for each instruction
 * set, with FTL_ISA set to its name; the one symbol that a file exports carries that name:
 * ISA_NAME(ftl_tile_f32) is ftl_tile_f32_avx2. Tables meet in ../kernels.c.
 */
#ifndef FTL_ISA_ISA_H
#define FTL_ISA_ISA_H

/* Not every instruction set has vector code for every loop. */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

#include "backend/native/kernels.h"
#include "backend/native/tables.h"

#include <string.h>

#define ISA_PASTE(name, isa) name##_##isa
#define ISA_EXPAND(name, isa) ISA_PASTE(name, isa)
#define ISA_NAME(name) ISA_EXPAND(name, FTL_ISA)

/* Bytes of a vector register. */
#if defined(__AVX512F__)
#define ISA_VECTOR 64
#elif defined(__AVX2__)
#define ISA_VECTOR 32
#else
#define ISA_VECTOR 16
#endif

/* Before a loop whose rounds do not depend on each other: dst may be the same array as an
 * operand. */
#if defined(__clang__)
#define VECTOR_LOOP _Pragma("clang loop vectorize(assume_safety)")
#else
#define VECTOR_LOOP _Pragma("GCC ivdep")
#endif

/* Before a loop of a constant number of rounds, n at most: all of them stand one after another, so
 * that arrays that they index are registers. */
#define ISA_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define UNROLL(n) ISA_PRAGMA(clang loop unroll(full))
#else
#define UNROLL(n) ISA_PRAGMA(GCC unroll n)
#endif

#define ALWAYS_INLINE inline __attribute__((always_inline))
/* Made from a list; an instruction set may have a better one of its own. */
#define MAY_BE_UNUSED __attribute__((unused))

#endif
