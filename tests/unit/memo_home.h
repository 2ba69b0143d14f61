/* SPDX-License-Identifier: MIT */
/*
 * How tests wait for a memo's runs: until they have ended, or until they wait for something themselves. By the
 * group's own condition, so that no time is measured. Knows neither bench nor stage.
 */
#ifndef TESTS_MEMO_HOME_H
#define TESTS_MEMO_HOME_H

#include "memo_inner.h"

/* No run is under way: what they made is there, what they replaced is retired, their pins are gone. */
static inline void memo_await_ended(struct memo_group *group)
{
    pthread_mutex_lock(&group->home_lock);
    while (!list_empty(&group->runs))
        pthread_cond_wait(&group->changed, &group->home_lock);
    pthread_mutex_unlock(&group->home_lock);
}

/* With home_lock held. */
static inline bool memo_all_wait(struct memo_group *group)
{
    for (struct list *at = group->runs.next; at != &group->runs; at = at->next)
        if (LIST_ENTRY(at, struct memo_run, link)->state != RUN_WAITING)
            return false;
    return true;
}

/* Each run that is under way has begun its wait, as for a timer: the clock may move. */
static inline void memo_await_waiting(struct memo_group *group)
{
    pthread_mutex_lock(&group->home_lock);
    while (!memo_all_wait(group))
        pthread_cond_wait(&group->changed, &group->home_lock);
    pthread_mutex_unlock(&group->home_lock);
}

#endif
