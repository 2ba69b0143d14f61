/* SPDX-License-Identifier: MIT */
/* From tokens to a session: the ID token verified and judged (OpenID Connect Core 3.1.3.7), a session under a new id in
 * place of the one that the browser had, and back to where it was. */
#include "browser_finish.h"

#include "bearer_signed.h"
#include "claims_kept.h"
#include "id_token.h"
#include "str.h"
#include "units.h"

enum { DEFAULT_LIFETIME_S = 300 }; /* of an access token whose server does not say */

/* ---- the end ------------------------------------------------------------------------------------ */

static enum paa_result on_saved(struct paa_op *op, enum paa_status status, void *context)
{
    const struct coming *coming = (const struct coming *)context;

    if (status == PAA_STATUS_TOO_LARGE)
        return paa_fail(op, PAA_FAULT, "session-size",
                        "the session is too large for cookies, or over 48 KiB: keep fewer claims, "
                        "or set session = \"store\"");
    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "session", STR_NONE);
    browser_attempt_over(op, coming);
    op->host->outcome->redirect(op, coming->attempt.return_to);
    return PAA_DONE;
}

/* ---- in place of the one before ----------------------------------------------------------------- */

static enum paa_result on_ended(struct paa_op *op, enum paa_status status, void *context)
{
    struct coming *coming = (struct coming *)context;

    if (status != PAA_STATUS_OK)
        return paa_fail(op, PAA_UNAVAILABLE, "revoked",
                        "the end of the session before a login cannot be written down: nobody is "
                        "logged in anew");
    return session_save(op, &coming->session, true, 0, on_saved, coming);
}

/* The browser shows it no more, so that no logout would find it: a stolen copy of its cookie would live on. Its tokens are
 * left alone, since to some providers they and those that just came are one grant, which goes as a whole. */
static enum paa_result on_before(struct paa_op *op, enum paa_status status,
                                 const struct found *found, void *context)
{
    if (status == PAA_STATUS_NONE)
        return on_ended(op, PAA_STATUS_OK, context);
    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "session", STR_NONE);
    return session_end(op, found, on_ended, context);
}

/* ---- the session -------------------------------------------------------------------------------- */

static struct paa_str kept_claims(struct paa_op *op, const struct jwt *jwt)
{
    static const char *const usual[] = { "name", "preferred_username", "email", "email_verified" };
    const struct paa_host_options *options = op->host->options;
    size_t count = options->count(op->options, "claims");
    struct paa_str kept = STR_NONE;
    struct json json;
    struct buf buf;
    char *text;

    buf_init(&buf, SESSION_CLAIMS_MAX);
    json_init(&json, &buf);
    json_open(&json, NULL, '{');
    for (size_t i = 0; i < count; i++)
        claims_keep(&json, &jwt->payload, options->string(op->options, "claims", i).data);
    for (size_t i = 0; count == 0 && i < sizeof usual / sizeof usual[0]; i++)
        claims_keep(&json, &jwt->payload, usual[i]);
    if (jwt->texts[JWT_T_ACR].data != NULL)
        json_str(&json, "acr", jwt->texts[JWT_T_ACR]);
    json_close(&json, '}');
    text = buf.failed ? NULL : (char *)op->host->alloc(op, buf.size);
    if (text != NULL) {
        memcpy(text, buf.data, buf.size);
        kept = paa_str_of_n(text, buf.size);
    }
    buf_free(&buf);
    return kept;
}

static void add_tokens(const struct browser *self, const struct coming *coming,
                       struct session *session)
{
    const struct token_response *response = &coming->response;
    int64_t life_s = response->expires_in_s >= 0 ? response->expires_in_s : DEFAULT_LIFETIME_S;

    session->scope = response->scope;
    if (self->logout.data != NULL && response->id_token.size <= SESSION_ID_TOKEN_MAX)
        session->id_token = response->id_token;
    if (!self->passes_token)
        return;
    session->access_token = response->access_token;
    session->refresh_token = response->refresh_token;
    session->token_ends_s = time_add(coming->asked_at_s, life_s);
}

/* A new id each time: one that was there before the login is worth nothing after it. */
static enum paa_result make_session(struct paa_op *op, struct coming *coming, const struct jwt *jwt)
{
    struct session *session = &coming->session;

    if (op->host->random->fill(op, session->id, sizeof session->id) != PAA_STATUS_OK)
        return paa_fail(op, PAA_UNAVAILABLE, "login", "no chance is to be had");
    session->made_at_s = op->host->clock->now_s(op);
    session->seen_at_s = session->made_at_s;
    session->issuer = jwt->texts[JWT_T_ISS];
    session->subject = jwt->texts[JWT_T_SUB];
    session->sid = jwt->texts[JWT_T_SID];
    session->amr = jwt->texts[JWT_T_AMR];
    session->acr = jwt->texts[JWT_T_ACR];
    if ((jwt->times & 1u << JWT_AUTH_TIME) != 0)
        session->auth_time_s = jwt->times_s[JWT_AUTH_TIME];
    session->claims = kept_claims(op, jwt);
    if (session->claims.data == NULL)
        return paa_fail(op, PAA_FAULT, "claims",
                        "the claims that the session keeps are over 2 KiB: name fewer in the "
                        "option \"claims\"");
    add_tokens(browser_of(op), coming, session);
    return session_find(op, on_before, coming);
}

/* ---- the ID token ------------------------------------------------------------------------------- */

/* NULL: as was asked for. */
static const char *unmet(struct paa_op *op, const struct coming *coming, const struct jwt *jwt)
{
    const struct browser *self = browser_of(op);
    int64_t max_age_s = coming->attempt.max_age_s, now_s = op->host->clock->now_s(op);

    if (max_age_s >= 0 && ((jwt->times & 1u << JWT_AUTH_TIME) == 0 ||
                           now_s > time_add(time_add(jwt->times_s[JWT_AUTH_TIME], max_age_s),
                                            self->issuer->rules.leeway_s)))
        return "the ID token says that the person proved who they are longer ago than max_age, or "
               "not when";
    if (self->acr_values.size > 0 &&
        (jwt->texts[JWT_T_ACR].data == NULL ||
         !str_has_word(buf_str(&self->acr_values), jwt->texts[JWT_T_ACR])))
        return "the ID token's acr is none of acr_values";
    return NULL;
}

static enum paa_result judge(struct paa_op *op, struct coming *coming, const struct jwt *jwt)
{
    const struct browser *self = browser_of(op);
    const struct id_token_rules rules = {
        .issuer = self->issuer->rules.issuer,
        .client_id = self->client.id,
        .nonce = paa_str_of_n(coming->attempt.nonce, AUTHORIZATION_TEXT_SIZE),
        .access_token = coming->response.access_token,
        .leeway_s = self->issuer->rules.leeway_s,
    };
    enum id_token_verdict verdict = id_token_judge(jwt, &rules, op->host->clock->now_s(op));
    const char *why = unmet(op, coming, jwt);
    char line[256];

    if (verdict != ID_TOKEN_GOOD) {
        (void)snprintf(line, sizeof line, "a login's ID token %s", id_token_sentence(verdict));
        return browser_failed(op, coming, line);
    }
    return why != NULL ? browser_failed(op, coming, why) : make_session(op, coming, jwt);
}

static enum paa_result on_signed(struct paa_op *op, enum paa_result result, const struct jwt *jwt,
                                 void *context)
{
    struct coming *coming = (struct coming *)context;

    if (result == PAA_REJECT)
        return browser_failed(op, coming,
                              "a login's ID token cannot be read, or the provider's keys did not "
                              "sign it");
    return result == PAA_DONE ? judge(op, coming, jwt) : result;
}

enum paa_result browser_finish(struct paa_op *op, struct coming *coming)
{
    const struct token_response *response = &coming->response;

    if (response->id_token.data == NULL)
        return browser_failed(op, coming,
                              "the provider gave no ID token: is it one of OpenID Connect?");
    if (response->type != TOKEN_BEARER && browser_of(op)->passes_token)
        return browser_failed(op, coming,
                              "the provider gave an access token that is bound to a key: it cannot "
                              "be passed on");
    return bearer_signed(op, browser_of(op)->issuer, response->id_token, on_signed, coming);
}
