/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries: of the program (Ancestor(bea, x)?) and of the command line, where places are named by
 * the axes of the first equation of the tensor (A[i=3, j=0:4]) or given in order.
 */
#include "check/resolve.h"

#include <math.h>

typedef struct asker {
    resolver *r;
    ftl_query *q;
    const ftl_node *node;
    bool given[FTL_MAX_RANK]; /* by place */
} asker;

static bool fail(asker *a, ftl_span span, const char *fmt, const char *what)
{
    const char *message = ftl_arena_printf(a->r->m->arena, fmt, what);
    ftl_diag_error(a->r->m->diags, FTL_E_QUERY, span, "%s", message);
    return false;
}

/* ---- one place ---- */

static bool set_point(asker *a, uint32_t place, double number, ftl_span span)
{
    if (number != floor(number) || number < 0 || number > 0x1p52)
        return fail(a, span, "%s is no place: places are whole numbers from 0 on",
                    ftl_arena_printf(a->r->m->arena, "%g", number));
    a->q->lo[place] = (int64_t)number;
    a->q->hi[place] = (int64_t)number + 1;
    a->q->is_point[place] = true;
    return true;
}

/* A symbol that an open domain does not have matches nothing: an empty range. */
static bool set_symbol(asker *a, uint32_t place, const char *symbol, ftl_span span)
{
    const ftl_tensor_decl *t = &a->r->m->tensors.data[a->q->tensor];
    int32_t domain = t->domain[place];
    uint64_t number;
    if (domain < 0)
        return fail(a, span, "'%s' is a symbol, but this place holds numbers", symbol);
    const ftl_domain *d = &a->r->m->domains.data[domain];
    if (ftl_map_find(&d->numbers, FTL_KEY(symbol), &number))
        return set_point(a, place, (double)number, span);
    if (d->is_closed) {
        resolve_fail_symbol(a->r, domain, symbol, span);
        return false;
    }
    a->q->lo[place] = a->q->hi[place] = 0;
    return true;
}

static bool read_bound(asker *a, const ftl_node *n, int64_t *out)
{
    double x;
    if (!n)
        return true;
    if (!resolve_is_number(n, &x) || x != floor(x) || fabs(x) > 0x1p52)
        return fail(a, n->span, "%s", "the ends of a range are whole numbers");
    *out = (int64_t)x;
    return true;
}

static bool set_range(asker *a, uint32_t place, const ftl_index *ix)
{
    if (ix->step)
        return fail(a, ix->span, "%s", "a range of a query has no step");
    return read_bound(a, ix->start, &a->q->lo[place]) && read_bound(a, ix->stop, &a->q->hi[place]);
}

static bool set_value(asker *a, uint32_t place, const ftl_node *v)
{
    double x;
    if (resolve_is_number(v, &x))
        return set_point(a, place, x, v->span);
    if (v->kind == FTL_NODE_STRING || v->kind == FTL_NODE_NAME)
        return set_symbol(a, place, v->name, v->span);
    return fail(a, v->span, "%s", "a place is asked for by a number, a symbol or a range");
}

/* A bare name is a symbol where the domain has it, else a variable. */
static bool set_index(asker *a, uint32_t place, const ftl_index *ix)
{
    int64_t number;
    const char *name = resolve_get_plain(ix);
    int32_t domain = a->r->m->tensors.data[a->q->tensor].domain[place];
    if (ix->kind == FTL_INDEX_SYMBOL)
        return set_symbol(a, place, ix->name, ix->span);
    if (ix->kind == FTL_INDEX_SLICE)
        return set_range(a, place, ix);
    if (resolve_get_number(ix, &number))
        return set_point(a, place, (double)number, ix->span);
    if (name && domain >= 0 &&
        ftl_map_find(&a->r->m->domains.data[domain].numbers, FTL_KEY(name), NULL))
        return set_symbol(a, place, name, ix->span);
    if (name)
        resolve_doubt_variable(a->r, domain, name, ix->span);
    return name || ix->kind == FTL_INDEX_ANY ||
           fail(a, ix->span, "%s",
                "a place is asked for by a number, a symbol, a range or a variable");
}

/* ---- places by name ---- */

static const char *get_axis_name(const ftl_index *ix)
{
    if (ix->kind == FTL_INDEX_SLICE || ix->kind == FTL_INDEX_DIV)
        return ix->name;
    for (size_t i = 0; ix->kind == FTL_INDEX_AFFINE && i < ix->terms.len; i++)
        if (ix->terms.data[i].name)
            return ix->terms.data[i].name;
    return NULL;
}

static bool find_place(asker *a, const char *name, ftl_span span, uint32_t *out)
{
    const resolve_tensor *extra = &a->r->tensors.data[a->q->tensor];
    const char *tensor = a->r->m->tensors.data[a->q->tensor].name;
    ftl_strbuf all;
    uint32_t place = 0, found = 0;
    ftl_strbuf_init(&all, a->r->m->arena);
    for (size_t i = 0; extra->names && i < extra->names->indices.len; i++) {
        const ftl_index *ix = &extra->names->indices.data[i];
        const char *axis = get_axis_name(ix);
        if (axis && axis == name && found++ == 0)
            *out = place;
        if (axis)
            ftl_strbuf_printf(&all, "%s%s", all.len > 0 ? ", " : "", axis);
        place += ix->kind != FTL_INDEX_TIME;
    }
    if (found == 1)
        return true;
    ftl_diag *d = ftl_diag_error(a->r->m->diags, FTL_E_QUERY, span,
                                 found ? "'%s' has axis '%s' at several places: ask in their order"
                                       : "'%s' has no axis '%s'",
                                 tensor, name);
    if (all.len > 0)
        ftl_diag_hint(a->r->m->diags, d, "its axes, as its first equation names them: %s",
                      ftl_strbuf_get(&all));
    return false;
}

/* Each place is asked for once. */
static bool take_place(asker *a, uint32_t place, const char *name, ftl_span span)
{
    if (a->given[place])
        return fail(a, span, "%s",
                    name ? ftl_arena_printf(a->r->m->arena, "'%s' is given twice", name)
                         : "a place is given twice");
    a->given[place] = true;
    return true;
}

static bool is_named(asker *a, const ftl_index *ix)
{
    return ix->kind == FTL_INDEX_SLICE && ix->name && !a->q->is_printed;
}

static bool set_places(asker *a)
{
    uint32_t place = 0, positional = 0;
    const ftl_tensor_decl *t = &a->r->m->tensors.data[a->q->tensor];
    for (size_t i = 0; i < a->node->indices.len; i++)
        positional += !is_named(a, &a->node->indices.data[i]) &&
                      a->node->indices.data[i].kind != FTL_INDEX_TIME;
    if (positional > 0 && positional != t->rank)
        return fail(a, a->node->span, "%s",
                    ftl_arena_printf(a->r->m->arena, "'%s' has %u places, the query gives %u",
                                     t->name, t->rank, positional));
    for (size_t i = 0; i < a->node->indices.len; i++) {
        const ftl_index *ix = &a->node->indices.data[i];
        uint32_t at = place;
        if (ix->kind == FTL_INDEX_TIME)
            continue;
        if (is_named(a, ix) && !find_place(a, ix->name, ix->span, &at))
            return false;
        if (!take_place(a, at, ix->name, ix->span) || !set_index(a, at, ix))
            return false;
        place += !is_named(a, ix);
    }
    for (size_t i = 0; i < a->node->kwargs.len; i++) {
        const ftl_kwarg *k = &a->node->kwargs.data[i];
        uint32_t at;
        if (!find_place(a, k->name, k->span, &at) || !take_place(a, at, k->name, k->span) ||
            !set_value(a, at, k->value))
            return false;
    }
    return true;
}

/* ---- queries of the command line ---- */

void resolve_read_queries(resolver *r)
{
    ftl_model *m = r->m;
    resolve_scope *top = r->modules.data[0]->top;
    for (size_t i = 0; i < m->options.n_queries; i++) {
        const char *text = m->options.queries[i];
        uint32_t tensor, file = ftl_diags_add_source(m->diags, "--query", text, strlen(text));
        ftl_node *node = ftl_syntax_parse_query(m->arena, m->names, m->diags, file);
        if (!node)
            continue;
        if (!resolve_find_tensor(top, node->name, &tensor)) {
            ftl_diag *d = ftl_diag_error(m->diags, FTL_E_QUERY, node->span,
                                         "the program has no tensor '%s'", node->name);
            const char *near = resolve_suggest_tensor(r, node->name);
            if (near)
                ftl_diag_hint(m->diags, d, "did you mean '%s'?", near);
            continue;
        }
        ftl_stmt stmt = {.lhs = node, .span = node->span};
        ftl_query *q = resolve_is_part_query(node)
                           ? resolve_make_query(r, &(resolve_item){&stmt, top, tensor})
                           : resolve_push_query(r, tensor, node, node->span);
        if (q)
            q->text = text;
    }
}

void resolve_finish_queries(resolver *r)
{
    for (size_t i = 0; i < r->m->queries.len; i++) {
        asker a = {.r = r, .q = &r->m->queries.data[i], .node = r->query_nodes.data[i]};
        set_places(&a);
    }
}
