/* SPDX-License-Identifier: MIT */
/*
 * The memory store: its image is all there is. Reads go through pins as everywhere; the rest happens at once
 * on the caller's thread, under the store's lock. Bounded; what expired makes room.
 */
#include "store_parts.h"

enum paa_status store_judge(enum store_verb verb, uint32_t flags, uint64_t wanted, uint64_t there)
{
    if (verb == STORE_REMOVE) {
        if (there == 0)
            return PAA_STATUS_NONE;
        return wanted == 0 || wanted == there ? PAA_STATUS_OK : PAA_STATUS_EXISTS;
    }
    if ((flags & PAA_PUT_NEW) && there != 0)
        return PAA_STATUS_EXISTS;
    if ((flags & PAA_PUT_SAME) && there != wanted)
        return PAA_STATUS_EXISTS;
    return PAA_STATUS_OK;
}

static void found(struct store_request *request, const struct image_record *record)
{
    if (record == NULL || image_expired(record->expires_at_s, request->now_s))
        request->status = PAA_STATUS_NONE;
    else
        request_found(request, image_key(record), image_value(record), record->version,
                      record->expires_at_s);
}

static void write_one(struct store *store, struct store_request *request, uint32_t table)
{
    const struct image_record *old = image_find(&store->image, table, request->key);
    bool there = old != NULL && !image_expired(old->expires_at_s, request->now_s);
    struct image_entry entry = { .table = table,
                                 .flags = request->table->flags & PAA_TABLE_SECRET
                                              ? IMAGE_RECORD_WIPE
                                              : 0,
                                 .key = request->key,
                                 .value = request->value,
                                 .expires_at_s = request->expires_at_s };

    image_sweep(&store->image, store_due_at(&store->due, request->now_s, request->since_ms),
                STORE_SWEEP_SLOTS);
    request->status =
        store_judge(request->verb, request->flags, request->version, there ? old->version : 0);
    if (request->status != PAA_STATUS_OK)
        return;
    if (request->verb == STORE_REMOVE) {
        image_remove(&store->image, table, request->key);
        return;
    }
    entry.version = ++store->sequence;
    if (image_put(&store->image, &entry) != 0)
        request_fail(request, PAA_STATUS_UNAVAILABLE,
                     "the store in memory is full (%zu bytes): give it a file in `stores`",
                     store->image.bytes);
    else
        request_found(request, request->key, request->value, entry.version, entry.expires_at_s);
}

static void lock_at_once(struct op *op, struct store_request *request)
{
    struct store *store = request->store;

    if (!lock_ask(request)) {
        request->state = REQUEST_POSTED;
        return;
    }
    store->queued++;
    store->poked = true;
    pthread_cond_signal(&store->work);
    op->wait.state = OP_WAIT_ARMED;
}

/* With store->lock. False: it was armed, or is gone. */
static bool run_locked(struct op *op, struct store_request *request)
{
    struct store *store = request->store;
    uint32_t table = atomic_load(&request->table->shared->id);

    switch (request->verb) {
    case STORE_GET:
        found(request, image_find(&store->image, table, request->key));
        return true;
    case STORE_NEXT:
        found(request,
              image_next(&store->image, table, request->key, request->value, request->now_s));
        return true;
    case STORE_LOCK:
        if (atomic_load(&op->services->stores->stopped) || !store_thread_start(store))
            return true;
        lock_at_once(op, request);
        return request->state == REQUEST_POSTED;
    default:
        write_one(store, request, table);
        return true;
    }
}

void memory_run(struct op *op, struct store_request *request)
{
    struct store *store = request->store;

    pthread_mutex_lock(&store->lock);
    op->wait.owner = request;
    if (run_locked(op, request)) {
        request->state = REQUEST_POSTED;
        op->wait.status = request->status;
        op->wait.sentence = request->sentence;
        if (request->found != NULL && request->status == PAA_STATUS_OK)
            request_show(request, &op->wait.came.record);
        op_wait_ready(op);
    }
    pthread_mutex_unlock(&store->lock);
}
