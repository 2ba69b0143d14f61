/* SPDX-License-Identifier: MIT */
/*
 * terminal.h. While a line is typed unseen, signals that end or stop the process are held back until the terminal is as
 * it was; then the process gets them. They are let in only where it waits, so that none comes unnoticed before that.
 */
#include "terminal.h"

#include "buf.h"
#include "json.h"
#include "out.h"
#include "secret.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { TEXT_MAX = 4096 };

static volatile sig_atomic_t caught; /* the first one; 0: none */

struct asking {
    int tty;
    struct termios before;
    struct sigaction actions[NSIG]; /* of those that are held, as they were */
    sigset_t mask;                  /* as it was */
    bool hides;
};

static void on_signal(int number)
{
    if (caught == 0)
        caught = number;
}

/* ---- before and after ---------------------------------------------------------------------------- */

/* Whatever ends the process or, as ^Z, stops it; but not a fault of its own, which cannot wait, nor what is for those who
 * read in the background. */
static bool is_held(int number)
{
    switch (number) {
    case SIGKILL:
    case SIGSTOP:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGSEGV:
    case SIGSYS:
    case SIGTRAP:
    case SIGCHLD:
    case SIGCONT:
    case SIGTTIN:
    case SIGTTOU:
    case SIGURG:
    case SIGWINCH:
        return false;
    default:
        return true;
    }
}

/* One that is ignored, or has a handler, stays so. */
static void hold_signals(struct asking *asking)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigset_t held;

    (void)sigemptyset(&held);
    (void)sigemptyset(&action.sa_mask);
    for (int i = 1; i < NSIG; i++)
        if (is_held(i))
            (void)sigaddset(&held, i); /* libc's own are refused */
    (void)pthread_sigmask(SIG_BLOCK, &held, &asking->mask);
    for (int i = 1; i < NSIG; i++)
        if (is_held(i) && sigaction(i, NULL, &asking->actions[i]) == 0 &&
            asking->actions[i].sa_handler == SIG_DFL)
            (void)sigaction(i, &action, NULL);
}

/* Those that are still held come now, and find what they would have found. */
static void release_signals(const struct asking *asking)
{
    for (int i = 1; i < NSIG; i++)
        if (is_held(i))
            (void)sigaction(i, &asking->actions[i], NULL);
    (void)pthread_sigmask(SIG_SETMASK, &asking->mask, NULL);
}

/* What was typed before the question is no answer to it. */
static bool set_terminal(struct asking *asking)
{
    struct termios now;

    if (tcgetattr(asking->tty, &asking->before) != 0)
        return false;
    now = asking->before;
    now.c_lflag |= (tcflag_t)(ICANON | ISIG | ECHO);
    now.c_iflag |= (tcflag_t)ICRNL;
    if (asking->hides)
        now.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    return tcsetattr(asking->tty, TCSAFLUSH, &now) == 0;
}

static void reset_terminal(const struct asking *asking)
{
    (void)tcsetattr(asking->tty, TCSAFLUSH, &asking->before);
}

/* ---- the line ------------------------------------------------------------------------------------ */

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);

        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            data += written;
            size -= (size_t)written;
        }
    }
    return true;
}

/* It may come from a server: no control byte of it reaches the terminal. */
static bool show(const struct asking *asking, struct paa_str text)
{
    struct buf buf;
    bool is_shown;

    buf_init(&buf, TEXT_MAX);
    text_escape(&buf, text);
    is_shown = !buf.failed && write_all(asking->tty, buf.data != NULL ? buf.data : "", buf.size);
    buf_free(&buf);
    return is_shown;
}

/* 1, or 0: the end; -1: a signal came, or the terminal has gone. */
static int next_byte(const struct asking *asking, char *ret_byte)
{
    struct pollfd ready = { asking->tty, POLLIN, 0 };
    int count;

    do
        count = ppoll(&ready, 1, NULL, &asking->mask);
    while (count < 0 && errno == EINTR && caught == 0);
    return count == 1 ? (int)read(asking->tty, ret_byte, 1) : -1;
}

static int64_t read_line(const struct asking *asking, char *ret_line, size_t size)
{
    size_t count = 0;
    char byte = '\0';
    int got;

    while ((got = next_byte(asking, &byte)) == 1 && byte != '\n') {
        if (count == size) {
            complain("what was typed is longer than %zu bytes, and was not used", size);
            return -1;
        }
        ret_line[count++] = byte;
    }
    secret_wipe(&byte, sizeof byte);
    return got == 1 || (got == 0 && count > 0) ? (int64_t)count : -1;
}

/* ---- asking -------------------------------------------------------------------------------------- */

/* Who reads in the background would be stopped, and who sets the terminal spoils it for whoever has it. */
static bool is_in_front(int tty)
{
    if (tcgetpgrp(tty) != getpgrp())
        (void)raise(SIGTTIN); /* until somebody brings it to the front */
    return tcgetpgrp(tty) == getpgrp();
}

static int64_t ask_once(struct asking *asking, struct paa_str text, char *ret_line, size_t size)
{
    int64_t count = -1;

    if (!is_in_front(asking->tty)) {
        complain("nobody can be asked \"%.*s\" in the background", STR_ARGS(str_trim(text)));
        return -1;
    }
    hold_signals(asking);
    if (set_terminal(asking)) {
        if (show(asking, text))
            count = read_line(asking, ret_line, size);
        if (asking->hides || count < 0)
            (void)write_all(asking->tty, "\n", 1);
        reset_terminal(asking);
    }
    release_signals(asking);
    return count;
}

int64_t terminal_ask(struct paa_str text, bool hides, char *ret_line, size_t size)
{
    struct asking asking = { .tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC),
                             .hides = hides };
    int64_t count;
    int number;

    if (asking.tty < 0) {
        complain("nobody can be asked \"%.*s\": there is no terminal", STR_ARGS(str_trim(text)));
        return -1;
    }
    do {
        caught = 0;
        count = ask_once(&asking, text, ret_line, size);
        number = caught;
        if (number != 0)
            (void)raise(number);
    } while (number == SIGTSTP); /* it was stopped, and goes on: once more */
    close(asking.tty);
    if (count < 0 || number != 0)
        secret_wipe(ret_line, size);
    return number != 0 ? -1 : count;
}
