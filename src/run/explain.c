/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan for people and for programs: steps with their equation, cost, bytes and, after profiled
 * runs, time.
 */
#include "run/session.h"

static const char *kind_name(ftl_step_kind kind)
{
    switch (kind) {
    case FTL_STEP_CONTRACT:
        return "contract";
    case FTL_STEP_NEST:
        return "nest";
    case FTL_STEP_OP:
        return "op";
    case FTL_STEP_LOOP:
        return "loop";
    }
    return "?";
}

static const ftl_value *main_value(const ftl_step *step)
{
    if (step->contract)
        return step->contract;
    if (step->roots.len)
        return step->roots.data[step->roots.len - 1];
    return step->members.len ? step->members.data[step->members.len - 1] : NULL;
}

/* Heads of the equations that a step computes, joined by commas. */
static const char *heads_of(ftl_session *s, const ftl_step *step)
{
    ftl_strbuf sb;
    uint32_t last = 0;
    size_t shown = 0;
    ftl_strbuf_init(&sb, &s->arena);
    for (size_t i = 0; i < step->members.len && shown < 6; i++) {
        uint32_t equation = step->members.data[i]->equation;
        const ftl_origin *o = ftl_graph_find_origin(s->graph, equation);
        if (!o || equation == last)
            continue;
        ftl_strbuf_printf(&sb, "%s%s", shown++ ? ", " : "", o->head);
        last = equation;
    }
    return ftl_strbuf_get(&sb);
}

static void put_shape(ftl_strbuf *out, const ftl_value *v)
{
    ftl_strbuf_putc(out, '[');
    for (uint32_t k = 0; v && k < v->rank; k++)
        ftl_strbuf_printf(out, "%s%lld", k ? ", " : "", (long long)v->shape[k]);
    ftl_strbuf_putc(out, ']');
}

static const char *shape_text(ftl_session *s, const ftl_value *v)
{
    ftl_strbuf sb;
    ftl_strbuf_init(&sb, &s->arena);
    put_shape(&sb, v);
    return ftl_strbuf_get(&sb);
}

static ftl_step_stats *take_stats(ftl_session *s)
{
    ftl_step_stats *stats = FTL_NEW_ARRAY(&s->arena, ftl_step_stats, s->plan->steps.len + 1);
    if (s->exec)
        s->backend->get_stats(s->exec, stats);
    return stats;
}

static const char *bytes_text(ftl_session *s, double bytes)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
    size_t u = 0;
    while (bytes >= 10000 && u + 1 < FTL_COUNT(units)) {
        bytes /= 1000;
        u++;
    }
    return ftl_arena_printf(&s->arena, "%.0f %s", bytes, units[u]);
}

void ftl_run_explain_text(ftl_session *s, ftl_strbuf *out)
{
    const ftl_step_stats *stats = take_stats(s);
    double flops = 0, bytes = 0, seconds = 0;
    ftl_strbuf_printf(out, "backend %s, precision %s, %zu values in %zu steps\n", s->backend->name,
                      s->options.lower.storage == FTL_DTYPE_F64    ? "fp64"
                      : s->options.lower.storage == FTL_DTYPE_F16  ? "fp16"
                      : s->options.lower.storage == FTL_DTYPE_BF16 ? "bf16"
                                                                   : "fp32",
                      s->graph->values.len, s->plan->steps.len);
    ftl_strbuf_printf(out, "memory: run arena %s, live values at most %s; compiled in %.3f ms\n\n",
                      bytes_text(s, (double)s->plan->arena_size),
                      bytes_text(s, (double)s->plan->live_peak), s->compile_seconds * 1e3);
    ftl_strbuf_printf(out, "%4s  %-9s %-24s %-20s %12s %10s %10s\n", "step", "kind", "equations",
                      "shape", "flops", "bytes", "us a run");
    for (size_t i = 0; i < s->plan->steps.len; i++) {
        const ftl_step *step = &s->plan->steps.data[i];
        double us = stats[i].runs ? stats[i].seconds / (double)stats[i].runs * 1e6 : 0;
        ftl_strbuf_printf(out, "%4zu  %-9s %-24.24s %-20s %12.3g %10s", i, kind_name(step->kind),
                          heads_of(s, step), shape_text(s, main_value(step)), step->flops,
                          bytes_text(s, step->bytes));
        if (stats[i].runs)
            ftl_strbuf_printf(out, " %10.1f", us);
        ftl_strbuf_putc(out, '\n');
        flops += step->flops;
        bytes += step->bytes;
        seconds += us * 1e-6;
    }
    ftl_strbuf_printf(out, "\ntotal %.3g flops, %s moved", flops, bytes_text(s, bytes));
    if (seconds > 0)
        ftl_strbuf_printf(out, ", %.1f us a run, %.3g GFLOP/s", seconds * 1e6,
                          flops / seconds * 1e-9);
    ftl_strbuf_putc(out, '\n');
}

static void put_json_text(ftl_strbuf *out, const char *text)
{
    ftl_strbuf_putc(out, '"');
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            ftl_strbuf_putc(out, '\\');
        if ((unsigned char)*p < 0x20)
            ftl_strbuf_printf(out, "\\u%04x", (unsigned)*p);
        else
            ftl_strbuf_putc(out, *p);
    }
    ftl_strbuf_putc(out, '"');
}

void ftl_run_explain_json(ftl_session *s, ftl_strbuf *out)
{
    const ftl_step_stats *stats = take_stats(s);
    ftl_strbuf_printf(out,
                      "{\"backend\": \"%s\", \"arena_bytes\": %zu, \"live_bytes\": %zu, "
                      "\"compile_seconds\": %.9f,\n",
                      s->backend->name, s->plan->arena_size, s->plan->live_peak,
                      s->compile_seconds);
    ftl_strbuf_puts(out, " \"steps\": [");
    for (size_t i = 0; i < s->plan->steps.len; i++) {
        const ftl_step *step = &s->plan->steps.data[i];
        ftl_strbuf_printf(out, "%s\n  {\"kind\": \"%s\", \"equations\": ", i ? "," : "",
                          kind_name(step->kind));
        put_json_text(out, heads_of(s, step));
        ftl_strbuf_puts(out, ", \"shape\": ");
        put_shape(out, main_value(step));
        ftl_strbuf_printf(
            out, ", \"flops\": %.17g, \"bytes\": %.17g, \"runs\": %llu, \"seconds\": %.9f}",
            step->flops, step->bytes, (unsigned long long)stats[i].runs, stats[i].seconds);
    }
    ftl_strbuf_puts(out, "]}\n");
}
