/* SPDX-License-Identifier: MIT */
#include "certificate.h"

#include "str.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

/* libcrypto reads more than DER; then one certificate would have many fingerprints. */
static bool is_der_of(struct paa_bytes der, const X509 *certificate)
{
    unsigned char *again = NULL;
    int size = i2d_X509(certificate, &again);
    bool is_same = size > 0 && (size_t)size == der.size && memcmp(again, der.data, der.size) == 0;

    OPENSSL_free(again);
    return is_same;
}

X509 *certificate_read(struct paa_bytes der)
{
    const unsigned char *at = der.data;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.size);

    if (certificate != NULL && (at != der.data + der.size || !is_der_of(der, certificate))) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

/* ---- strength ------------------------------------------------------------------------------------ */

static const char *rsa_weakness(EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);
    BIGNUM *e = NULL;
    const char *why = NULL;

    if (bits < RSA_BITS_MIN)
        return "has an RSA key of fewer than 2048 bits";
    if (bits > RSA_BITS_MAX)
        return "has an RSA key of more than 8192 bits";
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
        return "has an RSA key whose exponent cannot be read";
    if (!BN_is_odd(e) || BN_is_one(e))
        why = "has an RSA key whose exponent is even or 1";
    else if (BN_num_bits(e) > RSA_EXPONENT_BITS_MAX)
        why = "has an RSA key whose exponent is longer than 64 bits";
    BN_free(e);
    return why;
}

static const char *ec_weakness(EVP_PKEY *key)
{
    static const char *const taken[] = { SN_X9_62_prime256v1, SN_secp384r1, SN_secp521r1 };
    char group[64];
    size_t size;

    if (EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1)
        for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
            if (strcmp(group, taken[i]) == 0)
                return NULL;
    return "has an EC key on another curve than P-256, P-384 and P-521";
}

const char *key_weakness(EVP_PKEY *key)
{
    if (key == NULL)
        return "has a public key that cannot be read";
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        return rsa_weakness(key);
    case EVP_PKEY_EC:
        return ec_weakness(key);
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
        return NULL;
    default:
        return "has a key that is neither RSA, EC nor EdDSA";
    }
}

bool key_is_slow(EVP_PKEY *key)
{
    enum { QUICK_CURVE_BITS = 256 };

    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        return EVP_PKEY_get_bits(key) > RSA_BITS_QUICK_MAX;
    default: /* P-384, P-521 and Ed448 take several times as long */
        return EVP_PKEY_get_bits(key) > QUICK_CURVE_BITS;
    }
}

static const char *digest_weakness(int nid)
{
    return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512
               ? NULL
               : "is signed with another digest than SHA-256, SHA-384 and SHA-512";
}

const char *signature_weakness(const X509 *certificate)
{
    int digest, kind;

    if (X509_get_signature_info((X509 *)(uintptr_t)certificate, &digest, &kind, NULL, NULL) != 1)
        return "is signed with an algorithm that is not known";
    return kind == NID_ED25519 || kind == NID_ED448 ? NULL : digest_weakness(digest);
}

/* RSASSA-PSS names its digest in its parameters (RFC 4055 3.1); absent: SHA-1. */
static int pss_digest(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *name = NULL;
    RSA_PSS_PARAMS *parameters = NULL;
    const void *value;
    int type, digest = NID_undef;

    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    if (type == V_ASN1_SEQUENCE)
        parameters = (RSA_PSS_PARAMS *)ASN1_item_unpack((const ASN1_STRING *)value,
                                                        ASN1_ITEM_rptr(RSA_PSS_PARAMS));
    if (parameters != NULL && parameters->hashAlgorithm != NULL) {
        X509_ALGOR_get0(&name, NULL, NULL, parameters->hashAlgorithm);
        digest = OBJ_obj2nid(name);
    }
    RSA_PSS_PARAMS_free(parameters);
    return digest;
}

const char *signature_weakness_of(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *name;
    int digest, kind;

    X509_ALGOR_get0(&name, NULL, NULL, algorithm);
    if (OBJ_find_sigid_algs(OBJ_obj2nid(name), &digest, &kind) != 1)
        return "is signed with an algorithm that is not known";
    if (kind == NID_ED25519 || kind == NID_ED448)
        return NULL;
    return digest_weakness(kind == NID_rsassaPss ? pss_digest(algorithm) : digest);
}

bool time_of(const ASN1_TIME *time, int64_t *ret_time_s)
{
    struct tm tm;

    if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1)
        return false;
    *ret_time_s = (int64_t)timegm(&tm);
    return true;
}

/* ---- names --------------------------------------------------------------------------------------- */

/* Nothing that a reader of the text could take for its end or for a new line. */
static bool is_clean(const X509_NAME *name)
{
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        unsigned char *text = NULL;
        int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
        bool is_bad = size < 0;

        for (int k = 0; k < size; k++)
            is_bad = is_bad || text[k] < 0x20 || text[k] == 0x7f;
        OPENSSL_free(text);
        if (is_bad)
            return false;
    }
    return true;
}

static char *print_name(const X509_NAME *name)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL, *data = NULL;
    long size = 0;

    if (out != NULL && X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253) >= 0)
        size = BIO_get_mem_data(out, &data);
    if (size >= 0 && size <= CERTIFICATE_DN_MAX && (text = (char *)calloc(1, (size_t)size + 1)))
        if (size > 0)
            memcpy(text, data, (size_t)size);
    BIO_free(out);
    return text;
}

char *dn_text(const X509_NAME *name)
{
    return is_clean(name) ? print_name(name) : NULL;
}

void serial_text(const X509 *certificate, char ret_text[44])
{
    static const char digits[] = "0123456789ABCDEF";
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
    const unsigned char *bytes = ASN1_STRING_get0_data(serial);
    int size = ASN1_STRING_length(serial);
    size_t at = 0;

    if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
        ret_text[at++] = '-';
    for (int i = 0; i < size && i < 20; i++) {
        ret_text[at++] = digits[bytes[i] >> 4];
        ret_text[at++] = digits[bytes[i] & 15];
    }
    ret_text[at] = '\0';
}

void certificate_who(const X509 *certificate, char ret_text[CERTIFICATE_WHO_SIZE])
{
    char *name = print_name(X509_get_subject_name(certificate)); /* escaped, whatever it holds */
    char serial[44];

    serial_text(certificate, serial);
    (void)snprintf(ret_text, CERTIFICATE_WHO_SIZE, "\"%.128s\" (serial %s)",
                   name != NULL ? name : "", serial);
    free(name);
}
