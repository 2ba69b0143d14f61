/* SPDX-License-Identifier: MIT */
/*
 * fork() for tests whose process has threads. glibc's allocator may be used in the child, whatever the parent's other
 * threads were about; that of gcc's AddressSanitizer may not: a lock that a thread held at the fork stays held. With it,
 * calm_fork waits until every other thread sleeps. Elsewhere it is fork(), at any moment.
 */
#ifndef TESTS_FORK_H
#define TESTS_FORK_H

#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { CALM_SCANS_MAX = 20000 };

/* How often the thread has gone to sleep, or -1: it runs. */
static inline long thread_sleeps(const char *tid)
{
    char path[64], line[128], state = 'R';
    long switches = -1;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/self/task/%.20s/status", tid);
    file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "State: %c", &state) != 1)
            (void)sscanf(line, "voluntary_ctxt_switches: %ld", &switches);
    if (file != NULL)
        (void)fclose(file);
    return state == 'S' ? switches : -1;
}

/* The sum over all other threads; -1: one of them runs. */
static inline long sleeps_of_others(void)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *entry;
    long sum = tasks != NULL ? 0 : -1;

    while (sum >= 0 && (entry = readdir(tasks)) != NULL) {
        long sleeps = 0;

        if (entry->d_name[0] != '.' && atol(entry->d_name) != (long)gettid())
            sleeps = thread_sleeps(entry->d_name);
        sum = sleeps >= 0 ? sum + sleeps : -1;
    }
    if (tasks != NULL)
        (void)closedir(tasks);
    return sum;
}

/* Twice the same: in between nobody woke up. */
static inline bool others_sleep(void)
{
    long before = sleeps_of_others();

    return before >= 0 && sleeps_of_others() == before;
}

static inline pid_t calm_fork(void)
{
    for (int i = 0; i < CALM_SCANS_MAX && !others_sleep(); i++)
        (void)sched_yield();
    return fork();
}
#else
static inline pid_t calm_fork(void)
{
    return fork();
}
#endif

#endif
