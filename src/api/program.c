/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies of fusetl.h: programs, texts, statuses.
 */
#include "api/api.h"

#include <stdlib.h>

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
    case FTL_ERR_INTERNAL:
        return "a fault of the library";
    }
    return "unknown status";
}

ftl_status api_copy_text(const char *text, char **out)
{
    size_t n = strlen(text) + 1;
    char *copy = malloc(n);
    if (!copy)
        return FTL_ERR_MEMORY;
    memcpy(copy, text, n);
    *out = copy;
    return FTL_OK;
}

void ftl_text_free(char *text)
{
    free(text);
}

void ftl_config_init(ftl_config *config)
{
    *config =
        (ftl_config){.size = sizeof(ftl_config), .max_iters = -1, .tol = 1e-6, .samples = 1000};
}

/* ---- programs ---- */

static ftl_status parse_into(ftl_program *p)
{
    int failed = setjmp(p->guard);
    if (failed)
        return (ftl_status)failed;
    ftl_intern_init(&p->names, &p->arena);
    ftl_diags_init(&p->diags, &p->arena);
    uint32_t file = ftl_diags_add_source(&p->diags, p->name, p->text, p->len);
    p->tree = ftl_syntax_parse(&p->arena, &p->names, &p->diags, file);
    ftl_strbuf sb;
    ftl_strbuf_init(&sb, &p->arena);
    ftl_diags_render(&p->diags, &sb);
    p->rendered = ftl_strbuf_get(&sb);
    return p->diags.errors ? FTL_ERR_PROGRAM : FTL_OK;
}

static ftl_status make_program(const ftl_allocator *alloc, ftl_program **out)
{
    ftl_allocator copy = alloc ? *alloc : *ftl_allocator_get_default();
    ftl_program *p = ftl_mem_alloc(&copy, sizeof(*p));
    if (!p)
        return FTL_ERR_MEMORY;
    memset(p, 0, sizeof(*p));
    p->alloc = copy;
    p->rendered = "";
    ftl_arena_init(&p->arena, &p->alloc);
    p->arena.on_fail = &p->guard;
    *out = p;
    return FTL_OK;
}

static ftl_status keep_text(ftl_program *p, const char *name, const char *text, size_t len)
{
    int failed = setjmp(p->guard);
    if (failed)
        return (ftl_status)failed;
    p->name = ftl_arena_strdup(&p->arena, name ? name : "program.fuse");
    char *copy = ftl_arena_alloc(&p->arena, len + 1);
    if (len)
        memcpy(copy, text, len);
    p->text = copy;
    p->len = len;
    return FTL_OK;
}

ftl_status ftl_program_parse(const ftl_allocator *alloc, const char *name, const char *text,
                             size_t len, ftl_program **out)
{
    if (!out || (!text && len))
        return FTL_ERR_USAGE;
    *out = NULL;
    ftl_program *p;
    FTL_TRY(make_program(alloc, &p));
    *out = p;
    FTL_TRY(keep_text(p, name, text, len));
    return parse_into(p);
}

#define PROGRAM_LIMIT ((size_t)1 << 28) /* bytes of a program file */

static ftl_status report_file(ftl_program *p, const char *message)
{
    if (setjmp(p->guard))
        return FTL_ERR_MEMORY;
    p->rendered = ftl_arena_printf(&p->arena, "%s:1:1: error: %s [E%04d]\n", p->name, message,
                                   (int)FTL_E_FILE);
    return FTL_ERR_IO;
}

ftl_status ftl_program_load(const ftl_allocator *alloc, const char *path, ftl_program **out)
{
    ftl_io_error error;
    if (!out || !path)
        return FTL_ERR_USAGE;
    *out = NULL;
    ftl_allocator copy = alloc ? *alloc : *ftl_allocator_get_default();
    ftl_read_options options = {.alloc = &copy, .memory_limit = PROGRAM_LIMIT};
    ftl_io_bytes bytes = {.alloc = &copy};
    ftl_status status = ftl_io_read_bytes(path, &options, &bytes, &error);
    if (status != FTL_OK) {
        ftl_program *p;
        FTL_TRY(make_program(alloc, &p));
        *out = p;
        FTL_TRY(keep_text(p, path, "", 0));
        return status == FTL_ERR_MEMORY ? status : report_file(p, error.message);
    }
    status = ftl_program_parse(alloc, path, bytes.data, bytes.len, out);
    ftl_io_bytes_free(&bytes);
    return status;
}

void ftl_program_free(ftl_program *p)
{
    if (!p)
        return;
    ftl_allocator alloc = p->alloc;
    ftl_arena_fini(&p->arena);
    ftl_mem_free(&alloc, p, sizeof(*p));
}

const char *ftl_program_get_diagnostics(const ftl_program *p)
{
    return p ? p->rendered : "";
}

ftl_status ftl_program_format(const ftl_program *p, char **out)
{
    if (!p || !out || !p->tree || p->diags.errors)
        return FTL_ERR_USAGE;
    ftl_arena arena;
    jmp_buf guard;
    ftl_arena_init(&arena, &p->alloc);
    arena.on_fail = &guard;
    int failed = setjmp(guard);
    if (failed) {
        ftl_arena_fini(&arena);
        return (ftl_status)failed;
    }
    ftl_strbuf sb;
    ftl_strbuf_init(&sb, &arena);
    ftl_syntax_format(p->tree, &p->diags, &sb);
    ftl_status status = api_copy_text(ftl_strbuf_get(&sb), out);
    ftl_arena_fini(&arena);
    return status;
}

/* ---- backends ---- */

static void put_backend(ftl_strbuf *sb, const ftl_backend *b, bool json, bool first)
{
    ftl_backend_info info = {0};
    b->get_info(&info);
    if (json)
        ftl_strbuf_printf(sb,
                          "%s{\"name\": \"%s\", \"alias\": \"%s\", \"present\": %s, \"version\": "
                          "\"%s\", \"detail\": \"%s\"}",
                          first ? "" : ",\n ", b->name, b->alias ? b->alias : "",
                          info.is_present ? "true" : "false", info.version, info.detail);
    else
        ftl_strbuf_printf(sb, "%-8s %-8s %-10s %s\n", b->name,
                          info.is_present ? "present" : "absent", info.version, info.detail);
}

static void put_backends(ftl_strbuf *sb, bool json)
{
    ftl_strbuf_puts(sb, json ? "[" : "");
    for (size_t i = 0; ftl_backend_get(i); i++)
        put_backend(sb, ftl_backend_get(i), json, i == 0);
    ftl_strbuf_puts(sb, json ? "]\n" : "");
}

static ftl_status list_backends(bool json, char **out)
{
    ftl_arena arena;
    jmp_buf guard;
    ftl_strbuf sb;
    ftl_arena_init(&arena, ftl_allocator_get_default());
    arena.on_fail = &guard;
    int failed = setjmp(guard);
    if (failed) {
        ftl_arena_fini(&arena);
        return (ftl_status)failed;
    }
    ftl_strbuf_init(&sb, &arena);
    put_backends(&sb, json);
    ftl_status status = api_copy_text(ftl_strbuf_get(&sb), out);
    ftl_arena_fini(&arena);
    return status;
}

ftl_status ftl_list_backends(const char *format, char **out)
{
    bool json = format && strcmp(format, "json") == 0;
    if (!out || (format && !json && strcmp(format, "text") != 0))
        return FTL_ERR_USAGE;
    return list_backends(json, out);
}
