/* SPDX-License-Identifier: MIT */
/* libjwt, which reads the key's PEM at each token. Its release in Debian knows neither PS256 nor EdDSA. */
#include "peers.h"

#include "measure.h"

#ifdef BENCH_HAS_LIBJWT

#include <jwt.h>
#include <stdlib.h>
#include <string.h>

struct libjwt_peer {
    const struct token *token;
    const unsigned char *key;
    int key_size;
};

struct libjwt_peer *libjwt_peer_open(const struct token *token)
{
    struct libjwt_peer *peer = NULL;

    if (strcmp(token->name, "PS256") == 0 || strcmp(token->name, "EdDSA") == 0)
        return NULL;
    peer = calloc(1, sizeof *peer);
    if (peer == NULL)
        bench_fail("no memory");
    peer->token = token;
    peer->key = token->key != NULL ? (const unsigned char *)token->pem : token->secret;
    peer->key_size = (int)(token->key != NULL ? strlen(token->pem) : token->secret_size);
    return peer;
}

void libjwt_peer_close(struct libjwt_peer *peer)
{
    free(peer);
}

static bool claims_fit(jwt_t *jwt)
{
    const char *issuer = jwt_get_grant(jwt, "iss");

    return issuer != NULL && strcmp(issuer, TOKEN_ISSUER) == 0 &&
           jwt_get_grant_int(jwt, "exp") > TOKEN_NOW_S &&
           jwt_get_grant_int(jwt, "nbf") < TOKEN_NOW_S && jwt_get_grant(jwt, "sub") != NULL &&
           jwt_get_grant(jwt, "scope") != NULL;
}

void libjwt_peer_run(void *state, uint64_t count)
{
    struct libjwt_peer *peer = state;

    for (uint64_t i = 0; i < count; i++) {
        jwt_t *jwt = NULL;

        if (jwt_decode(&jwt, peer->token->text, peer->key, peer->key_size) != 0 || !claims_fit(jwt))
            bench_fail("libjwt does not take the token");
        jwt_free(jwt);
    }
}

#else

struct libjwt_peer *libjwt_peer_open(const struct token *token)
{
    (void)token;
    return NULL;
}

void libjwt_peer_close(struct libjwt_peer *peer)
{
    (void)peer;
}

void libjwt_peer_run(void *state, uint64_t count)
{
    (void)state;
    (void)count;
}

#endif
