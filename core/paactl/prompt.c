/* SPDX-License-Identifier: MIT */
/* prompt.h. The browser is xdg-open's choice; no shell is asked, and what it prints is nobody's. */
#include "prompt.h"

#include "buf.h"
#include "json.h"
#include "qr.h"
#include "str.h"
#include "terminal.h"

#include <fcntl.h>
#include <langinfo.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHOWN_MAX = 256 * 1024 };

extern char **environ;

/* ---- the browser -------------------------------------------------------------------------------- */

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0';
}

/* Nobody may be there to see it, and a browser in the terminal would take that away. */
static bool has_browser(void)
{
    return isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0 &&
           (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY"));
}

static bool is_page(const char *url)
{
    return strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
}

static bool start(char *const argv[])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t child;
    bool is_started;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return false;
    }
    is_started =
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID) == 0 &&
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
        posix_spawnp(&child, argv[0], &actions, &attributes, argv, environ) == 0;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return is_started;
}

static bool open_browser(struct paa_str url)
{
    char program[] = "xdg-open";
    char *text = strndup(url.data, url.size);
    char *argv[] = { program, text, NULL };
    bool is_started = text != NULL && strlen(text) == url.size && is_page(text) && start(argv);

    free(text);
    return is_started;
}

/* ---- the terminal ------------------------------------------------------------------------------- */

static bool shows_codes(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) != 0 && strcmp(nl_langinfo(CODESET), "UTF-8") == 0 &&
           term != NULL && strcmp(term, "dumb") != 0;
}

static void add_line(struct buf *buf, const char *before, struct paa_str text)
{
    if (text.data == NULL)
        return;
    buf_add_text(buf, before);
    text_escape(buf, text);
    buf_add_char(buf, '\n');
}

static void add_page(struct buf *buf, const struct paa_prompt *prompt, bool is_opened)
{
    add_line(buf, "\n  ", prompt->url);
    add_line(buf, "\n  code: ", prompt->code);
    if (prompt->code.data != NULL && shows_codes())
        qr_add(buf, prompt->url);
    buf_add_text(buf, is_opened ? "\nYour browser opens it. Waiting.\n" : "\nWaiting.\n");
}

static void show(const struct paa_prompt *prompt, bool opens)
{
    struct buf buf;

    buf_init(&buf, SHOWN_MAX);
    add_line(&buf, "", prompt->text);
    if (prompt->kind == PAA_PROMPT_OPEN)
        add_page(&buf, prompt, opens && has_browser() && open_browser(prompt->url));
    if (!buf.failed)
        (void)fwrite(buf.data != NULL ? buf.data : "", 1, buf.size, stderr);
    (void)fflush(stderr);
    buf_free(&buf);
}

int64_t prompt_answer(const struct paa_prompt *prompt, bool opens, char *ret_reply, size_t size)
{
    switch (prompt->kind) {
    case PAA_PROMPT_TEXT:
    case PAA_PROMPT_SECRET:
        return terminal_ask(prompt->text, prompt->kind == PAA_PROMPT_SECRET, ret_reply, size);
    case PAA_PROMPT_OPEN:
        if (prompt->url.data == NULL)
            return -1;
        break;
    case PAA_PROMPT_INFO:
    case PAA_PROMPT_ERROR:
        break;
    default:
        return -1;
    }
    show(prompt, opens);
    return 0;
}
