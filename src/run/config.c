/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration's words -> options of the stages. An unknown word is an error that lists the
 * known ones.
 */
#include "run/session.h"

#include <math.h>

typedef struct word {
    const char *text;
    int value;
} word;

/* The words that an option may be; the first is what it is unless asked otherwise. */
typedef struct word_list {
    const char *option;
    const word *words;
    size_t n;
} word_list;

#define WORDS(option, list) ((word_list){option, list, FTL_COUNT(list)})

static bool find_word(ftl_session *s, word_list list, const char *got, int *out)
{
    if (!got)
        got = list.words[0].text;
    for (size_t i = 0; i < list.n; i++) {
        if (strcmp(list.words[i].text, got) == 0) {
            *out = list.words[i].value;
            return true;
        }
    }
    ftl_strbuf known;
    ftl_strbuf_init(&known, &s->arena);
    for (size_t i = 0; i < list.n; i++)
        ftl_strbuf_printf(&known, "%s%s", i ? ", " : "", list.words[i].text);
    ftl_diag *d = ftl_diag_error(&s->diags, FTL_E_OPTION, (ftl_span){0}, "%s cannot be '%s'",
                                 list.option, got);
    ftl_diag_hint(&s->diags, d, "it is one of %s", ftl_strbuf_get(&known));
    return false;
}

static bool bad_setting(ftl_session *s, const char *option, const char *text, const char *form)
{
    ftl_diag *d = ftl_diag_error(&s->diags, FTL_E_OPTION, (ftl_span){0}, "%s '%s' cannot be read",
                                 option, text);
    ftl_diag_hint(&s->diags, d, "it is written %s", form);
    return false;
}

/* A decimal number, up to the next colon or comma. */
static bool read_number(const char **p, double *out)
{
    size_t n = strcspn(*p, ":,");
    if (!ftl_parse_double(*p, n, out) || !isfinite(*out))
        return false;
    *p += n;
    return true;
}

static bool skip_text(const char **p, const char *text)
{
    size_t n = strlen(text);
    if (strncmp(*p, text, n) != 0)
        return false;
    *p += n;
    return true;
}

/* NAME=value -> name and the place after the sign. */
static const char *split_name(ftl_session *s, const char *text, const char **value)
{
    const char *eq = strchr(text, '=');
    if (!eq || eq == text)
        return NULL;
    *value = eq + 1;
    return ftl_intern_get(&s->names, text, (size_t)(eq - text));
}

static bool read_points(ftl_session *s, const char *p, ftl_temperature *t)
{
    FTL_VEC(int64_t) at = {0};
    FTL_VEC(double) value = {0};
    do {
        double round, x;
        if (!read_number(&p, &round) || !skip_text(&p, ":") || !read_number(&p, &x))
            return false;
        if (round < 0 || round != floor(round) || (at.len && (double)at.data[at.len - 1] >= round))
            return false;
        *FTL_VEC_PUSH(&s->arena, &at) = (int64_t)round;
        *FTL_VEC_PUSH(&s->arena, &value) = x;
    } while (skip_text(&p, ","));
    t->at = at.data;
    t->value = value.data;
    t->n_points = at.len;
    return *p == 0;
}

static bool read_schedule(ftl_session *s, const char *p, ftl_temperature *t)
{
    double steps;
    if (skip_text(&p, "piecewise:")) {
        t->kind = FTL_SCHEDULE_PIECEWISE;
        return read_points(s, p, t);
    }
    if (skip_text(&p, "linear:")) {
        t->kind = FTL_SCHEDULE_LINEAR;
        if (!read_number(&p, &t->start) || !skip_text(&p, ":") || !read_number(&p, &t->end) ||
            !skip_text(&p, ":") || !read_number(&p, &steps))
            return false;
        t->steps = (int64_t)steps;
        return *p == 0 && steps >= 0 && steps == floor(steps) && steps < 1e15;
    }
    t->kind = FTL_SCHEDULE_CONSTANT;
    return read_number(&p, &t->start) && *p == 0;
}

static bool read_temperatures(ftl_session *s)
{
    size_t n = s->config.n_temperatures;
    ftl_temperature *t = FTL_NEW_ARRAY(&s->arena, ftl_temperature, n);
    const char **names = FTL_NEW_ARRAY(&s->arena, const char *, n);
    for (size_t i = 0; i < n; i++) {
        const char *value;
        t[i].name = split_name(s, s->config.temperatures[i], &value);
        if (!t[i].name || !read_schedule(s, value, &t[i]))
            return bad_setting(
                s, "temperature", s->config.temperatures[i],
                "NAME=0.5, NAME=linear:START:END:STEPS or NAME=piecewise:0:1.0,3:0.5");
        names[i] = t[i].name;
    }
    s->options.check.temperatures = names;
    s->options.check.n_temperatures = n;
    s->options.lower.temperatures = t;
    s->options.lower.n_temperatures = n;
    return true;
}

static bool read_params(ftl_session *s)
{
    size_t n = s->config.n_params;
    ftl_setting *p = FTL_NEW_ARRAY(&s->arena, ftl_setting, n);
    for (size_t i = 0; i < n; i++) {
        p[i].name = split_name(s, s->config.params[i], &p[i].value);
        if (!p[i].name)
            return bad_setting(s, "param", s->config.params[i], "NAME=VALUE");
    }
    s->options.check.params = p;
    s->options.check.n_params = n;
    return true;
}

static bool read_precision(ftl_session *s)
{
    static const word words[] = {{"fp32", FTL_DTYPE_F32},
                                 {"fp16", FTL_DTYPE_F16},
                                 {"bf16", FTL_DTYPE_BF16},
                                 {"fp64", FTL_DTYPE_F64},
                                 {"auto", -1},
                                 {"f32", FTL_DTYPE_F32},
                                 {"f16", FTL_DTYPE_F16},
                                 {"f64", FTL_DTYPE_F64}};
    int storage = FTL_DTYPE_F32;
    if (!find_word(s, WORDS("precision", words), s->config.precision, &storage))
        return false;
    s->options.precision_auto = storage < 0;
    s->options.lower.storage = storage < 0 ? FTL_DTYPE_F32 : (ftl_dtype)storage;
    s->options.lower.compute = storage == FTL_DTYPE_F64 ? FTL_DTYPE_F64 : FTL_DTYPE_F32;
    return true;
}

static bool read_numbers(ftl_session *s)
{
    const ftl_config *c = &s->config;
    const char *wrong = NULL;
    if (c->max_iters < -1)
        wrong = "the limit of rounds (max_iters) cannot be below -1";
    else if (!(c->tol >= 0) || !isfinite(c->tol))
        wrong = "the tolerance (tol) must be 0 or more";
    else if (c->threads < 0)
        wrong = "the number of threads cannot be negative";
    else if (c->samples < 1)
        wrong = "the number of samples must be 1 or more";
    else if (c->steps < 0)
        wrong = "the number of steps cannot be negative";
    if (wrong)
        ftl_diag_error(&s->diags, FTL_E_OPTION, (ftl_span){0}, "%s", wrong);
    return !wrong;
}

static bool read_mode(ftl_session *s)
{
    static const word modes[] = {{"single", FTL_MODE_SINGLE},
                                 {"auto", FTL_MODE_AUTO},
                                 {"fixpoint", FTL_MODE_FIXPOINT},
                                 {"demand", FTL_MODE_DEMAND}};
    int mode = 0;
    if (!find_word(s, WORDS("mode", modes), s->config.mode, &mode))
        return false;
    s->options.check.mode = (ftl_mode)mode;
    s->options.lower.settle = mode == FTL_MODE_FIXPOINT;
    return true;
}

/* There is one way to go on, whose results are those of all. */
static bool tell_of_fixpoints(ftl_session *s, bool is_backward)
{
    if (s->config.strategy && strcmp(s->config.strategy, "semi_naive") == 0)
        ftl_diag_tell(&s->diags, FTL_N_OPTION, (ftl_span){0},
                      "strategy semi_naive: this version computes fixpoints synchronously");
    if (is_backward)
        ftl_diag_tell(&s->diags, FTL_N_OPTION, (ftl_span){0},
                      "chaining backward: this version computes fixpoints forward, from facts");
    return true;
}

bool ftl_run_read_config(ftl_session *s)
{
    static const word strategies[] = {{"semi_naive", 0}, {"synchronous", 1}};
    static const word chainings[] = {{"forward", 0}, {"backward", 1}};
    static const word projections[] = {{"exact", 0}, {"monte_carlo", 1}};
    static const word planners[] = {{"auto", 0}, {"greedy", 1}, {"optimal", 2}};
    int backward = 0, unused = 0;
    s->options.check.strict = s->config.strict != 0;
    s->options.lower.max_iters = s->config.max_iters;
    s->options.lower.tol = s->config.tol;
    return read_mode(s) && read_precision(s) && read_numbers(s) && read_params(s) &&
           read_temperatures(s) &&
           find_word(s, WORDS("strategy", strategies), s->config.strategy, &unused) &&
           find_word(s, WORDS("chaining", chainings), s->config.chaining, &backward) &&
           tell_of_fixpoints(s, backward != 0) &&
           find_word(s, WORDS("projection", projections), s->config.projection, &unused) &&
           find_word(s, WORDS("einsum planner", planners), s->config.einsum_planner,
                     &s->options.planner);
}
