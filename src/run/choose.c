/* SPDX-License-Identifier: Apache-2.0
 *
 * Which backend runs a session. When the configuration leaves a choice, a note says what was
 * chosen and why the ones before it were not.
 */
#include "run/session.h"

/* Null when the backend can be used, else why not. */
static const char *find_obstacle(ftl_session *s, const ftl_backend *b)
{
    ftl_backend_info info = {0};
    if (!b)
        return "is not in this version";
    b->get_info(&info);
    return info.is_present ? NULL
                           : ftl_arena_printf(&s->arena, "is not installed: %s", info.detail);
}

static void put_known(ftl_session *s, ftl_diag *d)
{
    ftl_strbuf known;
    const ftl_backend *b;
    ftl_strbuf_init(&known, &s->arena);
    for (size_t i = 0; (b = ftl_backend_get(i)); i++)
        ftl_strbuf_printf(&known, "%s%s", i ? ", " : "", b->name);
    ftl_diag_hint(&s->diags, d, "this version has %s", ftl_strbuf_get(&known));
}

static const ftl_backend *choose_listed(ftl_session *s, const char *list)
{
    ftl_strbuf passed;
    ftl_strbuf_init(&passed, &s->arena);
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, ",");
        const char *name = ftl_arena_strndup(&s->arena, p, n);
        const ftl_backend *b = ftl_backend_find(name);
        const char *why_not = find_obstacle(s, b);
        if (!why_not) {
            if (passed.len > 0)
                ftl_diag_tell(&s->diags, FTL_N_BACKEND, (ftl_span){0}, "backend %s: %s", b->name,
                              ftl_strbuf_get(&passed));
            return b;
        }
        ftl_strbuf_printf(&passed, "%s'%s' %s", passed.len ? ", " : "", name, why_not);
        p += n + (p[n] == ',');
    }
    ftl_diag *d = ftl_diag_error(&s->diags, FTL_E_OPTION, (ftl_span){0}, "no such backend: %s",
                                 passed.len ? ftl_strbuf_get(&passed) : "none is named");
    put_known(s, d);
    return NULL;
}

/* The oracle is for comparison: it is never chosen for somebody. */
static const ftl_backend *choose_any(ftl_session *s)
{
    const ftl_backend *b;
    for (size_t i = 0; (b = ftl_backend_get(i)); i++) {
        if (b == &ftl_backend_oracle || find_obstacle(s, b))
            continue;
        ftl_diag_tell(&s->diags, FTL_N_BACKEND, (ftl_span){0}, "backend %s: the first that is here",
                      b->name);
        return b;
    }
    ftl_diag_error(&s->diags, FTL_E_OPTION, (ftl_span){0}, "no backend is here");
    return NULL;
}

const ftl_backend *ftl_run_choose_backend(ftl_session *s)
{
    const char *list = s->config.backend ? s->config.backend : "native";
    return strcmp(list, "auto") == 0 ? choose_any(s) : choose_listed(s, list);
}
