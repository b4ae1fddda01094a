/* SPDX-License-Identifier: Apache-2.0
 *
 * Places the registers of a program in a worker's scratch: linear scan over the instructions in the
 * order in which they run. What is made outside of a pass that is visited several times lives until
 * that pass ends, and what is kept for a later pass from the start of the pass that makes it.
 * Accumulators come first and are never shared.
 */
#include "backend/native/nest.h"

enum { ALIGN = 64 };

typedef struct interval {
    uint32_t first, last;
    bool is_used, is_sum;
} interval;

typedef struct scan {
    ftl_program *p;
    interval *lives; /* by pointer */
    uint32_t now;
} scan;

static void touch(scan *s, uint16_t pointer, uint32_t body_start, uint32_t body_end)
{
    interval *x = &s->lives[pointer];
    if (!x->is_used) {
        x->is_used = true;
        x->first = s->p->pointers.data[pointer].is_row ? body_start : s->now;
    }
    x->last = s->now;
    if (x->first < body_start && x->last < body_end)
        x->last = body_end;
}

static void scan_code(scan *s, const ftl_code *code, bool is_repeated)
{
    uint32_t start = is_repeated ? s->now : 0;
    uint32_t end = is_repeated ? s->now + (uint32_t)code->instrs.len : 0;
    for (size_t i = 0; i < code->instrs.len; i++, s->now++) {
        const ftl_instr *in = &code->instrs.data[i];
        touch(s, in->dst, start, end);
        touch(s, in->a, start, end);
        touch(s, in->b, start, end);
        touch(s, in->c, start, end);
        for (uint32_t k = 0; k < in->n_selects; k++) {
            touch(s, in->selects[k].index, start, end);
            touch(s, in->selects[k].raw, start, end);
        }
    }
}

static size_t get_bytes(const ftl_program *p, const ftl_pointer *x)
{
    size_t n = ftl_vm_get_size(x->type);
    n *= x->shape & FTL_VM_ROWS ? (size_t)p->tile_rows : 1;
    n *= x->shape & FTL_VM_COLS ? (size_t)(x->is_row ? p->extent[p->cols] : p->tile_cols) : 1;
    return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static bool overlaps(const scan *s, size_t i, size_t k, size_t at, size_t size)
{
    const ftl_program *p = s->p;
    const ftl_pointer *y = &p->pointers.data[k];
    if (!s->lives[k].is_used || s->lives[k].is_sum || y->kind != FTL_POINTER_REGISTER ||
        s->lives[k].last < s->lives[i].first || s->lives[i].last < s->lives[k].first)
        return false;
    return y->offset < at + size && at < y->offset + get_bytes(p, y);
}

/* Registers are few: the lowest place that is free of those placed before. */
static void place_register(scan *s, size_t i, size_t base)
{
    ftl_program *p = s->p;
    size_t size = get_bytes(p, &p->pointers.data[i]), at = base;
    for (size_t k = 0; k < i; k++) {
        if (!overlaps(s, i, k, at, size))
            continue;
        at = p->pointers.data[k].offset + get_bytes(p, &p->pointers.data[k]);
        k = (size_t)-1; /* begin again */
    }
    p->pointers.data[i].offset = at;
    if (at + size > p->scratch)
        p->scratch = at + size;
}

static void place_sums(scan *s)
{
    ftl_program *p = s->p;
    for (size_t i = 0; i < p->sums.len; i++) {
        ftl_pointer *x = &p->pointers.data[p->sums.data[i].pointer];
        s->lives[p->sums.data[i].pointer].is_sum = true;
        x->offset = p->sum_bytes;
        p->sum_bytes += get_bytes(p, x) * (p->sums.data[i].is_argmax ? 2 : 1);
    }
    p->scratch = p->sum_bytes;
}

void ftl_nest_place_registers(ftl_arena *arena, ftl_program *p)
{
    scan s = {p, FTL_NEW_ARRAY(arena, interval, p->pointers.len + 1), 1};
    scan_code(&s, &p->head[0], false);
    for (uint32_t pass = 0; pass < p->n_passes; pass++) {
        scan_code(&s, &p->body[pass], !p->is_single);
        scan_code(&s, &p->head[pass + 1], false);
    }
    place_sums(&s);
    for (size_t i = 0; i < p->pointers.len; i++)
        if (p->pointers.data[i].kind == FTL_POINTER_REGISTER && s.lives[i].is_used &&
            !s.lives[i].is_sum)
            place_register(&s, i, p->sum_bytes);
    p->scratch += (p->n_axes + 1) * sizeof(int64_t) +
                  p->pointers.len * (sizeof(uint8_t *) + sizeof(int64_t));
    p->scratch = (p->scratch + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}
