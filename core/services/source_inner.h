/* SPDX-License-Identifier: MIT */
/*
 * What sources.c (open, read again), source_decode.c (objects made of bytes), source_files.c (the policy's own
 * files) and source_host.c (what plugins and the log see) share. For nobody else.
 *
 * A source publishes its bytes in one word. Plugins pin what is there; a reading that brought other bytes
 * exchanges the word and retires the old ones. Readings of one source never overlap (is_busy). Locks: the
 * watcher's before `lock`; `lock` and `alive_lock` never together. Nothing is read, logged or called under them.
 */
#ifndef SERVICES_SOURCE_INNER_H
#define SERVICES_SOURCE_INNER_H

#include "pool.h"
#include "reactor.h"
#include "services.h"
#include "source_read.h"
#include "sources.h"
#include "watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

enum { SOURCE_MASTER_SIZE = 32 };

struct paa_source {
    struct paa_source
        *self; /* plugins hold a pointer to const; the word below is written through this */
    struct sources *sources;
    struct arena arena; /* the specs' copies */
    struct source_spec *specs;
    size_t count;
    struct source_decoder decoder; /* make_fn NULL: none */
    _Atomic(void *) now;           /* struct source_bytes; NULL: never read */
    _Atomic uint64_t version;      /* of `now`; written after it */
    _Atomic int64_t failing_ms;    /* since then it cannot be read; 0: it can */
    struct watch watch;
    struct list link;
    struct paa_error logged; /* the failure that was told; readers of the source only */
    bool is_dirty;           /* under lock, as is_busy */
    bool is_busy;
};

struct file_watch { /* sources_watch_files */
    struct watch watch;
    struct timer timer;
    struct task task;
    void (*fn)(void *arg);
    void *arg;
    int64_t last_ms;
    bool is_pending; /* timer or task is on its way */
    bool is_queued;  /* the task is in the pool */
    bool is_running;
    pthread_t runner;
};

struct sources {
    struct services *services;
    struct watcher *watcher;
    pthread_mutex_t lock;
    pthread_cond_t idle; /* something is not busy, queued or running any more */
    struct list open;
    struct timer settle;
    struct task task; /* reads what is dirty */
    bool is_queued;   /* the task is in the pool */
    bool is_started;
    pid_t pid; /* of the process that started */
    struct file_watch files;
    pthread_mutex_t alive_lock;
    struct list alive; /* all struct source_bytes that are not freed yet */
    _Atomic uint64_t version;
    unsigned char *master;
    bool has_master;
};

/* What is published; for who holds the lock or made the source busy. */
static inline struct source_bytes *source_bytes_now(const struct paa_source *source)
{
    return atomic_load_explicit(&source->now, memory_order_acquire);
}

/* Reads the specs; bytes that are not the old ones are decoded. NULL as source_read's. */
struct source_bytes *source_read_new(const struct paa_source *source,
                                     const struct source_bytes *old, struct paa_error *error);
/* What the operation sees: the same until it ends. NULL: nothing, or no memory. */
const struct source_bytes *source_bytes_of(struct op *op, const struct paa_source *source);

void source_files_init(struct sources *sources);
/* The policy's files stop being told of: nothing is on its way when this returns, and a run goes on only
 * if this is called from it. */
void source_files_settle(struct sources *sources);

#endif
