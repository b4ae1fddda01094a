/* SPDX-License-Identifier: Apache-2.0
 *
 * Makers and what they fold; the text of graphs, and what bad text is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/dtype.h"
#include "ir/graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Runs a test's body on an arena of its own. */
typedef struct bench {
    ftl_arena arena;
    ftl_graph *graph;
    void (*body)(struct bench *b);
} bench;

static ftl_status run_body(void *p)
{
    bench *b = p;
    b->graph = ftl_graph_new(&b->arena, NULL);
    b->body(b);
    return FTL_OK;
}

static void run(void (*body)(bench *b))
{
    bench b = {.body = body};
    ftl_arena_init(&b.arena, ftl_allocator_get_default());
    assert_int_equal(ftl_arena_run(&b.arena, run_body, &b), FTL_OK);
    ftl_arena_fini(&b.arena);
}

static ftl_graph *read_text(bench *b, const char *text, const char **message)
{
    ftl_diags *diags = FTL_NEW(&b->arena, ftl_diags);
    ftl_intern *names = FTL_NEW(&b->arena, ftl_intern);
    ftl_diags_init(diags, &b->arena);
    ftl_intern_init(names, &b->arena);
    uint32_t file = ftl_diags_add_source(diags, "test.graph", text, strlen(text));
    ftl_graph *g = ftl_graph_read(&b->arena, names, diags, file);
    *message = diags->errors > 0 ? diags->list.data[0]->message : NULL;
    assert_true((g == NULL) == (diags->errors == 1));
    return g;
}

static const char *dump(bench *b, const ftl_graph *g)
{
    ftl_strbuf out;
    ftl_strbuf_init(&out, &b->arena);
    ftl_graph_dump(g, &out);
    return ftl_strbuf_get(&out);
}

static ftl_value *input(bench *b, uint32_t rank, const int64_t *shape)
{
    return ftl_make_input(b->graph, "x", FTL_DTYPE_F32, rank, shape);
}

#define SHAPE(...) (const int64_t[]){__VA_ARGS__}

/* A view along one axis: x[offset + coef * i], of n places. */
static ftl_value *stride(bench *b, ftl_value *x, int64_t n, int64_t offset, int64_t coef)
{
    uint32_t dim = 0;
    ftl_affine map = {.offset = offset, .n = 1, .dim = &dim, .coef = &coef, .select = -1};
    return ftl_make_view(b->graph, x, 1, &n, &(ftl_view){.map = &map});
}

/* ---- folding by the makers ---- */

static void check_transposes(bench *b)
{
    ftl_value *x = input(b, 3, SHAPE(2, 3, 4));
    ftl_value *y = ftl_make_transpose(b->graph, x, (const uint32_t[]){2, 0, 1});
    assert_int_equal(y->shape[0], 4);
    assert_int_equal(y->shape[1], 2);
    assert_ptr_equal(ftl_make_transpose(b->graph, y, (const uint32_t[]){1, 2, 0}), x);
    assert_ptr_equal(ftl_make_broadcast(b->graph, x, 3, x->shape, (const int32_t[]){0, 1, 2}), x);
    ftl_value *wide = ftl_make_broadcast(b->graph, y, 4, SHAPE(5, 3, 4, 2),
                                         (const int32_t[]){-1, 2, 0, 1});
    assert_ptr_equal(wide->in[0], x);
    assert_true(wide->u.view->in_range);
    assert_null(ftl_graph_verify(b->graph, &b->arena));
}

static void test_transposes(void **state)
{
    (void)state;
    run(check_transposes);
}

/* Shifting there and back loses what fell off; shifting on does not. */
static void check_shifts(bench *b)
{
    ftl_value *x = input(b, 1, SHAPE(10));
    ftl_value *later = stride(b, x, 10, -1, 1);
    assert_false(later->u.view->in_range);
    ftl_value *back = stride(b, later, 10, 1, 1);
    assert_ptr_equal(back->in[0], later);
    ftl_value *twice = stride(b, later, 10, -1, 1);
    assert_ptr_equal(twice->in[0], x);
    assert_int_equal(twice->u.view->map[0].offset, -2);
    ftl_value *part = stride(b, later, 3, 2, 3);
    assert_ptr_equal(part->in[0], x);
    assert_true(part->u.view->in_range);
    assert_int_equal(part->u.view->map[0].offset, 1);
    assert_int_equal(part->u.view->map[0].coef[0], 3);
    ftl_value *even = stride(b, x, 5, 0, 2);
    ftl_value *padded = stride(b, even, 7, -1, 1);
    assert_ptr_equal(padded->in[0], x);
    ftl_value *inner = stride(b, stride(b, x, 4, 3, 1), 6, -1, 1);
    assert_ptr_not_equal(inner->in[0], x);
    assert_ptr_equal(stride(b, stride(b, x, 10, 9, -1), 10, 9, -1), x);
    assert_null(ftl_graph_verify(b->graph, &b->arena));
}

static void test_shifts(void **state)
{
    (void)state;
    run(check_shifts);
}

static void check_light_folds(bench *b)
{
    ftl_graph *g = b->graph;
    ftl_value *x = input(b, 2, SHAPE(6, 4));
    assert_ptr_equal(ftl_make_cast(g, x, FTL_DTYPE_F32), x);
    assert_ptr_equal(ftl_make_reduce(g, FTL_REDUCE_SUM, x, 0), x);
    assert_ptr_equal(ftl_make_concat(g, 1, &x, 0), x);
    ftl_value *flat = ftl_make_reshape(g, x, 1, SHAPE(24));
    assert_ptr_equal(ftl_make_reshape(g, flat, 2, x->shape), x);
    ftl_value *unit = ftl_make_reshape(g, x, 4, SHAPE(1, 6, 1, 4));
    assert_int_equal(unit->op, FTL_OP_VIEW_);
    assert_ptr_equal(ftl_make_reshape(g, unit, 2, x->shape), x);
    ftl_value *half = ftl_make_splat(g, FTL_DTYPE_F64, 1, SHAPE(3), 0.5);
    ftl_value *low = ftl_make_cast(g, half, FTL_DTYPE_I32);
    assert_true(low->op == FTL_OP_CONST_ && *(const int32_t *)low->u.data == 0);
    ftl_value *wide = ftl_make_broadcast(g, half, 2, SHAPE(7, 3), (const int32_t[]){-1, 0});
    assert_true(wide->op == FTL_OP_CONST_ && wide->splat && wide->shape[0] == 7);
    assert_int_equal(stride(b, half, 4, 0, 1)->op, FTL_OP_VIEW_);
    assert_null(ftl_graph_verify(g, &b->arena));
}

static void test_light_folds(void **state)
{
    (void)state;
    run(check_light_folds);
}

static void check_contract_labels(bench *b)
{
    ftl_value *a[] = {input(b, 2, SHAPE(2, 3)), input(b, 2, SHAPE(3, 5))};
    uint32_t left[] = {70, 7}, right[] = {7, 9}, out[] = {9, 70};
    ftl_value *y = ftl_make_contract(b->graph, 2, a, &(ftl_contract){
        .in = (uint32_t *[]){left, right}, .out = out}, 2);
    assert_int_equal(y->u.contract->n_labels, 3);
    assert_int_equal(y->shape[0], 5);
    assert_int_equal(y->u.contract->out[0], 2);
    assert_non_null(strstr(dump(b, b->graph), "contract f32[5, 2] %0 %1 \"ab,bc->ca\""));
}

static void test_contract_labels(void **state)
{
    (void)state;
    run(check_contract_labels);
}

/* ---- text ---- */

static const char everything[] =
    "graph 1\n"
    "equation \"Y\" \"Y[i] = X[i] \\\"q\\\" \\\\ \\x01\" :1:0:12  # @1\n"
    "%0 = input f32[2, 3] \"X\" @1  # Y\n"
    "%1 = const f32[5] {1, -0.5, inf, nan, -0} @1:1:4:3  # Y\n"
    "%2 = const f16[2, 3] splat 0.333251953125\n"
    "%3 = const bool[2] hex \"0002\"\n"
    "%4 = iota i64[3]\n"
    "%5 = view f32[3, 4] %0 (d1 - 1, 2*d0 - 1) fill -inf\n"
    "%6 = reduce f32[4] %5 max {0}\n"
    "%7 = contract f32[3] %0 %0 \"ab,ab->b\" @0:1:2:3\n"
    "%8 = gather f32[3, 5] %0 %4 (-1*d1 + 1, i1[0])\n"
    "%9 = gather_add f32[2, 3] %8 %4 (-1*d1 + 1, i1[0])\n"
    "%10 = view_add f32[2] %7 (d0)\n"
    "%11 = const i64[] {1}\n"
    "%12 = read_at f32[2] %0 %11 {1: -1} fill 2.5\n"
    "%13 = write_at f32[2, 3] %0 %12 %11 {1: 1}\n"
    "%14 = topk i64[2, 2] %0 2\n"
    "%15 = argmax i64[3] %0 0\n"
    "%16 = concat f32[4, 3] %0 %13 0\n"
    "%17 = reshape f32[12] %16\n"
    "%18 = loop i64[] %7 %11 %0 carried 2 count 10 stop clock 3 {\n"
    "  %0 = param i64[] 0\n"
    "  %1 = param f32[3] 1\n"
    "  %2 = param i64[] 2\n"
    "  %3 = neg f32[3] %1 @1  # Y\n"
    "  %4 = lt bool[] %0 %2\n"
    "  output %3\n"
    "  output %0\n"
    "  output %4\n"
    "}\n"
    "%19 = result f32[3] %18 0\n"
    "%20 = result i64[] %18 2\n"
    "%21 = lt bool[3] %7 %19\n"
    "%22 = select f32[3] %21 %7 %19\n"
    "%23 = cast i8[3] %22\n"
    "output \"Y\" %22\n"
    "output \"n\" %20\n";

static void check_round_trip(bench *b)
{
    const char *message = NULL;
    ftl_graph *g = read_text(b, everything, &message);
    assert_null(message);
    assert_string_equal(dump(b, g), everything);
    ftl_graph *again = read_text(b, dump(b, g), &message);
    assert_true(ftl_graph_is_equal(g, again));
    again->values.data[6]->u.reduce.kind = FTL_REDUCE_MIN;
    assert_false(ftl_graph_is_equal(g, again));
}

static void test_round_trip(void **state)
{
    (void)state;
    run(check_round_trip);
}

static void check_large_constant(bench *b)
{
    float data[100];
    const char *message = NULL;
    for (int i = 0; i < 100; i++)
        data[i] = (float)i / 3;
    ftl_value *v = ftl_make_const(b->graph, FTL_DTYPE_F32, 2, SHAPE(4, 25), data);
    ftl_graph_add_output(b->graph, "Y", v);
    ftl_graph *again = read_text(b, dump(b, b->graph), &message);
    assert_true(ftl_graph_is_equal(b->graph, again));
}

static void test_large_constant(void **state)
{
    (void)state;
    run(check_large_constant);
}

static const struct {
    const char *text, *message;
} bad[] = {
    {"", "expected 'graph'"},
    {"graph 1\nfoo", "expected a value"},
    {"graph 1\n%1 = iota i64[3]", "numbered in order"},
    {"graph 1\n%0 = nothing i64[3]", "name of an operation"},
    {"graph 1\n%0 = iota what[3]", "name of a dtype"},
    {"graph 1\n%0 = iota i64[-3]", "an extent is negative"},
    {"graph 1\n%0 = iota i64[99999999999999999999]", "too large"},
    {"graph 1\n%0 = iota i64[2, 3]", "must have one axis"},
    {"graph 1\n%0 = iota bool[2]", "must be a number"},
    {"graph 1\n%0 = neg i64[2] %0", "does not come before"},
    {"graph 1\n%0 = neg i64[2]", "expected an operand"},
    {"graph 1\n%0 = param i64[] 0", "outside of a loop's body"},
    {"graph 1\n%0 = const f32[4000000000] hex \"00\"", "more bytes than the text has"},
    {"graph 1\n%0 = const f32[4000000000] {1}", "more elements than the text has"},
    {"graph 1\n%0 = const i8[1] {300}", "out of range"},
    {"graph 1\n%0 = const i8[2] {1, 2, 3}", "expected '}'"},
    {"graph 1\n%0 = const i8[2] hex \"0g00\"", "hexadecimal"},
    {"graph 1\n%0 = input f32[2] \"a", "expected '\"'"},
    {"graph 1\n%0 = input f32[2] \"a\\q\"", "bad escape"},
    {"graph 1\n%0 = input f32[2] \"a\" @1", "an equation is not there"},
    {"graph 1\n%0 = input f32[2] \"a\"\n%1 = neg f64[2] %0", "the dtype of its operands"},
    {"graph 1\n%0 = input f32[2] \"a\"\n%1 = neg f32[3] %0", "the shape of every operand"},
    {"graph 1\n%0 = input f32[2] \"a\"\n%1 = view f32[3] %0 (d1)", "an axis that is not there"},
    {"graph 1\n%0 = input f32[2] \"a\"\n%1 = view f32[3] %0 (d0 + d0)", "do not rise"},
    {"graph 1\n%0 = input f32[2] \"a\"\n%1 = view f32[3] %0 (9223372036854775807*d0)", "2^62"},
    {"graph 1\n%0 = input f32[2] \"a\"\n%1 = view f32[2] %0 (d0) fill 1", "other than 0"},
    {"graph 1\n%0 = input f32[2] \"a\"\n%1 = contract f32[] %0 \"b->\"", "another order"},
    {"graph 1\n%0 = input f32[2] \"a\"\n%1 = contract f32[2] %0 \"a->b\"", "no operand has"},
    {"graph 1\n%0 = input f32[2] \"a\"\n%1 = reduce f32[] %0 sum {1}", "not there"},
    {"graph 1\n%0 = input f32[2] \"a\"\n%1 = reduce f32[] %0 any {0}", "must be bool"},
    {"graph 1\n%0 = input f32[2] \"a\"\n%1 = reshape f32[3] %0", "as many elements"},
    {"graph 1\n%0 = input f32[2] \"a\"\n%1 = result f32[2] %0 0", "must be of a loop"},
    {"graph 1\n%0 = input f32[2] \"a\"\n%1 = topk i64[3] %0 3", "k places a row"},
    {"graph 1\n%0 = input f32[2] \"a\"\n%1 = gather f32[2] %0 %0 (d0)", "not read by any place"},
    {"graph 1\n%0 = loop i64[] carried 0 count -1 {}", "no number of rounds"},
    {"graph 1\n%0 = loop i64[] carried 1 count 2 {}", "wrong number of carried"},
    {"graph 1\n%0 = loop i64[] carried 0 count 2 {}\noutput \"x\" %0", "no output"},
    {"graph 1\n%0 = loop i64[] carried 0 count 2 {%0 = input f32[] \"a\"}", "in a loop's body"},
};

static void check_bad_text(bench *b)
{
    for (size_t i = 0; i < FTL_COUNT(bad); i++) {
        const char *message = NULL;
        assert_null(read_text(b, bad[i].text, &message));
        if (!strstr(message, bad[i].message))
            fail_msg("%s\n  says '%s', not '%s'", bad[i].text, message, bad[i].message);
    }
}

static void test_bad_text(void **state)
{
    (void)state;
    run(check_bad_text);
}

static void check_deep_loops(bench *b)
{
    ftl_strbuf text;
    const char *message = NULL;
    ftl_strbuf_init(&text, &b->arena);
    ftl_strbuf_puts(&text, "graph 1\n");
    for (int i = 0; i < 100000; i++)
        ftl_strbuf_puts(&text, "%0 = loop i64[] carried 0 count 2 {");
    assert_null(read_text(b, ftl_strbuf_get(&text), &message));
    assert_non_null(strstr(message, "nested too deeply"));
}

static void test_deep_loops(void **state)
{
    (void)state;
    run(check_deep_loops);
}

static void check_verifier(bench *b)
{
    ftl_value *x = input(b, 1, SHAPE(3));
    ftl_value *y = ftl_make_map1(b->graph, FTL_OP_EXP_, x);
    assert_null(ftl_graph_verify(b->graph, &b->arena));
    y->in[0] = y;
    assert_string_equal(ftl_graph_verify(b->graph, &b->arena),
                        "%1 = exp uses a value that does not come before it");
    y->in[0] = x;
    y->dtype = FTL_DTYPE_I32;
    assert_string_equal(ftl_graph_verify(b->graph, &b->arena), "%1 = exp must be a float");
    y->dtype = FTL_DTYPE_F32;
    ftl_graph_add_output(b->graph, NULL, y);
    assert_string_equal(ftl_graph_verify(b->graph, &b->arena), "output 0: no name");
}

static void test_verifier(void **state)
{
    (void)state;
    run(check_verifier);
}

static void test_facts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FTL_OPCODE_COUNT; i++) {
        ftl_opcode op = FTL_OPCODE_COUNT;
        assert_true(ftl_opcode_find(ftl_opcode_get_name((ftl_opcode)i), &op));
        assert_int_equal(op, i);
        assert_true(strlen(ftl_opcode_get_doc(op)) > 0);
    }
    assert_int_equal(ftl_opcode_get_arity(FTL_OP_SELECT_), 3);
    assert_int_equal(ftl_opcode_get_class(FTL_OP_TANH_), FTL_OPCLASS_MAP);
    assert_true(ftl_opcode_is_monotone(FTL_OP_OR_));
    assert_false(ftl_opcode_is_monotone(FTL_OP_NOT_));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transposes),
        cmocka_unit_test(test_shifts),
        cmocka_unit_test(test_light_folds),
        cmocka_unit_test(test_contract_labels),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_large_constant),
        cmocka_unit_test(test_bad_text),
        cmocka_unit_test(test_deep_loops),
        cmocka_unit_test(test_verifier),
        cmocka_unit_test(test_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
