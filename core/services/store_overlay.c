/* SPDX-License-Identifier: MIT */
/*
 * What a context that must change nothing has written (PAA_OPEN_OFFLINE): kept in memory, read before the file,
 * gone with the context. A handful of records in a list, newest first. Knows no SQL.
 */
#include "store_parts.h"

#include <stdlib.h>

struct overlay_item {
    struct overlay_item *next;
    const struct store_table *table;
    struct overlay_entry entry;
    unsigned char bytes[];
};

struct overlay {
    struct overlay_item *items; /* one per key */
    size_t count;
};

struct overlay *overlay_new(void)
{
    return calloc(1, sizeof(struct overlay));
}

static void item_free(struct overlay_item *item)
{
    secret_wipe(item->bytes, item->entry.key.size + item->entry.value.size);
    free(item);
}

void overlay_free(struct overlay *overlay)
{
    struct overlay_item *item;

    if (overlay == NULL)
        return;
    while ((item = overlay->items) != NULL) {
        overlay->items = item->next;
        item_free(item);
    }
    free(overlay);
}

static bool same_key(const struct overlay_item *item, const struct store_table *table,
                     struct paa_bytes key)
{
    return item->table == table && image_compare(item->entry.key, key) == 0;
}

bool overlay_find(struct overlay *overlay, const struct store_table *table, struct paa_bytes key,
                  struct overlay_entry *ret_entry)
{
    for (struct overlay_item *item = overlay->items; item != NULL; item = item->next) {
        if (!same_key(item, table, key))
            continue;
        *ret_entry = item->entry;
        return true;
    }
    return false;
}

bool overlay_next(struct overlay *overlay, const struct store_table *table, struct paa_bytes from,
                  bool behind, struct overlay_entry *ret_entry)
{
    bool any = false;

    for (struct overlay_item *item = overlay->items; item != NULL; item = item->next) {
        int order = image_compare(item->entry.key, from);

        if (item->table != table || order < 0 || (behind && order == 0))
            continue;
        if (any && image_compare(item->entry.key, ret_entry->key) >= 0)
            continue;
        *ret_entry = item->entry;
        any = true;
    }
    return any;
}

int overlay_put(struct overlay *overlay, const struct store_table *table,
                const struct overlay_entry *entry)
{
    struct overlay_item *item = malloc(sizeof *item + entry->key.size + entry->value.size);

    if (item == NULL || overlay->count >= STORE_OVERLAY_MAX) {
        free(item);
        return -1;
    }
    item->table = table;
    item->entry = *entry;
    item->entry.key.data = item->bytes;
    item->entry.value.data = item->bytes + entry->key.size;
    if (entry->key.size > 0)
        memcpy(item->bytes, entry->key.data, entry->key.size);
    if (entry->value.size > 0)
        memcpy(item->bytes + entry->key.size, entry->value.data, entry->value.size);
    for (struct overlay_item **at = &overlay->items; *at != NULL; at = &(*at)->next) {
        struct overlay_item *old = *at;

        if (!same_key(old, table, entry->key))
            continue;
        *at = old->next;
        item_free(old);
        overlay->count--;
        break;
    }
    item->next = overlay->items;
    overlay->items = item;
    overlay->count++;
    return 0;
}
