/* SPDX-License-Identifier: MIT */
/* Times as HTTP writes them (RFC 9110 5.6.7, 10.2.3). Pure: who calls says what time it is. */
#ifndef BASE_HTTP_TIME_H
#define BASE_HTTP_TIME_H

#include <paa/types.h>
#include <stdbool.h>

/* IMF-fixdate, and the two obsolete forms; the weekday is not looked at. now_s decides what century two digits of a
 * year are of. */
bool http_date_parse(struct paa_str text, int64_t now_s, int64_t *ret_time_s);
/* The value of a Retry-After field: seconds from now_s, at most max_s. 0: none, past, or unreadable. */
uint32_t retry_after_parse(struct paa_str value, int64_t now_s, uint32_t max_s);

#endif
