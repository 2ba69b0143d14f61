/* SPDX-License-Identifier: MIT */
/*
 * What is kept of a key: SHA-256 under a domain word, so that who reads the store cannot call and a digest of
 * one kind is never one of another. The only file here that calls libcrypto; leaves its error queue and
 * errno as found. Knows no store.
 *
 *   minted     SHA-256("paa-apikey-1" sizes prefix_id_secret)
 *   imported   SHA-256("paa-apikey-import-1" size text)
 *   short      HMAC-SHA-256(pepper, "paa-apikey-pepper-1" size text)
 */
#ifndef APIKEY_DIGEST_H
#define APIKEY_DIGEST_H

#include "key.h"

enum {
    DIGEST_SIZE = 32,
    IMPORT_PLAIN_MIN =
        22,         /* characters: fewer cannot hold 128 bits, and are guessed from a digest */
    IMPORT_MIN = 8, /* characters: shorter ones are guessed by asking */
    IMPORT_MAX = 512,
    PEPPER_MIN = 16 /* bytes */
};

struct digest_lane { /* one thread's: memory that digests are computed in, wiped after each */
    void *context;
};

bool digest_lane_init(struct digest_lane *lane);
void digest_lane_done(struct digest_lane *lane);

/* False: libcrypto could not, and there is no digest. */
bool digest_minted(struct digest_lane *lane, const struct key_parts *parts,
                   unsigned char ret_digest[DIGEST_SIZE]);
/* text: at most IMPORT_MAX. */
bool digest_imported(struct digest_lane *lane, struct paa_str text,
                     unsigned char ret_digest[DIGEST_SIZE]);
/* text: shorter than IMPORT_PLAIN_MIN. */
bool digest_short(struct paa_bytes pepper, struct paa_str text,
                  unsigned char ret_digest[DIGEST_SIZE]);
/* In constant time. */
bool digest_eq(const unsigned char a[DIGEST_SIZE], const unsigned char b[DIGEST_SIZE]);

#endif
