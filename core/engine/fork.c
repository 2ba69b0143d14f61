/* SPDX-License-Identifier: MIT */
/* Notices forks without a system call per request: a number that the child's handler counts up. Starting a process's
 * threads is done under a lock that no fork can cut through. */
#include "engine.h"

uint32_t process_number = 1;

static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;

void start_hold(void)
{
    pthread_mutex_lock(&start_lock);
}

void start_release(void)
{
    pthread_mutex_unlock(&start_lock);
}

static void count(void)
{
    process_number++;
}

__attribute__((constructor)) static void count_forks(void)
{
    pthread_atfork(NULL, NULL, count);
}

/* Handlers before a fork run last registered first: this lock is taken before those of the services, as it is when
 * a lane is opened. So it is registered after theirs. */
static void hold_over_forks(void)
{
    pthread_atfork(start_hold, start_release, start_release);
}

void start_watch(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, hold_over_forks);
}
