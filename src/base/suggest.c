/* SPDX-License-Identifier: Apache-2.0
 *
 * Optimal string alignment distance (insertions, deletions, substitutions, swaps of neighbours) on
 * case-folded ASCII, with three rows of the table. Names over LONGEST bytes are never suggested.
 */
#include "base/base.h"

#define LONGEST 64

static char fold_case(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t get_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][LONGEST + 1];
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            char x = fold_case(a[i - 1]), y = fold_case(b[j - 1]);
            size_t best = min_of(above[j], row[j - 1]) + 1;
            best = min_of(best, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == fold_case(b[j - 2]) && fold_case(a[i - 2]) == y)
                best = min_of(best, second[j - 2] + 1);
            row[j] = best;
        }
    }
    return rows[a_len % 3][b_len];
}

const char *ftl_suggest(const char *name, const char *const *candidates, size_t n)
{
    size_t len = strlen(name);
    const char *best = NULL;
    size_t best_distance = 2 + len / 4;
    if (len > LONGEST)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t other = strlen(candidates[i]);
        size_t gap = other > len ? other - len : len - other;
        if (other > LONGEST || gap >= best_distance || strcmp(name, candidates[i]) == 0)
            continue;
        size_t distance = get_distance(name, len, candidates[i], other);
        bool shares = distance < (other > len ? other : len);
        if (distance < best_distance && shares) {
            best = candidates[i];
            best_distance = distance;
        }
    }
    return best;
}
