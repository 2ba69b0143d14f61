/* SPDX-License-Identifier: MIT */
/* A client's options, and its authenticated requests. What is written is oauth_assertion.c's. */
#include "oauth_client.h"

#include "fields.h"
#include "jws_write.h"
#include "str.h"

enum { CHANCE_SIZE = 16, HEADERS_MAX = 4, TEXT_MAX = 16 * 1024 };

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/* ---- options ---------------------------------------------------------------------------------- */

static bool wants_secret(enum oauth_auth auth)
{
    return auth == OAUTH_AUTH_BASIC || auth == OAUTH_AUTH_POST;
}

static bool wants_key(enum oauth_auth auth)
{
    return auth == OAUTH_AUTH_PRIVATE_KEY_JWT || auth == OAUTH_AUTH_TLS ||
           auth == OAUTH_AUTH_SELF_SIGNED_TLS;
}

static bool is_plain(struct paa_str url)
{
    return str_starts_nocase(url, STR("http://"));
}

static enum oauth_auth auth_of(struct paa_op *op, const struct oauth_client *client)
{
    if (op->host->options->count(op->options, "client_auth") > 0)
        return (enum oauth_auth)(op->host->options->number(op->options, "client_auth", 0) + 1);
    if (client->secret != NULL)
        return OAUTH_AUTH_BASIC;
    return client->key != NULL ? OAUTH_AUTH_PRIVATE_KEY_JWT : OAUTH_AUTH_NONE;
}

/* NULL: fine. Else what is wrong with the option *ret_name. */
static const char *fault_of(struct paa_op *op, const struct oauth_client *client, bool has_issuer,
                            const char **ret_name)
{
    *ret_name = "client_auth";
    if (client->secret == NULL && client->key == NULL &&
        op->host->options->count(op->options, "client_auth") == 0)
        return "how the client proves who it is must be said: add client_secret or client_key, or "
               "client_auth = \"none\" for a public client";
    if (wants_secret(client->auth) && client->secret == NULL)
        return "this way needs client_secret";
    if (wants_key(client->auth) && client->key == NULL)
        return "this way needs client_key";
    *ret_name = "client_secret";
    if (!wants_secret(client->auth) && client->secret != NULL)
        return "client_auth says that no secret is used: remove one of the two";
    *ret_name = "assertion_audience";
    if (client->auth == OAUTH_AUTH_PRIVATE_KEY_JWT && !client->names_endpoint && !has_issuer)
        return "assertions name the issuer: add issuer, or assertion_audience = \"token_endpoint\"";
    return NULL;
}

/* Of a key that cannot be read now nothing is known: it is told when it is needed. */
static enum paa_status check_key(struct paa_op *op, const struct oauth_client *client)
{
    char why[OAUTH_KEY_WHY_SIZE];
    struct paa_key_info info;

    if (oauth_client_shows_certificate(client))
        return oauth_client_check_shown(op, client, NULL);
    paa_init(&info, sizeof info);
    if (client->auth != OAUTH_AUTH_PRIVATE_KEY_JWT || client->algorithm.data == NULL ||
        op->host->keys->info(op, client->key, &info) != PAA_STATUS_OK ||
        oauth_key_can(info.public_key, client->algorithm, why))
        return PAA_STATUS_OK;
    return op->host->options->refuse(op->options, "assertion_algorithm", paa_str_of(why));
}

enum paa_status oauth_client_create(struct paa_op *op, bool has_issuer,
                                    struct oauth_client *ret_client)
{
    const struct paa_host_options *options = op->host->options;
    struct oauth_client client = { .id = paa_option_string(op, "client_id") };
    const char *name = NULL;
    const char *fault;

    client.secret = options->source(op->options, "client_secret", 0);
    client.key = options->key(op->options, "client_key", 0);
    client.auth = auth_of(op, &client);
    client.algorithm = options->count(op->options, "assertion_algorithm") > 0
                           ? paa_option_string(op, "assertion_algorithm")
                           : STR_NONE;
    client.names_endpoint = options->number(op->options, "assertion_audience", 0) != 0;
    if (client.id.size == 0)
        return options->refuse(op->options, "client_id",
                               STR("the authorization server must be told who asks"));
    fault = fault_of(op, &client, has_issuer, &name);
    if (fault != NULL)
        return options->refuse(op->options, name, paa_str_of(fault));
    *ret_client = client;
    return check_key(op, &client);
}

enum paa_status oauth_client_check_shown(struct paa_op *op, const struct oauth_client *client,
                                         const char *endpoint)
{
    const struct paa_host_options *options = op->host->options;
    struct paa_key_info info;

    paa_init(&info, sizeof info);
    if (op->host->keys->info(op, client->key, &info) == PAA_STATUS_OK && info.chain_count == 0)
        return options->refuse(
            op->options, "client_key",
            STR("the key has no certificate to present: add certificate = \"FILE\""));
    if (endpoint != NULL && is_plain(paa_option_string(op, endpoint)))
        return options->refuse(op->options, endpoint,
                               STR("over plain http no certificate can be shown: use https"));
    return PAA_STATUS_OK;
}

bool oauth_client_shows_certificate(const struct oauth_client *client)
{
    return client->auth == OAUTH_AUTH_TLS || client->auth == OAUTH_AUTH_SELF_SIGNED_TLS;
}

/* ---- what has no effect ------------------------------------------------------------------------ */

static const char *const names[] = { "client_id",  "client_auth",         "client_secret",
                                     "client_key", "assertion_algorithm", "assertion_audience" };

/* The last one has a default, which is its first choice. */
static bool is_given(struct paa_op *op, const char *name)
{
    const struct paa_host_options *options = op->host->options;

    return strcmp(name, "assertion_audience") == 0 ? options->number(op->options, name, 0) != 0
                                                   : options->count(op->options, name) > 0;
}

static enum paa_status warn(struct paa_op *op, const char *name, const char *why)
{
    char sentence[160];

    (void)snprintf(sentence, sizeof sentence, "has no effect: %s", why);
    return is_given(op, name) ? op->host->options->warn(op->options, name, paa_str_of(sentence))
                              : PAA_STATUS_OK;
}

enum paa_status oauth_client_warn_of_none(struct paa_op *op, const char *why)
{
    enum paa_status status = PAA_STATUS_OK;

    for (size_t i = 0; i < sizeof names / sizeof names[0] && status == PAA_STATUS_OK; i++)
        status = warn(op, names[i], why);
    return status;
}

enum paa_status oauth_client_warn(struct paa_op *op, const struct oauth_client *client)
{
    static const char with_assertions[] = "it goes with client_auth = \"private_key_jwt\"";
    bool binds = (op->flags & PAA_OP_USED_OUTGOING) != 0 &&
                 op->host->options->number(op->options, "certificate_bound", 0) != 0;
    enum paa_status status = PAA_STATUS_OK;

    if (!wants_key(client->auth) && !binds)
        status = warn(op, "client_key",
                      client->secret != NULL
                          ? "the client proves by its client_secret who it is: keep one of the two"
                          : "client_auth says that no key is used: keep one of the two");
    if (status == PAA_STATUS_OK && client->auth != OAUTH_AUTH_PRIVATE_KEY_JWT)
        status = warn(op, "assertion_algorithm", with_assertions);
    if (status == PAA_STATUS_OK && client->auth != OAUTH_AUTH_PRIVATE_KEY_JWT)
        status = warn(op, "assertion_audience", with_assertions);
    return status;
}

uint64_t oauth_client_version(struct paa_op *op, const struct oauth_client *client)
{
    struct paa_key_info info;

    if (client->secret != NULL)
        return op->host->sources->version(op, client->secret);
    paa_init(&info, sizeof info);
    if (client->key == NULL || op->host->keys->info(op, client->key, &info) != PAA_STATUS_OK)
        return 0;
    return info.version;
}

/* ---- one request ------------------------------------------------------------------------------ */

static const char too_large[] =
    "the request to the authorization server is too large, or no memory is left";

static enum paa_result fail_for_memory(struct paa_op *op)
{
    return op->host->fail(op, PAA_UNAVAILABLE, "client-auth", paa_str_of(too_large));
}

static void add_header(struct oauth_call *call, size_t *count, struct paa_field field)
{
    if (field.name.data != NULL && *count < HEADERS_MAX)
        call->headers[(*count)++] = field;
}

/* text: the value of Authorization, if there is any. */
static enum paa_result fetch(struct paa_op *op, struct oauth_call *call, bool has_authorization)
{
    struct paa_http_request request;
    size_t count = 0;

    if (call->body.failed || call->text.failed)
        return fail_for_memory(op);
    add_header(call, &count, paa_field_of("Content-Type", "application/x-www-form-urlencoded"));
    add_header(call, &count, paa_field_of("Accept", "application/json"));
    add_header(call, &count, call->header);
    if (has_authorization)
        add_header(call, &count, (struct paa_field){ STR("Authorization"), buf_str(&call->text) });
    paa_init(&request, sizeof request);
    request.flags = call->http_flags | PAA_HTTP_SECRET;
    request.method = STR("POST");
    request.url = call->url;
    request.headers = call->headers;
    request.header_count = count;
    request.body = paa_bytes_of(call->body.data, call->body.size);
    request.tls = call->tls;
    request.client_key = call->client_key;
    if (oauth_client_shows_certificate(call->client))
        request.client_key = call->client->key;
    request.timeout_ms = call->timeout_ms;
    request.response_limit = OAUTH_RESPONSE_MAX;
    return op->host->http->fetch(op, &request, call->then, call->context);
}

static enum paa_result send_with_secret(struct paa_op *op, struct oauth_call *call)
{
    const struct oauth_client *client = call->client;
    struct paa_bytes secret = op->host->sources->read(op, client->secret, 0);

    if (secret.size == 0 || secret.size > OAUTH_SECRET_MAX)
        return paa_fail(op, PAA_UNAVAILABLE, "no-secret",
                        "the client_secret %s; see where the option \"client_secret\" points",
                        secret.size == 0 ? "is empty or cannot be read" : "is over 4 KiB");
    if (client->auth == OAUTH_AUTH_BASIC) {
        oauth_basic_write(&call->text, client->id, secret);
        return fetch(op, call, true);
    }
    form_add(&call->body, STR("client_id"), client->id);
    form_add(&call->body, STR("client_secret"),
             paa_str_of_n((const char *)secret.data, secret.size));
    return fetch(op, call, false);
}

/* ---- assertions ------------------------------------------------------------------------------- */

/* Whoever waits has its own ways to end: it is told, as if nothing came. */
static enum paa_result on_signature(struct paa_op *op, enum paa_status status,
                                    struct paa_bytes signature, void *context)
{
    struct oauth_call *call = (struct oauth_call *)context;

    if (status != PAA_STATUS_OK)
        return call->then(op, status, NULL, call->context);
    buf_add_char(&call->text, '.');
    jws_add(&call->text, signature);
    form_add(&call->body, STR("client_id"), call->client->id);
    form_add(&call->body, STR("client_assertion_type"), STR(ASSERTION_TYPE));
    form_add(&call->body, STR("client_assertion"), buf_str(&call->text));
    if (fetch(op, call, false) == PAA_PENDING)
        return PAA_PENDING;
    op->host->log->line(op, PAA_LEVEL_WARNING, paa_str_of(too_large));
    return call->then(op, PAA_STATUS_UNAVAILABLE, NULL, call->context);
}

static struct paa_str audience_of(const struct oauth_call *call)
{
    if (!call->client->names_endpoint)
        return call->issuer;
    return call->token_endpoint.data != NULL ? call->token_endpoint : call->url;
}

static enum paa_result send_with_assertion(struct paa_op *op, struct oauth_call *call)
{
    unsigned char chance[CHANCE_SIZE];
    struct oauth_assertion assertion = { .client_id = call->client->id,
                                         .audience = audience_of(call),
                                         .now_s = op->host->clock->now_s(op) };
    struct paa_key_info info;

    paa_init(&info, sizeof info);
    if (op->host->keys->info(op, call->client->key, &info) != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "client-key", STR_NONE);
    assertion.algorithm = call->client->algorithm.data != NULL
                              ? call->client->algorithm
                              : oauth_algorithm_of(info.public_key);
    if (assertion.algorithm.data == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "client-key",
                        "the client_key can sign no assertion: RSA of 2048 bits or more, P-256, "
                        "P-384, P-521 or Ed25519 can");
    assertion.key_id = info.key_id;
    assertion.certificate = info.chain_count > 0 ? info.chain[0] : BYTES_NONE;
    if (op->host->random->fill(op, chance, sizeof chance) != PAA_STATUS_OK)
        return paa_fail(op, PAA_UNAVAILABLE, "client-key", "no chance is to be had");
    assertion.chance = paa_bytes_of(chance, sizeof chance);
    if (!oauth_assertion_write(&call->text, &assertion))
        return fail_for_memory(op);
    return op->host->keys->sign(op, call->client->key, assertion.algorithm,
                                paa_bytes_of(call->text.data, call->text.size), on_signature, call);
}

/* ---- sending ---------------------------------------------------------------------------------- */

static void restart(struct buf *buf, size_t max)
{
    if (buf->max == 0)
        buf_init(buf, max);
    buf_clear(buf);
}

enum paa_result oauth_call_send(struct paa_op *op, struct oauth_call *call, paa_http_fn then,
                                void *context)
{
    call->then = then;
    call->context = context;
    restart(&call->body, OAUTH_FORM_MAX);
    restart(&call->text, TEXT_MAX);
    buf_add_str(&call->body, call->form);
    if ((call->client_key != NULL || oauth_client_shows_certificate(call->client)) &&
        is_plain(call->url))
        return paa_fail(op, PAA_UNAVAILABLE, "client-key",
                        "the authorization server is asked over plain http, where no certificate "
                        "can be shown");
    switch (call->client->auth) {
    case OAUTH_AUTH_BASIC:
    case OAUTH_AUTH_POST:
        return send_with_secret(op, call);
    case OAUTH_AUTH_PRIVATE_KEY_JWT:
        return send_with_assertion(op, call);
    case OAUTH_AUTH_TLS:
    case OAUTH_AUTH_SELF_SIGNED_TLS:
    case OAUTH_AUTH_NONE:
    default:
        form_add(&call->body, STR("client_id"), call->client->id);
        return fetch(op, call, false);
    }
}

void oauth_call_done(struct oauth_call *call)
{
    buf_free(&call->body);
    buf_free(&call->text);
}
