/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs made at random as trees, from a fixed seed: printed and parsed they are the same trees;
 * formatted, with and without comments strewn in, they keep their meaning, and formatting settles.
 */
#include "syntax_unit.h"

#include <stdio.h>
#include <stdlib.h>

#define PROGRAMS 3000
#define DEPTH 5

typedef struct generator {
    syntax_session *s;
    uint64_t state;
    uint64_t seed;
} generator;

/* xorshift64*, one of n choices. */
static unsigned choose(generator *g, unsigned n)
{
    g->state ^= g->state >> 12;
    g->state ^= g->state << 25;
    g->state ^= g->state >> 27;
    return (unsigned)((g->state * 0x2545f4914f6cdd1du) >> 33) % n;
}

#define PICK(g, list) (list)[choose((g), (unsigned)FTL_COUNT(list))]

static const char *pick_name(generator *g)
{
    static const char *const names[] = {"a",    "b",  "Weight", "x'", "K",    "t", "step",
                                        "axis", "in", "x_1''",  "as", "\xc3\xa4"};
    return ftl_intern_cstr(&g->s->names, PICK(g, names));
}

static const char *pick_text(generator *g)
{
    static const char *const texts[] = {"a",        "A. Smith", "q\"uo\\te", "tab\tand\nline",
                                        "\x01\xff", ""};
    return ftl_intern_cstr(&g->s->names, PICK(g, texts));
}

static ftl_node *make(generator *g, ftl_node_kind kind)
{
    ftl_node *node = FTL_NEW(&g->s->arena, ftl_node);
    node->kind = kind;
    return node;
}

static void add(generator *g, ftl_node *node, ftl_node *child)
{
    *FTL_VEC_PUSH(&g->s->arena, &node->args) = child;
}

static ftl_node *make_expr(generator *g, int depth);

/* ---- leaves ---- */

static ftl_node *make_number(generator *g, const char *spelling)
{
    ftl_node *node = make(g, FTL_NODE_NUMBER);
    node->spelling = spelling;
    node->number = strtod(spelling, NULL);
    return node;
}

static ftl_node *make_any_number(generator *g)
{
    static const char *const numbers[] = {"0", "1", "2.5", "1e-3", "17", ".5", "3.", "6.02E23"};
    return make_number(g, PICK(g, numbers));
}

static ftl_node *make_name(generator *g)
{
    ftl_node *node = make(g, FTL_NODE_NAME);
    node->name = pick_name(g);
    return node;
}

static ftl_node *make_text(generator *g)
{
    ftl_node *node = make(g, FTL_NODE_STRING);
    node->name = pick_text(g);
    return node;
}

/* ---- indices ---- */

static void add_term(generator *g, ftl_index *index)
{
    ftl_index_term *term = FTL_VEC_PUSH(&g->s->arena, &index->terms);
    unsigned form = choose(g, 4);
    term->sign = choose(g, 3) > 0 ? 1 : -1;
    term->has_number = form == 1 || form == 2;
    term->number = term->has_number ? (int64_t)choose(g, 1000) : 0;
    term->factor = form == 3 ? pick_name(g) : NULL;
    term->name = form == 1 ? NULL : pick_name(g);
}

static ftl_node *make_bound(generator *g)
{
    if (choose(g, 3) == 0)
        return NULL;
    ftl_node *node = choose(g, 2) ? make_name(g) : make_number(g, "12");
    if (choose(g, 3) > 0)
        return node;
    ftl_node *sum = make(g, FTL_NODE_BINARY);
    sum->op = choose(g, 2) ? FTL_OP_SUB : FTL_OP_MUL;
    add(g, sum, node);
    add(g, sum, make_name(g));
    return sum;
}

static ftl_node *make_ref(generator *g, int depth, bool left);

static void add_index(generator *g, ftl_indices *indices, int depth, bool left)
{
    ftl_index index = {.kind = (ftl_index_kind)choose(g, FTL_INDEX_ANY + 1)};
    if (choose(g, 2) || (index.kind == FTL_INDEX_DIV && !left) ||
        (index.kind == FTL_INDEX_GATHER && depth <= 0))
        index.kind = FTL_INDEX_AFFINE;
    if (index.kind == FTL_INDEX_AFFINE)
        for (unsigned n = choose(g, 3) ? 1 : 1 + choose(g, 3); n > 0; n--)
            add_term(g, &index);
    if (index.kind == FTL_INDEX_SYMBOL)
        index.name = pick_text(g);
    if (index.kind == FTL_INDEX_DIV || index.kind == FTL_INDEX_TIME)
        index.name = pick_name(g);
    if (index.kind == FTL_INDEX_DIV)
        index.divisor = choose(g, 2) ? make_name(g) : make_number(g, "2");
    if (index.kind == FTL_INDEX_TIME)
        index.time_offset = (int)choose(g, 5) - 2;
    if (index.kind == FTL_INDEX_SLICE) {
        index.name = choose(g, 3) ? NULL : pick_name(g);
        index.start = make_bound(g);
        index.stop = make_bound(g);
        index.step = make_bound(g);
    }
    if (index.kind == FTL_INDEX_GATHER)
        index.gather = make_ref(g, depth - 1, false);
    if (left && index.kind == FTL_INDEX_AFFINE && choose(g, 3) == 0) {
        index.terms.len = 1;
        index.terms.data[0] = (ftl_index_term){.sign = 1, .name = pick_name(g)};
        index.dotted = true;
    }
    *FTL_VEC_PUSH(&g->s->arena, indices) = index;
}

static ftl_node *make_ref(generator *g, int depth, bool left)
{
    ftl_node *node = make(g, FTL_NODE_REF);
    node->name = pick_name(g);
    for (unsigned n = 1 + choose(g, 3); n > 0; n--)
        add_index(g, &node->indices, depth, left);
    return node;
}

/* A reference with parentheses has its arguments as expressions as well. */
static ftl_node *make_relation(generator *g)
{
    ftl_node *node = make(g, FTL_NODE_REF);
    node->name = pick_name(g);
    node->paren = true;
    for (unsigned n = choose(g, 4); n > 0; n--) {
        ftl_index *index = FTL_VEC_PUSH(&g->s->arena, &node->indices);
        unsigned form = choose(g, 3);
        ftl_node *value = form == 0 ? make_text(g) : form == 1 ? make_name(g) : make_number(g, "4");
        add(g, node, value);
        index->kind = form == 0 ? FTL_INDEX_SYMBOL : FTL_INDEX_AFFINE;
        index->name = form == 0 ? value->name : NULL;
        if (form > 0) {
            ftl_index_term *term = FTL_VEC_PUSH(&g->s->arena, &index->terms);
            *term = (ftl_index_term){.sign = 1, .name = form == 1 ? value->name : NULL};
            term->has_number = form == 2;
            term->number = form == 2 ? 4 : 0;
        }
    }
    return node;
}

/* ---- expressions ---- */

static ftl_node *make_list(generator *g, int depth)
{
    ftl_node *node = make(g, FTL_NODE_LIST);
    for (unsigned n = choose(g, 4); n > 0; n--)
        add(g, node, depth > 0 && choose(g, 3) == 0 ? make_list(g, depth - 1)
                                                    : make_expr(g, depth - 1));
    return node;
}

static ftl_node *make_argument(generator *g, int depth)
{
    unsigned form = choose(g, 8);
    if (form == 0)
        return make_list(g, depth - 1);
    if (form > 1)
        return make_expr(g, depth - 1);
    ftl_node *node = make(g, FTL_NODE_DICT);
    for (unsigned n = choose(g, 3); n > 0; n--) {
        add(g, node, choose(g, 2) ? make_name(g) : make_text(g));
        add(g, node, make_expr(g, depth - 1));
    }
    return node;
}

/* The keyword argument makes it a call whatever the others are. */
static ftl_node *make_call(generator *g, int depth)
{
    ftl_node *node = make(g, FTL_NODE_CALL);
    node->name = pick_name(g);
    node->macro = choose(g, 4) == 0;
    node->ns = !node->macro && choose(g, 4) == 0 ? pick_name(g) : NULL;
    for (unsigned n = choose(g, 3); n > 0; n--)
        add(g, node, make_argument(g, depth));
    for (unsigned n = 1 + choose(g, 2); n > 0; n--) {
        ftl_kwarg *kwarg = FTL_VEC_PUSH(&g->s->arena, &node->kwargs);
        kwarg->name = pick_name(g);
        kwarg->value = make_argument(g, depth);
    }
    return node;
}

static ftl_node *make_binary(generator *g, int depth)
{
    ftl_node *node = make(g, FTL_NODE_BINARY);
    node->op = (ftl_op)(FTL_OP_ADD + (int)choose(g, FTL_OP_OR - FTL_OP_ADD + 1));
    if (choose(g, 3) == 0)
        node->op = FTL_OP_MUL;
    node->implicit = node->op == FTL_OP_MUL && choose(g, 2);
    add(g, node, make_expr(g, depth - 1));
    add(g, node, make_expr(g, depth - 1));
    return node;
}

static ftl_node *make_reduce(generator *g, int depth)
{
    ftl_node *node = make(g, FTL_NODE_REDUCE);
    node->name = ftl_intern_cstr(&g->s->names, "sum");
    for (unsigned n = choose(g, 3); n > 0; n--)
        FTL_VEC_PUSH(&g->s->arena, &node->axes)->name = pick_name(g);
    add(g, node, make_expr(g, depth - 1));
    return node;
}

static ftl_node *make_with(generator *g, ftl_node_kind kind, unsigned children, int depth)
{
    ftl_node *node = make(g, kind);
    while (children-- > 0)
        add(g, node, make_expr(g, depth - 1));
    return node;
}

static ftl_node *make_leaf(generator *g, int depth)
{
    ftl_node *node = NULL;
    switch (choose(g, 10)) {
    case 0: return make_any_number(g);
    case 1: return make_name(g);
    case 2: return make_text(g);
    case 3: return make_relation(g);
    case 4: return make(g, FTL_NODE_NONE);
    case 5:
        node = make(g, FTL_NODE_BOOL);
        node->number = choose(g, 2);
        return node;
    default: return make_ref(g, depth, false);
    }
}

static ftl_node *make_inner(generator *g, int depth)
{
    ftl_node *node = NULL;
    switch (choose(g, 10)) {
    case 0: return make_call(g, depth);
    case 1: return make_with(g, FTL_NODE_SELECT, 3, depth);
    case 2: return make_with(g, FTL_NODE_CASE, 2 + choose(g, 4), depth);
    case 3: return make_reduce(g, depth);
    case 4:
    case 5:
        node = make_with(g, FTL_NODE_UNARY, 1, depth);
        node->op = choose(g, 2) ? FTL_OP_NEG : FTL_OP_NOT;
        node->spelling = choose(g, 2) ? "not" : "!";
        return node;
    default: return make_binary(g, depth);
    }
}

static ftl_node *make_expr(generator *g, int depth)
{
    ftl_node *node = depth <= 0 || choose(g, 4) == 0 ? make_leaf(g, depth) : make_inner(g, depth);
    node->grouped = choose(g, 8) == 0;
    return node;
}

/* ---- statements ---- */

/* `axis max= 3` would declare an axis. */
static const char *pick_name_but_axis(generator *g)
{
    const char *name = pick_name(g);
    while (strcmp(name, "axis") == 0)
        name = pick_name(g);
    return name;
}

static ftl_node *make_left(generator *g)
{
    ftl_node *node = choose(g, 4) == 0   ? make_name(g)
                     : choose(g, 3) == 0 ? make_relation(g)
                                         : make_ref(g, 1, true);
    if (node->kind == FTL_NODE_NAME && strcmp(node->name, "axis") == 0)
        node->name = pick_name_but_axis(g);
    return node;
}

/* The commas of a rule's body. */
static ftl_node *make_body(generator *g)
{
    ftl_node *body = make_expr(g, 3);
    for (unsigned n = choose(g, 4); n > 0; n--) {
        ftl_node *both = make(g, FTL_NODE_BINARY);
        both->op = FTL_OP_AND;
        both->implicit = true;
        add(g, both, body);
        add(g, both, make_expr(g, 3));
        body = both;
    }
    return body;
}

static void make_equation(generator *g, ftl_stmt *stmt)
{
    stmt->lhs = make_left(g);
    stmt->is_let = choose(g, 5) == 0;
    stmt->proj = (ftl_proj)choose(g, FTL_PROJ_ARROW + 1);
    stmt->guard = choose(g, 4) == 0 ? make_expr(g, 3) : NULL;
    stmt->rhs = stmt->proj == FTL_PROJ_ARROW ? make_body(g)
                : choose(g, 6) == 0          ? make_list(g, 2)
                                             : make_expr(g, DEPTH);
    if (stmt->rhs->kind == FTL_NODE_STRING)
        stmt->rhs = make_name(g);
}

static void make_formal(generator *g, ftl_formal *formal)
{
    formal->name = pick_name(g);
    for (unsigned n = choose(g, 3); n > 0; n--) {
        ftl_index *index = FTL_VEC_PUSH(&g->s->arena, &formal->axes);
        ftl_index_term *term = FTL_VEC_PUSH(&g->s->arena, &index->terms);
        *term = (ftl_index_term){.sign = 1, .name = pick_name(g)};
    }
}

static ftl_stmt *make_stmt(generator *g, int depth);

static void make_body_of(generator *g, ftl_stmt *stmt, int depth)
{
    for (unsigned n = choose(g, 4); n > 0; n--)
        *FTL_VEC_PUSH(&g->s->arena, &stmt->body) = make_stmt(g, depth - 1);
}

static void make_names(generator *g, ftl_stmt *stmt, bool quotable)
{
    for (unsigned n = 1 + choose(g, 3); n > 0; n--) {
        ftl_name *name = FTL_VEC_PUSH(&g->s->arena, &stmt->names);
        name->quoted = quotable && choose(g, 2);
        name->name = name->quoted ? pick_text(g) : pick_name(g);
    }
}

static void make_declaration(generator *g, ftl_stmt *stmt)
{
    stmt->name = pick_name(g);
    stmt->type = stmt->kind == FTL_STMT_PARAM && choose(g, 2) ? pick_name(g) : NULL;
    if (stmt->kind == FTL_STMT_CONST || choose(g, 2))
        stmt->rhs = make_expr(g, 2);
}

static ftl_stmt *make_stmt(generator *g, int depth)
{
    ftl_stmt *stmt = FTL_NEW(&g->s->arena, ftl_stmt);
    bool top = depth == 2;
    stmt->kind = choose(g, 2) ? FTL_STMT_EQUATION : (ftl_stmt_kind)choose(g, FTL_STMT_BLOCK + 1);
    if ((!top && (stmt->kind == FTL_STMT_FN || stmt->kind == FTL_STMT_IMPORT)) ||
        (depth == 0 && stmt->kind == FTL_STMT_BLOCK))
        stmt->kind = FTL_STMT_EQUATION;
    switch (stmt->kind) {
    case FTL_STMT_EQUATION: make_equation(g, stmt); break;
    case FTL_STMT_SOURCE:
        stmt->lhs = make_left(g);
        stmt->path = pick_text(g);
        break;
    case FTL_STMT_SINK:
        stmt->path = pick_text(g);
        stmt->rhs = make_expr(g, 2);
        break;
    case FTL_STMT_EXPORT: make_names(g, stmt, false); break;
    case FTL_STMT_FACT: stmt->lhs = make_relation(g); break;
    case FTL_STMT_QUERY: stmt->lhs = make_left(g); break;
    case FTL_STMT_PARAM:
    case FTL_STMT_CONST:
    case FTL_STMT_AXIS: make_declaration(g, stmt); break;
    case FTL_STMT_DOMAIN:
        stmt->name = pick_name(g);
        if (choose(g, 2))
            stmt->path = pick_text(g);
        else
            make_names(g, stmt, true);
        break;
    case FTL_STMT_IMPORT:
        stmt->path = pick_text(g);
        stmt->name = choose(g, 2) ? pick_name(g) : NULL;
        break;
    case FTL_STMT_FN:
        stmt->name = pick_name(g);
        for (unsigned n = choose(g, 3); n > 0; n--)
            make_formal(g, FTL_VEC_PUSH(&g->s->arena, &stmt->formals));
        make_formal(g, &stmt->result);
        make_body_of(g, stmt, depth);
        break;
    case FTL_STMT_BLOCK: make_body_of(g, stmt, depth); break;
    }
    return stmt;
}

/* ---- properties ---- */

static void fail_with(const generator *g, const char *what, const char *text)
{
    fprintf(stderr, "seed %llu: %s\n%s\n%s", (unsigned long long)g->seed, what, text,
            syntax_session_render(g->s));
    fail();
}

static ftl_tree *parse(const generator *g, const char *text, const char *what)
{
    ftl_tree *tree = syntax_session_parse(g->s, text);
    if (g->s->diags.errors > 0)
        fail_with(g, what, text);
    return tree;
}

static void check_formatting(const generator *g, const char *text, const ftl_tree *want)
{
    const ftl_tree *tree = parse(g, text, "the text does not parse");
    if (!ftl_syntax_is_equal(want, tree))
        fail_with(g, "the text gives another tree", text);
    const char *once = syntax_session_format(g->s, tree);
    const ftl_tree *again = parse(g, once, "the formatted text does not parse");
    if (!ftl_syntax_is_equal(tree, again))
        fail_with(g, "formatting changed the tree", once);
    if (tree->comments.len != again->comments.len)
        fail_with(g, "a comment was lost", once);
    const char *twice = syntax_session_format(g->s, again);
    if (strcmp(once, twice) != 0)
        fail_with(g, "formatting does not settle", once);
}

static bool is_after_comma(const char *text, const char *p)
{
    return p > text && *p == ' ' && p[-1] == ',';
}

/* Comments where a line may end: after commas and at line ends. No generated name or text holds
 * a comma or a hash. */
static const char *strew_comments(generator *g, const char *text)
{
    ftl_strbuf out;
    ftl_strbuf_init(&out, &g->s->arena);
    for (const char *p = text; *p; p++) {
        bool can_break = *p == '\n' || is_after_comma(text, p);
        if (can_break && choose(g, 4) == 0)
            ftl_strbuf_printf(&out, "%s# note%s\n%s", choose(g, 2) ? "  " : "",
                              choose(g, 2) ? "  " : "", choose(g, 2) ? "\n" : "   ");
        else
            ftl_strbuf_putc(&out, *p);
    }
    return ftl_strbuf_get(&out);
}

static void check_program(syntax_session *s)
{
    generator *g = s->user;
    g->s = s;
    g->state = g->seed * 0x9e3779b97f4a7c15u + 1;
    ftl_tree want = {0};
    ftl_strbuf out;
    ftl_strbuf_init(&out, &s->arena);
    for (unsigned n = 1 + choose(g, 6); n > 0; n--) {
        ftl_stmt *stmt = make_stmt(g, 2);
        *FTL_VEC_PUSH(&s->arena, &want.stmts) = stmt;
        ftl_syntax_format_stmt(stmt, &out);
        ftl_strbuf_puts(&out, choose(g, 8) ? "\n" : "\n\n\n");
    }
    check_formatting(g, ftl_strbuf_get(&out), &want);
    check_formatting(g, strew_comments(g, ftl_strbuf_get(&out)), &want);
}

static void test_programs(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
        generator g = {.seed = seed};
        syntax_session_run(check_program, &g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_programs)};
    return cmocka_run_group_tests_name("syntax_generated", tests, NULL, NULL);
}
