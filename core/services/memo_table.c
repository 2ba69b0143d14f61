/* SPDX-License-Identifier: MIT */
/*
 * Keys and values of one memo. Readers walk a table of words and pin what they find; writers hold the group's
 * lock. A reader that misses what is being moved looks again under the lock, so it may see too little, never
 * what is gone. Knows no run and no plugin but `release`.
 */
#include "memo_inner.h"

#include "hint.h"

#include <stdlib.h>

enum {
    TABLE_FIRST = 16,
    OBJECT_NEAR = 256 /* bytes of an object that are asked for before somebody looks there */
};

/* ---- the readers' side -------------------------------------------------------------------------- */

static uint64_t tag_of(uint64_t hash)
{
    return hash | (uint64_t)1 << 63;
}

static bool same_key(const void *data, size_t size, struct paa_bytes key)
{
    return size == key.size && LIKELY(size == 0 || memcmp(data, key.data, size) == 0);
}

/* All that a hit reads: it lies where the processor has not been for long. The place may be another's; then it was
 * asked for in vain. */
void memo_look_ahead(const struct paa_memo *memo, uint64_t hash, size_t key_size)
{
    const struct memo_table *table = atomic_load_explicit(&memo->table, memory_order_acquire);
    const struct memo_place *place;

    if (UNLIKELY(table == NULL))
        return;
    place = &table->places[hash & table->mask];
    fetch_near(atomic_load_explicit(&place->object, memory_order_relaxed), OBJECT_NEAR);
    fetch_near(atomic_load_explicit(&place->value, memory_order_relaxed),
               sizeof(struct memo_value) + key_size);
}

struct memo_value *memo_look(struct paa_memo *memo, struct pins *pins, uint64_t hash,
                             struct paa_bytes key)
{
    struct memo_table *table = atomic_load_explicit(&memo->table, memory_order_acquire);
    uint64_t tag = tag_of(hash), found;
    size_t mark = pins_mark(pins);
    struct memo_value *value;

    if (table == NULL)
        return NULL;
    for (size_t i = hash & table->mask, n = 0; n <= table->mask; i = (i + 1) & table->mask, n++) {
        struct memo_place *place = &table->places[i];

        found = atomic_load_explicit(&place->tag, memory_order_acquire);
        if (UNLIKELY(found == 0))
            return NULL;
        if (UNLIKELY(found != tag))
            continue;
        value = pins_get(pins, &place->value);
        if (LIKELY(value != NULL && value->hash == hash &&
                   same_key(value->data, value->key_size, key)))
            return value;
        pins_release(pins, mark);
    }
    return NULL;
}

/* ---- the table; the group's lock is held -------------------------------------------------------- */

static struct memo_table *table_of(struct paa_memo *memo)
{
    return atomic_load_explicit(&memo->table, memory_order_relaxed);
}

static void fill_value(struct memo_place *place, struct memo_value *value)
{
    atomic_store_explicit(&place->object, value != NULL ? value->object : NULL,
                          memory_order_relaxed);
    atomic_store(&place->value, value);
}

static void fill_place(struct memo_table *table, size_t index, struct memo_entry *entry)
{
    struct memo_place *place = &table->places[index];

    table->entries[index] = entry;
    fill_value(place, entry != NULL ? entry->value : NULL);
    atomic_store_explicit(&place->tag, entry != NULL ? tag_of(entry->hash) : 0,
                          memory_order_release);
}

static void table_free(struct memo_table *table)
{
    free(table->entries);
    free(table->places);
    free(table);
}

static struct memo_table *table_new(size_t room)
{
    struct memo_table *table = calloc(1, sizeof *table);

    if (table == NULL)
        return NULL;
    table->mask = room - 1;
    table->entries = calloc(room, sizeof(struct memo_entry *));
    table->places = calloc(room, sizeof *table->places);
    if (table->entries == NULL || table->places == NULL) {
        table_free(table);
        return NULL;
    }
    return table;
}

static size_t free_place(const struct memo_table *table, uint64_t hash)
{
    size_t i = hash & table->mask;

    while (table->entries[i] != NULL)
        i = (i + 1) & table->mask;
    return i;
}

static size_t place_of(const struct memo_table *table, const struct memo_entry *entry)
{
    size_t i = entry->hash & table->mask;

    while (table->entries[i] != entry)
        i = (i + 1) & table->mask;
    return i;
}

/* The old one stays, empty: a reader may be on its way through it, and finds nothing there. */
static bool make_room(struct paa_memo *memo)
{
    struct memo_table *old = table_of(memo), *table;

    if (old != NULL && (memo->count + 1) * 2 <= old->mask)
        return true;
    table = table_new(old != NULL ? (old->mask + 1) * 2 : (size_t)TABLE_FIRST);
    if (table == NULL)
        return false;
    table->older = old;
    for (size_t i = 0; old != NULL && i <= old->mask; i++)
        if (old->entries[i] != NULL)
            fill_place(table, free_place(table, old->entries[i]->hash), old->entries[i]);
    atomic_store_explicit(&memo->table, table, memory_order_release);
    for (size_t i = 0; old != NULL && i <= old->mask; i++)
        fill_place(old, i, NULL);
    return true;
}

/* Those behind move up, so that no chain has a hole. */
static void take_out(struct memo_table *table, const struct memo_entry *entry)
{
    size_t hole = place_of(table, entry), i = hole;

    for (;;) {
        struct memo_entry *next;
        size_t wanted;

        i = (i + 1) & table->mask;
        next = table->entries[i];
        if (next == NULL)
            break;
        wanted = next->hash & table->mask;
        if (((i - wanted) & table->mask) < ((i - hole) & table->mask))
            continue;
        fill_place(table, hole, next);
        hole = i;
    }
    fill_place(table, hole, NULL);
}

/* ---- entries ------------------------------------------------------------------------------------ */

struct memo_entry *memo_find(struct paa_memo *memo, uint64_t hash, struct paa_bytes key)
{
    const struct memo_table *table = table_of(memo);
    struct memo_entry *entry;

    if (table == NULL)
        return NULL;
    for (size_t i = hash & table->mask; (entry = table->entries[i]) != NULL;
         i = (i + 1) & table->mask)
        if (entry->hash == hash && same_key(entry->key, entry->key_size, key))
            return entry;
    return NULL;
}

struct memo_entry *memo_make(struct paa_memo *memo, uint64_t hash, struct paa_bytes key,
                             struct memo_bin *bin)
{
    struct memo_entry *entry = memo_find(memo, hash, key);

    if (entry != NULL)
        return entry;
    entry = make_room(memo) ? calloc(1, sizeof *entry) : NULL;
    if (entry == NULL)
        return NULL;
    entry->key = memo_memory(memo, key.size + 1);
    if (entry->key == NULL) {
        free(entry);
        return NULL;
    }
    if (key.size > 0)
        memcpy(entry->key, key.data, key.size);
    entry->key_size = key.size;
    entry->hash = hash;
    list_add_last(&memo->others, &entry->link);
    memo->negatives++;
    memo->count++;
    fill_place(table_of(memo), free_place(table_of(memo), hash), entry);
    memo_tidy(memo, entry, bin);
    return entry;
}

static void entry_free(struct paa_memo *memo, struct memo_entry *entry)
{
    if (!entry->is_kept)
        memo->negatives--;
    list_remove(&entry->link);
    take_out(table_of(memo), entry);
    memo->count--;
    memo_memory_free(memo_is_secret(memo), entry->key, entry->key_size + 1);
    free(entry);
}

static size_t weight_of(const struct memo_value *value)
{
    return value != NULL && !value->is_negative ? value->weight : 0;
}

static size_t weight_of_entry(const struct memo_entry *entry)
{
    return weight_of(entry->value) + weight_of(entry->raw) + weight_of(entry->previous);
}

/* After its values changed: among those that count in bytes, or among those that count in number. */
static void put_in_place(struct paa_memo *memo, struct memo_entry *entry, size_t weight_before)
{
    size_t weight = weight_of_entry(entry);
    bool is_kept = weight > 0;

    memo->bytes += weight - weight_before;
    if (is_kept == entry->is_kept)
        return;
    list_remove(&entry->link);
    list_add_last(is_kept ? &memo->kept : &memo->others, &entry->link);
    memo->negatives += is_kept ? (size_t)-1 : 1;
    entry->is_kept = is_kept;
}

static void show(struct paa_memo *memo, struct memo_entry *entry, struct memo_value *value)
{
    struct memo_table *table = table_of(memo);

    entry->value = value;
    fill_value(&table->places[place_of(table, entry)], value);
}

void memo_publish(struct memo_entry *entry, struct memo_value *value, struct memo_bin *bin)
{
    struct paa_memo *memo = value->memo;
    size_t before = weight_of_entry(entry);

    memo_bin_add(bin, entry->value);
    memo_bin_add(bin, entry->raw);
    entry->raw = NULL;
    if (!value->is_negative) {
        memo_bin_add(bin, entry->previous);
        entry->previous = NULL;
    }
    show(memo, entry, value);
    put_in_place(memo, entry, before);
}

void memo_demote(struct paa_memo *memo, struct memo_entry *entry, struct memo_bin *bin)
{
    struct memo_value *value = entry->value != NULL ? entry->value : entry->raw;
    size_t before = weight_of_entry(entry);

    if (value == NULL)
        return;
    if (entry->value != NULL)
        show(memo, entry, NULL);
    if (value != entry->raw)
        memo_bin_add(bin, entry->raw);
    entry->raw = NULL;
    if (value->is_negative) {
        memo_bin_add(bin, value);
    } else {
        memo_bin_add(bin, entry->previous);
        entry->previous = value;
    }
    put_in_place(memo, entry, before);
}

void memo_forget(struct paa_memo *memo, struct memo_entry *entry, struct memo_bin *bin)
{
    size_t before = weight_of_entry(entry);

    memo_bin_add(bin, entry->value);
    memo_bin_add(bin, entry->raw);
    memo_bin_add(bin, entry->previous);
    if (entry->value != NULL)
        show(memo, entry, NULL);
    entry->raw = NULL;
    entry->previous = NULL;
    put_in_place(memo, entry, before);
}

void memo_take_raw(struct paa_memo *memo, struct memo_entry *entry)
{
    size_t before = weight_of_entry(entry);

    entry->raw = NULL;
    put_in_place(memo, entry, before);
}

void memo_set_raw(struct paa_memo *memo, struct memo_entry *entry, struct memo_value *value,
                  struct memo_bin *bin)
{
    size_t before = weight_of_entry(entry);

    memo_bin_add(bin, entry->raw);
    entry->raw = value;
    put_in_place(memo, entry, before);
}

/* ---- what has to go ----------------------------------------------------------------------------- */

static bool is_over(const struct memo_entry *entry, struct memo_now now)
{
    const struct memo_value *value = entry->value != NULL ? entry->value : entry->raw;

    if (value != NULL && memo_is_kept(value, now))
        return false;
    if (entry->previous != NULL && memo_is_kept(entry->previous, now))
        return false;
    return entry->forced_ms <= now.ms && entry->dropped_ms <= now.ms && entry->retry_ms <= now.ms;
}

static bool was_used(struct memo_entry *entry)
{
    return entry->value != NULL &&
           atomic_exchange_explicit(&entry->value->is_used, false, memory_order_relaxed);
}

/* The first of the list goes, or, if the memo is full, moves to its end. False: it stays, and so do all behind. */
static bool turn(struct paa_memo *memo, struct list *list, const struct memo_entry *spared,
                 bool is_full, struct memo_now now, struct memo_bin *bin)
{
    struct memo_entry *entry = LIST_ENTRY(list->next, struct memo_entry, link);
    bool may_go = entry != spared && entry->run == NULL;

    if (may_go && (is_over(entry, now) || (is_full && !was_used(entry)))) {
        memo_forget(memo, entry, bin);
        entry_free(memo, entry);
        return true;
    }
    if (!is_full)
        return false;
    list_remove(&entry->link);
    list_add_last(list, &entry->link);
    return true;
}

/* When full, twice around at most: the first time all may have been used since the last. */
static void tidy_list(struct paa_memo *memo, struct list *list, bool is_kept,
                      const struct memo_entry *spared, struct memo_bin *bin)
{
    struct memo_now now = memo_now(memo->group->memos);
    size_t most = memo->count * 2 + 2;
    bool goes_on = true;

    for (size_t n = 0; n < most && goes_on && !list_empty(list); n++) {
        bool is_full =
            is_kept ? memo->bytes > memo->max_bytes : memo->negatives > memo->max_negatives;

        goes_on = turn(memo, list, spared, is_full, now, bin);
    }
}

void memo_tidy(struct paa_memo *memo, struct memo_entry *spared, struct memo_bin *bin)
{
    tidy_list(memo, &memo->kept, true, spared, bin);
    tidy_list(memo, &memo->others, false, spared, bin);
}

void memo_table_free(struct paa_memo *memo, struct memo_bin *bin)
{
    struct list *lists[] = { &memo->kept, &memo->others };
    struct memo_table *table = table_of(memo);

    for (size_t i = 0; i < 2; i++)
        while (!list_empty(lists[i])) {
            struct memo_entry *entry = LIST_ENTRY(lists[i]->next, struct memo_entry, link);

            memo_forget(memo, entry, bin); /* moves it to the others */
            entry_free(memo, entry);
        }
    while (table != NULL) {
        struct memo_table *older = table->older;

        table_free(table);
        table = older;
    }
    atomic_store(&memo->table, NULL);
}
