/* SPDX-License-Identifier: MIT */
/* Each allocation that libcrypto makes while it reads a key, and while it signs, fails once. */
#include "test.h"

#include "key_material.h"
#include "key_sign.h"
#include "unit/key_made.h"

#include <openssl/err.h>

static long allowed = -1; /* allocations that still succeed; -1: all */

static bool may_allocate(void)
{
    if (allowed > 0)
        allowed--;
    return allowed != 0;
}

static void *take(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return may_allocate() ? malloc(size) : NULL;
}

static void *take_again(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return may_allocate() ? realloc(memory, size) : NULL;
}

static void give_back(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

/* Before libcrypto has taken any. */
__attribute__((constructor)) static void own_memory(void)
{
    if (CRYPTO_set_mem_functions(take, take_again, give_back) != 1)
        abort();
}

static struct paa_bytes bytes_of_bio(BIO *bio)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);

    return paa_bytes_of(data, (size_t)size);
}

/* Fails the first allocation, then the second, until it is made; what was made is whole. */
static void fail_each(const struct key_parts *parts, size_t certificates)
{
    struct key_material *material = NULL;
    enum paa_status status = PAA_STATUS_INVALID;
    struct paa_error error;

    for (long n = 1; n < 100000 && status != PAA_STATUS_OK; n++) {
        error.text[0] = '\0';
        allowed = n;
        status = key_material_make(parts, 1000, &material, &error);
        allowed = -1;
        CHECK((status == PAA_STATUS_OK) == (material != NULL));
        CHECK((status == PAA_STATUS_OK) == (error.text[0] == '\0'));
        CHECK(ERR_peek_error() == 0);
    }
    CHECK_INT(status, PAA_STATUS_OK);
    CHECK_INT(material != NULL ? material->count : 0, certificates);
    key_material_free(material);
}

static void use_once(const struct key_parts *parts)
{
    struct key_material *material = NULL;
    struct paa_error error;

    CHECK_INT(key_material_make(parts, 1000, &material, &error), PAA_STATUS_OK);
    key_material_free(material);
}

TEST(every_allocation_fails_once_while_pem_is_read)
{
    EVP_PKEY *made = made_key("P-256");
    X509 *leaf = made_cert(made, "leaf", NULL, NULL, 1, 2000);
    BIO *key = BIO_new(BIO_s_mem()), *cert = BIO_new(BIO_s_mem());
    struct key_part certificate;
    struct key_parts parts = { .certificates = &certificate, .certificate_count = 1 };

    PEM_write_bio_PKCS8PrivateKey(key, made, NULL, NULL, 0, NULL, NULL);
    PEM_write_bio_X509(cert, leaf);
    parts.key = (struct key_part){ bytes_of_bio(key), "k" };
    certificate = (struct key_part){ bytes_of_bio(cert), "c" };
    use_once(&parts); /* what libcrypto makes once for a process is there */
    fail_each(&parts, 1);
    BIO_free(key);
    BIO_free(cert);
    X509_free(leaf);
    EVP_PKEY_free(made);
}

TEST(every_allocation_fails_once_while_pkcs_12_is_read)
{
    EVP_PKEY *made = made_key("ED25519");
    X509 *leaf = made_cert(made, "leaf", NULL, NULL, 1, 2000);
    PKCS12 *file = PKCS12_create("pw", "made", made, leaf, NULL, 0, 0, 1, 1, 0);
    struct key_parts parts = { .is_pkcs12 = true };
    BIO *bio = BIO_new(BIO_s_mem());

    REQUIRE(i2d_PKCS12_bio(bio, file) == 1);
    parts.key = (struct key_part){ bytes_of_bio(bio), "p12" };
    parts.passphrase = paa_bytes_of("pw", 2);
    use_once(&parts);
    fail_each(&parts, 1);
    BIO_free(bio);
    PKCS12_free(file);
    X509_free(leaf);
    EVP_PKEY_free(made);
}

static void fail_signing(const char *kind, const char *name)
{
    const struct key_algorithm *algorithm = key_algorithm_named(paa_str_of(name));
    unsigned char signature[KEY_SIGNATURE_MAX];
    EVP_PKEY *made = made_key(kind);
    size_t size = 0;
    int result = key_sign(made, algorithm, paa_bytes_of("m", 1), signature, &size);

    CHECK_INT(result, 0);
    result = -1;
    for (long n = 1; n < 100000 && result != 0; n++) {
        allowed = n;
        result = key_sign(made, algorithm, paa_bytes_of("m", 1), signature, &size);
        allowed = -1;
        CHECK(ERR_peek_error() == 0);
    }
    CHECK_INT(result, 0);
    EVP_PKEY_free(made);
}

TEST(every_allocation_fails_once_while_something_is_signed)
{
    fail_signing("P-256", "ES256");
    fail_signing("ED25519", "EdDSA");
    fail_signing("RSA:2048", "PS256");
}
