/* SPDX-License-Identifier: Apache-2.0
 *
 * Constants: const and param statements, evaluated when they are first asked for, so that their
 * order in the program does not matter.
 */
#include "check/resolve.h"

#include <math.h>

#define MAX_STEPS                                                                                  \
    4000 /* nested evaluations: expressions inside of constants inside of expressions */

/* Why a constant expression has no value. */
typedef struct fault {
    const ftl_node *at;
    const char *why; /* null: it was reported already */
} fault;

static bool eval(resolver *r, resolve_module *module, const ftl_node *n, double *out, fault *f);

static bool fail(fault *f, const ftl_node *at, const char *why)
{
    *f = (fault){at, why};
    return false;
}

/* ---- operators and functions of numbers ---- */

static bool eval_binary(ftl_op op, double a, double b, double *out) /* dispatch */
{
    switch (op) {
    case FTL_OP_ADD:
        *out = a + b;
        return true;
    case FTL_OP_SUB:
        *out = a - b;
        return true;
    case FTL_OP_MUL:
        *out = a * b;
        return true;
    case FTL_OP_DIV:
        *out = a / b;
        return true;
    case FTL_OP_POW:
        *out = pow(a, b);
        return true;
    case FTL_OP_EQ:
        *out = a == b;
        return true;
    case FTL_OP_NE:
        *out = a != b;
        return true;
    case FTL_OP_LT:
        *out = a < b;
        return true;
    case FTL_OP_LE:
        *out = a <= b;
        return true;
    case FTL_OP_GT:
        *out = a > b;
        return true;
    case FTL_OP_GE:
        *out = a >= b;
        return true;
    case FTL_OP_AND:
        *out = a != 0 && b != 0;
        return true;
    case FTL_OP_OR:
        *out = a != 0 || b != 0;
        return true;
    default:
        return false;
    }
}

static double relu(double x)
{
    return x > 0 ? x : 0;
}

static double step(double x)
{
    return x > 0;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

typedef struct function {
    ftl_builtin builtin;
    double (*one)(double);
    double (*two)(double, double);
} function;

static const function functions[] = {
    {FTL_BUILTIN_SQRT, sqrt, NULL},       {FTL_BUILTIN_EXP, exp, NULL},
    {FTL_BUILTIN_LOG, log, NULL},         {FTL_BUILTIN_ABS, fabs, NULL},
    {FTL_BUILTIN_SIN, sin, NULL},         {FTL_BUILTIN_COS, cos, NULL},
    {FTL_BUILTIN_TANH, tanh, NULL},       {FTL_BUILTIN_ERF, erf, NULL},
    {FTL_BUILTIN_SIGMOID, sigmoid, NULL}, {FTL_BUILTIN_RELU, relu, NULL},
    {FTL_BUILTIN_STEP, step, NULL},       {FTL_BUILTIN_POW, NULL, pow},
    {FTL_BUILTIN_MIN, NULL, fmin},        {FTL_BUILTIN_MAX, NULL, fmax},
};

static bool apply(const function *fn, const double *args, size_t n, double *out)
{
    if (fn->one) {
        *out = fn->one(args[0]);
        return n == 1;
    }
    *out = args[0];
    for (size_t i = 1; i < n; i++)
        *out = fn->two(*out, args[i]);
    return n >= 2 && (n == 2 || fn->builtin != FTL_BUILTIN_POW);
}

static bool eval_call(resolver *r, resolve_module *module, const ftl_node *n, double *out, fault *f)
{
    ftl_builtin builtin;
    double args[16];
    if (n->ns || n->kwargs.len > 0 || n->args.len == 0 || n->args.len > FTL_COUNT(args) ||
        !ftl_builtin_find(n->name, &builtin))
        return fail(f, n, "this is not a function of numbers");
    for (size_t i = 0; i < n->args.len; i++)
        if (!eval(r, module, n->args.data[i], &args[i], f))
            return false;
    for (size_t i = 0; i < FTL_COUNT(functions); i++)
        if (functions[i].builtin == builtin && apply(&functions[i], args, n->args.len, out))
            return true;
    return fail(f, n, "this is not a function of numbers");
}

/* ---- expressions ---- */

static bool eval_name(resolver *r, resolve_module *module, const ftl_node *n, double *out, fault *f)
{
    if (!resolve_find_import(r, module, n, &module))
        return fail(f, n, NULL);
    resolve_constant *c = resolve_find_constant(r, module, n->name);
    if (!c)
        return fail(f, n, "only numbers, consts and params can stand here");
    if (c->state == RESOLVE_FAILED)
        return fail(f, n, NULL);
    if (c->text)
        return fail(f, n, "this is a text");
    *out = c->number;
    return true;
}

static bool eval_select(resolver *r, resolve_module *module, const ftl_node *n, double *out,
                        fault *f)
{
    double condition;
    return eval(r, module, n->args.data[0], &condition, f) &&
           eval(r, module, n->args.data[condition != 0 ? 1 : 2], out, f);
}

static bool eval_operands(resolver *r, resolve_module *module, const ftl_node *n, double *out,
                          fault *f)
{
    double a, b = 0;
    if (!eval(r, module, n->args.data[0], &a, f))
        return false;
    if (n->kind == FTL_NODE_UNARY) {
        *out = n->op == FTL_OP_NEG ? -a : a == 0;
        return true;
    }
    if (!eval(r, module, n->args.data[1], &b, f))
        return false;
    if (n->op == FTL_OP_DIV && b == 0)
        return fail(f, n->args.data[1], "this is a division by zero");
    return eval_binary(n->op, a, b, out) || fail(f, n, "this is no constant");
}

static bool eval_node(resolver *r, resolve_module *module, const ftl_node *n, double *out, fault *f)
{
    switch (n->kind) {
    case FTL_NODE_NUMBER:
    case FTL_NODE_BOOL:
        *out = n->number;
        return true;
    case FTL_NODE_NAME:
        return eval_name(r, module, n, out, f);
    case FTL_NODE_UNARY:
    case FTL_NODE_BINARY:
        return eval_operands(r, module, n, out, f);
    case FTL_NODE_SELECT:
        return eval_select(r, module, n, out, f);
    case FTL_NODE_CALL:
        return eval_call(r, module, n, out, f);
    case FTL_NODE_REF:
        if (n->paren && n->args.len > 0)
            return eval_call(r, module, n, out, f);
        return fail(f, n, "a tensor is not known before the program runs");
    default:
        return fail(f, n, "this is no number");
    }
}

static bool eval(resolver *r, resolve_module *module, const ftl_node *n, double *out, fault *f)
{
    if (r->depth >= MAX_STEPS)
        return fail(f, n, "this is nested too deeply");
    r->depth++;
    bool ok = eval_node(r, module, n, out, f);
    r->depth--;
    if (ok && !isfinite(*out))
        return fail(f, n, isnan(*out) ? "this has no value" : "this is too large for a number");
    return ok;
}

bool resolve_number(resolver *r, const resolve_wish *wish, double *out)
{
    fault f = {0};
    if (eval(r, wish->module, wish->node, out, &f))
        return true;
    if (!f.why)
        return false;
    ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_CONSTANT, wish->at,
                                 "%s has no constant value: %s", wish->what, f.why);
    if (f.at->span.off != wish->at.off && f.at != wish->node)
        ftl_diag_note(r->m->diags, d, f.at->span, "here");
    if (f.at->kind == FTL_NODE_NAME)
        ftl_diag_hint(r->m->diags, d, "'const %s = ...' would make it one", f.at->name);
    return false;
}

bool resolve_is_number(const ftl_node *n, double *out)
{
    double a, b;
    if (n->kind == FTL_NODE_NUMBER || n->kind == FTL_NODE_BOOL) {
        *out = n->number;
        return true;
    }
    if (n->kind == FTL_NODE_UNARY && resolve_is_number(n->args.data[0], &a)) {
        *out = n->op == FTL_OP_NEG ? -a : a == 0;
        return true;
    }
    return n->kind == FTL_NODE_BINARY && resolve_is_number(n->args.data[0], &a) &&
           resolve_is_number(n->args.data[1], &b) && eval_binary(n->op, a, b, out);
}

/* ---- const and param statements ---- */

static const char *find_setting(resolver *r, const resolve_constant *c)
{
    const char *name = ftl_arena_printf(r->m->arena, "%s%s", c->module->prefix, c->stmt->name);
    const char *value = NULL;
    for (size_t i = 0; i < r->m->options.n_params; i++)
        if (strcmp(r->m->options.params[i].name, name) == 0)
            value = r->m->options.params[i].value;
    return value;
}

static bool is_type(const char *type, const char *name)
{
    return type && strcmp(type, name) == 0;
}

static bool parse_bool(const char *s, double *out)
{
    bool yes = strcmp(s, "true") == 0 || strcmp(s, "1") == 0;
    *out = yes;
    return yes || strcmp(s, "false") == 0 || strcmp(s, "0") == 0;
}

/* The value given on the command line. */
static void set_from_text(resolver *r, resolve_constant *c, const char *value)
{
    const char *type = c->stmt->type;
    bool ok = is_type(type, "bool") ? parse_bool(value, &c->number)
                                    : ftl_parse_double(value, strlen(value), &c->number);
    if (is_type(type, "str") || (!type && c->stmt->rhs && c->stmt->rhs->kind == FTL_NODE_STRING)) {
        c->text = ftl_intern_cstr(r->m->names, value);
        return;
    }
    if (!type && !ok)
        ok = parse_bool(value, &c->number);
    if (ok && isfinite(c->number))
        return;
    c->state = RESOLVE_FAILED;
    ftl_diag_error(r->m->diags, FTL_E_OPTION, c->stmt->span,
                   "--param %s=%s: '%s' is not a value of %s", c->stmt->name, value, value,
                   type ? type : "a number");
}

static void set_from_expression(resolver *r, resolve_constant *c)
{
    const ftl_node *rhs = c->stmt->rhs;
    if (!rhs) {
        c->state = RESOLVE_FAILED;
        ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_CONSTANT, c->stmt->span,
                                     "param '%s' has no value", c->stmt->name);
        ftl_diag_hint(r->m->diags, d,
                      "give it one with --param %s=VALUE, or a default: param %s = ...",
                      c->stmt->name, c->stmt->name);
        return;
    }
    if (rhs->kind == FTL_NODE_STRING) {
        c->text = rhs->name;
        return;
    }
    const char *what = ftl_arena_printf(r->m->arena, "'%s'", c->stmt->name);
    resolve_wish wish = {c->module, rhs, c->stmt->span, what};
    if (!resolve_number(r, &wish, &c->number))
        c->state = RESOLVE_FAILED;
}

static bool fits_type(const resolve_constant *c)
{
    const char *type = c->stmt->type;
    if (is_type(type, "str"))
        return c->text != NULL;
    if (!type)
        return true;
    if (is_type(type, "int"))
        return !c->text && c->number == floor(c->number);
    return !c->text && (is_type(type, "float") || c->number == 0 || c->number == 1);
}

static void check_type(resolver *r, resolve_constant *c)
{
    static const char *const types[] = {"int", "float", "bool", "str"};
    const char *type = c->stmt->type;
    bool known = !type;
    for (size_t i = 0; i < FTL_COUNT(types); i++)
        known |= is_type(type, types[i]);
    if (known && fits_type(c))
        return;
    c->state = RESOLVE_FAILED;
    if (known) {
        ftl_diag_error(r->m->diags, FTL_E_CONSTANT, c->stmt->span,
                       "the value of param '%s' is no %s", c->stmt->name, type);
        return;
    }
    ftl_diag *d = ftl_diag_error(r->m->diags, FTL_E_CONSTANT, c->stmt->span,
                                 "param '%s' has the unknown type '%s'", c->stmt->name, type);
    ftl_diag_hint(r->m->diags, d, "the types of params are int, float, bool and str");
}

static void evaluate(resolver *r, resolve_constant *c)
{
    bool is_param = c->stmt->kind == FTL_STMT_PARAM;
    const char *setting = is_param ? find_setting(r, c) : NULL;
    c->state = RESOLVE_BUSY;
    if (setting)
        set_from_text(r, c, setting);
    else
        set_from_expression(r, c);
    if (c->state == RESOLVE_BUSY && is_param)
        check_type(r, c);
    if (c->state == RESOLVE_BUSY)
        c->state = RESOLVE_DONE;
}

resolve_constant *resolve_find_constant(resolver *r, resolve_module *module, const char *name)
{
    uint64_t index;
    if (!ftl_map_find(&module->constants, FTL_KEY(name), &index))
        return NULL;
    resolve_constant *c = r->constants.data[index];
    if (c->state == RESOLVE_BUSY) {
        c->state = RESOLVE_FAILED;
        ftl_diag_error(r->m->diags, FTL_E_CONSTANT, c->stmt->span,
                       "the value of '%s' depends on itself", name);
    }
    if (c->state == RESOLVE_NEW)
        evaluate(r, c);
    return c;
}
