/* SPDX-License-Identifier: Apache-2.0
 *
 * Printing of trees. Parentheses are printed where they were written and where the tree needs them,
 * so that trees which no text gave print correctly too. "Tail" says that nothing can follow the
 * expression but a bracket, a comma or the end: there `reduce`, which reaches as far right as it
 * can, needs no parentheses.
 */
#include "syntax/print.h"

typedef enum precedence {
    PREC_SELECT,
    PREC_OR,
    PREC_AND,
    PREC_COMPARE,
    PREC_SUM,
    PREC_PRODUCT,
    PREC_UNARY,
    PREC_POWER,
    PREC_PRIMARY
} precedence;

static void print_expr(ftl_printer *pr, const ftl_node *node, precedence least, bool tail);

/* ---- precedence ---- */

static precedence get_op_precedence(ftl_op op)
{
    switch (op) {
    case FTL_OP_OR: return PREC_OR;
    case FTL_OP_AND: return PREC_AND;
    case FTL_OP_EQ:
    case FTL_OP_NE:
    case FTL_OP_LT:
    case FTL_OP_LE:
    case FTL_OP_GT:
    case FTL_OP_GE: return PREC_COMPARE;
    case FTL_OP_ADD:
    case FTL_OP_SUB: return PREC_SUM;
    case FTL_OP_MUL:
    case FTL_OP_DIV: return PREC_PRODUCT;
    case FTL_OP_POW: return PREC_POWER;
    default: return PREC_UNARY;
    }
}

static bool is_negative_number(const ftl_node *node)
{
    return node->kind == FTL_NODE_NUMBER && !node->spelling && node->number < 0;
}

static bool needs_parens(const ftl_node *node, precedence least, bool tail)
{
    if (node->grouped)
        return true;
    switch (node->kind) {
    case FTL_NODE_BINARY: return get_op_precedence(node->op) < least;
    case FTL_NODE_UNARY: return PREC_UNARY < least;
    case FTL_NODE_SELECT: return PREC_SELECT < least;
    case FTL_NODE_REDUCE: return !tail;
    case FTL_NODE_NUMBER: return is_negative_number(node) && PREC_UNARY < least;
    default: return false;
    }
}

static precedence get_left_least(ftl_op op)
{
    precedence own = get_op_precedence(op);
    return own == PREC_COMPARE || own == PREC_POWER ? own + 1 : own;
}

static precedence get_right_least(ftl_op op)
{
    precedence own = get_op_precedence(op);
    return own == PREC_POWER ? PREC_UNARY : own + 1;
}

/* ---- products side by side ---- */

static bool is_reserved(const char *name)
{
    return strcmp(name, "when") == 0 || strcmp(name, "and") == 0 || strcmp(name, "or") == 0;
}

/* What the text of an operand starts with: '(', '-', '"', '0' for a number, 'w' for a word that no
 * factor may start with, 'a' for anything else. */
static char get_first(const ftl_node *node, precedence least, bool tail)
{
    while (!needs_parens(node, least, tail)) {
        switch (node->kind) {
        case FTL_NODE_NUMBER: return is_negative_number(node) ? '-' : '0';
        case FTL_NODE_STRING: return '"';
        case FTL_NODE_UNARY: return node->op == FTL_OP_NEG ? '-' : 'a';
        case FTL_NODE_NAME:
        case FTL_NODE_REF:
        case FTL_NODE_CALL: return !node->ns && is_reserved(node->name) ? 'w' : 'a';
        case FTL_NODE_BINARY: least = get_left_least(node->op); break;
        case FTL_NODE_SELECT: least = PREC_OR; break;
        default: return 'a';
        }
        node = node->args.data[0];
        tail = false;
    }
    return '(';
}

/* What the text of an operand ends with: ')', '0' for a number, 'a' for a name, else '.'. */
static char get_last(const ftl_node *node, precedence least, bool tail)
{
    while (!needs_parens(node, least, tail)) {
        switch (node->kind) {
        case FTL_NODE_NUMBER: return '0';
        case FTL_NODE_NAME: return 'a';
        case FTL_NODE_BINARY: least = get_right_least(node->op); break;
        case FTL_NODE_UNARY: least = PREC_UNARY; break;
        case FTL_NODE_SELECT:
        case FTL_NODE_REDUCE: least = PREC_SELECT; break;
        default: return '.';
        }
        node = node->args.data[node->args.len - 1];
    }
    return ')';
}

/* Whether the product keeps its meaning without '*': `S (a + b)` would be a call, `2 3` is none. */
static bool can_be_implicit(const ftl_node *node, bool tail)
{
    if (!node->implicit || node->op != FTL_OP_MUL)
        return false;
    char last = get_last(node->args.data[0], PREC_PRODUCT, false);
    char first = get_first(node->args.data[1], PREC_UNARY, tail);
    return first != '-' && first != '"' && first != 'w' && !(last == 'a' && first == '(') &&
           !(last == '0' && first == '0');
}

/* ---- operators ---- */

/* Prints the operator between left and right, with the place where the line may break before it. */
static void print_operator(ftl_printer *pr, ftl_op op, bool implicit)
{
    static const uint8_t levels[] = {[PREC_OR] = 2,  [PREC_AND] = 3,     [PREC_COMPARE] = 4,
                                     [PREC_SUM] = 5, [PREC_PRODUCT] = 6, [PREC_POWER] = 7};
    unsigned level = levels[get_op_precedence(op)];
    if (op == FTL_OP_POW || (pr->tight && !implicit)) {
        ftl_print_text(pr, ftl_op_get_text(op));
        return;
    }
    if (implicit && pr->newline_ends)
        ftl_print_text(pr, " ");
    else
        ftl_print_break(pr, level);
    if (implicit)
        return;
    ftl_print_text(pr, ftl_op_get_text(op));
    ftl_print_text(pr, " ");
}

static bool is_of_chain(const ftl_node *node, ftl_op op)
{
    return node->kind == FTL_NODE_BINARY && node->balanced && !node->grouped &&
           get_op_precedence(node->op) == get_op_precedence(op);
}

/* The chain that a balanced tree was made of; flip undoes the exchanged signs behind a minus. */
static void print_chain(ftl_printer *pr, const ftl_node *node, bool flip, bool tail)
{
    const ftl_node *left = node->args.data[0], *right = node->args.data[1];
    bool implicit = can_be_implicit(node, tail);
    if (is_of_chain(left, node->op))
        print_chain(pr, left, flip, false);
    else
        print_expr(pr, left, get_left_least(node->op), false);
    print_operator(pr, flip ? ftl_op_flip_sign(node->op) : node->op, implicit);
    if (is_of_chain(right, node->op))
        print_chain(pr, right, node->op == FTL_OP_SUB ? !flip : flip, tail);
    else
        print_expr(pr, right, get_right_least(node->op), tail);
}

static void print_binary(ftl_printer *pr, const ftl_node *node, bool tail)
{
    if (node->balanced) {
        print_chain(pr, node, false, tail);
        return;
    }
    const ftl_node *left = node->args.data[0], *right = node->args.data[1];
    bool implicit = can_be_implicit(node, tail);
    print_expr(pr, left, get_left_least(node->op), false);
    print_operator(pr, node->op, implicit);
    print_expr(pr, right, get_right_least(node->op), tail);
}

static void print_unary(ftl_printer *pr, const ftl_node *node, bool tail)
{
    bool word = node->op == FTL_OP_NOT && node->spelling && strcmp(node->spelling, "not") == 0;
    ftl_print_text(pr, node->op == FTL_OP_NEG ? "-" : word ? "not " : "!");
    const ftl_node *operand = node->args.data[0];
    if (node->op == FTL_OP_NEG && get_first(operand, PREC_UNARY, tail) == '-')
        ftl_print_text(pr, " ");
    print_expr(pr, operand, PREC_UNARY, tail);
}

static void print_select(ftl_printer *pr, const ftl_node *node, bool tail)
{
    print_expr(pr, node->args.data[0], PREC_OR, false);
    ftl_print_break(pr, 1);
    ftl_print_text(pr, "? ");
    print_expr(pr, node->args.data[1], PREC_SELECT, true);
    ftl_print_break(pr, 1);
    ftl_print_text(pr, ": ");
    pr->depth++;
    print_expr(pr, node->args.data[2], PREC_SELECT, tail);
    pr->depth--;
}

/* ---- brackets ---- */

static void print_arm(ftl_printer *pr, const ftl_node *node, size_t i)
{
    bool is_default = i + 1 == node->args.len;
    if (is_default)
        ftl_print_text(pr, "default");
    else
        print_expr(pr, node->args.data[i], PREC_SELECT, true);
    ftl_print_text(pr, " -> ");
    print_expr(pr, node->args.data[is_default ? i : i + 1], PREC_SELECT, true);
}

/* A case that stood on several lines gets a line for each arm; an arm that starts with a minus
 * would go on with the one before without a ';'. */
static void print_case(ftl_printer *pr, const ftl_node *node)
{
    bool split = pr->splits_cases ||
                 ftl_print_has_newline(pr, node->span.off, node->span.off + node->span.len);
    bool outside = ftl_print_open(pr, "case {", true);
    pr->has_case = pr->has_case || !split;
    pr->indent += split ? FTL_INDENT : 0;
    for (size_t i = 0; i < node->args.len; i += 2) {
        bool continues = get_first(node->args.data[i], PREC_SELECT, true) == '-';
        ftl_print_text(pr, i > 0 && (!split || continues) ? ";" : "");
        if (split)
            ftl_print_hard_break(pr);
        else
            ftl_print_break(pr, 0);
        print_arm(pr, node, i);
    }
    pr->indent -= split ? FTL_INDENT : 0;
    if (split)
        ftl_print_hard_break(pr);
    ftl_print_close(pr, split ? "}" : " }", outside);
}

static void print_reduce(ftl_printer *pr, const ftl_node *node, bool tail)
{
    bool outside = ftl_print_open(pr, "reduce(", false);
    ftl_print_text(pr, node->name);
    for (size_t i = 0; i < node->axes.len; i++) {
        ftl_print_comma(pr);
        ftl_print_text(pr, node->axes.data[i].name);
    }
    ftl_print_close(pr, ") ", outside);
    print_expr(pr, node->args.data[0], PREC_SELECT, tail);
}

static bool has_rows(const ftl_node *list)
{
    for (size_t i = 0; i < list->args.len; i++)
        if (list->args.data[i]->kind == FTL_NODE_LIST)
            return true;
    return false;
}

/* A list whose first item stood on a new line keeps its brackets apart, and a line for each row. */
static void print_list(ftl_printer *pr, const ftl_node *node)
{
    bool split = node->args.len > 0 && ftl_print_has_newline(pr, node->span.off,
                                                             node->args.data[0]->span.off);
    bool rows = split && has_rows(node);
    bool outside = ftl_print_open(pr, "[", false);
    pr->indent += split ? FTL_INDENT : 0;
    for (size_t i = 0; i < node->args.len; i++) {
        ftl_print_text(pr, i > 0 ? "," : "");
        if (rows || (split && i == 0))
            ftl_print_hard_break(pr);
        else if (i > 0)
            ftl_print_break(pr, 0);
        print_expr(pr, node->args.data[i], PREC_SELECT, true);
    }
    pr->indent -= split ? FTL_INDENT : 0;
    if (split)
        ftl_print_hard_break(pr);
    ftl_print_close(pr, "]", outside);
}

static void print_dict(ftl_printer *pr, const ftl_node *node)
{
    bool outside = ftl_print_open(pr, "{", false);
    for (size_t i = 0; i + 1 < node->args.len; i += 2) {
        if (i > 0)
            ftl_print_comma(pr);
        print_expr(pr, node->args.data[i], PREC_SELECT, true);
        ftl_print_text(pr, ": ");
        print_expr(pr, node->args.data[i + 1], PREC_SELECT, true);
    }
    ftl_print_close(pr, "}", outside);
}

static void print_kwargs(ftl_printer *pr, const ftl_node *node, bool first)
{
    for (size_t i = 0; i < node->kwargs.len; i++) {
        if (!first || i > 0)
            ftl_print_comma(pr);
        ftl_print_text(pr, node->kwargs.data[i].name);
        ftl_print_text(pr, "=");
        print_expr(pr, node->kwargs.data[i].value, PREC_SELECT, true);
    }
}

static void print_name(ftl_printer *pr, const ftl_node *node)
{
    if (node->macro)
        ftl_print_text(pr, "@");
    if (node->ns) {
        ftl_print_text(pr, node->ns);
        ftl_print_text(pr, "::");
    }
    ftl_print_text(pr, node->name);
}

static void print_call(ftl_printer *pr, const ftl_node *node)
{
    print_name(pr, node);
    bool tight = pr->tight;
    pr->tight = false;
    bool outside = ftl_print_open(pr, "(", false);
    for (size_t i = 0; i < node->args.len; i++) {
        if (i > 0)
            ftl_print_comma(pr);
        print_expr(pr, node->args.data[i], PREC_SELECT, true);
    }
    print_kwargs(pr, node, node->args.len == 0);
    ftl_print_close(pr, ")", outside);
    pr->tight = tight;
}

/* ---- indices ---- */

static void print_term(ftl_printer *pr, const ftl_index_term *term, bool first)
{
    ftl_print_text(pr, term->sign < 0 ? "-" : first ? "" : "+");
    if (term->has_number)
        ftl_strbuf_printf(pr->out, "%lld", (long long)term->number);
    if (term->factor)
        ftl_print_text(pr, term->factor);
    if (term->name && (term->has_number || term->factor))
        ftl_print_text(pr, "*");
    if (term->name)
        ftl_print_text(pr, term->name);
}

static void print_tight(ftl_printer *pr, const ftl_node *node, precedence least)
{
    bool tight = pr->tight;
    pr->tight = true;
    print_expr(pr, node, least, true);
    pr->tight = tight;
}

/* `lo::hi` would be a name in a namespace: then the colons stand apart. */
static void print_slice(ftl_printer *pr, const ftl_index *index)
{
    if (index->name) {
        ftl_print_text(pr, index->name);
        ftl_print_text(pr, "=");
    }
    if (index->start)
        print_tight(pr, index->start, PREC_SUM);
    ftl_print_text(pr, ":");
    if (index->stop)
        print_tight(pr, index->stop, PREC_SUM);
    if (!index->step)
        return;
    bool apart = index->start && !index->stop && get_last(index->start, PREC_SUM, true) == 'a' &&
                 get_first(index->step, PREC_SUM, true) == 'a';
    ftl_print_text(pr, apart ? " :" : ":");
    print_tight(pr, index->step, PREC_SUM);
}

static void print_index(ftl_printer *pr, const ftl_index *index)
{
    switch (index->kind) {
    case FTL_INDEX_AFFINE:
        for (size_t i = 0; i < index->terms.len; i++)
            print_term(pr, &index->terms.data[i], i == 0);
        break;
    case FTL_INDEX_SYMBOL: ftl_print_string(pr, index->name); break;
    case FTL_INDEX_DIV:
        ftl_print_text(pr, index->name);
        ftl_print_text(pr, "/");
        print_tight(pr, index->divisor, PREC_PRIMARY);
        break;
    case FTL_INDEX_SLICE: print_slice(pr, index); break;
    case FTL_INDEX_GATHER: print_tight(pr, index->gather, PREC_PRIMARY); break;
    case FTL_INDEX_TIME:
        ftl_strbuf_printf(pr->out, "*%s", index->name);
        if (index->time_offset != 0)
            ftl_strbuf_printf(pr->out, "%+lld", (long long)index->time_offset);
        break;
    case FTL_INDEX_ANY: ftl_print_text(pr, "_"); break;
    }
    if (index->dotted)
        ftl_print_text(pr, ".");
}

void ftl_print_indices(ftl_printer *pr, const ftl_indices *indices)
{
    for (size_t i = 0; i < indices->len; i++) {
        if (i > 0)
            ftl_print_comma(pr);
        print_index(pr, &indices->data[i]);
    }
}

/* A reference with parentheses may be a call: it is printed from its arguments if it has them. */
static void print_ref(ftl_printer *pr, const ftl_node *node)
{
    print_name(pr, node);
    if (!node->paren && node->indices.len == 0 && node->kwargs.len == 0)
        return;
    bool outside = ftl_print_open(pr, node->paren ? "(" : "[", false);
    if (node->args.len == 0)
        ftl_print_indices(pr, &node->indices);
    for (size_t i = 0; i < node->args.len; i++) {
        if (i > 0)
            ftl_print_comma(pr);
        print_tight(pr, node->args.data[i], PREC_SELECT);
    }
    print_kwargs(pr, node, node->indices.len == 0);
    ftl_print_close(pr, node->paren ? ")" : "]", outside);
}

/* ---- expressions ---- */

static void print_number(ftl_printer *pr, const ftl_node *node)
{
    if (node->spelling)
        ftl_print_text(pr, node->spelling);
    else
        ftl_strbuf_put_double(pr->out, node->number);
}

static void print_bare(ftl_printer *pr, const ftl_node *node, bool tail) /* dispatch */
{
    switch (node->kind) {
    case FTL_NODE_NUMBER: print_number(pr, node); break;
    case FTL_NODE_STRING: ftl_print_string(pr, node->name); break;
    case FTL_NODE_BOOL: ftl_print_text(pr, node->number != 0 ? "true" : "false"); break;
    case FTL_NODE_NONE: ftl_print_text(pr, "none"); break;
    case FTL_NODE_NAME: print_name(pr, node); break;
    case FTL_NODE_REF: print_ref(pr, node); break;
    case FTL_NODE_CALL: print_call(pr, node); break;
    case FTL_NODE_UNARY: print_unary(pr, node, tail); break;
    case FTL_NODE_BINARY: print_binary(pr, node, tail); break;
    case FTL_NODE_SELECT: print_select(pr, node, tail); break;
    case FTL_NODE_CASE: print_case(pr, node); break;
    case FTL_NODE_REDUCE: print_reduce(pr, node, tail); break;
    case FTL_NODE_LIST: print_list(pr, node); break;
    case FTL_NODE_DICT: print_dict(pr, node); break;
    }
}

static void print_expr(ftl_printer *pr, const ftl_node *node, precedence least, bool tail)
{
    if (!needs_parens(node, least, tail)) {
        print_bare(pr, node, tail);
        return;
    }
    bool outside = ftl_print_open(pr, "(", false);
    print_bare(pr, node, true);
    ftl_print_close(pr, ")", outside);
}

void ftl_print_node(ftl_printer *pr, const ftl_node *node)
{
    print_expr(pr, node, PREC_SELECT, true);
}
