/* SPDX-License-Identifier: MIT */
#include "store_due.h"

#include "units.h"

enum { MS_PER_S = 1000, ROUNDING_S = 1 /* one clock counts seconds, the other less */ };

static int64_t believe(struct store_due *due, int64_t now_s)
{
    due->due_ms = now_s < INT64_MAX / MS_PER_S ? now_s * MS_PER_S : INT64_MAX;
    due->ahead_ms = STORE_NOT_AHEAD;
    return now_s;
}

/* Since the last look. Those who ask may have waited for their turn, and no moment counts twice. But the steady clock
 * begins anew with each boot: what passed meanwhile is not known, so nothing did. */
static int64_t passed_ms(struct store_due *due, int64_t steady_ms)
{
    int64_t passed = steady_ms - due->seen_ms;

    if (passed >= 0 || passed < -STORE_LATE_MS)
        due->seen_ms = steady_ms;
    return passed > 0 ? passed : 0;
}

int64_t store_due_at(struct store_due *due, int64_t now_s, int64_t steady_ms)
{
    bool is_new = due->due_ms == 0;
    int64_t passed;

    if (now_s < 0 || steady_ms < 0)
        return 0;
    passed = passed_ms(due, steady_ms);
    due->due_ms = time_add(due->due_ms, passed);
    if (is_new || now_s <= due->due_ms / MS_PER_S + ROUNDING_S)
        return believe(due, now_s);
    due->ahead_ms = due->ahead_ms == STORE_NOT_AHEAD ? 0 : time_add(due->ahead_ms, passed);
    if (due->ahead_ms >= STORE_TRUST_AFTER_MS)
        return believe(due, now_s);
    return due->due_ms / MS_PER_S;
}
