/* SPDX-License-Identifier: MIT */
/* A key as a host presents it in TLS: PEM that libraries of any make can read, and a number that names it. Written where
 * the material is made, so that a request only points to it. */
#include "key_inner.h"

#include "key_token.h"
#include "secret.h"
#include "source_read.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

static int no_memory(struct paa_error *error)
{
    return key_refuse(error, "no memory to write a key and its certificates as PEM");
}

/* ---- writing ----------------------------------------------------------------------------------- */

/* Into memory of its own. libcrypto wipes its buffer as it grows and when it is freed. */
static bool take_text(BIO *bio, void *(*alloc_fn)(size_t size), struct paa_str *ret_text)
{
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);
    char *copy = size > 0 ? alloc_fn((size_t)size) : NULL;

    if (copy == NULL)
        return false;
    memcpy(copy, data, (size_t)size);
    *ret_text = paa_str_of_n(copy, (size_t)size);
    return true;
}

static bool write_key(BIO *bio, const struct key_material *material)
{
    return PEM_write_bio_PKCS8PrivateKey(bio, material->pkey, NULL, NULL, 0, NULL, NULL) == 1;
}

static bool write_chain(BIO *bio, const struct key_material *material)
{
    for (size_t i = 0; i < material->count; i++)
        if (PEM_write_bio_X509(bio, material->certs[i]) != 1)
            return false;
    return true;
}

static bool write_text(const struct key_material *material,
                       bool (*write)(BIO *bio, const struct key_material *material),
                       void *(*alloc_fn)(size_t size), struct paa_str *ret_text)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool is_done = bio != NULL && write(bio, material) && take_text(bio, alloc_fn, ret_text);

    BIO_free(bio);
    return is_done;
}

/* ---- the number -------------------------------------------------------------------------------- */

static bool add(EVP_MD_CTX *md, struct paa_bytes part)
{
    uint64_t size = part.size;

    return EVP_DigestUpdate(md, &size, sizeof size) == 1 &&
           EVP_DigestUpdate(md, part.data, part.size) == 1;
}

static bool add_text(EVP_MD_CTX *md, struct paa_str part)
{
    return add(md, paa_bytes_of(part.data, part.size));
}

/* The PIN is not in it: it is short, and a number that names it may be read by many. */
static bool number(struct key_material *material)
{
    static const unsigned char domain[] = "paa client key 1";
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool is_done = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
                   add(md, paa_bytes_of(domain, sizeof domain)) && add(md, material->public_key);

    for (size_t i = 0; is_done && i < material->count; i++)
        is_done = add(md, material->chain[i]);
    is_done = is_done && add_text(md, material->shown.key_uri) &&
              add_text(md, material->shown.key_module);
    is_done = is_done && EVP_DigestFinal_ex(md, digest, NULL) == 1;
    EVP_MD_CTX_free(md);
    if (is_done)
        memcpy(&material->shown.id, digest, sizeof material->shown.id);
    return is_done;
}

static void show_token(struct key_shown *shown, const struct key_token *token)
{
    shown->key_uri = key_token_uri(token);
    shown->key_module = key_token_module(token);
    shown->key_pin = key_token_pin(token);
}

int key_show(struct key_material *material, struct paa_error *error)
{
    struct key_shown *shown = &material->shown;

    if (material->count == 0)
        return 0; /* nothing to present in TLS: its bytes need not lie about twice */
    if (material->token != NULL)
        show_token(shown, material->token);
    return number(material) &&
                   (material->token != NULL ||
                    write_text(material, write_key, secret_alloc, &shown->key_pem)) &&
                   write_text(material, write_chain, malloc, &shown->chain_pem)
               ? 0
               : no_memory(error);
}

void key_hide(struct key_material *material)
{
    secret_free((void *)(uintptr_t)material->shown.key_pem.data, material->shown.key_pem.size);
    free((void *)(uintptr_t)material->shown.chain_pem.data);
}

/* ---- asking ------------------------------------------------------------------------------------ */

const struct key_shown *key_shown_of(struct op *op, const struct paa_key *key, bool *ret_holds)
{
    const struct key_material *material;

    *ret_holds = key->source == NULL;
    if (*ret_holds) {
        (void)atomic_fetch_add(&key->material->more_holders, 1);
        return &key->material->shown;
    }
    material = source_object(op, key->source);
    return material != NULL ? &material->shown : NULL;
}

void key_shown_let_go(const struct key_shown *shown)
{
    key_material_free(LIST_ENTRY((struct key_shown *)(uintptr_t)shown, struct key_material, shown));
}

static int take_id(const void *object, void *arg)
{
    *(uint64_t *)arg = ((const struct key_material *)object)->shown.id;
    return 0;
}

uint64_t key_shown_id(const struct paa_key *key)
{
    uint64_t id = 0;

    if (key->source == NULL)
        return key->material->shown.id;
    (void)source_use(key->source, take_id, &id);
    return id;
}
