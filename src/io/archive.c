/* SPDX-License-Identifier: Apache-2.0 */
#include "io/archive.h"

#include <stdio.h>

#define SHOWN 8 /* names in a message */

static bool is_called(const char *name, const char *text)
{
    size_t len = strlen(text);
    return strncmp(name, text, len) == 0 && (name[len] == '\0' || strcmp(name + len, ".npy") == 0);
}

/* A name that is equal goes before one that has .npy behind it. */
static bool find_name(const char *const *names, size_t n, const char *text, size_t *out)
{
    bool found = false;
    for (size_t i = 0; text && i < n; i++) {
        if (!is_called(names[i], text) || (found && strcmp(names[i], text) != 0))
            continue;
        found = true;
        *out = i;
    }
    return found;
}

static void list_names(const char *const *names, size_t n, char *out, size_t size)
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n && i < SHOWN && at + 40 < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%.24s", i > 0 ? ", " : "", names[i]);
    if (n > SHOWN)
        snprintf(out + at, size - at, " and %zu more", n - SHOWN);
}

ftl_status ftl_wanted_find(const ftl_wanted *wanted, ftl_file *f, const char *const *names,
                           size_t n, size_t *out)
{
    char list[300];
    if (n == 0)
        return ftl_file_fail(f, "holds no tensor");
    if (find_name(names, n, wanted->member ? wanted->member : wanted->name, out))
        return FTL_OK;
    *out = 0;
    if (!wanted->member && (n == 1 || find_name(names, n, wanted->fallback, out)))
        return FTL_OK;
    list_names(names, n, list, sizeof(list));
    const char *text = wanted->member ? wanted->member : wanted->name;
    return text ? ftl_file_fail(f, "has no member '%.60s'; it has %s", text, list)
                : ftl_file_fail(f, "has several members, name one of them with #: %s", list);
}
