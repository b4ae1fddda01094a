/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/print.h"

static void print_names(ftl_printer *pr, const ftl_stmt *stmt)
{
    for (size_t i = 0; i < stmt->names.len; i++) {
        if (i > 0)
            ftl_print_comma(pr);
        if (stmt->names.data[i].quoted)
            ftl_print_string(pr, stmt->names.data[i].name);
        else
            ftl_print_text(pr, stmt->names.data[i].name);
    }
}

/* The atoms of a `<-` body. */
static void print_body(ftl_printer *pr, const ftl_node *node)
{
    if (node->kind == FTL_NODE_BINARY && node->op == FTL_OP_AND && node->implicit &&
        !node->grouped) {
        print_body(pr, node->args.data[0]);
        ftl_print_comma(pr);
        print_body(pr, node->args.data[1]);
        return;
    }
    ftl_print_node(pr, node);
}

static void print_equation(ftl_printer *pr, const ftl_stmt *stmt)
{
    static const char *const operators[] = {
        [FTL_PROJ_SUM] = "=",    [FTL_PROJ_PLUS] = "+=",  [FTL_PROJ_MAX] = "max=",
        [FTL_PROJ_MIN] = "min=", [FTL_PROJ_AVG] = "avg=", [FTL_PROJ_PROD] = "*=",
        [FTL_PROJ_LSE] = "lse=", [FTL_PROJ_ARROW] = "<-"};
    if (stmt->is_let)
        ftl_print_text(pr, "let ");
    ftl_print_node(pr, stmt->lhs);
    if (stmt->guard) {
        ftl_print_text(pr, " when ");
        ftl_print_node(pr, stmt->guard);
    }
    ftl_strbuf_printf(pr->out, " %s ", operators[stmt->proj]);
    if (stmt->proj == FTL_PROJ_ARROW)
        print_body(pr, stmt->rhs);
    else
        ftl_print_node(pr, stmt->rhs);
}

static void print_source(ftl_printer *pr, const ftl_stmt *stmt)
{
    if (stmt->is_let)
        ftl_print_text(pr, "let ");
    ftl_print_node(pr, stmt->lhs);
    ftl_print_text(pr, " = ");
    ftl_print_string(pr, stmt->path);
}

static void print_sink(ftl_printer *pr, const ftl_stmt *stmt)
{
    ftl_print_string(pr, stmt->path);
    ftl_print_text(pr, " = ");
    ftl_print_node(pr, stmt->rhs);
}

static void print_declaration(ftl_printer *pr, const ftl_stmt *stmt, const char *word)
{
    ftl_strbuf_printf(pr->out, "%s %s", word, stmt->name);
    if (stmt->type)
        ftl_strbuf_printf(pr->out, ": %s", stmt->type);
    if (!stmt->rhs)
        return;
    ftl_print_text(pr, " = ");
    ftl_print_node(pr, stmt->rhs);
}

static void print_domain(ftl_printer *pr, const ftl_stmt *stmt)
{
    ftl_strbuf_printf(pr->out, "domain %s = ", stmt->name);
    if (stmt->path) {
        ftl_print_string(pr, stmt->path);
        return;
    }
    bool outside = ftl_print_open(pr, "{", false);
    print_names(pr, stmt);
    ftl_print_close(pr, "}", outside);
}

static void print_import(ftl_printer *pr, const ftl_stmt *stmt)
{
    ftl_print_text(pr, "import ");
    ftl_print_string(pr, stmt->path);
    if (stmt->name)
        ftl_strbuf_printf(pr->out, " as %s", stmt->name);
}

static void print_formal(ftl_printer *pr, const ftl_formal *formal)
{
    ftl_print_text(pr, formal->name);
    if (formal->axes.len == 0)
        return;
    bool outside = ftl_print_open(pr, "[", false);
    ftl_print_indices(pr, &formal->axes);
    ftl_print_close(pr, "]", outside);
}

void ftl_print_fn_head(ftl_printer *pr, const ftl_stmt *stmt)
{
    ftl_strbuf_printf(pr->out, "fn %s", stmt->name);
    bool outside = ftl_print_open(pr, "(", false);
    for (size_t i = 0; i < stmt->formals.len; i++) {
        if (i > 0)
            ftl_print_comma(pr);
        print_formal(pr, &stmt->formals.data[i]);
    }
    ftl_print_close(pr, ") -> ", outside);
    print_formal(pr, &stmt->result);
    ftl_print_text(pr, " {");
}

static void print_statements(ftl_printer *pr, const ftl_stmts *body)
{
    for (size_t i = 0; i < body->len; i++) {
        ftl_print_text(pr, i > 0 ? "; " : " ");
        ftl_print_stmt(pr, body->data[i]);
    }
    ftl_print_text(pr, body->len > 0 ? " }" : "}");
}

void ftl_print_stmt(ftl_printer *pr, const ftl_stmt *stmt) /* dispatch */
{
    pr->newline_ends = true;
    switch (stmt->kind) {
    case FTL_STMT_EQUATION: print_equation(pr, stmt); break;
    case FTL_STMT_SOURCE: print_source(pr, stmt); break;
    case FTL_STMT_SINK: print_sink(pr, stmt); break;
    case FTL_STMT_EXPORT:
        ftl_print_text(pr, "export ");
        print_names(pr, stmt);
        break;
    case FTL_STMT_FACT: ftl_print_node(pr, stmt->lhs); break;
    case FTL_STMT_QUERY:
        ftl_print_node(pr, stmt->lhs);
        ftl_print_text(pr, "?");
        break;
    case FTL_STMT_PARAM: print_declaration(pr, stmt, "param"); break;
    case FTL_STMT_CONST: print_declaration(pr, stmt, "const"); break;
    case FTL_STMT_AXIS: print_declaration(pr, stmt, "axis"); break;
    case FTL_STMT_DOMAIN: print_domain(pr, stmt); break;
    case FTL_STMT_IMPORT: print_import(pr, stmt); break;
    case FTL_STMT_FN:
        ftl_print_fn_head(pr, stmt);
        print_statements(pr, &stmt->body);
        break;
    case FTL_STMT_BLOCK:
        ftl_print_text(pr, "{");
        print_statements(pr, &stmt->body);
        break;
    }
}
