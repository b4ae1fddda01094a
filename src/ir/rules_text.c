/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules as text. White space separates; # starts a comment that ends with its line.
 *
 *   rules     = ( relation | rule )*
 *   relation  = "relation" ( name | "_" ) "[" INT,* "]" ( "input" N )? "result"?
 *   rule      = ( "vars" "(" variable,* ")" )? atom "<-" ( "true" | literal,+ ) origin
 *   literal   = atom | "not" atom | sum ( "=" | "!=" | "<" | "<=" ) sum
 *             | "let" variable "=" sum "<" INT | "range" variable "<" INT
 *   atom      = ( name | "$" N ) "(" term,* ")"       $N: the relation by number, from 0
 *   term      = variable | "-"? INT | "_"
 *   variable  = name | "$" N                           $N: one without a name
 *   sum       = "-"? part ( ( "+" | "-" ) part )*
 *   part      = INT ( "*" variable )? | variable
 *   name      = letters, digits and _ that are none of the words above | STRING
 *   origin    = ( "@" N ( ":" N ":" N ":" N )? )?      equation; file, offset, length
 *
 * The variables of a rule are numbered as they come up, those of `vars` first. A relation is
 * declared before its use. A name that is not the only one is dumped as $N.
 */
#include "ir/rules.h"
#include "ir/token.h"

#include <inttypes.h>

static const char *const keywords[] = {"relation", "input", "result", "vars", "true",
                                       "not",      "let",   "range",  "_"};

/* ---- dump ---- */

typedef struct dumper {
    const ftl_rules *r;
    const ftl_rule *rule;
    ftl_strbuf *out;
    bool *is_named; /* by relation: its name is the only one */
} dumper;

static bool is_bare(const char *name)
{
    if (!*name || (*name >= '0' && *name <= '9'))
        return false;
    for (const char *s = name; *s; s++)
        if (!ftl_token_is_word(*s))
            return false;
    for (size_t i = 0; i < FTL_COUNT(keywords); i++)
        if (strcmp(name, keywords[i]) == 0)
            return false;
    return true;
}

static void put_name(ftl_strbuf *out, const char *name)
{
    if (is_bare(name))
        ftl_strbuf_puts(out, name);
    else
        ftl_token_put_string(out, name);
}

static void find_named(dumper *d)
{
    ftl_arena *arena = d->out->arena;
    ftl_intern names;
    ftl_map first;
    uint64_t other = 0;
    ftl_intern_init(&names, arena);
    ftl_map_init(&first, arena);
    d->is_named = FTL_NEW_ARRAY(arena, bool, d->r->relations.len);
    for (size_t i = 0; i < d->r->relations.len; i++) {
        const char *name = d->r->relations.data[i].name;
        if (!name)
            continue;
        name = ftl_intern_cstr(&names, name);
        d->is_named[i] = !ftl_map_find(&first, FTL_KEY(name), &other);
        if (d->is_named[i])
            ftl_map_put(&first, FTL_KEY(name), i);
        else
            d->is_named[other] = false;
    }
}

static void put_var(const dumper *d, uint32_t var)
{
    const char *name = d->rule->vars ? d->rule->vars[var] : NULL;
    for (uint32_t i = 0; i < var && name; i++)
        if (d->rule->vars[i] && strcmp(d->rule->vars[i], name) == 0)
            name = NULL;
    if (name)
        put_name(d->out, name);
    else
        ftl_strbuf_printf(d->out, "$%" PRIu32, var);
}

static void put_term(const dumper *d, const ftl_rule_term *t)
{
    if (t->kind == FTL_RULE_VAR)
        put_var(d, t->var);
    else if (t->kind == FTL_RULE_PLACE)
        ftl_strbuf_printf(d->out, "%" PRId64, t->place);
    else
        ftl_strbuf_putc(d->out, '_');
}

static void put_atom(const dumper *d, uint32_t relation, const ftl_rule_term *terms)
{
    const ftl_rules_relation *r = &d->r->relations.data[relation];
    if (d->is_named[relation])
        put_name(d->out, r->name);
    else
        ftl_strbuf_printf(d->out, "$%" PRIu32, relation);
    ftl_strbuf_putc(d->out, '(');
    for (uint32_t k = 0; k < r->arity; k++) {
        if (k > 0)
            ftl_strbuf_puts(d->out, ", ");
        put_term(d, &terms[k]);
    }
    ftl_strbuf_putc(d->out, ')');
}

static uint64_t get_size(int64_t x)
{
    return x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
}

static void put_sum(const dumper *d, const ftl_rule_sum *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        bool is_negative = s->coef[i] < 0;
        ftl_strbuf_puts(d->out, i > 0 ? is_negative ? " - " : " + " : is_negative ? "-" : "");
        if (get_size(s->coef[i]) != 1)
            ftl_strbuf_printf(d->out, "%" PRIu64 "*", get_size(s->coef[i]));
        put_var(d, s->var[i]);
    }
    if (s->n == 0)
        ftl_strbuf_printf(d->out, "%" PRId64, s->offset);
    else if (s->offset != 0)
        ftl_strbuf_printf(d->out, " %c %" PRIu64, s->offset < 0 ? '-' : '+',
                          get_size(s->offset));
}

static void put_literal(const dumper *d, const ftl_literal *l)
{
    static const char *const compares[] = {[FTL_RULE_EQ] = " = ", [FTL_RULE_NE] = " != ",
                                           [FTL_RULE_LT] = " < ", [FTL_RULE_LE] = " <= "};
    switch (l->kind) {
    case FTL_LITERAL_NOT:
        ftl_strbuf_puts(d->out, "not ");
        put_atom(d, l->relation, l->terms);
        break;
    case FTL_LITERAL_ATOM:
        put_atom(d, l->relation, l->terms);
        break;
    case FTL_LITERAL_COMPARE:
        put_sum(d, &l->left);
        ftl_strbuf_puts(d->out, compares[l->compare]);
        put_sum(d, &l->right);
        break;
    case FTL_LITERAL_LET:
        ftl_strbuf_puts(d->out, "let ");
        put_var(d, l->var);
        ftl_strbuf_puts(d->out, " = ");
        put_sum(d, &l->right);
        ftl_strbuf_printf(d->out, " < %" PRId64, l->extent);
        break;
    case FTL_LITERAL_RANGE:
        ftl_strbuf_puts(d->out, "range ");
        put_var(d, l->var);
        ftl_strbuf_printf(d->out, " < %" PRId64, l->extent);
        break;
    }
}

/* ---- the numbers that variables get when the text is read ---- */

typedef struct numbering {
    uint64_t seen; /* as bits */
    uint32_t n;
    bool is_rising; /* each came up in its order */
} numbering;

static void see_var(numbering *v, uint32_t var)
{
    if (v->seen >> var & 1)
        return;
    v->seen |= (uint64_t)1 << var;
    v->is_rising = v->is_rising && var == v->n;
    v->n++;
}

static void see_terms(numbering *v, const ftl_rule_term *terms, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        if (terms[k].kind == FTL_RULE_VAR)
            see_var(v, terms[k].var);
}

static void see_sum(numbering *v, const ftl_rule_sum *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        see_var(v, s->var[i]);
}

static void see_literal(numbering *v, const ftl_rules *r, const ftl_literal *l)
{
    switch (l->kind) {
    case FTL_LITERAL_ATOM:
    case FTL_LITERAL_NOT:
        see_terms(v, l->terms, r->relations.data[l->relation].arity);
        break;
    case FTL_LITERAL_COMPARE:
        see_sum(v, &l->left);
        see_sum(v, &l->right);
        break;
    case FTL_LITERAL_LET:
        see_var(v, l->var);
        see_sum(v, &l->right);
        break;
    case FTL_LITERAL_RANGE:
        see_var(v, l->var);
        break;
    }
}

static bool is_numbered_as_read(const ftl_rules *r, const ftl_rule *rule)
{
    numbering v = {.is_rising = true};
    see_terms(&v, rule->terms, r->relations.data[rule->head].arity);
    for (uint32_t i = 0; i < rule->n_body; i++)
        see_literal(&v, r, &rule->body[i]);
    return v.is_rising && v.n == rule->n_vars;
}

static void put_vars(const dumper *d)
{
    ftl_strbuf_puts(d->out, "vars(");
    for (uint32_t i = 0; i < d->rule->n_vars; i++) {
        if (i > 0)
            ftl_strbuf_puts(d->out, ", ");
        put_var(d, i);
    }
    ftl_strbuf_puts(d->out, ") ");
}

static void put_rule(const dumper *d)
{
    const ftl_rule *rule = d->rule;
    if (!is_numbered_as_read(d->r, rule))
        put_vars(d);
    put_atom(d, rule->head, rule->terms);
    ftl_strbuf_puts(d->out, rule->n_body ? " <- " : " <- true");
    for (uint32_t i = 0; i < rule->n_body; i++) {
        if (i > 0)
            ftl_strbuf_puts(d->out, ", ");
        put_literal(d, &rule->body[i]);
    }
    bool has_span = rule->span.file || rule->span.off || rule->span.len;
    if (rule->equation || has_span)
        ftl_strbuf_printf(d->out, " @%" PRIu32, rule->equation);
    if (has_span)
        ftl_strbuf_printf(d->out, ":%" PRIu32 ":%" PRIu32 ":%" PRIu32, rule->span.file,
                          rule->span.off, rule->span.len);
    ftl_strbuf_putc(d->out, '\n');
}

static void put_relation(ftl_strbuf *out, const ftl_rules_relation *r)
{
    ftl_strbuf_puts(out, "relation ");
    if (r->name)
        put_name(out, r->name);
    else
        ftl_strbuf_putc(out, '_');
    ftl_strbuf_putc(out, '[');
    for (uint32_t k = 0; k < r->arity; k++)
        ftl_strbuf_printf(out, "%s%" PRId64, k > 0 ? ", " : "", r->extent[k]);
    ftl_strbuf_putc(out, ']');
    if (r->input >= 0)
        ftl_strbuf_printf(out, " input %" PRId32, r->input);
    ftl_strbuf_puts(out, r->is_result ? " result\n" : "\n");
}

void ftl_rules_dump(const ftl_rules *r, ftl_strbuf *out)
{
    dumper d = {.r = r, .out = out};
    find_named(&d);
    for (size_t i = 0; i < r->relations.len; i++)
        put_relation(out, &r->relations.data[i]);
    for (size_t i = 0; i < r->rules.len; i++) {
        d.rule = &r->rules.data[i];
        put_rule(&d);
    }
}

/* ---- read ---- */

/* How a text calls a variable or a relation. */
typedef struct reference {
    const char *name; /* null: by number */
    uint32_t number;
} reference;

typedef struct reader {
    ftl_tokens t;
    ftl_rules *rules;
    ftl_map relations;       /* name: its relation; UINT32_MAX: several */
    FTL_VEC(size_t) places;  /* by rule: where its text starts */
    /* of the rule that is read */
    reference vars[FTL_RULES_MAX_VARS];
    uint32_t n_vars;
} reader;

static bool is_keyword(const char *word, size_t len)
{
    for (size_t i = 0; i < FTL_COUNT(keywords); i++)
        if (strlen(keywords[i]) == len && memcmp(keywords[i], word, len) == 0)
            return true;
    return false;
}

static bool read_name(ftl_tokens *t, const char **out)
{
    ftl_token_skip(t);
    if (ftl_token_peek(t) == '"')
        return ftl_token_read_string(t, out);
    size_t start = t->pos;
    if (ftl_token_peek(t) >= '0' && ftl_token_peek(t) <= '9')
        return ftl_token_fail(t, "expected a name");
    while (ftl_token_is_word(ftl_token_peek(t)))
        t->pos++;
    if (t->pos == start || is_keyword(t->text + start, t->pos - start)) {
        t->pos = start;
        return ftl_token_fail(t, "expected a name");
    }
    *out = ftl_intern_get(t->names, t->text + start, t->pos - start);
    return true;
}

static bool read_reference(ftl_tokens *t, reference *out)
{
    *out = (reference){0};
    return ftl_token_accept(t, "$") ? ftl_token_read_u32(t, &out->number)
                                    : read_name(t, &out->name);
}

static bool read_var(reader *r, uint32_t *out)
{
    reference ref;
    if (!read_reference(&r->t, &ref))
        return false;
    for (*out = 0; *out < r->n_vars; ++*out)
        if (r->vars[*out].name == ref.name && r->vars[*out].number == ref.number)
            return true;
    if (r->n_vars == FTL_RULES_MAX_VARS)
        return ftl_token_fail(&r->t, "too many variables");
    r->vars[r->n_vars++] = ref;
    return true;
}

/* ---- atoms ---- */

static bool find_relation(reader *r, const reference *ref, uint32_t *out)
{
    uint64_t found = ref->number;
    if (ref->name && !ftl_map_find(&r->relations, FTL_KEY(ref->name), &found))
        return ftl_token_fail(&r->t, "a relation is not declared");
    if (ref->name && found == UINT32_MAX)
        return ftl_token_fail(&r->t, "several relations have this name");
    if (found >= r->rules->relations.len)
        return ftl_token_fail(&r->t, "a relation is not declared");
    *out = (uint32_t)found;
    return true;
}

/* term */
static bool read_term(reader *r, ftl_rule_term *out)
{
    ftl_tokens *t = &r->t;
    ftl_token_skip(t);
    char c = ftl_token_peek(t);
    *out = (ftl_rule_term){.kind = FTL_RULE_ANY};
    if (ftl_token_accept(t, "_"))
        return true;
    if (c == '-' || (c >= '0' && c <= '9')) {
        out->kind = FTL_RULE_PLACE;
        return ftl_token_read_int(t, &out->place);
    }
    out->kind = FTL_RULE_VAR;
    return read_var(r, &out->var);
}

/* The rest of atom, after its name. */
static bool read_terms(reader *r, const reference *ref, uint32_t *relation, ftl_rule_term **out)
{
    ftl_tokens *t = &r->t;
    if (!find_relation(r, ref, relation) || !ftl_token_expect(t, "("))
        return false;
    uint32_t arity = r->rules->relations.data[*relation].arity;
    *out = FTL_NEW_ARRAY(t->arena, ftl_rule_term, arity);
    for (uint32_t k = 0; k < arity; k++)
        if ((k > 0 && !ftl_token_expect(t, ",")) || !read_term(r, &(*out)[k]))
            return false;
    return ftl_token_expect(t, ")");
}

static bool read_atom(reader *r, uint32_t *relation, ftl_rule_term **out)
{
    reference ref;
    return read_reference(&r->t, &ref) && read_terms(r, &ref, relation, out);
}

/* ---- sums ---- */

typedef struct sum_reader {
    reader *r;
    int64_t offset, coef[FTL_RULES_MAX_VARS];
} sum_reader;

static bool add(ftl_tokens *t, int64_t *to, int64_t x)
{
    return !__builtin_add_overflow(*to, x, to) ||
           ftl_token_fail(t, "a number of a sum is out of range");
}

/* part */
static bool read_part(sum_reader *s, bool is_negative)
{
    ftl_tokens *t = &s->r->t;
    int64_t factor = is_negative ? -1 : 1;
    uint32_t var = 0;
    ftl_token_skip(t);
    if (ftl_token_peek(t) >= '0' && ftl_token_peek(t) <= '9') {
        if (!ftl_token_read_digits(t, is_negative, &factor))
            return false;
        if (!ftl_token_accept(t, "*"))
            return add(t, &s->offset, factor);
    }
    return read_var(s->r, &var) && add(t, &s->coef[var], factor);
}

/* sum */
static bool read_sum(reader *r, ftl_rule_sum *out)
{
    sum_reader s = {.r = r};
    bool more = true, is_negative = ftl_token_accept(&r->t, "-");
    uint32_t var[FTL_RULES_MAX_VARS], n = 0;
    while (more) {
        if (!read_part(&s, is_negative))
            return false;
        is_negative = ftl_token_accept(&r->t, "-");
        more = is_negative || ftl_token_accept(&r->t, "+");
    }
    for (uint32_t i = 0; i < r->n_vars; i++)
        if (s.coef[i] != 0)
            var[n++] = i;
    *out = (ftl_rule_sum){.offset = s.offset, .n = n,
                          .var = FTL_NEW_ARRAY(r->t.arena, uint32_t, n),
                          .coef = FTL_NEW_ARRAY(r->t.arena, int64_t, n)};
    for (uint32_t i = 0; i < n; i++) {
        out->var[i] = var[i];
        out->coef[i] = s.coef[var[i]];
    }
    return true;
}

/* ---- literals ---- */

static bool read_compare(reader *r, ftl_literal *l)
{
    ftl_tokens *t = &r->t;
    l->kind = FTL_LITERAL_COMPARE;
    if (!read_sum(r, &l->left))
        return false;
    if (ftl_token_accept(t, "="))
        l->compare = FTL_RULE_EQ;
    else if (ftl_token_accept(t, "!="))
        l->compare = FTL_RULE_NE;
    else if (ftl_token_accept(t, "<="))
        l->compare = FTL_RULE_LE;
    else if (ftl_token_accept(t, "<"))
        l->compare = FTL_RULE_LT;
    else
        return ftl_token_fail(t, "expected '(' or a comparison");
    return read_sum(r, &l->right);
}

static bool read_bounded(reader *r, ftl_literal *l)
{
    ftl_tokens *t = &r->t;
    if (!read_var(r, &l->var))
        return false;
    if (l->kind == FTL_LITERAL_LET && (!ftl_token_expect(t, "=") || !read_sum(r, &l->right)))
        return false;
    return ftl_token_expect(t, "<") && ftl_token_read_int(t, &l->extent);
}

/* A literal that starts with a name: an atom where a mark follows that opens one. */
static bool read_named(reader *r, ftl_literal *l)
{
    size_t start = r->t.pos;
    reference ref;
    if (!read_reference(&r->t, &ref))
        return false;
    ftl_token_skip(&r->t);
    if (ftl_token_peek(&r->t) == '(')
        return read_terms(r, &ref, &l->relation, &l->terms);
    r->t.pos = start;
    return read_compare(r, l);
}

/* literal */
static bool read_literal(reader *r, ftl_literal *l)
{
    ftl_tokens *t = &r->t;
    if (ftl_token_accept(t, "not")) {
        l->kind = FTL_LITERAL_NOT;
        return read_atom(r, &l->relation, &l->terms);
    }
    bool is_let = ftl_token_accept(t, "let");
    if (is_let || ftl_token_accept(t, "range")) {
        l->kind = is_let ? FTL_LITERAL_LET : FTL_LITERAL_RANGE;
        return read_bounded(r, l);
    }
    ftl_token_skip(t);
    char c = ftl_token_peek(t);
    return c == '-' || (c >= '0' && c <= '9') ? read_compare(r, l) : read_named(r, l);
}

/* ---- rules ---- */

static bool read_body(reader *r, ftl_rule *rule)
{
    FTL_VEC(ftl_literal) body = {0};
    if (ftl_token_accept(&r->t, "true"))
        return true;
    do {
        ftl_literal l = {0};
        if (!read_literal(r, &l))
            return false;
        *FTL_VEC_PUSH(r->t.arena, &body) = l;
    } while (ftl_token_accept(&r->t, ","));
    if (body.len > UINT32_MAX)
        return ftl_token_fail(&r->t, "too many literals");
    rule->body = body.data;
    rule->n_body = (uint32_t)body.len;
    return true;
}

/* origin */
static bool read_origin(ftl_tokens *t, ftl_rule *rule)
{
    if (!ftl_token_accept(t, "@"))
        return true;
    if (!ftl_token_read_u32(t, &rule->equation))
        return false;
    if (!ftl_token_accept(t, ":"))
        return true;
    return ftl_token_read_u32(t, &rule->span.file) && ftl_token_expect(t, ":") &&
           ftl_token_read_u32(t, &rule->span.off) && ftl_token_expect(t, ":") &&
           ftl_token_read_u32(t, &rule->span.len);
}

static bool read_vars(reader *r)
{
    ftl_tokens *t = &r->t;
    if (!ftl_token_expect(t, "("))
        return false;
    while (!ftl_token_accept(t, ")")) {
        uint32_t before = r->n_vars, var = 0;
        if ((before > 0 && !ftl_token_expect(t, ",")) || !read_var(r, &var))
            return false;
        if (var < before)
            return ftl_token_fail(t, "a variable is listed twice");
    }
    return true;
}

/* rule */
static bool read_rule(reader *r)
{
    ftl_tokens *t = &r->t;
    ftl_rule rule = {0};
    r->n_vars = 0;
    *FTL_VEC_PUSH(t->arena, &r->places) = t->pos;
    if ((ftl_token_accept(t, "vars") && !read_vars(r)) ||
        !read_atom(r, &rule.head, &rule.terms) || !ftl_token_expect(t, "<-") ||
        !read_body(r, &rule) || !read_origin(t, &rule))
        return false;
    const char **vars = FTL_NEW_ARRAY(t->arena, const char *, r->n_vars);
    for (uint32_t i = 0; i < r->n_vars; i++)
        vars[i] = r->vars[i].name;
    rule.vars = vars;
    rule.n_vars = r->n_vars;
    *FTL_VEC_PUSH(t->arena, &r->rules->rules) = rule;
    return true;
}

static bool read_extents(ftl_tokens *t, ftl_rules_relation *out)
{
    int64_t extent[FTL_RULES_MAX_ARITY], *copy = NULL;
    if (!ftl_token_expect(t, "["))
        return false;
    for (; !ftl_token_accept(t, "]"); out->arity++) {
        if (out->arity > 0 && !ftl_token_expect(t, ","))
            return false;
        if (out->arity == FTL_RULES_MAX_ARITY)
            return ftl_token_fail(t, "too many columns");
        if (!ftl_token_read_int(t, &extent[out->arity]))
            return false;
        if (extent[out->arity] < 0 || extent[out->arity] > (int64_t)UINT32_MAX)
            return ftl_token_fail(t, "an extent is out of range");
    }
    copy = FTL_NEW_ARRAY(t->arena, int64_t, out->arity);
    memcpy(copy, extent, out->arity * sizeof(*copy));
    out->extent = copy;
    return true;
}

/* relation */
static bool read_relation(reader *r)
{
    ftl_tokens *t = &r->t;
    ftl_rules_relation rel = {.input = -1};
    uint32_t input = 0;
    if ((!ftl_token_accept(t, "_") && !read_name(t, &rel.name)) || !read_extents(t, &rel))
        return false;
    if (ftl_token_accept(t, "input")) {
        if (!ftl_token_read_u32(t, &input))
            return false;
        if (input > INT32_MAX)
            return ftl_token_fail(t, "a number is out of range");
        rel.input = (int32_t)input;
    }
    rel.is_result = ftl_token_accept(t, "result");
    if (rel.name) {
        bool is_new = !ftl_map_find(&r->relations, FTL_KEY(rel.name), NULL);
        ftl_map_put(&r->relations, FTL_KEY(rel.name),
                    is_new ? r->rules->relations.len : UINT32_MAX);
    }
    *FTL_VEC_PUSH(t->arena, &r->rules->relations) = rel;
    return true;
}

static bool read_rules(reader *r)
{
    ftl_tokens *t = &r->t;
    uint32_t rule = 0;
    for (ftl_token_skip(t); t->pos < t->len && ftl_token_peek(t) != '}'; ftl_token_skip(t))
        if (!(ftl_token_accept(t, "relation") ? read_relation(r) : read_rule(r)))
            return false;
    size_t end = t->pos;
    const char *wrong = ftl_rules_find_fault(r->rules, t->arena, &rule);
    if (!wrong)
        return true;
    t->pos = rule == UINT32_MAX ? end : r->places.data[rule];
    return ftl_token_fail(t, wrong);
}

ftl_rules *ftl_rules_read_part(const ftl_rules_text *text, ftl_diags *diags, size_t *pos)
{
    const ftl_source *source = &diags->sources.data[text->file - 1];
    reader r = {.t = {.arena = text->arena, .names = text->names, .diags = diags,
                      .file = text->file, .text = source->text, .len = source->len, .pos = *pos},
                .rules = ftl_rules_new(text->arena)};
    ftl_map_init(&r.relations, text->arena);
    if (!read_rules(&r))
        return NULL;
    *pos = r.t.pos;
    return r.rules;
}

ftl_rules *ftl_rules_read(ftl_arena *arena, ftl_intern *names, ftl_diags *diags, uint32_t file)
{
    size_t pos = 0;
    ftl_rules_text text = {.arena = arena, .names = names, .file = file};
    ftl_rules *r = ftl_rules_read_part(&text, diags, &pos);
    if (!r || pos == diags->sources.data[file - 1].len)
        return r;
    ftl_span at = {.file = file, .off = (uint32_t)pos, .len = 1};
    ftl_diag_error(diags, FTL_E_SYNTAX, at, "expected a relation, a rule or the end");
    return NULL;
}
