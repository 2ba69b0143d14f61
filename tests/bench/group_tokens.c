/* SPDX-License-Identifier: MIT */
/*
 * Access tokens that were never seen before, through the whole transaction, which is what is promised. Beside it what
 * libcrypto takes for the signature alone, and the peers, which are not asked for more than a verdict; and of our own the
 * parts: split, read, judged, the key found, verified, of one token again and again.
 */
#include "allocations.h"
#include "groups.h"
#include "jws.h"
#include "jwt.h"
#include "peers.h"
#include "str.h"
#include "unseen.h"

#include <stdio.h>
#include <stdlib.h>

enum { MEMORY_MAX = 8 * 1024 };

struct checking { /* one thread's */
    const struct token *token;
    const struct jwk_set *set;
    struct jws_lane lane;
    struct jwt_scratch scratch;
    char memory[MEMORY_MAX];
};

static struct jwk_set *set_of(const struct token *token)
{
    char text[TOKEN_JWK_MAX + 32];
    const char *why = NULL;
    int size = snprintf(text, sizeof text, "{\"keys\":[%s]}", token->jwk);
    struct jwk_set *set =
        jwk_set_read(paa_bytes_of(text, (size_t)size), JWK_TAKES_SECRETS, NULL, NULL, &why);

    if (set == NULL)
        bench_fail("the set of keys %s", why);
    return set;
}

static bool read_and_judge(struct checking *c, struct jwt *jwt)
{
    static const struct paa_str audience = { TOKEN_AUDIENCE, sizeof TOKEN_AUDIENCE - 1 };
    static const struct jwt_accept accept = { .algs = ALGS_PUBLIC | ALGS_SECRET };
    struct jwt_rules rules = { .profile = JWT_RFC9068,
                               .issuer = STR(TOKEN_ISSUER),
                               .audiences = &audience,
                               .audience_count = 1,
                               .leeway_s = 60 };
    struct jwt_parts parts;

    if (jwt_split(paa_str_of_n(c->token->text, c->token->size), &parts).verdict != JWT_GOOD ||
        jwt_memory(&parts) > sizeof c->memory)
        return false;
    memset(c->memory, 0, jwt_memory(&parts)); /* as host->alloc does */
    return jwt_read(&parts, c->memory, &c->scratch, &accept, jwt).verdict == JWT_GOOD &&
           jwt_judge(jwt, &rules, TOKEN_NOW_S).verdict == JWT_GOOD;
}

static bool verify(struct checking *c, const struct jwt *jwt)
{
    struct jwk_query query = { .kid = jwt->texts[JWT_T_KID],
                               .issuer = STR(TOKEN_ISSUER),
                               .alg = jwt->alg };
    const struct jwk *key = jwk_set_next(c->set, &query);

    return key != NULL &&
           jws_verify(&c->lane, key, jwt->alg, jwt->input, jwt->signature) == JWS_GOOD;
}

static void check(void *state, uint64_t count)
{
    struct checking *c = state;
    struct jwt jwt;

    for (uint64_t i = 0; i < count; i++)
        if (!read_and_judge(c, &jwt) || !verify(c, &jwt))
            bench_fail("a good token is refused");
}

static void only_read(void *state, uint64_t count)
{
    struct checking *c = state;
    struct jwt jwt;

    for (uint64_t i = 0; i < count; i++)
        if (!read_and_judge(c, &jwt))
            bench_fail("a good token is refused");
}

/* ---- one algorithm ----------------------------------------------------------------------------- */

enum { RAW, OURS, CHECKING, READING, PEERS, PEERS_MAX = 3, CASES = PEERS + PEERS_MAX };

struct promise {
    enum jose_alg alg;
    const char *name;
    double most; /* ours to raw; 0: nothing promised */
    double aim;
};

static const struct promise promises[] = {
    { ALG_RS256, "RS256", 1.9, 1.05 }, { ALG_PS256, "PS256", 0, 0 },
    { ALG_ES256, "ES256", 1.3, 1.02 }, { ALG_ED25519, "EdDSA", 1.2, 0 },
    { ALG_HS256, "HS256", 0, 0 },
};

static void promise_all(const struct bench_options *options, const struct promise *promise,
                        const struct bench_case cases[CASES], size_t count)
{
    char what[128];

    if (promise->aim > 0)
        snprintf(what, sizeof what, "%s, a token to the raw limit (aim %.2f)", promise->name,
                 promise->aim);
    else
        snprintf(what, sizeof what, "%s, a token to the raw limit", promise->name);
    if (promise->most > 0)
        bench_promise_ratio(options, what, &cases[OURS], &cases[RAW], 0, promise->most);
    for (size_t i = PEERS; i < count; i++) {
        snprintf(what, sizeof what, "%s, %s to ours", promise->name, cases[i].name);
        bench_promise_ratio(options, what, &cases[i], &cases[OURS], 1, 0);
    }
    /* What is remembered of a new token is written under a lock: the table says what that costs two threads. */
    bench_promise_speed_up(options, &cases[CHECKING], 1.9);
}

struct peer {
    const char *name;
    void (*run)(void *state, uint64_t count);
    void *state; /* NULL: it does not know the algorithm, or this program was built without it */
};

static size_t add_peers(struct bench_case cases[CASES], const struct peer peers[PEERS_MAX])
{
    size_t count = PEERS;

    for (size_t i = 0; i < PEERS_MAX; i++)
        if (peers[i].state != NULL)
            cases[count++] = (struct bench_case){ .name = peers[i].name,
                                                  .run = peers[i].run,
                                                  .state = { peers[i].state } };
    return count;
}

static void tell_missing(const char *algorithm, const struct peer peers[PEERS_MAX])
{
    for (size_t i = 0; i < PEERS_MAX; i++)
        if (peers[i].state == NULL)
            printf("  without %s: it does not know %s, or this program was built without it\n",
                   peers[i].name, algorithm);
}

static void group_of(const struct bench_options *options, const struct promise *promise)
{
    static struct checking checking[BENCH_THREADS];
    static struct token token, plain; /* libjwt reads no at+jwt */
    struct evp_peer *raw[BENCH_THREADS];
    struct cjose_peer *cjose;
    struct libjwt_peer *libjwt;
    struct liboauth2_peer *liboauth2;
    struct peer peers[PEERS_MAX];
    struct bench_case cases[CASES];
    struct unseen *unseen;
    struct jwk_set *set;
    size_t count;
    char title[64];

    token_make(&token, (int)promise->alg, "at+jwt");
    token_make(&plain, (int)promise->alg, "JWT");
    set = set_of(&token);
    memset(checking, 0, sizeof checking);
    for (unsigned i = 0; i < BENCH_THREADS; i++) {
        checking[i].token = &token;
        checking[i].set = set;
        raw[i] = evp_peer_open(&token);
    }
    cjose = cjose_peer_open(&token);
    libjwt = libjwt_peer_open(&plain);
    liboauth2 = liboauth2_peer_open(&token);
    memset(cases, 0, sizeof cases);
    cases[RAW] = (struct bench_case){ .name = "raw limit: the signature alone, EVP, kept context",
                                      .run = evp_peer_run,
                                      .state = { raw[0], raw[1] } };
    unseen = unseen_open(&token, &cases[OURS]);
    cases[CHECKING] = (struct bench_case){ .name = "of this, one token read, judged, verified",
                                           .run = check,
                                           .state = { &checking[0], &checking[1] } };
    cases[READING] = (struct bench_case){ .name = "of that, all but the signature",
                                          .run = only_read,
                                          .state = { &checking[0] } };
    snprintf(title, sizeof title, "tokens, %s, %zu characters", promise->name, token.size);
    peers[0] = (struct peer){ "cjose", cjose_peer_run, cjose };
    peers[1] = (struct peer){ "libjwt", libjwt_peer_run, libjwt };
    peers[2] = (struct peer){ "liboauth2", liboauth2_peer_run, liboauth2 };
    count = add_peers(cases, peers);
    bench_group(options, title, cases, count);
    promise_all(options, promise, cases, count);
    tell_missing(promise->name, peers);
    allocations_promise("a token read and judged", only_read, &checking[0]);
    for (unsigned i = 0; i < BENCH_THREADS; i++) {
        jws_lane_done(&checking[i].lane);
        evp_peer_close(raw[i]);
    }
    unseen_close(unseen);
    cjose_peer_close(cjose);
    libjwt_peer_close(libjwt);
    liboauth2_peer_close(liboauth2);
    jwk_set_free(set);
    token_free(&token);
    token_free(&plain);
}

void group_tokens(const struct bench_options *options)
{
    for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++)
        group_of(options, &promises[i]);
}
