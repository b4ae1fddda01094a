/* SPDX-License-Identifier: Apache-2.0
 *
 * Domains of places. Every place of every tensor is an element of a union-find forest; variables
 * that stand at several places join them. A class belongs to a declared domain when an axis of that
 * name stands there, or when a fact puts one of its symbols there. Which bare names are constants
 * depends on the classes, and the classes depend on which names are variables: names that no domain
 * and no fact knows join first; the others are constants where their class has them, and join only
 * when it does not.
 */
#include "check/resolve.h"

/* ---- the forest ---- */

uint32_t resolve_find_class(resolver *r, uint32_t place)
{
    resolve_place *p = r->places;
    while (p[place].up != place) {
        p[place].up = p[p[place].up].up;
        place = p[place].up;
    }
    return place;
}

static void fail_clash(resolver *r, uint32_t a, uint32_t b, const char *name, ftl_span span)
{
    const ftl_domain *da = &r->m->domains.data[r->places[a].domain];
    const ftl_domain *db = &r->m->domains.data[r->places[b].domain];
    ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_SYMBOL, span,
                                 "'%s' stands for symbols of domain '%s' and of domain '%s' here",
                                 name, da->name, db->name);
    ftl_diag_note(r->m->diags, d, db->span, "'%s' is declared here", db->name);
}

static void join(resolver *r, uint32_t a, uint32_t b, const char *name, ftl_span span)
{
    a = resolve_find_class(r, a);
    b = resolve_find_class(r, b);
    if (a == b)
        return;
    if (b < a) {
        uint32_t t = a;
        a = b;
        b = t;
    }
    resolve_place *pa = &r->places[a], *pb = &r->places[b];
    if (pa->domain >= 0 && pb->domain >= 0 && pa->domain != pb->domain) {
        fail_clash(r, a, b, name, span);
        return;
    }
    pb->up = a;
    pa->domain = pa->domain >= 0 ? pa->domain : pb->domain;
    pa->has_symbols |= pb->has_symbols;
}

static void set_domain(resolver *r, uint32_t place, uint32_t domain, const char *name,
                       ftl_span span)
{
    resolve_place *p = &r->places[resolve_find_class(r, place)];
    if (p->domain < 0) {
        p->domain = (int32_t)domain;
    } else if (p->domain != (int32_t)domain) {
        const ftl_domain *have = &r->m->domains.data[p->domain];
        ftl_diag *d =
            ftl_diag_error(r->m->diags, FTL_E_SYMBOL, span,
                           "'%s' belongs to domain '%s', but this place has symbols of domain '%s'",
                           name, r->m->domains.data[domain].name, have->name);
        ftl_diag_note(r->m->diags, d, have->span, "'%s' is declared here", have->name);
    }
}

static void make_places(resolver *r)
{
    uint32_t n = 0;
    for (size_t i = 0; i < r->m->tensors.len; i++) {
        r->tensors.data[i].place0 = n;
        n += r->m->tensors.data[i].rank;
    }
    r->places = FTL_NEW_ARRAY(r->m->arena, resolve_place, n);
    for (uint32_t i = 0; i < n; i++)
        r->places[i] = (resolve_place){.up = i, .domain = -1};
}

/* ---- names that may be symbols ---- */

static resolve_symbol *get_symbol(resolver *r, const char *name)
{
    uint64_t found = 0;
    if (ftl_map_find(&r->symbols, FTL_KEY(name), &found))
        return (resolve_symbol *)(uintptr_t)found;
    resolve_symbol *s = FTL_NEW(r->m->arena, resolve_symbol);
    s->declared = -1;
    ftl_map_put(&r->symbols, FTL_KEY(name), FTL_KEY(s));
    return s;
}

static resolve_symbol *find_symbol(const resolver *r, const char *name)
{
    uint64_t found = 0;
    ftl_map_find(&r->symbols, FTL_KEY(name), &found);
    return (resolve_symbol *)(uintptr_t)found;
}

static void collect_declared(resolver *r)
{
    for (size_t i = 0; i < r->m->domains.len; i++) {
        const ftl_domain *d = &r->m->domains.data[i];
        for (size_t k = 0; k < d->symbols.len; k++) {
            resolve_symbol *s = get_symbol(r, d->symbols.data[k]);
            s->is_ambiguous = s->declared >= 0;
            if (s->declared < 0)
                s->declared = (int32_t)i;
        }
    }
}

const char *resolve_get_plain(const ftl_index *ix)
{
    if (ix->kind != FTL_INDEX_AFFINE || ix->terms.len != 1)
        return NULL;
    const ftl_index_term *t = &ix->terms.data[0];
    return t->sign > 0 && !t->has_number ? t->name : NULL;
}

bool resolve_get_number(const ftl_index *ix, int64_t *out)
{
    if (ix->kind != FTL_INDEX_AFFINE || ix->terms.len != 1 || ix->terms.data[0].name)
        return false;
    *out = ix->terms.data[0].sign * ix->terms.data[0].number;
    return true;
}

static void note_bare(resolver *r, const char *name, uint32_t place, ftl_span span)
{
    resolve_symbol *s = get_symbol(r, name);
    for (size_t i = 0; i < s->places.len; i++)
        if (s->places.data[i].place == place)
            return;
    *FTL_VEC_PUSH(r->m->arena, &s->places) = (resolve_bare){place, span};
}

/* The declared domain that a symbol tells for the place where a fact has it. */
static void link_symbol(resolver *r, const char *name, uint32_t place, bool ambiguous,
                        ftl_span span)
{
    const resolve_symbol *s = find_symbol(r, name);
    if (s && s->declared >= 0 && s->is_ambiguous == ambiguous &&
        r->places[resolve_find_class(r, place)].domain < 0)
        set_domain(r, place, (uint32_t)s->declared, name, span);
}

/* ---- facts ---- */

static bool read_fact(resolver *r, const resolve_fact *fact)
{
    uint32_t place = r->tensors.data[fact->tensor].place0;
    for (size_t i = 0; i < fact->node->indices.len; i++, place++) {
        const ftl_index *ix = &fact->node->indices.data[i];
        const char *name = resolve_get_plain(ix);
        int64_t number;
        if (name)
            note_bare(r, name, place, fact->span);
        if (name || ix->kind == FTL_INDEX_SYMBOL) {
            r->places[resolve_find_class(r, place)].has_symbols = true;
        } else if (!resolve_get_number(ix, &number) || number < 0) {
            ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_UNBOUND, fact->span,
                                         "a fact holds symbols and whole numbers from 0 on");
            ftl_diag_hint(r->m->diags, d, "a rule is written Head(...) <- Body(...)");
            return false;
        }
    }
    return true;
}

static void read_facts(resolver *r)
{
    for (size_t i = 0; i < r->facts.len; i++)
        r->facts.data[i].is_sound = read_fact(r, &r->facts.data[i]);
}

static void link_fact(resolver *r, const resolve_fact *fact, bool ambiguous)
{
    uint32_t place = r->tensors.data[fact->tensor].place0;
    for (size_t k = 0; k < fact->node->indices.len; k++, place++) {
        const ftl_index *ix = &fact->node->indices.data[k];
        const char *name = ix->kind == FTL_INDEX_SYMBOL ? ix->name : resolve_get_plain(ix);
        if (name)
            link_symbol(r, name, place, ambiguous, fact->span);
    }
}

/* First the symbols that one domain has, then those that stand in several. */
static void link_facts(resolver *r)
{
    for (int ambiguous = 0; ambiguous < 2; ambiguous++)
        for (size_t i = 0; i < r->facts.len; i++)
            link_fact(r, &r->facts.data[i], ambiguous != 0);
}

/* A column of a file belongs to a declared domain when all of its symbols do. */
static void link_columns(resolver *r)
{
    for (size_t i = 0; i < r->m->tensors.len; i++) {
        const ftl_tensor_decl *t = &r->m->tensors.data[i];
        for (uint32_t k = 0; r->tensors.data[i].is_loaded && k < t->rank; k++) {
            uint32_t root = resolve_find_class(r, r->tensors.data[i].place0 + k);
            const char *const *names = t->source->symbols[k];
            if (!t->source->is_text[k])
                continue;
            r->places[root].has_symbols = true;
            const char *first =
                t->source->n_symbols[k] > 0 ? ftl_intern_cstr(r->m->names, names[0]) : NULL;
            const resolve_symbol *s = first ? find_symbol(r, first) : NULL;
            bool all = s && s->declared >= 0 && r->places[root].domain < 0;
            for (int64_t q = 1; all && q < t->source->n_symbols[k]; q++) {
                const char *name = ftl_intern_cstr(r->m->names, names[q]);
                all = ftl_map_find(&r->m->domains.data[s->declared].numbers, FTL_KEY(name), NULL);
            }
            if (all)
                set_domain(r, root, (uint32_t)s->declared, first, t->span);
        }
    }
}

/* ---- variables of equations ---- */

/* One bare name that may be a symbol. */
typedef struct doubt {
    uint32_t flat, place;
    const char *name;
    ftl_span span;
} doubt;

typedef struct linker {
    resolver *r;
    uint32_t flat;
    uint64_t stamp; /* of the equation that is being linked */
    ftl_map first;  /* variable -> stamp << 32 | a place where it stands */
    FTL_VEC(doubt) doubts;
} linker;

/* The domain that an axis name stands for: its own, or that of the name without primes. */
static bool find_axis_domain(resolver *r, const char *name, uint64_t *domain)
{
    size_t len = strlen(name);
    if (ftl_map_find(&r->m->domain_by_name, FTL_KEY(name), domain))
        return true;
    if (len == 0 || name[len - 1] != '\'')
        return false;
    while (len > 0 && name[len - 1] == '\'')
        len--;
    return ftl_map_find(&r->m->domain_by_name, FTL_KEY(ftl_intern_get(r->m->names, name, len)),
                        domain);
}

/* A place of the variable in the equation that is being linked. */
static bool find_first(const linker *l, const char *name, uint32_t *place)
{
    uint64_t found;
    if (!ftl_map_find(&l->first, FTL_KEY(name), &found) || found >> 32 != l->stamp)
        return false;
    *place = (uint32_t)found;
    return true;
}

static void link_variable(linker *l, const char *name, uint32_t place, ftl_span span)
{
    uint32_t first;
    if (find_first(l, name, &first))
        join(l->r, first, place, name, span);
    else
        ftl_map_put(&l->first, FTL_KEY(name), l->stamp << 32 | place);
}

static void link_index(linker *l, const ftl_index *ix, uint32_t place)
{
    uint64_t domain;
    const char *name = resolve_get_plain(ix);
    if (!name)
        return;
    if (find_axis_domain(l->r, name, &domain))
        set_domain(l->r, place, (uint32_t)domain, name, ix->span);
    if (find_symbol(l->r, name) && !resolve_is_declared_axis(l->r, name))
        *FTL_VEC_PUSH(l->r->m->arena, &l->doubts) = (doubt){l->flat, place, name, ix->span};
    else
        link_variable(l, name, place, ix->span);
}

static void link_node(linker *l, const ftl_node *n)
{
    uint64_t tensor;
    if (n->kind == FTL_NODE_REF &&
        ftl_map_find(&l->r->m->tensor_by_name, FTL_KEY(n->name), &tensor)) {
        uint32_t place = l->r->tensors.data[tensor].place0;
        for (size_t i = 0; i < n->indices.len; i++) {
            const ftl_index *ix = &n->indices.data[i];
            if (ix->kind == FTL_INDEX_TIME)
                continue;
            link_index(l, ix, place++);
            if (ix->gather)
                link_node(l, ix->gather);
        }
        return;
    }
    for (size_t i = 0; i < n->args.len; i++)
        link_node(l, n->args.data[i]);
    for (size_t i = 0; i < n->kwargs.len; i++)
        link_node(l, n->kwargs.data[i].value);
}

/* x == y and x != y compare symbols of one domain. */
static void link_comparisons(linker *l, const ftl_node *n)
{
    uint32_t a, b;
    if (n->kind == FTL_NODE_BINARY && (n->op == FTL_OP_EQ || n->op == FTL_OP_NE) &&
        n->args.data[0]->kind == FTL_NODE_NAME && n->args.data[1]->kind == FTL_NODE_NAME &&
        find_first(l, n->args.data[0]->name, &a) && find_first(l, n->args.data[1]->name, &b)) {
        join(l->r, a, b, n->args.data[0]->name, n->span);
        return;
    }
    for (size_t i = 0; i < n->args.len; i++)
        link_comparisons(l, n->args.data[i]);
}

/* Every reference has the rank of its tensor; where one has not, that was reported. */
static bool has_ranks(const resolver *r, const ftl_node *n)
{
    uint64_t tensor;
    uint32_t time_place;
    if (n->kind == FTL_NODE_REF && ftl_map_find(&r->m->tensor_by_name, FTL_KEY(n->name), &tensor) &&
        resolve_count_places(n, &time_place) != r->m->tensors.data[tensor].rank)
        return false;
    for (size_t i = 0; i < n->indices.len; i++)
        if (n->indices.data[i].gather && !has_ranks(r, n->indices.data[i].gather))
            return false;
    for (size_t i = 0; i < n->args.len; i++)
        if (!has_ranks(r, n->args.data[i]))
            return false;
    for (size_t i = 0; i < n->kwargs.len; i++)
        if (!has_ranks(r, n->kwargs.data[i].value))
            return false;
    return true;
}

static void drop_broken(resolver *r)
{
    for (size_t i = 0; i < r->flats.len; i++) {
        resolve_flat *flat = &r->flats.data[i];
        const ftl_stmt *stmt = flat->stmt;
        if (flat->is_dropped || (has_ranks(r, stmt->lhs) && has_ranks(r, stmt->rhs) &&
                                 (!stmt->guard || has_ranks(r, stmt->guard))))
            continue;
        flat->is_dropped = true;
        r->tensors.data[flat->tensor].is_broken = true;
    }
}

static void link_flats(linker *l)
{
    for (size_t i = 0; i < l->r->flats.len; i++) {
        resolve_flat *flat = &l->r->flats.data[i];
        if (flat->is_dropped)
            continue;
        l->flat = (uint32_t)i;
        l->stamp++;
        ftl_map_init(&flat->constants, l->r->m->arena);
        link_node(l, flat->stmt->lhs);
        link_node(l, flat->stmt->rhs);
        link_comparisons(l, flat->stmt->rhs);
        if (flat->stmt->guard) {
            link_node(l, flat->stmt->guard);
            link_comparisons(l, flat->stmt->guard);
        }
    }
}

/* The left sides of sources name axes too: Bag[b, Fruit] = "bag.npy". */
static void link_sources(linker *l)
{
    for (size_t i = 0; i < l->r->tensors.len; i++) {
        const ftl_stmt *source = l->r->tensors.data[i].source;
        if (!source || source->lhs->kind != FTL_NODE_REF)
            continue;
        l->stamp++;
        uint32_t place = l->r->tensors.data[i].place0;
        for (size_t k = 0; k < source->lhs->indices.len; k++) {
            const char *name = resolve_get_plain(&source->lhs->indices.data[k]);
            uint64_t domain;
            if (name && find_axis_domain(l->r, name, &domain))
                set_domain(l->r, place, (uint32_t)domain, name, source->span);
            if (name)
                link_variable(l, name, place, source->span);
            place += source->lhs->indices.data[k].kind != FTL_INDEX_TIME;
        }
    }
}

/* Whether the class of the place has the name as a symbol. */
static bool has_symbol(resolver *r, uint32_t place, const char *name)
{
    const resolve_symbol *s = find_symbol(r, name);
    uint32_t root = resolve_find_class(r, place);
    int32_t domain = r->places[root].domain;
    if (domain >= 0 && ftl_map_find(&r->m->domains.data[domain].numbers, FTL_KEY(name), NULL))
        return true;
    for (size_t i = 0; domain < 0 && s && i < s->places.len; i++)
        if (resolve_find_class(r, s->places.data[i].place) == root)
            return true;
    return false;
}

static void decide(linker *l, bool last)
{
    for (size_t i = 0; i < l->doubts.len; i++) {
        const doubt *d = &l->doubts.data[i];
        resolve_flat *flat = &l->r->flats.data[d->flat];
        if (has_symbol(l->r, d->place, d->name))
            ftl_map_put(&flat->constants, FTL_KEY(d->name), (uint64_t)d->place + 1);
    }
    for (size_t i = 0; i < l->doubts.len && !last; i++) {
        const doubt *d = &l->doubts.data[i];
        const resolve_flat *flat = &l->r->flats.data[d->flat];
        l->stamp += i == 0 || l->doubts.data[i - 1].flat != d->flat;
        if (!ftl_map_find(&flat->constants, FTL_KEY(d->name), NULL))
            link_variable(l, d->name, d->place, d->span);
    }
}

/* The other places of a constant take the domain that has it. */
static void spread_constants(linker *l)
{
    for (size_t i = 0; i < l->doubts.len; i++) {
        const doubt *d = &l->doubts.data[i];
        const resolve_place *p = &l->r->places[resolve_find_class(l->r, d->place)];
        uint64_t from;
        if (ftl_map_find(&l->r->flats.data[d->flat].constants, FTL_KEY(d->name), &from) &&
            p->domain < 0 && !p->has_symbols)
            join(l->r, d->place, (uint32_t)from - 1, d->name, d->span);
    }
}

/* Road[mill, ford] = 4 with declared symbols: nothing else may tell the domain of these places. */
static void link_number_facts(linker *l)
{
    for (size_t i = 0; i < l->doubts.len; i++) {
        const doubt *d = &l->doubts.data[i];
        if (l->r->flats.data[d->flat].is_fact)
            link_symbol(l->r, d->name, d->place, false, d->span);
    }
}

/* Quoted symbols on the left define; so their places have symbols. */
static void mark_heads(resolver *r)
{
    for (size_t i = 0; i < r->flats.len; i++) {
        const resolve_flat *flat = &r->flats.data[i];
        uint32_t place = r->tensors.data[flat->tensor].place0;
        for (size_t k = 0; !flat->is_dropped && k < flat->stmt->lhs->indices.len; k++) {
            const ftl_index *ix = &flat->stmt->lhs->indices.data[k];
            if (ix->kind == FTL_INDEX_SYMBOL) {
                r->places[resolve_find_class(r, place)].has_symbols = true;
                link_symbol(r, ix->name, place, false, flat->span);
            }
            place += ix->kind != FTL_INDEX_TIME;
        }
    }
}

static void make_domains(resolver *r)
{
    for (size_t i = 0; i < r->m->tensors.len; i++) {
        for (uint32_t k = 0; k < r->m->tensors.data[i].rank; k++) {
            resolve_place *p = &r->places[resolve_find_class(r, r->tensors.data[i].place0 + k)];
            if (p->domain < 0 && p->has_symbols) {
                p->domain = (int32_t)r->m->domains.len;
                ftl_domain *d = FTL_VEC_PUSH(r->m->arena, &r->m->domains);
                d->span = r->m->tensors.data[i].span;
                ftl_map_init(&d->numbers, r->m->arena);
            }
            r->m->tensors.data[i].domain[k] = p->domain;
        }
    }
}

/* Definitions are counted where they stand; these are tensors that are only used, and values on the
 * way. */
static void check_ranks(resolver *r)
{
    for (size_t i = 0; i < r->m->tensors.len; i++) {
        ftl_tensor_decl *t = &r->m->tensors.data[i];
        if (t->rank <= FTL_MAX_RANK)
            continue;
        ftl_diag_error(r->m->diags, FTL_E_RANK, t->span,
                       "'%s' has %u indices, at most %d are possible", t->name, t->rank,
                       FTL_MAX_RANK);
        t->rank = 0;
        r->tensors.data[i].is_broken = true;
    }
}

void resolve_symbols(resolver *r)
{
    linker l = {.r = r};
    check_ranks(r);
    ftl_map_init(&l.first, r->m->arena);
    ftl_map_init(&r->symbols, r->m->arena);
    make_places(r);
    collect_declared(r);
    read_facts(r);
    if (r->m->diags->errors > 0)
        drop_broken(r);
    link_flats(&l);
    link_sources(&l);
    link_facts(r);
    link_number_facts(&l);
    link_columns(r);
    mark_heads(r);
    decide(&l, false);
    decide(&l, true);
    spread_constants(&l);
    make_domains(r);
    resolve_number_symbols(r);
}
