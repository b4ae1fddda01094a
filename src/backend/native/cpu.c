/* SPDX-License-Identifier: Apache-2.0
 *
 * x86: the processor says what it has (cpuid), the operating system which registers it saves
 * (xgetbv). [Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, 14.3 and
 * 15.2]
 */
#include "backend/native/cpu.h"

#include <stdio.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>

enum {
    LEAF1_FMA = 1 << 12, LEAF1_OSXSAVE = 1 << 27, LEAF1_AVX = 1 << 28, LEAF1_F16C = 1 << 29,
    LEAF7_AVX2 = 1 << 5, LEAF7_AVX512F = 1 << 16, LEAF7_AVX512DQ = 1 << 17,
    LEAF7_AVX512BW = 1 << 30,
    SAVED_AVX = 0x6, SAVED_AVX512 = 0xe6
};
#define LEAF7_AVX512VL (1u << 31)

static unsigned read_saved_registers(void)
{
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool has_all(unsigned have, unsigned want)
{
    return (have & want) == want;
}

static bool has_vectors(ftl_isa isa)
{
    unsigned a, b, c, d, b7, c7, d7;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !__get_cpuid_count(7, 0, &a, &b7, &c7, &d7))
        return false;
    if (!has_all(c, LEAF1_OSXSAVE | LEAF1_AVX | LEAF1_FMA | LEAF1_F16C) || !(b7 & LEAF7_AVX2))
        return false;
    unsigned saved = read_saved_registers();
    if (isa == FTL_ISA_AVX2)
        return has_all(saved, SAVED_AVX);
    return has_all(saved, SAVED_AVX512) &&
           has_all(b7, LEAF7_AVX512VL | LEAF7_AVX512F | LEAF7_AVX512DQ | LEAF7_AVX512BW);
}
#endif

bool ftl_cpu_has_isa(ftl_isa isa)
{
    if (isa == FTL_ISA_BASE)
        return true;
#if defined(__x86_64__)
    return (isa == FTL_ISA_AVX2 || isa == FTL_ISA_AVX512) && has_vectors(isa);
#elif defined(__aarch64__)
    return isa == FTL_ISA_NEON;
#else
    return false;
#endif
}

static size_t read_size(int name, size_t guess)
{
    long n = sysconf(name);
    return n > 0 ? (size_t)n : guess;
}

/* One cache of the last level, in KiB as Linux tells it; sysconf adds up those of all sockets. */
static size_t read_last_level(size_t guess)
{
    FILE *f = fopen("/sys/devices/system/cpu/cpu0/cache/index3/size", "re");
    unsigned kib = 0;
    if (f) {
        if (fscanf(f, "%uK", &kib) != 1)
            kib = 0;
        fclose(f);
    }
    return kib > 0 ? (size_t)kib << 10 : guess;
}

ftl_cpu_caches ftl_cpu_get_caches(void)
{
    ftl_cpu_caches caches = {32 << 10, 512 << 10, 8 << 20};
#if defined(_SC_LEVEL1_DCACHE_SIZE)
    caches.l1 = read_size(_SC_LEVEL1_DCACHE_SIZE, caches.l1);
    caches.l2 = read_size(_SC_LEVEL2_CACHE_SIZE, caches.l2);
#endif
    caches.l3 = read_last_level(caches.l3);
    return caches;
}
