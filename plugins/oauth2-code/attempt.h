/* SPDX-License-Identifier: MIT */
/*
 * One attempt to log in, from the redirect to the provider until the browser comes back: kept in a cookie of its own, so
 * that each tab has one. Pure.
 */
#ifndef OAUTH2_CODE_ATTEMPT_H
#define OAUTH2_CODE_ATTEMPT_H

#include "authorization.h"

#include <stdbool.h>

enum {
    ATTEMPT_SUFFIX_SIZE = 8, /* characters of the state that the cookie's name ends with */
    ATTEMPT_RETURN_MAX =
        512, /* bytes of where to go afterwards: cookies of all attempts fit into 8 KiB */
    ATTEMPT_LIFE_S = 600,
    ATTEMPTS_MAX = 5, /* of one browser at a time; older ones make room */
    ATTEMPT_BYTES_MAX = 1 + 3 * AUTHORIZATION_TEXT_SIZE + 2 * 8 + 2 + ATTEMPT_RETURN_MAX
};

struct attempt {
    char state[AUTHORIZATION_TEXT_SIZE];
    char nonce[AUTHORIZATION_TEXT_SIZE];
    char verifier[AUTHORIZATION_TEXT_SIZE];
    int64_t made_at_s;
    int64_t max_age_s; /* that the provider was asked for; -1: none */
    struct paa_str return_to;
};

/* From 3 * AUTHORIZATION_CHANCE bytes of chance. */
void attempt_draw(struct attempt *attempt, const unsigned char chance[3 * AUTHORIZATION_CHANCE]);
size_t attempt_write(const struct attempt *attempt, unsigned char ret_bytes[ATTEMPT_BYTES_MAX]);
/* return_to is a view of bytes. False: it is none, or leads away from the origin. */
bool attempt_read(struct paa_bytes bytes, struct attempt *ret_attempt);
bool attempt_is_over(const struct attempt *attempt, int64_t now_s);

/* Path and query of this very origin, whatever reads it: begins with one "/" and holds only what a target may. */
bool attempt_return_valid(struct paa_str target);

#endif
