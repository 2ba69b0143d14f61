/* SPDX-License-Identifier: MIT */
/*
 * liboauth2, the verifier of Apache's mod_oauth2: a token through oauth2_token_verify, never seen before or out of its
 * cache in shared memory. What it never saw it looks for there too, and puts there: no less can be asked of it, so the
 * cache has one place then, and what is in it has expired. It knows neither an expected issuer nor an audience, so its users read them of the claims that it
 * gives, as here. When `exp` and `iat` hold is its clock's to say; where a token of another time is measured that is left
 * out, and `exp` read with the rest.
 */
#include "peers.h"

#include "measure.h"

#ifdef BENCH_HAS_LIBOAUTH2

#include <oauth2/oauth2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 2048 /* bytes of a token's claims */ };

struct liboauth2_peer {
    oauth2_log_t *log;
    oauth2_cfg_token_verify_t *verify;
    const char *const *tokens;
    size_t count;
    size_t at;
    int64_t now_s;
    const char *one; /* what tokens points to, where there is one only */
};

/* One: its caches are the process's. */
static oauth2_log_t *the_log;

static void shut_down(void)
{
    oauth2_shutdown(the_log);
}

static oauth2_log_t *log_of_all(void)
{
    if (the_log != NULL)
        return the_log;
    the_log = oauth2_init(OAUTH2_LOG_ERROR, &oauth2_log_sink_stderr);
    if (the_log == NULL)
        bench_fail("liboauth2 does not start");
    atexit(shut_down);
    return the_log;
}

static void check(char *refusal)
{
    if (refusal != NULL)
        bench_fail("liboauth2: %s", refusal);
}

/* In memory that its processes share, as many places as there are tokens; a name of its own. */
static void make_cache(oauth2_log_t *log, size_t places, char *ret_name, size_t size)
{
    static unsigned count;
    char options[128];

    snprintf(ret_name, size, "seen-%u", count++);
    snprintf(options, sizeof options, "name=%s&max_entries=%zu&max_val_size=%d", ret_name, places,
             (int)VALUE_MAX);
    check(oauth2_cfg_set_cache(log, NULL, "shm", options));
}

static struct liboauth2_peer *peer_new(const struct token *token, const char *options)
{
    struct liboauth2_peer *peer = calloc(1, sizeof *peer);

    if (peer == NULL)
        bench_fail("no memory");
    peer->log = log_of_all();
    check(
        oauth2_cfg_token_verify_add_options(peer->log, &peer->verify, "jwk", token->jwk, options));
    return peer;
}

struct liboauth2_peer *liboauth2_peer_open(const struct token *token)
{
    char name[32], options[128];
    struct liboauth2_peer *peer;

    if (strcmp(token->name, "EdDSA") == 0)
        return NULL;
    make_cache(log_of_all(), 1, name, sizeof name);
    snprintf(options, sizeof options, "verify.cache=%s&expiry=0&verify.exp=skip&verify.iat=skip",
             name);
    peer = peer_new(token, options);
    peer->one = token->text;
    peer->tokens = &peer->one;
    peer->count = 1;
    peer->now_s = TOKEN_NOW_S;
    return peer;
}

struct liboauth2_peer *liboauth2_seen_open(const struct token *token, const char *const *tokens,
                                           size_t count, int64_t now_s)
{
    char name[32], options[128];
    struct liboauth2_peer *peer;

    make_cache(log_of_all(), count, name, sizeof name);
    snprintf(options, sizeof options, "verify.cache=%s&expiry=86400", name);
    peer = peer_new(token, options);
    peer->tokens = tokens;
    peer->count = count;
    peer->now_s = now_s;
    return peer;
}

void liboauth2_peer_close(struct liboauth2_peer *peer)
{
    if (peer == NULL)
        return;
    oauth2_cfg_token_verify_free(peer->log, peer->verify);
    free(peer);
}

static bool claims_fit(const json_t *claims, int64_t now_s)
{
    const char *issuer = json_string_value(json_object_get(claims, "iss"));

    return issuer != NULL && strcmp(issuer, TOKEN_ISSUER) == 0 &&
           json_is_array(json_object_get(claims, "aud")) &&
           json_integer_value(json_object_get(claims, "exp")) > now_s &&
           json_integer_value(json_object_get(claims, "nbf")) < now_s &&
           json_string_value(json_object_get(claims, "sub")) != NULL &&
           json_string_value(json_object_get(claims, "scope")) != NULL;
}

void liboauth2_peer_run(void *state, uint64_t count)
{
    struct liboauth2_peer *peer = state;

    for (uint64_t i = 0; i < count; i++) {
        json_t *claims = NULL;

        if (!oauth2_token_verify(peer->log, NULL, peer->verify, peer->tokens[peer->at], &claims) ||
            !claims_fit(claims, peer->now_s))
            bench_fail("liboauth2 does not take the token");
        json_decref(claims);
        peer->at = peer->at + 1 < peer->count ? peer->at + 1 : 0;
    }
}

#else

struct liboauth2_peer *liboauth2_peer_open(const struct token *token)
{
    (void)token;
    return NULL;
}

struct liboauth2_peer *liboauth2_seen_open(const struct token *token, const char *const *tokens,
                                           size_t count, int64_t now_s)
{
    (void)token;
    (void)tokens;
    (void)count;
    (void)now_s;
    return NULL;
}

void liboauth2_peer_close(struct liboauth2_peer *peer)
{
    (void)peer;
}

void liboauth2_peer_run(void *state, uint64_t count)
{
    (void)state;
    (void)count;
}

#endif
