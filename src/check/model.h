/* SPDX-License-Identifier: Apache-2.0
 *
 * check: tree -> model. The model is the program with every decision of the language made: names
 * bound, imports and functions inlined, constants folded, symbols numbered, kinds, axes, extents
 * and projections explicit, recursion grouped. Lowering needs no rule of the surface language
 * beyond what stands here.
 *
 * Stages, in order (check.c, one screen): resolve (trees -> flat equations), axes (flat equations
 * -> explicit expressions), extents, groups. Each stage reports all errors it finds; the next one
 * runs on what is sound so that one mistake gives one message.
 */
#ifndef FTL_CHECK_MODEL_H
#define FTL_CHECK_MODEL_H

#include "ir/builtin.h"
#include "ir/graph.h"
#include "syntax/tree.h"

/* ---- what the world tells check (no room below may be asked for files) ---- */

/* Shape and contents of a source, an input or a weight. */
typedef struct ftl_source_info {
    ftl_dtype dtype; /* as stored */
    uint32_t rank;
    int64_t shape[FTL_MAX_RANK]; /* relation: 1 + largest position of each column (0 when empty) */
    bool is_tuples;              /* csv, tsv, text, facts: the extents are open */
    bool has_values;             /* tuples with a numeric last column */
    int64_t count;               /* tuples */
    const int64_t *columns[FTL_MAX_RANK];
    const double *values;
    bool is_text[FTL_MAX_RANK];               /* the column holds symbols */
    const char *const *symbols[FTL_MAX_RANK]; /* their names by number */
    int64_t n_symbols[FTL_MAX_RANK];
    bool has_vocabulary; /* a text: the symbols keep the order of the table, met or not */
    void *handle;        /* the loader's own: tensor or tuples behind it */
} ftl_source_info;

/* A text that check asks for: an imported program. */
typedef struct ftl_text_request {
    const char *base, *path; /* asked: name of the importing file; the path as written */
    const char *name, *text; /* answered: how to call it (and base of its own imports); its bytes */
    size_t len;
    const char *message; /* why not */
    bool is_limit;       /* there is no memory for it, or it is larger than what is allowed */
} ftl_text_request;

/* A domain file that check asks for: one symbol a line. */
typedef struct ftl_symbols_request {
    const char *base, *path;    /* asked, as above */
    const char *const *symbols; /* answered: no two are equal */
    size_t n;
    const char *message; /* why not */
    bool is_limit;       /* as above */
} ftl_symbols_request;

/* A tensor that check asks for: a source statement (path), or an input or weight by name (path
 * null). */
typedef struct ftl_load_request {
    const char *name, *path;
    bool is_relation;        /* written with parentheses */
    uint32_t rank;           /* as the program uses it */
    const char *const *axes; /* names of its places as the program writes them, each may be null */
    ftl_source_info info;    /* answered */
    bool found;              /* false: there is no input of that name */
    const char *message;     /* why it cannot be read */
    bool is_limit;           /* as above */
} ftl_load_request;

/* Files are reached through these; false: the request's message says why not. Answers live as long
 * as the compile. Null members: nothing can be loaded (fuse check without files). */
typedef struct ftl_loader {
    void *user;
    bool (*read_text)(void *user, ftl_text_request *request);
    bool (*load)(void *user, ftl_load_request *request);
    bool (*read_symbols)(void *user, ftl_symbols_request *request);
} ftl_loader;

typedef enum ftl_mode {
    FTL_MODE_AUTO,
    FTL_MODE_SINGLE,
    FTL_MODE_FIXPOINT,
    FTL_MODE_DEMAND
} ftl_mode;

typedef struct ftl_setting {
    const char *name, *value;
} ftl_setting; /* --param N=V */

typedef struct ftl_check_options {
    ftl_mode mode;
    bool strict;
    bool is_partial; /* fuse check: missing inputs are no error, extents may stay unknown */
    const ftl_setting *params;
    size_t n_params;
    const ftl_loader *loader;   /* may be null */
    const char *const *queries; /* --query: "A", "A[i=3, j=0:4]", "Anc(alice, x)" */
    size_t n_queries;
    const char *const *temperatures; /* tensors that have a schedule for sig; "*": all */
    size_t n_temperatures;
} ftl_check_options;

/* ---- explicit expressions ---- */

typedef struct ftl_expr ftl_expr;
typedef FTL_VEC(ftl_expr *) ftl_exprs;

/* Where one dimension of a reference is read (or written, on the left), in terms of the equation's
 * axes. */
typedef enum ftl_place_form {
    FTL_AT_AFFINE, /* offset + sum coef * axis: i, 3, i-1, 2*i+k; a symbol is its number; `_` is an
                      axis of its own */
    FTL_AT_SLICE,  /* start + step * axis; start and step known once the extent is (stage extents
                      fills them) */
    FTL_AT_GATHER, /* the value of an expression */
    FTL_AT_TIME /* virtual time: *t + offset (does not count as a dimension of the stored tensor) */
} ftl_place_form;

typedef struct ftl_term {
    uint32_t axis;
    int64_t coef;
} ftl_term;

typedef struct ftl_at_place {
    ftl_place_form form;
    ftl_span span;
    int64_t offset;          /* AFFINE; SLICE: start, once known; TIME */
    FTL_VEC(ftl_term) terms; /* AFFINE: coefs not 0, axes differ; SLICE: one, coef = step; */
    ftl_expr *gather;        /* GATHER: scalar per element, projected like any operand */
    bool has_start, has_stop, has_step; /* SLICE as written */
    int64_t start, stop, step;
    const char *symbol; /* constant that was written as a symbol, for messages, else null */
} ftl_at_place;

typedef enum ftl_expr_kind {
    FTL_EXPR_NUMBER, /* number, no axes */
    FTL_EXPR_INDEX,  /* the value of axis `axis` at each place: 0, 1, ... */
    FTL_EXPR_READ,   /* tensor at places; truth: x > 0 is read as 0/1 (numeric tensor read with
                        parentheses) */
    FTL_EXPR_MAP,    /* op (a core MAP opcode) on args, element by element, broadcast by axis;
                        comparisons and logic give 0/1 numbers; AND OR NOT take `not zero` as true;
                        SELECT: args[0] likewise */
    FTL_EXPR_REDUCE, /* reduce args[0] over `over` by reduce */
    FTL_EXPR_CALL,   /* builtin on args; see builtin.def */
    FTL_EXPR_LITERAL /* dense numbers: data, row-major over axes in the order of `axes` */
} ftl_expr_kind;

typedef enum ftl_projection {
    FTL_PROJECTION_SUM,
    FTL_PROJECTION_MAX,
    FTL_PROJECTION_MIN,
    FTL_PROJECTION_AVG,
    FTL_PROJECTION_PROD,
    FTL_PROJECTION_LSE
} ftl_projection;

/* What changes nothing where it takes part: 0 of sums, 1 of products, infinities of max and min. */
double ftl_projection_get_neutral(ftl_projection p);

struct ftl_expr {
    ftl_expr_kind kind;
    ftl_span span;
    uint32_t *axes; /* free axes of the result, rising ids, without repeats */
    uint32_t n_axes;
    double number;
    int64_t whole;        /* NUMBER: exactly what is written, where has_whole */
    bool has_whole;       /* NUMBER: written as digits, of 64 bits */
    uint32_t axis;        /* INDEX */
    uint32_t tensor;      /* READ: index in model->tensors */
    bool truth;           /* READ */
    ftl_at_place *places; /* READ: one per written index, time included */
    uint32_t n_places;
    ftl_opcode op; /* MAP; ADD MUL AND OR MIN MAX may have more than two args: a left fold */
    ftl_projection reduce; /* REDUCE */
    uint32_t *over;        /* REDUCE: axes, rising */
    uint32_t n_over;
    int64_t block; /* REDUCE: 0, else each `block` places of over[0] (the last block may be smaller)
                      become one place of axis `into` (P[x/2] = F[x]) */
    uint32_t into; /* REDUCE with block: an axis of the left side */
    ftl_exprs args;
    ftl_builtin builtin;   /* CALL */
    struct ftl_call *call; /* CALL: its resolved options */
    const double *data;    /* LITERAL */
    const int64_t *shape;  /* LITERAL: extent of each of its axes */
};

/* Options of a call, resolved. Axis ids are the equation's. */
typedef struct ftl_call {
    bool has_axis;
    bool is_last;  /* nothing named the axis: it is the last one of the argument */
    uint32_t axis; /* axis that softmax and kin normalise, max(x, axis=) drops, concat joins (its
                      RESULT axis) */
    uint32_t
        *part_axes; /* concat of several: the joined axis in each argument (extent of new_axes[0]:
                       their sum); concat of one: the axes that become one, in order (extent: their
                       product); attention: width d, attended s, value e (d and e may be the same
                       id: in q and k it is contracted, in v it is the result's) */
    uint32_t n_parts;
    double eps; /* layernorm, rmsnorm */
    int64_t k;  /* topk (extent of new_axes[0]: min(k, extent of axis)); causal_mask: extent of both
                   new_axes; tucker rank (0: default) */
    double threshold; /* tucker */
    bool has_scale, causal, exact;
    double fill;
    bool has_fill;                                   /* masked_softmax */
    ftl_expr *mask, *scale, *temperature, *position; /* or null */
    ftl_dtype dtype;                                 /* cast */
    const char *head; /* name of the tensor that the equation defines, for temperature schedules */
    uint32_t new_axes[2]; /* axes that the call makes: topk's k; concat's; attention's none */
    uint32_t n_new;
    uint32_t
        *order; /* axes of args[0] in the order written (rope, tucker, concat, const by position) */
    uint32_t n_order;
} ftl_call;

/* ---- equations ---- */

typedef struct ftl_axis {
    const char *name;       /* "i", "k'", "1:4" for an anonymous slice, "_" */
    ftl_span span;          /* first occurrence */
    int64_t extent;         /* -1: not known (only after errors or in partial mode) */
    int32_t domain;         /* index in model->domains, -1 none */
    bool is_left, is_fresh; /* on the left side; made by `_` */
    bool is_global;         /* declared by `axis` or a domain of that name */
    uint32_t uses;          /* occurrences on the right */
    int64_t shift;    /* of a left index i+shift: the axis counts places of the left side, and a
                         reference to X[i] reads at axis - shift */
    int32_t block_of; /* axis of a left index x/2: the axis x, with divisor `block`; else -1 */
    int64_t block;
} ftl_axis;

typedef struct ftl_equation {
    uint32_t tensor;  /* head */
    ftl_stmt *stmt;   /* rewritten by resolve */
    const char *text; /* canonical, one line */
    ftl_span span;    /* of the statement; errors of the whole equation point to its start */
    ftl_projection proj;
    bool is_arrow;
    FTL_VEC(ftl_axis) axes;
    ftl_at_place *left; /* one per written index, time included */
    uint32_t n_left;
    int32_t dotted;  /* axis with the dot, -1 */
    ftl_expr *value; /* free axes: subset of the left's; guard applied; Boolean heads are not yet
                        thresholded */
    FTL_VEC(uint32_t) projected; /* axes that it sums away somewhere, for fuse check */
    uint32_t group;
    bool is_hidden; /* made by inlining, sinks, queries: not a statement of its own */
} ftl_equation;

/* ---- tensors ---- */

typedef enum ftl_origin_kind {
    FTL_ORIGIN_EQUATIONS, /* heads only (facts are tuples on top of this: see tuples) */
    FTL_ORIGIN_SOURCE,    /* a file named in the program */
    FTL_ORIGIN_INPUT,     /* given by the caller, or from the weight store */
    FTL_ORIGIN_UNKNOWN    /* nothing defines it: reported, or awaited in partial mode */
} ftl_origin_kind;

typedef struct ftl_tensor_decl {
    const char *name; /* unique: user names as written, inlined ones "f#1.pre" */
    ftl_span span;    /* first definition, else first use */
    bool is_boolean;  /* Name(...) */
    bool has_kind;
    bool has_time;              /* one written index is virtual time; it is not counted in rank */
    uint32_t time_place;        /* which written index */
    int64_t time_min, time_max; /* offsets at which it is read or written */
    uint32_t rank;
    int64_t extent[FTL_MAX_RANK]; /* -1 unknown */
    bool is_open[FTL_MAX_RANK];   /* may grow to what its uses ask */
    int32_t domain[FTL_MAX_RANK]; /* index in model->domains, -1 */
    ftl_dtype dtype; /* as stored for sources and inputs; else bool or f32 (the run's precision) */
    ftl_origin_kind origin;
    const char *path;        /* SOURCE */
    ftl_source_info *source; /* SOURCE, INPUT: valid when origin says so */
    ftl_source_info *facts;  /* facts of the program, is_tuples; count 0: none; combine with
                               equations  by projection */
    ftl_span facts_span;
    FTL_VEC(uint32_t) equations;
    bool is_unused; /* nothing that is asked for needs it: no equations, perhaps no shape */
    bool is_hidden;
} ftl_tensor_decl;

typedef struct ftl_domain {
    const char *name; /* declared name, else null */
    ftl_span span;
    bool is_closed;                /* declared */
    FTL_VEC(const char *) symbols; /* by number, interned */
    ftl_map numbers;               /* symbol -> number */
} ftl_domain;

/* ---- groups: what is evaluated together, in order ---- */

typedef enum ftl_group_kind {
    FTL_GROUP_SINGLE,  /* one tensor (all equations of its head), no self-reference */
    FTL_GROUP_SCAN,    /* along one axis, maybe an inner one */
    FTL_GROUP_FIXPOINT /* to convergence; is_boolean tells which stopping rule */
} ftl_group_kind;

typedef struct ftl_scan_axis {
    bool reverse;
    int64_t extent; /* steps */
    uint32_t
        *place; /* by member of the group: which dimension of that tensor it is; UINT32_MAX: none */
} ftl_scan_axis;

typedef struct ftl_group {
    ftl_group_kind kind;
    FTL_VEC(uint32_t) tensors; /* SCAN: in an order in which same-step references are satisfied */
    ftl_scan_axis scan[2];     /* SCAN: outer, inner */
    uint32_t n_scan;           /* 1 or 2 */
    bool is_boolean;           /* FIXPOINT: every member is Boolean */
    bool is_stream;            /* reads or writes virtual time */
} ftl_group;

typedef struct ftl_export {
    const char *name;
    uint32_t tensor;
    ftl_span span;
} ftl_export;
typedef struct ftl_sink {
    const char *path;
    ftl_span span;
    uint32_t tensor;
    bool is_topk;
    uint32_t topk_values;
} ftl_sink;
/* A place of a query as written: a dimension of the tensor that answers, or a constant. */
typedef struct ftl_query_place {
    uint32_t dim;
    const char *constant; /* its text, or null */
} ftl_query_place;
/* A query of the program or the command line: name, and for each place a constant (>= 0), or -1:
 * free. */
typedef struct ftl_query {
    uint32_t tensor;
    ftl_span span;
    const char *text;
    int64_t lo[FTL_MAX_RANK],
        hi[FTL_MAX_RANK]; /* the range asked for; lo == hi - 1 with is_point drops the place */
    bool is_point[FTL_MAX_RANK];
    bool is_printed; /* written in the program */
    /* Of a part such as R(x, 3, x), whose tensor is hidden: what was asked. Null for others. */
    const char *name;
    const ftl_query_place *written;
    uint32_t n_written;
} ftl_query;

typedef struct ftl_model {
    ftl_arena *arena;
    ftl_intern *names;
    ftl_diags *diags;
    ftl_check_options options;
    FTL_VEC(ftl_tensor_decl) tensors;
    FTL_VEC(ftl_equation) equations;
    FTL_VEC(ftl_domain) domains;
    FTL_VEC(ftl_group) groups;
    FTL_VEC(ftl_export) exports;
    FTL_VEC(ftl_sink) sinks;
    FTL_VEC(ftl_query) queries;
    ftl_map tensor_by_name; /* interned name -> index */
    ftl_map
        axis_extent; /* interned declared axis name -> extent (int64 bits), -1: declared without */
    ftl_map axis_stmt; /* interned declared axis name -> its statement */
    ftl_map domain_by_name;
} ftl_model;

/* The whole of check. The model is usable for lowering when diags->errors did not grow. Never null.
 */
ftl_model *ftl_check_program(ftl_arena *arena, ftl_intern *names, ftl_diags *diags,
                             const ftl_tree *tree, const ftl_check_options *options);

/* ---- stages ---- */

/* resolve*.c: imports, params, consts, axis and domain declarations, kinds and ranks, facts,
 * symbols, blocks, fn inlining (to hidden equations), macros, exports, sinks and queries. Leaves in
 * model->equations the flat statements (stmt, tensor, span, text, is_arrow) whose nodes obey:
 *   - every REF names a tensor of tensor_by_name (paren: read or written with parentheses);
 *   - every CALL names a builtin (canonical lower-case name); macros are calls;
 *   - NAME nodes are axis values or scalar tensors (a scalar tensor is turned into a REF without
 * indices);
 *   - consts and params are NUMBER nodes; in indices, constant names are folded into number terms;
 * symbols are turned into AFFINE with a number term (index.name keeps the symbol's text);
 *   - `_` stays ANY; `<-` commas are AND nodes marked implicit. */
void ftl_check_resolve(ftl_model *m, const ftl_tree *tree);
/* axes*.c: fills axes, left, proj, dotted, value, projected of every equation (language.md section
 * 3). */
void ftl_check_axes(ftl_model *m);
/* extents*.c: extents of tensors and axes, slices resolved, literals and constant indices checked;
 * strict rules; warnings. */
void ftl_check_extents(ftl_model *m);
/* groups*.c: strongly connected components, scans, strata, safety of negation, mode errors. */
void ftl_check_groups(ftl_model *m);

/* ---- shared small things (model.c) ---- */
ftl_expr *ftl_expr_make(ftl_model *m, ftl_expr_kind kind, ftl_span span);
/* The parts of an expression one by one: gathered places, args, then mask, scale, temperature and
 * position of a call; *at is 0 before the first. Null after the last. */
ftl_expr *ftl_expr_next_part(const ftl_expr *e, size_t *at);
bool ftl_axes_has(const uint32_t *a, uint32_t n, uint32_t axis);
/* An extent in texts; one that is not known yet (below 0) is `?`. */
void ftl_extent_put(ftl_strbuf *out, int64_t extent);
/* The model as text, for dump --after=check: types, extents, projections, groups. */
void ftl_model_dump(const ftl_model *m, ftl_strbuf *out);

#endif
