/* SPDX-License-Identifier: MIT */
/* By which time a store throws records away, whatever its clocks say. */
#include "store_due.h"
#include "test.h"

enum { T = 1000000, STEPS = 8, MINUTE = 60, HOUR = 3600, YEAR = 365 * 24 * 3600 };

struct moment {
    int64_t now_s; /* 0: the end */
    int64_t steady_ms;
    int64_t due_s;
};

struct story {
    const char *name;
    struct moment moments[STEPS];
};

#define AT(minutes) ((int64_t)(minutes)*MINUTE * 1000)

static const struct story stories[] = {
    { "what comes first is believed", { { T, 500, T } } },
    { "both clocks pass together, by whole hours too",
      { { T, 0, T }, { T + 1, 999, T + 1 }, { T + HOUR, AT(60), T + HOUR } } },
    { "a second is not told from two",
      { { T, 0, T }, { T + 1, 10, T + 1 }, { T + 2, 1020, T + 2 }, { T + 4, 1030, T + 2 } } },
    { "going back counts at once, and so does coming back",
      { { T, 0, T }, { T - 500, 1000, T - 500 }, { T - 499, 2000, T - 499 } } },
    { "a jump ahead counts for nothing but what steadily passed",
      { { T, 0, T },
        { T + YEAR, 1000, T + 1 },
        { T + YEAR, AT(5), T + 300 },
        { T + 301, AT(5), T + 301 } } },
    { "what was put right has nothing left of the jump",
      { { T, 0, T },
        { T + YEAR, AT(1), T + 60 },
        { T + 120, AT(2), T + 120 },
        { T + YEAR, AT(16), T + 16 * MINUTE },
        { T + YEAR, AT(31) - 1, T + 31 * MINUTE - 1 },
        { T + YEAR, AT(31), T + YEAR } } },
    { "who stays ahead is believed in the end",
      { { T, 0, T },
        { T + HOUR, AT(1), T + 60 },
        { T + HOUR + 15 * MINUTE - 1, AT(16) - 1, T + 16 * MINUTE - 1 },
        { T + HOUR + 15 * MINUTE, AT(16), T + HOUR + 15 * MINUTE },
        { T + HOUR + 16 * MINUTE, AT(17), T + HOUR + 16 * MINUTE } } },
    { "after a boot nothing is known to have passed, and the waiting goes on",
      { { T, AT(100), T },
        { T + HOUR, AT(110), T + 10 * MINUTE },
        { T + HOUR, AT(1), T + 10 * MINUTE },
        { T + HOUR, AT(15), T + 24 * MINUTE },
        { T + HOUR, AT(16), T + HOUR } } },
    { "who is never up for long is believed in the end",
      { { T, AT(1), T },
        { T + YEAR, AT(3), T + 2 * MINUTE },
        { T + YEAR, AT(1), T + 2 * MINUTE },
        { T + YEAR, AT(8), T + 9 * MINUTE },
        { T + YEAR, AT(1), T + 9 * MINUTE },
        { T + YEAR, AT(9), T + YEAR } } },
    { "who waited for his turn makes no time pass twice",
      { { T, 1000, T },
        { T + YEAR, 5000, T + 4 },
        { T + YEAR, 3000, T + 4 },
        { T + YEAR, 6000, T + 5 } } },
    { "after a boot a clock that is right is believed at once",
      { { T, AT(100), T }, { T - 1, 0, T - 1 }, { T, 1000, T } } },
    { "a clock that failed makes nothing due, and is forgotten",
      { { T, 0, T }, { -1, 1000, 0 }, { T + 1, -1, 0 }, { T + 2, 2000, T + 2 } } },
    { "the ends of time are no way round",
      { { T, 0, T }, { INT64_MAX, 1000, T + 1 }, { INT64_MAX, INT64_MAX, INT64_MAX } } },
};

TEST(records_are_thrown_away_by_a_time_that_no_jump_ahead_moves)
{
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++) {
        const struct story *story = &stories[i];
        struct store_due due = { 0 };

        for (size_t n = 0; n < STEPS && story->moments[n].now_s != 0; n++) {
            const struct moment *moment = &story->moments[n];
            int64_t due_s = store_due_at(&due, moment->now_s, moment->steady_ms);

            if (due_s != moment->due_s)
                TEST_FAIL("%s: moment %zu: %lld, not %lld", story->name, n, (long long)(due_s - T),
                          (long long)(moment->due_s - T));
        }
    }
}
