/* SPDX-License-Identifier: MIT */
/* The slot, where there is no token: it says who could change that, or asks the person behind the host to log in. Of all
 * who wait for the same login, in all processes, one asks; the others find what came of it. */
#include "login.h"

#include "str.h"

#include <openssl/sha.h>

struct asking { /* memory of the operation */
    const struct token_client *client;
    const struct paa_memo_query *query;
    enum paa_status status; /* why there is none */
};

static enum paa_result say(struct paa_op *op, const struct token_client *client,
                           enum paa_status status)
{
    char hint[HINT_SIZE];

    code_hint(op, token_account(op, client), hint);
    if (status == PAA_STATUS_NONE)
        return paa_fail(op, PAA_ABSENT, "no-login", "nobody is logged in; %s", hint);
    if (status == PAA_STATUS_DENIED)
        return op->host->fail(op, PAA_REJECT, "login-ended", STR_NONE);
    return op->host->fail(op, PAA_UNAVAILABLE, "no-token", STR_NONE);
}

/* ---- asking the person -------------------------------------------------------------------------- */

static enum paa_result on_login(struct paa_op *op, enum paa_result result,
                                const struct token_value *token, void *context)
{
    const struct asking *asking = (const struct asking *)context;

    (void)token;
    if (result == PAA_DONE)
        return token_attach(op, asking->client);
    if (state_of(op)->login->is_nobody_there)
        return say(op, asking->client, asking->status);
    return result;
}

static enum paa_result on_looked(struct paa_op *op, enum paa_status status,
                                 const struct paa_memo_value *value, void *context)
{
    const struct asking *asking = (const struct asking *)context;
    struct login_options options = { .account = token_account(op, asking->client),
                                     .flow = FLOW_BROWSER };

    (void)value;
    if (status == PAA_STATUS_OK) /* somebody else has asked meanwhile */
        return token_attach(op, asking->client);
    options.login_hint = op->host->request->attribute(op, STR(PAA_ATTRIBUTE_LOGIN_HINT));
    return login_start(op, &options, on_login, context);
}

static enum paa_result on_locked(struct paa_op *op, enum paa_status status,
                                 const struct paa_record *record, void *context)
{
    const struct asking *asking = (const struct asking *)context;
    struct paa_memo_query look = *asking->query;

    (void)record;
    if (status != PAA_STATUS_OK)
        return say(op, asking->client, asking->status);
    look.flags = PAA_QUERY_LOOK;
    return op->host->memo->get(op, asking->client->tokens, &look, on_looked, context);
}

static enum paa_result ask(struct paa_op *op, const struct token_client *client,
                           enum paa_status status, const struct paa_memo_query *query)
{
    struct asking *asking = (struct asking *)op->host->alloc(op, sizeof *asking);
    unsigned char digest[SHA256_DIGEST_LENGTH];

    if (asking == NULL)
        return say(op, client, status);
    *asking = (struct asking){ client, query, status };
    (void)SHA256(query->key.data, query->key.size, digest);
    return op->host->store->lock(op, instance_of(op)->redeemed, paa_bytes_of(digest, sizeof digest),
                                 on_locked, asking);
}

/* ---- the slot ----------------------------------------------------------------------------------- */

enum paa_result code_none(struct paa_op *op, const struct token_client *client,
                          enum paa_status status, const struct paa_memo_query *query)
{
    bool is_over = status == PAA_STATUS_NONE || status == PAA_STATUS_DENIED;

    if (is_over && instance_of(op)->is_interactive && state_of(op)->login == NULL)
        return ask(op, client, status, query);
    return say(op, client, status);
}

enum paa_result code_attach(struct paa_op *op)
{
    return token_attach(op, &instance_of(op)->sends);
}
