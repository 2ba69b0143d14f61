/* SPDX-License-Identifier: MIT */
/* units.h's durations, sizes and times. The proleptic Gregorian calendar, no leap seconds, no locale. */
#include "units.h"
#include "str.h"

#include <stdio.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Reads digits at *at and moves it behind them; false: none, or too large a number. */
static bool read_number(struct paa_str text, size_t *at, uint64_t *ret_number)
{
    size_t from = *at;

    while (*at < text.size && text.data[*at] >= '0' && text.data[*at] <= '9')
        (*at)++;
    return str_to_u64(str_slice(text, from, *at), INT64_MAX, ret_number);
}

/* Reads letters likewise. */
static struct paa_str read_word(struct paa_str text, size_t *at)
{
    size_t from = *at;

    while (*at < text.size && char_lower(text.data[*at]) >= 'a' &&
           char_lower(text.data[*at]) <= 'z')
        (*at)++;
    return str_slice(text, from, *at);
}

bool duration_parse(struct paa_str text, int64_t *ret_ms)
{
    static const struct unit units[] = {
        { "w", 604800000 }, { "d", 86400000 }, { "h", 3600000 },
        { "m", 60000 },     { "s", 1000 },     { "ms", 1 },
    };
    const size_t count = sizeof units / sizeof units[0];
    uint64_t total = 0;
    size_t next = 0; /* the largest unit that may still come */
    size_t at = 0;

    if (paa_str_eq(text, "0")) {
        *ret_ms = 0;
        return true;
    }
    do {
        uint64_t number;
        struct paa_str word;

        if (!read_number(text, &at, &number))
            return false;
        word = read_word(text, &at);
        while (next < count && !paa_str_eq(word, units[next].name))
            next++;
        if (next == count || __builtin_mul_overflow(number, units[next].factor, &number) ||
            __builtin_add_overflow(total, number, &total) || total > INT64_MAX)
            return false;
        next++;
    } while (at < text.size);
    *ret_ms = (int64_t)total;
    return true;
}

bool size_parse(struct paa_str text, uint64_t *ret_bytes)
{
    static const struct unit units[] = {
        { "", 1 },
        { "B", 1 },
        { "KB", 1000 },
        { "MB", 1000000 },
        { "GB", 1000000000 },
        { "KiB", 1024 },
        { "MiB", 1048576 },
        { "GiB", 1073741824 },
    };
    uint64_t number;
    struct paa_str word;
    size_t at = 0;

    if (!read_number(text, &at, &number))
        return false;
    word = read_word(text, &at);
    if (at != text.size)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (paa_str_eq(word, units[i].name))
            return !__builtin_mul_overflow(number, units[i].factor, ret_bytes);
    return false;
}

/* ---- the calendar -------------------------------------------------------------------------------- */

enum { DAY_S = 86400, YEAR_MAX = 9999 };

/* Of 1 January of the year 0 and of 10000, from the epoch. */
static const int64_t TIME_FIRST = -62167219200, TIME_BEYOND = 253402300800;

struct date {
    int64_t year;
    int64_t month;
    int64_t day;
};

/* Years begin in March here, so that the leap day is a year's last. */
static int64_t days_from_date(struct date date)
{
    int64_t year = date.month > 2 ? date.year : date.year - 1;
    int64_t month = date.month > 2 ? date.month - 3 : date.month + 9;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t days = of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + date.day - 1;

    return era * 146097 + days - 719468;
}

static struct date date_from_days(int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t of_era = shifted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    struct date date = { era * 400 + year, month < 10 ? month + 3 : month - 9,
                         of_year - (153 * month + 2) / 5 + 1 };

    if (date.month <= 2)
        date.year++;
    return date;
}

static bool date_is_real(struct date date)
{
    struct date back;

    if (date.month < 1 || date.month > 12 || date.day < 1 || date.day > 31)
        return false;
    back = date_from_days(days_from_date(date));
    return back.year == date.year && back.month == date.month && back.day == date.day;
}

void time_format(int64_t time_s, char ret_text[TIME_TEXT_SIZE])
{
    int64_t shown = time_s < TIME_FIRST ? TIME_FIRST : time_s;
    struct date date;
    int64_t days;
    unsigned second;

    if (shown >= TIME_BEYOND)
        shown = TIME_BEYOND - 1;
    days = (shown - (shown < 0 ? DAY_S - 1 : 0)) / DAY_S;
    second = (unsigned)(shown - days * DAY_S);
    date = date_from_days(days);
    (void)snprintf(ret_text, TIME_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ",
                   (unsigned)date.year % (YEAR_MAX + 1), (unsigned)date.month % 100,
                   (unsigned)date.day % 100, second / 3600 % 24, second / 60 % 60, second % 60);
}

/* text matches the form: "d" a digit, anything else itself. */
static bool has_form(struct paa_str text, size_t at, const char *form)
{
    for (size_t i = 0; form[i] != '\0'; i++) {
        if (at + i >= text.size)
            return false;
        if (form[i] == 'd' ? text.data[at + i] < '0' || text.data[at + i] > '9'
                           : text.data[at + i] != form[i])
            return false;
    }
    return true;
}

static int64_t digits_at(struct paa_str text, size_t at, size_t count)
{
    int64_t number = 0;

    for (size_t i = 0; i < count; i++)
        number = number * 10 + (text.data[at + i] - '0');
    return number;
}

/* "Z", "+hh:mm" or "-hh:mm", and nothing behind it. */
static bool read_offset(struct paa_str text, size_t at, int64_t *ret_s)
{
    int64_t hours;
    int64_t minutes;

    *ret_s = 0;
    if (at < text.size && (text.data[at] == 'Z' || text.data[at] == 'z'))
        return at + 1 == text.size;
    if (!(has_form(text, at, "+dd:dd") || has_form(text, at, "-dd:dd")) || at + 6 != text.size)
        return false;
    hours = digits_at(text, at + 1, 2);
    minutes = digits_at(text, at + 4, 2);
    *ret_s = (hours * 3600 + minutes * 60) * (text.data[at] == '-' ? -1 : 1);
    return hours < 24 && minutes < 60;
}

/* Behind the "T". A leap second counts as the second after it; fractions are dropped. */
static bool read_clock(struct paa_str text, size_t at, int64_t *ret_s)
{
    int64_t offset;
    int64_t hour;
    int64_t minute;
    int64_t second;

    if (!has_form(text, at, "dd:dd:dd"))
        return false;
    hour = digits_at(text, at, 2);
    minute = digits_at(text, at + 3, 2);
    second = digits_at(text, at + 6, 2);
    at += 8;
    if (has_form(text, at, ".d"))
        for (at += 2; has_form(text, at, "d");)
            at++;
    if (!read_offset(text, at, &offset))
        return false;
    *ret_s = hour * 3600 + minute * 60 + second - offset;
    return hour < 24 && minute < 60 && second <= 60;
}

bool time_parse(struct paa_str text, int64_t *ret_time_s)
{
    struct date date;
    int64_t second = 0;
    uint64_t number;

    if (str_to_u64(text, INT64_MAX, &number)) {
        *ret_time_s = (int64_t)number;
        return true;
    }
    if (!has_form(text, 0, "dddd-dd-dd"))
        return false;
    date = (struct date){ digits_at(text, 0, 4), digits_at(text, 5, 2), digits_at(text, 8, 2) };
    if (!date_is_real(date))
        return false;
    if (text.size > 10 &&
        ((text.data[10] != 'T' && text.data[10] != 't') || !read_clock(text, 11, &second)))
        return false;
    *ret_time_s = days_from_date(date) * DAY_S + second;
    return true;
}

int64_t time_add(int64_t a, int64_t b)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return a < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}
