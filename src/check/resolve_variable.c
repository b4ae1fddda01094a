/* SPDX-License-Identifier: Apache-2.0
 *
 * Variables that were meant as symbols. A name is a variable where neither a domain nor a fact
 * makes it a constant, so a slip of the pen or a symbol that only a file has asks for everything
 * instead of one thing. Doubtful is a name that no left side has, that no statement uses twice, and
 * that is a symbol of the place where it stands, one slip away from one, or a symbol elsewhere.
 */
#include "check/resolve.h"

#define MAX_SYMBOLS 100000 /* of a domain that is searched for a near one */
#define MAX_SEARCHES 100
#define NEAR_LENGTH 4 /* shorter names are near to too much */

typedef struct watcher {
    resolver *r;
    const resolve_flat *flat;
    uint64_t stamp; /* of the statement */
    ftl_map seen;   /* name -> stamp of the last statement that has it */
} watcher;

/* ---- names that are variables somewhere ---- */

static void see(watcher *w, const char *name)
{
    uint64_t stamp = 0;
    if (ftl_map_find(&w->seen, FTL_KEY(name), &stamp) && stamp == w->stamp)
        ftl_map_put(&w->r->variables, FTL_KEY(name), 1);
    ftl_map_put(&w->seen, FTL_KEY(name), w->stamp);
}

static void see_node(watcher *w, const ftl_node *n)
{
    if (n->kind == FTL_NODE_NAME || n->kind == FTL_NODE_STRING)
        see(w, n->name);
    for (size_t i = 0; i < n->axes.len; i++)
        see(w, n->axes.data[i].name);
    for (size_t i = 0; i < n->indices.len; i++) {
        const ftl_index *ix = &n->indices.data[i];
        for (size_t k = 0; k < ix->terms.len; k++)
            if (ix->terms.data[k].name)
                see(w, ix->terms.data[k].name);
        if (ix->name)
            see(w, ix->name);
        if (ix->gather)
            see_node(w, ix->gather);
    }
    for (size_t i = 0; n->kind != FTL_NODE_REF && i < n->args.len; i++)
        see_node(w, n->args.data[i]);
    for (size_t i = 0; i < n->kwargs.len; i++)
        see_node(w, n->kwargs.data[i].value);
}

/* What stands on a left side is a variable, unless it is a constant there. */
static void see_left(watcher *w, const ftl_node *lhs)
{
    for (size_t i = 0; i < lhs->indices.len; i++) {
        const char *name = resolve_get_plain(&lhs->indices.data[i]);
        if (name && !(w->flat && ftl_map_find(&w->flat->constants, FTL_KEY(name), NULL)))
            ftl_map_put(&w->r->variables, FTL_KEY(name), 1);
    }
}

static void see_flat(watcher *w, const resolve_flat *flat)
{
    w->flat = flat;
    w->stamp++;
    see_left(w, flat->stmt->lhs);
    see_node(w, flat->stmt->rhs);
    if (flat->stmt->guard)
        see_node(w, flat->stmt->guard);
}

/* ---- names that are near ---- */

static char fold_case(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One letter more, less or other, two neighbours exchanged, or another case: a slip. Numbers that
 * differ are none: city1, city2. */
static bool is_slip(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    while (na > 0 && nb > 0 && fold_case(a[na - 1]) == fold_case(b[nb - 1]))
        na--, nb--;
    while (na > 0 && nb > 0 && fold_case(*a) == fold_case(*b))
        a++, b++, na--, nb--;
    if (na == 2 && nb == 2)
        return fold_case(a[0]) == fold_case(b[1]) && fold_case(a[1]) == fold_case(b[0]);
    return na <= 1 && nb <= 1 && !(na == 1 && is_digit(*a)) && !(nb == 1 && is_digit(*b));
}

static const char *find_near(resolver *r, const ftl_domain *d, const char *name)
{
    if (strlen(name) < NEAR_LENGTH || d->symbols.len > MAX_SYMBOLS ||
        r->n_searched++ >= MAX_SEARCHES)
        return NULL;
    for (size_t i = 0; i < d->symbols.len; i++)
        if (is_slip(name, d->symbols.data[i]))
            return d->symbols.data[i];
    return NULL;
}

/* ---- warnings ---- */

static void warn(resolver *r, const char *name, ftl_span span, const char *symbol)
{
    ftl_diag *d = ftl_diag_warn(r->m->diags, FTL_W_VARIABLE, span,
                                "'%s' is a variable here: it stands for anything", name);
    if (symbol == name)
        ftl_diag_hint(r->m->diags, d, "write \"%s\" for the symbol, or _ for anything", name);
    else
        ftl_diag_hint(r->m->diags, d, "did you mean the symbol '%s'? write _ for anything", symbol);
}

/* domain P = {ann}; Age[p] = ...; S = Age[ann]: the place of Age has no domain. */
static void warn_elsewhere(resolver *r, const char *name, ftl_span span, int32_t declared)
{
    const ftl_domain *domain = &r->m->domains.data[declared];
    ftl_diag *d = ftl_diag_warn(r->m->diags, FTL_W_VARIABLE, span,
                                "'%s' is a variable here: it stands for anything", name);
    ftl_diag_note(r->m->diags, d, domain->span, "it is a symbol of '%s', this place has none",
                  domain->name);
    ftl_diag_hint(r->m->diags, d,
                  "an axis has the domain of its name: write '%s' for it where the tensor is made",
                  domain->name);
}

void resolve_doubt_variable(resolver *r, int32_t domain, const char *name, ftl_span span)
{
    uint64_t found = 0;
    if (ftl_map_find(&r->variables, FTL_KEY(name), NULL) || resolve_is_declared_axis(r, name))
        return;
    ftl_map_find(&r->symbols, FTL_KEY(name), &found);
    const resolve_symbol *s = (const resolve_symbol *)(uintptr_t)found;
    if (domain >= 0) {
        const ftl_domain *d = &r->m->domains.data[domain];
        bool is_symbol = s || ftl_map_find(&d->numbers, FTL_KEY(name), NULL);
        const char *symbol = is_symbol ? name : find_near(r, d, name);
        if (symbol)
            warn(r, name, span, symbol);
    } else if (s && s->declared >= 0 && name[0] && name[1]) {
        warn_elsewhere(r, name, span, s->declared);
    }
}

static void doubt_node(watcher *w, const ftl_node *n)
{
    uint64_t tensor;
    if (n->kind == FTL_NODE_REF &&
        ftl_map_find(&w->r->m->tensor_by_name, FTL_KEY(n->name), &tensor)) {
        const ftl_tensor_decl *t = &w->r->m->tensors.data[tensor];
        uint32_t place = 0;
        for (size_t i = 0; i < n->indices.len; i++) {
            const ftl_index *ix = &n->indices.data[i];
            const char *name = resolve_get_plain(ix);
            if (name && !ftl_map_find(&w->flat->constants, FTL_KEY(name), NULL))
                resolve_doubt_variable(w->r, t->domain[place], name, ix->span);
            place += ix->kind != FTL_INDEX_TIME;
            if (ix->gather)
                doubt_node(w, ix->gather);
        }
        return;
    }
    for (size_t i = 0; i < n->args.len; i++)
        doubt_node(w, n->args.data[i]);
    for (size_t i = 0; i < n->kwargs.len; i++)
        doubt_node(w, n->kwargs.data[i].value);
}

void resolve_doubt_variables(resolver *r)
{
    watcher w = {.r = r};
    ftl_map_init(&w.seen, r->m->arena);
    ftl_map_init(&r->variables, r->m->arena);
    for (size_t i = 0; i < r->tensors.len; i++)
        if (r->tensors.data[i].source)
            see_left(&w, r->tensors.data[i].source->lhs);
    for (size_t i = 0; i < r->flats.len; i++)
        if (!r->flats.data[i].is_dropped)
            see_flat(&w, &r->flats.data[i]);
    for (size_t i = 0; i < r->flats.len; i++) {
        w.flat = &r->flats.data[i];
        if (w.flat->is_dropped || w.flat->is_hidden)
            continue;
        doubt_node(&w, w.flat->stmt->rhs);
        if (w.flat->stmt->guard)
            doubt_node(&w, w.flat->stmt->guard);
    }
}
