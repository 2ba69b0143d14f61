/* SPDX-License-Identifier: MIT */
/* http_time.h: each form is rewritten as RFC 3339, whose reader judges the date. */
#include "http_time.h"

#include "str.h"
#include "units.h"

#include <stdio.h>

enum { RFC3339_SIZE = 20, YEARS_AHEAD_MAX = 50 };

/* 01 to 12; 0: no month's name. */
static unsigned month_of(struct paa_str name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (unsigned i = 0; i < 12; i++)
        if (name.size == 3 && memcmp(names + (size_t)3 * i, name.data, 3) == 0)
            return i + 1;
    return 0;
}

static bool read_rfc3339(unsigned year, struct paa_str month, struct paa_str day,
                         struct paa_str clock, int64_t *ret_time_s)
{
    char text[RFC3339_SIZE + 1];
    uint64_t number;

    if (month_of(month) == 0 || year > 9999 || day.size != 2 || clock.size != 8 ||
        !str_to_u64(day, 31, &number))
        return false;
    (void)snprintf(text, sizeof text, "%04u-%02u-%02uT%.8sZ", year % 10000, month_of(month) % 100,
                   (unsigned)number % 100, clock.data);
    return time_parse(paa_str_of(text), ret_time_s);
}

/* "06 Nov 1994 08:49:37 GMT" */
static bool read_fixdate(struct paa_str text, int64_t *ret_time_s)
{
    uint64_t year;

    return text.size == 24 && text.data[2] == ' ' && text.data[6] == ' ' && text.data[11] == ' ' &&
           str_eq(str_slice(text, 20, 24), STR(" GMT")) &&
           str_to_u64(str_slice(text, 7, 11), 9999, &year) &&
           read_rfc3339((unsigned)year, str_slice(text, 3, 6), str_slice(text, 0, 2),
                        str_slice(text, 12, 20), ret_time_s);
}

/* "06-Nov-94 08:49:37 GMT". A year that seems over 50 years ahead is the last one of those digits. */
static bool read_rfc850(struct paa_str text, int64_t now_s, int64_t *ret_time_s)
{
    char now[TIME_TEXT_SIZE];
    uint64_t this_year, year;

    time_format(now_s, now);
    if (text.size != 22 || text.data[2] != '-' || text.data[6] != '-' || text.data[9] != ' ' ||
        !str_eq(str_slice(text, 18, 22), STR(" GMT")) ||
        !str_to_u64(str_slice(text, 7, 9), 99, &year) ||
        !str_to_u64(paa_str_of_n(now, 4), 9999, &this_year))
        return false;
    year += this_year / 100 * 100;
    if (year > this_year + YEARS_AHEAD_MAX)
        year -= year >= 100 ? 100 : 0;
    return read_rfc3339((unsigned)year, str_slice(text, 3, 6), str_slice(text, 0, 2),
                        str_slice(text, 10, 18), ret_time_s);
}

/* "Nov  6 08:49:37 1994" */
static bool read_asctime(struct paa_str text, int64_t *ret_time_s)
{
    char day[2];
    uint64_t year;

    if (text.size != 20 || text.data[3] != ' ' || text.data[6] != ' ' || text.data[15] != ' ' ||
        !str_to_u64(str_slice(text, 16, 20), 9999, &year))
        return false;
    day[0] = text.data[4] == ' ' ? '0' : text.data[4];
    day[1] = text.data[5];
    return read_rfc3339((unsigned)year, str_slice(text, 0, 3), paa_str_of_n(day, 2),
                        str_slice(text, 7, 15), ret_time_s);
}

bool http_date_parse(struct paa_str text, int64_t now_s, int64_t *ret_time_s)
{
    size_t comma = str_find(text, ',', 0);
    struct paa_str rest = str_slice(text, comma + 2, text.size);

    if (comma + 1 < text.size && text.data[comma + 1] == ' ')
        return read_fixdate(rest, ret_time_s) || read_rfc850(rest, now_s, ret_time_s);
    return text.size == 24 && text.data[3] == ' ' &&
           read_asctime(str_slice(text, 4, text.size), ret_time_s);
}

uint32_t retry_after_parse(struct paa_str value, int64_t now_s, uint32_t max_s)
{
    struct paa_str text = str_trim(value);
    uint64_t seconds;
    int64_t time_s;

    if (text.size == 0)
        return 0;
    if (str_find(text, ' ', 0) == text.size) { /* delay-seconds; what overflows is the most */
        for (size_t i = 0; i < text.size; i++)
            if (text.data[i] < '0' || text.data[i] > '9')
                return 0;
        return str_to_u64(text, max_s, &seconds) ? (uint32_t)seconds : max_s;
    }
    if (now_s < 0 || !http_date_parse(text, now_s, &time_s) || time_s <= now_s)
        return 0;
    return time_s - now_s < (int64_t)max_s ? (uint32_t)(time_s - now_s) : max_s;
}
