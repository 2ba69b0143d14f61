/* SPDX-License-Identifier: MIT */
/* Time and chance, from the system or injected by the host (tests). */
#ifndef SERVICES_CLOCK_H
#define SERVICES_CLOCK_H

#include <paa/paa.h>

struct clock {
    paa_real_time_fn real_fn;      /* NULL: CLOCK_REALTIME_COARSE */
    paa_monotonic_fn monotonic_fn; /* NULL: CLOCK_MONOTONIC_COARSE */
    void *user;
};

struct chance {
    paa_random_fn random_fn; /* NULL: getrandom through OpenSSL's RAND_priv_bytes */
    void *user;
};

/* Wall clock, Unix seconds. -1: the clock failed; whoever judges by it says UNAVAILABLE. */
int64_t clock_now_s(const struct clock *clock);
/* The same in milliseconds, for records that people put in order. */
int64_t clock_real_ms(const struct clock *clock);
/* Steady milliseconds from any zero, for deadlines and in-process lifetimes. */
int64_t clock_now_ms(const struct clock *clock);
/* Steady nanoseconds, exact: for traces and sampled latency only. */
int64_t clock_exact_ns(const struct clock *clock);
/* 0, or -1: no chance to be had, fail closed. Leaves OpenSSL's error queue as found. */
int chance_fill(const struct chance *chance, void *ret_bytes, size_t size);

#endif
