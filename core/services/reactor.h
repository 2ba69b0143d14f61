/* SPDX-License-Identifier: MIT */
/*
 * The context's own thread: timers and watched descriptors. It runs no plugin code. An object with
 * run_once, so that a test drives it by hand; reactor_start makes a thread that calls run_once for ever.
 */
#ifndef SERVICES_REACTOR_H
#define SERVICES_REACTOR_H

#include "clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct reactor;

struct timer {                       /* embedded by whoever wants one; zeroed at first */
    int64_t due_ms;                  /* monotonic */
    void (*fn)(struct timer *timer); /* on the reactor's thread, without its lock; may set timers */
    size_t place;                    /* in the heap, 1-based; 0: not set. The reactor's */
};

struct reactor *reactor_new(const struct clock *clock);
/* Stops and joins, then frees. NULL is fine. */
void reactor_free(struct reactor *reactor);
/* The program exits: the thread ends, waited for until then (CLOCK_REALTIME). Nothing is freed. */
void reactor_halt(struct reactor *reactor, const struct timespec *until);
/* In a child after fork: the parent's descriptors are closed here; the rest is left, whatever state it is in. */
void reactor_forget(struct reactor *reactor);
/* All signals blocked in the thread. 0 or -1. */
int reactor_start(struct reactor *reactor);
/* One round: due timers, ready descriptors; waits at most wait_ms (-1: until something happens).
 * Returns how many functions it ran. */
int reactor_run_once(struct reactor *reactor, int wait_ms);
/* Any thread. Sets or moves. False: no memory. */
bool timer_set(struct reactor *reactor, struct timer *timer, int64_t due_ms);
/* Any thread. When it returns, fn does not run and will not (waits for a running one, unless called by it). */
void timer_clear(struct reactor *reactor, struct timer *timer);
/* fn(events, arg) whenever fd is ready (EPOLLIN, …; level-triggered), on the reactor's thread. 0 or -1. */
int reactor_watch(struct reactor *reactor, int fd, uint32_t events,
                  void (*fn)(uint32_t events, void *arg), void *arg);
/* When it returns, fn does not run and will not. */
void reactor_unwatch(struct reactor *reactor, int fd);

#endif
