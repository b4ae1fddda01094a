/* SPDX-License-Identifier: Apache-2.0
 *
 * The model as text: what fuse dump --after=check shows. Tensors in the order in which they are
 * computed, each equation with the extents of its axes and the axes it sums away; hidden ones are
 * indented further.
 */
#include "base/dtype.h"
#include "check/model.h"

/* W[3, 4] f32; Parent(Person 6, Person 6) bool */
static void put_tensor(const ftl_model *m, const ftl_tensor_decl *t, ftl_strbuf *out)
{
    bool brackets = t->rank + t->has_time > 0 || t->is_boolean;
    ftl_strbuf_puts(out, t->name);
    if (brackets)
        ftl_strbuf_putc(out, t->is_boolean ? '(' : '[');
    uint32_t dim = 0;
    for (uint32_t i = 0; i < t->rank + t->has_time; i++) {
        ftl_strbuf_puts(out, i > 0 ? ", " : "");
        if (t->has_time && i == t->time_place) {
            ftl_strbuf_puts(out, "*t");
            continue;
        }
        int32_t domain = t->domain[dim];
        if (domain >= 0 && m->domains.data[domain].name)
            ftl_strbuf_printf(out, "%s ", m->domains.data[domain].name);
        ftl_extent_put(out, t->extent[dim++]);
    }
    if (brackets)
        ftl_strbuf_putc(out, t->is_boolean ? ')' : ']');
    ftl_strbuf_printf(out, " %s", ftl_dtype_get_name(t->dtype));
    if (t->facts->count > 0)
        ftl_strbuf_printf(out, ", %lld fact%s", (long long)t->facts->count,
                          t->facts->count == 1 ? "" : "s");
}

static void put_axes(const ftl_equation *eq, ftl_strbuf *out)
{
    const char *before = "  # ";
    for (uint32_t i = 0; i < eq->axes.len; i++) {
        const ftl_axis *a = &eq->axes.data[i];
        bool summed = ftl_axes_has(eq->projected.data, (uint32_t)eq->projected.len, i);
        if (summed)
            continue;
        ftl_strbuf_printf(out, "%s%s ", before, a->name);
        ftl_extent_put(out, a->extent);
        before = ", ";
    }
    before = *before == ',' ? "; sums " : "  # sums ";
    for (size_t i = 0; i < eq->projected.len; i++) {
        const ftl_axis *a = &eq->axes.data[eq->projected.data[i]];
        ftl_strbuf_printf(out, "%s%s ", before, a->name);
        ftl_extent_put(out, a->extent);
        before = ", ";
    }
}

static void put_equations(const ftl_model *m, const ftl_tensor_decl *t, ftl_strbuf *out)
{
    for (size_t i = 0; i < t->equations.len; i++) {
        const ftl_equation *eq = &m->equations.data[t->equations.data[i]];
        ftl_strbuf_printf(out, "    %s", eq->text);
        put_axes(eq, out);
        ftl_strbuf_putc(out, '\n');
    }
}

static void put_scan(const ftl_group *g, size_t member, ftl_strbuf *out)
{
    for (uint32_t d = 0; d < g->n_scan; d++) {
        if (g->scan[d].place[member] == UINT32_MAX)
            continue;
        ftl_strbuf_printf(out, "%s place %u, ", d == 0 ? ", scan along" : " and",
                          g->scan[d].place[member] + 1);
        ftl_extent_put(out, g->scan[d].extent);
        ftl_strbuf_printf(out, " steps%s", g->scan[d].reverse ? " from the end" : "");
    }
}

static void put_group(const ftl_model *m, const ftl_group *g, ftl_strbuf *out)
{
    for (size_t i = 0; i < g->tensors.len; i++) {
        const ftl_tensor_decl *t = &m->tensors.data[g->tensors.data[i]];
        put_tensor(m, t, out);
        if (g->kind == FTL_GROUP_SCAN)
            put_scan(g, i, out);
        if (g->kind == FTL_GROUP_FIXPOINT)
            ftl_strbuf_printf(out, ", %s fixpoint", g->is_boolean ? "Boolean" : "numeric");
        if (g->kind != FTL_GROUP_SINGLE && g->tensors.len > 1)
            ftl_strbuf_printf(out, ", with %zu more", g->tensors.len - 1);
        ftl_strbuf_putc(out, '\n');
        put_equations(m, t, out);
    }
}

static void put_given(const ftl_model *m, const ftl_tensor_decl *t, ftl_strbuf *out)
{
    put_tensor(m, t, out);
    if (t->origin == FTL_ORIGIN_SOURCE)
        ftl_strbuf_printf(out, ", source \"%s\"", t->path);
    if (t->origin == FTL_ORIGIN_INPUT)
        ftl_strbuf_puts(out, ", input");
    if (t->origin == FTL_ORIGIN_UNKNOWN)
        ftl_strbuf_puts(out, ", awaited");
    if (t->source->is_tuples)
        ftl_strbuf_printf(out, ", %lld tuples", (long long)t->source->count);
    ftl_strbuf_putc(out, '\n');
}

static void put_outputs(const ftl_model *m, ftl_strbuf *out)
{
    for (size_t i = 0; i < m->exports.len; i++)
        ftl_strbuf_printf(out, "%s%s", i == 0 ? "export " : ", ", m->exports.data[i].name);
    if (m->exports.len > 0)
        ftl_strbuf_putc(out, '\n');
    for (size_t i = 0; i < m->sinks.len; i++)
        ftl_strbuf_printf(out, "\"%s\" = %s\n", m->sinks.data[i].path,
                          m->tensors.data[m->sinks.data[i].tensor].name);
    for (size_t i = 0; i < m->queries.len; i++)
        ftl_strbuf_printf(out, "%s?\n", m->queries.data[i].text);
}

void ftl_model_dump(const ftl_model *m, ftl_strbuf *out)
{
    for (size_t i = 0; i < m->domains.len; i++)
        if (m->domains.data[i].name)
            ftl_strbuf_printf(out, "domain %s, %zu symbols%s\n", m->domains.data[i].name,
                              m->domains.data[i].symbols.len,
                              m->domains.data[i].is_closed ? "" : " so far");
    for (size_t i = 0; i < m->tensors.len; i++)
        if (m->tensors.data[i].equations.len == 0 && !m->tensors.data[i].is_unused)
            put_given(m, &m->tensors.data[i], out);
    for (size_t i = 0; i < m->groups.len; i++)
        put_group(m, &m->groups.data[i], out);
    put_outputs(m, out);
}
