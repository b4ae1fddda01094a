/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions, loosest first: select, ||, &&, comparison, sum, product, unary, power, primary. The
 * binary ones are one function over a table of levels; the operands of one level are collected and
 * made a tree at once (ftl_parser_build_chain).
 */
#include "syntax/parser.h"

#include <math.h>

typedef enum level {
    LEVEL_OR,
    LEVEL_AND,
    LEVEL_COMPARE,
    LEVEL_SUM,
    LEVEL_PRODUCT,
    LEVEL_UNARY
} level;

typedef struct operator_info {
    uint8_t op, level;
} operator_info;

static const operator_info OPERATORS[] = {
    [TOKEN_OR] = {FTL_OP_OR, LEVEL_OR},
    [TOKEN_AND] = {FTL_OP_AND, LEVEL_AND},
    [TOKEN_EQ] = {FTL_OP_EQ, LEVEL_COMPARE},
    [TOKEN_NE] = {FTL_OP_NE, LEVEL_COMPARE},
    [TOKEN_LT] = {FTL_OP_LT, LEVEL_COMPARE},
    [TOKEN_LE] = {FTL_OP_LE, LEVEL_COMPARE},
    [TOKEN_GT] = {FTL_OP_GT, LEVEL_COMPARE},
    [TOKEN_GE] = {FTL_OP_GE, LEVEL_COMPARE},
    [TOKEN_PLUS] = {FTL_OP_ADD, LEVEL_SUM},
    [TOKEN_MINUS] = {FTL_OP_SUB, LEVEL_SUM},
    [TOKEN_STAR] = {FTL_OP_MUL, LEVEL_PRODUCT},
    [TOKEN_SLASH] = {FTL_OP_DIV, LEVEL_PRODUCT},
};

static ftl_node *parse_unary(ftl_parser *p);

/* ---- primary ---- */

static ftl_node *make_leaf(ftl_parser *p, ftl_node_kind kind, double number)
{
    ftl_node *node = ftl_parser_make(p, kind, ftl_parser_get_span(p, ftl_parser_peek(p)));
    node->number = number;
    p->at++;
    return node;
}

static ftl_node *parse_number(ftl_parser *p)
{
    const ftl_token *token = ftl_parser_peek(p);
    const char *s = p->text + token->off;
    double value = 0;
    ftl_span span = ftl_parser_get_span(p, token);
    if (!ftl_parse_double(s, token->len, &value) || isinf(value))
        return ftl_parser_fail_code(p, FTL_E_NUMBER, span, NULL,
                                    "a number that is too large to be represented");
    ftl_node *node = make_leaf(p, FTL_NODE_NUMBER, value);
    node->spelling = ftl_intern_get(p->names, s, token->len);
    return node;
}

static ftl_node *parse_string(ftl_parser *p)
{
    ftl_span span = ftl_parser_get_span(p, ftl_parser_peek(p));
    const char *text = ftl_parser_take_string(p);
    if (!text)
        return NULL;
    ftl_node *node = ftl_parser_make(p, FTL_NODE_STRING, span);
    node->name = text;
    return node;
}

static void push_node(ftl_parser *p, ftl_node *node)
{
    *FTL_VEC_PUSH(p->arena, &p->nodes) = node;
}

/* Takes the children that wait from `from` on as the arguments of node, which ends here. */
static ftl_node *finish_node(ftl_parser *p, ftl_node *node, size_t from, size_t first_token)
{
    FTL_PARSER_TAKE(p, nodes, from, &node->args);
    node->span = ftl_parser_get_span_since(p, first_token);
    return ftl_parser_measure(p, node) ? node : NULL;
}

/* arm = expr "->" expr | "default" "->" expr */
static bool parse_arm(ftl_parser *p, bool *is_default)
{
    *is_default = ftl_parser_is_word(p, ftl_parser_peek(p), "default") &&
                  ftl_parser_peek_next(p)->kind == TOKEN_MAPS;
    if (*is_default) {
        p->at++;
    } else {
        ftl_node *condition = ftl_parser_parse_expr(p);
        if (!condition)
            return false;
        push_node(p, condition);
    }
    if (!ftl_parser_accept(p, TOKEN_MAPS))
        return ftl_parser_fail_expected(p, "'->'", "an arm is written: condition -> value");
    ftl_node *value = ftl_parser_parse_expr(p);
    if (!value)
        return false;
    push_node(p, value);
    if (!ftl_parser_is_at_end(p))
        return ftl_parser_fail_expected(p, "';' or '}' after the arm", NULL);
    return true;
}

/* case = "case" "{" arm { separator arm } [ separator ] "}"     separator = ";" | newline */
static ftl_node *parse_case(ftl_parser *p)
{
    size_t first = p->at, from = p->nodes.len;
    bool has_default = false;
    ftl_node *node = make_leaf(p, FTL_NODE_CASE, 0);
    ftl_parser_open(p, true);
    for (;;) {
        while (ftl_parser_accept(p, TOKEN_SEMICOLON))
            continue;
        if (ftl_parser_is(p, TOKEN_RBRACE))
            break;
        if (has_default)
            return ftl_parser_fail(p, ftl_parser_get_span(p, ftl_parser_peek(p)), NULL,
                                   "an arm after 'default', which is the last one");
        if (p->nodes.len - from >= 2 * FTL_PARSE_MAX_ARMS)
            return ftl_parser_fail_code(p, FTL_E_DEPTH, ftl_parser_get_span(p, ftl_parser_peek(p)),
                                        "a table says more: Y[i] = T[Code[i]]",
                                        "a case has at most 1000 arms");
        if (!parse_arm(p, &has_default))
            return NULL;
    }
    if (p->nodes.len == from + has_default)
        return ftl_parser_fail_expected(p, "an arm: condition -> value", NULL);
    if (!ftl_parser_close(p, TOKEN_RBRACE, "'}'"))
        return NULL;
    return finish_node(p, node, from, first);
}

/* reduce = "reduce" "(" name { "," name } ")" expr */
static ftl_node *parse_reduce(ftl_parser *p)
{
    size_t first = p->at, from = p->terms.len, nodes = p->nodes.len;
    ftl_node *node = make_leaf(p, FTL_NODE_REDUCE, 0);
    ftl_parser_open(p, false);
    node->name = ftl_parser_expect_name(p, "an operation: sum, max, min, mean", &node->name_span);
    if (!node->name)
        return NULL;
    while (ftl_parser_accept(p, TOKEN_COMMA)) {
        ftl_index_term term = {.sign = 1};
        term.name = ftl_parser_expect_name(p, "an axis", &term.span);
        if (!term.name)
            return NULL;
        *FTL_VEC_PUSH(p->arena, &p->terms) = term;
    }
    if (!ftl_parser_close(p, TOKEN_RPAREN, "',' or ')'"))
        return NULL;
    FTL_PARSER_TAKE(p, terms, from, &node->axes);
    ftl_node *operand = ftl_parser_is_at_end(p)
                            ? ftl_parser_fail_expected(p, "the expression to reduce", NULL)
                            : ftl_parser_parse_expr(p);
    if (!operand)
        return NULL;
    push_node(p, operand);
    return finish_node(p, node, nodes, first);
}

/* group = "(" expr ")" */
static ftl_node *parse_group(ftl_parser *p)
{
    size_t first = p->at;
    ftl_parser_open(p, false);
    ftl_node *node = ftl_parser_parse_expr(p);
    if (!node)
        return NULL;
    if (ftl_parser_is(p, TOKEN_COMMA))
        return ftl_parser_fail_expected(p, "')'", "several values are written as a list: [a, b]");
    if (!ftl_parser_close(p, TOKEN_RPAREN, "an operator or ')'"))
        return NULL;
    node->grouped = true;
    node->span = ftl_parser_get_span_since(p, first);
    return node;
}

/* macro = "@" name arguments */
static ftl_node *parse_macro(ftl_parser *p)
{
    size_t first = p->at++;
    ftl_node *node = ftl_parser_make(p, FTL_NODE_CALL, (ftl_span){0});
    node->macro = true;
    node->name = ftl_parser_expect_name(p, "the name of a macro after '@'", &node->name_span);
    if (!node->name)
        return NULL;
    if (!ftl_parser_is(p, TOKEN_LPAREN))
        return ftl_parser_fail_expected(p, "'(' after the name of a macro", NULL);
    if (!ftl_parser_parse_arguments(p, node, FTL_PLACE_RIGHT))
        return NULL;
    node->span = ftl_parser_get_span_since(p, first);
    return node;
}

static ftl_node *parse_word(ftl_parser *p)
{
    const ftl_token *token = ftl_parser_peek(p), *next = ftl_parser_peek_next(p);
    if (ftl_parser_is_word(p, token, "true"))
        return make_leaf(p, FTL_NODE_BOOL, 1);
    if (ftl_parser_is_word(p, token, "false"))
        return make_leaf(p, FTL_NODE_BOOL, 0);
    if (ftl_parser_is_word(p, token, "none"))
        return make_leaf(p, FTL_NODE_NONE, 0);
    if (next->kind == TOKEN_LBRACE && ftl_parser_is_word(p, token, "case"))
        return parse_case(p);
    if (next->kind == TOKEN_LPAREN && ftl_parser_is_word(p, token, "reduce"))
        return parse_reduce(p);
    if (ftl_parser_is_word(p, token, "_"))
        return ftl_parser_fail(p, ftl_parser_get_span(p, token), NULL,
                               "'_' stands only for an index: Parent(_, x)");
    return ftl_parser_parse_reference(p, FTL_PLACE_RIGHT);
}

static ftl_node *fail_primary(ftl_parser *p)
{
    static const char newline[] =
        "a newline ends a statement; it goes on after a binary operator or a comma, inside of "
        "brackets, or on a line that starts with a binary operator";
    const char *hint = NULL, *what = "a value";
    const ftl_token *before = p->at > p->start ? ftl_parser_peek(p) - 1 : NULL;
    if (before && before->kind >= TOKEN_COMMA && before->kind < TOKEN_BAD_CHARACTER)
        what = ftl_arena_printf(p->arena, "a value after %s", ftl_parser_describe(p, before));
    if (ftl_parser_is_after_newline(p))
        hint = newline;
    else if (ftl_parser_is(p, TOKEN_LBRACKET))
        hint = "a list stands alone on the right side or as an argument";
    else if (ftl_parser_is(p, TOKEN_SLASH))
        hint = "a comment starts with '#'";
    else if (ftl_parser_is(p, TOKEN_PLUS))
        hint = "there is no sign '+'";
    return ftl_parser_fail_expected(p, what, hint);
}

/* primary = number | string | group | case | reduce | macro | reference | "true" | "false" |
 * "none" */
static ftl_node *parse_primary(ftl_parser *p)
{
    switch (ftl_parser_peek(p)->kind) {
    case TOKEN_NUMBER: return parse_number(p);
    case TOKEN_STRING: return parse_string(p);
    case TOKEN_LPAREN: return parse_group(p);
    case TOKEN_AT: return parse_macro(p);
    case TOKEN_NAME: return parse_word(p);
    default: return fail_primary(p);
    }
}

/* ---- operators ---- */

static ftl_node *make_binary(ftl_parser *p, ftl_node *left, const ftl_operand *right)
{
    size_t from = p->operands.len;
    *FTL_VEC_PUSH(p->arena, &p->operands) = (ftl_operand){.node = left};
    *FTL_VEC_PUSH(p->arena, &p->operands) = *right;
    return ftl_parser_build_chain(p, from);
}

/* power = primary [ "**" unary ] */
static ftl_node *parse_power(ftl_parser *p)
{
    ftl_node *base = parse_primary(p);
    if (!base || !ftl_parser_is(p, TOKEN_STAR_STAR))
        return base;
    ftl_operand right = {.op = FTL_OP_POW};
    right.op_span = ftl_parser_get_span(p, ftl_parser_peek(p));
    p->at++;
    if (!ftl_parser_enter(p))
        return NULL;
    right.node = parse_unary(p);
    ftl_parser_leave(p);
    return right.node ? make_binary(p, base, &right) : NULL;
}

static ftl_op get_prefix(const ftl_parser *p)
{
    const ftl_token *token = ftl_parser_peek(p);
    if (token->kind == TOKEN_MINUS)
        return FTL_OP_NEG;
    bool is_not = token->kind == TOKEN_NOT || ftl_parser_is_word(p, token, "not");
    return is_not ? FTL_OP_NOT : FTL_OP_NONE;
}

/* unary = ( "-" | "!" | "not" ) unary | power */
static ftl_node *parse_unary(ftl_parser *p)
{
    ftl_op op = get_prefix(p);
    size_t first = p->at, from = p->nodes.len;
    if (op == FTL_OP_NONE)
        return parse_power(p);
    if (!ftl_parser_enter(p))
        return NULL;
    ftl_node *node = make_leaf(p, FTL_NODE_UNARY, 0);
    node->op = op;
    node->spelling = p->tokens[first].len == 1 ? "!" : "not";
    ftl_node *operand = parse_unary(p);
    if (!operand)
        return NULL;
    ftl_parser_leave(p);
    push_node(p, operand);
    return finish_node(p, node, from, first);
}

/* Whether the next token starts a factor that stands beside the one before without an operator. A
 * string, a list and a number after a number are none; `-` is a difference; `max=` is the operator
 * of an equation. */
static bool is_at_factor(const ftl_parser *p)
{
    const ftl_token *token = ftl_parser_peek(p);
    ftl_proj proj = FTL_PROJ_SUM;
    if (ftl_parser_is_after_newline(p))
        return false;
    switch (token->kind) {
    case TOKEN_LPAREN:
    case TOKEN_AT:
    case TOKEN_NOT: return true;
    case TOKEN_NUMBER: return token[-1].kind != TOKEN_NUMBER;
    case TOKEN_NAME:
        return !ftl_parser_is_projection(p, &proj) && !ftl_parser_is_word(p, token, "and") &&
               !ftl_parser_is_word(p, token, "or") && !ftl_parser_is_word(p, token, "when");
    default: return false;
    }
}

/* Reads the operator of this level that is current, if there is one; a product may have none. */
static bool take_operator(ftl_parser *p, level at, ftl_operand *operand)
{
    const ftl_token *token = ftl_parser_peek(p);
    operator_info info = {FTL_OP_NONE, LEVEL_OR};
    if (token->kind < FTL_COUNT(OPERATORS))
        info = OPERATORS[token->kind];
    operand->op_span = ftl_parser_get_span(p, token);
    if (info.op == FTL_OP_NONE) {
        operand->implicit = at == LEVEL_PRODUCT && is_at_factor(p);
        operand->op = FTL_OP_MUL;
        return operand->implicit;
    }
    if (info.level != at || (p->in_guard && ftl_parser_is_arrow(p)))
        return false;
    operand->op = (ftl_op)info.op;
    p->at++;
    return true;
}

/* or = and { "||" and }            and = comparison { "&&" comparison }
 * comparison = sum [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) sum ]
 * sum = product { ( "+" | "-" ) product }
 * product = unary { ( "*" | "/" | nothing ) unary } */
static ftl_node *parse_level(ftl_parser *p, level at)
{
    if (at == LEVEL_UNARY)
        return parse_unary(p);
    size_t from = p->operands.len;
    ftl_operand operand = {.node = parse_level(p, at + 1)};
    while (operand.node) {
        *FTL_VEC_PUSH(p->arena, &p->operands) = operand;
        operand = (ftl_operand){0};
        if (!take_operator(p, at, &operand))
            return ftl_parser_build_chain(p, from);
        if (at == LEVEL_COMPARE && p->operands.len - from > 1)
            return ftl_parser_fail(p, operand.op_span, "write: a < b && b < c",
                                   "comparisons do not chain");
        operand.node = parse_level(p, at + 1);
    }
    return NULL;
}

/* expr = or [ "?" expr ":" expr ] */
static ftl_node *parse_select(ftl_parser *p)
{
    size_t first = p->at, from = p->nodes.len;
    ftl_node *condition = parse_level(p, LEVEL_OR);
    if (!condition || !ftl_parser_is(p, TOKEN_QUESTION))
        return condition;
    ftl_node *node = make_leaf(p, FTL_NODE_SELECT, 0);
    push_node(p, condition);
    ftl_node *yes = ftl_parser_parse_expr(p);
    if (!yes)
        return NULL;
    push_node(p, yes);
    if (!ftl_parser_accept(p, TOKEN_COLON))
        return ftl_parser_fail_expected(p, "':'", "a choice is written: condition ? a : b");
    ftl_node *no = ftl_parser_parse_expr(p);
    if (!no)
        return NULL;
    push_node(p, no);
    return finish_node(p, node, from, first);
}

ftl_node *ftl_parser_parse_expr(ftl_parser *p)
{
    if (!ftl_parser_enter(p))
        return NULL;
    ftl_node *node = parse_select(p);
    ftl_parser_leave(p);
    return node;
}

ftl_node *ftl_parser_parse_sum(ftl_parser *p)
{
    if (!ftl_parser_enter(p))
        return NULL;
    ftl_node *node = parse_level(p, LEVEL_SUM);
    ftl_parser_leave(p);
    return node;
}

/* ---- arguments ---- */

/* list = "[" [ argument { "," argument } [ "," ] ] "]" */
static ftl_node *parse_list(ftl_parser *p)
{
    size_t first = p->at, from = p->nodes.len;
    ftl_node *node = ftl_parser_make(p, FTL_NODE_LIST, (ftl_span){0});
    ftl_parser_open(p, false);
    while (!ftl_parser_is(p, TOKEN_RBRACKET)) {
        ftl_node *item = ftl_parser_parse_argument(p);
        if (!item)
            return NULL;
        push_node(p, item);
        if (!ftl_parser_accept(p, TOKEN_COMMA))
            break;
    }
    if (!ftl_parser_close(p, TOKEN_RBRACKET, "',' or ']'"))
        return NULL;
    return finish_node(p, node, from, first);
}

/* entry = ( name | string ) ":" argument */
static bool parse_entry(ftl_parser *p)
{
    ftl_node *key = NULL;
    if (ftl_parser_is(p, TOKEN_STRING)) {
        key = parse_string(p);
    } else if (ftl_parser_is(p, TOKEN_NAME)) {
        key = make_leaf(p, FTL_NODE_NAME, 0);
        const ftl_token *token = &p->tokens[p->at - 1];
        key->name = ftl_intern_get(p->names, p->text + token->off, token->len);
    } else {
        return ftl_parser_fail_expected(p, "a name or a string as key", NULL);
    }
    if (!key)
        return false;
    push_node(p, key);
    if (!ftl_parser_accept(p, TOKEN_COLON))
        return ftl_parser_fail_expected(p, "':' after the key", NULL);
    ftl_node *value = ftl_parser_parse_argument(p);
    if (!value)
        return false;
    push_node(p, value);
    return true;
}

/* dict = "{" [ entry { "," entry } [ "," ] ] "}" */
static ftl_node *parse_dict(ftl_parser *p)
{
    size_t first = p->at, from = p->nodes.len;
    ftl_node *node = ftl_parser_make(p, FTL_NODE_DICT, (ftl_span){0});
    ftl_parser_open(p, false);
    while (!ftl_parser_is(p, TOKEN_RBRACE)) {
        if (!parse_entry(p))
            return NULL;
        if (!ftl_parser_accept(p, TOKEN_COMMA))
            break;
    }
    if (!ftl_parser_close(p, TOKEN_RBRACE, "',' or '}'"))
        return NULL;
    return finish_node(p, node, from, first);
}

/* argument = expr | list | dict */
ftl_node *ftl_parser_parse_argument(ftl_parser *p)
{
    if (!ftl_parser_is(p, TOKEN_LBRACKET) && !ftl_parser_is(p, TOKEN_LBRACE))
        return ftl_parser_parse_expr(p);
    if (!ftl_parser_enter(p))
        return NULL;
    ftl_node *node = ftl_parser_is(p, TOKEN_LBRACKET) ? parse_list(p) : parse_dict(p);
    ftl_parser_leave(p);
    return node;
}
