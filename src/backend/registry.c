/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/backend.h"

#include <math.h>
#include <stdio.h>

static const ftl_backend *const backends[] = {
    &ftl_backend_native,
    &ftl_backend_oracle,
};

static const ftl_backend_absent absent[] = {
    {"torch", "not in this version"},
    {"xla", "not in this version"},
};

const ftl_backend_absent *ftl_backend_get_absent(size_t i)
{
    return i < FTL_COUNT(absent) ? &absent[i] : NULL;
}

const ftl_backend *ftl_backend_get(size_t i)
{
    return i < FTL_COUNT(backends) ? backends[i] : NULL;
}

const ftl_backend *ftl_backend_find(const char *name)
{
    for (size_t i = 0; i < FTL_COUNT(backends); i++)
        if (strcmp(backends[i]->name, name) == 0 || strcmp(backends[i]->alias, name) == 0)
            return backends[i];
    return NULL;
}

/* The tensor that v holds the elements of, as the program calls it; null when it has no name. */
static const char *find_name(const ftl_graph *g, const ftl_value *v)
{
    while (v->op == FTL_OP_VIEW_ || v->op == FTL_OP_CAST_ || v->op == FTL_OP_RESHAPE_)
        v = v->in[0];
    if (v->op == FTL_OP_INPUT_)
        return v->u.name;
    const ftl_origin *origin = ftl_graph_find_origin(g, v->equation);
    return origin ? origin->head : NULL;
}

void ftl_backend_set_index_error(ftl_backend_error *error, const ftl_graph *g, const ftl_value *v,
                                 uint32_t axis, double x)
{
    bool adds = v->op == FTL_OP_GATHER_ADD_;
    const ftl_value *data = adds ? v : v->in[0];
    const char *name = adds ? NULL : find_name(g, data);
    const char *what = x == floor(x) ? "is out of range" : "is not a whole number";
    const char *quote = name ? "'" : "";
    error->at = v;
    snprintf(error->message, sizeof error->message,
             "index value %.9g %s: axis %u of %s%.200s%s has extent %lld", x, what, axis, quote,
             name ? name : "what it indexes", quote, (long long)data->shape[axis]);
}
