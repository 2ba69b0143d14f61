/* SPDX-License-Identifier: MIT */
/*
 * What plugins call of host->memo. A get first looks without a lock; what it does not find there is decided under
 * the group's lock: an outcome at hand, or a run that is begun or joined. Knows nothing of how runs and tables do
 * their work.
 */
#include "hint.h"
#include "memo_inner.h"

#include "str.h"

/* ---- waiting calls ------------------------------------------------------------------------------ */

/* The value a continuation sees lives as long as the operation; the wait's own place does not. */
enum paa_result memo_resume(struct op *op)
{
    struct paa_memo_value *value = NULL;
    enum paa_status status = op->wait.status;

    if (LIKELY(op->wait.came.memo.struct_size > 0)) {
        value = arena_copy(op->arena, &op->wait.came.memo, sizeof *value);
        status = value != NULL ? status : PAA_STATUS_UNAVAILABLE;
    }
    if (op->wait.then.memo == NULL) {
        op_misuse(op, "a waiting call without a continuation");
        return PAA_FAULT;
    }
    return op->wait.then.memo(&op->pub, status, value, op->wait.context);
}

static const struct op_wait_kind get_kind = { "memo.get", memo_resume, memo_cancel };
static const struct op_wait_kind renew_kind = { "memo.renew", memo_resume, memo_cancel };
static const struct op_wait_kind drop_kind = { "memo.drop", memo_resume, memo_cancel };

void memo_answer(struct op *op, enum paa_status status, struct memo_value *value,
                 const char *sentence, int64_t retry_after_ms)
{
    memo_tell(op, status, value, paa_str_of(sentence), retry_after_ms);
    op_wait_ready(op);
}

void memo_answer_invalid(struct op *op, const char *what)
{
    op_misuse(op, what);
    memo_answer(op, PAA_STATUS_INVALID, NULL, what, 0);
}

bool memo_is_own(const struct op *op, const struct paa_memo *memo)
{
    return memo != NULL && op->instance != NULL && memo->group->instance == op->instance;
}

/* False: answered. */
static bool accept_query(struct op *op, const struct paa_memo *memo,
                         const struct paa_memo_query *query, uint32_t flags)
{
    if (!memo_is_own(op, memo) || !op_understands(query, sizeof *query, flags)) {
        memo_answer_invalid(
            op, "a memo of another instance, or a query with an unknown flag or member,");
        return false;
    }
    if (query->key.size > MEMO_KEY_MAX || query->input.size > MEMO_RUN_ARENA_MAX / 2) {
        memo_answer(op, PAA_STATUS_TOO_LARGE, NULL,
                    "the key is over 16 KiB, or the input too large", 0);
        return false;
    }
    return true;
}

bool memo_accept_keyed(struct op *op, const struct paa_memo *memo)
{
    if (memo->def.source == NULL && (memo->def.flags & PAA_MEMO_PEER) == 0)
        return true;
    memo_answer_invalid(op, "a call that is not for memos of a source or of a connection");
    return false;
}

uint64_t memo_hash(const struct paa_memo *memo, struct paa_bytes key)
{
    return hash_long(&memo->group->memos->key, key.data, key.size);
}

struct memo_run *memo_run_of(const struct op *op)
{
    return op->slot == OP_PRODUCE ? op->owner : NULL;
}

/* A producer may not wait for what waits for it: not for its own memo, nor for one on whose behalf it runs. */
static bool closes_ring(const struct op *op, const struct paa_memo *memo,
                        const struct memo_run *run)
{
    const struct memo_run *self = memo_run_of(op);

    if (self == NULL)
        return false;
    if ((self->above & memo->bit) != 0)
        return true;
    for (; run != NULL; run = run->awaited)
        if (run == self)
            return true;
    return false;
}

/* Under the group's lock. */
static void await(struct op *op, const struct paa_memo *memo, struct memo_run *run)
{
    if (closes_ring(op, memo, run))
        memo_answer_invalid(op, "a producer that waits for itself, through a ring of memos,");
    else if (!memo_run_await(run, op))
        memo_answer(op, PAA_STATUS_LIMITED, NULL,
                    "too many operations wait for this instance's memos", 0);
}

/* Joins the run under way, or begins one. */
static void run_and_await(struct op *op, struct paa_memo *memo, struct memo_entry *entry,
                          uint32_t flags, const struct paa_memo_query *query)
{
    enum paa_status status = PAA_STATUS_OK;

    if (entry->run == NULL && closes_ring(op, memo, NULL)) {
        memo_answer_invalid(op, "a producer that waits for itself, through a ring of memos,");
        return;
    }
    if (entry->run == NULL && memo->group->waiters < MEMO_WAITERS_MAX)
        status =
            memo_run_begin(memo, entry, flags, query->seen_version, query->input, memo_run_of(op));
    if (status != PAA_STATUS_OK)
        memo_answer(op, status, NULL, "no memory or worker is left to make it", 0);
    else if (entry->run == NULL)
        memo_answer(op, PAA_STATUS_LIMITED, NULL,
                    "too many operations wait for this instance's memos", 0);
    else
        await(op, memo, entry->run);
}

/* ---- get ---------------------------------------------------------------------------------------- */

static void give(struct op *op, struct memo_value *value) /* which is pinned */
{
    memo_show(value, &op->wait.came.memo);
    op->wait.status = PAA_STATUS_OK;
    op_wait_ready(op);
    if (UNLIKELY(!atomic_load_explicit(&value->is_used, memory_order_relaxed)))
        atomic_store_explicit(&value->is_used, true, memory_order_relaxed);
}

/* Past its soft lifetime: one run behind, and until it ends nobody looks here again. */
static void renew_behind(struct paa_memo *memo, const struct paa_memo_query *query,
                         struct memo_value *value, struct memo_now now)
{
    int64_t again_ms = now.ms + MEMO_BACKOFF_MIN_MS;
    struct memo_entry *entry;

    pthread_mutex_lock(&memo->group->lock);
    entry = memo_find(memo, value->hash, query->key);
    if (entry != NULL && entry->value == value) {
        if (entry->retry_ms > now.ms)
            again_ms = entry->retry_ms;
        else if (entry->run != NULL || memo_run_begin(memo, entry, PAA_RUN_BACKGROUND, 0,
                                                      query->input, NULL) == PAA_STATUS_OK)
            again_ms = INT64_MAX;
    }
    atomic_store_explicit(&value->renew_ms, again_ms, memory_order_relaxed);
    pthread_mutex_unlock(&memo->group->lock);
}

/* False: there is nothing usable to be seen without the lock. */
static bool get_hit(struct op *op, struct paa_memo *memo, const struct paa_memo_query *query,
                    uint64_t hash, struct memo_now now)
{
    struct memo_value *value = memo_look(memo, op->pins, hash, query->key);

    if (value == NULL)
        return false;
    if (UNLIKELY(!memo_is_usable(value, now))) {
        pins_release(op->pins, op->wait.pin_mark);
        return false;
    }
    if (UNLIKELY(memo->def.produce != NULL) && (query->flags & PAA_QUERY_LOOK) == 0 &&
        !memo_is_fresh(value, now)) {
        if (memo_has_to_wait(value, now)) {
            pins_release(op->pins, op->wait.pin_mark);
            return false;
        }
        if (now.ms >= atomic_load_explicit(&value->renew_ms, memory_order_relaxed))
            renew_behind(memo, query, value, now);
    }
    give(op, value);
    return true;
}

/* What is past its use, or was dropped, is shown if it is whole: an object is made for what can be used. */
static struct memo_value *shown_of(const struct paa_memo *memo, const struct memo_entry *entry)
{
    if (entry == NULL || entry->value != NULL)
        return entry != NULL ? entry->value : NULL;
    return memo->def.decode == NULL ? entry->previous : NULL;
}

static void look(struct op *op, const struct paa_memo *memo, const struct memo_entry *entry,
                 struct memo_now now)
{
    struct memo_value *value = shown_of(memo, entry);
    bool is_dropped = entry != NULL && value == entry->previous;

    if (value != NULL && !is_dropped && memo_is_usable(value, now))
        memo_answer(op, PAA_STATUS_OK, value, NULL, 0);
    else if (value != NULL && memo_is_kept(value, now))
        memo_answer(op, PAA_STATUS_UNAVAILABLE, value, "it is past its use, or dropped", 0);
    else
        memo_answer(op, PAA_STATUS_NONE, NULL, "nothing is kept under this key", 0);
}

static bool has_raw(const struct memo_entry *entry, struct memo_now now)
{
    return entry != NULL && entry->raw != NULL && memo_is_usable(entry->raw, now);
}

/* Is what the key has good enough, without a newer one? */
static bool will_do(const struct paa_memo *memo, const struct memo_entry *entry,
                    struct memo_now now)
{
    if (entry == NULL || entry->value == NULL || !memo_is_usable(entry->value, now))
        return false;
    return memo->def.produce == NULL || !memo_has_to_wait(entry->value, now) ||
           memo->group->waiters >= MEMO_WAITERS_MAX;
}

/* Under the group's lock. */
static void get_slow(struct op *op, struct paa_memo *memo, const struct paa_memo_query *query,
                     uint64_t hash, struct memo_now now, struct memo_bin *bin)
{
    struct memo_entry *entry = memo_find(memo, hash, query->key);
    bool is_shared = memo->kept_in != NULL;
    bool looks = (query->flags & PAA_QUERY_LOOK) != 0;

    if (looks && is_shared && (entry == NULL || entry->value == NULL)) {
        memo_share_look(op, memo, query->key);
        return;
    }
    if (looks || will_do(memo, entry, now)) {
        look(op, memo, entry, now);
        return;
    }
    if (memo->def.produce == NULL && !is_shared && !has_raw(entry, now) &&
        (entry == NULL || entry->run == NULL)) {
        memo_answer(op, PAA_STATUS_NONE, NULL, "nothing is kept under this key", 0);
        return;
    }
    if (entry != NULL && entry->run == NULL && entry->retry_ms > now.ms && !has_raw(entry, now)) {
        memo_answer(op, PAA_STATUS_UNAVAILABLE, NULL,
                    "the last try failed, and the next comes later", entry->retry_ms - now.ms);
        return;
    }
    entry = memo_make(memo, hash, query->key, bin);
    if (entry == NULL)
        memo_answer(op, PAA_STATUS_UNAVAILABLE, NULL, "no memory is left", 0);
    else
        run_and_await(op, memo, entry, 0, query);
}

static void get_of_peer(struct op *op, const struct paa_memo *memo)
{
    struct memo_value *value = memo_peer_look(op, memo);

    if (value != NULL && memo_is_usable(value, memo_now_of(op)))
        give(op, value);
    else
        memo_answer(op, PAA_STATUS_NONE, NULL, "nothing is kept for this connection", 0);
}

/* What such a memo has, a look without the lock shows. It may overlook what is on its way to another place just now; but what
 * is in no such memo is made by whoever asks. */
static bool is_plain_cache(const struct paa_memo *memo)
{
    return memo->def.produce == NULL && memo->def.decode == NULL && memo->kept_in == NULL;
}

static void get_keyed(struct op *op, struct paa_memo *memo, const struct paa_memo_query *query)
{
    struct memo_bin bin = { NULL };
    uint64_t hash = memo_hash(memo, query->key);
    struct memo_now now;

    memo_look_ahead(memo, hash, query->key.size);
    now = memo_now_of(op);
    if (UNLIKELY(now.s < 0)) {
        memo_answer(op, PAA_STATUS_UNAVAILABLE, NULL, "the clock failed", 0);
        return;
    }
    if (LIKELY(get_hit(op, memo, query, hash, now)))
        return;
    if (is_plain_cache(memo) && (query->flags & PAA_QUERY_LOOK) == 0) {
        memo_answer(op, PAA_STATUS_NONE, NULL, "nothing is kept under this key", 0);
        return;
    }
    pthread_mutex_lock(&memo->group->lock);
    get_slow(op, memo, query, hash, now, &bin);
    pthread_mutex_unlock(&memo->group->lock);
    memo_bin_empty(memo->group->memos, &bin);
}

enum paa_result memo_call_get(struct paa_op *pub, struct paa_memo *memo,
                              const struct paa_memo_query *query, paa_memo_fn then, void *context)
{
    struct op *op = op_of(pub);

    if (UNLIKELY(!op_wait(op, &get_kind, context)))
        return PAA_PENDING;
    op->wait.then.memo = then;
    if (UNLIKELY(!accept_query(op, memo, query, PAA_QUERY_LOOK)))
        return PAA_PENDING;
    if (LIKELY((memo->def.flags & PAA_MEMO_PEER) == 0 && memo->def.source == NULL))
        get_keyed(op, memo, query);
    else if (memo->def.source != NULL)
        memo_source_get(op, memo, query->flags);
    else
        get_of_peer(op, memo);
    return PAA_PENDING;
}

/* ---- check -------------------------------------------------------------------------------------- */

static bool is_at_hand(const struct op *op, struct paa_memo *memo, struct paa_bytes key,
                       uint64_t version)
{
    struct memo_now now = memo_now_of(op);
    size_t mark = pins_mark(op->pins);
    const struct memo_value *value = memo_look(memo, op->pins, memo_hash(memo, key), key);
    bool is_so = value != NULL && value->version == version && memo_is_usable(value, now) &&
                 memo_is_fresh(value, now);

    pins_release(op->pins, mark);
    return is_so;
}

enum paa_status memo_call_check(struct paa_op *pub, struct paa_memo *memo, struct paa_bytes key,
                                uint64_t version)
{
    struct op *op = op_of(pub);
    bool is_so = false;

    if (!memo_is_own(op, memo)) {
        op_misuse(op, "memo->check of a memo of another instance");
        return PAA_STATUS_INVALID;
    }
    if (memo->def.source != NULL)
        is_so = memo_source_is(memo, version);
    else if ((memo->def.flags & PAA_MEMO_PEER) == 0 && key.size <= MEMO_KEY_MAX)
        is_so = is_at_hand(op, memo, key, version);
    return is_so ? PAA_STATUS_OK : PAA_STATUS_NONE;
}

/* ---- renew -------------------------------------------------------------------------------------- */

static bool is_newer(const struct memo_value *value, uint64_t seen, struct memo_now now)
{
    return value != NULL && seen != 0 && value->version > seen && memo_is_usable(value, now);
}

/* Under the group's lock. */
static void renew(struct op *op, struct paa_memo *memo, const struct paa_memo_query *query,
                  struct memo_bin *bin)
{
    struct memo_now now = memo_now(memo->group->memos);
    struct memo_entry *entry = memo_make(memo, memo_hash(memo, query->key), query->key, bin);
    int64_t until_ms;

    if (entry == NULL) {
        memo_answer(op, PAA_STATUS_UNAVAILABLE, NULL, "no memory is left", 0);
        return;
    }
    until_ms = entry->forced_ms > entry->retry_ms ? entry->forced_ms : entry->retry_ms;
    if (is_newer(entry->value, query->seen_version, now))
        memo_answer(op, PAA_STATUS_OK, entry->value, NULL, 0);
    else if (memo->def.produce == NULL)
        memo_answer(op, PAA_STATUS_NONE, NULL, "nobody makes a new one", 0);
    else if (entry->run != NULL)
        await(op, memo, entry->run);
    else if (is_newer(entry->raw, query->seen_version, now))
        run_and_await(op, memo, entry, 0, query);
    else if (until_ms > now.ms)
        memo_answer(op, PAA_STATUS_LIMITED, NULL, "it was renewed, or could not be, a moment ago",
                    until_ms - now.ms);
    else
        run_and_await(op, memo, entry, PAA_RUN_FORCED, query);
}

enum paa_result memo_call_renew(struct paa_op *pub, struct paa_memo *memo,
                                const struct paa_memo_query *query, paa_memo_fn then, void *context)
{
    struct op *op = op_of(pub);
    struct memo_bin bin = { NULL };

    if (!op_wait(op, &renew_kind, context))
        return PAA_PENDING;
    op->wait.then.memo = then;
    if (!accept_query(op, memo, query, 0) || !memo_accept_keyed(op, memo))
        return PAA_PENDING;
    pthread_mutex_lock(&memo->group->lock);
    renew(op, memo, query, &bin);
    pthread_mutex_unlock(&memo->group->lock);
    memo_bin_empty(memo->group->memos, &bin);
    return PAA_PENDING;
}

/* ---- drop --------------------------------------------------------------------------------------- */

/* Under the group's lock. */
static void drop(struct op *op, struct paa_memo *memo, const struct paa_memo_query *query,
                 struct memo_bin *bin)
{
    struct memo_now now = memo_now(memo->group->memos);
    struct memo_entry *entry = memo_find(memo, memo_hash(memo, query->key), query->key);
    bool forgets = (query->flags & PAA_QUERY_FORGET) != 0;
    struct memo_value *value = entry == NULL          ? NULL
                               : entry->value != NULL ? entry->value
                                                      : entry->raw;

    if (value != NULL && query->seen_version != 0 && value->version != query->seen_version) {
        memo_answer(op, PAA_STATUS_EXISTS, NULL, "it is newer than what was to be dropped", 0);
        return;
    }
    if (value != NULL && !forgets && entry->dropped_ms > now.ms) {
        memo_answer(op, PAA_STATUS_LIMITED, NULL, "one was dropped a moment ago",
                    entry->dropped_ms - now.ms);
        return;
    }
    if (value != NULL && !forgets) {
        entry->dropped_ms = now.ms + memo->cooldown_ms;
        entry->retry_ms = 0;
        memo_demote(memo, entry, bin);
    }
    if (entry != NULL && forgets) {
        memo_run_disown(entry);
        memo_forget(memo, entry, bin);
    }
    memo_answer(op, PAA_STATUS_OK, NULL, NULL, 0);
}

enum paa_result memo_call_drop(struct paa_op *pub, struct paa_memo *memo,
                               const struct paa_memo_query *query, paa_memo_fn then, void *context)
{
    struct op *op = op_of(pub);
    struct memo_bin bin = { NULL };

    if (!op_wait(op, &drop_kind, context))
        return PAA_PENDING;
    op->wait.then.memo = then;
    if (!accept_query(op, memo, query, PAA_QUERY_FORGET) || !memo_accept_keyed(op, memo))
        return PAA_PENDING;
    pthread_mutex_lock(&memo->group->lock);
    if (memo->kept_in != NULL)
        memo_share_drop(op, memo, query);
    else
        drop(op, memo, query, &bin);
    pthread_mutex_unlock(&memo->group->lock);
    memo_bin_empty(memo->group->memos, &bin);
    return PAA_PENDING;
}
