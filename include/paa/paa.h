/*
 * paa/paa.h: authenticate API requests from a host program.
 *
 *   context   policy and loaded plugins; opened once, before fork; shared by all threads
 *   lane      what one thread at a time works with; opened after fork; one per event loop or worker
 *   service   a name in the policy ("orders-api"); outlives reloads
 *   peer      the other end of one connection (incoming): address, certificates
 *   txn       one request being authenticated, on one lane
 *
 * THREADS
 *  Code of a plugin that belongs to one request runs inside paa_txn_begin, _advance, _wait, _body,
 *  _retry and _end, on the thread that calls them, and nowhere else. All else (fetches,
 *  timers, producers of shared values, watching files, store writes, create at reload, destroy)
 *  runs on threads of the context, which start when a lane first needs them. They never call the
 *  host unless it said PAA_OPEN_ANY_THREAD.
 *  A lane, its transactions and what they return are used by one thread at a time. The thread may
 *  change between calls (goroutines, thread pools) if the host orders the calls.
 *
 * LIFETIMES
 *  What the host passes in need live only until the call returns, a PAA_REQUEST_STABLE request
 *  until paa_txn_end. What the core hands out lives until the next call on that transaction that
 *  takes it non-const, or its end.
 *
 * FORK
 *  Before the first lane: freely, with the context open. After: a lane opened before the fork
 *  answers 503 in the child, which opens its own.
 *
 * MANNERS
 *  The core's threads block every signal. It installs no handler, changes no disposition,
 *  environment, locale or umask, reaps only its own children, and leaves errno and OpenSSL's error
 *  queue as it found them. libpaa is never unmapped.
 *
 * FAIL CLOSED
 *  Zero is never a yes. Every paa_txn_ function takes a NULL transaction (memory or a limit ran
 *  out, wrong process, context stopped) and treats it as one answered 503.
 *
 * CALLS
 *  What can fail returns 0, or -1 with *error filled; error may be NULL. Lists go by index, NULL
 *  past the last. Close and end take the address of a pointer, which may be NULL already. For
 *  structs see types.h: those that the core hands out state its own struct_size.
 */
#ifndef PAA_PAA_H
#define PAA_PAA_H

#include <paa/types.h>

PAA_BEGIN_DECLS

struct paa_context;
struct paa_service;
struct paa_lane;
struct paa_peer;
struct paa_txn;

/* "1.0.3", of the library at run time. */
PAA_API const char *paa_version(void);

/* ==== 1. Context ============================================================================= */

/* line is masked, without newline. Called only inside calls of the host, or see ANY_THREAD. */
typedef void (*paa_log_fn)(enum paa_level level, struct paa_str line, void *user) PAA_NOEXCEPT;

/* One finding of the policy check, inside paa_context_open. Those of a reload go to the log, and the first one
 * into its error. line 0: the whole file. */
typedef void (*paa_diagnostic_fn)(enum paa_level level, const char *file, int line,
                                  const char *sentence, void *user) PAA_NOEXCEPT;

/* Asks a person inside paa_context_open and paa_context_run (the passphrase of a key file).
 * Writes the reply, at most size bytes, and returns its size; -1 declines. */
typedef int64_t (*paa_converse_fn)(const struct paa_prompt *prompt, char *ret_reply, size_t size,
                                   void *user) PAA_NOEXCEPT;

/* For tests; any thread. ns since 1970; ns from any zero; 0 or -1. */
typedef int64_t (*paa_real_time_fn)(void *user) PAA_NOEXCEPT;
typedef int64_t (*paa_monotonic_fn)(void *user) PAA_NOEXCEPT;
typedef int (*paa_random_fn)(void *ret_bytes, size_t size, void *user) PAA_NOEXCEPT;

/* What this host can do. A service that needs more is not found (paa_service_find), and a reload after which one in use
 * would need more is refused, with file:line. */
enum {
    PAA_CAN_PEER_CERT = 1u << 0,  /* shows the peer's certificates */
    PAA_CAN_BODY = 1u << 1,       /* waits for a request's content and passes it */
    PAA_CAN_BODY_MATCH = 1u << 2, /* passes it after ALLOW too, and stops one that fails then */
    PAA_CAN_PROMPT = 1u << 3,     /* puts prompts of a transaction to a person */
    PAA_CAN_BROWSER = 1u << 4,    /* answers reach a browser; endpoint paths are routed to PAA */
    PAA_CAN_UPSTREAM = 1u << 5,   /* applies request edits before passing a request on */
    PAA_CAN_CLIENT_KEY = 1u << 6, /* presents client certificates it is handed */
    PAA_CAN_RETRY = 1u << 7       /* reports responses and can send once more */
};

enum {
    PAA_OPEN_ANY_THREAD = 1u << 0,      /* log_fn may be called at once, from any thread */
    PAA_OPEN_WATCH = 1u << 1,           /* reload by itself when the policy's file changes, or a
                                         * *.conf of its folder */
    PAA_OPEN_SHARED_COUNTERS = 1u << 2, /* processes forked after open count into one block */
    PAA_OPEN_CHECK = 1u << 3,           /* only check: no `exec:` runs, no lane can be opened */
    PAA_OPEN_OFFLINE = 1u << 4          /* fetches nothing and writes no store (`paactl explain`) */
};

struct paa_context_options {
    uint32_t struct_size;
    uint32_t flags;               /* PAA_OPEN_ */
    uint32_t can;                 /* PAA_CAN_ */
    enum paa_level log_level;     /* 0: NOTICE. Lines below it are not even formatted */
    const char *policy;           /* file or directory */
    const char *plugin_dir;       /* NULL: where this library was installed to look */
    paa_log_fn log_fn;            /* NULL: standard error */
    paa_diagnostic_fn diagnostic_fn; /* NULL: they go to the log */
    paa_converse_fn converse_fn;  /* NULL: what needs a person fails */
    paa_real_time_fn real_time_fn;   /* NULL: the system's; likewise the next two */
    paa_monotonic_fn monotonic_fn;
    paa_random_fn random_fn;
    void *user;                   /* last argument of all of the above */
    uint64_t max_pending;         /* suspended transactions; beyond: 503. 0: 4096. One instance may
                                   * hold half of them: one dead issuer must leave room */
    uint64_t max_pending_bytes;   /* memory their copies may hold together; 0: 64 MiB */
    const char *const *allow_plugins; /* CHECK: plugins outside plugin_dir that may be loaded, by */
    size_t allow_plugin_count;        /* absolute path; all others there are refused */
};

/* Reads the policy, loads plugins, creates instances, checks all. Starts no thread, opens no socket
 * and no store, fetches nothing; `exec:` secrets do run. So it serves a configuration test, a
 * privileged master, a parent that forks. */
PAA_API PAA_MUST_USE int paa_context_open(struct paa_context **ret_context,
                                          const struct paa_context_options *options,
                                          struct paa_error *error);

/* Loads the policy again, on the context's thread; running transactions keep the generation they
 * began with. Any thread. wait_ms 0: returns at once, the outcome is logged.
 * 1: done. 0: under way. -1: refused, the old one serves on. */
PAA_API int paa_context_reload(struct paa_context *context, int32_t wait_ms,
                               struct paa_error *error);

/* 1 after open, one more after each reload that took. Any thread. */
PAA_API uint64_t paa_context_generation(const struct paa_context *context);

/* Any thread. */
PAA_API void paa_context_log_level(struct paa_context *context, enum paa_level level);

/* From now on begin answers 503, and what is suspended ends so; wakes every wait. Any thread;
 * returns at once; async-signal-safe. Frees nothing. */
PAA_API void paa_context_stop(struct paa_context *context);

/* Stops, joins own threads (bounded: no name resolution or TLS time-out is waited for; what was sent
 * and is good once only is, a refresh token, until the plugin's own deadline for it),
 * destroys instances, wipes; *context = NULL. Every lane and peer must be closed. In a forked child that
 * opened no lane while its parent had some, nothing is taken apart: it goes with the process. */
PAA_API void paa_context_close(struct paa_context **context);

/* One counter or gauge. Label values are "" where they do not apply. */
enum {
    PAA_SAMPLE_TOTAL = 1u << 0 /* only grows; else it goes up and down */
};

struct paa_sample {
    uint32_t struct_size;
    uint32_t flags;
    const char *name; /* Prometheus style: "paa_decisions_total" */
    const char *service;
    const char *instance;
    const char *result;
    double value;
};
typedef void (*paa_sample_fn)(const struct paa_sample *sample, void *user) PAA_NOEXCEPT;

/* Sums over lanes (and processes, if shared). Any thread; takes no lock that a request takes. */
PAA_API void paa_context_counters(struct paa_context *context, paa_sample_fn sample_fn, void *user);

/* A verb of a plugin (`mint`, `login`), as `paactl run` does it. */
typedef void (*paa_write_fn)(const char *data, size_t size, void *user) PAA_NOEXCEPT;
/* A line without its newline; its size, or -1 at the end. */
typedef int64_t (*paa_read_fn)(char *ret_line, size_t size, void *user) PAA_NOEXCEPT;

enum {
    PAA_COMMAND_JSON = 1u << 0 /* records as JSON, not as a table */
};

struct paa_command {
    uint32_t struct_size;
    uint32_t flags;
    const char *instance;
    const char *verb;
    const char *const *arguments; /* "name=value", checked against the verb's option table */
    size_t argument_count;
    paa_write_fn write_fn;
    paa_read_fn read_fn; /* NULL: no input */
    void *user;
};
/* Blocks. The exit status: 0 yes, 1 no, 2 usage or fault, 3 unavailable. */
PAA_API int paa_context_run(struct paa_context *context, const struct paa_command *command,
                            struct paa_error *error);

/* One option of a plugin, or one argument of a verb. Option "" introduces the plugin, or the verb. */
enum {
    PAA_INFO_REQUIRED = 1u << 0,
    PAA_INFO_SECRET = 1u << 1,
    PAA_INFO_INCOMING = 1u << 2,
    PAA_INFO_OUTGOING = 1u << 3
};

struct paa_option_info {
    uint32_t struct_size;
    uint32_t flags;
    const char *plugin;
    const char *version;
    const char *path;
    const char *verb;   /* NULL: the policy's options, which come first */
    const char *option; /* "group.member" for members of groups */
    const char *type;
    const char *fallback;
    const char *help;
};
typedef void (*paa_option_info_fn)(const struct paa_option_info *info, void *user) PAA_NOEXCEPT;

/* plugin_dir NULL: as at open. plugin NULL: all that are found there. */
PAA_API int paa_plugin_describe(const char *plugin_dir, const char *plugin,
                                paa_option_info_fn info_fn, void *user, struct paa_error *error);

/* ==== 2. Service ============================================================================= */

/* Looked up once, when configured. Lives as long as the context and survives reloads; where a later
 * policy has no such service, its transactions are denied. NULL with *error filled: there is none, it
 * has the other direction, or it needs what this host has not said it can do. Any thread. */
PAA_API struct paa_service *paa_service_find(struct paa_context *context, const char *name,
                                             enum paa_direction direction,
                                             struct paa_error *error);

/* The paths that PAA itself serves here: login callbacks, logout, the metadata document (RFC 9728).
 * A host that routes by path sends requests for them to PAA as any other: they end as ANSWER. */
typedef void (*paa_endpoint_fn)(struct paa_str path, void *user) PAA_NOEXCEPT;
PAA_API void paa_service_endpoints(const struct paa_service *service, paa_endpoint_fn endpoint_fn,
                                   void *user);

/* ==== 3. Lane ================================================================================ */

/* A few KiB. Holds transactions, counters and kept cryptographic contexts, so that a request
 * neither allocates nor shares a written cache line. */
PAA_API PAA_MUST_USE int paa_lane_open(struct paa_lane **ret_lane, struct paa_context *context,
                                       struct paa_error *error);

/* Readable (level-triggered) while paa_lane_next has something. The lane's: never read, write or
 * close it. For epoll, kqueue, libevent, libuv, asyncio. No timer is needed beside it. */
PAA_API int paa_lane_fd(const struct paa_lane *lane);

/* A transaction of this lane that can go on (or ran out of time), or NULL: call paa_txn_advance on
 * it, now or later in this turn. Runs no plugin code. Any number of times; transactions may be
 * begun and ended in between. Also delivers queued log lines. */
PAA_API struct paa_txn *paa_lane_next(struct paa_lane *lane);

/* Makes the paa_txn_wait in progress on this lane return early, or the next one. Any thread;
 * async-signal-safe. */
PAA_API void paa_lane_interrupt(struct paa_lane *lane);

/* Ends what transactions are left: their pointers are dead afterwards; *lane = NULL. */
PAA_API void paa_lane_close(struct paa_lane **lane);

/* ==== 4. Peer ================================================================================ */

/* At most once, when a plugin first wants the peer's certificates, inside a call on one of its
 * transactions: give each with paa_peer_cert. */
typedef void (*paa_peer_cert_fn)(struct paa_peer *peer, void *user) PAA_NOEXCEPT;

enum {
    PAA_PEER_TLS = 1u << 0,    /* TLS ended here */
    PAA_PEER_RESUMED = 1u << 1 /* resumed session: a leaf may come without its intermediates */
};

struct paa_peer_options {
    uint32_t struct_size;
    uint32_t flags;             /* PAA_PEER_ */
    struct paa_bytes address;   /* the struct sockaddr of the transport itself, whatever
                                 * X-Forwarded-For says: trust in proxies goes by it. Absent:
                                 * unknown, so untrusted */
    struct paa_str server_name; /* SNI that the client sent (RFC 6066 3) */
    paa_peer_cert_fn cert_fn;   /* NULL: no certificates */
    void *user;
};

/* One per connection: what was found out about its certificates is remembered there. Used by
 * transactions of any lane; closed after the last of them ended. */
PAA_API PAA_MUST_USE int paa_peer_open(struct paa_peer **ret_peer, struct paa_context *context,
                                       const struct paa_peer_options *options);

/* Only inside cert_fn; DER, leaf first, copied. -1: too many or too large, the chain is no use. */
PAA_API int paa_peer_cert(struct paa_peer *peer, struct paa_bytes der);

PAA_API void paa_peer_close(struct paa_peer **peer);

/* ==== 5. Request ============================================================================= */

enum {
    PAA_REQUEST_STABLE = 1u << 0,        /* views live until paa_txn_end; else begin copies them */
    PAA_REQUEST_NO_WAIT = 1u << 1,       /* instead of PENDING: start what is missing, answer 503 */
    PAA_REQUEST_TRACE = 1u << 2,         /* time each step and keep its sentence (paa_txn_step) */
    PAA_REQUEST_EARLY_DATA = 1u << 3,    /* came in TLS early data (RFC 8470): may be a replay */
    PAA_REQUEST_ROUTE_ENCODED = 1u << 4, /* route is percent-encoded, not decoded */
    PAA_REQUEST_BODY = 1u << 5           /* content follows or is there */
};

struct paa_request {
    uint32_t struct_size;
    uint32_t flags;           /* PAA_REQUEST_ */
    int64_t timeout_ms;       /* for all suspensions together; 0: the service's */
    int64_t body_size;        /* 0 with BODY: not known */
    struct paa_str method;
    struct paa_str scheme;    /* "http", "https"; of this hop. The policy knows the public one */
    struct paa_str authority; /* :authority or Host as received (RFC 9110 7.2); absent: none came */
    struct paa_str target;    /* as on the wire: "/a%20b?c=d". Outgoing: may be a whole URL */
    struct paa_str route;     /* incoming: the path the host will act on, if not the target's */
    const struct paa_field *headers; /* every field, in order, duplicates kept */
    size_t header_count;      /* over 256, or over 64 KiB in all: answered 431 */
    const struct paa_field *attributes; /* PAA_ATTRIBUTE_…, and the host's own */
    size_t attribute_count;
    struct paa_peer *peer;    /* incoming; NULL: nothing known */
    struct paa_bytes client;  /* incoming: struct sockaddr of who the host believes the client is;
                               * absent: the peer */
    const struct paa_txn *caller; /* outgoing: the allowed incoming transaction it serves, for
                               * plugins that exchange or pass on its identity; or NULL. Must not be
                               * ended before begin or retry has returned */
    void *user;               /* paa_txn_user */
};

/* ==== 6. Transaction ========================================================================= */

enum paa_state {
    PAA_TXN_ALLOW = 0x6001, /* apply the edits and go on: pass it in, or send it out */
    PAA_TXN_ANSWER,  /* do not go on. Incoming: send paa_txn_answer. Outgoing: it says why not */
    PAA_TXN_PENDING, /* paa_lane_fd will be readable; or paa_txn_wait */
    PAA_TXN_INPUT,   /* give what paa_txn_wants names, then advance */
    PAA_TXN_OVER,    /* only of paa_txn_retry: the response stands, deliver it */
    PAA_STATE_PIN = 0x7fffffff
};

/* Begins, and runs as far as possible: mostly to the end, without allocation, lock or system call.
 * *ret_txn is set whatever is returned, NULL if there is nothing to keep; end it always. */
PAA_API PAA_MUST_USE enum paa_state paa_txn_begin(struct paa_txn **ret_txn, struct paa_lane *lane,
                                                  struct paa_service *service,
                                                  const struct paa_request *request);

/* Goes on if it can; harmless and cheap if it cannot, or is finished. Never blocks. */
PAA_API PAA_MUST_USE enum paa_state paa_txn_advance(struct paa_txn *txn);

/* Blocks until finished or INPUT; at once if it is. PENDING only after wait_ms (-1: no limit but
 * the transaction's own) or paa_lane_interrupt. Not for event loops. */
PAA_API PAA_MUST_USE enum paa_state paa_txn_wait(struct paa_txn *txn, int32_t wait_ms);

/* Abandons it if it runs; wipes; *txn = NULL. Never blocks. A fetch others wait for goes on. */
PAA_API void paa_txn_end(struct paa_txn **txn);

PAA_API void *paa_txn_user(const struct paa_txn *txn);

enum { /* what the transaction still has use for */
    PAA_WANTS_BODY = 1u << 0,    /* with INPUT: before deciding. With ALLOW: while passing it on */
    PAA_WANTS_PROMPT = 1u << 1,  /* with INPUT: paa_txn_prompt */
    PAA_WANTS_RESPONSE = 1u << 2 /* with ALLOW: tell paa_txn_retry of each response, not just 401 */
};
PAA_API uint32_t paa_txn_wants(const struct paa_txn *txn);

/* The next piece of the request's content; last != 0 ends it (it may be empty). Digested, and kept
 * only as far as a plugin needs (too large: ANSWER 413). Returns INPUT or ALLOW until the last
 * piece, then the state; another one before that, if it no longer needs the rest. The transaction's
 * time runs on meanwhile (over: 503). A piece that was not asked for is taken too, until it is
 * decided. ANSWER after ALLOW: not the content that was signed; stop the request. */
PAA_API PAA_MUST_USE enum paa_state paa_txn_body(struct paa_txn *txn, struct paa_bytes piece,
                                                 int last);

/* What to show or ask; NULL without PAA_WANTS_PROMPT. */
PAA_API const struct paa_prompt *paa_txn_prompt(const struct paa_txn *txn);
/* The reply to it, copied, wiped after use; absent declines. Prompts that only show need none. */
PAA_API void paa_txn_reply(struct paa_txn *txn, struct paa_str reply);

/* Which credentials went out with ALLOW, by version. A value without memory behind it: keep it
 * beside the request, copy it, drop it; the transaction can end before the request is even sent. It
 * names no secret, and is of use in this process only. */
struct paa_ticket {
    uint64_t word[8];
};
PAA_API void paa_txn_ticket(const struct paa_txn *txn, struct paa_ticket *ret_ticket);

/* Outgoing: the peer answered the request that carried the ticket's credentials. On any lane; for
 * 401 always, for all else if PAA_WANTS_RESPONSE was set (a new DPoP-Nonce comes with 2xx, RFC 9449
 * 8.2). request: the same as then, attributes and caller too. Runs `answered` of the steps that
 * attached; where one of them says that it may help, the chain once more, as attempt 2.
 *   OVER     deliver the response
 *   ALLOW    renewed credentials: send it once more, if its content can be sent again
 *   PENDING, INPUT, ANSWER   as after begin; PENDING may still become OVER
 * End *ret_txn whatever came. A redirect is no retry: begin a transaction for the new target. */
PAA_API PAA_MUST_USE enum paa_state paa_txn_retry(struct paa_txn **ret_txn, struct paa_lane *lane,
                                                  struct paa_service *service,
                                                  const struct paa_request *request,
                                                  const struct paa_ticket *ticket,
                                                  const struct paa_response *response);

/* ==== 7. What came of it ===================================================================== */

/* Who it was: 0 the primary one, then the others that contributed. NULL at 0: nobody. */
PAA_API const struct paa_principal *paa_txn_principal(const struct paa_txn *txn, size_t index);

enum paa_why {
    PAA_WHY_CREDENTIALS = 0x6101, /* 401 */
    PAA_WHY_FORBIDDEN,            /* 403: scope, `require`, no rule */
    PAA_WHY_REQUEST,              /* 400, 405, 413, 421, 425, 431 */
    PAA_WHY_LIMITED,              /* 429 */
    PAA_WHY_LOGIN,                /* 302, 303 */
    PAA_WHY_UNAVAILABLE,          /* 503: time, limit, outage, stopped */
    PAA_WHY_FAULT,                /* 500 */
    PAA_WHY_SERVED,               /* PAA's own resource: metadata, callback, logout */
    PAA_WHY_ORIGIN,               /* outgoing: no origin of this service; may go bare */
    PAA_WHY_PIN = 0x7fffffff
};

struct paa_answer {
    uint32_t struct_size;
    uint32_t flags;
    enum paa_why why;
    uint32_t code;
    int64_t retry_after_s; /* 0: none. Also among the response edits */
    int64_t delay_ms;      /* wait this long before sending it, without holding a thread; 0: none.
                            * From `failure_delay` of the policy, with chance in it */
    struct paa_str media_type;
    struct paa_bytes content; /* leave out for HEAD */
    struct paa_str reason;    /* a word, and a sentence that says why: for operators, never for the */
    struct paa_str sentence;  /* peer; NUL-terminated */
};
/* Never NULL; 503 unless the state is ANSWER. Its header fields are the response edits. */
PAA_API const struct paa_answer *paa_txn_answer(const struct paa_txn *txn);

enum paa_edit_kind {
    PAA_EDIT_SET = 0x6201, /* remove all of that name, then add */
    PAA_EDIT_ADD,
    PAA_EDIT_REMOVE,       /* names compare without case, and '_' and '.' equal '-' */
    PAA_EDIT_PIN = 0x7fffffff
};

enum {
    PAA_EDIT_SECRET = 1u << 0 /* keep out of logs */
};

struct paa_edit {
    uint32_t struct_size;
    uint32_t flags;
    enum paa_edit_kind kind;
    enum paa_message where;
    struct paa_str name;
    struct paa_str value;
};

/* Of the request, with ALLOW: credentials (outgoing), or identity fields and the removal of forged
 * and consumed ones (incoming). With ANSWER: the removal of identity fields alone, for a host that
 * may have other reasons to let the request pass (nginx's `satisfy any`). Of the response, with
 * ALLOW or ANSWER: WWW-Authenticate, Location, Set-Cookie, DPoP-Nonce, Cache-Control, Vary. */
PAA_API const struct paa_edit *paa_txn_edit(const struct paa_txn *txn, enum paa_message where,
                                            size_t index);

/* The target to send or to act on: as given, or with its query edited (then perhaps secret). */
PAA_API struct paa_str paa_txn_target(const struct paa_txn *txn);

/* The connection an outgoing request travels on. No type of a TLS library crosses. */
enum {
    PAA_CLIENT_TLS_INSECURE = 1u << 0 /* the policy gave insecure_reason */
};

struct paa_client_tls {
    uint32_t struct_size;
    uint32_t flags;
    uint64_t id; /* changes with any of it but the PIN. A connection made for one id never carries another's */
    struct paa_str chain_pem;   /* leaf first; absent: none, clear one that was set before */
    struct paa_str key_pem;     /* PKCS#8, secret; absent if it cannot leave its token: */
    struct paa_str key_uri;     /* RFC 7512 or an OSSL_STORE URI, and for that: */
    struct paa_str key_module;  /* the token's PKCS#11 library; absent: none is named */
    struct paa_str key_pin;     /* secret; absent: none. One that the token has refused is not to be tried
                                 * again and again, for it locks itself */
    struct paa_str trust_pem;   /* absent: the system's */
    struct paa_str pins;        /* libcurl's form: "sha256//…;sha256//…" */
    struct paa_str server_name; /* absent: of the target */
    uint32_t min_version;       /* 0x0303, 0x0304; 0: any */
    uint32_t max_version;
};
/* NULL unless outgoing and ALLOW. */
PAA_API const struct paa_client_tls *paa_txn_client_tls(const struct paa_txn *txn);

/* For hosts whose TLS is the OpenSSL that libpaa uses, before a connection: OpenSSL's engine "pkcs11", which key_uri is
 * to be asked of, is loaded, has key_module, and knows key_pin; it is in OpenSSL's list from then on. There is one for
 * a process, with one module and one PIN, which it shows to whichever token is asked next: from then on a key of another
 * token with another PIN is refused. Any thread; opens no token.
 * 0, without key_uri too; -1: it cannot be asked, and error, which may be NULL, says why. */
PAA_API PAA_MUST_USE int paa_client_tls_token(const struct paa_client_tls *tls,
                                              struct paa_error *error);

/* ---- for operators -------------------------------------------------------------------------- */

struct paa_rule { /* the rule of the policy that decided */
    uint32_t struct_size;
    uint32_t flags;
    uint32_t line;
    uint32_t index;        /* within its service, from 0 */
    struct paa_str file;
    struct paa_str service;
    struct paa_str pattern; /* its path pattern; "" for a service without rules */
};
/* NULL: none matched, or it never came so far. */
PAA_API const struct paa_rule *paa_txn_rule(const struct paa_txn *txn);

enum {
    PAA_STEP_MEMBER = 1u << 0 /* of a group: stands in one group with the step before it */
};

struct paa_step { /* one step of the chain as it was walked */
    uint32_t struct_size;
    uint32_t flags;          /* PAA_STEP_ */
    enum paa_result result;
    uint32_t line;           /* where it stands in the policy */
    struct paa_str file;
    struct paa_str instance;
    struct paa_str plugin;
    struct paa_str control;
    struct paa_str reason;   /* a word */
    struct paa_str sentence; /* never for the peer; with PAA_REQUEST_TRACE, or on REJECT,
                              * UNAVAILABLE and FAULT; outgoing on ABSENT, too */
    int64_t time_ns;         /* -1 without PAA_REQUEST_TRACE */
};
/* All steps of the rule's chain in the policy's order, members of a group one by one; result 0: it did not run. NULL
 * past the last, and where no rule matched. What it returns is overwritten by the next call for that transaction. */
PAA_API const struct paa_step *paa_txn_step(const struct paa_txn *txn, size_t index);

/* The index-th detail that a step told by outcome->note ("key_id"), the last one first; NULL past the last. */
PAA_API const struct paa_field *paa_txn_note(const struct paa_txn *txn, size_t index);

/* The audit record: one line of JSON, masked, no newline. Returns the bytes needed, as snprintf. */
PAA_API size_t paa_txn_audit(const struct paa_txn *txn, char *ret_line, size_t size);

PAA_END_DECLS

#endif
