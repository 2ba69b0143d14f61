/* SPDX-License-Identifier: MIT */
/*
 * The time by which a store throws records away. What is gone does not come back when a clock is put right, and some
 * of it keeps somebody out (proofs that were used, sessions that ended): so the wall clock is believed at once when
 * it goes back or keeps step with the steady clock, and when it jumps ahead only once it has stayed there. Pure.
 */
#ifndef SERVICES_STORE_DUE_H
#define SERVICES_STORE_DUE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    STORE_TRUST_AFTER_MS = 900000, /* steady time, before a jump ahead is believed */
    STORE_LATE_MS = 60000,         /* as old a moment may be that somebody still asks of */
    STORE_NOT_AHEAD = -1
};

struct store_due {    /* zeroed: nothing is known yet */
    int64_t due_ms;   /* a wall clock that was believed, and what steadily passed since */
    int64_t seen_ms;  /* the steady clock at the last look */
    int64_t ahead_ms; /* how long the wall clock has been ahead of that; STORE_NOT_AHEAD */
};

/* The clocks are the caller's, of one moment. Below 0: a clock failed, and nothing is due. */
int64_t store_due_at(struct store_due *due, int64_t now_s, int64_t steady_ms);

#endif
