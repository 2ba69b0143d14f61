/* SPDX-License-Identifier: MIT */
/*
 * Verifies a JWS signature (RFC 7515 5.2) with one key. Knows no JSON, no claims and no key set. Leaves
 * OpenSSL's error queue and errno as found.
 *
 * Making a context costs a fifth of an RSA verification, so each lane keeps some, by key. A context holds a
 * reference on its key, so that no other key can come to stand at the address by which it is found; a key
 * that was withdrawn is asked for no more, and its context makes room for others in time.
 */
#ifndef COMMON_JWS_H
#define COMMON_JWS_H

#include "jwk.h"

enum {
    JWS_CONTEXTS_MAX = 16, /* kept by a lane */
    JWS_SIGNATURE_MAX = JWK_RSA_BITS_MAX / 8
};

struct evp_pkey_ctx_st;
struct evp_md_ctx_st;

struct jws_context {
    struct evp_pkey_st *key; /* by which it is found; a reference */
    enum jose_alg alg;
    uint32_t used_at;
    struct evp_pkey_ctx_st *verify; /* on a copy of the key that no other thread has */
    struct evp_md_ctx_st *eddsa;    /* instead, for Ed25519 */
};

struct jws_lane { /* one thread's at a time; all zero is empty */
    struct jws_context contexts[JWS_CONTEXTS_MAX];
    uint32_t clock;
};

void jws_lane_done(struct jws_lane *lane);

enum jws_verdict {
    JWS_GOOD = 1,
    JWS_BAD,       /* the signature is not this key's of this input */
    JWS_WRONG_KEY, /* this key is not for that algorithm, or too short for it */
    JWS_SIZE, /* a signature of that algorithm and key has another size: nothing was computed */
    JWS_FAULT /* libcrypto failed */
};

/* input: "header.payload" as it came. signature: decoded. */
enum jws_verdict jws_verify(struct jws_lane *lane, const struct jwk *key, enum jose_alg alg,
                            struct paa_str input, struct paa_bytes signature);

#endif
