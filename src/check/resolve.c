/* SPDX-License-Identifier: Apache-2.0
 *
 * The resolve stage: its order of work.
 */
#include "check/resolve.h"

void ftl_check_resolve(ftl_model *m, const ftl_tree *tree)
{
    resolver r = {.m = m};
    resolve_modules(&r, tree);
    resolve_declarations(&r);
    resolve_fns(&r);
    resolve_heads(&r);
    resolve_flatten(&r);
    resolve_outputs(&r);
    resolve_read_queries(&r);
    resolve_load(&r);
    resolve_symbols(&r);
    resolve_finish(&r);
    resolve_finish_queries(&r);
}
