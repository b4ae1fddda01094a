/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets of files: each is finished under a temporary name, then they exchange names with the older
 * files one by one, which are removed when all are done and get their names back when one fails.
 * Files of one folder in a row share its descriptor, so that a thousand of them do not use them up.
 */
#include "io/sink.h"

#include <unistd.h>

typedef struct parked {
    struct parked *next;
    ftl_sink sink;
} parked;

struct ftl_io_batch {
    const ftl_allocator *alloc;
    parked *first, *last;
};

ftl_status ftl_io_batch_new(const ftl_allocator *alloc, ftl_io_batch **out)
{
    alloc = alloc ? alloc : ftl_allocator_get_default();
    ftl_io_batch *b = ftl_mem_alloc(alloc, sizeof(*b));
    if (!b)
        return FTL_ERR_MEMORY;
    *b = (ftl_io_batch){.alloc = alloc};
    *out = b;
    return FTL_OK;
}

static bool is_in_folder_of(const ftl_sink *a, const ftl_sink *b)
{
    size_t n = (size_t)(strrchr(a->path.text, '/') - a->path.text);
    return strncmp(a->path.text, b->path.text, n + 1) == 0 && !strchr(b->path.text + n + 1, '/');
}

ftl_status ftl_batch_park(ftl_io_batch *b, const ftl_sink *s)
{
    parked *p = ftl_mem_alloc(b->alloc, sizeof(*p));
    if (!p)
        return ftl_sink_fail((ftl_sink *)s, "no memory"), FTL_ERR_MEMORY;
    *p = (parked){.sink = *s};
    p->sink.buffer = NULL;
    if (b->last && is_in_folder_of(&b->last->sink, s)) {
        close(p->sink.folder);
        p->sink.folder = b->last->sink.folder;
        p->sink.shares_folder = true;
    }
    *(b->last ? &b->last->next : &b->first) = p;
    b->last = p;
    return FTL_OK;
}

ftl_status ftl_io_batch_commit(ftl_io_batch *b, ftl_io_error *error)
{
    for (parked *p = b->first; p; p = p->next) {
        p->sink.error = error;
        FTL_TRY(ftl_sink_swap(&p->sink));
    }
    for (parked *p = b->first; p; p = p->next)
        if (!p->sink.shares_folder)
            FTL_TRY(ftl_sink_sync_folder(&p->sink));
    for (parked *p = b->first; p; p = p->next)
        ftl_sink_keep(&p->sink);
    return FTL_OK;
}

/* The newest first: a folder that was made for a file goes after the files that came into it
 * later. */
static parked *reverse(parked *p)
{
    parked *done = NULL;
    while (p) {
        parked *next = p->next;
        p->next = done;
        done = p;
        p = next;
    }
    return done;
}

void ftl_io_batch_free(ftl_io_batch *b)
{
    if (!b)
        return;
    const ftl_allocator *alloc = b->alloc;
    for (parked *p = reverse(b->first), *next; p; p = next) {
        next = p->next;
        ftl_sink_undo(&p->sink);
        if (!p->sink.shares_folder)
            close(p->sink.folder);
        ftl_mem_free(alloc, p, sizeof(*p));
    }
    ftl_mem_free(alloc, b, sizeof(*b));
}
