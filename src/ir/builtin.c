/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/builtin.h"

#include <strings.h>

static const ftl_builtin_info infos[] = {
#define FTL_BUILTIN(name, text, class, min, max, keywords, doc)                                    \
    {text, FTL_BUILTIN_CLASS_##class, min, max, keywords, doc},
#define FTL_BUILTIN_ALIAS(alias, text)
#include "ir/builtin.def"
#undef FTL_BUILTIN
#undef FTL_BUILTIN_ALIAS
};

static const char *const names[] = {
#define FTL_BUILTIN(name, text, class, min, max, keywords, doc) text,
#define FTL_BUILTIN_ALIAS(alias, text) alias,
#include "ir/builtin.def"
#undef FTL_BUILTIN
#undef FTL_BUILTIN_ALIAS
};

static const char *const aliases[][2] = {
#define FTL_BUILTIN(name, text, class, min, max, keywords, doc)
#define FTL_BUILTIN_ALIAS(alias, text) {alias, text},
#include "ir/builtin.def"
#undef FTL_BUILTIN
#undef FTL_BUILTIN_ALIAS
};

bool ftl_builtin_find(const char *name, ftl_builtin *out)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (strcasecmp(name, aliases[i][0]) == 0)
            name = aliases[i][1];
    for (size_t i = 0; i < FTL_BUILTIN_COUNT; i++) {
        if (strcasecmp(name, infos[i].name) == 0) {
            *out = (ftl_builtin)i;
            return true;
        }
    }
    return false;
}

const ftl_builtin_info *ftl_builtin_get_info(ftl_builtin b)
{
    return &infos[b];
}

const char *const *ftl_builtin_get_names(size_t *n)
{
    *n = sizeof(names) / sizeof(names[0]);
    return names;
}
