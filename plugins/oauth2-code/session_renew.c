/* SPDX-License-Identifier: MIT */
/*
 * The access token behind a session, renewed with its refresh token (RFC 6749 6). A refresh token is redeemed once,
 * however many requests and processes show cookies with it: what came of it stays in the memo as long as a session
 * lasts, and whoever shows an old cookie later is led on from there. Of a provider that gives the same one again (or
 * none), it is redeemed once for each access token.
 */
#include "browser.h"

#include "fields.h"
#include "lifetime.h"
#include "oauth_metadata.h"
#include "packed.h"
#include "secret.h"
#include "str.h"
#include "token_response.h"
#include "units.h"

#include <openssl/sha.h>

enum {
    REFUSED_S = 600,          /* how long a refusal is remembered */
    DEFAULT_LIFETIME_S = 300, /* of an access token whose server does not say */
    RENEWED_MAX = 3 * TOKEN_TEXT_MAX
};

struct run { /* state of the producer */
    struct oauth_call call;
    struct buf form;
    struct paa_str token; /* the refresh token */
    int64_t asked_at_s;
};

struct renewing {
    browser_fn then;
    void *context;
    bool looks; /* at what is there, and redeems nothing */
};

/* ---- what is kept ------------------------------------------------------------------------------- */

/* No token at all: it was refused. */
static size_t write_tokens(const struct token_response *response, int64_t ends_s,
                           unsigned char *ret_bytes, size_t max)
{
    struct packer packer = { .bytes = ret_bytes, .max = max };

    pack_int(&packer, ends_s);
    pack_str(&packer, response->access_token);
    pack_str(&packer, response->refresh_token);
    pack_str(&packer, response->scope);
    return packer.failed ? 0 : packer.size;
}

/* Views of bytes. A refresh token that was not replaced goes on. */
static bool read_tokens(struct paa_bytes bytes, struct session *session)
{
    struct unpacker unpacker = { .rest = bytes };
    struct paa_str refresh_token, scope;

    session->token_ends_s = unpack_int(&unpacker);
    session->access_token = unpack_str(&unpacker);
    refresh_token = unpack_str(&unpacker);
    scope = unpack_str(&unpacker);
    if (refresh_token.data != NULL)
        session->refresh_token = refresh_token;
    if (scope.data != NULL)
        session->scope = scope;
    return unpack_end(&unpacker) && session->access_token.data != NULL;
}

/* ---- redeeming ---------------------------------------------------------------------------------- */

/* The memo is secret, so the core logs no sentence of its runs: this does. */
static enum paa_result fail(struct paa_op *op, const char *sentence)
{
    op->host->log->line(op, PAA_LEVEL_WARNING, paa_str_of(sentence));
    return paa_fail(op, PAA_UNAVAILABLE, "refresh", "%s", sentence);
}

static enum paa_result keep(struct paa_op *op, const struct token_response *response,
                            int64_t ends_s, struct paa_memo_product *product)
{
    unsigned char *bytes = (unsigned char *)op->host->alloc(op, RENEWED_MAX);
    size_t size = bytes != NULL ? write_tokens(response, ends_s, bytes, RENEWED_MAX) : 0;

    if (size == 0)
        return fail(op, "the renewed access token is too large, or no memory is left");
    product->bytes = paa_bytes_of(bytes, size);
    return op->host->memo->product(op, product) == PAA_STATUS_OK
               ? PAA_DONE
               : fail(op, "no memory is left for a renewed access token");
}

static enum paa_result refused(struct paa_op *op)
{
    static const struct token_response none;
    struct paa_memo_product product;

    paa_init(&product, sizeof product);
    product.flags = PAA_PRODUCT_NEGATIVE;
    product.usable_until_s = op->host->clock->now_s(op) + REFUSED_S;
    return keep(op, &none, 0, &product);
}

static enum paa_result take(struct paa_op *op, const struct run *run,
                            const struct token_response *response)
{
    int64_t life_s = response->expires_in_s >= 0 ? response->expires_in_s : DEFAULT_LIFETIME_S;
    int64_t ends_s = time_add(run->asked_at_s, life_s);
    struct paa_memo_product product;

    if (response->type != TOKEN_BEARER)
        return fail(op, "the provider renewed a session's access token with one that is bound to "
                        "a key: it cannot be passed on");
    paa_init(&product, sizeof product);
    if (response->refresh_token.data != NULL && !str_eq(response->refresh_token, run->token)) {
        product.usable_until_s = time_add(run->asked_at_s, browser_of(op)->times.lifetime_s);
        product.keep_until_s = product.usable_until_s;
    } else { /* the same one is redeemed again, when what it gave is over */
        product.usable_until_s = ends_s - BROWSER_RENEW_BEFORE_S;
    }
    return keep(op, response, ends_s, &product);
}

static enum paa_result on_response(struct paa_op *op, enum paa_status status,
                                   const struct paa_http_response *response, void *context)
{
    const struct run *run = (const struct run *)context;
    struct token_response read;
    struct token_memory *memory;

    if (status != PAA_STATUS_OK)
        return fail(op, "no access token was renewed: the token endpoint cannot be asked");
    memory = (struct token_memory *)op->host->alloc(op, sizeof *memory + response->body.size);
    if (memory == NULL)
        return fail(op, "no memory is left for the token endpoint's response");
    switch (token_response_read(response->code, response_field(response, "Content-Type"),
                                response->body, memory, &read)) {
    case TOKEN_GIVEN:
        return take(op, run, &read);
    case TOKEN_REFUSED:
        return paa_str_eq(read.error, "invalid_grant")
                   ? refused(op)
                   : fail(op, "the provider renews no access tokens of this client");
    case TOKEN_TROUBLE:
    case TOKEN_MALFORMED:
    default:
        return fail(op, "no access token was renewed: the token endpoint has trouble");
    }
}

static enum paa_result on_metadata(struct paa_op *op, enum paa_status status,
                                   const struct paa_memo_value *value, void *context)
{
    const struct browser *self = browser_of(op);
    struct run *run = (struct run *)context;

    if (status != PAA_STATUS_OK)
        return fail(op, "no access token was renewed: the provider's metadata is not to be had");
    run->call.client = &self->client;
    run->call.issuer = self->issuer->rules.issuer;
    run->call.url = oauth_endpoint_of((const struct oauth_metadata *)value->object, OAUTH_TOKEN,
                                      oauth_client_shows_certificate(&self->client));
    run->call.form = buf_str(&run->form);
    run->call.http_flags = PAA_HTTP_FOREIGN_URL | PAA_HTTP_ONCE;
    run->asked_at_s = op->host->clock->now_s(op);
    if (run->call.url.data == NULL || run->form.failed)
        return fail(op, "the provider's metadata names no token_endpoint");
    return oauth_call_send(op, &run->call, on_response, run);
}

/* With a previous value it was redeemed before, and is none any more: a second time would end the whole grant. */
static enum paa_result produce(struct paa_op *op, const struct paa_memo_run *asked)
{
    struct run *run = (struct run *)op->state;
    struct paa_str issuer = browser_of(op)->issuer->rules.issuer;
    struct paa_memo_query query;

    if (asked->previous.data != NULL || asked->input.size == 0)
        return refused(op);
    run->token = paa_str_of_n((const char *)asked->input.data, asked->input.size);
    buf_init(&run->form, OAUTH_FORM_MAX);
    form_add(&run->form, STR("grant_type"), STR("refresh_token"));
    form_add(&run->form, STR("refresh_token"), run->token);
    paa_init(&query, sizeof query);
    query.key = paa_bytes_of(issuer.data, issuer.size);
    return op->host->memo->get(op, incoming_of(op)->bearer.metadata, &query, on_metadata, run);
}

static void run_finish(struct paa_op *op)
{
    struct run *run = (struct run *)op->state;

    oauth_call_done(&run->call);
    buf_free(&run->form);
}

void renewals_memo(struct paa_memo_def *ret_def)
{
    paa_init(ret_def, sizeof *ret_def);
    ret_def->name = "renewals";
    ret_def->flags = PAA_MEMO_SECRET | PAA_MEMO_SHARED | PAA_MEMO_KEEP;
    ret_def->produce = produce;
    ret_def->finish = run_finish;
    ret_def->state_size = sizeof(struct run);
    ret_def->max_bytes = BROWSER_RENEWALS_BYTES;
    ret_def->format = 1;
}

/* ---- asking ------------------------------------------------------------------------------------- */

static enum paa_result go_on(struct paa_op *op, struct renewing *renewing);

static bool ends_within(struct paa_op *op, const struct session *session, int64_t seconds)
{
    return session->token_ends_s != 0 &&
           op->host->clock->now_s(op) >= session->token_ends_s - seconds;
}

static enum paa_result on_value(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_value *value, void *context)
{
    struct renewing *renewing = (struct renewing *)context;
    struct incoming_state *state = incoming_state_of(op);
    struct session *session;
    bool is_same;

    if (status != PAA_STATUS_OK && renewing->looks)
        return renewing->then(op, PAA_STATUS_OK, renewing->context);
    if (status != PAA_STATUS_OK) /* an access token that is still good goes on */
        return renewing->then(op,
                              ends_within(op, state->session, 0) ? PAA_STATUS_UNAVAILABLE
                                                                 : PAA_STATUS_OK,
                              renewing->context);
    session = (struct session *)op->host->alloc(op, sizeof *session);
    if (session == NULL)
        return renewing->then(op, PAA_STATUS_UNAVAILABLE, renewing->context);
    *session = *state->session;
    if (!read_tokens(value->bytes, session))
        return renewing->then(op, renewing->looks ? PAA_STATUS_OK : PAA_STATUS_DENIED,
                              renewing->context);
    is_same = str_eq(session->refresh_token, state->session->refresh_token);
    state->session = session;
    state->is_to_write = true;
    if (renewing->looks && is_same)
        return renewing->then(op, PAA_STATUS_OK, renewing->context);
    return go_on(op, renewing);
}

/* Of all that it is worth something with: parted by NUL, which is in none of them. False: no memory. */
static bool make_key(struct paa_op *op, struct paa_str token,
                     unsigned char ret_key[SHA256_DIGEST_LENGTH])
{
    const struct browser *self = browser_of(op);
    const struct paa_str parts[] = { self->issuer->rules.issuer, self->client.id, token };
    size_t size = parts[0].size + parts[1].size + parts[2].size + 2, at = 0;
    unsigned char *bytes = (unsigned char *)op->host->alloc(op, size); /* zeroed */

    for (size_t i = 0; bytes != NULL && i < sizeof parts / sizeof parts[0]; i++) {
        memcpy(bytes + at, parts[i].data, parts[i].size);
        at += parts[i].size + 1;
    }
    return bytes != NULL && SHA256(bytes, size, ret_key) != NULL;
}

static enum paa_result ask(struct paa_op *op, struct renewing *renewing)
{
    struct paa_str token = incoming_state_of(op)->session->refresh_token;
    unsigned char key[SHA256_DIGEST_LENGTH];
    struct paa_memo_query query;

    if (!make_key(op, token, key))
        return renewing->then(op, PAA_STATUS_UNAVAILABLE, renewing->context);
    paa_init(&query, sizeof query);
    query.flags = renewing->looks ? (uint32_t)PAA_QUERY_LOOK : 0;
    query.key = paa_bytes_of(key, sizeof key);
    query.input = paa_bytes_of(token.data, token.size);
    return op->host->memo->get(op, browser_of(op)->renewals, &query, on_value, renewing);
}

static enum paa_result go_on(struct paa_op *op, struct renewing *renewing)
{
    struct incoming_state *state = incoming_state_of(op);
    const struct session *session = state->session;
    bool is_due = renewing->looks || ends_within(op, session, BROWSER_RENEW_BEFORE_S);
    bool is_over = !renewing->looks && ends_within(op, session, 0);

    if (session->access_token.data == NULL || !is_due)
        return renewing->then(op, PAA_STATUS_OK, renewing->context);
    if (session->refresh_token.data == NULL || state->hops++ == BROWSER_HOPS_MAX)
        return renewing->then(op, is_over ? PAA_STATUS_DENIED : PAA_STATUS_OK, renewing->context);
    return ask(op, renewing);
}

static enum paa_result begin(struct paa_op *op, bool looks, browser_fn then, void *context)
{
    struct renewing *renewing = (struct renewing *)op->host->alloc(op, sizeof *renewing);

    if (renewing == NULL)
        return then(op, PAA_STATUS_UNAVAILABLE, context);
    *renewing = (struct renewing){ then, context, looks };
    return go_on(op, renewing);
}

enum paa_result session_renew(struct paa_op *op, browser_fn then, void *context)
{
    return begin(op, false, then, context);
}

enum paa_result session_newest(struct paa_op *op, browser_fn then, void *context)
{
    if (browser_of(op)->renewals == NULL)
        return then(op, PAA_STATUS_OK, context);
    return begin(op, true, then, context);
}
