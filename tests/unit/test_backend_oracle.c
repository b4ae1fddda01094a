/* SPDX-License-Identifier: Apache-2.0
 *
 * Every core operation on the oracle, against values worked out by hand: the one place where the
 * meaning of op.def is tested on numbers.
 */
#include "graph_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBERS(...) (const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / 8
#define INF ((double)INFINITY)
#define NUM_NAN ((double)NAN)

/* The last value of the text is the output. */
static const struct {
    const char *text;
    const double *wanted;
    size_t n;
} cases[] = {
    {"%0 = iota i64[4]", NUMBERS(0, 1, 2, 3)},
    {"%0 = const f16[3] {0.1, 1, 100000}", NUMBERS(0.0999755859375, 1, INF)},
    {"%0 = const f32[2, 2] splat 3", NUMBERS(3, 3, 3, 3)},
    {"%0 = const f32[3] {-1, 0, 2}\n%1 = neg f32[3] %0", NUMBERS(1, 0, -2)},
    {"%0 = const i8[3] {-128, 5, -7}\n%1 = neg i8[3] %0", NUMBERS(-128, -5, 7)},
    {"%0 = const i8[3] {-128, 5, -7}\n%1 = abs i8[3] %0", NUMBERS(-128, 5, 7)},
    {"%0 = const f64[2] {-1.5, 2}\n%1 = abs f64[2] %0", NUMBERS(1.5, 2)},
    {"%0 = const f64[2] {0, 1}\n%1 = exp f64[2] %0", NUMBERS(1, 2.718281828459045)},
    {"%0 = const f64[3] {1, 0, -1}\n%1 = log f64[3] %0", NUMBERS(0, -INF, NUM_NAN)},
    {"%0 = const f64[2] {9, -1}\n%1 = sqrt f64[2] %0", NUMBERS(3, NUM_NAN)},
    {"%0 = const f64[1] {1}\n%1 = sin f64[1] %0", NUMBERS(0.8414709848078965)},
    {"%0 = const f64[1] {1}\n%1 = cos f64[1] %0", NUMBERS(0.5403023058681398)},
    {"%0 = const f64[1] {1}\n%1 = tanh f64[1] %0", NUMBERS(0.7615941559557649)},
    {"%0 = const f64[1] {1}\n%1 = erf f64[1] %0", NUMBERS(0.8427007929497149)},
    {"%0 = const f64[3] {0, -1000, 1000}\n%1 = logistic f64[3] %0", NUMBERS(0.5, 0, 1)},
    {"%0 = const f64[2] {-1.5, 1.5}\n%1 = floor f64[2] %0", NUMBERS(-2, 1)},
    {"%0 = const u8[2] {200, 1}\n%1 = add u8[2] %0 %0", NUMBERS(144, 2)},
    {"%0 = const u8[2] {1, 2}\n%1 = const u8[2] {2, 1}\n%2 = sub u8[2] %0 %1", NUMBERS(255, 1)},
    {"%0 = const i32[1] {65536}\n%1 = mul i32[1] %0 %0", NUMBERS(0)},
    {"%0 = const i32[3] {-7, 7, 7}\n%1 = const i32[3] {2, 0, -1}\n%2 = div i32[3] %0 %1",
     NUMBERS(-3, 0, -7)},
    {"%0 = const f32[2] {1, -1}\n%1 = const f32[2] {0, 4}\n%2 = div f32[2] %0 %1",
     NUMBERS(INF, -0.25)},
    {"%0 = const f32[2] {2, -8}\n%1 = const f32[2] {-1, 3}\n%2 = pow f32[2] %0 %1",
     NUMBERS(0.5, -512)},
    {"%0 = const i8[2] {2, 2}\n%1 = const i8[2] {-1, 7}\n%2 = pow i8[2] %0 %1", NUMBERS(0, 127)},
    {"%0 = const f32[2] {1, nan}\n%1 = const f32[2] {2, 3}\n%2 = min f32[2] %0 %1",
     NUMBERS(1, NUM_NAN)},
    {"%0 = const f32[2] {1, 5}\n%1 = const f32[2] {nan, 3}\n%2 = max f32[2] %0 %1",
     NUMBERS(NUM_NAN, 5)},
    {"%0 = const f32[3] {1, nan, 2}\n%1 = const f32[3] {1, nan, 3}\n%2 = eq bool[3] %0 %1",
     NUMBERS(1, 0, 0)},
    {"%0 = const f32[3] {1, nan, 2}\n%1 = const f32[3] {1, nan, 3}\n%2 = ne bool[3] %0 %1",
     NUMBERS(0, 1, 1)},
    {"%0 = const i8[3] {1, 2, 3}\n%1 = const i8[3] {2, 2, 2}\n%2 = lt bool[3] %0 %1",
     NUMBERS(1, 0, 0)},
    {"%0 = const i8[3] {1, 2, 3}\n%1 = const i8[3] {2, 2, 2}\n%2 = le bool[3] %0 %1",
     NUMBERS(1, 1, 0)},
    {"%0 = const bool[4] {0, 0, 1, 1}\n%1 = const bool[4] {0, 1, 0, 1}\n%2 = and bool[4] %0 %1",
     NUMBERS(0, 0, 0, 1)},
    {"%0 = const bool[4] {0, 0, 1, 1}\n%1 = const bool[4] {0, 1, 0, 1}\n%2 = or bool[4] %0 %1",
     NUMBERS(0, 1, 1, 1)},
    {"%0 = const bool[2] {0, 1}\n%1 = not bool[2] %0", NUMBERS(1, 0)},
    {"%0 = const bool[2] {0, 1}\n%1 = const f32[2] {nan, 2}\n%2 = const f32[2] {3, nan}\n"
     "%3 = select f32[2] %0 %1 %2", NUMBERS(3, 2)},
    {"%0 = const f64[5] {-1.9, 300, nan, 1.9, -inf}\n%1 = cast i8[5] %0",
     NUMBERS(-1, 127, 0, 1, -128)},
    {"%0 = const f64[3] {0.1, 0, nan}\n%1 = cast bool[3] %0", NUMBERS(1, 0, 1)},
    {"%0 = const f64[2] {0.1, 1e30}\n%1 = cast bf16[2] %0\n%2 = cast f64[2] %1",
     NUMBERS(0.10009765625, 1.0002555517425873e+30)},
    {"%0 = const i64[2] {300, -1}\n%1 = cast u8[2] %0", NUMBERS(255, 0)},
    {"%0 = const f32[2, 3] {1, 2, 3, 4, 5, 6}\n%1 = reduce f32[2] %0 sum {1}", NUMBERS(6, 15)},
    {"%0 = const f32[2, 3] {1, 2, 3, 4, 5, 6}\n%1 = reduce f32[3] %0 prod {0}",
     NUMBERS(4, 10, 18)},
    {"%0 = const f32[2, 2] {1, nan, 3, 4}\n%1 = reduce f32[2] %0 max {1}", NUMBERS(NUM_NAN, 4)},
    {"%0 = const i16[2, 2] {1, 2, 3, -4}\n%1 = reduce i16[] %0 min {0, 1}", NUMBERS(-4)},
    {"%0 = const i8[2] {100, 100}\n%1 = reduce i8[] %0 sum {0}", NUMBERS(-56)},
    {"%0 = const f32[0, 2] {}\n%1 = reduce f32[2] %0 max {0}", NUMBERS(-INF, -INF)},
    {"%0 = const i8[0] {}\n%1 = reduce i8[] %0 min {0}", NUMBERS(127)},
    {"%0 = const f32[0] {}\n%1 = reduce f32[] %0 prod {0}", NUMBERS(1)},
    {"%0 = const bool[2, 2] {0, 1, 0, 0}\n%1 = reduce bool[2] %0 any {1}", NUMBERS(1, 0)},
    {"%0 = const bool[2, 2] {0, 1, 1, 1}\n%1 = reduce bool[2] %0 all {1}", NUMBERS(0, 1)},
    {"%0 = const f32[2, 3] {1, 3, 3, 5, nan, 9}\n%1 = argmax i64[2] %0 1", NUMBERS(1, 1)},
    {"%0 = const f32[3, 2] {1, 3, 3, 5, 2, 5}\n%1 = argmax i64[2] %0 0", NUMBERS(1, 1)},
    {"%0 = const f32[2, 0] {}\n%1 = argmax i64[2] %0 1", NUMBERS(0, 0)},
    {"%0 = const f32[2, 2] {1, 2, 3, 4}\n%1 = contract f32[2, 2] %0 %0 \"ab,bc->ca\"",
     NUMBERS(7, 15, 10, 22)},
    {"%0 = const f32[2, 2] {1, 2, 3, 4}\n%1 = contract f32[] %0 \"aa->\"", NUMBERS(5)},
    {"%0 = const f32[2, 2] {1, 2, 3, 4}\n%1 = contract f32[2] %0 %0 %0 \"aa,ab,cb->b\"",
     NUMBERS(1 * 1 * 4 + 4 * 3 * 4, 1 * 2 * 6 + 4 * 4 * 6)},
    {"%0 = const f32[] {2}\n%1 = contract f32[] %0 %0 \",->\"", NUMBERS(4)},
    {"%0 = const f32[2, 0] {}\n%1 = contract f32[2, 2] %0 %0 \"ab,cb->ac\"", NUMBERS(0, 0, 0, 0)},
    {"%0 = const bool[2, 2] {0, 1, 1, 0}\n%1 = contract bool[2, 2] %0 %0 \"ab,bc->ac\"",
     NUMBERS(1, 0, 0, 1)},
    {"%0 = const u8[2] {16, 16}\n%1 = contract u8[] %0 %0 \"a,a->\"", NUMBERS(0)},
    {"%0 = const f32[2, 3] {1, 2, 3, 4, 5, 6}\n%1 = view f32[3, 2] %0 (d1, d0)",
     NUMBERS(1, 4, 2, 5, 3, 6)},
    {"%0 = const f32[4] {1, 2, 3, 4}\n%1 = view f32[2, 3] %0 (2*d0 + d1 - 1) fill -inf",
     NUMBERS(-INF, 1, 2, 2, 3, 4)},
    {"%0 = const f32[3, 3] {1, 2, 3, 4, 5, 6, 7, 8, 9}\n%1 = view f32[3] %0 (d0, -1*d0 + 2)",
     NUMBERS(3, 5, 7)},
    {"%0 = const i8[1] {1}\n%1 = view i8[2] %0 (d0) fill 300", NUMBERS(1, 127)},
    {"%0 = const f32[2, 3] {1, 2, 3, 4, 5, 6}\n%1 = view_add f32[4] %0 (d0 + d1)",
     NUMBERS(1, 6, 8, 6)},
    {"%0 = const f32[3] {1, 2, 3}\n%1 = view_add f32[2] %0 (d0 - 1)", NUMBERS(2, 3)},
    {"%0 = const bool[3] {1, 1, 0}\n%1 = view_add bool[2] %0 (0)", NUMBERS(1, 0)},
    {"%0 = const f32[2, 3] {1, 2, 3, 4, 5, 6}\n%1 = reshape f32[3, 2] %0",
     NUMBERS(1, 2, 3, 4, 5, 6)},
    {"%0 = const f32[2, 1] {1, 2}\n%1 = const f32[2, 2] {3, 4, 5, 6}\n"
     "%2 = concat f32[2, 3] %0 %1 1", NUMBERS(1, 3, 4, 2, 5, 6)},
    {"%0 = const f32[2, 3] {1, 2, 3, 4, 5, 6}\n%1 = const i8[2, 2] {1, 0, 1, 1}\n"
     "%2 = gather f32[2, 2, 3] %0 %1 (i1[0, 1], d2)",
     NUMBERS(4, 5, 6, 1, 2, 3, 4, 5, 6, 4, 5, 6)},
    {"%0 = const f32[2, 3] {1, 2, 3, 4, 5, 6}\n%1 = const f32[3] {9, 0, 1}\n"
     "%2 = gather f32[3] %0 %1 (i1[0], d0 - 1) fill 7",
     NUMBERS(7, 1, 5)},
    {"%0 = const f32[3] {1, 2, 3}\n%1 = const i64[3] {1, 1, 0}\n"
     "%2 = gather_add f32[2] %0 %1 (i1[0])", NUMBERS(3, 3)},
    {"%0 = const f32[2, 3] {1, 2, 3, 4, 5, 6}\n%1 = const i64[] {1}\n"
     "%2 = read_at f32[2] %0 %1 {1: 1}", NUMBERS(3, 6)},
    {"%0 = const f32[2, 3] {1, 2, 3, 4, 5, 6}\n%1 = const i64[] {1}\n"
     "%2 = read_at f32[3] %0 %1 {0: -2} fill 9", NUMBERS(9, 9, 9)},
    {"%0 = const f32[2, 3] {1, 2, 3, 4, 5, 6}\n%1 = const f32[2] {7, 8}\n%2 = const i32[] {0}\n"
     "%3 = write_at f32[2, 3] %0 %1 %2 {1: 2}", NUMBERS(1, 2, 7, 4, 5, 8)},
    {"%0 = const f32[2] {1, 2}\n%1 = const f32[] {7}\n%2 = const i64[] {9223372036854775807}\n"
     "%3 = write_at f32[2] %0 %1 %2 {0: 1}", NUMBERS(1, 2)},
    {"%0 = const f32[2, 4] {1, 3, 2, 3, nan, 4, nan, 9}\n%1 = topk i64[2, 3] %0 3",
     NUMBERS(1, 3, 2, 0, 2, 3)},
    {"%0 = const f64[2, 2] {2, 0, 0, -5}\n%1 = eigvec f64[2, 2] %0", NUMBERS(0, 1, 1, 0)},
    {"%0 = const f64[2, 2] {3, 1, 1, 3}\n%1 = eigvec f64[2, 2] %0\n%2 = mul f64[2, 2] %1 %1",
     NUMBERS(0.5, 0.5, 0.5, 0.5)},
    {"%0 = const f32[2] {1, 2}\n"
     "%1 = loop i64[] %0 carried 1 count 3 {\n"
     "  %0 = param i64[] 0\n%1 = param f32[2] 1\n%2 = add f32[2] %1 %1\noutput %2 }\n"
     "%2 = result f32[2] %1 0", NUMBERS(8, 16)},
    {"%0 = const i64[] {0}\n%1 = const i64[] {10}\n"
     "%2 = loop i64[] %0 %1 carried 1 count 5 reverse {\n"
     "  %0 = param i64[] 0\n%1 = param i64[] 1\n%2 = param i64[] 2\n"
     "  %3 = mul i64[] %1 %2\n%4 = add i64[] %3 %0\noutput %4 }\n"
     "%3 = result i64[] %2 0", NUMBERS(43210)},
    {"%0 = const i64[] {1}\n%1 = const i64[] {100}\n"
     "%2 = loop i64[] %0 %1 carried 1 count -1 stop {\n"
     "  %0 = param i64[] 1\n%1 = param i64[] 2\n%2 = add i64[] %0 %0\n"
     "  %3 = lt bool[] %1 %2\noutput %2\noutput %3 }\n"
     "%3 = result i64[] %2 0\n%4 = result i64[] %2 1\n%5 = mul i64[] %3 %1\n"
     "%6 = add i64[] %5 %4", NUMBERS(12807)},
    {"%0 = const i64[] {5}\n"
     "%1 = loop i64[] %0 carried 1 count 0 { %0 = param i64[] 1\noutput %0 }\n"
     "%2 = result i64[] %1 1", NUMBERS(0)},
    {"%0 = const bool[3, 3] {0, 1, 0, 0, 0, 1, 0, 0, 0}\n%1 = tuples i64[] %0\n"
     "%2 = rules i64[] %1 \"relation E[3, 3] input 0\\x0arelation T[3, 3] result\\x0a"
     "T(x, y) <- E(x, y)\\x0aT(x, z) <- T(x, y), E(y, z)\\x0a\"\n"
     "%3 = derived i64[] %2 1\n%4 = dense bool[3, 3] %3", NUMBERS(0, 1, 1, 0, 0, 1, 0, 0, 0)},
};

static bool is_close(double got, double wanted)
{
    if (isnan(wanted) || isinf(wanted))
        return isnan(wanted) ? isnan(got) : got == wanted;
    return fabs(got - wanted) <= 1e-12 * (1 + fabs(wanted));
}

static ftl_graph *read_case(ftl_arena *arena, const char *text)
{
    const char *last = strrchr(text, '%'), *line = text;
    for (const char *p = text; (p = strstr(p, "%")); p++)
        if (strncmp(p + strspn(p + 1, "0123456789") + 1, " = ", 3) == 0 &&
            (p == text || p[-1] == '\n'))
            line = p;
    assert_non_null(last);
    return graph_text_read(arena, ftl_arena_printf(arena, "graph 1\n%s\noutput \"y\" %%%d\n",
                                                   text, atoi(line + 1)));
}

static void run_case(ftl_arena *arena, void *user)
{
    size_t i = *(size_t *)user;
    ftl_plan *plan = graph_text_plan(arena, read_case(arena, cases[i].text));
    graph_run run = {0};
    graph_text_run(arena, &ftl_backend_oracle, plan, NULL, &run);
    if (run.status != FTL_OK)
        fail_msg("%s\n%s", cases[i].text, run.error.message);
    const ftl_tensor *y = run.outputs[0];
    assert_int_equal(ftl_tensor_get_count(y), (int64_t)cases[i].n);
    for (size_t k = 0; k < cases[i].n; k++)
        if (!is_close(ftl_tensor_get_double(y, (int64_t)k), cases[i].wanted[k]))
            fail_msg("%s\n  element %zu is %.17g, not %.17g", cases[i].text, k,
                     ftl_tensor_get_double(y, (int64_t)k), cases[i].wanted[k]);
    graph_run_free(plan, &run);
}

static void test_operations(void **state)
{
    (void)state;
    for (size_t i = 0; i < FTL_COUNT(cases); i++)
        graph_text_guard(run_case, &i);
}

/* Every operation of op.def stands in some case. */
static void test_all_operations_are_tested(void **state)
{
    (void)state;
    for (unsigned op = 0; op < FTL_OPCODE_COUNT; op++) {
        char word[40];
        bool found = op == FTL_OP_INPUT_;
        snprintf(word, sizeof word, " = %s ", ftl_opcode_get_name((ftl_opcode)op));
        for (size_t i = 0; i < FTL_COUNT(cases) && !found; i++)
            found = strstr(cases[i].text, word) != NULL;
        if (!found)
            fail_msg("no case for %s", word);
    }
}

/* ---- inputs, outputs, errors ---- */

static void run_inputs(ftl_arena *arena, void *user)
{
    (void)user;
    ftl_plan *plan = graph_text_plan(arena, graph_text_read(arena,
        "graph 1\n%0 = input f32[2, 2] \"X\"\n%1 = input bool[2] \"R\"\n"
        "%2 = view f32[2] %0 (0, d0)\n%3 = neg f32[2] %2\n"
        "output \"Y\" %3\noutput \"R\" %1\n"));
    float x[] = {1, 2, 3, 4};
    uint8_t r[] = {0, 7};
    const int64_t shape[] = {2, 2}, strides[] = {4, 8};
    ftl_tensor *inputs[2] = {0};
    ftl_tensor_bytes bytes[] = {
        {.dtype = FTL_DTYPE_F32, .rank = 2, .shape = shape, .strides = strides, .data = x},
        {.dtype = FTL_DTYPE_BOOL, .rank = 1, .shape = shape, .data = r},
    };
    graph_run run = {0};
    for (int i = 0; i < 2; i++)
        assert_int_equal(ftl_tensor_wrap(ftl_allocator_get_default(), &bytes[i], &inputs[i]),
                         FTL_OK);
    graph_text_run(arena, &ftl_backend_oracle, plan, inputs, &run);
    assert_int_equal(run.status, FTL_OK);
    assert_true(ftl_tensor_get_double(run.outputs[0], 1) == -3);
    assert_true(ftl_tensor_get_double(run.outputs[1], 1) == 1);
    graph_run_free(plan, &run);
    ftl_tensor *swapped[] = {inputs[1], inputs[0]};
    graph_text_run(arena, &ftl_backend_oracle, plan, swapped, &run);
    assert_int_equal(run.status, FTL_ERR_USAGE);
    assert_non_null(strstr(run.error.message, "'X'"));
    for (int i = 0; i < 2; i++)
        ftl_tensor_release(inputs[i]);
}

static void test_inputs(void **state)
{
    (void)state;
    graph_text_guard(run_inputs, NULL);
}

static const struct {
    const char *index, *words[3];
} gather_errors[] = {
    {"1.5", {"1.5 is not a whole number", "'Emb'", "extent 3"}},
    {"9", {"9 is out of range", "'Emb'", "extent 3"}},
    {"-1", {"-1 is out of range", "axis 0", "extent 3"}},
    {"nan", {"nan is not", "'Emb'", "extent 3"}},
    {"inf", {"inf is out of range", "'Emb'", "extent 3"}},
};

static void run_gather_error(ftl_arena *arena, void *user)
{
    size_t i = *(size_t *)user;
    ftl_plan *plan = graph_text_plan(arena, graph_text_read(arena, ftl_arena_printf(arena,
        "graph 1\nequation \"Emb\" \"Emb[i] = 1\" :1:0:9\nequation \"Y\" \"...\" :1:10:9\n"
        "%%0 = const f32[3] splat 0 @1\n%%1 = const f32[2] {0, %s}\n"
        "%%2 = gather f32[2] %%0 %%1 (i1[0]) @2\noutput \"Y\" %%2\n", gather_errors[i].index)));
    graph_run run = {0};
    graph_text_run(arena, &ftl_backend_oracle, plan, NULL, &run);
    assert_int_equal(run.status, FTL_ERR_PROGRAM);
    assert_int_equal(run.error.at->id, 2);
    assert_int_equal(run.error.at->span.off, 10);
    for (int k = 0; k < 3; k++)
        if (!strstr(run.error.message, gather_errors[i].words[k]))
            fail_msg("'%s' is not in '%s'", gather_errors[i].words[k], run.error.message);
}

static void test_gather_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < FTL_COUNT(gather_errors); i++)
        graph_text_guard(run_gather_error, &i);
}

static void run_large(ftl_arena *arena, void *user)
{
    (void)user;
    ftl_plan *plan = graph_text_plan(arena, graph_text_read(arena,
        "graph 1\n%0 = const f32[1000000, 1000000, 1000000] splat 0\n"
        "%1 = exp f32[1000000, 1000000, 1000000] %0\noutput \"Y\" %1\n"));
    graph_run run = {0};
    graph_text_run(arena, &ftl_backend_oracle, plan, NULL, &run);
    assert_int_equal(run.status, FTL_ERR_MEMORY);
    assert_non_null(strstr(run.error.message, "limit"));
}

static void test_memory_limit(void **state)
{
    (void)state;
    graph_text_guard(run_large, NULL);
}

static void test_registry(void **state)
{
    (void)state;
    assert_ptr_equal(ftl_backend_find("oracle"), &ftl_backend_oracle);
    assert_null(ftl_backend_find("nothing"));
    size_t n = 0;
    while (ftl_backend_get(n)) {
        assert_int_equal(ftl_backend_get(n)->version, FTL_BACKEND_VERSION);
        n++;
    }
    assert_true(n >= 1);
    ftl_device_options options = {.alloc = ftl_allocator_get_default(), .device = "cuda:0"};
    ftl_device *device = NULL;
    ftl_backend_error error;
    assert_int_equal(ftl_backend_oracle.open(&options, &device, &error), FTL_ERR_USAGE);
    assert_non_null(strstr(error.message, "cuda:0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations),
        cmocka_unit_test(test_all_operations_are_tested),
        cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_gather_errors),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
