/* SPDX-License-Identifier: Apache-2.0
 *
 * The two functions of CBLAS that products need, from a library that is opened at run time.
 */
#include "backend/native/blas.h"

#include <dlfcn.h>
#include <stdio.h>

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 }; /* as CBLAS numbers them */

/* ---- one product ---- */

/* How CBLAS is told of a matrix of rows x cols. */
typedef struct layout {
    int trans, step;
} layout;

static int64_t at_least_1(int64_t n)
{
    return n > 1 ? n : 1;
}

/* Rows of `cols` contiguous elements, row_step apart. */
static bool has_rows(int64_t rows, int64_t row_step, int64_t cols, int64_t col_step)
{
    return (col_step == 1 || cols <= 1) && (row_step >= cols || rows <= 1) && row_step <= INT32_MAX;
}

static bool find_layout(const int64_t extent[2], const int64_t step[2], layout *out)
{
    if (has_rows(extent[0], step[0], extent[1], step[1])) {
        int64_t apart = extent[0] > 1 ? step[0] : extent[1];
        *out = (layout){PLAIN, (int)at_least_1(apart)};
        return true;
    }
    if (!has_rows(extent[1], step[1], extent[0], step[0]))
        return false;
    *out = (layout){TRANSPOSED, (int)at_least_1(extent[1] > 1 ? step[1] : extent[0])};
    return true;
}

static bool find_layouts(const ftl_blas_product *p, layout out[3])
{
    const int64_t a[2] = {p->m, p->k}, b[2] = {p->k, p->n}, c[2] = {p->m, p->n};
    return p->m <= INT32_MAX && p->n <= INT32_MAX && p->k <= INT32_MAX &&
           find_layout(a, (int64_t[]){p->a_m, p->a_k}, &out[0]) &&
           find_layout(b, (int64_t[]){p->b_k, p->b_n}, &out[1]) &&
           find_layout(c, (int64_t[]){p->c_m, 1}, &out[2]) && out[2].trans == PLAIN;
}

bool ftl_blas_can_run(const ftl_blas_product *p)
{
    layout unused[3];
    return find_layouts(p, unused);
}

void ftl_blas_run(const ftl_blas *blas, size_t size, const ftl_blas_product *p,
                  const void *const ab[2], void *c)
{
    layout l[3];
    bool can_run = find_layouts(p, l);
    int m = (int)p->m, n = (int)p->n, k = (int)p->k;
    assert(can_run);
    (void)can_run;
    if (size == sizeof(float))
        blas->sgemm(ROW_MAJOR, l[0].trans, l[1].trans, m, n, k, (float)p->alpha, ab[0], l[0].step,
                    ab[1], l[1].step, (float)p->beta, c, l[2].step);
    else
        blas->dgemm(ROW_MAJOR, l[0].trans, l[1].trans, m, n, k, p->alpha, ab[0], l[0].step, ab[1],
                    l[1].step, p->beta, c, l[2].step);
}

/* ---- the library ---- */

/* [1 2 3] times the transpose of [1 2 3; 4 5 6], in a row of 2. */
static bool is_right(const ftl_blas *blas)
{
    const float a[] = {1, 2, 3}, b[] = {1, 2, 3, 4, 5, 6};
    const double a_f64[] = {1, 2, 3}, b_f64[] = {1, 2, 3, 4, 5, 6};
    float c[] = {7, 7, 7};
    double c_f64[] = {7, 7, 7};
    ftl_blas_product p = {.m = 1, .n = 2, .k = 3, .a_m = 3, .a_k = 1, .b_k = 1, .b_n = 3, .c_m = 2,
                          .alpha = 1};
    ftl_blas_run(blas, sizeof *a, &p, (const void *[]){a, b}, c);
    ftl_blas_run(blas, sizeof *a_f64, &p, (const void *[]){a_f64, b_f64}, c_f64);
    return c[0] == 14 && c[1] == 32 && c[2] == 7 && c_f64[0] == 14 && c_f64[1] == 32 &&
           c_f64[2] == 7;
}

ftl_status ftl_blas_open(const char *path, ftl_blas *out, char *message, size_t size)
{
    ftl_blas blas = {.library = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
    const char *wrong = NULL;
    if (!blas.library) {
        snprintf(message, size, "BLAS '%s' cannot be opened: %s", path, dlerror());
        return FTL_ERR_USAGE;
    }
    void *sgemm = dlsym(blas.library, "cblas_sgemm"), *dgemm = dlsym(blas.library, "cblas_dgemm");
    memcpy(&blas.sgemm, &sgemm, sizeof sgemm);
    memcpy(&blas.dgemm, &dgemm, sizeof dgemm);
    if (!blas.sgemm || !blas.dgemm)
        wrong = "has no cblas_sgemm and cblas_dgemm";
    else if (!is_right(&blas))
        wrong = "gets a small product wrong: is it one of 32-bit whole numbers (LP64)?";
    if (wrong) {
        snprintf(message, size, "BLAS '%s' %s", path, wrong);
        ftl_blas_close(&blas);
        return FTL_ERR_USAGE;
    }
    *out = blas;
    return FTL_OK;
}

void ftl_blas_close(ftl_blas *blas)
{
    if (blas->library)
        dlclose(blas->library);
    *blas = (ftl_blas){0};
}
