/* SPDX-License-Identifier: MIT */
/* Keys, certificates and the files they stand in, made while a test runs: none is ever checked in. */
#ifndef TESTS_KEY_MADE_H
#define TESTS_KEY_MADE_H

#include "codec.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <paa/types.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAY_S = 24 * 60 * 60 };

/* "RSA:2048", "P-256", "secp256k1", "ED25519". */
static inline EVP_PKEY *made_key(const char *kind)
{
    EVP_PKEY *key;

    if (strncmp(kind, "RSA:", 4) == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)atoi(kind + 4));
    else if (kind[0] == 'E')
        key = EVP_PKEY_Q_keygen(NULL, NULL, kind);
    else
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
    if (key == NULL)
        abort();
    return key;
}

/* Signed by issuer, or by itself where that is NULL. */
static inline X509 *made_cert(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key,
                              int64_t from_s, int64_t until_s)
{
    static long serial;
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);
    EVP_PKEY *signer = issuer != NULL ? issuer_key : key;
    const EVP_MD *digest = EVP_PKEY_get_base_id(signer) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();

    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, issuer != NULL ? X509_get_subject_name(issuer) : subject);
    ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from_s);
    ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)until_s);
    X509_set_pubkey(cert, key);
    if (X509_sign(cert, signer, digest) <= 0)
        abort();
    return cert;
}

/* ---- files ---- */

static inline void store_file(const char *path, const void *data, size_t size, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size || fchmod(fd, mode) != 0 || close(fd) != 0)
        abort();
}

static inline void store_bio(const char *path, BIO *bio, mode_t mode)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);

    store_file(path, data, (size_t)size, mode);
    BIO_free(bio);
}

/* passphrase NULL: not encrypted. */
static inline void store_key(const char *path, EVP_PKEY *key, const char *passphrase)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const EVP_CIPHER *cipher = passphrase != NULL ? EVP_aes_256_cbc() : NULL;

    if (PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, passphrase,
                                      passphrase != NULL ? (int)strlen(passphrase) : 0, NULL,
                                      NULL) != 1)
        abort();
    store_bio(path, bio, 0600);
}

static inline void store_certs(const char *path, X509 *const *certs, size_t count)
{
    BIO *bio = BIO_new(BIO_s_mem());

    for (size_t i = 0; i < count; i++)
        if (PEM_write_bio_X509(bio, certs[i]) != 1)
            abort();
    store_bio(path, bio, 0644);
}

static inline void store_pkcs12(const char *path, const char *passphrase, EVP_PKEY *key, X509 *leaf,
                                X509 *const *others, size_t count)
{
    STACK_OF(X509) *stack = sk_X509_new_null();
    PKCS12 *file;
    BIO *bio = BIO_new(BIO_s_mem());

    for (size_t i = 0; i < count; i++)
        sk_X509_push(stack, others[i]);
    file = PKCS12_create(passphrase, "made", key, leaf, stack, 0, 0, 1, 1, 0);
    if (file == NULL || i2d_PKCS12_bio(bio, file) != 1)
        abort();
    store_bio(path, bio, 0600);
    PKCS12_free(file);
    sk_X509_free(stack);
}

/* ---- looking at signatures ---- */

/* By libcrypto alone: the signature is JOSE's, the digest by name or NULL. */
static inline bool verifies(EVP_PKEY *key, const char *digest, bool is_pss,
                            struct paa_bytes message, struct paa_bytes signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding;
    unsigned char *der = NULL;
    bool is_good;

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
        ECDSA_SIG *parts = ECDSA_SIG_new();
        int half = (int)signature.size / 2;

        ECDSA_SIG_set0(parts, BN_bin2bn(signature.data, half, NULL),
                       BN_bin2bn(signature.data + half, half, NULL));
        signature.size = (size_t)i2d_ECDSA_SIG(parts, &der);
        signature.data = der;
        ECDSA_SIG_free(parts);
    }
    is_good = EVP_DigestVerifyInit_ex(context, &padding, digest, NULL, NULL, key, NULL) == 1;
    if (is_pss)
        is_good = is_good && EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
                  EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) == 1;
    is_good = is_good && EVP_DigestVerify(context, signature.data, signature.size, message.data,
                                          message.size) == 1;
    OPENSSL_free(der);
    EVP_MD_CTX_free(context);
    return is_good;
}

#endif
