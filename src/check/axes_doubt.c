/* SPDX-License-Identifier: Apache-2.0
 *
 * Warnings about where an axis is summed: before a function of one argument, or after a call that
 * took the last axis of its argument because none was named.
 */
#include "check/axes.h"

static const char *name_of(const axes_ctx *c, uint32_t axis)
{
    return c->eq->axes.data[axis].name;
}

static const char *call_of(const raw *r)
{
    return ftl_builtin_get_info(r->builtin)->name;
}

void axes_warn_sum_first(axes_ctx *c, const raw *func, axis_set over)
{
    for (uint32_t i = 0; i < over.n; i++) {
        const char *axis = name_of(c, over.a[i]);
        ftl_diag *d = ftl_diag_warn(c->m->diags, FTL_W_PROJECTION, func->span,
                                    "the sum over '%s' comes before %s", axis, call_of(func));
        ftl_diag_hint(
            c->m->diags, d,
            "write `reduce(sum, %s) %s(...)` to sum after it, or `%s(reduce(sum, %s) ...)` to say "
            "that this is meant",
            axis, call_of(func), call_of(func), axis);
    }
}

/* How a reduction over several axes is written; null: not at all. */
static const char *find_fold(ftl_builtin b)
{
    switch (b) {
    case FTL_BUILTIN_MEAN:
        return "avg";
    case FTL_BUILTIN_AMAX:
        return "max";
    case FTL_BUILTIN_AMIN:
        return "min";
    default:
        return NULL;
    }
}

/* M = mean(X[n, d]): a sum over n of means over d. */
static void warn_fold(axes_ctx *c, const raw *r, uint32_t over)
{
    const char *own = name_of(c, r->call->axis), *rest = name_of(c, over), *call = call_of(r);
    bool is_left = axis_set_has(c->left, r->call->axis);
    if (r->builtin == FTL_BUILTIN_SUM && !is_left)
        return;
    ftl_diag *d = ftl_diag_warn(c->m->diags, FTL_W_LAST_AXIS, r->name_span,
                                "%s works along '%s', the last axis%s; '%s' is summed after it",
                                call, own, is_left ? ", although it is on the left" : "", rest);
    if (is_left)
        ftl_diag_hint(c->m->diags, d, "write %s(..., axis=%s), or axis=%s if that is meant", call,
                      rest, own);
    else if (find_fold(r->builtin))
        ftl_diag_hint(c->m->diags, d,
                      "write reduce(%s, %s, %s) for both axes, or axis=%s if that is meant",
                      find_fold(r->builtin), rest, own, own);
    else
        ftl_diag_hint(c->m->diags, d, "write axis=%s if that is meant", own);
}

/* C[i] = softmax(A[i, k]): each sum is 1. */
static void warn_norm(axes_ctx *c, const raw *r)
{
    const char *own = name_of(c, r->call->axis);
    ftl_diag *d =
        ftl_diag_warn(c->m->diags, FTL_W_LAST_AXIS, r->name_span,
                      "%s works along '%s', the last axis, which is summed after it", call_of(r),
                      own);
    ftl_diag_hint(c->m->diags, d, "write '%s' on the left, or axis=%s if that is meant", own, own);
}

void axes_warn_sum_after(axes_ctx *c, const raw *r, axis_set over)
{
    ftl_builtin_class class_ = ftl_builtin_get_info(r->builtin)->class_;
    bool folds = class_ == FTL_BUILTIN_CLASS_FOLD || r->builtin == FTL_BUILTIN_MAX ||
                 r->builtin == FTL_BUILTIN_MIN;
    if (!r->call->is_last || over.n == 0)
        return;
    if (folds)
        warn_fold(c, r, over.a[0]);
    else if (class_ == FTL_BUILTIN_CLASS_NORM && axis_set_has(over, r->call->axis))
        warn_norm(c, r);
}
