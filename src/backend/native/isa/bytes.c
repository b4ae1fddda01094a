/* SPDX-License-Identifier: Apache-2.0
 *
 * Boolean tiles, strided copies, transposition; and the table that holds all of an instruction
 * set.
 */
#include "backend/native/isa/isa.h"
#include "backend/native/isa/square.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* ---- Boolean tiles ---- */

static void logic_and(uint8_t *dst, const uint8_t *a, const uint8_t *b, size_t n)
{
    VECTOR_LOOP
    for (size_t i = 0; i < n; i++)
        dst[i] = a[i] & b[i];
}

static void logic_or(uint8_t *dst, const uint8_t *a, const uint8_t *b, size_t n)
{
    VECTOR_LOOP
    for (size_t i = 0; i < n; i++)
        dst[i] = a[i] | b[i];
}

static void logic_not(uint8_t *dst, const uint8_t *a, size_t n)
{
    VECTOR_LOOP
    for (size_t i = 0; i < n; i++)
        dst[i] = a[i] ^ 1;
}

static void select_bytes(uint8_t *dst, const uint8_t *c, const uint8_t *a, const uint8_t *b,
                         size_t n)
{
    VECTOR_LOOP
    for (size_t i = 0; i < n; i++)
        dst[i] = c[i] ? a[i] : b[i];
}

static bool any(const uint8_t *a, size_t n)
{
    return n > 0 && memchr(a, 1, n) != NULL;
}

static bool all(const uint8_t *a, size_t n)
{
    return n == 0 || memchr(a, 0, n) == NULL;
}

/* Blocks of 255 so that a sum of bytes fits a byte. */
static size_t count(const uint8_t *a, size_t n)
{
    size_t total = 0;
    for (size_t start = 0; start < n; start += 255) {
        size_t end = n - start < 255 ? n : start + 255;
        unsigned sum = 0;
        for (size_t i = start; i < end; i++)
            sum += a[i];
        total += sum;
    }
    return total;
}

/* ---- strided copies ---- */

#define FOREIGN __attribute__((aligned(1), may_alias))
typedef uint8_t FOREIGN word_1;
typedef uint16_t FOREIGN word_2;
typedef uint32_t FOREIGN word_4;
typedef uint64_t FOREIGN word_8;

#define DEFINE_COPY(size)                                                                          \
    static void copy_##size(void *dst, ptrdiff_t dst_stride, const void *src,                      \
                            ptrdiff_t src_stride, size_t n)                                        \
    {                                                                                              \
        word_##size *y = dst;                                                                      \
        const word_##size *x = src;                                                                \
        if (dst_stride == 1 && src_stride == 1) {                                                  \
            if (n > 0)                                                                             \
                memcpy(dst, src, n * size);                                                        \
        } else if (dst_stride == 1 && src_stride == 0) {                                           \
            for (size_t i = 0; i < n; i++)                                                         \
                y[i] = x[0];                                                                       \
        } else if (dst_stride == 1) {                                                              \
            for (size_t i = 0; i < n; i++)                                                         \
                y[i] = x[(ptrdiff_t)i * src_stride];                                               \
        } else {                                                                                   \
            for (size_t i = 0; i < n; i++)                                                         \
                y[(ptrdiff_t)i * dst_stride] = x[(ptrdiff_t)i * src_stride];                       \
        }                                                                                          \
    }
DEFINE_COPY(1)
DEFINE_COPY(2)
DEFINE_COPY(4)
DEFINE_COPY(8)

/* ---- streams ----
 * Whole lines are written at once, so that the memory is not read before it is overwritten. */

enum { LINE = 64 };

#if defined(__x86_64__)
static ALWAYS_INLINE void stream_line(uint8_t *dst, const uint8_t *src)
{
#if defined(__AVX512F__)
    _mm512_stream_si512((void *)dst, _mm512_loadu_si512(src));
#else
    for (int i = 0; i < LINE; i += 16)
        _mm_stream_si128((void *)(dst + i), _mm_loadu_si128((const void *)(src + i)));
#endif
}

static void fence(void)
{
    _mm_sfence();
}
#else
static ALWAYS_INLINE void stream_line(uint8_t *dst, const uint8_t *src)
{
    memcpy(dst, src, LINE);
}

static void fence(void)
{
}
#endif

static void stream(void *dst, const void *src, size_t bytes)
{
    uint8_t *to = dst;
    const uint8_t *from = src;
    size_t head = (size_t)(-(uintptr_t)dst & (LINE - 1));
    size_t i = head < bytes ? head : bytes;
    memcpy(to, from, i);
    for (; i + LINE <= bytes; i += LINE)
        stream_line(to + i, from + i);
    memcpy(to + i, from + i, bytes - i);
}

/* ---- transposition ----
 * Squares are visited in panels that keep the pages of both sides in reach of the translation
 * buffer. */

enum { PANEL_ROWS = 64, PANEL_COLS = 64 };

#define DEFINE_TRANSPOSE(type, size, lanes)                                                        \
    DEFINE_SQUARE(square_##size, type, lanes)                                                      \
    static void transpose_edge_##size(word_##size *y, const word_##size *x,                        \
                                      const ftl_block *block)                                      \
    {                                                                                              \
        for (size_t i = 0; i < block->rows; i++)                                                   \
            copy_##size(y + i, block->dst_step, x + (ptrdiff_t)i * block->src_step, 1,             \
                        block->cols);                                                              \
    }                                                                                              \
    static void transpose_panel_##size(word_##size *y, const word_##size *x,                       \
                                       const ftl_block *block)                                     \
    {                                                                                              \
        size_t rows = block->rows / lanes * lanes, cols = block->cols / lanes * lanes;             \
        for (size_t i = 0; i < rows; i += lanes)                                                   \
            for (size_t j = 0; j < cols; j += lanes)                                               \
                square_##size(y + (ptrdiff_t)j * block->dst_step + i, block->dst_step,             \
                              x + (ptrdiff_t)i * block->src_step + j, block->src_step);            \
        ftl_block right = *block, below = *block;                                                  \
        right.rows = rows, right.cols -= cols, below.rows -= rows;                                 \
        transpose_edge_##size(y + (ptrdiff_t)cols * block->dst_step, x + cols, &right);            \
        transpose_edge_##size(y + rows, x + (ptrdiff_t)rows * block->src_step, &below);            \
    }                                                                                              \
    static void transpose_##size(void *dst, const void *src, const ftl_block *block)               \
    {                                                                                              \
        for (size_t i = 0; i < block->rows; i += PANEL_ROWS)                                       \
            for (size_t j = 0; j < block->cols; j += PANEL_COLS) {                                 \
                ftl_block panel = *block;                                                          \
                panel.rows = block->rows - i < PANEL_ROWS ? block->rows - i : PANEL_ROWS;          \
                panel.cols = block->cols - j < PANEL_COLS ? block->cols - j : PANEL_COLS;          \
                transpose_panel_##size((word_##size *)dst + (ptrdiff_t)j * block->dst_step + i,    \
                                       (const word_##size *)src +                                  \
                                           (ptrdiff_t)i * block->src_step + j,                     \
                                       &panel);                                                    \
            }                                                                                      \
    }
DEFINE_TRANSPOSE(uint8_t, 1, 16)
DEFINE_TRANSPOSE(uint16_t, 2, 8)
#if ISA_VECTOR == 64
DEFINE_TRANSPOSE(uint32_t, 4, 16)
DEFINE_TRANSPOSE(uint64_t, 8, 8)
#elif ISA_VECTOR == 32
DEFINE_TRANSPOSE(uint32_t, 4, 8)
DEFINE_TRANSPOSE(uint64_t, 8, 4)
#else
DEFINE_TRANSPOSE(uint32_t, 4, 4)
DEFINE_TRANSPOSE(uint64_t, 8, 2)
#endif

enum {
    ISA_NUMBER_base = FTL_ISA_BASE,
    ISA_NUMBER_neon = FTL_ISA_NEON,
    ISA_NUMBER_avx2 = FTL_ISA_AVX2,
    ISA_NUMBER_avx512 = FTL_ISA_AVX512
};

static const ftl_gemm_kernels gemm = {&ISA_NAME(ftl_gemm_f32), &ISA_NAME(ftl_gemm_f64)};

const ftl_kernels ISA_NAME(ftl_kernels) = {
    .isa = (ftl_isa)ISA_NAME(ISA_NUMBER),
    .tile = {&ISA_NAME(ftl_tile_f32), &ISA_NAME(ftl_tile_f64), &ISA_NAME(ftl_tile_i32),
             &ISA_NAME(ftl_tile_i64)},
    .logic_and = logic_and,
    .logic_or = logic_or,
    .logic_not = logic_not,
    .select_bytes = select_bytes,
    .any = any,
    .all = all,
    .count = count,
    .transpose = {transpose_1, transpose_2, transpose_4, transpose_8},
    .copy = {copy_1, copy_2, copy_4, copy_8},
    .stream = stream,
    .fence = fence,
    .gemm = &gemm,
};
