/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/native/kernels.h"

#include "backend/native/cpu.h"
#include "backend/native/tables.h"
#include "base/dtype.h"

static const char *const isa_names[FTL_ISA_COUNT] = {"base", "neon", "avx2", "avx512"};

const char *ftl_isa_get_name(ftl_isa isa)
{
    assert((unsigned)isa < FTL_ISA_COUNT);
    return isa_names[isa];
}

bool ftl_isa_find(const char *name, ftl_isa *isa)
{
    for (int i = 0; i < FTL_ISA_COUNT; i++)
        if (strcmp(isa_names[i], name) == 0) {
            *isa = (ftl_isa)i;
            return true;
        }
    return false;
}

const ftl_kernels *ftl_kernels_find(ftl_isa isa)
{
    if (!ftl_cpu_has_isa(isa))
        return NULL;
#if defined(__x86_64__)
    if (isa == FTL_ISA_AVX512)
        return &ftl_kernels_avx512;
    if (isa == FTL_ISA_AVX2)
        return &ftl_kernels_avx2;
#elif defined(__aarch64__)
    if (isa == FTL_ISA_NEON)
        return &ftl_kernels_neon;
#endif
    return isa == FTL_ISA_BASE ? &ftl_kernels_base : NULL;
}

const ftl_kernels *ftl_kernels_get(void)
{
    const ftl_kernels *k = NULL;
    for (int isa = FTL_ISA_COUNT - 1; !k && isa > FTL_ISA_BASE; isa--)
        k = ftl_kernels_find((ftl_isa)isa);
    return k ? k : &ftl_kernels_base;
}

ftl_tile ftl_tile_get(ftl_dtype dtype)
{
    if (ftl_dtype_is_float(dtype))
        return dtype == FTL_DTYPE_F64 ? FTL_TILE_F64 : FTL_TILE_F32;
    return dtype == FTL_DTYPE_I64 ? FTL_TILE_I64 : FTL_TILE_I32;
}

ftl_dtype ftl_tile_get_dtype(ftl_tile tile)
{
    static const uint8_t dtype[FTL_TILE_COUNT] = {
        [FTL_TILE_F32] = FTL_DTYPE_F32, [FTL_TILE_F64] = FTL_DTYPE_F64,
        [FTL_TILE_I32] = FTL_DTYPE_I32, [FTL_TILE_I64] = FTL_DTYPE_I64,
    };
    assert((unsigned)tile < FTL_TILE_COUNT);
    return (ftl_dtype)dtype[tile];
}

size_t ftl_tile_get_size(ftl_tile tile)
{
    return ftl_dtype_get_size(ftl_tile_get_dtype(tile));
}

/* One side of a conversion, in bytes. */
typedef struct strided_bytes {
    char *p;
    ptrdiff_t step;
} strided_bytes;

static void copy_strided(strided_bytes dst, strided_bytes src, size_t size, size_t n)
{
    for (size_t i = 0; i < n; i++)
        memcpy(dst.p + (ptrdiff_t)i * dst.step, src.p + (ptrdiff_t)i * src.step, size);
}

void ftl_kernel_convert(ftl_strided dst, ftl_strided src, size_t n)
{
    enum { BLOCK = 128 };
    _Alignas(8) char from[BLOCK * 8], to[BLOCK * 8];
    size_t src_size = ftl_dtype_get_size(src.dtype), dst_size = ftl_dtype_get_size(dst.dtype);
    strided_bytes x = {src.p, src.stride * (ptrdiff_t)src_size};
    strided_bytes y = {dst.p, dst.stride * (ptrdiff_t)dst_size};
    strided_bytes x_block = {from, (ptrdiff_t)src_size}, y_block = {to, (ptrdiff_t)dst_size};
    for (size_t i = 0; i < n; i += BLOCK) {
        size_t take = n - i < BLOCK ? n - i : BLOCK;
        copy_strided(x_block, x, src_size, take);
        ftl_dtype_convert(to, dst.dtype, from, src.dtype, take);
        copy_strided(y, y_block, dst_size, take);
        x.p += (ptrdiff_t)take * x.step;
        y.p += (ptrdiff_t)take * y.step;
    }
}
