/* SPDX-License-Identifier: MIT */
/*
 * Opaque tokens: the issuer is asked what they are (RFC 7662), and what it said is believed for a while, never past the
 * token's end. Who is told that a token is worth nothing is remembered apart, for a moment, in a place that strangers
 * can fill without pushing out anything else.
 */
#include "bearer_inner.h"

#include "fields.h"
#include "lifetime.h"
#include "oauth_metadata.h"
#include "units.h"

#include <stdlib.h>

enum {
    INACTIVE_S = 10, /* how long "not active" is believed */
    VERDICTS_BYTES = 8 * 1024 * 1024,
    RESPONSE_TEXT_MAX = 64 * 1024
};

/* ---- from bytes to a verdict -------------------------------------------------------------------- */

static void verdict_release(void *object, const void *self)
{
    (void)self;
    free(object);
}

/* RFC 9449 6.2: "token_type" alone may say that the token is bound to a key; which one is then not known. */
static void read_token_type(struct jwt *jwt)
{
    struct paa_str type = json_member_str(&jwt->payload, 0, STR("token_type"));

    if (str_eq_nocase(type, STR("DPoP")) && jwt->texts[JWT_T_JKT].data == NULL)
        jwt->flags |= JWT_HAS_CNF | JWT_HAS_OTHER_CNF;
}

/* RFC 7662 2.2: `active` must be there, and a boolean. Of a token that is not active nothing else counts. */
static bool read_verdict(struct paa_str text, struct jwt_scratch *scratch,
                         struct bearer_verdict *verdict, struct jwt_finding *ret_found)
{
    struct bearer_claims *claims = &verdict->claims;
    const struct json_tree *tree = &claims->jwt.payload;
    uint32_t active;

    *ret_found = jwt_read_claims(text, verdict->text + text.size, scratch, &claims->jwt);
    if (ret_found->verdict != JWT_GOOD && ret_found->verdict != JWT_TYPE)
        return false;
    active = json_member(tree, 0, STR("active"));
    if (active != JSON_NONE && json_type_of(tree, active) == JSON_NODE_FALSE)
        return true;
    if (active == JSON_NONE || json_type_of(tree, active) != JSON_NODE_TRUE)
        *ret_found = (struct jwt_finding){ JWT_TYPE, "active", JSON_READ };
    if (ret_found->verdict != JWT_GOOD)
        return false;
    read_token_type(&claims->jwt);
    verdict->is_active = true;
    claims->json = text;
    claims->kind = bearer_kind_of(&claims->jwt);
    return true;
}

struct bearer_verdict *bearer_verdict_read(struct paa_bytes bytes, size_t *ret_weight,
                                           struct jwt_finding *ret_found)
{
    size_t size = sizeof(struct bearer_verdict) + 3 * bytes.size;
    struct bearer_verdict *verdict = (struct bearer_verdict *)calloc(1, size);
    struct jwt_scratch *scratch = (struct jwt_scratch *)malloc(sizeof *scratch);

    *ret_found = (struct jwt_finding){ JWT_TOO_LARGE, "token", JSON_READ };
    if (verdict == NULL || scratch == NULL || bytes.size == 0 || bytes.size > RESPONSE_TEXT_MAX)
        goto done;
    memcpy(verdict->text, bytes.data, bytes.size);
    if (!read_verdict(paa_str_of_n(verdict->text, bytes.size), scratch, verdict, ret_found))
        goto done;
    memset(&verdict->claims.jwt.payload, 0, sizeof verdict->claims.jwt.payload);
    free(scratch);
    *ret_weight = size;
    return verdict;
done:
    free(scratch);
    free(verdict);
    return NULL;
}

static enum paa_status decode(struct paa_op *op, const struct paa_bytes *parts, size_t part_count,
                              void **ret_object, size_t *ret_weight)
{
    struct jwt_finding found;
    struct bearer_verdict *verdict;
    char sentence[JWT_SENTENCE_SIZE];

    if (part_count != 1)
        return PAA_STATUS_INVALID;
    verdict = bearer_verdict_read(parts[0], ret_weight, &found);
    if (verdict == NULL) {
        jwt_sentence(&found, sentence);
        (void)paa_fail(op, PAA_UNAVAILABLE, "introspection",
                       "the issuer's introspection response cannot be read: %s", sentence);
        return PAA_STATUS_UNAVAILABLE;
    }
    *ret_object = verdict;
    return PAA_STATUS_OK;
}

/* ---- asking ------------------------------------------------------------------------------------- */

struct run { /* state of a producer */
    struct oauth_call call;
    struct buf form;
};

static void run_finish(struct paa_op *op)
{
    struct run *run = (struct run *)op->state;

    oauth_call_done(&run->call);
    buf_free(&run->form);
}

/* What the bytes say is read twice: here for how long they may be believed, then by the memo's decoder. */
static enum paa_result publish(struct paa_op *op, struct paa_bytes body)
{
    int64_t now_s = op->host->clock->now_s(op);
    struct paa_memo_product product;
    struct jwt_finding found;
    size_t weight;
    struct bearer_verdict *verdict = bearer_verdict_read(body, &weight, &found);
    char sentence[JWT_SENTENCE_SIZE];

    if (verdict == NULL) {
        jwt_sentence(&found, sentence);
        return paa_fail(op, PAA_UNAVAILABLE, "introspection",
                        "the issuer's introspection response cannot be read: %s", sentence);
    }
    paa_init(&product, sizeof product);
    product.bytes = body;
    product.usable_until_s = time_add(now_s, bearer_of(op)->introspection_lifetime_s);
    if ((verdict->claims.jwt.times & 1u << JWT_EXP) != 0 &&
        verdict->claims.jwt.times_s[JWT_EXP] < product.usable_until_s)
        product.usable_until_s = verdict->claims.jwt.times_s[JWT_EXP];
    if (!verdict->is_active) {
        product.flags = PAA_PRODUCT_NEGATIVE;
        product.usable_until_s = time_add(now_s, INACTIVE_S);
    }
    free(verdict);
    op->host->memo->product(op, &product);
    return PAA_DONE;
}

static enum paa_result on_response(struct paa_op *op, enum paa_status status,
                                   const struct paa_http_response *response, void *context)
{
    (void)context;
    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "introspection", STR_NONE);
    if (response->retry_after_s > 0)
        op->host->outcome->retry_after(op, (int64_t)response->retry_after_s * 1000);
    if (response->code == 400 || response->code == 401 || response->code == 403)
        return paa_fail(op, PAA_UNAVAILABLE, "introspection",
                        "the issuer answered %u to the introspection: may client_id introspect, "
                        "and is client_auth what it expects?",
                        (unsigned)response->code);
    if (response->code != 200)
        return paa_fail(op, PAA_UNAVAILABLE, "introspection",
                        "the issuer answered %u to the introspection, not 200",
                        (unsigned)response->code);
    if (!response_is_json(response))
        return paa_fail(op, PAA_UNAVAILABLE, "introspection",
                        "the introspection response is not application/json");
    return publish(op, response->body);
}

static enum paa_result send(struct paa_op *op, struct run *run, struct paa_str url, uint32_t flags)
{
    const struct bearer *self = bearer_of(op);

    run->call.client = &self->client;
    run->call.url = url;
    run->call.issuer = self->issuers[0].rules.issuer;
    run->call.tls = self->issuers[0].tls;
    run->call.form = buf_str(&run->form);
    run->call.http_flags = flags;
    return oauth_call_send(op, &run->call, on_response, run);
}

static enum paa_result on_metadata(struct paa_op *op, enum paa_status status,
                                   const struct paa_memo_value *value, void *context)
{
    const struct oauth_metadata *metadata;
    struct paa_str url;

    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "metadata", STR_NONE);
    metadata = (const struct oauth_metadata *)value->object;
    url = oauth_endpoint_of(metadata, OAUTH_INTROSPECTION,
                            oauth_client_shows_certificate(&bearer_of(op)->client));
    if (url.data == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "metadata",
                        "the issuer's metadata names no introspection_endpoint; give that option");
    return send(op, (struct run *)context, url, PAA_HTTP_FOREIGN_URL);
}

static enum paa_result produce(struct paa_op *op, const struct paa_memo_run *asked)
{
    const struct bearer *self = bearer_of(op);
    struct run *run = (struct run *)op->state;
    struct paa_memo_query query;

    buf_init(&run->form, OAUTH_FORM_MAX);
    form_add(&run->form, STR("token"),
             paa_str_of_n((const char *)asked->key.data, asked->key.size));
    form_add(&run->form, STR("token_type_hint"), STR("access_token"));
    if (run->form.failed)
        return paa_fail(op, PAA_UNAVAILABLE, "memory", "no memory is left to ask about a token");
    if (self->introspection_endpoint.data != NULL)
        return send(op, run, self->introspection_endpoint, 0);
    paa_init(&query, sizeof query);
    query.key =
        paa_bytes_of(self->issuers[0].rules.issuer.data, self->issuers[0].rules.issuer.size);
    return op->host->memo->get(op, self->metadata, &query, on_metadata, run);
}

void bearer_verdicts_memo(struct paa_memo_def *ret_def)
{
    paa_init(ret_def, sizeof *ret_def);
    ret_def->name = "introspected";
    ret_def->produce = produce;
    ret_def->finish = run_finish;
    ret_def->decode = decode;
    ret_def->release = verdict_release;
    ret_def->state_size = sizeof(struct run);
    ret_def->max_bytes = VERDICTS_BYTES;
    ret_def->format = 1;
}

/* ---- what it means ------------------------------------------------------------------------------ */

static enum paa_result on_verdict(struct paa_op *op, enum paa_status status,
                                  const struct paa_memo_value *value, void *context)
{
    struct bearer_state *state = (struct bearer_state *)context;
    const struct bearer_verdict *verdict;

    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "introspection", STR_NONE);
    verdict = (const struct bearer_verdict *)value->object;
    if (!verdict->is_active)
        return paa_fail(op, PAA_REJECT, "inactive",
                        "the issuer says that the token is not active: expired, revoked, or none "
                        "of its own");
    state->claims = &verdict->claims;
    return bearer_judge(op, state);
}

enum paa_result bearer_introspect(struct paa_op *op, struct bearer_state *state)
{
    const struct bearer *self = bearer_of(op);
    struct paa_memo_query query;

    state->is_introspected = true;
    state->issuer = &self->issuers[0];
    paa_init(&query, sizeof query);
    query.key = paa_bytes_of(state->token.data, state->token.size);
    return op->host->memo->get(op, self->verdicts, &query, on_verdict, state);
}
