/* SPDX-License-Identifier: MIT */
/*
 * What a run of a SHARED memo saves: a value, a failure, a refusal, what was put and that something was dropped. Always
 * by compare-and-set with the record that was seen. Knows nothing of the order of things (memo_share_steps.c).
 */
#include "memo_share.h"

#include "str.h"
#include "units.h"

enum { SHARE_TRIES_MAX = 8 };

/* Until nothing of it matters any more. */
static int64_t expiry_of(const struct memo_run *run, const struct memo_record *record)
{
    int64_t now_s = clock_now_s(&run->op.services->clock);
    int64_t until_s = time_add(now_s, MEMO_TOMB_S);

    if (record->bytes.data == NULL)
        return until_s;
    if (record->keep_s == PAA_FOREVER)
        return 0;
    return record->keep_s > until_s ? record->keep_s : until_s;
}

static enum paa_result saved_value(struct paa_op *op, enum paa_status status,
                                   const struct paa_record *record, void *context);

/* The record as it is in share, with these bytes. */
static enum paa_result write_record(struct memo_run *run, struct paa_bytes bytes, paa_store_fn then)
{
    struct memo_share *share = run->share;
    struct memo_record *record = &share->record;
    struct paa_record put;
    uint32_t flags = share->there != 0 ? PAA_PUT_SAME : share->writes_over ? 0 : PAA_PUT_NEW;
    unsigned char *text;
    enum paa_result result;
    size_t size;

    record->format = run->memo->def.format;
    record->made_s = clock_now_s(&run->op.services->clock);
    record->key = run->asked.key;
    record->bytes = bytes;
    record->flags &= ~(uint32_t)MEMO_RECORD_HAS_BYTES;
    if (bytes.data != NULL)
        record->flags |= (uint32_t)MEMO_RECORD_HAS_BYTES;
    size = memo_record_size(record);
    text = memo_memory(run->memo, size);
    if (text == NULL)
        return then(&share->op.pub, PAA_STATUS_UNAVAILABLE, NULL, run);
    memo_record_write(record, text);
    paa_init(&put, sizeof put);
    put.key = paa_bytes_of(share->place, sizeof share->place);
    put.value = paa_bytes_of(text, size);
    put.version = share->there;
    put.expires_at_s = expiry_of(run, record);
    if (memo_is_secret(run->memo))
        flags |= (uint32_t)PAA_PUT_DURABLE;
    result = services_host_store.put(&share->op.pub, run->memo->kept_in, &put, flags, then, run);
    memo_memory_free(memo_is_secret(run->memo), text, size);
    return result;
}

/* The same bytes keep their version; others get one that is greater than any before, in all processes. */
static void number_value(struct memo_run *run)
{
    const struct memo_share *share = run->share;
    struct memo_value *value = run->value;
    const struct memo_value *held = share->held;
    uint64_t before = share->record.version;

    if (held != NULL && value->has_bytes && held->size == value->size &&
        memcmp(held->data + held->key_size, value->data + value->key_size, value->size) == 0) {
        value->version = held->version;
        return;
    }
    value->version = memo_version_new(run->group->memos);
    if (value->version <= before)
        value->version = before + 1;
}

static enum paa_result save_value(struct memo_run *run)
{
    struct memo_record *record = &run->share->record;
    const struct memo_life *life = &run->value->life;

    number_value(run);
    record->flags = 0;
    record->version = run->value->version;
    record->fresh_s = life->fresh_s;
    record->waits_s = life->waits_s;
    record->usable_s = life->usable_s;
    record->keep_s = life->keep_s;
    record->retry_ms = 0;
    record->failures = 0;
    if ((run->share->flags & PAA_RUN_FORCED) != 0)
        record->forced_ms = time_add(share_real_ms(run), run->memo->cooldown_ms);
    return write_record(run, memo_value_bytes(run->value), saved_value);
}

static void warn_unsaved(const struct memo_run *run)
{
    const char *why = run->share->op.wait.sentence;

    log_queue(
        &run->op.services->log, PAA_LEVEL_WARNING,
        "instance %s: %s: what was made could not be saved and serves in this process only: %s",
        run->group->instance->name, run->memo->name,
        why != NULL ? why : "the store did not take it");
}

enum paa_result share_put_again(struct paa_op *op, enum paa_status status,
                                const struct paa_record *found, void *context)
{
    struct memo_run *run = context;

    (void)op;
    if (!share_take_in(run, status, found))
        return share_fail(run, "the store that is to keep it cannot be asked");
    return save_value(run);
}

/* Somebody put or dropped while it was made: theirs counts, ours is nobody's. */
static enum paa_result overtaken(struct paa_op *op, enum paa_status status,
                                 const struct paa_record *found, void *context)
{
    struct memo_run *run = context;
    struct memo_value *made = run->value;
    bool is_taken;

    (void)op;
    if (!share_take_in(run, status, found))
        return share_tell(run, PAA_STATUS_NONE, 0);
    if (run->share->writes_over)
        return save_value(run);
    run->value = NULL;
    run->share->above = 0;
    is_taken = share_is_good(run) && share_take_held(run);
    memo_value_free(made); /* never published */
    return is_taken ? PAA_DONE : share_tell(run, PAA_STATUS_NONE, 0);
}

static enum paa_result saved_value(struct paa_op *op, enum paa_status status,
                                   const struct paa_record *record, void *context)
{
    struct memo_run *run = context;
    struct memo_share *share = run->share;
    bool is_put = share->job == SHARE_PUT;

    (void)op;
    if (status == PAA_STATUS_OK) {
        run->value->order = memo_order_saved(record->version);
        return PAA_DONE;
    }
    share->was_refused = status == PAA_STATUS_EXISTS && share->there == 0;
    if (status == PAA_STATUS_EXISTS && share->tries++ < SHARE_TRIES_MAX)
        return share_look(run, is_put ? share_put_again : overtaken);
    if (is_put)
        return share_fail(run, "the store that is to keep it did not take it");
    warn_unsaved(run);
    run->value->version = 0; /* a number of this process's own */
    return PAA_DONE;
}

/* A failure, told to the others or not. */
static enum paa_result saved_failure(struct paa_op *op, enum paa_status status,
                                     const struct paa_record *record, void *context)
{
    struct memo_run *run = context;
    struct memo_bin bin = { NULL };

    (void)op;
    (void)status;
    (void)record;
    if (run->share->made != PAA_REJECT && share_is_usable(run)) {
        memo_bin_add(&bin, run->value); /* the last that was here: it is no newer */
        run->has_last = share_take_held(run);
        memo_bin_empty(run->group->memos, &bin);
    }
    return run->share->made;
}

static enum paa_result save_failure(struct memo_run *run)
{
    struct memo_record *record = &run->share->record;
    int64_t retry_ms = memo_backoff(run, record->failures);

    record->failures++;
    record->retry_ms = time_add(share_real_ms(run), retry_ms);
    return write_record(run, memo_value_bytes(run->share->held), saved_failure);
}

/* What the producer found worthless is gone for all. */
static enum paa_result save_refusal(struct memo_run *run)
{
    struct memo_record *record = &run->share->record;

    record->flags = MEMO_RECORD_DROPPED;
    record->fresh_s = record->usable_s = record->keep_s = 0;
    return write_record(run, BYTES_NONE, saved_failure);
}

/* The producer ended with `made`. False: there is nothing to save. */
bool share_has_to_save(const struct memo_run *run)
{
    const struct memo_share *share = run->share;
    struct memo_now now = memo_now(run->group->memos);

    if (share->is_alone || !share->is_locked || run->is_disowned)
        return false;
    switch (share->made) {
    case PAA_DONE:
        return run->value->has_bytes && !run->value->is_negative && memo_is_kept(run->value, now);
    case PAA_REJECT:
        return share->there != 0;
    case PAA_UNAVAILABLE:
    case PAA_FAULT:
        return true;
    default:
        return false;
    }
}

enum paa_result share_save_made(struct memo_run *run)
{
    switch (run->share->made) {
    case PAA_DONE:
        return save_value(run);
    case PAA_REJECT:
        return save_refusal(run);
    default:
        return save_failure(run);
    }
}

/* ---- drop --------------------------------------------------------------------------------------- */

static enum paa_result dropped(struct paa_op *op, enum paa_status status,
                               const struct paa_record *record, void *context);

static enum paa_result save_drop(struct memo_run *run)
{
    struct memo_share *share = run->share;
    struct memo_record *record = &share->record;
    bool forgets = (share->query_flags & PAA_QUERY_FORGET) != 0;

    record->flags = MEMO_RECORD_DROPPED;
    record->fresh_s = record->usable_s = 0;
    if (forgets)
        record->keep_s = 0;
    else
        record->dropped_ms = time_add(share_real_ms(run), run->memo->cooldown_ms);
    return write_record(run, forgets ? BYTES_NONE : memo_value_bytes(share->held), dropped);
}

enum paa_result share_drop(struct paa_op *op, enum paa_status status,
                           const struct paa_record *found, void *context)
{
    struct memo_run *run = context;
    struct memo_share *share = run->share;
    bool forgets = (share->query_flags & PAA_QUERY_FORGET) != 0;
    bool is_there;
    int64_t left_ms;

    (void)op;
    if (!share_take_in(run, status, found))
        return share_tell(run, forgets ? PAA_STATUS_UNAVAILABLE : PAA_STATUS_OK, 0);
    is_there = share->held != NULL && (share->record.flags & MEMO_RECORD_DROPPED) == 0;
    left_ms = share_left_of(run, share->record.dropped_ms, run->memo->cooldown_ms);
    if (is_there && share->seen != 0 && share->held->version > share->seen)
        return share_tell(run, PAA_STATUS_EXISTS, 0);
    if (is_there && !forgets && left_ms > 0)
        return share_tell(run, PAA_STATUS_LIMITED, left_ms);
    if (!is_there && !forgets)
        return share_tell(run, PAA_STATUS_OK, 0);
    return save_drop(run);
}

static enum paa_result dropped(struct paa_op *op, enum paa_status status,
                               const struct paa_record *record, void *context)
{
    struct memo_run *run = context;
    bool forgets = (run->share->query_flags & PAA_QUERY_FORGET) != 0;

    (void)op;
    (void)record;
    run->share->was_refused = status == PAA_STATUS_EXISTS && run->share->there == 0;
    if (status == PAA_STATUS_EXISTS && run->share->tries++ < SHARE_TRIES_MAX)
        return share_look(run, share_drop);
    if (status != PAA_STATUS_OK && forgets)
        return share_tell(run, PAA_STATUS_UNAVAILABLE, 0); /* it was to be for good */
    return share_tell(run, PAA_STATUS_OK, 0);
}
