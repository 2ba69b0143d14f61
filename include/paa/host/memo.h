/*
 * paa/host/memo.h: a cache with a producer. Under tokens, key sets, metadata, verdicts, CRLs and
 * parsed files.
 *
 *   until fresh_until_s    given at once
 *   until usable_until_s   given at once, and one producer renews it behind; but from waits_from_s on
 *                          all wait for that one, unless the last try has failed
 *   until keep_until_s     not given; one producer runs with it as `previous`, and all wait for it
 *   later                  forgotten
 *
 * A value is bytes (what can be kept and shared) and, with a decoder, an object made of them once
 * per process. A failed renewal leaves a usable value in place; the next try comes after a
 * back-off.
 *
 * After a reload a memo of the same plugin, instance and name keeps its bytes if the instance's
 * options are unchanged or the memo says KEEP, and if `format` is the same. Objects are made anew.
 */
#ifndef PAA_HOST_MEMO_H
#define PAA_HOST_MEMO_H

#include <paa/types.h>

PAA_BEGIN_DECLS

struct paa_op;
struct paa_source; /* host/keys.h */
struct paa_memo;   /* opened in create, lives until destroy */

#define PAA_FOREVER INT64_MAX

/* ---- what a producer makes ------------------------------------------------------------------ */

enum {
    PAA_RUN_FORCED = 1u << 0,    /* a renew: the old value was found wanting */
    PAA_RUN_BACKGROUND = 1u << 1 /* nobody waits */
};

struct paa_memo_run { /* what a producer is asked for; until its operation ends */
    uint32_t struct_size;
    uint32_t flags;
    uint64_t previous_version;
    struct paa_bytes key;
    struct paa_bytes input;    /* of the query that started this run */
    struct paa_bytes previous; /* the last value, even if no longer usable; absent: none is kept */
};

enum {
    PAA_PRODUCT_NEGATIVE = 1u << 0 /* has a bound of its own, never pushes out a positive value */
};

struct paa_memo_product {
    uint32_t struct_size;
    uint32_t flags;
    int64_t fresh_until_s;  /* 0: as usable_until_s */
    int64_t usable_until_s; /* past or 0: only those who wait now get it */
    int64_t keep_until_s;   /* 0: as usable_until_s */
    int64_t waits_from_s;   /* 0: as usable_until_s. For what would do only while there is nothing newer to be had */
    struct paa_bytes bytes; /* copied; saved, if SHARED, before anybody is given it. Negative ones are not
                             * saved; nor one that was overtaken by a put or drop: theirs counts */
};

/*
 * An operation of its own on a worker: no request, own deadline, own state (state_size of the
 * memo). It outlives whoever asked first. May wait any number of times, for other memos too (a ring
 * is INVALID).
 *   DONE         after memo->product: that is the value; without one: FAULT
 *   ABSENT       there is none (nobody has logged in, say)
 *   REJECT       there is none, and the previous one is worthless: dropped
 *   UNAVAILABLE, FAULT   failed
 */
typedef enum paa_result (*paa_produce_fn)(struct paa_op *op,
                                          const struct paa_memo_run *run) PAA_NOEXCEPT;

/* Bytes to object: pure, on a worker, once per value and process. A source of several files has
 * several parts. Of op's host only fail, alloc, log and keys->import may be used. *ret_weight:
 * bytes it occupies. OK: the core owns the object. Else: the value counts as not produced. */
typedef enum paa_status (*paa_decode_fn)(struct paa_op *op, const struct paa_bytes *parts,
                                         size_t part_count, void **ret_object,
                                         size_t *ret_weight) PAA_NOEXCEPT;

/* Once for each object that decode or keep handed over, on any thread, before destroy. */
typedef void (*paa_release_fn)(void *object, const void *self) PAA_NOEXCEPT;

/* ---- the memo ------------------------------------------------------------------------------- */

enum {
    PAA_MEMO_SHARED = 1u << 0, /* bytes live in the store: they survive restarts, and one producer
                                * runs in all processes; what another one put or dropped is seen
                                * within a second */
                                /* Cool-downs and back-off are shared, too. While the store cannot be asked,
                                 * what is at hand serves until its use ends, then each process asks its
                                 * own producer (UNAVAILABLE if SECRET and there is a `previous`, which
                                 * may be good once only); put and FORGET are UNAVAILABLE. Where `state`
                                 * is in memory it is a memo like any other */
    PAA_MEMO_SECRET = 1u << 1, /* keys and values are wiped, never logged, sealed in the store */
    PAA_MEMO_KEEP = 1u << 2,   /* values outlive a change of the options: the key names all they
                                * depend on */
    PAA_MEMO_PEER = 1u << 3    /* one object per connection, in place of keys; released after it
                                * closed. get and keep only; without a connection NONE */
};

struct paa_memo_def {
    uint32_t struct_size;
    uint32_t flags;
    const char *name;      /* within the instance; part of the kept bytes' address */
    paa_produce_fn produce; /* or NULL, and */
    const struct paa_source *source; /* its bytes are the value, decoded anew when it changes */
    void (*finish)(struct paa_op *op) PAA_NOEXCEPT; /* optional: ends each run; see the plugin's */
    paa_decode_fn decode;   /* optional */
    paa_release_fn release; /* mandatory with decode or keep */
    size_t state_size;      /* op->state of a run */
    uint64_t max_bytes;     /* 0: 1 MiB; least recently used go first */
    uint32_t format;        /* of the bytes; kept values of another format are ignored */
    uint32_t negative_entries; /* 0: 1000 */
    uint32_t timeout_ms;    /* of a run; 0: 30 s */
    uint32_t cooldown_ms;   /* between forced runs, and between drops, of one key; 0: 30 s */
    int64_t grace_s;        /* source: how long the last good bytes serve when it cannot be read or
                             * decoded any more; 0: a day. Then UNAVAILABLE */
};

enum {
    PAA_QUERY_LOOK = 1u << 0,  /* get: never starts or awaits a run */
    PAA_QUERY_FORGET = 1u << 1 /* drop: `previous` too, durably; no cool-down */
};

struct paa_memo_query {
    uint32_t struct_size;
    uint32_t flags;
    uint64_t seen_version;  /* renew, drop: the version found wanting; 0: any */
    struct paa_bytes key;   /* any bytes, at most 16 KiB, may be empty. The core hashes it and
                             * compares it whole: a token may be its own key */
    struct paa_bytes input; /* what the producer needs and must not be kept in the key */
};

struct paa_memo_value { /* until the operation ends */
    uint32_t struct_size;
    uint32_t flags;
    uint64_t version;   /* grows with each new value of the key, never repeats; the same bytes again
                         * keep it */
    const void *object; /* what decode made, or keep was given; else NULL */
    struct paa_bytes bytes;
};

/* OK. NONE: no producer, or it said ABSENT. DENIED: it said REJECT. LIMITED: cool-down.
 * UNAVAILABLE: nothing usable and production failed; with LOOK perhaps a value past its use, or
 * dropped: what is shown to a producer as `previous`. */
typedef enum paa_result (*paa_memo_fn)(struct paa_op *op, enum paa_status status,
                                       const struct paa_memo_value *value,
                                       void *context) PAA_NOEXCEPT;

struct paa_host_memo {
    uint32_t struct_size;
    uint32_t flags;
    /* create only. */
    enum paa_status (*open)(struct paa_op *op, const struct paa_memo_def *def,
                            struct paa_memo **ret_memo);
    /* Waiting. A usable value. */
    enum paa_result (*get)(struct paa_op *op, struct paa_memo *memo,
                           const struct paa_memo_query *query, paa_memo_fn then, void *context);
    /* Waiting. A version newer than seen_version: at once, or when the run under way ends, else by
     * one forced run; LIMITED within the cool-down. OK and the old version: nothing new came. */
    enum paa_result (*renew)(struct paa_op *op, struct paa_memo *memo,
                             const struct paa_memo_query *query, paa_memo_fn then, void *context);
    /* Waiting. A value made elsewhere (a login, a nonce that came along). Gives what it saved. */
    enum paa_result (*put)(struct paa_op *op, struct paa_memo *memo, struct paa_bytes key,
                           const struct paa_memo_product *product, paa_memo_fn then, void *context);
    /* Waiting. Not usable from now on, if still seen_version; kept as `previous`. OK: the next get
     * makes a new one. EXISTS: it is newer already. LIMITED: one was dropped a moment ago, this one
     * stays (a peer that refuses all must not cost a token each time). */
    enum paa_result (*drop)(struct paa_op *op, struct paa_memo *memo,
                            const struct paa_memo_query *query, paa_memo_fn then, void *context);
    /* A ready object of this process, without bytes. OK: the memo owns it, and it lives at least
     * until this operation ends. Else it is still the caller's. */
    enum paa_status (*keep)(struct paa_op *op, struct paa_memo *memo, struct paa_bytes key,
                            void *object, size_t weight, int64_t until_s);
    /* produce only: the value of this run. */
    enum paa_status (*product)(struct paa_op *op, const struct paa_memo_product *product);
    /* Is what get would give at once of this version? OK: it is. NONE: it is not, or get has more
     * to do. For what was made of a value and is kept elsewhere; it costs less than get. */
    enum paa_status (*check)(struct paa_op *op, struct paa_memo *memo, struct paa_bytes key,
                             uint64_t version);
};

PAA_END_DECLS

#endif
