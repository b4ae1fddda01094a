/* SPDX-License-Identifier: Apache-2.0
 *
 * Counter-based random numbers: Philox 4x32 with ten rounds [Salmon, Moraes, Dror, Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011]. A draw is a pure function of key and
 * counter, so that any thread or backend computes draw k without the ones before it. Callable
 * from any thread.
 */
#ifndef FTL_BASE_RANDOM_H
#define FTL_BASE_RANDOM_H

#include "base/base.h"

/* out[0..3] = Philox4x32-10 of counter[0..3] under key[0..1]. */
void ftl_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* A stream of numbers: `seed` is the run's, `stream` names the drawing site (a value of the
 * graph, a round). Number i of the stream is word i % 4 of Philox with counter {i/4 low, i/4
 * high, stream low, stream high} and key {seed low, seed high}. */
typedef struct ftl_random {
    uint64_t seed, stream;
} ftl_random;

/* Words first .. first+n-1 of the stream. */
void ftl_random_fill_bits(ftl_random r, uint64_t first, uint32_t *out, size_t n);
/* The same words as multiples of 2^-24 in [0, 1): word >> 8. */
void ftl_random_fill_f32(ftl_random r, uint64_t first, float *out, size_t n);
/* 53-bit multiples of 2^-53 in [0, 1): number i is made of words 2i (upper 32 bits) and 2i+1
 * (upper 21). */
void ftl_random_fill_f64(ftl_random r, uint64_t first, double *out, size_t n);
/* Whole numbers in [0, bound), bound > 0, from the word pairs of fill_f64 read as 64 bits: the
 * upper half of their product with bound. The bias is below bound / 2^64. */
void ftl_random_fill_below(ftl_random r, uint64_t first, uint64_t bound, uint64_t *out, size_t n);

#endif
