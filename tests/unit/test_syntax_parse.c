/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts and the trees that they give, written as nested lists: `a + b c` is (+ a (. b c)).
 */
#include "syntax_unit.h"

/* ---- trees as text ---- */

static void dump(ftl_strbuf *out, const ftl_node *node);

static void dump_all(ftl_strbuf *out, const ftl_node *node)
{
    for (size_t i = 0; i < node->args.len; i++) {
        ftl_strbuf_putc(out, ' ');
        dump(out, node->args.data[i]);
    }
    for (size_t i = 0; i < node->kwargs.len; i++) {
        ftl_strbuf_printf(out, " %s=", node->kwargs.data[i].name);
        dump(out, node->kwargs.data[i].value);
    }
}

static void dump_terms(ftl_strbuf *out, const ftl_index *index)
{
    for (size_t i = 0; i < index->terms.len; i++) {
        const ftl_index_term *term = &index->terms.data[i];
        ftl_strbuf_putc(out, term->sign > 0 ? '+' : '-');
        if (term->has_number)
            ftl_strbuf_printf(out, "%lld", (long long)term->number);
        ftl_strbuf_puts(out, term->factor ? term->factor : "");
        ftl_strbuf_puts(out, term->name && (term->has_number || term->factor) ? "*" : "");
        ftl_strbuf_puts(out, term->name ? term->name : "");
    }
}

static void dump_optional(ftl_strbuf *out, const ftl_node *node)
{
    ftl_strbuf_putc(out, ' ');
    if (node)
        dump(out, node);
    else
        ftl_strbuf_putc(out, '-');
}

static void dump_index(ftl_strbuf *out, const ftl_index *index)
{
    switch (index->kind) {
    case FTL_INDEX_AFFINE: dump_terms(out, index); break;
    case FTL_INDEX_SYMBOL: ftl_strbuf_printf(out, "'%s'", index->name); break;
    case FTL_INDEX_DIV:
        ftl_strbuf_printf(out, "(/ %s", index->name);
        dump_optional(out, index->divisor);
        ftl_strbuf_putc(out, ')');
        break;
    case FTL_INDEX_SLICE:
        ftl_strbuf_printf(out, "(slice %s", index->name ? index->name : "-");
        dump_optional(out, index->start);
        dump_optional(out, index->stop);
        dump_optional(out, index->step);
        ftl_strbuf_putc(out, ')');
        break;
    case FTL_INDEX_GATHER: dump(out, index->gather); break;
    case FTL_INDEX_TIME:
        ftl_strbuf_printf(out, "*%s%+lld", index->name, (long long)index->time_offset);
        break;
    case FTL_INDEX_ANY: ftl_strbuf_putc(out, '_'); break;
    }
    if (index->dotted)
        ftl_strbuf_putc(out, '.');
}

static void dump_ref(ftl_strbuf *out, const ftl_node *node)
{
    ftl_strbuf_printf(out, "%s%s", node->name, node->paren ? "(" : "[");
    for (size_t i = 0; i < node->indices.len; i++) {
        ftl_strbuf_puts(out, i > 0 ? " " : "");
        dump_index(out, &node->indices.data[i]);
    }
    for (size_t i = 0; i < node->kwargs.len; i++) {
        ftl_strbuf_printf(out, " %s=", node->kwargs.data[i].name);
        dump(out, node->kwargs.data[i].value);
    }
    ftl_strbuf_puts(out, node->paren ? ")" : "]");
}

static const char *get_head(const ftl_node *node)
{
    switch (node->kind) {
    case FTL_NODE_CALL: return node->macro ? "@" : "call";
    case FTL_NODE_BINARY:
        return !node->implicit ? ftl_op_get_text(node->op) : node->op == FTL_OP_MUL ? "." : ",";
    case FTL_NODE_UNARY: return ftl_op_get_text(node->op);
    case FTL_NODE_SELECT: return "?";
    case FTL_NODE_CASE: return "case";
    case FTL_NODE_LIST: return "list";
    case FTL_NODE_DICT: return "dict";
    default: return "reduce";
    }
}

static void dump(ftl_strbuf *out, const ftl_node *node)
{
    switch (node->kind) {
    case FTL_NODE_NUMBER: ftl_strbuf_puts(out, node->spelling); return;
    case FTL_NODE_STRING: ftl_strbuf_printf(out, "\"%s\"", node->name); return;
    case FTL_NODE_BOOL: ftl_strbuf_puts(out, node->number != 0 ? "TRUE" : "FALSE"); return;
    case FTL_NODE_NONE: ftl_strbuf_puts(out, "NONE"); return;
    case FTL_NODE_NAME: ftl_strbuf_puts(out, node->name); return;
    case FTL_NODE_REF: dump_ref(out, node); return;
    default: break;
    }
    ftl_strbuf_printf(out, "(%s", get_head(node));
    if (node->kind == FTL_NODE_CALL || node->kind == FTL_NODE_REDUCE)
        ftl_strbuf_printf(out, " %s%s%s", node->ns ? node->ns : "", node->ns ? "::" : "",
                          node->name);
    for (size_t i = 0; i < node->axes.len; i++)
        ftl_strbuf_printf(out, " /%s", node->axes.data[i].name);
    dump_all(out, node);
    ftl_strbuf_putc(out, ')');
}

/* ---- expressions ---- */

typedef struct pair {
    const char *text, *want;
} pair;

static void check_expr(syntax_session *s)
{
    const pair *p = s->user;
    uint32_t file = ftl_diags_add_source(&s->diags, "a.fuse", p->text, strlen(p->text));
    ftl_node *node = ftl_syntax_parse_expr(&s->arena, &s->names, &s->diags, file);
    assert_string_equal(syntax_session_render(s), "");
    ftl_strbuf out;
    ftl_strbuf_init(&out, &s->arena);
    dump(&out, node);
    assert_string_equal(ftl_strbuf_get(&out), p->want);
}

static void check_exprs(const pair *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        pair p = pairs[i];
        syntax_session_run(check_expr, &p);
    }
}

static void test_precedence(void **state)
{
    static const pair pairs[] = {
        {"a + b * c", "(+ a (* b c))"},
        {"a - b - c", "(- (- a b) c)"},
        {"a / b c", "(. (/ a b) c)"},
        {"2 x y + 1", "(+ (. (. 2 x) y) 1)"},
        {"-a**2", "(- (** a 2))"},
        {"2**3**2", "(** 2 (** 3 2))"},
        {"K ** -1 * 7", "(* (** K (- 1)) 7)"},
        {"A -1", "(- A 1)"},
        {"A - -1", "(- A (- 1))"},
        {"A[i] -1", "(- A[+i] 1)"},
        {"!a && b || c == d + 1", "(|| (&& (! a) b) (== c (+ d 1)))"},
        {"not R(x) S(x)", "(. (! R(+x)) S(+x))"},
        {"P(x) not R(x) !S(x)", "(. (. P(+x) (! R(+x))) (! S(+x)))"},
        {"x <-1", "(< x (- 1))"},
        {"a ? b : c ? d : e", "(? a b (? c d e))"},
        {"a ? b ? c : d : e", "(? a (? b c d) e)"},
        {"(a + b) (c - d)", "(. (+ a b) (- c d))"},
        {"A[i]\n  * B[i]", "(* A[+i] B[+i])"},
        {"2x", "(. 2 x)"},
        {"1.5E-3 + .5 - 1.", "(- (+ 1.5E-3 .5) 1.)"},
    };
    (void)state;
    check_exprs(pairs, FTL_COUNT(pairs));
}

static void test_primaries(void **state)
{
    static const pair pairs[] = {
        {"1 + reduce(sum, j, k) (a) + b", "(+ 1 (reduce sum /j /k (+ a b)))"},
        {"(reduce(max, k) A[k]) + 1", "(+ (reduce max /k A[+k]) 1)"},
        {"case { a -> 1; b -> 2; default -> 3 }", "(case a 1 b 2 3)"},
        {"case {\n a -> 1\n b -> x\n + y\n}", "(case a 1 b (+ x y))"},
        {"case(a, b[i])", "(call case a b[+i])"},
        {"reduce", "reduce"},
        {"f([1, [2, -3],], {a: 1, \"b\": [x]}, k=none)",
         "(call f (list 1 (list 2 (- 3))) (dict a 1 \"b\" (list x)) k=NONE)"},
        {"ns::f(A[i], axis=j)", "(call ns::f A[+i] axis=j)"},
        {"@softmax(x, mask=m[i])", "(@ softmax x mask=m[+i])"},
        {"relu(i+1)", "relu(+i+1)"},
        {"relu(0.5)", "(call relu 0.5)"},
        {"Ok()", "Ok()"},
        {"x != \"A. \\\"Smith\\\"\"", "(!= x \"A. \"Smith\"\")"},
        {"true || false", "(|| TRUE FALSE)"},
        {"step(t in x'')", "(call step (. (. t in) x''))"},
        {"gr\xc3\xb6\xc3\x9f" "e * \xce\xb1'", "(* gr\xc3\xb6\xc3\x9f" "e \xce\xb1')"},
    };
    (void)state;
    check_exprs(pairs, FTL_COUNT(pairs));
}

static void test_indices(void **state)
{
    static const pair pairs[] = {
        {"A[i, i', 3, -1, alice, \"A. Smith\"]", "A[+i +i' +3 -1 +alice 'A. Smith']"},
        {"A[i+1, i-1, i+k, 2*i+k, K*i, x+dx-1, -k, i*2]",
         "A[+i+1 +i-1 +i+k +2*i+k +K*i +x+dx-1 -k +2*i]"},
        {"A[a:b, a:b:s, :, ::2, -2:, d=0:3, s=::2, :N-1, lo: :hi]",
         "A[(slice - a b -) (slice - a b s) (slice - - - -) (slice - - - 2) (slice - (- 2) - -) "
         "(slice d 0 3 -) (slice s - - 2) (slice - - (- N 1) -) (slice - lo - hi)]"},
        {"A[Tok[p], Next[Tok[b, p+1]], d]", "A[Tok[+p] Next[Tok[+b +p+1]] +d]"},
        {"A[*t, *t+1, *t-2, _]", "A[*t+0 *t+1 *t-2 _]"},
        {"R(_, *t, 0:3, x)", "R(_ *t+0 (slice - 0 3 -) +x)"},
        {"A[i-(k-1)]", "A[+i-k+1]"},
        {"A[\n i,\n j\n]", "A[+i +j]"},
        {"(A\n (b))", "(. A b)"},
    };
    (void)state;
    check_exprs(pairs, FTL_COUNT(pairs));
}

/* ---- statements ---- */

static void check_stmts(syntax_session *s)
{
    const pair *p = s->user;
    const ftl_tree *tree = syntax_session_parse_good(s, p->text);
    ftl_strbuf out;
    ftl_strbuf_init(&out, &s->arena);
    static const char *const kinds[] = {"equation", "source", "sink",   "export", "fact",
                                        "query",    "param",  "const",  "axis",   "domain",
                                        "import",   "fn",     "block"};
    for (size_t i = 0; i < tree->stmts.len; i++) {
        ftl_strbuf_printf(&out, "%s%s: ", i > 0 ? " | " : "", kinds[tree->stmts.data[i]->kind]);
        ftl_syntax_format_stmt(tree->stmts.data[i], &out);
    }
    assert_string_equal(ftl_strbuf_get(&out), p->want);
}

static void test_statements(void **state)
{
    static const pair pairs[] = {
        {"Y = 1; Y += 2\nY max= 3", "equation: Y = 1 | equation: Y += 2 | equation: Y max= 3"},
        {"A min= b; A avg= b; A *= b; A lse= b; A <- b",
         "equation: A min= b | equation: A avg= b | equation: A *= b | equation: A lse= b | "
         "equation: A <- b"},
        {"D[i, j] when i > 0 && j > 0 min= D[i-1, j] + 1",
         "equation: D[i, j] when i > 0 && j > 0 min= D[i-1, j] + 1"},
        {"R(x) when x < -1 <- S(x), T(x)", "equation: R(x) when x < -1 <- S(x), T(x)"},
        {"W[h,d] = \"w.npy\"", "source: W[h, d] = \"w.npy\""},
        {"W[i] = [0.2, 1.9]", "equation: W[i] = [0.2, 1.9]"},
        {"\"y.npy\" = Y[i]", "sink: \"y.npy\" = Y[i]"},
        {"export A,\n  B", "export: export A, B"},
        {"Parent(alice, \"B. Lee\")\nEdge(0, 1)",
         "fact: Parent(alice, \"B. Lee\") | fact: Edge(0, 1)"},
        {"Y?; Ancestor(bea, x)?", "query: Y? | query: Ancestor(bea, x)?"},
        {"Road[mill, ford] = 4", "equation: Road[mill, ford] = 4"},
        {"param D: int = 4; param g = 0.5; param h",
         "param: param D: int = 4 | param: param g = 0.5 | param: param h"},
        {"const K = 2*3\naxis row = D\naxis i", "const: const K = 2 * 3 | axis: axis row = D | "
                                                "axis: axis i"},
        {"domain P = {a, \"b c\",}\ndomain Q = \"q.txt\"",
         "domain: domain P = {a, \"b c\"} | domain: domain Q = \"q.txt\""},
        {"import \"a.fuse\" as a\nimport \"b.fuse\"",
         "import: import \"a.fuse\" as a | import: import \"b.fuse\""},
        {"fn dot(p[x], q[x]) -> s\n{ s = p[x] * q[x]; }",
         "fn: fn dot(p[x], q[x]) -> s { s = p[x] * q[x] }"},
        {"{ let a = 1; y = a }\n{}", "block: { let a = 1; y = a } | block: {}"},
        {"C[x/2, y/K, c.] avg= F[x, y, c]", "equation: C[x/2, y/K, c.] avg= F[x, y, c]"},
        {"y = a\n  ? b\n  : c", "equation: y = a ? b : c"},
    };
    (void)state;
    for (size_t i = 0; i < FTL_COUNT(pairs); i++) {
        pair p = pairs[i];
        syntax_session_run(check_stmts, &p);
    }
}

/* Words that start statements are names elsewhere. */
static void test_contextual_words(void **state)
{
    static const pair pairs[] = {
        {"axis = 3; export = axis; let = 1", "equation: axis = 3 | equation: export = axis | "
                                             "equation: let = 1"},
        {"domain[axis, param] = fn[axis] const[param]",
         "equation: domain[axis, param] = fn[axis] const[param]"},
        {"case = reduce + default", "equation: case = reduce + default"},
        {"max = min + 1; max max= min", "equation: max = min + 1 | equation: max max= min"},
        {"when[i] when when[i] = when[j]", "equation: when[i] when when[i] = when[j]"},
        {"import(a, b)", "fact: import(a, b)"},
    };
    (void)state;
    for (size_t i = 0; i < FTL_COUNT(pairs); i++) {
        pair p = pairs[i];
        syntax_session_run(check_stmts, &p);
    }
}

static void check_paren_ref(syntax_session *s)
{
    const ftl_tree *tree = syntax_session_parse_good(s, "y = f(x, i+1) + g(_, x) + h()");
    const ftl_node *sum = tree->stmts.data[0]->rhs;
    const ftl_node *h = sum->args.data[1], *f = sum->args.data[0]->args.data[0],
                   *g = sum->args.data[0]->args.data[1];
    assert_int_equal(f->kind, FTL_NODE_REF);
    assert_true(f->paren);
    assert_int_equal(f->indices.len, 2);
    assert_int_equal(f->args.len, 2);
    assert_int_equal(f->args.data[1]->kind, FTL_NODE_BINARY);
    assert_int_equal(g->indices.len, 2);
    assert_int_equal(g->args.len, 0);
    assert_true(h->paren);
    assert_int_equal(h->indices.len, 0);
}

static void test_paren_ref_has_arguments(void **state)
{
    (void)state;
    syntax_session_run(check_paren_ref, NULL);
}

static void check_spans(syntax_session *s)
{
    const char *text = "# c\nlet Y[i] when i > 0 += (A[i] + f(2.5)) B[i]; export Y\n";
    const ftl_tree *tree = syntax_session_parse_good(s, text);
    const ftl_stmt *stmt = tree->stmts.data[0];
    assert_int_equal(stmt->span.off, 4);
    assert_int_equal(stmt->span.len, strcspn(text + 4, ";"));
    assert_memory_equal(text + stmt->op_span.off, "+=", stmt->op_span.len);
    assert_memory_equal(text + stmt->lhs->span.off, "Y[i]", stmt->lhs->span.len);
    assert_memory_equal(text + stmt->rhs->args.data[0]->span.off, "(A[i] + f(2.5))",
                        stmt->rhs->args.data[0]->span.len);
    assert_int_equal(tree->comments.len, 1);
    assert_true(tree->comments.data[0].own_line);
    assert_memory_equal(text + tree->stmts.data[1]->names.data[0].span.off, "Y", 1);
}

static void test_spans(void **state)
{
    (void)state;
    syntax_session_run(check_spans, NULL);
}

/* ---- queries ---- */

static void check_query(syntax_session *s)
{
    const pair *p = s->user;
    uint32_t file = ftl_diags_add_source(&s->diags, "query", p->text, strlen(p->text));
    ftl_node *node = ftl_syntax_parse_query(&s->arena, &s->names, &s->diags, file);
    ftl_strbuf out;
    ftl_strbuf_init(&out, &s->arena);
    if (node)
        dump(&out, node);
    assert_string_equal(ftl_strbuf_get(&out), p->want);
    assert_int_equal(s->diags.errors, node ? 0 : 1);
}

static void test_queries(void **state)
{
    static const pair pairs[] = {
        {"Y", "Y"},
        {"Anc(alice, x)?", "Anc(+alice +x)"},
        {"NAME[x=4,y=0:3]", "NAME[(slice y 0 3 -) x=4]"},
        {"NAME[x=-1, \"eva\", _]", "NAME['eva' _ x=(- 1)]"},
        {"Anc(x=alice, y=:2)", "Anc((slice y - 2 -) x=alice)"},
        {"A[*t-1, 3]", "A[*t-1 +3]"},
        {"3", ""},
        {"A[", ""},
        {"A[i] + 1", ""},
        {"f(A[i])", ""},
    };
    (void)state;
    for (size_t i = 0; i < FTL_COUNT(pairs); i++) {
        pair p = pairs[i];
        syntax_session_run(check_query, &p);
    }
}

/* ---- size ---- */

static const char *repeat(syntax_session *s, const char *first, const char *part, size_t n)
{
    ftl_strbuf out;
    ftl_strbuf_init(&out, &s->arena);
    ftl_strbuf_puts(&out, first);
    for (size_t i = 0; i < n; i++)
        ftl_strbuf_puts(&out, part);
    return ftl_strbuf_get(&out);
}

static void check_long_chains(syntax_session *s)
{
    static const char *const parts[][2] = {
        {"y = a", " + b[i] - c"}, {"y = a", " * b[i] c"}, {"y = a", " && b"},
        {"y <- a(x)", ", b(x)"},  {"y = a", " || b\n"},
    };
    for (size_t i = 0; i < FTL_COUNT(parts); i++) {
        const char *text = repeat(s, parts[i][0], parts[i][1], i == 0 ? 50000 : 5000);
        const ftl_tree *tree = syntax_session_parse_good(s, text);
        assert_in_range(tree->stmts.data[0]->rhs->height, 10, 40);
        const char *formatted = syntax_session_format(s, tree);
        assert_true(ftl_syntax_is_equal(tree, syntax_session_parse_good(s, formatted)));
    }
}

static void test_long_chains_are_shallow(void **state)
{
    (void)state;
    syntax_session_run(check_long_chains, NULL);
}

/* a - b - c + d ... keeps its value: each sign belongs to the same operand as before. */
static double evaluate(const ftl_node *node)
{
    if (node->kind == FTL_NODE_NUMBER)
        return node->number;
    double a = evaluate(node->args.data[0]), b = evaluate(node->args.data[1]);
    return node->op == FTL_OP_ADD   ? a + b
           : node->op == FTL_OP_SUB ? a - b
           : node->op == FTL_OP_MUL ? a * b
                                    : a / b;
}

static void check_values(syntax_session *s)
{
    uint32_t seed = 7;
    for (int round = 0; round < 200; round++) {
        ftl_strbuf out;
        ftl_strbuf_init(&out, &s->arena);
        ftl_strbuf_puts(&out, "y = 1");
        double sum = 1, product = 1;
        for (int i = 0; i < 30 + round; i++) {
            seed = seed * 1664525u + 1013904223u;
            int value = (int)(seed >> 29) + 1;
            bool inverse = (seed >> 20 & 3) == 0;
            if (round % 2 == 0)
                ftl_strbuf_printf(&out, " %c %d", inverse ? '-' : '+', value);
            else
                ftl_strbuf_printf(&out, " %c %d", inverse ? '/' : '*', 1 << (value & 1));
            sum += inverse ? -value : value;
            product = inverse ? product / (1 << (value & 1)) : product * (1 << (value & 1));
        }
        const ftl_tree *tree = syntax_session_parse_good(s, ftl_strbuf_get(&out));
        double got = evaluate(tree->stmts.data[0]->rhs);
        assert_true(got == (round % 2 == 0 ? sum : product));
    }
}

static void test_balanced_chains_keep_their_value(void **state)
{
    (void)state;
    syntax_session_run(check_values, NULL);
}

static void check_deep(syntax_session *s)
{
    static const char *const parts[][2] = {
        {"y = ", "("},     {"y = ", "-"},       {"y = ", "f("},        {"y = ", "A["},
        {"y = ", "a ? "},  {"y = 2", "**2"},    {"y = ", "[f("},       {"", "{ "},
        {"y = ", "!not "}, {"y = a", " / b[i]"}, {"y = ", "case { a -> "}, {"y = ", "{a: f("},
    };
    for (size_t i = 0; i < FTL_COUNT(parts); i++) {
        syntax_session_parse(s, repeat(s, parts[i][0], parts[i][1], 100000));
        assert_int_equal(s->diags.errors, i + 1);
    }
}

static void test_deep_nesting_is_an_error(void **state)
{
    (void)state;
    syntax_session_run(check_deep, NULL);
}

/* ---- memory ---- */

static void check_memory(syntax_session *s)
{
    const char *part = "fn f(a[x]) -> r { r = a ? case { a -> f([1]) } : \"b\" }\n";
    const char *text = repeat(s, "", part, 200);
    const ftl_tree *tree = syntax_session_parse_good(s, text);
    syntax_session_format(s, tree);
    syntax_session_parse(s, "y = = 1\ny = (");
    syntax_session_render(s);
}

/* Without memory from the n-th allocation on, parsing ends with a status and nothing is left. */
static void test_memory_runs_out(void **state)
{
    (void)state;
    ftl_status status = FTL_ERR_MEMORY;
    for (size_t n = 1; status != FTL_OK; n++) {
        unit_heap heap;
        unit_heap_init(&heap);
        heap.fail_at = n;
        syntax_session s = {.run = check_memory};
        ftl_arena_init(&s.arena, &heap.alloc);
        status = ftl_arena_run(&s.arena, syntax_session_enter, &s);
        ftl_arena_fini(&s.arena);
        assert_true(status == FTL_OK || status == FTL_ERR_MEMORY);
        assert_int_equal(heap.live_blocks, 0);
        assert_true(n < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_primaries),
        cmocka_unit_test(test_indices),
        cmocka_unit_test(test_statements),
        cmocka_unit_test(test_contextual_words),
        cmocka_unit_test(test_paren_ref_has_arguments),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_long_chains_are_shallow),
        cmocka_unit_test(test_balanced_chains_keep_their_value),
        cmocka_unit_test(test_deep_nesting_is_an_error),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests_name("syntax_parse", tests, NULL, NULL);
}
