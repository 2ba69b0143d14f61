/* SPDX-License-Identifier: MIT */
/* An issuer that does what a test says (tests/server/fault_server.h), and tokens of it. */
#ifndef TESTS_TOKENS_ISSUER_H
#define TESTS_TOKENS_ISSUER_H

#include "fault_server.h"
#include "tokens.h"

enum { DAY = 24 * 3600 };

#define WELL_KNOWN "/.well-known/oauth-authorization-server"

struct issuer {
    struct fault_server *server;
    char name[FAULT_URL_MAX];
};

static inline void answer(struct issuer *issuer, const char *path, const char *body, unsigned code,
                          unsigned flags)
{
    struct fault_answer given = {
        .code = code, .flags = flags, .type = "application/json", .body = body
    };

    fault_server_forget(issuer->server, path);
    fault_server_answer(issuer->server, path, &given);
}

/* Its metadata, as it stands from the start. */
static inline void issuer_tells(struct issuer *issuer, unsigned flags)
{
    char document[4096];

    (void)snprintf(document, sizeof document,
                   "{\"issuer\":\"%s\",\"jwks_uri\":\"%s/jwks\",\"token_endpoint\":\"%s/token\","
                   "\"introspection_endpoint\":\"%s/introspect\",\"response_types_supported\":[]}",
                   issuer->name, issuer->name, issuer->name, issuer->name);
    answer(issuer, WELL_KNOWN, document, 200, flags);
}

static inline void issuer_start_with(struct issuer *issuer, enum fault_tls tls)
{
    issuer->server = fault_server_start(tls);
    (void)fault_server_url(issuer->server, "", issuer->name);
    issuer_tells(issuer, 0);
    answer(issuer, "/jwks", tokens_set(""), 200, 0);
}

static inline void issuer_start(struct issuer *issuer)
{
    issuer_start_with(issuer, FAULT_TLS_GOOD);
}

/* options: more of the instance's. */
static inline void issuer_policy(const struct issuer *issuer, const char *options, char *ret_policy,
                                 size_t size)
{
    (void)snprintf(ret_policy, size,
                   TOKENS("issuer = \"%s\"; audience = \"" TOKEN_AUDIENCE
                          "\"; tls = { ca = \"%s\"; }; %s"),
                   issuer->name, fault_server_ca(), options);
}

static inline bool issuer_open(struct host *host, const struct issuer *issuer, const char *options)
{
    char policy[4096];

    issuer_policy(issuer, options, policy, sizeof policy);
    return tokens_open(host, policy);
}

/* key NULL: the RFC's of that algorithm. */
static inline void token_by(const struct issuer *issuer, const char *kid, enum jose_alg alg,
                            EVP_PKEY *key, char ret_token[SIGNER_TOKEN_MAX])
{
    struct token_claims claims;
    char name[FAULT_URL_MAX + 2], header[128];

    claims_init(&claims);
    (void)snprintf(name, sizeof name, "\"%s\"", issuer->name);
    claims_set(&claims, "iss", name);
    claims_set_int(&claims, "exp", HOST_TIME_S + DAY);
    (void)snprintf(header, sizeof header, "\"typ\":\"at+jwt\",\"kid\":\"%s\"", kid);
    token_sign(&claims, header, alg, key, ret_token);
}

static inline void token_of(const struct issuer *issuer, const char *kid, enum jose_alg alg,
                            char ret_token[SIGNER_TOKEN_MAX])
{
    token_by(issuer, kid, alg, NULL, ret_token);
}

#endif
