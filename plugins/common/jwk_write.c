/* SPDX-License-Identifier: MIT */
/* A public key as JSON, and the thumbprint that is made of it (RFC 7638 3). */
#include "jwk_inner.h"

#include "codec.h"
#include "json.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

enum { NUMBER_MAX = JWK_RSA_BITS_MAX / 8, TEXT_MAX = 4096, ED25519_SIZE = 32 };

static void add_bytes(struct json *json, const char *name, struct paa_bytes bytes)
{
    char text[BASE64URL_SIZE(NUMBER_MAX)];

    base64url_encode(bytes, text);
    json_str(json, name, paa_str_of_n(text, BASE64URL_SIZE(bytes.size)));
}

/* size 0: as long as it is. */
static bool add_number(struct json *json, const char *name, EVP_PKEY *key, const char *parameter,
                       size_t size)
{
    unsigned char bytes[NUMBER_MAX];
    BIGNUM *number = NULL;
    bool is_there = EVP_PKEY_get_bn_param(key, parameter, &number) == 1;

    if (is_there && size == 0)
        size = (size_t)BN_num_bytes(number);
    is_there =
        is_there && size <= sizeof bytes && BN_bn2binpad(number, bytes, (int)size) == (int)size;
    if (is_there)
        add_bytes(json, name, paa_bytes_of(bytes, size));
    BN_free(number);
    return is_there;
}

static bool add_ec(struct json *json, const struct jwk *key)
{
    const struct curve_row *curve = jwk_curves;

    while (curve->type != key->type)
        curve++;
    json_str(json, "crv", curve->name);
    json_text(json, "kty", "EC");
    return add_number(json, "x", key->key, OSSL_PKEY_PARAM_EC_PUB_X, curve->size) &&
           add_number(json, "y", key->key, OSSL_PKEY_PARAM_EC_PUB_Y, curve->size);
}

static bool add_rsa(struct json *json, const struct jwk *key)
{
    if (!add_number(json, "e", key->key, OSSL_PKEY_PARAM_RSA_E, 0))
        return false;
    json_text(json, "kty", "RSA");
    return add_number(json, "n", key->key, OSSL_PKEY_PARAM_RSA_N, 0);
}

static bool add_okp(struct json *json, const struct jwk *key)
{
    unsigned char x[ED25519_SIZE];
    size_t size = sizeof x;

    if (EVP_PKEY_get_raw_public_key(key->key, x, &size) != 1)
        return false;
    json_text(json, "crv", "Ed25519");
    json_text(json, "kty", "OKP");
    add_bytes(json, "x", paa_bytes_of(x, size));
    return true;
}

static bool add_members(struct json *json, const struct jwk *key)
{
    switch (key->type) {
    case KEY_RSA:
        return add_rsa(json, key);
    case KEY_P256:
    case KEY_P384:
    case KEY_P521:
        return add_ec(json, key);
    case KEY_ED25519:
        return add_okp(json, key);
    case KEY_SECRET:
    default:
        return false;
    }
}

bool jwk_write(const struct jwk *key, struct buf *buf)
{
    struct json json;
    bool is_written;

    ERR_set_mark();
    json_init(&json, buf);
    json_open(&json, NULL, '{');
    is_written = add_members(&json, key);
    json_close(&json, '}');
    ERR_pop_to_mark();
    return is_written && !buf->failed;
}

bool jwk_print(struct jwk *key)
{
    struct buf buf;
    bool is_printed = true;

    if (key->type == KEY_SECRET)
        return true;
    buf_init(&buf, TEXT_MAX);
    is_printed = jwk_write(key, &buf) &&
                 SHA256((const unsigned char *)buf.data, buf.size, key->thumbprint) != NULL;
    buf_free(&buf);
    return is_printed;
}
