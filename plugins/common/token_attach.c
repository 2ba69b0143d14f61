/* SPDX-License-Identifier: MIT */
/* Puts a token on a request that goes out. The core sees to it that it goes to the policy's origins only. A token at
 * hand costs one look-up and one field; only what is bound to a key costs a signature. */
#include "hint.h"
#include "token_client.h"

#include "str.h"

/* ---- any token -------------------------------------------------------------------------------- */

static enum paa_result set(struct paa_op *op, const struct token_client *client,
                           struct paa_str credentials, uint64_t version)
{
    const struct paa_host_outcome *outcome = op->host->outcome;

    (void)outcome->header_set(op, PAA_MESSAGE_REQUEST, client->header, credentials,
                              PAA_SECRET | PAA_UNCOPIED);
    (void)outcome->credential(op, version,
                              client->keys != NULL ? (uint32_t)PAA_CREDENTIAL_EVERY_RESPONSE : 0);
    if (UNLIKELY(client->is_certificate_bound))
        (void)outcome->client_key(op, client->client.key);
    return PAA_ACCEPT;
}

/* False: *ret_result is the slot's. */
static bool is_there(struct paa_op *op, const struct paa_memo_value *value,
                     struct token_value *ret_token, enum paa_result *ret_result)
{
    if (!token_value_read(value->bytes, ret_token))
        *ret_result = paa_fail(op, PAA_FAULT, "no-token", "what is kept is no token");
    else
        return true;
    return false;
}

struct refusal { /* memory of the operation */
    struct token_value token;
    paa_memo_fn then;
    void *context;
};

static enum paa_result say_refused(struct paa_op *op, const struct token_value *token)
{
    return paa_fail(op, PAA_REJECT, "token-refused",
                    "the authorization server gives no token: its error is \"%.*s\", the log has "
                    "what it said",
                    STR_ARGS(token->credentials));
}

static enum paa_result on_asked_again(struct paa_op *op, enum paa_status status,
                                      const struct paa_memo_value *value, void *context)
{
    const struct refusal *refusal = (const struct refusal *)context;

    if (status == PAA_STATUS_LIMITED)
        return say_refused(op, &refusal->token);
    return refusal->then(op, status, value, refusal->context);
}

/* A refusal is of the secret or key that was shown: with another one the server is asked again at once. */
static enum paa_result refused(struct paa_op *op, const struct token_client *client,
                               const struct paa_memo_query *query, const struct token_value *token,
                               uint64_t version, paa_memo_fn then, void *context)
{
    struct paa_memo_query again = *query;
    struct refusal *refusal;

    if (token->client_version == oauth_client_version(op, &client->client))
        return say_refused(op, token);
    refusal = (struct refusal *)op->host->alloc(op, sizeof *refusal);
    if (refusal == NULL)
        return say_refused(op, token);
    *refusal = (struct refusal){ *token, then, context };
    again.flags = 0;
    again.seen_version = version;
    return op->host->memo->renew(op, client->tokens, &again, on_asked_again, refusal);
}

static enum paa_result on_token(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_value *value, void *context)
{
    const struct token_client *client = (const struct token_client *)context;
    enum paa_result result = PAA_FAULT;
    struct paa_str credentials;
    struct token_value token;

    if (UNLIKELY(status != PAA_STATUS_OK))
        return client->grant->none(op, client, status, &client->query);
    credentials = token_value_credentials(value->bytes);
    if (LIKELY(credentials.data != NULL))
        return set(op, client, credentials, value->version);
    if (!is_there(op, value, &token, &result))
        return result;
    return refused(op, client, &client->query, &token, value->version, on_token, context);
}

/* ---- of an account, or bound to a key ---------------------------------------------------------- */

struct proving { /* memory of the operation */
    const struct token_client *client;
    const struct paa_memo_query *query; /* of the token */
    const struct dpop_key *key;         /* NULL: bound to none */
    struct token_value token;
    uint64_t version;
    struct paa_str origin;
};

static enum paa_result on_proof(struct paa_op *op, enum paa_status status, struct paa_str proof,
                                void *context)
{
    const struct proving *proving = (const struct proving *)context;

    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "dpop-proof", STR_NONE);
    (void)op->host->outcome->header_set(op, PAA_MESSAGE_REQUEST, STR("DPoP"), proof, PAA_SECRET);
    return set(op, proving->client, proving->token.credentials, proving->version);
}

static enum paa_result on_nonce(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_value *value, void *context)
{
    struct proving *proving = (struct proving *)context;
    const struct paa_request_view *view = op->host->request->view(op);
    struct dpop_proof proof = { .method = view->method,
                                .origin = proving->origin,
                                .target = view->target,
                                .ath = proving->token.ath };

    if (status == PAA_STATUS_OK)
        proof.nonce = paa_str_of_n((const char *)value->bytes.data, value->bytes.size);
    return dpop_sign(op, proving->key, &proof, on_proof, proving);
}

static enum paa_result on_bound_token(struct paa_op *op, enum paa_status status,
                                      const struct paa_memo_value *value, void *context)
{
    struct proving *proving = (struct proving *)context;
    enum paa_result result = PAA_FAULT;
    struct paa_memo_query query;

    if (status != PAA_STATUS_OK)
        return proving->client->grant->none(op, proving->client, status, proving->query);
    if (!is_there(op, value, &proving->token, &result))
        return result;
    if (proving->token.state == TOKEN_WAS_REFUSED)
        return refused(op, proving->client, proving->query, &proving->token, value->version,
                       on_bound_token, proving);
    proving->version = value->version;
    if (proving->key == NULL)
        return set(op, proving->client, proving->token.credentials, proving->version);
    proving->origin = token_request_origin(op);
    if (proving->origin.data == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "dpop-proof", "no memory is left for the proof");
    paa_init(&query, sizeof query);
    query.key = paa_bytes_of(proving->origin.data, proving->origin.size);
    return op->host->memo->get(op, proving->client->nonces, &query, on_nonce, proving);
}

static enum paa_result on_bound(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_query *query, const struct dpop_key *key,
                                void *context)
{
    struct proving *proving = (struct proving *)context;

    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "dpop-key", STR_NONE);
    proving->key = key;
    proving->query = query;
    return op->host->memo->get(op, proving->client->tokens, query, on_bound_token, proving);
}

/* ---- the slot --------------------------------------------------------------------------------- */

struct paa_str token_request_origin(struct paa_op *op)
{
    const struct paa_request_view *view = op->host->request->view(op);
    size_t size = view->scheme.size + 3 + view->authority.size;
    char *origin = (char *)op->host->alloc(op, size);

    if (origin == NULL)
        return STR_NONE;
    memcpy(origin, view->scheme.data, view->scheme.size);
    memcpy(origin + view->scheme.size, "://", 3);
    memcpy(origin + view->scheme.size + 3, view->authority.data, view->authority.size);
    return paa_str_of_n(origin, size);
}

struct paa_str token_account(struct paa_op *op, const struct token_client *client)
{
    if (!client->grant->is_of_people)
        return STR_NONE;
    return op->host->request->attribute(op, STR(PAA_ATTRIBUTE_ACCOUNT));
}

enum paa_result token_attach(struct paa_op *op, const struct token_client *client)
{
    struct paa_str account = token_account(op, client);
    struct proving *proving;

    if (client->keys == NULL && !client->is_certificate_bound && account.size == 0)
        return op->host->memo->get(op, client->tokens, &client->query, on_token,
                                   (void *)(uintptr_t)client);
    proving = (struct proving *)op->host->alloc(op, sizeof *proving);
    if (proving == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "no-token", "no memory is left for the proof");
    proving->client = client;
    return token_bound_find(op, client, account, 0, on_bound, proving);
}
