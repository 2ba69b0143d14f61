/* SPDX-License-Identifier: MIT */
/* HTTP dates and Retry-After: never beyond the most, never for what is past. The first eight bytes are the clock. */
#include "fuzz.h"
#include "http_time.h"
#include "str.h"

enum { MOST_S = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t now_s = 0, time_s;
    struct paa_str text;
    uint32_t after_s;

    if (size < sizeof now_s)
        return 0;
    memcpy(&now_s, data, sizeof now_s);
    text = paa_str_of_n((const char *)data + sizeof now_s, size - sizeof now_s);
    after_s = retry_after_parse(text, now_s, MOST_S);
    HOLDS(after_s <= MOST_S);
    if (http_date_parse(text, now_s, &time_s) && time_s <= now_s)
        HOLDS(after_s == 0);
    return 0;
}
