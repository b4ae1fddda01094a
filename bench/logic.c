/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine of rules alone, on inputs from generators with fixed seeds: seconds of each work, its
 * tuples, the tuples that rules made, the peak of memory. For reading, never for a test.
 *
 *   logic [--threads N] [--only TEXT] [--repeat N] [--write FOLDER]
 *
 * --write: the inputs as tab separated text, FOLDER/WORK.INPUT.tsv, for other engines.
 */
#include "backend/native/logic/logic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_INPUTS = 4, MOST_RELATIONS = 8 };

typedef struct options {
    ftl_pool *pool;
    const char *only, *folder;
    int repeat;
} options;

/* One thread: processor time, which other programs disturb less. */
static clockid_t clock_used = CLOCK_THREAD_CPUTIME_ID;

static double read_clock(void)
{
    struct timespec t;
    clock_gettime(clock_used, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint32_t draw(uint64_t *state, uint32_t below)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ z >> 31) % below);
}

/* ---- pairs ---- */

typedef struct pairs {
    uint32_t *a, *b;
    size_t n, room;
} pairs;

static void push(pairs *p, uint32_t a, uint32_t b)
{
    if (p->n == p->room) {
        p->room = p->room ? 2 * p->room : 1024;
        p->a = realloc(p->a, p->room * sizeof *p->a);
        p->b = realloc(p->b, p->room * sizeof *p->b);
        if (!p->a || !p->b)
            exit(1);
    }
    p->a[p->n] = a;
    p->b[p->n++] = b;
}

static ftl_relation *finish(pairs *p, int64_t rows, int64_t columns)
{
    ftl_relation *r = NULL;
    const uint32_t *column[] = {p->a, p->b};
    if (ftl_relation_new(ftl_allocator_get_default(), &(ftl_relation_spec){2, (int64_t)p->n,
                         (int64_t[]){rows, columns}, column}, &r) != FTL_OK)
        exit(1);
    free(p->a);
    free(p->b);
    return r;
}

static ftl_relation *make_random(uint32_t rows, uint32_t columns, size_t n, uint64_t seed)
{
    pairs p = {0};
    for (size_t i = 0; i < n; i++) {
        uint32_t a = draw(&seed, rows);
        push(&p, a, draw(&seed, columns));
    }
    return finish(&p, rows, columns);
}

static ftl_relation *make_chain(uint32_t n)
{
    pairs p = {0};
    for (uint32_t i = 0; i + 1 < n; i++)
        push(&p, i, i + 1);
    return finish(&p, n, n);
}

/* Right and down. */
static ftl_relation *make_grid(uint32_t side)
{
    pairs p = {0};
    for (uint32_t i = 0; i < side * side; i++) {
        if (i % side + 1 < side)
            push(&p, i, i + 1);
        if (i / side + 1 < side)
            push(&p, i, i + side);
    }
    return finish(&p, side * side, side * side);
}

/* Each node leads to `degree` nodes before it, the more the oftener they were chosen. */
static ftl_relation *make_scale_free(uint32_t n, uint32_t degree, uint64_t seed)
{
    pairs p = {0};
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t k = 0; k < degree; k++) {
            bool is_end = p.n > 0 && draw(&seed, 2) == 0;
            push(&p, i, is_end ? p.b[draw(&seed, (uint32_t)p.n)] : draw(&seed, i));
        }
    return finish(&p, n, n);
}

/* (child, parent) of a tree in which each node has `fan` children. */
static ftl_relation *make_tree(uint32_t n, uint32_t fan)
{
    pairs p = {0};
    for (uint32_t i = 1; i < n; i++)
        push(&p, i, (i - 1) / fan);
    return finish(&p, n, n);
}

/* ---- works ---- */

typedef struct work {
    const char *name;
    const char *rules; /* with extents by %1$u */
    uint32_t extent;
    void (*make)(uint32_t extent, ftl_relation **inputs);
} work;

#define CLOSURE                                                                                    \
    "relation E[%1$u, %1$u] input 0 relation T[%1$u, %1$u] result "                                \
    "T(x, y) <- E(x, y) T(x, z) <- T(x, y), E(y, z)"
#define CLOSURE_SQUARED                                                                            \
    "relation E[%1$u, %1$u] input 0 relation T[%1$u, %1$u] result "                                \
    "T(x, y) <- E(x, y) T(x, z) <- T(x, y), T(y, z)"
#define REACH                                                                                      \
    "relation E[%1$u, %1$u] input 0 relation R[%1$u] result "                                      \
    "R(0) <- true R(y) <- R(x), E(x, y)"
#define GENERATION                                                                                 \
    "relation P[%1$u, %1$u] input 0 relation S[%1$u, %1$u] result "                                \
    "S(x, y) <- P(x, p), P(y, p), x != y S(x, y) <- P(x, p), S(p, q), P(y, q)"
#define ANDERSEN                                                                                   \
    "relation Addr[%1$u, %1$u] input 0 relation Assign[%1$u, %1$u] input 1 "                       \
    "relation Load[%1$u, %1$u] input 2 relation Store[%1$u, %1$u] input 3 "                        \
    "relation Pt[%1$u, %1$u] result Pt(y, x) <- Addr(y, x) "                                       \
    "Pt(y, x) <- Assign(y, z), Pt(z, x) Pt(y, w) <- Load(y, x), Pt(x, z), Pt(z, w) "               \
    "Pt(z, w) <- Store(y, x), Pt(y, z), Pt(x, w)"
#define CSPA                                                                                       \
    "relation Assign[%1$u, %1$u] input 0 relation Deref[%1$u, %1$u] input 1 "                      \
    "relation Flow[%1$u, %1$u] result relation Alias[%1$u, %1$u] result "                          \
    "relation Memory[%1$u, %1$u] result "                                                          \
    "Flow(x, x) <- Assign(x, _) Flow(x, x) <- Assign(_, x) Flow(x, y) <- Assign(x, y) "            \
    "Flow(x, y) <- Assign(x, z), Memory(z, y) Flow(x, y) <- Flow(x, z), Flow(z, y) "               \
    "Memory(x, x) <- Assign(_, x) Memory(x, x) <- Assign(x, _) "                                   \
    "Memory(x, w) <- Deref(y, x), Alias(y, z), Deref(z, w) "                                       \
    "Alias(x, y) <- Flow(z, x), Flow(z, y) "                                                       \
    "Alias(x, y) <- Flow(z, x), Memory(z, w), Flow(w, y)"
#define TRIANGLES                                                                                  \
    "relation E[%1$u, %1$u] input 0 relation Q[%1$u, %1$u, %1$u] result "                          \
    "Q(x, y, z) <- E(x, y), E(y, z), E(x, z)"

static void make_sparse(uint32_t n, ftl_relation **in)
{
    in[0] = make_random(n, n, 2 * (size_t)n, 1);
}

/* Below the threshold of a giant component: many edges, small answers. */
static void make_thin(uint32_t n, ftl_relation **in)
{
    in[0] = make_random(n, n, (size_t)n / 10 * 9, 2);
}

static void make_line(uint32_t n, ftl_relation **in)
{
    in[0] = make_chain(n);
}

static void make_square(uint32_t n, ftl_relation **in)
{
    uint32_t side = 1;
    while (side * side < n)
        side++;
    in[0] = make_grid(side);
}

static void make_dense(uint32_t n, ftl_relation **in)
{
    in[0] = make_random(n, n, 100 * (size_t)n, 3);
}

static void make_hubs(uint32_t n, ftl_relation **in)
{
    in[0] = make_scale_free(n, 2, 4);
}

static void make_hubs_5(uint32_t n, ftl_relation **in)
{
    in[0] = make_scale_free(n, 5, 4);
}

static void make_family(uint32_t n, ftl_relation **in)
{
    in[0] = make_tree(n, 3);
}

static void make_pointers(uint32_t n, ftl_relation **in)
{
    in[0] = make_random(n, n, n, 5);
    in[1] = make_random(n, n, (size_t)n / 10 * 9, 6);
    in[2] = make_random(n, n, (size_t)n / 8, 7);
    in[3] = make_random(n, n, (size_t)n / 8, 8);
}

static void make_aliases(uint32_t n, ftl_relation **in)
{
    in[0] = make_random(n, n, (size_t)n / 4 * 3, 9);
    in[1] = make_random(n, n, (size_t)n / 2, 10);
}

static const work works[] = {
    {"random_5000", CLOSURE, 5000, make_sparse},
    {"chain_3000", CLOSURE, 3000, make_line},
    {"grid_60", CLOSURE, 3600, make_square},
    {"dense_1000", CLOSURE, 1000, make_dense},
    {"dense_1000_squared", CLOSURE_SQUARED, 1000, make_dense},
    {"hubs_2000", CLOSURE, 2000, make_hubs},
    {"thin_100000", CLOSURE, 100000, make_thin},
    {"thin_1000000", CLOSURE, 1000000, make_thin},
    {"reach_500000", REACH, 500000, make_sparse},
    {"generation_3000", GENERATION, 3000, make_family},
    {"andersen_1000", ANDERSEN, 1000, make_pointers},
    {"andersen_4000", ANDERSEN, 4000, make_pointers},
    {"cspa_300", CSPA, 300, make_aliases},
    {"cspa_1500", CSPA, 1500, make_aliases},
    {"triangles_dense_1000", TRIANGLES, 1000, make_dense},
    {"triangles_hubs_200000", TRIANGLES, 200000, make_hubs_5},
};

/* ---- running ---- */

typedef struct job {
    const work *work;
    const options *options;
    ftl_arena *arena;
} job;

static void write_input(const job *j, const char *name, const ftl_relation *r)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.%s.tsv", j->options->folder, j->work->name, name);
    FILE *f = fopen(path, "w");
    if (!f)
        exit(1);
    for (int64_t i = 0; i < r->n; i++)
        fprintf(f, "%" PRIu32 "\t%" PRIu32 "\n", r->column[0][i], r->column[1][i]);
    fclose(f);
}

static void print_result(const job *j, const ftl_rules *rules, double seconds,
                         const ftl_logic_stats *s)
{
    static const char *const forms[] = {"columns", "bits", "rows"};
    printf("%-22s %9.4f s  %5" PRId64 " rounds %10" PRId64 " derived %7.1f MB  ", j->work->name,
           seconds, s->rounds, s->derived, (double)s->peak / 1e6);
    for (size_t i = 0; i < rules->relations.len; i++)
        if (rules->relations.data[i].is_result)
            printf(" %s %" PRId64 " %s", rules->relations.data[i].name, s->relation[i].tuples,
                   forms[s->relation[i].form]);
    printf("\n");
    fflush(stdout);
}

static ftl_status run_job(void *p)
{
    job *j = p;
    ftl_relation *inputs[MOST_INPUTS] = {0}, *results[MOST_RELATIONS] = {0};
    ftl_intern names;
    ftl_diags diags;
    ftl_diags_init(&diags, j->arena);
    ftl_intern_init(&names, j->arena);
    char *text = ftl_arena_printf(j->arena, j->work->rules, j->work->extent);
    uint32_t file = ftl_diags_add_source(&diags, j->work->name, text, strlen(text));
    ftl_rules *rules = ftl_rules_read(j->arena, &names, &diags, file);
    if (!rules)
        return FTL_ERR_PROGRAM;
    j->work->make(j->work->extent, inputs);
    for (size_t i = 0; i < rules->relations.len && j->options->folder; i++)
        if (rules->relations.data[i].input >= 0)
            write_input(j, rules->relations.data[i].name, inputs[rules->relations.data[i].input]);
    ftl_logic_options o = {.alloc = ftl_allocator_get_default(), .pool = j->options->pool,
                           .memory_limit = (size_t)8 << 30};
    ftl_logic_report report = {.arena = j->arena};
    double best = 1e9;
    for (int i = 0; i < j->options->repeat && !j->options->folder; i++) {
        double start = read_clock();
        ftl_status status = ftl_logic_run(rules, inputs, &o, results, &report);
        double took = read_clock() - start;
        best = took < best ? took : best;
        if (status != FTL_OK)
            printf("%s: %s\n", j->work->name, report.error.message);
        for (size_t k = 0; k < rules->relations.len; k++)
            ftl_relation_release(results[k]);
        if (status != FTL_OK)
            return status;
    }
    if (!j->options->folder)
        print_result(j, rules, best, &report.stats);
    for (size_t i = 0; i < MOST_INPUTS; i++)
        ftl_relation_release(inputs[i]);
    return FTL_OK;
}

static options read_options(int argc, char **argv)
{
    options o = {.repeat = 3};
    unsigned threads = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--threads") == 0)
            threads = (unsigned)atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--only") == 0)
            o.only = argv[i + 1];
        else if (strcmp(argv[i], "--repeat") == 0)
            o.repeat = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--write") == 0)
            o.folder = argv[i + 1];
    }
    if (threads > 1)
        clock_used = CLOCK_MONOTONIC;
    if (threads > 1 && ftl_pool_new(ftl_allocator_get_default(), threads, &o.pool) != FTL_OK)
        exit(1);
    return o;
}

int main(int argc, char **argv)
{
    options o = read_options(argc, argv);
    int failed = 0;
    for (size_t i = 0; i < FTL_COUNT(works); i++) {
        if (o.only && !strstr(works[i].name, o.only))
            continue;
        ftl_arena arena;
        ftl_arena_init(&arena, ftl_allocator_get_default());
        job j = {&works[i], &o, &arena};
        failed += ftl_arena_run(&arena, run_job, &j) != FTL_OK;
        ftl_arena_fini(&arena);
    }
    ftl_pool_free(o.pool);
    return failed > 0;
}
