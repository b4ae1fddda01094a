/* SPDX-License-Identifier: Apache-2.0
 *
 * Wrong texts: where the message points, what it says, and that the statements around are read.
 */
#include "syntax_unit.h"

typedef struct wrong {
    const char *text;
    const char *places; /* "line:column" of every message, in order */
    const char *words;  /* some of the messages and hints */
    size_t stmts;       /* statements that were read all the same */
} wrong;

static void check_wrong(syntax_session *s)
{
    const wrong *w = s->user;
    const ftl_tree *tree = syntax_session_parse(s, w->text);
    ftl_strbuf places;
    ftl_strbuf_init(&places, &s->arena);
    for (size_t i = 0; i < s->diags.list.len; i++) {
        unsigned line = 0, col = 0;
        ftl_diags_locate(&s->diags, s->diags.list.data[i]->span, &line, &col);
        ftl_strbuf_printf(&places, "%s%u:%u", i > 0 ? " " : "", line, col);
    }
    const char *messages = syntax_session_render(s);
    if (strcmp(ftl_strbuf_get(&places), w->places) != 0 || !strstr(messages, w->words))
        print_message("%s\n%s\nwant %s: %s\n", w->text, messages, w->places, w->words);
    assert_string_equal(ftl_strbuf_get(&places), w->places);
    assert_non_null(strstr(messages, w->words));
    assert_int_equal(tree->stmts.len, w->stmts);
}

static void check_all(const wrong *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        wrong w = list[i];
        syntax_session_run(check_wrong, &w);
    }
}

static void test_statements(void **state)
{
    static const wrong list[] = {
        {"Z med= Y[i]", "1:3", "unknown operator 'med='", 0},
        {"exports A", "1:1", "did you mean 'export'?", 0},
        {"export", "1:1", "expected a name after 'export'", 0},
        {"Y[i]\nX = 1", "1:1", "expected an operator such as '=' after 'Y'", 1},
        {"3 = A", "1:1", "a number cannot stand on the left", 0},
        {"\"out.npy\" += A", "1:11", "expected '='", 0},
        {"A[i] max= \"a.npy\"", "1:6", "a file is read with '='", 0},
        {"A = B when c", "1:7", "a guard stands before the operator", 0},
        {"A = B, C", "1:6", "only the body of a rule with '<-'", 0},
        {"P(x) :- Q(x)", "1:6", "a rule is written with '<-'", 0},
        {"f(A[i]) = 3", "1:3", "hold indices here", 0},
        {"Y?  z", "1:5", "a query stands alone", 0},
        {"let P(a, b)", "1:5", "expected an operator", 0},
        {"param n: 3", "1:10", "expected a type", 0},
        {"const K", "1:7", "expected '=' after the name of the constant", 0},
        {"domain D = [a]", "1:12", "expected '{' or a file's name", 0},
        {"import \"a\" as", "1:12", "expected a name after 'as'", 0},
        {"fn f(a[i]) -> r[i] r[i] = a[i];", "1:20", "expected '{'", 0},
        {"fn f(a[2*i]) -> r { r = a }", "1:8", "plain axes", 0},
        {"{ fn f(a) -> r { r = a } }", "1:3", "'fn' cannot stand inside of a block", 1},
        {"(a) = 3", "1:1", "expected a statement, found '('", 0},
    };
    (void)state;
    check_all(list, FTL_COUNT(list));
}

static void test_expressions(void **state)
{
    static const wrong list[] = {
        {"A[i] =\nB = 1", "1:1", "a line break after '=' ends the statement", 1},
        {"A = = B", "1:5", "expected a value after '=', found '='", 0},
        {"y = x * ;z = 1", "1:9", "expected a value after '*', found ';'", 1},
        {"y = x *\n", "1:7", "found the end of the file", 0},
        {"y = a < b < c", "1:11", "comparisons do not chain", 0},
        {"y = a and b", "1:7", "'and' is written '&&'", 0},
        {"y = [1 2]", "1:8", "expected ',' or ']', found '2'", 0},
        {"y = 2 [1]", "1:7", "found '['", 0},
        {"y = 2 * [1]", "1:9", "a list stands alone", 0},
        {"y = (a, b)", "1:7", "[a, b]", 0},
        {"y = f(k=1, 2)", "1:12", "without a name", 0},
        {"y = f(_, 0.5)", "1:7", "stands only for an index", 0},
        {"y = _ + 1", "1:5", "'_' stands only for an index", 0},
        {"y = case { p = 1; default -> 0 }", "1:14", "expected '->'", 0},
        {"y = case { default -> 0; p -> 1 }", "1:26", "'default', which is the last", 0},
        {"y = c ? a", "1:9", "expected ':'", 0},
        {"y = @ f", "1:7", "expected '(' after the name of a macro", 0},
        {"y = 1 // 2", "1:8", "a comment starts with '#'", 0},
        {"y = reduce(sum, k)", "1:18", "the expression to reduce", 0},
        {"y = 1e999", "1:5", "too large", 0},
        {"y = 0x1f", "1:5", "unknown number '0x1f'", 0},
        {"y = 1_000", "1:5", "unknown number '1_000'", 0},
    };
    (void)state;
    check_all(list, FTL_COUNT(list));
}

static void test_indices(void **state)
{
    static const wrong list[] = {
        {"Far[t] = Wave[2 t]", "1:15", "write the factor with '*': 2*t", 0},
        {"A = B[i+]", "1:9", "expected a value after '+', found ']'", 0},
        {"A = B[]", "1:7", "a scalar is written without brackets", 0},
        {"A = B[0.5]", "1:7", "'0.5' is no whole number", 0},
        {"A = B[i/2]", "1:7", "only on the left side", 0},
        {"A = B[relu(x)]", "1:7", "a call cannot be an index", 0},
        {"A = B[T[p]+1]", "1:7", "a gather stands alone", 0},
        {"A = B[i*j*k]", "1:7", "this is no index", 0},
        {"A = B[i.]", "1:8", "on the left side only", 0},
        {"A[i+1.] = B", "1:5", "'1.' is no whole number", 0},
        {"A[2*i.] = B", "1:6", "the plain name of an axis", 0},
        {"A = B[*t+k]", "1:10", "expected a whole number", 0},
        {"A = B[d=3]", "1:10", "d=0:3", 0},
        {"A = B[0:T[i]]", "1:9", "not constant", 0},
        {"A = B[99999999999999999999]", "1:7", "no whole number", 0},
        {"A = B[true]", "1:7", "this is no index", 0},
    };
    (void)state;
    check_all(list, FTL_COUNT(list));
}

static void test_brackets(void **state)
{
    static const wrong list[] = {
        {"A = B\nC[i, j = A[i]\nexport C", "2:2", "'[' is not closed [E0103]", 2},
        {"y = (a + b\nz = 3", "1:5", "'(' is not closed", 1},
        {"y = f(a, b", "1:6", "'(' is not closed", 0},
        {"A = relu(B))", "1:12", "')' closes nothing [E0103]", 0},
        {"A = B]\nC = 1", "1:6", "']' closes nothing", 1},
        {"}\nA = 1", "1:1", "'}' closes nothing", 1},
        {"a = 1\n{ b = 2\n{ c = 3\n", "3:1", "'{' is not closed", 1},
        {"y = f(a[i)]\nz = 1", "1:10", "expected ',' or ']', found ')'", 1},
        {"M = const([\n  [1, 2],\n  [3 4],\n])\nN = 1", "3:6", "expected ',' or ']'", 1},
    };
    (void)state;
    check_all(list, FTL_COUNT(list));
}

static void test_characters(void **state)
{
    static const wrong list[] = {
        {"A = B $ 2\nC = 1", "1:7", "unknown character '$' [E0102]", 1},
        {"A = 2 ^ 3", "1:7", "a power is written '**'", 0},
        {"A = a & b", "1:7", "'and' is written '&&'", 0},
        {"A = \xe2\x80\x9cx\xe2\x80\x9d", "1:5", "plain quotes", 0},
        {"A = a \xe2\x88\x92 b", "1:7", "plain hyphen", 0},
        {"A\xc2\xa0= 1", "1:2", "no-break space", 0},
        {"A = \xff\xfe + 1", "1:5", "not UTF-8", 0},
        {"A = \"a\xff\"", "1:5", "not UTF-8", 0},
        {"W[i] = \"weights.npy\nexport W", "1:8", "not closed at the end of the line", 1},
        {"W = \"a\\qb\"", "1:5", "an unknown escape", 0},
        {"W = \"a\\x00\"", "1:5", "an unknown escape", 0},
    };
    (void)state;
    check_all(list, FTL_COUNT(list));
}

/* A byte of zero is a character like any other bad one, not the end. */
static void check_zero_byte(syntax_session *s)
{
    uint32_t file = ftl_diags_add_source(&s->diags, "a.fuse", "A = 1\n\0\nB = 2", 13);
    const ftl_tree *tree = ftl_syntax_parse(&s->arena, &s->names, &s->diags, file);
    assert_int_equal(tree->stmts.len, 2);
    assert_int_equal(s->diags.errors, 1);
    assert_non_null(strstr(syntax_session_render(s), "a.fuse:2:1: error: unknown character '\\x"));
}

static void test_zero_byte(void **state)
{
    (void)state;
    syntax_session_run(check_zero_byte, NULL);
}

/* One message for each bad statement, and all the good ones are there. */
static void test_recovery(void **state)
{
    static const wrong list[] = {
        {"A = 1\nB = = 2\nC = 3\nD = (\nE = 5\nF = )\nG = 7", "2:5 4:5 6:5", "", 4},
        {"a = ; b = 2; c = $; d = 4", "1:1 1:18", "", 2},
        {"{ a = $\n  b = 2\n  c = )\n}\nd = 1", "1:7 3:7", "", 2},
        {"fn f(a) -> r {\n  r = a +\n}\ny = f(1.5)", "2:9", "", 2},
        {"y = a $ b\n  + c\nz = 1", "1:7", "", 1},
        {"y = case {\n  a $ 1\n  b -> 2\n}\nz = 1", "2:5", "", 1},
    };
    (void)state;
    check_all(list, FTL_COUNT(list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements), cmocka_unit_test(test_expressions),
        cmocka_unit_test(test_indices),    cmocka_unit_test(test_brackets),
        cmocka_unit_test(test_characters), cmocka_unit_test(test_zero_byte),
        cmocka_unit_test(test_recovery),
    };
    return cmocka_run_group_tests_name("syntax_errors", tests, NULL, NULL);
}
