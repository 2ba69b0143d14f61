/* SPDX-License-Identifier: MIT */
/*
 * Reads of a SQLite store: single answers, straight from the file, and the image that follows it by sequence
 * number. A process that has seen less than what was purged begins anew: marks of removed keys may be gone.
 */
#include "store_disk.h"

/* ---- one answer ---- */

struct view { /* what counts for a request, from the overlay or the file; until the next call */
    bool there;
    enum unseal opened; /* to readers, what does not open is not there; to PUT_NEW it is */
    uint64_t version;
    int64_t expires_at_s;
    struct paa_bytes key;
    struct paa_bytes value;
};

static enum disk_result table_id(struct store *store, struct store_table *table, uint32_t *ret_id)
{
    *ret_id = atomic_load(&table->id);
    if (*ret_id != 0)
        return DISK_OK;
    if (store->disk == NULL)
        return DISK_NONE;
    return disk_table(store->disk, table->address, false, ret_id);
}

static void view_overlay(const struct overlay_entry *entry, int64_t now_s, struct view *ret_view)
{
    ret_view->there = !entry->gone && !image_expired(entry->expires_at_s, now_s);
    ret_view->version = entry->version;
    ret_view->expires_at_s = entry->expires_at_s;
    ret_view->key = entry->key;
    ret_view->value = entry->value;
}

static void view_row(const struct disk_row *row, int64_t now_s, struct view *ret_view)
{
    ret_view->there = !row->gone && !image_expired(row->expires_at_s, now_s);
    ret_view->version = row->version;
    ret_view->expires_at_s = row->expires_at_s;
    ret_view->key = row->key;
    ret_view->value = row->value;
}

static enum disk_result view_key(struct store *store, struct store_request *request,
                                 struct view *ret_view)
{
    struct overlay_entry entry;
    struct disk_row row;
    uint32_t table;
    enum disk_result result;

    ret_view->there = false;
    if (request->overlay != NULL &&
        overlay_find(request->overlay, request->table->shared, request->key, &entry)) {
        view_overlay(&entry, request->now_s, ret_view);
        return DISK_OK;
    }
    result = table_id(store, request->table->shared, &table);
    if (result == DISK_OK)
        result = disk_find(store->disk, table, request->key, &row);
    if (result == DISK_OK) {
        ret_view->opened = disk_unseal(store, request->table->shared, &row);
        view_row(&row, request->now_s, ret_view);
    }
    return result == DISK_NONE ? DISK_OK : result;
}

/* The first row of the file at or behind `from` that opens, and that the overlay does not know better. */
static enum disk_result next_row(struct store *store, struct store_request *request,
                                 struct paa_bytes from, bool behind, struct disk_row *ret_row,
                                 enum unseal *ret_opened)
{
    unsigned char key[STORE_KEY_MAX];
    struct overlay_entry entry;
    uint32_t table;
    enum disk_result result = table_id(store, request->table->shared, &table);

    while (result == DISK_OK) {
        result = disk_next(store->disk, table, from, behind, request->now_s, ret_row);
        if (result != DISK_OK)
            break;
        if (request->overlay == NULL ||
            !overlay_find(request->overlay, request->table->shared, ret_row->key, &entry)) {
            *ret_opened = disk_unseal(store, request->table->shared, ret_row);
            if (*ret_opened != UNSEAL_NONE)
                break;
        }
        memcpy(key, ret_row->key.data, ret_row->key.size);
        from = paa_bytes_of(key, ret_row->key.size);
        behind = true;
    }
    return result;
}

/* Likewise of the overlay, live. */
static bool next_written(struct store_request *request, struct paa_bytes from, bool behind,
                         struct view *ret_view)
{
    struct overlay_entry entry;

    if (request->overlay == NULL)
        return false;
    while (overlay_next(request->overlay, request->table->shared, from, behind, &entry)) {
        view_overlay(&entry, request->now_s, ret_view);
        if (ret_view->there)
            return true;
        from = entry.key;
        behind = true;
    }
    return false;
}

static enum disk_result view_next(struct store *store, struct store_request *request,
                                  struct view *ret_view)
{
    struct paa_bytes prefix = request->key;
    struct paa_bytes after = request->value;
    bool behind = after.data != NULL && image_compare(after, prefix) >= 0;
    struct paa_bytes from = behind ? after : prefix;
    struct disk_row row;
    struct view written = { .opened = UNSEAL_OK };
    enum disk_result result = next_row(store, request, from, behind, &row, &ret_view->opened);

    ret_view->there = false;
    if (result != DISK_OK && result != DISK_NONE)
        return result;
    if (result == DISK_OK)
        view_row(&row, request->now_s, ret_view);
    if (next_written(request, from, behind, &written) &&
        (!ret_view->there || image_compare(written.key, ret_view->key) < 0))
        *ret_view = written;
    if (ret_view->there && prefix.size > 0 &&
        (ret_view->key.size < prefix.size ||
         memcmp(ret_view->key.data, prefix.data, prefix.size) != 0))
        ret_view->there = false;
    return DISK_OK;
}

/* A write that must change nothing: judged against what there is, kept in the overlay. */
static void write_overlay(struct store_request *request, const struct view *view)
{
    bool removes = request->verb == STORE_REMOVE;
    struct overlay_entry entry = { .gone = removes,
                                   .version = (uint64_t)INT64_MAX - 1, /* of a store's own: below */
                                   .expires_at_s = request->expires_at_s,
                                   .key = request->key,
                                   .value = removes ? BYTES_NONE : request->value };

    if (view->there && view->version >= entry.version)
        entry.version = view->version + 1;
    request->status = store_judge(request->verb, request->flags, request->version,
                                  view->there ? view->version : 0);
    if (request->status != PAA_STATUS_OK)
        return;
    if (overlay_put(request->overlay, request->table->shared, &entry) != 0)
        request_fail(request, PAA_STATUS_UNAVAILABLE, "offline, at most %d records can be written",
                     STORE_OVERLAY_MAX);
    else if (!removes)
        request_found(request, entry.key, entry.value, entry.version, entry.expires_at_s);
}

enum disk_result disk_answer(struct store *store, struct store_request *request)
{
    struct view view = { .there = false, .opened = UNSEAL_OK };
    enum disk_result result = request->verb == STORE_NEXT ? view_next(store, request, &view)
                                                          : view_key(store, request, &view);

    if (result != DISK_OK)
        return result;
    if (request->verb == STORE_PUT || request->verb == STORE_REMOVE)
        write_overlay(request, &view);
    else if (view.there && view.opened == UNSEAL_KEYLESS)
        request_fail(request, PAA_STATUS_UNAVAILABLE,
                     "%s: what is sealed there cannot be opened: %s", store->path,
                     store->unseal_error.text);
    else if (view.there && view.opened == UNSEAL_OK)
        request_found(request, view.key, view.value, view.version, view.expires_at_s);
    else
        request->status = PAA_STATUS_NONE;
    return DISK_OK;
}

/* ---- the image ---- */

struct following { /* one catching up */
    struct store *store;
    const struct store_table *tables; /* those that are open in this process */
    const struct store_table *last;
};

static const struct store_table *table_of(struct following *following, uint32_t id)
{
    const struct store_table *table = following->last;

    if (table != NULL && atomic_load(&table->id) == id)
        return table;
    for (table = following->tables; table != NULL && atomic_load(&table->id) != id;)
        table = table->next;
    following->last = table;
    return table;
}

/* Secrets lie open in the image, in memory of their own kind. */
static bool follow_secret(struct following *following, struct image_entry *entry,
                          const struct disk_row *row)
{
    struct disk_row opened = *row;
    enum unseal result = disk_unseal(following->store, following->last, &opened);

    if (result == UNSEAL_NONE)
        return false;
    entry->flags = IMAGE_RECORD_WIPE;
    if (result == UNSEAL_KEYLESS)
        entry->flags |= IMAGE_RECORD_ELSEWHERE;
    entry->value = opened.value;
    return true;
}

static void tell_row(struct store *store, const struct store_table *table,
                     const struct image_entry *entry)
{
    struct paa_record record;

    paa_init(&record, sizeof record);
    record.key = entry->key;
    record.value = entry->value;
    record.expires_at_s = entry->expires_at_s;
    record.version = entry->version;
    watch_tell(store, table, &record);
}

static bool image_follow(void *arg, const struct disk_row *row)
{
    struct following *following = arg;
    struct store *store = following->store;
    const struct store_table *table = table_of(following, row->table);
    struct image_entry entry = { .table = row->table,
                                 .key = row->key,
                                 .value = row->value,
                                 .expires_at_s = row->expires_at_s,
                                 .version = row->version };
    bool is_live = !row->gone && !image_expired(row->expires_at_s, store->due_s);

    store->seen = row->version;
    if (table != NULL && table->is_rare)
        return true;
    if (is_live && table != NULL && table->is_secret)
        is_live = follow_secret(following, &entry, row);
    if (is_live && table != NULL && (entry.flags & IMAGE_RECORD_ELSEWHERE) == 0)
        tell_row(store, table, &entry);
    if (store->no_image)
        return true;
    if (is_live)
        return image_put(&store->image, &entry) == 0;
    image_remove(&store->image, row->table, row->key);
    return true;
}

static void image_too_large(struct store *store)
{
    store_log(store, PAA_LEVEL_WARNING,
              "%s does not fit in memory (%zu bytes): each look-up goes to the file", store->path,
              store->image.bytes);
    (void)image_reset(&store->image);
    store->no_image = true;
    store->whole = true;
}

static struct store_table *tables_of(struct store *store)
{
    struct store_table *table;

    pthread_mutex_lock(&store->lock);
    table = store->tables; /* only ever grows at its head */
    pthread_mutex_unlock(&store->lock);
    return table;
}

static enum disk_result begin_anew(struct store *store)
{
    store->seen = 0;
    store->whole = false;
    watch_tell_all(store);
    return image_reset(&store->image) == 0 ? DISK_OK : DISK_FAILED;
}

static enum disk_result find_tables(struct store *store)
{
    enum disk_result result = DISK_OK;

    for (struct store_table *table = tables_of(store); table != NULL && result == DISK_OK;
         table = table->next) {
        uint32_t id;

        if (atomic_load(&table->id) != 0)
            continue;
        result = disk_table(store->disk, table->address, false, &id);
        if (result == DISK_OK && table->is_secret && image_holds(&store->image, id))
            result = begin_anew(store); /* it was not open yet: they lie there sealed */
        if (result == DISK_OK)
            atomic_store(&table->id, id);
        else if (result == DISK_NONE)
            result = DISK_OK;
    }
    return result;
}

void disk_begin_anew(struct store *store)
{
    if (begin_anew(store) != DISK_OK)
        store->no_image = true;
}

enum disk_result disk_catch_up(struct store *store)
{
    struct following following = { store, tables_of(store), NULL };
    struct disk_meta meta;
    unsigned count = 0;
    enum disk_result result = disk_meta_read(store->disk, &meta);

    if (result == DISK_OK)
        result = find_tables(store);
    if (result == DISK_OK) /* meta is a copy: only a commit says what all believe */
        store->due_s = store_due_at(&meta.due, store->now_s, store->now_ms);
    if (result != DISK_OK || (store->no_image && atomic_load(&store->watched) == 0))
        return result;
    if ((store->seen > 0 && store->seen < meta.purged) || store->seen > meta.sequence)
        result = begin_anew(store);
    if (result != DISK_OK)
        return result;
    store->image.bulk = store->image.bulk || (store->seen == 0 && !store->no_image);
    store->whole = false;
    result =
        disk_since(store->disk, store->seen, STORE_LOAD_CHUNK, image_follow, &following, &count);
    if (result == DISK_FAILED && count > 0) {
        image_too_large(store);
        return DISK_OK;
    }
    if (result != DISK_OK || count == STORE_LOAD_CHUNK)
        return result;
    store->seen = meta.sequence;
    store->whole = true;
    image_bulk_end(&store->image);
    store->followed = 2 * meta.commits;
    if (!store->no_image)
        image_set_word(&store->image, store->followed);
    return DISK_OK;
}

void disk_repair(struct store *store)
{
    struct disk_meta meta;

    if (!store->writable || store->word.fd < 0 || disk_begin(store->disk, true) != DISK_OK)
        return; /* somebody writes: his commit puts it right */
    if (disk_meta_read(store->disk, &meta) == DISK_OK)
        store_word_repair(&store->word, meta.commits);
    disk_rollback(store->disk);
}
