/* SPDX-License-Identifier: MIT */
/*
 * A JWT that was not seen before. Everything that costs nothing is judged first: its form, its issuer, its algorithm,
 * its claims. Only then keys are asked for, and only a key that fits is computed with. Knows not where keys come from.
 */
#include "bearer_inner.h"

#include "secret.h"
#include "units.h"

#include <stdlib.h>

/* ---- reading ------------------------------------------------------------------------------------ */

static const struct bearer_issuer *issuer_of(const struct bearer *self, struct paa_str name)
{
    for (size_t i = 0; i < self->issuer_count; i++)
        if (str_eq(self->issuers[i].rules.issuer, name))
            return &self->issuers[i];
    return NULL;
}

static struct jwt_finding judge(struct paa_op *op, struct bearer_state *state,
                                const struct jwt *jwt)
{
    const struct bearer *self = bearer_of(op);

    state->issuer = issuer_of(self, jwt->texts[JWT_T_ISS]);
    if (state->issuer == NULL)
        return (struct jwt_finding){ jwt->texts[JWT_T_ISS].data == NULL ? JWT_MISSING : JWT_ISSUER,
                                     "iss", JSON_READ };
    if ((state->issuer->algs & ALG_BIT(jwt->alg)) == 0)
        return (struct jwt_finding){ JWT_ALG, "alg", JSON_READ };
    return jwt_judge(jwt, &state->issuer->rules, op->host->clock->now_s(op));
}

static enum paa_result read_parts(struct paa_op *op, struct bearer_state *state,
                                  const struct jwt_parts *parts)
{
    struct jwt_accept accept = { .algs = bearer_of(op)->algs };
    struct bearer_claims *claims =
        (struct bearer_claims *)op->host->alloc(op, sizeof *claims + jwt_memory(parts));
    struct jwt_finding found;

    if (claims == NULL)
        return paa_fail(op, PAA_FAULT, "memory", "no memory is left to read a token");
    found = jwt_read(parts, claims + 1, &bearer_lane_of(op)->scratch, &accept, &claims->jwt);
    if (found.verdict == JWT_GOOD)
        found = judge(op, state, &claims->jwt);
    if (found.verdict != JWT_GOOD)
        return bearer_reject(op, &found);
    claims->json = claims->jwt.claims;
    claims->kind = bearer_kind_of(&claims->jwt);
    state->claims = claims;
    return state->keys != NULL ? bearer_check(op, state) : bearer_ask_keys(op, state);
}

enum paa_result bearer_read(struct paa_op *op, struct bearer_state *state)
{
    struct jwt_parts parts;
    struct jwt_finding found = jwt_split(state->token, &parts);

    if (found.verdict == JWT_NO_JWT && bearer_of(op)->token == BEARER_AUTO)
        return bearer_introspect(op, state);
    if (found.verdict != JWT_GOOD)
        return bearer_reject(op, &found);
    return read_parts(op, state, &parts);
}

/* ---- remembering -------------------------------------------------------------------------------- */

void bearer_seen_release(void *object, const void *self)
{
    (void)self;
    free(object);
}

/* "Its signature is good under these keys", and what it says. Whether it counts is judged each time. */
static void remember(struct paa_op *op, const struct bearer_state *state)
{
    const struct jwt *jwt = &state->claims->jwt;
    size_t kept = jwt_kept_size(jwt), json = state->claims->json.size;
    size_t size = sizeof(struct bearer_seen) + kept + json;
    struct bearer_seen *seen = (struct bearer_seen *)malloc(size);
    int64_t until_s = time_add(jwt->times_s[JWT_EXP], state->issuer->rules.leeway_s);

    if (seen == NULL)
        return; /* it is verified again next time */
    memset(seen, 0, sizeof *seen);
    seen->issuer = state->issuer;
    seen->keys_version = state->keys_version;
    seen->claims.kind = state->claims->kind;
    jwt_keep(jwt, seen->text, &seen->claims.jwt);
    jwt_share(&seen->claims.jwt, &state->issuer->rules);
    memcpy(seen->text + kept, state->claims->json.data, json);
    seen->claims.json = paa_str_of_n(seen->text + kept, json);
    if (op->host->memo->keep(op, bearer_of(op)->seen,
                             paa_bytes_of(state->token.data, state->token.size), seen, size,
                             until_s) != PAA_STATUS_OK)
        free(seen);
}

/* ---- the signature ------------------------------------------------------------------------------ */

static enum bearer_signature signature_of(enum jws_verdict verdict)
{
    switch (verdict) {
    case JWS_GOOD:
        return BEARER_SIGNATURE_GOOD;
    case JWS_FAULT:
        return BEARER_SIGNATURE_FAULT;
    case JWS_BAD:
    case JWS_WRONG_KEY:
    case JWS_SIZE:
    default:
        return BEARER_SIGNATURE_BAD;
    }
}

static enum bearer_signature verify_one(struct paa_op *op, const struct jwk *key,
                                        const struct jwt *jwt)
{
    return signature_of(
        jws_verify(&bearer_lane_of(op)->jws, key, jwt->alg, jwt->input, jwt->signature));
}

enum bearer_signature bearer_signature(struct paa_op *op, const struct bearer_issuer *issuer,
                                       const struct bearer_keys *keys, const struct jwt *jwt)
{
    struct jwk_query query = { .kid = jwt->texts[JWT_T_KID],
                               .issuer = issuer->rules.issuer,
                               .alg = jwt->alg };
    enum bearer_signature found = BEARER_SIGNATURE_NO_KEY;
    const struct jwk *key;

    if (keys->set == NULL)
        return verify_one(op, &keys->secret, jwt);
    while (found != BEARER_SIGNATURE_GOOD && found != BEARER_SIGNATURE_FAULT &&
           (key = jwk_set_next(keys->set, &query)) != NULL)
        found = verify_one(op, key, jwt);
    return found;
}

enum paa_result bearer_signature_refuse(struct paa_op *op, bool has_key)
{
    if (!has_key)
        return paa_fail(op, PAA_REJECT, "unknown-key",
                        "the issuer has no key that fits the token's \"kid\" and \"alg\"");
    return paa_fail(op, PAA_REJECT, "signature",
                    "the token's signature is not that of the issuer's key");
}

/* A set is held, so whatever hinders a newer one, the answer is no: who is not known is not let in. */
static enum paa_result on_renewed(struct paa_op *op, enum paa_status status,
                                  const struct paa_memo_value *value, void *context)
{
    struct bearer_state *state = (struct bearer_state *)context;

    if (status == PAA_STATUS_OK && value->version != state->keys_version) {
        state->keys = (const struct bearer_keys *)value->object;
        state->keys_version = value->version;
        return bearer_check(op, state);
    }
    return bearer_signature_refuse(op, state->has_key);
}

/* The issuer may have a new key, even under the old name. Once; the memo's cool-down sees to it that strangers cannot
 * make us ask for more. */
static enum paa_result renew(struct paa_op *op, struct bearer_state *state)
{
    struct paa_memo_query query;

    state->is_renewed = true;
    paa_init(&query, sizeof query);
    query.key = paa_bytes_of(state->issuer->rules.issuer.data, state->issuer->rules.issuer.size);
    query.seen_version = state->keys_version;
    return op->host->memo->renew(op, bearer_of(op)->keys, &query, on_renewed, state);
}

enum paa_result bearer_check(struct paa_op *op, struct bearer_state *state)
{
    enum bearer_signature found =
        bearer_signature(op, state->issuer, state->keys, &state->claims->jwt);

    if (found == BEARER_SIGNATURE_FAULT)
        return paa_fail(op, PAA_FAULT, "libcrypto", "libcrypto could not verify a signature");
    if (found == BEARER_SIGNATURE_GOOD) {
        remember(op, state);
        return bearer_judge(op, state);
    }
    state->has_key = found == BEARER_SIGNATURE_BAD;
    if (state->issuer->own == NULL && !state->is_renewed)
        return renew(op, state);
    return bearer_signature_refuse(op, state->has_key);
}
