/* SPDX-License-Identifier: MIT */
/*
 * What the files of the store service share among themselves, and nobody else includes.
 *
 *   store.c           tables, the host's slots
 *   store_names.c     what the policy calls a store
 *   store_registry.c  one struct store per file and process; contexts attach to it; forks
 *   store_request.c   requests that wait, the store's thread, completion and cancellation
 *   store_disk.c      what that thread does for a SQLite store (store_sqlite.c: one connection)
 *   store_disk_seal.c values of SECRET tables in the file (store_seal.c: the cipher)
 *   store_memory.c    the memory store: everything at once, under its lock
 *   store_due.c       by which time records are thrown away
 *   store_image.c     the table that is read without locks; store_word.c: when it is current
 *   store_watch.c     who is told of changes
 *   store_lock.c      keys that an operation holds for itself
 *   store_overlay.c   writes of a context that must change nothing (PAA_OPEN_OFFLINE)
 *
 * Locks, outermost first: registry, store->disk_lock, store->watch_lock, store->lock, store->readers_lock, then those of
 * others (a home's, a pin domain's).
 */
#ifndef SERVICES_STORE_PARTS_H
#define SERVICES_STORE_PARTS_H

#include "list.h"
#include "op.h"
#include "secret.h"
#include "services.h"
#include "store.h"
#include "store_due.h"
#include "store_image.h"
#include "store_seal.h"
#include "store_word.h"
#include "str.h"

#include <pthread.h>

enum {
    STORE_IMAGE_VALUE_MAX = 16 * 1024, /* larger values are read from the file each time */
    STORE_LOAD_CHUNK = 4096,   /* rows that are caught up with between two looks at the queue */
    STORE_PURGE_MAX = 64,      /* rows purged in one commit */
    STORE_PURGE_AFTER_S = 300, /* kept so long, for processes that catch up by sequence number */
    STORE_SWEEP_SLOTS = 64,    /* of the image, with each write */
    STORE_TICK_MS = 500,     /* the thread looks for changes, and whether the files are the same */
    STORE_RETRY_MS = 10,     /* while another process writes or holds a lock */
    STORE_OVERLAY_MAX = 1024 /* records one offline context may have written */
};

/* Two policies' worth of the largest planned key file; beyond, SQLite is asked. */
#define STORE_IMAGE_BYTES_MAX  ((size_t)1024 * 1024 * 1024)
#define STORE_MEMORY_BYTES_MAX ((size_t)256 * 1024 * 1024)

struct disk;
struct overlay;
struct seal_ring;
struct source_spec;
struct store_lock;

struct store_table { /* one per address and store, for the process's life with the store */
    struct store_table *next;
    char *address;
    bool is_rare; /* of a file: the image has nothing of it. As it was opened first, both */
    bool is_secret;
    _Atomic uint32_t id; /* 0: not known yet; the image has nothing of it */
};

/* A context that uses the store. Its readers may pin what the store retires. */
struct attachment {
    struct list in_store;  /* under readers_lock */
    struct list in_stores; /* under the registry's lock */
    struct stores *stores;
    struct store *store;
    struct overlay *overlay; /* offline contexts: what they wrote; the store's thread uses it */
    unsigned uses;           /* names and tables; under the registry's lock */
};

struct store {
    struct list link; /* the registry's */
    char *path;       /* NULL: in memory */
    unsigned attached;
    struct image_owner image;
    struct store_word word;

    pthread_mutex_t readers_lock;
    struct list attachments;

    pthread_mutex_t watch_lock; /* functions that are told run with it: it is outside their locks */
    struct list watches;
    _Atomic unsigned watched;

    pthread_mutex_t lock; /* memory: everything below; SQLite: the queues */
    struct list reads;    /* struct store_request */
    struct list writes;
    size_t queued;
    size_t running; /* taken by the thread, not posted yet */
    struct list locks;
    struct store_table *tables;
    uint64_t sequence;    /* memory: the last version given */
    struct store_due due; /* likewise; of a file it is in the file */
    pthread_cond_t work;
    pthread_cond_t idle; /* running became 0 */
    pthread_t thread;
    bool has_thread;
    bool stop;
    bool poked; /* something new for the thread */

    /* The thread's. disk_lock: held whenever it touches the connection, so that a fork finds none open. */
    pthread_mutex_t disk_lock;
    struct disk *disk;
    bool writable;
    dev_t device;
    ino_t inode;
    uint64_t seen;     /* the image holds all up to this version */
    bool whole;        /* and that was all there was */
    uint64_t followed; /* the word of that moment */
    bool no_image;     /* it did not fit */
    int64_t now_s;     /* the last request's clocks, as it was asked */
    int64_t now_ms;
    int64_t due_s; /* what expired by then may be thrown away */
    int64_t looked_ms;
    unsigned char salt[SEAL_SALT_SIZE]; /* the file's */
    struct seal_ring *ring;             /* NULL: not read yet */
    bool ring_given;                    /* by the policy */
    bool ring_bound;                    /* to the file's salt */
    int64_t ring_read_ms;
    unsigned char *plain; /* secret memory: the last value that was opened */
    size_t plain_room;
    unsigned char *sealed; /* the last one that was sealed */
    size_t sealed_room;
    unsigned unopened; /* records that did not open */
    int64_t unopened_ms;
    struct paa_error unseal_error;
};

enum store_verb { STORE_GET = 1, STORE_PUT, STORE_REMOVE, STORE_NEXT, STORE_LOCK };
enum request_state { REQUEST_QUEUED = 1, REQUEST_RUNNING, REQUEST_POSTED };

struct store_request {
    struct list link;
    enum store_verb verb;
    enum request_state state;
    bool cancelled;
    bool is_verb;
    uint32_t flags; /* of a put */
    struct op *op;
    struct paa_table *table;
    struct store *store;
    struct overlay *overlay; /* NULL: the real thing */
    struct store_lock *waits_for;
    uint64_t version;
    int64_t expires_at_s;
    int64_t now_s;          /* the wall clock, when it was asked */
    int64_t since_ms;       /* steady, by the clock of the op's context, as the next */
    int64_t until_ms;       /* of a lock */
    struct paa_bytes key;   /* into bytes; next: the prefix */
    struct paa_bytes value; /* next: after */
    enum paa_status status;
    uint64_t ret_version;
    int64_t ret_expires_at_s;
    unsigned char *found; /* malloc'ed copy of what was found: key, value */
    size_t found_key_size;
    size_t found_value_size;
    char *sentence;
    unsigned char bytes[];
};

struct paa_table {
    struct paa_table *next;
    struct attachment *attachment;
    struct store_table *shared;
    uint32_t flags;
};

struct store_name {
    struct store_name *next;
    char *name;
    struct attachment *attachment; /* NULL: defined no more */
    struct attachment *memory;     /* its memory store, once it had one: kept over reloads */
};

struct stores {
    struct services *services;
    struct store_name *names; /* this and attachments: under the registry's lock */
    struct list attachments;
    _Atomic bool stopped;
};

/* ---- store_names.c: under the registry's lock ---- */
struct store_name *store_name_find(struct stores *stores, const char *text);
struct store_name *store_name_make(struct stores *stores, const char *text); /* NULL: no memory */
/* The name's memory store, one use more: made once, so that what it holds outlives reloads. */
struct attachment *store_name_memory(struct stores *stores, struct store_name *name);

/* ---- store_registry.c: under the registry's lock, all but store_log and store_inode_* ---- */
void registry_lock(void);
void registry_unlock(void);
/* path NULL: a new memory store. Counts as one use. NULL: no memory, no chance. */
struct attachment *store_attach(struct stores *stores, const char *path);
void store_drop(struct attachment *attachment); /* NULL is fine; the last use detaches */
struct store_table *store_table_of(struct store *store, const char *address, uint32_t flags);
PAA_PRINTF(3, 4) void store_log(struct store *store, enum paa_level level, const char *format, ...);
/* The file is open in this process under another name. */
bool store_inode_taken(struct store *self, dev_t device, ino_t inode);
void store_inode_leave(struct store *self);

/* ---- store_request.c ---- */
struct store_request *request_new(struct op *op, struct paa_table *table, enum store_verb verb,
                                  struct paa_bytes key, struct paa_bytes value);
void request_free(struct store_request *request);
/* Steady, by the clock of the context that asked: one store serves several. */
int64_t request_now_ms(const struct store_request *request);
/* Links it to the thread's queue and arms the wait; LIMITED or UNAVAILABLE at once if it cannot. */
void request_queue(struct op *op, struct store_request *request);
void request_fail(struct store_request *request, enum paa_status status, const char *format, ...)
    PAA_PRINTF(3, 4);
/* Copies what was found. */
void request_found(struct store_request *request, struct paa_bytes key, struct paa_bytes value,
                   uint64_t version, int64_t expires_at_s);
/* The copy, as a view. */
void request_show(const struct store_request *request, struct paa_record *ret_record);
/* Under store->lock: the outcome is in the request. */
void request_post(struct store_request *request);
bool request_cancel(struct op *op);
enum paa_result request_resume(struct op *op);
/* By its clocks the store tells the time, from here on. */
void request_tell_time(const struct store_request *request);
bool store_thread_start(struct store *store); /* under store->lock */
void store_thread_stop(struct store *store);
void store_thread_end_of(struct store *store, const struct services *services);
int64_t store_steady_ms(void);

/* ---- store_disk.c: on the store's thread, under disk_lock ---- */
/* One round over both queues. How long to wait for more: 0 goes on at once. */
int disk_round(struct store *store);
void disk_leave(struct store *store, bool checkpoint);

/* ---- store_watch.c ---- */
void watch_tell(struct store *store, const struct store_table *table,
                const struct paa_record *record);
void watch_tell_all(struct store *store);

/* ---- store_disk_seal.c ---- */
/* chance: for a missing file that may be made. NULL: *error says why; an empty sentence: NO_EXEC. */
struct seal_ring *store_ring_read(const struct source_spec *specs, size_t count,
                                  const struct chance *chance, struct paa_error *error);
/* Takes the ring over; NULL: the key beside the file. Under disk_lock. */
void disk_ring_set(struct store *store, struct seal_ring *ring);
void disk_seal_free(struct store *store);

/* ---- store_memory.c: on the caller's thread ---- */
void memory_run(struct op *op, struct store_request *request);

/* ---- store_lock.c ---- */
/* Under store->lock. True: the request waits or was posted. False: no memory. */
bool lock_ask(struct store_request *request);
void lock_withdraw(struct store_request *request);
/* The thread: tries what is free in this process, ends what waited too long. True: somebody waits. */
bool locks_round(struct store *store);
void locks_end_of(struct store *store, const struct services *services);
void locks_forget(struct store *store);

/* ---- store_overlay.c: under disk_lock ---- */
struct overlay_entry {
    bool gone;
    uint64_t version;
    int64_t expires_at_s;
    struct paa_bytes key;
    struct paa_bytes value;
};
struct overlay *overlay_new(void);
void overlay_free(struct overlay *overlay);
bool overlay_find(struct overlay *overlay, const struct store_table *table, struct paa_bytes key,
                  struct overlay_entry *ret_entry);
/* The first live or gone entry behind `from` or at it. */
bool overlay_next(struct overlay *overlay, const struct store_table *table, struct paa_bytes from,
                  bool behind, struct overlay_entry *ret_entry);
int overlay_put(struct overlay *overlay, const struct store_table *table,
                const struct overlay_entry *entry);

/* Compare-and-set, pure: may the write go ahead? OK, EXISTS or NONE. version 0: there is none. */
enum paa_status store_judge(enum store_verb verb, uint32_t flags, uint64_t wanted, uint64_t there);

#endif
