/* SPDX-License-Identifier: MIT */
/*
 * One run of a producer or decoder: how it begins, who waits for it, and what its steps are. Knows nothing of
 * tables' insides, and of threads only that a step runs on a worker.
 */
#include "memo_inner.h"

#include "http.h"
#include "str.h"
#include "units.h"

#include <stdlib.h>

/* ---- beginning; under the group's lock ---------------------------------------------------------- */

static struct memo_run *run_new(struct paa_memo *memo)
{
    struct services *services = memo->group->memos->services;
    struct op_instance *instance = memo->group->instance;
    struct memo_run *run = services->workers != NULL ? calloc(1, sizeof *run) : NULL;
    struct op *op;

    if (run == NULL)
        return NULL;
    op = &run->op;
    arena_init(&run->arena, NULL, 0, MEMO_RUN_ARENA_MAX);
    if (memo->def.state_size > 0 &&
        (op->pub.state = arena_zalloc(&run->arena, memo->def.state_size)) == NULL) {
        arena_free(&run->arena);
        free(run);
        return NULL;
    }
    op->pub.struct_size = sizeof op->pub;
    op->pub.host = instance->host;
    op->pub.options = instance->options;
    op->pub.self = instance->self;
    op->pub.instance = paa_str_of(instance->name);
    op->services = services;
    op->arena = &run->arena;
    op->pins = &run->pins;
    op->instance = instance;
    op->owner = run;
    op->slot = OP_PRODUCE;
    op->is_secret = (memo->def.flags & PAA_MEMO_SECRET) != 0;
    list_init(&op->ready);
    list_init(&op->wait.link);
    list_init(&run->task.link);
    list_init(&run->in_queue);
    list_init(&run->waiters);
    run->group = memo->group;
    run->memo = memo;
    run->above = memo->bit;
    run->final = PAA_UNAVAILABLE;
    pins_join(&run->pins, services->pins);
    memo_home_init(run);
    return run;
}

/* A present and empty view stays present. False: no memory. */
static bool copy_bytes(struct memo_run *run, struct paa_bytes bytes, struct paa_bytes *ret_copy)
{
    *ret_copy = BYTES_NONE;
    if (bytes.data == NULL)
        return true;
    *ret_copy = paa_bytes_of(arena_copy(&run->arena, bytes.data, bytes.size), bytes.size);
    return ret_copy->data != NULL;
}

struct memo_run *memo_run_new(struct paa_memo *memo, struct paa_bytes key)
{
    struct memo_run *run = run_new(memo);

    if (run == NULL || copy_bytes(run, key, &run->asked.key))
        return run;
    (void)memo_home_leave(run);
    memo_run_free(run);
    return NULL;
}

void memo_run_free(struct memo_run *run)
{
    struct memo_group *group = run->group;

    memo_share_free(run);
    if (run->op.fetch != NULL)
        http_op_ended(&run->op);
    pins_leave(&run->pins);
    arena_free(&run->arena);
    pthread_mutex_lock(&group->home_lock);
    list_remove(&run->link);
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->home_lock);
    free(run);
}

/* The newest positive value that is still kept. */
static struct memo_value *last_value(const struct memo_entry *entry, struct memo_now now)
{
    struct memo_value *all[] = { entry->value, entry->raw, entry->previous };

    for (size_t i = 0; i < 3; i++)
        if (all[i] != NULL && !all[i]->is_negative && memo_is_kept(all[i], now))
            return all[i];
    return NULL;
}

static void *pin(struct op *op, struct memo_value *value)
{
    _Atomic(void *) place = value;

    return value != NULL ? pins_get(op->pins, &place) : NULL;
}

static bool fill_asked(struct memo_run *run, const struct memo_entry *entry, uint32_t flags,
                       struct paa_bytes input, struct memo_now now)
{
    struct paa_memo_run *asked = &run->asked;
    const struct memo_value *previous = pin(&run->op, last_value(entry, now));

    asked->struct_size = sizeof *asked;
    asked->flags = flags;
    if (previous != NULL) {
        asked->previous_version = previous->version;
        asked->previous = memo_value_bytes(previous);
    }
    return copy_bytes(run, paa_bytes_of(entry->key, entry->key_size), &asked->key) &&
           copy_bytes(run, input, &asked->input);
}

void memo_run_go(struct memo_run *run, bool must_run)
{
    struct memo_group *group = run->group;

    if (!must_run && group->running >= MEMO_RUNS_MAX) {
        list_add_last(&group->queue, &run->in_queue);
        return;
    }
    run->is_counted = true;
    group->running++;
    memo_home_start(run);
}

/* Before it is anybody's run. */
static enum paa_status give_up(struct memo_run *run)
{
    (void)memo_home_leave(run);
    memo_run_free(run);
    return PAA_STATUS_UNAVAILABLE;
}

/* What may not come back from the store: what is here already, or was found wanting here. */
static uint64_t above_of(const struct memo_entry *entry, uint32_t flags, uint64_t seen)
{
    const struct memo_value *value = entry->value != NULL ? entry->value : entry->raw;
    uint64_t above = entry->dropped_version;

    if ((flags & PAA_RUN_FORCED) == 0)
        return above;
    if (seen == 0 && value != NULL)
        seen = value->version;
    return seen > above ? seen : above;
}

static uint64_t known_of(const struct memo_entry *entry)
{
    const struct memo_value *all[] = { entry->value, entry->raw, entry->previous };
    uint64_t known = 0;

    for (size_t i = 0; i < 3; i++)
        if (all[i] != NULL && all[i]->order > known)
            known = all[i]->order;
    return known;
}

/* It is decoded, or kept for the case that there is no newer one to be had. */
static void take_raw(struct memo_run *run, struct memo_entry *entry, struct memo_now now)
{
    struct paa_memo *memo = run->memo;

    run->only_decodes = memo->def.produce == NULL || !memo_has_to_wait(entry->raw, now);
    if (run->only_decodes)
        run->value = entry->raw;
    else
        run->last = entry->raw;
    memo_take_raw(memo, entry);
}

enum paa_status memo_run_begin(struct paa_memo *memo, struct memo_entry *entry, uint32_t flags,
                               uint64_t seen, struct paa_bytes input,
                               const struct memo_run *starter)
{
    struct memo_now now = memo_now(memo->group->memos);
    const struct memo_value *shown = last_value(entry, now);
    struct memo_run *run;

    if ((flags & PAA_RUN_BACKGROUND) != 0 && memo->group->running >= MEMO_RUNS_MAX)
        return PAA_STATUS_LIMITED;
    run = run_new(memo);
    if (run == NULL)
        return PAA_STATUS_UNAVAILABLE;
    if (!fill_asked(run, entry, flags, input, now) ||
        (memo->kept_in != NULL && !memo_share_new(run, SHARE_MAKE, flags)))
        return give_up(run);
    if (run->share != NULL) {
        run->share->above = above_of(entry, flags, seen);
        run->share->known = known_of(entry);
        run->share->shown = shown != NULL ? shown->order : 0;
        run->share->heard = entry->heard;
    }
    if (starter != NULL)
        run->above |= starter->above;
    if (entry->raw != NULL && (flags & PAA_RUN_FORCED) == 0 && memo_is_usable(entry->raw, now))
        take_raw(run, entry, now);
    run->entry = entry;
    entry->run = run;
    if ((flags & PAA_RUN_FORCED) != 0)
        entry->forced_ms = time_add(now.ms, memo->cooldown_ms);
    memo_run_go(run, starter != NULL); /* one that others wait for must not wait for their end */
    return PAA_STATUS_OK;
}

struct memo_run *memo_run_decode(struct paa_memo *memo, struct memo_value *value)
{
    struct memo_run *run = run_new(memo);

    if (run == NULL)
        return NULL;
    run->value = value;
    run->only_decodes = true;
    memo_run_go(run, true);
    return run;
}

/* A pin is taken here, where the op's pins are its own thread's; what comes is put in its place. */
bool memo_run_await(struct memo_run *run, struct op *op)
{
    _Atomic(void *) place = run->memo;

    op->wait.pin_mark = pins_mark(op->pins);
    if (run->group->waiters >= MEMO_WAITERS_MAX || pins_get(op->pins, &place) == NULL)
        return false;
    run->group->waiters++;
    list_add_last(&run->waiters, &op->wait.link);
    if (op->slot == OP_PRODUCE)
        ((struct memo_run *)op->owner)->awaited = run;
    return true;
}

/* ---- those who wait ----------------------------------------------------------------------------- */

bool memo_cancel(struct op *op)
{
    struct memo_group *group;
    bool is_linked;

    if (op->wait.state == OP_WAIT_READY)
        return true;
    group = op->instance->memos->group;
    pthread_mutex_lock(&group->lock);
    is_linked = !list_empty(&op->wait.link);
    if (is_linked) {
        list_remove(&op->wait.link);
        group->waiters--;
        if (op->slot == OP_PRODUCE)
            ((struct memo_run *)op->owner)->awaited = NULL;
    }
    pthread_mutex_unlock(&group->lock);
    return is_linked;
}

/* On the op's own thread. */
void memo_tell(struct op *op, enum paa_status status, struct memo_value *value,
               struct paa_str sentence, int64_t retry_after_ms)
{
    struct op_wait *wait = &op->wait;

    memset(&wait->came.memo, 0, sizeof wait->came.memo);
    if (value != NULL && pin(op, value) == NULL) {
        value = NULL;
        status = PAA_STATUS_UNAVAILABLE;
        sentence = STR("no memory is left");
    }
    if (value != NULL)
        memo_show(value, &wait->came.memo);
    wait->status = status;
    wait->retry_after_ms = retry_after_ms;
    wait->sentence = NULL;
    if (status != PAA_STATUS_OK && sentence.data != NULL)
        wait->sentence = arena_str(op->arena, sentence).data;
}

/* Its pins and arena are its own thread's, which may still be in the slot: nothing but the wait and the pin that
 * memo_run_await took is written. So a sentence comes as a value too. */
void memo_post(struct memo_group *group, struct op *op, const struct memo_answer *answer)
{
    struct op_wait *wait = &op->wait;

    memset(&wait->came.memo, 0, sizeof wait->came.memo);
    if (answer->value != NULL)
        memo_show(answer->value, &wait->came.memo);
    wait->status = answer->status;
    wait->retry_after_ms = answer->retry_after_ms;
    wait->sentence = NULL;
    if (answer->value == NULL && answer->sentence != NULL)
        wait->sentence = (const char *)memo_value_bytes(answer->sentence).data;
    pins_put(op->pins, wait->pin_mark, answer->value != NULL ? answer->value : answer->sentence);
    list_remove(&wait->link);
    group->waiters--;
    if (op->slot == OP_PRODUCE)
        ((struct memo_run *)op->owner)->awaited = NULL;
    op_post(op);
}

struct memo_value *memo_sentence(struct memo_run *run, struct memo_bin *bin)
{
    struct paa_str sentence = run->op.sentence;
    struct memo_value *value;

    if (sentence.data == NULL || list_empty(&run->waiters))
        return NULL;
    value = memo_value_new(run->memo, 0, BYTES_NONE,
                           paa_bytes_of(sentence.data, sentence.size + 1) /* its NUL */);
    memo_bin_add(bin, value);
    return value;
}

/* ---- steps -------------------------------------------------------------------------------------- */

enum paa_status memo_decode(struct memo_run *run, struct memo_value *value,
                            const struct paa_bytes *parts, size_t count)
{
    void *object = NULL;
    size_t weight = 0;
    enum paa_status status;

    run->op.slot = OP_DECODE;
    run->op.reason = NULL;
    run->op.sentence = STR_NONE;
    status = run->memo->def.decode(&run->op.pub, parts, count, &object, &weight);
    run->op.slot = OP_PRODUCE;
    if (status != PAA_STATUS_OK) {
        if (run->op.sentence.data == NULL)
            run->op.sentence = STR("the bytes could not be decoded");
        return status;
    }
    value->object = object;
    value->is_decoded = true;
    value->weight += weight < SIZE_MAX / 2 ? weight : SIZE_MAX / 2;
    return PAA_STATUS_OK;
}

/* What the producer was shown as previous may be that same value, pinned. */
static void drop_value(struct memo_run *run)
{
    struct memo_bin bin = { NULL };

    memo_bin_add(&bin, run->value);
    run->value = NULL;
    memo_bin_empty(run->group->memos, &bin);
}

/* The value that was made becomes an object too, or counts as not produced. */
enum paa_result memo_decode_made(struct memo_run *run)
{
    struct paa_bytes bytes = memo_value_bytes(run->value);

    if (run->value->is_decoded || (run->value->is_negative && bytes.size == 0))
        return PAA_DONE;
    if (memo_decode(run, run->value, &bytes, 1) == PAA_STATUS_OK)
        return PAA_DONE;
    drop_value(run);
    return PAA_UNAVAILABLE;
}

enum paa_result memo_ask_producer(struct memo_run *run)
{
    run->has_asked = true;
    return op_settle(&run->op, run->memo->def.produce(&run->op.pub, &run->asked));
}

static enum paa_result begin_step(struct memo_run *run)
{
    const struct paa_memo_def *def = &run->memo->def;

    run->is_begun = true;
    if (run->group->instance->lane != NULL && run->op.pub.lane == NULL) {
        (void)op_fail(&run->op.pub, PAA_FAULT, "lane",
                      STR("the worker's lane memory was not made"));
        return PAA_FAULT;
    }
    if (def->source != NULL)
        return memo_source_decode(run);
    if (run->only_decodes) {
        if (memo_decode_made(run) == PAA_DONE)
            return PAA_DONE;
        if (run->asked.struct_size == 0 || def->produce == NULL) /* a put, or nobody to ask */
            return PAA_UNAVAILABLE;
        run->only_decodes = false;
    }
    return memo_ask_producer(run);
}

static void give_last(struct memo_run *run)
{
    run->value = run->last;
    run->last = NULL;
    run->has_last = memo_decode_made(run) == PAA_DONE;
}

enum paa_result memo_after_produce(struct memo_run *run, enum paa_result result)
{
    if (run->memo->settle_fn != NULL)
        result = run->memo->settle_fn(&run->op, result);
    if (result != PAA_DONE) {
        drop_value(run);
        if (run->last != NULL && result != PAA_REJECT)
            give_last(run);
        return result;
    }
    if (run->value != NULL)
        return memo_decode_made(run);
    (void)op_fail(&run->op.pub, PAA_FAULT, "product",
                  STR("the producer said DONE without a product"));
    return PAA_FAULT;
}

void memo_run_disown(struct memo_entry *entry)
{
    if (entry->run == NULL)
        return;
    entry->run->is_disowned = true;
    entry->run->entry = NULL;
    entry->run = NULL;
}

void memo_run_step(struct memo_run *run)
{
    bool goes_on = run->is_begun;
    enum paa_result result;

    if (run->share != NULL) {
        memo_share_step(run);
        return;
    }
    if (run->is_dead) {
        run->op.wait.state = OP_WAIT_NONE;
        memo_run_end(run, run->final);
        return;
    }
    result = goes_on ? op_go_on(&run->op) : begin_step(run);
    if (result == PAA_PENDING) {
        if (!memo_home_rest(run))
            return;
        run->op.wait.state = OP_WAIT_NONE;
        result = PAA_UNAVAILABLE;
    } else if (run->op.wait.state == OP_WAIT_ARMED) { /* misuse */
        run->final = result;
        if (!memo_home_call_off(run))
            return;
        run->op.wait.state = OP_WAIT_NONE;
    }
    if (!run->only_decodes && run->memo->def.source == NULL)
        result = memo_after_produce(run, result);
    memo_run_end(run, result);
}
