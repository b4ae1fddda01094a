/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

/* A file must not get the number of a stream that is closed: what is printed would land in it. */
static void hold_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/", O_PATH);
}

int main(int argc, char **argv)
{
    cli_args args = {0};
    const command_row *command;
    hold_streams();
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
