/* SPDX-License-Identifier: Apache-2.0
 *
 * Instructions of the nest machine that stay inside of registers. Each calls its kernel once for
 * the whole tile where rows follow each other without gaps, else once a row.
 */
#include "backend/native/vm.h"

#include <math.h>

/* How often a kernel is called, and on how many elements. */
typedef struct span {
    int64_t rows;
    size_t n;
} span;

static int64_t get_row_length(const ftl_instr *in, const ftl_tile_state *t)
{
    if (in->shape & FTL_VM_COLS)
        return t->cols;
    return in->shape & FTL_VM_ROWS ? t->rows : 1;
}

static span get_span(const ftl_instr *in, const ftl_tile_state *t)
{
    int64_t n = get_row_length(in, t);
    if (in->shape != (FTL_VM_COLS | FTL_VM_ROWS) || t->rows == 1)
        return (span){1, (size_t)n};
    const int64_t *step = t->step;
    if (step[in->dst] == n * in->size && step[in->a] == n * in->size_a &&
        step[in->b] == n * in->size_b && step[in->c] == n * in->size_c)
        return (span){1, (size_t)(n * t->rows)};
    return (span){t->rows, (size_t)n};
}

void ftl_vm_run_map1(const ftl_instr *in, ftl_tile_state *t)
{
    span s = get_span(in, t);
    uint8_t *dst = t->pointer[in->dst], *a = t->pointer[in->a];
    for (int64_t r = 0; r < s.rows; r++, dst += t->step[in->dst], a += t->step[in->a])
        in->kernel.map1(dst, a, s.n);
}

void ftl_vm_run_map2(const ftl_instr *in, ftl_tile_state *t)
{
    span s = get_span(in, t);
    uint8_t *dst = t->pointer[in->dst], *a = t->pointer[in->a], *b = t->pointer[in->b];
    for (int64_t r = 0; r < s.rows; r++) {
        in->kernel.map2(dst, a, b, s.n);
        dst += t->step[in->dst];
        a += t->step[in->a];
        b += t->step[in->b];
    }
}

/* a * b + c */
void ftl_vm_run_fma(const ftl_instr *in, ftl_tile_state *t)
{
    span s = get_span(in, t);
    uint8_t *dst = t->pointer[in->dst], *a = t->pointer[in->a];
    uint8_t *b = t->pointer[in->b], *c = t->pointer[in->c];
    for (int64_t r = 0; r < s.rows; r++) {
        in->kernel.map3(dst, a, b, c, s.n);
        dst += t->step[in->dst];
        a += t->step[in->a];
        b += t->step[in->b];
        c += t->step[in->c];
    }
}

void ftl_vm_run_compare(const ftl_instr *in, ftl_tile_state *t)
{
    span s = get_span(in, t);
    uint8_t *dst = t->pointer[in->dst], *a = t->pointer[in->a], *b = t->pointer[in->b];
    for (int64_t r = 0; r < s.rows; r++) {
        in->kernel.compare(dst, a, b, s.n);
        dst += t->step[in->dst];
        a += t->step[in->a];
        b += t->step[in->b];
    }
}

/* a ? b : c */
void ftl_vm_run_select(const ftl_instr *in, ftl_tile_state *t)
{
    span s = get_span(in, t);
    uint8_t *dst = t->pointer[in->dst], *a = t->pointer[in->a];
    uint8_t *b = t->pointer[in->b], *c = t->pointer[in->c];
    for (int64_t r = 0; r < s.rows; r++) {
        in->kernel.select(dst, a, b, c, s.n);
        dst += t->step[in->dst];
        a += t->step[in->a];
        b += t->step[in->b];
        c += t->step[in->c];
    }
}

void ftl_vm_run_select_bytes(const ftl_instr *in, ftl_tile_state *t)
{
    span s = get_span(in, t);
    uint8_t *dst = t->pointer[in->dst], *a = t->pointer[in->a];
    uint8_t *b = t->pointer[in->b], *c = t->pointer[in->c];
    for (int64_t r = 0; r < s.rows; r++) {
        in->kernel.select_bytes(dst, a, b, c, s.n);
        dst += t->step[in->dst];
        a += t->step[in->a];
        b += t->step[in->b];
        c += t->step[in->c];
    }
}

void ftl_vm_run_logic1(const ftl_instr *in, ftl_tile_state *t)
{
    span s = get_span(in, t);
    uint8_t *dst = t->pointer[in->dst], *a = t->pointer[in->a];
    for (int64_t r = 0; r < s.rows; r++, dst += t->step[in->dst], a += t->step[in->a])
        in->kernel.logic1(dst, a, s.n);
}

void ftl_vm_run_logic2(const ftl_instr *in, ftl_tile_state *t)
{
    span s = get_span(in, t);
    uint8_t *dst = t->pointer[in->dst], *a = t->pointer[in->a], *b = t->pointer[in->b];
    for (int64_t r = 0; r < s.rows; r++) {
        in->kernel.logic2(dst, a, b, s.n);
        dst += t->step[in->dst];
        a += t->step[in->a];
        b += t->step[in->b];
    }
}

/* Between compute types, by the load kernel of the target. */
void ftl_vm_run_convert(const ftl_instr *in, ftl_tile_state *t)
{
    span s = get_span(in, t);
    uint8_t *dst = t->pointer[in->dst], *a = t->pointer[in->a];
    for (int64_t r = 0; r < s.rows; r++, dst += t->step[in->dst], a += t->step[in->a])
        in->kernel.load(dst, a, 1, s.n);
}

/* To bytes, by the store kernel of the source. */
void ftl_vm_run_narrow(const ftl_instr *in, ftl_tile_state *t)
{
    span s = get_span(in, t);
    uint8_t *dst = t->pointer[in->dst], *a = t->pointer[in->a];
    for (int64_t r = 0; r < s.rows; r++, dst += t->step[in->dst], a += t->step[in->a])
        in->kernel.store(dst, 1, a, s.n);
}

enum { CHUNK = 256 };

/* To a dtype narrower than its compute type and back. */
void ftl_vm_run_round(const ftl_instr *in, ftl_tile_state *t)
{
    span s = get_span(in, t);
    uint8_t *dst = t->pointer[in->dst], *a = t->pointer[in->a];
    for (int64_t r = 0; r < s.rows; r++, dst += t->step[in->dst], a += t->step[in->a]) {
        for (size_t i = 0; i < s.n; i += CHUNK) {
            _Alignas(16) uint8_t narrow[CHUNK * 8];
            size_t n = s.n - i < CHUNK ? s.n - i : CHUNK;
            in->kernel.store(narrow, 1, a + i * in->size_a, n);
            in->second.load(dst + i * in->size, narrow, 1, n);
        }
    }
}

int64_t ftl_vm_wrap(ftl_dtype dtype, int64_t x)
{
    switch (dtype) {
    case FTL_DTYPE_U8:
        return (uint8_t)x;
    case FTL_DTYPE_I8:
        return (int8_t)(uint8_t)x;
    case FTL_DTYPE_I16:
        return (int16_t)(uint16_t)x;
    case FTL_DTYPE_I32:
        return (int32_t)(uint32_t)x;
    default:
        return x;
    }
}

/* Keeps the low bits of 32-bit results, in place. */
void ftl_vm_run_wrap(const ftl_instr *in, ftl_tile_state *t)
{
    span s = get_span(in, t);
    uint8_t *dst = t->pointer[in->dst];
    for (int64_t r = 0; r < s.rows; r++, dst += t->step[in->dst]) {
        int32_t *x = (int32_t *)(void *)dst;
        for (size_t i = 0; i < s.n; i++)
            x[i] = (int32_t)ftl_vm_wrap(in->dtype, x[i]);
    }
}

/* Repeats a smaller shape. */
void ftl_vm_run_expand(const ftl_instr *in, ftl_tile_state *t)
{
    span s = get_span(in, t);
    uint8_t *dst = t->pointer[in->dst], *a = t->pointer[in->a];
    for (int64_t r = 0; r < s.rows; r++, dst += t->step[in->dst], a += t->step[in->a])
        in->kernel.copy(dst, 1, a, in->size_a ? 1 : 0, s.n);
}

void ftl_vm_run_iota(const ftl_instr *in, ftl_tile_state *t)
{
    in->kernel.iota(t->pointer[in->dst], t->position[in->axis], 1,
                    (size_t)get_row_length(in, t));
}

static int64_t get_whole(double x)
{
    return x >= -0x1p62 && x <= 0x1p62 && x == floor(x) ? (int64_t)x : INT64_MIN;
}

/* Float places to whole ones; INT64_MIN where one is not whole. */
void ftl_vm_run_index(const ftl_instr *in, ftl_tile_state *t)
{
    span s = get_span(in, t);
    uint8_t *dst = t->pointer[in->dst], *a = t->pointer[in->a];
    for (int64_t r = 0; r < s.rows; r++, dst += t->step[in->dst], a += t->step[in->a]) {
        int64_t *to = (int64_t *)(void *)dst;
        for (size_t i = 0; i < s.n; i++)
            to[i] = in->size_a == sizeof(float) ? get_whole(((const float *)(void *)a)[i])
                                                : get_whole(((const double *)(void *)a)[i]);
    }
}
