/* SPDX-License-Identifier: Apache-2.0
 *
 * token: the words and marks of the texts that this room reads. White space separates; # starts a
 * comment that ends with its line. Functions that give false after an error put it on the sink.
 * The text may be anything; file is in the sink's table.
 */
#ifndef FTL_IR_TOKEN_H
#define FTL_IR_TOKEN_H

#include "base/diag.h"

typedef struct ftl_tokens {
    ftl_arena *arena;
    ftl_intern *names;
    ftl_diags *diags;
    uint32_t file;
    const char *text;
    size_t len, pos;
} ftl_tokens;

/* A diagnostic (E_SYNTAX) at pos; false. */
bool ftl_token_fail(ftl_tokens *t, const char *what);
/* The byte at pos, NUL at the end; white space first goes by with skip. */
char ftl_token_peek(const ftl_tokens *t);
void ftl_token_skip(ftl_tokens *t);
/* Letters of ASCII, digits and the underline. */
bool ftl_token_is_word(char c);
/* Takes a mark or a whole word when it is next. */
bool ftl_token_accept(ftl_tokens *t, const char *token);
bool ftl_token_expect(ftl_tokens *t, const char *token);
/* Digits, as a number or, with is_negative, as its negative. */
bool ftl_token_read_digits(ftl_tokens *t, bool is_negative, int64_t *out);
/* "-"? and digits. */
bool ftl_token_read_int(ftl_tokens *t, int64_t *out);
bool ftl_token_read_u32(ftl_tokens *t, uint32_t *out);
/* Between double quotes, with \" \\ and \xHH, no NUL; interned. */
bool ftl_token_read_string(ftl_tokens *t, const char **out);
/* Writes what read_string reads. */
void ftl_token_put_string(ftl_strbuf *out, const char *s);

#endif
