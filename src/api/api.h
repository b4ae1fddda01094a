/* SPDX-License-Identifier: Apache-2.0
 *
 * api: the bodies of fusetl.h: argument checks, status mapping, nothing else.
 */
#ifndef FTL_API_H
#define FTL_API_H

#include "fusetl.h"
#include "run/session.h"

struct ftl_program {
    ftl_allocator alloc;
    ftl_arena arena;
    jmp_buf guard;
    const char *name, *text;
    size_t len;
    ftl_intern names;
    ftl_diags diags;
    ftl_tree *tree;
    const char *rendered;
};

struct ftl_runner {
    ftl_session *session;
};

/* A copy for the caller, to be freed with ftl_text_free. */
ftl_status api_copy_text(const char *text, char **out);

#endif
