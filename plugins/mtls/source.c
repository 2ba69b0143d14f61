/* SPDX-License-Identifier: MIT */
/*
 * Where certificates come from: the connection's own TLS, or a field of a proxy that ended it. A field is believed by who
 * the other end of the connection is, never by what the request says of its client. That it came once, and reaches no
 * application, is the core's work (options->reads).
 */
#include "mtls.h"

#include "certificate.h"
#include "codec.h"
#include "str.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum { KEY_MAX = 16 * 1024 }; /* of a memo */

static enum paa_result no_memory(struct paa_op *op)
{
    return paa_fail(op, PAA_FAULT, "memory", "no memory is left to read certificates");
}

/* ---- what it is remembered by -------------------------------------------------------------------- */

static bool digest_all(const struct paa_bytes *pieces, size_t count,
                       unsigned char ret_digest[PIN_DIGEST_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_done = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;

    for (size_t i = 0; i < count && is_done; i++)
        is_done = EVP_DigestUpdate(context, &pieces[i].size, sizeof pieces[i].size) == 1 &&
                  EVP_DigestUpdate(context, pieces[i].data, pieces[i].size) == 1;
    is_done = is_done && EVP_DigestFinal_ex(context, ret_digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    return is_done;
}

/* All that was presented: as it is if it is one piece that fits, else its SHA-256. Nothing that is as short as a digest is
 * its own key: it could be one of somebody else's chain. */
static bool make_key(struct paa_op *op, const struct paa_bytes *pieces, size_t count,
                     struct paa_bytes *ret_key)
{
    unsigned char *digest;
    bool is_done;

    if (count == 1 && pieces[0].size > PIN_DIGEST_SIZE && pieces[0].size <= KEY_MAX) {
        *ret_key = pieces[0];
        return true;
    }
    digest = (unsigned char *)op->host->alloc(op, PIN_DIGEST_SIZE);
    if (digest == NULL)
        return false;
    ERR_set_mark();
    is_done = digest_all(pieces, count, digest);
    ERR_pop_to_mark();
    *ret_key = paa_bytes_of(digest, PIN_DIGEST_SIZE);
    return is_done;
}

/* ---- the connection's own ------------------------------------------------------------------------ */

static enum paa_result too_much(struct paa_op *op, const char *why)
{
    return paa_fail(op, PAA_REJECT, "chain-size", "what the client presented %s", why);
}

static enum paa_result look_at_connection(struct paa_op *op, struct state *state)
{
    struct paa_bytes der = op->host->request->peer_certificate(op, 0);
    struct presented presented = { .count = 0 };
    const char *why = NULL;

    if (der.data == NULL)
        return PAA_ABSENT;
    for (size_t i = 0; der.data != NULL && why == NULL; i++) {
        why = presented_add(&presented, der);
        der = op->host->request->peer_certificate(op, i + 1);
    }
    if (why != NULL)
        return too_much(op, why);
    return make_key(op, presented.der, presented.count, &state->key) ? PAA_PENDING : no_memory(op);
}

/* It was looked at before. */
static enum paa_result read_connection(struct paa_op *op, struct presented *presented)
{
    struct paa_bytes der;

    for (size_t i = 0; (der = op->host->request->peer_certificate(op, i)).data != NULL; i++)
        if (presented_add(presented, der) != NULL)
            return no_memory(op);
    return PAA_PENDING;
}

/* ---- fields -------------------------------------------------------------------------------------- */

static enum paa_result look_at_fields(struct paa_op *op, struct state *state)
{
    const struct judging *judging = judging_of(op);

    state->field = op->host->request->header(op, judging->fields[0], 0);
    if (judging->fields[1].data != NULL)
        state->chain_field = op->host->request->header(op, judging->fields[1], 0);
    if (state->field.data == NULL && state->chain_field.data == NULL)
        return PAA_ABSENT;
    return PAA_PENDING;
}

enum paa_result source_look(struct paa_op *op, struct state *state)
{
    return judging_of(op)->source == SOURCE_TLS ? look_at_connection(op, state)
                                                : look_at_fields(op, state);
}

bool source_is_trusted(struct paa_op *op, const struct pin_subject *own)
{
    const struct judging *judging = judging_of(op);
    struct paa_str address = op->host->request->view(op)->peer_address;
    const struct paa_principal *who;

    for (size_t i = 0; i < judging->proxy_count; i++) {
        const struct proxy *proxy = &judging->proxies[i];

        if (proxy->kind == PROXY_PIN ? own != NULL && pin_is_of(&proxy->pin, own)
                                     : proxy_has_address(proxy, address))
            return true;
        for (size_t k = 0;
             proxy->kind == PROXY_INSTANCE && (who = op->host->request->principal(op, k)) != NULL;
             k++)
            if (str_eq(who->instance, proxy->text))
                return true;
    }
    return false;
}

enum paa_result source_distrust(struct paa_op *op)
{
    struct paa_str address = op->host->request->view(op)->peer_address;

    return paa_fail(op, PAA_REJECT, "proxy",
                    "a field that only proxies may write (%.*s) came from %.*s, which is none of "
                    "the option `proxies`",
                    STR_ARGS(judging_of(op)->fields[0]),
                    STR_ARGS(address.data != NULL ? address : STR("an unknown address")));
}

struct pin_subject *source_prove(struct paa_op *op)
{
    struct paa_bytes der = op->host->request->peer_certificate(op, 0);
    struct pin_subject *own = NULL;
    X509 *certificate;

    if (der.data == NULL || der.size > PRESENTED_DER_MAX)
        return NULL;
    ERR_set_mark();
    certificate = certificate_read(der);
    if (certificate != NULL && (own = (struct pin_subject *)calloc(1, sizeof *own)) != NULL &&
        !pin_subject_of(der, certificate, own)) {
        free(own);
        own = NULL;
    }
    X509_free(certificate);
    ERR_pop_to_mark();
    return own;
}

enum paa_result source_key(struct paa_op *op, struct state *state)
{
    const struct paa_bytes pieces[] = { paa_bytes_of(state->field.data, state->field.size),
                                        paa_bytes_of(state->chain_field.data,
                                                     state->chain_field.size) };

    if (state->field.size == 0)
        return paa_fail(op, PAA_REJECT, PAA_REASON_INVALID_REQUEST,
                        state->field.data == NULL ? "Client-Cert-Chain came without Client-Cert"
                                                  : "the field of the proxy is empty");
    return make_key(op, pieces, state->chain_field.data != NULL ? 2 : 1, &state->key)
               ? PAA_PENDING
               : no_memory(op);
}

static enum paa_result read_fields(struct paa_op *op, const struct state *state,
                                   struct presented *presented)
{
    const struct judging *judging = judging_of(op);
    size_t size = PRESENTED_MEMORY(state->field.size + state->chain_field.size);
    unsigned char *memory = (unsigned char *)op->host->alloc(op, size);
    const char *why;

    if (memory == NULL)
        return no_memory(op);
    why = judging->source == SOURCE_CLIENT_CERT
              ? client_cert_read(state->field, state->chain_field, memory, presented)
          : judging->source == SOURCE_XFCC ? xfcc_read(state->field, memory, presented)
                                           : pem_field_read(state->field, memory, presented);
    if (why != NULL)
        return paa_fail(op, PAA_REJECT, PAA_REASON_INVALID_REQUEST, "%.*s %s",
                        STR_ARGS(judging->fields[0]), why);
    return PAA_PENDING;
}

enum paa_result source_read(struct paa_op *op, struct state *state)
{
    struct weighing *weighing = weighing_of(op, state);

    if (weighing == NULL)
        return no_memory(op);
    return judging_of(op)->source == SOURCE_TLS ? read_connection(op, &weighing->presented)
                                                : read_fields(op, state, &weighing->presented);
}
