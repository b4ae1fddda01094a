/* SPDX-License-Identifier: Apache-2.0
 *
 * May a nest write a result over an operand? Each element that is read must be read, for the last
 * time, by what leads to the element that is written at its place. So every node that uses the
 * operand's read must lead to the root, no later pass over a row may want what is made of it, and
 * the root must not be computed anew for each place of an axis that it lacks.
 */
#include "plan/buffer.h"

/* passes[i]: how many passes over the reduced axes end before node i can be computed. */
static void count_passes(const ftl_nest *nest, uint8_t *passes)
{
    for (size_t i = 0; i < nest->nodes.len; i++) {
        const ftl_nest_node *n = &nest->nodes.data[i];
        passes[i] = 0;
        for (uint32_t k = 0; k < n->n_in; k++) {
            uint32_t j = n->in[k];
            uint8_t after = (uint8_t)(passes[j] + ftl_nest_node_is_sum(&nest->nodes.data[j]));
            passes[i] = after > passes[i] ? after : passes[i];
        }
    }
}

/* leads[i]: root depends on node i. */
static void mark_operands(const ftl_nest *nest, uint32_t root, bool *leads)
{
    memset(leads, 0, nest->nodes.len * sizeof *leads);
    leads[root] = true;
    for (size_t i = root + 1; i-- > 0;) {
        const ftl_nest_node *n = &nest->nodes.data[i];
        for (uint32_t k = 0; leads[i] && k < n->n_in; k++)
            leads[n->in[k]] = true;
    }
}

/* redone[i]: node i may be computed from a new read of node `from` in the pass that wants it. */
static void mark_redone(const ftl_nest *nest, uint32_t from, bool *redone)
{
    memset(redone, 0, nest->nodes.len * sizeof *redone);
    redone[from] = true;
    for (size_t i = from + 1; i < nest->nodes.len; i++) {
        const ftl_nest_node *n = &nest->nodes.data[i];
        for (uint32_t k = 0; k < n->n_in; k++)
            if (redone[n->in[k]] && !ftl_nest_node_is_sum(&nest->nodes.data[n->in[k]]))
                redone[i] = true;
    }
}

static uint64_t get_axes(const ftl_nest *nest, const ftl_nest_node *n)
{
    uint64_t axes = 0;
    for (uint32_t k = 0; k < n->value->rank; k++)
        if (n->axis[k] != FTL_NEST_NONE && nest->extent[n->axis[k]] != 1)
            axes |= (uint64_t)1 << n->axis[k];
    return axes;
}

/* True for a node that runs along some reduced axes but not along all: it is computed again and
 * again. One that runs along none is computed once for a row. */
static bool is_repeated(const ftl_nest *nest, uint32_t node)
{
    uint64_t reduced = 0, axes = get_axes(nest, &nest->nodes.data[node]);
    for (uint32_t a = 0; a < nest->n_axes; a++)
        if ((nest->reduced >> a & 1) && nest->extent[a] != 1)
            reduced |= (uint64_t)1 << a;
    return (axes & reduced) != 0 && (axes & reduced) != reduced;
}

bool ftl_buffer_can_overwrite(const ftl_nest *nest, uint32_t root, uint32_t from)
{
    uint8_t passes[FTL_NEST_MAX_NODES];
    bool leads[FTL_NEST_MAX_NODES], redone[FTL_NEST_MAX_NODES];
    count_passes(nest, passes);
    mark_operands(nest, root, leads);
    mark_redone(nest, from, redone);
    for (size_t i = 0; i < nest->nodes.len; i++) {
        const ftl_nest_node *n = &nest->nodes.data[i];
        if (redone[i] && passes[i] > passes[root])
            return false;
        for (uint32_t k = 0; k < n->n_in; k++)
            if (n->in[k] == from && !leads[i])
                return false;
    }
    return leads[from] && !is_repeated(nest, root) &&
           !ftl_nest_node_is_sum(&nest->nodes.data[root]);
}
