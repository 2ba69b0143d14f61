/* SPDX-License-Identifier: MIT */
/* The producer of tokens: asks, and remembers what it was told, be it a token or a refusal. */
#include "token.h"

#include "str.h"
#include "token_request.h"

static struct token_run { /* op->state */
    struct token_request request;
    uint32_t flags; /* PAA_RUN_… */
} * run_of(struct paa_op *op)
{
    return (struct token_run *)op->state;
}

/* ---- what came -------------------------------------------------------------------------------- */

static enum paa_result take(struct paa_op *op, const struct token_run *run,
                            const struct token_response *response)
{
    struct token_value value = { .state = TOKEN_AT_HAND };
    struct paa_memo_product product;
    enum paa_result result;
    struct buf buf;

    buf_init(&buf, TOKEN_VALUE_MAX);
    result = token_take(op, &run->request, response, &value, &product, &buf);
    if (result == PAA_DONE)
        result = token_product(op, &run->request, &product);
    buf_free(&buf);
    return result;
}

/* A token at hand is not thrown away for it: whether it still works is the peer's to say. */
static enum paa_result refuse(struct paa_op *op, const struct token_run *run,
                              const struct token_response *response)
{
    struct token_value value = { .state = TOKEN_WAS_REFUSED,
                                 .asked_at_s = run->request.asked_at_s,
                                 .client_version =
                                     oauth_client_version(op, &run->request.client->client),
                                 .credentials = response->error };
    struct paa_memo_product product;
    enum paa_result result;
    struct buf buf;

    token_log_refusal(op, response);
    if ((run->flags & PAA_RUN_BACKGROUND) != 0)
        return paa_fail(op, PAA_UNAVAILABLE, "refused",
                        "the authorization server gives no new token: %.*s",
                        STR_ARGS(response->error));
    value.expires_at_s = value.asked_at_s + TOKEN_REFUSED_S;
    buf_init(&buf, TOKEN_VALUE_MAX);
    token_value_write(&buf, &value);
    paa_init(&product, sizeof product);
    product.flags = PAA_PRODUCT_NEGATIVE;
    product.usable_until_s = value.expires_at_s;
    product.bytes = paa_bytes_of(buf.data, buf.size);
    result = buf.failed ? paa_fail(op, PAA_UNAVAILABLE, "refused", "no memory is left")
                        : token_product(op, &run->request, &product);
    buf_free(&buf);
    return result;
}

static enum paa_result on_answer(struct paa_op *op, enum token_answer answer, uint32_t code,
                                 const struct token_response *response, void *context)
{
    const struct token_run *run = (const struct token_run *)context;

    if (answer == TOKEN_GIVEN)
        return take(op, run, response);
    if (answer == TOKEN_REFUSED)
        return refuse(op, run, response);
    return token_trouble(op, &run->request, answer, code, response);
}

/* ---- the run ---------------------------------------------------------------------------------- */

static enum paa_result on_ready(struct paa_op *op, enum paa_result result, void *context)
{
    struct token_run *run = (struct token_run *)context;

    return result == PAA_DONE ? token_request_send(op, &run->request, on_answer, run) : result;
}

static enum paa_result produce(struct paa_op *op, const struct paa_memo_run *asked) PAA_NOEXCEPT
{
    struct token_run *run = run_of(op);

    run->flags = asked->flags;
    run->request.client = token_client_of(op);
    run->request.key = asked->key;
    run->request.form = buf_str(&run->request.client->form);
    run->request.is_run = true;
    return token_request_prepare(op, &run->request, on_ready, run);
}

static void finish(struct paa_op *op) PAA_NOEXCEPT
{
    token_request_done(&run_of(op)->request);
}

static void define_memo(struct paa_memo_def *ret_def, const struct token_client *client)
{
    paa_init(ret_def, sizeof *ret_def);
    ret_def->flags = PAA_MEMO_SECRET | PAA_MEMO_SHARED | PAA_MEMO_KEEP;
    ret_def->name = "tokens";
    ret_def->produce = produce;
    ret_def->finish = finish;
    ret_def->state_size = sizeof(struct token_run);
    ret_def->format = TOKEN_VALUE_FORMAT;
    ret_def->timeout_ms = client->timeout_ms * TOKEN_REQUEST_FETCHES;
    ret_def->cooldown_ms = TOKEN_COOLDOWN_MS;
}

static enum paa_result none(struct paa_op *op, const struct token_client *client,
                            enum paa_status status, const struct paa_memo_query *query)
{
    (void)client;
    (void)query;
    if (status == PAA_STATUS_DENIED)
        return op->host->fail(op, PAA_REJECT, "token-refused", STR_NONE);
    return op->host->fail(op, PAA_UNAVAILABLE, "no-token", STR_NONE);
}

const struct token_grant token_grant = {
    .type = "client_credentials",
    .memo = define_memo,
    .none = none,
};
