/* SPDX-License-Identifier: Apache-2.0
 *
 * Loops: the body is a unit; a round sets its slots and runs its steps. Carried values stay where
 * they are when the body updates them in place, else the two buffers of a value change roles.
 */
#include "backend/native/native.h"

#include "base/dtype.h"
#include "base/watch.h"

typedef struct carried {
    ftl_ref start, home, next; /* next.slot UINT32_MAX: updated in place */
    size_t size;
} carried;

struct ftl_native_loop {
    const ftl_value *value;
    ftl_unit *body;
    size_t body_offset;
    uint32_t n_carried, n_captured;
    carried *carry;
    ftl_ref *captured;
    ftl_ref rounds;
    int64_t *round;   /* param 0 of the body */
    uint8_t *stop;    /* where the body says whether to stop */
    uint8_t **now, **then; /* buffers of the carried values, this round and the next */
};

static bool is_same_place(const ftl_place *a, const ftl_place *b)
{
    return a->kind == b->kind && a->slot == b->slot && a->offset == b->offset;
}

static void compile_carried(const ftl_unit *u, const ftl_step *step, ftl_native_loop *loop,
                            uint32_t k)
{
    const ftl_value *start = loop->value->in[k];
    int64_t strides[FTL_MAX_RANK];
    carried *c = &loop->carry[k];
    c->start = ftl_unit_find(u, start, strides);
    c->home = ftl_unit_find_place(u, &step->loop.carry[k]);
    c->next = is_same_place(&step->loop.carry[k], &step->loop.next[k])
                  ? (ftl_ref){UINT32_MAX, 0}
                  : ftl_unit_find_place(u, &step->loop.next[k]);
    c->size = (size_t)ftl_value_get_count(start) * ftl_dtype_get_size(start->dtype);
}

ftl_native_loop *ftl_loop_compile(ftl_unit *u, const ftl_step *step)
{
    ftl_arena *arena = &u->exec->arena;
    ftl_native_loop *loop = FTL_NEW(arena, ftl_native_loop);
    loop->value = step->members.data[0];
    loop->n_carried = loop->value->u.loop->n_carried;
    loop->n_captured = loop->value->n_in - loop->n_carried;
    loop->body_offset = step->loop.body_offset;
    loop->carry = FTL_NEW_ARRAY(arena, carried, loop->n_carried + 1);
    loop->captured = FTL_NEW_ARRAY(arena, ftl_ref, loop->n_captured + 1);
    loop->now = FTL_NEW_ARRAY(arena, uint8_t *, loop->n_carried + 1);
    loop->then = FTL_NEW_ARRAY(arena, uint8_t *, loop->n_carried + 1);
    loop->round = FTL_NEW(arena, int64_t);
    loop->stop = FTL_NEW_ARRAY(arena, uint8_t, 8);
    for (uint32_t k = 0; k < loop->n_carried; k++)
        compile_carried(u, step, loop, k);
    for (uint32_t k = 0; k < loop->n_captured; k++) {
        int64_t strides[FTL_MAX_RANK];
        loop->captured[k] = ftl_unit_find(u, loop->value->in[loop->n_carried + k], strides);
    }
    loop->rounds = ftl_unit_find_place(u, &step->loop.carry[loop->n_carried]);
    loop->body = ftl_unit_compile(u->exec, step->body);
    return loop;
}

void ftl_loop_bind(const ftl_native_loop *loop, ftl_unit *u)
{
    ftl_unit_bind(loop->body, (uint8_t *)u->slots[0] + loop->body_offset);
}

/* A param that the body does not use has no slot. */
static void set_param(const ftl_native_loop *loop, uint32_t index, void *p)
{
    ftl_unit *body = loop->body;
    if (body->first_param + index < body->first_const)
        body->slots[body->first_param + index] = p;
}

static void start(const ftl_native_loop *loop, const ftl_unit *u)
{
    for (uint32_t k = 0; k < loop->n_carried; k++) {
        const carried *c = &loop->carry[k];
        const void *from = ftl_unit_get(u, c->start);
        loop->now[k] = ftl_unit_get(u, c->home);
        loop->then[k] = c->next.slot == UINT32_MAX ? loop->now[k] : ftl_unit_get(u, c->next);
        if (from != loop->now[k] && c->size > 0)
            memcpy(loop->now[k], from, c->size);
    }
    set_param(loop, 0, loop->round);
    for (uint32_t k = 0; k < loop->n_captured; k++)
        set_param(loop, 1 + loop->n_carried + k, ftl_unit_get(u, loop->captured[k]));
    if (loop->value->u.loop->has_stop)
        loop->body->slots[loop->body->first_output + loop->n_carried] = loop->stop;
}

static bool run_round(const ftl_native_loop *loop)
{
    ftl_unit *body = loop->body;
    for (uint32_t k = 0; k < loop->n_carried; k++) {
        set_param(loop, k + 1, loop->now[k]);
        body->slots[body->first_output + k] = loop->then[k];
    }
    if (!ftl_unit_run(body))
        return false;
    for (uint32_t k = 0; k < loop->n_carried; k++) {
        uint8_t *p = loop->now[k];
        loop->now[k] = loop->then[k];
        loop->then[k] = p;
    }
    return true;
}

bool ftl_loop_run(const ftl_native_loop *loop, ftl_unit *u, int64_t *rounds)
{
    const ftl_loop *l = loop->value->u.loop;
    ftl_watch *watch = ftl_unit_get_watch(u);
    int64_t n = 0;
    start(loop, u);
    *loop->stop = 0;
    for (; (l->count < 0 || n < l->count) && !*loop->stop; n++) {
        *loop->round = l->reverse ? l->count - 1 - n : n;
        if (!ftl_watch_round(watch, n, l->count > 0 ? l->count : 0) || !run_round(loop))
            return false;
    }
    for (uint32_t k = 0; k < loop->n_carried; k++) {
        void *home = ftl_unit_get(u, loop->carry[k].home);
        if (loop->now[k] != home && loop->carry[k].size > 0)
            memcpy(home, loop->now[k], loop->carry[k].size);
    }
    *(int64_t *)ftl_unit_get(u, loop->rounds) = n;
    *rounds = n;
    return true;
}
