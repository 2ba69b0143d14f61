/* SPDX-License-Identifier: MIT */
/*
 * The cache with a producer (paa/host/memo.h has the plugin's side and the meaning of every word). This file
 * is what the engine needs of it: life of memos with their instance, and carrying bytes over a reload.
 *
 * A hit reads a hash table through pins: no lock, no shared write. A miss links the operation to the entry and
 * starts one run, an operation of its own whose home is the workers.
 */
#ifndef SERVICES_MEMO_H
#define SERVICES_MEMO_H

#include "op.h"

struct services;
struct memos;

enum {
    MEMO_KEY_MAX = 16 * 1024,
    MEMO_WAITERS_MAX = 4096, /* of one instance */
    MEMO_RUNS_MAX = 64,      /* of one instance at a time */
    MEMO_LIFETIME_MIN_S = 1, /* lifetimes that peers state are clamped */
    MEMO_LIFETIME_MAX_S = 86400
};

struct memos *memos_new(struct services *services);
/* From services_start, in each process: a child forgets what the parent's threads were about, and
 * numbers apart from it. 0, or -1: no chance is to be had. */
int memos_start(struct memos *memos);
void memos_free(struct memos *memos);

/* What the core makes of a producer's last result before its run ends; may call product. */
typedef enum paa_result (*memo_settle_fn)(struct op *op, enum paa_result result);
/* host->memo->open, for a memo of the core's own in an instance. */
enum paa_status memo_open_own(struct op *op, const struct paa_memo_def *def,
                              memo_settle_fn settle_fn, struct paa_memo **ret_memo);

/* host->memo->open is called by `create` and adds to op->instance->memos. The engine then calls: */

/* The generation of `instance` took over: its memos take the bytes of those of `old` (same plugin, instance
 * and memo name), as paa/host/memo.h says. old may be NULL. */
void memo_adopt(struct op_instance *instance, struct op_instance *old);
/* No operation of the instance is left or will come. Ends runs under way (waits for what computes), releases
 * objects, frees the memos. On a worker, or at close. */
void memo_close_all(struct op_instance *instance);

/* PAA_MEMO_PEER: the objects of one connection. */
struct memo_peer;
struct memo_peer *memo_peer_new(struct memos *memos);
void memo_peer_free(struct memo_peer *peer);

#endif
