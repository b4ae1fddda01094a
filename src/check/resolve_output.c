/* SPDX-License-Identifier: Apache-2.0
 *
 * Exports, sinks and queries of the program. What is not a whole tensor becomes a hidden equation.
 */
#include "check/resolve.h"

/* ---- exports ---- */

static void add_export(resolver *r, const resolve_item *item, const ftl_name *name)
{
    uint32_t tensor;
    for (size_t i = 0; i < r->m->exports.len; i++)
        if (r->m->exports.data[i].name == name->name)
            return;
    if (resolve_find_tensor(item->scope, name->name, &tensor)) {
        *FTL_VEC_PUSH(r->m->arena, &r->m->exports) = (ftl_export){name->name, tensor, name->span};
        return;
    }
    ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_NAME, item->stmt->span,
                                 "cannot export '%s': nothing defines it", name->name);
    const char *near = resolve_suggest_tensor(r, name->name);
    if (near)
        ftl_diag_hint(r->m->diags, d, "did you mean '%s'?", near);
}

/* ---- hidden tensors ---- */

static const char *get_axis(const ftl_index *ix)
{
    bool plain = ix->kind == FTL_INDEX_AFFINE && ix->terms.len == 1 && ix->terms.data[0].sign > 0 &&
                 !ix->terms.data[0].has_number;
    return plain ? ix->terms.data[0].name : NULL;
}

/* Every place is a different plain axis (or virtual time): the tensor as it is. */
static bool is_whole(const ftl_node *n)
{
    if (n->kind != FTL_NODE_REF)
        return false;
    for (size_t i = 0; i < n->indices.len; i++) {
        const char *axis = get_axis(&n->indices.data[i]);
        if (n->indices.data[i].kind == FTL_INDEX_TIME)
            continue;
        if (!axis)
            return false;
        for (size_t k = 0; k < i; k++)
            if (get_axis(&n->indices.data[k]) == axis)
                return false;
    }
    return true;
}

static uint32_t find_tensor(resolver *r, const ftl_node *ref)
{
    uint64_t tensor = 0;
    ftl_map_find(&r->m->tensor_by_name, FTL_KEY(ref->name), &tensor);
    return (uint32_t)tensor;
}

static ftl_node *make_hidden(resolver *r, const char *name, ftl_node *value,
                             const resolve_names *axes)
{
    uint32_t tensor = resolve_add_tensor(r, ftl_intern_cstr(r->m->names, name), value->span);
    ftl_tensor_decl *t = &r->m->tensors.data[tensor];
    t->rank = (uint32_t)axes->len;
    t->has_kind = true;
    t->is_boolean = value->kind == FTL_NODE_REF && value->paren;
    t->dtype = t->is_boolean ? FTL_DTYPE_BOOL : FTL_DTYPE_F32;
    ftl_node *ref = resolve_make_ref(r, tensor, value->span);
    for (size_t i = 0; i < axes->len; i++)
        resolve_put_axis(r, ref, axes->data[i]);
    ftl_stmt stmt = {.lhs = ref, .rhs = value, .proj = FTL_PROJ_SUM, .span = value->span};
    resolve_add_hidden(r, tensor, &stmt);
    return ref;
}

/* A reference to a whole tensor that holds the value; null after an error. */
static ftl_node *hold(resolve_eq *e, ftl_node *value, const char *name)
{
    resolver *r = e->r;
    resolve_names axes = {0};
    bool is_numeric_truth = value->kind == FTL_NODE_REF && value->paren &&
                            !r->m->tensors.data[find_tensor(r, value)].is_boolean;
    if (is_whole(value) && !is_numeric_truth)
        return value;
    if (resolve_list_axes(e, value, NULL, &axes) && axes.len <= FTL_MAX_RANK)
        return make_hidden(r, name, value, &axes);
    ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_ARGUMENT, value->span,
                                 "the axes of this expression cannot be told");
    ftl_diag_hint(r->m->diags, d, "give it a name first: T[...] = ..., then write T");
    return NULL;
}

/* ---- sinks ---- */

/* sink#1.indices[u, #rank] = topk(A[u, m], k=3);  sink#1.values[u, #rank] = A[u, sink#1.indices[u,
 * #rank]] */
static bool add_topk(resolve_eq *e, const ftl_node *call, const char *name, ftl_sink *sink)
{
    resolver *r = e->r;
    resolve_names axes = {0};
    ftl_node *of = hold(e, call->args.data[0], ftl_arena_printf(r->m->arena, "%s.of", name));
    if (!of)
        return false;
    for (size_t i = 0; i < of->indices.len; i++)
        if (of->indices.data[i].kind != FTL_INDEX_TIME)
            *FTL_VEC_PUSH(r->m->arena, &axes) = get_axis(&of->indices.data[i]);
    if (axes.len == 0) {
        ftl_diag_error(r->m->diags, FTL_E_AXIS, call->span,
                       "topk: its argument has no axis to choose from");
        return false;
    }
    axes.data[axes.len - 1] = ftl_intern_cstr(r->m->names, "#rank");
    ftl_node *best = FTL_NEW(r->m->arena, ftl_node), *values = FTL_NEW(r->m->arena, ftl_node);
    *best = *call;
    best->args.data = FTL_NEW(r->m->arena, ftl_node *);
    best->args.data[0] = of;
    ftl_node *indices =
        make_hidden(r, ftl_arena_printf(r->m->arena, "%s.indices", name), best, &axes);
    *values = *of;
    values->indices.data = FTL_NEW_ARRAY(r->m->arena, ftl_index, of->indices.len);
    memcpy(values->indices.data, of->indices.data, of->indices.len * sizeof(ftl_index));
    for (size_t i = of->indices.len; i-- > 0;) {
        if (of->indices.data[i].kind == FTL_INDEX_TIME)
            continue;
        values->indices.data[i] =
            (ftl_index){.kind = FTL_INDEX_GATHER, .span = of->span, .gather = indices};
        break;
    }
    values->paren = false;
    ftl_node *held =
        make_hidden(r, ftl_arena_printf(r->m->arena, "%s.values", name), values, &axes);
    sink->tensor = find_tensor(r, indices);
    sink->topk_values = find_tensor(r, held);
    sink->is_topk = true;
    return true;
}

/* "a/../../b" and "/b" leave the output root; links are looked at when the file is written. */
static bool is_outside(const char *path)
{
    long depth = 0;
    if (*path == '/')
        return true;
    while (*path && depth >= 0) {
        size_t len = strcspn(path, "/");
        bool up = len == 2 && path[0] == '.' && path[1] == '.';
        depth += up ? -1 : len > 0 && !(len == 1 && *path == '.');
        path += len;
        path += *path == '/';
    }
    return depth < 0;
}

static bool check_path(resolver *r, const ftl_stmt *stmt)
{
    if (is_outside(stmt->path)) {
        ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_POLICY, stmt->span,
                                     "sink '%s' lies outside of the output root", stmt->path);
        const char *slash = strrchr(stmt->path, '/');
        ftl_diag_hint(r->m->diags, d, "write a path below the output root, such as \"out/%s\"",
                      slash && slash[1] ? slash + 1 : "result.npy");
        return false;
    }
    for (size_t i = 0; i < r->m->sinks.len; i++) {
        if (strcmp(r->m->sinks.data[i].path, stmt->path) != 0)
            continue;
        ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_REDEFINED, stmt->span,
                                     "two sinks write '%s'", stmt->path);
        ftl_diag_note(r->m->diags, d, r->m->sinks.data[i].span, "first written here");
        return false;
    }
    return true;
}

static void add_sink(resolver *r, const resolve_item *item)
{
    resolve_eq e;
    ftl_sink sink = {.path = item->stmt->path, .span = item->stmt->span};
    if (!check_path(r, item->stmt))
        return;
    resolve_begin(&e, r, item->scope, item->stmt);
    ftl_node *value = resolve_expr(&e, item->stmt->rhs);
    if (!value)
        return;
    const char *name = ftl_arena_printf(r->m->arena, "sink#%zu", r->m->sinks.len + 1);
    bool is_topk = value->kind == FTL_NODE_CALL && strcmp(value->name, "topk") == 0;
    if (is_topk && !add_topk(&e, value, name, &sink))
        return;
    if (!is_topk) {
        ftl_node *held = hold(&e, value, name);
        if (!held)
            return;
        sink.tensor = find_tensor(r, held);
    }
    *FTL_VEC_PUSH(r->m->arena, &r->m->sinks) = sink;
}

/* ---- queries of the program ---- */

static bool is_bare(const ftl_node *n)
{
    return n->kind == FTL_NODE_NAME || (n->indices.len == 0 && n->kwargs.len == 0 && !n->paren);
}

/* R(x, x) and the like ask for a part of the places: a hidden tensor has what is left. */
bool resolve_is_part_query(const ftl_node *n)
{
    if (n->kind != FTL_NODE_REF)
        return false;
    for (size_t i = 0; i < n->indices.len; i++) {
        const ftl_index *ix = &n->indices.data[i];
        const char *axis = get_axis(ix);
        if (ix->kind == FTL_INDEX_GATHER || (ix->kind == FTL_INDEX_AFFINE && ix->terms.len > 1))
            return true;
        for (size_t k = 0; axis && k < i; k++)
            if (get_axis(&n->indices.data[k]) == axis)
                return true;
    }
    return false;
}

static const char *write_query(resolver *r, const ftl_node *n)
{
    ftl_strbuf sb;
    ftl_strbuf_init(&sb, r->m->arena);
    ftl_syntax_format_node(n, &sb);
    return ftl_strbuf_get(&sb);
}

ftl_query *resolve_push_query(resolver *r, uint32_t tensor, ftl_node *node, ftl_span span)
{
    ftl_query *q = FTL_VEC_PUSH(r->m->arena, &r->m->queries);
    q->tensor = tensor;
    q->span = span;
    for (uint32_t k = 0; k < FTL_MAX_RANK; k++)
        q->hi[k] = INT64_MAX;
    *FTL_VEC_PUSH(r->m->arena, &r->query_nodes) = node;
    return q;
}

static const char *write_constant(resolver *r, const ftl_index *ix)
{
    int64_t number;
    if (ix->kind == FTL_INDEX_SYMBOL)
        return ix->name;
    return resolve_get_number(ix, &number)
               ? ftl_arena_printf(r->m->arena, "%lld", (long long)number)
               : NULL;
}

/* How to print an answer that has these axes as the question was written; not for computed places,
 * whose own numbers are not in the answer. */
static void keep_written(resolver *r, ftl_query *q, const ftl_node *asked,
                         const resolve_names *axes)
{
    ftl_query_place *written = FTL_NEW_ARRAY(r->m->arena, ftl_query_place, asked->indices.len);
    for (size_t i = 0; i < asked->indices.len; i++) {
        const char *axis = get_axis(&asked->indices.data[i]);
        size_t k = 0;
        written[i].constant = write_constant(r, &asked->indices.data[i]);
        while (k < axes->len && axes->data[k] != axis)
            k++;
        if (k == axes->len && !written[i].constant)
            return;
        written[i].dim = (uint32_t)k;
    }
    q->name = asked->name;
    q->written = written;
    q->n_written = (uint32_t)asked->indices.len;
}

ftl_query *resolve_make_query(resolver *r, const resolve_item *item)
{
    resolve_eq e;
    uint32_t tensor;
    resolve_names axes = {0};
    ftl_node *ref;
    const ftl_node *lhs = item->stmt->lhs;
    resolve_begin(&e, r, item->scope, item->stmt);
    if (is_bare(lhs) && resolve_find_tensor(item->scope, lhs->name, &tensor))
        ref = resolve_make_ref(r, tensor, lhs->span);
    else
        ref = resolve_reference(&e, lhs);
    const ftl_node *asked = ref && resolve_is_part_query(ref) ? ref : NULL;
    if (asked)
        ref =
            resolve_list_axes(&e, ref, NULL, &axes)
                ? make_hidden(r, ftl_arena_printf(r->m->arena, "query#%zu", r->m->queries.len + 1),
                              ref, &axes)
                : NULL;
    if (!ref)
        return NULL;
    ftl_query *q = resolve_push_query(r, find_tensor(r, ref), ref, item->stmt->span);
    if (asked)
        keep_written(r, q, asked, &axes);
    return q;
}

static void add_query(resolver *r, const resolve_item *item)
{
    ftl_query *q = resolve_make_query(r, item);
    if (!q)
        return;
    q->text = write_query(r, item->stmt->lhs);
    q->is_printed = true;
}

void resolve_outputs(resolver *r)
{
    for (size_t i = 0; i < r->items.len; i++) {
        const resolve_item *item = &r->items.data[i];
        if (item->scope->module != r->modules.data[0])
            continue;
        if (item->stmt->kind == FTL_STMT_SINK)
            add_sink(r, item);
        else if (item->stmt->kind == FTL_STMT_QUERY)
            add_query(r, item);
        resolve_run_jobs(r);
    }
    for (size_t i = 0; i < r->items.len; i++) {
        const resolve_item *item = &r->items.data[i];
        for (size_t k = 0; item->stmt->kind == FTL_STMT_EXPORT && k < item->stmt->names.len; k++)
            if (item->scope->module == r->modules.data[0])
                add_export(r, item, &item->stmt->names.data[k]);
    }
}

/* ---- programs without any ---- */

/* Functions, constants and declarations alone are made for others to import. */
void resolve_doubt_outputs(resolver *r)
{
    const resolve_item *last = NULL;
    for (size_t i = 0; i < r->items.len; i++) {
        const resolve_item *item = &r->items.data[i];
        bool defines = item->stmt->kind == FTL_STMT_EQUATION || item->stmt->kind == FTL_STMT_FACT ||
                       item->stmt->kind == FTL_STMT_SOURCE;
        if (item->scope->module != r->modules.data[0])
            continue;
        if (item->stmt->kind == FTL_STMT_EXPORT || item->stmt->kind == FTL_STMT_SINK ||
            item->stmt->kind == FTL_STMT_QUERY)
            return;
        last = defines && !item->stmt->is_let ? item : last;
    }
    bool is_empty = r->modules.data[0]->tree->stmts.len == 0;
    if (r->m->options.n_queries > 0 || r->m->diags->errors > 0 || (!last && !is_empty))
        return;
    ftl_diag *d =
        ftl_diag_warn(r->m->diags, FTL_W_NO_OUTPUT, last ? last->stmt->span : (ftl_span){0},
                      "nothing is exported, queried or written: a run shows nothing");
    if (last)
        ftl_diag_hint(r->m->diags, d, "add a line: export %s", last->stmt->lhs->name);
}
