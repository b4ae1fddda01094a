/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements that declare, export and import.
 */
#include "syntax/parser.h"

ftl_stmt *ftl_parser_make_stmt(ftl_parser *p, ftl_stmt_kind kind)
{
    ftl_stmt *stmt = FTL_NEW(p->arena, ftl_stmt);
    stmt->kind = kind;
    return stmt;
}

/* The whole statement is shown: the fault is not at one place of it. */
bool ftl_parser_is_value_missing(ftl_parser *p, const char *what)
{
    if (!ftl_parser_is_at_end(p))
        return false;
    ftl_parser_fail(p, ftl_parser_get_span_since(p, p->start),
                    "a line break after '=' ends the statement; it may go on inside of brackets or "
                    "after an operator",
                    "expected %s, found %s", what, ftl_parser_describe(p, ftl_parser_peek(p)));
    return true;
}

ftl_node *ftl_parser_parse_value(ftl_parser *p)
{
    if (ftl_parser_is_value_missing(p, "a value"))
        return NULL;
    return ftl_parser_parse_expr(p);
}

/* [ "=" expr ] */
static bool parse_optional_value(ftl_parser *p, ftl_node **out)
{
    if (ftl_parser_is_after_newline(p) || !ftl_parser_accept(p, TOKEN_ASSIGN))
        return true;
    *out = ftl_parser_parse_value(p);
    return *out != NULL;
}

/* export = "export" name { "," name } */
ftl_stmt *ftl_parser_parse_export(ftl_parser *p)
{
    ftl_stmt *stmt = ftl_parser_make_stmt(p, FTL_STMT_EXPORT);
    p->at++;
    do {
        ftl_name name = {.quoted = false};
        name.name = ftl_parser_expect_name(p, "a name", &name.span);
        if (!name.name)
            return NULL;
        *FTL_VEC_PUSH(p->arena, &stmt->names) = name;
    } while (ftl_parser_accept(p, TOKEN_COMMA));
    return stmt;
}

/* "param" | "const" | "axis" name */
ftl_stmt *ftl_parser_parse_declared_name(ftl_parser *p, ftl_stmt_kind kind)
{
    ftl_stmt *stmt = ftl_parser_make_stmt(p, kind);
    p->at++;
    stmt->name_span = ftl_parser_get_span(p, ftl_parser_peek(p));
    stmt->name = ftl_parser_take_name(p);
    return stmt;
}

/* param = "param" name [ ":" name ] [ "=" expr ] */
ftl_stmt *ftl_parser_parse_param(ftl_parser *p)
{
    ftl_stmt *stmt = ftl_parser_parse_declared_name(p, FTL_STMT_PARAM);
    ftl_span span;
    if (!ftl_parser_is_after_newline(p) && ftl_parser_accept(p, TOKEN_COLON)) {
        stmt->type = ftl_parser_expect_name(p, "a type such as int or float", &span);
        if (!stmt->type)
            return NULL;
    }
    return parse_optional_value(p, &stmt->rhs) ? stmt : NULL;
}

/* const = "const" name "=" expr */
ftl_stmt *ftl_parser_parse_const(ftl_parser *p)
{
    ftl_stmt *stmt = ftl_parser_parse_declared_name(p, FTL_STMT_CONST);
    if (ftl_parser_is_at_end(p) || !ftl_parser_is(p, TOKEN_ASSIGN))
        return ftl_parser_fail_expected(p, "'=' after the name of the constant", NULL);
    return parse_optional_value(p, &stmt->rhs) ? stmt : NULL;
}

/* axis = "axis" name [ "=" expr ] */
ftl_stmt *ftl_parser_parse_axis(ftl_parser *p)
{
    ftl_stmt *stmt = ftl_parser_parse_declared_name(p, FTL_STMT_AXIS);
    return parse_optional_value(p, &stmt->rhs) ? stmt : NULL;
}

/* symbol = name | string */
static bool parse_symbol(ftl_parser *p, ftl_stmt *stmt)
{
    ftl_name name = {.span = ftl_parser_get_span(p, ftl_parser_peek(p))};
    name.quoted = ftl_parser_is(p, TOKEN_STRING);
    name.name = name.quoted ? ftl_parser_take_string(p)
                            : ftl_parser_expect_name(p, "a name or a string", &name.span);
    if (!name.name)
        return false;
    *FTL_VEC_PUSH(p->arena, &stmt->names) = name;
    return true;
}

/* symbols = "{" [ symbol { "," symbol } [ "," ] ] "}" */
static bool parse_symbols(ftl_parser *p, ftl_stmt *stmt)
{
    ftl_parser_open(p, false);
    while (!ftl_parser_is(p, TOKEN_RBRACE)) {
        if (!parse_symbol(p, stmt))
            return false;
        if (!ftl_parser_accept(p, TOKEN_COMMA))
            break;
    }
    return ftl_parser_close(p, TOKEN_RBRACE, "',' or '}'");
}

/* domain = "domain" name "=" ( symbols | string ) */
ftl_stmt *ftl_parser_parse_domain(ftl_parser *p)
{
    static const char hint[] = "a domain is written {alice, bob} or \"people.txt\"";
    ftl_stmt *stmt = ftl_parser_parse_declared_name(p, FTL_STMT_DOMAIN);
    if (ftl_parser_is_at_end(p) || !ftl_parser_accept(p, TOKEN_ASSIGN))
        return ftl_parser_fail_expected(p, "'=' after the name of the domain", hint);
    if (ftl_parser_is_value_missing(p, "the domain's symbols"))
        return NULL;
    if (ftl_parser_is(p, TOKEN_LBRACE))
        return parse_symbols(p, stmt) ? stmt : NULL;
    if (!ftl_parser_is(p, TOKEN_STRING))
        return ftl_parser_fail_expected(p, "'{' or a file's name", hint);
    stmt->path_span = ftl_parser_get_span(p, ftl_parser_peek(p));
    stmt->path = ftl_parser_take_string(p);
    return stmt->path ? stmt : NULL;
}

/* import = "import" string [ "as" name ] */
ftl_stmt *ftl_parser_parse_import(ftl_parser *p)
{
    ftl_stmt *stmt = ftl_parser_make_stmt(p, FTL_STMT_IMPORT);
    p->at++;
    stmt->path_span = ftl_parser_get_span(p, ftl_parser_peek(p));
    stmt->path = ftl_parser_take_string(p);
    if (!stmt->path)
        return NULL;
    if (ftl_parser_is_after_newline(p) || !ftl_parser_is_word(p, ftl_parser_peek(p), "as"))
        return stmt;
    p->at++;
    stmt->name = ftl_parser_expect_name(p, "a name after 'as'", &stmt->name_span);
    return stmt->name ? stmt : NULL;
}
