/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups: what is a scan, along which axes, and what runs to a fixpoint; order; signs.
 */
#include "check_unit.h"

static void test_scans(void **state)
{
    static const check_case list[] = {
        {"S[t] = S[t-1] + X[t]", "X 7", "S[7] f32, scan along place 1, 7 steps\n"},
        {"B[t] = B[t+1] X[t]\nB[6] = 1", "X 7",
         "B[7] f32, scan along place 1, 7 steps from the end"},
        {"H[i, t] = tanh(W[i, j] H[j, t-1] + X[i, t])", "W 3x3|X 3x7",
         "H[3, 7] f32, scan along place 2, 7 steps"},
        /* several members, ordered within a step; dimensions differ */
        {"C[h, t] = F[t, h] C[h, t-1] + X[t, h]\nF[t, h] = sigmoid(H[t-1, h])\nH[t, h] = tanh(C[h, "
         "t])",
         "X 7x3",
         "C[3, 7] f32, scan along place 2, 7 steps, with 2 more|F[7, 3] f32, scan along place 1, 7 "
         "steps"},
        {"axis i = 4\naxis j = 5\nD[i, j] = D[i-1, j] + D[i, j-1] + D[i-1, j-1] + (i == 0)", "",
         "D[4, 5] f32, scan along place 1, 4 steps and place 2, 5 steps"},
        {"axis n = 8\naxis k = 8\nC[0, 0] = 1\nC[n, k] = C[n-1, k-1] + C[n-1, k]", "",
         "C[8, 8] f32, scan along place 1, 8 steps\n"},
        {"axis n = 8\naxis k = 8\nC[n, k] = C[n-1, k-1] + C[n, k-1] + (n == 0)", "",
         "C[8, 8] f32, scan along place 2, 8 steps\n"},
        /* forward along the first axis, from the end along the second */
        {"axis i = 4\naxis j = 5\nD[i, j] = D[i-1, j] + D[i, j+1] + 1", "",
         "place 1, 4 steps and place 2, 5 steps from the end"},
        {"Alive(t, x) <- Start(x), t == 0\nAlive(t, x) <- Alive(t-1, x), not Hit(t, x)\naxis t = 9",
         "Start 4|Hit 9x4", "Alive(9, 4) bool, scan along place 1, 9 steps"},
        {"F[1] = 1\nF[t] = F[t-1] + F[t-2]\naxis t = 9", "", "F[9] f32, scan"},
    };
    (void)state;
    check_all_sound(list, FTL_COUNT(list), &(ftl_check_options){.mode = FTL_MODE_SINGLE});
    check_all_sound(list, FTL_COUNT(list), &(ftl_check_options){.mode = FTL_MODE_FIXPOINT});
}

static void test_fixpoints(void **state)
{
    static const check_case list[] = {
        {"Path(x, z) <- Edge(x, z)\nPath(x, z) <- Path(x, y), Path(y, z)\nEdge(0, 1)", "",
         "Path(2, 2) bool, Boolean fixpoint"},
        {"A[i] = 0.5 * B[i] + X[i]\nB[i] = 0.5 * A[i]", "X 3", "numeric fixpoint, with 1 more"},
        {"S[t] = S[t-1] + S[t+1] + X[t]", "X 7", "numeric fixpoint"},
        {"S[t] = S[t-1] + 0.1 * S[t] + X[t]", "X 7", "numeric fixpoint"},
        {"S[t] = S[t-1] + 0.5 * S[0] + X[t]", "X 7", "numeric fixpoint"},
        /* numbers may fall */
        {"A[i] = X[i] - 0.5 * A[i]", "X 3", "numeric fixpoint"},
    };
    (void)state;
    check_all_sound(list, FTL_COUNT(list), NULL);
    check_all_refused(list, FTL_COUNT(list), &(ftl_check_options){.mode = FTL_MODE_SINGLE});
}

static void look_at_order(check_session *s)
{
    static const char *const want[] = {"B", "C", "A", "D"};
    assert_int_equal(s->diags.errors, 0);
    assert_int_equal(s->model->groups.len, FTL_COUNT(want));
    for (size_t i = 0; i < FTL_COUNT(want); i++) {
        uint32_t tensor = s->model->groups.data[i].tensors.data[0];
        assert_string_equal(s->model->tensors.data[tensor].name, want[i]);
    }
}

static void test_order(void **state)
{
    static const check_case test = {"A[i] = C[i] B[i]\nC[i] = B[i]\nD[i] = A[i]\nB[i] = X[i]",
                                    "X 3", ""};
    (void)state;
    check_run(&test, NULL, look_at_order);
}

static void test_time(void **state)
{
    static const check_case list[] = {
        {"H[j, *t+1] = tanh(U[j, i] H[i, *t] + X[j, *t])", "U 3x3|X 3", "H[3, *t] f32\n"},
        {"E[*t+1] = 0.5 * E[*t]\nG[*t] = 1 - E[*t+1]", "", "E[*t] f32\n|G[*t] f32\n"},
        {"A[*t] = B[*t-1] + 1\nB[*t] = 2 * A[*t]", "", "A[*t] f32\n|B[*t] f32\n"},
    };
    static const check_case bad[] = {
        {"A[*t] = B[*t] + 1\nB[*t] = 2 * A[*t]", "", "a.fuse:1:1: error: 'A' depends on itself"},
    };
    (void)state;
    check_all_sound(list, FTL_COUNT(list), &(ftl_check_options){.mode = FTL_MODE_SINGLE});
    check_all_refused(bad, FTL_COUNT(bad), &(ftl_check_options){.mode = FTL_MODE_SINGLE});
}

static void test_signs(void **state)
{
    static const check_case sound[] = {
        {"P(x) <- Q(x), not R(x)\nR(x) <- S(x)\nQ(0)\nS(1)", "", "P(2) bool"},
        {"P(x) <- P(y), E(y, x), x != y\nE(0, 1)", "", "P(2) bool, Boolean fixpoint"},
        {"P(x) <- Q(x)\nP(y) = 0.5 * P(x) E(x, y) - 0.2\nQ(0)\nE(0, 1)", "", "Boolean fixpoint"},
        {"P(x) = 0 < P(x) + Q(x)\nQ(0)", "", "Boolean fixpoint"},
    };
    static const check_case bad[] = {
        {"W(x) <- M(x, y), not W(y)\nM(0, 1)", "",
         "a.fuse:1:1: error: 'W' depends on its own negation: W -> not W"},
        {"W(p) = M(p, q) (1 - W(q))", "M 3x3", "W -> not W"},
        {"W(p) = M(p, q) - W(p)", "M 3x3", "W -> not W"},
        {"W(p) = -1 * W(p) + M(p, q)", "M 3x3", "W -> not W"},
        {"W(p) = M(p, q) / W(p)", "M 3x3", "W -> not W"},
        {"W(p) = W(p) < M(p, q)", "M 3x3", "W -> not W"},
        {"W(p) = W(p) == M(p, q)", "M 3x3", "W -> not W"},
        {"G(x) <- L(x, y), not S(y)\nS(x) <- L(x, y), C(y)\nC(x) <- L(y, x), G(y)\nL(0, 1)", "",
         "G -> not S -> C -> G"},
        {"P(x) <- N[x] > 1\nN[x] = 2 - P[x] + Q[x]", "Q 3", "E0502"},
    };
    (void)state;
    check_all_sound(sound, FTL_COUNT(sound), NULL);
    check_all_refused(bad, FTL_COUNT(bad), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scans), cmocka_unit_test(test_fixpoints),
        cmocka_unit_test(test_order), cmocka_unit_test(test_time),
        cmocka_unit_test(test_signs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
