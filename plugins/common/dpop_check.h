/* SPDX-License-Identifier: MIT */
/*
 * Checks a DPoP proof (RFC 9449 4.3). Pure: time, request and token come as arguments. Knows no replay memory and no
 * nonce's meaning: both are the caller's, and so is that there is one field only. Everything that needs no public-key
 * work comes first.
 *
 *   verdict = dpop_read(text, &want, &lane->scratch, memory, &proof);   all but the signature
 *   verdict = dpop_verify(&proof);
 *   dpop_done(&proof);                                                  in any case
 */
#ifndef COMMON_DPOP_CHECK_H
#define COMMON_DPOP_CHECK_H

#include "jwk.h"
#include "jwt.h"

enum {
    DPOP_TEXT_MAX = 8 * 1024, /* characters of a proof */
    DPOP_JTI_MAX = 256,
    DPOP_AGE_MAX_S = 60, /* of a proof, beside what clocks may differ */
    DPOP_ID_SIZE = 32
};

struct dpop_want { /* what a proof must fit */
    uint32_t algs; /* set of ALG_BIT; HS never counts */
    struct paa_str method;
    struct paa_str scheme; /* "https": as the outside sees it, as all of these */
    struct paa_str authority;
    struct paa_str target; /* path and query as on the wire */
    struct paa_str token;
    struct paa_str jkt; /* of the token's cnf: 43 characters */
    int64_t now_s;
    int64_t leeway_s;
};

enum dpop_verdict {
    DPOP_GOOD = 1,
    DPOP_FORM,      /* no JWT, or not one that is taken: proof->found says what */
    DPOP_TYP,       /* typ is not dpop+jwt */
    DPOP_KEY,       /* no jwk, or one that cannot be used or holds a private key */
    DPOP_OTHER_KEY, /* the token is bound to another one */
    DPOP_MISSING,   /* jti, htm, htu, iat or ath */
    DPOP_METHOD,
    DPOP_URI,
    DPOP_TIME,  /* too old, or of the future */
    DPOP_TOKEN, /* ath is another token's */
    DPOP_SIGNATURE,
    DPOP_FAULT /* libcrypto failed */
};

struct dpop_proof {
    struct jwt jwt;
    struct jwk key;
    bool has_key;
    struct jwt_finding found;       /* with DPOP_FORM */
    struct paa_str nonce;           /* absent: none */
    unsigned char id[DPOP_ID_SIZE]; /* of key and jti: what must not come twice */
    int64_t ends_at_s;              /* from then on it is too old anyway */
};

/* Bytes that dpop_read wants. */
size_t dpop_memory(struct paa_str text);
enum dpop_verdict dpop_read(struct paa_str text, const struct dpop_want *want,
                            struct jwt_scratch *scratch, void *memory,
                            struct dpop_proof *ret_proof);
enum dpop_verdict dpop_verify(const struct dpop_proof *proof);
void dpop_done(struct dpop_proof *proof);
/* For operators, with nothing of the proof in it. */
const char *dpop_sentence(enum dpop_verdict verdict);

#endif
