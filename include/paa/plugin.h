/*
 * paa/plugin.h: the ABI between the core and an authentication plugin. For plugin authors.
 * Knows nothing of policy syntax, threads, sockets or files: the core does those.
 *
 * A PLUGIN IN FIVE SENTENCES
 *  1. It exports one function (PAA_PLUGIN) that returns a const table of slots; it links no libpaa.
 *  2. The core checks the policy against its option table, then calls create once per instance.
 *  3. verify judges a request that came in, attach puts credentials on one that goes out.
 *  4. Every effect (network, files, time, chance, cache, log, slow work) goes through op->host.
 *  5. What can take time is started with a waiting call and goes on in the continuation it names.
 *
 * This file is all that most plugins need. Each further service has a header of its own in host/.
 *
 * WAITING
 *  A waiting call returns enum paa_result, always PAA_PENDING, and is the slot's return value:
 *      return op->host->memo->get(op, keys, &query, on_keys, my_context);
 *  Its outcome, good or bad, misuse included, reaches the continuation and nothing else does:
 *      on_keys(op, status, what_came, my_context)      what_came is NULL or absent unless OK
 *  It runs once the slot has returned, never inside the waiting call: at once on the same thread if
 *  the outcome is at hand, else when it has arrived, perhaps on another thread, with everything
 *  written before visible. What it returns is what the slot returns; it may wait again.
 *  - One wait at a time. A second is refused; PAA_PENDING without a wait, and any other result with
 *    a wait under way, are FAULT.
 *  - After cancellation (host gave up, deadline passed) no continuation runs; finish still does.
 *  - `context` is the caller's and lives as long as the operation: op->state, part of it, or
 *    host->alloc memory; never the stack.
 *
 * LIFETIMES
 *  until the call returns     what is said nowhere else
 *  until the operation ends   request views, alloc memory, memo objects, source bytes, op->state
 *  until destroy              options, and handles opened in create (memo, table)
 *  for ever                   the host table: an instance may keep op->host for release and destroy
 *  Strings and structs given to the core are copied by it before the call returns; but strings not
 *  where PAA_UNCOPIED or PAA_PRINCIPAL_UNCOPIED says that they live until the operation ends.
 *
 * THREADS
 *  Calls on one operation never overlap. Operations of one instance may: an instance is read-only
 *  once create has returned; what changes lives in memos and tables, what is scratch in op->lane.
 *  Slots of a request and their continuations run inside the host program's calls, on its lane.
 *  produce (with its continuations), decode, work, verbs, describe, create at reload and every
 *  destroy run on a few worker threads of the core; release and lane_done on any; nothing on the
 *  one that does I/O. A slot takes microseconds: what computes for over 200 us goes to work->run.
 *  Who calls libcrypto leaves the thread's error queue and errno as found.
 *
 * PROCESSES
 *  create may run before the host forks: it waits for nothing and keeps nothing that a child must
 *  not share (sessions of a PKCS#11 token, say). Operations, decoded objects and workers belong to
 *  one process: a child decodes anew and never releases the parent's objects.
 *
 * GENERATIONS
 *  A reload creates new instances beside old ones of the same name; running operations keep theirs.
 *  Bytes in memos and tables carry over to the instance of the same plugin and name, objects and
 *  self do not (host/memo.h says more).
 *
 * LIMITS named in these headers may rise in a later minor and never fall.
 */
#ifndef PAA_PLUGIN_H
#define PAA_PLUGIN_H

#include <paa/types.h>

#include <paa/host/clock.h>        /* clock, random, log */
#include <paa/host/conversation.h> /* asking the person; a verb's terminal */
#include <paa/host/http.h>         /* fetching */
#include <paa/host/keys.h>         /* secrets, files and private keys that options name */
#include <paa/host/memo.h>         /* a cache with a producer */
#include <paa/host/store.h>        /* tables that several processes share */
#include <paa/host/work.h>         /* slow functions */

#include <stdarg.h>
#include <stdio.h>

PAA_BEGIN_DECLS

struct paa_host;
struct paa_options; /* one checked group of options */

enum {
    PAA_OP_USED_INCOMING = 1u << 0, /* create: a service uses the instance this way */
    PAA_OP_USED_OUTGOING = 1u << 1
};

/* One operation: a slot with all its continuations. It begins when the core calls the slot and ends
 * with finish. verify and challenge share one (state is all zero where verify never ran); attach,
 * answered, serve, describe, a verb and a run of a producer each have their own. Read-only to
 * plugins, never copied: the core's own part lies behind. */
struct paa_op {
    uint32_t struct_size;
    uint32_t flags;
    enum paa_direction direction; /* of the request; 0 where there is none */
    uint32_t attempt;             /* attach: 1, or 2 after the peer refused attempt 1 */
    const struct paa_host *host;
    const struct paa_options *options; /* the instance's; finding one searches its name */
    void *self;  /* what create returned */
    void *state; /* state_size bytes of the plugin, verb or memo; zeroed first, wiped last */
    void *lane;  /* lane_size bytes of this instance that no other thread uses during the call;
                  * NULL in create. Keeps its content; after a wait it may be another one */
    struct paa_str instance; /* its name in the policy; NUL-terminated */
};

/* ==== 1. Request: what is being authenticated. Nothing here waits but the body. =================
 *    Operations without a request get NULL and absent.
 */

enum {
    PAA_VIEW_TLS = 1u << 0,        /* https, seen here or vouched for by a trusted proxy */
    PAA_VIEW_RESUMED = 1u << 1,    /* resumed TLS: a leaf may come without its intermediates */
    PAA_VIEW_EARLY_DATA = 1u << 2, /* may be a replay (RFC 8470) */
    PAA_VIEW_NAVIGATION = 1u << 3, /* a browser asks for a page and would follow a redirect */
    PAA_VIEW_BODY = 1u << 4,       /* content follows or is there */
    PAA_VIEW_BODY_MATCH = 1u << 5, /* outcome->body_must_match is possible */
    PAA_VIEW_ORIGIN = 1u << 6      /* scheme and authority are an origin of the policy's; else they are the client's words */
};

struct paa_request_view {
    uint32_t struct_size;
    uint32_t flags;
    int64_t body_size; /* -1: not known */
    struct paa_str service;
    struct paa_str method;
    struct paa_str scheme;         /* scheme and authority: as the outside sees them */
    struct paa_str authority;      /* lower case, default port dropped */
    struct paa_str path;           /* normalised, what rules match; the route if the host has one */
    struct paa_str query;          /* without "?" */
    struct paa_str target;         /* path and query as on the wire: what signatures cover */
    struct paa_str server_name;    /* SNI of the connection */
    struct paa_str peer_address;   /* of the connection itself: numeric, "unix:", or absent */
    struct paa_str client_address; /* who the host believes the client is */
};

/* OK, TOO_LARGE, UNSUPPORTED (the host cannot), UNAVAILABLE. body: content or digest; it lives
 * until the operation ends. */
typedef enum paa_result (*paa_body_fn)(struct paa_op *op, enum paa_status status,
                                       struct paa_bytes body, void *context) PAA_NOEXCEPT;

struct paa_host_request {
    uint32_t struct_size;
    uint32_t flags;
    const struct paa_request_view *(*view)(struct paa_op *op);
    /* The index-th field of that name, in any case, outer blanks removed; the index-th of all.
     * verify: as it came in. attach: with what earlier steps and this one set, so a signature
     * covers it. */
    struct paa_str (*header)(struct paa_op *op, struct paa_str name, size_t index);
    struct paa_field (*header_at)(struct paa_op *op, size_t index);
    /* The index-th cookie, as it is; the index-th query parameter, percent-decoded. */
    struct paa_str (*cookie)(struct paa_op *op, struct paa_str name, size_t index);
    struct paa_str (*parameter)(struct paa_op *op, struct paa_str name, size_t index);
    /* PAA_ATTRIBUTE_…; trusted as the host is. */
    struct paa_str (*attribute)(struct paa_op *op, struct paa_str name);
    /* DER, leaf first, asked of the host on demand. TLS proved possession, nobody judged trust. A chain that is too
     * long or too large comes as one empty certificate. */
    struct paa_bytes (*peer_certificate)(struct paa_op *op, size_t index);
    /* What earlier accepting steps established, the last one first. In attach, principal gives
     * those of the incoming request that the host linked, the primary one first. Fact names are
     * PAA_FACT_… or begin with a plugin's name; *ret_by (may be NULL) receives the instance. */
    struct paa_bytes (*fact)(struct paa_op *op, struct paa_str name, struct paa_str *ret_by);
    const struct paa_principal *(*principal)(struct paa_op *op, size_t index);
    /* Waiting; verify, attach and serve. The content, at most `limit` bytes (never over 1 MiB); or
     * its digest (RFC 9530 names: "sha-256", "sha-512"), for which a host need not hold it. attach:
     * the content as it will be sent. It is read once, for all steps: both digests are there for
     * steps that ask later, and so are the bytes, unless it was over 64 KiB and over the limits
     * named before it was that large: then TOO_LARGE. Who fails after TOO_LARGE: 413. */
    enum paa_result (*body)(struct paa_op *op, size_t limit, paa_body_fn then, void *context);
    enum paa_result (*body_digest)(struct paa_op *op, struct paa_str algorithm, paa_body_fn then,
                                   void *context);
};

/* The peer's leaf as DER, however it was learned: by the core from TLS, or by an mtls step from a
 * trusted proxy's header. RFC 8705 compares with this one. */
#define PAA_FACT_PEER_CERTIFICATE "paa.peer_certificate"

/* ==== 2. Outcome: what the operation wants to happen. Nothing here waits. =======================
 *    Kept aside until the final result. verify and attach: dropped unless ACCEPT; but fields of the
 *    response with ON_DENY stay after a REJECT (a fresh DPoP-Nonce). Other slots: dropped unless
 *    DONE; note and retry_after stay. A call that is refused turns ACCEPT and DONE
 *    into FAULT, so its status may go unread: INVALID (not in this slot, not a valid name or
 *    value), UNSUPPORTED (this host cannot).
 */

enum {
    PAA_ON_GRANT = 1u << 0, /* if the request is let in or sent; this one, if neither is named */
    PAA_ON_DENY = 1u << 1,  /* if it is turned away; a rotated session cookie wants both */
    PAA_SECRET = 1u << 2,   /* masked everywhere, never sent to another origin */
    PAA_UNCOPIED = 1u << 3  /* name and value live until the operation ends: not copied */
};

enum {
    PAA_CREDENTIAL_EVERY_RESPONSE = 1u << 0 /* `answered` wants good ones too: they carry nonces */
};

struct paa_challenge { /* one auth-scheme of WWW-Authenticate (RFC 9110 11.6.1) */
    uint32_t struct_size;
    uint32_t flags;
    struct paa_str scheme;
    struct paa_str token68;         /* or */
    const struct paa_field *params; /* quoted and escaped by the core */
    size_t param_count;
};

struct paa_host_outcome {
    uint32_t struct_size;
    uint32_t flags;

    /* verify, attach; challenge and serve: of the response, and it goes with their answer. Removing
     * from the request what verify consumed keeps it from the application. */
    enum paa_status (*header_set)(struct paa_op *op, enum paa_message where, struct paa_str name,
                                  struct paa_str value, uint32_t flags);
    enum paa_status (*header_add)(struct paa_op *op, enum paa_message where, struct paa_str name,
                                  struct paa_str value, uint32_t flags);
    enum paa_status (*header_remove)(struct paa_op *op, enum paa_message where,
                                     struct paa_str name);
    /* verify, attach: of the request. */
    enum paa_status (*parameter_add)(struct paa_op *op, struct paa_str name, struct paa_str value,
                                     uint32_t flags);
    enum paa_status (*parameter_remove)(struct paa_op *op, struct paa_str name);
    enum paa_status (*cookie_add)(struct paa_op *op, struct paa_str name, struct paa_str value,
                                  uint32_t flags);
    enum paa_status (*cookie_remove)(struct paa_op *op, struct paa_str name);

    /* attach: TLS shows this certificate and signs with this key; the steps of a chain agree on one. create: that
     * attach will do so, so that a host which cannot is told when it looks for the service, and chains that would show
     * two keys are found when the policy is loaded. */
    enum paa_status (*client_key)(struct paa_op *op, const struct paa_key *key);
    /* attach: the version of what was attached (a memo value's, a source's). The host's ticket
     * carries it, and answered gets it back. Up to 4 steps of a chain may name one. */
    enum paa_status (*credential)(struct paa_op *op, uint64_t version, uint32_t flags);

    /* verify: who it was; what later steps may build on. */
    enum paa_status (*principal)(struct paa_op *op, const struct paa_principal *principal);
    enum paa_status (*fact)(struct paa_op *op, struct paa_str name, struct paa_bytes value);
    /* verify: let in if the content, streamed later, has this digest; else the host drops it, and
     * 400 is the answer. Several: it has them all. Algorithms as those of body_digest. */
    enum paa_status (*body_must_match)(struct paa_op *op, struct paa_str algorithm,
                                       struct paa_bytes digest);

    /* challenge: one call per auth-scheme. */
    enum paa_status (*challenge)(struct paa_op *op, const struct paa_challenge *challenge);
    /* challenge, serve: a path of the same origin, or an https URL. serve: 302, or 303 after other
     * methods than GET and HEAD. */
    enum paa_status (*redirect)(struct paa_op *op, struct paa_str location);
    /* serve: the answer itself, 200 to 299 or 400 to 599; once. It is not kept by caches unless a
     * Cache-Control of header_set says so. */
    enum paa_status (*answer)(struct paa_op *op, uint32_t code, struct paa_str media_type,
                              struct paa_bytes body);
    /* describe: one member of the resource's metadata (RFC 9728), as JSON. Arrays of several
     * instances are joined, of other values the first counts, but true before false. */
    enum paa_status (*metadata)(struct paa_op *op, struct paa_str name, struct paa_str json);

    /* Any slot. When it is worth asking again, where the core cannot know it from a failed wait. */
    enum paa_status (*retry_after)(struct paa_op *op, int64_t delay_ms);
    /* Any slot. A named detail for audit and `paactl explain` (key id, certificate serial). */
    enum paa_status (*note)(struct paa_op *op, struct paa_str name, struct paa_str value);
};

/* ==== 3. Options: what the policy may say about an instance, as a table of rows ============== */

enum paa_option_type { /* read by */
    PAA_OPTION_STRING = 0x1001, /* string */
    PAA_OPTION_INTEGER,         /* number */
    PAA_OPTION_BOOLEAN,         /* number */
    PAA_OPTION_DURATION,        /* number, in ms: "90s", "15m" */
    PAA_OPTION_CHOICE,          /* number, the index in choices; or string */
    PAA_OPTION_URL,             /* string */
    PAA_OPTION_PATH,            /* source: a file or directory */
    PAA_OPTION_SECRET,          /* source: "env:", "file:", "exec:" or a literal */
    PAA_OPTION_KEY,             /* key: private, with certificates; inline or one of `keys` */
    PAA_OPTION_TLS,             /* tls: the core's own group (CA, versions, pins, proxy) */
    PAA_OPTION_ENDPOINT,        /* string: a path that this instance serves */
    PAA_OPTION_GROUP,           /* group: members of its own */
    PAA_OPTION_TYPE_PIN = 0x7fffffff
};

enum {
    PAA_OPTION_REQUIRED = 1u << 0,
    PAA_OPTION_LIST = 1u << 1,     /* a list of that type, not empty; groups: ( { … }, { … } ) */
    PAA_OPTION_GENERATE = 1u << 2, /* SECRET: a missing file: is made, mode 0600, 32 random bytes */
    PAA_OPTION_INCOMING = 1u << 3, /* only makes sense, and is only REQUIRED, if used this way; */
    PAA_OPTION_OUTGOING = 1u << 4, /* neither: both */
    PAA_OPTION_INSTANCE = 1u << 5  /* STRING of a verb: the policy has such an instance, of this plugin */
};

/* One row. The names `plugin`, `sha256`, `store`, `tls` and the group `paa` are the core's. A plugin
 * that fetches has a row `tls` of the type TLS: its fetches go by that group unless they name one. */
struct paa_option {
    const char *name;
    const char *help;     /* one line */
    const char *fallback; /* as it would stand in the policy; NULL: absent if not given */
    const char *choices;  /* CHOICE: "one|two|three" */
    const struct paa_option *members; /* GROUP; same row size */
    size_t member_count;
    enum paa_option_type type;
    uint32_t flags;
    int64_t min; /* INTEGER, DURATION, and the count of a LIST; both 0: any. Without an upper bound,
                  * max is INT64_MAX */
    int64_t max;
};

#define PAA_ALL ((size_t)-1)

enum paa_place { /* where in a request a credential may stand */
    PAA_PLACE_HEADER = 0x1101,
    PAA_PLACE_COOKIE,
    PAA_PLACE_PARAMETER,
    PAA_PLACE_CONNECTION, /* the certificate of its TLS, whoever tells of it; has no name */
    PAA_PLACE_PIN = 0x7fffffff
};

/* Types and ranges were checked. A name that is not in the table is logged and reads as absent.
 * Strings are NUL-terminated. index: 0 unless LIST; of source PAA_ALL: the whole list as one. */
struct paa_host_options {
    uint32_t struct_size;
    uint32_t flags;
    size_t (*count)(const struct paa_options *options, const char *name);
    struct paa_str (*string)(const struct paa_options *options, const char *name, size_t index);
    int64_t (*number)(const struct paa_options *options, const char *name, size_t index);
    const struct paa_options *(*group)(const struct paa_options *options, const char *name,
                                       size_t index);
    const struct paa_source *(*source)(const struct paa_options *options, const char *name,
                                       size_t index);
    const struct paa_key *(*key)(const struct paa_options *options, const char *name, size_t index);
    const struct paa_tls *(*tls)(const struct paa_options *options, const char *name, size_t index);
    /* create only. Where the instance reads its credential on incoming requests. The core refuses a
     * request that has it twice (400), removes it before the application sees the request, and
     * tells shared caches (RFC 9111 3.5). A plugin that reads elsewhere calls header_remove.
     * Cookies and connections are what browsers show by themselves: where such a credential carried
     * the walk, an unsafe method from another site is denied (403; Fetch Metadata, RFC 6454 7),
     * unless the principal of a connection is a machine. */
    enum paa_status (*reads)(const struct paa_options *options, enum paa_place place,
                             struct paa_str name);
    /* create only. What is wrong, or what `paactl check` should warn of; the core puts file:line in
     * front. refuse returns INVALID, for create to return. */
    enum paa_status (*refuse)(const struct paa_options *options, const char *name,
                              struct paa_str sentence);
    enum paa_status (*warn)(const struct paa_options *options, const char *name,
                            struct paa_str sentence);
};

/* ==== 4. The host table, and saying why ====================================================== */

/* Reasons that decide the answer. Every other one is a word for metrics and `explain`. */
#define PAA_REASON_INVALID_REQUEST "invalid_request"       /* 400 */
#define PAA_REASON_INVALID_TOKEN "invalid_token"           /* 401 */
#define PAA_REASON_USE_DPOP_NONCE "use_dpop_nonce"         /* 401 */
#define PAA_REASON_INSUFFICIENT_USER_AUTHENTICATION "insufficient_user_authentication" /* 401 */
#define PAA_REASON_INSUFFICIENT_SCOPE "insufficient_scope" /* 403 */
#define PAA_REASON_RATE_LIMITED "rate_limited"             /* 429 */

struct paa_host {
    uint32_t abi;
    uint32_t struct_size;

    /* Says why and returns `result`, so that a slot can end with it; ACCEPT, DONE, PENDING and what
     * is no result come back as FAULT. reason: a constant word. sentence: for operators, never for
     * the client, with nothing secret in it; absent: what the last wait that failed had to say. */
    enum paa_result (*fail)(struct paa_op *op, enum paa_result result, const char *reason,
                            struct paa_str sentence);
    /* Zeroed, aligned for anything, wiped and freed with the operation; NULL above 256 KiB. */
    void *(*alloc)(struct paa_op *op, size_t size);

    const struct paa_host_request *request;
    const struct paa_host_outcome *outcome;
    const struct paa_host_options *options;
    const struct paa_host_sources *sources;
    const struct paa_host_keys *keys;
    const struct paa_host_http *http;
    const struct paa_host_memo *memo;
    const struct paa_host_store *store;
    const struct paa_host_work *work;
    const struct paa_host_clock *clock;
    const struct paa_host_random *random;
    const struct paa_host_log *log;
    const struct paa_host_conversation *conversation;
};

/* ==== 5. The plugin's table ================================================================== */

struct paa_denial { /* why challenge is asked */
    uint32_t struct_size;
    uint32_t flags;
    uint32_t code;          /* 401; 403 when `require` was not met; 302: a browser's navigation, and
                             * nothing but a login of mine is missing: redirect is followed */
    enum paa_result result; /* mine; 0 if the chain ended before my step */
    struct paa_str error;   /* PAA_REASON_…: what my verify rejected it with, or, of what it accepted,
                             * what `require` misses; absent if the core has nothing to say */
    struct paa_str scope;   /* what the rule requires */
    struct paa_str realm;
    struct paa_str resource_metadata; /* URL of the RFC 9728 document; absent: none is published */
    int64_t max_age_s; /* what the rule requires (RFC 9470 3); 0: nothing */
};

struct paa_endpoint { /* which of my paths was asked for */
    uint32_t struct_size;
    uint32_t flags;
    struct paa_str option; /* the ENDPOINT option */
    size_t index;
};

typedef enum paa_status (*paa_create_fn)(struct paa_op *op, void **ret_self) PAA_NOEXCEPT;
typedef void (*paa_destroy_fn)(void *self) PAA_NOEXCEPT;
typedef enum paa_status (*paa_lane_init_fn)(void *lane, const void *self) PAA_NOEXCEPT;
typedef void (*paa_lane_done_fn)(void *lane, const void *self) PAA_NOEXCEPT;
typedef enum paa_result (*paa_slot_fn)(struct paa_op *op) PAA_NOEXCEPT;
typedef enum paa_result (*paa_challenge_fn)(struct paa_op *op,
                                            const struct paa_denial *why) PAA_NOEXCEPT;
typedef enum paa_result (*paa_answered_fn)(struct paa_op *op,
                                           const struct paa_response *response) PAA_NOEXCEPT;
typedef enum paa_result (*paa_serve_fn)(struct paa_op *op,
                                        const struct paa_endpoint *endpoint) PAA_NOEXCEPT;
typedef enum paa_result (*paa_verb_fn)(struct paa_op *op,
                                       const struct paa_options *arguments) PAA_NOEXCEPT;
typedef void (*paa_finish_fn)(struct paa_op *op) PAA_NOEXCEPT;

struct paa_verb { /* a row: one verb of `paactl run`. Prints with conversation->emit */
    const char *name;
    const char *help; /* one line */
    const struct paa_option *arguments; /* same row size as the plugin's options */
    size_t argument_count;
    size_t state_size;
    paa_verb_fn run; /* DONE; REJECT, ABSENT; UNAVAILABLE; FAULT: exit status 0; 1; 3; 2. PENDING */
    paa_finish_fn finish; /* optional */
};

enum { /* struct paa_plugin, flags */
    PAA_PLUGIN_LOGIN = 1u << 0 /* challenge may send a browser to log in: it calls outcome->redirect */
};

struct paa_plugin {
    uint32_t abi; /* PAA_ABI of the header it was compiled with */
    uint32_t struct_size;
    uint32_t needs_abi; /* the oldest core it can live with; same major. 0: as abi */
    uint32_t flags;
    const char *name;    /* [a-z0-9-]+, the one in the symbol and of the file */
    const char *version; /* the plugin's own */
    const char *summary; /* one line */

    const struct paa_option *options; /* PAA_ROWS(options) fills these three */
    size_t option_count;
    size_t option_size;
    const struct paa_verb *verbs; /* likewise */
    size_t verb_count;
    size_t verb_size;
    size_t state_size; /* op->state in the slots below */
    size_t lane_size;  /* op->lane everywhere */

    /* Optional. Once per instance and generation; waits for nothing, fetches nothing, opens no
     * store file. *ret_self may stay NULL. OK; what refuse returned; UNAVAILABLE, with fail. */
    paa_create_fn create;
    /* Optional. Once per successful create, after all else of the instance. */
    paa_destroy_fn destroy;

    /* Optional. Memory per (instance, lane) for what is costly to make and must not be shared (a
     * cipher context); zero before init. init: before the first use on that lane; if not OK, the
     * operation is FAULT. done: once per successful init, before destroy, on any thread. A worker
     * of the core counts as a lane. */
    paa_lane_init_fn lane_init;
    paa_lane_done_fn lane_done;

    /* At least one of the two; a policy that needs the missing one is refused. Once per step.
     * ACCEPT, ABSENT, REJECT, UNAVAILABLE, IGNORE, FAULT, PENDING. */
    paa_slot_fn verify;
    paa_slot_fn attach;
    /* Optional. After a denial, of every step in policy order, whether its verify ran or not.
     * DONE: told outcome. ABSENT: nothing to say. UNAVAILABLE, FAULT: so too, logged; but where a login
     * is all that is missing, UNAVAILABLE is answered 503. PENDING. */
    paa_challenge_fn challenge;
    /* Optional. The peer refused (401) a request that attach accepted, or, with EVERY_RESPONSE,
     * answered it in any way. An operation of its own: the same request, response->version, perhaps
     * much later, on another lane, in a newer generation if the instance's options are the same.
     * At most once per response that the host reports. Effects on the request belong to attach.
     * DONE: sending once more may help. ABSENT: it will not. UNAVAILABLE, FAULT: so too. PENDING. */
    paa_answered_fn answered;
    /* Mandatory with ENDPOINT options. No rule and no chain was asked: judge the request yourself.
     * DONE: answered by outcome->answer or redirect. Else the core's error page: ABSENT 404; REJECT
     * 403, or by its reason 400, 429; UNAVAILABLE 503; FAULT 500. PENDING. */
    paa_serve_fn serve;
    /* Optional. What the instance adds to the metadata of the services it protects (issuers). After
     * create, when somebody asks for it, and again from time to time; no request. DONE, ABSENT; on
     * UNAVAILABLE and FAULT what it said last is used on. PENDING. */
    paa_slot_fn describe;
    /* Optional. Ends every operation of the slots above exactly once, completed or cancelled, when
     * nothing of it runs any more. Frees what state points to. Waits for nothing. */
    paa_finish_fn finish;
};

/* ==== 6. The exported symbol: paa_plugin_<major>_<name>, with "-" written "_" ================ */

typedef const struct paa_plugin *(*paa_plugin_fn)(void) PAA_NOEXCEPT;

/* PAA_PLUGIN(my_plugin, table); ident is that last part of the symbol. */
#define PAA_PLUGIN(ident, table)                                                                   \
    PAA_BEGIN_DECLS                                                                                \
    PAA_API const struct paa_plugin *paa_plugin_1_##ident(void) PAA_NOEXCEPT;                      \
    const struct paa_plugin *paa_plugin_1_##ident(void) PAA_NOEXCEPT                               \
    {                                                                                              \
        return &(table);                                                                           \
    }                                                                                              \
    PAA_END_DECLS                                                                                  \
    typedef int paa_plugin_needs_a_semicolon_##ident

/* A table of rows: its address, count and row size. */
#define PAA_ROWS(array) (array), sizeof(array) / sizeof((array)[0]), sizeof((array)[0])

/* ---- conveniences, compiled into the plugin; no part of the ABI ----------------------------- */

/* host->fail with a format; cut at 512 bytes. For ABSENT and IGNORE plain `return` is enough. */
PAA_PRINTF(4, 5)
PAA_COLD static inline enum paa_result paa_fail(struct paa_op *op, enum paa_result result,
                                       const char *reason, const char *format, ...)
{
    char sentence[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return op->host->fail(op, result, reason, paa_str_of(sentence));
}

/* The first field of that name. */
static inline struct paa_str paa_header(struct paa_op *op, const char *name)
{
    return op->host->request->header(op, paa_str_of(name), 0);
}

/* A string option that is no list. */
static inline struct paa_str paa_option_string(struct paa_op *op, const char *name)
{
    return op->host->options->string(op->options, name, 0);
}

/* The bytes of a SECRET or PATH option as they are now. */
static inline struct paa_bytes paa_option_bytes(struct paa_op *op, const char *name)
{
    return op->host->sources->read(op, op->host->options->source(op->options, name, 0), 0);
}

PAA_END_DECLS

#endif

/*
 * HISTORY
 *  1.0  first
 */
