/* SPDX-License-Identifier: MIT */
/* Login in the system's browser (RFC 8252): a listener on loopback, the authorization request, what the browser brings
 * back, the code against tokens. */
#include "login.h"

#include "codec.h"
#include "fields.h"
#include "lifetime.h"
#include "str.h"

#define REDIRECT_PATH "/callback"

/* ---- the code ----------------------------------------------------------------------------------- */

static enum paa_result on_answer(struct paa_op *op, enum token_answer answer, uint32_t code,
                                 const struct token_response *response, void *context)
{
    struct login *login = (struct login *)context;

    if (answer == TOKEN_GIVEN)
        return login_keep(op, login, response);
    return login_refused(op, login, answer, code, response);
}

static enum paa_result redeem(struct paa_op *op, struct login *login, struct paa_str code)
{
    buf_clear(&login->form);
    form_add(&login->form, STR("grant_type"), STR("authorization_code"));
    form_add(&login->form, STR("code"), code);
    form_add(&login->form, STR("redirect_uri"), login->redirect_uri);
    form_add(&login->form, STR("code_verifier"),
             paa_str_of_n(login->verifier, sizeof login->verifier));
    return login_redeem(op, login, on_answer);
}

/* ---- what the browser brings -------------------------------------------------------------------- */

static enum paa_result refuse(struct paa_op *op, struct login *login, enum redirect_verdict verdict,
                              const struct redirect *redirect)
{
    struct token_response told = { .error = redirect->error, .description = redirect->description };

    if (verdict == REDIRECT_ERROR && paa_str_eq(redirect->error, "access_denied"))
        return login_fail(op, login,
                          paa_fail(op, PAA_REJECT, "login-denied",
                                   "the person, or the authorization server, did not agree"));
    if (verdict == REDIRECT_ERROR)
        return login_refused(op, login, TOKEN_REFUSED, 0, &told);
    return login_fail(op, login,
                      paa_fail(op, PAA_REJECT, "login-response",
                               "what the browser brought back %s: nobody is logged in",
                               redirect_sentence(verdict)));
}

static enum paa_result on_redirected(struct paa_op *op, enum paa_status status,
                                     const struct paa_reply *reply, void *context)
{
    struct login *login = (struct login *)context;
    const struct oauth_metadata *metadata = login->request.metadata;
    struct redirect_rules rules = { .state = paa_str_of_n(login->state, sizeof login->state),
                                    .issuer = login->self->sends.issuer,
                                    .names_issuer = metadata != NULL && metadata->names_issuer };
    struct redirect redirect;
    enum redirect_verdict verdict;

    if (status != PAA_STATUS_OK)
        return login_fail(op, login, op->host->fail(op, PAA_UNAVAILABLE, "login", STR_NONE));
    verdict = redirect_judge(reply->fields, reply->field_count, &rules, &redirect);
    if (verdict != REDIRECT_CODE)
        return refuse(op, login, verdict, &redirect);
    return redeem(op, login, redirect.code);
}

/* ---- sending it there --------------------------------------------------------------------------- */

static enum paa_result on_asked(struct paa_op *op, enum paa_status status,
                                const struct paa_reply *reply, void *context)
{
    struct login *login = (struct login *)context;

    (void)reply;
    if (status == PAA_STATUS_DENIED)
        return login_fail(op, login,
                          paa_fail(op, PAA_REJECT, "login-denied", "the login was declined"));
    login->is_nobody_there = status == PAA_STATUS_UNSUPPORTED;
    if (status != PAA_STATUS_OK)
        return login_fail(op, login, op->host->fail(op, PAA_UNAVAILABLE, "login", STR_NONE));
    return op->host->conversation->redirected(op, on_redirected, login);
}

/* With login->form being what the URL says of the request. */
static enum paa_result ask(struct paa_op *op, struct login *login)
{
    struct paa_prompt prompt;

    authorization_url(&login->url, login_endpoint(login, OAUTH_AUTHORIZATION),
                      login->self->sends.client.id, buf_str(&login->form));
    if (login->form.failed || login->url.failed)
        return login_fail(op, login,
                          paa_fail(op, PAA_UNAVAILABLE, "login",
                                   "the authorization request is over 16 KiB"));
    paa_init(&prompt, sizeof prompt);
    prompt.kind = PAA_PROMPT_OPEN;
    prompt.text = STR("Log in with a browser on this machine:");
    prompt.url = buf_str(&login->url);
    return op->host->conversation->ask(op, &prompt, on_asked, login);
}

/* ---- pushed authorization requests (RFC 9126) --------------------------------------------------- */

static enum paa_result on_pushed(struct paa_op *op, enum paa_status status,
                                 const struct paa_http_response *response, void *context)
{
    struct login *login = (struct login *)context;
    struct pushed_response read;
    struct token_memory *memory;
    struct paa_bytes body;
    enum token_answer answer;

    if (status != PAA_STATUS_OK)
        return login_fail(op, login, op->host->fail(op, PAA_UNAVAILABLE, "login", STR_NONE));
    memory = login_copy(op, response, &body);
    if (memory == NULL)
        return login_fail(op, login, paa_fail(op, PAA_UNAVAILABLE, "login", "no memory is left"));
    answer = pushed_response_read(response->code, response_field(response, "Content-Type"), body,
                                  memory, &read);
    if (answer != TOKEN_GIVEN)
        return login_refused(op, login, answer, response->code, &read.refusal);
    buf_clear(&login->form);
    form_add(&login->form, STR("request_uri"), read.request_uri);
    return ask(op, login);
}

static enum paa_result push(struct paa_op *op, struct login *login)
{
    enum paa_result result;

    if (login_endpoint(login, OAUTH_PUSHED_REQUEST).data == NULL)
        return login_fail(op, login,
                          paa_fail(op, PAA_UNAVAILABLE, "login",
                                   "the authorization request must be pushed (RFC 9126), and the "
                                   "server's metadata names no place for that"));
    if (login->self->sends.client.auth == OAUTH_AUTH_BASIC) /* else it is in the form anyway */
        form_add(&login->form, STR("client_id"), login->self->sends.client.id);
    result = login_call(op, login, OAUTH_PUSHED_REQUEST, on_pushed);
    return result == PAA_PENDING ? result : login_fail(op, login, result);
}

/* ---- the request -------------------------------------------------------------------------------- */

static bool choose(struct paa_op *op, char ret_text[AUTHORIZATION_TEXT_SIZE])
{
    unsigned char chance[AUTHORIZATION_CHANCE];

    if (op->host->random->fill(op, chance, sizeof chance) != PAA_STATUS_OK)
        return false;
    base64url_encode(paa_bytes_of(chance, sizeof chance), ret_text);
    return true;
}

static void write_request(struct login *login)
{
    const struct dpop_key *key = login->request.proves;
    char challenge[AUTHORIZATION_TEXT_SIZE];
    struct authorization authorization = {
        .form = buf_str(&login->self->sends.form),
        .redirect_uri = login->redirect_uri,
        .state = paa_str_of_n(login->state, sizeof login->state),
        .challenge = paa_str_of_n(challenge, sizeof challenge),
        .login_hint = login->options.login_hint,
    };

    pkce_challenge(paa_str_of_n(login->verifier, sizeof login->verifier), challenge);
    if (login->self->wants_id_token)
        authorization.nonce = paa_str_of_n(login->nonce, sizeof login->nonce);
    if (key != NULL)
        authorization.thumbprint = paa_str_of_n(key->thumbprint, sizeof key->thumbprint);
    authorization_form(&login->form, &authorization);
}

/* NULL: it can begin. */
static const char *fault_of(const struct login *login)
{
    struct paa_str endpoint = login_endpoint(login, OAUTH_AUTHORIZATION);
    const struct oauth_metadata *metadata = login->request.metadata;

    if (endpoint.data == NULL)
        return "the issuer's metadata names no authorization_endpoint: give that option, or flow = "
               "\"device\"";
    if (!authorization_url_valid(endpoint))
        return "no browser is sent to an authorization_endpoint that is not https";
    if (metadata != NULL && metadata->refuses_s256)
        return "the server's metadata says that it does not take PKCE with S256: without, a code "
               "that is stolen would be worth something";
    return NULL;
}

enum paa_result login_browser(struct paa_op *op, struct login *login)
{
    const struct oauth_metadata *metadata = login->request.metadata;
    const char *fault = fault_of(login);
    enum paa_status status;

    if (fault != NULL)
        return login_fail(op, login, paa_fail(op, PAA_UNAVAILABLE, "login", "%s", fault));
    if (!choose(op, login->verifier) || !choose(op, login->state) || !choose(op, login->nonce))
        return login_fail(op, login,
                          paa_fail(op, PAA_UNAVAILABLE, "login", "no chance is to be had"));
    status = op->host->conversation->listen(op, STR(REDIRECT_PATH),
                                            paa_str_of_n(login->state, sizeof login->state),
                                            &login->redirect_uri);
    login->is_nobody_there = status == PAA_STATUS_UNSUPPORTED;
    if (status != PAA_STATUS_OK)
        return login_fail(op, login,
                          paa_fail(op, PAA_UNAVAILABLE, "no-browser",
                                   "no browser can come back here: log in with device=true"));
    write_request(login);
    if (login->self->always_pushes || (metadata != NULL && metadata->wants_pushed))
        return push(op, login);
    return ask(op, login);
}
