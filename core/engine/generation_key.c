/* SPDX-License-Identifier: MIT */
/* The private keys of a generation: each is opened once, however many options name it. */
#include "engine.h"
#include "keys.h"

#include <stdlib.h>

enum { MS_IN_S = 1000 };

/* Its specs: the key, unless a token has it, its passphrase or PIN, its certificates. Others may not read what unlocks it. */
static size_t specs_of(const struct generation *generation, const struct key_conf *conf,
                       struct source_spec *ret_specs)
{
    const uint32_t hidden = SOURCE_SECRET | SOURCE_PRIVATE;
    size_t count = 0;

    if (conf->key != NULL)
        ret_specs[count++] =
            source_spec_of(generation, conf->key, conf->where, hidden | SOURCE_EXACT);
    if (conf->passphrase != NULL)
        ret_specs[count++] = source_spec_of(generation, conf->passphrase, conf->where, hidden);
    for (size_t i = 0; i < conf->certificate_count; i++)
        ret_specs[count++] = source_spec_of(generation, &conf->certificates[i], conf->where, 0);
    return count;
}

static bool keep(struct generation *generation, struct paa_key *key)
{
    struct paa_key **grown =
        realloc(generation->keys, (generation->key_count + 1) * sizeof(struct paa_key *));

    if (grown == NULL)
        return false;
    generation->keys = grown;
    generation->keys[generation->key_count++] = key;
    return true;
}

static struct paa_key *open_key(struct generation *generation, const struct key_conf *conf,
                                struct paa_error *error, struct paa_error *ret_warning)
{
    struct source_spec specs[2 + KEY_FILES_MAX];
    const struct key_spec spec = { .specs = specs,
                                   .count = specs_of(generation, conf, specs),
                                   .is_pkcs12 = conf->is_pkcs12,
                                   .uri = conf->uri,
                                   .module = conf->module,
                                   .has_passphrase = conf->passphrase != NULL,
                                   .id = conf->id,
                                   .warn_before_s = conf->warn_before_ms / MS_IN_S };
    struct paa_key *key = key_open(&generation->context->services, &spec, error, ret_warning);

    if (key != NULL && keep(generation, key))
        return key;
    key_close(key);
    return NULL;
}

const struct paa_key *generation_key(struct generation *generation,
                                     const struct option_value *value, struct diag *diag)
{
    struct key_conf *conf = value->key;
    const char *name = conf->name != NULL ? conf->name : value->row->name;
    struct paa_error error, warning;

    if (conf->handle != NULL)
        return conf->handle;
    conf->handle = open_key(generation, conf, &error, &warning);
    if (conf->handle == NULL)
        diag_error(diag, conf->where, "no memory is left for the key %s", name);
    else if (error.text[0] != '\0')
        diag_error(diag, conf->where, "%s: %s", name, error.text);
    else if (warning.text[0] != '\0')
        diag_warn(diag, conf->where, "%s: %s", name, warning.text);
    return conf->handle;
}

void generation_close_keys(struct generation *generation)
{
    for (size_t i = 0; i < generation->key_count; i++)
        key_close(generation->keys[i]);
    free(generation->keys);
}
