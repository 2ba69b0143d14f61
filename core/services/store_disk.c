/* SPDX-License-Identifier: MIT */
/*
 * One round of a store's thread: answers first, then one commit, then the image comes up a piece. So nobody
 * waits for a large image to be loaded, nor for a lock that another process holds, but who writes.
 */
#include "store_disk.h"

static bool needs_file(const struct store_request *request)
{
    bool writes = request->verb == STORE_PUT || request->verb == STORE_REMOVE;

    return request->overlay == NULL && (writes || request->verb == STORE_LOCK);
}

static void take_reads(struct store *store, struct list *reads, bool *ret_create, bool *ret_writes,
                       bool *ret_locks)
{
    *ret_locks = false;
    pthread_mutex_lock(&store->lock);
    *ret_create = false;
    *ret_writes = !list_empty(&store->writes);
    while (!list_empty(&store->reads)) {
        struct store_request *request =
            LIST_ENTRY(list_take_first(&store->reads), struct store_request, link);

        request->state = REQUEST_RUNNING;
        store->queued--;
        store->running++;
        request_tell_time(request);
        *ret_locks = *ret_locks || request->verb == STORE_LOCK;
        *ret_create = *ret_create || needs_file(request);
        list_add_last(reads, &request->link);
    }
    *ret_create = *ret_create || *ret_writes;
    pthread_mutex_unlock(&store->lock);
}

/* The file is not there. For a verb that is an empty store; for a request that trusts it, a fault. */
static void answer_missing(struct store *store, struct store_request *request)
{
    if ((request->table->flags & PAA_TABLE_TRUSTED) && !request->is_verb)
        request_fail(request, PAA_STATUS_UNAVAILABLE,
                     "%s does not exist: it is made by the first verb that writes a record",
                     store->path);
    else
        (void)disk_answer(store, request);
}

/* Moves it to the keys' own queues. */
static void ask_lock(struct store *store, struct store_request *request)
{
    pthread_mutex_lock(&store->lock);
    list_remove(&request->link);
    if (request->cancelled || request->overlay != NULL || !lock_ask(request)) {
        request->status = request->overlay != NULL ? PAA_STATUS_OK : PAA_STATUS_UNAVAILABLE;
        request_post(request);
    } else {
        request->state = REQUEST_QUEUED;
        store->running--;
        store->queued++;
    }
    pthread_mutex_unlock(&store->lock);
}

static void answer_one(struct store *store, struct store_request *request, enum disk_state state,
                       struct paa_error *error)
{
    enum disk_result result = DISK_OK;

    bool is_trusted = request->table->flags & PAA_TABLE_TRUSTED;

    if (state == DISK_UNUSABLE || (state == DISK_EMPTY && is_trusted)) {
        request_fail(request, PAA_STATUS_UNAVAILABLE, "%s", error->text);
    } else if (state == DISK_MISSING || state == DISK_EMPTY) {
        answer_missing(store, request);
    } else if (store->disk == NULL) { /* it failed in this round */
        request_fail(request, PAA_STATUS_UNAVAILABLE, "%s", error->text);
    } else {
        result = disk_answer(store, request);
        if (result != DISK_OK) {
            disk_failed(store, result, error);
            request_fail(request, PAA_STATUS_UNAVAILABLE, "%s", error->text);
        }
    }
}

static void answer_all(struct store *store, struct list *reads, enum disk_state state,
                       struct paa_error *error)
{
    struct list *next;

    for (struct list *link = reads->next; link != reads; link = next) {
        struct store_request *request = LIST_ENTRY(link, struct store_request, link);

        next = link->next;
        if (request->verb == STORE_LOCK && (state == DISK_OPENED || request->overlay != NULL))
            ask_lock(store, request);
        else
            answer_one(store, request, state, error);
    }
    pthread_mutex_lock(&store->lock);
    while (!list_empty(reads))
        request_post(LIST_ENTRY(reads->next, struct store_request, link));
    pthread_mutex_unlock(&store->lock);
}

static void refuse_writes(struct store *store, const struct paa_error *error)
{
    pthread_mutex_lock(&store->lock);
    while (!list_empty(&store->writes)) {
        struct store_request *request = LIST_ENTRY(store->writes.next, struct store_request, link);

        store->queued--;
        request_fail(request, PAA_STATUS_UNAVAILABLE, "%s", error->text);
        request_post(request);
    }
    pthread_mutex_unlock(&store->lock);
}

/* The image, and the word if it lags though nobody writes. */
static void follow(struct store *store)
{
    struct paa_error error;
    enum disk_result result = disk_begin(store->disk, false);

    if (result == DISK_OK)
        result = disk_catch_up(store);
    disk_rollback(store->disk);
    if (result != DISK_OK && result != DISK_BUSY) {
        disk_failed(store, result, &error);
        return;
    }
    if (store->whole && store_word_read(&store->word) != store->followed)
        disk_repair(store);
}

static bool is_behind(const struct store *store)
{
    bool matters = !store->no_image || atomic_load(&store->watched) > 0;

    return store->disk != NULL && matters &&
           (!store->whole || store_word_read(&store->word) != store->followed);
}

static void answer_in_snapshot(struct store *store, struct list *reads, enum disk_state state,
                               struct paa_error *error)
{
    if (list_empty(reads))
        return;
    if (store->disk != NULL)
        (void)disk_begin(store->disk, false);
    answer_all(store, reads, state, error);
    if (store->disk != NULL)
        disk_rollback(store->disk);
}

static int rest_of_round(struct store *store)
{
    bool locks;
    int64_t now_ms = store_steady_ms();

    if (is_behind(store))
        follow(store);
    if (store->disk != NULL && now_ms - store->looked_ms >= STORE_TICK_MS) {
        store->looked_ms = now_ms;
        disk_look(store);
    }
    pthread_mutex_lock(&store->lock);
    locks = locks_round(store);
    pthread_mutex_unlock(&store->lock);
    if (is_behind(store) && !store->whole)
        return 0;
    return locks ? STORE_RETRY_MS : STORE_TICK_MS;
}

int disk_round(struct store *store)
{
    struct list reads;
    struct paa_error error = { "" };
    enum disk_state state = DISK_OPENED;
    bool create;
    bool writes;
    bool locks; /* whose file is opened as the store is */
    int wait_ms;
    int retry_ms = 0;

    list_init(&reads);
    take_reads(store, &reads, &create, &writes, &locks);
    if (writes || locks)
        disk_want_writable(store);
    if (store->path != NULL && (create || !list_empty(&reads)))
        state = disk_ready(store, create, &error);
    else if (store->inode != 0 && atomic_load(&store->watched) > 0)
        (void)disk_ready(store, false, &error); /* a fork closed it, and nobody asks */
    answer_in_snapshot(store, &reads, state, &error);
    if (writes && store->disk != NULL)
        retry_ms = disk_write(store);
    else if (writes)
        refuse_writes(store, &error);
    wait_ms = rest_of_round(store);
    pthread_mutex_lock(&store->lock);
    if (!list_empty(&store->writes) && retry_ms == 0)
        wait_ms = 0;
    pthread_mutex_unlock(&store->lock);
    return retry_ms > 0 && retry_ms < wait_ms ? retry_ms : wait_ms;
}
