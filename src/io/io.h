/* SPDX-License-Identifier: Apache-2.0
 *
 * io: files in, files out. Readers give tensors (mapped where the format allows) or tuples; every
 * header is hostile until checked. Writers are atomic: temporary file in the same folder, synced,
 * renamed. Messages name the file as the user wrote it.
 */
#ifndef FTL_IO_IO_H
#define FTL_IO_IO_H

#include "data/tensor.h"

typedef struct ftl_io_error {
    char message[512]; /* "w.npy: the header says 12 bytes more than the file has" */
} ftl_io_error;

typedef enum ftl_format {
    FTL_FORMAT_UNKNOWN, FTL_FORMAT_NPY, FTL_FORMAT_NPZ, FTL_FORMAT_SAFETENSORS, FTL_FORMAT_JSON,
    FTL_FORMAT_JSONL, FTL_FORMAT_CSV, FTL_FORMAT_TSV, FTL_FORMAT_TEXT
} ftl_format;

typedef struct ftl_read_options {
    const ftl_allocator *alloc;
    bool strict;            /* refuse anything that would copy: compressed members, conversions */
    size_t mmap_npz_from;   /* archives of at least this many bytes map stored members; 0: 64 MiB */
    size_t memory_limit;    /* refuse to allocate more than this many bytes for one file; 0: 16 GiB */
} ftl_read_options;

/* A path with an optional member: "file.npz#key". Splits at the last '#' when the part before it has a known
 * extension. Both parts are copied into the arena; *member is null without one. */
ftl_format ftl_io_split_path(ftl_arena *arena, const char *path, const char **file, const char **member);

/* One tensor: .npy, .npz, .safetensors, .json (nested lists of numbers, or a number). `member` picks from archives;
 * null: the member named `name` if there is one (with or without .npy), else the only one, else (npz) arr_0, else an error that
 * lists members. FTL_ERR_IO with a message. */
ftl_status ftl_io_read_tensor(const char *file, const char *member, const char *name,
                              const ftl_read_options *options, ftl_tensor **out, ftl_io_error *error);
/* Tuples of .csv/.tsv. arity: index places expected; a further numeric column gives values when allow_values.
 * A header line is optional (see docs). Columns whose entries all are integers >= 0 are positions; columns where no
 * entry is an integer are text; a mixture is an error with its line; negative positions are errors.
 * Blank lines are skipped; quotes as in RFC 4180 for csv. Streams: memory follows the tuples, not the
 * longest line. Errors say `file:LINE: ...` in the message. */
ftl_status ftl_io_read_tuples(const char *file, uint32_t arity, bool allow_values,
                              const ftl_read_options *options, ftl_tuples **out, ftl_io_error *error);
/* Token relation of .txt/.md: one row per token (column 0 position, column 1 word number). The vocabulary beside it
 * (<stem>.vocab.json) is used when there; unseen words are added to it and it is rewritten; it is created when absent. Tokens are
 * what stands between white space (see docs). */
ftl_status ftl_io_read_text(const char *file, const ftl_read_options *options, ftl_tuples **out,
                            ftl_io_error *error);
/* Lines of a file as symbols (domain Town = "towns.txt"): trimmed, blank lines skipped. */
ftl_status ftl_io_read_symbols(const char *file, const ftl_read_options *options, ftl_symbols **out,
                               ftl_io_error *error);

/* ---- writing ---- */
typedef struct ftl_write_options {
    const ftl_allocator *alloc;
    const char *name;                 /* tensor name, for schema lines */
    const ftl_symbols *const *symbols;/* per axis, entries may be null; or null */
    bool is_relation;
} ftl_write_options;

/* Resolves `path` against output_root (symlinks followed, missing folders allowed) and refuses what leaves it. *out is an
 * absolute path in the arena. FTL_ERR_USAGE with a message when refused. */
ftl_status ftl_io_resolve_sink(ftl_arena *arena, const char *output_root, const char *path, const char **out,
                               ftl_io_error *error);
/* Writes a tensor by the extension of `path`: .npy .npz (member arr_0) .json .jsonl .csv .tsv. Makes missing folders. For csv/tsv:
 * the index tuples of the non-zeros, symbols printed where known, a value column unless is_relation. */
ftl_status ftl_io_write_tensor(const char *path, const ftl_tensor *t, const ftl_write_options *options,
                               ftl_io_error *error);
/* fuse.topk: one JSON line a row after the schema line: {"indices":[...],"values":[...]} as the corpus shows. indices and values
 * have equal shapes (rows..., k). */
ftl_status ftl_io_write_topk(const char *path, const ftl_tensor *indices, const ftl_tensor *values,
                             const ftl_write_options *options, ftl_io_error *error);
/* Any bytes, atomically. */
ftl_status ftl_io_write_bytes(const char *path, const void *data, size_t len, ftl_io_error *error);
/* The whole file, NUL-terminated (len excludes it). Refuses more than limit bytes. */
ftl_status ftl_io_read_bytes(const ftl_allocator *alloc, const char *path, size_t limit, char **out,
                             size_t *len, ftl_io_error *error);

#endif
