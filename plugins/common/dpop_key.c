/* SPDX-License-Identifier: MIT */
/* The key that tokens are bound to: made, kept, signing. */
#include "dpop_proof.h"

#include "codec.h"
#include "jwk.h"
#include "jws_write.h"
#include "str.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

enum { KEPT_MAX = 1024, USABLE_S = 86400 };

/* ---- making it -------------------------------------------------------------------------------- */

/* Thumbprint and jwk of the public half. */
static bool write_public(EVP_PKEY *pair, struct buf *jwk, char ret_thumbprint[DPOP_TEXT_SIZE])
{
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(pair, &der);
    const char *why = NULL;
    struct jwk key;
    bool is_written;

    if (size <= 0 || !jwk_of_spki(paa_bytes_of(der, (size_t)size), &key, &why)) {
        OPENSSL_free(der);
        return false;
    }
    base64url_encode(paa_bytes_of(key.thumbprint, sizeof key.thumbprint), ret_thumbprint);
    is_written = jwk_write(&key, jwk);
    jwk_done(&key);
    OPENSSL_free(der);
    return is_written;
}

static bool write_pair(EVP_PKEY *pair, struct buf *kept)
{
    BIO *private_key = BIO_new(BIO_s_secmem());
    char thumbprint[DPOP_TEXT_SIZE];
    const char *data = NULL;
    long size = 0;
    struct buf jwk;
    bool is_written;

    buf_init(&jwk, KEPT_MAX);
    is_written = private_key != NULL &&
                 i2d_PKCS8PrivateKey_bio(private_key, pair, NULL, NULL, 0, NULL, NULL) == 1;
    if (is_written)
        size = BIO_get_mem_data(private_key, &data);
    is_written = is_written && size > 0 && write_public(pair, &jwk, thumbprint);
    if (is_written) {
        struct dpop_kept parts = { .thumbprint = paa_str_of_n(thumbprint, sizeof thumbprint),
                                   .jwk = buf_str(&jwk),
                                   .private_key = paa_bytes_of(data, (size_t)size) };

        dpop_kept_write(kept, &parts);
    }
    BIO_free(private_key);
    buf_free(&jwk);
    return is_written && !kept->failed;
}

static bool make(struct buf *kept)
{
    EVP_PKEY *pair;
    bool is_made;

    (void)ERR_set_mark();
    pair = EVP_EC_gen("P-256");
    is_made = pair != NULL && write_pair(pair, kept);
    EVP_PKEY_free(pair);
    (void)ERR_pop_to_mark();
    return is_made;
}

/* ---- the memo --------------------------------------------------------------------------------- */

static enum paa_result keep(struct paa_op *op, struct paa_bytes bytes)
{
    struct paa_memo_product product;

    paa_init(&product, sizeof product);
    product.bytes = bytes;
    product.usable_until_s = op->host->clock->now_s(op) + USABLE_S;
    product.keep_until_s = PAA_FOREVER;
    if (op->host->memo->product(op, &product) != PAA_STATUS_OK)
        return paa_fail(op, PAA_UNAVAILABLE, "dpop-key", "no memory is left for the DPoP key");
    return PAA_DONE;
}

/* The key stays the same as long as it is kept: tokens are bound to it. */
static enum paa_result produce(struct paa_op *op, const struct paa_memo_run *run) PAA_NOEXCEPT
{
    struct dpop_kept parts;
    enum paa_result result;
    struct buf kept;

    if (dpop_kept_read(run->previous, &parts))
        return keep(op, run->previous);
    buf_init(&kept, KEPT_MAX);
    result = make(&kept) ? keep(op, paa_bytes_of(kept.data, kept.size))
                         : paa_fail(op, PAA_UNAVAILABLE, "dpop-key", "libcrypto made no P-256 key");
    buf_free(&kept);
    return result;
}

static enum paa_status decode(struct paa_op *op, const struct paa_bytes *parts, size_t part_count,
                              void **ret_object, size_t *ret_weight) PAA_NOEXCEPT
{
    struct paa_key_material material;
    struct dpop_key *key;
    struct dpop_kept kept;
    enum paa_status status;

    if (part_count != 1 || !dpop_kept_read(parts[0], &kept))
        return PAA_STATUS_INVALID;
    key = (struct dpop_key *)malloc(sizeof *key + kept.jwk.size);
    if (key == NULL)
        return PAA_STATUS_UNAVAILABLE;
    paa_init(&material, sizeof material);
    material.private_key = kept.private_key;
    status = op->host->keys->import(op, &material, &key->key);
    if (status != PAA_STATUS_OK) {
        free(key);
        return status;
    }
    key->host = op->host;
    memcpy(key->thumbprint, kept.thumbprint.data, sizeof key->thumbprint);
    memcpy(key + 1, kept.jwk.data, kept.jwk.size);
    key->jwk = paa_str_of_n((const char *)(key + 1), kept.jwk.size);
    *ret_object = key;
    *ret_weight = sizeof *key + kept.jwk.size + KEPT_MAX;
    return PAA_STATUS_OK;
}

static void release(void *object, const void *self) PAA_NOEXCEPT
{
    struct dpop_key *key = (struct dpop_key *)object;

    (void)self;
    key->host->keys->release(key->key);
    free(key);
}

void dpop_key_memo(struct paa_memo_def *ret_def)
{
    paa_init(ret_def, sizeof *ret_def);
    ret_def->flags = PAA_MEMO_SECRET;
    ret_def->name = "dpop";
    ret_def->produce = produce;
    ret_def->decode = decode;
    ret_def->release = release;
    ret_def->format = 1;
}

/* ---- signing ---------------------------------------------------------------------------------- */

struct signing { /* memory of the operation */
    dpop_sign_fn then;
    void *context;
    size_t size; /* of what is signed */
    char text[]; /* with room for the signature */
};

enum { SIGNATURE_SIZE = 64 }; /* ES256: r || s */

static enum paa_result on_signature(struct paa_op *op, enum paa_status status,
                                    struct paa_bytes signature, void *context)
{
    struct signing *signing = (struct signing *)context;
    char *end = signing->text + signing->size;

    if (status == PAA_STATUS_OK && signature.size != SIGNATURE_SIZE)
        status = PAA_STATUS_UNSUPPORTED;
    if (status != PAA_STATUS_OK)
        return signing->then(op, status, STR_NONE, signing->context);
    *end++ = '.';
    base64url_encode(signature, end);
    end += BASE64URL_SIZE(SIGNATURE_SIZE);
    return signing->then(op, PAA_STATUS_OK,
                         paa_str_of_n(signing->text, (size_t)(end - signing->text)),
                         signing->context);
}

static struct signing *begin(struct paa_op *op, const struct dpop_key *key,
                             const struct dpop_proof *proof)
{
    unsigned char chance[DPOP_CHANCE_SIZE];
    struct signing *signing = NULL;
    struct buf text;

    if (op->host->random->fill(op, chance, sizeof chance) != PAA_STATUS_OK)
        return NULL;
    buf_init(&text, DPOP_PROOF_MAX);
    if (dpop_proof_write(&text, key->jwk, proof, chance, op->host->clock->now_s(op)))
        signing = (struct signing *)op->host->alloc(op, sizeof *signing + text.size + 1 +
                                                            BASE64URL_SIZE(SIGNATURE_SIZE));
    if (signing != NULL) {
        memcpy(signing->text, text.data, text.size);
        signing->size = text.size;
    }
    buf_free(&text);
    return signing;
}

enum paa_result dpop_sign(struct paa_op *op, const struct dpop_key *key,
                          const struct dpop_proof *proof, dpop_sign_fn then, void *context)
{
    struct signing *signing = begin(op, key, proof);

    if (signing == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "dpop-proof",
                        "no DPoP proof could be written: the URL is too long, or no memory or "
                        "chance is left");
    signing->then = then;
    signing->context = context;
    return op->host->keys->sign(op, key->key, STR("ES256"),
                                paa_bytes_of(signing->text, signing->size), on_signature, signing);
}
