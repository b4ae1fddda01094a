/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of the program before they are called: what a body defines, which parameters each of
 * its names depends on, and that no function calls itself (depth first search over the calls).
 */
#include "check/resolve.h"

static bool fail_fn(resolver *r, resolve_fn *fn, ftl_span span, const char *what)
{
    if (fn->state != RESOLVE_FAILED)
        ftl_diag_error(r->m->diags, FTL_E_FN, span, "function '%s': %s", fn->stmt->name, what);
    fn->state = RESOLVE_FAILED;
    return false;
}

/* ---- parameters and body ---- */

static void read_formals(resolver *r, resolve_fn *fn)
{
    const ftl_stmt *stmt = fn->stmt;
    if (stmt->formals.len > RESOLVE_MAX_FORMALS) {
        fail_fn(r, fn, stmt->span, "it has more than 64 parameters");
        return;
    }
    for (size_t i = 0; i < stmt->formals.len; i++) {
        const ftl_formal *f = &stmt->formals.data[i];
        if (ftl_map_find(&fn->formal_index, FTL_KEY(f->name), NULL))
            fail_fn(r, fn, f->span, "two parameters have one name");
        ftl_map_put(&fn->formal_index, FTL_KEY(f->name), i);
        for (size_t k = 0; k < f->axes.len; k++) {
            const ftl_index *ix = &f->axes.data[k];
            if (ix->kind != FTL_INDEX_AFFINE || ix->terms.len != 1 || !ix->terms.data[0].name)
                fail_fn(r, fn, ix->span, "the axes of a parameter are plain names");
            else
                ftl_map_put(&fn->dims, FTL_KEY(ix->terms.data[0].name), 1);
        }
    }
}

static void read_body(resolver *r, resolve_fn *fn)
{
    for (size_t i = 0; i < fn->stmt->body.len; i++) {
        const ftl_stmt *stmt = fn->stmt->body.data[i];
        if (stmt->kind != FTL_STMT_EQUATION) {
            fail_fn(r, fn, stmt->span, "its body can only hold equations");
            continue;
        }
        const char *name = stmt->lhs->name;
        *FTL_VEC_PUSH(r->m->arena, &fn->equations) = stmt;
        if (ftl_map_find(&fn->formal_index, FTL_KEY(name), NULL))
            fail_fn(r, fn, stmt->span,
                    ftl_arena_printf(r->m->arena, "it defines its parameter '%s'", name));
        if (ftl_map_find(&fn->body_index, FTL_KEY(name), NULL))
            continue;
        ftl_map_put(&fn->body_index, FTL_KEY(name), fn->body.len);
        *FTL_VEC_PUSH(r->m->arena, &fn->body) = name;
        *FTL_VEC_PUSH(r->m->arena, &fn->depends) = 0;
    }
}

static void read_result(resolver *r, resolve_fn *fn)
{
    const ftl_formal *result = &fn->stmt->result;
    uint64_t index = 0;
    if (!result->name || !ftl_map_find(&fn->body_index, FTL_KEY(result->name), &index)) {
        fail_fn(r, fn, fn->stmt->span,
                ftl_arena_printf(r->m->arena, "its body does not define the result '%s'",
                                 result->name ? result->name : ""));
        return;
    }
    fn->result = (uint32_t)index;
    for (size_t k = 0; k < result->axes.len; k++) {
        const ftl_index *ix = &result->axes.data[k];
        const char *name = ix->terms.len == 1 ? ix->terms.data[0].name : NULL;
        if (!name || !ftl_map_find(&fn->dims, FTL_KEY(name), NULL))
            fail_fn(r, fn, ix->span,
                    "an axis of the result must be an axis of a parameter: nothing else gives it a "
                    "name");
    }
}

/* ---- what depends on what ---- */

typedef struct edge {
    uint32_t from, to; /* names of the body: `to` reads `from` */
} edge;

typedef struct reader {
    resolver *r;
    resolve_fn *fn;
    uint32_t head;
    FTL_VEC(edge) edges;
    FTL_VEC(const ftl_node *) calls;
} reader;

/* A tensor that is neither given to the function nor defined in it; calls say the same at this
 * place. */
static void check_foreign(reader *rd, const ftl_node *n)
{
    ftl_builtin b;
    const resolve_fn *fn = rd->fn;
    bool is_call = n->paren && (ftl_builtin_find(n->name, &b) ||
                                ftl_map_find(&fn->module->fns, FTL_KEY(n->name), NULL));
    if (n->kind != FTL_NODE_REF || n->ns || is_call ||
        ftl_map_find(&fn->formal_index, FTL_KEY(n->name), NULL) ||
        ftl_map_find(&fn->body_index, FTL_KEY(n->name), NULL))
        return;
    ftl_diag *d = ftl_diag_error(rd->r->m->diags, FTL_E_FN, n->span,
                                 "'%s' is neither a parameter of '%s' nor defined in it", n->name,
                                 fn->stmt->name);
    ftl_diag_hint(rd->r->m->diags, d, "a function sees what it is given: add a parameter for it");
}

static void read_node(reader *rd, const ftl_node *n)
{
    uint64_t index;
    check_foreign(rd, n);
    bool named = n->kind == FTL_NODE_NAME || n->kind == FTL_NODE_REF || n->kind == FTL_NODE_CALL;
    if (named && !n->ns && ftl_map_find(&rd->fn->formal_index, FTL_KEY(n->name), &index))
        rd->fn->depends.data[rd->head] |= UINT64_C(1) << index;
    if (named && !n->ns && ftl_map_find(&rd->fn->body_index, FTL_KEY(n->name), &index))
        *FTL_VEC_PUSH(rd->r->m->arena, &rd->edges) = (edge){(uint32_t)index, rd->head};
    if (n->kind == FTL_NODE_CALL || (n->kind == FTL_NODE_REF && n->paren))
        *FTL_VEC_PUSH(rd->r->m->arena, &rd->calls) = n;
    for (size_t i = 0; i < n->indices.len; i++)
        if (n->indices.data[i].gather)
            read_node(rd, n->indices.data[i].gather);
    for (size_t i = 0; i < n->args.len; i++)
        read_node(rd, n->args.data[i]);
    for (size_t i = 0; i < n->kwargs.len; i++)
        read_node(rd, n->kwargs.data[i].value);
}

static void read_equations(reader *rd)
{
    for (size_t i = 0; i < rd->fn->equations.len; i++) {
        const ftl_stmt *stmt = rd->fn->equations.data[i];
        uint64_t head = 0;
        ftl_map_find(&rd->fn->body_index, FTL_KEY(stmt->lhs->name), &head);
        rd->head = (uint32_t)head;
        read_node(rd, stmt->rhs);
        if (stmt->guard)
            read_node(rd, stmt->guard);
    }
}

/* depends[to] |= depends[from] until nothing changes; a mask changes at most 64 times. */
static void spread(reader *rd)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < rd->edges.len; i++) {
            const edge *x = &rd->edges.data[i];
            uint64_t *to = &rd->fn->depends.data[x->to], with = *to | rd->fn->depends.data[x->from];
            changed |= with != *to;
            *to = with;
        }
    }
}

/* ---- recursion ---- */

typedef struct visit {
    resolve_fn *fn;
    size_t next;   /* the call to follow next */
    ftl_span from; /* the call that led here */
} visit;

typedef FTL_VEC(const ftl_node *) call_list;

typedef struct search {
    resolver *r;
    ftl_map calls; /* fn -> call_list */
    FTL_VEC(visit) stack;
} search;

static resolve_fn *find_callee(search *s, const resolve_fn *fn, const ftl_node *n)
{
    resolve_module *module = fn->module;
    uint64_t found;
    if (n->ns) {
        if (!ftl_map_find(&module->imports, FTL_KEY(n->ns), &found) || !found)
            return NULL;
        module = (resolve_module *)(uintptr_t)found;
    }
    return ftl_map_find(&module->fns, FTL_KEY(n->name), &found) ? s->r->fns.data[found] : NULL;
}

static void report_recursion(search *s, resolve_fn *fn, ftl_span span)
{
    ftl_strbuf sb;
    size_t start = s->stack.len;
    ftl_strbuf_init(&sb, s->r->m->arena);
    while (start > 0 && s->stack.data[start - 1].fn != fn)
        start--;
    for (size_t i = start - 1; i < s->stack.len; i++) {
        ftl_strbuf_printf(&sb, "%s -> ", s->stack.data[i].fn->stmt->name);
        s->stack.data[i].fn->state = RESOLVE_FAILED;
    }
    ftl_diag *d = ftl_diag_error(s->r->m->diags, FTL_E_FN, span, "function '%s' calls itself: %s%s",
                                 fn->stmt->name, ftl_strbuf_get(&sb), fn->stmt->name);
    ftl_diag_hint(
        s->r->m->diags, d,
        "functions are copied into the place of the call; recursion is written with equations");
}

static void push_visit(search *s, resolve_fn *fn, ftl_span from)
{
    if (fn->state == RESOLVE_NEW)
        fn->state = RESOLVE_BUSY;
    *FTL_VEC_PUSH(s->r->m->arena, &s->stack) = (visit){fn, 0, from};
}

static void search_from(search *s, resolve_fn *root)
{
    push_visit(s, root, root->stmt->span);
    while (s->stack.len > 0) {
        visit *top = &s->stack.data[s->stack.len - 1];
        uint64_t found = 0;
        ftl_map_find(&s->calls, FTL_KEY(top->fn), &found);
        const call_list *calls = (const call_list *)(uintptr_t)found;
        if (!calls || top->next == calls->len) {
            if (top->fn->state == RESOLVE_BUSY)
                top->fn->state = RESOLVE_DONE;
            s->stack.len--;
            continue;
        }
        const ftl_node *call = calls->data[top->next++];
        resolve_fn *callee = find_callee(s, top->fn, call);
        if (callee && callee->state == RESOLVE_BUSY)
            report_recursion(s, callee, call->span);
        else if (callee && callee->state == RESOLVE_NEW)
            push_visit(s, callee, call->span);
    }
}

void resolve_fns(resolver *r)
{
    search s = {.r = r};
    ftl_map_init(&s.calls, r->m->arena);
    for (size_t i = 0; i < r->fns.len; i++) {
        resolve_fn *fn = r->fns.data[i];
        ftl_map_init(&fn->body_index, r->m->arena);
        ftl_map_init(&fn->formal_index, r->m->arena);
        ftl_map_init(&fn->dims, r->m->arena);
        read_formals(r, fn);
        read_body(r, fn);
        read_result(r, fn);
        reader rd = {.r = r, .fn = fn};
        if (fn->state != RESOLVE_FAILED)
            read_equations(&rd);
        spread(&rd);
        call_list *calls = FTL_NEW(r->m->arena, call_list);
        calls->data = rd.calls.data;
        calls->len = rd.calls.len;
        ftl_map_put(&s.calls, FTL_KEY(fn), FTL_KEY(calls));
    }
    for (size_t i = 0; i < r->fns.len; i++)
        if (r->fns.data[i]->state == RESOLVE_NEW)
            search_from(&s, r->fns.data[i]);
}
