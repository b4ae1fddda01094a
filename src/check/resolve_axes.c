/* SPDX-License-Identifier: Apache-2.0
 *
 * Which axes an expression shows where no left side names them: arguments of functions and
 * expressions of sinks. They stand in order of first appearance; an axis that two factors of a
 * product use is summed by that product (language.md section 3, rule 3a) unless something outside
 * of it uses the axis too.
 */
#include "check/resolve.h"

typedef struct lister {
    resolve_eq *e;
    const ftl_map *keep;
    ftl_map total; /* occurrences in the whole expression */
} lister;

static bool list_node(lister *l, const ftl_node *n, resolve_names *out);

static void put(lister *l, const char *name, resolve_names *out)
{
    for (size_t i = 0; i < out->len; i++)
        if (out->data[i] == name)
            return;
    *FTL_VEC_PUSH(l->e->r->m->arena, out) = name;
}

/* The name that the axes stage gives to a slice without one: its text. */
static const char *name_slice(resolver *r, const ftl_index *ix)
{
    const ftl_node *parts[3] = {ix->start, ix->stop, ix->step};
    ftl_strbuf sb;
    if (ix->name)
        return ix->name;
    ftl_strbuf_init(&sb, r->m->arena);
    for (int i = 0; i < 3; i++) {
        if (i == 1 || (i == 2 && parts[2]))
            ftl_strbuf_putc(&sb, ':');
        if (parts[i])
            ftl_strbuf_put_double(&sb, parts[i]->number);
    }
    return ftl_intern_cstr(r->m->names, ftl_strbuf_get(&sb));
}

static void count(ftl_map *counts, const char *name, ftl_arena *arena, resolve_names *names)
{
    uint64_t n = 0;
    if (!ftl_map_find(counts, FTL_KEY(name), &n) && names)
        *FTL_VEC_PUSH(arena, names) = name;
    ftl_map_put(counts, FTL_KEY(name), n + 1);
}

void resolve_count_names(resolve_eq *e, const ftl_node *n, ftl_map *counts, resolve_names *names)
{
    ftl_arena *arena = e->r->m->arena;
    bool is_call = n->kind != FTL_NODE_REF || resolve_is_call(e, n);
    if (n->kind == FTL_NODE_NAME)
        count(counts, n->name, arena, names);
    for (size_t i = 0; !is_call && i < n->indices.len; i++) {
        const ftl_index *ix = &n->indices.data[i];
        for (size_t k = 0; k < ix->terms.len; k++)
            if (ix->terms.data[k].name)
                count(counts, ix->terms.data[k].name, arena, names);
        if (ix->kind == FTL_INDEX_DIV || (ix->kind == FTL_INDEX_SLICE && ix->name))
            count(counts, ix->name, arena, names);
        if (ix->gather)
            resolve_count_names(e, ix->gather, counts, names);
    }
    for (size_t i = 0; is_call && i < n->args.len; i++)
        resolve_count_names(e, n->args.data[i], counts, names);
    for (size_t i = 0; i < n->kwargs.len; i++)
        resolve_count_names(e, n->kwargs.data[i].value, counts, names);
}

static bool list_reference(lister *l, const ftl_node *n, resolve_names *out)
{
    for (size_t i = 0; i < n->indices.len; i++) {
        const ftl_index *ix = &n->indices.data[i];
        for (size_t k = 0; k < ix->terms.len; k++)
            if (ix->terms.data[k].name)
                put(l, ix->terms.data[k].name, out);
        if (ix->kind == FTL_INDEX_SLICE)
            put(l, name_slice(l->e->r, ix), out);
        if (ix->gather)
            list_reference(l, ix->gather, out);
    }
    return true;
}

static bool list_all(lister *l, const ftl_node *n, resolve_names *out)
{
    for (size_t i = 0; i < n->args.len; i++)
        if (!list_node(l, n->args.data[i], out))
            return false;
    return true;
}

static bool is_product(const ftl_node *n)
{
    return n->kind == FTL_NODE_BINARY && (n->op == FTL_OP_MUL || n->op == FTL_OP_DIV);
}

/* Lists the factors one by one and counts how many use each axis. */
static bool list_factors(lister *l, const ftl_node *n, resolve_names *out, ftl_map *users)
{
    resolve_names own = {0};
    if (is_product(n))
        return list_factors(l, n->args.data[0], out, users) &&
               list_factors(l, n->args.data[1], out, users);
    if (!list_node(l, n, &own))
        return false;
    for (size_t i = 0; i < own.len; i++) {
        uint64_t k = 0;
        ftl_map_find(users, FTL_KEY(own.data[i]), &k);
        ftl_map_put(users, FTL_KEY(own.data[i]), k + 1);
        put(l, own.data[i], out);
    }
    return true;
}

static bool list_product(lister *l, const ftl_node *n, resolve_names *out)
{
    ftl_map users, inside;
    resolve_names all = {0};
    ftl_map_init(&users, l->e->r->m->arena);
    ftl_map_init(&inside, l->e->r->m->arena);
    if (!list_factors(l, n, &all, &users))
        return false;
    resolve_count_names(l->e, n, &inside, NULL);
    for (size_t i = 0; i < all.len; i++) {
        uint64_t k = 0, here = 0, total = 0;
        ftl_map_find(&users, FTL_KEY(all.data[i]), &k);
        ftl_map_find(&inside, FTL_KEY(all.data[i]), &here);
        ftl_map_find(&l->total, FTL_KEY(all.data[i]), &total);
        bool kept = l->keep && ftl_map_find(l->keep, FTL_KEY(all.data[i]), NULL);
        if (k < 2 || kept || here < total)
            put(l, all.data[i], out);
    }
    return true;
}

static void drop(resolve_names *names, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < names->len; i++)
        if (names->data[i] != name)
            names->data[n++] = names->data[i];
    names->len = n;
}

static bool list_fold(lister *l, const ftl_node *n, resolve_names *out)
{
    resolve_names own = {0};
    const ftl_node *axis = ftl_node_find_keyword(n, "axis");
    double place = -1;
    if (!list_node(l, n->args.data[0], &own) || own.len == 0)
        return false;
    if (axis && axis->name) {
        drop(&own, axis->name);
    } else {
        if (axis && !resolve_is_number(axis, &place))
            return false;
        place = place < 0 ? place + (double)own.len : place;
        if (!(place >= 0 && place < (double)own.len))
            return false;
        drop(&own, own.data[(size_t)place]);
    }
    for (size_t i = 0; i < own.len; i++)
        put(l, own.data[i], out);
    return true;
}

static bool list_attention(lister *l, const ftl_node *n, resolve_names *out)
{
    resolve_names q = {0}, v = {0};
    if (!list_node(l, n->args.data[0], &q) || !list_node(l, n->args.data[2], &v) || q.len == 0 ||
        v.len == 0)
        return false;
    for (size_t i = 0; i + 1 < q.len; i++)
        put(l, q.data[i], out);
    put(l, v.data[v.len - 1], out);
    return true;
}

static bool list_call(lister *l, const ftl_node *n, resolve_names *out)
{
    ftl_builtin b;
    if (!ftl_builtin_find(n->name, &b) || n->args.len == 0)
        return false;
    switch (b) {
    case FTL_BUILTIN_MIN:
    case FTL_BUILTIN_MAX:
        return n->args.len > 1 ? list_all(l, n, out) : list_fold(l, n, out);
    case FTL_BUILTIN_ATTENTION:
        return list_attention(l, n, out);
    case FTL_BUILTIN_CONST:
        return n->args.data[0]->kind != FTL_NODE_LIST;
    case FTL_BUILTIN_CONCAT:
    case FTL_BUILTIN_CAUSAL_MASK:
    case FTL_BUILTIN_TOPK:
        return false;
    default:
        break;
    }
    if (ftl_builtin_get_info(b)->class_ == FTL_BUILTIN_CLASS_FOLD)
        return list_fold(l, n, out);
    bool is_each =
        ftl_builtin_get_info(b)->class_ == FTL_BUILTIN_CLASS_EACH && b != FTL_BUILTIN_CAST;
    return is_each ? list_all(l, n, out) : list_node(l, n->args.data[0], out);
}

static bool list_reduce(lister *l, const ftl_node *n, resolve_names *out)
{
    resolve_names own = {0};
    if (!list_node(l, n->args.data[0], &own))
        return false;
    for (size_t i = 0; i < n->axes.len; i++)
        drop(&own, n->axes.data[i].name);
    for (size_t i = 0; i < own.len; i++)
        put(l, own.data[i], out);
    return true;
}

static bool list_node(lister *l, const ftl_node *n, resolve_names *out)
{
    switch (n->kind) {
    case FTL_NODE_NAME:
        if (resolve_is_marked(l->e->r, l->e->stamp, n->name) ||
            resolve_is_declared_axis(l->e->r, n->name))
            put(l, n->name, out);
        return true;
    case FTL_NODE_REF:
        return list_reference(l, n, out);
    case FTL_NODE_CALL:
        return list_call(l, n, out);
    case FTL_NODE_REDUCE:
        return list_reduce(l, n, out);
    case FTL_NODE_LIST:
        return false;
    default:
        return is_product(n) ? list_product(l, n, out) : list_all(l, n, out);
    }
}

bool resolve_list_axes(resolve_eq *e, const ftl_node *n, const ftl_map *keep, resolve_names *out)
{
    lister l = {.e = e, .keep = keep};
    ftl_map_init(&l.total, e->r->m->arena);
    resolve_count_names(e, n, &l.total, NULL);
    return list_node(&l, n, out);
}
