/* SPDX-License-Identifier: Apache-2.0
 *
 * Gives every materialised value a buffer, in the order of the steps. A value takes over the buffer
 * of an operand that dies in its step where every element is read before it is overwritten (a nest:
 * see inplace.c; write_at; a loop's start values); an output lives in the caller's memory; views in
 * range and reshapes are their operand's bytes.
 */
#include "plan/buffer.h"

#include "base/dtype.h"

enum { NONE = 0 };

typedef struct placer {
    ftl_arena *arena;
    ftl_plan *plan;
    const ftl_use *uses;
    const ftl_loop *loop; /* the graph is its body; or null */
    uint32_t n_steps;
    uint32_t *last;       /* by id of a base value: last step that reads it; outputs: n_steps */
    uint32_t *owner;      /* by id of a base value: index in buffers; NONE */
    ftl_buffers buffers;  /* [0] stands for no buffer */
} placer;

/* ---- values that are other values' bytes ---- */

static bool is_alias(const placer *p, const ftl_value *v)
{
    return p->plan->places[v->id].kind == FTL_PLACE_ALIAS;
}

static const ftl_value *get_base(const placer *p, const ftl_value *v)
{
    while (is_alias(p, v))
        v = p->plan->places[v->id].of;
    return v;
}

static void get_strides(const placer *p, const ftl_value *v, int64_t *strides)
{
    const int64_t *known = p->plan->places[v->id].strides;
    int64_t step = (int64_t)ftl_dtype_get_size(v->dtype);
    for (uint32_t k = v->rank; k-- > 0;) {
        strides[k] = known ? known[k] : step;
        step *= v->shape[k];
    }
}

static void set_view_place(placer *p, const ftl_value *v)
{
    ftl_place *place = &p->plan->places[v->id];
    int64_t from[FTL_MAX_RANK];
    int64_t *strides = FTL_NEW_ARRAY(p->arena, int64_t, v->rank + 1);
    get_strides(p, v->in[0], from);
    *place = (ftl_place){.kind = FTL_PLACE_ALIAS, .of = v->in[0], .strides = strides};
    if (ftl_value_get_count(v) == 0)
        return;
    for (uint32_t k = 0; k < v->in[0]->rank; k++) {
        const ftl_affine *m = &v->u.view->map[k];
        place->shift += m->offset * from[k];
        for (uint32_t t = 0; t < m->n; t++)
            strides[m->dim[t]] += m->coef[t] * from[k];
    }
}

/* A product that the step's nest turns into a root of as many bytes goes to that root's place. */
static bool is_root(const placer *p, const ftl_value *v)
{
    return p->owner[v->id] == UINT32_MAX;
}

/* Marks the values that steps write (owner UINT32_MAX until they have a buffer), then places those
 * that no step writes. */
static void set_fixed_places(placer *p)
{
    ftl_plan *plan = p->plan;
    uint32_t n_inputs = 0;
    for (size_t s = 0; s < plan->steps.len; s++)
        for (size_t i = 0; i < plan->steps.data[s].roots.len; i++)
            p->owner[plan->steps.data[s].roots.data[i]->id] = UINT32_MAX;
    for (size_t i = 0; i < plan->graph->values.len; i++) {
        const ftl_value *v = plan->graph->values.data[i];
        ftl_place *place = &plan->places[i];
        if (v->op == FTL_OP_INPUT_) {
            *place = (ftl_place){.kind = FTL_PLACE_INPUT, .slot = n_inputs};
            if (plan->layouts && !p->uses[i].is_dense)
                place->strides = plan->layouts[n_inputs];
            n_inputs++;
        } else if (v->op == FTL_OP_PARAM_) {
            *place = (ftl_place){.kind = FTL_PLACE_PARAM, .slot = v->u.index};
        } else if (is_root(p, v) || !p->uses[i].is_hard) {
            continue;
        } else if (v->op == FTL_OP_CONST_) {
            *place = (ftl_place){.kind = FTL_PLACE_CONST};
            if (v->splat)
                place->strides = FTL_NEW_ARRAY(p->arena, int64_t, v->rank + 1);
        } else if (v->op == FTL_OP_RESHAPE_) {
            *place = (ftl_place){.kind = FTL_PLACE_ALIAS, .of = v->in[0]};
        } else if (v->op == FTL_OP_VIEW_) {
            set_view_place(p, v);
        }
    }
}

/* ---- lifetimes ---- */

static void note_read(placer *p, const ftl_value *v, uint32_t step)
{
    uint32_t *last = &p->last[get_base(p, v)->id];
    *last = step > *last ? step : *last;
}

static void note_node_reads(placer *p, const ftl_step *step, const ftl_nest_node *n, uint32_t s)
{
    const ftl_value *v = n->value;
    if (n->is_read) {
        if (v != step->contract)
            note_read(p, v, s);
        return;
    }
    if (v->op == FTL_OP_GATHER_ || (v->op == FTL_OP_VIEW_ && n->n_in == 0))
        note_read(p, v->in[0], s);
    for (uint32_t k = 0; v->op == FTL_OP_READ_AT_ && k < v->n_in; k++)
        note_read(p, v->in[k], s);
}

static void note_step_reads(placer *p, const ftl_step *step, uint32_t s)
{
    const ftl_value *v = step->contract                        ? step->contract
                         : step->kind == FTL_STEP_NEST         ? NULL
                                                               : step->members.data[0];
    for (uint32_t k = 0; v && k < v->n_in; k++)
        note_read(p, v->in[k], s);
    for (size_t i = 0; step->nest && i < step->nest->nodes.len; i++)
        note_node_reads(p, step, &step->nest->nodes.data[i], s);
}

/* A result of a loop lives in the loop's buffers, but is a value of its own. */
static void note_all_reads(placer *p)
{
    for (uint32_t s = 0; s < p->n_steps; s++)
        note_step_reads(p, &p->plan->steps.data[s], s);
    for (size_t i = 0; i < p->plan->graph->outputs.len; i++)
        note_read(p, p->plan->graph->outputs.data[i].value, p->n_steps);
}

/* ---- buffers ---- */

static size_t get_size(const placer *p, const ftl_value *v)
{
    size_t size;
    int64_t count = ftl_value_get_count(v);
    if (count == INT64_MAX || !ftl_mul_size((size_t)count, ftl_dtype_get_size(v->dtype), &size) ||
        size > SIZE_MAX / 4)
        ftl_arena_fail(p->arena, FTL_ERR_MEMORY);
    return size;
}

static uint32_t add_buffer(placer *p, size_t size, uint32_t first, uint32_t last)
{
    ftl_buffer *b = FTL_VEC_PUSH(p->arena, &p->buffers);
    *b = (ftl_buffer){.kind = FTL_PLACE_ARENA, .size = size, .first = first, .last = last};
    return (uint32_t)(p->buffers.len - 1);
}

/* From now on the buffer holds v. */
static void hand_over(placer *p, uint32_t buffer, const ftl_value *v)
{
    ftl_buffer *b = &p->buffers.data[buffer];
    p->owner[v->id] = buffer;
    b->now = v;
    b->last = p->last[v->id] > b->last ? p->last[v->id] : b->last;
}

/* The buffer of x when it may be overwritten in step s by `size` bytes, else NONE: ours, and x, all
 * of it and nothing else, is read there for the last time. */
static uint32_t find_dying(const placer *p, const ftl_value *x, uint32_t s, size_t size)
{
    const ftl_value *base = get_base(p, x);
    uint32_t b = p->owner[base->id];
    if (b == NONE || b == UINT32_MAX || p->buffers.data[b].now != base ||
        p->buffers.data[b].last != s || p->buffers.data[b].kind == FTL_PLACE_NONE ||
        p->buffers.data[b].size != size)
        return NONE;
    for (; x != base; x = p->plan->places[x->id].of)
        if (p->plan->places[x->id].strides)
            return NONE;
    return b;
}

static void give_new(placer *p, const ftl_value *v, uint32_t s)
{
    uint32_t last = p->last[v->id] > s ? p->last[v->id] : s;
    hand_over(p, add_buffer(p, get_size(p, v), s, last), v);
}

/* Carried params are buffers that the body may write to. */
static void add_param_buffers(placer *p)
{
    for (size_t i = 0; p->loop && i < p->plan->graph->values.len; i++) {
        const ftl_value *v = p->plan->graph->values.data[i];
        if (v->op != FTL_OP_PARAM_ || v->u.index == 0 || v->u.index > p->loop->n_carried)
            continue;
        uint32_t b = add_buffer(p, get_size(p, v), 0, p->last[v->id]);
        p->buffers.data[b].kind = FTL_PLACE_PARAM;
        p->buffers.data[b].slot = v->u.index;
        hand_over(p, b, v);
    }
}

/* ---- steps ---- */

/* How often the nest reads the bytes of base. */
static uint32_t count_reads(const placer *p, const ftl_step *step, const ftl_value *base)
{
    uint32_t n = 0;
    for (size_t i = 0; i < step->nest->nodes.len; i++) {
        const ftl_nest_node *node = &step->nest->nodes.data[i];
        const ftl_value *v = node->value;
        if (node->is_read)
            n += v != step->contract && get_base(p, v) == base;
        else if (v->op == FTL_OP_GATHER_ || (v->op == FTL_OP_VIEW_ && node->n_in == 0))
            n += get_base(p, v->in[0]) == base;
        for (uint32_t k = 0; v->op == FTL_OP_READ_AT_ && !node->is_read && k < v->n_in; k++)
            n += get_base(p, v->in[k]) == base;
    }
    for (uint32_t k = 0; step->contract && k < step->contract->n_in; k++)
        n += get_base(p, step->contract->in[k]) == base;
    return n;
}

static bool is_same_places(const ftl_nest_node *a, const ftl_nest_node *b)
{
    if (a->value->rank != b->value->rank ||
        ftl_dtype_get_size(a->value->dtype) != ftl_dtype_get_size(b->value->dtype))
        return false;
    return a->value->rank == 0 || memcmp(a->axis, b->axis, a->value->rank) == 0;
}

/* Finds an operand of the nest whose buffer root node r may take over. */
static bool take_operand(placer *p, const ftl_step *step, uint32_t s, uint32_t r)
{
    const ftl_nest_node *root = &step->nest->nodes.data[r];
    for (uint32_t i = 0; i < step->nest->nodes.len; i++) {
        const ftl_nest_node *n = &step->nest->nodes.data[i];
        if (!n->is_read || n->value == step->contract || !is_same_places(n, root))
            continue;
        uint32_t b = find_dying(p, n->value, s, get_size(p, root->value));
        if (b == NONE || count_reads(p, step, get_base(p, n->value)) != 1 ||
            !ftl_buffer_can_overwrite(step->nest, r, i))
            continue;
        hand_over(p, b, root->value);
        return true;
    }
    return false;
}

static size_t get_sum_size(const ftl_value *contract)
{
    return contract->dtype == FTL_DTYPE_F64 ? 8 : 4;
}

/* The sums may go to root node r when that has as many bytes and is made of each sum in its place.
 */
static bool alias_sums(placer *p, ftl_step *step, uint32_t r)
{
    const ftl_nest_node *root = &step->nest->nodes.data[r], *read = NULL;
    const ftl_value *c = step->contract;
    uint32_t from = 0;
    for (uint32_t i = 0; i < step->nest->nodes.len && !read; i++)
        if (step->nest->nodes.data[i].value == c)
            read = &step->nest->nodes.data[from = i];
    if (!read || ftl_dtype_get_size(root->value->dtype) != get_sum_size(c) ||
        ftl_value_get_count(root->value) != ftl_value_get_count(c) ||
        !ftl_buffer_can_overwrite(step->nest, r, from))
        return false;
    int64_t *strides = FTL_NEW_ARRAY(p->arena, int64_t, c->rank + 1);
    int64_t step_size = (int64_t)get_sum_size(c);
    for (uint32_t j = root->value->rank; j-- > 0; step_size *= root->value->shape[j])
        for (uint32_t k = 0; k < c->rank; k++)
            if (read->axis[k] == root->axis[j] && root->axis[j] != FTL_NEST_NONE)
                strides[k] = step_size;
    step->sums = (ftl_place){.kind = FTL_PLACE_ALIAS, .of = root->value, .strides = strides};
    return true;
}

static void place_contract(placer *p, ftl_step *step, uint32_t s)
{
    const ftl_value *c = step->contract;
    bool is_own = p->uses[c->id].is_hard && ftl_dtype_get_size(c->dtype) == get_sum_size(c);
    if (p->uses[c->id].is_hard)
        give_new(p, c, s);
    if (is_own)
        step->sums = (ftl_place){.kind = FTL_PLACE_ALIAS, .of = c};
    for (uint32_t r = 0; step->nest && r < step->nest->nodes.len; r++) {
        if (!step->nest->nodes.data[r].is_root || step->nest->nodes.data[r].is_read)
            continue;
        bool is_free = step->sums.kind == FTL_PLACE_NONE;
        if ((is_free && alias_sums(p, step, r)) || !take_operand(p, step, s, r))
            give_new(p, step->nest->nodes.data[r].value, s);
    }
    if (step->sums.kind != FTL_PLACE_NONE)
        return;
    size_t size = get_size(p, c) / ftl_dtype_get_size(c->dtype) * get_sum_size(c);
    step->sums.kind = FTL_PLACE_ARENA;
    step->sums.slot = add_buffer(p, size, s, s);
}

static void place_nest(placer *p, const ftl_step *step, uint32_t s)
{
    for (uint32_t r = 0; r < step->nest->nodes.len; r++)
        if (step->nest->nodes.data[r].is_root && !take_operand(p, step, s, r))
            give_new(p, step->nest->nodes.data[r].value, s);
}

/* write_at changes its operand in place where that dies here; what is written must lie elsewhere.
 */
static void place_op(placer *p, const ftl_step *step, uint32_t s)
{
    const ftl_value *v = step->members.data[0];
    if (v->op == FTL_OP_WRITE_AT_ && get_base(p, v->in[0]) != get_base(p, v->in[1])) {
        uint32_t b = find_dying(p, v->in[0], s, get_size(p, v));
        if (b != NONE) {
            hand_over(p, b, v);
            return;
        }
    }
    give_new(p, v, s);
}

/* ---- loops ---- */

static const ftl_value *find_result(const placer *p, const ftl_value *loop, uint32_t k)
{
    for (size_t i = loop->id + 1; i < p->plan->graph->values.len; i++) {
        const ftl_value *v = p->plan->graph->values.data[i];
        if (v->op == FTL_OP_RESULT_ && v->in[0] == loop && v->u.index == k)
            return v;
    }
    return NULL;
}

/* True when the body leaves its next value k in the bytes of carried value k. */
static bool is_updated_in_place(const ftl_plan *body, uint32_t k)
{
    const ftl_value *v = body->graph->outputs.data[k].value;
    const ftl_place *place = &body->places[v->id];
    while (place->kind == FTL_PLACE_ALIAS && place->shift == 0 && !place->strides)
        place = &body->places[place->of->id];
    return place->kind == FTL_PLACE_PARAM && place->slot == k + 1;
}

static uint32_t count_operand(const placer *p, const ftl_value *loop, const ftl_value *base)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < loop->n_in; k++)
        n += get_base(p, loop->in[k]) == base;
    return n;
}

static uint32_t place_carry(placer *p, const ftl_value *loop, uint32_t k, uint32_t s)
{
    uint32_t n_carried = loop->u.loop->n_carried;
    const ftl_value *result = find_result(p, loop, k);
    uint32_t b = NONE;
    if (k < n_carried && count_operand(p, loop, get_base(p, loop->in[k])) == 1)
        b = find_dying(p, loop->in[k], s, get_size(p, loop->in[k]));
    if (b == NONE)
        b = add_buffer(p, k < n_carried ? get_size(p, loop->in[k]) : 8, s, s);
    p->buffers.data[b].now = NULL;
    if (result)
        hand_over(p, b, result);
    return b;
}

/* Buffer numbers stand in the slots until set_places. */
static void place_loop(placer *p, ftl_step *step, uint32_t s)
{
    const ftl_value *loop = step->members.data[0];
    uint32_t n = loop->u.loop->n_carried;
    step->loop.carry = FTL_NEW_ARRAY(p->arena, ftl_place, n + 1);
    step->loop.next = FTL_NEW_ARRAY(p->arena, ftl_place, n + 1);
    for (uint32_t k = 0; k <= n; k++) {
        uint32_t b = place_carry(p, loop, k, s), next = b;
        if (k < n && !is_updated_in_place(step->body, k))
            next = add_buffer(p, get_size(p, loop->in[k]), s, s);
        step->loop.carry[k].slot = b;
        step->loop.next[k].slot = next;
    }
    step->loop.body_offset = add_buffer(p, step->body->arena_size, s, s);
}

/* Values with the same result as the one that has the buffer. */
static void share_results(placer *p)
{
    for (size_t i = 0; i < p->plan->graph->values.len; i++) {
        const ftl_value *v = p->plan->graph->values.data[i];
        if (v->op != FTL_OP_RESULT_ || p->owner[i] != NONE || !p->uses[i].is_hard)
            continue;
        const ftl_value *first = find_result(p, v->in[0], v->u.index);
        p->plan->places[i] = (ftl_place){.kind = FTL_PLACE_ALIAS, .of = first};
    }
}

/* ---- outputs and places ---- */

/* Outputs live in the caller's memory where they have a buffer of their own. */
static void place_outputs(placer *p)
{
    for (uint32_t i = 0; i < p->plan->graph->outputs.len; i++) {
        const ftl_value *v = p->plan->graph->outputs.data[i].value;
        const ftl_value *base = get_base(p, v);
        uint32_t b = p->owner[base->id];
        bool is_whole = b != NONE && p->buffers.data[b].size == get_size(p, v);
        for (const ftl_value *x = v; x != base; x = p->plan->places[x->id].of)
            is_whole &= !p->plan->places[x->id].strides;
        if (!is_whole || p->buffers.data[b].kind != FTL_PLACE_ARENA)
            continue;
        p->buffers.data[b].kind = FTL_PLACE_OUTPUT;
        p->buffers.data[b].slot = i;
    }
}

static void set_place(const placer *p, ftl_place *place, uint32_t buffer)
{
    const ftl_buffer *b = &p->buffers.data[buffer];
    place->kind = b->kind;
    place->slot = b->slot;
    place->offset = b->offset;
    place->size = b->size;
}

static void set_places(placer *p)
{
    for (size_t i = 0; i < p->plan->graph->values.len; i++)
        if (p->owner[i] != NONE)
            set_place(p, &p->plan->places[i], p->owner[i]);
    for (size_t s = 0; s < p->plan->steps.len; s++) {
        ftl_step *step = &p->plan->steps.data[s];
        if (step->sums.kind == FTL_PLACE_ARENA)
            set_place(p, &step->sums, step->sums.slot);
        if (step->kind != FTL_STEP_LOOP)
            continue;
        for (uint32_t k = 0; k <= step->members.data[0]->u.loop->n_carried; k++) {
            set_place(p, &step->loop.carry[k], step->loop.carry[k].slot);
            set_place(p, &step->loop.next[k], step->loop.next[k].slot);
        }
        step->loop.body_offset = p->buffers.data[step->loop.body_offset].offset;
    }
}

/* A product that stays inside of its step has no buffer. */
static void forget_hidden_products(placer *p)
{
    for (size_t s = 0; s < p->plan->steps.len; s++) {
        const ftl_value *c = p->plan->steps.data[s].contract;
        if (c && !p->uses[c->id].is_hard)
            p->owner[c->id] = NONE;
    }
}

void ftl_buffer_plan(ftl_arena *arena, ftl_plan *plan, const ftl_use *uses, const ftl_loop *loop)
{
    size_t n = plan->graph->values.len;
    placer p = {.arena = arena, .plan = plan, .uses = uses, .loop = loop};
    p.n_steps = (uint32_t)plan->steps.len;
    p.last = FTL_NEW_ARRAY(arena, uint32_t, n + 1);
    p.owner = FTL_NEW_ARRAY(arena, uint32_t, n + 1);
    plan->places = FTL_NEW_ARRAY(arena, ftl_place, n + 1);
    FTL_VEC_PUSH(arena, &p.buffers)->kind = FTL_PLACE_NONE;
    set_fixed_places(&p);
    forget_hidden_products(&p);
    note_all_reads(&p);
    add_param_buffers(&p);
    for (uint32_t s = 0; s < p.n_steps; s++) {
        ftl_step *step = &plan->steps.data[s];
        if (step->kind == FTL_STEP_CONTRACT)
            place_contract(&p, step, s);
        else if (step->kind == FTL_STEP_NEST)
            place_nest(&p, step, s);
        else if (step->kind == FTL_STEP_OP)
            place_op(&p, step, s);
        else
            place_loop(&p, step, s);
    }
    share_results(&p);
    place_outputs(&p);
    plan->arena_size = ftl_buffer_pack(arena, &p.buffers, p.n_steps, &plan->live_peak);
    set_places(&p);
}
