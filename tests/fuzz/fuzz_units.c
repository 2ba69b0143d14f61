/* SPDX-License-Identifier: MIT */
/* Durations, sizes, times, near words: what is shown of a time reads as that time. */
#include "fuzz.h"
#include "near.h"
#include "str.h"
#include "units.h"

static const int64_t LAST = 253402300799; /* 9999-12-31T23:59:59Z */

static void check_time(int64_t time)
{
    char text[TIME_TEXT_SIZE];
    int64_t again;

    time_format(time, text);
    HOLDS(strlen(text) == TIME_TEXT_SIZE - 1);
    HOLDS(time_parse(paa_str_of(text), &again));
    HOLDS(time < -62167219200 || time > LAST || again == time);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const words[] = { "header", "cookie", "query", "authorization", "" };
    struct paa_str text = paa_str_of_n((const char *)data, size);
    int64_t numbers[2] = { 0, 0 };
    int64_t ms;
    int64_t time;
    uint64_t bytes;

    if (duration_parse(text, &ms))
        HOLDS(ms >= 0);
    if (size_parse(text, &bytes))
        HOLDS(size > 0);
    if (time_parse(text, &time))
        check_time(time);
    if (size >= sizeof numbers)
        memcpy(numbers, data, sizeof numbers);
    check_time(numbers[0]);
    check_time(numbers[0] % LAST);
    HOLDS(time_add(numbers[0], numbers[1]) == time_add(numbers[1], numbers[0]));
    HOLDS(numbers[1] < 0 || time_add(numbers[0], numbers[1]) >= numbers[0]);
    (void)near_word(text, words, sizeof words / sizeof words[0]);
    return 0;
}
