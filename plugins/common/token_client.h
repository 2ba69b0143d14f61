/* SPDX-License-Identifier: MIT */
/*
 * Tokens that go out, whatever grant they come from: what the policy says, the request to the token endpoint, how a
 * token is kept, attached, and dropped when the peer refuses it. Every effect goes through op->host. What is a
 * grant's own stands in its plugin, which hands in a struct token_grant.
 *
 * Four memos, and nothing else that changes:
 *   tokens    all that a token depends on -> token_value.h. SECRET, and SHARED: sealed in the store `state`, if there is one
 *   dpop      -> the key that tokens are bound to. Likewise
 *   nonces    origin -> the last DPoP nonce that came from there
 *   metadata  issuer -> its document
 *
 * token_options.c reads the policy, token_request.h asks the server, token_take.c makes a value of what it gave,
 * token_bound.c finds the value's key, token_attach.c and token_answered.c are the slots.
 */
#ifndef COMMON_TOKEN_CLIENT_H
#define COMMON_TOKEN_CLIENT_H

#include "dpop_proof.h"
#include "oauth_client.h"
#include "token_value.h"

#include <paa/plugin.h>

enum {
    TOKEN_KEY_MAX =
        12 * 1024, /* bytes that name all a token depends on; the memo's limit is 16 KiB */
    TOKEN_BINDING_MAX = 2 * DPOP_TEXT_SIZE,
    TOKEN_ACCOUNT_MAX = 1024, /* bytes of an account's name */
    TOKEN_LEEWAY_S =
        10, /* a token is not sent any more so long before it ends, or a tenth of its life */
    TOKEN_COOLDOWN_MS =
        30 * 1000, /* between tokens that were dropped because a peer refused them */
    TOKEN_PARAMETERS_MAX = 32
};

/* Beside issuer, audience, dpop, certificate_bound, tls and OAUTH_CLIENT_OPTIONS, which both directions share, and the
 * list "parameters", whose help says what they are added to. */
#define TOKEN_OPTIONS                                                                              \
    TOKEN_OPTIONS_FOR(PAA_OPTION_OUTGOING,                                                         \
                      "what the token shall permit; a string of words, or a list")

/* Likewise; the flags and the help of the row "scope". */
#define TOKEN_OPTIONS_FOR(scope_flags, scope_help)                                                 \
    { .name = "token_endpoint",                                                                    \
      .type = PAA_OPTION_URL,                                                                      \
      .flags = PAA_OPTION_OUTGOING,                                                                \
      .help = "where tokens are asked for; if not given, the issuer's metadata says so" },         \
        { .name = "scope",                                                                         \
          .type = PAA_OPTION_STRING,                                                               \
          .flags = (scope_flags) | PAA_OPTION_LIST,                                                \
          .help = (scope_help) },                                                                  \
        { .name = "less_scope",                                                                    \
          .type = PAA_OPTION_CHOICE,                                                               \
          .choices = "warn|refuse",                                                                \
          .fallback = "warn",                                                                      \
          .flags = PAA_OPTION_OUTGOING,                                                            \
          .help = "what to do with a token that permits less than scope says" },                   \
        { .name = "resource",                                                                      \
          .type = PAA_OPTION_STRING,                                                               \
          .flags = PAA_OPTION_OUTGOING | PAA_OPTION_LIST,                                          \
          .help = "URIs of what the token is for (RFC 8707)" },                                    \
        { .name = "header",                                                                        \
          .type = PAA_OPTION_STRING,                                                               \
          .fallback = "Authorization",                                                             \
          .flags = PAA_OPTION_OUTGOING,                                                            \
          .help = "the header field that carries the token" },                                     \
        { .name = "scheme",                                                                        \
          .type = PAA_OPTION_STRING,                                                               \
          .fallback = "Bearer",                                                                    \
          .flags = PAA_OPTION_OUTGOING,                                                            \
          .help = "the auth-scheme before it; \"\": none. With dpop it is DPoP" },                 \
        { .name = "renew_before",                                                                  \
          .type = PAA_OPTION_DURATION,                                                             \
          .fallback = "2m",                                                                        \
          .flags = PAA_OPTION_OUTGOING,                                                            \
          .max = 86400000,                                                                         \
          .help =                                                                                  \
              "so long before a token ends, the next one is obtained in the background; at most "  \
              "half of its life" },                                                                \
        { .name = "default_lifetime",                                                              \
          .type = PAA_OPTION_DURATION,                                                             \
          .fallback = "5m",                                                                        \
          .flags = PAA_OPTION_OUTGOING,                                                            \
          .min = 1000,                                                                             \
          .max = 86400000,                                                                         \
          .help = "of a token whose server does not say (expires_in)" },                           \
    {                                                                                              \
        .name = "timeout", .type = PAA_OPTION_DURATION, .fallback = "10s",                         \
        .flags = PAA_OPTION_OUTGOING, .min = 100, .max = 60000,                                    \
        .help = "for each request to the authorization server"                                     \
    }

struct token_client;

struct token_grant {   /* what a plugin adds; constant */
    const char *type;  /* the grant_type that begins the form; NULL: the form is part of several */
    bool is_of_people; /* each account of the host has a token of its own; and other endpoints
                        * than the token endpoint are asked, too */
    /* The definition of the memo of tokens: its producer, and the state of a run. */
    void (*memo)(struct paa_memo_def *ret_def, const struct token_client *client);
    /* attach: the memo has none. The slot's result; may wait. query: of the token. */
    enum paa_result (*none)(struct paa_op *op, const struct token_client *client,
                            enum paa_status status, const struct paa_memo_query *query);
};

struct token_client { /* the outgoing half of an instance; read-only after create */
    const struct token_grant *grant;
    struct oauth_client client;
    struct paa_str issuer;         /* absent: token_endpoint is there */
    struct paa_str token_endpoint; /* absent: by metadata */
    struct paa_str header;
    struct paa_str scheme; /* empty: none */
    struct buf form;       /* the policy's parameters: scope, audience, resource and what it adds */
    struct buf resources;  /* of these, resource */
    struct buf scope;      /* as asked, words parted by a blank */
    struct buf key; /* digest of what a token depends on, but for account and what it is bound to */
    struct paa_memo_query query; /* for a token of no account that is bound to nothing */
    struct paa_memo *tokens;
    struct paa_memo *keys; /* NULL: no DPoP */
    struct paa_memo *nonces;
    struct paa_memo *metadata; /* NULL: not needed */
    int64_t renew_before_s;
    int64_t default_lifetime_s;
    uint32_t timeout_ms;
    bool is_certificate_bound;
    bool refuses_less_scope;
};

/* ---- token_options.c --------------------------------------------------------------------------- */

/* create. metadata: the memo that the incoming half has opened; NULL: it has none. OK, or what refuse returned; then, too,
 * token_client_destroy is due. */
enum paa_status token_client_create(struct paa_op *op, const struct token_grant *grant,
                                    struct paa_memo *metadata, struct token_client *client);
void token_client_destroy(struct token_client *client);

/* ---- token_bound.c ------------------------------------------------------------------------------ */

typedef enum paa_result (*token_bound_fn)(struct paa_op *op, enum paa_status status,
                                          const struct paa_memo_query *query,
                                          const struct dpop_key *key, void *context) PAA_NOEXCEPT;
/* Waiting, or fail's result. The query of a token: OK; else as memo->get. It lives until the operation ends. account:
 * absent or empty: nobody's in particular. key: NULL without DPoP. */
enum paa_result token_bound_find(struct paa_op *op, const struct token_client *client,
                                 struct paa_str account, uint32_t query_flags, token_bound_fn then,
                                 void *context);
/* In a producer, of the key that it was asked for. Absent: nobody's. */
struct paa_str token_account_of(struct paa_bytes key);

/* ---- token_attach.c, token_answered.c ----------------------------------------------------------- */

enum paa_result token_attach(struct paa_op *op, const struct token_client *client);
enum paa_result token_answered(struct paa_op *op, const struct token_client *client,
                               const struct paa_response *response);

/* For both: the account that the host sends for, if the grant has accounts. */
struct paa_str token_account(struct paa_op *op, const struct token_client *client);
/* "https://host[:port]" of the request that goes out, in memory of the operation; absent: no memory. */
struct paa_str token_request_origin(struct paa_op *op);

#endif
