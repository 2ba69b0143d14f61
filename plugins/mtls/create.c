/* SPDX-License-Identifier: MIT */
/* From options to how certificates are judged. What cannot be right is refused here, with the option's name. */
#include "mtls.h"

#include "fields.h"
#include "spiffe.h"
#include "str.h"

#include <stdlib.h>

enum { MIB = 1024 * 1024, REFUSALS_BYTES_MAX = 256 * 1024 };

#define CLIENT_CERT       "Client-Cert"
#define CLIENT_CERT_CHAIN "Client-Cert-Chain"
#define XFCC              "X-Forwarded-Client-Cert"

static enum paa_status refuse(struct paa_op *op, const char *name, const char *sentence)
{
    return op->host->options->refuse(op->options, name, paa_str_of(sentence));
}

PAA_PRINTF(3, 4)
static enum paa_status refuse_one(struct paa_op *op, const char *name, const char *format, ...)
{
    char sentence[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return refuse(op, name, sentence);
}

static size_t count_of(struct paa_op *op, const char *name)
{
    return op->host->options->count(op->options, name);
}

static struct paa_str string_of(struct paa_op *op, const char *name, size_t index)
{
    return op->host->options->string(op->options, name, index);
}

/* ---- where certificates come from ---------------------------------------------------------------- */

static enum paa_status read_proxies(struct paa_op *op, struct judging *judging)
{
    judging->proxy_count = count_of(op, "proxies");
    for (size_t i = 0; i < judging->proxy_count; i++) {
        struct paa_str text = string_of(op, "proxies", i);
        const char *why = proxy_parse(text, &judging->proxies[i]);

        if (why != NULL)
            return refuse_one(op, "proxies", "\"%.*s\" %s", STR_ARGS(text), why);
    }
    if (judging->source == SOURCE_TLS && judging->proxy_count > 0)
        return refuse(op, "proxies",
                      "with source = \"tls\" no field is read, so no proxy is believed; say which "
                      "field the proxy writes: source = \"client-cert\", \"xfcc\" or \"pem\"");
    if (judging->source != SOURCE_TLS && judging->proxy_count == 0)
        return refuse(op, "source",
                      "a field is believed only from proxies that are named: say proxies = [ "
                      "\"192.0.2.7\" ], or \"unix:\"");
    return PAA_STATUS_OK;
}

static void name_fields(struct paa_op *op, struct judging *judging)
{
    judging->fields[0] = judging->source == SOURCE_CLIENT_CERT ? STR(CLIENT_CERT)
                         : judging->source == SOURCE_XFCC      ? STR(XFCC)
                                                               : string_of(op, "field", 0);
    judging->fields[1] = judging->source == SOURCE_CLIENT_CERT ? STR(CLIENT_CERT_CHAIN) : STR_NONE;
}

static enum paa_status read_source(struct paa_op *op, struct judging *judging)
{
    enum paa_status status = op->host->options->reads(op->options, PAA_PLACE_CONNECTION, STR_NONE);

    judging->source = (enum source)op->host->options->number(op->options, "source", 0);
    if ((judging->source == SOURCE_PEM) != (count_of(op, "field") == 1))
        return refuse(op, "field",
                      "it goes with source = \"pem\", and that with it: the others have fields of "
                      "their own");
    name_fields(op, judging);
    if (judging->fields[0].data != NULL && !is_token(judging->fields[0]))
        return refuse(op, "field", "it is no name of a field");
    for (size_t i = 0; i < MTLS_FIELDS_MAX && status == PAA_STATUS_OK; i++)
        if (judging->fields[i].data != NULL)
            status = op->host->options->reads(op->options, PAA_PLACE_HEADER, judging->fields[i]);
    return status == PAA_STATUS_OK ? read_proxies(op, judging) : status;
}

/* ---- whom to trust ------------------------------------------------------------------------------- */

static enum paa_status read_pins(struct paa_op *op, struct judging *judging)
{
    judging->rules.pins = judging->pins;
    judging->rules.pin_count = count_of(op, "pins");
    for (size_t i = 0; i < judging->rules.pin_count; i++) {
        struct paa_str text = string_of(op, "pins", i);

        if (!pin_parse(text, &judging->pins[i]))
            return refuse_one(op, "pins",
                              "\"%.*s\" is neither a certificate's SHA-256 fingerprint (64 "
                              "hexadecimal digits) nor a key's (\"sha256//\" and base64)",
                              STR_ARGS(text));
    }
    if (judging->rules.pin_count == 0 && !judging->has_anchors)
        return refuse(
            op, "trust",
            "whose certificates are taken? Say trust = \"ca.pem\", or name single ones by "
            "pins");
    return PAA_STATUS_OK;
}

static enum paa_status read_revocation(struct paa_op *op, struct judging *judging)
{
    bool has_lists = count_of(op, "crl") + count_of(op, "crl_url") > 0;
    bool asks = op->host->options->number(op->options, "ocsp", 0) != 0;
    bool is_said = count_of(op, "revocation") > 0;

    if (!judging->has_anchors &&
        (has_lists || asks || count_of(op, "intermediates") > 0 || count_of(op, "depth") > 0))
        return refuse(op, "trust",
                      "without it the pins alone count; leave out crl, crl_url, ocsp, "
                      "intermediates and depth");
    if (is_said && !has_lists && !asks)
        return refuse(op, "revocation",
                      "nothing says what is revoked: give crl or crl_url, or say ocsp = true");
    if (count_of(op, "ocsp_url") > 0 && !asks)
        return refuse(op, "ocsp_url", "it goes with ocsp = true");
    judging->rules.asks_responder = asks;
    judging->rules.ocsp_url = string_of(op, "ocsp_url", 0);
    judging->rules.revocation = REVOCATION_OFF;
    if (has_lists || asks)
        judging->rules.revocation =
            is_said && op->host->options->number(op->options, "revocation", 0) == 1
                ? REVOCATION_SOFT
                : REVOCATION_HARD;
    return PAA_STATUS_OK;
}

static enum paa_status read_trust(struct paa_op *op, struct judging *judging)
{
    enum paa_status status;

    judging->has_anchors = count_of(op, "trust") > 0;
    judging->has_intermediates = count_of(op, "intermediates") > 0;
    judging->rules.depth = count_of(op, "depth") > 0
                               ? (int)op->host->options->number(op->options, "depth", 0)
                               : CERT_CHAIN_DEPTH_DEFAULT;
    judging->outage_s = op->host->options->number(op->options, "outage", 0) / 1000;
    status = read_pins(op, judging);
    return status == PAA_STATUS_OK ? read_revocation(op, judging) : status;
}

/* ---- who it is ----------------------------------------------------------------------------------- */

static enum paa_status read_list(struct paa_op *op, const char *option, enum name_kind kind,
                                 struct name_list *list)
{
    list->count = count_of(op, option);
    for (size_t i = 0; i < list->count; i++) {
        const char *why;

        list->patterns[i] = string_of(op, option, i);
        why = name_pattern_check(kind, list->patterns[i]);
        if (why != NULL)
            return refuse_one(op, option, "\"%.*s\" %s", STR_ARGS(list->patterns[i]), why);
    }
    return PAA_STATUS_OK;
}

static enum paa_status read_lists(struct paa_op *op, struct identity_rules *rules)
{
    enum paa_status status = read_list(op, "uri_san", NAME_URI, &rules->uris);

    if (status == PAA_STATUS_OK)
        status = read_list(op, "dns_san", NAME_DNS, &rules->dns);
    if (status == PAA_STATUS_OK)
        status = read_list(op, "email_san", NAME_EMAIL, &rules->emails);
    if (status == PAA_STATUS_OK)
        status = read_list(op, "subject", NAME_SUBJECT, &rules->subjects);
    return status;
}

/* What is listed is what counts, if nothing else is said. */
static enum identity default_identity(const struct judging *judging)
{
    const struct identity_rules *rules = &judging->identity;

    if (!judging->has_anchors)
        return IDENTITY_PIN;
    if (rules->trust_domain.data != NULL ||
        (rules->uris.count > 0 && str_starts(rules->uris.patterns[0], STR("spiffe://"))))
        return IDENTITY_SPIFFE;
    return rules->uris.count > 0     ? IDENTITY_URI
           : rules->dns.count > 0    ? IDENTITY_DNS
           : rules->emails.count > 0 ? IDENTITY_EMAIL
                                     : IDENTITY_SUBJECT;
}

static struct paa_str domain_in(struct paa_str pattern)
{
    size_t from = sizeof "spiffe://" - 1;

    return str_starts(pattern, STR("spiffe://"))
               ? str_slice(pattern, from, str_find(pattern, '/', from))
               : STR_NONE;
}

/* The bundle is of one trust domain, or a CA of one could speak for another (SPIFFE Trust Domain and Bundle 5). */
static enum paa_status read_domain(struct paa_op *op, struct identity_rules *rules)
{
    bool is_said = rules->trust_domain.data != NULL;

    if (rules->identity != IDENTITY_SPIFFE)
        return is_said ? refuse(op, "trust_domain", "it goes with identity = \"spiffe\"")
                       : PAA_STATUS_OK;
    if (!is_said && rules->uris.count > 0)
        rules->trust_domain = domain_in(rules->uris.patterns[0]);
    if (!spiffe_is_domain(rules->trust_domain))
        return refuse(op, is_said ? "trust_domain" : "identity",
                      "say whose bundle `trust` is: trust_domain = \"example.com\" (small letters, "
                      "digits, \".\", \"-\" and \"_\")");
    for (size_t i = 0; i < rules->uris.count; i++)
        if (!str_eq(domain_in(rules->uris.patterns[i]), rules->trust_domain))
            return refuse(op, "uri_san",
                          "all of them must be of the one trust domain whose bundle `trust` is; "
                          "others need an instance of their own");
    return PAA_STATUS_OK;
}

static bool has_key_pin(const struct judging *judging)
{
    for (size_t i = 0; i < judging->rules.pin_count; i++)
        if (judging->pins[i].kind == PIN_KEY)
            return true;
    return false;
}

static enum paa_status read_identity(struct paa_op *op, struct judging *judging)
{
    struct identity_rules *rules = &judging->identity;
    enum paa_status status = read_lists(op, rules);

    if (status != PAA_STATUS_OK)
        return status;
    rules->trust_domain = string_of(op, "trust_domain", 0);
    rules->identity = count_of(op, "identity") > 0
                          ? (enum identity)(op->host->options->number(op->options, "identity", 0) +
                                            IDENTITY_SPIFFE)
                          : default_identity(judging);
    judging->is_of_machines = rules->identity == IDENTITY_SPIFFE ||
                              op->host->options->number(op->options, "machines", 0) != 0;
    if (!judging->has_anchors && has_key_pin(judging) && rules->identity != IDENTITY_PIN)
        return refuse(op, "identity",
                      "without trust, whoever holds a pinned key can give itself any name; leave "
                      "it at \"pin\", or pin certificates");
    if (judging->rules.pin_count == 0 && rules->identity == IDENTITY_PIN)
        return refuse(op, "identity", "\"pin\" goes with the option pins");
    return read_domain(op, rules);
}

/* ---- what is remembered -------------------------------------------------------------------------- */

static void release_verdict(void *object, const void *self)
{
    (void)self;
    verdict_release((const struct verdict *)object);
}

static void release_digests(void *object, const void *self)
{
    (void)self;
    free(object);
}

static enum paa_status open_memos(struct paa_op *op, struct judging *judging)
{
    uint64_t mib = (uint64_t)op->host->options->number(op->options, "remembered_mib", 0);
    struct paa_memo_def def;
    enum paa_status status;

    paa_init(&def, sizeof def);
    def.name = "chains";
    def.release = release_verdict;
    def.max_bytes = mib * MIB;
    status = op->host->memo->open(op, &def, &judging->chains);
    def.name = "refusals";
    def.max_bytes = REFUSALS_BYTES_MAX;
    if (status == PAA_STATUS_OK)
        status = op->host->memo->open(op, &def, &judging->refusals);
    def.name = "peers";
    def.flags = PAA_MEMO_PEER;
    if (status == PAA_STATUS_OK && judging->source == SOURCE_TLS)
        status = op->host->memo->open(op, &def, &judging->peers);
    def.name = "proved";
    def.release = release_digests;
    for (size_t i = 0; i < judging->proxy_count && status == PAA_STATUS_OK; i++)
        if (judging->proxies[i].kind == PROXY_PIN && judging->proved == NULL)
            status = op->host->memo->open(op, &def, &judging->proved);
    return status;
}

enum paa_status judging_create(struct paa_op *op, struct judging *judging)
{
    enum paa_status status = read_source(op, judging);

    if (status == PAA_STATUS_OK)
        status = read_trust(op, judging);
    if (status == PAA_STATUS_OK)
        status = read_identity(op, judging);
    if (status == PAA_STATUS_OK)
        status = inputs_check(op);
    if (status == PAA_STATUS_OK)
        status = inputs_create(op, judging);
    if (status == PAA_STATUS_OK)
        status = responder_create(op, judging);
    if (status == PAA_STATUS_OK)
        status = open_memos(op, judging);
    return status;
}
