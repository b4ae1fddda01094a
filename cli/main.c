/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* A file must not get the number of a stream that is closed: what is printed would land in it. */
static void hold_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/", O_PATH);
}

/* Pages of a mapped file can go while they are in use. Other causes end the process as ever. */
static void report_lost_pages(int number, siginfo_t *info, void *context)
{
    static const char text[] = CLI_NAME ": error: a file that was being read has become shorter, "
                                        "or its disk cannot be read any more\n";
    (void)context;
    if (info->si_code == BUS_ADRERR && write(STDERR_FILENO, text, sizeof text - 1) > 0)
        _exit(EXIT_PROGRAM);
    signal(number, SIG_DFL);
    raise(number);
}

int main(int argc, char **argv)
{
    cli_args args = {0};
    const command_row *command;
    struct sigaction lost = {.sa_sigaction = report_lost_pages, .sa_flags = SA_SIGINFO};
    hold_streams();
    sigaction(SIGBUS, &lost, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a file beyond the limit is an error of its write */
    signal(SIGPIPE, SIG_DFL); /* a reader that has seen enough ends the program in silence */
    int status = cli_parse(&args, argc, argv, &command);
    if (command)
        status = status ? status : command->run(&args);
    cli_free(&args);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cli_fail(CLI_NAME, "cannot write to the standard output");
        status = status ? status : EXIT_PROGRAM;
    }
    return status;
}
