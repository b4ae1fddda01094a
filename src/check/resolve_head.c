/* SPDX-License-Identifier: Apache-2.0
 *
 * Heads: what each statement defines. The first definition of a name settles its kind (brackets or
 * parentheses), its rank, its place of virtual time and its projection; later ones have to agree.
 */
#include "check/resolve.h"

uint32_t resolve_add_tensor(resolver *r, const char *name, ftl_span span)
{
    const char *free_name = name;
    for (size_t k = 2; ftl_map_find(&r->m->tensor_by_name, FTL_KEY(free_name), NULL); k++) {
        const char *text = ftl_arena_printf(r->m->arena, "%s#%zu", name, k + r->n_renamed);
        free_name = ftl_intern_cstr(r->m->names, text);
        r->n_renamed++;
    }
    uint32_t index = (uint32_t)r->m->tensors.len;
    ftl_tensor_decl *t = FTL_VEC_PUSH(r->m->arena, &r->m->tensors);
    t->name = free_name;
    t->span = span;
    t->dtype = FTL_DTYPE_F32;
    t->source = t->facts = r->nothing;
    t->origin = FTL_ORIGIN_UNKNOWN;
    for (uint32_t k = 0; k < FTL_MAX_RANK; k++) {
        t->extent[k] = -1;
        t->domain[k] = -1;
    }
    FTL_VEC_PUSH(r->m->arena, &r->tensors)->place0 = 0;
    ftl_map_put(&r->m->tensor_by_name, FTL_KEY(free_name), index);
    return index;
}

bool resolve_find_tensor(const resolve_scope *scope, const char *name, uint32_t *tensor)
{
    uint64_t found;
    for (; scope; scope = scope->outer) {
        if (!ftl_map_find(&scope->tensors, FTL_KEY(name), &found))
            continue;
        *tensor = (uint32_t)found;
        return true;
    }
    return false;
}

uint32_t resolve_count_places(const ftl_node *n, uint32_t *time_place)
{
    uint32_t rank = 0;
    *time_place = UINT32_MAX;
    for (size_t i = 0; i < n->indices.len; i++) {
        if (n->indices.data[i].kind == FTL_INDEX_TIME)
            *time_place = (uint32_t)i;
        else
            rank++;
    }
    return rank;
}

/* ---- agreement of definitions ---- */

static const char *count_indices(resolver *r, uint32_t n)
{
    return n == 1 ? "1 index" : ftl_arena_printf(r->m->arena, "%u indices", n);
}

static bool check_kind(resolver *r, ftl_tensor_decl *t, const ftl_stmt *stmt)
{
    bool paren = stmt->lhs->kind == FTL_NODE_REF && stmt->lhs->paren;
    if (!t->has_kind) {
        t->has_kind = true;
        t->is_boolean = paren;
        t->span = stmt->span;
        if (paren)
            t->dtype = FTL_DTYPE_BOOL;
    } else if (t->is_boolean != paren) {
        ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_KIND, stmt->span,
                                     "'%s' is %s here and %s elsewhere: one name has one kind",
                                     t->name, paren ? "a relation, ()," : "numeric, [],",
                                     paren ? "numeric, []," : "a relation, (),");
        ftl_diag_note(r->m->diags, d, t->span, "first defined here");
        return false;
    }
    if (stmt->kind != FTL_STMT_EQUATION || stmt->proj != FTL_PROJ_ARROW || paren)
        return true;
    ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_KIND, stmt->span,
                                 "'<-' defines a relation, but '%s' is written with []", t->name);
    ftl_diag_hint(r->m->diags, d, "write %s(...) <- ..., or use '='", t->name);
    return false;
}

static bool check_time(resolver *r, ftl_tensor_decl *t, const ftl_stmt *stmt, uint32_t place)
{
    resolve_tensor *extra = &r->tensors.data[t - r->m->tensors.data];
    bool has = place != UINT32_MAX;
    int64_t offset = has ? stmt->lhs->indices.data[place].time_offset : 0;
    const char *why = NULL;
    if (offset != 0 && offset != 1)
        why = "a left side is at *t or at *t+1";
    else if (extra->is_defined && (t->has_time != has || (has && t->time_place != place)))
        why = "its other definitions have virtual time in another place";
    else if (extra->is_defined && has && t->time_max != offset)
        why = "its other definitions are at another step of virtual time";
    if (why) {
        ftl_diag_error(r->m->diags, FTL_E_TIME, stmt->span, "'%s' cannot be defined so: %s",
                       t->name, why);
        return false;
    }
    t->has_time = has;
    t->time_place = has ? place : 0;
    t->time_min = t->time_max = offset;
    return true;
}

static bool check_rank(resolver *r, ftl_tensor_decl *t, const ftl_stmt *stmt)
{
    uint32_t time_place, rank = resolve_count_places(stmt->lhs, &time_place);
    resolve_tensor *extra = &r->tensors.data[t - r->m->tensors.data];
    if (rank + (time_place != UINT32_MAX) < stmt->lhs->indices.len) {
        ftl_diag_error(r->m->diags, FTL_E_TIME, stmt->span, "'%s' has two indices of virtual time",
                       t->name);
        return false;
    }
    if (rank > FTL_MAX_RANK) {
        ftl_diag_error(r->m->diags, FTL_E_RANK, stmt->span,
                       "'%s' has %u indices, at most %d are possible", t->name, rank, FTL_MAX_RANK);
        return false;
    }
    if (!check_time(r, t, stmt, time_place))
        return false;
    if (extra->is_defined && t->rank != rank) {
        ftl_diag *d =
            ftl_diag_error(r->m->diags, FTL_E_RANK, stmt->span, "'%s' has %s here, elsewhere %s",
                           t->name, count_indices(r, rank), count_indices(r, t->rank));
        ftl_diag_note(r->m->diags, d, t->span, "first defined here");
        return false;
    }
    t->rank = rank;
    return true;
}

static ftl_proj get_projection(ftl_proj proj)
{
    return proj == FTL_PROJ_PLUS || proj == FTL_PROJ_ARROW ? FTL_PROJ_SUM : proj;
}

static bool check_projection(resolver *r, const ftl_tensor_decl *t, const ftl_stmt *stmt)
{
    static const char *const texts[] = {"=", "+=", "max=", "min=", "avg=", "*=", "lse=", "<-"};
    resolve_tensor *extra = &r->tensors.data[t - r->m->tensors.data];
    if (!extra->first) {
        extra->first = stmt;
        return true;
    }
    ftl_diag *d;
    if (get_projection(extra->first->proj) != get_projection(stmt->proj))
        d = ftl_diag_error(r->m->diags, FTL_E_PROJECTION, stmt->span,
                           "'%s' has the projection '%s' here and '%s' elsewhere: one head has one",
                           t->name, texts[stmt->proj], texts[extra->first->proj]);
    else if (stmt->proj == FTL_PROJ_AVG)
        d = ftl_diag_error(r->m->diags, FTL_E_PROJECTION, stmt->span,
                           "'%s' has two equations with 'avg=': there is no one mean of them",
                           t->name);
    else
        return true;
    ftl_diag_note(r->m->diags, d, extra->first->span, "first equation here");
    return false;
}

static bool check_name(resolver *r, const resolve_scope *scope, const ftl_stmt *stmt)
{
    const char *name = stmt->lhs->name;
    uint64_t index;
    ftl_builtin builtin;
    ftl_span first;
    const char *sort;
    if (ftl_map_find(&scope->module->constants, FTL_KEY(name), &index)) {
        first = r->constants.data[index]->stmt->span;
        sort = "constant";
    } else if (ftl_map_find(&scope->module->fns, FTL_KEY(name), &index)) {
        first = r->fns.data[index]->stmt->span;
        sort = "function";
    } else if (stmt->lhs->kind == FTL_NODE_REF && stmt->lhs->paren &&
               ftl_builtin_find(name, &builtin) &&
               strcmp(ftl_builtin_get_info(builtin)->name, name) == 0) {
        ftl_diag_error(r->m->diags, FTL_E_REDEFINED, stmt->span,
                       "'%s' is a builtin function; give the relation another name", name);
        return false;
    } else {
        return true;
    }
    ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_REDEFINED, stmt->span, "'%s' is a %s already",
                                 name, sort);
    ftl_diag_note(r->m->diags, d, first, "declared here");
    return false;
}

/* ---- statements ---- */

/* The tensor that a left side defines in its scope, made when it is new. */
static uint32_t find_head(resolver *r, resolve_scope *scope, const ftl_stmt *stmt)
{
    uint32_t tensor;
    const ftl_node *lhs = stmt->lhs;
    if (resolve_find_tensor(scope, lhs->name, &tensor))
        return tensor;
    resolve_module *module = scope->module;
    const char *full = ftl_arena_printf(r->m->arena, "%s%s", module->prefix, lhs->name);
    tensor = resolve_add_tensor(r, ftl_intern_cstr(r->m->names, full), stmt->span);
    ftl_map_put(&module->top->tensors, FTL_KEY(lhs->name), tensor);
    return tensor;
}

static void declare_head(resolver *r, resolve_scope *scope, const ftl_stmt *stmt)
{
    if (stmt->lhs->ns) {
        ftl_diag_error(r->m->diags, FTL_E_REDEFINED, stmt->span,
                       "'%s::%s' belongs to the imported file and cannot be defined here",
                       stmt->lhs->ns, stmt->lhs->name);
        return;
    }
    if (!check_name(r, scope, stmt))
        return;
    uint32_t tensor = find_head(r, scope, stmt);
    ftl_tensor_decl *t = &r->m->tensors.data[tensor];
    bool sound = check_kind(r, t, stmt) && check_rank(r, t, stmt) &&
                 (stmt->kind != FTL_STMT_EQUATION || check_projection(r, t, stmt));
    resolve_tensor *extra = &r->tensors.data[tensor];
    extra->is_defined = true;
    if (!sound) {
        extra->is_poisoned = true;
        return;
    }
    extra->n_sources += stmt->kind == FTL_STMT_SOURCE;
    extra->n_others += stmt->kind != FTL_STMT_SOURCE;
    if (extra->first == stmt || (stmt->kind == FTL_STMT_SOURCE && !extra->names))
        extra->names = stmt->lhs;
    *FTL_VEC_PUSH(r->m->arena, &r->items) = (resolve_item){stmt, scope, tensor};
}

resolve_scope *resolve_make_scope(resolver *r, resolve_scope *outer, resolve_module *module)
{
    resolve_scope *scope = FTL_NEW(r->m->arena, resolve_scope);
    *scope = (resolve_scope){.outer = outer, .module = module};
    ftl_map_init(&scope->tensors, r->m->arena);
    return scope;
}

static void declare_stmts(resolver *r, resolve_scope *scope, const ftl_stmts *stmts);

/* The lets of a block are its own, wherever they stand in it. */
static void declare_block(resolver *r, resolve_scope *outer, const ftl_stmt *block)
{
    resolve_scope *scope = resolve_make_scope(r, outer, outer->module);
    for (size_t i = 0; i < block->body.len; i++) {
        const ftl_stmt *stmt = block->body.data[i];
        if (!stmt->is_let || !stmt->lhs ||
            ftl_map_find(&scope->tensors, FTL_KEY(stmt->lhs->name), NULL))
            continue;
        uint32_t tensor = resolve_add_tensor(r, stmt->lhs->name, stmt->span);
        ftl_map_put(&scope->tensors, FTL_KEY(stmt->lhs->name), tensor);
    }
    declare_stmts(r, scope, &block->body);
}

static void declare_stmts(resolver *r, resolve_scope *scope, const ftl_stmts *stmts)
{
    for (size_t i = 0; i < stmts->len; i++) {
        const ftl_stmt *stmt = stmts->data[i];
        switch (stmt->kind) {
        case FTL_STMT_EQUATION:
        case FTL_STMT_SOURCE:
        case FTL_STMT_FACT:
            declare_head(r, scope, stmt);
            break;
        case FTL_STMT_SINK:
        case FTL_STMT_EXPORT:
        case FTL_STMT_QUERY:
            *FTL_VEC_PUSH(r->m->arena, &r->items) = (resolve_item){stmt, scope, 0};
            break;
        case FTL_STMT_BLOCK:
            declare_block(r, scope, stmt);
            break;
        default:
            break;
        }
    }
}

void resolve_heads(resolver *r)
{
    for (size_t i = 0; i < r->modules.len; i++)
        r->modules.data[i]->top = resolve_make_scope(r, NULL, r->modules.data[i]);
    for (size_t i = 0; i < r->modules.len; i++)
        declare_stmts(r, r->modules.data[i]->top, &r->modules.data[i]->tree->stmts);
}
