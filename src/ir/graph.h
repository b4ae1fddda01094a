/* SPDX-License-Identifier: Apache-2.0
 *
 * ir: the graph of core operations, the language of all stages after lowering. A graph is a list
 * of values in an order in which every operand comes before its use; each value has one
 * operation, a dtype and a fixed shape. Values live in the graph's arena and are never freed
 * singly. Makers check their contracts with asserts; text from outside is checked by read.c and
 * verify.c.
 *
 * Axes have no names here: a maker of a value decides the order. Broadcasting is explicit: every
 * operand of a MAP has the result's shape, made by a VIEW without that axis (cost free: the
 * planner fuses it).
 */
#ifndef FTL_IR_GRAPH_H
#define FTL_IR_GRAPH_H

#include "base/base.h"
#include "base/diag.h"
#include "ir/rules.h"

typedef enum ftl_opcode {
#define FTL_OPCODE(name, text, arity, class, shape, dtype, grad, monotone, doc) FTL_OP_##name##_,
#include "ir/op.def"
#undef FTL_OPCODE
    FTL_OPCODE_COUNT
} ftl_opcode; /* FTL_OP_ADD_: the last underscore keeps them apart from the syntax' operators */

typedef enum ftl_opclass {
    FTL_OPCLASS_LEAF, FTL_OPCLASS_MAP, FTL_OPCLASS_REDUCE, FTL_OPCLASS_CONTRACT, FTL_OPCLASS_VIEW,
    FTL_OPCLASS_INDEX, FTL_OPCLASS_SORT, FTL_OPCLASS_LOOP, FTL_OPCLASS_LOGIC
} ftl_opclass;

typedef enum ftl_reduce {
    FTL_REDUCE_SUM, FTL_REDUCE_PROD, FTL_REDUCE_MAX, FTL_REDUCE_MIN, FTL_REDUCE_ANY, FTL_REDUCE_ALL
} ftl_reduce; /* of nothing: 0, 1, -inf, +inf (whole numbers: their least, greatest), false, true */

typedef struct ftl_value ftl_value;
typedef struct ftl_graph ftl_graph;

/* One place as an affine function of the result's places: offset + sum coef[k] * p[dim[k]].
 * select >= 0 (GATHER only): the place is read from operand `select` instead (see ftl_gather). */
typedef struct ftl_affine {
    int64_t offset;
    uint32_t n;               /* number of terms; dims rise, coefs are not 0 */
    uint32_t *dim;
    int64_t *coef;
    int32_t select;           /* -1: affine */
} ftl_affine;

/* VIEW: result[p] = operand[map[0](p), map[1](p), ...], or fill where any place is outside.
 * Covers transposition, broadcast, slice, stride, reversal, shift, diagonal, window, padding. For
 * VIEW_ADD (y = view_add x: y[map(p)] += x[p], y of the stated shape starting at 0) the map goes
 * from x's places to y's, and what falls outside is dropped. Places stay below 2^62. */
typedef struct ftl_view {
    ftl_affine *map;          /* one for each axis that is read (VIEW) or added to (VIEW_ADD) */
    double fill;              /* 0 when in_range */
    bool in_range;            /* proven: no place is ever outside; set by the makers */
} ftl_view;

/* GATHER: operand 0 is the data; result[p] = data[...]. For a data axis with select = k >= 1 the
 * place is operands[k][p[sub[k][0]], p[sub[k][1]], ...] (whole or integral float; checked at run
 * time), else affine as in VIEW (outside: fill). Where an affine place is outside, nothing is
 * checked. GATHER_ADD: operand 0 is what is added (the gather's result shape), operands 1.. as in
 * the gather; the result has the data's shape. */
typedef struct ftl_gather {
    uint32_t n;               /* operands, the first included */
    ftl_affine *map;          /* one for each data axis */
    uint32_t **sub;           /* sub[k], 1 <= k < n: result axes that index operand k, in order */
    double fill;
} ftl_gather;

/* READ_AT / WRITE_AT: axis[i] of operand 0 is at (scalar operand) + offset[i]; these axes are
 * absent from the slice. Index operands (whole-number scalars) come last: READ_AT(x, i...),
 * WRITE_AT(x, v, i...). An index outside: READ_AT gives fill everywhere, WRITE_AT changes nothing.
 * */
typedef struct ftl_at {
    uint32_t n;               /* >= 1 */
    uint32_t *axis;           /* rising */
    int64_t *offset;
    double fill;
} ftl_at;

/* CONTRACT: label of every operand axis and of the result's axes; labels not in the result are
 * summed. Each result label occurs in some operand and once in the result. A label repeated in one
 * operand is its diagonal. Labels are numbered in the order of their first occurrence. */
typedef struct ftl_contract {
    uint32_t **in;            /* in[operand][axis] */
    uint32_t *out;
    uint32_t n_labels;        /* labels are 0 .. n_labels-1, each of them used */
    int64_t *extent;          /* of each label */
} ftl_contract;

/* LOOP: operands are the n_carried start values, then the captured ones. The body's params are: 0
 * the round (i64 scalar: 0, 1, ...; when reverse: count-1 ... 0), then the carried values, then
 * the captured ones; a param may be missing. The body's outputs are the next carried values and,
 * when has_stop, a bool scalar: stop after this round. Runs at most `count` rounds; count -1:
 * until stop. The loop's own value is an i64 scalar that only RESULT may use. */
typedef struct ftl_loop {
    ftl_graph *body;
    uint32_t n_carried;
    int64_t count;
    bool reverse;
    bool has_stop;
    int32_t temperature_clock; /* not 0: the rounds of this loop drive temperature schedules */
} ftl_loop;

/* A value that stands for a set of tuples, the places where a bool tensor of this shape is true:
 * i64 and without axes, but not a number. Made by INPUT, TUPLES and DERIVED, used by RULES and
 * DENSE. */
typedef struct ftl_tuples_form {
    uint32_t rank;
    const int64_t *shape;     /* extents of the columns, below 2^32 each */
} ftl_tuples_form;

struct ftl_value {
    uint32_t id;              /* index in graph->values */
    ftl_opcode op;
    ftl_dtype dtype;
    uint32_t rank;
    const int64_t *shape;     /* rank extents, each >= 0 */
    uint32_t n_in;
    ftl_value **in;
    uint32_t equation;        /* 1 + index in graph->equations, 0 none: where it comes from */
    ftl_span span;            /* place in the program, for run-time errors */
    union {                   /* valid by op */
        const char *name;     /* INPUT */
        const void *data;     /* CONST: row-major elements of dtype; or one element when splat */
        uint32_t index;       /* PARAM, RESULT, DERIVED */
        struct { ftl_reduce kind; uint64_t axes; } reduce; /* REDUCE: bit k for axis k */
        struct { uint32_t axis; int64_t k; } sort;         /* ARGMAX (axis), TOPK (k) */
        uint32_t axis;        /* CONCAT */
        ftl_view *view;       /* VIEW, VIEW_ADD */
        ftl_gather *gather;   /* GATHER, GATHER_ADD */
        ftl_at *at;           /* READ_AT, WRITE_AT */
        ftl_contract *contract;
        ftl_loop *loop;
        const ftl_rules *rules; /* RULES: operand k gives the relations whose input is k; its own
                                 * value is an i64 scalar that only DERIVED may use */
    } u;
    const ftl_tuples_form *tuples; /* null: elements */
    bool splat;               /* CONST: every element equals data[0] */
};

typedef struct ftl_output {
    const char *name;         /* null in a loop's body */
    ftl_value *value;
} ftl_output;

/* The source equation of some values, for explain, errors and dumps. */
typedef struct ftl_origin {
    const char *text;         /* canonical text, one line */
    const char *head;         /* tensor name */
    ftl_span span;
} ftl_origin;

struct ftl_graph {
    ftl_arena *arena;
    FTL_VEC(ftl_value *) values;   /* topological order */
    FTL_VEC(ftl_output) outputs;
    FTL_VEC(ftl_origin) equations; /* of the outermost graph; empty in bodies */
    ftl_graph *parent;             /* of a loop's body; else null */
    uint32_t equation;             /* given to values as they are made: ftl_graph_set_origin */
    ftl_span span;
};

/* ---- facts of operations (op.c, made from op.def) ---- */
const char *ftl_opcode_get_name(ftl_opcode op);
int ftl_opcode_get_arity(ftl_opcode op);
ftl_opclass ftl_opcode_get_class(ftl_opcode op);
/* What op.def says for readers and for fixpoints of rules; so far tests alone ask. */
bool ftl_opcode_is_monotone(ftl_opcode op);
const char *ftl_opcode_get_doc(ftl_opcode op);
bool ftl_opcode_find(const char *name, ftl_opcode *op);
const char *ftl_reduce_get_name(ftl_reduce kind); /* "sum" */

/* ---- graphs (graph.c). Names are borrowed for the graph's life. ---- */
ftl_graph *ftl_graph_new(ftl_arena *arena, ftl_graph *parent);
/* Equation and span of the values made from now on. */
void ftl_graph_set_origin(ftl_graph *g, uint32_t equation, ftl_span span);
/* Gives 1 + the index in g->equations. Only for outermost graphs. */
uint32_t ftl_graph_add_equation(ftl_graph *g, const char *head, const char *text, ftl_span span);
/* The origin with that number, looked up in the outermost graph; null for 0. */
const ftl_origin *ftl_graph_find_origin(const ftl_graph *g, uint32_t equation);
void ftl_graph_add_output(ftl_graph *g, const char *name, ftl_value *v);
/* Appends a copy of draft as it is, without any folding: op, dtype, shape, operands, attributes,
 * equation and span are the draft's; its arrays are borrowed, its id is ignored. For readers and
 * for passes that rebuild a graph. */
ftl_value *ftl_graph_add_value(ftl_graph *g, const ftl_value *draft);
/* Appends v itself, which gets a new id: for passes that rebuild the list of values. */
void ftl_graph_take_value(ftl_graph *g, ftl_value *v);
/* Same operation, dtype, shape and attributes (bodies included); operands and origins are not
 * compared, but there are equally many. */
bool ftl_value_is_same(const ftl_value *a, const ftl_value *b);
bool ftl_graph_is_equal(const ftl_graph *a, const ftl_graph *b);
/* Elements of a value; saturates at INT64_MAX. */
int64_t ftl_value_get_count(const ftl_value *v);

/* ---- making values (make.c). Shapes, attributes and operand arrays are copied to the graph's
 * arena. A maker may give an operand, or a simpler value, where that is the same (a cast to the
 * same dtype, a view of a view, the transposition of a transposition, a view of equal elements).
 * ---- */
ftl_value *ftl_make_input(ftl_graph *g, const char *name, ftl_dtype dtype, uint32_t rank,
                          const int64_t *shape);
/* data is borrowed for the graph's life; row-major. */
ftl_value *ftl_make_const(ftl_graph *g, ftl_dtype dtype, uint32_t rank, const int64_t *shape,
                          const void *data);
ftl_value *ftl_make_splat(ftl_graph *g, ftl_dtype dtype, uint32_t rank, const int64_t *shape,
                          double x);
ftl_value *ftl_make_iota(ftl_graph *g, ftl_dtype dtype, int64_t extent);
ftl_value *ftl_make_param(ftl_graph *g, uint32_t index, ftl_dtype dtype, uint32_t rank,
                          const int64_t *shape);
ftl_value *ftl_make_map1(ftl_graph *g, ftl_opcode op, ftl_value *a);
ftl_value *ftl_make_map2(ftl_graph *g, ftl_opcode op, ftl_value *a, ftl_value *b);
ftl_value *ftl_make_select(ftl_graph *g, ftl_value *c, ftl_value *a, ftl_value *b);
ftl_value *ftl_make_cast(ftl_graph *g, ftl_value *a, ftl_dtype dtype);
ftl_value *ftl_make_reduce(ftl_graph *g, ftl_reduce kind, ftl_value *a, uint64_t axes);
ftl_value *ftl_make_argmax(ftl_graph *g, ftl_value *a, uint32_t axis);
/* labels: in and out as in ftl_contract, numbered as the caller likes; the rest is not read.
 * n >= 1 operands; n_out labels of the result. */
ftl_value *ftl_make_contract(ftl_graph *g, uint32_t n, ftl_value *const *a,
                             const ftl_contract *labels, uint32_t n_out);
/* view: map (terms in any order, a coef may be 0) and fill; in_range is not read. */
ftl_value *ftl_make_view(ftl_graph *g, ftl_value *a, uint32_t rank, const int64_t *shape,
                         const ftl_view *view);
/* The transposes of view and gather, which derivatives are made of. */
ftl_value *ftl_make_view_add(ftl_graph *g, ftl_value *a, uint32_t rank, const int64_t *shape,
                             const ftl_affine *map);
/* result axis k is axis from[k] of a, or a new axis of extent shape[k] when from[k] < 0; every
 * axis of a is used once. */
ftl_value *ftl_make_broadcast(ftl_graph *g, ftl_value *a, uint32_t rank, const int64_t *shape,
                              const int32_t *from);
/* result axis k is a's perm[k] */
ftl_value *ftl_make_transpose(ftl_graph *g, ftl_value *a, const uint32_t *perm);
ftl_value *ftl_make_reshape(ftl_graph *g, ftl_value *a, uint32_t rank, const int64_t *shape);
ftl_value *ftl_make_concat(ftl_graph *g, uint32_t n, ftl_value *const *a, uint32_t axis);
/* a: gather->n operands. */
ftl_value *ftl_make_gather(ftl_graph *g, ftl_value *const *a, uint32_t rank, const int64_t *shape,
                           const ftl_gather *gather);
/* Likewise. */
ftl_value *ftl_make_gather_add(ftl_graph *g, ftl_value *const *a, uint32_t rank,
                               const int64_t *shape, const ftl_gather *gather);
/* index: at->n scalars. */
ftl_value *ftl_make_read_at(ftl_graph *g, ftl_value *x, const ftl_at *at, ftl_value *const *index);
ftl_value *ftl_make_write_at(ftl_graph *g, ftl_value *x, ftl_value *v, const ftl_at *at,
                             ftl_value *const *index);
/* 0 <= k <= the last extent. */
ftl_value *ftl_make_topk(ftl_graph *g, ftl_value *a, int64_t k);
ftl_value *ftl_make_eigvec(ftl_graph *g, ftl_value *a);
/* operands: loop->n_carried start values, then captured ones, matching the body's params. */
ftl_value *ftl_make_loop(ftl_graph *g, uint32_t n, ftl_value *const *a, const ftl_loop *loop);
ftl_value *ftl_make_result(ftl_graph *g, ftl_value *loop, uint32_t index);
ftl_value *ftl_make_tuples_input(ftl_graph *g, const char *name, uint32_t rank,
                                 const int64_t *shape);
/* a: bool. */
ftl_value *ftl_make_tuples(ftl_graph *g, ftl_value *a);
/* a: tuples. */
ftl_value *ftl_make_dense(ftl_graph *g, ftl_value *a);
/* n operands, tuples all; rules is borrowed for the graph's life. */
ftl_value *ftl_make_rules(ftl_graph *g, uint32_t n, ftl_value *const *a, const ftl_rules *rules);
/* relation: one with is_result. */
ftl_value *ftl_make_derived(ftl_graph *g, ftl_value *rules, uint32_t relation);

/* ---- affine places (view.c) ---- */

/* Least and greatest place over a box of the given extents (0 counts as 1). False when a place may
 * reach 2^62, or select >= 0. */
bool ftl_affine_get_range(const ftl_affine *a, const int64_t *shape, int64_t *lo, int64_t *hi);
/* True when every place of map (rank of read many) over shape lies in read's extents, or shape is
 * empty. */
bool ftl_view_is_in_range(const ftl_affine *map, const int64_t *shape, const ftl_value *read);
/* The map of `outer` (a view of v, of shape shape) from v's own operand, v being a VIEW, such that
 * one view reads the same as the two; with its fill. Null when there is none. */
ftl_view *ftl_view_compose(ftl_arena *arena, const ftl_view *outer, const int64_t *shape,
                           const ftl_value *v);

/* ---- checks and text (infer.c, verify.c, dump.c, read.c) ---- */

/* The rules of op.def and of the structs above for one value, given sound operands; a loop's body
 * is looked at from outside only. Null when they hold, else the rule that is broken. */
const char *ftl_value_check(const ftl_value *v);
/* Checks every rule, the order of the values, bodies. Returns null when sound, else a message (in
 * arena) that names the value and the rule. Run after every pass in test builds. */
const char *ftl_graph_verify(const ftl_graph *g, ftl_arena *arena);
/* Text that ftl_graph_read reads back to an equal graph. One line a value:
 *   %3 = contract f32[2, 5] %0 %1 "ab,bc->ac" @1   # H
 * with the equations listed first. The grammar is in dump.c. */
void ftl_graph_dump(const ftl_graph *g, ftl_strbuf *out);
/* Parses a dump; diagnostics for bad text; null after an error. The result is verified. Hostile
 * text is fine. */
ftl_graph *ftl_graph_read(ftl_arena *arena, ftl_intern *names, ftl_diags *diags, uint32_t file);

#endif
