/* SPDX-License-Identifier: MIT */
/*
 * Counters. Each lane counts for itself, with plain stores that only it makes; now and then what it has counted is
 * added to the context's totals ("folded"), by names, since indices change with each policy. A reader folds the lanes
 * of its process first. With PAA_OPEN_SHARED_COUNTERS the totals lie in memory that forked processes share; other
 * processes' lanes are then seen as far as they have folded: at least every second while they are busy.
 *
 *   paa_decisions_total{service, result}   result: allow, or the row of README.md, "What is answered"
 *   paa_results_total{instance, result}    of each step that ran: accept, absent, …, forbidden
 *   paa_latency_seconds_sum, _count        from begin to decision, one request in 256
 *   paa_suspended_total                    transactions that had to wait
 *   paa_suspended                          that wait now, in this process
 *   paa_generation                         of the policy in force
 *   paa_audit_lost                         audit lines lost since that policy was loaded; only with an audit file
 *   paa_counters_lost_total                increments for which the table of names was too small
 */
#ifndef ENGINE_COUNTERS_H
#define ENGINE_COUNTERS_H

#include <paa/paa.h>
#include <stdbool.h>

struct counters;
struct lane_generation;

/* NULL: no memory. Shared: to be called before the forks. */
struct counters *counters_new(bool is_shared);
void counters_free(struct counters *counters);
/* Adds what lg has counted since it was last folded to the totals, for the last time: it is about to be freed.
 * Context's lock is held. */
void counters_fold(struct counters *counters, struct lane_generation *lg);
/* Likewise a lane's latency samples and suspensions; any number of times. */
void counters_fold_latency(struct counters *counters, struct paa_lane *lane);
/* On the lane's thread, after a decision and whenever it looks for work: with shared counters folds all of the lane
 * after 1024 decisions or a second, if nobody holds the context's lock just then. Else costs nothing. */
void counters_maybe_fold(struct paa_lane *lane);

#endif
