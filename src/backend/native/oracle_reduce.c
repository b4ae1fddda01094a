/* SPDX-License-Identifier: Apache-2.0
 *
 * Reductions, contractions, selections of the largest, eigenvectors.
 */
#include "backend/native/oracle.h"

#include <math.h>

/* ---- reduce ---- */

static double get_neutral(ftl_reduce kind)
{
    static const double neutral[] = {0, 1, -(double)INFINITY, (double)INFINITY, 0, 1};
    return neutral[kind];
}

/* dispatch */ static double combine_floats(ftl_reduce kind, double a, double b)
{
    switch (kind) {
    case FTL_REDUCE_SUM: return a + b;
    case FTL_REDUCE_PROD: return a * b;
    case FTL_REDUCE_MAX: return isnan(a) || isnan(b) ? (double)NAN : a > b ? a : b;
    default: return isnan(a) || isnan(b) ? (double)NAN : a < b ? a : b;
    }
}

/* dispatch */ static int64_t combine_wholes(ftl_reduce kind, int64_t a, int64_t b)
{
    switch (kind) {
    case FTL_REDUCE_SUM: return (int64_t)((uint64_t)a + (uint64_t)b);
    case FTL_REDUCE_PROD: return (int64_t)((uint64_t)a * (uint64_t)b);
    case FTL_REDUCE_MAX: return a > b ? a : b;
    case FTL_REDUCE_MIN: return a < b ? a : b;
    case FTL_REDUCE_ANY: return a || b;
    default: return a && b;
    }
}

/* Where place of a value goes in one that lacks the axes of the bit set. */
static int64_t find_kept(const ftl_value *a, uint64_t axes, const int64_t *place)
{
    int64_t at = 0;
    for (uint32_t k = 0; k < a->rank; k++)
        if (!(axes >> k & 1))
            at = at * a->shape[k] + place[k];
    return at;
}

ftl_status ftl_oracle_run_REDUCE(const ftl_oracle_call *c)
{
    const ftl_value *a = c->v->in[0];
    ftl_reduce kind = c->v->u.reduce.kind;
    int64_t place[FTL_MAX_RANK] = {0};
    for (int64_t k = 0; k < c->out->n; k++)
        ftl_oracle_put(c->v->dtype, c->out, k, get_neutral(kind));
    for (int64_t k = 0; k < c->in[0]->n; k++) {
        int64_t to = find_kept(a, c->v->u.reduce.axes, place);
        if (c->out->f)
            c->out->f[to] = combine_floats(kind, c->out->f[to], c->in[0]->f[k]);
        else
            c->out->i[to] = ftl_oracle_wrap(
                c->v->dtype, combine_wholes(kind, c->out->i[to], c->in[0]->i[k]));
        ftl_oracle_step(a->rank, a->shape, place);
    }
    return FTL_OK;
}

/* ---- largest ---- */

/* nan is larger than all else. */
static bool is_larger(const ftl_oracle_cell *a, int64_t k, int64_t than)
{
    if (a->i)
        return a->i[k] > a->i[than];
    return isnan(a->f[k]) ? !isnan(a->f[than]) : a->f[k] > a->f[than];
}

ftl_status ftl_oracle_run_ARGMAX(const ftl_oracle_call *c)
{
    const ftl_value *a = c->v->in[0];
    uint32_t axis = c->v->u.sort.axis;
    int64_t place[FTL_MAX_RANK] = {0}, stride = 1;
    for (uint32_t k = axis + 1; k < a->rank; k++)
        stride *= a->shape[k];
    for (int64_t k = 0; k < c->in[0]->n; k++) {
        int64_t *best = &c->out->i[find_kept(a, (uint64_t)1 << axis, place)];
        if (is_larger(c->in[0], k, k + (*best - place[axis]) * stride))
            *best = place[axis];
        ftl_oracle_step(a->rank, a->shape, place);
    }
    return FTL_OK;
}

/* Each pick is the largest of those that come after the previous pick in the order (value falling,
 * place rising). */
static int64_t find_next(const ftl_oracle_cell *a, int64_t row, int64_t n, int64_t previous)
{
    int64_t best = -1;
    for (int64_t k = row; k < row + n; k++) {
        bool after = previous < 0 || is_larger(a, previous, k) ||
                     (k > previous && !is_larger(a, k, previous));
        if (after && (best < 0 || is_larger(a, k, best)))
            best = k;
    }
    return best;
}

ftl_status ftl_oracle_run_TOPK(const ftl_oracle_call *c)
{
    const ftl_value *a = c->v->in[0];
    int64_t n = a->shape[a->rank - 1], k = c->v->u.sort.k;
    for (int64_t at = 0; at < c->out->n; at++) {
        int64_t row = at / k * n;
        int64_t previous = at % k > 0 ? row + c->out->i[at - 1] : -1;
        c->out->i[at] = find_next(c->in[0], row, n, previous) - row;
    }
    return FTL_OK;
}

/* ---- contract ---- */

/* stride[operand * n_labels + label]: elements between neighbours along that label. */
static void set_strides(const ftl_value *v, int64_t *stride)
{
    const ftl_contract *con = v->u.contract;
    for (uint32_t i = 0; i < v->n_in; i++) {
        int64_t step = 1;
        for (uint32_t k = v->in[i]->rank; k-- > 0;) {
            stride[(size_t)i * con->n_labels + con->in[i][k]] += step;
            step *= v->in[i]->shape[k];
        }
    }
}

static void add_product(const ftl_oracle_call *c, int64_t to, const int64_t *at)
{
    double product = 1;
    int64_t whole = 1;
    for (uint32_t i = 0; i < c->v->n_in; i++) {
        if (c->out->f)
            product *= c->in[i]->f[at[i]];
        else
            whole = (int64_t)((uint64_t)whole * (uint64_t)c->in[i]->i[at[i]]);
    }
    if (c->out->f)
        c->out->f[to] += product;
    else if (c->v->dtype == FTL_DTYPE_BOOL)
        c->out->i[to] |= whole;
    else
        c->out->i[to] = ftl_oracle_wrap(c->v->dtype,
                                        (int64_t)((uint64_t)c->out->i[to] + (uint64_t)whole));
}

static bool is_empty(const ftl_contract *con)
{
    for (uint32_t l = 0; l < con->n_labels; l++)
        if (con->extent[l] == 0)
            return true;
    return false;
}

/* Every place of all labels: the product of the operands there is added to the result. */
static void run_labels(const ftl_oracle_call *c, const int64_t *stride, int64_t *place, int64_t *at)
{
    const ftl_contract *con = c->v->u.contract;
    uint32_t n = c->v->n_in, labels = con->n_labels, l = 0;
    do {
        int64_t to = 0;
        for (uint32_t k = 0; k < c->v->rank; k++)
            to = to * c->v->shape[k] + place[con->out[k]];
        add_product(c, to, at);
        for (l = labels; l-- > 0;) {
            bool carry = ++place[l] == con->extent[l];
            int64_t moved = carry ? 1 - place[l] : 1;
            for (uint32_t i = 0; i < n; i++)
                at[i] += moved * stride[(size_t)i * labels + l];
            if (!carry)
                break;
            place[l] = 0;
        }
    } while (l != UINT32_MAX);
}

ftl_status ftl_oracle_run_CONTRACT(const ftl_oracle_call *c)
{
    size_t labels = c->v->u.contract->n_labels, n = c->v->n_in;
    if (is_empty(c->v->u.contract))
        return FTL_OK;
    int64_t *stride = ftl_oracle_take(c->oracle, n * labels, sizeof(*stride));
    int64_t *place = ftl_oracle_take(c->oracle, labels, sizeof(*place));
    int64_t *at = ftl_oracle_take(c->oracle, n, sizeof(*at));
    bool ready = stride && place && at;
    if (ready) {
        set_strides(c->v, stride);
        run_labels(c, stride, place, at);
    }
    ftl_oracle_give(c->oracle, stride, n * labels, sizeof(*stride));
    ftl_oracle_give(c->oracle, place, labels, sizeof(*place));
    ftl_oracle_give(c->oracle, at, n, sizeof(*at));
    return ready ? FTL_OK : FTL_ERR_MEMORY;
}

/* ---- eigenvectors: cyclic Jacobi rotations [Golub and Van Loan, Matrix Computations, 8.5] ---- */

/* Makes a[p][q] zero by a rotation of rows and columns p and q; v collects the rotations. */
static void rotate(double *a, double *v, int64_t n, const int64_t pq[2])
{
    int64_t p = pq[0], q = pq[1];
    double tau = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    double t = (tau >= 0 ? 1 : -1) / (fabs(tau) + sqrt(1 + tau * tau));
    double cosine = 1 / sqrt(1 + t * t), sine = t * cosine;
    for (int64_t k = 0; k < n; k++) {
        double x = a[k * n + p], y = a[k * n + q];
        a[k * n + p] = cosine * x - sine * y;
        a[k * n + q] = sine * x + cosine * y;
        x = v[k * n + p], y = v[k * n + q];
        v[k * n + p] = cosine * x - sine * y;
        v[k * n + q] = sine * x + cosine * y;
    }
    for (int64_t k = 0; k < n; k++) {
        double x = a[p * n + k], y = a[q * n + k];
        a[p * n + k] = cosine * x - sine * y;
        a[q * n + k] = sine * x + cosine * y;
    }
}

static double get_off_diagonal(const double *a, int64_t n)
{
    double sum = 0;
    for (int64_t p = 0; p < n; p++)
        for (int64_t q = 0; q < n; q++)
            sum += p == q ? 0 : a[p * n + q] * a[p * n + q];
    return sum;
}

static void diagonalise(double *a, double *v, int64_t n)
{
    enum { SWEEPS = 60 };
    double size = get_off_diagonal(a, n);
    for (int64_t k = 0; k < n; k++) {
        v[k * n + k] = 1;
        size += a[k * n + k] * a[k * n + k];
    }
    for (int sweep = 0; sweep < SWEEPS && get_off_diagonal(a, n) > size * 1e-30; sweep++)
        for (int64_t p = 0; p < n; p++)
            for (int64_t q = p + 1; q < n; q++)
                if (a[p * n + q] != 0)
                    rotate(a, v, n, (int64_t[]){p, q});
}

/* Which eigenvector comes after column `previous` by falling |eigenvalue|, then by column. */
static int64_t find_eigenvalue(const double *a, int64_t n, int64_t previous)
{
    int64_t best = -1;
    double last = previous < 0 ? (double)INFINITY : fabs(a[previous * n + previous]);
    for (int64_t k = 0; k < n; k++) {
        double size = fabs(a[k * n + k]);
        bool after = size < last || (size == last && k > previous);
        if (after && (best < 0 || size > fabs(a[best * n + best])))
            best = k;
    }
    return best;
}

/* 1, or -1 when the first entry whose magnitude is within 1e-6 of the largest is negative. */
static double get_sign(const double *v, int64_t n, int64_t column)
{
    double largest = 0;
    for (int64_t k = 0; k < n; k++)
        largest = fmax(largest, fabs(v[k * n + column]));
    for (int64_t k = 0; k < n; k++)
        if (fabs(v[k * n + column]) >= largest * (1 - 1e-6))
            return v[k * n + column] < 0 ? -1 : 1;
    return 1;
}

static void set_eigenvectors(const double *matrix, double *out, int64_t n, double *scratch)
{
    double *a = scratch, *v = scratch + n * n;
    int64_t column = -1;
    memset(v, 0, (size_t)(n * n) * sizeof(*v));
    for (int64_t p = 0; p < n; p++)
        for (int64_t q = 0; q < n; q++)
            a[p * n + q] = (matrix[p * n + q] + matrix[q * n + p]) / 2;
    diagonalise(a, v, n);
    for (int64_t j = 0; j < n; j++) {
        int64_t next = find_eigenvalue(a, n, column);
        column = next < 0 ? j : next;
        double sign = get_sign(v, n, column);
        for (int64_t k = 0; k < n; k++)
            out[k * n + j] = sign * v[k * n + column];
    }
}

ftl_status ftl_oracle_run_EIGVEC(const ftl_oracle_call *c)
{
    int64_t n = c->v->shape[c->v->rank - 1];
    size_t cells = 2 * (size_t)n * (size_t)n;
    double *scratch = ftl_oracle_take(c->oracle, cells, sizeof(*scratch));
    if (!scratch)
        return FTL_ERR_MEMORY;
    for (int64_t at = 0; at < c->out->n; at += n * n)
        set_eigenvectors(c->in[0]->f + at, c->out->f + at, n, scratch);
    ftl_oracle_give(c->oracle, scratch, cells, sizeof(*scratch));
    return FTL_OK;
}
