/* SPDX-License-Identifier: Apache-2.0
 *
 * Instructions of the nest machine that move tiles between memory and registers: other element
 * types, strides, fill outside of the tensor, places read at run time. A tile's line is its row, or
 * its column where it has no columns; lines follow each other in the register.
 */
#include "base/dtype.h"
#include "backend/native/vm.h"

typedef struct lines {
    int64_t count, n;      /* lines, elements of a line */
    int32_t axis, across;  /* of a line, and from line to line; -1: none */
    int64_t stride, step;  /* bytes in memory along and across */
} lines;

static lines get_lines(const ftl_instr *in, const ftl_tile_state *t)
{
    const ftl_program *p = t->program;
    const ftl_access *a = &p->accesses.data[in->access];
    lines l = {1, 1, -1, -1, 0, 0};
    if (in->shape & FTL_VM_COLS) {
        l.axis = p->cols;
        l.n = t->cols;
        if (in->shape & FTL_VM_ROWS) {
            l.across = p->rows;
            l.count = t->rows;
        }
    } else if (in->shape & FTL_VM_ROWS) {
        l.axis = p->rows;
        l.n = t->rows;
    }
    l.stride = l.axis >= 0 ? a->stride[l.axis] : 0;
    l.step = l.across >= 0 ? a->stride[l.across] : 0;
    return l;
}

static int64_t get_elements(const ftl_access *a, int64_t bytes)
{
    return bytes / (int64_t)ftl_dtype_get_size(a->dtype);
}

/* Bools have no compute type: their bytes are copied. */
static void load_line(const ftl_instr *in, void *dst, const void *src, int64_t stride, int64_t n)
{
    if (in->kernel.load)
        in->kernel.load(dst, src, stride, (size_t)n);
    else
        in->second.copy(dst, 1, src, stride, (size_t)n);
}

void ftl_vm_run_load(const ftl_instr *in, ftl_tile_state *t)
{
    const ftl_access *a = &t->program->accesses.data[in->access];
    lines l = get_lines(in, t);
    uint8_t *dst = t->pointer[in->dst];
    const uint8_t *src = t->pointer[in->a];
    if (in->transpose && l.count > 1) {
        in->transpose(dst, src, &(ftl_block){.rows = (size_t)l.n, .cols = (size_t)l.count,
                                             .src_step = get_elements(a, l.stride),
                                             .dst_step = l.n});
        return;
    }
    for (int64_t r = 0; r < l.count; r++, dst += l.n * in->size, src += l.step)
        load_line(in, dst, src, get_elements(a, l.stride), l.n);
}

void ftl_vm_run_store(const ftl_instr *in, ftl_tile_state *t)
{
    const ftl_access *a = &t->program->accesses.data[in->access];
    lines l = get_lines(in, t);
    uint8_t *dst = t->pointer[in->dst];
    const uint8_t *src = t->pointer[in->a];
    int64_t step = t->step[in->a];
    if (in->transpose && l.count > 1) {
        in->transpose(dst, src, &(ftl_block){.rows = (size_t)l.count, .cols = (size_t)l.n,
                                             .src_step = step / in->size_a,
                                             .dst_step = get_elements(a, l.stride)});
        return;
    }
    for (int64_t r = 0; r < l.count; r++, dst += l.step, src += step) {
        if (in->kernel.store)
            in->kernel.store(dst, get_elements(a, l.stride), src, (size_t)l.n);
        else
            in->second.copy(dst, get_elements(a, l.stride), src, 1, (size_t)l.n);
    }
}

/* Result and operand have one element type, and the lines of the result are dense. */
void ftl_vm_run_stream(const ftl_instr *in, ftl_tile_state *t)
{
    lines l = get_lines(in, t);
    uint8_t *dst = t->pointer[in->dst];
    const uint8_t *src = t->pointer[in->a];
    size_t bytes = (size_t)l.n * in->size;
    if (l.step == (int64_t)bytes && t->step[in->a] == l.step) {
        in->kernel.stream(dst, src, bytes * (size_t)l.count);
        return;
    }
    for (int64_t r = 0; r < l.count; r++, dst += l.step, src += t->step[in->a])
        in->kernel.stream(dst, src, bytes);
}

/* ---- fill ---- */

static int64_t divide_up(int64_t a, int64_t b) /* b > 0 */
{
    return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

/* Narrows [*from, *to), elements of a line, to those whose place passes the check. */
static void clip_line(const ftl_vm_check *check, const ftl_tile_state *t, const lines *l,
                      int64_t line, int64_t range[2])
{
    int64_t place = check->offset;
    for (uint32_t a = 0; a < t->program->n_axes; a++)
        place += check->coef[a] * t->position[a];
    if (l->across >= 0)
        place += check->coef[l->across] * line;
    int64_t q = l->axis >= 0 ? check->coef[l->axis] : 0;
    int64_t from = 0, to = l->n;
    if (q == 0) {
        to = place >= 0 && place < check->extent ? l->n : 0;
    } else if (q > 0) {
        from = divide_up(-place, q);
        to = divide_up(check->extent - place, q);
    } else {
        from = divide_up(place - check->extent + 1, -q);
        to = divide_up(place + 1, -q);
    }
    range[0] = from > range[0] ? from : range[0];
    range[1] = to < range[1] ? to : range[1];
}

static void get_range(const ftl_access *a, const ftl_tile_state *t, const lines *l, int64_t line,
                      int64_t range[2])
{
    range[0] = 0;
    range[1] = l->n;
    for (uint32_t k = 0; k < a->n_checks; k++)
        clip_line(&a->checks[k], t, l, line, range);
    if (range[1] <= range[0])
        range[0] = range[1] = l->n;
}

static void fill(const ftl_instr *in, const ftl_access *a, uint8_t *dst, int64_t n)
{
    _Alignas(8) uint8_t value[8];
    if (n <= 0)
        return;
    ftl_dtype_put_double(a->dtype, value, a->fill);
    load_line(in, dst, value, 0, n);
}

void ftl_vm_run_load_checked(const ftl_instr *in, ftl_tile_state *t)
{
    const ftl_access *a = &t->program->accesses.data[in->access];
    lines l = get_lines(in, t);
    uint8_t *dst = t->pointer[in->dst];
    const uint8_t *src = t->pointer[in->a];
    if (!src) {
        fill(in, a, dst, l.count * l.n);
        return;
    }
    for (int64_t r = 0; r < l.count; r++, dst += l.n * in->size, src += l.step) {
        int64_t range[2];
        get_range(a, t, &l, r, range);
        fill(in, a, dst, range[0]);
        if (range[1] > range[0])
            load_line(in, dst + range[0] * in->size, src + range[0] * l.stride,
                      get_elements(a, l.stride), range[1] - range[0]);
        fill(in, a, dst + range[1] * in->size, l.n - range[1]);
    }
}

/* ---- gather ---- */

static int64_t get_index_place(uint8_t shape, const ftl_tile_state *t, int64_t line, int64_t i)
{
    switch (shape) {
    case FTL_VM_COLS | FTL_VM_ROWS:
        return line * t->cols + i;
    case FTL_VM_COLS:
        return i;
    case FTL_VM_ROWS:
        return line;
    default:
        return 0;
    }
}

static void note_failure(const ftl_instr *in, ftl_tile_state *t, const ftl_vm_select *s,
                         int64_t place, int64_t index)
{
    if (t->failure->at)
        return;
    *t->failure = (ftl_vm_failure){.at = in->value, .unit = t->unit, .graph = t->env->graph,
                                   .index = (double)index, .axis = s->axis};
    if (index == INT64_MIN) {
        size_t size = ftl_dtype_get_size(s->dtype);
        t->failure->index = ftl_dtype_get_double(s->dtype, t->pointer[s->raw] +
                                                               (size_t)place * size);
    }
}

/* Bytes that the selects add for one element; false when an index is out of range. */
static bool add_selects(const ftl_instr *in, ftl_tile_state *t, int64_t line, int64_t i,
                        int64_t *offset)
{
    *offset = 0;
    for (uint32_t k = 0; k < in->n_selects; k++) {
        const ftl_vm_select *s = &in->selects[k];
        int64_t place = get_index_place(s->shape, t, line, i);
        int64_t index = ((const int64_t *)(void *)t->pointer[s->index])[place];
        if (index < 0 || index >= s->extent) {
            note_failure(in, t, s, place, index);
            return false;
        }
        *offset += index * s->stride;
    }
    return true;
}

enum { CHUNK = 256 };

/* Elements range[0] .. range[1] of a line whose places differ from element to element. */
static void gather_elements(const ftl_instr *in, ftl_tile_state *t, const lines *l, int64_t line,
                            const int64_t range[2])
{
    const ftl_access *a = &t->program->accesses.data[in->access];
    size_t size = ftl_dtype_get_size(a->dtype);
    const uint8_t *src = t->pointer[in->a] + line * l->step;
    uint8_t *dst = t->pointer[in->dst] + line * l->n * in->size;
    bool is_column = !(in->shape & FTL_VM_COLS); /* the line runs along ROWS */
    for (int64_t i = range[0]; i < range[1]; i += CHUNK) {
        _Alignas(16) uint8_t raw[CHUNK * 8];
        int64_t n = range[1] - i < CHUNK ? range[1] - i : CHUNK;
        for (int64_t j = 0; j < n; j++) {
            int64_t offset;
            if (!add_selects(in, t, is_column ? i + j : line, is_column ? 0 : i + j, &offset))
                return;
            memcpy(raw + (size_t)j * size, src + (i + j) * l->stride + offset, size);
        }
        load_line(in, dst + i * in->size, raw, 1, n);
    }
}

/* size_b: not 0 when some index runs along the line. */
void ftl_vm_run_gather(const ftl_instr *in, ftl_tile_state *t)
{
    const ftl_access *a = &t->program->accesses.data[in->access];
    lines l = get_lines(in, t);
    uint8_t *dst = t->pointer[in->dst];
    const uint8_t *src = t->pointer[in->a];
    for (int64_t r = 0; r < l.count; r++, dst += l.n * in->size, src += l.step) {
        int64_t range[2];
        get_range(a, t, &l, r, range);
        fill(in, a, dst, range[0]);
        fill(in, a, dst + range[1] * in->size, l.n - range[1]);
        if (range[1] <= range[0])
            continue;
        if (in->size_b) {
            gather_elements(in, t, &l, r, range);
            continue;
        }
        int64_t offset;
        if (!add_selects(in, t, r, 0, &offset))
            return;
        load_line(in, dst + range[0] * in->size, src + range[0] * l.stride + offset,
                  get_elements(a, l.stride), range[1] - range[0]);
    }
}
