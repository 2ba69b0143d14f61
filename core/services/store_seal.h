/* SPDX-License-Identifier: MIT */
/*
 * How the values of SECRET tables lie in a file: AES-256-GCM, bound to their place. Knows no file, no SQL and no
 * operation; used by one thread at a time.
 *
 *   sealed     1 (format), id of the key (4), nonce (12), the value enciphered, tag (16)
 *   bound to   the table's address (plugin, instance, name), the record's key, expiry and version: a record that
 *              was copied to another key, table, instance or store, or whose life was prolonged, does not open
 *   the key    HKDF of the ring's secret, salted with the file's own chance bytes: two stores with one secret
 *              have different keys
 *
 * Nonces are chance, since a counter could come again after a fork or from an old copy of the file. That is good
 * for 2^32 seals of one key (NIST SP 800-38D, 8.3). Nobody has to count them: a store numbers its writes, and each
 * 2^31 of them have a key of their own.
 *
 * Under a ring the first key seals and all of them open: so a key is followed by another without a moment in
 * which nothing can be read, and what is written again is sealed by the new one.
 */
#ifndef SERVICES_STORE_SEAL_H
#define SERVICES_STORE_SEAL_H

#include "clock.h"

#include <paa/types.h>
#include <stdbool.h>

enum {
    SEAL_KEYS_MAX = 8,
    SEAL_SECRET_MIN = 32, /* bytes, as they are read: 16 hexadecimal ones would be guessed */
    SEAL_SALT_SIZE = 16,
    SEAL_ID_SIZE = 4,
    SEAL_NONCE_SIZE = 12,
    SEAL_TAG_SIZE = 16,
    SEAL_HEAD_SIZE = 1 + SEAL_ID_SIZE,
    SEAL_EXTRA =
        SEAL_HEAD_SIZE + SEAL_NONCE_SIZE + SEAL_TAG_SIZE, /* a sealed value is that longer */
    SEAL_AGE_SHIFT = 31 /* versions that share a key: half of what chance nonces are good for */
};

struct seal_ring;

struct seal_place { /* what a value is bound to */
    const char *address;
    struct paa_bytes key;
    int64_t expires_at_s;
    uint64_t version;
};

enum seal_result {
    SEAL_OK = 1,
    SEAL_STRANGE, /* none of the ring's keys sealed it */
    SEAL_BROKEN,  /* not what was sealed, or not there */
    SEAL_FAILED   /* no memory, no chance */
};

/* Copies the secrets. NULL: *error says why. */
struct seal_ring *seal_ring_new(const struct paa_bytes *secrets, size_t count,
                                struct paa_error *error);
/* Wipes. NULL is fine. */
void seal_ring_free(struct seal_ring *ring);
/* The same secrets in the same order. */
bool seal_ring_equal(const struct seal_ring *a, const struct seal_ring *b);
/* Before anything is sealed or opened, and again for another file. */
bool seal_ring_bind(struct seal_ring *ring, const unsigned char salt[SEAL_SALT_SIZE]);

/* Writes value.size + SEAL_EXTRA bytes. */
bool seal_close(struct seal_ring *ring, const struct chance *chance, const struct seal_place *place,
                struct paa_bytes value, unsigned char *ret_sealed);
/* Writes sealed.size - SEAL_EXTRA bytes, if any, and only if OK. */
enum seal_result seal_open(struct seal_ring *ring, const struct seal_place *place,
                           struct paa_bytes sealed, unsigned char *ret_value);

#endif
