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
#include "ir/rules.h"

typedef struct ftl_logic_options {
    const ftl_allocator *alloc;
    ftl_pool *pool;       /* null: this thread alone */
    size_t memory_limit;  /* bytes that tuples, sets and indexes may take; 0: none */
    int64_t max_rounds;   /* of one stratum; 0: none */
    bool is_naive;        /* every round joins all with all: to compare (strategy synchronous) */
} ftl_logic_options;

typedef enum ftl_logic_form {
    FTL_LOGIC_COLUMNS, FTL_LOGIC_BITS, FTL_LOGIC_ROWS
} ftl_logic_form;

/* What a run tells of itself, in the arena of the caller. */
typedef struct ftl_logic_relation_stats {
    ftl_logic_form form;
    int64_t tuples;
    size_t peak;            /* bytes with set and indexes */
} ftl_logic_relation_stats;
typedef struct ftl_logic_stats {
    int64_t rounds;         /* of all strata */
    int64_t derived;        /* tuples that rules made, repeats included */
    int64_t conversions;    /* of one form to another */
    size_t peak;            /* bytes */
    ftl_logic_relation_stats *relation; /* by relation */
} ftl_logic_stats;

typedef struct ftl_logic_error {
    uint32_t rule;          /* that was being joined; UINT32_MAX: none */
    char message[256];
} ftl_logic_error;

/* inputs: by operand (see ftl_rules_relation.input); results: by relation, set for those with
 * is_result, the caller releases them. stats may be null, else its arrays are in arena.
 * FTL_ERR_MEMORY: no memory, or the limit, with a message that names the relation, the tuples so
 * far and the bytes; FTL_ERR_LIMIT is not used. After an error no result is set. */
ftl_status ftl_logic_run(const ftl_rules *rules, ftl_relation *const *inputs,
                         const ftl_logic_options *options, ftl_arena *arena,
                         ftl_relation **results, ftl_logic_stats *stats, ftl_logic_error *error);

/* The same by the plainest code: all rules over all assignments until nothing is new. For tests
 * and the oracle. */
ftl_status ftl_logic_run_naive(const ftl_rules *rules, ftl_relation *const *inputs,
                               const ftl_allocator *alloc, ftl_relation **results);

#endif
