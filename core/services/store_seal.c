/* SPDX-License-Identifier: MIT */
/* See store_seal.h. */
#include "store_seal.h"

#include "derive.h"
#include "secret.h"
#include "str.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_SIZE = 32, FORMAT = 1, NUMBER_SIZE = 8 };

static const char domain[] = "paa store sqlite 1";

struct seal_key {
    unsigned char *secret; /* secret memory */
    size_t secret_size;
    unsigned char id[SEAL_ID_SIZE];
    uint64_t age; /* of what the contexts are set to */
    bool is_set;
    EVP_CIPHER_CTX *closing;
    EVP_CIPHER_CTX *opening;
};

struct seal_ring {
    unsigned char salt[SEAL_SALT_SIZE];
    size_t count;
    struct seal_key keys[SEAL_KEYS_MAX];
};

/* ---- keys -------------------------------------------------------------------------------------- */

static bool key_init(struct seal_key *key, struct paa_bytes secret)
{
    key->secret = secret_alloc(secret.size);
    key->closing = EVP_CIPHER_CTX_new();
    key->opening = EVP_CIPHER_CTX_new();
    if (key->secret == NULL || key->closing == NULL || key->opening == NULL)
        return false;
    memcpy(key->secret, secret.data, secret.size);
    key->secret_size = secret.size;
    return true;
}

struct seal_ring *seal_ring_new(const struct paa_bytes *secrets, size_t count,
                                struct paa_error *error)
{
    struct seal_ring *ring = NULL;

    if (count == 0 || count > SEAL_KEYS_MAX) {
        (void)snprintf(error->text, sizeof error->text, "a store has 1 to %d sealing keys",
                       SEAL_KEYS_MAX);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        if (secrets[i].size < SEAL_SECRET_MIN) {
            (void)snprintf(error->text, sizeof error->text,
                           "a sealing key has at least %d bytes: make one with "
                           "`openssl rand -base64 32`",
                           SEAL_SECRET_MIN);
            return NULL;
        }
    ring = calloc(1, sizeof *ring);
    for (size_t i = 0; ring != NULL && i < count; i++) {
        ring->count++;
        if (!key_init(&ring->keys[i], secrets[i])) {
            seal_ring_free(ring);
            ring = NULL;
        }
    }
    if (ring == NULL)
        (void)snprintf(error->text, sizeof error->text, "no memory is left for a sealing key");
    return ring;
}

void seal_ring_free(struct seal_ring *ring)
{
    if (ring == NULL)
        return;
    for (size_t i = 0; i < ring->count; i++) {
        secret_free(ring->keys[i].secret, ring->keys[i].secret_size);
        EVP_CIPHER_CTX_free(ring->keys[i].closing); /* both wipe what they hold */
        EVP_CIPHER_CTX_free(ring->keys[i].opening);
    }
    free(ring);
}

bool seal_ring_equal(const struct seal_ring *a, const struct seal_ring *b)
{
    if (a == NULL || b == NULL || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!secret_eq(paa_bytes_of(a->keys[i].secret, a->keys[i].secret_size),
                       paa_bytes_of(b->keys[i].secret, b->keys[i].secret_size)))
            return false;
    return true;
}

static bool derive(const struct seal_ring *ring, const struct seal_key *key, const char *purpose,
                   uint64_t age, unsigned char *ret_key, size_t size)
{
    unsigned char info[DERIVE_INFO_MAX];
    char number[24];
    size_t info_size = 0;

    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)age);
    return derive_info_add(info, &info_size, STR("paa store seal 1")) &&
           derive_info_add(info, &info_size, paa_str_of(purpose)) &&
           derive_info_add(info, &info_size, paa_str_of(number)) &&
           derive_key(paa_bytes_of(key->secret, key->secret_size),
                      paa_bytes_of(ring->salt, sizeof ring->salt), paa_bytes_of(info, info_size),
                      ret_key, size);
}

bool seal_ring_bind(struct seal_ring *ring, const unsigned char salt[SEAL_SALT_SIZE])
{
    bool is_done = true;

    memcpy(ring->salt, salt, SEAL_SALT_SIZE);
    for (size_t i = 0; i < ring->count && is_done; i++) {
        ring->keys[i].is_set = false;
        is_done = derive(ring, &ring->keys[i], "id", 0, ring->keys[i].id, SEAL_ID_SIZE);
    }
    return is_done;
}

/* The contexts take the key of that age: as good as never, since ages are long. */
static bool key_set(const struct seal_ring *ring, struct seal_key *key, uint64_t age)
{
    unsigned char bytes[KEY_SIZE];

    if (key->is_set && key->age == age)
        return true;
    key->is_set = derive(ring, key, "key", age, bytes, sizeof bytes) &&
                  EVP_EncryptInit_ex(key->closing, EVP_aes_256_gcm(), NULL, bytes, NULL) == 1 &&
                  EVP_DecryptInit_ex(key->opening, EVP_aes_256_gcm(), NULL, bytes, NULL) == 1;
    key->age = age;
    secret_wipe(bytes, sizeof bytes);
    return key->is_set;
}

/* ---- what a value is bound to ------------------------------------------------------------------ */

static void put_number(unsigned char *to, uint64_t number)
{
    for (size_t i = 0; i < NUMBER_SIZE; i++)
        to[i] = (unsigned char)(number >> (8 * (NUMBER_SIZE - 1 - i)));
}

static bool add(EVP_CIPHER_CTX *context, const void *data, size_t size)
{
    int written;

    return size == 0 ||
           EVP_CipherUpdate(context, NULL, &written, data, (int)size) == 1; /* all are short */
}

/* Numbers first, with the lengths among them: no two places give the same bytes. */
static bool bind(EVP_CIPHER_CTX *context, const struct seal_place *place,
                 const unsigned char head[SEAL_HEAD_SIZE])
{
    size_t address_size = strlen(place->address);
    unsigned char numbers[4 * NUMBER_SIZE];

    put_number(numbers, (uint64_t)place->expires_at_s);
    put_number(numbers + NUMBER_SIZE, place->version);
    put_number(numbers + 2 * NUMBER_SIZE, address_size);
    put_number(numbers + 3 * NUMBER_SIZE, place->key.size);
    return add(context, domain, sizeof domain) && add(context, head, SEAL_HEAD_SIZE) &&
           add(context, numbers, sizeof numbers) && add(context, place->address, address_size) &&
           add(context, place->key.data, place->key.size);
}

/* An update of nothing is none: GCM would take a NULL for more that is bound. */
static bool turn(EVP_CIPHER_CTX *context, struct paa_bytes from, unsigned char *to)
{
    int written;

    return from.size == 0 ||
           EVP_CipherUpdate(context, to, &written, from.data, (int)from.size) == 1;
}

/* ---- sealing and opening ----------------------------------------------------------------------- */

static bool close_with(struct seal_key *key, const struct seal_place *place, struct paa_bytes value,
                       unsigned char *ret_sealed)
{
    unsigned char *nonce = ret_sealed + SEAL_HEAD_SIZE;
    unsigned char *text = nonce + SEAL_NONCE_SIZE;
    unsigned char *tag = text + value.size;
    int written;

    ret_sealed[0] = FORMAT;
    memcpy(ret_sealed + 1, key->id, SEAL_ID_SIZE);
    return EVP_EncryptInit_ex(key->closing, NULL, NULL, NULL, nonce) == 1 &&
           bind(key->closing, place, ret_sealed) && turn(key->closing, value, text) &&
           EVP_EncryptFinal_ex(key->closing, tag, &written) == 1 &&
           EVP_CIPHER_CTX_ctrl(key->closing, EVP_CTRL_GCM_GET_TAG, SEAL_TAG_SIZE, tag) == 1;
}

bool seal_close(struct seal_ring *ring, const struct chance *chance, const struct seal_place *place,
                struct paa_bytes value, unsigned char *ret_sealed)
{
    struct seal_key *key = &ring->keys[0];
    int saved = errno;
    bool is_done;

    if (value.size > INT_MAX - SEAL_EXTRA)
        return false;
    (void)ERR_set_mark();
    is_done = key_set(ring, key, place->version >> SEAL_AGE_SHIFT) &&
              chance_fill(chance, ret_sealed + SEAL_HEAD_SIZE, SEAL_NONCE_SIZE) == 0 &&
              close_with(key, place, value, ret_sealed);
    (void)ERR_pop_to_mark();
    errno = saved;
    return is_done;
}

static enum seal_result open_with(struct seal_key *key, const struct seal_place *place,
                                  struct paa_bytes sealed, unsigned char *ret_value)
{
    const unsigned char *head = sealed.data;
    const unsigned char *nonce = head + SEAL_HEAD_SIZE;
    const unsigned char *text = nonce + SEAL_NONCE_SIZE;
    size_t size = sealed.size - SEAL_EXTRA;
    unsigned char tag[SEAL_TAG_SIZE];
    unsigned char none[SEAL_TAG_SIZE];
    int written;

    memcpy(tag, text + size, sizeof tag);
    if (EVP_DecryptInit_ex(key->opening, NULL, NULL, NULL, nonce) != 1 ||
        EVP_CIPHER_CTX_ctrl(key->opening, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_SIZE, tag) != 1 ||
        !bind(key->opening, place, head))
        return SEAL_FAILED;
    if (turn(key->opening, paa_bytes_of(text, size), ret_value) &&
        EVP_DecryptFinal_ex(key->opening, none, &written) == 1)
        return SEAL_OK;
    secret_wipe(ret_value, size); /* nobody vouches for it */
    return SEAL_BROKEN;
}

enum seal_result seal_open(struct seal_ring *ring, const struct seal_place *place,
                           struct paa_bytes sealed, unsigned char *ret_value)
{
    const unsigned char *head = sealed.data;
    enum seal_result result = SEAL_STRANGE;
    int saved = errno;

    if (sealed.size < SEAL_EXTRA || sealed.size > INT_MAX || head[0] != FORMAT)
        return SEAL_BROKEN;
    (void)ERR_set_mark();
    for (size_t i = 0; i < ring->count && result == SEAL_STRANGE; i++) {
        if (memcmp(ring->keys[i].id, head + 1, SEAL_ID_SIZE) != 0)
            continue;
        result = key_set(ring, &ring->keys[i], place->version >> SEAL_AGE_SHIFT)
                     ? open_with(&ring->keys[i], place, sealed, ret_value)
                     : SEAL_FAILED;
    }
    (void)ERR_pop_to_mark();
    errno = saved;
    return result;
}
