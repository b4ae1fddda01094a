/* SPDX-License-Identifier: Apache-2.0
 *
 * Structural equality. Not compared: places, the spelling of numbers and of `not`, parentheses that
 * the tree does not need, and whether a product was written with '*'. Names are compared as text,
 * since the trees may come from different tables.
 */
#include "syntax/tree.h"

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_same_node(const ftl_node *a, const ftl_node *b);

static bool is_same_optional(const ftl_node *a, const ftl_node *b)
{
    return a && b ? is_same_node(a, b) : a == b;
}

static bool is_same_term(const ftl_index_term *a, const ftl_index_term *b)
{
    return a->sign == b->sign && a->has_number == b->has_number && a->number == b->number &&
           is_same_text(a->factor, b->factor) && is_same_text(a->name, b->name);
}

static bool is_same_index(const ftl_index *a, const ftl_index *b)
{
    if (a->kind != b->kind || a->dotted != b->dotted || a->time_offset != b->time_offset ||
        a->terms.len != b->terms.len || !is_same_text(a->name, b->name))
        return false;
    for (size_t i = 0; i < a->terms.len; i++)
        if (!is_same_term(&a->terms.data[i], &b->terms.data[i]))
            return false;
    return is_same_optional(a->divisor, b->divisor) && is_same_optional(a->start, b->start) &&
           is_same_optional(a->stop, b->stop) && is_same_optional(a->step, b->step) &&
           is_same_optional(a->gather, b->gather);
}

static bool is_same_indices(const ftl_indices *a, const ftl_indices *b)
{
    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++)
        if (!is_same_index(&a->data[i], &b->data[i]))
            return false;
    return true;
}

static bool has_same_children(const ftl_node *a, const ftl_node *b)
{
    for (size_t i = 0; i < a->args.len; i++)
        if (!is_same_node(a->args.data[i], b->args.data[i]))
            return false;
    for (size_t i = 0; i < a->kwargs.len; i++) {
        const ftl_kwarg *x = &a->kwargs.data[i], *y = &b->kwargs.data[i];
        if (!is_same_text(x->name, y->name) || !is_same_node(x->value, y->value))
            return false;
    }
    for (size_t i = 0; i < a->axes.len; i++)
        if (!is_same_text(a->axes.data[i].name, b->axes.data[i].name))
            return false;
    return is_same_indices(&a->indices, &b->indices);
}

static bool is_same_node(const ftl_node *a, const ftl_node *b)
{
    bool is_comma = a->op == FTL_OP_AND && a->implicit, other = b->op == FTL_OP_AND && b->implicit;
    return a->kind == b->kind && a->op == b->op && is_comma == other && a->paren == b->paren &&
           a->macro == b->macro && a->balanced == b->balanced && a->number == b->number &&
           a->args.len == b->args.len && a->kwargs.len == b->kwargs.len &&
           a->axes.len == b->axes.len && is_same_text(a->ns, b->ns) &&
           is_same_text(a->name, b->name) && has_same_children(a, b);
}

/* ---- statements ---- */

static bool is_same_names(const ftl_stmt *a, const ftl_stmt *b)
{
    if (a->names.len != b->names.len)
        return false;
    for (size_t i = 0; i < a->names.len; i++) {
        const ftl_name *x = &a->names.data[i], *y = &b->names.data[i];
        if (x->quoted != y->quoted || !is_same_text(x->name, y->name))
            return false;
    }
    return true;
}

static bool is_same_formal(const ftl_formal *a, const ftl_formal *b)
{
    return is_same_text(a->name, b->name) && is_same_indices(&a->axes, &b->axes);
}

static bool is_same_formals(const ftl_stmt *a, const ftl_stmt *b)
{
    if (a->formals.len != b->formals.len || !is_same_formal(&a->result, &b->result))
        return false;
    for (size_t i = 0; i < a->formals.len; i++)
        if (!is_same_formal(&a->formals.data[i], &b->formals.data[i]))
            return false;
    return true;
}

static bool is_same_statements(const ftl_stmts *a, const ftl_stmts *b);

static bool is_same_statement(const ftl_stmt *a, const ftl_stmt *b)
{
    return a->kind == b->kind && a->is_let == b->is_let && a->proj == b->proj &&
           is_same_optional(a->lhs, b->lhs) && is_same_optional(a->guard, b->guard) &&
           is_same_optional(a->rhs, b->rhs) && is_same_text(a->path, b->path) &&
           is_same_text(a->name, b->name) && is_same_text(a->type, b->type) &&
           is_same_names(a, b) && is_same_formals(a, b) && is_same_statements(&a->body, &b->body);
}

static bool is_same_statements(const ftl_stmts *a, const ftl_stmts *b)
{
    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++)
        if (!is_same_statement(a->data[i], b->data[i]))
            return false;
    return true;
}

bool ftl_syntax_is_equal(const ftl_tree *a, const ftl_tree *b)
{
    return is_same_statements(&a->stmts, &b->stmts);
}

ftl_op ftl_op_flip_sign(ftl_op op)
{
    return op == FTL_OP_ADD ? FTL_OP_SUB : op == FTL_OP_SUB ? FTL_OP_ADD : op;
}

ftl_node *ftl_node_find_keyword(const ftl_node *call, const char *name)
{
    for (size_t i = 0; i < call->kwargs.len; i++)
        if (strcmp(call->kwargs.data[i].name, name) == 0)
            return call->kwargs.data[i].value;
    return NULL;
}

const char *ftl_op_get_text(ftl_op op)
{
    static const char *const texts[] = {
        [FTL_OP_NONE] = "", [FTL_OP_NEG] = "-",  [FTL_OP_NOT] = "!",  [FTL_OP_ADD] = "+",
        [FTL_OP_SUB] = "-", [FTL_OP_MUL] = "*",  [FTL_OP_DIV] = "/",  [FTL_OP_POW] = "**",
        [FTL_OP_EQ] = "==", [FTL_OP_NE] = "!=",  [FTL_OP_LT] = "<",   [FTL_OP_LE] = "<=",
        [FTL_OP_GT] = ">",  [FTL_OP_GE] = ">=",  [FTL_OP_AND] = "&&", [FTL_OP_OR] = "||"};
    return texts[op];
}
