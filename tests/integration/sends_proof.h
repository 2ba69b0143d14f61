/* SPDX-License-Identifier: MIT */
/* Tokens that are bound to a key, and proofs as a server reads them (RFC 9449). */
#ifndef TESTS_SENDS_PROOF_H
#define TESTS_SENDS_PROOF_H

#include "jws.h"
#include "jwt.h"
#include "sends.h"
#include "str.h"

#define SENDS_DPOP SENDS_PLAIN "dpop = \"required\";"

static const struct fault_answer bound = {
    .type = JSON_TYPE,
    .headers = "DPoP-Nonce: of-the-token-endpoint\r\n",
    .body = "{\"access_token\":\"one\",\"token_type\":\"DPoP\",\"expires_in\":600}"
};
struct proof { /* as a server reads it: verified with the key in it */
    struct jwt jwt;
    unsigned char thumbprint[JWK_THUMBPRINT_SIZE];
    unsigned char memory[32 * 1024];
    struct jwt_scratch scratch;
};

static inline bool proof_read(const char *text, struct proof *proof)
{
    static struct jws_lane lane;
    struct jwt_accept accept = { .algs = ALG_BIT(ALG_ES256), .takes_jwk = true };
    struct jwt_parts parts;
    const char *why = NULL;
    struct jwk key;
    bool is_good;

    if (jwt_split(paa_str_of(text), &parts).verdict != JWT_GOOD ||
        jwt_memory(&parts) > sizeof proof->memory ||
        jwt_read(&parts, proof->memory, &proof->scratch, &accept, &proof->jwt).verdict !=
            JWT_GOOD ||
        !jwk_read(&proof->jwt.header, json_member(&proof->jwt.header, 0, STR("jwk")), 0, &key,
                  &why))
        return false;
    memcpy(proof->thumbprint, key.thumbprint, sizeof proof->thumbprint);
    is_good =
        jws_verify(&lane, &key, ALG_ES256, proof->jwt.input, proof->jwt.signature) == JWS_GOOD;
    jwk_done(&key);
    jws_lane_done(&lane);
    return is_good;
}

#endif
