/* SPDX-License-Identifier: MIT */
/*
 * A few threads that run tasks in order of arrival: the workers of a context. A pool is also a home for
 * operations (producers): posted ones go on there. Each thread has a number, for per-thread memory.
 */
#ifndef SERVICES_POOL_H
#define SERVICES_POOL_H

#include "list.h"
#include "op.h"

#include <stdbool.h>
#include <time.h>

struct pool;

struct task { /* embedded by whoever wants one; lives until fn was called */
    struct list link;
    void (*fn)(struct task *task, unsigned worker); /* worker: 0 .. threads - 1 */
};

/* queue_max: tasks that may wait beyond the running ones; 0: no bound. Starts nothing. */
struct pool *pool_new(const char *name, unsigned threads, size_t queue_max);
/* Threads start with the first task; all signals blocked; log lines queue. 0 or -1 (no thread at all). */
int pool_start(struct pool *pool);
/* Runs what is queued, joins, frees. NULL is fine. */
void pool_free(struct pool *pool);
/* The program exits: nothing that waits runs any more, what runs is waited for until then (CLOCK_REALTIME). Nothing
 * is freed. */
void pool_halt(struct pool *pool, const struct timespec *until);
/* False: the queue is full (never for queue_max 0), or the pool stops. */
bool pool_add(struct pool *pool, struct task *task);
/* Takes a task that has not begun out again. False: it runs, has run, or was never added (and is zeroed). */
bool pool_remove(struct pool *pool, struct task *task);
unsigned pool_threads(const struct pool *pool);
/* For operations whose continuations run here. go_on is called on a worker for each op that was posted:
 * it calls op_go_on and does what the result demands. One home for each function; NULL: more than 4. */
struct op_home *pool_home(struct pool *pool, void (*go_on_fn)(struct op *op, unsigned worker));

#endif
