/* SPDX-License-Identifier: Apache-2.0
 *
 * Modules: the program and the files it imports, depth first. A file that is imported twice is one
 * module; one that is imported while it is being read closes a cycle. Then what each module
 * declares: constants, functions, axes and domains, wherever it stands in the file.
 */
#include "check/resolve.h"

#include <math.h>

#define MAX_IMPORT_DEPTH 100

/* ---- imports ---- */

/* "a/./b/../c" -> "a/c": a key by which a file is known again. */
static const char *normalize_path(resolver *r, const char *path)
{
    ftl_strbuf out;
    ftl_strbuf_init(&out, r->m->arena);
    if (*path == '/')
        ftl_strbuf_putc(&out, '/');
    while (*path) {
        size_t len = strcspn(path, "/");
        const char *text = ftl_strbuf_get(&out);
        const char *last = strrchr(text, '/');
        last = last ? last + 1 : text;
        bool up = len == 2 && path[0] == '.' && path[1] == '.';
        if (up && *last && strcmp(last, "..") != 0) {
            out.len = (size_t)(last - text) - (last > text + 1);
            out.data[out.len] = '\0';
        } else if (len > 0 && !(len == 1 && *path == '.')) {
            if (out.len > 0 && out.data[out.len - 1] != '/')
                ftl_strbuf_putc(&out, '/');
            ftl_strbuf_append(&out, path, len);
        }
        path += len;
        path += *path == '/';
    }
    return ftl_intern_cstr(r->m->names, ftl_strbuf_get(&out));
}

static const char *find_stem(resolver *r, const char *path)
{
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    const char *dot = strrchr(base, '.');
    return ftl_intern_get(r->m->names, base,
                          dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

#define CANNOT_IMPORT "cannot import '%s': %s"

static void fail_import(resolver *r, const ftl_stmt *stmt, const char *why)
{
    ftl_diag_error(r->m->diags, FTL_E_IMPORT, stmt->span, CANNOT_IMPORT, stmt->path, why);
}

/* The chain of files that are being read, which ends where it began. */
static const char *print_cycle(resolver *r, const resolve_module *start)
{
    ftl_strbuf sb;
    bool inside = false;
    ftl_strbuf_init(&sb, r->m->arena);
    for (size_t i = 0; i < r->modules.len; i++) {
        const resolve_module *module = r->modules.data[i];
        inside |= module == start;
        if (inside && module->state == RESOLVE_BUSY)
            ftl_strbuf_printf(&sb, "%s -> ", module->file);
    }
    ftl_strbuf_puts(&sb, start->file);
    return ftl_strbuf_get(&sb);
}

static resolve_module *add_module(resolver *r, const char *file, const char *prefix)
{
    resolve_module *module = FTL_NEW(r->m->arena, resolve_module);
    *module = (resolve_module){.file = file, .prefix = prefix, .state = RESOLVE_BUSY};
    ftl_map_init(&module->constants, r->m->arena);
    ftl_map_init(&module->fns, r->m->arena);
    ftl_map_init(&module->imports, r->m->arena);
    ftl_map_put(&r->module_by_file, FTL_KEY(normalize_path(r, file)), r->modules.len);
    *FTL_VEC_PUSH(r->m->arena, &r->modules) = module;
    return module;
}

static void read_imports(resolver *r, resolve_module *module, unsigned depth);

static resolve_module *read_module(resolver *r, resolve_module *from, const ftl_stmt *stmt,
                                   unsigned depth)
{
    const ftl_loader *loader = r->m->options.loader;
    ftl_text_request q = {
        .base = from->file, .path = stmt->path, .message = "files cannot be read here"};
    uint64_t known;
    if (!loader || !loader->read_text || !loader->read_text(loader->user, &q)) {
        ftl_diag_error(r->m->diags, q.is_limit ? FTL_E_LIMIT : FTL_E_IMPORT, stmt->span,
                       CANNOT_IMPORT, stmt->path, q.message);
        return NULL;
    }
    const char *name = q.name, *text = q.text;
    size_t len = q.len;
    if (ftl_map_find(&r->module_by_file, FTL_KEY(normalize_path(r, name)), &known)) {
        resolve_module *module = r->modules.data[known];
        if (module->state != RESOLVE_BUSY)
            return module;
        fail_import(r, stmt,
                    ftl_arena_printf(r->m->arena, "it imports itself: %s", print_cycle(r, module)));
        return NULL;
    }
    if (depth >= MAX_IMPORT_DEPTH || r->modules.len >= RESOLVE_MAX_MODULES) {
        fail_import(r, stmt, "there are too many imports");
        return NULL;
    }
    const char *alias = stmt->name ? stmt->name : find_stem(r, stmt->path);
    const char *prefix = ftl_arena_printf(r->m->arena, "%s%s::", from->prefix, alias);
    resolve_module *module = add_module(r, name, prefix);
    uint32_t file = ftl_diags_add_source(r->m->diags, name, text, len);
    module->tree = ftl_syntax_parse(r->m->arena, r->m->names, r->m->diags, file);
    read_imports(r, module, depth + 1);
    module->state = RESOLVE_DONE;
    return module;
}

static void read_imports(resolver *r, resolve_module *module, unsigned depth)
{
    for (size_t i = 0; i < module->tree->stmts.len; i++) {
        const ftl_stmt *stmt = module->tree->stmts.data[i];
        if (stmt->kind != FTL_STMT_IMPORT)
            continue;
        const char *alias = stmt->name ? stmt->name : find_stem(r, stmt->path);
        resolve_module *imported = read_module(r, module, stmt, depth);
        if (ftl_map_find(&module->imports, FTL_KEY(alias), NULL))
            ftl_diag_error(r->m->diags, FTL_E_REDEFINED, stmt->span,
                           "two imports have the name '%s'; give one another with 'as'", alias);
        else
            ftl_map_put(&module->imports, FTL_KEY(alias), FTL_KEY(imported));
    }
}

void resolve_modules(resolver *r, const ftl_tree *tree)
{
    const ftl_diags *diags = r->m->diags;
    bool named = tree->file > 0 && tree->file <= diags->sources.len;
    ftl_map_init(&r->module_by_file, r->m->arena);
    resolve_module *program =
        add_module(r, named ? diags->sources.data[tree->file - 1].name : "", "");
    program->tree = tree;
    read_imports(r, program, 0);
    program->state = RESOLVE_DONE;
}

bool resolve_find_import(resolver *r, resolve_module *module, const ftl_node *n,
                         resolve_module **out)
{
    uint64_t found;
    *out = module;
    if (!n->ns)
        return true;
    if (!ftl_map_find(&module->imports, FTL_KEY(n->ns), &found)) {
        ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_NAME, n->span,
                                     "nothing is imported under the name '%s'", n->ns);
        ftl_diag_hint(r->m->diags, d, "import \"FILE\" as %s", n->ns);
        return false;
    }
    *out = (resolve_module *)(uintptr_t)found;
    return *out != NULL; /* null: the import was reported */
}

/* ---- what a module declares ---- */

static void fail_twice(resolver *r, const ftl_stmt *stmt, const char *sort, ftl_span first)
{
    ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_REDEFINED, stmt->span,
                                 "%s '%s' is declared twice", sort, stmt->name);
    ftl_diag_note(r->m->diags, d, first, "first declared here");
}

static void declare_constant(resolver *r, resolve_module *module, const ftl_stmt *stmt)
{
    uint64_t index;
    if (ftl_map_find(&module->constants, FTL_KEY(stmt->name), &index)) {
        fail_twice(r, stmt, "constant", r->constants.data[index]->stmt->span);
        return;
    }
    resolve_constant *c = FTL_NEW(r->m->arena, resolve_constant);
    *c = (resolve_constant){.stmt = stmt, .module = module};
    ftl_map_put(&module->constants, FTL_KEY(stmt->name), r->constants.len);
    *FTL_VEC_PUSH(r->m->arena, &r->constants) = c;
}

static void declare_fn(resolver *r, resolve_module *module, const ftl_stmt *stmt)
{
    uint64_t index;
    ftl_builtin builtin;
    if (ftl_map_find(&module->fns, FTL_KEY(stmt->name), &index)) {
        fail_twice(r, stmt, "function", r->fns.data[index]->stmt->span);
        return;
    }
    if (ftl_builtin_find(stmt->name, &builtin)) {
        ftl_diag_error(r->m->diags, FTL_E_REDEFINED, stmt->span,
                       "'%s' is a builtin function; give yours another name", stmt->name);
        return;
    }
    resolve_fn *fn = FTL_NEW(r->m->arena, resolve_fn);
    *fn = (resolve_fn){.stmt = stmt, .module = module};
    ftl_map_put(&module->fns, FTL_KEY(stmt->name), r->fns.len);
    *FTL_VEC_PUSH(r->m->arena, &r->fns) = fn;
}

/* The extent that an axis statement gives, -1 for none. */
static int64_t read_extent(resolver *r, resolve_module *module, const ftl_stmt *stmt)
{
    double extent;
    const char *what = ftl_arena_printf(r->m->arena, "the extent of axis '%s'", stmt->name);
    resolve_wish wish = {module, stmt->rhs, stmt->span, what};
    if (!stmt->rhs || !resolve_number(r, &wish, &extent))
        return -1;
    if (extent >= 0 && extent == floor(extent) && extent <= 0x1p52)
        return (int64_t)extent;
    ftl_strbuf sb;
    ftl_strbuf_init(&sb, r->m->arena);
    ftl_strbuf_put_double(&sb, extent);
    ftl_diag_error(r->m->diags, FTL_E_CONSTANT, stmt->span,
                   "%s must be a whole number of at least 0, it is %s", what, ftl_strbuf_get(&sb));
    return -1;
}

static void declare_axis(resolver *r, resolve_module *module, const ftl_stmt *stmt)
{
    uint64_t other;
    if (ftl_map_find(&r->m->axis_stmt, FTL_KEY(stmt->name), &other)) {
        fail_twice(r, stmt, "axis", ((const ftl_stmt *)(uintptr_t)other)->span);
        return;
    }
    if (ftl_map_find(&r->m->domain_by_name, FTL_KEY(stmt->name), &other)) {
        fail_twice(r, stmt, "axis", r->m->domains.data[other].span);
        return;
    }
    int64_t extent = read_extent(r, module, stmt);
    ftl_map_put(&r->m->axis_stmt, FTL_KEY(stmt->name), FTL_KEY(stmt));
    ftl_map_put(&r->m->axis_extent, FTL_KEY(stmt->name), (uint64_t)extent);
}

/* ---- domains ---- */

static void put_symbol(resolver *r, uint32_t domain, const char *symbol, ftl_span span)
{
    ftl_domain *d = &r->m->domains.data[domain];
    if (ftl_map_find(&d->numbers, FTL_KEY(symbol), NULL)) {
        ftl_diag_error(r->m->diags, FTL_E_REDEFINED, span, "'%s' stands twice in domain '%s'",
                       symbol, d->name);
        return;
    }
    ftl_map_put(&d->numbers, FTL_KEY(symbol), d->symbols.len);
    *FTL_VEC_PUSH(r->m->arena, &d->symbols) = symbol;
}

static void read_symbols(resolver *r, resolve_module *module, const ftl_stmt *stmt, uint32_t domain)
{
    const ftl_loader *loader = r->m->options.loader;
    ftl_symbols_request q = {
        .base = module->file, .path = stmt->path, .message = "files cannot be read here"};
    if (!loader || !loader->read_symbols || !loader->read_symbols(loader->user, &q)) {
        ftl_diag_error(r->m->diags, q.is_limit ? FTL_E_LIMIT : FTL_E_FILE, stmt->span,
                       "cannot read domain '%s' from '%s': %s", stmt->name, stmt->path, q.message);
        r->m->domains.data[domain].is_closed = false;
        return;
    }
    for (size_t i = 0; i < q.n; i++)
        put_symbol(r, domain, ftl_intern_cstr(r->m->names, q.symbols[i]), stmt->span);
}

static void declare_domain(resolver *r, resolve_module *module, const ftl_stmt *stmt)
{
    uint64_t other;
    if (ftl_map_find(&r->m->domain_by_name, FTL_KEY(stmt->name), &other)) {
        fail_twice(r, stmt, "domain", r->m->domains.data[other].span);
        return;
    }
    if (ftl_map_find(&r->m->axis_stmt, FTL_KEY(stmt->name), &other)) {
        fail_twice(r, stmt, "domain", ((const ftl_stmt *)(uintptr_t)other)->span);
        return;
    }
    uint32_t index = (uint32_t)r->m->domains.len;
    ftl_domain *d = FTL_VEC_PUSH(r->m->arena, &r->m->domains);
    *d = (ftl_domain){.name = stmt->name, .span = stmt->span, .is_closed = true};
    ftl_map_init(&d->numbers, r->m->arena);
    ftl_map_put(&r->m->domain_by_name, FTL_KEY(stmt->name), index);
    for (size_t i = 0; i < stmt->names.len; i++)
        put_symbol(r, index, stmt->names.data[i].name, stmt->names.data[i].span);
    if (stmt->path)
        read_symbols(r, module, stmt, index);
}

typedef void (*declare_fn_type)(resolver *r, resolve_module *module, const ftl_stmt *stmt);

/* Calls fn on every statement of that kind, those in blocks included. */
static void for_each(resolver *r, resolve_module *module, const ftl_stmts *stmts,
                     const declare_fn_type *fns)
{
    for (size_t i = 0; i < stmts->len; i++) {
        const ftl_stmt *stmt = stmts->data[i];
        if (stmt->kind == FTL_STMT_BLOCK)
            for_each(r, module, &stmt->body, fns);
        else if (fns[stmt->kind])
            fns[stmt->kind](r, module, stmt);
    }
}

static void check_settings(resolver *r)
{
    const ftl_check_options *o = &r->m->options;
    for (size_t i = 0; i < o->n_params; i++) {
        bool known = false;
        const char *near = NULL;
        for (size_t k = 0; k < r->constants.len && !known; k++) {
            const resolve_constant *c = r->constants.data[k];
            const char *name =
                ftl_arena_printf(r->m->arena, "%s%s", c->module->prefix, c->stmt->name);
            known = c->stmt->kind == FTL_STMT_PARAM && strcmp(name, o->params[i].name) == 0;
            if (c->stmt->kind == FTL_STMT_PARAM && ftl_suggest(o->params[i].name, &name, 1))
                near = name;
        }
        if (known)
            continue;
        ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_OPTION, (ftl_span){0},
                                     "--param %s=%s: the program has no param '%s'",
                                     o->params[i].name, o->params[i].value, o->params[i].name);
        if (near)
            ftl_diag_hint(r->m->diags, d, "did you mean '%s'?", near);
    }
}

void resolve_declarations(resolver *r)
{
    static const declare_fn_type first[FTL_STMT_BLOCK + 1] = {[FTL_STMT_CONST] = declare_constant,
                                                              [FTL_STMT_PARAM] = declare_constant,
                                                              [FTL_STMT_FN] = declare_fn};
    static const declare_fn_type second[FTL_STMT_BLOCK + 1] = {
        [FTL_STMT_AXIS] = declare_axis, [FTL_STMT_DOMAIN] = declare_domain};
    for (size_t i = 0; i < r->modules.len; i++)
        for_each(r, r->modules.data[i], &r->modules.data[i]->tree->stmts, first);
    for (size_t i = 0; i < r->constants.len; i++)
        resolve_find_constant(r, r->constants.data[i]->module, r->constants.data[i]->stmt->name);
    for (size_t i = 0; i < r->modules.len; i++)
        for_each(r, r->modules.data[i], &r->modules.data[i]->tree->stmts, second);
    check_settings(r);
}
