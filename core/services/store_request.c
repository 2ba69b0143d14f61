/* SPDX-License-Identifier: MIT */
/*
 * Requests that are not answered at once: their queue, the store's own thread, and the three ways they end
 * (posted, cancelled while queued, cancelled while under way). Knows no SQL.
 */
#include "store_parts.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int64_t store_steady_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- requests ---- */

/* A present and empty view stays present. */
static struct paa_bytes bytes_into(unsigned char **at, struct paa_bytes bytes)
{
    struct paa_bytes copy = { bytes.data != NULL ? *at : NULL, bytes.size };

    if (bytes.size > 0)
        memcpy(*at, bytes.data, bytes.size);
    *at += bytes.size;
    return copy;
}

int64_t request_now_ms(const struct store_request *request)
{
    return clock_now_ms(&request->op->services->clock);
}

/* Never the greatest: a clock that was wrong once would rule until it is caught up with. */
void request_tell_time(const struct store_request *request)
{
    request->store->now_s = request->now_s;
    request->store->now_ms = request->since_ms;
}

/* What a SECRET table's records pass through is no ordinary memory. */
static void *request_memory(const struct paa_table *table, size_t size)
{
    return table->flags & PAA_TABLE_SECRET ? secret_alloc(size) : malloc(size);
}

static void request_memory_free(const struct paa_table *table, void *memory, size_t size)
{
    if (table->flags & PAA_TABLE_SECRET)
        secret_free(memory, size);
    else
        free(memory);
}

struct store_request *request_new(struct op *op, struct paa_table *table, enum store_verb verb,
                                  struct paa_bytes key, struct paa_bytes value)
{
    struct store_request *request =
        request_memory(table, sizeof *request + key.size + value.size + 1);
    unsigned char *at;

    if (request == NULL)
        return NULL;
    memset(request, 0, sizeof *request);
    at = request->bytes;
    list_init(&request->link);
    request->verb = verb;
    request->state = REQUEST_QUEUED;
    request->is_verb = op->slot == OP_VERB;
    request->op = op;
    request->table = table;
    request->store = table->attachment->store;
    request->overlay = table->attachment->overlay;
    request->now_s = clock_now_s(&op->services->clock);
    request->since_ms = request_now_ms(request);
    request->until_ms = op->deadline_ms;
    request->key = bytes_into(&at, key);
    request->value = bytes_into(&at, value);
    request->status = PAA_STATUS_UNAVAILABLE;
    return request;
}

static void forget_found(struct store_request *request)
{
    request_memory_free(request->table, request->found,
                        request->found_key_size + request->found_value_size + 1);
    request->found = NULL;
}

void request_free(struct store_request *request)
{
    if (request == NULL)
        return;
    forget_found(request);
    free(request->sentence);
    request_memory_free(request->table, request,
                        sizeof *request + request->key.size + request->value.size + 1);
}

void request_fail(struct store_request *request, enum paa_status status, const char *format, ...)
{
    va_list args;

    request->status = status;
    free(request->sentence);
    va_start(args, format);
    if (vasprintf(&request->sentence, format, args) < 0)
        request->sentence = NULL;
    va_end(args);
}

void request_found(struct store_request *request, struct paa_bytes key, struct paa_bytes value,
                   uint64_t version, int64_t expires_at_s)
{
    unsigned char *copy = request_memory(request->table, key.size + value.size + 1);

    if (copy == NULL) {
        request->status = PAA_STATUS_UNAVAILABLE;
        return;
    }
    if (key.size > 0)
        memcpy(copy, key.data, key.size);
    if (value.size > 0)
        memcpy(copy + key.size, value.data, value.size);
    forget_found(request);
    request->found = copy;
    request->found_key_size = key.size;
    request->found_value_size = value.size;
    request->ret_version = version;
    request->ret_expires_at_s = expires_at_s;
    request->status = PAA_STATUS_OK;
}

/* ---- how they end ---- */

void request_show(const struct store_request *request, struct paa_record *ret_record)
{
    paa_init(ret_record, sizeof *ret_record);
    ret_record->version = request->ret_version;
    ret_record->expires_at_s = request->ret_expires_at_s;
    ret_record->key = paa_bytes_of(request->found, request->found_key_size);
    ret_record->value =
        paa_bytes_of(request->found + request->found_key_size, request->found_value_size);
}

void request_post(struct store_request *request)
{
    struct op *op = request->op;

    if (request->state == REQUEST_RUNNING)
        request->store->running--;
    list_remove(&request->link);
    request->state = REQUEST_POSTED;
    if (request->cancelled) { /* nobody will resume it */
        op->wait.owner = NULL;
        request_free(request);
    } else {
        op->wait.status = request->status;
        op->wait.sentence = request->sentence;
        if (request->found != NULL && request->status == PAA_STATUS_OK)
            request_show(request, &op->wait.came.record);
    }
    op_post(op);
}

bool request_cancel(struct op *op)
{
    struct store_request *request = op->wait.owner;
    struct store *store;
    bool still_queued;

    if (request == NULL) { /* at hand: only pins, if at all */
        pins_release(op->pins, op->wait.pin_mark);
        return true;
    }
    store = request->store;
    pthread_mutex_lock(&store->lock);
    still_queued = request->state == REQUEST_QUEUED;
    if (request->state == REQUEST_RUNNING) {
        request->cancelled = true;
        request = NULL;
    } else if (still_queued && request->verb == STORE_LOCK && request->waits_for != NULL) {
        lock_withdraw(request);
    } else if (still_queued) {
        list_remove(&request->link);
        store->queued--;
    }
    if (request != NULL)
        op->wait.owner = NULL;
    pthread_mutex_unlock(&store->lock);
    request_free(request);
    return still_queued;
}

/* Pins end in order, and the continuation may have taken more: a look-up of ours that is at hand takes over
 * what we held; those of other services last until the operation ends, and keep ours as long. */
static void unpin(struct op *op, size_t mark, size_t top)
{
    struct op_wait *wait = &op->wait;

    if (pins_mark(op->pins) == top)
        pins_release(op->pins, mark);
    else if (wait->state == OP_WAIT_READY && wait->kind->resume == request_resume &&
             wait->owner == NULL && wait->pin_mark == top)
        wait->pin_mark = mark;
}

enum paa_result request_resume(struct op *op)
{
    struct store_request *request = op->wait.owner;
    struct paa_record record = op->wait.came.record;
    size_t mark = op->wait.pin_mark;
    size_t top = pins_mark(op->pins);
    bool has_record = op->wait.status == PAA_STATUS_OK && record.struct_size > 0;
    enum paa_result result = op->wait.then.store(&op->pub, op->wait.status,
                                                 has_record ? &record : NULL, op->wait.context);

    if (request == NULL)
        unpin(op, mark, top);
    request_free(request);
    return result;
}

/* ---- the queue ---- */

static void refuse(struct op *op, struct store_request *request, enum paa_status status,
                   const char *sentence)
{
    request_free(request);
    op->wait.owner = NULL;
    op->wait.status = status;
    op->wait.sentence = sentence;
    op_wait_ready(op);
}

static struct list *queue_for(struct store *store, const struct store_request *request)
{
    bool writes = request->verb == STORE_PUT || request->verb == STORE_REMOVE;

    return writes && request->overlay == NULL ? &store->writes : &store->reads;
}

void request_queue(struct op *op, struct store_request *request)
{
    struct store *store = request->store;
    bool stopped;
    bool full;

    pthread_mutex_lock(&store->lock);
    stopped = atomic_load(&op->services->stores->stopped);
    full = store->queued >= STORE_QUEUE_MAX;
    if (!stopped && !full && store_thread_start(store)) {
        op->wait.owner = request;
        op->wait.state = OP_WAIT_ARMED;
        list_add_last(queue_for(store, request), &request->link);
        store->queued++;
        store->poked = true;
        pthread_cond_signal(&store->work);
        request = NULL;
    }
    pthread_mutex_unlock(&store->lock);
    if (request == NULL)
        return;
    if (full)
        refuse(op, request, PAA_STATUS_LIMITED, "too many requests wait for the store");
    else
        refuse(op, request, PAA_STATUS_UNAVAILABLE,
               stopped ? "the store is closing" : "no thread could be started for the store");
}

/* ---- the thread ---- */

/* Until something is new, at most wait_ms. False: stop. */
static bool wait_for_work(struct store *store, int wait_ms)
{
    struct timespec until;
    bool go_on;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&store->lock);
    while (!store->stop && !store->poked && wait_ms > 0) {
        if (pthread_cond_timedwait(&store->work, &store->lock, &until) != 0)
            break;
    }
    store->poked = false;
    go_on = !store->stop;
    pthread_mutex_unlock(&store->lock);
    return go_on;
}

static void *store_thread(void *arg)
{
    struct store *store = arg;
    int wait_ms = 0;

    log_thread_is_core();
    while (wait_for_work(store, wait_ms)) {
        pthread_mutex_lock(&store->disk_lock);
        wait_ms = disk_round(store);
        pthread_mutex_unlock(&store->disk_lock);
        pthread_mutex_lock(&store->lock);
        pthread_cond_broadcast(&store->idle);
        pthread_mutex_unlock(&store->lock);
    }
    return NULL;
}

bool store_thread_start(struct store *store)
{
    sigset_t all;
    sigset_t old;

    if (store->has_thread)
        return true;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    store->stop = false;
    store->has_thread = pthread_create(&store->thread, NULL, store_thread, store) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return store->has_thread;
}

void store_thread_stop(struct store *store)
{
    bool had;

    pthread_mutex_lock(&store->lock);
    had = store->has_thread;
    store->stop = true;
    store->has_thread = false;
    pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->lock);
    if (had)
        pthread_join(store->thread, NULL);
}

static void end_queue(struct list *queue, const struct services *services)
{
    struct list *next;

    for (struct list *link = queue->next; link != queue; link = next) {
        struct store_request *request = LIST_ENTRY(link, struct store_request, link);

        next = link->next;
        if (request->op->services != services)
            continue;
        request->store->queued--;
        request_fail(request, PAA_STATUS_UNAVAILABLE, "the store is closing");
        request_post(request);
    }
}

void store_thread_end_of(struct store *store, const struct services *services)
{
    pthread_mutex_lock(&store->lock);
    end_queue(&store->reads, services);
    end_queue(&store->writes, services);
    locks_end_of(store, services);
    while (store->running > 0)
        pthread_cond_wait(&store->idle, &store->lock);
    pthread_mutex_unlock(&store->lock);
}
