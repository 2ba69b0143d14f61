/* SPDX-License-Identifier: MIT */
/*
 * Writes of a SQLite store: what waits becomes one commit, with the word beside the file odd before and even
 * after it (store_word.h says why that suffices). Nobody is told before the commit is in.
 */
#include "store_disk.h"

/* What somebody asked to be. And what is taken out of a trusted table: a removal cannot ask, and may be what
 * keeps somebody out. */
static bool must_be_durable(const struct store_request *request)
{
    return (request->flags & PAA_PUT_DURABLE) != 0 ||
           (request->verb == STORE_REMOVE && (request->table->flags & PAA_TABLE_TRUSTED) != 0);
}

static struct store_request *request_of(struct list *link)
{
    return LIST_ENTRY(link, struct store_request, link);
}

static bool is_late(const struct store_request *request)
{
    return request_now_ms(request) - request->since_ms >= STORE_BUSY_MS;
}

/* Those that waited too long for another process, or all, get their answer. Under store->lock. */
static void end_writes(struct store *store, bool late_only, const char *sentence)
{
    struct list *next;

    for (struct list *link = store->writes.next; link != &store->writes; link = next) {
        struct store_request *request = request_of(link);

        next = link->next;
        if (late_only && !is_late(request))
            continue;
        store->queued--;
        request_fail(request, PAA_STATUS_UNAVAILABLE, "%s", sentence);
        request_post(request);
    }
}

static bool any_durable(struct store *store)
{
    bool durable = false;
    unsigned count = 0;

    pthread_mutex_lock(&store->lock);
    for (struct list *link = store->writes.next; link != &store->writes && count < STORE_BATCH_MAX;
         link = link->next, count++)
        durable = durable || must_be_durable(request_of(link));
    pthread_mutex_unlock(&store->lock);
    return durable;
}

static void take_batch(struct store *store, bool durable, struct list *batch)
{
    pthread_mutex_lock(&store->lock);
    for (unsigned count = 0; count < STORE_BATCH_MAX && !list_empty(&store->writes); count++) {
        struct store_request *request = request_of(store->writes.next);

        if (must_be_durable(request) && !durable)
            break; /* came in since: the next commit */
        list_remove(&request->link);
        request->state = REQUEST_RUNNING;
        store->queued--;
        store->running++;
        list_add_last(batch, &request->link);
    }
    pthread_mutex_unlock(&store->lock);
}

static void post_batch(struct store *store, struct list *batch)
{
    pthread_mutex_lock(&store->lock);
    while (!list_empty(batch))
        request_post(request_of(batch->next));
    pthread_mutex_unlock(&store->lock);
}

static void fail_batch(struct list *batch, const char *sentence)
{
    for (struct list *link = batch->next; link != batch; link = link->next)
        request_fail(request_of(link), PAA_STATUS_UNAVAILABLE, "%s", sentence);
}

/* ---- one write, in the transaction ---- */

static enum disk_result write_row(struct store *store, struct store_request *request,
                                  uint32_t table, struct disk_meta *meta)
{
    bool removes = request->verb == STORE_REMOVE;
    struct disk_row row = { .version = meta->sequence + 1,
                            .table = table,
                            .gone = removes,
                            .expires_at_s = removes ? request->now_s : request->expires_at_s,
                            .key = request->key,
                            .value = request->value };
    enum disk_result result;

    if (!disk_seal(store, request, &row))
        return DISK_OK;
    result = disk_put(store->disk, &row);
    if (result != DISK_OK)
        return result;
    meta->sequence++;
    request->status = PAA_STATUS_OK;
    if (!removes)
        request_found(request, row.key, request->value, row.version, row.expires_at_s);
    return DISK_OK;
}

static enum disk_result write_one(struct store *store, struct store_request *request,
                                  struct disk_meta *meta)
{
    uint32_t table = atomic_load(&request->table->shared->id);
    uint64_t there = 0;
    struct disk_row row;
    enum disk_result result = DISK_OK;

    if (table == 0)
        result = disk_table(store->disk, request->table->shared->address, true, &table);
    if (result == DISK_OK)
        result = disk_find(store->disk, table, request->key, &row);
    if (result != DISK_OK && result != DISK_NONE)
        return result;
    if (result == DISK_OK && !row.gone && !image_expired(row.expires_at_s, request->now_s))
        there = row.version;
    request->status = store_judge(request->verb, request->flags, request->version, there);
    if (request->status != PAA_STATUS_OK)
        return DISK_OK;
    return write_row(store, request, table, meta);
}

static enum disk_result write_all(struct store *store, struct list *batch, struct disk_meta *meta)
{
    enum disk_result result = DISK_OK;

    for (struct list *link = batch->next; link != batch && result == DISK_OK; link = link->next) {
        struct store_request *request = request_of(link);

        request_tell_time(request);
        result = write_one(store, request, meta);
    }
    return result;
}

/* ---- the commit ---- */

static enum disk_result commit(struct store *store, struct disk_meta *meta)
{
    enum disk_result result;

    meta->commits++;
    store->due_s = store_due_at(&meta->due, store->now_s, store->now_ms);
    result = disk_purge(store->disk, store->due_s - STORE_PURGE_AFTER_S, STORE_PURGE_MAX, meta);
    if (result == DISK_OK)
        result = disk_meta_write(store->disk, meta);
    if (result != DISK_OK)
        return result;
    store_word_begin(&store->word, meta->commits);
    result = disk_commit(store->disk);
    if (result != DISK_OK) {
        disk_rollback(store->disk);
        disk_repair(store); /* cannot: the word stays odd, and everybody asks */
        return result;
    }
    if (disk_begin(store->disk, false) ==
        DISK_OK) { /* fails: the image stays behind, and is not used */
        (void)disk_catch_up(store);
        disk_rollback(store->disk);
    }
    store_word_end(&store->word, meta->commits);
    return DISK_OK;
}

static enum disk_result write_batch(struct store *store, struct list *batch)
{
    struct disk_meta meta;
    uint64_t sequence;
    enum disk_result result = disk_meta_read(store->disk, &meta);

    if (result != DISK_OK)
        return result;
    sequence = meta.sequence;
    result = write_all(store, batch, &meta);
    if (result == DISK_OK && meta.sequence != sequence)
        result = commit(store, &meta);
    return result;
}

/* The write lock is ours. */
static void run_batch(struct store *store, bool durable)
{
    struct list batch;
    struct paa_error error;
    enum disk_result result;

    list_init(&batch);
    take_batch(store, durable, &batch);
    result = write_batch(store, &batch);
    disk_rollback(store->disk); /* where nothing was committed */
    if (result != DISK_OK) {
        disk_failed(store, result, &error);
        fail_batch(&batch, error.text);
    }
    image_sweep(&store->image, store->due_s, STORE_SWEEP_SLOTS);
    post_batch(store, &batch);
}

static void refuse_all(struct store *store, const char *sentence)
{
    pthread_mutex_lock(&store->lock);
    end_writes(store, false, sentence);
    pthread_mutex_unlock(&store->lock);
}

int disk_write(struct store *store)
{
    struct paa_error error;
    bool durable = any_durable(store);
    enum disk_result result = DISK_DENIED;

    if (store->writable)
        result = disk_durable(store->disk, durable);
    if (store->writable && result == DISK_OK)
        result = disk_begin(store->disk, true);
    if (result == DISK_OK) {
        if (!store_word_is_current(&store->word, store->path)) {
            disk_rollback(store->disk);
            disk_look(store); /* the next round opens what is there now */
            return 0;
        }
        run_batch(store, durable);
        return 0;
    }
    if (result == DISK_BUSY) {
        pthread_mutex_lock(&store->lock);
        end_writes(
            store, true,
            "another process keeps the store locked: see which with `fuser`, then try again");
        pthread_mutex_unlock(&store->lock);
        return STORE_RETRY_MS;
    }
    if (!store->writable)
        snprintf(error.text, sizeof error.text, "%s cannot be written by this user", store->path);
    else
        disk_failed(store, result, &error);
    refuse_all(store, error.text);
    return 0;
}
