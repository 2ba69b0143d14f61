/* SPDX-License-Identifier: MIT */
/* The groups of cases, one a table; each prints its promises behind it. */
#ifndef BENCH_GROUPS_H
#define BENCH_GROUPS_H

#include "measure.h"

void group_chain(const struct bench_options *options);
void group_rules(const struct bench_options *options);
void group_attach(const struct bench_options *options);
void group_tokens(const struct bench_options *options);
void group_seen(const struct bench_options *options);
void group_allocations(const struct bench_options *options);
void group_certs(const struct bench_options *options);
void group_session(const struct bench_options *options);
void group_seal(const struct bench_options *options);
/* Look-ups among that many keys; and for the last and largest number how starting with them goes. */
void group_keys(const struct bench_options *options, size_t count, bool is_start_measured);

#endif
