/* SPDX-License-Identifier: MIT */
/* The names of stores that a policy defines, and what each stands for now. Knows no table and no request. */
#include "store_parts.h"

#include <stdlib.h>

struct stores *stores_new(struct services *services)
{
    struct stores *stores = calloc(1, sizeof *stores);

    if (stores == NULL)
        return NULL;
    stores->services = services;
    list_init(&stores->attachments);
    return stores;
}

void stores_free(struct stores *stores)
{
    struct store_name *name;

    if (stores == NULL)
        return;
    registry_lock();
    while ((name = stores->names) != NULL) {
        stores->names = name->next;
        store_drop(name->attachment);
        store_drop(name->memory);
        free(name->name);
        free(name);
    }
    registry_unlock();
    free(stores);
}

void stores_stop(struct stores *stores)
{
    if (stores == NULL)
        return;
    atomic_store(&stores->stopped, true);
    registry_lock();
    for (struct list *link = stores->attachments.next; link != &stores->attachments;
         link = link->next)
        store_thread_end_of(LIST_ENTRY(link, struct attachment, in_stores)->store,
                            stores->services);
    registry_unlock();
}

struct store_name *store_name_find(struct stores *stores, const char *text)
{
    for (struct store_name *name = stores->names; name != NULL; name = name->next) {
        if (strcmp(name->name, text) == 0)
            return name;
    }
    return NULL;
}

struct store_name *store_name_make(struct stores *stores, const char *text)
{
    struct store_name *name = store_name_find(stores, text);

    if (name != NULL)
        return name;
    name = calloc(1, sizeof *name);
    if (name == NULL || (name->name = strdup(text)) == NULL) {
        free(name);
        return NULL;
    }
    name->next = stores->names;
    stores->names = name;
    return name;
}

/* The name's memory store: made once, so that what it holds outlives reloads. */
struct attachment *store_name_memory(struct stores *stores, struct store_name *name)
{
    if (name->memory == NULL)
        name->memory = store_attach(stores, NULL);
    if (name->memory != NULL)
        name->memory->uses++;
    return name->memory;
}

int stores_define(struct stores *stores, const char *name_text, const char *path,
                  struct where where)
{
    struct store_name *name;
    struct attachment *attachment = NULL;
    int result = -1;

    (void)where; /* what is wrong with the file shows when it is opened, and names the path */
    registry_lock();
    name = store_name_make(stores, name_text);
    if (name == NULL)
        goto done;
    if (path != NULL) {
        attachment = strcmp(path, "memory") == 0 ? store_name_memory(stores, name)
                                                 : store_attach(stores, path);
        if (attachment == NULL)
            goto done;
    }
    store_drop(name->attachment); /* after the new one was attached: the same store stays open */
    name->attachment = attachment;
    result = 0;

done:
    registry_unlock();
    return result;
}

int stores_seal(struct stores *stores, const char *name_text, const struct source_spec *specs,
                size_t count, struct paa_error *error)
{
    struct seal_ring *ring = NULL;
    struct store_name *name;
    struct store *store = NULL;

    if (count > 0) {
        ring = store_ring_read(specs, count, NULL, error);
        if (ring == NULL)
            return error->text[0] == '\0' ? 0 : -1;
    }
    registry_lock();
    name = store_name_find(stores, name_text);
    if (name != NULL && name->attachment != NULL)
        store = name->attachment->store;
    if (store != NULL && store->path != NULL) {
        pthread_mutex_lock(&store->disk_lock);
        disk_ring_set(store, ring);
        pthread_mutex_unlock(&store->disk_lock);
        ring = NULL;
    }
    registry_unlock();
    seal_ring_free(ring);
    return 0;
}
