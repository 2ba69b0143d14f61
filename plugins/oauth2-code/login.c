/* SPDX-License-Identifier: MIT */
/* What every login has in common. */
#include "login.h"

#include "str.h"

enum { FORM_MAX = 16 * 1024 };

/* ---- its end ------------------------------------------------------------------------------------ */

enum paa_result login_fail(struct paa_op *op, struct login *login, enum paa_result result)
{
    if (login->redirect_uri.data != NULL)
        (void)op->host->conversation->page(
            op, 0, STR("You are not logged in. The program that sent you here says why."));
    return login->then(op, result, NULL, login->context);
}

static enum paa_result succeed(struct paa_op *op, struct login *login)
{
    if (login->redirect_uri.data != NULL)
        (void)op->host->conversation->page(op, 1, STR("You are logged in."));
    return login->then(op, PAA_DONE, &login->token, login->context);
}

static enum paa_result on_kept(struct paa_op *op, enum paa_status status,
                               const struct paa_memo_value *value, void *context)
{
    struct login *login = (struct login *)context;

    (void)value;
    if (status != PAA_STATUS_OK)
        return login_fail(op, login, op->host->fail(op, PAA_UNAVAILABLE, "store", STR_NONE));
    return succeed(op, login);
}

static enum paa_result put(struct paa_op *op, struct login *login,
                           const struct token_response *response)
{
    struct paa_memo_product product;
    enum paa_result result;

    result = token_take(op, &login->request, response, &login->token, &product, &login->value);
    if (result != PAA_DONE)
        return login_fail(op, login, result);
    product.keep_until_s = PAA_FOREVER;
    return op->host->memo->put(op, login->self->sends.tokens, login->query->key, &product, on_kept,
                               login);
}

enum paa_result login_keep(struct paa_op *op, struct login *login,
                           const struct token_response *response)
{
    bool has_nonce = login->redirect_uri.data != NULL && login->self->wants_id_token;
    struct paa_str nonce = has_nonce ? paa_str_of_n(login->nonce, sizeof login->nonce) : STR_NONE;
    const char *wrong =
        code_read_id_token(op, login->self, response, nonce, STR_NONE, &login->token);

    if (login->self->wants_id_token && response->id_token.data == NULL)
        wrong = "is missing, though the scope has openid: is this an OpenID provider?";
    if (wrong != NULL)
        return login_fail(op, login,
                          paa_fail(op, PAA_REJECT, "id-token",
                                   "the ID token that came with the access token %s", wrong));
    if (response->refresh_token.size == 0)
        op->host->log->line(op, PAA_LEVEL_WARNING,
                            STR("no refresh token came: when the access token ends, somebody has "
                                "to log in again (does the scope need offline_access?)"));
    login->token.refresh = response->refresh_token;
    return put(op, login, response);
}

enum paa_result login_refused(struct paa_op *op, struct login *login, enum token_answer answer,
                              uint32_t code, const struct token_response *response)
{
    if (answer != TOKEN_REFUSED)
        return login_fail(op, login, token_trouble(op, &login->request, answer, code, response));
    token_log_refusal(op, response);
    return login_fail(op, login,
                      paa_fail(op, PAA_REJECT, "login-refused",
                               "the authorization server says \"%.*s\"; the log has what else it "
                               "said",
                               STR_ARGS(response->error)));
}

/* ---- asking ------------------------------------------------------------------------------------- */

struct paa_str login_endpoint(const struct login *login, enum oauth_endpoint endpoint)
{
    const struct oauth_metadata *metadata = login->request.metadata;
    struct paa_str url = login->self->endpoints[endpoint];
    bool shows = endpoint != OAUTH_AUTHORIZATION &&
                 oauth_client_shows_certificate(&login->self->sends.client);

    if (url.data != NULL || metadata == NULL)
        return url;
    return oauth_endpoint_of(metadata, endpoint, shows);
}

enum paa_result login_call(struct paa_op *op, struct login *login, enum oauth_endpoint endpoint,
                           paa_http_fn then)
{
    const struct token_client *client = &login->self->sends;
    struct oauth_call *call = &login->call;

    if (login->form.failed)
        return paa_fail(op, PAA_UNAVAILABLE, "login", "the login's request is over 16 KiB");
    call->client = &client->client;
    call->issuer = client->issuer;
    call->url = login_endpoint(login, endpoint);
    call->token_endpoint = login->request.call.token_endpoint;
    call->form = buf_str(&login->form);
    call->timeout_ms = client->timeout_ms;
    call->http_flags =
        login->self->endpoints[endpoint].data != NULL ? 0 : (uint32_t)PAA_HTTP_FOREIGN_URL;
    return oauth_call_send(op, call, then, login);
}

enum paa_result login_redeem(struct paa_op *op, struct login *login, token_answer_fn then)
{
    const struct buf *resources = &login->self->sends.resources;

    if (resources->size > 0) {
        buf_add_char(&login->form, '&');
        buf_add_str(&login->form, buf_str(resources));
    }
    if (login->form.failed)
        return login_fail(op, login,
                          paa_fail(op, PAA_UNAVAILABLE, "login",
                                   "the login's request is over 16 KiB"));
    login->request.form = buf_str(&login->form);
    return token_request_send(op, &login->request, then, login);
}

struct token_memory *login_copy(struct paa_op *op, const struct paa_http_response *response,
                                struct paa_bytes *ret_body)
{
    size_t size = response->body.size;
    void *memory = op->host->alloc(op, sizeof(struct token_memory) + size);
    void *copy = op->host->alloc(op, size + 1);

    if (memory == NULL || copy == NULL)
        return NULL;
    if (size > 0)
        memcpy(copy, response->body.data, size);
    *ret_body = paa_bytes_of(copy, size);
    return (struct token_memory *)memory;
}

/* ---- its beginning ------------------------------------------------------------------------------ */

static enum paa_result on_ready(struct paa_op *op, enum paa_result result, void *context)
{
    struct login *login = (struct login *)context;

    if (result != PAA_DONE)
        return login_fail(op, login, result);
    return login->options.flow == FLOW_DEVICE ? login_device(op, login) : login_browser(op, login);
}

static enum paa_result on_bound(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_query *query, const struct dpop_key *key,
                                void *context)
{
    struct login *login = (struct login *)context;

    (void)key;
    if (status != PAA_STATUS_OK)
        return login_fail(op, login, op->host->fail(op, PAA_UNAVAILABLE, "dpop-key", STR_NONE));
    login->query = query;
    login->request.key = query->key;
    return token_request_prepare(op, &login->request, on_ready, login);
}

struct login *login_new(struct paa_op *op)
{
    struct login *login = (struct login *)op->host->alloc(op, sizeof *login);

    if (login == NULL)
        return NULL;
    state_of(op)->login = login;
    login->self = instance_of(op);
    login->request.client = &login->self->sends;
    login->request.wants_metadata = login->self->sends.metadata != NULL;
    buf_init(&login->form, FORM_MAX);
    buf_init(&login->url, AUTHORIZATION_URL_MAX);
    buf_init(&login->value, TOKEN_VALUE_MAX);
    return login;
}

enum paa_result login_start(struct paa_op *op, const struct login_options *options, login_fn then,
                            void *context)
{
    struct login *login = login_new(op);

    if (login == NULL)
        return then(op, paa_fail(op, PAA_UNAVAILABLE, "login", "no memory is left for a login"),
                    NULL, context);
    login->options = *options;
    login->then = then;
    login->context = context;
    return token_bound_find(op, &login->self->sends, options->account, 0, on_bound, login);
}

void login_done(struct login *login)
{
    if (login == NULL)
        return;
    token_request_done(&login->request);
    oauth_call_done(&login->call);
    buf_free(&login->form);
    buf_free(&login->url);
    buf_free(&login->value);
}
