/* SPDX-License-Identifier: MIT */
/* Finds the token endpoint, proves possession of the key if need be, asks, reads. */
#include "token_request.h"

#include "fields.h"
#include "lifetime.h"
#include "oauth_metadata.h"
#include "str.h"

#include <stdarg.h>

enum { SENTENCE_SIZE = 512, CODE_OK = 200, MS = 1000 };

enum paa_result token_fail(struct paa_op *op, const struct token_request *request,
                           const char *reason, const char *format, ...)
{
    char sentence[SENTENCE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (request->is_run)
        op->host->log->line(op, PAA_LEVEL_WARNING, paa_str_of(sentence));
    return op->host->fail(op, PAA_UNAVAILABLE, reason, paa_str_of(sentence));
}

struct paa_str token_origin_of(struct paa_str url)
{
    size_t path = str_find(url, '/', sizeof("https://") - 1);
    size_t query = str_find(url, '?', 0);

    return str_slice(url, 0, path < query ? path : query);
}

/* ---- nonces ----------------------------------------------------------------------------------- */

enum paa_result token_nonce_keep(struct paa_op *op, const struct token_client *client,
                                 struct paa_str origin, struct paa_str nonce, paa_memo_fn then,
                                 void *context)
{
    struct paa_memo_product product;

    paa_init(&product, sizeof product);
    product.bytes = paa_bytes_of(nonce.data, nonce.size);
    product.usable_until_s = op->host->clock->now_s(op) + DPOP_NONCE_LIFE_S;
    return op->host->memo->put(op, client->nonces, paa_bytes_of(origin.data, origin.size), &product,
                               then, context);
}

/* ---- what came -------------------------------------------------------------------------------- */

/* Into memory of the operation: the response lives no longer than the continuation. */
static bool read_response(struct paa_op *op, struct token_request *request,
                          const struct paa_http_response *response)
{
    struct paa_bytes body = response->body;
    struct token_memory *memory =
        (struct token_memory *)op->host->alloc(op, sizeof *memory + body.size);
    void *copy = op->host->alloc(op, body.size + 1);

    if (memory == NULL || copy == NULL)
        return false;
    if (body.size > 0)
        memcpy(copy, body.data, body.size);
    request->code = response->code;
    request->answer =
        token_response_read(response->code, response_field(response, "Content-Type"),
                            paa_bytes_of(copy, body.size), memory, &request->response);
    return true;
}

static enum paa_result ask(struct paa_op *op, struct token_request *request);

/* RFC 9449 8: the server wants its own nonce in the proof, and has given it. */
static bool wants_nonce(const struct token_request *request)
{
    return request->answer == TOKEN_REFUSED && request->proves != NULL &&
           !request->has_nonce_tried && request->nonce_size > 0 &&
           paa_str_eq(request->response.error, "use_dpop_nonce");
}

static enum paa_result answer(struct paa_op *op, struct token_request *request)
{
    if (wants_nonce(request)) {
        request->has_nonce_tried = true;
        return ask(op, request);
    }
    return request->then(op, request->answer, request->code, &request->response, request->context);
}

static enum paa_result on_nonce_kept(struct paa_op *op, enum paa_status status,
                                     const struct paa_memo_value *value, void *context)
{
    (void)status; /* without it the next request is told anew */
    (void)value;
    return answer(op, (struct token_request *)context);
}

/* Nothing came, or there is no memory for it; fail was called. */
static enum paa_result unheard(struct paa_op *op, struct token_request *request)
{
    request->answer = TOKEN_TROUBLE;
    request->code = 0;
    memset(&request->response, 0, sizeof request->response);
    return request->then(op, request->answer, request->code, &request->response, request->context);
}

static enum paa_result on_response(struct paa_op *op, enum paa_status status,
                                   const struct paa_http_response *response, void *context)
{
    struct token_request *request = (struct token_request *)context;
    struct paa_str nonce;

    if (status != PAA_STATUS_OK) {
        if (request->is_run)
            op->host->log->line(op, PAA_LEVEL_WARNING,
                                STR("no token was obtained: the token endpoint cannot be asked"));
        (void)op->host->fail(op, PAA_UNAVAILABLE, "token-endpoint", STR_NONE);
        return unheard(op, request);
    }
    if (response->retry_after_s > 0 && response->code != CODE_OK)
        (void)op->host->outcome->retry_after(op, (int64_t)response->retry_after_s * MS);
    if (!read_response(op, request, response)) {
        (void)token_fail(op, request, "token-response",
                         "no memory is left for the token endpoint's response");
        return unheard(op, request);
    }
    nonce = response_field(response, "DPoP-Nonce");
    if (request->proves == NULL || !dpop_nonce_valid(nonce) ||
        str_eq(nonce, paa_str_of_n(request->nonce, request->nonce_size)))
        return answer(op, request);
    memcpy(request->nonce, nonce.data, nonce.size);
    request->nonce_size = nonce.size;
    return token_nonce_keep(op, request->client, token_origin_of(request->call.url),
                            paa_str_of_n(request->nonce, request->nonce_size), on_nonce_kept,
                            request);
}

/* ---- asking ----------------------------------------------------------------------------------- */

/* What kept it from being sent is told as if nothing came. */
static enum paa_result send(struct paa_op *op, struct token_request *request)
{
    enum paa_result result = oauth_call_send(op, &request->call, on_response, request);

    return result == PAA_PENDING ? result : unheard(op, request);
}

static enum paa_result on_proof(struct paa_op *op, enum paa_status status, struct paa_str proof,
                                void *context)
{
    struct token_request *request = (struct token_request *)context;

    if (status != PAA_STATUS_OK) {
        (void)op->host->fail(op, PAA_UNAVAILABLE, "dpop-proof", STR_NONE);
        return unheard(op, request);
    }
    request->call.header = (struct paa_field){ STR("DPoP"), proof };
    return send(op, request);
}

static enum paa_result ask(struct paa_op *op, struct token_request *request)
{
    struct paa_str origin = token_origin_of(request->call.url);
    struct dpop_proof proof = { .method = STR("POST"), .origin = origin };
    enum paa_result result;

    request->asked_at_s = op->host->clock->now_s(op);
    if (request->proves == NULL)
        return send(op, request);
    proof.target = str_slice(request->call.url, origin.size, request->call.url.size);
    if (request->nonce_size > 0)
        proof.nonce = paa_str_of_n(request->nonce, request->nonce_size);
    result = dpop_sign(op, request->proves, &proof, on_proof, request);
    return result == PAA_PENDING ? result : unheard(op, request);
}

enum paa_result token_request_send(struct paa_op *op, struct token_request *request,
                                   token_answer_fn then, void *context)
{
    request->then = then;
    request->context = context;
    request->has_nonce_tried = false;
    request->call.form = request->form;
    return ask(op, request);
}

/* ---- preparing -------------------------------------------------------------------------------- */

static enum paa_result ready(struct paa_op *op, struct token_request *request,
                             enum paa_result result)
{
    return request->ready(op, result, request->context);
}

static enum paa_result unready(struct paa_op *op, struct token_request *request, const char *reason,
                               const char *sentence)
{
    struct paa_str why = sentence != NULL ? paa_str_of(sentence) : STR_NONE;

    return ready(op, request, op->host->fail(op, PAA_UNAVAILABLE, reason, why));
}

static enum paa_result on_nonce(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_value *value, void *context)
{
    struct token_request *request = (struct token_request *)context;

    if (status == PAA_STATUS_OK && value->bytes.size <= sizeof request->nonce) {
        memcpy(request->nonce, value->bytes.data, value->bytes.size);
        request->nonce_size = value->bytes.size;
    }
    return ready(op, request, PAA_DONE);
}

/* With the endpoint known. */
static enum paa_result find_nonce(struct paa_op *op, struct token_request *request)
{
    struct paa_str origin = token_origin_of(request->call.url);
    struct paa_memo_query query;

    if (request->proves == NULL)
        return ready(op, request, PAA_DONE);
    paa_init(&query, sizeof query);
    query.key = paa_bytes_of(origin.data, origin.size);
    return op->host->memo->get(op, request->client->nonces, &query, on_nonce, request);
}

static enum paa_result on_metadata(struct paa_op *op, enum paa_status status,
                                   const struct paa_memo_value *value, void *context)
{
    struct token_request *request = (struct token_request *)context;
    struct oauth_call *call = &request->call;
    bool shows;

    if (status != PAA_STATUS_OK)
        return unready(op, request, "metadata", NULL);
    request->metadata = (const struct oauth_metadata *)value->object;
    shows = call->client_key != NULL || oauth_client_shows_certificate(call->client);
    if (call->url.data == NULL) {
        call->url = oauth_endpoint_of(request->metadata, OAUTH_TOKEN, shows);
        call->token_endpoint = oauth_endpoint_of(request->metadata, OAUTH_TOKEN, false);
        call->http_flags = PAA_HTTP_FOREIGN_URL;
    }
    if (call->url.data == NULL)
        return unready(op, request, "metadata",
                       "the issuer's metadata names no token_endpoint: give that option");
    return find_nonce(op, request);
}

static enum paa_result find_endpoint(struct paa_op *op, struct token_request *request)
{
    struct paa_str issuer = request->client->issuer;
    struct paa_memo_query query;

    request->call.url = request->client->token_endpoint;
    if (request->call.url.data != NULL && !request->wants_metadata)
        return find_nonce(op, request);
    paa_init(&query, sizeof query);
    query.key = paa_bytes_of(issuer.data, issuer.size);
    return op->host->memo->get(op, request->client->metadata, &query, on_metadata, request);
}

static enum paa_result on_key(struct paa_op *op, enum paa_status status,
                              const struct paa_memo_value *value, void *context)
{
    struct token_request *request = (struct token_request *)context;
    struct paa_bytes key = request->key;

    if (status != PAA_STATUS_OK)
        return unready(op, request, "dpop-key", NULL);
    request->proves = (const struct dpop_key *)value->object;
    if (key.size < DPOP_TEXT_SIZE || memcmp(key.data + key.size - DPOP_TEXT_SIZE,
                                            request->proves->thumbprint, DPOP_TEXT_SIZE) != 0)
        return unready(op, request, "dpop-key",
                       "the DPoP key was exchanged meanwhile: the next request gets a token");
    return find_endpoint(op, request);
}

enum paa_result token_request_prepare(struct paa_op *op, struct token_request *request,
                                      token_ready_fn then, void *context)
{
    const struct token_client *client = request->client;
    struct paa_memo_query query;

    request->ready = then;
    request->context = context;
    request->call.client = &client->client;
    request->call.issuer = client->issuer;
    request->call.timeout_ms = client->timeout_ms;
    if (client->is_certificate_bound)
        request->call.client_key = client->client.key;
    if (client->keys == NULL)
        return find_endpoint(op, request);
    paa_init(&query, sizeof query);
    return op->host->memo->get(op, client->keys, &query, on_key, request);
}

void token_request_done(struct token_request *request)
{
    oauth_call_done(&request->call);
}
