/* SPDX-License-Identifier: Apache-2.0
 *
 * Allocation fails at every n: four programs are parsed, compiled and run with an allocator whose
 * n-th call gets nothing, for n = 1, 2, ... until a round ends without having met the failure. Each
 * round must end with FTL_ERR_MEMORY or, where the library can do without, with the right result;
 * it must give back all that it took, and the next round must work.
 */
#include "fusetl.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_CALLS = 200000 };

typedef struct heap {
    ftl_allocator alloc;
    size_t calls, blocks, bytes;
    size_t fail_at; /* the call that gets nothing */
    int fail_after; /* 1: all calls after it too */
    int met_failure;
} heap;

/* Sizes are remembered apart from the block, to see that free is told the right one. */
static void *take(void *user, size_t size)
{
    heap *h = user;
    h->calls++;
    if (h->calls == h->fail_at || (h->fail_after && h->calls > h->fail_at)) {
        h->met_failure = 1;
        return NULL;
    }
    size_t *block = aligned_alloc(64, 64 + (size + 63) / 64 * 64);
    if (!block)
        return NULL;
    block[0] = size;
    memset(block + 8, 0xA5, size);
    h->blocks++;
    h->bytes += size;
    return block + 8;
}

static void give(void *user, void *p, size_t size)
{
    heap *h = user;
    size_t *block = (size_t *)p - 8;
    assert_int_equal(block[0], size);
    h->blocks--;
    h->bytes -= size;
    free(block);
}

typedef struct subject {
    const char *text;
    const char *output;
    double first; /* the first element of the output */
} subject;

static const subject network = {"X[n,d] = [[1, 2], [3, 4], [5, 6]]\n"
                                "W[h,d] = [[1, 0], [0, 1], [1, 1], [2, -1]]\n"
                                "B[h] = [1, 2, 3, 4]\n"
                                "H[n,h] = relu(W[h,d] X[n,d] + B[h])\n"
                                "fn half(a) -> b { b = a / 2 }\n"
                                "S[n,h.] = softmax(H[n,h])\n"
                                "M[n] max= half(H[n,h])\n"
                                "L = (S[n,h] - 0.25) ** 2 + M[n]\n"
                                "export M, L\n",
                                "M", 3};

static const subject table = {"T[r,s] = [[0.5, 0.5], [0.25, 0.75]]\n"
                              "Tok[t] = [0, 1, 1, 0, 1]\n"
                              "E[v,s] = [[0.5, 0.25], [0.5, 1]]\n"
                              "A[0,s] = E[Tok[0],s]\n"
                              "A[t,s] when t > 0 = A[t-1,r] T[r,s] E[Tok[t],s]\n"
                              "P[i] = A[i+k,s] K[k]\n"
                              "K[k] = [1, 2]\n"
                              "C[i,s] = case { i > 2 -> A[i,s]; default -> A[i,s] * 2 }\n"
                              "export A, P, C\n",
                              "A", 0.5};

static const subject files = {"Edge(x,y) = \"edges.csv\"\n"
                              "W[i,j] = \"weights.json\"\n"
                              "Deg[x] = Edge(x,y)\n"
                              "Y[j] = W[i,j] + 1\n"
                              "\"deg.json\" = Deg[x]\n"
                              "export Deg, Y\n",
                              "Deg", 2};

/* Every kind of file; conversions, and a vocabulary that is written. */
static const subject formats = {"domain Town = \"towns.txt\"\n"
                                "import \"library.fuse\" as lib\n"
                                "Said[p,w] = \"said.txt\"\n"
                                "Z[i] = \"z.npz#arr_0\"\n"
                                "S[i] = \"s.safetensors\"\n"
                                "B[i] = \"big.npy\"\n"
                                "Road(a,b) = \"road.tsv\"\n"
                                "Far[a] = Road(a,b)\n"
                                "N[w] = Said[p,w]\n"
                                "Y[i] = lib::twice(Z[i]) + S[i] + B[i]\n"
                                "\"y.npz\" = Y[i]\n"
                                "\"far.csv\" = Far[a]\n"
                                "export N, Y, Far\n",
                                "Y", 5};

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void write_bytes(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* An .npy file of two big-endian f32, 2 and 2; a .safetensors file of two f32, 1 and 1. */
static void write_formats(void)
{
    static const char npy[] = "\x93NUMPY\1\0\x3a\0{'descr': '>f4', 'fortran_order': False, "
                              "'shape': (2,)}  \n\x40\0\0\0\x40\0\0\0";
    static const char tensors[] = "\x39\0\0\0\0\0\0\0{\"S\":{\"dtype\":\"F32\",\"shape\":[2],"
                                  "\"data_offsets\":[0,8]}}   \0\0\x80\x3f\0\0\x80\x3f";
    int64_t two = 2;
    ftl_tensor *t = NULL;
    write_bytes("big.npy", npy, sizeof npy - 1);
    write_bytes("s.safetensors", tensors, sizeof tensors - 1);
    assert_int_equal(ftl_tensor_create(NULL, FTL_DTYPE_F32, 1, &two, &t), FTL_OK);
    ((float *)ftl_tensor_get_data(t))[0] = 1;
    assert_int_equal(ftl_tensor_save(t, "z.npz", NULL), FTL_OK);
    ftl_tensor_release(t);
    write_file("towns.txt", "ulm\nbonn\n");
    write_file("road.tsv", "ulm\tbonn\n");
    write_file("library.fuse", "fn twice(a) -> b { b = a + a }\n");
}

static double get_first(ftl_tensor *t)
{
    assert_non_null(t);
    assert_int_equal(ftl_tensor_get_dtype(t), FTL_DTYPE_F32);
    return (double)*(float *)ftl_tensor_get_data(t);
}

/* Compiles and runs twice; the second run must work as the first did. */
static ftl_status run_program(const ftl_program *program, const heap *h, const subject *s,
                              const char *backend)
{
    ftl_config config;
    ftl_runner *runner = NULL;
    ftl_config_init(&config);
    config.allocator = &h->alloc;
    config.backend = backend;
    config.threads = 2;
    ftl_status status = ftl_runner_new(program, &config, NULL, 0, &runner);
    for (int i = 0; i < 2 && status == FTL_OK; i++)
        status = ftl_runner_run(runner);
    if (status == FTL_OK)
        assert_true(fabs(get_first(ftl_runner_get_output(runner, s->output)) - s->first) < 1e-5);
    else if (status != FTL_ERR_MEMORY)
        fail_msg("status %d, expected no memory: %s", (int)status,
                 runner ? ftl_runner_get_diagnostics(runner) : "no runner");
    ftl_runner_free(runner);
    return status;
}

static ftl_status run_subject(heap *h, const subject *s, const char *backend)
{
    ftl_program *program = NULL;
    ftl_status status = ftl_program_parse(&h->alloc, "a.fuse", s->text, strlen(s->text), &program);
    if (status == FTL_OK)
        status = run_program(program, h, s, backend);
    else
        assert_int_equal(status, FTL_ERR_MEMORY);
    ftl_program_free(program);
    return status;
}

/* The number of rounds until one ends without having met the failure. */
static size_t fail_everywhere(const subject *s, const char *backend, int fail_after)
{
    for (size_t n = 1; n < MOST_CALLS; n++) {
        heap h = {.fail_at = n, .fail_after = fail_after};
        remove("said.vocab.json");
        h.alloc = (ftl_allocator){&h, take, give};
        ftl_status status = run_subject(&h, s, backend);
        if (h.blocks != 0)
            fail_msg("call %zu fails: %zu blocks, %zu bytes are lost", n, h.blocks, h.bytes);
        if (!h.met_failure) {
            assert_int_equal(status, FTL_OK);
            return n;
        }
    }
    fail_msg("no round ends without the failure");
    return 0;
}

static void check_subject(const subject *s)
{
    static const char *const backends[] = {"native", "oracle"};
    write_file("said.txt", "a rose is a rose");
    write_file("edges.csv", "0,1\n0,2\n2,1\n");
    write_file("weights.json", "[[1, 2], [3, 4]]");
    for (size_t i = 0; i < 2; i++)
        for (int after = 0; after < 2; after++)
            assert_true(fail_everywhere(s, backends[i], after) > 10);
}

static void test_network(void **state)
{
    (void)state;
    check_subject(&network);
}

static void test_table(void **state)
{
    (void)state;
    check_subject(&table);
}

static void test_files(void **state)
{
    (void)state;
    check_subject(&files);
}

static void test_formats(void **state)
{
    (void)state;
    write_formats();
    check_subject(&formats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
