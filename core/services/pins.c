/* SPDX-License-Identifier: MIT */
/*
 * Hazard pointers. A reader writes its own slots only; who retires looks through all of them. Knows nothing of
 * what is pinned.
 */
#include "pins.h"

#include "hint.h"
#include "lock.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLLECT_AT = 64,
    TABLE_MIN = 64
}; /* retired objects before a collection is worth its walk */

struct retired {
    struct retired *next;
    void *object;
    void (*free_fn)(void *object, void *arg);
    void *arg;
};

struct pin_domain {
    pthread_mutex_t lock; /* of the lists; readers take it to join and leave only */
    struct pins *readers;
    struct retired *retired;
    size_t retired_count;
    size_t collect_at; /* count that makes retire collect: twice what the last walk left */
    atomic_uint fence;
};

struct pin_domain *pin_domain_new(void)
{
    struct pin_domain *domain = calloc(1, sizeof *domain);

    if (domain == NULL)
        return NULL;
    lock_init(&domain->lock);
    domain->collect_at = COLLECT_AT;
    return domain;
}

/* In a child after fork: the parent's readers and what its threads were about are not here. */
void pin_domain_forget(struct pin_domain *domain)
{
    lock_init(&domain->lock);
    domain->readers = NULL;
    domain->retired = NULL;
    domain->retired_count = 0;
}

void pin_domain_free(struct pin_domain *domain)
{
    if (domain == NULL)
        return;
    pin_collect(domain);
    pthread_mutex_destroy(&domain->lock);
    free(domain);
}

/* ---- readers ----------------------------------------------------------------------------------- */

void pins_join(struct pins *pins, struct pin_domain *domain)
{
    memset(pins, 0, sizeof *pins);
    pins->domain = domain;
    pthread_mutex_lock(&domain->lock);
    atomic_store_explicit(&pins->next, domain->readers, memory_order_relaxed);
    domain->readers = pins;
    pthread_mutex_unlock(&domain->lock);
}

static void free_more(struct pins *pins)
{
    struct pins *more = pins->more;

    while (more != NULL) {
        struct pins *next = more->more;

        free(more);
        more = next;
    }
}

void pins_leave(struct pins *pins)
{
    struct pin_domain *domain = pins->domain;
    struct pins *at;

    if (domain == NULL)
        return;
    pins_release(pins, 0);
    pthread_mutex_lock(&domain->lock);
    if (domain->readers == pins) {
        domain->readers = atomic_load_explicit(&pins->next, memory_order_relaxed);
    } else {
        for (at = domain->readers; at != NULL;
             at = atomic_load_explicit(&at->next, memory_order_relaxed))
            if (atomic_load_explicit(&at->next, memory_order_relaxed) == pins) {
                atomic_store_explicit(&at->next,
                                      atomic_load_explicit(&pins->next, memory_order_relaxed),
                                      memory_order_relaxed);
                break;
            }
    }
    pthread_mutex_unlock(&domain->lock);
    free_more(pins);
    pins->domain = NULL;
}

/* The index-th slot, in further blocks beyond the first. The collector follows `more` under the lock. */
static _Atomic(void *) *further_slot(struct pins *pins, size_t index, bool may_grow)
{
    struct pins *block = pins;

    for (; index >= PINS_INLINE; index -= PINS_INLINE) {
        if (block->more == NULL) {
            struct pins *more = may_grow ? calloc(1, sizeof *more) : NULL;

            if (more == NULL)
                return NULL;
            pthread_mutex_lock(&pins->domain->lock);
            block->more = more;
            pthread_mutex_unlock(&pins->domain->lock);
        }
        block = block->more;
    }
    return &block->slot[index];
}

static inline _Atomic(void *) *slot_at(struct pins *pins, size_t index, bool may_grow)
{
    return LIKELY(index < PINS_INLINE) ? &pins->slot[index] : further_slot(pins, index, may_grow);
}

void *pins_get(struct pins *pins, _Atomic(void *) *place)
{
    _Atomic(void *) *slot = slot_at(pins, pins->used, true);
    void *object = atomic_load_explicit(place, memory_order_acquire);
    void *again;

    if (UNLIKELY(slot == NULL || object == NULL))
        return NULL;
    for (;;) {
        atomic_store(slot, object); /* in order: seen by collectors before place is read again */
        again = atomic_load(place);
        if (LIKELY(again == object))
            break;
        object = again;
        if (object == NULL) {
            atomic_store_explicit(slot, NULL, memory_order_release);
            return NULL;
        }
    }
    pins->used++;
    return object;
}

void pins_release(struct pins *pins, size_t mark)
{
    while (pins->used > mark) {
        pins->used--;
        atomic_store_explicit(slot_at(pins, pins->used, false), NULL, memory_order_release);
    }
}

void pins_put(struct pins *pins, size_t mark, void *object)
{
    atomic_store(slot_at(pins, mark, false), object);
}

/* ---- collecting -------------------------------------------------------------------------------- */

struct pinned { /* addresses in slots: a table with open addressing, twice as large as it is full */
    const void **at;
    size_t mask;
};

static size_t slot_count(const struct pin_domain *domain)
{
    size_t count = 0;

    for (const struct pins *reader = domain->readers; reader != NULL;
         reader = atomic_load_explicit(&reader->next, memory_order_relaxed))
        for (const struct pins *block = reader; block != NULL; block = block->more)
            count += PINS_INLINE;
    return count;
}

static const void **place_of(const struct pinned *pinned, const void *object)
{
    size_t i = (size_t)(((uintptr_t)object >> 4) * 0x9e3779b97f4a7c15u >> 20) & pinned->mask;

    while (pinned->at[i] != NULL && pinned->at[i] != object)
        i = (i + 1) & pinned->mask;
    return &pinned->at[i];
}

static bool find_pinned(struct pin_domain *domain, struct pinned *ret_pinned)
{
    size_t room = TABLE_MIN, need = slot_count(domain) * 2;

    while (room < need)
        room *= 2;
    ret_pinned->mask = room - 1;
    ret_pinned->at = calloc(room, sizeof *ret_pinned->at);
    if (ret_pinned->at == NULL)
        return false;
    (void)atomic_fetch_add(&domain->fence, 1); /* a full fence, in a form that TSan knows */
    for (struct pins *reader = domain->readers; reader != NULL;
         reader = atomic_load_explicit(&reader->next, memory_order_relaxed))
        for (struct pins *block = reader; block != NULL; block = block->more)
            for (size_t i = 0; i < PINS_INLINE; i++) {
                const void *object = atomic_load(&block->slot[i]);

                if (object != NULL)
                    *place_of(ret_pinned, object) = object;
            }
    return true;
}

static bool is_pinned(struct pin_domain *domain, const void *object)
{
    (void)atomic_fetch_add(&domain->fence, 1);
    for (struct pins *reader = domain->readers; reader != NULL;
         reader = atomic_load_explicit(&reader->next, memory_order_relaxed))
        for (struct pins *block = reader; block != NULL; block = block->more)
            for (size_t i = 0; i < PINS_INLINE; i++)
                if (atomic_load(&block->slot[i]) == object)
                    return true;
    return false;
}

/* What nobody pins any more, taken out of the list; it is freed without the lock. */
static struct retired *take_free(struct pin_domain *domain)
{
    struct retired **at = &domain->retired, *free_list = NULL;
    struct pinned pinned;

    if (domain->retired == NULL || !find_pinned(domain, &pinned))
        return NULL;
    while (*at != NULL) {
        struct retired *entry = *at;

        if (*place_of(&pinned, entry->object) != NULL) {
            at = &entry->next;
            continue;
        }
        *at = entry->next;
        entry->next = free_list;
        free_list = entry;
        domain->retired_count--;
    }
    free(pinned.at);
    domain->collect_at =
        domain->retired_count * 2 > COLLECT_AT ? domain->retired_count * 2 : (size_t)COLLECT_AT;
    return free_list;
}

static void free_all(struct retired *list)
{
    while (list != NULL) {
        struct retired *next = list->next;

        list->free_fn(list->object, list->arg);
        free(list);
        list = next;
    }
}

/* Freeing may retire more. */
void pin_collect(struct pin_domain *domain)
{
    bool is_done;

    do {
        struct retired *list;

        pthread_mutex_lock(&domain->lock);
        list = take_free(domain);
        pthread_mutex_unlock(&domain->lock);
        is_done = list == NULL;
        free_all(list);
    } while (!is_done);
}

/* Without memory to remember it by: as soon as its readers are done, which is soon. */
static void free_later(struct pin_domain *domain, struct retired *entry)
{
    bool is_held;

    do {
        (void)sched_yield();
        pthread_mutex_lock(&domain->lock);
        is_held = is_pinned(domain, entry->object);
        pthread_mutex_unlock(&domain->lock);
    } while (is_held);
    entry->free_fn(entry->object, entry->arg);
}

void pin_retire(struct pin_domain *domain, void *object, void (*free_fn)(void *object, void *arg),
                void *arg)
{
    struct retired *entry = malloc(sizeof *entry);
    struct retired *list = NULL;

    if (entry == NULL) {
        free_later(domain, &(struct retired){ NULL, object, free_fn, arg });
        return;
    }
    *entry = (struct retired){ NULL, object, free_fn, arg };
    pthread_mutex_lock(&domain->lock);
    entry->next = domain->retired;
    domain->retired = entry;
    if (++domain->retired_count >= domain->collect_at)
        list = take_free(domain);
    pthread_mutex_unlock(&domain->lock);
    free_all(list);
}
