/* SPDX-License-Identifier: MIT */
/* key_material.h's parsers of PEM and DER. Nobody is ever asked for a passphrase. */
#include "key_material.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

static bool is_pem(struct paa_bytes bytes)
{
    static const char mark[] = "-----BEGIN ";

    return memmem(bytes.data, bytes.size, mark, sizeof mark - 1) != NULL;
}

static BIO *bio_of(struct paa_bytes bytes)
{
    return bytes.size <= INT32_MAX ? BIO_new_mem_buf(bytes.data, (int)bytes.size) : NULL;
}

/* ---- the private key --------------------------------------------------------------------------- */

struct asked { /* did the file want a passphrase? */
    struct paa_bytes passphrase;
    bool is_asked;
};

static int on_passphrase(char *ret_text, int room, int is_for_writing, void *arg)
{
    struct asked *asked = arg;

    (void)is_for_writing;
    asked->is_asked = true;
    if (asked->passphrase.data == NULL || asked->passphrase.size > (size_t)room)
        return -1;
    memcpy(ret_text, asked->passphrase.data, asked->passphrase.size);
    return (int)asked->passphrase.size;
}

static EVP_PKEY *read_pem(struct paa_bytes bytes, struct asked *asked)
{
    BIO *bio = bio_of(bytes);
    EVP_PKEY *pkey = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, asked) : NULL;

    BIO_free(bio);
    return pkey;
}

/* PKCS#8, and nothing behind it. */
static EVP_PKEY *read_der(struct paa_bytes bytes)
{
    const unsigned char *at = bytes.data;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)bytes.size);
    EVP_PKEY *pkey = NULL;

    if (info != NULL && at == bytes.data + bytes.size)
        pkey = EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    return pkey;
}

int key_pem_private(const struct key_part *part, struct paa_bytes passphrase, EVP_PKEY **ret_pkey,
                    struct paa_error *error)
{
    struct asked asked = { passphrase, false };

    *ret_pkey = is_pem(part->bytes) ? read_pem(part->bytes, &asked) : read_der(part->bytes);
    if (*ret_pkey != NULL)
        return 0;
    if (asked.is_asked) {
        (void)key_refuse(error,
                         passphrase.data == NULL ? "%s is encrypted: say where its passphrase is"
                                                 : "%s cannot be decrypted with this passphrase",
                         part->place);
        return KEY_LOCKED;
    }
    return key_refuse(error,
                      "%s holds no private key: PEM is needed (\"-----BEGIN PRIVATE KEY-----\"), "
                      "or PKCS#8 as DER",
                      part->place);
}

/* ---- certificates ------------------------------------------------------------------------------ */

static int add(struct key_material *material, X509 *cert, const struct key_part *part,
               struct paa_error *error)
{
    if (material->count == KEY_CHAIN_MAX) {
        X509_free(cert);
        return key_refuse(error, "%s: more than %d certificates", part->place, (int)KEY_CHAIN_MAX);
    }
    material->certs[material->count++] = cert;
    return 0;
}

/* Nothing stands behind the last one but what is no PEM: a certificate that cannot be read is no end. */
static bool is_at_end(void)
{
    unsigned long code = ERR_peek_last_error();

    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

static int read_certificates(BIO *bio, const struct key_part *part, struct key_material *material,
                             struct paa_error *error)
{
    size_t before = material->count;
    X509 *cert;

    while ((cert = PEM_read_bio_X509(bio, NULL, on_passphrase,
                                     &(struct asked){ { NULL, 0 }, false })) != NULL)
        if (add(material, cert, part, error) != 0)
            return -1;
    if (!is_at_end())
        return key_refuse(error, "%s: certificate %zu in it cannot be read", part->place,
                          material->count - before + 1);
    if (material->count == before)
        return key_refuse(
            error, "%s holds no certificate: PEM is needed (\"-----BEGIN CERTIFICATE-----\")",
            part->place);
    return 0;
}

static int read_certificate(const struct key_part *part, struct key_material *material,
                            struct paa_error *error)
{
    const unsigned char *at = part->bytes.data;
    X509 *cert = d2i_X509(NULL, &at, (long)part->bytes.size);

    if (cert != NULL && at == part->bytes.data + part->bytes.size)
        return add(material, cert, part, error);
    X509_free(cert);
    return key_refuse(
        error,
        "%s holds no certificate: PEM is needed (\"-----BEGIN CERTIFICATE-----\"), or "
        "one as DER",
        part->place);
}

int key_pem_certificates(const struct key_part *part, struct key_material *material,
                         struct paa_error *error)
{
    int result;
    BIO *bio;

    if (!is_pem(part->bytes))
        return read_certificate(part, material, error);
    bio = bio_of(part->bytes);
    result = bio != NULL ? read_certificates(bio, part, material, error)
                         : key_refuse(error, "no memory to read %s", part->place);
    BIO_free(bio);
    return result;
}
