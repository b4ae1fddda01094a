/* SPDX-License-Identifier: Apache-2.0
 *
 * Any program is checked or refused with messages. The first byte chooses the mode and the options.
 * Files and inputs are made up from their names. A model without errors holds what lowering relies
 * on.
 */
#include "fuzz.h"

#include "check/model.h"

typedef struct session {
    ftl_arena arena;
    ftl_intern names;
    ftl_diags diags;
    const uint8_t *data;
    size_t size;
} session;

/* ---- made-up files ---- */

static uint32_t hash_name(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 16777619u;
    return h;
}

static bool read_text(void *user, ftl_text_request *q)
{
    static const char *const texts[] = {
        "fn f(t[k]) -> r[k] { r[k] = t[k] + 1; }\nW[i] = [1, 2]\nconst K = 2\n",
        "import \"b.fuse\" as b\nfn f(t[k], u) -> r { r = t[k] * u; }\nQ[i] = V[i]\n",
        "ulm\nbonn\n\njena\n"};
    (void)user;
    uint32_t h = hash_name(q->path);
    q->message = "not there";
    if (h % 8 == 7)
        return false;
    q->name = q->path;
    q->text = texts[h % 3];
    q->len = strlen(q->text);
    return true;
}

static bool read_symbols(void *user, ftl_symbols_request *q)
{
    static const char *const symbols[] = {"ulm", "bonn", "jena"};
    (void)user;
    q->message = "not there";
    q->symbols = symbols;
    q->n = hash_name(q->path) % 4;
    return hash_name(q->path) % 8 != 7;
}

static void make_tuples(ftl_load_request *q, uint32_t h)
{
    static const int64_t numbers[2][4] = {{0, 1, 2, 0}, {2, 1, 0, 1}};
    static const char *const words[] = {"ada", "bea", "cyr"};
    static const double values[] = {1, 0.5, -2, 3};
    q->info.is_tuples = true;
    q->info.has_values = !q->is_relation && h % 4 == 0;
    q->info.values = q->info.has_values ? values : NULL;
    q->info.count = 4;
    q->info.has_vocabulary = h % 5 == 0;
    for (uint32_t k = 0; k < q->rank; k++) {
        q->info.columns[k] = numbers[k % 2];
        q->info.shape[k] = 3;
        q->info.is_text[k] = (h >> k) % 2 == 0;
        q->info.symbols[k] = words;
        q->info.n_symbols[k] = 3;
    }
}

static bool load(void *user, ftl_load_request *q)
{
    (void)user;
    uint32_t h = hash_name(q->path ? q->path : q->name) >> 8;
    q->found = q->path || h % 8 != 7;
    q->message = "not readable";
    if (h % 16 == 6)
        return false;
    q->info.dtype = h % 2 ? FTL_DTYPE_F32 : FTL_DTYPE_I64;
    q->info.rank = h % 32 == 5 ? (q->rank + 1) % FTL_MAX_RANK : q->rank;
    for (uint32_t k = 0; k < q->info.rank; k++)
        q->info.shape[k] = 3;
    if (h % 3 == 0 && q->info.rank == q->rank)
        make_tuples(q, h);
    return true;
}

/* ---- what a sound model holds ---- */

typedef struct looker {
    const ftl_model *m;
    const ftl_equation *eq;
} looker;

static void look_at_expr(const looker *l, const ftl_expr *e);

static void look_at_axis(const looker *l, uint32_t axis)
{
    fuzz_require(axis < l->eq->axes.len, "axes are those of the equation");
    fuzz_require(l->eq->axes.data[axis].extent >= 0, "used axes have extents");
}

static void look_at_places(const looker *l, uint32_t tensor, const ftl_at_place *places, uint32_t n)
{
    const ftl_tensor_decl *t = &l->m->tensors.data[tensor];
    uint32_t dim = 0;
    for (uint32_t i = 0; i < n; i++) {
        const ftl_at_place *p = &places[i];
        dim += p->form != FTL_AT_TIME;
        for (size_t k = 0; k < p->terms.len; k++)
            look_at_axis(l, p->terms.data[k].axis);
        fuzz_require(p->form != FTL_AT_GATHER || p->gather, "a gather has its expression");
        if (p->gather)
            look_at_expr(l, p->gather);
        bool constant = p->form == FTL_AT_AFFINE && p->terms.len == 0 && !p->symbol;
        fuzz_require(!constant || (p->offset >= 0 && p->offset < t->extent[dim - 1]),
                     "constant indices are inside");
    }
    fuzz_require(dim == t->rank && n == t->rank + t->has_time, "one index for each place");
}

static void look_at_expr(const looker *l, const ftl_expr *e)
{
    fuzz_require(e->kind != FTL_EXPR_READ || e->tensor < l->m->tensors.len, "tensors are there");
    if (e->kind == FTL_EXPR_READ)
        look_at_places(l, e->tensor, e->places, e->n_places);
    for (uint32_t i = 0; i < e->n_axes; i++) {
        look_at_axis(l, e->axes[i]);
        fuzz_require(i == 0 || e->axes[i - 1] < e->axes[i], "axes rise");
    }
    for (size_t i = 0; i < e->args.len; i++)
        look_at_expr(l, e->args.data[i]);
}

static void look_at_model(const ftl_model *m)
{
    for (size_t i = 0; i < m->tensors.len; i++)
        for (uint32_t k = 0; k < m->tensors.data[i].rank && !m->tensors.data[i].is_unused; k++)
            fuzz_require(m->tensors.data[i].extent[k] >= 0, "tensors have extents");
    for (size_t i = 0; i < m->equations.len; i++) {
        looker l = {m, &m->equations.data[i]};
        fuzz_require(l.eq->value != NULL && l.eq->group < m->groups.len, "equations are complete");
        look_at_places(&l, l.eq->tensor, l.eq->left, l.eq->n_left);
        look_at_expr(&l, l.eq->value);
    }
    for (size_t i = 0; i < m->groups.len; i++) {
        const ftl_group *g = &m->groups.data[i];
        for (size_t k = 0; k < g->tensors.len && g->kind == FTL_GROUP_SCAN; k++)
            for (uint32_t d = 0; d < g->n_scan; d++)
                fuzz_require(g->scan[d].place[k] == UINT32_MAX ||
                                 g->scan[d].place[k] < m->tensors.data[g->tensors.data[k]].rank,
                             "scans run along places");
    }
}

static ftl_status check_input(void *p)
{
    session *s = p;
    static const char *const queries[] = {"A[i=1]", "Anc(alice, x)", "Y[i=0:2]", "P(_, 1)"};
    uint8_t choice = s->data[0];
    ftl_loader loader = {.read_text = read_text, .load = load,
                          .read_symbols = read_symbols};
    ftl_check_options options = {.mode = (ftl_mode)(choice & 3),
                                 .strict = (choice & 4) != 0,
                                 .is_partial = (choice & 8) != 0,
                                 .loader = choice & 16 ? NULL : &loader,
                                 .queries = queries,
                                 .n_queries = choice & 32 ? FTL_COUNT(queries) : 0};
    ftl_strbuf out;
    ftl_intern_init(&s->names, &s->arena);
    ftl_diags_init(&s->diags, &s->arena);
    const char *text = ftl_arena_strndup(&s->arena, (const char *)s->data + 1, s->size - 1);
    uint32_t file = ftl_diags_add_source(&s->diags, "fuzz.fuse", text, s->size - 1);
    ftl_tree *tree = ftl_syntax_parse(&s->arena, &s->names, &s->diags, file);
    ftl_model *m = ftl_check_program(&s->arena, &s->names, &s->diags, tree, &options);
    ftl_strbuf_init(&out, &s->arena);
    ftl_diags_render(&s->diags, &out);
    ftl_model_dump(m, &out);
    if (s->diags.errors == 0 && !options.is_partial)
        look_at_model(m);
    return FTL_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    session s = {.data = data, .size = size};
    if (size == 0)
        return 0;
    ftl_arena_init(&s.arena, ftl_allocator_get_default());
    s.arena.limit = FUZZ_MEMORY;
    (void)ftl_arena_run(&s.arena, check_input, &s);
    ftl_arena_fini(&s.arena);
    return 0;
}
