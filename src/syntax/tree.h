/* SPDX-License-Identifier: Apache-2.0
 *
 * syntax: text -> tree. The tree is what was written, before any name is looked up; the formatter
 * prints it back. Nodes live in the arena of the parse; names are interned (compare with ==).
 * Both habits of writing (language.md section 2) give the same tree.
 */
#ifndef FTL_SYNTAX_TREE_H
#define FTL_SYNTAX_TREE_H

#include "base/base.h"
#include "base/diag.h"

typedef struct ftl_node ftl_node;   /* an expression */
typedef struct ftl_stmt ftl_stmt;   /* a statement */

typedef FTL_VEC(ftl_node *) ftl_nodes;
typedef FTL_VEC(ftl_stmt *) ftl_stmts;

/* ---- index forms: what may stand between the brackets of a reference ---- */

/* One summand of an affine index: sign * factor * name. `2*i`, `K*i`, `-k`, `3`, `n` (const).
 * Which names are axes and which are constants is decided by check. */
typedef struct ftl_index_term {
    int sign;             /* +1 or -1 */
    bool has_number;      /* number is valid (a bare number, or the factor of name) */
    int64_t number;
    const char *factor;   /* name of a constant factor: K in K*i, or null */
    const char *name;     /* axis or constant name, primes included ("i''"), or null */
    ftl_span span;
} ftl_index_term;

typedef enum ftl_index_kind {
    FTL_INDEX_AFFINE, /* i, 3, i+1, i+k, 2*i+k, x+dx-1, alice (a bare symbol is a name here) */
    FTL_INDEX_SYMBOL, /* "A. Smith": a quoted symbol */
    FTL_INDEX_DIV,    /* i/2 on the left */
    FTL_INDEX_SLICE,  /* a:b:s, each part optional, optionally named d=a:b */
    FTL_INDEX_GATHER, /* Tok[p]: a reference used as an index */
    FTL_INDEX_TIME,   /* *t, *t+1, *t-2 */
    FTL_INDEX_ANY     /* _ */
} ftl_index_kind;

typedef struct ftl_index {
    ftl_index_kind kind;
    ftl_span span;
    bool dotted;                      /* trailing '.' on the left */
    FTL_VEC(ftl_index_term) terms;    /* AFFINE */
    const char *name;                 /* SYMBOL: text without quotes; DIV, TIME: the axis;
                                         SLICE: its name or null */
    ftl_node *divisor;                /* DIV: constant expression (number or name) */
    ftl_node *start, *stop, *step;    /* SLICE: constant expressions or null */
    ftl_node *gather;                 /* GATHER: a FTL_NODE_REF */
    int64_t time_offset;              /* TIME */
} ftl_index;

typedef FTL_VEC(ftl_index) ftl_indices;

/* ---- expressions ---- */

typedef enum ftl_node_kind {
    FTL_NODE_NUMBER,  /* number */
    FTL_NODE_STRING,  /* name: the text, unescaped, may hold any byte but NUL */
    FTL_NODE_BOOL,    /* number 0 or 1 */
    FTL_NODE_NONE,
    FTL_NODE_NAME,    /* i, Temp, K: an index value, scalar tensor, const or param */
    FTL_NODE_REF,     /* Name[...], or Name(i, j) with index-like arguments (paren) */
    FTL_NODE_CALL,    /* f(...), ns::f(...), @softmax(...): args and keyword args */
    FTL_NODE_UNARY,   /* op args[0] */
    FTL_NODE_BINARY,  /* args[0] op args[1] */
    FTL_NODE_SELECT,  /* c ? a : b  (args[0..2]); written with '?'. select(c,a,b) is a CALL */
    FTL_NODE_CASE,    /* case { c -> v; ...; default -> d }: args are c1 v1 c2 v2 ..., a last odd
                         one is the default */
    FTL_NODE_REDUCE,  /* reduce(op, i, j) e: name is the op, axes, args[0] */
    FTL_NODE_LIST,    /* [a, b]: args */
    FTL_NODE_DICT     /* {a: b}: args are k1 v1 k2 v2 */
} ftl_node_kind;

typedef enum ftl_op {
    FTL_OP_NONE,
    FTL_OP_NEG, FTL_OP_NOT,                       /* unary */
    FTL_OP_ADD, FTL_OP_SUB, FTL_OP_MUL, FTL_OP_DIV, FTL_OP_POW,
    FTL_OP_EQ, FTL_OP_NE, FTL_OP_LT, FTL_OP_LE, FTL_OP_GT, FTL_OP_GE,
    FTL_OP_AND, FTL_OP_OR
} ftl_op;

typedef struct ftl_kwarg {
    const char *name;
    ftl_span span;
    ftl_node *value;  /* an axis given bare (axis=j) is a FTL_NODE_NAME */
} ftl_kwarg;

struct ftl_node {
    ftl_node_kind kind;
    ftl_op op;
    bool implicit;        /* BINARY MUL written by juxtaposition */
    bool paren;           /* REF written with parentheses. Name(i, j) whose arguments all are index
                             forms is parsed as a paren REF *and* has args filled, so that check can
                             take it as a call when Name is a builtin or a fn */
    bool grouped;         /* stood in parentheses in the text: (a + b) */
    bool macro;           /* CALL written with '@' */
    bool balanced;        /* BINARY: part of a long chain of one operator (+ and -, * and /, &&, ||)
                             that was made a shallow tree of the same meaning: either operand may be
                             such a node again */
    uint16_t height;      /* 1 + that of the highest child: at most FTL_TREE_MAX_HEIGHT */
    ftl_span span;        /* the whole expression */
    ftl_span name_span;   /* the name or operator alone */
    const char *ns;       /* namespace before '::' or null */
    const char *name;     /* interned */
    double number;
    const char *spelling; /* NUMBER: as written; UNARY NOT: "not" or "!"; for the formatter */
    ftl_nodes args;
    FTL_VEC(ftl_kwarg) kwargs;
    ftl_indices indices;  /* REF */
    FTL_VEC(ftl_index_term) axes; /* REDUCE: the named axes (name, span valid) */
};

/* ---- statements ---- */

typedef enum ftl_stmt_kind {
    FTL_STMT_EQUATION, /* lhs proj guard rhs; a rhs that is a LIST is a literal */
    FTL_STMT_SOURCE,   /* lhs = "path" */
    FTL_STMT_SINK,     /* "path" = rhs */
    FTL_STMT_EXPORT,   /* names */
    FTL_STMT_FACT,     /* lhs without operator: Parent(alice, bob) */
    FTL_STMT_QUERY,    /* lhs followed by '?' */
    FTL_STMT_PARAM,    /* param name [: type] [= rhs] */
    FTL_STMT_CONST,    /* const name = rhs */
    FTL_STMT_AXIS,     /* axis name [= rhs] */
    FTL_STMT_DOMAIN,   /* domain name = { names } or "path" */
    FTL_STMT_IMPORT,   /* import "path" [as name] */
    FTL_STMT_FN,       /* fn name(params) -> result { body } */
    FTL_STMT_BLOCK     /* { body } */
} ftl_stmt_kind;

typedef enum ftl_proj {
    FTL_PROJ_SUM,  /* = */
    FTL_PROJ_PLUS, /* += : sum as well; kept apart for the formatter */
    FTL_PROJ_MAX, FTL_PROJ_MIN, FTL_PROJ_AVG, FTL_PROJ_PROD, FTL_PROJ_LSE,
    FTL_PROJ_ARROW /* <- */
} ftl_proj;

typedef struct ftl_name {
    const char *name;
    bool quoted;
    ftl_span span;
} ftl_name;

/* One formal parameter of a fn: name and its axes (empty for a scalar). */
typedef struct ftl_formal {
    const char *name;
    ftl_span span;
    ftl_indices axes;
} ftl_formal;

struct ftl_stmt {
    ftl_stmt_kind kind;
    ftl_span span;          /* from its first to its last token, without the separator */
    bool is_let;
    ftl_node *lhs;          /* EQUATION, SOURCE, QUERY: a REF, or a NAME for a scalar; FACT: a REF
                               with parentheses */
    ftl_proj proj;          /* EQUATION */
    ftl_span op_span;       /* EQUATION: the operator */
    ftl_node *guard;        /* EQUATION: after `when`, or null */
    ftl_node *rhs;          /* EQUATION, SINK, PARAM, CONST, AXIS; null where absent. The commas of
                               a `<-` body are AND nodes marked implicit */
    const char *path;       /* SOURCE, SINK, IMPORT, DOMAIN from a file */
    ftl_span path_span;
    const char *name;       /* PARAM, CONST, AXIS, DOMAIN, FN; IMPORT: alias or null */
    ftl_span name_span;
    const char *type;       /* PARAM: "int", "float", ... or null */
    FTL_VEC(ftl_name) names;    /* EXPORT, DOMAIN */
    FTL_VEC(ftl_formal) formals;/* FN */
    ftl_formal result;          /* FN: -> name[axes] */
    ftl_stmts body;             /* FN, BLOCK */
    ftl_span body_span;         /* FN, BLOCK: from '{' to '}' */
};

/* A comment, kept beside the tree for the formatter. */
typedef struct ftl_comment {
    ftl_span span;  /* from '#' to the end of the line */
    bool own_line;  /* nothing but white space before it */
} ftl_comment;

typedef struct ftl_tree {
    uint32_t file;  /* file number in the diagnostics' source table */
    ftl_stmts stmts;
    FTL_VEC(ftl_comment) comments;
} ftl_tree;

/* ---- entry points (parse.c, format.c) ---- */

/* Limits that keep hostile text from exhausting the stack or memory. */
#define FTL_PARSE_MAX_DEPTH 200  /* nested expressions, brackets and blocks */
#define FTL_PARSE_MAX_ARMS 1000  /* of a case: later ones are nested in earlier ones */
#define FTL_TREE_MAX_HEIGHT 1000 /* of an expression: a pass may recurse on it without counting */

/* Parses one source that was added to diags (file). All syntax errors are reported; the tree holds
 * the statements that could be read. Never fails otherwise; memory goes through arena. */
ftl_tree *ftl_syntax_parse(ftl_arena *arena, ftl_intern *names, ftl_diags *diags, uint32_t file);
/* Parses a single reference such as `Y`, `Anc(alice, x)` or `NAME[x=4,y=0:3]`, for --query and why:
 * a NAME or a REF. A selector x=4 is a kwarg of the REF, y=0:3 an index of kind SLICE with the name
 * y; what stands without a name is an index as everywhere. Null after an error. */
ftl_node *ftl_syntax_parse_query(ftl_arena *arena, ftl_intern *names, ftl_diags *diags,
                                 uint32_t file);
/* Parses one expression: what tests of the grammar look at. Null after an error. */
ftl_node *ftl_syntax_parse_expr(ftl_arena *arena, ftl_intern *names, ftl_diags *diags,
                                uint32_t file);
/* The canonical text of a tree that was parsed without errors: idempotent, keeps comments and blank
 * lines (at most one), keeps the meaning. */
void ftl_syntax_format(const ftl_tree *tree, const ftl_diags *diags, ftl_strbuf *out);
/* One expression or statement in canonical text, for messages and explain. */
void ftl_syntax_format_node(const ftl_node *node, ftl_strbuf *out);
void ftl_syntax_format_stmt(const ftl_stmt *stmt, ftl_strbuf *out);
/* Structural equality, places and spelling ignored: parse(fmt(p)) must equal parse(p). */
bool ftl_syntax_is_equal(const ftl_tree *a, const ftl_tree *b);
const char *ftl_op_get_text(ftl_op op);
/* Plus for minus and minus for plus; other operators stay. */
ftl_op ftl_op_flip_sign(ftl_op op);
/* The value of a call's keyword argument, null where it has none of that name. */
ftl_node *ftl_node_find_keyword(const ftl_node *call, const char *name);

#endif
