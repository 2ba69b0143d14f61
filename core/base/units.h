/* SPDX-License-Identifier: MIT */
/* Durations ("90s", "15m", "1h30m", "250ms", "7d"), sizes ("64KiB", "10MB") and times (RFC 3339). */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <paa/types.h>
#include <stdbool.h>

/* Non-negative; units ms s m h d w, largest first, each once; "0" alone is fine. False: not one. */
bool duration_parse(struct paa_str text, int64_t *ret_ms);
/* B, KB, MB, GB (1000), KiB, MiB, GiB (1024), or no unit. */
bool size_parse(struct paa_str text, uint64_t *ret_bytes);
enum { TIME_TEXT_SIZE = 21 };
/* "2026-11-24T10:00:00Z" and a NUL; years beyond 9999 are shown as 9999-12-31T23:59:59Z. */
void time_format(int64_t time_s, char ret_text[TIME_TEXT_SIZE]);
/* RFC 3339 with Z or an offset, a date alone ("2026-11-24"), or Unix seconds. */
bool time_parse(struct paa_str text, int64_t *ret_time_s);
/* Saturating, so that 1e300 in a token never wraps. */
int64_t time_add(int64_t a, int64_t b);

#endif
