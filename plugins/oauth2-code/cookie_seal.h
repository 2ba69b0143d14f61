/* SPDX-License-Identifier: MIT */
/*
 * What a browser keeps for us, sealed: AES-256-GCM with a nonce of chance, as text that a cookie may hold. Pure: keys and
 * chance come as arguments. Knows no session and no host. Leaves OpenSSL's error queue and errno as found.
 *
 *   text = base64url(format, key id, nonce, ciphertext, tag)
 *
 * Bound to it, so that it opens nowhere else: service, instance, the cookie's name, how many cookies it is parted into,
 * and the key's id. It is sealed whole and parted afterwards: a chunk that is missing, from another time or in another
 * place spoils all of it. With a nonce of chance one key may seal 2^32 times.
 */
#ifndef OAUTH2_CODE_COOKIE_SEAL_H
#define OAUTH2_CODE_COOKIE_SEAL_H

#include "codec.h"

#include <paa/types.h>
#include <stdbool.h>

enum {
    COOKIE_KEY_SIZE = 32,
    COOKIE_KEYS_MAX = 8,    /* that open; the first of them seals */
    COOKIE_SECRET_MIN = 32, /* bytes of a secret of the policy's that a key is made of */
    COOKIE_KEY_ID_SIZE = 4,
    COOKIE_NONCE_SIZE = 12,
    COOKIE_TAG_SIZE = 16,
    COOKIE_EXTRA = 1 + COOKIE_KEY_ID_SIZE + COOKIE_NONCE_SIZE + COOKIE_TAG_SIZE,
    COOKIE_PLAIN_MAX = 12 * 1024 /* bytes that are sealed at once */
};

/* Characters of what n bytes are sealed into. */
#define COOKIE_SEALED_SIZE(n) BASE64URL_SIZE((n) + COOKIE_EXTRA)

struct evp_cipher_ctx_st;

struct cookie_key {
    unsigned char bytes[COOKIE_KEY_SIZE];
    unsigned char id[COOKIE_KEY_ID_SIZE];
};

struct cookie_keys { /* wiped by whoever made it */
    struct cookie_key list[COOKIE_KEYS_MAX];
    size_t count;
};

struct cookie_lane { /* one thread's at a time; all zero is empty */
    struct evp_cipher_ctx_st *closing;
    struct evp_cipher_ctx_st *opening;
};
void cookie_lane_done(struct cookie_lane *lane);

struct cookie_place { /* where it stands, and nowhere else */
    struct paa_str service;
    struct paa_str instance;
    struct paa_str name;
    unsigned count; /* chunks */
};

/* Adds the key that is made of a secret. False: it is short, there are too many, or libcrypto failed. */
bool cookie_keys_add(struct cookie_keys *keys, struct paa_bytes secret);

/* COOKIE_SEALED_SIZE(plain.size) characters, under the first key. False: too large, no key, libcrypto failed. */
bool cookie_close(struct cookie_lane *lane, const struct cookie_keys *keys,
                  const unsigned char nonce[COOKIE_NONCE_SIZE], const struct cookie_place *place,
                  struct paa_bytes plain, char *ret_text);
/* Into ret_plain, which has room for text.size bytes. False: it is not ours, of another place or key, or changed; then
 * nothing of it is left there. */
bool cookie_open(struct cookie_lane *lane, const struct cookie_keys *keys,
                 const struct cookie_place *place, struct paa_str text, unsigned char *ret_plain,
                 size_t *ret_size);

#endif
