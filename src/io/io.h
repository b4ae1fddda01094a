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

/* By the extension, whatever its case. */
typedef enum ftl_format {
    FTL_FORMAT_UNKNOWN,
    FTL_FORMAT_NPY,
    FTL_FORMAT_NPZ,
    FTL_FORMAT_SAFETENSORS,
    FTL_FORMAT_JSON,
    FTL_FORMAT_JSONL,
    FTL_FORMAT_CSV,
    FTL_FORMAT_TSV,
    FTL_FORMAT_TEXT /* .txt, .md */
} ftl_format;

/* Called before each system call on a file, so that it can be made to fail or come short. `call`
 * is open, stat, read, map, write, sync, rename or mkdir. Returns 0, or the errno to fail with;
 * may lower *size, the bytes of a read or write. */
typedef struct ftl_io_hook {
    void *user;
    int (*before)(void *user, const char *call, size_t *size);
} ftl_io_hook;

typedef struct ftl_read_options {
    const ftl_allocator *alloc; /* null: the default */
    bool strict;                /* refuse what would copy: compressed members, conversions */
    size_t mmap_npz_from;       /* archives from this many bytes map stored members; 0: 64 MiB */
    size_t memory_limit;        /* bytes that one file may take in memory; 0: 16 GiB, at
                                 * most 4/5 of the machine's */
    const char *const *axes;    /* names of a relation's places, for header lines; or null */
    const ftl_symbols *words;   /* of a text: takes the place of its vocabulary file; or null */
    const ftl_io_hook *hook;    /* or null */
} ftl_read_options;

ftl_format ftl_io_find_format(const char *path);
/* A path with an optional member: "file.npz#key". Splits at the last '#' that has a known
 * extension before it. Both parts are copied into the arena; *member is null without one. */
ftl_format ftl_io_split_path(ftl_arena *arena, const char *path, const char **file,
                             const char **member);

/* Where a tensor comes from. `member` picks from archives, with or without ".npy"; null: the
 * member called `name` if there is one, else the only one, else (npz) arr_0, else an error that
 * lists the members. */
typedef struct ftl_tensor_place {
    const char *file;
    const char *member; /* or null */
    const char *name;   /* of the tensor in the program, or null */
} ftl_tensor_place;

/* One tensor of a .npy, .npz, .safetensors or .json file (nested lists of numbers, or a number).
 * It has the file's element type; u2, u4 and u8 become i32, i64 and i64. Mapped tensors keep the
 * file's bytes, which need not be aligned; in mapped bools any byte but 0 means true. FTL_ERR_IO
 * or FTL_ERR_MEMORY with a message. options may be null. */
ftl_status ftl_io_read_tensor(const ftl_tensor_place *place, const ftl_read_options *options,
                              ftl_tensor **out, ftl_io_error *error);

/* A relation's file: how many places a tuple has, and whether a further column may hold its value.
 */
typedef struct ftl_table_form {
    uint32_t arity;
    bool allow_values;
} ftl_table_form;

/* Tuples of a .csv or .tsv file. Columns whose entries all are integers from 0 are positions,
 * those where no entry is an integer are text; a mixture or a negative position is an error with
 * its line. A header line is known by the rules of docs/files.md. Blank lines are skipped, fields
 * may be quoted as in RFC 4180. Memory follows the tuples. Messages say "file:LINE: ...". */
ftl_status ftl_io_read_tuples(const char *file, ftl_table_form form,
                              const ftl_read_options *options, ftl_tuples **out,
                              ftl_io_error *error);
/* The token relation of a .txt or .md file: a tuple for each word (column 0 its position, column 1
 * its number). Numbered are the words that options->words has, else those of the vocabulary beside
 * the text (<stem>.vocab.json) when there is one, and then unseen words as they are met. Words are
 * what stands between white space. Nothing is written. */
ftl_status ftl_io_read_text(const char *file, const ftl_read_options *options, ftl_tuples **out,
                            ftl_io_error *error);
/* The path of the vocabulary beside a text, in the arena. */
const char *ftl_io_find_vocabulary(ftl_arena *arena, const char *file);
/* Lines of a file as symbols (domain Town = "towns.txt"): trimmed, blank and repeated lines
 * skipped. */
ftl_status ftl_io_read_symbols(const char *file, const ftl_read_options *options, ftl_symbols **out,
                               ftl_io_error *error);
/* The bytes of a file: len of them, then a NUL. */
typedef struct ftl_io_bytes {
    char *data;
    size_t len;
    const ftl_allocator *alloc;
} ftl_io_bytes;
/* The whole file; one of more than memory_limit bytes is refused. */
ftl_status ftl_io_read_bytes(const char *path, const ftl_read_options *options, ftl_io_bytes *out,
                             ftl_io_error *error);
void ftl_io_bytes_free(ftl_io_bytes *bytes);

/* ---- writing ---- */

/* Files of one set. A writer whose options name a batch leaves the finished file under a temporary
 * name; commit gives all of them their names, one after the other, in the order written, and when
 * that fails takes them back. So a failure to compute or to write leaves every older file as it
 * was. Each file is whole at any time, but a crash in the middle of commit leaves some new and some
 * old, and so does a failed rename on a file system that cannot exchange names. free removes what
 * was not committed. Paths and options must live until the batch ends. */
typedef struct ftl_io_batch ftl_io_batch;
ftl_status ftl_io_batch_new(const ftl_allocator *alloc, ftl_io_batch **out);
ftl_status ftl_io_batch_commit(ftl_io_batch *batch, ftl_io_error *error);
void ftl_io_batch_free(ftl_io_batch *batch); /* null is fine */

typedef struct ftl_write_options {
    const ftl_allocator *alloc;        /* null: the default */
    ftl_io_batch *batch;               /* null: the file appears at once */
    const char *output_root;           /* the path is below it, or refused; null: anywhere */
    const ftl_symbols *const *symbols; /* per axis, entries may be null; or null */
    bool is_relation;                  /* tuples without a value column */
    const ftl_io_hook *hook;           /* or null */
} ftl_write_options;

/* Resolves `path` against output_root (links followed, missing folders allowed) and refuses what
 * leaves it. *out is an absolute path in the arena. FTL_ERR_USAGE with a message when refused. */
ftl_status ftl_io_resolve_sink(ftl_arena *arena, const char *output_root, const char *path,
                               const char **out, ftl_io_error *error);
/* Whether write_tensor could write that file now: its extension is one that is written, the path
 * stays below output_root (FTL_ERR_USAGE if not), the nearest folder that exists and an older file
 * may be written. Nothing is made. */
ftl_status ftl_io_probe_sink(const char *output_root, const char *path, ftl_io_error *error);
/* Writes a tensor by the extension of `path`: .npy, .npz (member arr_0), .json, .jsonl, .csv,
 * .tsv. Makes missing folders. In a table: the places of the non-zeros, symbols printed where they
 * are known, and the value unless is_relation. bf16 becomes f32 in .npy and .npz. All or nothing:
 * on failure an older file stays. FTL_ERR_USAGE when the path leaves output_root. options may be
 * null. */
ftl_status ftl_io_write_tensor(const char *path, const ftl_tensor *t,
                               const ftl_write_options *options, ftl_io_error *error);
/* A named tensor, for archives. */
typedef struct ftl_named_tensor {
    const char *name;
    const ftl_tensor *t;
} ftl_named_tensor;
/* Tensors as members NAME.npy of one .npz. */
ftl_status ftl_io_write_archive(const char *path, const ftl_named_tensor *list, size_t n,
                                const ftl_write_options *options, ftl_io_error *error);
/* fuse.topk as .jsonl: a line for each row after the schema line. indices and values have equal
 * shapes (rows..., k). */
ftl_status ftl_io_write_topk(const char *path, const ftl_tensor *indices, const ftl_tensor *values,
                             const ftl_write_options *options, ftl_io_error *error);
/* Makes or completes the vocabulary at path with the words that a text was read with. Nothing is
 * written when it has all of them; an error when it numbers them in another way by now. options
 * must not be null. */
ftl_status ftl_io_write_vocabulary(const char *path, const ftl_symbols *words,
                                   const ftl_write_options *options, ftl_io_error *error);
/* Any bytes, all or nothing, whatever the extension. */
ftl_status ftl_io_write_bytes(const char *path, const void *data, size_t len,
                              const ftl_write_options *options, ftl_io_error *error);

#endif
