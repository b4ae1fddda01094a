/* SPDX-License-Identifier: Apache-2.0
 *
 * What the targets that read texts share: a session with names and messages in an arena of
 * FUZZ_MEMORY bytes. A target includes this and defines check_text.
 */
#ifndef FTL_FUZZ_TEXT_H
#define FTL_FUZZ_TEXT_H

#include "fuzz.h"

#include "base/diag.h"

typedef struct session {
    ftl_arena arena;
    ftl_intern names;
    ftl_diags diags;
    const uint8_t *data;
    size_t size;
} session;

/* What holds for any text of len bytes; a NUL stands behind them. */
static void check_text(session *s, const char *text, size_t len);

static ftl_status check_input(void *p)
{
    session *s = p;
    ftl_intern_init(&s->names, &s->arena);
    ftl_diags_init(&s->diags, &s->arena);
    check_text(s, ftl_arena_strndup(&s->arena, (const char *)s->data, s->size), s->size);
    return FTL_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    session s = {.data = data, .size = size};
    ftl_arena_init(&s.arena, ftl_allocator_get_default());
    s.arena.limit = FUZZ_MEMORY;
    (void)ftl_arena_run(&s.arena, check_input, &s);
    ftl_arena_fini(&s.arena);
    return 0;
}

#endif
