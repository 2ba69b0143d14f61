/* SPDX-License-Identifier: MIT */
#include "peers.h"

#include "measure.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE = 64, TEXT = 64, HUGE_PAGE = 2 * 1024 * 1024 };

struct floor {
    EVP_MD_CTX *context;
    const struct keys *keys;
    size_t at;
    unsigned char *table;
    size_t lines;
    uint64_t turn;
    uint64_t found;
};

struct floor *floor_open(const struct keys *keys, size_t lines)
{
    struct floor *floor = calloc(1, sizeof *floor);
    size_t size = (lines * LINE + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);

    if (floor == NULL || (floor->table = aligned_alloc(HUGE_PAGE, size)) == NULL)
        bench_fail("no memory for %zu lines", lines);
    (void)madvise(floor->table, size, MADV_HUGEPAGE);
    for (size_t i = 0; i < size; i++)
        floor->table[i] = (unsigned char)(i >> 6) & 0x7f;
    floor->context = EVP_MD_CTX_new();
    if (floor->context == NULL || EVP_DigestInit_ex2(floor->context, sha256, NULL) != 1)
        bench_fail("libcrypto has no SHA-256");
    EVP_MD_free(sha256);
    floor->keys = keys;
    floor->lines = lines;
    return floor;
}

void floor_close(struct floor *floor)
{
    EVP_MD_CTX_free(floor->context);
    free(floor->table);
    free(floor);
}

/* No byte of the table has its highest bit set, which the compiler cannot know. */
void floor_run(void *state, uint64_t count)
{
    struct floor *floor = state;
    unsigned char digest[EVP_MAX_MD_SIZE];
    uint64_t word;

    for (uint64_t i = 0; i < count; i++) {
        const char *text = keys_text(floor->keys, floor->at) + (floor->found >> 63);

        floor->at = (floor->at + 1) % floor->keys->count;
        if (EVP_DigestInit_ex2(floor->context, NULL, NULL) != 1 ||
            EVP_DigestUpdate(floor->context, text, TEXT) != 1 ||
            EVP_DigestFinal_ex(floor->context, digest, NULL) != 1)
            bench_fail("libcrypto digests no more");
        memcpy(&word, digest, sizeof word);
        word ^= ++floor->turn * 0x9e3779b97f4a7c15u; /* few texts must not mean few lines */
        memcpy(&floor->found, floor->table + word % floor->lines * LINE, sizeof word);
    }
}
