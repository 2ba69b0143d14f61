/* SPDX-License-Identifier: MIT */
/* `paactl run`: a plugin's verb, with this process's standard input and output. Keeps no copy of
 * either. */
#include "command.h"
#include "out.h"
#include "secret.h"
#include "session.h"

#include <errno.h>
#include <paa/paa.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct terminal {
    bool escapes; /* standard output is a terminal: no control bytes for it */
    bool has_failed;
    bool is_at_end;
    size_t line;      /* of standard input */
    char input[4096]; /* read(2) into here: stdio would keep a copy of a secret */
    size_t from;
    size_t to;
};

/* stdio's, for as long as the process lives; wiped when all of it was written. */
static char output[64 * 1024];

static void on_write(const char *data, size_t size, void *user)
{
    struct terminal *terminal = user;

    if (!out_lines(data, size, terminal->escapes))
        terminal->has_failed = true;
}

/* The next byte of standard input; -1: no more. */
static int next_byte(struct terminal *terminal)
{
    ssize_t size;

    if (terminal->from < terminal->to)
        return (unsigned char)terminal->input[terminal->from++];
    do
        size = read(STDIN_FILENO, terminal->input, sizeof terminal->input);
    while (size < 0 && errno == EINTR);
    if (size < 0) {
        complain("standard input cannot be read: %s", strerror(errno));
        terminal->has_failed = true;
    }
    if (size <= 0)
        return -1;
    terminal->from = 1;
    terminal->to = (size_t)size;
    return (unsigned char)terminal->input[0];
}

static int64_t on_read(char *ret_line, size_t size, void *user)
{
    struct terminal *terminal = user;
    size_t count = 0;
    int byte;

    if (terminal->is_at_end)
        return -1;
    terminal->line++;
    while ((byte = next_byte(terminal)) != -1 && byte != '\n') {
        if (count == size) { /* a cut line would be another key: stop rather than guess */
            complain("line %zu of standard input is longer than %zu bytes; nothing from there on "
                     "was used",
                     terminal->line, size);
            terminal->has_failed = true;
            terminal->is_at_end = true;
            return -1;
        }
        ret_line[count++] = (char)byte;
    }
    terminal->is_at_end = byte == -1;
    if (byte == -1 && count == 0)
        return -1;
    if (count > 0 && ret_line[count - 1] == '\r')
        count--;
    return (int64_t)count;
}

static int run_verb(struct session *session, const struct args *args, struct terminal *terminal)
{
    struct paa_command command;
    struct paa_error error = { "" };
    int status;

    paa_init(&command, sizeof command);
    command.flags = args->json ? PAA_COMMAND_JSON : 0;
    command.instance = args->rest.items[0];
    command.verb = args->rest.items[1];
    command.arguments = args->rest.items + 2;
    command.argument_count = args->rest.count - 2;
    command.write_fn = on_write;
    command.read_fn = on_read;
    command.user = terminal;
    status = paa_context_run(session->context, &command, &error);
    if (status != 0 && error.text[0] != '\0')
        complain("%s", error.text);
    return status;
}

int run_run(const struct args *args)
{
    struct session session = { .opens_browser = !args->no_browser };
    struct terminal terminal = { .escapes = isatty(STDOUT_FILENO) != 0 };
    int status;

    if (args->policy == NULL) {
        complain("run: -c FILE, the policy, is missing");
        return EXIT_USAGE;
    }
    if (!session_open(&session, args, args->policy, 0))
        return EXIT_USAGE;
    (void)setvbuf(stdout, output, _IOFBF, sizeof output);
    status = run_verb(&session, args, &terminal);
    session_close(&session);
    secret_wipe(terminal.input, sizeof terminal.input);
    terminal.has_failed = fflush(stdout) != 0 || terminal.has_failed;
    secret_wipe(output, sizeof output);
    if (terminal.has_failed) {
        complain("not all of it was done: input or output failed");
        return EXIT_USAGE;
    }
    return status;
}
