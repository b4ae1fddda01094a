/* SPDX-License-Identifier: Apache-2.0
 *
 * Places: which bytes hold which value, when. Inside of the plan room only.
 */
#ifndef FTL_PLAN_BUFFER_H
#define FTL_PLAN_BUFFER_H

#include "plan/fuse.h"

/* Bytes that one value after another lives in. */
typedef struct ftl_buffer {
    ftl_place_kind kind; /* ARENA, OUTPUT, PARAM (carried, of a body); NONE: no buffer */
    uint32_t slot;       /* OUTPUT, PARAM */
    size_t size;
    uint32_t first, last; /* steps, both included */
    const ftl_value *now; /* the value in it at last */
    size_t offset;        /* ARENA: filled in by ftl_buffer_pack */
} ftl_buffer;

typedef FTL_VEC(ftl_buffer) ftl_buffers;

/* Gives every value of the plan a place, and LOOP steps theirs. loop: what the graph is the body
 * of, or null. */
void ftl_buffer_plan(ftl_arena *arena, ftl_plan *plan, const ftl_use *uses, const ftl_loop *loop);

/* ---- inplace.c ---- */

/* True when root `root` of the nest may be written over the bytes that node `from` reads: every
 * read of these bytes is at the very place that is written, and comes before. */
bool ftl_buffer_can_overwrite(const ftl_nest *nest, uint32_t root, uint32_t from);

/* ---- pack.c ---- */

/* Offsets for the ARENA buffers among n steps; buffers whose steps overlap do not overlap. Gives
 * the bytes needed, and in *live_peak the largest sum of sizes (OUTPUT included) at one step. */
size_t ftl_buffer_pack(ftl_arena *arena, ftl_buffers *buffers, size_t n_steps, size_t *live_peak);

#endif
