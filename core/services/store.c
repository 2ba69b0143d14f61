/* SPDX-License-Identifier: MIT */
/*
 * The tables that instances open, and host->store. A look-up that the image answers ends
 * here; everything else becomes a request. Knows neither SQL nor how an image is kept current.
 */
#include "store_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { TABLE_NAME_MAX = 64 };

#define TABLE_FLAGS                                                                                \
    (PAA_TABLE_SECRET | PAA_TABLE_LOCAL | PAA_TABLE_PLUGIN | PAA_TABLE_TRUSTED | PAA_TABLE_RARE)
#define PUT_FLAGS (PAA_PUT_NEW | PAA_PUT_SAME | PAA_PUT_DURABLE)

/* ---- tables ---- */

/* TRUSTED tables have addresses of their own: a file that serves as `keys` and `state` gives nobody a way
 * to write them under another flag. SECRET ones too: what is sealed and what is not never meet in a table. */
static char *address_of(const struct op_instance *instance, const char *name, uint32_t flags)
{
    const char *owner = flags & PAA_TABLE_PLUGIN ? "" : instance->name;
    const char *trusted = flags & PAA_TABLE_TRUSTED ? "trusted:" : "";
    const char *secret = flags & PAA_TABLE_SECRET ? "secret:" : "";
    char *address = NULL;

    if (asprintf(&address, "%s%s%s/%s/%s", trusted, secret, instance->plugin, owner, name) < 0)
        return NULL;
    return address;
}

PAA_PRINTF(3, 4)
static enum paa_status refuse_open(struct op *op, enum paa_status status, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)op_fail(&op->pub, PAA_FAULT, NULL, paa_str_of(text));
    return status;
}

/* Under the registry's lock. NULL: *ret_status says why, and op_fail was called. */
static struct attachment *attachment_for(struct op *op, uint32_t flags, enum paa_status *ret_status)
{
    struct stores *stores = op->services->stores;
    bool trusted = flags & PAA_TABLE_TRUSTED;
    const char *wanted = !trusted                      ? "state"
                         : op->instance->store != NULL ? op->instance->store
                                                       : "keys";
    struct store_name *name =
        trusted ? store_name_find(stores, wanted) : store_name_make(stores, wanted);
    struct attachment *attachment = NULL;

    *ret_status = PAA_STATUS_INVALID;
    if (trusted && (name == NULL || name->attachment == NULL)) {
        refuse_open(op, PAA_STATUS_INVALID,
                    "the store \"%s\" is not defined: add `stores = { %s = \"/path/%s.db\"; };`",
                    wanted, wanted, wanted);
        return NULL;
    }
    *ret_status = PAA_STATUS_UNAVAILABLE;
    if (name != NULL && name->attachment != NULL) {
        attachment = name->attachment;
        attachment->uses++;
    } else if (name != NULL) {
        attachment = store_name_memory(stores, name);
    }
    if (attachment == NULL)
        refuse_open(op, PAA_STATUS_UNAVAILABLE, "no memory for the store \"%s\"", wanted);
    return attachment;
}

static enum paa_status open_in(struct op *op, struct attachment *attachment, const char *name,
                               uint32_t flags, struct paa_table **ret_table)
{
    struct paa_table *table = calloc(1, sizeof *table);
    char *address = address_of(op->instance, name, flags);
    enum paa_status status = PAA_STATUS_UNAVAILABLE;

    if (table == NULL || address == NULL)
        goto done;
    table->shared = store_table_of(attachment->store, address, flags);
    if (table->shared == NULL)
        goto done;
    table->attachment = attachment;
    table->flags = flags;
    table->next = op->instance->tables;
    op->instance->tables = table;
    *ret_table = table;
    table = NULL;
    status = PAA_STATUS_OK;

done:
    free(table);
    free(address);
    return status;
}

static enum paa_status table_open(struct paa_op *pub, const char *name, uint32_t flags,
                                  struct paa_table **ret_table)
{
    struct op *op = op_of(pub);
    struct attachment *attachment;
    enum paa_status status;

    if (ret_table == NULL)
        return refuse_open(op, PAA_STATUS_INVALID, "a table was opened without a place for it");
    *ret_table = NULL;
    if (op->slot != OP_CREATE || op->instance == NULL)
        return refuse_open(op, PAA_STATUS_INVALID, "tables are opened in create only");
    if (name == NULL || name[0] == '\0' || strlen(name) > TABLE_NAME_MAX ||
        strchr(name, '/') != NULL || (flags & ~(uint32_t)TABLE_FLAGS) != 0)
        return refuse_open(op, PAA_STATUS_INVALID, "a table's name or flags are not valid");
    registry_lock();
    attachment = attachment_for(op, flags, &status);
    if (attachment != NULL)
        status = open_in(op, attachment, name, flags, ret_table);
    if (attachment != NULL && status != PAA_STATUS_OK)
        store_drop(attachment);
    registry_unlock();
    return status;
}

void store_close_all(struct op_instance *instance)
{
    struct paa_table *table;

    registry_lock();
    while ((table = instance->tables) != NULL) {
        instance->tables = table->next;
        store_drop(table->attachment);
        free(table);
    }
    registry_unlock();
}

/* ---- waits ---- */

static const struct op_wait_kind kind_get = { "store.get", request_resume, request_cancel };
static const struct op_wait_kind kind_put = { "store.put", request_resume, request_cancel };
static const struct op_wait_kind kind_remove = { "store.remove", request_resume, request_cancel };
static const struct op_wait_kind kind_next = { "store.next", request_resume, request_cancel };
static const struct op_wait_kind kind_lock = { "store.lock", request_resume, request_cancel };

static bool begin(struct op *op, const struct op_wait_kind *kind, paa_store_fn then, void *context)
{
    if (!op_wait(op, kind, context))
        return false;
    op->wait.then.store = then;
    op->wait.owner = NULL;
    op->wait.sentence = NULL;
    op->wait.retry_after_ms = 0;
    op->wait.pin_mark = pins_mark(op->pins);
    op->wait.came.record.struct_size = 0;
    return true;
}

static void at_hand(struct op *op, enum paa_status status, const char *sentence)
{
    op->wait.status = status;
    op->wait.sentence = sentence;
    op_wait_ready(op);
}

/* What all calls need of a table and a key. False: refused. */
static bool sound(struct op *op, const struct paa_table *table, struct paa_bytes key)
{
    if (table == NULL || (key.data == NULL && key.size > 0))
        at_hand(op, PAA_STATUS_INVALID, "a table's call without table or key");
    else if (key.size > STORE_KEY_MAX)
        at_hand(op, PAA_STATUS_TOO_LARGE, "a table's key has at most 255 bytes");
    else
        return true;
    return false;
}

static void ask(struct op *op, struct store_request *request)
{
    if (request == NULL) {
        at_hand(op, PAA_STATUS_UNAVAILABLE, "no memory");
    } else if (request->now_s < 0) {
        request_free(request);
        at_hand(op, PAA_STATUS_UNAVAILABLE, "the clock failed");
    } else if (request->store->path == NULL) {
        memory_run(op, request);
    } else {
        request_queue(op, request);
    }
}

/* ---- get ---- */

static enum paa_status judge_found(struct op *op, const struct image_record *record)
{
    int64_t now_s;

    if (record->expires_at_s == 0)
        return PAA_STATUS_OK;
    now_s = clock_now_s(&op->services->clock);
    if (now_s < 0)
        return PAA_STATUS_UNAVAILABLE;
    return image_expired(record->expires_at_s, now_s) ? PAA_STATUS_NONE : PAA_STATUS_OK;
}

static void show(struct op *op, const struct image_record *record)
{
    struct paa_record *came = &op->wait.came.record;

    came->struct_size = sizeof *came;
    came->flags = 0;
    came->expires_at_s = record->expires_at_s;
    came->version = record->version;
    came->key = image_key(record);
    came->value = image_value(record);
}

/* The hot path: no lock, no allocation, no shared write. False: the image cannot say. */
static bool get_from_image(struct op *op, struct paa_table *table, struct paa_bytes key)
{
    struct store *store = table->attachment->store;
    uint32_t id = atomic_load_explicit(&table->shared->id, memory_order_acquire);
    const struct image_record *record;
    enum image_look look;
    enum paa_status status = PAA_STATUS_NONE;

    if (id == 0 || table->shared->is_rare || table->attachment->overlay != NULL)
        return false;
    look = image_look(&store->image, store->word.at, op->pins, &op->expected, id, key, &record);
    if (look == IMAGE_ASK)
        return false;
    if (atomic_load_explicit(&table->shared->id, memory_order_acquire) !=
        id) { /* another file now */
        pins_release(op->pins, op->wait.pin_mark);
        return false;
    }
    if (look == IMAGE_HIT) {
        status = judge_found(op, record);
        if (status == PAA_STATUS_OK)
            show(op, record);
        else
            pins_release(op->pins, op->wait.pin_mark);
    }
    op->wait.status = status;
    op_wait_ready(op);
    return true;
}

static enum paa_result table_get(struct paa_op *pub, struct paa_table *table, struct paa_bytes key,
                                 paa_store_fn then, void *context)
{
    struct op *op = op_of(pub);

    if (!begin(op, &kind_get, then, context) || !sound(op, table, key))
        return PAA_PENDING;
    if (!get_from_image(op, table, key))
        ask(op, request_new(op, table, STORE_GET, key, BYTES_NONE));
    return PAA_PENDING;
}

/* Its pin lies below those of the waits to come, so that none of them lets go of it. */
static void table_expect(struct paa_op *pub, struct paa_table *table, struct paa_bytes key)
{
    struct op *op = op_of(pub);
    uint32_t id;

    if (table == NULL || (key.data == NULL && key.size > 0) || op->wait.state != OP_WAIT_NONE)
        return;
    id = atomic_load_explicit(&table->shared->id, memory_order_acquire);
    if (id != 0 && !table->shared->is_rare && table->attachment->overlay == NULL)
        image_expect(&table->attachment->store->image, op->pins, &op->expected, id, key);
}

/* ---- writes ---- */

static bool may_write(struct op *op, const struct paa_table *table)
{
    if (!(table->flags & PAA_TABLE_TRUSTED) || op->slot == OP_VERB)
        return true;
    at_hand(op, PAA_STATUS_INVALID, "records that decide who is let in are written by verbs only");
    return false;
}

static bool sound_put(struct op *op, const struct paa_record *record, uint32_t flags)
{
    bool both = (flags & PAA_PUT_NEW) && (flags & PAA_PUT_SAME);

    if (record == NULL || !PAA_HAS_MEMBER(record, value) || record->flags != 0 || both ||
        (flags & ~(uint32_t)PUT_FLAGS) != 0)
        at_hand(op, PAA_STATUS_INVALID, "a record or the flags of a put are not valid");
    else if (record->expires_at_s < 0 || ((flags & PAA_PUT_SAME) && record->version == 0) ||
             (record->value.data == NULL && record->value.size > 0))
        at_hand(op, PAA_STATUS_INVALID, "a record's expiry, version or value is not valid");
    else if (record->value.size > STORE_VALUE_MAX)
        at_hand(op, PAA_STATUS_TOO_LARGE, "a record's value has at most 1 MiB");
    else
        return true;
    return false;
}

static enum paa_result table_put(struct paa_op *pub, struct paa_table *table,
                                 const struct paa_record *record, uint32_t flags, paa_store_fn then,
                                 void *context)
{
    struct op *op = op_of(pub);
    struct store_request *request;

    if (!begin(op, &kind_put, then, context) || !sound_put(op, record, flags) ||
        !sound(op, table, record->key) || !may_write(op, table))
        return PAA_PENDING;
    request = request_new(op, table, STORE_PUT, record->key, record->value);
    if (request != NULL) {
        request->flags = flags;
        request->version = record->version;
        request->expires_at_s = record->expires_at_s;
    }
    op->is_committed = op->is_committed || (flags & PAA_PUT_DURABLE) != 0;
    ask(op, request);
    return PAA_PENDING;
}

static enum paa_result table_remove(struct paa_op *pub, struct paa_table *table,
                                    struct paa_bytes key, uint64_t version, paa_store_fn then,
                                    void *context)
{
    struct op *op = op_of(pub);
    struct store_request *request;

    if (!begin(op, &kind_remove, then, context) || !sound(op, table, key) || !may_write(op, table))
        return PAA_PENDING;
    request = request_new(op, table, STORE_REMOVE, key, BYTES_NONE);
    if (request != NULL)
        request->version = version;
    ask(op, request);
    return PAA_PENDING;
}

/* ---- next, lock ---- */

static enum paa_result table_next(struct paa_op *pub, struct paa_table *table,
                                  struct paa_bytes prefix, struct paa_bytes after,
                                  paa_store_fn then, void *context)
{
    struct op *op = op_of(pub);

    if (!begin(op, &kind_next, then, context) || !sound(op, table, prefix) ||
        !sound(op, table, after))
        return PAA_PENDING;
    ask(op, request_new(op, table, STORE_NEXT, prefix, after));
    return PAA_PENDING;
}

static enum paa_result table_lock(struct paa_op *pub, struct paa_table *table, struct paa_bytes key,
                                  paa_store_fn then, void *context)
{
    struct op *op = op_of(pub);

    if (!begin(op, &kind_lock, then, context) || !sound(op, table, key))
        return PAA_PENDING;
    if (op->store_lock != NULL)
        at_hand(op, PAA_STATUS_INVALID, "an operation holds one key at a time");
    else
        ask(op, request_new(op, table, STORE_LOCK, key, BYTES_NONE));
    return PAA_PENDING;
}

static int table_lasts(struct paa_op *pub, const struct paa_table *table)
{
    (void)pub;
    return table != NULL && store_is_kept(table);
}

const struct paa_host_store services_host_store = {
    .struct_size = sizeof(struct paa_host_store),
    .open = table_open,
    .get = table_get,
    .put = table_put,
    .remove = table_remove,
    .next = table_next,
    .lock = table_lock,
    .expect = table_expect,
    .lasts = table_lasts,
};
