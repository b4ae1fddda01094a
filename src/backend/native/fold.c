/* SPDX-License-Identifier: Apache-2.0
 *
 * Reductions of the nest machine. Along columns a kernel folds each row into one wide accumulator;
 * along rows each row is combined with a row of accumulators. Sums of floats are double, sums of
 * whole numbers int64, bools bytes.
 */
#include "base/dtype.h"
#include "backend/native/vm.h"

enum { CHUNK = 256 };

typedef struct best {
    int64_t place;
    double value;  /* floats; whole numbers lie here as int64 bits */
} best;

static int64_t count_rows(const ftl_instr *in, const ftl_tile_state *t)
{
    return in->shape & FTL_VM_ROWS ? t->rows : 1;
}

/* ---- along columns: shape is that of the accumulators ---- */

void ftl_vm_run_fold_cols(const ftl_instr *in, ftl_tile_state *t)
{
    uint8_t *acc = t->pointer[in->dst], *a = t->pointer[in->a];
    int64_t rows = count_rows(in, t);
    for (int64_t r = 0; r < rows; r++, acc += 8, a += t->step[in->a])
        in->kernel.fold(acc, a, (size_t)t->cols);
}

void ftl_vm_run_dot_cols(const ftl_instr *in, ftl_tile_state *t)
{
    uint8_t *acc = t->pointer[in->dst], *a = t->pointer[in->a], *b = t->pointer[in->b];
    int64_t rows = count_rows(in, t);
    for (int64_t r = 0; r < rows; r++, acc += 8, a += t->step[in->a], b += t->step[in->b])
        in->kernel.fold2(acc, a, b, (size_t)t->cols);
}

/* c = exp(a - b), b one element for a row; dst adds up c. */
void ftl_vm_run_exp_sum_cols(const ftl_instr *in, ftl_tile_state *t)
{
    double *acc = (double *)(void *)t->pointer[in->dst];
    uint8_t *a = t->pointer[in->a], *b = t->pointer[in->b], *c = t->pointer[in->c];
    int64_t rows = count_rows(in, t);
    for (int64_t r = 0; r < rows; r++) {
        acc[r] += in->kernel.exp_sum(c, a, ftl_dtype_get_double(in->dtype, b), (size_t)t->cols);
        a += t->step[in->a];
        b += t->step[in->b];
        c += t->step[in->c];
    }
}

/* dst adds up (a - b)^2, b one element for a row. */
void ftl_vm_run_deviation_cols(const ftl_instr *in, ftl_tile_state *t)
{
    double *acc = (double *)(void *)t->pointer[in->dst];
    uint8_t *a = t->pointer[in->a], *b = t->pointer[in->b];
    int64_t rows = count_rows(in, t);
    for (int64_t r = 0; r < rows; r++, a += t->step[in->a], b += t->step[in->b])
        acc[r] += in->kernel.deviation(a, ftl_dtype_get_double(in->dtype, b), (size_t)t->cols);
}

/* any, all: a byte for each row. size_b tells all from any. */
void ftl_vm_run_test_cols(const ftl_instr *in, ftl_tile_state *t)
{
    uint8_t *acc = t->pointer[in->dst], *a = t->pointer[in->a];
    int64_t rows = count_rows(in, t);
    for (int64_t r = 0; r < rows; r++, a += t->step[in->a]) {
        uint8_t x = in->kernel.test(a, (size_t)t->cols);
        acc[r] = in->size_b ? acc[r] & x : acc[r] | x;
    }
}

static bool is_better(ftl_dtype dtype, const uint8_t *x, const best *than, best *out)
{
    if (!ftl_dtype_is_float(dtype)) {
        int64_t old, new = ftl_dtype_get_int(dtype, x);
        memcpy(&old, &than->value, sizeof old);
        memcpy(&out->value, &new, sizeof new);
        return than->place < 0 || new > old;
    }
    out->value = ftl_dtype_get_double(dtype, x);
    if (than->value != than->value)
        return than->place < 0;
    return than->place < 0 || out->value > than->value || out->value != out->value;
}

void ftl_vm_run_argmax(const ftl_instr *in, ftl_tile_state *t)
{
    best *acc = (best *)(void *)t->pointer[in->dst];
    uint8_t *a = t->pointer[in->a];
    int64_t rows = count_rows(in, t);
    for (int64_t r = 0; r < rows; r++, a += t->step[in->a]) {
        size_t i = in->kernel.argmax(a, (size_t)t->cols);
        best new = {t->position[in->axis] + (int64_t)i, 0};
        if (is_better(in->dtype, a + i * in->size_a, &acc[r], &new))
            acc[r] = new;
    }
}

/* ---- along rows ---- */

static int64_t count_operand_rows(const ftl_tile_state *t)
{
    return t->program->rows >= 0 ? t->rows : 1;
}

void ftl_vm_run_add_rows(const ftl_instr *in, ftl_tile_state *t)
{
    double *acc = (double *)(void *)t->pointer[in->dst];
    uint8_t *a = t->pointer[in->a];
    int64_t rows = count_operand_rows(t);
    for (int64_t r = 0; r < rows; r++, a += t->step[in->a])
        in->kernel.add_wide(acc, a, (size_t)t->cols);
}

/* Maxima, minima, any and all, in the type of the operand. */
void ftl_vm_run_fold_rows(const ftl_instr *in, ftl_tile_state *t)
{
    uint8_t *acc = t->pointer[in->dst], *a = t->pointer[in->a];
    int64_t rows = count_operand_rows(t);
    for (int64_t r = 0; r < rows; r++, a += t->step[in->a]) {
        if (in->size_a == 1)
            in->kernel.logic2(acc, acc, a, (size_t)t->cols);
        else
            in->kernel.map2(acc, acc, a, (size_t)t->cols);
    }
}

/* Products, and sums of whole numbers: in a wider type. */
void ftl_vm_run_wide_rows(const ftl_instr *in, ftl_tile_state *t)
{
    uint8_t *acc = t->pointer[in->dst], *a = t->pointer[in->a];
    int64_t rows = count_operand_rows(t);
    for (int64_t r = 0; r < rows; r++, a += t->step[in->a]) {
        for (int64_t i = 0; i < t->cols; i += CHUNK) {
            _Alignas(16) uint8_t wide[CHUNK * 8];
            size_t n = (size_t)(t->cols - i < CHUNK ? t->cols - i : CHUNK);
            in->second.load(wide, a + i * in->size_a, 1, n);
            in->kernel.map2(acc + i * 8, acc + i * 8, wide, n);
        }
    }
}

/* ---- accumulators ---- */

/* From an accumulator to the value: places of argmax, low bits of whole sums, doubles rounded. */
void ftl_vm_run_finish(const ftl_instr *in, ftl_tile_state *t)
{
    uint8_t *dst = t->pointer[in->dst], *acc = t->pointer[in->a];
    int64_t n = in->shape & FTL_VM_COLS ? t->cols : count_rows(in, t);
    if (in->kernel.load) {
        in->kernel.load(dst, acc, 1, (size_t)n);
    } else if (in->dtype == FTL_DTYPE_I64) {
        for (int64_t i = 0; i < n; i++)
            ((int64_t *)(void *)dst)[i] = ((best *)(void *)acc)[i].place < 0
                                              ? 0
                                              : ((best *)(void *)acc)[i].place;
    } else {
        for (int64_t i = 0; i < n; i++)
            ((int32_t *)(void *)dst)[i] =
                (int32_t)ftl_vm_wrap(in->dtype, ((int64_t *)(void *)acc)[i]);
    }
}

void ftl_vm_start_sum(const ftl_vm_sum *sum, uint8_t *data, size_t n)
{
    if (sum->is_argmax) {
        for (size_t i = 0; i < n; i++)
            ((best *)(void *)data)[i] = (best){-1, 0};
        return;
    }
    if (sum->size == 8) {
        for (size_t i = 0; i < n; i++)
            ((uint64_t *)(void *)data)[i] = sum->neutral;
    } else if (sum->size == 4) {
        for (size_t i = 0; i < n; i++)
            ((uint32_t *)(void *)data)[i] = (uint32_t)sum->neutral;
    } else {
        memset(data, (int)(uint8_t)sum->neutral, n);
    }
}

static double join_doubles(ftl_reduce kind, double a, double b)
{
    switch (kind) {
    case FTL_REDUCE_PROD:
        return a * b;
    case FTL_REDUCE_MAX:
        return a != a || a > b ? a : b;
    case FTL_REDUCE_MIN:
        return a != a || a < b ? a : b;
    default:
        return a + b;
    }
}

static int64_t join_wholes(ftl_reduce kind, int64_t a, int64_t b)
{
    switch (kind) {
    case FTL_REDUCE_PROD:
        return (int64_t)((uint64_t)a * (uint64_t)b);
    case FTL_REDUCE_MAX:
    case FTL_REDUCE_ANY:
        return a > b ? a : b;
    case FTL_REDUCE_MIN:
    case FTL_REDUCE_ALL:
        return a < b ? a : b;
    default:
        return (int64_t)((uint64_t)a + (uint64_t)b);
    }
}

void ftl_vm_join_sum(const ftl_vm_sum *sum, uint8_t *into, const uint8_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++, into += sum->size, from += sum->size) {
        if (sum->is_argmax) {
            best a, b;
            memcpy(&a, into, sizeof a);
            memcpy(&b, from, sizeof b);
            ftl_dtype wide = ftl_dtype_is_float(sum->dtype) ? FTL_DTYPE_F64 : FTL_DTYPE_I64;
            best out = b;
            if (b.place >= 0 && is_better(wide, (const uint8_t *)&b.value, &a, &out))
                memcpy(into, &b, sizeof b);
        } else if (ftl_dtype_is_float(sum->dtype)) {
            ftl_dtype_put_double(sum->dtype, into,
                                 join_doubles(sum->kind, ftl_dtype_get_double(sum->dtype, into),
                                              ftl_dtype_get_double(sum->dtype, from)));
        } else {
            ftl_dtype_put_int(sum->dtype, into,
                              join_wholes(sum->kind, ftl_dtype_get_int(sum->dtype, into),
                                          ftl_dtype_get_int(sum->dtype, from)));
        }
    }
}
