/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls: builtins under their canonical names, with their arguments counted and their keywords
 * known; functions of the program are inlined. What is written Name(i, j) is a relation unless Name
 * is one of these.
 */
#include "check/resolve.h"

/* ---- what a name in front of parentheses is ---- */

static resolve_fn *find_fn(const resolve_eq *e, const ftl_node *n)
{
    uint64_t index;
    resolve_module *module = e->scope->module;
    if (n->macro)
        return NULL;
    if (n->ns) {
        uint64_t found;
        if (!ftl_map_find(&module->imports, FTL_KEY(n->ns), &found) || !found)
            return NULL;
        module = (resolve_module *)(uintptr_t)found;
    }
    if (!ftl_map_find(&module->fns, FTL_KEY(n->name), &index))
        return NULL;
    return e->r->fns.data[index];
}

/* Even(x) is the program's relation when the program defines it so; even(x) always is the builtin.
 */
static bool is_relation_name(const resolve_eq *e, const ftl_node *n)
{
    uint32_t tensor;
    if (n->macro || n->ns || !resolve_find_tensor(e->scope, n->name, &tensor))
        return false;
    return e->r->m->tensors.data[tensor].is_boolean;
}

static bool find_builtin(const resolve_eq *e, const ftl_node *n, ftl_builtin *out)
{
    return !n->ns && ftl_builtin_find(n->name, out) && !is_relation_name(e, n);
}

static bool has_gather(const ftl_node *n)
{
    for (size_t i = 0; i < n->indices.len; i++)
        if (n->indices.data[i].kind == FTL_INDEX_GATHER)
            return true;
    return false;
}

bool resolve_is_call(const resolve_eq *e, const ftl_node *n)
{
    ftl_builtin b;
    uint32_t tensor;
    if (n->kind != FTL_NODE_REF || !n->paren)
        return n->kind == FTL_NODE_CALL;
    if (find_fn(e, n) || find_builtin(e, n, &b))
        return true;
    return n->ns == NULL && has_gather(n) && !resolve_find_tensor(e->scope, n->name, &tensor);
}

/* ---- unknown functions ---- */

static const char *suggest_function(const resolve_eq *e, const char *name)
{
    size_t n = 0, count = 0;
    const char *const *builtins = ftl_builtin_get_names(&n);
    const char **all = FTL_NEW_ARRAY(e->r->m->arena, const char *, n + e->r->fns.len);
    for (size_t i = 0; i < n; i++)
        all[count++] = builtins[i];
    for (size_t i = 0; i < e->r->fns.len; i++)
        if (e->r->fns.data[i]->module == e->scope->module)
            all[count++] = e->r->fns.data[i]->stmt->name;
    return ftl_suggest(name, all, count);
}

static ftl_node *fail_unknown(resolve_eq *e, const ftl_node *n)
{
    uint32_t tensor;
    ftl_diags *diags = e->r->m->diags;
    if (!n->ns && !n->macro && resolve_find_tensor(e->scope, n->name, &tensor)) {
        ftl_diag *d = ftl_diag_error(
            diags, FTL_E_FUNCTION, n->span,
            "'%s' is no function: it is a tensor, and its places hold indices only", n->name);
        ftl_diag_hint(diags, d, "a product is written '%s * (...)', a reference '%s[i]' or '%s(x)'",
                      n->name, n->name, n->name);
        return NULL;
    }
    ftl_diag *d = ftl_diag_error(diags, FTL_E_FUNCTION, n->span, "unknown %s '%s%s%s%s'",
                                 n->macro ? "macro" : "function", n->macro ? "@" : "",
                                 n->ns ? n->ns : "", n->ns ? "::" : "", n->name);
    const char *near = suggest_function(e, n->name);
    if (n->macro)
        ftl_diag_hint(diags, d, "the macros are @softmax and @layer_norm");
    else if (near)
        ftl_diag_hint(diags, d, "did you mean '%s'?", near);
    else
        ftl_diag_hint(diags, d,
                      "define it with 'fn %s(...) -> ...', or see the builtins in the reference",
                      n->name);
    return NULL;
}

/* ---- arguments ---- */

static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list; *at;) {
        size_t n = strcspn(at, ",");
        if (n == len && memcmp(at, word, len) == 0)
            return true;
        at += n + (at[n] == ',');
    }
    return false;
}

static bool check_count(resolve_eq *e, const ftl_node *n, const ftl_builtin_info *info)
{
    int given = (int)n->args.len;
    if (given >= info->min_args && (info->max_args < 0 || given <= info->max_args))
        return true;
    const char *most = info->max_args < 0 ? " or more"
                       : info->max_args == info->min_args
                           ? ""
                           : ftl_arena_printf(e->r->m->arena, " to %d", info->max_args);
    bool one = info->min_args == 1 && info->max_args == 1;
    ftl_diag *d = ftl_diag_error(
        e->r->m->diags, FTL_E_ARGUMENT, n->span, "'%s' takes %d%s argument%s, %d %s given",
        info->name, info->min_args, most, one ? "" : "s", given, given == 1 ? "is" : "are");
    ftl_diag_hint(e->r->m->diags, d, "%s: %s", info->name, info->doc);
    return false;
}

static bool check_keywords(resolve_eq *e, const ftl_node *n, const ftl_builtin_info *info)
{
    for (size_t i = 0; i < n->kwargs.len; i++) {
        const ftl_kwarg *k = &n->kwargs.data[i];
        bool twice = false;
        for (size_t q = 0; q < i; q++)
            twice |= n->kwargs.data[q].name == k->name;
        if (has_word(info->keywords, k->name) && !twice)
            continue;
        ftl_diag *d = ftl_diag_error(
            e->r->m->diags, FTL_E_ARGUMENT, n->span,
            twice ? "'%s' is given '%s' twice" : "'%s' has no argument '%s'", info->name, k->name);
        if (!twice && *info->keywords)
            ftl_diag_hint(e->r->m->diags, d, "its keyword arguments: %s", info->keywords);
        return false;
    }
    return true;
}

/* axis=j, axis="j", axis=0, axis=K with a const K. */
static ftl_node *resolve_axis(resolve_eq *e, ftl_node *v)
{
    bool is_axis = v->name && resolve_is_marked(e->r, e->stamp, v->name);
    if (v->kind != FTL_NODE_STRING && !(v->kind == FTL_NODE_NAME && is_axis)) {
        bool is_constant =
            v->kind == FTL_NODE_NAME && resolve_find_constant(e->r, e->scope->module, v->name);
        return v->kind == FTL_NODE_NAME && !is_constant ? v : resolve_expr(e, v);
    }
    ftl_node *out = FTL_NEW(e->r->m->arena, ftl_node);
    *out = *v;
    out->name = is_axis ? resolve_rename(e, v->name) : v->name;
    return out;
}

static bool resolve_kwargs(resolve_eq *e, const ftl_node *in, ftl_node *out)
{
    bool sound = true;
    out->kwargs.len = 0;
    out->kwargs.cap = in->kwargs.len;
    out->kwargs.data = FTL_NEW_ARRAY(e->r->m->arena, ftl_kwarg, in->kwargs.len);
    for (size_t i = 0; i < in->kwargs.len; i++) {
        ftl_kwarg k = in->kwargs.data[i];
        if (k.value->kind == FTL_NODE_NONE)
            continue;
        k.value = strcmp(k.name, "axis") == 0 ? resolve_axis(e, k.value) : resolve_expr(e, k.value);
        sound &= k.value != NULL;
        out->kwargs.data[out->kwargs.len++] = k;
    }
    return sound;
}

static bool resolve_call_args(resolve_eq *e, const ftl_node *in, ftl_node *out, ftl_builtin b)
{
    bool sound = true;
    out->args.len = out->args.cap = in->args.len;
    out->args.data = FTL_NEW_ARRAY(e->r->m->arena, ftl_node *, in->args.len);
    for (size_t i = 0; i < in->args.len; i++) {
        bool is_dtype = b == FTL_BUILTIN_CAST && i == 1;
        out->args.data[i] = is_dtype ? in->args.data[i] : resolve_expr(e, in->args.data[i]);
        sound &= out->args.data[i] != NULL;
    }
    return sound;
}

static bool is_index_function(ftl_builtin b)
{
    return b == FTL_BUILTIN_EVEN || b == FTL_BUILTIN_ODD;
}

/* even(i), odd(i): where i stands nowhere else, the call is its place. */
static bool take_index(resolve_eq *e, ftl_node *call)
{
    if (call->args.data[0]->kind != FTL_NODE_NAME) {
        ftl_diag_error(e->r->m->diags, FTL_E_ARGUMENT, call->span,
                       "'%s' takes the name of an index", call->name);
        return false;
    }
    ftl_node *index = FTL_NEW(e->r->m->arena, ftl_node);
    *index = *call->args.data[0];
    index->span = call->span;
    call->args.data[0] = index;
    return true;
}

static ftl_node *call_builtin(resolve_eq *e, const ftl_node *n, ftl_builtin b)
{
    const ftl_builtin_info *info = ftl_builtin_get_info(b);
    if (!check_count(e, n, info) || !check_keywords(e, n, info))
        return NULL;
    ftl_node *out = FTL_NEW(e->r->m->arena, ftl_node);
    *out = *n;
    out->kind = FTL_NODE_CALL;
    out->name = ftl_intern_cstr(e->r->m->names, info->name);
    out->macro = out->paren = false;
    out->indices.len = 0;
    bool args = resolve_call_args(e, n, out, b);
    if (!resolve_kwargs(e, n, out) || !args)
        return NULL;
    return is_index_function(b) && !take_index(e, out) ? NULL : out;
}

ftl_node *resolve_call(resolve_eq *e, ftl_node *n)
{
    ftl_builtin b;
    resolve_module *module;
    uint32_t tensor;
    if (!resolve_find_import(e->r, e->scope->module, n, &module))
        return NULL;
    resolve_fn *fn = find_fn(e, n);
    if (fn)
        return resolve_inline(e, fn, n);
    bool is_builtin = find_builtin(e, n, &b);
    if (n->macro && (!is_builtin || (b != FTL_BUILTIN_SOFTMAX && b != FTL_BUILTIN_LAYERNORM)))
        return fail_unknown(e, n);
    if (is_builtin)
        return call_builtin(e, n, b);
    bool empty = n->args.len == 0 && n->kwargs.len == 0 && !n->macro && !n->ns;
    if (empty && resolve_find_tensor(e->scope, n->name, &tensor)) {
        ftl_node copy = *n;
        copy.kind = FTL_NODE_REF;
        copy.paren = true;
        return resolve_reference(e, &copy);
    }
    return fail_unknown(e, n);
}
