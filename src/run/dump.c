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

void ftl_run_dump_plan(const ftl_plan *plan, ftl_strbuf *out)
{
    ftl_graph_dump(plan->graph, out);
    ftl_strbuf_printf(out, "\n# arena %zu bytes, live values at most %zu\n", plan->arena_size,
                      plan->live_peak);
    ftl_plan_dump(plan, out);
}
