/* SPDX-License-Identifier: MIT */
#include "client_tls.h"

#include "buf.h"
#include "ca_bundle.h"
#include "engine.h"
#include "hint.h"
#include "key_token.h"
#include "keys.h"
#include "secret.h"
#include "str.h"

#include <openssl/err.h>
#include <openssl/evp.h>

enum { TLS_1_2_WIRE = 0x0303, TLS_1_3_WIRE = 0x0304, PINS_TEXT_MAX = 16 * 1024 };

/* ---- with the policy --------------------------------------------------------------------------- */

static bool says(const struct paa_options *group, const char *name)
{
    return config_host_options.number(group, name, 0) != 0;
}

/* libcurl's form; absent: none, or no memory. */
static struct paa_str join_pins(const struct paa_options *group, struct arena *arena)
{
    size_t count = config_host_options.count(group, "pins");
    struct paa_str pins = STR_NONE;
    struct buf buf;

    if (count == 0)
        return STR_NONE;
    buf_init(&buf, PINS_TEXT_MAX);
    for (size_t i = 0; i < count; i++) {
        buf_add_text(&buf, i > 0 ? ";sha256//" : "sha256//");
        buf_add_str(&buf, config_host_options.string(group, "pins", i));
    }
    if (!buf.failed)
        pins = arena_str(arena, buf_str(&buf));
    buf_free(&buf);
    return pins;
}

/* Of what `plain` says. False: no digest to be had. */
static bool number(struct paa_client_tls *plain)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct buf buf;
    bool is_done;

    buf_init(&buf, PINS_TEXT_MAX + 64);
    buf_printf(&buf, "paa client tls 1 %u %u ", (unsigned)plain->flags,
               (unsigned)plain->min_version);
    buf_add_str(&buf, plain->pins);
    (void)ERR_set_mark();
    is_done = !buf.failed && EVP_Digest(buf.data, buf.size, digest, NULL, EVP_sha256(), NULL) == 1;
    (void)ERR_pop_to_mark();
    buf_free(&buf);
    if (is_done)
        memcpy(&plain->id, digest, sizeof plain->id);
    return is_done;
}

/* As with the sources of instances, one that cannot be read is an error, and a check reads what it may. */
static void open_ca(struct generation *generation, struct client_tls *tls,
                    const struct option_entry *ca, const char *service, struct diag *diag)
{
    struct paa_error error = { "" };
    struct source_spec spec;

    spec = source_spec_of(generation, &ca->values[0].secret, ca->values[0].where, 0);
    tls->ca = ca_bundle_open(generation->context->services.sources, &spec, &error);
    if (tls->ca == NULL || error.text[0] != '\0')
        diag_error(diag, ca->values[0].where, "service %s: tls: %s", service,
                   error.text[0] != '\0' ? error.text : "no memory is left for ca");
}

static const struct option_entry *entry_of(const struct paa_options *group, const char *name)
{
    for (size_t i = 0; i < group->count; i++)
        if (strcmp(group->entries[i].row->name, name) == 0)
            return &group->entries[i];
    return NULL;
}

/* False: no memory. */
static bool take_settings(struct paa_client_tls *plain, const struct paa_options *group,
                          struct arena *arena)
{
    if (!says(group, "verify"))
        plain->flags |= (uint32_t)PAA_CLIENT_TLS_INSECURE;
    if (says(group, "min_version"))
        plain->min_version = TLS_1_3_WIRE;
    plain->pins = join_pins(group, arena);
    return plain->pins.data != NULL || config_host_options.count(group, "pins") == 0;
}

void client_tls_make(struct generation *generation, struct service_rules *service,
                     struct diag *diag)
{
    const struct service_conf *conf = service->conf;
    struct paa_client_tls *plain = &service->tls.plain;
    const struct option_entry *ca;

    if (conf->direction != PAA_OUTGOING)
        return;
    paa_init(plain, sizeof *plain);
    plain->min_version = TLS_1_2_WIRE;
    if ((conf->tls != NULL && !take_settings(plain, conf->tls, &generation->arena)) ||
        !number(plain)) {
        diag_error(diag, conf->where, "service %s: no memory is left for tls", conf->name);
        return;
    }
    ca = conf->tls != NULL ? entry_of(conf->tls, "ca") : NULL;
    if (ca != NULL)
        open_ca(generation, &service->tls, ca, conf->name, diag);
}

void client_tls_close(struct client_tls *tls)
{
    source_close(tls->ca);
    tls->ca = NULL;
}

/* ---- with a request ---------------------------------------------------------------------------- */

/* NULL, or why the connection of this request shows no certificate. */
static const char *refusal(const struct paa_txn *txn, const struct paa_key *key)
{
    if (key == NULL)
        return "no client key was named";
    return paa_str_eq(txn->view.scheme, "https") ? NULL : "plain http shows no client certificate";
}

static enum paa_status keep(struct paa_txn *txn, struct op *op, const struct paa_key *key,
                            const char **ret_sentence)
{
    struct staged_key *staged = arena_alloc(&txn->arena, sizeof *staged);

    *ret_sentence = "no memory is left for the client key";
    if (staged == NULL)
        return PAA_STATUS_UNAVAILABLE;
    staged->shown = key_shown_of(op, key, &staged->is_held);
    *ret_sentence = "the client key could not be read yet: the log says why";
    if (staged->shown == NULL)
        return PAA_STATUS_UNAVAILABLE;
    staged->site = txn->site;
    staged->next = txn->staged_keys;
    txn->staged_keys = staged;
    *ret_sentence = "a client key without a certificate is nothing that TLS can show";
    return staged->shown->chain_pem.data != NULL ? PAA_STATUS_OK : PAA_STATUS_INVALID;
}

enum paa_status client_tls_announce(struct op *op, const struct paa_key *key)
{
    struct instance *instance = (struct instance *)(void *)op->instance;
    uint64_t id = key_shown_id(key);

    instance->client_key_id = !instance->shows_key || instance->client_key_id == id ? id : 0;
    instance->shows_key = true;
    return PAA_STATUS_OK;
}

enum paa_status client_tls_stage(struct paa_txn *txn, struct op *op, const struct paa_key *key,
                                 const char **ret_sentence)
{
    *ret_sentence = refusal(txn, key);
    if (*ret_sentence != NULL)
        return PAA_STATUS_INVALID;
    *ret_sentence = "this host presents no client certificates (PAA_CAN_CLIENT_KEY)";
    if ((txn->lane->context->can & PAA_CAN_CLIENT_KEY) == 0)
        return PAA_STATUS_UNSUPPORTED;
    return keep(txn, op, key, ret_sentence);
}

static bool contributes(const struct paa_txn *txn, uint16_t site)
{
    return txn->results[site] == 0 && chain_granted(&txn->chain, txn->program->sites[site].step);
}

/* The one key of the steps that carried the walk, or NULL. False: there are two. */
static bool find_key(const struct paa_txn *txn, const struct key_shown **ret_key)
{
    *ret_key = NULL;
    for (const struct staged_key *at = txn->staged_keys; at != NULL; at = at->next) {
        if (!contributes(txn, at->site))
            continue;
        if (*ret_key != NULL && (*ret_key)->id != at->shown->id)
            return false;
        *ret_key = at->shown;
    }
    return true;
}

static uint64_t rotated(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

/* All parts are digests of their own, so that sums of different ones meet as seldom as 64 random bits. */
static uint64_t id_of(const struct paa_client_tls *plain, const struct ca_bundle *ca,
                      const struct key_shown *key)
{
    uint64_t id = plain->id;

    if (ca != NULL)
        id += rotated(ca->id, 21);
    if (key != NULL)
        id += rotated(key->id, 42);
    return id != 0 ? id : 1;
}

const char *client_tls_commit(struct paa_txn *txn)
{
    const struct client_tls *tls = &txn->service->tls;
    const struct ca_bundle *ca = NULL;
    const struct key_shown *key;

    if (!find_key(txn, &key))
        return "two steps of the chain show different client keys, and a connection has one";
    if (tls->ca != NULL && (ca = ca_bundle_pin(&txn->pins, tls->ca)) == NULL)
        return "the CAs that tls.ca of the service names cannot be read at this time";
    txn->tls = tls->plain;
    txn->tls.id = id_of(&tls->plain, ca, key);
    if (ca != NULL)
        txn->tls.trust_pem = ca->pem;
    if (key != NULL) {
        txn->tls.chain_pem = key->chain_pem;
        txn->tls.key_pem = key->key_pem;
        txn->tls.key_uri = key->key_uri;
        txn->tls.key_module = key->key_module;
        txn->tls.key_pin = key->key_pin;
    }
    return NULL;
}

void client_tls_let_go(struct paa_txn *txn)
{
    for (const struct staged_key *at = txn->staged_keys; UNLIKELY(at != NULL); at = at->next)
        if (at->is_held)
            key_shown_let_go(at->shown);
    txn->staged_keys = NULL;
}

/* ---- a key that stays in its token --------------------------------------------------------------- */

/* Texts of the core end with NUL, but a host may have built the struct itself. NULL: absent. False: no memory. */
static bool copy_text(struct paa_str text, char **ret_copy)
{
    *ret_copy = text.data != NULL ? secret_alloc(text.size + 1) : NULL;
    if (*ret_copy != NULL && text.size > 0)
        memcpy(*ret_copy, text.data, text.size);
    return text.data == NULL || *ret_copy != NULL;
}

int paa_client_tls_token(const struct paa_client_tls *tls, struct paa_error *error)
{
    char *uri = NULL, *module = NULL, *pin = NULL;
    struct paa_error why = { "no memory is left" };
    int result = -1;

    if (tls == NULL || tls->key_uri.data == NULL)
        return 0;
    if (copy_text(tls->key_uri, &uri) && copy_text(tls->key_module, &module) &&
        copy_text(tls->key_pin, &pin))
        result = key_token_ready(uri, module, pin, &why);
    if (result != 0 && error != NULL)
        (void)snprintf(error->text, sizeof error->text, "the key \"%.120s\" cannot be used: %.350s",
                       uri != NULL ? uri : "", why.text);
    secret_free(uri, tls->key_uri.size + 1);
    secret_free(module, tls->key_module.size + 1);
    secret_free(pin, tls->key_pin.size + 1);
    return result;
}
