/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps that only keep bindings of a batch, or compute a variable of each.
 */
#include "backend/native/logic/engine.h"

static void keep_column(uint32_t *column, const uint8_t *keep, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        column[kept] = column[i];
        kept += keep[i];
    }
}

/* Keeps the bindings i with keep[i] = 1, not 0, in the variables of live. */
static void keep_bindings(ftl_logic_batch *b, const uint8_t *keep, uint64_t live)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < b->n; i++)
        kept += keep[i];
    if (kept == b->n)
        return;
    for (; live && kept > 0; live &= live - 1)
        keep_column(b->var[__builtin_ctzll(live)], keep, b->n);
    b->n = kept;
}

void ftl_logic_filter_bind(ftl_logic_runner *r, const ftl_logic_operand *operands, uint32_t n,
                           const ftl_logic_batch *b, const uint32_t **out)
{
    for (uint32_t k = 0; k < n; k++) {
        out[k] = operands[k].var >= 0 ? b->var[operands[k].var] : r->constant[k];
        for (uint32_t i = 0; i < b->n && operands[k].var < 0; i++)
            r->constant[k][i] = operands[k].place;
    }
}

static void flip(uint8_t *keep, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        keep[i] ^= 1;
}

static void check(ftl_logic_runner *r, const ftl_logic_step *s, const ftl_logic_batch *b)
{
    const uint32_t *column[FTL_RULES_MAX_ARITY];
    ftl_logic_filter_bind(r, s->key, s->table->arity, b, column);
    ftl_logic_set_find(s->table, column, b->n, r->keep);
}

static void exists(ftl_logic_runner *r, const ftl_logic_step *s, const ftl_logic_batch *b)
{
    ftl_logic_span spans[FTL_LOGIC_BATCH];
    const uint32_t *key[FTL_RULES_MAX_ARITY];
    ftl_logic_filter_bind(r, s->key, s->index->n_keys, b, key);
    ftl_logic_index_find(s->index, key, b->n, false, spans);
    for (uint32_t i = 0; i < b->n; i++)
        r->keep[i] = spans[i].n > 0;
}

/* ---- sums ---- */

static void add_exact(const ftl_rule_sum *s, const ftl_logic_batch *b, int64_t *out)
{
    for (uint32_t i = 0; i < b->n; i++)
        out[i] = s->offset;
    for (uint32_t k = 0; k < s->n; k++) {
        const uint32_t *var = b->var[s->var[k]];
        for (uint32_t i = 0; i < b->n; i++)
            out[i] += s->coef[k] * var[i];
    }
}

/* keep[i] = 0 where a sum overflows on the way. */
static void add_checked(const ftl_rule_sum *s, const ftl_logic_batch *b, int64_t *out,
                        uint8_t *keep)
{
    for (uint32_t i = 0; i < b->n; i++) {
        int64_t term, sum = s->offset;
        for (uint32_t k = 0; k < s->n; k++)
            if (__builtin_mul_overflow(s->coef[k], (int64_t)b->var[s->var[k]][i], &term) ||
                __builtin_add_overflow(sum, term, &sum))
                keep[i] = 0;
        out[i] = sum;
    }
}

static void add_up(ftl_logic_runner *r, const ftl_logic_step *s, const ftl_rule_sum *sum,
                   const ftl_logic_batch *b, int64_t *out)
{
    if (s->is_exact)
        add_exact(sum, b, out);
    else
        add_checked(sum, b, out, r->keep);
}

static void compare(ftl_logic_runner *r, const ftl_logic_step *s, const ftl_logic_batch *b)
{
    int64_t *left = r->sum, *right = r->sum + FTL_LOGIC_BATCH;
    uint8_t *keep = r->keep;
    memset(keep, 1, b->n);
    add_up(r, s, &s->literal->left, b, left);
    add_up(r, s, &s->literal->right, b, right);
    switch (s->literal->compare) {
    case FTL_RULE_EQ:
        for (uint32_t i = 0; i < b->n; i++)
            keep[i] &= left[i] == right[i];
        break;
    case FTL_RULE_NE:
        for (uint32_t i = 0; i < b->n; i++)
            keep[i] &= left[i] != right[i];
        break;
    case FTL_RULE_LT:
        for (uint32_t i = 0; i < b->n; i++)
            keep[i] &= left[i] < right[i];
        break;
    case FTL_RULE_LE:
        for (uint32_t i = 0; i < b->n; i++)
            keep[i] &= left[i] <= right[i];
        break;
    }
}

/* LET and SAME. */
static void compute(ftl_logic_runner *r, const ftl_logic_step *s, const ftl_logic_batch *b)
{
    int64_t *sum = r->sum;
    uint32_t *var = b->var[s->var];
    memset(r->keep, 1, b->n);
    add_up(r, s, &s->literal->right, b, sum);
    for (uint32_t i = 0; i < b->n; i++)
        r->keep[i] &= sum[i] >= 0 && sum[i] < s->extent;
    if (s->kind == FTL_LOGIC_STEP_SAME) {
        for (uint32_t i = 0; i < b->n; i++)
            r->keep[i] &= sum[i] == var[i];
    } else if (s->live >> s->var & 1) {
        for (uint32_t i = 0; i < b->n; i++)
            var[i] = (uint32_t)sum[i];
    }
}

void ftl_logic_filter_batch(ftl_logic_runner *r, const ftl_logic_step *s, ftl_logic_batch *b)
{
    switch (s->kind) {
    case FTL_LOGIC_STEP_EXISTS:
        exists(r, s, b);
        break;
    case FTL_LOGIC_STEP_CHECK:
        check(r, s, b);
        break;
    case FTL_LOGIC_STEP_COMPARE:
        compare(r, s, b);
        break;
    case FTL_LOGIC_STEP_LET:
    case FTL_LOGIC_STEP_SAME:
        compute(r, s, b);
        break;
    case FTL_LOGIC_STEP_BELOW:
        for (uint32_t i = 0; i < b->n; i++)
            r->keep[i] = b->var[s->var][i] < s->extent;
        break;
    case FTL_LOGIC_STEP_PROBE:
    case FTL_LOGIC_STEP_MEET:
    case FTL_LOGIC_STEP_RANGE:
        return;
    }
    if (s->is_not)
        flip(r->keep, b->n);
    keep_bindings(b, r->keep, s->live);
}
