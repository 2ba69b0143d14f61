/* SPDX-License-Identifier: MIT */
/*
 * SHARED memos: their table in the store, the runs that put and drop there, and what other processes changed. Knows
 * nothing of how a run goes on (memo_share_steps.c). Where the store is in memory there is nothing to share: such a
 * memo is like any other.
 */
#include "memo_inner.h"

#include "str.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum { TABLE_NAME_SIZE = 80 };

/* ---- the table ---------------------------------------------------------------------------------- */

static struct memo_value *value_of(const struct memo_entry *entry)
{
    return entry->value != NULL ? entry->value : entry->raw;
}

static void put_last(struct memo_value *value)
{
    if (value != NULL)
        value->order = memo_order_unsaved(0);
}

/* Everything may be different: what is here is asked for again, and no more than that. */
static void forget_all(struct paa_memo *memo, struct memo_bin *bin)
{
    struct list *lists[] = { &memo->kept, &memo->others };

    for (size_t i = 0; i < 2; i++) {
        struct list *next;

        for (struct list *at = lists[i]->next; at != lists[i]; at = next) {
            struct memo_entry *entry = LIST_ENTRY(at, struct memo_entry, link);

            next = at->next;
            entry->heard = 0; /* another file numbers anew */
            if (value_of(entry) != NULL && value_of(entry)->order % 2 == 0)
                memo_demote(memo, entry, bin);
            put_last(value_of(entry));
            put_last(entry->previous);
        }
    }
}

/* Nobody waits for it; what is here serves until it is brought. */
static void bring(struct paa_memo *memo, struct memo_entry *entry)
{
    struct memo_run *run = NULL;

    if (memo->group->running < MEMO_RUNS_MAX)
        run = memo_run_new(memo, paa_bytes_of(entry->key, entry->key_size));
    if (run != NULL && !memo_share_new(run, SHARE_LOOK, 0)) {
        (void)memo_home_leave(run);
        memo_run_free(run);
        run = NULL;
    }
    entry->follows = run != NULL;
    if (run == NULL)
        return;
    run->share->heard = entry->heard;
    memo_run_go(run, true);
}

static void follow(struct paa_memo *memo, struct memo_entry *entry)
{
    if (value_of(entry) == NULL)
        entry->retry_ms = 0; /* somebody made it, so it can be had */
    else if (entry->run == NULL && !entry->follows)
        bring(memo, entry);
}

/* Under the group's lock. */
static void hear(struct paa_memo *memo, const struct paa_record *told,
                 const struct memo_record *record, struct memo_bin *bin)
{
    struct memo_entry *entry = memo_find(memo, memo_hash(memo, record->key), record->key);
    const struct memo_value *value = entry != NULL ? value_of(entry) : NULL;

    if (entry == NULL || told->version <= entry->heard ||
        (value != NULL && memo_order_saved(told->version) <= value->order))
        return;
    entry->heard = told->version;
    if ((record->flags & MEMO_RECORD_DROPPED) == 0) {
        follow(memo, entry);
    } else if (value != NULL) {
        entry->dropped_version = record->version;
        memo_demote(memo, entry, bin);
        if ((record->flags & MEMO_RECORD_HAS_BYTES) == 0)
            memo_forget(memo, entry, bin);
    }
}

static void on_change(struct store_watch *watch, const struct paa_record *told)
{
    struct paa_memo *memo = LIST_ENTRY(watch, struct paa_memo, watch);
    struct memo_bin bin = { NULL };
    struct memo_record record;

    if (told != NULL &&
        (!memo_record_read(told->value, &record) || record.format != memo->def.format))
        return;
    pthread_mutex_lock(&memo->group->lock);
    if (told == NULL)
        forget_all(memo, &bin);
    else
        hear(memo, told, &record, &bin);
    pthread_mutex_unlock(&memo->group->lock);
    memo_bin_empty(memo->group->memos, &bin);
}

/* What a run could not bring it does not try at once again: the next change, or the end of the value's use, does. */
void memo_share_again(struct memo_run *run, struct memo_entry *entry)
{
    const struct memo_value *value = entry->value;

    if (run->share->job == SHARE_LOOK)
        entry->follows = false;
    if (value != NULL && memo_order_saved(entry->heard) > value->order &&
        entry->heard > run->share->heard)
        follow(run->memo, entry);
}

enum paa_status memo_share_open(struct op *op, struct paa_memo *memo)
{
    uint32_t flags = memo_is_secret(memo) ? (uint32_t)PAA_TABLE_SECRET : 0;
    struct paa_table *table = NULL;
    char name[TABLE_NAME_SIZE];
    enum paa_status status;

    (void)snprintf(name, sizeof name, "memo.%s", memo->name);
    status = services_host_store.open(&op->pub, name, flags, &table);
    if (status != PAA_STATUS_OK || !store_is_kept(table))
        return status;
    memo->kept_in = table;
    memo->watch.fn = on_change;
    store_watch_begin(table, &memo->watch);
    return PAA_STATUS_OK;
}

void memo_share_close(struct paa_memo *memo)
{
    if (memo->kept_in != NULL)
        store_watch_end(memo->kept_in, &memo->watch);
}

/* ---- runs --------------------------------------------------------------------------------------- */

/* The same in every process, and of no use to whoever sees it: the options' digest is part of it unless the key
 * names all the value depends on. */
static bool place_of(const struct paa_memo *memo, struct paa_bytes key,
                     unsigned char ret_place[MEMO_PLACE_SIZE])
{
    static const unsigned char none[sizeof memo->group->instance->digest];
    const struct op_instance *instance = memo->group->instance;
    bool names_all = (memo->def.flags & PAA_MEMO_KEEP) != 0;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int saved = errno;
    bool is_done;

    (void)ERR_set_mark();
    is_done = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(md, names_all ? none : instance->digest, sizeof none) == 1 &&
              (key.size == 0 || EVP_DigestUpdate(md, key.data, key.size) == 1) &&
              EVP_DigestFinal_ex(md, ret_place, NULL) == 1;
    (void)ERR_pop_to_mark();
    EVP_MD_CTX_free(md);
    errno = saved;
    return is_done;
}

bool memo_share_new(struct memo_run *run, enum share_job job, uint32_t flags)
{
    struct memo_share *share = calloc(1, sizeof *share);

    if (share == NULL || !place_of(run->memo, run->asked.key, share->place)) {
        free(share);
        return false;
    }
    share->job = job;
    share->stage = SHARE_BEFORE;
    share->flags = flags;
    share->op.pub.struct_size = sizeof share->op.pub;
    share->op.pub.host = run->op.pub.host;
    share->op.pub.instance = run->op.pub.instance;
    share->op.services = run->op.services;
    share->op.home = &run->home;
    share->op.arena = &run->arena;
    share->op.pins = &run->pins;
    share->op.instance = run->op.instance;
    share->op.owner = run;
    share->op.slot = OP_PRODUCE;
    share->op.is_secret = run->op.is_secret;
    share->op.deadline_ms = INT64_MAX; /* the run's own ends its waits */
    list_init(&share->op.ready);
    list_init(&share->op.wait.link);
    run->share = share;
    return true;
}

void memo_share_free(struct memo_run *run)
{
    struct memo_share *share = run->share;

    if (run->op.store_lock != NULL) /* the producer's own */
        store_op_ended(&run->op);
    if (share == NULL)
        return;
    if (share->op.store_lock != NULL)
        store_op_ended(&share->op);
    memo_value_free(share->held); /* never published: nobody else knows it */
    free(share);
    run->share = NULL;
}

/* Put and drop have runs of their own, which no key's get joins. */
static struct memo_run *run_for(struct op *op, struct paa_memo *memo, struct paa_bytes key,
                                enum share_job job)
{
    struct memo_run *run = memo->group->waiters < MEMO_WAITERS_MAX ? memo_run_new(memo, key) : NULL;

    if (run != NULL && memo_share_new(run, job, 0) && memo_run_await(run, op))
        return run;
    if (run != NULL) {
        (void)memo_home_leave(run);
        memo_run_free(run);
    }
    memo_answer(op, PAA_STATUS_UNAVAILABLE, NULL, "no memory or worker is left for it", 0);
    return NULL;
}

void memo_share_put(struct op *op, struct paa_memo *memo, struct memo_value *value,
                    struct memo_bin *bin)
{
    struct paa_bytes key = paa_bytes_of(value->data, value->key_size);
    struct memo_run *run = run_for(op, memo, key, SHARE_PUT);

    if (run == NULL) {
        memo_bin_add(bin, value);
        return;
    }
    run->value = value;
    memo_run_go(run, true);
}

void memo_share_look(struct op *op, struct paa_memo *memo, struct paa_bytes key)
{
    struct memo_run *run = run_for(op, memo, key, SHARE_LOOK);

    if (run != NULL)
        memo_run_go(run, true);
}

void memo_share_drop(struct op *op, struct paa_memo *memo, const struct paa_memo_query *query)
{
    struct memo_run *run = run_for(op, memo, query->key, SHARE_DROP);

    if (run == NULL)
        return;
    run->share->seen = query->seen_version;
    run->share->query_flags = query->flags;
    memo_run_go(run, true);
}

/* ---- what a run's end means --------------------------------------------------------------------- */

/* Here it is dropped whatever the store says, if it was what was found wanting. */
static void told_drop(struct memo_run *run, struct memo_answer *answer, struct memo_bin *bin)
{
    const struct memo_share *share = run->share;
    struct paa_memo *memo = run->memo;
    struct paa_bytes key = run->asked.key;
    struct memo_entry *entry = memo_find(memo, memo_hash(memo, key), key);
    const struct memo_value *value = entry != NULL ? value_of(entry) : NULL;

    answer->status = share->told;
    answer->retry_after_ms = share->told_retry_ms;
    if (entry == NULL || share->told == PAA_STATUS_LIMITED || share->told == PAA_STATUS_EXISTS)
        return;
    if ((share->query_flags & PAA_QUERY_FORGET) != 0) {
        memo_run_disown(entry);
        memo_forget(memo, entry, bin);
        return;
    }
    if (value == NULL || (share->seen != 0 && value->version != share->seen))
        return;
    entry->dropped_version = value->version;
    entry->dropped_ms = memo_now(memo->group->memos).ms + memo->cooldown_ms;
    entry->retry_ms = 0;
    memo_demote(memo, entry, bin);
}

void memo_share_told(struct memo_run *run, struct memo_entry *entry, struct memo_answer *answer,
                     struct memo_bin *bin)
{
    const struct memo_share *share = run->share;
    struct memo_now now = memo_now(run->group->memos);

    if (share->job == SHARE_DROP) {
        told_drop(run, answer, bin);
        return;
    }
    if (entry != NULL && (share->record.flags & MEMO_RECORD_DROPPED) != 0 && entry->value != NULL &&
        entry->value->order < memo_order_saved(share->there))
        memo_demote(run->memo, entry, bin); /* dropped while it was on its way here */
    answer->status = share->told;
    answer->retry_after_ms = share->told_retry_ms;
    if (share->told != PAA_STATUS_UNAVAILABLE || entry == NULL || share->told_retry_ms == 0) {
        answer->value = share->told == PAA_STATUS_UNAVAILABLE ? run->value : NULL;
        return;
    }
    entry->retry_ms = now.ms + share->told_retry_ms; /* the back-off of another process */
    if (entry->value == NULL || !memo_is_usable(entry->value, now))
        return;
    memo_is_last(entry);
    answer->status = PAA_STATUS_OK;
    answer->value = entry->value;
}
