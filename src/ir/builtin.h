/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of builtins (builtin.def): names, argument counts, classes. Their meaning is in lower.
 */
#ifndef FTL_IR_BUILTIN_H
#define FTL_IR_BUILTIN_H

#include <stdbool.h>
#include <stddef.h>

typedef enum ftl_builtin {
#define FTL_BUILTIN(name, text, class, min, max, keywords, doc) FTL_BUILTIN_##name,
#define FTL_BUILTIN_ALIAS(alias, text)
#include "ir/builtin.def"
#undef FTL_BUILTIN
#undef FTL_BUILTIN_ALIAS
    FTL_BUILTIN_COUNT
} ftl_builtin;

typedef enum ftl_builtin_class {
    FTL_BUILTIN_CLASS_EACH, FTL_BUILTIN_CLASS_NORM, FTL_BUILTIN_CLASS_FOLD, FTL_BUILTIN_CLASS_OWN
} ftl_builtin_class;

typedef struct ftl_builtin_info {
    const char *name;
    ftl_builtin_class class_;
    int min_args, max_args; /* max_args -1: any */
    const char *keywords;
    const char *doc;
} ftl_builtin_info;

/* Case is ignored; aliases are followed. */
bool ftl_builtin_find(const char *name, ftl_builtin *out);
const ftl_builtin_info *ftl_builtin_get_info(ftl_builtin b);
/* Names for "did you mean": n of them, aliases included. */
const char *const *ftl_builtin_get_names(size_t *n);

#endif
