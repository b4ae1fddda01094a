/* SPDX-License-Identifier: Apache-2.0
 *
 * The axes of a product: which side is rows and which columns, in what order the axes of a role
 * pass, and which of them are one. Axes go in out's order. Where that leaves out in pieces in any
 * case, they go in the order of the operand, if it can be read in place then.
 */
#include "backend/native/gemm_plan.h"

/* ---- places ---- */

int64_t ftl_gemm_get_offset(const gemm_axes *x, gemm_operand which, int64_t i)
{
    int64_t offset = 0;
    if (x->n == 1)
        return i * x->axis[0].step[which];
    for (uint32_t a = x->n; a-- > 0; i /= x->axis[a].extent)
        offset += i % x->axis[a].extent * x->axis[a].step[which];
    return offset;
}

/* An odometer: the innermost axis turns in a loop of its own, then the outer ones by one. */
void ftl_gemm_list_offsets(const gemm_axes *x, gemm_operand which, const int64_t span[2],
                           int64_t *out)
{
    int64_t at[FTL_GEMM_MAX_AXES], place = span[0];
    int64_t offset = ftl_gemm_get_offset(x, which, span[0]);
    const int64_t step = ftl_gemm_get_step(x, which);
    for (uint32_t a = x->n; a-- > 0; place /= x->axis[a].extent)
        at[a] = place % x->axis[a].extent;
    for (int64_t i = 0; i < span[1];) {
        uint32_t a = x->n > 0 ? x->n - 1 : 0;
        int64_t run = x->n > 1 ? x->axis[a].extent - at[a] : span[1];
        int64_t end = run < span[1] - i ? i + run : span[1];
        for (; i < end; i++, offset += step)
            out[i] = offset;
        if (i == span[1])
            return;
        for (at[a] = x->axis[a].extent; a > 0 && at[a] == x->axis[a].extent; a--) {
            offset += x->axis[a - 1].step[which] - x->axis[a].extent * x->axis[a].step[which];
            at[a] = 0;
            at[a - 1]++;
        }
    }
}

int64_t ftl_gemm_get_run(const gemm_axes *x, int64_t i, int64_t limit)
{
    if (x->n <= 1)
        return limit;
    int64_t last = x->axis[x->n - 1].extent, left = last - i % last;
    return left < limit ? left : limit;
}

int64_t ftl_gemm_get_step(const gemm_axes *x, gemm_operand which)
{
    return x->n > 0 ? x->axis[x->n - 1].step[which] : 0;
}

bool ftl_gemm_is_uniform(const gemm_axes *x)
{
    return x->n <= 1;
}

bool ftl_gemm_is_even(const gemm_axes *x, gemm_operand which)
{
    for (uint32_t i = 0; i + 1 < x->n; i++)
        if (x->axis[i].step[which] != x->axis[i + 1].step[which] * x->axis[i + 1].extent)
            return false;
    return true;
}

/* ---- order ---- */

static int64_t magnitude(int64_t x)
{
    return x < 0 ? -x : x;
}

/* Orders that the axes of a role may have: that of an operand, or of the operand that has an axis
 * closest together. */
enum { BY_NEAREST = OPERANDS, BY_SPEC };

static int64_t get_sort_key(const int64_t step[OPERANDS], int by)
{
    int64_t left = magnitude(step[LEFT]), right = magnitude(step[RIGHT]);
    if (by == BY_NEAREST)
        return left < right ? left : right;
    return magnitude(step[by]);
}

typedef struct gemm_order {
    bool is_swapped;
    int by;
} gemm_order;

/* Inserts an axis of the role into x by its order. */
static void insert_axis(gemm_axes *x, const ftl_gemm_axis *axis, gemm_order order)
{
    int64_t a = axis->role == FTL_GEMM_N ? 0 : axis->a, b = axis->role == FTL_GEMM_M ? 0 : axis->b;
    gemm_axis own = {axis->extent, {[LEFT] = order.is_swapped ? b : a,
                                    [RIGHT] = order.is_swapped ? a : b,
                                    [OUT] = axis->role == FTL_GEMM_K ? 0 : axis->c}};
    uint32_t at = x->n++;
    for (; order.by != BY_SPEC && at > 0 &&
           get_sort_key(x->axis[at - 1].step, order.by) < get_sort_key(own.step, order.by);
         at--)
        x->axis[at] = x->axis[at - 1];
    x->axis[at] = own;
}

static bool can_merge(const gemm_axis *outer, const gemm_axis *inner)
{
    for (int o = 0; o < OPERANDS; o++)
        if (outer->step[o] != inner->step[o] * inner->extent)
            return false;
    return true;
}

static void merge_axes(gemm_axes *x)
{
    uint32_t kept = 0;
    for (uint32_t i = 1; i < x->n; i++) {
        if (can_merge(&x->axis[kept], &x->axis[i]))
            x->axis[i].extent *= x->axis[kept].extent;
        else
            kept++;
        x->axis[kept] = x->axis[i];
    }
    x->n = x->n > 0 ? kept + 1 : 0;
}

/* Collects the axes of a role at `room`. False when they are too long. */
static bool collect_role(const ftl_gemm_spec *spec, ftl_gemm_role role, gemm_order order,
                         gemm_axes *x, gemm_axis *room)
{
    *x = (gemm_axes){.count = 1, .axis = room};
    for (uint32_t i = 0; i < spec->n_axes; i++) {
        const ftl_gemm_axis *axis = &spec->axes[i];
        if (axis->role != role)
            continue;
        if (__builtin_mul_overflow(x->count, axis->extent, &x->count))
            return false;
        if (axis->extent != 1)
            insert_axis(x, axis, order);
    }
    merge_axes(x);
    return true;
}

/* ---- the four roles ---- */

typedef struct gemm_sides {
    gemm_axes rows, cols, inner, batch;
    gemm_axis pool[4][FTL_GEMM_MAX_AXES];
} gemm_sides;

/* Takes the axes of other, which are as many. */
static void replace_axes(gemm_axes *x, const gemm_axes *other)
{
    memcpy(x->axis, other->axis, other->n * sizeof *x->axis);
    x->n = other->n;
}

/* Collects rows (of LEFT) or columns (of RIGHT). */
static bool collect_side(const ftl_gemm_spec *spec, bool is_swapped, gemm_operand which,
                         gemm_sides *s)
{
    ftl_gemm_role role = (which == LEFT) != is_swapped ? FTL_GEMM_M : FTL_GEMM_N;
    gemm_axes *x = which == LEFT ? &s->rows : &s->cols, other;
    gemm_axis room[FTL_GEMM_MAX_AXES];
    gemm_order order = {is_swapped, spec->has_hook ? BY_SPEC : OUT};
    if (!collect_role(spec, role, order, x, s->pool[which]))
        return false;
    if (spec->has_hook || ftl_gemm_is_even(x, OUT) || ftl_gemm_is_even(x, which))
        return true;
    collect_role(spec, role, (gemm_order){is_swapped, (int)which}, &other, room);
    if (ftl_gemm_is_even(&other, which))
        replace_axes(x, &other);
    return true;
}

/* A large operand would be read again and again, some bytes of each of its lines at a time: the
 * places of a line are further apart than places are packed together. */
static bool is_scattered(const gemm_axes *inner, gemm_operand which, int64_t others)
{
    const int64_t near = 512, line = 16, large = 1 << 17;
    int64_t inside = 1;
    for (uint32_t i = inner->n; i-- > 0; inside *= inner->axis[i].extent)
        if (inner->axis[i].step[which] == 1)
            return inside * (inner->axis[i].extent < line ? inner->axis[i].extent : line) > near &&
                   (double)others * (double)inner->count > (double)large;
    return false;
}

/* What an order of the inner axes is worth to an operand with so many rows or columns. */
static double rate_inner(const gemm_axes *inner, gemm_operand which, int64_t others)
{
    if (is_scattered(inner, which, others))
        return -2 * (double)others;
    return ftl_gemm_is_even(inner, which) ? (double)others : 0;
}

/* Inner axes in an order in which the larger operand passes them in one step, if there is one that
 * the other one can bear. */
static bool collect_inner(const ftl_gemm_spec *spec, bool is_swapped, gemm_sides *s)
{
    static const int orders[] = {BY_NEAREST, LEFT, RIGHT};
    gemm_axis room[FTL_GEMM_MAX_AXES];
    double best = 0;
    s->inner = (gemm_axes){.count = 1, .axis = s->pool[2]};
    for (size_t i = 0; i < FTL_COUNT(orders); i++) {
        gemm_axes x;
        if (!collect_role(spec, FTL_GEMM_K, (gemm_order){is_swapped, orders[i]}, &x, room))
            return false;
        s->inner.count = x.count;
        double rate = rate_inner(&x, LEFT, s->rows.count) + rate_inner(&x, RIGHT, s->cols.count);
        if (i > 0 && rate <= best)
            continue;
        best = rate;
        replace_axes(&s->inner, &x);
    }
    return true;
}

static bool collect_sides(const ftl_gemm_spec *spec, bool is_swapped, gemm_sides *s)
{
    gemm_order batch = {is_swapped, spec->has_hook ? BY_SPEC : OUT};
    return collect_side(spec, is_swapped, LEFT, s) && collect_side(spec, is_swapped, RIGHT, s) &&
           collect_inner(spec, is_swapped, s) &&
           collect_role(spec, FTL_GEMM_BATCH, batch, &s->batch, s->pool[3]);
}

/* ---- which side is rows ---- */

static bool has_unit_step(const ftl_gemm_spec *spec, ftl_gemm_role role)
{
    for (uint32_t i = 0; i < spec->n_axes; i++)
        if (spec->axes[i].role == role && spec->axes[i].c == 1 && spec->axes[i].extent > 1)
            return true;
    return false;
}

static bool has_extent(const ftl_gemm_spec *spec, ftl_gemm_role role)
{
    for (uint32_t i = 0; i < spec->n_axes; i++)
        if (spec->axes[i].role == role && spec->axes[i].extent != 1)
            return true;
    return false;
}

/* Cycles for each place of k that a panel of tiles takes: multiply-adds at two vectors a cycle,
 * and not less than the latency of one. */
static double rate_tiles(const ftl_gemm_table *t, int64_t rows, int64_t vectors)
{
    const double latency = 4, full = 0.5 * (double)(t->rows * vectors);
    double rest = 0.5 * (double)(rows % t->rows * vectors);
    rest = rows % t->rows > 0 && rest < latency ? latency : rest;
    return (double)(rows / t->rows) * (full > latency ? full : latency) + rest;
}

/* Cycles for one batch place, roughly: arithmetic, packing, writing. */
static double rate_sides(const ftl_gemm_table *t, const gemm_sides *s)
{
    const int64_t vectors = (s->cols.count + t->lanes - 1) / t->lanes;
    const double rows = (double)s->rows.count, cols = (double)s->cols.count;
    const double inner = (double)s->inner.count;
    double tiles = (double)(vectors / t->vectors) * rate_tiles(t, s->rows.count, t->vectors);
    if (vectors % t->vectors > 0)
        tiles += rate_tiles(t, s->rows.count, vectors % t->vectors);
    bool is_left_even = ftl_gemm_is_even(&s->rows, LEFT) && ftl_gemm_is_even(&s->inner, LEFT);
    bool is_right_even = ftl_gemm_is_even(&s->cols, RIGHT) && ftl_gemm_is_even(&s->inner, RIGHT) &&
                         ftl_gemm_get_step(&s->cols, RIGHT) == 1;
    bool is_plain = ftl_gemm_is_even(&s->rows, OUT) && ftl_gemm_is_even(&s->cols, OUT) &&
                    ftl_gemm_get_step(&s->cols, OUT) == 1;
    return tiles * inner + (is_left_even ? 0 : rows * inner) + (is_right_even ? 0 : cols * inner) +
           rows * cols * (is_plain ? 0.1 : 1);
}

static gemm_axis *place_axes(gemm_axes *to, const gemm_axes *from, gemm_axis *pool)
{
    *to = (gemm_axes){.n = from->n, .count = from->count, .axis = pool};
    memcpy(pool, from->axis, from->n * sizeof *pool);
    return pool + from->n;
}

bool ftl_gemm_collect_axes(ftl_gemm *p, const ftl_gemm_spec *spec)
{
    gemm_sides s[2];
    bool has_m = has_extent(spec, FTL_GEMM_M), has_n = has_extent(spec, FTL_GEMM_N);
    bool is_unit_m = has_unit_step(spec, FTL_GEMM_M), is_unit_n = has_unit_step(spec, FTL_GEMM_N);
    p->is_swapped = !spec->is_b_packed && has_m && (!has_n || (is_unit_m && !is_unit_n));
    if (!collect_sides(spec, p->is_swapped, &s[p->is_swapped]))
        return false;
    if (!spec->is_b_packed && !spec->has_hook && has_m && has_n) {
        if (!collect_sides(spec, !p->is_swapped, &s[!p->is_swapped]))
            return false;
        double own = rate_sides(p->table, &s[p->is_swapped]);
        p->is_swapped ^= rate_sides(p->table, &s[!p->is_swapped]) < own;
    }
    const gemm_sides *best = &s[p->is_swapped];
    gemm_axis *pool = place_axes(&p->rows, &best->rows, p->pool);
    pool = place_axes(&p->inner, &best->inner, pool);
    pool = place_axes(&p->batch, &best->batch, pool);
    place_axes(&p->cols, &best->cols, pool);
    return true;
}

/* Outer axes of the columns become batch places, along which the other operand does not move. In
 * the pool they follow the batch axes. */
void ftl_gemm_move_to_batch(ftl_gemm *p)
{
    for (; p->cols.n > 1; p->cols.n--, p->cols.axis++) {
        p->batch.n++;
        p->batch.count *= p->cols.axis->extent;
        p->cols.count /= p->cols.axis->extent;
    }
}
