/* SPDX-License-Identifier: Apache-2.0
 *
 * topk: insertion into the k best so far. eigvec: cyclic Jacobi rotations in double precision
 * (Golub and Van Loan, Matrix Computations, 8.5), which gives small matrices all the digits they
 * have.
 */
#include "backend/native/ops.h"

#include "base/dtype.h"

#include <math.h>

typedef struct entry {
    double value;
    int64_t whole; /* exact value of whole numbers */
    int64_t place;
} entry;

size_t ftl_sort_get_scratch(const ftl_value *v)
{
    if (v->op == FTL_OP_TOPK_)
        return (size_t)v->u.sort.k * sizeof(entry);
    size_t n = (size_t)v->shape[v->rank - 1];
    return (2 * n * n + n) * sizeof(double);
}

/* ---- topk ---- */

/* Is a before b? The larger first, nan before all, then the lower place. */
static bool is_before(const entry *a, const entry *b)
{
    bool nan_a = a->value != a->value, nan_b = b->value != b->value;
    if (nan_a || nan_b)
        return nan_a != nan_b ? nan_a : a->place < b->place;
    if (a->value != b->value)
        return a->value > b->value;
    return a->whole != b->whole ? a->whole > b->whole : a->place < b->place;
}

static void insert(entry *best, int64_t *n, int64_t k, const entry *x)
{
    int64_t i = *n < k ? (*n)++ : k;
    if (i == k && (k == 0 || !is_before(x, &best[k - 1])))
        return;
    if (i == k)
        i--;
    for (; i > 0 && is_before(x, &best[i - 1]); i--)
        best[i] = best[i - 1];
    best[i] = *x;
}

/* Bytes from the start of a tensor to row `row` of its last axis. */
static int64_t get_row_offset(const ftl_op_operand *x, int64_t row, uint32_t inner)
{
    int64_t offset = 0;
    for (uint32_t k = x->value->rank - inner; k-- > 0;) {
        offset += row % x->value->shape[k] * x->strides[k];
        row /= x->value->shape[k];
    }
    return offset;
}

static void find_best(const ftl_op_operand *x, const uint8_t *row, entry *best, int64_t k)
{
    ftl_dtype dtype = x->value->dtype;
    bool is_float = ftl_dtype_is_float(dtype);
    int64_t n = 0, stride = x->strides[x->value->rank - 1];
    for (int64_t i = 0; i < x->value->shape[x->value->rank - 1]; i++, row += stride) {
        entry e = {ftl_dtype_get_double(dtype, row), is_float ? 0 : ftl_dtype_get_int(dtype, row),
                   i};
        insert(best, &n, k, &e);
    }
}

void ftl_sort_run_topk(const ftl_native_op *op, const ftl_unit *u)
{
    const ftl_value *v = op->value;
    entry *best = (entry *)(void *)u->exec->rest;
    int64_t *out = ftl_unit_get(u, op->out.ref);
    const uint8_t *in = ftl_unit_get(u, op->in[0].ref);
    int64_t k = v->u.sort.k, rows = k > 0 ? ftl_value_get_count(v) / k : 0;
    for (int64_t r = 0; r < rows; r++) {
        find_best(&op->in[0], in + get_row_offset(&op->in[0], r, 1), best, k);
        for (int64_t i = 0; i < k; i++)
            *out++ = best[i].place;
    }
}

/* ---- eigvec ---- */

enum { MAX_SWEEPS = 60 };

/* One rotation that clears a[p][q]; v gathers the rotations as columns. */
static void rotate(double *a, double *v, size_t n, size_t p, size_t q)
{
    double apq = a[p * n + q];
    double theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (size_t k = 0; k < n; k++) {
        double x = a[k * n + p], y = a[k * n + q];
        a[k * n + p] = c * x - s * y;
        a[k * n + q] = s * x + c * y;
    }
    for (size_t k = 0; k < n; k++) {
        double x = a[p * n + k], y = a[q * n + k];
        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
    }
    for (size_t k = 0; k < n; k++) {
        double x = v[k * n + p], y = v[k * n + q];
        v[k * n + p] = c * x - s * y;
        v[k * n + q] = s * x + c * y;
    }
}

/* Sum of squares off the diagonal, and of all. */
static double get_off_diagonal(const double *a, size_t n, double *all)
{
    double off = 0;
    *all = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            *all += a[i * n + j] * a[i * n + j];
            off += i == j ? 0 : a[i * n + j] * a[i * n + j];
        }
    return off;
}

static void diagonalise(double *a, double *v, size_t n)
{
    for (int sweep = 0; sweep < MAX_SWEEPS; sweep++) {
        double all, off = get_off_diagonal(a, n, &all);
        if (!(off > 1e-32 * all))
            return;
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++)
                if (a[p * n + q] != 0)
                    rotate(a, v, n, p, q);
    }
}

/* order[k]: the column with the k-th largest |eigenvalue|, the first of equals first. */
static void sort_columns(const double *a, size_t n, double *order)
{
    for (size_t i = 0; i < n; i++) {
        size_t k = i;
        for (; k > 0; k--) {
            size_t before = (size_t)order[k - 1];
            if (!(fabs(a[i * n + i]) > fabs(a[before * n + before])))
                break;
            order[k] = order[k - 1];
        }
        order[k] = (double)i;
    }
}

static double get_sign(const double *v, size_t n, size_t column)
{
    double best = 0, sign = 1;
    for (size_t k = 0; k < n; k++) {
        double x = v[k * n + column];
        if (fabs(x) > best * (1 + 1e-12)) {
            best = fabs(x);
            sign = x < 0 ? -1 : 1;
        }
    }
    return sign;
}

static void find_vectors(const ftl_native_op *op, const uint8_t *in, uint8_t *out, double *scratch)
{
    const ftl_value *x = op->in[0].value;
    size_t n = (size_t)x->shape[x->rank - 1], size = ftl_dtype_get_size(x->dtype);
    double *a = scratch, *v = a + n * n, *order = v + n * n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            a[i * n + j] = ftl_dtype_get_double(
                x->dtype, in + (int64_t)i * op->in[0].strides[x->rank - 2] +
                              (int64_t)j * op->in[0].strides[x->rank - 1]);
            v[i * n + j] = i == j;
        }
    diagonalise(a, v, n);
    sort_columns(a, n, order);
    for (size_t j = 0; j < n; j++) {
        size_t column = (size_t)order[j];
        double sign = get_sign(v, n, column);
        for (size_t i = 0; i < n; i++)
            ftl_dtype_put_double(x->dtype, out + (i * n + j) * size, sign * v[i * n + column]);
    }
}

void ftl_sort_run_eigvec(const ftl_native_op *op, const ftl_unit *u)
{
    const ftl_value *v = op->value;
    int64_t n = v->shape[v->rank - 1];
    int64_t matrices = n > 0 ? ftl_value_get_count(v) / (n * n) : 0;
    size_t bytes = (size_t)(n * n) * ftl_dtype_get_size(v->dtype);
    for (int64_t m = 0; m < matrices; m++)
        find_vectors(op, (const uint8_t *)ftl_unit_get(u, op->in[0].ref) +
                             get_row_offset(&op->in[0], m, 2),
                     (uint8_t *)ftl_unit_get(u, op->out.ref) + (size_t)m * bytes,
                     (double *)(void *)u->exec->rest);
}
