/* SPDX-License-Identifier: MIT */
/*
 * DPoP on the client's side (RFC 9449): the key that tokens are bound to, and a proof for each request. Knows no token
 * endpoint and no plugin.
 *
 *   dpop_key_memo(&def); memo->open(op, &def, &self->dpop_keys);         create
 *   memo->get(op, self->dpop_keys, &query, then, …);                     value->object is a struct dpop_key
 *   dpop_sign(op, key, &proof, then, context);                           20 us
 *
 * The key is P-256 and is made by the memo's producer; nobody sees its private half but keys->import.
 */
#ifndef COMMON_DPOP_PROOF_H
#define COMMON_DPOP_PROOF_H

#include "buf.h"

#include <paa/plugin.h>

enum {
    DPOP_TEXT_SIZE = 43, /* a SHA-256 in base64url: a thumbprint, ath */
    DPOP_NONCE_MAX = 512,
    DPOP_NONCE_LIFE_S = 3600, /* a nonce that is older is not worth showing */
    DPOP_PROOF_MAX = 20 * 1024
};

struct dpop_key { /* read-only, and shared by threads, once it was made */
    struct paa_key *key;
    const struct paa_host *host;
    char thumbprint[DPOP_TEXT_SIZE]; /* RFC 7638: what a token's cnf.jkt says */
    struct paa_str jwk;
};

/* Fills the definition of a memo with that one key, called "dpop". It is SECRET; its values never change by
 * themselves. */
void dpop_key_memo(struct paa_memo_def *ret_def);

struct dpop_proof { /* what a proof says; views that live until dpop_sign has returned */
    struct paa_str method;
    struct paa_str origin; /* with target, which is cut at its query: htu */
    struct paa_str target;
    struct paa_str ath;   /* absent: no token goes along */
    struct paa_str nonce; /* absent: the server has given none */
};

/* OK: the proof, until the operation ends. Else as keys->sign. */
typedef enum paa_result (*dpop_sign_fn)(struct paa_op *op, enum paa_status status,
                                        struct paa_str proof, void *context) PAA_NOEXCEPT;

/* Waiting. No memory or chance left: fail was called, and its result comes back in place of PENDING. */
enum paa_result dpop_sign(struct paa_op *op, const struct dpop_key *key,
                          const struct dpop_proof *proof, dpop_sign_fn then, void *context);

/* ---- pure ------------------------------------------------------------------------------------- */

enum { DPOP_CHANCE_SIZE = 16 };

/* Appends "header.payload", which is to be signed with ES256. False: no memory, or too large. */
bool dpop_proof_write(struct buf *buf, struct paa_str jwk, const struct dpop_proof *proof,
                      const unsigned char chance[DPOP_CHANCE_SIZE], int64_t now_s);
/* base64url of the SHA-256 of an access token (RFC 9449 4.2). */
void dpop_ath(struct paa_str access_token, char ret_text[DPOP_TEXT_SIZE]);
/* May it go into a proof and be remembered? (RFC 9449 8.1: NQCHAR) */
bool dpop_nonce_valid(struct paa_str nonce);

/* A key as its memo keeps it: thumbprint, size of jwk, jwk, private key (PKCS#8). */
struct dpop_kept {
    struct paa_str thumbprint;
    struct paa_str jwk;
    struct paa_bytes private_key;
};
bool dpop_kept_read(struct paa_bytes bytes, struct dpop_kept *ret_kept);
void dpop_kept_write(struct buf *buf, const struct dpop_kept *kept);

#endif
