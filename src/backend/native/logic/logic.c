/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/native/logic/engine.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct run {
    ftl_logic_engine engine;
    ftl_relation **results;
} run;

/* ---- what nobody needs any more ---- */

/* By relation: 1 + the last stratum with a rule that reads it; UINT32_MAX: a result. */
static uint32_t *find_last_uses(const ftl_logic_engine *e, const ftl_rules_strata *strata)
{
    const ftl_rules *rules = e->rules;
    uint32_t *last = FTL_NEW_ARRAY(e->arena, uint32_t, rules->relations.len);
    for (uint32_t i = 0; i < strata->len; i++) {
        for (size_t k = 0; k < strata->data[i].rules.len; k++) {
            const ftl_rule *rule = &rules->rules.data[strata->data[i].rules.data[k]];
            last[rule->head] = i + 1;
            for (uint32_t j = 0; j < rule->n_body; j++)
                if (rule->body[j].kind <= FTL_LITERAL_NOT)
                    last[rule->body[j].relation] = i + 1;
        }
    }
    return last;
}

static void close_tables(ftl_logic_engine *e, const uint32_t *last, uint32_t stratum)
{
    for (uint32_t i = 0; i < e->rules->relations.len; i++) {
        if (last[i] != stratum + 1)
            continue;
        ftl_logic_table_measure(&e->tables[i]);
        if (e->rules->relations.data[i].is_result)
            ftl_logic_index_free_some(e, &e->tables[i], false);
        else
            ftl_logic_table_close(e, &e->tables[i]);
    }
}

/* ---- a run ---- */

static ftl_status open_tables(ftl_logic_engine *e)
{
    e->tables = FTL_NEW_ARRAY(e->arena, ftl_logic_table, e->rules->relations.len);
    for (uint32_t i = 0; i < e->rules->relations.len; i++) {
        FTL_TRY(ftl_logic_table_open(e, i));
        e->expected += e->tables[i].n;
    }
    return FTL_OK;
}

static ftl_status run_strata(void *p)
{
    run *r = p;
    ftl_logic_engine *e = &r->engine;
    ftl_rules_strata strata = ftl_rules_find_strata(e->rules, e->arena);
    uint32_t *last = find_last_uses(e, &strata);
    FTL_TRY(open_tables(e));
    for (uint32_t i = 0; i < strata.len; i++) {
        FTL_TRY(ftl_logic_stratum_run(e, &strata.data[i]));
        close_tables(e, last, i);
    }
    e->rule = UINT32_MAX;
    for (uint32_t i = 0; i < e->rules->relations.len; i++) {
        if (!e->rules->relations.data[i].is_result)
            continue;
        FTL_TRY(ftl_logic_finish(e, i, &r->results[i]));
        ftl_logic_table_close(e, &e->tables[i]);
    }
    return FTL_OK;
}

static void describe_failure(const ftl_logic_engine *e, ftl_status status, ftl_logic_error *error)
{
    const ftl_logic_memory *m = &e->memory;
    *error = (ftl_logic_error){.rule = e->rule};
    if (e->message[0] || status != FTL_ERR_MEMORY || e->table == UINT32_MAX) {
        snprintf(error->message, sizeof error->message, "%s",
                 e->message[0] ? e->message : ftl_status_get_text(status));
        return;
    }
    const ftl_logic_table *t = &e->tables[e->table];
    int n = snprintf(error->message, sizeof error->message,
                     "relation %.80s: %" PRIu32 " tuples so far, %zu bytes in use", t->name, t->n,
                     m->used);
    if (m->wanted)
        snprintf(error->message + n, sizeof error->message - (size_t)n,
                 ", and %zu more would pass the limit of %zu bytes", m->wanted, m->limit);
    else
        snprintf(error->message + n, sizeof error->message - (size_t)n, "; no memory for more");
}

static void fill_stats(const ftl_logic_engine *e, ftl_logic_relation_stats *relation,
                       ftl_logic_stats *stats)
{
    *stats = (ftl_logic_stats){.rounds = e->rounds, .derived = e->derived,
                               .conversions = e->conversions, .peak = e->memory.peak,
                               .relation = relation};
    for (size_t i = 0; i < e->rules->relations.len; i++)
        relation[i] = (ftl_logic_relation_stats){.form = e->tables[i].form,
                                                 .tuples = e->tables[i].n,
                                                 .peak = e->tables[i].peak};
}

static void drop_results(const ftl_rules *rules, ftl_relation **results)
{
    for (size_t i = 0; i < rules->relations.len; i++) {
        ftl_relation_release(results[i]);
        results[i] = NULL;
    }
}

ftl_status ftl_logic_run(const ftl_rules *rules, ftl_relation *const *inputs,
                         const ftl_logic_options *options, ftl_relation **results,
                         ftl_logic_report *report)
{
    ftl_arena own;
    run r = {.engine = {.rules = rules, .options = options, .inputs = inputs, .arena = &own,
                        .rule = UINT32_MAX, .table = UINT32_MAX,
                        .memory = {.alloc = options->alloc, .limit = options->memory_limit}},
             .results = results};
    ftl_logic_relation_stats *relation = NULL;
    if (report->arena) /* now: nothing is held yet that a failure would lose */
        relation = FTL_NEW_ARRAY(report->arena, ftl_logic_relation_stats, rules->relations.len);
    for (size_t i = 0; i < rules->relations.len; i++)
        results[i] = NULL;
    ftl_arena_init(&own, options->alloc);
    ftl_status status = ftl_arena_run(&own, run_strata, &r);
    if (status == FTL_OK && relation)
        fill_stats(&r.engine, relation, &report->stats);
    if (status != FTL_OK) {
        describe_failure(&r.engine, status, &report->error);
        drop_results(rules, results);
    }
    ftl_logic_free_all(&r.engine.memory);
    ftl_arena_fini(&own);
    return status;
}
