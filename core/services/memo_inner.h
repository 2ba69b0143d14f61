/* SPDX-License-Identifier: MIT */
/*
 * What the files of the memo share; for nobody else.
 *
 *   memo.c         open and close
 *   memo_calls.c   get, renew, drop
 *   memo_put.c     put, product, keep: values that plugins bring
 *   memo_value.c   one value: its times, its memory, its end
 *   memo_table.c   keys and what they have; what has to go
 *   memo_run.c     runs of producers and decoders: beginning, waiters, steps
 *   memo_end.c     what a run's end means
 *   memo_home.c    where runs go on, their deadline, and how they are called off
 *   memo_source.c  memos of a source
 *   memo_share.c   SHARED memos: their table in the store, what others changed there
 *   memo_share_steps.c  a run of theirs, step by step; memo_share_save.c: what it saves
 *   memo_record.c  such a memo's record
 *   memo_peer.c    objects of connections
 *   memo_adopt.c   bytes that pass on: to the next generation, to a child after fork
 *
 * Readers take no lock: a table of words leads to values, which never change once they are there. All else of an
 * instance's memos is under its group's lock. No plugin code runs, and nothing is freed, under a lock.
 *
 * Locks, outer first: (a store's watch_lock), memos->lock, group->lock, (homes of operations), group->home_lock, the pool's.
 */
#ifndef SERVICES_MEMO_INNER_H
#define SERVICES_MEMO_INNER_H

#include "hash.h"
#include "memo.h"
#include "memo_record.h"
#include "pool.h"
#include "reactor.h"
#include "services.h"
#include "store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

enum {
    MEMO_BYTES_DEFAULT = 1024 * 1024,
    MEMO_NEGATIVES_DEFAULT = 1000,
    MEMO_TIMEOUT_DEFAULT_MS = 30 * 1000,
    MEMO_COOLDOWN_DEFAULT_MS = 30 * 1000,
    MEMO_GRACE_DEFAULT_S = 86400,
    MEMO_BACKOFF_MIN_MS = 1000,
    MEMO_BACKOFF_MAX_MS = 60 * 1000,
    MEMO_BACKOFF_DOUBLINGS = 6,     /* 1 s, 2 s, … to the most */
    MEMO_RETRY_MAX_MS = 300 * 1000, /* a longer Retry-After of a peer is cut */
    MEMO_FAILED_MS = 60 * 1000, /* after a failed try's back-off that try says nothing any more */
    MEMO_STATE_MAX = 64 * 1024,
    MEMO_RUN_ARENA_MAX = 1024 * 1024,
    MEMO_OF_INSTANCE_MAX = 64,  /* one bit each */
    MEMO_PARTS_MAX = 1024,      /* of a source */
    MEMO_LEEWAY_S = 60,         /* clocks of processes and machines differ by that much */
    MEMO_PLACE_SIZE = 32,       /* a record's key in the store */
    MEMO_TOMB_S = 600,          /* a forgotten key is remembered longer than any run lasts */
    MEMO_VERSION_SHIFT = 24,    /* seconds stand before these bits, */
    MEMO_VERSION_SALT_SHIFT = 8 /* 16 of chance before these */
};

struct memo_group;
struct memo_entry;
struct memo_run;

struct
    memo_life { /* when a value is what; both clocks count, so that a jump of one cannot prolong */
    int64_t fresh_s;
    int64_t waits_s; /* from then on it is given only while it cannot be renewed */
    int64_t usable_s;
    int64_t keep_s;
    int64_t fresh_ms;
    int64_t waits_ms;
    int64_t usable_ms;
    int64_t keep_ms;
};

struct memo_now {
    int64_t s; /* -1: the wall clock failed */
    int64_t ms;
};

struct memo_value { /* constant once it is published, but for the two words that say so */
    struct paa_memo *memo;
    uint64_t hash;
    uint64_t version;
    struct memo_life life;
    _Atomic int64_t renew_ms; /* stale: no look at the entry before; relaxed */
    _Atomic int64_t
        last_until_ms; /* it could not be renewed when that was tried; so long that counts; relaxed */
    atomic_bool is_used; /* since the hand passed; relaxed, written only when not set */
    bool is_negative;
    bool has_bytes;
    bool is_decoded; /* or there is no decoder */
    bool is_foreign; /* object of a parent process: never released here */
    uint64_t order;  /* SHARED: see memo_order_saved; 0: not told yet; group->lock */
    void *object;
    size_t weight; /* of all */
    size_t key_size;
    size_t size; /* of the bytes */
    struct memo_value *next_dead;
    unsigned char data[]; /* key, bytes */
};

struct memo_place {       /* what readers see of an entry, in one line of the cache */
    _Atomic uint64_t tag; /* of the hash; 0: free */
    _Atomic(void *) value;
    _Atomic(const void *) object; /* the value's: where to look ahead, and for nothing else */
};

struct memo_table {           /* open addressing, no holes in a chain */
    struct memo_table *older; /* smaller ones, empty; a reader may still look there */
    size_t mask;
    struct memo_entry **entries;
    struct memo_place *places;
};

struct memo_entry {   /* a key: whatever is known beside its value */
    struct list link; /* in memo->kept or memo->others */
    uint64_t hash;
    struct memo_value *value; /* published. NULL: none */
    struct memo_value *raw;   /* not decoded yet: taken over from another generation or process */
    struct memo_value *previous; /* dropped or ended, still kept for the producer */
    struct memo_run *run;        /* of the producer */
    int64_t forced_ms;           /* end of the last forced run's cool-down */
    int64_t dropped_ms;          /* likewise of the last drop */
    int64_t retry_ms;            /* end of the back-off */
    unsigned failures;
    uint64_t dropped_version; /* SHARED: what the store may still have of it is worthless */
    uint64_t heard;           /* SHARED: the newest record that was told of */
    bool follows;             /* SHARED: a run brings it */
    bool is_kept;             /* in memo->kept: holds something positive */
    size_t key_size;
    unsigned char *key;
};

struct paa_memo {
    struct paa_memo *next; /* of the instance */
    struct memo_group *group;
    struct paa_memo_def def;
    char *name;
    memo_settle_fn settle_fn; /* NULL: what the producer says stands */
    uint64_t bit;             /* among the instance's */
    uint64_t max_bytes;
    uint32_t max_negatives;
    int64_t timeout_ms;
    int64_t cooldown_ms;
    int64_t grace_s;
    _Atomic(struct memo_table *) table;
    size_t count;              /* entries */
    size_t bytes;              /* positive values */
    size_t negatives;          /* entries among the others */
    struct list kept;          /* the hand stands at the first */
    struct list others;        /* negative values, and marks without a value */
    struct list peers;         /* PEER: struct peer_object, memos->lock */
    struct paa_table *kept_in; /* SHARED, and the store is a file; else NULL */
    struct store_watch watch;
    /* of a source */
    _Atomic(void *) decoded; /* struct memo_value */
    struct memo_run *decoding;
    uint64_t bad_version; /* could not be decoded; 0: none */
    int64_t bad_since_ms;
    char bad_sentence[256];
};

struct memo_group { /* the memos of one instance */
    struct memos *memos;
    struct op_instance *instance;
    struct list link;
    pthread_mutex_t lock;
    uint32_t waiters;
    uint32_t running;
    struct list queue; /* runs that wait for others to end */
    uint64_t bits;     /* taken */
    pthread_mutex_t home_lock;
    pthread_cond_t changed;
    struct list runs; /* all that began and did not end */
    bool is_closing;
    _Atomic size_t alive; /* values that are not freed; the last one goes under home_lock */
};

struct memos {
    struct services *services;
    pthread_mutex_t lock; /* of groups, peers and their objects */
    struct list groups;
    struct hash_long_key key;
    bool has_key;
    _Atomic uint64_t version; /* the last one that was given */
    uint64_t salt;            /* of this process's versions, in its place */
    pid_t pid;                /* that started; 0: none */
};

enum run_state {               /* home_lock */
                 RUN_HELD = 1, /* too many run: in group->queue */
                 RUN_QUEUED,   /* its task is in the pool, or on its way to a worker */
                 RUN_RUNNING,
                 RUN_WAITING,
                 RUN_CANCELLING /* somebody asks what it waits for whether it can be let go */
};

enum share_job { SHARE_MAKE = 1, SHARE_LOOK, SHARE_PUT, SHARE_DROP };
enum share_stage { SHARE_BEFORE = 1, SHARE_PRODUCING, SHARE_SAVING };

struct memo_share { /* what a run of a SHARED memo has to do with the store */
    struct op op;   /* the core's own, which asks it: the plugin's waits and locks are its own */
    enum share_job job;
    enum share_stage stage;
    unsigned char place[MEMO_PLACE_SIZE];
    uint32_t flags;       /* PAA_RUN_… */
    uint32_t query_flags; /* of a drop */
    uint64_t seen;        /* of a drop */
    uint64_t above;       /* only what is newer counts */
    uint64_t heard;       /* what the entry had heard of when it began */
    uint64_t there;       /* the record's version in the store, for compare-and-set; 0: none */
    uint64_t known;       /* the order of what was here when it began, of all there was */
    uint64_t shown;       /* and of what the producer is shown */
    uint64_t bad;         /* a record that could not be decoded */
    struct memo_record record;
    struct memo_value *held; /* its bytes; NULL: none */
    bool asks;               /* the store has nothing: the producer is asked */
    bool is_alone;           /* the store cannot be asked */
    bool is_locked;
    bool was_refused; /* there was none to be seen, and yet one in the way: it does not open */
    bool writes_over;
    unsigned tries;
    enum paa_result made; /* the producer's result */
    enum paa_status told; /* what those who wait are told, whatever else came of it; 0: nothing */
    int64_t told_retry_ms;
};

struct memo_run { /* an operation of a producer or decoder */
    struct op op;
    struct op *turn;          /* it, or that of share: which one goes on */
    struct memo_share *share; /* NULL: not SHARED */
    struct op_home home;
    struct arena arena;
    struct pins pins;
    struct task task;
    struct timer timer;
    struct list link;     /* group->runs */
    struct list in_queue; /* group->queue */
    struct memo_group *group;
    struct paa_memo *memo;
    struct memo_entry *entry; /* whose run it is; NULL: of a put, or of a source */
    struct list waiters;      /* ops by wait.link; group->lock */
    struct memo_run *awaited; /* this one's op waits for that; group->lock */
    uint64_t above;           /* bits of the memos on whose behalf it runs, and of its own */
    struct paa_memo_run asked;
    enum paa_result final;    /* once it is called off */
    struct memo_value *value; /* made, or to be decoded; its own until the end */
    struct memo_value
        *last;     /* usable, not decoded, and worth something only if the producer fails */
    bool has_last; /* it has failed, and value is the last that was here or in the store */
    uint64_t source_version;
    bool is_disowned; /* its key was forgotten meanwhile: what it makes is nobody's; group->lock */
    bool is_counted;  /* among group->running; group->lock */
    bool only_decodes;
    bool is_begun;
    bool has_asked;       /* the producer */
    bool must_finish;     /* what it waits for is not called off; home_lock */
    enum run_state state; /* home_lock, as the next three */
    bool is_posted;       /* while it may not go on at once */
    bool is_expired;
    bool is_dead; /* what it waits for is of no use: its continuation must not run */
};

/* Values of a SHARED memo's key are put in order by the store's own count, whatever clocks and versions of processes
 * say: twice the record's number. What was never saved stands behind the record it would have replaced (odd), and
 * yields to any that came since. */
static inline uint64_t memo_order_saved(uint64_t number)
{
    return 2 * number;
}

static inline uint64_t memo_order_unsaved(uint64_t behind)
{
    return behind | 1;
}

struct memo_answer { /* what those who wait are told */
    enum paa_status status;
    struct memo_value *value;    /* NULL: none, and then */
    struct memo_value *sentence; /* its bytes are text; NULL: nothing to say */
    int64_t retry_after_ms;
};

struct memo_bin { /* what is to be retired once no lock is held */
    struct memo_value *first;
};

/* ---- memo_calls.c, memo_put.c ------------------------------------------------------------------- */

enum paa_result memo_call_get(struct paa_op *pub, struct paa_memo *memo,
                              const struct paa_memo_query *query, paa_memo_fn then, void *context);
enum paa_result memo_call_renew(struct paa_op *pub, struct paa_memo *memo,
                                const struct paa_memo_query *query, paa_memo_fn then,
                                void *context);
enum paa_result memo_call_put(struct paa_op *pub, struct paa_memo *memo, struct paa_bytes key,
                              const struct paa_memo_product *product, paa_memo_fn then,
                              void *context);
enum paa_result memo_call_drop(struct paa_op *pub, struct paa_memo *memo,
                               const struct paa_memo_query *query, paa_memo_fn then, void *context);
enum paa_status memo_call_keep(struct paa_op *pub, struct paa_memo *memo, struct paa_bytes key,
                               void *object, size_t weight, int64_t until_s);
enum paa_status memo_call_product(struct paa_op *pub, const struct paa_memo_product *product);
enum paa_status memo_call_check(struct paa_op *pub, struct paa_memo *memo, struct paa_bytes key,
                                uint64_t version);
enum paa_result memo_resume(struct op *op);
/* The outcome is at hand. */
void memo_answer(struct op *op, enum paa_status status, struct memo_value *value,
                 const char *sentence, int64_t retry_after_ms);
PAA_COLD void memo_answer_invalid(struct op *op, const char *what);
bool memo_is_own(const struct op *op, const struct paa_memo *memo);
/* Not of a source or connection. False: answered. */
bool memo_accept_keyed(struct op *op, const struct paa_memo *memo);
uint64_t memo_hash(const struct paa_memo *memo, struct paa_bytes key);
/* The producer's run that op is; NULL: it is none. */
struct memo_run *memo_run_of(const struct op *op);

/* ---- memo_value.c ------------------------------------------------------------------------------- */

/* Of a SECRET memo: memory of its own kind. Zeroed. */
void *memo_memory(const struct paa_memo *memo, size_t size);
void memo_memory_free(bool is_secret, void *data, size_t size);
bool memo_is_secret(const struct paa_memo *memo);

struct memo_now memo_now(const struct memos *memos);
/* For a look at what is kept: at most as old as what the slot has done since it began. The wall clock is read anew. */
struct memo_now memo_now_of(const struct op *op);
struct memo_life memo_life_at(int64_t fresh_s, int64_t waits_s, int64_t usable_s, int64_t keep_s,
                              struct memo_now now);
/* What a product says; clamped. */
struct memo_life memo_life_of(const struct paa_memo_product *product, struct memo_now now);
bool memo_is_fresh(const struct memo_value *value, struct memo_now now);
bool memo_is_usable(const struct memo_value *value, struct memo_now now);
/* Of a usable one: there may be a newer one to be had, and nobody has tried in vain. */
bool memo_has_to_wait(const struct memo_value *value, struct memo_now now);
bool memo_is_kept(const struct memo_value *value, struct memo_now now);

/* NULL: no memory. Not published; the bytes may be absent. */
struct memo_value *memo_value_new(struct paa_memo *memo, uint64_t hash, struct paa_bytes key,
                                  struct paa_bytes bytes);
/* Never published, or retired. Releases the object. */
void memo_value_free(struct memo_value *value);
struct paa_bytes memo_value_bytes(const struct memo_value *value);
void memo_show(const struct memo_value *value, struct paa_memo_value *ret_value);
void memo_bin_add(struct memo_bin *bin, struct memo_value *value);
void memo_bin_empty(struct memos *memos, struct memo_bin *bin); /* no lock is held */
uint64_t memo_version_new(struct memos *memos);

/* ---- memo_table.c ------------------------------------------------------------------------------- */

/* What memo_look will read first, asked for while there is something else to do. */
void memo_look_ahead(const struct paa_memo *memo, uint64_t hash, size_t key_size);
/* Without a lock: pinned, or NULL. */
struct memo_value *memo_look(struct paa_memo *memo, struct pins *pins, uint64_t hash,
                             struct paa_bytes key);
/* The rest: under the group's lock. */
struct memo_entry *memo_find(struct paa_memo *memo, uint64_t hash, struct paa_bytes key);
struct memo_entry *memo_make(struct paa_memo *memo, uint64_t hash, struct paa_bytes key,
                             struct memo_bin *bin); /* NULL: no memory */
/* value becomes what the key has; the one before is retired. */
void memo_publish(struct memo_entry *entry, struct memo_value *value, struct memo_bin *bin);
/* The published value, or what is raw, is kept for the producer only. */
void memo_demote(struct paa_memo *memo, struct memo_entry *entry, struct memo_bin *bin);
/* Everything that was kept of the key goes; the entry stays while a run is on it. */
void memo_forget(struct paa_memo *memo, struct memo_entry *entry, struct memo_bin *bin);
void memo_set_raw(struct paa_memo *memo, struct memo_entry *entry, struct memo_value *value,
                  struct memo_bin *bin);
/* What is raw is the caller's from now on. */
void memo_take_raw(struct paa_memo *memo, struct memo_entry *entry);
/* What is past its keeping goes, and the least recently used beyond the limits. `spared` stays. */
void memo_tidy(struct paa_memo *memo, struct memo_entry *spared, struct memo_bin *bin);
/* Nobody runs or waits: entries and tables go. */
void memo_table_free(struct paa_memo *memo, struct memo_bin *bin);

/* ---- memo_run.c --------------------------------------------------------------------------------- */

/* A run for the entry, which is its `run` then: decodes what is raw unless FORCED, else asks the producer. Under
 * the group's lock. starter: the run on whose behalf, or NULL. UNAVAILABLE: no memory or worker; LIMITED: too
 * many. */
enum paa_status memo_run_begin(struct paa_memo *memo, struct memo_entry *entry, uint32_t flags,
                               uint64_t seen, struct paa_bytes input,
                               const struct memo_run *starter);
/* A run without an entry, for a put or drop of a SHARED memo. NULL: no memory. It is not begun. */
struct memo_run *memo_run_new(struct paa_memo *memo, struct paa_bytes key);
void memo_run_go(struct memo_run *run, bool must_run);
/* A run that only decodes `value`, which it owns then, for one put; or a memo's source (value NULL). NULL: no
 * memory or worker. */
struct memo_run *memo_run_decode(struct paa_memo *memo, struct memo_value *value);
/* The op waits for the run's end. Under the group's lock. False: too many wait. */
bool memo_run_await(struct memo_run *run, struct op *op);
/* The entry's run, if any, began with what is to be forgotten: it ends in nothing, and the next get begins another. */
void memo_run_disown(struct memo_entry *entry);
/* On a worker: what there is to do next. */
void memo_run_step(struct memo_run *run);
/* Nobody knows it any more. */
void memo_run_free(struct memo_run *run);
/* The outcome for one op; value may be NULL, and is pinned for the op. The sentence is copied. */
void memo_tell(struct op *op, enum paa_status status, struct memo_value *value,
               struct paa_str sentence, int64_t retry_after_ms);
/* Tells a waiting op, takes it off its run and posts it. */
void memo_post(struct memo_group *group, struct op *op, const struct memo_answer *answer);
/* The run's sentence for those who wait, already in the bin. NULL: none. */
struct memo_value *memo_sentence(struct memo_run *run, struct memo_bin *bin);
/* The cancel of all its waits. False: it was posted. */
bool memo_cancel(struct op *op);

/* ---- memo_end.c --------------------------------------------------------------------------------- */

/* It will not go on: those who wait are told, and it is gone. No lock held. */
void memo_run_end(struct memo_run *run, enum paa_result result);
/* Under the group's lock: value is what the key has now, by its own lifetimes. False: it is not retained. */
/* How long nobody tries again after one more failure. */
int64_t memo_backoff(const struct memo_run *run, unsigned failures);
/* What the entry has could not be renewed; the next try is at its retry_ms. */
void memo_is_last(struct memo_entry *entry);
bool memo_accept(struct memo_entry *entry, struct memo_value *value, struct memo_bin *bin);

/* ---- memo_home.c -------------------------------------------------------------------------------- */

void memo_home_init(struct memo_run *run);
/* Into the pool; group->lock may be held. */
void memo_home_start(struct memo_run *run);
/* After a step that ended PENDING. True: it was called off meanwhile, and the caller ends it. */
bool memo_home_rest(struct memo_run *run);
/* After a step whose result came beside a wait. True: the wait is gone; else the step comes again. */
bool memo_home_call_off(struct memo_run *run);
/* Its timer does not run and will not. True: its instance ends. */
bool memo_home_leave(struct memo_run *run);
/* All runs of a group whose instance ends. */
void memo_home_close(struct memo_group *group);

/* The next step has a time of its own; what expired before is forgotten. */
void memo_home_rearm(struct memo_run *run, bool must_finish);

/* ---- memo_share.c ------------------------------------------------------------------------------- */

/* From open: its table. */
enum paa_status memo_share_open(struct op *op, struct paa_memo *memo);
/* Before anything of it goes. */
void memo_share_close(struct paa_memo *memo);
/* Of a run that is not begun yet. False: no memory. */
bool memo_share_new(struct memo_run *run, enum share_job job, uint32_t flags);
void memo_share_free(struct memo_run *run);
/* On the caller's thread, under the group's lock: the run is begun, or the op answered. */
void memo_share_put(struct op *op, struct paa_memo *memo, struct memo_value *value,
                    struct memo_bin *bin);
void memo_share_look(struct op *op, struct paa_memo *memo, struct paa_bytes key);
void memo_share_drop(struct op *op, struct paa_memo *memo, const struct paa_memo_query *query);
/* Under the group's lock: what a run's end means where `told` says it. */
void memo_share_told(struct memo_run *run, struct memo_entry *entry, struct memo_answer *answer,
                     struct memo_bin *bin);
/* Likewise, after it ended: was something newer told of meanwhile? */
void memo_share_again(struct memo_run *run, struct memo_entry *entry);

/* ---- memo_share_steps.c ------------------------------------------------------------------------- */

void memo_share_step(struct memo_run *run);

/* ---- memo_source.c ------------------------------------------------------------------------------ */

void memo_source_get(struct op *op, struct paa_memo *memo, uint32_t flags);
/* Is the source of this version, and readable? */
bool memo_source_is(const struct paa_memo *memo, uint64_t version);
/* Under the group's lock. */
void memo_source_ended(struct memo_run *run, enum paa_result result, struct memo_bin *bin);
/* Reads the source's parts for run and decodes them. */
enum paa_result memo_source_decode(struct memo_run *run);

/* ---- memo_peer.c -------------------------------------------------------------------------------- */

struct memo_value *memo_peer_look(struct op *op, const struct paa_memo *memo);
/* The value is pinned by the op. False: no memory, or no connection. */
bool memo_peer_keep(struct op *op, struct paa_memo *memo, struct memo_value *value,
                    struct memo_bin *bin);
void memo_peer_leave(struct paa_memo *memo, struct memo_bin *bin);

/* ---- memo_adopt.c ------------------------------------------------------------------------------- */

/* In a child after fork: threads, runs and objects of the parent are not here. Single-threaded. */
void memo_forget_parent(struct memos *memos);

/* Bytes to object, on a worker, in the run's operation; fills the value's object. */
enum paa_result memo_decode_made(struct memo_run *run);
enum paa_result memo_after_produce(struct memo_run *run, enum paa_result result);
enum paa_result memo_ask_producer(struct memo_run *run);
enum paa_status memo_decode(struct memo_run *run, struct memo_value *value,
                            const struct paa_bytes *parts, size_t count);

#endif
