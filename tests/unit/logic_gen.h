/* SPDX-License-Identifier: Apache-2.0
 *
 * Random rules with inputs, for tests that compare: text with what it reads back as, the engine of
 * logic with the plainest evaluator. A seed names a program for ever on one version of this file.
 *
 * One to six relations of arity 0 to 4 and extents 1 to 7 (some empty, some derived as well as
 * given, some given by one operand together), one to eight rules with up to five literals: atoms
 * with repeated variables, ANY, constants in and out of range; stratified negation, comparisons,
 * LETs with sums (some near the ends of int64), RANGEs; linear, non-linear and mutual recursion.
 * Programs are small enough for nested loops.
 */
#ifndef FTL_TESTS_LOGIC_GEN_H
#define FTL_TESTS_LOGIC_GEN_H

#include "backend/native/logic/logic.h"

typedef struct logic_gen {
    ftl_rules *rules;       /* checked */
    uint32_t n_inputs;
    ftl_relation **inputs;  /* by operand */
} logic_gen;

/* Call it under a guard of the arena. The inputs are freed by logic_gen_free. */
logic_gen logic_gen_make(ftl_arena *arena, uint64_t seed);
void logic_gen_free(const logic_gen *gen);
/* The same tuples and rules in relations of extents up to 2^32 - 1, for sets that are not bits. */
void logic_gen_widen(ftl_arena *arena, logic_gen *gen, uint64_t seed);
/* The program and its inputs for a message. */
const char *logic_gen_print(ftl_arena *arena, const logic_gen *gen);
/* Null when the results agree, else which relation differs and how. */
const char *logic_gen_compare(ftl_arena *arena, const ftl_rules *rules,
                              ftl_relation *const *got, ftl_relation *const *wanted);
void logic_gen_free_results(const ftl_rules *rules, ftl_relation **results);

/* The rules of a text; fails the test with the diagnostics when it is none. */
ftl_rules *logic_gen_read(ftl_arena *arena, const char *text);
/* The tuples as "(0, 1) (2, 3)". */
const char *logic_gen_print_tuples(ftl_arena *arena, const ftl_relation *r);

#endif
