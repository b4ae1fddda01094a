/* SPDX-License-Identifier: Apache-2.0
 *
 * The passes that a dump can stop after, and the plan as text.
 */
#include "run/session.h"

static const char *const before[] = {"parse", "check", "lower"};

bool ftl_run_has_pass(const char *name)
{
    for (size_t i = 0; i < FTL_COUNT(before); i++)
        if (strcmp(before[i], name) == 0)
            return true;
    for (size_t i = 0; ftl_pass_get_name(i); i++)
        if (strcmp(ftl_pass_get_name(i), name) == 0)
            return true;
    return strcmp(name, "plan") == 0;
}

void ftl_run_list_passes(ftl_strbuf *out)
{
    for (size_t i = 0; i < FTL_COUNT(before); i++)
        ftl_strbuf_printf(out, "%s, ", before[i]);
    for (size_t i = 0; ftl_pass_get_name(i); i++)
        ftl_strbuf_printf(out, "%s, ", ftl_pass_get_name(i));
    ftl_strbuf_puts(out, "plan");
}

/* ---- the plan ---- */

static void put_place(const ftl_place *p, ftl_strbuf *out)
{
    switch (p->kind) {
    case FTL_PLACE_NONE:
        ftl_strbuf_puts(out, "nowhere");
        return;
    case FTL_PLACE_INPUT:
        ftl_strbuf_printf(out, "input %u", p->slot);
        return;
    case FTL_PLACE_CONST:
        ftl_strbuf_puts(out, "constant");
        return;
    case FTL_PLACE_ARENA:
        ftl_strbuf_printf(out, "arena %zu..%zu", p->offset, p->offset + p->size);
        return;
    case FTL_PLACE_OUTPUT:
        ftl_strbuf_printf(out, "output %u", p->slot);
        return;
    case FTL_PLACE_ALIAS:
        ftl_strbuf_printf(out, "in %%%u", p->of ? p->of->id : 0);
        return;
    case FTL_PLACE_PARAM:
        ftl_strbuf_printf(out, "param %u", p->slot);
        return;
    }
}

static const char *name_kind(ftl_step_kind kind)
{
    static const char *const names[] = {[FTL_STEP_CONTRACT] = "contract",
                                        [FTL_STEP_NEST] = "nest",
                                        [FTL_STEP_OP] = "op",
                                        [FTL_STEP_LOOP] = "loop"};
    return names[kind];
}

static void put_plan(const ftl_plan *plan, int depth, ftl_strbuf *out);

static void put_step(const ftl_plan *plan, size_t i, int depth, ftl_strbuf *out)
{
    const ftl_step *step = &plan->steps.data[i];
    ftl_strbuf_printf(out, "%*sstep %zu %s:", 2 * depth, "", i, name_kind(step->kind));
    for (size_t k = 0; k < step->members.len; k++)
        ftl_strbuf_printf(out, " %%%u", step->members.data[k]->id);
    for (size_t k = 0; k < step->roots.len; k++) {
        ftl_strbuf_printf(out, "%s%%%u to ", k ? ", " : "; ", step->roots.data[k]->id);
        put_place(&plan->places[step->roots.data[k]->id], out);
    }
    ftl_strbuf_putc(out, '\n');
    if (step->body)
        put_plan(step->body, depth + 1, out);
}

static void put_plan(const ftl_plan *plan, int depth, ftl_strbuf *out)
{
    for (size_t i = 0; i < plan->steps.len; i++)
        put_step(plan, i, depth, out);
}

void ftl_run_dump_plan(const ftl_plan *plan, ftl_strbuf *out)
{
    ftl_graph_dump(plan->graph, out);
    ftl_strbuf_printf(out, "\narena %zu bytes, live values at most %zu\n", plan->arena_size,
                      plan->live_peak);
    put_plan(plan, 0, out);
}
