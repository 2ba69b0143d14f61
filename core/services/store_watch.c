/* SPDX-License-Identifier: MIT */
/* Who is told when records change, by whichever process. The store's thread tells; knows no SQL and no image. */
#include "store_parts.h"

bool store_is_kept(const struct paa_table *table)
{
    return table->attachment->store->path != NULL;
}

bool store_is_same(const struct paa_table *a, const struct paa_table *b)
{
    return a->attachment->store == b->attachment->store;
}

void store_watch_begin(struct paa_table *table, struct store_watch *watch)
{
    struct store *store = table->attachment->store;

    pthread_mutex_lock(&store->watch_lock);
    watch->table = table->shared;
    list_add_last(&store->watches, &watch->link);
    atomic_fetch_add(&store->watched, 1);
    pthread_mutex_unlock(&store->watch_lock);
}

void store_watch_end(struct paa_table *table, struct store_watch *watch)
{
    struct store *store = table->attachment->store;

    if (watch->table == NULL)
        return;
    pthread_mutex_lock(&store->watch_lock);
    list_remove(&watch->link);
    watch->table = NULL;
    atomic_fetch_sub(&store->watched, 1);
    pthread_mutex_unlock(&store->watch_lock);
}

static void tell(struct store *store, const struct store_table *table,
                 const struct paa_record *record)
{
    if (atomic_load(&store->watched) == 0)
        return;
    pthread_mutex_lock(&store->watch_lock);
    for (struct list *link = store->watches.next; link != &store->watches; link = link->next) {
        struct store_watch *watch = LIST_ENTRY(link, struct store_watch, link);

        if (record == NULL || watch->table == table)
            watch->fn(watch, record);
    }
    pthread_mutex_unlock(&store->watch_lock);
}

void watch_tell(struct store *store, const struct store_table *table,
                const struct paa_record *record)
{
    tell(store, table, record);
}

void watch_tell_all(struct store *store)
{
    tell(store, NULL, NULL);
}
