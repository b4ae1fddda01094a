/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans as text, for tests and for people:
 *   2 contract %7 in alias %9 -> %9 in arena 0+4096
 *       axes 32 32
 *       %3 read [1]
 *       *%9 add [0 1] #1 #0
 * A step with what it writes and where, then its nest: extents ('r' reduced), each node with its
 * axes and operands ('*' written to its place).
 */
#include "plan/plan.h"

static void put_place(const ftl_place *p, ftl_strbuf *out)
{
    static const char *const names[] = {"none", "input", "const", "arena", "output", "alias",
                                        "param"};
    ftl_strbuf_puts(out, names[p->kind]);
    if (p->kind == FTL_PLACE_ARENA)
        ftl_strbuf_printf(out, " %zu+%zu", p->offset, p->size);
    else if (p->kind == FTL_PLACE_ALIAS)
        ftl_strbuf_printf(out, " %%%u%s", p->of->id, p->strides ? " strided" : "");
    else if (p->kind != FTL_PLACE_CONST)
        ftl_strbuf_printf(out, " %u", p->slot);
}

static void put_node(const ftl_nest_node *n, ftl_strbuf *out)
{
    ftl_strbuf_printf(out, "    %s%%%u %s%s", n->is_root ? "*" : "", n->value->id,
                      n->is_read ? "read" : ftl_opcode_get_name(n->value->op), " [");
    for (uint32_t k = 0; k < n->value->rank; k++) {
        if (n->axis[k] == FTL_NEST_NONE)
            ftl_strbuf_puts(out, k ? " ." : ".");
        else
            ftl_strbuf_printf(out, "%s%u", k ? " " : "", n->axis[k]);
    }
    ftl_strbuf_putc(out, ']');
    for (uint32_t k = 0; k < n->n_in; k++)
        ftl_strbuf_printf(out, " #%u", n->in[k]);
    ftl_strbuf_putc(out, '\n');
}

static void put_nest(const ftl_nest *nest, ftl_strbuf *out)
{
    ftl_strbuf_puts(out, "    axes");
    for (uint32_t a = 0; a < nest->n_axes; a++)
        ftl_strbuf_printf(out, " %lld%s", (long long)nest->extent[a],
                          nest->reduced >> a & 1 ? "r" : "");
    ftl_strbuf_putc(out, '\n');
    for (size_t i = 0; i < nest->nodes.len; i++)
        put_node(&nest->nodes.data[i], out);
}

void ftl_plan_dump(const ftl_plan *plan, ftl_strbuf *out)
{
    static const char *const kinds[] = {"contract", "nest", "op", "loop"};
    for (size_t s = 0; s < plan->steps.len; s++) {
        const ftl_step *step = &plan->steps.data[s];
        ftl_strbuf_printf(out, "%zu %s", s, kinds[step->kind]);
        if (step->contract) {
            ftl_strbuf_printf(out, " %%%u in ", step->contract->id);
            put_place(&step->sums, out);
        }
        ftl_strbuf_puts(out, " ->");
        for (size_t i = 0; i < step->roots.len; i++) {
            ftl_strbuf_printf(out, " %%%u in ", step->roots.data[i]->id);
            put_place(&plan->places[step->roots.data[i]->id], out);
        }
        ftl_strbuf_putc(out, '\n');
        if (step->nest)
            put_nest(step->nest, out);
        if (step->body) {
            ftl_strbuf_puts(out, "  body:\n");
            ftl_plan_dump(step->body, out);
            ftl_strbuf_puts(out, "  end\n");
        }
    }
}
