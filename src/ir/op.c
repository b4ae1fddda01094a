/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/graph.h"

static const struct {
    const char *name, *doc;
    int arity;
    ftl_opclass class;
    bool monotone;
} facts[FTL_OPCODE_COUNT] = {
#define FTL_OPCODE(name, text, arity, class, shape, dtype, grad, monotone, doc)                    \
    {text, doc, arity, FTL_OPCLASS_##class, monotone},
#include "ir/op.def"
#undef FTL_OPCODE
};

const char *ftl_opcode_get_name(ftl_opcode op)
{
    return facts[op].name;
}

int ftl_opcode_get_arity(ftl_opcode op)
{
    return facts[op].arity;
}

ftl_opclass ftl_opcode_get_class(ftl_opcode op)
{
    return facts[op].class;
}

bool ftl_opcode_is_monotone(ftl_opcode op)
{
    return facts[op].monotone;
}

const char *ftl_opcode_get_doc(ftl_opcode op)
{
    return facts[op].doc;
}

bool ftl_opcode_find(const char *name, ftl_opcode *op)
{
    for (unsigned i = 0; i < FTL_OPCODE_COUNT; i++)
        if (strcmp(facts[i].name, name) == 0) {
            *op = (ftl_opcode)i;
            return true;
        }
    return false;
}

const char *ftl_reduce_get_name(ftl_reduce kind)
{
    static const char *const names[] = {"sum", "prod", "max", "min", "any", "all"};
    assert((size_t)kind < FTL_COUNT(names));
    return names[kind];
}
