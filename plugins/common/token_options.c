/* SPDX-License-Identifier: MIT */
/* Outgoing: what the policy says, checked, and the parts of a token request that never change. */
#include "token_client.h"

#include "fields.h"
#include "oauth_metadata.h"
#include "oauth_words.h"
#include "str.h"

#include <openssl/sha.h>

enum { REFUSES_LESS = 1, MS = 1000 };

/* ---- the form --------------------------------------------------------------------------------- */

static bool is_taken(struct paa_str name)
{
    static const char *const taken[] = {
        "grant_type",   "client_id", "client_secret", "client_assertion", "client_assertion_type",
        "scope",        "resource",  "audience",      "response_type",    "response_mode",
        "redirect_uri", "state",     "nonce",         "code_challenge",   "code_challenge_method",
        "dpop_jkt",     "request",   "request_uri",
    };

    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (paa_str_eq(name, taken[i]))
            return true;
    return false;
}

static void add_all(struct paa_op *op, const char *option, const char *name, struct buf *form)
{
    const struct paa_host_options *options = op->host->options;
    size_t count = options->count(op->options, option);

    for (size_t i = 0; i < count; i++)
        form_add(form, paa_str_of(name), options->string(op->options, option, i));
}

static enum paa_status add_parameters(struct paa_op *op, struct buf *form)
{
    const struct paa_host_options *options = op->host->options;
    size_t count = options->count(op->options, "parameters");

    for (size_t i = 0; i < count; i++) {
        struct paa_str text = options->string(op->options, "parameters", i);
        size_t equals = str_find(text, '=', 0);

        if (equals == 0 || equals == text.size)
            return options->refuse(op->options, "parameters",
                                   STR("each is a name, an equals sign and a value: "
                                       "\"tenant=blue\""));
        if (is_taken(str_slice(text, 0, equals)))
            return options->refuse(
                op->options, "parameters",
                STR("such parameters have options of their own, or are PAA's to set"));
        form_add(form, str_slice(text, 0, equals), str_slice(text, equals + 1, text.size));
    }
    return PAA_STATUS_OK;
}

static void join_scope(struct paa_op *op, struct buf *scope)
{
    const struct paa_host_options *options = op->host->options;
    size_t count = options->count(op->options, "scope");
    struct paa_str text, word;

    for (size_t i = 0; i < count; i++) {
        text = options->string(op->options, "scope", i);
        while (str_next(&text, " ", &word)) {
            if (scope->size > 0)
                buf_add_char(scope, ' ');
            buf_add_str(scope, word);
        }
    }
}

static enum paa_status check_words(struct paa_op *op)
{
    enum paa_status status = oauth_check_scope(op);

    if (status == PAA_STATUS_OK)
        status = oauth_check_audience(op);
    return status == PAA_STATUS_OK ? oauth_check_resource(op) : status;
}

static enum paa_status write_form(struct paa_op *op, struct token_client *client)
{
    enum paa_status status = check_words(op);

    if (status != PAA_STATUS_OK)
        return status;
    join_scope(op, &client->scope);
    if (client->grant->type != NULL)
        form_add(&client->form, STR("grant_type"), paa_str_of(client->grant->type));
    if (client->scope.size > 0)
        form_add(&client->form, STR("scope"), buf_str(&client->scope));
    add_all(op, "audience", "audience", &client->form);
    add_all(op, "resource", "resource", &client->form);
    add_all(op, "resource", "resource", &client->resources);
    return add_parameters(op, &client->form);
}

/* All a token depends on but account and what it is bound to: parted by NUL, which is in none of them, and digested here, once, so
 * that each request looks up 32 bytes and not the form. */
static void write_key(struct token_client *client)
{
    const struct paa_str parts[] = {
        client->issuer, client->token_endpoint, client->client.id,
        client->scheme, buf_str(&client->form),
    };
    unsigned char digest[SHA256_DIGEST_LENGTH];

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        buf_add_str(&client->key, parts[i]);
        buf_add_char(&client->key, '\0');
    }
    if (client->key.failed)
        return;
    (void)SHA256((const unsigned char *)client->key.data, client->key.size, digest);
    buf_clear(&client->key);
    buf_add(&client->key, digest, sizeof digest);
    paa_init(&client->query, sizeof client->query);
    client->query.key = paa_bytes_of(client->key.data, client->key.size);
}

/* ---- options ---------------------------------------------------------------------------------- */

static enum paa_status read_place(struct paa_op *op, struct token_client *client, bool is_dpop)
{
    const struct paa_host_options *options = op->host->options;

    client->header = paa_option_string(op, "header");
    client->scheme = is_dpop ? STR("DPoP") : paa_option_string(op, "scheme");
    if (!is_token(client->header))
        return options->refuse(op->options, "header", STR("this is no name of a header field"));
    if (client->scheme.size > 0 && !is_token(client->scheme))
        return options->refuse(op->options, "scheme", STR("this is no auth-scheme"));
    if (is_dpop && !str_eq_nocase(client->header, STR("Authorization")))
        return options->refuse(op->options, "header",
                               STR("with dpop the token stands in Authorization (RFC 9449 7.1)"));
    return PAA_STATUS_OK;
}

static enum paa_status read_server(struct paa_op *op, struct token_client *client)
{
    const struct paa_host_options *options = op->host->options;

    client->issuer = paa_option_string(op, "issuer");
    client->token_endpoint = paa_option_string(op, "token_endpoint");
    if (client->issuer.data == NULL && client->token_endpoint.data == NULL)
        return options->refuse(op->options, "issuer",
                               STR("where tokens come from must be said: add issuer, or "
                                   "token_endpoint"));
    if (client->issuer.data != NULL && !oauth_url_valid(client->issuer, true))
        return options->refuse(op->options, "issuer",
                               STR("an issuer is a URL without userinfo, query and fragment"));
    if (client->token_endpoint.data == NULL && !oauth_url_reachable(client->issuer, true))
        return options->refuse(op->options, "issuer", STR(OAUTH_NEEDS_HTTPS));
    if (client->token_endpoint.data != NULL && !oauth_url_reachable(client->token_endpoint, false))
        return options->refuse(op->options, "token_endpoint", STR(OAUTH_NEEDS_HTTPS));
    return oauth_client_create(op, client->issuer.data != NULL, &client->client);
}

/* What tokens are bound to, and how the client shows it. */
static enum paa_status read_certificate(struct paa_op *op, struct token_client *client)
{
    const struct paa_host_options *options = op->host->options;
    bool is_bound = options->number(op->options, "certificate_bound", 0) != 0;

    client->is_certificate_bound = is_bound;
    if (is_bound && client->client.key == NULL)
        return options->refuse(op->options, "certificate_bound",
                               STR("the certificate is client_key's: add that option"));
    if (is_bound || oauth_client_shows_certificate(&client->client)) {
        enum paa_status status = oauth_client_check_shown(op, &client->client, "token_endpoint");

        if (status != PAA_STATUS_OK)
            return status;
    }
    if (is_bound && op->host->outcome->client_key(op, client->client.key) != PAA_STATUS_OK)
        return PAA_STATUS_UNAVAILABLE;
    return PAA_STATUS_OK;
}

static enum paa_status read_all(struct paa_op *op, struct token_client *client, bool is_dpop)
{
    const struct paa_host_options *options = op->host->options;
    enum paa_status status = read_server(op, client);

    if (status == PAA_STATUS_OK)
        status = read_place(op, client, is_dpop);
    if (status == PAA_STATUS_OK)
        status = read_certificate(op, client);
    if (status == PAA_STATUS_OK)
        status = write_form(op, client);
    if (status != PAA_STATUS_OK)
        return status;
    client->renew_before_s = options->number(op->options, "renew_before", 0) / MS;
    client->default_lifetime_s = options->number(op->options, "default_lifetime", 0) / MS;
    client->timeout_ms = (uint32_t)options->number(op->options, "timeout", 0);
    client->refuses_less_scope = options->number(op->options, "less_scope", 0) == REFUSES_LESS;
    write_key(client);
    if (client->form.failed || client->resources.failed || client->scope.failed ||
        client->key.failed)
        return options->refuse(op->options, "scope",
                               STR("the token request is over 12 KiB, or no memory is left"));
    return PAA_STATUS_OK;
}

/* ---- memos ------------------------------------------------------------------------------------ */

static enum paa_status open_dpop(struct paa_op *op, struct token_client *client)
{
    struct paa_memo_def def;
    enum paa_status status;

    dpop_key_memo(&def);
    def.flags |= PAA_MEMO_SHARED; /* as the tokens that are bound to it */
    status = op->host->memo->open(op, &def, &client->keys);
    if (status != PAA_STATUS_OK)
        return status;
    paa_init(&def, sizeof def);
    def.name = "nonces";
    def.flags = PAA_MEMO_KEEP;
    return op->host->memo->open(op, &def, &client->nonces);
}

static enum paa_status open_memos(struct paa_op *op, struct token_client *client, bool is_dpop)
{
    bool wants_metadata = client->issuer.data != NULL &&
                          (client->token_endpoint.data == NULL || client->grant->is_of_people);
    enum paa_status status = PAA_STATUS_OK;
    struct paa_memo_def def;

    client->grant->memo(&def, client);
    status = op->host->memo->open(op, &def, &client->tokens);
    if (status == PAA_STATUS_OK && is_dpop)
        status = open_dpop(op, client);
    if (status != PAA_STATUS_OK || client->metadata != NULL || !wants_metadata)
        return status;
    oauth_metadata_memo(&def);
    return op->host->memo->open(op, &def, &client->metadata);
}

/* A client cannot leave it to chance: it asks for such tokens, or not. */
static enum paa_status read_dpop(struct paa_op *op, bool *ret_is_dpop)
{
    const struct paa_host_options *options = op->host->options;
    struct paa_str choice = paa_option_string(op, "dpop");

    *ret_is_dpop = paa_str_eq(choice, "required");
    if (!paa_str_eq(choice, "optional"))
        return PAA_STATUS_OK;
    if ((op->flags & PAA_OP_USED_INCOMING) != 0)
        return options->warn(op->options, "dpop",
                             STR("\"optional\" is for tokens that come in; those that go out are "
                                 "not bound to a key: if they should be, say \"required\" in an "
                                 "instance of their own"));
    return options->refuse(op->options, "dpop",
                           STR("\"optional\" is for tokens that come in: say \"required\" to ask "
                               "for tokens that are bound to a key, or leave it out"));
}

enum paa_status token_client_create(struct paa_op *op, const struct token_grant *grant,
                                    struct paa_memo *metadata, struct token_client *client)
{
    bool is_dpop;
    enum paa_status status = read_dpop(op, &is_dpop);

    client->grant = grant;
    buf_init(&client->form, TOKEN_KEY_MAX);
    buf_init(&client->resources, TOKEN_KEY_MAX);
    buf_init(&client->scope, TOKEN_KEY_MAX);
    buf_init(&client->key, TOKEN_KEY_MAX);
    client->metadata = metadata;
    if (status == PAA_STATUS_OK)
        status = read_all(op, client, is_dpop);
    return status == PAA_STATUS_OK ? open_memos(op, client, is_dpop) : status;
}

void token_client_destroy(struct token_client *client)
{
    buf_free(&client->form);
    buf_free(&client->resources);
    buf_free(&client->scope);
    buf_free(&client->key);
}
