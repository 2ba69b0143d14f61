/* SPDX-License-Identifier: MIT */
/* key_material.h's parser of PKCS#12: one private key, its certificate, and those above it in the order of TLS. */
#include "key_material.h"

#include "secret.h"

#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

/* libcrypto wants the passphrase as a C string; a longer copy than needed would be one more to wipe. */
static char *text_of(struct paa_bytes passphrase)
{
    char *text = secret_alloc(passphrase.size + 1);

    if (text != NULL && passphrase.size > 0)
        memcpy(text, passphrase.data, passphrase.size);
    return text;
}

static PKCS12 *parse(struct paa_bytes bytes)
{
    const unsigned char *at = bytes.data;
    PKCS12 *file = d2i_PKCS12(NULL, &at, (long)bytes.size);

    if (file != NULL && at == bytes.data + bytes.size)
        return file;
    PKCS12_free(file);
    return NULL;
}

/* Without a MAC, or with the empty passphrase written in the other of two ways, PKCS12_parse knows what to do. */
static bool opens(PKCS12 *file, const char *text)
{
    return PKCS12_mac_present(file) != 1 || PKCS12_verify_mac(file, text, -1) == 1 ||
           (text[0] == '\0' && PKCS12_verify_mac(file, NULL, 0) == 1);
}

static X509 *take_issuer(STACK_OF(X509) * others, X509 *cert)
{
    for (int i = 0; i < sk_X509_num(others); i++)
        if (X509_check_issued(sk_X509_value(others, i), cert) == X509_V_OK)
            return sk_X509_delete(others, i);
    return NULL;
}

/* The file keeps them in any order; what issued nothing here is left out. */
static int keep_chain(struct key_material *material, X509 *leaf, STACK_OF(X509) * others,
                      const struct key_part *part, struct paa_error *error)
{
    X509 *cert = leaf;

    if (leaf == NULL)
        return key_refuse(error, "%s holds no certificate that fits its private key", part->place);
    while (cert != NULL) {
        if (material->count == KEY_CHAIN_MAX) {
            X509_free(cert);
            return key_refuse(error, "%s: more than %d certificates", part->place,
                              (int)KEY_CHAIN_MAX);
        }
        material->certs[material->count++] = cert;
        cert = X509_check_issued(cert, cert) == X509_V_OK ? NULL : take_issuer(others, cert);
    }
    return 0;
}

static int take(PKCS12 *file, const char *text, const struct key_part *part,
                struct key_material *material, struct paa_error *error)
{
    STACK_OF(X509) *others = NULL;
    X509 *leaf = NULL;
    int result;

    if (PKCS12_parse(file, text, &material->pkey, &leaf, &others) != 1)
        return key_refuse(error,
                          "%s cannot be decrypted: if its ciphers are old, export it again with "
                          "AES, as \"openssl pkcs12 -export\" does",
                          part->place);
    if (material->pkey == NULL) {
        X509_free(leaf);
        result = key_refuse(error, "%s holds no private key", part->place);
    } else {
        result = keep_chain(material, leaf, others, part, error);
    }
    sk_X509_pop_free(others, X509_free);
    return result;
}

static int locked(const char *place, struct paa_bytes passphrase, struct paa_error *error)
{
    (void)key_refuse(error,
                     passphrase.data != NULL ? "%s does not open with this passphrase"
                                             : "%s needs a passphrase: say where it is",
                     place);
    return KEY_LOCKED;
}

int key_pkcs12_read(const struct key_part *part, struct paa_bytes passphrase,
                    struct key_material *material, struct paa_error *error)
{
    PKCS12 *file = parse(part->bytes);
    char *text = text_of(passphrase);
    int result;

    if (file == NULL)
        result = key_refuse(error, "%s is no PKCS#12 file", part->place);
    else if (text == NULL)
        result = key_refuse(error, "no memory to read %s", part->place);
    else if (strlen(text) != passphrase.size)
        result = key_refuse(error, "the passphrase of %s has a NUL byte in it", part->place);
    else if (!opens(file, text))
        result = locked(part->place, passphrase, error);
    else
        result = take(file, text, part, material, error);
    secret_free(text, passphrase.size + 1);
    PKCS12_free(file);
    return result;
}
