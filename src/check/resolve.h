/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the resolve stage. The order of work (resolve.c):
 *   modules    the program and what it imports, each with its constants, functions and declarations
 *   heads      what each statement defines: names, kinds, ranks; blocks become scopes
 *   flatten    statements are copied with every name bound; calls of functions become hidden
 * equations load       sources and inputs that the run needs symbols    domains of places, numbers
 * of symbols, facts finish     symbols become numbers; the flat equations go into the model Nothing
 * is changed in the tree that was parsed.
 */
#ifndef FTL_CHECK_RESOLVE_H
#define FTL_CHECK_RESOLVE_H

#include "check/model.h"

#define RESOLVE_MAX_MODULES 1000
#define RESOLVE_MAX_HIDDEN 200000 /* equations made by inlining */

typedef struct resolver resolver;
typedef struct resolve_module resolve_module;
typedef struct resolve_scope resolve_scope;
typedef struct resolve_instance resolve_instance;

typedef FTL_VEC(const char *) resolve_names;

typedef enum resolve_state {
    RESOLVE_NEW,
    RESOLVE_BUSY,
    RESOLVE_DONE,
    RESOLVE_FAILED
} resolve_state;

/* A const or a param. */
typedef struct resolve_constant {
    const ftl_stmt *stmt;
    resolve_module *module;
    resolve_state state;
    const char *text; /* not null: the value is a text, else number holds it */
    double number;
} resolve_constant;

/* A function of the program. */
typedef struct resolve_fn {
    const ftl_stmt *stmt;
    resolve_module *module;
    resolve_state state;
    FTL_VEC(const ftl_stmt *) equations;
    FTL_VEC(const char *) body; /* names that the body defines, in order */
    FTL_VEC(uint64_t) depends;  /* by name of the body: bit k set when it depends on formal k */
    ftl_map body_index;         /* name -> index in body */
    ftl_map formal_index;       /* name -> index in the formals */
    ftl_map dims;               /* names of the formals' axes */
    uint32_t result;            /* index in body */
} resolve_fn;

#define RESOLVE_MAX_FORMALS 64

struct resolve_module {
    const char *file;   /* as printed; base of its imports and domain files */
    const char *prefix; /* of its tensors' names: "" or "ns::" */
    const ftl_tree *tree;
    resolve_state state;
    ftl_map constants, fns, imports; /* name -> index in the resolver's list */
    resolve_scope *top;
};

/* Where names are looked up: blocks inside of the module's top level, or the body of an instance.
 */
struct resolve_scope {
    resolve_scope *outer;
    resolve_module *module;
    resolve_instance *instance; /* of a function's body, else null */
    ftl_map tensors;            /* name -> index in the model's tensors */
};

/* One call of a function. */
typedef struct resolve_arg {
    ftl_node *node;        /* a REF of plain places, or a number; null after an error */
    resolve_names carried; /* the caller's axes that the formal does not name */
} resolve_arg;

struct resolve_instance {
    resolve_fn *fn;
    const char *label;      /* "f#3" */
    ftl_span span;          /* the call */
    ftl_node **given;       /* one for each formal: the argument as written */
    resolve_arg *args;      /* one for each formal */
    resolve_scope *scope;   /* of its body */
    resolve_names *carried; /* by name of the body: axes that come before its own */
    uint32_t *tensors;      /* by name of the body */
    ftl_map tensor_index;   /* tensor -> index in body */
};

/* A statement with the scope it stands in. */
typedef struct resolve_item {
    const ftl_stmt *stmt;
    resolve_scope *scope;
    uint32_t tensor; /* that it defines: EQUATION, SOURCE, FACT */
} resolve_item;

/* An equation whose names are bound and whose symbols still are names. */
typedef struct resolve_flat {
    ftl_stmt *stmt;
    uint32_t tensor;
    const char *text;
    ftl_span span;
    bool is_hidden, is_dropped;
    bool is_fact;      /* constant indices and a number: its bare names are symbols */
    ftl_map constants; /* its names that are symbols -> 1 + a place whose domain has each */
} resolve_flat;

/* A reference to a name that the program does not define. */
typedef struct resolve_use {
    uint32_t tensor, rank;
    ftl_span span;
    bool paren;
    bool is_own; /* in the program itself, not in what it imports */
} resolve_use;

/* One fact, its places still as written. */
typedef struct resolve_fact {
    const ftl_node *node;
    uint32_t tensor;
    ftl_span span;
    bool is_sound;
} resolve_fact;

/* What gives symbols their numbers, in the order of the program. */
typedef enum resolve_data_kind {
    RESOLVE_DATA_FACT,
    RESOLVE_DATA_SOURCE,
    RESOLVE_DATA_HEAD
} resolve_data_kind;
typedef struct resolve_data {
    resolve_data_kind kind;
    size_t index; /* in facts, in tensors, in flats */
} resolve_data;

/* What is known of a tensor beyond its declaration. */
typedef struct resolve_tensor {
    const ftl_stmt *source; /* SOURCE: its statement */
    const ftl_node *names;  /* lhs that names its axes for queries: first equation, else source */
    const ftl_stmt *first;  /* first equation: its projection rules */
    bool is_defined, is_needed, is_loaded;
    bool is_poisoned;             /* its definitions disagree: say no more about it */
    bool is_broken;               /* one of its equations was dropped */
    uint32_t n_sources, n_others; /* statements that define it */
    uint32_t place0;              /* its first place in the table of places */
    int64_t **columns;            /* of its facts */
} resolve_tensor;

/* A place of a tensor, an element of a union-find forest. Of a root: */
typedef struct resolve_place {
    uint32_t up;
    int32_t domain;   /* index in the model's domains, -1 */
    bool has_symbols; /* facts, files or left sides put symbols there */
} resolve_place;

/* A name that some domain or fact has as a symbol. */
typedef struct resolve_bare {
    uint32_t place;
    ftl_span span;
} resolve_bare;
typedef struct resolve_symbol {
    int32_t declared;             /* first declared domain that has it, -1 */
    bool is_ambiguous;            /* another one has it too */
    FTL_VEC(resolve_bare) places; /* where facts have it, bare */
} resolve_symbol;

struct resolver {
    ftl_model *m;
    FTL_VEC(resolve_module *) modules;
    ftl_map module_by_file;
    FTL_VEC(resolve_constant *) constants;
    FTL_VEC(resolve_fn *) fns;
    FTL_VEC(resolve_item) items;
    FTL_VEC(resolve_tensor) tensors; /* beside the model's tensors */
    FTL_VEC(resolve_flat) flats;
    FTL_VEC(resolve_instance *) jobs;
    size_t jobs_done, n_instances, n_hidden, n_renamed;
    bool is_full; /* the limit of hidden equations was reported */
    FTL_VEC(resolve_use) uses;
    FTL_VEC(resolve_fact) facts;
    FTL_VEC(resolve_data) data;
    unsigned depth;                  /* of nested constants */
    FTL_VEC(ftl_node *) query_nodes; /* beside the model's queries */
    resolve_place *places;
    ftl_source_info *nothing; /* of tensors that have no source or no facts */
    ftl_map symbols;          /* name -> resolve_symbol */
    ftl_map stamps;           /* name -> stamp of the last set that it was put into */
    uint64_t n_stamps;
    size_t n_suggested, n_searched;
    ftl_map variables; /* names that some statement has on its left or twice */
};

/* The equation that is being flattened. */
typedef struct resolve_eq {
    resolver *r;
    resolve_scope *scope;
    const ftl_stmt *stmt;
    uint64_t stamp; /* of the names that it uses as axes, as written and as renamed */
    ftl_map counts; /* occurrences of its names, when is_counted */
    bool is_counted;
} resolve_eq;

/* ---- sets of names, one at a time: a new stamp empties the set (resolve.c) ---- */
uint64_t resolve_new_stamp(resolver *r);
void resolve_mark(resolver *r, uint64_t stamp, const char *name);
bool resolve_is_marked(const resolver *r, uint64_t stamp, const char *name);

/* ---- modules and constants (resolve_module.c, resolve_const.c) ---- */
void resolve_modules(resolver *r, const ftl_tree *tree);
void resolve_declarations(resolver *r);
/* A constant expression, where to report that it is none, and what it is: "the extent of 'i'". */
typedef struct resolve_wish {
    resolve_module *module;
    const ftl_node *node;
    ftl_span at;
    const char *what;
} resolve_wish;
/* False after reporting why there is no value. */
bool resolve_number(resolver *r, const resolve_wish *wish, double *out);
/* The constant of that name, evaluated; null: there is none. Failed ones are given as well. */
resolve_constant *resolve_find_constant(resolver *r, resolve_module *module, const char *name);
/* True and the value when n is made of numbers; nothing is reported. */
bool resolve_is_number(const ftl_node *n, double *out);
/* The module that n's namespace stands for; false after an error. */
bool resolve_find_import(resolver *r, resolve_module *module, const ftl_node *n,
                         resolve_module **out);

/* ---- heads (resolve_head.c) ---- */
void resolve_heads(resolver *r);
uint32_t resolve_add_tensor(resolver *r, const char *name, ftl_span span);
resolve_scope *resolve_make_scope(resolver *r, resolve_scope *outer, resolve_module *module);
/* Looks outwards through the scopes. */
bool resolve_find_tensor(const resolve_scope *scope, const char *name, uint32_t *tensor);
/* Number of places without virtual time; *time_place: which is that, or UINT32_MAX. */
uint32_t resolve_count_places(const ftl_node *n, uint32_t *time_place);

/* ---- flatten (resolve_flat.c) ---- */
void resolve_flatten(resolver *r);
void resolve_begin(resolve_eq *e, resolver *r, resolve_scope *scope, const ftl_stmt *stmt);
/* The statement of e as an equation of tensor; null after an error. */
resolve_flat *resolve_equation(resolve_eq *e, uint32_t tensor);
/* An equation that is no statement of its own: lhs, proj, rhs, guard and span of stmt count. */
void resolve_add_hidden(resolver *r, uint32_t tensor, const ftl_stmt *stmt);
/* These give null after an error. */
ftl_node *resolve_expr(resolve_eq *e, ftl_node *n);
ftl_node *resolve_reference(resolve_eq *e, const ftl_node *n);
/* Copies the indices of in with constants folded and axes renamed. */
bool resolve_indices(resolve_eq *e, const ftl_node *in, ftl_node *out);
/* Name of an axis inside of a function's body. */
const char *resolve_rename(const resolve_eq *e, const char *name);
bool resolve_is_declared_axis(const resolver *r, const char *name);
/* A reference without indices, and one more axis for it. */
ftl_node *resolve_make_ref(resolver *r, uint32_t tensor, ftl_span span);
void resolve_put_axis(resolver *r, ftl_node *ref, const char *name);

/* ---- calls (resolve_call.c) ---- */
/* A call, though it may be written like a relation: the name is a builtin's or a function's. */
bool resolve_is_call(const resolve_eq *e, const ftl_node *n);
ftl_node *resolve_call(resolve_eq *e, ftl_node *n);

/* ---- functions of the program (resolve_fn.c, resolve_inline.c) ---- */
void resolve_fns(resolver *r);
/* The call of fn by n, as a reference to the hidden tensor that holds its result. */
ftl_node *resolve_inline(resolve_eq *e, resolve_fn *fn, const ftl_node *n);
/* The bodies of the calls so far. */
void resolve_run_jobs(resolver *r);
bool resolve_is_formal(const resolve_eq *e, const char *name);
/* True when n names a parameter of the function; *out is what stands for it, null after an error.
 */
bool resolve_substitute(resolve_eq *e, const ftl_node *n, ftl_node **out);
/* Puts the axes that the caller's arguments carry before the indices of a tensor of the body. */
void resolve_carry(const resolve_eq *e, uint32_t tensor, ftl_node *ref);

/* ---- axes of expressions (resolve_axes.c) ---- */
/* Axes that a flattened expression shows, in order of appearance; those in keep (may be null) are
 * not summed by its products. False where they cannot be told. */
bool resolve_list_axes(resolve_eq *e, const ftl_node *n, const ftl_map *keep, resolve_names *out);
/* Adds the occurrences of names in n to counts; new names to names (may be null). */
void resolve_count_names(resolve_eq *e, const ftl_node *n, ftl_map *counts, resolve_names *names);

/* ---- outputs (resolve_output.c, resolve_query.c) ---- */
void resolve_outputs(resolver *r);
/* A warning where the program gives nothing; last, as errors leave it out. */
void resolve_doubt_outputs(resolver *r);
void resolve_read_queries(resolver *r);
ftl_query *resolve_push_query(resolver *r, uint32_t tensor, ftl_node *node, ftl_span span);
void resolve_finish_queries(resolver *r);
/* The query of item's left side; null after an error. What asks for a part of the places, as R(x,
 * x) does, gets a hidden tensor. */
ftl_query *resolve_make_query(resolver *r, const resolve_item *item);
bool resolve_is_part_query(const ftl_node *n);

/* ---- load (resolve_load.c) ---- */
void resolve_load(resolver *r);
/* A scalar input of that name, when there is one. */
bool resolve_load_scalar(resolver *r, const char *name, ftl_span span, uint32_t *tensor);
void resolve_fail_name(resolver *r, const char *name, ftl_span span);
const char *resolve_suggest_tensor(resolver *r, const char *name);

/* ---- symbols (resolve_symbol.c, resolve_data.c) ---- */
void resolve_symbols(resolver *r);
void resolve_number_symbols(resolver *r);
uint32_t resolve_find_class(resolver *r, uint32_t place);
void resolve_fail_symbol(resolver *r, int32_t domain, const char *symbol, ftl_span span);
/* The name of an index i, the number of an index 3; null or false for other forms. */
const char *resolve_get_plain(const ftl_index *ix);
bool resolve_get_number(const ftl_index *ix, int64_t *out);

/* ---- doubtful variables (resolve_variable.c): warnings, once symbols have numbers ---- */
void resolve_doubt_variables(resolver *r);
/* One variable at a place of that domain, -1: none. */
void resolve_doubt_variable(resolver *r, int32_t domain, const char *name, ftl_span span);

/* ---- finish (resolve_finish.c) ---- */
void resolve_finish(resolver *r);

#endif
