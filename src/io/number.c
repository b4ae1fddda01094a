/* SPDX-License-Identifier: Apache-2.0 */
#include "io/number.h"

#include "base/dtype.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

bool ftl_number_is_int(const char *s)
{
    s += *s == '-';
    if (!*s)
        return false;
    for (; *s; s++)
        if (*s < '0' || *s > '9')
            return false;
    return true;
}

bool ftl_number_read_int(const char *s, int64_t *out)
{
    bool negative = *s == '-';
    int64_t x = 0;
    for (s += negative; *s; s++) {
        int64_t digit = negative ? '0' - *s : *s - '0';
        if (__builtin_mul_overflow(x, 10, &x) || __builtin_add_overflow(x, digit, &x))
            return false;
    }
    *out = x;
    return true;
}

bool ftl_number_read_real(const char *s, size_t len, double *out)
{
    bool negative = *s == '-';
    if (strcmp(s, "nan") == 0)
        *out = (double)NAN;
    else if (strcmp(s + negative, "inf") == 0)
        *out = negative ? -(double)INFINITY : (double)INFINITY;
    else
        return ftl_parse_double(s, len, out) && isfinite(*out);
    return true;
}

/* ---- writing ---- */

typedef struct decimal {
    char digits[20]; /* without zeros at the end, but at least one */
    int count;
    int exponent; /* the value is d.ddd * 10^exponent */
} decimal;

/* The digits of "d,ddde-07": the point may be any text. */
static decimal take_digits(const char *text)
{
    decimal d = {.count = 0};
    const char *s = text;
    for (; *s && *s != 'e'; s++)
        if (*s >= '0' && *s <= '9')
            d.digits[d.count++] = *s;
    d.exponent = *s ? atoi(s + 1) : 0;
    while (d.count > 1 && d.digits[d.count - 1] == '0')
        d.count--;
    return d;
}

/* x > 0, finite. C's own conversions round to nearest and read back exactly, in any locale. Normal
 * numbers mostly need 15 (6) digits or their zeros at the end are cut; the others may need one. */
static decimal find_digits(double x, bool is_double)
{
    char text[48];
    int most = is_double ? 16 : 8, least = is_double ? 14 : 5;
    if (x < (is_double ? DBL_MIN : (double)FLT_MIN))
        least = 0;
    for (int after = least;; after++) {
        snprintf(text, sizeof(text), "%.*e", after, x);
        bool same = is_double ? strtod(text, NULL) == x : strtof(text, NULL) == (float)x;
        if (same || after == most)
            return take_digits(text);
    }
}

/* As Python's repr: plain between 1e-4 and 1e16, else with an exponent. */
static size_t write_decimal(const decimal *d, char *out)
{
    char *o = out;
    bool plain = d->exponent >= -4 && d->exponent < 16;
    int before = !plain ? 1 : d->exponent >= 0 ? d->exponent + 1 : 0;
    if (before == 0)
        *o++ = '0';
    for (int i = 0; i < before; i++)
        *o++ = i < d->count ? d->digits[i] : '0';
    if (plain || d->count > 1)
        *o++ = '.';
    for (int i = plain ? d->exponent + 1 : 0; i < 0; i++)
        *o++ = '0';
    for (int i = before; i < d->count; i++)
        *o++ = d->digits[i];
    if (plain && d->count <= before)
        *o++ = '0';
    *o = '\0';
    return (size_t)(o - out) + (plain ? 0 : (size_t)sprintf(o, "e%+03d", d->exponent));
}

static size_t write_text(const char *text, char *out)
{
    return (size_t)snprintf(out, FTL_NUMBER_MAX, "%s", text);
}

static size_t write_real(double x, bool is_double, bool json, char *out)
{
    if (isnan(x))
        return write_text(json ? "NaN" : "nan", out);
    size_t sign = signbit(x) ? 1 : 0;
    out[0] = '-';
    x = fabs(x);
    if (isinf(x))
        return sign + write_text(json ? "Infinity" : "inf", out + sign);
    decimal d = {.digits = "0", .count = 1};
    if (x > 0)
        d = find_digits(x, is_double);
    return sign + write_decimal(&d, out + sign);
}

size_t ftl_number_write(ftl_dtype dtype, const void *p, bool json, char out[FTL_NUMBER_MAX])
{
    if (ftl_dtype_is_float(dtype))
        return write_real(ftl_dtype_get_double(dtype, p), dtype == FTL_DTYPE_F64, json, out);
    int64_t x = ftl_dtype_get_int(dtype, p);
    if (dtype == FTL_DTYPE_BOOL && json)
        return write_text(x ? "true" : "false", out);
    return (size_t)snprintf(out, FTL_NUMBER_MAX, "%lld", (long long)x);
}
