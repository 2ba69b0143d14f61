/* SPDX-License-Identifier: MIT */
/* See cookie_seal.h. */
#include "cookie_seal.h"

#include "secret.h"
#include "str.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum {
    FORMAT = 1,
    NONCE_AT = 1 + COOKIE_KEY_ID_SIZE,
    HEAD_SIZE = NONCE_AT + COOKIE_NONCE_SIZE,
    BOUND_MAX = 1024, /* bytes of what it is bound to */
    DIGEST_SIZE = 32
};

static const char domain[] = "paa oauth2-code cookie 1";
static const char purpose_key[] = "paa oauth2-code cookie key 1";
static const char purpose_id[] = "paa oauth2-code cookie key id 1";

void cookie_lane_done(struct cookie_lane *lane)
{
    EVP_CIPHER_CTX_free(lane->closing); /* both wipe what they hold */
    EVP_CIPHER_CTX_free(lane->opening);
    lane->closing = NULL;
    lane->opening = NULL;
}

/* ---- keys --------------------------------------------------------------------------------------- */

static bool digest(struct paa_bytes key, const char *purpose,
                   unsigned char ret_digest[EVP_MAX_MD_SIZE])
{
    unsigned size = 0;

    return HMAC(EVP_sha256(), key.data, (int)key.size, (const unsigned char *)purpose,
                strlen(purpose), ret_digest, &size) != NULL &&
           size == DIGEST_SIZE;
}

static bool make_key(struct cookie_key *key, struct paa_bytes secret)
{
    unsigned char made[EVP_MAX_MD_SIZE];
    bool is_done = digest(secret, purpose_key, made);

    if (is_done)
        memcpy(key->bytes, made, COOKIE_KEY_SIZE);
    is_done = is_done && digest(paa_bytes_of(key->bytes, COOKIE_KEY_SIZE), purpose_id, made);
    if (is_done)
        memcpy(key->id, made, COOKIE_KEY_ID_SIZE);
    secret_wipe(made, sizeof made);
    return is_done;
}

bool cookie_keys_add(struct cookie_keys *keys, struct paa_bytes secret)
{
    int saved = errno;
    bool is_done;

    if (secret.size < COOKIE_SECRET_MIN || secret.size > INT32_MAX ||
        keys->count == COOKIE_KEYS_MAX)
        return false;
    (void)ERR_set_mark();
    is_done = make_key(&keys->list[keys->count], secret);
    (void)ERR_pop_to_mark();
    errno = saved;
    keys->count += is_done;
    return is_done;
}

/* ---- what it is bound to ------------------------------------------------------------------------ */

struct bound {
    unsigned char bytes[BOUND_MAX];
    size_t size;
    bool failed;
};

/* Length, then text: no two places give the same bytes. */
static void add(struct bound *bound, struct paa_str word)
{
    if (word.size > UINT16_MAX || BOUND_MAX - bound->size < 2 + word.size) {
        bound->failed = true;
        return;
    }
    bound->bytes[bound->size++] = (unsigned char)(word.size >> 8);
    bound->bytes[bound->size++] = (unsigned char)(word.size & 0xff);
    if (word.size > 0)
        memcpy(bound->bytes + bound->size, word.data, word.size);
    bound->size += word.size;
}

static bool bind(struct bound *bound, const struct cookie_place *place, const unsigned char *key_id)
{
    char count = (char)place->count;

    bound->size = 0;
    bound->failed = place->count > INT8_MAX;
    add(bound, STR(domain));
    add(bound, place->service);
    add(bound, place->instance);
    add(bound, place->name);
    add(bound, paa_str_of_n(&count, 1));
    add(bound, paa_str_of_n((const char *)key_id, COOKIE_KEY_ID_SIZE));
    return !bound->failed;
}

/* ---- closing ------------------------------------------------------------------------------------ */

/* Finding the cipher costs more than using it: once a lane. */
static EVP_CIPHER_CTX *context_of(EVP_CIPHER_CTX **kept, bool closes)
{
    EVP_CIPHER_CTX *context = *kept;

    if (context != NULL)
        return context;
    context = EVP_CIPHER_CTX_new();
    if (context == NULL ||
        EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, NULL, NULL, closes) != 1) {
        EVP_CIPHER_CTX_free(context);
        return NULL;
    }
    *kept = context;
    return context;
}

/* bytes: head, then room for text and tag. */
static bool encipher(EVP_CIPHER_CTX *context, const struct cookie_key *key,
                     const struct bound *bound, struct paa_bytes plain, unsigned char *bytes)
{
    unsigned char *text = bytes + HEAD_SIZE;
    int size;

    return EVP_EncryptInit_ex(context, NULL, NULL, key->bytes, bytes + NONCE_AT) == 1 &&
           EVP_EncryptUpdate(context, NULL, &size, bound->bytes, (int)bound->size) == 1 &&
           EVP_EncryptUpdate(context, text, &size, plain.data, (int)plain.size) == 1 &&
           EVP_EncryptFinal_ex(context, text + plain.size, &size) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, COOKIE_TAG_SIZE, text + plain.size) ==
               1;
}

static bool close_with(struct cookie_lane *lane, const struct cookie_key *key,
                       const unsigned char *nonce, const struct cookie_place *place,
                       struct paa_bytes plain, char *ret_text)
{
    unsigned char bytes[COOKIE_PLAIN_MAX + COOKIE_EXTRA];
    EVP_CIPHER_CTX *context = context_of(&lane->closing, true);
    struct bound bound;

    if (context == NULL || !bind(&bound, place, key->id))
        return false;
    bytes[0] = FORMAT;
    memcpy(bytes + 1, key->id, COOKIE_KEY_ID_SIZE);
    memcpy(bytes + NONCE_AT, nonce, COOKIE_NONCE_SIZE);
    if (!encipher(context, key, &bound, plain, bytes))
        return false;
    base64url_encode(paa_bytes_of(bytes, plain.size + COOKIE_EXTRA), ret_text);
    return true;
}

bool cookie_close(struct cookie_lane *lane, const struct cookie_keys *keys,
                  const unsigned char nonce[COOKIE_NONCE_SIZE], const struct cookie_place *place,
                  struct paa_bytes plain, char *ret_text)
{
    int saved = errno;
    bool is_done;

    if (keys->count == 0 || plain.size == 0 || plain.size > COOKIE_PLAIN_MAX)
        return false;
    (void)ERR_set_mark();
    is_done = close_with(lane, &keys->list[0], nonce, place, plain, ret_text);
    (void)ERR_pop_to_mark();
    errno = saved;
    return is_done;
}

/* ---- opening ------------------------------------------------------------------------------------ */

/* In place. */
static bool decipher(EVP_CIPHER_CTX *context, const struct cookie_key *key,
                     const struct bound *bound, unsigned char *bytes, size_t size)
{
    unsigned char *text = bytes + HEAD_SIZE, *tag = bytes + size - COOKIE_TAG_SIZE;
    int done;

    return EVP_DecryptInit_ex(context, NULL, NULL, key->bytes, bytes + NONCE_AT) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, COOKIE_TAG_SIZE, tag) == 1 &&
           EVP_DecryptUpdate(context, NULL, &done, bound->bytes, (int)bound->size) == 1 &&
           EVP_DecryptUpdate(context, text, &done, text, (int)(size - COOKIE_EXTRA)) == 1 &&
           EVP_DecryptFinal_ex(context, tag, &done) == 1;
}

static bool open_with(struct cookie_lane *lane, const struct cookie_key *key,
                      const struct cookie_place *place, unsigned char *bytes, size_t size)
{
    EVP_CIPHER_CTX *context = context_of(&lane->opening, false);
    struct bound bound;

    return context != NULL && bind(&bound, place, key->id) &&
           decipher(context, key, &bound, bytes, size);
}

static const struct cookie_key *key_of(const struct cookie_keys *keys, const unsigned char *id)
{
    for (size_t i = 0; i < keys->count; i++)
        if (memcmp(keys->list[i].id, id, COOKIE_KEY_ID_SIZE) == 0)
            return &keys->list[i];
    return NULL;
}

bool cookie_open(struct cookie_lane *lane, const struct cookie_keys *keys,
                 const struct cookie_place *place, struct paa_str text, unsigned char *ret_plain,
                 size_t *ret_size)
{
    unsigned char bytes[BASE64URL_DECODED_MAX(COOKIE_SEALED_SIZE(COOKIE_PLAIN_MAX))];
    const struct cookie_key *key;
    int saved = errno;
    size_t size = 0;
    bool is_done;

    if (text.size > COOKIE_SEALED_SIZE(COOKIE_PLAIN_MAX) || !base64url_decode(text, bytes, &size) ||
        size <= COOKIE_EXTRA || bytes[0] != FORMAT || (key = key_of(keys, bytes + 1)) == NULL)
        return false;
    (void)ERR_set_mark();
    is_done = open_with(lane, key, place, bytes, size);
    (void)ERR_pop_to_mark();
    errno = saved;
    if (is_done) {
        *ret_size = size - COOKIE_EXTRA;
        memcpy(ret_plain, bytes + HEAD_SIZE, *ret_size);
    }
    secret_wipe(bytes, size);
    return is_done;
}
