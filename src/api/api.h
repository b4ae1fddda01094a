/* SPDX-License-Identifier: Apache-2.0
 *
 * api: the bodies of fusetl.h: argument checks, status mapping, nothing else.
 */
#ifndef FTL_API_H
#define FTL_API_H

#include "fusetl.h"
#include "run/session.h"

/* A parsed program. Immutable once made: other threads may read it. */
struct ftl_program {
    ftl_allocator alloc;
    ftl_arena arena;
    const char *name, *text; /* in arena, as are all below */
    size_t len;
    ftl_intern names;
    ftl_diags diags;
    ftl_tree *tree;
    const char *rendered; /* never null */
};

struct ftl_runner {
    ftl_session *session;
};

/* A copy for the caller, from alloc (null: the C heap), to be freed with ftl_text_free. */
ftl_status ftl_api_copy_text(const ftl_allocator *alloc, const char *text, char **out);

/* Makes a text in an arena of its own and gives the caller a copy. */
typedef struct ftl_api_text {
    const ftl_allocator *alloc;
    ftl_status (*write)(struct ftl_api_text *w, ftl_strbuf *out);
    const void *subject;
    size_t index;
} ftl_api_text;
ftl_status ftl_api_make_text(ftl_api_text *w, char **out);

#endif
