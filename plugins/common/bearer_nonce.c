/* SPDX-License-Identifier: MIT */
/*
 * Nonces for DPoP proofs (RFC 9449 9) that nobody needs to remember: a time and its digest under a key that all workers
 * have alike, derived by the context, or of the policy. One is good for one to two of its slots.
 */
#include "bearer_inner.h"

#include "codec.h"
#include "made_keys.h"
#include "secret.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum {
    SLOT_S = 150,
    SLOT_SIZE = 8,
    MAC_SIZE = 16,
    NONCE_BYTES = SLOT_SIZE + MAC_SIZE,
    KEY_SIZE = 32,
    CONTEXT_KEYS = 2
};

#define LABEL "dpop-nonce"

_Static_assert(BASE64URL_SIZE((int)NONCE_BYTES) == BEARER_NONCE_SIZE, "a nonce's text");

static bool hmac(const void *key, size_t key_size, struct paa_bytes text,
                 unsigned char ret_digest[KEY_SIZE])
{
    unsigned size = KEY_SIZE;
    bool is_done;

    ERR_set_mark();
    is_done =
        HMAC(EVP_sha256(), key, (int)key_size, text.data, text.size, ret_digest, &size) != NULL;
    ERR_pop_to_mark();
    return is_done && size == KEY_SIZE;
}

/* Of the policy's keys, by index; without any the context's own, whose second one is that of before a rotation. */
static bool find_key(struct paa_op *op, uint32_t index, unsigned char ret_key[KEY_SIZE])
{
    const struct paa_host_options *options = op->host->options;
    struct paa_bytes secret;

    if (options->count(op->options, BEARER_NONCE_KEY) == 0)
        return op->host->sources->derive(op, LABEL, index, ret_key, KEY_SIZE) == PAA_STATUS_OK;
    secret = op->host->sources->read(op, options->source(op->options, BEARER_NONCE_KEY, index), 0);
    return secret.size >= MADE_KEY_MIN && secret.size <= INT_MAX &&
           hmac(secret.data, secret.size, paa_bytes_of(LABEL, sizeof LABEL - 1), ret_key);
}

static size_t key_count(struct paa_op *op)
{
    size_t count = op->host->options->count(op->options, BEARER_NONCE_KEY);

    return count > 0 ? count : CONTEXT_KEYS;
}

static bool make(struct paa_op *op, uint32_t index, uint64_t slot,
                 unsigned char ret_bytes[NONCE_BYTES])
{
    unsigned char key[KEY_SIZE], digest[KEY_SIZE];
    bool is_done;

    if (!find_key(op, index, key))
        return false;
    for (size_t i = 0; i < SLOT_SIZE; i++)
        ret_bytes[i] = (unsigned char)(slot >> (8 * (SLOT_SIZE - 1 - i)));
    is_done = hmac(key, sizeof key, paa_bytes_of(ret_bytes, SLOT_SIZE), digest);
    secret_wipe(key, sizeof key);
    if (is_done)
        memcpy(ret_bytes + SLOT_SIZE, digest, MAC_SIZE);
    return is_done;
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

static bool is_ours(struct paa_op *op, uint64_t slot, const unsigned char given[NONCE_BYTES])
{
    unsigned char bytes[NONCE_BYTES];
    size_t count = key_count(op);

    for (uint32_t i = 0; i < count; i++)
        if (make(op, i, slot, bytes) &&
            secret_eq(paa_bytes_of(bytes, sizeof bytes), paa_bytes_of(given, NONCE_BYTES)))
            return true;
    return false;
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
    if (!is_ours(op, slot, given))
        return BEARER_NONCE_BAD;
    return slot == now ? BEARER_NONCE_GOOD : BEARER_NONCE_OLD;
}
