/* SPDX-License-Identifier: MIT */
/*
 * The stop-watch: calibrates cases, runs them in turn round after round, at one thread and at two, prints
 * medians and ratios. Knows nothing of what it measures.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_THREADS = 2, BENCH_ROUNDS_MAX = 64 };

struct bench_options {
    bool quick;    /* only shows that everything runs: its numbers mean nothing */
    bool cpu_time; /* of the thread instead of the wall: for a machine that others use too */
    unsigned rounds;
    uint64_t slice_ns; /* of one case in one round */
};

struct bench_case {
    const char *name;
    void (*run)(void *state, uint64_t count);
    /* Makes what such a run uses up, before the clock runs; or NULL. */
    void (*prepare)(void *state, uint64_t count);
    void *state[BENCH_THREADS];   /* [1] NULL: not run at two threads */
    uint64_t count;               /* from here on measure.c's */
    double one[BENCH_ROUNDS_MAX]; /* ns an operation, by round */
    double two[BENCH_ROUNDS_MAX]; /* likewise of both threads together */
};

/* Measures the cases and prints them as a table; ratios are to cases[0]. */
void bench_group(const struct bench_options *options, const char *title, struct bench_case *cases,
                 size_t count);

double bench_ns(const struct bench_case *c, const struct bench_options *options);
/* Median of a to b, one round each: what slows the whole machine slows both. */
double bench_ratio(const struct bench_case *a, const struct bench_case *b,
                   const struct bench_options *options);
double bench_speed_up(const struct bench_case *c, const struct bench_options *options);

/* The word for it, "-" where numbers mean nothing; a promise that was missed once stays so. */
const char *bench_verdict(const struct bench_options *options, bool holds);
bool bench_has_missed(void);
/* A line of the summary: does the median keep to what the project promises? Ratios of one round each. */
void bench_promise_ratio(const struct bench_options *options, const char *what,
                         const struct bench_case *a, const struct bench_case *b, double least,
                         double most);
void bench_promise_speed_up(const struct bench_options *options, const struct bench_case *c,
                            double least);

uint64_t bench_now_ns(void);
/* Prints why and ends the program. */
__attribute__((noreturn, format(printf, 1, 2))) void bench_fail(const char *format, ...);

#endif
