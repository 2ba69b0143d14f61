/* SPDX-License-Identifier: MIT */
/* key_present: a key for TLS. The one file of keys that includes openssl/ssl.h. */
#include "key_inner.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

static int present_key(const struct paa_key *key, const struct key_material *material, SSL_CTX *ctx)
{
    EVP_PKEY *pkey = key_private(key->keys->services, material);
    int result = pkey != NULL && SSL_CTX_use_PrivateKey(ctx, pkey) == 1 ? 0 : -1;

    EVP_PKEY_free(pkey);
    return result;
}

static int present(const struct paa_key *key, const struct key_material *material, SSL_CTX *ctx)
{
    if (material->count == 0 || SSL_CTX_use_certificate(ctx, material->certs[0]) != 1 ||
        SSL_CTX_clear_chain_certs(ctx) != 1)
        return -1;
    for (size_t i = 1; i < material->count; i++)
        if (SSL_CTX_add1_chain_cert(ctx, material->certs[i]) != 1)
            return -1;
    return present_key(key, material, ctx);
}

struct presenting {
    const struct paa_key *key;
    SSL_CTX *ctx;
};

static int use(const void *object, void *arg)
{
    const struct presenting *presenting = arg;

    return present(presenting->key, object, presenting->ctx);
}

int key_present(const struct paa_key *key, SSL_CTX *ctx)
{
    int saved = errno;
    int result;

    (void)ERR_set_mark();
    result = key->source != NULL ? source_use(key->source, use, &(struct presenting){ key, ctx })
                                 : present(key, key->material, ctx);
    (void)ERR_pop_to_mark();
    errno = saved;
    return result;
}
