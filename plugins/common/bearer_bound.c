/* SPDX-License-Identifier: MIT */
/*
 * Does whoever shows the token hold the key it is bound to? By the certificate of the connection (RFC 8705 3), by a DPoP
 * proof (RFC 9449 7), by both if the token says both. A binding that cannot be checked is a refusal.
 */
#include "bearer_inner.h"
#include "hint.h"

#include "codec.h"
#include "dpop_check.h"
#include "secret.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#define INVALID_DPOP_PROOF "invalid_dpop_proof" /* RFC 9449 12.2 */

/* ---- the certificate ---------------------------------------------------------------------------- */

/* As an earlier step learned it, or as the host has it. */
static struct paa_bytes peer_certificate(struct paa_op *op)
{
    struct paa_bytes der = op->host->request->fact(op, STR(PAA_FACT_PEER_CERTIFICATE), NULL);

    return der.data != NULL ? der : op->host->request->peer_certificate(op, 0);
}

static bool is_of_certificate(struct paa_str x5t, struct paa_bytes der)
{
    unsigned char given[BASE64URL_DECODED_MAX(43)], digest[JWK_THUMBPRINT_SIZE];
    size_t size;
    bool is_done;

    ERR_set_mark();
    is_done = EVP_Digest(der.data, der.size, digest, NULL, EVP_sha256(), NULL) == 1;
    ERR_pop_to_mark();
    return is_done && x5t.size == 43 && base64url_decode(x5t, given, &size) &&
           secret_eq(paa_bytes_of(given, size), paa_bytes_of(digest, sizeof digest));
}

/* PENDING: goes on. */
static enum paa_result check_certificate(struct paa_op *op, const struct jwt *jwt)
{
    struct paa_str x5t = jwt->texts[JWT_T_X5T_S256];
    struct paa_bytes der;

    if (x5t.data == NULL)
        return bearer_of(op)->wants_certificate
                   ? paa_fail(op, PAA_REJECT, "unbound",
                              "the token is bound to no certificate, and the policy demands that")
                   : PAA_PENDING;
    der = peer_certificate(op);
    if (der.data == NULL)
        return paa_fail(op, PAA_REJECT, "certificate",
                        "the token is bound to a certificate, and the client showed none");
    if (!is_of_certificate(x5t, der))
        return paa_fail(op, PAA_REJECT, "certificate",
                        "the token is bound to another certificate than the client's");
    return PAA_PENDING;
}

/* ---- the proof ---------------------------------------------------------------------------------- */

static enum paa_result refuse_proof(struct paa_op *op, struct bearer_state *state,
                                    const char *error, const char *sentence)
{
    state->error = error;
    return paa_fail(op, PAA_REJECT, error, "%s", sentence);
}

/* Stays with a denial too: the client tries again with it. */
static enum paa_result send_nonce(struct paa_op *op)
{
    char nonce[BEARER_NONCE_SIZE];

    if (!bearer_nonce_make(op, nonce))
        return paa_fail(op, PAA_FAULT, "nonce", "no nonce for DPoP proofs could be made");
    op->host->outcome->header_set(op, PAA_MESSAGE_RESPONSE, STR("DPoP-Nonce"),
                                  paa_str_of_n(nonce, sizeof nonce), PAA_ON_GRANT | PAA_ON_DENY);
    return PAA_PENDING;
}

/* PENDING: goes on. The challenge brings the nonce. */
static enum paa_result check_nonce(struct paa_op *op, struct bearer_state *state,
                                   struct paa_str nonce)
{
    if (!bearer_of(op)->wants_nonce)
        return PAA_PENDING;
    switch (bearer_nonce_check(op, nonce)) {
    case BEARER_NONCE_GOOD:
        return PAA_PENDING;
    case BEARER_NONCE_OLD:
        return send_nonce(op);
    case BEARER_NONCE_BAD:
    default:
        break;
    }
    return refuse_proof(op, state, PAA_REASON_USE_DPOP_NONCE,
                        nonce.data == NULL
                            ? "the DPoP proof holds no nonce, and the policy demands one"
                            : "the DPoP proof's nonce is too old, or none of this server");
}

/* Replay memory: who cannot write down that a proof was used does not take it. */
static enum paa_result on_written(struct paa_op *op, enum paa_status status,
                                  const struct paa_record *record, void *context)
{
    struct bearer_state *state = (struct bearer_state *)context;

    (void)record;
    if (status == PAA_STATUS_EXISTS)
        return refuse_proof(op, state, INVALID_DPOP_PROOF, "the DPoP proof was used before");
    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "replay-memory", STR_NONE);
    return bearer_grant(op, state);
}

static enum paa_result write_down(struct paa_op *op, struct bearer_state *state,
                                  const struct dpop_proof *proof)
{
    struct paa_record record;

    paa_init(&record, sizeof record);
    record.key = paa_bytes_of(proof->id, sizeof proof->id);
    record.value = paa_bytes_of("", 0);
    record.expires_at_s = proof->ends_at_s;
    return op->host->store->put(op, bearer_of(op)->proofs, &record, PAA_PUT_NEW, on_written, state);
}

static enum paa_result judge_proof(struct paa_op *op, struct bearer_state *state,
                                   enum dpop_verdict verdict, struct dpop_proof *proof)
{
    char sentence[JWT_SENTENCE_SIZE];
    enum paa_result result;

    if (verdict == DPOP_GOOD) {
        result = check_nonce(op, state, proof->nonce);
        if (result != PAA_PENDING)
            return result;
        verdict = dpop_verify(proof);
    }
    if (verdict == DPOP_GOOD)
        return write_down(op, state, proof);
    if (verdict == DPOP_FAULT)
        return paa_fail(op, PAA_FAULT, "libcrypto", "%s", dpop_sentence(verdict));
    if (verdict != DPOP_FORM)
        return refuse_proof(op, state, INVALID_DPOP_PROOF, dpop_sentence(verdict));
    jwt_sentence(&proof->found, sentence);
    state->error = INVALID_DPOP_PROOF;
    return paa_fail(op, PAA_REJECT, INVALID_DPOP_PROOF, "%s: %s", dpop_sentence(verdict), sentence);
}

static enum paa_result check_proof(struct paa_op *op, struct bearer_state *state)
{
    const struct paa_request_view *view = op->host->request->view(op);
    struct dpop_want want = { .algs = ALGS_PUBLIC,
                              .method = view->method,
                              .scheme = view->scheme,
                              .authority = view->authority,
                              .target = view->target,
                              .token = state->token,
                              .jkt = state->claims->jwt.texts[JWT_T_JKT],
                              .now_s = op->host->clock->now_s(op),
                              .leeway_s = state->issuer->rules.leeway_s };
    struct paa_str text = paa_header(op, "DPoP");
    struct dpop_proof proof;
    enum paa_result result;
    void *memory;

    if ((view->flags & (uint32_t)PAA_VIEW_ORIGIN) == 0)
        return paa_fail(op, PAA_REJECT, "origins",
                        "nobody can tell whom a DPoP proof was made for: the policy names no "
                        "`origins` for the service");
    if (op->host->request->header(op, STR("DPoP"), 1).data != NULL)
        return refuse_proof(op, state, INVALID_DPOP_PROOF, "there are two DPoP fields");
    if (text.data == NULL)
        return refuse_proof(op, state, INVALID_DPOP_PROOF,
                            "the token came without a DPoP proof, in a field called DPoP");
    memory = op->host->alloc(op, text.size <= DPOP_TEXT_MAX ? dpop_memory(text) : 1);
    if (memory == NULL)
        return paa_fail(op, PAA_FAULT, "memory", "no memory is left to read a DPoP proof");
    result =
        judge_proof(op, state, dpop_read(text, &want, &bearer_lane_of(op)->scratch, memory, &proof),
                    &proof);
    dpop_done(&proof);
    return result;
}

/* ---- both --------------------------------------------------------------------------------------- */

#define WORDS(literal)                                                                             \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

static struct paa_str methods_of(const struct bearer_state *state)
{
    static const struct paa_str words[2][2][2] = {
        { { WORDS("jwt"), WORDS("jwt mtls") }, { WORDS("jwt dpop"), WORDS("jwt dpop mtls") } },
        { { WORDS("introspection"), WORDS("introspection mtls") },
          { WORDS("introspection dpop"), WORDS("introspection dpop mtls") } },
    };
    bool has_certificate = state->claims->jwt.texts[JWT_T_X5T_S256].data != NULL;

    return words[state->is_introspected][state->is_dpop][has_certificate];
}

enum paa_result bearer_bound(struct paa_op *op, struct bearer_state *state)
{
    const struct jwt *jwt = &state->claims->jwt;
    bool has_jkt = jwt->texts[JWT_T_JKT].data != NULL;
    enum paa_result result;

    state->methods = methods_of(state);
    if ((jwt->flags & JWT_HAS_OTHER_CNF) != 0)
        return paa_fail(op, PAA_REJECT, "binding",
                        "the token's \"cnf\" binds it in a way that cannot be checked");
    if (UNLIKELY(has_jkt) && !state->is_dpop)
        return paa_fail(op, PAA_REJECT, "binding",
                        "the token is bound to a DPoP key, and came as a plain Bearer");
    if (UNLIKELY(state->is_dpop) && !has_jkt)
        return paa_fail(op, PAA_REJECT, "binding",
                        "the token came under DPoP, and its \"cnf\" names no DPoP key");
    if (!has_jkt && bearer_of(op)->dpop == BEARER_DPOP_REQUIRED)
        return paa_fail(op, PAA_REJECT, "unbound",
                        "the token is bound to no DPoP key, and the policy demands that");
    result = check_certificate(op, jwt);
    if (result != PAA_PENDING)
        return result;
    return has_jkt ? check_proof(op, state) : bearer_grant(op, state);
}
