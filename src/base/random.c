/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks of LANES counters go through the rounds together, one array for each word, so that the
 * compiler turns the inner loops into vector code.
 */
#include "base/random.h"

enum { LANES = 16, ROUNDS = 10, WORDS = 4 * LANES };

static const uint32_t MULTIPLIER_0 = 0xD2511F53, MULTIPLIER_1 = 0xCD9E8D57;
static const uint32_t WEYL_0 = 0x9E3779B9, WEYL_1 = 0xBB67AE85;

typedef struct lanes {
    uint32_t w[4][LANES];
} lanes;

static void mix(lanes *c, uint32_t key_0, uint32_t key_1)
{
    for (int i = 0; i < LANES; i++) {
        uint64_t p0 = (uint64_t)MULTIPLIER_0 * c->w[0][i];
        uint64_t p1 = (uint64_t)MULTIPLIER_1 * c->w[2][i];
        uint32_t w1 = c->w[1][i], w3 = c->w[3][i];
        c->w[0][i] = (uint32_t)(p1 >> 32) ^ w1 ^ key_0;
        c->w[1][i] = (uint32_t)p1;
        c->w[2][i] = (uint32_t)(p0 >> 32) ^ w3 ^ key_1;
        c->w[3][i] = (uint32_t)p0;
    }
}

static void mix_rounds(lanes *c, uint32_t key_0, uint32_t key_1)
{
    for (int round = 0; round < ROUNDS; round++) {
        mix(c, key_0, key_1);
        key_0 += WEYL_0;
        key_1 += WEYL_1;
    }
}

void ftl_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]};
    uint32_t key_0 = key[0], key_1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t p0 = (uint64_t)MULTIPLIER_0 * c[0], p1 = (uint64_t)MULTIPLIER_1 * c[2];
        c[0] = (uint32_t)(p1 >> 32) ^ c[1] ^ key_0;
        c[2] = (uint32_t)(p0 >> 32) ^ c[3] ^ key_1;
        c[1] = (uint32_t)p1;
        c[3] = (uint32_t)p0;
        key_0 += WEYL_0;
        key_1 += WEYL_1;
    }
    memcpy(out, c, sizeof c);
}

/* The WORDS words that start at word 4 * counter. */
static void make_block(ftl_random r, uint64_t counter, uint32_t out[WORDS])
{
    lanes c;
    for (unsigned i = 0; i < LANES; i++) {
        c.w[0][i] = (uint32_t)(counter + i);
        c.w[1][i] = (uint32_t)((counter + i) >> 32);
        c.w[2][i] = (uint32_t)r.stream;
        c.w[3][i] = (uint32_t)(r.stream >> 32);
    }
    mix_rounds(&c, (uint32_t)r.seed, (uint32_t)(r.seed >> 32));
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < 4; j++)
            out[4 * i + j] = c.w[j][i];
}

void ftl_random_fill_bits(ftl_random r, uint64_t first, uint32_t *out, size_t n)
{
    uint32_t block[WORDS];
    while (n > 0) {
        size_t skip = (size_t)(first % 4);
        size_t take = WORDS - skip < n ? WORDS - skip : n;
        make_block(r, first / 4, block);
        memcpy(out, block + skip, take * sizeof *out);
        out += take, n -= take, first += take;
    }
}

void ftl_random_fill_f32(ftl_random r, uint64_t first, float *out, size_t n)
{
    uint32_t words[WORDS];
    while (n > 0) {
        size_t take = n < WORDS ? n : WORDS;
        ftl_random_fill_bits(r, first, words, take);
        for (size_t i = 0; i < take; i++)
            out[i] = (float)(words[i] >> 8) * 0x1p-24f;
        out += take, n -= take, first += take;
    }
}

/* Pairs of words as 64-bit numbers, the first word on top. n <= WORDS / 2. */
static void fill_pairs(ftl_random r, uint64_t first, uint64_t *out, size_t n)
{
    uint32_t words[WORDS];
    ftl_random_fill_bits(r, 2 * first, words, 2 * n);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint64_t)words[2 * i] << 32 | words[2 * i + 1];
}

void ftl_random_fill_f64(ftl_random r, uint64_t first, double *out, size_t n)
{
    uint64_t pairs[WORDS / 2];
    while (n > 0) {
        size_t take = n < WORDS / 2 ? n : WORDS / 2;
        fill_pairs(r, first, pairs, take);
        for (size_t i = 0; i < take; i++)
            out[i] = (double)(pairs[i] >> 11) * 0x1p-53;
        out += take, n -= take, first += take;
    }
}

static uint64_t multiply_high(uint64_t a, uint64_t b)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
    uint64_t other = a0 * b1 + (uint32_t)middle;
    return a1 * b1 + (middle >> 32) + (other >> 32);
}

void ftl_random_fill_below(ftl_random r, uint64_t first, uint64_t bound, uint64_t *out, size_t n)
{
    assert(bound > 0);
    while (n > 0) {
        size_t take = n < WORDS / 2 ? n : WORDS / 2;
        fill_pairs(r, first, out, take);
        for (size_t i = 0; i < take; i++)
            out[i] = multiply_high(out[i], bound);
        out += take, n -= take, first += take;
    }
}
