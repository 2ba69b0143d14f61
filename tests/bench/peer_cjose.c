/* SPDX-License-Identifier: MIT */
/* cjose, which checks no claims: verified, then six of them read with jansson as its users do. */
#include "peers.h"

#include "measure.h"

#ifdef BENCH_HAS_CJOSE

#include <cjose/cjose.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct cjose_peer {
    const struct token *token;
    cjose_jwk_t *key;
};

struct cjose_peer *cjose_peer_open(const struct token *token)
{
    struct cjose_peer *peer = calloc(1, sizeof *peer);
    cjose_err error;

    if (peer == NULL)
        bench_fail("no memory");
    if (strcmp(token->name, "EdDSA") == 0) {
        free(peer);
        return NULL;
    }
    peer->token = token;
    peer->key = cjose_jwk_import(token->jwk, strlen(token->jwk), &error);
    if (peer->key == NULL)
        bench_fail("cjose does not read the key: %s", error.message);
    return peer;
}

void cjose_peer_close(struct cjose_peer *peer)
{
    if (peer == NULL)
        return;
    cjose_jwk_release(peer->key);
    free(peer);
}

static bool claims_fit(const char *text, size_t size)
{
    json_t *claims = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const char *issuer = json_string_value(json_object_get(claims, "iss"));
    bool fits = issuer != NULL && strcmp(issuer, TOKEN_ISSUER) == 0 &&
                json_is_array(json_object_get(claims, "aud")) &&
                json_integer_value(json_object_get(claims, "exp")) > TOKEN_NOW_S &&
                json_integer_value(json_object_get(claims, "nbf")) < TOKEN_NOW_S &&
                json_string_value(json_object_get(claims, "sub")) != NULL &&
                json_string_value(json_object_get(claims, "scope")) != NULL;

    json_decref(claims);
    return fits;
}

void cjose_peer_run(void *state, uint64_t count)
{
    struct cjose_peer *peer = state;

    for (uint64_t i = 0; i < count; i++) {
        cjose_err error;
        uint8_t *text = NULL;
        size_t size = 0;
        cjose_jws_t *jws = cjose_jws_import(peer->token->text, peer->token->size, &error);

        if (jws == NULL || !cjose_jws_verify(jws, peer->key, &error) ||
            !cjose_jws_get_plaintext(jws, &text, &size, &error) ||
            !claims_fit((const char *)text, size))
            bench_fail("cjose does not take the token");
        cjose_jws_release(jws);
    }
}

#else

struct cjose_peer *cjose_peer_open(const struct token *token)
{
    (void)token;
    return NULL;
}

void cjose_peer_close(struct cjose_peer *peer)
{
    (void)peer;
}

void cjose_peer_run(void *state, uint64_t count)
{
    (void)state;
    (void)count;
}

#endif
