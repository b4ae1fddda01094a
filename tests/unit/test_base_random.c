/* SPDX-License-Identifier: Apache-2.0
 *
 * Philox4x32-10 against the answers that its authors publish, and the streams against the block
 * function, in any cut.
 */
#include "unit.h"

#include "base/random.h"

static void test_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } rows[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < FTL_COUNT(rows); i++) {
        uint32_t got[4];
        ftl_philox(rows[i].counter, rows[i].key, got);
        assert_memory_equal(got, rows[i].want, sizeof got);
    }
}

static const ftl_random stream = {0x123456789abcdef0u, 0xfedcba9876543210u};

static uint32_t word_of(uint64_t i)
{
    uint64_t block = i / 4;
    uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)stream.stream,
                           (uint32_t)(stream.stream >> 32)};
    uint32_t key[2] = {(uint32_t)stream.seed, (uint32_t)(stream.seed >> 32)}, out[4];
    ftl_philox(counter, key, out);
    return out[i % 4];
}

static void test_any_cut_of_a_stream(void **state)
{
    (void)state;
    static const uint64_t starts[] = {0, 1, 3, 63, 64, (UINT64_C(1) << 34) - 5, UINT64_C(1) << 40};
    uint32_t words[150];
    for (size_t k = 0; k < FTL_COUNT(starts); k++)
        for (size_t n = 0; n <= FTL_COUNT(words); n += 37) {
            ftl_random_fill_bits(stream, starts[k], words, n);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(words[i], word_of(starts[k] + i));
        }
}

static void test_floats(void **state)
{
    (void)state;
    float f[300];
    double d[300], sum = 0;
    ftl_random_fill_f32(stream, 5, f, 300);
    ftl_random_fill_f64(stream, 5, d, 300);
    for (uint64_t i = 0; i < 300; i++) {
        uint64_t pair = (uint64_t)word_of(10 + 2 * i) << 32 | word_of(11 + 2 * i);
        assert_true(f[i] == (float)(word_of(5 + i) >> 8) * 0x1p-24f);
        assert_true(d[i] == (double)(pair >> 11) * 0x1p-53);
        assert_true(d[i] >= 0 && d[i] < 1);
        sum += d[i];
    }
    assert_true(sum > 120 && sum < 180);
}

static void test_below(void **state)
{
    (void)state;
    uint64_t out[7000], counts[7] = {0};
    ftl_random_fill_below(stream, 0, 7, out, 7000);
    for (size_t i = 0; i < 7000; i++) {
        assert_true(out[i] < 7);
        counts[out[i]]++;
    }
    for (size_t i = 0; i < 7; i++)
        assert_in_range(counts[i], 850, 1150);
    ftl_random_fill_below(stream, 0, 1, out, 100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(out[i], 0);
    ftl_random_fill_below(stream, 3, UINT64_MAX, out, 100);
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t pair = (uint64_t)word_of(6 + 2 * i) << 32 | word_of(7 + 2 * i);
        assert_true(out[i] == pair - (pair > 0) || out[i] == pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_any_cut_of_a_stream),
        cmocka_unit_test(test_floats),
        cmocka_unit_test(test_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
