/* SPDX-License-Identifier: MIT */
/* key_sign.h by libcrypto. A context for each signature: what it costs is little beside the signature itself. */
#include "key_sign.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

enum { EC_DER_MAX = 160 }; /* of a signature on P-521: 139 bytes */

struct key_algorithm {
    const char *name;
    const char *digest; /* NULL: the algorithm's own business */
    enum key_kind kind;
    int padding;   /* of RSA */
    size_t half;   /* of EC: bytes of r and of s */
    bool is_quick; /* about 20 us; the others take from 240 us to 1 ms */
};

static const struct key_algorithm algorithms[] = {
    { "RS256", "SHA256", KEY_RSA, RSA_PKCS1_PADDING, 0, false },
    { "RS384", "SHA384", KEY_RSA, RSA_PKCS1_PADDING, 0, false },
    { "RS512", "SHA512", KEY_RSA, RSA_PKCS1_PADDING, 0, false },
    { "PS256", "SHA256", KEY_RSA, RSA_PKCS1_PSS_PADDING, 0, false },
    { "PS384", "SHA384", KEY_RSA, RSA_PKCS1_PSS_PADDING, 0, false },
    { "PS512", "SHA512", KEY_RSA, RSA_PKCS1_PSS_PADDING, 0, false },
    { "ES256", "SHA256", KEY_P256, 0, 32, true },
    { "ES384", "SHA384", KEY_P384, 0, 48, false },
    { "ES512", "SHA512", KEY_P521, 0, 66, false },
    { "EdDSA", NULL, KEY_ED25519, 0, 0, true },
    { "Ed25519", NULL, KEY_ED25519, 0, 0, true },
};

const struct key_algorithm *key_algorithm_named(struct paa_str name)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
        if (paa_str_eq(name, algorithms[i].name))
            return &algorithms[i];
    return NULL;
}

bool key_algorithm_fits(const struct key_algorithm *algorithm, enum key_kind kind)
{
    return algorithm->kind == kind;
}

bool key_algorithm_is_quick(const struct key_algorithm *algorithm)
{
    return algorithm->is_quick;
}

/* RFC 7518 3.5: MGF1 with the same digest, salt as long as the digest. MGF1 follows the digest by itself. */
static bool set_padding(EVP_PKEY_CTX *context, const struct key_algorithm *algorithm)
{
    if (algorithm->kind != KEY_RSA)
        return true;
    if (EVP_PKEY_CTX_set_rsa_padding(context, algorithm->padding) != 1)
        return false;
    return algorithm->padding != RSA_PKCS1_PSS_PADDING ||
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static int sign(EVP_PKEY *pkey, const struct key_algorithm *algorithm, struct paa_bytes message,
                unsigned char *ret_signature, size_t *size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding = NULL; /* context's */
    bool is_done =
        context != NULL &&
        EVP_DigestSignInit_ex(context, &padding, algorithm->digest, NULL, NULL, pkey, NULL) == 1 &&
        set_padding(padding, algorithm) &&
        EVP_DigestSign(context, ret_signature, size, message.data, message.size) == 1;

    EVP_MD_CTX_free(context);
    return is_done ? 0 : -1;
}

/* RFC 7518 3.4: r and s one after the other, as long as the curve's order each, in place of DER. */
static int sign_ec(EVP_PKEY *pkey, const struct key_algorithm *algorithm, struct paa_bytes message,
                   unsigned char *ret_signature, size_t *ret_size)
{
    unsigned char der[EC_DER_MAX];
    const unsigned char *at = der;
    size_t size = sizeof der;
    ECDSA_SIG *parts = NULL;
    int half = (int)algorithm->half;
    int result = -1;

    if (sign(pkey, algorithm, message, der, &size) != 0)
        return -1;
    parts = d2i_ECDSA_SIG(NULL, &at, (long)size);
    if (parts != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(parts), ret_signature, half) == half &&
        BN_bn2binpad(ECDSA_SIG_get0_s(parts), ret_signature + half, half) == half)
        result = 0;
    ECDSA_SIG_free(parts);
    *ret_size = 2 * algorithm->half;
    return result;
}

int key_sign(EVP_PKEY *pkey, const struct key_algorithm *algorithm, struct paa_bytes message,
             unsigned char ret_signature[KEY_SIGNATURE_MAX], size_t *ret_size)
{
    size_t size = KEY_SIGNATURE_MAX;
    int saved = errno;
    int result;

    (void)ERR_set_mark();
    result = algorithm->half > 0 ? sign_ec(pkey, algorithm, message, ret_signature, &size)
                                 : sign(pkey, algorithm, message, ret_signature, &size);
    (void)ERR_pop_to_mark();
    errno = saved;
    if (result == 0)
        *ret_size = size;
    return result;
}
