/* SPDX-License-Identifier: MIT */
/* A secret of 1 kB on its way into a store's file and out of it, beside the cipher alone. */
#include "groups.h"
#include "store_seal.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1024, NONCE = 12, TAG = 16, KEY = 32, BOUND = 160 };

struct sealing { /* one thread's */
    struct seal_ring *ring;
    EVP_CIPHER_CTX *closing, *opening;
    unsigned char value[SIZE];
    unsigned char opened[SIZE];
    unsigned char sealed[SIZE + SEAL_EXTRA];
};

/* As store_seal.c does with the values it is given: closes, opens, looks. */
static void run_sealed(void *state, uint64_t count)
{
    struct sealing *s = state;
    struct chance chance = { NULL, NULL };
    struct seal_place place = { .address = "secret:oauth2-cc/billing/memo.tokens",
                                .key = paa_bytes_of("0123456789abcdef0123456789abcdef", 32),
                                .expires_at_s = 2000000000 };

    for (uint64_t i = 0; i < count; i++) {
        place.version = i + 1;
        if (!seal_close(s->ring, &chance, &place, paa_bytes_of(s->value, SIZE), s->sealed) ||
            seal_open(s->ring, &place, paa_bytes_of(s->sealed, sizeof s->sealed), s->opened) !=
                SEAL_OK)
            bench_fail("what was sealed does not open");
    }
}

/* The least that does the same: chance nonce, as many bytes bound, kept contexts. */
static void run_raw(void *state, uint64_t count)
{
    static const unsigned char bound[BOUND];
    struct sealing *s = state;
    unsigned char *nonce = s->sealed, *text = nonce + NONCE, *tag = text + SIZE;
    int n;

    for (uint64_t i = 0; i < count; i++) {
        if (RAND_priv_bytes(nonce, NONCE) != 1 ||
            EVP_EncryptInit_ex(s->closing, NULL, NULL, NULL, nonce) != 1 ||
            EVP_EncryptUpdate(s->closing, NULL, &n, bound, BOUND) != 1 ||
            EVP_EncryptUpdate(s->closing, text, &n, s->value, SIZE) != 1 ||
            EVP_EncryptFinal_ex(s->closing, tag, &n) != 1 ||
            EVP_CIPHER_CTX_ctrl(s->closing, EVP_CTRL_GCM_GET_TAG, TAG, tag) != 1 ||
            EVP_DecryptInit_ex(s->opening, NULL, NULL, NULL, nonce) != 1 ||
            EVP_CIPHER_CTX_ctrl(s->opening, EVP_CTRL_GCM_SET_TAG, TAG, tag) != 1 ||
            EVP_DecryptUpdate(s->opening, NULL, &n, bound, BOUND) != 1 ||
            EVP_DecryptUpdate(s->opening, s->opened, &n, text, SIZE) != 1 ||
            EVP_DecryptFinal_ex(s->opening, tag, &n) != 1)
            bench_fail("libcrypto does not encipher");
    }
}

static void sealing_init(struct sealing *s)
{
    static const unsigned char key[KEY] = { 7 }, salt[SEAL_SALT_SIZE] = { 1 };
    struct paa_bytes secret = paa_bytes_of(key, sizeof key);
    struct paa_error error;

    memset(s->value, 'v', SIZE);
    s->ring = seal_ring_new(&secret, 1, &error);
    s->closing = EVP_CIPHER_CTX_new();
    s->opening = EVP_CIPHER_CTX_new();
    if (s->ring == NULL || !seal_ring_bind(s->ring, salt) || s->closing == NULL ||
        s->opening == NULL ||
        EVP_EncryptInit_ex(s->closing, EVP_aes_256_gcm(), NULL, key, NULL) != 1 ||
        EVP_DecryptInit_ex(s->opening, EVP_aes_256_gcm(), NULL, key, NULL) != 1)
        bench_fail("no memory for keys");
}

static void sealing_free(struct sealing *s)
{
    seal_ring_free(s->ring);
    EVP_CIPHER_CTX_free(s->closing);
    EVP_CIPHER_CTX_free(s->opening);
}

void group_seal(const struct bench_options *options)
{
    static struct sealing sealing[BENCH_THREADS];
    static struct bench_case cases[2];

    cases[0] = (struct bench_case){ .name = "AES-256-GCM alone, kept contexts", .run = run_raw };
    cases[1] = (struct bench_case){ .name = "1 kB sealed and opened", .run = run_sealed };
    for (unsigned i = 0; i < BENCH_THREADS; i++) {
        sealing_init(&sealing[i]);
        cases[0].state[i] = cases[1].state[i] = &sealing[i];
    }
    bench_group(options, "sealing", cases, 2);
    bench_promise_ratio(options, "sealing and opening 1 kB, of the cipher alone", &cases[1],
                        &cases[0], 0, 1.5);
    for (unsigned i = 0; i < BENCH_THREADS; i++)
        sealing_free(&sealing[i]);
}
