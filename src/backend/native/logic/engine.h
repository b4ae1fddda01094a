/* SPDX-License-Identifier: Apache-2.0
 *
 * engine: what the files of this folder share. logic.c runs the strata, stratum.c the rounds;
 * memory.c counts; table.c holds the tuples while rules run, set.c tells which are new, index.c
 * finds those with given places; order.c turns a rule into a chain of steps, chain.c and filter.c
 * run it a batch at a time; rows.c joins rows of bits, closure.c closes them,
 * search.c closes without; finish.c gives the results.
 *
 * Places are uint32_t, rows are numbered in the order in which they came and never move, so that
 * the tuples that were new in a round are a range of rows.
 */
#ifndef FTL_NATIVE_LOGIC_ENGINE_H
#define FTL_NATIVE_LOGIC_ENGINE_H

#include "backend/native/logic/logic.h"

enum {
    FTL_LOGIC_BATCH = 1024 /* bindings that a step sees at once */
};

/* ---- memory.c: blocks that are counted and all freed at the end ---- */

typedef struct ftl_logic_block ftl_logic_block;
typedef struct ftl_logic_memory {
    const ftl_allocator *alloc;
    size_t limit; /* 0: none */
    size_t used, peak;
    size_t wanted; /* bytes that the limit refused; 0: it refused none */
    ftl_logic_block *blocks;
} ftl_logic_memory;

/* 64-byte aligned, or null. p may be null in free. */
void *ftl_logic_alloc(ftl_logic_memory *m, size_t size);
void *ftl_logic_alloc_zeroed(ftl_logic_memory *m, size_t size);
/* n elements of the size, null also when that overflows. */
void *ftl_logic_alloc_array(ftl_logic_memory *m, size_t n, size_t size);
void ftl_logic_free(ftl_logic_memory *m, void *p);
void ftl_logic_free_all(ftl_logic_memory *m);

/* ---- set.c: which tuples are there ---- */

typedef enum ftl_logic_set_kind {
    FTL_LOGIC_SET_NONE,
    FTL_LOGIC_SET_BITS, /* word x * stride + z / 64, bit z % 64; arity 1: x is 0 */
    FTL_LOGIC_SET_KEYS, /* slots of 1 + tuple as one number */
    FTL_LOGIC_SET_ROWS  /* slots of hash << 32 | 1 + row: the tuple does not fit in a number */
} ftl_logic_set_kind;

typedef struct ftl_logic_set {
    ftl_logic_set_kind kind;
    uint64_t *words;
    size_t n_words;
    size_t stride;  /* BITS: words of a row */
    uint32_t shift; /* KEYS, ROWS: 64 - log2(slots) */
    size_t count;
} ftl_logic_set;

/* ---- table.c ---- */

/* Tuples of a table at most: less than rows can be numbered. */
#define FTL_LOGIC_MOST_ROWS (UINT32_MAX - 2 * (uint32_t)FTL_LOGIC_BATCH)

typedef struct ftl_logic_index ftl_logic_index;

/* The tuples of a relation. Rows below old are older than the last round, from old to known those
 * that it found (the delta), from known to n those that this one finds. */
typedef struct ftl_logic_table {
    const char *name;
    uint32_t arity;
    int64_t extent[FTL_RULES_MAX_ARITY];
    const uint32_t *column[FTL_RULES_MAX_ARITY];
    uint32_t *own[FTL_RULES_MAX_ARITY]; /* null: the columns belong to the input */
    uint32_t n, room, old, known;
    bool is_packed;      /* a tuple fits in a number of 64 bits: sum of place * unit */
    bool is_final;       /* no tuples will come */
    bool is_sorted;      /* rows are in the order of a relation at rest */
    bool is_distinct;    /* what comes is known to be new: no set is needed */
    bool has_columns;    /* false: the bits of the set alone hold the tuples */
    uint64_t unit[FTL_RULES_MAX_ARITY];
    ftl_logic_set set;
    ftl_logic_index *indexes;
    double distinct[FTL_RULES_MAX_ARITY]; /* places of a final column; 0: not counted */
    ftl_logic_form form;                  /* the furthest it took */
    size_t peak;
} ftl_logic_table;

typedef struct ftl_logic_engine {
    const ftl_rules *rules;
    const ftl_logic_options *options;
    ftl_relation *const *inputs;
    ftl_arena *arena; /* for chains: the engine's own */
    ftl_logic_memory memory;
    ftl_logic_table *tables; /* by relation */
    int64_t rounds, derived, conversions;
    uint64_t expected;       /* tuples of all inputs */
    bool is_settling;        /* a rule of this stratum asks for old rows */
    uint32_t rule;           /* that runs */
    uint32_t table;          /* that grows */
    char message[256];       /* of an error that says more than the numbers */
} ftl_logic_engine;

/* Columns of the table from the input; the input's owner keeps it. FTL_ERR_USAGE. */
ftl_status ftl_logic_table_open(ftl_logic_engine *e, uint32_t relation);
/* Makes it ready for new tuples: its own columns and a set of what it has. */
ftl_status ftl_logic_table_grow(ftl_logic_engine *e, ftl_logic_table *t);
/* Room for n more rows; columns may move. */
ftl_status ftl_logic_table_reserve(ftl_logic_engine *e, ftl_logic_table *t, size_t n);
/* Adds those of n <= FTL_LOGIC_BATCH tuples that are new. */
ftl_status ftl_logic_table_add(ftl_logic_engine *e, ftl_logic_table *t,
                               const uint32_t *const *column, uint32_t n);
/* Frees what only rules that still run need. */
void ftl_logic_table_close(ftl_logic_engine *e, ftl_logic_table *t);
void ftl_logic_table_measure(ftl_logic_table *t); /* notes its size in peak */
/* Columns from bits, in order, for a table that has none. */
ftl_status ftl_logic_table_need_columns(ftl_logic_engine *e, ftl_logic_table *t);
void ftl_logic_table_drop_columns(ftl_logic_engine *e, ftl_logic_table *t);
/* Different places of a column, about; of a table that grows a guess. */
double ftl_logic_table_count_distinct(ftl_logic_engine *e, ftl_logic_table *t, uint32_t column);

/* A set of all rows that are there, if there is none. */
ftl_status ftl_logic_set_build(ftl_logic_engine *e, ftl_logic_table *t);
ftl_status ftl_logic_set_reserve(ftl_logic_engine *e, ftl_logic_table *t, size_t n);
void ftl_logic_set_free(ftl_logic_engine *e, ftl_logic_table *t);
/* Adds n tuples, for which there is room in columns and set, to both; returns how many were new. */
uint32_t ftl_logic_set_add(ftl_logic_table *t, const uint32_t *const *column, uint32_t n);
/* keep[i] = 1 when tuple i is there, else 0. */
void ftl_logic_set_find(const ftl_logic_table *t, const uint32_t *const *column, uint32_t n,
                        uint8_t *keep);
/* Whether bits of this table would be small beside the tuples that there are, or will be. */
bool ftl_logic_set_can_be_bits(const ftl_logic_engine *e, const ftl_logic_table *t, size_t tuples);
/* The bit matrix of a table: its rows and the words of each; false: it has none, or a huge one. */
bool ftl_logic_set_count_words(const ftl_logic_table *t, size_t *rows, size_t *stride);
ftl_status ftl_logic_set_make_bits(ftl_logic_engine *e, ftl_logic_table *t);

/* ---- index.c: rows by the places of some columns ---- */

/* What an index has for one key: entries[0 .. n-1] (values of the one other column, or rows), or
 * without entries the positions first .. first + n - 1. */
typedef struct ftl_logic_span {
    const uint32_t *entries;
    uint32_t first, n;
} ftl_logic_span;

/* A list of an index that grows: up to two entries inside, else a piece that doubles. */
typedef struct ftl_logic_list {
    union {
        uint32_t *piece;
        uint32_t inside[2];
    };
    uint32_t n;
    uint32_t old; /* entries of rows below table->old, as far as the index is settled */
} ftl_logic_list;

typedef enum ftl_logic_index_kind {
    FTL_LOGIC_INDEX_ALL,    /* no key: all rows */
    FTL_LOGIC_INDEX_RANGES, /* final table: position start[key] .. start[key + 1] - 1 */
    FTL_LOGIC_INDEX_DIRECT, /* lists[key] */
    FTL_LOGIC_INDEX_HASHED  /* lists by open addressing; a list without entries is free */
} ftl_logic_index_kind;

struct ftl_logic_index {
    ftl_logic_index *next;
    ftl_logic_table *table;
    ftl_logic_index_kind kind;
    uint32_t n_keys;
    uint32_t key[FTL_RULES_MAX_ARITY];  /* columns, rising */
    bool is_packed;                     /* the key fits in 64 bits: sum of place * unit */
    uint64_t unit[FTL_RULES_MAX_ARITY]; /* by position in key */
    uint64_t domain;                    /* packed keys are below; 0: more than 64 bits can hold */
    uint32_t value;                     /* the column whose values are entries; UINT32_MAX: rows */
    uint32_t uses;                      /* by chains */
    uint32_t done;                      /* rows that are in it */
    uint32_t settled;                   /* rows whose lists have a right `old` */
    uint32_t *start;                    /* RANGES: domain + 1 */
    uint32_t *payload[FTL_RULES_MAX_ARITY]; /* RANGES: by column, by position; null: the table's */
    ftl_logic_list *lists;
    uint64_t *keys;                     /* HASHED: by list, the packed key or a hash of it */
    uint64_t n_lists;                   /* a power of 2 when hashed */
    uint32_t shift;                     /* hashed: 64 - log2(n_lists) */
    uint64_t n_used;                    /* hashed: lists with entries */
    uint32_t *free_pieces[33];          /* by log2 of the entries */
    uint32_t *chunk;                    /* where new pieces come from */
    size_t chunk_left, chunk_size;
    size_t piece_bytes;                 /* of chunks and lone pieces */
};

/* The index of the table on these columns (bits), made of all rows below known if there is none. */
ftl_status ftl_logic_index_get(ftl_logic_engine *e, ftl_logic_table *t, uint32_t columns,
                               ftl_logic_index **out);
/* Puts rows done .. table->known - 1 in it, and notes which entries were there before. */
ftl_status ftl_logic_index_extend(ftl_logic_engine *e, ftl_logic_index *x);
void ftl_logic_index_free_some(ftl_logic_engine *e, ftl_logic_table *t, bool only_unused);
/* The spans of n <= FTL_LOGIC_BATCH keys; place[k] are the places of column x->key[k]. only_old:
 * of the rows below table->old. */
void ftl_logic_index_find(const ftl_logic_index *x, const uint32_t *const *place, uint32_t n,
                          bool only_old, ftl_logic_span *spans);

/* ---- order.c: a rule as a chain of steps ---- */

typedef enum ftl_logic_step_kind {
    FTL_LOGIC_STEP_PROBE,   /* each entry of the index for the key: binds variables */
    FTL_LOGIC_STEP_MEET,    /* several atoms bind one variable: the shortest list, then checks */
    FTL_LOGIC_STEP_RANGE,   /* each number below the extent: binds a variable */
    FTL_LOGIC_STEP_EXISTS,  /* keeps bindings whose key has an entry */
    FTL_LOGIC_STEP_CHECK,   /* keeps bindings whose tuple is in the set */
    FTL_LOGIC_STEP_COMPARE, /* keeps bindings for which the literal holds */
    FTL_LOGIC_STEP_LET,     /* computes a variable, keeps what is below the extent */
    FTL_LOGIC_STEP_SAME,    /* keeps bindings whose variable is what a LET computes */
    FTL_LOGIC_STEP_BELOW    /* keeps bindings whose variable is below the extent */
} ftl_logic_step_kind;

/* A place that is looked up: of a variable, or (var < 0) a constant. */
typedef struct ftl_logic_operand {
    int32_t var;
    uint32_t place;
} ftl_logic_operand;

/* An entry of a PROBE counts only where its column is the same as another, or this place. */
typedef struct ftl_logic_tie {
    uint32_t column;
    int32_t other; /* a column; < 0: place */
    uint32_t place;
} ftl_logic_tie;

typedef enum ftl_logic_meet_kind {
    FTL_LOGIC_MEET_CHECKS, /* the values of the shortest list, each checked by the others */
    FTL_LOGIC_MEET_LISTS,  /* all lists rise, and are merged */
    FTL_LOGIC_MEET_ROWS    /* all atoms are R(place, var) with rows of bits as wide */
} ftl_logic_meet_kind;

typedef struct ftl_logic_step ftl_logic_step;
struct ftl_logic_step {
    ftl_logic_step_kind kind;
    bool is_not;                  /* EXISTS, CHECK */
    bool only_old;                /* PROBE: rows below old */
    ftl_logic_table *table;
    ftl_logic_index *index;       /* PROBE, EXISTS; null: PROBE of the delta */
    ftl_logic_operand *key;       /* PROBE, EXISTS: of the index; CHECK: of the tuple */
    uint32_t n_out;               /* PROBE: columns to variables */
    uint32_t *out_column, *out_var;
    uint32_t n_ties;
    ftl_logic_tie *ties;
    uint32_t n_meet;              /* MEET: */
    ftl_logic_step *meet, *check; /* the PROBE and the CHECK of each atom */
    ftl_logic_meet_kind by;
    const ftl_literal *literal;   /* COMPARE, LET, SAME */
    bool is_exact;                /* no sum of the literal can overflow */
    uint32_t var;                 /* RANGE, LET, SAME, BELOW */
    int64_t extent;
    uint64_t live;                /* variables that are looked at after this step */
    uint64_t buffers;             /* PROBE, MEET, RANGE: variables that need room from here on */
    uint32_t depth;               /* of these: how many come before */
};

typedef enum ftl_logic_tail {
    FTL_LOGIC_TAIL_TUPLES, /* each binding is a tuple of the head */
    FTL_LOGIC_TAIL_ROWS,   /* row `row` of row_table joins row place[0] of the head */
    FTL_LOGIC_TAIL_DELTA   /* the same of the delta, which is the first step, or tuples */
} ftl_logic_tail;

typedef struct ftl_logic_chain {
    uint32_t rule;
    ftl_logic_tail tail;
    ftl_logic_operand row;
    ftl_logic_table *row_table;
    bool is_dead;                 /* no tuple can come of it */
    FTL_VEC(ftl_logic_step) steps;
    uint32_t depth;               /* steps that have buffers */
    uint64_t buffers;             /* variables that need room before the first of them */
    ftl_logic_table *head;
    ftl_logic_operand *place;     /* by column of the head */
} ftl_logic_chain;

/* is_recursive[relation]: of the stratum that runs; null: nothing is. delta: the literal of the
 * body whose new tuples are looked at; UINT32_MAX: all there is. Indexes and sets are made. */
typedef struct ftl_logic_order {
    uint32_t rule;
    uint32_t delta;
    const bool *is_recursive;
} ftl_logic_order;

ftl_status ftl_logic_order_chain(ftl_logic_engine *e, const ftl_logic_order *what,
                                 ftl_logic_chain *out);

/* ---- chain.c: runs a chain; filter.c: its steps that only keep ---- */

/* Bindings: variable v of binding i is var[v][i]. */
typedef struct ftl_logic_batch {
    uint32_t n;
    uint32_t *var[FTL_RULES_MAX_VARS];
} ftl_logic_batch;

/* A delta in rows: that of place x, list[mark[x] - 1], begins at words + (mark[x] - 1) * stride. */
typedef struct ftl_logic_delta {
    uint32_t *mark, *list;
    uint64_t *words; /* null: it is not in rows */
    size_t stride;
    uint32_t n;
} ftl_logic_delta;

typedef struct ftl_logic_runner {
    ftl_logic_engine *engine;
    const ftl_logic_chain *chain;
    ftl_logic_batch *batch;        /* by depth: what a step gave */
    ftl_logic_span **spans;        /* by depth */
    uint32_t *from, *entry;        /* which binding, which entry of it */
    uint8_t *keep;
    int64_t *sum;                  /* 2 of a batch */
    uint32_t *constant[FTL_RULES_MAX_ARITY];
    ftl_logic_delta delta;
} ftl_logic_runner;

ftl_status ftl_logic_chain_run(ftl_logic_engine *e, const ftl_logic_chain *chain);
void ftl_logic_filter_batch(ftl_logic_runner *r, const ftl_logic_step *s, ftl_logic_batch *b);
/* The columns that operands name. Constants use r->constant until the next call. */
void ftl_logic_filter_bind(ftl_logic_runner *r, const ftl_logic_operand *operands, uint32_t n,
                           const ftl_logic_batch *b, const uint32_t **out);

/* ---- rows.c: the end of a chain in rows of bits ---- */

/* Whether the last step of a chain, whose head is set, is better done as rows; then does so. */
bool ftl_logic_rows_is_tail(ftl_logic_engine *e, const ftl_logic_chain *c);
ftl_status ftl_logic_rows_set_tail(ftl_logic_engine *e, ftl_logic_chain *c);
/* The delta of a chain with that tail in rows, if it is dense enough. */
ftl_status ftl_logic_rows_make_delta(ftl_logic_engine *e, const ftl_logic_chain *c,
                                     ftl_logic_delta *d);
void ftl_logic_rows_free_delta(ftl_logic_engine *e, ftl_logic_delta *d);
/* Rows row[i], below extent, by way of mark where there is one, of words. */
typedef struct ftl_logic_row_source {
    const uint32_t *row;
    const uint32_t *mark;
    const uint64_t *words;
    int64_t extent;
} ftl_logic_row_source;
/* Joins them to rows x[i] of the head, i < n. */
ftl_status ftl_logic_rows_add(ftl_logic_engine *e, ftl_logic_table *head, const uint32_t *x,
                              const ftl_logic_row_source *from, uint32_t n);

/* ---- closure.c: strata that are one closure, in rows of bits ---- */

typedef struct ftl_logic_closure {
    uint32_t rule;
    bool is_right;    /* T = B E*, and E is not B: else T = E* B */
    bool can_search;  /* T = B E* */
    bool has_rows;    /* rows of bits can be thought of */
    ftl_logic_table *table, *edges;
    uint32_t n_edges; /* the first rows of edges; of table itself: those before the rounds */
    size_t rows, stride;
} ftl_logic_closure;

bool ftl_logic_closure_find(const ftl_logic_engine *e, const ftl_rules_stratum *s,
                            ftl_logic_closure *out);
/* From what the table has to its end, unless rounds are still expected to be cheaper. After this
 * it has columns in order and no set, or its bits alone hold the tuples. */
ftl_status ftl_logic_closure_try(ftl_logic_engine *e, const ftl_logic_closure *c, bool *is_done);

/* Node x leads to to[start[x]] .. to[start[x + 1] - 1]. */
typedef struct ftl_logic_graph {
    uint32_t n;
    uint32_t *start, *to;
} ftl_logic_graph;

/* The first n_rows pairs of the table, those from nodes below n to nodes below n_to. */
typedef struct ftl_logic_graph_spec {
    const ftl_logic_table *table;
    uint32_t n_rows, n, n_to;
} ftl_logic_graph_spec;

ftl_status ftl_logic_graph_make(ftl_logic_engine *e, const ftl_logic_graph_spec *spec,
                                ftl_logic_graph *g);
void ftl_logic_graph_free(ftl_logic_engine *e, ftl_logic_graph *g);

/* ---- search.c ---- */

/* The closure by search, unless that would cost more than joining so many words. */
ftl_status ftl_logic_search_run(ftl_logic_engine *e, const ftl_logic_closure *c, size_t words,
                                bool *is_done);

/* ---- stratum.c, finish.c ---- */

/* Tuples of bits, in order, to columns with room for them. */
void ftl_logic_finish_read(const ftl_logic_table *t, uint32_t *const *column);

ftl_status ftl_logic_stratum_run(ftl_logic_engine *e, const ftl_rules_stratum *s);
ftl_status ftl_logic_finish(ftl_logic_engine *e, uint32_t relation, ftl_relation **out);

#endif
