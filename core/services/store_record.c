/* SPDX-License-Identifier: MIT */
/*
 * Memory of an image's records: one malloc each, or, in a bulk load, side by side in slabs that go back to the
 * system when their last record was freed. Secrets lie in slabs of secret memory, large ones alone. Knows no slot
 * and no reader.
 */
#include "store_record.h"
#include "secret.h"

#include <stdlib.h>
#include <sys/mman.h>

struct image_slab {
    _Atomic size_t live; /* records, and 1 while it is being filled */
    size_t used;
};

void *pages_new(size_t size)
{
    size_t whole = size + IMAGE_SLAB_SIZE;
    unsigned char *at =
        mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t lead;

    if (at == MAP_FAILED)
        return NULL;
    lead = (IMAGE_SLAB_SIZE - (uintptr_t)at % IMAGE_SLAB_SIZE) % IMAGE_SLAB_SIZE;
    if (lead > 0)
        munmap(at, lead);
    if (whole - lead > size)
        munmap(at + lead + size, whole - lead - size);
    madvise(at + lead, size, MADV_HUGEPAGE);
    return at + lead;
}

static void slab_drop(struct image_slab *slab, bool is_secret)
{
    if (atomic_fetch_sub_explicit(&slab->live, 1, memory_order_acq_rel) != 1)
        return;
    if (is_secret)
        secret_free(slab, IMAGE_SECRETS_SIZE);
    else
        munmap(slab, IMAGE_SLAB_SIZE);
}

static size_t record_size(size_t key_size, size_t value_size)
{
    size_t size = offsetof(struct image_record, bytes) + key_size + value_size;

    return (size + 7) & ~(size_t)7;
}

size_t record_bytes(const struct image_record *record)
{
    return record_size(record->key_size, record->value_size);
}

size_t record_weight(const struct image_record *record)
{
    if (record->flags & IMAGE_RECORD_CELL)
        return 0;
    return record_bytes(record) + (record->flags & IMAGE_RECORD_SLAB ? 0 : sizeof(void *));
}

void record_free(void *object, void *arg)
{
    struct image_record *record = object;
    bool is_secret = record->flags & IMAGE_RECORD_WIPE;
    bool in_slab = record->flags & IMAGE_RECORD_SLAB;
    uintptr_t slab_size = is_secret ? IMAGE_SECRETS_SIZE : IMAGE_SLAB_SIZE;

    (void)arg;
    if (is_secret)
        secret_wipe(record->bytes, (size_t)record->key_size + record->value_size);
    if (in_slab) /* slabs are aligned to their size */
        slab_drop((struct image_slab *)((uintptr_t)record & ~(slab_size - 1)), is_secret);
    else if (is_secret)
        secret_free(record, record_size(record->key_size, record->value_size));
    else
        free(record);
}

static void *slab_take(struct image_owner *owner, size_t size)
{
    struct image_slab *slab = owner->slab;

    if (slab == NULL || slab->used + size > IMAGE_SLAB_SIZE) {
        image_bulk_end(owner);
        slab = pages_new(IMAGE_SLAB_SIZE);
        if (slab == NULL)
            return NULL;
        atomic_store_explicit(&slab->live, 1, memory_order_relaxed);
        slab->used = 64;
        owner->slab = slab;
        owner->bulk = true;
    }
    atomic_fetch_add_explicit(&slab->live, 1, memory_order_relaxed);
    slab->used += size;
    return (unsigned char *)slab + slab->used - size;
}

void image_bulk_end(struct image_owner *owner)
{
    owner->bulk = false;
    if (owner->slab != NULL)
        slab_drop(owner->slab, false);
    owner->slab = NULL;
}

static size_t kept_of(const struct image_owner *owner, const struct image_entry *entry)
{
    bool is_elsewhere =
        entry->value.size > owner->inline_max || (entry->flags & IMAGE_RECORD_ELSEWHERE) != 0;

    return is_elsewhere ? 0 : entry->value.size;
}

size_t record_size_of(const struct image_owner *owner, const struct image_entry *entry)
{
    return record_size(entry->key.size, kept_of(owner, entry));
}

void record_write(const struct image_owner *owner, const struct image_entry *entry, uint8_t flags,
                  struct image_record *at)
{
    size_t kept = kept_of(owner, entry);

    at->expires_at_s = entry->expires_at_s;
    at->version = entry->version;
    at->table = entry->table;
    at->value_size = (uint32_t)kept;
    at->key_size = (uint8_t)entry->key.size;
    at->flags = (uint8_t)(entry->flags | flags);
    if (kept < entry->value.size)
        at->flags |= IMAGE_RECORD_ELSEWHERE;
    memcpy(at->bytes, entry->key.data, entry->key.size);
    if (kept > 0)
        memcpy(at->bytes + entry->key.size, entry->value.data, kept);
}

void secrets_end(struct image_owner *owner)
{
    if (owner->secrets != NULL)
        slab_drop(owner->secrets, true);
    owner->secrets = NULL;
}

static void *secrets_take(struct image_owner *owner, size_t size)
{
    struct image_slab *slab = owner->secrets;

    if (slab == NULL || slab->used + size > IMAGE_SECRETS_SIZE) {
        secrets_end(owner);
        slab = secret_alloc_aligned(IMAGE_SECRETS_SIZE);
        if (slab == NULL)
            return NULL;
        atomic_store_explicit(&slab->live, 1, memory_order_relaxed);
        slab->used = 64;
        owner->secrets = slab;
    }
    atomic_fetch_add_explicit(&slab->live, 1, memory_order_relaxed);
    slab->used += size;
    return (unsigned char *)slab + slab->used - size;
}

static void *room_for(struct image_owner *owner, size_t size, bool is_secret, bool in_slab)
{
    if (is_secret)
        return in_slab ? secrets_take(owner, size) : secret_alloc(size);
    return in_slab ? slab_take(owner, size) : malloc(size);
}

struct image_record *record_new(struct image_owner *owner, const struct image_entry *entry)
{
    size_t size = record_size_of(owner, entry);
    bool is_secret = entry->flags & IMAGE_RECORD_WIPE;
    bool slab = is_secret ? size <= IMAGE_SECRETS_RECORD_MAX
                          : owner->bulk && size <= IMAGE_SLAB_RECORD_MAX &&
                                image_count(owner) >= IMAGE_SLAB_AFTER;
    struct image_record *record = room_for(owner, size, is_secret, slab);

    if (record != NULL)
        record_write(owner, entry, slab ? IMAGE_RECORD_SLAB : 0, record);
    return record;
}
