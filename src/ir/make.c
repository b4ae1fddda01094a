/* SPDX-License-Identifier: Apache-2.0
 *
 * The makers. Each copies what it was given to the arena, in canonical form (the terms of a place
 * by rising axis and without those that are always 0, labels by first occurrence), so that equal
 * values look equal, and asserts the rules of op.def.
 */
#include "base/dtype.h"
#include "ir/graph.h"

#include <math.h>

static ftl_value *add(ftl_graph *g, ftl_value draft)
{
    draft.equation = g->equation;
    draft.span = g->span;
    ftl_value *v = ftl_graph_add_value(g, &draft);
    assert(!ftl_value_check(v));
    return v;
}

static const int64_t *copy_shape(ftl_graph *g, uint32_t rank, const int64_t *shape)
{
    assert(rank <= FTL_MAX_RANK);
    int64_t *copy = FTL_NEW_ARRAY(g->arena, int64_t, rank);
    if (rank > 0)
        memcpy(copy, shape, rank * sizeof(*copy));
    return copy;
}

static uint32_t *copy_labels(ftl_graph *g, uint32_t n, const uint32_t *labels)
{
    uint32_t *copy = FTL_NEW_ARRAY(g->arena, uint32_t, n);
    if (n > 0)
        memcpy(copy, labels, n * sizeof(*copy));
    return copy;
}

/* Operands first and then more of them. */
static ftl_value **copy_operands(ftl_graph *g, uint32_t n, ftl_value *const *a, uint32_t more)
{
    ftl_value **copy = FTL_NEW_ARRAY(g->arena, ftl_value *, (size_t)n + more);
    if (n > 0)
        memcpy(copy, a, n * sizeof(*copy));
    return copy;
}

static bool has_shape(const ftl_value *v, uint32_t rank, const int64_t *shape)
{
    return v->rank == rank && (rank == 0 || memcmp(v->shape, shape, rank * sizeof(*shape)) == 0);
}

/* ---- leaves ---- */

static ftl_value *make_leaf(ftl_graph *g, ftl_value draft, const int64_t *shape)
{
    draft.shape = copy_shape(g, draft.rank, shape);
    return add(g, draft);
}

ftl_value *ftl_make_input(ftl_graph *g, const char *name, ftl_dtype dtype, uint32_t rank,
                          const int64_t *shape)
{
    ftl_value draft = {.op = FTL_OP_INPUT_, .dtype = dtype, .rank = rank, .u.name = name};
    assert(name && !g->parent);
    return make_leaf(g, draft, shape);
}

ftl_value *ftl_make_const(ftl_graph *g, ftl_dtype dtype, uint32_t rank, const int64_t *shape,
                          const void *data)
{
    ftl_value draft = {.op = FTL_OP_CONST_, .dtype = dtype, .rank = rank, .u.data = data};
    return make_leaf(g, draft, shape);
}

static ftl_value *make_splat_bits(ftl_graph *g, ftl_dtype dtype, uint32_t rank,
                                  const int64_t *shape, const void *element)
{
    size_t size = ftl_dtype_get_size(dtype);
    void *data = ftl_arena_alloc(g->arena, size);
    memcpy(data, element, size);
    ftl_value draft = {.op = FTL_OP_CONST_, .dtype = dtype, .rank = rank, .u.data = data,
                       .splat = true};
    return make_leaf(g, draft, shape);
}

ftl_value *ftl_make_splat(ftl_graph *g, ftl_dtype dtype, uint32_t rank, const int64_t *shape,
                          double x)
{
    uint64_t element = 0;
    ftl_dtype_put_double(dtype, &element, x);
    return make_splat_bits(g, dtype, rank, shape, &element);
}

ftl_value *ftl_make_iota(ftl_graph *g, ftl_dtype dtype, int64_t extent)
{
    return make_leaf(g, (ftl_value){.op = FTL_OP_IOTA_, .dtype = dtype, .rank = 1}, &extent);
}

ftl_value *ftl_make_param(ftl_graph *g, uint32_t index, ftl_dtype dtype, uint32_t rank,
                          const int64_t *shape)
{
    ftl_value draft = {.op = FTL_OP_PARAM_, .dtype = dtype, .rank = rank, .u.index = index};
    assert(g->parent);
    return make_leaf(g, draft, shape);
}

/* ---- maps ---- */

/* A value with the shape of operand 0. */
static ftl_value *make_same(ftl_graph *g, ftl_value draft, uint32_t n, ftl_value *const *a)
{
    draft.rank = a[0]->rank;
    draft.shape = a[0]->shape;
    draft.n_in = n;
    draft.in = copy_operands(g, n, a, 0);
    return add(g, draft);
}

ftl_value *ftl_make_map1(ftl_graph *g, ftl_opcode op, ftl_value *a)
{
    assert(op != FTL_OP_CAST_ && ftl_opcode_get_class(op) == FTL_OPCLASS_MAP);
    return make_same(g, (ftl_value){.op = op, .dtype = a->dtype}, 1, &a);
}

ftl_value *ftl_make_map2(ftl_graph *g, ftl_opcode op, ftl_value *a, ftl_value *b)
{
    bool compares = op == FTL_OP_EQ_ || op == FTL_OP_NE_ || op == FTL_OP_LT_ || op == FTL_OP_LE_;
    ftl_value *in[] = {a, b};
    assert(ftl_opcode_get_class(op) == FTL_OPCLASS_MAP);
    ftl_value draft = {.op = op, .dtype = compares ? FTL_DTYPE_BOOL : a->dtype};
    return make_same(g, draft, 2, in);
}

ftl_value *ftl_make_select(ftl_graph *g, ftl_value *c, ftl_value *a, ftl_value *b)
{
    ftl_value *in[] = {c, a, b};
    if (a == b)
        return a;
    return make_same(g, (ftl_value){.op = FTL_OP_SELECT_, .dtype = a->dtype}, 3, in);
}

ftl_value *ftl_make_cast(ftl_graph *g, ftl_value *a, ftl_dtype dtype)
{
    if (a->dtype == dtype)
        return a;
    if (a->op == FTL_OP_CONST_ && a->splat) {
        uint64_t element = 0;
        ftl_dtype_convert(&element, dtype, a->u.data, a->dtype, 1);
        return make_splat_bits(g, dtype, a->rank, a->shape, &element);
    }
    return make_same(g, (ftl_value){.op = FTL_OP_CAST_, .dtype = dtype}, 1, &a);
}

/* ---- reductions ---- */

/* draft with the shape of a without the axes of the bit set. */
static ftl_value *make_dropped(ftl_graph *g, ftl_value draft, ftl_value *a, uint64_t axes)
{
    int64_t shape[FTL_MAX_RANK];
    assert(axes >> a->rank == 0);
    for (uint32_t k = 0; k < a->rank; k++)
        if (!(axes >> k & 1))
            shape[draft.rank++] = a->shape[k];
    draft.n_in = 1;
    draft.in = copy_operands(g, 1, &a, 0);
    return make_leaf(g, draft, shape);
}

ftl_value *ftl_make_reduce(ftl_graph *g, ftl_reduce kind, ftl_value *a, uint64_t axes)
{
    ftl_value draft = {.op = FTL_OP_REDUCE_, .dtype = a->dtype,
                       .u.reduce = {.kind = kind, .axes = axes}};
    return axes == 0 ? a : make_dropped(g, draft, a, axes);
}

ftl_value *ftl_make_argmax(ftl_graph *g, ftl_value *a, uint32_t axis)
{
    ftl_value draft = {.op = FTL_OP_ARGMAX_, .dtype = FTL_DTYPE_I64, .u.sort = {.axis = axis}};
    assert(axis < a->rank);
    return make_dropped(g, draft, a, (uint64_t)1 << axis);
}

/* The new number of a label: the next one when it is met for the first time. */
static uint32_t renumber(ftl_map *numbers, uint32_t label)
{
    uint64_t number = numbers->len;
    if (!ftl_map_find(numbers, label, &number))
        ftl_map_put(numbers, label, number);
    return (uint32_t)number;
}

ftl_value *ftl_make_contract(ftl_graph *g, uint32_t n, ftl_value *const *a,
                             const ftl_contract *labels, uint32_t n_out)
{
    int64_t shape[FTL_MAX_RANK];
    size_t axes = 0;
    ftl_map numbers;
    ftl_map_init(&numbers, g->arena);
    assert(n > 0 && n_out <= FTL_MAX_RANK);
    for (uint32_t i = 0; i < n; i++)
        axes += a[i]->rank;
    ftl_contract *c = FTL_NEW(g->arena, ftl_contract);
    c->in = FTL_NEW_ARRAY(g->arena, uint32_t *, n);
    c->out = FTL_NEW_ARRAY(g->arena, uint32_t, n_out);
    c->extent = FTL_NEW_ARRAY(g->arena, int64_t, axes);
    for (uint32_t i = 0; i < n; i++) {
        c->in[i] = FTL_NEW_ARRAY(g->arena, uint32_t, a[i]->rank);
        for (uint32_t k = 0; k < a[i]->rank; k++) {
            c->in[i][k] = renumber(&numbers, labels->in[i][k]);
            c->extent[c->in[i][k]] = a[i]->shape[k];
        }
    }
    c->n_labels = (uint32_t)numbers.len;
    for (uint32_t k = 0; k < n_out; k++) {
        c->out[k] = renumber(&numbers, labels->out[k]);
        assert(c->out[k] < c->n_labels);
        shape[k] = c->extent[c->out[k]];
    }
    ftl_value draft = {.op = FTL_OP_CONTRACT_, .dtype = a[0]->dtype, .rank = n_out, .n_in = n,
                       .in = copy_operands(g, n, a, 0), .u.contract = c};
    return make_leaf(g, draft, shape);
}

/* ---- views ---- */

/* The canonical form of one place: extents of 1 have no term. */
static ftl_affine copy_affine(ftl_graph *g, const ftl_affine *a, const int64_t *shape)
{
    int64_t coef[FTL_MAX_RANK] = {0};
    if (a->select >= 0)
        return (ftl_affine){.select = a->select};
    ftl_affine copy = {.offset = a->offset, .select = -1};
    for (uint32_t k = 0; k < a->n; k++) {
        assert(a->dim[k] < FTL_MAX_RANK && coef[a->dim[k]] == 0);
        coef[a->dim[k]] = shape[a->dim[k]] == 1 ? 0 : a->coef[k];
    }
    copy.dim = FTL_NEW_ARRAY(g->arena, uint32_t, a->n);
    copy.coef = FTL_NEW_ARRAY(g->arena, int64_t, a->n);
    for (uint32_t d = 0; d < FTL_MAX_RANK; d++)
        if (coef[d] != 0) {
            copy.dim[copy.n] = d;
            copy.coef[copy.n++] = coef[d];
        }
    return copy;
}

static ftl_affine *copy_map(ftl_graph *g, const ftl_affine *map, uint32_t n, const int64_t *shape)
{
    ftl_affine *copy = FTL_NEW_ARRAY(g->arena, ftl_affine, n);
    for (uint32_t k = 0; k < n; k++)
        copy[k] = copy_affine(g, &map[k], shape);
    return copy;
}

/* There is one nan. */
static double canonical_fill(double fill)
{
    return isnan(fill) ? (double)NAN : fill;
}

static bool is_identity(const ftl_view *view, const ftl_value *a, uint32_t rank,
                        const int64_t *shape)
{
    if (!has_shape(a, rank, shape))
        return false;
    for (uint32_t k = 0; k < rank; k++) {
        const ftl_affine *m = &view->map[k];
        bool here = m->n == 1 && m->dim[0] == k && m->coef[0] == 1;
        if (m->offset != 0 || !(here || (m->n == 0 && shape[k] == 1)))
            return false;
    }
    return true;
}

/* True when a is a constant of equal elements, which a view's fill does not change. */
static bool is_splat_through(const ftl_value *a, const ftl_view *view)
{
    uint64_t fill = 0;
    if (a->op != FTL_OP_CONST_ || !a->splat)
        return false;
    ftl_dtype_put_double(a->dtype, &fill, view->fill);
    return view->in_range || memcmp(&fill, a->u.data, ftl_dtype_get_size(a->dtype)) == 0;
}

ftl_value *ftl_make_view(ftl_graph *g, ftl_value *a, uint32_t rank, const int64_t *shape,
                         const ftl_view *given)
{
    ftl_view *view = FTL_NEW(g->arena, ftl_view);
    view->map = copy_map(g, given->map, a->rank, shape);
    view->in_range = ftl_view_is_in_range(view->map, shape, a);
    view->fill = view->in_range ? 0 : canonical_fill(given->fill);
    while (a->op == FTL_OP_VIEW_) {
        ftl_view *joined = ftl_view_compose(g->arena, view, shape, a);
        if (!joined)
            break;
        view = joined;
        a = a->in[0];
    }
    if (is_identity(view, a, rank, shape))
        return a;
    if (is_splat_through(a, view))
        return make_splat_bits(g, a->dtype, rank, shape, a->u.data);
    ftl_value draft = {.op = FTL_OP_VIEW_, .dtype = a->dtype, .rank = rank, .n_in = 1,
                       .in = copy_operands(g, 1, &a, 0), .u.view = view};
    return make_leaf(g, draft, shape);
}

ftl_value *ftl_make_view_add(ftl_graph *g, ftl_value *a, uint32_t rank, const int64_t *shape,
                             const ftl_affine *map)
{
    const ftl_value target = {.rank = rank, .shape = shape};
    ftl_view *view = FTL_NEW(g->arena, ftl_view);
    view->map = copy_map(g, map, rank, a->shape);
    view->in_range = ftl_view_is_in_range(view->map, a->shape, &target);
    ftl_value draft = {.op = FTL_OP_VIEW_ADD_, .dtype = a->dtype, .rank = rank, .n_in = 1,
                       .in = copy_operands(g, 1, &a, 0), .u.view = view};
    return make_leaf(g, draft, shape);
}

ftl_value *ftl_make_broadcast(ftl_graph *g, ftl_value *a, uint32_t rank, const int64_t *shape,
                              const int32_t *from)
{
    uint32_t dim[FTL_MAX_RANK];
    int64_t coef[FTL_MAX_RANK];
    ftl_affine map[FTL_MAX_RANK] = {0};
    uint32_t used = 0;
    for (uint32_t k = 0; k < rank; k++) {
        if (from[k] < 0)
            continue;
        uint32_t axis = (uint32_t)from[k];
        assert(axis < a->rank && map[axis].n == 0 && a->shape[axis] == shape[k]);
        dim[axis] = k;
        coef[axis] = 1;
        map[axis] = (ftl_affine){.n = 1, .dim = &dim[axis], .coef = &coef[axis], .select = -1};
        used++;
    }
    assert(used == a->rank);
    return ftl_make_view(g, a, rank, shape, &(ftl_view){.map = map});
}

ftl_value *ftl_make_transpose(ftl_graph *g, ftl_value *a, const uint32_t *perm)
{
    int64_t shape[FTL_MAX_RANK];
    int32_t from[FTL_MAX_RANK];
    for (uint32_t k = 0; k < a->rank; k++) {
        assert(perm[k] < a->rank);
        shape[k] = a->shape[perm[k]];
        from[k] = (int32_t)perm[k];
    }
    return ftl_make_broadcast(g, a, a->rank, shape, from);
}

/* The view that a reshape is when it only adds and drops extents of 1; null when it is none. */
static ftl_value *make_unit_reshape(ftl_graph *g, ftl_value *a, uint32_t rank,
                                    const int64_t *shape)
{
    uint32_t dim[FTL_MAX_RANK], k = 0;
    int64_t one = 1;
    ftl_affine map[FTL_MAX_RANK] = {0};
    for (uint32_t j = 0; j < a->rank; j++) {
        map[j] = (ftl_affine){.select = -1};
        if (a->shape[j] == 1)
            continue;
        while (k < rank && shape[k] == 1)
            k++;
        if (k == rank || shape[k] != a->shape[j])
            return NULL;
        dim[j] = k++;
        map[j] = (ftl_affine){.n = 1, .dim = &dim[j], .coef = &one, .select = -1};
    }
    for (; k < rank; k++)
        if (shape[k] != 1)
            return NULL;
    return ftl_make_view(g, a, rank, shape, &(ftl_view){.map = map});
}

ftl_value *ftl_make_reshape(ftl_graph *g, ftl_value *a, uint32_t rank, const int64_t *shape)
{
    while (a->op == FTL_OP_RESHAPE_)
        a = a->in[0];
    if (has_shape(a, rank, shape))
        return a;
    if (a->op == FTL_OP_CONST_ && a->splat)
        return make_splat_bits(g, a->dtype, rank, shape, a->u.data);
    ftl_value *view = make_unit_reshape(g, a, rank, shape);
    if (view)
        return view;
    ftl_value draft = {.op = FTL_OP_RESHAPE_, .dtype = a->dtype, .rank = rank, .n_in = 1,
                       .in = copy_operands(g, 1, &a, 0)};
    return make_leaf(g, draft, shape);
}

ftl_value *ftl_make_concat(ftl_graph *g, uint32_t n, ftl_value *const *a, uint32_t axis)
{
    int64_t shape[FTL_MAX_RANK] = {0};
    assert(n > 0 && axis < a[0]->rank);
    if (n == 1)
        return a[0];
    memcpy(shape, a[0]->shape, a[0]->rank * sizeof(*shape));
    for (uint32_t i = 1; i < n; i++)
        if (__builtin_add_overflow(shape[axis], a[i]->shape[axis], &shape[axis]))
            ftl_arena_fail(g->arena, FTL_ERR_MEMORY);
    ftl_value draft = {.op = FTL_OP_CONCAT_, .dtype = a[0]->dtype, .rank = a[0]->rank, .n_in = n,
                       .in = copy_operands(g, n, a, 0), .u.axis = axis};
    return make_leaf(g, draft, shape);
}

/* ---- places computed at run time ---- */

/* A gather whose map has n_map places over an index space of the given extents. */
static ftl_gather *copy_gather(ftl_graph *g, ftl_value *const *a, const ftl_gather *given,
                               uint32_t n_map, const int64_t *shape)
{
    ftl_gather *copy = FTL_NEW(g->arena, ftl_gather);
    copy->n = given->n;
    copy->fill = canonical_fill(given->fill);
    copy->map = copy_map(g, given->map, n_map, shape);
    copy->sub = FTL_NEW_ARRAY(g->arena, uint32_t *, given->n);
    for (uint32_t i = 1; i < given->n; i++)
        copy->sub[i] = copy_labels(g, a[i]->rank, given->sub[i]);
    return copy;
}

ftl_value *ftl_make_gather(ftl_graph *g, ftl_value *const *a, uint32_t rank, const int64_t *shape,
                           const ftl_gather *gather)
{
    ftl_gather *copy = copy_gather(g, a, gather, a[0]->rank, shape);
    ftl_value draft = {.op = FTL_OP_GATHER_, .dtype = a[0]->dtype, .rank = rank,
                       .n_in = gather->n, .in = copy_operands(g, gather->n, a, 0),
                       .u.gather = copy};
    return make_leaf(g, draft, shape);
}

ftl_value *ftl_make_gather_add(ftl_graph *g, ftl_value *const *a, uint32_t rank,
                               const int64_t *shape, const ftl_gather *gather)
{
    ftl_gather *copy = copy_gather(g, a, gather, rank, a[0]->shape);
    ftl_value draft = {.op = FTL_OP_GATHER_ADD_, .dtype = a[0]->dtype, .rank = rank,
                       .n_in = gather->n, .in = copy_operands(g, gather->n, a, 0),
                       .u.gather = copy};
    return make_leaf(g, draft, shape);
}

static ftl_at *copy_at(ftl_graph *g, const ftl_at *at)
{
    ftl_at *copy = FTL_NEW(g->arena, ftl_at);
    *copy = *at;
    copy->fill = canonical_fill(at->fill);
    copy->axis = copy_labels(g, at->n, at->axis);
    copy->offset = FTL_NEW_ARRAY(g->arena, int64_t, at->n);
    memcpy(copy->offset, at->offset, at->n * sizeof(*copy->offset));
    return copy;
}

ftl_value *ftl_make_read_at(ftl_graph *g, ftl_value *x, const ftl_at *at, ftl_value *const *index)
{
    int64_t shape[FTL_MAX_RANK];
    uint32_t i = 0;
    assert(at->n > 0 && at->n <= x->rank);
    ftl_value draft = {.op = FTL_OP_READ_AT_, .dtype = x->dtype, .n_in = 1 + at->n,
                       .in = copy_operands(g, 1, &x, at->n), .u.at = copy_at(g, at)};
    memcpy(draft.in + 1, index, at->n * sizeof(*index));
    for (uint32_t k = 0; k < x->rank; k++) {
        if (i < at->n && at->axis[i] == k)
            i++;
        else
            shape[draft.rank++] = x->shape[k];
    }
    return make_leaf(g, draft, shape);
}

ftl_value *ftl_make_write_at(ftl_graph *g, ftl_value *x, ftl_value *v, const ftl_at *at,
                             ftl_value *const *index)
{
    ftl_value *in[] = {x, v};
    assert(at->n > 0 && at->n <= x->rank);
    ftl_value draft = {.op = FTL_OP_WRITE_AT_, .dtype = x->dtype, .rank = x->rank,
                       .shape = x->shape, .n_in = 2 + at->n,
                       .in = copy_operands(g, 2, in, at->n), .u.at = copy_at(g, at)};
    memcpy(draft.in + 2, index, at->n * sizeof(*index));
    draft.u.at->fill = 0;
    return add(g, draft);
}

/* ---- sorting ---- */

ftl_value *ftl_make_topk(ftl_graph *g, ftl_value *a, int64_t k)
{
    int64_t shape[FTL_MAX_RANK];
    assert(a->rank > 0);
    memcpy(shape, a->shape, a->rank * sizeof(*shape));
    shape[a->rank - 1] = k;
    ftl_value draft = {.op = FTL_OP_TOPK_, .dtype = FTL_DTYPE_I64, .rank = a->rank, .n_in = 1,
                       .in = copy_operands(g, 1, &a, 0), .u.sort = {.k = k}};
    return make_leaf(g, draft, shape);
}

ftl_value *ftl_make_eigvec(ftl_graph *g, ftl_value *a)
{
    return make_same(g, (ftl_value){.op = FTL_OP_EIGVEC_, .dtype = a->dtype}, 1, &a);
}

/* ---- loops ---- */

ftl_value *ftl_make_loop(ftl_graph *g, uint32_t n, ftl_value *const *a, const ftl_loop *loop)
{
    ftl_loop *copy = FTL_NEW(g->arena, ftl_loop);
    *copy = *loop;
    assert(loop->body->parent == g);
    ftl_value draft = {.op = FTL_OP_LOOP_, .dtype = FTL_DTYPE_I64, .n_in = n,
                       .in = copy_operands(g, n, a, 0), .u.loop = copy};
    return make_leaf(g, draft, NULL);
}

ftl_value *ftl_make_result(ftl_graph *g, ftl_value *loop, uint32_t index)
{
    assert(loop->op == FTL_OP_LOOP_ && index <= loop->u.loop->n_carried);
    ftl_value draft = {.op = FTL_OP_RESULT_, .dtype = FTL_DTYPE_I64, .n_in = 1,
                       .in = copy_operands(g, 1, &loop, 0), .u.index = index};
    if (index == loop->u.loop->n_carried)
        return make_leaf(g, draft, NULL);
    const ftl_value *start = loop->in[index];
    draft.dtype = start->dtype;
    draft.rank = start->rank;
    return make_leaf(g, draft, start->shape);
}

/* ---- logic ---- */

static const ftl_tuples_form *copy_form(ftl_graph *g, uint32_t rank, const int64_t *shape)
{
    ftl_tuples_form *form = FTL_NEW(g->arena, ftl_tuples_form);
    *form = (ftl_tuples_form){rank, copy_shape(g, rank, shape)};
    return form;
}

ftl_value *ftl_make_tuples_input(ftl_graph *g, const char *name, uint32_t rank,
                                 const int64_t *shape)
{
    ftl_value draft = {.op = FTL_OP_INPUT_, .dtype = FTL_DTYPE_I64, .u.name = name,
                       .tuples = copy_form(g, rank, shape)};
    return make_leaf(g, draft, NULL);
}

ftl_value *ftl_make_tuples(ftl_graph *g, ftl_value *a)
{
    ftl_value draft = {.op = FTL_OP_TUPLES_, .dtype = FTL_DTYPE_I64, .n_in = 1,
                       .in = copy_operands(g, 1, &a, 0),
                       .tuples = copy_form(g, a->rank, a->shape)};
    return make_leaf(g, draft, NULL);
}

ftl_value *ftl_make_dense(ftl_graph *g, ftl_value *a)
{
    assert(a->tuples);
    ftl_value draft = {.op = FTL_OP_DENSE_, .dtype = FTL_DTYPE_BOOL, .rank = a->tuples->rank,
                       .n_in = 1, .in = copy_operands(g, 1, &a, 0)};
    return make_leaf(g, draft, a->tuples->shape);
}

ftl_value *ftl_make_rules(ftl_graph *g, uint32_t n, ftl_value *const *a, const ftl_rules *rules)
{
    ftl_value draft = {.op = FTL_OP_RULES_, .dtype = FTL_DTYPE_I64, .n_in = n,
                       .in = copy_operands(g, n, a, 0), .u.rules = rules};
    return make_leaf(g, draft, NULL);
}

ftl_value *ftl_make_derived(ftl_graph *g, ftl_value *rules, uint32_t relation)
{
    assert(rules->op == FTL_OP_RULES_ && relation < rules->u.rules->relations.len);
    const ftl_rules_relation *r = &rules->u.rules->relations.data[relation];
    ftl_value draft = {.op = FTL_OP_DERIVED_, .dtype = FTL_DTYPE_I64, .n_in = 1,
                       .in = copy_operands(g, 1, &rules, 0), .u.index = relation,
                       .tuples = copy_form(g, r->arity, r->extent)};
    return make_leaf(g, draft, NULL);
}
