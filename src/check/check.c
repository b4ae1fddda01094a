/* SPDX-License-Identifier: Apache-2.0
 *
 * The pipeline of check.
 */
#include "check/model.h"

static ftl_model *make_model(ftl_arena *arena, ftl_intern *names, ftl_diags *diags,
                             const ftl_check_options *options)
{
    ftl_model *m = FTL_NEW(arena, ftl_model);
    m->arena = arena;
    m->names = names;
    m->diags = diags;
    m->options = *options;
    ftl_map_init(&m->tensor_by_name, arena);
    ftl_map_init(&m->axis_extent, arena);
    ftl_map_init(&m->axis_stmt, arena);
    ftl_map_init(&m->domain_by_name, arena);
    return m;
}

ftl_model *ftl_check_program(ftl_arena *arena, ftl_intern *names, ftl_diags *diags,
                             const ftl_tree *tree, const ftl_check_options *options)
{
    ftl_model *m = make_model(arena, names, diags, options);
    ftl_check_resolve(m, tree);
    ftl_check_axes(m);
    ftl_check_extents(m);
    ftl_check_groups(m);
    return m;
}
