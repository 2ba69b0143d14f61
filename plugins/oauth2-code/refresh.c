/* SPDX-License-Identifier: MIT */
/*
 * The producer of tokens: redeems the refresh token of the value before (RFC 6749 6), and never asks a person.
 *
 * A server that rotates refresh tokens takes each one once, and a second time is a theft to it (RFC 9700 4.14.2). So
 * before one is sent, a record says so, on disk; it goes when an answer leaves the token the one to use, and when none
 * came in time: then nobody but the server knows, and the next try asks it. Whoever finds a record does not know whether a
 * process that is gone has spent the token: somebody logs in again. So a process that ends in an orderly way waits for
 * the answer, from the record on (PAA_PUT_DURABLE, PAA_HTTP_ONCE). The new refresh token is saved, with its access
 * token, before anybody is given either (PAA_MEMO_SHARED).
 */
#include "oauth2-code.h"
#include "token_request.h"

#include "fields.h"
#include "str.h"

#include <openssl/sha.h>

struct refresh { /* op->state */
    struct token_request request;
    struct token_value previous; /* what is kept */
    struct paa_str account;
    uint32_t flags; /* PAA_RUN_… */
    bool is_usable; /* the access token of `previous` still serves */
    struct buf form;
    unsigned char digest[SHA256_DIGEST_LENGTH]; /* of the refresh token: the record's key */
    enum paa_result result;                     /* while the record is removed */
};

static struct refresh *refresh_of(struct paa_op *op)
{
    return (struct refresh *)op->state;
}

/* ---- nobody is logged in ------------------------------------------------------------------------ */

void code_hint(struct paa_op *op, struct paa_str account, char ret_text[HINT_SIZE])
{
    if (account.size > 0)
        (void)snprintf(ret_text, HINT_SIZE, "log in: paactl run -c FILE %.*s login account=%.*s",
                       STR_ARGS(op->instance), STR_ARGS(account));
    else
        (void)snprintf(ret_text, HINT_SIZE, "log in: paactl run -c FILE %.*s login",
                       STR_ARGS(op->instance));
}

static enum paa_result end(struct paa_op *op, const struct refresh *refresh, enum paa_result result,
                           const char *reason, const char *why)
{
    char hint[HINT_SIZE];

    code_hint(op, refresh->account, hint);
    return paa_fail(op, result, reason, "%s; %s", why, hint);
}

/* The login is over, but for the access token that is at hand: behind everybody's back that is left in place, and whoever
 * comes when it has ended hears of it. */
static enum paa_result give_up(struct paa_op *op, const struct refresh *refresh, const char *why)
{
    struct token_value value = refresh->previous;
    struct paa_memo_product product;
    enum paa_result result;
    struct buf buf;

    op->host->log->line(op, PAA_LEVEL_WARNING, paa_str_of(why));
    if (!refresh->is_usable)
        return end(op, refresh, PAA_REJECT, "login-ended", why);
    value.refresh = STR_NONE;
    buf_init(&buf, TOKEN_VALUE_MAX);
    token_value_write(&buf, &value);
    paa_init(&product, sizeof product);
    product.usable_until_s = value.expires_at_s;
    product.keep_until_s = PAA_FOREVER;
    product.bytes = paa_bytes_of(buf.data, buf.size);
    result = buf.failed ? PAA_REJECT : token_product(op, &refresh->request, &product);
    buf_free(&buf);
    return result;
}

/* ---- what came ---------------------------------------------------------------------------------- */

static enum paa_result on_removed(struct paa_op *op, enum paa_status status,
                                  const struct paa_record *record, void *context)
{
    (void)status; /* a record that stays costs one login more */
    (void)record;
    (void)op;
    return ((struct refresh *)context)->result;
}

/* The old refresh token is still the one to use. */
static enum paa_result stays(struct paa_op *op, struct refresh *refresh, enum paa_result result)
{
    refresh->result = result;
    return op->host->store->remove(op, instance_of(op)->redeemed,
                                   paa_bytes_of(refresh->digest, sizeof refresh->digest), 0,
                                   on_removed, refresh);
}

static enum paa_result keep(struct paa_op *op, const struct refresh *refresh,
                            const struct token_response *response, struct token_value *value)
{
    struct paa_memo_product product;
    enum paa_result result;
    struct buf buf;

    buf_init(&buf, TOKEN_VALUE_MAX);
    result = token_take(op, &refresh->request, response, value, &product, &buf);
    if (result == PAA_DONE) {
        product.keep_until_s = PAA_FOREVER;
        result = token_product(op, &refresh->request, &product);
    }
    buf_free(&buf);
    return result;
}

/* RFC 6749 6: a new refresh token takes the place of the old one; none, or the same: the old one stays. */
static enum paa_result take(struct paa_op *op, struct refresh *refresh,
                            const struct token_response *response)
{
    const struct token_value *previous = &refresh->previous;
    struct paa_str subject = previous->subject.size > 0 ? previous->subject : STR_NONE;
    struct token_value value = { .refresh = response->refresh_token,
                                 .scope = previous->scope,
                                 .subject = previous->subject,
                                 .name = previous->name };
    bool is_rotated =
        response->refresh_token.data != NULL && !str_eq(response->refresh_token, previous->refresh);
    const char *wrong =
        code_read_id_token(op, instance_of(op), response, STR_NONE, subject, &value);
    enum paa_result result;

    if (wrong != NULL)
        return end(op, refresh, PAA_REJECT, "id-token",
                   "the ID token that came with a renewed access token is not to be trusted");
    if (!is_rotated)
        value.refresh = previous->refresh;
    result = keep(op, refresh, response, &value);
    if (!is_rotated)
        return stays(op, refresh, result);
    if (result != PAA_DONE)
        return end(op, refresh, PAA_REJECT, "login-ended",
                   "the renewed token cannot be used, and the refresh token is spent");
    return result;
}

static enum paa_result on_answer(struct paa_op *op, enum token_answer answer, uint32_t code,
                                 const struct token_response *response, void *context)
{
    struct refresh *refresh = (struct refresh *)context;

    if (answer == TOKEN_GIVEN)
        return take(op, refresh, response);
    if (answer != TOKEN_REFUSED)
        return stays(op, refresh, token_trouble(op, &refresh->request, answer, code, response));
    token_log_refusal(op, response);
    if (paa_str_eq(response->error, "invalid_grant"))
        return give_up(op, refresh,
                       "the authorization server does not take the refresh token any more");
    return stays(op, refresh,
                 paa_fail(op, PAA_UNAVAILABLE, "token-refused",
                          "the authorization server renews no token: its error is \"%.*s\", the "
                          "log has what it said",
                          STR_ARGS(response->error)));
}

/* ---- the record --------------------------------------------------------------------------------- */

static enum paa_result on_recorded(struct paa_op *op, enum paa_status status,
                                   const struct paa_record *record, void *context)
{
    struct refresh *refresh = (struct refresh *)context;

    (void)record;
    if (status == PAA_STATUS_OK)
        return token_request_send(op, &refresh->request, on_answer, refresh);
    if (status == PAA_STATUS_EXISTS)
        return give_up(op, refresh,
                       "a process ended while it renewed the token, and the refresh token may be "
                       "spent");
    return op->host->fail(op, PAA_UNAVAILABLE, "store", STR_NONE);
}

static enum paa_result on_ready(struct paa_op *op, enum paa_result result, void *context)
{
    struct refresh *refresh = (struct refresh *)context;
    struct paa_record record;

    if (result != PAA_DONE)
        return result;
    refresh->request.call.http_flags |= PAA_HTTP_ONCE;
    paa_init(&record, sizeof record);
    record.key = paa_bytes_of(refresh->digest, sizeof refresh->digest);
    record.expires_at_s = op->host->clock->now_s(op) + REDEEMED_KEEP_S;
    return op->host->store->put(op, instance_of(op)->redeemed, &record,
                                PAA_PUT_NEW | PAA_PUT_DURABLE, on_recorded, refresh);
}

/* ---- the run ------------------------------------------------------------------------------------ */

static bool write_form(struct refresh *refresh)
{
    const struct buf *resources = &refresh->request.client->resources;

    buf_init(&refresh->form, OAUTH_FORM_MAX);
    form_add(&refresh->form, STR("grant_type"), STR("refresh_token"));
    form_add(&refresh->form, STR("refresh_token"), refresh->previous.refresh);
    if (resources->size > 0) {
        buf_add_char(&refresh->form, '&');
        buf_add_str(&refresh->form, buf_str(resources));
    }
    refresh->request.form = buf_str(&refresh->form);
    return !refresh->form.failed;
}

static enum paa_result produce(struct paa_op *op, const struct paa_memo_run *asked) PAA_NOEXCEPT
{
    struct refresh *refresh = refresh_of(op);
    struct token_value *previous = &refresh->previous;

    refresh->flags = asked->flags;
    refresh->account = token_account_of(asked->key);
    refresh->request.client = &instance_of(op)->sends;
    refresh->request.key = asked->key;
    refresh->request.is_run = true;
    if (asked->previous.data == NULL)
        return end(op, refresh, PAA_ABSENT, "no-login", "nobody is logged in");
    if (!token_value_read(asked->previous, previous))
        return end(op, refresh, PAA_REJECT, "login-ended", "what is kept is no token");
    refresh->is_usable = (asked->flags & PAA_RUN_BACKGROUND) != 0 &&
                         op->host->clock->now_s(op) < previous->expires_at_s;
    if (previous->refresh.size == 0 && refresh->is_usable)
        return paa_fail(op, PAA_UNAVAILABLE, "no-refresh", "no refresh token came at the login");
    if (previous->refresh.size == 0)
        return end(op, refresh, PAA_REJECT, "login-ended",
                   "the access token has ended, and there is no refresh token");
    (void)SHA256((const unsigned char *)previous->refresh.data, previous->refresh.size,
                 refresh->digest);
    if (!write_form(refresh))
        return paa_fail(op, PAA_UNAVAILABLE, "token", "no memory is left for the request");
    return token_request_prepare(op, &refresh->request, on_ready, refresh);
}

static void finish(struct paa_op *op) PAA_NOEXCEPT
{
    token_request_done(&refresh_of(op)->request);
    buf_free(&refresh_of(op)->form);
}

static void define_memo(struct paa_memo_def *ret_def, const struct token_client *client)
{
    paa_init(ret_def, sizeof *ret_def);
    ret_def->flags = PAA_MEMO_SECRET | PAA_MEMO_SHARED | PAA_MEMO_KEEP;
    ret_def->name = "tokens";
    ret_def->produce = produce;
    ret_def->finish = finish;
    ret_def->state_size = sizeof(struct refresh);
    ret_def->max_bytes = CODE_TOKENS_MAX;
    ret_def->format = TOKEN_VALUE_FORMAT;
    ret_def->timeout_ms = client->timeout_ms * (TOKEN_REQUEST_FETCHES + 1);
    ret_def->cooldown_ms = TOKEN_COOLDOWN_MS;
}

const struct token_grant code_grant = {
    .is_of_people = true,
    .memo = define_memo,
    .none = code_none,
};
