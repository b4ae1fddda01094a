/* SPDX-License-Identifier: Apache-2.0
 *
 * Diagnostics: errors and warnings about a program or its data, collected on a sink, never printed
 * here. A source table maps a place to file, line and column.
 */
#ifndef FTL_DIAG_H
#define FTL_DIAG_H

#include "base/base.h"

/* A place in a source. file 0 is "nowhere": such a message prints with the program's name and line
 * 1, column 1, or as `fuse: error:` when it is about an option of the run (E_OPTION, E_VERSION). */
typedef struct ftl_span {
    uint32_t file; /* 1 + index in the source table; 0 nowhere */
    uint32_t off;  /* byte offset of the first byte */
    uint32_t len;  /* bytes; 0 is a point */
} ftl_span;

typedef struct ftl_source {
    const char *name; /* as printed: the path as given by the user */
    const char *text; /* len bytes, then NUL */
    size_t len;
} ftl_source;

typedef enum ftl_severity {
    FTL_SEVERITY_ERROR,
    FTL_SEVERITY_WARNING,
    FTL_SEVERITY_NOTE
} ftl_severity;

/* diag.def: FTL_DIAG(E_NAME, number, "one line of documentation") */
typedef enum ftl_diag_code {
#define FTL_DIAG(name, number, doc) FTL_##name = number,
#include "base/diag.def"
#undef FTL_DIAG
    FTL_DIAG_CODE_END
} ftl_diag_code;

typedef struct ftl_diag {
    ftl_severity severity;
    ftl_diag_code code;
    ftl_span span;
    const char *message; /* lower case start, no full stop, names what was found and expected */
    ftl_span note_span;  /* second place, used when note is not null */
    const char *note;    /* "declared here" */
    const char *hint;    /* "did you mean 'Parent'?" or null */
} ftl_diag;

typedef struct ftl_diags {
    ftl_arena *arena;
    FTL_VEC(ftl_source) sources;
    FTL_VEC(ftl_diag *) list; /* in order of report */
    size_t errors, warnings;
} ftl_diags;

void ftl_diags_init(ftl_diags *diags, ftl_arena *arena);
/* Records a source (text borrowed for the arena's life) and gives its file number for spans. */
uint32_t ftl_diags_add_source(ftl_diags *diags, const char *name, const char *text, size_t len);
ftl_diag *ftl_diag_error(ftl_diags *diags, ftl_diag_code code, ftl_span span, const char *fmt, ...)
    FTL_PRINTF(4, 5);
ftl_diag *ftl_diag_warn(ftl_diags *diags, ftl_diag_code code, ftl_span span, const char *fmt, ...)
    FTL_PRINTF(4, 5);
/* Something to know that is neither: it is printed without a number. */
ftl_diag *ftl_diag_tell(ftl_diags *diags, ftl_diag_code code, ftl_span span, const char *fmt, ...)
    FTL_PRINTF(4, 5);
void ftl_diag_note(ftl_diags *diags, ftl_diag *d, ftl_span span, const char *fmt, ...)
    FTL_PRINTF(4, 5);
void ftl_diag_hint(ftl_diags *diags, ftl_diag *d, const char *fmt, ...) FTL_PRINTF(3, 4);
/* 1-based line and column (in bytes) of a span's start. */
void ftl_diags_locate(const ftl_diags *diags, ftl_span span, unsigned *line, unsigned *col);
/* Text for a person: `file:line:col: error: message [E0123]`, the line, a caret, note and hint.
 * The first line is the machine form. Sorted by place, duplicates dropped. Of a file's errors the
 * first 20 are shown, then their number; of its warnings likewise. */
void ftl_diags_render(const ftl_diags *diags, ftl_strbuf *out);
ftl_span ftl_span_join(ftl_span a, ftl_span b);

#endif
