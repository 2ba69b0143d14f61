/* SPDX-License-Identifier: MIT */
/*
 * OAuth 2.0 for machines, in both directions: the plugin's tables and the life of an instance. What comes in is judged
 * by plugins/common/bearer.h, what goes out is token.h's and
 * plugins/common/token_client.h's.
 */
#include "oauth2-cc.h"

#include <stdlib.h>

#define AUDIENCE_OPTION                                                                            \
    {                                                                                              \
        .name = "audience", .type = PAA_OPTION_STRING, .flags = PAA_OPTION_LIST,                   \
        .help =                                                                                    \
            "incoming: whom tokens must be for; \"any\" takes everybody's. Outgoing: for whom "    \
            "a token is asked"                                                                     \
    }
#define ISSUER_OPTION                                                                              \
    {                                                                                              \
        .name = "issuer", .type = PAA_OPTION_URL,                                                  \
        .help = "the authorization server, as it writes itself in tokens and metadata"             \
    }

static const struct paa_option issuer_options[] = {
    ISSUER_OPTION,
    AUDIENCE_OPTION,
    BEARER_ISSUER_OPTIONS,
    { .name = "tls",
      .type = PAA_OPTION_TLS,
      .flags = PAA_OPTION_INCOMING,
      .help = "in place of the instance's: how this issuer is verified, whatever it is asked" },
};

static const struct paa_option options[] = {
    ISSUER_OPTION,
    AUDIENCE_OPTION,
    { .name = "issuers",
      .type = PAA_OPTION_GROUP,
      .members = issuer_options,
      .member_count = sizeof issuer_options / sizeof issuer_options[0],
      .flags = PAA_OPTION_INCOMING | PAA_OPTION_LIST,
      .max = BEARER_GROUPS_MAX,
      .help = "in place of issuer, several: ( { issuer = …; audience = …; }, … )" },
    BEARER_OPTIONS,
    { .name = "dpop",
      .type = PAA_OPTION_CHOICE,
      .choices = "off|optional|required",
      .fallback = "off",
      .help = "incoming: whether tokens may or must be bound to a key that the client proves "
              "(RFC 9449). Outgoing: required asks for such tokens, and optional means nothing" },
    { .name = "certificate_bound",
      .type = PAA_OPTION_BOOLEAN,
      .fallback = "false",
      .help = "incoming: tokens must be bound to the client's certificate (RFC 8705); one that is "
              "bound is checked in any case. Outgoing: ask for such tokens" },
    OAUTH_CLIENT_OPTIONS(0),
    TOKEN_OPTIONS,
    { .name = "parameters",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_OUTGOING | PAA_OPTION_LIST,
      .max = TOKEN_PARAMETERS_MAX,
      .help = "further parameters of the token request, each \"name=value\"" },
    { .name = "tls",
      .type = PAA_OPTION_TLS,
      .help = "how the authorization server is verified: ca = \"FILE\" for a private CA" },
};

/* ---- life ------------------------------------------------------------------------------------- */

static void destroy(void *memory)
{
    struct instance *self = (struct instance *)memory;

    bearer_destroy(&self->bearer);
    token_client_destroy(&self->sends);
    free(self);
}

static enum paa_status warn(struct paa_op *op, const struct instance *self)
{
    const struct oauth_client *client = self->sends.tokens != NULL         ? &self->sends.client
                                        : self->bearer.token != BEARER_JWT ? &self->bearer.client
                                                                           : NULL;

    return bearer_warn(op, &self->bearer, client, false);
}

static enum paa_status create(struct paa_op *op, void **ret_self)
{
    struct instance *self = (struct instance *)calloc(1, sizeof *self);
    enum paa_status status;

    if (self == NULL)
        return PAA_STATUS_UNAVAILABLE;
    status = bearer_create(op, &self->bearer);
    if (status == PAA_STATUS_OK && (op->flags & PAA_OP_USED_OUTGOING) != 0)
        status = token_client_create(op, &token_grant, self->bearer.metadata, &self->sends);
    if (status == PAA_STATUS_OK)
        status = warn(op, self);
    if (status != PAA_STATUS_OK) {
        destroy(self);
        return status;
    }
    *ret_self = self;
    return PAA_STATUS_OK;
}

const struct token_client *token_client_of(struct paa_op *op)
{
    const struct token_client *client = &instance_of(op)->sends;

    return client->tokens != NULL ? client : NULL;
}

static enum paa_result attach(struct paa_op *op)
{
    return token_attach(op, token_client_of(op));
}

static enum paa_result answered(struct paa_op *op, const struct paa_response *response)
{
    return token_answered(op, token_client_of(op), response);
}

static void lane_done(void *memory, const void *self)
{
    struct lane *lane = (struct lane *)memory;

    (void)self;
    bearer_lane_done(&lane->bearer);
}

static const struct paa_plugin plugin = {
    .abi = PAA_ABI,
    .struct_size = sizeof plugin,
    .name = "oauth2-cc",
    .version = "1.0",
    .summary = "OAuth 2.0 access tokens of machines: checked, or obtained and sent",
    .options = PAA_ROWS(options),
    .verbs = token_verbs,
    .verb_count = TOKEN_VERB_COUNT,
    .verb_size = sizeof(struct paa_verb),
    .state_size = sizeof(union state),
    .lane_size = sizeof(struct lane),
    .create = create,
    .destroy = destroy,
    .lane_done = lane_done,
    .verify = bearer_verify,
    .challenge = bearer_challenge,
    .describe = bearer_describe,
    .attach = attach,
    .answered = answered,
};

PAA_PLUGIN(oauth2_cc, plugin);
