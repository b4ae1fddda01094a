/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan for people and for programs: equations and steps with their cost, bytes and, after
 * profiled runs, time.
 *
 * A step may compute several equations at once. Its arithmetic is known value by value; its bytes
 * and its time are shared out in proportion to that (plus one unit for each element of a value, so
 * that copies count).
 */
#include "base/dtype.h"
#include "run/session.h"

/* Figures of one equation or of all. */
typedef struct figures {
    double flops, bytes, seconds;
    size_t steps; /* that take part in it */
} figures;

typedef struct account {
    const ftl_session *s;
    ftl_arena *arena;
    const ftl_step_stats *stats; /* by step; zeros while nothing was timed */
    figures *equation;           /* by graph equation, from 1; 0: values of none */
    double *weight;              /* of the current step, by equation */
    figures total;
    bool is_timed;
    const ftl_value *loop; /* of the current step, or null, */
    double rounds;         /* and how often it turned, or may turn */
} account;

static const char *name_kind(ftl_step_kind kind)
{
    static const char *const names[] = {[FTL_STEP_CONTRACT] = "contract",
                                        [FTL_STEP_NEST] = "nest",
                                        [FTL_STEP_OP] = "op",
                                        [FTL_STEP_LOOP] = "loop"};
    return names[kind];
}

static double get_rounds(const account *a, const ftl_value *v)
{
    if (v == a->loop)
        return a->rounds;
    return v->op == FTL_OP_LOOP_ && v->u.loop->count > 0 ? (double)v->u.loop->count : 1;
}

/* Adds what a value costs to its equation, those of a loop's body included. */
static void weigh_value(account *a, const ftl_value *v, double rounds)
{
    double flops = rounds * ftl_cost_get_flops(v);
    uint32_t e = v->equation <= a->s->graph->equations.len ? v->equation : 0;
    a->equation[e].flops += flops;
    a->weight[e] += flops + rounds * (double)ftl_value_get_count(v);
    if (v->op != FTL_OP_LOOP_)
        return;
    const ftl_graph *body = v->u.loop->body;
    for (size_t i = 0; i < body->values.len; i++)
        weigh_value(a, body->values.data[i], rounds * get_rounds(a, v));
}

static double get_seconds(const account *a, size_t step)
{
    return a->stats[step].runs ? a->stats[step].seconds / (double)a->stats[step].runs : 0;
}

static const ftl_value *get_loop(const account *a, size_t step)
{
    const ftl_step *s = &a->s->plan->steps.data[step];
    return s->kind == FTL_STEP_LOOP ? s->members.data[0] : NULL;
}

/* Of a loop step: those of the last run, else as many as it may take, else 1. */
static double get_step_rounds(const account *a, size_t step)
{
    int64_t count = get_loop(a, step)->u.loop->count;
    if (a->stats[step].rounds > 0)
        return (double)a->stats[step].rounds;
    return count > 0 ? (double)count : 1;
}

/* What the plan's estimate of a step is to be multiplied with: it knows no rounds of loops that end
 * when they settle. */
static double get_ratio(const account *a, size_t step)
{
    const ftl_value *loop = get_loop(a, step);
    if (!loop)
        return 1;
    return get_step_rounds(a, step) / (loop->u.loop->count > 0 ? (double)loop->u.loop->count : 1);
}

/* Shares the bytes and seconds of a step out to its equations. */
static void share_step(account *a, size_t i)
{
    const ftl_step *step = &a->s->plan->steps.data[i];
    size_t n = a->s->graph->equations.len + 1;
    double sum = 0, ratio = get_ratio(a, i);
    a->loop = get_loop(a, i);
    a->rounds = a->loop ? get_step_rounds(a, i) : 1;
    memset(a->weight, 0, n * sizeof(*a->weight));
    for (size_t k = 0; k < step->members.len; k++)
        weigh_value(a, step->members.data[k], 1);
    for (size_t e = 0; e < n; e++)
        sum += a->weight[e];
    for (size_t e = 0; e < n; e++) {
        if (a->weight[e] <= 0)
            continue;
        a->equation[e].bytes += ratio * step->bytes * a->weight[e] / sum;
        a->equation[e].seconds += get_seconds(a, i) * a->weight[e] / sum;
        a->equation[e].steps++;
    }
    a->total.flops += ratio * step->flops;
    a->total.bytes += ratio * step->bytes;
    a->total.seconds += get_seconds(a, i);
    a->is_timed |= a->stats[i].runs > 0;
}

/* Backends that read the graph have no steps: the arithmetic alone is known. */
static void weigh_graph(account *a)
{
    for (size_t i = 0; i < a->s->graph->values.len; i++)
        weigh_value(a, a->s->graph->values.data[i], 1);
    for (size_t e = 0; e <= a->s->graph->equations.len; e++)
        a->total.flops += a->equation[e].flops;
}

static account make_account(const ftl_session *s, ftl_arena *arena)
{
    size_t steps = s->plan->steps.len, n = s->graph->equations.len + 1;
    account a = {.s = s, .arena = arena};
    ftl_step_stats *stats = FTL_NEW_ARRAY(arena, ftl_step_stats, steps + 1);
    if (steps > 0)
        s->backend->get_stats(s->exec, stats);
    a.stats = stats;
    a.equation = FTL_NEW_ARRAY(arena, figures, n);
    a.weight = FTL_NEW_ARRAY(arena, double, n);
    for (size_t i = 0; i < steps; i++)
        share_step(&a, i);
    if (steps == 0)
        weigh_graph(&a);
    return a;
}

/* ---- parts of both forms ---- */

static const ftl_value *get_main_value(const ftl_step *step)
{
    if (step->contract)
        return step->contract;
    if (step->roots.len)
        return step->roots.data[step->roots.len - 1];
    return step->members.len ? step->members.data[step->members.len - 1] : NULL;
}

static void put_shape(ftl_strbuf *out, const ftl_value *v)
{
    ftl_strbuf_putc(out, '[');
    for (uint32_t k = 0; v && k < v->rank; k++)
        ftl_strbuf_printf(out, "%s%lld", k ? ", " : "", (long long)v->shape[k]);
    ftl_strbuf_putc(out, ']');
}

typedef void put_number(void *user, uint32_t equation);

/* Calls put for each equation of a list of values, once. */
static void visit_equations(const account *a, const ftl_step *step, put_number *put, void *user)
{
    bool *seen = FTL_NEW_ARRAY(a->arena, bool, a->s->graph->equations.len + 1);
    for (size_t i = 0; i < step->members.len; i++) {
        uint32_t e = step->members.data[i]->equation;
        if (e == 0 || e > a->s->graph->equations.len || seen[e])
            continue;
        seen[e] = true;
        put(user, e);
    }
}

static const char *name_precision(const ftl_session *s)
{
    switch (s->options.lower.storage) {
    case FTL_DTYPE_F64:
        return "fp64";
    case FTL_DTYPE_F16:
        return "fp16";
    case FTL_DTYPE_BF16:
        return "bf16";
    default:
        return "fp32";
    }
}

/* ---- text ---- */

static const char *format_bytes(ftl_arena *arena, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_t u = 0;
    while (bytes >= 9999.5 && u + 1 < FTL_COUNT(units)) {
        bytes /= 1000;
        u++;
    }
    return ftl_arena_printf(arena, "%.0f %s", bytes, units[u]);
}

static void put_time(const account *a, double seconds, ftl_strbuf *out)
{
    if (a->is_timed)
        ftl_strbuf_printf(out, " %11.1f", seconds * 1e6);
    ftl_strbuf_putc(out, '\n');
}

static void put_head_line(const account *a, const char *first, ftl_strbuf *out)
{
    ftl_strbuf_printf(out, "%s %10s %9s%s\n", first, "flops", "bytes",
                      a->is_timed ? "    us a run" : "");
}

static void put_name(void *user, uint32_t equation)
{
    void **p = user;
    const account *a = p[0];
    ftl_strbuf *out = p[1];
    if (out->len < 200)
        ftl_strbuf_printf(out, "%s%s", out->len ? ", " : "",
                          a->s->graph->equations.data[equation - 1].head);
}

/* At most n bytes, the last three dots where it was cut. */
static const char *cut(ftl_arena *arena, const char *text, size_t n)
{
    if (strlen(text) <= n)
        return text;
    size_t end = n - 3;
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
        end--;
    return ftl_arena_printf(arena, "%.*s...", (int)end, text);
}

static void put_step_line(const account *a, size_t i, ftl_strbuf *out)
{
    const ftl_step *step = &a->s->plan->steps.data[i];
    const ftl_value *v = get_main_value(step);
    ftl_strbuf names, shape;
    ftl_strbuf_init(&names, a->arena);
    ftl_strbuf_init(&shape, a->arena);
    visit_equations(a, step, put_name, (void *[]){(void *)(uintptr_t)a, &names});
    if (get_loop(a, i))
        ftl_strbuf_printf(&shape, "%.0f rounds", get_step_rounds(a, i));
    else
        put_shape(&shape, v);
    ftl_strbuf_printf(out, "%5zu  %-9s %-22s %-22s %10.3g %9s", i, name_kind(step->kind),
                      cut(a->arena, ftl_strbuf_get(&names), 22),
                      cut(a->arena, ftl_strbuf_get(&shape), 22),
                      get_ratio(a, i) * step->flops,
                      format_bytes(a->arena, get_ratio(a, i) * step->bytes));
    put_time(a, get_seconds(a, i), out);
}

static void put_equation_line(const account *a, size_t e, ftl_strbuf *out)
{
    const ftl_origin *o = &a->s->graph->equations.data[e - 1];
    const figures *f = &a->equation[e];
    unsigned line, col;
    ftl_diags_locate(&a->s->diags, o->span, &line, &col);
    ftl_strbuf_printf(out, "%5u  %-55s %10.3g %9s", line, cut(a->arena, o->text, 55), f->flops,
                      format_bytes(a->arena, f->bytes));
    put_time(a, f->seconds, out);
}

static const char *get_step_text(const ftl_session *s, size_t step)
{
    return s->backend->get_step_text ? s->backend->get_step_text(s->exec, step) : NULL;
}

/* Who computes the products, when it was asked for a library. */
static void put_products(const ftl_session *s, ftl_strbuf *out)
{
    size_t given = 0, n = 0;
    for (size_t i = 0; i < s->plan->steps.len; i++) {
        const char *text = get_step_text(s, i);
        n += text != NULL;
        given += text && strcmp(text, "cblas") == 0;
    }
    ftl_strbuf_printf(out, "products: %zu of %zu by cblas of %s, the others by own kernels\n",
                      given, n, s->config.blas);
}

static void put_summary(const account *a, ftl_strbuf *out)
{
    const ftl_session *s = a->s;
    ftl_strbuf_printf(out, "backend %s, precision %s; %zu operations in %zu steps\n",
                      s->backend->name, name_precision(s), s->graph->values.len,
                      s->plan->steps.len);
    ftl_strbuf_printf(out, "memory: %s for intermediate values, at most %s of them live at once\n",
                      format_bytes(a->arena, (double)s->plan->arena_size),
                      format_bytes(a->arena, (double)s->plan->live_peak));
    if (s->config.blas)
        put_products(s, out);
    ftl_strbuf_printf(out, "compiled in %.3f ms", s->compile_seconds * 1e3);
    if (s->runs > 0)
        ftl_strbuf_printf(out, "; %llu run%s of %.3f ms on average", (unsigned long long)s->runs,
                          s->runs == 1 ? "" : "s", s->run_seconds / (double)s->runs * 1e3);
    ftl_strbuf_puts(out, "\n\n");
}

void ftl_run_explain_text(const ftl_session *s, ftl_strbuf *out)
{
    account a = make_account(s, out->arena);
    put_summary(&a, out);
    put_head_line(&a, " line  equation                                               ", out);
    for (size_t e = 1; e <= s->graph->equations.len; e++)
        put_equation_line(&a, e, out);
    if (s->plan->steps.len > 0) {
        ftl_strbuf_putc(out, '\n');
        put_head_line(&a, " step  kind      of                     shape                 ", out);
    }
    for (size_t i = 0; i < s->plan->steps.len; i++)
        put_step_line(&a, i, out);
    ftl_strbuf_printf(out, "\ntotal: %.3g flops, %s moved", a.total.flops,
                      format_bytes(out->arena, a.total.bytes));
    if (a.total.seconds > 0)
        ftl_strbuf_printf(out, "; %.1f us in steps a run, %.3g GFLOP/s", a.total.seconds * 1e6,
                          a.total.flops / a.total.seconds * 1e-9);
    ftl_strbuf_putc(out, '\n');
}

/* ---- JSON ---- */

static void put_json_number(ftl_strbuf *out, const char *name, double x)
{
    char text[40];
    ftl_format_double(text, sizeof(text), 12, x);
    ftl_strbuf_printf(out, "\"%s\": %s", name, text);
}

static void put_json_figures(ftl_strbuf *out, double flops, double bytes, double seconds)
{
    put_json_number(out, "flops", flops);
    ftl_strbuf_puts(out, ", ");
    put_json_number(out, "bytes", bytes);
    ftl_strbuf_puts(out, ", ");
    put_json_number(out, "seconds", seconds);
}

static void put_json_equation(const account *a, size_t e, ftl_strbuf *out)
{
    const ftl_origin *o = &a->s->graph->equations.data[e - 1];
    const figures *f = &a->equation[e];
    unsigned line, col;
    ftl_diags_locate(&a->s->diags, o->span, &line, &col);
    ftl_strbuf_puts(out, "  {\"head\": ");
    ftl_strbuf_put_json(out, o->head);
    ftl_strbuf_puts(out, ", \"text\": ");
    ftl_strbuf_put_json(out, o->text);
    ftl_strbuf_puts(out, ", \"file\": ");
    ftl_strbuf_put_json(out, o->span.file ? a->s->diags.sources.data[o->span.file - 1].name : "");
    ftl_strbuf_printf(out, ", \"line\": %u, ", line);
    put_json_figures(out, f->flops, f->bytes, f->seconds);
    ftl_strbuf_printf(out, ", \"steps\": %zu}", f->steps);
}

static void put_json_index(void *user, uint32_t equation)
{
    ftl_strbuf *out = user;
    ftl_strbuf_printf(out, "%s%u", out->len ? ", " : "", equation - 1);
}

static void put_json_step(const account *a, size_t i, ftl_strbuf *out)
{
    const ftl_step *step = &a->s->plan->steps.data[i];
    const ftl_value *v = get_main_value(step);
    ftl_strbuf numbers;
    ftl_strbuf_init(&numbers, a->arena);
    visit_equations(a, step, put_json_index, &numbers);
    ftl_strbuf_printf(out, "  {\"kind\": \"%s\", \"equations\": [%s], \"operations\": [",
                      name_kind(step->kind), ftl_strbuf_get(&numbers));
    for (size_t k = 0; k < step->members.len; k++)
        ftl_strbuf_printf(out, "%s\"%s\"", k ? ", " : "",
                          ftl_opcode_get_name(step->members.data[k]->op));
    ftl_strbuf_printf(out, "], \"dtype\": \"%s\", \"shape\": ",
                      v ? ftl_dtype_get_name(v->dtype) : "");
    put_shape(out, v);
    ftl_strbuf_puts(out, ", ");
    put_json_figures(out, get_ratio(a, i) * step->flops, get_ratio(a, i) * step->bytes,
                     get_seconds(a, i));
    if (get_loop(a, i))
        ftl_strbuf_printf(out, ", \"rounds\": %.0f", get_step_rounds(a, i));
    if (get_step_text(a->s, i)) {
        ftl_strbuf_puts(out, ", \"product\": ");
        ftl_strbuf_put_json(out, get_step_text(a->s, i));
    }
    ftl_strbuf_printf(out, ", \"runs\": %llu}", (unsigned long long)a->stats[i].runs);
}

void ftl_run_explain_json(const ftl_session *s, ftl_strbuf *out)
{
    account a = make_account(s, out->arena);
    ftl_strbuf_puts(out, "{\"schema\": \"fuse.explain\", \"version\": 1,\n \"program\": ");
    ftl_strbuf_put_json(out, s->name);
    ftl_strbuf_printf(out, ", \"backend\": \"%s\", \"precision\": \"%s\",\n ", s->backend->name,
                      name_precision(s));
    put_json_number(out, "compile_seconds", s->compile_seconds);
    ftl_strbuf_printf(out, ", \"runs\": %llu, ", (unsigned long long)s->runs);
    put_json_number(out, "run_seconds", s->run_seconds);
    ftl_strbuf_printf(out, ",\n \"arena_bytes\": %zu, \"live_bytes\": %zu,\n \"total\": {",
                      s->plan->arena_size, s->plan->live_peak);
    put_json_figures(out, a.total.flops, a.total.bytes, a.total.seconds);
    ftl_strbuf_puts(out, "},\n \"equations\": [");
    for (size_t e = 1; e <= s->graph->equations.len; e++) {
        ftl_strbuf_puts(out, e > 1 ? ",\n" : "\n");
        put_json_equation(&a, e, out);
    }
    ftl_strbuf_puts(out, "],\n \"steps\": [");
    for (size_t i = 0; i < s->plan->steps.len; i++) {
        ftl_strbuf_puts(out, i ? ",\n" : "\n");
        put_json_step(&a, i, out);
    }
    ftl_strbuf_puts(out, "]}\n");
}
