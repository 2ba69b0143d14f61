/* SPDX-License-Identifier: MIT */
/* The scripted test plugin's words for client keys; scripted.h lists them. */
#include "scripted_run.h"

#include "unit/key_made.h"

WORD(shows)
{
    UNUSED(run);
    UNUSED(arg);
    UNUSED(ret_result);
    (void)op->host->outcome->client_key(op, op->host->options->key(op->options, "signer", 0));
    return false;
}

static bool add_text(struct paa_op *op, BIO *bio, struct paa_bytes *ret_bytes)
{
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);
    char *copy = (char *)op->host->alloc(op, (size_t)size);

    if (copy == NULL)
        return false;
    memcpy(copy, data, (size_t)size);
    *ret_bytes = paa_bytes_of(copy, (size_t)size);
    return true;
}

static bool make_material(struct paa_op *op, struct paa_key_material *material)
{
    int64_t now_s = op->host->clock->now_s(op);
    EVP_PKEY *key = made_key("P-256");
    X509 *cert = made_cert(key, "fresh", NULL, NULL, now_s - DAY_S, now_s + DAY_S);
    BIO *key_pem = BIO_new(BIO_s_mem()), *cert_pem = BIO_new(BIO_s_mem());
    bool is_made = PEM_write_bio_PKCS8PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                   PEM_write_bio_X509(cert_pem, cert) == 1 &&
                   add_text(op, key_pem, &material->private_key) &&
                   add_text(op, cert_pem, &material->chain);

    BIO_free(cert_pem);
    BIO_free(key_pem);
    X509_free(cert);
    EVP_PKEY_free(key);
    return is_made;
}

WORD(shows_fresh)
{
    struct paa_key_material material;
    struct paa_key *key = NULL;

    UNUSED(arg);
    UNUSED(ret_result);
    paa_init(&material, sizeof material);
    run->status = PAA_STATUS_UNAVAILABLE;
    if (make_material(op, &material))
        run->status = op->host->keys->import(op, &material, &key);
    (void)op->host->outcome->client_key(op, key);
    op->host->keys->release(key);
    return false;
}

const struct script_word script_keys[] = {
    { "shows", word_shows },
    { "shows_fresh", word_shows_fresh },
    { NULL, NULL },
};
