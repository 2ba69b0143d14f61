/* SPDX-License-Identifier: MIT */
/*
 * The judgement of an ID token (OpenID Connect Core 3.1.3.7), that jwt.h has read: who logged in, and whether it was
 * said to us, about this login. Pure: time comes as an argument. Whether its signature is good is its caller's to find
 * out, or to do without: what comes from the token endpoint over verified TLS needs none (3.1.3.7, point 6).
 */
#ifndef COMMON_ID_TOKEN_H
#define COMMON_ID_TOKEN_H

#include "jwt.h"

enum { ID_TOKEN_SUBJECT_MAX = 255, ID_TOKEN_NAME_MAX = 256 };

enum id_token_verdict {
    ID_TOKEN_GOOD = 1,
    ID_TOKEN_TYP,     /* the header says that it is another kind of token */
    ID_TOKEN_MISSING, /* iss, sub, aud, exp or iat */
    ID_TOKEN_ISSUER,
    ID_TOKEN_AUDIENCE, /* the client is not in it */
    ID_TOKEN_AZP,      /* azp is another client, or is missing where aud names several */
    ID_TOKEN_SUBJECT,  /* another person than before, or over 255 bytes */
    ID_TOKEN_EXPIRED,
    ID_TOKEN_FUTURE, /* iat or nbf */
    ID_TOKEN_NONCE,
    ID_TOKEN_AT_HASH, /* it came with another access token */
    ID_TOKEN_VERDICTS
};

struct id_token_rules {
    struct paa_str issuer; /* byte by byte */
    struct paa_str client_id;
    struct paa_str nonce;        /* absent: none was sent, and none is looked for */
    struct paa_str subject;      /* of the login that this renews (12.2); absent: anybody */
    struct paa_str access_token; /* that came with it; absent: none */
    int64_t leeway_s;            /* for clocks that differ */
};

enum id_token_verdict id_token_judge(const struct jwt *jwt, const struct id_token_rules *rules,
                                     int64_t now_s);
/* What is wrong, as the end of a sentence: "names another issuer". */
const char *id_token_sentence(enum id_token_verdict verdict);
/* As people know them: name, else preferred_username, else email; absent: none that can be shown. A view of what jwt_read
 * was given; while its scratch is not used again. */
struct paa_str id_token_name(const struct jwt *jwt);

#endif
