/* SPDX-License-Identifier: MIT */
/*
 * One value of a memo: how long it is fresh, usable and kept, the memory it lies in, and its end. Knows no table,
 * no lock and no run.
 */
#include "hint.h"
#include "memo_inner.h"

#include "secret.h"
#include "str.h"
#include "units.h"

#include <stdlib.h>

/* ---- time --------------------------------------------------------------------------------------- */

struct memo_now memo_now(const struct memos *memos)
{
    const struct clock *clock = &memos->services->clock;

    return (struct memo_now){ clock_now_s(clock), clock_now_ms(clock) };
}

struct memo_now memo_now_of(const struct op *op)
{
    const struct clock *clock = &op->services->clock;

    return (struct memo_now){ clock_now_s(clock),
                              LIKELY(op->read_ms != 0) ? op->read_ms : clock_now_ms(clock) };
}

/* What a peer says is believed for a day at most; FOREVER is the plugin's own word. */
static int64_t clamp(int64_t until_s, struct memo_now now)
{
    int64_t most = time_add(now.s, MEMO_LIFETIME_MAX_S);

    return until_s != PAA_FOREVER && until_s > most ? most : until_s;
}

static int64_t steady(int64_t until_s, struct memo_now now)
{
    int64_t left_s;

    if (until_s == PAA_FOREVER)
        return INT64_MAX;
    if (until_s <= now.s)
        return now.ms;
    left_s = until_s - now.s;
    return left_s > INT64_MAX / 1000 ? INT64_MAX : time_add(now.ms, left_s * 1000);
}

struct memo_life memo_life_at(int64_t fresh_s, int64_t waits_s, int64_t usable_s, int64_t keep_s,
                              struct memo_now now)
{
    return (struct memo_life){ .fresh_s = fresh_s,
                               .waits_s = waits_s,
                               .usable_s = usable_s,
                               .keep_s = keep_s,
                               .fresh_ms = steady(fresh_s, now),
                               .waits_ms = steady(waits_s, now),
                               .usable_ms = steady(usable_s, now),
                               .keep_ms = steady(keep_s, now) };
}

struct memo_life memo_life_of(const struct paa_memo_product *product, struct memo_now now)
{
    struct memo_life life;

    life.usable_s = clamp(product->usable_until_s, now);
    life.fresh_s = product->fresh_until_s != 0 ? clamp(product->fresh_until_s, now) : life.usable_s;
    if (life.fresh_s < time_add(now.s, MEMO_LIFETIME_MIN_S)) /* else each get would begin a run */
        life.fresh_s = time_add(now.s, MEMO_LIFETIME_MIN_S);
    if (life.fresh_s > life.usable_s)
        life.fresh_s = life.usable_s;
    life.waits_s = product->waits_from_s != 0 ? clamp(product->waits_from_s, now) : life.usable_s;
    if (life.waits_s < life.fresh_s)
        life.waits_s = life.fresh_s;
    life.keep_s = product->keep_until_s > life.usable_s ? product->keep_until_s : life.usable_s;
    return memo_life_at(life.fresh_s, life.waits_s, life.usable_s, life.keep_s, now);
}

bool memo_is_fresh(const struct memo_value *value, struct memo_now now)
{
    return now.s < value->life.fresh_s && now.ms < value->life.fresh_ms;
}

bool memo_is_usable(const struct memo_value *value, struct memo_now now)
{
    return now.s >= 0 && now.s < value->life.usable_s && now.ms < value->life.usable_ms;
}

bool memo_has_to_wait(const struct memo_value *value, struct memo_now now)
{
    return (now.s >= value->life.waits_s || now.ms >= value->life.waits_ms) &&
           now.ms >= atomic_load_explicit(&value->last_until_ms, memory_order_relaxed);
}

bool memo_is_kept(const struct memo_value *value, struct memo_now now)
{
    return now.s < value->life.keep_s && now.ms < value->life.keep_ms;
}

/* A version is more than an order: what was found good under it (a token, by a set of keys) is good wherever it is met
 * again, so two processes that share a store must never give one number to two values. Their counts alone are alike:
 * they begin in the same second, or are one process's that was forked. So the second stands in front, and behind it
 * what each process drew for itself; and each begins a drawn way ahead, for a clock that was set back leaves the count
 * alone. The second also lets a later process's versions be greater. */
uint64_t memo_version_new(struct memos *memos)
{
    int64_t now_s = clock_now_s(&memos->services->clock);
    uint64_t least = now_s > 0 ? (uint64_t)now_s << MEMO_VERSION_SHIFT | memos->salt : 0;
    uint64_t last = atomic_load_explicit(&memos->version, memory_order_relaxed), next;

    do
        next = last + 1 > least ? last + 1 : least;
    while (!atomic_compare_exchange_weak(&memos->version, &last, next));
    return next;
}

/* ---- values ------------------------------------------------------------------------------------- */

bool memo_is_secret(const struct paa_memo *memo)
{
    return (memo->def.flags & PAA_MEMO_SECRET) != 0;
}

void *memo_memory(const struct paa_memo *memo, size_t size)
{
    return memo_is_secret(memo) ? secret_alloc(size) : calloc(1, size);
}

void memo_memory_free(bool is_secret, void *data, size_t size)
{
    if (is_secret)
        secret_free(data, size);
    else
        free(data);
}

/* Whoever waits for the last one to go may then free the group: that one is counted under the lock. */
static void count_gone(struct memo_group *group)
{
    size_t alive = atomic_load(&group->alive);

    while (alive > 1)
        if (atomic_compare_exchange_weak(&group->alive, &alive, alive - 1))
            return;
    pthread_mutex_lock(&group->home_lock);
    if (atomic_fetch_sub(&group->alive, 1) == 1)
        pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->home_lock);
}

struct memo_value *memo_value_new(struct paa_memo *memo, uint64_t hash, struct paa_bytes key,
                                  struct paa_bytes bytes)
{
    struct memo_value *value = memo_memory(memo, sizeof *value + key.size + bytes.size);

    if (value == NULL)
        return NULL;
    value->memo = memo;
    value->hash = hash;
    value->has_bytes = bytes.data != NULL;
    value->is_decoded = memo->def.decode == NULL;
    value->key_size = key.size;
    value->size = bytes.size;
    value->weight = sizeof *value + sizeof(struct memo_entry) + 2 * key.size + bytes.size;
    if (key.size > 0)
        memcpy(value->data, key.data, key.size);
    if (bytes.size > 0)
        memcpy(value->data + key.size, bytes.data, bytes.size);
    (void)atomic_fetch_add(&memo->group->alive, 1);
    return value;
}

void memo_value_free(struct memo_value *value)
{
    struct paa_memo *memo;

    if (value == NULL)
        return;
    memo = value->memo;
    if (value->object != NULL && !value->is_foreign)
        memo->def.release(value->object, memo->group->instance->self);
    memo_memory_free(memo_is_secret(memo), value, sizeof *value + value->key_size + value->size);
    count_gone(memo->group);
}

static void free_retired(void *value, void *arg)
{
    (void)arg;
    memo_value_free(value);
}

void memo_bin_add(struct memo_bin *bin, struct memo_value *value)
{
    if (value == NULL)
        return;
    value->next_dead = bin->first;
    bin->first = value;
}

void memo_bin_empty(struct memos *memos, struct memo_bin *bin)
{
    struct memo_value *value;

    while ((value = bin->first) != NULL) {
        bin->first = value->next_dead;
        pin_retire(memos->services->pins, value, free_retired, NULL);
    }
}

struct paa_bytes memo_value_bytes(const struct memo_value *value)
{
    if (value == NULL || !LIKELY(value->has_bytes))
        return BYTES_NONE;
    return paa_bytes_of(value->data + value->key_size, value->size);
}

void memo_show(const struct memo_value *value, struct paa_memo_value *ret_value)
{
    ret_value->struct_size = sizeof *ret_value;
    ret_value->flags = 0;
    ret_value->version = value->version;
    ret_value->object = value->object;
    ret_value->bytes = memo_value_bytes(value);
}
