/* SPDX-License-Identifier: MIT */
/* jws.h with libcrypto. Knows no key's JSON. */
/*
 * Digests by SHA256_* and its kin, which OpenSSL calls deprecated: through EVP, libcrypto 3.0 frees and allocates
 * its context anew for every digest. Only the HMAC of secrets, which few tokens need, goes through its usual door.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "jws.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

enum {
    HASH_MAX = SHA512_DIGEST_LENGTH,
    COORDINATE_MAX = 66,                    /* bytes: P-521 */
    DER_MAX = 3 + 2 * (3 + COORDINATE_MAX), /* a SEQUENCE of two INTEGERs of that size */
    EDDSA_SIZE = 64
};

/* ---- digests ----------------------------------------------------------------------------------- */

static const EVP_MD *md_of(uint32_t hash_size)
{
    return hash_size == SHA256_DIGEST_LENGTH   ? EVP_sha256()
           : hash_size == SHA384_DIGEST_LENGTH ? EVP_sha384()
                                               : EVP_sha512();
}

static bool digest(uint32_t hash_size, struct paa_str input, unsigned char ret_hash[HASH_MAX])
{
    SHA256_CTX small;
    SHA512_CTX large;

    if (hash_size == SHA256_DIGEST_LENGTH)
        return SHA256_Init(&small) == 1 && SHA256_Update(&small, input.data, input.size) == 1 &&
               SHA256_Final(ret_hash, &small) == 1;
    if ((hash_size == SHA384_DIGEST_LENGTH ? SHA384_Init(&large) : SHA512_Init(&large)) != 1)
        return false;
    return SHA512_Update(&large, input.data, input.size) == 1 &&
           SHA512_Final(ret_hash, &large) == 1;
}

/* ---- contexts ---------------------------------------------------------------------------------- */

static void context_free(struct jws_context *context)
{
    EVP_PKEY_CTX_free(context->verify);
    EVP_MD_CTX_free(context->eddsa);
    EVP_PKEY_free(context->key);
    memset(context, 0, sizeof *context);
}

void jws_lane_done(struct jws_lane *lane)
{
    for (size_t i = 0; i < JWS_CONTEXTS_MAX; i++)
        context_free(&lane->contexts[i]);
}

static bool set_parameters(EVP_PKEY_CTX *verify, const struct alg_row *row)
{
    const EVP_MD *md = md_of(row->hash_size);

    if (EVP_PKEY_verify_init(verify) != 1)
        return false;
    if (row->family == FAMILY_ECDSA)
        return true;
    if (row->family == FAMILY_PKCS1)
        return EVP_PKEY_CTX_set_rsa_padding(verify, RSA_PKCS1_PADDING) == 1 &&
               EVP_PKEY_CTX_set_signature_md(verify, md) == 1;
    /* RFC 7518 3.5: MGF1 with the same hash, and a salt of its size */
    return EVP_PKEY_CTX_set_rsa_padding(verify, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(verify, md) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(verify, md) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(verify, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* On a copy of the key: libcrypto locks a key at each use, and threads would wait for each other's. */
static bool context_make(struct jws_context *context, EVP_PKEY *key, const struct alg_row *row)
{
    EVP_PKEY *own = EVP_PKEY_dup(key);
    bool is_made = false;

    if (own == NULL)
        return false;
    if (row->family == FAMILY_EDDSA) {
        context->eddsa = EVP_MD_CTX_new();
        is_made = context->eddsa != NULL &&
                  EVP_DigestVerifyInit_ex(context->eddsa, NULL, NULL, NULL, NULL, own, NULL) == 1;
    } else {
        context->verify = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
        is_made = context->verify != NULL && set_parameters(context->verify, row);
    }
    EVP_PKEY_free(own); /* the context has its own reference */
    if (is_made && EVP_PKEY_up_ref(key) == 1)
        context->key = key;
    return is_made && context->key != NULL;
}

/* The one at hand, or a new one in the place of the one that was not used for longest. */
static struct jws_context *context_of(struct jws_lane *lane, EVP_PKEY *key, enum jose_alg alg)
{
    struct jws_context *oldest = &lane->contexts[0];
    uint32_t most = 0;

    lane->clock++;
    for (size_t i = 0; i < JWS_CONTEXTS_MAX; i++) {
        struct jws_context *context = &lane->contexts[i];
        uint32_t age = context->key != NULL ? lane->clock - context->used_at : UINT32_MAX;

        if (context->key == key && context->alg == alg) {
            context->used_at = lane->clock;
            return context;
        }
        if (age > most) {
            most = age;
            oldest = context;
        }
    }
    context_free(oldest);
    if (!context_make(oldest, key, alg_row(alg))) {
        context_free(oldest);
        return NULL;
    }
    oldest->alg = alg;
    oldest->used_at = lane->clock;
    return oldest;
}

/* ---- each family ------------------------------------------------------------------------------- */

static enum jws_verdict verdict_of(int result)
{
    return result == 1 ? JWS_GOOD : JWS_BAD;
}

static enum jws_verdict verify_hash(struct jws_context *context, uint32_t hash_size,
                                    struct paa_str input, const unsigned char *signature,
                                    size_t size)
{
    unsigned char hash[HASH_MAX];

    if (!digest(hash_size, input, hash))
        return JWS_FAULT;
    return verdict_of(EVP_PKEY_verify(context->verify, signature, size, hash, hash_size));
}

/* A positive INTEGER: no zeroes in front, but one where the number would look negative. */
static unsigned char *put_integer(unsigned char *at, const unsigned char *number, size_t size)
{
    for (; size > 1 && number[0] == 0; size--)
        number++;
    *at++ = 2;
    *at++ = (unsigned char)(size + (number[0] >> 7));
    if ((number[0] & 0x80) != 0)
        *at++ = 0;
    memcpy(at, number, size);
    return at + size;
}

/* r and s, which JOSE puts behind each other (RFC 7518 3.4), as DER has them. */
static size_t ecdsa_der(const unsigned char *signature, size_t half, unsigned char ret_der[DER_MAX])
{
    unsigned char body[DER_MAX];
    unsigned char *end = put_integer(put_integer(body, signature, half), signature + half, half);
    size_t size = (size_t)(end - body), head = 0;

    ret_der[head++] = 0x30;
    if (size >= 0x80)
        ret_der[head++] = 0x81;
    ret_der[head++] = (unsigned char)size;
    memcpy(ret_der + head, body, size);
    return head + size;
}

static size_t coordinate_size(enum jose_key type)
{
    return type == KEY_P256 ? 32 : type == KEY_P384 ? 48 : COORDINATE_MAX;
}

static enum jws_verdict verify_ecdsa(struct jws_context *context, const struct alg_row *row,
                                     struct paa_str input, struct paa_bytes signature)
{
    unsigned char der[DER_MAX];
    size_t size = ecdsa_der(signature.data, signature.size / 2, der);

    return verify_hash(context, row->hash_size, input, der, size);
}

/* Said anew to begin: later releases of libcrypto take one message a beginning. */
static enum jws_verdict verify_eddsa(struct jws_context *context, struct paa_str input,
                                     struct paa_bytes signature)
{
    if (EVP_DigestVerifyInit_ex(context->eddsa, NULL, NULL, NULL, NULL, NULL, NULL) != 1)
        return JWS_FAULT;
    return verdict_of(EVP_DigestVerify(context->eddsa, signature.data, signature.size,
                                       (const unsigned char *)input.data, input.size));
}

static enum jws_verdict verify_hmac(const struct jwk *key, uint32_t hash_size, struct paa_str input,
                                    struct paa_bytes signature)
{
    unsigned char mac[HASH_MAX];
    bool is_same;

    if (HMAC(md_of(hash_size), key->secret.data, (int)key->secret.size,
             (const unsigned char *)input.data, input.size, mac, NULL) == NULL)
        return JWS_FAULT;
    is_same = CRYPTO_memcmp(mac, signature.data, hash_size) == 0;
    OPENSSL_cleanse(mac, sizeof mac);
    return is_same ? JWS_GOOD : JWS_BAD;
}

/* ---- the verdict ------------------------------------------------------------------------------- */

static bool size_fits(const struct jwk *key, const struct alg_row *row, size_t size)
{
    switch (row->family) {
    case FAMILY_ECDSA:
        return size == 2 * coordinate_size(key->type);
    case FAMILY_EDDSA:
        return size == EDDSA_SIZE;
    case FAMILY_HMAC:
        return size == row->hash_size;
    case FAMILY_PKCS1:
    case FAMILY_PSS:
    default:
        return size == (size_t)EVP_PKEY_get_size(key->key);
    }
}

static enum jws_verdict verify(struct jws_lane *lane, const struct jwk *key, enum jose_alg alg,
                               struct paa_str input, struct paa_bytes signature)
{
    const struct alg_row *row = alg_row(alg);
    struct jws_context *context;

    if (row->family == FAMILY_HMAC)
        return verify_hmac(key, row->hash_size, input, signature);
    context = context_of(lane, key->key, alg);
    if (context == NULL)
        return JWS_FAULT;
    if (row->family == FAMILY_ECDSA)
        return verify_ecdsa(context, row, input, signature);
    if (row->family == FAMILY_EDDSA)
        return verify_eddsa(context, input, signature);
    return verify_hash(context, row->hash_size, input, signature.data, signature.size);
}

enum jws_verdict jws_verify(struct jws_lane *lane, const struct jwk *key, enum jose_alg alg,
                            struct paa_str input, struct paa_bytes signature)
{
    int found_errno = errno;
    enum jws_verdict verdict;

    if (alg < 1 || alg >= ALG_END || (key->algs & ALG_BIT(alg)) == 0)
        return JWS_WRONG_KEY;
    if (!size_fits(key, alg_row(alg), signature.size))
        return JWS_SIZE;
    ERR_set_mark();
    verdict = verify(lane, key, alg, input, signature);
    ERR_pop_to_mark();
    errno = found_errno;
    return verdict;
}
