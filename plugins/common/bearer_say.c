/* SPDX-License-Identifier: MIT */
/* What is said to the outside: challenges (RFC 6750 3, RFC 9449 7.1) and metadata (RFC 9728 2). */
#include "bearer_inner.h"

#include "json.h"

enum {
    ALGS_TEXT_SIZE = 128,
    ISSUERS_TEXT_MAX = 8 * 1024,
    ALGS_JSON_MAX = 1024,
    PARAMS_MAX = 6,
    MAX_AGE_SIZE = 24
};

/* Behind the names of RFC 9864: what most clients still call Ed25519. */
static const struct paa_str old_eddsa = { "EdDSA", 5 };

/* ---- challenges --------------------------------------------------------------------------------- */

static size_t add_alg(char text[ALGS_TEXT_SIZE], size_t size, struct paa_str name)
{
    if (size > 0)
        text[size++] = ' ';
    memcpy(text + size, name.data, name.size);
    return size + name.size;
}

static struct paa_str algs_text(char text[ALGS_TEXT_SIZE])
{
    size_t size = 0;

    for (enum jose_alg alg = ALG_RS256; alg < ALG_HS256; alg++)
        size = add_alg(text, size, alg_row(alg)->name);
    return paa_str_of_n(text, add_alg(text, size, old_eddsa));
}

/* Why, after a refusal of ours only: a request without a token is told nothing but what to bring (RFC 6750 3.1). */
static struct paa_str error_of(const struct bearer_state *state, const struct paa_denial *why)
{
    if (why->result == PAA_REJECT && state->error != NULL)
        return paa_str_of(state->error);
    if (why->error.data != NULL || why->result != PAA_REJECT)
        return why->error;
    return STR(PAA_REASON_INVALID_TOKEN);
}

static void offer(struct paa_op *op, const char *scheme, const struct paa_denial *why,
                  struct paa_str error, struct paa_str algs)
{
    char max_age[MAX_AGE_SIZE];
    struct paa_field params[PARAMS_MAX] = {
        { STR("realm"), why->realm }, { STR("error"), error },
        { STR("scope"), why->scope }, { STR("resource_metadata"), why->resource_metadata },
        { STR("algs"), algs },        { STR("max_age"), STR_NONE }, /* RFC 9470 3 */
    };
    struct paa_challenge challenge;

    if (why->max_age_s > 0) {
        (void)snprintf(max_age, sizeof max_age, "%lld", (long long)why->max_age_s);
        params[PARAMS_MAX - 1].value = paa_str_of(max_age);
    }
    paa_init(&challenge, sizeof challenge);
    challenge.scheme = paa_str_of(scheme);
    challenge.params = params; /* absent ones are left out */
    challenge.param_count = PARAMS_MAX;
    op->host->outcome->challenge(op, &challenge);
}

/* The error goes with the scheme that was tried. */
enum paa_result bearer_challenge(struct paa_op *op, const struct paa_denial *why)
{
    const struct bearer *self = bearer_of(op);
    const struct bearer_state *state = bearer_state_of(op);
    bool is_tried = state->token.data != NULL;
    struct paa_str error = is_tried ? error_of(state, why) : STR_NONE;
    char algs[ALGS_TEXT_SIZE], nonce[BEARER_NONCE_SIZE];

    if (self->dpop != BEARER_DPOP_REQUIRED)
        offer(op, "Bearer", why, state->is_dpop ? STR_NONE : error, STR_NONE);
    if (self->dpop != BEARER_DPOP_OFF)
        offer(op, "DPoP", why,
              state->is_dpop || self->dpop == BEARER_DPOP_REQUIRED ? error : STR_NONE,
              algs_text(algs));
    if (self->wants_nonce && bearer_nonce_make(op, nonce))
        op->host->outcome->header_set(op, PAA_MESSAGE_RESPONSE, STR("DPoP-Nonce"),
                                      paa_str_of_n(nonce, sizeof nonce), PAA_ON_DENY);
    return PAA_DONE;
}

/* ---- metadata ----------------------------------------------------------------------------------- */

/* Tenants know whose they are, and nobody need know who else is one. */
static bool tell_issuers(struct paa_op *op)
{
    const struct bearer *self = bearer_of(op);
    struct json json;
    struct buf buf;
    size_t count = 0;
    bool is_done = true;

    buf_init(&buf, ISSUERS_TEXT_MAX);
    json_init(&json, &buf);
    json_open(&json, NULL, '[');
    for (size_t i = 0; i < self->issuer_count; i++) {
        if (self->issuers[i].is_tenant)
            continue;
        json_str(&json, NULL, self->issuers[i].rules.issuer);
        count++;
    }
    json_close(&json, ']');
    if (count > 0 && !buf.failed)
        is_done = op->host->outcome->metadata(op, STR("authorization_servers"), buf_str(&buf)) ==
                  PAA_STATUS_OK;
    buf_free(&buf);
    return is_done;
}

static bool tell_algs(struct paa_op *op)
{
    struct json json;
    struct buf buf;
    bool is_done;

    buf_init(&buf, ALGS_JSON_MAX);
    json_init(&json, &buf);
    json_open(&json, NULL, '[');
    for (enum jose_alg alg = ALG_RS256; alg < ALG_HS256; alg++)
        json_str(&json, NULL, alg_row(alg)->name);
    json_str(&json, NULL, old_eddsa);
    json_close(&json, ']');
    is_done =
        !buf.failed && op->host->outcome->metadata(op, STR("dpop_signing_alg_values_supported"),
                                                   buf_str(&buf)) == PAA_STATUS_OK;
    buf_free(&buf);
    return is_done;
}

static bool tell_flag(struct paa_op *op, bool is_true, const char *name)
{
    return !is_true ||
           op->host->outcome->metadata(op, paa_str_of(name), STR("true")) == PAA_STATUS_OK;
}

enum paa_result bearer_describe(struct paa_op *op)
{
    const struct bearer *self = bearer_of(op);
    bool is_done = self->issuer_count > 0;

    if (!is_done)
        return PAA_ABSENT;
    is_done =
        tell_issuers(op) &&
        op->host->outcome->metadata(op, STR("bearer_methods_supported"), STR("[\"header\"]")) ==
            PAA_STATUS_OK &&
        (self->dpop == BEARER_DPOP_OFF || tell_algs(op)) &&
        tell_flag(op, self->dpop == BEARER_DPOP_REQUIRED, "dpop_bound_access_tokens_required") &&
        tell_flag(op, self->wants_certificate, "tls_client_certificate_bound_access_tokens");
    return is_done ? PAA_DONE : PAA_FAULT;
}
