/* SPDX-License-Identifier: MIT */
/*
 * What the end of a run means: for the key (a new value, a failure with its back-off, nothing), for those who wait,
 * and for the log. Knows nothing of how the run went on until then.
 */
#include "memo_inner.h"

#include "str.h"
#include "units.h"

#include <stdlib.h>

/* The same bytes again: nothing new, so the version stays. */
static uint64_t version_for(const struct memo_entry *entry, const struct memo_value *value)
{
    const struct memo_value *all[] = { entry->value, entry->raw, entry->previous };

    if (value->version != 0)
        return value->version;
    for (size_t i = 0; i < 3 && value->has_bytes; i++)
        if (all[i] != NULL && all[i]->has_bytes && all[i]->is_negative == value->is_negative &&
            all[i]->size == value->size &&
            memcmp(all[i]->data + all[i]->key_size, value->data + value->key_size, value->size) ==
                0)
            return all[i]->version;
    return memo_version_new(value->memo->group->memos);
}

/* What was just said, and neither made nor found, is the newest. */
static bool is_in_order(const struct memo_entry *entry, struct memo_value *value)
{
    uint64_t here = entry->value != NULL ? entry->value->order : 0;

    if (value->order == 0)
        value->order = memo_order_unsaved(here);
    return value->order >= here;
}

bool memo_accept(struct memo_entry *entry, struct memo_value *value, struct memo_bin *bin)
{
    struct paa_memo *memo = value->memo;
    struct memo_now now = memo_now(memo->group->memos);

    value->version = version_for(entry, value);
    if (memo->kept_in != NULL && !is_in_order(entry, value))
        return false; /* another one came in between, and is newer */
    entry->failures = 0;
    entry->retry_ms = 0;
    if (value->weight > memo->max_bytes || !memo_is_kept(value, now)) {
        memo_forget(memo, entry, bin);
        return false;
    }
    memo_publish(entry, value, bin);
    if (!memo_is_usable(value, now))
        memo_demote(memo, entry, bin);
    memo_tidy(memo, entry, bin);
    return true;
}

int64_t memo_backoff(const struct memo_run *run, unsigned failures)
{
    unsigned doublings =
        failures < MEMO_BACKOFF_DOUBLINGS ? failures : (unsigned)MEMO_BACKOFF_DOUBLINGS;
    int64_t ms = (int64_t)MEMO_BACKOFF_MIN_MS << doublings;
    int64_t asked = run->op.retry_after_ms;

    ms = ms < MEMO_BACKOFF_MAX_MS ? ms : MEMO_BACKOFF_MAX_MS;
    asked = asked < MEMO_RETRY_MAX_MS ? asked : MEMO_RETRY_MAX_MS;
    return asked > ms ? asked : ms;
}

void memo_is_last(struct memo_entry *entry)
{
    struct memo_value *all[] = { entry->value, entry->raw };

    for (size_t i = 0; i < 2; i++) {
        if (all[i] == NULL)
            continue;
        atomic_store_explicit(&all[i]->renew_ms, entry->retry_ms, memory_order_relaxed);
        atomic_store_explicit(&all[i]->last_until_ms, time_add(entry->retry_ms, MEMO_FAILED_MS),
                              memory_order_relaxed);
    }
}

/* A failure leaves what is usable in place; the next try comes later. */
static void note_failure(struct memo_run *run, struct memo_entry *entry, bool is_failure,
                         struct memo_now now, struct memo_answer *outcome)
{
    int64_t wait_ms = memo_backoff(run, entry->failures);

    if (is_failure) {
        entry->failures++;
        outcome->retry_after_ms = wait_ms;
    }
    entry->retry_ms = time_add(now.ms, wait_ms);
    memo_is_last(entry);
}

/* What the producer refused is the value it was shown, not one that came since. */
static bool was_put_meanwhile(const struct memo_run *run)
{
    const struct memo_value *value = run->entry->value;

    return value != NULL && !value->is_negative && value->version > run->asked.previous_version;
}

static void fail_run(struct memo_run *run, enum paa_result result, struct memo_now now,
                     struct memo_answer *outcome, struct memo_bin *bin)
{
    struct memo_entry *entry = run->entry;
    bool has_usable;

    outcome->status = result == PAA_ABSENT   ? PAA_STATUS_NONE
                      : result == PAA_REJECT ? PAA_STATUS_DENIED
                                             : PAA_STATUS_UNAVAILABLE;
    if (entry == NULL)
        return;
    if (result == PAA_REJECT && !was_put_meanwhile(run))
        memo_forget(run->memo, entry, bin);
    /* As of now: who joined since it ended found that one past its use. */
    has_usable = entry->value != NULL && memo_is_usable(entry->value, memo_now(run->group->memos));
    if (outcome->status == PAA_STATUS_UNAVAILABLE)
        note_failure(run, entry, true, now, outcome);
    else if (result == PAA_ABSENT && has_usable)
        note_failure(run, entry, false, now, outcome);
    if (outcome->status == PAA_STATUS_UNAVAILABLE && has_usable) {
        outcome->status = PAA_STATUS_OK;
        outcome->value = entry->value;
    }
}

/* Its entry, or that of the key a put named. NULL: no memory. */
static struct memo_entry *entry_of(struct memo_run *run, struct memo_bin *bin)
{
    const struct memo_value *value = run->value;

    if (run->entry != NULL)
        return run->entry;
    return memo_make(run->memo, value->hash, paa_bytes_of(value->data, value->key_size), bin);
}

/* A run of put, drop or look has a key, and no entry of its own. */
static struct memo_entry *entry_named(const struct memo_run *run)
{
    struct paa_bytes key = run->asked.key;

    if (run->entry != NULL || run->share == NULL)
        return run->entry;
    return memo_find(run->memo, memo_hash(run->memo, key), key);
}

/* What was kept for the producer's failure, and not needed: neither found worthless nor dropped. */
static bool may_do_yet(const struct memo_run *run, enum paa_result result)
{
    return result != PAA_REJECT &&
           (run->share == NULL || (run->share->record.flags & MEMO_RECORD_DROPPED) == 0);
}

/* now: when it ended, before anybody could hear of it; the back-off counts from there. */
static void conclude(struct memo_run *run, enum paa_result result, struct memo_now now,
                     struct memo_bin *bin)
{
    struct memo_value *value = run->value;
    struct memo_answer outcome = { PAA_STATUS_OK, value, NULL, 0 };
    struct memo_entry *entry = NULL;
    bool is_retained = false;

    if (run->is_disowned)
        result = PAA_ABSENT;
    else
        entry = value != NULL ? entry_of(run, bin) : entry_named(run);
    if (run->share != NULL && run->share->told != 0) {
        outcome.value = NULL;
        memo_share_told(run, entry, &outcome, bin);
    } else if (result != PAA_DONE || entry == NULL) {
        if (entry != NULL && entry->value == NULL && run->has_last)
            is_retained = memo_accept(entry, value, bin);
        outcome.value = NULL;
        fail_run(run, result != PAA_DONE ? result : PAA_UNAVAILABLE, now, &outcome, bin);
    } else {
        is_retained = memo_accept(entry, value, bin);
    }
    if (run->entry != NULL)
        run->entry->run = NULL;
    if (outcome.value == NULL)
        outcome.sentence = memo_sentence(run, bin);
    while (!list_empty(&run->waiters)) {
        struct op *op = LIST_ENTRY(run->waiters.next, struct op, wait.link);

        memo_post(run->group, op, &outcome);
    }
    if (!is_retained)
        memo_bin_add(bin, value);
    if (run->last != NULL && may_do_yet(run, result) && entry != NULL && entry->value == NULL &&
        entry->raw == NULL)
        memo_set_raw(run->memo, entry, run->last, bin); /* nobody came to need it: it may do yet */
    else
        memo_bin_add(bin, run->last);
    run->value = run->last = NULL;
    if (run->share != NULL && entry != NULL)
        memo_share_again(run, entry);
}

static void start_next(struct memo_group *group)
{
    while (group->running < MEMO_RUNS_MAX && !list_empty(&group->queue)) {
        struct memo_run *next =
            LIST_ENTRY(list_take_first(&group->queue), struct memo_run, in_queue);

        next->is_counted = true;
        group->running++;
        memo_home_start(next);
    }
}

static void explain(struct memo_run *run, enum paa_result result)
{
    struct op *op = &run->op;

    if (result == PAA_DONE || op->sentence.data != NULL)
        return;
    op->is_public = true;
    if (result == PAA_ABSENT)
        op->sentence = STR("there is none");
    else if (result == PAA_REJECT)
        op->sentence = STR("it was refused");
    else if (run->is_expired)
        op->sentence = STR("it was not made in time");
    else
        op->sentence = STR("it could not be made");
}

static void log_end(const struct memo_run *run, enum paa_result result)
{
    const struct op *op = &run->op;

    if (result != PAA_UNAVAILABLE && result != PAA_FAULT)
        return;
    log_queue(&op->services->log, PAA_LEVEL_WARNING, "instance %s: %s: %.*s",
              run->group->instance->name, run->memo->name,
              STR_ARGS(op->is_secret && !op->is_public ? STR("it could not be made")
                                                       : op->sentence));
}

void memo_run_end(struct memo_run *run, enum paa_result result)
{
    struct memo_group *group = run->group;
    struct memos *memos = group->memos;
    struct memo_now now = memo_now(memos);
    struct memo_bin bin = { NULL };
    bool is_closing = memo_home_leave(run);

    if (run->has_asked && run->memo->def.finish != NULL)
        run->memo->def.finish(&run->op.pub);
    explain(run, result);
    if (!is_closing)
        log_end(run, result);
    pthread_mutex_lock(&group->lock);
    if (run->memo->def.source != NULL)
        memo_source_ended(run, result, &bin);
    else
        conclude(run, result, now, &bin);
    list_remove(&run->in_queue);
    if (run->is_counted)
        group->running--;
    start_next(group);
    pthread_mutex_unlock(&group->lock);
    pins_release(&run->pins, 0);
    memo_bin_empty(memos, &bin);
    memo_run_free(run);
}
