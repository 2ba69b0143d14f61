/* SPDX-License-Identifier: MIT */
/*
 * How a run of a SHARED memo goes: what it asks the store before, and what it saves behind.
 *
 *   look      is there something good already? Then that is the value, and nobody is asked
 *   lock      the key, across all processes. A process that dies gives it back by its death, so whoever waits takes
 *             over; nothing has to expire
 *   look      once more: whoever held the key may have made it, or failed a moment ago
 *   produce   the plugin's operation, with a deadline of its own
 *   save      by compare-and-set with what was seen under the lock. Where somebody put or dropped meanwhile, what was
 *             made is not saved: theirs counts
 *
 * Where the store cannot be asked, each process asks its own producer, and its value serves in this process only.
 * But of a SECRET value that is kept for the producer nobody knows whether it is good twice (a refresh token that is
 * exchanged for the next): then nobody is asked until the store is back. Negative values are not saved: strangers
 * make those.
 */
#include "memo_share.h"

#include "str.h"
#include "units.h"

static bool is_secret(const struct memo_run *run)
{
    return memo_is_secret(run->memo);
}

int64_t share_real_ms(const struct memo_run *run)
{
    return clock_real_ms(&run->op.services->clock);
}

enum paa_result share_tell(struct memo_run *run, enum paa_status status, int64_t retry_ms)
{
    run->share->told = status;
    run->share->told_retry_ms = retry_ms;
    return PAA_DONE;
}

/* What is left of a cool-down of at most most_ms. A clock that jumped must not make it longer. */
int64_t share_left_of(const struct memo_run *run, int64_t until_ms, int64_t most_ms)
{
    int64_t left_ms = until_ms - share_real_ms(run);

    return until_ms <= 0 || left_ms < 0 || left_ms > most_ms + MEMO_LEEWAY_S * 1000 ? 0 : left_ms;
}

/* ---- what the store has ------------------------------------------------------------------------- */

static void forget_held(struct memo_share *share)
{
    memo_value_free(share->held);
    share->held = NULL;
    memset(&share->record, 0, sizeof share->record);
    share->there = 0;
}

/* As usual from here on, but for one thing: a record of the future was written by a clock that was wrong. */
static struct memo_life life_of(const struct memo_record *record, struct memo_now now)
{
    bool is_wrong = record->made_s > time_add(now.s, MEMO_LEEWAY_S);
    bool is_dropped = (record->flags & MEMO_RECORD_DROPPED) != 0;

    if (is_wrong || is_dropped)
        return memo_life_at(0, 0, 0, record->keep_s, now);
    return memo_life_at(record->fresh_s, record->waits_s, record->usable_s, record->keep_s, now);
}

/* By the failed try that the record tells of; the steady clock's. */
static int64_t last_until_ms(const struct memo_run *run)
{
    int64_t until_ms = run->share->record.retry_ms;
    int64_t left_ms = until_ms > 0 ? share_left_of(run, time_add(until_ms, MEMO_FAILED_MS),
                                                   MEMO_RETRY_MAX_MS + MEMO_FAILED_MS)
                                   : 0;

    return left_ms > 0 ? time_add(memo_now(run->group->memos).ms, left_ms) : 0;
}

/* False: no memory, so that nothing can be said. */
static bool hold(struct memo_run *run, const struct paa_record *found)
{
    struct memo_share *share = run->share;
    struct memo_record *record = &share->record;
    struct paa_bytes key = run->asked.key;

    share->there = found->version;
    if (!memo_record_read(found->value, record) || record->format != run->memo->def.format ||
        record->key.size != key.size ||
        (key.size > 0 && memcmp(record->key.data, key.data, key.size) != 0)) {
        memset(record, 0, sizeof *record); /* of another format: as if there were none */
        return true;
    }
    if (record->bytes.data != NULL) {
        share->held = memo_value_new(run->memo, memo_hash(run->memo, key), key, record->bytes);
        if (share->held == NULL)
            return false;
        share->held->version = record->version;
        share->held->order = memo_order_saved(found->version);
        share->held->life = life_of(record, memo_now(run->group->memos));
        atomic_store_explicit(&share->held->last_until_ms, last_until_ms(run),
                              memory_order_relaxed);
    }
    record->key = record->bytes = BYTES_NONE; /* views that end */
    return true;
}

/* False: the store cannot be asked. */
bool share_take_in(struct memo_run *run, enum paa_status status, const struct paa_record *found)
{
    forget_held(run->share);
    run->share->writes_over = status == PAA_STATUS_NONE && run->share->was_refused;
    if (status == PAA_STATUS_NONE)
        return true;
    if (status == PAA_STATUS_OK && hold(run, found))
        return true;
    forget_held(run->share);
    return false;
}

bool share_is_usable(const struct memo_run *run)
{
    const struct memo_share *share = run->share;

    return share->held != NULL && share->there != share->bad &&
           memo_is_usable(share->held, memo_now(run->group->memos)) &&
           share->held->order >= share->known;
}

bool share_is_good(const struct memo_run *run)
{
    const struct memo_share *share = run->share;
    struct memo_now now = memo_now(run->group->memos);
    bool is_idle = (share->flags & PAA_RUN_BACKGROUND) != 0;

    if (!share_is_usable(run) || memo_has_to_wait(share->held, now))
        return false;
    return share->held->version > share->above && (!is_idle || memo_is_fresh(share->held, now));
}

/* What is held becomes the run's value. False: it could not be decoded. */
bool share_take_held(struct memo_run *run)
{
    struct memo_share *share = run->share;

    run->value = share->held;
    share->held = NULL;
    if (memo_decode_made(run) == PAA_DONE)
        return true;
    share->bad = share->there;
    return false;
}

static bool only_looks(const struct memo_run *run)
{
    return run->share->job == SHARE_LOOK || run->memo->def.produce == NULL;
}

/* ---- before ------------------------------------------------------------------------------------- */

static enum paa_result ask(struct memo_run *run)
{
    run->share->asks = true;
    return PAA_DONE;
}

/* Nothing good is there. A value past its use, or dropped, is shown to those who look. */
static enum paa_result end_look(struct memo_run *run)
{
    struct memo_share *share = run->share;

    if (share->held == NULL || share->there == share->bad ||
        !memo_is_kept(share->held, memo_now(run->group->memos)) || !share_take_held(run))
        return share_tell(run, PAA_STATUS_NONE, 0);
    return share_tell(run, PAA_STATUS_UNAVAILABLE, 0);
}

/* What the store says goes with it. */
enum paa_result share_fail(struct memo_run *run, const char *what)
{
    const char *why = run->share->op.wait.sentence;
    char *sentence =
        arena_printf(&run->arena, "%s%s%s", what, why != NULL ? ": " : "", why != NULL ? why : "");

    return op_fail(&run->op.pub, PAA_UNAVAILABLE, "store", paa_str_of(sentence));
}

static enum paa_result go_alone(struct memo_run *run)
{
    run->share->is_alone = true;
    if (only_looks(run))
        return share_fail(run, "the store that keeps it cannot be asked");
    if (is_secret(run) && run->asked.previous.data != NULL)
        return share_fail(run, "the store cannot be asked, and what is kept may be good once only");
    return ask(run);
}

/* Of other processes. True: told. */
static bool is_cooling(struct memo_run *run)
{
    const struct memo_record *record = &run->share->record;
    bool is_forced = (run->share->flags & PAA_RUN_FORCED) != 0;
    int64_t forced_ms = share_left_of(run, record->forced_ms, run->memo->cooldown_ms);
    int64_t retry_ms = share_left_of(run, record->retry_ms, MEMO_RETRY_MAX_MS);

    if (is_forced && (forced_ms > 0 || retry_ms > 0))
        (void)share_tell(run, PAA_STATUS_LIMITED, forced_ms > retry_ms ? forced_ms : retry_ms);
    else if (!is_forced && retry_ms > 0)
        (void)share_tell(run, PAA_STATUS_UNAVAILABLE, retry_ms);
    return run->share->told != 0;
}

/* The newest that is kept, be it another process's. */
static void show_previous(struct memo_run *run)
{
    const struct memo_value *held = run->share->held;

    if (held == NULL || run->share->there == run->share->bad ||
        !memo_is_kept(held, memo_now(run->group->memos)) || held->order <= run->share->shown)
        return;
    run->asked.previous = memo_value_bytes(held);
    run->asked.previous_version = held->version;
}

static enum paa_result looked_again(struct paa_op *op, enum paa_status status,
                                    const struct paa_record *found, void *context)
{
    struct memo_run *run = context;

    (void)op;
    if (!share_take_in(run, status, found))
        return go_alone(run);
    if (share_is_good(run) && share_take_held(run))
        return PAA_DONE;
    if (is_cooling(run))
        return PAA_DONE;
    show_previous(run);
    return ask(run);
}

static enum paa_result locked(struct paa_op *op, enum paa_status status,
                              const struct paa_record *none, void *context)
{
    struct memo_run *run = context;

    (void)op;
    (void)none;
    if (status != PAA_STATUS_OK)
        return go_alone(run);
    run->share->is_locked = true;
    return share_look(run, looked_again);
}

static enum paa_result looked(struct paa_op *op, enum paa_status status,
                              const struct paa_record *found, void *context)
{
    struct memo_run *run = context;
    struct memo_share *share = run->share;

    if (!share_take_in(run, status, found))
        return go_alone(run);
    if ((share->flags & PAA_RUN_FORCED) != 0 && share->above == 0 && share->held != NULL)
        share->above =
            share->held
                ->version; /* nothing was seen yet: what is there is what was found wanting */
    if (share_is_good(run) && share_take_held(run))
        return PAA_DONE;
    if (only_looks(run))
        return end_look(run);
    return services_host_store.lock(op, run->memo->kept_in,
                                    paa_bytes_of(share->place, sizeof share->place), locked, run);
}

enum paa_result share_look(struct memo_run *run, paa_store_fn then)
{
    struct memo_share *share = run->share;

    return services_host_store.get(&share->op.pub, run->memo->kept_in,
                                   paa_bytes_of(share->place, sizeof share->place), then, run);
}

/* ---- stages ------------------------------------------------------------------------------------- */

static enum paa_result begin(struct memo_run *run)
{
    struct memo_share *share = run->share;

    run->is_begun = true;
    if (run->group->instance->lane != NULL && run->op.pub.lane == NULL)
        return op_fail(&run->op.pub, PAA_FAULT, "lane",
                       STR("the worker's lane memory was not made"));
    if (share->job == SHARE_PUT && memo_decode_made(run) != PAA_DONE)
        return PAA_UNAVAILABLE;
    if (run->only_decodes && memo_decode_made(run) == PAA_DONE)
        return PAA_DONE;
    run->only_decodes = false;
    run->turn = &share->op;
    if (share->job == SHARE_PUT || share->job == SHARE_DROP)
        memo_home_rearm(run, true); /* whoever asked may go; what he asked for is done */
    return op_settle(&share->op, share_look(run, share->job == SHARE_PUT    ? share_put_again
                                                 : share->job == SHARE_DROP ? share_drop
                                                                            : looked));
}

static uint64_t unsaved_order(const struct memo_share *share)
{
    uint64_t there = memo_order_saved(share->there);

    return memo_order_unsaved(there > share->known ? there : share->known);
}

/* The stage ended with *result. True: another one begins, and *result is how its first step ended. */
static bool next_stage(struct memo_run *run, enum paa_result *result)
{
    struct memo_share *share = run->share;

    if (share->stage == SHARE_BEFORE && share->asks && *result == PAA_DONE) {
        share->stage = SHARE_PRODUCING;
        run->turn = &run->op;
        memo_home_rearm(run, false); /* it may have waited long for another process */
        *result = memo_ask_producer(run);
        return true;
    }
    if (share->stage != SHARE_PRODUCING)
        return false;
    share->made = memo_after_produce(run, *result);
    if (share->made == PAA_DONE)
        run->value->order = unsaved_order(share);
    *result = share->made;
    if (!share_has_to_save(run))
        return false;
    share->stage = SHARE_SAVING;
    run->turn = &share->op;
    memo_home_rearm(run, true);
    *result = op_settle(&share->op, share_save_made(run));
    return true;
}

/* What it waits for was called off. */
static enum paa_result called_off(struct memo_run *run)
{
    run->turn->wait.state = OP_WAIT_NONE;
    if (run->is_expired && run->op.sentence.data == NULL)
        run->op.sentence = STR("it was not made in time");
    return run->final;
}

void memo_share_step(struct memo_run *run)
{
    enum paa_result result = run->is_dead    ? called_off(run)
                             : run->is_begun ? op_go_on(run->turn)
                                             : begin(run);

    for (;;) {
        if (result == PAA_PENDING) {
            if (!memo_home_rest(run))
                return;
            result = called_off(run);
        } else if (run->turn->wait.state == OP_WAIT_ARMED) { /* misuse */
            run->final = result;
            if (!memo_home_call_off(run))
                return;
            run->turn->wait.state = OP_WAIT_NONE;
        }
        if (!next_stage(run, &result))
            break;
    }
    memo_run_end(run, result);
}
