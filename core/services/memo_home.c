/* SPDX-License-Identifier: MIT */
/*
 * Where the operations of producers and decoders live: on the workers, one task at a time, until their deadline
 * or the end of their instance. Decides who may go on with a run, so that a post, a deadline and a close that
 * meet never take the same run twice. Knows nothing of keys and values.
 */
#include "memo_inner.h"
#include "work.h"

#include <time.h>

enum { CLOSING_LANE = WORK_THREADS + WORK_BLOCKING_THREADS }; /* no worker's */

static struct pool *workers_of(const struct memo_run *run)
{
    return run->group->memos->services->workers;
}

/* With home_lock held. Where no pool takes it any more, whoever closes the group ends it. */
static void queue_locked(struct memo_run *run)
{
    struct pool *workers = workers_of(run);

    run->state = RUN_QUEUED;
    if (run->group->is_closing || workers == NULL || !pool_add(workers, &run->task)) {
        run->state = RUN_WAITING;
        run->is_posted = true;
    }
    pthread_cond_broadcast(&run->group->changed);
}

/* A service has the outcome. The step that began the wait may not have returned yet. */
static void post(struct op_home *home, struct op *op)
{
    struct memo_run *run = LIST_ENTRY(home, struct memo_run, home);
    struct memo_group *group = run->group;

    (void)op;
    pthread_mutex_lock(&group->home_lock);
    if (run->state == RUN_WAITING)
        queue_locked(run);
    else
        run->is_posted = true;
    pthread_mutex_unlock(&group->home_lock);
}

static void run_task(struct task *task, unsigned worker)
{
    struct memo_run *run = LIST_ENTRY(task, struct memo_run, task);
    struct op_instance *instance = run->group->instance;

    pthread_mutex_lock(&run->group->home_lock);
    run->state = RUN_RUNNING;
    pthread_mutex_unlock(&run->group->home_lock);
    if (instance->lane != NULL)
        run->op.pub.lane = instance->lane(instance, worker);
    memo_run_step(run);
}

/* State CANCELLING, home_lock held; left and taken again. True: what it waited for is over, one way or the other;
 * else it will be posted yet. */
static bool cancel_locked(struct memo_run *run)
{
    struct memo_group *group = run->group;
    bool is_over;

    run->state = RUN_CANCELLING;
    pthread_mutex_unlock(&group->home_lock);
    is_over = run->turn->wait.kind->cancel(run->turn);
    pthread_mutex_lock(&group->home_lock);
    is_over = is_over || run->is_posted;
    run->is_posted = false;
    run->is_dead = true;
    if (!is_over)
        run->state = RUN_WAITING;
    pthread_cond_broadcast(&group->changed);
    return is_over;
}

/* The deadline, on the reactor's thread, which runs no plugin code: the end is for a worker. */
static void expire(struct timer *timer)
{
    struct memo_run *run = LIST_ENTRY(timer, struct memo_run, timer);

    pthread_mutex_lock(&run->group->home_lock);
    run->is_expired = true;
    if (run->state == RUN_WAITING && !run->is_dead && !run->is_posted && !run->must_finish &&
        cancel_locked(run))
        queue_locked(run);
    pthread_mutex_unlock(&run->group->home_lock);
}

void memo_home_init(struct memo_run *run)
{
    run->home.post = post;
    run->task.fn = run_task;
    run->timer.fn = expire;
    run->state = RUN_HELD;
    run->op.home = &run->home;
    run->turn = &run->op;
    pthread_mutex_lock(&run->group->home_lock);
    list_add_last(&run->group->runs, &run->link);
    pthread_mutex_unlock(&run->group->home_lock);
}

void memo_home_start(struct memo_run *run)
{
    struct services *services = run->group->memos->services;

    run->op.deadline_ms = clock_now_ms(&services->clock) + run->memo->timeout_ms;
    pthread_mutex_lock(&run->group->home_lock);
    if (run->state == RUN_HELD) { /* else whoever closes the group has it */
        if (services->reactor != NULL)
            (void)timer_set(services->reactor, &run->timer, run->op.deadline_ms);
        queue_locked(run);
    }
    pthread_mutex_unlock(&run->group->home_lock);
}

/* With home_lock held. What sends something that is good once only ends by itself, or by its deadline. */
static bool is_called_off(const struct memo_run *run)
{
    return !run->must_finish &&
           (run->is_expired || (run->group->is_closing && !run->op.is_committed));
}

bool memo_home_rest(struct memo_run *run)
{
    struct memo_group *group = run->group;
    bool is_over = false;

    pthread_mutex_lock(&group->home_lock);
    if (is_called_off(run)) {
        is_over = cancel_locked(run);
    } else if (run->is_posted) {
        run->is_posted = false;
        queue_locked(run);
    } else {
        run->state = RUN_WAITING;
    }
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->home_lock);
    return is_over;
}

bool memo_home_call_off(struct memo_run *run)
{
    bool is_over;

    pthread_mutex_lock(&run->group->home_lock);
    is_over = cancel_locked(run);
    pthread_mutex_unlock(&run->group->home_lock);
    return is_over;
}

void memo_home_rearm(struct memo_run *run, bool must_finish)
{
    struct services *services = run->group->memos->services;

    if (services->reactor != NULL)
        timer_clear(services->reactor, &run->timer); /* it does not run any more, either */
    pthread_mutex_lock(&run->group->home_lock);
    run->is_expired = false;
    run->is_dead = false;
    run->must_finish = must_finish;
    pthread_mutex_unlock(&run->group->home_lock);
    if (must_finish)
        return;
    run->op.deadline_ms = clock_now_ms(&services->clock) + run->memo->timeout_ms;
    if (services->reactor != NULL)
        (void)timer_set(services->reactor, &run->timer, run->op.deadline_ms);
}

bool memo_home_leave(struct memo_run *run)
{
    struct services *services = run->group->memos->services;
    bool is_closing;

    if (services->reactor != NULL)
        timer_clear(services->reactor, &run->timer);
    pthread_mutex_lock(&run->group->home_lock);
    is_closing = run->group->is_closing;
    pthread_mutex_unlock(&run->group->home_lock);
    return is_closing;
}

/* ---- closing ------------------------------------------------------------------------------------ */

/* Nobody else is in it. */
static void end_here(struct memo_run *run)
{
    run->turn->wait.state = OP_WAIT_NONE;
    memo_run_end(run, PAA_UNAVAILABLE);
}

/* With home_lock held. What it waited for has come, if it waited, and nobody will look at it: whoever brought it
 * takes it back. */
static bool take_posted_locked(struct memo_run *run)
{
    run->is_posted = true;
    if (!run->is_dead && run->turn->wait.state == OP_WAIT_ARMED)
        return cancel_locked(run);
    run->state = RUN_RUNNING;
    return true;
}

/* With home_lock held. True: the run is the caller's to end. False: look again. */
static bool seize_locked(struct memo_run *run)
{
    struct memo_group *group = run->group;

    switch (run->state) {
    case RUN_HELD:
        run->state = RUN_RUNNING;
        return true;
    case RUN_QUEUED:
        if (workers_of(run) != NULL && pool_remove(workers_of(run), &run->task))
            return take_posted_locked(run);
        break;
    case RUN_WAITING:
        if (run->is_posted)
            return take_posted_locked(run);
        if (!run->is_dead && !run->must_finish)
            return cancel_locked(run);
        break;
    case RUN_RUNNING:
    case RUN_CANCELLING:
        break;
    }
    pthread_cond_wait(&group->changed,
                      &group->home_lock); /* it computes, or something of it does */
    return false;
}

/* With home_lock held, of a run whose thread is not in it. True: it may take its next step. */
static bool can_step_locked(struct memo_run *run)
{
    if (run->state == RUN_QUEUED)
        return workers_of(run) != NULL && pool_remove(workers_of(run), &run->task);
    return run->state == RUN_WAITING && run->is_posted;
}

/* With home_lock held; left and taken again. After exit() has halted the threads nobody wakes us. */
static void wait_for_change_locked(struct memo_group *group)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    (void)pthread_cond_timedwait(&group->changed, &group->home_lock, &until);
}

/* With home_lock held; left and taken again. No worker takes its steps any more: the closing thread does, with lane
 * memory that is no worker's. */
static void see_through_locked(struct memo_run *run)
{
    struct memo_group *group = run->group;
    struct op_instance *instance = group->instance;

    if (!can_step_locked(run)) {
        wait_for_change_locked(group);
        return;
    }
    run->is_posted = false;
    run->state = RUN_RUNNING;
    pthread_mutex_unlock(&group->home_lock);
    if (instance->lane != NULL)
        run->op.pub.lane = instance->lane(instance, CLOSING_LANE);
    if (instance->lane == NULL || run->op.pub.lane != NULL)
        memo_run_step(run);
    else
        end_here(run);
    pthread_mutex_lock(&group->home_lock);
}

/* Looked at only while no thread is in the run. Once exit() has halted the threads nothing comes any more. */
static bool is_to_be_seen_through(const struct memo_run *run)
{
    return (run->state == RUN_QUEUED || run->state == RUN_WAITING) && run->op.is_committed &&
           !atomic_load(&run->group->memos->services->is_halted);
}

/* With home_lock held. Those that can be called off come first: another one may wait for them. */
static struct memo_run *next_to_end_locked(struct memo_group *group)
{
    for (struct list *link = group->runs.next; link != &group->runs; link = link->next)
        if (!is_to_be_seen_through(LIST_ENTRY(link, struct memo_run, link)))
            return LIST_ENTRY(link, struct memo_run, link);
    return LIST_ENTRY(group->runs.next, struct memo_run, link);
}

void memo_home_close(struct memo_group *group)
{
    pthread_mutex_lock(&group->home_lock);
    group->is_closing = true;
    while (!list_empty(&group->runs)) {
        struct memo_run *run = next_to_end_locked(group);

        if (is_to_be_seen_through(run)) {
            see_through_locked(run);
            continue;
        }
        if (!seize_locked(run))
            continue;
        pthread_mutex_unlock(&group->home_lock);
        end_here(run);
        pthread_mutex_lock(&group->home_lock);
    }
    pthread_mutex_unlock(&group->home_lock);
}
