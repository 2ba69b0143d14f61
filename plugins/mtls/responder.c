/* SPDX-License-Identifier: MIT */
/*
 * Asking OCSP responders, by a memo: the response serves until its nextUpdate, and is renewed when half of that is over. What
 * it means is ocsp.h's.
 */
#include "mtls.h"

#include "ocsp.h"
#include "str.h"
#include "units.h"

#include <stdlib.h>

enum {
    RESPONDER_TIMEOUT_MS = 10 * 1000,
    RESPONSES_BYTES_MAX = 4 * 1024 * 1024,
    RESPONSE_FRESH_MAX_S = 3600
};

/* ---- the producer -------------------------------------------------------------------------------- */

struct run { /* state of a producer; views of what it was asked */
    struct ocsp_parts parts;
    struct paa_bytes previous;
};

/* Anybody on the way may send what was said before. */
static bool is_older(const struct ocsp_said *said, struct paa_bytes previous)
{
    struct ocsp_said before;

    if (previous.size != sizeof before)
        return false;
    memcpy(&before, previous.data, sizeof before);
    return said->this_s < before.this_s;
}

static void publish(struct paa_op *op, const struct ocsp_said *said, int64_t now_s)
{
    int64_t fresh_s = (said->until_s - now_s) / 2;
    struct paa_memo_product product;

    paa_init(&product, sizeof product);
    product.fresh_until_s =
        time_add(now_s, fresh_s < RESPONSE_FRESH_MAX_S ? fresh_s : RESPONSE_FRESH_MAX_S);
    product.usable_until_s = said->until_s;
    product.bytes = paa_bytes_of(said, sizeof *said);
    op->host->memo->product(op, &product);
}

static enum paa_result on_response(struct paa_op *op, enum paa_status status,
                                   const struct paa_http_response *response, void *context)
{
    const struct run *run = (const struct run *)context;
    int64_t now_s = op->host->clock->now_s(op);
    struct ocsp_said said;
    const char *why;

    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "revocation", STR_NONE);
    if (response->retry_after_s > 0)
        op->host->outcome->retry_after(op, (int64_t)response->retry_after_s * 1000);
    if (response->code != 200)
        return paa_fail(op, PAA_UNAVAILABLE, "revocation",
                        "the OCSP responder answered with %u, not 200", (unsigned)response->code);
    why = ocsp_response_read(response->body, &run->parts, now_s, &said);
    if (why == NULL && is_older(&said, run->previous))
        why = "is older than what it said before";
    if (why != NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "revocation", "what the OCSP responder sent %s", why);
    publish(op, &said, now_s);
    return PAA_DONE;
}

/* The body lives until fetch has returned, which copies it. */
static enum paa_result fetch(struct paa_op *op, struct run *run, struct paa_bytes body)
{
    static const struct paa_field type = { { "Content-Type", 12 },
                                           { "application/ocsp-request", 24 } };
    struct paa_http_request request;

    paa_init(&request, sizeof request);
    request.flags = PAA_HTTP_SIGNED_CONTENT;
    if (judging_of(op)->rules.ocsp_url.data == NULL)
        request.flags |= (uint32_t)PAA_HTTP_FOREIGN_URL; /* the certificate's word */
    request.method = STR("POST");
    request.url = run->parts.url;
    request.headers = &type;
    request.header_count = 1;
    request.body = body;
    request.response_limit = OCSP_RESPONSE_MAX;
    request.timeout_ms = RESPONDER_TIMEOUT_MS;
    return op->host->http->fetch(op, &request, on_response, run);
}

static enum paa_result produce(struct paa_op *op, const struct paa_memo_run *asked)
{
    struct run *run = (struct run *)op->state;
    unsigned char *body;
    enum paa_result result;
    int size;

    run->previous = asked->previous;
    if (!ocsp_question_read(asked->input, &run->parts))
        return paa_fail(op, PAA_FAULT, "revocation", "no question for an OCSP responder");
    if (run->parts.url.data == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "revocation",
                        "the certificate names no OCSP responder, and the policy gives no "
                        "ocsp_url");
    size = ocsp_request(&run->parts, &body);
    if (size <= 0)
        return paa_fail(op, PAA_FAULT, "libcrypto", "libcrypto could not write an OCSP request");
    result = fetch(op, run, paa_bytes_of(body, (size_t)size));
    OPENSSL_free(body);
    return result;
}

enum paa_status responder_create(struct paa_op *op, struct judging *judging)
{
    struct paa_memo_def def;

    if (!judging->rules.asks_responder)
        return PAA_STATUS_OK;
    paa_init(&def, sizeof def);
    def.name = "ocsp";
    def.produce = produce;
    def.state_size = sizeof(struct run);
    def.max_bytes = RESPONSES_BYTES_MAX;
    def.format = 1;
    return op->host->memo->open(op, &def, &judging->responses);
}

/* ---- asking -------------------------------------------------------------------------------------- */

static enum paa_result on_said(struct paa_op *op, enum paa_status status,
                               const struct paa_memo_value *value, void *context)
{
    struct state *state = (struct state *)context;
    bool is_soft = judging_of(op)->rules.revocation == REVOCATION_SOFT;
    struct ocsp_said said;

    if (status != PAA_STATUS_OK || value->bytes.size != sizeof said)
        return is_soft ? settle_grant(op, state)
                       : op->host->fail(op, PAA_UNAVAILABLE, "revocation", STR_NONE);
    memcpy(&said, value->bytes.data, sizeof said);
    return said.answer == OCSP_IS_GOOD
               ? settle_grant(op, state)
               : settle_refuse(op, state, "revoked", "is revoked, as its OCSP responder says");
}

enum paa_result responder_ask(struct paa_op *op, struct state *state)
{
    const struct verdict *verdict = state->made != NULL ? state->made : state->known;
    struct paa_memo_query query;
    struct ocsp_parts parts;

    if (!ocsp_question_read(verdict->question, &parts))
        return paa_fail(op, PAA_FAULT, "revocation", "no question for an OCSP responder");
    paa_init(&query, sizeof query);
    query.key = parts.id;
    query.input = verdict->question;
    return op->host->memo->get(op, judging_of(op)->responses, &query, on_said, state);
}
