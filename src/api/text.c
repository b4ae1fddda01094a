/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies of fusetl.h: texts, statuses, the list of backends.
 */
#include "api/api.h"

const char *ftl_get_version(void)
{
    return FTL_VERSION;
}

const char *ftl_status_get_text(ftl_status status)
{
    switch (status) {
    case FTL_OK:
        return "ok";
    case FTL_ERR_PROGRAM:
        return "the program or its data is wrong";
    case FTL_ERR_USAGE:
        return "an argument is wrong";
    case FTL_ERR_IO:
        return "a file could not be read or written";
    case FTL_ERR_MEMORY:
        return "out of memory";
    case FTL_ERR_UNSUPPORTED:
        return "not supported here";
    case FTL_ERR_INTERRUPTED:
        return "interrupted";
    case FTL_ERR_INTERNAL:
        return "a fault of the library";
    }
    return "unknown status";
}

/* ---- texts for the caller: one block, which begins with how to free it ---- */

typedef union text_block {
    struct {
        ftl_allocator alloc;
        size_t size;
    } head;
    char align[64];
} text_block;

ftl_status ftl_api_copy_text(const ftl_allocator *alloc, const char *text, char **out)
{
    size_t n = strlen(text) + 1;
    alloc = alloc ? alloc : ftl_allocator_get_default();
    text_block *block = ftl_mem_alloc(alloc, sizeof(*block) + n);
    if (!block)
        return FTL_ERR_MEMORY;
    block->head.alloc = *alloc;
    block->head.size = sizeof(*block) + n;
    *out = memcpy(block + 1, text, n);
    return FTL_OK;
}

void ftl_text_free(char *text)
{
    if (!text)
        return;
    text_block *block = (text_block *)(void *)text - 1;
    ftl_allocator alloc = block->head.alloc;
    ftl_mem_free(&alloc, block, block->head.size);
}

typedef struct making {
    ftl_api_text *w;
    ftl_arena arena;
    char **out;
} making;

static ftl_status make(void *p)
{
    making *m = p;
    ftl_strbuf sb;
    ftl_strbuf_init(&sb, &m->arena);
    FTL_TRY(m->w->write(m->w, &sb));
    return ftl_api_copy_text(m->w->alloc, ftl_strbuf_get(&sb), m->out);
}

ftl_status ftl_api_make_text(ftl_api_text *w, char **out)
{
    making m = {.w = w, .out = out};
    if (!w->alloc)
        w->alloc = ftl_allocator_get_default();
    ftl_arena_init(&m.arena, w->alloc);
    ftl_status status = ftl_arena_run(&m.arena, make, &m);
    ftl_arena_fini(&m.arena);
    return status;
}

/* ---- backends ---- */

typedef struct backend_row {
    const char *name, *alias, *version, *detail; /* alias: may be null */
    bool is_present;
} backend_row;

static void put_json(ftl_strbuf *sb, const backend_row *row)
{
    ftl_strbuf_printf(sb, "{\"name\": \"%s\", \"alias\": ", row->name);
    if (row->alias)
        ftl_strbuf_printf(sb, "\"%s\"", row->alias);
    else
        ftl_strbuf_puts(sb, "null");
    ftl_strbuf_printf(sb, ", \"present\": %s, \"version\": ", row->is_present ? "true" : "false");
    ftl_strbuf_put_json(sb, row->version);
    ftl_strbuf_puts(sb, ", \"detail\": ");
    ftl_strbuf_put_json(sb, row->detail);
    ftl_strbuf_putc(sb, '}');
}

static void put_row(ftl_strbuf *sb, bool json, const backend_row *row)
{
    if (json && sb->len > 1)
        ftl_strbuf_puts(sb, ",\n ");
    if (json)
        put_json(sb, row);
    else
        ftl_strbuf_printf(sb, "%-8s %-8s %-10s %s\n", row->name,
                          row->is_present ? "present" : "absent",
                          row->version[0] ? row->version : "-", row->detail);
}

static ftl_status put_backends(ftl_api_text *w, ftl_strbuf *sb)
{
    bool json = w->index != 0;
    const ftl_backend *b;
    const ftl_backend_absent *lacks;
    ftl_strbuf_puts(sb, json ? "[" : "");
    for (size_t i = 0; (b = ftl_backend_get(i)); i++) {
        ftl_backend_info info = {0};
        b->get_info(&info);
        put_row(sb, json, &(backend_row){b->name, b->alias, info.version, info.detail,
                                         info.is_present});
    }
    for (size_t i = 0; (lacks = ftl_backend_get_absent(i)); i++)
        put_row(sb, json, &(backend_row){lacks->name, NULL, "", lacks->reason, false});
    ftl_strbuf_puts(sb, json ? "]\n" : "");
    return FTL_OK;
}

ftl_status ftl_list_backends(const char *format, char **out)
{
    bool json = format && strcmp(format, "json") == 0;
    if (!out || (format && !json && strcmp(format, "text") != 0))
        return FTL_ERR_USAGE;
    ftl_api_text w = {.write = put_backends, .index = json};
    return ftl_api_make_text(&w, out);
}
