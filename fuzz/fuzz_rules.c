/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text is rules or gives diagnostics. Rules that were read are checked, have strata, and their
 * dump reads back as equal rules.
 */
#include "fuzz.h"

#include "ir/rules.h"

typedef struct session {
    ftl_arena arena;
    ftl_intern names;
    ftl_diags diags;
    const uint8_t *data;
    size_t size;
} session;

static ftl_rules *read_rules(session *s, const char *text, size_t len)
{
    uint32_t file = ftl_diags_add_source(&s->diags, "fuzz.rules", text, len);
    return ftl_rules_read(&s->arena, &s->names, &s->diags, file);
}

static void check_strata(session *s, const ftl_rules *r)
{
    ftl_rules_strata strata = ftl_rules_find_strata(r, &s->arena);
    size_t rules = 0;
    for (size_t i = 0; i < strata.len; i++) {
        fuzz_require(strata.data[i].relations.len > 0, "a stratum has relations");
        rules += strata.data[i].rules.len;
    }
    fuzz_require(rules == r->rules.len, "each rule is in one stratum");
}

static void check_text(session *s, const char *text, size_t len)
{
    ftl_rules *r = read_rules(s, text, len);
    if (r == NULL) {
        fuzz_require(s->diags.errors > 0, "a refusal has a message");
        return;
    }
    fuzz_require(s->diags.errors == 0, "what is read has no errors");
    fuzz_require(ftl_rules_check(r, &s->arena) == NULL, "rules that were read are checked");
    check_strata(s, r);
    ftl_strbuf dump;
    ftl_strbuf_init(&dump, &s->arena);
    ftl_rules_dump(r, &dump);
    ftl_rules *again = read_rules(s, ftl_strbuf_get(&dump), dump.len);
    fuzz_require(again != NULL, "a dump reads back");
    fuzz_require(ftl_rules_is_equal(r, again), "a dump reads back as equal rules");
}

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
