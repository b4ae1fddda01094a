/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations that go element by element. FLOAT: a function of doubles; BOTH: one of doubles and one
 * of whole numbers, which wrap around in their dtype.
 */
#include "backend/native/oracle.h"

#include <math.h>

#define FLOAT(NAME, expression)                                                                    \
    ftl_status ftl_oracle_run_##NAME(const ftl_oracle_call *c)                                     \
    {                                                                                              \
        for (int64_t k = 0; k < c->out->n; k++) {                                                  \
            const double a = c->in[0]->f[k];                                                       \
            c->out->f[k] = (expression);                                                           \
        }                                                                                          \
        return FTL_OK;                                                                             \
    }

typedef double float_map(double a, double b);
typedef int64_t whole_map(ftl_dtype dtype, int64_t a, int64_t b);

/* b is a again for operations of one operand. */
static ftl_status run_both(const ftl_oracle_call *c, float_map *f, whole_map *w)
{
    const ftl_oracle_cell *a = c->in[0], *b = c->in[c->v->n_in - 1];
    for (int64_t k = 0; k < c->out->n; k++) {
        if (a->f)
            c->out->f[k] = f(a->f[k], b->f[k]);
        else
            c->out->i[k] = ftl_oracle_wrap(c->v->dtype, w(c->v->dtype, a->i[k], b->i[k]));
    }
    return FTL_OK;
}

#define BOTH(NAME, of_floats, of_wholes)                                                           \
    static double float_##NAME(double a, double b)                                                 \
    {                                                                                              \
        (void)b;                                                                                   \
        return of_floats;                                                                          \
    }                                                                                              \
    static int64_t whole_##NAME(ftl_dtype dtype, int64_t a, int64_t b)                             \
    {                                                                                              \
        (void)dtype, (void)b;                                                                      \
        return of_wholes;                                                                          \
    }                                                                                              \
    ftl_status ftl_oracle_run_##NAME(const ftl_oracle_call *c)                                     \
    {                                                                                              \
        return run_both(c, float_##NAME, whole_##NAME);                                            \
    }

#define COMPARE(NAME, operator)                                                                    \
    ftl_status ftl_oracle_run_##NAME(const ftl_oracle_call *c)                                     \
    {                                                                                              \
        const ftl_oracle_cell *a = c->in[0], *b = c->in[c->v->n_in - 1];                           \
        for (int64_t k = 0; k < c->out->n; k++)                                                    \
            c->out->i[k] = a->f ? a->f[k] operator b->f[k] : a->i[k] operator b->i[k];             \
        return FTL_OK;                                                                             \
    }

#define LOGIC(NAME, operator)                                                                      \
    ftl_status ftl_oracle_run_##NAME(const ftl_oracle_call *c)                                     \
    {                                                                                              \
        for (int64_t k = 0; k < c->out->n; k++)                                                    \
            c->out->i[k] = c->in[0]->i[k] operator c->in[1]->i[k];                                 \
        return FTL_OK;                                                                             \
    }

static double choose_min(double a, double b)
{
    return isnan(a) || isnan(b) ? (double)NAN : a < b ? a : b;
}

static double choose_max(double a, double b)
{
    return isnan(a) || isnan(b) ? (double)NAN : a > b ? a : b;
}

static double get_logistic(double a)
{
    double e = exp(-fabs(a));
    return a < 0 ? e / (1 + e) : 1 / (1 + e);
}

/* 0 for a division by 0; the least number divided by -1 wraps. */
static int64_t divide(int64_t a, int64_t b)
{
    if (b == 0)
        return 0;
    return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

/* C's pow, back in the dtype by the rule of casts. */
static int64_t raise(ftl_dtype dtype, int64_t a, int64_t b)
{
    uint64_t element = 0;
    ftl_dtype_put_double(dtype, &element, pow((double)a, (double)b));
    return ftl_dtype_get_int(dtype, &element);
}

FLOAT(EXP, exp(a))
FLOAT(LOG, log(a))
FLOAT(SQRT, sqrt(a))
FLOAT(SIN, sin(a))
FLOAT(COS, cos(a))
FLOAT(TANH, tanh(a))
FLOAT(ERF, erf(a))
FLOAT(LOGISTIC, get_logistic(a))

BOTH(NEG, -a, (int64_t)(0 - (uint64_t)a))
BOTH(ABS, fabs(a), a < 0 ? (int64_t)(0 - (uint64_t)a) : a)
BOTH(FLOOR, floor(a), a)
BOTH(ADD, a + b, (int64_t)((uint64_t)a + (uint64_t)b))
BOTH(SUB, a - b, (int64_t)((uint64_t)a - (uint64_t)b))
BOTH(MUL, a * b, (int64_t)((uint64_t)a * (uint64_t)b))
BOTH(DIV, a / b, divide(a, b))
BOTH(POW, pow(a, b), raise(dtype, a, b))
BOTH(MIN, choose_min(a, b), a < b ? a : b)
BOTH(MAX, choose_max(a, b), a > b ? a : b)

COMPARE(EQ, ==)
COMPARE(NE, !=)
COMPARE(LT, <)
COMPARE(LE, <=)
LOGIC(AND, &&)
LOGIC(OR, ||)

ftl_status ftl_oracle_run_NOT(const ftl_oracle_call *c)
{
    for (int64_t k = 0; k < c->out->n; k++)
        c->out->i[k] = !c->in[0]->i[k];
    return FTL_OK;
}

ftl_status ftl_oracle_run_SELECT(const ftl_oracle_call *c)
{
    for (int64_t k = 0; k < c->out->n; k++)
        ftl_oracle_copy(c->out, k, c->in[0]->i[k] ? c->in[1] : c->in[2], k);
    return FTL_OK;
}

/* Through one element of the dtype, which rounds, truncates and saturates as base/dtype.h says. */
ftl_status ftl_oracle_run_CAST(const ftl_oracle_call *c)
{
    ftl_dtype dtype = c->v->dtype;
    const ftl_oracle_cell *a = c->in[0];
    for (int64_t k = 0; k < c->out->n; k++) {
        uint64_t element = 0;
        if (a->f)
            ftl_dtype_put_double(dtype, &element, a->f[k]);
        else
            ftl_dtype_put_int(dtype, &element, a->i[k]);
        if (c->out->f)
            c->out->f[k] = ftl_dtype_get_double(dtype, &element);
        else
            c->out->i[k] = ftl_dtype_get_int(dtype, &element);
    }
    return FTL_OK;
}
