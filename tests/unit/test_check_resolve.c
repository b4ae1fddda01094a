/* SPDX-License-Identifier: Apache-2.0
 *
 * Names: constants, blocks, functions, imports, symbols, outputs.
 */
#include "check_unit.h"

static void test_constants(void **state)
{
    static const check_case list[] = {
        {"axis i = N + 1\nparam N: int = 3\nA[i] = 1", "", "A[4] f32"},
        {"const A = B * 2\nconst B = 2 ** 3 - -1\naxis i = A / 3\nX[i] = 1", "", "X[6] f32"},
        {"const C = sqrt(16) > 3 && !(1 == 2) ? max(2, 5, 3) : 1 / 0\naxis i = C\nX[i] = 1", "",
         "X[5]"},
        {"const K = 2\nY[i] = X[i+K]\nZ = X[K]\nV[i] = X[K*i]", "X 9", "Y[9]|Z f32|V[5]"},
        {"axis K = 3\nconst K2 = 2\nY[K] = X[K]", "X 3", "Y[3]"},
        {"const a = 1\nconst b = 4\nY[s] = X[s=a:b]", "X 9", "Y[3]"},
        {"param name: str = \"j\"\nY[i] = softmax(X[i, j], axis=name)", "X 2x3", "Y[2]"},
    };
    static const check_case given[] = {
        {"param N = 3\nparam flag: bool = false\nparam rate: float = 1\naxis i = N + flag\nA[i] = "
         "rate",
         "", "A[6] f32"},
    };
    static const ftl_setting settings[] = {{"N", "5"}, {"flag", "true"}, {"rate", "0.5"}};
    (void)state;
    check_all_sound(list, FTL_COUNT(list), NULL);
    check_all_sound(given, 1, &(ftl_check_options){.params = settings, .n_params = 3});
}

static void test_scopes(void **state)
{
    static const check_case list[] = {
        {"let t = 1\n{ let t[i] = [1, 2]\n A[i] = t[i] }\nB = t", "", "A[2]|B f32|t#2[2]"},
        {"{ let t[i] = [1, 2]\n A[i] = t[i] }\n{ let t[i, j] = [[1, 2]]\n B[i] = t[i, j] }", "",
         "A[2]|B[1]|t[2]|t#2[1, 2]"},
        {"{ A[i] = t[i]\n let t[i] = [1, 2] }", "", "A[2]"},
    };
    (void)state;
    check_all_sound(list, FTL_COUNT(list), NULL);
}

static void test_functions(void **state)
{
    static const check_case list[] = {
        {"fn dot(p[x], q[x]) -> s { s = p[x] * q[x] }\nsim[i, j] = dot(E[i, d], E[j, d])\none = "
         "dot(w[k], w[k])",
         "E 3x4|w 4",
         "sim[3, 3]|one f32|dot#1.s[i, j] = E[i, dot.x] * E[j, dot.x]|dot#2.s = w[dot.x] * "
         "w[dot.x]"},
        /* what a name of the body does not depend on is not carried */
        {"fn f(p[x], q[x]) -> s { m = q[x]; s = p[x] / m }\ny[i] = f(A[i, d], w[d])", "A 2x3|w 3",
         "f#1.m = w[f.x]|f#1.s[i] = A[i, f.x] / f#1.m"},
        /* no capture: the caller's axis has the name of the body's */
        {"fn sq(t[k]) -> r[k] { r[k] = t[k] * w[j] * w[j]; w[j] = [1, 2] }\ny[j] = sq(A[j])", "A 5",
         "y[5]|w[sq.j]"},
        /* numbers and expressions as arguments; named ones */
        {"fn f(t[k], g) -> r[k] { r[k] = t[k] * g }\ny[i] = f(2 * x[i] + b[i], 3)\nz[i] = "
         "f(g=x[0], t=b[i])",
         "x 4|b 4",
         "y[4]|f#1.t[i] = 2 * x[i] + b[i]|f#1.r[f.k] = f#1.t[f.k] * 3|f#2.r[f.k] = b[f.k] * x[0]"},
        {"fn f(t[k]) -> r { r = t[k] }\ny = f(A[i, k] v[k])", "A 2x3|v 3",
         "f#1.t[i] = A[i, k] v[k]|y f32"},
        {"fn f(t[k]) -> r[k] { r[k] = g(t[k]) + 1 }\nfn g(u[k]) -> r[k] { r[k] = 2 * u[k] }\ny[i] "
         "= f(f(x[i]))",
         "x 4", "y[4]"},
        {"fn f(t[k]) -> r[k] { r[k] = softmax(t[k], axis=k) }\ny[b, i] = f(x[b, i])", "x 2x4",
         "y[2, 4]|softmax(x[b, f.k], axis=f.k)"},
    };
    (void)state;
    check_all_sound(list, FTL_COUNT(list), NULL);
}

static void test_imports(void **state)
{
    static const check_case list[] = {
        {"import \"lib/a.fuse\" as a\ny[i] = a::f(x[i])\nz[i] = a::W[i] * a::K",
         "x 4|lib/a.fuse import \"b.fuse\"; const K = 3; fn f(t[k]) -> r[k] { r[k] = b::g(t[k]) }; "
         "W[i] = [1, 2]"
         "|lib/b.fuse fn g(t[k]) -> r[k] { r[k] = t[k] + 1 }",
         "y[4]|z[2]|a::W[2]"},
        {"import \"m.fuse\"\nimport \"n.fuse\" as c\ny = m::f(x[i]) + c::f(x[i])",
         "x 4|m.fuse fn f(t[k]) -> r { r = t[k] }|n.fuse fn f(t[k]) -> r { r = 2 * t[k] }",
         "y f32"},
        /* what is imported and not used is not asked for */
        {"import \"m.fuse\"\ny = m::f(2)", "m.fuse fn f(t) -> r { r = t + 1 }; Q[i] = Nobody[i]",
         "y f32"},
    };
    (void)state;
    check_all_sound(list, FTL_COUNT(list), NULL);
}

/* ---- symbols ---- */

static const char *write_domain(check_session *s, const char *tensor, uint32_t place)
{
    uint64_t index = 0;
    ftl_strbuf sb;
    ftl_strbuf_init(&sb, &s->arena);
    assert_true(ftl_map_find(&s->model->tensor_by_name, FTL_KEY(ftl_intern_cstr(&s->names, tensor)),
                             &index));
    int32_t domain = s->model->tensors.data[index].domain[place];
    if (domain < 0)
        return "-";
    const ftl_domain *d = &s->model->domains.data[domain];
    for (size_t i = 0; i < d->symbols.len; i++)
        ftl_strbuf_printf(&sb, "%s%s", i > 0 ? " " : "", d->symbols.data[i]);
    return ftl_strbuf_get(&sb);
}

static void look_at_order(check_session *s)
{
    assert_int_equal(s->diags.errors, 0);
    assert_string_equal(write_domain(s, "Above", 0), "rue sol tam uwe");
    assert_string_equal(write_domain(s, "Above", 1), "rue sol tam uwe");
    assert_string_equal(write_domain(s, "Age", 0), "rue sol tam uwe");
    assert_string_equal(write_domain(s, "Lives", 1), "bonn ulm");
    assert_string_equal(write_domain(s, "Age", 1), "-");
    const ftl_tensor_decl *t = &s->model->tensors.data[0];
    assert_int_equal(t->facts->count, 3);
    assert_int_equal(t->facts->columns[0][2], 3);
    assert_int_equal(t->facts->columns[1][2], 0);
    assert_int_equal(t->facts->shape[1], 3);
}

static void look_at_file(check_session *s)
{
    assert_int_equal(s->diags.errors, 0);
    assert_string_equal(write_domain(s, "Link", 0), "kiel bonn ulm jena");
    assert_string_equal(write_domain(s, "Reach", 1), "kiel bonn ulm jena");
    uint64_t index = 0;
    ftl_map_find(&s->model->tensor_by_name, FTL_KEY(ftl_intern_cstr(&s->names, "Link")), &index);
    const ftl_source_info *info = s->model->tensors.data[index].source;
    static const int64_t want[2][3] = {{1, 2, 1}, {2, 3, 0}};
    for (uint32_t k = 0; k < 2; k++)
        assert_memory_equal(info->columns[k], want[k], sizeof want[k]);
    assert_int_equal(info->shape[0], 3);
    assert_int_equal(info->shape[1], 4);
}

static void test_numbers(void **state)
{
    static const check_case order = {"Boss(rue, sol)\nBoss(sol, tam)\nBoss(uwe, rue)\nAge(sol, "
                                     "30)\nLives(sol, bonn)\nLives(rue, ulm)\n"
                                     "Above(x, y) = Boss(x, y)\nAbove(x, z) = Boss(x, y) Above(y, "
                                     "z)\nOld(x) <- Boss(x, y), Age(x, n)",
                                     "", ""};
    static const check_case file = {"Hub(kiel)\nLink(a, b) = \"l.tsv\"\nReach(a, b) = Link(a, "
                                    "b)\nReach(a, c) = Reach(a, b) Link(b, c)\n"
                                    "Big(x) <- Hub(x), Link(x, y)",
                                    "l.tsv bonn,ulm ulm,jena bonn,kiel", ""};
    (void)state;
    check_run(&order, NULL, look_at_order);
    check_run(&file, NULL, look_at_file);
}

static void test_symbols(void **state)
{
    static const check_case list[] = {
        /* a bare name is a constant where its domain has it, elsewhere a variable */
        {"domain P = {ada, bea}\nPar(ada, bea)\nCh(y) <- Par(ada, y)\nN = Par[ada, bea] + Par[bea, "
         "ada]",
         "", "Ch(P 2)|N f32"},
        {"domain Part = {a, b}\nNeeds(a, b)\nM[a, c] = X[a, b] Y[b, c]", "X 4x5|Y 5x6", "M[4, 6]"},
        {"domain F = {fig, kiwi}\nPrice[F] = [2, 3]\nBag[b, F] = [[1, 0], [0, 4], [1, 1]]\nK[b] = "
         "Bag[b, kiwi]\n"
         "D[F, F'] = Price[F] - Price[F']",
         "", "Bag[3, F 2]|K[3]|D[F 2, F 2]"},
        {"domain Pl = {mill, ford}\nRoad[mill, ford] = 4\nD[x, z] = Road[x, z]", "",
         "Road[Pl 2, Pl 2]|D[Pl 2, Pl 2]"},
        {"domain Town = \"towns.txt\"\nT(a, b) = \"t.tsv\"\nC[Town] = T[Town, b]",
         "towns.txt ulm\nbonn\njena\n|t.tsv ulm,jena", "domain Town, 3 symbols|C[Town 3]"},
        /* quoted: always a symbol; unknown ones match nothing in an open domain */
        {"Cites(\"A. S.\", \"1\")\nQ(x) <- Cites(x, \"1\")\nR(x) <- Cites(x, \"none\")", "",
         "Q(1)|R(1)"},
        {"domain P = {ada, bea}\nPar(ada, bea)\nQ(x, y) <- Par(x, y), x != bea, y == \"bea\"", "",
         "Q(P 2, P 2)"},
        {"Ok() <- Door(x), not Locked(x)\nDoor(a)\nLocked(b)\nBad() <- not Ok()", "",
         "Ok() bool|Bad() bool"},
        {"domain P = {ada, bea}\nQ(ada, 1)\nR(y) <- Q(x, y)", "", "Q(P 2, 2)|R(2)"},
    };
    static const check_case warned[] = {
        {"domain P = {x, y}\nPar(x, y)\nAnc(x, z) <- Par(x, z)", "",
         "a.fuse:3:5: warning: 'x' on the left is a symbol|a.fuse:1:1: 'x' is a symbol since here"},
    };
    (void)state;
    check_all_sound(list, FTL_COUNT(list), NULL);
    check_all_sound(warned, FTL_COUNT(warned), NULL);
}

/* ---- outputs ---- */

static void test_outputs(void **state)
{
    static const check_case list[] = {
        {"\"a.npy\" = X[i, j]\n\"b.npy\" = X[0, j]\n\"c.npy\" = X[i, j] v[j]\n\"d.tsv\" = X(i, j)",
         "X 2x3|v 3", "\"a.npy\" = X|sink#2[3] f32|sink#3[2] f32|sink#4(2, 3) bool"},
        {"\"t.jsonl\" = topk(2 * X[u, m], k=2)", "X 3x9",
         "sink#1.of[3, 9]|sink#1.indices[3, 2]|sink#1.values[3, 2]"},
        {"domain P = {ada, bea}\nPar(ada, bea)\nPar(ada, x)?\nPar(x, x)?\nPar?", "",
         "Par(ada, x)?|query#2(P 2) bool"},
        {"A[i] = X[i]\nexport A, X, A", "X 2", "export A, X\n"},
    };
    (void)state;
    check_all_sound(list, FTL_COUNT(list), NULL);
}

static void look_at_query(check_session *s)
{
    const ftl_query *q = s->model->queries.data;
    assert_string_equal(check_show(s), check_show(s));
    assert_int_equal(s->diags.errors, 0);
    assert_int_equal(s->model->queries.len, 4);
    assert_true(q[0].is_point[1] && !q[0].is_point[0]);
    assert_int_equal(q[0].lo[0], 1);
    assert_int_equal(q[0].hi[0], 4);
    assert_int_equal(q[0].lo[1], 2);
    assert_int_equal(q[1].lo[0], 1);
    assert_true(q[1].is_point[0] && !q[1].is_point[1]);
    assert_int_equal(q[1].hi[1], 2);
    assert_int_equal(q[2].hi[0], 5);
    assert_int_equal(q[3].lo[0], 3);
    assert_int_equal(q[3].hi[0], 5);
}

static void test_queries(void **state)
{
    static const check_case test = {"A[r, c] = X[r, c]\nA[s, t] = Y[s] + Y[t]\ndomain P = {ada, "
                                    "bea}\nPar(bea, ada)\nIdle[i] = Nobody[i]\n"
                                    "export A, Idle",
                                    "X 5x5|Y 5", ""};
    static const char *const queries[] = {"A[r=1:4, c=2]", "Par(bea, x)", "A", "A[r=-2:]"};
    (void)state;
    check_run(&test,
              &(ftl_check_options){
                  .mode = FTL_MODE_DEMAND, .queries = queries, .n_queries = FTL_COUNT(queries)},
              look_at_query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constants), cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_functions), cmocka_unit_test(test_imports),
        cmocka_unit_test(test_numbers),   cmocka_unit_test(test_symbols),
        cmocka_unit_test(test_outputs),   cmocka_unit_test(test_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
