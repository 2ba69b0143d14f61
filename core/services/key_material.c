/* SPDX-License-Identifier: MIT */
/* key_material.h: what was parsed is judged and put together. How bytes are parsed is key_pem.c's and key_pkcs12.c's. */
#include "key_material.h"

#include "key_token.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int key_refuse(struct paa_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return -1;
}

void key_material_free(struct key_material *material)
{
    if (material == NULL || atomic_fetch_sub(&material->more_holders, 1) > 0)
        return;
    key_hide(material);
    key_token_free(material->token);
    EVP_PKEY_free(material->pkey);
    OPENSSL_free((void *)(uintptr_t)material->public_key.data);
    for (size_t i = 0; i < material->count; i++) {
        X509_free(material->certs[i]);
        OPENSSL_free((void *)(uintptr_t)material->chain[i].data);
    }
    free(material);
}

/* ---- the key ----------------------------------------------------------------------------------- */

static enum paa_status unsupported(const char *place, const char *what, struct paa_error *error)
{
    (void)key_refuse(error,
                     "%s is %s: RSA of %d to %d bits, EC on P-256, P-384 or P-521, and Ed25519 are "
                     "supported",
                     place, what, KEY_RSA_BITS_MIN, KEY_RSA_BITS_MAX);
    return PAA_STATUS_UNSUPPORTED;
}

static enum paa_status judge_rsa(struct key_material *material, const char *place,
                                 struct paa_error *error)
{
    int bits = EVP_PKEY_get_bits(material->pkey);
    char what[64];

    material->kind = KEY_RSA;
    if (bits >= KEY_RSA_BITS_MIN && bits <= KEY_RSA_BITS_MAX)
        return PAA_STATUS_OK;
    (void)snprintf(what, sizeof what, "an RSA key of %d bits", bits);
    return unsupported(place, what, error);
}

static enum paa_status judge_ec(struct key_material *material, const char *place,
                                struct paa_error *error)
{
    static const struct {
        const char *name;
        enum key_kind kind;
    } curves[] = { { "prime256v1", KEY_P256 },
                   { "secp384r1", KEY_P384 },
                   { "secp521r1", KEY_P521 } };
    char name[64] = "";

    (void)EVP_PKEY_get_utf8_string_param(material->pkey, OSSL_PKEY_PARAM_GROUP_NAME, name,
                                         sizeof name, NULL);
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (strcmp(curves[i].name, name) == 0)
            material->kind = curves[i].kind;
    return material->kind != 0 ? PAA_STATUS_OK
                               : unsupported(place, "an EC key on another curve", error);
}

static enum paa_status judge_key(struct key_material *material, const char *place,
                                 struct paa_error *error)
{
    switch (EVP_PKEY_get_base_id(material->pkey)) {
    case EVP_PKEY_RSA:
        return judge_rsa(material, place, error);
    case EVP_PKEY_EC:
        return judge_ec(material, place, error);
    case EVP_PKEY_ED25519:
        material->kind = KEY_ED25519;
        return PAA_STATUS_OK;
    default:
        return unsupported(place, "a key of another kind", error);
    }
}

/* ---- certificates ------------------------------------------------------------------------------ */

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm;

    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

const char *key_day(int64_t at_s, char ret_day[KEY_DAY_SIZE])
{
    time_t at = (time_t)at_s;
    struct tm tm;

    if (gmtime_r(&at, &tm) == NULL || strftime(ret_day, KEY_DAY_SIZE, "%Y-%m-%d", &tm) == 0)
        (void)snprintf(ret_day, KEY_DAY_SIZE, "a day unknown");
    return ret_day;
}

static int judge_leaf(struct key_material *material, const char *key_place, const char *place,
                      int64_t now_s, struct paa_error *error)
{
    X509 *leaf = material->certs[0];
    char day[KEY_DAY_SIZE];

    if (X509_check_private_key(leaf, material->pkey) != 1)
        return key_refuse(error,
                          "the first certificate in %s is not for the key in %s: put the leaf "
                          "first, and renew both together",
                          place, key_place);
    material->valid_from_s = seconds_of(X509_get0_notBefore(leaf));
    material->expires_at_s = seconds_of(X509_get0_notAfter(leaf));
    if (now_s < 0)
        return key_refuse(error, "the clock fails, so that nobody knows whether %s has expired",
                          place);
    if (material->expires_at_s <= now_s)
        return key_refuse(error, "the certificate in %s expired on %s: renew it", place,
                          key_day(material->expires_at_s, day));
    return 0;
}

/* ---- both -------------------------------------------------------------------------------------- */

static int encode(struct key_material *material, struct paa_error *error)
{
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(material->pkey, &der);

    if (size <= 0)
        return key_refuse(error, "no memory for a key");
    material->public_key = paa_bytes_of(der, (size_t)size);
    for (size_t i = 0; i < material->count; i++) {
        der = NULL;
        size = i2d_X509(material->certs[i], &der);
        if (size <= 0)
            return key_refuse(error, "no memory for a certificate");
        material->chain[i] = paa_bytes_of(der, (size_t)size);
    }
    return 0;
}

/* The token is not asked: what it has is known by the certificate, and compared when the key is taken. */
static int name_token(const struct key_parts *parts, struct key_material *material,
                      struct paa_error *error)
{
    struct paa_str uri = paa_str_of_n((const char *)parts->key.bytes.data, parts->key.bytes.size);

    if (material->count == 0)
        return key_refuse(error, "%s needs its certificate: say where that is", parts->key.place);
    material->token = key_token_new(uri, parts->passphrase, parts->module);
    material->pkey = X509_get_pubkey(material->certs[0]);
    if (material->token == NULL)
        return key_refuse(error, "no memory for a key");
    return material->pkey != NULL ? 0
                                  : key_refuse(error, "the certificate in %s has no usable key",
                                               parts->certificates[0].place);
}

static int parse(const struct key_parts *parts, struct key_material *material,
                 struct paa_error *error)
{
    int result = 0;

    if (parts->is_pkcs12)
        return key_pkcs12_read(&parts->key, parts->passphrase, material, error);
    if (!parts->is_token)
        result = key_pem_private(&parts->key, parts->passphrase, &material->pkey, error);
    if (result != 0)
        return result;
    for (size_t i = 0; i < parts->certificate_count; i++)
        if (key_pem_certificates(&parts->certificates[i], material, error) != 0)
            return -1;
    return parts->is_token ? name_token(parts, material, error) : 0;
}

static enum paa_status make(const struct key_parts *parts, int64_t now_s,
                            struct key_material *material, struct paa_error *error)
{
    const char *place = parts->key.place;
    enum paa_status status;

    int parsed = parse(parts, material, error);

    if (parsed != 0)
        return parsed == KEY_LOCKED ? PAA_STATUS_DENIED : PAA_STATUS_INVALID;
    status = judge_key(material, place, error);
    if (status != PAA_STATUS_OK)
        return status;
    if (material->count > 0 &&
        judge_leaf(material, place, parts->is_pkcs12 ? place : parts->certificates[0].place, now_s,
                   error) != 0)
        return PAA_STATUS_INVALID;
    return encode(material, error) == 0 && key_show(material, error) == 0 ? PAA_STATUS_OK
                                                                          : PAA_STATUS_UNAVAILABLE;
}

enum paa_status key_material_make(const struct key_parts *parts, int64_t now_s,
                                  struct key_material **ret_material, struct paa_error *error)
{
    struct key_material *material = calloc(1, sizeof *material);
    enum paa_status status = PAA_STATUS_UNAVAILABLE;
    int saved = errno;

    (void)ERR_set_mark();
    if (material == NULL)
        (void)key_refuse(error, "no memory for a key");
    else
        status = make(parts, now_s, material, error);
    (void)ERR_pop_to_mark();
    errno = saved;
    if (status == PAA_STATUS_OK)
        *ret_material = material;
    else
        key_material_free(material);
    return status;
}
