/* SPDX-License-Identifier: MIT */
/* For people and operators: logging in, and seeing who is. */
#include "login.h"

#include "str.h"
#include "units.h"

static const struct token_client *client_of(struct paa_op *op)
{
    return &instance_of(op)->sends;
}

/* ---- what is shown ------------------------------------------------------------------------------ */

static struct paa_str or_dash(struct paa_str text)
{
    return text.size > 0 ? text : STR("-");
}

static struct paa_str state_of_token(const struct token_value *token, bool is_over)
{
    if (token->refresh.size > 0)
        return is_over ? STR("renewed at its next use") : STR("logged in");
    return is_over ? STR("over") : STR("logged in until it ends");
}

/* is_over: the access token is not used any more, whatever its time. */
static void emit(struct paa_op *op, struct paa_str account, const struct token_value *token,
                 bool is_over)
{
    const struct token_client *client = client_of(op);
    struct paa_str scope = token->scope.size > 0 ? token->scope : buf_str(&client->scope);
    char asked[TIME_TEXT_SIZE];
    char ends[TIME_TEXT_SIZE];

    time_format(token->asked_at_s, asked);
    time_format(token->expires_at_s, ends);
    struct paa_field fields[] = {
        { STR("account"), or_dash(account) },
        { STR("who"), or_dash(token->subject) },
        { STR("name"), or_dash(token->name) },
        { STR("issuer"), client->issuer.data != NULL ? client->issuer : client->token_endpoint },
        { STR("client"), client->client.id },
        { STR("state"), state_of_token(token, is_over) },
        { STR("scope"), or_dash(scope) },
        { STR("asked"), paa_str_of(asked) },
        { STR("ends"), paa_str_of(ends) },
    };

    op->host->conversation->emit(op, fields, sizeof fields / sizeof fields[0], 0);
}

static struct paa_str account_of(struct paa_op *op, const struct paa_options *arguments)
{
    return op->host->options->string(arguments, "account", 0);
}

/* ---- login -------------------------------------------------------------------------------------- */

static enum paa_result on_login(struct paa_op *op, enum paa_result result,
                                const struct token_value *token, void *context)
{
    (void)context;
    if (result == PAA_DONE)
        emit(op, state_of(op)->login->options.account, token, false);
    return result;
}

static enum paa_result run_login(struct paa_op *op, const struct paa_options *arguments)
{
    const struct paa_host_options *options = op->host->options;
    struct login_options login = { .account = account_of(op, arguments),
                                   .login_hint = options->string(arguments, "login_hint", 0),
                                   .flow = instance_of(op)->flow };

    if (client_of(op)->tokens == NULL)
        return paa_fail(op, PAA_FAULT, "usage", "no service of the policy uses \"%.*s\"",
                        STR_ARGS(op->instance));
    if (options->count(arguments, "device") > 0)
        login.flow = options->number(arguments, "device", 0) != 0 ? FLOW_DEVICE : FLOW_BROWSER;
    return login_start(op, &login, on_login, NULL);
}

/* ---- status ------------------------------------------------------------------------------------- */

struct asked { /* memory of the operation */
    struct paa_str account;
};

static enum paa_result nobody(struct paa_op *op, struct paa_str account)
{
    char hint[HINT_SIZE];

    code_hint(op, account, hint);
    return paa_fail(op, PAA_ABSENT, "no-login", "nobody is logged in; %s", hint);
}

/* A value past its use, or dropped, is a login, too: its refresh token serves at the next use. */
static enum paa_result on_token(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_value *value, void *context)
{
    struct asked *asked = (struct asked *)context;
    struct token_value token;

    if (value == NULL && status != PAA_STATUS_NONE)
        return op->host->fail(op, PAA_UNAVAILABLE, "store", STR_NONE);
    if (value == NULL || !token_value_read(value->bytes, &token))
        return nobody(op, asked->account);
    emit(op, asked->account, &token, status != PAA_STATUS_OK);
    return PAA_DONE;
}

static enum paa_result on_bound(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_query *query, const struct dpop_key *key,
                                void *context)
{
    struct asked *asked = (struct asked *)context;

    (void)key;
    if (status == PAA_STATUS_NONE)
        return nobody(op, asked->account);
    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "dpop-key", STR_NONE);
    return op->host->memo->get(op, client_of(op)->tokens, query, on_token, context);
}

static enum paa_result run_status(struct paa_op *op, const struct paa_options *arguments)
{
    struct asked *asked = (struct asked *)op->host->alloc(op, sizeof *asked);

    if (client_of(op)->tokens == NULL)
        return paa_fail(op, PAA_FAULT, "usage", "no service of the policy uses \"%.*s\"",
                        STR_ARGS(op->instance));
    if (asked == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "login", "no memory is left");
    asked->account = account_of(op, arguments);
    return token_bound_find(op, client_of(op), asked->account, PAA_QUERY_LOOK, on_bound, asked);
}

/* ---- the table ---------------------------------------------------------------------------------- */

static void finish(struct paa_op *op) PAA_NOEXCEPT
{
    login_done(state_of(op)->login);
}

#define ACCOUNT_ARGUMENT                                                                           \
    {                                                                                              \
        .name = "account", .type = PAA_OPTION_STRING,                                              \
        .help = "whose login, in a host that sends for several; as the host names them"            \
    }

static const struct paa_option login_arguments[] = {
    ACCOUNT_ARGUMENT,
    { .name = "device",
      .type = PAA_OPTION_BOOLEAN,
      .help = "show a code to be entered on any device, instead of opening a browser here" },
    { .name = "login_hint",
      .type = PAA_OPTION_STRING,
      .help = "who is expected, for the server's login page" },
};

static const struct paa_option account_argument[] = { ACCOUNT_ARGUMENT };

const struct paa_verb code_verbs[CODE_VERB_COUNT] = {
    { .name = "login",
      .help = "log in: the browser, or a code, leads to the server that asks for consent",
      .arguments = login_arguments,
      .argument_count = sizeof login_arguments / sizeof login_arguments[0],
      .state_size = sizeof(struct state),
      .run = run_login,
      .finish = finish },
    { .name = "status",
      .help = "who is logged in, with what scope, until when; asks no server",
      .arguments = account_argument,
      .argument_count = 1,
      .state_size = sizeof(struct state),
      .run = run_status },
    { .name = "logout",
      .help = "revoke the tokens at the server, if it can, and forget them",
      .arguments = account_argument,
      .argument_count = 1,
      .state_size = sizeof(struct state),
      .run = logout_run,
      .finish = finish },
};
