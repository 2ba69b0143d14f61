/* SPDX-License-Identifier: MIT */
/* For operators: whether a token is to be had, and what it is worth; dropping the one that is kept. */
#include "token.h"

#include "str.h"
#include "units.h"

static enum paa_result begin(struct paa_op *op, token_bound_fn then)
{
    const struct token_client *client = token_client_of(op);

    if (client == NULL)
        return paa_fail(op, PAA_FAULT, "usage",
                        "\"%.*s\" is used for incoming requests only and obtains no tokens",
                        STR_ARGS(op->instance));
    return token_bound_find(op, client, STR_NONE, 0, then, NULL);
}

/* ---- status ----------------------------------------------------------------------------------- */

static struct paa_str or_dash(struct paa_str text)
{
    return text.size > 0 ? text : STR("-");
}

static void emit(struct paa_op *op, const struct token_client *client,
                 const struct token_value *token)
{
    bool is_there = token->state == TOKEN_AT_HAND;
    struct paa_str scope = token->scope.size > 0 ? token->scope : buf_str(&client->scope);
    char asked[TIME_TEXT_SIZE];
    char ends[TIME_TEXT_SIZE];

    time_format(token->asked_at_s, asked);
    time_format(token->expires_at_s, ends);
    struct paa_field fields[] = {
        { STR("client"), client->client.id },
        { STR("issuer"), client->issuer.data != NULL ? client->issuer : client->token_endpoint },
        { STR("state"), is_there ? STR("token at hand") : token->credentials },
        { STR("kind"), or_dash(is_there ? client->scheme : STR_NONE) },
        { STR("scope"), or_dash(is_there ? scope : STR_NONE) },
        { STR("asked"), paa_str_of(asked) },
        { STR("ends"), paa_str_of(ends) },
    };

    op->host->conversation->emit(op, fields, sizeof fields / sizeof fields[0], 0);
}

static enum paa_result on_token(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_value *value, void *context)
{
    struct token_value token;

    (void)context;
    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "no-token", STR_NONE);
    if (!token_value_read(value->bytes, &token))
        return paa_fail(op, PAA_FAULT, "no-token", "what is kept is no token");
    emit(op, token_client_of(op), &token);
    if (token.state == TOKEN_AT_HAND)
        return PAA_DONE;
    return paa_fail(op, PAA_REJECT, "token-refused",
                    "the authorization server gives no token: its error is \"%.*s\"",
                    STR_ARGS(token.credentials));
}

static enum paa_result on_bound(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_query *query, const struct dpop_key *key,
                                void *context)
{
    (void)key;
    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "dpop-key", STR_NONE);
    return op->host->memo->get(op, token_client_of(op)->tokens, query, on_token, context);
}

static enum paa_result run_status(struct paa_op *op, const struct paa_options *arguments)
{
    (void)arguments;
    return begin(op, on_bound);
}

/* ---- drop ------------------------------------------------------------------------------------- */

static enum paa_result on_dropped(struct paa_op *op, enum paa_status status,
                                  const struct paa_memo_value *value, void *context)
{
    (void)value;
    (void)context;
    if (status != PAA_STATUS_OK && status != PAA_STATUS_NONE)
        return op->host->fail(op, PAA_UNAVAILABLE, "store", STR_NONE);
    return PAA_DONE;
}

/* Dropping what is not there is no failure of the memo's, but the operator meant something. */
static enum paa_result on_looked(struct paa_op *op, enum paa_status status,
                                 const struct paa_memo_value *value, void *context)
{
    struct paa_memo_query *all = (struct paa_memo_query *)context;

    (void)value;
    if (status == PAA_STATUS_NONE)
        return paa_fail(op, PAA_ABSENT, "no-token",
                        "no token is kept where this command sees it: in the store \"state\", if "
                        "that is a file");
    all->flags = PAA_QUERY_FORGET;
    return op->host->memo->drop(op, token_client_of(op)->tokens, all, on_dropped, NULL);
}

static enum paa_result on_bound_to_drop(struct paa_op *op, enum paa_status status,
                                        const struct paa_memo_query *query,
                                        const struct dpop_key *key, void *context)
{
    struct paa_memo_query *all = (struct paa_memo_query *)op->host->alloc(op, sizeof *all);

    (void)key;
    (void)context;
    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "dpop-key", STR_NONE);
    if (all == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "memory", "no memory is left");
    *all = *query;
    all->flags = PAA_QUERY_LOOK;
    return op->host->memo->get(op, token_client_of(op)->tokens, all, on_looked, all);
}

static enum paa_result run_drop(struct paa_op *op, const struct paa_options *arguments)
{
    (void)arguments;
    return begin(op, on_bound_to_drop);
}

const struct paa_verb token_verbs[TOKEN_VERB_COUNT] = {
    { .name = "status",
      .help = "whether a token is at hand, or is to be had: asks for one if there is none",
      .run = run_status },
    { .name = "drop",
      .help =
          "forgets the token that is kept in the store `state`; the next request obtains another",
      .run = run_drop },
};
