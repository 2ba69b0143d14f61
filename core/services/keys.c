/* SPDX-License-Identifier: MIT */
/* keys.h: a key of the policy as a source whose bytes are decoded to material. */
#include "key_inner.h"
#include "key_token.h"
#include "secret.h"
#include "source_read.h"
#include "trust.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { ASKED_MAX = 3 }; /* how often a person may err */

/* ---- decoding ---------------------------------------------------------------------------------- */

static struct paa_bytes bytes_of(const struct source_part *part)
{
    return paa_bytes_of(part->data, part->size);
}

/* The key, the passphrase if there is one, and the rest are certificates. */
static void part_out(const struct paa_key *key, const struct source_bytes *bytes,
                     const struct source_spec *specs, struct key_part *certificates,
                     struct key_parts *ret_parts)
{
    size_t at = 0;

    memset(ret_parts, 0, sizeof *ret_parts);
    ret_parts->is_pkcs12 = key->is_pkcs12;
    ret_parts->is_token = key->uri != NULL;
    ret_parts->module = key->module;
    if (key->uri != NULL) {
        ret_parts->key = (struct key_part){ paa_bytes_of(key->uri, strlen(key->uri)), key->uri };
    } else {
        ret_parts->key = (struct key_part){ bytes_of(&bytes->parts[0]), source_place(&specs[0]) };
        at++;
    }
    if (key->has_passphrase)
        ret_parts->passphrase = bytes_of(&bytes->parts[at++]);
    ret_parts->certificates = certificates;
    for (; at < bytes->count; at++)
        certificates[ret_parts->certificate_count++] =
            (struct key_part){ bytes_of(&bytes->parts[at]), source_place(&specs[at]) };
}

static enum paa_status make(const struct paa_key *key, struct key_parts *parts,
                            struct key_material **ret_material, struct paa_error *error)
{
    if (key->module != NULL && trust_code(key->module, error) != 0)
        return PAA_STATUS_INVALID;
    if (key->told_passphrase != NULL)
        parts->passphrase = paa_bytes_of(key->told_passphrase, key->told_size);
    return key_material_make(parts, clock_now_s(&key->keys->services->clock), ret_material, error);
}

static void *decode(const struct source_bytes *bytes, const struct source_spec *specs, size_t count,
                    void *arg, struct paa_error *error)
{
    struct paa_key *key = arg;
    struct key_part certificates[KEY_CHAIN_MAX];
    struct key_material *material = NULL;
    struct key_parts parts;
    enum paa_status status;

    if (bytes->count != count || count > KEY_CHAIN_MAX) {
        (void)key_refuse(error,
                         "at most %d files of certificates are read, and no folder: name them",
                         (int)KEY_CHAIN_MAX - 2);
        return NULL;
    }
    part_out(key, bytes, specs, certificates, &parts);
    status = make(key, &parts, &material, error);
    for (int i = 0; i < ASKED_MAX && status == PAA_STATUS_DENIED && !key->has_passphrase; i++) {
        if (!key_ask(key, parts.key.place))
            break;
        status = make(key, &parts, &material, error);
    }
    if (status != PAA_STATUS_OK)
        return NULL;
    error->text[0] = '\0'; /* of an earlier try */
    atomic_store(&key->told, 0);
    if (atomic_load(&key->is_open))
        key_tell(key, material);
    return material;
}

static void free_material(void *object)
{
    key_material_free(object);
}

EVP_PKEY *key_private(struct services *services, const struct key_material *material)
{
    if (material->token != NULL)
        return key_token_take(material->token, material->pkey, services);
    return EVP_PKEY_up_ref(material->pkey) == 1 ? material->pkey : NULL;
}

/* ---- opening ----------------------------------------------------------------------------------- */

static void free_key(struct paa_key *key)
{
    free((void *)(uintptr_t)key->where.file);
    secret_free(key->told_passphrase, key->told_size + 1);
    free(key->place);
    free(key->file);
    free(key->module);
    free(key->uri);
    free(key->id);
    free(key);
}

static bool copy_text(const char *text, char **ret_copy)
{
    *ret_copy = text != NULL ? strdup(text) : NULL;
    return text == NULL || *ret_copy != NULL;
}

static struct paa_key *new_key(struct keys *keys, const struct key_spec *spec)
{
    size_t first = (spec->uri == NULL) + (size_t)spec->has_passphrase;
    size_t leaf = spec->count > first ? first : 0;
    struct paa_key *key = calloc(1, sizeof *key);
    char *file = NULL;

    if (key == NULL)
        return NULL;
    key->keys = keys;
    key->warn_before_s = spec->warn_before_s;
    key->is_pkcs12 = spec->is_pkcs12;
    key->has_passphrase = spec->has_passphrase;
    if (copy_text(spec->id, &key->id) && copy_text(spec->uri, &key->uri) &&
        copy_text(source_place(&spec->specs[0]), &key->file) &&
        copy_text(spec->module, &key->module) &&
        copy_text(source_place(&spec->specs[leaf]), &key->place) &&
        copy_text(spec->specs[0].where.file, &file)) {
        key->where = (struct where){ file, spec->specs[0].where.line };
        return key;
    }
    free_key(key);
    return NULL;
}

struct opening {
    struct paa_key *key;
    struct paa_error *ret_warning;
};

/* The caller of key_open knows best how to tell it. */
static int warn(const void *object, void *arg)
{
    const struct opening *opening = arg;

    atomic_store(&opening->key->told,
                 (int)key_stage_of(opening->key, object, opening->ret_warning));
    return 0;
}

struct paa_key *key_open(struct services *services, const struct key_spec *spec,
                         struct paa_error *error, struct paa_error *ret_warning)
{
    struct keys *keys = services->keys;
    struct paa_key *key = new_key(keys, spec);
    struct source_decoder decoder = { decode, free_material, key };

    error->text[0] = ret_warning->text[0] = '\0';
    if (key == NULL)
        return NULL;
    key->source = source_open_decoded(services->sources, spec->specs, spec->count, &decoder, error);
    if (key->source == NULL) {
        free_key(key);
        return NULL;
    }
    (void)source_use(key->source, warn, &(struct opening){ key, ret_warning });
    atomic_store(&key->is_open, true);
    pthread_mutex_lock(&keys->lock);
    list_add_last(&keys->open, &key->link);
    pthread_mutex_unlock(&keys->lock);
    return key;
}

void key_close(struct paa_key *key)
{
    if (key == NULL)
        return;
    pthread_mutex_lock(&key->keys->lock);
    list_remove(&key->link);
    pthread_mutex_unlock(&key->keys->lock);
    source_close(key->source);
    free_key(key);
}

void key_refresh(struct paa_key *key)
{
    source_refresh(key->source);
}

uint64_t key_version(const struct paa_key *key)
{
    return key->source != NULL ? source_version(key->source) : key->version;
}
