/* SPDX-License-Identifier: MIT */
/*
 * What passes on when an instance or a process is followed by another one. To the next generation: bytes, their
 * lifetimes and versions, and cool-downs, which a reload does not shorten. To a child after fork: nothing but
 * the memos themselves; what its parent's threads were about is left as it lies. Knows no run and no object.
 */
#include "lock.h"
#include "memo_inner.h"

#include <stdlib.h>

/* ---- a process begins ----------------------------------------------------------------------------- */

/* The parent's table may have been in the middle of a change, and its objects are its own: both stay behind. */
static void forget_memo(struct paa_memo *memo)
{
    atomic_store(&memo->table, NULL);
    memo->count = 0;
    memo->bytes = 0;
    memo->negatives = 0;
    list_init(&memo->kept);
    list_init(&memo->others);
    list_init(&memo->peers);
    atomic_store(&memo->decoded, NULL);
    memo->decoding = NULL;
    memo->bad_version = 0;
}

static void forget_group(struct memo_group *group)
{
    lock_init(&group->lock);
    pthread_mutex_init(&group->home_lock, NULL);
    pthread_cond_init(&group->changed, NULL);
    list_init(&group->queue);
    list_init(&group->runs);
    group->waiters = 0;
    group->running = 0;
    group->alive = 0;
    group->is_closing = false;
    for (struct paa_memo *memo = group->instance->memos; memo != NULL; memo = memo->next)
        forget_memo(memo);
}

void memo_forget_parent(struct memos *memos)
{
    pthread_mutex_init(&memos->lock, NULL);
    for (struct list *at = memos->groups.next; at != &memos->groups; at = at->next)
        forget_group(LIST_ENTRY(at, struct memo_group, link));
}

/* ---- a generation begins -------------------------------------------------------------------------- */

struct heir { /* what one key passes on; copies that belong to the new memo */
    struct heir *next;
    struct memo_value *value;
    struct memo_value *previous;
    int64_t forced_ms;
    int64_t dropped_ms;
    int64_t retry_ms;
    unsigned failures;
    uint64_t dropped_version;
};

static bool may_inherit(const struct paa_memo *memo, const struct paa_memo *old)
{
    const uint32_t none = PAA_MEMO_PEER;
    const struct op_instance *a = memo->group->instance, *b = old->group->instance;
    bool names_all = (memo->def.flags & old->def.flags & PAA_MEMO_KEEP) != 0;

    if (strcmp(memo->name, old->name) != 0 || memo->def.format != old->def.format)
        return false;
    if (((memo->def.flags | old->def.flags) & none) != 0 || memo->def.source != NULL ||
        old->def.source != NULL)
        return false;
    if (((memo->def.flags ^ old->def.flags) & (PAA_MEMO_SECRET | PAA_MEMO_SHARED)) != 0)
        return false;
    if (memo->kept_in != NULL && old->kept_in != NULL &&
        !store_is_same(memo->kept_in, old->kept_in))
        return false;
    return names_all || memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

/* NULL: nothing of it passes on, or no memory. */
static struct memo_value *copy_of(struct paa_memo *memo, const struct memo_value *value,
                                  struct memo_now now)
{
    struct memo_value *copy;

    if (value == NULL || !value->has_bytes || !memo_is_kept(value, now))
        return NULL;
    copy = memo_value_new(memo, value->hash, paa_bytes_of(value->data, value->key_size),
                          memo_value_bytes(value));
    if (copy == NULL)
        return NULL;
    copy->version = value->version;
    copy->life = value->life;
    copy->is_negative = value->is_negative;
    atomic_store(&copy->last_until_ms, atomic_load(&value->last_until_ms));
    copy->order = memo->kept_in != NULL ? value->order : 0;
    return copy;
}

static void add_heir(struct paa_memo *memo, const struct memo_entry *entry, struct memo_now now,
                     struct heir **heirs)
{
    struct heir *heir = calloc(1, sizeof *heir);

    if (heir == NULL)
        return;
    heir->value = copy_of(memo, entry->value != NULL ? entry->value : entry->raw, now);
    heir->previous = copy_of(memo, entry->previous, now);
    heir->forced_ms = entry->forced_ms;
    heir->dropped_ms = entry->dropped_ms;
    heir->retry_ms = entry->retry_ms;
    heir->failures = entry->failures;
    heir->dropped_version = entry->dropped_version;
    if (heir->value == NULL && heir->previous == NULL) {
        free(heir);
        return;
    }
    heir->next = *heirs;
    *heirs = heir;
}

/* The old memo is in use yet. Last in its lists is first here, and first in again: the order of use stays. */
static struct heir *heirs_of(struct paa_memo *memo, struct paa_memo *old, struct memo_now now)
{
    struct list *lists[] = { &old->others, &old->kept };
    struct heir *heirs = NULL;

    pthread_mutex_lock(&old->group->lock);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (struct list *at = lists[i]->prev; at != lists[i]; at = at->prev)
            add_heir(memo, LIST_ENTRY(at, struct memo_entry, link), now, &heirs);
    pthread_mutex_unlock(&old->group->lock);
    return heirs;
}

/* With the lock of the new group. */
static void settle(struct paa_memo *memo, struct heir *heir, struct memo_bin *bin)
{
    const struct memo_value *any = heir->value != NULL ? heir->value : heir->previous;
    struct memo_entry *entry =
        memo_make(memo, any->hash, paa_bytes_of(any->data, any->key_size), bin);

    if (entry == NULL) {
        memo_bin_add(bin, heir->value);
        memo_bin_add(bin, heir->previous);
        return;
    }
    entry->forced_ms = heir->forced_ms;
    entry->dropped_ms = heir->dropped_ms;
    entry->retry_ms = heir->retry_ms;
    entry->failures = heir->failures;
    entry->dropped_version = heir->dropped_version;
    if (heir->previous != NULL) {
        memo_set_raw(memo, entry, heir->previous, bin);
        memo_demote(memo, entry, bin);
    }
    if (heir->value != NULL && heir->value->is_decoded)
        memo_publish(entry, heir->value, bin);
    else if (heir->value != NULL)
        memo_set_raw(memo, entry, heir->value, bin);
    memo_tidy(memo, entry, bin);
}

static void inherit(struct paa_memo *memo, struct paa_memo *old)
{
    struct memos *memos = memo->group->memos;
    struct heir *heirs = heirs_of(memo, old, memo_now(memos)), *next;
    struct memo_bin bin = { NULL };

    pthread_mutex_lock(&memo->group->lock);
    for (struct heir *at = heirs; at != NULL; at = at->next)
        settle(memo, at, &bin);
    pthread_mutex_unlock(&memo->group->lock);
    for (; heirs != NULL; heirs = next) {
        next = heirs->next;
        free(heirs);
    }
    memo_bin_empty(memos, &bin);
}

void memo_adopt(struct op_instance *instance, struct op_instance *old)
{
    if (old == NULL || instance->plugin == NULL || old->plugin == NULL ||
        strcmp(instance->plugin, old->plugin) != 0)
        return;
    for (struct paa_memo *memo = instance->memos; memo != NULL; memo = memo->next)
        for (struct paa_memo *from = old->memos; from != NULL; from = from->next)
            if (may_inherit(memo, from))
                inherit(memo, from);
}
