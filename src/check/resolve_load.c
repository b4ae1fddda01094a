/* SPDX-License-Identifier: Apache-2.0
 *
 * Load: what the run needs is found by walking from its outputs to the equations behind them;
 * sources and inputs that are needed are looked at. In demand mode the outputs are the queries, if
 * there are any. Of an imported file only what the program reaches is kept.
 */
#include "check/resolve.h"

#define MAX_SUGGESTIONS 20 /* each looks at all names */

typedef struct walker {
    resolver *r;
    FTL_VEC(uint32_t) todo;
    uint32_t *first, *next; /* flats of a tensor: first[tensor] and next[flat], 1 + index, 0 ends */
} walker;

/* ---- what is needed ---- */

static void need(walker *w, uint32_t tensor)
{
    resolve_tensor *extra = &w->r->tensors.data[tensor];
    if (extra->is_needed)
        return;
    extra->is_needed = true;
    *FTL_VEC_PUSH(w->r->m->arena, &w->todo) = tensor;
}

static void need_node(walker *w, const ftl_node *n)
{
    uint64_t tensor;
    if (n->kind == FTL_NODE_REF &&
        ftl_map_find(&w->r->m->tensor_by_name, FTL_KEY(n->name), &tensor))
        need(w, (uint32_t)tensor);
    for (size_t i = 0; i < n->indices.len; i++)
        if (n->indices.data[i].gather)
            need_node(w, n->indices.data[i].gather);
    for (size_t i = 0; i < n->args.len; i++)
        need_node(w, n->args.data[i]);
    for (size_t i = 0; i < n->kwargs.len; i++)
        need_node(w, n->kwargs.data[i].value);
}

static void walk(walker *w)
{
    while (w->todo.len > 0) {
        uint32_t tensor = w->todo.data[--w->todo.len];
        for (uint32_t f = w->first[tensor]; f; f = w->next[f - 1]) {
            resolve_flat *flat = &w->r->flats.data[f - 1];
            need_node(w, flat->stmt->rhs);
            if (flat->stmt->guard)
                need_node(w, flat->stmt->guard);
            need_node(w, flat->stmt->lhs);
        }
    }
}

static bool is_narrow(const resolver *r)
{
    return r->m->options.mode == FTL_MODE_DEMAND;
}

static void need_outputs(walker *w)
{
    ftl_model *m = w->r->m;
    bool by_query = is_narrow(w->r) && w->r->m->options.n_queries > 0;
    for (size_t i = 0; i < m->sinks.len; i++) {
        need(w, m->sinks.data[i].tensor);
        if (m->sinks.data[i].is_topk)
            need(w, m->sinks.data[i].topk_values);
    }
    for (size_t i = 0; i < m->queries.len; i++)
        need(w, m->queries.data[i].tensor);
    for (size_t i = 0; i < m->exports.len && !by_query; i++)
        need(w, m->exports.data[i].tensor);
    /* Also for equations that an error dropped: what they ask for is reported now. */
    for (size_t i = 0; i < w->r->uses.len && !is_narrow(w->r); i++)
        if (w->r->uses.data[i].is_own)
            need(w, w->r->uses.data[i].tensor);
    for (size_t i = 0; i < w->r->items.len && !is_narrow(w->r); i++) {
        const resolve_item *item = &w->r->items.data[i];
        if (item->stmt->lhs && item->scope->module == w->r->modules.data[0] &&
            item->stmt->kind != FTL_STMT_QUERY)
            need(w, item->tensor);
    }
}

static void find_needed(resolver *r)
{
    walker w = {.r = r};
    w.first = FTL_NEW_ARRAY(r->m->arena, uint32_t, r->m->tensors.len);
    w.next = FTL_NEW_ARRAY(r->m->arena, uint32_t, r->flats.len);
    for (size_t i = r->flats.len; i-- > 0;) {
        uint32_t *first = &w.first[r->flats.data[i].tensor];
        w.next[i] = *first;
        *first = (uint32_t)i + 1;
    }
    need_outputs(&w);
    walk(&w);
    for (size_t i = 0; i < r->flats.len; i++)
        r->flats.data[i].is_dropped = !r->tensors.data[r->flats.data[i].tensor].is_needed;
}

/* Exports that a demand run does not reach are not computed. */
static void drop_exports(resolver *r)
{
    ftl_model *m = r->m;
    size_t n = 0;
    for (size_t i = 0; i < m->exports.len; i++)
        if (r->tensors.data[m->exports.data[i].tensor].is_needed)
            m->exports.data[n++] = m->exports.data[i];
    m->exports.len = n;
}

/* ---- sources ---- */

static const char *write_shape(resolver *r, const ftl_source_info *info)
{
    ftl_strbuf sb;
    ftl_strbuf_init(&sb, r->m->arena);
    if (info->rank == 0)
        return "is a single number";
    ftl_strbuf_printf(&sb, "has %u %s (", info->rank, info->rank == 1 ? "axis" : "axes");
    for (uint32_t k = 0; k < info->rank && k < FTL_MAX_RANK; k++)
        ftl_strbuf_printf(&sb, "%s%lld", k > 0 ? " x " : "", (long long)info->shape[k]);
    ftl_strbuf_puts(&sb, ")");
    return ftl_strbuf_get(&sb);
}

/* The names of a tensor's places where they are written: for the header lines of tables. */
static const char *const *list_places(resolver *r, uint32_t tensor, uint32_t rank)
{
    const resolve_tensor *extra = &r->tensors.data[tensor];
    const ftl_node *lhs = extra->source ? extra->source->lhs : extra->names;
    if (!lhs || rank == 0 || lhs->indices.len != rank)
        return NULL;
    const char **names = FTL_NEW_ARRAY(r->m->arena, const char *, rank);
    for (uint32_t k = 0; k < rank; k++) {
        const ftl_index *ix = &lhs->indices.data[k];
        if (ix->kind == FTL_INDEX_AFFINE && ix->terms.len == 1)
            names[k] = ix->terms.data[0].name;
    }
    return names;
}

/* What the loader says of a tensor. */
typedef struct loading {
    bool found;
    ftl_diag_code code; /* why not */
    const char *why;
} loading;

static bool call_loader(resolver *r, uint32_t tensor, bool is_relation, loading *out)
{
    const ftl_loader *loader = r->m->options.loader;
    ftl_tensor_decl *t = &r->m->tensors.data[tensor];
    ftl_load_request q = {.name = t->name,
                          .path = t->path,
                          .is_relation = is_relation,
                          .rank = t->rank,
                          .axes = list_places(r, tensor, t->rank),
                          .message = "no reason is known"};
    *out = (loading){.found = false};
    if (!loader || !loader->load)
        return true;
    bool ok = loader->load(loader->user, &q);
    if (ok && q.found)
        *(t->source = FTL_NEW(r->m->arena, ftl_source_info)) = q.info;
    *out = (loading){q.found, q.is_limit ? FTL_E_LIMIT : FTL_E_FILE, q.message};
    return ok;
}

static void accept(resolver *r, uint32_t tensor, ftl_origin_kind origin)
{
    ftl_tensor_decl *t = &r->m->tensors.data[tensor];
    t->origin = origin;
    t->dtype = t->source->dtype;
    r->tensors.data[tensor].is_loaded = true;
}

static void load_source(resolver *r, uint32_t tensor)
{
    ftl_tensor_decl *t = &r->m->tensors.data[tensor];
    resolve_tensor *extra = &r->tensors.data[tensor];
    loading loaded;
    ftl_span at = extra->source->span;
    extra->is_broken = true;
    if (!call_loader(r, tensor, t->is_boolean, &loaded)) {
        ftl_diag_error(r->m->diags, loaded.code, at, "cannot read '%s' for '%s': %s", t->path,
                       t->name, loaded.why);
    } else if (loaded.found && t->source->rank != t->rank) {
        ftl_diag_error(r->m->diags, FTL_E_RANK, at, "'%s' %s, but '%s' is written with %u %s",
                       t->path, write_shape(r, t->source), t->name, t->rank,
                       t->rank == 1 ? "index" : "indices");
    } else if (!loaded.found && !r->m->options.is_partial) {
        ftl_diag_error(r->m->diags, FTL_E_FILE, at,
                       "cannot read '%s' for '%s': files cannot be read here", t->path, t->name);
    } else {
        extra->is_broken = false;
        if (loaded.found)
            accept(r, tensor, FTL_ORIGIN_SOURCE);
    }
}

/* ---- inputs ---- */

const char *resolve_suggest_tensor(resolver *r, const char *name)
{
    if (r->n_suggested++ >= MAX_SUGGESTIONS)
        return NULL;
    const char **all = FTL_NEW_ARRAY(r->m->arena, const char *, r->m->tensors.len);
    size_t n = 0;
    for (size_t i = 0; i < r->m->tensors.len; i++)
        if (r->tensors.data[i].is_defined || r->tensors.data[i].is_loaded)
            all[n++] = r->m->tensors.data[i].name;
    return ftl_suggest(name, all, n);
}

void resolve_fail_name(resolver *r, const char *name, ftl_span span)
{
    ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_NAME, span,
                                 "'%s' is not defined: no equation, file or input gives it", name);
    const char *near = resolve_suggest_tensor(r, name);
    if (near)
        ftl_diag_hint(r->m->diags, d, "did you mean '%s'?", near);
    else
        ftl_diag_hint(r->m->diags, d,
                      "nobody hands in %s: define it, or give it with --input %s=FILE", name, name);
}

static void load_input(resolver *r, uint32_t tensor, bool is_relation)
{
    ftl_tensor_decl *t = &r->m->tensors.data[tensor];
    resolve_tensor *extra = &r->tensors.data[tensor];
    loading loaded;
    if (!call_loader(r, tensor, is_relation, &loaded)) {
        extra->is_broken = true;
        ftl_diag_error(r->m->diags, loaded.code, t->span, "cannot read input '%s': %s", t->name,
                       loaded.why);
    } else if (loaded.found) {
        accept(r, tensor, FTL_ORIGIN_INPUT);
    } else if (!r->m->options.is_partial) {
        extra->is_broken = true;
        resolve_fail_name(r, t->name, t->span);
    }
}

bool resolve_load_scalar(resolver *r, const char *name, ftl_span span, uint32_t *tensor)
{
    resolve_scope *top = r->modules.data[0]->top;
    loading loaded;
    if (resolve_find_tensor(top, name, tensor))
        return r->m->tensors.data[*tensor].rank == 0;
    *tensor = resolve_add_tensor(r, name, span);
    ftl_map_put(&top->tensors, FTL_KEY(name), *tensor);
    r->tensors.data[*tensor].is_needed = true;
    if (!call_loader(r, *tensor, false, &loaded))
        ftl_diag_error(r->m->diags, loaded.code, span, "cannot read input '%s': %s", name,
                       loaded.why);
    else if (loaded.found && r->m->tensors.data[*tensor].source->rank == 0) {
        accept(r, *tensor, FTL_ORIGIN_INPUT);
        return true;
    }
    r->tensors.data[*tensor].is_broken = true;
    return r->m->options.is_partial;
}

/* Each use of an input has as many indices as the input has axes; without one, as the first use
 * has. */
static void check_uses(resolver *r)
{
    for (size_t i = 0; i < r->uses.len; i++) {
        const resolve_use *use = &r->uses.data[i];
        ftl_tensor_decl *t = &r->m->tensors.data[use->tensor];
        resolve_tensor *extra = &r->tensors.data[use->tensor];
        uint32_t rank = extra->is_loaded ? t->source->rank : t->rank;
        if (!extra->is_needed || use->rank == rank)
            continue;
        extra->is_broken = true;
        if (extra->is_loaded)
            ftl_diag_error(r->m->diags, FTL_E_RANK, use->span, "input '%s' %s, here it has %u %s",
                           t->name, write_shape(r, t->source), use->rank,
                           use->rank == 1 ? "index" : "indices");
        else
            ftl_diag_error(r->m->diags, FTL_E_RANK, use->span, "'%s' has %u %s here, elsewhere %u",
                           t->name, use->rank, use->rank == 1 ? "index" : "indices", rank);
    }
    for (size_t i = 0; i < r->m->tensors.len; i++)
        if (r->tensors.data[i].is_loaded)
            r->m->tensors.data[i].rank = r->m->tensors.data[i].source->rank;
}

void resolve_load(resolver *r)
{
    find_needed(r);
    drop_exports(r);
    bool *paren = FTL_NEW_ARRAY(r->m->arena, bool, r->m->tensors.len);
    for (size_t i = r->uses.len; i-- > 0;)
        paren[r->uses.data[i].tensor] = r->uses.data[i].paren;
    for (size_t i = 0; i < r->data.len; i++)
        if (r->data.data[i].kind == RESOLVE_DATA_SOURCE &&
            r->tensors.data[r->data.data[i].index].is_needed)
            load_source(r, (uint32_t)r->data.data[i].index);
    for (uint32_t i = 0; i < r->m->tensors.len; i++)
        if (r->tensors.data[i].is_needed && !r->tensors.data[i].is_defined)
            load_input(r, i, paren[i]);
    check_uses(r);
}
