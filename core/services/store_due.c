/* SPDX-License-Identifier: MIT */
#include "store_due.h"

#include "units.h"

enum { MS_PER_S = 1000, ROUNDING_S = 1 /* one clock counts seconds, the other less */ };

static int64_t believe(struct store_due *due, int64_t now_s, int64_t steady_ms)
{
    *due = (struct store_due){ now_s, steady_ms, STORE_NOT_AHEAD };
    return now_s;
}

/* The steady clock begins anew with each boot: what passed meanwhile is not known, so nothing did. */
static void begin_again(struct store_due *due, int64_t steady_ms)
{
    due->at_ms = steady_ms;
    if (due->ahead_since_ms != STORE_NOT_AHEAD)
        due->ahead_since_ms = steady_ms;
}

int64_t store_due_at(struct store_due *due, int64_t now_s, int64_t steady_ms)
{
    int64_t allowed_s;

    if (now_s < 0 || steady_ms < 0)
        return 0;
    if (due->base_s == 0)
        return believe(due, now_s, steady_ms);
    if (steady_ms < due->at_ms || steady_ms < due->ahead_since_ms)
        begin_again(due, steady_ms);
    allowed_s = time_add(due->base_s, (steady_ms - due->at_ms) / MS_PER_S);
    if (now_s <= time_add(allowed_s, ROUNDING_S))
        return believe(due, now_s, steady_ms);
    if (due->ahead_since_ms == STORE_NOT_AHEAD)
        due->ahead_since_ms = steady_ms;
    if (steady_ms - due->ahead_since_ms >= STORE_TRUST_AFTER_MS)
        return believe(due, now_s, steady_ms);
    return allowed_s;
}
