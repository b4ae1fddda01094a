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

#define LEVELS_PER_BRACKET 16

static void print_expr(ftl_printer *pr, const ftl_node *node, precedence least, bool tail);

/* ---- text and marks ---- */

static void put(ftl_printer *pr, const char *s)
{
    ftl_strbuf_puts(pr->out, s);
}

/* A space that may become a line break; level 0 breaks first. */
static void put_break(ftl_printer *pr, unsigned level)
{
    ftl_mark *mark = FTL_VEC_PUSH(pr->out->arena, &pr->marks);
    mark->at = pr->out->len;
    mark->level = pr->depth * LEVELS_PER_BRACKET + level;
    mark->indent = pr->indent + FTL_INDENT;
    put(pr, " ");
}

static void put_hard_break(ftl_printer *pr, unsigned indent)
{
    ftl_mark *mark = FTL_VEC_PUSH(pr->out->arena, &pr->marks);
    mark->at = pr->out->len;
    mark->indent = indent;
    mark->hard = true;
    put(pr, " ");
}

/* Whether the text had a line end between two places. */
static bool has_newline(const ftl_printer *pr, uint32_t from, uint32_t to)
{
    return pr->text && from < to && memchr(pr->text + from, '\n', to - from) != NULL;
}

static void put_comma(ftl_printer *pr)
{
    put(pr, ",");
    put_break(pr, 0);
}

/* Opens a bracket; gives whether a newline ended a statement outside of it. */
static bool open_bracket(ftl_printer *pr, const char *text, bool newline_ends)
{
    bool outside = pr->newline_ends;
    put(pr, text);
    pr->depth++;
    pr->newline_ends = newline_ends;
    return outside;
}

static void close_bracket(ftl_printer *pr, const char *text, bool outside)
{
    pr->depth--;
    pr->newline_ends = outside;
    put(pr, text);
}

static void put_string(ftl_printer *pr, const char *s)
{
    size_t len = strlen(s);
    put(pr, "\"");
    for (size_t i = 0; i < len;) {
        static const char special[] = "\\\"\n\t\r", names[] = "\\\"ntr";
        uint32_t code = 0;
        size_t n = ftl_utf8_decode(s + i, len - i, &code);
        const char *found = strchr(special, s[i]);
        if (found)
            ftl_strbuf_printf(pr->out, "\\%c", names[found - special]);
        else if (n == 0 || code < 0x20 || code == 0x7f)
            ftl_strbuf_printf(pr->out, "\\x%02x", (unsigned)(uint8_t)s[i]);
        else
            ftl_strbuf_append(pr->out, s + i, n);
        i += n > 0 ? n : 1;
    }
    put(pr, "\"");
}

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
        put(pr, ftl_op_get_text(op));
        return;
    }
    if (implicit && pr->newline_ends)
        put(pr, " ");
    else
        put_break(pr, level);
    if (implicit)
        return;
    put(pr, ftl_op_get_text(op));
    put(pr, " ");
}

static ftl_op flip_sign(ftl_op op)
{
    return op == FTL_OP_ADD ? FTL_OP_SUB : op == FTL_OP_SUB ? FTL_OP_ADD : op;
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
    print_operator(pr, flip ? flip_sign(node->op) : node->op, implicit);
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
    put(pr, node->op == FTL_OP_NEG ? "-" : word ? "not " : "!");
    const ftl_node *operand = node->args.data[0];
    if (node->op == FTL_OP_NEG && get_first(operand, PREC_UNARY, tail) == '-')
        put(pr, " ");
    print_expr(pr, operand, PREC_UNARY, tail);
}

static void print_select(ftl_printer *pr, const ftl_node *node, bool tail)
{
    print_expr(pr, node->args.data[0], PREC_OR, false);
    put_break(pr, 1);
    put(pr, "? ");
    print_expr(pr, node->args.data[1], PREC_SELECT, true);
    put_break(pr, 1);
    put(pr, ": ");
    pr->depth++;
    print_expr(pr, node->args.data[2], PREC_SELECT, tail);
    pr->depth--;
}

/* ---- brackets ---- */

static void print_arm(ftl_printer *pr, const ftl_node *node, size_t i)
{
    bool is_default = i + 1 == node->args.len;
    if (is_default)
        put(pr, "default");
    else
        print_expr(pr, node->args.data[i], PREC_SELECT, true);
    put(pr, " -> ");
    print_expr(pr, node->args.data[is_default ? i : i + 1], PREC_SELECT, true);
}

/* A case that stood on several lines gets a line for each arm. */
static void print_case(ftl_printer *pr, const ftl_node *node)
{
    bool split = pr->splits_cases ||
                 has_newline(pr, node->span.off, node->span.off + node->span.len);
    bool outside = open_bracket(pr, "case {", true);
    pr->has_case = pr->has_case || !split;
    pr->indent += split ? FTL_INDENT : 0;
    for (size_t i = 0; i < node->args.len; i += 2) {
        put(pr, i > 0 && !split ? ";" : "");
        if (split)
            put_hard_break(pr, pr->indent);
        else
            put_break(pr, 0);
        print_arm(pr, node, i);
    }
    pr->indent -= split ? FTL_INDENT : 0;
    if (split)
        put_hard_break(pr, pr->indent);
    close_bracket(pr, split ? "}" : " }", outside);
}

static void print_reduce(ftl_printer *pr, const ftl_node *node, bool tail)
{
    bool outside = open_bracket(pr, "reduce(", false);
    put(pr, node->name);
    for (size_t i = 0; i < node->axes.len; i++) {
        put_comma(pr);
        put(pr, node->axes.data[i].name);
    }
    close_bracket(pr, ") ", outside);
    print_expr(pr, node->args.data[0], PREC_SELECT, tail);
}

/* The rows of a list keep the lines that they stood on. */
static void print_list(ftl_printer *pr, const ftl_node *node)
{
    bool outside = open_bracket(pr, "[", false);
    for (size_t i = 0; i < node->args.len; i++) {
        const ftl_node *item = node->args.data[i], *before = i > 0 ? node->args.data[i - 1] : item;
        bool split = has_newline(pr, before->span.off + before->span.len, item->span.off);
        put(pr, i > 0 ? "," : "");
        if (split)
            put_hard_break(pr, pr->indent + FTL_INDENT);
        else if (i > 0)
            put_break(pr, 0);
        print_expr(pr, item, PREC_SELECT, true);
    }
    close_bracket(pr, "]", outside);
}

static void print_dict(ftl_printer *pr, const ftl_node *node)
{
    bool outside = open_bracket(pr, "{", false);
    for (size_t i = 0; i + 1 < node->args.len; i += 2) {
        if (i > 0)
            put_comma(pr);
        print_expr(pr, node->args.data[i], PREC_SELECT, true);
        put(pr, ": ");
        print_expr(pr, node->args.data[i + 1], PREC_SELECT, true);
    }
    close_bracket(pr, "}", outside);
}

static void print_kwargs(ftl_printer *pr, const ftl_node *node, bool first)
{
    for (size_t i = 0; i < node->kwargs.len; i++) {
        if (!first || i > 0)
            put_comma(pr);
        put(pr, node->kwargs.data[i].name);
        put(pr, "=");
        print_expr(pr, node->kwargs.data[i].value, PREC_SELECT, true);
    }
}

static void print_name(ftl_printer *pr, const ftl_node *node)
{
    if (node->macro)
        put(pr, "@");
    if (node->ns) {
        put(pr, node->ns);
        put(pr, "::");
    }
    put(pr, node->name);
}

static void print_call(ftl_printer *pr, const ftl_node *node)
{
    print_name(pr, node);
    bool tight = pr->tight;
    pr->tight = false;
    bool outside = open_bracket(pr, "(", false);
    for (size_t i = 0; i < node->args.len; i++) {
        if (i > 0)
            put_comma(pr);
        print_expr(pr, node->args.data[i], PREC_SELECT, true);
    }
    print_kwargs(pr, node, node->args.len == 0);
    close_bracket(pr, ")", outside);
    pr->tight = tight;
}

/* ---- indices ---- */

static void print_term(ftl_printer *pr, const ftl_index_term *term, bool first)
{
    put(pr, term->sign < 0 ? "-" : first ? "" : "+");
    if (term->has_number)
        ftl_strbuf_printf(pr->out, "%lld", (long long)term->number);
    if (term->factor)
        put(pr, term->factor);
    if (term->name && (term->has_number || term->factor))
        put(pr, "*");
    if (term->name)
        put(pr, term->name);
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
        put(pr, index->name);
        put(pr, "=");
    }
    if (index->start)
        print_tight(pr, index->start, PREC_SUM);
    put(pr, ":");
    if (index->stop)
        print_tight(pr, index->stop, PREC_SUM);
    if (!index->step)
        return;
    bool apart = index->start && !index->stop && get_last(index->start, PREC_SUM, true) == 'a' &&
                 get_first(index->step, PREC_SUM, true) == 'a';
    put(pr, apart ? " :" : ":");
    print_tight(pr, index->step, PREC_SUM);
}

static void print_index(ftl_printer *pr, const ftl_index *index)
{
    switch (index->kind) {
    case FTL_INDEX_AFFINE:
        for (size_t i = 0; i < index->terms.len; i++)
            print_term(pr, &index->terms.data[i], i == 0);
        break;
    case FTL_INDEX_SYMBOL: put_string(pr, index->name); break;
    case FTL_INDEX_DIV:
        put(pr, index->name);
        put(pr, "/");
        print_tight(pr, index->divisor, PREC_PRIMARY);
        break;
    case FTL_INDEX_SLICE: print_slice(pr, index); break;
    case FTL_INDEX_GATHER: print_tight(pr, index->gather, PREC_PRIMARY); break;
    case FTL_INDEX_TIME:
        ftl_strbuf_printf(pr->out, "*%s", index->name);
        if (index->time_offset != 0)
            ftl_strbuf_printf(pr->out, "%+lld", (long long)index->time_offset);
        break;
    case FTL_INDEX_ANY: put(pr, "_"); break;
    }
    if (index->dotted)
        put(pr, ".");
}

static void print_indices(ftl_printer *pr, const ftl_indices *indices)
{
    for (size_t i = 0; i < indices->len; i++) {
        if (i > 0)
            put_comma(pr);
        print_index(pr, &indices->data[i]);
    }
}

/* A reference with parentheses may be a call: it is printed from its arguments if it has them. */
static void print_ref(ftl_printer *pr, const ftl_node *node)
{
    print_name(pr, node);
    if (!node->paren && node->indices.len == 0 && node->kwargs.len == 0)
        return;
    bool outside = open_bracket(pr, node->paren ? "(" : "[", false);
    if (node->args.len == 0)
        print_indices(pr, &node->indices);
    for (size_t i = 0; i < node->args.len; i++) {
        if (i > 0)
            put_comma(pr);
        print_tight(pr, node->args.data[i], PREC_SELECT);
    }
    print_kwargs(pr, node, node->indices.len == 0);
    close_bracket(pr, node->paren ? ")" : "]", outside);
}

/* ---- expressions ---- */

static void print_number(ftl_printer *pr, const ftl_node *node)
{
    if (node->spelling)
        put(pr, node->spelling);
    else
        ftl_strbuf_put_double(pr->out, node->number);
}

static void print_bare(ftl_printer *pr, const ftl_node *node, bool tail) /* dispatch */
{
    switch (node->kind) {
    case FTL_NODE_NUMBER: print_number(pr, node); break;
    case FTL_NODE_STRING: put_string(pr, node->name); break;
    case FTL_NODE_BOOL: put(pr, node->number != 0 ? "true" : "false"); break;
    case FTL_NODE_NONE: put(pr, "none"); break;
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
    bool outside = open_bracket(pr, "(", false);
    print_bare(pr, node, true);
    close_bracket(pr, ")", outside);
}

void ftl_print_node(ftl_printer *pr, const ftl_node *node)
{
    print_expr(pr, node, PREC_SELECT, true);
}

/* ---- statements ---- */

static void print_names(ftl_printer *pr, const ftl_stmt *stmt)
{
    for (size_t i = 0; i < stmt->names.len; i++) {
        if (i > 0)
            put_comma(pr);
        if (stmt->names.data[i].quoted)
            put_string(pr, stmt->names.data[i].name);
        else
            put(pr, stmt->names.data[i].name);
    }
}

/* The atoms of a `<-` body. */
static void print_body(ftl_printer *pr, const ftl_node *node)
{
    if (node->kind == FTL_NODE_BINARY && node->op == FTL_OP_AND && node->implicit &&
        !node->grouped) {
        print_body(pr, node->args.data[0]);
        put_comma(pr);
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
        put(pr, "let ");
    ftl_print_node(pr, stmt->lhs);
    if (stmt->guard) {
        put(pr, " when ");
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
        put(pr, "let ");
    ftl_print_node(pr, stmt->lhs);
    put(pr, " = ");
    put_string(pr, stmt->path);
}

static void print_sink(ftl_printer *pr, const ftl_stmt *stmt)
{
    put_string(pr, stmt->path);
    put(pr, " = ");
    ftl_print_node(pr, stmt->rhs);
}

static void print_declaration(ftl_printer *pr, const ftl_stmt *stmt, const char *word)
{
    ftl_strbuf_printf(pr->out, "%s %s", word, stmt->name);
    if (stmt->type)
        ftl_strbuf_printf(pr->out, ": %s", stmt->type);
    if (!stmt->rhs)
        return;
    put(pr, " = ");
    ftl_print_node(pr, stmt->rhs);
}

static void print_domain(ftl_printer *pr, const ftl_stmt *stmt)
{
    ftl_strbuf_printf(pr->out, "domain %s = ", stmt->name);
    if (stmt->path) {
        put_string(pr, stmt->path);
        return;
    }
    bool outside = open_bracket(pr, "{", false);
    print_names(pr, stmt);
    close_bracket(pr, "}", outside);
}

static void print_import(ftl_printer *pr, const ftl_stmt *stmt)
{
    put(pr, "import ");
    put_string(pr, stmt->path);
    if (stmt->name)
        ftl_strbuf_printf(pr->out, " as %s", stmt->name);
}

static void print_formal(ftl_printer *pr, const ftl_formal *formal)
{
    put(pr, formal->name);
    if (formal->axes.len == 0)
        return;
    bool outside = open_bracket(pr, "[", false);
    print_indices(pr, &formal->axes);
    close_bracket(pr, "]", outside);
}

void ftl_print_fn_head(ftl_printer *pr, const ftl_stmt *stmt)
{
    ftl_strbuf_printf(pr->out, "fn %s", stmt->name);
    bool outside = open_bracket(pr, "(", false);
    for (size_t i = 0; i < stmt->formals.len; i++) {
        if (i > 0)
            put_comma(pr);
        print_formal(pr, &stmt->formals.data[i]);
    }
    close_bracket(pr, ") -> ", outside);
    print_formal(pr, &stmt->result);
    put(pr, " {");
}

static void print_statements(ftl_printer *pr, const ftl_stmts *body)
{
    for (size_t i = 0; i < body->len; i++) {
        put(pr, i > 0 ? "; " : " ");
        ftl_print_stmt(pr, body->data[i]);
    }
    put(pr, body->len > 0 ? " }" : "}");
}

void ftl_print_stmt(ftl_printer *pr, const ftl_stmt *stmt) /* dispatch */
{
    pr->newline_ends = true;
    switch (stmt->kind) {
    case FTL_STMT_EQUATION: print_equation(pr, stmt); break;
    case FTL_STMT_SOURCE: print_source(pr, stmt); break;
    case FTL_STMT_SINK: print_sink(pr, stmt); break;
    case FTL_STMT_EXPORT:
        put(pr, "export ");
        print_names(pr, stmt);
        break;
    case FTL_STMT_FACT: ftl_print_node(pr, stmt->lhs); break;
    case FTL_STMT_QUERY:
        ftl_print_node(pr, stmt->lhs);
        put(pr, "?");
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
        put(pr, "{");
        print_statements(pr, &stmt->body);
        break;
    }
}

/* ---- breaking ---- */

size_t ftl_print_get_width(const char *s, size_t len)
{
    size_t width = 0;
    for (size_t i = 0; i < len; i++)
        width += ((uint8_t)s[i] & 0xc0) != 0x80;
    return width;
}

/* The mark among [first, last) where the line from `from` on is broken, or last. Of the marks
 * within the width the last one of the lowest level; marks in the first part of the line only when
 * there is no other. */
static size_t choose_mark(const ftl_printer *pr, size_t first, size_t last, size_t from,
                          size_t width)
{
    size_t best = last;
    bool best_is_late = false;
    for (size_t i = first; i < last; i++) {
        const ftl_mark *mark = &pr->marks.data[i];
        size_t used = ftl_print_get_width(pr->out->data + from, mark->at - from);
        if (used > width)
            return best < last ? best : i;
        bool late = used > width * 2 / 5;
        bool better = best == last || mark->level <= pr->marks.data[best].level;
        if ((late && !best_is_late) || (late == best_is_late && better)) {
            best = i;
            best_is_late = late;
        }
    }
    return best;
}

static bool fits(const char *s, size_t len, size_t room)
{
    return len <= room || (len <= room * 4 && ftl_print_get_width(s, len) <= room);
}

void ftl_print_lines(const ftl_printer *pr, ftl_strbuf *out)
{
    const char *text = ftl_strbuf_get(pr->out);
    size_t from = 0, next = 0, hard = 0, n = pr->marks.len;
    unsigned indent = pr->indent;
    for (;;) {
        while (hard < n && (hard < next || !pr->marks.data[hard].hard))
            hard++;
        size_t end = hard < n ? pr->marks.data[hard].at : pr->out->len;
        size_t room = FTL_LINE_WIDTH > indent ? FTL_LINE_WIDTH - indent : 1;
        size_t at = hard;
        if (!fits(text + from, end - from, room))
            at = choose_mark(pr, next, hard, from, room);
        if (at == n)
            break;
        const ftl_mark *mark = &pr->marks.data[at];
        ftl_strbuf_append(out, text + from, mark->at - from);
        ftl_strbuf_printf(out, "\n%*s", (int)mark->indent, "");
        indent = mark->indent;
        from = mark->at + 1;
        next = at + 1;
    }
    ftl_strbuf_append(out, text + from, pr->out->len - from);
}
