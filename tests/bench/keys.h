/* SPDX-License-Identifier: MIT */
/*
 * Many API keys, as `mint` writes them, put into a store by the short way: one commit for all, with the store's
 * own statements, the plugin's own texts and records. What reads them is the product itself.
 */
#ifndef BENCH_KEYS_H
#define BENCH_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_KEY_SIZE = 66 }; /* "paa_", 12, "_", 43, 6 */

struct keys {
    size_t count;
    char *
        texts; /* BENCH_KEY_SIZE each, one behind the other; their ids are random, so this order is */
};

/* The same keys at each run. */
void keys_make(struct keys *ret_keys, size_t count);
/* As many with other secrets, their checksums right: of the same ids, or of ids that nobody has. */
void keys_make_wrong(struct keys *ret_keys, const struct keys *keys, bool is_known);
void keys_free(struct keys *keys);
const char *keys_text(const struct keys *keys, size_t index);
const char *keys_id(const struct keys *keys, size_t index);

/* Makes the store file with all of them, in another order than theirs; for the instance "clients". */
void keys_store(const struct keys *keys, const char *path);

#endif
