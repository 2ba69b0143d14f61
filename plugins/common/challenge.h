/* SPDX-License-Identifier: MIT */
/* Reads the challenges of a WWW-Authenticate field that a peer sent (RFC 9110 11.6.1). Pure, no copies: values are
 * views, and escapes in them stay as they came. Writing is the core's. */
#ifndef COMMON_CHALLENGE_H
#define COMMON_CHALLENGE_H

#include <paa/types.h>
#include <stdbool.h>

struct challenge {
    struct paa_str scheme;
    struct paa_str token68; /* absent: none */
    struct paa_str params;  /* for challenge_param; may be empty */
};

/* Takes the next one; false: no more, or what follows is none. */
bool challenge_next(struct paa_str *rest, struct challenge *ret_challenge);
/* The first parameter of that name, in any case, without quotes; absent: none. */
struct paa_str challenge_param(const struct challenge *challenge, struct paa_str name);

#endif
