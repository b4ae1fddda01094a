/* SPDX-License-Identifier: Apache-2.0
 *
 * A text is read in chunks between ASCII white space; a chunk is checked to be UTF-8 and split at
 * the other characters that Unicode calls white space. A word's number is its place in the
 * vocabulary, where unseen words are put at the end as they are met.
 */
#include "io/text.h"
#include "io/sink.h"
#include "io/tuples.h"

#include <jansson.h>

#define WORD_LIMIT ((size_t)1 << 20)         /* bytes of a word or of a line with a symbol */
#define VOCABULARY_LIMIT ((size_t)256 << 20) /* bytes of the file */
#define TREE_RATIO 20                        /* bytes of the parsed tree for a byte of the file */

static bool is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_wide_space(uint32_t c)
{
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Takes bytes up to one that `ends` holds for, which stays. */
static ftl_status read_until(ftl_bytes *b, bool (*ends)(int c), ftl_block *out)
{
    out->len = 0;
    for (int c = ftl_bytes_peek(b); c >= 0 && !ends(c); c = ftl_bytes_peek(b)) {
        if (out->len == WORD_LIMIT)
            return ftl_file_fail_line(b->file, b->line, "a word is longer than 1 MiB");
        FTL_TRY(ftl_block_reserve(out, 1));
        out->data[out->len++] = (unsigned char)c;
        b->at++;
    }
    FTL_TRY(b->status);
    return ftl_text_check(b->file, b->line, (const char *)out->data, out->len);
}

/* ---- the vocabulary's name: "dir/note.txt" gives "dir/note.vocab.json" ---- */

static const char vocabulary_ending[] = ".vocab.json";

static size_t get_stem(const char *file)
{
    const char *slash = strrchr(file, '/'), *dot = strrchr(slash ? slash : file, '.');
    return dot ? (size_t)(dot - file) : strlen(file);
}

static size_t get_vocabulary_size(const char *file)
{
    return get_stem(file) + sizeof(vocabulary_ending);
}

static void write_vocabulary_path(const char *file, char *path)
{
    size_t stem = get_stem(file);
    memcpy(path, file, stem);
    memcpy(path + stem, vocabulary_ending, sizeof(vocabulary_ending));
}

const char *ftl_io_find_vocabulary(ftl_arena *arena, const char *file)
{
    char *path = ftl_arena_alloc(arena, get_vocabulary_size(file));
    write_vocabulary_path(file, path);
    return path;
}

/* ---- the token relation ---- */

typedef struct words {
    ftl_bytes bytes;
    ftl_block chunk;
    ftl_tuples *tuples; /* column 0: position; column 1: number in the vocabulary */
} words;

static ftl_status push_word(words *w, const char *text, size_t len)
{
    ftl_tuples *t = w->tuples;
    if (len == 0)
        return FTL_OK;
    FTL_TRY(ftl_tuples_make_room(w->bytes.file, t));
    FTL_TRY(ftl_text_number(w->bytes.file, &t->symbols[1], text, len, &t->columns[1][t->count]));
    t->columns[0][t->count] = t->count;
    t->count++;
    return FTL_OK;
}

static ftl_status push_chunk(words *w)
{
    const char *text = (const char *)w->chunk.data;
    size_t start = 0;
    for (size_t i = 0; i < w->chunk.len;) {
        uint32_t code = 0;
        size_t n = ftl_utf8_decode(text + i, w->chunk.len - i, &code);
        if (is_wide_space(code)) {
            FTL_TRY(push_word(w, text + start, i - start));
            start = i + n;
        }
        i += n;
    }
    return push_word(w, text + start, w->chunk.len - start);
}

static ftl_status read_words(words *w)
{
    for (int c = ftl_bytes_peek(&w->bytes); c >= 0; c = ftl_bytes_peek(&w->bytes)) {
        if (is_space(c)) {
            w->bytes.line += c == '\n';
            w->bytes.at++;
            continue;
        }
        FTL_TRY(read_until(&w->bytes, is_space, &w->chunk));
        FTL_TRY(push_chunk(w));
    }
    return w->bytes.status;
}

static ftl_status copy_symbols(ftl_file *f, const ftl_symbols *from, ftl_symbols **out)
{
    for (int64_t i = 0; i < ftl_symbols_get_count(from); i++) {
        const char *word = ftl_symbols_get(from, i);
        int64_t number;
        FTL_TRY(ftl_text_number(f, out, word, strlen(word), &number));
    }
    return FTL_OK;
}

/* The words that have numbers already: those that the caller knows, else the vocabulary's. */
static ftl_status read_known(words *w)
{
    ftl_file *f = w->bytes.file;
    ftl_symbols **symbols = &w->tuples->symbols[1];
    const ftl_allocator *alloc = f->options.alloc;
    if (f->options.words)
        return copy_symbols(f, f->options.words, symbols);
    size_t size = get_vocabulary_size(f->name);
    char *path = ftl_mem_alloc(alloc, size);
    if (!path)
        return ftl_file_no_memory(f, size);
    write_vocabulary_path(f->name, path);
    ftl_status status = ftl_vocabulary_read(path, &f->options, f->error, symbols);
    ftl_mem_free(alloc, path, size);
    return status;
}

static ftl_status read_numbered(words *w)
{
    ftl_file *f = w->bytes.file;
    ftl_symbols **symbols = &w->tuples->symbols[1];
    FTL_TRY(read_known(w));
    if (!*symbols && !(*symbols = ftl_symbols_new(f->options.alloc)))
        return ftl_file_no_memory(f, 1);
    w->tuples->is_text[1] = true;
    return read_words(w);
}

ftl_status ftl_text_read(ftl_file *f, ftl_tuples **out)
{
    words w = {.chunk = {.file = f}};
    FTL_TRY(ftl_bytes_init(&w.bytes, f));
    if (ftl_tuples_new(f->options.alloc, 2, false, &w.tuples) != FTL_OK)
        return ftl_file_no_memory(f, sizeof(*w.tuples));
    ftl_status status = read_numbered(&w);
    ftl_block_free(&w.chunk);
    if (status == FTL_OK)
        *out = w.tuples;
    else
        ftl_tuples_free(w.tuples);
    return status;
}

/* ---- symbols ---- */

static bool is_line_end(int c)
{
    return c == '\n' || c == '\r';
}

static ftl_status read_symbols(ftl_bytes *b, ftl_block *line, ftl_symbols **out)
{
    for (int c = ftl_bytes_peek(b); c >= 0; c = ftl_bytes_peek(b)) {
        FTL_TRY(read_until(b, is_line_end, line));
        b->line += ftl_bytes_get(b) == '\n';
        const char *text = (const char *)line->data;
        size_t start = 0, end = line->len;
        while (start < end && is_space(text[start]))
            start++;
        while (end > start && is_space(text[end - 1]))
            end--;
        int64_t number;
        if (end > start)
            FTL_TRY(ftl_text_number(b->file, out, text + start, end - start, &number));
    }
    return b->status;
}

ftl_status ftl_text_read_symbols(ftl_file *f, ftl_symbols **out)
{
    ftl_bytes b;
    FTL_TRY(ftl_bytes_init(&b, f));
    ftl_block line = {.file = f};
    ftl_symbols *symbols = ftl_symbols_new(f->options.alloc);
    ftl_status status = symbols ? read_symbols(&b, &line, &symbols) : ftl_file_no_memory(f, 1);
    ftl_block_free(&line);
    if (status == FTL_OK)
        *out = symbols;
    else
        ftl_symbols_free(symbols);
    return status;
}

/* ---- the vocabulary ---- */

/* Puts the items' texts in the order of their indices. */
static ftl_status order_items(ftl_file *f, const json_t *items, const char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(items, i);
        const char *text = json_string_value(json_object_get(item, "token"));
        const json_t *index = json_object_get(item, "index");
        json_int_t k = json_is_integer(index) ? json_integer_value(index) : -1;
        if (!text || !*text || !json_is_integer(index))
            return ftl_file_fail(f, "item %zu has no token or no index", i);
        if (k < 0 || (size_t)k >= n || texts[k])
            return ftl_file_fail(
                f,
                "item %zu has the index %lld; the indices of %zu items are 0 to %zu, "
                "each once",
                i, (long long)k, n, n - 1);
        texts[k] = text;
    }
    return FTL_OK;
}

static ftl_status add_items(ftl_file *f, const json_t *items, const char **texts,
                            ftl_symbols *symbols)
{
    size_t n = json_array_size(items);
    FTL_TRY(order_items(f, items, texts, n));
    for (size_t i = 0; i < n; i++) {
        int64_t number = ftl_symbols_add(symbols, texts[i], strlen(texts[i]));
        if (number < 0)
            return ftl_file_no_memory(f, n);
        if (number != (int64_t)i)
            return ftl_file_fail(f, "has the token '%.40s' twice", texts[i]);
    }
    return FTL_OK;
}

static ftl_status make_symbols(ftl_file *f, const json_t *root, ftl_symbols **out)
{
    const ftl_allocator *alloc = f->options.alloc;
    const json_t *items = json_object_get(root, "items"),
                 *version = json_object_get(root, "version");
    if (!json_is_integer(version) || json_integer_value(version) != 1 || !json_is_array(items))
        return ftl_file_fail(f, "is not a vocabulary {\"version\": 1, \"items\": [...]}");
    size_t bytes = json_array_size(items) * sizeof(char *);
    const char **texts = ftl_mem_alloc(alloc, bytes);
    ftl_symbols *symbols = ftl_symbols_new(alloc);
    ftl_status status = texts && symbols ? FTL_OK : ftl_file_no_memory(f, bytes);
    if (status == FTL_OK) {
        memset(texts, 0, bytes);
        status = add_items(f, items, texts, symbols);
    }
    ftl_mem_free(alloc, texts, bytes);
    if (status == FTL_OK)
        *out = symbols;
    else
        ftl_symbols_free(symbols);
    return status;
}

static ftl_status read_vocabulary(ftl_file *f, ftl_block *text, ftl_symbols **out)
{
    json_error_t error;
    FTL_TRY(ftl_file_read_all(f, VOCABULARY_LIMIT, text));
    FTL_TRY(ftl_file_check_memory(f, (uint64_t)text->len * TREE_RATIO));
    json_t *root = json_loadb((const char *)text->data, text->len, JSON_REJECT_DUPLICATES, &error);
    if (!root && json_error_code(&error) == json_error_out_of_memory)
        return ftl_file_no_memory(f, text->len);
    if (!root)
        return ftl_file_fail_line(f, error.line > 0 ? (uint64_t)error.line : 1, "%s", error.text);
    ftl_status status = make_symbols(f, root, out);
    json_decref(root);
    return status;
}

/* That there is no vocabulary yet is no error. */
static ftl_status forget_message(ftl_io_error *error)
{
    error->message[0] = '\0';
    return FTL_OK;
}

ftl_status ftl_vocabulary_read(const char *path, const ftl_read_options *options,
                               ftl_io_error *error, ftl_symbols **out)
{
    ftl_file f;
    ftl_status status = ftl_file_open(&f, path, options, error);
    if (status != FTL_OK)
        return f.is_missing ? forget_message(error) : status;
    ftl_block text = {.file = &f};
    status = read_vocabulary(&f, &text, out);
    ftl_block_free(&text);
    ftl_file_close(&f);
    return status;
}

static ftl_status write_json_text(ftl_sink *s, const char *text)
{
    FTL_TRY(ftl_sink_puts(s, "\""));
    for (const char *c = text; *c; c++) {
        char escape[8];
        int n = *c == '"' || *c == '\\'  ? snprintf(escape, sizeof(escape), "\\%c", *c)
              : (unsigned char)*c < 0x20 ? snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)*c)
                                         : snprintf(escape, sizeof(escape), "%c", *c);
        FTL_TRY(ftl_sink_write(s, escape, (size_t)n));
    }
    return ftl_sink_puts(s, "\"");
}

static ftl_status write_items(ftl_sink *s, const ftl_symbols *symbols)
{
    char index[48];
    FTL_TRY(ftl_sink_puts(s, "{\"version\": 1, \"items\": ["));
    for (int64_t i = 0; i < ftl_symbols_get_count(symbols); i++) {
        FTL_TRY(ftl_sink_puts(s, i > 0 ? ", {\"token\": " : "{\"token\": "));
        FTL_TRY(write_json_text(s, ftl_symbols_get(symbols, i)));
        snprintf(index, sizeof(index), ", \"index\": %lld}", (long long)i);
        FTL_TRY(ftl_sink_puts(s, index));
    }
    return ftl_sink_puts(s, "]}\n");
}

/* Whether one of the two begins with the other. */
static bool is_same_so_far(const ftl_symbols *symbols, const ftl_symbols *file)
{
    int64_t n = ftl_symbols_get_count(symbols), m = ftl_symbols_get_count(file);
    for (int64_t i = 0; i < n && i < m; i++)
        if (strcmp(ftl_symbols_get(symbols, i), ftl_symbols_get(file, i)) != 0)
            return false;
    return true;
}

static ftl_status write_vocabulary(const char *path, const ftl_symbols *symbols,
                                   const ftl_write_options *options, ftl_io_error *error)
{
    ftl_sink s;
    FTL_TRY(ftl_sink_open(&s, path, options, error));
    return ftl_sink_close(&s, write_items(&s, symbols));
}

ftl_status ftl_io_write_vocabulary(const char *path, const ftl_symbols *symbols,
                                   const ftl_write_options *options, ftl_io_error *error)
{
    ftl_read_options reading = {.alloc = options->alloc, .hook = options->hook};
    ftl_symbols *file = NULL;
    FTL_TRY(ftl_vocabulary_read(path, &reading, error, &file));
    if (!file)
        return write_vocabulary(path, symbols, options, error);
    bool is_same = is_same_so_far(symbols, file);
    bool has_all = ftl_symbols_get_count(file) >= ftl_symbols_get_count(symbols);
    ftl_symbols_free(file);
    if (!is_same)
        return ftl_io_fail(error, path, "was changed by someone else in the meantime");
    return has_all ? FTL_OK : write_vocabulary(path, symbols, options, error);
}
