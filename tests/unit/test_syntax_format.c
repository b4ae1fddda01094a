/* SPDX-License-Identifier: Apache-2.0
 *
 * What the formatter prints. Each result is formatted again and must stay, with the same tree.
 */
#include "syntax_unit.h"

typedef struct pair {
    const char *text, *want;
} pair;

static void check_format(syntax_session *s)
{
    const pair *p = s->user;
    const ftl_tree *tree = syntax_session_parse_good(s, p->text);
    const char *once = syntax_session_format(s, tree);
    assert_string_equal(once, p->want);
    const ftl_tree *again = syntax_session_parse_good(s, once);
    assert_true(ftl_syntax_is_equal(tree, again));
    assert_string_equal(syntax_session_format(s, again), once);
}

static void check_all(const pair *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        pair p = pairs[i];
        syntax_session_run(check_format, &p);
    }
}

static void test_spaces(void **state)
{
    static const pair pairs[] = {
        {"", ""},
        {"Y[i,j]=relu( W[i,k]X[k,j]+B[i] );;", "Y[i, j] = relu(W[i, k] X[k, j] + B[i])\n"},
        {"a=- -b**-2*!c", "a = - -b**-2 * !c\n"},
        {"a = b*c d/e", "a = b * c d / e\n"},
        {"a = (b+c) (d)", "a = (b + c) (d)\n"},
        {"a = ((b))", "a = (b)\n"},
        {"a=(S\n(b+c))", "a = (S * (b + c))\n"},
        {"R(x)<-S(x),not T(x,_),x!=\"a\\tb\"", "R(x) <- S(x), not T(x, _), x != \"a\\tb\"\n"},
        {"A[i+1,2*i + k,*t - 1,d = 0 : N-1,Tok[ p ]]=1",
         "A[i+1, 2*i+k, *t-1, d=0:N-1, Tok[p]] = 1\n"},
        {"A[lo: :hi]=f(lo+1,k = 2*3)", "A[lo: :hi] = f(lo + 1, k=2 * 3)\n"},
        {"y = f(lo + 1)", "y = f(lo+1)\n"},
        {"y = 1+reduce( sum,k )(a)+b", "y = 1 + reduce(sum, k) (a) + b\n"},
        {"y = c?a:b", "y = c ? a : b\n"},
        {"fn f( a[x],b )->r{r=a*b}", "fn f(a[x], b) -> r { r = a * b }\n"},
        {"fn f(a) -> r {\nr = a; let q=1\n}", "fn f(a) -> r {\n    r = a\n    let q = 1\n}\n"},
        {"{a=1;{b=2}}", "{ a = 1; { b = 2 } }\n"},
        {"domain D={a,\"b c\",}", "domain D = {a, \"b c\"}\n"},
        {"y = 007.50", "y = 007.50\n"},
        {"y = \"a\\\\b\\\"\\x01\\xff\" != z", "y = \"a\\\\b\\\"\\x01\\xff\" != z\n"},
    };
    (void)state;
    check_all(pairs, FTL_COUNT(pairs));
}

static void test_comments(void **state)
{
    static const pair pairs[] = {
        {"#a\n\n\n\n# b  \nY = 1#c\n", "#a\n\n# b\nY = 1  #c\n"},
        {"\n\n\nA = 1\n\n\nB = 2; C = 3 # c\n# d", "A = 1\n\nB = 2\nC = 3  # c\n# d\n"},
        {"{ # open\n\n  # own\n  a=1 # one\n\n  # end\n\n}  # close\n",
         "{  # open\n    # own\n    a = 1  # one\n\n    # end\n}  # close\n"},
        {"fn f(a, # first\n  b) # head\n -> r { r = a }",
         "# first\n# head\nfn f(a, b) -> r { r = a }\n"},
        {"Y = (a   # first\n\t+   b\n   # own\n     )  # last\n",
         "Y = (a   # first\n    +   b\n   # own\n     )  # last\n"},
        {"{\n      Y = [1,   # one\n        2]\n}",
         "{\n    Y = [1,   # one\n      2]\n}\n"},
        {"A = 1 # a\r\nB = 2\r\n", "A = 1  # a\nB = 2\n"},
    };
    (void)state;
    check_all(pairs, FTL_COUNT(pairs));
}

static void test_lines(void **state)
{
    static const pair pairs[] = {
        {"L = const([\n[1,2],\n[3,4]])", "L = const([\n    [1, 2],\n    [3, 4]\n])\n"},
        {"L = [\n1,2,\n3]", "L = [\n    1, 2, 3\n]\n"},
        {"L = [[1,2],\n[3,4]]", "L = [[1, 2], [3, 4]]\n"},
        {"y = case { a -> 1;\nb -> case { c -> 2 } }",
         "y = case {\n    a -> 1\n    b -> case { c -> 2 }\n}\n"},
        {"y = case { aaaaaaaaaaaaaaaaaaaaaaaaa -> bbbbbbbbbbbbbbbbbbbbbbbbbbbbb; "
         "ccccccccccccccccccccccccccc -> dddddddddddd }",
         "y = case {\n    aaaaaaaaaaaaaaaaaaaaaaaaa -> bbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"
         "    ccccccccccccccccccccccccccc -> dddddddddddd\n}\n"},
        {"Long[i, j] = alpha * Weight[i, k] Other[k, j] + beta * Weight[i, k] * Another[k, j] - "
         "gamma * sigmoid(Third[i, m]) + delta",
         "Long[i, j] = alpha * Weight[i, k] Other[k, j] + beta * Weight[i, k] * Another[k, j]\n"
         "    - gamma * sigmoid(Third[i, m]) + delta\n"},
        {"Far(x, y) <- Edge(x, y), not Near(x, y), Person(x), Person(y), x != y, "
         "Weight[x, y] > 0.5, !Blocked(y, x)",
         "Far(x, y) <- Edge(x, y), not Near(x, y), Person(x), Person(y), x != y, "
         "Weight[x, y] > 0.5,\n    !Blocked(y, x)\n"},
    };
    (void)state;
    check_all(pairs, FTL_COUNT(pairs));
}

/* Products side by side are not broken where a newline would end the statement. */
static void check_products(syntax_session *s)
{
    const char *text = "Y[a] = Alphaaaaaaaaaaaaaaaaaaaaa[a, b] Betaaaaaaaaaaaaaaaaaaaaaaaaaa[b, c] "
                       "Gammaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa[c, d]";
    const ftl_tree *tree = syntax_session_parse_good(s, text);
    const ftl_tree *again = syntax_session_parse_good(s, syntax_session_format(s, tree));
    assert_int_equal(again->stmts.len, 1);
    assert_true(ftl_syntax_is_equal(tree, again));
}

static void test_long_products(void **state)
{
    (void)state;
    syntax_session_run(check_products, NULL);
}

static void check_difference(syntax_session *s)
{
    const pair *p = s->user;
    const ftl_tree *a = syntax_session_parse_good(s, p->text);
    const ftl_tree *b = syntax_session_parse_good(s, p->want);
    assert_false(ftl_syntax_is_equal(a, b));
    assert_true(ftl_syntax_is_equal(a, a));
}

/* Equality sees what matters. */
static void test_differences(void **state)
{
    static const pair pairs[] = {
        {"y = a + b", "y = b + a"},
        {"y = a - (b - c)", "y = a - b - c"},
        {"y = 1", "y = 2"},
        {"y = A[i]", "y = A[j]"},
        {"y = A[i+1]", "y = A[i-1]"},
        {"y = A[0:3]", "y = A[0:4]"},
        {"y[i.] = a", "y[i] = a"},
        {"y = f(x)", "y = f[x]"},
        {"y = f(x, k=1)", "y = f(x, k=2)"},
        {"y = a", "y += a"},
        {"y = a", "let y = a"},
        {"y when g = a", "y = a"},
        {"y = @f(x)", "y = f(x)"},
        {"y = reduce(sum, k) a", "y = reduce(sum, j) a"},
        {"export a", "export b"},
        {"fn f(a) -> r { r = a }", "fn f(a) -> r { r = 1 }"},
        {"fn f(a[x]) -> r { r = a }", "fn f(a[y]) -> r { r = a }"},
        {"domain D = {a}", "domain D = {\"a\"}"},
        {"A = \"a.npy\"", "A = \"b.npy\""},
        {"y <- a, b", "y <- a && b"},
    };
    (void)state;
    for (size_t i = 0; i < FTL_COUNT(pairs); i++) {
        pair p = pairs[i];
        syntax_session_run(check_difference, &p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spaces),        cmocka_unit_test(test_comments),
        cmocka_unit_test(test_lines),         cmocka_unit_test(test_long_products),
        cmocka_unit_test(test_differences),
    };
    return cmocka_run_group_tests_name("syntax_format", tests, NULL, NULL);
}
