/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of symbols: as declared, else as first met, walking through facts, sources and left sides
 * in the order of the program (a relation row by row), then through inputs. Facts become tuples;
 * columns of files that hold symbols are numbered anew by their domains.
 */
#include "check/resolve.h"

static const char *suggest_symbol(const ftl_domain *d, const char *name)
{
    return d->symbols.len <= 100000 ? ftl_suggest(name, d->symbols.data, d->symbols.len) : NULL;
}

void resolve_fail_symbol(resolver *r, int32_t domain, const char *symbol, ftl_span span)
{
    const ftl_domain *d = &r->m->domains.data[domain];
    ftl_diag *diag = ftl_diag_error(r->m->diags, FTL_E_SYMBOL, span, "'%s' is not in domain '%s'",
                                    symbol, d->name);
    const char *near = suggest_symbol(d, symbol);
    ftl_diag_note(r->m->diags, diag, d->span, "'%s' is declared here with %zu symbols", d->name,
                  d->symbols.len);
    if (near)
        ftl_diag_hint(r->m->diags, diag, "did you mean '%s'?", near);
}

/* Number of a symbol, made when the domain is open and it is new. */
static bool number_symbol(resolver *r, int32_t domain, const char *symbol, ftl_span span,
                          int64_t *out)
{
    uint64_t found;
    ftl_domain *d = &r->m->domains.data[domain];
    if (ftl_map_find(&d->numbers, FTL_KEY(symbol), &found)) {
        *out = (int64_t)found;
        return true;
    }
    if (d->is_closed) {
        resolve_fail_symbol(r, domain, symbol, span);
        return false;
    }
    *out = (int64_t)d->symbols.len;
    ftl_map_put(&d->numbers, FTL_KEY(symbol), d->symbols.len);
    *FTL_VEC_PUSH(r->m->arena, &d->symbols) = symbol;
    return true;
}

/* ---- facts ---- */

static bool number_place(resolver *r, const resolve_fact *fact, uint32_t place, int64_t *out)
{
    const ftl_tensor_decl *t = &r->m->tensors.data[fact->tensor];
    const ftl_index *ix = &fact->node->indices.data[place];
    const char *name = ix->kind == FTL_INDEX_SYMBOL ? ix->name : resolve_get_plain(ix);
    int32_t domain = t->domain[place];
    if (name)
        return number_symbol(r, domain, name, fact->span, out);
    resolve_get_number(ix, out);
    if (domain < 0)
        return true;
    const ftl_domain *d = &r->m->domains.data[domain];
    if (!d->is_closed)
        ftl_diag_error(r->m->diags, FTL_E_SYMBOL, fact->span,
                       "place %u of '%s' holds symbols, here it holds the number %lld", place + 1,
                       t->name, (long long)*out);
    else if (*out >= (int64_t)d->symbols.len)
        ftl_diag_error(r->m->diags, FTL_E_RANGE, fact->span,
                       "domain '%s' has %zu symbols, there is no number %lld", d->name,
                       d->symbols.len, (long long)*out);
    else
        return true;
    return false;
}

static void add_fact(resolver *r, const resolve_fact *fact)
{
    ftl_tensor_decl *t = &r->m->tensors.data[fact->tensor];
    resolve_tensor *extra = &r->tensors.data[fact->tensor];
    int64_t row[FTL_MAX_RANK];
    bool sound = fact->is_sound && t->rank == fact->node->indices.len;
    for (uint32_t k = 0; sound && k < t->rank; k++)
        sound = number_place(r, fact, k, &row[k]);
    if (!sound) {
        extra->is_broken = true;
        return;
    }
    for (uint32_t k = 0; k < t->rank; k++) {
        extra->columns[k][t->facts->count] = row[k];
        if (t->facts->shape[k] <= row[k])
            t->facts->shape[k] = row[k] + 1;
    }
    t->facts->count++;
    t->facts_span = t->facts->count == 1 ? fact->span : t->facts_span;
}

static void make_columns(resolver *r)
{
    size_t *count = FTL_NEW_ARRAY(r->m->arena, size_t, r->m->tensors.len);
    for (size_t i = 0; i < r->facts.len; i++)
        count[r->facts.data[i].tensor]++;
    for (size_t i = 0; i < r->m->tensors.len; i++) {
        ftl_tensor_decl *t = &r->m->tensors.data[i];
        if (count[i] == 0)
            continue;
        t->facts = FTL_NEW(r->m->arena, ftl_source_info);
        t->facts->dtype = FTL_DTYPE_BOOL;
        t->facts->rank = t->rank;
        t->facts->is_tuples = true;
        r->tensors.data[i].columns = FTL_NEW_ARRAY(r->m->arena, int64_t *, t->rank);
        for (uint32_t k = 0; k < t->rank; k++) {
            r->tensors.data[i].columns[k] = FTL_NEW_ARRAY(r->m->arena, int64_t, count[i]);
            t->facts->columns[k] = r->tensors.data[i].columns[k];
        }
    }
}

/* ---- files ---- */

typedef struct renumber {
    int64_t *column; /* the new one */
    int64_t *number; /* by the file's number, -1: not met */
    int32_t domain;
    ftl_span span;
} renumber;

static bool start_column(resolver *r, const ftl_tensor_decl *t, uint32_t k, ftl_span span,
                         renumber *c)
{
    const ftl_source_info *s = t->source;
    c->domain = t->domain[k];
    c->column = FTL_NEW_ARRAY(r->m->arena, int64_t, (size_t)s->count);
    c->number = FTL_NEW_ARRAY(r->m->arena, int64_t, (size_t)s->n_symbols[k]);
    for (int64_t i = 0; i < s->n_symbols[k]; i++) {
        const char *symbol = ftl_intern_cstr(r->m->names, s->symbols[k][i]);
        c->number[i] = -1;
        if (s->has_vocabulary && !number_symbol(r, c->domain, symbol, span, &c->number[i]))
            return false;
    }
    return true;
}

static bool number_cell(resolver *r, const ftl_source_info *s, uint32_t k, renumber *c, int64_t row)
{
    int64_t old = s->columns[k][row];
    if (old < 0 || old >= s->n_symbols[k])
        return true;
    if (c->number[old] < 0) {
        const char *symbol = ftl_intern_cstr(r->m->names, s->symbols[k][old]);
        if (!number_symbol(r, c->domain, symbol, c->span, &c->number[old]))
            return false;
    }
    c->column[row] = c->number[old];
    return true;
}

/* Columns of symbols are written anew, in the order in which their rows meet the symbols. */
static void number_source(resolver *r, uint32_t tensor, ftl_span span)
{
    ftl_tensor_decl *t = &r->m->tensors.data[tensor];
    ftl_source_info *s = t->source;
    renumber columns[FTL_MAX_RANK] = {0};
    bool sound = true;
    if (!r->tensors.data[tensor].is_loaded || !s->is_tuples)
        return;
    for (uint32_t k = 0; k < t->rank; k++) {
        columns[k].span = span;
        if (s->is_text[k])
            sound &= start_column(r, t, k, span, &columns[k]);
    }
    for (int64_t row = 0; sound && row < s->count; row++)
        for (uint32_t k = 0; k < t->rank; k++)
            sound &= !s->is_text[k] || number_cell(r, s, k, &columns[k], row);
    for (uint32_t k = 0; k < t->rank; k++) {
        if (!s->is_text[k])
            continue;
        s->columns[k] = columns[k].column;
        s->shape[k] = s->has_vocabulary ? s->n_symbols[k] : 0;
        for (int64_t row = 0; sound && row < s->count; row++)
            if (s->shape[k] <= s->columns[k][row])
                s->shape[k] = s->columns[k][row] + 1;
    }
}

/* ---- left sides ---- */

static void number_head(resolver *r, const resolve_flat *flat)
{
    const ftl_tensor_decl *t = &r->m->tensors.data[flat->tensor];
    uint32_t place = 0;
    int64_t number;
    for (size_t k = 0; k < flat->stmt->lhs->indices.len; k++) {
        const ftl_index *ix = &flat->stmt->lhs->indices.data[k];
        if (ix->kind == FTL_INDEX_SYMBOL && t->domain[place] >= 0)
            number_symbol(r, t->domain[place], ix->name, flat->span, &number);
        place += ix->kind != FTL_INDEX_TIME;
    }
}

void resolve_number_symbols(resolver *r)
{
    make_columns(r);
    for (size_t i = 0; i < r->data.len; i++) {
        const resolve_data *data = &r->data.data[i];
        if (data->kind == RESOLVE_DATA_FACT)
            add_fact(r, &r->facts.data[data->index]);
        else if (data->kind == RESOLVE_DATA_SOURCE)
            number_source(r, (uint32_t)data->index, r->tensors.data[data->index].source->span);
        else if (!r->flats.data[data->index].is_dropped)
            number_head(r, &r->flats.data[data->index]);
    }
    for (uint32_t i = 0; i < r->m->tensors.len; i++)
        if (r->m->tensors.data[i].origin == FTL_ORIGIN_INPUT)
            number_source(r, i, r->m->tensors.data[i].span);
}
