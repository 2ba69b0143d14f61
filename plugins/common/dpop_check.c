/* SPDX-License-Identifier: MIT */
/* A DPoP proof against the request and token that it came with (dpop_check.h). */
#include "dpop_check.h"

#include "codec.h"
#include "jws.h"
#include "secret.h"
#include "str.h"
#include "target.h"
#include "units.h"

#include <openssl/err.h>
#include <openssl/evp.h>

enum { DIGEST_SIZE = 32, DIGEST_TEXT_SIZE = 43, URI_MEMORY = 4 * 1024 };

_Static_assert((int)DPOP_ID_SIZE == (int)DIGEST_SIZE, "an id is a SHA-256");
_Static_assert((int)JWK_THUMBPRINT_SIZE == (int)DIGEST_SIZE, "a thumbprint is a SHA-256");

static bool sha256(const void *data, size_t size, unsigned char ret_digest[DIGEST_SIZE])
{
    bool is_done;

    ERR_set_mark();
    is_done = EVP_Digest(data, size, ret_digest, NULL, EVP_sha256(), NULL) == 1;
    ERR_pop_to_mark();
    return is_done;
}

/* The text form of a SHA-256, in time that does not depend on where it differs. */
static bool is_digest(struct paa_str text, const unsigned char digest[DIGEST_SIZE])
{
    unsigned char given[BASE64URL_DECODED_MAX(DIGEST_TEXT_SIZE)];
    size_t size;

    return text.size == DIGEST_TEXT_SIZE && base64url_decode(text, given, &size) &&
           secret_eq(paa_bytes_of(given, size), paa_bytes_of(digest, DIGEST_SIZE));
}

/* ---- the key ------------------------------------------------------------------------------------ */

static enum dpop_verdict read_key(const struct dpop_want *want, struct dpop_proof *proof)
{
    const struct json_tree *header = &proof->jwt.header;
    const char *why;

    proof->has_key = jwk_read(header, json_member(header, 0, STR("jwk")), 0, &proof->key, &why);
    if (!proof->has_key || (proof->key.algs & ALG_BIT(proof->jwt.alg)) == 0)
        return DPOP_KEY;
    return is_digest(want->jkt, proof->key.thumbprint) ? DPOP_GOOD : DPOP_OTHER_KEY;
}

/* Of the key and the jti that it chose: clients need not choose what others have not. */
static bool make_id(struct dpop_proof *proof)
{
    unsigned char text[DIGEST_SIZE + DPOP_JTI_MAX];
    struct paa_str jti = proof->jwt.texts[JWT_T_JTI];

    memcpy(text, proof->key.thumbprint, DIGEST_SIZE);
    memcpy(text + DIGEST_SIZE, jti.data, jti.size);
    return sha256(text, DIGEST_SIZE + jti.size, proof->id);
}

/* ---- the request -------------------------------------------------------------------------------- */

/* Scheme, host, port and path, each in its normal form; query and fragment do not count (RFC 9449 4.3, 9). */
static bool uri_fits(struct paa_str uri, const struct dpop_want *want)
{
    _Alignas(ARENA_ALIGN) unsigned char memory[URI_MEMORY];
    struct target given, asked;
    struct origin given_origin, asked_origin;
    struct arena arena;
    bool is_https = str_eq_nocase(want->scheme, STR("https"));
    bool fits;

    uri = str_slice(uri, 0, str_find(uri, '#', 0));
    uri = str_slice(uri, 0, str_find(uri, '?', 0));
    arena_init(&arena, memory, sizeof memory, (size_t)4 * TARGET_MAX);
    fits = target_parse(uri, TARGET_ALLOW_SEMICOLON, &arena, &given) == NULL &&
           target_parse(want->target, TARGET_ALLOW_SEMICOLON, &arena, &asked) == NULL &&
           given.scheme.data != NULL && str_eq_nocase(given.scheme, want->scheme) &&
           authority_parse(given.authority, is_https, &arena, &given_origin) == NULL &&
           authority_parse(want->authority, is_https, &arena, &asked_origin) == NULL &&
           origin_eq(&given_origin, &asked_origin) && str_eq(given.path, asked.path);
    arena_free(&arena);
    return fits;
}

static bool has_all(const struct jwt *jwt)
{
    static const enum jwt_text texts[] = { JWT_T_JTI, JWT_T_HTM, JWT_T_HTU, JWT_T_ATH };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (jwt->texts[texts[i]].data == NULL)
            return false;
    return (jwt->times & 1u << JWT_IAT) != 0 && jwt->texts[JWT_T_JTI].size <= DPOP_JTI_MAX;
}

static bool time_fits(const struct jwt *jwt, const struct dpop_want *want, int64_t *ret_end_s)
{
    int64_t iat_s = jwt->times_s[JWT_IAT];

    *ret_end_s = time_add(iat_s, DPOP_AGE_MAX_S + want->leeway_s);
    return want->now_s < *ret_end_s && time_add(want->now_s, want->leeway_s) >= iat_s;
}

static enum dpop_verdict judge(const struct dpop_want *want, struct dpop_proof *proof)
{
    const struct jwt *jwt = &proof->jwt;
    unsigned char digest[DIGEST_SIZE];

    if (!has_all(jwt))
        return DPOP_MISSING;
    if (!str_eq(jwt->texts[JWT_T_HTM], want->method))
        return DPOP_METHOD;
    if (!time_fits(jwt, want, &proof->ends_at_s))
        return DPOP_TIME;
    if (!uri_fits(jwt->texts[JWT_T_HTU], want))
        return DPOP_URI;
    if (!sha256(want->token.data, want->token.size, digest))
        return DPOP_FAULT;
    return is_digest(jwt->texts[JWT_T_ATH], digest) ? DPOP_GOOD : DPOP_TOKEN;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

size_t dpop_memory(struct paa_str text)
{
    return 3 * BASE64URL_DECODED_MAX(text.size) + 16;
}

static struct jwt_finding read_jwt(struct paa_str text, const struct dpop_want *want,
                                   struct jwt_scratch *scratch, void *memory, struct jwt *jwt)
{
    struct jwt_accept accept = { .algs = want->algs & ALGS_PUBLIC, .takes_jwk = true };
    struct jwt_parts parts;
    struct jwt_finding found = jwt_split(text, &parts);

    if (found.verdict != JWT_GOOD)
        return found;
    return jwt_read(&parts, memory, scratch, &accept, jwt);
}

enum dpop_verdict dpop_read(struct paa_str text, const struct dpop_want *want,
                            struct jwt_scratch *scratch, void *memory, struct dpop_proof *ret_proof)
{
    struct dpop_proof *proof = ret_proof;
    enum dpop_verdict verdict;

    memset(proof, 0, sizeof *proof);
    proof->found = (struct jwt_finding){ JWT_TOO_LARGE, "token", JSON_READ };
    if (text.size > DPOP_TEXT_MAX)
        return DPOP_FORM;
    proof->found = read_jwt(text, want, scratch, memory, &proof->jwt);
    if (proof->found.verdict != JWT_GOOD)
        return DPOP_FORM;
    if (!str_eq_nocase(proof->jwt.texts[JWT_T_TYP], STR("dpop+jwt")))
        return DPOP_TYP;
    verdict = judge(want, proof);
    if (verdict != DPOP_GOOD)
        return verdict;
    verdict = read_key(want, proof);
    if (verdict != DPOP_GOOD)
        return verdict;
    proof->nonce = proof->jwt.texts[JWT_T_NONCE];
    return make_id(proof) ? DPOP_GOOD : DPOP_FAULT;
}

/* The key is this client's and seldom seen again on this lane: its context is not kept. */
enum dpop_verdict dpop_verify(const struct dpop_proof *proof)
{
    struct jws_lane lane;
    enum jws_verdict verdict;

    memset(&lane, 0, sizeof lane);
    verdict =
        jws_verify(&lane, &proof->key, proof->jwt.alg, proof->jwt.input, proof->jwt.signature);
    jws_lane_done(&lane);
    if (verdict == JWS_FAULT)
        return DPOP_FAULT;
    return verdict == JWS_GOOD ? DPOP_GOOD : DPOP_SIGNATURE;
}

void dpop_done(struct dpop_proof *proof)
{
    if (proof->has_key)
        jwk_done(&proof->key);
    proof->has_key = false;
}

const char *dpop_sentence(enum dpop_verdict verdict)
{
    static const char *const sentences[] = {
        [DPOP_GOOD] = "the DPoP proof is good",
        [DPOP_FORM] = "the DPoP proof is no JWT that is taken",
        [DPOP_TYP] = "the DPoP proof's \"typ\" is not dpop+jwt",
        [DPOP_KEY] = "the DPoP proof's \"jwk\" is missing, private, weak, or not for its \"alg\"",
        [DPOP_OTHER_KEY] = "the token is bound to another key than the DPoP proof's",
        [DPOP_MISSING] = "the DPoP proof lacks \"jti\", \"htm\", \"htu\", \"iat\" or \"ath\"",
        [DPOP_METHOD] = "the DPoP proof's \"htm\" is not the request's method",
        [DPOP_URI] = ("the DPoP proof's \"htu\" is not the request's URI as clients see it: do the "
                      "service's origins name it so?"),
        [DPOP_TIME] = ("the DPoP proof's \"iat\" is too long ago, or still to come: do the clocks "
                       "agree?"),
        [DPOP_TOKEN] = "the DPoP proof's \"ath\" is not the digest of this token",
        [DPOP_SIGNATURE] = "the DPoP proof's signature is not that of its key",
        [DPOP_FAULT] = "libcrypto could not check the DPoP proof",
    };

    return sentences[verdict >= DPOP_GOOD && verdict <= DPOP_FAULT ? verdict : DPOP_FAULT];
}
