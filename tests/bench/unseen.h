/* SPDX-License-Identifier: MIT */
/*
 * Access tokens that were never seen before, through the whole transaction: read, judged, the key looked up, verified,
 * remembered. Each is signed anew before the clock runs. The host's memory of tokens is as large as it is by default, and
 * soon full, as a busy server's is.
 */
#ifndef BENCH_UNSEEN_H
#define BENCH_UNSEEN_H

#include "tokens.h"

struct bench_case;

/* Opens a host that takes tokens of that key, and fills in a case of it. */
struct unseen *unseen_open(const struct token *token, struct bench_case *ret_case);
void unseen_close(struct unseen *unseen);

#endif
