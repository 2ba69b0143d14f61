/* SPDX-License-Identifier: MIT */
/*
 * A plugin outside PAA's tree: a shared secret in a header field, checked on requests that come in, put
 * on requests that go out. README.md beside it walks through it.
 *
 *   instances = { partner = { plugin = "shared-secret"; secret = "file:/run/secrets/partner"; }; };
 */
#include <openssl/crypto.h>
#include <paa/plugin.h>

static const struct paa_option options[] = {
    { .name = "header",
      .type = PAA_OPTION_STRING,
      .fallback = "X-Shared-Secret",
      .help = "header field that carries the secret" },
    { .name = "secret",
      .type = PAA_OPTION_SECRET,
      .flags = PAA_OPTION_REQUIRED,
      .help = "the secret that both sides know" },
};

/* Once per instance. The core takes a field that is read here off the request before the application
 * sees it, and refuses a request that has it twice. */
static enum paa_status create(struct paa_op *op, void **ret_self)
{
    *ret_self = NULL; /* nothing to keep: the options are at hand in every slot */
    return op->host->options->reads(op->options, PAA_PLACE_HEADER, paa_option_string(op, "header"));
}

/* Sizes may be told by time, bytes not. */
static int is_same(struct paa_str given, struct paa_bytes secret)
{
    return given.size == secret.size && CRYPTO_memcmp(given.data, secret.data, secret.size) == 0;
}

static enum paa_result verify(struct paa_op *op)
{
    struct paa_str name = paa_option_string(op, "header");
    struct paa_str given = op->host->request->header(op, name, 0);
    struct paa_bytes secret = paa_option_bytes(op, "secret");
    struct paa_principal who;

    if (given.data == NULL)
        return PAA_ABSENT;
    if (given.size == 0 || op->host->request->header(op, name, 1).data != NULL)
        return paa_fail(op, PAA_REJECT, PAA_REASON_INVALID_REQUEST, "empty or doubled");
    if (secret.size == 0)
        return paa_fail(op, PAA_UNAVAILABLE, "no-secret", "the secret could not be read");
    if (!is_same(given, secret))
        return paa_fail(op, PAA_REJECT, "wrong-secret", "not the secret of this instance");

    paa_init(&who, sizeof who);
    who.flags = PAA_PRINCIPAL_MACHINE;
    who.subject = op->instance;
    op->host->outcome->principal(op, &who);
    return PAA_ACCEPT;
}

/* Why a request without it is a 401: there is something to offer. */
static enum paa_result challenge(struct paa_op *op, const struct paa_denial *why)
{
    struct paa_challenge offer;
    struct paa_field realm;

    paa_init(&offer, sizeof offer);
    realm.name = paa_str_of("realm");
    realm.value = why->realm;
    offer.scheme = paa_str_of("SharedSecret");
    offer.params = &realm;
    offer.param_count = why->realm.data != NULL;
    op->host->outcome->challenge(op, &offer);
    return PAA_DONE;
}

static enum paa_result attach(struct paa_op *op)
{
    struct paa_bytes secret = paa_option_bytes(op, "secret");

    if (secret.size == 0)
        return paa_fail(op, PAA_UNAVAILABLE, "no-secret", "the secret could not be read");
    op->host->outcome->header_set(op, PAA_MESSAGE_REQUEST, paa_option_string(op, "header"),
                                  paa_str_of_n((const char *)secret.data, secret.size), PAA_SECRET);
    return PAA_ACCEPT;
}

static const struct paa_plugin plugin = {
    .abi = PAA_ABI,
    .struct_size = sizeof plugin,
    .name = "shared-secret",
    .version = "1.0",
    .summary = "one secret in a header field, both ways",
    .options = PAA_ROWS(options),
    .create = create,
    .verify = verify,
    .challenge = challenge,
    .attach = attach,
};

PAA_PLUGIN(shared_secret, plugin);
