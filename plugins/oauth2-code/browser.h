/* SPDX-License-Identifier: MIT */
/*
 * Incoming: people with a browser (OpenID Connect Core, relying party), and bearer tokens of people. The plugin's tables
 * are oauth2-code.c's, tokens are common/bearer.h's.
 *
 * What is kept, and where:
 *   in the browser   the session, sealed (or its number alone, with session = "store"); attempts to log in, sealed
 *   opened           memo: a session's cookie as it came -> the session, so that one that was seen is not opened again
 *   renewals         memo: digest of a refresh token -> what it was redeemed for; one redemption, however many ask
 *   sessions         table: digest of a session's number -> the session; with session = "store"
 *   revoked          table: sessions that ended before their time, by id; by the provider's sid or sub
 *   used             table: states whose code was redeemed, logout tokens that were taken
 *
 * The way of a request: session_verify.c; session_find.c finds the session, session_revoked.c asks whether it ended,
 * session_renew.c renews the access token behind it, session_save.c writes it again. The way of a login: browser_begin.c
 * sends the browser away, browser_callback.c takes it back, browser_finish.c makes the session. browser_logout.c ends one,
 * browser_revoke.c the tokens behind it, browser_told.c those that the provider names.
 * browser_options.c reads the policy, browser_serve.c says which path is whose.
 */
#ifndef OAUTH2_CODE_BROWSER_H
#define OAUTH2_CODE_BROWSER_H

#include "bearer.h"
#include "buf.h"
#include "cookie_seal.h"
#include "cookie_text.h"
#include "session_content.h"

enum {
    BROWSER_CLAIMS_MAX = 32,                 /* names in the option "claims" */
    BROWSER_SCOPE_MAX = 4 * 1024,            /* bytes of scope and acr_values */
    BROWSER_OPENED_BYTES = 64 * 1024 * 1024, /* sessions that are remembered open: some 20,000 */
    BROWSER_RENEWALS_BYTES = 16 * 1024 * 1024,
    BROWSER_HOPS_MAX = 8,        /* renewals that one cookie may lie behind */
    BROWSER_RENEW_BEFORE_S = 10, /* an access token is renewed so long before it ends */
    BROWSER_REVOKE_MS = 2000,    /* so long a logout waits for tokens to be revoked */
    BROWSER_DIGEST_SIZE = 32,
    SESSION_NUMBER_SIZE = 32, /* bytes of chance that stand for a stored session */
    SESSION_NUMBER_TEXT = 43,
    BROWSER_SESSION_MAX =
        COOKIE_TEXT_MAX / 4 * 3 - COOKIE_EXTRA, /* bytes of a session in cookies */
    BROWSER_STORED_MAX = 48 * 1024              /* and in a store */
};

/* Beside those of bearer.h, oauth_client.h, scope and parameters, which both directions share. */
#define BROWSER_OPTIONS                                                                            \
    { .name = "callback",                                                                          \
      .type = PAA_OPTION_ENDPOINT,                                                                 \
      .flags = PAA_OPTION_INCOMING,                                                                \
      .help = "the path that browsers come back to from the provider, which must know it as "      \
              "redirect_uri; with it people log in" },                                             \
        { .name = "logout",                                                                        \
          .type = PAA_OPTION_ENDPOINT,                                                             \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .help = "the path that ends a session, here and at the provider" },                      \
        { .name = "backchannel_logout",                                                            \
          .type = PAA_OPTION_ENDPOINT,                                                             \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .help = "the path where the provider says that a session ended (OpenID Connect "         \
                  "Back-Channel Logout)" },                                                        \
        { .name = "after_logout",                                                                  \
          .type = PAA_OPTION_STRING,                                                               \
          .fallback = "/",                                                                         \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .help = "the path that browsers are sent to after logout; the provider must know it as " \
                  "post_logout_redirect_uri" },                                                    \
        { .name = "session",                                                                       \
          .type = PAA_OPTION_CHOICE,                                                               \
          .choices = "cookie|store",                                                               \
          .fallback = "cookie",                                                                    \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .help = "where sessions are kept: sealed in the browser's cookies, or in the store "     \
                  "state" },                                                                       \
        { .name = "cookie_key",                                                                    \
          .type = PAA_OPTION_SECRET,                                                               \
          .flags = PAA_OPTION_INCOMING | PAA_OPTION_LIST | PAA_OPTION_GENERATE,                    \
          .max = COOKIE_KEYS_MAX,                                                                  \
          .help = "what cookies are sealed with, 32 bytes or more; of several the first seals, "   \
                  "all open. If not given, sessions end when the program does" },                  \
        { .name = "idle",                                                                          \
          .type = PAA_OPTION_DURATION,                                                             \
          .fallback = "30m",                                                                       \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .min = 10000,                                                                            \
          .max = INT64_C(31536000000),                                                             \
          .help = "how long a session lasts without a request" },                                  \
        { .name = "lifetime",                                                                      \
          .type = PAA_OPTION_DURATION,                                                             \
          .fallback = "12h",                                                                       \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .min = 10000,                                                                            \
          .max = INT64_C(31536000000),                                                             \
          .help = "how long it lasts at most" },                                                   \
        { .name = "login_max_age",                                                                 \
          .type = PAA_OPTION_DURATION,                                                             \
          .flags = PAA_OPTION_INCOMING,                                                            \
          .max = INT64_C(31536000000),                                                             \
          .help = "how long ago people may have proven to the provider who they are, when they "   \
                  "log in (max_age)" },                                                            \
        { .name = "acr_values",                                                                    \
          .type = PAA_OPTION_STRING,                                                               \
          .flags = PAA_OPTION_INCOMING | PAA_OPTION_LIST,                                          \
          .help =                                                                                  \
              "how they must have proven it, best first: the ID token's acr is one of these" },    \
        { .name = "claims",                                                                        \
          .type = PAA_OPTION_STRING,                                                               \
          .flags = PAA_OPTION_INCOMING | PAA_OPTION_LIST,                                          \
          .max = BROWSER_CLAIMS_MAX,                                                               \
          .help = "claims of the ID token that the session keeps for the principal; if not "       \
                  "given, name, preferred_username, email and email_verified" },                   \
    {                                                                                              \
        .name = "upstream_token", .type = PAA_OPTION_BOOLEAN, .fallback = "false",                 \
        .flags = PAA_OPTION_INCOMING,                                                              \
        .help = "whether the application gets the person's access token, as Authorization: "       \
                "Bearer; it is renewed as long as the session lasts"                               \
    }

struct browser {       /* of an instance; read-only after create */
    bool is_on;        /* the policy has a callback */
    bool takes_tokens; /* and an audience: bearer tokens, too */
    bool in_store;
    bool passes_token;
    struct oauth_client client;
    const struct bearer_issuer *issuer;
    struct paa_str logout; /* absent: there is none; likewise the next */
    struct paa_str backchannel;
    struct paa_str callback;
    struct paa_str after_logout;
    struct session_times times;
    int64_t max_age_s; /* -1: any */
    struct buf scope;
    struct buf acr_values;
    struct cookie_names names;
    struct paa_memo *opened;    /* NULL with in_store */
    struct paa_memo *renewals;  /* NULL without passes_token */
    struct paa_table *sessions; /* NULL unless in_store */
    struct paa_table *revoked;
    struct paa_table *used;
};

struct incoming { /* what an instance begins with */
    struct bearer bearer;
    struct browser browser;
};

struct incoming_lane { /* what its lane memory begins with */
    struct bearer_lane bearer;
    struct cookie_lane cookie;
};

struct found { /* a session that was found; its texts live until the operation ends */
    struct session session;
    uint64_t version;                          /* of the record, with in_store */
    unsigned char by_sid[BROWSER_DIGEST_SIZE]; /* its keys in the table of revoked ones */
    unsigned char by_sub[BROWSER_DIGEST_SIZE];
};

struct browser_call { /* a request to the provider; freed with the operation */
    struct oauth_call call;
    struct buf form;
};

struct incoming_state { /* what the state of a slot begins with */
    struct bearer_state bearer;
    const struct found *found;
    struct browser_call *call;     /* NULL: none was made */
    const struct session *session; /* as it is to be granted: found, or renewed */
    bool is_to_write;
    unsigned hops; /* renewals so far */
};

static inline const struct incoming *incoming_of(struct paa_op *op)
{
    return (const struct incoming *)op->self;
}

static inline const struct browser *browser_of(struct paa_op *op)
{
    return &incoming_of(op)->browser;
}

static inline struct incoming_state *incoming_state_of(struct paa_op *op)
{
    return (struct incoming_state *)op->state;
}

static inline struct cookie_lane *cookie_lane_of(struct paa_op *op)
{
    return &((struct incoming_lane *)op->lane)->cookie;
}

/* ---- browser_options.c -------------------------------------------------------------------------- */

/* Both halves that judge what comes in. May be called when the instance only sends, and then does nothing. OK, or what
 * refuse returned; then, too, incoming_destroy is due. */
enum paa_status incoming_create(struct paa_op *op, struct incoming *incoming);
void incoming_destroy(struct incoming *incoming);
void incoming_lane_done(struct incoming_lane *lane);
/* finish, of an operation whose direction is incoming. */
void incoming_finish(struct paa_op *op);

/* ---- session_verify.c, browser_begin.c, browser_serve.c: the slots -------------------------------- */

enum paa_result incoming_verify(struct paa_op *op);
enum paa_result incoming_challenge(struct paa_op *op, const struct paa_denial *why);
enum paa_result incoming_serve(struct paa_op *op, const struct paa_endpoint *endpoint);
enum paa_result incoming_describe(struct paa_op *op);

/* ---- session_keys.c ----------------------------------------------------------------------------- */

/* The keys as they are now; to be wiped. False: fail was called. */
bool browser_keys(struct paa_op *op, struct cookie_keys *ret_keys);
/* Sealed into memory of the operation, for a cookie of that name. Absent: fail was called. */
struct paa_str browser_seal(struct paa_op *op, struct paa_str name, unsigned count,
                            struct paa_bytes plain);
/* Opened into memory of the operation. OK. NONE: it does not open. UNAVAILABLE: there are no keys, or no memory. */
enum paa_status browser_unseal(struct paa_op *op, struct paa_str name, unsigned count,
                               struct paa_str text, struct paa_bytes *ret_plain);
/* Adds a Set-Cookie field to the response. */
void browser_set_cookie(struct paa_op *op, struct paa_str name, struct paa_str value,
                        int64_t max_age_s, uint32_t flags);
/* Takes the session's cookies from the browser: those of its chunks from `from` on that the request shows. */
void browser_clear_session(struct paa_op *op, unsigned from, uint32_t flags);
/* The index-th of a cookie's value; absent also if Cookie fields are doubled. */
struct paa_str browser_cookie(struct paa_op *op, struct paa_str name);

/* ---- session_find.c ----------------------------------------------------------------------------- */

typedef enum paa_result (*found_fn)(struct paa_op *op, enum paa_status status,
                                    const struct found *found, void *context) PAA_NOEXCEPT;
/* Waiting, or its result. The session of the request, whether it is over or not. OK. NONE: it has none of ours.
 * UNAVAILABLE: it could not be found out. */
enum paa_result session_find(struct paa_op *op, found_fn then, void *context);
void opened_memo(struct paa_memo_def *ret_def);
/* Purpose, owner and text, digested: the key of a record in a table. "sid" and "sub", issuer: of revoked sessions.
 * "session", service and the number in the cookie: of a stored one. */
void browser_digest(const char *purpose, struct paa_str owner, struct paa_str text,
                    unsigned char ret_key[BROWSER_DIGEST_SIZE]);

/* ---- session_revoked.c -------------------------------------------------------------------------- */

typedef enum paa_result (*browser_fn)(struct paa_op *op, enum paa_status status,
                                      void *context) PAA_NOEXCEPT;
/* Waiting, or its result. OK: the session did not end before its time. DENIED: it did. */
enum paa_result session_ask_revoked(struct paa_op *op, const struct found *found, browser_fn then,
                                    void *context);

/* ---- session_save.c ----------------------------------------------------------------------------- */

/* Waiting, or its result. Into cookies, or the store and a cookie with its number; seen_at is what it says. new: it has
 * no record yet. flags: with which response. TOO_LARGE: it is. */
enum paa_result session_save(struct paa_op *op, const struct session *session, bool is_new,
                             uint32_t flags, browser_fn then, void *context);
/* Waiting, or its result. It ends now, wherever copies of its cookie are. */
enum paa_result session_end(struct paa_op *op, const struct found *found, browser_fn then,
                            void *context);

/* ---- session_renew.c ---------------------------------------------------------------------------- */

void renewals_memo(struct paa_memo_def *ret_def);
/* Waiting, or its result. The session with an access token that can be used, at state->session. DENIED: the provider
 * ended it. */
enum paa_result session_renew(struct paa_op *op, browser_fn then, void *context);
/* Waiting, or its result. state->session with the tokens that it was renewed with last, at state->session; nothing is
 * redeemed. OK. */
enum paa_result session_newest(struct paa_op *op, browser_fn then, void *context);

/* ---- browser_revoke.c --------------------------------------------------------------------------- */

struct oauth_metadata;
/* Waiting, or its result; always OK. call: memory of the operation, and nobody else's until it ends. */
enum paa_result session_revoke(struct paa_op *op, const struct session *session,
                               const struct oauth_metadata *metadata, struct browser_call *call,
                               browser_fn then, void *context);

/* ---- browser_begin.c, browser_callback.c, browser_finish.c, browser_logout.c, browser_told.c ------------- */

enum paa_result browser_begin(struct paa_op *op, const struct paa_denial *why);
enum paa_result browser_callback(struct paa_op *op);
enum paa_result browser_logout(struct paa_op *op);
enum paa_result browser_told(struct paa_op *op);
/* "https://host" of the request, and a path of it, in memory of the operation; absent: no memory. */
struct paa_str browser_url(struct paa_op *op, struct paa_str path);

#endif
