/* SPDX-License-Identifier: MIT */
/* Logout: the refresh token is revoked (RFC 7009), then the access token, then both are forgotten, whatever the server
 * said. */
#include "login.h"

#include "fields.h"
#include "str.h"

enum { CODE_OK = 200 };

struct logout {          /* memory of the operation */
    struct login *login; /* for its calls and endpoints */
    struct token_value token;
    bool is_there;       /* there was something to forget */
    bool is_second;      /* the access token's turn */
    const char *trouble; /* NULL: what was to be revoked is */
};

/* ---- forgetting --------------------------------------------------------------------------------- */

static enum paa_result on_forgotten(struct paa_op *op, enum paa_status status,
                                    const struct paa_memo_value *value, void *context)
{
    const struct logout *logout = (const struct logout *)context;

    (void)value;
    if (status != PAA_STATUS_OK && status != PAA_STATUS_NONE)
        return op->host->fail(op, PAA_UNAVAILABLE, "store", STR_NONE);
    if (!logout->is_there)
        return paa_fail(op, PAA_ABSENT, "no-login", "nobody is logged in");
    if (logout->trouble != NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "not-revoked",
                        "the login is forgotten here, but %s: its tokens may still be good there",
                        logout->trouble);
    return PAA_DONE;
}

static enum paa_result forget(struct paa_op *op, struct logout *logout)
{
    struct paa_memo_query all = *logout->login->query;

    all.flags = PAA_QUERY_FORGET;
    return op->host->memo->drop(op, instance_of(op)->sends.tokens, &all, on_forgotten, logout);
}

/* ---- revoking ----------------------------------------------------------------------------------- */

static enum paa_result revoke(struct paa_op *op, struct logout *logout);

static enum paa_result on_revoked(struct paa_op *op, enum paa_status status,
                                  const struct paa_http_response *response, void *context)
{
    struct logout *logout = (struct logout *)((struct login *)context)->context;

    if (status != PAA_STATUS_OK)
        logout->trouble = "the revocation_endpoint cannot be asked";
    else if (response->code != CODE_OK)
        logout->trouble = "the server has not revoked them";
    if (logout->is_second || logout->trouble != NULL)
        return forget(op, logout);
    logout->is_second = true;
    return revoke(op, logout);
}

/* The access token without its auth-scheme. */
static struct paa_str access_token(const struct instance *self, const struct token_value *token)
{
    size_t scheme = self->sends.scheme.size;

    return str_slice(token->credentials, scheme > 0 ? scheme + 1 : 0, token->credentials.size);
}

static enum paa_result revoke(struct paa_op *op, struct logout *logout)
{
    struct login *login = logout->login;
    struct paa_str token = logout->token.refresh;
    enum paa_result result;

    if (!logout->is_second && token.size == 0)
        logout->is_second = true;
    if (logout->is_second)
        token = access_token(login->self, &logout->token);
    buf_clear(&login->form);
    form_add(&login->form, STR("token"), token);
    form_add(&login->form, STR("token_type_hint"),
             logout->is_second ? STR("access_token") : STR("refresh_token"));
    result = login_call(op, login, OAUTH_REVOCATION, on_revoked);
    if (result == PAA_PENDING)
        return result;
    logout->trouble = "they could not be revoked at the server";
    return forget(op, logout);
}

static enum paa_result on_ready(struct paa_op *op, enum paa_result result, void *context)
{
    struct logout *logout = (struct logout *)context;

    if (result != PAA_DONE) {
        logout->trouble = "the server cannot be asked to revoke them";
        return forget(op, logout);
    }
    if (login_endpoint(logout->login, OAUTH_REVOCATION).data == NULL) {
        logout->trouble = "the server names no revocation_endpoint";
        return forget(op, logout);
    }
    return revoke(op, logout);
}

/* ---- the verb ----------------------------------------------------------------------------------- */

static enum paa_result on_token(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_value *value, void *context)
{
    struct logout *logout = (struct logout *)context;

    if (value == NULL && status != PAA_STATUS_NONE)
        return op->host->fail(op, PAA_UNAVAILABLE, "store", STR_NONE);
    if (value == NULL || !token_value_read(value->bytes, &logout->token))
        return forget(op, logout);
    logout->is_there = true;
    return token_request_prepare(op, &logout->login->request, on_ready, logout);
}

static enum paa_result on_bound(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_query *query, const struct dpop_key *key,
                                void *context)
{
    struct logout *logout = (struct logout *)context;
    struct paa_memo_query look;

    (void)key;
    if (status == PAA_STATUS_NONE) /* no key, so no token that is bound to it */
        return paa_fail(op, PAA_ABSENT, "no-login", "nobody is logged in");
    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "dpop-key", STR_NONE);
    look = *query;
    look.flags = PAA_QUERY_LOOK;
    logout->login->query = query;
    logout->login->request.key = query->key;
    return op->host->memo->get(op, instance_of(op)->sends.tokens, &look, on_token, logout);
}

enum paa_result logout_run(struct paa_op *op, const struct paa_options *arguments)
{
    const struct instance *self = instance_of(op);
    struct logout *logout = (struct logout *)op->host->alloc(op, sizeof *logout);
    struct login *login = login_new(op);

    if (self->sends.tokens == NULL)
        return paa_fail(op, PAA_FAULT, "usage", "no service of the policy uses \"%.*s\"",
                        STR_ARGS(op->instance));
    if (logout == NULL || login == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "login", "no memory is left");
    logout->login = login;
    login->context = logout;
    return token_bound_find(op, &self->sends, op->host->options->string(arguments, "account", 0),
                            PAA_QUERY_LOOK, on_bound, logout);
}
