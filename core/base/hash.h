/* SPDX-License-Identifier: MIT */
/*
 * Keyed hashes for hash tables that strangers fill: SipHash-1-3, and for long keys a sum of products before it, which
 * takes a fifth of its time. Not for signatures.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <paa/types.h>

struct hash_key {
    uint64_t word[2];
};

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t size);

/* The same promise for keys of any size: two that were chosen without knowing the key fall together by chance only, in
 * any bits of the hash. */
enum { HASH_BLOCK_WORDS = 512 };

struct hash_long_key {
    struct hash_key base;
    uint32_t block[HASH_BLOCK_WORDS];
};

void hash_long_key_make(const struct hash_key *base, struct hash_long_key *ret_key);
uint64_t hash_long(const struct hash_long_key *key, const void *data, size_t size);

#endif
