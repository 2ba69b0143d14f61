/* SPDX-License-Identifier: MIT */
#include "signer.h"

#include "codec.h"
#include "str.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_MAX = 512, SIGNATURE_MAX = 1024 };

#define RSA_N                                                                                      \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4" \
    "d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5re" \
    "xMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxX" \
    "FvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define RSA_D                                                                                      \
    "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXO" \
    "oAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51" \
    "gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3c" \
    "cPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ"
#define RSA_P                                                                                      \
    "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py"   \
    "5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc"
#define RSA_Q                                                                                      \
    "uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQ"   \
    "eZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc"
#define RSA_DP                                                                                     \
    "BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu"   \
    "1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0"
#define RSA_DQ                                                                                     \
    "h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0a"   \
    "jaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU"
#define RSA_QI                                                                                     \
    "IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY"   \
    "7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U"
#define P256_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define P256_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define P256_D "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
#define P521_X                                                                                     \
    "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk"
#define P521_Y                                                                                     \
    "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"
#define P521_D                                                                                     \
    "AY5pb7A0UFiB3RELSD64fTLOSV_jazdF7fLYyuTw8lOfRhWg6Y6rUrPAxerEzgdRhajnu0ferB0d53vM9mE15j2C"
#define ED25519_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define ED25519_D "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
#define SECRET                                                                                     \
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"

const char signer_rsa[] = "\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"";
const char signer_p256[] =
    "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\"";
const char signer_p521[] =
    "\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"" P521_X "\",\"y\":\"" P521_Y "\"";
const char signer_ed25519[] = "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED25519_X "\"";
const char signer_secret[] = "\"kty\":\"oct\",\"k\":\"" SECRET "\"";

static void need(bool is_done, const char *what)
{
    if (is_done)
        return;
    fprintf(stderr, "the tests' signer failed: %s\n", what);
    exit(2);
}

/* ---- keys -------------------------------------------------------------------------------------- */

static size_t decoded(const char *text, unsigned char *ret_bytes)
{
    size_t size = 0;

    need(base64url_decode(paa_str_of(text), ret_bytes, &size), "a key's base64url");
    return size;
}

static BIGNUM *number_of(const char *text)
{
    unsigned char bytes[NUMBER_MAX];
    BIGNUM *number = BN_bin2bn(bytes, (int)decoded(text, bytes), NULL);

    need(number != NULL, "a number");
    return number;
}

static EVP_PKEY *key_of(const char *type, OSSL_PARAM_BLD *builder)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY *key = NULL;

    need(EVP_PKEY_fromdata_init(context) == 1 &&
             EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) == 1,
         type);
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

static EVP_PKEY *rsa_key(void)
{
    static const char *const parts[][2] = {
        { OSSL_PKEY_PARAM_RSA_N, RSA_N },          { OSSL_PKEY_PARAM_RSA_E, "AQAB" },
        { OSSL_PKEY_PARAM_RSA_D, RSA_D },          { OSSL_PKEY_PARAM_RSA_FACTOR1, RSA_P },
        { OSSL_PKEY_PARAM_RSA_FACTOR2, RSA_Q },    { OSSL_PKEY_PARAM_RSA_EXPONENT1, RSA_DP },
        { OSSL_PKEY_PARAM_RSA_EXPONENT2, RSA_DQ }, { OSSL_PKEY_PARAM_RSA_COEFFICIENT1, RSA_QI },
    };
    enum { PARTS = sizeof parts / sizeof parts[0] };
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *numbers[PARTS];
    EVP_PKEY *key;

    for (size_t i = 0; i < PARTS; i++) {
        numbers[i] = number_of(parts[i][1]);
        OSSL_PARAM_BLD_push_BN(builder, parts[i][0], numbers[i]);
    }
    key = key_of("RSA", builder);
    for (size_t i = 0; i < PARTS; i++)
        BN_free(numbers[i]);
    return key;
}

static EVP_PKEY *ec_key(const char *group, const char *x, const char *y, const char *d)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *number = number_of(d);
    unsigned char point[NUMBER_MAX] = { 4 };
    size_t size = 1 + decoded(x, point + 1);
    EVP_PKEY *key;

    size += decoded(y, point + size);
    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, size);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, number);
    key = key_of("EC", builder);
    BN_free(number);
    return key;
}

EVP_PKEY *signer_key(enum jose_key type)
{
    unsigned char d[NUMBER_MAX];

    switch (type) {
    case KEY_RSA:
        return rsa_key();
    case KEY_P256:
        return ec_key("P-256", P256_X, P256_Y, P256_D);
    case KEY_P384:
        return EVP_EC_gen("P-384");
    case KEY_P521:
        return ec_key("P-521", P521_X, P521_Y, P521_D);
    case KEY_ED25519:
        return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, d, decoded(ED25519_D, d));
    case KEY_SECRET:
    default:
        return NULL;
    }
}

size_t signer_secret_bytes(unsigned char ret_bytes[64])
{
    unsigned char bytes[NUMBER_MAX];
    size_t size = decoded(SECRET, bytes);

    memcpy(ret_bytes, bytes, size);
    return size;
}

/* ---- signatures -------------------------------------------------------------------------------- */

static const char *digest_name(const struct alg_row *row)
{
    return row->hash_size == 32 ? "SHA256" : row->hash_size == 48 ? "SHA384" : "SHA512";
}

/* DER's two integers as JOSE has them, each of the curve's size. */
static size_t raw_of_der(unsigned char *signature, size_t size, size_t half)
{
    const unsigned char *at = signature;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)size);

    need(pair != NULL, "an ECDSA signature");
    need(BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, (int)half) > 0 &&
             BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + half, (int)half) > 0,
         "r and s");
    ECDSA_SIG_free(pair);
    return 2 * half;
}

static size_t sign_with_key(const struct alg_row *row, EVP_PKEY *key, struct paa_str input,
                            unsigned char signature[SIGNATURE_MAX])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pkey = NULL;
    size_t size = SIGNATURE_MAX;

    need(EVP_DigestSignInit_ex(context, &pkey,
                               row->family == FAMILY_EDDSA ? NULL : digest_name(row), NULL, NULL,
                               key, NULL) == 1,
         "beginning");
    if (row->family == FAMILY_PSS)
        need(EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PSS_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey, RSA_PSS_SALTLEN_DIGEST) == 1,
             "PSS");
    need(EVP_DigestSign(context, signature, &size, (const unsigned char *)input.data, input.size) ==
             1,
         "signing");
    EVP_MD_CTX_free(context);
    return row->family == FAMILY_ECDSA
               ? raw_of_der(signature, size, (size_t)(EVP_PKEY_get_bits(key) + 7) / 8)
               : size;
}

static size_t sign(const struct alg_row *row, EVP_PKEY *key, struct paa_str input,
                   unsigned char signature[SIGNATURE_MAX])
{
    unsigned char secret[64];
    unsigned size = 0;

    if (row->family != FAMILY_HMAC)
        return sign_with_key(row, key, input, signature);
    need(HMAC(EVP_get_digestbyname(digest_name(row)), secret, (int)signer_secret_bytes(secret),
              (const unsigned char *)input.data, input.size, signature, &size) != NULL,
         "HMAC");
    return size;
}

size_t signer_encode(struct paa_str text, char *ret_text)
{
    base64url_encode(paa_bytes_of(text.data, text.size), ret_text);
    ret_text[BASE64URL_SIZE(text.size)] = '\0';
    return BASE64URL_SIZE(text.size);
}

size_t signer_sign(char token[SIGNER_TOKEN_MAX], enum jose_alg alg, EVP_PKEY *key)
{
    const struct alg_row *row = alg_row(alg);
    EVP_PKEY *own = key == NULL ? signer_key(row->key) : NULL;
    unsigned char signature[SIGNATURE_MAX];
    size_t input = strlen(token);
    size_t size = sign(row, key != NULL ? key : own, paa_str_of_n(token, input), signature);

    token[input++] = '.';
    EVP_PKEY_free(own);
    return input + signer_encode(paa_str_of_n((const char *)signature, size), token + input);
}

size_t signer_token(struct paa_str header, struct paa_str payload, enum jose_alg alg, EVP_PKEY *key,
                    char ret_token[SIGNER_TOKEN_MAX])
{
    size_t size;

    need(BASE64URL_SIZE(header.size) + BASE64URL_SIZE(payload.size) + BASE64URL_SIZE(1024) + 3 <
             SIGNER_TOKEN_MAX,
         "too large");
    size = signer_encode(header, ret_token);
    ret_token[size++] = '.';
    (void)signer_encode(payload, ret_token + size);
    return signer_sign(ret_token, alg, key);
}
