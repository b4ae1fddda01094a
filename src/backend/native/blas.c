/* SPDX-License-Identifier: Apache-2.0
 *
 * BLAS providers: the first library of a short list that opens and has cblas_sgemm and cblas_dgemm
 * with 32-bit sizes.
 */
#include "backend/native/blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* CBLAS (Netlib's reference interface): row-major 101, no transposition 111, transposition 112. */
enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };

typedef void sgemm_fn(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a,
                      int lda, const float *b, int ldb, float beta, float *c, int ldc);
typedef void dgemm_fn(int order, int ta, int tb, int m, int n, int k, double alpha, const double *a,
                      int lda, const double *b, int ldb, double beta, double *c, int ldc);

struct ftl_blas {
    ftl_allocator alloc;
    pthread_mutex_t lock;
    const char *path;
    unsigned threads;
    bool was_tried;
    void *library;
    sgemm_fn *sgemm;
    dgemm_fn *dgemm;
    char name[256];
};

ftl_status ftl_blas_new(const ftl_allocator *alloc, const ftl_blas_options *options,
                        ftl_blas **blas)
{
    ftl_blas *b = ftl_mem_alloc(alloc, sizeof(*b));
    if (!b)
        return FTL_ERR_MEMORY;
    memset(b, 0, sizeof(*b));
    b->alloc = *alloc;
    b->path = options && options->path ? options->path : getenv("FTL_BLAS");
    b->threads = options && options->threads ? options->threads : 1;
    pthread_mutex_init(&b->lock, NULL);
    *blas = b;
    return FTL_OK;
}

/* The library stays open: its threads may not outlive its code. */
void ftl_blas_free(ftl_blas *b)
{
    if (!b)
        return;
    ftl_allocator alloc = b->alloc;
    pthread_mutex_destroy(&b->lock);
    ftl_mem_free(&alloc, b, sizeof(*b));
}

/* Function of a library by name; the conversion that ISO C leaves to POSIX. */
static void find_function(void *library, const char *name, void *out, size_t size)
{
    void *p = dlsym(library, name);
    memcpy(out, &p, size);
}

static void set_threads(const ftl_blas *b)
{
    static const char *const names[] = {"openblas_set_num_threads", "MKL_Set_Num_Threads"};
    for (size_t i = 0; i < FTL_COUNT(names); i++) {
        void (*set)(int) = NULL;
        find_function(b->library, names[i], &set, sizeof(set));
        if (set)
            set((int)b->threads);
    }
}

static void describe(ftl_blas *b, const char *path)
{
    const char *(*config)(void) = NULL;
    find_function(b->library, "openblas_get_config", &config, sizeof(config));
    snprintf(b->name, sizeof(b->name), "%s%s%s", path, config ? " " : "", config ? config() : "");
}

static bool open_library(ftl_blas *b, const char *path)
{
    b->library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    if (!b->library)
        return false;
    find_function(b->library, "cblas_sgemm", &b->sgemm, sizeof(b->sgemm));
    find_function(b->library, "cblas_dgemm", &b->dgemm, sizeof(b->dgemm));
    if (!b->sgemm || !b->dgemm) {
        dlclose(b->library);
        b->library = NULL;
        return false;
    }
    set_threads(b);
    describe(b, path);
    return true;
}

static void search(ftl_blas *b)
{
    static const char *const paths[] = {"libopenblas.so.0", "libopenblas.so", "libmkl_rt.so.2",
                                        "libblis.so.4"};
    if (b->path) {
        if (strcmp(b->path, "none") != 0)
            open_library(b, b->path);
        return;
    }
    for (size_t i = 0; i < FTL_COUNT(paths) && !b->library; i++)
        open_library(b, paths[i]);
}

bool ftl_blas_open_lazily(ftl_blas *b)
{
    pthread_mutex_lock(&b->lock);
    if (!b->was_tried)
        search(b);
    b->was_tried = true;
    bool found = b->library != NULL;
    pthread_mutex_unlock(&b->lock);
    return found;
}

const char *ftl_blas_get_name(const ftl_blas *b)
{
    return b->library ? b->name : NULL;
}

void ftl_blas_run_sgemm(const ftl_blas *b, const ftl_blas_gemm *g, const float *x, const float *y,
                        float *z)
{
    b->sgemm(ROW_MAJOR, g->is_a_transposed ? TRANS : NO_TRANS,
             g->is_b_transposed ? TRANS : NO_TRANS, (int)g->m, (int)g->n, (int)g->k,
             (float)g->alpha, x, (int)g->lda, y, (int)g->ldb, (float)g->beta, z, (int)g->ldc);
}

void ftl_blas_run_dgemm(const ftl_blas *b, const ftl_blas_gemm *g, const double *x, const double *y,
                        double *z)
{
    b->dgemm(ROW_MAJOR, g->is_a_transposed ? TRANS : NO_TRANS,
             g->is_b_transposed ? TRANS : NO_TRANS, (int)g->m, (int)g->n, (int)g->k, g->alpha, x,
             (int)g->lda, y, (int)g->ldb, g->beta, z, (int)g->ldc);
}
