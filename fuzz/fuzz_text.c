/* SPDX-License-Identifier: Apache-2.0
 *
 * The input up to the first NUL is a vocabulary, what follows is the text; without a NUL all is
 * text. The same bytes are then read as a list of symbols.
 */
#include "fuzz.h"

static void write_vocabulary(const char *path, const uint8_t *data, size_t size)
{
    char name[256];
    const char *dot = strrchr(path, '.');
    snprintf(name, sizeof name, "%.*s.vocab.json", (int)(dot - path), path);
    FILE *f = fopen(name, "wb");
    fuzz_require(f && fwrite(data, 1, size, f) == size && fclose(f) == 0,
                 "the vocabulary is written");
}

static void touch_words(const ftl_tuples *t)
{
    for (int64_t i = 0; i < t->count; i++) {
        fuzz_require(t->columns[0][i] == i, "positions count up");
        fuzz_require(t->columns[1][i] >= 0 &&
                         t->columns[1][i] < ftl_symbols_get_count(t->symbols[1]),
                     "every word has a number in the vocabulary");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    size_t before = nul ? (size_t)(nul - data) : 0, start = nul ? before + 1 : 0;
    const char *path = fuzz_write_file(data + start, size - start, "txt");
    const char *empty = "{\"version\": 1, \"items\": []}";
    write_vocabulary(path, nul ? data : (const uint8_t *)empty, nul ? before : strlen(empty));
    ftl_read_options options = {.memory_limit = FUZZ_MEMORY};
    ftl_io_error error = {{0}};
    ftl_tuples *words = NULL;
    ftl_symbols *symbols = NULL;
    if (ftl_io_read_text(path, &options, &words, &error) == FTL_OK)
        touch_words(words);
    else
        fuzz_require(words == NULL && error.message[0], "a failure has a message and no words");
    ftl_tuples_free(words);
    error.message[0] = '\0';
    if (ftl_io_read_symbols(path, &options, &symbols, &error) != FTL_OK)
        fuzz_require(symbols == NULL && error.message[0], "a failure has a message and no symbols");
    ftl_symbols_free(symbols);
    return 0;
}
