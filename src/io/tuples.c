/* SPDX-License-Identifier: Apache-2.0 */
#include "io/tuples.h"

#define SYMBOL_BYTES 48 /* that a symbol takes besides its text, about */

ftl_status ftl_tuples_make_room(ftl_file *f, ftl_tuples *t)
{
    if (t->count < t->cap)
        return FTL_OK;
    uint64_t bytes = ((uint64_t)t->count + 1) * (t->arity + 1) * sizeof(int64_t);
    FTL_TRY(ftl_file_check_memory(f, bytes));
    return ftl_tuples_reserve(t, t->count + 1) == FTL_OK ? FTL_OK : ftl_file_no_memory(f, bytes);
}

ftl_status ftl_text_number(ftl_file *f, ftl_symbols **symbols, const char *text, size_t len,
                           int64_t *out)
{
    if (!*symbols && !(*symbols = ftl_symbols_new(f->options.alloc)))
        return ftl_file_no_memory(f, len);
    int64_t before = ftl_symbols_get_count(*symbols);
    int64_t number = ftl_symbols_add(*symbols, text, len);
    if (number < 0)
        return ftl_file_no_memory(f, len);
    *out = number;
    f->text += number == before ? len + SYMBOL_BYTES : 0;
    return ftl_file_check_memory(f, f->text);
}

ftl_status ftl_text_check(ftl_file *f, uint64_t line, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t code = (unsigned char)text[i];
        size_t n = code < 0x80 ? 1 : ftl_utf8_decode(text + i, len - i, &code);
        if (n == 0)
            return ftl_file_fail_line(f, line, "is not UTF-8 text");
        if (code == 0)
            return ftl_file_fail_line(f, line, "holds a NUL byte");
        i += n;
    }
    return FTL_OK;
}
