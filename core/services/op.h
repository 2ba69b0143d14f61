/* SPDX-License-Identifier: MIT */
/*
 * The core's side of an operation (struct paa_op), and how it waits. Services complete waits, the engine
 * runs slots; both know this file. Knows no transaction and no policy.
 *
 * One wait, from a service's view:
 *
 *   a waiting call          if (!op_wait(op, &kind, then, context)) return PAA_PENDING;  -- misuse, noted
 *                           outcome at hand: fill op->wait.status and .came, op_wait_ready(op)
 *                           else: link op->wait.link somewhere, under the service's lock
 *                           return PAA_PENDING in every case
 *   the outcome arrives     under the service's lock: unlink, fill .status and .came, op_post(op)
 *   the core cancels        kind->cancel(op): under the service's lock: if still linked, unlink and
 *                           return true: no completion will come. If op_post was called or will be
 *                           (a function runs on a worker), return false: the op stays allocated until it
 *                           was posted, and its continuation is not run.
 *   the core goes on        kind->resume(op): calls the typed continuation with what came
 *
 * op_post may be called from any thread, with service locks held: a home's lock is the innermost.
 */
#ifndef SERVICES_OP_H
#define SERVICES_OP_H

#include "arena.h"
#include "list.h"
#include "pins.h"
#include "store_image.h"
#include "target.h"

#include <paa/plugin.h>
#include <stdbool.h>

struct op;
struct services;
struct http_fetch;
struct loopback;
struct memo_peer;
struct store_lock;
struct described;

/* which slot it runs; decides what it may call */
enum op_slot {
    OP_CREATE = 1,
    OP_VERIFY,
    OP_ATTACH,
    OP_CHALLENGE,
    OP_ANSWERED,
    OP_SERVE,
    OP_DESCRIBE,
    OP_VERB,
    OP_PRODUCE,
    OP_DECODE
};

struct op_home { /* where continuations run: a lane, or the workers */
    void (*post)(struct op_home *home, struct op *op);
};

struct op_wait_kind { /* constant, one per waiting call of a service */
    const char *name; /* "memo.get", for logs */
    enum paa_result (*resume)(struct op *op);
    bool (*cancel)(struct op *op);
};

enum op_wait_state {
    OP_WAIT_NONE = 0,
    OP_WAIT_READY, /* the outcome is at hand */
    OP_WAIT_ARMED  /* it will be posted. Only the op's own thread writes this */
};

struct op_wait {
    enum op_wait_state state;
    enum paa_status status;
    const struct op_wait_kind *kind;
    union {
        paa_memo_fn memo;
        paa_store_fn store;
        paa_worked_fn worked;
        paa_timer_fn timer;
        paa_http_fn http;
        paa_body_fn body;
        paa_reply_fn reply;
        paa_sign_fn sign;
    } then;
    void *context;
    union {
        struct paa_memo_value memo;
        struct paa_record record;
        struct paa_reply reply;
        struct paa_bytes bytes;
    } came;
    struct list link; /* the service's, under its lock */
    void *owner;      /* the service's: the entry or request waited for */
    size_t pin_mark;  /* the service's: pins to release once the continuation returned */
    int64_t
        retry_after_ms; /* with UNAVAILABLE and LIMITED: when it is worth asking again; 0 unknown */
    const char
        *sentence;  /* with a failure: why, for operators; arena, constant or entry memory that
                            * lives until the continuation returns. NULL: nothing to say */
    bool is_public; /* sentence may be logged even of a SECRET memo's run */
};

/* One instance as the services see it. The engine's instance embeds it; it lives as long as anything of the
 * instance does, operations and objects included. */
struct op_instance {
    const char *name;         /* in the policy */
    const char *plugin;       /* the plugin's name */
    unsigned char digest[32]; /* of its options: secrets' places, not their bytes */
    const char *store;        /* the policy's `store` of the instance; NULL: by the table's kind */
    const struct paa_host *host;
    const struct paa_options *options;
    void *self;                   /* what create returned */
    const struct paa_tls *tls;    /* the instance's own `tls` group; NULL: none */
    const struct origin *origins; /* that its URL options name */
    size_t origin_count;
    /* Lane memory of this instance on a worker; NULL: its init failed. lane_size 0: any address. */
    void *(*lane)(struct op_instance *instance, unsigned worker);
    struct paa_memo *memos;   /* opened in create; the memo service's list */
    struct paa_table *tables; /* likewise the store's */
};

struct op {
    struct paa_op pub; /* first: what the plugin sees */
    struct services *services;
    struct op_home *home;
    struct arena *arena;          /* alloc memory, copies; wiped when the operation ends */
    struct pins *pins;            /* of whoever runs it (a transaction, a worker's run) */
    struct op_instance *instance; /* NULL in tests of services only */
    struct memo_peer *peer;       /* of the connection; NULL: none */
    void *owner;                  /* the engine's transaction, the memo's run, …; by slot */
    enum op_slot slot;
    bool broken;     /* a call was refused or misused: ACCEPT and DONE become FAULT */
    bool is_untimed; /* the wall clock failed it: ACCEPT and DONE become UNAVAILABLE */
    bool misused;    /* op_misuse: every result becomes FAULT */
    bool is_secret;  /* of a SECRET memo: nothing of it is logged, unless sentence is_public */
    bool is_public;  /* sentence is a service's own, and names no secret */
    bool forbidden;  /* op_settle: the result was none that the slot may return */
    bool trace;      /* sentences are wanted, whatever the log level */
    /* it sends what is good once only, or left a mark on disk that it will: whoever owns it lets it end by itself */
    bool is_committed;
    bool
        abandoned; /* the engine's: cancel said it will still be posted; nobody waits for it any more */
    bool is_too_large;   /* the engine's: the content that it asked for last was too large */
    int64_t deadline_ms; /* monotonic; INT64_MAX: none */
    int64_t read_ms;     /* the monotonic clock, read when the op began; 0: it was not, or is old */
    const char *reason;  /* of fail; NULL: none. Points to the arena or a constant */
    struct paa_str sentence;
    int64_t retry_after_ms; /* largest hint so far; 0: none */
    const void *
        sources; /* the source service's: what this operation has read, in the arena; NULL: nothing */
    struct store_lock
        *store_lock; /* a key it holds until it ends: then store_op_ended. NULL: none */
    struct described
        *described; /* the engine's: what a run of describe has said so far. NULL: it is none */
    struct loopback *loopback;      /* the loopback service's: then loopback_op_ended. NULL: none */
    struct http_fetch *fetch;       /* the http service's: then http_op_ended. NULL: none */
    struct image_expected expected; /* the store service's: a key that is asked for next */
    struct op_wait wait;            /* all before it is zeroed when an operation begins */
    struct list ready;              /* the home's queue */
};

static inline struct op *op_of(struct paa_op *pub)
{
    return (struct op *)(void *)pub;
}

/* Begins a wait: ARMED, all else of op->wait as nothing had come yet, but `then`, which the caller fills. False:
 * refused (one is under way, or create or decode runs): noted, the result will be FAULT. */
bool op_wait(struct op *op, const struct op_wait_kind *kind, void *context);

static inline void op_wait_ready(struct op *op)
{
    op->wait.state = OP_WAIT_READY;
}

/* The outcome of an ARMED wait is in op->wait. */
static inline void op_post(struct op *op)
{
    op->home->post(op->home, op);
}

/* After a slot or continuation returned `result`: runs continuations that are at hand. The final result,
 * checked against what the slot may return; or PENDING with an ARMED wait. A final result with an ARMED wait
 * (misuse, hence FAULT) leaves the wait to the owner: it cancels. */
enum paa_result op_settle(struct op *op, enum paa_result result);

/* The home took a posted op from its queue: goes on with it, as op_settle. */
enum paa_result op_go_on(struct op *op);

/* Notes misuse: the op will end as FAULT, `what` is logged once with instance and slot. */
PAA_COLD void op_misuse(struct op *op, const char *what);

/* Is the result one that the slot may return? PENDING counts as one. */
bool op_result_allowed(enum op_slot slot, enum paa_result result);

/* Is what a plugin filled what this core knows: size, zeroes behind it, flags? */
bool op_understands(const void *s, size_t size, uint32_t flags);

/* host->fail and host->alloc. */
PAA_COLD enum paa_result op_fail(struct paa_op *pub, enum paa_result result, const char *reason,
                                 struct paa_str sentence);
void *op_alloc(struct paa_op *pub, size_t size);

#endif
