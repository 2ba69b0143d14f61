/* SPDX-License-Identifier: MIT */
/*
 * The judgement of a logout token (OpenID Connect Back-Channel Logout 2.4 and 2.6), that jwt.h has read and whose signature
 * is good. Pure: time comes as an argument.
 */
#ifndef OAUTH2_CODE_LOGOUT_TOKEN_H
#define OAUTH2_CODE_LOGOUT_TOKEN_H

#include "jwt.h"

enum { LOGOUT_TOKEN_LIFE_S = 300 }; /* of one that does not say */

enum logout_verdict {
    LOGOUT_GOOD = 1,
    LOGOUT_TYP,     /* the header says that it is another kind of token */
    LOGOUT_MISSING, /* iss, aud, iat, jti, or both of sub and sid */
    LOGOUT_EVENT,   /* it does not say that it is a logout */
    LOGOUT_NONCE,   /* it has one: it is an ID token */
    LOGOUT_ISSUER,
    LOGOUT_AUDIENCE, /* the client is not in it */
    LOGOUT_EXPIRED,
    LOGOUT_FUTURE,
    LOGOUT_VERDICTS
};

struct logout_rules {
    struct paa_str issuer; /* byte by byte */
    struct paa_str client_id;
    int64_t leeway_s;
};

enum logout_verdict logout_token_judge(const struct jwt *jwt, const struct logout_rules *rules,
                                       int64_t now_s);
/* When it is over, leeway included: so long its jti is remembered. */
int64_t logout_token_ends_s(const struct jwt *jwt, int64_t leeway_s);
/* What is wrong, as the end of a sentence: "names another issuer". */
const char *logout_token_sentence(enum logout_verdict verdict);

#endif
