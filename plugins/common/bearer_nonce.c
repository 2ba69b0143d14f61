/* SPDX-License-Identifier: MIT */
/*
 * Nonces for DPoP proofs (RFC 9449 9) that nobody needs to remember: a time and its digest under a key that all workers
 * derive alike. One is good for one to two of its slots.
 */
#include "bearer_inner.h"

#include "codec.h"
#include "secret.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum {
    SLOT_S = 150,
    SLOT_SIZE = 8,
    MAC_SIZE = 16,
    NONCE_BYTES = SLOT_SIZE + MAC_SIZE,
    KEY_SIZE = 32
};

_Static_assert(BASE64URL_SIZE((int)NONCE_BYTES) == BEARER_NONCE_SIZE, "a nonce's text");

static bool make(struct paa_op *op, uint32_t age, uint64_t slot,
                 unsigned char ret_bytes[NONCE_BYTES])
{
    unsigned char key[KEY_SIZE], digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    bool is_done;

    if (op->host->sources->derive(op, "dpop-nonce", age, key, sizeof key) != PAA_STATUS_OK)
        return false;
    for (size_t i = 0; i < SLOT_SIZE; i++)
        ret_bytes[i] = (unsigned char)(slot >> (8 * (SLOT_SIZE - 1 - i)));
    ERR_set_mark();
    is_done = HMAC(EVP_sha256(), key, KEY_SIZE, ret_bytes, SLOT_SIZE, digest, &size) != NULL;
    ERR_pop_to_mark();
    secret_wipe(key, sizeof key);
    memcpy(ret_bytes + SLOT_SIZE, digest, MAC_SIZE);
    return is_done && size >= MAC_SIZE;
}

static uint64_t slot_now(struct paa_op *op)
{
    int64_t now_s = op->host->clock->now_s(op);

    return now_s > 0 ? (uint64_t)now_s / SLOT_S : 0;
}

bool bearer_nonce_make(struct paa_op *op, char ret_nonce[BEARER_NONCE_SIZE])
{
    unsigned char bytes[NONCE_BYTES];

    if (!make(op, 0, slot_now(op), bytes))
        return false;
    base64url_encode(paa_bytes_of(bytes, sizeof bytes), ret_nonce);
    return true;
}

static bool is_ours(struct paa_op *op, uint32_t age, uint64_t slot,
                    const unsigned char given[NONCE_BYTES])
{
    unsigned char bytes[NONCE_BYTES];

    return make(op, age, slot, bytes) &&
           secret_eq(paa_bytes_of(bytes, sizeof bytes), paa_bytes_of(given, NONCE_BYTES));
}

enum bearer_nonce bearer_nonce_check(struct paa_op *op, struct paa_str nonce)
{
    unsigned char given[BASE64URL_DECODED_MAX(BEARER_NONCE_SIZE)];
    uint64_t now = slot_now(op), slot = 0;
    size_t size;

    if (nonce.size != BEARER_NONCE_SIZE || !base64url_decode(nonce, given, &size) ||
        size != NONCE_BYTES)
        return BEARER_NONCE_BAD;
    for (size_t i = 0; i < SLOT_SIZE; i++)
        slot = slot << 8 | given[i];
    if (slot > now || now - slot > 1)
        return BEARER_NONCE_BAD;
    if (!is_ours(op, 0, slot, given) && !is_ours(op, 1, slot, given))
        return BEARER_NONCE_BAD;
    return slot == now ? BEARER_NONCE_GOOD : BEARER_NONCE_OLD;
}
