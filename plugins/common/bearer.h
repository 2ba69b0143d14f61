/* SPDX-License-Identifier: MIT */
/*
 * Verifies access tokens that come in (RFC 6750, RFC 9449, RFC 8705): JWTs (RFC 9068) under the keys of their issuers,
 * opaque ones by introspection (RFC 7662). Several plugins link it, so it knows none of them; every effect goes through
 * op->host.
 *
 * A plugin's table of options holds BEARER_OPTIONS; `audience`, `issuer` and `tls`, which its other direction may need
 * too, and `dpop`, `certificate_bound` and OAUTH_CLIENT_OPTIONS are rows of its own. What its create returns begins with a
 * struct bearer, its state with a struct bearer_state, its lane memory with a struct bearer_lane; so everything below
 * finds its own in op. Other signed statements of an issuer (ID tokens, logout tokens) are bearer_signed.h's.
 *
 * The way of a token: bearer.c says where it stands and asks the memo of seen ones; bearer_token.c reads and verifies
 * what was never seen; bearer_keys.c has the key sets, bearer_introspect.c the verdicts of issuers; bearer_bound.c sees
 * to it that who shows the token is whom it was made for; bearer_grant.c says who that is; bearer_say.c answers.
 */
#ifndef COMMON_BEARER_H
#define COMMON_BEARER_H

#include "jws.h"
#include "jwt.h"
#include "oauth_client.h"

#include <paa/plugin.h>

enum {
    BEARER_GROUPS_MAX = 16, /* issuers that an instance describes */
    BEARER_NONCE_KEYS_MAX = 8,
    BEARER_TENANTS_MAX = 256,  /* of one of them */
    BEARER_ISSUERS_MAX = 1024, /* all of an instance, tenants counted one by one */
    BEARER_AUDIENCES_MAX = 16,
    BEARER_INTROSPECTION_LIFETIME_S = 60, /* if the policy does not say */
    BEARER_SECRET_MIN = 32 /* bytes of a secret for HS256 and its kin (RFC 7518 3.2) */
};

/* What a policy says of one issuer, beside `issuer` and `audience`. */
#define BEARER_ISSUER_OPTIONS                                                                      \
    { .name = "issuer_template",                                                                   \
      .type = PAA_OPTION_STRING,                                                                   \
      .flags = PAA_OPTION_INCOMING,                                                                \
      .help = "in place of issuer, for issuers that differ in one word: "                          \
              "\"https://login.example.com/{tenant}/v2.0\"; tenants says which" },                 \
        { .name = "tenants",                                                                       \
          .type = PAA_OPTION_STRING,                                                               \
          .flags = PAA_OPTION_INCOMING | PAA_OPTION_LIST,                                          \
          .help =                                                                                  \
              "what {tenant} may be; tokens of others are refused before anything is fetched" },   \
        { .name = "jwks_uri",                                                                      \
          .type = PAA_OPTION_URL,                                                                  \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .help = "where the issuer's keys are; if not given, its metadata says so (RFC 8414)" },  \
        { .name = "jwks_file",                                                                     \
          .type = PAA_OPTION_PATH,                                                                 \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .help =                                                                                  \
              "in place of jwks_uri: a file with the issuer's keys, read again when it changes" }, \
        { .name = "secret",                                                                        \
          .type = PAA_OPTION_SECRET,                                                               \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .help = "in place of keys: shared with the issuer, for HS256, HS384 and HS512" },        \
        { .name = "algorithms",                                                                    \
          .type = PAA_OPTION_CHOICE,                                                               \
          .choices = "RS256|RS384|RS512|PS256|PS384|PS512|ES256|ES384|ES512|EdDSA|Ed25519|HS256|"  \
                     "HS384|HS512",                                                                \
          .flags = PAA_OPTION_INCOMING | PAA_OPTION_LIST,                                          \
          .help = "signatures that are taken; all of them, of HS only with secret" },              \
        { .name = "profile",                                                                       \
          .type = PAA_OPTION_CHOICE,                                                               \
          .choices = "rfc9068|legacy",                                                             \
          .fallback = "rfc9068",                                                                   \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .help = "legacy: typ may be JWT or missing, and iss, aud and exp are all that must be "  \
                  "there" },                                                                       \
        { .name = "leeway",                                                                        \
          .type = PAA_OPTION_DURATION,                                                             \
          .fallback = "60s",                                                                       \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .max = 600000,                                                                           \
          .help = "how far the issuer's and the clients' clocks may differ" },                     \
    {                                                                                              \
        .name = "outage", .type = PAA_OPTION_DURATION, .fallback = "1h",                           \
        .flags = PAA_OPTION_INCOMING, .max = 82800000,                                             \
        .help = "how long the last good keys serve when the issuer cannot be reached"              \
    }

/* And of the instance as a whole. */
#define BEARER_OPTIONS BEARER_OPTIONS_FOR("any")

/* Likewise; the default of `kind`. */
#define BEARER_OPTIONS_FOR(whose)                                                                  \
    BEARER_ISSUER_OPTIONS,                                                                         \
        { .name = "token",                                                                         \
          .type = PAA_OPTION_CHOICE,                                                               \
          .choices = "jwt|introspection|auto",                                                     \
          .fallback = "jwt",                                                                       \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .help = "whether tokens are JWTs, or the issuer is asked about each (RFC 7662); auto: "  \
                  "asked about those that are no JWT" },                                           \
        { .name = "introspection_endpoint",                                                        \
          .type = PAA_OPTION_URL,                                                                  \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .help = "where it is asked; if not given, its metadata says so" },                       \
        { .name = "introspection_lifetime",                                                        \
          .type = PAA_OPTION_DURATION,                                                             \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .max = 3600000,                                                                          \
          .help = "how long what it says of a token is believed, but never past the token's "      \
                  "end; if not given, 60s" },                                                      \
        { .name = "kind",                                                                          \
          .type = PAA_OPTION_CHOICE,                                                               \
          .choices = "any|machine|user",                                                           \
          .fallback = (whose),                                                                     \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .help = "whether a person must stand behind the token, or must not" },                   \
        { .name = "dpop_nonce",                                                                    \
          .type = PAA_OPTION_BOOLEAN,                                                              \
          .fallback = "false",                                                                     \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .help = "whether a DPoP proof must hold a nonce of this server (RFC 9449 9)" },          \
        { .name = "dpop_nonce_key",                                                                \
          .type = PAA_OPTION_SECRET,                                                               \
          .flags = PAA_OPTION_INCOMING | PAA_OPTION_LIST | PAA_OPTION_GENERATE,                    \
          .max = BEARER_NONCE_KEYS_MAX,                                                            \
          .help = "what nonces are made with, where other programs or machines must take them "    \
                  "too: \"file:nonce.key\", 32 bytes or more. Of several the first makes them" },  \
    {                                                                                              \
        .name = "remembered_mib", .type = PAA_OPTION_INTEGER, .fallback = "16",                    \
        .flags = PAA_OPTION_INCOMING, .min = 1, .max = 4096,                                       \
        .help = "MiB for tokens whose signature was found good; about 2.5 KiB a token"             \
    }

struct bearer_issuer { /* one that tokens are taken from; a tenant is one */
    struct jwt_rules rules;
    bool is_tenant;            /* of a template: whose it is concerns nobody else */
    uint32_t algs;             /* set of ALG_BIT */
    struct paa_str jwks_uri;   /* absent: by its metadata */
    struct paa_memo *own;      /* keys of a file or a secret; NULL: fetched */
    const struct paa_tls *tls; /* of all that it is asked; NULL: the instance's */
    int64_t outage_s;
    struct paa_str audiences[BEARER_AUDIENCES_MAX];
};

enum bearer_token {
    BEARER_JWT = 0,
    BEARER_INTROSPECTION,
    BEARER_AUTO
};                                                                /* as the option's choices */
enum bearer_kind { BEARER_ANY = 0, BEARER_MACHINE, BEARER_USER }; /* likewise */
enum bearer_dpop { BEARER_DPOP_OFF = 0, BEARER_DPOP_OPTIONAL, BEARER_DPOP_REQUIRED };

struct bearer {      /* of an instance; read-only after create */
    bool takes_none; /* set before bearer_create: no tokens come in here, so no audience need be
                      * named; only keys and metadata are wanted (bearer_signed.h) */
    struct bearer_issuer *issuers;
    size_t issuer_count;
    uint32_t algs; /* of any of them */
    enum bearer_token token;
    enum bearer_kind kind;
    enum bearer_dpop dpop;
    bool wants_nonce;
    bool wants_certificate;
    struct oauth_client client;            /* for introspection */
    struct paa_str introspection_endpoint; /* absent: by metadata */
    int64_t introspection_lifetime_s;
    struct paa_memo *seen;     /* token -> struct bearer_seen */
    struct paa_memo *keys;     /* issuer -> struct bearer_keys */
    struct paa_memo *metadata; /* issuer -> struct oauth_metadata */
    struct paa_memo *verdicts; /* opaque token -> struct bearer_verdict */
    struct paa_table *proofs;  /* DPoP proofs that were used */
};

struct bearer_lane {
    struct jws_lane jws;
    struct jwt_scratch scratch;
};

struct bearer_claims { /* what is known of a token once its words are trusted */
    uint32_t kind;     /* PAA_PRINCIPAL_USER, PAA_PRINCIPAL_MACHINE, or 0: not known */
    struct paa_str json;
    struct jwt jwt;
};

struct bearer_state { /* of one request */
    struct paa_str token;
    const struct bearer_issuer *issuer;
    const struct bearer_claims *claims;
    const struct bearer_claims *seen; /* the same, if its signature was found good before */
    const struct bearer_keys *keys;
    uint64_t keys_version;
    const char *error;      /* for the challenge; NULL: invalid_token */
    struct paa_str methods; /* of the principal */
    bool is_dpop;           /* the auth-scheme it came under */
    bool is_renewed;
    bool has_key; /* some key fitted, but did not verify it */
    bool is_introspected;
};

/* create: reads the options and opens what it needs; may be called when the instance only sends, and then does nothing.
 * The client is read for introspection alone. OK, or what refuse returned. */
enum paa_status bearer_create(struct paa_op *op, struct bearer *bearer);
/* create, at its end. Warns of what is said of tokens that come in, and has no effect. client: who asks the server,
 * whatever it is asked; NULL: nobody does. has_logins: the issuers' keys are wanted for more than access tokens. */
enum paa_status bearer_warn(struct paa_op *op, const struct bearer *bearer,
                            const struct oauth_client *client, bool has_logins);
void bearer_destroy(struct bearer *bearer);
void bearer_lane_done(struct bearer_lane *lane);

enum paa_result bearer_verify(struct paa_op *op);
enum paa_result bearer_challenge(struct paa_op *op, const struct paa_denial *why);
enum paa_result bearer_describe(struct paa_op *op);

#endif
