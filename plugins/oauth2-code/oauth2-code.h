/* SPDX-License-Identifier: MIT */
/*
 * OAuth 2.0 for people (RFC 6749 4.1, RFC 7636, RFC 8252, RFC 8628): a program acts for somebody who has logged in and
 * agreed. What the files of this plugin share. Every effect goes through op->host.
 *
 * Somebody logs in (login.h), and the memo `tokens` keeps what came, with the refresh token. Its producer (refresh.c) never asks
 * anybody: it redeems the refresh token, or says that nobody has logged in. How a token is attached, and dropped when
 * the peer refuses it, is plugins/common/token_client.h's.
 *
 * authorization.h and endpoint_response.h are pure. login.c is what every login has in common, login_browser.c and
 * login_device.c are its two ways, attach.c the slot, verbs.c and logout.c are for operators.
 */
#ifndef OAUTH2_CODE_OAUTH2_CODE_H
#define OAUTH2_CODE_OAUTH2_CODE_H

#include "browser.h"
#include "oauth_metadata.h"
#include "token_client.h"

enum code_flow { FLOW_BROWSER = 1, FLOW_DEVICE };

struct instance {
    struct incoming incoming;   /* what comes in; its files find it in op->self */
    struct token_client sends;  /* what goes out; all zero if the instance is not used so */
    struct paa_table *redeemed; /* refresh.c */
    struct paa_str endpoints[OAUTH_ENDPOINTS]; /* that the policy names; absent: by metadata */
    enum code_flow flow;
    bool is_interactive;
    bool always_pushes;
    bool wants_id_token; /* scope has openid */
};

struct login;

struct state { /* op->state of slots and verbs */
    struct incoming_state incoming;
    struct login *login; /* of a program; NULL: none is under way */
};

static inline const struct instance *instance_of(struct paa_op *op)
{
    return (const struct instance *)op->self;
}

static inline struct state *state_of(struct paa_op *op)
{
    return (struct state *)op->state;
}

/* ---- words -------------------------------------------------------------------------------------- */

enum { HINT_SIZE = 256 };

/* "log in: paactl run -c FILE mine login account=bob" */
void code_hint(struct paa_op *op, struct paa_str account, char ret_text[HINT_SIZE]);

/* ---- refresh.c ---------------------------------------------------------------------------------- */

enum {
    REDEEMED_KEEP_S = 30 * 86400,       /* so long it is known that a refresh token may be spent */
    CODE_TOKENS_MAX = 16 * 1024 * 1024, /* bytes of tokens in memory */
    ID_TOKEN_LEEWAY_S = 60
};

extern const struct token_grant code_grant;

/* ---- who.c -------------------------------------------------------------------------------------- */

struct token_response;

/* The ID token that came with an access token: into subject and name, in memory of the operation. nonce: as it was sent;
 * absent: none. subject: who it must be; absent: anybody. NULL: good, or none came. Else what is wrong, as the end of
 * a sentence that begins with the ID token. */
const char *code_read_id_token(struct paa_op *op, const struct instance *self,
                               const struct token_response *response, struct paa_str nonce,
                               struct paa_str subject, struct token_value *value);

/* ---- attach.c, verbs.c, logout.c ---------------------------------------------------------------- */

enum paa_result code_attach(struct paa_op *op);
enum paa_result code_none(struct paa_op *op, const struct token_client *client,
                          enum paa_status status, const struct paa_memo_query *query);

enum { CODE_VERB_COUNT = 3 };
extern const struct paa_verb code_verbs[CODE_VERB_COUNT];

enum paa_result logout_run(struct paa_op *op, const struct paa_options *arguments) PAA_NOEXCEPT;

#endif
