/* SPDX-License-Identifier: MIT */
/*
 * One struct store per file and process, however many contexts and generations name it; what they retire goes
 * past the readers of all of them. And forks: SQLite keeps what it knows of a file in tables of the process,
 * and a child that inherits them would believe in locks it does not hold. So no connection is open while a
 * fork happens: the handler closes them, parent and child open their own when they next need one. The image
 * and the mapped word stay right in both. Knows no operation.
 */
#include "store_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t inode_mutex = PTHREAD_MUTEX_INITIALIZER; /* innermost */
static struct list registry = { &registry, &registry };
static pthread_once_t registry_once = PTHREAD_ONCE_INIT;

void registry_lock(void)
{
    pthread_mutex_lock(&registry_mutex);
}

void registry_unlock(void)
{
    pthread_mutex_unlock(&registry_mutex);
}

#define EACH_STORE(name)                                                                           \
    for (struct list *name = registry.next; name != &registry; name = name->next)

/* ---- forks ---- */

static void fork_prepare(void)
{
    registry_lock();
    EACH_STORE(link)
    {
        struct store *store = LIST_ENTRY(link, struct store, link);

        pthread_mutex_lock(&store->disk_lock);
        disk_leave(store, false);
        pthread_mutex_lock(&store->watch_lock);
        pthread_mutex_lock(&store->lock);
        pthread_mutex_lock(&store->readers_lock);
    }
    pthread_mutex_lock(&inode_mutex);
}

static void fork_unlock(void)
{
    pthread_mutex_unlock(&inode_mutex);
    EACH_STORE(link)
    {
        struct store *store = LIST_ENTRY(link, struct store, link);

        pthread_mutex_unlock(&store->readers_lock);
        pthread_mutex_unlock(&store->lock);
        pthread_mutex_unlock(&store->watch_lock);
        pthread_mutex_unlock(&store->disk_lock);
    }
    registry_unlock();
}

/* The parent's requests are not the child's: whoever cancels one finds it under way for ever. */
static void forget_requests(struct list *queue)
{
    struct list *link;

    while ((link = list_take_first(queue)) != NULL)
        LIST_ENTRY(link, struct store_request, link)->state = REQUEST_RUNNING;
}

static void store_conditions(struct store *store)
{
    pthread_condattr_t steady;

    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&store->work, &steady);
    pthread_cond_init(&store->idle, &steady);
    pthread_condattr_destroy(&steady);
}

static void fork_child(void)
{
    EACH_STORE(link)
    {
        struct store *store = LIST_ENTRY(link, struct store, link);

        forget_requests(&store->reads);
        forget_requests(&store->writes);
        locks_forget(store);
        store->queued = 0;
        store->running = 0;
        store->has_thread = false;
        store->stop = false;
        store_conditions(store);
        if (store->word.fd >= 0) /* shared with the parent, and its locks with it */
            close(store->word.fd);
        store->word.fd = -1;
    }
    fork_unlock();
}

static void registry_watch_forks(void)
{
    (void)pthread_atfork(fork_prepare, fork_unlock, fork_child);
}

/* ---- what readers may still hold ---- */

struct retired { /* an object that several contexts' readers may pin */
    _Atomic unsigned domains;
    void (*free_fn)(void *object, void *arg);
};

static void retired_free(void *object, void *arg)
{
    struct retired *retired = arg;

    if (atomic_fetch_sub(&retired->domains, 1) != 1)
        return;
    retired->free_fn(object, NULL);
    free(retired);
}

static struct pin_domain *domain_of(struct list *link)
{
    return LIST_ENTRY(link, struct attachment, in_store)->stores->services->pins;
}

static void retire_for_all(struct store *store, void *object, void (*free_fn)(void *, void *))
{
    struct retired *retired = malloc(sizeof *retired);
    unsigned count = 0;

    if (retired == NULL)
        return; /* lost, rather than freed under a reader */
    for (struct list *link = store->attachments.next; link != &store->attachments;
         link = link->next)
        count++;
    atomic_init(&retired->domains, count);
    retired->free_fn = free_fn;
    for (struct list *link = store->attachments.next; link != &store->attachments;
         link = link->next)
        pin_retire(domain_of(link), object, retired_free, retired);
}

static void store_retire(void *arg, void *object, void (*free_fn)(void *object, void *arg))
{
    struct store *store = arg;
    struct list *first;

    pthread_mutex_lock(&store->readers_lock);
    first = store->attachments.next;
    if (first == &store->attachments)
        free_fn(object, NULL);
    else if (first->next == &store->attachments)
        pin_retire(domain_of(first), object, free_fn, NULL);
    else
        retire_for_all(store, object, free_fn);
    pthread_mutex_unlock(&store->readers_lock);
}

static void store_collect(void *arg)
{
    struct store *store = arg;

    pthread_mutex_lock(&store->readers_lock);
    for (struct list *link = store->attachments.next; link != &store->attachments;
         link = link->next)
        pin_collect(domain_of(link));
    pthread_mutex_unlock(&store->readers_lock);
}

/* ---- stores ---- */

static void store_free(struct store *store)
{
    struct store_table *table;

    store_thread_stop(store);
    disk_leave(store, true);
    disk_seal_free(store);
    image_free(&store->image);
    store_word_free(&store->word);
    while ((table = store->tables) != NULL) {
        store->tables = table->next;
        free(table->address);
        free(table);
    }
    pthread_mutex_destroy(&store->lock);
    pthread_mutex_destroy(&store->disk_lock);
    pthread_mutex_destroy(&store->readers_lock);
    pthread_mutex_destroy(&store->watch_lock);
    pthread_cond_destroy(&store->work);
    pthread_cond_destroy(&store->idle);
    free(store->path);
    free(store);
}

/* path: owned from here on. */
static struct store *store_new(char *path, const struct chance *chance)
{
    struct store *store = calloc(1, sizeof *store);

    if (store == NULL || chance_fill(chance, &store->image.hash, sizeof store->image.hash) != 0) {
        free(store);
        free(path);
        return NULL;
    }
    store->path = path;
    store->word.fd = -1;
    list_init(&store->attachments);
    list_init(&store->reads);
    list_init(&store->writes);
    list_init(&store->locks);
    list_init(&store->watches);
    pthread_mutex_init(&store->watch_lock, NULL);
    pthread_mutex_init(&store->lock, NULL);
    pthread_mutex_init(&store->disk_lock, NULL);
    pthread_mutex_init(&store->readers_lock, NULL);
    store_conditions(store);
    store->image.bytes_max = path != NULL ? STORE_IMAGE_BYTES_MAX : STORE_MEMORY_BYTES_MAX;
    store->image.inline_max = path != NULL ? STORE_IMAGE_VALUE_MAX : STORE_VALUE_MAX;
    store->image.retire = store_retire;
    store->image.collect = store_collect;
    store->image.retire_arg = store;
    if (image_init(&store->image) != 0 || store_word_init(&store->word) != 0) {
        store_free(store);
        return NULL;
    }
    if (path == NULL) { /* its image is all there is, and always current */
        store_word_repair(&store->word, 1);
        image_set_word(&store->image, 2);
    }
    return store;
}

/* The file's real path, or, while it does not exist, its folder's and its name. */
static char *path_real(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *real = realpath(path, NULL);
    char *folder = NULL;

    if (real != NULL || slash == NULL)
        return real != NULL ? real : strdup(path);
    folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (folder != NULL) {
        char *folder_real = realpath(folder, NULL);

        if (folder_real == NULL)
            real = strdup(path);
        else if (asprintf(&real, "%s%s", strcmp(folder_real, "/") == 0 ? "" : folder_real, slash) <
                 0)
            real = NULL;
        free(folder_real);
    }
    free(folder);
    return real;
}

static struct store *store_named(const char *path, const struct chance *chance)
{
    char *real = NULL;
    struct store *store;

    if (path != NULL) {
        real = path_real(path);
        if (real == NULL)
            return NULL;
        EACH_STORE(link)
        {
            store = LIST_ENTRY(link, struct store, link);
            if (store->path != NULL && strcmp(store->path, real) == 0) {
                free(real);
                return store;
            }
        }
    }
    store = store_new(real, chance);
    if (store != NULL)
        list_add_last(&registry, &store->link);
    return store;
}

static struct attachment *attachment_of(struct stores *stores, const struct store *store)
{
    for (struct list *link = stores->attachments.next; link != &stores->attachments;
         link = link->next) {
        struct attachment *attachment = LIST_ENTRY(link, struct attachment, in_stores);

        if (attachment->store == store)
            return attachment;
    }
    return NULL;
}

static struct attachment *attachment_new(struct stores *stores, struct store *store)
{
    struct attachment *attachment = calloc(1, sizeof *attachment);
    bool offline = stores->services->flags & PAA_OPEN_OFFLINE;

    if (attachment == NULL)
        return NULL;
    if (offline && store->path != NULL) {
        attachment->overlay = overlay_new();
        if (attachment->overlay == NULL) {
            free(attachment);
            return NULL;
        }
    }
    attachment->stores = stores;
    attachment->store = store;
    store->attached++;
    list_add_last(&stores->attachments, &attachment->in_stores);
    pthread_mutex_lock(&store->readers_lock);
    list_add_last(&store->attachments, &attachment->in_store);
    pthread_mutex_unlock(&store->readers_lock);
    return attachment;
}

/* Joins the thread with the registry locked: whoever attaches next finds the file closed. The thread never
 * takes this lock. */
static void store_leave(struct store *store)
{
    if (store->attached > 0)
        return;
    list_remove(&store->link);
    store_free(store);
}

struct attachment *store_attach(struct stores *stores, const char *path)
{
    struct attachment *attachment = NULL;
    struct store *store;

    pthread_once(&registry_once, registry_watch_forks);
    store = store_named(path, &stores->services->chance);
    if (store == NULL)
        return NULL;
    attachment = attachment_of(stores, store);
    if (attachment == NULL)
        attachment = attachment_new(stores, store);
    if (attachment == NULL) {
        store_leave(store);
        return NULL;
    }
    attachment->uses++;
    return attachment;
}

void store_drop(struct attachment *attachment)
{
    struct store *store;

    if (attachment == NULL || --attachment->uses > 0)
        return;
    store = attachment->store;
    store_thread_end_of(store, attachment->stores->services);
    list_remove(&attachment->in_stores);
    pthread_mutex_lock(&store->readers_lock);
    list_remove(&attachment->in_store);
    pthread_mutex_unlock(&store->readers_lock);
    overlay_free(attachment->overlay);
    free(attachment);
    store->attached--;
    store_leave(store);
}

struct store_table *store_table_of(struct store *store, const char *address, uint32_t flags)
{
    static _Atomic uint32_t last_memory_id; /* memory stores number their tables here */
    struct store_table *table;

    pthread_mutex_lock(&store->lock);
    for (table = store->tables; table != NULL; table = table->next) {
        if (strcmp(table->address, address) == 0)
            goto done;
    }
    table = calloc(1, sizeof *table);
    if (table == NULL || (table->address = strdup(address)) == NULL) {
        free(table);
        table = NULL;
        goto done;
    }
    table->is_rare = (flags & PAA_TABLE_RARE) != 0 && store->path != NULL;
    table->is_secret = (flags & PAA_TABLE_SECRET) != 0;
    if (store->path == NULL)
        atomic_store(&table->id, atomic_fetch_add(&last_memory_id, 1) + 1);
    table->next = store->tables;
    store->tables = table;

done:
    pthread_mutex_unlock(&store->lock);
    return table;
}

void store_log(struct store *store, enum paa_level level, const char *format, ...)
{
    char text[LOG_LINE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    pthread_mutex_lock(&store->readers_lock);
    for (struct list *link = store->attachments.next; link != &store->attachments;
         link = link->next) {
        struct stores *stores = LIST_ENTRY(link, struct attachment, in_store)->stores;

        log_queue(&stores->services->log, level, "%s", text);
    }
    pthread_mutex_unlock(&store->readers_lock);
}

/* ---- a file has one connection in a process: closing any descriptor of it would drop SQLite's locks ---- */

struct inode_claim {
    struct inode_claim *next;
    const struct store *store;
    dev_t device;
    ino_t inode;
};

static struct inode_claim *inode_claims;

bool store_inode_taken(struct store *self, dev_t device, ino_t inode)
{
    struct inode_claim *claim = malloc(sizeof *claim);
    bool taken = claim == NULL;

    pthread_mutex_lock(&inode_mutex);
    for (struct inode_claim *at = inode_claims; at != NULL && !taken; at = at->next)
        taken = at->store != self && at->device == device && at->inode == inode;
    if (!taken) {
        *claim = (struct inode_claim){ inode_claims, self, device, inode };
        inode_claims = claim;
        claim = NULL;
    }
    pthread_mutex_unlock(&inode_mutex);
    free(claim);
    return taken;
}

void store_inode_leave(struct store *self)
{
    pthread_mutex_lock(&inode_mutex);
    for (struct inode_claim **at = &inode_claims; *at != NULL;) {
        struct inode_claim *claim = *at;

        if (claim->store != self) {
            at = &claim->next;
            continue;
        }
        *at = claim->next;
        free(claim);
    }
    pthread_mutex_unlock(&inode_mutex);
}
