/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of lower: equations as rules. A Boolean equation whose right side is made of atoms,
 * comparisons of places, and, or, not and exists is a disjunction of conjunctions: a rule for each.
 */
#ifndef FTL_LOWER_RULES_H
#define FTL_LOWER_RULES_H

#include "ir/rules.h"
#include "lower/context.h"

/* A part of a body that is not made of atoms and does not depend on the relations of the program:
 * it is computed as a dense truth over its axes, and is an atom of the rule. */
typedef struct lower_dense_atom {
    const ftl_equation *eq;
    const ftl_expr *e;
    uint32_t relation; /* of the rules */
} lower_dense_atom;

/* A rule program that is being made. */
struct lower_rules {
    lower_ctx *c;
    ftl_rules *rules;
    uint32_t *relation;            /* by tensor: 1 + its number in rules; 0: none yet */
    FTL_VEC(uint32_t) tensors;     /* by relation: its tensor; UINT32_MAX: of a dense atom */
    FTL_VEC(lower_dense_atom) dense;
    bool *is_head;                 /* by tensor: the rules derive it */
    FTL_VEC(ftl_value *) operands;
};

/* ---- rules_body.c ---- */

/* Adds the rules of an equation; false (and nothing is added) when it cannot be said in rules. */
bool lower_add_rules(lower_rules *r, uint32_t equation);
/* The relation of a tensor, made when it is new. */
uint32_t lower_get_relation(lower_rules *r, uint32_t tensor);

#endif
