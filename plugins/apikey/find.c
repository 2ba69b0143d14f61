/* SPDX-License-Identifier: MIT */
/* Walking the two tables (find.h): every wait and continuation of the verbs that is not their own. */
#include "find.h"

#include "units.h"

static struct paa_bytes bytes_of(struct paa_str s)
{
    return paa_bytes_of(s.data, s.size);
}

/* ---- one by its id ---------------------------------------------------------------------------- */

static enum paa_result on_target(struct paa_op *op, enum paa_status status,
                                 const struct paa_record *kept, void *context)
{
    struct find *find = (struct find *)context;
    struct record record;

    if (status != PAA_STATUS_OK)
        return find->then(op, status, NULL, NULL, find);
    if (!record_decode(kept->value, &record))
        return paa_fail(op, PAA_FAULT, "record", "the key's record in the store is damaged");
    return find->then(op, PAA_STATUS_OK, kept, &record, find);
}

static enum paa_result on_pointer(struct paa_op *op, enum paa_status status,
                                  const struct paa_record *kept, void *context)
{
    struct find *find = (struct find *)context;

    if (status != PAA_STATUS_OK)
        return find->then(op, status, NULL, NULL, find);
    return op->host->store->get(op, instance_of(op)->keys, kept->value, on_target, find);
}

/* Not a minted one: perhaps imported. */
static enum paa_result on_direct(struct paa_op *op, enum paa_status status,
                                 const struct paa_record *kept, void *context)
{
    struct find *find = (struct find *)context;

    if (status != PAA_STATUS_NONE)
        return on_target(op, status, kept, context);
    return op->host->store->get(op, instance_of(op)->index,
                                paa_bytes_of(find->index_key, sizeof find->index_key), on_pointer,
                                find);
}

enum paa_result find_key(struct paa_op *op, struct paa_str id, struct find *find, found_fn then)
{
    find->then = then;
    if (!key_id_valid(id))
        return then(op, PAA_STATUS_NONE, NULL, NULL, find);
    find->index_key[0] = 'p';
    memcpy(find->index_key + 1, id.data, KEY_ID_SIZE);
    return op->host->store->get(op, instance_of(op)->keys, bytes_of(id), on_direct, find);
}

/* ---- many ------------------------------------------------------------------------------------- */

static enum paa_result walk_on(struct paa_op *op, struct walk *walk);

static void show(struct paa_op *op, const struct paa_record *kept, struct walk *walk)
{
    struct record record;

    if (record_decode(kept->value, &record))
        walk->each(op, &record, walk);
    else
        op->host->log->line(op, PAA_LEVEL_WARNING,
                            STR("a key's record in the store is damaged; it lets nobody in"));
}

static enum paa_result on_entry_target(struct paa_op *op, enum paa_status status,
                                       const struct paa_record *kept, void *context)
{
    struct walk *walk = (struct walk *)context;

    if (status == PAA_STATUS_OK)
        show(op, kept, walk);
    else if (status !=
             PAA_STATUS_NONE) /* NONE: a crash came between index and key, or it is gone */
        return walk->then(op, status, walk);
    return walk_on(op, walk);
}

static enum paa_result on_next(struct paa_op *op, enum paa_status status,
                               const struct paa_record *kept, void *context)
{
    struct walk *walk = (struct walk *)context;

    if (status != PAA_STATUS_OK)
        return walk->then(op, status == PAA_STATUS_NONE ? PAA_STATUS_OK : status, walk);
    if (kept->key.size > sizeof walk->at)
        return paa_fail(op, PAA_FAULT, "store", "the store gave a key over its own limit");
    memcpy(walk->at, kept->key.data, kept->key.size);
    walk->at_size = kept->key.size;
    if (walk->prefix_size > 0)
        return op->host->store->get(op, instance_of(op)->keys, kept->value, on_entry_target, walk);
    show(op, kept, walk);
    return walk_on(op, walk);
}

static enum paa_result walk_on(struct paa_op *op, struct walk *walk)
{
    const struct instance *self = instance_of(op);
    struct paa_bytes prefix = BYTES_NONE;
    struct paa_bytes after = BYTES_NONE;

    if (walk->prefix_size > 0)
        prefix = paa_bytes_of(walk->prefix, walk->prefix_size);
    if (walk->at_size > 0)
        after = paa_bytes_of(walk->at, walk->at_size);
    return op->host->store->next(op, walk->prefix_size > 0 ? self->index : self->keys, prefix,
                                 after, on_next, walk);
}

/* "c" client NUL: what all index entries of a client begin with. No client holds a NUL. */
static size_t client_prefix(struct paa_str client, unsigned char ret_key[INDEX_KEY_SIZE_MAX])
{
    ret_key[0] = 'c';
    memcpy(ret_key + 1, client.data, client.size);
    ret_key[1 + client.size] = '\0';
    return 1 + client.size + 1;
}

enum paa_result walk_keys(struct paa_op *op, struct paa_str client, struct walk *walk,
                          walk_each_fn each, walk_end_fn then)
{
    walk->each = each;
    walk->then = then;
    walk->at_size = 0;
    walk->prefix_size = client.data != NULL ? client_prefix(client, walk->prefix) : 0;
    return walk_on(op, walk);
}

/* ---- a new one -------------------------------------------------------------------------------- */

/* When a record and what leads to it may be purged; 0: never. */
static int64_t kept_until_s(const struct record *record)
{
    int64_t end_s = record_end(record);

    if (record->revoked_s != 0 && (end_s == 0 || record->revoked_s < end_s))
        end_s = record->revoked_s;
    return end_s != 0 ? time_add(end_s, KEEP_ENDED_S) : 0;
}

bool record_to_store(const struct record *record, struct buf *buf, struct paa_record *ret_kept)
{
    buf_init(buf, RECORD_SIZE_MAX);
    paa_init(ret_kept, sizeof *ret_kept);
    if (!record_encode(record, buf))
        return false;
    ret_kept->value = paa_bytes_of(buf->data, buf->size);
    ret_kept->expires_at_s = kept_until_s(record);
    return true;
}

static struct paa_bytes lookup_key(const struct lookup *lookup)
{
    return paa_bytes_of(lookup->key, lookup->key_size);
}

static enum paa_result on_saved(struct paa_op *op, enum paa_status status,
                                const struct paa_record *kept, void *context)
{
    struct save *save = (struct save *)context;

    (void)kept;
    return save->then(op, status, save);
}

static enum paa_result put_record(struct paa_op *op, struct save *save)
{
    struct paa_record kept;
    struct buf buf;
    enum paa_result result;

    if (record_to_store(save->record, &buf, &kept)) {
        kept.key = lookup_key(save->lookup);
        result = op->host->store->put(op, instance_of(op)->keys, &kept, PAA_PUT_NEW | save->flags,
                                      on_saved, save);
    } else {
        result = paa_fail(op, PAA_FAULT, "record", "the key's record cannot be written");
    }
    buf_free(&buf);
    return result;
}

static enum paa_result on_indexed(struct paa_op *op, enum paa_status status,
                                  const struct paa_record *kept, void *context)
{
    struct save *save = (struct save *)context;

    (void)kept;
    if (status != PAA_STATUS_OK || save->only_index)
        return save->then(op, status, save);
    return put_record(op, save);
}

/* The entry of the client. Without NEW: a crash may have left the same one. */
static enum paa_result put_entry(struct paa_op *op, struct save *save)
{
    unsigned char key[INDEX_KEY_SIZE_MAX];
    size_t size = client_prefix(save->record->client, key);
    struct paa_record entry;

    memcpy(key + size, save->record->id.data, KEY_ID_SIZE);
    paa_init(&entry, sizeof entry);
    entry.key = paa_bytes_of(key, size + KEY_ID_SIZE);
    entry.value = lookup_key(save->lookup);
    entry.expires_at_s = kept_until_s(save->record);
    return op->host->store->put(op, instance_of(op)->index, &entry, 0, on_indexed, save);
}

static enum paa_result on_pointed(struct paa_op *op, enum paa_status status,
                                  const struct paa_record *kept, void *context)
{
    struct save *save = (struct save *)context;

    (void)kept;
    if (status != PAA_STATUS_OK)
        return save->then(op, status, save);
    return put_entry(op, save);
}

/* Imported: its id leads to its digest. */
static enum paa_result put_pointer(struct paa_op *op, struct save *save)
{
    unsigned char key[1 + KEY_ID_SIZE] = { 'p' };
    struct paa_record entry;

    memcpy(key + 1, save->record->id.data, KEY_ID_SIZE);
    paa_init(&entry, sizeof entry);
    entry.key = paa_bytes_of(key, sizeof key);
    entry.value = lookup_key(save->lookup);
    entry.expires_at_s = kept_until_s(save->record);
    return op->host->store->put(op, instance_of(op)->index, &entry,
                                save->only_index ? 0 : (uint32_t)PAA_PUT_NEW, on_pointed, save);
}

static enum paa_result put_index(struct paa_op *op, struct save *save)
{
    return (save->record->flags & RECORD_IMPORTED) != 0 ? put_pointer(op, save)
                                                        : put_entry(op, save);
}

enum paa_result save_key(struct paa_op *op, const struct record *record,
                         const struct lookup *lookup, uint32_t flags, struct save *save,
                         saved_fn then)
{
    *save = (struct save){ .then = then, .record = record, .lookup = lookup, .flags = flags };
    return put_index(op, save);
}

enum paa_result save_index(struct paa_op *op, const struct record *record,
                           const struct lookup *lookup, struct save *save, saved_fn then)
{
    *save = (struct save){ .then = then, .record = record, .lookup = lookup, .only_index = true };
    return put_index(op, save);
}

enum paa_result save_flush(struct paa_op *op, struct save *save, saved_fn then)
{
    struct paa_record mark;

    save->then = then;
    paa_init(&mark, sizeof mark);
    mark.key = paa_bytes_of("f", 1);
    mark.value = paa_bytes_of("", 0);
    return op->host->store->put(op, instance_of(op)->index, &mark, PAA_PUT_DURABLE, on_saved, save);
}
