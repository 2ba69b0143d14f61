/* SPDX-License-Identifier: MIT */
/* How long a response says that it may be used again (RFC 9111 4.2.1), and what it says it is. Pure. */
#ifndef COMMON_LIFETIME_H
#define COMMON_LIFETIME_H

#include <paa/plugin.h>
#include <stdbool.h>

/* The first field of that name, in any case; absent: there is none. */
struct paa_str response_field(const struct paa_http_response *response, const char *name);
/* Seconds: max-age, else Expires after Date, less Age; 0 if it must not be kept. -1: nothing is said, or nothing that can be
 * read. */
int64_t response_lifetime_s(const struct paa_http_response *response, int64_t now_s);
/* A lifetime that ends up to a tenth early, as `chance` (any number) has it: not all who share a server ask it again at
 * the same moment. */
int64_t lifetime_early_s(int64_t life_s, uint32_t chance);
/* Is its media type application/json, or one that ends in +json? */
bool response_is_json(const struct paa_http_response *response);

#endif
