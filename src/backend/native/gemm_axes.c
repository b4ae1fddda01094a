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
        return i * x->step[0][which];
    for (uint32_t a = x->n; a-- > 0; i /= x->extent[a])
        offset += i % x->extent[a] * x->step[a][which];
    return offset;
}

/* An odometer: the innermost axis turns in a loop of its own, then the outer ones by one. */
void ftl_gemm_list_offsets(const gemm_axes *x, gemm_operand which, const int64_t span[2],
                           int64_t *out)
{
    int64_t at[2 * FTL_GEMM_ROLE_AXES], place = span[0];
    int64_t offset = ftl_gemm_get_offset(x, which, span[0]);
    const int64_t step = ftl_gemm_get_step(x, which);
    for (uint32_t a = x->n; a-- > 0; place /= x->extent[a])
        at[a] = place % x->extent[a];
    for (int64_t i = 0; i < span[1];) {
        uint32_t a = x->n > 0 ? x->n - 1 : 0;
        int64_t run = x->n > 1 ? x->extent[a] - at[a] : span[1];
        int64_t end = run < span[1] - i ? i + run : span[1];
        for (; i < end; i++, offset += step)
            out[i] = offset;
        if (i == span[1])
            return;
        for (at[a] = x->extent[a]; a > 0 && at[a] == x->extent[a]; a--) {
            offset += x->step[a - 1][which] - x->extent[a] * x->step[a][which];
            at[a] = 0;
            at[a - 1]++;
        }
    }
}

int64_t ftl_gemm_get_run(const gemm_axes *x, int64_t i, int64_t limit)
{
    if (x->n <= 1)
        return limit;
    int64_t last = x->extent[x->n - 1], left = last - i % last;
    return left < limit ? left : limit;
}

int64_t ftl_gemm_get_step(const gemm_axes *x, gemm_operand which)
{
    return x->n > 0 ? x->step[x->n - 1][which] : 0;
}

bool ftl_gemm_is_uniform(const gemm_axes *x)
{
    return x->n <= 1;
}

bool ftl_gemm_is_even(const gemm_axes *x, gemm_operand which)
{
    for (uint32_t i = 0; i + 1 < x->n; i++)
        if (x->step[i][which] != x->step[i + 1][which] * x->extent[i + 1])
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

/* The axes of one role before they are merged. */
typedef struct axis_list {
    uint32_t n;
    int64_t extent[FTL_GEMM_MAX_AXES];
    int64_t step[FTL_GEMM_MAX_AXES][OPERANDS];
} axis_list;

static void insert_axis(axis_list *x, const ftl_gemm_axis *axis, bool is_swapped, int by)
{
    int64_t a = axis->role == FTL_GEMM_N ? 0 : axis->a, b = axis->role == FTL_GEMM_M ? 0 : axis->b;
    int64_t step[OPERANDS] = {[LEFT] = is_swapped ? b : a, [RIGHT] = is_swapped ? a : b,
                              [OUT] = axis->role == FTL_GEMM_K ? 0 : axis->c};
    uint32_t at = x->n++;
    for (; by != BY_SPEC && at > 0 && get_sort_key(x->step[at - 1], by) < get_sort_key(step, by);
         at--) {
        x->extent[at] = x->extent[at - 1];
        memcpy(x->step[at], x->step[at - 1], sizeof x->step[at]);
    }
    x->extent[at] = axis->extent;
    memcpy(x->step[at], step, sizeof x->step[at]);
}

static bool can_merge(const axis_list *x, uint32_t outer)
{
    for (int o = 0; o < OPERANDS; o++)
        if (x->step[outer][o] != x->step[outer + 1][o] * x->extent[outer + 1])
            return false;
    return true;
}

/* False when too many are left. */
static bool merge_axes(const axis_list *list, gemm_axes *x)
{
    x->n = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        bool is_one = i > 0 && can_merge(list, i - 1);
        if (!is_one && x->n == FTL_GEMM_ROLE_AXES)
            return false;
        uint32_t at = is_one ? x->n - 1 : x->n++;
        x->extent[at] = is_one ? x->extent[at] * list->extent[i] : list->extent[i];
        memcpy(x->step[at], list->step[i], sizeof x->step[at]);
    }
    return true;
}

static bool collect_role(const ftl_gemm_spec *spec, ftl_gemm_role role, gemm_order order,
                         gemm_axes *x)
{
    axis_list list = {.n = 0};
    x->count = 1;
    for (uint32_t i = 0; i < spec->n_axes; i++) {
        const ftl_gemm_axis *axis = &spec->axes[i];
        if (axis->role != role)
            continue;
        if (__builtin_mul_overflow(x->count, axis->extent, &x->count))
            return false;
        if (axis->extent != 1)
            insert_axis(&list, axis, order.is_swapped, order.by);
    }
    return merge_axes(&list, x);
}

/* ---- the four roles ---- */

typedef struct gemm_sides {
    gemm_axes rows, cols, inner, batch;
} gemm_sides;

/* Collects rows (of LEFT) or columns (of RIGHT). */
static bool collect_side(const ftl_gemm_spec *spec, bool is_swapped, gemm_operand which,
                         gemm_axes *x)
{
    ftl_gemm_role role = (which == LEFT) != is_swapped ? FTL_GEMM_M : FTL_GEMM_N;
    if (spec->has_hook)
        return collect_role(spec, role, (gemm_order){is_swapped, BY_SPEC}, x);
    if (!collect_role(spec, role, (gemm_order){is_swapped, OUT}, x))
        return false;
    if (ftl_gemm_is_even(x, OUT) || ftl_gemm_is_even(x, which))
        return true;
    gemm_axes other;
    if (collect_role(spec, role, (gemm_order){is_swapped, which}, &other) &&
        ftl_gemm_is_even(&other, which))
        *x = other;
    return true;
}

/* A large operand would be read again and again, some bytes of each of its lines at a time: the
 * places of a line are further apart than places are packed together. */
static bool is_scattered(const gemm_axes *inner, gemm_operand which, int64_t others)
{
    const int64_t near = 512, line = 16, large = 1 << 17;
    int64_t inside = 1;
    for (uint32_t i = inner->n; i-- > 0; inside *= inner->extent[i])
        if (inner->step[i][which] == 1)
            return inside * (inner->extent[i] < line ? inner->extent[i] : line) > near &&
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
    double best = 0;
    for (size_t i = 0; i < FTL_COUNT(orders); i++) {
        gemm_axes x;
        if (!collect_role(spec, FTL_GEMM_K, (gemm_order){is_swapped, orders[i]}, &x))
            return false;
        double rate = rate_inner(&x, LEFT, s->rows.count) + rate_inner(&x, RIGHT, s->cols.count);
        if (i == 0 || rate > best)
            best = rate, s->inner = x;
    }
    return true;
}

static bool collect_sides(const ftl_gemm_spec *spec, bool is_swapped, gemm_sides *s)
{
    gemm_order batch = {is_swapped, spec->has_hook ? BY_SPEC : OUT};
    return collect_side(spec, is_swapped, LEFT, &s->rows) &&
           collect_side(spec, is_swapped, RIGHT, &s->cols) &&
           collect_inner(spec, is_swapped, s) &&
           collect_role(spec, FTL_GEMM_BATCH, batch, &s->batch);
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
    p->rows = s[p->is_swapped].rows, p->cols = s[p->is_swapped].cols;
    p->inner = s[p->is_swapped].inner, p->batch = s[p->is_swapped].batch;
    return true;
}

/* Outer axes of the columns become batch places, along which the other operand does not move. */
void ftl_gemm_move_to_batch(ftl_gemm *p)
{
    gemm_axes *x = &p->cols, *batch = &p->batch;
    uint32_t moved = x->n - 1;
    for (uint32_t i = 0; i < moved; i++, batch->n++) {
        batch->extent[batch->n] = x->extent[i];
        memcpy(batch->step[batch->n], x->step[i], sizeof x->step[i]);
        batch->count *= x->extent[i];
        x->count /= x->extent[i];
    }
    x->extent[0] = x->extent[moved];
    memmove(x->step[0], x->step[moved], sizeof x->step[0]);
    x->n = 1;
}
