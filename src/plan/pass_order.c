/* SPDX-License-Identifier: Apache-2.0
 *
 * Contractions of many operands become trees of contractions of two. First each operand is made
 * plain: a repeated label is read along its diagonal, a label of no other operand is summed out.
 * Then pairs are joined in the order that the planner finds. A pair that sums nothing is a product
 * of broadcasts, which fuses with what surrounds it. The result of a pair in between has first the
 * labels of both operands, then those of the first, then those of the second: the form of a batched
 * matrix product.
 */
#include "plan/order.h"
#include "plan/pass.h"

typedef struct operand {
    ftl_value *v;
    uint32_t *labels; /* distinct */
} operand;

typedef struct joiner {
    ftl_rewriter *r;
    const ftl_value *v;     /* the contraction */
    const ftl_contract *c;
    operand *operands;      /* n_in, then one for each pair */
    uint32_t *holders;      /* by label: operands that are left and have it, the result included */
} joiner;

static bool is_bool(const joiner *j)
{
    return j->v->dtype == FTL_DTYPE_BOOL;
}

/* ---- plain operands ---- */

/* Repeated labels: the view whose axes are the distinct labels. */
static void take_diagonal(const joiner *j, operand *o)
{
    uint32_t distinct[FTL_MAX_RANK], at[FTL_MAX_RANK], n = 0;
    int64_t shape[FTL_MAX_RANK], one = 1;
    ftl_affine map[FTL_MAX_RANK];
    for (uint32_t k = 0; k < o->v->rank; k++) {
        at[k] = 0;
        while (at[k] < n && distinct[at[k]] != o->labels[k])
            at[k]++;
        if (at[k] == n) {
            distinct[n] = o->labels[k];
            shape[n++] = o->v->shape[k];
        }
    }
    if (n == o->v->rank)
        return;
    for (uint32_t k = 0; k < o->v->rank; k++)
        map[k] = (ftl_affine){.select = -1, .n = 1, .dim = &at[k], .coef = &one};
    o->v = ftl_make_view(j->r->graph, o->v, n, shape, &(ftl_view){.map = map});
    memcpy(o->labels, distinct, n * sizeof(*distinct));
}

static ftl_value *make_sum(const joiner *j, ftl_value *v, uint64_t axes)
{
    return ftl_make_reduce(j->r->graph, is_bool(j) ? FTL_REDUCE_ANY : FTL_REDUCE_SUM, v, axes);
}

static void count_holders(joiner *j)
{
    j->holders = FTL_NEW_ARRAY(j->r->arena, uint32_t, j->c->n_labels);
    for (uint32_t k = 0; k < j->v->rank; k++)
        j->holders[j->c->out[k]]++;
    for (uint32_t i = 0; i < j->v->n_in; i++)
        for (uint32_t k = 0; k < j->operands[i].v->rank; k++)
            j->holders[j->operands[i].labels[k]]++;
}

/* Labels that nobody else has are summed. */
static void sum_own(const joiner *j, operand *o)
{
    uint64_t axes = 0;
    uint32_t n = 0;
    for (uint32_t k = 0; k < o->v->rank; k++) {
        if (j->holders[o->labels[k]] == 1)
            axes |= (uint64_t)1 << k;
        else
            o->labels[n++] = o->labels[k];
    }
    o->v = make_sum(j, o->v, axes);
}

static void make_plain(joiner *j)
{
    for (uint32_t i = 0; i < j->v->n_in; i++) {
        operand *o = &j->operands[i];
        o->v = j->v->in[i];
        o->labels = FTL_NEW_ARRAY(j->r->arena, uint32_t, o->v->rank);
        memcpy(o->labels, j->c->in[i], o->v->rank * sizeof(*o->labels));
        take_diagonal(j, o);
    }
    count_holders(j);
    for (uint32_t i = 0; i < j->v->n_in; i++)
        sum_own(j, &j->operands[i]);
}

/* ---- pairs ---- */

static uint32_t find_label(const operand *o, uint32_t label)
{
    uint32_t k = 0;
    while (k < o->v->rank && o->labels[k] != label)
        k++;
    return k;
}

static bool has_label(const operand *o, uint32_t label)
{
    return find_label(o, label) < o->v->rank;
}

/* Labels that the result of a pair keeps, n of them; more than FTL_MAX_RANK are counted but not
 * written. */
static uint32_t get_kept(const joiner *j, const operand *a, const operand *b, uint32_t *out)
{
    uint32_t n = 0;
    for (int group = 0; group < 3; group++) {
        const operand *from = group == 2 ? b : a;
        const operand *other = group == 2 ? a : b;
        for (uint32_t k = 0; k < from->v->rank; k++) {
            bool shared = has_label(other, from->labels[k]);
            uint32_t own = shared ? 2 : 1;
            if (shared != (group == 0) || j->holders[from->labels[k]] == own)
                continue;
            if (n < FTL_MAX_RANK)
                out[n] = from->labels[k];
            n++;
        }
    }
    return n;
}

/* o over the n given labels, repeated along those that it lacks. */
static ftl_value *spread(const joiner *j, const operand *o, uint32_t n, const uint32_t *labels)
{
    int32_t from[FTL_MAX_RANK];
    int64_t shape[FTL_MAX_RANK];
    for (uint32_t k = 0; k < n; k++) {
        from[k] = has_label(o, labels[k]) ? (int32_t)find_label(o, labels[k]) : -1;
        shape[k] = j->c->extent[labels[k]];
    }
    return ftl_make_broadcast(j->r->graph, o->v, n, shape, from);
}

/* a and b joined to a result with n labels. */
static ftl_value *make_pair(const joiner *j, const operand *a, const operand *b, uint32_t n,
                            uint32_t *labels)
{
    uint32_t both = a->v->rank;
    for (uint32_t k = 0; k < b->v->rank; k++)
        both += !has_label(a, b->labels[k]);
    if (both == n) {
        ftl_value *x = spread(j, a, n, labels), *y = spread(j, b, n, labels);
        return ftl_make_map2(j->r->graph, is_bool(j) ? FTL_OP_AND_ : FTL_OP_MUL_, x, y);
    }
    ftl_value *in[] = {a->v, b->v};
    uint32_t *in_labels[] = {a->labels, b->labels};
    return ftl_make_contract(j->r->graph, 2, in, &(ftl_contract){.in = in_labels, .out = labels},
                             n);
}

static void release_labels(joiner *j, const operand *o)
{
    for (uint32_t k = 0; k < o->v->rank; k++)
        j->holders[o->labels[k]]--;
}

/* Joins a pair. False when the result would have too many axes. */
static bool join(joiner *j, uint32_t at, ftl_pair pair, bool last)
{
    const operand *a = &j->operands[pair.a], *b = &j->operands[pair.b];
    uint32_t kept[FTL_MAX_RANK], n = last ? j->v->rank : get_kept(j, a, b, kept);
    if (n > FTL_MAX_RANK)
        return false;
    operand *o = &j->operands[at];
    o->labels = FTL_NEW_ARRAY(j->r->arena, uint32_t, n);
    memcpy(o->labels, last ? j->c->out : kept, n * sizeof(*kept));
    o->v = make_pair(j, a, b, n, o->labels);
    release_labels(j, a);
    release_labels(j, b);
    for (uint32_t k = 0; k < n; k++)
        j->holders[o->labels[k]]++;
    return true;
}

/* ---- the whole ---- */

static ftl_network make_network(ftl_arena *scratch, const joiner *j)
{
    double *size = FTL_NEW_ARRAY(scratch, double, j->c->n_labels);
    for (uint32_t label = 0; label < j->c->n_labels; label++)
        size[label] = j->c->extent[label] > 0 ? (double)j->c->extent[label] : 1;
    ftl_network net = ftl_network_make(scratch, j->v->n_in, j->c->n_labels, size);
    for (uint32_t i = 0; i < j->v->n_in; i++)
        for (uint32_t k = 0; k < j->operands[i].v->rank; k++)
            ftl_network_add(net.sets + (size_t)i * net.words, j->operands[i].labels[k]);
    for (uint32_t k = 0; k < j->v->rank; k++)
        ftl_network_add(net.out, j->c->out[k]);
    return net;
}

/* From the left to the right. */
static ftl_order join_in_turn(ftl_arena *scratch, uint32_t n)
{
    ftl_order order = {.pairs = FTL_NEW_ARRAY(scratch, ftl_pair, n)};
    for (uint32_t i = 0; i + 1 < n; i++)
        order.pairs[i] = i == 0 ? (ftl_pair){0, 1} : (ftl_pair){i + 1, n + i - 1};
    return order;
}

static ftl_value *join_all(joiner *j)
{
    uint32_t n = j->v->n_in;
    ftl_arena *scratch = j->r->state;
    ftl_order order = join_in_turn(scratch, n);
    if (n > 2 && ftl_network_is_small(n, j->c->n_labels)) {
        ftl_network net = make_network(scratch, j);
        order = ftl_order_find(scratch, &net, j->r->options->planner);
    }
    for (uint32_t i = 0; i + 1 < n; i++)
        if (!join(j, n + i, order.pairs[i], i + 2 == n))
            return NULL;
    ftl_scratch_clear(scratch);
    return j->operands[2 * n - 2].v;
}

/* True for two plain operands with something to sum over both. */
static bool is_done(const ftl_value *v)
{
    const ftl_contract *c = v->u.contract;
    if (v->n_in != 2 || v->rank == c->n_labels)
        return false;
    for (uint32_t label = 0; label < c->n_labels; label++) {
        uint32_t holders = 0, most = 0;
        for (uint32_t i = 0; i < 3; i++) {
            const uint32_t *labels = i < 2 ? c->in[i] : c->out;
            uint32_t n = 0, rank = i < 2 ? v->in[i]->rank : v->rank;
            for (uint32_t k = 0; k < rank; k++)
                n += labels[k] == label;
            holders += n;
            most = n > most ? n : most;
        }
        if (holders == 1 || most > 1)
            return false;
    }
    return true;
}

static ftl_value *order_value(ftl_rewriter *r, ftl_value *v)
{
    if (v->op != FTL_OP_CONTRACT_ || is_done(v))
        return v;
    joiner j = {.r = r, .v = v, .c = v->u.contract};
    j.operands = FTL_NEW_ARRAY(r->arena, operand, 2 * (size_t)v->n_in);
    make_plain(&j);
    if (v->n_in == 1)
        return spread(&j, &j.operands[0], v->rank, j.c->out);
    ftl_value *result = join_all(&j);
    return result ? result : v;
}

static void begin(ftl_rewriter *r)
{
    r->state = ftl_scratch_open(r->arena);
}

static void end(ftl_rewriter *r)
{
    ftl_scratch_clear(r->state);
}

void ftl_pass_order(ftl_graph *g, const ftl_pass_options *options)
{
    ftl_rewrite_graph(g, options,
                      &(ftl_rewrite_pass){.rewrite = order_value, .begin = begin, .end = end});
}
