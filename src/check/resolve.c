/* SPDX-License-Identifier: Apache-2.0
 *
 * The resolve stage: its order of work.
 */
#include "check/resolve.h"

uint64_t resolve_new_stamp(resolver *r)
{
    return ++r->n_stamps;
}

void resolve_mark(resolver *r, uint64_t stamp, const char *name)
{
    ftl_map_put(&r->stamps, FTL_KEY(name), stamp);
}

bool resolve_is_marked(const resolver *r, uint64_t stamp, const char *name)
{
    uint64_t found;
    return ftl_map_find(&r->stamps, FTL_KEY(name), &found) && found == stamp;
}

void ftl_check_resolve(ftl_model *m, const ftl_tree *tree)
{
    resolver r = {.m = m, .nothing = FTL_NEW(m->arena, ftl_source_info)};
    ftl_map_init(&r.stamps, m->arena);
    resolve_modules(&r, tree);
    resolve_declarations(&r);
    resolve_fns(&r);
    resolve_heads(&r);
    resolve_flatten(&r);
    resolve_outputs(&r);
    resolve_read_queries(&r);
    resolve_load(&r);
    resolve_symbols(&r);
    resolve_doubt_variables(&r);
    resolve_finish(&r);
    resolve_finish_queries(&r);
    resolve_doubt_outputs(&r);
}
