/* SPDX-License-Identifier: Apache-2.0
 *
 * The first byte chooses the arity and whether a value column may follow; the rest is the file.
 */
#include "fuzz.h"

static void touch(const ftl_tuples *t)
{
    for (uint32_t k = 0; k < t->arity; k++) {
        for (int64_t i = 0; i < t->count; i++) {
            int64_t place = t->columns[k][i];
            fuzz_require(place >= 0, "positions are not negative");
            if (t->is_text[k])
                fuzz_require(ftl_symbols_get(t->symbols[k], place) != NULL,
                             "every symbol has a name");
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *path = fuzz_write_file(data + 1, size - 1, "csv");
    ftl_read_options options = {.alloc = ftl_allocator_get_default(), .memory_limit = FUZZ_MEMORY};
    ftl_io_error error = {{0}};
    ftl_tuples *tuples = NULL;
    ftl_table_form form = {.arity = data[0] & 3, .allow_values = (data[0] & 4) != 0};
    ftl_status status = ftl_io_read_tuples(path, form, &options, &tuples, &error);
    if (status == FTL_OK)
        touch(tuples);
    else
        fuzz_require(tuples == NULL && error.message[0], "a failure has a message and no tuples");
    ftl_tuples_free(tuples);
    return 0;
}
