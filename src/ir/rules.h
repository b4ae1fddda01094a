/* SPDX-License-Identifier: Apache-2.0
 *
 * rules: a Datalog program as data, the payload of the RULES operation of the graph. Relations are
 * sets of tuples of places; a place is a whole number in [0, extent) of its column. Rules with the
 * same head add up (OR). Nothing here has a name that matters: names are for messages.
 *
 * A rule holds for every assignment of its variables that satisfies all literals of the body; each
 * variable of the head, of a comparison, of the right side of a LET and of a negated atom (`any`
 * terms aside) is bound by a positive atom, a LET or a RANGE: ftl_rules_check says so. The order of
 * the literals means nothing; plan/rules_* choose the order of evaluation.
 */
#ifndef FTL_IR_RULES_H
#define FTL_IR_RULES_H

#include "base/base.h"
#include "base/diag.h"

/* Columns of a relation at most, and variables of a rule. */
enum { FTL_RULES_MAX_ARITY = 16, FTL_RULES_MAX_VARS = 64 };

typedef enum ftl_rule_term_kind {
    FTL_RULE_VAR,   /* a variable of the rule */
    FTL_RULE_PLACE, /* a constant place */
    FTL_RULE_ANY    /* in an atom: some value, never looked at again */
} ftl_rule_term_kind;

typedef struct ftl_rule_term {
    ftl_rule_term_kind kind;
    uint32_t var;
    int64_t place; /* outside of the column's extent: the atom matches nothing */
} ftl_rule_term;

/* offset + sum coef * var, from the left, in int64; overflow on the way makes the literal false. */
typedef struct ftl_rule_sum {
    int64_t offset;
    uint32_t n;
    uint32_t *var; /* rising */
    int64_t *coef; /* not 0 */
} ftl_rule_sum;

typedef enum ftl_literal_kind {
    FTL_LITERAL_ATOM,    /* relation(terms) */
    FTL_LITERAL_NOT,     /* not relation(terms); ANY: for no value */
    FTL_LITERAL_COMPARE, /* left (compare) right */
    FTL_LITERAL_LET,     /* var = right, and 0 <= var < extent; a check where var is bound */
    FTL_LITERAL_RANGE    /* 0 <= var < extent: binds var to each of them */
} ftl_literal_kind;

typedef enum ftl_rule_compare {
    FTL_RULE_EQ, FTL_RULE_NE, FTL_RULE_LT, FTL_RULE_LE
} ftl_rule_compare;

typedef struct ftl_literal {
    ftl_literal_kind kind;
    uint32_t relation;    /* ATOM, NOT */
    ftl_rule_term *terms; /* ATOM, NOT: as many as the relation's arity */
    ftl_rule_compare compare;
    ftl_rule_sum left, right; /* COMPARE; LET: right */
    uint32_t var;             /* LET, RANGE */
    int64_t extent;           /* LET, RANGE: 0 .. 2^32 - 1 */
} ftl_literal;

typedef struct ftl_rule {
    uint32_t head;
    ftl_rule_term *terms; /* VAR or PLACE; a place outside of the extent derives nothing */
    ftl_literal *body;
    uint32_t n_body;
    uint32_t n_vars;
    const char *const *vars; /* names for messages; each may be null */
    uint32_t equation;       /* 1 + index in graph->equations, 0 none */
    ftl_span span;
} ftl_rule;

typedef struct ftl_rules_relation {
    const char *name;
    uint32_t arity;        /* 0: true or false */
    const int64_t *extent; /* of each column: 0 .. 2^32 - 1 */
    int32_t input;         /* operand of the RULES value that gives its tuples to begin with; -1 */
    bool is_result;        /* wanted outside */
} ftl_rules_relation;

/* What is asked of a relation: the tuples with these places. */
typedef struct ftl_rules_query {
    uint32_t relation;
    ftl_rule_term *terms; /* PLACE or ANY */
} ftl_rules_query;

typedef struct ftl_rules {
    FTL_VEC(ftl_rules_relation) relations;
    FTL_VEC(ftl_rule) rules;
} ftl_rules;

/* ---- rules.c ---- */
ftl_rules *ftl_rules_new(ftl_arena *arena);
/* Null when every rule of this page holds and negation is stratified, else a message (in arena). */
const char *ftl_rules_check(const ftl_rules *r, ftl_arena *arena);
/* The same, and the rule that the message is about; UINT32_MAX: none. */
const char *ftl_rules_find_fault(const ftl_rules *r, ftl_arena *arena, uint32_t *rule);
/* Names, equations and spans do not count. */
bool ftl_rules_is_equal(const ftl_rules *a, const ftl_rules *b);
/* Strongly connected components of the relations that rules derive, in an order in which each comes
 * after those that it needs. A relation without rules is in none. */
typedef struct ftl_rules_stratum {
    FTL_VEC(uint32_t) relations;
    FTL_VEC(uint32_t) rules;
    bool is_recursive;
} ftl_rules_stratum;
typedef FTL_VEC(ftl_rules_stratum) ftl_rules_strata;
ftl_rules_strata ftl_rules_find_strata(const ftl_rules *r, ftl_arena *arena);

/* ---- rules_text.c ----
 * Text and back. One line a relation, then one a rule; the grammar is in the source:
 *   relation Edge[5000, 5000] input 0
 *   relation Path[5000, 5000] result
 *   Path(x, z) <- Path(x, y), Edge(y, z), x != z, let w = y + 1 < 5000, range q < 10 @3
 * dump wants rules that are checked. What was dumped reads back as equal rules with their names.
 * Hostile text is fine: diagnostics, null after an error; what was read is checked. */
void ftl_rules_dump(const ftl_rules *r, ftl_strbuf *out);
ftl_rules *ftl_rules_read(ftl_arena *arena, ftl_intern *names, ftl_diags *diags, uint32_t file);
/* The same as a part of another text: from *pos to a '}' or the end, where *pos then stands. */
typedef struct ftl_rules_text {
    ftl_arena *arena;
    ftl_intern *names;
    uint32_t file;
} ftl_rules_text;
ftl_rules *ftl_rules_read_part(const ftl_rules_text *text, ftl_diags *diags, size_t *pos);

#endif
