/* SPDX-License-Identifier: MIT */
/*
 * OAuth 2.0 for people, in both directions: the plugin's tables and the life of an instance. What comes in is judged by
 * browser.h and plugins/common/bearer.h, what goes out is login.h's and plugins/common/token_client.h's.
 */
#include "oauth2-code.h"

#include "login.h"
#include "str.h"

#include <stdlib.h>

#define ENDPOINT_OPTION(option, what)                                                              \
    {                                                                                              \
        .name = (option), .type = PAA_OPTION_URL, .flags = PAA_OPTION_OUTGOING,                    \
        .help = what "; if not given, the issuer's metadata says so"                               \
    }

#define AUDIENCE_OPTION                                                                            \
    {                                                                                              \
        .name = "audience", .type = PAA_OPTION_STRING, .flags = PAA_OPTION_LIST,                   \
        .help =                                                                                    \
            "incoming: whom bearer tokens must be for; \"any\" takes everybody's. Outgoing: for "  \
            "whom a token is asked, in the way of servers without RFC 8707"                        \
    }
#define ISSUER_OPTION                                                                              \
    {                                                                                              \
        .name = "issuer", .type = PAA_OPTION_URL,                                                  \
        .help = "the authorization server, as it writes itself in tokens and metadata"             \
    }

static const struct paa_option issuer_options[] = { ISSUER_OPTION, AUDIENCE_OPTION,
                                                    BEARER_ISSUER_OPTIONS };

static const struct paa_option options[] = {
    ISSUER_OPTION,
    AUDIENCE_OPTION,
    { .name = "issuers",
      .type = PAA_OPTION_GROUP,
      .members = issuer_options,
      .member_count = sizeof issuer_options / sizeof issuer_options[0],
      .flags = PAA_OPTION_INCOMING | PAA_OPTION_LIST,
      .max = BEARER_GROUPS_MAX,
      .help = "in place of issuer, several whose bearer tokens are taken" },
    BEARER_OPTIONS_FOR("user"),
    BROWSER_OPTIONS,
    ENDPOINT_OPTION("authorization_endpoint", "where people log in and agree"),
    ENDPOINT_OPTION("device_authorization_endpoint", "where codes for other devices come from"),
    ENDPOINT_OPTION("revocation_endpoint", "where a logout revokes tokens"),
    { .name = "flow",
      .type = PAA_OPTION_CHOICE,
      .choices = "browser|device",
      .fallback = "browser",
      .flags = PAA_OPTION_OUTGOING,
      .help = "how people log in: the browser of this machine, or a code for any device" },
    { .name = "par",
      .type = PAA_OPTION_CHOICE,
      .choices = "auto|required",
      .fallback = "auto",
      .flags = PAA_OPTION_OUTGOING,
      .help = "push the authorization request (RFC 9126): if the metadata asks for it, or always" },
    { .name = "interactive",
      .type = PAA_OPTION_BOOLEAN,
      .fallback = "false",
      .flags = PAA_OPTION_OUTGOING,
      .help = "a request for which nobody is logged in asks the person, if the host can" },
    { .name = "dpop",
      .type = PAA_OPTION_CHOICE,
      .choices = "off|optional|required",
      .fallback = "off",
      .help = "incoming: whether bearer tokens may or must be bound to a key that the client "
              "proves (RFC 9449). Outgoing: required asks for such tokens, and optional means "
              "nothing" },
    { .name = "certificate_bound",
      .type = PAA_OPTION_BOOLEAN,
      .fallback = "false",
      .help = "incoming: bearer tokens must be bound to the client's certificate (RFC 8705); one "
              "that is bound is checked in any case. Outgoing: ask for such tokens" },
    OAUTH_CLIENT_OPTIONS(0),
    TOKEN_OPTIONS_FOR(0, "incoming: what a login asks for beside openid. Outgoing: what the token "
                         "shall permit; a string of words, or a list"),
    { .name = "parameters",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_LIST,
      .max = TOKEN_PARAMETERS_MAX,
      .help = "further parameters of the authorization request, each \"name=value\": "
              "\"prompt=consent\"" },
    { .name = "tls",
      .type = PAA_OPTION_TLS,
      .help = "how the authorization server is verified: ca = \"FILE\" for a private CA" },
};

/* ---- life --------------------------------------------------------------------------------------- */

static void destroy(void *memory)
{
    struct instance *self = (struct instance *)memory;

    incoming_destroy(&self->incoming);
    token_client_destroy(&self->sends);
    free(self);
}

static enum paa_status read_endpoints(struct paa_op *op, struct instance *self)
{
    static const enum oauth_endpoint given[] = { OAUTH_AUTHORIZATION, OAUTH_DEVICE,
                                                 OAUTH_REVOCATION };
    const char *name;

    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        name = oauth_endpoint_name(given[i]).data;
        self->endpoints[given[i]] = paa_option_string(op, name);
        if (self->endpoints[given[i]].data != NULL &&
            !oauth_url_reachable(self->endpoints[given[i]], false))
            return op->host->options->refuse(op->options, name, STR(OAUTH_NEEDS_HTTPS));
    }
    return PAA_STATUS_OK;
}

static enum paa_status read_flow(struct paa_op *op, struct instance *self)
{
    const struct paa_host_options *host = op->host->options;

    self->flow = host->number(op->options, "flow", 0) != 0 ? FLOW_DEVICE : FLOW_BROWSER;
    self->always_pushes = host->number(op->options, "par", 0) != 0;
    self->is_interactive = host->number(op->options, "interactive", 0) != 0;
    self->wants_id_token = str_has_word(buf_str(&self->sends.scope), STR("openid"));
    if (self->is_interactive && self->flow == FLOW_DEVICE)
        return host->refuse(op->options, "interactive",
                            STR("a request cannot wait until a code is entered on another device: "
                                "log in with the command"));
    if (self->wants_id_token && self->sends.issuer.data == NULL)
        return host->refuse(op->options, "scope",
                            STR("openid brings an ID token, whose issuer must be known: add "
                                "issuer"));
    return PAA_STATUS_OK;
}

static enum paa_status warn(struct paa_op *op, const struct instance *self)
{
    const struct incoming *in = &self->incoming;
    const struct oauth_client *client = self->sends.tokens != NULL       ? &self->sends.client
                                        : in->browser.is_on              ? &in->browser.client
                                        : in->bearer.token != BEARER_JWT ? &in->bearer.client
                                                                         : NULL;

    return bearer_warn(op, &in->bearer, client, in->browser.is_on);
}

static enum paa_status create(struct paa_op *op, void **ret_self)
{
    struct instance *self = (struct instance *)calloc(1, sizeof *self);
    enum paa_status status;

    if (self == NULL)
        return PAA_STATUS_UNAVAILABLE;
    status = incoming_create(op, &self->incoming);
    if (status == PAA_STATUS_OK && (op->flags & PAA_OP_USED_OUTGOING) != 0) {
        status = token_client_create(op, &code_grant, self->incoming.bearer.metadata, &self->sends);
        if (status == PAA_STATUS_OK)
            status = read_endpoints(op, self);
        if (status == PAA_STATUS_OK)
            status = read_flow(op, self);
        if (status == PAA_STATUS_OK)
            status = op->host->store->open(op, "redeemed", PAA_TABLE_LOCAL | PAA_TABLE_RARE,
                                           &self->redeemed);
    }
    if (status == PAA_STATUS_OK)
        status = warn(op, self);
    if (status != PAA_STATUS_OK) {
        destroy(self);
        return status;
    }
    *ret_self = self;
    return PAA_STATUS_OK;
}

static enum paa_result answered(struct paa_op *op, const struct paa_response *response)
{
    return token_answered(op, &instance_of(op)->sends, response);
}

static void finish(struct paa_op *op)
{
    login_done(state_of(op)->login);
    incoming_finish(op);
}

static void lane_done(void *memory, const void *self)
{
    (void)self;
    incoming_lane_done((struct incoming_lane *)memory);
}

static const struct paa_plugin plugin = {
    .abi = PAA_ABI,
    .struct_size = sizeof plugin,
    .flags = PAA_PLUGIN_LOGIN,
    .name = "oauth2-code",
    .version = "1.0",
    .summary = "OAuth 2.0 logins of people: in a browser, or for a program that acts for them",
    .options = PAA_ROWS(options),
    .verbs = code_verbs,
    .verb_count = CODE_VERB_COUNT,
    .verb_size = sizeof(struct paa_verb),
    .state_size = sizeof(struct state),
    .lane_size = sizeof(struct incoming_lane),
    .create = create,
    .destroy = destroy,
    .lane_done = lane_done,
    .verify = incoming_verify,
    .challenge = incoming_challenge,
    .serve = incoming_serve,
    .describe = incoming_describe,
    .attach = code_attach,
    .answered = answered,
    .finish = finish,
};

PAA_PLUGIN(oauth2_code, plugin);
