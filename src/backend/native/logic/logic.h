/* SPDX-License-Identifier: Apache-2.0
 *
 * logic: runs the rules of ir/rules.h to their least model, stratum by stratum, semi-naively: a
 * round joins what the round before found new (the delta) with all that is known, so that no
 * derivation is made twice from the same tuples. Rules that are not linear have a delta for each
 * recursive atom. No cap on rounds but the caller's.
 *
 * A relation has one of three forms while a stratum runs, chosen from its extents and the tuples
 * that are expected and changed when that turns out wrong: columns with a set of hashes; columns
 * with a bit matrix (arity 1 and 2, when the bits fit in the share of memory); rows of bits, which
 * rules that compose two relations join a word at a time.
 */
#ifndef FTL_NATIVE_LOGIC_H
#define FTL_NATIVE_LOGIC_H

#include "base/threads.h"
#include "data/relation.h"
#include "ir/graph.h"

typedef struct ftl_logic_options {
    const ftl_allocator *alloc;
    ftl_pool *pool;       /* not used yet: a run is one thread's */
    size_t memory_limit;  /* bytes that tuples, sets and indexes may take; 0: none */
    int64_t max_rounds;   /* of one stratum; 0: none */
    bool is_naive;        /* every round joins all with all: to compare (strategy synchronous) */
} ftl_logic_options;

typedef enum ftl_logic_form {
    FTL_LOGIC_COLUMNS, FTL_LOGIC_BITS, FTL_LOGIC_ROWS
} ftl_logic_form;

/* What a run tells of itself. */
typedef struct ftl_logic_relation_stats {
    ftl_logic_form form;
    int64_t tuples;
    size_t peak;            /* bytes with set and indexes */
} ftl_logic_relation_stats;
typedef struct ftl_logic_stats {
    int64_t rounds;         /* of all strata; a closure that needs none counts 1 */
    int64_t derived;        /* tuples that rules made, repeats included; rows of bits: new ones */
    int64_t conversions;    /* of one form to another */
    size_t peak;            /* bytes */
    ftl_logic_relation_stats *relation; /* by relation */
} ftl_logic_stats;

typedef struct ftl_logic_error {
    uint32_t rule;          /* that was being joined; UINT32_MAX: none */
    char message[256];
} ftl_logic_error;

/* What a run leaves beside its results. */
typedef struct ftl_logic_report {
    ftl_arena *arena;      /* set by the caller, under a guard: where the arrays of stats go; null:
                            * no stats */
    ftl_logic_stats stats; /* after FTL_OK */
    ftl_logic_error error; /* else */
} ftl_logic_report;

/* inputs: by operand (see ftl_rules_relation.input); results: by relation, set for those with
 * is_result, the caller releases them; null for others and after an error. rules are checked.
 * FTL_ERR_MEMORY: no memory, or a limit, with a message that names the relation, the tuples so far
 * and the bytes, or the rounds. FTL_ERR_USAGE: an input has other columns than its relation. */
ftl_status ftl_logic_run(const ftl_rules *rules, ftl_relation *const *inputs,
                         const ftl_logic_options *options, ftl_relation **results,
                         ftl_logic_report *report);

/* The same by the plainest code: all rules over all assignments until nothing is new. For tests
 * and the oracle. */
ftl_status ftl_logic_run_naive(const ftl_rules *rules, ftl_relation *const *inputs,
                               const ftl_allocator *alloc, ftl_relation **results);

/* Whether a tensor may be bound to, or be the result of, a value that stands for tuples. */
bool ftl_logic_is_fitting(const ftl_tensor *t, const ftl_value *v);

#endif
