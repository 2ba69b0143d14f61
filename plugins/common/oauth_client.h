/* SPDX-License-Identifier: MIT */
/*
 * A client of an authorization server, as a policy describes it, and its requests to the server's endpoints: one POST
 * of a form, with the client authenticated as the policy says (RFC 6749 2.3, RFC 7523 2.2, RFC 8705 2). Knows no
 * grant, no token and no plugin. Which method is used is configured and never probed: a server that is tried with
 * several would see a secret in a place it was not meant for.
 *
 * A plugin's table of options holds OAUTH_CLIENT_OPTIONS(flags), its create calls oauth_client_create. Then, in a
 * producer (struct oauth_call stands in op->state):
 *
 *   call->client = &self->client;
 *   call->issuer, call->url, call->form, … = …;
 *   return oauth_call_send(op, call, on_response, op->state);
 *
 * and in its finish: oauth_call_done(call).
 */
#ifndef COMMON_OAUTH_CLIENT_H
#define COMMON_OAUTH_CLIENT_H

#include "buf.h"

#include <paa/plugin.h>

enum {
    OAUTH_FORM_MAX = 32 * 1024,  /* bytes of a request's form, with what authenticates the client */
    OAUTH_SECRET_MAX = 4 * 1024, /* bytes of a client_secret */
    OAUTH_ASSERTION_LIFE_S = 60,
    OAUTH_RESPONSE_MAX = 128 * 1024 /* bytes of an endpoint's response */
};

enum oauth_auth {                      /* RFC 7591 2, token_endpoint_auth_method */
                  OAUTH_AUTH_NONE = 1, /* a public client: client_id alone */
                  OAUTH_AUTH_BASIC,
                  OAUTH_AUTH_POST,
                  OAUTH_AUTH_PRIVATE_KEY_JWT,
                  OAUTH_AUTH_TLS,
                  OAUTH_AUTH_SELF_SIGNED_TLS
};

/* What a policy says of a client; flags: PAA_OPTION_OUTGOING, say. Each is optional by itself; what must stand
 * together is oauth_client_create's to say. */
#define OAUTH_CLIENT_OPTIONS(given_flags)                                                          \
    { .name = "client_id",                                                                         \
      .type = PAA_OPTION_STRING,                                                                   \
      .flags = (given_flags),                                                                      \
      .help = "who this is to the authorization server" },                                         \
        { .name = "client_auth",                                                                   \
          .type = PAA_OPTION_CHOICE,                                                               \
          .choices =                                                                               \
              "none|client_secret_basic|client_secret_post|private_key_jwt|tls_client_auth|"       \
              "self_signed_tls_client_auth",                                                       \
          .flags = (given_flags),                                                                  \
          .help = "how it proves that; client_secret_basic if there is a client_secret, "          \
                  "private_key_jwt if there is only a client_key" },                               \
        { .name = "client_secret",                                                                 \
          .type = PAA_OPTION_SECRET,                                                               \
          .flags = (given_flags),                                                                  \
          .help = "for client_secret_basic and client_secret_post" },                              \
        { .name = "client_key",                                                                    \
          .type = PAA_OPTION_KEY,                                                                  \
          .flags = (given_flags),                                                                  \
          .help = "for private_key_jwt; with its certificate for tls_client_auth, "                \
                  "self_signed_tls_client_auth and certificate_bound" },                           \
        { .name = "assertion_algorithm",                                                           \
          .type = PAA_OPTION_CHOICE,                                                               \
          .choices = "RS256|RS384|RS512|PS256|PS384|PS512|ES256|ES384|ES512|EdDSA|Ed25519",        \
          .flags = (given_flags),                                                                  \
          .help = "for private_key_jwt; if not given, the usual one of the key" },                 \
    {                                                                                              \
        .name = "assertion_audience", .type = PAA_OPTION_CHOICE,                                   \
        .choices = "issuer|token_endpoint", .fallback = "issuer", .flags = (given_flags),          \
        .help = "for private_key_jwt: whom the assertion names; old servers want their token "     \
                "endpoint's URL"                                                                   \
    }

struct oauth_client { /* of an instance; read-only after create */
    enum oauth_auth auth;
    struct paa_str id;               /* absent: the policy describes no client */
    const struct paa_source *secret; /* NULL: none */
    const struct paa_key *key;       /* NULL: none */
    struct paa_str algorithm;        /* of assertions; absent: by the key */
    bool names_endpoint;             /* assertions name the token endpoint in place of the issuer */
};

/* create only. has_issuer: the policy names the issuer, which assertions need. INVALID: refused, with a sentence. */
enum paa_status oauth_client_create(struct paa_op *op, bool has_issuer,
                                    struct oauth_client *ret_client);
/* create only, once for an instance. Warns of what is said of the client and has no effect. */
enum paa_status oauth_client_warn(struct paa_op *op, const struct oauth_client *client);
/* Likewise, where there is no client at all: nobody asks. why: "with token = …", the end of a sentence. */
enum paa_status oauth_client_warn_of_none(struct paa_op *op, const char *why);
/* create only. Can its certificate be shown at the URL of that option? OK if that cannot be known yet. INVALID: refused,
 * with a sentence. */
enum paa_status oauth_client_check_shown(struct paa_op *op, const struct oauth_client *client,
                                         const char *endpoint);
/* Does it show a certificate when it asks the server? Then metadata's aliases are its endpoints. */
bool oauth_client_shows_certificate(const struct oauth_client *client);
/* Another number when its secret or key is another one than before; 0: it has none, or it cannot be read. */
uint64_t oauth_client_version(struct paa_op *op, const struct oauth_client *client);

/* One request. All zero at first; may be sent again, with other parameters or the same, when it has been answered. */
struct oauth_call {
    /* the caller's; they live until the call is answered */
    const struct oauth_client *client;
    struct paa_str url;               /* the endpoint */
    struct paa_str issuer;            /* absent if the policy has none */
    struct paa_str token_endpoint;    /* for names_endpoint; absent: url */
    struct paa_str form;              /* the endpoint's own parameters, encoded; may hold secrets */
    struct paa_field header;          /* one more field (a DPoP proof); absent name: none */
    const struct paa_key *client_key; /* shown whatever the method (certificate-bound tokens); NULL:
                                       * as the method wants it */
    const struct paa_tls *tls;        /* how the server is verified; NULL: the instance's */
    uint32_t http_flags;              /* FOREIGN_URL, ONCE; SECRET is there always */
    uint32_t timeout_ms;              /* 0: the core's */
    /* oauth_client.c's own */
    struct buf body;
    struct buf text; /* Authorization, or what an assertion signs */
    struct paa_field headers[4];
    paa_http_fn then;
    void *context;
};

/* Waiting; as http->fetch. If the secret or key cannot be read, or no memory is left: fail was called, and its result
 * comes back in place of PENDING. If an assertion cannot be signed: `then` is told, with the status of keys->sign. The
 * response is the server's and not judged yet. */
enum paa_result oauth_call_send(struct paa_op *op, struct oauth_call *call, paa_http_fn then,
                                void *context);
/* Wipes and frees what it holds. */
void oauth_call_done(struct oauth_call *call);

/* ---- what it is made of; pure ------------------------------------------------------------------ */

/* Appends "Basic " and what RFC 6749 2.3.1 wants: base64 of the two, each form-encoded, with a colon between. */
void oauth_basic_write(struct buf *buf, struct paa_str id, struct paa_bytes secret);

struct oauth_assertion { /* RFC 7523 3 */
    struct paa_str algorithm;
    struct paa_str key_id;        /* absent: none */
    struct paa_bytes certificate; /* DER of the leaf, for x5t#S256; absent: none */
    struct paa_str client_id;
    struct paa_str audience;
    struct paa_bytes chance; /* for jti */
    int64_t now_s;
};
/* Appends "header.payload", which is to be signed. False: no memory, or too large. */
bool oauth_assertion_write(struct buf *buf, const struct oauth_assertion *assertion);
enum { OAUTH_KEY_WHY_SIZE = 192 };
/* Can the key of that SubjectPublicKeyInfo sign so? False: ret_why says what it can do, as a sentence. */
bool oauth_key_can(struct paa_bytes public_key, struct paa_str algorithm,
                   char ret_why[OAUTH_KEY_WHY_SIZE]);
/* The usual algorithm of a key, by its SubjectPublicKeyInfo; absent: it cannot sign assertions. */
struct paa_str oauth_algorithm_of(struct paa_bytes public_key);

#endif
