/* SPDX-License-Identifier: MIT */
/* A client with a key, a token that is bound to it, and proofs of it (RFC 9449), rightly or wrongly made. */
#ifndef TESTS_TOKENS_PROOF_H
#define TESTS_TOKENS_PROOF_H

#include "codec.h"
#include "str.h"
#include "tokens.h"

#define HTU "https://api.example.com/orders"

static struct {
    EVP_PKEY *key; /* the client's */
    char jwk[512]; /* its public half: members */
    char jkt[44];
    char token[SIGNER_TOKEN_MAX];
} client;

static inline void digest_text(const void *data, size_t size, char ret_text[44])
{
    unsigned char digest[32];

    CHECK(EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL) == 1);
    base64url_encode(paa_bytes_of(digest, sizeof digest), ret_text);
    ret_text[43] = '\0';
}

/* The client of RFC 7515 A.3, and a token that is bound to its key. */
static inline void client_init(const char *cnf)
{
    char text[1024];
    struct json_tree tree;
    static struct json_node nodes[32];
    char spare[1024];
    const char *why = NULL;
    struct jwk key;
    struct token_claims claims;

    client.key = signer_key(KEY_P256);
    (void)snprintf(client.jwk, sizeof client.jwk, "%s", signer_p256);
    (void)snprintf(text, sizeof text, "{%s}", client.jwk);
    REQUIRE(json_tree_read(&tree, paa_str_of(text), spare, nodes, 32) == JSON_READ &&
            jwk_read(&tree, 0, 0, &key, &why));
    base64url_encode(paa_bytes_of(key.thumbprint, sizeof key.thumbprint), client.jkt);
    client.jkt[43] = '\0';
    jwk_done(&key);
    claims_init(&claims);
    (void)snprintf(text, sizeof text, "{\"jkt\":\"%s\"}", client.jkt);
    claims_set(&claims, "cnf", cnf != NULL ? cnf : text);
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"ed\"", ALG_ED25519, NULL, client.token);
}

static inline void client_done(void)
{
    EVP_PKEY_free(client.key);
}

/* A proof that is right for GET /orders. */
static inline void proof_init(struct token_claims *claims)
{
    char ath[44], quoted[64];

    memset(claims, 0, sizeof *claims);
    digest_text(client.token, strlen(client.token), ath);
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", ath);
    claims_set(claims, "ath", quoted);
    claims_set(claims, "jti", "\"proof-1\"");
    claims_set(claims, "htm", "\"GET\"");
    claims_set(claims, "htu", "\"" HTU "\"");
    claims_set_int(claims, "iat", HOST_TIME_S);
}

/* "DPoP: proof" */
static inline const char *proof_with(const struct token_claims *claims, const char *header,
                                     EVP_PKEY *key)
{
    static char line[TOKEN_FIELD_MAX];
    char proof[SIGNER_TOKEN_MAX], full[1024];

    (void)snprintf(full, sizeof full, "\"typ\":\"dpop+jwt\",\"jwk\":{%s}", client.jwk);
    token_sign(claims, header != NULL ? header : full, ALG_ES256, key, proof);
    (void)snprintf(line, sizeof line, "DPoP: %s", proof);
    return line;
}

static inline void shown_as(struct host *host, const char *scheme, const char *proof, unsigned code,
                            const char *why)
{
    char reason[64];

    CHECK_INT(token_code(host, scheme, client.token, proof, reason), code);
    CHECK_STR(paa_str_of(reason), why);
}

#endif
