/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies of fusetl.h: configurations and programs.
 */
#include "api/api.h"

#define PROGRAM_LIMIT ((size_t)1 << 28) /* bytes of a program */

void ftl_config_init(ftl_config *config)
{
    if (config)
        *config = (ftl_config){
            .size = sizeof(ftl_config), .max_iters = -1, .tol = 1e-6, .samples = 1000};
}

/* ---- making ---- */

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
    *out = p;
    return FTL_OK;
}

/* What a program is made from; the texts are the caller's. */
typedef struct making {
    ftl_program *p;
    const char *name, *text;
    size_t len;
    const char *trouble; /* why there is no text, or null */
} making;

static ftl_status report_trouble(making *m)
{
    ftl_strbuf sb;
    ftl_strbuf_init(&sb, &m->p->arena);
    size_t n = strlen(m->name);
    if (strncmp(m->trouble, m->name, n) == 0 && strncmp(m->trouble + n, ": ", 2) == 0)
        m->trouble += n + 2; /* the message starts with the name already */
    ftl_diag_error(&m->p->diags, FTL_E_FILE, (ftl_span){0}, "%s", m->trouble);
    ftl_diags_render(&m->p->diags, &sb);
    m->p->rendered = ftl_strbuf_get(&sb);
    return FTL_ERR_IO;
}

static ftl_status parse(void *user)
{
    making *m = user;
    ftl_program *p = m->p;
    ftl_strbuf sb;
    p->name = ftl_arena_strdup(&p->arena, m->name);
    p->text = ftl_arena_strndup(&p->arena, m->text, m->len);
    p->len = m->len;
    ftl_intern_init(&p->names, &p->arena);
    ftl_diags_init(&p->diags, &p->arena);
    uint32_t file = ftl_diags_add_source(&p->diags, p->name, p->text, p->len);
    if (!m->trouble && memchr(m->text, '\0', m->len))
        m->trouble = "holds bytes of zero: it is data, and no text of a program";
    if (m->trouble)
        return report_trouble(m);
    p->tree = ftl_syntax_parse(&p->arena, &p->names, &p->diags, file);
    ftl_strbuf_init(&sb, &p->arena);
    ftl_diags_render(&p->diags, &sb);
    p->rendered = ftl_strbuf_get(&sb);
    return p->diags.errors ? FTL_ERR_PROGRAM : FTL_OK;
}

static ftl_status make(const ftl_allocator *alloc, making *m, ftl_program **out)
{
    FTL_TRY(make_program(alloc, out));
    m->p = *out;
    return ftl_arena_run(&m->p->arena, parse, m);
}

ftl_status ftl_program_parse(const ftl_allocator *alloc, const char *name, const char *text,
                             size_t len, ftl_program **out)
{
    if (!out)
        return FTL_ERR_USAGE;
    *out = NULL;
    if (!text && len)
        return FTL_ERR_USAGE;
    making m = {.name = name ? name : "program.fuse", .text = text ? text : "", .len = len};
    if (len > PROGRAM_LIMIT) {
        m.len = 0;
        m.trouble = "a program of more than 256 MiB is refused";
    }
    return make(alloc, &m, out);
}

ftl_status ftl_program_load(const ftl_allocator *alloc, const char *path, ftl_program **out)
{
    ftl_io_error error;
    if (!out)
        return FTL_ERR_USAGE;
    *out = NULL;
    if (!path)
        return FTL_ERR_USAGE;
    ftl_allocator copy = alloc ? *alloc : *ftl_allocator_get_default();
    ftl_read_options options = {.alloc = &copy, .memory_limit = PROGRAM_LIMIT};
    ftl_io_bytes bytes = {.alloc = &copy};
    ftl_status status = ftl_io_read_bytes(path, &options, &bytes, &error);
    if (status == FTL_ERR_MEMORY)
        return status;
    making m = {.name = path, .text = "", .trouble = status == FTL_OK ? NULL : error.message};
    if (status == FTL_OK) {
        m.text = bytes.data;
        m.len = bytes.len;
    }
    status = make(alloc, &m, out);
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

/* ---- asking ---- */

const char *ftl_program_get_diagnostics(const ftl_program *p)
{
    return p ? p->rendered : "";
}

static ftl_status format(ftl_api_text *w, ftl_strbuf *out)
{
    const ftl_program *p = w->subject;
    ftl_syntax_format(p->tree, &p->diags, out);
    return FTL_OK;
}

ftl_status ftl_program_format(const ftl_program *p, char **out)
{
    if (!p || !out)
        return FTL_ERR_USAGE;
    if (!p->tree || p->diags.errors)
        return FTL_ERR_PROGRAM;
    ftl_api_text w = {.alloc = &p->alloc, .write = format, .subject = p};
    return ftl_api_make_text(&w, out);
}
