/* SPDX-License-Identifier: MIT */
/*
 * A person at a terminal: a program runs as the job of a shell, in a pseudo-terminal of its own, and the test types when
 * it has read what it waits for. Nothing here depends on time.
 */
#ifndef TESTS_TERMINAL_H
#define TESTS_TERMINAL_H

#include "fork.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

enum { TERMINAL_TEXT_MAX = 64 * 1024 };

struct terminal {
    int master;
    pid_t shell;
    pid_t job;                    /* the program */
    int statuses;                 /* of the job, as waitpid tells them: int by int */
    char text[TERMINAL_TEXT_MAX]; /* all that was written to it */
    size_t size;
    size_t seen; /* of text, by terminal_await */
};

/* The job gets the terminal, and as its standard input and output nothing of it. */
static inline void terminal_run_job(const char *const *argv)
{
    const struct rlimit none_dumped = { 0, 0 };
    int none = open("/dev/null", O_RDONLY);

    (void)setrlimit(RLIMIT_CORE, &none_dumped);
    (void)setpgid(0, 0);
    (void)signal(SIGTTOU, SIG_IGN);
    (void)tcsetpgrp(STDERR_FILENO, getpid());
    (void)signal(SIGTTOU, SIG_DFL);
    (void)dup2(none, STDIN_FILENO);
    (void)execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* Tells of the job until it has ended. */
static inline void terminal_run_shell(int statuses, const char *const *argv)
{
    int status = 0;
    pid_t job = fork();

    if (job == 0)
        terminal_run_job(argv);
    if (write(statuses, &job, sizeof job) != (ssize_t)sizeof job)
        _exit(1);
    do
        if (waitpid(job, &status, WUNTRACED) != job ||
            write(statuses, &status, sizeof status) != (ssize_t)sizeof status)
            _exit(1);
    while (WIFSTOPPED(status));
    _exit(0);
}

/* Echo is on. */
static inline void terminal_begin(struct terminal *terminal, const char *const *argv)
{
    int statuses[2], slave;

    memset(terminal, 0, sizeof *terminal);
    if (openpty(&terminal->master, &slave, NULL, NULL, NULL) != 0 || pipe(statuses) != 0)
        abort();
    terminal->shell = calm_fork();
    if (terminal->shell == 0) {
        (void)close(terminal->master);
        (void)close(statuses[0]);
        (void)fcntl(statuses[1], F_SETFD, FD_CLOEXEC);
        if (login_tty(slave) != 0)
            _exit(1);
        terminal_run_shell(statuses[1], argv);
    }
    terminal->statuses = statuses[0];
    (void)close(statuses[1]);
    (void)close(slave);
    if (terminal->shell < 0 || read(terminal->statuses, &terminal->job, sizeof terminal->job) !=
                                   (ssize_t)sizeof terminal->job)
        abort();
}

/* False: the program has ended without writing it. */
static inline bool terminal_await(struct terminal *terminal, const char *text)
{
    const char *at;

    while ((at = strstr(terminal->text + terminal->seen, text)) == NULL) {
        ssize_t got = read(terminal->master, terminal->text + terminal->size,
                           sizeof terminal->text - 1 - terminal->size);

        if (got <= 0)
            return false;
        terminal->size += (size_t)got;
        terminal->text[terminal->size] = '\0';
    }
    terminal->seen = (size_t)(at - terminal->text) + strlen(text);
    return true;
}

static inline void terminal_type(const struct terminal *terminal, const char *text)
{
    if (write(terminal->master, text, strlen(text)) != (ssize_t)strlen(text))
        abort();
}

/* What the job has come to: it stopped, or ended. */
static inline int terminal_status(const struct terminal *terminal)
{
    int status = -1;

    if (read(terminal->statuses, &status, sizeof status) != (ssize_t)sizeof status)
        abort();
    return status;
}

static inline bool terminal_echoes(const struct terminal *terminal)
{
    struct termios now;

    if (tcgetattr(terminal->master, &now) != 0)
        abort();
    return (now.c_lflag & (tcflag_t)ECHO) != 0;
}

/* Reads all that is left, so that nothing of it is missed. */
static inline void terminal_end(struct terminal *terminal)
{
    (void)terminal_await(terminal, "no program writes this");
    (void)waitpid(terminal->shell, NULL, 0);
    (void)close(terminal->statuses);
    (void)close(terminal->master);
}

#endif
