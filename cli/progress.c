/* SPDX-License-Identifier: Apache-2.0
 *
 * A moving line on a terminal while a run takes longer than a second; nothing in a pipe.
 */
#include "cli.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct cli_progress {
    const char *what;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool is_over;
};

static void *draw(void *user)
{
    cli_progress *p = user;
    struct timespec start, until;
    bool drawn = false;
    clock_gettime(CLOCK_REALTIME, &start);
    until = start;
    until.tv_sec += 1;
    pthread_mutex_lock(&p->lock);
    while (!p->is_over) {
        if (pthread_cond_timedwait(&p->ended, &p->lock, &until) == 0)
            continue;
        long seconds = (long)(until.tv_sec - start.tv_sec);
        fprintf(stderr, "\r%c %s %ld s", "|/-\\"[seconds % 4], p -> what, seconds);
        fflush(stderr);
        drawn = true;
        until.tv_sec += 1;
    }
    pthread_mutex_unlock(&p->lock);
    if (drawn)
        fputs("\r\033[K", stderr);
    return NULL;
}

cli_progress *cli_progress_start(const char *what)
{
    if (!isatty(STDERR_FILENO))
        return NULL;
    cli_progress *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->what = what;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->ended, NULL);
    if (pthread_create(&p->thread, NULL, draw, p) == 0)
        return p;
    free(p);
    return NULL;
}

void cli_progress_stop(cli_progress *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->is_over = true;
    pthread_cond_signal(&p->ended);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    pthread_cond_destroy(&p->ended);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
