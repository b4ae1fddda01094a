/* SPDX-License-Identifier: Apache-2.0
 *
 * Index forms, and the arguments in parentheses, which may turn out to be index forms.
 *
 * What may start like an expression is read as one (a sum inside of brackets, any expression inside
 * of parentheses) and then classified: a sum of whole numbers, names and their products is an
 * affine index. So `Name(i, j)` is a reference and keeps its arguments as expressions too,
 * `Name(A[i])` a call.
 */
#include "syntax/parser.h"

static const char INDEX_HINT[] =
    "an index is a name, a whole number, i+1, 2*i+k, a:b:s, d=a:b, Tok[p], *t-1, \"a symbol\" or _";

/* ---- classification ---- */

/* Whole numbers as written: digits only. */
static bool read_whole(const ftl_node *node, int64_t *out)
{
    const char *s = node->spelling;
    if (node->kind != FTL_NODE_NUMBER || strlen(s) > 18)
        return false;
    int64_t value = 0;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return false;
        value = value * 10 + (*s - '0');
    }
    *out = value;
    return true;
}

static bool is_plain_name(const ftl_node *node)
{
    return node->kind == FTL_NODE_NAME && !node->ns;
}

/* factor = [ "-" ] number "*" name | name "*" number | name "*" name */
static bool read_product(const ftl_node *node, ftl_index_term *term)
{
    const ftl_node *a = node->args.data[0], *b = node->args.data[1];
    if (a->kind == FTL_NODE_UNARY && a->op == FTL_OP_NEG) {
        term->sign = -term->sign;
        a = a->args.data[0];
    }
    if (is_plain_name(a) && is_plain_name(b)) {
        term->factor = a->name;
        term->name = b->name;
        return true;
    }
    const ftl_node *name = is_plain_name(a) ? a : b, *number = name == a ? b : a;
    term->has_number = read_whole(number, &term->number);
    term->name = is_plain_name(name) ? name->name : NULL;
    return term->has_number && term->name;
}

static bool read_term(const ftl_node *node, ftl_index_term *term)
{
    if (is_plain_name(node)) {
        term->name = node->name;
        return true;
    }
    if (node->kind == FTL_NODE_NUMBER)
        return term->has_number = read_whole(node, &term->number);
    if (node->kind == FTL_NODE_BINARY && node->op == FTL_OP_MUL && !node->implicit)
        return read_product(node, term);
    return false;
}

/* Pushes the terms of the sum on the stack of terms; gives the part that is no index, or null. */
static const ftl_node *push_terms(ftl_parser *p, const ftl_node *node, int sign)
{
    if (node->kind == FTL_NODE_BINARY && (node->op == FTL_OP_ADD || node->op == FTL_OP_SUB)) {
        const ftl_node *fault = push_terms(p, node->args.data[0], sign);
        int right = node->op == FTL_OP_SUB ? -sign : sign;
        return fault ? fault : push_terms(p, node->args.data[1], right);
    }
    if (node->kind == FTL_NODE_UNARY && node->op == FTL_OP_NEG)
        return push_terms(p, node->args.data[0], -sign);
    ftl_index_term term = {.sign = sign, .span = node->span};
    if (!read_term(node, &term))
        return node;
    *FTL_VEC_PUSH(p->arena, &p->terms) = term;
    return NULL;
}

static bool is_block(const ftl_node *node)
{
    return node->kind == FTL_NODE_BINARY && node->op == FTL_OP_DIV &&
           is_plain_name(node->args.data[0]) &&
           (is_plain_name(node->args.data[1]) || node->args.data[1]->kind == FTL_NODE_NUMBER);
}

/* The index that node is; gives the part that is no index, or null. Gathers stand only in
 * brackets. */
static const ftl_node *classify(ftl_parser *p, ftl_node *node, ftl_place place, ftl_index *out)
{
    out->span = node->span;
    if (node->kind == FTL_NODE_STRING) {
        out->kind = FTL_INDEX_SYMBOL;
        out->name = node->name;
        return NULL;
    }
    if (place == FTL_PLACE_LEFT && is_block(node)) {
        out->kind = FTL_INDEX_DIV;
        out->name = node->args.data[0]->name;
        out->divisor = node->args.data[1];
        return NULL;
    }
    size_t from = p->terms.len;
    const ftl_node *fault = push_terms(p, node, 1);
    if (fault) {
        p->terms.len = from;
        return fault;
    }
    out->kind = FTL_INDEX_AFFINE;
    FTL_PARSER_TAKE(p, terms, from, &out->terms);
    return NULL;
}

static void *fail_index(ftl_parser *p, const ftl_node *fault)
{
    switch (fault->kind) {
    case FTL_NODE_NUMBER:
        return ftl_parser_fail(p, fault->span, INDEX_HINT, "the index '%s' is no whole number",
                               fault->spelling);
    case FTL_NODE_CALL:
        return ftl_parser_fail(p, fault->span, INDEX_HINT, "a call cannot be an index");
    case FTL_NODE_REF:
        return ftl_parser_fail(p, fault->span, INDEX_HINT,
                               fault->paren ? "a call cannot be an index"
                                            : "a gather stands alone in its place");
    default: break;
    }
    if (fault->kind == FTL_NODE_BINARY && fault->implicit)
        return ftl_parser_fail(p, fault->span, "write the factor with '*': 2*t",
                               "an index has no product side by side");
    if (fault->kind == FTL_NODE_BINARY && fault->op == FTL_OP_DIV)
        return ftl_parser_fail(p, fault->span, "Y[i/2] = X[i] makes blocks of two",
                               "a quotient of an axis and a number or constant stands only on the "
                               "left side");
    return ftl_parser_fail(p, fault->span, INDEX_HINT, "this is no index");
}

/* ---- index forms ---- */

static bool is_at_slice(const ftl_parser *p)
{
    return ftl_parser_is(p, TOKEN_COLON) || ftl_parser_is(p, TOKEN_SCOPE);
}

/* Slice bounds are sums and products of numbers and names. */
static const ftl_node *find_inconstant(const ftl_node *node)
{
    if (node->kind == FTL_NODE_NUMBER || is_plain_name(node))
        return NULL;
    if (node->kind != FTL_NODE_BINARY && !(node->kind == FTL_NODE_UNARY && node->op == FTL_OP_NEG))
        return node;
    const ftl_node *fault = NULL;
    for (size_t i = 0; i < node->args.len && !fault; i++)
        fault = find_inconstant(node->args.data[i]);
    return fault;
}

/* bound = [ sum ] */
static bool parse_bound(ftl_parser *p, ftl_node **out)
{
    switch (ftl_parser_peek(p)->kind) {
    case TOKEN_COMMA:
    case TOKEN_RBRACKET:
    case TOKEN_RPAREN:
    case TOKEN_COLON: return true;
    default: break;
    }
    *out = ftl_parser_parse_sum(p);
    if (!*out)
        return false;
    const ftl_node *fault = find_inconstant(*out);
    if (fault)
        return ftl_parser_fail(p, fault->span, "0:N, with N a const or param",
                               "the bound of a slice is not constant");
    return true;
}

/* slice = bound ":" bound [ ":" bound ]; the start is read, a colon is current. */
static bool parse_slice(ftl_parser *p, ftl_node *start, ftl_index *out)
{
    const ftl_node *fault = start ? find_inconstant(start) : NULL;
    if (fault)
        return ftl_parser_fail(p, fault->span, "0:N, with N a const or param",
                               "the bound of a slice is not constant");
    out->kind = FTL_INDEX_SLICE;
    out->start = start;
    bool has_step = ftl_parser_accept(p, TOKEN_SCOPE);
    if (!has_step) {
        p->at++;
        if (!parse_bound(p, &out->stop))
            return false;
        has_step = ftl_parser_accept(p, TOKEN_COLON);
    }
    return !has_step || parse_bound(p, &out->step);
}

/* time = "*" name [ ( "+" | "-" ) number ] */
static bool parse_time(ftl_parser *p, ftl_index *out)
{
    ftl_span span;
    p->at++;
    out->kind = FTL_INDEX_TIME;
    out->name = ftl_parser_expect_name(p, "the name of a time axis after '*'", &span);
    if (!out->name)
        return false;
    bool minus = ftl_parser_is(p, TOKEN_MINUS);
    if (!minus && !ftl_parser_is(p, TOKEN_PLUS))
        return true;
    p->at++;
    const ftl_token *token = ftl_parser_peek(p);
    ftl_node number = {.kind = FTL_NODE_NUMBER};
    if (token->kind == TOKEN_NUMBER)
        number.spelling = ftl_arena_strndup(p->arena, p->text + token->off, token->len);
    if (!number.spelling || !read_whole(&number, &out->time_offset))
        return ftl_parser_fail_expected(p, "a whole number: *t-1", NULL);
    p->at++;
    if (minus)
        out->time_offset = -out->time_offset;
    return true;
}

/* named = name "=" slice; in a query also name "=" sum, which becomes a keyword argument. */
static bool parse_named(ftl_parser *p, ftl_place place, ftl_index *out, ftl_kwarg *kwarg)
{
    ftl_node *start = NULL;
    ftl_span span = ftl_parser_get_span(p, ftl_parser_peek(p));
    const char *name = ftl_parser_take_name(p);
    p->at++;
    if (!is_at_slice(p)) {
        start = ftl_parser_parse_sum(p);
        if (!start)
            return false;
    }
    if (is_at_slice(p)) {
        out->name = name;
        return parse_slice(p, start, out);
    }
    if (place != FTL_PLACE_QUERY)
        return ftl_parser_fail_expected(p, "':'", "a slice with a name is written d=0:3");
    *kwarg = (ftl_kwarg){.name = name, .span = span, .value = start};
    return true;
}

static bool is_reserved(const ftl_parser *p, const ftl_token *token)
{
    return ftl_parser_is_word(p, token, "true") || ftl_parser_is_word(p, token, "false") ||
           ftl_parser_is_word(p, token, "none") || ftl_parser_is_word(p, token, "not");
}

/* An index that is one name, which nearly all are: read without making an expression first. */
static bool parse_single_name(ftl_parser *p, ftl_index *out)
{
    const ftl_token *token = ftl_parser_peek(p);
    ftl_token_kind next = ftl_parser_peek_next(p)->kind;
    bool alone = next == TOKEN_COMMA || next == TOKEN_RBRACKET || next == TOKEN_DOT;
    if (token->kind != TOKEN_NAME || !alone || is_reserved(p, token))
        return false;
    ftl_index_term *term = FTL_NEW(p->arena, ftl_index_term);
    term->sign = 1;
    term->span = ftl_parser_get_span(p, token);
    term->name = ftl_parser_take_name(p);
    out->kind = FTL_INDEX_AFFINE;
    out->terms.data = term;
    out->terms.len = out->terms.cap = 1;
    return true;
}

/* index = time | symbol | "_" | slice | sum */
static bool parse_plain_index(ftl_parser *p, ftl_place place, ftl_index *out)
{
    if (ftl_parser_is(p, TOKEN_STAR))
        return parse_time(p, out);
    if (ftl_parser_is_word(p, ftl_parser_peek(p), "_")) {
        out->kind = FTL_INDEX_ANY;
        p->at++;
        return true;
    }
    if (parse_single_name(p, out))
        return true;
    if (is_at_slice(p))
        return parse_slice(p, NULL, out);
    ftl_node *node = ftl_parser_parse_sum(p);
    if (!node)
        return false;
    if (is_at_slice(p))
        return parse_slice(p, node, out);
    if (node->kind == FTL_NODE_REF && !node->paren) {
        out->kind = FTL_INDEX_GATHER;
        out->gather = node;
        return true;
    }
    const ftl_node *fault = classify(p, node, place, out);
    return !fault || fail_index(p, fault);
}

/* A dot after a left index that is one plain name. */
static bool parse_dot(ftl_parser *p, ftl_place place, ftl_index *index)
{
    if (!ftl_parser_is(p, TOKEN_DOT))
        return true;
    bool plain = index->kind == FTL_INDEX_AFFINE && index->terms.len == 1 &&
                 index->terms.data[0].sign > 0 && !index->terms.data[0].has_number &&
                 !index->terms.data[0].factor;
    ftl_span span = ftl_parser_get_span(p, ftl_parser_peek(p));
    if (place != FTL_PLACE_LEFT)
        return ftl_parser_fail(p, span, "on the right: softmax(..., axis=j)",
                               "a dot marks an axis on the left side only");
    if (!plain)
        return ftl_parser_fail(p, span, NULL, "a dot follows the plain name of an axis");
    index->dotted = true;
    p->at++;
    return true;
}

static bool parse_index(ftl_parser *p, ftl_place place)
{
    size_t first = p->at;
    ftl_index index = {.kind = FTL_INDEX_ANY};
    ftl_kwarg kwarg = {0};
    bool named = ftl_parser_is(p, TOKEN_NAME) && ftl_parser_peek_next(p)->kind == TOKEN_ASSIGN;
    bool ok = named ? parse_named(p, place, &index, &kwarg) : parse_plain_index(p, place, &index);
    if (!ok || !parse_dot(p, place, &index))
        return false;
    index.span = ftl_parser_get_span_since(p, first);
    if (kwarg.name)
        *FTL_VEC_PUSH(p->arena, &p->kwargs) = kwarg;
    else
        *FTL_VEC_PUSH(p->arena, &p->indices) = index;
    return true;
}

/* indices = "[" index { "," index } "]" */
bool ftl_parser_parse_indices(ftl_parser *p, ftl_node *node, ftl_place place)
{
    size_t from = p->indices.len, kwargs = p->kwargs.len;
    ftl_parser_open(p, false);
    if (ftl_parser_is(p, TOKEN_RBRACKET))
        return ftl_parser_fail_expected(p, "an index", "a scalar is written without brackets");
    do {
        if (!parse_index(p, place))
            return false;
    } while (ftl_parser_accept(p, TOKEN_COMMA));
    if (!ftl_parser_close(p, TOKEN_RBRACKET, "',' or ']'"))
        return false;
    node->kind = FTL_NODE_REF;
    FTL_PARSER_TAKE(p, indices, from, &node->indices);
    FTL_PARSER_TAKE(p, kwargs, kwargs, &node->kwargs);
    return ftl_parser_measure(p, node);
}

/* ---- arguments ---- */

/* What the arguments in a pair of parentheses have been so far. */
typedef struct arguments {
    ftl_place place;
    size_t nodes, kwargs, indices; /* where they start on the stacks */
    bool has_only_index;           /* *t, _, a:b, i. : no expression */
    ftl_span only_index;           /* the first one */
    bool has_only_value;           /* no index: A[i], 0.5, a list */
    ftl_span only_value;           /* the first one */
} arguments;

static bool is_at_only_index(const ftl_parser *p)
{
    return ftl_parser_is(p, TOKEN_STAR) || is_at_slice(p) ||
           ftl_parser_is_word(p, ftl_parser_peek(p), "_");
}

static void note_only_index(ftl_parser *p, arguments *all, size_t first)
{
    if (!all->has_only_index)
        all->only_index = ftl_parser_get_span_since(p, first);
    all->has_only_index = true;
}

static void note_only_value(arguments *all, ftl_span span)
{
    if (!all->has_only_value)
        all->only_value = span;
    all->has_only_value = true;
}

/* An argument that starts like an expression; it may go on as a slice or end with a dot. */
static bool parse_value_or_index(ftl_parser *p, arguments *all)
{
    size_t first = p->at;
    ftl_index index = {.kind = FTL_INDEX_ANY};
    ftl_node *node = ftl_parser_parse_argument(p);
    if (!node)
        return false;
    if (is_at_slice(p)) {
        if (!parse_slice(p, node, &index))
            return false;
        note_only_index(p, all, first);
    } else if (classify(p, node, all->place, &index)) {
        note_only_value(all, node->span);
    }
    if (!parse_dot(p, all->place, &index))
        return false;
    if (index.dotted)
        note_only_index(p, all, first);
    index.span = ftl_parser_get_span_since(p, first);
    *FTL_VEC_PUSH(p->arena, &p->nodes) = node;
    *FTL_VEC_PUSH(p->arena, &p->indices) = index;
    return true;
}

/* keyword = name "=" argument */
static bool parse_keyword(ftl_parser *p)
{
    ftl_kwarg kwarg = {.span = ftl_parser_get_span(p, ftl_parser_peek(p))};
    kwarg.name = ftl_parser_take_name(p);
    p->at++;
    kwarg.value = ftl_parser_parse_argument(p);
    if (!kwarg.value)
        return false;
    *FTL_VEC_PUSH(p->arena, &p->kwargs) = kwarg;
    return true;
}

static bool parse_one_argument(ftl_parser *p, arguments *all)
{
    size_t first = p->at;
    bool named = ftl_parser_is(p, TOKEN_NAME) && ftl_parser_peek_next(p)->kind == TOKEN_ASSIGN;
    if (named && all->place != FTL_PLACE_QUERY) {
        note_only_value(all, ftl_parser_get_span(p, ftl_parser_peek(p)));
        return parse_keyword(p);
    }
    if (p->kwargs.len > all->kwargs && all->place != FTL_PLACE_QUERY)
        return ftl_parser_fail(p, ftl_parser_get_span(p, ftl_parser_peek(p)), NULL,
                               "an argument without a name follows one with a name");
    if (!named && !is_at_only_index(p))
        return parse_value_or_index(p, all);
    if (!parse_index(p, all->place))
        return false;
    note_only_index(p, all, first);
    return true;
}

/* A reference when every argument is an index, else a call. */
static bool finish_arguments(ftl_parser *p, ftl_node *node, const arguments *all)
{
    bool is_call = node->macro || all->has_only_value;
    if (all->place != FTL_PLACE_RIGHT && is_call)
        return ftl_parser_fail(p, all->only_value, INDEX_HINT,
                               "the parentheses of '%s' hold indices here", node->name);
    if (is_call && all->has_only_index)
        return ftl_parser_fail(p, all->only_index, NULL,
                               "this stands only for an index, and '%s(...)' is a call",
                               node->name);
    node->kind = is_call ? FTL_NODE_CALL : FTL_NODE_REF;
    node->paren = !is_call;
    if (is_call)
        p->indices.len = all->indices;
    if (all->has_only_index)
        p->nodes.len = all->nodes;
    FTL_PARSER_TAKE(p, nodes, all->nodes, &node->args);
    FTL_PARSER_TAKE(p, indices, all->indices, &node->indices);
    FTL_PARSER_TAKE(p, kwargs, all->kwargs, &node->kwargs);
    return ftl_parser_measure(p, node);
}

/* arguments = "(" [ ( argument | index | keyword ) { "," ... } ] ")" */
bool ftl_parser_parse_arguments(ftl_parser *p, ftl_node *node, ftl_place place)
{
    arguments all = {.place = place,
                     .nodes = p->nodes.len,
                     .kwargs = p->kwargs.len,
                     .indices = p->indices.len};
    ftl_parser_open(p, false);
    while (!ftl_parser_is(p, TOKEN_RPAREN)) {
        if (!parse_one_argument(p, &all))
            return false;
        if (!ftl_parser_accept(p, TOKEN_COMMA))
            break;
        if (ftl_parser_is(p, TOKEN_RPAREN))
            return ftl_parser_fail_expected(p, "an argument after ','", NULL);
    }
    return ftl_parser_close(p, TOKEN_RPAREN, "',' or ')'") && finish_arguments(p, node, &all);
}

/* reference = [ name "::" ] name [ indices | arguments ]: the bracket on the line of the name. */
ftl_node *ftl_parser_parse_reference(ftl_parser *p, ftl_place place)
{
    size_t first = p->at;
    ftl_node *node = ftl_parser_make(p, FTL_NODE_NAME, ftl_parser_get_span(p, ftl_parser_peek(p)));
    node->name = ftl_parser_take_name(p);
    if (ftl_parser_is(p, TOKEN_SCOPE) && ftl_parser_peek_next(p)->kind == TOKEN_NAME &&
        place == FTL_PLACE_RIGHT) {
        p->at++;
        node->ns = node->name;
        node->name = ftl_parser_take_name(p);
        node->name_span = ftl_parser_get_span_since(p, first);
    }
    bool ok = true;
    if (!ftl_parser_peek(p)->newline && ftl_parser_is(p, TOKEN_LBRACKET))
        ok = ftl_parser_parse_indices(p, node, place);
    else if (!ftl_parser_peek(p)->newline && ftl_parser_is(p, TOKEN_LPAREN))
        ok = ftl_parser_parse_arguments(p, node, place);
    node->span = ftl_parser_get_span_since(p, first);
    return ok ? node : NULL;
}
