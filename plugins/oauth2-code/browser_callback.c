/* SPDX-License-Identifier: MIT */
/*
 * The browser comes back from the provider (OpenID Connect Core 3.1.2.5): each parameter once, the attempt that its state
 * names in a cookie of this browser, the provider's own name (RFC 9207), then the code is redeemed, once.
 */
#include "browser_finish.h"

#include "fields.h"
#include "lifetime.h"
#include "oauth_metadata.h"
#include "page.h"
#include "secret.h"
#include "str.h"

enum { ERROR_MAX = 64, FIELDS_MAX = 10, LINE_SIZE = 128 };

void browser_attempt_over(struct paa_op *op, const struct coming *coming)
{
    browser_set_cookie(op, coming->cookie, STR(""), 0, 0);
}

enum paa_result browser_failed(struct paa_op *op, const struct coming *coming, const char *why)
{
    const struct page page = {
        .code = 403,
        .title = "You are not logged in",
        .sentence = "The login could not be completed. Please try again.",
        .target = coming->attempt.return_to,
        .button = "Log in again",
    };

    op->host->log->line(op, PAA_LEVEL_WARNING, paa_str_of(why));
    browser_attempt_over(op, coming);
    return page_answer(op, &page);
}

/* ---- tokens ------------------------------------------------------------------------------------- */

/* The words are a stranger's: into the log only, escaped and cut. */
static enum paa_result refused(struct paa_op *op, const struct coming *coming)
{
    enum { LINE_MAX_SIZE = 1024 };
    enum paa_result result;
    struct buf line;

    buf_init(&line, LINE_MAX_SIZE);
    buf_add_text(&line, "the provider redeems no code: ");
    token_told(&line, coming->response.error);
    if (coming->response.description.size > 0) {
        buf_add_text(&line, ": ");
        token_told(&line, coming->response.description);
    }
    result = browser_failed(op, coming, line.failed ? "the provider redeems no code" : line.data);
    buf_free(&line);
    return result;
}

static enum paa_result on_tokens(struct paa_op *op, enum paa_status status,
                                 const struct paa_http_response *response, void *context)
{
    struct coming *coming = (struct coming *)context;
    struct token_memory *memory;

    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "token-endpoint", STR_NONE);
    if (response->retry_after_s > 0 && response->code != 200)
        op->host->outcome->retry_after(op, (int64_t)response->retry_after_s * 1000);
    /* what it shows must outlive the response */
    memory = (struct token_memory *)op->host->alloc(op, sizeof *memory + 2 * response->body.size);
    if (memory == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "token-response",
                        "no memory is left for the token endpoint's response");
    memcpy(memory->spare + response->body.size, response->body.data, response->body.size);
    switch (
        token_response_read(response->code, response_field(response, "Content-Type"),
                            paa_bytes_of(memory->spare + response->body.size, response->body.size),
                            memory, &coming->response)) {
    case TOKEN_GIVEN:
        return browser_finish(op, coming);
    case TOKEN_REFUSED:
        return refused(op, coming);
    case TOKEN_TROUBLE:
        return paa_fail(op, PAA_UNAVAILABLE, "token-endpoint",
                        "the token endpoint answers HTTP %u: later", (unsigned)response->code);
    case TOKEN_MALFORMED:
    default:
        return paa_fail(op, PAA_UNAVAILABLE, "token-response",
                        "what the token endpoint answers (HTTP %u) %s", (unsigned)response->code,
                        coming->response.why);
    }
}

static enum paa_result redeem(struct paa_op *op, struct coming *coming)
{
    struct buf *form = &coming->call.form;

    buf_init(form, OAUTH_FORM_MAX);
    form_add(form, STR("grant_type"), STR("authorization_code"));
    form_add(form, STR("code"), coming->code);
    form_add(form, STR("redirect_uri"), browser_url(op, browser_of(op)->callback));
    form_add(form, STR("code_verifier"),
             paa_str_of_n(coming->attempt.verifier, AUTHORIZATION_TEXT_SIZE));
    if (form->failed)
        return paa_fail(op, PAA_UNAVAILABLE, "login", "no memory is left for a login");
    coming->call.call.form = buf_str(form);
    coming->asked_at_s = op->host->clock->now_s(op);
    return oauth_call_send(op, &coming->call.call, on_tokens, coming);
}

/* ---- once --------------------------------------------------------------------------------------- */

static enum paa_result on_used(struct paa_op *op, enum paa_status status,
                               const struct paa_record *record, void *context)
{
    struct coming *coming = (struct coming *)context;

    (void)record;
    if (status == PAA_STATUS_EXISTS)
        return browser_failed(op, coming, "a browser came back twice with the same login");
    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "login-memory", STR_NONE);
    return redeem(op, coming);
}

/* A code that is shown twice would have the provider take back what it gave for it (RFC 6749 4.1.2). */
static enum paa_result mark_used(struct paa_op *op, struct coming *coming)
{
    unsigned char key[BROWSER_DIGEST_SIZE];
    struct paa_record record;

    browser_digest("state", op->host->request->view(op)->service,
                   paa_str_of_n(coming->attempt.state, AUTHORIZATION_TEXT_SIZE), key);
    paa_init(&record, sizeof record);
    record.expires_at_s = coming->attempt.made_at_s + 2 * ATTEMPT_LIFE_S;
    record.key = paa_bytes_of(key, sizeof key);
    return op->host->store->put(op, browser_of(op)->used, &record, PAA_PUT_NEW, on_used, coming);
}

/* ---- what came back ----------------------------------------------------------------------------- */

static bool is_error_word(struct paa_str text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!(text.data[i] >= 'a' && text.data[i] <= 'z') && text.data[i] != '_')
            return false;
    return text.size > 0 && text.size <= ERROR_MAX;
}

static enum paa_result denied(struct paa_op *op, const struct coming *coming, struct paa_str error)
{
    bool is_persons = paa_str_eq(error, "access_denied");
    const struct page page = {
        .code = 403,
        .title = "You are not logged in",
        .sentence = is_persons ? "You said no, or may not use this. Nothing was changed."
                               : "The provider did not let you in.",
        .detail = is_persons || !is_error_word(error) ? STR_NONE : error,
        .target = coming->attempt.return_to,
        .button = "Log in again",
    };

    browser_attempt_over(op, coming);
    return page_answer(op, &page);
}

/* The parameters that count, each as often as it is there, up to twice. */
static size_t read_fields(struct paa_op *op, struct paa_field fields[FIELDS_MAX])
{
    static const struct paa_str names[FIELDS_MAX / 2] = {
        { "state", 5 }, { "code", 4 }, { "iss", 3 }, { "error", 5 }, { "error_description", 17 },
    };
    size_t count = 0;

    for (size_t i = 0; i < FIELDS_MAX; i++) {
        struct paa_str value = op->host->request->parameter(op, names[i / 2], i % 2);

        if (value.data != NULL)
            fields[count++] = (struct paa_field){ names[i / 2], value };
    }
    return count;
}

static enum redirect_verdict judge(struct paa_op *op, struct coming *coming,
                                   const struct oauth_metadata *metadata, struct redirect *redirect)
{
    const struct redirect_rules rules = {
        .state = paa_str_of_n(coming->attempt.state, AUTHORIZATION_TEXT_SIZE),
        .issuer = browser_of(op)->issuer->rules.issuer,
        .names_issuer = metadata->names_issuer,
    };
    struct paa_field fields[FIELDS_MAX];

    return redirect_judge(fields, read_fields(op, fields), &rules, redirect);
}

static enum paa_result go_on(struct paa_op *op, struct coming *coming,
                             const struct oauth_metadata *metadata)
{
    const struct browser *self = browser_of(op);
    struct oauth_call *call = &coming->call.call;

    call->client = &self->client;
    call->issuer = self->issuer->rules.issuer;
    call->url =
        oauth_endpoint_of(metadata, OAUTH_TOKEN, oauth_client_shows_certificate(&self->client));
    call->http_flags = PAA_HTTP_FOREIGN_URL;
    if (call->url.data == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "metadata",
                        "the provider's metadata names no token_endpoint");
    return mark_used(op, coming);
}

static enum paa_result on_metadata(struct paa_op *op, enum paa_status status,
                                   const struct paa_memo_value *value, void *context)
{
    struct coming *coming = (struct coming *)context;
    const struct oauth_metadata *metadata;
    enum redirect_verdict verdict;
    struct redirect redirect;
    char line[LINE_SIZE];

    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "metadata", STR_NONE);
    metadata = (const struct oauth_metadata *)value->object;
    verdict = judge(op, coming, metadata, &redirect);
    coming->code = redirect.code;
    if (verdict == REDIRECT_CODE)
        return go_on(op, coming, metadata);
    if (verdict == REDIRECT_ERROR)
        return denied(op, coming, redirect.error);
    (void)snprintf(line, sizeof line, "the answer to a login %s", redirect_sentence(verdict));
    return browser_failed(op, coming, line);
}

/* ---- which attempt ------------------------------------------------------------------------------ */

static enum paa_result unknown(struct paa_op *op)
{
    static const struct page page = {
        .code = 400,
        .title = "This login is not under way here",
        .sentence = "It was begun in another browser or too long ago, or this browser keeps no "
                    "cookies. Please try again.",
        .target = { "/", 1 },
        .button = "Go on",
    };

    return page_answer(op, &page);
}

static bool find_attempt(struct paa_op *op, struct paa_str state, struct coming *coming)
{
    struct paa_str prefix = browser_of(op)->names.login, text;
    char *name = (char *)op->host->alloc(op, prefix.size + ATTEMPT_SUFFIX_SIZE);
    struct paa_bytes plain = BYTES_NONE;

    if (state.size != AUTHORIZATION_TEXT_SIZE || name == NULL)
        return false;
    memcpy(name, prefix.data, prefix.size);
    memcpy(name + prefix.size, state.data, ATTEMPT_SUFFIX_SIZE);
    coming->cookie = paa_str_of_n(name, prefix.size + ATTEMPT_SUFFIX_SIZE);
    text = browser_cookie(op, coming->cookie);
    return text.data != NULL &&
           browser_unseal(op, coming->cookie, 1, text, &plain) == PAA_STATUS_OK &&
           attempt_read(plain, &coming->attempt) &&
           secret_eq(paa_bytes_of(coming->attempt.state, AUTHORIZATION_TEXT_SIZE),
                     paa_bytes_of(state.data, state.size));
}

enum paa_result browser_callback(struct paa_op *op)
{
    struct paa_str issuer = browser_of(op)->issuer->rules.issuer;
    struct paa_str state = op->host->request->parameter(op, STR("state"), 0);
    struct coming *coming = (struct coming *)op->host->alloc(op, sizeof *coming);
    struct paa_memo_query query;

    /* RFC 6749 3.1; the others are looked at with all else */
    if (op->host->request->parameter(op, STR("state"), 1).data != NULL)
        return paa_fail(op, PAA_REJECT, PAA_REASON_INVALID_REQUEST,
                        "the answer to a login names two states");
    if (coming == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "login", "no memory is left for a login");
    if (!find_attempt(op, state, coming))
        return unknown(op);
    if (attempt_is_over(&coming->attempt, op->host->clock->now_s(op)))
        return browser_failed(op, coming, "a browser came back too late from a login");
    incoming_state_of(op)->call = &coming->call;
    paa_init(&query, sizeof query);
    query.key = paa_bytes_of(issuer.data, issuer.size);
    return op->host->memo->get(op, incoming_of(op)->bearer.metadata, &query, on_metadata, coming);
}
