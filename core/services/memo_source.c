/* SPDX-License-Identifier: MIT */
/*
 * Memos of a source: the value is what the source's bytes are now, with an object decoded from them once. There
 * is one value and no key; it is current while its version is the source's. While new bytes cannot be decoded, or
 * none can be read, the last good ones serve for the grace. Knows no producer.
 */
#include "hint.h"
#include "memo_inner.h"

#include "sources.h"
#include "str.h"
#include "units.h"

static const char unreadable[] = "the source could not be read for longer than its grace";

static int64_t now_ms(const struct paa_memo *memo)
{
    return clock_now_ms(&memo->group->memos->services->clock);
}

/* ms 0: it does not fail. */
static bool is_in_grace(const struct paa_memo *memo, int64_t since_ms)
{
    int64_t grace_ms = memo->grace_s < INT64_MAX / 1000 ? memo->grace_s * 1000 : INT64_MAX;

    return since_ms == 0 || now_ms(memo) < time_add(since_ms, grace_ms);
}

/* ---- what one operation gets ---------------------------------------------------------------------- */

/* The bytes are the operation's own reading, if the object was made of these. */
static enum paa_result resume_source(struct op *op)
{
    struct paa_memo *memo = op->wait.owner;
    const struct paa_source *source = memo->def.source;
    struct paa_memo_value *came = &op->wait.came.memo;
    struct paa_memo_value *kept = NULL;

    if (came->struct_size != 0) {
        if (services_host_sources.version(&op->pub, source) == came->version &&
            services_host_sources.read(&op->pub, source, 1).data == NULL)
            came->bytes = services_host_sources.read(&op->pub, source, 0);
        kept = arena_copy(op->arena, came, sizeof *came);
        if (kept == NULL)
            op->wait.status = PAA_STATUS_UNAVAILABLE;
    }
    return op->wait.then.memo(&op->pub, op->wait.status, kept, op->wait.context);
}

static const struct op_wait_kind source_kind = { "memo.get", resume_source, memo_cancel };

static void answer(struct op *op, enum paa_status status, struct memo_value *value,
                   const char *sentence)
{
    memo_tell(op, status, value, paa_str_of(sentence), 0);
    op_wait_ready(op);
}

/* Without a decoder the bytes are all there is. */
static void give_bytes(struct op *op, const struct paa_memo *memo)
{
    struct paa_memo_value *came = &op->wait.came.memo;
    uint64_t version = services_host_sources.version(&op->pub, memo->def.source);

    if (version == 0 || !is_in_grace(memo, source_failing_ms(memo->def.source))) {
        answer(op, PAA_STATUS_UNAVAILABLE, NULL,
               version == 0 ? "the source was never readable" : unreadable);
        return;
    }
    came->struct_size = sizeof *came;
    came->version = version;
    op->wait.status = PAA_STATUS_OK;
    op_wait_ready(op);
}

/* What failed to decode does not become better. */
static void give_last(struct op *op, struct paa_memo *memo, struct memo_value *value)
{
    if (value != NULL && is_in_grace(memo, memo->bad_since_ms))
        answer(op, PAA_STATUS_OK, value, NULL);
    else
        answer(op, PAA_STATUS_UNAVAILABLE, NULL, memo->bad_sentence);
}

/* Under the group's lock. */
static void await_decoder(struct op *op, struct paa_memo *memo)
{
    if (memo->decoding == NULL)
        memo->decoding = memo_run_decode(memo, NULL);
    if (memo->decoding == NULL)
        answer(op, PAA_STATUS_UNAVAILABLE, NULL,
               "no memory or worker is left to decode the source");
    else if (memo_run_await(memo->decoding, op))
        op->wait.came.memo.version = services_host_sources.version(&op->pub, memo->def.source);
    else
        answer(op, PAA_STATUS_LIMITED, NULL, "too many operations wait for this instance");
}

static void get_decoded(struct op *op, struct paa_memo *memo, uint32_t flags)
{
    uint64_t version = services_host_sources.version(&op->pub, memo->def.source);
    struct memo_value *value;

    pthread_mutex_lock(&memo->group->lock);
    value = atomic_load(&memo->decoded);
    if (value != NULL && value->version >= version)
        answer(op, PAA_STATUS_OK, value, NULL);
    else if (version == 0)
        answer(op, PAA_STATUS_UNAVAILABLE, NULL, "the source was never readable");
    else if (version == memo->bad_version)
        give_last(op, memo, value);
    else if ((flags & PAA_QUERY_LOOK) != 0)
        answer(op, PAA_STATUS_UNAVAILABLE, value, "the source has changed and is not decoded yet");
    else
        await_decoder(op, memo);
    pthread_mutex_unlock(&memo->group->lock);
}

/* A hit: two pins, no lock. */
static bool give_current(struct op *op, struct paa_memo *memo)
{
    uint64_t version = services_host_sources.version(&op->pub, memo->def.source);
    size_t mark = pins_mark(op->pins);
    struct memo_value *value = pins_get(op->pins, &memo->decoded);

    if (value == NULL || version == 0 || value->version < version) {
        pins_release(op->pins, mark);
        return false;
    }
    memo_show(value, &op->wait.came.memo);
    op->wait.status = PAA_STATUS_OK;
    op_wait_ready(op);
    return true;
}

bool memo_source_is(const struct paa_memo *memo, uint64_t version)
{
    const struct paa_source *source = memo->def.source;

    return LIKELY(version != 0) && source_version(source) == version &&
           is_in_grace(memo, source_failing_ms(source));
}

void memo_source_get(struct op *op, struct paa_memo *memo, uint32_t flags)
{
    op->wait.kind = &source_kind;
    op->wait.owner = memo;
    if (memo->def.decode == NULL)
        give_bytes(op, memo);
    else if (!is_in_grace(memo, source_failing_ms(memo->def.source)))
        answer(op, PAA_STATUS_UNAVAILABLE, NULL, unreadable);
    else if (!give_current(op, memo))
        get_decoded(op, memo, flags);
}

/* ---- the run that decodes ------------------------------------------------------------------------- */

static size_t count_parts(struct memo_run *run)
{
    size_t count = 0;

    while (count < MEMO_PARTS_MAX &&
           services_host_sources.read(&run->op.pub, run->memo->def.source, count).data != NULL)
        count++;
    return count;
}

enum paa_result memo_source_decode(struct memo_run *run)
{
    const struct paa_source *source = run->memo->def.source;
    size_t count = count_parts(run);
    struct paa_bytes *parts = arena_array(&run->arena, count > 0 ? count : 1, sizeof *parts);
    struct memo_value *value =
        parts != NULL ? memo_value_new(run->memo, 0, BYTES_NONE, BYTES_NONE) : NULL;

    run->source_version = services_host_sources.version(&run->op.pub, source);
    if (value == NULL)
        return op_fail(&run->op.pub, PAA_UNAVAILABLE, "memory", STR("no memory is left"));
    for (size_t i = 0; i < count; i++)
        parts[i] = services_host_sources.read(&run->op.pub, source, i);
    value->version = run->source_version;
    if (memo_decode(run, value, parts, count) != PAA_STATUS_OK) {
        memo_value_free(value);
        return PAA_UNAVAILABLE;
    }
    run->value = value;
    return PAA_DONE;
}

static void note_bad(struct memo_run *run)
{
    struct paa_memo *memo = run->memo;
    struct paa_str sentence = run->op.sentence;
    size_t size =
        sentence.size < sizeof memo->bad_sentence ? sentence.size : sizeof memo->bad_sentence - 1;

    if (memo->bad_version == 0)
        memo->bad_since_ms = now_ms(memo) > 0 ? now_ms(memo) : 1;
    memo->bad_version = run->source_version;
    if (size > 0)
        memcpy(memo->bad_sentence, sentence.data, size);
    memo->bad_sentence[size] = '\0';
}

/* The source changed while it was decoded: who has seen the newer bytes waits for them. False: the op is content. */
static bool sent_on(struct memo_run *run, struct op *op)
{
    struct paa_memo *memo = run->memo;
    uint64_t wanted = op->wait.came.memo.version;

    if (run->source_version == 0 || wanted <= run->source_version)
        return false;
    if (memo->decoding == NULL)
        memo->decoding = memo_run_decode(memo, NULL);
    if (memo->decoding == NULL)
        return false;
    list_remove(&op->wait.link);
    list_add_last(&memo->decoding->waiters, &op->wait.link); /* as many wait as before */
    return true;
}

void memo_source_ended(struct memo_run *run, enum paa_result result, struct memo_bin *bin)
{
    struct paa_memo *memo = run->memo;
    struct memo_value *value = run->value;
    struct memo_answer outcome = { PAA_STATUS_OK, NULL, NULL, 0 };

    memo->decoding = NULL;
    if (result == PAA_DONE) {
        memo_bin_add(bin, atomic_exchange(&memo->decoded, value));
        memo->bad_version = 0;
        run->value = NULL;
    } else {
        if (run->source_version != 0)
            note_bad(run);
        value = atomic_load(&memo->decoded);
        if (value == NULL || !is_in_grace(memo, memo->bad_since_ms)) {
            outcome.status = PAA_STATUS_UNAVAILABLE;
            outcome.sentence = memo_sentence(run, bin);
            value = NULL;
        }
    }
    outcome.value = value;
    while (!list_empty(&run->waiters)) {
        struct op *op = LIST_ENTRY(run->waiters.next, struct op, wait.link);

        if (!sent_on(run, op))
            memo_post(run->group, op, &outcome);
    }
}
