/* SPDX-License-Identifier: MIT */
/* Client certificates: the plugin's tables and the life of an instance. What comes in is verify.c's, what goes out
 * attach.h's. */
#include "mtls.h"
#include "attach.h"

#include <stdlib.h>

enum { DEPTH_MAX = PRESENTED_MAX - 1, LIST_URLS_MAX = CERT_CHAIN_CRL_SETS_MAX - 1 };

static const struct paa_option options[] = {
    /* incoming: create.c, inputs.c */
    { .name = "source",
      .type = PAA_OPTION_CHOICE,
      .choices = "tls|client-cert|xfcc|pem",
      .fallback = "tls",
      .flags = PAA_OPTION_INCOMING,
      .help = "who shows the certificate: the host's TLS, or a proxy that ended TLS, in "
              "Client-Cert (RFC 9440), X-Forwarded-Client-Cert (Envoy), or `field`" },
    { .name = "field",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_INCOMING,
      .help = "source = pem: the field that holds percent-encoded PEM (nginx: "
              "$ssl_client_escaped_cert)" },
    { .name = "proxies",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_INCOMING | PAA_OPTION_LIST,
      .max = PROXIES_MAX,
      .help = "from whom the field is believed: addresses, networks, unix: sockets, "
              "instance:NAME, or pins of the proxy's own certificate" },
    { .name = "trust",
      .type = PAA_OPTION_PATH,
      .flags = PAA_OPTION_INCOMING,
      .help = "the CAs whose certificates are taken: a PEM file, or a folder of them" },
    { .name = "intermediates",
      .type = PAA_OPTION_PATH,
      .flags = PAA_OPTION_INCOMING,
      .help = "CA certificates that clients may leave out: a PEM file or a folder" },
    { .name = "pins",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_INCOMING | PAA_OPTION_LIST,
      .max = PINS_MAX,
      .help = "only these: SHA-256 fingerprints of certificates, or sha256//BASE64 of keys; "
              "without trust they alone vouch" },
    { .name = "depth",
      .type = PAA_OPTION_INTEGER,
      .flags = PAA_OPTION_INCOMING,
      .max = DEPTH_MAX,
      .help = "how many intermediates may stand between a client and its anchor; 4 if not "
              "given" },
    { .name = "identity",
      .type = PAA_OPTION_CHOICE,
      .choices = "spiffe|uri|dns|email|subject|cn|pin",
      .flags = PAA_OPTION_INCOMING,
      .help = "which name becomes the principal's subject; what is listed below if not "
              "given, else subject" },
    { .name = "machines",
      .type = PAA_OPTION_BOOLEAN,
      .flags = PAA_OPTION_INCOMING,
      .fallback = "false",
      .help = "these are certificates of programs, which no browser has; true of identity = spiffe "
              "anyway" },
    { .name = "trust_domain",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_INCOMING,
      .help = "identity = spiffe: the trust domain whose bundle trust is" },
    { .name = "uri_san",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_INCOMING | PAA_OPTION_LIST,
      .max = IDENTITY_NAMES_MAX,
      .help = "only certificates with such a URI; * is one path segment, ** the rest" },
    { .name = "dns_san",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_INCOMING | PAA_OPTION_LIST,
      .max = IDENTITY_NAMES_MAX,
      .help = "only certificates with such a DNS name; *. in front is one label" },
    { .name = "email_san",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_INCOMING | PAA_OPTION_LIST,
      .max = IDENTITY_NAMES_MAX,
      .help = "only certificates with such an e-mail address; *@ in front is anybody" },
    { .name = "subject",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_INCOMING | PAA_OPTION_LIST,
      .max = IDENTITY_NAMES_MAX,
      .help = "only certificates with such a distinguished name, as RFC 4514 writes it" },
    { .name = "crl",
      .type = PAA_OPTION_PATH,
      .flags = PAA_OPTION_INCOMING,
      .help = "revocation lists: a file (PEM, or one in DER) or a folder" },
    { .name = "crl_url",
      .type = PAA_OPTION_URL,
      .flags = PAA_OPTION_INCOMING | PAA_OPTION_LIST,
      .max = LIST_URLS_MAX,
      .help = "revocation lists that are fetched; http will do, for they are signed" },
    { .name = "ocsp",
      .type = PAA_OPTION_BOOLEAN,
      .fallback = "false",
      .flags = PAA_OPTION_INCOMING,
      .help = "ask an OCSP responder about each client's certificate (RFC 6960)" },
    { .name = "ocsp_url",
      .type = PAA_OPTION_URL,
      .flags = PAA_OPTION_INCOMING,
      .help = "the responder; if not given, the one that the certificate names" },
    { .name = "revocation",
      .type = PAA_OPTION_CHOICE,
      .choices = "hard|soft",
      .flags = PAA_OPTION_INCOMING,
      .help = "without a current list or response nobody is let in (hard), or everybody that is on "
              "none "
              "(soft); hard if not given" },
    { .name = "outage",
      .type = PAA_OPTION_DURATION,
      .fallback = "1d",
      .flags = PAA_OPTION_INCOMING,
      .min = 1000,
      .max = INT64_C(30) * 24 * 3600 * 1000,
      .help = "how long the last good anchors and lists serve when new ones cannot be read" },
    { .name = "remembered_mib",
      .type = PAA_OPTION_INTEGER,
      .fallback = "16",
      .flags = PAA_OPTION_INCOMING,
      .min = 1,
      .max = 1024,
      .help = "memory for certificates that were found good" },
    { .name = "tls",
      .type = PAA_OPTION_TLS,
      .flags = PAA_OPTION_INCOMING,
      .help = "how the servers of crl_url and ocsp_url are verified, where they are https" },
    /* outgoing */
    MTLS_ATTACH_OPTIONS,
};

/* ---- life ---------------------------------------------------------------------------------------- */

static void destroy(void *memory)
{
    free(memory);
}

static enum paa_status create(struct paa_op *op, void **ret_self)
{
    struct instance *self = (struct instance *)calloc(1, sizeof *self);
    enum paa_status status = PAA_STATUS_OK;

    if (self == NULL)
        return PAA_STATUS_UNAVAILABLE;
    if ((op->flags & PAA_OP_USED_INCOMING) != 0)
        status = judging_create(op, &self->judging);
    if (status == PAA_STATUS_OK && (op->flags & PAA_OP_USED_OUTGOING) != 0)
        status = mtls_attach_create(op, &self->key);
    if (status != PAA_STATUS_OK) {
        destroy(self);
        return status;
    }
    *ret_self = self;
    return PAA_STATUS_OK;
}

static const struct paa_key *key_of(const struct paa_op *op)
{
    return ((const struct instance *)op->self)->key;
}

static enum paa_result attach(struct paa_op *op)
{
    return mtls_attach(op, key_of(op));
}

static enum paa_result answered(struct paa_op *op, const struct paa_response *response)
{
    return mtls_answered(op, key_of(op), response);
}

static const struct paa_plugin plugin = {
    .abi = PAA_ABI,
    .struct_size = sizeof plugin,
    .name = "mtls",
    .version = "1.0",
    .summary = "Client certificates (mutual TLS): judged, or presented",
    .options = PAA_ROWS(options),
    .state_size = sizeof(struct state),
    .create = create,
    .destroy = destroy,
    .verify = mtls_verify,
    .attach = attach,
    .answered = answered,
    .finish = mtls_finish,
};

PAA_PLUGIN(mtls, plugin);
