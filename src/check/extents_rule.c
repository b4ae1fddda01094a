/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules between extents. A rule is looked at when one of its variables becomes known. What is
 * certain runs first; then, one at a time and only while nothing certain waits: windows with one
 * unknown axis (valid positions), relations (as large as they are used), shifts (as long as what
 * they read), tables of constants (as large as they are used), and left axes by the extent of their
 * name elsewhere.
 */
#include "check/extents.h"

#define EXTENT_MAX (INT64_C(1) << 52)

uint32_t extents_add_rule(extents *x, const extent_rule *rule)
{
    uint32_t index = (uint32_t)x->rules.len;
    *FTL_VEC_PUSH(x->m->arena, &x->rules) = *rule;
    for (uint32_t i = 0; i < rule->n_var; i++) {
        extent_var *v = &x->vars.data[extents_find(x, rule->var[i])];
        extent_watch *w = FTL_VEC_PUSH(x->m->arena, &x->watches);
        *w = (extent_watch){index, v->first};
        v->first = (uint32_t)x->watches.len;
        if (!v->last)
            v->last = v->first;
    }
    *FTL_VEC_PUSH(x->m->arena, &x->queue) = index;
    return index;
}

static const char *name_axis(extents *x, const extent_rule *r, uint32_t var)
{
    uint32_t first = x->axis0[r->equation];
    const ftl_equation *eq = &x->m->equations.data[r->equation];
    return var >= first && var - first < eq->axes.len ? eq->axes.data[var - first].name : "?";
}

static void conclude(extents *x, extent_rule *r, uint32_t var, int64_t extent)
{
    extent_site site = {r->equation, name_axis(x, r, var)};
    r->is_done = true;
    if (extent <= EXTENT_MAX) {
        extents_set(x, var, extent, (extent_origin){FROM_RULE, 0, r->span}, site);
        return;
    }
    ftl_diag_error(x->m->diags, FTL_E_LIMIT, x->m->equations.data[r->equation].span,
                   "axis '%s' becomes too long", site.axis);
}

/* ---- certain rules ---- */

int64_t extents_cut(const ftl_at_place *p, int64_t n, int64_t *start)
{
    int64_t step = p->has_step ? p->step : 1;
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    int64_t a = step > 0 ? 0 : n - 1, b = step > 0 ? n : -1;
    if (p->has_start) {
        a = p->start < 0 ? p->start + n : p->start;
        a = a < low ? low : a > high ? high : a;
    }
    if (p->has_stop) {
        b = p->stop < 0 ? p->stop + n : p->stop;
        b = b < low ? low : b > high ? high : b;
    }
    *start = a;
    if (step > 0)
        return b > a ? (b - a - 1) / step + 1 : 0;
    return a > b ? (a - b - 1) / -step + 1 : 0;
}

static bool combine(extents *x, const extent_rule *r, int64_t *out)
{
    int64_t total = r->kind == RULE_PRODUCT;
    for (uint32_t i = 0; i < r->n_var; i++) {
        int64_t n = extents_get(x, r->var[i]);
        if (n < 0)
            return false;
        bool over = r->kind == RULE_SUM ? __builtin_add_overflow(total, n, &total)
                                        : __builtin_mul_overflow(total, n, &total);
        if (over)
            total = INT64_MAX;
    }
    *out = total;
    return true;
}

/* concat whose result is known and whose parts are, but for one. */
static bool subtract(extents *x, const extent_rule *r, uint32_t *var, int64_t *out)
{
    int64_t rest = extents_get(x, r->out);
    uint32_t unknown = 0;
    if (rest < 0 || r->kind != RULE_SUM)
        return false;
    for (uint32_t i = 0; i < r->n_var; i++) {
        int64_t n = extents_get(x, r->var[i]);
        unknown += n < 0;
        *var = n < 0 ? r->var[i] : *var;
        rest -= n > 0 ? n : 0;
    }
    *out = rest;
    return unknown == 1 && rest >= 0;
}

static void run_certain(extents *x, extent_rule *r)
{
    int64_t n = extents_get(x, r->var[0]), out = 0, start;
    uint32_t var = r->out;
    bool known = n >= 0;
    if (r->kind == RULE_SLICE && known)
        out = extents_cut(r->place, n, &start);
    else if (r->kind == RULE_BLOCK && known)
        out = n == 0 ? 0 : (n - 1) / r->number + 1;
    else if (r->kind == RULE_TOPK && known)
        out = n < r->number ? n : r->number;
    else if (r->kind == RULE_SUM || r->kind == RULE_PRODUCT)
        known = combine(x, r, &out) || subtract(x, r, &var, &out);
    if (known)
        conclude(x, r, var, out);
}

/* ---- windows ---- */

/* The unknown axis of a window, as an index in var; 0: there is none or there are several. */
static uint32_t find_unknown(extents *x, const extent_rule *r, uint32_t *count)
{
    uint32_t found = 0;
    *count = 0;
    for (uint32_t i = 1; i < r->n_var; i++) {
        if (extents_get(x, r->var[i]) >= 0)
            continue;
        found = i;
        ++*count;
    }
    return found;
}

/* The place offset + sum c_i a_i stays below n (c > 0), or not below 0 (c < 0), for every place of
 * the other axes: the largest extent of axis `at` for which that holds. */
static int64_t measure_window(extents *x, const extent_rule *r, uint32_t at)
{
    const ftl_at_place *p = r->place;
    int64_t c = p->terms.data[at - 1].coef, n = extents_get(x, r->var[0]), room;
    room = c > 0 ? n - 1 - p->offset : p->offset;
    for (uint32_t i = 1; i < r->n_var; i++) {
        int64_t other = p->terms.data[i - 1].coef, reach;
        if (i == at || (other > 0) != (c > 0))
            continue;
        if (__builtin_mul_overflow(other < 0 ? -other : other, extents_get(x, r->var[i]) - 1,
                                   &reach) ||
            __builtin_sub_overflow(room, reach, &room))
            return -1;
    }
    return room < 0 ? -1 : room / (c < 0 ? -c : c) + 1;
}

static void solve_window(extents *x, extent_rule *r)
{
    uint32_t count, at = find_unknown(x, r, &count);
    r->is_waiting = false;
    if (count != 1 || r->is_done)
        return;
    int64_t extent = measure_window(x, r, at), n = extents_get(x, r->var[0]);
    bool empty = r->n_var > 2 && extent < 1;
    if (!empty) {
        conclude(x, r, r->var[at], extent < 0 ? 0 : extent);
        return;
    }
    r->is_done = true;
    x->vars.data[extents_find(x, r->var[at])].is_reported = true;
    ftl_diag_error(
        x->m->diags, FTL_E_EXTENT, x->m->equations.data[r->equation].span,
        "the window does not fit: axis '%s' has no place, the tensor has extent %lld there",
        name_axis(x, r, r->var[at]), (long long)n);
}

static void look_at_window(extents *x, uint32_t index)
{
    extent_rule *r = &x->rules.data[index];
    uint32_t count;
    find_unknown(x, r, &count);
    if (count == 0)
        r->is_done = true;
    if (count != 1 || r->is_waiting || extents_get(x, r->var[0]) < 0)
        return;
    r->is_waiting = true;
    *FTL_VEC_PUSH(x->m->arena, &x->windows) = index;
}

/* ---- order of work ---- */

static void run(extents *x, uint32_t index)
{
    extent_rule *r = &x->rules.data[index];
    if (r->is_done)
        return;
    if (r->kind == RULE_WINDOW) {
        look_at_window(x, index);
    } else if (r->kind != RULE_SHIFT) {
        run_certain(x, r);
    } else if (!r->is_waiting && extents_get(x, r->var[0]) >= 0) {
        r->is_waiting = true;
        if (r->is_plain)
            *FTL_VEC_PUSH(x->m->arena, &x->plain) = index;
        else
            *FTL_VEC_PUSH(x->m->arena, &x->shifts) = index;
    }
}

static void drain(extents *x)
{
    for (;;) {
        while (x->queue_at < x->queue.len)
            run(x, x->queue.data[x->queue_at++]);
        if (x->windows_at == x->windows.len)
            return;
        solve_window(x, &x->rules.data[x->windows.data[x->windows_at++]]);
    }
}

/* Relations, and then tables that constants define, are as large as they are used. */
static bool settle_open(extents *x, bool tuples)
{
    bool settled = false;
    for (uint32_t i = 0; i < x->vars.len; i++) {
        extent_var *v = &x->vars.data[i];
        if (v->up != i || v->exact >= 0 || !v->is_open || v->is_tuples != tuples)
            continue;
        int64_t extent = v->least > v->asked ? v->least : v->asked;
        extents_set(x, i, extent, v->least_from, (extent_site){UINT32_MAX, ""});
        settled = true;
    }
    return settled;
}

/* The next shift, of those that a left offset makes plain or of the others, that tells an extent.
 */
static bool settle_shift(extents *x, bool plain)
{
    size_t *at = plain ? &x->plain_at : &x->shifts_at;
    size_t n = plain ? x->plain.len : x->shifts.len;
    while (*at < n) {
        extent_rule *r = &x->rules.data[plain ? x->plain.data[(*at)++] : x->shifts.data[(*at)++]];
        int64_t extent = extents_get(x, r->var[0]) + r->number;
        if (extents_get(x, r->out) < 0) {
            conclude(x, r, r->out, extent < 0 ? 0 : extent);
            return true;
        }
        r->is_done = true;
    }
    return false;
}

/* Extents by the names of axes; -2: several. */
static void collect_names(extents *x, ftl_map *by_name)
{
    ftl_map_init(by_name, x->m->arena);
    for (size_t i = 0; i < x->m->equations.len; i++) {
        const ftl_equation *eq = &x->m->equations.data[i];
        for (uint32_t a = 0; a < eq->axes.len && !eq->is_hidden; a++) {
            int64_t extent = extents_get(x, x->axis0[i] + a);
            uint64_t other;
            if (extent < 0)
                continue;
            if (ftl_map_find(by_name, FTL_KEY(eq->axes.data[a].name), &other) &&
                (int64_t)other != extent)
                extent = -2;
            ftl_map_put(by_name, FTL_KEY(eq->axes.data[a].name), (uint64_t)extent);
        }
    }
}

static bool settle_names(extents *x)
{
    ftl_map by_name;
    bool settled = false;
    collect_names(x, &by_name);
    for (uint32_t i = 0; i < x->m->equations.len; i++) {
        const ftl_equation *eq = &x->m->equations.data[i];
        for (uint32_t a = 0; a < eq->axes.len; a++) {
            uint64_t extent;
            if (!eq->axes.data[a].is_left || extents_get(x, x->axis0[i] + a) >= 0 ||
                !ftl_map_find(&by_name, FTL_KEY(eq->axes.data[a].name), &extent) ||
                (int64_t)extent < 0)
                continue;
            extents_set(x, x->axis0[i] + a, (int64_t)extent,
                        (extent_origin){FROM_RULE, 0, eq->span},
                        (extent_site){i, eq->axes.data[a].name});
            settled = true;
        }
    }
    return settled;
}

void extents_solve(extents *x)
{
    do {
        do {
            do {
                drain(x);
            } while (settle_shift(x, true) || settle_open(x, true));
        } while (settle_shift(x, false) || settle_open(x, false));
    } while (settle_names(x));
}
