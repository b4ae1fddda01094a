/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements. Words like `export` and `axis` start a statement only when what follows fits, so they
 * stay usable as names of tensors and axes.
 */
#include "syntax/parser.h"

static ftl_stmt *parse_statement(ftl_parser *p);

/* Whether the current token is word and one of kind follows on the same line. */
static bool is_at_keyword(const ftl_parser *p, const char *word, ftl_token_kind kind)
{
    const ftl_token *next = ftl_parser_peek_next(p);
    return ftl_parser_is_word(p, ftl_parser_peek(p), word) && next->kind == kind && !next->newline;
}

/* ---- equations, facts, queries, sources ---- */

/* body = expr { "," expr } */
static ftl_node *parse_body(ftl_parser *p)
{
    size_t from = p->operands.len;
    ftl_operand operand = {.node = ftl_parser_parse_value(p)};
    while (operand.node) {
        *FTL_VEC_PUSH(p->arena, &p->operands) = operand;
        operand = (ftl_operand){.op = FTL_OP_AND, .implicit = true};
        operand.op_span = ftl_parser_get_span(p, ftl_parser_peek(p));
        if (!ftl_parser_accept(p, TOKEN_COMMA))
            return ftl_parser_build_chain(p, from);
        operand.node = ftl_parser_parse_expr(p);
    }
    return NULL;
}

/* operator = "=" | "+=" | "max=" | "min=" | "avg=" | "*=" | "lse=" | "<-" */
static bool take_equation_operator(ftl_parser *p, ftl_proj *proj)
{
    size_t tokens = 1;
    if (ftl_parser_is(p, TOKEN_ASSIGN))
        *proj = FTL_PROJ_SUM;
    else if (ftl_parser_is(p, TOKEN_PLUS_ASSIGN))
        *proj = FTL_PROJ_PLUS;
    else if (ftl_parser_is(p, TOKEN_STAR_ASSIGN))
        *proj = FTL_PROJ_PROD;
    else if (ftl_parser_is_arrow(p))
        tokens = 2, *proj = FTL_PROJ_ARROW;
    else if (ftl_parser_is_projection(p, proj))
        tokens = 2;
    else
        return false;
    p->at += tokens;
    return true;
}

/* source = lhs "=" string */
static bool finish_source(ftl_parser *p, ftl_stmt *stmt)
{
    stmt->kind = FTL_STMT_SOURCE;
    if (stmt->guard)
        return ftl_parser_fail(p, stmt->guard->span, NULL, "a file is read without a guard");
    if (stmt->proj != FTL_PROJ_SUM)
        return ftl_parser_fail(p, stmt->op_span, NULL, "a file is read with '='");
    stmt->path = stmt->rhs->name;
    stmt->path_span = stmt->rhs->span;
    stmt->rhs = NULL;
    return true;
}

/* equation = [ "let" ] lhs [ "when" expr ] operator ( body | list ); the operator is read. */
static bool finish_equation(ftl_parser *p, ftl_stmt *stmt, size_t op)
{
    stmt->kind = FTL_STMT_EQUATION;
    stmt->op_span = ftl_parser_get_span_since(p, op);
    if (ftl_parser_is(p, TOKEN_LBRACKET) && !ftl_parser_is_after_newline(p))
        stmt->rhs = ftl_parser_parse_argument(p);
    else if (stmt->proj == FTL_PROJ_ARROW)
        stmt->rhs = parse_body(p);
    else
        stmt->rhs = ftl_parser_parse_value(p);
    if (!stmt->rhs)
        return false;
    if (stmt->proj != FTL_PROJ_ARROW && ftl_parser_is(p, TOKEN_COMMA))
        return ftl_parser_fail_expected(p, "the end of the statement",
                                        "only the body of a rule with '<-' is separated by commas");
    bool is_file = stmt->rhs->kind == FTL_NODE_STRING && !stmt->rhs->grouped;
    return is_file ? finish_source(p, stmt) : true;
}

static const char *const KEYWORDS[] = {"export", "param", "const", "axis",
                                       "domain", "import", "let",  "fn"};

/* What follows the left side is none of what may follow it. */
static bool fail_after_left_side(ftl_parser *p, const ftl_stmt *stmt)
{
    static const char operators[] = "the operators are = += max= min= avg= *= lse= <-";
    const ftl_token *token = ftl_parser_peek(p), *next = ftl_parser_peek_next(p);
    const char *name = stmt->lhs->name;
    if (token->kind >= TOKEN_BAD_CHARACTER)
        return ftl_parser_fail_expected(p, "an operator", NULL);
    if (token->kind == TOKEN_NAME && next->kind == TOKEN_ASSIGN && !token->newline) {
        ftl_span span = ftl_span_join(ftl_parser_get_span(p, token), ftl_parser_get_span(p, next));
        return ftl_parser_fail(p, span, operators, "unknown operator '%.*s='", (int)token->len,
                               p->text + token->off);
    }
    if (token->kind == TOKEN_COLON && next->kind == TOKEN_MINUS)
        return ftl_parser_fail_expected(p, "an operator", "a rule is written with '<-'");
    if (token->kind == TOKEN_RPAREN || token->kind == TOKEN_RBRACKET)
        return ftl_parser_fail_expected(p, "an operator such as '='", operators);
    const char *near = ftl_suggest(name, KEYWORDS, FTL_COUNT(KEYWORDS));
    const char *hint = "an equation is written Y[i] = ..., a fact Parent(alice, bob), a query Y?";
    if (near && stmt->lhs->kind == FTL_NODE_NAME)
        hint = ftl_arena_printf(p->arena, "did you mean '%s'?", near);
    ftl_span span = stmt->lhs->span;
    return ftl_parser_fail(p, span, hint, "expected an operator such as '=' after '%s', found %s",
                           name, ftl_parser_describe(p, token));
}

/* A statement that ends after its left side: a fact. */
static bool finish_fact(ftl_parser *p, ftl_stmt *stmt)
{
    if (stmt->lhs->kind != FTL_NODE_REF || !stmt->lhs->paren)
        return fail_after_left_side(p, stmt);
    stmt->kind = FTL_STMT_FACT;
    return true;
}

/* guarded = equation | fact = lhs | query = lhs "?" */
static bool parse_after_left_side(ftl_parser *p, ftl_stmt *stmt)
{
    size_t op = p->at;
    bool ended = ftl_parser_is_at_end(p);
    if (ended && !stmt->is_let)
        return finish_fact(p, stmt);
    if (!ended && !stmt->is_let && ftl_parser_accept(p, TOKEN_QUESTION)) {
        stmt->kind = FTL_STMT_QUERY;
        return ftl_parser_is_at_end(p) ||
               ftl_parser_fail_expected(p, "the end of the query", "a query stands alone: Y?");
    }
    if (!ended && ftl_parser_is_word(p, ftl_parser_peek(p), "when")) {
        p->at++;
        p->in_guard = true;
        stmt->guard = ftl_parser_parse_expr(p);
        p->in_guard = false;
        if (!stmt->guard)
            return false;
        op = p->at;
        ended = ftl_parser_is_at_end(p);
    }
    if (!ended && take_equation_operator(p, &stmt->proj))
        return finish_equation(p, stmt, op);
    if (stmt->guard)
        return ftl_parser_fail_expected(p, "an operator such as '=' after the guard",
                                        "a guarded equation is written Y[i] when i > 0 = X[i]");
    return fail_after_left_side(p, stmt);
}

static ftl_stmt *parse_equation(ftl_parser *p)
{
    ftl_stmt *stmt = ftl_parser_make_stmt(p, FTL_STMT_EQUATION);
    stmt->lhs = ftl_parser_parse_reference(p, FTL_PLACE_LEFT);
    return stmt->lhs && parse_after_left_side(p, stmt) ? stmt : NULL;
}

static ftl_stmt *parse_let(ftl_parser *p)
{
    ftl_stmt *stmt = ftl_parser_make_stmt(p, FTL_STMT_EQUATION);
    stmt->is_let = true;
    p->at++;
    stmt->lhs = ftl_parser_parse_reference(p, FTL_PLACE_LEFT);
    return stmt->lhs && parse_after_left_side(p, stmt) ? stmt : NULL;
}

/* sink = string "=" expr */
static ftl_stmt *parse_sink(ftl_parser *p)
{
    ftl_stmt *stmt = ftl_parser_make_stmt(p, FTL_STMT_SINK);
    stmt->path_span = ftl_parser_get_span(p, ftl_parser_peek(p));
    stmt->path = ftl_parser_take_string(p);
    if (!stmt->path)
        return NULL;
    if (ftl_parser_is_at_end(p) || !ftl_parser_accept(p, TOKEN_ASSIGN))
        return ftl_parser_fail_expected(p, "'=' after the file's name",
                                        "a file is written with: \"runs/y.npy\" = Y[i]");
    stmt->rhs = ftl_parser_parse_value(p);
    return stmt->rhs ? stmt : NULL;
}

/* ---- blocks and functions ---- */

/* statements = { separator } { statement separator { separator } } [ statement ] ; up to a '}' or
 * the end. A '}' that closes nothing is reported and skipped at the top. */
static void parse_statements(ftl_parser *p, ftl_stmts *out, bool top)
{
    for (;;) {
        while (ftl_parser_accept(p, TOKEN_SEMICOLON))
            continue;
        if (ftl_parser_is(p, TOKEN_END) || (!top && ftl_parser_is(p, TOKEN_RBRACE)))
            return;
        ftl_stmt *stmt = parse_statement(p);
        if (stmt)
            *FTL_VEC_PUSH(p->arena, out) = stmt;
    }
}

/* block = "{" statements "}" */
static bool parse_block_body(ftl_parser *p, ftl_stmt *stmt)
{
    size_t start = p->start, base = p->base, first = p->at;
    unsigned base_depth = p->base_depth;
    if (!ftl_parser_enter(p)) {
        p->unclosed = true;
        return false;
    }
    ftl_parser_open(p, true);
    parse_statements(p, &stmt->body, false);
    p->start = start;
    p->base = base;
    p->base_depth = base_depth;
    if (ftl_parser_is(p, TOKEN_END)) {
        const ftl_token *brace = &p->tokens[first];
        p->failed = p->unclosed;
        p->unclosed = true;
        return ftl_parser_fail_code(p, FTL_E_BRACKET, ftl_parser_get_span(p, brace), NULL,
                                    "'{' is not closed");
    }
    ftl_parser_leave(p);
    if (!ftl_parser_close(p, TOKEN_RBRACE, "'}'"))
        return false;
    stmt->body_span = ftl_parser_get_span_since(p, first);
    return true;
}

static ftl_stmt *parse_block(ftl_parser *p)
{
    ftl_stmt *stmt = ftl_parser_make_stmt(p, FTL_STMT_BLOCK);
    return parse_block_body(p, stmt) ? stmt : NULL;
}

/* formal = name [ "[" name { "," name } "]" ] */
static bool parse_formal(ftl_parser *p, const char *what, ftl_formal *out)
{
    out->name = ftl_parser_expect_name(p, what, &out->span);
    if (!out->name)
        return false;
    if (!ftl_parser_is(p, TOKEN_LBRACKET))
        return true;
    ftl_node node = {.kind = FTL_NODE_REF};
    if (!ftl_parser_parse_indices(p, &node, FTL_PLACE_RIGHT))
        return false;
    out->axes.data = node.indices.data;
    out->axes.len = node.indices.len;
    out->axes.cap = node.indices.cap;
    for (size_t i = 0; i < out->axes.len; i++) {
        const ftl_index *axis = &out->axes.data[i];
        bool plain = axis->kind == FTL_INDEX_AFFINE && axis->terms.len == 1 &&
                     axis->terms.data[0].sign > 0 && !axis->terms.data[0].has_number &&
                     !axis->terms.data[0].factor;
        if (!plain)
            return ftl_parser_fail(p, axis->span, "fn dot(a[x], b[x]) -> s { s = a[x] * b[x] }",
                                   "a function's parameters have plain axes");
    }
    return true;
}

static bool parse_formals(ftl_parser *p, ftl_stmt *stmt)
{
    ftl_parser_open(p, false);
    while (!ftl_parser_is(p, TOKEN_RPAREN)) {
        if (!parse_formal(p, "the name of a parameter", FTL_VEC_PUSH(p->arena, &stmt->formals)))
            return false;
        if (!ftl_parser_accept(p, TOKEN_COMMA))
            break;
    }
    return ftl_parser_close(p, TOKEN_RPAREN, "',' or ')'");
}

/* fn = "fn" name "(" [ formal { "," formal } ] ")" "->" formal block */
static ftl_stmt *parse_fn(ftl_parser *p)
{
    static const char hint[] = "a function is written: fn dot(a[x], b[x]) -> s { s = a[x] * b[x] }";
    ftl_stmt *stmt = ftl_parser_parse_declared_name(p, FTL_STMT_FN);
    if (!ftl_parser_is(p, TOKEN_LPAREN))
        return ftl_parser_fail_expected(p, "'(' after the name of the function", hint);
    if (!parse_formals(p, stmt))
        return NULL;
    if (!ftl_parser_accept(p, TOKEN_MAPS))
        return ftl_parser_fail_expected(p, "'->' and the result of the function", hint);
    if (!parse_formal(p, "the name of the result", &stmt->result))
        return NULL;
    if (!ftl_parser_is(p, TOKEN_LBRACE))
        return ftl_parser_fail_expected(p, "'{' and the body of the function", hint);
    return parse_block_body(p, stmt) ? stmt : NULL;
}

/* ---- statements ---- */

static ftl_stmt *fail_statement(ftl_parser *p)
{
    const ftl_token *token = ftl_parser_peek(p);
    ftl_span span = ftl_parser_get_span(p, token);
    if (token->kind == TOKEN_RPAREN || token->kind == TOKEN_RBRACKET || token->kind == TOKEN_RBRACE)
        return ftl_parser_fail_code(
            p, FTL_E_BRACKET, span, NULL,
            ftl_arena_printf(p->arena, "'%c' closes nothing", p->text[token->off]));
    if (token->kind == TOKEN_NUMBER)
        return ftl_parser_fail(p, span, NULL, "a number cannot stand on the left side");
    return ftl_parser_fail_expected(p, "a statement",
                                    "an equation is written Y[i] = ...; a line goes on with an "
                                    "operator at its start only after an expression");
}

typedef struct keyword {
    const char *word;
    ftl_token_kind next;
    bool top_only;
    ftl_stmt *(*parse)(ftl_parser *p);
} keyword;

static const keyword STARTS[] = {
    {"export", TOKEN_NAME, false, ftl_parser_parse_export},
    {"param", TOKEN_NAME, false, ftl_parser_parse_param},
    {"const", TOKEN_NAME, false, ftl_parser_parse_const},
    {"axis", TOKEN_NAME, false, ftl_parser_parse_axis},
    {"domain", TOKEN_NAME, false, ftl_parser_parse_domain},
    {"import", TOKEN_STRING, true, ftl_parser_parse_import},
    {"let", TOKEN_NAME, false, parse_let},
    {"fn", TOKEN_NAME, true, parse_fn},
};

/* Words that start a statement, alone on their line. */
static ftl_stmt *fail_lonely_word(ftl_parser *p)
{
    const ftl_token *token = ftl_parser_peek(p);
    ftl_span span = ftl_parser_get_span(p, token);
    p->at++;
    return ftl_parser_fail(p, span, NULL, "expected %s after '%.*s', found %s",
                           ftl_parser_is_word(p, token, "import") ? "a file's name" : "a name",
                           (int)token->len, p->text + token->off,
                           ftl_parser_describe(p, ftl_parser_peek(p)));
}

static ftl_stmt *parse_keyword_or_equation(ftl_parser *p)
{
    const ftl_token *next = ftl_parser_peek_next(p);
    bool lonely = next->kind == TOKEN_END || next->kind == TOKEN_SEMICOLON || next->newline;
    for (size_t i = 0; i < FTL_COUNT(STARTS); i++) {
        const keyword *start = &STARTS[i];
        if (lonely && ftl_parser_is_word(p, ftl_parser_peek(p), start->word))
            return fail_lonely_word(p);
        if (!is_at_keyword(p, start->word, start->next))
            continue;
        if (start->top_only && p->base > 0)
            return ftl_parser_fail(p, ftl_parser_get_span(p, ftl_parser_peek(p)), NULL,
                                   "'%s' cannot stand inside of a block", start->word);
        return start->parse(p);
    }
    return parse_equation(p);
}

static ftl_stmt *parse_unterminated(ftl_parser *p)
{
    switch (ftl_parser_peek(p)->kind) {
    case TOKEN_NAME: return parse_keyword_or_equation(p);
    case TOKEN_STRING: return parse_sink(p);
    case TOKEN_LBRACE: return parse_block(p);
    default: return fail_statement(p);
    }
}

static void fail_after_statement(ftl_parser *p)
{
    const ftl_token *token = ftl_parser_peek(p);
    const char *hint = "a newline or ';' ends a statement";
    if (token->kind == TOKEN_RPAREN || token->kind == TOKEN_RBRACKET) {
        ftl_parser_fail_code(
            p, FTL_E_BRACKET, ftl_parser_get_span(p, token), NULL,
            ftl_arena_printf(p->arena, "'%c' closes nothing", p->text[token->off]));
        return;
    }
    if (ftl_parser_is_word(p, token, "when"))
        hint = "a guard stands before the operator: Y[i] when i > 0 = X[i]";
    else if (ftl_parser_is_word(p, token, "and"))
        hint = "'and' is written '&&'";
    else if (ftl_parser_is_word(p, token, "or"))
        hint = "'or' is written '||'";
    ftl_parser_fail_expected(p, "an operator or the end of the statement", hint);
}

/* statement = ( export | param | const | axis | domain | import | fn | block | sink | equation |
 * source | fact | query ) ( ";" | newline | before "}" | end ) */
static ftl_stmt *parse_statement(ftl_parser *p)
{
    p->start = p->at;
    p->base = p->brackets.len;
    p->base_depth = p->depth;
    ftl_stmt *stmt = parse_unterminated(p);
    bool has_body = stmt && (stmt->kind == FTL_STMT_BLOCK || stmt->kind == FTL_STMT_FN);
    if (stmt && !has_body && !ftl_parser_is_at_end(p))
        fail_after_statement(p);
    if (p->failed) {
        ftl_parser_recover(p);
        return NULL;
    }
    stmt->span = ftl_parser_get_span_since(p, p->start);
    return stmt;
}

/* ---- entry points ---- */

static bool init_parser(ftl_parser *p, ftl_diags *diags, ftl_tree *tree)
{
    assert(tree->file > 0 && tree->file <= diags->sources.len);
    const ftl_source *source = &diags->sources.data[tree->file - 1];
    ftl_tokens tokens = {0};
    p->text = source->text;
    p->file = tree->file;
    p->newline_ends = true;
    if (source->len >= UINT32_MAX) {
        ftl_diag_error(diags, FTL_E_LIMIT, (ftl_span){tree->file, 0, 0},
                       "a program may have at most 4 GB of text");
        return false;
    }
    ftl_syntax_lex(p->arena, source, tree, &tokens);
    p->tokens = tokens.data;
    return true;
}

ftl_tree *ftl_syntax_parse(ftl_arena *arena, ftl_intern *names, ftl_diags *diags, uint32_t file)
{
    ftl_parser p = {.arena = arena, .names = names, .diags = diags};
    ftl_tree *tree = FTL_NEW(arena, ftl_tree);
    tree->file = file;
    if (init_parser(&p, diags, tree))
        parse_statements(&p, &tree->stmts, true);
    return tree;
}

/* Reads one node and then the end of the text. */
static ftl_node *parse_alone(ftl_parser *p, uint32_t file, ftl_node *(*parse)(ftl_parser *p))
{
    ftl_tree tree = {.file = file};
    if (!init_parser(p, p->diags, &tree))
        return NULL;
    p->newline_ends = false;
    ftl_node *node = parse(p);
    if (node && !ftl_parser_is(p, TOKEN_END))
        ftl_parser_fail_expected(p, "the end of the text", NULL);
    return p->failed ? NULL : node;
}

static ftl_node *parse_query(ftl_parser *p)
{
    if (!ftl_parser_is(p, TOKEN_NAME))
        return ftl_parser_fail_expected(p, "the name of a tensor", "Anc(alice, x) or Y[i=4]");
    ftl_node *node = ftl_parser_parse_reference(p, FTL_PLACE_QUERY);
    ftl_parser_accept(p, TOKEN_QUESTION);
    return node;
}

ftl_node *ftl_syntax_parse_query(ftl_arena *arena, ftl_intern *names, ftl_diags *diags,
                                 uint32_t file)
{
    ftl_parser p = {.arena = arena, .names = names, .diags = diags};
    return parse_alone(&p, file, parse_query);
}

ftl_node *ftl_syntax_parse_expr(ftl_arena *arena, ftl_intern *names, ftl_diags *diags,
                                uint32_t file)
{
    ftl_parser p = {.arena = arena, .names = names, .diags = diags};
    return parse_alone(&p, file, ftl_parser_parse_argument);
}
