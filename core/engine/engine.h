/* SPDX-License-Identifier: MIT */
/*
 * The engine's own structures: what a context, a generation, a lane and a transaction are made of. Everything
 * a request writes belongs to its lane; everything it shares is read-only or reached through pins.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "answer.h"
#include "audit.h"
#include "chain.h"
#include "client_tls.h"
#include "counters.h"
#include "loader.h"
#include "match.h"
#include "memo.h"
#include "net.h"
#include "options.h"
#include "pool.h"
#include "reactor.h"
#include "secret.h"
#include "services.h"
#include "sources.h"
#include "ticket.h"
#include "transaction.h"
#include "units.h"

#include <paa/paa.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    FIELDS_MAX = 256,            /* of a request; beyond: 431 */
    FIELD_BYTES_MAX = 64 * 1024, /* names and values together; beyond: 431 */
    ATTRIBUTES_MAX = 64,
    TXN_ARENA_MAX = 1024 * 1024,
    OP_ALLOC_MAX = 256 * 1024, /* host->alloc, one call */
    READS_MAX = 8,             /* places one instance reads its credential from */
    RULE_READS_MAX = 64,       /* all instances of a chain: a bit each */
    ENDPOINTS_MAX = 8,         /* paths that one instance serves */
    STATE_MAX = 64 * 1024,     /* state_size and lane_size of a plugin */
    PEER_CERTS_MAX = 16,
    PEER_CERT_BYTES_MAX = 64 * 1024,
    RETRY_AFTER_MAX_S = 300,
    PENDING_DEFAULT = 4096,
    PENDING_BYTES_DEFAULT = 64 * 1024 * 1024
};

/* ---- generation: one loaded policy ------------------------------------------------------------- */

struct reads { /* a place an instance reads its credential from */
    enum paa_place place;
    uint32_t hash; /* field_name_hash of a header's name */
    struct paa_str name;
};

struct endpoint { /* a path that an instance serves */
    struct paa_str path;
    struct paa_str option;
    size_t index;
    struct where where;
};

struct instance {
    struct op_instance id; /* first: the services' part */
    const struct plugin *plugin;
    const struct paa_plugin *slots; /* in today's layout */
    struct generation *generation;
    struct paa_options *options;
    struct where where;
    struct reads reads[READS_MAX];
    uint32_t read_count;
    uint32_t endpoint_count;
    struct endpoint endpoints[ENDPOINTS_MAX];
    struct paa_memo *described; /* what `describe` says; NULL: it has none, or nobody asks */
    uint32_t index;             /* in the generation */
    uint32_t tag;               /* of name and options, for tickets */
    uint32_t used;              /* PAA_OP_USED_ */
    struct paa_str name;        /* id.name, measured */
    struct paa_str own_issuer;  /* "paa:NAME" */
    bool is_created;
    bool shows_key;              /* create said that attach will hand a client key */
    uint64_t client_key_id;      /* of what it was then; 0: not known, or one of several */
    void **worker_lanes;         /* by worker; NULL: not made yet */
    struct paa_source **sources; /* opened for its options */
    size_t source_count;
    struct paa_tls **tlses; /* likewise */
    size_t tls_count;
    _Atomic uint32_t pending; /* suspended transactions that wait for it */
};

struct rule {
    const struct rule_conf *conf;
    uint64_t watch;                   /* bloom of (size, first letter) over the names below */
    const struct reads *const *reads; /* of all its instances, each place once */
    uint32_t read_count;
    struct paa_edit *edits; /* that every allowed request of the rule gets: identity fields cleared,
                              * credentials taken off */
    uint32_t edit_count;
    struct paa_edit *advice; /* for caches, that every response to an allowed request gets */
    uint32_t advice_count;
    bool
        edits_cookies; /* some instance reads a cookie or a parameter: they need a look per request */
    bool may_be_ambient;       /* some instance reads what browsers show by themselves */
    uint8_t *logs_in;          /* by site, for answer_decide; NULL: no login step */
    struct paa_str scope_text; /* what `require` asks, space-separated */
    struct paa_rule info;
};

enum route_kind { ROUTE_METADATA = 1, ROUTE_ENDPOINT };

struct route { /* one path that PAA itself answers, before any rule */
    enum route_kind kind;
    struct paa_str path;
    struct where where;
    struct instance *instance; /* ENDPOINT: whose */
    const struct endpoint *endpoint;
};

struct service_rules { /* a service in one generation */
    const struct service_conf *conf;
    struct matcher *matcher;
    struct rule *rules;
    const struct route *routes;
    uint32_t route_count;
    const struct metadata *metadata; /* NULL: none is published */
    bool has_upstream;
    struct client_tls tls;            /* outgoing */
    const struct instance *shows_key; /* one of its chains hands client keys; NULL: none does */
    struct paa_str *statements; /* fields in which proxies tell of connections, read on some rule */
    uint32_t statement_count;
    struct paa_edit
        *forgeries; /* removals of those and of all identity fields, for refused requests */
    uint32_t forgery_count;
};

struct generation {
    struct paa_context *context;
    uint64_t number;
    struct arena arena;
    const char *folder; /* of the policy; relative paths start here */
    struct policy *policy;
    struct paa_key **keys; /* that its options named or described */
    size_t key_count;
    struct instance *instances;
    size_t instance_count;
    struct service_rules *services; /* by paa_service index; conf NULL: not in this policy */
    size_t service_count;
    struct audit *audit;          /* NULL: none */
    uint32_t holders;             /* lanes, and 1 while current; context's lock */
    struct generation *next_dead; /* nobody holds it: to be freed */
    struct task burial;
};

/* ---- context ----------------------------------------------------------------------------------- */

struct paa_service {
    struct paa_context *context;
    char *name;
    size_t name_size;
    enum paa_direction direction;
    uint32_t index;
    bool is_taken; /* a host has found it; context's lock */
    struct paa_service *next;
};

struct lane_generation;
struct metadata;

struct paa_context {
    _Atomic(struct generation *) current;
    atomic_bool is_stopped;
    struct services services;
    struct paa_host host;
    uint32_t flags;
    uint32_t can;
    char *policy_path;
    char *plugin_dir;
    char **allow_plugins;
    size_t allow_plugin_count;
    paa_diagnostic_fn diagnostic_fn;
    paa_converse_fn converse_fn;
    void *user;
    uint64_t max_pending;
    uint64_t max_pending_bytes;
    _Atomic uint64_t pending;
    _Atomic uint64_t pending_bytes;

    int stop_fd;            /* readable from stop on; -1 before the first lane of this process */
    pthread_mutex_t lock;   /* all below; never held while a plugin runs */
    pthread_cond_t changed; /* a reload or burial ended */
    struct paa_service *first_service;
    uint32_t service_count;
    struct paa_lane *first_lane;
    struct counters *counters;
    struct generation *dead; /* generations that nobody holds */
    unsigned burials;        /* of such, on workers */
    uint64_t generation_count;
    uint32_t process; /* process_number when its threads were started; 0: never */
    bool is_reloading;
    bool reload_again; /* asked for while one runs */
    int reload_result;
    uint64_t reload_serial; /* reloads that have ended */
    struct paa_error reload_error;
    struct task reload;
};

/* ---- lane -------------------------------------------------------------------------------------- */

struct lane_generation { /* what a lane has of one generation */
    struct generation *generation;
    struct lane_generation *older;
    void **memory;       /* by instance; NULL: not made yet */
    uint64_t *decisions; /* by service * COUNTER_ROWS + enum answer_row; read by others, relaxed */
    uint64_t *results;   /* by instance * COUNTER_RESULTS + result index */
    uint32_t live;       /* transactions that are not ended */
    uint64_t *
        folded; /* what of results, then decisions, is in the totals; counters.c's, context's lock */
};

struct lane_folded {
    uint64_t latency_ns;
    uint64_t latency_samples;
    uint64_t suspended_total;
};

enum { AUTHORITY_KEPT_MAX = 64 };

struct kept_authority { /* the one that was read last: most requests of a lane name the same */
    size_t size;        /* 0: none */
    size_t host_size;   /* the host is the beginning of the text */
    uint16_t port;
    bool https;
    char text[AUTHORITY_KEPT_MAX];
};

enum { COUNTER_ROWS = ROW_SERVED + 1, COUNTER_RESULTS = RESULT_COUNT + 2 };

struct paa_lane {
    struct op_home home; /* first: ops post to it */
    struct paa_context *context;
    struct lane_generation *generation; /* the newest it has seen; older ones linked */
    struct paa_txn *free_txns;
    struct paa_txn *all_txns;
    struct kept_authority authority;
    uint32_t process;    /* process_number when it was opened */
    uint32_t sampled;    /* transactions since the last latency sample */
    uint64_t latency_ns; /* sum of samples; counters read it relaxed, as the next two */
    uint64_t latency_samples;
    uint64_t suspended_total;
    struct lane_folded folded; /* what of these three is in the totals; context's lock */
    uint32_t unfolded;         /* decisions since the last look at that */
    int64_t folded_ms;
    struct list suspended; /* by deadline */
    uint32_t zombies;      /* transactions that were ended, but an op of theirs still runs */
    int wait_fd;           /* woken for paa_txn_wait */
    atomic_bool is_waited; /* somebody polls wait_fd */
    atomic_bool is_interrupted;

    pthread_mutex_t lock; /* of ready and is_signalled */
    struct list ready;    /* ops that were posted */
    int fd;
    bool is_signalled;
    struct timer timer;    /* the earliest deadline, to make fd readable */
    struct paa_lane *next; /* context's list, context's lock */
};

/* ---- peer -------------------------------------------------------------------------------------- */

struct paa_peer {
    struct paa_context *context;
    uint32_t flags;
    paa_peer_cert_fn cert_fn;
    void *user;
    char address[ADDRESS_TEXT_MAX];
    struct paa_str server_name;
    pthread_mutex_t lock;
    bool is_asked;
    bool is_bad; /* too many or too large: the chain is no use */
    struct paa_bytes certs[PEER_CERTS_MAX];
    uint32_t cert_count;
    struct memo_peer *memos;
};

/* ---- between the files of the engine ----------------------------------------------------------- */

/* context.c */
/* Threads of this process run. 0 or -1. */
int context_start(struct paa_context *context, struct paa_error *error);
/* Always -1. */
PAA_PRINTF(2, 3) int context_error(struct paa_error *error, const char *format, ...);

/* fork.c: how often this process came from a fork since the library was loaded. */
extern uint32_t process_number;
/* One thread at a time starts what a process needs; a fork waits for it. */
void start_hold(void);
void start_watch(void); /* once there are services; before start_hold */
void start_release(void);

/* Does s, filled by a host or plugin, state at least `size` bytes, with zeroes in what lies beyond? */
bool struct_fits(const void *s, size_t size);

/* operation.c */
struct op *op_new(struct paa_txn *txn, struct instance *instance, enum op_slot slot);
/* Nobody waits for op any more; what it waits for goes on without it. */
PAA_COLD void op_abandon(struct paa_txn *txn, struct op *op);
void op_end(struct op *op); /* finish, once */

/* request.c: fills view and headers; on refusal the row (AMBIGUOUS, …) and sentence. False: refused. */
bool request_read(struct paa_txn *txn, const struct paa_request *request);
/* After the rule is known: doubled credential fields. */
bool request_check_reads(struct paa_txn *txn);
bool request_is_navigation(const struct paa_txn *txn);
bool request_is_cross_site(const struct paa_txn *txn);
const struct paa_request_view *request_view(struct paa_txn *txn);
struct paa_str request_header(const struct paa_txn *txn, struct paa_str name, size_t index);
uint64_t request_watch_bit(struct paa_str name);
/* It waits: what plugins may still ask about the caller is copied. */
PAA_COLD void request_keep_caller(struct paa_txn *txn);
extern const struct paa_host_request engine_host_request;

/* outcome.c */
extern const struct paa_host_outcome engine_host_outcome;
/* What challenge or serve of that site wanted in the answer is dropped: it did not end with DONE. */
PAA_COLD void outcome_drop(struct paa_txn *txn, uint16_t site);

/* conversation.c */
extern const struct paa_host_conversation engine_host_conversation;

/* walk.c */
enum paa_state txn_walk(struct paa_txn *txn);
/* The deadline passed, or a limit was met, while it waited: the waiting step is UNAVAILABLE, and no other runs. */
PAA_COLD enum paa_state txn_cut(struct paa_txn *txn, const char *reason, const char *sentence);

/* walk.c: a wait of op begins. False: host, limits or deadline forbid it. */
bool txn_may_wait(struct paa_txn *txn, struct op *op);

/* txn.c: txn_cut, and all that a call of the host's ends with. */
enum paa_state txn_settle_cut(struct paa_txn *txn, const char *reason, const char *sentence);

/* txn.c: frees it, or leaves that to its last zombie. */
void txn_release(struct paa_txn *txn);
/* Everything of it is over: finish of every op, memory wiped, back to the lane. */
void txn_free(struct paa_txn *txn);

/* grant.c: contributors, `require`, conflicts: what an accepted walk is worth. */
enum require_verdict grant_judge(struct paa_txn *txn);
const struct identity *grant_primary(const struct paa_txn *txn); /* NULL: nobody */
/* Did the primary come by Bearer or DPoP? */
bool grant_is_token(const struct paa_txn *txn);

/* route.c: the paths that PAA itself answers, by service. Errors and, for a check, findings in diag. */
bool routes_make(struct generation *generation, struct service_rules *service, struct diag *diag);
/* Is the request for one of them? Then no rule is looked for. */
bool route_take(struct paa_txn *txn);

/* serve.c: a request for such a path. False: it waits. */
bool serve_on(struct paa_txn *txn);

/* reply.c: edits and answers of a decided transaction. */
void reply_allow(struct paa_txn *txn);
PAA_COLD void reply_answer(struct paa_txn *txn);
/* Of a path that PAA itself answers: what is in txn->served, or the redirect. */
void reply_served(struct paa_txn *txn);
/* Before or without a walk. */
PAA_COLD enum paa_state reply_refuse(struct paa_txn *txn, enum answer_row row, unsigned code,
                                     enum paa_why why, const char *reason, const char *sentence);

/* lane.c, lane_generation.c */
void lane_wake(struct paa_lane *lane);
bool lane_is_late(const struct paa_txn *txn);
/* False: a limit is reached, it may not wait. */
bool lane_suspend(struct paa_txn *txn);
/* It is suspended, and waits once more, perhaps for another instance. */
bool lane_suspend_again(struct paa_txn *txn);
/* Its deadline is another one. */
void lane_redate(struct paa_txn *txn);
/* It waits, and has taken memory since. False: that is over the limit. */
bool lane_has_room(struct paa_txn *txn);
void lane_resume(struct paa_txn *txn); /* it no longer waits */
/* Is op in the queue? Then it is taken out. */
bool lane_take(struct paa_lane *lane, struct op *op);
struct paa_txn *lane_new_txn(struct paa_lane *lane);
struct lane_generation *lane_pin(struct paa_lane *lane);
void lane_unpin(struct paa_lane *lane, struct lane_generation *generation);
void lane_generation_free(struct paa_context *context, struct lane_generation *generation);
void *lane_memory(struct lane_generation *generation, struct instance *instance);

/* generation.c: a policy becomes a generation. NULL: errors in diag. */
struct generation *generation_load(struct paa_context *context, struct diag *diag);
void generation_free(
    struct generation *generation); /* runs every destroy; not on a request's thread */

/* instance.c: a place that an option names, as a source. */
struct source_spec source_spec_of(const struct generation *generation,
                                  const struct option_secret *secret, struct where where,
                                  uint32_t flags);
/* generation_key.c: what a KEY option names, opened once. NULL: no memory. A key that cannot be used is an error too. */
const struct paa_key *generation_key(struct generation *generation,
                                     const struct option_value *value, struct diag *diag);
void generation_close_keys(struct generation *generation);

/* instance.c: plugin, options, create; and the way back. False: errors in diag. */
bool instance_make(struct generation *generation, struct instance *instance,
                   const struct instance_conf *conf, struct diag *diag);
void instance_unmake(struct instance *instance);

/* plugin_file.c. The plugin's file, judged and loaded. NULL: *error says why, and what there is if there is no such file. */
const struct plugin *plugin_open(const struct paa_context *context, const char *name,
                                 const char *sha256, struct paa_error *error);
enum { PLUGINS_MAX = 256 }; /* of a folder that are listed */
/* The names of the folder's *.so, sorted; malloc'ed. */
size_t plugin_list(const char *path, char *names[PLUGINS_MAX]);

/* instance_net.c. Each: false, and an error was told (own_origin: no memory). */
bool instance_bind_tls(struct instance *instance, const struct option_entry *entry,
                       struct option_value *value, struct diag *diag);
bool instance_own_origin(struct instance *instance, const struct option_value *value);
void instance_drop_tls(struct instance *instance);

/* rules.c: what a request needs of its rule, made ready. */
bool rules_make(struct generation *generation, struct service_rules *service);

/* reload.c */
void generation_drop(struct generation *generation); /* one holder less; context's lock is held */
/* The one in force, for a while; then let go. */
struct generation *generation_hold(struct paa_context *context);
void generation_let_go(struct generation *generation);
void context_bury(struct paa_context *context); /* frees dead generations, on a worker */
/* The generation takes over: bytes of memos pass on, then every request that begins sees it. */
void context_publish(struct paa_context *context, struct generation *generation);
void reload_task(struct task *task, unsigned worker);
void watch_policy(struct paa_context *context); /* PAA_OPEN_WATCH */
/* A finding of the policy check, as a line of the context's log. */
void log_finding(enum paa_level level, struct where where, const char *sentence, void *context);

/* context.c */
/* Can this host do what the service needs of it? Else the sentence, without file and line. */
bool service_fits_host(const struct paa_context *context, const struct service_rules *service,
                       struct paa_error *error);
struct paa_service *context_service(struct paa_context *context, const char *name,
                                    enum paa_direction direction);

/* lint.c */
void lint_generation(const struct generation *generation, struct diag *diag);

#endif
