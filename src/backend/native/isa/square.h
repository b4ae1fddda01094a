/* SPDX-License-Identifier: Apache-2.0
 *
 * Transposition of a square of L x L elements, one register a row, by log2 L perfect shuffles: row
 * i is interleaved with row i + L/2, giving rows 2i and 2i + 1.
 */
#ifndef FTL_ISA_SQUARE_H
#define FTL_ISA_SQUARE_H

#define SQUARE_LOW_2 0, 2
#define SQUARE_HIGH_2 1, 3
#define SQUARE_LOW_4 0, 4, 1, 5
#define SQUARE_HIGH_4 2, 6, 3, 7
#define SQUARE_LOW_8 0, 8, 1, 9, 2, 10, 3, 11
#define SQUARE_HIGH_8 4, 12, 5, 13, 6, 14, 7, 15
#define SQUARE_LOW_16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define SQUARE_HIGH_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define SQUARE_PASTE(name, lanes) name##lanes
#define SQUARE_LOW(lanes) SQUARE_PASTE(SQUARE_LOW_, lanes)
#define SQUARE_HIGH(lanes) SQUARE_PASTE(SQUARE_HIGH_, lanes)

/* Defines name(dst, dst_step, src, src_step) for squares of `lanes` elements of `type`: dst[j *
 * dst_step + i] = src[i * src_step + j]. Any alignment. */
#define DEFINE_SQUARE(name, type, lanes)                                                           \
    typedef type name##_row __attribute__((vector_size(lanes * sizeof(type))));                    \
    static ALWAYS_INLINE void name(void *dst, ptrdiff_t dst_step, const void *src,                 \
                                   ptrdiff_t src_step)                                             \
    {                                                                                              \
        const char *x = src;                                                                       \
        char *y = dst;                                                                             \
        name##_row row[lanes], next[lanes];                                                        \
        UNROLL(16) for (int i = 0; i < lanes; i++)                                                 \
            memcpy(&row[i], x + i * src_step * (ptrdiff_t)sizeof(type), sizeof row[i]);            \
        UNROLL(4) for (int stage = 1; stage < lanes; stage *= 2)                                   \
        {                                                                                          \
            UNROLL(16) for (int i = 0; i < lanes / 2; i++)                                         \
            {                                                                                      \
                next[2 * i] =                                                                      \
                    __builtin_shufflevector(row[i], row[i + lanes / 2], SQUARE_LOW(lanes));        \
                next[2 * i + 1] =                                                                  \
                    __builtin_shufflevector(row[i], row[i + lanes / 2], SQUARE_HIGH(lanes));       \
            }                                                                                      \
            UNROLL(16) for (int i = 0; i < lanes; i++) row[i] = next[i];                           \
        }                                                                                          \
        UNROLL(16) for (int i = 0; i < lanes; i++)                                                 \
            memcpy(y + i * dst_step * (ptrdiff_t)sizeof(type), &row[i], sizeof row[i]);            \
    }

#endif
