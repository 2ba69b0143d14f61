/* SPDX-License-Identifier: MIT */
/* The pace of this machine: what a promise in nanoseconds is measured by. */
#ifndef BENCH_PACE_H
#define BENCH_PACE_H

#include "measure.h"

/* SHA-256 of 64 bytes by libcrypto with a kept context, as a case of the group whose promises are judged; one at a
 * time. */
void pace_case(struct bench_case *ret_case);

/* A line of the summary. The promise was made for a machine where that digest takes PACE_NS: what the case takes, in
 * digests of the same round, counts that many nanoseconds each. */
enum { PACE_NS = 114 };
void pace_promise(const struct bench_options *options, const struct bench_case *c,
                  const struct bench_case *pace, double most, double aim);

/* The same of the time between two cases: what the one does that the other does not. */
void pace_promise_between(const struct bench_options *options, const char *what,
                          const struct bench_case *with, const struct bench_case *without,
                          const struct bench_case *pace, double most, double aim);

#endif
