/* SPDX-License-Identifier: MIT */
/* The peer's response to a request that carried a token. Refused (401): the token is dropped, once for however many
 * requests it was refused with, and it is worth asking once more. A DPoP nonce is remembered, whatever it came with. */
#include "token_request.h"

#include "challenge.h"
#include "str.h"

enum { CODE_UNAUTHORIZED = 401 };

struct listening { /* memory of the operation */
    const struct token_client *client;
    uint64_t version;
    struct paa_str origin;
    struct paa_str nonce; /* absent: none came */
    bool is_refused;
    bool wants_nonce; /* the proof was refused, not the token */
};

static struct paa_str header_of(const struct paa_response *response, struct paa_str name,
                                size_t *at)
{
    for (; *at < response->header_count; (*at)++)
        if (str_eq_nocase(response->headers[*at].name, name))
            return response->headers[(*at)++].value;
    return STR_NONE;
}

/* RFC 9449 9 */
static bool says_use_nonce(const struct paa_response *response)
{
    struct challenge challenge;
    struct paa_str rest;
    size_t at = 0;

    while ((rest = header_of(response, STR("WWW-Authenticate"), &at)).data != NULL)
        while (challenge_next(&rest, &challenge))
            if (str_eq_nocase(challenge.scheme, STR("DPoP")) &&
                paa_str_eq(challenge_param(&challenge, STR("error")), "use_dpop_nonce"))
                return true;
    return false;
}

/* ---- dropping --------------------------------------------------------------------------------- */

static enum paa_result on_dropped(struct paa_op *op, enum paa_status status,
                                  const struct paa_memo_value *value, void *context)
{
    (void)value;
    (void)context;
    if (status == PAA_STATUS_OK || status == PAA_STATUS_EXISTS || status == PAA_STATUS_NONE)
        return PAA_DONE;
    if (status == PAA_STATUS_LIMITED)
        op->host->log->line(op, PAA_LEVEL_WARNING,
                            STR("the peer refuses a token that was renewed a moment ago: another "
                                "would not help"));
    return PAA_ABSENT;
}

static enum paa_result drop(struct paa_op *op, const struct token_client *client,
                            const struct paa_memo_query *query, uint64_t version)
{
    struct paa_memo_query refused = *query;

    refused.flags = 0;
    refused.seen_version = version;
    return op->host->memo->drop(op, client->tokens, &refused, on_dropped, NULL);
}

static enum paa_result on_bound(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_query *query, const struct dpop_key *key,
                                void *context)
{
    const struct listening *listening = (const struct listening *)context;

    (void)key;
    if (status != PAA_STATUS_OK) /* the key is gone, and the token with it */
        return status == PAA_STATUS_NONE ? PAA_DONE : PAA_ABSENT;
    return drop(op, listening->client, query, listening->version);
}

static enum paa_result judge(struct paa_op *op, struct listening *listening)
{
    const struct token_client *client = listening->client;
    struct paa_str account;

    if (!listening->is_refused)
        return PAA_ABSENT;
    if (listening->wants_nonce)
        return listening->nonce.data != NULL ? PAA_DONE : PAA_ABSENT;
    account = token_account(op, client);
    if (client->keys == NULL && !client->is_certificate_bound && account.size == 0)
        return drop(op, client, &client->query, listening->version);
    return token_bound_find(op, client, account, PAA_QUERY_LOOK, on_bound, listening);
}

/* ---- nonces ----------------------------------------------------------------------------------- */

static enum paa_result on_nonce_kept(struct paa_op *op, enum paa_status status,
                                     const struct paa_memo_value *value, void *context)
{
    (void)status;
    (void)value;
    return judge(op, (struct listening *)context);
}

/* Most responses bring none, or the one that is known: nothing is written then. */
static enum paa_result on_nonce(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_value *value, void *context)
{
    struct listening *listening = (struct listening *)context;

    if (status == PAA_STATUS_OK &&
        str_eq(listening->nonce, paa_str_of_n((const char *)value->bytes.data, value->bytes.size)))
        return judge(op, listening);
    return token_nonce_keep(op, listening->client, listening->origin, listening->nonce,
                            on_nonce_kept, listening);
}

static enum paa_result listen_for_nonce(struct paa_op *op, struct listening *listening)
{
    struct paa_memo_query query;

    listening->origin = token_request_origin(op);
    if (listening->origin.data == NULL)
        return judge(op, listening);
    paa_init(&query, sizeof query);
    query.key = paa_bytes_of(listening->origin.data, listening->origin.size);
    return op->host->memo->get(op, listening->client->nonces, &query, on_nonce, listening);
}

/* ---- the slot --------------------------------------------------------------------------------- */

/* The response's fields live until the slot returns only. */
static struct paa_str copy_nonce(struct paa_op *op, const struct paa_response *response)
{
    size_t at = 0;
    struct paa_str nonce = header_of(response, STR("DPoP-Nonce"), &at);
    char *copy;

    if (!dpop_nonce_valid(nonce))
        return STR_NONE;
    copy = (char *)op->host->alloc(op, nonce.size);
    if (copy == NULL)
        return STR_NONE;
    memcpy(copy, nonce.data, nonce.size);
    return paa_str_of_n(copy, nonce.size);
}

enum paa_result token_answered(struct paa_op *op, const struct token_client *client,
                               const struct paa_response *response)
{
    struct listening *listening = (struct listening *)op->host->alloc(op, sizeof *listening);

    if (listening == NULL)
        return PAA_ABSENT;
    listening->client = client;
    listening->version = response->version;
    listening->is_refused = response->code == CODE_UNAUTHORIZED;
    if (client->keys != NULL) {
        listening->nonce = copy_nonce(op, response);
        listening->wants_nonce = listening->is_refused && says_use_nonce(response);
    }
    if (listening->nonce.data != NULL)
        return listen_for_nonce(op, listening);
    return judge(op, listening);
}
