/* SPDX-License-Identifier: MIT */
/*
 * One login, in a verb or within a transaction: it knows only the operation. What both ways of it share: the endpoints
 * and keys, the token request, the ID token, the save.
 *
 *   login_start(op, &options, then, context)
 *     token_bound_find, token_request_prepare      which token it will be, and where to ask
 *     login_browser or login_device                until the person has agreed
 *     login_redeem                                 code or device code against tokens
 *     memo->put, then
 */
#ifndef OAUTH2_CODE_LOGIN_H
#define OAUTH2_CODE_LOGIN_H

#include "authorization.h"
#include "endpoint_response.h"
#include "oauth2-code.h"
#include "token_request.h"

/* result: DONE, and what is kept now. Else fail was called, and this is what the operation ends with; token NULL. */
typedef enum paa_result (*login_fn)(struct paa_op *op, enum paa_result result,
                                    const struct token_value *token, void *context) PAA_NOEXCEPT;

struct login_options {
    struct paa_str account;    /* absent: none */
    struct paa_str login_hint; /* absent: none */
    enum code_flow flow;
};

struct login { /* memory of the operation; state_of(op)->login is it */
    const struct instance *self;
    struct login_options options;
    login_fn then;
    void *context;
    const struct paa_memo_query *query; /* of the token */
    struct token_request request;
    struct oauth_call call; /* to another endpoint */
    struct buf form;        /* of the request that comes next */
    struct buf url;
    struct buf value; /* what is put */
    struct token_value token;

    bool is_nobody_there;        /* the host has nobody to ask */
    struct paa_str redirect_uri; /* browser; absent: nobody waits for a page */
    char verifier[AUTHORIZATION_TEXT_SIZE];
    char state[AUTHORIZATION_TEXT_SIZE];
    char nonce[AUTHORIZATION_TEXT_SIZE];

    struct device_response device; /* views of memory of the operation */
    int64_t interval_s;
    int64_t ends_ms; /* steady clock */
};

/* For who only asks endpoints. NULL: no memory. */
struct login *login_new(struct paa_op *op);
/* Waiting. */
enum paa_result login_start(struct paa_op *op, const struct login_options *options, login_fn then,
                            void *context);
/* finish of whatever operation may have begun one. */
void login_done(struct login *login);

/* ---- for its files ------------------------------------------------------------------------------ */

enum paa_result login_browser(struct paa_op *op, struct login *login);
enum paa_result login_device(struct paa_op *op, struct login *login);

/* Where it is: the policy's word, else the metadata's. Absent: nobody says. */
struct paa_str login_endpoint(const struct login *login, enum oauth_endpoint endpoint);
/* Asks an endpoint with login->form. Waiting, or fail's result. */
enum paa_result login_call(struct paa_op *op, struct login *login, enum oauth_endpoint endpoint,
                           paa_http_fn then);
/* Asks the token endpoint with login->form. then: as token_request_send. Waiting. */
enum paa_result login_redeem(struct paa_op *op, struct login *login, token_answer_fn then);
/* The tokens are there: keeps them, and ends the login. */
enum paa_result login_keep(struct paa_op *op, struct login *login,
                           const struct token_response *response);
/* It ends with what fail returned; a browser that waits is told. */
enum paa_result login_fail(struct paa_op *op, struct login *login, enum paa_result result);
/* Of answers that are no tokens, by whichever endpoint: fails with REJECT if it was refused, else with UNAVAILABLE. */
enum paa_result login_refused(struct paa_op *op, struct login *login, enum token_answer answer,
                              uint32_t code, const struct token_response *response);
/* Memory for reading the response, and a copy of its body there. NULL: none is left. */
struct token_memory *login_copy(struct paa_op *op, const struct paa_http_response *response,
                                struct paa_bytes *ret_body);

#endif
