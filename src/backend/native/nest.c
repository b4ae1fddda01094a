/* SPDX-License-Identifier: Apache-2.0
 *
 * From the nest of a plan to the axes and walks of a program.
 *
 * Two axes that every walk passes as if they were one are merged. The columns of the tile run along
 * the axis that costs least to walk, mostly that of unit stride: a reduced one (a row is folded
 * into one value) or a parallel one (rows are added up). Rows run along a parallel axis in the
 * first case, a reduced one in the second.
 */
#include "backend/native/nest.h"

#include "base/dtype.h"

bool ftl_nest_is_sum(const ftl_nest_builder *b, uint32_t node)
{
    return ftl_nest_node_is_sum(&b->nest->nodes.data[node]);
}

/* ---- walks ---- */

static void add_stride(ftl_walk *w, uint8_t axis, int64_t stride)
{
    if (axis != FTL_NEST_NONE)
        w->stride[axis] += stride;
}

static ftl_walk *add_walk(ftl_nest_builder *b, uint32_t node, const ftl_value *v, int64_t *strides)
{
    ftl_walk *w = FTL_VEC_PUSH(b->arena, &b->walks);
    w->stride = FTL_NEW_ARRAY(b->arena, int64_t, b->nest->n_axes);
    w->ref = b->spec->find(b->spec->ctx, v, strides);
    w->value = v;
    w->dtype = v->dtype;
    w->node = node;
    return w;
}

/* The product that an epilogue finishes is read where its sums are. */
static ftl_walk *add_sums_walk(ftl_nest_builder *b, uint32_t node, int64_t *strides)
{
    ftl_walk *w = FTL_VEC_PUSH(b->arena, &b->walks);
    w->stride = FTL_NEW_ARRAY(b->arena, int64_t, b->nest->n_axes);
    w->ref = b->spec->sums_ref;
    w->value = b->spec->contract;
    w->dtype = b->spec->sums;
    w->node = node;
    memcpy(strides, b->spec->sums_strides, w->value->rank * sizeof *strides);
    return w;
}

static void walk_read(ftl_nest_builder *b, uint32_t node)
{
    const ftl_nest_node *n = &b->nest->nodes.data[node];
    int64_t strides[FTL_MAX_RANK];
    b->read[node] = (int32_t)b->walks.len;
    ftl_walk *w = n->value == b->spec->contract ? add_sums_walk(b, node, strides)
                                                : add_walk(b, node, n->value, strides);
    for (uint32_t k = 0; k < n->value->rank; k++)
        add_stride(w, n->axis[k], strides[k]);
}

static void walk_write(ftl_nest_builder *b, uint32_t node)
{
    const ftl_nest_node *n = &b->nest->nodes.data[node];
    int64_t strides[FTL_MAX_RANK];
    b->write[node] = (int32_t)b->walks.len;
    ftl_walk *w = add_walk(b, node, n->value, strides);
    w->is_write = true;
    for (uint32_t k = 0; k < n->value->rank; k++)
        add_stride(w, n->axis[k], strides[k]);
}

/* Adds the check of an affine place unless it always holds. */
static void add_check(ftl_nest_builder *b, ftl_walk *w, const ftl_affine *m, int64_t extent)
{
    const ftl_nest_node *n = &b->nest->nodes.data[w->node];
    int64_t low = m->offset, high = m->offset;
    int64_t *coef = FTL_NEW_ARRAY(b->arena, int64_t, b->nest->n_axes);
    for (uint32_t t = 0; t < m->n; t++) {
        int64_t reach = m->coef[t] * (n->value->shape[m->dim[t]] - 1);
        low += reach < 0 ? reach : 0;
        high += reach > 0 ? reach : 0;
        if (n->axis[m->dim[t]] != FTL_NEST_NONE)
            coef[n->axis[m->dim[t]]] += m->coef[t];
    }
    if (low >= 0 && high < extent)
        return;
    w->checks[w->n_checks++] = (ftl_vm_check){m->offset, extent, coef};
}

static void walk_affine(ftl_nest_builder *b, ftl_walk *w, const ftl_affine *m, int64_t stride)
{
    const ftl_nest_node *n = &b->nest->nodes.data[w->node];
    w->ref.offset += m->offset * stride;
    for (uint32_t t = 0; t < m->n; t++)
        add_stride(w, n->axis[m->dim[t]], m->coef[t] * stride);
}

static void walk_view(ftl_nest_builder *b, uint32_t node)
{
    const ftl_value *v = b->nest->nodes.data[node].value;
    int64_t strides[FTL_MAX_RANK];
    b->read[node] = (int32_t)b->walks.len;
    ftl_walk *w = add_walk(b, node, v->in[0], strides);
    w->checks = FTL_NEW_ARRAY(b->arena, ftl_vm_check, v->in[0]->rank + 1);
    w->fill = v->u.view->fill;
    for (uint32_t k = 0; k < v->in[0]->rank; k++) {
        walk_affine(b, w, &v->u.view->map[k], strides[k]);
        add_check(b, w, &v->u.view->map[k], v->in[0]->shape[k]);
    }
}

static void walk_gather(ftl_nest_builder *b, uint32_t node)
{
    const ftl_nest_node *n = &b->nest->nodes.data[node];
    const ftl_value *v = n->value;
    int64_t strides[FTL_MAX_RANK];
    b->read[node] = (int32_t)b->walks.len;
    ftl_walk *w = add_walk(b, node, v->in[0], strides);
    w->checks = FTL_NEW_ARRAY(b->arena, ftl_vm_check, v->in[0]->rank + 1);
    w->selects = FTL_NEW_ARRAY(b->arena, ftl_walk_select, v->in[0]->rank + 1);
    w->fill = v->u.gather->fill;
    for (uint32_t k = 0; k < v->in[0]->rank; k++) {
        const ftl_affine *m = &v->u.gather->map[k];
        if (m->select < 0) {
            walk_affine(b, w, m, strides[k]);
            add_check(b, w, m, v->in[0]->shape[k]);
            continue;
        }
        w->selects[w->n_selects++] = (ftl_walk_select){n->in[m->select - 1], k, strides[k],
                                                       v->in[0]->shape[k]};
    }
}

static void walk_read_at(ftl_nest_builder *b, uint32_t node)
{
    const ftl_nest_node *n = &b->nest->nodes.data[node];
    const ftl_value *v = n->value;
    const ftl_at *at = v->u.at;
    int64_t strides[FTL_MAX_RANK], none[FTL_MAX_RANK];
    uint32_t out = 0;
    b->read[node] = (int32_t)b->walks.len;
    ftl_walk *w = add_walk(b, node, v->in[0], strides);
    w->fill = at->fill;
    w->scalars = FTL_NEW_ARRAY(b->arena, ftl_vm_scalar, at->n);
    for (uint32_t k = 0; k < v->in[0]->rank; k++) {
        if (w->n_scalars == at->n || at->axis[w->n_scalars] != k) {
            add_stride(w, n->axis[out++], strides[k]);
            continue;
        }
        uint32_t i = w->n_scalars++;
        const ftl_value *index = v->in[v->n_in - at->n + i];
        w->scalars[i] = (ftl_vm_scalar){.ref = b->spec->find(b->spec->ctx, index, none),
                                        .dtype = index->dtype, .offset = at->offset[i],
                                        .extent = v->in[0]->shape[k], .stride = strides[k]};
    }
}

static void make_walks(ftl_nest_builder *b)
{
    for (uint32_t i = 0; i < b->nest->nodes.len; i++) {
        const ftl_nest_node *n = &b->nest->nodes.data[i];
        b->read[i] = b->write[i] = -1;
        if (n->is_read)
            walk_read(b, i);
        else if (n->value->op == FTL_OP_VIEW_ && n->n_in == 0)
            walk_view(b, i);
        else if (n->value->op == FTL_OP_GATHER_)
            walk_gather(b, i);
        else if (n->value->op == FTL_OP_READ_AT_)
            walk_read_at(b, i);
    }
    for (uint32_t i = 0; i < b->nest->nodes.len; i++)
        if (b->nest->nodes.data[i].is_root)
            walk_write(b, i);
}

/* ---- what nodes depend on ---- */

static void set_mask(ftl_nest_builder *b, uint32_t i)
{
    const ftl_nest_node *n = &b->nest->nodes.data[i];
    bool is_own = n->is_read || b->read[i] >= 0 || n->value->op == FTL_OP_IOTA_;
    b->mask[i] = 0;
    b->passes[i] = 0;
    for (uint32_t k = 0; is_own && k < n->value->rank; k++)
        if (n->axis[k] != FTL_NEST_NONE && b->extent[n->axis[k]] != 1)
            b->mask[i] |= (uint64_t)1 << n->axis[k];
    for (uint32_t k = 0; k < n->n_in; k++) {
        uint32_t j = n->in[k];
        uint8_t after = (uint8_t)(b->passes[j] + ftl_nest_is_sum(b, j));
        b->mask[i] |= b->mask[j];
        b->passes[i] = after > b->passes[i] ? after : b->passes[i];
    }
    if (ftl_nest_is_sum(b, i))
        b->mask[i] &= ~b->reduced;
}

/* ---- merging ---- */

/* Axes that must stay as they are: counted or checked. */
static uint64_t get_fixed_axes(const ftl_nest_builder *b)
{
    uint64_t fixed = 0;
    for (size_t i = 0; i < b->nest->nodes.len; i++) {
        const ftl_nest_node *n = &b->nest->nodes.data[i];
        if (!n->is_read && n->value->op == FTL_OP_IOTA_ && n->axis[0] != FTL_NEST_NONE)
            fixed |= (uint64_t)1 << n->axis[0];
        if (!n->is_read && n->value->op == FTL_OP_ARGMAX_)
            fixed |= b->reduced;
    }
    for (size_t i = 0; i < b->walks.len; i++)
        for (uint32_t k = 0; k < b->walks.data[i].n_checks; k++)
            for (uint32_t a = 0; a < b->nest->n_axes; a++)
                if (b->walks.data[i].checks[k].coef[a] != 0)
                    fixed |= (uint64_t)1 << a;
    return fixed;
}

static bool can_merge(const ftl_nest_builder *b, uint32_t outer, uint32_t inner)
{
    if ((b->reduced >> outer & 1) != (b->reduced >> inner & 1))
        return false;
    if (b->spec->side && b->spec->side[outer] != b->spec->side[inner])
        return false;
    for (size_t i = 0; i < b->walks.len; i++) {
        const int64_t *s = b->walks.data[i].stride;
        if (s[outer] != s[inner] * b->extent[inner])
            return false;
    }
    return true;
}

static bool merge_once(ftl_nest_builder *b, uint64_t fixed)
{
    for (uint32_t inner = 0; inner < b->nest->n_axes; inner++) {
        for (uint32_t outer = 0; outer < b->nest->n_axes; outer++) {
            bool is_free = !((fixed >> inner | fixed >> outer) & 1) && inner != outer;
            if (!is_free || b->extent[inner] == 1 || b->extent[outer] == 1 ||
                !can_merge(b, outer, inner))
                continue;
            b->extent[inner] *= b->extent[outer];
            b->extent[outer] = 1;
            for (size_t i = 0; i < b->walks.len; i++)
                b->walks.data[i].stride[outer] = 0;
            for (uint32_t a = 0; a < b->nest->n_axes; a++)
                if (b->axis[a] == (int32_t)outer)
                    b->axis[a] = (int32_t)inner;
            return true;
        }
    }
    return false;
}

/* b->axis holds the nest axis that each axis was merged into until set_axes numbers them. */
static void merge_axes(ftl_nest_builder *b)
{
    uint64_t fixed = get_fixed_axes(b);
    for (uint32_t a = 0; a < b->nest->n_axes; a++)
        b->axis[a] = (int32_t)a;
    while (merge_once(b, fixed))
        continue;
}

/* ---- choosing the tile ---- */

static int64_t get_size(const ftl_walk *w)
{
    return (int64_t)ftl_dtype_get_size(w->dtype);
}

/* What it costs to run columns along an axis: bytes, weighted by how they lie. */
static double get_cost(const ftl_nest_builder *b, uint32_t axis)
{
    double cost = 0;
    for (size_t i = 0; i < b->walks.len; i++) {
        const ftl_walk *w = &b->walks.data[i];
        double size = (double)get_size(w);
        if (w->stride[axis] == get_size(w))
            cost += size;
        else
            cost += w->stride[axis] == 0 ? 0.05 * size : 8 * size;
    }
    return b->extent[axis] < 16 ? cost * 16 / (double)b->extent[axis] : cost;
}

static int32_t choose_cols(const ftl_nest_builder *b)
{
    int32_t best = -1;
    double best_cost = 0;
    for (size_t i = 0; i < b->nest->nodes.len; i++) {
        const ftl_nest_node *n = &b->nest->nodes.data[i];
        for (uint32_t a = 0; !n->is_read && n->value->op == FTL_OP_ARGMAX_ && a < 64; a++)
            if ((b->reduced >> a & 1) && b->extent[a] != 1)
                return (int32_t)a;
    }
    for (uint32_t a = 0; a < b->nest->n_axes; a++) {
        if (b->extent[a] == 1)
            continue;
        double cost = get_cost(b, a);
        if (best < 0 || cost < best_cost || (cost <= best_cost && (b->reduced >> a & 1))) {
            best = (int32_t)a;
            best_cost = cost;
        }
    }
    return best;
}

/* Walks that are strided along cols but dense along this axis, less what is strided along it. */
static double get_row_gain(const ftl_nest_builder *b, uint32_t axis, int32_t cols)
{
    double gain = 0;
    for (size_t i = 0; i < b->walks.len; i++) {
        const ftl_walk *w = &b->walks.data[i];
        bool is_apart = w->stride[cols] != get_size(w) && w->stride[cols] != 0;
        if (is_apart && w->stride[axis] == get_size(w))
            gain += 1e6;
        if (w->stride[axis] != 0)
            gain += 1 / (1 + (double)(w->stride[axis] < 0 ? -w->stride[axis] : w->stride[axis]));
    }
    return gain;
}

static int32_t choose_rows(const ftl_nest_builder *b, int32_t cols)
{
    int32_t best = -1;
    double best_gain = -1;
    bool is_reduced = b->reduced != 0 && !(b->reduced >> cols & 1);
    for (uint32_t a = 0; a < b->nest->n_axes; a++) {
        if (b->extent[a] == 1 || (int32_t)a == cols || (b->reduced >> a & 1) != is_reduced)
            continue;
        double gain = get_row_gain(b, a, cols);
        if (gain > best_gain) {
            best = (int32_t)a;
            best_gain = gain;
        }
    }
    return best;
}

/* The axis of a side along which the product's sums lie closest. */
static int32_t get_last_of_side(const ftl_nest_builder *b, uint8_t side)
{
    int32_t best = -1;
    const ftl_walk *sums = NULL;
    for (size_t i = 0; i < b->walks.len && !sums; i++)
        if (b->walks.data[i].value == b->spec->contract && !b->walks.data[i].is_write)
            sums = &b->walks.data[i];
    for (uint32_t a = 0; sums && a < b->nest->n_axes; a++)
        if (b->extent[a] != 1 && b->spec->side[a] == side &&
            (best < 0 || sums->stride[a] < sums->stride[best]))
            best = (int32_t)a;
    return best;
}

static bool has_transposed_walk(const ftl_nest_builder *b, int32_t rows, int32_t cols)
{
    for (size_t i = 0; rows >= 0 && i < b->walks.len; i++) {
        const ftl_walk *w = &b->walks.data[i];
        if (w->stride[rows] == get_size(w) && w->stride[cols] != get_size(w) &&
            w->stride[cols] != 0)
            return true;
    }
    return false;
}

enum { TILE = 1024, MAX_ROW = 16384, BLOCK = 64, PART = 1024 };

static int64_t at_most(int64_t x, int64_t limit)
{
    return x < limit ? x : limit;
}

static int64_t at_least(int64_t x, int64_t limit)
{
    return x > limit ? x : limit;
}

/* Elements of all reduced axes but those in `except`. */
static int64_t count_reduced(const ftl_nest_builder *b, uint64_t except)
{
    int64_t n = 1;
    for (uint32_t a = 0; a < b->nest->n_axes; a++)
        if ((b->reduced & ~except) >> a & 1)
            n *= at_most(b->extent[a], MAX_ROW + 1);
    return n;
}

static void set_tile_size(ftl_nest_builder *b, int32_t rows, int32_t cols)
{
    ftl_program *p = b->program;
    int64_t n_rows = rows >= 0 ? b->extent[rows] : 1, n_cols = cols >= 0 ? b->extent[cols] : 1;
    bool is_transposed = has_transposed_walk(b, rows, cols);
    p->tile_cols = at_most(n_cols, is_transposed ? BLOCK : TILE);
    if (p->cols_reduced && n_cols <= MAX_ROW && count_reduced(b, (uint64_t)1 << cols) == 1)
        p->tile_cols = n_cols;
    if (p->rows_reduced && p->n_passes > 1 && n_rows <= MAX_ROW / 16 &&
        count_reduced(b, (uint64_t)1 << rows) == 1)
        p->tile_cols = at_least(at_most(p->tile_cols, MAX_ROW / at_least(n_rows, 1)), 1);
    if (p->rows_reduced && p->n_passes == 1 && !is_transposed && n_cols <= MAX_ROW / 2)
        p->tile_cols = n_cols; /* rows that follow each other are read in one sweep */
    p->tile_cols = at_least(p->tile_cols, 1);
    p->tile_rows = at_most(n_rows, at_least(TILE / p->tile_cols, 1));
    if (is_transposed)
        p->tile_rows = at_most(n_rows, at_least(p->tile_rows, BLOCK));
    if (p->rows_reduced && p->n_passes > 1 && n_rows * p->tile_cols <= MAX_ROW)
        p->tile_rows = n_rows;
    p->tile_rows = at_least(p->tile_rows, 1);
    if (p->cols_reduced && p->n_passes > 1 && p->tile_cols == n_cols && n_cols >= 2 * PART &&
        !is_transposed && p->tile_rows == 1) {
        int64_t parts = n_cols / PART;
        p->tile_cols = ((n_cols + parts - 1) / parts + PART / 16 - 1) / (PART / 16) * (PART / 16);
        p->is_keeping = true;
    }
}

/* ---- axes of the program ---- */

static void push_axis(ftl_nest_builder *b, int32_t nest_axis, int32_t *number)
{
    ftl_program *p = b->program;
    p->extent[p->n_axes] = b->extent[nest_axis];
    number[nest_axis] = (int32_t)p->n_axes++;
}

static int64_t count_tiles(int64_t extent, int64_t tile)
{
    return (extent + tile - 1) / tile;
}

static void count_work(ftl_program *p)
{
    int64_t row_tiles = p->rows >= 0 ? count_tiles(p->extent[p->rows], p->tile_rows) : 1;
    int64_t col_tiles = p->cols >= 0 ? count_tiles(p->extent[p->cols], p->tile_cols) : 1;
    p->n_units = p->n_visits = 1;
    for (uint32_t a = 0; a < p->n_outer; a++)
        p->n_units *= p->extent[a];
    for (uint32_t a = p->n_outer; a < p->n_outer + p->n_inner; a++)
        p->n_visits *= p->extent[a];
    *(p->rows_reduced ? &p->n_visits : &p->n_units) *= row_tiles;
    *(p->cols_reduced ? &p->n_visits : &p->n_units) *= col_tiles;
    p->is_single = p->n_visits == 1;
}

static void set_axes(ftl_nest_builder *b)
{
    ftl_program *p = b->program;
    int32_t number[FTL_NEST_MAX_AXES];
    int32_t cols = b->spec->side ? get_last_of_side(b, FTL_VM_COLS) : choose_cols(b);
    int32_t rows = b->spec->side ? get_last_of_side(b, FTL_VM_ROWS)
                   : cols >= 0   ? choose_rows(b, cols)
                                 : -1;
    memset(number, -1, sizeof number);
    p->extent = FTL_NEW_ARRAY(b->arena, int64_t, b->nest->n_axes + 1);
    for (int is_inner = 0; is_inner < 2; is_inner++)
        for (int32_t a = 0; a < (int32_t)b->nest->n_axes; a++)
            if (b->extent[a] != 1 && a != rows && a != cols &&
                (int)(b->reduced >> a & 1) == is_inner) {
                push_axis(b, a, number);
                *(is_inner ? &p->n_inner : &p->n_outer) += 1;
            }
    p->rows = p->cols = -1;
    if (rows >= 0) {
        p->rows = (int32_t)p->n_axes;
        p->rows_reduced = b->reduced >> rows & 1;
        push_axis(b, rows, number);
    }
    if (cols >= 0) {
        p->cols = (int32_t)p->n_axes;
        p->cols_reduced = b->reduced >> cols & 1;
        push_axis(b, cols, number);
    }
    set_tile_size(b, rows, cols);
    count_work(p);
    for (uint32_t a = 0; a < b->nest->n_axes; a++)
        b->axis[a] = number[b->axis[a]];
}

/* Walks become accesses: strides and checks over program axes. */
static int64_t *renumber(const ftl_nest_builder *b, const int64_t *over_nest)
{
    int64_t *out = FTL_NEW_ARRAY(b->arena, int64_t, b->program->n_axes + 1);
    for (uint32_t a = 0; a < b->nest->n_axes; a++)
        if (b->axis[a] >= 0)
            out[b->axis[a]] += over_nest[a];
    return out;
}

/* True when the tiles lie in memory one after the other, in the order in which they are visited. */
static bool is_in_sequence(const ftl_program *p, const ftl_access *a)
{
    int64_t step = (int64_t)ftl_dtype_get_size(a->dtype);
    bool is_column = p->rows_reduced && !p->cols_reduced;
    if (p->n_inner > 0 || p->cols < 0 || a->stride[p->cols] != step)
        return false;
    if ((p->tile_rows > 1 || is_column) && p->tile_cols < p->extent[p->cols])
        return false;
    step *= p->extent[p->cols];
    for (uint32_t k = p->n_axes; k-- > 0;) {
        if ((int32_t)k == p->cols)
            continue;
        if (a->stride[k] != step)
            return false;
        step *= p->extent[k];
    }
    return true;
}

static bool is_read_too(const ftl_nest_builder *b, const ftl_walk *w)
{
    for (size_t i = 0; i < b->walks.len; i++) {
        const ftl_walk *x = &b->walks.data[i];
        if (!x->is_write && x->ref.slot == w->ref.slot && x->ref.offset == w->ref.offset)
            return true;
    }
    return false;
}

static void choose_caching(const ftl_nest_builder *b, const ftl_walk *w, uint32_t access)
{
    ftl_program *p = b->program;
    ftl_access *a = &p->accesses.data[access];
    size_t bytes = (size_t)ftl_value_get_count(w->value) * ftl_dtype_get_size(w->dtype);
    if (b->spec->side || b->spec->contract)
        return;
    if (w->is_write)
        a->is_streamed = bytes > b->spec->caches.l3 / 2 && !is_read_too(b, w);
    else if (bytes > b->spec->caches.l2 && p->n_ahead < FTL_VM_MAX_AHEAD && is_in_sequence(p, a))
        p->ahead[p->n_ahead++] = access;
}

static void make_accesses(ftl_nest_builder *b)
{
    for (size_t i = 0; i < b->walks.len; i++) {
        const ftl_walk *w = &b->walks.data[i];
        ftl_access *a = FTL_VEC_PUSH(b->arena, &b->program->accesses);
        *a = (ftl_access){.ref = w->ref, .value = w->value, .dtype = w->dtype,
                          .is_write = w->is_write, .stride = renumber(b, w->stride),
                          .n_checks = w->n_checks, .n_scalars = w->n_scalars,
                          .checks = w->checks, .scalars = w->scalars, .fill = w->fill};
        for (uint32_t k = 0; k < w->n_checks; k++)
            w->checks[k].coef = renumber(b, w->checks[k].coef);
        choose_caching(b, w, (uint32_t)i);
    }
}

uint64_t ftl_nest_get_written_axes(const ftl_nest_builder *b, uint32_t node)
{
    uint64_t mask = 0;
    if (b->write[node] < 0)
        return 0;
    const ftl_walk *w = &b->walks.data[b->write[node]];
    for (uint32_t a = 0; a < b->nest->n_axes; a++)
        if (w->stride[a] != 0 && b->extent[a] != 1)
            mask |= (uint64_t)1 << a;
    return mask;
}

static void count_passes(ftl_nest_builder *b)
{
    uint32_t n = b->reduced ? 0 : 1;
    for (uint32_t i = 0; i < b->nest->nodes.len; i++) {
        bool is_full = b->nest->nodes.data[i].is_root &&
                       (ftl_nest_get_written_axes(b, i) & b->reduced) != 0;
        if ((ftl_nest_is_sum(b, i) || is_full) && b->passes[i] + 1u > n)
            n = b->passes[i] + 1u;
    }
    b->program->n_passes = n;
}

/* ---- estimate ---- */

/* Nanoseconds for an element of a simple operation, of an elementary function, and for a byte that
 * is read or written: measured on the tile kernels, rounded. */
static const double SIMPLE_NS = 0.025, FUNCTION_NS = 0.2, BYTE_NS = 0.03;

static double get_node_cost(const ftl_nest_node *n)
{
    switch (n->value->op) {
    case FTL_OP_EXP_:
    case FTL_OP_LOG_:
    case FTL_OP_SIN_:
    case FTL_OP_COS_:
    case FTL_OP_TANH_:
    case FTL_OP_ERF_:
    case FTL_OP_LOGISTIC_:
    case FTL_OP_POW_:
        return FUNCTION_NS;
    default:
        return n->is_read ? 0 : SIMPLE_NS;
    }
}

static double estimate_seconds(const ftl_nest_builder *b)
{
    double ns = 0;
    for (size_t i = 0; i < b->nest->nodes.len; i++) {
        uint64_t mask = b->mask[i] | (ftl_nest_is_sum(b, (uint32_t)i) ? b->reduced : 0);
        double n = 1;
        for (uint32_t a = 0; a < b->nest->n_axes; a++)
            n *= mask >> a & 1 ? (double)b->extent[a] : 1;
        ns += n * get_node_cost(&b->nest->nodes.data[i]);
        if (b->read[i] >= 0)
            ns += n * BYTE_NS * (double)get_size(&b->walks.data[b->read[i]]);
        if (b->write[i] >= 0)
            ns += n * BYTE_NS * (double)get_size(&b->walks.data[b->write[i]]);
    }
    return 1e-9 * ns;
}

ftl_program *ftl_nest_compile(ftl_arena *arena, const ftl_nest_spec *spec, ftl_nest_axes *axes)
{
    ftl_nest_builder *b = FTL_NEW(arena, ftl_nest_builder);
    b->arena = arena;
    b->spec = spec;
    b->nest = spec->nest;
    b->program = FTL_NEW(arena, ftl_program);
    memcpy(b->extent, b->nest->extent, sizeof b->extent);
    for (uint32_t a = 0; a < b->nest->n_axes; a++)
        if ((b->nest->reduced >> a & 1) && b->extent[a] != 1)
            b->reduced |= (uint64_t)1 << a;
    make_walks(b);
    merge_axes(b);
    for (uint32_t i = 0; i < b->nest->nodes.len; i++)
        set_mask(b, i);
    count_passes(b);
    b->program->seconds = estimate_seconds(b);
    set_axes(b);
    make_accesses(b);
    ftl_nest_write_code(b);
    ftl_nest_place_registers(arena, b->program);
    if (axes)
        memcpy(axes->axis, b->axis, sizeof axes->axis);
    return b->program;
}
