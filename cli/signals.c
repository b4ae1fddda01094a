/* SPDX-License-Identifier: Apache-2.0
 *
 * What ends the program from outside. Temporary files exist only while the library writes; the
 * watch tells whether it does, and has it stop.
 */
#include "cli.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

/* A handler has no other way to them. */
static ftl_watch *volatile watched;
static volatile sig_atomic_t caught, has_line;

/* The signal itself ends the program, so that who started it sees which one. */
static void end(int number)
{
    if (has_line)
        (void)!write(STDERR_FILENO, "\r\033[K", 4);
    signal(number, SIG_DFL);
    raise(number);
}

static void on_signal(int number)
{
    bool again = caught != 0;
    caught = number;
    if (again || !ftl_watch_interrupt(watched))
        end(number);
}

void cli_signals_catch(ftl_watch *watch)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, old;
    watched = watch;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
}

void cli_signals_note_line(bool is_drawn)
{
    has_line = is_drawn;
}

void cli_signals_release(void)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction old;
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler == on_signal)
            signal(numbers[i], SIG_DFL);
    }
    watched = NULL;
    if (caught)
        end(caught);
}
