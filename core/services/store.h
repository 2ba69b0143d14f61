/* SPDX-License-Identifier: MIT */
/*
 * Named tables of bytes -> bytes with expiry and compare-and-set: in memory, or in SQLite files (WAL) that
 * processes share. The plugin's side is paa/host/store.h. This file knows names and waits; store_memory.c and
 * store_sqlite.c know the two kinds; sqlite3.h is included by the latter only.
 *
 * Reads are served from a memory image of the table: a hash table that readers reach through pins. A word
 * beside the file (PATH.gen, mapped by every process) is made odd before and even after each commit; odd or
 * changed means: ask the store thread, which catches up by sequence number or asks SQLite. So a revocation
 * counts at the next request in every process, and a hit costs two cold cache lines.
 */
#ifndef SERVICES_STORE_H
#define SERVICES_STORE_H

#include "diag.h"
#include "op.h"

#include <paa/plugin.h>

struct services;
struct stores;

enum {
    STORE_KEY_MAX = 255,
    STORE_VALUE_MAX = 1024 * 1024,
    STORE_BATCH_MAX = 256,  /* writes in one commit */
    STORE_QUEUE_MAX = 4096, /* requests that wait for the store thread; beyond: LIMITED */
    STORE_BUSY_MS = 5000    /* how long a commit waits for another process's lock */
};

struct stores *stores_new(struct services *services);
void stores_free(struct stores *stores);
/* Stops the store threads; waits get UNAVAILABLE. */
void stores_stop(struct stores *stores);

/* The policy names a store: "memory" or a path (absolute by now); path NULL: names it no more. Opens nothing.
 * Both names again at reload with the same path: the same store. Tables keep the store they were opened in.
 * 0 or -1 (no memory). */
int stores_define(struct stores *stores, const char *name, const char *path, struct where where);

struct source_spec;

/* The sealing keys of a store that is defined (policy's `seal`): the first seals, all of them open. Read at once;
 * count 0: the key beside its file, which is made with the first write. Of several contexts that name one file the
 * last says. 0, or -1 with a sentence: the keys stay as they were. */
int stores_seal(struct stores *stores, const char *name, const struct source_spec *specs,
                size_t count, struct paa_error *error);

/* host->store->open is called by `create` and adds to op->instance->tables. Which store: TRUSTED tables the one
 * the instance names, else `keys`; others `state`, which is in memory unless the policy defines it. A TRUSTED
 * table without a defined store is INVALID, with a sentence (op_fail) that says what to add to the policy. The
 * engine closes them when no operation of the instance is left. */
void store_close_all(struct op_instance *instance);

/* Is it in a file, which other processes and later ones see? */
bool store_is_kept(const struct paa_table *table);

bool store_is_same(const struct paa_table *a, const struct paa_table *b);

struct store_watch { /* embedded by whoever wants to hear of a table's changes */
    struct list link;
    const void *table;
    /* On the store's thread, under a lock of the store's: record was put, by this process or another one, at most
     * half a second ago; what was removed is not told. NULL: anything may have changed. */
    void (*fn)(struct store_watch *watch, const struct paa_record *record);
};

/* For tables in files, between open and close. */
void store_watch_begin(struct paa_table *table, struct store_watch *watch);
/* When it returns, fn does not run and will not. Never begun is fine. */
void store_watch_end(struct paa_table *table, struct store_watch *watch);

/* The engine, when an operation ends whose store_lock is not NULL: gives the key back. Any thread. */
void store_op_ended(struct op *op);

#endif
