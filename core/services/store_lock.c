/* SPDX-License-Identifier: MIT */
/*
 * Keys that one operation holds for itself until it ends. Within a process: a queue per key. Across processes:
 * a byte range of PATH.gen, locked on the open file description, so that the system gives it back when a
 * process dies. The store's thread tries it; nobody blocks. Keys meet by a hash: two that share one wait for
 * each other, no more.
 */
#include "store_parts.h"

#include <stdlib.h>

struct store_lock {
    struct list link;    /* store->locks */
    struct list waiters; /* struct store_request */
    struct store *store;
    uint64_t place;
    struct op *holder;
    bool forgotten; /* a parent's, in its child */
};

/* The same in every process: no secret goes into it. */
static uint64_t place_of(const struct store_request *request)
{
    static const struct hash_key fixed = { { 0x7061612d6c6f636bu, 1 } };
    const char *address = request->table->shared->address;
    struct hash_key key = { { hash_bytes(&fixed, address, strlen(address)), fixed.word[0] } };

    return hash_bytes(&key, request->key.data, request->key.size);
}

static struct store_lock *lock_find(struct store *store, uint64_t place)
{
    for (struct list *link = store->locks.next; link != &store->locks; link = link->next) {
        struct store_lock *lock = LIST_ENTRY(link, struct store_lock, link);

        if (lock->place == place)
            return lock;
    }
    return NULL;
}

static void lock_free_unused(struct store_lock *lock)
{
    if (lock->holder != NULL || !list_empty(&lock->waiters))
        return;
    list_remove(&lock->link);
    free(lock);
}

static void lock_grant(struct store_lock *lock)
{
    struct list *first = list_take_first(&lock->waiters);
    struct store_request *request = LIST_ENTRY(first, struct store_request, link);

    request->waits_for = NULL;
    lock->holder = request->op;
    request->op->store_lock = lock;
    request->store->queued--;
    request->status = PAA_STATUS_OK;
    request_post(request);
}

bool lock_ask(struct store_request *request)
{
    struct store *store = request->store;
    uint64_t place = place_of(request);
    struct store_lock *lock = lock_find(store, place);

    if (lock == NULL) {
        lock = calloc(1, sizeof *lock);
        if (lock == NULL)
            return false;
        lock->store = store;
        lock->place = place;
        list_init(&lock->waiters);
        list_add_last(&store->locks, &lock->link);
    }
    list_add_last(&lock->waiters, &request->link);
    request->waits_for = lock;
    return true;
}

void lock_withdraw(struct store_request *request)
{
    list_remove(&request->link);
    request->store->queued--;
    lock_free_unused(request->waits_for);
    request->waits_for = NULL;
}

static void lock_refuse(struct store_request *request, const char *sentence)
{
    struct store_lock *lock = request->waits_for;

    request->waits_for = NULL;
    request->store->queued--;
    request_fail(request, PAA_STATUS_UNAVAILABLE, "%s", sentence);
    request_post(request);
    lock_free_unused(lock);
}

/* Who waits in this process and, if the key is free here, may have it. */
static void lock_try(struct store_lock *lock)
{
    struct store *store = lock->store;
    int got = store->path == NULL ? 1 : store_word_lock(&store->word, lock->place);

    if (got > 0) {
        lock_grant(lock);
    } else if (got < 0) {
        struct list *first = lock->waiters.next;

        lock_refuse(
            LIST_ENTRY(first, struct store_request, link),
            "the file for locks beside the store cannot be written: give it the store's owner");
    }
}

/* True: the lock is gone with its last waiter. */
static bool lock_expire(struct store_lock *lock)
{
    struct list *next;

    for (struct list *link = lock->waiters.next; link != &lock->waiters; link = next) {
        struct store_request *request = LIST_ENTRY(link, struct store_request, link);
        bool last =
            lock->holder == NULL && link->next == &lock->waiters && link->prev == &lock->waiters;

        next = link->next;
        if (request->until_ms > request_now_ms(request))
            continue;
        lock_refuse(request, "somebody else holds the key, and the time is over");
        if (last)
            return true;
    }
    return false;
}

bool locks_round(struct store *store)
{
    bool waiting = false;
    struct list *next;

    for (struct list *link = store->locks.next; link != &store->locks; link = next) {
        struct store_lock *lock = LIST_ENTRY(link, struct store_lock, link);

        next = link->next;
        if (lock_expire(lock) || list_empty(&lock->waiters))
            continue;
        if (lock->holder == NULL)
            lock_try(lock); /* may free it; next was taken before */
        waiting = true;
    }
    return waiting;
}

void locks_end_of(struct store *store, const struct services *services)
{
    struct list *next_lock;
    struct list *next;

    for (struct list *link = store->locks.next; link != &store->locks; link = next_lock) {
        struct store_lock *lock = LIST_ENTRY(link, struct store_lock, link);
        struct op *holder = lock->holder;

        next_lock = link->next;
        if (list_empty(&lock->waiters))
            continue;
        lock->holder = (struct op *)(void *)lock; /* keeps it while its waiters go */
        for (struct list *at = lock->waiters.next; at != &lock->waiters; at = next) {
            struct store_request *request = LIST_ENTRY(at, struct store_request, link);

            next = at->next;
            if (request->op->services == services)
                lock_refuse(request, "the store is closing");
        }
        lock->holder = holder;
        lock_free_unused(lock);
    }
}

void locks_forget(struct store *store)
{
    struct list *link;

    while ((link = list_take_first(&store->locks)) != NULL) {
        struct store_lock *lock = LIST_ENTRY(link, struct store_lock, link);
        struct list *waiter;

        while ((waiter = list_take_first(&lock->waiters)) != NULL)
            LIST_ENTRY(waiter, struct store_request, link)->state = REQUEST_RUNNING;
        if (lock->holder != NULL)
            lock->forgotten = true; /* store_op_ended frees it */
        else
            free(lock);
    }
}

void store_op_ended(struct op *op)
{
    struct store_lock *lock = op->store_lock;
    struct store *store;

    if (lock == NULL)
        return;
    op->store_lock = NULL;
    store = lock->store;
    if (lock->forgotten) {
        free(lock);
        return;
    }
    pthread_mutex_lock(&store->lock);
    lock->holder = NULL;
    if (store->path != NULL)
        store_word_unlock(&store->word, lock->place);
    if (!list_empty(&lock->waiters) && store->path == NULL)
        lock_grant(lock);
    else
        lock_free_unused(lock); /* else the thread tries: other processes have their chance */
    store->poked = true;
    pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->lock);
}
