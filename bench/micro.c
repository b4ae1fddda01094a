/* SPDX-License-Identifier: Apache-2.0
 *
 * The native kernels alone: elements a nanosecond of the tile kernels, bytes a second of copies and
 * transpositions, GFLOP/s of products. Best of many repetitions; for reading, never for a test.
 *
 *   micro [tiles|memory|gemm] [--isa NAME] [--threads N] [--only TEXT]
 */
#include "backend/native/gemm.h"
#include "backend/native/kernels.h"
#include "base/threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct options {
    const ftl_kernels *kernels;
    ftl_pool *pool;
    const char *part, *only; /* only: part of a product's name */
} options;

/* One thread: processor time, which other programs disturb less. */
static clockid_t clock_used = CLOCK_THREAD_CPUTIME_ID;

static double read_clock(void)
{
    struct timespec t;
    clock_gettime(clock_used, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *make_room(size_t size)
{
    void *p = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!p)
        exit(1);
    memset(p, 0, size);
    return p;
}

typedef void work_fn(void *ctx);

/* Seconds of one call: the least of runs that together take about a quarter of a second. */
static double measure(work_fn *work, void *ctx)
{
    work(ctx);
    double best = 1e9, end = read_clock() + 0.25;
    do {
        double start = read_clock();
        work(ctx);
        double took = read_clock() - start;
        best = took < best ? took : best;
    } while (read_clock() < end);
    return best;
}

/* ---- tiles ---- */

enum { TILE = 1024, REPEAT = 100 };

typedef struct tile_work {
    const ftl_tile_kernels *tile;
    int op, kind; /* 0 map1, 1 map2, 2 fold, 3 exp_sum, 4 compare */
    float *a, *b, *c;
} tile_work;

static void run_tile(void *ctx)
{
    tile_work *w = ctx;
    double acc = 0;
    for (int i = 0; i < REPEAT; i++)
        switch (w->kind) {
        case 0: w->tile->map1[w->op](w->c, w->a, TILE); break;
        case 1: w->tile->map2[w->op][FTL_FORM_VV](w->c, w->a, w->b, TILE); break;
        case 2: w->tile->fold[w->op](&acc, w->a, TILE); break;
        case 3: acc += w->tile->exp_sum(w->c, w->a, 1.0, TILE); break;
        default: w->tile->compare[w->op][FTL_FORM_VV]((uint8_t *)w->c, w->a, w->b, TILE);
        }
}

static void print_tile(const options *o, int kind, int op, const char *name)
{
    static float a[TILE], b[TILE], c[TILE];
    for (int i = 0; i < TILE; i++) {
        a[i] = 0.01f * (float)(i % 500) + 0.01f;
        b[i] = 0.5f;
    }
    tile_work w = {o->kernels->tile[FTL_TILE_F32], op, kind, a, b, c};
    double seconds = measure(run_tile, &w);
    printf("%-12s %7.2f elements/ns\n", name, TILE * REPEAT / seconds * 1e-9);
}

static void print_tiles(const options *o)
{
#define FTL_MAP1(NAME, name, types, text) print_tile(o, 0, FTL_MAP1_##NAME, #name);
#define FTL_MAP2(NAME, name, types, text) print_tile(o, 1, FTL_MAP2_##NAME, #name);
#define FTL_FOLD(NAME, name, types, text) print_tile(o, 2, FTL_FOLD_##NAME, "fold " #name);
#include "backend/native/kernels.def"
    print_tile(o, 3, 0, "exp_sum");
    print_tile(o, 4, FTL_COMPARE_LT, "lt");
}

/* ---- memory ---- */

typedef struct memory_work {
    const ftl_kernels *kernels;
    char *dst, *src;
    size_t size;
    int log2_size;
    ftl_block block;
} memory_work;

static void run_copy(void *ctx)
{
    memory_work *w = ctx;
    memcpy(w->dst, w->src, w->size);
}

static void run_transpose(void *ctx)
{
    memory_work *w = ctx;
    w->kernels->transpose[w->log2_size](w->dst, w->src, &w->block);
}

static void print_transpose(memory_work *w, int log2_size, size_t rows, size_t cols)
{
    w->log2_size = log2_size;
    w->block = (ftl_block){rows, cols, (ptrdiff_t)cols, (ptrdiff_t)rows};
    double seconds = measure(run_transpose, w);
    printf("transpose %zu x %zu of %d bytes: %.1f GB/s read + written\n", rows, cols,
           1 << log2_size, 2e-9 * (double)(rows * cols << log2_size) / seconds);
}

static void print_memory(const options *o)
{
    memory_work w = {.kernels = o->kernels, .size = 64 << 20};
    w.dst = make_room(w.size);
    w.src = make_room(w.size);
    printf("memcpy of 64 MiB: %.1f GB/s read + written\n",
           2e-9 * (double)w.size / measure(run_copy, &w));
    print_transpose(&w, 2, 4096, 4096);
    print_transpose(&w, 2, 4000, 4100);
    print_transpose(&w, 2, 256, 256);
    print_transpose(&w, 2, 128, 65536);
    print_transpose(&w, 2, 65536, 64);
    print_transpose(&w, 3, 2048, 2048);
    print_transpose(&w, 1, 4096, 4096);
    print_transpose(&w, 0, 4096, 4096);
    free(w.dst);
    free(w.src);
}

/* ---- products ---- */

/* Axes as in einsum: one letter each, lower case; extents beside. */
typedef struct shape {
    const char *name, *a, *b, *c, *letters;
    int64_t extent[6];
} shape;

static const shape shapes[] = {
    {"square", "ik", "kj", "ij", "ikj", {1024, 1024, 1024}},
    {"nt", "ik", "jk", "ij", "ikj", {1024, 768, 768}},
    {"tn", "ki", "kj", "ij", "ikj", {768, 1024, 768}},
    {"out transposed", "ik", "kj", "ji", "ikj", {900, 700, 1100}},
    {"tall skinny", "ik", "kj", "ij", "ikj", {65536, 64, 16}},
    {"short wide", "ik", "kj", "ij", "ikj", {16, 4096, 4096}},
    {"gemv", "ik", "k", "i", "ik", {8192, 4096}},
    {"gemv t", "ik", "i", "k", "ik", {8192, 4096}},
    {"dot", "k", "k", "", "k", {16777216}},
    {"outer", "i", "j", "ij", "ij", {4096, 4096}},
    {"batched 16", "bik", "bkj", "bij", "bikj", {4096, 16, 16, 16}},
    {"batched 128", "bik", "bkj", "bij", "bikj", {64, 128, 128, 128}},
    {"scores", "bqhd", "bkhd", "bhqk", "bqhdk", {4, 256, 12, 64, 256}},
    {"values", "bhqk", "bkhd", "bqhd", "bqhdk", {4, 256, 12, 64, 256}},
    {"linear tokens", "btd", "hd", "bth", "btdh", {8, 128, 768, 768}},
    {"hadamard", "ij", "ij", "i", "ij", {8192, 2048}},
    {"double inner", "abcd", "dbea", "ec", "abcde", {48, 48, 48, 48, 48}},
    {"mid index", "abk", "kcd", "abcd", "abkcd", {64, 64, 64, 32, 32}},
    {"split inner", "aijb", "jcbi", "ac", "aijbc", {64, 32, 32, 64, 64}},
    {"permuted free", "abc", "dca", "bd", "abcd", {96, 192, 96, 192}},
    {"tensor matrix", "ijk", "jr", "irk", "ijkr", {256, 256, 256, 64}},
    {"minilm qkv 1", "td", "dh", "th", "tdh", {32, 384, 384}},
    {"minilm up 1", "td", "dh", "th", "tdh", {32, 384, 1536}},
    {"minilm down 1", "td", "dh", "th", "tdh", {32, 1536, 384}},
    {"minilm qkv 32", "td", "dh", "th", "tdh", {4096, 384, 384}},
    {"minilm up 32", "td", "dh", "th", "tdh", {4096, 384, 1536}},
    {"minilm nt 1", "td", "hd", "th", "tdh", {32, 384, 1536}},
    {"block 128", "td", "dh", "th", "tdh", {128, 512, 2048}},
    {"block 1024", "td", "dh", "th", "tdh", {1024, 768, 3072}},
    {"cell", "d", "dh", "h", "dh", {64, 64}},
};

typedef struct gemm_work {
    ftl_gemm *plan;
    ftl_gemm_env env;
    ftl_gemm_args args;
    int repeat;
} gemm_work;

static void run_gemm(void *ctx)
{
    gemm_work *w = ctx;
    for (int i = 0; i < w->repeat; i++)
        ftl_gemm_run(w->plan, &w->env, &w->args);
}

/* Row-major strides of the operand with these axes; its element count. */
static size_t set_strides(const shape *s, const char *axes, size_t member, ftl_gemm_axis *out)
{
    int64_t stride = 1;
    for (size_t i = strlen(axes); i-- > 0;) {
        size_t letter = (size_t)(strchr(s->letters, axes[i]) - s->letters);
        memcpy((char *)&out[letter] + member, &stride, sizeof stride);
        stride *= s->extent[letter];
    }
    return (size_t)stride;
}

static ftl_gemm_role get_role(const shape *s, char letter)
{
    bool a = strchr(s->a, letter), b = strchr(s->b, letter), c = strchr(s->c, letter);
    return a && b && c ? FTL_GEMM_BATCH : a && c ? FTL_GEMM_M : b && c ? FTL_GEMM_N : FTL_GEMM_K;
}

static void print_gemm(const options *o, const shape *s, bool is_packed)
{
    ftl_gemm_axis axes[6] = {0};
    double flops = 2;
    if (o->only && !strstr(s->name, o->only))
        return;
    uint32_t n = (uint32_t)strlen(s->letters);
    for (uint32_t i = 0; i < n; i++) {
        axes[i].role = get_role(s, s->letters[i]);
        axes[i].extent = s->extent[i];
        flops *= (double)s->extent[i];
    }
    size_t a = set_strides(s, s->a, offsetof(ftl_gemm_axis, a), axes);
    size_t b = set_strides(s, s->b, offsetof(ftl_gemm_axis, b), axes);
    size_t c = set_strides(s, s->c, offsetof(ftl_gemm_axis, c), axes);
    ftl_gemm_spec spec = {.ab = FTL_DTYPE_F32, .c = FTL_DTYPE_F32, .n_axes = n, .axes = axes,
                          .alpha = 1};
    gemm_work w = {.plan = make_room(ftl_gemm_get_plan_size(&spec)),
                   .env = {.kernels = o->kernels, .pool = o->pool},
                   .repeat = flops < 1e6 ? 100 : 1};
    void *room[3] = {make_room(a * 4), make_room(b * 4), make_room(c * 4)}, *packed = NULL;
    ftl_gemm_init(w.plan, &spec, &w.env);
    w.args = (ftl_gemm_args){.a = room[0], .b = room[1], .c = room[2]};
    if (is_packed && ftl_gemm_get_packed_size(w.plan)) {
        packed = make_room(ftl_gemm_get_packed_size(w.plan));
        ftl_gemm_pack(w.plan, &w.env, packed, room[1]);
        spec.is_b_packed = true;
        ftl_gemm_init(w.plan, &spec, &w.env);
        w.args.b = packed;
    }
    w.args.scratch = make_room(ftl_gemm_get_scratch(w.plan) + 64);
    double seconds = measure(run_gemm, &w) / w.repeat;
    printf("%-15s %s %9.1f us %7.1f GFLOP/s %6.1f GB/s  %s\n", s->name,
           packed ? "packed" : "      ", seconds * 1e6, flops / seconds * 1e-9,
           (double)(a + b + c) * 4e-9 / seconds, ftl_gemm_get_text(w.plan));
    for (int i = 0; i < 3; i++)
        free(room[i]);
    free(packed);
    free(w.args.scratch);
    free(w.plan);
}

static void print_gemms(const options *o)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        print_gemm(o, &shapes[i], false);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (strncmp(shapes[i].name, "minilm", 6) == 0 || strncmp(shapes[i].name, "block", 5) == 0)
            print_gemm(o, &shapes[i], true);
}

int main(int argc, char **argv)
{
    options o = {.kernels = ftl_kernels_get()};
    unsigned threads = 1;
    for (int i = 1; i < argc; i++) {
        ftl_isa isa;
        if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
            threads = (unsigned)atoi(argv[++i]);
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            o.only = argv[++i];
        else if (strcmp(argv[i], "--isa") == 0 && i + 1 < argc && ftl_isa_find(argv[++i], &isa) &&
                 ftl_kernels_find(isa))
            o.kernels = ftl_kernels_find(isa);
        else
            o.part = argv[i];
    }
    if (ftl_pool_new(ftl_allocator_get_default(), threads, &o.pool) != FTL_OK)
        return 1;
    clock_used = threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    printf("%s, %u threads\n", ftl_isa_get_name(o.kernels->isa), threads);
    if (!o.part || strcmp(o.part, "tiles") == 0)
        print_tiles(&o);
    if (!o.part || strcmp(o.part, "memory") == 0)
        print_memory(&o);
    if (!o.part || strcmp(o.part, "gemm") == 0)
        print_gemms(&o);
    ftl_pool_free(o.pool);
    return 0;
}
