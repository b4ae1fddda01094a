/* SPDX-License-Identifier: Apache-2.0
 *
 * A line on a terminal once the work has taken a second: the stage, a bar of the share of the
 * run's estimated work that is done, the time, the rounds of a loop. A thread of its own looks at
 * the watch five times a second, so that the work pays nothing for it.
 *
 *   running [###########...................]  37%  12 s  round 370 of 1000
 */
#include "cli.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { FIRST = 1000, EACH = 200 /* milliseconds */, BAR = 30, LINE = 200 };

struct cli_progress {
    ftl_watch *watch;
    pthread_t thread;
    pthread_mutex_t lock; /* of what is below */
    pthread_cond_t changed;
    bool is_over, is_drawn;
    int run, runs; /* 0: not counted */
};

/* ---- the line ---- */

static size_t get_columns(void)
{
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : 80;
}

__attribute__((format(printf, 2, 3))) static void append(char *line, const char *format, ...)
{
    size_t n = strlen(line);
    va_list args;
    va_start(args, format);
    vsnprintf(line + n, LINE - n, format, args);
    va_end(args);
}

static void append_bar(char *line, double fraction)
{
    int full = (int)(fraction * BAR);
    append(line, " [%.*s%.*s] %3d%%", full, "##############################", BAR - full,
           "..............................", (int)(fraction * 100));
}

static void append_rounds(char *line, const ftl_progress *at)
{
    if (at->rounds > 0)
        append(line, "  round %lld of %s%lld", (long long)at->round,
               at->fraction < 0 ? "at most " : "", (long long)at->rounds);
    else if (at->round > 0)
        append(line, "  round %lld", (long long)at->round);
}

/* The line ends before the last column, where terminals would wrap it. */
static void put(const cli_progress *p, long seconds)
{
    char line[LINE] = "";
    ftl_progress at;
    size_t columns = get_columns();
    ftl_watch_get(p->watch, &at);
    bool runs = strcmp(at.stage, "running") == 0;
    append(line, "%s", at.stage[0] ? at.stage : "reading");
    if (p->runs > 1)
        append(line, " %d of %d", p->run, p->runs);
    if (runs && at.fraction > 0)
        append_bar(line, at.fraction);
    append(line, "  %ld s", seconds);
    if (runs)
        append_rounds(line, &at);
    if (strlen(line) >= columns)
        line[columns - 1] = '\0';
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
}

/* ---- the thread ---- */

static struct timespec add(struct timespec t, long ms)
{
    t.tv_nsec += ms % 1000 * 1000000;
    t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void *draw(void *user)
{
    cli_progress *p = user;
    struct timespec start, until;
    clock_gettime(CLOCK_MONOTONIC, &start);
    until = add(start, FIRST);
    pthread_mutex_lock(&p->lock);
    while (!p->is_over) {
        if (pthread_cond_timedwait(&p->changed, &p->lock, &until) == 0)
            continue;
        p->is_drawn = true;
        cli_signals_note_line(true);
        put(p, (long)(until.tv_sec - start.tv_sec));
        until = add(until, EACH);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static bool start_thread(cli_progress *p)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return pthread_create(&p->thread, NULL, draw, p) == 0;
}

cli_progress *cli_progress_start(ftl_watch *watch)
{
    const char *term = getenv("TERM");
    if (!isatty(STDERR_FILENO) || !term || strcmp(term, "dumb") == 0)
        return NULL;
    cli_progress *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->watch = watch;
    if (start_thread(p))
        return p;
    free(p);
    return NULL;
}

void cli_progress_count(cli_progress *p, int i, int n)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->run = i;
    p->runs = n;
    pthread_mutex_unlock(&p->lock);
}

void cli_progress_stop(cli_progress *p)
{
    if (!p || p->is_over)
        return;
    pthread_mutex_lock(&p->lock);
    p->is_over = true;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    if (p->is_drawn)
        fputs("\r\033[K", stderr);
    cli_signals_note_line(false);
}

void cli_progress_free(cli_progress *p)
{
    if (!p)
        return;
    cli_progress_stop(p);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
