/* SPDX-License-Identifier: MIT */
/*
 * Where a token stands, and the way of one that was seen before: one look-up, one question about its keys, and its
 * claims are judged again. What else there is to do is in the files that bearer.h names.
 */
#include "bearer_inner.h"
#include "hint.h"

#include "fields.h"

#define AUTHORIZATION "Authorization"

static enum paa_result malformed(struct paa_op *op, const char *sentence)
{
    return paa_fail(op, PAA_REJECT, PAA_REASON_INVALID_REQUEST, "%s", sentence);
}

enum paa_result bearer_reject(struct paa_op *op, const struct jwt_finding *found)
{
    char sentence[JWT_SENTENCE_SIZE];

    jwt_sentence(found, sentence);
    return op->host->fail(op, PAA_REJECT, jwt_reason(found->verdict), paa_str_of(sentence));
}

/* ---- a token whose words are trusted ------------------------------------------------------------ */

enum paa_result bearer_judge(struct paa_op *op, struct bearer_state *state)
{
    const struct bearer *self = bearer_of(op);
    const struct bearer_claims *claims = state->claims;
    const struct jwt_rules *rules = &state->issuer->rules;
    struct jwt_rules introspected;
    struct jwt_finding found;

    if (UNLIKELY(state->is_introspected)) {
        introspected = *rules;
        introspected.profile = JWT_INTROSPECTED;
        rules = &introspected;
    }
    found = jwt_judge(&claims->jwt, rules, op->host->clock->now_s(op));
    if (found.verdict != JWT_GOOD)
        return bearer_reject(op, &found);
    if (UNLIKELY(self->kind == BEARER_USER) && claims->kind != PAA_PRINCIPAL_USER)
        return paa_fail(op, PAA_REJECT, "kind",
                        "the policy wants a person's token, and this one is not known to be that");
    if (UNLIKELY(self->kind == BEARER_MACHINE) && claims->kind != PAA_PRINCIPAL_MACHINE)
        return paa_fail(op, PAA_REJECT, "kind",
                        "the policy wants a machine's token, and this one is not known to be that");
    return bearer_bound(op, state);
}

/* ---- keys and memory ---------------------------------------------------------------------------- */

/* Good under these keys, and not only under others? The version says so. */
static enum paa_result on_keys(struct paa_op *op, enum paa_status status,
                               const struct paa_memo_value *value, void *context)
{
    struct bearer_state *state = (struct bearer_state *)context;

    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "keys", STR_NONE);
    state->keys = (const struct bearer_keys *)value->object;
    if (state->seen != NULL && state->keys_version == value->version)
        return bearer_judge(op, state);
    state->keys_version = value->version;
    if (state->seen == NULL)
        return bearer_check(op, state);
    state->seen = NULL;
    return bearer_read(op, state);
}

static struct paa_memo *memo_of_keys(const struct bearer *self, const struct bearer_issuer *issuer,
                                     struct paa_bytes *ret_key)
{
    if (issuer->own != NULL) {
        *ret_key = BYTES_NONE;
        return issuer->own;
    }
    *ret_key = paa_bytes_of(issuer->rules.issuer.data, issuer->rules.issuer.size);
    return self->keys;
}

enum paa_result bearer_ask_keys(struct paa_op *op, struct bearer_state *state)
{
    struct paa_memo_query query;
    struct paa_memo *memo;

    paa_init(&query, sizeof query);
    memo = memo_of_keys(bearer_of(op), state->issuer, &query.key);
    return op->host->memo->get(op, memo, &query, on_keys, state);
}

/* Are the keys it was good under still the issuer's, for certain? */
static bool has_same_keys(struct paa_op *op, const struct bearer_state *state)
{
    struct paa_bytes key;
    struct paa_memo *memo = memo_of_keys(bearer_of(op), state->issuer, &key);

    return op->host->memo->check(op, memo, key, state->keys_version) == PAA_STATUS_OK;
}

/* What is remembered was looked at like that before. */
static enum paa_result unseen(struct paa_op *op, struct bearer_state *state)
{
    if (!is_token68(state->token)) /* b64token of RFC 6750 2.1 */
        return malformed(op, "the token is empty, or holds what no token may hold");
    return bearer_of(op)->token == BEARER_INTROSPECTION ? bearer_introspect(op, state)
                                                        : bearer_read(op, state);
}

static enum paa_result on_seen(struct paa_op *op, enum paa_status status,
                               const struct paa_memo_value *value, void *context)
{
    struct bearer_state *state = (struct bearer_state *)context;
    const struct bearer_seen *seen;

    if (UNLIKELY(status != PAA_STATUS_OK))
        return unseen(op, state);
    seen = (const struct bearer_seen *)value->object;
    state->issuer = seen->issuer;
    state->claims = &seen->claims;
    state->seen = &seen->claims;
    state->keys_version = seen->keys_version;
    return LIKELY(has_same_keys(op, state)) ? bearer_judge(op, state) : bearer_ask_keys(op, state);
}

/* ---- where it stands ---------------------------------------------------------------------------- */

/* The one credential of our kind; absent: there is none, by its form. */
static struct paa_str find_token(const struct bearer *self, struct paa_str field, bool *ret_is_dpop)
{
    struct paa_str token = STR_NONE;

    *ret_is_dpop = false;
    if (self->dpop != BEARER_DPOP_OFF)
        token = credentials_of(field, STR("DPoP"));
    if (token.data != NULL)
        *ret_is_dpop = true;
    else
        token = credentials_of(field, STR("Bearer"));
    return token;
}

/* RFC 6750 2: one way only. A body is not looked into: it is the application's. */
static bool has_second(struct paa_op *op)
{
    return op->host->request->parameter(op, STR("access_token"), 0).data != NULL;
}

enum paa_result bearer_verify(struct paa_op *op)
{
    const struct bearer *self = bearer_of(op);
    struct bearer_state *state = bearer_state_of(op);
    struct paa_memo_query query;

    state->token = find_token(self, paa_header(op, AUTHORIZATION), &state->is_dpop);
    if (state->token.data == NULL)
        return PAA_ABSENT;
    if (has_second(op))
        return malformed(op,
                         "there is a second token, in the query; keep the one in Authorization");
    if (state->token.size > JWT_TEXT_MAX)
        return bearer_reject(op, &(struct jwt_finding){ JWT_TOO_LARGE, "token", JSON_READ });
    paa_init(&query, sizeof query);
    query.flags = PAA_QUERY_LOOK;
    query.key = paa_bytes_of(state->token.data, state->token.size);
    return op->host->memo->get(op, self->seen, &query, on_seen, state);
}
