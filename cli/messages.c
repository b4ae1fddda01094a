/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages on the standard error: as they are in a pipe, coloured on a terminal unless NO_COLOR is
 * set (no-color.org).
 */
#include "cli.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BOLD "\033[1m"
#define GREEN "\033[32m"
#define CYAN "\033[36m"
#define PLAIN "\033[0m"

static bool is_coloured(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDERR_FILENO) && !(no && no[0]) && term && term[0] && strcmp(term, "dumb") != 0;
}

/* `place: error: text`: the place is bold, the severity has its colour. */
static bool put_head(const char *line, int len)
{
    static const struct {
        const char *mark, *colour;
    } severities[] = {{": error: ", "\033[1;31m"}, {": warning: ", "\033[1;35m"},
                      {": note: ", "\033[1;36m"}};
    for (size_t i = 0; i < sizeof(severities) / sizeof(severities[0]); i++) {
        const char *mark = severities[i].mark;
        const char *at = memmem(line, (size_t)len, mark, strlen(mark));
        if (!at)
            continue;
        const char *word = at + 2, *rest = at + strlen(mark) - 1;
        fprintf(stderr, BOLD "%.*s:" PLAIN " %s%.*s" PLAIN "%.*s", (int)(at - line), line,
                severities[i].colour, (int)(rest - word), word, len - (int)(rest - line), rest);
        return true;
    }
    return false;
}

/* A line of the program, behind a bar, with carets below it. */
static bool is_caret(const char *line, int len)
{
    const char *bar = memchr(line, '|', (size_t)len);
    if (!bar || (int)strspn(line, " ") < bar - line)
        return false;
    return (int)strspn(bar + 1, " ^~") == len - (int)(bar - line) - 1;
}

static void put_line(const char *line, int len)
{
    if (put_head(line, len))
        return;
    if (is_caret(line, len))
        fprintf(stderr, GREEN "%.*s" PLAIN, len, line);
    else if (len >= 5 && strncmp(line, "hint:", 5) == 0)
        fprintf(stderr, CYAN "hint:" PLAIN "%.*s", len - 5, line + 5);
    else
        fprintf(stderr, "%.*s", len, line);
}

void cli_put_messages(const char *text)
{
    if (!is_coloured()) {
        fputs(text, stderr);
        return;
    }
    while (*text) {
        size_t len = strcspn(text, "\n");
        put_line(text, (int)len);
        text += len;
        if (*text)
            fputc(*text++, stderr);
    }
}

void cli_fail(const char *place, const char *format, ...)
{
    va_list args;
    char *text = NULL, *whole = NULL;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0 || asprintf(&whole, "%s: error: %s\n", place, text) < 0)
        whole = NULL;
    cli_put_messages(whole ? whole : "fuse: error: no memory\n");
    free(n < 0 ? NULL : text);
    free(whole);
}

void cli_fail_file(const char *file, const char *text)
{
    char place[PATH_MAX + 8];
    snprintf(place, sizeof(place), "%s:1:1", file);
    cli_fail(place, "%s", text);
}
