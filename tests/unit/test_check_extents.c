/* SPDX-License-Identifier: Apache-2.0
 *
 * Extents: which rule tells them, and in which order the rules are asked.
 */
#include "check_unit.h"

static void test_plain(void **state)
{
    static const check_case list[] = {
        {"P[i, k] = L[i, j] R[j, k]", "L 3x4|R 4x5", "P[3, 5] f32|# i 3, k 5; sums j 4"},
        {"T[j, i] = M[i, j]\nD[i] = M[i, i]", "M 4x4", "T[4, 4]|D[4] f32"},
        {"S = X[i]\nY = 2 * S", "X 7", "S f32|Y f32|sums i 7"},
        {"W[i, j] = [[1, 2, 3], [4, 5, 6]]\nV[k] = const([1, 2])", "", "W[2, 3]|V[2]"},
        {"axis lane = 5\nF[lane, k] = W[k]", "W 3", "F[5, 3]"},
        {"M[i, j] = causal_mask(6)", "", "M[6, 6]"},
        {"E[i] = X[i]", "X 0", "E[0] f32"},
    };
    (void)state;
    check_all_sound(list, FTL_COUNT(list), NULL);
}

static void test_left_only(void **state)
{
    static const check_case list[] = {
        /* from another equation of the head, through tensors, and by the name elsewhere */
        {"A[i, j] = X[i, j]\nA[i, j] = Y[i]", "X 2x3|Y 2", "A[2, 3]"},
        {"T[r, c] = S[c]\nF[r, c] = M[r, c] T[r, c]", "S 3|M 4x3", "T[4, 3]"},
        {"T[r, c] = S[c]\nU[r] = V[r]", "S 3|V 4", "T[4, 3]"},
    };
    (void)state;
    check_all_sound(list, FTL_COUNT(list), NULL);
}

static void test_windows(void **state)
{
    static const check_case list[] = {
        {"Y[i] = K[k] X[i+k]", "K 3|X 9", "Y[7]"},
        {"Y[i] = K[k] X[i+2*k]", "K 3|X 9", "Y[5]"},
        {"axis i = 9\nY[i] = K[k] X[i+k]", "K 3|X 9", "Y[9]"},
        {"Y[j] = K[k] X[j-k]", "K 3|X 9", "Y[9]"},
        {"Y[i] = X[2*i+1]", "X 9", "Y[4]"},
        {"Y[i] = X[2*i]", "X 9", "Y[5]"},
        {"Y[i] = X[8-i]", "X 9", "Y[9]"},
        {"Y[x, y] = F[p, q] M[x+p, y+q]", "F 3x2|M 5x7", "Y[3, 6]"},
        /* one window after the other, written backwards */
        {"C[i] = K[k] B[i+k]\nB[i] = K[k] A[i+k]\nA[i] = K[k] X[i+k]", "K 3|X 9", "A[7]|B[5]|C[3]"},
        {"Y[i/2] = X[i]\nZ[i/4, j] = M[i, j]", "X 9|M 8x3", "Y[5]|Z[2, 3]"},
        {"Y[x/2] = K[k] X[x+k]", "K 2|X 9", "Y[4]"},
    };
    (void)state;
    check_all_sound(list, FTL_COUNT(list), NULL);
}

static void test_slices(void **state)
{
    static const check_case list[] = {
        {"H[b, 0:3] = X[b, 0:3]\nT[-2:] = Y[-2:]\nS[::2] = Y[::2]", "X 2x5|Y 5",
         "H[2, 3]|T[2]|S[3]"},
        {"A[s] = X[s=::-1]\nB[s] = X[s=9:1:-3]\nC[s] = X[s=4:2]", "X 5", "A[5]|B[1]|C[0]"},
        {"D[d] = X[d=1:4] Y[d]", "X 9|Y 3", "D[3]"},
        {"C[2:5, c] = X[2:5, c]\nM[r, c] = C[r, c]", "X 9x2", "M[3, 2]"},
    };
    (void)state;
    check_all_sound(list, FTL_COUNT(list), NULL);
}

static void test_calls(void **state)
{
    static const check_case list[] = {
        {"W[r, w] = concat(X[r, a], Y[r, b])", "X 2x3|Y 2x4", "W[2, 7]"},
        {"F[b, hd] = concat(X[b, h, d])", "X 2x3x4", "F[2, 12]"},
        {"T[i, r] = topk(X[i, j], k=3)\nU[i, r] = topk(X[i, j], k=30)", "X 2x9", "T[2, 3]|U[2, 9]"},
        {"K[i] = argmax(X[i, j], axis=j)\nT[i] = X[i, K[i]]", "X 2x9", "K[2]|T[2]"},
        {"V[p, d] = E[Tok[p], d]", "E 99x4|Tok 7", "V[7, 4]"},
        {"O[p, e] = attention(Q[p, d], K[s, d], V[s, e])", "Q 2x4|K 5x4|V 5x3", "O[2, 3]"},
    };
    (void)state;
    check_all_sound(list, FTL_COUNT(list), NULL);
}

static void test_shifts(void **state)
{
    static const check_case list[] = {
        {"F[t] = X[t+3]", "X 7", "F[7]"},
        {"S[t] = S[t-1] + X[t]", "X 7", "S[7]"},
        {"S[t+1] = S[t] + X[t]\nD[t+2] = X[t]\nB[t-1] = X[t]", "X 7", "S[8]|D[9]|B[6]"},
        {"axis t = 4\nS[t+1] = S[t] + 1", "", "S[5] f32, scan along place 1, 5 steps"},
        {"F[t] = X[t+3] Y[t]", "X 7|Y 5", "F[5]"},
    };
    (void)state;
    check_all_sound(list, FTL_COUNT(list), NULL);
}

static void test_open(void **state)
{
    static const check_case list[] = {
        {"V(p, s) = L(p, f) S(f, s)", "L 6,1 2,3|S 1,4 4,0", "V(7, 5)|sums f 5"},
        {"T[p, d] = O(p, g) G[g, d]", "O 0,4 1,1|G 6x2", "O[2, 6]|T[2, 2]"},
        {"Edge(0, 1)\nEdge(1, 4)\nN[x] = Edge[x, y]", "", "Edge(2, 5)|N[2]"},
        {"R[0, j] = X[j]\nR[4, j] = 2 * X[j]\nC[1, 2] = 5", "X 3", "R[5, 3]|C[2, 3]"},
        {"A[0, s] = P[s]\nA[t, s] = A[t-1, s]\nF = A[9, s]", "P 3",
         "A[10, 3] f32, scan along place 1, 10 steps"},
        {"domain D = {a, b, c}\nP(a, b)\nQ(x) <- P(x, y)", "", "P(D 3, D 3)|Q(D 3)"},
        {"P(ann, bob)\nP(bob, cyd)\nQ(x, z) <- P(x, y), P(y, z)", "", "P(3, 3)|Q(3, 3)"},
    };
    (void)state;
    check_all_sound(list, FTL_COUNT(list), NULL);
}

static void test_partial(void **state)
{
    static const check_case list[] = {
        {"Y[h] = W[h, d] X[d]\naxis h = 4", "", "W[4, ?] f32, awaited|X[?] f32, awaited|Y[4] f32"},
    };
    (void)state;
    check_all_sound(list, FTL_COUNT(list), &(ftl_check_options){.is_partial = true});
}

/* ---- slices resolved in the model ---- */

static void look_at_start(check_session *s)
{
    const ftl_expr *read = s->model->equations.data[0].value;
    assert_int_equal(s->diags.errors, 0);
    assert_int_equal(read->kind, FTL_EXPR_READ);
    assert_int_equal(read->places[0].offset, 7);
    assert_int_equal(read->places[0].terms.data[0].coef, -3);
    assert_int_equal(s->model->equations.data[0].axes.data[0].extent, 3);
}

static void test_start(void **state)
{
    static const check_case test = {"A[s] = X[s=-2::-3]", "X 9", ""};
    (void)state;
    check_run(&test, NULL, look_at_start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),   cmocka_unit_test(test_left_only),
        cmocka_unit_test(test_windows), cmocka_unit_test(test_slices),
        cmocka_unit_test(test_calls),   cmocka_unit_test(test_shifts),
        cmocka_unit_test(test_open),    cmocka_unit_test(test_partial),
        cmocka_unit_test(test_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
